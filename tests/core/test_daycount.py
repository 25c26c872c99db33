"""Day counts against published tables, arithmetic by hand and QuantLib, on every path that computes them.

tests/data/daycounts.csv holds rows of two test suites, figures only: QuantLib's ``daycounters.cpp`` at commit 2a13d455
(modified BSD) and OpenGamma Strata's ``DayCountTest`` at 39c46e3 (Apache 2.0). In one of them, Strata's 30E/365 days from
2012-02-29 to 2016-02-29, the 0 is that test's mark for "as plain 30/360 has it": 4 years of 360 days, as its year
fraction of 1440/365 says.
"""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import given
from hypothesis import strategies as st

import notecalc as nc
from notecalc.core import daycount
from notecalc.core.daycount import (
    COMPILE_FROM,
    DAY_COUNTS,
    day_count_days,
    day_count_fraction,
    find_day_count,
    year_fraction,
)

TABLE = Path(__file__).parents[1] / "data" / "daycounts.csv"
ROWS = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))

# As the README of the tables has it: Strata's THIRTY_360_ISDA is the bond basis
OUR_NAME = {
    "ACT_360": "actual/360",
    "ACT_364": "actual/364",
    "ACT_365F": "actual/365 fixed",
    "ACT_365_25": "actual/365.25",
    "ACT_365_ACTUAL": "actual/365 actual",
    "ACT_365L": "actual/365l",
    "ACT_ACT_ISDA": "actual/actual isda",
    "ACT_ACT_ISMA": "actual/actual icma",
    "ACT_ACT_YEAR": "actual/actual year",
    "NL_360": "nl/360",
    "NL_365": "nl/365",
    "ONE_ONE": "1/1",
    "THIRTY_360_ISDA": "30/360",
    "THIRTY_360_PSA": "30/360 psa",
    "THIRTY_EPLUS_360": "30e+/360",
    "THIRTY_E_360": "30e/360",
    "THIRTY_E_365": "30e/365",
    "Thirty360_BondBasis": "30/360",
    "Thirty360_EurobondBasis": "30e/360",
    "Thirty360_ISDA": "30e/360 isda",
    "Thirty360_USA": "30u/360 eom",
    "Thirty365": "30e/365",
}
MARK = ("THIRTY_E_365", "2012-02-29", "2016-02-29", "0")
# A maturity that no random date reaches, so that QuantLib's convention and ours agree on what is not the last period.
LATE = ql.Date(31, 12, 2199)
IN_QUANTLIB = {
    "30/360": ql.Thirty360(ql.Thirty360.BondBasis),
    "30e/360": ql.Thirty360(ql.Thirty360.EurobondBasis),
    "actual/360": ql.Actual360(),
    "actual/365 fixed": ql.Actual365Fixed(),
    "actual/actual isda": ql.ActualActual(ql.ActualActual.ISDA),
    "30u/360 eom": ql.Thirty360(ql.Thirty360.USA),
    "30e/360 isda": ql.Thirty360(ql.Thirty360.ISDA, LATE),
    "actual/364": ql.Actual364(),
    "actual/365.25": ql.Actual36525(),
    "nl/365": ql.Actual365Fixed(ql.Actual365Fixed.NoLeap),
    "business/252": ql.Business252(ql.UnitedStates(ql.UnitedStates.FederalReserve)),
    "1/1": ql.OneDayCounter(),
}
# What each convention needs beside the dates, with values that suit any
NEEDED = {"30e/360 isda": {"maturity": "2199-12-31"}, "business/252": {"calendar": "us-federal-reserve"}}
WITHOUT_REFERENCE = tuple(name for name, count in DAY_COUNTS.items() if not count.needs)
ADDITIVE = ("actual/360", "actual/365 fixed", "actual/actual isda", "actual/364", "actual/365.25", "nl/360", "nl/365")
YEAR = {
    name: DAY_COUNTS[name].denominator
    for name in WITHOUT_REFERENCE
    if name not in {"actual/365.25", "actual/actual isda"}
}
YEAR = {name: days for name, days in YEAR.items() if days}

every_date = st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))
names = st.sampled_from(WITHOUT_REFERENCE)


def as_days(*dates):
    return tuple(np.array([day], dtype="datetime64[D]") for day in dates)


def exactly(start, end, day_count, **reference):
    """The fraction of a year as a rational, for one pair of dates."""
    flat = {name: np.array([v], dtype=None if name == "frequency" else "M8[D]") for name, v in reference.items()}
    numerator, denominator = day_count_fraction(*as_days(start, end), day_count, **flat)
    return Fraction(int(numerator[0]), int(denominator[0]))


def in_quantlib(day):
    return ql.Date(day.day, day.month, day.year)


def random_spans(count, seed, first="1901-01-01", last="2198-12-31"):
    low, high = (int(np.datetime64(day).astype(int)) for day in (first, last))
    pairs = np.random.default_rng(seed).integers(low, high, (2, count), endpoint=True)
    pairs[1, ::2] = np.minimum(pairs[0, ::2] + pairs[1, ::2] % 400, high)  # every second span is short
    return np.sort(pairs, axis=0).astype("datetime64[D]")


# ---- published tables ----


def test_the_table_is_the_whole_of_what_was_handed_over():
    assert len(ROWS) == 529
    assert {row["convention"] for row in ROWS} == set(OUR_NAME)
    assert sum(tuple(row[name] for name in ("convention", "start", "end", "expected")) == MARK for row in ROWS) == 1


@pytest.mark.parametrize("row", ROWS, ids=[f"{n}-{row['convention']}" for n, row in enumerate(ROWS, start=2)])
def test_published_values(row):
    given_as = dict(pair.split("=") for pair in row["context"].split(";") if pair)
    needed = {}
    if "ref_start" in given_as:
        period = (dt.date.fromisoformat(given_as[name]) for name in ("ref_start", "ref_end"))
        needed = dict(zip(("period_start", "period_end"), period, strict=True))
        needed["frequency"] = round(365 / (needed["period_end"] - needed["period_start"]).days)
    if "freq" in given_as:
        needed = {"period_end": given_as["period_end"], "frequency": {"P12M": 1, "P6M": 2}[given_as["freq"]]}
    if "termination" in given_as:
        needed = {"maturity": given_as["termination"]}
    name, expected = OUR_NAME[row["convention"]], Decimal(row["expected"])
    if row["quantity"] == "days":
        if tuple(row[name] for name in ("convention", "start", "end", "expected")) == MARK:
            expected = Decimal(4 * 360)
        assert day_count_days(row["start"], row["end"], name, **needed) == int(expected)
    else:
        assert row["quantity"] == "yf"
        # half of the last digit printed, and the last bits of the float
        tolerance = 0.5 * 10.0 ** expected.as_tuple().exponent + 4e-16 * max(1, float(expected))
        assert year_fraction(row["start"], row["end"], name, **needed) == pytest.approx(
            float(expected), abs=tolerance, rel=0
        )


# ---- by hand ----

HAND = [
    # 30U/360 with the end-of-month rule: February's last day is the 30th at the start, at the end only if at both
    ("2012-02-29", "2012-03-28", "30u/360 eom", Fraction(28, 360)),
    ("2012-02-29", "2012-03-31", "30u/360 eom", Fraction(30, 360)),
    ("2012-02-29", "2013-02-28", "30u/360 eom", Fraction(360, 360)),
    ("2011-02-28", "2012-02-28", "30u/360 eom", Fraction(358, 360)),
    ("2012-02-29", "2013-02-28", "30/360", Fraction(359, 360)),
    ("2012-02-28", "2012-03-31", "30u/360 eom", Fraction(33, 360)),
    ("2100-02-28", "2100-03-31", "30u/360 eom", Fraction(30, 360)),  # 2100 is no leap year
    # PSA: at the start only
    ("2012-02-29", "2013-02-28", "30/360 psa", Fraction(358, 360)),
    ("2012-02-29", "2012-03-31", "30/360 psa", Fraction(30, 360)),
    # 30E+/360: the 31st at the end is the 1st of the next month
    ("2012-05-29", "2012-08-31", "30e+/360", Fraction(92, 360)),
    ("2012-05-31", "2012-12-31", "30e+/360", Fraction(211, 360)),
    # 30E/365: any month's last day is the 30th
    ("2012-01-31", "2012-02-29", "30e/365", Fraction(30, 365)),
    ("2012-01-30", "2012-02-28", "30e/365", Fraction(28, 365)),
    # without 29 February, on or after which the count is a day less
    ("2012-02-28", "2012-02-29", "nl/365", Fraction(0)),
    ("2012-02-29", "2012-03-01", "nl/365", Fraction(1, 365)),
    ("2012-02-28", "2016-03-01", "nl/360", Fraction(4 * 365 + 1, 360)),
    ("1899-03-01", "1901-03-01", "nl/365", Fraction(2)),
    # a 366th of a year if a 29 February comes after the start and not after the end
    ("2012-02-28", "2012-02-29", "actual/365 actual", Fraction(1, 366)),
    ("2012-02-29", "2016-02-28", "actual/365 actual", Fraction(1460, 365)),
    ("2012-02-29", "2016-02-29", "actual/365 actual", Fraction(1461, 366)),
    ("2004-06-18", "2005-06-18", "actual/365.25", Fraction(365 * 4, 1461)),
    ("2004-06-18", "2004-12-17", "actual/364", Fraction(1, 2)),
    ("2004-06-18", "2024-06-18", "1/1", Fraction(1)),
    # whole years from the start, and the days of the one begun
    ("2004-06-18", "2009-06-18", "actual/actual year", Fraction(5)),
    ("2004-06-18", "2007-06-19", "actual/actual year", 3 + Fraction(1, 366)),  # to 18 June 2008
    ("2012-02-29", "2013-02-28", "actual/actual year", Fraction(1)),
    ("2012-02-29", "2013-03-01", "actual/actual year", 1 + Fraction(1, 365)),
    ("2012-02-29", "2016-02-29", "actual/actual year", Fraction(4)),
    ("2000-12-31", "2004-12-30", "actual/actual year", 3 + Fraction(365, 366)),
    # Excel's YEARFRAC with basis 1; the first is an example of Microsoft's documentation, 0.57650273
    ("2012-01-01", "2012-07-30", "actual/actual yearfrac", Fraction(211, 366)),
    ("2012-01-01", "2013-01-01", "actual/actual yearfrac", Fraction(366, 366)),  # has 29 February 2012
    ("2012-03-01", "2013-03-01", "actual/actual yearfrac", Fraction(365, 365)),
    ("2011-03-01", "2012-02-28", "actual/actual yearfrac", Fraction(364, 365)),
    ("2011-03-01", "2012-02-29", "actual/actual yearfrac", Fraction(365, 366)),
    ("2012-03-01", "2012-12-31", "actual/actual yearfrac", Fraction(305, 366)),  # within a leap year
    ("2011-06-18", "2013-06-19", "actual/actual yearfrac", Fraction(732 * 3, 365 + 366 + 365)),
]


@pytest.mark.parametrize(
    ("start", "end", "day_count", "expected"),
    [
        # the deal's first period: 183 days of a leap year
        ("2004-06-18", "2004-12-18", "30/360", Fraction(180, 360)),
        ("2004-06-18", "2004-12-18", "30e/360", Fraction(180, 360)),
        ("2004-06-18", "2004-12-18", "actual/360", Fraction(183, 360)),
        ("2004-06-18", "2004-12-18", "actual/365 fixed", Fraction(183, 365)),
        ("2004-06-18", "2004-12-18", "actual/actual isda", Fraction(183, 366)),
        # the second: 14 days of a leap year, 18 to 31 December, and 168 of a common one
        ("2004-12-18", "2005-06-18", "30/360", Fraction(180, 360)),
        ("2004-12-18", "2005-06-18", "actual/360", Fraction(182, 360)),
        ("2004-12-18", "2005-06-18", "actual/actual isda", Fraction(14, 366) + Fraction(168, 365)),
        # ends of months: the 31st at the end counts as the 30th only after a start on the 30th or 31st
        ("2004-02-28", "2004-03-31", "30/360", Fraction(33, 360)),
        ("2004-02-28", "2004-03-31", "30e/360", Fraction(32, 360)),
        ("2004-01-30", "2004-03-31", "30/360", Fraction(60, 360)),
        ("2004-01-31", "2004-03-31", "30/360", Fraction(60, 360)),
        ("2004-01-29", "2004-03-31", "30/360", Fraction(62, 360)),
        ("2004-01-29", "2004-03-31", "30e/360", Fraction(61, 360)),
        ("2004-01-31", "2004-02-29", "30/360", Fraction(29, 360)),
        ("2004-02-29", "2005-02-28", "30/360", Fraction(359, 360)),
        ("2004-01-30", "2004-01-31", "30/360", Fraction(0)),
        # whole years and none
        ("2004-01-01", "2005-01-01", "actual/actual isda", Fraction(1)),
        ("2000-01-01", "2100-01-01", "actual/actual isda", Fraction(100)),
        ("1899-12-31", "1900-01-02", "actual/actual isda", Fraction(2, 365)),  # 1900 has 365 days
        ("2000-02-28", "2000-03-01", "actual/actual isda", Fraction(2, 366)),  # 2000 has 366
        ("2003-06-18", "2005-06-18", "actual/actual isda", Fraction(197, 365) + 1 + Fraction(168, 365)),
        *(("2004-06-18", "2004-06-18", name, Fraction(name == "1/1")) for name in WITHOUT_REFERENCE),
        *HAND,
        # 0001-01-01 to 9999-12-31 is 3,652,058 days: 9998 years of 365, 2424 leap days and the 364 up to 31 December
        ("0001-01-01", "9999-12-31", "actual/360", Fraction(365 * 9998 + 2424 + 364, 360)),
        ("0001-01-01", "9999-12-31", "30/360", Fraction(9998 * 360 + 360, 360)),
        ("0001-01-01", "9999-12-31", "30e/360", Fraction(9998 * 360 + 359, 360)),
        ("0001-01-01", "9999-12-31", "actual/actual isda", 9998 + Fraction(364, 365)),
    ],
)
def test_fractions_by_hand_are_exact(start, end, day_count, expected):
    assert exactly(start, end, day_count) == expected
    assert year_fraction(start, end, day_count) == expected.numerator / expected.denominator


@pytest.mark.parametrize(
    ("start", "end", "period", "frequency", "expected"),
    [
        # a whole period is one coupon, whatever its days
        ("2004-06-18", "2004-12-18", ("2004-06-18", "2004-12-18"), 2, Fraction(1, 2)),
        ("2004-02-29", "2004-08-31", ("2004-02-29", "2004-08-31"), 2, Fraction(1, 2)),
        # 90 of 183 days
        ("2004-06-18", "2004-09-16", ("2004-06-18", "2004-12-18"), 2, Fraction(90, 183 * 2)),
        ("2004-06-18", "2004-06-18", ("2004-06-18", "2004-12-18"), 2, Fraction(0)),
        # a long first coupon: 30 of the 182 days before 18 June 2004, and the whole period
        ("2004-05-19", "2004-12-18", ("2004-06-18", "2004-12-18"), 2, Fraction(30, 183 * 2) + Fraction(1, 2)),
        # a long last one: the whole period and 31 of the 90 days to 18 March 2005
        ("2004-09-18", "2005-01-18", ("2004-09-18", "2004-12-18"), 4, Fraction(1, 4) + Fraction(31, 90 * 4)),
        # before the period altogether, and across more than one
        ("2004-03-18", "2004-06-18", ("2004-06-18", "2004-12-18"), 2, Fraction(92, 183 * 2)),
        ("2003-06-18", "2005-06-18", ("2004-06-18", "2004-12-18"), 2, Fraction(2)),
        # month ends: the roll day is hidden in February, so 31 August tells it; 60 of 182 days before 29 February
        ("2003-12-31", "2004-08-31", ("2004-02-29", "2004-08-31"), 2, Fraction(60, 182 * 2) + Fraction(1, 2)),
        # every two and four months
        ("2004-06-18", "2004-07-18", ("2004-06-18", "2004-08-18"), 6, Fraction(30, 61 * 6)),
        ("2004-06-18", "2005-06-18", ("2004-06-18", "2004-10-18"), 3, Fraction(1)),
    ],
)
def test_icma_fractions_by_hand_are_exact(start, end, period, frequency, expected):
    reference = {"period_start": period[0], "period_end": period[1], "frequency": frequency}
    assert exactly(start, end, "actual/actual icma", **reference) == expected
    got = year_fraction(start, end, "actual/actual icma", **reference)
    assert got == pytest.approx(expected.numerator / expected.denominator, abs=1e-16)


@pytest.mark.parametrize(
    ("start", "end", "end_of_month", "expected"),
    [
        # Quarters that end on 29 February 2012 begin on 30 November, and before it on 31 August at month ends
        # (91 days), on 30 August else (92)
        ("2011-10-01", "2011-11-12", True, Fraction(42, 91 * 4)),
        ("2011-10-01", "2011-11-12", False, Fraction(42, 92 * 4)),
        ("2011-10-01", "2012-01-12", True, Fraction(60, 91 * 4) + Fraction(43, 91 * 4)),
        ("2011-07-01", "2011-11-12", True, Fraction(61, 92 * 4) + Fraction(73, 91 * 4)),
    ],
)
def test_a_cycle_of_month_ends_stays_at_them(start, end, end_of_month, expected):
    period = {"period_start": "2011-11-30", "period_end": "2012-02-29", "frequency": 4}
    got = year_fraction(start, end, "actual/actual icma", **period, end_of_month=end_of_month)
    assert got == pytest.approx(float(expected), abs=1e-16)


@pytest.mark.parametrize(
    ("start", "end", "maturity", "days"),
    [
        ("2011-08-31", "2012-02-29", "2013-08-31", 180),
        ("2011-08-31", "2012-02-29", "2012-02-29", 179),  # maturity in February stays what it is
        ("2012-02-29", "2016-02-29", "2016-02-29", 4 * 360 - 1),
        ("2011-02-28", "2011-08-31", "2011-08-31", 180),
        ("2011-02-28", "2012-02-28", "2012-02-28", 358),
    ],
)
def test_30e_360_isda_looks_at_the_maturity(start, end, maturity, days):
    assert day_count_days(start, end, "30e/360 isda", maturity=maturity) == days
    assert year_fraction(start, end, "30e/360 isda", maturity=maturity) == days / 360


def test_business_days_over_252():
    """Thursday 16 to Tuesday 21 December 2004: Thursday, Friday and Monday; Friday 24 is open at the Federal Reserve."""
    of = {"calendar": "us-federal-reserve"}
    assert day_count_days("2004-12-16", "2004-12-21", "bus/252", **of) == 3
    assert day_count_days("2004-12-23", "2004-12-27", "bus/252", **of) == 2
    assert year_fraction("2004-12-18", "2004-12-20", "bus/252", **of) == 0
    assert year_fraction(["2004-12-16", None], "2004-12-21", "bus/252", **of).tolist()[0] == 3 / 252
    with pytest.raises(
        nc.TermError, match=r"`end` must be between .* in calendar 'us-federal-reserve'; got '2500-01-01' at row 1"
    ):
        year_fraction("2004-12-16", ["2004-12-21", "2500-01-01"], "bus/252", **of)
    with pytest.raises(nc.TermError, match="`calendar` must be 'new-york-state', .*; got 'mars'"):
        year_fraction("2004-12-16", "2004-12-21", "bus/252", calendar="mars")


@pytest.mark.parametrize(
    ("frequency", "period", "year"),
    [
        (1, ("2011-12-28", "2012-12-28"), 366),
        (1, ("2012-02-29", "2013-02-28"), 365),  # the period's first day doesn't count
        (1, ("2012-03-01", "2013-03-01"), 365),
        (2, ("2011-08-28", "2012-02-28"), 366),  # ends in a leap year
        (2, ("2012-08-28", "2013-02-28"), 365),
        (4, ("2012-10-01", "2013-01-01"), 365),
    ],
)
def test_actual_365l_by_hand(frequency, period, year):
    first, last = period
    end = np.datetime64(first) + 30
    for start in (first, np.datetime64(first) + 10):
        days = int((end - np.datetime64(start)).astype(int))
        got = year_fraction(start, end, "act/365l", period_start=first, period_end=last, frequency=frequency)
        assert got == days / year


@pytest.mark.parametrize(
    ("day_count", "expected"),
    [
        ("30/360", 180),
        ("30e/360", 180),
        ("actual/360", 183),
        ("actual/365 fixed", 183),
        ("actual/actual isda", 183),
        ("actual/actual icma", 183),
    ],
)
def test_days_need_no_reference(day_count, expected):
    days = day_count_days("2004-06-18", "2004-12-18", day_count)
    assert days == expected
    assert type(days) is int
    assert day_count_days(["2004-06-18"], "2004-12-18", day_count).dtype == np.int64


# ---- QuantLib ----


@pytest.mark.parametrize("day_count", IN_QUANTLIB)
def test_agrees_with_quantlib(day_count):
    start, end = random_spans(5_000, seed=360, first="1986-01-20" if day_count == "business/252" else "1901-01-01")
    start, end = start[end < np.datetime64("2199-01-01")], end[end < np.datetime64("2199-01-01")]
    peer, needed = IN_QUANTLIB[day_count], NEEDED.get(day_count, {})
    pairs = [(in_quantlib(a), in_quantlib(b)) for a, b in zip(start.tolist(), end.tolist(), strict=True)]
    np.testing.assert_array_equal(
        day_count_days(start, end, day_count, **needed), [peer.dayCount(*pair) for pair in pairs]
    )
    # a century of years in floats: QuantLib adds up to three of them
    np.testing.assert_allclose(
        year_fraction(start, end, day_count, **needed),
        [peer.yearFraction(*pair) for pair in pairs],
        rtol=1e-14,
        atol=1e-14,
    )


@pytest.mark.parametrize(
    "day_count", ["30/360", "30e/360", "30u/360 eom", "30e/360 isda", "actual/actual isda", "nl/365", "business/252"]
)
def test_agrees_with_quantlib_on_ends_of_months_and_years(day_count):
    ends = [dt.date(year, month, day) for year in (2003, 2004, 2100, 2000) for month, day in
            ((1, 1), (1, 29), (1, 30), (1, 31), (2, 27), (2, 28), (3, 1), (4, 30), (12, 30), (12, 31))]  # fmt: skip
    ends += [dt.date(2004, 2, 29), dt.date(2000, 2, 29)]
    pairs = [(a, b) for a in ends for b in ends if a <= b]
    peer = IN_QUANTLIB[day_count]
    expected = [peer.yearFraction(in_quantlib(a), in_quantlib(b)) for a, b in pairs]
    got = year_fraction(*zip(*pairs, strict=True), day_count, **NEEDED.get(day_count, {}))
    np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-14)


def test_icma_agrees_with_quantlib():
    rng = np.random.default_rng(251)
    peer, count = ql.ActualActual(ql.ActualActual.ISMA), 3_000
    frequency = rng.choice([1, 2, 4], count)
    month, day = rng.integers(12 * (1950 - 1970), 12 * (2100 - 1970), count), rng.integers(1, 29, count)
    first = month.astype("M8[M]").astype("M8[D]") + day - 1
    last = (month + 12 // frequency).astype("M8[M]").astype("M8[D]") + day - 1
    # One half begins up to 400 days before the period and ends in it, the other begins in it and ends as much after;
    # QuantLib takes no span that lies wholly after
    early = rng.integers(0, 2, count).astype(bool)
    inside = first + rng.integers(0, (last - first).astype(int))
    start = np.where(early, inside - rng.integers(0, 400, count), inside)
    end = np.where(early, np.maximum(inside, start), inside + rng.integers(0, 400, count))
    rows = zip(*(array.tolist() for array in (start, end, first, last)), strict=True)
    expected = [peer.yearFraction(*(in_quantlib(day) for day in row)) for row in rows]
    got = year_fraction(start, end, "actual/actual icma", period_start=first, period_end=last, frequency=frequency)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-14)
    assert (start < first).sum() > 1_000
    assert (end > last).sum() > 1_000


# ---- laws ----


@given(st.lists(every_date, min_size=3, max_size=3).map(sorted), st.sampled_from(ADDITIVE))
def test_conventions_that_count_days_add_over_a_split(dates, day_count):
    a, b, c = dates
    assert exactly(a, b, day_count) + exactly(b, c, day_count) == exactly(a, c, day_count)
    assert year_fraction(a, b, day_count) + year_fraction(b, c, day_count) == pytest.approx(
        year_fraction(a, c, day_count), rel=1e-15, abs=1e-15
    )


@given(st.lists(st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1)), min_size=3, max_size=3).map(sorted),
       st.integers(1950 * 12, 2150 * 12), st.integers(1, 31), st.sampled_from([1, 2, 3, 4, 6, 12]))  # fmt: skip
def test_icma_adds_over_a_split_however_far_from_its_period(dates, month, roll_day, frequency):
    def on_roll_day(month):
        last = (dt.date(month // 12 + (month % 12 == 11), (month + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
        return dt.date(month // 12, month % 12 + 1, min(roll_day, last))

    step = 12 // frequency
    start = on_roll_day(month)
    reference = {"period_start": start, "period_end": on_roll_day(month + step), "frequency": frequency}
    # two ends in short months hide the roll day: the cycle that they show is another one
    hidden = roll_day > max(reference["period_start"].day, reference["period_end"].day)
    a, b, c = dates
    fractions = [exactly(*pair, "actual/actual icma", **reference) for pair in ((a, b), (b, c), (a, c))]
    assert fractions[0] + fractions[1] == fractions[2]
    if not hidden:
        far = exactly(start, on_roll_day(month + 12 * 20), "actual/actual icma", **reference)
        assert far == 20


@given(every_date, every_date, names)
def test_a_fraction_is_its_days_over_a_year(start, end, day_count):
    start, end = sorted((start, end))
    years, days = year_fraction(start, end, day_count), day_count_days(start, end, day_count)
    assert years >= 0
    if day_count in YEAR:
        assert years == days / YEAR[day_count]
    else:
        assert days / 366 - 1e-9 <= years <= days / 365 + 1e-9
    assert Fraction(years).limit_denominator(10**6) == exactly(start, end, day_count).limit_denominator(10**6)


@given(st.dates(dt.date(1, 1, 1), dt.date(9998, 12, 31)), names)
def test_a_day_later_is_never_a_shorter_time(day, day_count):
    later = [day + dt.timedelta(days=n) for n in range(366)]
    assert (np.diff(year_fraction(day, later, day_count)) >= 0).all()


@given(st.dates(dt.date(1, 1, 1), dt.date(9980, 12, 31)), st.integers(0, 200), st.sampled_from(["30/360", "30e/360"]))
def test_thirty_day_months_make_whole_months_equal(day, months, day_count):
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if day.day <= 28:
        assert exactly(day, dt.date(year, month + 1, day.day), day_count) == Fraction(months, 12)


# ---- missing values ----


@pytest.mark.parametrize("day_count", WITHOUT_REFERENCE)
def test_a_missing_date_makes_a_missing_fraction(day_count):
    got = year_fraction(["2004-06-18", None, None], [None, "2004-12-18", None], day_count)
    assert np.isnan(got).all()
    assert np.isnan(year_fraction(None, "2004-12-18", day_count))
    numerator, denominator = day_count_fraction(*as_days(None, "2004-12-18"), day_count)
    assert (numerator.tolist(), denominator.tolist()) == ([0], [0])


def test_a_missing_reference_makes_a_missing_fraction():
    got = year_fraction(
        ["2004-06-18"] * 5,
        [None, "2004-12-18", "2004-12-18", "2004-12-18", "2004-12-18"],
        "actual/actual icma",
        period_start=["2004-06-18", None, "2004-06-18", "2004-06-18", "2004-06-18"],
        period_end=["2004-12-18", "2004-12-18", None, "2004-12-18", "2004-12-18"],
        frequency=[2, 2, 2, None, 2],
    )
    np.testing.assert_array_equal(got, [np.nan, np.nan, np.nan, np.nan, 0.5])


@pytest.mark.parametrize(("start", "end", "name"), [(None, "2004-12-18", "start"), ("2004-12-18", pd.NaT, "end")])
def test_days_have_no_missing_value(start, end, name):
    with pytest.raises(nc.TermError, match=f"`{name}` must be a date; got 'NaT' at row 1"):
        day_count_days(["2004-12-18", start], ["2004-12-18", end], "30/360")


# ---- the ways to compute it ----


def all_ways(day_count, start, end):
    """Python's body of the compiled loop, the compiled loop, and numpy."""
    found = find_day_count(day_count)
    serials = start.view(np.int64), end.view(np.int64)
    if found.measure is not None:
        unused = serials[0], serials[0], np.zeros(start.size)
        serials = np.zeros(1, dtype=np.int32), *serials, *unused
    for loop in (found.fractions.py_func, found.fractions):
        years = np.empty(start.size)
        assert not loop(*serials, years)
        yield years
    numerator, denominator = day_count_fraction(start, end, day_count)
    yield daycount.ratio(numerator, denominator)


@pytest.mark.parametrize("day_count", WITHOUT_REFERENCE)
def test_loops_give_what_numpy_gives_to_the_last_bit(day_count):
    start, end = random_spans(1_000, seed=5, first="0001-01-01", last="9999-12-31")
    start[0], end[0] = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")
    start[1] = end[2] = start[3] = end[3] = np.datetime64("NaT")
    first, *others = all_ways(day_count, start, end)
    assert np.isnan(first[1:4]).all()
    assert np.isfinite(first[4:]).all()
    for other in others:
        np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize("day_count", [count.name for count in DAY_COUNTS.values() if count.measure])
def test_measured_conventions_give_the_same_compiled(monkeypatch, day_count):
    rng = np.random.default_rng(31)
    month = rng.integers(24, 1_000, 2_000)  # the Federal Reserve is known from 1971 on
    first, last = ((month + more).astype("M8[M]").astype("M8[D]") for more in (0, 6))
    start = first + rng.integers(-40, 90, 2_000)
    end = start + rng.integers(0, 300, 2_000)
    given = {
        "30e/360 isda": {"maturity": np.where(rng.random(2_000) < 0.5, end, end + 40)},
        "actual/365l": {
            "period_start": np.minimum(first, start),
            "period_end": np.maximum(last, end),
            "frequency": 1 + month % 2,
        },
        "actual/actual icma": {"period_start": first, "period_end": last, "frequency": np.full(2_000, 2)},
        "business/252": {"calendar": "us-federal-reserve"},
    }.get(day_count, {})
    start[5], end[6] = np.datetime64("NaT"), np.datetime64("NaT")
    for name, column in given.items():
        if name != "calendar":
            given[name] = np.where(
                np.arange(2_000) == 7, np.nan if name == "frequency" else np.datetime64("NaT"), column
            )
    expected = year_fraction(start, end, day_count, **given)
    monkeypatch.setattr(daycount, "COMPILE_FROM", 1)
    np.testing.assert_array_equal(year_fraction(start, end, day_count, **given), expected)
    assert np.flatnonzero(np.isnan(expected)).tolist() == ([5, 6, 7] if set(given) - {"calendar"} else [5, 6])
    doubled = nc.accrued_interest(2.0, 0.5, start, end, day_count=day_count, **given)
    np.testing.assert_array_equal(doubled, expected)


@pytest.mark.compiled
@pytest.mark.parametrize("day_count", WITHOUT_REFERENCE)
def test_many_rows_at_once_equal_fewer(day_count):
    start, end = random_spans(COMPILE_FROM, seed=6)
    start[7] = np.datetime64("NaT")
    start.flags.writeable = end.flags.writeable = False
    halves = [year_fraction(start[half], end[half], day_count) for half in (slice(0, 99_999), slice(99_999, None))]
    expected = np.concatenate(halves)
    for threads in (None, 1, 2, 5):
        np.testing.assert_array_equal(year_fraction(start, end, day_count, threads=threads), expected)


@pytest.mark.parametrize("day_count", WITHOUT_REFERENCE)
@pytest.mark.parametrize(("row", "start", "end", "message"), [
    (999, "2004-12-18", "2004-06-18", r"`end` must be on or after `start` \(2004-12-18\); got '2004-06-18' at row 999"),
    (0, "0000-12-30", "0000-12-31", r"`start` must be between 0001-01-01 and 9999-12-31; got '0000-12-30' at row 0"),
    (500, "9999-12-31", "10000-01-01", r"`end` must be between 0001-01-01 and 9999-12-31; got '10000-01-01' at row 500"),
])  # fmt: skip
def test_loops_raise_as_numpy_does(monkeypatch, day_count, row, start, end, message):
    monkeypatch.setattr(daycount, "COMPILE_FROM", 1)
    dates = random_spans(1_000, seed=7)
    dates[:, row] = np.datetime64(start), np.datetime64(end)
    with pytest.raises(nc.TermError, match=message):
        year_fraction(*dates, day_count)
