"""Explicit vectors for kernels: several rows side by side in the lanes of one number.

A kernel written with these functions and with operators is compiled for as many lanes as it is asked for. Its first
argument, `like`, is a number of the kind that it works on: `load` and `splat` give numbers of that kind. With
compilation off, or for one lane, that is a plain float, and this module's functions are what they say. What numba makes
of them for more lanes is in `_vector_code`.

Arithmetic is that of IEEE in each lane, without reordering, so that a lane's result never depends on the others.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

from notecalc.errors import TermError

__all__ = [
    "LaneKind",
    "any_lane",
    "exp",
    "fma",
    "lane_count",
    "lanes_of",
    "load",
    "log",
    "maximum",
    "minimum",
    "pick",
    "point",
    "select",
    "splat",
    "sqrt",
    "store",
    "whole",
]


_WIDTHS = ("1", "2", "4", "8", "16", "32")


@dataclass(frozen=True, slots=True)
class LaneKind:
    """How many lanes a kernel is to be compiled for; handed to it as its `like`."""

    lanes: int


def load(values: Any, at: int, like: Any) -> Any:
    """Give the numbers from an array's place `at` on, one for each lane."""
    del like
    return values[at]


def pick(values: Any, at: int, cells: Any, like: Any) -> Any:
    """Give from an array a number for each lane, at the lane's own place in `cells` counted from `at`."""
    del like
    return values[at + cells[0]]


def point(cells: Any, x: Any) -> None:
    """Write to `cells` where in an array the x-th number of each lane is, x being whole, for `pick`."""
    cells[0] = int(x)


def store(values: Any, at: int, x: Any) -> None:
    """Write the lanes of a number from an array's place `at` on."""
    values[at] = x


def splat(x: float, like: Any) -> Any:
    """Give a number with the same value in each lane."""
    del like
    return x


def lanes_of(like: Any) -> int:
    """Give how many lanes a number has."""
    del like
    return 1


def fma(x: Any, y: Any, z: Any) -> Any:
    """Multiply x by y and add z; compiled, it is rounded once."""
    return x * y + z


def minimum(x: Any, y: Any) -> Any:
    """Give the lesser; y where either is missing."""
    return min(y, x)


def maximum(x: Any, y: Any) -> Any:
    """Give the greater; y where either is missing."""
    return max(y, x)


def select(condition: Any, x: Any, y: Any) -> Any:
    """Give x where a condition holds, else y; conditions are comparisons, joined by & and |."""
    return x if condition else y


def any_lane(condition: Any) -> bool:
    """Tell whether a condition holds in any lane."""
    return bool(condition)


def whole(x: Any) -> Any:
    """Give the greatest whole number that is not above x."""
    return math.floor(x) * 1.0 if math.isfinite(x) else x


def sqrt(x: Any) -> Any:
    """Give the square root; missing for what is below 0."""
    return math.sqrt(x) if x >= 0 else math.nan


def exp(x: Any) -> Any:
    """Give e to the power x, to two units in the last place; 0 below -708, where results are subnormal."""
    if x > 709.78:
        return math.inf
    return math.exp(x) if not x < -708.0 else 0.0


def log(x: Any) -> Any:
    """Give the natural logarithm, to two units in the last place; missing below 0, -inf at less than 2.3e-308."""
    if x > 0:
        return math.log(x) if x >= 2.2250738585072014e-308 else -math.inf
    return -math.inf if x == 0 else math.nan


def lane_count() -> int:
    """Give how many lanes kernels have: by ``NOTECALC_LANES``, else what suits the processor best.

    Raises
    ------
    TermError
        ``NOTECALC_LANES`` is none of 1, 2, 4, 8, 16, 32.

    Examples
    --------
    >>> lane_count() in (1, 2, 4, 8, 16, 32)
    True
    """
    asked = os.environ.get("NOTECALC_LANES", "").strip()
    if asked:
        if asked not in _WIDTHS:
            raise TermError("NOTECALC_LANES", rule=f"one of {', '.join(_WIDTHS)}", got=asked)
        return int(asked)
    return _suited()


def _suited() -> int:
    from llvmlite import binding

    has = {name for name, present in binding.get_host_cpu_features().items() if present}
    # Twice as many as a register holds: while one is waited for, the other is computed.
    for feature, lanes in (("avx512f", 16), ("avx2", 8), ("avx", 8), ("neon", 4), ("sse2", 4)):
        if feature in has:
            return lanes
    return 1
