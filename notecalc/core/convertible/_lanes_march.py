r"""One segment of time, backwards, for as many rows at once as a vector has lanes.

The scheme is that of `_march`, whose docstring derives it, and so are the names: each number there is a vector here,
a decision is a choice between two vectors, and the free edge is looked for in all lanes at once. Lanes never mix, so
that a row's value is the same to the last bit whatever its neighbours are.

Node i of an array starts at i times the number of lanes. Factors of the elimination are kept where they stay the same:
in all steps of a segment whose level and steps stay.
"""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import (
    exp,
    fma,
    lanes_of,
    load,
    log,
    maximum,
    minimum,
    select,
    splat,
    sqrt,
    store,
)
from notecalc.core.convertible._columns import (
    AYACHE_FORSYTH_VETZAL,
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
    GOLDMAN_SACHS,
    LENGTH,
    LEVEL_END,
    LEVEL_START,
    RATE,
    RATIO,
    RECOVERY,
    REFERENCE,
    TRIGGER,
    TSIVERIOTIS_FERNANDES,
    VOLATILITY,
)

__all__: list[str] = []

# ---- arrays over nodes ----
U: Final = 0  # what the note is worth above its shares
B: Final = 1  # the second unknown
EXP_Y: Final = 2  # stock price over the level
POWER: Final = 3  # the same to the power of minus the elasticity
GAIN: Final = 4  # w[i] = GAIN[i] + PASS[i] w[i + 1]; on a day, what is to be added to U
PASS: Final = 5  # on a day, what is to be added to B
PIVOT: Final = 6
FALL: Final = 7  # GAIN[i] = PIVOT[i] right[i] + FALL[i] GAIN[i - 1]
SECOND: Final = 8  # the second unknown at the middle of the step
GAIN_B: Final = 9
PASS_B: Final = 10
SPARE: Final = 11
ARRAYS: Final = 12

# ---- numbers of a grid, a segment, a step and the edge, a vector each ----
H: Final = 0
HH: Final = 1
NEW: Final = 2
MIDDLE: Final = 3
SCALE: Final = 4  # shares times level at the middle of the step
MEAN: Final = 5  # drift of y but for default and spread
SCALE_NEW: Final = 6  # at its end
FLOOR_NEW: Final = 7
FLOOR_RISE: Final = 8
LEAST_NEW: Final = 9  # under which a call brings nobody: the floor where conversion is open
PRICE_NEW: Final = 10
PRICE_RISE: Final = 11
FROM_NEW: Final = 12  # of exp_y: the soft call's trigger
CARRIED: Final = 13
DISCOUNT: Final = 14  # risk-free rate
OWN: Final = 15  # hazard rate at the level, or spread
KEPT: Final = 16
CLAIM: Final = 17
HALF_VAR: Final = 18
BEND: Final = 19  # h^2 / 2 over half_var
LAST: Final = 20
PART: Final = 21
SIDE: Final = 22
FOUND: Final = 23
OLD_LAST: Final = 24
OLD_SIDE: Final = 25
GUESS: Final = 26
MISS: Final = 27
TURN_SIDE: Final = 28
DROPPED: Final = 29
MOST: Final = 30
AHEAD: Final = 31
EDGE_W: Final = 32
EDGE_Z: Final = 33
TMP: Final = 34
TMP2: Final = 35
BEYOND_FROM: Final = 36
G_LAST: Final = 37
G_PART: Final = 38
G_SIDE: Final = 39
TMP3: Final = 40
GROWTH: Final = 41  # of the stock from a node to the next
NUMBERS: Final = 42

_BEYOND = 6
_GRADED = 0.5
_GRADED_FROM = 0.02
_TINY = 1e-300
_LEAST_PART = 1e-6
_NEVER = 1e300
IMPLICIT = 2  # steps of half the length with which a segment begins


def of(like: Any, numbers: Any, k: int) -> Any:
    """Give a number of each lane."""
    return load(numbers, k * lanes_of(like), like)


def put(numbers: Any, k: int, vector: Any) -> None:
    """Keep it."""
    store(numbers, k * lanes_of(vector), vector)


def most_of(like: Any, numbers: Any, k: int) -> Any:
    """Give the greatest of the lanes' numbers."""
    most = numbers[k * lanes_of(like)]
    for lane in range(1, lanes_of(like)):
        most = max(most, numbers[k * lanes_of(like) + lane])
    return most


def least_of(like: Any, numbers: Any, k: int) -> Any:
    """Give the least of them."""
    least = numbers[k * lanes_of(like)]
    for lane in range(1, lanes_of(like)):
        least = min(least, numbers[k * lanes_of(like) + lane])
    return least


def aim(like: Any, cells: Any, now: Any, node: Any) -> None:
    """Set where `gather` reads: at a node of its own for each lane."""
    put(now, TMP, node)
    for lane in range(lanes_of(like)):
        cells[lane] = int(now[TMP * lanes_of(like) + lane]) * lanes_of(like) + lane


def gather(like: Any, grid: Any, array: int, cells: Any, shift: int, now: Any) -> Any:
    """Read an array at the node aimed at, or `shift` nodes above it."""
    for lane in range(lanes_of(like)):
        now[TMP2 * lanes_of(like) + lane] = grid[array + cells[lane] + shift * lanes_of(like)]
    return of(like, now, TMP2)


def along(like: Any, seg: Any, o: int, start: int, end: int, tau: Any) -> Any:
    """Give a number that runs in a line from the start to the end of a segment, at a time back from the end."""
    last = of(like, seg, o + end)
    return last + (of(like, seg, o + start) - last) * tau / of(like, seg, o + LENGTH)


def rise(like: Any, seg: Any, o: int, start: int, end: int) -> Any:
    """Give its slope in time."""
    return (of(like, seg, o + end) - of(like, seg, o + start)) / of(like, seg, o + LENGTH)


def march(
    like: Any,
    grid: Any,
    room: int,
    now: Any,
    cells: Any,
    seg: Any,
    o: int,
    row: Any,
    model: int,
    nodes: int,
    zero: int,
    steps: int,
    is_open: Any,
    is_call: Any,
    early: Any,
    hard: Any,
    same: Any,
    elastic: Any,
) -> None:
    """Carry both unknowns from the end of a segment to its start; `same` if all steps have the same factors."""
    zeros, one, half = splat(0.0, like), splat(1.0, like), splat(0.5, like)
    length = of(like, seg, o + LENGTH)
    graded = splat(_GRADED, like) * minimum(maximum(of(like, seg, o + CARRY) / (_GRADED_FROM), zeros), one)
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
    tau, done = zeros, 0.0
    for step in range(steps + IMPLICIT // 2):
        implicit = step < IMPLICIT
        done += 0.5 / steps if implicit else 1.0 / steps
        twice = 1.0 if implicit else 2.0
        advance = length * (done) * (one - graded + graded * (done)) - tau
        hh = select(graded > zeros, advance / (twice), even)
        tau_new = select(graded > zeros, tau + advance, tau + even * (twice))
        tau_middle = tau + hh
        put(now, HH, hh)
        set_step(like, now, seg, o, row, model, tau_middle, tau_new, is_open, elastic)
        tau = tau_new
        put(now, OLD_LAST, of(like, now, LAST))
        put(now, OLD_SIDE, of(like, now, SIDE))
        stop = zero if is_open and is_call else nodes
        eliminate(like, grid, room, now, model, nodes, stop, elastic, not (same and step > 0))
        find_edge(like, grid, room, now, cells, model, nodes, zero, twice, is_open, is_call, early, hard, elastic)
        finish(like, grid, room, now, cells, model, nodes, zero, twice, is_open, is_call, hard, elastic)


def set_step(
    like: Any, now: Any, seg: Any, o: int, row: Any, model: int, middle: Any, new: Any, is_open: Any, elastic: Any
) -> None:
    level = along(like, seg, o, LEVEL_START, LEVEL_END, middle)
    level_new = along(like, seg, o, LEVEL_START, LEVEL_END, new)
    ratio = of(like, seg, o + RATIO)
    floor = along(like, seg, o, FLOOR_START, FLOOR_END, new)
    put(now, SCALE, ratio * level)
    put(now, SCALE_NEW, ratio * level_new)
    put(
        now,
        MEAN,
        of(like, seg, o + RATE) - of(like, seg, o + CARRY) - rise(like, seg, o, LEVEL_START, LEVEL_END) / level,
    )
    put(now, FLOOR_NEW, floor)
    put(now, LEAST_NEW, floor if is_open else splat(-_NEVER, like))
    put(now, PRICE_NEW, along(like, seg, o, CALL_START, CALL_END, new))
    put(now, FROM_NEW, of(like, seg, o + TRIGGER) * (1.0 - 1e-12) / level_new)
    own = of(like, seg, o + CREDIT)
    if model == AYACHE_FORSYTH_VETZAL:
        if elastic:
            own = own * exp((splat(0.0, like) - of(like, row, ELASTICITY)) * log(level / of(like, row, REFERENCE)))
        put(now, KEPT, (splat(1.0, like) - of(like, row, DROP)) * ratio * level if is_open else splat(0.0, like))
        put(now, CLAIM, of(like, row, RECOVERY) * along(like, seg, o, CLAIM_START, CLAIM_END, middle))
    put(now, OWN, own)


def sources(like: Any, now: Any, model: int, stock: Any, own: Any, second: Any) -> Any:
    """Give, at a node, what holding the shares loses per year, what is taken from W, its discount rate, and the lean.

    `own` is the hazard rate there, or the spread; the lean is what the second unknown adds to the second, per unit.
    """
    carry, scale, rate = of(like, now, CARRIED), of(like, now, SCALE), of(like, now, DISCOUNT)
    shares = scale * stock
    if model == AYACHE_FORSYTH_VETZAL:
        cost = (carry + own * of(like, now, DROPPED)) * shares
        return (
            cost,
            cost - own * maximum(of(like, now, KEPT) * stock, of(like, now, CLAIM)),
            rate + own,
            splat(0.0, like),
        )
    if model == TSIVERIOTIS_FERNANDES:
        cost = carry * shares
        return cost, cost + own * second, rate, own
    cost = (carry + own * second) * shares
    return cost, cost, rate + own * second, own * shares


def spreads(like: Any, mean: Any, half_var: Any, hh: Any, h: Any) -> Any:
    """Give what a node takes from the one below it and the one above it in a half step."""
    half = splat(0.5, like)
    spread = maximum(half_var, maximum(mean, splat(0.0, like) - mean) * half * h / (splat(1.0, like) - half * h))
    away, along_mean = hh * spread / (h * h), half * hh * (mean - spread) / h
    return away - along_mean, away + along_mean


def eliminate(  # noqa: PLR0915 (a recurrence)
    like: Any, grid: Any, room: int, now: Any, model: int, nodes: int, stop: int, elastic: Any, fresh: Any
) -> None:
    """Eliminate the first unknown upwards: each node in terms of the next. Unless `fresh`, factors are those kept.

    What stays the same from node to node is read once: the compiler cannot know that no store changes it.
    """
    lanes = lanes_of(like)
    one, zeros = splat(1.0, like), splat(0.0, like)
    h, hh, mean, half_var, rate, growth = (
        of(like, now, H), of(like, now, HH), of(like, now, MEAN), of(like, now, HALF_VAR), of(like, now, DISCOUNT),
        of(like, now, GROWTH),
    )  # fmt: skip
    own, carry, scale, dropped = (
        of(like, now, OWN),
        of(like, now, CARRIED),
        of(like, now, SCALE),
        of(like, now, DROPPED),
    )
    kept, claim, guess = of(like, now, KEPT), of(like, now, CLAIM), of(like, now, G_LAST)
    by_default, blended = model == AYACHE_FORSYTH_VETZAL, model == GOLDMAN_SACHS
    level_own, level_mean, drop = own, mean, one - dropped
    lost = -hh * scale * (carry + own * dropped) if by_default else -hh * scale * carry
    gained, least = hh * own * kept, hh * own * claim
    drain = -hh * own * scale if blended else -hh * own
    if by_default:
        mean = level_mean + drop * own
    lo, up = spreads(like, mean, half_var, hh, h)
    decay = one + hh * (rate + own) if by_default else one + hh * rate
    whole = decay + lo + up
    slip = hh / (growth - 1.0)
    gain, keep = zeros, zeros
    for i in range(stop):
        at = i * lanes
        stock, right = load(grid, EXP_Y * room + at, like), load(grid, U * room + at, like)
        if elastic:
            own = level_own * load(grid, POWER * room + at, like)
            lost, gained, least = -hh * scale * (carry + own * dropped), hh * own * kept, hh * own * claim
        if by_default:
            right = fma(lost, stock, right) + maximum(gained * stock, least)
        else:
            second = load(grid, SECOND * room + at, like)
            second = select(guess < float(i), maximum(second, zeros), second)
            right = fma(lost, stock, right) + drain * second * (stock if blended else one)
            if blended:
                decay = one + hh * (rate + level_own * second)
        if fresh:
            if elastic:
                mean = level_mean + drop * own
                lo, up = spreads(like, mean, half_var, hh, h)
                decay = one + hh * (rate + own)
            if elastic or blended:
                whole = decay + lo + up
            low, high, total = lo, up, whole
            if i == 0:
                # At the ends W is a line in S, whose second derivative is nothing.
                low, high, total = zeros, slip * mean, decay + slip * mean
            elif i == nodes - 1:
                low, high = -slip * mean * growth, zeros
                total = decay + low
            pivot = 1.0 / fma(-low, keep, total)
            keep, fall = high * pivot, low * pivot
            store(grid, PASS * room + at, keep)
            store(grid, PIVOT * room + at, pivot)
            store(grid, FALL * room + at, fall)
        else:
            pivot, fall = load(grid, PIVOT * room + at, like), load(grid, FALL * room + at, like)
        gain = fma(fall, gain, right * pivot)
        store(grid, GAIN * room + at, gain)


def bound_at(like: Any, now: Any, side: Any, stock: Any) -> Any:
    """Give the bound on W at the end of the step."""
    called = maximum(of(like, now, PRICE_NEW) - of(like, now, SCALE_NEW) * stock, of(like, now, LEAST_NEW))
    return select(side > splat(0.0, like), of(like, now, FLOOR_NEW), called)


def unit_bend(
    like: Any, now: Any, side: Any, cost: Any, source: Any, decay: Any, lean: Any, here: Any, second: Any
) -> Any:
    """Give h^2 / 2 times the second derivative of the distance from the bound; see `_march.unit_bend`."""
    converted = source + decay * of(like, now, FLOOR_NEW) - of(like, now, FLOOR_RISE)
    called = of(like, now, PRICE_RISE) - decay * of(like, now, PRICE_NEW) + cost - source
    g = select(side > splat(0.0, like), converted, called)
    g = g + side * lean * (second / 3.0 - maximum(here, splat(0.0, like)))
    return g * of(like, now, BEND)


def place_edge(
    like: Any, grid: Any, room: int, now: Any, cells: Any, model: int, side: Any, node: Any, twice: float, elastic: Any
) -> Any:
    """Tell where the bound is touched, if a node is the last before it; see `_march.place_edge`."""
    aim(like, cells, now, node)
    zeros, one, two, more = splat(0.0, like), splat(1.0, like), splat(2.0, like), splat(twice - 1.0, like)
    stock = gather(like, grid, EXP_Y * room, cells, 0, now)
    stock_next = stock * of(like, now, GROWTH)
    own = of(like, now, OWN)
    if elastic:
        own = own * gather(like, grid, POWER * room, cells, 0, now)
    here, beside = zeros, zeros
    if model != AYACHE_FORSYTH_VETZAL:
        here, beside = (
            gather(like, grid, SECOND * room, cells, 0, now),
            gather(like, grid, SECOND * room, cells, 1, now),
        )
    counted = select(node > of(like, now, G_LAST), maximum(here, zeros), here)
    cost, source, decay, lean = sources(like, now, model, stock, own, counted)
    c = gather(like, grid, PASS * room, cells, 0, now)
    free = (
        splat(twice, like) * gather(like, grid, GAIN * room, cells, 0, now)
        - more * gather(like, grid, U * room, cells, 0, now)
        + c * (more * gather(like, grid, U * room, cells, 1, now) + bound_at(like, now, side, stock_next))
    )
    distance = side * (free - bound_at(like, now, side, stock))
    unit = unit_bend(like, now, side, cost, source, decay, lean, here, here)
    beyond = c * maximum(unit_bend(like, now, side, cost, source, decay, lean, here, beside), zeros)
    root = sqrt(maximum(unit * (beyond + distance) - beyond * distance, zeros))
    part = (beyond + distance) / maximum(beyond + root, splat(_TINY, like))
    part = select(distance > zeros - beyond, part, zeros - one)
    part = select(unit > distance, part, two)
    flat = select(distance > zeros, two, zeros - one)
    return distance, select(unit > splat(_TINY, like), part, flat)


def find_edge(  # noqa: PLR0915 (decisions as choices)
    like: Any,
    grid: Any,
    room: int,
    now: Any,
    cells: Any,
    model: int,
    nodes: int,
    zero: int,
    twice: float,
    is_open: Any,
    is_call: Any,
    early: Any,
    hard: Any,
    elastic: Any,
) -> None:
    """Find the edge, first where it was before the step, then outwards or inwards from there."""
    zeros, one = splat(0.0, like), splat(1.0, like)
    barrier = is_open and is_call
    last_node = zero - 1 if barrier else nodes - 1
    top = splat(float(last_node), like)
    if not (hard or (early and is_open)):
        put(now, LAST, top)
        put(now, PART, one)
        put(now, SIDE, zeros)
        return
    side, node = of(like, now, OLD_SIDE), of(like, now, OLD_LAST)
    had = select(side * side > zeros, one, zeros)
    put(now, FOUND, splat(2.0, like))
    put(now, AHEAD, had)
    if least_of(like, now, AHEAD) == 0.0:
        entered = side
        for which in range(2):
            if early and is_open if which == 0 else hard:
                sign = one if which == 0 else zeros - one
                distance, part = place_edge(like, grid, room, now, cells, model, sign, top, twice, elastic)
                near = select(one > part, one, zeros) if barrier else select(zeros > distance, one, zeros)
                if which == 1:
                    near = select(
                        of(like, now, FROM_NEW) > load(grid, EXP_Y * room + last_node * lanes_of(like), like),
                        zeros,
                        near,
                    )
                entered = select(entered * entered > zeros, entered, near * sign)
        node, side = select(had > zeros, node, top), select(had > zeros, side, entered)
        put(now, AHEAD, side * side)
    if most_of(like, now, AHEAD) == 0.0:
        put(now, LAST, top)
        put(now, PART, one)
        put(now, SIDE, zeros)
        return
    # Lanes without an edge look at their top, and stay.
    some = select(side * side > zeros, one, zeros)
    way = zeros
    part = one
    for _ in range(nodes):
        _, part = place_edge(like, grid, room, now, cells, model, select(some > zeros, side, one), node, twice, elastic)
        outwards = select(part > one, select(top > node, one, zeros), zeros)
        outwards = select(zeros > way, zeros, outwards)
        inwards = select(part > zeros, zeros, select(node > zeros, one, zeros))
        inwards = select(way > zeros, zeros, inwards)
        if hard:
            aim(like, cells, now, maximum(node - one, zeros))
            lower = gather(like, grid, EXP_Y * room, cells, 0, now)
            barred = select(of(like, now, FROM_NEW) > lower, one, zeros)
            inwards = select(side > zeros, inwards, select(barred > zeros, zeros, inwards))
        go = (outwards - inwards) * some
        way = select(way * way > zeros, way, go)
        node = node + go
        put(now, AHEAD, go * go)
        if most_of(like, now, AHEAD) == 0.0:
            break
    gone = select(part > one, select(top > node, zeros, select(zeros > way, zeros, one)), zeros)
    some = some * (one - gone)
    put(now, FOUND, select(some > zeros, part, splat(2.0, like)))
    put(now, LAST, select(some > zeros, node, top))
    put(now, PART, select(some > zeros, minimum(maximum(part, splat(_LEAST_PART, like)), one), one))
    put(now, SIDE, side * some)


def finish(  # noqa: C901, PLR0912, PLR0915 (decisions as choices)
    like: Any,
    grid: Any,
    room: int,
    now: Any,
    cells: Any,
    model: int,
    nodes: int,
    zero: int,
    twice: float,
    is_open: Any,
    is_call: Any,
    hard: Any,
    elastic: Any,
) -> None:
    """Substitute downwards from the edge, and carry the solution beyond it."""
    zeros, one, more, double = splat(0.0, like), splat(1.0, like), splat(twice - 1.0, like), splat(twice, like)
    barrier = is_open and is_call
    u, stocks, gains, passes, seconds = U * room, EXP_Y * room, GAIN * room, PASS * room, SECOND * room
    side, part, found = of(like, now, SIDE), of(like, now, PART), of(like, now, FOUND)
    some = side * side
    last = of(like, now, LAST)
    put(now, AHEAD, some)
    least, price, floor, scale = (
        of(like, now, LEAST_NEW),
        of(like, now, PRICE_NEW),
        of(like, now, FLOOR_NEW),
        of(like, now, SCALE_NEW),
    )
    end = min(nodes, zero + _BEYOND + 1) if barrier else nodes
    if most_of(like, now, AHEAD) == 0.0:
        if barrier:
            w = (floor + more * load(grid, u + zero * lanes_of(like), like)) / double
            for i in range(zero, end):
                store(grid, u + i * lanes_of(like), floor)
            first = zero - 1
        else:
            at = (nodes - 1) * lanes_of(like)
            w = load(grid, gains + at, like)
            store(grid, u + at, double * w - more * load(grid, u + at, like))
            first = nodes - 2
    else:
        # What the lanes with an edge have at it; the others have theirs at the level, or at the top.
        aim(like, cells, now, last)
        stock, gain, passed = (
            gather(like, grid, stocks, cells, 0, now),
            gather(like, grid, gains, cells, 0, now),
            gather(like, grid, passes, cells, 0, now),
        )
        here, old, old_next = (
            gather(like, grid, seconds, cells, 0, now),
            gather(like, grid, u, cells, 0, now),
            gather(like, grid, u, cells, 1, now),
        )
        beside = gather(like, grid, seconds, cells, 1, now)
        own = of(like, now, OWN)
        if elastic:
            own = own * gather(like, grid, POWER * room, cells, 0, now)
        if model == AYACHE_FORSYTH_VETZAL:
            here, beside = zeros, zeros
        counted = select(last > of(like, now, G_LAST), maximum(here, zeros), here)
        cost, source, decay, lean = sources(like, now, model, stock, own, counted)
        touching = select(one > found, one, zeros)
        base = unit_bend(like, now, side, cost, source, decay, lean, here, zeros)
        slant = side * lean / 3.0 * of(like, now, BEND)
        away = one - part
        next_bound = bound_at(like, now, side, stock * of(like, now, GROWTH))
        bent = touching * side * maximum(base + slant * beside, zeros) * away * away
        z = double * gain - more * old + passed * (next_bound + bent + more * old_next)
        z = select(found > zeros, z, bound_at(like, now, side, stock))
        if barrier:
            aim(like, cells, now, splat(float(zero), like))
            z = select(some > zeros, z, floor)
            old = select(some > zeros, old, load(grid, u + zero * lanes_of(like), like))
            last = select(some > zeros, last, splat(float(zero), like))
        else:
            z = select(some > zeros, z, double * gain - more * old)
        at_last = (z + more * old) / double
        side_or = select(some > zeros, side, one)
        put(now, AHEAD, last)
        first = int(least_of(like, now, AHEAD)) - 1
        w = zeros
        half = splat(0.5, like)
        for i in range(end - 1, first, -1):
            at = i * lanes_of(like)
            place, stock, old = splat(float(i), like), load(grid, stocks + at, like), load(grid, u + at, like)
            w = load(grid, gains + at, like) + load(grid, passes + at, like) * w
            beyond = bound_at(like, now, side_or, stock)
            away = place - last - part
            bent = touching * side * maximum(base + slant * load(grid, seconds + at, like), zeros) * away * away
            beyond = beyond + select(place - last > splat(_BEYOND + 0.5, like), zeros, bent)
            free = double * w - more * old
            if is_open:
                free = maximum(free, floor)
            if hard:
                cap = maximum(price - scale * stock, least)
                free = select(of(like, now, FROM_NEW) > stock, free, minimum(free, cap))
            new = select(place > last - half, z, free)
            new = select(place > last + half, beyond, new)
            w = select(place > last - half, at_last, w)
            store(grid, u + at, new)
    from_ = of(like, now, FROM_NEW)
    for i in range(first, -1, -1):
        at = i * lanes_of(like)
        w = load(grid, gains + at, like) + load(grid, passes + at, like) * w
        new = double * w - more * load(grid, u + at, like)
        if is_open:
            new = maximum(new, floor)
        if hard:
            stock = load(grid, stocks + at, like)
            new = select(from_ > stock, new, minimum(new, maximum(price - scale * stock, least)))
        store(grid, u + at, new)
