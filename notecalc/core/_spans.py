"""Spans of days as columns, with what a day count measures them by; the fraction of a year of each, exactly.

What each convention asks for beside the dates is checked here, at once for all rows.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.core._counting import FIRST_DAY, LAST_DAY, MISSED_DAYS
from notecalc.core._jit import BLOCK
from notecalc.core.arrays import FINITE, RATE, DateArray, FloatArray, IntArray, forbid
from notecalc.core.calendars import Calendar, get_calendar
from notecalc.core.conventions import DayCount
from notecalc.core.cycle import Cycle, day_of_month, month_of
from notecalc.errors import TermError

__all__ = ["Spans", "check_dates", "ratio"]

_FREQUENCIES = (1, 2, 3, 4, 6, 12)
_NO_TABLE = np.zeros(1, dtype=np.int32)


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
class Spans:
    """Flat columns of one length: dates, and what came with them.

    Parameters
    ----------
    start, end : datetime64[D] array
        First day counted, and the day on which the count stops.
    period_start, period_end, maturity : datetime64[D] array, optional
        See `daycount.year_fraction`.
    frequency : array, optional
        Coupons per year [1/yr].
    calendar : str or Calendar, optional
        For all rows, as is
    end_of_month : bool
        See `daycount.year_fraction`.
    principal, annual_rate : float64 array, optional
        Where interest is asked for.
    """

    start: DateArray
    end: DateArray
    period_start: DateArray | None = None
    period_end: DateArray | None = None
    frequency: IntArray | FloatArray | None = None
    maturity: DateArray | None = None
    calendar: str | Calendar | None = None
    end_of_month: bool = False
    principal: FloatArray | None = None
    annual_rate: FloatArray | None = None

    @property
    def size(self) -> int:
        """Number of rows."""
        return self.start.size

    def take(self, rows: IntArray | slice) -> Spans:
        """Give some rows, in the order asked for."""
        columns: dict[str, Any] = {column.name: getattr(self, column.name) for column in fields(self)}
        taken: dict[str, Any] = {n: v[rows] if isinstance(v, np.ndarray) else v for n, v in columns.items()}
        return Spans(**taken)

    def check(self) -> None:
        """Raise `TermError` at the first amount or date that can't be."""
        if self.principal is not None and self.annual_rate is not None:
            FINITE.check("principal", self.principal)
            RATE.check("annual_rate", self.annual_rate)
        check_dates(self.start, self.end)

    def check_given(self, count: DayCount) -> None:
        """Raise `TermError` where what a convention needs beside the dates is not given."""
        for name in count.needs:
            if getattr(self, name) is None:
                raise TermError(name, rule=f"given with day count {count.name!r}", got=None)

    def check_measures(self, count: DayCount) -> None:
        """Raise `TermError` where what a convention needs beside the dates is not given, or can't be."""
        self.check_given(count)
        if self.calendar is not None and "calendar" in count.needs:
            self._check_calendar(get_calendar(self.calendar))
        if self.frequency is not None and "frequency" in count.needs:
            known = ~np.isnan(self.frequency)
            wrong = known & ~np.isin(self.frequency, _FREQUENCIES)
            forbid("frequency", self.frequency, wrong, "1, 2, 3, 4, 6 or 12 coupons a year")
            if count.denominator is None:
                self._check_regular()
            else:
                self._check_within()

    def arguments(self, count: DayCount) -> tuple[Any, ...]:
        """Give what a measure takes before and after the dates: a table, two columns of days and one of numbers.

        A column that it doesn't look at is any of the right type.
        """
        days = self.start.view(np.int64)
        table, a, b, c = _NO_TABLE, days, days, days.view(np.float64)
        if "calendar" in count.needs and self.calendar is not None:
            table = _business_days(get_calendar(self.calendar))
        if "maturity" in count.needs and self.maturity is not None:
            a = self.maturity.view(np.int64)
        if "period_end" in count.needs and self.period_end is not None and self.frequency is not None:
            a = a if self.period_start is None else self.period_start.view(np.int64)
            b, c = self.period_end.view(np.int64), self.frequency.astype(np.float64, copy=False)
        return table, a, b, c

    def fraction(self, count: DayCount) -> tuple[IntArray, IntArray]:
        """Give the fraction of a year of each row as an exact rational, not in lowest terms; 0/0 for a missing one."""
        self.check()
        self.check_measures(count)
        missing = np.isnat(self.start) | np.isnat(self.end)
        if count.formula is not None and count.denominator is not None:
            numerator = self._by_block(count.formula, missing)
            return numerator, np.where(missing, 0, count.denominator)
        numerator, denominator = np.empty((2, self.size), dtype=np.int64)
        for part in _blocks(self.size):
            numerator[part], denominator[part] = _measure(self.take(part), count)
        numerator[missing] = denominator[missing] = 0
        if count.denominator is None:
            self._split(numerator, denominator, missing)
        return numerator, denominator

    def times(self, years: FloatArray) -> FloatArray:
        """Give the interest of year fractions, or themselves if there is no principal."""
        if self.principal is None or self.annual_rate is None:
            return years
        return self.principal * self.annual_rate * years

    def days(self, count: DayCount) -> IntArray:
        """Give the days of each row as a convention counts them; no date is missing."""
        self.check()
        missing = np.zeros(self.size, dtype=np.bool_)
        if count.days is not None:
            return self._by_block(count.days, missing)
        return self.fraction(count)[0]

    def _by_block(self, formula: Callable[[Any, Any], Any], missing: npt.NDArray[np.bool_]) -> IntArray:
        """Count block by block: a formula takes ten times the memory of its dates for as long as it counts."""
        counted = np.empty(self.size, dtype=np.int64)
        for part in _blocks(self.size):
            days = (np.where(missing[part], 0, dates[part].view(np.int64)) for dates in (self.start, self.end))
            counted[part] = formula(*days)
        counted[missing] = 0
        return counted

    def _check_calendar(self, calendar: Calendar) -> None:
        rule = f"between {calendar.first} and {calendar.last} in calendar {calendar.name!r}"
        missing = np.isnat(self.start) | np.isnat(self.end)
        for name, dates in (("start", self.start), ("end", self.end)):
            forbid(name, dates, ~missing & ((dates < calendar.first) | (dates > calendar.last)), rule)

    def _check_within(self) -> None:
        first, last = self.period_start, self.period_end
        if first is not None:
            forbid("period_start", first, first > self.start, "on or before `start`")
        if last is not None:
            forbid("period_end", last, last < self.end, "on or after `end`")
            forbid("period_end", last, last.view(np.int64) > LAST_DAY, "between 0001-01-01 and 9999-12-31")

    def _check_regular(self) -> None:
        first, last, frequency = self._period()
        check_dates(first, last, ("period_start", "period_end"))
        forbid("period_end", last, last <= first, "after `period_start`")
        known = ~np.isnat(first) & ~np.isnat(last) & ~np.isnan(frequency)
        year = np.where(known, (last - first).astype(np.int64), 0) * np.where(known, frequency, 0)
        forbid(
            "period_end",
            last,
            known & (np.abs(year - 365) > MISSED_DAYS * np.where(known, frequency, 1)),
            "about 12 months / `frequency` after `period_start`",
            "Give the regular period; dates may lie outside of it",
        )

    def _split(self, numerator: IntArray, denominator: IntArray, missing: npt.NDArray[np.bool_]) -> None:
        """Measure what lies beyond the period given, as a long stub does, by the regular ones that it reaches into."""
        first, last, frequency = self._period()
        missing = missing | np.isnat(first) | np.isnat(last) | np.isnan(frequency)
        rows = np.flatnonzero(~missing & (denominator == 0))
        if not rows.size:
            return
        first, last, per_year = first[rows], last[rows], frequency[rows].astype(np.int64)
        # The roll day is hidden where a month is too short for it.
        roll_day = np.maximum(day_of_month(first), day_of_month(last))
        if self.end_of_month:
            roll_day = np.where((day_of_month(first + 1) == 1) & (day_of_month(last + 1) == 1), 31, roll_day)
        cycle = Cycle(month_of(last), roll_day, 12 // per_year, None, "unadjusted")
        off = np.zeros(self.size, dtype=np.bool_)
        off[rows] = (cycle.dates(np.full(rows.size, -1)) != first) | (cycle.dates(0 * rows) != last)
        rule = "a whole step of the coupon cycle before `period_end`, where dates lie outside the two"
        forbid("period_start", self._period()[0], off, rule)
        numerator[rows], steps = cycle.fraction(self.start[rows], self.end[rows])
        denominator[rows] = steps * per_year

    def _period(self) -> tuple[DateArray, DateArray, IntArray | FloatArray]:
        if self.period_start is None or self.period_end is None or self.frequency is None:
            raise TypeError("no coupon period")  # `check_measures` comes first
        return self.period_start, self.period_end, self.frequency


def _measure(spans: Spans, count: DayCount) -> Any:
    table, *measures = spans.arguments(count)
    missing = np.isnat(spans.start) | np.isnat(spans.end)
    start, end = (np.where(missing, 0, dates.view(np.int64)) for dates in (spans.start, spans.end))
    return count.measure(table, start, end, *measures) if count.measure is not None else (0, 0)


def _blocks(size: int) -> list[slice]:
    return [slice(first, first + BLOCK) for first in range(0, size, BLOCK)]


@functools.lru_cache(maxsize=16)
def _business_days(calendar: Calendar) -> npt.NDArray[np.int32]:
    """Give a calendar's first day, and the business days before each day from there on."""
    days = np.arange(calendar.first, calendar.last + np.timedelta64(1, "D"))
    is_open = calendar.is_business_day(days)
    before: IntArray = np.cumsum(is_open) - is_open
    table = np.concatenate([[int(calendar.first.astype(np.int64))], before]).astype(np.int32)
    table.flags.writeable = False
    return table
