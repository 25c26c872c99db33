"""Ex-dates: the first days on which a buyer doesn't get the coupon, in calendar or in business days."""

from __future__ import annotations

import numpy as np
import pytest
import QuantLib as ql
from hypothesis import given
from hypothesis import strategies as st

import notecalc as nc
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve, schedule

FED = "us-federal-reserve"
TERMS = {"principal": 100, "annual_rate": 0.08, "frequency": 2, "day_count": "actual/actual icma"}
EPOCH = ql.Date(1, 1, 1970).serialNumber()


def ex_dates(**terms):
    return resolve(Notes(**TERMS | terms)).ex_date.astype(str).tolist()


# ---- as markets have them ----


def test_a_gilt_goes_ex_seven_business_days_before_its_dividend():
    """Seven working days before Thursday 7 March 2013 is Tuesday 26 February; no bank holiday lies between.

    7 September 2013 is a Saturday, paid on Monday 9: seven working days before either is Thursday 29 August.
    """
    terms = {"issue_date": "2012-09-07", "maturity": "2013-09-07", "business_day_convention": "following"}
    assert ex_dates(**terms, calendar="weekends-only", ex_days=7, ex_day_type="business") == [
        "2013-02-26",
        "2013-08-29",
    ]
    terms["business_day_convention"] = "unadjusted"
    assert ex_dates(**terms, calendar="weekends-only", ex_days=7, ex_day_type="business") == [
        "2013-02-26",
        "2013-08-29",
    ]


def test_an_australian_bond_goes_ex_seven_days_before_its_coupon():
    terms = {"issue_date": "2013-04-15", "maturity": "2014-04-15"}
    assert ex_dates(**terms, ex_days=7, ex_day_type="calendar") == ["2013-10-08", "2014-04-08"]


def test_holidays_are_no_business_days():
    """Independence Day 2005 is a Monday: before Tuesday 5 July the last business day is Friday 1 July."""
    terms = {"issue_date": "2005-01-05", "maturity": "2005-07-05", "calendar": FED}
    assert ex_dates(**terms, ex_days=1, ex_day_type="business") == ["2005-07-01"]
    assert ex_dates(**terms, ex_days=1, ex_day_type="calendar") == ["2005-07-04"]


def test_days_are_counted_from_the_adjusted_payment_date():
    """18 December 2004 is a Saturday, paid on Monday 20."""
    terms = {"issue_date": "2004-06-18", "maturity": "2004-12-18", "calendar": FED,
             "business_day_convention": "following"}  # fmt: skip
    assert ex_dates(**terms, ex_days=7, ex_day_type="calendar") == ["2004-12-13"]


def test_none_and_no_days_are_two_things():
    each = {"issue_date": "2004-06-18", "maturity": "2004-12-18", "calendar": FED, "ex_days": [-1, 0, 0],
            "ex_day_type": ["business", "calendar", "business"]}  # fmt: skip
    assert ex_dates(**each) == ["NaT", "2004-12-18", "2004-12-18"]  # a Saturday, as it is paid on it
    assert schedule("2004-06-18", "2004-12-18", frequency=2, day_count="30/360")["ex_date"].isna().all()


def test_each_note_has_its_own():
    notes = Notes(**TERMS, issue_date="2012-09-07", maturity="2013-03-07", calendar=["weekends-only", None],
                  ex_days=7, ex_day_type=["business", "calendar"])  # fmt: skip
    assert nc.schedules(notes)["ex_date"].astype(str).tolist() == ["2013-02-26", "2013-02-28"]


def test_one_note_has_them_in_its_schedule():
    frame = schedule("2012-09-07", "2013-09-07", frequency=2, day_count="actual/actual icma", ex_days=7,
                     ex_day_type="business", calendar="weekends-only")  # fmt: skip
    assert frame["ex_date"].astype(str).tolist() == ["2013-02-26", "2013-08-29"]


def test_a_period_cut_short_goes_ex_before_the_day_that_cuts_it():
    """Seven business days before Monday 1 April 2013 is Thursday 21 March; a period that is whole keeps its own."""
    notes = Notes(**TERMS, issue_date="2012-09-07", maturity="2014-03-07", calendar="weekends-only",
                  ex_days=[7, 7, -1], ex_day_type=["business", "calendar", None])  # fmt: skip
    cut = resolve(notes).until("2013-04-01")
    assert cut.ex_date.astype(str).tolist() == ["2013-02-26", "2013-03-21", "2013-02-28", "2013-03-25", "NaT", "NaT"]
    late = resolve(notes).after("2013-04-01")
    assert late.ex_date.astype(str).tolist()[:2] == ["2013-08-29", "2014-02-26"]


def test_ex_dates_beyond_the_calendar_are_an_error():
    """The Federal Reserve's begins on Monday 4 January 1971."""
    terms = {"issue_date": "1971-01-05", "calendar": FED, "ex_day_type": "business"}
    message = "`ex_days` must be such that ex-dates lie on or after 1971-01-04 in calendar 'us-federal-reserve'; got"
    with pytest.raises(nc.TermError, match=f"^{message} 20 at row 1$"):
        ex_dates(**terms, maturity=["1973-01-08", "1971-01-18"], frequency=0, ex_days=[20, 20], day_count="30/360")
    with pytest.raises(nc.TermError, match=f"^{message} 11$"):
        ex_dates(**terms, maturity="1971-01-18", frequency=0, ex_days=11, day_count="30/360")


# ---- as QuantLib has them ----

CALENDARS = {
    FED: ql.UnitedStates(ql.UnitedStates.FederalReserve),
    "target": ql.TARGET(),
    "weekends-only": ql.WeekendsOnly(),
}
CONVENTIONS = {"following": ql.Following, "modified-following": ql.ModifiedFollowing, "preceding": ql.Preceding}


@given(
    issue=st.integers(12_000, 25_000),
    years=st.integers(1, 5),
    days=st.integers(1, 30),
    day_type=st.sampled_from(["calendar", "business"]),
    calendar=st.sampled_from(sorted(CALENDARS)),
    convention=st.sampled_from(sorted(CONVENTIONS)),
)
def test_ex_dates_are_quantlibs(issue, years, days, day_type, calendar, convention):
    start = ql.Date(issue + EPOCH)
    end = start + ql.Period(years, ql.Years)
    peer = ql.Schedule(start, end, ql.Period(6, ql.Months), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted,
                       ql.DateGeneration.Backward, False)  # fmt: skip
    counted_in = CALENDARS[calendar] if day_type == "business" else ql.NullCalendar()
    leg = ql.FixedRateLeg(
        peer, ql.Thirty360(ql.Thirty360.BondBasis), [100.0], [0.08], CONVENTIONS[convention],
        exCouponPeriod=ql.Period(days, ql.Days), exCouponCalendar=counted_in, paymentCalendar=CALENDARS[calendar],
    )  # fmt: skip
    expected = [ql.as_fixed_rate_coupon(flow).exCouponDate().serialNumber() - EPOCH for flow in leg]
    periods = resolve(
        Notes(**TERMS, issue_date=np.datetime64(issue, "D"), maturity=np.datetime64(end.serialNumber() - EPOCH, "D"),
              calendar=calendar, business_day_convention=convention, ex_days=days, ex_day_type=day_type)
    )  # fmt: skip
    assert periods.ex_date.astype(np.int64).tolist() == expected
