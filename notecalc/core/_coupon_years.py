"""How far days lie apart in years of whole coupon periods (Standard Securities Calculation Methods, SIA 1993)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from notecalc.core._laying_out import ALONG_CYCLE, BY_DAYS, IN_MONTHS
from notecalc.core._spans import Spans
from notecalc.core.arrays import BoolArray, DateArray, FloatArray, IntArray
from notecalc.core.conventions import find_day_count
from notecalc.core.daycount import fill, ratio, year_fraction
from notecalc.core.periods import Periods, count_fraction

__all__ = ["accrued_years", "counting", "step_years", "years_by", "years_to_coupon"]


def accrued_years(periods: Periods, period: IntArray, day: DateArray, *, compile_from: int | None = None) -> FloatArray:
    """Give the fraction of a year accrued from the start of some periods to a day in each, none of them missing.

    `compile_from` is as for `daycount.fill`.
    """
    note = periods.note[period]
    years = np.empty(period.size)
    words = periods.notes.day_count
    alike = words.distinct()
    parts: Iterable[tuple[str, Any]] = [(alike[0], slice(None))] if len(alike) == 1 else words.take(note).rows()
    for name, some in parts:
        count, own = find_day_count(name), period[some]
        start, end, whose = periods.accrual_start[own], day[some], note[some]
        if count.denominator is not None and not count.needs:
            years[some] = fill(Spans(start, end), (count,), None, compile_from=compile_from)
        else:
            cycle, ends = periods.cycle.take(whose), periods.accrual_end[own]
            years[some] = ratio(*count_fraction(periods.notes, whose, cycle, start, end, period_end=ends))
    return years


def years_to_coupon(periods: Periods, period: IntArray, day: DateArray, since: FloatArray) -> FloatArray:
    """Give the years from a day to the end of the period that holds it: a share of a regular one, or its part of steps.

    A period of 30-day months is shared by its day count (`since`), all others by the days that pass.
    """
    start, end, note = periods.accrual_start[period], periods.accrual_end[period], periods.note[period]
    coupons = periods.notes.frequency[note] > 0
    by_count = (counting(periods)[note] == IN_MONTHS) | ~coupons
    fraction = ratio(periods.numerator[period], periods.denominator[period])
    passed = (end - day).astype(np.int64) / (end - start).astype(np.int64)
    step = step_years(periods, period)
    wait: FloatArray = np.where(by_count, (fraction - since) / fraction, passed) * step
    odd = np.flatnonzero(~by_count & ~_is_step(periods, period))
    wait[odd] = _along_cycle(periods, period[odd], day[odd], end[odd])
    # A day may count for nothing in months of 30 days, but no flow is paid at once.
    return np.maximum(wait, step / 1e6)


def step_years(periods: Periods, period: IntArray) -> FloatArray:
    """Give the length of some periods in years of whole coupon periods."""
    note = periods.note[period]
    frequency = periods.notes.frequency[note]
    step: FloatArray = 1.0 / np.maximum(frequency, 1)
    odd = np.flatnonzero(~_is_step(periods, period) | (frequency == 0))
    own = period[odd]
    step[odd] = ratio(periods.numerator[own], periods.denominator[own])
    by_days = odd[~(counting(periods)[note[odd]] == IN_MONTHS) & (frequency[odd] > 0)]
    those = period[by_days]
    step[by_days] = _along_cycle(periods, those, periods.accrual_start[those], periods.accrual_end[those])
    return step


def years_by(periods: Periods, period: IntArray, start: DateArray, end: DateArray, day_count: str) -> FloatArray:
    """Give the years between two days by a named day count; ICMA's goes along the cycle of the period."""
    if find_day_count(day_count).denominator is None:
        return _along_cycle(periods, period, start, end)
    return year_fraction(start, end, day_count)


def counting(periods: Periods) -> IntArray:
    """Tell how each note counts: by 30-day months, along its cycle, or by days."""
    day_count = periods.notes.day_count
    ways = [
        IN_MONTHS if name.startswith("30") else ALONG_CYCLE if find_day_count(name).denominator is None else BY_DAYS
        for name in day_count.table
    ]
    return np.array(ways, dtype=np.int64)[day_count.codes]


def _along_cycle(periods: Periods, period: IntArray, start: DateArray, end: DateArray) -> FloatArray:
    """Give the years between two days as steps of the note's own cycle, and parts of them."""
    note = periods.note[period]
    numerator, steps = periods.cycle.take(note).fraction(start, end)
    return ratio(numerator, steps * periods.notes.frequency[note])


def _is_step(periods: Periods, period: IntArray) -> BoolArray:
    """Tell which periods are a whole step of the cycle."""
    same: BoolArray = (periods.accrual_start[period] == periods.reference_start[period]) & (
        periods.accrual_end[period] == periods.reference_end[period]
    )
    return same
