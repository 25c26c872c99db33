r"""Whether both unknowns end in the cell after a node, and where: one equation, solved in all lanes at once.

The cash part is nothing at the edge, and W is on its bound, which it touches smoothly. Below a node i before the edge
both have been eliminated. With the edge a part z of a cell above node i, the cash part at i is z times a ratio of
polynomials in z, and that at i + 1 lies on the parabola through those at i - 1, i and the edge. So the distance of W
from its bound at i is a function of z alone; that it be on the parabola by which W leaves its bound makes an equation
with one root; where it has none in the cell, its sign tells whether the edge lies further out, or further in.
"""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import (
    any_lane,
    lanes_of,
    load,
    maximum,
    minimum,
    select,
    splat,
    sqrt,
)
from notecalc.core.convertible._lanes_edge import bound_at
from notecalc.core.convertible._lanes_memory import (
    ADDED,
    BEND,
    BOUND_HERE,
    CARRIED,
    CLEAR,
    CLEAR_PASS,
    CURVE,
    DISCOUNT,
    EXP_Y,
    FAR_SIDE,
    FLOOR_NEW,
    FLOOR_RISE,
    FREE,
    GAIN,
    GROWTH,
    HERE_MIDDLE,
    HERE_NEW,
    HERE_OLD,
    HH,
    LEAN,
    LEAN_HERE,
    LOOKED,
    LOWER,
    LOWER_GAIN,
    LOWER_PASS,
    MISSED,
    NEAR_SIDE,
    NEXT_MIDDLE,
    NEXT_NEW,
    NEXT_OLD,
    NOWHERE,
    OWN,
    PASS,
    PASSED,
    PRICE_NEW,
    PRICE_RISE,
    SCALE,
    SECOND,
    SECOND_DECAY,
    SECOND_GAIN,
    SECOND_PASS,
    SHARES,
    SPARE,
    STEEP,
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
    gather,
    of,
    put,
)

__all__: list[str] = []

_TINY: Final = 1e-300
_LEAST_PART: Final = 1e-6
_SETTLED: Final = 1e-4  # of a cell: what is left after the last parabola is far less
_ROUNDS: Final = 12  # for the root within a cell, at most: two are usual


def peek(like: Any, grid: Any, array: int, cells: Any, shift: int, common: int) -> Any:
    """Read an array near the node aimed at, or near a common one, which is faster."""
    if common >= 0:
        return load(grid, array + (common + shift) * lanes_of(like), like)
    return gather(like, grid, array, cells, shift)


def look(
    like: Any, grid: Any, room: int, now: Any, cells: Any, side: Any, node: Any, common: int, known: int, twice: Any,
    blended: Any,
) -> None:  # fmt: skip
    """Set what `miss` needs to know of a node, taken for the last before the edge: each lane's own, or a common one."""
    one, zeros, more, most = splat(1.0, like), splat(0.0, like), twice - 1.0, known - 1.0 - of(like, now, ZERO)
    off = node - of(like, now, LOOKED)
    if not blended or common >= 0 or any_lane(off * off > zeros):
        look_at_second(like, grid, room, now, cells, node, common, known, twice)
    if common < 0:
        aim(like, cells, now, node)
    stock = peek(like, grid, EXP_Y * room, cells, 0, common)
    old, old_next = peek(like, grid, U * room, cells, 0, common), peek(like, grid, U * room, cells, 1, common)
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
        ahead = more * old_next - of(like, now, NEXT_OLD) + next_bound
        old = more * old - of(like, now, HERE_OLD)
        put(now, CLEAR, twice * gain + passed * ahead - old - bound)
        put(now, CLEAR_PASS, passed)
        put(now, LEAN_HERE, side * of(like, now, LEAN))


def look_at_second(
    like: Any, grid: Any, room: int, now: Any, cells: Any, node: Any, common: int, known: int, twice: Any
) -> None:  # fmt: skip
    """Set what `end_second_at` needs to know of a node."""
    one, more, most = splat(1.0, like), twice - 1.0, known - 1.0 - of(like, now, ZERO)
    double, halved = twice, one / twice
    put(now, LOOKED, node if common < 0 else splat(NOWHERE, like))
    if common < 0:
        aim(like, cells, now, node)
    second_before = peek(like, grid, SECOND * room, cells, -1, common)
    second = peek(like, grid, SECOND * room, cells, 0, common)
    second_next = peek(like, grid, SECOND * room, cells, 1, common)
    lower_gain = peek(like, grid, SECOND_GAIN * room, cells, -1, common)
    lo, up = of(like, now, LOWER), of(like, now, UPPER)
    if common < 0:
        aim(like, cells, now, minimum(node - one, most))
    lower_pass = peek(like, grid, SECOND_PASS * room, cells, 0, min(common - 1, known - 1))
    whole = of(like, now, SECOND_DECAY) + lo + up - lo * lower_pass
    share = up * more * halved
    far, near = second + lo * lower_gain + share * second_next, up * lower_gain - share * second_before
    put(now, WEIGHT, whole)
    put(now, WEIGHT_PASS, up * lower_pass)
    put(now, FAR_SIDE, double * far - more * second * whole)
    put(now, NEAR_SIDE, double * near + more * second * up * lower_pass)
    put(now, LOWER_GAIN, double * lower_gain + lower_pass * more * second - more * second_before)
    put(now, LOWER_PASS, lower_pass)
    put(now, HERE_OLD, more * second)
    put(now, NEXT_OLD, more * second_next)


def end_second_at(like: Any, now: Any, z: Any) -> Any:
    """Give the second unknown at the node looked at and the next, with the edge a part z of the cell between them."""
    one, up = splat(1.0, like), of(like, now, UPPER)
    ahead, left = one + z, one - z
    weight = ahead * (z * of(like, now, WEIGHT) + 2.0 * up * left) - z * left * of(like, now, WEIGHT_PASS)
    over = one / (ahead * weight)
    ratio = (ahead * of(like, now, FAR_SIDE) + left * of(like, now, NEAR_SIDE)) * ahead * over
    here = z * ratio
    before = (of(like, now, LOWER_GAIN) + of(like, now, LOWER_PASS) * here) * weight * over
    next_one = left * (before - 2.0 * ratio)
    put(now, STEEP, before * z - ratio * ahead)
    put(now, HERE_NEW, here)
    put(now, NEXT_NEW, next_one)
    return here, next_one


def miss(like: Any, now: Any, side: Any, z: Any, twice: Any, blended: Any) -> Any:
    """Tell how far W is from where it should be, with the edge a part z of the cell above the node looked at.

    It falls as z rises. Keeps both unknowns at the edge.
    """
    one, zeros, up = splat(1.0, like), splat(0.0, like), of(like, now, UPPER)
    halved = one / twice
    here, next_one = end_second_at(like, now, z)
    left = one - z
    middle, next_middle = (here + of(like, now, HERE_OLD)) * halved, (next_one + of(like, now, NEXT_OLD)) * halved
    unit, lean = of(like, now, UNIT), of(like, now, LEAN_HERE)
    if blended:
        middle = select(side > zeros, middle, of(like, now, HERE_MIDDLE))
        next_middle = select(side > zeros, next_middle, of(like, now, NEXT_MIDDLE))
        w_weight = one / (of(like, now, W_WEIGHT) + of(like, now, HH) * of(like, now, OWN) * middle)
        passed = up * w_weight
        right = twice * (of(like, now, W_RIGHT) - of(like, now, SHARES) * middle) * w_weight
        free = right + passed * of(like, now, W_AHEAD) - of(like, now, W_OLD)
        unit = unit + of(like, now, ADDED) * middle
    else:
        passed = of(like, now, CLEAR_PASS)
        free = of(like, now, CLEAR) + here - passed * next_one
    put(now, FREE, free)
    put(now, PASSED, passed)
    put(now, UNIT_THERE, unit)
    beyond = maximum(unit + lean * next_middle, zeros)
    unit = unit + lean * middle
    missed = side * free + passed * beyond * left * left - unit * z * z
    put(now, CURVE, passed * beyond - unit)
    put(now, MISSED, missed)
    # Nothing is gained by converting early: what lies below the bound is rounding.
    return select(unit > splat(_TINY, like), missed, select(side > zeros, one, side * free))


def find_part(
    like: Any, now: Any, side: Any, inner: Any, at_inner: Any, outer: Any, twice: Any, blended: Any
) -> Any:  # fmt: skip
    """Give the root in the cell, by parabolas through what is known of it at both ends and in between."""
    zeros, one = splat(0.0, like), splat(1.0, like)
    least = splat(_LEAST_PART, like)
    # Where nothing is gained by converting at the node itself there is no root, but a jump, if W is below its bound.
    inside = select(at_inner > zeros, select(inner > zeros, select(outer > zeros, zeros, one), zeros), zeros)
    low, high, at_low, at_high = zeros, one, at_inner, outer
    curve = of(like, now, CURVE)
    # As if what W is clear of its bound by were a line.
    guess = root_of(like, at_inner, outer - at_inner - curve, curve)
    part = select(inside > zeros, minimum(maximum(guess, least), one), select(outer > zeros, one, least))
    done = one - inside
    for _ in range(_ROUNDS):
        if not any_lane(done < one):
            break
        missed = miss(like, now, side, part, twice, blended)
        left, right = (missed - at_low) / (part - low), (at_high - missed) / maximum(high - part, least)
        curve = (right - left) / (high - low)
        guess = part + root_of(like, missed, left + curve * (part - low), curve)
        above = missed > zeros
        low, at_low = select(above, part, low), select(above, missed, at_low)
        high, at_high = select(above, high, part), select(above, at_high, missed)
        guess = minimum(maximum(guess, maximum(low, least)), high)
        settled = select((guess - part) * (guess - part) < _SETTLED * _SETTLED, one, zeros)
        part = select(done > zeros, part, guess)
        done = maximum(done, settled)
    return part


def root_of(like: Any, level: Any, slope: Any, curve: Any) -> Any:
    """Give the root of a parabola at which it falls."""
    root = sqrt(maximum(slope * slope - 4.0 * level * curve, splat(0.0, like)))
    fall = root - slope
    return (level + level) / select(fall * fall > splat(0.0, like), fall, splat(1.0, like))
