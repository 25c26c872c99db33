"""Day counts: the fraction of a year between two dates, each an exact rational.

Knows what each convention is measured by, and asks for it; names are in `conventions`, formulas in `_counting`, coupon
dates in `schedule`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core._counting import IMPOSSIBLE, UNANSWERED
from notecalc.core._jit import thread_count
from notecalc.core._spans import Spans, check_dates, ratio
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
)
from notecalc.core.calendars import Calendar
from notecalc.core.conventions import (
    DAY_COUNTS,
    DayCount,
    DayCounts,
    day_count_name,
    find_day_count,
    read_day_counts,
)
from notecalc.errors import TermError

__all__ = [
    "COMPILE_FROM",
    "DAY_COUNTS",
    "DayCount",
    "check_dates",
    "day_count_days",
    "day_count_fraction",
    "day_count_name",
    "fill",
    "find_day_count",
    "ratio",
    "read_day_counts",
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
    maturity: Date | None = None,
    calendar: str | Calendar | None = None,
    end_of_month: bool = False,
    threads: int | None = None,
    out: FloatArray | None = None,
) -> float: ...
@overload
def year_fraction(  # type: ignore[overload-overlap]  # as above
    start: Dates,
    end: Dates,
    day_count: DayCounts,
    *,
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
def year_fraction(
    start: Dates | pd.Series[Any],
    end: Dates | pd.Series[Any],
    day_count: DayCounts | pd.Series[Any],
    *,
    period_start: Dates | pd.Series[Any] | None = None,
    period_end: Dates | pd.Series[Any] | None = None,
    frequency: Numbers | pd.Series[Any] | None = None,
    maturity: Dates | pd.Series[Any] | None = None,
    calendar: str | Calendar | None = None,
    end_of_month: bool = False,
    threads: int | None = None,
    out: FloatArray | None = None,
) -> pd.Series[Any]: ...
def year_fraction(
    start: Any,
    end: Any,
    day_count: Any,
    *,
    period_start: Any = None,
    period_end: Any = None,
    frequency: Any = None,
    maturity: Any = None,
    calendar: str | Calendar | None = None,
    end_of_month: bool = False,
    threads: int | None = None,
    out: FloatArray | None = None,
) -> Any:
    r"""Fraction of a year in ``[start, end)`` as a day count convention has it.

    .. math:: \tau = \text{days counted} / \text{days in the convention's year}

    ========================== ========================================================================================
    ``30/360``                 months of 30 days; the 31st is the 30th, at the end only after a start on the 30th or
                               31st (bond basis; ISDA 2006 4.16(f))
    ``30u/360 eom``            the same, and February's last day is the 30th: at the start, and at the end if at the
                               start too (Excel's basis 0)
    ``30/360 psa``             the same, and February's last day is the 30th at the start
    ``30e/360``                the 31st is always the 30th (Eurobond basis; 4.16(g); Excel's basis 4)
    ``30e/360 isda``           the same, and February's last day is the 30th unless it is maturity at the end (4.16(h))
    ``30e+/360``               the 31st is the 30th at the start and the next month's 1st at the end
    ``30e/365``                the last day of any month is the 30th, over 365
    ``actual/360``             days passed over 360 (4.16(e); Excel's basis 2); likewise ``actual/364``
    ``actual/365 fixed``       over 365 (4.16(d); Excel's basis 3); likewise ``actual/365.25``
    ``actual/365 actual``      over 366 if a 29 February is after the start and not after the end, else 365
    ``actual/365l``            over 366 if the coupon period ends in a leap year (with annual coupons: has a 29
                               February after its start), else 365 (ICMA Rule 251.1(i))
    ``nl/360``, ``nl/365``     days passed without 29 February
    ``actual/actual isda``     days in leap years over 366 and the others over 365 (4.16(b))
    ``actual/actual icma``     days over those of the regular coupon period times the frequency; a longer span is split
                               at the coupon dates that would be (quasi-coupon periods; Rule 251.1(iii); Excel's basis
                               1 in PRICE and YIELD)
    ``actual/actual year``     whole years from the start, and days over those of the year that is left
    ``actual/actual yearfrac`` Excel's basis 1 in YEARFRAC: over the mean length of the calendar years touched
    ``business/252``           business days over 252
    ``1/1``                    always 1 (4.16(a))
    ========================== ========================================================================================

    Parameters
    ----------
    start, end : date-like
        First day counted, and the day on which the count stops.
    day_count : str, or array-like of str
        A convention of the table, for all rows or one for each; case, spaces and common short forms such as
        ``ACT/360`` or Excel's ``basis 0`` make no difference.
    period_start, period_end : date-like, optional
        The coupon period that holds ``[start, end)``. ``actual/actual icma`` needs both, and the regular one: for an
        irregular first or last period, the whole step of the cycle beside it or that it would be a part of.
        ``actual/365l`` needs its end, and takes `start` for its start if that is not given.
    frequency : int-like, optional
        Coupons per year [1/yr]; needed by ``actual/actual icma`` and ``actual/365l``.
    maturity : date-like, optional
        The last day of the note; needed by ``30e/360 isda``.
    calendar : str or Calendar, optional
        What business days are; needed by ``business/252``.
    end_of_month : bool
        Whether, under ``actual/actual icma``, a cycle whose period starts and ends at month ends stays at them:
        before 30 November to 29 February comes 31 August, then, not 30 August.
    threads : int, optional
        Threads for a long array; by default those that ``NOTECALC_THREADS`` says, or one for each core. Results are the
        same to the last bit.
    out : float64 array, optional
        Contiguous array to fill, as long as the result: saves its allocation.

    Returns
    -------
    float-like
        Years [yr], of the kind that came in; NaN where a date or a name is missing. Beside it and what it takes to
        read and broadcast the arguments, no memory that grows with long arrays is used, or as much again as for all of
        them where each row has its own day count.

    Raises
    ------
    TermError
        An unknown convention, ``end`` before ``start``, a date outside the years 1 to 9999, a period, frequency,
        maturity or calendar missing or impossible.

    References
    ----------
    ISDA 2006 Definitions, section 4.16; ICMA Rule Book, Rule 251; for YEARFRAC, D. Wheeler, "YEARFRAC
    Incompatibilities between Excel 2007 and OOXML" (2008).

    Examples
    --------
    >>> year_fraction("2004-06-18", "2004-12-18", "30/360")
    0.5
    >>> year_fraction(["2004-06-18", "2004-12-18"], "2005-06-18", ["actual/365 fixed", "ACT/360"])
    array([1.        , 0.50555556])
    """
    conventions, codes = read_day_counts(day_count)
    return _year_fraction(
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
    dates=("start", "end", "period_start", "period_end", "maturity"), numbers={"day_count": None, "frequency": None}
)
def _year_fraction(
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
    spans = Spans(start, end, period_start, period_end, frequency, maturity, calendar, end_of_month)
    return fill(spans, conventions, day_count, threads=threads, out=out)


@overload
def day_count_days(  # type: ignore[overload-overlap]  # as above
    start: Date, end: Date, day_count: str, *, maturity: Date | None = None, calendar: str | Calendar | None = None
) -> int: ...
@overload
def day_count_days(  # type: ignore[overload-overlap]  # as above
    start: Dates,
    end: Dates,
    day_count: DayCounts,
    *,
    maturity: Dates | None = None,
    calendar: str | Calendar | None = None,
) -> IntArray: ...
@overload
def day_count_days(
    start: Dates | pd.Series[Any],
    end: Dates | pd.Series[Any],
    day_count: DayCounts | pd.Series[Any],
    *,
    maturity: Dates | pd.Series[Any] | None = None,
    calendar: str | Calendar | None = None,
) -> pd.Series[Any]: ...
def day_count_days(
    start: Any, end: Any, day_count: Any, *, maturity: Any = None, calendar: str | Calendar | None = None
) -> Any:
    """Days in ``[start, end)`` as a day count convention counts them.

    Parameters
    ----------
    start, end : date-like
        First day counted, and the day on which the count stops; none missing, for there is no whole number for that.
    day_count : str, or array-like of str
        See `year_fraction`; no name missing. The 30/360 family counts months of 30 days, ``nl`` leaves out 29 February,
        ``business/252`` counts business days, ``1/1`` one, and the others the days that passed.
    maturity : date-like, optional
        The last day of the note; needed by ``30e/360 isda``.
    calendar : str or Calendar, optional
        What business days are; needed by ``business/252``.

    Returns
    -------
    int-like
        Days, of the kind that came in.

    Raises
    ------
    TermError
        An unknown convention, ``end`` before ``start``, a missing date or name, a maturity or calendar missing.

    References
    ----------
    ISDA 2006 Definitions, section 4.16.

    Examples
    --------
    >>> day_count_days("2004-02-28", "2004-03-31", "30/360")
    33
    """
    conventions, codes = read_day_counts(day_count)
    return _day_count_days(start, end, codes, conventions, maturity=maturity, calendar=calendar)


@array_function(dates=("start", "end", "maturity"), numbers={"day_count": None})
def _day_count_days(
    start: Any,
    end: Any,
    day_count: Any = None,
    conventions: tuple[DayCount, ...] = (),
    *,
    maturity: Any = None,
    calendar: Any = None,
) -> Any:
    dates = {"start": start, "end": end} | ({} if maturity is None else {"maturity": maturity})
    for name, column in dates.items():
        forbid(name, column, np.isnat(column), "a date")
    if day_count is not None:
        forbid("day_count", day_count, np.isnan(day_count), "the name of a convention")
    days = np.empty(start.size, dtype=np.int64)
    spans = Spans(start, end, maturity=maturity, calendar=calendar)
    _each(spans, conventions, day_count, days, lambda count, part, into: np.copyto(into, part.days(count)))
    return days


def day_count_fraction(
    start: DateArray,
    end: DateArray,
    day_count: str,
    *,
    period_start: DateArray | None = None,
    period_end: DateArray | None = None,
    frequency: IntArray | FloatArray | None = None,
    maturity: DateArray | None = None,
    calendar: str | Calendar | None = None,
    end_of_month: bool = False,
) -> tuple[IntArray, IntArray]:
    """Give the fraction of a year in ``[start, end)`` as an exact rational, for flat arrays of one length.

    Parameters
    ----------
    start, end, day_count, period_start, period_end, frequency, maturity, calendar, end_of_month
        As for `year_fraction`, but ``datetime64[D]``, whole numbers, and one convention.

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
    spans = Spans(start, end, period_start, period_end, frequency, maturity, calendar, end_of_month)
    return spans.fraction(find_day_count(day_count))


COMPILE_FROM = 200_000  # rows from which a compiled loop saves more time than numba takes to import


def fill(
    spans: Spans,
    conventions: tuple[DayCount, ...],
    codes: Any,
    *,
    threads: int | None = None,
    out: Any = None,
    compile_from: int | None = None,
) -> FloatArray:
    """Give the year fraction of each span, or the interest if it has a principal and a rate.

    Parameters
    ----------
    spans : Spans
        The rows.
    conventions, codes
        What `read_day_counts` gave, the codes as a flat array or None.
    threads, out
        See `year_fraction`.
    compile_from : int, optional
        Rows from which a compiled loop is used, if not from `COMPILE_FROM` on: fewer where numba is there already.
    """
    thread_count(threads, spans.size)  # an impossible number is an error even where it makes no difference
    filled = _result_array(spans.size, out)
    least = COMPILE_FROM if compile_from is None else compile_from
    _each(spans, conventions, codes, filled, lambda count, part, into: _fill(count, part, into, threads, least))
    return filled


def _each(
    spans: Spans,
    conventions: tuple[DayCount, ...],
    codes: Any,
    out: npt.NDArray[Any],
    compute: Callable[[DayCount, Spans, npt.NDArray[Any]], object],
) -> None:
    """Fill the rows of each convention; an error names the row where it is among all."""
    if codes is None:
        compute(conventions[0], spans, out)
        return
    if np.isnan(codes).any():
        out[np.isnan(codes)] = np.nan
    for code, count in enumerate(conventions):
        rows = np.flatnonzero(codes == code)
        part = np.empty(rows.size, dtype=out.dtype)
        with _named_among(rows, out.size):
            compute(count, spans.take(rows), part)
        out[rows] = part


def _fill(count: DayCount, spans: Spans, out: FloatArray, threads: int | None, compile_from: int) -> None:
    amounts = () if spans.principal is None else (spans.principal, spans.annual_rate)
    if spans.size < compile_from:
        np.copyto(out, spans.times(ratio(*spans.fraction(count))))
        return
    loop = count.fractions if spans.principal is None else count.interest
    dates = spans.start.view(np.int64), spans.end.view(np.int64)
    if count.formula is not None:
        flags = loop.spread(*amounts, *dates, out, threads=threads)
    else:
        spans.check_given(count)
        table, *measures = spans.arguments(count)
        flags = loop.spread(table, *amounts, *dates, *measures, out, threads=threads)
    if any(flag & IMPOSSIBLE for flag in flags):
        spans.check()
    if any(flag & UNANSWERED for flag in flags):
        spans.check_measures(count)
        rows = np.flatnonzero(np.isnan(out))
        few = spans.take(rows)
        with _named_among(rows, out.size):
            out[rows] = few.times(ratio(*few.fraction(count)))


def _result_array(rows: int, out: Any) -> FloatArray:
    if out is None:
        return np.empty(rows)
    fits = isinstance(out, np.ndarray) and out.dtype == np.float64 and out.size == rows
    if not (fits and out.flags.c_contiguous and out.flags.writeable):
        kind = f"{out.dtype} of shape {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise TermError("out", rule=f"a contiguous float64 array of {rows} numbers that may be written to", got=kind)
    flat: FloatArray = out.reshape(-1)
    return flat


@contextlib.contextmanager
def _named_among(rows: IntArray, size: int) -> Iterator[None]:
    """Let an error about one of some rows name its row among all."""
    try:
        yield
    except TermError as error:
        row = int(rows[error.row or 0]) if size > 1 and rows.size else None
        raise TermError(error.name, rule=error.rule, got=error.got, row=row, hint=error.hint) from None
