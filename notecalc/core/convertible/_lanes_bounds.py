"""Bounds on the value on a day, for as many rows at once as a vector has lanes: what options make of it, and the kinks.

The scheme is that of `_events`, and so are the names; see `_lanes_march` for how lanes are kept apart.
"""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import (
    any_lane,
    exp,
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
    TSIVERIOTIS_FERNANDES,
)
from notecalc.core.convertible._lanes_memory import (
    BOTTOM,
    EXP_Y,
    GAIN,
    NEVER,
    NOWHERE,
    PASS,
    SECOND,
    TOP,
    ZERO,
    H,
    U,
    aim,
    gather,
    most_of,
    of,
)
from notecalc.core.convertible._lanes_trigger import last_below
from notecalc.core.convertible._lanes_weights import (
    weigh_jump,
    weigh_kink,
)

__all__: list[str] = []

_SAME: Final = 1e-10  # [per 100]: a value this near a bound is on it
_LEAST: Final = 1e-300  # of which a logarithm is taken


def cap(
    like: Any, grid: Any, room: int, now: Any, cells: Any, price: Any, least: Any, opened: Any, barred: Any,
    trigger: Any, scale: Any, nodes: int, zero: int, barrier: Any, kink: Any, model: int,
) -> Any:  # fmt: skip
    """Bring the value under the call: its price, or the shares if they are worth more and may be had.

    Lanes without a call have NEVER as its price. `opened` and `barred` say by 1 or 0 whether conversion is open, and
    whether the note ends at the level; `barrier` whether all do.
    """
    zeros, one, never = splat(0.0, like), splat(1.0, like), splat(NEVER, like)
    level = select(opened > zeros, (price - least) / scale, never)
    in_cash, pair = model == TSIVERIOTIS_FERNANDES, model != AYACHE_FORSYTH_VETZAL
    if any_lane(level > trigger):
        # Where the shares are worth more as soon as it may be called, nobody takes the cash.
        from_ = select(level > trigger, trigger, never)
        kink = clip(
            like, grid, room, now, cells, nodes, -1.0, price, scale, from_, level, kink, in_cash, zeros, 0.0
        )  # fmt: skip
    if not any_lane(opened > zeros):
        return kink
    if barrier:
        # Its level is a node, from which on W is held: nothing is to be weighed.
        return force(like, grid, room, now, nodes, zero, least, kink)
    forced = select(opened > zeros, maximum(level, trigger), never)
    kink = clip(like, grid, room, now, cells, nodes, -1.0, least, zeros, forced, never, kink, pair, zeros, 0.0)
    if pair:
        weigh_conversion(like, grid, room, now, cells, select(barred > zeros, never, forced))
    h, bottom, top = of(like, now, H), of(like, now, BOTTOM), of(like, now, TOP)
    place = log(maximum(level, splat(_LEAST, like))) / h
    node = whole(place)
    fits = select(level > trigger, one - barred, zeros) * select(bottom > kink[0], one, zeros)
    fits = fits * select(node > bottom, one, zeros) * select(top - one > node, one, zeros)
    aim(like, cells, now, minimum(maximum(node, bottom), top - one))
    same = splat(_SAME, like)
    here, ahead = gather(like, grid, U * room, cells, 0), gather(like, grid, U * room, cells, 1)
    fits = select(price - scale * gather(like, grid, EXP_Y * room, cells, 0) - same > here, zeros, fits)
    fits = select(least - same > ahead, zeros, fits)
    slope = zeros - scale * level * h
    return (
        select(fits > zeros, place, kink[0]),
        select(fits > zeros, slope, kink[1]),
        select(fits > zeros, slope * h, kink[2]),
        select(fits > zeros, zeros, kink[3]),
    )


def force(like: Any, grid: Any, room: int, now: Any, nodes: int, zero: int, least: Any, kink: Any) -> Any:
    """Bring W to what is paid beside shares from the level on, as `clip` does; give the known kink, or none."""
    zeros, one, known, top = splat(0.0, like), splat(1.0, like), splat(1.0, like), of(like, now, TOP)
    for i in range(zero, nodes):
        at, place = U * room + i * lanes_of(like), splat(float(i - zero), like)
        old, away = load(grid, at, like), place - kink[0]
        forced = (old > least) & (top >= place)
        known = select(forced & (one >= away * away), zeros, known)
        store(grid, at, select(forced, least, old))
    return select(known > zeros, kink[0], splat(NOWHERE, like)), kink[1] * known, kink[2] * known, kink[3] * known


def weigh_conversion(like: Any, grid: Any, room: int, now: Any, cells: Any, level: Any) -> None:
    """Weigh the jump of the second unknown to nothing at the level from which a call forces conversion."""
    zeros, one = splat(0.0, like), splat(1.0, like)
    bottom, top = of(like, now, BOTTOM), of(like, now, TOP)
    place = log(level) / of(like, now, H)
    node = whole(place - 1e-9)  # the last below the level
    fits = select(node > bottom, select(top > node, one, zeros), zeros)
    node = minimum(maximum(node, bottom + one), top - one)
    aim(like, cells, now, node)
    beyond, last = gather(like, grid, SECOND * room, cells, 1), gather(like, grid, SECOND * room, cells, 0)
    slope, part = last - gather(like, grid, SECOND * room, cells, -1), place - node
    fits = select(beyond * beyond > zeros, zeros, select(last * last > zeros, fits, zeros))
    fits = select(part < 1.0 - 1e-9, fits, zeros)
    none = splat(NOWHERE, like)
    jump = (last + slope * part) * fits
    weigh_jump(like, grid, PASS * room, now, select(fits > zeros, node, none), part, jump, top)
    place = select(fits > zeros, place, none)
    weigh_kink(like, grid, PASS * room, now, place, slope * fits, zeros, top)


def weigh_trigger(
    like: Any, grid: Any, room: int, now: Any, at: Any, kept: Any, steep: Any, cash: Any, thin: Any, price: Any,
    least: Any, shares: Any, model: int,
) -> None:  # fmt: skip
    """Weigh the jump of the value at a trigger, and of the cash part; see `_events.weigh_trigger`."""
    bound, slope, none = price - shares, -shares * of(like, now, H), splat(NOWHERE, like)
    bottom, top = of(like, now, BOTTOM), of(like, now, TOP)
    zeros = splat(0.0, like)
    in_cash = select(least > bound, zeros, splat(1.0, like))  # `weigh_conversion` weighs the cash part
    bound, slope = maximum(bound, least), select(least > bound, zeros, slope)
    where = select((at > bottom + 2.0) & (at < top - 2.0) & (kept > bound), at, none)
    if model == TSIVERIOTIS_FERNANDES:
        place = select(in_cash > zeros, where, none)
        cell = last_below(like, place)
        weigh_jump(like, grid, PASS * room, now, cell, place - cell, cash, top)
        weigh_kink(like, grid, PASS * room, now, place, thin, zeros, top)
    node = last_below(like, where)  # what lies on a node is called there, too
    weigh_jump(like, grid, GAIN * room, now, node, where - node, kept - bound, top)
    weigh_kink(like, grid, GAIN * room, now, where, steep - slope, zeros, top)


def within(like: Any, now: Any, i: int, stock: Any, low: Any, high: Any) -> Any:
    """Tell by 1 or 0 whether a node in memory is one of the lane's grid, and its stock price from `low` to `high`."""
    zeros, place = splat(0.0, like), splat(float(i), like) - of(like, now, ZERO)
    here = (place >= of(like, now, BOTTOM)) & (of(like, now, TOP) >= place)
    return select(here & (stock >= low) & (high >= stock), splat(1.0, like), zeros)


def clip(
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, sign: float, amount: Any,
    scale: Any, low: Any, high: Any, kink: Any, pays: Any, cash: Any, same: float,
) -> Any:  # fmt: skip
    """Bring W to a bound from below (sign 1) or above (-1): an amount less `scale` times the shares.

    Only stock prices from `low` to `high`, in units of the level, are touched. Where the bound holds, or nearly so,
    the second unknown becomes `cash` if the note `pays` it. Gives the known kink, or none if it has been dealt with.
    """
    zeros, one, side = splat(0.0, like), splat(1.0, like), splat(sign, like)
    u, stocks = U * room, EXP_Y * room
    low, high = low * (1.0 - 1e-12), high * (1.0 + 1e-12)
    zero, bottom, top = most_of(like, now, ZERO), of(like, now, BOTTOM), of(like, now, TOP)
    begin, end = nodes, 0
    for i in range(nodes):
        at = i * lanes_of(like)
        stock = load(grid, stocks + at, like)
        excess = side * (amount - scale * stock - load(grid, u + at, like))
        if any_lane((excess > -same) & (within(like, now, i, stock, low, high) > zeros)):
            begin, end = min(begin, i), i + 1
    if end == 0:
        return kink
    begin, end = max(begin - 1, 0), min(end + 1, nodes)
    cell, before, here_before = splat(NOWHERE, like), zeros, zeros
    for i in range(begin, end):
        at = i * lanes_of(like)
        stock = load(grid, stocks + at, like)
        here = within(like, now, i, stock, low, high)
        beyond = select(side * (amount - scale * stock - load(grid, u + at, like)) > -same, here, zeros)
        turned = here * here_before * (beyond - before) * (beyond - before)
        cell = select(turned > zeros, select(bottom > cell, splat(i - 1.0 - zero, like), cell), cell)
        before, here_before = beyond, here
    crossed = select(bottom > cell, zeros, one)
    node = minimum(maximum(cell, bottom), top - one)
    place, slope, bend, way = crossing(like, grid, room, now, cells, side, amount, scale, node, kink, same)
    if pays:
        inside, steep = beside(like, grid, room, now, cells, node, place, way)
    else:
        inside, steep = zeros, zeros
    known = one
    for i in range(begin, end):
        at = i * lanes_of(like)
        stock, old = load(grid, stocks + at, like), load(grid, u + at, like)
        here = within(like, now, i, stock, low, high)
        bound = amount - scale * stock
        beyond = select(side * (bound - old) > -same, here, zeros)
        store(grid, u + at, select(beyond > zeros, bound, old))
        store(grid, GAIN * room + at, select(beyond > zeros, zeros, load(grid, GAIN * room + at, like)))
        away = splat(float(i - zero), like) - kink[0]
        known = select(beyond > zeros, select(away * away > one, known, zeros), known)
        if pays:
            second, weight = load(grid, SECOND * room + at, like), load(grid, PASS * room + at, like)
            store(grid, SECOND * room + at, select(beyond > zeros, cash, second))
            store(grid, PASS * room + at, select(beyond > zeros, zeros, weight))
    where = select(crossed > zeros, node + place, splat(NOWHERE, like))
    weigh_kink(like, grid, GAIN * room, now, where, slope * crossed, bend * crossed, top)
    if pays:
        jump, cell = way * (inside - cash) * crossed, select(crossed > zeros, node, splat(NOWHERE, like))
        weigh_jump(like, grid, PASS * room, now, cell, place, jump, top)
        weigh_kink(like, grid, PASS * room, now, where, way * steep * crossed, zeros, top)
    return select(known > zeros, kink[0], splat(NOWHERE, like)), kink[1] * known, kink[2] * known, kink[3] * known


def beside(like: Any, grid: Any, room: int, now: Any, cells: Any, node: Any, place: Any, way: Any) -> Any:
    """Give the second unknown and its slope at a crossing in the cell after a node, from the side left as it is."""
    zeros, one = splat(0.0, like), splat(1.0, like)
    bottom, top = of(like, now, BOTTOM), of(like, now, TOP)
    near = select(way > zeros, node, node + one)
    far = near - way
    within = select(far < bottom, zeros, select(far > top, zeros, one))
    aim(like, cells, now, near)
    here = gather(like, grid, SECOND * room, cells, 0)
    aim(like, cells, now, minimum(maximum(far, bottom), top))
    steep = (here - gather(like, grid, SECOND * room, cells, 0)) * within
    return here + steep * select(way > zeros, place, one - place), steep * way


def crossing(
    like: Any, grid: Any, room: int, now: Any, cells: Any, side: Any, amount: Any, scale: Any, node: Any, kink: Any,
    same: float,
) -> Any:  # fmt: skip
    """Give where in the cell after a node W crosses a bound, and the kink there; see `_events.crossing`."""
    zeros, one, two, half, h = splat(0.0, like), splat(1.0, like), splat(2.0, like), splat(0.5, like), of(like, now, H)
    u, stocks, bottom, top = U * room, EXP_Y * room, of(like, now, BOTTOM), of(like, now, TOP)
    aim(like, cells, now, node)
    stock, next_stock = gather(like, grid, stocks, cells, 0), gather(like, grid, stocks, cells, 1)
    d0 = side * (amount - scale * stock - gather(like, grid, u, cells, 0)) + same
    d1 = side * (amount - scale * next_stock - gather(like, grid, u, cells, 1)) + same
    aim(like, cells, now, maximum(node - one, bottom))
    outer = gather(like, grid, stocks, cells, 0)
    dm = side * (amount - scale * outer - gather(like, grid, u, cells, 0)) + same
    aim(like, cells, now, minimum(node + two, top))
    outer = gather(like, grid, stocks, cells, 0)
    d2 = side * (amount - scale * outer - gather(like, grid, u, cells, 0)) + same
    dm = select(node > bottom, dm, two * d0 - d1)
    d2 = select(top - one > node, d2, two * d1 - d0)
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
    is_known = select(bottom > kink[0], zeros, select(zeros > at_kink, zeros, select(one > at_kink, one, zeros)))
    shares = scale * stock * exp(at_kink * is_known * h)
    rising = select(way > zeros, one, zeros)
    return (
        select(is_known > zeros, at_kink, place),
        select(is_known > zeros, rising * kink[1] + way * shares * h, slope),
        select(is_known > zeros, rising * kink[2] + way * shares * h * h, bend),
        way,
    )
