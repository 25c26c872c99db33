r"""Where both unknowns end, found in all lanes at once, and their values on either side of it.

The cash part is nothing at the edge, and W is on its bound, which it touches smoothly. Below a node i before the edge
both have been eliminated. With the edge a part z of a cell above node i, the cash part at i is z times a ratio of
polynomials in z, and that at i + 1 lies on the parabola through those at i - 1, i and the edge. So the distance of W
from its bound at i is a function of z alone; that it be on the parabola by which W leaves its bound makes an equation
with one root; where it has none in the cell, its sign tells whether the edge lies further out, or further in.
"""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import any_lane, fma, lanes_of, load, maximum, minimum, select, splat, store
from notecalc.core.convertible._columns import BESIDE, BEYOND, LITTLE
from notecalc.core.convertible._lanes_edge import bound_at
from notecalc.core.convertible._lanes_memory import (
    AHEAD,
    AT_TRIGGER,
    BARRED,
    BOTTOM,
    BOUND_HERE,
    CARRIED,
    CASH_HERE,
    EXP_Y,
    FLOOR_NEW,
    FREE,
    FROM_NEW,
    GAIN,
    HERE_NEW,
    HERE_OLD,
    LACK,
    LAST,
    LEAN_HERE,
    LEAST_NEW,
    MISSED,
    NEVER,
    NEXT_MIDDLE,
    NEXT_NEW,
    NEXT_OLD,
    OLD_LAST,
    OLD_SIDE,
    OPENED,
    PART,
    PASS,
    PASSED,
    PRICE_NEW,
    REACH,
    SCALE_NEW,
    SECOND,
    SECOND_GAIN,
    SECOND_PASS,
    SHARE,
    SIDE,
    SPARE,
    STEEP,
    TOP,
    TOUCH,
    UNIT_THERE,
    U,
    aim,
    end_alike,
    first_common,
    gather,
    least_of,
    most_of,
    of,
    put,
)
from notecalc.core.convertible._lanes_trigger import (
    allows_cash,
    cash_held,
    is_held,
    last_below,
    parabola,
    solve_cash_held,
    solve_held,
    stays_held,
)
from notecalc.core.convertible._lanes_two_root import find_part, look, miss
from notecalc.core.convertible._steps import GRADED_FROM

__all__: list[str] = []

_STRIDE: Final = 8  # nodes, where an edge comes in from the top


def find_edge_of_two(  # noqa: C901, PLR0912, PLR0915 (decisions as choices)
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, zero: int, known: int, twice: Any,
    is_open: Any, barrier: Any, hard: Any, blended: Any,
) -> None:  # fmt: skip
    """Find the edge, first where it was before, then outwards or inwards from there."""
    zeros, one = splat(0.0, like), splat(1.0, like)
    barred = of(like, now, BARRED)
    some_barred = any_lane(barred > zeros)
    top = select(barred > zeros, zeros - one, of(like, now, TOP))
    highest = select(barred > zeros, top, top - one)  # beyond which there is no edge
    if not (hard or is_open):
        put(now, LAST, top)
        put(now, PART, one)
        put(now, SIDE, zeros)
        return
    side, node = of(like, now, OLD_SIDE), of(like, now, OLD_LAST)
    may, held, ends, trigger = zeros, zeros, zeros, zeros
    if hard:
        trigger = of(like, now, AT_TRIGGER)
        may, held = allows_cash(like, trigger, top, barred), last_below(like, trigger)
        side = select(zeros > side, side * may, side)
    had = select(side * side > zeros, one, zeros)
    if any_lane(had < one):
        entered = side
        for which in range(2):
            if is_open if which == 0 else hard:
                sign, allowed = (one, of(like, now, OPENED)) if which == 0 else (zeros - one, may)
                near = zeros
                if some_barred:
                    look(like, grid, room, now, cells, sign, top, zero - 1, known, twice, blended)
                    near = select(miss(like, now, sign, one, twice, blended) < zeros, one, zeros)
                if not barrier:
                    aim(like, cells, now, top)
                    half_way = gather(like, grid, GAIN * room, cells, 0)
                    half_way = half_way + of(like, now, SHARE) * gather(like, grid, SECOND_GAIN * room, cells, 0)
                    free = twice * half_way - (twice - 1.0) * gather(like, grid, U * room, cells, 0)
                    bound = bound_at(like, now, sign, gather(like, grid, EXP_Y * room, cells, 0))
                    beyond = select(sign * (free - bound) < zeros, one, zeros)
                    near = select(barred > zeros, near, beyond)
                entered = select(entered * entered > zeros, entered, near * allowed * sign)
        node, side = select(had > zeros, node, highest), select(had > zeros, side, entered)
    if not any_lane(side * side > zeros):
        put(now, LAST, top)
        put(now, PART, one)
        put(now, SIDE, zeros)
        return
    # Lanes without an edge look at their top, and stay. An edge that was there stays near where it was.
    some = select(side * side > zeros, one, zeros)
    side_or = select(some > zeros, side, one)
    lowest, furthest = of(like, now, BOTTOM) + one, select(had > zeros, minimum(of(like, now, REACH), highest), highest)
    if hard:
        # It is called for cash at the trigger at the earliest.
        lowest = select(side_or > zeros, lowest, minimum(maximum(held, lowest), furthest))
        waits = select(node > held, zeros, select(zeros > side, one, zeros))
        second_own = splat(float(known - zero), like)
        own = splat(float(nodes - zero), like) if blended else second_own
        ends = stays_held(like, grid, room, now, cells, own, second_own, waits, twice, True, not blended, False)
    coming = some * (one - had) * (one - ends)
    if any_lane(coming > zeros):
        near = come_in(
            like, grid, room, now, cells, side_or, coming, lowest, highest, zero - 1 if barrier else nodes - 2, zero,
            known, twice, blended,
        )  # fmt: skip
        node = select(coming > zeros, near, node)
        furthest = select(had > zeros, furthest, node)
    node = select(ends > zeros, held, maximum(minimum(node, furthest), lowest))
    way, outer, inner, at_inner = zeros, one, zeros, zeros
    for _ in range(nodes):
        look(like, grid, room, now, cells, side_or, node, -1, known, twice, blended)
        inner = miss(like, now, side_or, zeros, twice, blended)
        at_inner = of(like, now, MISSED)
        outer = miss(like, now, side_or, one, twice, blended)
        go = select(outer > zeros, one, select(inner > zeros, zeros, zeros - one)) * some * (one - ends)
        go = select(zeros > go * way, zeros, go)
        go = select(go > zeros, select(furthest > node, go, zeros), select(node > lowest, go, zeros))
        way = select(way * way > zeros, way, go)
        node = node + go
        if not any_lane(go * go > zeros):
            break
    gone = select(outer > zeros, select(highest > node, zeros, one), zeros)
    some = some * (one - gone * (one - ends))
    part = find_part(like, now, side_or, inner, at_inner, outer, twice, blended)
    if hard:
        at_least = select(zeros > side, select(node > held, zeros, trigger - held), zeros)
        part = select(ends > zeros, at_least, minimum(maximum(part, at_least), one))
    miss(like, now, side_or, part, twice, blended)
    # Between two cells of which neither has it the edge is at their node.
    apart = select(zeros > way, zeros, splat(2.0, like))
    put(now, TOUCH, select(inner > zeros, select(outer > zeros, apart, zeros), zeros - one))
    put(now, LAST, select(some > zeros, node, top))
    put(now, PART, select(some > zeros, part, one))
    put(now, SIDE, side * some)


def come_in(
    like: Any, grid: Any, room: int, now: Any, cells: Any, side: Any, coming: Any, lowest: Any, highest: Any,
    start: int, zero: int, known: int, twice: Any, blended: Any,
) -> Any:  # fmt: skip
    """Give the first node from the top that is before the edge, for lanes whose edge comes in.

    All look at the same nodes, every one in turn. Where dividends are paid it is converted beyond one edge, and some
    nodes are passed over; then each lane looks at those of its own. Which are passed over is counted from the level:
    other lanes have no say in it.
    """
    zeros, found = splat(0.0, like), splat(0.0, like)
    node, leaps = lowest, select(of(like, now, CARRIED) < GRADED_FROM, zeros, select(side > zeros, coming, zeros))
    stride = 1 if any_lane(coming > leaps) else _STRIDE
    for i in range(start if stride == 1 else start - (start - zero) % _STRIDE, 0, -stride):
        look(like, grid, room, now, cells, side, node, i, known, twice, blended)
        here, some = splat(float(i - zero), like), coming if (i - zero) % _STRIDE == 0 else coming - leaps
        near = select(miss(like, now, side, zeros, twice, blended) > zeros, maximum(some, zeros), zeros)
        near = select((here > highest) | (lowest > here), zeros, near)
        node, found = select(near > zeros, here, node), maximum(found, near)
        coming = select(near > zeros, zeros, select(here > lowest, coming, zeros))
        if not any_lane(coming > zeros):
            break
    found = found * leaps
    if any_lane(found > zeros):
        jump = _STRIDE // 2
        while jump > 0:
            ahead = minimum(node + splat(float(jump), like), highest)
            look(like, grid, room, now, cells, side, ahead, -1, known, twice, blended)
            near = select(miss(like, now, side, zeros, twice, blended) > zeros, found, zeros)
            node = select(near > zeros, ahead, node)
            jump //= 2
    return node


def finish_two(  # noqa: C901, PLR0912, PLR0915 (decisions as choices)
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, zero: int, known: int, twice: Any,
    is_open: Any, barrier: Any, hard: Any, blended: Any,
) -> None:  # fmt: skip
    """Substitute downwards from the edge, and carry both unknowns beyond it; adds up what W lacks before it."""
    zeros, one, more, double = splat(0.0, like), splat(1.0, like), twice - 1.0, twice
    less, halved = zeros - more, one / twice
    lanes, share, bottom = lanes_of(like), of(like, now, SHARE), of(like, now, BOTTOM)
    common, barred = first_common(like, now), of(like, now, BARRED)
    u, b, gains, second_gains = U * room, SECOND * room, GAIN * room, SECOND_GAIN * room
    side, part, last = of(like, now, SIDE), of(like, now, PART), of(like, now, LAST)
    some = side * side
    least, price, floor, scale = (
        of(like, now, LEAST_NEW), of(like, now, PRICE_NEW), of(like, now, FLOOR_NEW), of(like, now, SCALE_NEW)
    )  # fmt: skip
    from_, little = of(like, now, FROM_NEW), splat(LITTLE if blended else 100.0 * LITTLE, like)
    own_passes = nodes if blended else known
    keep = load(grid, PASS * room + (known - 1) * lanes, like)
    second_keep = load(grid, SECOND_PASS * room + (known - 1) * lanes, like)
    # A chance is at most 1; what is owed has no such bound.
    highest, lack = splat(1.0 if blended else NEVER, like), splat(0.0, like)
    end = min(nodes, zero + BEYOND + 1) if barrier else nodes
    if not any_lane(some > zeros) and end_alike(like, now, nodes, barrier):
        if barrier:
            at = zero * lanes
            old = load(grid, b + at, like)
            second_way = more * old * halved
            way = (floor + more * (load(grid, u + at, like) - share * old)) * halved
            for i in range(zero, end):
                store(grid, u + i * lanes, floor)
                store(grid, b + i * lanes, zeros)
            first = zero - 1
        else:
            at = (nodes - 1) * lanes
            way, second_way = load(grid, gains + at, like), load(grid, second_gains + at, like)
            store(grid, u + at, double * fma(share, second_way, way) - more * load(grid, u + at, like))
            second_free = double * second_way - more * load(grid, b + at, like)
            store(grid, b + at, minimum(maximum(second_free, zeros), highest))
            first = nodes - 2
        last = splat(first + 1.0 - zero, like)
        beside = last - splat(float(BESIDE), like)
    else:
        # What the lanes with an edge have at it; the others have theirs at the level, or at the top.
        side_or, pinned = select(some > zeros, side, one), some
        if blended:
            pinned = select(side > zeros, one, zeros)
        unit, lean = of(like, now, UNIT_THERE), of(like, now, LEAN_HERE)
        here, next_one, steep = of(like, now, HERE_NEW), of(like, now, NEXT_NEW), of(like, now, STEEP)
        where, away = of(like, now, TOUCH), one - part
        touching = select(one > where, some, zeros) * side_or
        next_middle = (next_one + of(like, now, NEXT_OLD)) * halved
        if blended:
            next_middle = select(pinned > zeros, next_middle, of(like, now, NEXT_MIDDLE))
        bent = touching * maximum(unit + lean * next_middle, zeros) * away * away
        z = of(like, now, BOUND_HERE) + of(like, now, FREE) + of(like, now, PASSED) * bent
        z = select(zeros > where, of(like, now, BOUND_HERE), z)
        aim(like, cells, now, last)
        old = gather(like, grid, u, cells, 0)
        second_at = (here + of(like, now, HERE_OLD)) * halved
        first_at = (z + more * old) * halved - share * second_at
        second_last = last
        # The same operations as where no lane has an edge: neighbours change no bit.
        at, ends = zero * lanes, barred > zeros
        old, second_old = load(grid, u + at, like), load(grid, b + at, like)
        first_level, second_level = (floor + more * (old - share * second_old)) * halved, more * second_old * halved
        aim(like, cells, now, of(like, now, TOP))
        first_at = select(some > zeros, first_at, select(ends, first_level, gather(like, grid, gains, cells, 0)))
        second_at = select(
            pinned > zeros, second_at, select(ends, second_level, gather(like, grid, second_gains, cells, 0))
        )  # fmt: skip
        free = double * fma(share, second_at, first_at) - more * gather(like, grid, u, cells, 0)
        second_free = double * second_at - more * gather(like, grid, b, cells, 0)
        z = select(some > zeros, z, select(ends, floor, free))
        here = select(pinned > zeros, here, select(ends, zeros, second_free))
        end_of_all = select(ends, zeros, of(like, now, TOP))
        last = select(some > zeros, last, end_of_all)
        second_last = select(pinned > zeros, last, end_of_all)
        held = is_held(like, now, of(like, now, AT_TRIGGER)) if hard else zeros
        held_last, any_held = last, any_lane(held > zeros)
        if any_held:
            own_known, second_known = splat(float(own_passes - zero), like), splat(float(known - zero), like)
            near, own = solve_held(like, grid, room, now, cells, own_known, held, twice, True, False)
            last, first_at = select(held > zeros, near, last), select(held > zeros, own, first_at)
            if not blended:
                own = solve_cash_held(like, grid, room, now, cells, second_known, near, twice)
                second_last, second_at = select(held > zeros, near, second_last), select(held > zeros, own, second_at)
                here = select(held > zeros, of(like, now, CASH_HERE), here)
        aim(like, cells, now, bottom)
        most = minimum(maximum(gather(like, grid, b, cells, 0), one), highest)
        put(now, AHEAD, last)
        first = zero + int(least_of(like, now, AHEAD)) - 1
        put(now, AHEAD, select(held > zeros, maximum(held_last, second_last), second_last))
        # Beyond what an edge may reach in a step nothing is read until the segment ends.
        inside = zero + int(most_of(like, now, AHEAD))
        end, beside = min(end, inside + BEYOND + 1), last - splat(float(BESIDE), like)
        was = of(like, now, OLD_SIDE)
        was = was if blended else was * was
        read = select(was > zeros, of(like, now, OLD_LAST) + (BEYOND + 0.5), splat(NEVER, like))
        way, second_way, half = zeros, zeros, splat(0.5, like)
        for i in range(end - 1, first, -1):
            at = i * lanes
            place, stock = splat(float(i - zero), like), load(grid, EXP_Y * room + at, like)
            old, second_old = load(grid, u + at, like), load(grid, b + at, like)
            second_old = select(place > read, zeros, second_old)  # there it may be of any step
            free, second_free = zeros, zeros
            if i <= inside:
                own, second_own = keep, second_keep
                if i < own_passes:
                    own = load(grid, PASS * room + at, like)
                if i < known:
                    second_own = load(grid, SECOND_PASS * room + at, like)
                way = fma(own, way, load(grid, gains + at, like))
                if blended:
                    second_way = load(grid, SPARE * room + at, like)
                else:
                    second_way = fma(second_own, second_way, load(grid, second_gains + at, like))
                free = fma(double, way if blended else way + second_way, less * old)
                second_free = fma(double, second_way, less * second_old)
                if is_open:
                    early = beside > place
                    if i < common:
                        early = early & (place >= bottom)
                    free, second_free, lack = stay_above(like, least, little, early, free, second_free, lack)
                if hard:
                    cap = maximum(price - scale * stock, least)
                    free = select(from_ > stock, free, minimum(free, cap))
            away = place - last - part
            far = place - last > splat(BEYOND + 0.5, like)
            carried = select(away > one - part, steep * away, next_one)
            if any_held and not blended:
                carried = select(held > zeros, cash_held(like, now, place - last, place - held_last), carried)
            carried = select(far, zeros, select(pinned > zeros, carried, zeros))
            carried = minimum(maximum(carried, zeros - most), most)
            middle = (carried + more * second_old) * halved
            if blended:
                own_middle = select(place > second_last - half, second_at, second_way)  # above a level no factors are
                middle = select(pinned > zeros, middle, own_middle)
            bent = touching * maximum(unit + lean * middle, zeros) * away * away
            beyond = (bound_at(like, now, side_or, stock) if hard else floor) + select(far, zeros, bent)
            new = select(place > last + half, beyond, select(place > last - half, z, free))
            second_new = maximum(select(place > second_last - half, here, second_free), zeros)
            if blended:
                second_new = minimum(second_new, one)
            second_new = select(place > second_last + half, carried, second_new)
            if any_held:
                kept = parabola(like, now, place - last) + share * second_new
                kept = select(place > held_last + 1.5, bound_at(like, now, side_or, stock), kept)
                new = select(held > zeros, select(place > last - half, kept, new), new)
            store(grid, u + at, new)
            store(grid, b + at, second_new)
            way = select(place > last - half, first_at, way)
            second_way = select(place > second_last - half, second_at, second_way)
    for i in range(first, -1, -1):
        at = i * lanes
        own, second_own = keep, second_keep
        if i < own_passes:
            own = load(grid, PASS * room + at, like)
        if i < known:
            second_own = load(grid, SECOND_PASS * room + at, like)
        way = fma(own, way, load(grid, gains + at, like))
        if blended:
            second_way = load(grid, SPARE * room + at, like)
        else:
            second_way = fma(second_own, second_way, load(grid, second_gains + at, like))
        new = fma(double, way if blended else way + second_way, less * load(grid, u + at, like))
        second_new = fma(double, second_way, less * load(grid, b + at, like))
        if is_open:
            early = beside > splat(float(i - zero), like)
            if i < common:
                early = early & (splat(float(i - zero), like) >= bottom)
            new, second_new, lack = stay_above(like, least, little, early, new, second_new, lack)
        if hard:
            stock = load(grid, EXP_Y * room + at, like)
            new = select(from_ > stock, new, minimum(new, maximum(price - scale * stock, least)))
        store(grid, u + at, new)
        second_new = maximum(second_new, zeros)
        store(grid, b + at, minimum(second_new, one) if blended else second_new)
    if is_open:
        put(now, LACK, of(like, now, LACK) + lack * splat(1.0 if blended else 0.01, like))


def stay_above(like: Any, floor: Any, little: Any, early: Any, value: Any, second: Any, lack: Any) -> Any:
    """Keep W from falling short of what is paid on conversion, at a node.

    Gives W and the second unknown, nothing where an `early` node falls short, and the most that W lacks of its floor.
    """
    zeros = splat(0.0, like)
    if any_lane(floor > value):
        short = maximum(floor - value, zeros)
        lack = select(early, maximum(lack, short * (second - little)), lack)
        second = select(early, select(short > zeros, zeros, second), second)
        value = maximum(value, floor)
    return value, second, lack
