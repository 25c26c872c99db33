"""What happens on a day, going backwards through it: the stock goes ex, options fall due, a coupon is paid.

Each bound on the value makes a kink, or a jump in the second unknown, somewhere between two nodes; its place and slopes
are found from the nodes around it, and it gets the weights of `_weights`.
"""

from __future__ import annotations

import math
from typing import Any

from notecalc.core.convertible._above import begin_above, may_wait
from notecalc.core.convertible._columns import (
    AYACHE_FORSYTH_VETZAL,
    CALL,
    CALL_END,
    COUPON,
    DAY_CALL,
    DAY_CASH,
    DAY_FLOOR,
    DAY_OPEN,
    DAY_PUT,
    DAY_RATIO,
    DAY_TRIGGER,
    DIVIDEND,
    FLOOR_END,
    FLOOR_START,
    GAIN,
    GOLDMAN_SACHS,
    LAST,
    LENGTH,
    LEVEL_END,
    LEVEL_START,
    OPEN,
    PART,
    PASS,
    PUT,
    PUT_END,
    PUT_LAST,
    PUT_PART,
    RATIO,
    SIDE,
    TRIGGER,
    TSIVERIOTIS_FERNANDES,
)
from notecalc.core.convertible._march import bound_on, settle
from notecalc.core.convertible._second import is_pinned
from notecalc.core.convertible._segment import is_barrier
from notecalc.core.convertible._trigger import (
    allows_cash,
    is_held,
    kept_before,
    kink_at_trigger,
    last_below,
    trigger_place,
    weigh_end,
)
from notecalc.core.convertible._weights import interpolate, weigh_jump, weigh_kink

__all__: list[str] = []

_SAME = 1e-10  # [per 100]: a value this near a bound is on it


def mature(
    u: Any, b: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, model: int, h: float, zero: int
) -> None:
    """Fill in what the note is worth at maturity: principal and last coupon, or the shares if they are worth more.

    The coupon of that day comes beside either: the last, if who converts keeps it.
    """
    work[GAIN, :] = 0.0
    work[PASS, :] = 0.0
    k, paid = seg[o + DAY_RATIO] * seg[o + LEVEL_END], seg[o + DAY_PUT]
    is_open, floor = seg[o + DAY_OPEN] > 0, seg[o + DAY_FLOOR]
    # Shares are worth their price whatever becomes of the issuer.
    debt_part = seg[o + DAY_CASH] / (paid if model == GOLDMAN_SACHS else 1.0)
    for i in range(u.size):
        debt = paid - k * exp_y[i]
        u[i] = max(debt, floor) if is_open else debt
        b[i] = debt_part
    if is_open and paid > floor:
        cash = paid - floor
        place = zero + math.log(cash / k) / h
        cell = math.floor(place)
        for i in range(max(cell + 1, 0), b.size):
            b[i] = 0.0
        weigh_kink(work[GAIN], place, -cash * h, -cash * h * h, 0, u.size - 1)
        weigh_jump(work[PASS], cell, place - cell, debt_part, 0, u.size - 1)
    elif is_open:
        for i in range(b.size):
            b[i] = 0.0
    add_coupon(u, b, seg[o + COUPON], model)
    leave_day(u, exp_y, seg, o)
    enter(u, b, work, exp_y, state, seg, o, model, h, zero, (-1.0, 0.0, 0.0, 0.0))


def add_coupon(u: Any, b: Any, coupon: float, model: int) -> None:
    """Add a coupon, which is cash."""
    for i in range(u.size):
        u[i] += coupon
        if model == TSIVERIOTIS_FERNANDES:
            b[i] += coupon


def leave_day(u: Any, exp_y: Any, seg: Any, o: int) -> None:
    """Take W from the shares of a day to those of the segment that it ends."""
    more = (seg[o + DAY_RATIO] - seg[o + RATIO]) * seg[o + LEVEL_END]
    if more != 0.0:
        for i in range(u.size):
            u[i] += more * exp_y[i]


def meet(
    u: Any, b: Any, spare: Any, work: Any, exp_y: Any, state: Any, seg: Any, later: int, o: int, model: int, h: float,
    zero: int,
) -> None:  # fmt: skip
    """Go through a day, from the start of the later segment to the end of the one before it."""
    # The weights are added last, so that no bound is compared with what they make of a value.
    work[GAIN, :] = 0.0
    work[PASS, :] = 0.0
    settle(u, b, work, exp_y, state, seg, later, model)
    kink = known_kink(u, b, seg, later, zero)
    weigh_held(u, work, state, seg, later, o, h, zero)
    place = move(u, b, spare, work, exp_y, state, seg, later, o, model, h, zero, kink[0])
    kink = (place, kink[1], kink[2], kink[3])
    scale = seg[o + DAY_RATIO] * seg[o + LEVEL_END]
    floor = seg[o + DAY_FLOOR]
    if not math.isnan(seg[o + DAY_CALL]):
        trigger = seg[o + DAY_TRIGGER] / seg[o + LEVEL_END]
        at = zero + math.log(trigger) / h if trigger > 0.0 else -1.0
        kept = interpolate(u, at, 0, u.size - 1)
        steep = interpolate(u, at + 0.5, 0, u.size - 1) - interpolate(u, at - 0.5, 0, u.size - 1)
        cash = interpolate(b, at, 0, b.size - 1) if model == TSIVERIOTIS_FERNANDES else math.nan
        thin = interpolate(b, at + 0.5, 0, b.size - 1) - interpolate(b, at - 0.5, 0, b.size - 1)
        kink = cap(u, b, work, exp_y, seg[o + DAY_CALL], floor, seg[o + DAY_OPEN], trigger, scale, model, h, zero, kink)
        if 2.0 < at < u.size - 3.0:
            called, shares = seg[o + DAY_CALL], scale * trigger
            weigh_trigger(work, at, kept, steep, cash, thin, called, floor, seg[o + DAY_OPEN], shares, h)
    if not math.isnan(seg[o + DAY_PUT]):
        cash = seg[o + DAY_PUT] if model == TSIVERIOTIS_FERNANDES else math.nan
        kink = clip(u, b, work, exp_y, 1.0, seg[o + DAY_PUT], scale, 0.0, 1e300, cash, h, kink)
    if seg[o + DAY_OPEN] > 0:
        kink = clip(u, b, work, exp_y, 1.0, floor, 0.0, 0.0, 1e300, 0.0, h, kink)
    add_coupon(u, b, seg[o + COUPON], model)
    if seg[o + DAY_RATIO] != seg[o + RATIO]:
        leave_day(u, exp_y, seg, o)
        if kink[0] >= 0.0:  # beyond it W is level no more
            weigh_kink(work[GAIN], kink[0], kink[1], kink[2], 0, u.size - 1)
            weigh_kink(work[PASS], kink[0], kink[3], 0.0, 0, u.size - 1)
        kink = (-1.0, 0.0, 0.0, 0.0)
    enter(u, b, work, exp_y, state, seg, o, model, h, zero, kink)


def known_kink(u: Any, b: Any, seg: Any, later: int, zero: int) -> Any:
    """Give the kink at the level of a call that was live: its place and its slopes, left minus right; below 0, none.

    Place, slope and second derivative of W, slope of the second unknown; all per node.
    """
    if not is_barrier(seg, later):
        return (-1.0, 0.0, 0.0, 0.0)
    f0 = seg[later + FLOOR_START]
    f1, f2, f3 = u[zero - 1] - f0, u[zero - 2] - f0, u[zero - 3] - f0
    slope = -3.0 * f1 + 1.5 * f2 - f3 / 3.0
    bend = -5.0 * f1 + 4.0 * f2 - f3
    return (float(zero), slope, bend, -3.0 * b[zero - 1] + 1.5 * b[zero - 2] - b[zero - 3] / 3.0)


def weigh_held(u: Any, work: Any, state: Any, seg: Any, later: int, o: int, h: float, zero: int) -> None:
    """Weigh the kink at a trigger at which the note was called for cash, unless it goes on being so."""
    place = trigger_place(seg, later, seg[later + LENGTH], h, zero)
    goes_on = seg[o + CALL] > 0.0 and seg[o + TRIGGER] <= seg[later + TRIGGER] * (1.0 + 1e-12)
    if goes_on or not is_held(state, place):
        return
    held = bound_on(seg, later, -1.0, seg[later + RATIO] * seg[later + TRIGGER], seg[later + LENGTH])
    slope, bend = kink_at_trigger(u, state, seg, later, place, held, h)
    moved = zero + math.log((seg[later + TRIGGER] + seg[o + DIVIDEND]) / seg[o + LEVEL_END]) / h
    weigh_kink(work[GAIN], moved, slope, bend, 0, u.size - 1)


def move(
    u: Any, b: Any, spare: Any, work: Any, exp_y: Any, state: Any, seg: Any, later: int, o: int, model: int, h: float,
    zero: int, place: float,
) -> float:  # fmt: skip
    """Take both unknowns to the levels of the segment before and the ratio of its last day; give the kink's place."""
    old, new, dividend = seg[later + LEVEL_START], seg[o + LEVEL_END], seg[o + DIVIDEND]
    k_old, k_new = seg[later + RATIO], seg[o + DAY_RATIO]
    edge = state[LAST] + state[PART]
    pinned = is_pinned(state, model)
    part, last = state[PART], int(state[LAST])
    held = is_held(state, trigger_place(seg, later, seg[later + LENGTH], h, zero))
    slope = 0.0
    if pinned and model != AYACHE_FORSYTH_VETZAL:
        # the slope of the parabola through the last two nodes, and nothing at the edge
        slope = (part * b[last - 1] / (1.0 + part)) - ((1.0 + part) * b[last] / part)
    if old != new or dividend > 0.0 or k_old != k_new:
        high = zero if is_barrier(seg, later) else u.size - 1
        for unknown in range(1 if model == AYACHE_FORSYTH_VETZAL else 2):
            f = u if unknown == 0 else b
            for i in range(u.size):
                spare[i] = f[i]
            for i in range(u.size):
                stock = new * exp_y[i]
                after = max(stock - dividend, 0.5 * stock)
                at = zero + math.log(after / old) / h
                end = high
                if unknown == 1 and pinned:
                    f[i] = (
                        interpolate(spare, at, 0, last)
                        if at < edge - 1.0
                        else interpolate(spare, at, last - 3, last + 1)
                    )
                    if at >= edge:
                        f[i] = 0.0
                    continue
                low = 0
                if unknown == 0 and held:  # no cubic goes across the kink at a trigger
                    low, end = (last + 1, end) if at >= edge else (0, last)
                f[i] = spare[high] if at >= high and high == zero else interpolate(spare, at, low, end)
                if unknown == 0:
                    f[i] += k_old * after - k_new * stock
        edge = zero + math.log((old * math.exp((edge - zero) * h) + dividend) / new) / h
        if place >= 0.0:
            place = zero + math.log((old + dividend) / new) / h
    if pinned and model != AYACHE_FORSYTH_VETZAL:
        weigh_kink(work[PASS], edge, slope, 0.0, 0, b.size - 1)
    return place


def enter(
    u: Any, b: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, model: int, h: float, zero: int, kink: Any
) -> None:
    """Bring the value within the bounds of a segment, at its end."""
    scale, floor = seg[o + RATIO] * seg[o + LEVEL_END], seg[o + FLOOR_END]
    top = zero - 1 if is_barrier(seg, o) else u.size - 1
    place, called = trigger_place(seg, o, 0.0, h, zero), top + 1
    jump, cash_jump = jump_at_trigger(u, b, seg, o, model, place, top)
    if seg[o + CALL] > 0:
        trigger = seg[o + TRIGGER] / seg[o + LEVEL_END]
        kink = cap(u, b, work, exp_y, seg[o + CALL_END], floor, seg[o + OPEN], trigger, scale, model, h, zero, kink)
        if model == AYACHE_FORSYTH_VETZAL:
            called = first_called(u, exp_y, seg, o, place, top, scale)
    state[PUT_LAST], state[PUT_PART] = -1.0, 1.0
    if seg[o + PUT] > 0:
        kink = enter_put(u, b, work, exp_y, state, seg[o + PUT_END], scale, model, h, kink)
    if seg[o + OPEN] > 0:
        kink = clip(u, b, work, exp_y, 1.0, floor, 0.0, 0.0, 1e300, 0.0, h, kink)
    if is_barrier(seg, o):
        # A jump at the last node, which is held: sums of what is nothing there see its slope alone.
        if seg[o + TRIGGER] > 0.0 and u[zero - 1] > floor:
            u[zero - 1] += (2.0 * u[zero - 1] - u[zero - 2] - floor) / 12.0
        b[zero - 1] += (2.0 * b[zero - 1] - b[zero - 2]) / 12.0
        for i in range(zero, u.size):
            u[i], work[GAIN, i] = floor, 0.0
            b[i], work[PASS, i] = 0.0, 0.0
    if kink[0] >= 0.0:
        high = zero if is_barrier(seg, o) else u.size - 1
        weigh_kink(work[GAIN], kink[0], kink[1], kink[2], 0, high)
        weigh_kink(work[PASS], kink[0], kink[3], 0.0, 0, high)
    for i in range(u.size):
        u[i] += work[GAIN, i]
        b[i] += work[PASS, i]
    if may_wait(seg, o):
        begin_above(u, b, work)
    state[LAST], state[PART], state[SIDE] = called - 1, 1.0, (-1.0 if called <= top else 0.0)
    if jump > 0.0:
        weigh_end(u, place, jump)
        weigh_end(b, place, cash_jump)
        state[LAST] = last_below(place)
        state[PART], state[SIDE] = place - state[LAST], -1.0


def enter_put(
    u: Any, b: Any, work: Any, exp_y: Any, state: Any, price: float, scale: float, model: int, h: float, kink: Any
) -> Any:  # fmt: skip
    """Bring the value above the price at which it may be put from now on, and find from where it is not."""
    below = 0
    while below < u.size and u[below] >= price - scale * exp_y[below] - _SAME:
        below += 1
    # What was put before is put still: it touches its bound smoothly, and nothing is to be weighed.
    if below < u.size:
        cash = price if model == TSIVERIOTIS_FERNANDES else math.nan
        kink = clip(u, b, work, exp_y, 1.0, price, scale, 0.0, 1e300, cash, h, kink)
    m = 0
    while m < u.size and abs(u[m] - price + scale * exp_y[m]) <= _SAME:
        m += 1
    state[PUT_LAST] = m - 1.0
    return kink


def jump_at_trigger(u: Any, b: Any, seg: Any, o: int, model: int, place: float, top: int) -> Any:
    """Give what both unknowns lose at the trigger at which a note is called for cash as soon as it may be."""
    if place <= 2.0 or not allows_cash(seg, o, place, top):
        return 0.0, 0.0
    jump = kept_before(u, place) - bound_on(seg, o, -1.0, seg[o + RATIO] * seg[o + TRIGGER], 0.0)
    if jump <= 0.0:
        return 0.0, 0.0
    return jump, (kept_before(b, place) if model == TSIVERIOTIS_FERNANDES else 0.0)


def first_called(u: Any, exp_y: Any, seg: Any, o: int, place: float, top: int, scale: float) -> Any:
    """Give the first node up to the top from which all are called for cash; the next beyond, if none is.

    The edge is looked for from there: from the top it may be taken for one in between, where W hardly leaves its bound.
    """
    first, least = top + 1, max(last_below(place) + 1, 2)
    while first > least and allows_cash(seg, o, place, top):
        bound = bound_on(seg, o, -1.0, scale * exp_y[first - 1], 0.0)
        if abs(u[first - 1] - bound) > _SAME:
            break
        first -= 1
    return first


def cap(
    u: Any, b: Any, work: Any, exp_y: Any, price: float, floor: float, is_open: float, trigger: float, scale: float,
    model: int, h: float, zero: int, kink: Any,
) -> Any:  # fmt: skip
    """Bring the value under the call: its price, or the shares if they are worth more and may be had."""
    level = (price - floor) / scale if is_open > 0 else 1e300
    cash = 0.0 if model == TSIVERIOTIS_FERNANDES else math.nan
    if trigger < level:
        kink = clip(u, b, work, exp_y, -1.0, price, scale, trigger, level, cash, h, kink)
    if is_open > 0:
        kink = clip(u, b, work, exp_y, -1.0, floor, 0.0, max(level, trigger), 1e300, 0.0, h, kink)
        weigh_conversion(b, work, exp_y, max(level, trigger), h, zero)
        place = zero + math.log(level) / h
        j = math.floor(place)
        if kink[0] < 0.0 and trigger < level and 0 < j < u.size - 2:
            shares = scale * level
            if u[j] >= price - scale * exp_y[j] - _SAME and u[j + 1] >= floor - _SAME:
                return (place, -shares * h, -shares * h * h, 0.0)
    return kink


def weigh_trigger(
    work: Any, at: float, kept: float, steep: float, cash: float, thin: float, price: float, floor: float,
    is_open: float, shares: float, h: float,
) -> None:  # fmt: skip
    """Weigh the jump of the value at a trigger, from which a note that is worth more than its call price is called.

    Called for cash it loses its cash part, too, which was `cash` with slope `thin` there; NaN if there is none.
    """
    bound, slope, forced, high = price - shares, -shares * h, False, work.shape[1] - 1
    if is_open > 0 and bound < floor:
        bound, slope, forced = floor, 0.0, True  # `weigh_conversion` weighs the cash part
    if kept > bound:
        j = last_below(at)
        weigh_jump(work[GAIN], j, at - j, kept - bound, 0, high)
        weigh_kink(work[GAIN], at, steep - slope, 0.0, 0, high)
        if not (forced or math.isnan(cash)):
            weigh_jump(work[PASS], j, at - j, cash, 0, high)
            weigh_kink(work[PASS], at, thin, 0.0, 0, high)


def weigh_conversion(b: Any, work: Any, exp_y: Any, level: float, h: float, zero: int) -> None:
    """Weigh the jump of the second unknown to nothing at the level from which a call forces conversion."""
    first = 0
    while first < b.size and exp_y[first] < level * (1.0 - 1e-12):
        first += 1
    part = zero + math.log(level) / h - (first - 1)
    # A live call's level is a node, at which the second unknown is held: nothing is to be weighed.
    if 1 < first < b.size and b[first] == 0.0 and b[first - 1] != 0.0 and part < 1.0 - 1e-9:
        slope = b[first - 1] - b[first - 2]
        weigh_jump(work[PASS], first - 1, part, b[first - 1] + slope * part, 0, b.size - 1)
        weigh_kink(work[PASS], first - 1 + part, slope, 0.0, 0, b.size - 1)


def clip(
    u: Any, b: Any, work: Any, exp_y: Any, side: float, amount: float, scale: float, low: float, high: float,
    cash: float, h: float, kink: Any,
) -> Any:  # fmt: skip
    """Bring W to a bound from below (side 1) or above (-1): an amount less `scale` times the shares.

    Only stock prices from `low` to `high`, in units of the level, are touched. Where the bound holds, the second
    unknown becomes `cash`, unless that is missing. Gives the known kink, or none if it has been dealt with.
    """
    nodes = u.size
    # What is called and put at one price is put: its holder is paid in cash.
    same = _SAME if cash > 0.0 else 0.0
    first, last = 0, nodes - 1
    while first < nodes and exp_y[first] < low * (1.0 - 1e-12):
        first += 1
    while last >= first and exp_y[last] > high * (1.0 + 1e-12):
        last -= 1
    cell = first
    while cell < last and not crosses(u, exp_y, side, amount, scale, same, cell):
        cell += 1
    place, slope, bend, sign, inside, steep = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if cell < last:
        place, slope, bend, sign = crossing(u, exp_y, side, amount, scale, same, cell, h, kink)
        inside, steep = beside(b, cell, place, sign)
    known = True
    for i in range(first, last + 1):
        bound = amount - scale * exp_y[i]
        if side * (bound - u[i]) > -same:
            u[i], work[GAIN, i] = bound, 0.0
            if not math.isnan(cash):
                b[i], work[PASS, i] = cash, 0.0
            known = known and abs(i - kink[0]) > 1.0
    if cell < last:
        weigh_kink(work[GAIN], cell + place, slope, bend, 0, nodes - 1)
        if not math.isnan(cash):
            weigh_jump(work[PASS], cell, place, sign * (inside - cash), 0, nodes - 1)
            weigh_kink(work[PASS], cell + place, sign * steep, 0.0, 0, nodes - 1)
    return kink if known else (-1.0, 0.0, 0.0, 0.0)


def excess(u: Any, exp_y: Any, side: float, amount: float, scale: float, same: float, i: int) -> Any:
    """Give how far W is beyond a bound at a node: positive where it must move."""
    return side * (amount - scale * exp_y[i] - u[i]) + same


def crosses(u: Any, exp_y: Any, side: float, amount: float, scale: float, same: float, i: int) -> Any:
    """Tell whether W crosses a bound between a node and the next."""
    here = excess(u, exp_y, side, amount, scale, same, i)
    return (here > 0.0) != (excess(u, exp_y, side, amount, scale, same, i + 1) > 0.0)


def crossing(
    u: Any, exp_y: Any, side: float, amount: float, scale: float, same: float, i: int, h: float, kink: Any
) -> Any:
    """Give where in the cell after node i W crosses a bound, and the kink there, left minus right.

    The last number is 1 if the bound holds beyond, -1 if before.
    """
    d0 = excess(u, exp_y, side, amount, scale, same, i)
    d1 = excess(u, exp_y, side, amount, scale, same, i + 1)
    sign = 1.0 if d1 > 0.0 else -1.0
    if kink[0] >= 0.0 and math.floor(kink[0]) == i:
        place = kink[0] - i
        here = scale * exp_y[i] * math.exp(place * h)
        # beyond the kink W is level
        return (
            place,
            (kink[1] if sign > 0 else 0.0) + sign * here * h,
            (kink[2] if sign > 0 else 0.0) + sign * here * h * h,
            sign,
        )
    dm = excess(u, exp_y, side, amount, scale, same, i - 1) if i > 0 else 2.0 * d0 - d1
    d2 = excess(u, exp_y, side, amount, scale, same, i + 2) if i + 2 < u.size else 2.0 * d1 - d0
    c1 = d1 - 0.5 * d0 - dm / 3.0 - d2 / 6.0
    c2 = 0.5 * (d1 + dm) - d0
    c3 = (d2 - dm) / 6.0 + 0.5 * (d0 - d1)
    place = d0 / (d0 - d1)
    for _ in range(3):
        steep = c1 + place * (2.0 * c2 + 3.0 * place * c3)
        if steep != 0.0:
            place -= (d0 + place * (c1 + place * (c2 + place * c3))) / steep
        place = min(max(place, 0.0), 1.0)
    slope = c1 + place * (2.0 * c2 + 3.0 * place * c3)
    return place, -sign * side * slope, -sign * side * (2.0 * c2 + 6.0 * c3 * place), sign


def beside(b: Any, i: int, place: float, sign: float) -> Any:
    """Give the second unknown and its slope at a crossing in the cell after node i, from the side left as it is."""
    j, step = (i, 1) if sign > 0 else (i + 1, -1)
    steep = b[j] - b[j - step] if 0 <= j - step < b.size else 0.0
    return b[j] + steep * (place if sign > 0 else 1.0 - place), steep * step
