"""A call for cash that is allowed from a trigger on, in all lanes at once; the scheme is that of `_trigger`."""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import any_lane, lanes_of, load, log, maximum, minimum, select, splat, whole
from notecalc.core.convertible._columns import (
    DIVIDEND,
    FLOOR_START,
    LEVEL_END,
    LEVEL_START,
    RATIO,
    TRIGGER,
)
from notecalc.core.convertible._lanes_memory import (
    AT_TRIGGER,
    EXP_Y,
    FROM_NEW,
    GAIN,
    KEEP,
    LAST,
    LEAST_NEW,
    PART,
    PASS,
    PRICE_NEW,
    SCALE_NEW,
    SIDE,
    TRIGGER_ABOVE,
    TRIGGER_BELOW,
    TRIGGER_HERE,
    TRIGGER_Z,
    H,
    U,
    aim,
    gather,
    of,
    put,
)
from notecalc.core.convertible._lanes_weights import add_pair, weigh_kink

__all__: list[str] = []

_SAME_PLACE: Final = 1e-9  # [cells]
_NEAR: Final = 0.5  # of a cell: a node nearer to the trigger is not solved for, but interpolated
_SAME: Final = 1e-20  # [per 100, squared]: a value this near a bound is on it
_LEAST: Final = 1e-300  # of which a logarithm is taken


def trigger_place(like: Any, now: Any, trigger: Any, level: Any, zero: int) -> Any:
    """Give where a trigger lies, in nodes; far below nothing where there is none."""
    return splat(float(zero), like) + log(maximum(trigger, splat(_LEAST, like)) / level) / of(like, now, H)


def last_below(like: Any, place: Any) -> Any:
    """Give the last node below a place."""
    return splat(0.0, like) - whole(_SAME_PLACE - place) - 1.0


def allows_cash(like: Any, place: Any, top: int, barrier: Any) -> Any:
    """Tell by 1 or 0 whether a trigger leaves room for a call for cash: below the level, or the top of the grid."""
    limit = splat(top + (1.0 - _SAME_PLACE if barrier else _SAME_PLACE), like)
    return select(limit > place, splat(1.0, like), splat(0.0, like))


def is_held(like: Any, now: Any, place: Any) -> Any:
    """Tell by 1 or 0 whether the note ends at the trigger, and there is room for a parabola below it."""
    zeros, one, last = splat(0.0, like), splat(1.0, like), last_below(like, place)
    node = of(like, now, LAST)
    held = select(zeros > of(like, now, SIDE), select(last > 2.0, one, zeros), zeros)
    held = select(node > last, zeros, select(last > node, zeros, held))
    return select(place + 1e-5 > node + of(like, now, PART), held, zeros)


def solved_before(like: Any, place: Any) -> Any:
    """Give the last node that is solved for, and how far the trigger is from it: half a cell to one and a half."""
    last = last_below(like, place)
    node = select(splat(_NEAR, like) > place - last, last - 1.0, last)
    return node, place - node


def solve_held(
    like: Any, grid: Any, room: int, now: Any, cells: Any, some: Any, twice: float, elsewhere: Any, elastic: Any
) -> Any:  # fmt: skip
    """Solve for the last node before the trigger in some lanes; give the node, and the middle of its unknown.

    Where the others aim is `elsewhere`. What is found of the unknown is kept.
    """
    one, two, more, double = splat(1.0, like), splat(2.0, like), splat(twice - 1.0, like), splat(twice, like)
    near, z = solved_before(like, of(like, now, AT_TRIGGER))
    near = select(some > splat(0.0, like), near, elsewhere)
    z = select(some > splat(0.0, like), z, one)
    cash = of(like, now, PRICE_NEW) - of(like, now, SCALE_NEW) * of(like, now, FROM_NEW)
    bound = maximum(cash, of(like, now, LEAST_NEW))
    aim(like, cells, now, near - one)
    if elastic:
        back, ahead = gather(like, grid, PASS * room, cells, 0), gather(like, grid, PASS * room, cells, 1)
    else:
        back = ahead = of(like, now, KEEP)
    old_below, old, old_next = (
        gather(like, grid, U * room, cells, 0), gather(like, grid, U * room, cells, 1),
        gather(like, grid, U * room, cells, 2),
    )  # fmt: skip
    free = double * gather(like, grid, GAIN * room, cells, 1) - more * old + ahead * more * old_next
    below = double * gather(like, grid, GAIN * room, cells, 0) - more * old_below + back * more * old
    far = z * (one - z) / (one + z)
    here = z * free + ahead * (far * below + two * bound / (one + z))
    here = here / (z - ahead * (far * back - two * (one - z)))
    put(now, TRIGGER_BELOW, below + back * here)
    put(now, TRIGGER_HERE, here)
    put(now, TRIGGER_ABOVE, bound)
    put(now, TRIGGER_Z, z)
    return near, (here + more * old) / double


def stays_held(
    like: Any, grid: Any, room: int, now: Any, cells: Any, some: Any, twice: float, elastic: Any
) -> Any:  # fmt: skip
    """Tell by 1 or 0 whether the note is worth more before a trigger than what it is called for there.

    See `_trigger.stays_held`.
    """
    zeros, one = splat(0.0, like), splat(1.0, like)
    some = select(last_below(like, of(like, now, AT_TRIGGER)) > 2.0, some, zeros)
    if not any_lane(some > zeros):
        return zeros
    solve_held(like, grid, room, now, cells, some, twice, one, elastic)
    bound, scale, z = of(like, now, TRIGGER_ABOVE), of(like, now, SCALE_NEW), of(like, now, TRIGGER_Z)
    shares = select(bound > of(like, now, LEAST_NEW), scale * of(like, now, FROM_NEW), zeros)
    slope = before_end(like, of(like, now, TRIGGER_BELOW), of(like, now, TRIGGER_HERE), bound, z)
    return select(slope + shares * of(like, now, H) > zeros, zeros, some)


def before_end(like: Any, below: Any, here: Any, held: Any, z: Any) -> Any:
    """Give the slope at the trigger, per node, of the parabola through nodes -1 and 0 and it."""
    one = splat(1.0, like)
    return (below - held) * z / (one + z) - (here - held) * (one + z) / z


def parabola(like: Any, now: Any, x: Any) -> Any:
    """Give the parabola through nodes -1 and 0 and the trigger, x nodes from the last that is solved for."""
    one, z = splat(1.0, like), of(like, now, TRIGGER_Z)
    below, here, held = of(like, now, TRIGGER_BELOW), of(like, now, TRIGGER_HERE), of(like, now, TRIGGER_ABOVE)
    return (
        below * x * (x - z) / (one + z) - here * (x + one) * (x - z) / z + held * (x + one) * x / (z * (one + z))
    )  # fmt: skip


def end_jump(
    like: Any, grid: Any, room: int, now: Any, cells: Any, place: Any, bound: Any, top: int, barrier: Any, nodes: int
) -> Any:  # fmt: skip
    """Give what the value is above a bound just before a trigger, by the parabola through three nodes; or nothing."""
    zeros, half = splat(0.0, like), splat(0.5, like)
    fits = allows_cash(like, place, top, barrier) * select(place > 2.0, splat(1.0, like), zeros)
    near, z = solved_before(like, place)
    aim(like, cells, now, minimum(maximum(near, splat(2.0, like)), splat(nodes - 1.0, like)))
    f0, f1 = gather(like, grid, U * room, cells, 0), gather(like, grid, U * room, cells, -1)
    f2 = gather(like, grid, U * room, cells, -2)
    kept = f0 + z * (1.5 * f0 - 2.0 * f1 + half * f2) + half * z * z * (f0 - 2.0 * f1 + f2)
    return select(fits > zeros, maximum(kept - bound, zeros), zeros)


def first_called(
    like: Any, grid: Any, room: int, place: Any, price: Any, scale: Any, lowest: Any, top: int, barrier: Any
) -> Any:  # fmt: skip
    """Give the first node up to the top from which all are called for cash; see `_events.first_called`."""
    zeros, one, same = splat(0.0, like), splat(1.0, like), splat(_SAME, like)
    least, first = maximum(last_below(like, place) + 1.0, splat(2.0, like)), splat(top + 1.0, like)
    going = allows_cash(like, place, top, barrier)
    for i in range(top, 1, -1):
        at = i * lanes_of(like)
        stock = load(grid, EXP_Y * room + at, like)
        away = load(grid, U * room + at, like) - maximum(price - scale * stock, lowest)
        going = going * select(away * away > same, zeros, one) * select(least > splat(float(i), like), zeros, one)
        first = first - going
        if not any_lane(going > zeros):
            break
    return first


def weigh_end(like: Any, grid: Any, array: int, now: Any, place: Any, jump: Any, nodes: int) -> None:
    """Weigh a jump at a trigger, from now on held there; see `_trigger.weigh_end`."""
    zeros = splat(0.0, like)
    near, z = solved_before(like, place)
    node = select(jump > zeros, near, splat(-9.0, like))
    weight = jump / (6.0 * z * (z + 1.0))
    add_pair(like, grid, array, now, node, select(jump > zeros, weight, zeros), zeros, 0, nodes - 1)


def weigh_held(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, later: int, o: int, nodes: int, zero: int,
    later_open: Any, is_call: Any, price: Any, held: Any,
) -> None:  # fmt: skip
    """Weigh the kink at a trigger at which the note was called for cash, unless it goes on being so."""
    zeros, one, two, none = splat(0.0, like), splat(1.0, like), splat(2.0, like), splat(-9.0, like)
    trigger = of(like, seg, later + TRIGGER)
    if is_call:
        held = select(of(like, seg, o + TRIGGER) > trigger * (1.0 + 1e-12), held, zeros)
    if not any_lane(held > zeros):
        return
    h, shares = of(like, now, H), of(like, seg, later + RATIO) * trigger
    near, z = solved_before(like, trigger_place(like, now, trigger, of(like, seg, later + LEVEL_START), zero))
    aim(like, cells, now, select(held > zeros, near, one))
    here, below = gather(like, grid, U * room, cells, 0), gather(like, grid, U * room, cells, -1)
    bound, steep = price - shares, shares
    if later_open:
        least = of(like, seg, later + FLOOR_START)
        bound, steep = maximum(bound, least), select(bound > least, shares, zeros)
    slope = before_end(like, below, here, bound, z) + steep * h
    bend = two * (below / (one + z) - here / z + bound / (z * (one + z))) + steep * h * h
    after = trigger_place(like, now, trigger + of(like, seg, o + DIVIDEND), of(like, seg, o + LEVEL_END), zero)
    place = select(held > zeros, after, none)
    weigh_kink(
        like,
        grid,
        GAIN * room,
        now,
        place,
        select(held > zeros, slope, zeros),
        select(held > zeros, bend, zeros),
        0,
        nodes - 1,
    )
