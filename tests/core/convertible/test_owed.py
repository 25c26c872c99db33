"""A coupon whose accrual has ended and which is paid some days later: whoever calls, puts or converts, it is owed.

18 June 2006 is a Sunday, 18 December 2005 too: their coupons are paid on the 19th.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import QuantLib as ql
from scipy.stats import norm

import notecalc as nc
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._timeline import build_timelines
from notecalc.core.convertible._windows import Dividends
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, PutWindow
from notecalc.core.convertible.valuation import MODELS, convertible_value

pytestmark = pytest.mark.compiled  # whole lives on grids: minutes as plain Python

DAY, GAP, PAID = "2004-06-18", "2006-06-18", "2006-06-19"
TF, AFV, GS = MODELS
CREDIT = {
    TF: {"credit_spread": 0.08},
    AFV: {"hazard_rate": 0.08, "recovery_rate": 0.4, "stock_drop": 1.0},
    GS: {"credit_spread": 0.08},
}
NO_CREDIT = {"model": AFV, "hazard_rate": 0.0, "recovery_rate": 0.0, "stock_drop": 1.0}
ADJUSTED = {"business_day_convention": "following", "calendar": "us-federal-reserve"}
PUT = {"puts": [PutWindow(clean_price=110, start=GAP, end=GAP)]}
CALL = {"calls": [CallWindow(clean_price=102, start=GAP)]}


def timeline(terms):
    dividends = Dividends(np.empty(0, dtype="datetime64[D]"), np.empty(0))
    return build_timelines(terms, np.array([0]), np.array([DAY], dtype="datetime64[D]"), {}, dividends).table


def tree(stock, steps, put, price, spread):
    """QuantLib's value of the fixtures' note, paid on following business days: rate 0.03, volatility 0.4."""
    today, end, gap = ql.Date(18, 6, 2004), ql.Date(18, 6, 2007), ql.Date(18, 6, 2006)
    before = ql.Settings.instance().evaluationDate
    ql.Settings.instance().evaluationDate = today
    try:
        count, calendar = ql.Actual365Fixed(), ql.UnitedStates(ql.UnitedStates.FederalReserve)
        # of days as they are: the convention of a schedule made by rule would move the accrual, too
        dates = [ql.Date(18, month, year) for year in range(2004, 2008) for month in (6, 12)][:-1]
        schedule = ql.Schedule(
            dates, calendar, ql.Following, ql.Following, ql.Period(6, ql.Months), ql.DateGeneration.Backward, False,
            [True] * 6,
        )  # fmt: skip
        options = ql.CallabilitySchedule()
        days = [gap] if put else [gap + i for i in range(end - gap)]
        for day in days:
            amount = ql.BondPrice(110.0 if put else 102.0, ql.BondPrice.Clean)
            options.append(ql.Callability(amount, ql.Callability.Put if put else ql.Callability.Call, day))
        bond = ql.ConvertibleFixedCouponBond(
            ql.AmericanExercise(today, end), 100 / price, options, today, 0, [0.08],
            ql.Thirty360(ql.Thirty360.BondBasis), schedule, 100,
        )  # fmt: skip
        assert ql.Date(19, 6, 2006) in [flow.date() for flow in bond.cashflows()]

        def flat(rate):
            return ql.YieldTermStructureHandle(ql.FlatForward(today, rate, count))

        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(stock)), flat(0.0), flat(0.03),
            ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), 0.4, count)),
        )  # fmt: skip
        credit = ql.QuoteHandle(ql.SimpleQuote(spread))
        bond.setPricingEngine(ql.BinomialConvertibleEngine(process, "crr", steps, credit, ql.DividendSchedule()))
        return bond.NPV()
    finally:
        ql.Settings.instance().evaluationDate = before


@pytest.mark.parametrize(
    ("option", "price", "spread", "stock"), [(PUT, 1.85, 0.08, 1.0), (PUT, 1.85, 0.08, 2.0), (CALL, 4.0, 0.0, 1.2)]
)
def test_quantlib_pays_it_too(make, option, price, spread, stock):
    """Lost, the coupon would cost 1.4 to 3.8. The tree pays it on a put and a call for cash, not beside shares.

    The call is for cash on nearly every path: the stock is far below 4.
    """
    values = [tree(stock, steps, option is PUT, price, spread) for steps in (1095, 1301, 1500)]
    got = convertible_value(
        make(price, terms=option, **ADJUSTED), DAY, stock_price=stock, volatility=0.4, risk_free=0.03, model=GS,
        credit_spread=spread,
    )  # fmt: skip
    assert np.ptp(values) < 0.25
    assert got.dirty_price == pytest.approx(np.mean(values), abs=0.25)


@pytest.mark.parametrize("model", [AFV, GS])
@pytest.mark.parametrize("option", [PUT, CALL], ids=["put", "call"])
def test_a_day_later_costs_a_day_of_interest_on_coupons(make, option, model):
    """Three coupons of 4 are a day late, one two days: at 11% a year, 6e-3 at most."""
    market = {"stock_price": np.array([1.0, 1.7, 3.0]), "volatility": 0.4, "risk_free": 0.03} | CREDIT[model]
    late, prompt = (
        convertible_value(make(terms=option, **how), DAY, model=model, **market).dirty_price for how in (ADJUSTED, {})
    )
    assert (late < prompt).all()
    np.testing.assert_allclose(late, prompt, atol=8e-3)


# ---- arithmetic: no interest, no credit, hardly any volatility ----


@pytest.mark.parametrize("accrued", ["paid", "forfeited"])
@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ({"puts": [PutWindow(clean_price=110, start=GAP, end=GAP)]}, 16 + 110),
        ({"puts": [PutWindow(clean_price=110, start=PAID, end=PAID)]}, 16 + 110),
        ({"puts": [PutWindow(clean_price=110, start="2006-06-10", end=GAP)]}, 16 + 110),
        ({"puts": [PutWindow(clean_price=110, start=GAP, end=PAID)]}, 16 + 110),
        ({"calls": [CallWindow(clean_price=90, start=GAP, end=GAP)]}, 16 + 90),
        ({"calls": [CallWindow(clean_price=90, start=GAP, end=PAID)]}, 16 + 90),
        ({"calls": [CallWindow(clean_price=90, start=GAP, end=GAP, make_whole_until="2006-12-18")]}, 16 + 90 + 4),
        ({"calls": [CallWindow(clean_price=90, start="2005-12-18", end="2005-12-18", make_whole_until=GAP)]}, 12 + 90 + 4),
    ],
)  # fmt: skip
def test_what_is_paid_adds_up(make, option, expected, accrued):
    """Coupons of 4 until the option is used, the one of that day among them, and its price; each once."""
    terms = make(1e9, terms=option | {"accrued_on_call": accrued}, **ADJUSTED)
    got = convertible_value(terms, DAY, stock_price=1.0, volatility=0.1, risk_free=0.0, **NO_CREDIT)
    waits = "puts" in option and PAID in str(option) and accrued == "paid"  # for a day of interest
    assert got.dirty_price == pytest.approx(expected + 8 / 360 * waits, abs=1e-9)


@pytest.mark.parametrize("accrued", ["paid", "forfeited"])
def test_on_conversion_it_is_paid_beside_the_shares(make, accrued):
    """Conversion is open on the day on which accrual ends alone, and shares are worth 200: more than what is left."""
    terms = make(conversions=[ConversionWindow(conversion_price=1.0, start=GAP, end=GAP)], accrued_on_conversion=accrued,
                 **ADJUSTED)  # fmt: skip
    got = convertible_value(terms, DAY, stock_price=2.0, volatility=0.01, risk_free=0.0, **NO_CREDIT)
    assert got.dirty_price == pytest.approx(16 + 200, abs=1e-6)


def test_before_accrual_has_ended_it_is_forfeited(make):
    terms = make(conversions=[ConversionWindow(conversion_price=1.0, end="2006-06-17")], **ADJUSTED)
    got = convertible_value(terms, DAY, stock_price=2.0, volatility=0.01, risk_free=0.0, **NO_CREDIT)
    assert got.dirty_price == pytest.approx(12 + 200, abs=1e-6)


# ---- as segments ----


def test_the_claim_has_it_and_after_its_payment_nothing_does(make):
    terms = make(terms=PUT | CALL | {"recovery_claim": "principal-and-accrued"}, **ADJUSTED)
    table = timeline(terms)
    place = np.flatnonzero(table[:, col.LENGTH].round(9) == round(1 / 365, 9))
    gap = int(place[np.isfinite(table[place - 1, col.DAY_PUT])][0])
    assert table[gap - 1 : gap + 1, col.COUPON].tolist() == [0, 4]
    assert table[gap - 1, col.DAY_PUT] == 114
    day = 8 / 360  # of interest
    assert table[gap, [col.CLAIM_START, col.CLAIM_END]].tolist() == pytest.approx([104, 104 + day])
    assert table[gap, [col.CALL_START, col.CALL_END]].tolist() == pytest.approx([106, 106 + day])
    assert table[gap, [col.FLOOR_START, col.FLOOR_END]].tolist() == [4, 4]
    assert table[gap + 1, [col.CLAIM_START, col.CALL_START, col.FLOOR_START]].tolist() == pytest.approx(
        [100 + day, 102 + day, 0]
    )


@pytest.mark.parametrize(("accrued", "kept"), [("paid", 4.0), ("forfeited", 0.0)])
def test_a_maturity_paid_later(make, accrued, kept):
    """18 June 2005 is a Saturday, paid on the 20th: until then a call or the claim has the last coupon, and shares come
    in the place of all that is paid, but for the coupon that a conversion at maturity pays."""
    terms = make(
        maturity="2005-06-18", accrued_on_conversion=accrued,
        terms={"recovery_claim": "principal-and-accrued", "calls": [CallWindow(clean_price=101, start="2005-01-18")]},
        **ADJUSTED,
    )  # fmt: skip
    last = timeline(terms)[-1]
    assert last[col.LENGTH] == 2 / 365
    assert last[[col.CLAIM_START, col.CLAIM_END, col.CALL_START, col.CALL_END, col.DAY_PUT]].tolist() == [
        104, 104, 105, 105, 104,
    ]  # fmt: skip
    assert last[[col.FLOOR_START, col.FLOOR_END, col.DAY_FLOOR]].tolist() == [kept, kept, kept]


@pytest.mark.parametrize(("accuracy", "error"), [("fast", 2e-4), ("standard", 3e-5), ("reference", 2e-6)])
def test_who_converts_at_maturity_keeps_a_coupon_that_is_paid_with_the_last(make, accuracy, error):
    """Due on Saturday, 30 September 2006, and paid on Monday, as is the last of the day between: a bond and calls.

    At a rate of nothing, as who converts in between is paid it at once.
    """
    terms = make(
        100.0, issue_date="2005-03-30", maturity="2006-10-01", annual_rate=0.1, day_count="actual/365 fixed",
        generation="forward", **ADJUSTED,
    )  # fmt: skip
    assert terms.periods.payment_date[-2:].astype(str).tolist() == ["2006-10-02", "2006-10-02"]
    got = convertible_value(
        terms, "2006-04-03", stock_price=90, volatility=0.5, risk_free=0.0, accuracy=accuracy, **NO_CREDIT
    )
    early, last, years = 10 * 184 / 365, 10 / 365, 182 / 365
    deviation, strike = 0.5 * math.sqrt(years), 100 + last
    high = math.log(90 / strike) / deviation + deviation / 2
    expected = early + strike + 90 * norm.cdf(high) - strike * norm.cdf(high - deviation)
    assert got.dirty_price == pytest.approx(expected, abs=error)


# ---- without an option in between ----


@pytest.mark.parametrize("model", MODELS)
def test_a_note_with_no_option_in_between_is_worth_its_payments(make, model):
    """With hardly any shares, bonds: each payment on its own day."""
    terms = make(1e9, **ADJUSTED)
    got = convertible_value(terms, DAY, stock_price=1.0, volatility=0.3, risk_free=0.03, model=model, **CREDIT[model])
    days = np.array(
        ["2004-12-20", "2005-06-20", "2005-12-19", "2006-06-19", "2006-12-18", "2007-06-18"], "datetime64[D]"
    )
    times = (days - np.datetime64(DAY)) / np.timedelta64(365, "D")
    recovered = 0.08 * 40 * (1 - math.exp(-0.11 * 3)) / 0.11 if model == AFV else 0.0
    expected = 4 * np.exp(-0.11 * times).sum() + 100 * math.exp(-0.33) + recovered
    assert (got.dirty_price, got.bond_floor) == pytest.approx((expected, expected), abs=2e-4)


@pytest.mark.parametrize("model", MODELS)
def test_shares_at_the_end_are_worth_the_same_whenever_coupons_are_paid(make, model):
    """Sure of conversion, and of no default, the note is its shares at maturity and five coupons."""
    credit = NO_CREDIT if model == AFV else {"model": model, "credit_spread": 0.0}
    got = convertible_value(
        make(**ADJUSTED), DAY, stock_price=9.0, volatility=0.2, risk_free=0.0, accuracy="reference", **credit
    )
    assert got.dirty_price == pytest.approx(900 / 1.85 + 20, abs=1e-4)


def test_between_accrual_end_and_payment_it_is_the_sellers(make):
    """As in `prices`: a buyer on the 18th is not paid on the 19th."""
    terms = make(1e9, **ADJUSTED)
    market = {"stock_price": 1.0, "volatility": 0.3, "risk_free": 0.0, **NO_CREDIT}
    before, on_it, after = (convertible_value(terms, day, **market) for day in ("2006-06-17", GAP, PAID))
    assert [v.dirty_price for v in (before, on_it, after)] == pytest.approx([112, 108, 108], abs=1e-9)
    by_yield = {"compounding": "semi-annual", "simple_interest": "never"}
    days = np.array(["2006-06-17", GAP, PAID], "datetime64[D]")
    accrued = nc.dirty_price(terms.periods, days, 0.08, **by_yield) - nc.clean_price(
        terms.periods, days, 0.08, **by_yield
    )
    assert [v.dirty_price - v.clean_price for v in (before, on_it, after)] == pytest.approx(accrued.tolist(), abs=1e-9)
    assert nc.dirty_price(terms.periods, days, 0.0, **by_yield).tolist() == pytest.approx([112, 108, 108])
