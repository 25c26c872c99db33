"""Discount curves: factors or zero rates on dates, interpolated by a rule that is named; nothing is extrapolated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core._compounding import times_a_year
from notecalc.core.arrays import (
    FINITE,
    POSITIVE,
    Date,
    Dates,
    FloatArray,
    Numbers,
    Shape,
    array_function,
    as_date,
    as_dates,
    as_numbers,
    forbid,
)
from notecalc.core.daycount import day_count_name, year_fraction
from notecalc.core.words import known_word
from notecalc.errors import TermError

__all__ = ["INTERPOLATIONS", "Curve", "compounded", "curve_named", "discounted"]

INTERPOLATIONS = ("log-linear-discount-factors", "linear-zero-rates")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Curve:
    """What money on later days is worth on a first day; made by `from_discount_factors` or `from_zero_rates`.

    Parameters
    ----------
    reference_date : datetime64[D]
        The day on which the discount factor is 1.
    dates : datetime64[D] array
        Days on which the curve is stated, rising.
    values : float64 array
        Logarithms of discount factors, or zero rates: what is interpolated linearly in time.
    interpolation : str
        One of `INTERPOLATIONS`.
    compounding : float
        Of the zero rates: times a year, 0 continuously, -1 simple.
    day_count : str
        By which time is measured.
    """

    reference_date: np.datetime64
    dates: npt.NDArray[np.datetime64]
    values: FloatArray
    interpolation: str
    compounding: float
    day_count: str

    @classmethod
    def from_discount_factors(
        cls,
        reference_date: Date,
        dates: Dates | pd.Series[Any],
        discount_factors: Numbers | pd.Series[Any],
        *,
        interpolation: str,
        day_count: str,
    ) -> Curve:
        """Take discount factors on dates after the reference date.

        Parameters
        ----------
        reference_date : date-like
            The day on which the discount factor is 1.
        dates : date-like
            Rising, after the reference date.
        discount_factors : numeric
            Above 0.
        interpolation : {"log-linear-discount-factors", "linear-zero-rates"}
            What is linear in time between dates: the logarithm of the factor, from 0 on the reference date; or the
            continuously compounded zero rate, level before the first date.
        day_count : str
            By which time is measured; see `daycount.year_fraction`.

        Examples
        --------
        >>> curve = Curve.from_discount_factors("2004-06-18", ["2006-06-18"], [0.81], day_count="30/360",
        ...                                     interpolation="log-linear-discount-factors")
        >>> round(curve.discount_factor("2005-06-18"), 12)
        0.9
        """
        first, days, given, time = _nodes(reference_date, dates, discount_factors, "discount_factors", day_count)
        POSITIVE.check("discount_factors", given)
        logs = np.log(given)
        rule = known_word("interpolation", interpolation, INTERPOLATIONS)
        values = logs if rule == INTERPOLATIONS[0] else -logs / time
        return cls(
            reference_date=first,
            dates=days,
            values=values,
            interpolation=rule,
            compounding=0.0,
            day_count=day_count_name(day_count),
        )

    @classmethod
    def from_zero_rates(
        cls,
        reference_date: Date,
        dates: Dates | pd.Series[Any],
        zero_rates: Numbers | pd.Series[Any],
        *,
        compounding: str,
        interpolation: str,
        day_count: str,
    ) -> Curve:
        """Take zero rates on dates after the reference date.

        Parameters
        ----------
        reference_date, dates, interpolation, day_count
            As for `from_discount_factors`; the zero rates that are interpolated are compounded as those given.
        zero_rates : numeric
            [1/yr], compounded as named.
        compounding : {"annual", "semi-annual", "quarterly", "monthly", "continuous", "simple"}
            Of the zero rates.

        Examples
        --------
        >>> curve = Curve.from_zero_rates("2004-06-18", ["2005-06-18", "2007-06-18"], [0.02, 0.04], day_count="30/360",
        ...                               compounding="annual", interpolation="linear-zero-rates")
        >>> round(curve.discount_factor("2006-06-18"), 12) == round(1.03**-2, 12)
        True
        """
        first, days, given, time = _nodes(reference_date, dates, zero_rates, "zero_rates", day_count)
        FINITE.check("zero_rates", given)
        m = times_a_year(compounding)
        rule = known_word("interpolation", interpolation, INTERPOLATIONS)
        with np.errstate(invalid="ignore", divide="ignore"):
            factors = discounted(given, time, m)
        forbid("zero_rates", given, ~(factors > 0), "rates that aren't a total loss")
        values = np.log(factors) if rule == INTERPOLATIONS[0] else given
        return cls(
            reference_date=first,
            dates=days,
            values=values,
            interpolation=rule,
            compounding=m,
            day_count=day_count_name(day_count),
        )

    @overload
    def discount_factor(self, dates: Date) -> float: ...  # type: ignore[overload-overlap]  # a scalar is also one of Dates; the first match holds
    @overload
    def discount_factor(self, dates: Dates) -> FloatArray: ...  # type: ignore[overload-overlap]  # as above
    @overload
    def discount_factor(self, dates: Dates | pd.Series[Any]) -> pd.Series[Any]: ...
    def discount_factor(self, dates: Any) -> Any:
        """Worth on the reference date of 1 on each date, up to the curve's last.

        Raises
        ------
        TermError
            A date before the reference date, or after the curve's last.

        Examples
        --------
        >>> curve = Curve.from_zero_rates("2004-06-18", ["2007-06-18"], [0.1], day_count="30/360",
        ...                               compounding="annual", interpolation="linear-zero-rates")
        >>> round(1 / curve.discount_factor("2006-06-18"), 12)
        1.21
        """
        return _discount_factor(dates, self)

    @overload
    def zero_rate(self, dates: Date, *, compounding: str, day_count: str) -> float: ...  # type: ignore[overload-overlap]  # as above
    @overload
    def zero_rate(self, dates: Dates, *, compounding: str, day_count: str) -> FloatArray: ...  # type: ignore[overload-overlap]  # as above
    @overload
    def zero_rate(self, dates: Dates | pd.Series[Any], *, compounding: str, day_count: str) -> pd.Series[Any]: ...
    def zero_rate(self, dates: Any, *, compounding: str, day_count: str) -> Any:
        """Rate [1/yr] from the reference date that is worth the discount factor; NaN on the reference date.

        Examples
        --------
        >>> curve = Curve.from_zero_rates("2004-06-18", ["2007-06-18"], [0.1], day_count="30/360",
        ...                               compounding="annual", interpolation="linear-zero-rates")
        >>> round(curve.zero_rate("2006-06-18", compounding="simple", day_count="30/360"), 12)
        0.105
        """
        return _zero_rate(dates, self, times_a_year(compounding), day_count)


@array_function(dates=("dates",))
def _discount_factor(dates: Any, curve: Curve) -> Any:
    forbid("dates", dates, dates < curve.reference_date, f"on or after the reference date ({curve.reference_date})")
    forbid("dates", dates, dates > curve.dates[-1], f"up to the curve's last date ({curve.dates[-1]})")
    time, nodes = (_time(curve.reference_date, days, curve.day_count) for days in (dates, curve.dates))
    if curve.interpolation == INTERPOLATIONS[0]:
        return np.exp(np.interp(time, np.append(0.0, nodes), np.append(0.0, curve.values)))
    return discounted(np.interp(time, nodes, curve.values), time, curve.compounding)


@array_function(dates=("dates",))
def _zero_rate(dates: Any, curve: Curve, m: float, day_count: str) -> Any:
    time = _time(curve.reference_date, dates, day_count)
    return compounded(curve.discount_factor(dates), np.where(time > 0, time, np.nan), m)


@contextmanager
def curve_named(name: str, curve: object) -> Iterator[None]:
    """Call by an argument's name a curve that is asked for days that it does not have."""
    try:
        yield
    except TermError as error:
        if error.name != "dates" or not isinstance(curve, Curve):
            raise
        rule = f"a curve from the day of valuation to the last payment, not from {curve.reference_date} to "
        rule += str(curve.dates[-1])
        raise TermError(name, rule=rule, got=error.got, row=error.row) from None


def discounted(rate: FloatArray, time: FloatArray, m: float) -> FloatArray:
    """Give discount factors at rates compounded m times a year (0 continuously, -1 simple)."""
    if m < 0:
        return 1 / (1 + rate * time)
    return np.exp(-time * (rate if m == 0 else m * np.log1p(rate / m)))


def compounded(factor: FloatArray, time: FloatArray, m: float) -> FloatArray:
    """Give the rates compounded m times a year (0 continuously, -1 simple) that discount factors are worth."""
    if m < 0:
        return (1 / factor - 1) / time
    force = -np.log(factor) / time
    return force if m == 0 else m * np.expm1(force / m)


def _time(start: np.datetime64, dates: npt.NDArray[np.datetime64], day_count: str) -> FloatArray:
    return year_fraction(np.full(dates.shape, start), dates, day_count)


def _nodes(
    reference_date: Date, dates: Any, values: Any, name: str, day_count: str
) -> tuple[np.datetime64, npt.NDArray[np.datetime64], FloatArray, FloatArray]:
    Shape.of({"dates": dates, name: values})
    first, days = as_date(reference_date, "reference_date"), np.atleast_1d(as_dates(dates, "dates"))
    given = np.atleast_1d(as_numbers(values, name))
    if days.ndim != 1 or days.size == 0 or days.shape != given.shape:
        raise TermError(f"dates and {name}", rule="of one length", got=f"shapes {days.shape} and {given.shape}")
    before = np.append(first, days[:-1])
    forbid("dates", days, ~(days > before), f"rising, after the reference date ({first})")
    forbid(name, given, np.isnan(given), "given")
    time = _time(first, days, day_count)
    forbid("dates", days, ~(time > np.append(0.0, time[:-1])), f"apart by {day_count}")
    return first, days, given, time
