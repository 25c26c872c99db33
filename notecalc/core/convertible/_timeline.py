"""From terms and dates to the flat table that the kernel reads: a segment between any two days of note.

Time is measured in days over 365 from settlement. What depends on the row alone (stock price, flat volatility) is not
here, but term structures are: they cut segments where they change. All pairs are laid out at once, in whole columns;
what stands in them is in `_timeline_columns`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from notecalc.core._rows import order_of, pair_of
from notecalc.core.arrays import BoolArray, DateArray, FloatArray, IntArray
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._timeline_columns import Segments, fill_columns
from notecalc.core.convertible._windows import Dividends, Windows, read_windows
from notecalc.core.convertible.terms import Convertible, Steps
from notecalc.core.curves import Curve

__all__ = ["Timelines", "build_timelines"]


@dataclass(frozen=True, slots=True, eq=False)
class Timelines:
    """Segments of pairs of a note and a settlement: those of pair i are ``offsets[i]`` to ``offsets[i + 1]``."""

    offsets: IntArray
    table: FloatArray
    accrued: FloatArray
    ratio: FloatArray
    """Shares for 100 of principal at settlement; NaN where conversion is closed."""

    @property
    def needs_general(self) -> BoolArray:
        """Whether a pair has terms that only the general engine knows.

        They are puts in windows, calls after notice, and a maturity paid in shares.
        """
        needs = (self.table[:, col.PUT] > 0) | (self.table[:, col.NOTICE] > 0)
        last = self.offsets[1:][self.offsets[1:] > self.offsets[:-1]] - 1
        needs[last] |= self.table[last, col.DAY_CASH] != self.table[last, col.DAY_PUT]
        total = np.append(0, np.cumsum(needs))
        return total[self.offsets[1:]] > total[self.offsets[:-1]]


def build_timelines(
    terms: Convertible,
    note: IntArray,
    settlement: DateArray,
    curves: Mapping[int, Curve | Steps],
    dividends: Dividends,
    volatility: FloatArray | None = None,
) -> Timelines:
    """Lay out the segments of each pair; none for a settlement that is missing.

    Parameters
    ----------
    terms : Convertible
        The terms of all notes.
    note, settlement : int64 array, datetime64[D] array
        The pairs.
    curves : mapping
        Term structures by the column that they fill.
    dividends : Dividends
        Cash dividends.
    volatility : float64 array, optional
        Of each pair, none of it missing; for calls that count days, which are on the day without it.

    Raises
    ------
    TermError
        A note without a conversion window, windows of a kind that overlap, a date that a curve doesn't reach.
    """
    known = np.flatnonzero(~np.isnat(settlement))
    accrued, ratio = np.full((2, note.size), np.nan)
    counts, table = np.zeros(note.size, dtype=np.int64), np.empty((0, col.FIELDS))
    if known.size:
        windows = read_windows(terms, note[known], None if volatility is None else volatility[known])
        segments = _cut(windows, settlement[known], curves, dividends)
        counts[known] = segments.counts
        table, accrued[known] = fill_columns(terms, segments, curves, dividends)
        first = segments.first
        ratio[known] = np.where(table[first, col.OPEN] > 0, table[first, col.RATIO], np.nan)
    return Timelines(np.concatenate([[0], np.cumsum(counts)]), table, accrued, ratio)


def _cut(
    windows: Windows,
    settlement: DateArray,
    curves: Mapping[int, Curve | Steps],
    dividends: Dividends,
) -> Segments:
    """Cut the time from settlement to the last day of each pair on every day of note."""
    pairs = np.arange(settlement.size)
    coupons = windows.coupons
    cuts = [(coupons.pair, coupons.paid), (coupons.pair, coupons.end)]
    for window in (*windows.conversions, *windows.calls, *windows.puts):
        own = np.flatnonzero(window.known)
        cuts += [(own, window.start[own]), (own, window.end[own])]
    for curve in curves.values():
        cuts.append((np.repeat(pairs, curve.dates.size), np.tile(curve.dates, pairs.size)))
    cuts.append(dividends.of_pairs(windows.note)[:2])
    cuts += _steps_of_make_whole(windows, settlement)
    cuts += _days_of_notice(windows, settlement, cuts)
    pair = np.concatenate([who for who, _ in cuts])
    day = np.concatenate([days for _, days in cuts])
    within = (day > settlement[pair]) & (day <= windows.last_day[pair])
    order = np.sort(np.concatenate([order_of(pairs, settlement), order_of(pair[within], day[within])]))
    order = order[np.append(True, order[1:] > order[:-1])]  # `np.unique` hashes, and takes five times as long
    pair, day = pair_of(order)
    same = pair[1:] == pair[:-1]
    return Segments(windows, pair[1:][same], day[:-1][same], day[1:][same], order[1:][same])


def _days_of_notice(
    windows: Windows, settlement: DateArray, cuts: list[tuple[IntArray, DateArray]]
) -> list[tuple[IntArray, DateArray]]:
    """Cut the time, where a note may still be called after notice, that long before each day of note, too."""
    ahead = np.zeros(settlement.size, dtype=np.bool_)
    for window in windows.calls:
        ahead |= window.known & (windows.notice > 0) & (window.end - windows.notice > settlement)
    if not ahead.any():
        return []
    return [(pair[ahead[pair]], (day - windows.notice[pair])[ahead[pair]]) for pair, day in cuts]


_MONTHLY = 30  # days between which what is discounted runs in a line: of 20 at 5% it misses 5e-6


def _steps_of_make_whole(windows: Windows, settlement: DateArray) -> list[tuple[IntArray, DateArray]]:
    """Cut the time until a make-whole date finely, where its coupons are discounted."""
    cuts = []
    for window in windows.calls:
        if window.make_whole_until is not None and (window.numbers["make_whole_rate"] != 0).any():
            own = np.flatnonzero(~np.isnat(window.make_whole_until))
            span = window.make_whole_until[own] - settlement[own]
            longest = int(span.max().astype(np.int64)) if own.size else 0
            cuts += [(own, settlement[own] + days) for days in range(_MONTHLY, longest, _MONTHLY)]
    return cuts
