"""Returns along paths against the deal's own cash flows, and against the value that the same paths must have."""

import datetime as dt

import numpy as np
import pytest
from scipy.special import ndtri

import notecalc as nc
from notecalc.batch.blocks import table_of
from notecalc.batch.results.irr import ALL_HOLDERS, Irr
from notecalc.batch.results.paths import observation_days
from notecalc.batch.scenariofile import load_scenarios
from notecalc.core.draws import uniforms
from notecalc.core.irr import irr
from notecalc.deal.events import Conversion
from notecalc.deal.marketfile import Datum, MarketCase
from notecalc.errors import DealFileError

CLOSING, MATURITY = np.datetime64("2004-06-18"), np.datetime64("2007-06-18")
DRIFT = {"value": 0.10, "assumed": "a test"}
SEED = 11


def result(deal, market, rule="at-maturity", observed="month", **more):
    return Irr(deal, market, seed=SEED, rule=rule, observed=observed, **{"drift": DRIFT, **more})


def path(sample, days, stock_price, drift, volatility):
    """The stock price of a sample on some days, from its draws and the formula alone."""
    years = (days - CLOSING).astype(float) / 365
    spans = np.diff(years, prepend=0.0)
    draws = ndtri(uniforms(SEED, "paths/stock_price", sample, np.arange(days.size)))
    return stock_price * np.exp(np.cumsum((drift - volatility**2 / 2) * spans + volatility * np.sqrt(spans) * draws))


def test_observations_are_months_weeks_or_days_and_the_last_day():
    monthly = observation_days(np.datetime64("2004-01-31"), np.datetime64("2004-05-15"), "month")
    assert monthly.days.astype(str).tolist() == ["2004-02-29", "2004-03-31", "2004-04-30", "2004-05-15"]
    assert monthly.years[0] == 29 / 365
    weekly = observation_days(np.datetime64("2004-01-01"), np.datetime64("2004-01-15"), "week")
    assert weekly.days.astype(str).tolist() == ["2004-01-08", "2004-01-15"]
    assert observation_days(CLOSING, MATURITY, "day").days.size == 1095


@pytest.mark.parametrize(
    ("rule", "more", "other"),
    [("at-maturity", {}, False), ("trigger", {"trigger": 1.3}, True), ("optimal", {"accuracy": "fast"}, False)],
)
def test_each_return_solves_the_dated_flows_of_the_deal(deal, other_deal, market, rule, more, other):
    of = other_deal if other else deal
    sample = np.arange(20)
    data = {"volatility": np.linspace(0.3, 0.9, 20), "stock_price": np.linspace(1, 2.2, 20)}
    made = result(of, market, rule, **more).compute({"sample": sample, **data}, 20)
    days = observation_days(CLOSING, MATURITY, "month").days
    purchases = of.terms.purchases
    seen = {"converted": 0, "defaulted": 0, "repaid": 0}
    for row in range(20):
        prices = path(row, days, data["stock_price"][row], 0.10, data["volatility"][row])
        default = np.ceil(-365 * np.log(uniforms(SEED, "paths/default", row)) / 0.12)
        default = CLOSING + int(default) if default <= 1095 else np.datetime64("NaT")
        at_trigger = prices >= 1.3 * 1.85 if rule == "trigger" else np.zeros(days.size, dtype=bool)
        at_trigger[-1] = prices[-1] >= 1.85
        open_days = at_trigger & ~(default <= days)
        converted = days[open_days][0] if open_days.any() else np.datetime64("NaT")
        assert str(made["converted_on"][row, 0]) == str(converted)
        defaulted = default if np.isnat(converted) else np.datetime64("NaT")
        assert str(made["defaulted_on"][row, 0]) == str(defaulted)
        seen["converted" if open_days.any() else "repaid" if np.isnat(default) else "defaulted"] += 1
        events = [Conversion(converted, p.principal.value, p.purchaser) for p in purchases if open_days.any()]
        flows = of.cashflows(by="holder", events=events)
        price = prices[open_days][0] if open_days.any() else 0.0
        flows["total"] += price * flows["shares"]
        if not np.isnat(default):
            flows = flows[flows["payment_date"] < default]
        totals, issued = {}, 0
        for k, (holder, own) in enumerate(flows.groupby("holder", sort=False)):
            dates, amounts = own["payment_date"].to_numpy(), own["total"].to_numpy()
            if not np.isnat(defaulted):
                dates = np.append(dates, defaulted)
                amounts = np.append(amounts, np.floor(35.0 * float(purchases[k].principal.value) + 0.5) / 100)
            for day, amount in zip(dates.astype("datetime64[D]"), amounts, strict=True):
                totals[day] = totals.get(day, 0.0) + amount
            assert made["irr"][row, k] == pytest.approx(irr(dates, amounts), rel=1e-9, abs=1e-12), holder
            assert made["received"][row, k] == pytest.approx(amounts[1:].sum(), rel=1e-12)
            assert made["shares_issued"][row, k] == own["shares"].sum()
            issued += own["shares"].sum()
        assert made["irr"][row, -1] == pytest.approx(irr(list(totals), list(totals.values())), rel=1e-9, abs=1e-12)
        assert made["shares_issued"][row, -1] == issued
        assert (made["headroom"][row] == deal.headroom().loc["own-price", "available"] - issued).all()
    assert min(seen.values()) >= 2, seen


def test_a_total_loss_is_minus_one_and_what_little_comes_is_more(deal, market):
    sample = np.arange(500)
    data = {"hazard_rate": np.full(500, 3.0)}
    lost = result(deal, market).compute({"sample": sample, "recovery_rate": np.zeros(500), **data}, 500)
    early = lost["defaulted_on"][:, 0] <= np.datetime64("2004-12-20")  # when the first coupon is paid
    assert 300 < early.sum() < 480
    assert (lost["irr"][early] == -1).all()
    assert (lost["received"][early] == 0).all()
    assert (lost["irr"][~early] > -1).all()
    saved = result(deal, market).compute({"sample": sample, "recovery_rate": np.ones(500), **data}, 500)
    repaid = saved["irr"][early][:, 0]
    assert np.abs(repaid).max() < 1e-12  # what is paid back without interest returns nothing


def test_a_sample_has_its_path_whatever_is_computed_beside_it(deal, market):
    sample, stock_price = np.arange(40_000, 40_050), np.linspace(1, 2, 50)
    whole = result(deal, market).compute({"sample": sample, "stock_price": stock_price}, 50)
    for row in (0, 17, 49):
        alone = result(deal, market).compute({"sample": sample[[row]], "stock_price": stock_price[[row]]}, 1)
        for name, values in alone.items():
            assert np.array_equal(values[0], whole[name][row], equal_nan=True), name
    again = Irr(deal, market, seed=SEED + 1, rule="at-maturity", observed="month", drift=DRIFT)
    assert not np.array_equal(again.compute({"sample": sample}, 50)["irr"], whole["irr"])


def test_the_boundary_is_risk_neutral_whatever_the_drift(deal, market):
    case = MarketCase(market.terms.model_copy(update={"dividend_yield": Datum(value=0.2, assumed="a test")}), "test")
    low, high = (
        result(deal, case, "optimal", accuracy="fast", drift={"value": drift, "assumed": "a test"})
        for drift in (0.001, 0.5)
    )
    sample = np.arange(20_000)
    made = [each.compute({"sample": sample}, sample.size)["converted_on"][:, 0] for each in (low, high)]
    # A path that is above the boundary on a day without the drift is above it with the drift, and converts by then.
    early, soon = made
    assert (soon[~np.isnat(early)] <= early[~np.isnat(early)]).all()
    # In its first month hardly any path is moved across the boundary by the drift.
    first = np.datetime64("2004-07-18")
    assert (early == first).sum() == pytest.approx((soon == first).sum(), rel=0.5)


def test_the_conversion_price_may_vary(deal, market):
    sample = np.zeros(2, dtype=np.int64) + 3
    varied = result(deal, market).compute({"sample": sample, "conversion_price": np.array([1.25, 1.85])}, 2)
    for row, price in enumerate(("1.25", "1.85")):
        own = result(deal.replace(conversion_price=price), market).compute({"sample": sample[:1]}, 1)
        assert own["irr"][0].tolist() == varied["irr"][row].tolist()


def test_prices_that_cannot_be_are_error_rows(deal, market):
    inputs = {"sample": np.arange(4), "stock_price": np.array([1.5, 0.0, np.nan, 2.0])}
    table, _ = table_of(result(deal, market), inputs, 0, {"columns": {}, "run": {}})
    frame = table.to_pandas()
    assert frame.groupby("scenario")["error_code"].first().tolist() == ["", "stock_price", "stock_price", ""]
    assert str(table.schema.field("converted_on").type) == "date32[day]"
    assert frame["irr"].isna().tolist() == (frame["error_code"] != "").tolist()
    assert frame["sample"].tolist() == np.repeat(np.arange(4), 10).tolist()
    assert frame["holder"].tolist()[9::10] == [ALL_HOLDERS] * 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "best"}, "`irr.rule` must be 'at-maturity'"),
        ({"drift": {"value": 0.1}}, r"`irr.drift` must be \{ value = ..., assumed = \"the reason\" \}"),
        ({"drift": {"value": "0.1", "assumed": "x"}}, "`irr.drift.value` must be a number above -1"),
        ({"rule": "trigger"}, "`irr.trigger` must be given with rule = 'trigger', and only there"),
        ({"trigger": 1.5}, "`irr.trigger` must be given with rule = 'trigger', and only there"),
        ({"accuracy": "fast"}, "`irr.accuracy` must be given with rule = 'optimal' only"),
    ],
)
def test_options_that_cannot_be_are_refused(deal, market, options, message):
    with pytest.raises(nc.TermError, match=message):
        result(deal, market, **options)


def test_deals_and_markets_whose_paths_are_not_followed_are_refused(deal, market):
    late = MarketCase(market.terms.model_copy(update={"on": dt.date(2005, 1, 3)}), "test.toml")
    with pytest.raises(nc.TermError, match="`market.on` must be the day of closing, 2004-06-18, on which paths begin"):
        result(deal, late)
    elastic = {"hazard_elasticity": Datum(value=1.0, assumed="a test")}
    elastic["hazard_reference_price"] = Datum(value=1.5, assumed="a test")
    bent = MarketCase(market.terms.model_copy(update=elastic), "test.toml")
    with pytest.raises(nc.TermError, match="`market.hazard_elasticity` must be left out, where paths are followed"):
        result(deal, bent)
    chance = MarketCase(market.terms.model_copy(update={"reset_probability": Datum(value=0.5, assumed="x")}), "t")
    with pytest.raises(nc.TermError, match="`market.reset_probability` must be given where the deal's conversion"):
        result(deal, chance)


FILE = """
schema = 1
id = "returns"
title = "Returns along paths"
deal = "ibasis-2004"
market = "ibasis-2004-06-18"
seed = 7
[axes.volatility]
values = [0.4, 0.6]
[samples]
count = 50
[results.irr]
rule = "trigger"
trigger = 1.5
observed = "month"
drift = { value = 0.10, assumed = "no forecast is public" }
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[samples]\ncount = 50\n", "", "samples: is missing: irr must be drawn some number of times"),
        (', assumed = "no forecast is public"', "", r"1 problem\n.*results.irr.drift: must be \{ value"),
        ("[axes.volatility]", "[axes.risk_free]", "axes.risk_free: moves none of the results asked for"),
        ("trigger = 1.5", "trigger = true", r"1 problem\n.*results.irr.trigger: must be a number, without quotes"),
    ],
)
def test_a_file_must_say_that_the_drift_is_assumed(tmp_path, old, new, message):
    assert old in FILE
    file = tmp_path / "returns.toml"
    file.write_text(FILE, encoding="utf-8")
    case = load_scenarios(file)
    assert len(case.plan) == 100
    assert case.plan.inputs(49, 51)["sample"].tolist() == [49, 0]
    told = case.metadata(case.results[0])["run"]
    assert told["options"]["drift"]["assumed"] == "no forecast is public"
    assert {"hazard_rate", "recovery_rate", "stock_drop"} <= set(told["market"])
    file.write_text(FILE.replace(old, new), encoding="utf-8")
    with pytest.raises(DealFileError, match=message):
        load_scenarios(file)
