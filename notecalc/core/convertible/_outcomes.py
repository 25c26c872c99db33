r"""How a note ends, and when: chances of each ending and the expected life, under the policy that the engine finds.

Each is a function of time and stock price that obeys, where the note lives on,
:math:`P_t + \mathcal{L} P + p \eta S P_S - p P + g = 0` with g the hazard rate p for default, 1 for the expected life
and nothing else; where it ends, P is 1 for the ending that is meant and 0 for all others. So they are linear equations
on the edges that `_march` has just found, with its steps, and through a day they jump where the value has its kinks.
"""

from __future__ import annotations

import math
from typing import Any

from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._columns import (
    AYACHE_FORSYTH_VETZAL,
    BEYOND,
    CALL,
    CALL_END,
    COST,
    COUPON,
    DAY_CALL,
    DAY_FLOOR,
    DAY_OPEN,
    DAY_PUT,
    DAY_RATIO,
    DAY_TRIGGER,
    DECAY,
    DIVIDEND,
    EDGE_NEW,
    EDGE_PARTS,
    EDGE_PUT_LAST,
    EDGE_PUT_PART,
    EDGE_TWICE,
    FLOOR_END,
    GAIN,
    LAST,
    LEAN,
    LEVEL_END,
    LEVEL_START,
    OPEN,
    PART,
    PASS,
    PUT_END,
    PUT_LAST,
    PUT_PART,
    PUT_START,
    R_CREDIT,
    R_RATE,
    R_VOLATILITY,
    RATE,
    RATIO,
    SECOND,
    SIDE,
    SOURCE,
    STATE,
    TRIGGER,
    VOLATILITY,
)
from notecalc.core.convertible._events import beside, crosses, crossing, excess, known_kink, leave_day, move
from notecalc.core.convertible._march import settle
from notecalc.core.convertible._segment import along, is_barrier, own_or, rise, spreads
from notecalc.core.convertible._weights import interpolate, weigh_jump, weigh_kink

__all__: list[str] = []

# ---- endings, in the order of the public result, and the expected life behind them ----
CONVERTED, FORCED, AT_MATURITY, CALLED, PUT, DEFAULTED, REDEEMED, LIFE = range(8)
ENDINGS = 8

_SAME = 1e-10


def meant(ending: int, which: int) -> Any:
    """Give what an unknown is worth where the note ends in one way: 1 if that is the ending it counts."""
    return 1.0 if ending == which else 0.0


def ending_at(state: Any, seg: Any, o: int) -> Any:
    """Give how the note ends at the end of the region in which it lives on; -1 if that is the grid's."""
    if state[SIDE] > 0.0:
        return CONVERTED
    if state[SIDE] < 0.0:
        return CALLED
    return FORCED if is_barrier(seg, o) else -1


def follow(
    p: Any, work: Any, state: Any, seg: Any, o: int, row: Any, model: int, h: float, zero: int, steps: int
) -> None:
    """Carry all unknowns from the end of a segment to its start, along the edges kept in `state`."""
    nodes, before = p.shape[1], 0.0
    rate, carry = own_or(seg[o + RATE], row[R_RATE]), own_or(seg[o + col.CARRY], row[col.R_CARRY])
    vol, credit = own_or(seg[o + VOLATILITY], row[R_VOLATILITY]), own_or(seg[o + col.CREDIT], row[R_CREDIT])
    by_hazard = model == AYACHE_FORSYTH_VETZAL
    for step in range(steps):
        e = STATE + step * EDGE_PARTS
        new, twice = state[e + EDGE_NEW], state[e + EDGE_TWICE]
        for part in (LAST, PART, SIDE):
            state[part] = state[e + part]
        state[PUT_LAST], state[PUT_PART] = state[e + EDGE_PUT_LAST], state[e + EDGE_PUT_PART]
        hh = (new - before) / twice
        level = along(seg, o, LEVEL_START, LEVEL_END, before + hh)
        base = rate - carry - rise(seg, o, LEVEL_START, LEVEL_END) / level
        before = new
        ending = ending_at(state, seg, o)
        last, first = int(state[LAST]), int(state[PUT_LAST]) + 1
        if last < max(first, 2) or first >= nodes - 1:  # it lives on nowhere
            for which in range(ENDINGS):
                for i in range(nodes):
                    p[which, i] = meant(PUT if i < first or ending < 0 else ending, which)
            continue
        for i in range(first, last + 1):
            own = credit if by_hazard else 0.0
            if by_hazard and row[col.ELASTICITY] != 0.0:
                own *= math.exp(-row[col.ELASTICITY] * (math.log(level / row[col.REFERENCE]) + (i - zero) * h))
            work[DECAY, i] = own
        eliminate(work, state, base, row[col.DROP] if by_hazard else 0.0, 0.5 * vol * vol, hh, h, ending >= 0)
        for which in range(ENDINGS):
            substitute(p[which], work, state, which, twice, hh, ending)


def beside_edge(z: float) -> Any:
    """Give what the node next beyond an edge takes from the second and the first before it, z cells from the edge.

    By the parabola through the two and what the unknown is worth at the edge, of which it takes the rest.
    """
    return (1.0 - z) / (1.0 + z), -2.0 * (1.0 - z) / z


def below_edge(state: Any) -> Any:
    """Give what the last node that is put takes from the two above it; nothing if the other edge is too near."""
    if int(state[LAST]) < int(state[PUT_LAST]) + 2:
        return 0.0, 0.0
    return beside_edge(state[PUT_PART])


def eliminate(
    work: Any, state: Any, base: float, drop: float, half_var: float, hh: float, h: float, has_edge: bool  # noqa: FBT001
) -> None:  # fmt: skip
    """Fill what all unknowns share: what a node takes from those beside it, and the pivots."""
    first, last = int(state[PUT_LAST]) + 1, int(state[LAST])
    far_below = 0.0
    if first > 0:
        far_below, work[PASS, first - 1] = below_edge(state)
    else:
        slip = hh * (base + drop * work[DECAY, 0]) / (math.exp(h) - 1.0)
        work[COST, 0] = 1.0 / (1.0 + hh * work[DECAY, 0] + slip)
        work[PASS, 0] = slip * work[COST, 0]
    for i in range(max(first, 1), last + 1):
        lo, up = spreads(base + drop * work[DECAY, i], half_var, hh, h, i == last and not has_edge)
        work[LEAN, i], work[SOURCE, i] = lo, up
        ahead, back, centre = up, lo, lo + up
        if i == first:
            ahead += lo * far_below
        if i == last:
            ahead = 0.0
            if has_edge:
                far, near = beside_edge(state[PART])
                back += up * far
                centre -= up * near
        work[LEAN, i] = back
        work[COST, i] = 1.0 / (1.0 + hh * work[DECAY, i] + centre - back * work[PASS, i - 1])
        work[PASS, i] = ahead * work[COST, i]


def substitute(f: Any, work: Any, state: Any, which: int, twice: float, hh: float, ending: int) -> None:
    """Solve for one unknown, and carry it some nodes beyond the edges as a line."""
    more, first, last, z = twice - 1.0, int(state[PUT_LAST]) + 1, int(state[LAST]), state[PART]
    end, if_put = meant(ending, which), meant(PUT, which)
    if first > 0:
        far, near = below_edge(state)
        known = if_put * (1.0 - far - near) + more * (f[first - 1] - far * f[first + 1] - near * f[first])
        work[GAIN, first - 1] = known / twice
    for i in range(first, last + 1):
        gained = work[DECAY, i] if which == DEFAULTED else meant(LIFE, which)
        right = f[i] + hh * gained
        if i == last and ending >= 0:
            far, near = beside_edge(z)
            known = end * (1.0 - far - near) + more * (f[last + 1] - far * f[last - 1] - near * f[last])
            right += work[SOURCE, i] * known / twice
        work[GAIN, i] = right * work[COST, i]
        if i > 0:
            work[GAIN, i] += work[LEAN, i] * work[COST, i] * work[GAIN, i - 1]
    w = work[GAIN, last]
    work[SECOND, last] = w
    for i in range(last - 1, first - 1, -1):
        w = work[GAIN, i] + work[PASS, i] * w
        work[SECOND, i] = w
    for i in range(first, last + 1):
        f[i] = twice * work[SECOND, i] - more * f[i]
    if first > 0:
        far, near = below_edge(state)
        slope = put_slope(f, state, which)
        for i in range(first):
            away = first - i - state[PUT_PART]
            f[i] = if_put + (slope * away if first - i <= BEYOND else 0.0)
        f[first - 1] = far * f[first + 1] + near * f[first] + (1.0 - far - near) * if_put
    slope = slope_at(f[last - 1], f[last], end, z)
    for i in range(last + 1, f.size):
        f[i] = end
        if ending != FORCED and i - last <= BEYOND:
            f[i] += slope * (i - last - z)


def slope_at(further: float, near: float, end: float, z: float) -> Any:
    """Give the slope at an edge, towards what lies beyond, of the parabola through the last two nodes and it."""
    return (further - end) * z / (1.0 + z) - (near - end) * (1.0 + z) / z


def put_slope(f: Any, state: Any, which: int) -> Any:
    """Give the slope at the edge of what is put, downwards; none if the other edge is too near."""
    first = int(state[PUT_LAST]) + 1
    if int(state[LAST]) <= first:
        return 0.0
    return slope_at(f[first + 1], f[first], meant(PUT, which), state[PUT_PART])


def mature(p: Any, tilt: Any, v: Any, exp_y: Any, seg: Any, o: int, h: float, zero: int) -> Any:
    """Fill in how the note ends at maturity, and what it is worth then; give the stock price in levels that parts them.

    NaN if conversion is closed, 0 if it is always better.
    """
    k, paid, floor = seg[o + DAY_RATIO] * seg[o + LEVEL_END], seg[o + DAY_PUT], seg[o + DAY_FLOOR]
    is_open, cash = seg[o + DAY_OPEN] > 0, paid - floor
    parting = (max(cash, 0.0) / k) if is_open else math.nan
    for i in range(v.size):
        converted = is_open and k * exp_y[i] >= cash
        v[i] = (floor if converted else paid - k * exp_y[i]) + seg[o + COUPON]
        for which in range(ENDINGS):
            p[which, i] = meant(AT_MATURITY if converted else REDEEMED, which)
            tilt[which, i] = 0.0
    if is_open and cash > 0.0:
        place = zero + math.log(parting) / h
        first = math.ceil(place - 1e-9)
        for which in range(ENDINGS):
            jump = meant(REDEEMED, which) - meant(AT_MATURITY, which)
            weigh_jump(tilt[which], first - 1, place - (first - 1), jump, 0, v.size - 1)
    leave_day(v, exp_y, seg, o)
    enter(p, tilt, v, exp_y, seg, o, h, zero, (-1.0, 0.0, 0.0, 0.0))
    return parting


def meet(
    p: Any, tilt: Any, v: Any, scratch: Any, spare: Any, work: Any, exp_y: Any, state: Any, seg: Any, later: int,
    o: int, h: float, zero: int, found: Any,
) -> None:  # fmt: skip
    """Go through a day as `_events.meet` will: `v` is a copy of the value's unknown, before it has.

    `found` gets the stock prices, in levels, from which the note is called for cash, below which it is put and from
    which it is converted on that day, and from which it is called for cash and below which it is put just before its
    coupon; NaN where it is not.
    """
    tilt[:, :] = 0.0
    scratch[:] = 0.0
    found[:] = math.nan
    carry_over(p, tilt, spare, exp_y, state, seg, later, o, h, zero)
    settle(v, scratch, work, exp_y, state, seg, later, AYACHE_FORSYTH_VETZAL)
    kink = known_kink(v, scratch, seg, later, zero)
    place = move(v, scratch, spare, work, exp_y, state, seg, later, o, AYACHE_FORSYTH_VETZAL, h, zero, kink[0])
    kink = (place, kink[1], kink[2], kink[3])
    scale, floor = seg[o + DAY_RATIO] * seg[o + LEVEL_END], seg[o + DAY_FLOOR]
    if not math.isnan(seg[o + DAY_CALL]):
        trigger = seg[o + DAY_TRIGGER] / seg[o + LEVEL_END]
        found[0] = call(p, tilt, v, exp_y, seg[o + DAY_CALL], floor, seg[o + DAY_OPEN], trigger, scale, h, zero, kink)
    if not math.isnan(seg[o + DAY_PUT]):
        found[1] = hold(p, tilt, v, exp_y, 1.0, seg[o + DAY_PUT], scale, 0.0, 1e300, PUT, h, kink)
    if seg[o + DAY_OPEN] > 0:
        found[2] = hold(p, tilt, v, exp_y, 1.0, floor, 0.0, 0.0, 1e300, CONVERTED, h, kink)
    for i in range(v.size):
        v[i] += seg[o + COUPON]
    if seg[o + DAY_RATIO] != seg[o + RATIO]:
        leave_day(v, exp_y, seg, o)
        kink = (-1.0, 0.0, 0.0, 0.0)
    found[3], found[4] = enter(p, tilt, v, exp_y, seg, o, h, zero, kink)
    for part in range(found.size):
        found[part] = math.exp((found[part] - zero) * h)


def enter(p: Any, tilt: Any, v: Any, exp_y: Any, seg: Any, o: int, h: float, zero: int, kink: Any) -> Any:
    """End what is called, put or converted at the end of a segment, and add the weights of all jumps and kinks.

    Gives the place from which the note is called for cash and that below which it is put, NaN if nowhere.
    """
    scale, floor, called, put = seg[o + RATIO] * seg[o + LEVEL_END], seg[o + FLOOR_END], math.nan, math.nan
    if seg[o + CALL] > 0:
        trigger = seg[o + TRIGGER] / seg[o + LEVEL_END]
        called = call(p, tilt, v, exp_y, seg[o + CALL_END], floor, seg[o + OPEN], trigger, scale, h, zero, kink)
    if seg[o + col.PUT] > 0:
        price, below = seg[o + PUT_END], 0
        while below < v.size and v[below] >= price - scale * exp_y[below] - _SAME:
            below += 1
        if below < v.size:
            put = hold(p, tilt, v, exp_y, 1.0, price, scale, 0.0, 1e300, PUT, h, kink)
    if seg[o + OPEN] > 0:
        hold(p, tilt, v, exp_y, 1.0, floor, 0.0, 0.0, 1e300, CONVERTED, h, kink)
    for which in range(ENDINGS):
        f, end = p[which], meant(FORCED, which)
        if is_barrier(seg, o):
            tilt[which, zero - 1] += (2.0 * (f[zero - 1] - end) - (f[zero - 2] - end)) / 12.0
            for i in range(zero, f.size):
                f[i], tilt[which, i] = end, 0.0
        for i in range(f.size):
            f[i] += tilt[which, i]
    return called, put


def carry_over(
    p: Any, tilt: Any, spare: Any, exp_y: Any, state: Any, seg: Any, later: int, o: int, h: float, zero: int
) -> None:
    """Take all unknowns to the level of the segment before, over a dividend, and weigh their kinks at the edges."""
    old, new, dividend = seg[later + LEVEL_START], seg[o + LEVEL_END], seg[o + DIVIDEND]
    nodes, ending = p.shape[1], ending_at(state, seg, later)
    last, z = int(state[LAST]), state[PART]
    edge = last + z if ending >= 0 else float(nodes)
    moved = old != new or dividend > 0.0
    forced = zero if ending == CALLED and is_barrier(seg, later) else nodes
    place = edge_after(edge, old, new, dividend, h, zero) if ending >= 0 else -1.0
    low = int(state[PUT_LAST])
    put_edge = low + 1.0 - state[PUT_PART] if low >= 0 else -1.0
    # What is put on both sides of the day keeps its kink on the edge: it is not to be weighed.
    put_still = seg[o + col.PUT] > 0 and abs(seg[o + PUT_END] - seg[o + COUPON] - seg[later + PUT_START]) <= _SAME
    for which in range(ENDINGS):
        f, end = p[which], meant(ending, which)
        slope = slope_at(f[last - 1], f[last], end, z) if last > 1 else 0.0
        slope_below = put_slope(f, state, which) if low >= 0 else 0.0
        for i in range(nodes):
            spare[i] = f[i]
        for i in range(nodes):
            at = float(i)
            if moved:
                at = zero + math.log(max(new * exp_y[i] - dividend, 0.5 * new * exp_y[i]) / old) / h
            if at >= forced - 1e-9:
                f[i] = meant(FORCED, which)
            elif at >= edge:
                f[i] = end
            elif low >= 0 and at <= put_edge:
                f[i] = meant(PUT, which)
            elif moved:
                near = ending >= 0 and at >= edge - 1.0 and last > 3
                f[i] = (
                    interpolate(spare, at, last - 3, last + 1)
                    if near
                    else interpolate(spare, at, max(low, 0), last if ending >= 0 else nodes - 1)
                )
        if ending >= 0:
            weigh_kink(tilt[which], place, slope, 0.0, 0, nodes - 1)
        if low >= 0 and not put_still:
            there = edge_after(put_edge, old, new, dividend, h, zero)
            weigh_kink(tilt[which], there, slope_below, 0.0, 0, nodes - 1)
        if forced < nodes:
            there = edge_after(float(forced), old, new, dividend, h, zero)
            first = math.ceil(there - 1e-9)
            weigh_jump(tilt[which], first - 1, there - (first - 1), end - meant(FORCED, which), 0, nodes - 1)


def edge_after(edge: float, old: float, new: float, dividend: float, h: float, zero: int) -> Any:
    """Give where an edge lies before a dividend and a change of level, in nodes."""
    return zero + math.log((old * math.exp((edge - zero) * h) + dividend) / new) / h


def call(
    p: Any, tilt: Any, v: Any, exp_y: Any, price: float, floor: float, is_open: float, trigger: float, scale: float,
    h: float, zero: int, kink: Any,
) -> Any:  # fmt: skip
    """End what is called, as `_events.cap` does; give the place from which it is for cash, NaN if nowhere."""
    level = (price - floor) / scale if is_open > 0 else 1e300
    place = math.nan
    if trigger < level:
        place = hold(p, tilt, v, exp_y, -1.0, price, scale, trigger, level, CALLED, h, kink)
    if is_open > 0:
        low = max(level, trigger)
        first, there = 0, zero + math.log(max(low, 1e-300)) / h
        while first < v.size and exp_y[first] < low * (1.0 - 1e-12):
            first += 1
        if 0 < first < v.size and v[first] > floor + _SAME and there > first - 1.0:
            for which in range(ENDINGS):
                f = p[which]
                end = meant(FORCED, which)
                steep = f[first - 1] - f[first - 2] if first > 1 else 0.0
                part = there - (first - 1)
                weigh_jump(tilt[which], first - 1, part, f[first - 1] + steep * part - end, 0, v.size - 1)
                weigh_kink(tilt[which], first - 1 + part, steep, 0.0, 0, v.size - 1)
        for i in range(first, v.size):
            if v[i] > floor + _SAME:
                v[i] = floor
                for which in range(ENDINGS):
                    p[which, i] = meant(FORCED, which)
                    if i > first:
                        tilt[which, i] = 0.0
    return place


def hold(
    p: Any, tilt: Any, v: Any, exp_y: Any, side: float, amount: float, scale: float, low: float, high: float,
    ending: int, h: float, kink: Any,
) -> Any:  # fmt: skip
    """End the note where it is beyond a bound, as `_events.clip` does; give the place from which, NaN if nowhere.

    It is infinite, below all nodes or above them, where all of them are beyond.
    """
    nodes = v.size
    # What is on its bound already ends as it did; its holder converts if shares are worth more by more than rounding.
    same = _SAME if ending in (PUT, CALLED) else -_SAME
    first, last = 0, nodes - 1
    while first < nodes and exp_y[first] < low * (1.0 - 1e-12):
        first += 1
    while last >= first and exp_y[last] > high * (1.0 + 1e-12):
        last -= 1
    cell = first
    while cell < last and not crosses(v, exp_y, side, amount, scale, same, cell):
        cell += 1
    place, sign, found = 0.0, 0.0, math.nan
    if cell < last:
        place, _, _, sign = crossing(v, exp_y, side, amount, scale, same, cell, h, kink)
        found = cell + place
    elif 0 < first <= last and excess(v, exp_y, side, amount, scale, same, first) > 0.0:
        # From a trigger on it is beyond the bound at once: what ends it is the trigger, between two nodes.
        cell, place, sign = first - 1, math.log(low / exp_y[first - 1]) / h, 1.0
        found = cell + place
    elif first == 0 <= last and excess(v, exp_y, side, amount, scale, same, first) > 0.0:
        found = math.inf if ending == PUT else -math.inf
    for which in range(ENDINGS):
        f, end = p[which], meant(ending, which)
        inside, steep = beside(f, cell, place, sign) if sign != 0.0 else (0.0, 0.0)
        for i in range(first, last + 1):
            if excess(v, exp_y, side, amount, scale, same, i) > 0.0:
                f[i], tilt[which, i] = end, 0.0
        weigh_jump(tilt[which], cell, place, sign * (inside - end), 0, nodes - 1)
        weigh_kink(tilt[which], cell + place, sign * steep, 0.0, 0, nodes - 1)
    for i in range(first, last + 1):
        if excess(v, exp_y, side, amount, scale, same, i) > 0.0:
            v[i] = amount - scale * exp_y[i]
    return found
