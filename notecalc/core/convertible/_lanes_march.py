r"""One segment of time, backwards, for as many rows at once as a vector has lanes.

The scheme is that of `_march`, whose docstring derives it, for its model of one unknown, and so are the names: each
number there is a vector here, a decision is a choice between two vectors, and the free edge is looked for in all lanes
at once (`_lanes_edge`). Lanes never mix, so that a row's value is the same to the last bit whatever its neighbours are.

Where all nodes have the same coefficients, the factors of the elimination are the limits that they tend to, two numbers
for all nodes (`eliminate_even`). Where the hazard depends on the stock, they are kept where they stay the same: in all
steps of a segment whose level and steps stay.

A segment has as many steps as its lane asks for. A lane that has taken its own takes the last one again for as long as
others go on, and is then put back to where it was before: neighbours change no bit of it.
"""

from __future__ import annotations

from typing import Any

from notecalc.core._vectors import any_lane, exp, fma, lanes_of, load, log, maximum, minimum, select, splat, sqrt, store
from notecalc.core.convertible._columns import (
    CALL_END,
    CALL_START,
    CARRY,
    CLAIM_END,
    CLAIM_START,
    CREDIT,
    DROP,
    ELASTICITY,
    FLOOR_END,
    FLOOR_START,
    LENGTH,
    LEVEL_END,
    LEVEL_START,
    RATE,
    RATIO,
    RECOVERY,
    REFERENCE,
    TRIGGER,
    VOLATILITY,
)
from notecalc.core.convertible._lanes_edge import find_edge, finish
from notecalc.core.convertible._lanes_memory import (
    AT_TRIGGER,
    BEND,
    BOTTOM,
    CARRIED,
    CLAIM,
    DISCOUNT,
    DROPPED,
    EXP_Y,
    FALL,
    FLOOR_NEW,
    FLOOR_RISE,
    FROM_NEW,
    GAIN,
    GROWTH,
    HALF_VAR,
    HELD,
    HELD_LACK,
    HELD_LAST,
    HELD_PART,
    HELD_SIDE,
    HH,
    IMPLICIT_STEPS,
    KEEP,
    KEPT,
    LACK,
    LAST,
    LEAST_NEW,
    MAY_CALL,
    MEAN,
    NEVER,
    OLD_LAST,
    OLD_SIDE,
    OPENED,
    OWN,
    PART,
    PASS,
    PER_NODE,
    PER_RISE,
    PIVOT,
    POWER,
    PRICE_NEW,
    PRICE_RISE,
    SCALE,
    SCALE_NEW,
    SECOND,
    SECOND_HELD,
    SIDE,
    STEPS_ASKED,
    STEPS_TAKEN,
    TOP,
    WIDEN,
    H,
    U,
    aim,
    along,
    first_common,
    gather,
    is_blank,
    last_common,
    least_of,
    most_of,
    of,
    put,
    rise,
)
from notecalc.core.convertible._lanes_trigger import trigger_place
from notecalc.core.convertible._steps import GRADED, GRADED_FROM

__all__: list[str] = []


def march(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, o: int, row: Any, nodes: int, zero: int,
    is_open: Any, barrier: Any, early: Any, hard: Any, same: Any, elastic: Any,
) -> None:  # fmt: skip
    """Carry the value from the end of a segment to its start; `same` if all steps have the same factors.

    `is_open` and `hard` say whether conversion is open, and a call may bind, in any lane; `barrier` whether all lanes
    end at the level.
    """
    zeros, one, half = splat(0.0, like), splat(1.0, like), splat(0.5, like)
    length = of(like, seg, o + LENGTH)
    graded = splat(GRADED, like) * early_share_in_lanes(like, seg, o)
    steps, implicit_steps = of(like, now, STEPS_ASKED), of(like, now, IMPLICIT_STEPS)
    put(now, STEPS_TAKEN, steps + half * implicit_steps)
    most, least = int(most_of(like, now, STEPS_TAKEN)), int(least_of(like, now, STEPS_TAKEN))
    first, last = first_common(like, now), last_common(like, now)
    even = length / (2.0 * steps)
    h, vol = of(like, now, H), of(like, seg, o + VOLATILITY)
    half_var = half * vol * vol
    put(now, HALF_VAR, half_var)
    put(now, BEND, half * h * h / half_var)
    put(now, CARRIED, of(like, seg, o + CARRY))
    put(now, DISCOUNT, of(like, seg, o + RATE))
    put(now, DROPPED, one - of(like, row, DROP))
    put(now, PRICE_RISE, rise(like, seg, o, CALL_START, CALL_END))
    put(now, FLOOR_RISE, rise(like, seg, o, FLOOR_START, FLOOR_END))
    tau, middle, hh, done = zeros, zeros, zeros, zeros
    for step in range(most):
        implicit = implicit_steps > splat(float(step), like)
        twice = select(implicit, one, one + one)
        done = done + select(implicit, half, one) / steps
        advance = length * done * (one - graded + graded * done) - tau
        idle = splat(float(step + 1), like) > of(like, now, STEPS_TAKEN)
        hh = select(idle, hh, select(graded > zeros, advance / twice, even))
        middle = select(idle, middle, tau + hh)
        tau = select(idle, tau, select(graded > zeros, tau + advance, tau + even * twice))
        put(now, HH, hh)
        set_step(like, now, seg, o, row, middle, tau, elastic)
        if hard:
            put(now, AT_TRIGGER, trigger_place(like, now, of(like, now, FROM_NEW), one))
        if step >= least:
            hold(like, grid, room, now, nodes, False)
        put(now, OLD_LAST, of(like, now, LAST))
        put(now, OLD_SIDE, of(like, now, SIDE))
        stop = zero if barrier else nodes
        eliminate(like, grid, room, now, cells, zero, first, last, stop, elastic, not (same and step > 0))
        find_edge(like, grid, room, now, cells, nodes, zero, twice, is_open, early, hard, elastic)
        finish(like, grid, room, now, cells, nodes, zero, twice, barrier, hard, elastic)
        if step >= least:
            release(like, grid, room, now, nodes, idle, False)


def early_share_in_lanes(like: Any, seg: Any, o: int) -> Any:
    """Give how far a segment is cut for early conversion; see `_steps.early_share`."""
    return minimum(maximum(of(like, seg, o + CARRY) / GRADED_FROM, splat(0.0, like)), splat(1.0, like))


def hold(like: Any, grid: Any, room: int, now: Any, nodes: int, two: Any) -> None:
    """Keep what a step changes, for lanes that do not take it."""
    for i in range(nodes):
        at = i * lanes_of(like)
        store(grid, HELD * room + at, load(grid, U * room + at, like))
        if two:
            store(grid, SECOND_HELD * room + at, load(grid, SECOND * room + at, like))
    for held, number in ((HELD_LAST, LAST), (HELD_PART, PART), (HELD_SIDE, SIDE), (HELD_LACK, LACK)):
        put(now, held, of(like, now, number))


def release(like: Any, grid: Any, room: int, now: Any, nodes: int, idle: Any, two: Any) -> None:
    """Put idle lanes back to where they were before the step."""
    for i in range(nodes):
        at = i * lanes_of(like)
        u = U * room + at
        store(grid, u, select(idle, load(grid, HELD * room + at, like), load(grid, u, like)))
        if two:
            b = SECOND * room + at
            store(grid, b, select(idle, load(grid, SECOND_HELD * room + at, like), load(grid, b, like)))
    for held, number in ((HELD_LAST, LAST), (HELD_PART, PART), (HELD_SIDE, SIDE), (HELD_LACK, LACK)):
        put(now, number, select(idle, of(like, now, held), of(like, now, number)))


def set_step(like: Any, now: Any, seg: Any, o: int, row: Any, middle: Any, new: Any, elastic: Any) -> None:
    """Set what depends on the time alone, in the middle of a step and at its end."""
    length = of(like, seg, o + LENGTH)
    middle, new = middle / length, new / length
    level = along(like, seg, o, LEVEL_START, LEVEL_END, middle)
    level_new = along(like, seg, o, LEVEL_START, LEVEL_END, new)
    ratio = of(like, seg, o + RATIO)
    floor = along(like, seg, o, FLOOR_START, FLOOR_END, new)
    moved, is_open = rise(like, seg, o, LEVEL_START, LEVEL_END) / level, of(like, now, OPENED) > 0.0
    zeros, never = splat(0.0, like), splat(NEVER, like)
    put(now, SCALE, ratio * level)
    put(now, SCALE_NEW, ratio * level_new)
    put(now, MEAN, of(like, seg, o + RATE) - of(like, seg, o + CARRY) - moved)
    put(now, FLOOR_NEW, floor)
    put(now, LEAST_NEW, select(is_open, floor, zeros - never))
    put(now, PRICE_NEW, along(like, seg, o, CALL_START, CALL_END, new))
    from_ = of(like, seg, o + TRIGGER) * (1.0 - 1e-12) / level_new
    put(now, FROM_NEW, select(of(like, now, MAY_CALL) > zeros, from_, never))
    own = of(like, seg, o + CREDIT)
    if elastic:
        own = own * exp((zeros - of(like, row, ELASTICITY)) * log(level / of(like, row, REFERENCE)))
    put(now, OWN, own)
    put(now, KEPT, select(is_open, (splat(1.0, like) - of(like, row, DROP)) * ratio * level, zeros))
    put(now, CLAIM, of(like, row, RECOVERY) * along(like, seg, o, CLAIM_START, CLAIM_END, middle))


def spreads(like: Any, mean: Any, half_var: Any, hh: Any, h: Any) -> Any:
    """Give what a node takes from the one below it and the one above it in a half step."""
    half = splat(0.5, like)
    return pulls(like, mean, half_var, half * h / (splat(1.0, like) - half * h), hh / (h * h), half * hh / h)


def pulls(like: Any, mean: Any, half_var: Any, wide: Any, away: Any, along: Any) -> Any:
    """Give what `spreads` does, of what is the same at all nodes: the half step over h^2, and half of it over h.

    The spread is `wide` times the drift at least, so that nothing less than nothing is taken.
    """
    spread = maximum(half_var, maximum(mean, splat(0.0, like) - mean) * wide)
    return fma(away + along, spread, -along * mean), fma(away - along, spread, along * mean)


def eliminate(
    like: Any, grid: Any, room: int, now: Any, cells: Any, zero: int, first: int, last: int, stop: int, elastic: Any,
    fresh: Any,
) -> None:  # fmt: skip
    """Eliminate upwards: each node in terms of the next. Unless `fresh`, factors are those kept.

    All lanes have the nodes from the `first` to the `last` in memory.

    What stays the same from node to node is read once: the compiler cannot know that no store changes it.
    """
    one, hh = splat(1.0, like), of(like, now, HH)
    if not elastic:
        eliminate_even(like, grid, room, now, cells, zero, first, last, stop)
        return
    zeros, half, growth, half_var = splat(0.0, like), splat(0.5, like), of(like, now, GROWTH), of(like, now, HALF_VAR)
    level_own, scale, dropped = of(like, now, OWN), of(like, now, SCALE), of(like, now, DROPPED)
    level_mean, dropping = of(like, now, MEAN), (one - dropped) * level_own
    carried, lost, hazard = -hh * scale * of(like, now, CARRIED), -hh * scale * dropped * level_own, hh * level_own
    kept, claim = hazard * of(like, now, KEPT), hazard * of(like, now, CLAIM)
    riskless = one + hh * of(like, now, DISCOUNT)
    per, wide = of(like, now, PER_NODE), of(like, now, WIDEN)
    along, away = half * hh * per, hh * per * per
    slip, gain, keep = hh * of(like, now, PER_RISE), zeros, zeros
    bottom, top = of(like, now, BOTTOM), of(like, now, TOP)
    for i in range(stop):
        at, place = i * lanes_of(like), splat(float(i - zero), like)
        stock, power = load(grid, EXP_Y * room + at, like), load(grid, POWER * room + at, like)
        right = fma(power, maximum(kept * stock, claim), load(grid, U * room + at, like))
        right = fma(fma(lost, power, carried), stock, right)
        if fresh:
            mean, decay = fma(dropping, power, level_mean), fma(hazard, power, riskless)
            low, high = pulls(like, mean, half_var, wide, away, along)
            total = decay + low + high
            # At the ends, of each lane its own, W is a line in S, whose second derivative is nothing.
            if i <= first:
                inside, up = place > bottom, slip * mean
                low, high = select(inside, low, zeros), select(inside, high, up)
                total = select(inside, total, decay + up)
            elif i >= last:
                inside, down = top > place, -slip * mean * growth
                low, high = select(inside, low, down), select(inside, high, zeros)
                total = select(inside, total, decay + down)
            pivot = 1.0 / fma(-low, keep, total)
            if i < first or i > last:
                pivot = select(is_blank(like, now, i), zeros, pivot)
            keep, fall = high * pivot, low * pivot
            store(grid, PASS * room + at, keep)
            store(grid, PIVOT * room + at, pivot)
            store(grid, FALL * room + at, fall)
        else:
            pivot, fall = load(grid, PIVOT * room + at, like), load(grid, FALL * room + at, like)
        gain = fma(fall, gain, right * pivot)
        store(grid, GAIN * room + at, gain)


def eliminate_even(
    like: Any, grid: Any, room: int, now: Any, cells: Any, zero: int, first: int, last: int, stop: int
) -> None:  # fmt: skip
    """Eliminate where all nodes but the ends have the same coefficients.

    Then factors tend to limits, which solve a quadratic equation, and they are those from the bottom on if the lowest
    node is told what it takes from the next: W is a line in S there, and what becomes of a line is known.
    """
    one, hh, per, growth = splat(1.0, like), of(like, now, HH), of(like, now, PER_NODE), of(like, now, GROWTH)
    own, scale, dropped = of(like, now, OWN), of(like, now, SCALE), of(like, now, DROPPED)
    lost = -hh * scale * (of(like, now, CARRIED) + own * dropped)
    gained, least = hh * own * of(like, now, KEPT), hh * own * of(like, now, CLAIM)
    mean = of(like, now, MEAN) + (one - dropped) * own
    low, high = pulls(like, mean, of(like, now, HALF_VAR), of(like, now, WIDEN), hh * per * per, 0.5 * hh * per)
    decay = one + hh * (of(like, now, DISCOUNT) + own)
    both, lean = low + high, low - high
    pivot = 2.0 / (decay + both + sqrt(lean * lean + decay * (both + both + decay)))
    keep, fall = high * pivot, low * pivot
    put(now, KEEP, keep)
    back = hh * mean * growth * of(like, now, PER_RISE)
    at_top = 1.0 / fma(back, keep, decay - back)
    lowest = first_gain(like, grid, room, now, cells, lost, gained, least, decay, hh * mean, keep)
    more, fixed, rising, gain, zeros = lost * pivot, least * pivot, gained * pivot, lowest, splat(0.0, like)
    shares = any_lane((zeros > more) | (more > zeros) | (rising > zeros))
    # Ends are of each lane its own. Loops are apart, so that most nodes are asked nothing.
    last = min(last, stop)
    for i in range(first + 1):
        gain = next_gain(like, grid, room, i, gain, fall, pivot, more, fixed, rising, shares)
        gain = select(splat(float(i - zero), like) > of(like, now, BOTTOM), gain, lowest)
        store(grid, GAIN * room + i * lanes_of(like), gain)
    for i in range(first + 1, last):
        gain = next_gain(like, grid, room, i, gain, fall, pivot, more, fixed, rising, shares)
        store(grid, GAIN * room + i * lanes_of(like), gain)
    for i in range(last, stop):
        at, before = i * lanes_of(like), gain
        stock, u = load(grid, EXP_Y * room + at, like), load(grid, U * room + at, like)
        right = fma(lost, stock, u) + maximum(gained * stock, least)
        gain = next_gain(like, grid, room, i, gain, fall, pivot, more, fixed, rising, shares)
        inside = of(like, now, TOP) > splat(float(i - zero), like)
        gain = select(inside, gain, fma(-back, before, right) * at_top)
        store(grid, GAIN * room + at, gain)


def next_gain(
    like: Any, grid: Any, room: int, i: int, gain: Any, fall: Any, pivot: Any, more: Any, fixed: Any, rising: Any,
    shares: Any,
) -> Any:  # fmt: skip
    """Give what a node is worth but for what it takes from the next one; `shares` says whether any lane has sources."""
    source = fixed
    if shares:
        stock = load(grid, EXP_Y * room + i * lanes_of(like), like)
        source = fma(more, stock, maximum(rising * stock, fixed))
    return fma(fall, gain, fma(pivot, load(grid, U * room + i * lanes_of(like), like), source))


def first_gain(
    like: Any, grid: Any, room: int, now: Any, cells: Any, lost: Any, gained: Any, least: Any, decay: Any, drift: Any,
    keep: Any,
) -> Any:  # fmt: skip
    """Give what the lowest node is worth less `keep` times the next one, in the middle of a step: W is a line in S."""
    aim(like, cells, now, of(like, now, BOTTOM))
    stock, u = gather(like, grid, EXP_Y * room, cells, 0), gather(like, grid, U * room, cells, 0)
    steep = (gather(like, grid, U * room, cells, 1) - u) * of(like, now, PER_RISE)
    claims, slower = least > gained * stock, decay - drift
    over = 1.0 / (decay * slower)
    shares = fma(select(claims, lost, lost + gained), stock, steep) * decay * over
    cash = (u - steep + select(claims, least, splat(0.0, like))) * slower * over
    return cash + shares - keep * fma(shares, of(like, now, GROWTH), cash)
