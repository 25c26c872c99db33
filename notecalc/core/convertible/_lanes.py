"""The whole of a note's life on a grid, for as many rows at once as a vector has lanes.

Rows whose notes have one shape go together: the same options on the same number of days, and grids of as many nodes.
All else may differ by lane; a lane with fewer steps between two days than others waits for them, so that rows with
alike numbers of steps stand together. Where lanes are left over, the last row is repeated.

All models are solved here, without puts in windows and maturities paid in shares. `_engine` solves all terms, one row
at a time, and is what the tests hold this to.
"""

from __future__ import annotations

import itertools
from typing import Any, Final

import numpy as np

from notecalc.core._jit import kernel
from notecalc.core._vectors import exp, lanes_of, load, maximum, pick, select, splat, store
from notecalc.core.arrays import FloatArray, IntArray
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible import (
    _engine,
    _lanes_bounds,
    _lanes_edge,
    _lanes_events,
    _lanes_march,
    _lanes_memory,
    _lanes_trigger,
    _lanes_two,
    _lanes_two_edge,
    _lanes_weights,
)
from notecalc.core.convertible._columns import (
    AYACHE_FORSYTH_VETZAL,
    CARRY,
    CREDIT,
    ELASTICITY,
    FIELDS,
    GOLDMAN_SACHS,
    MARKET,
    MOST_LACK,
    R_CARRY,
    R_CREDIT,
    R_RATE,
    R_VOLATILITY,
    RATE,
    VOLATILITY,
)
from notecalc.core.convertible._engine import GRIDS, MODEL, NODES, STEPS, WIDTH, _across, _span, finer_by
from notecalc.core.convertible._lanes_events import mature, meet
from notecalc.core.convertible._lanes_march import march
from notecalc.core.convertible._lanes_memory import (
    ARRAYS,
    ARRAYS_OF_TWO,
    EXP_Y,
    GROWTH,
    LACK,
    NUMBERS,
    PER_NODE,
    PER_RISE,
    POWER,
    STEPS_TAKEN,
    WIDEN,
    H,
    of,
    put,
)
from notecalc.core.convertible._lanes_read import read
from notecalc.core.convertible._lanes_two import march_two
from notecalc.core.convertible._segment import own_or
from notecalc.core.convertible._steps import IMPLICIT, IMPLICIT_IN_LANES, LEAST_BRIEF, LEAST_STEPS

__all__ = ["value_rows_in_lanes"]

# ---- what a segment and the day at its end are like, as bits of a number ----
IS_OPEN: Final = 1
IS_CALL: Final = 2
DAY_OPEN: Final = 4
HAS_PUT: Final = 8
HAS_CALL: Final = 16
MOVES: Final = 32  # whether the grid, or what W is measured from, is another on the other side of the day
WITHIN: Final = 64  # whether W stays above what is paid beside shares, whatever happens on the day
DRIFTS: Final = 128  # whether the level moves within the segment
HARD: Final = 256  # whether a call may bind below the level
GENTLE: Final = 512  # whether it binds from a trigger on, or there is little time

# ---- what a row is like ----
ELASTIC: Final = 1
GRADED: Final = 2  # whether its steps get longer
EARLY: Final = 4  # whether it may pay to convert before the level is reached

# Nodes on either side are a multiple of a share of them, so that more rows have as many: over 1,000 different notes at
# `standard` that takes half the time that multiples of 4 take, and moves no value by more than 1e-10.
_SHARE: Final = 8
_LEAST, _MOST = 4, 16

# ---- row by row, what a grid is like ----
_LOW, _HIGH = 0, 1


def value_rows_in_lanes(
    offsets: IntArray, seg: FloatArray, settings: FloatArray, contract: IntArray, *columns: FloatArray
) -> None:
    """Fill what `_engine.value_rows` fills, of the same arguments."""
    lanes = value_lanes.lanes
    inputs, outputs = columns[:MARKET], columns[MARKET:]
    table = seg.reshape(-1, FIELDS)
    whole = np.diff(offsets)[contract] > 0
    for values in inputs:
        whole &= ~np.isnan(values)
    for out in outputs:
        out[~whole] = np.nan
    rows = np.flatnonzero(whole)
    if not rows.size:
        return
    shapes, counts = _shapes(offsets, table), _steps(offsets, table, settings[STEPS])
    low, high, finer = np.empty(rows.size), np.empty(rows.size), np.empty(rows.size)
    chosen = [values[rows] for values in inputs]
    contracts = contract[rows]
    span_rows(offsets, seg, settings, contracts, *chosen, low, high, finer)
    nodes = settings[NODES] * np.sqrt(np.maximum(1.0, np.diff(offsets)[contracts] / 12.0))
    width = (high - low) / (nodes.astype(np.int64) * finer)
    multiple = min(max(int(settings[NODES]) // _SHARE, _LEAST), _MOST)
    below = _up(np.maximum(4, -low / width), multiple)
    over = np.where(_always(offsets, table)[contracts], 4, _up(high / width, multiple))
    number = _number(offsets, shapes)[contracts]
    kind = _kinds(offsets, table, contracts, chosen, int(settings[MODEL]))
    keys = np.stack([over, below, kind, number])
    order = np.lexsort([_rank(offsets, counts)[contracts], *keys])
    keys = keys[:, order]
    starts = np.flatnonzero(np.r_[True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)])
    sizes = np.diff(np.r_[starts, rows.size])
    padded = -(-sizes // lanes) * lanes
    begin = np.repeat(np.cumsum(padded) - padded, padded)
    within = np.arange(padded.sum()) - begin
    order = order[np.minimum(np.repeat(starts, padded) + within, np.repeat(starts + sizes - 1, padded))]
    found = [np.empty(order.size) for _ in outputs]
    value_lanes(
        offsets, seg, settings, shapes, counts, contracts[order], kind[order], below[order],
        over[order], width[order],
        *(values[order] for values in chosen), *found,
    )  # fmt: skip
    for out, values in zip(outputs, found, strict=True):
        out[rows[order]] = values


def _up(nodes: FloatArray, multiple: int) -> IntArray:
    return (np.ceil(nodes / multiple) * multiple).astype(np.int64)


def _steps(offsets: IntArray, table: FloatArray, steps: float) -> IntArray:
    """Give how many steps each segment has on the coarsest grid."""
    lengths = table[:, col.LENGTH]
    owner = np.repeat(np.arange(offsets.size - 1), np.diff(offsets))
    total = np.bincount(owner, weights=lengths, minlength=offsets.size - 1)[owner]
    least = np.where(table[:, col.BRIEF] > 0, LEAST_BRIEF, LEAST_STEPS)
    counts: IntArray = np.maximum(least, np.round(steps * lengths / total)).astype(np.int64)
    return counts


def _shapes(offsets: IntArray, table: FloatArray) -> IntArray:
    """Give the bits of each segment as a number."""
    after = np.minimum(np.arange(len(table)) + 1, len(table) - 1)
    moves = (
        (table[after, col.LEVEL_START] != table[:, col.LEVEL_END])
        | (table[:, col.DIVIDEND] > 0)
        | (table[after, col.RATIO] != table[:, col.RATIO])
    )
    is_open, is_call = table[:, col.OPEN] > 0, table[:, col.CALL] > 0
    held = (table[after, col.OPEN] > 0) & ~moves & (table[after, col.FLOOR_START] >= table[:, col.DAY_FLOOR])
    within = held & (table[:, col.FLOOR_END] <= table[:, col.DAY_FLOOR] + table[:, col.COUPON])
    within &= np.isnan(table[:, col.DAY_CALL])
    drifts = table[:, col.LEVEL_START] != table[:, col.LEVEL_END]
    # The level is the trigger then: what is paid for a call matters nowhere.
    hard = is_call & ~(
        is_open & (table[:, col.TRIGGER] >= np.maximum(table[:, col.LEVEL_START], table[:, col.LEVEL_END]))
    )
    code = np.zeros(len(table), dtype=np.int64)
    for bit, holds in (
        (IS_OPEN, is_open),
        (IS_CALL, is_call),
        (DAY_OPEN, table[:, col.DAY_OPEN] > 0),
        (HAS_PUT, ~np.isnan(table[:, col.DAY_PUT])),
        (HAS_CALL, ~np.isnan(table[:, col.DAY_CALL])),
        (MOVES, moves),
        (WITHIN, within),
        (DRIFTS, drifts),
        (HARD, hard),
        (GENTLE, (table[:, col.BRIEF] > 0) | (hard & (table[:, col.TRIGGER] > 0))),
    ):
        code += bit * holds
    code[offsets[1:][offsets[1:] > offsets[:-1]] - 1] &= ~(MOVES | WITHIN)  # nothing comes after
    return code


def _kinds(offsets: IntArray, table: FloatArray, contract: IntArray, row: list[FloatArray], model: int) -> IntArray:
    """Give a number of each row, alike for those that may share a block."""
    graded = (row[col.R_CARRY] > 0) | _any_of(offsets, table[:, col.CARRY] > 0)[contract]
    paid = _any_of(offsets, (table[:, col.FLOOR_START] != 0) | (table[:, col.FLOOR_END] != 0))
    early = graded | paid[contract]
    if model != AYACHE_FORSYTH_VETZAL:
        # What is converted bears no spread: it may always pay, and no hazard depends on the stock.
        own: IntArray = GRADED * graded
        return own
    kinds: IntArray = ELASTIC * (row[col.ELASTICITY] != 0) + GRADED * graded + EARLY * early
    return kinds


def _always(offsets: IntArray, table: FloatArray) -> Any:
    """Tell of which contracts the grid ends at the level all the time."""
    return ~_any_of(offsets, ~((table[:, col.OPEN] > 0) & (table[:, col.CALL] > 0)))


def _any_of(offsets: IntArray, holds: Any) -> Any:
    """Tell of which contracts something holds in any segment."""
    before = np.r_[0, np.cumsum(holds)]
    return before[offsets[1:]] > before[offsets[:-1]]


def _number(offsets: IntArray, shapes: IntArray) -> IntArray:
    """Number the contracts so that those of one shape have one number."""
    known: dict[bytes, int] = {}
    return np.array(
        [known.setdefault(shapes[a:b].tobytes(), len(known)) for a, b in itertools.pairwise(offsets)],
        dtype=np.int64,
    )


def _rank(offsets: IntArray, counts: IntArray) -> IntArray:
    """Number the contracts in the order of their steps, segment by segment."""
    texts = counts.astype(">u2")
    of_each = [texts[a:b].tobytes() for a, b in itertools.pairwise(offsets)]
    place = {text: i for i, text in enumerate(sorted(set(of_each)))}
    return np.array([place[text] for text in of_each], dtype=np.int64)


@kernel(
    tables=["int64", "float64", "float64"],
    reads=["int64"] + ["float64"] * MARKET,
    writes=["float64"] * 3,
    calls=[own_or, _engine._span, _engine._across, _engine.finer_by],  # noqa: SLF001 (the grid is the engine's)
)
def span_rows(
    offsets: Any, seg: Any, settings: Any, contract: Any, stock: Any, volatility: Any, rate: Any, carry: Any,
    credit: Any, recovery: Any, drop: Any, elasticity: Any, reference: Any,
    low: Any, high: Any, finer: Any,
) -> None:  # fmt: skip
    """Fill in how far the grid of each row reaches below and above the levels, and by how much it must be finer."""
    row, model = np.empty(MARKET), int(settings[MODEL])
    for r in range(low.size):
        for j, given in enumerate((stock, volatility, rate, carry, credit, recovery, drop, elasticity, reference)):
            row[j] = given[r]
        begin, end = offsets[contract[r]], offsets[contract[r] + 1]
        low[r], high[r] = _span(seg, begin, end, row, model, settings[WIDTH])
        across = _across(settings[NODES], end - begin)
        finer[r] = finer_by(seg, begin, end, row, high[r] - low[r], across)


def _one_grid(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, shape: Any, counts: Any, row: Any, nodes: int,
    zero: int, times: int, rows: int, model: int, out: Any,
) -> None:  # fmt: skip
    """Value on one grid: value, delta, gamma and theta go to `out`."""
    h, one = of(like, now, H), splat(1.0, like)
    growth = exp(h)
    put(now, GROWTH, growth)
    put(now, PER_NODE, one / h)
    put(now, PER_RISE, one / (growth - one))
    put(now, WIDEN, h / (one + one - h))
    fill_powers(like, grid, EXP_Y * room, growth, nodes, zero)
    elastic, graded, early = (rows & ELASTIC) != 0, (rows & GRADED) != 0, (rows & EARLY) != 0
    if elastic:
        fill_powers(like, grid, POWER * room, exp(-of(like, row, ELASTICITY) * h), nodes, zero)
    s = shape.size - 1
    bits = shape[s]
    is_open, is_call = (bits & IS_OPEN) != 0, (bits & IS_CALL) != 0
    mature(
        like, grid, room, now, cells, seg, s * FIELDS, nodes, zero, is_open, (bits & DAY_OPEN) != 0, is_call,
        (bits & HARD) != 0, model,
    )  # fmt: skip
    for s in range(shape.size - 1, -1, -1):
        bits = shape[s]
        is_open, is_call, same = (bits & IS_OPEN) != 0, (bits & IS_CALL) != 0, not graded and (bits & DRIFTS) == 0
        hard = (bits & HARD) != 0
        put(now, STEPS_TAKEN, load(counts, s * lanes_of(like), like) * splat(float(times), like))
        # Two leave waves next to where a jump was: they are gone by the next segment, but not from what is read.
        gently = (s == 0 and is_open and is_call) or (bits & GENTLE) != 0
        implicit = IMPLICIT if gently else IMPLICIT_IN_LANES
        if model == AYACHE_FORSYTH_VETZAL:
            march(
                like, grid, room, now, cells, seg, s * FIELDS, row, nodes, zero, implicit, is_open, is_call, early,
                hard, same, elastic,
            )  # fmt: skip
        else:
            march_two(
                like, grid, room, now, cells, seg, s * FIELDS, row, nodes, zero, implicit, is_open, is_call, hard,
                same, model == GOLDMAN_SACHS,
            )  # fmt: skip
        if s > 0:
            prior = shape[s - 1]
            meet(
                like, grid, room, now, cells, seg, s * FIELDS, (s - 1) * FIELDS, nodes, zero, (prior & IS_OPEN) != 0,
                (prior & DAY_OPEN) != 0, (prior & IS_CALL) != 0, (prior & HARD) != 0, is_open, is_call,
                (prior & HAS_PUT) != 0, (prior & HAS_CALL) != 0, (prior & MOVES) != 0, (prior & WITHIN) != 0, model,
            )  # fmt: skip
    read(like, grid, room, now, cells, seg, row, nodes, zero, (bits & IS_OPEN) != 0, (bits & IS_CALL) != 0, model, out)


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
    tables=["int64", "float64", "float64", "int64", "int64"],
    reads=["int64"] * 4 + ["float64"] * (1 + MARKET),
    writes=["float64"] * 5,
    lanes=True,
    calls=[
        own_or,
        _lanes_memory.of, _lanes_memory.put, _lanes_memory.most_of, _lanes_memory.least_of, _lanes_memory.aim,
        _lanes_memory.gather, _lanes_memory.along, _lanes_memory.rise,
        _lanes_weights.add_pair, _lanes_weights.weigh_kink, _lanes_weights.weigh_jump,
        _lanes_weights.cubic_weights, _lanes_weights.blend, _lanes_weights.interpolate_after,
        _lanes_weights.interpolate, _lanes_weights.derivatives,
        _lanes_edge.sources, _lanes_edge.bound_at, _lanes_edge.unit_bend, _lanes_edge.passed_on,
        _lanes_edge.judge, _lanes_edge.look, _lanes_edge.come_in, _lanes_edge.is_before, _lanes_edge.touched_at,
        _lanes_edge.find_edge, _lanes_edge.substitute, _lanes_edge.finish,
        _lanes_trigger.trigger_place, _lanes_trigger.last_below, _lanes_trigger.allows_cash, _lanes_trigger.is_held,
        _lanes_trigger.solved_before, _lanes_trigger.solve_held, _lanes_trigger.stays_held, _lanes_trigger.before_end,
        _lanes_trigger.parabola, _lanes_trigger.end_jump, _lanes_trigger.first_called, _lanes_trigger.weigh_end,
        _lanes_trigger.weigh_held,
        _lanes_march.set_step, _lanes_march.hold, _lanes_march.release, _lanes_march.pulls,
        _lanes_march.spreads, _lanes_march.first_gain, _lanes_march.eliminate_even, _lanes_march.eliminate, march,
        _lanes_two_edge.peek, _lanes_two_edge.look,
        _lanes_two_edge.miss, _lanes_two_edge.find_part, _lanes_two_edge.find_edge_of_two,
        _lanes_two_edge.finish_two, _lanes_two.factor_two, _lanes_two.eliminate_two, _lanes_two.solve_second,
        _lanes_two.eliminate_first, _lanes_two.reach, _lanes_two.agree, march_two,
        _lanes_events.clear, _lanes_bounds.crossing, _lanes_bounds.beside, _lanes_bounds.clip,
        _lanes_bounds.forget, _lanes_bounds.weigh_conversion, _lanes_bounds.cap, _lanes_bounds.weigh_trigger,
        _lanes_events.enter, _lanes_events.add_coupon, mature,
        _lanes_events.is_pinned, _lanes_events.settle, _lanes_events.known_kink,
        _lanes_events.shift_inside, _lanes_events.move,
        _lanes_events.move_second, meet,
        read, fill_powers, _one_grid,
    ],
)  # fmt: skip
def value_lanes(  # noqa: C901, PLR0912 (what each lane reads)
    like: Any, offsets: Any, seg: Any, settings: Any, shapes: Any, counts: Any, contract: Any, kind: Any, below: Any,
    over: Any, width: Any, stock: Any, volatility: Any, rate: Any, carry: Any,
    credit: Any, recovery: Any, drop: Any, elasticity: Any, reference: Any,
    value: Any, delta: Any, gamma: Any, theta: Any, estimate: Any,
) -> None:  # fmt: skip
    """Fill value, delta, gamma, theta per year and the change, as `_engine.value_rows` does, block by block."""
    grids, model = int(settings[GRIDS]), int(settings[MODEL])
    finest, room, segments = 1 << (grids - 1), 0, 1
    for r in range(0, value.size, lanes_of(like)):
        room = max(room, (below[r] + over[r]) * finest + 2)
        segments = max(segments, offsets[contract[r] + 1] - offsets[contract[r]])
    room *= lanes_of(like)
    grid = np.zeros((ARRAYS if model == AYACHE_FORSYTH_VETZAL else ARRAYS_OF_TWO) * room)
    now, cells = np.zeros(NUMBERS * lanes_of(like)), np.zeros(lanes_of(like), dtype=np.int64)
    row, lane_seg = np.empty(MARKET * lanes_of(like)), np.empty(segments * FIELDS * lanes_of(like))
    found = np.empty((grids, 4 * lanes_of(like)))
    steps = np.empty(segments * lanes_of(like))
    out = (value, delta, gamma, theta)
    for r in range(0, value.size, lanes_of(like)):
        begin = offsets[contract[r]]
        count = offsets[contract[r] + 1] - begin
        for lane in range(lanes_of(like)):
            cells[lane] = offsets[contract[r + lane]] * FIELDS
        for j in range(count * FIELDS):
            store(lane_seg, j * lanes_of(like), pick(seg, j, cells, like))
        for lane in range(lanes_of(like)):
            for j, given in enumerate((stock, volatility, rate, carry, credit, recovery, drop, elasticity, reference)):
                row[j * lanes_of(like) + lane] = given[r + lane]
            for s in range(count):
                steps[s * lanes_of(like) + lane] = counts[offsets[contract[r + lane]] + s]
                for field, own in ((VOLATILITY, R_VOLATILITY), (RATE, R_RATE), (CARRY, R_CARRY), (CREDIT, R_CREDIT)):
                    j = (s * FIELDS + field) * lanes_of(like) + lane
                    lane_seg[j] = own_or(lane_seg[j], row[own * lanes_of(like) + lane])
        rows, lack = kind[r], splat(0.0, like)
        for g in range(grids):
            times = 1 << g
            put(now, LACK, splat(0.0, like))
            put(now, H, load(width, r, like) / splat(float(times), like))
            _one_grid(
                like, grid, room, now, cells, lane_seg, shapes[begin : begin + count], steps, row,
                (below[r] + over[r]) * times + 1, below[r] * times, times, rows, model, found[g],
            )  # fmt: skip
            if g >= grids - 2:
                lack = maximum(lack, of(like, now, LACK))
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
