"""Where a note may be put at any time, it is put below some stock price: the other edge of the continuation region.

It is found as the edge above is, from the parabola by which the solution leaves its bound, but by repetition: the sweep
goes upwards, and what lies above is known only after it. After M. J. Brennan and E. S. Schwartz (1977).
"""

from __future__ import annotations

import math
from typing import Any

from notecalc.core.convertible._columns import (
    AYACHE_FORSYTH_VETZAL,
    BEYOND,
    CARRY,
    COST,
    DECAY,
    DROP,
    GAIN,
    HALF,
    LAST,
    LEAN,
    LEVEL_END,
    LEVEL_START,
    MIDDLE,
    NEW,
    PASS,
    PUT_END,
    PUT_LAST,
    PUT_PART,
    PUT_START,
    R_CARRY,
    R_RATE,
    R_VOLATILITY,
    RATE,
    RATIO,
    SECOND,
    SOURCE,
    TSIVERIOTIS_FERNANDES,
    TWICE,
    VOLATILITY,
)
from notecalc.core.convertible._segment import along, own_or, rise, spreads

__all__: list[str] = []

_SETTLED = 1e-6  # of a cell
_LEAST_PART = 1e-6
_FAR = 8.0  # cells that the edge may move down in one round
_TO_AND_FRO = 10  # rounds after which it moves by single nodes, and settles between two


def put_bend(work: Any, seg: Any, o: int, row: Any, model: int, h: float, tau: float, i: int) -> Any:
    """Give h^2 / 2 times the second derivative of the distance from the put, at its edge near node i."""
    price = along(seg, o, PUT_START, PUT_END, tau)
    g = work[DECAY, i] * price - work[COST, i] + work[SOURCE, i] - rise(seg, o, PUT_START, PUT_END)
    if model == TSIVERIOTIS_FERNANDES:
        # The cash part is all of the price at the edge: of a source that grows in a line, a third of the way counts.
        g += work[LEAN, i] * (price - work[SECOND, i]) * 2.0 / 3.0
    vol = own_or(seg[o + VOLATILITY], row[R_VOLATILITY])
    return g / (vol * vol) * h * h


def hold_below(
    u: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, row: Any, model: int, now: Any, h: float
) -> int:
    """Hold the nodes at which the note is put, the last of them as the solution goes on there; give that one."""
    m, tau, more = int(state[PUT_LAST]), now[NEW], now[TWICE] - 1.0
    price, scale = along(seg, o, PUT_START, PUT_END, tau), seg[o + RATIO] * along(seg, o, LEVEL_START, LEVEL_END, tau)
    unit = max(put_bend(work, seg, o, row, model, h, tau, min(m + 1, u.size - 1)), 0.0)
    for i in range(m + 1):
        away = m + 1 - i - state[PUT_PART]
        carried = unit * away * away if m - i < BEYOND else 0.0
        work[GAIN, i] = (price - scale * exp_y[i] + carried + more * u[i]) / now[TWICE]
        work[PASS, i] = 0.0
    return m


def follow_put(
    u: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, row: Any, model: int, now: Any, h: float, again: int
) -> bool:
    """Move the edge of what is put to where the solution of this step says; tell whether it was there already."""
    m, tau, last = int(state[PUT_LAST]), now[NEW], int(state[LAST])
    price, scale = along(seg, o, PUT_START, PUT_END, tau), seg[o + RATIO] * along(seg, o, LEVEL_START, LEVEL_END, tau)
    i, part = m + 1, state[PUT_PART]
    if i >= last and (again > 0 or m < 0):
        return True
    i = min(i, last)
    distance = u[i] - price + scale * exp_y[i]
    if m < 0:
        if distance < 0.0:
            state[PUT_LAST], state[PUT_PART] = 0.0, 0.5
        return bool(distance >= 0.0)
    unit = put_bend(work, seg, o, row, model, h, tau, i)
    # If nothing is left between what is put and what is converted, each would hold the other unless one gives way.
    if m + 1 >= last or unit <= 0.0 < distance:
        return give_way(work, state, seg, o, row, model, h, tau)
    beyond = max(unit, 0.0) * response(work, seg, o, row, model, now, h, i)
    free = distance - beyond * (1.0 - part) * (1.0 - part)
    found = -1.0
    if free > -beyond:
        # unit z^2 = free + beyond (1 - z)^2
        found = (beyond + free) / (beyond + math.sqrt(max(unit * (beyond + free) - beyond * free, 0.0)))
    often = again >= _TO_AND_FRO
    if found > 1.0:
        if often and part >= 1.0 - _SETTLED:
            return True
        down = 1.0 if often else min(math.ceil(min(found, _FAR)) - 1.0, m + 1.0)
        state[PUT_LAST], state[PUT_PART] = m - down, min(max(found - down, _LEAST_PART), 1.0)
        return False
    if found > 0.0 or (often and part <= 2.0 * _LEAST_PART):
        state[PUT_PART] = max(found, _LEAST_PART)
        return abs(found - part) < _SETTLED or found <= 0.0
    while not often and i + 1 < last and u[i + 1] <= price - scale * exp_y[i + 1]:
        i += 1
    state[PUT_LAST], state[PUT_PART] = float(i), 1.0
    return False


def give_way(work: Any, state: Any, seg: Any, o: int, row: Any, model: int, h: float, tau: float) -> bool:
    """Let go of the last node that is put, and of those that would be worth more tomorrow."""
    m = int(state[PUT_LAST]) - 1
    while m >= 0 and put_bend(work, seg, o, row, model, h, tau, m + 1) <= 0.0:
        m -= 1
    state[PUT_LAST], state[PUT_PART] = m, 1.0
    return False


def response(work: Any, seg: Any, o: int, row: Any, model: int, now: Any, h: float, i: int) -> Any:
    """Give what node i takes from the one below it, all nodes above being solved for."""
    vol = own_or(seg[o + VOLATILITY], row[R_VOLATILITY])
    rate, carry = own_or(seg[o + RATE], row[R_RATE]), own_or(seg[o + CARRY], row[R_CARRY])
    level = along(seg, o, LEVEL_START, LEVEL_END, now[MIDDLE])
    mean = rate - carry - rise(seg, o, LEVEL_START, LEVEL_END) / level
    if model == AYACHE_FORSYTH_VETZAL:
        mean += row[DROP] * (work[DECAY, i] - rate)
    lo, up = spreads(mean, 0.5 * vol * vol, now[HALF], h, False)
    own = 1.0 + now[HALF] * work[DECAY, i] + lo + up
    return 2.0 * lo / (own + math.sqrt(max(own * own - 4.0 * lo * up, 0.0)))


def keep_above_put(u: Any, exp_y: Any, first: int, seg: Any, o: int, now: Any) -> None:
    """Keep W above the put beyond its edge, too."""
    price = along(seg, o, PUT_START, PUT_END, now[NEW])
    scale = seg[o + RATIO] * along(seg, o, LEVEL_START, LEVEL_END, now[NEW])
    for i in range(first, u.size):
        u[i] = max(u[i], price - scale * exp_y[i])


def hold_second_below(
    b: Any, work: Any, state: Any, seg: Any, o: int, now: Any, decay: float, lo: float, up: float, last: int
) -> int:
    """Hold the cash part where the note is put: it is the price; give the first node left to be eliminated.

    The node below the first that is not put is on the parabola through that one, the next, and the price at the edge.
    """
    m, more, z = int(state[PUT_LAST]), now[TWICE] - 1.0, state[PUT_PART]
    price = along(seg, o, PUT_START, PUT_END, now[NEW])
    for i in range(m + 1):
        work[GAIN, i], work[PASS, i] = (price + more * b[i]) / now[TWICE], 0.0
    if m + 2 > last:
        return m + 1
    far, near, edge = (1.0 - z) / (1.0 + z), -2.0 * (1.0 - z) / z, 2.0 / (z * (1.0 + z))
    held = (edge * price + more * (b[m] - far * b[m + 2] - near * b[m + 1])) / now[TWICE]
    pivot = 1.0 / (1.0 + decay + lo + up - lo * near)
    work[GAIN, m + 1], work[PASS, m + 1] = (b[m + 1] + lo * held) * pivot, (up + lo * far) * pivot
    return m + 2


def end_second_below(b: Any, work: Any, state: Any, seg: Any, o: int, now: Any, last: int) -> None:
    """Carry the cash part below the edge of what is put, as a parabola for one node and then as a line."""
    m, more, z = int(state[PUT_LAST]), now[TWICE] - 1.0, state[PUT_PART]
    if m + 2 > last:
        return
    price = along(seg, o, PUT_START, PUT_END, now[NEW])
    here = now[TWICE] * work[SECOND, m + 1] - more * b[m + 1]
    next_one = now[TWICE] * work[SECOND, m + 2] - more * b[m + 2]
    far, near, edge = (1.0 - z) / (1.0 + z), -2.0 * (1.0 - z) / z, 2.0 / (z * (1.0 + z))
    slope = (next_one - price) * z / (1.0 + z) - (here - price) * (1.0 + z) / z
    for i in range(m, -1, -1):
        new = far * next_one + near * here + edge * price if i == m else price + slope * (m + 1 - z - i)
        work[SECOND, i] = ((new if m - i < BEYOND else price) + more * b[i]) / now[TWICE]
