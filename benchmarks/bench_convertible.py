"""Convertible values: error and time at each accuracy over random notes, with QuantLib and ORE beside.

A rate means little without its error, so each line names its own: root mean square and worst error per 100. Ours are
against the accuracy `reference`, which the tests hold to closed forms and other methods; QuantLib's are against
`goldman-sachs` at `reference`, the model that its tree solves; ORE's, on the notes of ``ore_peer.py``, against
`ayache-forsyth-vetzal`.

The set: 1,000 notes, all different, of 2 to 6 years with coupons of 0 to 10%, half a year's coupon already begun, a
soft call at 100 to 105 from the second year on with a trigger of 1.2 to 1.6, and a put at 98 to 105 one to two years
before maturity; conversion prices of 1 to 50, stock 0.4 to 1.9 times them, volatility 20 to 90%, rates of 1 to 6%, a
hazard rate of 2 to 15% with a recovery of 0 to 40%. Harder cases are the same notes, with other terms or markets in
their place, or 1,000 such markets of the first of them, which fill the lanes of vectors: the latter is how fast a
value can be, the former how fast a portfolio's are. Where the reference's own estimate of its error is above 1e-3,
errors of the others, which are known, are given too: those rows say little.

Run from the checkout: ``python benchmarks/bench_convertible.py [notes]``.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import QuantLib as ql
from harness import Bench, Contender

from notecalc.core.convertible._case import Case
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, Convertible, PutWindow, Steps
from notecalc.core.convertible.valuation import convertible_greeks, convertible_value
from notecalc.core.curves import Curve
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve

NOTES = 1_000
TERM_DATES = ["2005-06-15", "2006-06-15", "2007-06-15"]
MARKETS = 1_000  # of one note
TREES = 6  # of them that QuantLib values
KNOWN = 1e-3  # error of a reference, by its own estimate, from which another is not measured by it
STEPS = (100, 400, 1_600, 6_400)
TF, AFV, GS = "tsiveriotis-fernandes", "ayache-forsyth-vetzal", "goldman-sachs"


@dataclass(frozen=True)
class Set:
    """Random notes and their markets."""

    notes: Notes
    settlement: np.ndarray
    conversion_price: np.ndarray
    call_start: np.ndarray
    call_price: np.ndarray
    trigger: np.ndarray
    put_date: np.ndarray
    put_price: np.ndarray
    stock: np.ndarray
    volatility: np.ndarray
    rate: np.ndarray
    credit: np.ndarray
    recovery: np.ndarray

    @classmethod
    def of(cls, size: int) -> Set:
        """Draw them."""
        rng = np.random.default_rng(20040618)
        issue = np.datetime64("2004-01-15") + rng.integers(0, 500, size)
        months = 6 * rng.integers(4, 13, size)
        maturity = issue.astype("datetime64[M]") + months + (issue - issue.astype("datetime64[M]"))
        begun = rng.integers(0, 150, size)
        notes = Notes(
            issue_date=issue, maturity=maturity, principal=100, annual_rate=rng.uniform(0, 0.10, size),
            frequency=2, day_count="30/360",
        )  # fmt: skip
        price = rng.uniform(1, 50, size)
        return cls(
            notes=notes,
            settlement=issue + begun,
            conversion_price=price,
            call_start=issue + rng.integers(365, 700, size),
            call_price=rng.uniform(100, 105, size),
            trigger=rng.uniform(1.2, 1.6, size),
            put_date=maturity - rng.integers(365, 500, size),
            put_price=rng.uniform(98, 105, size),
            stock=price * rng.uniform(0.4, 1.9, size),
            volatility=rng.uniform(0.2, 0.9, size),
            rate=rng.uniform(0.01, 0.06, size),
            credit=rng.uniform(0.02, 0.15, size),
            recovery=rng.uniform(0.0, 0.4, size),
        )

    def first(self, size: int) -> Set:
        """Draw fewer: the set of another size is another set, so that this one keeps the first."""
        notes = self.notes
        kept = Notes(
            issue_date=notes.issue_date[:size], maturity=notes.maturity[:size], principal=100,
            annual_rate=notes.annual_rate[:size], frequency=2, day_count="30/360",
        )  # fmt: skip
        rest = {name: value[:size] for name, value in vars(self).items() if name != "notes"}
        return Set(notes=kept, **rest)

    def one_note(self, size: int) -> Set:
        """Draw markets of the first note."""
        one, rng = self.first(1), np.random.default_rng(1)
        return replace(
            one,
            stock=float(one.conversion_price[0]) * rng.uniform(0.4, 1.9, size),
            volatility=rng.uniform(0.2, 0.9, size),
            rate=rng.uniform(0.01, 0.06, size),
            credit=rng.uniform(0.02, 0.15, size),
            recovery=rng.uniform(0.0, 0.4, size),
        )

    def soft(self) -> Convertible:
        """Soft call and put."""
        return self.terms(
            calls=[CallWindow(clean_price=self.call_price, trigger=self.trigger, start=self.call_start)],
            puts=[PutWindow(start=self.put_date, end=self.put_date, clean_price=self.put_price)],
        )

    def hard(self) -> Convertible:
        """A hard call at 110, so that its edge moves with accrued interest, and the put."""
        return self.terms(
            calls=[CallWindow(clean_price=110, start=self.call_start)],
            puts=[PutWindow(start=self.put_date, end=self.put_date, clean_price=self.put_price)],
        )

    def terms(self, **options: Any) -> Convertible:
        """Terms with some options."""
        return Convertible(
            periods=resolve(self.notes),
            conversions=[ConversionWindow(conversion_price=self.conversion_price)],
            accrued_on_conversion="forfeited",
            **options,
        )

    def market(self, model: str, **changed: Any) -> dict[str, Any]:
        """Give the market of a model."""
        market = {"stock_price": self.stock, "volatility": self.volatility, "risk_free": self.rate, "model": model}
        if model == AFV:
            market |= {"hazard_rate": self.credit, "recovery_rate": self.recovery, "stock_drop": 1.0}
        else:
            market |= {"credit_spread": self.credit}
        return market | changed


def said(error: np.ndarray, known: np.ndarray) -> str:
    """Say how large errors are: of all, and of those whose reference is known to `KNOWN` by its own estimate."""
    text = f"rms {np.sqrt(np.mean(error**2)):.1e}, worst {np.abs(error).max():.1e}"
    return text if known.all() else f"{text} ({known.sum()} known: {said(error[known], known[known])})"


def lines(bench: Bench, name: str, terms: Convertible, settlement: Any, market: dict[str, Any]) -> np.ndarray:
    """Add a line for each accuracy, contracts laid out before; give the values at `reference`."""
    reference = convertible_value(terms, settlement, **market, accuracy="reference")
    best: np.ndarray = reference.dirty_price
    known = reference.error_estimate < KNOWN
    for accuracy in ("fast", "standard"):
        case = Case.of(terms, settlement, market | {"accuracy": accuracy})
        error = case.solve()[0] - best
        bench.compare(
            f"{name}: {accuracy}: {said(error, known)}",
            Contender("laid out", best.size, lambda case=case: case.solve()[0]),
        )
    return best


def harder(chosen: Set) -> dict[str, tuple[Convertible, dict[str, Any]]]:
    """Give the terms and markets in which coefficients or edges move."""
    quiet = {"volatility": chosen.volatility / 2}
    by_term = {"volatility": Steps(TERM_DATES, [0.6, 0.5, 0.45])}
    rates = Curve.from_zero_rates(
        "2004-01-15", [*TERM_DATES, "2012-01-15"], [0.02, 0.03, 0.035, 0.045], compounding="continuous",
        interpolation="linear-zero-rates", day_count="actual/365 fixed",
    )  # fmt: skip
    rate_by_term: dict[str, Any] = {"risk_free": rates}
    hazards, spreads = (
        {"hazard_rate": Steps(TERM_DATES, [0.08, 0.06, 0.05])},
        {"credit_spread": Steps(TERM_DATES, [0.08, 0.06, 0.05])},
    )
    paying = {"dividend_yield": 0.06}
    soft, hard, plain = chosen.soft(), chosen.hard(), chosen.terms()
    return {
        "AFV, binding conversion (dividend yield 6%)": (plain, chosen.market(AFV, **paying)),
        "AFV, call that moves with accrued interest": (hard, chosen.market(AFV, **quiet)),
        "AFV, hazard by the stock (b = 1.2)": (soft, chosen.market(AFV, hazard_elasticity=1.2)),
        "AFV, volatility by term": (soft, chosen.market(AFV, **by_term)),
        "AFV, rate and hazard by term": (soft, chosen.market(AFV, **rate_by_term, **hazards)),
        "TF, soft call and put": (soft, chosen.market(TF)),
        "TF, binding conversion (dividend yield 6%)": (plain, chosen.market(TF, **paying)),
        "TF, call that moves with accrued interest": (hard, chosen.market(TF, **quiet)),
        "TF, volatility by term": (soft, chosen.market(TF, **by_term)),
        "TF, rate and spread by term": (soft, chosen.market(TF, **rate_by_term, **spreads)),
        "GS, soft call and put": (soft, chosen.market(GS)),
    }


def ours(bench: Bench, chosen: Set) -> None:
    """Our models on the set and on harder cases, then on one note in many markets."""
    soft, market = chosen.soft(), chosen.market(AFV)
    lines(bench, "AFV, soft call and put", soft, chosen.settlement, market)
    bench.compare(
        "AFV, soft call and put: standard, with the layout of every contract",
        Contender(
            "convertible_value",
            chosen.stock.size,
            lambda: convertible_value(soft, chosen.settlement, **market).dirty_price,
        ),
    )
    for name, (terms, harder_market) in harder(chosen).items():
        lines(bench, name, terms, chosen.settlement, harder_market)
    one = chosen.one_note(MARKETS)
    lines(bench, "One note: AFV, soft call and put", one.soft(), one.settlement, one.market(AFV))
    for name, (terms, harder_market) in harder(one).items():
        lines(bench, f"One note: {name}", terms, one.settlement, harder_market)


def sensitivities(bench: Bench, chosen: Set) -> None:
    """What sensitivities cost, of one note and of many."""
    for name, some in (("one note", chosen.one_note(MARKETS)), ("different notes", chosen)):
        terms, day, market = some.soft(), some.settlement, some.market(AFV)
        values = Contender(
            "values", some.stock.size, lambda t=terms, d=day, m=market: convertible_value(t, d, **m).delta
        )
        bench.compare(
            f"eight sensitivities beside values with delta, gamma and theta: standard, {name}",
            Contender(
                "convertible_greeks",
                some.stock.size,
                lambda t=terms, d=day, m=market: convertible_greeks(t, d, **m).delta,
            ),
            [values],
            tolerance=1e-9,
        )


def trees(bench: Bench, chosen: Set) -> None:
    """QuantLib's tree beside the model that it solves, and beside the others: one note that pays, from issue."""
    one = chosen.one_note(MARKETS)
    terms, settlement = one.terms(), one.notes.issue_date
    market = one.market(GS, dividend_yield=0.06)
    limit = convertible_value(terms, settlement, **market, accuracy="reference")
    steps = [np.array([tree(one, row, count) for row in range(TREES)]) - limit.dirty_price[:TREES] for count in STEPS]
    known = limit.error_estimate < KNOWN
    peers = [
        Contender(f"QuantLib, {count} steps: {said(error, known[:TREES])}", TREES, tree_loop(one, count))
        for count, error in zip(STEPS, steps, strict=True)
    ]
    for model in (GS, TF, AFV):
        for accuracy in ("fast", "standard"):
            own = one.market(model, dividend_yield=0.06) | {"accuracy": accuracy}
            best = limit if model == GS else convertible_value(terms, settlement, **own | {"accuracy": "reference"})
            case = Case.of(terms, settlement, own)
            error = case.solve()[0] - best.dirty_price
            bench.compare(
                f"One note from issue, binding conversion: {model}, {accuracy}: "
                f"{said(error, best.error_estimate < KNOWN)}",
                Contender("laid out", MARKETS, lambda case=case: case.solve()[0]),
                peers if model == GS else peers[-1:],  # the others are solved by no peer: for the time alone
                tolerance=np.inf,
            )


def tree_loop(one: Set, steps: int) -> Callable[[], list[float]]:
    """Value the note in the first markets by trees of so many steps."""
    return lambda: [tree(one, row, steps) for row in range(TREES)]


def tree(one: Set, row: int, steps: int) -> float:
    """Value the note in a market in QuantLib."""
    notes = one.notes

    def date(day: np.datetime64) -> Any:
        one = day.astype(object)
        return ql.Date(one.day, one.month, one.year)

    today, end, count = date(notes.issue_date[0]), date(notes.maturity[0]), ql.Actual365Fixed()
    ql.Settings.instance().evaluationDate = today
    schedule = ql.Schedule(
        today, end, ql.Period(6, ql.Months), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted,
        ql.DateGeneration.Backward, False,
    )  # fmt: skip
    bond = ql.ConvertibleFixedCouponBond(
        ql.AmericanExercise(today, end), 100 / one.conversion_price[0], ql.CallabilitySchedule(), today, 0,
        [float(notes.annual_rate[0])], ql.Thirty360(ql.Thirty360.BondBasis), schedule, 100,
    )  # fmt: skip

    def flat(rate: float) -> Any:
        return ql.YieldTermStructureHandle(ql.FlatForward(today, rate, count))

    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(float(one.stock[row]))),
        flat(0.06),
        flat(float(one.rate[row])),
        ql.BlackVolTermStructureHandle(
            ql.BlackConstantVol(today, ql.NullCalendar(), float(one.volatility[row]), count)
        ),
    )
    spread = ql.QuoteHandle(ql.SimpleQuote(float(one.credit[row])))
    bond.setPricingEngine(ql.BinomialConvertibleEngine(process, "crr", steps, spread, ql.DividendSchedule()))
    return float(bond.NPV())


def jumps(bench: Bench) -> str:
    """Open Source Risk Engine, if it is installed: 104 repaid with no call, the two semi-analytic cases."""
    if importlib.util.find_spec("ORE") is None:
        return "Open Source Risk Engine is not installed, and not beside."
    from ore_peer import CASES, DAY, ore_values, ore_version

    chosen = [CASES[name] for name in ("A", "C")]
    terms = Convertible(
        periods=resolve(
            Notes(
                issue_date=DAY, maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2, day_count="30/360"
            )
        ),
        conversions=[ConversionWindow(conversion_price=1.85)],
        accrued_on_conversion="forfeited",
    )
    fields = ("stock_price", "volatility", "risk_free", "hazard_rate", "recovery_rate")
    market = {name: np.array([case[name] for case in chosen]) for name in fields}
    market |= {"model": AFV, "stock_drop": 1.0}
    best = convertible_value(terms, DAY, **market, accuracy="reference")
    case = Case.of(terms, DAY, market)
    for steps, nodes in ((24, 100), (48, 200), (48, 400)):
        error = np.array(ore_values(chosen, stock_drop=1.0, steps_a_year=steps, nodes=nodes)[0]) - best.dirty_price

        def run(steps: int = steps, nodes: int = nodes) -> list[float]:
            return ore_values(chosen, stock_drop=1.0, steps_a_year=steps, nodes=nodes)[0]

        theirs = said(error, best.error_estimate < KNOWN)
        bench.compare(
            f"AFV, cases A and C: standard, beside ORE on {nodes} nodes: theirs {theirs}",
            Contender("laid out", 2, lambda: case.solve()[0]),
            [Contender(f"ORE, {steps} steps a year, with its market", 2, run)],
            tolerance=0.1,
        )
    return f"Open Source Risk Engine {ore_version()} by its XML application."


def main(size: int) -> None:
    """Time all."""
    bench = Bench("Convertible values")
    chosen = Set.of(size)
    ours(bench, chosen)
    sensitivities(bench, chosen)
    trees(bench, chosen)
    ore = jumps(bench)
    bench.finish(f"One thread; errors per 100; a rate of a million is a microsecond a value. {ore}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else NOTES)
