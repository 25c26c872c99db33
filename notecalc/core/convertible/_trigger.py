"""A call for cash that is allowed from a trigger on, at which the note would be worth more than it pays.

There the note ends at a known stock price, which is no node, with a kink: it is held at what is paid, and the node
beyond is that of a parabola. Elsewhere it ends where calling is best, and touches its bound smoothly: see `_march`.
"""

from __future__ import annotations

import math
from typing import Any

from notecalc.core.convertible._columns import (
    BEYOND,
    CALL,
    GAIN,
    LAST,
    LEVEL_END,
    LEVEL_START,
    PART,
    PASS,
    PUT_LAST,
    RATIO,
    SIDE,
    TRIGGER,
    TWICE,
)
from notecalc.core.convertible._segment import along, is_barrier

__all__: list[str] = []

_SAME_PLACE = 1e-9  # [cells]
_NEAR = 0.5  # of a cell: a node nearer to the trigger is not solved for, but interpolated


def trigger_place(seg: Any, o: int, tau: float, h: float, zero: int) -> Any:
    """Give where the trigger of a live call lies, in nodes; -1 where there is none."""
    if seg[o + CALL] <= 0.0 or seg[o + TRIGGER] <= 0.0:
        return -1.0
    return zero + math.log(seg[o + TRIGGER] / along(seg, o, LEVEL_START, LEVEL_END, tau)) / h


def last_below(place: float) -> Any:
    """Give the last node below a place."""
    return math.ceil(place - _SAME_PLACE) - 1


def allows_cash(seg: Any, o: int, place: float, top: int) -> Any:
    """Tell whether a trigger leaves room for a call for cash: below the level, or the top of the grid."""
    return seg[o + CALL] > 0.0 and place < top + (1.0 - _SAME_PLACE if is_barrier(seg, o) else _SAME_PLACE)


def is_held(state: Any, place: float) -> Any:
    """Tell whether the note ends at the trigger, and there is room for a parabola below it."""
    last = last_below(place)
    return (
        state[SIDE] < 0.0 and last > state[PUT_LAST] + 3.0 and state[LAST] == last
        and state[LAST] + state[PART] < place + 1e-5
    )  # fmt: skip


def solved_before(last: int, part: float) -> Any:
    """Give the last node that is solved for, and how far the trigger is from it: half a cell to one and a half."""
    return (last - 1, part + 1.0) if part < _NEAR else (last, part)


def parabola(below: float, here: float, held: float, z: float, x: float) -> Any:
    """Give the parabola through nodes -1 and 0 and the trigger at z."""
    return below * x * (x - z) / (1.0 + z) - here * (x + 1.0) * (x - z) / z + held * (x + 1.0) * x / (z * (1.0 + z))


def hold(u: Any, work: Any, state: Any, now: Any, place: float, held: float) -> Any:
    """Solve for the last node before the trigger, and carry the solution beyond; give the node, and its unknown."""
    near, z = solved_before(int(state[LAST]), place - state[LAST])
    more, ahead, back = now[TWICE] - 1.0, work[PASS, near], work[PASS, near - 1]
    free = now[TWICE] * work[GAIN, near] - more * u[near] + ahead * more * u[near + 1]
    below = now[TWICE] * work[GAIN, near - 1] - more * u[near - 1] + back * more * u[near]
    far = z * (1.0 - z) / (1.0 + z)
    here = z * free + ahead * (far * below + 2.0 * held / (1.0 + z))
    here /= z - ahead * (far * back - 2.0 * (1.0 - z))
    below += back * here
    w = (here + more * u[near]) / now[TWICE]
    u[near] = here
    for i in range(near + 1, min(near + BEYOND + 1, u.size)):
        u[i] = parabola(below, here, held, z, i - near)
    return near, w


def kept_before(f: Any, place: float) -> Any:
    """Give what an unknown is worth just before a trigger, by the parabola through three nodes."""
    near, z = solved_before(last_below(place), place - last_below(place))
    f0, f1, f2 = f[near], f[near - 1], f[near - 2]
    return f0 + z * (1.5 * f0 - 2.0 * f1 + 0.5 * f2) + 0.5 * z * z * (f0 - 2.0 * f1 + f2)


def weigh_end(f: Any, place: float, jump: float) -> None:
    """Weigh a jump of an unknown at a trigger, from now on held there: sums of what is nothing there see its slope."""
    near, z = solved_before(last_below(place), place - last_below(place))
    f[near] += jump / (6.0 * z * (1.0 + z))


def kink_at_trigger(u: Any, state: Any, seg: Any, o: int, place: float, held: float, floor: float, h: float) -> Any:
    """Give the slope and the second derivative of W just before a trigger less those beyond it, per node."""
    near, z = solved_before(int(state[LAST]), place - state[LAST])
    here, below = u[near], u[near - 1]
    slope = (below - held) * z / (1.0 + z) - (here - held) * (1.0 + z) / z
    bend = 2.0 * (below / (1.0 + z) - here / z + held / (z * (1.0 + z)))
    shares = seg[o + RATIO] * seg[o + TRIGGER] if held > floor else 0.0
    return slope + shares * h, bend + shares * h * h
