"""Values that belong to notes and dates, and which of them is in force on a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notecalc.core._rows import order_of
from notecalc.core.arrays import (
    FINITE,
    BoolArray,
    DateArray,
    Dates,
    FloatArray,
    IntArray,
    Numbers,
    Rule,
    Shape,
    as_dates,
    as_numbers,
    forbid,
)
from notecalc.core.daycount import check_dates
from notecalc.core.notes import Periods
from notecalc.errors import TermError

__all__ = ["DatedValues"]

_NOTE = Rule("the position of a note, from 0", lambda x: (x >= 0) & (x < 2**31) & (x == np.rint(x)))


@dataclass(frozen=True, slots=True, eq=False, init=False)
class DatedValues:
    """Values of some notes that belong to dates, as many for a note as it has: rates from then on, or amounts then.

    Parameters
    ----------
    note : int-like
        Position of the note, from 0.
    date : date-like
        When.
    value : numeric
        How much.

    Raises
    ------
    TermError
        Lengths or indexes that differ, or anything that is missing.

    Notes
    -----
    They may come in any order, and are held in that of notes and dates; `row` tells where each came.

    Examples
    --------
    >>> steps = DatedValues(note=[1, 0], date=["2006-06-18", "2005-06-18"], value=[0.09, 0.10])
    >>> steps.note, steps.value
    (array([0, 1]), array([0.1 , 0.09]))
    """

    note: IntArray
    date: DateArray
    value: FloatArray
    row: IntArray

    def __init__(
        self,
        note: Numbers | pd.Series[Any],
        date: Dates | pd.Series[Any],
        value: Numbers | pd.Series[Any],
    ) -> None:
        Shape.of({"note": note, "date": date, "value": value})
        given = {"note": as_numbers(note, "note"), "date": as_dates(date, "date"), "value": as_numbers(value, "value")}
        try:
            shape = np.broadcast_shapes((1,), *(array.shape for array in given.values()))
        except ValueError:
            shape = ()
        if len(shape) != 1:
            sizes = [array.shape for array in given.values()]
            raise TermError("note and date and value", rule="one, or one for each row", got=sizes)
        flat: dict[str, Any] = {name: np.broadcast_to(array, shape) for name, array in given.items()}
        forbid("date", flat["date"], np.isnat(flat["date"]), "given")
        check_dates(flat["date"], flat["date"], ("date", "date"))
        for name, rule in (("note", _NOTE), ("value", FINITE)):
            forbid(name, flat[name], np.isnan(flat[name]), "given")
            rule.check(name, flat[name])
        notes = flat["note"].astype(np.int64)
        order = np.argsort(order_of(notes, np.ascontiguousarray(flat["date"])), kind="stable")
        arrays = {"note": notes[order], "date": flat["date"][order], "value": flat["value"][order], "row": order}
        for name, array in arrays.items():
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return self.note.size

    @property
    def order(self) -> IntArray:
        """Numbers that rise with note and date."""
        return order_of(self.note, self.date)

    def check_steps(self, name: str, rule: Rule, count: int) -> None:
        """Raise `TermError` where these can't be steps of a value of `count` notes."""
        self._check_notes(name, count)
        self._forbid(name, ~rule.holds(self.value), rule.words, self.value)
        again = np.zeros(len(self), dtype=np.bool_)
        again[1:] = np.diff(self.order) == 0
        self._forbid(name, again, "one for each note and date", self.date)

    def check_inside(self, name: str, periods: Periods) -> None:
        """Raise `TermError` where these can't be amounts that change the principal of notes."""
        self._check_notes(name, len(periods.notes))
        first, end = periods.offsets[self.note], periods.offsets[self.note + 1]
        self._forbid(name, first == end, "of notes that have periods", self.note)
        if len(self):
            outside = (self.date <= periods.accrual_start[first]) | (self.date > periods.accrual_end[end - 1])
            self._forbid(name, outside, "after the first day of the note's periods, and not after their end", self.date)

    def in_force(self, note: IntArray, date: DateArray, before: FloatArray) -> FloatArray:
        """Give for notes and dates, in order, the value of the last step up to then, or another if there was none."""
        if not len(self):
            return before
        begins = np.searchsorted(order_of(note, date), self.order)
        last = np.full(note.size + 1, -1)
        np.maximum.at(last, begins, np.arange(len(self)))  # of several steps between two dates the latest
        step = np.maximum.accumulate(last[:-1])
        return np.where((step >= 0) & (self.note[step] == note), self.value[step], before)

    def _check_notes(self, name: str, count: int) -> None:
        self._forbid(name, self.note >= count, f"of notes from 0 to {count - 1}", self.note)

    def _forbid(self, name: str, bad: BoolArray, rule: str, values: Any) -> None:
        if bad.any():
            place = int(np.argmax(bad))
            got = str(values[place]) if values.dtype.kind == "M" else values[place].item()
            raise TermError(name, rule=rule, got=got, row=int(self.row[place]) if len(self) > 1 else None)
