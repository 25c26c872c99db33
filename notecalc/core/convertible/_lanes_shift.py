"""How the grid is moved over a day on which the level or the ratio of a note changes, or its stock pays a dividend.

The scheme is that of `_events`, and so are the names; see `_lanes_march` for how lanes are kept apart.
"""

from __future__ import annotations

from typing import Any

from notecalc.core._vectors import (
    any_lane,
    exp,
    fma,
    lanes_of,
    load,
    log,
    maximum,
    minimum,
    select,
    splat,
    store,
    whole,
)
from notecalc.core.convertible._columns import (
    AYACHE_FORSYTH_VETZAL,
    DIVIDEND,
    LEVEL_END,
    LEVEL_START,
    RATIO,
    TSIVERIOTIS_FERNANDES,
)
from notecalc.core.convertible._lanes_memory import (
    AHEAD,
    BOTTOM,
    EXP_Y,
    FALL,
    HELD,
    LAST,
    NOWHERE,
    PART,
    PASS,
    PIVOT,
    SECOND,
    SIDE,
    SPARE,
    TOP,
    UP,
    UP_PART,
    H,
    U,
    aim,
    gather,
    least_of,
    most_of,
    of,
    put,
)
from notecalc.core.convertible._lanes_weights import blend, cubic_weights, interpolate_after, weigh_kink

__all__: list[str] = []


def is_pinned(like: Any, side: Any, model: int) -> Any:
    """Tell by 1 or 0 whether the second unknown ends at the edge; see `_second.is_pinned`."""
    one, zeros = splat(1.0, like), splat(0.0, like)
    by_call = one if model == TSIVERIOTIS_FERNANDES else zeros
    return select(side > zeros, one, select(zeros > side, by_call, zeros))


def set_places(
    like: Any, grid: Any, room: int, now: Any, seg: Any, later: int, o: int, nodes: int, zero: int
) -> Any:  # fmt: skip
    """Set where among the later segment's nodes those of the segment before are; tell whether any stock pays.

    All nodes of a lane whose stock pays nothing move by as much, UP whole cells and UP_PART of one. Where any pays, the
    node below each place goes to PIVOT, and the part of a cell that it is above it to FALL.
    """
    zeros, half, h, lanes = splat(0.0, like), splat(0.5, like), of(like, now, H), lanes_of(like)
    old, new, dividend = of(like, seg, later + LEVEL_START), of(like, seg, o + LEVEL_END), of(like, seg, o + DIVIDEND)
    by = log(new / old) / h
    up = whole(by)
    part = by - up
    put(now, UP, up)
    put(now, UP_PART, part)
    if not any_lane(dividend > zeros):
        return False
    for i in range(nodes):
        at = i * lanes
        stock = new * load(grid, EXP_Y * room + at, like)
        to = log((stock - minimum(dividend, half * stock)) / old) / h
        node = whole(to)
        store(grid, PIVOT * room + at, select(dividend > zeros, node, splat(float(i - zero), like) + up))
        store(grid, FALL * room + at, select(dividend > zeros, to - node, part))
    return True


def place_of(like: Any, grid: Any, room: int, now: Any, i: int, zero: int, pays: Any) -> Any:
    """Give the node below the place set for a node, and the part of a cell that it is above it."""
    if pays:
        at = i * lanes_of(like)
        return load(grid, PIVOT * room + at, like), load(grid, FALL * room + at, like)
    return splat(float(i - zero), like) + of(like, now, UP), of(like, now, UP_PART)


def shift(
    like: Any, grid: Any, room: int, now: Any, cells: Any, array: int, to: int, low: Any, high: Any, barred: Any,
    nodes: int, zero: int, pays: Any,
) -> None:  # fmt: skip
    """Read an array that is smooth from `low` to `high` at the places set; write it to another.

    From the level on nothing is read where all lanes are barred: they end there.
    """
    zeros, begin, end = splat(0.0, like), 0, 0
    if not pays:
        begin, end = shift_inside(like, grid, room, now, cells, array, to, low, high, nodes, zero)
    for i in range(nodes):
        if begin <= i < end:
            continue
        node, part = place_of(like, grid, room, now, i, zero, pays)
        if not any_lane((zeros > node) | (zeros >= barred)):
            continue
        found = interpolate_after(like, grid, array * room, cells, now, node, part, low, high)
        store(grid, to * room + i * lanes_of(like), found)


def shift_inside(
    like: Any, grid: Any, room: int, now: Any, cells: Any, array: int, to: int, low: Any, high: Any, nodes: int,
    zero: int,
) -> Any:  # fmt: skip
    """Do so at all nodes that have four around where they come from, in every lane; give which these are.

    The weights of the four are the same, and three of them are the next node's.
    """
    up, lanes = of(like, now, UP), lanes_of(like)
    put(now, AHEAD, low + 1.0 - up)
    begin = max(zero + int(most_of(like, now, AHEAD)), 0)
    put(now, AHEAD, high - 1.0 - up)
    end = min(zero + int(least_of(like, now, AHEAD)), nodes)
    if begin >= end:
        return 0, 0
    w0, w1, w2, w3 = cubic_weights(like, of(like, now, UP_PART))
    aim(like, cells, now, splat(float(begin - zero), like) + up)
    from_ = array * room
    f0, f1 = gather(like, grid, from_, cells, -1), gather(like, grid, from_, cells, 0)
    f2 = gather(like, grid, from_, cells, 1)
    for i in range(begin, end):
        f3 = gather(like, grid, from_, cells, i - begin + 2)
        store(grid, to * room + i * lanes, blend(w0, w1, w2, w3, f0, f1, f2, f3))
        f0, f1, f2 = f1, f2, f3
    return begin, end


def move_first(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, later: int, o: int, barred: Any, nodes: int,
    zero: int, moves: Any, pays: Any, kink: Any, held: Any,
) -> Any:  # fmt: skip
    """Take the value to the levels and the ratio of the segment before; give the kink where it has got to.

    Where the note is `held` at a trigger, no cubic goes across the kink there.
    """
    zeros, half, h = splat(0.0, like), splat(0.5, like), of(like, now, H)
    u, lanes = U * room, lanes_of(like)
    old, new = of(like, seg, later + LEVEL_START), of(like, seg, o + LEVEL_END)
    k_old, k_new, dividend = of(like, seg, later + RATIO), of(like, seg, o + RATIO), of(like, seg, o + DIVIDEND)
    shares = (k_old - k_new) * new
    some, ends = moves > zeros, barred > zeros
    low, high = of(like, now, BOTTOM), select(ends, zeros, of(like, now, TOP))
    highest = load(grid, u + zero * lanes, like)
    last, edge = of(like, now, LAST), of(like, now, LAST) + of(like, now, PART)
    any_held = any_lane(held > zeros)
    end = select(held > zeros, last, high)
    shift(like, grid, room, now, cells, U, SPARE, low, end, barred, nodes, zero, pays)
    if any_held:
        begin = minimum(last + 1.0, high - 3.0)
        shift(like, grid, room, now, cells, U, HELD, begin, high, barred, nodes, zero, pays)
    for i in range(nodes):
        at = i * lanes
        node, part = place_of(like, grid, room, now, i, zero, pays)
        to, exp_y, paid = node + part, load(grid, EXP_Y * room + at, like), zeros
        if pays:
            paid = minimum(dividend, half * new * exp_y)
        found = load(grid, SPARE * room + at, like)
        if any_held:
            ended = select(edge > to, found, load(grid, HELD * room + at, like))
            found = select(held > zeros, ended, found)
        found = select(ends, select(high > to, found, highest), found)
        found = fma(shares, exp_y, found) - k_old * paid
        store(grid, u + at, select(some, found, load(grid, u + at, like)))
    place = select(low > kink[0], kink[0], log((old + dividend) / new) / h)
    return select(some, place, kink[0]), kink[1], kink[2], kink[3]


def move_second(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, later: int, o: int, barred: Any, nodes: int,
    zero: int, moves: Any, pays: Any, model: int,
) -> None:  # fmt: skip
    """Take the second unknown to the levels of the segment before, and weigh the kink with which it ends at an edge."""
    zeros, one, h, b = splat(0.0, like), splat(1.0, like), of(like, now, H), SECOND * room
    lowest, highest = of(like, now, BOTTOM), of(like, now, TOP)
    last, part = of(like, now, LAST), of(like, now, PART)
    pinned, edge = is_pinned(like, of(like, now, SIDE), model), last + part
    any_pinned = any_lane(pinned > zeros)
    # The slope of the parabola through the last two nodes, and nothing at the edge.
    aim(like, cells, now, maximum(last, lowest + one))
    here, before = gather(like, grid, b, cells, 0), gather(like, grid, b, cells, -1)
    slope = part * before / (one + part) - (one + part) * here / part
    if any_lane(moves > zeros):
        some, ends = moves > zeros, barred > zeros
        high, at_level = select(ends, zeros, highest), load(grid, b + zero * lanes_of(like), like)
        end = select(pinned > zeros, last, high)
        shift(like, grid, room, now, cells, SECOND, SPARE, lowest, end, barred, nodes, zero, pays)
        if any_pinned:
            outer = minimum(maximum(last + one, lowest + 3.0), highest)
            shift(like, grid, room, now, cells, SECOND, HELD, outer - 4.0, outer, barred, nodes, zero, pays)
        for i in range(nodes):
            at = i * lanes_of(like)
            node, above = place_of(like, grid, room, now, i, zero, pays)
            to, found = node + above, load(grid, SPARE * room + at, like)
            if any_pinned:
                near = load(grid, HELD * room + at, like)
                ended = select(edge - one > to, found, select(edge > to, near, zeros))
                found = select(pinned > zeros, ended, found)
            beyond = select(pinned > zeros, found, select(high > to, found, at_level))
            found = select(ends, beyond, found)
            store(grid, b + at, select(some, found, load(grid, b + at, like)))
        old, new = of(like, seg, later + LEVEL_START), of(like, seg, o + LEVEL_END)
        edge = select(some, log((old * exp(edge * h) + of(like, seg, o + DIVIDEND)) / new) / h, edge)
    if any_pinned:
        none = splat(NOWHERE, like)
        weigh_kink(
            like, grid, PASS * room, now, select(pinned > zeros, edge, none), slope * pinned, zeros, highest
        )  # fmt: skip


def move(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, later: int, o: int, barred: Any, nodes: int,
    zero: int, moves: Any, kink: Any, held: Any, model: int,
) -> Any:  # fmt: skip
    """Take all unknowns to the segment before, in lanes whose grid `moves`; give the kink where it has got to."""
    any_moves, pays = any_lane(moves > splat(0.0, like)), False
    if any_moves:
        pays = set_places(like, grid, room, now, seg, later, o, nodes, zero)
    if model != AYACHE_FORSYTH_VETZAL:
        move_second(like, grid, room, now, cells, seg, later, o, barred, nodes, zero, moves, pays, model)
    if any_moves:
        kink = move_first(like, grid, room, now, cells, seg, later, o, barred, nodes, zero, moves, pays, kink, held)
    return kink
