r"""Calls after notice: what a note is worth that has been called, and the value under that cap.

Called on day t, a note lives on until redemption at t + n: its holder may convert and put it meanwhile, is paid what
falls due, may lose it to default, and then takes the better of call price and shares. So its value C(S, t) is found by
a march of its own from t + n to each time t of the value's, on the same grid. The issuer calls where that costs least:
V = min(V, C).

Where V leaves C smoothly, the second derivative of C - V is known: it is twice what C gains by a later redemption,
:math:`\partial C / \partial T`, over the variance. That is what is left of C's difference equation between two times,
each with its own redemption. So the edge is found within its cell, as in `_march`. After A. Grau, P. Forsyth and
K. Vetzal (2003).
"""

from __future__ import annotations

import math
from typing import Any

from notecalc.core.convertible._columns import (
    AYACHE_FORSYTH_VETZAL,
    BEYOND,
    BY_NOTICE,
    CALL_END,
    CALL_START,
    CALLED,
    CALLED_CASH,
    CARRY,
    CLAIM_END,
    CLAIM_START,
    COST,
    COUPON,
    CREDIT,
    DAY_CASH,
    DAY_FLOOR,
    DAY_NOTICE,
    DAY_OPEN,
    DAY_PUT,
    DAY_TRIGGER,
    DECAY,
    DIVIDEND,
    DROP,
    FIELDS,
    FLOOR_END,
    FLOOR_START,
    GAIN,
    HALF,
    LAST,
    LENGTH,
    LEVEL_END,
    LEVEL_START,
    MIDDLE,
    NEW,
    NOTICE,
    OLD,
    OLD_CALLED,
    OLD_CALLED_CASH,
    OLD_LAST,
    OLD_SECOND,
    OLD_SIDE,
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
    SECOND,
    SIDE,
    SOURCE,
    SPARE,
    TOMORROW,
    TRIGGER,
    TSIVERIOTIS_FERNANDES,
    TWICE,
    UNIT,
    VOLATILITY,
)
from notecalc.core.convertible._events import clip, mature, meet, weigh_trigger
from notecalc.core.convertible._march import (
    _LEAST_PART,
    _PUT_ROUNDS,
    _ROUNDS,
    _SETTLED,
    agree,
    find_edge,
    finish,
    march,
    settle,
    sweep,
)
from notecalc.core.convertible._puts import follow_put, keep_above_put
from notecalc.core.convertible._second import finish_second, solve_second
from notecalc.core.convertible._segment import along, own_or, rise, spreads
from notecalc.core.convertible._steps import IMPLICIT, graded_by, next_step
from notecalc.core.convertible._weights import interpolate, weigh_kink

__all__: list[str] = []

_SAME_TIME = 1e-9  # [yr]
_NO_TIME = 1e-12  # [yr]: the length of a part on which nothing happens any more
_HALVINGS = 26  # of a cell, until its edge is known
_SAME = 1e-9  # [per 100]: a value this near a bound is on it


def cut_segment(part: Any, p: int, seg: Any, o: int, begin: float, end: float) -> None:
    """Write what lies between two times of a segment as one of its own; its last day's events come along."""
    length = seg[o + LENGTH]
    for j in range(FIELDS):
        part[p + j] = seg[o + j]
    for first, last in (
        (FLOOR_START, FLOOR_END), (CALL_START, CALL_END), (PUT_START, PUT_END), (CLAIM_START, CLAIM_END),
        (LEVEL_START, LEVEL_END),
    ):  # fmt: skip
        part[p + first] = along(seg, o, first, last, length - begin)
        part[p + last] = along(seg, o, first, last, length - end)
    part[p + LENGTH] = max(end - begin, _NO_TIME)


def value_called(
    c: Any, out: int, work: Any, exp_y: Any, state: Any, now: Any, part: Any, seg: Any, s: int, final: int, tau: float,
    price: float, row: Any, model: int, h: float, zero: int, called_steps: float,
) -> None:  # fmt: skip
    """Fill in what the note is worth above its shares if it is called, at a time back from the end of segment s.

    On a day of events the start of a segment is after them, and its end before: so is redemption.
    """
    u, b, spare = c[out], c[out + 1], c[SPARE]
    length = seg[s * FIELDS + LENGTH]
    notice, begin = seg[s * FIELDS + NOTICE], length - tau
    after = _SAME_TIME if begin < _SAME_TIME else -_SAME_TIME
    r, end = s, begin + notice
    while r < final and end > seg[r * FIELDS + LENGTH] - after:
        end -= seg[r * FIELDS + LENGTH]
        r += 1
    coupon, on_the_day = 0.0, r > s and end < _SAME_TIME
    if on_the_day:  # after that day's coupon, and nothing comes between
        r -= 1
        end, coupon = seg[r * FIELDS + LENGTH], seg[r * FIELDS + COUPON]
    o, end = r * FIELDS, min(end, seg[r * FIELDS + LENGTH])
    cut_segment(part, FIELDS, seg, o, begin if r == s else 0.0, end)
    is_open, floor = seg[o + OPEN], part[FIELDS + FLOOR_END]
    if on_the_day:
        is_open, floor = seg[o + DAY_OPEN], seg[o + DAY_FLOOR]
        price = max(price, seg[o + DAY_PUT])
    part[FIELDS + DAY_PUT], part[FIELDS + DAY_CASH], part[FIELDS + COUPON] = price, price, coupon
    part[FIELDS + DAY_OPEN], part[FIELDS + DAY_FLOOR] = is_open, floor
    mature(u, b, work, exp_y, state, part, FIELDS, model, h, zero)
    while True:
        if part[FIELDS + LENGTH] > _SAME_TIME:  # not so of the last, on the day itself
            count = max(2, round(called_steps * part[FIELDS + LENGTH] / notice))
            march(u, b, work, exp_y, state, now, part, FIELDS, row, model, h, zero, count)
        if r == s:
            break
        r -= 1
        cut_segment(part, 0, seg, r * FIELDS, begin if r == s else 0.0, seg[r * FIELDS + LENGTH])
        meet(u, b, spare, work, exp_y, state, part, FIELDS, 0, model, h, zero)
        for j in range(FIELDS):
            part[FIELDS + j] = part[j]
    settle(u, b, exp_y, state, part, FIELDS, model)


def cap_on_day(
    u: Any, b: Any, c: Any, work: Any, trigger: float, is_held: bool, model: int, h: float, zero: int, exp_y: Any  # noqa: FBT001
) -> None:  # fmt: skip
    """Bring both unknowns under those of the called note from a trigger on, in units of the level.

    The weights of kinks and jumps are left in `work`. `is_held`: from now on the value is held at the trigger, which
    is a node.
    """
    nodes, called, cash = u.size, c[CALLED], c[CALLED_CASH]
    by_spread = model == TSIVERIOTIS_FERNANDES
    for i in range(nodes):
        u[i] -= called[i]
        b[i] -= cash[i] if by_spread else 0.0
        work[GAIN, i], work[PASS, i] = 0.0, 0.0
    at = zero + math.log(trigger) / h if trigger > 0.0 else -1.0
    place = min(max(at, 0.0), nodes - 1.0)
    kept, kept_cash = interpolate(u, place, 0, nodes - 1), interpolate(b, place, 0, nodes - 1)
    steep = interpolate(u, place + 0.5, 0, nodes - 1) - interpolate(u, place - 0.5, 0, nodes - 1)
    thin = interpolate(b, place + 0.5, 0, nodes - 1) - interpolate(b, place - 0.5, 0, nodes - 1)
    nowhere = (-1.0, 0.0, 0.0, 0.0)
    clip(u, b, work, exp_y, -1.0, 0.0, 0.0, trigger, 1e300, 0.0 if by_spread else math.nan, h, nowhere)
    if 2.0 < at < nodes - 3.0 and kept > 0.0:
        if is_held:
            # A jump at a node which is held: sums of what is nothing there see its slope alone.
            work[GAIN, zero - 1] += (2.0 * u[zero - 1] - u[zero - 2]) / 12.0
            if by_spread:
                work[PASS, zero - 1] += (2.0 * b[zero - 1] - b[zero - 2]) / 12.0
        else:
            weigh_trigger(work, at, kept, steep, kept_cash if by_spread else math.nan, thin, 0.0, 0.0, 0.0, 0.0, h)
    for i in range(nodes):
        u[i] += called[i]
        b[i] += cash[i] if by_spread else 0.0


def meet_after_notice(
    u: Any, b: Any, c: Any, spare: Any, work: Any, inner_work: Any, exp_y: Any, state: Any, now: Any, part: Any,
    inner: Any, seg: Any, s: int, final: int, row: Any, model: int, h: float, zero: int, called_steps: float,
) -> None:  # fmt: skip
    """Go through the day at the start of a segment, as `_events.meet`; notice may be given on it alone, or be past.

    The weights of what notice does are added last, so that no bound is compared with what they make of a value; unless
    the grid or the stock price moves on that day, when they have to move with it.
    """
    o, e = s * FIELDS, (s - 1) * FIELDS
    pending, pending_cash = c[OLD_CALLED], c[OLD_CALLED_CASH]
    for i in range(u.size):
        pending[i], pending_cash[i] = 0.0, 0.0
    if seg[o + BY_NOTICE] > 0 and state[SIDE] < 0:
        settle_called(u, b, c, state, model, zero)
    price = seg[e + DAY_NOTICE]
    if price > 0.0:
        settle(u, b, exp_y, state, seg, o, model)
        value_called(
            c, CALLED, inner_work, exp_y, inner, now, part, seg, s, final, seg[o + LENGTH], price, row, model, h, zero,
            called_steps,
        )  # fmt: skip
        trigger = seg[e + DAY_TRIGGER] / seg[o + LEVEL_START]
        cap_on_day(u, b, c, work, trigger, False, model, h, zero, exp_y)
        for i in range(u.size):
            pending[i] += work[GAIN, i]
            pending_cash[i] += work[PASS, i]
    moves = seg[o + LEVEL_START] != seg[e + LEVEL_END] or seg[e + DIVIDEND] > 0.0
    if moves:
        for i in range(u.size):
            u[i] += pending[i]
            b[i] += pending_cash[i]
    meet(u, b, spare, work, exp_y, state, seg, o, e, model, h, zero)
    if not moves:
        for i in range(u.size):
            u[i] += pending[i]
            b[i] += pending_cash[i]


def settle_called(u: Any, b: Any, c: Any, state: Any, model: int, zero: int) -> None:
    """Put what was carried beyond the edge back on what a called note is worth, and weigh the kinks there.

    The weights go where those of the day are kept.
    """
    last, z, nodes = int(state[LAST]), state[PART], u.size
    called, cash = c[CALLED], c[CALLED_CASH]
    for i in range(last + 1, nodes):
        u[i] = called[i]
    if last == zero - 1 and z == 1.0 and last > 2:
        f1, f2, f3 = u[last] - called[last], u[last - 1] - called[last - 1], u[last - 2] - called[last - 2]
        slope, bend = -3.0 * f1 + 1.5 * f2 - f3 / 3.0, -5.0 * f1 + 4.0 * f2 - f3
        weigh_kink(c[OLD_CALLED], float(zero), slope, bend, 0, nodes - 1)
    if model == TSIVERIOTIS_FERNANDES and last > 0:
        here, before = b[last] - cash[last], b[last - 1] - cash[last - 1]
        for i in range(last + 1, nodes):
            b[i] = cash[i]
        slope = before * z / (1.0 + z) - here * (1.0 + z) / z
        weigh_kink(c[OLD_CALLED_CASH], last + z, slope, 0.0, 0, nodes - 1)
    state[LAST], state[PART], state[SIDE] = nodes - 1, 1.0, 0.0


def march_noticed(
    u: Any, b: Any, c: Any, work: Any, inner_work: Any, exp_y: Any, state: Any, now: Any, part: Any, inner: Any,
    inner_now: Any, seg: Any, s: int, final: int, row: Any, model: int, h: float, zero: int, steps: int,
    called_steps: float,
) -> None:  # fmt: skip
    """Carry both unknowns from the end of a segment in which notice may be given to its start, as `_march.march`."""
    o = s * FIELDS
    length, nodes = seg[o + LENGTH], u.size
    value_called(
        c, CALLED, inner_work, exp_y, inner, inner_now, part, seg, s, final, 0.0, seg[o + CALL_END], row, model, h,
        zero, called_steps,
    )  # fmt: skip
    cap_on_day(u, b, c, work, seg[o + TRIGGER] / seg[o + LEVEL_END], True, model, h, zero, exp_y)
    for i in range(nodes):
        u[i] += work[GAIN, i]
        b[i] += work[PASS, i]
    tau, done, graded = 0.0, 0.0, graded_by(seg, o, row)
    for step in range(steps + IMPLICIT // 2):
        tau, done = next_step(now, step, steps, length, graded, tau, done)
        state[OLD_LAST], state[OLD_SIDE] = state[LAST], state[SIDE]
        for i in range(nodes):
            c[OLD_CALLED, i], c[OLD_CALLED_CASH, i] = c[CALLED, i], c[CALLED_CASH, i]
            work[OLD, i], work[OLD_SECOND, i] = u[i], b[i]
        price = along(seg, o, CALL_START, CALL_END, tau)
        value_called(
            c, CALLED, inner_work, exp_y, inner, inner_now, part, seg, s, final, min(tau, length), price, row, model,
            h, zero, called_steps,
        )  # fmt: skip
        for again in range(_PUT_ROUNDS):
            if again > 0:
                for i in range(nodes):
                    u[i], b[i] = work[OLD, i], work[OLD_SECOND, i]
            step_noticed(u, b, c, work, exp_y, state, seg, o, row, model, now, h, zero)
            if seg[o + PUT] <= 0 or follow_put(u, work, exp_y, state, seg, o, row, model, now, h, again):
                break
        if seg[o + PUT] > 0:
            keep_above_put(u, exp_y, int(state[PUT_LAST]) + 1, seg, o, now)


def step_noticed(
    u: Any, b: Any, c: Any, work: Any, exp_y: Any, state: Any, seg: Any, o: int, row: Any, model: int, now: Any,
    h: float, zero: int,
) -> None:  # fmt: skip
    """Carry both unknowns through a step: to the edge from which notice is given, or else as if it could not be."""
    by_spread = model == TSIVERIOTIS_FERNANDES
    state[LAST], state[SIDE] = state[OLD_LAST], state[OLD_SIDE]
    is_called = state[SIDE] < 0.0
    if is_called:
        is_called = follow_called(u, b, c, work, exp_y, state, seg, o, row, model, now, h, zero)
        if not is_called:
            state[OLD_SIDE] = 0.0
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
    else:
        finish(u, b, work, exp_y, state, seg, o, row, model, now, h, zero)


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


def value_tomorrow(
    c: Any, work: Any, exp_y: Any, inner: Any, now: Any, part: Any, seg: Any, s: int, final: int, row: Any, model: int,
    h: float, zero: int, called_steps: float,
) -> None:  # fmt: skip
    """Fill in what the note is worth if it is called a day after the start of a segment; the value today is kept."""
    o = s * FIELDS
    tau = max(seg[o + LENGTH] - 1.0 / 365.0, 0.0)
    price = along(seg, o, CALL_START, CALL_END, tau)
    for i in range(exp_y.size):
        c[OLD_CALLED, i] = c[CALLED, i]
    value_called(c, CALLED, work, exp_y, inner, now, part, seg, s, final, tau, price, row, model, h, zero, called_steps)
    for i in range(exp_y.size):
        c[TOMORROW, i], c[CALLED, i] = c[CALLED, i], c[OLD_CALLED, i]
