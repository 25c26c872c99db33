"""Interest accrued on many notes on a date: ex-interest, by terms of their own, and against QuantLib."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import given
from hypothesis import strategies as st

import notecalc as nc
from notecalc.core import _discounting
from notecalc.core.accrual import accrued_fraction, elapsed
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve

TERMS = {"issue_date": "2012-09-07", "maturity": "2014-09-07", "principal": 100, "annual_rate": 0.04, "frequency": 2,
         "day_count": "actual/actual icma"}  # fmt: skip
EPOCH = ql.Date(1, 1, 1970).serialNumber()
DAY_COUNTS = {
    "actual/365 fixed": ql.Actual365Fixed(),
    "actual/360": ql.Actual360(),
    "actual/actual icma": ql.ActualActual(ql.ActualActual.ISMA),
}


def periods_of(**terms):
    return resolve(Notes(**TERMS | terms))


# ---- ex-interest ----


def test_a_gilt_in_its_ex_dividend_period_has_negative_accrued_interest():
    """4%, paid on 7 March and September 2013; ex on 26 February, 9 days before 7 March in a period of 181."""
    periods = periods_of(ex_days=7, ex_day_type="business", calendar="weekends-only")
    days = ["2013-02-25", "2013-02-26", "2013-03-06", "2013-03-07", "2013-03-08"]
    expected = [2 * 171 / 181, -2 * 9 / 181, -2 * 1 / 181, 0, 2 * 1 / 184]
    np.testing.assert_allclose(nc.accrued_on(periods, days), expected, rtol=1e-13)


def test_a_record_date_makes_nothing_negative():
    periods = periods_of(record_days=15)
    days = np.arange("2012-09-01", "2014-09-20", dtype="datetime64[D]")
    assert (nc.accrued_on(periods, days) >= 0).all()
    np.testing.assert_array_equal(nc.accrued_on(periods, days), nc.accrued_on(periods_of(), days))


@given(
    issue=st.integers(12_000, 25_000), years=st.integers(1, 4), rate=st.integers(1, 1_000), ex_days=st.integers(1, 40),
    day_count=st.sampled_from(sorted(DAY_COUNTS)), by_business_day=st.booleans(), data=st.data(),
)  # fmt: skip
def test_accrued_interest_with_and_without_the_coupon_is_quantlibs(
    issue, years, rate, ex_days, day_count, by_business_day, data
):
    start = ql.Date(issue + EPOCH)
    start = ql.Date(min(start.dayOfMonth(), 28), start.month(), start.year())
    end = start + ql.Period(years, ql.Years)
    schedule = ql.Schedule(start, end, ql.Period(6, ql.Months), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted,
                           ql.DateGeneration.Backward, False)  # fmt: skip
    counted_in = ql.TARGET() if by_business_day else ql.NullCalendar()
    bond = ql.FixedRateBond(0, 100.0, schedule, [rate / 10_000], DAY_COUNTS[day_count], ql.Unadjusted, 100.0, start,
                            ql.NullCalendar(), ql.Period(ex_days, ql.Days), counted_in)  # fmt: skip
    first, last = start.serialNumber() - EPOCH, end.serialNumber() - EPOCH
    periods = periods_of(
        issue_date=np.datetime64(first, "D"), maturity=np.datetime64(last, "D"), annual_rate=rate / 10_000,
        day_count=day_count, calendar="target", ex_days=ex_days, ex_day_type="business" if by_business_day else "calendar",
    )  # fmt: skip
    days = data.draw(st.lists(st.integers(first, last - 1), min_size=1, max_size=20))
    expected = [bond.accruedAmount(ql.Date(day + EPOCH)) for day in days]
    np.testing.assert_allclose(nc.accrued_on(periods, np.array(days, dtype="datetime64[D]")), expected, atol=1e-12)


# ---- many notes ----


def test_days_are_one_for_all_one_for_each_or_a_column():
    periods = periods_of(principal=[100, 1_000, 100], day_count=["actual/360", "30/360", "actual/actual icma"])
    # 7 September to 7 December is 91 days, 90 of 30/360, and of the 181 to 7 March; to 8 December one more
    on_7 = [0.04 * 91 / 360 * 100, 10, 2 * 91 / 181]
    on_8 = [0.04 * 92 / 360 * 100, 1_000 * 0.04 * 91 / 360, 2 * 92 / 181]
    np.testing.assert_allclose(nc.accrued_on(periods, "2012-12-07"), on_7, rtol=1e-14)
    each = nc.accrued_on(periods, ["2012-12-07", "2012-12-08", "2012-12-07"])
    np.testing.assert_allclose(each, [on_7[0], on_8[1], on_7[2]], rtol=1e-14)
    np.testing.assert_allclose(nc.accrued_on(periods, [["2012-12-07"], ["2012-12-08"]]), [on_7, on_8], rtol=1e-14)
    series = nc.accrued_on(periods, pd.Series(["2012-12-07"] * 3, index=["a", "b", "c"]))
    assert series.index.tolist() == ["a", "b", "c"]
    with pytest.raises(
        nc.TermError, match=r"`on and periods` must be arrays whose shapes broadcast together; got .\(2,\), \(3,\)"
    ):
        nc.accrued_on(periods, ["2012-12-07"] * 2)


def test_interest_between_dates_of_many_notes():
    """A year and a quarter of 4% and 8%, to maturity of the third, half a year on."""
    periods = periods_of(maturity=["2014-09-07", "2014-09-07", "2013-03-07"], day_count="30/360")
    got = nc.interest_between(periods, 100, [0.04, 0.08, 0.04], "2012-09-07", [["2013-12-07"], ["2012-12-07"]])
    np.testing.assert_allclose(got, [[5, 10, 2], [1, 2, 1]], rtol=1e-14)


def test_before_issue_and_from_maturity_on_nothing_accrues_and_no_day_gives_no_number():
    periods = periods_of(maturity=["2014-09-07", "2013-09-07"])
    on = [["2012-09-06"], ["2012-09-07"], ["2013-09-07"], ["2014-09-07"], [None]]
    got = nc.accrued_on(periods, on)
    assert (got[:4] == 0).all()
    assert np.isnan(got[4]).all()


def test_notes_without_periods_accrue_nothing():
    periods = periods_of(maturity=["2014-09-07"] * 3)
    cut = periods.until(["2012-09-07", "2013-01-07", "2012-09-07"])
    on = [["2012-12-07"], ["2015-01-01"]]
    np.testing.assert_allclose(nc.accrued_on(cut, on), [[0, 2 * 91 / 181, 0], [0, 0, 0]], rtol=1e-14)
    total = nc.interest_between(cut, 100, 0.04, "2010-01-01", "2015-01-01")
    np.testing.assert_allclose(total, [0, 2 * 122 / 181, 0], rtol=1e-14)
    none = periods.until("2012-09-07")
    assert nc.accrued_on(none, "2012-12-07").tolist() == [0, 0, 0]
    assert nc.interest_between(none, 100, 0.04, "2010-01-01", "2015-01-01").tolist() == [0, 0, 0]


@st.composite
def terms_of_one(draw):
    issue = draw(st.dates(dt.date(2000, 1, 1), dt.date(2020, 1, 1)))
    adjusted = draw(st.booleans())
    return {
        "issue_date": issue,
        "maturity": issue + dt.timedelta(days=draw(st.integers(40, 3_000))),
        "principal": draw(st.integers(1, 10**6)),
        "annual_rate": draw(st.integers(0, 2_000)) / 10_000,
        "frequency": draw(st.sampled_from([1, 2, 4, 12])),
        "day_count": draw(st.sampled_from([*DAY_COUNTS, "30/360", "30e/360 isda", "actual/365l", "business/252"])),
        "generation": draw(st.sampled_from(["backward", "forward"])),
        "stub": draw(st.sampled_from(["short", "long"])),
        "business_day_convention": "following" if adjusted else "unadjusted",
        "calendar": "target",
        "accrual_adjusted": adjusted,
        "ex_days": draw(st.integers(-1, 20)),
        "ex_day_type": draw(st.sampled_from(["calendar", "business"])),
    }


@given(st.lists(terms_of_one(), min_size=2, max_size=4), st.data())
def test_many_notes_are_each_as_if_alone(each, data):
    columns = {name: [terms[name] for terms in each] for name in each[0]}
    together = resolve(Notes(**columns | {"accrual_adjusted": np.array(columns["accrual_adjusted"])}))
    alone = [resolve(Notes(**terms)) for terms in each]
    first, last = min(columns["issue_date"]), max(columns["maturity"])
    drawn = data.draw(st.lists(st.dates(first, last), min_size=1, max_size=8))
    days = np.array(sorted(drawn), dtype="datetime64[D]")
    got = nc.accrued_on(together, days[:, None])
    np.testing.assert_array_equal(got, np.stack([nc.accrued_on(periods, days) for periods in alone], axis=1))
    spans = nc.interest_between(together, 100, 0.05, days[:1, None], days[:, None])
    expected = [nc.interest_between(periods, 100, 0.05, days[0], days) for periods in alone]
    np.testing.assert_array_equal(spans, np.stack(expected, axis=1))


@given(terms_of_one())
def test_years_into_a_period_are_those_that_are_counted_exactly(terms):
    periods = resolve(Notes(**terms))
    days = np.arange(periods.accrual_start[0], periods.accrual_end[-1])
    period, numerator, denominator = accrued_fraction(periods, 0, days)
    held, years, inside = elapsed(periods, 0, days)
    assert inside.all()
    np.testing.assert_array_equal(held, period)
    np.testing.assert_allclose(years, numerator / denominator, rtol=4e-16)


@pytest.mark.compiled
def test_compiled_loops_give_what_their_python_bodies_give(monkeypatch):
    rng = np.random.default_rng(3)
    issue = np.datetime64("2010-01-01") + rng.integers(0, 900, 400)
    periods = periods_of(
        issue_date=issue, maturity=issue + rng.integers(20, 2_000, 400), frequency=rng.choice([1, 2, 4], 400),
        annual_rate=rng.uniform(0, 0.2, 400), day_count=rng.choice([*DAY_COUNTS, "30/360"], 400),
        stub=rng.choice(["short", "long"], 400), ex_days=rng.integers(-1, 20, 400), ex_day_type="calendar",
    )  # fmt: skip
    periods = periods.until(np.where(rng.random(400) < 0.2, issue, np.datetime64("NaT", "D")))
    on = np.datetime64("2009-12-01") + rng.integers(0, 2_500, (5, 400))
    on[0, :50] = np.datetime64("NaT")
    made = []
    for compile_from in (0, 10**9):
        monkeypatch.setattr(_discounting, "COMPILE_FROM", compile_from)
        made.append(
            (
                nc.accrued_on(periods, on),
                nc.interest_between(periods, 100, 0.05, "2010-06-01", np.maximum(on, np.datetime64("2010-06-01"))),
            )
        )
    for compiled, plain in zip(*made, strict=True):
        assert np.isnan(plain).sum() == 50
        np.testing.assert_allclose(compiled, plain, rtol=1e-14)
