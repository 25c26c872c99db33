"""Values and Greeks of scenarios are those of the deal under the scenario's market and terms."""

import numpy as np
import pytest

from notecalc.batch.blocks import table_of
from notecalc.batch.results import value
from notecalc.batch.results.value import Value
from notecalc.core.curves import INTERPOLATIONS, Curve
from notecalc.deal.market import Quote
from notecalc.deal.marketfile import MarketCase


def of_deal(deal, market, model, table, **data):
    return getattr(deal, table)(**market.arguments(model), accuracy="fast", **data)


@pytest.mark.compiled
@pytest.mark.parametrize("few", [1, 10**9])
def test_each_scenario_is_the_value_of_the_deal_at_its_conversion_price(deal, market, few, monkeypatch):
    monkeypatch.setattr(value, "_FEW", few)  # priced contract by contract, and all at once
    model = "ayache-forsyth-vetzal"
    price, stock = np.array([1.6, 2.0, 1.6]), np.array([1.5, 1.9, 2.4])
    result = Value(deal, market, model=model, accuracy="fast", greeks=True)
    made = result.compute({"conversion_price": price, "stock_price": stock}, 3)
    for row in range(3):
        own = deal.replace(conversion_price=str(price[row]))
        for table in ("value", "greeks"):
            found = of_deal(own, market, model, table, stock_price=stock[row])
            for name in set(found.columns) & set(made):
                assert made[name][row] == pytest.approx(found[name].item(), rel=1e-9, abs=1e-12), name
    assert set(made) == {*result.columns}


@pytest.mark.compiled
def test_a_shift_is_added_to_the_risk_free_rate(deal, market):
    model = "tsiveriotis-fernandes"
    result = Value(deal, market, model=model, accuracy="fast", greeks=True)
    shift = np.array([0.0, 0.01, 0.01])
    made = result.compute({"risk_free_shift": shift, "risk_free": np.array([0.03, 0.03, 0.02])}, 3)
    for row, rate in enumerate((0.03, 0.04, 0.03)):
        found = of_deal(deal, market, model, "value", risk_free=rate)["dirty_price"].item()
        assert made["dirty_price"][row] == pytest.approx(found, rel=1e-12)
    moved = made["dirty_price"][1] - made["dirty_price"][0]
    assert moved == pytest.approx(100 * made["rho"][:2].mean(), rel=0.02)  # a hundred basis points


@pytest.mark.compiled
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_a_curve_is_shifted_at_all_terms(deal, market, interpolation, monkeypatch):
    days, zero_rates = ["2005-06-18", "2007-06-18"], np.array([0.02, 0.035])
    years = (np.array(days, dtype="datetime64[D]") - np.datetime64("2004-06-18")).astype(float) / 365

    def curve(shift):
        factors = np.exp(-(zero_rates + shift) * years)
        first, how = "2004-06-18", {"interpolation": interpolation, "day_count": "actual/365 fixed"}
        return Curve.from_discount_factors(first, days, factors, **how)

    model = "tsiveriotis-fernandes"
    by_curve = market.market(model).with_quotes({"risk_free": Quote(curve(0.0), assumed="a test")})
    monkeypatch.setattr(MarketCase, "market", lambda _case, _model=None: by_curve)
    result = Value(deal, market, model=model, accuracy="fast")
    inputs = {"risk_free_shift": np.array([0.0, 0.01, 0.0, -0.005]), "stock_price": np.array([1.5, 1.5, 2.0, 2.0])}
    made = result.compute(inputs, 4)["dirty_price"]
    for row, (shift, stock) in enumerate(zip(*inputs.values(), strict=True)):
        shifted = by_curve.with_quotes({"risk_free": Quote(curve(shift), assumed="a test"), "stock_price": stock})
        found = deal.value(on=market.on, model=model, market=shifted, accuracy="fast")["dirty_price"].item()
        assert made[row] == pytest.approx(found, rel=1e-12)


@pytest.mark.compiled
def test_data_that_cannot_be_are_error_rows(deal, market):
    inputs = {
        "conversion_price": np.repeat([1.85, 0.0, 2.0], 40),
        "stock_price": np.tile([1.5, 0.0, np.nan, 2.0], 30),
    }
    result = Value(deal, market, model="ayache-forsyth-vetzal", accuracy="fast")
    frame = table_of(result, inputs, 0, {"columns": {}, "run": {}})[0].to_pandas()
    expected = np.where(inputs["conversion_price"] == 0, "conversion_price", "")
    bad = ~(inputs["stock_price"] > 0)
    both = bad & (expected != "")
    assert (frame["error_code"][~both] == np.where(bad, "stock_price", expected)[~both]).all()
    assert set(frame["error_code"][both]) <= {"conversion_price", "stock_price"}
    assert np.array_equal(frame["dirty_price"].isna(), frame["error_code"] != "")
