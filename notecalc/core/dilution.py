"""Who owns what: fractions of ownership, net shares of options, the lowest conversion price that fits.

Arrays of counts of shares in and fractions or counts out. It knows no cap table; classes and holders are positions on
the last axis. The lowest conversion price that fits is exact, in rationals.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core.arrays import NON_NEGATIVE, POSITIVE, FloatArray, Number, Numbers, array_function, as_numbers
from notecalc.core.money import Amount, as_fraction
from notecalc.errors import TermError

__all__ = [
    "ceil_to_cent",
    "lowest_conversion_price",
    "ownership",
    "treasury_stock_method",
]


@overload
def ownership(shares: pd.Series[Any]) -> pd.Series[Any]: ...
@overload
def ownership(shares: Sequence[Any] | npt.NDArray[Any] | pd.Index[Any]) -> FloatArray: ...
def ownership(shares: Any) -> Any:
    r"""Fraction of the total that each class or holder has.

    .. math:: w_i = n_i / \sum_j n_j

    Parameters
    ----------
    shares : numeric, shape (..., holders)
        Shares of at least 0, classes or holders on the last axis. One missing makes its whole table missing.

    Returns
    -------
    Series or array of float64, shape (..., holders)
        Fractions; a Series if one was given, with its index.

    Raises
    ------
    TermError
        A count below 0, or nobody holding a share.

    Examples
    --------
    >>> ownership([3, 1])
    array([0.75, 0.25])
    """
    counts = as_numbers(shares, "shares")
    if counts.ndim == 0:
        raise TermError("shares", rule="one count for each class or holder", got=shares)
    NON_NEGATIVE.check("shares", counts.reshape(-1))
    total = counts.sum(axis=-1, keepdims=True)
    if (total == 0).any():
        raise TermError(
            "shares", rule="above 0 in sum", got=0.0, row=int(np.argmax(total == 0)) if total.size > 1 else None
        )
    fractions = counts / total
    return pd.Series(fractions, index=shares.index, name=shares.name) if isinstance(shares, pd.Series) else fractions


@overload
def treasury_stock_method(shares: Number, exercise_price: Number, share_price: Number) -> float: ...  # type: ignore[overload-overlap]  # as above
@overload
def treasury_stock_method(
    shares: pd.Series[Any], exercise_price: Numbers | pd.Series[Any], share_price: Numbers | pd.Series[Any]
) -> pd.Series[Any]: ...
@overload
def treasury_stock_method(
    shares: Numbers, exercise_price: pd.Series[Any], share_price: Numbers | pd.Series[Any]
) -> pd.Series[Any]: ...
@overload
def treasury_stock_method(shares: Numbers, exercise_price: Numbers, share_price: pd.Series[Any]) -> pd.Series[Any]: ...
@overload
def treasury_stock_method(shares: Numbers, exercise_price: Numbers, share_price: Numbers) -> FloatArray: ...
@array_function(numbers={"shares": NON_NEGATIVE, "exercise_price": NON_NEGATIVE, "share_price": POSITIVE})
def treasury_stock_method(shares: Any, exercise_price: Any, share_price: Any) -> Any:
    r"""Net new shares when options or warrants are exercised and the proceeds buy shares back at the market.

    .. math:: n \, \max(0, 1 - K / S)

    Parameters
    ----------
    shares : numeric
        Shares under the options or warrants.
    exercise_price : numeric
        Exercise price [currency/share], at least 0.
    share_price : numeric
        Price at which shares are bought back [currency/share], above 0: the spot price, or an average of the period.

    Returns
    -------
    float-like
        Net shares, not rounded, of the kind that came in; 0 at or out of the money.

    Raises
    ------
    TermError
        A count or exercise price below 0, or a share price of 0 or less.

    References
    ----------
    FASB ASC 260-10-45-23.

    Examples
    --------
    >>> treasury_stock_method(1_000, 1.5, [1.0, 2.0])
    array([  0., 250.])
    """
    return shares * np.maximum(1 - exercise_price / share_price, 0)


def lowest_conversion_price(principals: Sequence[Amount], available_shares: int) -> Fraction:
    r"""Lowest price at which notes convert into no more shares than are available, exactly.

    .. math:: \min \Big\{ p : \sum_i \lceil P_i / p \rceil \le A \Big\}

    Parameters
    ----------
    principals : sequence of numbers
        Principal of each conversion that is rounded up by itself [currency], at least 0; one sum for the ceiling of
        the aggregate. Floats are read as the decimals that they print as.
    available_shares : int
        Shares available for them, at least one for each principal above 0.

    Returns
    -------
    Fraction
        Price [currency/share]. The least price is attained, since a quotient that is whole is not rounded up.

    Raises
    ------
    TermError
        A principal below 0, none above 0, or fewer shares than conversions, which no price fits.

    Examples
    --------
    >>> lowest_conversion_price([29_000_000], 15_675_675)
    Fraction(1160000, 627027)
    >>> lowest_conversion_price([10, 10], 5)
    Fraction(5, 1)
    """
    exact = [as_fraction(principal, "principals") for principal in principals]
    for row, principal in enumerate(exact):
        if principal < 0:
            raise TermError("principals", rule="at least 0", got=principals[row], row=row)
    positive = [principal for principal in exact if principal]
    if not positive:
        raise TermError("principals", rule="above 0 in sum", got=list(principals))
    if available_shares < len(positive):
        rule = f"at least {len(positive)}, one for each principal that converts"
        raise TermError("available_shares", rule=rule, got=available_shares)
    # Without rounding sum / available would do, so no lower price can. From there up, the count of shares falls only
    # at prices P / k, where P converts into k shares: go through these in order until the excess is gone.
    price = sum(positive, Fraction(0)) / available_shares
    shares = [-(-principal // price) for principal in positive]
    falls = [(p / (n - 1), n - 1, p) for p, n in zip(positive, shares, strict=True) if n > 1]
    heapq.heapify(falls)
    for _ in range(sum(shares) - available_shares):
        price, count, principal = falls[0]
        if count > 1:
            heapq.heapreplace(falls, (principal / (count - 1), count - 1, principal))
        else:
            heapq.heappop(falls)
    return price


def ceil_to_cent(price: Amount) -> Decimal:
    """Round a price up to the next whole cent.

    Raises
    ------
    TermError
        A price that is no finite number.

    Examples
    --------
    >>> ceil_to_cent(Fraction(1160000, 627027))
    Decimal('1.86')
    """
    cents = -(-as_fraction(price, "price") * 100 // 1)
    return Decimal(cents).scaleb(-2)
