"""What happens on a day, going backwards through it, for as many rows at once as a vector has lanes.

The scheme is that of `_events`, and so are the names; see `_lanes_march` for how lanes are kept apart.
"""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import exp, lanes_of, load, log, maximum, minimum, select, splat, store, whole
from notecalc.core.convertible._columns import (
    CALL_END,
    CALL_START,
    COUPON,
    DAY_CALL,
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
)
from notecalc.core.convertible._lanes_memory import (
    AHEAD,
    EXP_Y,
    GAIN,
    LAST,
    NEVER,
    PART,
    SIDE,
    SPARE,
    H,
    U,
    aim,
    gather,
    most_of,
    of,
    put,
)
from notecalc.core.convertible._lanes_weights import interpolate, weigh_jump, weigh_kink

__all__: list[str] = []

_SAME: Final = 1e-10  # [per 100]: a value this near a bound is on it
_LEAST: Final = 1e-300  # of which a logarithm is taken


def clear(like: Any, grid: Any, room: int, nodes: int) -> None:
    """Forget the weights."""
    zeros = splat(0.0, like)
    for i in range(nodes):
        store(grid, GAIN * room + i * lanes_of(like), zeros)


def mature(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, o: int, nodes: int, zero: int, is_open: Any,
    day_open: Any, is_call: Any,
) -> None:  # fmt: skip
    """Fill in what the note is worth at maturity: principal and last coupon, or the shares if they are worth more."""
    clear(like, grid, room, nodes)
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
    none = (splat(-1.0, like), zeros, zeros)
    enter(like, grid, room, now, cells, seg, o, nodes, zero, is_open, is_call, none, True)


def settle(
    like: Any, grid: Any, room: int, now: Any, seg: Any, o: int, nodes: int, zero: int, is_open: Any, is_call: Any
) -> None:
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


def known_kink(like: Any, grid: Any, room: int, seg: Any, later: int, zero: int, barrier: Any) -> Any:
    """Give the kink at the level of a call that was live: its place and its slopes, left minus right; below 0, none.

    Place, slope and second derivative of W, per node.
    """
    zeros = splat(0.0, like)
    if not barrier:
        return splat(-1.0, like), zeros, zeros
    f0, lanes = of(like, seg, later + FLOOR_START), lanes_of(like)
    f1 = load(grid, U * room + (zero - 1) * lanes, like) - f0
    f2 = load(grid, U * room + (zero - 2) * lanes, like) - f0
    f3 = load(grid, U * room + (zero - 3) * lanes, like) - f0
    return splat(float(zero), like), 1.5 * f2 - 3.0 * f1 - f3 / 3.0, 4.0 * f2 - 5.0 * f1 - f3


def meet(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, later: int, o: int, nodes: int, zero: int,
    is_open: Any, day_open: Any, is_call: Any, later_open: Any, later_call: Any, has_put: Any, has_call: Any,
    moves: Any, within: Any,
) -> None:  # fmt: skip
    """Go through a day, from the start of the later segment to the end of the one before it.

    `within` says that W stays above what is paid beside shares, whatever happens on the day.
    """
    clear(like, grid, room, nodes)
    settle(like, grid, room, now, seg, later, nodes, zero, later_open, later_call)
    barrier = later_open and later_call
    kink = known_kink(like, grid, room, seg, later, zero, barrier)
    if moves:
        kink = move(like, grid, room, now, cells, seg, later, o, barrier, nodes, zero, kink)
    zeros, never = splat(0.0, like), splat(NEVER, like)
    scale, least = of(like, seg, o + RATIO) * of(like, seg, o + LEVEL_END), of(like, seg, o + DAY_FLOOR)
    if has_call:
        price, trigger = of(like, seg, o + DAY_CALL), of(like, seg, o + DAY_TRIGGER) / of(like, seg, o + LEVEL_END)
        top = splat(nodes - 1.0, like)
        at = splat(float(zero), like) + log(maximum(trigger, splat(_LEAST, like))) / of(like, now, H)
        kept = interpolate(like, grid, U * room, cells, now, at, zeros, top)
        ahead = interpolate(like, grid, U * room, cells, now, at + 0.5, zeros, top)
        steep = ahead - interpolate(like, grid, U * room, cells, now, at - 0.5, zeros, top)
        kink = cap(like, grid, room, now, cells, price, least, day_open, trigger, scale, nodes, zero, False, kink)
        weigh_trigger(like, grid, room, now, at, kept, steep, price, least, day_open, scale * trigger, nodes)
    if has_put:
        paid = of(like, seg, o + DAY_PUT)
        kink = clip(like, grid, room, now, cells, nodes, 0, 1.0, paid, scale, zeros, never, kink)
    if day_open and not within:
        kink = clip(like, grid, room, now, cells, nodes, 0, 1.0, least, zeros, zeros, never, kink)
    coupon = of(like, seg, o + COUPON)
    for i in range(nodes):
        at_node = U * room + i * lanes_of(like)
        store(grid, at_node, load(grid, at_node, like) + coupon)
    enter(like, grid, room, now, cells, seg, o, nodes, zero, is_open, is_call, kink, not within)


def enter(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, o: int, nodes: int, zero: int, is_open: Any,
    is_call: Any, kink: Any, check: Any,
) -> None:  # fmt: skip
    """Bring the value within the bounds of a segment, at its end."""
    zeros, one, u = splat(0.0, like), splat(1.0, like), U * room
    barrier = is_open and is_call
    level, least = of(like, seg, o + LEVEL_END), of(like, seg, o + FLOOR_END)
    if is_call:
        price, trigger = of(like, seg, o + CALL_END), of(like, seg, o + TRIGGER) / level
        scale = of(like, seg, o + RATIO) * level
        kink = cap(like, grid, room, now, cells, price, least, is_open, trigger, scale, nodes, zero, barrier, kink)
    if is_open and check:
        kink = clip(like, grid, room, now, cells, nodes, 0, 1.0, least, zeros, zeros, splat(NEVER, like), kink)
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
    weigh_kink(like, grid, GAIN * room, now, kink[0], kink[1], kink[2], 0, zero if barrier else nodes - 1)
    for i in range(nodes):
        at = i * lanes_of(like)
        store(grid, u + at, load(grid, u + at, like) + load(grid, GAIN * room + at, like))
    put(now, LAST, splat(zero - 1.0, like) if barrier else splat(nodes - 1.0, like))
    put(now, PART, one)
    put(now, SIDE, zeros)


def cap(
    like: Any, grid: Any, room: int, now: Any, cells: Any, price: Any, least: Any, is_open: Any, trigger: Any,
    scale: Any, nodes: int, zero: int, barrier: Any, kink: Any,
) -> Any:  # fmt: skip
    """Bring the value under the call: its price, or the shares if they are worth more and may be had."""
    zeros, one, never = splat(0.0, like), splat(1.0, like), splat(NEVER, like)
    level = (price - least) / scale if is_open else never
    # Where the shares are worth more as soon as it may be called, nobody takes the cash.
    from_ = select(level > trigger, trigger, never)
    kink = clip(like, grid, room, now, cells, nodes, 0, -1.0, price, scale, from_, level, kink)
    if not is_open:
        return kink
    begin = zero - 1 if barrier else 0
    kink = clip(like, grid, room, now, cells, nodes, begin, -1.0, least, zeros, maximum(level, trigger), never, kink)
    if barrier:
        # Its level is a node, at which W is held: nothing is to be weighed.
        return kink
    h = of(like, now, H)
    place = splat(float(zero), like) + log(maximum(level, splat(_LEAST, like))) / h
    node = whole(place)
    fits = select(level > trigger, one, zeros) * select(zeros > kink[0], one, zeros)
    fits = fits * select(node > zeros, one, zeros) * select(splat(nodes - 2.0, like) > node, one, zeros)
    aim(like, cells, now, minimum(maximum(node, zeros), splat(nodes - 2.0, like)))
    same = splat(_SAME, like)
    here, ahead = gather(like, grid, U * room, cells, 0, now), gather(like, grid, U * room, cells, 1, now)
    fits = select(price - scale * gather(like, grid, EXP_Y * room, cells, 0, now) - same > here, zeros, fits)
    fits = select(least - same > ahead, zeros, fits)
    slope = zeros - scale * level * h
    return (
        select(fits > zeros, place, kink[0]),
        select(fits > zeros, slope, kink[1]),
        select(fits > zeros, slope * h, kink[2]),
    )


def weigh_trigger(
    like: Any, grid: Any, room: int, now: Any, at: Any, kept: Any, steep: Any, price: Any, least: Any, is_open: Any,
    shares: Any, nodes: int,
) -> None:  # fmt: skip
    """Weigh the jump of the value at a trigger; see `_events.weigh_trigger`."""
    bound, slope, none = price - shares, -shares * of(like, now, H), splat(-9.0, like)
    if is_open:
        bound, slope = maximum(bound, least), select(least > bound, splat(0.0, like), slope)
    where = select((at > 2.0) & (at < nodes - 3.0) & (kept > bound), at, none)
    node = whole(where)
    weigh_jump(like, grid, GAIN * room, now, node, where - node, kept - bound, 0, nodes - 1)
    weigh_kink(like, grid, GAIN * room, now, where, steep - slope, splat(0.0, like), 0, nodes - 1)


def clip(
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, begin: int, sign: float, amount: Any,
    scale: Any, low: Any, high: Any, kink: Any,
) -> Any:  # fmt: skip
    """Bring W to a bound from below (sign 1) or above (-1): an amount less `scale` times the shares.

    Only stock prices from `low` to `high`, in units of the level, and nodes from `begin` on are touched. Gives the
    known kink, or none if it has been dealt with.
    """
    zeros, one, side = splat(0.0, like), splat(1.0, like), splat(sign, like)
    u, stocks = U * room, EXP_Y * room
    low, high = low * (1.0 - 1e-12), high * (1.0 + 1e-12)
    cell, touched, before, here_before = splat(-1.0, like), zeros, zeros, zeros
    for i in range(begin, nodes):
        at = i * lanes_of(like)
        stock = load(grid, stocks + at, like)
        here = select(low > stock, zeros, select(stock > high, zeros, one))
        beyond = select(side * (amount - scale * stock - load(grid, u + at, like)) > zeros, here, zeros)
        turned = here * here_before * (beyond - before) * (beyond - before)
        cell = select(turned > zeros, select(zeros > cell, splat(i - 1.0, like), cell), cell)
        touched, before, here_before = maximum(touched, beyond), beyond, here
    put(now, AHEAD, touched)
    if most_of(like, now, AHEAD) == 0.0:
        return kink
    crossed = select(zeros > cell, zeros, one)
    node = minimum(maximum(cell, zeros), splat(nodes - 2.0, like))
    place, slope, bend = crossing(like, grid, room, now, cells, nodes, side, amount, scale, node, kink)
    known = one
    for i in range(begin, nodes):
        at = i * lanes_of(like)
        stock, old = load(grid, stocks + at, like), load(grid, u + at, like)
        here = select(low > stock, zeros, select(stock > high, zeros, one))
        bound = amount - scale * stock
        beyond = select(side * (bound - old) > zeros, here, zeros)
        store(grid, u + at, select(beyond > zeros, bound, old))
        store(grid, GAIN * room + at, select(beyond > zeros, zeros, load(grid, GAIN * room + at, like)))
        away = splat(float(i), like) - kink[0]
        known = select(beyond > zeros, select(away * away > one, known, zeros), known)
    where = select(crossed > zeros, node + place, splat(-9.0, like))
    weigh_kink(like, grid, GAIN * room, now, where, slope * crossed, bend * crossed, 0, nodes - 1)
    return select(known > zeros, kink[0], splat(-1.0, like)), kink[1] * known, kink[2] * known


def crossing(
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, side: Any, amount: Any, scale: Any, node: Any,
    kink: Any,
) -> Any:  # fmt: skip
    """Give where in the cell after a node W crosses a bound, and the kink there; see `_events.crossing`."""
    zeros, one, two, half, h = splat(0.0, like), splat(1.0, like), splat(2.0, like), splat(0.5, like), of(like, now, H)
    u, stocks = U * room, EXP_Y * room
    aim(like, cells, now, node)
    stock, next_stock = gather(like, grid, stocks, cells, 0, now), gather(like, grid, stocks, cells, 1, now)
    d0 = side * (amount - scale * stock - gather(like, grid, u, cells, 0, now))
    d1 = side * (amount - scale * next_stock - gather(like, grid, u, cells, 1, now))
    aim(like, cells, now, maximum(node - one, zeros))
    outer = gather(like, grid, stocks, cells, 0, now)
    dm = side * (amount - scale * outer - gather(like, grid, u, cells, 0, now))
    aim(like, cells, now, minimum(node + two, splat(nodes - 1.0, like)))
    outer = gather(like, grid, stocks, cells, 0, now)
    d2 = side * (amount - scale * outer - gather(like, grid, u, cells, 0, now))
    dm = select(node > zeros, dm, two * d0 - d1)
    d2 = select(splat(nodes - 2.0, like) > node, d2, two * d1 - d0)
    way = select(d1 > zeros, one, zeros - one)
    c1 = d1 - half * d0 - dm / 3.0 - d2 / 6.0
    c2 = half * (d1 + dm) - d0
    c3 = (d2 - dm) / 6.0 + half * (d0 - d1)
    gap = d0 - d1
    place = d0 / select(gap * gap > zeros, gap, one)
    for _ in range(3):
        steep = c1 + place * (two * c2 + 3.0 * place * c3)
        rest = d0 + place * (c1 + place * (c2 + place * c3))
        place = select(steep * steep > zeros, place - rest / select(steep * steep > zeros, steep, one), place)
        place = minimum(maximum(place, zeros), one)
    slope = zeros - way * side * (c1 + place * (two * c2 + 3.0 * place * c3))
    bend = zeros - way * side * (two * c2 + 6.0 * c3 * place)
    # A known kink in this cell: beyond it W is level.
    at_kink = kink[0] - node
    is_known = select(zeros > kink[0], zeros, select(zeros > at_kink, zeros, select(one > at_kink, one, zeros)))
    shares = scale * stock * exp(at_kink * is_known * h)
    rising = select(way > zeros, one, zeros)
    return (
        select(is_known > zeros, at_kink, place),
        select(is_known > zeros, rising * kink[1] + way * shares * h, slope),
        select(is_known > zeros, rising * kink[2] + way * shares * h * h, bend),
    )


def move(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, later: int, o: int, barrier: Any, nodes: int,
    zero: int, kink: Any,
) -> Any:  # fmt: skip
    """Take the value to the levels and the ratio of the segment before; give the kink where it has got to."""
    zeros, half, h = splat(0.0, like), splat(0.5, like), of(like, now, H)
    u, spare, stocks = U * room, SPARE * room, EXP_Y * room
    old, new = of(like, seg, later + LEVEL_START), of(like, seg, o + LEVEL_END)
    k_old, k_new, dividend = of(like, seg, later + RATIO), of(like, seg, o + RATIO), of(like, seg, o + DIVIDEND)
    top = zero if barrier else nodes - 1
    high, middle = splat(float(top), like), splat(float(zero), like)
    highest = load(grid, u + top * lanes_of(like), like)
    for i in range(nodes):
        store(grid, spare + i * lanes_of(like), load(grid, u + i * lanes_of(like), like))
    for i in range(nodes):
        at = i * lanes_of(like)
        stock = new * load(grid, stocks + at, like)
        after = maximum(stock - dividend, half * stock)
        to = middle + log(after / old) / h
        found = interpolate(like, grid, spare, cells, now, to, zeros, high)
        if barrier:
            found = select(high > to, found, highest)
        store(grid, u + at, found + k_old * after - k_new * stock)
    place = select(zeros > kink[0], kink[0], middle + log((old + dividend) / new) / h)
    return place, kink[1], kink[2]
