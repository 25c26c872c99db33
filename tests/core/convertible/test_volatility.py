"""Volatility with and without the jump to nothing."""

from __future__ import annotations

import pytest

import notecalc as nc
from notecalc.core.convertible.volatility import diffusion_volatility, total_volatility


def test_squares_add_up():
    assert diffusion_volatility(0.5, 0.16) == pytest.approx(0.3)  # 0.25 - 0.16 = 0.09
    assert total_volatility([0.3, 0.0], [0.16, 0.04]) == pytest.approx([0.5, 0.2])
    assert diffusion_volatility(0.2, 0.04) == pytest.approx(0, abs=1e-7)


def test_a_hazard_above_the_square_is_refused():
    with pytest.raises(
        nc.TermError, match=r"`hazard_rate` must be at most the square of `total_volatility`; got 0.1 at row 1"
    ):
        diffusion_volatility([0.5, 0.3], [0.1, 0.1])
    with pytest.raises(nc.TermError, match="`volatility` must be a number of at least 0; got -0.1"):
        total_volatility(-0.1, 0.1)
