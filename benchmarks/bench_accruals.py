"""Interest accruals, ours on arrays beside a loop over QuantLib's Python binding, in one process.

Ours is the public function: contiguous arrays, every row validated, with and without an output allocated before, on
one core and on all, and on pandas Series as they come. QuantLib does the same rows in a plain loop, on a sample of
them: once from the same arrays of serial days, building its dates as it goes, and once with its dates built beforehand.
Results must be equal to 1e-15 relative.

Then notes: interest accrued on a million of them on a date, with ex-dates, and the coupons of 100,000 notes whose rates
step and whose principal falls. QuantLib does the first as bonds, built from the same arrays in the loop, or beforehand.

Run it with ``make bench`` or ``python benchmarks/bench_accruals.py``; the
numbers mean what `harness` says.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import QuantLib as ql
from harness import Bench, Contender

import notecalc as nc

ROWS = 10_000_000
SAMPLE = 200_000
EPOCH = ql.Date(1, 1, 1970).serialNumber()
BOND_BASIS = ql.Thirty360(ql.Thirty360.BondBasis)
BYTES = 5 * 8  # principal, rate, start and end read, and interest written
NOTES, ROLLED, BONDS = 1_000_000, 100_000, 2_000
COUPONS = 6
ICMA = ql.ActualActual(ql.ActualActual.ISMA)
ON = np.datetime64("2005-12-12")


def spans() -> None:
    """Time the interest of spans of days."""
    rng = np.random.default_rng(2004)
    start = np.datetime64("2000-01-01") + rng.integers(0, 7_000, ROWS)
    end = start + rng.integers(0, 400, ROWS)
    principal = rng.uniform(1e3, 3e7, ROWS)
    rate = rng.uniform(0.0, 0.2, ROWS)
    out = np.zeros(ROWS)
    frame = pd.DataFrame({"principal": principal, "rate": rate, "start": start, "end": end})

    sample = slice(SAMPLE)
    serials = [(dates[sample].astype(np.int64) + EPOCH) for dates in (start, end)]
    amounts = principal[sample], rate[sample]
    prebuilt = [[ql.Date(serial) for serial in column.tolist()] for column in serials]

    def from_serials() -> list[float]:
        columns = zip(*(column.tolist() for column in (*amounts, *serials)), strict=True)
        return [p * r * BOND_BASIS.yearFraction(ql.Date(s), ql.Date(e)) for p, r, s, e in columns]

    def from_dates() -> list[float]:
        columns = zip(*(column.tolist() for column in amounts), *prebuilt, strict=True)
        return [p * r * BOND_BASIS.yearFraction(s, e) for p, r, s, e in columns]

    def into(threads: int | None) -> np.ndarray:
        return nc.accrued_interest(principal, rate, start, end, day_count="30/360", threads=threads, out=out)

    def allocated() -> np.ndarray:
        return nc.accrued_interest(principal, rate, start, end, day_count="30/360", threads=1)

    def series() -> pd.Series:
        return nc.accrued_interest(
            frame["principal"], frame["rate"], frame["start"], frame["end"], day_count="30/360", threads=1
        )

    begin = time.perf_counter()
    into(1)  # compiles, or loads what an earlier process compiled
    first_call = time.perf_counter() - begin
    peers = [
        Contender("QuantLib loop, dates built from serials", SAMPLE, from_serials),
        Contender("QuantLib loop, dates prebuilt", SAMPLE, from_dates),
    ]
    bench = Bench("30/360 accruals")
    equal = {"bytes_per_row": BYTES, "tolerance": 1e-15, "relative": True}
    bench.compare("one core, output preallocated", Contender("ours", ROWS, lambda: into(1)), peers, **equal)
    bench.compare("one core", Contender("ours", ROWS, allocated), peers[:1], **equal)
    every = Contender("ours", ROWS, lambda: into(bench.cores))
    bench.compare(f"{bench.cores} threads, output preallocated", every, peers[:1], threads=bench.cores, **equal)
    dates = f"dates as {frame['start'].dtype}"
    bench.compare(f"pandas Series, {dates}, one core", Contender("ours", ROWS, series), peers[:1], **equal)
    bench.finish(f"First call, with numba's import and compilation (or its cache): {first_call:.2f} s.")


def semi_annual_notes(rng: np.random.Generator, count: int) -> nc.Notes:
    """Three years in six coupons, running on one day; half of the notes go ex 7 days before a payment."""
    month, day = np.datetime64("2003-06", "M") + rng.integers(0, 30, count), rng.integers(0, 28, count)
    return nc.Notes(
        issue_date=month.astype("datetime64[D]") + day,
        maturity=(month + 36).astype("datetime64[D]") + day,
        principal=rng.uniform(1e3, 1e6, count),
        annual_rate=rng.uniform(0.0, 0.12, count),
        frequency=2,
        day_count="actual/actual icma",
        ex_days=np.where(rng.random(count) < 0.5, 7, -1),
        ex_day_type="calendar",
    )


def ql_schedules(notes: nc.Notes) -> list[ql.Schedule]:
    """Build the schedules of the first notes from their serial days."""
    serials = [(dates[:BONDS].astype(np.int64) + EPOCH).tolist() for dates in (notes.issue_date, notes.maturity)]
    half_a_year, anywhere, backward = ql.Period(6, ql.Months), ql.NullCalendar(), ql.DateGeneration.Backward
    return [
        ql.Schedule(ql.Date(issue), ql.Date(end), half_a_year, anywhere, ql.Unadjusted, ql.Unadjusted, backward, False)
        for issue, end in zip(*serials, strict=True)
    ]


def ql_bonds(notes: nc.Notes) -> list[ql.FixedRateBond]:
    """Build the first notes as bonds."""
    terms = zip(ql_schedules(notes), notes.principal.tolist(), notes.annual_rate.tolist(), notes.ex_days.tolist(),
                strict=False)  # fmt: skip
    return [
        ql.FixedRateBond(
            0, face, schedule, [rate], ICMA, ql.Unadjusted, 100.0, ql.Date(), ql.NullCalendar(),
            ql.Period(ex, ql.Days) if ex > 0 else ql.Period(), ql.NullCalendar(),
        )
        for schedule, face, rate, ex in terms
    ]  # fmt: skip


def accrued_on_a_date() -> None:
    """Time interest accrued on notes."""
    rng = np.random.default_rng(2004)
    notes = semi_annual_notes(rng, NOTES)
    periods = nc.resolve(notes)
    bonds, day = ql_bonds(notes), ql.Date(int(ON.astype(np.int64)) + EPOCH)
    faces = notes.principal[:BONDS].tolist()

    def accrued(made: list[ql.FixedRateBond]) -> list[float]:  # per 100 of what is outstanding
        return [bond.accruedAmount(day) * face / 100 for bond, face in zip(made, faces, strict=True)]

    prebuilt = Contender("QuantLib loop, bonds prebuilt", BONDS, lambda: accrued(bonds))
    built = Contender("QuantLib loop, bonds built", BONDS, lambda: accrued(ql_bonds(notes)))
    bench = Bench("Interest accrued on notes")
    agree = {"tolerance": 1e-9}  # of amounts up to 60,000
    bench.compare("from periods", Contender("ours", NOTES, lambda: nc.accrued_on(periods, ON)), [prebuilt], **agree)
    from_notes = Contender("ours", NOTES, lambda: nc.accrued_on(nc.resolve(notes), ON))
    bench.compare("from notes, schedules rolled out", from_notes, [built], **agree)
    bench.finish(f"A row is a note of {COUPONS} coupons, half of them with ex-dates.")


def balances() -> None:
    """Time principal and interest through the life of notes."""
    rng = np.random.default_rng(2004)
    notes = semi_annual_notes(rng, ROLLED)
    periods = nc.resolve(notes)
    every, begins = np.arange(ROLLED), periods.offsets[:-1]
    steps = nc.DatedValues(every, periods.accrual_start[begins + 2], rng.uniform(0.0, 0.12, ROLLED))
    redeemed = nc.DatedValues(every, periods.accrual_end[begins + 3], notes.principal * rng.uniform(0.1, 0.9, ROLLED))

    def rolled() -> nc.Balances:
        return nc.roll_forward(periods, rate_steps=steps, redemptions=redeemed, accrued_on_redemption="paid")

    terms = [column[:BONDS].tolist() for column in (notes.principal, redeemed.value, notes.annual_rate, steps.value)]
    schedules = ql_schedules(notes)

    def coupons(made: list[ql.Schedule]) -> list[float]:
        return [
            flow.amount()
            for schedule, face, gone, rate, later in zip(made, *terms, strict=True)
            for flow in ql.FixedRateLeg(schedule, ICMA, [face] * 4 + [face - gone], [rate] * 2 + [later])
        ]

    rows = COUPONS * BONDS
    peers = [
        Contender("QuantLib FixedRateLeg loop, schedules built", rows, lambda: coupons(ql_schedules(notes))),
        Contender("QuantLib FixedRateLeg loop, schedules prebuilt", rows, lambda: coupons(schedules)),
    ]
    bench = Bench("Principal and interest of notes through time")

    def interest(made: nc.Balances | list[float]) -> np.ndarray:
        return made.interest_paid if isinstance(made, nc.Balances) else np.array(made)

    bench.compare("a step and a redemption on coupon dates", Contender("ours", len(periods), rolled), peers,
                  tolerance=1e-9, result=interest)  # fmt: skip
    plain = Contender("ours", len(periods), lambda: nc.roll_forward(periods))
    bench.compare("nothing happens", plain, result=interest)

    within = notes.issue_date + rng.integers(1, 1_000, (3, ROLLED))
    events = {
        "rate_steps": nc.DatedValues(every, within[0], 0.1),
        "redemptions": nc.DatedValues(every, within[1], notes.principal / 4),
        "accrued_on_redemption": "paid",
        "default_date": within[2],
        "default_margin": 0.02,
        "capitalised_share": rng.uniform(0, 1, ROLLED),
    }
    spans_made = nc.roll_forward(periods, **events)
    split = Contender("ours", len(spans_made), lambda: nc.roll_forward(periods, **events))
    bench.compare("step, redemption and default within periods, part in kind", split, result=interest)
    flows = Contender("ours", len(spans_made), spans_made.cashflows)
    bench.compare("the frame of its cash flows", flows, result=lambda frame: frame["total"].to_numpy())
    bench.finish(f"A row is a coupon period or a part of one; {ROLLED:,} notes of {COUPONS} coupons. One thread.")


def main() -> None:
    """Time all and print the tables."""
    spans()
    accrued_on_a_date()
    balances()


if __name__ == "__main__":
    main()
