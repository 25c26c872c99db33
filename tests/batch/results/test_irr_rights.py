"""Paths with calls, puts, steps, resets and dividends: against histories told one by one, and against the value."""

import datetime as dt
import functools
from collections import Counter
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

import notecalc as nc
from notecalc.batch.results.irr import Irr
from notecalc.batch.scenariofile import load_scenarios
from notecalc.core.draws import uniforms
from notecalc.core.irr import irr
from notecalc.deal.events import Conversion, Redemption, Repurchase
from notecalc.deal.marketfile import Datum, MarketCase
from notecalc.deal.structures import CashDividend
from notecalc.deal.terms import CallTerms, PriceReset, PriceStep, PutTerms
from notecalc.errors import DealFileError

CLOSING, MATURITY = np.datetime64("2004-06-18"), np.datetime64("2007-06-18")
COUPONS = np.array(
    ["2004-12-18", "2005-06-18", "2005-12-18", "2006-06-18", "2006-12-18", "2007-06-18"], "datetime64[D]"
)
SEED = 5


def term(value):
    return {"value": Decimal(str(value)) if isinstance(value, float) else value, "assumed": "a test"}


def day(text):
    return term(dt.date.fromisoformat(text))


def call(first, last, price, trigger="none", **more):
    given = {"clean_price": term(price), "first_date": day(first), "last_date": day(last), "trigger": term(trigger)}
    more = {name: term(value) for name, value in ({"accrued_interest": "paid"} | more).items()}
    return CallTerms.model_validate(given | more)


def put(first, last, price):
    given = {"clean_price": term(price), "first_date": day(first), "last_date": day(last)}
    return PutTerms.model_validate(given | {"accrued_interest": term("paid")})


def step(first, price):
    return PriceStep.model_validate({"first_date": day(first), "conversion_price": term(price)})


def with_rights(deal, calls=(), puts=(), steps=(), reset=None):
    """The deal with accrued interest paid on conversion, as the model has it, and other rights."""
    notes = deal.replace(accrued_interest="paid").terms.series["notes"]
    conversion = notes.conversion.model_copy(update={"steps": tuple(steps), "reset": reset})
    changed = notes.model_copy(update={"calls": tuple(calls), "puts": tuple(puts), "conversion": conversion})
    return nc.Deal(deal.terms.model_copy(update={"series": {"notes": changed}}), "test.toml")


def with_data(market, dividends=(), **data):
    changed = {name: Datum(value=value, assumed="a test") for name, value in data.items()}
    if dividends:
        paid = tuple(CashDividend(ex_date=dt.date.fromisoformat(date), amount=amount) for date, amount in dividends)
        changed["dividends"] = Datum(value=paid, assumed="a test")
    return MarketCase(market.terms.model_copy(update=changed), "test")


def result(deal, market, *, drift=0.10, seed=SEED, **options):
    return Irr(deal, market, seed=seed, drift={"value": drift, "assumed": "a test"}, **options)


# ---- one history at a time ----


def stock_by_day(sample, days, dividends, drift, volatility, first):
    """The stock price of a sample on each day, before a dividend of that day leaves it."""
    price, before, prices = first, 0.0, {}
    draws = ndtri(uniforms(SEED, "paths/stock_price", sample, np.arange(len(days))))
    for date, draw in zip(days, draws, strict=True):
        years = (date - CLOSING).astype(int) / 365
        span, before = years - before, years
        price *= np.exp((drift - volatility**2 / 2) * span + volatility * np.sqrt(span) * draw)
        prices[date] = float(price)
        price -= min(dividends.get(str(date), 0.0), price / 2)
    return prices


def default_day(sample, hazard):
    days = int(np.ceil(-365 * np.log(uniforms(SEED, "paths/default", sample)) / hazard))
    return CLOSING + days if days <= 1095 else np.datetime64("NaT")


def received(deal, events, sold, price, default, recovery):
    """Dated totals of each holder: those of the deal's cash flows, shares at a price, and a recovery on default."""
    flows = deal.cashflows(by="holder", events=events)
    flows["total"] += price * flows["shares"]
    if not np.isnat(default) and not sold:
        flows = flows[flows["payment_date"] < default]
    for number, (_, own) in enumerate(flows.groupby("holder", sort=False)):
        dates, amounts = own["payment_date"].to_numpy().astype("datetime64[D]"), own["total"].to_numpy()
        if not np.isnat(default) and not sold:
            principal = float(deal.terms.purchases[number].principal.value)
            dates, amounts = np.append(dates, default), np.append(amounts, np.round(recovery * principal, 2))
        yield dates, amounts, own["shares"].sum()


OPENS, ENDS, STEPS = (np.datetime64(date) for date in ("2005-06-20", "2007-06-01", "2006-01-16"))
PUT_OPENS, PUT_ENDS = np.datetime64("2005-12-19"), np.datetime64("2005-12-23")
DIVIDENDS = {"2005-03-14": 0.05, "2006-03-13": 0.05}


@functools.cache
def days_by_hand(notice):
    """Days on which something is decided, those of them on which the stock trades, and with redemptions all days."""
    trading = np.arange(CLOSING + 1, MATURITY + 1)
    trading = set(trading[nc.is_business_day(trading, "us-federal-reserve")])
    own = {OPENS - notice, ENDS - notice, PUT_OPENS, PUT_ENDS, STEPS, STEPS - 1, MATURITY}
    decided = trading | own | {np.datetime64(date) for date in DIVIDENDS}
    redeemed = {date + notice for date in decided if OPENS <= date + notice <= ENDS}
    return decided, trading, sorted(decided | redeemed)


def decision(date, price, above, notice):
    """What is done with notes that nobody has called yet."""
    strike = 1.85 if date < STEPS else 2.05
    if price >= (strike if date == MATURITY else 1.6 * strike):
        return "converted"
    if PUT_OPENS <= date <= PUT_ENDS and price < 0.7 * strike:
        return "put"
    counted = OPENS <= date + notice <= ENDS and sum(above[-5:]) >= 3
    return "called" if counted and 100 * price / strike >= 1.12 * 102.5 else None


def ending(prices, default, notice):
    """How and when the notes of a path end."""
    decided, trading, days = days_by_hand(notice)
    above, due = [], None
    for date in days:
        strike = 1.85 if date < STEPS else 2.05
        if default <= date:
            return "defaulted", None
        if date in trading:
            above.append(prices[date] >= 1.2 * strike)
        if due is None and date in decided:
            how = decision(date, prices[date], above, notice)
            if how == "called":
                due = date + notice
            elif how:
                return how, date
        if due == date:  # accrued interest is paid beside the price and beside the shares
            return ("forced" if 100 * prices[date] / strike >= 102.5 else "called"), date
    return "repaid", None


def events_of(deal, how, end):
    if how in {"converted", "forced"}:
        return [Conversion(end, each.principal.value, each.purchaser) for each in deal.terms.purchases]
    if how == "put":
        return [Repurchase(end, each.principal.value, each.purchaser, 101) for each in deal.terms.purchases]
    return [Redemption(end, 29_000_000, "102.5")] if how == "called" else []


@pytest.mark.parametrize("notice", [0, 10])
def test_a_counted_call_after_notice_a_put_a_step_and_dividends(deal, market, notice):
    more = {"notice_days": notice} if notice else {}
    of = with_rights(
        deal,
        calls=[call("2005-06-20", "2007-06-01", "102.5", 1.2, trigger_days=3, trigger_period=5, **more)],
        puts=[put("2005-12-19", "2005-12-23", 101)],
        steps=[step("2006-01-16", "2.05")],
    )
    case = with_data(market, DIVIDENDS.items(), dividend_yield=0.02)
    options = {"rule": "trigger", "trigger": 1.6, "call": "parity", "call_parity": 1.12, "put": "below"}
    made = result(of, case, observed="trading-day", put_below=0.7, **options).compute({"sample": np.arange(40)}, 40)
    days, seen = days_by_hand(notice)[2], Counter()
    for row in range(40):
        prices = stock_by_day(row, days, DIVIDENDS, 0.10 - 0.02, 0.6, 1.5)
        default = default_day(row, 0.12)
        how, end = ending(prices, default, notice)
        seen[how] += 1
        expected = received(of, events_of(of, how, end), end is not None, prices.get(end, 0.0), default, 0.35)
        for holder, (dates, amounts, shares) in enumerate(expected):
            assert made["received"][row, holder] == pytest.approx(amounts[1:].sum(), rel=1e-12), (row, how, end)
            if holder in {0, 8}:  # each solution takes a while
                assert made["irr"][row, holder] == pytest.approx(irr(dates, amounts), rel=1e-9, abs=1e-12), (row, how)
            assert made["shares_issued"][row, holder] == shares
        told = {"called_on": ("called", "forced"), "put_on": ("put",), "converted_on": ("converted", "forced")}
        for name, ways in told.items():
            assert str(made[name][row, 0]) == str(end if how in ways else "NaT"), (row, name)
        assert np.isnat(made["defaulted_on"][row, 0]) == (how != "defaulted")
    assert min(seen[way] for way in ("converted", "forced", "put", "defaulted")) >= 2, seen
    assert seen["called"] >= 1 or not notice, seen  # without notice parity is above the call price


def test_a_reset_happens_by_its_chance_and_moves_the_price_from_its_day(deal, market):
    reset = PriceReset.model_validate(
        {"condition": term("a test"), "first_date": day("2005-06-18"), "conversion_price": term("1.25")}
    )
    case = with_data(market, reset_probability=0.3, hazard_rate=0.0)
    sample = np.arange(4_000)
    options = {"rule": "at-maturity", "observed": "month"}
    made = result(with_rights(deal, reset=reset), case, **options).compute({"sample": sample}, sample.size)
    is_reset = uniforms(SEED, "paths/reset", sample) < 0.3
    shares = made["shares_issued"][:, -1]
    converted = ~np.isnat(made["converted_on"][:, 0])
    assert 0.27 < is_reset.mean() < 0.33
    for with_it, price in ((True, 1.25), (False, 1.85)):
        own = shares[converted & (is_reset == with_it)]
        assert own.size > 100
        assert np.ptp(own) == 0
        assert own[0] == pytest.approx(29_000_000 / price, abs=10)  # a fraction of each holder's is dropped
    never = result(with_rights(deal, reset=reset), with_data(market, reset_probability=0.0, hazard_rate=0.0), **options)
    same = never.compute({"sample": sample}, sample.size)["irr"]
    assert np.array_equal(same[~is_reset], made["irr"][~is_reset])
    assert not np.array_equal(same, made["irr"])


def test_holders_may_elect_otherwise_and_all_together_solve_their_flows(deal, market):
    of = with_rights(deal, puts=[put("2006-06-19", "2006-06-19", 104)])
    usual = {"rule": "trigger", "trigger": 1.3, "put": "never", "observed": "month"}
    other = {"tejas": {"rule": "at-maturity", "put": "below", "put_below": 1.0}}
    sample = np.arange(200)
    mixed = result(of, market, holders=other, **usual).compute({"sample": sample}, 200)
    one = result(of, market, **usual).compute({"sample": sample}, 200)
    two = result(of, market, rule="at-maturity", put="below", put_below=1.0, observed="month").compute(
        {"sample": sample}, 200
    )
    place = [p.purchaser for p in of.terms.purchases].index("tejas")
    others = [k for k in range(len(of.terms.purchases)) if k != place]
    for name in ("irr", "received", "shares_issued"):
        assert np.array_equal(mixed[name][:, others], one[name][:, others])
        assert np.array_equal(mixed[name][:, place], two[name][:, place])
    for name in ("put_on", "converted_on"):
        assert np.array_equal(mixed[name][:, place], two[name][:, 0], equal_nan=True)
    assert (~np.isnat(mixed["put_on"][:, place])).sum() > 5
    assert (mixed["shares_issued"][:, -1] == mixed["shares_issued"][:, :-1].sum(axis=1)).all()
    # All lie between the least and the greatest of those they are made of.
    least, most = mixed["irr"][:, :-1].min(axis=1), mixed["irr"][:, :-1].max(axis=1)
    assert ((mixed["irr"][:, -1] >= least - 1e-9) & (mixed["irr"][:, -1] <= most + 1e-9)).all()
    lost = with_data(market, hazard_rate=6.0, recovery_rate=0.0)
    gone = result(of, lost, holders=other, **usual).compute({"sample": sample}, 200)["irr"]
    assert (gone[:, -1] == -1).sum() > 100


@settings(max_examples=10)
@given(below=st.floats(0.3, 1.5), parity=st.floats(0.5, 2.0), trigger=st.floats(1.0, 2.0))
def test_who_never_acts_has_what_the_note_without_the_right_has(deal, market, below, parity, trigger):
    rights = {"calls": [call("2005-06-18", "2007-06-18", 101)], "puts": [put("2006-06-19", "2006-06-19", 101)]}
    both = with_rights(deal, **rights)
    inputs = {"sample": np.arange(40)}
    days = {"observed": "month", "rule": "trigger", "trigger": trigger}
    idle = result(both, market, call="never", put="never", **days).compute(inputs, 40)
    used = result(both, market, call="parity", call_parity=parity, put="below", put_below=below, **days)
    used = used.compute(inputs, 40)
    untouched = np.isnat(used["called_on"][:, 0]) & np.isnat(used["put_on"][:, 0])
    assert np.array_equal(used["irr"][untouched], idle["irr"][untouched])
    called = ~np.isnat(used["called_on"][:, 0])
    assert (used["received"][called, -1] > 29_000_000).all()
    assert not (called & ~np.isnat(used["put_on"][:, 0])).any()


# ---- the value of them all ----


def present_value(made, risk_free):
    """What is received is worth at closing [per 100 of principal], each path's, discounted at the risk-free rate."""
    end = made["converted_on"][:, 0]
    for name in ("called_on", "put_on", "defaulted_on"):
        end = np.where(np.isnat(end), made[name][:, 0], end) if name in made else end
    end = np.where(np.isnat(end), MATURITY, end)
    defaulted = (~np.isnat(made["defaulted_on"][:, 0])).astype(int)
    last_paid = (end - defaulted)[:, np.newaxis]  # on the day of default nothing but the recovery is
    paid = last_paid >= COUPONS
    coupons = 1_160_000 * paid
    last = made["received"][:, -1] - coupons.sum(axis=1)
    years, when = ((days - CLOSING).astype(float) / 365 for days in (COUPONS, end))
    return (coupons @ np.exp(-risk_free * years) + last * np.exp(-risk_free * when)) / 290_000


QUARTERS = ["2005-06-18", "2005-09-19", "2005-12-19", "2006-03-20", "2006-06-19", "2006-09-18", "2006-12-18"]
RESET = {"condition": term("x"), "first_date": day("2005-06-18"), "conversion_price": term("1.50")}
DEALS = {
    "hard call on days": ({"calls": [call(date, date, 106) for date in QUARTERS]}, {}, {"call": "optimal"}),
    "called at any price": ({"calls": [call(date, date, 101) for date in QUARTERS]}, {}, {"call": "optimal"}),
    "soft call": (
        {"calls": [call("2005-06-18", "2007-06-18", 100, 1.3, trigger_days=20, trigger_period=30)]},
        {},
        {"call": "optimal", "observed": "trading-day"},
    ),
    "put on a day": ({"puts": [put("2006-06-19", "2006-06-19", 104)]}, {}, {"put": "optimal"}),
    "put in a window": (
        {"puts": [put("2005-06-18", "2006-12-18", 105)]},
        {"stock_price": 1.2},
        {"put": "optimal"},
    ),
    "cash dividends": (
        {},
        {"stock_price": 2.2, "dividends": [("2005-03-15", 0.12), ("2006-03-15", 0.12), ("2007-03-15", 0.12)]},
        {},
    ),
    "a yield and a borrow cost": ({}, {"stock_price": 2.2, "dividend_yield": 0.1, "borrow_cost": 0.02}, {}),
    "a price that steps up": ({"steps": [step("2006-03-01", "2.40")]}, {"stock_price": 1.9}, {}),
    "a reset": ({"reset": PriceReset.model_validate(RESET)}, {"reset_probability": 0.4}, {}),
}


@pytest.mark.compiled
@pytest.mark.parametrize("name", DEALS)
def test_what_is_best_for_each_earns_the_value_under_the_risk_neutral_drift(deal, market, name):
    rights, data, options = DEALS[name]
    of = with_rights(deal, **rights)
    usual = {"stock_price": 1.6, "volatility": 0.3, "hazard_rate": 0.05, "recovery_rate": 0.4}
    case = with_data(market, **usual | data)
    count = 15_000 if name == "soft call" else 80_000
    # The stock returns the risk-free rate and what default takes from it, less what it costs to borrow.
    drift = 0.03 + 0.05 - data.get("borrow_cost", 0.0)
    paths = result(of, case, drift=drift, rule="optimal", **{"observed": "week", "accuracy": "standard"} | options)
    made = paths.compute({"sample": np.arange(count)}, count)
    worth = present_value(made, 0.03)
    value = of.value(**case.arguments("ayache-forsyth-vetzal"))["dirty_price"].item()
    error = worth.std() / np.sqrt(count)
    assert error < 0.4
    assert abs(worth.mean() - value) < 3 * error
    ends = {"call": "called_on", "put": "put_on"}
    for right, ending in ends.items():
        assert right not in options or (~np.isnat(made[ending])).mean() > 0.02
    eves = {"cash dividends": "2007-03-15", "a price that steps up": "2006-02-28"}
    if name in eves:
        assert (made["converted_on"] == np.datetime64(eves[name])).mean() > 0.02


# ---- what is asked for wrongly ----


def test_all_that_is_wrong_with_options_is_said_at_once(tmp_path):
    text = """
schema = 1
id = "returns"
title = "Returns"
deal = "ibasis-2004"
market = "ibasis-2004-06-18"
seed = 7
[samples]
count = 5
[results.irr]
rule = "trigger"
observed = "hour"
call = "first-chance"
put_below = 0.8
drift = { value = -2, assumed = "a test" }
holders = { nobody = { rule = "at-maturity" }, tejas = { rule = "trigger" } }
"""
    (tmp_path / "returns.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DealFileError, match="7 problems") as caught:
        load_scenarios(tmp_path / "returns.toml")
    said = [problem.path for problem in caught.value.problems]
    assert sorted(said) == [
        "results.irr.call", "results.irr.drift.value", "results.irr.holders.nobody", "results.irr.holders.tejas.trigger",
        "results.irr.observed", "results.irr.put_below", "results.irr.trigger",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rights", "options", "message"),
    [
        ({"calls": [call("2005-06-18", "2007-06-18", 101)]}, {}, "`irr.call` must be 'never', 'first-chance'"),
        ({"puts": [put("2005-06-18", "2005-06-18", 101)]}, {}, "`irr.put` must be 'never', 'below' or 'optimal'"),
        (
            {"puts": [put("2007-06-18", "2007-06-18", 101)]},
            {"put": "never"},
            "before maturity where the price is above",
        ),
        (
            {"calls": [call("2005-06-18", "2007-06-18", 101, notice_days=30)]},
            {"rule": "optimal", "call": "first-chance"},
            "another rule than 'optimal' where calls need notice",
        ),
        (
            {"calls": [call("2005-06-18", "2007-06-18", 101, 1.3, trigger_days=20, trigger_period=30)]},
            {"call": "first-chance"},
            "`irr.observed` must be 'trading-day' where a call counts trading days",
        ),
        (
            {"calls": [call("2005-06-18", "2007-06-18", 101)]},
            {"call": "parity"},
            "`irr.call_parity` must be given with",
        ),
    ],
)
def test_rights_that_are_not_followed_or_not_elected_are_refused(deal, market, rights, options, message):
    with pytest.raises(nc.TermError, match=message):
        result(with_rights(deal, **rights), market, **{"rule": "at-maturity", "observed": "week"} | options)


def test_a_holder_who_gives_nothing_has_no_rate_and_is_an_error(deal, market, monkeypatch):
    from notecalc.deal.endings import Timeline

    real = Timeline.of

    def nothing_given(terms):
        timeline = real(terms)
        return Timeline(timeline.terms, timeline.periods, timeline.held, timeline.purchase * 0, timeline.coupons)

    monkeypatch.setattr(Timeline, "of", nothing_given)
    with pytest.raises(nc.TermError, match="`irr` must be one rate of return for each holder") as caught:
        result(deal, market, rule="at-maturity", observed="month").compute({"sample": np.arange(3)}, 3)
    assert caught.value.rows == [0, 1, 2]
