"""What error of a value to expect: from the change that extrapolation makes, and errors measured over random notes.

That change is the error of the finest grid, not of what has been extrapolated. What is left is well told by the
geometric mean of the change and an error that grows with the square of how far the stock may get, as the width of the
grid's cells does; how large it is depends on the terms, and where an edge moves (dividends, calls) or a kink lies
across the grid it is largest. At `reference` the change alone tells it.

All that is said of the market is said of what a row uses over its life: its own numbers, or those of its steps by date.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from notecalc.core._jit import kernel
from notecalc.core.arrays import BoolArray, FloatArray, IntArray
from notecalc.core.convertible import _columns as col

__all__ = ["error_to_expect"]

# By accuracy and terms, for each model: the error to expect over the standard deviation of the stock's logarithm at
# maturity and the root of the change [(per 100)^0.5]; at `reference`, over the change. Where terms meet the largest
# counts. They are such as to cover 96% of the rows of each class of ``benchmarks/error_coverage.py``.
_EXPECTED: dict[str, dict[str, tuple[float, float, float]]] = {
    "fast": {
        "plain": (0.03, 0.006, 0.05),
        "kink": (0.0, 0.035, 0.0),
        "wide": (0.06, 0.0, 0.3),
        "wider": (0.6, 0.0, 1.0),
        "yield": (0.18, 0.12, 0.2),
        "moving": (0.14, 0.06, 0.14),
        "soft call": (0.09, 0.085, 0.09),
        "jump": (0.24, 0.13, 0.18),
        "wait": (1.5, 1.5, 1.5),
        "notice": (0.36, 0.2, 0.0),
        "put window": (0.095, 0.016, 0.095),
    },
    "standard": {
        "plain": (0.01, 0.0015, 0.015),
        "kink": (0.0, 0.022, 0.0),
        "wide": (0.03, 0.0, 0.25),
        "wider": (0.6, 0.0, 1.0),
        "yield": (0.1, 0.1, 0.1),
        "moving": (0.05, 0.03, 0.05),
        "soft call": (0.03, 0.045, 0.03),
        "jump": (0.13, 0.08, 0.1),
        "wait": (1.5, 1.5, 1.5),
        "notice": (0.12, 0.05, 0.0),
        "put window": (0.035, 0.007, 0.035),
    },
    "reference": {
        "plain": (1.5, 0.6, 1.5),
        "kink": (0.0, 1.6, 0.0),
        "wide": (2.5, 0.0, 4.0),
        "wider": (4.0, 0.0, 12.0),
        "yield": (7.0, 2.2, 7.0),
        "moving": (3.0, 1.5, 3.0),
        "soft call": (3.0, 2.0, 3.0),
        "jump": (3.0, 3.0, 5.0),
        "wait": (3.0, 3.0, 5.0),
        "notice": (2.0, 2.0, 0.0),
        "put window": (4.0, 1.6, 4.0),
    },
}

# By cash dividends, for each model, the same over the root of what they take of the stock's price, too, whatever its
# standard deviation.
_BY_CASH = {"fast": (0.3, 0.17, 0.4), "standard": (0.1, 0.08, 0.14), "reference": (6.0, 22.0, 8.0)}

# What the spread takes over a life, over the stock's standard deviation: conversion hardly pays, or hardly does not, in
# a stretch below its edge.
_WIDE, _WIDER = 0.35, 0.8

# Where it is converted in such a stretch, whose ends lie on nodes, and steps of time settle it: the error to expect
# over the root of the change [(per 100)^0.5]; and the least change that says anything, as parity stays what it is.
_IN_A_STRETCH = {"fast": 2.5, "standard": 3.0, "reference": 1.0}
_LEAST_CHANGE = 1e-4

_OWN = {
    col.VOLATILITY: col.R_VOLATILITY,
    col.RATE: col.R_RATE,
    col.CARRY: col.R_CARRY,
    col.CREDIT: col.R_CREDIT,
}
_USED = (col.VOLATILITY, col.RATE, col.CARRY, col.CREDIT)

# ---- of a note: what it uses of each of those, and whether of a row's own number; what is added up; what it has ----
_LOW, _HIGH, _FALLS_BACK = 0, 4, 8
_LIFE, _CASH = 12, 13
_MOVING, _SOFT, _JUMP, _NOTICE, _PUT, _WAIT = 14, 15, 16, 17, 18, 19
_PARTS = 20


def error_to_expect(
    change: FloatArray, offsets: IntArray, table: FloatArray, contract: IntArray, columns: list[FloatArray], model: int,
    accuracy: str,
) -> FloatArray:  # fmt: skip
    """Give the error to expect of each row; NaN where no grid settles it.

    A change with a minus, if only of nothing, says that conversion pays in a stretch below its edge, too: with a
    dividend yield it depends on the grid where, and on that the value.
    """
    rows, stretch = _Rows(offsets, table, contract, columns), np.signbit(change)
    change, volatility = np.abs(change), rows.used(col.VOLATILITY)
    carry, root = rows.used(col.CARRY), np.sqrt(rows.parts[_LIFE])
    spread = rows.used(col.CREDIT)[1] * root
    kinds = {
        # How it may be called, and whether what is paid on a call or beside shares moves an edge.
        "moving": rows.has(_MOVING),
        "soft call": rows.has(_SOFT),
        "jump": rows.has(_JUMP),
        "wait": rows.has(_WAIT),
        "notice": rows.has(_NOTICE),
        "kink": _has_kink(columns, model),
        "wide": spread > _WIDE * volatility[0],
        "wider": spread > _WIDER * volatility[0],
        "yield": carry[1] > 0,
        "put window": rows.has(_PUT),
    }
    expected = _EXPECTED[accuracy]
    share = np.full(change.size, expected["plain"][model])
    for kind, holds in kinds.items():
        share = np.where(holds, np.maximum(share, expected[kind][model]), share)
    by_cash = _BY_CASH[accuracy][model] * np.sqrt(rows.parts[_CASH] / columns[col.STOCK])
    told: FloatArray = np.maximum(share, by_cash) * change
    if accuracy != "reference":
        told = np.maximum(share * volatility[1] * root, by_cash) * np.sqrt(change)
        told = np.where(rows.drifts_far(model, volatility[0], carry), np.maximum(told, change), told)
    if stretch.any():
        in_stretch = _IN_A_STRETCH[accuracy] * np.sqrt(np.maximum(change, _LEAST_CHANGE))
        told = np.where(stretch, np.where(carry[1] > 0, np.nan, np.maximum(told, in_stretch)), told)
    return told


def _has_kink(columns: list[FloatArray], model: int) -> BoolArray:
    """Tell where default pays the better of shares and recovery, a kink between nodes, or its rate is the stock's."""
    some: BoolArray = ((columns[col.DROP] < 1) & (columns[col.RECOVERY] > 0)) | (columns[col.ELASTICITY] != 0)
    return some if model == col.AYACHE_FORSYTH_VETZAL else np.zeros_like(some)


class _Rows:
    """What rows use of the market over their lives, and what options their notes have."""

    def __init__(self, offsets: IntArray, table: FloatArray, contract: IntArray, columns: list[FloatArray]) -> None:
        of_notes = np.empty((offsets.size - 1, _PARTS))
        survey_notes(offsets, table.reshape(-1), of_notes.reshape(-1))
        self.parts, self.columns = of_notes.T[:, contract], columns

    def has(self, part: int) -> BoolArray:
        """Tell which rows' notes have a segment of a kind."""
        return np.asarray(self.parts[part] > 0)

    def used(self, field: int) -> tuple[FloatArray, FloatArray]:
        """Give the least and the greatest that each row uses of a number of the market over its life."""
        which, own = _USED.index(field), self.columns[_OWN[field]]
        least, most, falls_back = (self.parts[part + which] for part in (_LOW, _HIGH, _FALLS_BACK))
        own = np.where(falls_back > 0, own, np.nan)
        return np.fmin(least, own), np.fmax(most, own)

    def drifts_far(self, model: int, volatility: FloatArray, carry: tuple[FloatArray, FloatArray]) -> BoolArray:
        """Tell where the stock drifts by more than its least standard deviation in a year: few measured ones did."""
        low, high = self.used(col.RATE)
        if model == col.AYACHE_FORSYTH_VETZAL:
            high = high + self.columns[col.DROP] * self.used(col.CREDIT)[1]
        return np.asarray(np.maximum(high - carry[0], carry[1] - low) > volatility)


def find_options(seg: Any, o: int, out: Any, at: int) -> None:
    """Mark what options a segment has.

    A trigger below which shares are worth less than the call pays makes the value jump between nodes; while conversion
    is closed the issuer may wait above it, and which nodes are called is told one by one.
    """
    live, is_open, trigger, ratio = (
        seg[o + col.CALL] > 0,
        seg[o + col.OPEN] > 0,
        seg[o + col.TRIGGER],
        seg[o + col.RATIO],
    )
    beside_floor = seg[o + col.CALL_END] - seg[o + col.FLOOR_END]
    for_cash = not is_open or (
        trigger < beside_floor / ratio if ratio > 0 else beside_floor > 0
    )  # a bond has no shares
    accrues = is_open and seg[o + col.FLOOR_START] != seg[o + col.FLOOR_END]
    if (live and for_cash) or accrues or not math.isnan(seg[o + col.DAY_CALL]):
        out[at + _MOVING] = 1.0
    if live and not for_cash:
        out[at + _SOFT] = 1.0
    if live and for_cash and trigger > 0:
        out[at + _JUMP] = 1.0
        if not is_open:
            out[at + _WAIT] = 1.0
    if seg[o + col.BY_NOTICE] > 0 or seg[o + col.DAY_NOTICE] > 0:
        out[at + _NOTICE] = 1.0
    if seg[o + col.PUT] > 0:
        out[at + _PUT] = 1.0


@kernel(tables=["int64", "float64"], reads=[], writes="float64", calls=[find_options])
def survey_notes(offsets: Any, seg: Any, out: Any) -> None:
    """Fill in for each note what its segments add up to, use of the market, and have of options."""
    for note in range(offsets.size - 1):
        at = note * _PARTS
        for part in range(_PARTS):
            out[at + part] = math.nan if part < _FALLS_BACK else 0.0
        for o in range(offsets[note] * col.FIELDS, offsets[note + 1] * col.FIELDS, col.FIELDS):
            for which, field in enumerate(_USED):
                value = seg[o + field]
                if math.isnan(value):
                    out[at + _FALLS_BACK + which] = 1.0
                    continue
                if not out[at + _LOW + which] <= value:
                    out[at + _LOW + which] = value
                if not out[at + _HIGH + which] >= value:
                    out[at + _HIGH + which] = value
            out[at + _LIFE] += seg[o + col.LENGTH]
            out[at + _CASH] += seg[o + col.DIVIDEND]
            find_options(seg, o, out, at)
