"""Steps of prices, make-whole amounts, maturities paid in shares and dividends of single notes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

import notecalc as nc
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._timeline import build_timelines
from notecalc.core.convertible._windows import Dividends
from notecalc.core.convertible.outcomes import convertible_probabilities
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, PutWindow, Steps
from notecalc.core.convertible.valuation import MODELS, convertible_value

pytestmark = pytest.mark.compiled  # whole lives on grids: minutes as plain Python

DAY = "2004-06-18"
TF, AFV, GS = MODELS
NO_DIVIDENDS = Dividends(np.empty(0, dtype="datetime64[D]"), np.empty(0))
NO_CREDIT = {
    TF: {"credit_spread": 0.0},
    AFV: {"hazard_rate": 0.0, "recovery_rate": 0.0, "stock_drop": 1.0},
    GS: {"credit_spread": 0.0},
}
CREDIT = {
    TF: {"credit_spread": 0.06},
    AFV: {"hazard_rate": 0.06, "recovery_rate": 0.4, "stock_drop": 1.0},
    GS: {"credit_spread": 0.06},
}


def black_scholes(stock, strike, rate, vol, time):
    d1 = (math.log(stock / strike) + (rate + vol * vol / 2) * time) / (vol * math.sqrt(time))

    def normal(x):
        return 0.5 * math.erfc(-x / math.sqrt(2))

    return stock * normal(d1) - strike * math.exp(-rate * time) * normal(d1 - vol * math.sqrt(time))


def timeline(terms, day=DAY):
    return build_timelines(terms, np.array([0]), np.array([day], dtype="datetime64[D]"), {}, NO_DIVIDENDS).table


# ---- prices that step, on their dates ----


@pytest.mark.parametrize("model", MODELS)
def test_a_conversion_price_steps_on_its_day(yearly, model):
    """Without dividends or credit conversion waits for the last day: the price of that day alone counts.

    A step from 100 to 80 on the last day is had; one on the day after it is refused.
    """
    first = np.datetime64("2005-01-01")
    windows = [
        ConversionWindow(conversion_price=100, end=first + 364),
        ConversionWindow(conversion_price=80, start=first + 365, end=first + 365),
    ]
    got = convertible_value(
        yearly(365, conversions=windows), first, stock_price=90, volatility=0.3, risk_free=0.04, model=model,
        accuracy="reference", **NO_CREDIT[model],
    )  # fmt: skip
    expected = 100 * math.exp(-0.04) + 100 / 80 * black_scholes(90, 80, 0.04, 0.3, 1.0)
    assert got.dirty_price == pytest.approx(expected, abs=1e-4)
    with pytest.raises(nc.TermError, match="`conversions.start` must be by maturity, 2006-01-01; got '2006-01-02'"):
        yearly(365, conversions=[ConversionWindow(conversion_price=80, start=first + 366)])


@pytest.mark.parametrize("model", MODELS)
def test_of_two_windows_on_a_day_the_holder_takes_the_one_with_more_shares(yearly, model):
    """On the day of maturity alone, on which the one before is open, too: as if that one had never been."""
    first = np.datetime64("2005-01-01")
    windows = [
        ConversionWindow(conversion_price=100),
        ConversionWindow(conversion_price=80, start=first + 365, end=first + 365),
    ]
    given_ = {"stock_price": 90, "volatility": 0.3, "risk_free": 0.04, "model": model, "accuracy": "reference"}
    got = convertible_value(yearly(365, conversions=windows), first, **given_, **NO_CREDIT[model])
    expected = 100 * math.exp(-0.04) + 100 / 80 * black_scholes(90, 80, 0.04, 0.3, 1.0)
    assert got.dirty_price == pytest.approx(expected, abs=1e-4)
    if model == AFV:
        chances = convertible_probabilities(yearly(365, conversions=windows), first, **given_, **NO_CREDIT[model])
        above = norm.cdf((math.log(90 / 80) + 0.04 - 0.045) / 0.3)
        assert chances.converted_at_maturity == pytest.approx(above, abs=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_a_call_on_the_day_of_a_step_forces_conversion_at_the_new_price(yearly, model):
    """From 125 to 100, on the day in a year on which the note is called at 101: by the stock's law on that day."""
    first, day = np.datetime64("2005-01-01"), np.datetime64("2006-01-01")
    terms = yearly(
        730,
        conversions=[
            ConversionWindow(conversion_price=125, end=day),
            ConversionWindow(conversion_price=100, start=day),
        ],
        terms={"calls": [CallWindow(clean_price=101, start=day, end=day)]},
    )
    given_ = {"volatility": 0.3, "risk_free": 0.04, "model": model, "accuracy": "reference"}
    got = convertible_value(terms, first, stock_price=105, **given_, **NO_CREDIT[model])

    def then(x):
        stock = 105 * math.exp(0.04 - 0.045 + 0.3 * x)
        kept = 100 * math.exp(-0.04) + black_scholes(stock, 100, 0.04, 0.3, 1.0)
        return math.exp(-0.04) * min(kept, max(101, stock)) * norm.pdf(x)

    kinks = [math.log(101 / 105) / 0.3, (math.log(101 / 105) + 0.005) / 0.3]
    expected = quad(then, -8, 8, points=kinks, epsabs=1e-9, limit=200)[0]
    assert got.dirty_price == pytest.approx(expected, abs=1e-4)
    forced = convertible_value(terms, day - 1, stock_price=150, **given_, **CREDIT[model])
    assert forced.dirty_price == pytest.approx(150, abs=0.05)


def test_a_conversion_window_closes_after_its_last_day(yearly):
    """Open until ten days before maturity, the option is one on what the bond is worth then."""
    first = np.datetime64("2005-01-01")
    terms = yearly(365, conversions=[ConversionWindow(conversion_price=100, end=first + 355)])
    got = convertible_value(
        terms, first, stock_price=90, volatility=0.3, risk_free=0.04, model=AFV, accuracy="reference",
        **NO_CREDIT[AFV],
    )  # fmt: skip
    strike = 100 * math.exp(-0.04 * 10 / 365)
    expected = 100 * math.exp(-0.04) + black_scholes(90, strike, 0.04, 0.3, 355 / 365)
    assert got.dirty_price == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_call_prices_step_on_their_days(make, model):
    """A bond of 8% where money earns 3% is called as soon as it may be, or at the step if that is cheaper."""
    windows = [
        CallWindow(clean_price=112, start="2004-12-18", end="2005-06-18"),
        CallWindow(clean_price=103, start="2005-06-18"),
    ]
    got = convertible_value(
        make(1e9, terms={"calls": windows}), DAY, stock_price=1.0, volatility=0.3, risk_free=0.03, model=model,
        **NO_CREDIT[model],
    )  # fmt: skip
    at_once = (112 + 4) * math.exp(-0.03 * 183 / 365)
    at_the_step = 4 * math.exp(-0.03 * 183 / 365) + (103 + 4) * math.exp(-0.03)
    assert at_the_step < at_once
    assert got.dirty_price == pytest.approx(at_the_step, abs=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_a_reset_with_its_chance_is_a_mean_of_two_options(make, model):
    """Without dividends or credit conversion waits for maturity, and gives up the last coupon: options on 104."""
    reset = [
        ConversionWindow(conversion_price=1.85, end="2004-10-16"),
        ConversionWindow(conversion_price=1.5, start="2004-10-16"),
    ]
    market = {"stock_price": 1.5, "volatility": 0.5, "risk_free": 0.03, "model": model} | NO_CREDIT[model]
    kept, lowered = (
        convertible_value(terms, DAY, accuracy="reference", **market).dirty_price
        for terms in (make(), make(conversions=reset))
    )
    coupons = ["2004-12-18", "2005-06-18", "2005-12-18", "2006-06-18", "2006-12-18", "2007-06-18"]
    years = (np.array(coupons, "datetime64[D]") - np.datetime64(DAY)).astype(int) / 365
    bond = np.sum([4, 4, 4, 4, 4, 104] * np.exp(-0.03 * years))
    high, low = (100 / price * black_scholes(1.5, 1.04 * price, 0.03, 0.5, years[-1]) for price in (1.85, 1.5))
    assert 0.75 * kept + 0.25 * lowered == pytest.approx(bond + 0.75 * high + 0.25 * low, abs=1e-4)
    table = timeline(make(conversions=reset))
    np.testing.assert_allclose(table[:, col.RATIO], [100 / 1.85] + [100 / 1.5] * 6)
    assert table[0, col.LENGTH] == 120 / 365  # the days of the agreement, 18 June to 16 October


# ---- coupons paid on a call ----


def test_a_make_whole_is_the_coupons_left(make):
    calls = [CallWindow(clean_price=100, start="2004-12-18", make_whole_until="2006-06-18")]
    table = timeline(make(terms={"calls": calls}))
    # after the coupon of December 2004 three are left until June 2006; after that day, accrued interest
    assert table[1:, col.CALL_START].tolist() == [112, 108, 104, 100, 100]
    assert table[1:, col.CALL_END].tolist() == [112, 108, 104, 104, 104]


def test_a_make_whole_may_be_discounted(make):
    calls = [CallWindow(clean_price=100, start="2005-12-18", end="2005-12-18", make_whole_until="2006-12-18",
                        make_whole_rate=0.05)]  # fmt: skip
    table = timeline(make(terms={"calls": calls}))
    called = table[np.isfinite(table[:, col.DAY_CALL])]
    expected = 100 + 4 * 1.05 ** (-182 / 365) + 4 / 1.05
    assert called[:, col.DAY_CALL].tolist() == pytest.approx([expected], abs=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_a_note_deep_in_call_is_worth_the_call_and_its_coupons(make, model):
    calls = [CallWindow(clean_price=80, end="2004-12-01", make_whole_until="2005-06-18")]
    got = convertible_value(
        make(1e9, terms={"calls": calls}), "2004-09-18", stock_price=1.0, volatility=0.3, risk_free=0.0, model=model,
        **NO_CREDIT[model],
    )  # fmt: skip
    assert got.dirty_price == pytest.approx(88.0, abs=1e-9)


@settings(max_examples=20)
@given(st.floats(0.5, 4.0), st.floats(0.2, 0.8), st.floats(98, 110))
def test_a_make_whole_costs_the_issuer(make, stock, vol, price):
    market = {"stock_price": stock, "volatility": vol, "risk_free": 0.03, "model": AFV, "accuracy": "fast"} | CREDIT[
        AFV
    ]
    plain = make(terms={"calls": [CallWindow(clean_price=price)]})
    whole = make(terms={"calls": [CallWindow(clean_price=price, make_whole_until="2006-06-18")]})
    assert (
        convertible_value(whole, DAY, **market).dirty_price
        >= convertible_value(plain, DAY, **market).dirty_price - 0.02
    )


# ---- maturity paid in shares ----


@pytest.mark.parametrize("model", [TF, GS])
@pytest.mark.parametrize("stock", [70.0, 120.0])
def test_a_maturity_paid_in_shares_bears_no_spread(yearly, model, stock):
    terms = yearly(
        730, price=100, conversions=[ConversionWindow(conversion_price=100, start="2007-01-01")],
        terms={"redemption_in": "shares", "redemption_price_fraction": 0.95},
    )  # fmt: skip
    got = convertible_value(
        terms, "2005-01-01", stock_price=stock, volatility=0.35, risk_free=0.04, model=model, credit_spread=0.3,
        accuracy="reference",
    )  # fmt: skip
    repaid = 100 / 0.95
    expected = repaid * math.exp(-0.08) + black_scholes(stock, repaid, 0.04, 0.35, 2.0)
    assert got.dirty_price == pytest.approx(expected, abs=1e-4)
    assert got.bond_floor == pytest.approx(repaid * math.exp(-0.08), abs=1e-10)


def test_its_coupons_are_cash(make):
    """With hardly any shares on conversion: the coupons at the risky rate, the shares delivered at the risk-free one."""
    got = convertible_value(
        make(1e9, terms={"redemption_in": "shares"}), DAY, stock_price=1.0, volatility=0.3, risk_free=0.03, model=TF,
        credit_spread=0.05,
    )  # fmt: skip
    times = np.array([183, 365, 548, 730, 913, 1095]) / 365
    expected = 4 * np.exp(-0.08 * times).sum() + 100 * math.exp(-0.03 * 3)
    assert (got.dirty_price, got.bond_floor) == pytest.approx((expected, expected), abs=1e-6)


def test_by_a_hazard_rate_the_note_must_live_to_be_paid(yearly):
    terms = yearly(730, price=1e9, terms={"redemption_in": "shares", "redemption_price_fraction": 0.9})
    got = convertible_value(
        terms, "2005-01-01", stock_price=1.0, volatility=0.3, risk_free=0.02, model=AFV, hazard_rate=0.06,
        recovery_rate=0.4, stock_drop=1.0,
    )  # fmt: skip
    expected = 100 / 0.9 * math.exp(-0.16) + 0.06 * 40 * (1 - math.exp(-0.16)) / 0.08
    assert (got.dirty_price, got.bond_floor) == pytest.approx((expected, expected), abs=1e-4)


# ---- dividends of single notes ----


def test_dividends_may_be_of_single_notes(make):
    both = make([1.85, 1.85], issue_date=[DAY, DAY])
    market = {"stock_price": 2.0, "volatility": 0.4, "risk_free": 0.03, "model": AFV} | CREDIT[AFV]
    got = convertible_value(
        both, DAY, **market, dividend_dates=["2005-03-01", "2006-03-01", "2005-03-01"],
        dividend_amounts=[0.2, 0.1, 0.05], dividend_notes=[1, 1, 0],
    )  # fmt: skip
    for note, (dates, amounts) in enumerate([(["2005-03-01"], [0.05]), (["2005-03-01", "2006-03-01"], [0.2, 0.1])]):
        alone = convertible_value(make(), DAY, **market, dividend_dates=dates, dividend_amounts=amounts)
        assert got.dirty_price[note] == alone.dirty_price


def test_steps_may_be_of_each_note(make):
    both = make([1.85, 1.85], issue_date=[DAY, DAY])
    market = {"stock_price": 2.0, "risk_free": 0.03, "model": AFV} | CREDIT[AFV]
    dates, values = ["2005-06-18", "2007-06-18"], [[0.3, 0.5], [0.4, 0.2]]
    got = convertible_value(both, DAY, volatility=Steps(dates, values), **market)
    for note in (0, 1):
        alone = convertible_value(make(), DAY, volatility=Steps(dates, values[note]), **market)
        assert got.dirty_price[note] == alone.dirty_price
    with pytest.raises(nc.TermError, match="`volatility` must be one row of steps, or one for each of 1 notes"):
        convertible_value(make(), DAY, volatility=Steps(dates, values), **market)


# ---- what the fast paths must leave alone, and what is refused ----


def test_which_notes_need_the_general_engine(make):
    notes = make(
        [1.85, 1.85, 1.85], maturity=["2007-06-18"] * 3,
        terms={"puts": [PutWindow(clean_price=[100, np.nan, 100], start=["2005-06-18", None, "2006-06-18"],
                                  end=["2006-06-18", None, "2006-06-18"])]},
    )  # fmt: skip
    days = np.array([DAY] * 3, dtype="datetime64[D]")
    lines = build_timelines(notes, np.arange(3), days, {}, NO_DIVIDENDS)
    assert lines.needs_general.tolist() == [True, False, False]
    days[0] = np.datetime64("NaT")
    in_shares = make([1.85] * 3, maturity=["2007-06-18"] * 3, terms={"redemption_in": "shares"})
    lines = build_timelines(in_shares, np.arange(3), days, {}, NO_DIVIDENDS)
    assert lines.needs_general.tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda _: CallWindow(clean_price=100, make_whole_rate=0.05), "`make_whole_rate` must be left out without"),
        (
            lambda _: CallWindow(clean_price=100, make_whole_until=DAY, make_whole_rate=5),
            "`make_whole_rate` must be a decimal between -1 and 1; got 5.0. Did you mean 0.05",
        ),
        (lambda make: make(terms={"redemption_in": "stock"}), "`redemption_in` must be 'cash' or 'shares'"),
        (
            lambda make: make(terms={"redemption_price_fraction": 0}),
            "`redemption_price_fraction` must be a fraction above 0, such as 0.95; got 0.0",
        ),
    ],
)
def test_impossible_rarer_terms(make, build, words):
    with pytest.raises(nc.TermError, match=words):
        build(make)


@pytest.mark.parametrize(
    ("dividends", "words"),
    [
        ({"dividend_notes": [0]}, "`dividend_notes` must be left out without dividends"),
        ({"dividend_dates": [DAY], "dividend_amounts": [1], "dividend_notes": [1]}, "`dividend_notes` must be the place"),
        ({"dividend_dates": [DAY], "dividend_amounts": [1], "dividend_notes": [0, 0]}, "must be one for each dividend"),
    ],
)  # fmt: skip
def test_impossible_dividends(make, dividends, words):
    market = {"stock_price": 2.0, "volatility": 0.4, "risk_free": 0.03, "model": TF, "credit_spread": 0.05}
    with pytest.raises(nc.TermError, match=words):
        convertible_value(make(), DAY, **market, **dividends)
