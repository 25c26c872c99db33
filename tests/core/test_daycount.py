"""Day counts against published tables, arithmetic by hand and QuantLib, on every path that computes them.

tests/data/daycounts.csv holds the rows for our six conventions of two test suites, figures only: QuantLib's
``daycounters.cpp`` at commit 2a13d455 (modified BSD) and OpenGamma Strata's ``DayCountTest`` at 39c46e3 (Apache 2.0).
"""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
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
    day_count_name,
    find_day_count,
    year_fraction,
)

TABLE = Path(__file__).parents[1] / "data" / "daycounts.csv"
ROWS = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))

# As the README of the tables has it: Strata's THIRTY_360_ISDA is the bond basis
OUR_NAME = {
    "ACT_360": "actual/360",
    "ACT_365F": "actual/365 fixed",
    "ACT_ACT_ISDA": "actual/actual isda",
    "ACT_ACT_ISMA": "actual/actual icma",
    "THIRTY_360_ISDA": "30/360",
    "THIRTY_E_360": "30e/360",
    "Thirty360_BondBasis": "30/360",
    "Thirty360_EurobondBasis": "30e/360",
}
IN_QUANTLIB = {
    "30/360": ql.Thirty360(ql.Thirty360.BondBasis),
    "30e/360": ql.Thirty360(ql.Thirty360.EurobondBasis),
    "actual/360": ql.Actual360(),
    "actual/365 fixed": ql.Actual365Fixed(),
    "actual/actual isda": ql.ActualActual(ql.ActualActual.ISDA),
}
WITHOUT_REFERENCE = tuple(IN_QUANTLIB)
ADDITIVE = ("actual/360", "actual/365 fixed", "actual/actual isda")

every_date = st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))
conventions = st.sampled_from(WITHOUT_REFERENCE)


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


def test_the_table_has_rows_for_all_six_conventions():
    assert len(ROWS) == 206
    assert Counter(OUR_NAME[row["convention"]] for row in ROWS) == {
        "30/360": 65,
        "30e/360": 71,
        "actual/360": 15,
        "actual/365 fixed": 18,
        "actual/actual isda": 30,
        "actual/actual icma": 7,
    }


@pytest.mark.parametrize("row", ROWS, ids=[f"{n}-{row['convention']}" for n, row in enumerate(ROWS, start=2)])
def test_published_values(row):
    given_as = dict(pair.split("=") for pair in row["context"].split(";") if pair)
    reference = {}
    if given_as:
        period = (dt.date.fromisoformat(given_as[name]) for name in ("ref_start", "ref_end"))
        reference = dict(zip(("period_start", "period_end"), period, strict=True))
        reference["frequency"] = round(365 / (reference["period_end"] - reference["period_start"]).days)
    name, expected = OUR_NAME[row["convention"]], Decimal(row["expected"])
    if row["quantity"] == "days":
        assert day_count_days(row["start"], row["end"], name) == int(expected)
    else:
        assert row["quantity"] == "yf"
        # half of the last digit printed, and the last bits of the float
        tolerance = 0.5 * 10.0 ** expected.as_tuple().exponent + 4e-16 * max(1, float(expected))
        assert year_fraction(row["start"], row["end"], name, **reference) == pytest.approx(
            float(expected), abs=tolerance, rel=0
        )


# ---- by hand ----


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
        *(("2004-06-18", "2004-06-18", name, Fraction(0)) for name in WITHOUT_REFERENCE),
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


@pytest.mark.parametrize("day_count", WITHOUT_REFERENCE)
def test_agrees_with_quantlib(day_count):
    start, end = random_spans(5_000, seed=360)
    peer = IN_QUANTLIB[day_count]
    pairs = [(in_quantlib(a), in_quantlib(b)) for a, b in zip(start.tolist(), end.tolist(), strict=True)]
    np.testing.assert_array_equal(day_count_days(start, end, day_count), [peer.dayCount(*pair) for pair in pairs])
    # a century of years in floats: QuantLib adds up to three of them
    np.testing.assert_allclose(
        year_fraction(start, end, day_count), [peer.yearFraction(*pair) for pair in pairs], rtol=1e-14, atol=1e-14
    )


@pytest.mark.parametrize("day_count", ["30/360", "30e/360", "actual/actual isda"])
def test_agrees_with_quantlib_on_ends_of_months_and_years(day_count):
    ends = [dt.date(year, month, day) for year in (2003, 2004, 2100, 2000) for month, day in
            ((1, 1), (1, 29), (1, 30), (1, 31), (2, 27), (2, 28), (3, 1), (4, 30), (12, 30), (12, 31))]  # fmt: skip
    ends += [dt.date(2004, 2, 29), dt.date(2000, 2, 29)]
    pairs = [(a, b) for a in ends for b in ends if a <= b]
    peer = IN_QUANTLIB[day_count]
    expected = [peer.yearFraction(in_quantlib(a), in_quantlib(b)) for a, b in pairs]
    np.testing.assert_allclose(year_fraction(*zip(*pairs, strict=True), day_count), expected, rtol=1e-14, atol=1e-14)


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


@given(every_date, every_date, conventions)
def test_a_fraction_is_its_days_over_a_year(start, end, day_count):
    start, end = sorted((start, end))
    years, days = year_fraction(start, end, day_count), day_count_days(start, end, day_count)
    assert years >= 0
    if day_count == "actual/actual isda":
        assert days / 366 - 1e-9 <= years <= days / 365 + 1e-9
    else:
        assert years == days / (365 if day_count == "actual/365 fixed" else 360)
    assert Fraction(years).limit_denominator(10**6) == exactly(start, end, day_count).limit_denominator(10**6)


@given(st.dates(dt.date(1, 1, 1), dt.date(9998, 12, 31)), conventions)
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


# ---- names ----


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("30/360", "30/360"),
        ("Bond Basis", "30/360"),
        ("360/360", "30/360"),
        ("30A/360", "30/360"),
        ("30E/360", "30e/360"),
        ("Eurobond Basis", "30e/360"),
        ("ACT/360", "actual/360"),
        ("Actual / 360", "actual/360"),
        ("money market", "actual/360"),
        ("ACT/365F", "actual/365 fixed"),
        ("Act/365 (Fixed)", "actual/365 fixed"),
        ("Actual/365 Fixed", "actual/365 fixed"),
        ("English", "actual/365 fixed"),
        ("ACT/ACT ISDA", "actual/actual isda"),
        ("Actual/Actual (ISDA)", "actual/actual isda"),
        ("actual_actual_isda", "actual/actual isda"),
        ("Act/Act ICMA", "actual/actual icma"),
        ("ISMA-99", "actual/actual icma"),
        ("Actual/Actual (Bond)", "actual/actual icma"),
    ],
)
def test_a_convention_has_many_names(name, canonical):
    assert day_count_name(name) == canonical
    assert find_day_count(name) is DAY_COUNTS[canonical]


def test_no_two_conventions_share_a_name():
    names = [daycount._key(name) for count in DAY_COUNTS.values() for name in {count.name, *count.aliases}]
    assert set(names) == set(daycount._BY_KEY)
    owners = {name: {count.name for count in DAY_COUNTS.values() if name in map(daycount._key, (count.name, *count.aliases))}
              for name in names}  # fmt: skip
    assert {name: found for name, found in owners.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ACT/365", r"ISDA's Actual/365 is 'actual/actual isda', others' is 'actual/365 fixed': name the one you mean"),
        ("Actual/Actual", r"Name the one you mean: 'actual/actual isda' or 'actual/actual icma'"),
        ("30/350", r"Did you mean '30/360'\?"),
        ("actual/actual afb", r"Did you mean 'actual/actual i...'\?"),
    ],
)
def test_a_name_that_means_none_or_several_is_an_error_with_a_hint(name, hint):
    known = "'30/360', '30e/360', 'actual/360', 'actual/365 fixed', 'actual/actual isda' or 'actual/actual icma'"
    with pytest.raises(nc.TermError, match=f"^`day_count` must be {known}; got '{name}'. {hint}$"):
        year_fraction("2004-06-18", "2004-12-18", name)


@pytest.mark.parametrize("name", ["", "bus/252", None])
def test_a_name_like_none_of_ours_gets_no_hint(name):
    with pytest.raises(nc.TermError, match=f"`day_count` must be '30/360', .* got {name!r}$"):
        day_count_days("2004-06-18", "2004-12-18", name)


# ---- errors ----

ICMA = {"period_start": "2004-06-18", "period_end": "2004-12-18", "frequency": 2}


@pytest.mark.parametrize("day_count", [*WITHOUT_REFERENCE, "actual/actual icma"])
def test_dates_out_of_order_are_an_error(day_count):
    reference = ICMA if day_count == "actual/actual icma" else {}
    message = r"`end` must be on or after `start` \(2004-12-18\); got '2004-06-18'\. Swap `start` and `end`\?"
    with pytest.raises(nc.TermError, match=message):
        year_fraction("2004-12-18", "2004-06-18", day_count, **reference)
    with pytest.raises(nc.TermError, match=r"`end` must be on or after `start` .* got '2004-06-18' at row 1"):
        year_fraction([None, "2004-12-18"], "2004-06-18", day_count, **reference)
    with pytest.raises(nc.TermError, match=message):
        day_count_days("2004-12-18", "2004-06-18", day_count)


@pytest.mark.parametrize("day_count", WITHOUT_REFERENCE)
@pytest.mark.parametrize(
    ("start", "end", "name"), [("0000-12-31", "2004-01-01", "start"), ("2004-01-01", "10000-01-01", "end")]
)
def test_dates_that_no_calendar_shows_are_an_error(day_count, start, end, name):
    dates = np.datetime64(start), np.datetime64(end)
    with pytest.raises(
        nc.TermError, match=f"`{name}` must be between 0001-01-01 and 9999-12-31; got '{dates[name == 'end']}'"
    ):
        year_fraction(*dates, day_count)


@pytest.mark.parametrize("missing", ICMA)
def test_icma_asks_for_its_period(missing):
    reference = {name: value for name, value in ICMA.items() if name != missing}
    with pytest.raises(nc.TermError, match=f"`{missing}` must be given with day count 'actual/actual icma'; got None"):
        year_fraction("2004-06-18", "2004-12-18", "act/act icma", **reference)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frequency": 5}, "`frequency` must be 1, 2, 3, 4, 6 or 12 coupons a year; got 5.0"),
        ({"frequency": 0}, "`frequency` must be 1, 2, 3, 4, 6 or 12 coupons a year; got 0.0"),
        ({"frequency": float("inf")}, "`frequency` must be 1, 2, 3, 4, 6 or 12 coupons a year; got inf"),
        ({"period_end": "2004-06-18"}, "`period_end` must be after `period_start`; got '2004-06-18'"),
    ],
)
def test_icma_needs_a_period_that_can_be(change, message):
    with pytest.raises(nc.TermError, match=message):
        year_fraction("2004-06-18", "2004-12-18", "actual/actual icma", **ICMA | change)


@pytest.mark.parametrize("start", ["2004-06-17", "2004-12-17"])
def test_icma_needs_a_whole_period_where_dates_lie_outside(start):
    """Six months to 18 December do not begin on 1 July."""
    with pytest.raises(nc.TermError, match=r"`period_start` must be a whole step .*; got '2004-07-01'"):
        year_fraction(start, "2004-12-19", "actual/actual icma", **ICMA | {"period_start": "2004-07-01"})
    # inside of it there is nothing to tell: 170 days of it, as given
    got = year_fraction("2004-07-01", "2004-12-18", "actual/actual icma", **ICMA | {"period_start": "2004-07-01"})
    assert got == 0.5


# ---- the ways to compute it ----


def all_ways(day_count, start, end):
    """Python's body of the compiled loop, the compiled loop, and numpy."""
    found = find_day_count(day_count)
    serials = start.view(np.int64), end.view(np.int64)
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


@pytest.mark.compiled
@pytest.mark.parametrize("day_count", WITHOUT_REFERENCE)
def test_many_rows_at_once_equal_fewer(day_count):
    start, end = random_spans(COMPILE_FROM, seed=6)
    start[7] = np.datetime64("NaT")
    start.flags.writeable = end.flags.writeable = False
    halves = [year_fraction(start[half], end[half], day_count) for half in (slice(0, 99_999), slice(99_999, None))]
    np.testing.assert_array_equal(year_fraction(start, end, day_count), np.concatenate(halves))


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
