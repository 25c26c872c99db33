"""The engine beside methods that share nothing with it: penalty steps, a tree, its own Python."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import QuantLib as ql
from scipy.linalg import solve_banded

from notecalc.core.convertible._columns import FIELDS, MARKET
from notecalc.core.convertible._engine import value_rows
from notecalc.core.convertible._floor import floor_rows
from notecalc.core.convertible._timeline import build_timelines
from notecalc.core.convertible._windows import Dividends
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, PutWindow
from notecalc.core.convertible.valuation import MODELS, convertible_value

DAY = "2004-06-18"
TIMES = np.array([0, 183, 365, 548, 730, 913, 1095]) / 365  # of the coupons of the note that the fixtures make
TF, AFV, GS = MODELS
NO_DIVIDENDS = Dividends(np.empty(0, dtype="datetime64[D]"), np.empty(0))


class Penalty:
    """Fully implicit steps on a grid of ln S, the bound held by a penalty, the two equations repeated until they agree.

    Of first order in time, and its edges lie on nodes. Tsiveriotis and Fernandes' equations; with `hazard`, those of
    Ayache, Forsyth and Vetzal without recovery instead. Calls and puts are live throughout.
    """

    def __init__(self, *, stock, vol, rate, carry, spread=0.0, hazard=0.0, call=None, put=0.0, nodes=1600):
        self.x = np.linspace(np.log(stock) - 3.0, np.log(stock) + 2.5, nodes + 1)
        self.stock, self.call, self.put = stock, call, put
        self.spread, self.rate, self.hazard = spread, rate, hazard
        h = self.x[1] - self.x[0]
        self.a, self.m = vol * vol / 2 / h**2, (rate + hazard - carry - vol * vol / 2) / (2 * h)
        self.shares = 100 / 1.85 * np.exp(self.x)

    def bands(self, rho, dt):
        band = np.zeros((3, self.x.size))
        band[0, 2:], band[2, :-2] = -dt * (self.a + self.m), -dt * (self.a - self.m)
        band[1] = 1 + dt * (rho + 2 * self.a)
        band[1, 0], band[1, -1] = 1 + dt * rho, 1.0
        return band

    def step(self, value, cash, dt, high, put):
        """One step; what is held to shares or put below, or to the call above, follows from what is lacking there."""
        for_value, for_cash = self.bands(self.rate + self.hazard, dt), self.bands(self.rate + self.spread, dt)
        low, held = np.maximum(self.shares, put), np.zeros(value.size, dtype=int)
        is_put = self.shares < put
        high = np.maximum(high, low)
        for _ in range(60):
            band, right = for_cash.copy(), cash.copy()
            band[1] += 1e12 * (held != 0)
            right[-1] = 0.0
            new_cash = solve_banded((1, 1), band, right + 1e12 * put * ((held > 0) & is_put))
            band, right = for_value.copy(), value - dt * self.spread * new_cash
            right[-1] = value[-1]
            target = np.where(held > 0, low, high)
            band[1] += 1e12 * (held != 0)
            new = solve_banded((1, 1), band, right + 1e12 * (held != 0) * target)
            lack = for_value[1] * new - right
            lack[1:] += for_value[2, :-1] * new[:-1]
            lack[:-1] += for_value[0, 1:] * new[1:]
            now = np.where(held > 0, lack > 0, np.where(held < 0, -(lack < 0).astype(int), 0))
            now = np.where((held == 0) & (new < low), 1, np.where((held == 0) & (new > high), -1, now))
            now = np.where(low >= high, 1, now)
            now[-1] = 1
            if (now == held).all():
                break
            held = now
        return new, np.where(now != 0, put * ((now > 0) & is_put), new_cash)

    def value(self, steps):
        value = np.maximum(104.0, self.shares)
        cash = np.where(self.shares >= 104, 0.0, 104.0)
        for start, end in list(itertools.pairwise(TIMES))[::-1]:
            count = round(steps * (end - start) / 3)
            dt = (end - start) / count
            for n in range(count):
                accrued = 4 * (1 - (n + 1) / count)
                high, put = (1e9 if self.call is None else self.call + accrued), (self.put and self.put + accrued)
                value, cash = self.step(value, cash, dt, high, put)
            if start > 0:
                value, cash = value + 4, cash + 4
        near = np.argsort(np.abs(self.x - np.log(self.stock)))[:4]
        basis = [
            np.prod([(np.log(self.stock) - self.x[j]) / (self.x[i] - self.x[j]) for j in near if j != i]) for i in near
        ]
        return float(basis @ value[near])

    def extrapolated(self):
        return 2 * self.value(400) - self.value(200)


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("stock", "volatility", "spread", "told"),
    [(1.5, 0.4, 0.08, 3e-3), (2.0, 0.4, 0.08, 3e-3), (2.5, 0.4, 0.08, 3e-3), (2.0, 0.9, 0.45, 3e-3)],
)
def test_tsiveriotis_fernandes_with_dividends(make, stock, volatility, spread, told):
    """Conversion is early, and the cash part ends where it begins: the two equations need each other."""
    expected = Penalty(stock=stock, vol=volatility, rate=0.03, carry=0.06, spread=spread).extrapolated()
    got = convertible_value(
        make(), DAY, stock_price=stock, volatility=volatility, risk_free=0.03, dividend_yield=0.06, model=TF,
        credit_spread=spread, accuracy="reference",
    )  # fmt: skip
    assert got.error_estimate < told
    # The penalty's edges lie on nodes: from 1600 to 3200 of them it moves by up to 0.007.
    assert got.dirty_price == pytest.approx(expected, abs=0.01)


@pytest.mark.compiled
def test_tsiveriotis_fernandes_with_dividends_and_a_call_that_moves_with_accrued_interest(make):
    expected = Penalty(stock=1.7, vol=0.25, rate=0.03, carry=0.02, spread=0.03, call=110.0).extrapolated()
    got = convertible_value(
        make(terms={"calls": [CallWindow(clean_price=110)]}), DAY, stock_price=1.7, volatility=0.25, risk_free=0.03,
        dividend_yield=0.02, model=TF, credit_spread=0.03, accuracy="reference",
    )  # fmt: skip
    # The penalty's level falls back by a whole cell or none when a coupon is paid.
    assert got.dirty_price == pytest.approx(expected, abs=0.01)


@pytest.mark.compiled
def test_ayache_forsyth_vetzal_with_dividends(make):
    expected = Penalty(stock=2.0, vol=0.4, rate=0.03, carry=0.06, hazard=0.05).extrapolated()
    got = convertible_value(
        make(), DAY, stock_price=2.0, volatility=0.4, risk_free=0.03, dividend_yield=0.06, model=AFV,
        hazard_rate=0.05, recovery_rate=0.0, stock_drop=1.0, accuracy="reference",
    )  # fmt: skip
    assert got.dirty_price == pytest.approx(expected, abs=0.01)


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("model", "credit", "error"),
    [
        # The penalty's edges lie on nodes: from 800 to 3200 of them it moves by 0.002.
        (TF, {"credit_spread": 0.09}, 0.003),
        (AFV, {"hazard_rate": 0.09, "recovery_rate": 0.0, "stock_drop": 1.0}, 0.0005),
    ],
    ids=["tf", "afv"],
)
def test_a_put_in_a_window(make, model, credit, error):
    """With dividends, so that both edges move: below one it is put, above the other converted."""
    rate = {"spread": 0.09} if model == TF else {"hazard": 0.09}
    expected = Penalty(stock=1.1, vol=0.4, rate=0.03, carry=0.05, put=99.0, nodes=800, **rate).extrapolated()
    market = {"stock_price": 1.1, "volatility": 0.4, "risk_free": 0.03, "dividend_yield": 0.05, "model": model} | credit
    terms = make(terms={"puts": [PutWindow(clean_price=99)]})
    got = convertible_value(terms, DAY, accuracy="reference", **market)
    assert got.dirty_price > convertible_value(make(), DAY, **market).dirty_price + 3
    assert got.dirty_price == pytest.approx(expected, abs=error)


def tree(stocks, steps, *, carry):
    """QuantLib's values of the fixtures' note: volatility 0.4, risk-free rate 0.03, spread 0.08."""
    today = ql.Date(18, 6, 2004)
    before = ql.Settings.instance().evaluationDate
    ql.Settings.instance().evaluationDate = today
    try:
        end, count = ql.Date(18, 6, 2007), ql.Actual365Fixed()
        schedule = ql.Schedule(
            today, end, ql.Period(6, ql.Months), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted,
            ql.DateGeneration.Backward, False,
        )  # fmt: skip
        bond = ql.ConvertibleFixedCouponBond(
            ql.AmericanExercise(today, end), 100 / 1.85, ql.CallabilitySchedule(), today, 0, [0.08],
            ql.Thirty360(ql.Thirty360.BondBasis), schedule, 100,
        )  # fmt: skip

        def flat(rate):
            return ql.YieldTermStructureHandle(ql.FlatForward(today, rate, count))

        quote = ql.SimpleQuote(1.0)
        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(quote), flat(carry), flat(0.03),
            ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), 0.4, count)),
        )  # fmt: skip
        spread = ql.QuoteHandle(ql.SimpleQuote(0.08))
        values = []
        for stock in stocks:
            quote.setValue(stock)
            # a fresh engine: the tree is built when it is made
            bond.setPricingEngine(ql.BinomialConvertibleEngine(process, "crr", steps, spread, ql.DividendSchedule()))
            values.append(bond.NPV())
        return np.array(values)
    finally:
        ql.Settings.instance().evaluationDate = before


@pytest.mark.compiled
@pytest.mark.parametrize("carry", [0.0, 0.06])
@pytest.mark.parametrize("stock", [1.5, 2.0, 2.5])
def test_quantlibs_tree_swings_about_the_blended_model(make, stock, carry):
    values = np.concatenate([tree([stock], steps, carry=carry) for steps in (901, 1095, 1301, 1500)])
    got = convertible_value(
        make(), DAY, stock_price=stock, volatility=0.4, risk_free=0.03, dividend_yield=carry, model=GS,
        credit_spread=0.08,
    )  # fmt: skip
    swing = np.ptp(values)
    assert values.min() - swing <= got.dirty_price <= values.max() + swing
    assert swing < 0.5


@pytest.mark.compiled
@pytest.mark.parametrize("carry", [0.0, 0.06])
def test_smooth_in_the_stock_where_a_tree_is_not(make, carry):
    """Second differences change little from one to the next, by a thousandth of what QuantLib's do on the same sweep."""
    stocks = np.linspace(1.2, 2.6, 71)
    market = {"volatility": 0.4, "risk_free": 0.03, "dividend_yield": carry, "model": GS, "credit_spread": 0.08}
    smooth = convertible_value(make(), DAY, stock_price=stocks, **market).dirty_price
    jumps, peers = (np.abs(np.diff(values, 3)).max() for values in (smooth, tree(stocks, 500, carry=carry)))
    assert peers > 1_000 * jumps


# ---- the kernels' Python ----


def rows(make, which):
    """Contracts that together go through every branch, with a market each."""
    hard = CallWindow(clean_price=104, start="2005-12-18")
    soft = CallWindow(clean_price=100, trigger=1.4, start="2006-06-18", end="2006-12-18")
    on_a_day = CallWindow(clean_price=101, trigger=1.1, start="2006-12-18", end="2006-12-18")
    put = PutWindow(start="2006-12-18", end="2006-12-18", clean_price=101)
    terms = [
        make(terms={"calls": [soft], "puts": [put]}),
        make(terms={"calls": [hard], "recovery_claim": "principal-and-accrued"}, accrued_on_conversion="paid"),
        make(terms={"calls": [on_a_day], "puts": [put]}),
        make(
            conversions=[ConversionWindow(conversion_price=1.85, start="2006-12-18", end="2006-12-18")],
            terms={"calls": [hard]},
        ),
    ][which]
    dividends = Dividends(np.array(["2006-03-01"], dtype="datetime64[D]"), np.array([0.05]))
    return build_timelines(
        terms, np.array([0]), np.array(["2005-12-01"], dtype="datetime64[D]"), {}, dividends if which else NO_DIVIDENDS
    )


@pytest.mark.parametrize("model", range(3), ids=["tf", "afv", "gs"])
@pytest.mark.parametrize("which", range(4))
def test_compiled_and_python_agree(make, which, model):
    lines = rows(make, which)
    stocks = np.array([1.9, 2.3, np.nan]) if which == 0 else np.array([2.2])
    size = stocks.size
    #          volatility, rate, carry, credit, recovery, drop, elasticity
    numbers = [0.35, 0.04, 0.05, 0.06, 0.4, 0.5, 0.8 if model == 1 else 0.0]
    columns = [stocks, *(np.full(size, value) for value in numbers), stocks.copy()]
    assert len(columns) == MARKET
    settings = np.array([2, 10, 6, 3.0, model])
    results = []
    for run in (value_rows, value_rows.py_func):
        out = [np.empty(size) for _ in range(5)]
        run(lines.offsets, lines.table.reshape(-1), settings, np.zeros(size, dtype=np.int64), *columns, *out)
        results.append(out)
    for compiled, python in zip(*results, strict=True):
        np.testing.assert_allclose(compiled, python, rtol=1e-9, atol=1e-9)
    assert lines.table.shape[1] == FIELDS


def test_bond_floor_compiled_and_python_agree(make):
    lines = rows(make, 1)
    for model in range(3):
        results = []
        for run in (floor_rows, floor_rows.py_func):
            out = np.empty(2)
            credit, recovery = np.array([0.05, 0.0]), np.array([0.4, 0.4])
            run(
                lines.offsets, lines.table.reshape(-1), np.array([float(model)]), np.zeros(2, dtype=np.int64),
                np.array([0.03, 0.0]), credit, recovery, out,
            )  # fmt: skip
            results.append(out)
        np.testing.assert_allclose(*results, rtol=1e-12)
        assert results[0][1] == pytest.approx(4 + 4 + 4 + 104)  # neither rate nor credit: the sum of what is paid
