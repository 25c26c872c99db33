"""Yields, spreads of time and rates of return of many notes, ours on arrays beside loops over peers, in one process.

Run it with ``make bench`` or ``python benchmarks/bench_yields.py``.
"""

from __future__ import annotations

import numpy as np
import pyxirr
import QuantLib as ql
from harness import Bench, Contender

import notecalc as nc
from notecalc.core._compounding import per_year
from notecalc.core._coupons import Coupons
from notecalc.core._quoting import measured, solved
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve

NOTES = 500_000
BONDS = 1_000  # of which QuantLib does the yields
ROWS = 200_000  # of flows, for rates of return
PYXIRR_ROWS = 10_000
EPOCH = ql.Date(1, 1, 1970).serialNumber()
TERMS = {"compounding": "semi-annual", "simple_interest": "never"}
COUNT = ql.ActualActual(ql.ActualActual.ISMA)


def three_year_notes(rng: np.random.Generator) -> tuple[Notes, np.ndarray]:
    """Semi-annual notes of six coupons, each settled within its first."""
    month = np.datetime64("2004-01", "M") + rng.integers(0, 24, NOTES)
    day = rng.integers(0, 28, NOTES)
    issue = month.astype("datetime64[D]") + day
    notes = Notes(
        issue_date=issue,
        maturity=(month + 36).astype("datetime64[D]") + day,
        principal=100,
        annual_rate=rng.uniform(0.0, 0.12, NOTES),
        frequency=2,
        day_count="actual/actual icma",
    )
    return notes, issue + rng.integers(0, 150, NOTES)


def ql_bonds(notes: Notes, rows: int) -> list[ql.FixedRateBond]:
    """Build the first notes as QuantLib's bonds, from their serial days."""
    bonds = []
    columns = (notes.issue_date, notes.maturity)
    serials = [(dates[:rows].astype(np.int64) + EPOCH).tolist() for dates in columns]
    for issue, maturity, rate in zip(*serials, notes.annual_rate[:rows].tolist(), strict=True):
        schedule = ql.Schedule(
            ql.Date(issue), ql.Date(maturity), ql.Period(6, ql.Months), ql.NullCalendar(), ql.Unadjusted,
            ql.Unadjusted, ql.DateGeneration.Backward, False,
        )  # fmt: skip
        bonds.append(ql.FixedRateBond(0, 100.0, schedule, [rate], COUNT))
    return bonds


def ql_yields(bonds: list[ql.FixedRateBond], days: list[ql.Date], prices: list[float]) -> list[float]:
    """Solve each bond's yield, to the accuracy of ours."""
    return [
        ql.BondFunctions.bondYield(
            bond, ql.BondPrice(price, ql.BondPrice.Clean), COUNT, ql.Compounded, ql.Semiannual, day, 1e-12, 100
        )
        for bond, day, price in zip(bonds, days, prices, strict=True)
    ]


def yields(bench: Bench, rng: np.random.Generator) -> None:
    """Yields and durations of six-coupon notes."""
    notes, settlement = three_year_notes(rng)
    periods = resolve(notes)
    prices = nc.clean_price(periods, settlement, rng.uniform(-0.01, 0.12, NOTES), **TERMS)

    row = np.arange(NOTES)
    flows = Coupons.of(periods).ahead_of(row, settlement)
    twice, never = per_year("semi-annual", notes.frequency), np.zeros(NOTES, dtype=np.bool_)
    dirty = prices + flows.accrued

    serials = (settlement[:BONDS].astype(np.int64) + EPOCH).tolist()
    sample = prices[:BONDS].tolist()
    bonds, days = ql_bonds(notes, BONDS), [ql.Date(serial) for serial in serials]
    peers = [
        Contender(
            "QuantLib bondYield loop, bonds built",
            BONDS,
            lambda: ql_yields(ql_bonds(notes, BONDS), [ql.Date(serial) for serial in serials], sample),
        ),
        Contender("QuantLib bondYield loop, bonds prebuilt", BONDS, lambda: ql_yields(bonds, days, sample)),
    ]
    bench.compare(
        "yields, six coupons, from periods",
        Contender("yield_to_maturity", NOTES, lambda: nc.yield_to_maturity(periods, settlement, prices, **TERMS)),
        peers,
        bytes_per_row=6 * 16 + 32,
        tolerance=1e-10,
    )
    bench.compare(
        "yields, six coupons, from flows",
        Contender("solved", NOTES, lambda: solved(flows, twice, never, row, dirty)),
        peers[1:],
        bytes_per_row=6 * 16 + 24,
        tolerance=1e-10,
    )
    got = nc.yield_to_maturity(periods, settlement, prices, **TERMS)

    def ql_durations() -> list[float]:
        return [
            ql.BondFunctions.duration(bond, y, COUNT, ql.Compounded, ql.Semiannual, ql.Duration.Modified, day)
            for bond, y, day in zip(bonds, got[:BONDS].tolist(), days, strict=True)
        ]

    bench.compare(
        "modified durations, from periods",
        Contender("modified_duration", NOTES, lambda: nc.modified_duration(periods, settlement, got, **TERMS)),
        [Contender("QuantLib duration loop, bonds prebuilt", BONDS, ql_durations)],
        tolerance=1e-10,
    )
    bench.compare(
        "price and three derivatives, from flows",
        Contender("measured", NOTES, lambda: measured(flows, twice, never, row, got).worth - flows.accrued),
    )


def rates_of_return(bench: Bench, rng: np.random.Generator) -> None:
    """XIRR of rows of one payment and ten receipts."""
    offsets = 11 * np.arange(ROWS + 1)
    days = np.sort(rng.integers(1, 4_000, (ROWS, 11)), axis=1)
    days[:, 0] = 0
    dates = (np.datetime64("2004-06-18") + days).reshape(-1)
    amounts = rng.uniform(1, 100, (ROWS, 11))
    amounts[:, 0] = -amounts[:, 1:].sum(axis=1) * rng.uniform(0.3, 1.2, ROWS)
    flat = amounts.reshape(-1)
    rows = [(dates[begin : begin + 11], flat[begin : begin + 11]) for begin in offsets[:PYXIRR_ROWS].tolist()]
    lists = [(days.tolist(), flows.tolist()) for days, flows in rows]
    bench.compare(
        "XIRR, eleven flows",
        Contender("xirr", ROWS, lambda: nc.xirr(dates, flat, offsets, day_count="actual/365 fixed").rate),
        [
            Contender("pyxirr.xirr loop, arrays", PYXIRR_ROWS, lambda: [pyxirr.xirr(*row) for row in rows]),
            Contender("pyxirr.xirr loop, lists of dates", PYXIRR_ROWS, lambda: [pyxirr.xirr(*row) for row in lists]),
        ],
        bytes_per_row=11 * 16 + 8,
        tolerance=1e-7,
    )


def main() -> None:
    """Time all."""
    rng = np.random.default_rng(2004)
    bench = Bench("Yields and rates of return")
    yields(bench, rng)
    rates_of_return(bench, rng)
    bench.finish("One thread. QuantLib's yields to an accuracy of 1e-12, ours to a float's last digits.")


if __name__ == "__main__":
    main()
