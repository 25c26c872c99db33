"""Year fractions by each day count beside a loop over QuantLib's Python binding, in one process.

Ours is `notecalc.year_fraction` on contiguous arrays with the output allocated before, on one core. QuantLib does a
sample of the same rows where it has the convention, from the same arrays of serial days. Run it with
``python benchmarks/bench_daycounts.py``; the numbers mean what `harness` says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import QuantLib as ql
from harness import Bench, Contender

import notecalc as nc
from notecalc.core.conventions import DAY_COUNTS

ROWS = 5_000_000
SAMPLE = 30_000
EPOCH = ql.Date(1, 1, 1970).serialNumber()
FED = "us-federal-reserve"
# A maturity beyond all dates: none of the periods is the last.
MATURITY, IN_QUANTLIB_MATURITY = np.datetime64("2199-12-31"), ql.Date(31, 12, 2199)
PEERS = {
    "30/360": ql.Thirty360(ql.Thirty360.BondBasis),
    "30u/360 eom": ql.Thirty360(ql.Thirty360.USA),
    "30e/360": ql.Thirty360(ql.Thirty360.EurobondBasis),
    "30e/360 isda": ql.Thirty360(ql.Thirty360.ISDA, IN_QUANTLIB_MATURITY),
    "actual/360": ql.Actual360(),
    "actual/364": ql.Actual364(),
    "actual/365 fixed": ql.Actual365Fixed(),
    "actual/365.25": ql.Actual36525(),
    "nl/365": ql.Actual365Fixed(ql.Actual365Fixed.NoLeap),
    "actual/actual isda": ql.ActualActual(ql.ActualActual.ISDA),
    "actual/actual icma": ql.ActualActual(ql.ActualActual.ISMA),
    "business/252": ql.Business252(ql.UnitedStates(ql.UnitedStates.FederalReserve)),
    "1/1": ql.OneDayCounter(),
}


def main() -> None:
    """Time every day count."""
    bench = Bench("Year fractions by day count, one core")
    for name, count in DAY_COUNTS.items():
        columns, given = spans(name)
        out = np.zeros(ROWS)

        def ours(
            name: str = name, dates: Any = columns[:2], given: dict[str, Any] = given, out: np.ndarray = out
        ) -> np.ndarray:
            return nc.year_fraction(*dates, name, **given, threads=1, out=out)

        peers = [Contender("QuantLib loop, dates built", SAMPLE, loop(PEERS[name], columns))] if name in PEERS else []
        read = 8 * (len(columns) + ("frequency" in count.needs) + 1)
        bench.compare(name, Contender(name, ROWS, ours), peers, bytes_per_row=read, tolerance=1e-14)
    bench.finish()


def spans(name: str) -> tuple[list[np.ndarray], dict[str, Any]]:
    """Give columns of dates (start, end and the period if there is one), and what the day count needs by name."""
    rng = np.random.default_rng(2004)
    start = np.datetime64("2000-01-01") + rng.integers(0, 7_000, ROWS)
    end = start + rng.integers(0, 400, ROWS)
    if name == "30e/360 isda":
        return [start, end], {"maturity": np.full(ROWS, MATURITY)}
    if name == "business/252":
        return [start, end], {"calendar": FED}
    if name not in {"actual/365l", "actual/actual icma"}:
        return [start, end], {}
    frequency = rng.choice([1, 2, 4], ROWS)
    month = start.astype("datetime64[M]")
    first, last = month.astype("datetime64[D]"), (month + 12 // frequency).astype("datetime64[D]")
    period = {"period_start": first, "period_end": last, "frequency": frequency.astype(np.float64)}
    return [start, np.minimum(end, last), first, last], period


def loop(peer: ql.DayCounter, columns: list[np.ndarray]) -> Callable[[], list[float]]:
    """Make QuantLib's loop over a sample of the rows, from serial days."""
    serials = [column[:SAMPLE].astype(np.int64) + EPOCH for column in columns]

    def run() -> list[float]:
        rows = zip(*(column.tolist() for column in serials), strict=True)
        return [peer.yearFraction(*map(ql.Date, row)) for row in rows]

    return run


if __name__ == "__main__":
    main()
