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
    COUPON,
    HELD,
    LATER_BARRIER,
    LATER_LENGTH,
    LENGTH,
    LOSS,
    PAID,
    PER_SHARES,
    PERPETUAL,
    PLACE,
    PRIOR_BARRIER,
    PUT,
    RHO,
    SCRATCH,
    STEP,
    VARIANCE,
    add_weights,
    below_normal,
    continue_ends,
    convolve,
    fill_kernel,
    kink_weights,
    leave_barrier,
    mirror,
    moments_weight,
    put_back,
    weigh_barrier,
    weigh_strike,
)

__all__ = ["value_fast"]

# ---- a segment of a note ----
S_LENGTH: Final = 0  # [yr]
S_COUPON: Final = 1  # paid at its end
S_PUT: Final = 2  # dirty put price at its end; 0: none
S_BARRIER: Final = 3  # 1 where a soft call is live
S_FIELDS: Final = 4

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
N_BRIEF: Final = 9  # shortest segment [yr]
N_FIELDS: Final = 10

# settings
LOW, HIGH, ROOM, BELOW, ABOVE, COARSE, LEAST, TIMES = 0, 1, 2, 3, 4, 5, 6, 7

FEW: Final = 2.0  # squared steps of a Gaussian below which its shape is not seen in differences
_OFTEN = 8.0  # segments from which the grid gets finer


def node_counts(settings: Any, segments: int, share: float) -> Any:
    """Give nodes below the call's level, above it, and beyond on each side, in fours."""
    scale = 0.25 * share * math.sqrt(max(1.0, segments / _OFTEN))
    room = 4 * math.ceil(settings[ROOM] * scale * (1.0 + 4.0 / segments))  # few segments may be long
    return 4 * math.ceil(settings[LOW] * scale), 4 * math.ceil(settings[HIGH] * scale), room


def take_segment(like: Any, block: Any, seg: Any, first: Any, m: int) -> None:
    """Take the m-th segment of each lane's note; what was the barrier becomes that of later."""
    n = lanes_of(like)
    for lane in range(n):
        o = (first[lane] + m) * S_FIELDS
        block[LATER_BARRIER * n + lane] = block[BARRIER * n + lane]
        block[LATER_LENGTH * n + lane] = block[LENGTH * n + lane]
        block[LENGTH * n + lane] = seg[o + S_LENGTH]
        block[COUPON * n + lane] = seg[o + S_COUPON]
        block[PUT * n + lane] = seg[o + S_PUT]
        block[BARRIER * n + lane] = seg[o + S_BARRIER]
        block[PRIOR_BARRIER * n + lane] = seg[o - S_FIELDS + S_BARRIER] if m > 0 else 0.0


def lay_out(
    like: Any, block: Any, market: Any, notes: Any, growth: Any, shares: Any, settings: Any, low: int, high: int,
    room: int,
) -> Any:  # fmt: skip
    """Lay out the grid of each lane; give y where the payoff has its kink.

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
    reach = vol * sqrt(life)
    below = minimum(y, strike) - settings[BELOW] * reach
    above = maximum(y, zero) + settings[ABOVE] * vol * sqrt(free)
    step = maximum(-below / (1.0 * low), above / (1.0 * high))
    store(block, BETA * n, beta)
    store(block, STEP * n, step)
    store(block, VARIANCE * n, variance)
    store(block, RHO * n, rho)
    store(block, LOSS * n, rho + 0.5 * beta * drift)
    store(block, PERPETUAL * n, worth)
    store(block, PER_SHARES * n, worth / (ratio * level))
    store(block, PAID * n, paid)
    store(block, PLACE * n, y / step + 1.0 * low)
    e, up = exp(-beta * step * (1.0 * (low + room))), exp(beta * step)
    s = ratio * level * exp(-(beta + 1.0) * step * (1.0 * (low + room)))
    more = exp((beta + 1.0) * step)
    for i in range(low + high + 2 * room):
        store(growth, i * n, e)
        store(shares, i * n, s)
        e, s = e * up, s * more
    return strike


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
    segments: int, low: int, high: int, room: int, out: Any,
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
    window = 6.0 * sqrt(wide)
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
        near, far_side = -y / deviation - beta * deviation, y / deviation - beta * deviation
        density = exp(-0.5 * near * near) / math.sqrt(2.0 * math.pi)
        image = exp(-2.0 * beta * y) * below_normal(like, far_side)
        q = select(held, below_normal(like, near) - image, q)
        q1 = select(held, 2.0 * beta * image - 2.0 * density / deviation, q1)
        bent = 2.0 * beta * density / deviation - 4.0 * beta * beta * image
        q2 = select(held, bent - 2.0 * near * density / (deviation * deviation), q2)
    v, v1, v2 = fma(coupon, q, v), fma(coupon, q1, v1), fma(coupon, q2, v2)
    # What recovery is worth, and the shares.
    worth, per_shares = load(block, PERPETUAL * n, like), load(block, PER_SHARES * n, like)
    own = 1.0 - per_shares
    value = fma(own * ratio, stock, v + worth)
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
    shares: Any, seg: Any, first: Any, segments: int, settings: Any, share: float, out: Any,
) -> None:  # fmt: skip
    """Value a row in each lane, their notes having the same number of segments."""
    low, high, room = node_counts(settings, segments, share)
    strike = lay_out(like, block, market, notes, growth, shares, settings, low, high, room)
    take_segment(like, block, seg, first, segments - 1)
    mature(like, block, scratch, f, growth, shares, strike, low, high, room)
    for m in range(segments - 2, -1, -1):
        reach = fill_kernel(like, block, weights, room)
        nodes = continue_ends(like, block, f, growth, shares, low, high, room, reach)
        convolve(like, f, spare, weights, room, nodes, reach)
        f, spare = spare, f
        take_segment(like, block, seg, first, m)
        meet(like, block, scratch, f, spare, growth, shares, low, high, room, m == 0)
    read_off(
        like, block, weights, market, notes, f, spare, growth, shares, segments, low, high, room, out
    )  # fmt: skip


@kernel(
    tables=["int64", "float64", "float64", "float64"],
    reads=["int64", "int64"] + ["float64"] * 6,
    writes=["float64"] * 5,
    calls=[
        fill_kernel, moments_weight, continue_ends, convolve, kink_weights, add_weights, weigh_strike, weigh_barrier,
        leave_barrier, put_back, mirror,
        node_counts, take_segment, lay_out, mature, meet, below_normal, read_off, value_block,
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
    for an estimate of its error from a coarser grid.
    """
    n, size, most = lanes_of(like), begins.size // 2, 1
    for i in range(size):
        most = max(most, begins[size + i])
    low, high, room = node_counts(settings, most, 1.0)
    room = max(room, node_counts(settings, 1, 1.0)[2])
    places = (low + high + 2 * room + 8) * n
    f, spare, growth, shares = np.zeros(places), np.zeros(places), np.zeros(places), np.zeros(places)
    weights, block, scratch = np.zeros((room + 8) * n), np.zeros(BLOCK_NUMBERS * n), np.zeros(SCRATCH * n)
    market, notes, first = np.zeros(6 * n), np.zeros(N_FIELDS * n), np.zeros(n, dtype=np.int64)
    fine, coarse = np.zeros(4 * n), np.zeros(4 * n)
    r = 0
    while r < value.size:
        own = contract[r]
        segments, count = begins[size + own], 0
        for lane in range(n):
            at = r + lane
            if count == lane and at < value.size and begins[size + contract[at]] == segments:
                count += 1
            at = r + min(lane, count - 1)  # the rest repeat the last
            own = contract[at]
            first[lane] = begins[own]
            for k in range(N_FIELDS):
                notes[k * n + lane] = table[own * N_FIELDS + k]
            market[lane], market[n + lane], market[2 * n + lane] = stock[at], volatility[at], rate[at]
            market[3 * n + lane], market[4 * n + lane], market[5 * n + lane] = hazard[at], recovery[at], drop[at]
        value_block(
            like, block, scratch, weights, market, notes, f, spare, growth, shares, seg, first, segments, settings,
            1.0, fine,
        )  # fmt: skip
        twice = False
        for lane in range(count):
            twice = twice or times[r + lane] > 1
        if twice:
            value_block(
                like, block, scratch, weights, market, notes, f, spare, growth, shares, seg, first, segments, settings,
                settings[COARSE], coarse,
            )  # fmt: skip
        for lane in range(count):
            value[r + lane], delta[r + lane] = fine[lane], fine[n + lane]
            gamma[r + lane], theta[r + lane] = fine[2 * n + lane], fine[3 * n + lane]
            estimate[r + lane] = settings[LEAST] + 0.0 * fine[lane]
            if times[r + lane] > 1:
                estimate[r + lane] += settings[TIMES] * abs(fine[lane] - coarse[lane])
        r += count
