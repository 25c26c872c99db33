"""Schedules of 20,000 unlike notes, ours in one call beside a loop over QuantLib's Python binding, in one process.

The notes differ in frequency, direction, end-of-month rule, conventions and calendar; dates are adjusted. Both begin at
the same arrays of days and of words (as codes) and end at flat arrays: QuantLib's at the serial days of each schedule,
ours at those and, besides, payment, record and reference dates. QuantLib runs on the first notes only, its time scaled
by dates; once building its dates and periods from the arrays, and once with these built beforehand.

Run it with ``python benchmarks/bench_schedules.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import QuantLib as ql
from harness import Bench, Contender

import notecalc as nc
from notecalc.core.calendars import CONVENTIONS

NOTES, SAMPLE = 20_000, 1_000
EPOCH = ql.Date(1, 1, 1970).serialNumber()
IN_QUANTLIB = (ql.Following, ql.ModifiedFollowing, ql.Preceding, ql.ModifiedPreceding, ql.Nearest)
DIRECTIONS = ("backward", "forward")
RULES = (ql.DateGeneration.Backward, ql.DateGeneration.Forward)
CALENDARS = ("us-federal-reserve", "nyse", "target")
PEERS = (ql.UnitedStates(ql.UnitedStates.FederalReserve), ql.UnitedStates(ql.UnitedStates.NYSE), ql.TARGET())
PERIODS = {
    **{frequency: (12 // frequency, ql.Months) for frequency in (1, 2, 4, 12)},
    13: (28, ql.Days),
    52: (1, ql.Weeks),
}


def main() -> None:
    """Time both from arrays to arrays, and ours to a frame."""
    rng = np.random.default_rng(2004)
    issue = np.datetime64("2000-01-01") + rng.integers(0, 9_000, NOTES)
    maturity = issue + rng.integers(300, 5_500, NOTES)
    frequency = rng.choice([1, 2, 4, 12, 13, 52], NOTES, p=[0.2, 0.4, 0.25, 0.1, 0.03, 0.02])
    end_of_month = rng.random(NOTES) < 0.3
    convention, own = rng.integers(0, len(IN_QUANTLIB), (2, NOTES))
    direction, calendar = rng.integers(0, 2, NOTES), rng.integers(0, len(CALENDARS), NOTES)

    def terms() -> nc.Notes:
        words: dict[str, Any] = {
            "generation": pd.Categorical.from_codes(direction, DIRECTIONS),
            "business_day_convention": pd.Categorical.from_codes(convention, CONVENTIONS),
            "maturity_convention": pd.Categorical.from_codes(own, CONVENTIONS),
            "calendar": pd.Categorical.from_codes(calendar, CALENDARS),
        }
        return nc.Notes(issue_date=issue, maturity=maturity, frequency=frequency, end_of_month=end_of_month, **words,
                        accrual_adjusted=True, principal=100, annual_rate=0.08, day_count="30/360")  # fmt: skip

    sample = slice(SAMPLE)
    serials = [dates[sample].astype(np.int64) + EPOCH for dates in (issue, maturity)]
    columns = [column[sample].tolist() for column in (convention, own, direction, calendar, end_of_month)]

    def loop(starts: list[Any], ends: list[Any], steps: list[Any]) -> np.ndarray:
        days: list[int] = []
        for start, end, step, rule, last, way, where, at_end in zip(starts, ends, steps, *columns, strict=True):
            made = ql.Schedule(
                start, end, step, PEERS[where], IN_QUANTLIB[rule], IN_QUANTLIB[last], RULES[way], at_end
            )  # fmt: skip
            days.extend([date.serialNumber() for date in made])
        return np.array(days)

    def from_arrays() -> np.ndarray:
        starts, ends = ([ql.Date(serial) for serial in column.tolist()] for column in serials)
        return loop(starts, ends, [ql.Period(*PERIODS[f]) for f in frequency[sample].tolist()])

    dates = [[ql.Date(serial) for serial in column.tolist()] for column in serials]
    steps = [ql.Period(*PERIODS[f]) for f in frequency[sample].tolist()]

    def dates_of(result: Any) -> Any:
        """All dates of each note: where a note begins, its first, and then the end of each period."""
        if isinstance(result, np.ndarray):
            return result
        if isinstance(result, pd.DataFrame):
            result = nc.resolve(notes)
        begins = result.offsets[:-1]
        ends = result.accrual_end.view(np.int64) + EPOCH
        return np.insert(ends, begins, result.accrual_start[begins].view(np.int64) + EPOCH)

    notes = terms()
    rows = len(nc.resolve(notes))
    peer_rows = from_arrays().size - SAMPLE
    bench = Bench("Schedules of many notes")
    peers = [
        Contender("QuantLib loop, from arrays", peer_rows, from_arrays),
        Contender("QuantLib loop, dates and periods prebuilt", peer_rows, lambda: loop(*dates, steps)),
    ]
    to_arrays = Contender("ours", rows, lambda: nc.resolve(terms()))
    bench.compare("terms to arrays of periods", to_arrays, peers, result=dates_of)
    resolved = Contender("ours", rows, lambda: nc.resolve(notes))
    # written for each row: its note and eight dates
    bench.compare("notes to arrays of periods", resolved, peers, result=dates_of, bytes_per_row=9 * 8)
    bench.compare("notes to a frame", Contender("ours", rows, lambda: nc.schedules(notes)), peers, result=dates_of)
    bench.finish(f"A row is a coupon period; {NOTES:,} notes of {rows:,} periods, QuantLib's loop on {SAMPLE:,} notes.")


if __name__ == "__main__":
    main()
