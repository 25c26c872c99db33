"""How arguments about notes at a settlement are broadcast with the notes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from notecalc.core._rows import NoteRows
from notecalc.core.arrays import DateArray, FloatArray, IntArray, Rule, Shape
from notecalc.core.periods import Periods, check_periods

__all__ = ["Layout"]


@dataclass(slots=True)
class Layout:
    """Arguments about notes: a row for each pair of a note and a settlement, and the row and numbers of each output."""

    shape: Shape
    note: IntArray
    settlement: DateArray
    row: IntArray
    numbers: dict[str, FloatArray]
    dates: dict[str, DateArray]

    @classmethod
    def of(
        cls,
        periods: Periods,
        settlement: Any,
        numbers: Mapping[str, tuple[Any, Rule]],
        dates: Mapping[str, Any] | None = None,
    ) -> Layout:
        """Broadcast settlement, numbers and further dates with the notes, whose axis is the last."""
        check_periods(periods)
        count = len(periods.notes)
        outputs = NoteRows.of(count, {"settlement": settlement, **(dates or {})}, numbers)
        others = {name: days for name, days in outputs.dates.items() if name != "settlement"}
        given = np.shape(settlement)
        own = np.broadcast_shapes(given, (count,) if count != 1 or given else ())
        size = int(np.prod(own, dtype=np.int64))
        row = np.ascontiguousarray(np.broadcast_to(np.arange(size).reshape(own), outputs.shape.shape)).reshape(-1)
        if row.size == size:
            note, days = outputs.note, outputs.dates["settlement"]
        else:  # several outputs at one settlement of a note share its flows
            note, days = np.zeros(size, dtype=np.int64), np.full(size, np.datetime64("NaT", "D"))
            note[row], days[row] = outputs.note, outputs.dates["settlement"]
        return cls(outputs.shape, note, days, row, outputs.numbers, others)
