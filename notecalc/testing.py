"""What the tests of those who use notecalc may call: results compared with their units, amounts in whole cents.

An assertion that fails says where and by how much. hypothesis is needed for `deals` only, and imported there.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core.money import to_cents, to_money
from notecalc.deal.frames import label_of
from notecalc.errors import NotecalcError, TermError

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from notecalc.deal.deal import Deal

__all__ = ["assert_allocates", "assert_cents", "assert_result_equal", "deals"]


def assert_result_equal(
    actual: pd.DataFrame | pd.Series[Any], expected: pd.DataFrame | pd.Series[Any], *, rtol: float = 0.0
) -> None:
    """Two results of a deal have equal values, dtypes, index and units, and were made from the same inputs alike.

    Parameters
    ----------
    actual, expected : DataFrame or Series
        Such as `Deal.cashflows` gives, or reads back from Parquet.
    rtol : float
        Relative tolerance of floats; by default they are equal to the last bit.

    Raises
    ------
    AssertionError
        Naming what differs.
    NotecalcError
        One of the two is no result of a deal: it has no units.

    Examples
    --------
    >>> import notecalc as nc
    >>> deal = nc.load("ibasis-2004")
    >>> assert_result_equal(deal.cashflows(), deal.cashflows())
    >>> assert_result_equal(deal.cashflows(), deal.replace(annual_rate=0.08).cashflows())
    Traceback (most recent call last):
    AssertionError: made from different inputs: ...
    """
    assert_same: Any = pd.testing.assert_frame_equal
    if isinstance(expected, pd.Series):
        assert_same = pd.testing.assert_series_equal
    assert_same(actual, expected, check_exact=rtol == 0.0, rtol=rtol, atol=0.0)
    ours, theirs = label_of(actual), label_of(expected)
    for what, words in _DIFFERENT.items():
        if ours[what] != theirs[what]:
            raise AssertionError(f"{words}: {ours[what]}, expected {theirs[what]}")


def assert_cents(amounts: Any) -> None:
    """Every amount is there and is the float nearest to a whole number of cents.

    Parameters
    ----------
    amounts : numeric
        Money [currency]: a number, or any array, Series or DataFrame of them.

    Raises
    ------
    AssertionError
        Naming the first amount that is not.

    Examples
    --------
    >>> import notecalc as nc
    >>> flows = nc.load("ibasis-2004").cashflows(by="holder")
    >>> assert_cents(flows[["interest", "principal"]])
    >>> assert_cents([1_160_000.00, 0.005])
    Traceback (most recent call last):
    AssertionError: 0.005 at 1 is not in whole cents
    """
    values = np.asarray(amounts, dtype=np.float64)
    for place, amount in np.ndenumerate(values):
        if not _in_cents(float(amount)):
            where = "" if not place else f" at {place[0] if len(place) == 1 else tuple(map(int, place))}"
            raise AssertionError(f"{float(amount)!r}{where} is not in whole cents")


def assert_allocates(parts: Any, total: Any, weights: Sequence[int] | npt.NDArray[np.int64] | None = None) -> None:
    """Parts in whole cents add up to the total and, given weights, each is within a cent of its exact share.

    Parameters
    ----------
    parts : numeric
        Amounts [currency], the holders on the last axis.
    total : numeric
        What they must add up to [currency], one for each of the other axes.
    weights : int-like, optional
        What each holder's share goes by, such as its principal.

    Raises
    ------
    AssertionError
        Naming the first total that is missed, or the first part that is off its share.

    Examples
    --------
    >>> assert_allocates([33.34, 33.33, 33.33], 100.00, weights=[1, 1, 1])
    >>> assert_allocates([33.33, 33.33, 33.33], 100.00)
    Traceback (most recent call last):
    AssertionError: the parts add up to 99.99, not 100.00
    """
    assert_cents(parts)
    assert_cents(total)
    cents = np.asarray(to_cents(np.asarray(parts, dtype=np.float64)))
    wanted = np.asarray(to_cents(np.asarray(total, dtype=np.float64)))
    shares = [] if weights is None else [int(weight) for weight in weights]
    for place in np.ndindex(wanted.shape):
        got, due = int(cents[place].sum()), int(wanted[place])
        where = "" if not place else f" at {place[0] if len(place) == 1 else place}"
        if got != due:
            raise AssertionError(f"the parts add up to {_written(got)}, not {_written(due)}{where}")
        for holder, weight in enumerate(shares):
            # In integers: a share is due * weight / sum, and no float must decide whether a cent is missing.
            part = int(cents[place][holder])
            if abs(part * sum(shares) - due * weight) >= sum(shares):
                raise AssertionError(f"part {holder}, {_written(part)}, is a cent or more off its share{where}")


def deals(like: Deal) -> SearchStrategy[Deal]:
    """Strategy for hypothesis: deals that differ from a given one in rate, frequency, day count and price.

    Parameters
    ----------
    like : Deal
        The deal whose other terms they keep.

    Raises
    ------
    NotecalcError
        hypothesis is not installed.

    Examples
    --------
    >>> import hypothesis
    >>> import notecalc as nc
    >>> @hypothesis.settings(max_examples=5, deadline=None, derandomize=True)
    ... @hypothesis.given(deals(nc.load("ibasis-2004")))
    ... def test_interest_is_in_cents(deal):
    ...     assert_cents(deal.cashflows(by="holder")["interest"])
    >>> test_interest_is_in_cents()
    """
    try:
        from hypothesis import strategies as st
    except ImportError:
        raise NotecalcError("notecalc.testing.deals needs hypothesis: python -m pip install hypothesis") from None
    return st.builds(
        like.replace,
        annual_rate=st.integers(0, 2_500).map(lambda points: Decimal(points) / 10_000),
        frequency=st.sampled_from([0, 1, 2, 3, 4, 6, 12]),
        day_count=st.sampled_from(["30/360", "30e/360", "actual/360", "actual/365 fixed", "actual/actual isda"]),
        conversion_price=st.integers(1, 100_000).map(lambda cents: Decimal(cents) / 100),
    )


_DIFFERENT = {"units": "in different units", "inputs": "made from different inputs", "recipe": "made differently"}


def _in_cents(amount: float) -> bool:
    try:
        return bool(to_money(to_cents(amount)) == amount)
    except TermError:
        return False


def _written(cents: int) -> str:
    return f"{Decimal(cents) / 100:.2f}"
