"""Inputs that move a market's data, whatever these are: factors, and shifts of curves.

``volatility_factor`` multiplies the volatility, ``risk_free_shift`` is added to the risk-free rate at all terms,
``risk_free_shift.slope`` and ``.curvature`` by the loadings of Nelson and Siegel, and ``risk_free_shift.2y`` at the
pillar of two years: see `core.convertible.moves`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from notecalc.batch.results.base import Inputs
from notecalc.core.arrays import POSITIVE, FloatArray
from notecalc.core.convertible.moves import FACTORS, Moved
from notecalc.core.convertible.terms import Steps
from notecalc.core.curves import Curve
from notecalc.deal.structures import day_after

__all__ = ["is_pillar", "moved", "moving_inputs"]

_FACTORED = ("stock_price", "volatility", "credit_spread", "hazard_rate")
_SHIFTED = ("risk_free", "credit_spread", "hazard_rate")
_PILLAR = re.compile(r"(\w+)_shift\.([1-9]\d*[dwmy])")


def moving_inputs(data: Iterable[str]) -> list[str]:
    """Name the inputs that move some data, but for pillars, whose tenors are free."""
    names = [*data]
    found = [f"{name}_factor" for name in names if name in _FACTORED]
    shifts = [f"{name}_shift" for name in names if name in _SHIFTED]
    return found + shifts + [f"{name}.{factor}" for name in shifts for factor in FACTORS[1:]]


def is_pillar(name: str, data: Iterable[str]) -> bool:
    """Tell whether an input shifts one of some data at a pillar.

    Examples
    --------
    >>> is_pillar("risk_free_shift.2y", ["risk_free"]), is_pillar("stock_price_shift.2y", ["stock_price"])
    (True, False)
    """
    found = _PILLAR.fullmatch(name)
    return found is not None and found[1] in _SHIFTED and found[1] in {*data}


def moved(name: str, value: Any, inputs: Inputs, on: dt.date) -> Any:
    """Give a datum as the inputs move it; pillars are counted from a day."""
    factor: FloatArray | None = inputs.get(f"{name}_factor")
    if factor is not None:
        POSITIVE.check(f"{name}_factor", factor)
    shift = f"{name}_shift"
    betas = {each: inputs[key] for each, key in zip(FACTORS, _keys(shift), strict=True) if key in inputs}
    first = np.datetime64(on, "D")
    pillars = sorted(
        ((np.datetime64(day_after(on, part[2])) - first).astype(float) / 365, key)
        for key in inputs
        if (part := _PILLAR.fullmatch(key)) and part[1] == name
    )
    if factor is None and not betas and not pillars:
        return value
    if not isinstance(value, Curve | Steps) and not pillars and set(betas) <= {"level"}:
        return np.asarray(value) * (1.0 if factor is None else factor) + betas.get("level", 0.0)
    at_pillars = np.stack([inputs[key] for _, key in pillars], axis=1) if pillars else ()
    years = [year for year, _ in pillars]
    return Moved(value, first, factor=factor, shifts=betas, pillars=years, at_pillars=at_pillars)


def _keys(shift: str) -> list[str]:
    return [shift, *(f"{shift}.{factor}" for factor in FACTORS[1:])]
