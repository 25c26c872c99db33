"""The edge from which notice of a call is given: a step up to it, its place within a cell, and what lies beyond it.

What this edge is and how it is found is said in `_notice`.
"""

from __future__ import annotations

from typing import Any

from notecalc.core.convertible._columns import (
    AYACHE_FORSYTH_VETZAL,
    BEYOND,
    CALLED,
    CALLED_CASH,
    CARRY,
    COST,
    CREDIT,
    DECAY,
    DROP,
    FLOOR_END,
    FLOOR_START,
    GAIN,
    HALF,
    LAST,
    LEVEL_END,
    LEVEL_START,
    MIDDLE,
    NEW,
    OLD_CALLED,
    OLD_CALLED_CASH,
    OLD_LAST,
    OLD_SIDE,
    OPEN,
    PART,
    PASS,
    PUT_LAST,
    R_CARRY,
    R_CREDIT,
    R_RATE,
    R_VOLATILITY,
    RATE,
    SECOND,
    SIDE,
    SOURCE,
    TRIGGER,
    TSIVERIOTIS_FERNANDES,
    TWICE,
    UNIT,
    VOLATILITY,
)
from notecalc.core.convertible._march import _LEAST_PART, _ROUNDS, _SETTLED, agree, find_edge, finish, sweep
from notecalc.core.convertible._second import finish_second, solve_second
from notecalc.core.convertible._segment import along, own_or, rise, spreads
from notecalc.core.convertible._weights import interpolate

__all__: list[str] = []

_HALVINGS = 26  # of a cell, until its edge is known
_SAME = 1e-9  # [per 100]: a value this near a bound is on it


def step_noticed(
    u: Any, b: Any, c: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, row: Any, model: int, now: Any,
    h: float, zero: int,
) -> None:  # fmt: skip
    """Carry both unknowns through a step: to the edge from which notice is given, or else as if it could not be."""
    by_spread = model == TSIVERIOTIS_FERNANDES
    state[LAST], state[SIDE] = state[OLD_LAST], state[OLD_SIDE]
    is_called = state[SIDE] < 0.0
    if is_called:
        is_called = follow_further(u, b, c, work, exp_y, state, seg, o, row, model, now, h, zero)
    if not is_called:
        if by_spread:
            agree(b, u, work, exp_y, state, seg, o, row, model, now, h, zero)
        else:
            sweep(u, work, exp_y, state, seg, o, row, model, now, h, zero)
        lowest = first_called(u, c, work, state, seg, o, now, zero)
        if lowest >= 0:
            state[LAST], state[PART], state[SIDE] = max(lowest - 1.0, 1.0), 1.0, -1.0
            is_called = follow_called(u, b, c, work, exp_y, state, seg, o, row, model, now, h, zero)
        if not is_called and by_spread and lowest >= 0:
            agree(b, u, work, exp_y, state, seg, o, row, model, now, h, zero)
        elif not is_called and not by_spread:
            find_edge(u, work, exp_y, state, seg, o, row, now, h, zero)
    if by_spread:
        finish_second(b, work, state, now, model)
    if is_called:
        finish_called(u, c, work, state, seg, o, now, zero)
        if by_spread:
            leave_called(b, c, state)
    else:
        finish(u, b, work, exp_y, state, seg, o, row, model, now, h, zero)


def follow_further(
    u: Any, b: Any, c: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, row: Any, model: int, now: Any,
    h: float, zero: int,
) -> bool:  # fmt: skip
    """Follow the edge from where it was before the step; tell whether there still is one.

    What is carried beyond an edge is its history for a small way. If the edge goes further in a step, that of the nodes
    it passes is of being called.
    """
    is_called = follow_called(u, b, c, work, exp_y, state, seg, o, row, model, now, h, zero)
    if state[LAST] + state[PART] >= state[OLD_LAST] + BEYOND:
        for i in range(int(state[OLD_LAST]) + 1, u.size):
            u[i], b[i] = c[OLD_CALLED, i], c[OLD_CALLED_CASH, i]
        state[LAST], state[PART], state[SIDE] = state[OLD_LAST], 1.0, -1.0
        is_called = follow_called(u, b, c, work, exp_y, state, seg, o, row, model, now, h, zero)
    if not is_called:
        state[OLD_SIDE] = 0.0
    return is_called


def follow_called(
    u: Any, b: Any, c: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, row: Any, model: int, now: Any,
    h: float, zero: int,
) -> bool:  # fmt: skip
    """Find the edge from which notice is given, from a guess; tell whether there is one.

    The cash part becomes the called note's there, and the value needs the cash part: the two are found in turn.
    """
    by_spread = model == TSIVERIOTIS_FERNANDES
    for _ in range(_ROUNDS if by_spread else 1):
        guess = state[LAST] + state[PART]
        if by_spread:
            edge = interpolate(c[CALLED_CASH], guess, 0, u.size - 1)
            solve_second(b, work, state, seg, o, row, model, now, h, zero, edge)
        sweep(u, work, exp_y, state, seg, o, row, model, now, h, zero)
        if not place_called(u, c, work, state, seg, o, row, model, now, h, zero):
            state[LAST], state[PART], state[SIDE] = u.size - 1.0, 1.0, 0.0
            return False
        if abs(state[LAST] + state[PART] - guess) < _SETTLED:
            break
    return True


def first_called(u: Any, c: Any, work: Any, state: Any, seg: Any, o: int, now: Any, zero: int) -> Any:
    """Substitute downwards, held within the bounds node by node; give the lowest that is called, -1 if there is none.

    It is -1, too, if the note is converted below it. After M. J. Brennan and E. S. Schwartz (1977).
    """
    nodes, more, called = u.size, now[TWICE] - 1.0, c[CALLED]
    first = max(zero if seg[o + TRIGGER] > 0 else 0, int(state[PUT_LAST]) + 1)
    is_open, floor = seg[o + OPEN] > 0, along(seg, o, FLOOR_START, FLOOR_END, now[NEW])
    w, lowest = 0.0, -1
    for i in range(nodes - 1, -1, -1):
        w = work[GAIN, i] + (work[PASS, i] * w if i < nodes - 1 else 0.0)
        new = now[TWICE] * w - more * u[i]
        if i >= first and new >= called[i] - _SAME:
            new, lowest = called[i], i
        elif is_open and new <= floor + _SAME:
            new, lowest = max(new, floor), -1
        w = (new + more * u[i]) / now[TWICE]
    return lowest


def fill_units(u: Any, c: Any, work: Any, seg: Any, o: int, row: Any, model: int, now: Any, h: float) -> None:
    """Fill in h^2 / 2 times the second derivative of the distance from the called note's value, were it touched."""
    nodes, more, hh = u.size, now[TWICE] - 1.0, now[HALF]
    rate, carry = own_or(seg[o + RATE], row[R_RATE]), own_or(seg[o + CARRY], row[R_CARRY])
    vol, credit = own_or(seg[o + VOLATILITY], row[R_VOLATILITY]), own_or(seg[o + CREDIT], row[R_CREDIT])
    half_var = 0.5 * vol * vol
    level = along(seg, o, LEVEL_START, LEVEL_END, now[MIDDLE])
    base = rate - carry - rise(seg, o, LEVEL_START, LEVEL_END) / level
    drop = row[DROP] if model == AYACHE_FORSYTH_VETZAL else 0.0
    c[UNIT, 0], c[UNIT, nodes - 1] = 0.0, 0.0
    below = (c[CALLED, 0] + more * c[OLD_CALLED, 0]) / now[TWICE]
    here = (c[CALLED, 1] + more * c[OLD_CALLED, 1]) / now[TWICE]
    for i in range(1, nodes - 1):
        above = (c[CALLED, i + 1] + more * c[OLD_CALLED, i + 1]) / now[TWICE]
        lo, up = spreads(base + drop * (work[DECAY, i] - rate), half_var, hh, h, False)
        source = work[SOURCE, i]
        if model == TSIVERIOTIS_FERNANDES:
            source = work[COST, i] + credit * work[SECOND, i]
        left = (1.0 + hh * work[DECAY, i] + lo + up) * here - lo * below - up * above
        left += hh * source - c[OLD_CALLED, i]
        c[UNIT, i] = -0.5 * left / hh / half_var * h * h
        below, here = here, above


def touch(u: Any, c: Any, work: Any, now: Any, i: int) -> Any:
    """Tell where in the cell after node i the called note's value is touched, if that is the last node before it.

    It is 0 or less if the node is itself beyond, 1 or more if the next is before it.
    """
    more, pass_on = now[TWICE] - 1.0, work[PASS, i]
    distance = c[CALLED, i] - now[TWICE] * work[GAIN, i] + more * u[i] - pass_on * (more * u[i + 1] + c[CALLED, i + 1])
    distance -= _SAME  # where nothing is lost by it, far above its price, the note is called
    if bend_at(c, i, i, 1.0) <= distance:
        return 2.0
    if distance <= -pass_on * bend_at(c, i, i + 1, 0.0):
        return -1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        z = 0.5 * (low + high)
        if bend_at(c, i, i, z) * z * z < distance + pass_on * bend_at(c, i, i + 1, z) * (1.0 - z) * (1.0 - z):
            low = z
        else:
            high = z
    return 0.5 * (low + high)


def bend_at(c: Any, last: int, i: int, z: float) -> Any:
    """Give what a cell's distance from the edge, squared, is multiplied by at node i: the edge is z after node `last`.

    A second derivative that runs in a line from the edge counts as it is at a third of the way.
    """
    edge = c[UNIT, last] + z * (c[UNIT, last + 1] - c[UNIT, last])
    return (2.0 * edge + c[UNIT, i]) / 3.0


def place_called(
    u: Any, c: Any, work: Any, state: Any, seg: Any, o: int, row: Any, model: int, now: Any, h: float, zero: int
) -> bool:
    """Move the edge from which notice is given to where it is touched: within a cell, or at the trigger."""
    fill_units(u, c, work, seg, o, row, model, now, h)
    by_trigger, top = seg[o + TRIGGER] > 0, u.size - 2
    least = max(int(state[PUT_LAST]) + 1, zero if by_trigger else 1)
    i = min(max(int(state[LAST]), least), top)
    part = touch(u, c, work, now, i)
    if part > 1.0:
        while part > 1.0 and i < top:
            i += 1
            part = touch(u, c, work, now, i)
        if part > 1.0:
            return False
    else:
        while part <= 0.0 and i > least:
            i -= 1
            part = touch(u, c, work, now, i)
    state[LAST], state[PART], state[SIDE] = i, min(max(part, _LEAST_PART), 1.0), -1.0
    if by_trigger and i == zero and part <= 0.0:
        state[LAST], state[PART] = zero - 1.0, 1.0
    return True


def finish_called(u: Any, c: Any, work: Any, state: Any, seg: Any, o: int, now: Any, zero: int) -> None:
    """Substitute downwards from the edge, and carry the solution beyond it."""
    last, part, more, nodes = int(state[LAST]), state[PART], now[TWICE] - 1.0, u.size
    first = zero if seg[o + TRIGGER] > 0 else 0
    is_open, floor = seg[o + OPEN] > 0, along(seg, o, FLOOR_START, FLOOR_END, now[NEW])
    old_next = u[last + 1]
    for i in range(last + 1, nodes):
        u[i], away = c[CALLED, i], i - last - part
        if last >= first and i - last <= BEYOND:  # at the trigger it isn't touched, but met
            u[i] -= max(bend_at(c, last, i, part), 0.0) * away * away
    z = now[TWICE] * work[GAIN, last] - more * u[last] + work[PASS, last] * (u[last + 1] + more * old_next)
    w = (z + more * u[last]) / now[TWICE]
    u[last] = z
    for i in range(last - 1, -1, -1):
        w = work[GAIN, i] + work[PASS, i] * w
        u[i] = now[TWICE] * w - more * u[i]
    for i in range(last + 1):
        if is_open:
            u[i] = max(u[i], floor)
        if i >= first:
            u[i] = min(u[i], c[CALLED, i])


def leave_called(b: Any, c: Any, state: Any) -> None:
    """Give nodes beyond those to which the cash part is carried a called note's: the edge may leave them far behind."""
    for i in range(int(state[LAST]) + BEYOND + 1, b.size):
        b[i] = c[CALLED_CASH, i]
