"""Values that are known in closed form, and what must hold for any note."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_banded
from scipy.stats import norm

import notecalc as nc
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, PutWindow, Steps
from notecalc.core.convertible.valuation import MODELS, convertible_greeks, convertible_value

pytestmark = pytest.mark.compiled  # as Python, a value takes seconds; the kernels' Python is held to them elsewhere

DAY = "2004-06-18"
TF, AFV, GS = MODELS


def market(model=AFV, *, credit=0.0, recovery=0.0, drop=1.0, **rest):
    given_ = {"stock_price": 1.85, "volatility": 0.4, "risk_free": 0.03, "model": model} | rest
    if model == AFV:
        return given_ | {"hazard_rate": credit, "recovery_rate": recovery, "stock_drop": drop}
    return given_ | {"credit_spread": credit}


def black_scholes(stock, strike, rate, carry, vol, time):
    d = (math.log(stock / strike) + (rate - carry + vol * vol / 2) * time) / (vol * math.sqrt(time))
    return stock * math.exp(-carry * time) * norm.cdf(d) - strike * math.exp(-rate * time) * norm.cdf(
        d - vol * math.sqrt(time)
    )


# ---- closed forms ----


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stock", [0.6, 1.0, 1.7])
def test_without_credit_it_is_a_bond_and_calls(yearly, model, stock):
    terms = yearly(1000, conversions=[ConversionWindow(conversion_price=100, start="2007-09-28", end="2007-09-28")])
    time = 1000 / 365
    got = convertible_value(
        terms, "2005-01-01",
        **market(model, stock_price=100 * stock, volatility=0.35, risk_free=0.04, dividend_yield=0.05, accuracy="reference"),
    )  # fmt: skip
    bond = 100 * math.exp(-0.04 * time)
    assert got.dirty_price == pytest.approx(bond + black_scholes(100 * stock, 100, 0.04, 0.05, 0.35, time), abs=1e-5)
    assert math.isnan(got.parity)  # conversion is not open yet


@pytest.mark.parametrize("model", MODELS)
def test_with_hardly_any_shares_it_is_a_bond_on_the_risky_curve(make, model):
    got = convertible_value(make(1e9), DAY, **market(model, credit=0.05))
    times = np.array([183, 365, 548, 730, 913, 1095]) / 365
    flows = np.array([4, 4, 4, 4, 4, 104.0])
    assert got.dirty_price == pytest.approx(flows @ np.exp(-0.08 * times), abs=1e-6)
    assert got.bond_floor == pytest.approx(got.dirty_price, abs=1e-6)


def test_recovery_of_a_bond(yearly):
    """On default at t, a share of the principal: an integral in closed form."""
    got = convertible_value(yearly(730, price=1e9), "2005-01-01", **market(credit=0.06, recovery=0.4, risk_free=0.02))
    expected = 100 * math.exp(-0.16) + 0.06 * 40 * (1 - math.exp(-0.16)) / 0.08
    assert got.dirty_price == pytest.approx(expected, abs=1e-4)
    assert got.bond_floor == pytest.approx(expected, abs=1e-10)


def test_floor_where_the_hazard_moves_with_the_stock(yearly):
    """Without options, by plain implicit steps of our own on ln S; and as a note whose shares are worth hardly anything."""
    given_ = market(
        credit=0.06, recovery=0.4, risk_free=0.02, hazard_elasticity=1.5, stock_price=1.2, accuracy="reference"
    )
    x = np.linspace(-4, 4, 1601)
    h, steps = x[1] - x[0], 800
    p = 0.06 * np.exp(-1.5 * x)
    drift = 0.02 + p - 0.4**2 / 2
    found = []
    for count in (steps, 2 * steps):
        dt, value = 2 / count, np.full(x.size, 100.0)
        bands = np.zeros((3, x.size))
        bands[0, 2:] = -dt * (0.08 / h**2 + drift[1:-1] / (2 * h))
        bands[1] = 1 + dt * (0.02 + p + 0.16 / h**2)
        bands[2, :-2] = -dt * (0.08 / h**2 - drift[1:-1] / (2 * h))
        bands[1, [0, -1]] = 1 + dt * (0.02 + p[[0, -1]])
        for _ in range(count):
            value = solve_banded((1, 1), bands, value + dt * p * 40)
        found.append(value[800])
    expected = 2 * found[1] - found[0]
    assert convertible_value(yearly(730), "2005-01-01", **given_).bond_floor == pytest.approx(expected, abs=2e-4)
    far = convertible_value(yearly(730, price=1e3), "2005-01-01", **given_)
    assert far.dirty_price == pytest.approx(far.bond_floor, abs=1e-6)
    # it is the floor of the note, whatever its options
    options = {
        "calls": [CallWindow(clean_price=101)],
        "puts": [PutWindow(start="2006-01-01", end="2006-01-01", clean_price=99)],
    }
    with_options = convertible_value(yearly(730, price=1e3, terms=options), "2005-01-01", **given_)
    assert with_options.bond_floor == pytest.approx(expected, abs=2e-4)


def test_years_to_break_even_are_the_premium_over_the_income(make):
    got = convertible_value(make(), DAY, **market(credit=0.05, dividend_yield=0.01, stock_price=1.5))
    assert got.years_to_break_even == pytest.approx((got.clean_price - 150 / 1.85) / (8 - 1.5 / 1.85))
    cash = {"dividend_dates": ["2005-01-01", "2005-06-18", "2006-01-01"], "dividend_amounts": [0.03, 0.02, 0.5]}
    got = convertible_value(make(), DAY, **market(credit=0.05, stock_price=1.5, **cash))
    assert got.years_to_break_even == pytest.approx((got.clean_price - 150 / 1.85) / (8 - 5 / 1.85))
    # of the half year that is left, two cents are four a year
    cash = {"dividend_dates": ["2007-01-01"], "dividend_amounts": [0.02]}
    got = convertible_value(make(), "2006-12-18", **market(credit=0.05, stock_price=1.5, **cash))
    assert got.years_to_break_even == pytest.approx((got.clean_price - 150 / 1.85) / (8 - 2 * 365 / 182 / 1.85))


def test_years_to_break_even_count_the_dividends_of_each_settlement(make):
    """Two ex-dates, of which the first settlement has both within a year, the third one, the last none ahead."""
    days = np.array(["2004-06-18", "NaT", "2005-01-10", "2005-08-01"], dtype="datetime64[D]")
    given_ = market(stock_price=1.5) | {
        "dividend_dates": ["2004-09-01", "2005-03-01"],
        "dividend_amounts": [0.02, 0.03],
    }
    got = convertible_value(make(), days, **given_)
    cash = np.array([0.05, np.nan, 0.03, 0.0])
    expected = (got.clean_price - 150 / 1.85) / (8 - cash * 100 / 1.85)
    np.testing.assert_allclose(got.years_to_break_even, expected, rtol=1e-12)


def test_years_to_break_even_are_a_notes_own(make):
    """The same bits alone and after others; and at the end of a tape, too, a dividend in a year's time is of the year."""
    days = np.datetime64("2004-06-18") + np.tile(np.arange(365), 40)
    given_ = market(stock_price=1.5, accuracy="fast") | {"dividend_dates": [days[-1] + 365], "dividend_amounts": [0.02]}
    got = convertible_value(make(), days, **given_)
    alone = convertible_value(make(), days[-1], **given_)
    assert got.years_to_break_even[-1] == alone.years_to_break_even
    expected = (alone.clean_price - 150 / 1.85) / (8 - 2 / 1.85)
    assert alone.years_to_break_even == pytest.approx(expected, rel=1e-12)


def test_years_to_break_even_have_ends(make):
    got = convertible_value(make(), DAY, **market(dividend_yield=0.06, stock_price=[1.5, 3.0, 9.0]))
    assert np.isfinite(got.years_to_break_even[0])
    assert got.years_to_break_even[1] == np.inf  # the shares pay 9.7 a year, the note 8
    assert got.years_to_break_even[2] == 0  # converted: no premium is left
    closed = make(conversions=[ConversionWindow(conversion_price=1.85, start="2007-06-18", end="2007-06-18")])
    assert math.isnan(convertible_value(closed, DAY, **market()).years_to_break_even)


@pytest.mark.parametrize("model", MODELS)
def test_a_day_before_maturity(make, model):
    prices = np.array([0.5, 1.5, 2.2, 4.0])
    got = convertible_value(make(), "2007-06-17", **market(model, credit=0.05, stock_price=prices))
    expected = np.maximum(104 * math.exp(-0.08 / 365), 100 / 1.85 * prices)
    np.testing.assert_allclose(got.dirty_price, expected, atol=1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_at_hardly_any_volatility_the_stock_grows_as_it_must(yearly, model):
    for stock in (80, 120):
        got = convertible_value(
            yearly(365, price=100), "2005-01-01", **market(model, stock_price=stock, volatility=0.005, risk_free=0.05)
        )
        assert got.dirty_price == pytest.approx(max(100 * math.exp(-0.05), stock), abs=1e-4)


def test_high_in_the_money_it_is_parity_and_the_coupons_before_maturity(make):
    got = convertible_value(make(), DAY, **market(credit=0.05, stock_price=200.0))
    times = np.array([183, 365, 548, 730, 913]) / 365
    assert got.dirty_price == pytest.approx(200 / 1.85 * 100 + 4 * np.exp(-0.08 * times).sum(), abs=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_a_live_call_leaves_parity_alone(make, model):
    terms = make(terms={"calls": [CallWindow(clean_price=100)]})
    got = convertible_value(terms, DAY, **market(model, credit=0.05, stock_price=3.0))
    assert (got.dirty_price, got.delta, got.gamma) == pytest.approx((300 / 1.85, 100 / 1.85, 0.0))


def test_a_call_below_parity_where_conversion_is_closed_is_the_call(make):
    terms = make(
        conversions=[ConversionWindow(conversion_price=1.85, start="2007-06-18")],
        terms={"calls": [CallWindow(clean_price=90)]},
    )
    got = convertible_value(terms, DAY, **market(credit=0.02, stock_price=3.0))
    assert got.dirty_price == pytest.approx(90.0, abs=1e-9)


def test_a_certain_cash_dividend_lowers_the_stock(yearly):
    """Black's escrowed stock is not this model, but a dividend of tomorrow is the same in both."""
    terms = yearly(365, conversions=[ConversionWindow(conversion_price=100, start="2006-01-01")])
    common = {"volatility": 0.3, "risk_free": 0.04, "accuracy": "reference"}
    paid = convertible_value(
        terms, "2005-01-01", **market(stock_price=100, **common), dividend_dates=["2005-01-02"], dividend_amounts=[3]
    )
    after = 100 - 3 * math.exp(-0.04 / 365)
    expected = 100 * math.exp(-0.04) + black_scholes(after, 100, 0.04, 0.0, 0.3, 1.0)
    assert paid.dirty_price == pytest.approx(expected, abs=0.01)


def test_term_structures_that_are_flat_are_no_news(make):
    plain = convertible_value(make(), DAY, **market(credit=0.05, accuracy="reference"))
    curve = nc.Curve.from_zero_rates(
        DAY, ["2007-06-18"], [0.03], compounding="continuous", interpolation="linear-zero-rates",
        day_count="actual/365 fixed",
    )  # fmt: skip
    by_term = convertible_value(
        make(), DAY,
        **market(risk_free=curve, volatility=Steps(["2007-06-18"], [0.4]), credit=Steps(["2007-06-18"], [0.05]), accuracy="reference"),
    )  # fmt: skip
    assert by_term.dirty_price == pytest.approx(plain.dirty_price, abs=1e-9)


def test_volatility_by_term_counts_as_its_variance(yearly):
    """European: only the integral of the variance matters."""
    terms = yearly(730, conversions=[ConversionWindow(conversion_price=100, start="2007-01-01")])
    steps = Steps(["2006-01-01", "2007-01-01"], [0.2, 0.4])
    common = {"stock_price": 100, "risk_free": 0.03, "accuracy": "reference"}
    got = convertible_value(terms, "2005-01-01", **market(volatility=steps, **common))
    expected = 100 * math.exp(-0.06) + black_scholes(100, 100, 0.03, 0.0, math.sqrt((0.04 + 0.16) / 2), 2.0)
    assert got.dirty_price == pytest.approx(expected, abs=1e-5)


def test_accrued_interest_may_be_paid_on_conversion(make):
    kept = convertible_value(make(), "2004-09-18", **market(stock_price=3.0, dividend_yield=0.3))
    paid = convertible_value(
        make(accrued_on_conversion="paid"), "2004-09-18", **market(stock_price=3.0, dividend_yield=0.3)
    )
    assert paid.dirty_price == pytest.approx(300 / 1.85 + 2.0, abs=1e-9)  # a quarter of 8
    assert kept.dirty_price < paid.dirty_price


# ---- what must hold for any note ----

numbers = st.fixed_dictionaries(
    {
        "stock_price": st.floats(0.5, 5.0),
        "volatility": st.floats(0.15, 0.9),
        "risk_free": st.floats(0.0, 0.08),
        "credit": st.floats(0.0, 0.15),
        "dividend_yield": st.floats(0.0, 0.08),
    }
)
models = st.sampled_from(MODELS)
SLACK = 0.02  # the error of "fast" where conversion is early
MOST_SPREAD = 0.28  # of the volatility: a wider one may have a note converted in a stretch below its edge


@settings(max_examples=40)
@given(numbers, models)
def test_not_below_parity_while_conversion_is_open(make, given_, model):
    got = convertible_value(make(), DAY, **market(model, **given_, accuracy="fast"))
    assert got.dirty_price >= got.parity - SLACK


@settings(max_examples=40)
@given(numbers, models)
def test_not_above_the_greater_of_call_price_and_parity(make, given_, model):
    terms = make(terms={"calls": [CallWindow(clean_price=105)]})
    got = convertible_value(terms, DAY, **market(model, **given_, accuracy="fast"))
    assert got.dirty_price <= max(105.0, got.parity) + SLACK


@settings(max_examples=40)
@given(numbers, models)
def test_the_holders_options_are_worth_something_and_the_issuers_cost(make, given_, model):
    assume(model == AFV or given_["credit"] < MOST_SPREAD * given_["volatility"])
    plain = convertible_value(make(), DAY, **market(model, **given_, accuracy="fast")).dirty_price
    put = make(terms={"puts": [PutWindow(start="2006-06-18", end="2006-06-18", clean_price=101)]})
    called = make(terms={"calls": [CallWindow(clean_price=103, trigger=1.2, start="2005-06-18")]})
    assert convertible_value(put, DAY, **market(model, **given_, accuracy="fast")).dirty_price >= plain - SLACK
    if model == AFV:  # elsewhere a call may raise the value: what is called is equity, and bears no spread
        assert convertible_value(called, DAY, **market(model, **given_, accuracy="fast")).dirty_price <= plain + SLACK


@settings(max_examples=25)
@given(numbers, models)
def test_rises_with_stock_volatility_and_coupon_and_falls_with_credit(make, given_, model):
    # A note that is converted to get out of a wide spread is worth the more the wider it is.
    assume(model == AFV or given_["credit"] + 0.02 < MOST_SPREAD * given_["volatility"])

    def value(terms, **changed):
        return convertible_value(terms, DAY, **market(model, **(given_ | changed), accuracy="fast")).dirty_price

    base = value(make())
    assert value(make(), stock_price=1.1 * given_["stock_price"]) >= base - SLACK
    assert value(make(annual_rate=0.09)) >= base - SLACK
    if model == AFV:  # with a spread, what is likelier to be paid in cash is worth less: volatility cuts both ways
        assert value(make(), volatility=given_["volatility"] + 0.05) >= base - SLACK
        # the stock is what falls on default, and it is paid for by its growth before: with no loss there is no gain
        return
    assert value(make(), credit=given_["credit"] + 0.02) <= base + SLACK


@pytest.mark.parametrize("model", MODELS)
def test_greeks_are_differences_of_values(make, model):
    terms = make(terms={"calls": [CallWindow(clean_price=100, trigger=1.5, start="2005-06-18")]})
    given_ = market(model, credit=0.05, stock_price=1.9, accuracy="reference")
    greeks = convertible_greeks(terms, DAY, **given_)
    credit = "hazard_rate" if model == AFV else "credit_spread"

    def slope(name, step):
        up, down = (
            convertible_value(terms, DAY, **(given_ | {name: given_[name] + by})).dirty_price for by in (step, -step)
        )
        return (up - down) / (2 * step)

    assert greeks.delta == pytest.approx(slope("stock_price", 1e-2), rel=1e-3)
    assert greeks.hedge_ratio == pytest.approx(greeks.delta / (100 / 1.85))
    assert greeks.vega == pytest.approx(slope("volatility", 1e-2) / 100, rel=1e-2)
    assert greeks.rho == pytest.approx(slope("risk_free", 1e-3) / 1e4, rel=1e-2)
    assert greeks.credit == pytest.approx(slope(credit, 1e-3) / 1e4, rel=1e-2)
    up, mid, down = (
        convertible_value(terms, DAY, **(given_ | {"stock_price": 1.9 + by})).dirty_price for by in (0.02, 0, -0.02)
    )
    assert greeks.gamma == pytest.approx((up - 2 * mid + down) / 0.02**2, rel=1e-2)
    value = convertible_value(terms, DAY, **given_)
    assert (greeks.delta, greeks.gamma, greeks.theta) == (value.delta, value.gamma, value.theta)


@pytest.mark.parametrize("accuracy", ["standard", "reference"])
@pytest.mark.parametrize("model", MODELS)
def test_theta_of_what_is_exercised_at_once_is_what_accrues(make, model, accuracy):
    """Put, called for cash or converted with its interest: each pays 8 / 365 more tomorrow; without it, no more."""
    given_ = market(model, credit=0.1, accuracy=accuracy)
    for terms, stock, rise in (
        (make(day_count="actual/365 fixed", terms={"puts": [PutWindow(clean_price=99)]}), 0.1, 8.0),
        (make(day_count="actual/365 fixed", terms={"calls": [CallWindow(clean_price=50)]}), 0.1, 8.0),
        (make(day_count="actual/365 fixed", accrued_on_conversion="paid", terms={"calls": [CallWindow(clean_price=110)]}), 3.0, 8.0),
        (make(terms={"calls": [CallWindow(clean_price=110)]}), 3.0, 0.0),
    ):  # fmt: skip
        got = convertible_value(terms, "2004-09-18", **(given_ | {"stock_price": stock}))
        assert got.theta == pytest.approx(rise / 365, abs=1e-12)
        assert got.gamma == 0.0


@pytest.mark.parametrize(
    ("terms", "stock"),
    [({"calls": [CallWindow(clean_price=110)]}, 2.05), ({"puts": [PutWindow(clean_price=99)]}, 0.96)],
    ids=["1% below where a call forces conversion", "just above where it is put"],
)
@pytest.mark.parametrize("model", [TF, AFV])
def test_greeks_next_to_an_edge_are_differences_of_finer_values(make, model, terms, stock):
    note = make(terms=terms, day_count="actual/365 fixed")
    given_ = market(model, credit=0.09, volatility=0.35, stock_price=stock)
    greeks = convertible_greeks(note, "2004-09-18", **given_)

    def slope(name, step):
        up, down = (
            convertible_value(note, "2004-09-18", **(given_ | {name: given_[name] + by, "accuracy": "reference"}))
            for by in (step, -step)
        )
        return (up.dirty_price - down.dirty_price) / (2 * step)

    credit = "hazard_rate" if model == AFV else "credit_spread"
    assert greeks.hedge_ratio == pytest.approx(slope("stock_price", 2e-3) * 1.85 / 100, abs=5e-4)
    assert greeks.vega == pytest.approx(slope("volatility", 2e-3) / 100, abs=2e-3)
    assert greeks.rho == pytest.approx(slope("risk_free", 5e-4) / 1e4, abs=5e-5)
    assert greeks.credit == pytest.approx(slope(credit, 5e-4) / 1e4, abs=5e-5)
    today, tomorrow = (
        convertible_value(note, day, **given_, accuracy="reference").dirty_price for day in ("2004-09-18", "2004-09-19")
    )
    assert greeks.theta == pytest.approx(tomorrow - today, abs=5e-4)


def test_theta_is_the_next_days_value_less_todays(make):
    given_ = market(credit=0.05, stock_price=1.9, recovery=0.3, accuracy="reference")
    today, tomorrow = (convertible_value(make(), day, **given_) for day in ("2004-09-01", "2004-09-02"))
    assert today.theta == pytest.approx(tomorrow.dirty_price - today.dirty_price, abs=2e-4)


def test_recovery_is_a_difference_and_none_where_the_model_has_none(make):
    given_ = market(credit=0.05, recovery=0.4)
    up, down = (
        convertible_value(make(), DAY, **(given_ | {"recovery_rate": rate})).dirty_price for rate in (0.41, 0.39)
    )
    assert convertible_greeks(make(), DAY, **given_).recovery == pytest.approx((up - down) / 2, rel=1e-3)
    assert convertible_greeks(make(), DAY, **market(TF, credit=0.05)).recovery == 0.0


def test_smooth_in_the_stock(make):
    """Second differences on a fine sweep change slowly: a tree's jump up and down."""
    prices = np.linspace(1.2, 2.6, 141)
    values = convertible_value(make(), DAY, **market(TF, credit=0.08, stock_price=prices)).dirty_price
    bend = np.diff(values, 2) / 0.01**2
    assert np.abs(np.diff(bend)).max() < 0.05 * bend.max()


# ---- arrays ----


def test_rows_are_as_each_alone(make):
    prices, vols = np.array([1.2, 1.9, np.nan, 2.5]), np.array([0.3, 0.4, 0.5, 0.6])
    together = convertible_value(make(), DAY, **market(stock_price=prices, volatility=vols))
    for row in (0, 1, 3):
        alone = convertible_value(make(), DAY, **market(stock_price=prices[row], volatility=vols[row]))
        assert [part[row] for part in together] == list(alone)
        assert all(type(part) is float for part in alone)
    assert all(np.isnan(part[2]) for part in together)


def test_notes_and_days_each_have_their_own(make):
    both = make([1.85, 3.0], issue_date=["2004-06-18", "2004-03-01"], maturity=["2007-06-18", "2009-03-01"])
    got = convertible_value(both, ["2004-09-01", "2005-01-01"], **market(stock_price=2.0))
    first = convertible_value(make(1.85), "2004-09-01", **market(stock_price=2.0))
    second = convertible_value(
        make(3.0, issue_date="2004-03-01", maturity="2009-03-01"), "2005-01-01", **market(stock_price=2.0)
    )
    for part, one, two in zip(got, first, second, strict=True):
        assert part.tolist() == [one, two]


def test_series_in_series_out(make):
    prices = pd.Series([1.5, 2.0], index=["a", "b"], name="stock")
    got = convertible_value(make(), DAY, **market(stock_price=prices))
    assert got.dirty_price.index.tolist() == ["a", "b"]
    missing = convertible_value(make(), [DAY, None], **market())
    assert np.isnan(missing.dirty_price).tolist() == [False, True]


# ---- what is refused ----


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"volatility": -0.2}, "`volatility` must be a decimal above 0 and up to 10; got -0.2"),
        ({"volatility": 21.68}, "`volatility` must be a decimal above 0 and up to 10; got 21.68. Did you mean 0.2168?"),
        ({"stock_price": [1.0, 0.0]}, "`stock_price` must be a number above 0; got 0.0 at row 1"),
        ({"recovery_rate": 40}, "`recovery_rate` must be a fraction from 0 to 1; got 40.0. Did you mean 0.4?"),
        ({"risk_free": 3.0}, "`risk_free` must be a decimal between -1 and 1; got 3.0. Did you mean 0.03?"),
        ({"model": "afv"}, "`model` must be 'tsiveriotis-fernandes', 'ayache-forsyth-vetzal' or 'goldman-sachs'"),
        ({"credit_spread": 0.01}, "`credit_spread` must be left out with model 'ayache-forsyth-vetzal'; got 0.01"),
        ({"hazard_rate": None}, "`hazard_rate` must be given with model 'ayache-forsyth-vetzal'"),
        ({"accuracy": "exact"}, "`accuracy` must be 'fast', 'standard' or 'reference'; got 'exact'"),
        ({"dividend_dates": ["2005-01-01"]}, "`dividend_dates and dividend_amounts` must be given together"),
        ({"volatility": Steps([DAY], [-0.1])}, "`volatility` must be a decimal above 0"),
        ({"hazard_rate": 12}, "`hazard_rate` must be a decimal from 0 to 10; got 12.0. Did you mean 0.12?"),
        ({"hazard_elasticity": 11}, "`hazard_elasticity` must be a number from 0 to 10; got 11.0"),
        ({"hazard_elasticity": -1}, "`hazard_elasticity` must be a number from 0 to 10; got -1.0"),
    ],
)
def test_impossible_markets(make, changed, words):
    with pytest.raises(nc.TermError, match=words.replace("(", r"\(")):
        convertible_value(make(), DAY, **(market() | changed))


@pytest.mark.parametrize("spread", [8, Steps([DAY], [8])])
def test_a_spread_in_per_cent_is_refused(make, spread):
    words = "`credit_spread` must be a decimal from 0 to 1; got 8.0. Did you mean 0.08?"
    with pytest.raises(nc.TermError, match=words.replace("?", r"\?")):
        convertible_value(make(), DAY, **(market(TF) | {"credit_spread": spread}))


def test_impossible_dates(make):
    with pytest.raises(nc.TermError, match="`settlement` must be before maturity"):
        convertible_value(make(), "2007-06-18", **market())


@pytest.mark.compiled
def test_a_put_at_maturity_is_worth_a_higher_redemption_and_no_part_of_the_floor(make):
    put = make(terms={"puts": [PutWindow(clean_price=120, start="2007-06-18", end="2007-06-18")]})
    for more in ({}, {"hazard_elasticity": 0.5}):
        given_ = market(AFV) | more | {"stock_price": np.array([0.3, 1.8])}
        with_put, redeemed = (
            convertible_value(terms, DAY, **given_) for terms in (put, make(terms={"redemption": 120}))
        )
        np.testing.assert_allclose(with_put.dirty_price, redeemed.dirty_price, atol=1e-10)
        np.testing.assert_allclose(with_put.bond_floor, convertible_value(make(), DAY, **given_).bond_floor, atol=1e-10)


@pytest.mark.compiled
def test_a_number_missing_among_a_notes_steps_makes_that_note_miss(make):
    terms, days = make(issue_date=["2004-06-18"] * 2), ["2005-06-18", "2006-06-18"]
    for name, steps in (("volatility", [[0.4, np.nan], [0.4, 0.4]]), ("hazard_rate", [[np.nan, 0.05], [0.05, 0.05]])):
        found = convertible_value(terms, DAY, **(market(AFV) | {name: Steps(days, steps)}))
        assert np.isnan(found.dirty_price).tolist() == [True, False]
        assert np.isnan(found.bond_floor).tolist() == [True, False]


def test_unknown_arguments_are_named(make):
    with pytest.raises(TypeError, match="unexpected keyword argument 'vol'"):
        convertible_value(make(), DAY, **market(), vol=0.3)
    without = market()
    del without["volatility"]
    with pytest.raises(TypeError, match="missing a required keyword argument: 'volatility'"):
        convertible_value(make(), DAY, **without)
