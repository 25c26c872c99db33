"""What the segments of notes are laid out from, at a settlement each and, where a call counts days, at a volatility."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from notecalc.core._layout import Layout
from notecalc.core._rows import order_of
from notecalc.core.arrays import NON_NEGATIVE, DateArray, FloatArray, IntArray, as_dates, as_numbers, forbid
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._timeline import Timelines, build_timelines
from notecalc.core.convertible._windows import Dividends
from notecalc.core.convertible.moves import Moved, moved_tables
from notecalc.core.convertible.terms import Convertible, Steps
from notecalc.core.curves import Curve
from notecalc.errors import TermError

__all__ = ["Source", "read_dividends"]

_NO_DAY = np.datetime64("0000-01-01", "D")  # in the place of a missing settlement: no date that is one


@dataclass(frozen=True, slots=True)
class Source:
    """What segments are laid out from."""

    terms: Convertible
    layout: Layout
    curves: dict[int, Curve | Steps]
    dividends: Dividends
    moves: Mapping[int, Moved] = field(default_factory=dict)
    """By the column of the segments that each moves; their rows are those of the layout's outputs."""
    own: Mapping[int, FloatArray] = field(default_factory=dict)
    """By the same, each row's own numbers."""

    @property
    def counts_days(self) -> bool:
        """Whether a call does, whose trigger then depends on the volatility."""
        return any(call.days is not None for call in self.terms.calls)

    def lay_out(self, volatility: FloatArray) -> tuple[Timelines, IntArray]:
        """Give the segments of each note and settlement, at each volatility if need be, and those of each row."""
        layout = self.layout
        note, settlement, row = layout.note, layout.settlement, layout.row
        flat = None
        if self.counts_days:
            flat = np.where(np.isnan(volatility), 1.0, volatility)  # a row without it has no value
            note, settlement, row = note[row], settlement[row], np.arange(row.size)
        first, pair = _distinct(note, settlement, flat)
        lines = build_timelines(
            self.terms,
            note[first],
            settlement[first],
            self.curves,
            self.dividends,
            None if flat is None else flat[first],
        )
        pair = np.ascontiguousarray(pair[row])
        return self._moved(lines, pair) if self.moves else (lines, pair)

    def _moved(self, lines: Timelines, pair: IntArray) -> tuple[Timelines, IntArray]:
        """Give the segments of each row by itself, moved."""
        day = self.layout.settlement[self.layout.row]
        after = {
            column: np.where(np.isnat(day), 0.0, (day - move.reference_date).astype(np.float64) / 365)
            for column, move in self.moves.items()
        }
        offsets, table = moved_tables(self.moves, self.own, lines.offsets, lines.table, col.LENGTH, pair, after)
        return Timelines(offsets, table, lines.accrued[pair], lines.ratio[pair]), np.arange(pair.size)


def _distinct(note: IntArray, settlement: DateArray, volatility: FloatArray | None) -> tuple[Any, IntArray]:
    """Give where each distinct row of these columns stands first, and which of them each row is."""
    order, places = order_of(note, np.where(np.isnat(settlement), _NO_DAY, settlement)), np.arange(note.size)
    if volatility is None and (order[1:] > order[:-1]).all():  # as where each note is valued on one day
        return slice(None), places
    by = [order] if volatility is None else [volatility, order]
    rows = np.lexsort(by)
    new = np.append(True, np.any([key[rows][1:] != key[rows][:-1] for key in by], axis=0))[: note.size]
    pair = np.empty(note.size, dtype=np.int64)
    pair[rows] = np.cumsum(new) - 1
    return rows[new], pair


def read_dividends(size: int, dates: Any, amounts: Any, notes: Any) -> Dividends:
    """Read cash dividends, of any or all of a number of notes."""
    if (dates is None) != (amounts is None):
        raise TermError("dividend_dates and dividend_amounts", rule="given together", got=(dates, amounts))
    if dates is None:
        if notes is not None:
            raise TermError("dividend_notes", rule="left out without dividends", got=notes)
        return Dividends(np.empty(0, dtype="datetime64[D]"), np.empty(0))
    days, cash = (
        np.atleast_1d(as_dates(dates, "dividend_dates")),
        np.atleast_1d(as_numbers(amounts, "dividend_amounts")),
    )
    if days.shape != cash.shape or days.ndim != 1:
        raise TermError("dividend_dates and dividend_amounts", rule="of one length", got=(days.shape, cash.shape))
    NON_NEGATIVE.check("dividend_amounts", cash)
    if np.isnat(days).any() or np.isnan(cash).any():
        raise TermError("dividend_dates and dividend_amounts", rule="given", got="a missing one")
    if notes is None:
        return Dividends(days, cash)
    whose = np.atleast_1d(as_numbers(notes, "dividend_notes"))
    if whose.shape != days.shape:
        raise TermError("dividend_notes", rule="one for each dividend", got=whose.shape)
    known = np.isin(whose, np.arange(size))
    forbid("dividend_notes", whose, ~known, f"the place of a note, from 0 to {size - 1}")
    return Dividends(days, cash, whose.astype(np.int64))
