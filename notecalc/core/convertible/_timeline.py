"""From terms and dates to the flat table that the kernel reads: a segment between any two days of note.

Time is measured in days over 365 from settlement. What depends on the row alone (stock price, flat volatility) is not
here, but term structures are: they cut segments where they change.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.core._coupon_years import accrued_years
from notecalc.core.arrays import DateArray, FloatArray, IntArray
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible.terms import Convertible, Steps
from notecalc.core.curves import Curve
from notecalc.errors import TermError

__all__ = ["Timelines", "build_timelines"]

_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, eq=False)
class Timelines:
    """Segments of pairs of a note and a settlement: those of pair i are ``offsets[i]`` to ``offsets[i + 1]``."""

    offsets: IntArray
    table: FloatArray
    accrued: FloatArray
    ratio: FloatArray
    """Shares for 100 of principal at settlement; NaN where conversion is closed."""


def build_timelines(
    terms: Convertible,
    note: IntArray,
    settlement: DateArray,
    curves: Mapping[int, Curve | Steps],
    dividends: Mapping[str, npt.NDArray[Any]],
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
    dividends : mapping
        ``dates`` and ``amounts`` of cash dividends.
    """
    tables: list[FloatArray] = []
    accrued, ratio = np.full((2, note.size), np.nan)
    for i, (n, day) in enumerate(zip(note.tolist(), settlement, strict=True)):
        if np.isnat(day):
            tables.append(np.empty((0, col.FIELDS)))
            continue
        one = _One(terms, n, day)
        tables.append(one.segments(curves, dividends))
        accrued[i] = one.accrued_at(day, before=False)
        ratio[i] = tables[-1][0, col.RATIO] if tables[-1][0, col.OPEN] else np.nan
    offsets = np.concatenate([[0], np.cumsum([len(table) for table in tables])]).astype(np.int64)
    flat = np.concatenate(tables) if tables else np.empty((0, col.FIELDS))
    return Timelines(offsets, flat, accrued, ratio)


def _of(values: Any, note: int) -> Any:
    """Give the value of one note."""
    return None if values is None else values[()] if values.ndim == 0 else values[note if values.size > 1 else 0]


class _One:
    """One note from one day on."""

    def __init__(self, terms: Convertible, note: int, day: np.datetime64) -> None:
        periods = terms.periods
        own = slice(int(periods.offsets[note]), int(periods.offsets[note + 1]))
        self.terms, self.note, self.day, self.periods = terms, note, day, periods
        self.first, self.starts, self.ends = own.start, periods.accrual_start[own], periods.accrual_end[own]
        self.paid = periods.payment_date[own]
        self.coupons = 100 * periods.notes.annual_rate[note] * periods.fraction[own]
        self.last_day = max(self.paid[-1], self.ends[-1])
        whole = (self.starts[0], self.last_day)
        self.conversions = [
            (*_window(w.start, w.end, note, whole), 100 / float(_of(w.conversion_price, note)))
            for w in terms.conversions
        ]
        self.calls = [
            (*_window(w.start, w.end, note, whole), float(_of(w.clean_price, note)), float(_of(w.trigger, note)))
            for w in terms.calls
        ]
        self.puts = [(_of(p.date, note), float(_of(p.clean_price, note))) for p in terms.puts]
        self.conversions = [w for w in self.conversions if not (np.isnat(w[0]) or np.isnan(w[2]))]
        self.calls = [w for w in self.calls if not (np.isnat(w[0]) or np.isnan(w[2]))]
        self.puts = [p for p in self.puts if not np.isnat(p[0])]
        if not self.conversions:
            raise TermError("conversions", rule="at least one window for each note", got=None, row=note)
        _check_apart("conversions", self.conversions, note)
        _check_apart("calls", self.calls, note)

    def accrued_at(self, day: np.datetime64, *, before: bool) -> float:
        """Give interest accrued [per 100] on a day, before or after a coupon of that day."""
        place = int(np.count_nonzero(self.starts < day if before else self.starts <= day)) - 1
        if place < 0:
            return 0.0
        stop = min(day, self.ends[place])
        at = np.array([self.first + place])
        rate = float(self.periods.notes.annual_rate[self.note])
        if stop == self.ends[place]:
            return float(self.coupons[place]) if before else 0.0
        return 100 * rate * float(accrued_years(self.periods, at, np.array([stop]))[0])

    def segments(self, curves: Mapping[int, Curve | Steps], dividends: Mapping[str, npt.NDArray[Any]]) -> FloatArray:
        """Give the table of this note."""
        cuts = [*self.paid, *self.ends, *(p[0] for p in self.puts)]
        for window in (*self.conversions, *self.calls):
            cuts += [window[0], window[1]]
        for curve in curves.values():
            cuts += list(curve.dates)
        cuts += list(dividends["dates"])
        days = np.unique(np.array(cuts, dtype="datetime64[D]"))
        days = np.concatenate([[self.day], days[(days > self.day) & (days <= self.last_day)]])
        table = np.zeros((days.size - 1, col.FIELDS))
        for i, (a, b) in enumerate(itertools.pairwise(days)):
            self._between(table[i], a, b)
            for column, curve in curves.items():
                table[i, column] = _level(curve, a, b)
            self._on(table[i], b)
            table[i, col.DIVIDEND] = dividends["amounts"][dividends["dates"] == b].sum()
        self._mature(table[-1])
        _set_levels(table)
        return table

    def _between(self, row: FloatArray, a: np.datetime64, b: np.datetime64) -> None:
        row[[col.RATE, col.CARRY, col.VOLATILITY, col.CREDIT]] = np.nan
        row[col.LENGTH] = (b - a) / _DAY / 365
        start, end = self.accrued_at(a, before=False), self.accrued_at(b, before=True)
        open_now = [w for w in self.conversions if w[0] <= a and b <= w[1]]
        # Where conversion is closed the ratio is a mere unit; the next one saves the grid a change of it.
        later = [w for w in self.conversions if w[1] >= b] or self.conversions[-1:]
        row[col.RATIO] = (open_now or later)[0][2]
        row[col.OPEN] = bool(open_now)
        if self.terms.accrued_on_conversion == "paid":
            row[col.FLOOR_START], row[col.FLOOR_END] = start, end
        for first, last, price, trigger in self.calls:
            if first <= a and b <= last and first < last:
                with_interest = self.terms.accrued_on_call == "paid"
                row[col.CALL], row[col.TRIGGER] = True, trigger * 100 / row[col.RATIO]
                row[col.CALL_START] = price + start * with_interest
                row[col.CALL_END] = price + end * with_interest
        on_accrued = self.terms.recovery_claim == "principal-and-accrued"
        row[col.CLAIM_START], row[col.CLAIM_END] = 100 + start * on_accrued, 100 + end * on_accrued

    def _on(self, row: FloatArray, day: np.datetime64) -> None:
        accrued = self.accrued_at(day, before=False)
        with_interest = accrued if self.terms.accrued_on_call == "paid" else 0.0
        row[col.COUPON] = self.coupons[self.paid == day].sum()
        puts = [price for date, price in self.puts if date == day]
        row[col.DAY_PUT] = max(puts) + with_interest if puts else np.nan
        row[col.DAY_CALL] = np.nan
        if self.terms.accrued_on_conversion == "paid":
            row[col.DAY_FLOOR] = accrued
        for first, last, price, trigger in self.calls:
            if first == last == day:
                row[col.DAY_CALL], row[col.DAY_TRIGGER] = price + with_interest, trigger * 100 / row[col.RATIO]
        for first, last, ratio in self.conversions:
            # On the first day of a window, too, conversion is open; on its last the segment before says so.
            if first <= day <= last:
                row[col.DAY_OPEN] = True
                if not row[col.OPEN]:
                    row[col.RATIO] = ratio

    def _mature(self, row: FloatArray) -> None:
        coupon = row[col.COUPON]
        row[col.DAY_PUT] = float(_of(self.terms.redemption, self.note)) + coupon
        row[col.DAY_FLOOR] = coupon if self.terms.accrued_on_conversion == "paid" else 0.0
        row[col.COUPON], row[col.DAY_CALL], row[col.DIVIDEND] = 0.0, np.nan, 0.0


def _window(start: Any, end: Any, note: int, whole: tuple[np.datetime64, np.datetime64]) -> tuple[Any, Any]:
    first, last = _of(start, note), _of(end, note)
    return whole[0] if first is None else first, whole[1] if last is None else last


def _check_apart(name: str, windows: Sequence[tuple[Any, ...]], note: int) -> None:
    windows_in_order = sorted(windows, key=lambda window: (window[0], window[1]))
    for before, after in itertools.pairwise(windows_in_order):
        if after[0] < before[1]:
            raise TermError(name, rule="windows that don't overlap", got=f"{after[0]} before {before[1]}", row=note)


def _level(curve: Curve | Steps, a: np.datetime64, b: np.datetime64) -> float:
    """Give the rate that holds between two days: of discount factors, the continuous forward rate."""
    if isinstance(curve, Steps):
        return curve.between(a, b)
    ratio = curve.discount_factor(b) / curve.discount_factor(a)
    return float(-np.log(ratio) / ((b - a) / _DAY / 365))


def _set_levels(table: FloatArray) -> None:
    """Fill in the stock price that stays on a node: that from which a live call forces conversion.

    Where none is live it is that of the segment after, so that the grid stays; after the last call, that of the call;
    with no call at all, the price at which conversion at maturity pays.
    """
    live = (table[:, col.CALL] > 0) & (table[:, col.OPEN] > 0)
    for price, floor, level in (
        (col.CALL_START, col.FLOOR_START, col.LEVEL_START),
        (col.CALL_END, col.FLOOR_END, col.LEVEL_END),
    ):
        forced = (table[:, price] - table[:, floor]) / table[:, col.RATIO]
        table[:, level] = np.where(live, np.maximum(table[:, col.TRIGGER], forced), np.nan)
    if not live.any():
        last = table[-1]
        table[:, [col.LEVEL_START, col.LEVEL_END]] = (last[col.DAY_PUT] - last[col.DAY_FLOOR]) / last[col.RATIO]
        return
    level = table[np.flatnonzero(live)[-1], col.LEVEL_END]
    for row in table[::-1]:
        if np.isnan(row[col.LEVEL_END]):
            row[[col.LEVEL_START, col.LEVEL_END]] = level
        level = row[col.LEVEL_START]
