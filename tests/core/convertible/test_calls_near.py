"""Where a call is near, in price or in time: triggers below the call price, short windows, their eves, wide grids."""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import solve_banded
from scipy.stats import norm

from notecalc.core.convertible._case import ACCURACIES, Case
from notecalc.core.convertible._engine import value_rows
from notecalc.core.convertible._lanes import value_rows_in_lanes
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, Convertible
from notecalc.core.convertible.valuation import convertible_value
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve

pytestmark = pytest.mark.compiled  # as Python, a value takes seconds

DAY = np.datetime64("2004-06-18")
SOLVERS = {"one by one": value_rows, "in lanes": value_rows_in_lanes}
MARKET = {
    "volatility": 0.35,
    "risk_free": 0.03,
    "model": "ayache-forsyth-vetzal",
    "hazard_rate": 0.05,
    "recovery_rate": 0.3,
    "stock_drop": 1.0,
}
BELOW = [CallWindow(clean_price=104, trigger=0.9, end="2006-09-01")]  # at 90 of parity it pays 104


def solve(run, case, grids):
    out = [np.empty(case.contract.size) for _ in range(5)]
    settings = np.array([*grids, case.model], dtype=np.float64)
    run(case.lines.offsets, case.lines.table.reshape(-1), settings, case.contract, *case.columns, *out)
    return np.array(out)


@cache
def projected(stock, nodes, steps):
    """Value of the note of `make` under `BELOW` by implicit steps of our own, with the trigger on a node.

    No edge is followed: in each step nodes are called until that is best at each.
    """
    coupons = (np.array(["2004-12-18", "2005-06-18", "2005-12-18", "2006-06-18", "2006-12-18", "2007-06-18"],
                        dtype="datetime64[D]") - DAY) / np.timedelta64(365, "D")  # fmt: skip
    until = (np.datetime64("2006-09-01") - DAY) / np.timedelta64(365, "D")
    h, ratio, trigger = 5.5 / nodes, 100 / 1.85, 0.9 * 1.85
    s = trigger * np.exp((np.arange(nodes + 1) - round(3 / h)) * h)
    may = s > trigger * (1 - 1e-9)
    value = np.maximum(104.0, ratio * s)
    days = np.unique(np.r_[0.0, until, coupons])
    for begin, end in zip(days[-2::-1], days[:0:-1], strict=True):
        paid = coupons[np.searchsorted(coupons, end - 1e-9)]
        before = max(coupons[coupons < end - 1e-9], default=0.0)
        count = max(10, round(steps * (end - begin) / coupons[-1]))
        times = end - (end - begin) * (np.arange(count + 1) / count) ** 2
        bound = np.where(
            may & (end <= until), np.maximum(104 + 4 * (end - before) / (paid - before), ratio * s), np.inf
        )
        value = np.minimum(value, bound)
        for late, early in itertools.pairwise(times):
            dt, mean = late - early, 0.03 + 0.05 - 0.35**2 / 2
            up, down = (dt * (0.35**2 / (2 * h * h) + sign * mean / (2 * h)) for sign in (1, -1))
            bands = np.zeros((3, s.size))
            bands[0, 2:], bands[1, 1:-1], bands[2, :-2] = -up, 1 + dt * 0.08 + up + down, -down
            bands[1, 0], bands[1, -1] = 1 + dt * 0.08, 1
            right = value + dt * 0.05 * 30
            right[-1] = ratio * s[-1]
            price = np.maximum(104 + 4 * (early - before) / (paid - before), ratio * s)
            bound, called = np.where(may & (end <= until), price, np.inf), may & (end <= until)
            for _ in range(60):
                held = bands.copy()
                places = np.flatnonzero(called)
                held[1, places] = 1
                held[0, np.minimum(places + 1, nodes)[places < nodes]] = 0
                held[2, places[places > 0] - 1] = 0
                value = solve_banded((1, 1), held, np.where(called, bound, right))
                gap = bands[1] * value - right
                gap[:-1] += bands[0, 1:] * value[1:]
                gap[1:] += bands[2, :-1] * value[:-1]
                better = np.where(called, gap <= 1e-12, value > bound + 1e-12)
                if np.array_equal(better, called):
                    break
                called = better
        value = np.maximum(value, ratio * s) + 4 * np.any(np.abs(coupons - begin) < 1e-9)
    return np.interp(math.log(stock), np.log(s), value)


@pytest.mark.parametrize("run", SOLVERS.values(), ids=SOLVERS)
def test_a_trigger_below_the_call_price_agrees_with_projected_steps(make, run):
    """At a node instead of the trigger, and unweighed, 2e-2 of the value were missing at any accuracy."""
    coarse, fine = projected(1.2, 275, 1500), projected(1.2, 550, 3000)
    case = Case.of(make(terms={"calls": BELOW}), DAY, MARKET | {"stock_price": 1.2})
    for accuracy, error in (("standard", 1.5e-3), ("reference", 7e-4)):
        assert solve(run, case, ACCURACIES[accuracy])[0, 0] == pytest.approx(2 * fine - coarse, abs=error)


@pytest.mark.parametrize("more", [{}, {"dividend_yield": 0.03}, {"hazard_elasticity": 0.5}])
@pytest.mark.parametrize("run", SOLVERS.values(), ids=SOLVERS)
def test_a_trigger_below_the_call_price_is_of_second_order(make, run, more):
    """On single grids, wherever the trigger lies in its cell, the error is as the square of the steps."""
    case = Case.of(make(terms={"calls": BELOW}), DAY, MARKET | more | {"stock_price": 1.2})
    exact = solve(run, case, (2, 512, 160, 5.0))[0, 0]
    by_square = [n * n * (solve(run, case, (1, n, n * 5 // 16, 5.0))[0, 0] - exact) for n in (110, 128, 200, 220, 256)]
    assert max(by_square) < 1.5 * min(by_square)


BY_MODEL = {
    "tsiveriotis-fernandes": {"credit_spread": 0.05},
    "goldman-sachs": {"credit_spread": 0.05},
    "ayache-forsyth-vetzal": {"hazard_rate": 0.05, "recovery_rate": 0.0, "stock_drop": 1.0},
}


def of_model(model, **more):
    return {"volatility": 0.35, "risk_free": 0.03, "model": model, **BY_MODEL[model], **more}


@pytest.mark.parametrize("run", SOLVERS.values(), ids=SOLVERS)
@pytest.mark.parametrize("model", ["tsiveriotis-fernandes", "ayache-forsyth-vetzal"])
def test_called_at_a_trigger_it_is_a_sum_over_the_day_on_which_that_is_reached(make, run, model):
    """At a coupon of 12% it is called at once there, for 100 and accrued interest: till then it is a bond.

    In lanes the two unknowns ended at the node beyond the trigger, and the value was up to 0.36 off.
    """
    terms = make(
        annual_rate=0.12, day_count="actual/365 fixed", terms={"calls": [CallWindow(clean_price=100, trigger=0.9)]}
    )
    days = terms.periods.accrual_end
    ends = (days.astype("datetime64[D]") - DAY) / np.timedelta64(365, "D")
    coupons = 12 * np.diff(ends, prepend=0.0)
    # What is called is all equity, by the first model, and bears no spread.
    growth, called, owed = (0.03, 0.03, 0.08) if "credit_spread" in BY_MODEL[model] else (0.08, 0.08, 0.08)
    stocks, vol, drift, expected = np.array([0.9, 1.2, 1.5]), 0.35, growth - 0.35**2 / 2, 0.0
    x = np.log(0.9 * 1.85 / stocks)
    for begin, end, coupon in zip(np.r_[0.0, ends[:-1]], ends, coupons, strict=True):
        t = np.linspace(begin, end, 4001)[:, np.newaxis] + 1e-12
        density = x / (vol * np.sqrt(2 * np.pi * t**3)) * np.exp(-((x - drift * t) ** 2) / (2 * vol * vol * t))
        expected += np.trapezoid((100 + 12 * (t - begin)) * np.exp(-called * t) * density, t, axis=0)
        root = vol * math.sqrt(end)
        below = norm.cdf((x - drift * end) / root)
        below -= np.exp(2 * drift * x / vol**2) * norm.cdf((-x - drift * end) / root)
        expected += (coupon + 100 * (end == ends[-1])) * math.exp(-owed * end) * below
    case = Case.of(terms, DAY, of_model(model, stock_price=stocks))
    for accuracy, error in (("standard", 2e-3), ("reference", 1.5e-4)):
        np.testing.assert_allclose(solve(run, case, ACCURACIES[accuracy])[0], expected, atol=error)


@pytest.mark.parametrize("run", SOLVERS.values(), ids=SOLVERS)
@pytest.mark.parametrize("model", ["tsiveriotis-fernandes", "goldman-sachs"])
def test_two_unknowns_are_of_second_order_at_a_trigger_below_the_call_price(make, run, model):
    """As above, but that the cash part's jump moves what the square is multiplied by; in lanes it grew without end."""
    case = Case.of(make(terms={"calls": BELOW}), DAY, of_model(model, stock_price=1.2))
    exact = solve(run, case, (2, 1024, 320, 5.0))[0, 0]
    by_square = [n * n * (solve(run, case, (1, n, n * 5 // 16, 5.0))[0, 0] - exact) for n in (110, 200, 256, 512)]
    assert np.abs(by_square).max() < 250
    assert exact == pytest.approx(solve(value_rows, case, (2, 1024, 320, 5.0))[0, 0], abs=1e-5)


@pytest.mark.parametrize("run", SOLVERS.values(), ids=SOLVERS)
@pytest.mark.parametrize("trigger", [0.0, 0.9, 1.3])
def test_a_window_of_two_days_is_seen(make, run, trigger):
    """In it the stock moves by half a cell: 2e-2 to 4e-2 were missing."""
    calls = [CallWindow(clean_price=104, trigger=trigger, start="2005-09-01", end="2005-09-03")]
    case = Case.of(make(terms={"calls": calls}), DAY, MARKET | {"stock_price": np.array([1.2, 1.6, 2.0, 2.4])})
    exact, got = solve(value_rows, case, ACCURACIES["reference"]), solve(run, case, ACCURACIES["standard"])
    np.testing.assert_allclose(got[0], exact[0], atol=1e-3)


def test_on_the_eve_of_a_call_it_is_the_mean_of_tomorrows_values(make):
    """Value and hedge ratio by a sum over tomorrow's stock prices; the ratio was off by 4e-2."""
    terms, start = make(terms={"calls": [CallWindow(clean_price=104, start="2005-09-01")]}), np.datetime64("2005-09-01")
    prices = np.array([1.85, 1.93, 1.95, 1.97, 2.05])
    deviation, z = 0.35 / math.sqrt(365), np.linspace(-7, 7, 281)
    growth = np.exp((0.08 - 0.35**2 / 2) / 365 + deviation * z)
    grid = np.linspace(1.6, 2.4, 801)
    tomorrow = convertible_value(terms, start, **MARKET, stock_price=grid, accuracy="standard")
    weights = norm.pdf(z) * (z[1] - z[0]) * math.exp(-0.08 / 365)
    later = np.interp(np.outer(prices, growth), grid, tomorrow.dirty_price)
    got = convertible_value(terms, start - 1, **MARKET, stock_price=prices, accuracy="standard")
    np.testing.assert_allclose(got.dirty_price, later @ weights + 0.05 * 30 / 365, atol=1e-3)
    # The derivative of the density, for tomorrow's values have a kink.
    slopes = later @ (weights * z) / (prices * deviation)
    np.testing.assert_allclose(got.delta * 1.85 / 100, slopes * 1.85 / 100, atol=1e-3)


def test_gamma_next_to_a_level_of_conversion(make):
    """Two implicit steps in the last segment left waves: gamma was off by a tenth to a fifth."""
    soft, hard = [CallWindow(clean_price=100, trigger=1.5)], [CallWindow(clean_price=110)]
    for calls, prices in ((soft, [2.5, 2.6, 2.65, 2.7, 2.74]), (hard, [1.95, 2.0, 2.03, 2.05, 2.065])):
        terms = make(terms={"calls": calls}, day_count="actual/365 fixed")
        given_ = MARKET | {"hazard_rate": 0.09, "recovery_rate": 0.0, "stock_price": np.array(prices)}
        case = Case.of(terms, "2004-09-18", given_)
        exact, got = (
            solve(value_rows, case, ACCURACIES["reference"]),
            solve(value_rows_in_lanes, case, ACCURACIES["standard"]),
        )
        np.testing.assert_allclose(got[2], exact[2], rtol=0.02)
        np.testing.assert_allclose(got[3], exact[3], atol=0.1)  # [1/yr]: 3e-4 a day


def test_where_the_stock_moves_by_several_times_its_price(make):
    """Cells of one in ln S cost 0.2 at `fast`."""
    given_ = MARKET | {"stock_price": np.array([0.6, 1.2, 1.8] * 2), "volatility": np.repeat([3.0, 4.0], 3)}
    terms = make(terms={"calls": [CallWindow(clean_price=110)]})
    fast, exact = (
        convertible_value(terms, DAY, **given_, accuracy=accuracy).dirty_price for accuracy in ("fast", "reference")
    )
    np.testing.assert_allclose(fast, exact, atol=1e-2)


@pytest.mark.parametrize("model", ["tsiveriotis-fernandes", "ayache-forsyth-vetzal", "goldman-sachs"])
@pytest.mark.parametrize(("accuracy", "error"), [("fast", 3e-3), ("standard", 3e-4)])
@pytest.mark.parametrize("trigger", [0.95, 1.0, 1.05])
def test_a_call_for_cash_on_one_day_is_an_integral_wherever_its_trigger_lies(model, accuracy, error, trigger):
    """At the conversion price it lies on a node: what is there was taken to be kept in vectors, 0.08 off."""
    notes = Notes(
        issue_date="2004-01-01", maturity="2006-01-01", principal=100, annual_rate=0.0, frequency=1,
        day_count="actual/365 fixed",
    )  # fmt: skip
    call = CallWindow(clean_price=102, trigger=trigger, start="2005-01-01", end="2005-01-01")
    terms = Convertible(
        periods=resolve(notes), conversions=[ConversionWindow(conversion_price=100.0)], calls=[call],
        accrued_on_conversion="forfeited",
    )  # fmt: skip
    stocks, vol, rate, first, later = np.array([80.0, 95.0, 110.0]), 0.3, 0.03, 366 / 365, 1.0
    own = (
        {"hazard_rate": 0.0, "recovery_rate": 0.0, "stock_drop": 0.0} if "forsyth" in model else {"credit_spread": 0.0}
    )
    found = convertible_value(
        terms, "2004-01-01", stock_price=stocks, volatility=vol, risk_free=rate, model=model, accuracy=accuracy, **own
    ).dirty_price

    def kept(s):
        d = (np.log(s / 100) + (rate + vol**2 / 2) * later) / (vol * math.sqrt(later))
        return s * norm.cdf(d) + 100 * math.exp(-rate * later) * norm.cdf(vol * math.sqrt(later) - d)

    for stock, value in zip(stocks, found, strict=True):

        def paid(z, stock=stock):
            s = stock * math.exp((rate - vol**2 / 2) * first + vol * math.sqrt(first) * z)
            return norm.pdf(z) * (max(s, 102.0) if s >= 100 * trigger else kept(s))

        at = (math.log(100 * trigger / stock) - (rate - vol**2 / 2) * first) / (vol * math.sqrt(first))
        expected = math.exp(-rate * first) * quad(paid, -9, 9, points=[at], epsabs=1e-9, limit=200)[0]
        assert value == pytest.approx(expected, abs=error)
