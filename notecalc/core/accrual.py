"""Interest accrued: between two dates by a day count, and on the periods of notes, on a date or across coupons.

Simple interest on principal that stays; principal and rates that change are in `balances`, overdue amounts in
`overdue`. Coupon dates come from `schedule`, rounding to cents is in `money`.
"""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import pandas as pd

from notecalc.core._accruing import hold, sum_before
from notecalc.core._coupon_years import accrued_years
from notecalc.core._discounting import compiled
from notecalc.core._rows import NoteRows
from notecalc.core._spans import Spans
from notecalc.core.arrays import (
    FINITE,
    RATE,
    BoolArray,
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
from notecalc.core.conventions import DayCount, DayCounts, find_day_count, read_day_counts
from notecalc.core.daycount import check_dates, fill, ratio
from notecalc.core.notes import Periods
from notecalc.core.periods import check_periods, count_fraction

__all__ = [
    "accrued_fraction",
    "accrued_interest",
    "accrued_on",
    "cumulative_fraction",
    "elapsed",
    "interest_between",
]


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
def accrued_on(periods: Periods, on: pd.Series[Any]) -> pd.Series[Any]: ...
@overload
def accrued_on(periods: Periods, on: Dates) -> float | FloatArray: ...
def accrued_on(periods: Periods, on: Any) -> Any:
    r"""Interest accrued and not yet paid on notes that settle on a date.

    .. math:: A = P \, r \, \tau(s, d) \quad\text{or}\quad A = P \, r \, \bigl(\tau(s, d) - \tau(s, e)\bigr)

    from the ex-date on, in the coupon period from :math:`s` to :math:`e` that holds the day :math:`d`. A record date
    makes no difference.

    Parameters
    ----------
    periods : Periods
        The periods of n notes, from `resolve`; principal, rate and day count are those of their terms.
    on : date-like
        One day for all notes, one for each, or a column of days, for a row of n values each.

    Returns
    -------
    numeric
        Interest [currency]: n values, or of the kind that came in if there is one note. On a coupon date that of the
        new period, zero; negative from the ex-date to the end of the period; zero before issue and from maturity on;
        NaN where the day is missing.

    Raises
    ------
    TermError
        As many days as there are neither notes nor one.

    References
    ----------
    ISDA 2006 Definitions, section 4.16. UK Debt Management Office, Formulae for Calculating Gilt Prices from Yields
    (2005), section 3, for accrued interest in the ex-dividend period.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2012-09-07", maturity="2014-09-07", principal=100, annual_rate=[0.04, 0.05],
    ...               frequency=2, day_count="actual/actual icma", ex_days=7, ex_day_type="calendar")
    >>> accrued_on(resolve(notes), [["2013-01-07"], ["2013-03-05"]]).round(4)
    array([[ 1.3481,  1.6851],
           [-0.0221, -0.0276]])
    """
    check_periods(periods)
    rows = NoteRows.of(len(periods.notes), {"on": on}, {})
    note, day = rows.note, rows.dates["on"]
    yearly = periods.notes.principal * periods.notes.annual_rate
    period, years, inside = elapsed(periods, note, day)
    if (periods.notes.ex_days >= 0).any():
        off, coupon = np.flatnonzero(inside), period[inside]
        while off.size:  # of short periods more than one may be ex
            gone = periods.ex_date[coupon] <= day[off]
            off, coupon = off[gone], coupon[gone]
            years[off] -= ratio(periods.numerator[coupon], periods.denominator[coupon])
            more = coupon + 1 < periods.offsets[note[off] + 1]
            off, coupon = off[more], coupon[more] + 1
    accrued = yearly[note] * years
    accrued[np.isnat(day)] = np.nan
    return rows.shape.rewrap(accrued)


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
def interest_between(periods: Periods, principal: Any, annual_rate: Any, start: Any, end: Any) -> Any:
    r"""Interest that notes accrue over ``[start, end)``, across their coupons.

    .. math:: I = P \, r \, \bigl(T(e) - T(s)\bigr)

    where :math:`T(d)` adds the fractions of the coupon periods before :math:`d` and what has accrued of the one that
    holds it; so the interest of adjoining spans adds up.

    Parameters
    ----------
    periods : Periods
        The periods of n notes, from `resolve`; with more than one, all else is broadcast with them, along the last
        axis.
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
        A rate outside (-1, 1), an infinite principal, ``end`` before ``start``, or lengths that don't fit the notes.

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
    check_periods(periods)
    rows = NoteRows.of(
        len(periods.notes),
        {"start": start, "end": end},
        {"principal": (principal, FINITE), "annual_rate": (annual_rate, RATE)},
    )
    check_dates(rows.dates["start"], rows.dates["end"])
    both = np.concatenate([rows.dates["start"], rows.dates["end"]])
    before, since = cumulative_fraction(periods, np.tile(rows.note, 2), both).reshape(2, -1)
    return rows.shape.rewrap(rows.numbers["principal"] * rows.numbers["annual_rate"] * (since - before))


def accrued_fraction(periods: Periods, note: IntArray | int, on: DateArray) -> tuple[IntArray, IntArray, IntArray]:
    """Give the fraction of a year accrued in the coupon period that holds each date, as an exact rational.

    Parameters
    ----------
    periods : Periods
        The periods of n notes.
    note : int64 array or int
        The note of each date, or of all.
    on : datetime64[D] array
        Dates; on a coupon date the new period has begun.

    Returns
    -------
    period : int64 array
        The period that holds the date; -1 before issue, from maturity on, and for NaT.
    numerator, denominator : int64 arrays
        0/1 where there is no period.
    """
    period, _, inside = _located(periods, note, on)
    numerator, denominator = np.zeros(on.size, dtype=np.int64), np.ones(on.size, dtype=np.int64)
    rows = np.flatnonzero(inside)
    held, own = period[rows], periods.note[period[rows]]
    numerator[rows], denominator[rows] = count_fraction(
        periods.notes,
        own,
        periods.cycle.take(own),
        periods.accrual_start[held],
        on[rows],
        period_end=periods.accrual_end[held],
    )
    return np.where(inside, period, -1), numerator, denominator


def cumulative_fraction(periods: Periods, note: IntArray | int, dates: DateArray) -> FloatArray:
    """Give the fraction of a year accrued from issue to each date, coupon periods completed and the one running.

    Parameters
    ----------
    periods : Periods
        The periods of n notes.
    note : int64 array or int
        The note of each date, or of all.
    dates : datetime64[D] array
        Dates; 0 up to issue, the whole from maturity on, NaN for NaT.
    """
    period, total, _ = elapsed(periods, note, dates)
    completed = np.empty(len(periods))
    compiled(sum_before, len(periods))(periods.offsets, periods.numerator, periods.denominator, completed)
    some = np.flatnonzero(period >= 0)
    total[some] += completed[period[some]]
    over = some[dates[some] >= periods.accrual_end[period[some]]]
    total[over] += ratio(periods.numerator[period[over]], periods.denominator[period[over]])
    total[np.isnat(dates)] = np.nan
    return total


def elapsed(periods: Periods, note: IntArray | int, on: DateArray) -> tuple[IntArray, FloatArray, BoolArray]:
    """Find the period of each note that holds a day, and the fraction of a year since its start.

    Parameters
    ----------
    periods : Periods
        The periods of n notes.
    note : int64 array or int
        The note of each day, or of all.
    on : datetime64[D] array
        Days.

    Returns
    -------
    period : int64 array
        The note's first period that ends after the day, or else its last; -1 if it has none.
    years : float64 array
        Since the start of that period [yr]; 0 where it doesn't hold the day.
    inside : bool array
        Whether it does.
    """
    period, years, inside = _located(periods, note, on)
    rest = np.flatnonzero(np.isnan(years))
    if rest.size == on.size:
        return period, accrued_years(periods, period, on), inside
    years[rest] = accrued_years(periods, period[rest], on[rest])
    return period, years, inside


def _located(periods: Periods, note: IntArray | int, on: DateArray) -> tuple[IntArray, FloatArray, BoolArray]:
    """Give the same, but NaN where the note's day count must tell."""
    notes = periods.notes
    by_cycle = np.array([find_day_count(name).denominator is None for name in notes.day_count.table])
    spans = (periods.accrual_start, periods.accrual_end, periods.reference_start, periods.reference_end)
    period, years, inside = np.empty(on.size, np.int64), np.empty(on.size), np.empty(on.size, np.bool_)
    compiled(hold, on.size)(
        periods.offsets, *(dates.view(np.int64) for dates in spans), notes.frequency, notes.day_count.codes, by_cycle,
        np.ascontiguousarray(np.broadcast_to(note, on.shape)), on.view(np.int64), period, years, inside,
    )  # fmt: skip
    return period, years, inside
