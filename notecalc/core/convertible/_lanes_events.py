"""What happens on a day, going backwards through it, for as many rows at once as a vector has lanes.

The scheme is that of `_events`, and so are the names; see `_lanes_march` for how lanes are kept apart.
"""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import (
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
    GOLDMAN_SACHS,
    LEVEL_END,
    LEVEL_START,
    RATIO,
    TRIGGER,
    TSIVERIOTIS_FERNANDES,
)
from notecalc.core.convertible._lanes_march import (
    AHEAD,
    EXP_Y,
    GAIN,
    LAST,
    PART,
    PASS,
    SIDE,
    SPARE,
    TMP,
    TMP2,
    TMP3,
    B,
    H,
    U,
    aim,
    gather,
    most_of,
    of,
    put,
)

__all__: list[str] = []

_SAME: Final = 1e-10  # [per 100]: a value this near a bound is on it
_NEVER: Final = 1e300


def add_pair(like: Any, grid: Any, array: int, now: Any, node: Any, left: Any, right: Any, low: int, high: int) -> None:
    """Add to a node of each lane's own and to the next, if both are within bounds."""
    put(now, TMP, node)
    put(now, TMP2, left)
    put(now, TMP3, right)
    for lane in range(lanes_of(like)):
        j = int(now[TMP * lanes_of(like) + lane])
        if low <= j < high:
            grid[array + j * lanes_of(like) + lane] += now[TMP2 * lanes_of(like) + lane]
            grid[array + (j + 1) * lanes_of(like) + lane] += now[TMP3 * lanes_of(like) + lane]


def weigh_kink(
    like: Any, grid: Any, array: int, now: Any, place: Any, slope: Any, bend: Any, low: int, high: int
) -> None:
    """Add the weights of a kink; see `_weights.weigh_kink`."""
    half, one = splat(0.5, like), splat(1.0, like)
    node = whole(place)
    part = place - node
    second = part * part - part + (1.0 / 6.0)
    third = part * (part - half) * (part - one)
    total = third * bend / 6.0 - half * second * slope
    right = third * slope / 3.0 + part * total
    add_pair(like, grid, array, now, node, total - right, right, low, high)


def weigh_jump(
    like: Any, grid: Any, array: int, now: Any, node: Any, part: Any, jump: Any, low: int, high: int
) -> None:
    """Add the weights of a jump; see `_weights.weigh_jump`."""
    right = jump * (part * part / 2.0 - (1.0 / 12.0))
    add_pair(like, grid, array, now, node, jump * (part - 0.5) - right, right, low, high)


def clear(like: Any, grid: Any, room: int, nodes: int) -> None:
    """Forget the weights."""
    zeros = splat(0.0, like)
    for i in range(nodes):
        store(grid, GAIN * room + i * lanes_of(like), zeros)
        store(grid, PASS * room + i * lanes_of(like), zeros)


def mature(
    like: Any,
    grid: Any,
    room: int,
    now: Any,
    cells: Any,
    seg: Any,
    o: int,
    model: int,
    nodes: int,
    zero: int,
    is_open: Any,
    day_open: Any,
    is_call: Any,
) -> None:
    """Fill in what the note is worth at maturity: principal and last coupon, or the shares if they are worth more."""
    clear(like, grid, room, nodes)
    zeros, h = splat(0.0, like), of(like, now, H)
    scale, paid, least = (
        of(like, seg, o + RATIO) * of(like, seg, o + LEVEL_END),
        of(like, seg, o + DAY_PUT),
        of(like, seg, o + DAY_FLOOR),
    )
    debt_part = splat(1.0, like) if model == GOLDMAN_SACHS else paid
    cash = maximum(paid - least, zeros) if day_open else splat(_NEVER, like)
    place = splat(float(zero), like) + log(maximum(cash, splat(1e-300, like)) / scale) / h
    for i in range(nodes):
        at = i * lanes_of(like)
        debt = paid - scale * load(grid, EXP_Y * room + at, like)
        store(grid, U * room + at, maximum(debt, least) if day_open else debt)
        store(grid, B * room + at, select(splat(float(i), like) > place, zeros, debt_part) if day_open else debt_part)
    if day_open:
        cell = whole(place)
        weigh_kink(like, grid, GAIN * room, now, place, zeros - cash * h, zeros - cash * h * h, 0, nodes - 1)
        weigh_jump(like, grid, PASS * room, now, cell, place - cell, debt_part, 0, nodes - 1)
    none = splat(-1.0, like)
    enter(like, grid, room, now, cells, seg, o, model, nodes, zero, is_open, is_call, (none, zeros, zeros, zeros), True,
    )  # fmt: skip


def settle(
    like: Any,
    grid: Any,
    room: int,
    now: Any,
    seg: Any,
    o: int,
    model: int,
    nodes: int,
    zero: int,
    is_open: Any,
    is_call: Any,
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
    end = select(some > zeros, last + half, splat(zero - 0.5, like) if barrier else splat(_NEVER, like))
    pinned = select(side > zeros, splat(1.0, like), zeros)
    if model == TSIVERIOTIS_FERNANDES:
        pinned = some
    if barrier:
        pinned = splat(1.0, like)
    by_call = select(some > zeros, zeros - side, zeros)
    lowest = least if is_open else splat(-_NEVER, like)
    for i in range(nodes):
        at = i * lanes_of(like)
        place = splat(float(i), like)
        bound = select(by_call > zeros, maximum(price - scale * load(grid, EXP_Y * room + at, like), lowest), least)
        store(grid, U * room + at, select(place > end, bound, load(grid, U * room + at, like)))
        if model != AYACHE_FORSYTH_VETZAL:
            b = load(grid, B * room + at, like)
            store(grid, B * room + at, select(place > end, select(pinned > zeros, zeros, b), b))


def known_kink(like: Any, grid: Any, room: int, seg: Any, later: int, zero: int, barrier: Any) -> Any:
    """Give the kink at the level of a call that was live: its place and its slopes, left minus right; below 0, none.

    Place, slope and second derivative of W, slope of the second unknown; all per node.
    """
    zeros = splat(0.0, like)
    if not barrier:
        return splat(-1.0, like), zeros, zeros, zeros
    f0 = of(like, seg, later + FLOOR_START)
    at1, at2, at3 = (zero - 1) * lanes_of(like), (zero - 2) * lanes_of(like), (zero - 3) * lanes_of(like)
    f1, f2, f3 = (
        load(grid, U * room + at1, like) - f0,
        load(grid, U * room + at2, like) - f0,
        load(grid, U * room + at3, like) - f0,
    )
    slope = 1.5 * f2 - 3.0 * f1 - f3 / 3.0
    bend = 4.0 * f2 - 5.0 * f1 - f3
    b1, b2, b3 = load(grid, B * room + at1, like), load(grid, B * room + at2, like), load(grid, B * room + at3, like)
    return splat(float(zero), like), slope, bend, 1.5 * b2 - 3.0 * b1 - b3 / 3.0


def meet(
    like: Any,
    grid: Any,
    room: int,
    now: Any,
    cells: Any,
    seg: Any,
    later: int,
    o: int,
    model: int,
    nodes: int,
    zero: int,
    is_open: Any,
    day_open: Any,
    is_call: Any,
    later_open: Any,
    later_call: Any,
    has_put: Any,
    has_call: Any,
    moves: Any,
    within: Any,
) -> None:
    """Go through a day, from the start of the later segment to the end of the one before it.

    `within` says that W stays above what is paid beside shares, whatever happens on the day.
    """
    clear(like, grid, room, nodes)
    settle(like, grid, room, now, seg, later, model, nodes, zero, later_open, later_call)
    kink = known_kink(like, grid, room, seg, later, zero, later_open and later_call)
    place = move(
        like, grid, room, now, cells, seg, later, o, model, nodes, zero, later_open and later_call, moves, kink[0]
    )
    kink = (place, kink[1], kink[2], kink[3])
    zeros = splat(0.0, like)
    level = of(like, seg, o + LEVEL_END)
    scale, least = of(like, seg, o + RATIO) * level, of(like, seg, o + DAY_FLOOR)
    if has_call:
        trigger = of(like, seg, o + DAY_TRIGGER) / level
        kink = cap(like, grid, room, now, cells, of(like, seg, o + DAY_CALL), least, day_open, trigger, scale,
            model, nodes, zero, False, kink,
        )  # fmt: skip
    if has_put:
        paid = of(like, seg, o + DAY_PUT)
        kink = clip(like, grid, room, now, cells, model, nodes, 0, 1.0, paid, scale, zeros, splat(_NEVER, like), paid,
            model == TSIVERIOTIS_FERNANDES, kink,
        )  # fmt: skip
    if day_open and not within:
        kink = clip(
            like,
            grid,
            room,
            now,
            cells,
            model,
            nodes,
            0,
            1.0,
            least,
            zeros,
            zeros,
            splat(_NEVER, like),
            zeros,
            True,
            kink,
        )
    coupon = of(like, seg, o + COUPON)
    for i in range(nodes):
        at = i * lanes_of(like)
        store(grid, U * room + at, load(grid, U * room + at, like) + coupon)
    if model == TSIVERIOTIS_FERNANDES:
        for i in range(nodes):
            at = i * lanes_of(like)
            store(grid, B * room + at, load(grid, B * room + at, like) + coupon)
    enter(like, grid, room, now, cells, seg, o, model, nodes, zero, is_open, is_call, kink, not within)


def enter(
    like: Any,
    grid: Any,
    room: int,
    now: Any,
    cells: Any,
    seg: Any,
    o: int,
    model: int,
    nodes: int,
    zero: int,
    is_open: Any,
    is_call: Any,
    kink: Any,
    check: Any,
) -> None:
    """Bring the value within the bounds of a segment, at its end."""
    zeros, one = splat(0.0, like), splat(1.0, like)
    barrier = is_open and is_call
    level, least = of(like, seg, o + LEVEL_END), of(like, seg, o + FLOOR_END)
    if is_call:
        trigger = of(like, seg, o + TRIGGER) / level
        scale = of(like, seg, o + RATIO) * level
        kink = cap(like, grid, room, now, cells, of(like, seg, o + CALL_END), least, is_open, trigger, scale,
            model, nodes, zero, barrier, kink,
        )  # fmt: skip
    if is_open and check:
        kink = clip(
            like,
            grid,
            room,
            now,
            cells,
            model,
            nodes,
            0,
            1.0,
            least,
            zeros,
            zeros,
            splat(_NEVER, like),
            zeros,
            True,
            kink,
        )
    u, b = U * room, B * room
    if barrier:
        # A jump at the last node, which is held: sums of what is nothing there see its slope alone.
        at, below = (zero - 1) * lanes_of(like), (zero - 2) * lanes_of(like)
        last = load(grid, u + at, like)
        more = (last + last - load(grid, u + below, like) - least) / 12.0
        soft = select(of(like, seg, o + TRIGGER) > zeros, one, zeros)
        store(grid, u + at, last + soft * select(last > least, more, zeros))
        last = load(grid, b + at, like)
        store(grid, b + at, last + (last + last - load(grid, b + below, like)) / 12.0)
        for i in range(zero, nodes):
            at = i * lanes_of(like)
            store(grid, u + at, least)
            store(grid, b + at, zeros)
            store(grid, GAIN * room + at, zeros)
            store(grid, PASS * room + at, zeros)
    high = zero if barrier else nodes - 1
    weigh_kink(like, grid, GAIN * room, now, kink[0], kink[1], kink[2], 0, high)
    if model != AYACHE_FORSYTH_VETZAL:
        weigh_kink(like, grid, PASS * room, now, kink[0], kink[3], zeros, 0, high)
        for i in range(nodes):
            at = i * lanes_of(like)
            store(grid, b + at, load(grid, b + at, like) + load(grid, PASS * room + at, like))
    for i in range(nodes):
        at = i * lanes_of(like)
        store(grid, u + at, load(grid, u + at, like) + load(grid, GAIN * room + at, like))
    put(now, LAST, splat(zero - 1.0, like) if barrier else splat(nodes - 1.0, like))
    put(now, PART, one)
    put(now, SIDE, zeros)


def cap(
    like: Any,
    grid: Any,
    room: int,
    now: Any,
    cells: Any,
    price: Any,
    least: Any,
    is_open: Any,
    trigger: Any,
    scale: Any,
    model: int,
    nodes: int,
    zero: int,
    barrier: Any,
    kink: Any,
) -> Any:
    """Bring the value under the call: its price, or the shares if they are worth more and may be had."""
    zeros, one, never = splat(0.0, like), splat(1.0, like), splat(_NEVER, like)
    level = (price - least) / scale if is_open else never
    has_cash = model == TSIVERIOTIS_FERNANDES
    # Where the shares are worth more as soon as it may be called, nobody takes the cash.
    from_ = select(level > trigger, trigger, never)
    kink = clip(like, grid, room, now, cells, model, nodes, 0, -1.0, price, scale, from_, level, zeros, has_cash, kink)
    if not is_open:
        return kink
    from_ = maximum(level, trigger)
    begin = zero - 1 if barrier else 0
    kink = clip(like, grid, room, now, cells, model, nodes, begin, -1.0, least, zeros, from_, never, zeros, True, kink)
    if barrier:
        # Its level is a node, at which both unknowns are held: nothing is to be weighed.
        return kink
    weigh_conversion(like, grid, room, now, cells, model, from_, nodes, zero)
    h = of(like, now, H)
    place = splat(float(zero), like) + log(maximum(level, splat(1e-300, like))) / h
    node = whole(place)
    fits = select(level > trigger, one, zeros) * select(zeros > kink[0], one, zeros)
    fits = fits * select(node > zeros, one, zeros) * select(splat(nodes - 2.0, like) > node, one, zeros)
    aim(like, cells, now, minimum(maximum(node, zeros), splat(nodes - 2.0, like)))
    same = splat(_SAME, like)
    e0, u0, u1 = (
        gather(like, grid, EXP_Y * room, cells, 0, now),
        gather(like, grid, U * room, cells, 0, now),
        gather(like, grid, U * room, cells, 1, now),
    )
    fits = select(price - scale * e0 - same > u0, zeros, fits)
    fits = select(least - same > u1, zeros, fits)
    shares = scale * level
    slope = zeros - shares * h
    return (
        select(fits > zeros, place, kink[0]),
        select(fits > zeros, slope, kink[1]),
        select(fits > zeros, slope * h, kink[2]),
        select(fits > zeros, zeros, kink[3]),
    )


def weigh_conversion(
    like: Any, grid: Any, room: int, now: Any, cells: Any, model: int, level: Any, nodes: int, zero: int
) -> None:
    """Weigh the jump of the second unknown to nothing at the level from which a call forces conversion."""
    if model == AYACHE_FORSYTH_VETZAL:
        return
    zeros, one = splat(0.0, like), splat(1.0, like)
    first = zeros
    for i in range(nodes):
        first = first + select(level * (1.0 - 1e-12) > load(grid, EXP_Y * room + i * lanes_of(like), like), one, zeros)
    before = first - one
    part = splat(float(zero), like) + log(level) / of(like, now, H) - before
    aim(like, cells, now, minimum(maximum(before, one), splat(nodes - 2.0, like)))
    b0, b1, b2 = (
        gather(like, grid, B * room, cells, -1, now),
        gather(like, grid, B * room, cells, 0, now),
        gather(like, grid, B * room, cells, 1, now),
    )
    fits = select(first > one, one, zeros) * select(splat(float(nodes), like) > first, one, zeros)
    fits = fits * select(b2 * b2 > zeros, zeros, one) * select(b1 * b1 > zeros, one, zeros)
    fits = fits * select(splat(1.0 - 1e-9, like) > part, one, zeros)
    slope = (b1 - b0) * fits
    weigh_jump(like, grid, PASS * room, now, before, part, b1 * fits + slope * part, 0, nodes - 1)
    weigh_kink(like, grid, PASS * room, now, before + part, slope, zeros, 0, nodes - 1)


def clip(
    like: Any,
    grid: Any,
    room: int,
    now: Any,
    cells: Any,
    model: int,
    nodes: int,
    begin: int,
    sign: float,
    amount: Any,
    scale: Any,
    low: Any,
    high: Any,
    cash: Any,
    has_cash: Any,
    kink: Any,
) -> Any:
    """Bring W to a bound from below (sign 1) or above (-1): an amount less `scale` times the shares.

    Only stock prices from `low` to `high`, in units of the level, and nodes from `begin` on are touched. Where the
    bound holds, the second unknown becomes `cash`, if it has any. Gives the known kink, or none if it has been dealt
    with.
    """
    zeros, one, side = splat(0.0, like), splat(1.0, like), splat(sign, like)
    u, stocks, b = U * room, EXP_Y * room, B * room
    # What is called and put at one price is put: its holder is paid in cash.
    same = select(cash > zeros, splat(_SAME, like), zeros) if has_cash else zeros
    low, high = low * (1.0 - 1e-12), high * (1.0 + 1e-12)
    cell, touched, before, here_before = splat(-1.0, like), zeros, zeros, zeros
    for i in range(begin, nodes):
        at = i * lanes_of(like)
        stock = load(grid, stocks + at, like)
        here = select(low > stock, zeros, select(stock > high, zeros, one))
        beyond = select(side * (amount - scale * stock - load(grid, u + at, like)) + same > zeros, here, zeros)
        turned = here * here_before * (beyond - before) * (beyond - before)
        cell = select(turned > zeros, select(zeros > cell, splat(i - 1.0, like), cell), cell)
        touched, before, here_before = maximum(touched, beyond), beyond, here
    put(now, AHEAD, touched)
    if most_of(like, now, AHEAD) == 0.0:
        return kink
    second = model != AYACHE_FORSYTH_VETZAL and has_cash
    crossed = select(zeros > cell, zeros, one)
    node = minimum(maximum(cell, zeros), splat(nodes - 2.0, like))
    place, slope, bend, way = crossing(like, grid, room, now, cells, nodes, side, amount, scale, same, node, kink)
    inside, steep = zeros, zeros
    if second:
        aim(like, cells, now, minimum(maximum(node, one), splat(nodes - 3.0, like)))
        b0, b1, b2, b3 = (
            gather(like, grid, b, cells, -1, now), gather(like, grid, b, cells, 0, now), gather(like, grid, b,
                cells, 1, now), gather(like, grid, b, cells, 2, now),
        )  # fmt: skip
        # from the side that is left as it is
        steep = select(way > zeros, b1 - b0, b3 - b2)
        inside = select(way > zeros, b1 + steep * place, b2 - steep * (one - place))
    known = one
    for i in range(begin, nodes):
        at = i * lanes_of(like)
        stock, old = load(grid, stocks + at, like), load(grid, u + at, like)
        here = select(low > stock, zeros, select(stock > high, zeros, one))
        bound = amount - scale * stock
        beyond = select(side * (bound - old) + same > zeros, here, zeros)
        store(grid, u + at, select(beyond > zeros, bound, old))
        store(grid, GAIN * room + at, select(beyond > zeros, zeros, load(grid, GAIN * room + at, like)))
        if second:
            store(grid, b + at, select(beyond > zeros, cash, load(grid, b + at, like)))
            store(grid, PASS * room + at, select(beyond > zeros, zeros, load(grid, PASS * room + at, like)))
        away = splat(float(i), like) - kink[0]
        known = select(beyond > zeros, select(away * away > one, known, zeros), known)
    where = select(crossed > zeros, node + place, splat(-9.0, like))
    weigh_kink(like, grid, GAIN * room, now, where, slope * crossed, bend * crossed, 0, nodes - 1)
    if second:
        jump = way * (inside - cash) * crossed
        weigh_jump(
            like, grid, PASS * room, now, select(crossed > zeros, node, splat(-9.0, like)), place, jump, 0, nodes - 1
        )
        weigh_kink(like, grid, PASS * room, now, where, way * steep * crossed, zeros, 0, nodes - 1)
    return select(known > zeros, kink[0], splat(-1.0, like)), kink[1] * known, kink[2] * known, kink[3] * known


def crossing(
    like: Any,
    grid: Any,
    room: int,
    now: Any,
    cells: Any,
    nodes: int,
    side: Any,
    amount: Any,
    scale: Any,
    same: Any,
    node: Any,
    kink: Any,
) -> Any:
    """Give where in the cell after a node W crosses a bound, and the kink there; see `_events.crossing`."""
    zeros, one, two, half, h = splat(0.0, like), splat(1.0, like), splat(2.0, like), splat(0.5, like), of(like, now, H)
    u, stocks = U * room, EXP_Y * room
    aim(like, cells, now, node)
    stock = gather(like, grid, stocks, cells, 0, now)
    d0 = side * (amount - scale * stock - gather(like, grid, u, cells, 0, now)) + same
    d1 = (
        side * (amount - scale * gather(like, grid, stocks, cells, 1, now) - gather(like, grid, u, cells, 1, now))
        + same
    )
    aim(like, cells, now, maximum(node - one, zeros))
    dm = (
        side * (amount - scale * gather(like, grid, stocks, cells, 0, now) - gather(like, grid, u, cells, 0, now))
        + same
    )
    aim(like, cells, now, minimum(node + two, splat(nodes - 1.0, like)))
    d2 = (
        side * (amount - scale * gather(like, grid, stocks, cells, 0, now) - gather(like, grid, u, cells, 0, now))
        + same
    )
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
        way,
    )


def cubic(like: Any, grid: Any, array: int, cells: Any, now: Any, node: Any, part: Any) -> Any:
    """Give the cubic through four nodes from the one before `node`, at a place in the cell after it."""
    one, two = splat(1.0, like), splat(2.0, like)
    aim(like, cells, now, node)
    f0, f1, f2, f3 = (
        gather(like, grid, array, cells, -1, now), gather(like, grid, array, cells, 0, now), gather(like, grid,
            array, cells, 1, now),
        gather(like, grid, array, cells, 2, now),
    )  # fmt: skip
    back, ahead, far = part + one, part - one, part - two
    return (
        (f3 * back * part * ahead - f0 * part * ahead * far) / 6.0
        + (f1 * back * ahead * far - f2 * back * part * far) / two
    )  # fmt: skip


def interpolate(like: Any, grid: Any, array: int, cells: Any, now: Any, place: Any, low: Any, high: Any) -> Any:
    """Cubic through four nodes of a smooth stretch, from `low` to `high`; a line beyond its ends."""
    one, two = splat(1.0, like), splat(2.0, like)
    node = minimum(maximum(whole(place), low + one), high - two)
    smooth = cubic(like, grid, array, cells, now, node, place - node)
    aim(like, cells, now, low)
    f0, f1 = gather(like, grid, array, cells, 0, now), gather(like, grid, array, cells, 1, now)
    aim(like, cells, now, high)
    g0, g1 = gather(like, grid, array, cells, -1, now), gather(like, grid, array, cells, 0, now)
    smooth = select(place > low, smooth, f0 + (f1 - f0) * (place - low))
    return select(high > place, smooth, g1 + (g1 - g0) * (place - high))


def move(
    like: Any,
    grid: Any,
    room: int,
    now: Any,
    cells: Any,
    seg: Any,
    later: int,
    o: int,
    model: int,
    nodes: int,
    zero: int,
    barrier: Any,
    moves: Any,
    kink_place: Any,
) -> Any:
    """Take both unknowns to the levels and the ratio of the segment before; give where the kink has got to."""
    zeros, one = splat(0.0, like), splat(1.0, like)
    u, b, spare, stocks = U * room, B * room, SPARE * room, EXP_Y * room
    side, last, part, h = of(like, now, SIDE), of(like, now, LAST), of(like, now, PART), of(like, now, H)
    edge = last + part
    pinned = side * side if model == TSIVERIOTIS_FERNANDES else select(side > zeros, one, zeros)
    slope = zeros
    if model != AYACHE_FORSYTH_VETZAL:
        # the slope of the parabola through the last two nodes, and nothing at the edge
        aim(like, cells, now, maximum(last, one))
        b0, b1 = gather(like, grid, b, cells, -1, now), gather(like, grid, b, cells, 0, now)
        slope = (part * b0 / (one + part) - (one + part) * b1 / part) * pinned
    place = kink_place
    if moves:
        old, new, dividend = (
            of(like, seg, later + LEVEL_START),
            of(like, seg, o + LEVEL_END),
            of(like, seg, o + DIVIDEND),
        )
        k_old, k_new = of(like, seg, later + RATIO), of(like, seg, o + RATIO)
        top = zero if barrier else nodes - 1
        high, middle = splat(float(top), like), splat(float(zero), like)
        highest, half = load(grid, u + top * lanes_of(like), like), splat(0.5, like)
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
        if model != AYACHE_FORSYTH_VETZAL:
            highest = load(grid, b + top * lanes_of(like), like)
            inner = maximum(last, splat(3.0, like))
            for i in range(nodes):
                store(grid, spare + i * lanes_of(like), load(grid, b + i * lanes_of(like), like))
            for i in range(nodes):
                at = i * lanes_of(like)
                stock = new * load(grid, stocks + at, like)
                to = middle + log(maximum(stock - dividend, half * stock) / old) / h
                found = interpolate(like, grid, spare, cells, now, to, zeros, high)
                if barrier:
                    found = select(high > to, found, highest)
                far = interpolate(like, grid, spare, cells, now, to, zeros, inner)
                near = interpolate(like, grid, spare, cells, now, to, inner - 3.0, inner + one)
                to_edge = select(edge - one > to, far, near)
                to_edge = select(edge > to, to_edge, zeros)
                store(grid, b + at, select(pinned > zeros, to_edge, found))
        edge = middle + log((old * exp((edge - middle) * h) + dividend) / new) / h
        place = select(zeros > place, place, middle + log((old + dividend) / new) / h)
    if model != AYACHE_FORSYTH_VETZAL:
        where = select(pinned > zeros, edge, splat(-9.0, like))
        weigh_kink(like, grid, PASS * room, now, where, slope, zeros, 0, nodes - 1)
    return place
