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
)
from notecalc.core.money import as_fraction, half_up, largest, nearest_cents, to_cents, unwrapped
from notecalc.errors import TermError, did_you_mean

__all__ = ["ROUNDINGS", "Conversion", "conversion_ratio", "read_prices", "shares_on_conversion", "shares_to_reserve"]

ROUNDINGS = ("per-conversion", "per-note")

_LARGEST_COUNT = 2.0**53
_LARGEST_DECIMAL = 1e15
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
    if prices.dtype != object:
        for places in range(_PLACES):
            scaled = np.rint(prices * 10.0**places)
            if (scaled > _LARGEST_DECIMAL).any():
                break
            # A decimal of at most 15 digits is the only one of its length that reads back as its float.
            if (scaled / 10.0**places == prices).all():
                return scaled.astype(np.int64), np.full(prices.shape, 10**places)
    distinct, place = np.unique(prices, return_inverse=True)
    pairs = [_integer_ratio(price) for price in distinct.tolist()]
    above, below = (np.array([pair[side] for pair in pairs], dtype=object) for side in (0, 1))
    return above[place], below[place]


def _integer_ratio(price: float | Fraction) -> tuple[int, int]:
    return (price if isinstance(price, Fraction) else Decimal(repr(price))).as_integer_ratio()
