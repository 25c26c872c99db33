"""Loops from the periods of notes to flat amounts and gaps in years; what they mean is in `_coupons`."""

from __future__ import annotations

from typing import Any

import numpy as np

from notecalc.core._jit import kernel

__all__ = ["ALONG_CYCLE", "BY_DAYS", "IN_MONTHS", "find_periods", "lay_out"]

BY_DAYS, ALONG_CYCLE, IN_MONTHS = 0, 1, 2  # how a note's day count shares a period
_MISSING = np.iinfo(np.int64).min  # NaT


@kernel(reads=["int64"] * 9, writes=["int64", "int64", "float64"])
def find_periods(
    offsets: Any,
    start: Any,
    end: Any,
    reference_start: Any,
    reference_end: Any,
    frequency: Any,
    counting: Any,
    note: Any,
    day: Any,
    current: Any,
    places: Any,
    since: Any,
) -> Any:
    """Fill the period that holds each day, where each row's flows begin, and the years accrued; tell of a day outside.

    Years are left NaN but for notes that count them by the cycle, in periods that lie in one step of it. A missing day
    has the first period. The first row whose day is before issue or from maturity on is returned, -1 if there is none.
    """
    outside, flows = -1, 0
    for i in range(note.size):
        n, d = note[i], day[i]
        low, high = offsets[n], offsets[n + 1] - 1
        ends = offsets[n + 1]
        if d == _MISSING:
            high = low
        elif high < low or d < start[low] or d >= end[high]:
            outside = i if outside < 0 else outside
            high = low
        while low < high:
            middle = (low + high) >> 1
            if end[middle] > d:
                high = middle
            else:
                low = middle + 1
        current[i] = low
        places[i] = flows
        flows += ends - low
        years = np.nan
        if counting[n] == ALONG_CYCLE and d != _MISSING and outside < 0:
            first, last = reference_start[low], reference_end[low]
            if start[low] >= first and d <= last:
                years = (d - start[low]) / ((last - first) * frequency[n])
        since[i] = years
    places[note.size] = flows
    return outside


def _take_ex(ex_date: Any, amount: Any, now: Any, begin: Any, stop: Any, day: Any) -> Any:
    """Take away the coupons that are ex on a day, and give their sum: of short periods more than one may be."""
    gone = 0.0
    for k in range(begin, stop):
        if ex_date[now + k - begin] > day:
            break
        gone += amount[k]
        amount[k] = 0.0
    return gone


@kernel(
    reads=[*["int64"] * 11, "float64", "int64", "float64", *["int64"] * 4, "float64"],
    writes=["float64", "float64", "int8", "float64"],
    calls=(_take_ex,),
)
def lay_out(
    offsets: Any,
    start: Any,
    end: Any,
    reference_start: Any,
    reference_end: Any,
    numerator: Any,
    denominator: Any,
    ex_date: Any,
    ex_days: Any,
    frequency: Any,
    counting: Any,
    rate: Any,
    by_note: Any,
    redemption: Any,
    note: Any,
    day: Any,
    current: Any,
    places: Any,
    since: Any,
    amount: Any,
    gap: Any,
    even: Any,
    accrued: Any,
) -> Any:
    """Fill amounts [per 100], gaps [yr], whether all gaps but the first are alike, and accrued interest [per 100].

    All periods but a note's first and last are whole steps of its cycle. Gaps are left NaN that begin or end in another
    one, or whose day is missing; whether there are any is returned. `by_note` tells whether rates are those of notes or
    of periods.
    """
    odd = False
    for i in range(note.size):
        n, d, begin, stop = note[i], day[i], places[i], places[i + 1]
        now, last = current[i], offsets[n + 1] - 1
        step = 1 / frequency[n] if frequency[n] > 0 else np.nan
        whole_now = end[now] == reference_end[now] and start[now] == reference_start[now]
        whole_last = end[last] == reference_end[last] and start[last] == reference_start[last]
        coupon = 100 * rate[n if by_note[0] else now]
        accrued[i] = coupon * since[i]
        if counting[n] == ALONG_CYCLE and by_note[0]:  # whole steps are all alike, and nothing need be read of them
            level = coupon * step
            for k in range(begin, stop):
                amount[k] = level
                gap[k] = step
            if not whole_now:
                amount[begin] = coupon * (numerator[now] / denominator[now])
            if not whole_last:
                amount[stop - 1] = coupon * (numerator[last] / denominator[last])
        else:
            above, below, fraction = 0, 0, 0.0
            for k in range(begin, stop):
                p = now + k - begin
                if numerator[p] != above or denominator[p] != below:
                    above, below = numerator[p], denominator[p]
                    fraction = above / below
                amount[k] = (coupon if by_note[0] else 100 * rate[p]) * fraction
                gap[k] = step
        if ex_days[n] >= 0 and d != _MISSING:
            accrued[i] -= _take_ex(ex_date, amount, now, begin, stop, d)
        amount[stop - 1] += redemption[n]
        even[i] = whole_last or last == now
        if not whole_last:
            gap[stop - 1] = np.nan
        wait = np.nan
        if whole_now and d != _MISSING:
            by_count = counting[n] == IN_MONTHS
            whole = numerator[now] / denominator[now] if by_count else float(end[now] - start[now])
            past = since[i] if by_count else float(d - start[now])
            # A day may count for nothing in months of 30 days, but no flow is paid at once.
            wait = max((whole - past) / whole, 1e-6) * step
        gap[begin] = wait
        odd |= not (wait + gap[stop - 1] > 0)
    return odd
