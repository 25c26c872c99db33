"""Coupon periods split where something changes within them; knows not what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from notecalc.core._rows import order_of, pair_of
from notecalc.core.accrual import elapsed
from notecalc.core.arrays import BoolArray, DateArray, FloatArray, IntArray
from notecalc.core.calendars import adjust_each
from notecalc.core.notes import Periods

__all__ = ["Splits"]


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """The parts of all periods, in their order, flat; the fields are those of `balances.Balances`."""

    periods: Periods
    offsets: IntArray
    note: IntArray
    period: IntArray
    start: DateArray
    end: DateArray
    since: FloatArray
    fraction: FloatArray
    ends_period: BoolArray

    @classmethod
    def of(cls, periods: Periods, orders: Sequence[IntArray]) -> Splits:
        """Split at pairs of note and date, as `order_of` gives them; those outside the note's periods are no matter."""
        ends = order_of(periods.note, periods.accrual_end)
        breaks = np.sort(np.concatenate([*orders, np.zeros(0, dtype=np.int64)]))
        breaks = breaks[np.diff(breaks, prepend=breaks[:1] - 1) > 0]
        place = np.searchsorted(ends, breaks, side="right")  # a break on a coupon date belongs to the next period
        breaks, place = breaks[place < ends.size], place[place < ends.size]
        owner, date = pair_of(breaks)
        inside = (owner == periods.note[place]) & (date > periods.accrual_start[place])
        date, place = date[inside], place[inside]
        period = np.insert(np.arange(len(periods)), place, place)
        note, end, ends_period = periods.note[period], periods.accrual_end[period], np.ones(period.size, dtype=np.bool_)
        cut = place + np.arange(place.size)
        end[cut], ends_period[cut] = date, False
        start, until, since = periods.accrual_start[period], periods.fraction[period], np.zeros(period.size)
        start[cut + 1], until[cut] = end[cut], elapsed(periods, note[cut], end[cut])[1]
        since[cut + 1] = until[cut]
        offsets = np.concatenate([[0], np.cumsum(np.bincount(note, minlength=len(periods.notes)))])
        return cls(periods, offsets, note, period, start, end, since, until - since, ends_period)

    def payment_dates(self, happens: BoolArray) -> DateArray:
        """Give the business day of what is paid at the end of each part; NaT where nothing is."""
        dates: DateArray = np.where(self.ends_period, self.periods.payment_date[self.period], np.datetime64("NaT", "D"))
        rows = np.flatnonzero(happens & ~self.ends_period)
        notes, note = self.periods.notes, self.note[rows]
        dates[rows] = adjust_each(self.end[rows], notes.calendar.take(note), notes.business_day_convention.take(note))
        return dates
