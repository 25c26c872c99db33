"""A tape read: a frame with a row for each note, its columns found, every cell judged, and the good rows as `Notes`.

Knows no file and computes nothing; what is computed of a tape is in `frame`. A cell that can't be read or breaks a
rule of `note_rules` becomes a line of a report, and its note is left out of `Notes` but not of any result.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import inspect
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc._data import data_directory
from notecalc.core.arrays import BoolArray, IntArray
from notecalc.core.note_rules import KINDS, broken_rules, read_term
from notecalc.core.notes import Notes, notes_of
from notecalc.core.words import Words
from notecalc.errors import TermError, did_you_mean
from notecalc.tape.valued import VALUATION_COLUMNS

__all__ = [
    "REPORT_COLUMNS",
    "Problems",
    "Tape",
    "example_tape",
    "find_column",
    "find_columns",
    "read_cells",
    "read_tape",
]

REPORT_COLUMNS = ("row", "position", "column", "value", "allowed", "hint")
Reader: TypeAlias = Callable[[Any], tuple[npt.NDArray[Any], tuple[Any, ...]]]
Reason: TypeAlias = tuple[str, str | None]  # what is allowed, and a likely mend

_DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(Notes).parameters.items()
    if parameter.default is not inspect.Parameter.empty
}
_MISSING = {"date": np.datetime64("NaT", "D"), "number": np.nan, "days": -1.0, "flag": False, "word": np.int8(0)}
_NEARLY = 0.86  # `Calender` is nearly `calendar`; `ex_date` and `record_date` are not `ex_days` and `record_days`
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")

_INTEGER = re.compile(r"[+-]?\d+")


def example_tape() -> pd.DataFrame:
    """Read the example tape: 10,000 invented notes as of 2004-09-01, with a clean price for each.

    Returns
    -------
    DataFrame
        Indexed by ``note_id``; made by ``data/tapes/make.py`` from a seed.

    Examples
    --------
    >>> tape = example_tape()
    >>> len(tape), tape["issue_date"].iloc[0], tape["clean_price"].iloc[0].item()
    (10000, '2002-07-15', 88.138)
    """
    return pd.read_csv(data_directory() / "tapes" / "notes.csv", index_col="note_id")


class Problems:
    """What is wrong with the cells of a frame, gathered as it is found.

    Parameters
    ----------
    labels : Index
        Those of the frame's rows.
    """

    def __init__(self, labels: pd.Index[Any]) -> None:
        self.labels = labels
        self.bad = np.zeros(len(labels), dtype=np.bool_)
        self._rows: list[IntArray] = []
        self._lines: list[tuple[str, str, str, str]] = []
        self._blanks: list[tuple[IntArray, str]] = []

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, rows: IntArray, column: Hashable, values: Sequence[Any], reasons: Sequence[Reason]) -> None:
        """Take down cells of a column: where, what stands there, and what may and what it might have meant."""
        self.bad[rows] = True
        self._rows.append(rows)
        name = str(column)
        self._lines += [
            (name, _as_text(value), rule, hint or "") for value, (rule, hint) in zip(values, reasons, strict=True)
        ]

    def leave_blank(self, rows: IntArray, column: Hashable) -> None:
        """Take down cells of a column that are missing, which is not wrong, but leaves the note without a result."""
        self._blanks.append((rows, str(column)))

    def report(self, *, blanks: bool = False) -> pd.DataFrame:
        """Give one line for each bad cell, in the order of the rows; a row is named by its label and its position.

        Parameters
        ----------
        blanks : bool
            Whether also one for each missing cell for which a note has no result.
        """
        left = self._blanks if blanks else []
        rows = np.concatenate([np.empty(0, dtype=np.int64), *self._rows, *(where for where, _ in left)])
        order = np.argsort(rows, kind="stable")
        every = self._lines + [(name, "missing", "given", "") for where, name in left for _ in range(where.size)]
        lines = [every[place] for place in order.tolist()]
        columns: dict[str, Any] = {"row": self.labels.to_flat_index().take(rows[order]), "position": rows[order]}
        for place, name in enumerate(REPORT_COLUMNS[2:]):
            columns[name] = pd.Series([line[place] for line in lines], dtype="str")
        return pd.DataFrame(columns)


@dataclass(frozen=True, slots=True)
class Tape:
    """The terms of a frame's notes, and what is wrong with them.

    Parameters
    ----------
    notes : Notes
        Those whose cells are all good.
    rows : int64 array
        Their positions in the frame.
    problems : Problems
        What is wrong with the others.
    columns : mapping of str to label
        The column of each term that has one.
    """

    notes: Notes
    rows: IntArray
    problems: Problems
    columns: Mapping[str, Hashable]

    @property
    def digest(self) -> str:
        """SHA-256 of all that was read."""
        state = hashlib.sha256()
        for term in KINDS:
            part = getattr(self.notes, term)
            if isinstance(part, Words):
                state.update(repr([getattr(word, "name", word) for word in part.table]).encode())
                part = part.codes
            state.update(part.tobytes())
        state.update(self.rows.tobytes())
        state.update(self.problems.report().to_csv(index=False).encode())
        return state.hexdigest()


def find_columns(frame: pd.DataFrame, named: Mapping[str, Hashable]) -> dict[str, Hashable]:
    """Find the column of each term: the one that is named, or one called as the term is.

    Case doesn't matter, and anything that is no letter and no digit is as good as an underscore: `Issue Date` and
    `IssueDate` are `issue_date`. Columns that are no terms are left alone, unless they are nearly called as one.

    Parameters
    ----------
    frame : DataFrame
        A tape.
    named : mapping of str to label
        The column of a term, where it has another name; None where there is none.

    Raises
    ------
    TermError
        A term that must be there and isn't, two columns for one term, a column whose name is nearly a term's, or a name
        that is no term's or no column's.

    Examples
    --------
    >>> tape = pd.DataFrame(columns=["Issue Date", "Maturity", "face", "annual_rate", "frequency", "day_count"])
    >>> list(find_columns(tape, {"principal": "face"}).values())
    ['Issue Date', 'Maturity', 'face', 'annual_rate', 'frequency', 'day_count']
    """
    for term, column in named.items():
        if term not in KINDS and term not in VALUATION_COLUMNS:
            hint = did_you_mean(term, (*KINDS, *VALUATION_COLUMNS))
            raise TermError(term, rule="the name of a term", got=column, hint=hint)
        if column is not None and column not in frame.columns:
            hint = did_you_mean(str(column), map(str, frame.columns))
            raise TermError(term, rule="the name of a column", got=column, hint=hint)
    alike: dict[str, list[Hashable]] = {}
    for column in frame.columns:
        alike.setdefault(_as_term(column), []).append(column)
    found: dict[str, Hashable] = {}
    for term in KINDS:
        columns = [c for c in frame.columns if c == named[term]] if term in named else alike.get(term, [])
        if len(columns) > 1:
            raise TermError(term, rule="one column", got=columns, hint=f"Name it: map_columns({term}=...)")
        if columns:
            found[term] = columns[0]
    used = {*found.values(), *named.values()}
    unused = {name: columns[0] for name, columns in alike.items() if columns[0] not in used}
    for term in KINDS:  # a column that is nearly called so would be passed over in silence
        near = get_close_matches(term, unused, n=1, cutoff=_NEARLY) if term not in {*found, *named} else []
        if near:
            column = unused[near[0]]
            hint = f"Name it: map_columns({term}={column!r}); or say that there is none: map_columns({term}=None)"
            raise TermError(term, rule="the name of a column", got=column, hint=hint)
    missing = [term for term in KINDS if term not in found and term not in _DEFAULTS]
    if missing:
        raise TermError(
            " and ".join(missing),
            rule="columns of the frame" if len(missing) > 1 else "a column of the frame",
            got=list(frame.columns),
            hint=f"Name what is there: map_columns({missing[0]}=...)",
        )
    return found


def find_column(frame: pd.DataFrame, named: Mapping[str, Hashable], name: str) -> Hashable | None:
    """Find the column of a number that is no term of `Notes`, as `find_columns` does; None where there is none.

    Raises
    ------
    TermError
        Two columns for it.
    """
    if name in named:
        return named[name]
    columns = [column for column in frame.columns if _as_term(column) == name]
    if len(columns) > 1:
        raise TermError(name, rule="one column", got=columns, hint=f"Name it: map_columns({name}=...)")
    return columns[0] if columns else None


def _as_term(column: Hashable) -> str:
    """Write a column's name as terms are written: `Issue Date` and `IssueDate` are `issue_date`."""
    parted = re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", str(column).strip())
    return re.sub("[^a-z0-9]+", "_", parted.casefold())


def read_tape(frame: pd.DataFrame, columns: Mapping[str, Hashable]) -> Tape:
    """Read every cell of a tape's terms, and judge it; terms without a column are as `Notes` has them by default.

    Parameters
    ----------
    frame : DataFrame
        A row for each note.
    columns : mapping of str to label
        The column of each term, from `find_columns`.
    """
    problems = Problems(frame.index)
    cells: dict[str, npt.NDArray[Any]] = {}
    tables: dict[str, tuple[Any, ...]] = {}
    bad: dict[str, BoolArray] = {}
    nothing = np.zeros(len(frame), dtype=np.bool_)
    for term in KINDS:
        if term in columns:
            column = columns[term]
            reader = functools.partial(read_term, term)
            cells[term], tables[term], bad[term] = read_cells(frame[column], KINDS[term], reader, column, problems)
        else:
            default, tables[term] = read_term(term, _DEFAULTS[term])
            cells[term], bad[term] = np.full(len(frame), default), nothing
    for broken in broken_rules(cells, tables):
        rows = broken.rows & ~np.any([bad[term] for term in (broken.name, *broken.beside)], axis=0)
        column = columns.get(broken.name, broken.name)
        where = np.flatnonzero(rows)
        values = frame[column].iloc[where].tolist() if broken.name in columns else [None] * where.size
        own = cells[broken.name][where].tolist()
        reasons = [(broken.rule, None if broken.hint is None else broken.hint(value)) for value in own]
        problems.add(where, column, values, reasons)
    good = np.flatnonzero(~problems.bad)
    return Tape(notes_of({term: column[good] for term, column in cells.items()}, tables), good, problems, columns)


def read_cells(
    series: pd.Series[Any], kind: str, read: Reader, column: Hashable, problems: Problems
) -> tuple[npt.NDArray[Any], tuple[Any, ...], BoolArray]:
    """Read a column's cells; those that can't be read are taken down, and stand as missing.

    Where a column holds texts, as one with a wrong cell does when it comes from a CSV, plain numbers and the words
    true and false are read as such, space around them doesn't count, and an empty text is missing.

    Parameters
    ----------
    series : Series
        The cells.
    kind : str
        As in `note_rules.KINDS`.
    read : callable
        Gives an array and a table, as `note_rules.read_term` does, or raises `TermError`.
    column : label
        What the column is called in the report.
    problems : Problems
        Where to take down.

    Returns
    -------
    cells, table, bad
        As `read` gives them, and which cells could not be read.
    """
    bad = np.zeros(len(series), dtype=np.bool_)
    if not _holds_texts(series):
        try:
            cells, table = read(series)
        except TermError:
            pass  # which cells, is found below
        else:
            return cells, table, bad
    places, distinct = _distinct(series)
    values = [_plain(value, kind) for value in distinct]
    errors = dict(_errors(values, read))
    good = [place for place in range(len(values)) if place not in errors]
    read_good, table = read([values[place] for place in good])
    position = np.full(len(values), -1)
    position[good] = np.arange(len(good))
    at = position[places]
    bad = at < 0
    cells = np.full(len(series), _MISSING[kind], dtype=read_good.dtype)
    cells[~bad] = read_good[at[~bad]]
    where = np.flatnonzero(bad)
    if where.size:
        reasons = [(errors[place].rule, errors[place].hint) for place in places[where].tolist()]
        problems.add(where, column, series.iloc[where].tolist(), reasons)
    return cells, table, bad


def _errors(values: Sequence[Any], read: Reader) -> Iterator[tuple[int, TermError]]:
    """Give the error of each value that can't be read; halves that read well are not looked at further."""
    pending = [(0, len(values))]
    while pending:
        begin, end = pending.pop()
        try:
            read(list(values[begin:end]))
        except TermError as error:
            if end - begin == 1:
                yield begin, error
            else:
                middle = (begin + end) // 2
                pending += [(begin, middle), (middle, end)]


def _holds_texts(series: pd.Series[Any]) -> bool:
    return series.dtype == object or pd.api.types.is_string_dtype(series.dtype)


def _distinct(series: pd.Series[Any]) -> tuple[IntArray, list[Any]]:
    """Give the distinct cells of a column, None for what is missing, and the place of each cell among them."""
    if series.dtype != object:
        places, found = pd.factorize(series, use_na_sentinel=True)
        values = [*found, None] if (places < 0).any() else list(found)
        return np.where(places < 0, len(values) - 1, places), values
    seen: dict[Any, int] = {}
    values, own = [], np.empty(len(series), dtype=np.int64)
    missing = series.isna().to_numpy()
    for row, value in enumerate(series.to_numpy()):
        key: Any = None if missing[row] else (type(value), value)  # 1 is not True here
        try:
            own[row] = seen.setdefault(key, len(values))
        except TypeError:  # a list, say, which can't be looked up
            own[row] = len(values)
        if own[row] == len(values):
            values.append(None if missing[row] else value)
    return own, values


def _plain(value: Any, kind: str) -> Any:
    """Read plain numbers and truth values in texts, nothing as missing, and no more; several values are none."""
    if not pd.api.types.is_scalar(value):
        return str(value)
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text:
        return None
    if kind in {"number", "days"} and _PLAIN_NUMBER.fullmatch(text):
        return int(text) if _INTEGER.fullmatch(text) else float(text)
    if kind == "flag" and text.casefold() in {"true", "false"}:
        return text.casefold() == "true"
    return text


def _as_text(value: Any) -> str:
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return "missing"
    if isinstance(value, pd.Timestamp) and value.tz is None and value == value.normalize():
        return str(value.date())
    plain = isinstance(value, str | int | float | np.number | np.datetime64 | pd.Timestamp | dt.date)
    return str(value) if plain or not pd.api.types.is_scalar(value) else repr(value)
