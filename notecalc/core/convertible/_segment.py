"""Numbers of one segment of time, as the kernels read them."""

from __future__ import annotations

import math
from typing import Any

from notecalc.core.convertible._columns import CALL, LENGTH, OPEN

__all__: list[str] = []


def own_or(value: float, other: float) -> Any:
    """Give a segment's number, or the row's where the segment has none."""
    return other if math.isnan(value) else value


def is_barrier(seg: Any, o: int) -> Any:
    """Tell whether the note ends at the level: it is called there, and converted."""
    return seg[o + CALL] > 0 and seg[o + OPEN] > 0


def along(seg: Any, o: int, start: int, end: int, tau: float) -> Any:
    """Give a number that runs in a line from the start to the end of a segment, at a time back from the end."""
    return seg[o + end] + (seg[o + start] - seg[o + end]) * tau / seg[o + LENGTH]


def rise(seg: Any, o: int, start: int, end: int) -> Any:
    """Give its slope in time."""
    return (seg[o + end] - seg[o + start]) / seg[o + LENGTH]


def spreads(mean: float, half_var: float, hh: float, h: float, is_top: bool) -> Any:  # noqa: FBT001 (a kernel's flag)
    """Give what a node takes from the one below it and the one above it in a half step.

    Where the stock drifts further than it spreads, the grid makes it spread: shares and bonds are still exact.
    """
    if is_top:
        growth = math.exp(h)
        return -hh * mean * growth / (growth - 1.0), 0.0
    spread = max(half_var, abs(mean) * 0.5 * h / (1.0 - 0.5 * h))
    away, along_mean = hh * spread / (h * h), 0.5 * hh * (mean - spread) / h
    return away - along_mean, away + along_mean
