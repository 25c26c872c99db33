"""Cash flows of many scenarios at once against the deal's own, told event by event."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import notecalc as nc
from notecalc.batch.blocks import table_of
from notecalc.batch.results.cashflows import Cashflows
from notecalc.batch.results.hazards import times_of_default
from notecalc.core.convertible.terms import Steps
from notecalc.core.money import allocate
from notecalc.deal.events import Conversion
from notecalc.deal.register import register_of

ISSUE, MATURITY = np.datetime64("2004-06-18"), np.datetime64("2007-06-18")
# Edges: issue, a record date and the day after, a coupon date, the last record date and after it, maturity.
EDGES = ["2004-06-18", "2004-12-03", "2004-12-04", "2004-12-18", "2007-06-03", "2007-06-04", "2007-06-18"]
DAYS = st.one_of(st.sampled_from(EDGES).map(np.datetime64), st.integers(0, 1095).map(lambda days: ISSUE + days))
PARTS = ("interest", "principal", "cash_in_lieu", "shares")


def conversions(deal, day, thousands):
    """The events by which some thousands convert on a day, in proportion over the register."""
    held = [int(purchase.principal.value) for purchase in deal.terms.purchases]
    each = allocate(thousands, held)
    keys = [purchase.purchaser for purchase in deal.terms.purchases]
    return [Conversion(day, 1000 * int(part), key) for key, part in zip(keys, each, strict=True) if part]


@settings(max_examples=12)
@given(st.lists(st.tuples(DAYS, st.integers(1, 29_000)), min_size=1, max_size=3), st.booleans())
def test_each_scenario_has_the_cash_flows_of_its_conversions(deal, other_deal, scenarios, other):
    of = other_deal if other else deal
    days = np.array([day for day, _ in scenarios])
    thousands = np.array([part for _, part in scenarios])
    made = Cashflows(of, None).compute({"converted_on": days, "converted": 1000.0 * thousands}, days.size)
    for row in range(days.size):
        flows = of.cashflows(by="holder", events=conversions(of, days[row], thousands[row]))
        sums = flows.groupby("holder", sort=False)[[*PARTS, "total"]].sum()
        for name in PARTS:
            assert np.allclose(made[name][row], sums[name], atol=1e-6, rtol=0), name
        cash = np.sum([made[name][row] for name in ("purchase", "interest", "principal", "cash_in_lieu")], axis=0)
        assert np.allclose(cash, sums["total"], atol=1e-6, rtol=0)


KEYS = ["loeb", "jmg-triton", "windward"]


@settings(max_examples=12)
@given(st.lists(st.tuples(DAYS, st.integers(0, 900)), min_size=3, max_size=3), DAYS, st.booleans(), st.booleans())
def test_each_holder_has_the_cash_flows_of_its_own_election(deal, other_deal, elections, day, all_convert, other):
    """Two convert some or nothing on days of their own; the third all on its own day; the rest with all, or never."""
    of = other_deal if other else deal
    register = register_of(of.terms)
    inputs = {f"converted_on.{key}": np.array([own]) for key, (own, _) in zip(KEYS, elections, strict=True)}
    inputs |= {
        f"converted.{key}": np.array([1000.0 * thousands])
        for key, (_, thousands) in zip(KEYS[:2], elections, strict=False)
    }
    events = [
        Conversion(own, 1000 * thousands, key)
        for key, (own, thousands) in zip(KEYS[:2], elections, strict=False)
        if thousands
    ]
    events.append(Conversion(elections[2][0], int(register.cents[register.position(KEYS[2])]) // 100, KEYS[2]))
    if all_convert:
        inputs["converted_on"] = np.array([day])
        events += [
            Conversion(day, int(cents) // 100, key)
            for key, cents in zip(register.keys, register.cents, strict=True)
            if key not in KEYS
        ]
    made = Cashflows(of, None).compute(inputs, 1)
    flows = of.cashflows(by="holder", events=events)
    sums = flows.groupby("holder", sort=False)[[*PARTS, "total"]].sum()
    for name in PARTS:
        assert np.allclose(made[name][0], sums[name], atol=1e-6, rtol=0), name


def test_an_election_that_cannot_be_is_an_error_row(deal):
    inputs = {
        "converted_on.loeb": np.array(["2005-03-18", "2003-01-01", "2005-03-18"], dtype="datetime64[D]"),
        "converted.loeb": np.array([1000.0, 1000.0, 500.0]),
    }
    table, _ = table_of(Cashflows(deal, None), inputs, 0, {"columns": {}, "run": {}})
    codes = table.to_pandas().groupby("scenario")["error_code"].first()
    assert codes.tolist() == ["", "converted_on", "converted.loeb"]
    problems = [*Cashflows(deal, None).lacks(["converted", "converted_on.loeb", "default_on", "default_threshold"])]
    assert [problem.path for problem in problems] == ["axes.default_threshold", "axes.converted", "hazard_rate"]


def test_the_outlay_is_that_of_the_policy(deal):
    policies = np.array(["refunded", "capped_kept", "capped_forfeited", "refunded"])
    made = Cashflows(deal, None).compute({"policy": policies}, 4)
    for row, policy in enumerate(policies):
        first = deal.closing(policy=policy)
        given_up = first["cash_due"] - first["refund"] + first["surrendered"] - first["kept"]
        assert made["purchase"][row].tolist() == (-given_up).tolist()


@settings(max_examples=25)
@given(st.floats(1e-3, 3), st.floats(0.0, 0.5))
def test_a_threshold_is_used_up_by_the_hazard(deal, market, threshold, rate):
    result = Cashflows(deal, market)
    made = result.compute({"default_threshold": np.array([threshold]), "hazard_rate": np.array([rate])}, 1)
    years = np.array([threshold / rate if rate else np.inf])
    expected = result.compute({"default_time": years}, 1)
    assert all(np.array_equal(values, expected[name]) for name, values in made.items())


def test_times_of_default_have_the_law_of_a_hazard_by_date():
    """Of the share that survives to each date, against its exponential integral."""
    steps = Steps(["2005-06-18", "2006-06-18"], [0.1, 0.4])
    uniform = (np.arange(100_000) + 0.5) / 100_000
    times = times_of_default(-np.log(uniform), steps, np.full(uniform.size, ISSUE))
    for years, hazard in ((0.5, 0.05), (1.0, 0.1), (1.5, 0.3), (2.0, 0.5), (4.0, 1.3)):
        assert (times > years).mean() == pytest.approx(np.exp(-hazard), abs=2e-5)


def test_nothing_happens_unless_it_is_said(deal, market):
    made = Cashflows(deal, market).compute({}, 1)
    assert made["interest"].sum() == 29_000_000 * 0.08 * 3
    assert made["principal"].sum() == 29_000_000
    assert made["shares"].sum() == 0
    # Windward surrenders 5,100,000 for notes of 5,000,000: what is lost of it is part of the outlay.
    assert made["total"].sum() == made["purchase"].sum() + 29_000_000 * 1.24
    assert made["purchase"].sum() == -29_100_000


def test_on_the_day_of_default_and_later_only_the_recovery_is_paid(deal, market):
    days = np.array(["2004-12-20", "2004-12-21", "2007-06-18", "2007-06-19", "2005-03-01"], dtype="datetime64[D]")
    inputs = {"default_on": days, "recovery_rate": np.array([0.4, 0.4, 0.4, 0.4, 0.0])}
    made = Cashflows(deal, market).compute(inputs, days.size)
    # The first coupon, of Saturday 18 December 2004, is paid on Monday the 20th; 18 June 2007 is a Monday.
    assert (made["interest"].sum(axis=1) / 1_160_000).tolist() == [0, 1, 5, 6, 1]
    assert made["recovered"].sum(axis=1).tolist() == [11_600_000, 11_600_000, 11_600_000, 0, 0]
    assert made["principal"].sum(axis=1).tolist() == [0, 0, 0, 29_000_000, 0]


def test_of_conversion_and_default_the_first_happens_and_of_one_day_the_default(deal, market):
    on = np.full(3, np.datetime64("2005-06-20"))
    inputs = {"converted_on": on, "default_on": on + np.array([1, 0, -1]), "stock_price": np.full(3, 2.0)}
    made = Cashflows(deal, market).compute(inputs, 3)
    assert (made["shares"].sum(axis=1) > 0).tolist() == [True, False, False]
    assert (made["recovered"].sum(axis=1) > 0).tolist() == [False, True, True]
    assert made["shares_worth"][0].tolist() == (2.0 * made["shares"][0]).tolist()


@settings(max_examples=25)
@given(st.floats(1e-3, 3.5), st.floats(0, 1))
def test_a_time_of_default_is_its_day(deal, market, years, recovery):
    day = ISSUE + int(np.ceil(365 * years))
    result = Cashflows(deal, market)
    rate = {"recovery_rate": np.array([recovery])}
    by_time = result.compute({"default_time": np.array([years]), **rate}, 1)
    by_day = result.compute({"default_on": np.array([day]), **rate}, 1)
    for name, values in by_time.items():
        assert np.array_equal(values, by_day[name]), name


def test_without_a_price_of_the_stock_the_worth_of_shares_is_missing(deal):
    made = Cashflows(deal, None).compute({"converted": np.array([0.0, 1000.0])}, 2)
    assert np.isnan(made["total"]).sum(axis=1).tolist() == [0, (made["shares"][1] > 0).sum()]


def test_what_cannot_be_is_an_error_row(deal, market):
    days = np.array(["2004-06-17", "2005-01-03", "2007-06-19", "NaT"], dtype="datetime64[D]")
    table, _ = table_of(Cashflows(deal, market), {"converted_on": days}, 0, {"columns": {}, "run": {}})
    codes = table.to_pandas().groupby("scenario")["error_code"].first()
    assert codes.tolist() == ["converted_on", "", "converted_on", "converted_on"]
    with pytest.raises(nc.TermError, match="`recovery_rate` must be given"):
        Cashflows(deal, None).compute({"default_time": np.array([1.0])}, 1)
    with pytest.raises(nc.TermError, match="`converted` must be from 0 to 29,000,000.00 in multiples of 1,000.00"):
        Cashflows(deal, None).compute({"converted": np.array([500.0])}, 1)
    both = {"default_time": np.array([1.0]), "default_on": days[1:2]}
    with pytest.raises(nc.TermError, match="`default_time` must be left out"):
        Cashflows(deal, market).compute(both, 1)
