r"""One segment of time, backwards, between two days on which something happens.

The unknown is :math:`W = V - kS`, what the note is worth above its shares, on nodes of
:math:`y = \ln (S / L(t))`, where the level L is the stock price at which a live call forces conversion: it moves with
accrued interest and yet stays on a node. A second unknown is Tsiveriotis and Fernandes' cash part, or the chance in
Goldman Sachs' model that the note is paid as debt.

Steps are Crank-Nicolson's, written by their midpoint, after four implicit ones of half the length (R. Rannacher 1984).
Where the note is converted, or called for cash, the solution touches its bound smoothly, and its second derivative
there is known from the equation. So the edge's place within its cell follows from the last node before it, in the
sweep of M. J. Brennan and E. S. Schwartz (1977), and the scheme is of second order in space. The solution is carried
some nodes beyond the edge as the parabola that it is, so that a step during which the edge passes a node is of second
order in time.
"""

from __future__ import annotations

import math
from typing import Any

from notecalc.core.convertible._above import carry_above, join_above, may_wait, settle_above
from notecalc.core.convertible._columns import (
    AYACHE_FORSYTH_VETZAL,
    BESIDE,
    BEYOND,
    CALL,
    CALL_END,
    CALL_START,
    CARRY,
    CLAIM_END,
    CLAIM_START,
    COST,
    CREDIT,
    DECAY,
    DROP,
    EDGE_NEW,
    EDGE_PARTS,
    EDGE_PUT_LAST,
    EDGE_PUT_PART,
    EDGE_TWICE,
    ELASTICITY,
    FLOOR_END,
    FLOOR_START,
    GAIN,
    GOLDMAN_SACHS,
    HALF,
    LACK,
    LAST,
    LEAN,
    LENGTH,
    LEVEL_END,
    LEVEL_START,
    LITTLE,
    MIDDLE,
    NEW,
    OLD,
    OLD_LAST,
    OLD_SECOND,
    OLD_SIDE,
    OPEN,
    PART,
    PASS,
    PUT,
    PUT_LAST,
    PUT_PART,
    PUT_START,
    R_CARRY,
    R_CREDIT,
    R_RATE,
    R_VOLATILITY,
    RATE,
    RATIO,
    RECOVERY,
    REFERENCE,
    SECOND,
    SIDE,
    SOURCE,
    STATE,
    TRIGGER,
    TSIVERIOTIS_FERNANDES,
    TWICE,
    VOLATILITY,
)
from notecalc.core.convertible._puts import follow_put, hold_below, keep_above_put
from notecalc.core.convertible._second import finish_second, is_pinned, solve_second
from notecalc.core.convertible._segment import along, is_barrier, own_or, rise, spreads
from notecalc.core.convertible._steps import IMPLICIT, graded_by, next_step
from notecalc.core.convertible._trigger import allows_cash, hold, is_held, last_below, stays_held, trigger_place

__all__: list[str] = []

_ROUNDS = 40  # of the two coupled unknowns, at most: three are usual
_FREE = 6  # of them, before what is left is halved
_SETTLED = 1e-7  # of a cell
_JUMP = 1e-3  # of a cell: where the edge jumps, it does so between guesses so near
_TINY = 1e-300
_LEAST_PART = 1e-6
_PUT_ROUNDS = 30  # for the edge of what is put, at most: two or three are usual


def march(
    u: Any, b: Any, work: Any, exp_y: Any, state: Any, now: Any, seg: Any, o: int, row: Any, model: int, h: float,
    zero: int, steps: int,
) -> None:  # fmt: skip
    """Carry both unknowns from the end of a segment to its start."""
    tau, done, length, graded = 0.0, 0.0, seg[o + LENGTH], graded_by(seg, o, row)
    waits = may_wait(seg, o)
    for step in range(steps + IMPLICIT // 2):
        if waits:
            join_above(u, b, work, exp_y, state, seg, o, model, tau, h, zero)
        tau, done = next_step(now, step, steps, length, graded, tau, done)
        state[OLD_LAST], state[OLD_SIDE] = state[LAST], state[SIDE]
        if seg[o + PUT] > 0:
            for i in range(u.size):
                work[OLD, i], work[OLD_SECOND, i] = u[i], b[i]
        for again in range(_PUT_ROUNDS):
            if again > 0:
                for i in range(u.size):
                    u[i], b[i] = work[OLD, i], work[OLD_SECOND, i]
            carry_step(u, b, work, exp_y, state, seg, o, row, model, now, h, zero)
            if seg[o + PUT] <= 0 or follow_put(u, work, exp_y, state, seg, o, row, model, now, h, again):
                break
        if seg[o + PUT] > 0:
            keep_above_put(u, exp_y, int(state[PUT_LAST]) + 1, seg, o, now)
        if waits:
            carry_above(u, b, work, exp_y, state, seg, o, row, model, now, h, zero)
        keep_edge(state, now, step)


def carry_step(
    u: Any, b: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, row: Any, model: int, now: Any, h: float,
    zero: int,
) -> None:  # fmt: skip
    """Carry both unknowns through a step."""
    if model == AYACHE_FORSYTH_VETZAL:
        sweep(u, work, exp_y, state, seg, o, row, model, now, h, zero)
        find_edge(u, work, exp_y, state, seg, o, row, now, h, zero)
        finish(u, b, work, exp_y, state, seg, o, row, model, now, h, zero)
        return
    agree(b, u, work, exp_y, state, seg, o, row, model, now, h, zero)
    finish_second(b, work, state, now, model)
    finish(u, b, work, exp_y, state, seg, o, row, model, now, h, zero)


def agree(
    b: Any, u: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, row: Any, model: int, now: Any, h: float,
    zero: int,
) -> None:  # fmt: skip
    """Find the edge at which the second unknown, ended there, has the first one end: it falls as the guess rises.

    Without dividends it may jump: where the holder converts nothing is lost by waiting, for what is converted bears no
    spread; so the first unknown, once the second is nothing, keeps clear of its bound by a hair, and nowhere has the
    two end together. Then the second ends where the jump is, and the first is left as it is: were it to have no edge
    at all, the second would come back, and the edge with it, step about.
    """
    top = (zero if is_barrier(seg, o) else u.size) - 1
    guess, guess_before, miss, miss_before = state[LAST] + state[PART], 0.0, 0.0, 0.0
    low, high, some = 0.0, top + 2.0, 1.0
    for turn in range(_ROUNDS):
        side = state[SIDE]
        solve_second(b, work, state, seg, o, row, model, now, h, zero, 0.0)
        sweep(u, work, exp_y, state, seg, o, row, model, now, h, zero)
        find_edge(u, work, exp_y, state, seg, o, row, now, h, zero)
        found = state[LAST] + state[PART]
        miss = found - guess
        if abs(miss) < _SETTLED or (miss > 0.0 and high - low < _JUMP):
            return
        if state[SIDE] != 0.0:
            some = state[SIDE]
        if miss > 0.0:
            low = guess
        else:
            high = guess
        ahead = found
        if turn > 0 and state[SIDE] == side and side != 0.0:
            # Aitken's step: where the edge overshoots, it would swing for ever
            slope = (miss - miss_before) / (guess - guess_before)
            if slope < -0.5:
                ahead = guess - miss / slope
        if high - low < _JUMP:
            ahead = low
        elif turn > _FREE or not low < ahead < high:
            ahead = 0.5 * (low + min(high, top + 1.0))
        guess_before, miss_before, guess = guess, miss, ahead
        state[LAST], state[PART], state[SIDE] = top, 1.0, 0.0
        if ahead < top + 1.0:
            state[LAST] = max(math.ceil(ahead) - 1.0, 1.0)
            state[PART], state[SIDE] = max(ahead - state[LAST], _LEAST_PART), some


def keep_edge(state: Any, now: Any, step: int) -> None:
    """Keep where the edges lie after a step, if `state` has room for it."""
    if state.size == STATE:
        return
    e = STATE + step * EDGE_PARTS
    for part in (LAST, PART, SIDE):
        state[e + part] = state[part]
    state[e + EDGE_PUT_LAST], state[e + EDGE_PUT_PART] = state[PUT_LAST], state[PUT_PART]
    state[e + EDGE_NEW], state[e + EDGE_TWICE] = now[NEW], now[TWICE]


def sweep(
    u: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, row: Any, model: int, now: Any, h: float, zero: int
) -> None:
    """Eliminate the first unknown upwards: each node in terms of the next."""
    nodes = u.size
    stop = zero if is_barrier(seg, o) else nodes
    level = along(seg, o, LEVEL_START, LEVEL_END, now[MIDDLE])
    fill_sources(work, exp_y, int(state[LAST]), seg, o, row, model, now, h, zero, stop, level)
    rate, carry = own_or(seg[o + RATE], row[R_RATE]), own_or(seg[o + CARRY], row[R_CARRY])
    vol = own_or(seg[o + VOLATILITY], row[R_VOLATILITY])
    base = rate - carry - rise(seg, o, LEVEL_START, LEVEL_END) / level
    drop = row[DROP] if model == AYACHE_FORSYTH_VETZAL else 0.0
    hh, half_var = now[HALF], 0.5 * vol * vol
    for i in range(stop):
        work[GAIN, i] = u[i] - hh * work[SOURCE, i]
    even = (row[ELASTICITY] == 0.0 or model != AYACHE_FORSYTH_VETZAL) and model != GOLDMAN_SACHS
    if seg[o + PUT] > 0 and state[PUT_LAST] >= 0:
        i = hold_below(u, work, exp_y, state, seg, o, row, model, now, h) + 1
        keep, before = 0.0, 2.0
    else:
        keep, before, i = eliminate_first(work, base + drop * (work[DECAY, 0] - rate), hh, h), 2.0, 1
    while i < stop:
        lo, up = spreads(base + drop * (work[DECAY, i] - rate), half_var, hh, h, i == nodes - 1)
        pivot = 1.0 / (1.0 + hh * work[DECAY, i] + lo + up - lo * keep)
        before, keep = keep, up * pivot
        work[PASS, i] = keep
        work[GAIN, i] = (work[GAIN, i] + lo * work[GAIN, i - 1]) * pivot
        i += 1
        if even and abs(keep - before) < 1e-15 and i < nodes - 1:
            # The same from here on: nothing is left to divide by.
            end = min(stop, nodes - 1)
            gain, lo = work[GAIN, i - 1], lo * pivot
            for j in range(i, end):
                gain = work[GAIN, j] * pivot + lo * gain
                work[GAIN, j], work[PASS, j] = gain, keep
            i = end


def fill_sources(
    work: Any, exp_y: Any, last: int, seg: Any, o: int, row: Any, model: int, now: Any, h: float, zero: int,
    stop: int, level: float,
) -> None:  # fmt: skip
    """Fill in, for each node, what is taken from W per year and the rate at which it is discounted."""
    rate, carry = own_or(seg[o + RATE], row[R_RATE]), own_or(seg[o + CARRY], row[R_CARRY])
    credit, drop, elasticity = own_or(seg[o + CREDIT], row[R_CREDIT]), row[DROP], row[ELASTICITY]
    scale = seg[o + RATIO] * level
    if model == AYACHE_FORSYTH_VETZAL:
        claim = row[RECOVERY] * along(seg, o, CLAIM_START, CLAIM_END, now[MIDDLE])
        kept, p = (1.0 - drop if seg[o + OPEN] > 0 else 0.0), credit
        if elasticity != 0.0:
            p *= math.exp(-elasticity * math.log(level / row[REFERENCE]))
        if elasticity != 0.0:
            for i in range(stop):
                own, shares = p * math.exp(-elasticity * (i - zero) * h), scale * exp_y[i]
                work[COST, i] = (carry + own * (1.0 - drop)) * shares
                work[DECAY, i], work[LEAN, i] = rate + own, 0.0
                work[SOURCE, i] = work[COST, i] - own * max(kept * shares, claim)
            return
        lost, kept, claim = scale * (carry + p * (1.0 - drop)), p * kept * scale, p * claim
        for i in range(stop):
            cost, paid = lost * exp_y[i], kept * exp_y[i]
            work[COST, i], work[DECAY, i], work[LEAN, i] = cost, rate + p, 0.0
            work[SOURCE, i] = cost - max(paid, claim)
        return
    for i in range(stop):
        shares = scale * exp_y[i]
        # Carried beyond the edge it is below nothing; were the edge further out, it would not be.
        second = credit * (work[SECOND, i] if i <= last else max(work[SECOND, i], 0.0))
        if model == TSIVERIOTIS_FERNANDES:
            work[COST, i], work[DECAY, i], work[LEAN, i] = carry * shares, rate, credit
            work[SOURCE, i] = carry * shares + second
        else:
            cost = (carry + second) * shares
            work[COST, i], work[DECAY, i], work[LEAN, i] = cost, rate + second, credit * shares
            work[SOURCE, i] = cost


def eliminate_first(work: Any, mean: float, hh: float, h: float) -> Any:
    """Eliminate the lowest node: at the ends W is a line in S, whose second derivative is nothing."""
    slip = hh * mean / (math.exp(h) - 1.0)
    pivot = 1.0 / (1.0 + hh * work[DECAY, 0] + slip)
    work[PASS, 0] = slip * pivot
    work[GAIN, 0] *= pivot
    return work[PASS, 0]


def bound_on(seg: Any, o: int, side: float, shares: float, tau: float) -> Any:
    """Give the bound on W: what is paid beside shares on conversion, or the call price less the shares."""
    floor = along(seg, o, FLOOR_START, FLOOR_END, tau)
    if side > 0:
        return floor
    bound = along(seg, o, CALL_START, CALL_END, tau) - shares
    return max(bound, floor) if seg[o + OPEN] > 0 else bound


def unit_bend(
    work: Any, seg: Any, o: int, side: float, i: int, second: float, half_var: float, h: float, tau: float
) -> Any:  # fmt: skip
    """Give h^2 / 2 times the second derivative of the distance from the bound, where it is touched near node i.

    The second unknown, nothing at the edge and `second` at some distance d from it, bends the parabola: a source that
    grows in a line gives d^2 / 2 times what it is at a third of the way.
    """
    if side > 0:
        floor = along(seg, o, FLOOR_START, FLOOR_END, tau)
        g = work[SOURCE, i] + work[DECAY, i] * floor - rise(seg, o, FLOOR_START, FLOOR_END)
    else:
        price = along(seg, o, CALL_START, CALL_END, tau)
        g = rise(seg, o, CALL_START, CALL_END) - work[DECAY, i] * price + work[COST, i] - work[SOURCE, i]
    g += side * work[LEAN, i] * (second / 3.0 - max(work[SECOND, i], 0.0))
    return 0.5 * g / half_var * h * h


def place_edge(
    u: Any, work: Any, exp_y: Any, seg: Any, o: int, row: Any, now: Any, h: float, side: float, i: int
) -> Any:
    """Tell where the bound is touched, if node i is the last before it.

    Gives the distance from the bound that node i would have if the next were on it, and the place of the edge in the
    cell between the two: 0 or less if node i is itself beyond the edge, 1 or more if the next is before it.
    """
    vol = own_or(seg[o + VOLATILITY], row[R_VOLATILITY])
    half_var = 0.5 * vol * vol
    tau, more = now[NEW], now[TWICE] - 1.0
    shares = seg[o + RATIO] * along(seg, o, LEVEL_START, LEVEL_END, tau) * exp_y[i]
    free = now[TWICE] * work[GAIN, i] - more * u[i]
    c = work[PASS, i]
    if i + 1 < u.size:
        free += c * (more * u[i + 1] + bound_on(seg, o, side, shares * math.exp(h), tau))
    distance = side * (free - bound_on(seg, o, side, shares, tau))
    # Beyond the guess the second unknown is carried below nothing; were the edge further out, it would not be.
    unit = unit_bend(work, seg, o, side, i, max(work[SECOND, i], 0.0), half_var, h, tau)
    if unit <= _TINY:  # nothing is gained by converting early: what lies below the bound is rounding
        return distance, (2.0 if distance > 0.0 or side > 0.0 else -1.0)
    if distance >= unit:
        return distance, 2.0
    next_second = work[SECOND, i + 1] if i + 1 < u.size else 0.0
    beyond = c * max(unit_bend(work, seg, o, side, i, next_second, half_var, h, tau), 0.0)
    if distance <= -beyond:
        return distance, -1.0
    # unit z^2 = distance + beyond (1 - z)^2
    return distance, (beyond + distance) / (
        beyond + math.sqrt(max(unit * (beyond + distance) - beyond * distance, 0.0))
    )


def find_edge(
    u: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, row: Any, now: Any, h: float, zero: int
) -> None:
    """Find the edge, first where it was before the step, then outwards or inwards from there."""
    top = zero - 1 if is_barrier(seg, o) else u.size - 1
    side, i = state[OLD_SIDE], int(state[OLD_LAST])
    trigger = trigger_place(seg, o, now[NEW], h, zero)
    held, may = last_below(trigger), allows_cash(seg, o, trigger, top)
    if side < 0.0 and seg[o + CALL] > 0 and not may:
        side = 0.0
    if side == 0.0:
        i, side = top, side_at_top(u, work, exp_y, seg, o, row, now, h, top, may)
        if side == 0.0:
            state[LAST], state[PART], state[SIDE] = top, 1.0, 0.0
            return
    # It is called for cash at the trigger at the earliest.
    least = max(int(state[PUT_LAST]) + 1, held if side < 0.0 else 0, 0)
    if side < 0.0 and i <= held:
        i, end = held, bound_on(seg, o, side, seg[o + RATIO] * seg[o + TRIGGER], now[NEW])
        # Where the issuer may wait above, `join_above` has told.
        if may_wait(seg, o) or stays_held(u, work, seg, o, now, h, trigger, end, int(state[PUT_LAST]) + 1):
            state[LAST], state[PART], state[SIDE] = held, trigger - held, side
            return
    part = place_edge(u, work, exp_y, seg, o, row, now, h, side, i)[1]
    if part > 1.0:
        while part > 1.0 and i < top:
            i += 1
            part = place_edge(u, work, exp_y, seg, o, row, now, h, side, i)[1]
        if part > 1.0 and i == top:
            state[LAST], state[PART], state[SIDE] = top, 1.0, 0.0
            return
        part = min(max(part, _LEAST_PART), 1.0)
    else:
        while part <= 0.0 and i > least:
            i -= 1
            part = place_edge(u, work, exp_y, seg, o, row, now, h, side, i)[1]
        part = min(max(part, _LEAST_PART), 1.0)
    if side < 0.0 and i == held:
        part = min(max(part, trigger - held), 1.0)
    state[LAST], state[PART], state[SIDE] = i, part, side


def side_at_top(
    u: Any, work: Any, exp_y: Any, seg: Any, o: int, row: Any, now: Any, h: float, top: int, may: bool  # noqa: FBT001
) -> Any:  # fmt: skip
    """Tell on which side an edge comes in from the top: 1 where it is converted, -1 where it is called, 0 if none."""
    barrier = is_barrier(seg, o)
    for side, allowed in ((1.0, seg[o + OPEN] > 0), (-1.0, may)):
        if allowed:
            distance, part = place_edge(u, work, exp_y, seg, o, row, now, h, side, top)
            if part < 1.0 if barrier else distance < 0.0:
                return side
    return 0.0


def may_call(seg: Any, o: int, exp_y: Any, now: Any, i: int) -> Any:
    """Tell whether the stock is above a soft call's trigger at a node."""
    return exp_y[i] * along(seg, o, LEVEL_START, LEVEL_END, now[NEW]) >= seg[o + TRIGGER] * (1.0 - 1e-12)


def finish(
    u: Any, b: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, row: Any, model: int, now: Any, h: float,
    zero: int,
) -> None:  # fmt: skip
    """Substitute downwards from the edge, and carry the solution beyond it."""
    last, part, side = int(state[LAST]), state[PART], state[SIDE]
    tau, more = now[NEW], now[TWICE] - 1.0
    level = seg[o + RATIO] * along(seg, o, LEVEL_START, LEVEL_END, tau)
    trigger = trigger_place(seg, o, tau, h, zero)
    if is_held(state, trigger):
        held = bound_on(seg, o, side, seg[o + RATIO] * seg[o + TRIGGER], tau)
        for i in range(last + 2, u.size):
            u[i] = bound_on(seg, o, side, level * exp_y[i], tau)
        last, w = hold(u, work, state, now, trigger, held)
    elif side == 0.0:
        if last == zero - 1 and is_barrier(seg, o):
            floor = along(seg, o, FLOOR_START, FLOOR_END, tau)
            w = (floor + more * u[zero]) / now[TWICE]
            for i in range(zero, u.size):
                u[i] = floor
            last += 1
        else:
            w = work[GAIN, last]
            u[last] = now[TWICE] * w - more * u[last]
    else:
        vol = own_or(seg[o + VOLATILITY], row[R_VOLATILITY])
        _, found = place_edge(u, work, exp_y, seg, o, row, now, h, side, last)
        old_next = u[last + 1] if last + 1 < u.size else 0.0
        for i in range(last + 1, u.size):
            bound = bound_on(seg, o, side, level * exp_y[i], tau)
            u[i] = bound
            if i - last <= BEYOND and found < 1.0:
                away = i - last - part
                unit = unit_bend(
                    work, seg, o, side, last, work[SECOND, i], 0.5 * vol * vol, h, tau
                )  # fmt: skip
                u[i] += side * max(unit, 0.0) * away * away
        ahead = work[PASS, last] * (u[last + 1] + more * old_next) if last + 1 < u.size else 0.0
        z = now[TWICE] * work[GAIN, last] - more * u[last] + ahead
        if found <= 0.0:
            z = bound_on(seg, o, side, level * exp_y[last], tau)
        w = (z + more * u[last]) / now[TWICE]
        u[last] = z
    for i in range(last - 1, -1, -1):
        w = work[GAIN, i] + work[PASS, i] * w
        u[i] = now[TWICE] * w - more * u[i]
    keep_within(u, b, exp_y, last, state, seg, o, model, now, level)


def keep_within(
    u: Any, b: Any, exp_y: Any, last: int, state: Any, seg: Any, o: int, model: int, now: Any, level: float
) -> None:
    """Keep W within its bounds before the edge, too: on a coarse grid it may leave them.

    Where a wide spread has it fall short of the shares in a stretch before the edge, the note is converted there, and
    what is converted has no second unknown. Beside an edge that moves fast it may fall short for a step.
    """
    tau, lack, whole = now[NEW], 0.0, 100.0 if model == TSIVERIOTIS_FERNANDES else 1.0
    if seg[o + OPEN] > 0:
        floor = along(seg, o, FLOOR_START, FLOOR_END, tau)
        for i in range(last):
            if u[i] < floor:
                if model != AYACHE_FORSYTH_VETZAL and i < last - BESIDE:
                    lack = max(lack, (floor - u[i]) * (b[i] / whole - LITTLE))
                    b[i] = 0.0
                u[i] = floor
        state[LACK] += lack
    if seg[o + CALL] > 0:
        for i in range(last):
            if may_call(seg, o, exp_y, now, i):
                u[i] = min(u[i], bound_on(seg, o, -1.0, level * exp_y[i], tau))


def settle(u: Any, b: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, model: int) -> None:
    """Put what was carried beyond the edge back on its bound, at the start of a segment."""
    level = seg[o + RATIO] * seg[o + LEVEL_START]
    if state[SIDE] != 0.0:
        for i in range(int(state[LAST]) + 1, u.size):
            u[i] = bound_on(seg, o, state[SIDE], level * exp_y[i], seg[o + LENGTH])
    if is_pinned(state, model) or (is_barrier(seg, o) and state[SIDE] == 0.0):
        for i in range(int(state[LAST]) + 1, u.size):
            b[i] = 0.0
    elif is_barrier(seg, o):
        for i in range(u.size):
            if exp_y[i] > 1.0 - 1e-9:
                b[i] = 0.0
    if may_wait(seg, o) and state[SIDE] < 0.0:
        settle_above(u, b, work, state, model)
    for i in range(int(state[PUT_LAST]) + 1):
        u[i] = seg[o + PUT_START] - level * exp_y[i]
        if model == TSIVERIOTIS_FERNANDES:
            b[i] = seg[o + PUT_START]
