"""Internal rates of return of many rows: beside the scalar one, pyxirr and polynomials whose roots are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import pyxirr
from hypothesis import given
from hypothesis import strategies as st

import notecalc as nc
from notecalc.core.irr import rates_of_endings
from notecalc.errors import IndexMismatchError, TermError

FIXED = {"day_count": "actual/365 fixed"}


def ragged(count, seed):
    """Rows of one payment and then receipts that repay it, up to a loss of a half or a gain of ten times."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 14, count)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    days = rng.integers(1, 4_000, offsets[-1])
    amounts = rng.uniform(1, 100, offsets[-1])
    for begin, end in pairwise(offsets):
        days[begin] = 0
        amounts[begin] = -amounts[begin + 1 : end].sum() * rng.uniform(0.1, 2)
    return np.datetime64("2004-06-18") + days, amounts, offsets


def test_agrees_with_the_scalar_function_and_with_pyxirr():
    dates, amounts, offsets = ragged(400, seed=3)
    found = nc.xirr(dates, amounts, offsets, **FIXED)
    assert (found.roots == 1).all()
    for row in range(400):
        own = slice(offsets[row], offsets[row + 1])
        assert found.rate[row] == pytest.approx(nc.irr(dates[own], amounts[own]), rel=1e-11, abs=1e-12)
        theirs = pyxirr.xirr(dates[own], amounts[own])
        assert theirs is None or found.rate[row] == pytest.approx(theirs, rel=1e-8, abs=1e-9)


@given(st.lists(st.integers(-18, 60), min_size=0, max_size=4, unique=True), st.booleans())
def test_counts_the_roots_that_a_polynomial_was_made_of(twentieths, with_complex_pair):
    roots = sorted(1 + rate / 20 for rate in twentieths)
    amounts = np.atleast_1d(np.poly([*roots, *([1 + 1j, 1 - 1j] if with_complex_pair else [])]).real)
    found = nc.periodic_irr(amounts, [0, amounts.size])
    assert found.roots.tolist() == [len(roots)]
    if len(roots) == 1:
        assert found.rate[0] == pytest.approx(roots[0] - 1, rel=1e-9, abs=1e-9)
    else:
        assert np.isnan(found.rate[0])


@pytest.mark.parametrize(
    ("amounts", "roots"),
    [
        ([], 0),
        ([0.0, 0.0], 0),
        ([100, 108], 0),
        ([-100, -1], 0),
        ([100, -100, 100], 0),
        ([-100, 230, -132], 2),
        ([100, -330, 362, -132], 3),
        ([100, -210, 210, -110], 1),
        ([-100, np.nan], -1),
        ([-100, np.inf], -1),
        ([-1e-300, 1e300], 0),  # 1e600 - 1 is beyond a float
        ([-1e6, 0.0, 1e-12], 1),
    ],
)
def test_how_many_rates_a_row_has(amounts, roots):
    assert nc.periodic_irr(amounts, [0, len(amounts)]).roots.tolist() == [roots]


@pytest.mark.parametrize("amounts", [[-0.01, 1e6], [-1e6, 0.01]])
def test_a_rate_that_no_float_holds_is_none(amounts):
    found = nc.xirr(["2004-06-18", "2004-06-19"], amounts, [0, 2], **FIXED)
    assert found.roots.tolist() == [0]
    assert np.isnan(found.rate[0])


@pytest.mark.parametrize("force", [-20, -1, -1e-9, 0.0, 1e-9, 1, 20, 300, 699])
def test_rates_from_end_to_end(force):
    found = nc.periodic_irr([-1.0, np.exp(force)], [0, 2])
    assert np.log1p(found.rate[0]) == pytest.approx(force, rel=1e-7 if force < -10 else 1e-13, abs=1e-15)


def test_order_within_a_row_and_flows_of_a_day():
    dates = ["2002-01-01", "2001-01-01", "2001-01-01", "2002-01-01", "2001-01-01"]
    found = nc.xirr(dates, [108, -60, -40, 50, -100], [0, 3, 5], **FIXED)
    assert found.rate == pytest.approx([0.08, -0.5], abs=1e-15)


def test_the_day_count_is_the_one_named():
    # 31 January to 30 April is three months of 30 days, a quarter of a year
    found = nc.xirr(["2003-01-31", "2003-04-30"], [-100, 101], [0, 2], day_count="30/360")
    assert found.rate == pytest.approx([1.01**4 - 1], abs=1e-14)


def test_a_missing_date_is_said_and_spares_the_others():
    found = nc.xirr([None, "2002-01-01", "2001-01-01", "2002-01-01"], [-100, 108, -100, 108], [0, 2, 4], **FIXED)
    assert found.roots.tolist() == [-1, 1]
    assert found.rate == pytest.approx([np.nan, 0.08], abs=1e-15, nan_ok=True)


def test_no_rows():
    found = nc.xirr([], [], [0], **FIXED)
    assert found.rate.size == found.roots.size == 0


@pytest.mark.parametrize(
    ("amounts", "offsets", "message"),
    [
        ([1.0, -1.0], [0, 1], r"`offsets` must be from 0 to the number of amounts \(2\); got \[0, 1\]"),
        ([1.0, -1.0], [1, 2], "`offsets` must be from 0"),
        ([1.0, -1.0], [0, 2, 1, 2], "`offsets` must be rising; got 1 at row 1"),
        ([1.0, -1.0], [0.0, 2.0], "`offsets` must be a row of whole numbers"),
        ([1.0], [0, 1], "`dates and amounts` must be of one length"),
    ],
)
def test_bad_input_is_named(amounts, offsets, message):
    with pytest.raises(TermError, match=message):
        nc.xirr(["2001-01-01", "2002-01-01"], amounts, offsets, **FIXED)


def test_unlike_indexes():
    with pytest.raises(IndexMismatchError):
        nc.xirr(
            pd.Series(pd.to_datetime(["2001-01-01", "2002-01-01"])),
            pd.Series([-1.0, 2.0], index=[1, 0]),
            [0, 2],
            **FIXED,
        )


@pytest.mark.compiled
def test_compiled_and_plain_give_the_same():
    dates, amounts, offsets = ragged(2_000, seed=11)
    many = nc.xirr(dates, amounts, offsets, **FIXED)
    few = nc.xirr(dates[: offsets[50]], amounts[: offsets[50]], offsets[:51], **FIXED)
    assert few.rate == pytest.approx(many.rate[:50], rel=1e-13)


@given(
    st.lists(st.floats(0, 1_000), min_size=1, max_size=6),
    st.integers(0, 6),
    st.floats(0.01, 8),
    st.floats(0, 1e4),
    st.floats(-1e4, -1),
)
def test_a_history_that_ends_returns_what_its_flows_do(coupons, paid, end, amount, outlay):
    years = 0.5 * np.arange(1, len(coupons) + 1)
    paid = min(paid, len(coupons))
    (rate,) = rates_of_endings(
        years, np.array([coupons]).T, np.array([outlay]), np.array([paid]), np.array([end]), np.array([[amount]])
    )[0]
    times, flows = [0.0, *years[:paid], end], [outlay, *coupons[:paid], amount]
    received = sum(flows[1:])
    if received == 0:
        assert rate == -1
    elif rate in (-1, np.inf):  # beyond what a float holds
        assert (received < -outlay) == (rate == -1)
        assert min(times[1:]) < 1
    else:
        assert rate > -1
        parts = np.array(flows) * np.exp(-np.array(times) * np.log1p(rate))
        # As near to nothing as the rate's own last bits let it be.
        assert abs(parts.sum()) <= 1e-9 * np.abs(parts).sum() * max(1, 1 / (1 + rate))


def test_histories_of_several_holders_are_those_of_each():
    years, coupons = np.array([0.5, 1.0]), np.array([[4.0, 2.0], [4.0, 2.0]])
    counts, ends = np.array([2, 1, 0]), np.array([1.0, 0.75, 0.25])
    amounts = np.array([[100.0, 0.0], [120.0, 60.0], [0.0, 40.0]])
    rates = rates_of_endings(years, coupons, np.array([-100.0, 0.0]), counts, ends, amounts)
    assert rates[0, 0] == pytest.approx(1.04**2 - 1, abs=1e-12)
    assert rates[2, 0] == -1
    assert np.isnan(rates[:, 1]).all()  # who pays nothing has no rate
