"""Where a convertible's value is known: limits of its market in closed form, and laws under the condition of each."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from notecalc.core.convertible.terms import CallWindow, ConversionWindow, PutWindow
from notecalc.core.convertible.valuation import MODELS, convertible_value

pytestmark = pytest.mark.compiled

DAY = "2004-06-18"
TF, AFV, GS = MODELS
TIMES = np.array([183, 365, 548, 730, 913, 1095]) / 365  # of the coupons of 4 of the note that the fixtures make
RATIO = 100 / 1.85


def market(model, *, credit, recovery=0.0, drop=1.0, **rest):
    if model == AFV:
        return rest | {"model": model, "hazard_rate": credit, "recovery_rate": recovery, "stock_drop": drop}
    return rest | {"model": model, "credit_spread": credit}


def call(forward, strike, discount, deviation):
    """Black's formula; `deviation` is the standard deviation of ln S at the end."""
    d = math.log(forward / strike) / deviation + deviation / 2
    return discount * (forward * norm.cdf(d) - strike * norm.cdf(d - deviation))


# ---- closed forms ----


def test_vanilla_check_of_ayache_forsyth_and_vetzal(make, vectors):
    """Without call, put or default it is coupons, and a call on the share at what is repaid with the last of them."""
    start = np.datetime64("2002-01-01")
    terms = make(100.0, issue_date=start, maturity="2007-01-01")
    got = convertible_value(
        terms, start, stock_price=100, volatility=0.2, risk_free=0.05, accuracy="reference",
        **market(AFV, credit=0.0),
    )  # fmt: skip
    assert got.dirty_price == pytest.approx(
        vectors["afv2003"]["vanilla_check"]["value"], abs=0.005
    )  # half years are 181 to 184 days
    days = (terms.periods.payment_date - start) / np.timedelta64(1, "D")
    coupons = 100 * 0.08 * terms.periods.fraction
    flows = coupons[:-1] @ np.exp(-0.05 * days[:-1] / 365)
    repaid, discount = 100 + coupons[-1], math.exp(-0.05 * days[-1] / 365)
    expected = flows + repaid * discount + call(100 / discount, repaid, discount, 0.2 * math.sqrt(days[-1] / 365))
    assert got.dirty_price == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_identities_of_quantlibs_suite(yearly, vectors, model):
    """Its years are Actual/360: 3,600 days are ten."""
    case = vectors["quantlib_identities"]["common"]
    year = 365 / 360
    common = {
        "stock_price": case["S"],
        "volatility": case["sigma"] * math.sqrt(year),
        "risk_free": case["r"] * year,
        "dividend_yield": case["q"] * year,
        "accuracy": "reference",
    }
    end = np.datetime64("2005-01-01") + 3600
    at_maturity = {"conversions": [ConversionWindow(conversion_price=100 / case["ratio"], start=end, end=end)]}
    got = convertible_value(yearly(3600, **at_maturity), "2005-01-01", **common, **market(model, credit=0.0))
    discount = math.exp(-10 * case["r"])
    forward = case["S"] * math.exp(10 * (case["r"] - case["q"]))
    option = call(forward, 100 / case["ratio"], discount, case["sigma"] * math.sqrt(10))
    assert got.dirty_price == pytest.approx(100 * discount + case["ratio"] * option, abs=1e-5)
    straight = convertible_value(
        yearly(3600, price=1e14), "2005-01-01", **common, **market(model, credit=case["spread"] * year)
    )
    assert straight.dirty_price == pytest.approx(100 * math.exp(-10 * (case["r"] + case["spread"])), abs=1e-6)


@pytest.mark.parametrize("stock", [1.2, 2.2])
@pytest.mark.parametrize("model", MODELS)
def test_volatility_to_zero(make, model, stock):
    """Its end is known: shares or cash. Until then the stock earns the rate, and for default what it loses by it."""
    rate, credit = 0.03, 0.06
    got = convertible_value(
        make(), DAY, stock_price=stock, volatility=0.01, risk_free=rate, **market(model, credit=credit)
    )
    growth = rate + (credit if model == AFV else 0.0)
    converted = RATIO * stock * math.exp(3 * growth) > 104
    assert converted == (stock > 2)
    # Who will convert bears no spread on the shares; in the blended model, on the coupons neither.
    on_coupons = rate if converted and model == GS else rate + credit
    coupons = 4 * np.exp(-on_coupons * TIMES[:-1]).sum()
    last = RATIO * stock if converted else 104 * math.exp(-3 * (rate + credit))
    assert got.dirty_price == pytest.approx(coupons + last, abs=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_far_in_the_money_coupons_remain_beside_the_shares(make, model):
    got = convertible_value(
        make(), DAY, stock_price=300.0, volatility=0.4, risk_free=0.03, **market(model, credit=0.05)
    )
    # The blended model discounts all of a note that will be converted at the risk-free rate.
    rate = 0.03 if model == GS else 0.08
    assert got.dirty_price == pytest.approx(RATIO * 300 + 4 * np.exp(-rate * TIMES[:-1]).sum(), abs=1e-3)


def test_one_day_to_maturity_is_an_option_of_a_day(make):
    """With a day left it is the repaid amount and calls on the shares, in closed form."""
    for stock in (1.85, 1.92, 2.0):
        got = convertible_value(
            make(), "2007-06-17", stock_price=stock, volatility=0.9, risk_free=0.03, accuracy="reference",
            **market(AFV, credit=0.05),
        )  # fmt: skip
        discount = math.exp(-0.08 / 365)
        option = call(stock / discount, 1.04 * 1.85, discount, 0.9 / math.sqrt(365))
        assert got.dirty_price == pytest.approx(104 * discount + RATIO * option, abs=1e-5)


def test_a_put_of_tomorrow_is_a_floor_and_a_call_of_tomorrow_a_ceiling(make):
    """What falls due tomorrow is today worth its price, but for a day's interest and default."""
    put = make(terms={"puts": [PutWindow(start="2005-12-18", end="2005-12-18", clean_price=120)]})
    common = {"volatility": 0.3, "risk_free": 0.03, **market(AFV, credit=0.05)}
    low = convertible_value(put, "2005-12-17", stock_price=0.5, **common)
    assert low.dirty_price == pytest.approx((120 + 4) * math.exp(-0.08 / 365), abs=1e-4)
    window = [ConversionWindow(conversion_price=1.85, start="2007-06-18")]
    called = make(
        conversions=window, terms={"calls": [CallWindow(clean_price=60, start="2005-12-18", end="2005-12-18")]}
    )
    high = convertible_value(called, "2005-12-17", stock_price=3.0, **common)
    assert high.dirty_price == pytest.approx((60 + 4) * math.exp(-0.08 / 365), abs=1e-4)


# ---- laws ----

markets = st.fixed_dictionaries(
    {
        "stock_price": st.floats(0.5, 5.0),
        "volatility": st.floats(0.15, 0.9),
        "risk_free": st.floats(0.0, 0.08),
        "dividend_yield": st.floats(0.0, 0.08),
    }
)
shares = st.floats(0.0, 1.0)
SLACK = 0.02  # the error of "fast" where conversion is early


@settings(max_examples=25)
@given(markets, st.floats(0.0, 0.15), shares, st.floats(0.005, 0.1))
def test_falls_with_hazard_where_nothing_is_recovered_and_nothing_called(make, given_, hazard, drop, more):
    """Uncalled, the value is convex in the stock: what default takes exceeds what the stock earns for it."""

    def value(rate):
        return convertible_value(
            make(), DAY, **given_, accuracy="fast", **market(AFV, credit=rate, drop=drop)
        ).dirty_price

    assert value(hazard + more) <= value(hazard) + SLACK


@settings(max_examples=25)
@given(markets, st.floats(0.0, 0.15), shares, st.floats(0.0, 0.9))
def test_rises_with_recovery(make, given_, hazard, drop, recovery):
    low, high = (
        convertible_value(
            make(), DAY, **given_, accuracy="fast", **market(AFV, credit=hazard, drop=drop, recovery=share)
        ).dirty_price
        for share in (recovery, recovery + 0.1)
    )
    assert low <= high + SLACK


@settings(max_examples=25)
@given(markets, st.floats(0.0, 0.15), st.floats(90.0, 120.0), st.sampled_from(MODELS))
def test_not_below_what_a_put_pays_tomorrow(make, given_, credit, price, model):
    terms = make(terms={"puts": [PutWindow(start="2005-09-18", end="2005-09-18", clean_price=price)]})
    got = convertible_value(terms, "2005-09-17", **given_, accuracy="fast", **market(model, credit=credit))
    # a quarter of 8 has accrued; a day's interest and default are the most that it can be worth less
    assert got.dirty_price >= (price + 2) * math.exp(-(given_["risk_free"] + credit) / 365) - SLACK


@settings(max_examples=25)
@given(markets, st.floats(0.0, 0.15), st.floats(100.0, 120.0), st.floats(1.0, 1.6))
def test_a_soft_call_is_worth_between_a_hard_one_and_none(make, given_, hazard, price, trigger):
    common = given_ | {"accuracy": "fast"} | market(AFV, credit=hazard)
    hard, soft, none = (
        convertible_value(make(terms={"calls": calls}), DAY, **common).dirty_price
        for calls in ([CallWindow(clean_price=price)], [CallWindow(clean_price=price, trigger=trigger)], [])
    )
    assert hard - SLACK <= soft <= none + SLACK
