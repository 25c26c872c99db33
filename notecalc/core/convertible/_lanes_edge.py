"""Where the region in which a note is held ends, found in all lanes at once, and the value on either side of it.

The scheme is that of `_march`, and so are the names.
"""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import any_lane, fma, lanes_of, load, maximum, minimum, select, splat, sqrt, store
from notecalc.core.convertible._columns import BEYOND
from notecalc.core.convertible._lanes_memory import (
    AHEAD,
    AT_TRIGGER,
    BARRED,
    BEND,
    BOTTOM,
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
    OPENED,
    OWN,
    PART,
    PASS,
    POWER,
    PRICE_NEW,
    PRICE_RISE,
    SCALE,
    SCALE_NEW,
    SIDE,
    TOP,
    TRIGGER_HERE,
    U,
    aim,
    end_alike,
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


def passed_on(like: Any, grid: Any, room: int, now: Any, cells: Any, node: Any, elastic: Any) -> Any:
    """Give how much of the next node a node takes that is aimed at."""
    if elastic:
        return gather(like, grid, PASS * room, cells, 0)
    return select(of(like, now, TOP) > node, of(like, now, KEEP), splat(0.0, like))


def judge(
    like: Any, now: Any, side: Any, stock: Any, power: Any, gain: Any, passed: Any, old: Any, old_next: Any, twice: Any
) -> Any:  # fmt: skip
    """Give what tells where the bound is touched, if a node is the last before it; see `_march.place_edge`.

    That is how far the node is from its bound, how far it would be were the bound touched at the next node, and, with
    a minus, were it touched at the node itself. Where nothing is gained by exercise, the latter two are nothing.
    """
    zeros, more = splat(0.0, like), twice - 1.0
    cost, source, decay = sources(like, now, stock, of(like, now, OWN) * power)
    next_bound = bound_at(like, now, side, stock * of(like, now, GROWTH))
    free = twice * gain - more * old + passed * (more * old_next + next_bound)
    unit = unit_bend(like, now, side, cost, source, decay)
    unit = select(unit > splat(_TINY, like), unit, zeros)
    return side * (free - bound_at(like, now, side, stock)), unit, zeros - passed * unit


def look(
    like: Any, grid: Any, room: int, now: Any, cells: Any, side: Any, node: Any, twice: Any, elastic: Any
) -> Any:  # fmt: skip
    """Judge a node of each lane's own."""
    aim(like, cells, now, node)
    power = gather(like, grid, POWER * room, cells, 0) if elastic else splat(1.0, like)
    return judge(
        like, now, side, gather(like, grid, EXP_Y * room, cells, 0), power, gather(like, grid, GAIN * room, cells, 0),
        passed_on(like, grid, room, now, cells, node, elastic), gather(like, grid, U * room, cells, 0),
        gather(like, grid, U * room, cells, 1), twice,
    )  # fmt: skip


def come_in(
    like: Any, grid: Any, room: int, now: Any, side: Any, going: Any, zero: int, top: Any, lowest: Any, twice: Any,
    elastic: Any,
) -> Any:  # fmt: skip
    """Give the first node, going down from the top, that is not beyond the edge; the top for lanes not `going`.

    After a day an edge may be anywhere: nodes are judged in turn, so that none needs to be gathered.
    """
    zeros, one, node = splat(0.0, like), splat(1.0, like), top
    power, keep, highest = one, of(like, now, KEEP), of(like, now, TOP)
    put(now, AHEAD, top)
    for i in range(zero + int(most_of(like, now, AHEAD)), 0, -1):
        at, place = i * lanes_of(like), splat(float(i - zero), like)
        if elastic:
            power, passed = load(grid, POWER * room + at, like), load(grid, PASS * room + at, like)
        else:
            passed = select(highest > place, keep, zeros)
        distance, _, least = judge(
            like, now, side, load(grid, EXP_Y * room + at, like), power, load(grid, GAIN * room + at, like), passed,
            load(grid, U * room + at, like), load(grid, U * room + at + lanes_of(like), like), twice,
        )  # fmt: skip
        # A lane goes from its own top on.
        going = select((place > top) | ((least >= distance) & (node > lowest)), going, zeros)
        if not any_lane(going > zeros):
            break
        node = node - select(place > top, zeros, going)
    return node


def is_before(like: Any, distance: Any, unit: Any) -> Any:
    """Tell by 1 or 0 whether the edge is beyond the node after one looked at."""
    zeros, one = splat(0.0, like), splat(1.0, like)
    return select((distance >= unit) & (distance > zeros), one, zeros)


def touched_at(like: Any, distance: Any, unit: Any, least: Any) -> Any:
    """Give where in the cell after a node looked at the bound is touched: 2 if beyond it, -1 if before."""
    zeros, one, beyond = splat(0.0, like), splat(1.0, like), splat(0.0, like) - least
    root = sqrt(maximum(unit * (beyond + distance) - beyond * distance, zeros))
    part = (beyond + distance) / maximum(beyond + root, splat(_TINY, like))
    part = select(distance > least, part, zeros - one)
    return select(is_before(like, distance, unit) > zeros, splat(2.0, like), part)


def find_edge(  # noqa: PLR0915 (decisions as choices)
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, zero: int, twice: Any, is_open: Any,
    early: Any, hard: Any, elastic: Any,
) -> None:  # fmt: skip
    """Find the edge, first where it was before the step, then outwards or inwards from there."""
    zeros, one = splat(0.0, like), splat(1.0, like)
    barred, bottom = of(like, now, BARRED), of(like, now, BOTTOM)
    top = select(barred > zeros, zeros - one, of(like, now, TOP))
    if not (hard or (early and is_open)):
        put(now, LAST, top)
        put(now, PART, one)
        put(now, SIDE, zeros)
        return
    side, node = of(like, now, OLD_SIDE), of(like, now, OLD_LAST)
    may, held = zeros, bottom - one
    if hard:
        place = of(like, now, AT_TRIGGER)
        may, held = allows_cash(like, place, top, barred), last_below(like, place)
        side = select(zeros > side, side * may, side)
    had = select(side * side > zeros, one, zeros)
    put(now, FOUND, splat(2.0, like))
    if any_lane(zeros >= had):
        entered = side
        for which in range(2):
            if early and is_open if which == 0 else hard:
                sign = one if which == 0 else zeros - one
                distance, unit, _ = look(like, grid, room, now, cells, sign, top, twice, elastic)
                near = select(select(barred > zeros, unit, zeros) > distance, one, zeros)
                near = near * (of(like, now, OPENED) if which == 0 else may)
                entered = select(entered * entered > zeros, entered, near * sign)
        node, side = select(had > zeros, node, top), select(had > zeros, side, entered)
    # Lanes without an edge look at their top, and stay. It is called for cash at the trigger at the earliest.
    some = side * side
    if not any_lane(some > zeros):
        put(now, LAST, top)
        put(now, PART, one)
        put(now, SIDE, zeros)
        return
    held = select(zeros > side, held, bottom - one)
    stays = zeros
    if hard:
        stays = select(node > held, zeros, select(zeros > side, one, zeros))
        known = of(like, now, TOP) + one
        stays = stays_held(
            like, grid, room, now, cells, known, known, stays, twice, False, False, not elastic
        )  # fmt: skip
    toward, way, lowest, free = select(some > zeros, side, one), zeros, maximum(held, bottom), some * (one - stays)
    entering = free * (one - had)
    node = maximum(node, held)
    if any_lane(entering > zeros):
        from_top = come_in(like, grid, room, now, toward, entering, zero, top, lowest, twice, elastic)
        node, way = select(entering > zeros, from_top, node), select(top > from_top, zeros - one, zeros)
    distance, unit, least = look(like, grid, room, now, cells, toward, node, twice, elastic)
    for _ in range(nodes):
        before = is_before(like, distance, unit)
        outwards = select(zeros > way, zeros, select(top > node, before, zeros))
        inwards = select(least >= distance, select(node > lowest, one, zeros), zeros) * (one - before)
        inwards = select(way > zeros, zeros, inwards)
        go = (outwards - inwards) * free
        if not any_lane(go * go > zeros):
            break
        way = select(way * way > zeros, way, go)
        node = node + go
        distance, unit, least = look(like, grid, room, now, cells, toward, node, twice, elastic)
    part = select(stays > zeros, zeros, touched_at(like, distance, unit, least))
    gone = select(part > one, select(top > node, zeros, select(zeros > way, zeros, one)), zeros)
    some = some * (one - gone)
    if hard:
        part = select(node > held, part, maximum(part, of(like, now, AT_TRIGGER) - held))
    put(now, FOUND, select(some > zeros, part, splat(2.0, like)))
    put(now, LAST, select(some > zeros, node, top))
    put(now, PART, select(some > zeros, minimum(maximum(part, splat(_LEAST_PART, like)), one), one))
    put(now, SIDE, side * some)


def finish(  # noqa: PLR0912, PLR0915 (decisions as choices)
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, zero: int, twice: Any, barrier: Any,
    hard: Any, elastic: Any,
) -> None:  # fmt: skip
    """Substitute downwards from the edge, and carry the solution beyond it."""
    zeros, one, more, double = splat(0.0, like), splat(1.0, like), twice - 1.0, twice
    u, stocks, gains, passes = U * room, EXP_Y * room, GAIN * room, PASS * room
    keep = of(like, now, KEEP)
    side, part, found = of(like, now, SIDE), of(like, now, PART), of(like, now, FOUND)
    some = side * side
    last = of(like, now, LAST)
    least, price, floor, scale = (
        of(like, now, LEAST_NEW), of(like, now, PRICE_NEW), of(like, now, FLOOR_NEW), of(like, now, SCALE_NEW)
    )  # fmt: skip
    end = min(nodes, zero + BEYOND + 1) if barrier else nodes
    if not any_lane(some > zeros) and end_alike(like, now, nodes, barrier):
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
        passed = passed_on(like, grid, room, now, cells, last, elastic)
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
        # The same operations as where no lane has an edge: neighbours change no bit.
        barred = of(like, now, BARRED)
        at_level = (floor + more * load(grid, u + zero * lanes_of(like), like)) / double
        at_end = select(barred > zeros, at_level, gain)
        at_last = select(some > zeros, (z + more * old) / double, at_end)
        z = select(some > zeros, z, select(barred > zeros, floor, double * gain - more * old))
        last = select(some > zeros, last, select(barred > zeros, zeros, last))
        held, any_held = zeros, False
        if hard:
            held = is_held(like, now, of(like, now, AT_TRIGGER))
            any_held = any_lane(held > zeros)
        held_last = last
        if any_held:
            near, w = solve_held(
                like, grid, room, now, cells, of(like, now, TOP) + one, held, twice, False, not elastic
            )  # fmt: skip
            last, z = select(held > zeros, near, last), select(held > zeros, of(like, now, TRIGGER_HERE), z)
            at_last = select(held > zeros, w, at_last)
        put(now, AHEAD, last)
        first, most = zero + int(least_of(like, now, AHEAD)) - 1, zero + int(most_of(like, now, AHEAD))
        half, w = splat(0.5, like), at_last
        by_call = select(some > zeros, zeros - side, zeros)
        for i in range(end - 1, first, -1):
            at, beyond, capped = i * lanes_of(like), floor, floor
            if hard:
                stock = load(grid, stocks + at, like)
                capped = maximum(price - scale * stock, least)
                beyond = select(by_call > zeros, capped, floor)
            if i > most + BEYOND and not any_held:
                store(grid, u + at, beyond)
                continue
            place = splat(float(i - zero), like)
            away = place - last
            past = away - part
            bent = select(away > splat(BEYOND + 0.5, like), zeros, touching * base * past * past)
            beyond = beyond + bent
            if any_held:
                carried = select(place > held_last + 1.5, beyond, parabola(like, now, away))
                beyond = select(held > zeros, carried, beyond)
            passed = load(grid, passes + at, like) if elastic else keep
            w = select(away > zeros - half, at_last, fma(passed, w, load(grid, gains + at, like)))
            free = maximum(double * w - more * load(grid, u + at, like), least)
            if hard:
                free = select(of(like, now, FROM_NEW) > stock, free, minimum(free, capped))
            new = select(away > zeros - half, z, free)
            store(grid, u + at, select(away > half, beyond, new))
    substitute(like, grid, room, now, first, w, twice, hard, elastic)


def substitute(
    like: Any, grid: Any, room: int, now: Any, first: int, w: Any, twice: Any, hard: Any, elastic: Any
) -> None:  # fmt: skip
    """Substitute downwards from a node on; `w` is the middle of the unknown at the one above it.

    Loops are apart, as each is short: together they would ask at each node which kind of call it is.
    """
    u, gains, passes, lanes, more = U * room, GAIN * room, PASS * room, lanes_of(like), twice - 1.0
    keep, least = of(like, now, KEEP), of(like, now, LEAST_NEW)
    if hard:
        from_, price, scale = of(like, now, FROM_NEW), of(like, now, PRICE_NEW), of(like, now, SCALE_NEW)
        for i in range(first, -1, -1):
            at = i * lanes
            w = fma(load(grid, passes + at, like) if elastic else keep, w, load(grid, gains + at, like))
            new = maximum(twice * w - more * load(grid, u + at, like), least)
            stock = load(grid, EXP_Y * room + at, like)
            capped = minimum(new, maximum(price - scale * stock, least))
            store(grid, u + at, select(from_ > stock, new, capped))
    else:
        for i in range(first, -1, -1):
            at = i * lanes
            w = fma(load(grid, passes + at, like) if elastic else keep, w, load(grid, gains + at, like))
            store(grid, u + at, maximum(twice * w - more * load(grid, u + at, like), least))
