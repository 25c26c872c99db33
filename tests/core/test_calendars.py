"""Business days: holidays against the statutes and the Federal Reserve's own lists, moves against QuantLib and numpy."""

from __future__ import annotations

import datetime as dt
import pickle
import re

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import given
from hypothesis import strategies as st

import notecalc as nc
from notecalc.core.calendars import (
    CALENDARS,
    CONVENTIONS,
    Calendar,
    add_business_days,
    adjust,
    get_calendar,
    is_business_day,
)

FED, STATE = "us-federal-reserve", "new-york-state"
MONDAY, TUESDAY, THURSDAY, SUNDAY = 0, 1, 3, 6
EPOCH = dt.date(1970, 1, 1)
HOLIDAYS_OF_QUANTLIB = ql.UnitedStates(ql.UnitedStates.FederalReserve)
IN_QUANTLIB = {
    "following": ql.Following,
    "modified-following": ql.ModifiedFollowing,
    "preceding": ql.Preceding,
    "modified-preceding": ql.ModifiedPreceding,
    "nearest": ql.Nearest,
    "unadjusted": ql.Unadjusted,
}

# What all calendars know: TARGET opened on 4 January 1999
days = st.dates(dt.date(1999, 1, 4), dt.date(2199, 12, 30))
names = st.sampled_from(sorted(CALENDARS))
conventions = st.sampled_from(CONVENTIONS)


def random_days(count, seed, first="1986-01-02", last="2199-12-30"):
    low, high = (int(np.datetime64(day).astype(int)) for day in (first, last))
    return np.random.default_rng(seed).integers(low, high, count, endpoint=True).astype("datetime64[D]")


def in_quantlib(day):
    return ql.Date(day.day, day.month, day.year)


def from_quantlib(day):
    return dt.date(day.year(), day.month(), day.dayOfMonth())


def every_day(first, last):
    return np.arange(np.datetime64(first), np.datetime64(last) + 1)


# ---- holidays ----


def nth(year, month, weekday, count):
    """The first, second, ... such weekday of a month."""
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))


def on_a_monday_if_sunday(day):
    return day + dt.timedelta(days=1) if day.weekday() == SUNDAY else day


def statutory_holidays(year):
    """5 U.S.C. 6103(a) as amended, with the Federal Reserve Banks' rule: Sundays on the Monday, Saturdays not moved.

    Martin Luther King, Jr. Day from 1986 (Pub. L. 98-144, section 2); Juneteenth from 2021 (Pub. L. 117-17), first on
    a Saturday; Veterans Day on the fourth Monday of October from 1971 to 1977 (Pub. L. 90-363, 94-97).
    """
    fixed = [(1, 1), (7, 4), (12, 25), *([(6, 19)] if year >= 2021 else []), *([(11, 11)] if year >= 1978 else [])]
    return {
        *(on_a_monday_if_sunday(dt.date(year, *day)) for day in fixed),
        *([nth(year, 1, MONDAY, 3)] if year >= 1986 else []),
        *([nth(year, 10, MONDAY, 4)] if year < 1978 else []),
        nth(year, 2, MONDAY, 3),
        nth(year, 6, MONDAY, 1) - dt.timedelta(days=7),  # the last of May
        nth(year, 9, MONDAY, 1),
        nth(year, 10, MONDAY, 2),
        nth(year, 11, THURSDAY, 4),
    }


def state_holidays(year):
    """New York General Construction Law, section 24: the federal ones, Lincoln's Birthday and general election day.

    Section 24 moves a Sunday's to the Monday; Election Law, section 8-100, puts the election on the Tuesday next
    after the first Monday of November.
    """
    lincoln = on_a_monday_if_sunday(dt.date(year, 2, 12))
    return {*statutory_holidays(year), lincoln, nth(year, 11, MONDAY, 1) + dt.timedelta(days=1)}


@pytest.mark.parametrize(("calendar", "law"), [(FED, statutory_holidays), (STATE, state_holidays)])
def test_closed_on_weekends_and_statutory_holidays_and_on_no_other_day(calendar, law):
    dates = every_day("1971-01-04", "2199-12-30")
    closed = {day for year in range(1971, 2200) for day in law(year)}
    expected = [day.weekday() < 5 and day not in closed for day in dates.tolist()]
    disagree = dates[is_business_day(dates, calendar) != expected]
    assert disagree.tolist() == []


def test_weekends_only_is_closed_on_weekends_only():
    dates = every_day("1901-01-01", "2199-12-30")
    np.testing.assert_array_equal(is_business_day(dates, "weekends-only"), np.is_busday(dates))


# Board of Governors of the Federal Reserve System, "Holidays Observed by the Federal Reserve System" (release K.8),
# and the Financial Services pages of the Banks: holidays on a Saturday (marked there) leave the Friday open.
OBSERVED = {
    2004: "01-01 01-19 02-16 05-31 07-05 09-06 10-11 11-11 11-25",
    2005: "01-17 02-21 05-30 07-04 09-05 10-10 11-11 11-24 12-26",
    2006: "01-02 01-16 02-20 05-29 07-04 09-04 10-09 11-23 12-25",
    2007: "01-01 01-15 02-19 05-28 07-04 09-03 10-08 11-12 11-22 12-25",
    2023: "01-02 01-16 02-20 05-29 06-19 07-04 09-04 10-09 11-23 12-25",
    2024: "01-01 01-15 02-19 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25",
}


@pytest.mark.parametrize("year", OBSERVED)
def test_weekdays_closed_are_those_that_the_federal_reserve_lists(year):
    dates = every_day(f"{year}-01-01", f"{year}-12-31")
    closed = dates[np.is_busday(dates) & ~is_business_day(dates, FED)]
    assert [str(day)[5:] for day in closed] == OBSERVED[year].split()


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        ("2004-06-18", True),  # the agreement's date, a Friday
        ("2004-12-18", False),  # a Saturday
        ("2004-12-20", True),
        ("2004-12-24", True),  # Christmas is a Saturday
        ("2004-12-31", True),  # so is New Year's Day
        ("2004-11-11", False),
        ("2006-11-10", True),  # Veterans Day is a Saturday
        ("2004-06-11", True),  # mourning for President Reagan: the Banks were open
        ("2001-09-11", True),
        ("1985-01-21", True),  # Martin Luther King, Jr. Day was first kept in 1986
        ("1984-01-16", True),
        ("1983-01-17", True),
        ("1986-01-20", False),
        ("2021-06-18", True),  # Juneteenth is a Saturday
        ("2022-06-20", False),  # and a Sunday
        ("1975-10-27", False),  # Veterans Day
        ("1975-11-11", True),
    ],
)
def test_days_that_lists_of_american_holidays_disagree_on(day, is_open):
    assert is_business_day(day, FED) is is_open


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2007-02-12", "Lincoln's Birthday, a Monday"),
        ("2006-02-13", "Lincoln's Birthday is a Sunday"),
        ("2004-11-02", "general election"),
        ("2005-11-08", "general election"),
        ("2010-11-02", "the first of November is a Monday"),
        ("2011-11-08", "the first of November is a Tuesday"),
    ],
)
def test_new_york_state_closes_where_the_federal_reserve_does_not(day, why):
    assert is_business_day(day, FED)
    assert not is_business_day(day, STATE), why


def test_a_saturday_of_lincolns_leaves_the_friday_open():
    assert is_business_day(["2005-02-11", "2005-02-14"], STATE).tolist() == [True, True]


# The exchange's own lists of holidays (Rule 7.2; the days of mourning and of closure by its notices).
EXCHANGE = {
    2001: "01-01 01-15 02-19 04-13 05-28 07-04 09-03 09-11 09-12 09-13 09-14 11-22 12-25",
    2004: "01-01 01-19 02-16 04-09 05-31 06-11 07-05 09-06 11-25 12-24",
    2005: "01-17 02-21 03-25 05-30 07-04 09-05 11-24 12-26",
    2006: "01-02 01-16 02-20 04-14 05-29 07-04 09-04 11-23 12-25",
    2007: "01-01 01-02 01-15 02-19 04-06 05-28 07-04 09-03 11-22 12-25",
    2024: "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25",
}
# European Central Bank, "TARGET holidays": from 2002 on New Year's Day, Good Friday, Easter Monday, 1 May, 25 and 26
# December; 31 December in 1998, 1999 and 2001.
TARGET = {
    2001: "01-01 04-13 04-16 05-01 12-25 12-26 12-31",
    2004: "01-01 04-09 04-12",
    2005: "03-25 03-28 12-26",
    2024: "01-01 03-29 04-01 05-01 12-25 12-26",
}


@pytest.mark.parametrize(
    ("calendar", "year", "closed"),
    [
        (name, year, closed)
        for name, years in (("nyse", EXCHANGE), ("target", TARGET))
        for year, closed in years.items()
    ],
)
def test_weekdays_closed_are_those_that_the_market_lists(calendar, year, closed):
    dates = every_day(f"{year}-01-01", f"{year}-12-31")
    shut = dates[np.is_busday(dates) & ~is_business_day(dates, calendar)]
    assert [str(day)[5:] for day in shut] == closed.split()


# ---- adjustment ----


@pytest.mark.parametrize(
    ("day", "convention", "expected"),
    [
        # Saturday 18 December 2004
        ("2004-12-18", "following", "2004-12-20"),
        ("2004-12-18", "modified-following", "2004-12-20"),
        ("2004-12-18", "preceding", "2004-12-17"),
        ("2004-12-18", "modified-preceding", "2004-12-17"),
        ("2004-12-18", "nearest", "2004-12-17"),
        ("2004-12-18", "unadjusted", "2004-12-18"),
        # Saturday 31 July 2004 and Sunday 1 August
        ("2004-07-31", "following", "2004-08-02"),
        ("2004-07-31", "modified-following", "2004-07-30"),
        ("2004-08-01", "preceding", "2004-07-30"),
        ("2004-08-01", "modified-preceding", "2004-08-02"),
        ("2004-08-01", "nearest", "2004-08-02"),
        # a Thursday's holiday is as near to one side as to the other
        ("2004-11-11", "nearest", "2004-11-12"),
        # Monday 31 May 2004, Memorial Day: the Friday is 3 days off, the Tuesday 1
        ("2004-05-31", "nearest", "2004-06-01"),
        ("2004-05-31", "modified-following", "2004-05-28"),
        # Saturday 1 January 2005
        ("2005-01-01", "modified-preceding", "2005-01-03"),
        # a business day stays
        *(("2004-06-18", convention, "2004-06-18") for convention in CONVENTIONS),
    ],
)
def test_adjusts_as_the_calendar_on_the_wall_shows(day, convention, expected):
    assert adjust(day, convention, FED) == np.datetime64(expected)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_adjusts_as_quantlib_does(convention):
    dates = random_days(5_000, seed=20040618)
    rule = IN_QUANTLIB[convention]
    expected = [from_quantlib(HOLIDAYS_OF_QUANTLIB.adjust(in_quantlib(day), rule)) for day in dates.tolist()]
    assert adjust(dates, convention, FED).tolist() == expected


@pytest.mark.parametrize("convention", ["modified-following", "modified-preceding", "nearest"])
def test_adjusts_month_ends_and_long_weekends_as_quantlib_does(convention):
    edges = every_day("2000-01-01", "2040-12-31")
    edges = edges[
        ((edges + 3).astype("M8[M]") > edges.astype("M8[M]")) | ((edges - 3).astype("M8[M]") < edges.astype("M8[M]"))
    ]
    rule = IN_QUANTLIB[convention]
    expected = [from_quantlib(HOLIDAYS_OF_QUANTLIB.adjust(in_quantlib(day), rule)) for day in edges.tolist()]
    assert adjust(edges, convention, FED).tolist() == expected


@given(st.lists(days, min_size=1, max_size=20), conventions, names)
def test_adjusted_days_are_business_days_and_stay_adjusted(dates, convention, calendar):
    once = adjust(dates, convention, calendar)
    np.testing.assert_array_equal(adjust(once, convention, calendar), once)
    if convention != "unadjusted":
        assert is_business_day(once, calendar).all()
    if convention.startswith("modified"):
        assert (once.astype("M8[M]") == np.array(dates, dtype="M8[M]")).all()


@given(st.lists(days, min_size=2, max_size=20), names)
def test_following_and_preceding_keep_the_order_of_days_and_hold_them_between(dates, calendar):
    dates = np.sort(np.array(dates, dtype="M8[D]"))
    after, before = adjust(dates, "following", calendar), adjust(dates, "preceding", calendar)
    assert (np.diff(after) >= np.timedelta64(0)).all()
    assert (np.diff(before) >= np.timedelta64(0)).all()
    assert ((before <= dates) & (dates <= after)).all()
    # no business day lies between a day and the one it moves to
    for day, low, high in zip(dates, before, after, strict=True):
        between = np.setdiff1d(np.arange(low, high + 1), [low, high, day])
        assert not is_business_day(between, calendar).any()


def test_missing_dates_stay_missing():
    dates = pd.Series(["2004-12-18", None], index=["a", "b"], name="payment_date")
    assert is_business_day(dates, FED).tolist() == [False, False]
    assert is_business_day(None, FED) is False
    for convention in CONVENTIONS:
        assert adjust(dates, convention, FED).isna().tolist() == [False, True]
        assert np.isnat(adjust(None, convention, FED))
    assert add_business_days(dates, 1, FED).isna().tolist() == [False, True]
    assert add_business_days(dates, [None, 1], FED).isna().tolist() == [True, True]
    assert np.isnat(add_business_days(None, 0, FED))


# ---- counting ----


@pytest.mark.parametrize(
    ("day", "n", "expected"),
    [
        ("2004-06-18", 0, "2004-06-18"),
        ("2004-06-18", 1, "2004-06-21"),
        ("2004-06-18", -1, "2004-06-17"),
        ("2004-06-18", 10, "2004-07-02"),  # two weeks without a holiday
        ("2004-06-18", 11, "2004-07-06"),  # Independence Day is kept on Monday the 5th
        ("2004-12-18", 1, "2004-12-20"),  # from a Saturday
        ("2004-12-18", 2, "2004-12-21"),
        ("2004-12-18", -1, "2004-12-17"),
        ("2004-12-18", -2, "2004-12-16"),
    ],
)
def test_counts_business_days_as_one_does_by_hand(day, n, expected):
    assert add_business_days(day, n, FED) == np.datetime64(expected)


def holidays_for_numpy(calendar, first="1980-01-01", last="2199-12-30"):
    dates = every_day(first, last)
    return np.busdaycalendar(holidays=dates[np.is_busday(dates) & ~is_business_day(dates, calendar)])


def test_counts_as_numpy_does():
    dates = random_days(20_000, seed=1, first="1990-01-01", last="2190-01-01")
    n = np.random.default_rng(2).integers(-1_000, 1_000, dates.size)
    # from a closed day, numpy first moves against the direction of counting, as we do
    for calendar in (FED, STATE, "weekends-only"):
        known = holidays_for_numpy(calendar)
        forward = np.busday_offset(dates, n, roll="backward", busdaycal=known)
        back = np.busday_offset(dates, n, roll="forward", busdaycal=known)
        counted = n != 0
        got = add_business_days(dates[counted], n[counted], calendar)
        np.testing.assert_array_equal(got, np.where(n > 0, forward, back)[counted])


def test_counts_as_quantlib_does():
    dates = random_days(3_000, seed=3, first="1990-01-01", last="2190-01-01")
    n = np.random.default_rng(4).integers(-40, 40, dates.size)
    n[n == 0] = 1
    expected = [
        from_quantlib(HOLIDAYS_OF_QUANTLIB.advance(in_quantlib(day), int(count), ql.Days))
        for day, count in zip(dates.tolist(), n, strict=True)
    ]
    assert add_business_days(dates, n, FED).tolist() == expected


@given(days, st.integers(1, 2_000), st.integers(1, 2_000), names)
def test_counting_adds_up_and_goes_back(day, some, more, calendar):
    start = adjust(day, "following", calendar)
    if start > np.datetime64("2180-01-01"):
        start = adjust("2180-01-01", "following", calendar)
    there = add_business_days(start, some, calendar)
    assert add_business_days(there, more, calendar) == add_business_days(start, some + more, calendar)
    assert add_business_days(there, -some, calendar) == start
    assert int(is_business_day(np.arange(start, there), calendar).sum()) == some


def test_counts_differ_by_row():
    got = add_business_days(["2004-06-18", "2004-06-18"], [[1], [-1]], FED)
    assert got.tolist() == [[dt.date(2004, 6, 21)] * 2, [dt.date(2004, 6, 17)] * 2]


# ---- calendars together, and closures besides ----


@given(st.lists(days, min_size=1, max_size=50))
def test_a_joint_calendar_is_closed_where_any_is(dates):
    joint = f"{FED}+{STATE}"
    np.testing.assert_array_equal(
        is_business_day(dates, joint), is_business_day(dates, FED) & is_business_day(dates, STATE)
    )


def test_a_joint_calendar_has_one_name_whatever_it_was_called():
    assert get_calendar(f" {STATE.upper()} + {FED}+{STATE}").name == f"{STATE}+{FED}"
    assert get_calendar(f"weekends-only+{FED}").first == get_calendar(FED).first  # the shorter range of the two


def test_extra_closures_move_payments():
    mourning = get_calendar(FED, ["2006-12-18", dt.date(2006, 12, 19)])
    assert adjust("2006-12-18", "following", mourning) == np.datetime64("2006-12-20")
    assert adjust("2006-12-18", "following", FED) == np.datetime64("2006-12-18")
    assert add_business_days("2006-12-15", 1, mourning) == np.datetime64("2006-12-20")


def test_extra_closures_add_to_those_of_a_calendar():
    once = get_calendar(FED, ["2006-12-18"])
    twice = get_calendar(once, ["2006-12-19", "2006-12-18"])
    assert is_business_day(["2006-12-18", "2006-12-19", "2006-12-20"], twice).tolist() == [False, False, True]
    assert is_business_day("2006-12-19", once)
    assert get_calendar(twice) is twice
    assert len(twice.closures) == 2


def test_a_closure_on_a_closed_day_or_beyond_the_tables_changes_nothing():
    same = get_calendar(FED, ["2004-12-25", "0001-01-01", "9999-12-31"])
    dates = every_day("1971-01-04", "2199-12-30")
    np.testing.assert_array_equal(is_business_day(dates, same), is_business_day(dates, FED))


def test_calendars_compare_and_hash_by_value_and_pickle():
    one, other = (
        get_calendar(FED, closures) for closures in (["2006-12-18", "2006-12-19"], ["2006-12-19", "2006-12-18"])
    )
    assert one == other
    assert hash(one) == hash(other)
    assert one != get_calendar(FED)
    copy = pickle.loads(pickle.dumps(one))
    assert copy == one
    assert not is_business_day("2006-12-18", copy)


def test_calendars_say_what_they_are():
    assert repr(get_calendar(FED)) == "Calendar('us-federal-reserve')"
    assert repr(get_calendar(FED, ["2006-12-18"])) == "Calendar('us-federal-reserve', closed on 1 more)"
    assert isinstance(nc.get_calendar(FED), Calendar)


# ---- range and errors ----


@pytest.mark.parametrize(
    ("calendar", "first", "last"),
    [
        # 1 January 1971 is a holiday, 2 and 3 January a weekend; 31 December 2199 is a Tuesday, where QuantLib ends
        (FED, "1971-01-04", "2199-12-30"),
        (STATE, "1971-01-04", "2199-12-30"),
        ("weekends-only", "1901-01-01", "2199-12-30"),
        ("nyse", "1971-01-04", "2199-12-30"),
        ("target", "1999-01-04", "2199-12-30"),
    ],
)
def test_a_date_outside_the_range_is_an_error(calendar, first, last):
    found = get_calendar(calendar)
    assert (found.first, found.last) == (np.datetime64(first), np.datetime64(last))
    for convention in CONVENTIONS[:-1]:
        assert adjust([first, last], convention, calendar).tolist() == [found.first.item(), found.last.item()]
    rule = f"`dates` must be between {first} and {last} in calendar '{calendar}'; got "
    for beyond in (found.first - 1, found.last + 1, np.datetime64("0001-01-01"), np.datetime64("9999-12-31")):
        with pytest.raises(nc.TermError, match=f"{rule}'{beyond}'$"):
            is_business_day(beyond, calendar)
        with pytest.raises(nc.TermError, match=f"{rule}'{beyond}' at row 2$"):
            adjust([first, None, beyond], "following", calendar)
        with pytest.raises(nc.TermError, match=f"{rule}'{beyond}'$"):
            add_business_days(beyond, 1, calendar)
        assert adjust(beyond, "unadjusted", calendar) == beyond


@pytest.mark.parametrize(
    ("day", "n"), [("2199-12-30", 1), ("1971-01-04", -1), ("2004-06-18", 10**9), ("2004-06-18", -(10**9))]
)
def test_a_count_that_leaves_the_range_is_an_error(day, n):
    with pytest.raises(
        nc.TermError, match=f"`n` must be such that the date stays between 1971-01-04 and 2199-12-30.*got {n}"
    ):
        add_business_days(day, n, FED)


def test_no_business_days_from_a_closed_day_has_no_answer():
    with pytest.raises(
        nc.TermError, match=r"`dates` must be a business day where `n` is 0; got '2004-12-18' at row 1\. Use adjust\(\)"
    ):
        add_business_days(["2004-12-18"] * 2, [1, 0], FED)
    assert np.isnat(add_business_days([None, "2004-06-18"], 0, FED)).tolist() == [True, False]


@pytest.mark.parametrize("n", [0.5, float("inf"), 1e30])
def test_business_days_are_counted_whole(n):
    with pytest.raises(
        nc.TermError, match=rf"`n` must be a whole number within 2\*\*53; got {re.escape(str(n))} at row 1"
    ):
        add_business_days("2004-06-18", [1, n], FED)


def test_an_unknown_calendar_names_the_known():
    known = "'new-york-state', 'nyse', 'target', 'us-federal-reserve' or 'weekends-only', or several joined by '\\+'"
    with pytest.raises(nc.TermError, match=rf"`calendar` must be {known}; got 'US'$"):
        get_calendar("US")
    with pytest.raises(nc.TermError, match=rf"got 'weekends-only\+us-federal-reserv'. Did you mean '{FED}'\?"):
        get_calendar("weekends-only+us-federal-reserv")


def test_an_unknown_convention_names_the_known():
    with pytest.raises(
        nc.TermError,
        match=r"`convention` must be 'following', .* or 'unadjusted'; got 'modified following'\. Did you mean 'modified-following'\?",
    ):
        adjust("2004-06-18", "modified following", FED)


@pytest.mark.parametrize(("closures", "message"), [
    (["2004-06-18", None], "`extra_closures` must be dates, none missing; got 'NaT' at row 1"),
    (["06/07/2004"], "`extra_closures` must be a date such as 2004-06-18; got '06/07/2004'"),
])  # fmt: skip
def test_closures_are_dates(closures, message):
    with pytest.raises(nc.TermError, match=message):
        get_calendar(FED, closures)
