r"""One segment of time, backwards, in a model of two unknowns, for as many rows at once as a vector has lanes.

The equations are those of `_march` and `_second`. Both unknowns end at one edge, for which the engine solves for each
in turn until they agree. In the model of Tsiveriotis and Fernandes it is found in one go here: W less the cash part,
which is the equity part less the shares, is discounted at the risk-free rate and knows nothing of the cash part, so
that both are eliminated upwards before it is known where they end. What is left are two nodes and the edge, and one
equation for its place (`_lanes_two_edge`). In the blended model W is discounted at what the second unknown says, all
the way down: rounds are gone through, of which two or three are usual.

Where hardly any dividends are paid, little is lost by waiting, and on one grid there may be more than one edge at which
both end, or none that the engine's rounds find: it then ends the second unknown alone (`_march.agree`), while here both
end together always. In a stretch below the edge in which W would fall short of the shares the second unknown ends after
each step, in both alike: of a note of 4.5 years called at 110, at a volatility of 13.5%, a spread of 13.7% and a
dividend yield of 1%, the engine is 2e-4 off on a grid of 160 nodes, these are 8e-3 off.

Coefficients of all but W in the blended model are the same at all nodes, so that the factors of the elimination soon
are: from there on nothing is divided. A lane keeps its own as soon as they have settled, whatever the others do.
"""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import any_lane, fma, lanes_of, load, log, maximum, minimum, select, splat, store, whole
from notecalc.core.convertible._columns import (
    BEYOND,
    CALL_END,
    CALL_START,
    CARRY,
    CREDIT,
    FLOOR_END,
    FLOOR_START,
    LENGTH,
    RATE,
    VOLATILITY,
)
from notecalc.core.convertible._lanes_march import early_share_in_lanes, hold, release, set_step, spreads
from notecalc.core.convertible._lanes_memory import (
    AHEAD,
    ANEW,
    AT_TRIGGER,
    BARRED,
    BEND,
    BOTTOM,
    CARRIED,
    DISCOUNT,
    EXP_Y,
    FALL,
    FIRST_DECAY,
    FLOOR_RISE,
    FROM_NEW,
    GAIN,
    GROWTH,
    GUESS,
    GUESS_SIDE,
    HALF_VAR,
    HERE_OLD,
    HH,
    IMPLICIT_STEPS,
    LAST,
    LEAN,
    LOOKED,
    LOWER,
    MEAN,
    NOWHERE,
    OLD_LAST,
    OLD_SIDE,
    OWN,
    PART,
    PARTED,
    PASS,
    PIVOT,
    PRICE_RISE,
    REACH,
    SCALE,
    SECOND,
    SECOND_DECAY,
    SECOND_FALL,
    SECOND_GAIN,
    SECOND_PASS,
    SECOND_PIVOT,
    SHARE,
    SIDE,
    SLIP,
    SPARE,
    STEEP,
    STEPS_ASKED,
    STEPS_TAKEN,
    TOP,
    UPPER,
    ZERO,
    H,
    U,
    aim,
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
from notecalc.core.convertible._lanes_trigger import last_below, trigger_place
from notecalc.core.convertible._lanes_two_edge import find_edge_of_two, finish_two
from notecalc.core.convertible._lanes_two_root import end_second_at, look_at_second
from notecalc.core.convertible._steps import GRADED, GRADED_FROM

__all__: list[str] = []

_FAR: Final = 1e9  # nodes that no grid has
_ROUNDS: Final = 12  # of the blended model, at most: two or three are usual
_AGREED: Final = 2e-3  # of a cell: what is left is a hundredth of a change
_FADED: Final = 1e-5  # of what the second unknown changes by at an edge
_SETTLED: Final = 1e-26  # square of a change of a factor from node to node


def march_two(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, o: int, row: Any, nodes: int, zero: int,
    is_open: Any, barrier: Any, hard: Any, same: Any, blended: Any,
) -> None:  # fmt: skip
    """Carry both unknowns from the end of a segment to its start, told of the lanes what `march` is told."""
    zeros, one, half = splat(0.0, like), splat(1.0, like), splat(0.5, like)
    length = of(like, seg, o + LENGTH)
    graded = splat(GRADED, like) * early_share_in_lanes(like, seg, o)
    steps, implicit_steps = of(like, now, STEPS_ASKED), of(like, now, IMPLICIT_STEPS)
    put(now, STEPS_TAKEN, steps + half * implicit_steps)
    most, least = int(most_of(like, now, STEPS_TAKEN)), int(least_of(like, now, STEPS_TAKEN))
    even = length / (2.0 * steps)
    set_segment(like, now, seg, o, blended)
    tau, middle, hh, done, known, speed = zeros, zeros, zeros, zeros, 0, zeros
    for step in range(most):
        implicit = implicit_steps > splat(float(step), like)
        twice = select(implicit, one, one + one)
        done = done + select(implicit, half, one) / steps
        advance = length * done * (one - graded + graded * done) - tau
        idle = splat(float(step + 1), like) > of(like, now, STEPS_TAKEN)
        hh = select(idle, hh, select(graded > zeros, advance / twice, even))
        middle = select(idle, middle, tau + hh)
        moved_by = select(idle, even, select(graded > zeros, advance, even * twice))
        tau = select(idle, tau, tau + moved_by)
        put(now, HH, hh)
        set_step(like, now, seg, o, row, middle, tau, False)
        if hard:
            put(now, AT_TRIGGER, trigger_place(like, now, of(like, now, FROM_NEW), one))
        if step >= least:
            hold(like, grid, room, now, nodes, True)
        edge, old_side = of(like, now, LAST) + of(like, now, PART), of(like, now, SIDE)
        put(now, OLD_LAST, of(like, now, LAST))
        put(now, OLD_SIDE, old_side)
        stop = zero if barrier else nodes
        stop = min(stop, zero + reach(like, now, hard, blended))
        guess = maximum(edge + speed * moved_by, of(like, now, BOTTOM) + (1.0 + 1e-6))
        put(now, GUESS, minimum(guess, of(like, now, REACH) + one))
        set_weights(like, now, blended)
        if not (same and step > 0):
            known = factor(like, grid, room, now, nodes if same else min(stop + 1, nodes), not blended)
        if blended:
            eliminate_second(like, grid, room, now, stop, known)
            agree(like, grid, room, now, cells, nodes, zero, stop, known, twice, is_open, barrier, hard)
        else:
            eliminate_both(like, grid, room, now, stop, known)
            find_edge_of_two(
                like, grid, room, now, cells, nodes, zero, known, twice, is_open, barrier, hard, blended
            )  # fmt: skip
        finish_two(like, grid, room, now, cells, nodes, zero, known, twice, is_open, barrier, hard, blended)
        # Where dividends are paid the edge moves on as it did.
        speed = (of(like, now, LAST) + of(like, now, PART) - edge) / moved_by
        speed = select(of(like, now, SIDE) * old_side > zeros, speed, zeros)
        speed = select(of(like, now, CARRIED) < GRADED_FROM, zeros, speed)
        if step >= least:
            release(like, grid, room, now, nodes, idle, True)


def set_segment(like: Any, now: Any, seg: Any, o: int, blended: Any) -> None:
    """Set what stays the same in a segment."""
    half, h, vol = splat(0.5, like), of(like, now, H), of(like, seg, o + VOLATILITY)
    half_var = half * vol * vol
    put(now, HALF_VAR, half_var)
    put(now, BEND, half * h * h / half_var)
    put(now, LEAN, half * h * h / half_var * of(like, seg, o + CREDIT) / 3.0)
    put(now, SHARE, splat(0.0 if blended else 1.0, like))
    put(now, CARRIED, of(like, seg, o + CARRY))
    put(now, DISCOUNT, of(like, seg, o + RATE))
    put(now, PRICE_RISE, rise(like, seg, o, CALL_START, CALL_END))
    put(now, FLOOR_RISE, rise(like, seg, o, FLOOR_START, FLOOR_END))


def reach(like: Any, now: Any, hard: Any, blended: Any) -> int:
    """Set how far the edge may move in the step; give the place above all that may be read in any lane."""
    zeros, last, side = splat(0.0, like), of(like, now, LAST), of(like, now, SIDE)
    some = side * side
    if hard:  # it may end at a trigger, whatever that is from where it was
        last = select(zeros > side, maximum(last, last_below(like, of(like, now, AT_TRIGGER))), last)
    put(now, REACH, select(some > zeros, last + (BEYOND - 1.0), splat(_FAR, like)))
    # Where the second unknown does not end at the edge it is solved for up to the top.
    parted = side if blended else some
    put(now, AHEAD, select(parted > zeros, last + (BEYOND + 1.0), splat(_FAR, like)))
    return int(most_of(like, now, AHEAD))


def agree(
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, zero: int, stop: int, known: int, twice: Any,
    is_open: Any, barrier: Any, hard: Any,
) -> None:  # fmt: skip
    """Find the edge of the blended model, whose first unknown is discounted at what the second one says.

    Rounds go on until the edge is where the second unknown was taken to end. What that moves fades away below the edge,
    and is found anew from some nodes below it on. A lane that has settled keeps all it has, however long others take.
    """
    zeros, one = splat(0.0, like), splat(1.0, like)
    settled = zeros
    put(now, GUESS_SIDE, of(like, now, SIDE))
    put(now, ANEW, zeros)
    aim(like, cells, now, minimum(splat(float(known - 1 - zero), like), of(like, now, TOP) - one))
    faded = log(splat(_FADED, like)) / log(gather(like, grid, SECOND_PASS * room, cells, 0))
    for turn in range(_ROUNDS):
        solve_second(like, grid, room, now, cells, nodes, zero, stop, known, twice, barrier, turn > 0)
        eliminate_first(like, grid, room, now, stop, turn > 0)
        find_edge_of_two(like, grid, room, now, cells, nodes, zero, known, twice, is_open, barrier, hard, True)
        found, side, guess = of(like, now, LAST) + of(like, now, PART), of(like, now, SIDE), of(like, now, GUESS)
        # Only where it is converted does the second unknown end at the edge.
        parted, was = select(side > zeros, one, zeros), of(like, now, PARTED)
        change = (found - guess) * (found - guess) * parted
        same = select(change < _AGREED * _AGREED, one, zeros) * (one - (parted - was) * (parted - was))
        settled = maximum(settled, same)
        if not any_lane(settled < one):
            break
        near = select(change < one, parted * was, zeros)
        bottom = of(like, now, BOTTOM)
        anew = select(near > zeros, maximum(minimum(guess, found) - faded, bottom), bottom)
        put(now, ANEW, select(settled > zeros, splat(_FAR, like), anew))
        put(now, GUESS, select(settled > zeros, guess, found))
        put(now, GUESS_SIDE, select(settled > zeros, of(like, now, GUESS_SIDE), side))
        going = side * side * (one - settled)
        put(now, OLD_LAST, select(going > zeros, of(like, now, LAST), of(like, now, OLD_LAST)))
        put(now, OLD_SIDE, select(going > zeros, side, of(like, now, OLD_SIDE)))


def solve_second(
    like: Any, grid: Any, room: int, now: Any, cells: Any, nodes: int, zero: int, stop: int, known: int, twice: Any,
    barrier: Any, again: Any,
) -> None:  # fmt: skip
    """Substitute the second unknown downwards, from where it is taken to end; at the middle of the step, to SPARE.

    `again` if that has been done in the step, and only the nodes from ANEW on are to be done anew.
    """
    zeros, one, half, lanes = splat(0.0, like), splat(1.0, like), splat(0.5, like), lanes_of(like)
    more, halved, gains, barred = twice - 1.0, one / twice, SECOND_GAIN * room, of(like, now, BARRED)
    parted = select(of(like, now, GUESS_SIDE) > zeros, one, zeros)
    put(now, PARTED, parted)
    top = select(barred > zeros, zeros, of(like, now, TOP))
    aim(like, cells, now, top)
    at_level = more * load(grid, SECOND * room + zero * lanes, like) * halved
    at_top = select(barred > zeros, at_level, gather(like, grid, gains, cells, 0))
    keep = load(grid, SECOND_PASS * room + (known - 1) * lanes, like)
    way, first, anew = zeros, min(zero if barrier else nodes - 1, stop), of(like, now, ANEW)
    highest = zero if any_lane(barred > zeros) else last_common(like, now)  # no lane ends below
    end = min(zero + int(least_of(like, now, ANEW)), first) - 1 if again else -1
    put(now, LOOKED, splat(NOWHERE, like))
    if any_lane(parted > zeros):
        guess, bottom = of(like, now, GUESS), of(like, now, BOTTOM)
        last = minimum(maximum(zeros - whole(zeros - guess) - one, bottom + one), top - one)
        last = select(parted > zeros, last, top - one)
        look_at_second(like, grid, room, now, cells, last, -1, known, twice)
        part = guess - last
        here, next_one = end_second_at(like, now, part)
        steep = of(like, now, STEEP)
        at_last = (here + of(like, now, HERE_OLD)) * halved
        put(now, AHEAD, last)
        begin, first = first, max(zero + int(least_of(like, now, AHEAD)) - 1, end)
        ended = select(parted > zeros, last - half, splat(_FAR, like))
        for i in range(begin, first, -1):
            at, place = i * lanes, splat(float(i - zero), like)
            own = load(grid, SECOND_PASS * room + at, like) if i < known else keep
            way = fma(own, way, load(grid, gains + at, like))
            if i >= highest:
                way = select(top > place, way, at_top)
            away = place - last - part
            carried = select(away > one - part, steep * away, next_one)
            carried = (carried + more * load(grid, SECOND * room + at, like)) * halved
            # Carried beyond the edge it is below nothing; were the edge further out, it would not be.
            beyond = select(place > last + half, maximum(carried, zeros), at_last)
            way = select(place > ended, beyond, way)
            if again:
                way = select(anew > place, load(grid, SPARE * room + at, like), way)
            store(grid, SPARE * room + at, way)
    for i in range(first, end, -1):
        at, place = i * lanes, splat(float(i - zero), like)
        own = load(grid, SECOND_PASS * room + at, like) if i < known else keep
        way = fma(own, way, load(grid, gains + at, like))
        if i >= highest:
            way = select(top > place, way, at_top)
        if again:
            way = select(anew > place, load(grid, SPARE * room + at, like), way)
        store(grid, SPARE * room + at, way)


def eliminate_first(like: Any, grid: Any, room: int, now: Any, stop: int, again: Any) -> None:
    """Eliminate W upwards, discounted at a rate of each node's own; for `again` see `solve_second`."""
    one, zeros, lanes = splat(1.0, like), splat(0.0, like), lanes_of(like)
    lo, up, hh, growth = of(like, now, LOWER), of(like, now, UPPER), of(like, now, HH), of(like, now, GROWTH)
    slip, decay = of(like, now, SLIP), of(like, now, FIRST_DECAY)
    scale, carry, credit = hh * of(like, now, SCALE), of(like, now, CARRIED), of(like, now, OWN)
    spread = hh * credit
    gain, keep, begin = zeros, zeros, 0
    bottom, top, zero = of(like, now, BOTTOM), of(like, now, TOP), int(most_of(like, now, ZERO))
    first, last = first_common(like, now), last_common(like, now)
    if again:
        begin = min(zero + int(least_of(like, now, ANEW)), stop)
        if begin > 0:
            at = (begin - 1) * lanes
            gain, keep = load(grid, GAIN * room + at, like), load(grid, PASS * room + at, like)
    for i in range(begin, stop):
        at = i * lanes
        second = load(grid, SPARE * room + at, like)
        lost = scale * (carry + credit * second)
        right = fma(-lost, load(grid, EXP_Y * room + at, like), load(grid, U * room + at, like))
        low, high, total = lo, up, decay + lo + up
        if i <= first:
            inside = splat(float(i - zero), like) > bottom
            low, high = select(inside, lo, zeros), select(inside, up, slip)
            total = select(inside, total, decay + slip)
        elif i >= last:
            inside = top > splat(float(i - zero), like)
            low, high = select(inside, lo, zeros - slip * growth), select(inside, up, zeros)
            total = select(inside, total, decay - slip * growth)
        pivot = one / fma(-low, keep, fma(spread, second, total))
        if i < first or i > last:
            pivot = select(is_blank(like, now, i), zeros, pivot)
        keep, gain = high * pivot, fma(low, gain, right) * pivot
        store(grid, PASS * room + at, keep)
        store(grid, GAIN * room + at, gain)


def factor(like: Any, grid: Any, room: int, now: Any, nodes: int, both: Any) -> int:
    """Set the factors of the elimination of `both`, or of the second alone.

    Gives how many nodes have their own: those above share the last one's. They are those of `nodes` nodes but the last,
    though a step may need fewer: later steps, and other lanes, need more.
    """
    lanes = lanes_of(like)
    one, zeros = splat(1.0, like), splat(0.0, like)
    lo, up, slip = of(like, now, LOWER), of(like, now, UPPER), of(like, now, SLIP)
    decay, second_decay = of(like, now, FIRST_DECAY), of(like, now, SECOND_DECAY)
    keep, pivot, second_keep, second_pivot, settled = zeros, zeros, zeros, zeros, zeros
    bottom, zero, first = of(like, now, BOTTOM), most_of(like, now, ZERO), first_common(like, now)
    for i in range(nodes - 1):
        at = i * lanes
        low, high = lo, up
        if i <= first:
            # At the ends, of each lane its own, W is a line in S, whose second derivative is nothing.
            inside = splat(float(i - zero), like) > bottom
            low, high = select(inside, lo, zeros), select(inside, up, slip)
        before, second_before = keep, second_keep
        if both:
            pivot = select(settled > zeros, pivot, one / fma(-low, keep, decay + low + high))
        second_pivot = select(settled > zeros, second_pivot, one / fma(-low, second_keep, second_decay + low + high))
        if i < first:
            blank = is_blank(like, now, i)
            pivot, second_pivot = select(blank, zeros, pivot), select(blank, zeros, second_pivot)
        if both:
            keep = select(settled > zeros, keep, high * pivot)
            store(grid, PIVOT * room + at, pivot)
            store(grid, FALL * room + at, low * pivot)
            store(grid, PASS * room + at, keep)
        second_keep = select(settled > zeros, second_keep, high * second_pivot)
        store(grid, SECOND_PIVOT * room + at, second_pivot)
        store(grid, SECOND_FALL * room + at, low * second_pivot)
        store(grid, SECOND_PASS * room + at, second_keep)
        change, second_change = keep - before, second_keep - second_before
        alike = maximum(change * change, second_change * second_change) < _SETTLED
        if i <= first:
            alike = alike & (splat(float(i - zero), like) > bottom)
        settled = select(alike, one, settled)
        if i > first and not any_lane(settled < one):
            return i + 1
    return nodes - 1


def eliminate_both(like: Any, grid: Any, room: int, now: Any, stop: int, known: int) -> None:
    """Eliminate both upwards, W less the cash part and the cash part: each node in terms of the next."""
    lanes = lanes_of(like)
    lost = -of(like, now, HH) * of(like, now, SCALE) * of(like, now, CARRIED)
    gain, second_gain, pivot, second_pivot = splat(0.0, like), splat(0.0, like), splat(0.0, like), splat(0.0, like)
    fall, second_fall = pivot, second_pivot
    for i in range(stop):
        at = i * lanes
        second = load(grid, SECOND * room + at, like)
        right = fma(lost, load(grid, EXP_Y * room + at, like), load(grid, U * room + at, like) - second)
        if i < known:
            pivot, fall = load(grid, PIVOT * room + at, like), load(grid, FALL * room + at, like)
            second_pivot = load(grid, SECOND_PIVOT * room + at, like)
            second_fall = load(grid, SECOND_FALL * room + at, like)
        gain, second_gain = fma(fall, gain, right * pivot), fma(second_fall, second_gain, second * second_pivot)
        store(grid, GAIN * room + at, gain)
        store(grid, SECOND_GAIN * room + at, second_gain)
    top, zero = of(like, now, TOP), most_of(like, now, ZERO)
    low = -of(like, now, SLIP) * of(like, now, GROWTH)
    for i in range(last_common(like, now), stop):
        at, below = i * lanes, (min(known, i) - 1) * lanes
        inside = top > splat(float(i - zero), like)
        second, before = load(grid, SECOND * room + at, like), load(grid, GAIN * room + at - lanes, like)
        right = fma(lost, load(grid, EXP_Y * room + at, like), load(grid, U * room + at, like) - second)
        keep = load(grid, PASS * room + below, like)
        gain = fma(low, before, right) / fma(-low, keep, of(like, now, FIRST_DECAY) + low)
        store(grid, GAIN * room + at, select(inside, load(grid, GAIN * room + at, like), gain))
        end_second(like, grid, room, now, at, below, inside)


def eliminate_second(like: Any, grid: Any, room: int, now: Any, stop: int, known: int) -> None:
    """Eliminate the second unknown alone upwards."""
    lanes = lanes_of(like)
    gain, pivot, fall = splat(0.0, like), splat(0.0, like), splat(0.0, like)
    for i in range(stop):
        at = i * lanes
        if i < known:
            pivot, fall = load(grid, SECOND_PIVOT * room + at, like), load(grid, SECOND_FALL * room + at, like)
        gain = fma(fall, gain, load(grid, SECOND * room + at, like) * pivot)
        store(grid, SECOND_GAIN * room + at, gain)
    top, zero = of(like, now, TOP), most_of(like, now, ZERO)
    for i in range(last_common(like, now), stop):
        inside = top > splat(float(i - zero), like)
        end_second(like, grid, room, now, i * lanes, (min(known, i) - 1) * lanes, inside)


def end_second(like: Any, grid: Any, room: int, now: Any, at: int, below: int, inside: Any) -> None:
    """Eliminate the second unknown at a node in memory that is the last of lanes which it is not `inside`."""
    low, gains = -of(like, now, SLIP) * of(like, now, GROWTH), SECOND_GAIN * room
    keep, before = load(grid, SECOND_PASS * room + below, like), load(grid, gains + at - lanes_of(like), like)
    gain = fma(low, before, load(grid, SECOND * room + at, like)) / fma(-low, keep, of(like, now, SECOND_DECAY) + low)
    store(grid, gains + at, select(inside, load(grid, gains + at, like), gain))


def set_weights(like: Any, now: Any, blended: Any) -> None:
    """Set what nodes take from their neighbours in a half step, and what both unknowns are discounted by."""
    h, hh, mean = of(like, now, H), of(like, now, HH), of(like, now, MEAN)
    lo, up = spreads(like, mean, of(like, now, HALF_VAR), hh, h)
    decay = 1.0 + hh * of(like, now, DISCOUNT)
    put(now, LOWER, lo)
    put(now, UPPER, up)
    put(now, FIRST_DECAY, decay)
    put(now, SECOND_DECAY, splat(1.0, like) if blended else decay + hh * of(like, now, OWN))
    put(now, SLIP, hh * mean / (of(like, now, GROWTH) - 1.0))
