r"""A note with constant coefficients, from maturity to settlement: between two events the solution is an integral.

With :math:`y = \ln (S / H)`, H the stock price of a soft call, and :math:`W = V - kS - g`, g being what recovery is
worth to a holder for ever, :math:`f = e^{\beta y} W` obeys the equation of heat for the right :math:`\beta`. So over a
segment f is its convolution with a Gaussian, which a sum over even nodes gives but for an error that falls
exponentially, as long as the Gaussian is wider than a step; there are no steps of time. A live soft call makes f
nothing at H: it is continued to the other side as its opposite (the method of images). Where f has a kink or a jump,
the nodes around are weighted such that sums are integrals to the sixth order of the step (Euler and Maclaurin).

After A. Andricopoulos, M. Widdicks, P. Duck and D. Newton, Universal option valuation using quadrature methods, J.
Financial Economics 67 (2003); R. Lord, F. Fang, F. Bervoets and C. Oosterlee, A fast and accurate FFT-based method for
pricing early-exercise options under Levy processes, SIAM J. Scientific Computing 30 (2008).

Every number is a vector with a row in each lane; see `core._vectors`.
"""

from __future__ import annotations

import math
from typing import Any, Final

from notecalc.core._vectors import (
    any_lane,
    exp,
    fma,
    lanes_of,
    load,
    maximum,
    minimum,
    select,
    splat,
    sqrt,
    store,
    whole,
)

__all__: list[str] = []

# ---- numbers of a block, a vector each ----
BETA: Final = 0
STEP: Final = 1  # dx
VARIANCE: Final = 2  # sigma^2
RHO: Final = 3  # rate and hazard
LOSS: Final = 4  # of f per year
PERPETUAL: Final = 5  # what recovery is worth for ever where the stock is nothing
PER_SHARES: Final = 6  # the same, over the worth of the shares at H
LENGTH: Final = 7  # of the segment at hand
COUPON: Final = 8
PUT: Final = 9
BARRIER: Final = 10  # 1 or 0
LATER_BARRIER: Final = 11
REACH: Final = 12  # of the kernel, in nodes
PAID: Final = 13
PLACE: Final = 14  # of ln(S / H) [dx]
PRIOR_BARRIER: Final = 15
LATER_LENGTH: Final = 16
HELD: Final = 17  # coupon at the end of the later segment, to be added in closed form
BOND: Final = 18  # what the coupons within the segment are worth at its start
LEVEL_FIRST: Final = 19  # by which the first two nodes give the line in S below them: level, then slope
LEVEL_SECOND: Final = 20
SLOPE_FIRST: Final = 21
SLOPE_SECOND: Final = 22
TOP: Final = 23  # 1 over the level at the last node
BLOCK_NUMBERS: Final = 24

SCRATCH: Final = 16  # vectors of scratch: six weights and a place, and what is found at a crossing

_LEAST = 0.8  # steps that a Gaussian must be wide
_SEEN = 6.5  # standard deviations from a barrier beyond which it changes nothing: 1e-10 of a coupon
_NARROW = 4  # nodes to each side of the weights that stand for a narrower one


def fill_kernel(like: Any, block: Any, weights: Any, window: float, room: int) -> int:
    """Fill in the weights from the node itself outwards, for a segment; give how many nodes reach on each side.

    They end at `window` standard deviations. Where the Gaussian is narrower than `_LEAST` steps, they have its moments
    up to the ninth instead.
    """
    n = lanes_of(like)
    step, length = load(block, STEP * n, like), load(block, LENGTH * n, like)
    beta = load(block, BETA * n, like)
    wide = load(block, VARIANCE * n, like) * length / (step * step)
    decay = exp(-load(block, LOSS * n, like) * length)
    narrow = wide < _LEAST * _LEAST
    kept = maximum(wide, splat(_LEAST * _LEAST, like))
    most = minimum(reach_of(window, kept, step, beta), splat(room - 2.0, like))
    most = select(narrow, splat(1.0 * _NARROW, like), most)
    ratio = exp(-0.5 / kept)
    change = ratio * ratio
    weight = decay / sqrt(2.0 * math.pi * kept)
    store(block, REACH * n, most)
    reach, least = 0, room
    for lane in range(n):
        end = int(block[REACH * n + lane])
        reach, least = max(reach, end + 1), min(least, end)
    zero, one = splat(0.0, like), splat(1.0, like)
    store(weights, 0, weight)
    for j in range(1, reach + 1):
        weight, ratio = weight * ratio, ratio * change
        if j < least:
            store(weights, j * n, weight)
            continue
        # It fades out over a node, so that values have no steps where a number moves; what is left out, nearly a
        # geometric series of the ratio, is added at the end.
        fading = minimum(maximum(most - (j - 1.0), zero), one)
        last = maximum(one - maximum(most - 1.0 * j, 1.0 * j - most), zero)
        rest = ratio * (1.0 + ratio) * fma(ratio, ratio, one)
        store(weights, j * n, weight * fma(last, rest, fading))
    if any_lane(narrow):
        half = 0.5 * wide * select(narrow, splat(1.0, like), zero)
        for j in range(_NARROW + 1):
            store(weights, j * n, select(narrow, decay * moments_weight(j, half), load(weights, j * n, like)))
    return reach


def reach_of(window: float, wide: Any, step: Any, beta: Any) -> Any:
    """Give the nodes that a Gaussian of variance `wide` [steps] reaches over.

    f falls as e^(beta y) to the left, and may grow as e^((beta + 1) y) to the right, by which what matters is shifted.
    """
    deviation = sqrt(wide)
    lean = beta + 0.5
    return deviation * (window + deviation * step * (0.5 + maximum(lean, -lean)))


def moments_weight(j: int, half: Any) -> Any:
    """Give the weight of the j-th node aside that makes moments to the ninth those of twice `half` as a variance."""
    if j == 0:
        return 1.0 + half * (-205.0 / 72.0 + half * (91.0 / 16.0 + half * (-6.25 + half * (70.0 / 24.0))))
    if j == 1:
        return half * (1.6 + half * (-61.0 / 15.0 + half * (29.0 / 6.0 + half * (-56.0 / 24.0))))
    if j == 2:
        return half * (-0.2 + half * (169.0 / 120.0 + half * (-13.0 / 6.0 + half * (28.0 / 24.0))))
    if j == 3:
        return half * (8.0 / 315.0 + half * (-0.2 + half * (0.5 + half * (-8.0 / 24.0))))
    return half * (-1.0 / 560.0 + half * (7.0 / 480.0 + half * (-1.0 / 24.0 + half * (1.0 / 24.0))))


def continue_ends(
    like: Any, block: Any, f: Any, growth: Any, shares: Any, low: int, high: int, room: int, reach: int
) -> int:
    """Continue f beyond the nodes that are computed; give how many are.

    Below, W is a line in S; above, it is level, or the opposite of what is below H.
    """
    n = lanes_of(like)
    f0, f1 = load(f, room * n, like), load(f, (room + 1) * n, like)
    level = f0 * load(block, LEVEL_FIRST * n, like) + f1 * load(block, LEVEL_SECOND * n, like)
    slope = f0 * load(block, SLOPE_FIRST * n, like) + f1 * load(block, SLOPE_SECOND * n, like)
    for i in range(room - reach, room):
        store(f, i * n, fma(level, load(growth, i * n, like), slope * load(shares, i * n, like)))
    held = load(block, BARRIER * n, like) > 0.0
    zero, middle = splat(0.0, like), room + low
    if not any_lane(load(block, BARRIER * n, like) <= 0.0):
        store(f, middle * n, zero)
        for j in range(1, reach + 1):
            store(f, (middle + j) * n, -load(f, (middle - j) * n, like))
        return low
    nodes = low + high
    end = (room + nodes - 1) * n
    # Where the shares are worth much, W is level but for what recovery is worth.
    per_shares = load(block, PER_SHARES * n, like)
    top = (load(f, end, like) - per_shares * load(shares, end, like)) * load(block, TOP * n, like)
    store(f, middle * n, select(held, zero, load(f, middle * n, like)))
    for j in range(1, high + reach):
        at = (middle + j) * n
        free = load(f, at, like) if j < high else fma(top, load(growth, at, like), per_shares * load(shares, at, like))
        store(f, at, select(held, -load(f, (middle - j) * n, like), free))
    return nodes


def convolve(like: Any, f: Any, out: Any, weights: Any, room: int, nodes: int, reach: int) -> None:
    """Sum f over the nodes to each side, weighted; four nodes at a time share what is loaded."""
    n = lanes_of(like)
    for i in range(room, room + nodes, 4):
        w = load(weights, 0, like)
        l0, l1, l2, l3 = (
            load(f, i * n, like), load(f, (i + 1) * n, like), load(f, (i + 2) * n, like), load(f, (i + 3) * n, like),
        )  # fmt: skip
        r0, r1, r2, r3 = l0, l1, l2, l3
        a, b, c, d = w * l0, w * l1, w * l2, w * l3
        for j in range(1, reach + 1):
            w = load(weights, j * n, like)
            l3, l2, l1, l0 = l2, l1, l0, load(f, (i - j) * n, like)
            r0, r1, r2, r3 = r1, r2, r3, load(f, (i + 3 + j) * n, like)
            a = fma(w, l0 + r0, a)
            b = fma(w, l1 + r1, b)
            c = fma(w, l2 + r2, c)
            d = fma(w, l3 + r3, d)
        store(out, i * n, a)
        store(out, (i + 1) * n, b)
        store(out, (i + 2) * n, c)
        store(out, (i + 3) * n, d)


# ---- kinks and jumps ----


def kink_weights(like: Any, scratch: Any, part: Any, a1: Any, a2: Any, a3: Any, a4: Any, a5: Any) -> None:
    """Fill in what six nodes are given for a kink `part` of a step after the third of them.

    a1 to a5 are the derivatives [per step] of what is on its left less what is on its right.
    """
    n = lanes_of(like)
    t = 1.0 - part
    tt = t * t
    # Bernoulli's polynomials of t over factorials
    b2 = -(tt - t + 1.0 / 6.0) * (1.0 / 2.0)
    b3 = -(t * (tt - 1.5 * t + 0.5)) * (1.0 / 6.0)
    b4 = -(tt * (tt - 2.0 * t + 1.0) - 1.0 / 30.0) * (1.0 / 24.0)
    b5 = -(t * (tt * (tt - 2.5 * t + 5.0 / 3.0) - 1.0 / 6.0)) * (1.0 / 120.0)
    b6 = -(tt * (tt * (tt - 3.0 * t + 2.5) - 0.5) + 1.0 / 42.0) * (1.0 / 720.0)
    # by derivatives of what they are summed with, at the kink
    c0 = b2 * a1 + b3 * a2 + b4 * a3 + b5 * a4 + b6 * a5
    c1 = 2.0 * b3 * a1 + 3.0 * b4 * a2 + 4.0 * b5 * a3 + 5.0 * b6 * a4
    c2 = 3.0 * b4 * a1 + 6.0 * b5 * a2 + 10.0 * b6 * a3
    c3 = 4.0 * b5 * a1 + 10.0 * b6 * a2
    c4 = 5.0 * b6 * a1
    # by powers of the distance from the third node
    p = part
    m0 = c0
    m1 = c1 + p * c0
    m2 = 2.0 * c2 + p * (2.0 * c1 + p * c0)
    m3 = 6.0 * c3 + p * (6.0 * c2 + p * (3.0 * c1 + p * c0))
    m4 = 24.0 * c4 + p * (24.0 * c3 + p * (12.0 * c2 + p * (4.0 * c1 + p * c0)))
    m5 = p * (120.0 * c4 + p * (60.0 * c3 + p * (20.0 * c2 + p * (5.0 * c1 + p * c0))))
    store(
        scratch, 0, m1 * (1.0 / 20.0) - m2 * (1.0 / 24.0) - m3 * (1.0 / 24.0) + m4 * (1.0 / 24.0) - m5 * (1.0 / 120.0)
    )
    store(scratch, n, -m1 * (1.0 / 2.0) + m2 * (2.0 / 3.0) - m3 * (1.0 / 24.0) - m4 * (1.0 / 6.0) + m5 * (1.0 / 24.0))
    store(scratch, 2 * n, m0 - m1 * (1.0 / 3.0) - m2 * 1.25 + m3 * (5.0 / 12.0) + m4 * (1.0 / 4.0) - m5 * (1.0 / 12.0))
    store(scratch, 3 * n, m1 + m2 * (2.0 / 3.0) - m3 * (7.0 / 12.0) - m4 * (1.0 / 6.0) + m5 * (1.0 / 12.0))
    store(
        scratch,
        4 * n,
        -m1 * (1.0 / 4.0) - m2 * (1.0 / 24.0) + m3 * (7.0 / 24.0) + m4 * (1.0 / 24.0) - m5 * (1.0 / 24.0),
    )
    store(scratch, 5 * n, m1 * (1.0 / 30.0) - m3 * (1.0 / 24.0) + m5 * (1.0 / 120.0))


def add_weights(like: Any, block: Any, scratch: Any, f: Any, low: int, room: int, end: int) -> None:
    """Add six weights around the node in the seventh place; what lies beyond a live call counts as its opposite."""
    n = lanes_of(like)
    for lane in range(n):
        place = scratch[6 * n + lane]
        if not 0.0 <= place < end:
            continue
        first = int(place) - 2
        held = block[BARRIER * n + lane] > 0.0
        for k in range(6):
            at, weight = first + k, scratch[k * n + lane]
            if held and at >= low:
                at = 2 * low - at
                weight = -weight if at < low else 0.0
            if -room <= at < end:
                f[(room + at) * n + lane] += weight


def weigh_strike(like: Any, block: Any, scratch: Any, f: Any, strike: Any, low: int, room: int, end: int) -> None:
    """Weigh the kink of the payoff, where shares are worth what is paid at maturity; `strike` is its y."""
    n = lanes_of(like)
    beta, step = load(block, BETA * n, like), load(block, STEP * n, like)
    place = strike / step + 1.0 * low
    third = whole(place)
    b, c = beta * step, (beta + 1.0) * step
    scale = load(block, PAID * n, like) * exp(beta * strike)
    bb, cc = b * b, c * c
    kink_weights(
        like, scratch, place - third, scale * (b - c), scale * (bb - cc), scale * (bb * b - cc * c),
        scale * (bb * bb - cc * cc), scale * (bb * bb * b - cc * cc * c),
    )  # fmt: skip
    store(scratch, 6 * n, third)
    add_weights(like, block, scratch, f, low, room, end)


def weigh_barrier(like: Any, f: Any, held: Any, a0: Any, a2: Any, a4: Any, low: int, room: int) -> None:
    """Weigh the jump to nothing at H of what is continued as its opposite, by its even derivatives [per step]."""
    n = lanes_of(like)
    d1 = a0 * (1.0 / 12.0) - a2 * (1.0 / 240.0) + a4 * (1.0 / 6048.0)
    d3 = a2 * (1.0 / 3024.0) - a0 * (1.0 / 720.0)
    d5 = a0 * (1.0 / 30240.0)
    zero = splat(0.0, like)
    w3 = d5 + d1 * (1.0 / 30.0) - d3 * (1.0 / 4.0)
    w2 = d3 - d1 * (1.0 / 6.0) - 4.0 * w3
    w1 = d1 - 2.0 * w2 - 3.0 * w3
    at = (room + low) * n
    store(f, at - n, load(f, at - n, like) + select(held, w1, zero))
    store(f, at - 2 * n, load(f, at - 2 * n, like) + select(held, w2, zero))
    store(f, at - 3 * n, load(f, at - 3 * n, like) + select(held, w3, zero))


def leave_barrier(  # noqa: PLR0915 (its numbers stay in registers)
    like: Any, block: Any, scratch: Any, f: Any, growth: Any, shares: Any, left: Any, q1: Any, q2: Any, q3: Any,
    low: int, high: int, room: int,
) -> None:  # fmt: skip
    """Go back to before a soft call is live: above H it leaves the shares alone, which makes a kink there.

    q1 to q3 are f at the nodes below H, before a put.
    """
    n = lanes_of(like)
    middle = (room + low) * n
    worth, per_shares = load(block, PERPETUAL * n, like), load(block, PER_SHARES * n, like)
    b = load(block, BETA * n, like) * load(block, STEP * n, like)
    c = b + load(block, STEP * n, like)
    zero = splat(0.0, like)
    bb, cc = b * b, c * c
    a1 = q2 * 0.3 - q1 * 1.5 - q3 * (1.0 / 30.0) + worth * (b - c)
    a2 = worth * (bb - cc)
    a3 = (13.0 * q1 - 8.0 * q2 + q3) * (1.0 / 4.0) + worth * (bb * b - cc * c)
    a4 = worth * (bb * bb - cc * cc)
    a5 = 4.0 * q2 - 5.0 * q1 - q3 + worth * (bb * bb * b - cc * cc * c)
    for i in range(room + low, room + low + high):
        above = per_shares * load(shares, i * n, like) - worth * load(growth, i * n, like)
        store(f, i * n, select(left, above, load(f, i * n, like)))
    # The last coupon that a call may take away, paid at the end of the later segment: an odd function of y.
    length = load(block, LATER_LENGTH * n, like)
    coupon = select(left, load(block, HELD * n, like) * exp(-load(block, RHO * n, like) * length), zero)
    jump, k0, k1, k2, k3, k4 = zero, zero, zero, zero, zero, zero
    if any_lane(coupon > 0.0):
        s = sqrt(load(block, VARIANCE * n, like) * length) / load(block, STEP * n, like)
        s = select(left, s, splat(1.0, like))
        x = b * s
        narrow = s < _LEAST
        reach = 0.0
        store(scratch, 8 * n, select(coupon > 0.0, minimum(whole(_SEEN * s), splat(low - 1.0, like)), zero))
        for lane in range(n):
            reach = max(reach, scratch[8 * n + lane])
        step_only = splat(1.0, like)
        for j in range(1, low + 1):
            at = middle - j * n
            e = load(growth, at, like)
            if j <= reach:
                alive, image, _ = unhit(like, 1.0 * j / s, x)
                one = alive - image
                part = select(narrow | (_SEEN * s < 1.0 * j), step_only, one)
            else:
                part = step_only
            store(f, at, fma(coupon * part, e, load(f, at, like)))
        store(f, middle, load(f, middle, like) + select(narrow, 0.5 * coupon, zero))
        density = exp(-0.5 * x * x) / (s * math.sqrt(2.0 * math.pi))
        (_, u0, _), ss = unhit(like, zero, x), s * s
        steep = select(narrow, zero, 2.0 * coupon)
        a1 += steep * (b * u0 - density)
        a3 += steep * (bb * b * u0 - bb * density + density / ss)
        a5 += steep * (bb * bb * b * u0 - bb * bb * density + bb * density / ss - 3.0 * density / (ss * ss))
        jump = select(narrow, coupon, zero)
        a1, a2, a3 = a1 + jump * b, a2 + jump * bb, a3 + jump * bb * b
        a4, a5 = a4 + jump * bb * bb, a5 + jump * bb * bb * b
        # What a narrow Gaussian takes from the coupon beside H, by its moments.
        xx = x * x
        k0 = -jump * s * math.sqrt(2.0 / math.pi) * (1.0 - xx * (1.0 / 6.0 - xx * (1.0 / 40.0)))
        k1 = jump * ss * 0.5
        k2 = -jump * ss * s * (math.sqrt(2.0 / math.pi) / 3.0)
        k3 = jump * ss * ss * 0.125
        k4 = -jump * ss * ss * s * (math.sqrt(2.0 / math.pi) / 15.0)
    c0 = a3 * (1.0 / 720.0) - a1 * (1.0 / 12.0) - a5 * (1.0 / 30240.0)
    c2 = a1 * (1.0 / 240.0) - a3 * (1.0 / 3024.0)
    c4 = -a1 * (1.0 / 6048.0)
    c1, c3 = a2 * (1.0 / 240.0) - a4 * (1.0 / 6048.0) - jump * (1.0 / 12.0), jump * (1.0 / 720.0) - a2 * (1.0 / 3024.0)
    c0, c1, c2, c3, c4 = c0 + k0, c1 + k1, c2 + k2, c3 + k3, c4 + k4
    w2 = c4 - c2 * (1.0 / 12.0)
    w1 = c2 - 4.0 * w2
    w0 = c0 - 2.0 * (w1 + w2)
    v2 = (3.0 * c3 - c1 * (1.0 / 2.0)) * (1.0 / 6.0)
    v1 = c1 * (1.0 / 2.0) - 2.0 * v2
    store(f, middle - 2 * n, load(f, middle - 2 * n, like) + select(left, w2 - v2, zero))
    store(f, middle - n, load(f, middle - n, like) + select(left, w1 - v1, zero))
    store(f, middle, load(f, middle, like) + select(left, w0, zero))
    store(f, middle + n, load(f, middle + n, like) + select(left, w1 + v1, zero))
    store(f, middle + 2 * n, load(f, middle + 2 * n, like) + select(left, w2 + v2, zero))


def put_back(
    like: Any, block: Any, scratch: Any, f: Any, gain: Any, growth: Any, shares: Any, low: int, room: int, end: int
) -> None:  # fmt: skip
    """Bring the value to a put; fill in the weights of the kink where it stops being used.

    `gain` is filled with what the put would add at each node.
    """
    n = lanes_of(like)
    worth, per_shares = load(block, PERPETUAL * n, like), load(block, PER_SHARES * n, like)
    price = load(block, PUT * n, like)
    zero, none = splat(0.0, like), splat(-1.0, like)
    later = load(block, LATER_BARRIER * n, like) > 0.0
    limit = select(price > 0.0, select(later, splat(1.0 * low, like), splat(1.0 * end, like)), zero)
    level, part = price - worth, 1.0 - per_shares
    before, third = zero, none
    for i in range(end):
        at = (room + i) * n
        own = load(f, at, like)
        more = level * load(growth, at, like) - part * load(shares, at, like) - own
        store(gain, at, more)
        used = maximum(more, zero) if i < end - 3 else zero
        store(f, at, own + select(limit > 1.0 * i, used, zero))
        if i < end - 2:
            third = select((before > 0.0) & (more <= 0.0) & (limit > i - 1.0), splat(i - 1.0, like), third)
        before = more
    store(scratch, 6 * n, third)
    for lane in range(n):
        place = int(scratch[6 * n + lane])
        for k in range(6):  # of six nodes the third is at hand
            scratch[k * n + lane] = gain[(room + max(place - 2 + k, 0)) * n + lane] if place >= 0 else 0.0
    y0, y1, y2 = load(scratch, 0, like), load(scratch, n, like), load(scratch, 2 * n, like)
    y3, y4, y5 = load(scratch, 3 * n, like), load(scratch, 4 * n, like), load(scratch, 5 * n, like)
    m1 = y0 * (1.0 / 20.0) - y1 * (1.0 / 2.0) - y2 * (1.0 / 3.0) + y3 - y4 * (1.0 / 4.0) + y5 * (1.0 / 30.0)
    m2 = (y1 + y3) * (2.0 / 3.0) - (y0 + y4) * (1.0 / 24.0) - y2 * 1.25
    m3 = (10.0 * y2 - y0 - y1 - 14.0 * y3 + 7.0 * y4 - y5) * (1.0 / 24.0)
    m4 = (y0 - 4.0 * y1 + 6.0 * y2 - 4.0 * y3 + y4) * (1.0 / 24.0)
    m5 = (y5 - 5.0 * y4 + 10.0 * y3 - 10.0 * y2 + 5.0 * y1 - y0) * (1.0 / 120.0)
    found = third >= 0.0
    p = y2 / select(found, y2 - y3, splat(1.0, like))
    for _ in range(3):
        miss = y2 + p * (m1 + p * (m2 + p * (m3 + p * (m4 + p * m5))))
        steep = m1 + p * (2.0 * m2 + p * (3.0 * m3 + p * (4.0 * m4 + p * (5.0 * m5))))
        p = minimum(maximum(p - miss / select(found, steep, splat(1.0, like)), zero), splat(1.0, like))
    kink_weights(
        like, scratch, p,
        m1 + p * (2.0 * m2 + p * (3.0 * m3 + p * (4.0 * m4 + p * (5.0 * m5)))),
        2.0 * m2 + p * (6.0 * m3 + p * (12.0 * m4 + p * (20.0 * m5))),
        6.0 * m3 + p * (24.0 * m4 + p * (60.0 * m5)),
        24.0 * m4 + p * (120.0 * m5),
        120.0 * m5,
    )  # fmt: skip
    store(scratch, 6 * n, third)


def mirror(like: Any, block: Any, f: Any, low: int, count: int, room: int) -> None:
    """Continue f above H as its opposite, where a soft call was live until now."""
    n = lanes_of(like)
    later = load(block, LATER_BARRIER * n, like) > 0.0
    middle = room + low
    store(f, middle * n, select(later, splat(0.0, like), load(f, middle * n, like)))
    for j in range(1, count):
        at = (middle + j) * n
        store(f, at, select(later, -load(f, (middle - j) * n, like), load(f, at, like)))


def unhit(like: Any, u: Any, x: Any) -> tuple[Any, Any, Any]:
    """Give N(u - x), e^(2ux) N(-u - x) and the density at u - x, N being the normal distribution function.

    The first less the second is the chance that a Brownian motion of drift x stays below u over a unit of time. Both
    have one exponential.
    """
    less, more = u - x, u + x
    zero, power = splat(0.0, like), exp(-0.5 * less * less)
    near, far = beyond(like, maximum(less, -less), maximum(more, -more))
    near, far = power * near, power * far
    if any_lane(more < zero):
        far = select(more < zero, exp(2.0 * u * x) - far, far)
    return select(less > zero, 1.0 - near, near), far, power * (1.0 / math.sqrt(2.0 * math.pi))


_BODY = 7.07106781186547  # standard deviations up to which it is a ratio of polynomials


def beyond(like: Any, y: Any, z: Any) -> tuple[Any, Any]:
    """Give the chances beyond y and z of the normal law over e^(-yy/2) and e^(-zz/2), both at least 0, to 1e-15.

    After W. J. Cody 1969 in G. West's form, Wilmott 2005; two at once share a division.
    """
    zero = splat(0.0, like)
    v, w = select(y >= _BODY, zero, y), select(z >= _BODY, zero, z)
    first, second = splat(3.52624965998911e-02, like), splat(3.52624965998911e-02, like)
    for c in (
        0.700383064443688, 6.37396220353165, 33.912866078383, 112.079291497871, 221.213596169931, 220.206867912376
    ):  # fmt: skip
        first, second = fma(first, v, splat(c, like)), fma(second, w, splat(c, like))
    below_first, below_second = splat(8.83883476483184e-02, like), splat(8.83883476483184e-02, like)
    for c in (
        1.75566716318264, 16.064177579207, 86.7807322029461, 296.564248779674, 637.333633378831, 793.826512519948,
        440.413735824752,
    ):  # fmt: skip
        below_first, below_second = fma(below_first, v, splat(c, like)), fma(below_second, w, splat(c, like))
    over = 1.0 / (below_first * below_second)
    first, second = first * (below_second * over), second * (below_first * over)
    if any_lane(y >= _BODY):
        first = select(y >= _BODY, tail(y), first)
    if any_lane(z >= _BODY):
        second = select(z >= _BODY, tail(z), second)
    return first, second


def tail(z: Any) -> Any:
    """Give the same where z is large, as a continued fraction."""
    below = z + 0.65
    for c in (4.0, 3.0, 2.0, 1.0):
        below = z + c / below
    return 1.0 / (below * 2.506628274631)
