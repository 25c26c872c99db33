"""Puts in windows: beside puts on more and more single days, and what must hold for any of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._timeline import build_timelines
from notecalc.core.convertible._windows import Dividends
from notecalc.core.convertible.terms import CallWindow, PutWindow
from notecalc.core.convertible.valuation import MODELS, convertible_value

DAY = "2004-06-18"
AFV = MODELS[1]
CREDIT = {
    MODELS[0]: {"credit_spread": 0.08},
    AFV: {"hazard_rate": 0.08, "recovery_rate": 0.3, "stock_drop": 1.0},
    MODELS[2]: {"credit_spread": 0.08},
}
NO_DIVIDENDS = Dividends(np.empty(0, dtype="datetime64[D]"), np.empty(0))


def value(terms, model=AFV, **market):
    given_ = {"stock_price": 1.2, "volatility": 0.4, "risk_free": 0.03} | CREDIT[model] | market
    return convertible_value(terms, DAY, model=model, **given_)


@pytest.mark.compiled
@pytest.mark.parametrize("model", MODELS)
def test_a_window_is_what_ever_more_days_come_to(make, model):
    """Days of puts 8 and 4 days apart miss a value in proportion to the gap; extrapolated, they miss its square root.

    Each day is an event of its own, on which the value is clipped: nothing of the moving edge is used.
    """
    first, last = np.datetime64("2005-01-10"), np.datetime64("2006-10-18")
    prices = np.array([0.6, 0.9, 1.2, 1.6])
    whole = make(terms={"puts": [PutWindow(clean_price=99, start=first, end=last)]}, annual_rate=0.04)
    got = value(whole, model, stock_price=prices, accuracy="reference").dirty_price
    by_gap = {}
    for gap in (8, 4):
        days = np.append(np.arange(first, last, gap), last)
        each = make(terms={"puts": [PutWindow(clean_price=99, start=d, end=d) for d in days]}, annual_rate=0.04)
        by_gap[gap] = value(each, model, stock_price=prices).dirty_price
    assert (by_gap[4] <= got).all()
    # 4 days cost up to 8e-3; what is left of it was measured as 7e-4
    np.testing.assert_allclose(2 * by_gap[4] - by_gap[8], got, atol=1e-3)


@pytest.mark.compiled
def test_a_put_that_is_live_until_a_higher_redemption_is_never_used(make):
    """Interest accrues on the price beyond what money earns: to wait for maturity is better, whatever the stock.

    With dividends the note is also converted early: both edges begin in one cell, and must come apart.
    """
    prices = np.array([1.0, 1.7, 2.07304, 2.5])
    market = {
        "stock_price": prices, "volatility": 0.757, "risk_free": 0.0128, "dividend_yield": 0.05, "hazard_rate": 0.0143,
        "recovery_rate": 0.4336,
    }  # fmt: skip
    put = make(annual_rate=0.05, terms={"puts": [PutWindow(clean_price=130)]})
    redeemed = make(annual_rate=0.05, terms={"redemption": 130})
    np.testing.assert_allclose(value(put, **market).dirty_price, value(redeemed, **market).dirty_price, atol=2e-3)


@pytest.mark.parametrize("model", MODELS)
def test_a_note_worth_less_than_its_put_is_put(make, model):
    got = value(make(annual_rate=0.0, terms={"puts": [PutWindow(clean_price=95)]}), model, stock_price=0.2)
    assert (got.dirty_price, got.delta, got.gamma) == (95.0, 0.0, 0.0)


def test_a_window_as_segments(make):
    """Its price is dirty, and on its last day it is live after the coupon, too."""
    terms = make(terms={"puts": [PutWindow(clean_price=99, start="2005-06-18", end="2006-06-18")]})
    lines = build_timelines(terms, np.array([0]), np.array([DAY], dtype="datetime64[D]"), {}, NO_DIVIDENDS)
    table = lines.table
    assert table[:, col.PUT].tolist() == [0, 0, 1, 1, 0, 0]
    assert table[2, [col.PUT_START, col.PUT_END]].tolist() == [99, 103]
    assert table[3, col.DAY_PUT] == 99


@pytest.mark.compiled
@settings(max_examples=30)
@given(
    st.fixed_dictionaries(
        {
            "stock_price": st.floats(0.3, 5.0),
            "volatility": st.floats(0.15, 0.9),
            "risk_free": st.floats(0.0, 0.08),
            "dividend_yield": st.floats(0.0, 0.08),
        }
    ),
    st.sampled_from(MODELS),
    st.floats(80, 110),
)
def test_never_below_a_live_put_and_worth_more_than_without(make, market, model, price):
    put = value(make(terms={"puts": [PutWindow(clean_price=price)]}), model, **market, accuracy="fast").dirty_price
    assert put >= price - 1e-9
    one_day = [PutWindow(clean_price=price, start="2006-06-18", end="2006-06-18")]
    assert put >= value(make(terms={"puts": one_day}), model, **market, accuracy="fast").dirty_price - 0.02


@pytest.mark.compiled
def test_what_may_be_called_and_put_at_one_price_is_worth_it(make):
    terms = make(terms={"puts": [PutWindow(clean_price=100)], "calls": [CallWindow(clean_price=100)]})
    prices = np.array([0.5, 1.5, 1.84, 2.5])
    got = value(terms, stock_price=prices).dirty_price
    np.testing.assert_allclose(got, np.maximum(100, 100 / 1.85 * prices), atol=1e-9)
