"""The whole of a note's life once more, slower: where options are exercised, and how the note ends, for many rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from notecalc.core._jit import kernel
from notecalc.core.convertible import _above, _events, _march, _outcomes
from notecalc.core.convertible._columns import (
    CALL,
    DAY_CALL,
    DAY_FLOOR,
    DAY_OPEN,
    DAY_PUT,
    DAY_RATIO,
    DAY_TRIGGER,
    DIVIDEND,
    EDGE_NEW,
    EDGE_PARTS,
    EDGE_PUT_LAST,
    EDGE_PUT_PART,
    FIELDS,
    LENGTH,
    LEVEL_END,
    LEVEL_START,
    MARKET,
    OPEN,
    PUT,
    PUT_LAST,
    PUT_PART,
    RATIO,
    STATE,
    STEP,
    WORK,
)
from notecalc.core.convertible._engine import (
    GRIDS,
    MODEL,
    NODES,
    STEPS,
    WIDTH,
    _across,
    _span,
    copy_segments,
    most_segments,
    value_rows,
)
from notecalc.core.convertible._outcomes import CALLED, CONVERTED, ENDINGS, FORCED, ending_at
from notecalc.core.convertible._segment import along, is_barrier
from notecalc.core.convertible._steps import IMPLICIT, carry_of, most_steps, step_count
from notecalc.core.convertible._weights import derivatives

__all__ = ["POINT", "points_at_most", "policy_rows"]

CONVERSION, FORCING, CASH_CALL, PUTTING = range(4)  # kinds of boundary

POINT = 3  # numbers of a boundary's point: time [yr], kind, stock price


def points_at_most(settings: Any, segments: int) -> int:
    """Give how many points the boundaries of a row may have."""
    steps = (1 << (int(settings[GRIDS]) - 1)) * most_steps(settings[STEPS], segments) + IMPLICIT // 2 * segments
    return int(4 * steps + 6 * segments + 1)


def add_point(points: Any, count: int, time: float, kind: int, price: float) -> Any:
    """Write a point of a boundary, if there is room for any, and give how many there are now."""
    if count < points.shape[0]:
        points[count, 0], points[count, 1], points[count, 2] = time, kind, price
    return count + 1


def add_edges(
    points: Any, count: int, state: Any, seg: Any, o: int, start: float, h: float, zero: int, steps: int, top: int
) -> Any:
    """Write the boundaries of a segment, which begins at a time, after each step."""
    for step in range(steps):
        e = STATE + step * EDGE_PARTS
        tau = state[e + EDGE_NEW]
        level, time = along(seg, o, LEVEL_START, LEVEL_END, tau), start + seg[o + LENGTH] - tau
        ending = ending_at(state[e:], seg, o)
        edge = level * math.exp((state[e] + state[e + 1] - zero) * h)
        if seg[o + OPEN] > 0:
            count = add_point(points, count, time, CONVERSION, edge if ending == CONVERTED else math.nan)
        if is_barrier(seg, o):
            count = add_point(points, count, time, FORCING, level)
        if seg[o + CALL] > 0:
            count = add_point(points, count, time, CASH_CALL, edge if ending == CALLED else math.nan)
        if seg[o + PUT] > 0:
            below, part = state[e + EDGE_PUT_LAST], state[e + EDGE_PUT_PART]
            edge = level * math.exp((below + 1.0 - part - zero) * h) if below < top - 1 else math.inf
            count = add_point(points, count, time, PUTTING, edge if below >= 0.0 else math.nan)
    return count


def add_day(points: Any, count: int, seg: Any, o: int, time: float, found: Any) -> Any:
    """Write the boundaries of the day at the end of a segment: what is live on it alone, or before its coupon."""
    level = seg[o + LEVEL_END]
    if not math.isnan(seg[o + DAY_CALL]):
        if seg[o + DAY_OPEN] > 0:
            forced = max((seg[o + DAY_CALL] - seg[o + DAY_FLOOR]) / seg[o + DAY_RATIO], seg[o + DAY_TRIGGER])
            count = add_point(points, count, time, FORCING, forced)
        count = add_point(points, count, time, CASH_CALL, level * found[0])
    if not math.isnan(seg[o + DAY_PUT]):
        count = add_point(points, count, time, PUTTING, level * found[1])
    # Where conversion is open before, its edge just then is of note if something is lost by waiting until after.
    loses = seg[o + DIVIDEND] > 0 or seg[o + FIELDS + RATIO] < seg[o + DAY_RATIO]
    if seg[o + DAY_OPEN] > 0 and (loses or not seg[o + OPEN] > 0):
        count = add_point(points, count, time, CONVERSION, level * found[2])
    if seg[o + CALL] > 0:
        count = add_point(points, count, time, CASH_CALL, level * found[3])
    if seg[o + PUT] > 0 and not math.isnan(found[4]):  # what was put the day after is in its steps
        count = add_point(points, count, time, PUTTING, level * found[4])
    return count


def on_grid(
    u: Any, b: Any, v: Any, scratch: Any, spare: Any, exp_y: Any, work: Any, p: Any, tilt: Any, state: Any, now: Any,
    seg: Any, begin: int, end: int, row: Any, model: int, h: float, zero: int, steps: float, times: int, points: Any,
    chances: Any,
) -> Any:  # fmt: skip
    """Go through a life on one grid; chances and expected life go to `chances`. Give how many points there are.

    Chances are missing where the issuer waits above an edge: they are followed below it alone.
    """
    total, count, waits = 0.0, 0, False
    for s in range(begin, end):
        total += seg[s * FIELDS + LENGTH]
    for i in range(u.size):
        exp_y[i] = math.exp((i - zero) * h)
    found = np.empty(5)
    o, start = (end - 1) * FIELDS, total
    _events.mature(u, b, work, exp_y, state, seg, o, model, h, zero)
    parting = _outcomes.mature(p, tilt, v, exp_y, seg, o, h, zero)
    if seg[o + DAY_OPEN] > 0:
        count = add_point(points, count, total, CONVERSION, seg[o + LEVEL_END] * parting)
    for s in range(end - 1, begin - 1, -1):
        o = s * FIELDS
        turns = step_count(seg, o, carry_of(seg, o, row), steps, total) * times
        _march.march(u, b, work, exp_y, state, now, seg, o, row, model, h, zero, turns)
        turns += IMPLICIT // 2
        _outcomes.follow(p, work, state, seg, o, row, model, h, zero, turns)
        start -= seg[o + LENGTH]
        count = add_edges(points, count, state, seg, o, start, h, zero, turns, u.size - 1)
        waits = waits or _above.waits_above(work, exp_y, state, seg, o, seg[o + LENGTH])
        if s > begin:
            v[:] = u
            _outcomes.meet(p, tilt, v, scratch, spare, work, exp_y, state, seg, o, o - FIELDS, h, zero, found)
            count = add_day(points, count, seg, o - FIELDS, start, found)
            _events.meet(u, b, spare, work, exp_y, state, seg, o, o - FIELDS, model, h, zero)
    place = zero + math.log(row[0] / seg[o + LEVEL_START]) / h
    ending, low, high = ending_at(state, seg, o), max(int(state[PUT_LAST]), 0), u.size - 1
    if state[PUT_LAST] >= 0.0 and place <= state[PUT_LAST] + 1.0 - state[PUT_PART]:
        ending, high = _outcomes.PUT, -1
    elif is_barrier(seg, o) and place >= zero:
        ending, high = FORCED, -1
    elif ending >= 0 and place >= state[0] + state[1]:
        high = -1
    elif ending >= 0:
        high = int(state[0]) + 1
    for which in range(ENDINGS):
        chances[which] = _outcomes.meant(ending, which) if high < 0 else derivatives(p[which], place, low, high)[0]
        if waits:
            chances[which] = math.nan
    return count


@kernel(
    tables=["int64", "float64", "float64"],
    reads=["int64"] + ["float64"] * MARKET,
    writes=["float64"] * ENDINGS + ["int64", "float64"],
    calls=[
        *value_rows._calls,  # noqa: SLF001 (all that the engine calls)
        _outcomes.meant, _outcomes.ending_at, _outcomes.beside_edge, _outcomes.below_edge, _outcomes.eliminate,
        _outcomes.slope_at, _outcomes.put_slope, _outcomes.substitute,
        _outcomes.follow, _outcomes.edge_after, _outcomes.carry_over, _outcomes.hold, _outcomes.call, _outcomes.enter,
        _outcomes.mature, _outcomes.meet,
        _above.waits_above, add_point, add_edges, add_day, on_grid, most_steps,
    ],
)  # fmt: skip
def policy_rows(
    offsets: Any, seg: Any, settings: Any, contract: Any, stock: Any, volatility: Any, rate: Any, carry: Any,
    credit: Any, recovery: Any, drop: Any, elasticity: Any, reference: Any, converted: Any, forced: Any,
    at_maturity: Any, called: Any, put: Any, defaulted: Any, redeemed: Any, life: Any, counts: Any, points: Any,
) -> None:  # fmt: skip
    """Fill the chance of each ending and the expected life [yr] of each row, and the points of its boundaries.

    `points` has the same room for each row, or none; the points of the finest grid stay, latest first.
    """
    model, grids = int(settings[MODEL]), int(settings[GRIDS])
    finest, most, rows = 1 << (grids - 1), most_segments(offsets), converted.size
    room = (_across(settings[NODES], most) + 8) * finest + 1
    memory, work = np.empty((6, room)), np.zeros(WORK * room)
    chance, tilt = np.empty(ENDINGS * room), np.empty(ENDINGS * room)
    row, now, own = np.empty(MARKET), np.empty(STEP), np.empty(most * FIELDS)
    state = np.zeros(STATE + EDGE_PARTS * (int(most_steps(settings[STEPS], 1)) * finest + IMPLICIT))
    results = np.empty((2, ENDINGS))
    out = (converted, forced, at_maturity, called, put, defaulted, redeemed, life)
    by_row = points.reshape((max(rows, 1), points.size // (max(rows, 1) * POINT), POINT))
    for r in range(rows):
        end = copy_segments(own, seg, offsets, contract[r])
        missing = end == 0
        for j, given in enumerate((stock, volatility, rate, carry, credit, recovery, drop, elasticity, reference)):
            row[j] = given[r]
            missing = missing or math.isnan(row[j])
        counts[r] = 0
        if missing:
            for part in out:
                part[r] = math.nan
            continue
        low, high = _span(own, 0, end, row, model, settings[WIDTH])
        width = (high - low) / _across(settings[NODES], end)
        below, above = max(4, math.ceil(-low / width)), math.ceil(high / width)
        for grid in range(grids):
            times = 1 << grid
            nodes = (below + above) * times + 1
            results[0] = results[1]
            counts[r] = on_grid(
                memory[0, :nodes], memory[1, :nodes], memory[2, :nodes], memory[3, :nodes], memory[4, :nodes],
                memory[5, :nodes], work[: WORK * nodes].reshape((WORK, nodes)),
                chance[: ENDINGS * nodes].reshape((ENDINGS, nodes)), tilt[: ENDINGS * nodes].reshape((ENDINGS, nodes)),
                state, now, own, 0, end, row, model, width / times, below * times, settings[STEPS], times,
                by_row[r], results[1],
            )  # fmt: skip
        for j, part in enumerate(out):
            part[r] = (4.0 * results[1, j] - results[0, j]) / 3.0 if grids > 1 else results[1, j]
        # Where one grid exercises at once and the other does not, what is extrapolated may leave what can be.
        remaining = 0.0
        for s in range(end):
            remaining += own[s * FIELDS + LENGTH]
        if not math.isnan(life[r]):
            life[r] = min(max(life[r], 0.0), remaining)
