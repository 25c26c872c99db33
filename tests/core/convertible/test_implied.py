"""From a price back to what gives it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import notecalc as nc
from notecalc.core.convertible.implied import convertible_implied
from notecalc.core.convertible.terms import CallWindow, PutWindow
from notecalc.core.convertible.valuation import MODELS, convertible_value

pytestmark = pytest.mark.compiled

DAY = "2004-09-18"
MARKET = {
    "stock_price": 1.6,
    "volatility": 0.45,
    "risk_free": 0.03,
    "model": "ayache-forsyth-vetzal",
    "hazard_rate": 0.07,
    "recovery_rate": 0.3,
    "stock_drop": 1.0,
    "accuracy": "fast",
}
AFV_ALONE = {"hazard_rate", "recovery_rate", "stock_drop"}


def without(name):
    return {key: value for key, value in MARKET.items() if key != name}


@pytest.mark.parametrize("unknown", ["volatility", "stock_price", "hazard_rate"])
def test_a_value_leads_back_to_what_made_it(make, unknown):
    price = convertible_value(make(), DAY, **MARKET).clean_price
    found = convertible_implied(unknown, make(), DAY, price, **without(unknown))
    again = convertible_value(make(), DAY, **(MARKET | {unknown: found.value}))
    assert again.clean_price == pytest.approx(price, abs=1e-7)
    if found.solutions == 1:
        assert found.value == pytest.approx(MARKET[unknown], rel=1e-6)
    else:
        assert MARKET[unknown] == pytest.approx(
            [found.value, found.other][int(abs(found.other - MARKET[unknown]) < 1e-5)], rel=1e-5
        )


def test_spread_of_a_bond(make):
    market = without("hazard_rate") | {"model": "goldman-sachs", "stock_price": 0.01}
    del market["recovery_rate"], market["stock_drop"]
    times = (np.array([183, 365, 548, 730, 913, 1095]) - 92) / 365
    flows = np.array([4, 4, 4, 4, 4, 104.0])
    price = flows @ np.exp(-(0.03 + 0.055) * times) - 2.0
    assert convertible_implied("credit_spread", make(), DAY, price, **market).value == pytest.approx(0.055, abs=1e-6)


def test_no_answer_and_two_are_said(make):
    found = convertible_implied("volatility", make(), DAY, [50.0, 1000.0, np.nan], **without("volatility"))
    assert found.solutions.tolist()[:2] == [0, 0]
    assert np.isnan(found.value).all()
    assert np.isnan(found.solutions[2])
    # Likely to be called soon, it first loses by volatility, which has it called sooner, and then gains.
    terms = make(terms={"calls": [CallWindow(clean_price=100, trigger=1.5)]})
    market = MARKET | {"stock_price": 2.0}
    sweep = np.geomspace(0.02, 3.0, 60)
    values = convertible_value(terms, DAY, **(market | {"volatility": sweep})).clean_price
    price = (values.min() + min(values[0], values[-1])) / 2
    del market["volatility"]
    found = convertible_implied("volatility", terms, DAY, price, **market)
    assert found.solutions == 2
    for volatility in (found.value, found.other):
        assert convertible_value(terms, DAY, volatility=volatility, **market).clean_price == pytest.approx(price)
    assert found.value < sweep[values.argmin()] < found.other


@pytest.mark.parametrize("above", [1e-2, 1e-4])
def test_two_answers_between_neighbouring_points_are_seen(make, above):
    """The least value of a called note, and a price just above it: what is searched are 19 volatilities."""
    terms = make(terms={"calls": [CallWindow(clean_price=100, trigger=1.5)]})
    market = without("volatility") | {"stock_price": 2.0}

    def value(volatility):
        return convertible_value(terms, DAY, volatility=volatility, **market).clean_price

    least = minimize_scalar(value, bounds=(0.05, 1.0), method="bounded", options={"xatol": 1e-6})
    found = convertible_implied("volatility", terms, DAY, least.fun + above, **market)
    assert found.solutions == 2
    assert found.value < least.x < found.other < 1.3 * found.value
    assert [value(found.value), value(found.other)] == pytest.approx([least.fun + above] * 2, abs=1e-7)
    assert convertible_implied("volatility", terms, DAY, least.fun - 1e-6, **market).solutions == 0


@pytest.mark.parametrize("model", MODELS)
def test_a_price_that_a_stretch_of_answers_gives_is_told(make, model):
    """Called, converted or put at once, a note is worth the same at any volatility and credit; a hair off, at none."""
    market = {key: value for key, value in MARKET.items() if model == MODELS[1] or key not in AFV_ALONE}
    market |= {"model": model, "volatility": 0.4, "stock_price": 2.3}
    credit = "hazard_rate" if model == MODELS[1] else "credit_spread"
    market[credit] = 0.05
    called = make(terms={"calls": [CallWindow(clean_price=110)]})
    put = make(terms={"puts": [PutWindow(clean_price=99)]}, annual_rate=0.04)
    parity = 2.3 / 1.85 * 100 - 2  # clean: three months of 8% have accrued
    for unknown, terms, price, changed in (
        ("volatility", called, parity, {}),
        (credit, called, parity, {}),
        ("volatility", put, 99, {"stock_price": 0.2}),
        (credit, put, 99, {"stock_price": 0.2}),
        (credit, make(), parity + 200 / 1.85, {"stock_price": 4.3, "dividend_yield": 0.2}),
        ("stock_price", put, 99, {}),
    ):
        rest = {key: value for key, value in (market | changed).items() if key != unknown}
        found = convertible_implied(unknown, terms, DAY, [price, price - 1e-3], **rest)
        assert found.solutions.tolist() == [np.inf, 0], (unknown, price)
        assert np.isnan([*found.value, *found.other]).all()


def test_what_is_asked_for_must_be_known_and_not_given(make):
    with pytest.raises(
        nc.TermError, match=r"`unknown` must be 'volatility'.*got 'volatilty'.*Did you mean 'volatility'\?"
    ):
        convertible_implied("volatilty", make(), DAY, 100, **MARKET)
    with pytest.raises(TypeError, match="is given 'volatility', which it is to find"):
        convertible_implied("volatility", make(), DAY, 100, **MARKET)
