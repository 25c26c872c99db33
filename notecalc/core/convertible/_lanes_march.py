r"""One segment of time, backwards, for as many rows at once as a vector has lanes.

The scheme is that of `_march`, whose docstring derives it, for its model of one unknown, and so are the names: each
number there is a vector here, a decision is a choice between two vectors, and the free edge is looked for in all lanes
at once (`_lanes_edge`). Lanes never mix, so that a row's value is the same to the last bit whatever its neighbours are.

Factors of the elimination are kept where they stay the same: in all steps of a segment whose level and steps stay.

A segment has as many steps as its lane asks for. A lane that has taken its own takes the last one again for as long as
others go on, and is then put back to where it was before: neighbours change no bit of it.
"""

from __future__ import annotations

from typing import Any

from notecalc.core._vectors import exp, fma, lanes_of, load, log, maximum, minimum, select, splat, store
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
    ZERO,
    H,
    U,
    along,
    first_common,
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
        eliminate(like, grid, room, now, stop, elastic, not (same and step > 0))
        find_edge(like, grid, room, now, cells, nodes, twice, is_open, early, hard, elastic)
        finish(like, grid, room, now, cells, nodes, zero, twice, is_open, barrier, hard, elastic)
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
    spread = maximum(half_var, maximum(mean, splat(0.0, like) - mean) * half * h / (splat(1.0, like) - half * h))
    away, along_mean = hh * spread / (h * h), half * hh * (mean - spread) / h
    return away - along_mean, away + along_mean


def eliminate(like: Any, grid: Any, room: int, now: Any, stop: int, elastic: Any, fresh: Any) -> None:
    """Eliminate upwards: each node in terms of the next. Unless `fresh`, factors are those kept.

    What stays the same from node to node is read once: the compiler cannot know that no store changes it.
    """
    lanes = lanes_of(like)
    one, zeros = splat(1.0, like), splat(0.0, like)
    h, hh, level_mean, half_var, rate, growth = (
        of(like, now, H), of(like, now, HH), of(like, now, MEAN), of(like, now, HALF_VAR), of(like, now, DISCOUNT),
        of(like, now, GROWTH),
    )  # fmt: skip
    level_own, carry, scale, dropped = (
        of(like, now, OWN), of(like, now, CARRIED), of(like, now, SCALE), of(like, now, DROPPED)
    )  # fmt: skip
    kept, claim = of(like, now, KEPT), of(like, now, CLAIM)
    own, drop = level_own, one - dropped
    lost, gained, least = -hh * scale * (carry + own * dropped), hh * own * kept, hh * own * claim
    mean = level_mean + drop * own
    lo, up = spreads(like, mean, half_var, hh, h)
    decay = one + hh * (rate + own)
    whole = decay + lo + up
    slip = hh / (growth - 1.0)
    gain, keep = zeros, zeros
    bottom, top, zero = of(like, now, BOTTOM), of(like, now, TOP), most_of(like, now, ZERO)
    first, last = first_common(like, now), last_common(like, now)
    for i in range(stop):
        at = i * lanes
        stock, right = load(grid, EXP_Y * room + at, like), load(grid, U * room + at, like)
        if elastic:
            own = level_own * load(grid, POWER * room + at, like)
            lost, gained, least = -hh * scale * (carry + own * dropped), hh * own * kept, hh * own * claim
        right = fma(lost, stock, right) + maximum(gained * stock, least)
        if fresh:
            if elastic:
                mean = level_mean + drop * own
                lo, up = spreads(like, mean, half_var, hh, h)
                decay = one + hh * (rate + own)
                whole = decay + lo + up
            low, high, total = lo, up, whole
            # At the ends, of each lane its own, W is a line in S, whose second derivative is nothing.
            if i <= first:
                inside = splat(float(i - zero), like) > bottom
                low, high = select(inside, lo, zeros), select(inside, up, slip * mean)
                total = select(inside, whole, decay + slip * mean)
            elif i >= last:
                inside = top > splat(float(i - zero), like)
                low, high = select(inside, lo, -slip * mean * growth), select(inside, up, zeros)
                total = select(inside, whole, decay - slip * mean * growth)
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
