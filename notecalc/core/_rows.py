"""Arguments about notes, laid flat: a row for each pair of a note and what is asked of it.

Knows only how many notes there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.core.arrays import DateArray, FloatArray, IntArray, Rule, Shape, as_dates, as_numbers
from notecalc.errors import TermError

__all__ = ["NoteRows", "one_each", "order_of", "pair_of"]


@dataclass(frozen=True, slots=True, eq=False)
class NoteRows:
    """Dates and numbers, broadcast with the notes, whose axis is the last.

    Parameters
    ----------
    shape : Shape
        What came in, to give a result its like.
    note : int64 array
        The note of each row.
    dates, numbers : mapping of str to array
        The arguments, row by row.

    Examples
    --------
    >>> rows = NoteRows.of(2, {"on": [["2004-06-18"], ["2004-12-18"]]}, {})
    >>> rows.note, rows.shape.shape
    (array([0, 1, 0, 1]), (2, 2))
    """

    shape: Shape
    note: IntArray
    dates: dict[str, DateArray]
    numbers: dict[str, FloatArray]

    @classmethod
    def of(cls, count: int, dates: Mapping[str, Any], numbers: Mapping[str, tuple[Any, Rule | None]]) -> NoteRows:
        """Read and broadcast; the dates and the numbers, with their rules, of `count` notes."""
        notes = {} if count == 1 else {"periods": np.arange(count)}  # one note leaves scalars what they are
        shape = Shape.of({**dates, **{name: value for name, (value, _) in numbers.items()}, **notes})
        arrays: dict[str, npt.NDArray[Any]] = {name: as_dates(value, name) for name, value in dates.items()}
        for name, (value, rule) in numbers.items():
            arrays[name] = as_numbers(value, name)
            if rule is not None:
                rule.check(name, arrays[name].reshape(-1))
        flat = shape.flatten({**arrays, **notes})
        note = flat.pop("periods") if notes else np.zeros(flat[next(iter(flat))].size, dtype=np.int64)
        return cls(shape, note, {name: flat[name] for name in dates}, {name: flat[name] for name in numbers})


_DAYS = 2**23  # more than twice the days of the years 1 to 9999


def order_of(note: IntArray, date: DateArray) -> IntArray:
    """Give numbers that sort pairs of a note and a date; no date is missing."""
    return note * _DAYS + date.view(np.int64)


def pair_of(order: IntArray) -> tuple[IntArray, DateArray]:
    """Give the note and the date of such numbers."""
    note = (order + _DAYS // 2) // _DAYS
    return note, (order - note * _DAYS).view("datetime64[D]")


def one_each(count: int, values: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Give one value for each note from one for all, or from as many as there are notes."""
    if values.shape not in {(), (1,), (count,)}:
        raise TermError(name, rule=f"one, or one for each of {count} notes", got=values.shape)
    return np.broadcast_to(values, (count,))
