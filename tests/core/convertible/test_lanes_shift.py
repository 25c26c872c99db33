"""A grid moved over a day on which all nodes move alike, against arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from notecalc.core.convertible._lanes_memory import NUMBERS, TOP, UP, UP_PART
from notecalc.core.convertible._lanes_shift import shift
from notecalc.core.convertible._lanes_weights import interpolate

NODES, LOW, HIGH = 12, 2.0, 9.0


def cubic(x):
    return 2.0 - x + 0.3 * x**2 - 0.05 * x**3


@pytest.mark.parametrize("by", [-30.5, -3.3, 0.0, 0.4, 2.0, 7.75, 40.0])
def test_a_shift_is_exact_for_a_cubic_and_goes_on_in_a_line(by):
    nodes = np.arange(float(NODES))
    grid = np.r_[cubic(nodes), np.zeros(NODES)]
    cells, now = np.zeros(1, dtype=np.int64), np.zeros(NUMBERS)
    now[[TOP, UP, UP_PART]] = NODES - 1, np.floor(by), by - np.floor(by)
    shift(0.0, grid, NODES, now, cells, 0, 1, LOW, HIGH, 0.0, NODES, 0, False)
    place = nodes + by
    below = cubic(LOW) + (cubic(LOW + 1) - cubic(LOW)) * (place - LOW)
    above = cubic(HIGH) + (cubic(HIGH) - cubic(HIGH - 1)) * (place - HIGH)
    expected = np.where(place < LOW, below, np.where(place > HIGH, above, cubic(place)))
    assert grid[NODES:] == pytest.approx(expected, abs=1e-12)
    one_by_one = [interpolate(0.0, grid, 0, cells, now, x, LOW, HIGH) for x in place]
    assert grid[NODES:] == pytest.approx(one_by_one, abs=1e-12)
