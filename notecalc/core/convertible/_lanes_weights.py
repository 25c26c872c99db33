"""Weights of kinks and jumps, and polynomials through nodes, for as many rows at once as a vector has lanes.

They are those of `_weights`, each lane having its own place.
"""

from __future__ import annotations

from typing import Any

from notecalc.core._vectors import fma, lanes_of, maximum, minimum, select, splat, whole
from notecalc.core.convertible._lanes_memory import BOTTOM, TMP, TMP2, TMP3, TMP4, ZERO, aim, gather, of, put

__all__: list[str] = []


def add_pair(like: Any, grid: Any, array: int, now: Any, node: Any, left: Any, right: Any, high: Any) -> None:
    """Add to a node of each lane's own and to the next, if both are of its grid, and none is above `high`."""
    put(now, TMP, node)
    put(now, TMP2, left)
    put(now, TMP3, right)
    put(now, TMP4, high)
    for lane in range(lanes_of(like)):
        place = now[TMP * lanes_of(like) + lane]
        if now[BOTTOM * lanes_of(like) + lane] <= place < now[TMP4 * lanes_of(like) + lane]:
            j = int(place + now[ZERO * lanes_of(like) + lane])
            grid[array + j * lanes_of(like) + lane] += now[TMP2 * lanes_of(like) + lane]
            grid[array + (j + 1) * lanes_of(like) + lane] += now[TMP3 * lanes_of(like) + lane]


def weigh_kink(like: Any, grid: Any, array: int, now: Any, place: Any, slope: Any, bend: Any, high: Any) -> None:
    """Add the weights of a kink; see `_weights.weigh_kink`."""
    half, one = splat(0.5, like), splat(1.0, like)
    node = whole(place)
    part = place - node
    second = part * part - part + (1.0 / 6.0)
    third = part * (part - half) * (part - one)
    total = third * bend / 6.0 - half * second * slope
    right = third * slope / 3.0 + part * total
    add_pair(like, grid, array, now, node, total - right, right, high)


def weigh_jump(like: Any, grid: Any, array: int, now: Any, node: Any, part: Any, jump: Any, high: Any) -> None:
    """Add the weights of a jump; see `_weights.weigh_jump`."""
    right = jump * (part * part / 2.0 - (1.0 / 12.0))
    add_pair(like, grid, array, now, node, jump * (part - 0.5) - right, right, high)


def cubic_weights(like: Any, part: Any) -> Any:
    """Give the weights of four nodes in the cubic through them, at a place in the cell between the middle ones."""
    one, half = splat(1.0, like), splat(0.5, like)
    back, ahead, far = part + one, part - one, part - splat(2.0, like)
    inner, outer = half * ahead * far, half * back * part
    return splat(-1.0 / 3.0, like) * part * inner, back * inner, splat(0.0, like) - outer * far, outer * ahead / 3.0


def interpolate(like: Any, grid: Any, array: int, cells: Any, now: Any, place: Any, low: Any, high: Any) -> Any:
    """Cubic through four nodes of a smooth stretch, from `low` to `high`; a line beyond its ends."""
    node = whole(place)
    return interpolate_after(like, grid, array, cells, now, node, place - node, low, high)


def interpolate_after(
    like: Any, grid: Any, array: int, cells: Any, now: Any, before: Any, part: Any, low: Any, high: Any
) -> Any:
    """Interpolate at a place in the cell after a node, which need not be one of the stretch."""
    one, place = splat(1.0, like), before + part
    node = minimum(maximum(before, low + one), high - splat(2.0, like))
    w0, w1, w2, w3 = cubic_weights(like, part + (before - node))
    aim(like, cells, now, node)
    smooth = blend(
        w0, w1, w2, w3, gather(like, grid, array, cells, -1), gather(like, grid, array, cells, 0),
        gather(like, grid, array, cells, 1), gather(like, grid, array, cells, 2),
    )  # fmt: skip
    aim(like, cells, now, low)
    f0, f1 = gather(like, grid, array, cells, 0), gather(like, grid, array, cells, 1)
    aim(like, cells, now, high)
    g0, g1 = gather(like, grid, array, cells, -1), gather(like, grid, array, cells, 0)
    smooth = select(place > low, smooth, f0 + (f1 - f0) * (place - low))
    return select(high > place, smooth, g1 + (g1 - g0) * (place - high))


def blend(w0: Any, w1: Any, w2: Any, w3: Any, f0: Any, f1: Any, f2: Any, f3: Any) -> Any:
    """Add up four numbers by their weights."""
    return fma(w3, f3, fma(w2, f2, fma(w1, f1, w0 * f0)))


def derivatives(like: Any, grid: Any, array: int, cells: Any, now: Any, place: Any, high: Any) -> Any:
    """Value, first and second derivative per node, of the polynomial through six nodes of a smooth stretch."""
    zeros, two = splat(0.0, like), splat(2.0, like)
    low = of(like, now, BOTTOM)
    first_node = minimum(maximum(whole(place) - two, low), maximum(high - 5.0, low))
    aim(like, cells, now, first_node)
    f = place - first_node
    value, first, second = zeros, zeros, zeros
    for k in range(6):
        # Newton's form of one Lagrange basis polynomial and its two derivatives.
        p, d, dd, scale = splat(1.0, like), zeros, zeros, 1.0
        for m in range(6):
            if m != k:
                gap = f - splat(float(m), like)
                dd = dd * gap + two * d
                d = d * gap + p
                p = p * gap
                scale *= k - m
        weight = gather(like, grid, array, cells, k) / (scale)
        value = value + weight * p
        first = first + weight * d
        second = second + weight * dd
    return value, first, second
