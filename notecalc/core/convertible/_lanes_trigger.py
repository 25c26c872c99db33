"""A call for cash that is allowed from a trigger on, in all lanes at once; the scheme is that of `_trigger`."""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import any_lane, lanes_of, load, log, maximum, minimum, select, splat, whole
from notecalc.core.convertible._columns import (
    DIVIDEND,
    LEVEL_END,
    LEVEL_START,
    RATIO,
    TRIGGER,
)
from notecalc.core.convertible._lanes_memory import (
    AHEAD,
    AT_TRIGGER,
    BOTTOM,
    CASH_BELOW,
    CASH_HERE,
    EXP_Y,
    FROM_NEW,
    GAIN,
    KEEP,
    LAST,
    LEAST_NEW,
    NOWHERE,
    PART,
    PASS,
    PRICE_NEW,
    SCALE_NEW,
    SECOND,
    SECOND_GAIN,
    SECOND_PASS,
    SHARE,
    SIDE,
    TOP,
    TRIGGER_ABOVE,
    TRIGGER_BELOW,
    TRIGGER_HERE,
    TRIGGER_Z,
    ZERO,
    H,
    U,
    aim,
    gather,
    most_of,
    of,
    put,
)
from notecalc.core.convertible._lanes_weights import add_pair, weigh_kink

__all__: list[str] = []

_SAME_PLACE: Final = 1e-9  # [cells]
_NEAR: Final = 0.5  # of a cell: a node nearer to the trigger is not solved for, but interpolated
_SAME: Final = 1e-20  # [per 100, squared]: a value this near a bound is on it
_LEAST: Final = 1e-300  # of which a logarithm is taken


def trigger_place(like: Any, now: Any, trigger: Any, level: Any) -> Any:
    """Give where a trigger lies, in nodes from the level; far below nothing where there is none."""
    return log(maximum(trigger, splat(_LEAST, like)) / level) / of(like, now, H)


def last_below(like: Any, place: Any) -> Any:
    """Give the last node below a place."""
    return splat(0.0, like) - whole(_SAME_PLACE - place) - 1.0


def allows_cash(like: Any, place: Any, top: Any, barred: Any) -> Any:
    """Tell by 1 or 0 whether a trigger leaves room for a call for cash: below the level, or the top of the grid."""
    zeros, one = splat(0.0, like), splat(1.0, like)
    limit = top + select(barred > zeros, one - _SAME_PLACE, splat(_SAME_PLACE, like))
    return select(limit > place, one, zeros)


def is_held(like: Any, now: Any, place: Any) -> Any:
    """Tell by 1 or 0 whether the note ends at the trigger, and there is room for a parabola below it."""
    zeros, last = splat(0.0, like), last_below(like, place)
    node = of(like, now, LAST)
    held = select(zeros > of(like, now, SIDE), has_room(like, now, last), zeros)
    held = select(node > last, zeros, select(last > node, zeros, held))
    return select(place + 1e-5 > node + of(like, now, PART), held, zeros)


def has_room(like: Any, now: Any, place: Any) -> Any:
    """Tell by 1 or 0 whether a place has room for a parabola below it."""
    return select(place > of(like, now, BOTTOM) + 2.0, splat(1.0, like), splat(0.0, like))


def solved_before(like: Any, place: Any) -> Any:
    """Give the last node that is solved for, and how far the trigger is from it: half a cell to one and a half."""
    last = last_below(like, place)
    node = select(splat(_NEAR, like) > place - last, last - 1.0, last)
    return node, place - node


def solve_held(
    like: Any, grid: Any, room: int, now: Any, cells: Any, known: Any, some: Any, twice: Any, pair: Any, even: Any
) -> Any:  # fmt: skip
    """Solve for the last node before the trigger in some lanes; give the node, and the middle of its unknown.

    What is found of the unknown is kept. Of a pair it is what GAIN and PASS are of: W less the share of the second
    unknown that they leave out. Nodes from the place `known` on share the PASS of the one before; all share KEEP
    instead, if they are `even`.
    """
    zeros, one = splat(0.0, like), splat(1.0, like)
    near, z = solved_before(like, of(like, now, AT_TRIGGER))
    near, z = select(some > zeros, near, of(like, now, BOTTOM) + one), select(some > zeros, z, one)
    cash = of(like, now, PRICE_NEW) - of(like, now, SCALE_NEW) * of(like, now, FROM_NEW)
    bound = maximum(cash, of(like, now, LEAST_NEW))
    share = of(like, now, SHARE) if pair else zeros
    if even:
        back = ahead = of(like, now, KEEP)
    else:
        back, ahead = passed_before(like, grid, room, now, cells, PASS, known, near)
    below, here, middle = solve_end(
        like, grid, room, now, cells, GAIN, U, share, back, ahead, near, z, bound, twice, pair
    )  # fmt: skip
    put(now, TRIGGER_BELOW, below)
    put(now, TRIGGER_HERE, here)
    put(now, TRIGGER_ABOVE, bound)
    put(now, TRIGGER_Z, z)
    return near, middle


def solve_cash_held(like: Any, grid: Any, room: int, now: Any, cells: Any, known: Any, near: Any, twice: Any) -> Any:
    """Solve for the cash part at the node that `solve_held` gives, as it is nothing at the trigger; give its middle.

    The same node for both: what either bends next to a jump is gone from their sum.
    """
    back, ahead = passed_before(like, grid, room, now, cells, SECOND_PASS, known, near)
    below, here, middle = solve_end(
        like, grid, room, now, cells, SECOND_GAIN, SECOND, splat(0.0, like), back, ahead, near,
        of(like, now, TRIGGER_Z), splat(0.0, like), twice, False,
    )  # fmt: skip
    put(now, CASH_BELOW, below)
    put(now, CASH_HERE, here)
    return middle


def passed_before(
    like: Any, grid: Any, room: int, now: Any, cells: Any, passes: int, known: Any, near: Any
) -> Any:  # fmt: skip
    """Give how much of the next node the one before `near` takes, and it itself."""
    most = known - 1.0
    aim(like, cells, now, minimum(near, most))
    ahead = gather(like, grid, passes * room, cells, 0)
    aim(like, cells, now, minimum(near - 1.0, most))
    return gather(like, grid, passes * room, cells, 0), ahead


def solve_end(
    like: Any, grid: Any, room: int, now: Any, cells: Any, gains: int, olds: int, share: Any, back: Any, ahead: Any,
    near: Any, z: Any, held: Any, twice: Any, pair: Any,
) -> Any:  # fmt: skip
    """Solve for the last two nodes before a trigger, z nodes from the last, at which an unknown is held.

    `back` and `ahead` of the next node are taken by the one before the last, and by the last. Gives both, and the
    middle of the last. Of a pair a share of the second unknown is left out.
    """
    one, two, more, double = splat(1.0, like), splat(2.0, like), twice - 1.0, twice
    aim(like, cells, now, near - one)
    old_below, old, old_next = (
        gather(like, grid, olds * room, cells, 0), gather(like, grid, olds * room, cells, 1),
        gather(like, grid, olds * room, cells, 2),
    )  # fmt: skip
    if pair:
        old_below = old_below - share * gather(like, grid, SECOND * room, cells, 0)
        old = old - share * gather(like, grid, SECOND * room, cells, 1)
        old_next = old_next - share * gather(like, grid, SECOND * room, cells, 2)
    free = double * gather(like, grid, gains * room, cells, 1) - more * old + ahead * more * old_next
    below = double * gather(like, grid, gains * room, cells, 0) - more * old_below + back * more * old
    far = z * (one - z) / (one + z)
    here = z * free + ahead * (far * below + two * held / (one + z))
    here = here / (z - ahead * (far * back - two * (one - z)))
    return below + back * here, here, (here + more * old) / double


def stays_held(
    like: Any, grid: Any, room: int, now: Any, cells: Any, known: Any, second_known: Any, some: Any, twice: Any,
    pair: Any, ended: Any, even: Any,
) -> Any:  # fmt: skip
    """Tell by 1 or 0 whether the note is worth more before a trigger than what it is called for there.

    See `_trigger.stays_held`; `ended` says that the cash part ends there, too.
    """
    zeros = splat(0.0, like)
    some = some * has_room(like, now, last_below(like, of(like, now, AT_TRIGGER)))
    if not any_lane(some > zeros):
        return zeros
    near, _ = solve_held(like, grid, room, now, cells, known, some, twice, pair, even)
    bound, scale, z = of(like, now, TRIGGER_ABOVE), of(like, now, SCALE_NEW), of(like, now, TRIGGER_Z)
    shares = select(bound > of(like, now, LEAST_NEW), scale * of(like, now, FROM_NEW), zeros)
    slope = before_end(like, of(like, now, TRIGGER_BELOW), of(like, now, TRIGGER_HERE), bound, z)
    if ended:
        solve_cash_held(like, grid, room, now, cells, second_known, near, twice)
        slope = slope + cash_slope(like, now)
    return select(slope + shares * of(like, now, H) > zeros, zeros, some)


def before_end(like: Any, below: Any, here: Any, held: Any, z: Any) -> Any:
    """Give the slope at the trigger, per node, of the parabola through nodes -1 and 0 and it."""
    one = splat(1.0, like)
    return (below - held) * z / (one + z) - (here - held) * (one + z) / z


def parabola(like: Any, now: Any, x: Any) -> Any:
    """Give the parabola through nodes -1 and 0 and the trigger, x nodes from the last that is solved for."""
    below, here, held = of(like, now, TRIGGER_BELOW), of(like, now, TRIGGER_HERE), of(like, now, TRIGGER_ABOVE)
    return through(like, below, here, held, of(like, now, TRIGGER_Z), x)


def through(like: Any, below: Any, here: Any, held: Any, z: Any, x: Any) -> Any:
    """Give the parabola through nodes -1 and 0 and a place z nodes on, at x."""
    one = splat(1.0, like)
    return (
        below * x * (x - z) / (one + z) - here * (x + one) * (x - z) / z + held * (x + one) * x / (z * (one + z))
    )  # fmt: skip


def cash_slope(like: Any, now: Any) -> Any:
    """Give the slope of the cash part at the trigger, per node."""
    zeros = splat(0.0, like)
    return before_end(like, of(like, now, CASH_BELOW), of(like, now, CASH_HERE), zeros, of(like, now, TRIGGER_Z))


def cash_held(like: Any, now: Any, x: Any, beyond: Any) -> Any:
    """Give the cash part x nodes from the last that is solved for: a parabola; a line from two nodes beyond on."""
    zeros, z = splat(0.0, like), of(like, now, TRIGGER_Z)
    near = through(like, of(like, now, CASH_BELOW), of(like, now, CASH_HERE), zeros, z, x)
    return select(beyond > 1.5, cash_slope(like, now) * (x - z), near)


def kept_before(like: Any, grid: Any, array: int, now: Any, cells: Any, place: Any) -> Any:
    """Give what an unknown is worth just before a trigger, by the parabola through three nodes."""
    half, (near, z) = splat(0.5, like), solved_before(like, place)
    aim(like, cells, now, minimum(maximum(near, of(like, now, BOTTOM) + 2.0), of(like, now, TOP)))
    f0, f1 = gather(like, grid, array, cells, 0), gather(like, grid, array, cells, -1)
    f2 = gather(like, grid, array, cells, -2)
    return f0 + z * (1.5 * f0 - 2.0 * f1 + half * f2) + half * z * z * (f0 - 2.0 * f1 + f2)


def end_jump(
    like: Any, grid: Any, room: int, now: Any, cells: Any, place: Any, bound: Any, top: Any, barred: Any
) -> Any:  # fmt: skip
    """Give what the value is above a bound just before a trigger; or nothing."""
    zeros = splat(0.0, like)
    fits = allows_cash(like, place, top, barred) * has_room(like, now, place)
    kept = kept_before(like, grid, U * room, now, cells, place)
    return select(fits > zeros, maximum(kept - bound, zeros), zeros)


def first_called(
    like: Any, grid: Any, room: int, now: Any, place: Any, price: Any, scale: Any, lowest: Any, top: Any, barred: Any
) -> Any:  # fmt: skip
    """Give the first node up to the top from which all are called for cash; see `_events.first_called`."""
    zeros, one, same = splat(0.0, like), splat(1.0, like), splat(_SAME, like)
    least, first = maximum(last_below(like, place) + 1.0, of(like, now, BOTTOM) + 2.0), top + 1.0
    allowed, zero = allows_cash(like, place, top, barred), int(most_of(like, now, ZERO))
    going = allowed
    put(now, AHEAD, top)
    for i in range(zero + int(most_of(like, now, AHEAD)), 1, -1):
        at, here = i * lanes_of(like), splat(float(i - zero), like)
        stock = load(grid, EXP_Y * room + at, like)
        away = load(grid, U * room + at, like) - maximum(price - scale * stock, lowest)
        going = going * select(away * away > same, zeros, one) * select(least > here, zeros, one)
        going = select(here > top, allowed, going)
        first = first - select(here > top, zeros, going)
        if not any_lane(going > zeros):
            break
    return first


def weigh_end(like: Any, grid: Any, array: int, now: Any, place: Any, jump: Any) -> None:
    """Weigh a jump at a trigger, from now on held there; see `_trigger.weigh_end`."""
    zeros = splat(0.0, like)
    near, z = solved_before(like, place)
    node = select(jump > zeros, near, splat(NOWHERE, like))
    weight = jump / (6.0 * z * (z + 1.0))
    add_pair(like, grid, array, now, node, select(jump > zeros, weight, zeros), zeros, of(like, now, TOP))


def weigh_held(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, later: int, o: int,
    lowest: Any, called: Any, price: Any, held: Any,
) -> None:  # fmt: skip
    """Weigh the kink at a trigger at which the note was called for cash, unless it goes on being so.

    `lowest` is what is paid beside shares where conversion is open; `called` says by 1 or 0 whether it goes on.
    """
    zeros, one, two, none = splat(0.0, like), splat(1.0, like), splat(2.0, like), splat(NOWHERE, like)
    trigger = of(like, seg, later + TRIGGER)
    ends = select(of(like, seg, o + TRIGGER) > trigger * (1.0 + 1e-12), one, one - called)
    held = select(held > zeros, ends, zeros)
    if not any_lane(held > zeros):
        return
    h, shares = of(like, now, H), of(like, seg, later + RATIO) * trigger
    near, z = solved_before(like, trigger_place(like, now, trigger, of(like, seg, later + LEVEL_START)))
    aim(like, cells, now, select(held > zeros, near, of(like, now, BOTTOM) + one))
    here, below = gather(like, grid, U * room, cells, 0), gather(like, grid, U * room, cells, -1)
    bound = price - shares
    bound, steep = maximum(bound, lowest), select(bound > lowest, shares, zeros)
    slope = before_end(like, below, here, bound, z) + steep * h
    bend = two * (below / (one + z) - here / z + bound / (z * (one + z))) + steep * h * h
    after = trigger_place(like, now, trigger + of(like, seg, o + DIVIDEND), of(like, seg, o + LEVEL_END))
    place = select(held > zeros, after, none)
    weigh_kink(
        like,
        grid,
        GAIN * room,
        now,
        place,
        select(held > zeros, slope, zeros),
        select(held > zeros, bend, zeros),
        of(like, now, TOP),
    )
