"""Interest on overdue amounts, simple and compounded: by hand and against QuantLib."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import given
from hypothesis import strategies as st

import notecalc as nc
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve

TERMS = {"issue_date": "2004-06-18", "maturity": "2006-06-18", "frequency": 2, "day_count": "30/360", "principal": 100,
         "annual_rate": 0.08}  # fmt: skip


# ---- simple ----


@pytest.mark.parametrize(
    ("amount", "rate", "due", "paid", "day_count", "expected"),
    [
        # the coupon of 20 December 2004, 30 days late at 10%
        (1_160_000, 0.10, "2004-12-20", "2005-01-19", "actual/360", 1_160_000 * 0.10 * 30 / 360),
        (1_160_000, 0.10, "2004-12-20", "2005-01-19", "30/360", 1_160_000 * 0.10 * 29 / 360),
        (1_160_000, 0.10, "2004-12-20", "2005-01-19", "actual/actual isda", 116_000 * (12 / 366 + 18 / 365)),
        (1_160_000, 0.10, "2004-12-20", "2004-12-20", "actual/360", 0),
        (30_160_000, 0.12, "2007-06-18", "2008-06-18", "actual/365 fixed", 3_619_200 * 366 / 365),
        (float("nan"), 0.10, "2004-12-20", "2005-01-19", "actual/360", float("nan")),
        (100, 0.10, None, "2005-01-19", "actual/360", float("nan")),
    ],
)
def test_interest_on_an_overdue_amount(amount, rate, due, paid, day_count, expected):
    got = nc.default_interest(amount, rate, due, paid, day_count=day_count)
    assert got == pytest.approx(expected, rel=1e-14, nan_ok=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"paid": "2004-12-19"},
            r"`paid` must be on or after `due` \(2004-12-20\); got '2004-12-19'\. Swap `due` and `paid`\?",
        ),
        ({"due": np.datetime64("0000-01-01")}, "`due` must be between 0001-01-01 and 9999-12-31"),
        ({"annual_rate": 10}, r"`annual_rate` must be a decimal between -1 and 1; got 10\.0\. Did you mean 0\.1\?"),
        ({"amount": float("inf")}, "`amount` must be a finite number; got inf"),
        (
            {"compounding": "daily"},
            "`compounding` must be 'simple', 'annual', 'semi-annual', 'quarterly', 'monthly' or 'payment-dates'; got 'daily'",
        ),
        ({"compounding": "payment-dates"}, "`periods` must be given with compounding 'payment-dates'; got None"),
        ({"day_count": "act/act icma"}, "`period_start` must be given with day count 'actual/actual icma'"),
    ],
)
def test_an_overdue_amount_that_can_not_be(change, message):
    terms = {"amount": 100, "annual_rate": 0.1, "due": "2004-12-20", "paid": "2005-01-19", "day_count": "actual/360"}
    with pytest.raises(nc.TermError, match=f"^{message}"):
        nc.default_interest(**terms | change)


# ---- compounded ----


@pytest.mark.parametrize(
    ("compounding", "expected"),
    [
        # 15 months of 30/360 at 12%
        ("simple", 150),
        ("annual", 1_120 * 1.03 - 1_000),
        ("semi-annual", 1_000 * 1.06**2 * 1.03 - 1_000),
        ("quarterly", 1_000 * 1.03**5 - 1_000),
        ("monthly", 1_000 * 1.01**15 - 1_000),
    ],
)
def test_interest_on_interest(compounding, expected):
    got = nc.default_interest(1_000, 0.12, "2004-12-20", "2006-03-20", day_count="30/360", compounding=compounding)
    assert got == pytest.approx(expected, rel=1e-13)


def test_interest_is_added_on_payment_dates():
    """Due on 20 June 2005 (Monday): 181 days to 18 December, 180 to 18 June, 90 after it, when no date is left."""
    periods = resolve(Notes(**TERMS))
    got = nc.default_interest(1_000, 0.12, "2005-06-17", "2006-09-18", day_count="30/360", compounding="payment-dates",
                              periods=periods)  # fmt: skip
    assert got == pytest.approx(1_000 * ((1 + 0.12 / 360) * 1.06**2 * 1.03 - 1), rel=1e-13)


def test_interest_due_on_a_payment_date_is_next_added_on_the_one_after():
    periods = resolve(Notes(**TERMS, calendar="us-federal-reserve", business_day_convention="following"))
    got = nc.default_interest(1_000, 0.12, "2005-06-20", "2006-03-19", day_count="30/360", compounding="payment-dates",
                              periods=periods)  # fmt: skip
    # 18 December 2005 is a Sunday: 179 days to Monday 19, and 90 from there
    assert got == pytest.approx(1_000 * ((1 + 0.12 * 179 / 360) * 1.03 - 1), rel=1e-13)


def test_each_row_has_its_own_terms():
    got = nc.default_interest([1_000] * 3, 0.12, "2004-12-20", "2005-12-20",
                              day_count=["30/360", "actual/360", "30/360"], compounding=["simple", "simple", "monthly"])  # fmt: skip
    assert got.tolist() == pytest.approx([120, 120 * 365 / 360, 1_000 * 1.01**12 - 1_000], rel=1e-13)
    index = pd.Index(["b", "a"])
    series = nc.default_interest(1_000, 0.12, "2004-12-20", "2005-12-20", day_count="30/360",
                                 compounding=pd.Series(["simple", "annual"], index=index))  # fmt: skip
    assert series.index.equals(index)
    assert series.tolist() == pytest.approx([120, 120], rel=1e-13)


def test_each_note_has_its_own_payment_dates():
    """Half-years from December, and quarters, of 30/360 at 12%; the third note never paid after June 2005."""
    periods = resolve(Notes(**TERMS | {"frequency": [2, 4, 2], "maturity": ["2006-06-18", "2006-06-18", "2005-06-18"]}))
    got = nc.default_interest(1_000, 0.12, "2005-06-18", [["2005-12-18"], ["2006-06-18"]], day_count="30/360",
                              compounding="payment-dates", periods=periods)  # fmt: skip
    expected = 1_000 * np.array([[1.06, 1.03**2, 1.06], [1.06**2, 1.03**4, 1.12]]) - 1_000
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_what_is_missing_stays_missing():
    got = nc.default_interest([1_000, None, 1_000], [0.1, 0.1, None], ["2004-12-20", "2004-12-20", "2004-12-20"],
                              [None, "2005-12-20", "2005-12-20"], day_count="30/360", compounding="monthly")  # fmt: skip
    assert np.isnan(got).all()


@given(st.integers(0, 1_500), st.sampled_from([("annual", 12), ("semi-annual", 6), ("quarterly", 3), ("monthly", 1)]),
       st.integers(0, 3_000))  # fmt: skip
def test_it_grows_as_quantlibs_compounded_rate_on_whole_steps(start, how, points):
    """Whole steps of 30E/360 months are equal, and so compound as an InterestRate of that frequency."""
    compounding, months = how
    due = ql.Date(1, 1, 2004) + start
    due = ql.Date(min(due.dayOfMonth(), 28), due.month(), due.year())
    paid = due + ql.Period(24 + 2 * months, ql.Months)
    rate = points / 10_000
    peer = ql.InterestRate(rate, ql.Thirty360(ql.Thirty360.EurobondBasis), ql.Compounded, 12 // months)
    got = nc.default_interest(1_000, rate, due.ISO(), paid.ISO(), day_count="30e/360", compounding=compounding)
    assert got == pytest.approx(1_000 * (peer.compoundFactor(due, paid) - 1), abs=1e-9)
