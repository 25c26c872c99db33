"""How arguments about notes are broadcast: settlements, prices, yields and dates with the notes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from notecalc.core.arrays import DateArray, FloatArray, IntArray, Rule, Shape, as_dates, as_numbers
from notecalc.core.periods import Periods, check_periods

__all__ = ["Layout"]


@dataclass(slots=True)
class Layout:
    """Arguments about notes, broadcast: a row for each pair of a note and a settlement, and the flat numbers."""

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
        others = dict(dates or {})
        count = len(periods.notes)
        notes = {} if count == 1 else {"periods": np.arange(count)}
        given = {"settlement": settlement, **{name: value for name, (value, _) in numbers.items()}, **others, **notes}
        shape = Shape.of(given)
        days = as_dates(settlement, "settlement")
        arrays = {name: as_numbers(value, name) for name, (value, _) in numbers.items()}
        for name, (_, rule) in numbers.items():
            rule.check(name, arrays[name].reshape(-1))
        other_days = {name: as_dates(value, name) for name, value in others.items()}
        flat = shape.flatten({"settlement": days, **arrays, **other_days, **notes})
        own = np.broadcast_shapes(days.shape, (count,) if count != 1 or days.ndim else ())
        size = int(np.prod(own, dtype=np.int64))
        row = np.ascontiguousarray(np.broadcast_to(np.arange(size).reshape(own), shape.shape)).reshape(-1)
        note = np.ascontiguousarray(np.broadcast_to(np.arange(count).reshape((count,) if own else ()), own)).reshape(-1)
        day = np.ascontiguousarray(np.broadcast_to(days, own)).reshape(-1)
        floats, others = ({name: flat[name] for name in names} for names in (arrays, other_days))
        return cls(shape, note, day, row, floats, others)
