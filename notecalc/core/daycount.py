"""Day counts: the fraction of a year between two dates, each an exact rational.

Knows names, aliases and the reference period that ICMA needs; coupon dates are in `schedule`. After the ISDA 2006
Definitions, section 4.16, and ICMA Rule 251.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core._counting import (
    FIRST_DAY,
    LAST_DAY,
    Formula,
    accrual_loop,
    actual_days,
    actual_isda,
    fraction_loop,
    thirty_360,
    thirty_e_360,
)
from notecalc.core._jit import Kernel
from notecalc.core.arrays import (
    Date,
    DateArray,
    Dates,
    FloatArray,
    IntArray,
    Number,
    Numbers,
    array_function,
    forbid,
    names_of,
)
from notecalc.core.cycle import Cycle, day_of_month, month_of
from notecalc.errors import TermError, did_you_mean

__all__ = [
    "DAY_COUNTS",
    "DayCount",
    "day_count_days",
    "day_count_fraction",
    "day_count_name",
    "find_day_count",
    "year_fraction",
]


@overload
def year_fraction(  # type: ignore[overload-overlap]  # a scalar is also one of Dates; the first match holds
    start: Date,
    end: Date,
    day_count: str,
    *,
    period_start: Date | None = None,
    period_end: Date | None = None,
    frequency: Number | None = None,
) -> float: ...
@overload
def year_fraction(  # type: ignore[overload-overlap]  # as above
    start: Dates,
    end: Dates,
    day_count: str,
    *,
    period_start: Dates | None = None,
    period_end: Dates | None = None,
    frequency: Numbers | None = None,
) -> FloatArray: ...
@overload
def year_fraction(
    start: Dates | pd.Series[Any],
    end: Dates | pd.Series[Any],
    day_count: str,
    *,
    period_start: Dates | pd.Series[Any] | None = None,
    period_end: Dates | pd.Series[Any] | None = None,
    frequency: Numbers | pd.Series[Any] | None = None,
) -> pd.Series[Any]: ...
@array_function(dates=("start", "end", "period_start", "period_end"), numbers={"frequency": None})
def year_fraction(
    start: Any,
    end: Any,
    day_count: str,
    *,
    period_start: Any = None,
    period_end: Any = None,
    frequency: Any = None,
) -> Any:
    r"""Fraction of a year in ``[start, end)`` as a day count convention has it.

    .. math:: \tau = \text{days counted} / \text{days in the convention's year}

    Parameters
    ----------
    start, end : date-like
        First day counted, and the day on which the count stops.
    day_count : str
        ``30/360``, ``30e/360``, ``actual/360``, ``actual/365 fixed``, ``actual/actual isda`` or ``actual/actual
        icma``; case, spaces and common short forms such as ``ACT/360`` make no difference.
    period_start, period_end : date-like, optional
        The regular coupon period that holds ``[start, end)``; needed by ``actual/actual icma`` and by no other.
    frequency : int-like, optional
        Coupons per year [1/yr]; needed by ``actual/actual icma`` and by no other.

    Returns
    -------
    float-like
        Years [yr], of the kind that came in; NaN where a date is missing.

    Raises
    ------
    TermError
        An unknown convention, ``end`` before ``start``, a date outside the years 1 to 9999, or a reference period
        missing.

    References
    ----------
    ISDA 2006 Definitions, section 4.16; ICMA Rule Book, Rule 251.

    Examples
    --------
    >>> year_fraction("2004-06-18", "2004-12-18", "30/360")
    0.5
    >>> year_fraction(["2004-06-18", "2004-12-18"], "2005-06-18", "actual/365 fixed")
    array([1.        , 0.49863014])
    """
    counted = find_day_count(day_count)
    if counted.fractions is not None and start.size >= COMPILE_FROM:
        years = np.empty(start.size)
        if counted.fractions(start.view(np.int64), end.view(np.int64), years):
            check_dates(start, end)
        return years
    numerator, denominator = day_count_fraction(
        start, end, day_count, period_start=period_start, period_end=period_end, frequency=frequency
    )
    return ratio(numerator, denominator)


@overload
def day_count_days(start: Date, end: Date, day_count: str) -> int: ...  # type: ignore[overload-overlap]  # as above
@overload
def day_count_days(start: Dates, end: Dates, day_count: str) -> IntArray: ...  # type: ignore[overload-overlap]  # as above
@overload
def day_count_days(start: Dates | pd.Series[Any], end: Dates | pd.Series[Any], day_count: str) -> pd.Series[Any]: ...
@array_function(dates=("start", "end"))
def day_count_days(start: Any, end: Any, day_count: str) -> Any:
    """Days in ``[start, end)`` as a day count convention counts them.

    Parameters
    ----------
    start, end : date-like
        First day counted, and the day on which the count stops; none missing, for there is no whole number for that.
    day_count : str
        See `year_fraction`. The 30/360 family counts months of 30 days, the others the days that passed.

    Returns
    -------
    int-like
        Days, of the kind that came in.

    Raises
    ------
    TermError
        An unknown convention, ``end`` before ``start``, or a missing date.

    References
    ----------
    ISDA 2006 Definitions, section 4.16.

    Examples
    --------
    >>> day_count_days("2004-02-28", "2004-03-31", "30/360")
    33
    """
    counted = find_day_count(day_count)
    for name, dates in (("start", start), ("end", end)):
        forbid(name, dates, np.isnat(dates), "a date")
    check_dates(start, end)
    return counted.days(start.view(np.int64), end.view(np.int64)).astype(np.int64)


def day_count_name(name: str) -> str:
    """Give the canonical name of a day count convention.

    Raises
    ------
    TermError
        An unknown name, or one that could mean several conventions.

    Examples
    --------
    >>> day_count_name("ACT/365F")
    'actual/365 fixed'
    """
    return find_day_count(name).name


def find_day_count(name: str) -> DayCount:
    """Find a day count convention by its name or an alias.

    Raises
    ------
    TermError
        An unknown name, or one that could mean several conventions.

    Examples
    --------
    >>> find_day_count("30E/360").denominator
    360
    """
    key = _key(str(name))
    found = _BY_KEY.get(key)
    if found is None:
        hint = _AMBIGUOUS.get(key) or did_you_mean(str(name).lower(), DAY_COUNTS)
        raise TermError("day_count", rule=names_of(DAY_COUNTS), got=name, hint=hint)
    return found


def day_count_fraction(
    start: DateArray,
    end: DateArray,
    day_count: str,
    *,
    period_start: DateArray | None = None,
    period_end: DateArray | None = None,
    frequency: IntArray | FloatArray | None = None,
) -> tuple[IntArray, IntArray]:
    """Give the fraction of a year in ``[start, end)`` as an exact rational, for flat arrays of one length.

    Parameters
    ----------
    start, end, day_count, period_start, period_end, frequency
        As for `year_fraction`, but ``datetime64[D]`` and whole numbers.

    Returns
    -------
    numerator, denominator : int64 arrays
        Both 0 where a date is missing. Not in lowest terms.

    Raises
    ------
    TermError
        As for `year_fraction`.

    Examples
    --------
    >>> dates = np.array(["2003-11-01", "2004-05-01"], dtype="datetime64[D]")
    >>> day_count_fraction(dates[:1], dates[1:], "actual/actual isda")
    (array([66491]), array([133590]))
    """
    counted = find_day_count(day_count)
    check_dates(start, end)
    if counted.denominator is None:
        return _icma_fraction(start, end, _Reference.of(period_start, period_end, frequency, counted.name))
    missing = np.isnat(start) | np.isnat(end)
    first, last = (np.where(missing, 0, dates.view(np.int64)) for dates in (start, end))
    return counted.numerator(first, last).astype(np.int64), np.where(missing, 0, counted.denominator)


@dataclass(frozen=True, slots=True)
class DayCount:
    """A day count convention.

    Parameters
    ----------
    name : str
        Its canonical name.
    aliases : tuple of str
        Other names, without the short forms of ``actual``.
    numerator : callable
        What it counts from one serial day to another.
    denominator : int or None
        How many of those make a year; None if that is the frequency times the days of the reference period.
    days : callable
        The days that it counts.
    fractions, interest : Kernel or None
        Compiled loops of the same formula.
    """

    name: str
    aliases: tuple[str, ...]
    numerator: Formula
    denominator: int | None
    days: Formula
    fractions: Kernel | None
    interest: Kernel | None

    @classmethod
    def fixed(
        cls, name: str, aliases: tuple[str, ...], numerator: Formula, denominator: int, days: Formula
    ) -> DayCount:
        """Make a convention whose year is always as long."""
        loops = fraction_loop(numerator, denominator), accrual_loop(numerator, denominator)
        return cls(name, aliases, numerator, denominator, days, *loops)


COMPILE_FROM = 200_000  # rows from which a compiled loop saves more time than numba takes to import


def check_dates(start: DateArray, end: DateArray, names: tuple[str, str] = ("start", "end")) -> None:
    """Raise `TermError` at the first row whose dates are out of order or outside the years 1 to 9999."""
    for name, dates in zip(names, (start, end), strict=True):
        serials = dates.view(np.int64)
        outside = ((serials < FIRST_DAY) | (serials > LAST_DAY)) & ~np.isnat(dates)
        forbid(name, dates, outside, "between 0001-01-01 and 9999-12-31")
    backward = end < start  # false where a date is missing
    if backward.any():
        row = int(np.argmax(backward))
        raise TermError(
            names[1],
            rule=f"on or after `{names[0]}` ({start[row]})",
            got=str(end[row]),
            row=row if end.size > 1 else None,
            hint=f"Swap `{names[0]}` and `{names[1]}`?",
        )


def ratio(numerator: IntArray, denominator: IntArray) -> FloatArray:
    """Divide, giving NaN where the denominator is 0: the rational of a missing date."""
    missing = np.full(numerator.shape, np.nan)
    quotient: FloatArray = np.divide(numerator, denominator, out=missing, where=denominator != 0)
    return quotient


@dataclass(frozen=True, slots=True, eq=False)
class _Reference:
    """The regular coupon period that ICMA measures by; its parts are missing together."""

    start: DateArray
    end: DateArray
    frequency: IntArray
    missing: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, start: DateArray | None, end: DateArray | None, frequency: Any, day_count: str) -> _Reference:
        if start is None or end is None or frequency is None:
            given = {"period_start": start, "period_end": end, "frequency": frequency}
            name = next(name for name, value in given.items() if value is None)
            raise TermError(name, rule=f"given with day count {day_count!r}", got=None)
        missing = np.isnat(start) | np.isnat(end) | np.isnan(frequency)
        forbid(
            "frequency",
            frequency,
            ~missing & ~np.isin(frequency, (1, 2, 3, 4, 6, 12)),
            "1, 2, 3, 4, 6 or 12 coupons a year",
        )
        forbid("period_end", end, end <= start, "after `period_start`")
        return cls(start, end, np.where(missing, 1, frequency).astype(np.int64), missing)

    def take(self, rows: npt.NDArray[np.bool_]) -> _Reference:
        return _Reference(self.start[rows], self.end[rows], self.frequency[rows], self.missing[rows])

    def cycle(self) -> Cycle:
        """Give the cycle that the period is a step of; its roll day is hidden where a month is too short for it."""
        roll_day = np.maximum(day_of_month(self.start), day_of_month(self.end))
        cycle = Cycle(month_of(self.end), roll_day, 12 // self.frequency, None, "unadjusted")
        whole = (cycle.dates(np.full(roll_day.size, -1)) == self.start) & (cycle.dates(0 * roll_day) == self.end)
        forbid(
            "period_start",
            self.start,
            ~whole,
            "a whole step of the coupon cycle before `period_end`, where dates lie outside the two",
        )
        return cycle


def _icma_fraction(start: DateArray, end: DateArray, reference: _Reference) -> tuple[IntArray, IntArray]:
    missing = np.isnat(start) | np.isnat(end) | reference.missing
    inside = ~missing & (start >= reference.start) & (end <= reference.end)
    outside = ~missing & ~inside
    numerator = np.where(inside, (end - start).astype(np.int64), 0)
    days = (reference.end - reference.start).astype(np.int64)
    denominator = np.where(inside, days * reference.frequency, 0)
    if outside.any():  # a long stub: measured by the regular periods that it reaches into
        beyond = reference.take(outside)
        numerator[outside], steps = beyond.cycle().fraction(start[outside], end[outside])
        denominator[outside] = steps * beyond.frequency
    return numerator, denominator


def _key(name: str) -> str:
    letters = "".join(letter for letter in name.casefold() if letter.isalnum())
    return letters.replace("actual", "act")


_ALL = (
    DayCount.fixed("30/360", ("360/360", "bond basis", "30/360 bond basis", "30a/360"), thirty_360, 360, thirty_360),
    DayCount.fixed(
        "30e/360", ("eurobond basis", "30e/360 icma", "30e/360 eurobond basis"), thirty_e_360, 360, thirty_e_360
    ),
    DayCount.fixed("actual/360", ("a/360", "money market", "french"), actual_days, 360, actual_days),
    DayCount.fixed(
        "actual/365 fixed", ("actual/365f", "a/365f", "a/365 fixed", "english"), actual_days, 365, actual_days
    ),
    DayCount.fixed("actual/actual isda", ("a/a isda",), actual_isda, 365 * 366, actual_days),
    DayCount(
        "actual/actual icma",
        ("actual/actual isma", "actual/actual bond", "isma-99", "a/a icma"),
        actual_days,
        None,
        actual_days,
        None,
        None,
    ),
)

DAY_COUNTS: dict[str, DayCount] = {count.name: count for count in _ALL}
_BY_KEY = {_key(alias): count for count in _ALL for alias in (count.name, *count.aliases)}
_AMBIGUOUS = {
    "act365": "ISDA's Actual/365 is 'actual/actual isda', others' is 'actual/365 fixed': name the one you mean",
    "actact": "Name the one you mean: 'actual/actual isda' or 'actual/actual icma'",
}
