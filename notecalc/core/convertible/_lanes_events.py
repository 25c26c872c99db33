"""What happens on a day, going backwards through it, for as many rows at once as a vector has lanes.

The scheme is that of `_events`, and so are the names; see `_lanes_march` for how lanes are kept apart.
"""

from __future__ import annotations

from typing import Any, Final

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
    CALL_END,
    CALL_START,
    COUPON,
    DAY_CALL,
    DAY_CASH,
    DAY_FLOOR,
    DAY_PUT,
    DAY_TRIGGER,
    DIVIDEND,
    FLOOR_END,
    FLOOR_START,
    LEVEL_END,
    LEVEL_START,
    RATIO,
    TRIGGER,
    TSIVERIOTIS_FERNANDES,
)
from notecalc.core.convertible._lanes_bounds import cap, clip, weigh_trigger
from notecalc.core.convertible._lanes_memory import (
    AHEAD,
    EXP_Y,
    GAIN,
    LAST,
    NEVER,
    PART,
    PASS,
    SECOND,
    SIDE,
    SPARE,
    H,
    U,
    aim,
    gather,
    least_of,
    most_of,
    of,
    put,
)
from notecalc.core.convertible._lanes_trigger import (
    end_jump,
    first_called,
    is_held,
    last_below,
    trigger_place,
    weigh_end,
    weigh_held,
)
from notecalc.core.convertible._lanes_weights import (
    blend,
    cubic_weights,
    interpolate,
    interpolate_after,
    weigh_jump,
    weigh_kink,
)

__all__: list[str] = []

_SAME: Final = 1e-10  # [per 100]: a value this near a bound is on it
_LEAST: Final = 1e-300  # of which a logarithm is taken


def clear(like: Any, grid: Any, room: int, nodes: int, model: int) -> None:
    """Forget the weights, those of the second unknown among them."""
    zeros = splat(0.0, like)
    for i in range(nodes):
        store(grid, GAIN * room + i * lanes_of(like), zeros)
    if model != AYACHE_FORSYTH_VETZAL:
        for i in range(nodes):
            store(grid, PASS * room + i * lanes_of(like), zeros)


def mature(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, o: int, nodes: int, zero: int, is_open: Any,
    day_open: Any, is_call: Any, hard: Any, model: int,
) -> None:  # fmt: skip
    """Fill in what the note is worth at maturity: principal and last coupon, or the shares if they are worth more.

    The coupon of that day comes beside either: the last, if who converts keeps it.
    """
    clear(like, grid, room, nodes, model)
    zeros, h = splat(0.0, like), of(like, now, H)
    scale = of(like, seg, o + RATIO) * of(like, seg, o + LEVEL_END)
    paid, least = of(like, seg, o + DAY_PUT), of(like, seg, o + DAY_FLOOR)
    for i in range(nodes):
        at = i * lanes_of(like)
        debt = paid - scale * load(grid, EXP_Y * room + at, like)
        store(grid, U * room + at, maximum(debt, least) if day_open else debt)
    if day_open:
        cash = maximum(paid - least, zeros)
        place = splat(float(zero), like) + log(maximum(cash, splat(_LEAST, like)) / scale) / h
        weigh_kink(like, grid, GAIN * room, now, place, zeros - cash * h, zeros - cash * h * h, 0, nodes - 1)
    else:
        place = splat(NEVER, like)
    if model != AYACHE_FORSYTH_VETZAL:
        # Shares are worth their price whatever becomes of the issuer.
        debt = of(like, seg, o + DAY_CASH) if model == TSIVERIOTIS_FERNANDES else of(like, seg, o + DAY_CASH) / paid
        node = whole(place)
        for i in range(nodes):
            at = splat(float(i), like)
            store(grid, SECOND * room + i * lanes_of(like), select(at > node, zeros, debt))
        if day_open:
            node = select(paid > least, node, splat(-9.0, like))
            weigh_jump(like, grid, PASS * room, now, node, place - node, debt, 0, nodes - 1)
    add_coupon(like, grid, room, nodes, of(like, seg, o + COUPON), model)
    none = (splat(-1.0, like), zeros, zeros, zeros)
    enter(like, grid, room, now, cells, seg, o, nodes, zero, is_open, is_call, hard, none, True, model)


def add_coupon(like: Any, grid: Any, room: int, nodes: int, coupon: Any, model: int) -> None:
    """Add a coupon, which is cash."""
    for i in range(nodes):
        at_node = U * room + i * lanes_of(like)
        store(grid, at_node, load(grid, at_node, like) + coupon)
    if model == TSIVERIOTIS_FERNANDES:
        for i in range(nodes):
            at_node = SECOND * room + i * lanes_of(like)
            store(grid, at_node, load(grid, at_node, like) + coupon)


def settle(
    like: Any, grid: Any, room: int, now: Any, seg: Any, o: int, nodes: int, zero: int, is_open: Any, is_call: Any,
    model: int,
) -> None:  # fmt: skip
    """Put what was carried beyond the edge back on its bound, at the start of a segment."""
    zeros, half = splat(0.0, like), splat(0.5, like)
    barrier = is_open and is_call
    side, last = of(like, now, SIDE), of(like, now, LAST)
    some = side * side
    put(now, AHEAD, some)
    any_edge = most_of(like, now, AHEAD) > 0.0
    if not (any_edge or barrier):
        return
    scale, least = of(like, seg, o + RATIO) * of(like, seg, o + LEVEL_START), of(like, seg, o + FLOOR_START)
    price = of(like, seg, o + CALL_START)
    # A lane without an edge ends at the level, or not at all.
    end = select(some > zeros, last + half, splat(zero - 0.5, like) if barrier else splat(NEVER, like))
    by_call = select(some > zeros, zeros - side, zeros)
    lowest = least if is_open else splat(-NEVER, like)
    for i in range(nodes):
        at = i * lanes_of(like)
        place = splat(float(i), like)
        bound = select(by_call > zeros, maximum(price - scale * load(grid, EXP_Y * room + at, like), lowest), least)
        store(grid, U * room + at, select(place > end, bound, load(grid, U * room + at, like)))
    if model != AYACHE_FORSYTH_VETZAL:
        end = select(is_pinned(like, side, model) > zeros, end, splat(zero - 0.5 if barrier else NEVER, like))
        for i in range(nodes):
            at = SECOND * room + i * lanes_of(like)
            store(grid, at, select(splat(float(i), like) > end, zeros, load(grid, at, like)))


def is_pinned(like: Any, side: Any, model: int) -> Any:
    """Tell by 1 or 0 whether the second unknown ends at the edge; see `_second.is_pinned`."""
    one, zeros = splat(1.0, like), splat(0.0, like)
    by_call = one if model == TSIVERIOTIS_FERNANDES else zeros
    return select(side > zeros, one, select(zeros > side, by_call, zeros))


def known_kink(like: Any, grid: Any, room: int, seg: Any, later: int, zero: int, barrier: Any, model: int) -> Any:
    """Give the kink at the level of a call that was live: its place and its slopes, left minus right; below 0, none.

    Place, slope and second derivative of W, slope of the second unknown; all per node.
    """
    zeros = splat(0.0, like)
    if not barrier:
        return splat(-1.0, like), zeros, zeros, zeros
    f0, lanes = of(like, seg, later + FLOOR_START), lanes_of(like)
    f1 = load(grid, U * room + (zero - 1) * lanes, like) - f0
    f2 = load(grid, U * room + (zero - 2) * lanes, like) - f0
    f3 = load(grid, U * room + (zero - 3) * lanes, like) - f0
    slope = zeros
    if model != AYACHE_FORSYTH_VETZAL:
        b1 = load(grid, SECOND * room + (zero - 1) * lanes, like)
        b2 = load(grid, SECOND * room + (zero - 2) * lanes, like)
        b3 = load(grid, SECOND * room + (zero - 3) * lanes, like)
        slope = 1.5 * b2 - 3.0 * b1 - b3 / 3.0
    return splat(float(zero), like), 1.5 * f2 - 3.0 * f1 - f3 / 3.0, 4.0 * f2 - 5.0 * f1 - f3, slope


def meet(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, later: int, o: int, nodes: int, zero: int,
    is_open: Any, day_open: Any, is_call: Any, hard: Any, later_open: Any, later_call: Any, has_put: Any, has_call: Any,
    moves: Any, within: Any, model: int,
) -> None:  # fmt: skip
    """Go through a day, from the start of the later segment to the end of the one before it.

    `within` says that W stays above what is paid beside shares, whatever happens on the day.
    """
    clear(like, grid, room, nodes, model)
    settle(like, grid, room, now, seg, later, nodes, zero, later_open, later_call, model)
    barrier = later_open and later_call
    kink = known_kink(like, grid, room, seg, later, zero, barrier, model)
    held = splat(0.0, like)
    if later_call and model == AYACHE_FORSYTH_VETZAL:
        level = of(like, seg, later + LEVEL_START)
        held = is_held(like, now, trigger_place(like, now, of(like, seg, later + TRIGGER), level, zero))
        price = of(like, seg, later + CALL_START)
        weigh_held(
            like, grid, room, now, cells, seg, later, o, nodes, zero, later_open, is_call, price, held
        )  # fmt: skip
    if model != AYACHE_FORSYTH_VETZAL:
        move_second(like, grid, room, now, cells, seg, later, o, barrier, nodes, zero, moves, model)
    if moves:
        kink = move(like, grid, room, now, cells, seg, later, o, barrier, nodes, zero, kink, held)
    zeros, never = splat(0.0, like), splat(NEVER, like)
    scale, least = of(like, seg, o + RATIO) * of(like, seg, o + LEVEL_END), of(like, seg, o + DAY_FLOOR)
    if has_call:
        price, trigger = of(like, seg, o + DAY_CALL), of(like, seg, o + DAY_TRIGGER) / of(like, seg, o + LEVEL_END)
        top = splat(nodes - 1.0, like)
        at = splat(float(zero), like) + log(maximum(trigger, splat(_LEAST, like))) / of(like, now, H)
        kept = interpolate(like, grid, U * room, cells, now, at, zeros, top)
        ahead = interpolate(like, grid, U * room, cells, now, at + 0.5, zeros, top)
        steep = ahead - interpolate(like, grid, U * room, cells, now, at - 0.5, zeros, top)
        cash, thin = zeros, zeros
        if model == TSIVERIOTIS_FERNANDES:
            cash = interpolate(like, grid, SECOND * room, cells, now, at, zeros, top)
            ahead = interpolate(like, grid, SECOND * room, cells, now, at + 0.5, zeros, top)
            thin = ahead - interpolate(like, grid, SECOND * room, cells, now, at - 0.5, zeros, top)
        kink = cap(
            like, grid, room, now, cells, price, least, day_open, trigger, scale, nodes, zero, False, kink, model
        )  # fmt: skip
        weigh_trigger(
            like, grid, room, now, at, kept, steep, cash, thin, price, least, day_open, scale * trigger, nodes, model
        )  # fmt: skip
    if has_put:
        paid = of(like, seg, o + DAY_PUT)
        in_cash = model == TSIVERIOTIS_FERNANDES
        # What is called and put at one price is put: its holder is paid in cash.
        same = _SAME if in_cash else 0.0
        kink = clip(
            like, grid, room, now, cells, nodes, 1.0, paid, scale, zeros, never, kink, in_cash, paid, same
        )  # fmt: skip
    pair = model != AYACHE_FORSYTH_VETZAL
    if day_open and not within:
        kink = clip(like, grid, room, now, cells, nodes, 1.0, least, zeros, zeros, never, kink, pair, zeros, 0.0)
    add_coupon(like, grid, room, nodes, of(like, seg, o + COUPON), model)
    enter(like, grid, room, now, cells, seg, o, nodes, zero, is_open, is_call, hard, kink, not within, model)


def enter(  # noqa: C901 (what is there to be done, by the kind of segment)
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, o: int, nodes: int, zero: int, is_open: Any,
    is_call: Any, hard: Any, kink: Any, check: Any, model: int,
) -> None:  # fmt: skip
    """Bring the value within the bounds of a segment, at its end."""
    zeros, one, u = splat(0.0, like), splat(1.0, like), U * room
    barrier, pair, b = is_open and is_call, model != AYACHE_FORSYTH_VETZAL, SECOND * room
    level, least = of(like, seg, o + LEVEL_END), of(like, seg, o + FLOOR_END)
    jump, at_trigger, top = zeros, zeros, (zero if barrier else nodes) - 1
    first = splat(top + 1.0, like)
    if is_call:
        price, trigger = of(like, seg, o + CALL_END), of(like, seg, o + TRIGGER) / level
        scale = of(like, seg, o + RATIO) * level
        if hard and not pair:
            at_trigger = trigger_place(like, now, of(like, seg, o + TRIGGER), level, zero)
            bound = price - scale * trigger
            bound = maximum(bound, least) if is_open else bound
            jump = end_jump(like, grid, room, now, cells, at_trigger, bound, top, barrier, nodes)
        kink = cap(
            like, grid, room, now, cells, price, least, is_open, trigger, scale, nodes, zero, barrier, kink, model
        )  # fmt: skip
        if hard and not pair:
            lowest = least if is_open else splat(-NEVER, like)
            first = first_called(like, grid, room, at_trigger, price, scale, lowest, top, barrier)
    if is_open and check:
        never = splat(NEVER, like)
        kink = clip(like, grid, room, now, cells, nodes, 1.0, least, zeros, zeros, never, kink, pair, zeros, 0.0)
    if barrier:
        # A jump at the last node, which is held: sums of what is nothing there see its slope alone.
        at, below = (zero - 1) * lanes_of(like), (zero - 2) * lanes_of(like)
        last = load(grid, u + at, like)
        more = (last + last - load(grid, u + below, like) - least) / 12.0
        soft = select(of(like, seg, o + TRIGGER) > zeros, one, zeros)
        store(grid, u + at, last + soft * select(last > least, more, zeros))
        for i in range(zero, nodes):
            at = i * lanes_of(like)
            store(grid, u + at, least)
            store(grid, GAIN * room + at, zeros)
        if pair:
            at, below = (zero - 1) * lanes_of(like), (zero - 2) * lanes_of(like)
            last = load(grid, b + at, like)
            store(grid, b + at, last + (last + last - load(grid, b + below, like)) / 12.0)
            for i in range(zero, nodes):
                store(grid, b + i * lanes_of(like), zeros)
                store(grid, PASS * room + i * lanes_of(like), zeros)
    weigh_kink(like, grid, GAIN * room, now, kink[0], kink[1], kink[2], 0, zero if barrier else nodes - 1)
    for i in range(nodes):
        at = i * lanes_of(like)
        store(grid, u + at, load(grid, u + at, like) + load(grid, GAIN * room + at, like))
    if hard and not pair:
        weigh_end(like, grid, u, now, at_trigger, jump, nodes)
    if pair:
        weigh_kink(like, grid, PASS * room, now, kink[0], kink[3], zeros, 0, zero if barrier else nodes - 1)
        for i in range(nodes):
            at = i * lanes_of(like)
            store(grid, b + at, load(grid, b + at, like) + load(grid, PASS * room + at, like))
    last, held = first - 1.0, last_below(like, at_trigger)
    put(now, LAST, select(jump > zeros, held, last))
    put(now, PART, select(jump > zeros, at_trigger - held, one))
    put(now, SIDE, select(jump > zeros, zeros - one, select(splat(float(top), like) > last, zeros - one, zeros)))


def move(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, later: int, o: int, barrier: Any, nodes: int,
    zero: int, kink: Any, held: Any,
) -> Any:  # fmt: skip
    """Take the value to the levels and the ratio of the segment before; give the kink where it has got to.

    Where the note is `held` at a trigger, no cubic goes across the kink there.
    """
    zeros, half, h = splat(0.0, like), splat(0.5, like), of(like, now, H)
    u, spare, stocks = U * room, SPARE * room, EXP_Y * room
    old, new = of(like, seg, later + LEVEL_START), of(like, seg, o + LEVEL_END)
    k_old, k_new, dividend = of(like, seg, later + RATIO), of(like, seg, o + RATIO), of(like, seg, o + DIVIDEND)
    top = zero if barrier else nodes - 1
    high, middle = splat(float(top), like), splat(float(zero), like)
    highest = load(grid, u + top * lanes_of(like), like)
    last, edge = of(like, now, LAST), of(like, now, LAST) + of(like, now, PART)
    any_held, any_paid = any_lane(held > zeros), any_lane(dividend > zeros)
    for i in range(nodes):
        store(grid, spare + i * lanes_of(like), load(grid, u + i * lanes_of(like), like))
    shift, shares, begin, end = log(new / old) / h, (k_old - k_new) * new, 0, 0
    up = whole(shift)
    if not any_paid:
        smooth = select(held > zeros, last, high)
        begin, end = shift_inside(like, grid, room, now, cells, up, shift - up, shares, smooth, nodes)
    for i in range(nodes):
        if begin <= i < end:
            continue
        at = i * lanes_of(like)
        exp_y, paid = load(grid, stocks + at, like), zeros
        # Where nothing is paid, all nodes move by as much.
        node, part = splat(float(i), like) + up, shift - up
        if any_paid:
            stock = new * exp_y
            paid = minimum(dividend, half * stock)
            to = middle + log((stock - paid) / old) / h
            node = select(dividend > zeros, whole(to), node)
            part = select(dividend > zeros, to - node, part)
        to = node + part
        if barrier and not any_lane(high > to):
            found = highest
        else:
            found = interpolate_after(like, grid, spare, cells, now, node, part, zeros, high)
        if any_held:
            near, end_ = select(edge > to, zeros, minimum(last + 1.0, high - 3.0)), select(edge > to, last, high)
            ended = interpolate_after(like, grid, spare, cells, now, node, part, near, end_)
            found = select(held > zeros, ended, found)
        if barrier:
            found = select(high > to, found, highest)
        store(grid, u + at, fma(shares, exp_y, found) - k_old * paid)
    place = select(zeros > kink[0], kink[0], middle + log((old + dividend) / new) / h)
    return place, kink[1], kink[2], kink[3]


def shift_inside(
    like: Any, grid: Any, room: int, now: Any, cells: Any, up: Any, part: Any, shares: Any, high: Any, nodes: int
) -> Any:
    """Move the value by as many cells at all nodes that have four around where they come from; give which these are.

    The weights of the four are the same, and three of them are the next node's. The value is smooth up to node `high`;
    `shares` are those that the note gets more of per unit of the level.
    """
    put(now, AHEAD, splat(1.0, like) - up)
    begin = max(int(most_of(like, now, AHEAD)), 0)
    put(now, AHEAD, high - 1.0 - up)
    end = min(int(least_of(like, now, AHEAD)), nodes)
    if begin >= end:
        return 0, 0
    w0, w1, w2, w3 = cubic_weights(like, part)
    aim(like, cells, now, splat(float(begin), like) + up)
    spare, lanes = SPARE * room, lanes_of(like)
    f0, f1 = gather(like, grid, spare, cells, -1), gather(like, grid, spare, cells, 0)
    f2 = gather(like, grid, spare, cells, 1)
    for i in range(begin, end):
        f3 = gather(like, grid, spare, cells, i - begin + 2)
        found = blend(w0, w1, w2, w3, f0, f1, f2, f3)
        store(grid, U * room + i * lanes, fma(shares, load(grid, EXP_Y * room + i * lanes, like), found))
        f0, f1, f2 = f1, f2, f3
    return begin, end


def move_second(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, later: int, o: int, barrier: Any, nodes: int,
    zero: int, moves: Any, model: int,
) -> None:  # fmt: skip
    """Take the second unknown to the levels of the segment before, and weigh the kink with which it ends at an edge."""
    zeros, one, half, h = splat(0.0, like), splat(1.0, like), splat(0.5, like), of(like, now, H)
    middle, b, spare, stocks = splat(float(zero), like), SECOND * room, SPARE * room, EXP_Y * room
    last, part = of(like, now, LAST), of(like, now, PART)
    pinned, edge = is_pinned(like, of(like, now, SIDE), model), last + part
    any_pinned = any_lane(pinned > zeros)
    # The slope of the parabola through the last two nodes, and nothing at the edge.
    aim(like, cells, now, maximum(last, one))
    here, before = gather(like, grid, b, cells, 0), gather(like, grid, b, cells, -1)
    slope = part * before / (one + part) - (one + part) * here / part
    if moves:
        old, new, dividend = (
            of(like, seg, later + LEVEL_START),
            of(like, seg, o + LEVEL_END),
            of(like, seg, o + DIVIDEND),
        )
        top = zero if barrier else nodes - 1
        high, highest = splat(float(top), like), load(grid, b + top * lanes_of(like), like)
        outer = minimum(maximum(last + one, splat(3.0, like)), splat(nodes - 1.0, like))
        for i in range(nodes):
            store(grid, spare + i * lanes_of(like), load(grid, b + i * lanes_of(like), like))
        for i in range(nodes):
            at = i * lanes_of(like)
            stock = new * load(grid, stocks + at, like)
            to = middle + log(maximum(stock - dividend, half * stock) / old) / h
            found = interpolate(like, grid, spare, cells, now, to, zeros, select(pinned > zeros, last, high))
            if any_pinned:
                near = interpolate(like, grid, spare, cells, now, to, outer - 4.0, outer)
                ended = select(edge - one > to, found, select(edge > to, near, zeros))
                found = select(pinned > zeros, ended, found)
            if barrier:
                found = select(pinned > zeros, found, select(high > to, found, highest))
            store(grid, b + at, found)
        edge = middle + log((old * exp((edge - middle) * h) + dividend) / new) / h
    if any_pinned:
        none = splat(-9.0, like)
        weigh_kink(
            like, grid, PASS * room, now, select(pinned > zeros, edge, none), slope * pinned, zeros, 0, nodes - 1
        )  # fmt: skip
