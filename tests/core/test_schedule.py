"""Coupon dates of one note, and the terms and the cycle behind them: published schedules, the deal's own, by hand.

tests/data/schedules_quantlib.json holds 23 schedules of QuantLib's test suite (`schedule.cpp`). Schedules of many
notes, and QuantLib at random, are in `test_schedules`.
"""

from __future__ import annotations

import calendar as wall
import datetime as dt
import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import given
from hypothesis import strategies as st

import notecalc as nc
from notecalc.core.calendars import CONVENTIONS, get_calendar
from notecalc.core.cycle import Cycle, day_of_month, month_of
from notecalc.core.notes import Notes
from notecalc.core.schedule import add_months, resolve, schedule

PUBLISHED = json.loads((Path(__file__).parents[1] / "data" / "schedules_quantlib.json").read_text(encoding="utf-8"))[
    "cases"
]
FED = "us-federal-reserve"
DEAL = {"issue_date": "2004-06-18", "maturity": "2007-06-18", "frequency": 2, "day_count": "30/360"}


def day(text):
    return dt.date.fromisoformat(text)


def as_text(dates):
    return [str(date) for date in np.asarray(dates, dtype="datetime64[D]")]


def ends(**terms):
    return as_text(schedule(**DEAL | terms)["unadjusted_end"])


def from_quantlib(date):
    return dt.date(date.year(), date.month(), date.dayOfMonth())


# ---- published schedules ----


def from_name_in_quantlib(name):
    known = {"TARGET": ql.TARGET, "Japan": ql.Japan, "Null": None, "NullCalendar": None}
    if "GovernmentBond" in name:
        peer = ql.UnitedStates(ql.UnitedStates.GovernmentBond)
    else:
        kind = known[name.removesuffix("()")]
        if kind is None:
            return None
        peer = kind()
    closed = peer.holidayList(ql.Date(1, 1, 1996), ql.Date(31, 12, 2026), False)
    return get_calendar("weekends-only", map(from_quantlib, closed))


def terms_of(options):
    """The keywords of `schedule` for the options of QuantLib's MakeSchedule."""
    frequencies = {"Daily": 365, "Monthly": 12, "Quarterly": 4, "Once": 0, "6*Months": 2, "6M": 2, "1*Months": 12,
                   "1*Years": 1, "1Y": 1}  # fmt: skip
    calendar = from_name_in_quantlib(options.get("withCalendar") or options.get("cal", "Null"))
    convention = re.sub("(?<=[a-z])(?=[A-Z])", "-", options.get("withConvention", "Unadjusted")).lower()
    maturity = options.get("withTerminationDateConvention")
    return {
        "issue_date": options["from"],
        "maturity": options["to"],
        "frequency": frequencies[options.get("withFrequency") or options["withTenor"].replace(" ", "")],
        "day_count": "30/360",
        "principal": 100,
        "annual_rate": 0.08,
        "first_coupon": options.get("withFirstDate"),
        "last_coupon": options.get("withNextToLastDate"),
        "generation": "forward" if "forwards" in options else "backward",
        "end_of_month": "endOfMonth" in options,
        "business_day_convention": convention,
        "maturity_convention": None if maturity is None else re.sub("(?<=[a-z])(?=[A-Z])", "-", maturity).lower(),
        "calendar": calendar,
        "accrual_adjusted": calendar is not None,
    }  # fmt: skip


def test_all_published_schedules_are_compared():
    assert len(PUBLISHED) == 23
    # those without dates tell of regular periods instead
    assert [case["test"] for case in PUBLISHED if not case["expected"] and "regularity" not in case] == []


@pytest.mark.parametrize("case", PUBLISHED, ids=[f"{n}-{case['test']}" for n, case in enumerate(PUBLISHED)])
def test_published_schedules(case):
    periods = resolve(Notes(**terms_of(case["options"])))
    if case["test"].startswith("testTruncation"):
        _, side, at = case["test"].split()
        periods = getattr(periods, side)(at)
    if case["expected"]:
        assert as_text([*periods.accrual_start[:1], *periods.accrual_end]) == case["expected"]
    if "regularity" in case:
        place, kind = case["regularity"].removeprefix("period").split()
        at = {"first": 0, "last": -1}.get(place) if place in {"first", "last"} else int(place) - 1
        assert periods.regular[at] == (kind == "regular")


# ---- the deal's own ----


def test_the_deals_own_schedule():
    """18 December 2004 is a Saturday, 18 June 2005 a Saturday, 18 December 2005 and 18 June 2006 are Sundays."""
    frame = schedule(
        "18 June 2004", "18 June 2007", frequency=2, day_count="30/360",
        business_day_convention="following", calendar=FED, record_days=15,
    )  # fmt: skip
    assert frame.index.tolist() == [1, 2, 3, 4, 5, 6]
    assert frame.index.name == "period"
    coupons = ["2004-12-18", "2005-06-18", "2005-12-18", "2006-06-18", "2006-12-18", "2007-06-18"]
    for column, expected in {
        "unadjusted_start": ["2004-06-18", *coupons[:-1]],
        "unadjusted_end": coupons,
        "accrual_start": ["2004-06-18", *coupons[:-1]],
        "accrual_end": coupons,
        "payment_date": ["2004-12-20", "2005-06-20", "2005-12-19", "2006-06-19", "2006-12-18", "2007-06-18"],
        "record_date": ["2004-12-03", "2005-06-03", "2005-12-03", "2006-06-03", "2006-12-03", "2007-06-03"],
        "reference_start": ["2004-06-18", *coupons[:-1]],
        "reference_end": coupons,
    }.items():
        assert as_text(frame[column]) == expected, column
        assert frame[column].dtype == "datetime64[us]"
    assert frame["regular"].all()
    assert frame[["numerator", "denominator"]].to_numpy().tolist() == [[180, 360]] * 6
    assert frame["fraction"].tolist() == [0.5] * 6


def test_quarterly_it_has_twelve():
    assert ends(frequency=4) == [f"{year}-{month:02}-18" for year in range(2004, 2008) for month in (3, 6, 9, 12)
                                 if "2004-06-18" < f"{year}-{month:02}-18" <= "2007-06-18"]  # fmt: skip


@pytest.mark.parametrize("frequency", [1, 2, 3, 4, 6, 12])
def test_it_has_as_many_periods_as_coupons_in_three_years(frequency):
    assert len(ends(frequency=frequency)) == 3 * frequency


def test_adjusted_accrual_runs_from_one_payment_to_the_next():
    frame = schedule(**DEAL, business_day_convention="following", calendar=FED, accrual_adjusted=True)
    assert as_text(frame["accrual_end"]) == as_text(frame["payment_date"])
    assert as_text(frame["accrual_start"]) == ["2004-06-18", *as_text(frame["payment_date"])[:-1]]
    assert as_text(frame["unadjusted_end"]) == ends()
    # months of 30 days to the 20th, from the 20th to the 20th, to the 19th, ...
    assert frame["numerator"].tolist() == [182, 180, 179, 180, 179, 180]


def test_the_last_payment_may_follow_a_rule_of_its_own():
    """18 December 2005 is a Sunday."""
    terms = {"maturity": "2005-12-18", "business_day_convention": "following", "calendar": FED}
    for convention, last in (("preceding", "2005-12-16"), ("unadjusted", "2005-12-18"), (None, "2005-12-19")):
        frame = schedule(**DEAL | terms, maturity_convention=convention)
        assert as_text(frame["payment_date"]) == ["2004-12-20", "2005-06-20", last]


def test_a_record_date_that_is_missing_is_none():
    notes = Notes(**TERMS | {"record_days": pd.array([15, None], dtype="Int64")})
    assert notes.record_days.tolist() == [15, -1]


def test_no_record_date_unless_there_is_one():
    assert schedule(**DEAL)["record_date"].isna().all()
    assert as_text(schedule(**DEAL, record_days=0)["record_date"]) == ends()


def test_without_coupons_there_is_one_period():
    frame = schedule(**DEAL | {"frequency": 0})
    assert as_text(frame["unadjusted_end"]) == ["2007-06-18"]
    assert frame.loc[1, ["numerator", "denominator"]].tolist() == [1080, 360]
    assert frame.loc[1, "regular"]


# ---- stubs ----


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        # counted back from 18 June 2007, the days left over are the first
        ({"issue_date": "2006-02-01"}, ["2006-06-18", "2006-12-18", "2007-06-18"]),
        ({"issue_date": "2006-02-01", "stub": "long"}, ["2006-12-18", "2007-06-18"]),
        # counted on from 18 June 2004, they are the last
        ({"maturity": "2005-11-01", "generation": "forward"}, ["2004-12-18", "2005-06-18", "2005-11-01"]),
        ({"maturity": "2005-11-01", "generation": "forward", "stub": "long"}, ["2004-12-18", "2005-11-01"]),
        # none is left over
        ({"maturity": "2005-12-18", "stub": "long"}, ["2004-12-18", "2005-06-18", "2005-12-18"]),
        ({"maturity": "2005-12-18", "stub": "long", "generation": "forward"}, ["2004-12-18", "2005-06-18", "2005-12-18"]),
        # a note shorter than a period, and one that a long stub takes whole
        ({"maturity": "2004-08-01"}, ["2004-08-01"]),
        ({"maturity": "2004-08-01", "stub": "long"}, ["2004-08-01"]),
        ({"maturity": "2005-03-01"}, ["2004-09-01", "2005-03-01"]),
        ({"maturity": "2005-03-01", "stub": "long"}, ["2005-03-01"]),
        ({"maturity": "2004-06-19"}, ["2004-06-19"]),
        # stated first and last coupons are kept, whatever the stub is called
        *(({"maturity": "2006-06-18", "first_coupon": "2004-09-18", "last_coupon": "2006-03-18", "generation": generation,
            "stub": stub}, ["2004-09-18", "2005-03-18", "2005-09-18", "2006-03-18", "2006-06-18"])
          for generation in ("backward", "forward") for stub in ("short", "long")),
        # a stated date off the cycle makes a period of what lies between
        ({"maturity": "2005-12-18", "first_coupon": "2004-10-01"}, ["2004-10-01", "2004-12-18", "2005-06-18", "2005-12-18"]),
        ({"maturity": "2005-12-18", "first_coupon": "2004-10-01", "stub": "long"},
         ["2004-10-01", "2004-12-18", "2005-06-18", "2005-12-18"]),
        ({"maturity": "2005-12-18", "first_coupon": "2004-10-01", "generation": "forward"},
         ["2004-10-01", "2005-04-01", "2005-10-01", "2005-12-18"]),
        ({"maturity": "2005-12-18", "first_coupon": "2004-10-01", "generation": "forward", "stub": "long"},
         ["2004-10-01", "2005-04-01", "2005-12-18"]),
        ({"maturity": "2005-12-18", "last_coupon": "2005-11-01"}, ["2004-11-01", "2005-05-01", "2005-11-01", "2005-12-18"]),
        ({"maturity": "2005-12-18", "last_coupon": "2005-11-01", "stub": "long"}, ["2005-05-01", "2005-11-01", "2005-12-18"]),
        ({"maturity": "2005-12-18", "last_coupon": "2005-11-01", "generation": "forward"},
         ["2004-12-18", "2005-06-18", "2005-11-01", "2005-12-18"]),
        # first and last may be one, and either may be an end of the note
        ({"maturity": "2005-12-18", "first_coupon": "2005-03-01", "last_coupon": "2005-03-01"}, ["2005-03-01", "2005-12-18"]),
        ({"maturity": "2005-12-18", "first_coupon": "2005-12-18"}, ["2005-12-18"]),
        ({"maturity": "2005-12-18", "last_coupon": "2004-06-18"}, ["2005-12-18"]),
        ({"maturity": "2005-06-18", "first_coupon": "2004-06-18"}, ["2004-12-18", "2005-06-18"]),
        ({"maturity": "2005-06-18", "last_coupon": "2005-06-18"}, ["2004-12-18", "2005-06-18"]),
    ],
)  # fmt: skip
def test_stubs(terms, expected):
    assert ends(**terms) == expected


def test_a_stub_is_not_regular_and_its_reference_is_the_period_it_would_have_been():
    frame = schedule(**DEAL | {"issue_date": "2004-08-01", "maturity": "2005-06-18", "day_count": "actual/actual icma"})
    assert frame["regular"].tolist() == [False, True]
    assert as_text(frame["reference_start"]) == ["2004-06-18", "2004-12-18"]
    # 139 of 183 days
    assert [Fraction(*row) for row in frame[["numerator", "denominator"]].to_numpy().tolist()] == [
        Fraction(139, 183 * 2), Fraction(1, 2),
    ]  # fmt: skip


def test_a_long_stub_reaches_into_two_reference_periods():
    """30 of the 182 days before 18 June 2005, and a whole period."""
    frame = schedule(
        **DEAL | {"issue_date": "2005-05-19", "maturity": "2006-06-18", "stub": "long", "day_count": "act/act icma"}
    )
    assert as_text(frame["unadjusted_end"]) == ["2005-12-18", "2006-06-18"]
    assert Fraction(*frame.loc[1, ["numerator", "denominator"]].tolist()) == Fraction(30, 182 * 2) + Fraction(1, 2)


@pytest.mark.parametrize("stub", ["short", "long"])
@pytest.mark.parametrize(
    ("issue_date", "convention"),
    # coupons fall on Saturday 18 December 2004, adjusted to the Monday or the Friday
    [("2004-12-20", "following"), ("2004-12-17", "preceding"), ("2004-12-17", "nearest")],
)
def test_a_note_issued_on_an_adjusted_coupon_date_has_no_stub(issue_date, convention, stub):
    terms = {"issue_date": issue_date, "maturity": "2006-04-14", "last_coupon": "2005-12-18", "stub": stub,
             "business_day_convention": convention, "calendar": FED}  # fmt: skip
    adjusted, plain = (schedule(**DEAL | terms, accrual_adjusted=adjusts) for adjusts in (True, False))
    assert as_text(plain["accrual_start"])[:2] == [issue_date, "2005-06-18"]
    assert as_text(plain["accrual_end"]) == ["2005-06-18", "2005-12-18", "2006-04-14"]
    moved = as_text(nc.adjust(["2005-06-18", "2005-12-18", "2006-04-14"], convention, FED))
    assert as_text(adjusted["accrual_end"]) == moved
    assert adjusted["regular"].tolist() == [True, True, False]


@pytest.mark.parametrize(("adjusts", "expected"), [
    (True, ["2004-12-20", "2005-06-20"]),
    (False, ["2004-12-18", "2005-06-20"]),
])  # fmt: skip
def test_a_note_that_matures_on_an_adjusted_coupon_date_has_no_stub(adjusts, expected):
    """18 June 2005 is a Saturday; counted on from issue, the two days to Monday the 20th are no period."""
    terms = {"maturity": "2005-06-20", "generation": "forward", "business_day_convention": "following", "calendar": FED}
    assert as_text(schedule(**DEAL | terms, accrual_adjusted=adjusts)["accrual_end"]) == expected


def test_where_nothing_is_adjusted_two_days_are_a_period():
    assert ends(issue_date="2004-12-16", maturity="2005-06-18") == ["2004-12-18", "2005-06-18"]


@given(st.integers(30, 3_000), st.sampled_from([1, 2, 4, 12]), st.sampled_from(["backward", "forward"]))
def test_a_long_stub_joins_a_short_one_to_its_neighbour(length, frequency, generation):
    issue = day("2004-06-18")
    terms = {"maturity": issue + dt.timedelta(days=length), "frequency": frequency, "generation": generation}
    short, long = (schedule(**DEAL | terms, stub=stub) for stub in ("short", "long"))
    at = 0 if generation == "backward" else len(short) - 1
    expected = as_text(short["unadjusted_end"])
    if not short["regular"].iloc[at] and len(short) > 1:
        del expected[0 if generation == "backward" else -2]
    assert as_text(long["unadjusted_end"]) == expected


# ---- ends of months ----


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        # anchored on 31 August: the last of every month
        ({"issue_date": "2004-08-31", "maturity": "2005-08-31", "frequency": 4},
         ["2004-11-30", "2005-02-28", "2005-05-31", "2005-08-31"]),
        # on 30 November: the 30th, unless the rule says the last
        ({"issue_date": "2004-11-30", "maturity": "2005-11-30", "frequency": 4},
         ["2005-02-28", "2005-05-30", "2005-08-30", "2005-11-30"]),
        ({"issue_date": "2004-11-30", "maturity": "2005-11-30", "frequency": 4, "end_of_month": True},
         ["2005-02-28", "2005-05-31", "2005-08-31", "2005-11-30"]),
        # on the last of February
        ({"issue_date": "2004-02-29", "maturity": "2006-02-28", "frequency": 1}, ["2005-02-28", "2006-02-28"]),
        ({"issue_date": "2003-02-28", "maturity": "2004-02-28", "frequency": 2, "end_of_month": True},
         ["2003-08-28", "2004-02-28"]),  # 28 February 2004 is not the month's end
        ({"issue_date": "2004-02-29", "maturity": "2005-02-28", "frequency": 2, "end_of_month": True},
         ["2004-08-31", "2005-02-28"]),
        ({"issue_date": "2004-02-29", "maturity": "2005-02-28", "frequency": 2, "generation": "forward"},
         ["2004-08-29", "2005-02-28"]),  # the 29th, or the last of a shorter month
        ({"issue_date": "2004-02-29", "maturity": "2005-03-15", "frequency": 2, "generation": "forward", "end_of_month": True},
         ["2004-08-31", "2005-02-28", "2005-03-15"]),
        # with a calendar the last business day is the end: 29 October 2004 is a Friday
        ({"issue_date": "2004-10-29", "maturity": "2005-04-30", "frequency": 4, "generation": "forward", "end_of_month": True,
          "calendar": FED}, ["2005-01-31", "2005-04-30"]),
        ({"issue_date": "2004-10-29", "maturity": "2005-04-29", "frequency": 4, "generation": "forward", "end_of_month": True},
         ["2005-01-29", "2005-04-29"]),
        # and coupons are counted by its own day: there is no stub of the two days to Sunday 31 October 2004
        ({"issue_date": "2004-10-29", "maturity": "2006-04-28", "end_of_month": True, "calendar": FED},
         ["2005-04-30", "2005-10-31", "2006-04-28"]),
        # a stated coupon stays where it is stated
        ({"issue_date": "2004-10-29", "maturity": "2005-04-29", "frequency": 4, "generation": "forward", "end_of_month": True,
          "calendar": FED, "last_coupon": "2005-01-30"}, ["2005-01-30", "2005-04-29"]),
    ],
)  # fmt: skip
def test_ends_of_months(terms, expected):
    assert ends(**terms) == expected


def test_a_last_business_day_that_stands_for_the_month_s_end_bounds_a_whole_period():
    """29 May 2015 is a Friday: from there to the end of November is half a year of coupons, whatever its 185 days."""
    terms = {"issue_date": "2015-05-29", "maturity": "2016-11-30", "frequency": 2, "generation": "forward",
             "end_of_month": True, "calendar": FED, "day_count": "actual/actual icma"}  # fmt: skip
    frame = schedule(**terms)
    assert as_text(frame["unadjusted_end"]) == ["2015-11-30", "2016-05-31", "2016-11-30"]
    assert frame["regular"].all()
    assert frame["fraction"].tolist() == [0.5] * 3


def test_a_last_period_that_ends_by_a_rule_of_its_own_is_a_whole_one():
    """Adjusted accrual: 31 July 2005 is a Sunday, and the last period ends on it unadjusted."""
    frame = schedule("2004-07-30", "2005-07-31", frequency=2, day_count="actual/actual icma", end_of_month=True, calendar=FED,
                     business_day_convention="following", maturity_convention="unadjusted", accrual_adjusted=True)  # fmt: skip
    assert as_text(frame["accrual_end"]) == ["2004-08-02", "2005-01-31", "2005-07-31"]
    assert frame["fraction"].tolist()[1:] == [0.5, 0.5]


def test_coupons_that_fall_together_are_paid_together():
    """Closed from 15 July to 20 August: the coupons of July and August are both adjusted to Monday 23 August 2004."""
    shut = get_calendar(FED, np.arange("2004-07-15", "2004-08-21", dtype="datetime64[D]"))
    terms = {"issue_date": "2004-06-18", "maturity": "2004-09-17", "frequency": 12, "day_count": "actual/360",
             "generation": "forward", "business_day_convention": "following", "calendar": shut}  # fmt: skip
    frame = schedule(**terms)
    assert as_text(frame["payment_date"]) == ["2004-08-23", "2004-08-23", "2004-09-17"]
    assert as_text(frame["accrual_end"]) == ["2004-07-18", "2004-08-18", "2004-09-17"]
    # where accrual follows, one of them would accrue nothing
    frame = schedule(**terms, accrual_adjusted=True)
    assert as_text(frame["accrual_end"]) == ["2004-08-23", "2004-09-17"]


# ---- the cycle ----


@given(st.lists(st.dates(dt.date(1950, 1, 1), dt.date(2150, 1, 1)), min_size=1, max_size=10),
       st.integers(1, 31), st.sampled_from([1, 2, 3, 4, 6, 12]), st.sampled_from([None, *CONVENTIONS]))  # fmt: skip
def test_a_date_lies_in_the_step_that_holds_it(dates, roll_day, step, convention):
    dates = np.array(dates, dtype="M8[D]")
    whole = np.ones(dates.size, dtype=np.int64)
    calendar = None if convention is None else get_calendar("weekends-only")
    cycle = Cycle(month_of(np.datetime64("2004-06-18")) * whole, roll_day * whole, step * whole, calendar, convention)
    j = cycle.locate(dates)
    assert (cycle.dates(j) <= dates).all()
    assert (dates < cycle.dates(j + 1)).all()


def test_a_date_before_an_adjusted_month_end_lies_in_the_step_before():
    """31 July 2032 is a Saturday: the step of July begins on Monday 2 August, that of June on Wednesday 30 June."""
    terms = {"issue_date": "2032-05-31", "maturity": "2032-08-31", "frequency": 12, "day_count": "actual/actual icma",
             "end_of_month": True, "business_day_convention": "following", "calendar": FED, "accrual_adjusted": True}  # fmt: skip
    periods = resolve(Notes(**terms, principal=1, annual_rate=0))
    assert as_text(periods.accrual_end) == ["2032-06-30", "2032-08-02", "2032-08-31"]
    sunday = np.array(["2032-08-01"], dtype="M8[D]")
    assert as_text(periods.cycle.dates(periods.cycle.locate(sunday))) == ["2032-06-30"]
    assert periods.regular[1]


@given(st.dates(dt.date(1900, 1, 1), dt.date(2190, 1, 1)), st.integers(-1_200, 1_200).filter(lambda n: n))
def test_months_are_added_as_on_the_wall(date, months):
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    last = wall.monthrange(year, month + 1)[1]
    expected = dt.date(year, month + 1, min(date.day, last))
    assert add_months(np.array([date], dtype="M8[D]"), months).item() == expected


def test_months_are_added_to_no_date_in_vain():
    dates = np.array(["NaT", "2004-01-31"], dtype="M8[D]")
    np.testing.assert_array_equal(add_months(dates, np.array([1, 1])), np.array(["NaT", "2004-02-29"], dtype="M8[D]"))
    assert (month_of(dates[1:]).tolist(), day_of_month(dates[1:]).tolist()) == ([12 * 34], [31])


# ---- terms ----

TERMS = DEAL | {"principal": 29_000_000, "annual_rate": 0.08}


def test_terms_are_one_for_all_or_one_for_each():
    notes = Notes(**TERMS | {"principal": [1, 2, 3], "frequency": pd.Series([1, 2, 4], index=[5, 6, 7])})
    assert len(notes) == 3
    assert notes.issue_date.tolist() == [day("2004-06-18")] * 3
    assert notes.principal.tolist() == [1, 2, 3]
    assert notes.frequency.dtype == np.int64
    assert notes.maturity_convention.tolist() == ["unadjusted"] * 3


def test_terms_can_not_be_changed():
    principal = np.array([1.0, 2.0])
    notes = Notes(**TERMS | {"principal": principal})
    with pytest.raises(AttributeError, match="cannot assign to field 'stub'"):
        notes.stub = "long"
    for name in ("issue_date", "principal", "frequency", "end_of_month", "record_days", "ex_days"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(notes, name)[0] = getattr(notes, name)[1]
    principal[0] = 5  # what was given stays the caller's own
    assert notes.principal[0] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"issue_date": None}, "`issue_date` must be given; got 'NaT'"),
        ({"maturity": ["2007-06-18", None]}, "`maturity` must be given; got 'NaT' at row 1"),
        ({"maturity": "2004-06-18"}, "`maturity` must be after `issue_date`; got '2004-06-18'"),
        ({"maturity": np.datetime64("10000-01-01")}, "`maturity` must be between 0001-01-01 and 9999-12-31; got '10000-01-01'"),
        ({"principal": None}, "`principal` must be given; got nan"),
        ({"principal": float("inf")}, "`principal` must be a finite number; got inf"),
        ({"annual_rate": 8.0}, r"`annual_rate` must be a decimal between -1 and 1; got 8\.0\. Did you mean 0\.08\?"),
        ({"annual_rate": [0.08, None]}, "`annual_rate` must be given; got nan at row 1"),
        ({"frequency": 5}, r"`frequency` must be coupons per year, one of 0, 1, 2, 3, 4, 6, 12, 13, 26, 52 or 365; got 5"),
        ({"frequency": None}, "`frequency` must be given; got nan"),
        ({"record_days": 1.5}, r"`record_days` must be a whole number of days up to 366, or -1 for none; got 1\.5"),
        ({"record_days": -2}, r"`record_days` must be a whole number of days up to 366, or -1 for none; got -2"),
        ({"record_days": 1e18}, "`record_days` must be a whole number of days up to 366, or -1 for none; got 1000000000000000000"),
        ({"ex_days": 1.5, "ex_day_type": "calendar"}, r"`ex_days` must be a whole number of days up to 366, or -1 for none; got 1\.5"),
        ({"ex_days": [-1, 0]}, "`ex_day_type` must be 'calendar' or 'business' where `ex_days` is given; got None at row 1"),
        ({"ex_days": 7, "ex_day_type": "working"}, "`ex_day_type` must be 'calendar' or 'business'; got 'working'$"),
        ({"ex_days": [0, 7], "ex_day_type": ["calendar", "business"]},
         "`calendar` must be given with business `ex_days`; got None at row 1"),
        ({"first_coupon": "2004-06-17"}, "`first_coupon` must be between `issue_date` and `maturity`; got '2004-06-17'"),
        ({"last_coupon": "2007-06-19"}, "`last_coupon` must be between `issue_date` and `maturity`; got '2007-06-19'"),
        ({"first_coupon": "2005-06-18", "last_coupon": "2004-12-18"},
         "`last_coupon` must be on or after `first_coupon`; got '2004-12-18'"),
        ({"frequency": 0, "first_coupon": "2004-12-18"}, "`first_coupon` must be left out where `frequency` is 0; got '2004-12-18'"),
        ({"frequency": 0, "last_coupon": "2004-12-18"}, "`last_coupon` must be left out where `frequency` is 0; got '2004-12-18'"),
        ({"frequency": 0, "day_count": "act/act icma"}, "`frequency` must be above 0 with day count 'actual/actual icma'; got 0"),
        ({"frequency": 0, "day_count": "act/365l"}, "`frequency` must be above 0 with day count 'actual/365l'; got 0"),
        ({"day_count": "30/350"}, r"`day_count` must be '30/360', .* Did you mean '30/360'\?"),
        ({"generation": "backwards"}, r"`generation` must be 'backward' or 'forward'; got 'backwards'\. Did you mean 'backward'\?"),
        ({"stub": "none"}, "`stub` must be 'short' or 'long'; got 'none'$"),
        ({"business_day_convention": "folowing"}, r"`business_day_convention` must be .* Did you mean 'following'\?"),
        ({"maturity_convention": "later"}, "`maturity_convention` must be 'following', .* got 'later'"),
        ({"business_day_convention": "following"}, "`calendar` must be given with 'following'; got None"),
        ({"maturity_convention": "nearest"}, "`calendar` must be given with 'nearest'; got None"),
        ({"day_count": "business/252"}, "`calendar` must be given with 'business/252'; got None"),
        ({"calendar": "us"}, "`calendar` must be 'new-york-state', .* got 'us'"),
        ({"stub": ["long", "none", "short"]}, "`stub` must be 'short' or 'long'; got 'none' at row 1$"),
        ({"generation": ["backward", None]}, "`generation` must be 'backward' or 'forward'; got None at row 1"),
        ({"day_count": ["30/360", "30/360", "30/350"]}, "`day_count` must be .* got '30/350' at row 2"),
        ({"maturity_convention": [None, "following"]}, "`calendar` must be given with 'following'; got None at row 1"),
        ({"calendar": [FED, "us"]}, "`calendar` must be .* got 'us' at row 1"),
        ({"day_count": ["30/360", "act/act icma"], "frequency": [2, 0]},
         "`frequency` must be above 0 with day count 'actual/actual icma'; got 0 at row 1"),
        ({"end_of_month": 1}, "`end_of_month` must be true or false; got 1"),
        ({"accrual_adjusted": "no"}, "`accrual_adjusted` must be true or false; got 'no'"),
        ({"principal": [1, 2], "annual_rate": [0.1, 0.2, 0.3]},
         r"`principal and annual_rate` must be one value, or one for each note; got \[\(2,\), \(3,\)\]"),
        ({"principal": [[1, 2]]}, r"`principal` must be one value, or one for each note; got \[\(1, 2\)\]"),
    ],
)  # fmt: skip
def test_impossible_terms(change, message):
    with pytest.raises(nc.TermError, match=f"^{message}"):
        Notes(**TERMS | change)


@pytest.mark.parametrize("name", ["maturity", "frequency", "end_of_month", "record_days"])
def test_terms_in_unlike_order_are_not_put_together(name):
    column = {"maturity": ["2007-06-18"] * 2, "end_of_month": [True, False]}.get(name, [1, 2])
    with pytest.raises(
        nc.IndexMismatchError, match=f"`{name}` must be a Series with the same index as `issue_date`.*align"
    ):
        Notes(
            **TERMS
            | {"issue_date": pd.Series(["2004-06-18"] * 2, index=["a", "b"]), name: pd.Series(column, index=["b", "a"])}
        )


@pytest.mark.parametrize(("name", "value"), [("issue_date", ["2004-06-18"]), ("maturity", None)])
def test_a_schedule_is_of_one_note(name, value):
    with pytest.raises(nc.TermError, match=f"`{name}` must be one date; got "):
        schedule(**DEAL | {name: value})


def test_a_schedule_beyond_its_calendar_is_an_error():
    with pytest.raises(
        nc.TermError, match="must be between 1971-01-04 and 2199-12-30 in calendar 'us-federal-reserve'"
    ):
        schedule(**DEAL | {"maturity": "2200-06-18"}, business_day_convention="following", calendar=FED)


# ---- day counts that need more than two dates ----


@pytest.mark.parametrize(
    ("day_count", "fractions"),
    [
        # 19 December to 28 February: 69 days of months of 30; 28 February 2005 is the maturity, and so no month's end
        ("30e/360 isda", [69 / 360, 180 / 360, 180 / 360]),
        # the year in which the period ends is leap, or not
        ("actual/365l", [71 / 366, 182 / 366, 184 / 365]),
    ],
)
def test_a_note_knows_what_its_day_count_needs(day_count: str, fractions: list[float]) -> None:
    notes = Notes(
        issue_date="2003-12-19",
        first_coupon="2004-02-28",
        maturity="2005-02-28",
        principal=100,
        annual_rate=0.08,
        frequency=2,
        day_count=day_count,
    )
    periods = resolve(notes)
    assert periods.unadjusted_end.astype(str).tolist() == ["2004-02-28", "2004-08-28", "2005-02-28"]
    assert periods.fraction.tolist() == pytest.approx(fractions, abs=1e-15)


def test_business_252_counts_by_the_notes_calendar() -> None:
    """From Friday 18 June to Monday 5 July 2004, the day on which Independence Day is kept: 18 June, then ten more."""
    notes = Notes(
        issue_date="2004-06-18",
        maturity="2004-07-05",
        principal=100,
        annual_rate=0.08,
        frequency=0,
        day_count="business/252",
        calendar="us-federal-reserve",
    )
    assert resolve(notes).fraction.tolist() == [11 / 252]


def test_weekly_notes_may_count_by_actual_365l() -> None:
    """A period of a week ends in the leap year 2004, the next in 2005."""
    notes = Notes(
        issue_date="2004-12-20", maturity="2005-01-03", principal=100, annual_rate=0.08, frequency=52, day_count="act/365l"
    )  # fmt: skip
    assert resolve(notes).fraction.tolist() == pytest.approx([7 / 366, 7 / 365], abs=1e-16)


def test_notes_and_periods_are_not_taken_for_one_another() -> None:
    notes = Notes(**TERMS)
    with pytest.raises(nc.TermError, match="`notes` must be Notes; got 'Periods'"):
        nc.resolve(resolve(notes))
    for function, arguments in ((nc.accrued_on, ["2004-09-18"]), (nc.current_yield, ["2004-09-18", 99]),
                                (nc.interest_between, [1, 0.08, "2004-09-18", "2004-12-18"]), (nc.roll_forward, [])):  # fmt: skip
        with pytest.raises(nc.TermError, match="`periods` must be Periods, as `resolve` gives them; got 'Notes'"):
            function(notes, *arguments)
