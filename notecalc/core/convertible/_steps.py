"""How the time of a segment is cut into steps, the same in the engine, for notes that have been called, and in lanes.

The first are implicit and of half the length; and where conversion may be early there are more of them, the first
shorter than the mean, as after a coupon its edge comes in from far away, the faster the sooner: with dividends of 6% a
year 1.6 times the steps take 1.3 times as long, and more than halve the error.
"""

from __future__ import annotations

import math
from typing import Any, Final

from notecalc.core.convertible._columns import BRIEF, CARRY, HALF, LENGTH, MIDDLE, NEW, R_CARRY, TWICE
from notecalc.core.convertible._segment import own_or

__all__: list[str] = []

GRADED: Final = 0.5  # how much shorter the first steps are than the mean
MORE: Final = 0.6  # how many more steps there are then
GRADED_FROM: Final = 0.02  # carry at which that is so in full
IMPLICIT: Final = 4  # steps of half the length with which a segment begins in the engine
IMPLICIT_IN_LANES: Final = 2
LEAST_STEPS: Final = 2  # of a segment
LEAST_BRIEF: Final = 6  # of one in which there is little time for what must be seen


def carry_of(seg: Any, o: int, row: Any) -> Any:
    """Give what the stock pays and costs in a segment."""
    return own_or(seg[o + CARRY], row[R_CARRY])


def early_share(carry: float) -> Any:
    """Give how far a segment is cut for early conversion, from 0 to 1."""
    return min(max(carry / GRADED_FROM, 0.0), 1.0)


def step_count(seg: Any, o: int, carry: float, steps: float, total: float) -> Any:
    """Give the steps of a segment on the coarsest grid, of those of a life of so many years."""
    count = max(LEAST_BRIEF if seg[o + BRIEF] > 0.0 else LEAST_STEPS, round(steps * seg[o + LENGTH] / total))
    return math.floor(count * (1.0 + MORE * early_share(carry)) + 0.5)


def most_steps(steps: float, segments: int) -> float:
    """Give how many steps a life of some segments may have in all."""
    return (1.0 + MORE) * (steps + LEAST_BRIEF * segments) + segments


def graded_by(seg: Any, o: int, row: Any) -> Any:
    """Give how much shorter the first steps of a segment are."""
    return GRADED * early_share(carry_of(seg, o, row))


def next_step(now: Any, step: int, steps: int, length: float, graded: float, tau: float, done: float) -> Any:
    """Put a step into `now`; give the time back from the segment's end after it, and the share of steps done."""
    implicit = step < IMPLICIT
    done += 0.5 / steps if implicit else 1.0 / steps
    advance = length * done * (1.0 - graded + graded * done) - tau
    now[TWICE] = 1.0 if implicit else 2.0
    now[HALF] = advance / now[TWICE]
    now[NEW] = tau + advance
    now[MIDDLE] = tau + now[HALF]
    return tau + advance, done
