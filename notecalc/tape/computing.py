"""How something is computed of a tape: the good notes in blocks, and whose fault it is where one can't be.

A note that can't be computed is a line of the report; nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core.arrays import IntArray, as_dates, as_numbers, forbid
from notecalc.core.periods import Periods
from notecalc.core.schedule import resolve
from notecalc.errors import IndexMismatchError, TermError
from notecalc.tape.reading import Tape, read_cells

__all__ = ["Arrays", "Compute", "aligned", "computed"]

Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]
Compute: TypeAlias = Callable[[Periods, Arrays], Any]

_BLOCK = 32_768  # notes whose periods stay a small part of memory
_READERS: Mapping[str, Callable[[Any, str], npt.NDArray[Any]]] = {"date": as_dates, "number": as_numbers}


def computed(tape: Tape, arguments: Mapping[str, tuple[str, Any]], compute: Compute) -> list[tuple[IntArray, Any]]:
    """Compute the good notes, block by block; where one can't be computed, half and half, until it is found.

    Parameters
    ----------
    tape : Tape
        Its problems grow by what is found here.
    arguments : mapping of str to (kind, value)
        Dates or numbers, one for all notes or one for each.
    compute : callable
        Takes periods and arguments of some notes.

    Returns
    -------
    list of (rows, result)
        Positions in the frame, and what was computed for them.
    """
    names: dict[str, Any] = dict(tape.columns)
    given = {}
    for name, (kind, value) in arguments.items():
        given[name], names[name] = _one_each(tape, name, kind, value)
    if "settlement" in given:
        _check_settlement(tape, given["settlement"], names["settlement"])

    def run(places: IntArray) -> Any:
        rows = tape.rows[places]
        return compute(resolve(tape.notes.take(places)), {name: values[rows] for name, values in given.items()})

    def blame(places: IntArray, error: TermError) -> None:
        rows = tape.rows[places]
        values = given[error.name][rows].tolist() if error.name in given else [error.got] * rows.size
        reason = (error.rule, error.hint if rows.size == 1 else None)
        tape.problems.add(rows, names.get(error.name, error.name), values, [reason] * rows.size)

    done = []
    good = np.flatnonzero(~tape.problems.bad[tape.rows])
    pending = [good[begin : begin + _BLOCK] for begin in range(0, good.size, _BLOCK)][::-1]
    while pending:
        places = pending.pop()
        try:
            done.append((tape.rows[places], run(places)))
        except TermError as error:
            if error.name in given and error.rows is not None:  # it says whose fault it is
                blame(places[error.rows], error)
                pending.append(np.delete(places, error.rows))
            elif places.size > 1:
                if error.row is None:  # not a note's fault
                    raise
                pending += np.array_split(places, 2)[::-1]
            else:
                try:  # of one note alone an error doesn't say whether it is the note's
                    run(np.repeat(places, 2))
                except TermError as own:
                    if own.row is None:
                        raise
                    blame(places, own)
    return done or [(np.empty(0, dtype=np.int64), run(np.empty(0, dtype=np.int64)))]


def aligned(tape: Tape, made: list[tuple[IntArray, Any]], name: str) -> pd.Series[Any]:
    """Give a number for each row of the frame, NaN where none was computed."""
    values = np.full(len(tape.problems.labels), np.nan)
    for rows, numbers in made:
        values[rows] = numbers
    return pd.Series(values, index=tape.problems.labels, name=name)


def _one_each(tape: Tape, name: str, kind: str, value: Any) -> tuple[npt.NDArray[Any], Any]:
    """Give an argument's value for each row of the frame, and what a report calls it."""
    labels, read = tape.problems.labels, _READERS[kind]
    if isinstance(value, pd.Series):
        if not value.index.equals(labels):
            raise IndexMismatchError(
                name,
                rule="a Series with the same index as the frame",
                got=value.index,
                hint="Use .reindex() to match by label, or .to_numpy() to match by position",
            )
        series = value
    else:
        if np.ndim(value) == 0:
            one = read(value, name)
            forbid(name, one, np.asarray(pd.isna(one)), "given")
            return np.broadcast_to(one, (len(labels),)), name
        if np.shape(value) != (len(labels),):
            raise TermError(name, rule=f"one value, or one for each of {len(labels)} notes", got=np.shape(value))
        series = pd.Series(value, index=labels, name=name)
    column = name if series.name is None else series.name
    cells, _, _ = read_cells(series, kind, lambda values: (read(values, name), ()), column, tape.problems)
    return cells, column


def _check_settlement(tape: Tape, settlement: npt.NDArray[Any], column: Any) -> None:
    """Take down the notes that aren't there yet or no more: on a tape they may be many."""
    day, notes = settlement[tape.rows], tape.notes
    for bad, rule in (
        (day < notes.issue_date, "on or after `issue_date`"),
        (day >= notes.maturity, "before `maturity`"),
    ):
        where = np.flatnonzero(bad)
        if where.size:
            tape.problems.add(tape.rows[where], column, day[where].tolist(), [(rule, None)] * where.size)
