"""From terms and dates to the flat table that the kernel reads: a segment between any two days of note.

Time is measured in days over 365 from settlement. What depends on the row alone (stock price, flat volatility) is not
here, but term structures are: they cut segments where they change. The loops over pairs are in `_timeline_cuts` and
`_timeline_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from notecalc.core._coupon_years import accrued_years
from notecalc.core.arrays import BoolArray, DateArray, FloatArray, IntArray
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._fast import SimpleNotes
from notecalc.core.convertible._timeline_cuts import STEP_OF_MAKE_WHOLE, cut_days
from notecalc.core.convertible._timeline_rows import accrue, fill_segments
from notecalc.core.convertible._windows import Dividends, Window, Windows, of_each, read_windows
from notecalc.core.convertible.terms import Convertible, Steps
from notecalc.core.curves import Curve
from notecalc.core.periods import Periods

__all__ = ["Timelines", "build_timelines"]

_DAY = np.timedelta64(1, "D")
_NO_DAYS = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)  # without slots, for what is kept once it has been asked for
class Timelines:
    """Segments of pairs of a note and a settlement: those of pair i are ``offsets[i]`` to ``offsets[i + 1]``."""

    offsets: IntArray
    table: FloatArray
    accrued: FloatArray
    ratio: FloatArray
    """Shares for 100 of principal at settlement; NaN where conversion is closed."""

    @cached_property
    def simple(self) -> SimpleNotes:
        """The pairs that can be valued with constant coefficients."""
        return SimpleNotes.of(self.offsets, self.table.reshape(-1))

    @property
    def needs_general(self) -> BoolArray:
        """Whether a pair has terms that only the general engine knows.

        They are puts in windows, calls after notice, a maturity paid in shares, more shares on a day alone, and calls
        from a trigger on while conversion is closed.
        """
        needs = (self.table[:, col.PUT] > 0) | (self.table[:, col.NOTICE] > 0)
        closed = (self.table[:, col.CALL] > 0) & (self.table[:, col.OPEN] == 0)
        needs |= closed & (self.table[:, col.TRIGGER] > 0)
        needs |= (
            (self.table[:, col.DAY_OPEN] == 0)
            & (self.table[:, col.DAY_CALL] > 0)
            & (self.table[:, col.DAY_TRIGGER] > 0)
        )
        needs |= self.table[:, col.DAY_RATIO] != self.table[:, col.RATIO]
        last = self.offsets[1:][self.offsets[1:] > self.offsets[:-1]] - 1
        needs[last] |= self.table[last, col.DAY_CASH] != self.table[last, col.DAY_PUT]
        return self._anywhere(needs)

    @property
    def needs_notice(self) -> BoolArray:
        """Whether a pair may be called after notice."""
        return self._anywhere(self.table[:, col.NOTICE] > 0)

    def of_rows(self, contract: IntArray) -> tuple[Timelines, IntArray]:
        """Give the pairs that some rows are of, and which of those each row is."""
        size = self.accrued.size
        used = np.bincount(contract, minlength=size) > 0
        if used.all():
            return self, contract
        counts, pairs = np.diff(self.offsets), np.flatnonzero(used)
        own = np.append(0, np.cumsum(counts[pairs]))
        table = self.table[np.repeat(used, counts)]
        return Timelines(own, table, self.accrued[pairs], self.ratio[pairs]), (np.cumsum(used) - 1)[contract]

    def _anywhere(self, segments: BoolArray) -> BoolArray:
        """Tell of which pairs any segment is among some."""
        total = np.append(0, np.cumsum(segments))
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
    known: IntArray | slice = np.flatnonzero(~np.isnat(settlement))
    accrued, ratio = np.full((2, note.size), np.nan)
    offsets, table = np.zeros(note.size + 1, dtype=np.int64), np.empty((0, col.FIELDS))
    if note[known].size == note.size:
        known = slice(None)  # which copies nothing
    if note[known].size:
        windows = read_windows(terms, note[known], None if volatility is None else volatility[known])
        segments = _cut(terms, windows, settlement[known], curves, dividends)
        offsets[1:][known] = np.diff(segments.offsets)
        np.cumsum(offsets, out=offsets)
        table, accrued[known] = _fill(terms, segments)
        for column, curve in curves.items():
            table[:, column] = _level(curve, segments.start, segments.end, segments.note)
        first = segments.offsets[:-1]
        ratio[known] = np.where(table[first, col.OPEN] > 0, table[first, col.RATIO], np.nan)
    return Timelines(offsets, table, accrued, ratio)


@dataclass(frozen=True, slots=True, eq=False)
class _Segments:
    """Days from `start` to `end` on which nothing happens, pair after pair, and what their notes promise."""

    windows: Windows
    settings: IntArray
    offsets: IntArray
    note: IntArray
    start: DateArray
    end: DateArray
    dividends: tuple[IntArray, IntArray, FloatArray]
    """Where those of each pair begin, their days and what they pay."""


def _cut(
    terms: Convertible,
    windows: Windows,
    settlement: DateArray,
    curves: Mapping[int, Curve | Steps],
    dividends: Dividends,
) -> _Segments:
    """Cut the time from settlement to the last day of each pair on every day of note."""
    periods, size = terms.periods, settlement.size
    note, calls = windows.note, windows.calls
    settings = np.array(
        [
            size, len(windows.conversions), len(calls), len(windows.puts), terms.accrued_on_conversion == "paid",
            terms.accrued_on_call == "paid", terms.recovery_claim == "principal-and-accrued",
            terms.redemption_in == "shares",
        ],
        dtype=np.int64,
    )  # fmt: skip
    everywhere = np.concatenate([_NO_DAYS, *(curve.dates.view(np.int64) for curve in curves.values())])
    own_offsets, own, cash = np.zeros(size + 1, dtype=np.int64), _NO_DAYS, np.empty(0)
    if dividends.dates.size:
        pair, days, cash = dividends.of_pairs(note)
        own_offsets, own = np.searchsorted(pair, np.arange(size + 1)), days.view(np.int64)
    most = 2 * int((periods.offsets[note + 1] - periods.offsets[note]).sum()) + own.size
    most += size * (2 * int(settings[1:4].sum()) + everywhere.size) + _steps_at_most(calls, settlement)
    most *= 2 if (windows.notice > 0).any() else 1
    (start, end), of = np.empty((2, most), dtype="datetime64[D]"), np.empty(most, dtype=np.int64)
    offsets = np.empty(size + 1, dtype=np.int64)
    cut_days(
        settings, periods.offsets, periods.payment_date.view(np.int64), periods.accrual_end.view(np.int64), everywhere,
        own_offsets, own, note, settlement.view(np.int64), windows.opens, windows.closes, windows.goals, windows.notice,
        windows.make_whole_rate, start.view(np.int64), end.view(np.int64), of, offsets,
    )  # fmt: skip
    count = offsets[-1]
    return _Segments(windows, settings, offsets, of[:count], start[:count], end[:count], (own_offsets, own, cash))


def _steps_at_most(calls: Sequence[Window], settlement: DateArray) -> int:
    """Give how many days the discounting of coupons that a call pays may ask for."""
    found = 0
    for window in calls:
        if window.make_whole_until is not None:
            days = (window.make_whole_until - settlement).astype(np.int64)[~np.isnat(window.make_whole_until)]
            found += int((np.maximum(days, 0) // STEP_OF_MAKE_WHOLE + 1).sum())
    return found


def _fill(terms: Convertible, segments: _Segments) -> tuple[FloatArray, FloatArray]:
    """Give the table, and the interest accrued at the first day of each pair."""
    periods, windows, start, end = terms.periods, segments.windows, segments.start, segments.end
    since, until = _accrued(periods, segments.note, start, end)
    on_call = since, until
    if (windows.notice > 0).any():
        later = np.repeat(windows.notice, np.diff(segments.offsets))
        on_call = _accrued(periods, segments.note, start + later, end + later)
    repaid = of_each(terms.redemption, windows.note)
    if terms.redemption_in == "shares":
        repaid = repaid / of_each(terms.redemption_price_fraction, windows.note)
    table, (owed, kept) = np.empty(start.size * col.FIELDS), np.empty((2, start.size))
    fill_segments(
        segments.settings, segments.offsets, periods.offsets, periods.payment_date.view(np.int64),
        periods.accrual_end.view(np.int64), periods.numerator, periods.denominator, periods.notes.annual_rate,
        windows.note, start.view(np.int64), end.view(np.int64), windows.opens, windows.closes, windows.goals,
        windows.notice, _keeps_last_coupon(terms, segments), *segments.dividends, windows.price, windows.trigger,
        windows.make_whole_rate, since, until, *on_call, np.ascontiguousarray(repaid), owed, kept, table,
    )  # fmt: skip
    return table.reshape(-1, col.FIELDS), since[segments.offsets[:-1]]


def _keeps_last_coupon(terms: Convertible, segments: _Segments) -> IntArray:
    """Tell in which pairs who converts at maturity keeps the last coupon, whose record date has passed."""
    note = segments.windows.note
    if terms.accrued_on_conversion != "forfeited-before-record-date":
        return np.zeros(note.size, dtype=np.int64)
    record = terms.periods.record_date[terms.periods.offsets[note + 1] - 1]
    kept: IntArray = (record < segments.end[segments.offsets[1:] - 1]).astype(np.int64)
    return kept


def _accrued(periods: Periods, note: IntArray, start: DateArray, end: DateArray) -> tuple[FloatArray, FloatArray]:
    """Give interest accrued [per 100] on the first day of segments, after a coupon, and on the last, before it."""
    period, (since, until) = np.empty(note.size, dtype=np.int64), np.empty((2, note.size))
    accrue(
        periods.offsets, periods.accrual_start.view(np.int64), periods.accrual_end.view(np.int64), periods.numerator,
        periods.denominator, periods.notes.annual_rate, note, start.view(np.int64), end.view(np.int64), period, since,
        until,
    )  # fmt: skip
    within = np.flatnonzero(np.isnan(since))
    years = accrued_years(periods, period[within], start[within], compile_from=0)
    since[within] = 100 * periods.notes.annual_rate[note[within]] * years
    # No note ends within a period: the next segment begins there.
    within = np.flatnonzero(np.isnan(until))
    until[within] = since[within + 1]
    return since, until


def _level(curve: Curve | Steps, start: DateArray, end: DateArray, note: IntArray) -> FloatArray:
    """Give the rate that holds between two days: of discount factors, the continuous forward rate."""
    if isinstance(curve, Steps):
        return curve.until(end, note)
    ratio = curve.discount_factor(end) / curve.discount_factor(start)
    return -np.log(ratio) / ((end - start) / _DAY / 365)
