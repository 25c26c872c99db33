"""Corners where terms meet: ex-dates with calls, in short periods, with interest in kind; late payments; no price."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import notecalc as nc

STREET = {"compounding": "semi-annual", "simple_interest": "never"}


def periods(**change):
    terms = {"issue_date": "2004-06-18", "maturity": "2007-06-18", "principal": 100, "annual_rate": 0.08, "frequency": 2,
             "day_count": "30/360", **change}  # fmt: skip
    return nc.resolve(nc.Notes(**terms))


EX = {"ex_days": 7, "ex_day_type": "calendar"}


@pytest.mark.parametrize("day", ["2004-12-14", "2004-12-17", "2004-12-18"])
def test_a_call_before_an_ex_coupon_is_paid_leaves_that_coupon_to_the_seller(day):
    """Bought and called at 100, with interest short of the coupon on both days: the yield is about the coupon's."""
    note = periods(**EX)
    days = nc.day_count_days("2004-12-13", day, "30/360")
    paid, got = 100 - 4 * 5 / 180, 100 - 4 * (5 - days) / 180
    expected = 2 * ((got / paid) ** (180 / days) - 1)
    rate = nc.yield_to_call(note, "2004-12-13", 100, call_date=day, call_price=100, **STREET)
    assert rate == pytest.approx(expected, rel=1e-9)


def test_of_weekly_coupons_two_may_be_ex():
    """On 24 June the coupons of 25 June and 2 July are ex: six days accrued, less two weeks of 7 days."""
    note = periods(frequency=52, maturity="2004-07-16", ex_days=9, ex_day_type="calendar")
    accrued = 100 * 0.08 * (6 - 14) / 360
    assert nc.accrued_on(note, "2004-06-24") == pytest.approx(accrued, abs=1e-15)
    assert nc.roll_forward(note).accrued_on("2004-06-24") == pytest.approx(accrued, abs=1e-15)
    # two coupons and the redemption are left: 7 and 7 days
    assert nc.dirty_price(note, "2004-06-24", 0.0, **STREET) == pytest.approx(100 + 100 * 0.08 * 14 / 360, abs=1e-12)


def test_the_time_to_a_call_is_counted_from_settlement_to_the_call():
    """31 August 2004 to 31 March 2006 are 570 days of 360; in parts by way of the coupons they would be 571."""
    note = periods()
    times = [
        nc.year_fraction("2004-08-31", day, "30/360")
        for day in ("2004-12-18", "2005-06-18", "2005-12-18", "2006-03-31")
    ]
    assert times[-1] == 570 / 360
    rate = nc.yield_to_call(note, "2004-08-31", 100, call_date="2006-03-31", call_price=101, timing="30/360", **STREET)
    accrued = 8 * 103 / 360  # 18 December to 31 March
    flows = [4, 4, 4, 101 + accrued]
    worth = sum(flow * (1 + rate / 2) ** (-2 * time) for flow, time in zip(flows, times, strict=True))
    assert worth == pytest.approx(100 + 8 * 73 / 360, abs=1e-11)


def test_a_call_before_a_late_coupon_is_paid_with_it():
    note = periods(business_day_convention="following", calendar="us-federal-reserve")
    terms = {"call_price": 101, "timing": "actual/365 fixed", **STREET}
    rate = nc.yield_to_call(note, "2004-08-31", 100, call_date="2004-12-19", **terms)
    late = 4 + 101 + 8 / 360  # the coupon of 18 December, a Saturday, the call and a day's interest
    assert late * (1 + rate / 2) ** (-2 * 111 / 365) == pytest.approx(100 + 8 * 73 / 360, abs=1e-11)


def test_what_is_capitalised_goes_to_the_buyer_also_after_the_ex_date():
    rolled = nc.roll_forward(periods(**EX), capitalised_share=[1.0])
    assert rolled.accrued_on("2004-12-16") == pytest.approx(4 * 178 / 180, abs=1e-14)
    half = nc.roll_forward(periods(**EX), capitalised_share=0.5)
    assert half.accrued_on("2004-12-16") == pytest.approx(4 * 178 / 180 - 2, abs=1e-14)


def test_a_call_without_a_price_has_no_yield():
    assert np.isnan(nc.yield_to_call(periods(), "2004-08-31", 100, call_date="2006-03-31", call_price=np.nan, **STREET))


def test_the_worst_of_several_calls_of_one_note_at_one_price():
    calls = ["2005-12-18", "2006-12-18"]
    worst = nc.yield_to_worst(periods(), "2004-12-18", 104, call_date=calls, call_price=[101, 100.5], **STREET)
    each = nc.yield_to_call(periods(), "2004-12-18", 104, call_date=calls, call_price=[101, 100.5], **STREET)
    own = nc.yield_to_maturity(periods(), "2004-12-18", 104, **STREET)
    assert worst.annual_yield == min(*each, own) == each[0]
    assert worst.workout_date == np.datetime64("2005-12-18")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nc.roll_forward(periods(), conversions=nc.DatedValues(0, "2005-01-01", -50), accrued_on_conversion="paid"),
         "`conversions` must be a number of at least 0; got -50.0"),
        (lambda: nc.roll_forward(periods(maturity=["2007-06-18"] * 2), default_date=["2005-01-01", None], default_rate=0.1,
                                 cure_date="2006-01-01"),
         "`cure_date` must be left out where there is no `default_date`; got '2006-01-01' at row 1"),
        (lambda: nc.clean_price(periods(), "2004-08-31", 0.05, redemption=[100, 100], **STREET), "`redemption` must be one, or"),
        (lambda: nc.clean_price(periods(maturity=["2007-06-18"] * 2).until([None, "2004-06-18"]), "2004-08-31", 0.05, **STREET),
         "`settlement` must be before maturity; got '2004-08-31' at row 1"),
    ],
)  # fmt: skip
def test_impossible_arguments(call, message):
    with pytest.raises(nc.TermError, match=f"^{message}"):
        call()


def test_events_in_unlike_order_are_not_put_together():
    with pytest.raises(nc.IndexMismatchError, match="`date` must be a Series with the same index as `note`"):
        nc.DatedValues(pd.Series([0, 1]), pd.Series(["2005-01-01"] * 2, index=["a", "b"]), 0.09)


def test_redemptions_in_unlike_order_are_not_put_to_notes():
    two = periods(maturity=["2007-06-18", "2008-06-18"])
    rates = pd.Series([0.05, 0.06], index=["a", "b"])
    with pytest.raises(
        nc.IndexMismatchError, match="`redemption` must be a Series with the same index as `annual_yield`"
    ):
        nc.clean_price(two, "2004-08-31", rates, redemption=pd.Series([100, 50], index=["b", "a"]), **STREET)


def test_without_a_day_to_maturity_there_is_no_yield():
    """From 30 to 31 May there is no day in months of 30."""
    note = periods(issue_date="2004-05-31", maturity="2007-05-31", end_of_month=True)
    assert nc.dirty_price(note, "2007-05-30", 0.05, **STREET) == pytest.approx(104, abs=1e-4)
    with pytest.raises(
        nc.TermError, match="`settlement` must be a day from which the note counts days to maturity; got '2007-05-30'"
    ):
        nc.yield_to_maturity(note, "2007-05-30", 99.99, **STREET)


def test_a_curve_is_not_made_of_columns_in_unlike_order():
    dates, rates = pd.Series(["2005-06-18", "2006-06-18"]), pd.Series([0.02, 0.03], index=["a", "b"])
    with pytest.raises(nc.IndexMismatchError, match="must be a Series with the same index as `dates`"):
        nc.Curve.from_zero_rates("2004-06-18", dates, rates, compounding="annual", day_count="actual/365 fixed",
                                 interpolation="linear-zero-rates")  # fmt: skip
    with pytest.raises(nc.IndexMismatchError, match="`government_yields` must be a Series with the same index"):
        nc.g_spread(0.05, "2005-12-18", government_maturities=dates, government_yields=rates)
