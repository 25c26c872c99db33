"""Who converts at maturity keeps the last coupon, if its record date has passed: it is a bond of its own beside the rest.

Without dividends and calls nobody converts early, so the value is that of the note which repays the same without its
last coupon, or its shares, and the coupon, in closed form.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

import notecalc as nc
from notecalc.core.convertible.outcomes import convertible_probabilities
from notecalc.core.convertible.terms import CallWindow, PutWindow
from notecalc.core.convertible.valuation import MODELS, convertible_value

pytestmark = pytest.mark.compiled  # whole lives on grids: minutes as plain Python

DAY, YEARS = "2005-01-01", 2.0
TF, AFV, GS = MODELS
KEPT = "forfeited-before-record-date"
MARKET = {"volatility": 0.35, "risk_free": 0.04}
CREDIT = {
    TF: {"credit_spread": 0.06},
    AFV: {"hazard_rate": 0.05, "recovery_rate": 0.3, "stock_drop": 1.0},
}


def worth(terms, model, stock, accuracy="reference", on=DAY, **market):
    return convertible_value(
        terms, on, model=model, accuracy=accuracy, **(MARKET | {"stock_price": stock} | market)
    ).dirty_price


@pytest.mark.parametrize("record_days", [0, 15])
def test_without_credit_it_is_a_bond_and_calls(yearly, record_days):
    """A call on the shares for 100 where the coupon is kept, for 106 where the record date is the day itself."""
    terms = yearly(730, rate=0.06, price=80.0, accrued_on_conversion=KEPT, record_days=record_days)
    stock = np.array([40.0, 80.0, 100.0, 200.0])
    strike = 80.0 * (1.0 if record_days else 1.06)
    deviation = 0.35 * math.sqrt(YEARS)
    high = (np.log(stock / strike) + 0.04 * YEARS) / deviation + deviation / 2
    call = stock * norm.cdf(high) - strike * math.exp(-0.04 * YEARS) * norm.cdf(high - deviation)
    expected = 6 * math.exp(-0.04) + 106 * math.exp(-0.04 * YEARS) + 100 / 80 * call
    for accuracy, within in (("fast", 1e-3), ("standard", 1e-4), ("reference", 1e-6)):
        got = worth(terms, AFV, stock, accuracy, hazard_rate=0.0, recovery_rate=0.0, stock_drop=1.0)
        assert got == pytest.approx(expected, abs=within)
    for model in (TF, GS):
        assert worth(terms, model, stock, credit_spread=0.0) == pytest.approx(expected, abs=3e-6)


@pytest.mark.parametrize("model", [TF, AFV])
def test_the_last_coupon_is_a_bond_of_its_own(yearly, model):
    """So the rest repays 100 in all at maturity, its last coupon of 6 among it."""
    stock, credit = np.array([50.0, 80.0, 95.0, 150.0]), CREDIT[model]
    kept = yearly(730, rate=0.06, price=80.0, accrued_on_conversion=KEPT, record_days=15)
    rest = yearly(730, rate=0.06, price=80.0, terms={"redemption": 94.0})
    bond = 6 * math.exp(-(0.04 + credit.get("credit_spread", 0) + credit.get("hazard_rate", 0)) * YEARS)
    got = worth(kept, model, stock, **credit)
    assert got == pytest.approx(worth(rest, model, stock, **credit) + bond, abs=4e-6)
    if model == AFV:
        chances = [
            convertible_probabilities(terms, DAY, model=AFV, stock_price=stock, **MARKET, **credit)
            for terms in (kept, rest)
        ]
        assert chances[0].converted_at_maturity == pytest.approx(chances[1].converted_at_maturity, abs=1e-9)


@settings(deadline=None)
@given(
    puts=st.sampled_from([(), ("2006-03-01", "2006-03-01"), ("2006-03-01", "2006-06-01")]),
    volatility=st.floats(0.15, 0.8),
    hazard_rate=st.floats(0.0, 0.2),
    stock=st.floats(40.0, 160.0),
)
def test_with_puts_it_is_a_note_that_pays_what_accrued(yearly, puts, volatility, hazard_rate, stock):
    """For nobody converts early, be what accrued paid or not: in vectors, in the engine, and by the fast path."""
    terms = {"puts": [PutWindow(clean_price=101, start=puts[0], end=puts[1])]} if puts else {}
    credit = {"hazard_rate": hazard_rate, "recovery_rate": 0.3, "stock_drop": 1.0, "volatility": volatility}
    kept, paid = (
        worth(
            yearly(730, rate=0.06, price=80.0, accrued_on_conversion=word, record_days=15, terms=terms),
            AFV, np.array([stock]), "standard", **credit,
        )
        for word in (KEPT, "paid")
    )  # fmt: skip
    assert kept == pytest.approx(paid, abs=5e-4)


@pytest.mark.parametrize("model", [TF, AFV])
def test_a_call_takes_it_away(yearly, model):
    """What is forced to convert before maturity loses it, at the latest next to the level from which it is."""
    calls = {"calls": [CallWindow(clean_price=103, trigger=1.3, start="2006-02-01")]}
    stock = np.array([60.0, 90.0, 100.0, 104.1])
    kept, lost = (
        worth(
            yearly(730, rate=0.06, price=80.0, accrued_on_conversion=word, record_days=15, terms=calls),
            model, stock, on="2006-06-01", **CREDIT[model],
        )
        for word in (KEPT, "forfeited")
    )  # fmt: skip
    assert (kept[:-1] > lost[:-1]).all()
    assert kept[-1] == lost[-1] == pytest.approx(104.1 / 0.8, abs=1e-9)


def test_record_days_are_needed(yearly):
    with pytest.raises(nc.TermError, match="`record_days`"):
        yearly(730, rate=0.06, accrued_on_conversion=KEPT)
