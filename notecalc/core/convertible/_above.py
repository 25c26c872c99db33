"""A note above the trigger of a call for cash while conversion is closed: the issuer may wait there.

Who holds it can't convert. So where the call price grows more slowly than money, calling pays only at the trigger, as
the stock is about to fall below it, and where it grows faster, up to some stock price; above, the note is worth less
than the call pays. What it is worth above the edge that `_march` finds is kept beside what that carries beyond the
edge; which nodes are called there is found by repetition.
"""

from __future__ import annotations

from typing import Any

from notecalc.core.convertible._columns import (
    ABOVE,
    ABOVE_SECOND,
    AYACHE_FORSYTH_VETZAL,
    CALL,
    CALL_END,
    CALL_START,
    CARRY,
    COST,
    CREDIT,
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
    OLD,
    OLD_SECOND,
    OPEN,
    PART,
    PASS,
    PUT,
    PUT_END,
    PUT_LAST,
    PUT_START,
    R_CARRY,
    R_CREDIT,
    R_RATE,
    R_VOLATILITY,
    RATE,
    RATIO,
    SECOND,
    SIDE,
    SOURCE,
    TRIGGER,
    TSIVERIOTIS_FERNANDES,
    TWICE,
    VOLATILITY,
)
from notecalc.core.convertible._segment import along, own_or, rise, spreads
from notecalc.core.convertible._trigger import (
    before_end,
    is_held,
    kept_before,
    last_below,
    solved_before,
    trigger_place,
)

__all__: list[str] = []

_SAME = 1e-9  # [per 100]: a value this near the call price is called
_REACH = 0.1  # of a cell: so near to the trigger the note must reach what it is called for, to be called there
_TINY = 1e-12  # [per 100]
_HUGE = 1e300
_ROUNDS = 40  # to find which nodes are called, at most: two or three are usual


def may_wait(seg: Any, o: int) -> Any:
    """Tell whether the issuer may wait above a trigger: a call is live there, and conversion is closed."""
    return seg[o + CALL] > 0.0 and seg[o + TRIGGER] > 0.0 and seg[o + OPEN] <= 0.0


def called_for(seg: Any, o: int, shares: float, tau: float) -> Any:
    """Give W where the note is called."""
    return along(seg, o, CALL_START, CALL_END, tau) - shares


def waits_at(work: Any, exp_y: Any, seg: Any, o: int, i: int, tau: float) -> Any:
    """Tell whether the issuer waits at a node."""
    shares = seg[o + RATIO] * along(seg, o, LEVEL_START, LEVEL_END, tau) * exp_y[i]
    return work[ABOVE, i] < called_for(seg, o, shares, tau) - _SAME


def waits_above(work: Any, exp_y: Any, state: Any, seg: Any, o: int, tau: float) -> Any:
    """Tell whether the issuer waits anywhere above an edge from which the note would be called."""
    if may_wait(seg, o) and state[SIDE] < 0.0:
        for i in range(int(state[LAST]) + 1, exp_y.size):
            if waits_at(work, exp_y, seg, o, i, tau):
                return True
    return False


def begin_above(u: Any, b: Any, work: Any) -> None:
    """Keep what the note is worth, at the end of a segment."""
    for i in range(u.size):
        work[ABOVE, i], work[ABOVE_SECOND, i] = u[i], b[i]


def join_above(
    u: Any, b: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, model: int, tau: float, h: float, zero: int
) -> None:  # fmt: skip
    """Before a step, let go of the trigger where waiting there is better, or hold the note at it again.

    It is held where W falls more steeply before the trigger than beyond; were calling not best, it would fall less so.
    """
    place, last = trigger_place(seg, o, tau, h, zero), int(state[LAST])
    held = last_below(place)
    first, room = held + 2, 3.0 + state[PUT_LAST] < held < u.size - 4.0
    if state[SIDE] >= 0.0 or not is_held(state, place):
        if room:
            end, kept = called_for(seg, o, seg[o + RATIO] * seg[o + TRIGGER], tau), kept_before(u, place)
            kink = kink_there(u, work, held, place, first, kept)
            if kink > 0.0 and kept > end - _REACH * kink:
                state[LAST], state[PART], state[SIDE] = held, place - held, -1.0
                return
        # Nothing is left of what was called beside the edge.
        if state[SIDE] == 0.0 or last + 3 >= u.size or not waits_at(work, exp_y, seg, o, last + 2, tau):
            return
    elif (
        room
        and kink_there(u, work, held, place, first, called_for(seg, o, seg[o + RATIO] * seg[o + TRIGGER], tau)) > 0.0
    ):
        return
    for i in range(last + 1, u.size):
        u[i] = work[ABOVE, i]
        if model == TSIVERIOTIS_FERNANDES:
            b[i] = work[ABOVE_SECOND, i]
    state[LAST], state[PART], state[SIDE] = u.size - 1, 1.0, 0.0


def kink_there(u: Any, work: Any, held: int, place: float, first: int, end: float) -> Any:
    """Give by how much more steeply W falls before a trigger than beyond, per node, if it is `end` there."""
    near, z = solved_before(held, place - held)
    return -before_end(work[ABOVE, first + 1], work[ABOVE, first], end, first - place) - before_end(
        u[near - 1], u[near], end, z
    )


def carry_above(  # noqa: C901, PLR0912 (by what is held, put and owed)
    u: Any, b: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, row: Any, model: int, now: Any, h: float,
    zero: int,
) -> None:  # fmt: skip
    """Carry what the note is worth above the edge through a step, once all below has been."""
    tau, last, nodes = now[NEW], int(state[LAST]), u.size
    first = last + 1
    if state[SIDE] == 0.0:
        first = nodes
    rate = own_or(seg[o + RATE], row[R_RATE])
    place = trigger_place(seg, o, tau, h, zero)
    near, z, edge = first, 0.0, 0.0
    if first < nodes and is_held(state, place):
        z = first - place
        if z < 0.5:  # of a cell: not solved for, but interpolated
            near, z = first + 1, z + 1.0
        edge = called_for(seg, o, seg[o + RATIO] * seg[o + TRIGGER], now[MIDDLE])
    scale = seg[o + RATIO] * along(seg, o, LEVEL_START, LEVEL_END, tau)
    if near < nodes - 2 and model == TSIVERIOTIS_FERNANDES:
        was = tau - now[HALF] * now[TWICE]
        for i in range(first, nodes):
            # What was on its bound with a cash part was not called for its own sake.
            free = work[ABOVE_SECOND, i] > 0.0 or waits_at(work, exp_y, seg, o, i, was)
            work[OLD, i], work[SOURCE, i] = _HUGE if free else 0.0, 0.0
            work[DECAY, i] = rate + own_or(seg[o + CREDIT], row[R_CREDIT])
        if z == 0.0:
            work[OLD, first] = 0.0
        solve_above(work[ABOVE_SECOND], work, seg, o, row, model, now, h, near, z, 0.0)
        for i in range(near, nodes):
            work[DECAY, i], work[SOURCE, i] = rate, work[COST, i] + work[LEAN, i] * work[GAIN, i]
            work[ABOVE_SECOND, i] = max(work[ABOVE_SECOND, i], 0.0)
        for i in range(first, near):
            work[ABOVE_SECOND, i] = 0.0
    for i in range(first, nodes):
        work[OLD, i] = called_for(seg, o, scale * exp_y[i], tau)
    if near < nodes - 2:
        solve_above(work[ABOVE], work, seg, o, row, model, now, h, near, z, edge)
    else:
        for i in range(first, nodes):
            work[ABOVE, i] = work[OLD, i]
    for i in range(first, nodes):
        if model == TSIVERIOTIS_FERNANDES and work[ABOVE, i] >= work[OLD, i] - _SAME:
            work[ABOVE_SECOND, i] = 0.0
    if near > first:
        held, z = called_for(seg, o, seg[o + RATIO] * seg[o + TRIGGER], tau), near - place
        here, further, x = work[ABOVE, near], work[ABOVE, near + 1], -1.0
        found = (
            further * x * (x + z) / (1.0 + z) - here * (x - 1.0) * (x + z) / z + held * (x - 1.0) * x / (z * (1.0 + z))
        )
        work[ABOVE, first] = min(found, work[OLD, first])
    if seg[o + PUT] > 0:
        price = along(seg, o, PUT_START, PUT_END, tau)
        for i in range(first, nodes):
            put = price - scale * exp_y[i]
            if work[ABOVE, i] <= put + _SAME:  # what is called and put at one price is put
                work[ABOVE, i] = put
                if model == TSIVERIOTIS_FERNANDES:
                    work[ABOVE_SECOND, i] = price
    for i in range(first):
        work[ABOVE, i], work[ABOVE_SECOND, i] = u[i], b[i]


def solve_above(
    f: Any, work: Any, seg: Any, o: int, row: Any, model: int, now: Any, h: float, near: int, z: float, edge: float
) -> None:  # fmt: skip
    """Solve for an unknown from node `near` up, below a bound in work[OLD]; its midpoints go to work[GAIN].

    It is `edge` halfway through the step, z nodes below; if z is nothing, it is on the bound at that node.
    """
    rate, carry = own_or(seg[o + RATE], row[R_RATE]), own_or(seg[o + CARRY], row[R_CARRY])
    vol, hh, more = own_or(seg[o + VOLATILITY], row[R_VOLATILITY]), now[HALF], now[TWICE] - 1.0
    level = along(seg, o, LEVEL_START, LEVEL_END, now[MIDDLE])
    base = rate - carry - rise(seg, o, LEVEL_START, LEVEL_END) / level
    drop = row[DROP] if model == AYACHE_FORSYTH_VETZAL else 0.0
    top, held = f.size - 1, work[OLD_SECOND]
    for i in range(near, top + 1):
        held[i] = 0.0
    if z == 0.0:
        held[near] = 1.0
    for _ in range(_ROUNDS):
        gain, keep = 0.0, 0.0
        for i in range(top, near - 1, -1):
            lo, up = spreads(base + drop * (work[DECAY, i] - rate), 0.5 * vol * vol, hh, h, i == top)
            own, right = 1.0 + hh * work[DECAY, i] + lo + up, f[i] - hh * work[SOURCE, i]
            if i == near and z > 0.0:
                # The node below by the parabola through this one, the next and the edge.
                up += lo * (1.0 - z) / (1.0 + z)
                own += lo * 2.0 * (1.0 - z) / z
                right += lo * 2.0 * edge / (z * (1.0 + z))
                lo = 0.0
            pivot = 1.0 / (own - up * keep)
            gain, keep = (right + up * gain) * pivot, lo * pivot
            work[SECOND, i], work[PASS, i] = gain, keep  # what it would be, were it not held
            if held[i] > 0.0:
                gain, keep = (work[OLD, i] + more * f[i]) / now[TWICE], 0.0
            work[GAIN, i] = gain
        w, settled = 0.0, True
        for i in range(near, top + 1):
            free = work[SECOND, i] + work[PASS, i] * w
            w = work[GAIN, i] if held[i] > 0.0 else free
            work[GAIN, i] = w
            better = now[TWICE] * free - more * f[i] > work[OLD, i] + (0.0 if held[i] > 0.0 else _TINY)
            if better != (held[i] > 0.0) and not (i == near and z == 0.0):
                held[i], settled = 1.0 if better else 0.0, False
        if settled:
            break
    for i in range(near, top + 1):
        f[i] = min(now[TWICE] * work[GAIN, i] - more * f[i], work[OLD, i])


def settle_above(u: Any, b: Any, work: Any, state: Any, model: int) -> None:
    """Put what the note is worth above the edge in its place, at the start of a segment."""
    for i in range(int(state[LAST]) + 1, u.size):
        u[i] = work[ABOVE, i]
        if model == TSIVERIOTIS_FERNANDES:
            b[i] = work[ABOVE_SECOND, i]
