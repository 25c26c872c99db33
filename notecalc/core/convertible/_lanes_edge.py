"""Where the region in which a note is held ends, found in all lanes at once, and the value on either side of it.

The scheme is that of `_march`, and so are the names.
"""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import fma, lanes_of, load, maximum, minimum, select, splat, sqrt, store
from notecalc.core.convertible._columns import BEYOND
from notecalc.core.convertible._lanes_memory import (
    AHEAD,
    AT_TRIGGER,
    BEND,
    CARRIED,
    CLAIM,
    DISCOUNT,
    DROPPED,
    EXP_Y,
    FLOOR_NEW,
    FLOOR_RISE,
    FOUND,
    FROM_NEW,
    GAIN,
    GROWTH,
    KEEP,
    KEPT,
    LAST,
    LEAST_NEW,
    OLD_LAST,
    OLD_SIDE,
    OWN,
    PART,
    PASS,
    POWER,
    PRICE_NEW,
    PRICE_RISE,
    SCALE,
    SCALE_NEW,
    SIDE,
    TRIGGER_HERE,
    U,
    aim,
    gather,
    least_of,
    most_of,
    of,
    put,
)
from notecalc.core.convertible._lanes_trigger import (
    allows_cash,
    is_held,
    last_below,
    parabola,
    solve_held,
    stays_held,
)

__all__: list[str] = []

_TINY: Final = 1e-300
_LEAST_PART: Final = 1e-6


def sources(like: Any, now: Any, stock: Any, own: Any) -> Any:
    """Give what holding the shares loses per year at a node, what is taken from W, and its discount rate.

    `own` is the hazard rate there.
    """
    cost = (of(like, now, CARRIED) + own * of(like, now, DROPPED)) * (of(like, now, SCALE) * stock)
    paid = own * maximum(of(like, now, KEPT) * stock, of(like, now, CLAIM))
    return cost, cost - paid, of(like, now, DISCOUNT) + own


def bound_at(like: Any, now: Any, side: Any, stock: Any) -> Any:
    """Give the bound on W at the end of the step."""
    called = maximum(of(like, now, PRICE_NEW) - of(like, now, SCALE_NEW) * stock, of(like, now, LEAST_NEW))
    return select(side > splat(0.0, like), of(like, now, FLOOR_NEW), called)


def unit_bend(like: Any, now: Any, side: Any, cost: Any, source: Any, decay: Any) -> Any:
    """Give h^2 / 2 times the second derivative of the distance from the bound; see `_march.unit_bend`."""
    converted = source + decay * of(like, now, FLOOR_NEW) - of(like, now, FLOOR_RISE)
    called = of(like, now, PRICE_RISE) - decay * of(like, now, PRICE_NEW) + cost - source
    return select(side > splat(0.0, like), converted, called) * of(like, now, BEND)


def passed_on(
    like: Any, grid: Any, room: int, now: Any, cells: Any, node: Any, nodes: int, elastic: Any
) -> Any:  # fmt: skip
    """Give how much of the next node a node takes that is aimed at."""
    if elastic:
        return gather(like, grid, PASS * room, cells, 0)
    return select(splat(nodes - 1.5, like) > node, of(like, now, KEEP), splat(0.0, like))


def place_edge(
    like: Any, grid: Any, room: int, now: Any, cells: Any, side: Any, node: Any, nodes: int, twice: float, elastic: Any
) -> Any:  # fmt: skip
    """Tell where the bound is touched, if a node is the last before it; see `_march.place_edge`."""
    aim(like, cells, now, node)
    zeros, one, two, more = splat(0.0, like), splat(1.0, like), splat(2.0, like), splat(twice - 1.0, like)
    stock = gather(like, grid, EXP_Y * room, cells, 0)
    stock_next = stock * of(like, now, GROWTH)
    own = of(like, now, OWN)
    if elastic:
        own = own * gather(like, grid, POWER * room, cells, 0)
    cost, source, decay = sources(like, now, stock, own)
    c = passed_on(like, grid, room, now, cells, node, nodes, elastic)
    free = (
        splat(twice, like) * gather(like, grid, GAIN * room, cells, 0)
        - more * gather(like, grid, U * room, cells, 0)
        + c * (more * gather(like, grid, U * room, cells, 1) + bound_at(like, now, side, stock_next))
    )
    distance = side * (free - bound_at(like, now, side, stock))
    unit = unit_bend(like, now, side, cost, source, decay)
    beyond = c * maximum(unit, zeros)
    root = sqrt(maximum(unit * (beyond + distance) - beyond * distance, zeros))
    part = (beyond + distance) / maximum(beyond + root, splat(_TINY, like))
    part = select(distance > zeros - beyond, part, zeros - one)
    part = select(unit > distance, part, two)
    flat = select(distance > zeros, two, zeros - one)
    return distance, select(unit > splat(_TINY, like), part, flat)


def find_edge(  # noqa: C901, PLR0915 (decisions as choices)
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, zero: int, twice: float, is_open: Any,
    is_call: Any, early: Any, hard: Any, elastic: Any,
) -> None:  # fmt: skip
    """Find the edge, first where it was before the step, then outwards or inwards from there."""
    zeros, one = splat(0.0, like), splat(1.0, like)
    barrier = is_open and is_call
    last_node = zero - 1 if barrier else nodes - 1
    top = splat(float(last_node), like)
    if not (hard or (early and is_open)):
        put(now, LAST, top)
        put(now, PART, one)
        put(now, SIDE, zeros)
        return
    side, node = of(like, now, OLD_SIDE), of(like, now, OLD_LAST)
    may, held = zeros, zeros - one
    if hard:
        place = of(like, now, AT_TRIGGER)
        may, held = allows_cash(like, place, last_node, barrier), last_below(like, place)
        side = select(zeros > side, side * may, side)
    had = select(side * side > zeros, one, zeros)
    put(now, FOUND, splat(2.0, like))
    put(now, AHEAD, had)
    if least_of(like, now, AHEAD) == 0.0:
        entered = side
        for which in range(2):
            if early and is_open if which == 0 else hard:
                sign = one if which == 0 else zeros - one
                distance, part = place_edge(like, grid, room, now, cells, sign, top, nodes, twice, elastic)
                near = select(one > part, one, zeros) if barrier else select(zeros > distance, one, zeros)
                if which == 1:
                    near = near * may
                entered = select(entered * entered > zeros, entered, near * sign)
        node, side = select(had > zeros, node, top), select(had > zeros, side, entered)
        put(now, AHEAD, side * side)
    if most_of(like, now, AHEAD) == 0.0:
        put(now, LAST, top)
        put(now, PART, one)
        put(now, SIDE, zeros)
        return
    # Lanes without an edge look at their top, and stay. It is called for cash at the trigger at the earliest.
    some = select(side * side > zeros, one, zeros)
    held = select(zeros > side, held, zeros - one)
    stays = zeros
    if hard:
        stays = stays_held(
            like, grid, room, now, cells, select(node > held, zeros, select(zeros > side, one, zeros)), twice,
            elastic,
        )  # fmt: skip
    node = maximum(node, held)
    way = zeros
    part = one
    for _ in range(nodes):
        part = place_edge(
            like, grid, room, now, cells, select(some > zeros, side, one), node, nodes, twice, elastic
        )[1]  # fmt: skip
        outwards = select(part > one, select(top > node, one, zeros), zeros)
        outwards = select(zeros > way, zeros, outwards)
        inwards = select(part > zeros, zeros, select(node > zeros, one, zeros))
        inwards = select(way > zeros, zeros, inwards)
        if hard:
            inwards = select(node > held, inwards, zeros)
        go = (outwards - inwards) * some * (one - stays)
        way = select(way * way > zeros, way, go)
        node = node + go
        put(now, AHEAD, go * go)
        if most_of(like, now, AHEAD) == 0.0:
            break
    part = select(stays > zeros, zeros, part)
    gone = select(part > one, select(top > node, zeros, select(zeros > way, zeros, one)), zeros)
    some = some * (one - gone)
    if hard:
        part = select(node > held, part, maximum(part, of(like, now, AT_TRIGGER) - held))
    put(now, FOUND, select(some > zeros, part, splat(2.0, like)))
    put(now, LAST, select(some > zeros, node, top))
    put(now, PART, select(some > zeros, minimum(maximum(part, splat(_LEAST_PART, like)), one), one))
    put(now, SIDE, side * some)


def finish(  # noqa: C901, PLR0912, PLR0915 (decisions as choices)
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, zero: int, twice: float, is_open: Any,
    is_call: Any, hard: Any, elastic: Any,
) -> None:  # fmt: skip
    """Substitute downwards from the edge, and carry the solution beyond it."""
    zeros, one, more, double = splat(0.0, like), splat(1.0, like), splat(twice - 1.0, like), splat(twice, like)
    barrier = is_open and is_call
    u, stocks, gains, passes = U * room, EXP_Y * room, GAIN * room, PASS * room
    keep = of(like, now, KEEP)
    side, part, found = of(like, now, SIDE), of(like, now, PART), of(like, now, FOUND)
    some = side * side
    last = of(like, now, LAST)
    put(now, AHEAD, some)
    least, price, floor, scale = (
        of(like, now, LEAST_NEW), of(like, now, PRICE_NEW), of(like, now, FLOOR_NEW), of(like, now, SCALE_NEW)
    )  # fmt: skip
    end = min(nodes, zero + BEYOND + 1) if barrier else nodes
    if most_of(like, now, AHEAD) == 0.0:
        if barrier:
            w = (floor + more * load(grid, u + zero * lanes_of(like), like)) / double
            for i in range(zero, end):
                store(grid, u + i * lanes_of(like), floor)
            first = zero - 1
        else:
            at = (nodes - 1) * lanes_of(like)
            w = load(grid, gains + at, like)
            store(grid, u + at, double * w - more * load(grid, u + at, like))
            first = nodes - 2
    else:
        # What the lanes with an edge have at it; the others have theirs at the level, or at the top.
        aim(like, cells, now, last)
        stock, gain = gather(like, grid, stocks, cells, 0), gather(like, grid, gains, cells, 0)
        passed = passed_on(like, grid, room, now, cells, last, nodes, elastic)
        old, old_next = gather(like, grid, u, cells, 0), gather(like, grid, u, cells, 1)
        own = of(like, now, OWN)
        if elastic:
            own = own * gather(like, grid, POWER * room, cells, 0)
        cost, source, decay = sources(like, now, stock, own)
        touching = select(one > found, one, zeros)
        base = side * maximum(unit_bend(like, now, side, cost, source, decay), zeros)
        away = one - part
        next_bound = bound_at(like, now, side, stock * of(like, now, GROWTH))
        bent = touching * base * away * away
        z = double * gain - more * old + passed * (next_bound + bent + more * old_next)
        z = select(found > zeros, z, bound_at(like, now, side, stock))
        if barrier:
            aim(like, cells, now, splat(float(zero), like))
            z = select(some > zeros, z, floor)
            old = select(some > zeros, old, load(grid, u + zero * lanes_of(like), like))
            last = select(some > zeros, last, splat(float(zero), like))
            at_last = (z + more * old) / double
        else:
            # The same operations as where no lane has an edge: neighbours change no bit.
            at_last = select(some > zeros, (z + more * old) / double, gain)
            z = select(some > zeros, z, double * gain - more * old)
        held, any_held = zeros, False
        if hard:
            held = is_held(like, now, of(like, now, AT_TRIGGER))
            put(now, AHEAD, held)
            any_held = most_of(like, now, AHEAD) > 0.0
        held_last = last
        if any_held:
            near, w = solve_held(like, grid, room, now, cells, held, twice, one, elastic)
            last, z = select(held > zeros, near, last), select(held > zeros, of(like, now, TRIGGER_HERE), z)
            at_last = select(held > zeros, w, at_last)
        side_or = select(some > zeros, side, one)
        put(now, AHEAD, last)
        first = int(least_of(like, now, AHEAD)) - 1
        w = zeros
        half, less = splat(0.5, like), zeros - more
        for i in range(end - 1, first, -1):
            at = i * lanes_of(like)
            place, stock, old = splat(float(i), like), load(grid, stocks + at, like), load(grid, u + at, like)
            w = fma(load(grid, passes + at, like) if elastic else keep, w, load(grid, gains + at, like))
            beyond = bound_at(like, now, side_or, stock)
            away = place - last - part
            bent = touching * base * away * away
            beyond = beyond + select(place - last > splat(BEYOND + 0.5, like), zeros, bent)
            if any_held:
                carried = select(place > held_last + 1.5, beyond, parabola(like, now, place - last))
                beyond = select(held > zeros, carried, beyond)
            free = fma(double, w, less * old)
            if is_open:
                free = maximum(free, floor)
            if hard:
                cap = maximum(price - scale * stock, least)
                free = select(of(like, now, FROM_NEW) > stock, free, minimum(free, cap))
            new = select(place > last - half, z, free)
            new = select(place > last + half, beyond, new)
            w = select(place > last - half, at_last, w)
            store(grid, u + at, new)
    from_, less = of(like, now, FROM_NEW), zeros - more
    for i in range(first, -1, -1):
        at = i * lanes_of(like)
        w = fma(load(grid, passes + at, like) if elastic else keep, w, load(grid, gains + at, like))
        new = fma(double, w, less * load(grid, u + at, like))
        if is_open:
            new = maximum(new, floor)
        if hard:
            stock = load(grid, stocks + at, like)
            new = select(from_ > stock, new, minimum(new, maximum(price - scale * stock, least)))
        store(grid, u + at, new)
