"""A call for cash that is allowed from a trigger on, at which the note would be worth more than it pays.

There the note ends at a known stock price, which is no node, with a kink: it is held at what is paid, and the node
beyond is that of a parabola. Elsewhere it ends where calling is best, and touches its bound smoothly: see `_march`.
"""

from __future__ import annotations

import math
from typing import Any

from notecalc.core.convertible._columns import (
    CALL,
    FLOOR_END,
    FLOOR_START,
    GAIN,
    LAST,
    LENGTH,
    LEVEL_END,
    LEVEL_START,
    NEW,
    OPEN,
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


def solve_held(u: Any, work: Any, now: Any, near: int, z: float, held: float) -> Any:
    """Solve for the last two nodes before a trigger, z nodes from the last; `held` is what W is there."""
    more, ahead, back = now[TWICE] - 1.0, work[PASS, near], work[PASS, near - 1]
    free = now[TWICE] * work[GAIN, near] - more * u[near] + ahead * more * u[near + 1]
    below = now[TWICE] * work[GAIN, near - 1] - more * u[near - 1] + back * more * u[near]
    far = z * (1.0 - z) / (1.0 + z)
    here = z * free + ahead * (far * below + 2.0 * held / (1.0 + z))
    here /= z - ahead * (far * back - 2.0 * (1.0 - z))
    return below + back * here, here


def stays_held(u: Any, work: Any, seg: Any, o: int, now: Any, h: float, place: float, held: float, least: int) -> Any:
    """Tell whether the note is worth more before a trigger than what it is called for there.

    Where it is not, an edge is to be looked for beyond. It cannot be told from a node beyond, to which W before the
    step has been carried across a kink.
    """
    last = last_below(place)
    near, z = solved_before(last, place - last)
    if last <= least + 2:
        return False
    below, here = solve_held(u, work, now, near, z, held)
    return before_end(below, here, held, z) + own_slope(seg, o, now[NEW], held) * h <= 0.0


def hold(u: Any, work: Any, state: Any, now: Any, place: float, held: float) -> Any:
    """Solve for the last node before the trigger, and carry the solution to the first beyond; give node and unknown.

    No further: should the edge leave the trigger, what is there before the step is W on its bound.
    """
    near, z = solved_before(int(state[LAST]), place - state[LAST])
    below, here = solve_held(u, work, now, near, z, held)
    w = (here + (now[TWICE] - 1.0) * u[near]) / now[TWICE]
    u[near] = here
    for i in range(near + 1, min(int(state[LAST]) + 2, u.size)):
        u[i] = parabola(below, here, held, z, i - near)
    return near, w


def before_end(below: float, here: float, held: float, z: float) -> Any:
    """Give the slope at the trigger, per node, of the parabola through nodes -1 and 0 and it."""
    return (below - held) * z / (1.0 + z) - (here - held) * (1.0 + z) / z


def own_slope(seg: Any, o: int, tau: float, held: float) -> Any:
    """Give what W loses there beyond the trigger, per unit of ln S: the shares, if what is held is the call price."""
    shares = seg[o + RATIO] * seg[o + TRIGGER]
    return shares if held > along(seg, o, FLOOR_START, FLOOR_END, tau) or seg[o + OPEN] <= 0.0 else 0.0


def kept_before(f: Any, place: float) -> Any:
    """Give what an unknown is worth just before a trigger, by the parabola through three nodes."""
    near, z = solved_before(last_below(place), place - last_below(place))
    f0, f1, f2 = f[near], f[near - 1], f[near - 2]
    return f0 + z * (1.5 * f0 - 2.0 * f1 + 0.5 * f2) + 0.5 * z * z * (f0 - 2.0 * f1 + f2)


def weigh_end(f: Any, place: float, jump: float) -> None:
    """Weigh a jump of an unknown at a trigger, from now on held there: sums of what is nothing there see its slope."""
    near, z = solved_before(last_below(place), place - last_below(place))
    f[near] += jump / (6.0 * z * (1.0 + z))


def kink_at_trigger(u: Any, state: Any, seg: Any, o: int, place: float, held: float, h: float) -> Any:
    """Give the slope and the second derivative of W just before a trigger less those beyond it, per node."""
    near, z = solved_before(int(state[LAST]), place - state[LAST])
    here, below = u[near], u[near - 1]
    bend = 2.0 * (below / (1.0 + z) - here / z + held / (z * (1.0 + z)))
    shares = own_slope(seg, o, seg[o + LENGTH], held)
    return before_end(below, here, held, z) + shares * h, bend + shares * h * h
