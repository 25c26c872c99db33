"""Spreads that are wide for the volatility: the note is converted in a stretch of stock prices, and held above it.

What is converted bears no spread, so that the holder would rather have shares before a bond that he may never be paid;
at higher prices conversion at maturity is so likely that the coupons until then are worth waiting for.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import QuantLib as ql
from scipy.linalg import solve_banded

from notecalc.core.convertible.valuation import MODELS, convertible_value

DAY, RATE = "2004-06-18", 0.03
TIMES = np.array([0, 183, 365, 548, 730, 913, 1095]) / 365  # of the coupons of the note that the fixtures make
TF, _, GS = MODELS

pytestmark = pytest.mark.compiled


def induced(stock, volatility, spread, model, *, nodes, steps):
    """Backward induction: a step of both unknowns without conversion, then who is better off with shares converts.

    As in a tree, but by implicit steps on a grid of ln S; of first order in time, the edges on nodes.
    """
    x = np.linspace(np.log(stock) - 2.5, np.log(stock) + 2.5, nodes + 1)
    h, shares = x[1] - x[0], 100 / 1.85 * np.exp(x)
    a, m = volatility**2 / 2 / h**2, (RATE - volatility**2 / 2) / (2 * h)
    blended = model == GS

    def step(right, rho, dt):
        band = np.empty((3, x.size))
        band[0, 2:], band[2, :-2], band[1] = -dt * (a + m), -dt * (a - m), 1 + dt * (rho + 2 * a)
        # At both ends nothing spreads.
        band[0, :2], band[2, -2:] = 0.0, 0.0
        band[1, [0, -1]] -= 2 * a * dt
        return solve_banded((1, 1), band, right, overwrite_ab=True, overwrite_b=True)

    over, second = np.maximum(104 - shares, 0.0), np.where(shares >= 104, 0.0, 1.0 if blended else 104.0)
    for start, end in list(itertools.pairwise(TIMES))[::-1]:
        count = round(steps * (end - start) / TIMES[-1])
        dt = (end - start) / count
        for _ in range(count):
            second = step(second, 0.0 if blended else RATE + spread, dt)
            lost = dt * spread * second
            over = step(over - lost * (shares if blended else 1.0), RATE + (lost / dt if blended else 0.0), dt)
            second[over < 0] = 0.0
            over = np.maximum(over, 0.0)
        if start > 0:
            over = over + 4
            second = second if blended else second + 4
    return float(over[nodes // 2] + 100 / 1.85 * stock)
