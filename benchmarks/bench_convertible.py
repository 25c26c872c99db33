"""Convertible values: error and time at each accuracy over random notes, and QuantLib's tree beside its own model.

A rate means little without its error, so this table has columns of its own: root mean square and worst error in points
per 100 against the accuracy `reference` (which is held to closed forms and other methods in the tests), and
microseconds a value on one core. QuantLib's blended model is `goldman-sachs` here, and its error is against ours.

Run from the checkout: ``python benchmarks/bench_convertible.py [rows]``.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import QuantLib as ql
from harness import machine, versions

from notecalc.core.convertible.terms import CallWindow, ConversionWindow, Convertible, PutWindow
from notecalc.core.convertible.valuation import convertible_value
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve

DAY = "2004-06-18"
REPEATS = 5
LINE = "{:<58} {:>9} {:>9} {:>12}"


def note(**terms: Any) -> Convertible:
    """Build an 8% note of three years, converting at 1.85."""
    notes = Notes(
        issue_date=DAY, maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2, day_count="30/360"
    )
    return Convertible(
        periods=resolve(notes),
        conversions=[ConversionWindow(conversion_price=1.85)],
        accrued_on_conversion="forfeited",
        **terms,
    )


def cases(rows: int) -> dict[str, tuple[Convertible, dict[str, Any]]]:
    """Give notes and random markets by name."""
    rng = np.random.default_rng(20040618)
    common = {
        "stock_price": rng.uniform(0.8, 3.5, rows),
        "volatility": rng.uniform(0.2, 0.9, rows),
        "risk_free": rng.uniform(0.01, 0.06, rows),
    }
    credit = rng.uniform(0.02, 0.15, rows)
    quiet = {"volatility": rng.uniform(0.15, 0.5, rows)}
    put = [PutWindow(start="2006-06-18", end="2006-06-18", clean_price=100)]
    soft = note(calls=[CallWindow(clean_price=100, trigger=1.5, start="2005-06-18")], puts=put)
    hard = note(calls=[CallWindow(clean_price=110)], puts=put)
    afv = common | {
        "model": "ayache-forsyth-vetzal",
        "hazard_rate": credit,
        "recovery_rate": 0.0,
        "stock_drop": 1.0,
    }
    tf = common | {"model": "tsiveriotis-fernandes", "credit_spread": credit}
    return {
        "AFV, constant, soft call and put": (soft, afv),
        "AFV, call that moves with accrued interest": (hard, afv | quiet),
        "AFV, dividend yield 6%, no call": (note(), afv | {"dividend_yield": 0.06}),
        "AFV, hazard that depends on the stock": (soft, afv | {"hazard_elasticity": 1.2, "recovery_rate": 0.4}),
        "TF, soft call and put": (soft, tf),
        "TF, call that moves with accrued interest": (hard, tf | quiet),
        "TF, dividend yield 6%, no call": (note(), tf | {"dividend_yield": 0.06}),
        "GS, dividend yield 6%, no call": (note(), tf | {"model": "goldman-sachs", "dividend_yield": 0.06}),
    }


def median_seconds(run: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Time a call."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def tree(market: dict[str, Any], row: int, steps: int) -> float:
    """Value one row in QuantLib, which blends the discount rate."""
    today, end = ql.Date(18, 6, 2004), ql.Date(18, 6, 2007)
    ql.Settings.instance().evaluationDate = today
    schedule = ql.Schedule(
        today, end, ql.Period(6, ql.Months), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted,
        ql.DateGeneration.Backward, False,
    )  # fmt: skip
    bond = ql.ConvertibleFixedCouponBond(
        ql.AmericanExercise(today, end), 100 / 1.85, ql.CallabilitySchedule(), today, 0, [0.08],
        ql.Thirty360(ql.Thirty360.BondBasis), schedule, 100,
    )  # fmt: skip
    count = ql.Actual365Fixed()

    def flat(rate: float) -> Any:
        return ql.YieldTermStructureHandle(ql.FlatForward(today, rate, count))

    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(float(market["stock_price"][row]))),
        flat(market["dividend_yield"]),
        flat(float(market["risk_free"][row])),
        ql.BlackVolTermStructureHandle(
            ql.BlackConstantVol(today, ql.NullCalendar(), float(market["volatility"][row]), count)
        ),
    )
    spread = ql.QuoteHandle(ql.SimpleQuote(float(market["credit_spread"][row])))
    bond.setPricingEngine(ql.BinomialConvertibleEngine(process, "crr", steps, spread, ql.DividendSchedule()))
    return float(bond.NPV())


def main(rows: int) -> None:
    """Print the table."""
    print(f"Convertible values, {rows} random notes a line. {machine()}; {versions()}")
    print(LINE.format("", "rms", "worst", "us a value"))
    limit = np.empty(0)
    for name, (terms, market) in cases(rows).items():
        best = convertible_value(terms, DAY, **market, accuracy="reference").dirty_price
        for accuracy in ("fast", "standard"):
            value = convertible_value(terms, DAY, **market, accuracy=accuracy).dirty_price

            def run(terms: Any = terms, market: Any = market, accuracy: str = accuracy) -> None:
                convertible_value(terms, DAY, **market, accuracy=accuracy)

            seconds = median_seconds(run)
            error = value - best
            print(
                LINE.format(
                    f"{name}: {accuracy}",
                    f"{np.sqrt(np.mean(error**2)):.1e}",
                    f"{np.abs(error).max():.1e}",
                    f"{seconds / rows * 1e6:,.1f}",
                )
            )
        limit = best
    market = cases(rows)["GS, dividend yield 6%, no call"][1]
    few = min(rows, 10)
    for steps in (100, 400, 1600, 6400):
        begin = time.perf_counter()
        values = np.array([tree(market, row, steps) for row in range(few)])
        seconds = (time.perf_counter() - begin) / few
        error = values - limit[:few]
        print(
            LINE.format(
                f"QuantLib, the same notes, {steps} steps ({few} notes)",
                f"{np.sqrt(np.mean(error**2)):.1e}",
                f"{np.abs(error).max():.1e}",
                f"{seconds * 1e6:,.1f}",
            )
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
