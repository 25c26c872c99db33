"""The whole of a note's life on a grid, for as many rows at once as a vector has lanes.

Notes of any dates and options go together: what happens to one lane alone is neutral to the others. A lane with fewer
steps between two days than others waits for them, a lane of fewer days is read before the others are; so rows of alike
notes stand together. Where lanes are left over, the last row is repeated.

All models are solved here, without puts in windows and maturities paid in shares. `_engine` solves all terms, one row
at a time, and is what the tests hold this to.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from notecalc.core._jit import kernel
from notecalc.core._vectors import exp, lanes_of, load, maximum, select, splat, store
from notecalc.core.arrays import FloatArray, IntArray
from notecalc.core.convertible import (
    _engine,
    _lanes_bounds,
    _lanes_edge,
    _lanes_events,
    _lanes_march,
    _lanes_memory,
    _lanes_shapes,
    _lanes_shift,
    _lanes_trigger,
    _lanes_two,
    _lanes_two_edge,
    _lanes_two_root,
    _lanes_weights,
)
from notecalc.core.convertible._columns import (
    AYACHE_FORSYTH_VETZAL,
    ELASTICITY,
    FIELDS,
    GOLDMAN_SACHS,
    MARKET,
    MOST_LACK,
)
from notecalc.core.convertible._engine import GRIDS, MODEL, NODES, STEPS, WIDTH, _across, _span, finer_by
from notecalc.core.convertible._lanes_events import mature, meet
from notecalc.core.convertible._lanes_march import march
from notecalc.core.convertible._lanes_memory import (
    ARRAYS,
    ARRAYS_OF_TWO,
    BARRED,
    BOTTOM,
    EXP_Y,
    GROWTH,
    IMPLICIT_STEPS,
    LACK,
    MAY_CALL,
    NUMBERS,
    OPENED,
    PER_NODE,
    PER_RISE,
    POWER,
    STEPS_ASKED,
    TOP,
    WIDEN,
    ZERO,
    H,
    least_of,
    most_of,
    of,
    put,
)
from notecalc.core.convertible._lanes_read import read
from notecalc.core.convertible._lanes_shapes import (
    BARRIER,
    DRIFTS,
    EARLY,
    ELASTIC,
    FIRST,
    FLAGS,
    GENTLE,
    GRADED,
    HARD,
    IS_OPEN,
    barriers_of,
    kind_of,
    most_segments,
    set_segments,
)
from notecalc.core.convertible._lanes_two import march_two
from notecalc.core.convertible._segment import own_or
from notecalc.core.convertible._steps import IMPLICIT, IMPLICIT_IN_LANES, early_share, step_count

__all__ = ["value_rows_in_lanes"]

_LEAST: Final = 4  # nodes on a side of the coarsest grid


def value_rows_in_lanes(
    offsets: IntArray, seg: FloatArray, settings: FloatArray, contract: IntArray, *columns: FloatArray
) -> None:
    """Fill what `_engine.value_rows` fills, of the same arguments."""
    lanes = value_lanes.lanes
    inputs, outputs = columns[:MARKET], columns[MARKET:]
    whole = np.diff(offsets)[contract] > 0
    for values in inputs:
        whole &= ~np.isnan(values)
    for out in outputs:
        out[~whole] = np.nan
    rows = np.flatnonzero(whole)
    if not rows.size:
        return
    chosen, contracts = [values[rows] for values in inputs], contract[rows]
    kind, barriers, width, below, over = (np.empty(rows.size) for _ in range(5))
    survey_rows(offsets, seg, settings, contracts, *chosen, kind, barriers, width, below, over)
    # Alike notes stand together, and lanes whose grids are alike have their edges at about the same nodes.
    order = np.lexsort([below, barriers, np.diff(offsets)[contracts], kind])
    starts = np.flatnonzero(np.r_[True, np.diff(kind[order]) != 0])
    sizes = np.diff(np.r_[starts, rows.size])
    padded = -(-sizes // lanes) * lanes
    begin = np.repeat(np.cumsum(padded) - padded, padded)
    within = np.arange(padded.sum()) - begin
    order = order[np.minimum(np.repeat(starts, padded) + within, np.repeat(starts + sizes - 1, padded))]
    found = [np.empty(order.size) for _ in outputs]
    value_lanes(
        offsets, seg, settings, contracts[order], kind[order], width[order], below[order], over[order],
        *(values[order] for values in chosen), *found,
    )  # fmt: skip
    for out, values in zip(outputs, found, strict=True):
        out[rows[order]] = values


@kernel(
    tables=["int64", "float64", "float64"],
    reads=["int64"] + ["float64"] * MARKET,
    writes=["float64"] * 5,
    calls=[own_or, _engine._span, _engine._across, finer_by, kind_of, barriers_of],  # noqa: SLF001 (the engine's grid)
)
def survey_rows(
    offsets: Any, seg: Any, settings: Any, contract: Any, stock: Any, volatility: Any, rate: Any, carry: Any,
    credit: Any, recovery: Any, drop: Any, elasticity: Any, reference: Any,
    kind: Any, barriers: Any, width: Any, below: Any, over: Any,
) -> None:  # fmt: skip
    """Fill in what each row is like, and its coarsest grid: how wide a cell is, and how many are on either side."""
    row, model = np.empty(MARKET), int(settings[MODEL])
    for r in range(width.size):
        for j, given in enumerate((stock, volatility, rate, carry, credit, recovery, drop, elasticity, reference)):
            row[j] = given[r]
        begin, end = offsets[contract[r]], offsets[contract[r] + 1]
        kind[r], barriers[r] = kind_of(seg, begin, end, row, model), barriers_of(seg, begin, end)
        low, high = _span(seg, begin, end, row, model, settings[WIDTH])
        across = _across(settings[NODES], end - begin)
        width[r] = (high - low) / (across * finer_by(seg, begin, end, row, high - low, across))
        below[r] = max(math.ceil(-low / width[r]), _LEAST)
        # Where the note ends at the level all its life, nothing is above.
        over[r] = _LEAST if barriers[r] == end - begin else max(math.ceil(high / width[r]), _LEAST)


def furthest(like: Any, nodes: Any, r: int) -> int:
    """Give the most nodes that a lane's grid has on one side of the level."""
    most = nodes[r]
    for lane in range(1, lanes_of(like)):
        most = max(most, nodes[r + lane])
    return int(most)


def _one_grid(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, flags: Any, counts: Any, row: Any,
    segments: int, nodes: int, zero: int, times: int, rows: int, model: int, out: Any,
) -> None:  # fmt: skip
    """Value on one grid: value, delta, gamma, theta and LACK go to `out`."""
    one, h = splat(1.0, like), of(like, now, H)
    growth = exp(h)
    put(now, GROWTH, growth)
    put(now, PER_NODE, one / h)
    put(now, PER_RISE, one / (growth - one))
    put(now, WIDEN, h / (one + one - h))
    fill_powers(like, grid, EXP_Y * room, growth, nodes, zero)
    put(now, ZERO, splat(float(zero), like))
    elastic, graded, early = (rows & ELASTIC) != 0, (rows & GRADED) != 0, (rows & EARLY) != 0
    if elastic:
        fill_powers(like, grid, POWER * room, exp(-of(like, row, ELASTICITY) * h), nodes, zero)
    s = segments - 1
    mature(like, grid, room, now, cells, seg, s * FIELDS, flags, s * FLAGS, nodes, zero, model)
    for s in range(segments - 1, -1, -1):
        o, f = s * FIELDS, s * FLAGS
        # What any lane needs is done, what all are like is done faster.
        is_open, barrier = most_of(like, flags, f + IS_OPEN) > 0.0, least_of(like, flags, f + BARRIER) > 0.0
        hard, same = most_of(like, flags, f + HARD) > 0.0, not graded and most_of(like, flags, f + DRIFTS) == 0.0
        gentle = of(like, flags, f + GENTLE) > splat(0.0, like)
        put(now, IMPLICIT_STEPS, select(gentle, splat(IMPLICIT, like), splat(IMPLICIT_IN_LANES, like)))
        put(now, STEPS_ASKED, load(counts, s * lanes_of(like), like) * splat(float(times), like))
        put(now, OPENED, of(like, flags, f + IS_OPEN))
        put(now, BARRED, of(like, flags, f + BARRIER))
        put(now, MAY_CALL, of(like, flags, f + HARD))
        if model == AYACHE_FORSYTH_VETZAL:
            march(
                like, grid, room, now, cells, seg, o, row, nodes, zero, is_open, barrier, early, hard, same, elastic
            )  # fmt: skip
        else:
            march_two(
                like, grid, room, now, cells, seg, o, row, nodes, zero, is_open, barrier, hard, same,
                model == GOLDMAN_SACHS,
            )  # fmt: skip
        if most_of(like, flags, f + FIRST) > 0.0:
            read(like, grid, room, now, cells, seg, o, row, of(like, flags, f + FIRST), model, out)
        if s > 0:
            meet(
                like, grid, room, now, cells, seg, o, o - FIELDS, flags, f, f - FLAGS, nodes, zero, model
            )  # fmt: skip


def fill_powers(like: Any, grid: Any, array: int, base: Any, nodes: int, zero: int) -> None:
    """Fill in the powers of a number: 1 at the level."""
    power, back = splat(1.0, like), splat(1.0, like) / base
    for i in range(zero, nodes):
        store(grid, array + i * lanes_of(like), power)
        power = power * base
    power = back
    for i in range(zero - 1, -1, -1):
        store(grid, array + i * lanes_of(like), power)
        power = power * back


@kernel(
    tables=["int64", "float64", "float64"],
    reads=["int64"] + ["float64"] * (4 + MARKET),
    writes=["float64"] * 5,
    lanes=True,
    calls=[
        own_or,
        _lanes_memory.of, _lanes_memory.put, _lanes_memory.most_of, _lanes_memory.least_of, _lanes_memory.aim,
        _lanes_memory.first_common, _lanes_memory.last_common, _lanes_memory.is_blank,
        _lanes_memory.end_alike,
        _lanes_memory.gather, _lanes_memory.along, _lanes_memory.rise,
        _lanes_weights.add_pair, _lanes_weights.weigh_kink, _lanes_weights.weigh_jump,
        _lanes_weights.cubic_weights, _lanes_weights.blend, _lanes_weights.interpolate_after,
        _lanes_weights.interpolate, _lanes_weights.derivatives,
        _lanes_edge.sources, _lanes_edge.bound_at, _lanes_edge.unit_bend, _lanes_edge.passed_on,
        _lanes_edge.judge, _lanes_edge.look, _lanes_edge.come_in, _lanes_edge.is_before, _lanes_edge.touched_at,
        _lanes_edge.find_edge, _lanes_edge.substitute, _lanes_edge.finish,
        _lanes_trigger.trigger_place, _lanes_trigger.last_below, _lanes_trigger.allows_cash, _lanes_trigger.is_held,
        _lanes_trigger.has_room, _lanes_trigger.solved_before, _lanes_trigger.passed_before, _lanes_trigger.solve_end,
        _lanes_trigger.solve_held, _lanes_trigger.solve_cash_held, _lanes_trigger.before_end, _lanes_trigger.through,
        _lanes_trigger.cash_slope, _lanes_trigger.stays_held, _lanes_trigger.cash_held, _lanes_trigger.parabola,
        _lanes_trigger.kept_before, _lanes_trigger.end_jump, _lanes_trigger.first_called, _lanes_trigger.weigh_end,
        _lanes_trigger.weigh_held,
        _lanes_march.early_share_in_lanes, _lanes_march.set_step, _lanes_march.hold, _lanes_march.release,
        _lanes_march.pulls, _lanes_march.spreads, _lanes_march.first_gain, _lanes_march.next_gain,
        _lanes_march.eliminate_even, _lanes_march.eliminate, march,
        _lanes_two_root.peek, _lanes_two_root.look_at_second, _lanes_two_root.look, _lanes_two_root.end_second_at,
        _lanes_two_root.miss, _lanes_two_edge.come_in, _lanes_two_root.root_of, _lanes_two_root.find_part,
        _lanes_two_edge.find_edge_of_two, _lanes_two_edge.stay_above, _lanes_two_edge.finish_two,
        _lanes_two.factor, _lanes_two.eliminate_both, _lanes_two.eliminate_second,
        _lanes_two.end_second, _lanes_two.set_weights, _lanes_two.set_segment, _lanes_two.solve_second,
        _lanes_two.eliminate_first, _lanes_two.reach, _lanes_two.agree, march_two,
        _lanes_events.clear, _lanes_bounds.crossing, _lanes_bounds.beside, _lanes_bounds.within,
        _lanes_bounds.clip, _lanes_bounds.force, _lanes_bounds.weigh_conversion, _lanes_bounds.cap,
        _lanes_bounds.weigh_trigger, _lanes_events.enter, _lanes_events.add_coupon, mature,
        _lanes_shift.is_pinned, _lanes_events.settle, _lanes_events.known_kink,
        _lanes_shift.set_places, _lanes_shift.place_of, _lanes_shift.shift_inside, _lanes_shift.shift,
        _lanes_shift.move_first, _lanes_shift.move_second, _lanes_shift.move, meet,
        read, furthest, most_segments, early_share, step_count, _lanes_shapes.set_flags, set_segments,
        fill_powers, _one_grid,
    ],
)  # fmt: skip
def value_lanes(
    like: Any, offsets: Any, seg: Any, settings: Any, contract: Any, kind: Any, width: Any, below: Any, over: Any,
    stock: Any, volatility: Any, rate: Any, carry: Any, credit: Any, recovery: Any, drop: Any, elasticity: Any,
    reference: Any, value: Any, delta: Any, gamma: Any, theta: Any, estimate: Any,
) -> None:  # fmt: skip
    """Fill value, delta, gamma, theta per year and the change, as `_engine.value_rows` does, block by block."""
    grids, model = int(settings[GRIDS]), int(settings[MODEL])
    finest, room, segments = 1 << (grids - 1), 0, 1
    for r in range(0, value.size, lanes_of(like)):
        room = max(room, (furthest(like, below, r) + furthest(like, over, r)) * finest + 2)
        segments = max(segments, most_segments(like, offsets, contract, r))
    room *= lanes_of(like)
    grid = np.zeros((ARRAYS if model == AYACHE_FORSYTH_VETZAL else ARRAYS_OF_TWO) * room)
    now, cells = np.zeros(NUMBERS * lanes_of(like)), np.zeros(lanes_of(like), dtype=np.int64)
    row, lane_seg = np.empty(MARKET * lanes_of(like)), np.empty(segments * FIELDS * lanes_of(like))
    found, steps = np.zeros((grids, 5 * lanes_of(like))), np.empty(segments * lanes_of(like))
    flags = np.empty(segments * FLAGS * lanes_of(like))
    out = (value, delta, gamma, theta)
    for r in range(0, value.size, lanes_of(like)):
        segments = most_segments(like, offsets, contract, r)
        for lane in range(lanes_of(like)):
            for j, given in enumerate((stock, volatility, rate, carry, credit, recovery, drop, elasticity, reference)):
                row[j * lanes_of(like) + lane] = given[r + lane]
        set_segments(like, offsets, seg, settings[STEPS], contract, r, segments, row, lane_seg, flags, steps)
        rows, lack, zero = int(kind[r]), splat(0.0, like), furthest(like, below, r)
        nodes = zero + furthest(like, over, r)
        for g in range(grids):
            times = 1 << g
            put(now, LACK, splat(0.0, like))
            put(now, H, load(width, r, like) / splat(float(times), like))
            put(now, BOTTOM, splat(-float(times), like) * load(below, r, like))
            put(now, TOP, splat(float(times), like) * load(over, r, like))
            _one_grid(
                like, grid, room, now, cells, lane_seg, flags, steps, row, segments, nodes * times + 1, zero * times,
                times, rows, model, found[g],
            )  # fmt: skip
            if g >= grids - 2:
                lack = maximum(lack, load(found[g], 4 * lanes_of(like), like))
        four, three = splat(4.0, like), splat(3.0, like)
        last = found[grids - 1]
        for j, part in enumerate(out):
            best = load(last, j * lanes_of(like), like)
            if grids > 1:
                best = (four * best - load(found[grids - 2], j * lanes_of(like), like)) / three
            store(part, r, best)
        before = load(last, 0, like)
        if grids > 2:
            before = (four * load(found[grids - 2], 0, like) - load(found[grids - 3], 0, like)) / three
        change = load(value, r, like) - before
        told = maximum(change, splat(0.0, like) - change)
        store(estimate, r, select(lack > splat(MOST_LACK, like), splat(-0.0, like) - told, told))
