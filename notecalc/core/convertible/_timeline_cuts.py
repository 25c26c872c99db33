"""The days on which something happens to a note, in order: loops over pairs of a note and a settlement.

A day that is missing is the least integer, as in numpy; so is the first day of a window that a pair does not have.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from notecalc.core._jit import kernel

__all__ = ["MISSING", "STEP_OF_MAKE_WHOLE", "cut_days"]

MISSING: Final = np.iinfo(np.int64).min  # NaT
STEP_OF_MAKE_WHOLE: Final = 30  # days between which what is discounted runs in a line: of 20 at 5% it misses 5e-6


def _with_day(end: Any, begin: int, count: int, day: int) -> int:
    """Put a day among `count` days that rise, unless it is there; give how many they are then."""
    k = begin + count
    while k > begin and end[k - 1] > day:
        k -= 1
    if k > begin and end[k - 1] == day:
        return count
    for j in range(begin + count, k, -1):
        end[j] = end[j - 1]
    end[k] = day
    return count + 1


def _with_both(end: Any, begin: int, count: int, day: int, first: int, last: int, notice: int) -> int:
    """Put a day among others that lie after the first and up to the last, and the day of notice before it."""
    if first < day <= last:
        count = _with_day(end, begin, count, day)
    if notice > 0 and first < day - notice <= last:
        count = _with_day(end, begin, count, day - notice)
    return count


def _is_ahead(sizes: Any, i: int, opens: Any, closes: Any, notice: int, first: int) -> Any:
    """Tell whether a pair may still be called after notice."""
    pairs = sizes[0]
    for w in range(sizes[1], sizes[1] + sizes[2]):
        if opens[w * pairs + i] != MISSING and closes[w * pairs + i] - notice > first:
            return notice > 0
    return False


@kernel(
    tables=["int64"] * 7,
    reads=["int64"] * 6 + ["float64"],
    writes=["int64"] * 4,
    calls=[_with_day, _with_both, _is_ahead],
)
def cut_days(
    sizes: Any, period_offsets: Any, paid: Any, accrued: Any, everywhere: Any, own_offsets: Any, own: Any, note: Any,
    day: Any, opens: Any, closes: Any, goal: Any, notice: Any, make_whole_rate: Any, start: Any, end: Any,
    of: Any, offsets: Any,
) -> None:  # fmt: skip
    """Fill in the segments of each pair and their notes, and where those of each pair begin.

    `sizes` are pairs, conversions, calls and puts. Days of all pairs are in `everywhere`, of single ones in `own`.
    """
    pairs, calls = sizes[0], sizes[2]
    windows = sizes[1] + sizes[2] + sizes[3]
    begin = 0
    offsets[0] = 0
    for i in range(pairs):
        first, count = day[i], 0
        p, stop = period_offsets[note[i]], period_offsets[note[i] + 1]
        last = max(paid[stop - 1], accrued[stop - 1])
        gap = notice[i] if _is_ahead(sizes, i, opens, closes, notice[i], first) else 0
        for k in range(p, stop):
            count = _with_both(end, begin, count, accrued[k], first, last, gap)
            count = _with_both(end, begin, count, paid[k], first, last, gap)
        for w in range(windows):
            if opens[w * pairs + i] != MISSING:
                count = _with_both(end, begin, count, opens[w * pairs + i], first, last, gap)
                count = _with_both(end, begin, count, closes[w * pairs + i], first, last, gap)
        for k in range(everywhere.size):
            count = _with_both(end, begin, count, everywhere[k], first, last, gap)
        for k in range(own_offsets[i], own_offsets[i + 1]):
            count = _with_both(end, begin, count, own[k], first, last, gap)
        # Where coupons that a call pays are discounted, time is cut finely.
        for c in range(calls):
            last_paid = goal[c * pairs + i]
            if last_paid != MISSING and make_whole_rate[c * pairs + i] != 0.0:
                for days in range(STEP_OF_MAKE_WHOLE, last_paid - first, STEP_OF_MAKE_WHOLE):
                    count = _with_both(end, begin, count, first + days, first, last, gap)
        for s in range(begin, begin + count):
            start[s] = end[s - 1] if s > begin else first
            of[s] = note[i]
        begin += count
        offsets[i + 1] = begin
