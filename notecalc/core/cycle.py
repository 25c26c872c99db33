"""The regular cycle of coupon dates around an anchor: month arithmetic, the roll day, and where a date falls in it.

Knows no note; `schedule` builds cycles from terms, and ICMA's day count reads its reference periods off them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import cast

import numpy as np

from notecalc.core.arrays import DateArray, IntArray
from notecalc.core.calendars import Calendar, adjust_each
from notecalc.core.words import Words

__all__ = ["Cycle", "day_of_month", "month_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Cycle:
    """One cycle per element: dates a fixed number of months apart, on one day of the month or the month's last.

    Parameters
    ----------
    month : int64 array
        Month of the anchor, counted from 1970-01.
    roll_day : int64 array
        Day of the month from 1; 31 is the last of every month.
    step : int64 array
        Months between dates.
    calendar, convention
        How the dates are adjusted, for all or for each; calendar None if they aren't.
    anchor : datetime64[D] array, optional
        The anchor itself, where it may be off the roll day or adjusted by another convention than the rest.
    days : int64 array, optional
        Days between dates where they are counted in days, which makes the first three meaningless; 0 where not.
    origin : datetime64[D] array, optional
        The unadjusted day from which such days are counted.
    """

    month: IntArray
    roll_day: IntArray
    step: IntArray
    calendar: Calendar | Words[Calendar | None] | None
    convention: str | Words[str]
    anchor: DateArray | None = None
    days: IntArray | None = None
    origin: DateArray | None = None

    def take(self, rows: IntArray) -> Cycle:
        """Give the cycles of some elements, in the order asked for."""
        parts = {}
        for field in fields(self):
            part = getattr(self, field.name)
            if isinstance(part, np.ndarray):
                part = part[rows]
            elif isinstance(part, Words):
                part = part.take(rows)
            parts[field.name] = part
        return Cycle(**parts)

    def dates(self, j: IntArray) -> DateArray:
        """Give the date `j` steps after the anchor (before it if negative)."""
        month = (self.month + j * self.step).astype("datetime64[M]")
        first = month.astype("datetime64[D]")
        last = (month + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
        dates: DateArray = np.minimum(first + (self.roll_day - 1), last)
        if self.days is not None and self.origin is not None:
            dates = np.where(self.days > 0, self.origin + j * self.days, dates)
        if isinstance(self.calendar, Calendar):
            dates = self.calendar.adjust(dates, cast(str, self.convention))
        elif self.calendar is not None:
            dates = adjust_each(dates, self.calendar, cast("Words[str]", self.convention))
        return dates if self.anchor is None else np.where(j == 0, self.anchor, dates)

    def locate(self, dates: DateArray) -> IntArray:
        """Give the `j` for which ``dates(j) <= date < dates(j + 1)``."""
        j = (month_of(dates) - self.month) // self.step
        if self.days is not None and self.origin is not None:
            since = (dates - self.origin).astype(np.int64)
            j = np.where(self.days > 0, since // np.maximum(self.days, 1), j)
        # The roll day may put the date one period off, and an adjustment into another month one more.
        while (too_late := self.dates(j) > dates).any():
            j -= too_late
        while (too_early := self.dates(j + 1) <= dates).any():
            j += too_early
        return j

    def fraction(self, start: DateArray, end: DateArray) -> tuple[IntArray, IntArray]:
        """Give the steps from one date to another as an exact rational: whole ones, and days over days of a step."""
        first, last = self.locate(start), self.locate(end)
        days_before, first_days = self._days_in(first, start)
        days_after, last_days = self._days_in(last, end)
        numerator = (last - first) * first_days * last_days + days_after * first_days - days_before * last_days
        denominator = first_days * last_days
        common = np.gcd(numerator, denominator)
        return numerator // common, denominator // common

    def _days_in(self, j: IntArray, dates: DateArray) -> tuple[IntArray, IntArray]:
        start, end = self.dates(j), self.dates(j + 1)
        return (dates - start).astype(np.int64), (end - start).astype(np.int64)


def month_of(dates: DateArray) -> IntArray:
    """Give each date's month, counted from 1970-01."""
    return dates.astype("datetime64[M]").astype(np.int64)


def day_of_month(dates: DateArray) -> IntArray:
    """Give each date's day of the month, from 1."""
    since: IntArray = (dates - dates.astype("datetime64[M]")).astype(np.int64)
    return since + 1
