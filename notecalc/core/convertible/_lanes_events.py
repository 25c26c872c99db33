"""What happens on a day, going backwards through it, for as many rows at once as a vector has lanes.

The scheme is that of `_events`, and so are the names; see `_lanes_march` for how lanes are kept apart.
"""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import (
    any_lane,
    lanes_of,
    load,
    log,
    maximum,
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
    BOTTOM,
    EXP_Y,
    GAIN,
    LAST,
    NEVER,
    NOWHERE,
    PART,
    PASS,
    SECOND,
    SIDE,
    TOP,
    H,
    U,
    most_of,
    of,
    put,
)
from notecalc.core.convertible._lanes_shapes import (
    BARRIER,
    DAY_OPENED,
    HARD,
    HAS_CALL,
    HAS_PUT,
    IS_CALL,
    IS_OPEN,
    MOVES,
    WITHIN,
)
from notecalc.core.convertible._lanes_shift import is_pinned, move
from notecalc.core.convertible._lanes_trigger import (
    end_jump,
    first_called,
    is_held,
    kept_before,
    last_below,
    trigger_place,
    weigh_end,
    weigh_held,
)
from notecalc.core.convertible._lanes_weights import (
    interpolate,
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
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, o: int, flags: Any, f: int, nodes: int,
    zero: int, model: int,
) -> None:  # fmt: skip
    """Fill in what the note is worth at maturity: principal and last coupon, or the shares if they are worth more.

    The coupon of that day comes beside either: the last, if who converts keeps it.
    """
    clear(like, grid, room, nodes, model)
    zeros, h, top = splat(0.0, like), of(like, now, H), of(like, now, TOP)
    scale = of(like, seg, o + RATIO) * of(like, seg, o + LEVEL_END)
    never, is_open = splat(NEVER, like), of(like, flags, f + DAY_OPENED) > zeros
    paid, least = of(like, seg, o + DAY_PUT), select(is_open, of(like, seg, o + DAY_FLOOR), zeros - never)
    for i in range(nodes):
        at = i * lanes_of(like)
        debt = paid - scale * load(grid, EXP_Y * room + at, like)
        store(grid, U * room + at, maximum(debt, least))
    cash = maximum(paid - least, zeros)
    place = select(is_open, log(maximum(cash, splat(_LEAST, like)) / scale) / h, never)
    weigh_kink(like, grid, GAIN * room, now, place, zeros - cash * h, zeros - cash * h * h, top)
    if model != AYACHE_FORSYTH_VETZAL:
        # Shares are worth their price whatever becomes of the issuer.
        debt = of(like, seg, o + DAY_CASH) if model == TSIVERIOTIS_FERNANDES else of(like, seg, o + DAY_CASH) / paid
        node = whole(place)
        for i in range(nodes):
            at = splat(float(i - zero), like)
            store(grid, SECOND * room + i * lanes_of(like), select(at > node, zeros, debt))
        node = select(is_open, select(paid > least, node, splat(NOWHERE, like)), splat(NOWHERE, like))
        weigh_jump(like, grid, PASS * room, now, node, place - node, debt, top)
    add_coupon(like, grid, room, nodes, of(like, seg, o + COUPON), model)
    none = (splat(NOWHERE, like), zeros, zeros, zeros)
    enter(like, grid, room, now, cells, seg, o, flags, f, nodes, zero, none, zeros, model)


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
    like: Any, grid: Any, room: int, now: Any, seg: Any, o: int, flags: Any, f: int, nodes: int, zero: int, model: int,
) -> None:  # fmt: skip
    """Put what was carried beyond the edge back on its bound, at the start of a segment."""
    zeros, half, never = splat(0.0, like), splat(0.5, like), splat(NEVER, like)
    barred, is_open = of(like, flags, f + BARRIER), of(like, flags, f + IS_OPEN) > zeros
    side, last = of(like, now, SIDE), of(like, now, LAST)
    some = side * side
    put(now, AHEAD, some)
    any_edge = most_of(like, now, AHEAD) > 0.0
    if not (any_edge or any_lane(barred > zeros)):
        return
    scale, least = of(like, seg, o + RATIO) * of(like, seg, o + LEVEL_START), of(like, seg, o + FLOOR_START)
    price = of(like, seg, o + CALL_START)
    # A lane without an edge ends at the level, or not at all.
    at_level = select(barred > zeros, zeros - half, never)
    end = select(some > zeros, last + half, at_level)
    by_call = select(some > zeros, zeros - side, zeros)
    lowest = select(is_open, least, zeros - never)
    for i in range(nodes):
        at = i * lanes_of(like)
        place = splat(float(i - zero), like)
        bound = select(by_call > zeros, maximum(price - scale * load(grid, EXP_Y * room + at, like), lowest), least)
        store(grid, U * room + at, select(place > end, bound, load(grid, U * room + at, like)))
    if model != AYACHE_FORSYTH_VETZAL:
        end = select(is_pinned(like, side, model) > zeros, end, at_level)
        for i in range(nodes):
            at = SECOND * room + i * lanes_of(like)
            store(grid, at, select(splat(float(i - zero), like) > end, zeros, load(grid, at, like)))


def known_kink(like: Any, grid: Any, room: int, seg: Any, later: int, zero: int, barred: Any, model: int) -> Any:
    """Give the kink at the level of a call that was live: its place and its slopes, left minus right; NOWHERE, if none.

    Place, slope and second derivative of W, slope of the second unknown; all per node.
    """
    zeros = splat(0.0, like)
    if not any_lane(barred > zeros):
        return splat(NOWHERE, like), zeros, zeros, zeros
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
    steep, bend = 1.5 * f2 - 3.0 * f1 - f3 / 3.0, 4.0 * f2 - 5.0 * f1 - f3
    some = barred > zeros
    place = select(some, zeros, splat(NOWHERE, like))
    return place, select(some, steep, zeros), select(some, bend, zeros), select(some, slope, zeros)


def meet(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, later: int, o: int, flags: Any,
    later_f: int, f: int, nodes: int, zero: int, model: int,
) -> None:  # fmt: skip
    """Go through a day, from the start of the later segment to the end of the one before it.

    What happens to some lanes alone is neutral to the others: nothing is called at a price of NEVER, nor put at none,
    nor converted for less than that.
    """
    zeros, never = splat(0.0, like), splat(NEVER, like)
    clear(like, grid, room, nodes, model)
    settle(like, grid, room, now, seg, later, flags, later_f, nodes, zero, model)
    barred, moves = of(like, flags, later_f + BARRIER), of(like, flags, f + MOVES)
    kink = known_kink(like, grid, room, seg, later, zero, barred, model)
    held = zeros
    called = of(like, flags, later_f + IS_CALL)
    if any_lane(called > zeros):
        level, price = of(like, seg, later + LEVEL_START), of(like, seg, later + CALL_START)
        held = called * is_held(like, now, trigger_place(like, now, of(like, seg, later + TRIGGER), level))
        lowest = select(of(like, flags, later_f + IS_OPEN) > zeros, of(like, seg, later + FLOOR_START), zeros - never)
        weigh_held(
            like, grid, room, now, cells, seg, later, o, lowest, of(like, flags, f + IS_CALL), price, held
        )  # fmt: skip
    kink = move(like, grid, room, now, cells, seg, later, o, barred, nodes, zero, moves, kink, held, model)
    scale, opened = of(like, seg, o + RATIO) * of(like, seg, o + LEVEL_END), of(like, flags, f + DAY_OPENED)
    least = select(opened > zeros, of(like, seg, o + DAY_FLOOR), zeros - never)
    has_call = of(like, flags, f + HAS_CALL) > zeros
    if any_lane(has_call):
        price = select(has_call, of(like, seg, o + DAY_CALL), never)
        trigger = select(has_call, of(like, seg, o + DAY_TRIGGER) / of(like, seg, o + LEVEL_END), zeros)
        bottom, top = of(like, now, BOTTOM), of(like, now, TOP)
        at = log(maximum(trigger, splat(_LEAST, like))) / of(like, now, H)
        kept = interpolate(like, grid, U * room, cells, now, at, bottom, top)
        ahead = interpolate(like, grid, U * room, cells, now, at + 0.5, bottom, top)
        steep = ahead - interpolate(like, grid, U * room, cells, now, at - 0.5, bottom, top)
        cash, thin = zeros, zeros
        if model == TSIVERIOTIS_FERNANDES:
            cash = interpolate(like, grid, SECOND * room, cells, now, at, bottom, top)
            ahead = interpolate(like, grid, SECOND * room, cells, now, at + 0.5, bottom, top)
            thin = ahead - interpolate(like, grid, SECOND * room, cells, now, at - 0.5, bottom, top)
        kink = cap(
            like, grid, room, now, cells, price, least, opened, zeros, trigger, scale, nodes, zero, False, kink,
            model,
        )  # fmt: skip
        weigh_trigger(
            like, grid, room, now, at, kept, steep, cash, thin, price, least, scale * trigger, model
        )  # fmt: skip
    has_put = of(like, flags, f + HAS_PUT) > zeros
    if any_lane(has_put):
        paid = select(has_put, of(like, seg, o + DAY_PUT), zeros - never)
        in_cash = model == TSIVERIOTIS_FERNANDES
        # What is called and put at one price is put: its holder is paid in cash.
        same = _SAME if in_cash else 0.0
        kink = clip(
            like, grid, room, now, cells, nodes, 1.0, paid, scale, zeros, never, kink, in_cash, paid, same
        )  # fmt: skip
    pair = model != AYACHE_FORSYTH_VETZAL
    within = of(like, flags, f + WITHIN)
    least = select(within > zeros, zeros - never, least)
    if any_lane(least > zeros - never):
        kink = clip(like, grid, room, now, cells, nodes, 1.0, least, zeros, zeros, never, kink, pair, zeros, 0.0)
    add_coupon(like, grid, room, nodes, of(like, seg, o + COUPON), model)
    enter(like, grid, room, now, cells, seg, o, flags, f, nodes, zero, kink, within, model)


def enter(  # noqa: C901, PLR0912, PLR0915 (what is there to be done, by the kind of segment)
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, o: int, flags: Any, f: int, nodes: int,
    zero: int, kink: Any, within: Any, model: int,
) -> None:  # fmt: skip
    """Bring the value within the bounds of a segment, at its end; where it is `within` those on W below, it is."""
    zeros, one, never, u = splat(0.0, like), splat(1.0, like), splat(NEVER, like), U * room
    pair, b = model != AYACHE_FORSYTH_VETZAL, SECOND * room
    opened, barred, hard = of(like, flags, f + IS_OPEN), of(like, flags, f + BARRIER), of(like, flags, f + HARD)
    any_hard, barrier, in_cash = any_lane(hard > zeros), not any_lane(barred < one), model == TSIVERIOTIS_FERNANDES
    level, least = of(like, seg, o + LEVEL_END), of(like, seg, o + FLOOR_END)
    jump, cash_jump, at_trigger = zeros, zeros, zeros
    top = select(barred > zeros, zeros - one, of(like, now, TOP))
    highest, lowest = select(barred > zeros, zeros, top), select(opened > zeros, least, zeros - never)
    first, is_call = top + one, of(like, flags, f + IS_CALL) > zeros
    if any_lane(is_call):
        price = select(is_call, of(like, seg, o + CALL_END), never)
        trigger = select(is_call, of(like, seg, o + TRIGGER) / level, zeros)
        scale = of(like, seg, o + RATIO) * level
        if any_hard:
            at_trigger = trigger_place(like, now, select(hard > zeros, of(like, seg, o + TRIGGER), never), level)
            bound = maximum(price - scale * trigger, lowest)
            jump = end_jump(like, grid, room, now, cells, at_trigger, bound, top, barred)
            cash_jump = kept_before(like, grid, b, now, cells, at_trigger) if in_cash else zeros
        kink = cap(
            like, grid, room, now, cells, price, least, opened, barred, trigger, scale, nodes, zero, barrier, kink,
            model,
        )  # fmt: skip
        if any_hard and not pair:
            first = first_called(like, grid, room, now, at_trigger, price, scale, lowest, top, barred)
    lowest = select(within > zeros, zeros - never, lowest)
    if any_lane(lowest > zeros - never):
        kink = clip(like, grid, room, now, cells, nodes, 1.0, lowest, zeros, zeros, never, kink, pair, zeros, 0.0)
    if any_lane(barred > zeros):
        ends = barred > zeros
        # A jump at the last node, which is held: sums of what is nothing there see its slope alone.
        at, below = (zero - 1) * lanes_of(like), (zero - 2) * lanes_of(like)
        last = load(grid, u + at, like)
        more = (last + last - load(grid, u + below, like) - least) / 12.0
        soft = select(of(like, seg, o + TRIGGER) > zeros, one, zeros)
        store(grid, u + at, select(ends, last + soft * select(last > least, more, zeros), last))
        for i in range(zero, nodes):
            at = i * lanes_of(like)
            store(grid, u + at, select(ends, least, load(grid, u + at, like)))
            store(grid, GAIN * room + at, select(ends, zeros, load(grid, GAIN * room + at, like)))
        if pair:
            at, below = (zero - 1) * lanes_of(like), (zero - 2) * lanes_of(like)
            last = load(grid, b + at, like)
            more = (last + last - load(grid, b + below, like)) / 12.0
            store(grid, b + at, select(ends, last + more, last))
            for i in range(zero, nodes):
                at = i * lanes_of(like)
                store(grid, b + at, select(ends, zeros, load(grid, b + at, like)))
                store(grid, PASS * room + at, select(ends, zeros, load(grid, PASS * room + at, like)))
    weigh_kink(like, grid, GAIN * room, now, kink[0], kink[1], kink[2], highest)
    for i in range(nodes):
        at = i * lanes_of(like)
        store(grid, u + at, load(grid, u + at, like) + load(grid, GAIN * room + at, like))
    if any_hard:
        weigh_end(like, grid, u, now, at_trigger, jump)
    if pair:
        weigh_kink(like, grid, PASS * room, now, kink[0], kink[3], zeros, highest)
        for i in range(nodes):
            at = i * lanes_of(like)
            store(grid, b + at, load(grid, b + at, like) + load(grid, PASS * room + at, like))
        if any_hard:
            weigh_end(like, grid, b, now, at_trigger, select(jump > zeros, cash_jump, zeros))
    last, held = first - 1.0, last_below(like, at_trigger)
    put(now, LAST, select(jump > zeros, held, last))
    put(now, PART, select(jump > zeros, at_trigger - held, one))
    put(now, SIDE, select(jump > zeros, zeros - one, select(top > last, zeros - one, zeros)))
