"""Values and Greeks of scenarios are those of the deal under the scenario's market and terms."""

import numpy as np
import pytest

from notecalc.batch.blocks import table_of
from notecalc.batch.results import value
from notecalc.batch.results.value import Value
from notecalc.core.convertible.terms import Steps
from notecalc.core.curves import INTERPOLATIONS, Curve
from notecalc.core.schedule import resolve
from notecalc.deal.market import Quote
from notecalc.deal.marketfile import MarketCase
from notecalc.deal.register import notes_of


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


@pytest.mark.compiled
def test_curves_are_moved_otherwise_in_each_scenario(deal, market, monkeypatch):
    """Slope and curvature of the risk-free curve, a pillar and a factor of hazard rates by date, against each by hand."""
    monkeypatch.setattr(value, "_AT_ONCE", 2)
    model, first = "ayache-forsyth-vetzal", np.datetime64("2004-06-18")
    periods = resolve(notes_of(deal.terms))
    days = np.union1d(periods.accrual_end, periods.payment_date)  # all on which the engine looks at a curve
    years = (days - first).astype(float) / 365
    zero, hazard = np.linspace(0.02, 0.035, days.size), np.linspace(0.15, 0.05, days.size)

    def curve(shift):
        return Curve.from_zero_rates(
            first, days, zero + shift, compounding="continuous", interpolation=INTERPOLATIONS[1],
            day_count="actual/365 fixed",
        )  # fmt: skip

    def quote(datum):
        return Quote(datum, assumed="a test")

    by_date = market.market(model).with_quotes(
        {"risk_free": quote(curve(0.0)), "hazard_rate": quote(Steps(days, hazard))}
    )
    monkeypatch.setattr(MarketCase, "market", lambda _case, _model=None: by_date)
    inputs = {
        "risk_free_shift.slope": np.array([0.0, 0.01, 0.01]),
        "risk_free_shift.curvature": np.array([0.0, -0.02, 0.0]),
        "risk_free_shift": np.array([0.001, 0.0, 0.0]),
        "hazard_rate_factor": np.array([1.0, 1.5, 0.8]),
        "hazard_rate_shift.1y": np.array([0.0, 0.02, 0.0]),
        "hazard_rate_shift.2y": np.array([0.0, 0.02, 0.01]),
        "stock_price": np.array([1.5, 1.0, 2.0]),
        "stock_price_factor": np.array([1.0, 1.5, 0.9]),
    }
    result = Value(deal, market, model=model, accuracy="fast", greeks=True)
    assert (result.kind_of("hazard_rate_shift.18m"), result.kind_of("volatility_shift.1y")) == ("number", None)
    made = result.compute(inputs, 3)
    decay = 12 * 0.0609  # Diebold and Li (2006), section 3.2
    slope = (1 - np.exp(-decay * years)) / (decay * years)
    # Of averages from the first day: those of a stretch are what its ends' averages differ by.
    for row in range(3):
        own = {name: values[row] for name, values in inputs.items()}
        zeros = own["risk_free_shift.slope"] * slope + own["risk_free_shift.curvature"] * (
            slope - np.exp(-decay * years)
        )
        at_1, at_2 = own["hazard_rate_shift.1y"], own["hazard_rate_shift.2y"]
        averages = np.interp(years, [1.0, 2.0], [at_1, at_2])
        stretches = np.diff(averages * years, prepend=0.0) / np.diff(years, prepend=0.0)
        moved = by_date.with_quotes({
            "risk_free": quote(curve(zeros + own["risk_free_shift"])),
            "hazard_rate": quote(Steps(days, hazard * own["hazard_rate_factor"] + stretches)),
            "stock_price": own["stock_price"] * own["stock_price_factor"],
        })  # fmt: skip
        for table in ("value", "greeks"):
            found = getattr(deal, table)(on=market.on, model=model, market=moved, accuracy="fast")
            for name in set(found.columns) & set(made):
                assert made[name][row] == pytest.approx(found[name].item(), rel=1e-9, abs=1e-9), name
    low = inputs | {"hazard_rate_shift.1y": np.array([0.0, -0.5, 0.0])}
    frame = table_of(result, low, 0, {"columns": {}, "run": {}})[0].to_pandas()
    assert frame["error_code"].tolist() == ["", "hazard_rate", ""]
    assert frame["dirty_price"][[0, 2]].tolist() == pytest.approx(made["dirty_price"][[0, 2]].tolist(), rel=1e-12)
