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
    BY_NOTICE,
    CALL_END,
    CALL_START,
    CALLED,
    CALLED_CASH,
    CLAIM_END,
    CLAIM_START,
    COUPON,
    CREDIT,
    DAY_CASH,
    DAY_FLOOR,
    DAY_NOTICE,
    DAY_OPEN,
    DAY_PUT,
    DAY_RATIO,
    DAY_TRIGGER,
    DIVIDEND,
    FIELDS,
    FLOOR_END,
    FLOOR_START,
    GAIN,
    LAST,
    LENGTH,
    LEVEL_END,
    LEVEL_START,
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
    R_CREDIT,
    R_RATE,
    R_VOLATILITY,
    RATE,
    RATIO,
    SIDE,
    SPARE,
    TOMORROW,
    TRIGGER,
    TSIVERIOTIS_FERNANDES,
    VOLATILITY,
)
from notecalc.core.convertible._events import clip, mature, meet, weigh_trigger
from notecalc.core.convertible._march import _PUT_ROUNDS, march, settle
from notecalc.core.convertible._notice_edge import step_noticed
from notecalc.core.convertible._puts import follow_put, keep_above_put
from notecalc.core.convertible._segment import along, own_or
from notecalc.core.convertible._steps import IMPLICIT, graded_by, next_step
from notecalc.core.convertible._weights import interpolate, weigh_kink

__all__: list[str] = []

_SAME_TIME = 1e-9  # [yr]
_UNSEEN = 1.5  # cells: weights of a jump are all positive once the stock has moved so far
_NO_TIME = 1e-12  # [yr]: the length of a part on which nothing happens any more


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


def goes_unseen(seg: Any, r: int, end: float, row: Any, h: float) -> Any:
    """Tell whether redemption follows a day so soon that the stock moves by less than nodes tell in between.

    It is then taken for one on that day, at its own time. The holder's option ends in a jump of the cash part within a
    cell, whose weights no step of so little time spreads: bounds on it would cut them off, and its sum would be wrong.
    """
    o, e = r * FIELDS, (r - 1) * FIELDS
    same = seg[e + RATIO] == seg[o + RATIO] and seg[e + LEVEL_END] == seg[o + LEVEL_START] and seg[e + DIVIDEND] == 0.0
    return same and own_or(seg[o + VOLATILITY], row[R_VOLATILITY]) * math.sqrt(end) < _UNSEEN * h


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
    o, coupon = r * FIELDS, 0.0
    cut_segment(part, FIELDS, seg, o, begin if r == s else 0.0, end)
    is_open, floor = seg[o + OPEN], part[FIELDS + FLOOR_END]
    ratio = seg[o + RATIO]
    if r > s and (end < _SAME_TIME or goes_unseen(seg, r, end, row, h)):  # after that day's coupon
        r -= 1
        o -= FIELDS
        cut_segment(part, FIELDS, seg, o, begin if r == s else 0.0, seg[o + LENGTH])
        part[FIELDS + LENGTH] += end
        force = own_or(seg[o + RATE], row[R_RATE]) + own_or(seg[o + CREDIT], row[R_CREDIT])
        coupon, price = seg[o + COUPON] * math.exp(force * end), max(price, seg[o + DAY_PUT])
        if end < _SAME_TIME or is_open <= 0.0:
            is_open, floor, ratio = seg[o + DAY_OPEN], seg[o + DAY_FLOOR], seg[o + DAY_RATIO]
    part[FIELDS + DAY_RATIO] = ratio
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
    settle(u, b, work, exp_y, state, part, FIELDS, model)


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
        settle(u, b, work, exp_y, state, seg, o, model)
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
