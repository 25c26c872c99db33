"""The whole of a note's life on a grid, for many rows; on grids of halved steps, extrapolated (L. F. Richardson 1911).

Only flat arrays of numbers are known here; what they mean is in `_columns`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from notecalc.core._jit import kernel
from notecalc.core.convertible import (
    _above,
    _events,
    _march,
    _notice,
    _notice_edge,
    _puts,
    _second,
    _segment,
    _steps,
    _trigger,
    _weights,
)
from notecalc.core.convertible._above import may_wait, waits_at
from notecalc.core.convertible._columns import (
    ABOVE,
    ABOVE_SECOND,
    AYACHE_FORSYTH_VETZAL,
    BRIEF,
    BY_NOTICE,
    CALL,
    CALL_END,
    CALL_START,
    CALLED,
    CARRY,
    CLAIM_START,
    CREDIT,
    DAY_CALL,
    DAY_FLOOR,
    DAY_RATIO,
    DAY_TRIGGER,
    DIVIDEND,
    DROP,
    ELASTICITY,
    FIELDS,
    FLOOR_END,
    FLOOR_START,
    LACK,
    LAST,
    LENGTH,
    LEVEL_END,
    LEVEL_START,
    MARKET,
    MOST_LACK,
    NOTICE,
    NOTICED,
    OPEN,
    PART,
    PUT,
    PUT_END,
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
    SIDE,
    STATE,
    STEP,
    STOCK,
    TOMORROW,
    TSIVERIOTIS_FERNANDES,
    VOLATILITY,
    WORK,
)
from notecalc.core.convertible._events import mature, meet
from notecalc.core.convertible._march import march
from notecalc.core.convertible._notice import march_noticed, meet_after_notice, value_tomorrow
from notecalc.core.convertible._segment import is_barrier, own_or, rise
from notecalc.core.convertible._steps import carry_of, step_count
from notecalc.core.convertible._weights import derivatives

__all__ = ["value_rows", "value_rows_after_notice"]

# settings: grids, nodes across of the coarsest, its steps of time, standard deviations to each side, model
GRIDS, NODES, STEPS, WIDTH, MODEL = 0, 1, 2, 3, 4


_OFTEN = 12.0  # segments of a life from which the grid gets finer


def _across(nodes: float, segments: int) -> int:
    """Give the nodes across the coarsest grid: what happens often leaves traces that are small."""
    return int(nodes * math.sqrt(max(1.0, segments / _OFTEN)))


_BRIEFLY = 0.6  # standard deviations of the stock, in a time in which something must be seen, that a cell may have
_FINEST = 8  # by how much the grid is made finer for that, at most
_WIDEST_CELL = 0.4  # [ln S]: kinks and the shares themselves are not seen in wider ones
_NEAR = 4.0  # standard deviations, and cells, from where that is to which it matters


def finer_by(seg: Any, begin: int, end: int, row: Any, span: float, across: float) -> int:
    """Give by how much the grid of a note must be finer to show what a call makes of the value in a short time.

    Or for its cells not to be too wide at all, where the stock moves by several times its price in a life.
    Powers of two: so there are few kinds of grids, and rows in lanes have company.
    """
    cell = span / across
    need = cell / _WIDEST_CELL
    for s in range(begin, end):
        o = s * FIELDS
        if seg[o + BRIEF] <= 0.0:
            continue
        wide = own_or(seg[o + VOLATILITY], row[R_VOLATILITY]) * math.sqrt(seg[o + BRIEF])
        if s == begin and seg[o + CALL] <= 0.0:
            # It is seen from today: near what happens that day, or not at all.
            place = seg[o + LEVEL_END]
            if not math.isnan(seg[o + DAY_CALL]):
                place = max((seg[o + DAY_CALL] - seg[o + DAY_FLOOR]) / seg[o + DAY_RATIO], seg[o + DAY_TRIGGER])
            if place <= 0.0 or abs(math.log(row[STOCK] / place)) > _NEAR * (wide + cell):
                continue
        need = max(need, cell / (_BRIEFLY * wide))
    finer = 1
    while finer < min(need, _FINEST):
        finer *= 2
    return finer


_CALLED_SHARE = 0.15  # of a life's steps, that a called note has from redemption to notice
_FINE = 0.75  # standard deviations of the stock between notice and redemption that a step may have, at most
_MOST_TIMES = 16.0  # by how much the grid is made finer for that, at most


def _notice_resolved(across: float, seg: Any, begin: int, end: int, row: Any, span: float, nodes: float) -> Any:
    """Give the nodes across that a note needs besides, for what it is worth once called not to pass between them."""
    notice, vol = seg[begin * FIELDS + NOTICE], math.inf
    if notice <= 0.0:
        return across
    for s in range(begin, end):
        vol = min(vol, own_or(seg[s * FIELDS + VOLATILITY], row[R_VOLATILITY]))
    return max(across, min(math.ceil(span / (_FINE * vol * math.sqrt(notice))), _MOST_TIMES * nodes))


def _one_grid(
    u: Any, b: Any, spare: Any, exp_y: Any, work: Any, state: Any, now: Any, seg: Any, end: int, row: Any, model: int,
    h: float, zero: int, steps: float, times: int, called: Any, out: Any,
) -> None:  # fmt: skip
    """Value on one grid: value, delta, gamma and theta go to `out`.

    `called` is the memory for a note that has been called; None, to a compiler, says that nothing is called after
    notice, and what there is for that is not compiled.
    """
    total = 0.0
    for s in range(end):
        total += seg[s * FIELDS + LENGTH]
    for i in range(u.size):
        exp_y[i] = math.exp((i - zero) * h)
    o = (end - 1) * FIELDS
    mature(u, b, work, exp_y, state, seg, o, model, h, zero)
    for s in range(end - 1, -1, -1):
        o = s * FIELDS
        count = step_count(seg, o, carry_of(seg, o, row), steps, total) * times
        if called is None or seg[o + BY_NOTICE] <= 0:
            march(u, b, work, exp_y, state, now, seg, o, row, model, h, zero, count)
        else:
            c, inner_work, parts, inner, inner_now = called
            march_noticed(
                u, b, c, work, inner_work, exp_y, state, now, parts, inner, inner_now, seg, s, end - 1, row, model, h,
                zero, count, _CALLED_SHARE * steps * times,
            )  # fmt: skip
        if s == 0:
            break
        if called is None or seg[o + NOTICE] <= 0:
            meet(u, b, spare, work, exp_y, state, seg, o, o - FIELDS, model, h, zero)
        else:
            c, inner_work, parts, inner, inner_now = called
            meet_after_notice(
                u, b, c, spare, work, inner_work, exp_y, state, inner_now, parts, inner, seg, s, end - 1, row,
                model, h, zero, _CALLED_SHARE * steps * times,
            )  # fmt: skip
    if called is not None and seg[BY_NOTICE] > 0 and state[SIDE] < 0.0:
        c, inner_work, parts, inner, inner_now = called
        value_tomorrow(
            c, inner_work, exp_y, inner, inner_now, parts, seg, 0, end - 1, row, model, h, zero,
            _CALLED_SHARE * steps * times,
        )  # fmt: skip
        if zero + math.log(row[STOCK] / seg[LEVEL_START]) / h >= state[LAST] + state[PART]:
            _read_called(c, seg, 0, row, h, zero, out)
            return
    _read(u, b, work, state, exp_y, seg, 0, row, model, h, zero, out)


def _read_called(c: Any, seg: Any, o: int, row: Any, h: float, zero: int, out: Any) -> None:
    """Read value, delta, gamma and theta at a stock price at which notice is given: those of the note once called."""
    k, stock = seg[o + RATIO], row[STOCK]
    place, high = zero + math.log(stock / seg[o + LEVEL_START]) / h, c.shape[1] - 1
    value, slope, bend = derivatives(c[CALLED], place, 0, high)
    out[0], out[1] = value + k * stock, k + slope / h / stock
    out[2] = (bend / h - slope) / (h * stock * stock)
    out[3] = (derivatives(c[TOMORROW], place, 0, high)[0] - value) * 365.0


def _read(  # noqa: C901, PLR0912, PLR0915 (by where the stock is)
    u: Any, b: Any, work: Any, state: Any, exp_y: Any, seg: Any, o: int, row: Any, model: int, h: float, zero: int,
    out: Any,
) -> None:  # fmt: skip
    """Read value, delta, gamma and theta off the grid at the stock price."""
    k, stock = seg[o + RATIO], row[STOCK]
    place = zero + math.log(stock / seg[o + LEVEL_START]) / h
    barrier, side = is_barrier(seg, o), state[SIDE]
    # What is exercised at once is worth what is paid for it, which accrues.
    if (barrier and place >= zero) or (side > 0.0 and place >= state[LAST] + state[PART]):
        out[0], out[1], out[2] = seg[o + FLOOR_START] + k * stock, k, 0.0
        out[3] = rise(seg, o, FLOOR_START, FLOOR_END)
        return
    called, above = side < 0.0 and place >= state[LAST] + state[PART], False
    if called and may_wait(seg, o):
        i = min(max(math.floor(place), int(state[LAST]) + 1), u.size - 2)
        above = waits_at(work, exp_y, seg, o, i, seg[o + LENGTH])
        above = above or waits_at(work, exp_y, seg, o, i + 1, seg[o + LENGTH])
    if called and not above:
        out[0], out[1], out[2] = seg[o + CALL_START], 0.0, 0.0
        out[3] = rise(seg, o, CALL_START, CALL_END)
        return
    if state[PUT_LAST] >= 0.0 and place <= state[PUT_LAST] + 1.0 - state[PUT_PART]:
        out[0], out[1], out[2] = seg[o + PUT_START], 0.0, 0.0
        out[3] = rise(seg, o, PUT_START, PUT_END)
        return
    high = u.size - 1
    if side != 0.0:
        high = min(int(state[LAST]) + 1, high)
    elif barrier:
        high = zero
    low = max(int(state[PUT_LAST]), 0)
    if above:
        low, high, u = int(state[LAST]) + 1, u.size - 1, work[ABOVE]
        if model == TSIVERIOTIS_FERNANDES:
            b = work[ABOVE_SECOND]
    value, slope, bend = derivatives(u, place, low, high)
    slope, bend = slope / h, bend / (h * h)
    out[0] = value + k * stock
    if seg[o + OPEN] > 0:
        out[0] = max(out[0], seg[o + FLOOR_START] + k * stock)
    if seg[o + PUT] > 0:
        out[0] = max(out[0], seg[o + PUT_START])
    out[1] = k + slope / stock
    out[2] = (bend - slope) / (stock * stock)
    rate, carry = own_or(seg[o + RATE], row[R_RATE]), own_or(seg[o + CARRY], row[R_CARRY])
    vol, credit = own_or(seg[o + VOLATILITY], row[R_VOLATILITY]), own_or(seg[o + CREDIT], row[R_CREDIT])
    rho, drift, paid = rate, rate - carry, 0.0
    if model == AYACHE_FORSYTH_VETZAL:
        p = credit
        if row[ELASTICITY] != 0.0:
            p *= math.exp(-row[ELASTICITY] * math.log(stock / row[REFERENCE]))
        rho += p
        drift += row[DROP] * p
        on_default = k * stock * (1.0 - row[DROP]) if seg[o + OPEN] > 0 else 0.0
        paid = p * max(on_default, row[RECOVERY] * seg[o + CLAIM_START])
    else:
        second = derivatives(b, place, low, high)[0]
        if model == TSIVERIOTIS_FERNANDES:
            paid = -credit * second
        else:
            rho += credit * second
    out[3] = rho * out[0] - paid - drift * stock * out[1] - 0.5 * vol * vol * stock * stock * out[2]


def _extrapolated(found: Any, grid: int, part: int) -> Any:
    """Give a number from a grid and the one before it, whose steps are twice as long; errors are as their square."""
    return (4.0 * found[grid, part] - found[grid - 1, part]) / 3.0 if grid > 0 else found[grid, part]


_WIDE = 5.0  # standard deviations that a grid has on each side, at least, where cash dividends are paid


def _span(seg: Any, begin: int, end: int, row: Any, model: int, width: float) -> Any:
    """Give how far the grid reaches below and above the levels [ln S], and the total of what moves them."""
    variance, drift, least, most = 0.0, 0.0, math.inf, 0.0
    for s in range(begin, end):
        o = s * FIELDS
        if seg[o + DIVIDEND] > 0.0:  # which takes more of a stock that has fallen
            width = max(width, _WIDE)
        vol, length = own_or(seg[o + VOLATILITY], row[R_VOLATILITY]), seg[o + LENGTH]
        variance += vol * vol * length
        p = own_or(seg[o + CREDIT], row[R_CREDIT]) * row[DROP] if model == AYACHE_FORSYTH_VETZAL else 0.0
        drift += (own_or(seg[o + RATE], row[R_RATE]) - own_or(seg[o + CARRY], row[R_CARRY]) + p) * length
        least = min(least, seg[o + LEVEL_START], seg[o + LEVEL_END])
        most = max(most, seg[o + LEVEL_START], seg[o + LEVEL_END])
    drift -= 0.5 * variance
    reach = width * math.sqrt(variance) + 1e-9
    x = math.log(row[STOCK])
    low = min(x + min(drift, 0.0) - reach - math.log(most), -0.5 * reach)
    high = max(x + max(drift, 0.0) + reach - math.log(least), 0.5 * reach)
    return low, high


def most_segments(offsets: Any) -> Any:
    """Give the segments of the note that has most, 1 at least."""
    most = 1
    for i in range(offsets.size - 1):
        most = max(most, offsets[i + 1] - offsets[i])
    return most


def copy_segments(own: Any, seg: Any, offsets: Any, which: int) -> Any:
    """Copy a note's segments to the front of `own`; give how many they are.

    What is valued is a copy, as the parts of segments are on which a called note is: both may be written to, and what
    is compiled for the one is for the other.
    """
    begin, end = offsets[which] * FIELDS, offsets[which + 1] * FIELDS
    for j in range(end - begin):
        own[j] = seg[begin + j]
    return offsets[which + 1] - offsets[which]


def _room(offsets: Any, settings: Any, called_nodes: float) -> int:
    """Give the most nodes that any grid may have; `called_nodes` are those that the coarsest may need for notice."""
    across = max(_FINEST * _across(settings[NODES], most_segments(offsets)), int(called_nodes))
    return (across + 8) * (1 << (int(settings[GRIDS]) - 1)) + 1


def _each_row(
    offsets: Any, seg: Any, settings: Any, contract: Any, market: Any, room: int, noticed: Any, out: Any, estimate: Any
) -> None:
    """Fill in what `value_rows` does; `noticed` is memory for notes that have been called, or None (`_one_grid`)."""
    model, grids = int(settings[MODEL]), int(settings[GRIDS])
    memory, work, own = np.empty((4, room)), np.zeros(WORK * room), np.empty(most_segments(offsets) * FIELDS)
    row, state, now = np.empty(MARKET), np.zeros(STATE), np.empty(STEP)
    found = np.empty((grids, 4))
    for r in range(estimate.size):
        end = copy_segments(own, seg, offsets, contract[r])
        missing = end == 0
        for j, given in enumerate(market):
            row[j] = given[r]
            missing = missing or math.isnan(row[j])
        if missing:
            for part in out:
                part[r] = math.nan
            estimate[r] = math.nan
            continue
        low, high = _span(own, 0, end, row, model, settings[WIDTH])
        across = float(_across(settings[NODES], end))
        across *= finer_by(own, 0, end, row, high - low, across)
        if noticed is not None:
            across = _notice_resolved(across, own, 0, end, row, high - low, settings[NODES])
        width = (high - low) / across
        below, above = max(4, math.ceil(-low / width)), math.ceil(high / width)
        lack = 0.0
        for grid in range(grids):
            times = 1 << grid
            nodes = (below + above) * times + 1
            state[LACK] = 0.0
            _one_grid(
                memory[0, :nodes], memory[1, :nodes], memory[2, :nodes], memory[3, :nodes],
                work[: WORK * nodes].reshape((WORK, nodes)), state, now, own, end, row, model, width / times,
                below * times, settings[STEPS], times, _on_nodes(noticed, nodes), found[grid],
            )  # fmt: skip
            if grid >= grids - 2:
                lack = max(lack, state[LACK])
        for j, part in enumerate(out):
            part[r] = _extrapolated(found, grids - 1, j)
        # The change that the last extrapolation, or the only one, has made.
        change = abs(out[0][r] - (_extrapolated(found, grids - 2, 0) if grids > 2 else found[grids - 1, 0]))
        estimate[r] = -change if lack > MOST_LACK else change


def _on_nodes(noticed: Any, nodes: int) -> Any:
    """Give the memory for a note that has been called, on a grid of some nodes."""
    if noticed is None:
        return None
    called, work, parts, state, now = noticed
    of_called, of_march = called[: NOTICED * nodes], work[: WORK * nodes]
    return of_called.reshape((NOTICED, nodes)), of_march.reshape((WORK, nodes)), parts, state, now


@kernel(
    tables=["int64", "float64", "float64"],
    reads=["int64"] + ["float64"] * MARKET,
    writes=["float64"] * 5,
    calls=[
        _weights.weigh_kink, _weights.weigh_jump, _weights.interpolate, _weights.derivatives,
        _segment.own_or, _segment.is_barrier, _segment.along, _segment.rise, _segment.spreads,
        _march.bound_on, _march.unit_bend,
        _march.place_edge, _march.side_at_top, _march.may_call, _second.is_pinned,
        _march.fill_sources, _march.eliminate_first,
        _puts.put_bend, _puts.hold_below, _puts.response, _puts.give_way, _puts.follow_put, _puts.keep_above_put,
        _puts.hold_second_below, _puts.end_second_below, _march.sweep, _march.find_edge, _march.keep_within,
        _march.finish,
        _second.solve_second, _second.finish_second, _march.settle, _march.agree, _march.keep_edge, _march.carry_step,
        _trigger.trigger_place, _trigger.last_below, _trigger.allows_cash, _trigger.is_held, _trigger.solved_before,
        _trigger.parabola, _trigger.solve_held, _trigger.stays_held, _trigger.before_end,
        _trigger.own_slope, _trigger.hold, _trigger.kept_before, _trigger.weigh_end, _trigger.kink_at_trigger,
        _above.may_wait, _above.called_for, _above.waits_at, _above.begin_above, _above.kink_there,
        _above.join_above,
        _above.carry_above, _above.solve_above, _above.settle_above,
        _march.march, _steps.carry_of, _steps.early_share, _steps.graded_by, _steps.step_count, _steps.next_step,
        _events.known_kink, _events.crosses, _events.excess, _events.crossing, _events.beside, _events.clip,
        _events.weigh_conversion, _events.weigh_trigger, _events.cap, _events.enter,
        _events.weigh_held, _events.first_called, _events.jump_at_trigger, _events.enter_put, _events.move,
        _events.add_coupon, _events.leave_day, _events.mature, _events.meet,
        _across, finer_by, most_segments, copy_segments, _room, _span, _one_grid, _read, _extrapolated, _on_nodes,
        _each_row,
    ],
)  # fmt: skip
def value_rows(
    offsets: Any, seg: Any, settings: Any, contract: Any, stock: Any, volatility: Any, rate: Any, carry: Any,
    credit: Any, recovery: Any, drop: Any, elasticity: Any, reference: Any, value: Any, delta: Any, gamma: Any,
    theta: Any, estimate: Any,
) -> None:  # fmt: skip
    """Fill value, delta, gamma, theta per year and the change of the value, for each row.

    The change is that which extrapolation makes; it has a minus, even if it is nothing, where conversion pays in a
    stretch before its edge, too. None of the rows may be called after notice: those are for `value_rows_after_notice`,
    which takes longer to compile.
    """
    market = (stock, volatility, rate, carry, credit, recovery, drop, elasticity, reference)
    room = _room(offsets, settings, 0.0)
    _each_row(offsets, seg, settings, contract, market, room, None, (value, delta, gamma, theta), estimate)


@kernel(
    tables=["int64", "float64", "float64"],
    reads=["int64"] + ["float64"] * MARKET,
    writes=["float64"] * 5,
    calls=[
        *value_rows._calls,  # noqa: SLF001 (all that the engine calls)
        _notice.cut_segment, _notice.goes_unseen, _notice.value_called, _notice.cap_on_day, _notice.settle_called,
        _notice.meet_after_notice,
        _notice.march_noticed, _notice.value_tomorrow, _notice_edge.step_noticed, _notice_edge.follow_further,
        _notice_edge.follow_called, _notice_edge.leave_called, _notice_edge.first_called, _notice_edge.fill_units,
        _notice_edge.touch, _notice_edge.bend_at, _notice_edge.place_called, _notice_edge.finish_called,
        _notice_resolved, _read_called,
    ],
)  # fmt: skip
def value_rows_after_notice(
    offsets: Any, seg: Any, settings: Any, contract: Any, stock: Any, volatility: Any, rate: Any, carry: Any,
    credit: Any, recovery: Any, drop: Any, elasticity: Any, reference: Any, value: Any, delta: Any, gamma: Any,
    theta: Any, estimate: Any,
) -> None:  # fmt: skip
    """Fill what `value_rows` does of the same arguments, for rows that may be called after notice."""
    market = (stock, volatility, rate, carry, credit, recovery, drop, elasticity, reference)
    room = _room(offsets, settings, _MOST_TIMES * settings[NODES])
    # For a note that has been called: what march needs, once more.
    noticed = (np.zeros(NOTICED * room), np.zeros(WORK * room), np.empty(2 * FIELDS), np.zeros(STATE), np.empty(STEP))
    _each_row(offsets, seg, settings, contract, market, room, noticed, (value, delta, gamma, theta), estimate)
