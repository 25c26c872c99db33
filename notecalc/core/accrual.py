"""Interest accrued: between two dates by a day count, and on the periods of a note across its coupons.

Simple interest only; coupon dates come from `schedule`, rounding to cents is in `money`.
"""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import pandas as pd

from notecalc.core._spans import Spans
from notecalc.core.arrays import (
    FINITE,
    RATE,
    Date,
    DateArray,
    Dates,
    FloatArray,
    IntArray,
    Number,
    Numbers,
    array_function,
)
from notecalc.core.calendars import Calendar
from notecalc.core.conventions import DayCount, DayCounts, read_day_counts
from notecalc.core.daycount import check_dates, day_count_fraction, fill, ratio
from notecalc.core.notes import Periods
from notecalc.core.schedule import count_fraction
from notecalc.errors import TermError

__all__ = ["accrued_fraction", "accrued_interest", "cumulative_fraction", "default_interest", "interest_between"]


@overload
def accrued_interest(  # type: ignore[overload-overlap]  # a scalar is also one of Dates; the first match holds
    principal: Number,
    annual_rate: Number,
    start: Date,
    end: Date,
    *,
    day_count: str,
    period_start: Date | None = None,
    period_end: Date | None = None,
    frequency: Number | None = None,
    maturity: Date | None = None,
    calendar: str | Calendar | None = None,
    end_of_month: bool = False,
    threads: int | None = None,
    out: FloatArray | None = None,
) -> float: ...
@overload
def accrued_interest(  # type: ignore[overload-overlap]  # as above
    principal: Numbers,
    annual_rate: Numbers,
    start: Dates,
    end: Dates,
    *,
    day_count: DayCounts,
    period_start: Dates | None = None,
    period_end: Dates | None = None,
    frequency: Numbers | None = None,
    maturity: Dates | None = None,
    calendar: str | Calendar | None = None,
    end_of_month: bool = False,
    threads: int | None = None,
    out: FloatArray | None = None,
) -> FloatArray: ...
@overload
def accrued_interest(
    principal: Numbers | pd.Series[Any],
    annual_rate: Numbers | pd.Series[Any],
    start: Dates | pd.Series[Any],
    end: Dates | pd.Series[Any],
    *,
    day_count: DayCounts | pd.Series[Any],
    period_start: Dates | pd.Series[Any] | None = None,
    period_end: Dates | pd.Series[Any] | None = None,
    frequency: Numbers | pd.Series[Any] | None = None,
    maturity: Dates | pd.Series[Any] | None = None,
    calendar: str | Calendar | None = None,
    end_of_month: bool = False,
    threads: int | None = None,
    out: FloatArray | None = None,
) -> pd.Series[Any]: ...
def accrued_interest(
    principal: Any,
    annual_rate: Any,
    start: Any,
    end: Any,
    *,
    day_count: Any,
    period_start: Any = None,
    period_end: Any = None,
    frequency: Any = None,
    maturity: Any = None,
    calendar: str | Calendar | None = None,
    end_of_month: bool = False,
    threads: int | None = None,
    out: FloatArray | None = None,
) -> Any:
    r"""Interest accrued on a principal over ``[start, end)``.

    .. math:: I = P \, r \, \tau(s, e)

    Parameters
    ----------
    principal : numeric
        Outstanding principal [currency].
    annual_rate : numeric
        Simple annual rate [1/yr], a decimal: 0.08 is eight per cent.
    start, end : date-like
        First day that accrues, and the day on which the count stops. ``start == end`` accrues nothing.
    day_count : str, or array-like of str
        Convention for :math:`\tau`, for all rows or one for each; see `year_fraction`.
    period_start, period_end, frequency, maturity, calendar, end_of_month : optional
        What a convention needs beside the dates; see `year_fraction`.
    threads, out : optional
        Threads for a long array, and an array to fill; see `year_fraction`.

    Returns
    -------
    numeric
        Interest [currency], of the kind that came in; NaN where something is missing. Memory beside it as for
        `year_fraction`.

    Raises
    ------
    TermError
        A rate outside (-1, 1), an infinite principal, ``end`` before ``start``, an unknown convention, or one without
        what it needs.

    References
    ----------
    ISDA 2006 Definitions, section 4.16.

    Examples
    --------
    >>> accrued_interest(29_000_000, 0.08, "2004-06-18", "2004-12-18", day_count="30/360")
    1160000.0
    """
    conventions, codes = read_day_counts(day_count)
    return _accrued_interest(
        principal,
        annual_rate,
        start,
        end,
        codes,
        conventions,
        period_start=period_start,
        period_end=period_end,
        frequency=frequency,
        maturity=maturity,
        calendar=calendar,
        end_of_month=end_of_month,
        threads=threads,
        out=out,
    )


@array_function(
    dates=("start", "end", "period_start", "period_end", "maturity"),
    numbers={"principal": None, "annual_rate": None, "day_count": None, "frequency": None},
)
def _accrued_interest(
    principal: Any,
    annual_rate: Any,
    start: Any,
    end: Any,
    day_count: Any = None,
    conventions: tuple[DayCount, ...] = (),
    *,
    period_start: Any = None,
    period_end: Any = None,
    frequency: Any = None,
    maturity: Any = None,
    calendar: Any = None,
    end_of_month: bool = False,
    threads: int | None = None,
    out: Any = None,
) -> Any:
    spans = Spans(
        start,
        end,
        period_start,
        period_end,
        frequency,
        maturity,
        calendar,
        end_of_month,
        principal=principal,
        annual_rate=annual_rate,
    )
    return fill(spans, conventions, day_count, threads=threads, out=out)


@overload
def default_interest(amount: Number, annual_rate: Number, due: Date, paid: Date, *, day_count: str) -> float: ...  # type: ignore[overload-overlap]  # as above
@overload
def default_interest(  # type: ignore[overload-overlap]  # as above
    amount: Numbers, annual_rate: Numbers, due: Dates, paid: Dates, *, day_count: str
) -> FloatArray: ...
@overload
def default_interest(
    amount: Numbers | pd.Series[Any],
    annual_rate: Numbers | pd.Series[Any],
    due: Dates | pd.Series[Any],
    paid: Dates | pd.Series[Any],
    *,
    day_count: str,
) -> pd.Series[Any]: ...
@array_function(dates=("due", "paid"), numbers={"amount": FINITE, "annual_rate": RATE})
def default_interest(amount: Any, annual_rate: Any, due: Any, paid: Any, *, day_count: str) -> Any:
    r"""Simple interest on an overdue amount, from the day it was due to the day it is paid.

    .. math:: I = A \, r \, \tau(\text{due}, \text{paid})

    Parameters
    ----------
    amount : numeric
        Amount overdue [currency].
    annual_rate : numeric
        Default rate [1/yr], a decimal: the whole rate, not a margin over the coupon.
    due, paid : date-like
        Day on which it was due, which bears interest, and day on which it is paid, which doesn't.
    day_count : str
        A convention that needs no coupon period; see `year_fraction`.

    Returns
    -------
    numeric
        Interest [currency], of the kind that came in.

    Raises
    ------
    TermError
        A rate outside (-1, 1), an infinite amount, ``paid`` before ``due``, an unknown convention.

    References
    ----------
    ISDA 2006 Definitions, section 4.16.

    Examples
    --------
    >>> default_interest(1_160_000, 0.10, "2004-12-20", "2005-01-19", day_count="actual/360")
    9666.666666666666
    """
    check_dates(due, paid, ("due", "paid"))
    numerator, denominator = day_count_fraction(due, paid, day_count)
    return amount * annual_rate * ratio(numerator, denominator)


@overload
def interest_between(  # type: ignore[overload-overlap]  # as above
    periods: Periods, principal: Number, annual_rate: Number, start: Date, end: Date
) -> float: ...
@overload
def interest_between(  # type: ignore[overload-overlap]  # as above
    periods: Periods, principal: Numbers, annual_rate: Numbers, start: Dates, end: Dates
) -> FloatArray: ...
@overload
def interest_between(
    periods: Periods,
    principal: Numbers | pd.Series[Any],
    annual_rate: Numbers | pd.Series[Any],
    start: Dates | pd.Series[Any],
    end: Dates | pd.Series[Any],
) -> pd.Series[Any]: ...
@array_function(dates=("start", "end"), numbers={"principal": FINITE, "annual_rate": RATE})
def interest_between(periods: Periods, principal: Any, annual_rate: Any, start: Any, end: Any) -> Any:
    r"""Interest that a note accrues over ``[start, end)``, across its coupons.

    .. math:: I = P \, r \, \bigl(T(e) - T(s)\bigr)

    where :math:`T(d)` adds the fractions of the coupon periods before :math:`d` and what has accrued of the one that
    holds it; so the interest of adjoining spans adds up.

    Parameters
    ----------
    periods : Periods
        The periods of one note, from `resolve`.
    principal : numeric
        Outstanding principal [currency].
    annual_rate : numeric
        Coupon rate [1/yr], a decimal.
    start, end : date-like
        First day that accrues, and the day on which the count stops. Nothing accrues before issue or from maturity.

    Returns
    -------
    numeric
        Interest [currency], of the kind that came in.

    Raises
    ------
    TermError
        Periods of several notes, a rate outside (-1, 1), an infinite principal, or ``end`` before ``start``.

    References
    ----------
    ISDA 2006 Definitions, section 4.16.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> periods = resolve(Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=29_000_000,
    ...                         annual_rate=0.08, frequency=2, day_count="30/360"))
    >>> interest_between(periods, 29_000_000, 0.08, "2004-06-18", "2005-03-18")
    1740000.0
    """
    check_dates(start, end)
    return principal * annual_rate * (cumulative_fraction(periods, end) - cumulative_fraction(periods, start))


def accrued_fraction(periods: Periods, on: DateArray) -> tuple[IntArray, IntArray, IntArray]:
    """Give the fraction of a year accrued in the coupon period that holds each date, as an exact rational.

    Parameters
    ----------
    periods : Periods
        The periods of one note.
    on : datetime64[D] array
        Dates; on a coupon date the new period has begun.

    Returns
    -------
    period : int64 array
        The period that holds the date; -1 before issue, from maturity on, and for NaT.
    numerator, denominator : int64 arrays
        0/1 where there is no period.

    Raises
    ------
    TermError
        Periods of several notes.
    """
    _one_note(periods)
    period = np.searchsorted(periods.accrual_start, on, side="right") - 1
    period[np.isnat(on) | (on >= periods.accrual_end[-1])] = -1
    inside = np.flatnonzero(period >= 0)
    numerator = np.zeros(on.size, dtype=np.int64)
    denominator = np.ones(on.size, dtype=np.int64)
    note = periods.note[period[inside]]
    held = period[inside]
    numerator[inside], denominator[inside] = count_fraction(
        periods.notes,
        note,
        periods.cycle.take(note),
        periods.accrual_start[held],
        on[inside],
        period_end=periods.accrual_end[held],
    )
    return period, numerator, denominator


def cumulative_fraction(periods: Periods, dates: DateArray) -> FloatArray:
    """Give the fraction of a year accrued from issue to each date, coupon periods completed and the one running.

    Parameters
    ----------
    periods : Periods
        The periods of one note.
    dates : datetime64[D] array
        Dates; 0 up to issue, the whole from maturity on, NaN for NaT.

    Raises
    ------
    TermError
        Periods of several notes.
    """
    _, numerator, denominator = accrued_fraction(periods, dates)
    completed = np.concatenate([[0.0], np.cumsum(periods.fraction)])
    count = np.searchsorted(periods.accrual_end, dates, side="right")
    return np.where(np.isnat(dates), np.nan, completed[count] + numerator / denominator)


def _one_note(periods: Periods) -> None:
    if len(periods.notes) != 1:
        raise TermError("periods", rule="the periods of one note", got=f"those of {len(periods.notes)}")
