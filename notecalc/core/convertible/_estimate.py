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

# Most of the spread over the volatility, by model, with which a value settles that is found row by row; and by how much
# errors are larger beyond, where lanes find one that settles.
_MOST_SPREAD = (0.42, np.inf, 0.29)
_WIDE = 4.0


def error_to_expect(
    change: FloatArray, offsets: IntArray, table: FloatArray, contract: IntArray, columns: list[FloatArray], model: int,
    accuracy: str, one_by_one: BoolArray,
) -> FloatArray:  # fmt: skip
    """Give the error to expect of each row; NaN where no grid settles it, which lanes tell of rows valued in them."""
    edges = _has_moving_edge(offsets, table, model)[contract] | (columns[col.R_CARRY] > 0)
    expected = change
    if accuracy in _TYPICAL:
        still, moving = _TYPICAL[accuracy]
        typical = np.where(edges, moving[model], still[model])
        if model == col.AYACHE_FORSYTH_VETZAL:
            called = _is_always_called(offsets, table)[contract]
            typical = np.where(called & ~edges, _TYPICAL_CALLED[accuracy], typical)
        expected = np.where(_drifts_far(columns, model), change, np.sqrt(change * typical))
    wide = _is_wide(offsets, table, contract, columns, model)
    return np.where(wide & one_by_one, np.nan, np.where(wide, _WIDE * expected, expected))


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


def _is_wide(
    offsets: IntArray, table: FloatArray, contract: IntArray, columns: list[FloatArray], model: int
) -> BoolArray:
    """Tell where a wide spread meets dividends, so that conversion pays in a stretch below the edge that is found.

    By the widest spread over the least volatility of a note's life. Lanes, which look for such a stretch, told of none
    in 1,000 random notes below 0.42 and 0.29 for the first and the third model, and of one in most above 0.8.
    """
    most = _MOST_SPREAD[model]
    quietest, widest = np.full(offsets.size - 1, np.inf), np.zeros(offsets.size - 1)
    owner = _owner(offsets)
    np.minimum.at(quietest, owner, np.nan_to_num(table[:, col.VOLATILITY], nan=np.inf))
    np.maximum.at(widest, owner, np.nan_to_num(table[:, col.CREDIT]))
    own = np.where(columns[col.R_VOLATILITY] > 0, columns[col.R_VOLATILITY], np.inf)
    spread, quiet = np.maximum(columns[col.R_CREDIT], widest[contract]), np.minimum(own, quietest[contract])
    pays = np.bincount(owner, weights=table[:, col.DIVIDEND] > 0, minlength=offsets.size - 1)[contract] > 0
    return np.asarray((pays | (columns[col.R_CARRY] > 0)) & (spread > most * quiet))
