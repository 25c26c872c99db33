"""Functions with kinks and jumps on a grid, represented so that sums over nodes are integrals to third order.

A kink between two nodes is given weights at both, such that the sampled function has the integral and the first moment
of the true one (the Euler-Maclaurin formula with Bernoulli polynomials at the kink): without them the error of a
difference scheme depends on where in its cell the kink lies, and cannot be extrapolated.
"""

from __future__ import annotations

import math
from typing import Any

__all__: list[str] = []


def weigh_kink(u: Any, place: float, slope: float, bend: float, low: int, high: int) -> None:
    """Add the weights of a kink at a place, in nodes; slope and bend are its left minus its right derivatives.

    They are per node: times h and h squared. Nothing outside nodes `low` to `high` is touched.
    """
    j = math.floor(place)
    part = place - j
    if j < low or j >= high:
        return
    second = part * part - part + 1.0 / 6.0
    third = part * (part - 0.5) * (part - 1.0)
    total = -0.5 * second * slope + third * bend / 6.0
    right = third * slope / 3.0 + part * total
    u[j] += total - right
    u[j + 1] += right


def weigh_jump(u: Any, j: int, part: float, jump: float, low: int, high: int) -> None:
    """Add the weights of a jump, left minus right, after node j, which has the value on its left."""
    if j < low or j >= high:
        return
    right = jump * (part * part / 2.0 - 1.0 / 12.0)
    u[j] += jump * (part - 0.5) - right
    u[j + 1] += right


def interpolate(u: Any, place: float, low: int, high: int) -> Any:
    """Cubic through four nodes of a smooth stretch, from `low` to `high`; a line beyond its ends."""
    if place <= low:
        return u[low] + (u[low + 1] - u[low]) * (place - low)
    if place >= high:
        return u[high] + (u[high] - u[high - 1]) * (place - high)
    j = min(max(math.floor(place), low + 1), high - 2)
    f = place - j
    return (
        -u[j - 1] * f * (f - 1.0) * (f - 2.0) / 6.0
        + u[j] * (f + 1.0) * (f - 1.0) * (f - 2.0) / 2.0
        - u[j + 1] * (f + 1.0) * f * (f - 2.0) / 2.0
        + u[j + 2] * (f + 1.0) * f * (f - 1.0) / 6.0
    )


def derivatives(u: Any, place: float, low: int, high: int) -> Any:
    """Value, first and second derivative per node, of the polynomial through six nodes of a smooth stretch."""
    j = min(max(math.floor(place) - 2, low), max(high - 5, low))
    f = place - j
    value, first, second = 0.0, 0.0, 0.0
    for k in range(6):
        # Newton's form of one Lagrange basis polynomial and its two derivatives.
        p, d, dd, scale = 1.0, 0.0, 0.0, 1.0
        for m in range(6):
            if m != k:
                gap = f - m
                dd = dd * gap + 2.0 * d
                d = d * gap + p
                p *= gap
                scale *= k - m
        value += u[j + k] * p / scale
        first += u[j + k] * d / scale
        second += u[j + k] * dd / scale
    return value, first, second
