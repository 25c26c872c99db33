r"""Where both unknowns end, found in all lanes at once, and their values on either side of it.

The cash part is nothing at the edge, and W is on its bound, which it touches smoothly. Below a node i before the edge
both have been eliminated. With the edge a part z of a cell above node i, the cash part at i is z times a ratio of
polynomials in z, and that at i + 1 lies on the parabola through those at i - 1, i and the edge. So the distance of W
from its bound at i is a function of z alone; that it be on the parabola by which W leaves its bound makes an equation
with one root; where it has none in the cell, its sign tells whether the edge lies further out, or further in.
"""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import any_lane, lanes_of, load, maximum, minimum, select, splat, store
from notecalc.core.convertible._columns import BESIDE, BEYOND, LITTLE
from notecalc.core.convertible._lanes_edge import bound_at
from notecalc.core.convertible._lanes_memory import (
    ADDED,
    AHEAD,
    AT_TRIGGER,
    BARRED,
    BEND,
    BOTTOM,
    BOUND_HERE,
    CARRIED,
    CASH_HERE,
    CLEAR,
    CLEAR_PASS,
    DISCOUNT,
    EXP_Y,
    FAR_SIDE,
    FLOOR_NEW,
    FLOOR_RISE,
    FREE,
    FROM_NEW,
    GAIN,
    GROWTH,
    HERE_MIDDLE,
    HERE_NEW,
    HERE_OLD,
    HH,
    LACK,
    LAST,
    LEAN,
    LEAN_HERE,
    LEAST_NEW,
    LOWER,
    LOWER_GAIN,
    LOWER_PASS,
    NEAR_SIDE,
    NEVER,
    NEXT_MIDDLE,
    NEXT_NEW,
    NEXT_OLD,
    OLD_LAST,
    OLD_SIDE,
    OPENED,
    OWN,
    PART,
    PASS,
    PASSED,
    PRICE_NEW,
    PRICE_RISE,
    REACH,
    SCALE,
    SCALE_NEW,
    SECOND,
    SECOND_DECAY,
    SECOND_GAIN,
    SECOND_PASS,
    SHARE,
    SHARES,
    SIDE,
    SPARE,
    STEEP,
    TOP,
    TOUCH,
    UNIT,
    UNIT_THERE,
    UPPER,
    W_AHEAD,
    W_OLD,
    W_RIGHT,
    W_WEIGHT,
    WEIGHT,
    WEIGHT_PASS,
    ZERO,
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

__all__: list[str] = []

_TINY: Final = 1e-300
_LEAST_PART: Final = 1e-6
_SETTLED: Final = 1e-9  # of a cell
_ROUNDS: Final = 12  # for the root within a cell, at most: three to five are usual


def peek(like: Any, grid: Any, array: int, cells: Any, shift: int, common: int) -> Any:
    """Read an array near the node aimed at, or near a common one, which is faster."""
    if common >= 0:
        return load(grid, array + (common + shift) * lanes_of(like), like)
    return gather(like, grid, array, cells, shift)


def look(  # noqa: PLR0915 (numbers set one by one)
    like: Any, grid: Any, room: int, now: Any, cells: Any, side: Any, node: Any, common: int, known: int, twice: Any,
    blended: Any,
) -> None:  # fmt: skip
    """Set what `miss` needs to know of a node, taken for the last before the edge: each lane's own, or a common one."""
    one, zeros, more, double = splat(1.0, like), splat(0.0, like), twice - 1.0, twice
    most = known - 1.0 - of(like, now, ZERO)
    if common < 0:
        aim(like, cells, now, node)
    stock = peek(like, grid, EXP_Y * room, cells, 0, common)
    old, old_next = peek(like, grid, U * room, cells, 0, common), peek(like, grid, U * room, cells, 1, common)
    second_before = peek(like, grid, SECOND * room, cells, -1, common)
    second = peek(like, grid, SECOND * room, cells, 0, common)
    second_next = peek(like, grid, SECOND * room, cells, 1, common)
    lower_gain = peek(like, grid, SECOND_GAIN * room, cells, -1, common)
    lo, up, hh, rate = of(like, now, LOWER), of(like, now, UPPER), of(like, now, HH), of(like, now, DISCOUNT)
    bound, floor, price = bound_at(like, now, side, stock), of(like, now, FLOOR_NEW), of(like, now, PRICE_NEW)
    next_bound = bound_at(like, now, side, stock * of(like, now, GROWTH))
    shares, bend = of(like, now, SCALE) * stock, of(like, now, BEND)
    converted = of(like, now, CARRIED) * shares + rate * floor - of(like, now, FLOOR_RISE)
    called = of(like, now, PRICE_RISE) - rate * price
    put(now, BOUND_HERE, bound)
    put(now, UNIT, bend * select(side > zeros, converted, called))
    if blended:
        lean = of(like, now, LEAN)
        put(now, LEAN_HERE, side * lean * shares)
        put(now, ADDED, 3.0 * lean * select(side > zeros, floor, shares - price))
        put(now, SHARES, hh * of(like, now, OWN) * shares)
        put(now, HERE_MIDDLE, peek(like, grid, SPARE * room, cells, 0, common))
        put(now, NEXT_MIDDLE, peek(like, grid, SPARE * room, cells, 1, common))
        lower = peek(like, grid, PASS * room, cells, -1, common)
        put(now, W_WEIGHT, one + hh * rate + lo + up - lo * lower)
        lower = peek(like, grid, GAIN * room, cells, -1, common)
        put(now, W_RIGHT, old - hh * of(like, now, CARRIED) * shares + lo * lower)
        put(now, W_AHEAD, more * old_next + next_bound)
        put(now, W_OLD, more * old + bound)
    else:
        gain = peek(like, grid, GAIN * room, cells, 0, common)
        if common < 0:
            aim(like, cells, now, minimum(node, most))
        passed = peek(like, grid, PASS * room, cells, 0, min(common, known - 1))
        ahead = more * (old_next - second_next) + next_bound
        put(now, CLEAR, double * gain + passed * ahead - more * (old - second) - bound)
        put(now, CLEAR_PASS, passed)
        put(now, LEAN_HERE, side * of(like, now, LEAN))
    if common < 0:
        aim(like, cells, now, minimum(node - one, most))
    lower_pass = peek(like, grid, SECOND_PASS * room, cells, 0, min(common - 1, known - 1))
    whole = of(like, now, SECOND_DECAY) + lo + up - lo * lower_pass
    share = up * more / double
    far, near = second + lo * lower_gain + share * second_next, up * lower_gain - share * second_before
    put(now, WEIGHT, whole)
    put(now, WEIGHT_PASS, up * lower_pass)
    put(now, FAR_SIDE, double * far - more * second * whole)
    put(now, NEAR_SIDE, double * near + more * second * up * lower_pass)
    put(now, LOWER_GAIN, double * lower_gain + lower_pass * more * second - more * second_before)
    put(now, LOWER_PASS, lower_pass)
    put(now, HERE_OLD, more * second)
    put(now, NEXT_OLD, more * second_next)


def miss(like: Any, now: Any, side: Any, z: Any, twice: Any, blended: Any) -> Any:
    """Tell how far W is from where it should be, with the edge a part z of the cell above the node looked at.

    It falls as z rises. Keeps both unknowns at the edge.
    """
    one, zeros, double = splat(1.0, like), splat(0.0, like), twice
    up, weight_pass = of(like, now, UPPER), of(like, now, WEIGHT_PASS)
    ahead, left = one + z, one - z
    weight = ahead * (z * of(like, now, WEIGHT) + 2.0 * up * left) - z * left * weight_pass
    ratio = (ahead * of(like, now, FAR_SIDE) + left * of(like, now, NEAR_SIDE)) / weight
    here = z * ratio
    before = (of(like, now, LOWER_GAIN) + of(like, now, LOWER_PASS) * here) / ahead
    next_one = left * (before - 2.0 * ratio)
    middle, next_middle = (here + of(like, now, HERE_OLD)) / double, (next_one + of(like, now, NEXT_OLD)) / double
    unit, lean = of(like, now, UNIT), of(like, now, LEAN_HERE)
    if blended:
        middle = select(side > zeros, middle, of(like, now, HERE_MIDDLE))
        next_middle = select(side > zeros, next_middle, of(like, now, NEXT_MIDDLE))
        w_weight = one / (of(like, now, W_WEIGHT) + of(like, now, HH) * of(like, now, OWN) * middle)
        passed = up * w_weight
        right = double * (of(like, now, W_RIGHT) - of(like, now, SHARES) * middle) * w_weight
        free = right + passed * of(like, now, W_AHEAD) - of(like, now, W_OLD)
        unit = unit + of(like, now, ADDED) * middle
    else:
        passed = of(like, now, CLEAR_PASS)
        free = of(like, now, CLEAR) + here - passed * next_one
    put(now, STEEP, before * z - ratio * ahead)
    put(now, HERE_NEW, here)
    put(now, NEXT_NEW, next_one)
    put(now, FREE, free)
    put(now, PASSED, passed)
    put(now, UNIT_THERE, unit)
    beyond = maximum(unit + lean * next_middle, zeros)
    unit = unit + lean * middle
    missed = side * free + passed * beyond * left * left - unit * z * z
    # Nothing is gained by converting early: what lies below the bound is rounding.
    return select(unit > splat(_TINY, like), missed, select(side > zeros, one, side * free))


def find_edge_of_two(  # noqa: C901, PLR0912, PLR0915 (decisions as choices)
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, zero: int, known: int, twice: Any,
    is_open: Any, barrier: Any, hard: Any, blended: Any,
) -> None:  # fmt: skip
    """Find the edge, first where it was before the step, then outwards or inwards from there."""
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
        # From the top all look at the same node, and each stays at the first that is before its edge.
        node = select(coming > zeros, lowest, node)
        for i in range(zero - 1 if barrier else nodes - 2, 0, -1):
            look(like, grid, room, now, cells, side_or, node, i, known, twice, blended)
            near = miss(like, now, side_or, zeros, twice, blended) > zeros
            here = splat(float(i - zero), like)
            stays = select(here > furthest, zeros, select(near, coming, select(here > lowest, zeros, coming)))
            node, coming = select(stays > zeros, here, node), coming - stays
            if not any_lane(coming > zeros):
                break
        furthest = select(had > zeros, furthest, node)
    node = select(ends > zeros, held, maximum(minimum(node, furthest), lowest))
    way, outer, inner = zeros, one, zeros
    for _ in range(nodes):
        look(like, grid, room, now, cells, side_or, node, -1, known, twice, blended)
        inner, outer = miss(like, now, side_or, zeros, twice, blended), miss(like, now, side_or, one, twice, blended)
        go = select(outer > zeros, one, select(inner > zeros, zeros, zeros - one)) * some * (one - ends)
        go = select(zeros > go * way, zeros, go)
        go = select(go > zeros, select(furthest > node, go, zeros), select(node > lowest, go, zeros))
        way = select(way * way > zeros, way, go)
        node = node + go
        if not any_lane(go * go > zeros):
            break
    gone = select(outer > zeros, select(highest > node, zeros, one), zeros)
    some = some * (one - gone * (one - ends))
    part = find_part(like, now, side_or, inner, outer, twice, blended)
    if hard:
        at_least = select(zeros > side, select(node > held, zeros, trigger - held), zeros)
        part = select(ends > zeros, at_least, minimum(maximum(part, at_least), one))
    miss(like, now, side_or, part, twice, blended)
    put(now, TOUCH, select(inner > zeros, select(outer > zeros, splat(2.0, like), zeros), zeros - one))
    put(now, LAST, select(some > zeros, node, top))
    put(now, PART, select(some > zeros, part, one))
    put(now, SIDE, side * some)


def find_part(like: Any, now: Any, side: Any, inner: Any, outer: Any, twice: Any, blended: Any) -> Any:
    """Give the root in the cell, by false position with the weight of an end halved that stays (Illinois)."""
    zeros, one, half = splat(0.0, like), splat(1.0, like), splat(0.5, like)
    least = splat(_LEAST_PART, like)
    inside = select(inner > zeros, select(outer > zeros, zeros, one), zeros)
    part = select(inner > zeros, one, least)
    low, high, at_low, at_high, stayed = zeros, one, inner, outer, zeros
    done = one - inside
    for _ in range(_ROUNDS):
        if not any_lane(done < one):
            break
        gap = at_low - at_high
        guess = low + (high - low) * at_low / select(gap > zeros, gap, one)
        guess = minimum(maximum(guess, least), one)
        settled = select((guess - part) * (guess - part) < _SETTLED * _SETTLED, one, zeros)
        part = select(done > zeros, part, guess)
        missed = miss(like, now, side, part, twice, blended)
        above = select(missed > zeros, one, zeros)
        low, at_low = select(above > zeros, part, low), select(above > zeros, missed, at_low)
        high, at_high = select(above > zeros, high, part), select(above > zeros, at_high, missed)
        at_high = select(above > zeros, select(stayed > zeros, half, one), one) * at_high
        at_low = select(above > zeros, one, select(stayed < zeros, half, one)) * at_low
        stayed = above + above - one
        done = maximum(done, settled)
    return part


def finish_two(  # noqa: C901, PLR0912, PLR0915 (decisions as choices)
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, zero: int, known: int, twice: Any,
    is_open: Any, barrier: Any, hard: Any, blended: Any,
) -> None:  # fmt: skip
    """Substitute downwards from the edge, and carry both unknowns beyond it; adds up what W lacks before it."""
    zeros, one, more, double = splat(0.0, like), splat(1.0, like), twice - 1.0, twice
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
            second_way = more * old / double
            way = (floor + more * (load(grid, u + at, like) - share * old)) / double
            for i in range(zero, end):
                store(grid, u + i * lanes, floor)
                store(grid, b + i * lanes, zeros)
            first = zero - 1
        else:
            at = (nodes - 1) * lanes
            way, second_way = load(grid, gains + at, like), load(grid, second_gains + at, like)
            store(grid, u + at, double * (way + share * second_way) - more * load(grid, u + at, like))
            second_free = double * second_way - more * load(grid, b + at, like)
            store(grid, b + at, minimum(maximum(second_free, zeros), highest))
            first = nodes - 2
        last = splat(first + 1.0 - zero, like)
    else:
        # What the lanes with an edge have at it; the others have theirs at the level, or at the top.
        side_or, pinned = select(some > zeros, side, one), some
        if blended:
            pinned = select(side > zeros, one, zeros)
        unit, lean = of(like, now, UNIT_THERE), of(like, now, LEAN_HERE)
        here, next_one, steep = of(like, now, HERE_NEW), of(like, now, NEXT_NEW), of(like, now, STEEP)
        where, away = of(like, now, TOUCH), one - part
        touching = select(one > where, some, zeros) * side_or
        next_middle = (next_one + of(like, now, NEXT_OLD)) / double
        if blended:
            next_middle = select(pinned > zeros, next_middle, of(like, now, NEXT_MIDDLE))
        bent = touching * maximum(unit + lean * next_middle, zeros) * away * away
        z = of(like, now, BOUND_HERE) + of(like, now, FREE) + of(like, now, PASSED) * bent
        z = select(zeros > where, of(like, now, BOUND_HERE), z)
        aim(like, cells, now, last)
        old = gather(like, grid, u, cells, 0)
        second_at = (here + of(like, now, HERE_OLD)) / double
        first_at = (z + more * old) / double - share * second_at
        second_last = last
        # The same operations as where no lane has an edge: neighbours change no bit.
        at, ends = zero * lanes, barred > zeros
        old, second_old = load(grid, u + at, like), load(grid, b + at, like)
        first_level, second_level = (floor + more * (old - share * second_old)) / double, more * second_old / double
        aim(like, cells, now, of(like, now, TOP))
        first_at = select(some > zeros, first_at, select(ends, first_level, gather(like, grid, gains, cells, 0)))
        second_at = select(
            pinned > zeros, second_at, select(ends, second_level, gather(like, grid, second_gains, cells, 0))
        )  # fmt: skip
        free = double * (first_at + share * second_at) - more * gather(like, grid, u, cells, 0)
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
        end = min(end, zero + int(most_of(like, now, AHEAD)) + BEYOND + 1)
        was = of(like, now, OLD_SIDE)
        was = was if blended else was * was
        read = select(was > zeros, of(like, now, OLD_LAST) + (BEYOND + 0.5), splat(NEVER, like))
        way, second_way, half = zeros, zeros, splat(0.5, like)
        for i in range(end - 1, first, -1):
            at = i * lanes
            place, stock = splat(float(i - zero), like), load(grid, EXP_Y * room + at, like)
            old, second_old = load(grid, u + at, like), load(grid, b + at, like)
            second_old = select(place > read, zeros, second_old)  # there it may be of any step
            own, second_own = keep, second_keep
            if i < own_passes:
                own = load(grid, PASS * room + at, like)
            if i < known:
                second_own = load(grid, SECOND_PASS * room + at, like)
            way = load(grid, gains + at, like) + own * way
            second_way = load(grid, second_gains + at, like) + second_own * second_way
            away = place - last - part
            far = place - last > splat(BEYOND + 0.5, like)
            carried = select(away > one - part, steep * away, next_one)
            if any_held and not blended:
                carried = select(held > zeros, cash_held(like, now, place - last, place - held_last), carried)
            carried = select(far, zeros, select(pinned > zeros, carried, zeros))
            carried = minimum(maximum(carried, zeros - most), most)
            middle = (carried + more * second_old) / double
            if blended:
                own_middle = select(place > second_last - half, second_at, second_way)  # above a level no factors are
                middle = select(pinned > zeros, middle, own_middle)
            bent = touching * maximum(unit + lean * middle, zeros) * away * away
            beyond = bound_at(like, now, side_or, stock) + select(far, zeros, bent)
            free = double * (way + share * second_way) - more * old
            second_free = double * second_way - more * second_old
            if is_open:
                lacking = maximum(least - free, zeros) * (second_free - little)
                early = last - splat(float(BESIDE), like) > place
                if i < common:
                    early = early & (place >= bottom)
                lack = select(early, maximum(lack, lacking), lack)
                second_free = select(early, select(least > free, zeros, second_free), second_free)
                free = maximum(free, least)
            if hard:
                cap = maximum(price - scale * stock, least)
                free = select(from_ > stock, free, minimum(free, cap))
            new = select(place > last + half, beyond, select(place > last - half, z, free))
            second_new = minimum(maximum(select(place > second_last - half, here, second_free), zeros), highest)
            second_new = select(place > second_last + half, carried, second_new)
            if any_held:
                kept = parabola(like, now, place - last) + share * second_new
                kept = select(place > held_last + 1.5, bound_at(like, now, side_or, stock), kept)
                new = select(held > zeros, select(place > last - half, kept, new), new)
            store(grid, u + at, new)
            store(grid, b + at, second_new)
            way = select(place > last - half, first_at, way)
            second_way = select(place > second_last - half, second_at, second_way)
    beside = last - splat(float(BESIDE), like)
    for i in range(first, -1, -1):
        at = i * lanes
        own, second_own = keep, second_keep
        if i < own_passes:
            own = load(grid, PASS * room + at, like)
        if i < known:
            second_own = load(grid, SECOND_PASS * room + at, like)
        way = load(grid, gains + at, like) + own * way
        second_way = load(grid, second_gains + at, like) + second_own * second_way
        new = double * (way + share * second_way) - more * load(grid, u + at, like)
        second_new = double * second_way - more * load(grid, b + at, like)
        if is_open:
            lacking = maximum(least - new, zeros) * (second_new - little)
            early = beside > splat(float(i - zero), like)
            if i < common:
                early = early & (splat(float(i - zero), like) >= bottom)
            lack = select(early, maximum(lack, lacking), lack)
            second_new = select(early, select(least > new, zeros, second_new), second_new)
            new = maximum(new, least)
        if hard:
            stock = load(grid, EXP_Y * room + at, like)
            new = select(from_ > stock, new, minimum(new, maximum(price - scale * stock, least)))
        store(grid, u + at, new)
        store(grid, b + at, minimum(maximum(second_new, zeros), highest))
    if is_open:
        put(now, LACK, of(like, now, LACK) + lack * splat(1.0 if blended else 0.01, like))
