"""Interest accrued between dates and across coupons: by hand, against QuantLib's bonds, and the laws it keeps."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import given
from hypothesis import strategies as st

import notecalc as nc
from notecalc.core import daycount
from notecalc.core.accrual import accrued_fraction, cumulative_fraction
from notecalc.core.daycount import COMPILE_FROM, DAY_COUNTS, find_day_count
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve

FED = "us-federal-reserve"
IN_QUANTLIB = {
    "30/360": ql.Thirty360(ql.Thirty360.BondBasis),
    "30e/360": ql.Thirty360(ql.Thirty360.EurobondBasis),
    "actual/360": ql.Actual360(),
    "actual/365 fixed": ql.Actual365Fixed(),
    "actual/actual isda": ql.ActualActual(ql.ActualActual.ISDA),
    "actual/actual icma": ql.ActualActual(ql.ActualActual.ISMA),
}
WITHOUT_REFERENCE = tuple(name for name, count in DAY_COUNTS.items() if count.formula is not None)

PRINCIPAL, RATE = 29_000_000, 0.08
DEAL = {"issue_date": "2004-06-18", "maturity": "2007-06-18", "frequency": 2, "day_count": "30/360"}


def periods_of(**terms):
    return resolve(Notes(**DEAL | terms, principal=1, annual_rate=0))


def as_days(*dates):
    return np.array(dates, dtype="datetime64[D]")


def fractions(periods, *dates):
    period, numerator, denominator = accrued_fraction(periods, 0, as_days(*dates))
    return [(int(p), Fraction(int(n), int(d))) for p, n, d in zip(period, numerator, denominator, strict=True)]


@st.composite
def notes(draw, day_counts=tuple(IN_QUANTLIB)):
    issue = draw(st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)))
    adjusted = draw(st.booleans())
    return periods_of(
        issue_date=issue,
        maturity=issue + dt.timedelta(days=draw(st.integers(30, 3_000))),
        frequency=draw(st.sampled_from([1, 2, 3, 4, 6, 12])),
        day_count=draw(st.sampled_from(day_counts)),
        generation=draw(st.sampled_from(["backward", "forward"])),
        stub=draw(st.sampled_from(["short", "long"])),
        end_of_month=draw(st.booleans()),
        business_day_convention="modified-following" if adjusted else "unadjusted",
        calendar=FED if adjusted else None,
        accrual_adjusted=adjusted,
    )


def days_of(periods):
    """Every day from a week before issue to a week after maturity."""
    return np.arange(periods.accrual_start[0] - 7, periods.accrual_end[-1] + 8)


# ---- between two dates ----


@pytest.mark.parametrize(
    ("day_count", "expected"),
    [
        # 29,000,000 at 8% is 2,320,000 a year; 18 June to 18 December 2004 is 183 days of a leap year
        ("30/360", 1_160_000),
        ("30e/360", 1_160_000),
        ("actual/360", 2_320_000 * 183 / 360),
        ("actual/365 fixed", 2_320_000 * 183 / 365),
        ("actual/actual isda", 2_320_000 * 183 / 366),
    ],
)
def test_the_deals_first_coupon(day_count, expected):
    got = nc.accrued_interest(PRINCIPAL, RATE, "2004-06-18", "2004-12-18", day_count=day_count)
    assert got == pytest.approx(expected, rel=1e-15)
    assert nc.accrued_interest(PRINCIPAL, RATE, "2004-06-18", "2004-06-18", day_count=day_count) == 0


def test_icma_takes_its_period():
    """90 of 183 days of a half-year's coupon."""
    period = {"period_start": "2004-06-18", "period_end": "2004-12-18", "frequency": 2}
    got = nc.accrued_interest(PRINCIPAL, RATE, "2004-06-18", "2004-09-16", day_count="act/act icma", **period)
    assert got == pytest.approx(1_160_000 * 90 / 183, rel=1e-15)


def test_principal_and_rate_may_be_negative_and_missing():
    got = nc.accrued_interest(
        [-100.0, 100.0, np.nan, 100.0, 0.0],
        [0.08, -0.08, 0.08, np.nan, 0.5],
        "2004-06-18",
        "2004-12-18",
        day_count="30/360",
    )
    np.testing.assert_array_equal(got, [-4, -4, np.nan, np.nan, 0])


@pytest.mark.parametrize("many", [False, pytest.param(True, marks=pytest.mark.compiled)])
@pytest.mark.parametrize("day_count", WITHOUT_REFERENCE)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"annual_rate": 8.0},
            r"`annual_rate` must be a decimal between -1 and 1; got 8\.0{row}\. Did you mean 0\.08\?",
        ),
        (
            {"annual_rate": -1.0},
            r"`annual_rate` must be a decimal between -1 and 1; got -1\.0{row}\. Did you mean -0\.01\?",
        ),
        ({"principal": float("-inf")}, "`principal` must be a finite number; got -inf{row}$"),
        ({"end": "2004-06-17"}, r"`end` must be on or after `start` \(2004-06-18\); got '2004-06-17'{row}\. Swap"),
        (
            {"start": np.datetime64("0000-01-01")},
            "`start` must be between 0001-01-01 and 9999-12-31; got '0000-01-01'{row}$",
        ),
    ],
)
def test_impossible_values_name_their_row(monkeypatch, day_count, many, change, message):
    columns = {
        "principal": [100.0] * 9,
        "annual_rate": [0.08] * 9,
        "start": ["2004-06-18"] * 9,
        "end": ["2004-12-18"] * 9,
    }
    for name, value in change.items():
        columns[name][5] = value
    if many:
        monkeypatch.setattr(daycount, "COMPILE_FROM", 1)
    with pytest.raises(nc.TermError, match=f"^{message.format(row=' at row 5')}"):
        nc.accrued_interest(**columns, day_count=day_count)
    alone = {name: column[5] for name, column in columns.items()}
    with pytest.raises(nc.TermError, match=f"^{message.format(row='')}"):
        nc.accrued_interest(**alone, day_count=day_count)


def random_accruals(count, seed):
    rng = np.random.default_rng(seed)
    low, high = (int(np.datetime64(day).astype(int)) for day in ("1901-01-01", "2199-12-31"))
    start, end = np.sort(rng.integers(low, high, (2, count)), axis=0).astype("datetime64[D]")
    principal, rate = rng.uniform(-1e9, 1e9, count), rng.uniform(-1, 1, count)
    start[1] = end[2] = np.datetime64("NaT")
    principal[3] = rate[4] = np.nan
    return principal, rate, start, end


@pytest.mark.parametrize("day_count", WITHOUT_REFERENCE)
def test_loops_give_what_numpy_gives_to_the_last_bit(day_count):
    principal, rate, start, end = columns = random_accruals(1_000, seed=8)
    expected = nc.accrued_interest(*columns, day_count=day_count)
    assert np.isnan(expected[1:5]).all()
    assert np.isfinite(expected[5:]).all()
    np.testing.assert_array_equal(expected, principal * rate * nc.year_fraction(start, end, day_count))
    loop = find_day_count(day_count).interest
    for way in (loop.py_func, loop):
        out = np.empty(start.size)
        assert not way(principal, rate, start.view(np.int64), end.view(np.int64), out)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.compiled
@pytest.mark.parametrize("day_count", WITHOUT_REFERENCE)
def test_many_rows_at_once_equal_fewer(day_count):
    columns = random_accruals(COMPILE_FROM, seed=9)
    for column in columns:
        column.flags.writeable = False
    parts = [nc.accrued_interest(*(column[half] for column in columns), day_count=day_count)
             for half in (slice(0, 99_999), slice(99_999, None))]  # fmt: skip
    np.testing.assert_array_equal(nc.accrued_interest(*columns, day_count=day_count), np.concatenate(parts))


# ---- across coupons ----


def test_what_has_accrued_on_the_deals_note():
    """30/360: months of 30 days since the last coupon date, on which the new period has accrued nothing."""
    assert fractions(periods_of(), "2004-06-17", "2004-06-18", "2004-06-19", "2004-07-18", "2004-12-17", "2004-12-18",
                     "2005-03-18", "2007-06-17", "2007-06-18", "2007-06-19", "NaT") == [
        (-1, 0), (0, 0), (0, Fraction(1, 360)), (0, Fraction(30, 360)), (0, Fraction(179, 360)), (1, 0),
        (1, Fraction(90, 360)), (5, Fraction(179, 360)), (-1, 0), (-1, 0), (-1, 0),
    ]  # fmt: skip


def test_what_has_accrued_since_issue():
    got = cumulative_fraction(periods_of(), 0, as_days("2004-01-01", "2004-06-18", "2004-12-18", "2005-03-18", "2007-06-18",
                                                    "2010-01-01", "NaT"))  # fmt: skip
    np.testing.assert_array_equal(got, [0, 0, 0.5, 0.75, 3, 3, np.nan])


@pytest.mark.parametrize(
    ("day_count", "start", "end", "expected"),
    [
        # 2,320,000 a year
        ("30/360", "2004-06-18", "2004-12-18", 1_160_000),
        ("30/360", "2004-06-18", "2007-06-18", 6_960_000),
        ("30/360", "2004-09-18", "2005-03-18", 1_160_000),
        ("30/360", "2000-01-01", "2100-01-01", 6_960_000),  # not before issue, nor after maturity
        ("30/360", "2007-06-18", "2007-12-18", 0),
        ("30/360", "2004-12-18", "2004-12-18", 0),
        ("actual/360", "2004-06-18", "2007-06-18", 2_320_000 * 1_095 / 360),
        ("actual/365 fixed", "2004-06-18", "2007-06-18", 6_960_000),
        ("actual/actual icma", "2004-06-18", "2007-06-18", 6_960_000),
        # 91 of the 183 days to 18 December 2004, and 90 of the 182 to 18 June 2005
        ("actual/actual icma", "2004-09-18", "2005-03-18", 1_160_000 * (91 / 183 + 90 / 182)),
        # 105 days of 2004 from 18 September, 76 of 2005
        ("actual/actual isda", "2004-09-18", "2005-03-18", 2_320_000 * (105 / 366 + 76 / 365)),
    ],
)
def test_interest_between_dates_across_coupons(day_count, start, end, expected):
    got = nc.interest_between(periods_of(day_count=day_count), PRINCIPAL, RATE, start, end)
    assert type(got) is float
    assert got == pytest.approx(expected, rel=1e-14)


def test_a_day_count_that_does_not_add_up_is_counted_coupon_by_coupon():
    """30/360: 29 days from 31 January to 29 February and 32 from there to 31 March, but 60 from 31 January to 31 March."""
    periods = periods_of(issue_date="2004-01-31", maturity="2004-03-31", frequency=12)
    assert periods.numerator.tolist() == [29, 32]
    assert nc.interest_between(periods, 3_600, 0.1, "2004-01-31", "2004-03-31") == pytest.approx(61, rel=1e-15)
    assert nc.accrued_interest(3_600, 0.1, "2004-01-31", "2004-03-31", day_count="30/360") == pytest.approx(
        60, rel=1e-15
    )


def test_a_long_stub_accrues_by_the_periods_that_it_reaches_into():
    """Issued 19 May 2005, first coupon 18 December: 30 of 182 days, then days of 183, each half a year's coupon."""
    periods = periods_of(issue_date="2005-05-19", maturity="2006-06-18", stub="long", day_count="act/act icma")
    assert fractions(periods, "2005-05-20", "2005-06-18", "2005-09-18", "2005-12-18") == [
        (0, Fraction(1, 364)), (0, Fraction(30, 364)), (0, Fraction(30, 364) + Fraction(92, 366)), (1, 0),
    ]  # fmt: skip


def test_without_coupons_interest_accrues_to_maturity():
    periods = periods_of(frequency=0)
    assert fractions(periods, "2005-12-18", "2007-06-17") == [(0, Fraction(540, 360)), (0, Fraction(1079, 360))]


def test_errors_across_coupons():
    periods = periods_of()
    with pytest.raises(nc.TermError, match=r"`end` must be on or after `start` \(2005-01-01\); got '2004-01-01'"):
        nc.interest_between(periods, 1, 0.1, "2005-01-01", "2004-01-01")
    with pytest.raises(nc.TermError, match="`annual_rate` must be a decimal between -1 and 1; got 8.0"):
        nc.interest_between(periods, 1, 8, "2005-01-01", "2006-01-01")
    both = periods_of(frequency=[2, 4])
    with pytest.raises(nc.TermError, match="broadcast together; got .*\\(3,\\), .*\\(2,\\)"):
        nc.interest_between(both, 1, 0.1, ["2005-01-01"] * 3, "2006-01-01")


def test_missing_values_across_coupons():
    got = nc.interest_between(
        periods_of(), [None, 100, 100, 100, 100], [0.1, None, 0.1, 0.1, 0.1],
        ["2004-06-18", "2004-06-18", None, "2004-06-18", "2004-06-18"],
        ["2005-06-18", "2005-06-18", "2005-06-18", None, "2005-06-18"],
    )  # fmt: skip
    np.testing.assert_array_equal(got, [np.nan, np.nan, np.nan, np.nan, 10])


# ---- laws ----


@given(notes(), st.data())
def test_interest_adds_over_any_split(periods, data):
    days = st.sampled_from(days_of(periods).tolist())
    a, b, c = sorted(data.draw(st.tuples(days, days, days)))
    whole, *parts = (nc.interest_between(periods, PRINCIPAL, RATE, *span) for span in ((a, c), (a, b), (b, c)))
    assert sum(parts) == pytest.approx(whole, rel=1e-12, abs=1e-6)


@given(notes())
def test_interest_never_falls_and_is_nothing_before_issue_and_after_maturity(periods):
    days = days_of(periods)
    since_issue = cumulative_fraction(periods, 0, days)
    assert (np.diff(since_issue) >= -1e-15).all()
    assert (since_issue[:8] == 0).all()
    np.testing.assert_allclose(since_issue[-8:], periods.fraction.sum(), rtol=1e-14)


@given(notes())
def test_nothing_has_accrued_on_a_coupon_date_and_all_of_it_was_paid(periods):
    period, numerator, _ = accrued_fraction(periods, 0, periods.accrual_start)
    assert period.tolist() == list(range(len(periods)))
    assert (numerator == 0).all()
    paid = cumulative_fraction(periods, 0, periods.accrual_end) - cumulative_fraction(periods, 0, periods.accrual_start)
    np.testing.assert_allclose(paid, periods.fraction, rtol=1e-12)


@given(notes())
def test_less_has_accrued_than_the_coupon_to_come(periods):
    days = days_of(periods)
    period, numerator, denominator = accrued_fraction(periods, 0, days)
    inside = period >= 0
    coupon = periods.numerator[period[inside]] / periods.denominator[period[inside]]
    assert (numerator[inside] / denominator[inside] <= coupon).all()
    assert (numerator >= 0).all()
    assert (numerator[~inside] == 0).all()
    lies_in = (periods.accrual_start[period[inside]] <= days[inside]) & (
        days[inside] < periods.accrual_end[period[inside]]
    )
    assert lies_in.all()


# ---- against QuantLib ----


def in_quantlib(date):
    return ql.Date(date.day, date.month, date.year)


def random_bonds(day_count, count):
    """Notes, and QuantLib's bonds of the same terms and a principal of 100.

    ICMA keeps to days up to the 28th and to notes with a coupon before maturity: QuantLib counts a stub's regular
    period back from a month's end by its own day, and that of a note with one period from its end.
    """
    rng = np.random.default_rng(count)
    icma = day_count == "actual/actual icma"
    made = []
    while len(made) < count:
        issue = dt.date(1990, 1, 1) + dt.timedelta(days=int(rng.integers(0, 15_000)))
        maturity = issue + dt.timedelta(days=int(rng.integers(400, 4_000)))
        at_end, adjusted = (bool(flag) for flag in rng.integers(0, 2, 2))
        if icma:
            issue, maturity = issue.replace(day=min(issue.day, 28)), maturity.replace(day=min(maturity.day, 28))
            adjusted = at_end = False
        elif at_end:
            maturity = maturity.replace(day=1) - dt.timedelta(days=1)
        generation, frequency = str(rng.choice(["backward", "forward"])), int(rng.choice([1, 2, 4, 12]))
        periods = periods_of(
            issue_date=issue, maturity=maturity, frequency=frequency, day_count=day_count, generation=generation,
            end_of_month=at_end, business_day_convention="following" if adjusted else "unadjusted",
            calendar=FED if adjusted else None, accrual_adjusted=adjusted,
        )  # fmt: skip
        convention = ql.Following if adjusted else ql.Unadjusted
        rule = ql.DateGeneration.Backward if generation == "backward" else ql.DateGeneration.Forward
        calendar = ql.UnitedStates(ql.UnitedStates.FederalReserve) if adjusted else ql.NullCalendar()
        schedule = ql.Schedule(in_quantlib(issue), in_quantlib(maturity), ql.Period(12 // frequency, ql.Months), calendar,
                               convention, convention, rule, at_end)  # fmt: skip
        made.append((periods, ql.FixedRateBond(0, 100.0, schedule, [RATE], IN_QUANTLIB[day_count])))
    return made


@pytest.mark.parametrize("day_count", IN_QUANTLIB)
def test_thousands_of_accruals_agree_with_quantlib(day_count):
    rng = np.random.default_rng(11)
    for periods, bond in random_bonds(day_count, count=300):
        first, last = periods.accrual_start[0], periods.accrual_end[-1]
        days = first + np.sort(rng.integers(0, (last - first).astype(int), 10))
        days[::3] = periods.accrual_start[rng.integers(0, len(periods), 4)]
        _, numerator, denominator = accrued_fraction(periods, 0, days)
        serials = [in_quantlib(day) for day in days.tolist()]
        accrued = np.array([ql.BondFunctions.accruedAmount(bond, day) for day in serials])
        np.testing.assert_allclose(100 * RATE * numerator / denominator, accrued, rtol=0, atol=1e-11)
        # what was paid before, and has accrued since
        paid = np.array([sum(flow.amount() for flow in bond.cashflows() if flow.date() <= day) for day in serials])
        since_issue = nc.interest_between(periods, 100, RATE, first, days)
        np.testing.assert_allclose(since_issue, paid + accrued, rtol=0, atol=1e-10)


def test_series_keep_their_index_across_coupons():
    on = pd.Series(pd.to_datetime(["2005-06-18", "2004-12-18"]), index=["b", "a"], name="on")
    got = nc.interest_between(periods_of(), PRINCIPAL, RATE, "2004-06-18", on)
    pd.testing.assert_series_equal(got, pd.Series([2_320_000.0, 1_160_000.0], index=["b", "a"], name="on"))
