"""Principal into shares at a conversion price: whole shares, cash for a fraction, shares to reserve.

Exact: principal counts in cents and a price is the rational that it says (a float the decimal that it prints as), so
a quotient that is whole stays whole. It knows neither when a note may convert nor what becomes of accrued interest.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic, NamedTuple, TypeVar, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core._discounting import compiled
from notecalc.core._sharing import convert_all, convert_each
from notecalc.core.arrays import (
    NON_NEGATIVE,
    POSITIVE,
    FloatArray,
    IntArray,
    Number,
    Numbers,
    Shape,
    array_function,
    as_numbers,
    forbid,
)
from notecalc.core.money import allocate, as_fraction, half_up, largest, nearest_cents, to_cents, unwrapped
from notecalc.errors import TermError, did_you_mean

__all__ = ["ROUNDINGS", "Conversion", "conversion_ratio", "convert_cents", "convert_in_proportion", "read_prices",
           "shares_on_conversion", "shares_to_reserve"]  # fmt: skip

ROUNDINGS = ("per-conversion", "per-note")

_LARGEST_COUNT = 2.0**53
_LARGEST_DECIMAL = 1e15
_AT_ONCE = 8192  # rows of holders whose columns a processor's cache holds
_PLACES = 10  # a price of nine decimals times the cents of ten million is still within int64

T = TypeVar("T", float, FloatArray, "pd.Series[Any]")


class Conversion(NamedTuple, Generic[T]):
    """What a conversion gives."""

    shares: T
    """Whole shares."""
    cash_in_lieu: T
    """Cash for the fraction of a share [currency], in whole cents."""
    shares_exact: T
    """Principal over price, the float nearest to it."""


@overload
def shares_on_conversion(  # type: ignore[overload-overlap]  # a scalar is also one of Numbers; the first match holds
    principal: Number, conversion_price: Number, *, rounding: str = ..., denomination: Number = ...
) -> Conversion[float]: ...
@overload
def shares_on_conversion(
    principal: pd.Series[Any],
    conversion_price: Numbers | pd.Series[Any],
    *,
    rounding: str = ...,
    denomination: Number = ...,
) -> Conversion[pd.Series[Any]]: ...
@overload
def shares_on_conversion(
    principal: Numbers, conversion_price: pd.Series[Any], *, rounding: str = ..., denomination: Number = ...
) -> Conversion[pd.Series[Any]]: ...
@overload
def shares_on_conversion(
    principal: Numbers, conversion_price: Numbers, *, rounding: str = ..., denomination: Number = ...
) -> Conversion[FloatArray]: ...
def shares_on_conversion(
    principal: Any, conversion_price: Any, *, rounding: str = "per-conversion", denomination: Number = 1000
) -> Any:
    r"""Whole shares and cash in lieu of a fraction when principal converts.

    .. math:: N = \lfloor P / K \rfloor, \qquad C = (P / K - N) K

    Parameters
    ----------
    principal : numeric
        Principal of each conversion [currency], in whole cents.
    conversion_price : numeric
        Conversion price [currency/share], above 0. Fractions and decimals are exact; a float is the shortest decimal
        that reads back as it. A grid of prices in cents is therefore best rounded: ``np.arange(...).round(2)``.
    rounding : str
        ``per-conversion`` rounds the shares for the principal as a whole; ``per-note`` those for each note of
        `denomination` separately. (Rounding on the aggregate is ``per-conversion`` of the summed principal.)
    denomination : number
        Principal of one note [currency]; matters under ``per-note`` only.

    Returns
    -------
    Conversion
        ``shares`` (whole), ``cash_in_lieu`` [currency], the fraction at the conversion price, half up to the cent,
        and ``shares_exact``, of the kind that came in.

    Raises
    ------
    TermError
        An unknown rounding; principal below 0, not in whole cents or, under ``per-note``, no multiple of the
        denomination; a price of 0 or less, or so low that the shares pass 2**53.

    Examples
    --------
    >>> got = shares_on_conversion(29_000_000, 1.85)
    >>> got.shares, got.cash_in_lieu
    (15675675.0, 1.25)
    >>> shares_on_conversion(29_000_000, [1.85, 2], rounding="per-note").shares
    array([15660000., 14500000.])
    """
    if rounding not in ROUNDINGS:
        raise TermError(
            "rounding", rule=f"one of {', '.join(ROUNDINGS)}", got=rounding, hint=did_you_mean(str(rounding), ROUNDINGS)
        )
    shape, quotient = _Quotient.of(principal, conversion_price)
    cents, notes = quotient.cents, np.ones_like(quotient.cents)
    if rounding == "per-note":
        unit = to_cents(denomination)
        if unit <= 0:
            raise TermError("denomination", rule="an amount above 0", got=denomination)
        bad = cents % unit != 0
        if bad.any():
            row = int(np.argmax(bad)) if bad.size > 1 else None
            raise TermError(
                "principal", rule=f"a multiple of {unit / 100:,.2f}", got=float(cents[bad][0] / 100), row=row
            )
        cents, notes = np.full_like(cents, unit), cents // unit
    above, below = cents * quotient.times, quotient.over
    whole, rest = above // below, above % below
    # the fraction rest / below of a share, times the price, is rest / quotient.times cents
    cash = notes * half_up(rest, quotient.times)
    exact = notes * (whole + rest / below)
    return shape.rewrap(Conversion(*(quotient.filled(part) for part in (notes * whole, cash / 100, exact))))


@overload
def shares_to_reserve(principal: Number, conversion_price: Number) -> float: ...  # type: ignore[overload-overlap]  # as above
@overload
def shares_to_reserve(principal: pd.Series[Any], conversion_price: Numbers | pd.Series[Any]) -> pd.Series[Any]: ...
@overload
def shares_to_reserve(principal: Numbers, conversion_price: pd.Series[Any]) -> pd.Series[Any]: ...
@overload
def shares_to_reserve(principal: Numbers, conversion_price: Numbers) -> FloatArray: ...
def shares_to_reserve(principal: Any, conversion_price: Any) -> Any:
    r"""Shares that an issuer must keep available so that an aggregate of notes can convert.

    .. math:: R = \lceil P / K \rceil

    Parameters
    ----------
    principal : numeric
        Aggregate principal [currency], in whole cents: sum it over the notes first.
    conversion_price : numeric
        Conversion price [currency/share], above 0; read as in `shares_on_conversion`.

    Returns
    -------
    float-like
        Whole shares, of the kind that came in.

    Raises
    ------
    TermError
        Principal below 0 or not in whole cents; a price of 0 or less, or so low that the shares pass 2**53.

    Examples
    --------
    >>> shares_to_reserve(29_000_000, 1.85)
    15675676.0
    """
    shape, quotient = _Quotient.of(principal, conversion_price)
    return shape.rewrap(quotient.filled(-(-quotient.cents * quotient.times // quotient.over)))


@overload
def conversion_ratio(conversion_price: Number, face: Number = ...) -> float: ...  # type: ignore[overload-overlap]  # as above
@overload
def conversion_ratio(conversion_price: pd.Series[Any], face: Numbers | pd.Series[Any] = ...) -> pd.Series[Any]: ...
@overload
def conversion_ratio(conversion_price: Numbers, face: pd.Series[Any]) -> pd.Series[Any]: ...
@overload
def conversion_ratio(conversion_price: Numbers, face: Numbers = ...) -> FloatArray: ...
@array_function(numbers={"conversion_price": POSITIVE, "face": POSITIVE})
def conversion_ratio(conversion_price: Any, face: Any = 1000) -> Any:
    r"""Shares per note of a face amount, not rounded.

    .. math:: R = F / K

    Parameters
    ----------
    conversion_price : numeric
        Conversion price [currency/share], above 0.
    face : numeric
        Principal of one note [currency].

    Returns
    -------
    float-like
        Conversion ratio [shares per `face` of principal], of the kind that came in.

    Raises
    ------
    TermError
        A price or a face of 0 or less.

    Examples
    --------
    >>> conversion_ratio(2.5)
    400.0
    """
    return face / conversion_price


def convert_cents(
    cents: IntArray, prices: npt.NDArray[Any], *, rounding: str, denomination: Number
) -> tuple[IntArray, IntArray]:
    """Whole shares, and cents for the fractions, of what each of some holders converts: `shares_on_conversion` of many.

    Parameters
    ----------
    cents : int64 array, shape (rows, holders)
        Principal that each converts [cents], at least 0.
    prices : array, shape (rows,)
        As `read_prices` gives them; none missing.
    rounding : {"per-conversion", "per-note"}
        As in `shares_on_conversion`.
    denomination : number
        Principal of one note [currency].

    Returns
    -------
    shares, cash : int64 arrays, shape (rows, holders)
        Whole shares; cash in lieu [cents].

    Raises
    ------
    TermError
        A price so low that the shares pass 2**53; under ``per-note`` principal that is no multiple of the denomination.

    Examples
    --------
    >>> shares, cash = convert_cents(np.array([[10_000_00, 19_000_00]]), np.array([1.85]), rounding="per-conversion",
    ...                              denomination=1000)
    >>> shares, cash
    (array([[ 5405, 10270]]), array([[75, 50]]))
    """
    unit = _unit(cents, rounding, denomination)
    _check_low(prices.astype(np.float64), cents)
    exact = _cents_of_prices(prices, max(largest(cents), unit))
    return _convert_near(cents, prices, unit) if exact is None else _convert_exactly(cents, *exact, unit)


def convert_in_proportion(
    multiples: IntArray,
    weights: IntArray,
    multiple: int,
    prices: npt.NDArray[Any],
    *,
    rounding: str,
    denomination: Number,
) -> IntArray:
    """Whole shares of all holders together, each converting its part of a total in multiples and rounded alone.

    Parameters
    ----------
    multiples : int64 array, shape (rows,)
        Multiples converted in all.
    weights : int64 array, shape (holders,)
        By which they are shared out, as `money.allocate` does.
    multiple : int
        One multiple [cents].
    prices, rounding, denomination
        As for `convert_cents`, whose shares of the holders these are the sums of.

    Returns
    -------
    int64 array, shape (rows,)
        Whole shares.

    Examples
    --------
    >>> convert_in_proportion(np.array([29]), np.array([10, 19]), 1000_00, np.array([1.85]), rounding="per-conversion",
    ...                       denomination=1000)
    array([15675])
    """
    unit = _unit(np.array([[multiple]]), rounding, denomination)
    exact = _cents_of_prices(prices, max(largest(multiples) * multiple, unit))
    if exact is None or largest(multiples) * largest(weights) >= 2**63 // weights.size:
        out = np.empty(multiples.size, dtype=np.int64)
        for start in range(0, multiples.size, _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            cents = allocate(multiples[some], weights) * multiple
            shares, _ = convert_cents(cents, prices[some], rounding=rounding, denomination=denomination)
            out[some] = shares.sum(axis=1)
        return out
    _check_low(prices.astype(np.float64), (multiples * multiple)[:, np.newaxis])
    out = np.empty(multiples.size, dtype=np.int64)
    loop = compiled(convert_all, multiples.size * weights.size)
    loop(np.ascontiguousarray(weights), np.array([multiple]), np.array([unit]), multiples, *exact, out)
    return out


def _unit(cents: IntArray, rounding: str, denomination: Number) -> int:
    """Cents that convert at once; 0 for all that a holder has."""
    if rounding != "per-note":
        return 0
    unit = to_cents(denomination)
    bad = (cents % unit != 0).any(axis=1)
    forbid("principal", cents.max(axis=1, initial=0) / 100, bad, f"a multiple of {unit / 100:,.2f}")
    return unit


def _check_low(prices: FloatArray, cents: IntArray) -> None:
    if (largest(cents) / 100 / _LARGEST_COUNT > prices).any():
        low = cents.max(axis=1, initial=0) / 100 / _LARGEST_COUNT > prices
        forbid("conversion_price", prices, low, "high enough for fewer than 2**53 shares")


def _cents_of_prices(prices: npt.NDArray[Any], most: int) -> tuple[IntArray, IntArray] | None:
    """Prices as fractions of cents, the denominators first; None where int64 is not wide enough for `most` cents."""
    places = _places(prices)
    if places is None or most * 10**places >= 2**63:
        return None
    above = np.rint(prices * 10.0**places).astype(np.int64) * 100
    return np.full(above.shape, 10**places), above


def _convert_exactly(
    cents: IntArray, times: npt.NDArray[Any], over: npt.NDArray[Any], unit: int
) -> tuple[IntArray, IntArray]:
    shares, cash = np.empty((2, cents.size), dtype=cents.dtype)
    if cents.size:
        loop = compiled(convert_each, cents.size if cents.dtype == np.int64 else 0)
        loop(np.ascontiguousarray(cents).reshape(-1), np.array([unit], dtype=cents.dtype), times, over, shares, cash)
    return shares.reshape(cents.shape), cash.reshape(cents.shape)


def _convert_near(cents: IntArray, prices: npt.NDArray[Any], unit: int) -> tuple[IntArray, IntArray]:
    """Convert at prices of many digits by floats, and exactly where they are too near an edge to tell."""
    part = np.full(cents.shape, float(unit)) if unit else cents.astype(np.float64)
    price = 100 * prices.astype(np.float64)[:, np.newaxis]
    quotient = part / price
    whole = np.floor(quotient)
    rest = part - whole * price
    # Each of the two is wrong by a few last bits of what it was made of; a quarter of a million of them are kept clear.
    edge = np.abs(quotient - np.rint(quotient)) <= 1e-10 + 2.0**-48 * quotient
    edge |= np.abs(rest - np.floor(rest) - 0.5) <= 1e-10 + 2.0**-48 * part
    notes = cents // unit if unit else np.ones_like(cents)
    shares, cash = notes * whole.astype(np.int64), notes * np.floor(rest + 0.5).astype(np.int64)
    unsure = np.flatnonzero(edge.any(axis=1))
    if unsure.size:
        above, below = _rationals(prices[unsure])
        exact = _convert_exactly(cents[unsure].astype(object), below.astype(object), above.astype(object) * 100, unit)
        shares[unsure], cash[unsure] = exact
    return shares, cash


def read_prices(values: Any, name: str) -> npt.NDArray[Any]:
    """Read prices above 0 as float64, or as objects where any is a fraction or a decimal, which a float could hurt.

    Raises
    ------
    TermError
        A price of 0 or less, or one that is no number; NaN stays NaN.

    Examples
    --------
    >>> read_prices([1.85, Fraction(5, 3)], "conversion_price")
    array([Fraction(37, 20), Fraction(5, 3)], dtype=object)
    """
    floats = as_numbers(values, name)
    POSITIVE.check(name, floats.reshape(-1))
    given = unwrapped(values)
    if given.dtype != object or not any(isinstance(value, Fraction | Decimal) for value in given.flat):
        return floats
    known = np.isfinite(floats).flat
    exact = [as_fraction(v, name) if k else near for v, near, k in zip(given.flat, floats.flat, known, strict=True)]
    return np.array(exact, dtype=object).reshape(floats.shape)


@dataclass(frozen=True, slots=True)
class _Quotient:
    """Principal over price as the integers ``cents * times / over``: int64, or objects where that could overflow."""

    cents: npt.NDArray[Any]
    times: npt.NDArray[Any]
    over: npt.NDArray[Any]
    missing: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, principal: Any, conversion_price: Any) -> tuple[Shape, _Quotient]:
        shape = Shape.of({"principal": principal, "conversion_price": conversion_price})
        flat = shape.flatten(
            {
                "principal": as_numbers(principal, "principal"),
                "conversion_price": read_prices(conversion_price, "conversion_price"),
            }
        )
        amounts, prices = flat["principal"], flat["conversion_price"]
        approximate = prices.astype(np.float64)
        NON_NEGATIVE.check("principal", amounts)
        missing = np.isnan(amounts) | np.isnan(approximate)
        cents = np.where(missing, 0, nearest_cents(amounts, "principal")).astype(np.int64)
        bad = ~missing & (cents / 100 / _LARGEST_COUNT > approximate)
        if bad.any():
            row = int(np.argmax(bad)) if bad.size > 1 else None
            got = float(approximate[bad][0])
            raise TermError("conversion_price", rule="high enough for fewer than 2**53 shares", got=got, row=row)
        above, below = _rationals(np.where(missing, 1.0, prices))
        return shape, cls._sized(cents, below, above, missing)

    @classmethod
    def _sized(
        cls, cents: IntArray, times: npt.NDArray[Any], above: npt.NDArray[Any], missing: npt.NDArray[np.bool_]
    ) -> _Quotient:
        if max(largest(cents) * largest(times), largest(above) * 100) < 2**63:
            return cls(cents, times.astype(np.int64), above.astype(np.int64) * 100, missing)
        return cls(cents.astype(object), times.astype(object), above.astype(object) * 100, missing)

    def filled(self, values: npt.NDArray[Any]) -> FloatArray:
        """Results as floats, missing where an input was."""
        return np.where(self.missing, np.nan, values.astype(np.float64))


def _rationals(prices: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Numerators and denominators of prices above 0."""
    places = _places(prices)
    if places is not None:
        return np.rint(prices * 10.0**places).astype(np.int64), np.full(prices.shape, 10**places)
    distinct, place = np.unique(prices, return_inverse=True)
    pairs = [_integer_ratio(price) for price in distinct.tolist()]
    above, below = (np.array([pair[side] for pair in pairs], dtype=object) for side in (0, 1))
    return above[place], below[place]


def _places(prices: npt.NDArray[Any]) -> int | None:
    """Fewest decimals that all of some prices are exact in; None if there is no such number, or int64 not wide enough.

    A decimal of at most 15 digits is the only one of its length that reads back as its float.
    """
    if prices.dtype == object:
        return None
    for places in range(_PLACES):
        scaled = np.rint(prices * 10.0**places)
        if (scaled > _LARGEST_DECIMAL).any():
            return None
        if (scaled / 10.0**places == prices).all():
            return places
    return None


def _integer_ratio(price: float | Fraction) -> tuple[int, int]:
    return (price if isinstance(price, Fraction) else Decimal(repr(price))).as_integer_ratio()
