"""What error of a value to expect: from the change that extrapolation makes, and errors measured over random notes.

That change is the error of the finest grid, not of what has been extrapolated. The error left was measured over random
notes, and is well told by the geometric mean of the change and an error that is typical of model and accuracy; where
the note's edge moves (dividends, calls for cash) it is far larger than elsewhere.
"""

from __future__ import annotations

import numpy as np

from notecalc.core.arrays import BoolArray, FloatArray, IntArray
from notecalc.core.convertible import _columns as col

__all__ = ["error_to_expect"]

# Typical errors [per 100] by accuracy: for each model where edges stand still, and where they move. They are chosen so
# that 95% of rows are covered: of the second model, of those that are not valued by the fast path.
_TYPICAL = {
    "fast": ((2.1e-3, 1.3e-3, 2.1e-3), (4.3e-2, 2.8e-2, 9.8e-2)),
    "standard": ((7e-5, 4e-4, 7e-5), (3.5e-3, 1.2e-3, 7.6e-3)),
}

# Of the second model where a call for cash is live all the time: little is left to be known.
_TYPICAL_CALLED = {"fast": 6e-4, "standard": 3.5e-5}


def error_to_expect(
    change: FloatArray, offsets: IntArray, table: FloatArray, contract: IntArray, columns: list[FloatArray], model: int,
    accuracy: str,
) -> FloatArray:  # fmt: skip
    """Give the error to expect of each row; NaN where no grid settles it."""
    edges = _has_moving_edge(offsets, table, model)[contract] | (columns[col.R_CARRY] > 0)
    expected = change
    if accuracy in _TYPICAL:
        still, moving = _TYPICAL[accuracy]
        typical = np.where(edges, moving[model], still[model])
        if model == col.AYACHE_FORSYTH_VETZAL:
            called = _is_always_called(offsets, table)[contract]
            typical = np.where(called & ~edges, _TYPICAL_CALLED[accuracy], typical)
        expected = np.where(_drifts_far(columns, model), change, np.sqrt(change * typical))
    return np.where(_never_settles(offsets, table, contract, columns, model), np.nan, expected)


def _owner(offsets: IntArray) -> IntArray:
    return np.repeat(np.arange(offsets.size - 1), np.diff(offsets))


def _drifts_far(columns: list[FloatArray], model: int) -> BoolArray:
    """Tell where the stock drifts by more than a standard deviation in a year, which no note of those measured did."""
    drift = columns[col.R_RATE] - columns[col.R_CARRY]
    if model == col.AYACHE_FORSYTH_VETZAL:
        drift = drift + columns[col.DROP] * columns[col.R_CREDIT]
    return np.asarray(np.abs(drift) > columns[col.R_VOLATILITY])


def _has_moving_edge(offsets: IntArray, table: FloatArray, model: int) -> BoolArray:
    """Tell which notes may be called for cash: at any time without conversion, or in the models of a spread with it.

    So may those that are called after notice.
    """
    forced = (table[:, col.CALL_END] - table[:, col.FLOOR_END]) / table[:, col.RATIO]
    for_cash = table[:, col.OPEN] == 0
    if model != col.AYACHE_FORSYTH_VETZAL:
        for_cash |= table[:, col.TRIGGER] < forced
    live = ((table[:, col.CALL] > 0) & for_cash) | (table[:, col.BY_NOTICE] > 0)
    counts = np.bincount(_owner(offsets), weights=live.astype(np.float64), minlength=offsets.size - 1)
    return np.asarray(counts > 0)


def _is_always_called(offsets: IntArray, table: FloatArray) -> BoolArray:
    """Tell which notes may be converted and called all the time, and for cash before the shares are worth more."""
    forced = (table[:, col.CALL_END] - table[:, col.FLOOR_END]) / table[:, col.RATIO]
    live = (table[:, col.CALL] > 0) & (table[:, col.OPEN] > 0) & (table[:, col.TRIGGER] < forced)
    counts = np.bincount(_owner(offsets), weights=live.astype(np.float64), minlength=offsets.size - 1)
    return np.asarray(counts == np.diff(offsets))


def _never_settles(
    offsets: IntArray, table: FloatArray, contract: IntArray, columns: list[FloatArray], model: int
) -> BoolArray:
    """Tell where a wide spread meets dividends: conversion, which ends the spread, feeds on itself there."""
    if model == col.AYACHE_FORSYTH_VETZAL:
        return np.zeros(contract.size, dtype=bool)
    spread, quiet = columns[col.R_CREDIT], columns[col.R_VOLATILITY]
    most = np.zeros(offsets.size - 1)
    np.maximum.at(most, _owner(offsets), np.nan_to_num(table[:, col.CREDIT]))
    spread = np.maximum(spread, most[contract])
    return np.asarray((columns[col.R_CARRY] > 0) & ((spread > 0.3) | ((spread > 0.2) & (quiet < 0.2))))
