"""Weights of kinks and jumps, and polynomials through nodes, for as many rows at once as a vector has lanes.

They are those of `_weights`, each lane having its own place.
"""

from __future__ import annotations

from typing import Any

from notecalc.core._vectors import fma, lanes_of, maximum, minimum, pick, select, splat, store, whole
from notecalc.core.convertible._lanes_memory import TMP, TMP2, TMP3, aim, gather, least_of, most_of, put

__all__: list[str] = []


def add_pair(like: Any, grid: Any, array: int, now: Any, node: Any, left: Any, right: Any, low: int, high: int) -> None:
    """Add to a node of each lane's own and to the next, if both are within bounds."""
    put(now, TMP, node)
    put(now, TMP2, left)
    put(now, TMP3, right)
    for lane in range(lanes_of(like)):
        j = int(now[TMP * lanes_of(like) + lane])
        if low <= j < high:
            grid[array + j * lanes_of(like) + lane] += now[TMP2 * lanes_of(like) + lane]
            grid[array + (j + 1) * lanes_of(like) + lane] += now[TMP3 * lanes_of(like) + lane]


def weigh_kink(
    like: Any, grid: Any, array: int, now: Any, place: Any, slope: Any, bend: Any, low: int, high: int
) -> None:
    """Add the weights of a kink; see `_weights.weigh_kink`."""
    half, one = splat(0.5, like), splat(1.0, like)
    node = whole(place)
    part = place - node
    second = part * part - part + (1.0 / 6.0)
    third = part * (part - half) * (part - one)
    total = third * bend / 6.0 - half * second * slope
    right = third * slope / 3.0 + part * total
    add_pair(like, grid, array, now, node, total - right, right, low, high)


def weigh_jump(
    like: Any, grid: Any, array: int, now: Any, node: Any, part: Any, jump: Any, low: int, high: int
) -> None:
    """Add the weights of a jump; see `_weights.weigh_jump`."""
    right = jump * (part * part / 2.0 - (1.0 / 12.0))
    add_pair(like, grid, array, now, node, jump * (part - 0.5) - right, right, low, high)


def cubic(like: Any, grid: Any, array: int, cells: Any, now: Any, node: Any, part: Any) -> Any:
    """Give the cubic through four nodes from the one before `node`, at a place in the cell after it."""
    one, two = splat(1.0, like), splat(2.0, like)
    aim(like, cells, now, node)
    f0, f1, f2, f3 = (
        gather(like, grid, array, cells, -1), gather(like, grid, array, cells, 0), gather(like, grid, array, cells, 1),
        gather(like, grid, array, cells, 2),
    )  # fmt: skip
    back, ahead, far = part + one, part - one, part - two
    return (
        (f3 * back * part * ahead - f0 * part * ahead * far) / 6.0
        + (f1 * back * ahead * far - f2 * back * part * far) / two
    )  # fmt: skip


def interpolate(like: Any, grid: Any, array: int, cells: Any, now: Any, place: Any, low: Any, high: Any) -> Any:
    """Cubic through four nodes of a smooth stretch, from `low` to `high`; a line beyond its ends."""
    one, two = splat(1.0, like), splat(2.0, like)
    node = minimum(maximum(whole(place), low + one), high - two)
    smooth = cubic(like, grid, array, cells, now, node, place - node)
    aim(like, cells, now, low)
    f0, f1 = gather(like, grid, array, cells, 0), gather(like, grid, array, cells, 1)
    aim(like, cells, now, high)
    g0, g1 = gather(like, grid, array, cells, -1), gather(like, grid, array, cells, 0)
    smooth = select(place > low, smooth, f0 + (f1 - f0) * (place - low))
    return select(high > place, smooth, g1 + (g1 - g0) * (place - high))


def shift(
    like: Any, grid: Any, array: int, to: int, cells: Any, now: Any, by: Any, low: Any, high: Any, nodes: int
) -> None:  # fmt: skip
    """Read an array at each node `by` nodes further up, as `interpolate` does; write it to another.

    All nodes of a lane lie at one part of a cell, and have one set of weights, but for those at the ends.
    """
    zeros, one, two, lanes = splat(0.0, like), splat(1.0, like), splat(2.0, like), lanes_of(like)
    highest, nodes_by = splat(nodes - 1.0, like), whole(by)
    part = by - nodes_by
    aim(like, cells, now, low)
    f0, f1 = gather(like, grid, array, cells, 0), gather(like, grid, array, cells, 1)
    aim(like, cells, now, high)
    g0, g1 = gather(like, grid, array, cells, -1), gather(like, grid, array, cells, 0)
    # From and up to where no lane is at an end of its own.
    put(now, TMP2, minimum(maximum(low + one - nodes_by, zeros), highest + one))
    put(now, TMP3, maximum(minimum(high - two - nodes_by, highest), splat(-1.0, like)))
    first, last = int(most_of(like, now, TMP2)), int(least_of(like, now, TMP3))
    w0, w1, w2, w3 = cubic_weights(like, part)
    aim(like, cells, now, minimum(maximum(nodes_by, zeros - highest), highest))
    for i in range(first, last + 1):
        at = array + i * lanes
        inner = fma(w1, pick(grid, at, cells, like), w2 * pick(grid, at + lanes, cells, like))
        outer = fma(w0, pick(grid, at - lanes, cells, like), w3 * pick(grid, at + 2 * lanes, cells, like))
        store(grid, to + i * lanes, inner + outer)
    for i in range(nodes):
        if first <= i <= last:
            continue
        here = splat(float(i), like)
        node, place = minimum(maximum(here + nodes_by, low + one), high - two), here + by
        off = node - here - nodes_by
        p0, p1, p2, p3 = cubic_weights(like, select(off * off > zeros, place - node, part))
        aim(like, cells, now, node)
        inner = fma(p1, gather(like, grid, array, cells, 0), p2 * gather(like, grid, array, cells, 1))
        outer = fma(p0, gather(like, grid, array, cells, -1), p3 * gather(like, grid, array, cells, 2))
        smooth = select(place < low, f0 + (f1 - f0) * (place - low), inner + outer)
        store(grid, to + i * lanes, select(place > high, g1 + (g1 - g0) * (place - high), smooth))


def cubic_weights(like: Any, part: Any) -> Any:
    """Give the weights of four nodes in the cubic through them, at a place in the cell after the second."""
    one, two = splat(1.0, like), splat(2.0, like)
    back, ahead, far = part + one, part - one, part - two
    inner, outer = ahead * far, back * part
    return (
        inner * part * (-1.0 / 6.0), inner * back * 0.5, outer * far * (-0.5), outer * ahead * (1.0 / 6.0)
    )  # fmt: skip


def derivatives(like: Any, grid: Any, array: int, cells: Any, now: Any, place: Any, high: Any) -> Any:
    """Value, first and second derivative per node, of the polynomial through six nodes of a smooth stretch."""
    zeros, two = splat(0.0, like), splat(2.0, like)
    first_node = minimum(maximum(whole(place) - two, zeros), maximum(high - 5.0, zeros))
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
