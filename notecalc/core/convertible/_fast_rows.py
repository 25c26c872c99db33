"""Rows of notes with constant coefficients, side by side in the lanes of vectors; see `_fast_grid` for the method."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from notecalc.core._jit import kernel
from notecalc.core._vectors import (
    any_lane,
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
    whole,
)
from notecalc.core.convertible._fast_grid import (
    BARRIER,
    BETA,
    BLOCK_NUMBERS,
    BOND,
    COUPON,
    HELD,
    LATER_BARRIER,
    LATER_LENGTH,
    LENGTH,
    LEVEL_FIRST,
    LEVEL_SECOND,
    LOSS,
    PAID,
    PER_SHARES,
    PERPETUAL,
    PLACE,
    PRIOR_BARRIER,
    PUT,
    REACH,
    RHO,
    SCRATCH,
    SLOPE_FIRST,
    SLOPE_SECOND,
    STEP,
    TOP,
    VARIANCE,
    add_weights,
    beyond,
    continue_ends,
    convolve,
    fill_kernel,
    kink_weights,
    leave_barrier,
    mirror,
    moments_weight,
    put_back,
    reach_of,
    tail,
    unhit,
    weigh_barrier,
    weigh_strike,
)

__all__ = ["value_fast"]

# ---- a segment of a note ----
S_LENGTH: Final = 0  # [yr]
S_COUPON: Final = 1  # paid at its end
S_PUT: Final = 2  # dirty put price at its end; 0: none
S_BARRIER: Final = 3  # 1 where a soft call is live
S_INNER: Final = 4  # how many coupons are paid within it, and in which field of the table their list begins
S_FIRST: Final = 5
S_TIME: Final = 6  # of that list: since the segment's start [yr], and how much
S_PAID: Final = 7
S_FIELDS: Final = 8

# ---- a note ----
N_RATIO: Final = 0  # shares per 100
N_LEVEL: Final = 1  # stock price from which it is called; where it never is, that at which its payoff has its kink
N_PAID: Final = 2  # at maturity
N_CLAIM: Final = 3
N_LIFE: Final = 4  # [yr]
N_FREE: Final = 5  # last time before which no call is live [yr]
N_LONGEST: Final = 6  # segment but the first [yr]
N_STRIKE: Final = 7  # ln of the stock price that is worth what is paid at maturity over that level
N_NARROW: Final = 8  # shortest of the segments that leave nothing smooth where they are short [yr]
N_FIRST: Final = 9  # length of the first segment [yr]
N_NEAR: Final = 10  # shortest time from a call's start to a put [yr]
N_GAP: Final = 11  # ln of the level over the highest stock price at which a put is taken
N_FIELDS: Final = 12

# settings
LOW, HIGH, WINDOW, BELOW, ABOVE, FINER, LEAST, TIMES = 0, 1, 2, 3, 4, 5, 6, 7

ROOM: Final = 160  # nodes beyond on each side, of which no more are used than are needed

FEW: Final = 2.0  # squared steps of a Gaussian below which its shape is not seen in differences
_OFTEN = 8.0  # segments from which the grid gets finer


def node_counts(settings: Any, segments: int, share: float) -> Any:
    """Give nodes below the call's level and above it, in fours."""
    scale = 0.25 * share * math.sqrt(max(1.0, segments / _OFTEN))
    return 4 * math.ceil(settings[LOW] * scale), 4 * math.ceil(settings[HIGH] * scale)


def take_segment(like: Any, block: Any, seg: Any, first: Any, m: int, alike: bool) -> int:  # noqa: FBT001 (a kernel's flag)
    """Take the m-th segment of each lane's note, one note if alike; what was the barrier becomes that of later.

    Give how many coupons are paid within it at most.
    """
    n, inner = lanes_of(like), 0.0
    store(block, LATER_BARRIER * n, load(block, BARRIER * n, like))
    store(block, LATER_LENGTH * n, load(block, LENGTH * n, like))
    for lane in range(1 if alike else n):
        o = (first[lane] + m) * S_FIELDS
        block[LENGTH * n + lane], block[COUPON * n + lane] = seg[o + S_LENGTH], seg[o + S_COUPON]
        block[PUT * n + lane], block[BARRIER * n + lane] = seg[o + S_PUT], seg[o + S_BARRIER]
        block[PRIOR_BARRIER * n + lane] = seg[o - S_FIELDS + S_BARRIER] if m > 0 else 0.0
        inner = max(inner, seg[o + S_INNER])
    if alike:
        for number in (LENGTH, COUPON, PUT, BARRIER, PRIOR_BARRIER):
            store(block, number * n, splat(block[number * n], like))
    return int(inner)


def coupons_within(
    like: Any, block: Any, scratch: Any, seg: Any, first: Any, m: int, most: int, alike: bool  # noqa: FBT001
) -> None:  # fmt: skip
    """Fill in what the coupons within the m-th segment of each lane's note, `most` at most, are worth at its start."""
    n = lanes_of(like)
    rho, total = load(block, RHO * n, like), splat(0.0, like)
    for k in range(most):
        for lane in range(1 if alike else n):
            o = (first[lane] + m) * S_FIELDS
            at, there = int(seg[o + S_FIRST]) + k * S_FIELDS, k < seg[o + S_INNER]
            scratch[lane] = seg[at + S_TIME] if there else 0.0
            scratch[n + lane] = seg[at + S_PAID] if there else 0.0
        if alike:
            store(scratch, 0, splat(scratch[0], like))
            store(scratch, n, splat(scratch[n], like))
        total = fma(load(scratch, n, like), exp(-rho * load(scratch, 0, like)), total)
    store(block, BOND * n, total)


def lay_out(  # noqa: PLR0915 (its numbers stay in registers)
    like: Any, block: Any, market: Any, notes: Any, growth: Any, shares: Any, settings: Any, low: int, high: int,
) -> Any:  # fmt: skip
    """Lay out the grid of each lane; give y where the payoff has its kink, and how many nodes are needed beyond.

    `market` holds stock, volatility, rate, hazard and recovery; `notes` the fields of its note.
    """
    n = lanes_of(like)
    stock, vol, rate = load(market, 0, like), load(market, n, like), load(market, 2 * n, like)
    hazard, recovery = load(market, 3 * n, like), load(market, 4 * n, like)
    drop = load(market, 5 * n, like)
    ratio, level, paid = load(notes, 0, like), load(notes, n, like), load(notes, 2 * n, like)
    claim, life, free = load(notes, 3 * n, like), load(notes, 4 * n, like), load(notes, 5 * n, like)
    zero, variance = splat(0.0, like), vol * vol
    drift = rate + drop * hazard - 0.5 * variance
    beta, rho = drift / variance, rate + hazard
    lost = hazard * recovery * claim
    worth = lost / select(lost > 0.0, rho, splat(1.0, like))
    y, strike = log(stock / level), load(notes, N_STRIKE * n, like)
    # Where a call is live from the start, what is beyond it needs no nodes.
    y = select((free <= 0.0) & (y > 0.0), zero, y)
    below = minimum(y, strike) - settings[BELOW] * (vol * sqrt(life))
    above = maximum(y, zero) + settings[ABOVE] * (vol * sqrt(free))
    step = maximum(-below / (1.0 * low), above / (1.0 * high))
    store(block, BETA * n, beta)
    store(block, STEP * n, step)
    store(block, VARIANCE * n, variance)
    store(block, RHO * n, rho)
    store(block, LOSS * n, rho + 0.5 * beta * drift)
    store(block, PERPETUAL * n, worth)
    store(block, PER_SHARES * n, worth / (ratio * level))
    store(block, PAID * n, paid)
    place = y / step + 1.0 * low
    store(block, PLACE * n, place)
    # How many nodes beyond are looked at: for the first segment's Gaussian about the stock, or for another's.
    per_year = variance / (step * step)
    one = splat(1.0, like)
    around = reach_of(settings[WINDOW], maximum(per_year * load(notes, N_FIRST * n, like), one), step, beta)
    along = reach_of(settings[WINDOW], maximum(per_year * load(notes, N_LONGEST * n, like), one), step, beta)
    store(block, REACH * n, maximum(along, around + maximum(-place, place - 1.0 * low)))
    room = 8
    for lane in range(n):
        room = max(room, 4 + int(block[REACH * n + lane]))
    room = min(room, ROOM)
    middle, up, more = room + low, exp(beta * step), exp((beta + 1.0) * step)
    e, s = one, ratio * level
    for i in range(middle, middle + high + room):
        store(growth, i * n, e)
        store(shares, i * n, s)
        e, s = e * up, s * more
    up, more = 1.0 / up, 1.0 / more
    e, s = up, ratio * level * more
    for i in range(middle - 1, -1, -1):
        store(growth, i * n, e)
        store(shares, i * n, s)
        e, s = e * up, s * more
    e0, e1 = load(growth, room * n, like), load(growth, (room + 1) * n, like)
    s0, s1 = load(shares, room * n, like), load(shares, (room + 1) * n, like)
    det = 1.0 / (e0 * s1 - e1 * s0)
    store(block, LEVEL_FIRST * n, s1 * det)
    store(block, LEVEL_SECOND * n, -s0 * det)
    store(block, SLOPE_FIRST * n, -e1 * det)
    store(block, SLOPE_SECOND * n, e0 * det)
    store(block, TOP * n, 1.0 / load(growth, (middle + high - 1) * n, like))
    return strike, room


def mature(
    like: Any, block: Any, scratch: Any, f: Any, growth: Any, shares: Any, strike: Any, low: int, high: int, room: int
) -> None:
    """Fill in what the note is worth at maturity above its shares: principal and coupon less them, or nothing."""
    n = lanes_of(like)
    worth, per_shares, paid = (
        load(block, PERPETUAL * n, like), load(block, PER_SHARES * n, like), load(block, PAID * n, like),
    )  # fmt: skip
    for i in range(room, room + low + high):
        e, s = load(growth, i * n, like), load(shares, i * n, like)
        kept = maximum(fma(paid, e, -s), splat(0.0, like))
        store(f, i * n, kept - fma(worth, e, -(per_shares * s)))
    weigh_strike(like, block, scratch, f, strike, low, room, low + high)
    step = load(block, STEP * n, like)
    b = load(block, BETA * n, like) * step
    c = b + step
    bb, cc = b * b, c * c
    held = load(block, BARRIER * n, like) > 0.0
    store(block, HELD * n, splat(0.0, like))
    weigh_barrier(like, f, held, splat(0.0, like), worth * (cc - bb), worth * (cc * cc - bb * bb), low, room)


def meet(
    like: Any,
    block: Any,
    scratch: Any,
    f: Any,
    spare: Any,
    growth: Any,
    shares: Any,
    low: int,
    high: int,
    room: int,
    last: bool,  # noqa: FBT001 (a kernel's flag)
) -> None:
    """Go back through a day: a call that becomes live, a put, a coupon, a call that is live until then.

    The coupon of the first segment, which is the last to be met, is left out: it is added in closed form.
    """
    n = lanes_of(like)
    held, later = load(block, BARRIER * n, like) > 0.0, load(block, LATER_BARRIER * n, like) > 0.0
    zero, middle = splat(0.0, like), (room + low) * n
    free_now = any_lane(load(block, BARRIER * n, like) <= 0.0)
    end = low + high if free_now else low + 4
    mirror(like, block, f, low, high if free_now else 4, room)
    step = load(block, STEP * n, like)
    b = load(block, BETA * n, like) * step
    bb = b * b
    bond = load(block, BOND * n, like)
    if any_lane(bond > 0.0):
        for i in range(room, room + low + high):
            store(f, i * n, fma(bond, load(growth, i * n, like), load(f, i * n, like)))
    # A coupon that a call may take away, shortly after the call's start, is kept apart, in closed form.
    wide = load(block, VARIANCE * n, like) * load(block, LENGTH * n, like)
    apart = held & (load(block, PRIOR_BARRIER * n, like) <= 0.0) & (wide < FEW * step * step)
    paid = load(block, COUPON * n, like)
    coupon = zero if last else select(apart, zero, paid)
    a0, a2, a4 = coupon, coupon * bb, coupon * bb * bb
    if any_lane(load(block, LATER_BARRIER * n, like) < load(block, BARRIER * n, like)):
        f0 = load(f, middle, like)
        s1 = load(f, middle - n, like) + load(f, middle + n, like)
        s2 = load(f, middle - 2 * n, like) + load(f, middle + 2 * n, like)
        s3 = load(f, middle - 3 * n, like) + load(f, middle + 3 * n, like)
        a0 += select(later, zero, f0)
        a2 += select(later, zero, (2.0 * s3 - 27.0 * s2 + 270.0 * s1 - 490.0 * f0) / 180.0)
        a4 += select(later, zero, (12.0 * s2 - s3 - 39.0 * s1 + 56.0 * f0) / 6.0)
    q1, q2, q3 = load(f, middle - n, like), load(f, middle - 2 * n, like), load(f, middle - 3 * n, like)
    puts = any_lane(load(block, PUT * n, like) > 0.0)
    if puts:
        put_back(like, block, scratch, f, spare, growth, shares, low, room, end)
    if any_lane(load(block, LATER_BARRIER * n, like) > load(block, BARRIER * n, like)):
        leaving = (load(block, LATER_BARRIER * n, like) > load(block, BARRIER * n, like)) & later
        leave_barrier(like, block, scratch, f, growth, shares, leaving, q1, q2, q3, low, high, room)
    if puts:
        add_weights(like, block, scratch, f, low, room, end)
    if not last:
        for i in range(room, room + end):
            store(f, i * n, fma(coupon, load(growth, i * n, like), load(f, i * n, like)))
    store(block, HELD * n, select(apart, paid, zero))
    weigh_barrier(like, f, held, a0, a2, a4, low, room)


def read_off(  # noqa: PLR0915 (its numbers stay in registers)
    like: Any, block: Any, weights: Any, market: Any, notes: Any, f: Any, spare: Any, growth: Any, shares: Any,
    segments: int, width: float, low: int, high: int, room: int, out: Any,
) -> None:  # fmt: skip
    """Carry f through the first segment to the stock price alone; value, delta, gamma and theta go to `out`."""
    n = lanes_of(like)
    zero, one = splat(0.0, like), splat(1.0, like)
    step, length = load(block, STEP * n, like), load(block, LENGTH * n, like)
    beta, place = load(block, BETA * n, like), load(block, PLACE * n, like)
    wide = load(block, VARIANCE * n, like) * length / (step * step)
    nodes = continue_ends(like, block, f, growth, shares, low, high, room, room)
    if any_lane(wide < 1.0):
        half = 0.5 * minimum(wide - 1.0, zero)
        for j in range(5):
            store(weights, j * n, moments_weight(j, half) * one)
        convolve(like, f, spare, weights, room, nodes, 4)
        for i in range(room, room + nodes):
            store(f, i * n, load(spare, i * n, like))
        continue_ends(like, block, f, growth, shares, low, high, room, room)
        wide = maximum(wide, one)
    window = reach_of(width, wide, step, beta)
    start = maximum(whole(place - window), splat(-1.0 * room, like))
    store(weights, 0, start)
    store(weights, n, place + window)
    first, stop = low + high + room, -room
    for lane in range(n):
        first, stop = min(first, int(weights[lane])), max(stop, int(weights[n + lane]) + 1)
    first, stop = max(first, -room), min(stop, nodes + room)
    # Each lane's Gaussian starts at a node of its own, and is multiplied by a ratio that falls by a constant factor.
    half, x = -0.5 / wide, start - place
    begun, ratio, change = exp(half * x * x), exp(half * (2.0 * x + 1.0)), exp(2.0 * half)
    v, v1, v2, density = zero, zero, zero, zero
    for i in range(first, stop):
        x = 1.0 * i - place
        density = select(start == 1.0 * i, begun, density)
        weight = select(x < window, density, zero) * load(f, (room + i) * n, like)
        v = v + weight
        weight = weight * x
        v1 = v1 + weight
        v2 = fma(x, weight, v2)
        density = density * ratio
        ratio = select(start <= 1.0 * i, ratio * change, ratio)
    v1, v2 = v1 / wide, (v2 / wide - v) / wide
    y = (place - 1.0 * low) * step
    scale = exp(-load(block, LOSS * n, like) * length - beta * y) / sqrt(2.0 * math.pi * wide)
    v, v1, v2 = scale * v, scale * v1 / step, scale * v2 / (step * step)
    v1, v2 = v1 - beta * v, v2 - 2.0 * beta * v1 + beta * beta * v
    # The coupon at the end, if a call has not taken the note away by then.
    stock, ratio, level = load(market, 0, like), load(notes, 0, like), load(notes, n, like)
    held, rho = load(block, BARRIER * n, like) > 0.0, load(block, RHO * n, like)
    coupon = exp(-rho * length) * load(block, COUPON * n, like) if segments > 1 else zero
    q, q1, q2 = one, zero, zero
    if any_lane(load(block, BARRIER * n, like) > 0.0):
        deviation = sqrt(load(block, VARIANCE * n, like) * length)
        near = -y / deviation - beta * deviation
        alive, image, density = unhit(like, -y / deviation, beta * deviation)
        q = select(held, alive - image, q)
        q1 = select(held, 2.0 * beta * image - 2.0 * density / deviation, q1)
        bent = 2.0 * beta * density / deviation - 4.0 * beta * beta * image
        q2 = select(held, bent - 2.0 * near * density / (deviation * deviation), q2)
    v, v1, v2 = fma(coupon, q, v), fma(coupon, q1, v1), fma(coupon, q2, v2)
    # What recovery and the coupons within it are worth, and the shares.
    worth, per_shares = load(block, PERPETUAL * n, like), load(block, PER_SHARES * n, like)
    own = 1.0 - per_shares
    value = fma(own * ratio, stock, v + worth + load(block, BOND * n, like))
    delta = fma(ratio, own, v1 / stock)
    gamma = (v2 - v1) / (stock * stock)
    called = held & (stock >= level)
    value = select(called, ratio * stock, value)
    delta, gamma = select(called, ratio, delta), select(called, zero, gamma)
    variance, rate = load(block, VARIANCE * n, like), load(market, 2 * n, like)
    hazard, claim = load(market, 3 * n, like), load(notes, 3 * n, like)
    drop = load(market, 5 * n, like)
    shares_kept = ratio * stock * (1.0 - drop)
    paid = hazard * maximum(shares_kept, load(market, 4 * n, like) * claim)
    drift = (rate + drop * hazard) * stock
    theta = rho * value - paid - drift * delta - 0.5 * variance * stock * stock * gamma
    store(out, 0, value)
    store(out, n, delta)
    store(out, 2 * n, gamma)
    store(out, 3 * n, select(called, zero, theta))


def value_block(
    like: Any, block: Any, scratch: Any, weights: Any, market: Any, notes: Any, f: Any, spare: Any, growth: Any,
    shares: Any, seg: Any, first: Any, segments: int, alike: bool, settings: Any, share: float, out: Any,  # noqa: FBT001
) -> None:  # fmt: skip
    """Value a row in each lane, their notes having the same number of segments."""
    low, high = node_counts(settings, segments, share)
    strike, room = lay_out(like, block, market, notes, growth, shares, settings, low, high)
    inner = take_segment(like, block, seg, first, segments - 1, alike)
    mature(like, block, scratch, f, growth, shares, strike, low, high, room)
    for m in range(segments - 2, -1, -1):
        reach = fill_kernel(like, block, weights, settings[WINDOW], room)
        nodes = continue_ends(like, block, f, growth, shares, low, high, room, reach)
        convolve(like, f, spare, weights, room, nodes, reach)
        f, spare = spare, f
        coupons_within(like, block, scratch, seg, first, m + 1, inner, alike)
        inner = take_segment(like, block, seg, first, m, alike)
        meet(like, block, scratch, f, spare, growth, shares, low, high, room, m == 0)
    coupons_within(like, block, scratch, seg, first, 0, inner, alike)
    read_off(
        like, block, weights, market, notes, f, spare, growth, shares, segments, settings[WINDOW], low, high, room, out
    )  # fmt: skip


@kernel(
    tables=["int64", "float64", "float64", "float64"],
    reads=["int64", "int64"] + ["float64"] * 6,
    writes=["float64"] * 5,
    calls=[
        fill_kernel, reach_of, moments_weight, continue_ends, convolve, kink_weights, add_weights, weigh_strike,
        weigh_barrier, leave_barrier, put_back, mirror,
        node_counts, take_segment, coupons_within, lay_out, mature, meet, tail, beyond, unhit, read_off, value_block,
    ],
    lanes=True,
    block=4096,
)  # fmt: skip
def value_fast(
    like: Any, begins: Any, seg: Any, table: Any, settings: Any, contract: Any, times: Any, stock: Any,
    volatility: Any, rate: Any, hazard: Any, recovery: Any, drop: Any, value: Any, delta: Any, gamma: Any,
    theta: Any, estimate: Any,
) -> None:  # fmt: skip
    """Fill value, delta, gamma, theta per year and an estimate of the value's error, for each row.

    Rows of notes with the same number of segments should stand together: they share the lanes of a vector. `begins`
    holds where each note's segments start, then how many they are; `times` says whether a row is valued once, or twice
    for an estimate of its error from a finer grid.
    """
    n, size, most = lanes_of(like), begins.size // 2, 1
    for i in range(size):
        most = max(most, begins[size + i])
    low, high = node_counts(settings, most, settings[FINER])
    places = (low + high + 2 * ROOM + 8) * n
    f, spare, growth, shares = np.zeros(places), np.zeros(places), np.zeros(places), np.zeros(places)
    weights, block, scratch = np.zeros((ROOM + 8) * n), np.zeros(BLOCK_NUMBERS * n), np.zeros(SCRATCH * n)
    market, notes, first = np.zeros(6 * n), np.zeros(N_FIELDS * n), np.zeros(n, dtype=np.int64)
    once, finer = np.zeros(4 * n), np.zeros(4 * n)
    known = np.full(n, -1, dtype=np.int64)  # the contract whose numbers are in each lane
    r = 0
    while r < value.size:
        own = contract[r]
        segments, count, alike = begins[size + own], 0, True
        for lane in range(n):
            at = r + lane
            if count == lane and at < value.size and begins[size + contract[at]] == segments:
                count += 1
            at = r + min(lane, count - 1)  # the rest repeat the last
            alike = alike and contract[at] == own
            if contract[at] != known[lane]:
                known[lane], first[lane] = contract[at], begins[contract[at]]
                for k in range(N_FIELDS):
                    notes[k * n + lane] = table[contract[at] * N_FIELDS + k]
            market[lane], market[n + lane], market[2 * n + lane] = stock[at], volatility[at], rate[at]
            market[3 * n + lane], market[4 * n + lane], market[5 * n + lane] = hazard[at], recovery[at], drop[at]
        value_block(
            like, block, scratch, weights, market, notes, f, spare, growth, shares, seg, first, segments, alike,
            settings, 1.0, once,
        )  # fmt: skip
        twice = False
        for lane in range(count):
            twice = twice or times[r + lane] > 1
        if twice:
            value_block(
                like, block, scratch, weights, market, notes, f, spare, growth, shares, seg, first, segments, alike,
                settings, settings[FINER], finer,
            )  # fmt: skip
        for lane in range(count):
            again = times[r + lane] > 1
            best = finer if again else once
            value[r + lane], delta[r + lane] = best[lane], best[n + lane]
            gamma[r + lane], theta[r + lane] = best[2 * n + lane], best[3 * n + lane]
            change = abs(finer[lane] - once[lane]) if again else 0.0
            estimate[r + lane] = settings[LEAST] + settings[TIMES] * change + 0.0 * once[lane]
        r += count
