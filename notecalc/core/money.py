"""Money in whole cents: reading amounts, rounding half up, interest on them, and shares that add up to the total.

All arithmetic here is on integers and exact; where int64 could overflow, Python's integers take over. It knows no
currency but one of a hundred cents, and no dates. Allocation is by largest remainder (Hamilton's method).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core._discounting import compiled
from notecalc.core._sharing import share_out
from notecalc.core.arrays import FINITE, BoolArray, FloatArray, IntArray, Number, Shape, array_function, forbid
from notecalc.errors import TermError

__all__ = [
    "Amount",
    "allocate",
    "as_fraction",
    "half_up",
    "interest_cents",
    "largest",
    "nearest_cents",
    "read_cents",
    "round_half_up",
    "to_cents",
    "to_money",
    "unwrapped",
]

Amount: TypeAlias = "Number | str"
Integer: TypeAlias = "int | np.integer[Any]"
Integers: TypeAlias = "Sequence[int] | npt.NDArray[Any] | pd.Index[Any]"

_LARGEST_AMOUNT = 1e13  # beyond it neighbouring floats are more than a fifth of a cent apart
_LARGEST_INT64 = 2**63 - 1
_SURE = 0.25  # a float off by more may lie beside another whole number
_NOISE = 1e-8, 1e-3  # least and most that a float may be off a whole cent: a millionth of one, and a tenth


@overload
def to_cents(amounts: Amount) -> int: ...  # type: ignore[overload-overlap]  # a text is also a sequence of texts
@overload
def to_cents(amounts: pd.Series[Any]) -> pd.Series[Any]: ...
@overload
def to_cents(amounts: Sequence[Amount] | npt.NDArray[Any] | pd.Index[Any]) -> IntArray: ...
def to_cents(amounts: Any) -> Any:
    """Whole cents of amounts of money.

    Parameters
    ----------
    amounts : numeric or str
        Amounts [currency]. Integers, decimals, fractions and texts are taken at their word; a float may be off a
        whole cent by a millionth of one, or by its last three bits, as sums of floats are, but never by a tenth.

    Returns
    -------
    int, Series or array of int64
        Cents, of the kind that came in.

    Raises
    ------
    TermError
        An amount that is not in whole cents, is missing, or is no number; a float beyond 1e13.

    Examples
    --------
    >>> to_cents("29000000.00")
    2900000000
    >>> to_cents([0.1 + 0.2, 1_050_000])
    array([       30, 105000000])
    """
    shape = Shape.of({"amounts": amounts})
    return shape.rewrap(shape.flatten({"amounts": read_cents(amounts, "amounts")})["amounts"])


@overload
def to_money(cents: Number) -> float: ...
@overload
def to_money(cents: pd.Series[Any]) -> pd.Series[Any]: ...
@overload
def to_money(cents: Sequence[Number] | npt.NDArray[Any] | pd.Index[Any]) -> FloatArray: ...
@array_function(numbers={"cents": None})
def to_money(cents: Any) -> Any:
    """Amounts of money as the floats nearest to whole cents.

    Parameters
    ----------
    cents : int-like
        Whole cents; a missing value stays missing.

    Returns
    -------
    float-like
        Amounts [currency], of the kind that came in.

    Raises
    ------
    TermError
        A part of a cent, or more than 2**53 cents.

    Examples
    --------
    >>> to_money([2900000000, 125])
    array([2.90e+07, 1.25e+00])
    """
    bad = (np.rint(cents) != cents) & ~np.isnan(cents)
    if bad.any():
        raise TermError("cents", rule="a whole number of cents", got=float(cents[bad][0]), row=_row(bad))
    return cents / 100


@overload
def round_half_up(numerator: Integer, denominator: Integer) -> int: ...
@overload
def round_half_up(numerator: pd.Series[Any], denominator: Integer | Integers | pd.Series[Any]) -> pd.Series[Any]: ...
@overload
def round_half_up(numerator: Integer | Integers, denominator: pd.Series[Any]) -> pd.Series[Any]: ...
@overload
def round_half_up(numerator: Integers, denominator: Integer | Integers) -> IntArray: ...
@overload
def round_half_up(numerator: Integer, denominator: Integers) -> IntArray: ...
def round_half_up(numerator: Any, denominator: Any) -> Any:
    """Whole number nearest to a fraction of integers; a half goes away from zero.

    Parameters
    ----------
    numerator, denominator : int-like
        The fraction's parts; the denominator is above 0. They broadcast.

    Returns
    -------
    int, Series or array of int64
        Of the kind that came in. What is owed and what is due round alike: minus a half cent goes to minus one.

    Raises
    ------
    TermError
        A denominator of 0 or less, or a part that is no whole number.

    Examples
    --------
    >>> round_half_up([1, -1, 249], [2, 2, 100])
    array([ 1, -1,  2])
    """
    shape, parts = _flat_integers(numerator=numerator, denominator=denominator)
    _above_zero(parts["denominator"], "denominator")
    return shape.rewrap(_as_int64(half_up(parts["numerator"], parts["denominator"]), "numerator"))


@overload
def interest_cents(  # type: ignore[overload-overlap]  # scalars are also among what makes arrays; the first match holds
    principal_cents: Integer, rate: Amount, numerator: Integer, denominator: Integer
) -> int: ...
@overload
def interest_cents(
    principal_cents: Integer | Integers,
    rate: Amount | FloatArray,
    numerator: Integer | Integers,
    denominator: Integer | Integers,
) -> IntArray: ...
def interest_cents(principal_cents: Any, rate: Amount | FloatArray, numerator: Any, denominator: Any) -> Any:
    r"""Interest on principal for an exact fraction of a year, rounded half up to the cent.

    .. math:: I = \left\lfloor P \, r \, \frac{n}{d} + \tfrac12 \right\rfloor

    Parameters
    ----------
    principal_cents : int-like
        Outstanding principal [cents].
    rate : Fraction, Decimal, int, float or str; or array of float
        Simple annual rate [1/yr], one for all or one for each; a float is read as the decimal that it prints as.
    numerator, denominator : int-like
        The day count fraction's parts, as `notecalc.core.daycount.day_count_fraction` gives them.

    Returns
    -------
    int, Series or array of int64
        Interest [cents], of the kind that came in.

    Raises
    ------
    TermError
        A denominator of 0 or less, a part that is no whole number, or interest that int64 can't hold.

    Examples
    --------
    >>> interest_cents(2_900_000_000, Fraction(8, 100), 180, 360)
    116000000
    """
    if isinstance(rate, np.ndarray):
        return _by_own_rate(principal_cents, rate, numerator, denominator)
    exact = as_fraction(rate, "rate")
    shape, parts = _flat_integers(principal_cents=principal_cents, numerator=numerator, denominator=denominator)
    principal, above, below = parts["principal_cents"], parts["numerator"], parts["denominator"]
    _above_zero(below, "denominator")
    size = largest(principal) * largest(above) * max(abs(exact.numerator), 1)
    if max(size, largest(below) * exact.denominator) > _LARGEST_INT64:
        principal, above, below = (part.astype(object) for part in (principal, above, below))
    cents = half_up(principal * above * exact.numerator, below * exact.denominator)
    return shape.rewrap(_as_int64(cents, "principal_cents"))


def _by_own_rate(principal_cents: Any, rates: FloatArray, numerator: Any, denominator: Any) -> Any:
    """Round by floats, and exactly where they are too near a half to tell."""
    given = {"principal_cents": principal_cents, "numerator": numerator, "denominator": denominator}
    shape = Shape.of(given | {"rate": rates})
    flat = shape.flatten({name: _as_integers(value, name) for name, value in given.items()} | {"rate": rates})
    principal, own, above, below = (flat[name] for name in ("principal_cents", "rate", "numerator", "denominator"))
    FINITE.check("rate", own)
    forbid("rate", own, np.isnan(own), "given")
    _above_zero(below, "denominator")
    amount = principal * own * above / below
    forbid("principal_cents", principal, ~(np.abs(amount) <= _LARGEST_INT64 // 2), "small enough for int64 cents")
    size = np.abs(amount)
    whole, noise = np.floor(size), 8 * np.spacing(size)
    up = size - whole >= 0.5
    near = np.flatnonzero(np.abs(size - whole - 0.5) <= noise)
    terms = np.abs(principal[near]), np.abs(own[near]), np.abs(above[near]), below[near]
    up[near] = _at_least_half(*terms, whole[near], noise[near])
    large = near[noise[near] > _SURE]  # where floats don't even tell the whole cents
    cents = (np.sign(amount) * (whole + up)).astype(np.int64)
    for row in large.tolist():
        exact = as_fraction(float(own[row]), "rate") * int(principal[row]) * Fraction(int(above[row]), int(below[row]))
        nearest = math.floor(abs(exact) + Fraction(1, 2))
        cents[row] = nearest if exact > 0 else -nearest
    return shape.rewrap(cents)


def _at_least_half(
    principal: IntArray, rate: FloatArray, above: IntArray, below: IntArray, whole: FloatArray, noise: FloatArray
) -> BoolArray:
    """Tell whether products that lie within noise of a half above a whole number reach it; exactly.

    The rate is t / 10**k. Whether ``2 p t n`` reaches ``(2 whole + 1) d 10**k`` is seen from their difference, which is
    small, so that int64 has it right though the products themselves may overflow.
    """
    scaled, power = np.zeros(rate.size, dtype=np.int64), np.zeros(rate.size, dtype=np.int64)
    for k in range(16):
        decimal = np.rint(rate * 10.0**k)
        found = (power == 0) & (decimal / 10.0**k == rate) & (decimal < 2.0**53)
        scaled[found], power[found] = decimal[found], 10**k
    difference = 2 * principal * scaled * above - (2 * whole.astype(np.int64) + 1) * below * power
    reaches: BoolArray = difference >= 0
    unsure = (power == 0) | (2.0 * below * power * noise >= 2.0**62)
    for row in np.flatnonzero(unsure).tolist():
        exact = as_fraction(float(rate[row]), "rate") * int(principal[row]) * Fraction(int(above[row]), int(below[row]))
        reaches[row] = exact >= int(whole[row]) + Fraction(1, 2)
    return reaches


@overload
def allocate(total_cents: Integer, weights: pd.Series[Any]) -> pd.Series[Any]: ...
@overload
def allocate(total_cents: Integer | Integers, weights: Integers) -> IntArray: ...
def allocate(total_cents: Any, weights: Any) -> Any:
    """Share out whole cents by weight so that the parts add up to the total.

    Each part is its exact share cut to the cent; the cents left over go one each to the largest remainders, and
    among equal remainders to the earlier in the register. A negative total is shared out as its opposite is.

    Parameters
    ----------
    total_cents : int-like, shape (...)
        What is shared out [cents].
    weights : int-like, shape (..., holders)
        Weights of at least 0, in the order of the register: principal in cents, notes or shares. They broadcast
        against the totals over the leading axes.

    Returns
    -------
    Series or array of int64, shape (..., holders)
        Cents; a Series if the weights are one, with their index.

    Raises
    ------
    TermError
        A negative weight, weights that are all 0 for a total that isn't, or a part of a cent.

    References
    ----------
    M. L. Balinski and H. P. Young, Fair Representation, 2nd ed. 2001, chapter 3 (the method of Hamilton).

    Examples
    --------
    >>> allocate(100, [1, 1, 1])
    array([34, 33, 33])
    >>> allocate([100, -100], [2, 1, 0])
    array([[ 67,  33,   0],
           [-67, -33,   0]])
    """
    totals = _as_integers(total_cents, "total_cents")
    parts = _as_integers(weights, "weights")
    if parts.ndim == 0:
        raise TermError("weights", rule="one weight for each holder", got=weights)
    if (parts < 0).any():
        raise TermError("weights", rule="at least 0", got=int(parts.min()), row=_row(parts.reshape(-1) < 0))
    if totals.ndim and isinstance(weights, pd.Series):
        raise TermError("total_cents", rule="one total where the weights are a Series", got=total_cents)
    cents = _as_int64(_largest_remainder(totals, parts), "total_cents")
    return pd.Series(cents, index=weights.index, name=weights.name) if isinstance(weights, pd.Series) else cents


def as_fraction(value: Amount, name: str) -> Fraction:
    """Read a number exactly; a float as the shortest decimal that reads back as it, 0.08 as 8/100.

    Raises
    ------
    TermError
        A value that is no finite number.

    Examples
    --------
    >>> as_fraction(1.85, "conversion_price")
    Fraction(37, 20)
    """
    given: Any = value
    if not isinstance(given, int | float | Decimal | Fraction | str | np.number) or isinstance(given, bool):
        raise TermError(name, rule="a number", got=value)
    if isinstance(given, int | Fraction | np.integer):
        return Fraction(int(given)) if isinstance(given, np.integer) else Fraction(given)
    try:
        # repr of the plain float: numpy's would say np.float64(...)
        read = Decimal(given) if isinstance(given, str | Decimal) else Decimal(repr(float(given)))
    except InvalidOperation:
        raise TermError(name, rule="a number", got=value) from None
    if not read.is_finite():
        raise TermError(name, rule="a finite number", got=value)
    return Fraction(read)


def read_cents(values: Any, name: str) -> IntArray:
    """Whole cents of amounts, in the shape that they came in; errors as in `to_cents`, under the argument's name.

    Examples
    --------
    >>> read_cents("1000.50", "principal")
    array(100050)
    """
    array = unwrapped(values)
    if array.dtype.kind == "f":
        flat = array.astype(np.float64).reshape(-1)
        if np.isnan(flat).any():
            raise TermError(name, rule=_PRESENT, got=float("nan"), row=_row(np.isnan(flat)))
        return nearest_cents(flat, name).astype(np.int64).reshape(array.shape)
    if array.dtype.kind == "i" and largest(array) <= _LARGEST_INT64 // 100:
        return array.astype(np.int64) * 100
    cents = [_one_amount(v, name, row if array.size > 1 else None) for row, v in enumerate(array.reshape(-1).tolist())]
    return np.array(cents, dtype=np.int64).reshape(array.shape)


def nearest_cents(amounts: FloatArray, name: str) -> FloatArray:
    """Cents, as whole floats, of flat amounts that are whole cents up to the noise of floats; NaN stays NaN.

    Raises
    ------
    TermError
        An amount that is further than noise from a whole cent, or beyond 1e13.

    Examples
    --------
    >>> nearest_cents(np.array([0.1 + 0.2, np.nan]), "principal")
    array([30., nan])
    """
    missing = np.isnan(amounts)
    bad = ~(np.abs(amounts) <= _LARGEST_AMOUNT) & ~missing
    if bad.any():
        rows = np.flatnonzero(bad).tolist()
        raise TermError(name, rule="an amount within 1e13", got=float(amounts[bad][0]), row=_row(bad), rows=rows)
    cents: FloatArray = np.rint(amounts * 100)
    noise = np.clip(8 * np.spacing(np.abs(amounts)), *_NOISE)
    bad = ~(np.abs(amounts - cents / 100) <= noise) & ~missing
    if bad.any():
        raise TermError(
            name,
            rule="in whole cents",
            got=float(amounts[bad][0]),
            row=_row(bad),
            hint="Round it to the cent first",
            rows=np.flatnonzero(bad).tolist(),
        )
    return cents + 0.0  # no negative zeros


def largest(values: npt.NDArray[Any]) -> int:
    """Largest magnitude as a Python integer, at least 1; for bounds on products.

    Examples
    --------
    >>> largest(np.array([-7, 3]))
    7
    """
    return max(1, int(values.max(initial=1)), -int(values.min(initial=1)))


def unwrapped(values: Any) -> npt.NDArray[Any]:
    """Floats and integers as numpy has them, and everything else as objects.

    Examples
    --------
    >>> unwrapped([1, Decimal("0.5")])
    array([1, Decimal('0.5')], dtype=object)
    """
    if isinstance(values, pd.Series | pd.Index):
        values = values.to_numpy() if isinstance(values.dtype, np.dtype) else values.to_numpy(dtype=object)
    if isinstance(values, np.ndarray | np.number):
        array = np.asarray(values)
        return array if array.dtype.kind in "fi" else array.astype(object)
    return np.asarray(values, dtype=object)


def half_up(numerator: npt.NDArray[Any], denominator: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`round_half_up` of integer arrays as they are, int64 or objects.

    Examples
    --------
    >>> half_up(np.array([5, -5]), np.array([2, 2]))
    array([ 3, -3])
    """
    size = np.abs(numerator)
    quotient, remainder = size // denominator, size % denominator
    # remainder >= denominator - remainder says "at least a half" without doubling, which could overflow
    whole: npt.NDArray[Any] = np.where(numerator < 0, -1, 1) * (quotient + (remainder >= denominator - remainder))
    return whole


def _largest_remainder(totals: IntArray, weights: IntArray) -> npt.NDArray[Any]:
    try:
        leading = np.broadcast_shapes(totals.shape, weights.shape[:-1])
    except ValueError:
        rule = "arrays whose leading shapes broadcast together"
        raise TermError("total_cents and weights", rule=rule, got=f"{totals.shape}, {weights.shape}") from None
    holders = weights.shape[-1]
    shape = (*leading, holders)
    due = np.ascontiguousarray(np.broadcast_to(totals, leading)).reshape(-1)
    if weights.ndim > 1:
        weights = np.broadcast_to(weights, shape)
    exact: npt.NDArray[Any] = np.ascontiguousarray(weights).reshape(-1)
    if max(largest(weights) * max(largest(totals), holders), largest(totals)) > _LARGEST_INT64:
        exact, due = exact.astype(object), due.astype(object)
    whole = exact.reshape(-1, holders).sum(axis=-1) if exact.size else np.zeros(due.size, dtype=np.int64)
    if ((due != 0) & (whole == 0)).any():
        raise TermError("weights", rule="above 0 in sum where there is something to share out", got=0)
    out = np.zeros(due.size * holders, dtype=exact.dtype)
    if out.size:
        compiled(share_out, out.size if exact.dtype == np.int64 else 0)(due, exact, out)
    return out.reshape(shape)


def _as_integers(values: Any, name: str) -> IntArray:
    """Read whole numbers as int64; floats pass where they are whole."""
    array = unwrapped(values)
    if array.dtype.kind == "i" and largest(array) <= _LARGEST_INT64:  # -2**63 has no opposite
        return array.astype(np.int64, copy=False)
    flat = [_one_integer(v, name, row if array.size > 1 else None) for row, v in enumerate(array.reshape(-1).tolist())]
    return np.array(flat, dtype=np.int64).reshape(array.shape)


def _as_int64(values: npt.NDArray[Any], name: str) -> IntArray:
    if values.dtype == object and values.size and largest(values) > _LARGEST_INT64:
        raise TermError(name, rule="small enough for a result that int64 holds", got=largest(values))
    return values.astype(np.int64)


def _flat_integers(**given: Any) -> tuple[Shape, dict[str, IntArray]]:
    shape = Shape.of(given)
    return shape, shape.flatten({name: _as_integers(value, name) for name, value in given.items()})


def _above_zero(values: IntArray, name: str) -> None:
    if (values <= 0).any():
        raise TermError(name, rule="above 0", got=int(values.min()), row=_row(values <= 0))


def _row(bad: npt.NDArray[np.bool_]) -> int | None:
    return int(np.argmax(bad)) if bad.size > 1 else None


_PRESENT = "an amount, since cents are integers and can't be missing"


def _one_amount(value: Any, name: str, row: int | None) -> int:
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        raise TermError(name, rule=_PRESENT, got=value, row=row)
    if isinstance(value, float | np.floating):
        return int(nearest_cents(np.array([value], dtype=np.float64), name)[0])
    try:
        cents = as_fraction(value, name) * 100
    except TermError as error:
        raise TermError(name, rule=error.rule, got=value, row=row) from None
    if cents.denominator != 1:
        raise TermError(name, rule="in whole cents", got=value, row=row, hint="Round it to the cent first")
    if abs(cents) > _LARGEST_INT64:
        raise TermError(name, rule="an amount whose cents int64 holds", got=value, row=row)
    return cents.numerator


def _one_integer(value: Any, name: str, row: int | None) -> int:
    whole = isinstance(value, int | float | Decimal | Fraction | np.number) and not isinstance(value, bool)
    if not whole or value != value or value in (float("inf"), float("-inf")) or value != int(value):  # noqa: PLR0124
        raise TermError(name, rule="a whole number", got=value, row=row)
    if abs(int(value)) > _LARGEST_INT64:
        raise TermError(name, rule="a whole number that int64 holds", got=value, row=row)
    return int(value)
