"""The loops that find the coupon period of a day, and what has accrued in it and before; on serial days."""

from __future__ import annotations

from typing import Any

import numpy as np

from notecalc.core._jit import kernel

__all__ = ["hold", "sum_before"]


@kernel(
    reads=[*["int64"] * 6, "int8", "bool_", "int64", "int64"],
    writes=["int64", "float64", "bool_"],
)
def hold(
    offsets: Any, start: Any, end: Any, first: Any, last: Any, frequency: Any, day_count: Any, by_cycle: Any, note: Any,
    day: Any, period: Any, years: Any, inside: Any,
) -> None:  # fmt: skip
    """Fill each note's first period that ends after a day, or its last, and whether that holds the day.

    And the fraction of a year since its start: 0 outside, NaN where a day count must tell. One that measures by the
    cycle (`by_cycle` tells which do) takes days over those of the regular period, if that holds the whole period.
    """
    for i in range(len(note)):
        own = note[i]
        low, high = offsets[own], offsets[own + 1] - 1
        empty = low > high
        while low < high:
            middle = (low + high) // 2
            if end[middle] > day[i]:
                high = middle
            else:
                low = middle + 1
        period[i] = -1 if empty else low
        inside[i] = not empty and start[low] <= day[i] < end[low]
        years[i] = 0.0
        if inside[i]:
            if by_cycle[day_count[own]] and start[low] >= first[low]:
                years[i] = (day[i] - start[low]) / ((last[low] - first[low]) * frequency[own])
            else:
                years[i] = np.nan


@kernel(reads=["int64", "int64", "int64"], writes="float64")
def sum_before(offsets: Any, numerator: Any, denominator: Any, out: Any) -> None:
    """Add up the fractions of each note's periods before each, note by note, so that none rounds another's."""
    for i in range(len(offsets) - 1):
        total = 0.0
        for k in range(offsets[i], offsets[i + 1]):
            out[k] = total
            total += numerator[k] / denominator[k]
