"""A tape as what scenarios are applied to: its notes, what is wrong with them, and a hash of what it holds.

Cells are read and judged by `tape.reading`, once; a note with a bad cell keeps its place and its rows say why.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.batch.results.base import NOTE, Failed
from notecalc.core.arrays import IntArray, as_dates, as_numbers
from notecalc.core.notes import Notes
from notecalc.errors import TermError, did_you_mean
from notecalc.tape.reading import Problems, Tape, find_column, find_columns, read_cells, read_tape
from notecalc.tape.valued import VALUATION_COLUMNS

__all__ = ["SHARES", "Cells", "ScenarioTape", "faults_of", "read_tape_file", "tape_of"]

SHARES = ("shares_outstanding", "shares_authorised")
"""Columns of a tape that dilution takes; the others are terms, or what `frame.notecalc.convertible_value` takes."""

_DATES = ("_start", "_end", "_date", "_until")
_READERS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}


@dataclass(frozen=True, eq=False)
class Cells:
    """A column of numbers or days as read, missing where a cell is blank or bad, and what is wrong."""

    values: npt.NDArray[Any]
    wrong: Failed


@dataclass(frozen=True, eq=False)
class ScenarioTape:
    """The notes of a tape, each by its place.

    Parameters
    ----------
    file : str
        What it was read from.
    sha256 : str
        Of the file's bytes, or of the cells of a frame that is no file's.
    ids : array of int64 or str
        What the notes are called.
    tape : Tape
        Their terms as read; `tape.notes` are the good ones alone.
    place : int64 array
        Of each note among the good ones, -1 for the others.
    wrong : mapping of place to (code, text)
        What is wrong with the terms of the others.
    cells : mapping of str to Cells
        Numbers and days beside the terms, by the names that `convertible_value` and `SHARES` have for them.
    frame : DataFrame
        All its columns as they came, by which results may be told apart.
    """

    file: str
    sha256: str
    ids: npt.NDArray[Any]
    tape: Tape
    place: IntArray
    wrong: Failed
    cells: Mapping[str, Cells]
    frame: pd.DataFrame

    def __len__(self) -> int:
        return self.ids.size

    @property
    def inputs(self) -> dict[str, Any]:
        """What it is known by, as plain values."""
        columns = {term: str(column) for term, column in self.tape.columns.items()}
        return {"file": self.file, "sha256": self.sha256, "notes": len(self), "columns": columns}

    @property
    def group_names(self) -> list[str]:
        """Names of what tells notes apart."""
        return [*map(str, self.frame.columns), NOTE]

    def groups(self) -> dict[str, npt.NDArray[Any]]:
        """Give what tells notes apart: their names, and the columns."""
        columns = {str(name): column.to_numpy(dtype=object) for name, column in self.frame.items()}
        return {**columns, NOTE: self.ids}

    def notes(self, note: IntArray) -> Notes:
        """Give the terms of good notes, by their places in the tape."""
        return self.tape.notes.take(self.place[note])

    def rows(self, note: IntArray) -> Tape:
        """Give a tape with a row for each of some good notes, which may come many times."""
        labels = pd.RangeIndex(note.size)
        return Tape(self.notes(note), np.arange(note.size), Problems(labels), self.tape.columns)


def read_tape_file(path: Path, note: str | None, columns: Mapping[str, Hashable]) -> ScenarioTape:
    """Read a tape from a CSV or Parquet file.

    Parameters
    ----------
    path : path
        The file.
    note : str, optional
        The column that names the notes; they are called by their places from 0 if left out.
    columns : mapping of str to str
        The column of a term or number, where it has another name.

    Raises
    ------
    TermError
        No such file or column, a file that can't be read, notes of one name, columns of which one must be there.
    """
    kind = _READERS.get(path.suffix.lower())
    if kind is None or not path.is_file():
        rule = f"a file that there is, {' or '.join(_READERS)}"
        raise TermError("tape.file", rule=rule, got=str(path))
    try:
        if kind == "csv":
            # Names stay texts: 007 is not 7.
            frame = pd.read_csv(path, dtype=None if note is None else {note: str})
        else:
            frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise TermError("tape.file", rule=f"a {kind} file that can be read ({error})", got=path.name) from None
    if note is not None and note not in frame.columns:
        # A frame that was indexed by the notes when it was written has them as its index again.
        if note not in frame.index.names:
            hint = did_you_mean(note, map(str, frame.columns))
            raise TermError("tape.note", rule=f"a column of {path.name}", got=note, hint=hint)
    elif note is not None:
        frame = frame.set_index(note)
    else:
        frame = frame.reset_index(drop=frame.index.name is None)
    return tape_of(frame, columns, path.name, hashlib.sha256(path.read_bytes()).hexdigest())


def tape_of(
    frame: pd.DataFrame, columns: Mapping[str, Hashable], file: str = "(frame)", sha256: str | None = None
) -> ScenarioTape:
    """Read a frame with a row for each note, called by its index.

    Raises
    ------
    TermError
        Notes of one name, columns of which one must be there.
    """
    ids = _ids(frame.index)
    if not len(frame):
        raise TermError("tape", rule="of at least one note", got=0)
    for name in SHARES:
        if columns.get(name) is not None and columns[name] not in frame.columns:
            hint = did_you_mean(str(columns[name]), map(str, frame.columns))
            raise TermError(f"tape.columns.{name}", rule="the name of a column", got=columns[name], hint=hint)
    try:
        named = {name: column for name, column in columns.items() if name not in SHARES}
        tape = read_tape(frame, find_columns(frame, named))
        cells = {}
        for name in (*VALUATION_COLUMNS, *SHARES):
            column = find_column(frame, columns, name)
            if column is not None:
                cells[name] = _cells(frame[column], name, column)
    except TermError as error:
        told = f"tape.columns.{error.name}"
        raise TermError(told, rule=error.rule, got=error.got, hint=_as_in_a_file(error.hint)) from None
    place = np.full(len(frame), -1)
    place[tape.rows] = np.arange(tape.rows.size)
    wrong = faults_of(tape.problems)
    return ScenarioTape(file, sha256 or _hash(frame), ids, tape, place, wrong, cells, frame)


def faults_of(problems: Problems) -> Failed:
    """Give what is wrong with each row, all of it in one text, under the first column that is."""
    found: Failed = {}
    report = problems.report(blanks=True)
    names = ("position", "column", "value", "allowed", "hint")
    for row, column, value, allowed, hint in zip(*(report[name].tolist() for name in names), strict=True):
        got = "" if value == "missing" else f"; got {value!r}"
        text = f"`{column}` must be {allowed}{got}" + (f". {hint}" if hint else "")
        code, before = found.get(row, (column, ""))
        found[row] = (code, f"{before}; {text}" if before else text)
    return found


def _cells(series: pd.Series[Any], name: str, column: Hashable) -> Cells:
    problems = Problems(pd.RangeIndex(len(series)))
    kind = "date" if name.endswith(_DATES) else "number"
    read = functools.partial(_read, as_dates if kind == "date" else as_numbers, name)
    values, _, _ = read_cells(series, kind, read, column, problems)
    return Cells(values, faults_of(problems))


def _read(read: Any, name: str, values: Any) -> tuple[npt.NDArray[Any], tuple[Any, ...]]:
    return read(values, name), ()


def _as_in_a_file(hint: str | None) -> str | None:
    return None if hint is None else hint.replace("map_columns(", "tape.columns = (")


def _ids(index: pd.Index[Any]) -> npt.NDArray[Any]:
    if index.nlevels > 1:
        raise TermError("tape.note", rule="one column of names", got=[*index.names])
    if pd.api.types.is_integer_dtype(index.dtype):
        ids = index.to_numpy(dtype=np.int64)
    elif all(isinstance(name, str) for name in index):
        ids = index.to_numpy(dtype=object)
    else:
        got = next(name for name in index if not isinstance(name, str))
        raise TermError("tape.note", rule="words or whole numbers, none missing", got=got)
    if not index.is_unique:
        twice = index[index.duplicated()].unique()[:3].tolist()
        raise TermError("tape.note", rule="of a name of its own in each row", got=twice)
    return ids


def _hash(frame: pd.DataFrame) -> str:
    state = hashlib.sha256()
    for name, column in [("", frame.index.to_series()), *frame.items()]:
        values = column.to_numpy()
        state.update(f"{name!r} {values.size} ".encode())
        # Texts in quotes are told apart from numbers, and no number from another.
        state.update("\0".join(map(repr, values)).encode() if values.dtype == object else values.tobytes())
    return state.hexdigest()
