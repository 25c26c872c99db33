"""Where both unknowns end, found in all lanes at once, and their values on either side of it; see `_lanes_two_root`."""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import (
    any_lane,
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
from notecalc.core.convertible._columns import BESIDE, BEYOND, LITTLE
from notecalc.core.convertible._lanes_edge import bound_at
from notecalc.core.convertible._lanes_memory import (
    AHEAD,
    BOUND_HERE,
    CARRIED,
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
    TOUCH,
    UNIT_THERE,
    H,
    U,
    aim,
    gather,
    least_of,
    most_of,
    of,
    put,
)
from notecalc.core.convertible._lanes_two_root import find_part, look, miss
from notecalc.core.convertible._steps import GRADED_FROM

__all__: list[str] = []

_TINY: Final = 1e-300
_SAME_NODE: Final = 1e-9  # of a cell
_STRIDE: Final = 8  # nodes, where an edge comes in from the top


def find_edge_of_two(  # noqa: PLR0915 (decisions as choices)
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, zero: int, known: int, twice: float,
    is_open: Any, is_call: Any, hard: Any, blended: Any,
) -> None:  # fmt: skip
    """Find the edge, first where it was before, then outwards or inwards from there."""
    zeros, one = splat(0.0, like), splat(1.0, like)
    barrier = is_open and is_call
    last_node = zero - 1 if barrier else nodes - 1
    top = splat(float(last_node), like)
    highest = top if barrier else splat(nodes - 2.0, like)  # beyond which there is no edge
    if not (hard or is_open):
        put(now, LAST, top)
        put(now, PART, one)
        put(now, SIDE, zeros)
        return
    side, node = of(like, now, OLD_SIDE), of(like, now, OLD_LAST)
    had = select(side * side > zeros, one, zeros)
    if any_lane(had < one):
        entered = side
        for which in range(2):
            if is_open if which == 0 else hard:
                sign = one if which == 0 else zeros - one
                if barrier:
                    look(like, grid, room, now, cells, sign, top, last_node, known, twice, blended)
                    near = select(miss(like, now, sign, one, twice, blended) < zeros, one, zeros)
                else:
                    at = last_node * lanes_of(like)
                    half_way = load(grid, GAIN * room + at, like)
                    half_way = half_way + of(like, now, SHARE) * load(grid, SECOND_GAIN * room + at, like)
                    free = splat(twice, like) * half_way - splat(twice - 1.0, like) * load(grid, U * room + at, like)
                    bound = bound_at(like, now, sign, load(grid, EXP_Y * room + at, like))
                    near = select(sign * (free - bound) < zeros, one, zeros)
                if which == 1:
                    stock = load(grid, EXP_Y * room + last_node * lanes_of(like), like)
                    near = select(of(like, now, FROM_NEW) > stock, zeros, near)
                entered = select(entered * entered > zeros, entered, near * sign)
        node, side = select(had > zeros, node, highest), select(had > zeros, side, entered)
    if not any_lane(side * side > zeros):
        put(now, LAST, top)
        put(now, PART, one)
        put(now, SIDE, zeros)
        return
    # Lanes without an edge look at their top, and stay. An edge that was there stays near where it was.
    some = select(side * side > zeros, one, zeros)
    side_or = select(some > zeros, side, one)
    lowest, furthest = one, select(had > zeros, minimum(of(like, now, REACH), highest), highest)
    if hard:
        start = splat(float(zero), like) + log(maximum(of(like, now, FROM_NEW), splat(_TINY, like))) / of(like, now, H)
        start = zeros - whole(splat(_SAME_NODE, like) - start)
        lowest = select(side_or > zeros, lowest, minimum(maximum(start, lowest), furthest))
    coming = some * (one - had)
    if any_lane(coming > zeros):
        near = come_in(
            like, grid, room, now, cells, side_or, coming, lowest, highest, last_node if barrier else last_node - 1,
            known, twice, blended,
        )  # fmt: skip
        node = select(coming > zeros, near, node)
        furthest = select(had > zeros, furthest, node)
    node = maximum(minimum(node, furthest), lowest)
    way, outer, inner, at_inner = zeros, one, zeros, zeros
    for _ in range(nodes):
        look(like, grid, room, now, cells, side_or, node, -1, known, twice, blended)
        inner = miss(like, now, side_or, zeros, twice, blended)
        at_inner = of(like, now, MISSED)
        outer = miss(like, now, side_or, one, twice, blended)
        go = select(outer > zeros, one, select(inner > zeros, zeros, zeros - one)) * some
        go = select(zeros > go * way, zeros, go)
        go = select(go > zeros, select(furthest > node, go, zeros), select(node > lowest, go, zeros))
        way = select(way * way > zeros, way, go)
        node = node + go
        if not any_lane(go * go > zeros):
            break
    gone = select(outer > zeros, select(highest > node, zeros, one), zeros)
    some = some * (one - gone)
    part = find_part(like, now, side_or, inner, at_inner, outer, twice, blended)
    miss(like, now, side_or, part, twice, blended)
    # Between two cells of which neither has it the edge is at their node.
    apart = select(zeros > way, zeros, splat(2.0, like))
    put(now, TOUCH, select(inner > zeros, select(outer > zeros, apart, zeros), zeros - one))
    put(now, LAST, select(some > zeros, node, top))
    put(now, PART, select(some > zeros, part, one))
    put(now, SIDE, side * some)


def come_in(
    like: Any, grid: Any, room: int, now: Any, cells: Any, side: Any, coming: Any, lowest: Any, highest: Any,
    start: int, known: int, twice: float, blended: Any,
) -> Any:  # fmt: skip
    """Give the first node from the top that is before the edge, for lanes whose edge comes in.

    All look at the same nodes, every one in turn. Where dividends are paid there is one edge, and some nodes are passed
    over; then each lane looks at those of its own.
    """
    zeros, found = splat(0.0, like), splat(0.0, like)
    node, leaps = lowest, select(of(like, now, CARRIED) < GRADED_FROM, zeros, coming)
    stride = 1 if any_lane(coming > leaps) else _STRIDE
    for i in range(start, 0, -stride):
        look(like, grid, room, now, cells, side, node, i, known, twice, blended)
        here, some = splat(float(i), like), coming if (start - i) % _STRIDE == 0 else coming - leaps
        near = select(miss(like, now, side, zeros, twice, blended) > zeros, maximum(some, zeros), zeros)
        node, found = select(near > zeros, maximum(here, lowest), node), maximum(found, near)
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
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, zero: int, known: int, twice: float,
    is_open: Any, is_call: Any, hard: Any, blended: Any,
) -> None:  # fmt: skip
    """Substitute downwards from the edge, and carry both unknowns beyond it; adds up what W lacks before it."""
    zeros, one, more, double = splat(0.0, like), splat(1.0, like), splat(twice - 1.0, like), splat(twice, like)
    less, halved = zeros - more, splat(1.0 / twice, like)
    lanes, share = lanes_of(like), of(like, now, SHARE)
    barrier = is_open and is_call
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
    if not any_lane(some > zeros):
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
        last = splat(first + 1.0, like)
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
        if barrier:
            at = zero * lanes
            old, second_old = load(grid, u + at, like), load(grid, b + at, like)
            second_at = select(pinned > zeros, second_at, more * second_old * halved)
            first_at = select(some > zeros, first_at, (floor + more * (old - share * second_old)) * halved)
            z, here = select(some > zeros, z, floor), select(pinned > zeros, here, zeros)
            end_of_all = splat(float(zero), like)
        else:
            at = (nodes - 1) * lanes
            first_at = select(some > zeros, first_at, load(grid, gains + at, like))
            second_at = select(pinned > zeros, second_at, load(grid, second_gains + at, like))
            # The same operations as where no lane has an edge: neighbours change no bit.
            free = double * fma(share, second_at, first_at) - more * load(grid, u + at, like)
            second_free = double * second_at - more * load(grid, b + at, like)
            z, here = select(some > zeros, z, free), select(pinned > zeros, here, second_free)
            end_of_all = splat(nodes - 1.0, like)
        last = select(some > zeros, last, end_of_all)
        second_last, beside = select(pinned > zeros, last, end_of_all), last - splat(float(BESIDE), like)
        most = minimum(maximum(load(grid, b, like), one), highest)
        put(now, AHEAD, last)
        first = int(least_of(like, now, AHEAD)) - 1
        put(now, AHEAD, second_last)
        # Beyond what an edge may reach in a step nothing is read until the segment ends.
        inside = int(most_of(like, now, AHEAD))
        end = min(end, inside + BEYOND + 1)
        way, second_way, half = zeros, zeros, splat(0.5, like)
        for i in range(end - 1, first, -1):
            at = i * lanes
            place, stock = splat(float(i), like), load(grid, EXP_Y * room + at, like)
            old, second_old = load(grid, u + at, like), load(grid, b + at, like)
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
                    free, second_free, lack = stay_above(like, floor, little, beside > place, free, second_free, lack)
                if hard:
                    cap = maximum(price - scale * stock, least)
                    free = select(from_ > stock, free, minimum(free, cap))
            away = place - last - part
            far = place - last > splat(BEYOND + 0.5, like)
            carried = select(away > one - part, steep * away, next_one)
            carried = select(far, zeros, select(pinned > zeros, carried, zeros))
            carried = minimum(maximum(carried, zeros - most), most)
            middle = (carried + more * second_old) * halved
            if blended:
                own_middle = select(place > second_last - half, second_at, second_way)  # above a level no factors are
                middle = select(pinned > zeros, middle, own_middle)
            bent = touching * maximum(unit + lean * middle, zeros) * away * away
            beyond = (bound_at(like, now, side_or, stock) if hard else floor) + select(far, zeros, bent)
            new = select(place > last - half, z, free)
            second_new = maximum(select(place > second_last - half, here, second_free), zeros)
            if blended:
                second_new = minimum(second_new, one)
            store(grid, u + at, select(place > last + half, beyond, new))
            store(grid, b + at, select(place > second_last + half, carried, second_new))
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
            early = beside > splat(float(i), like)
            new, second_new, lack = stay_above(like, floor, little, early, new, second_new, lack)
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
