"""What notecalc raises, and how a message is built.

Every error names the place, the rule and the value, says what to do, and can be read by a program: the parts of
the message are attributes. Errors survive pickling, so that a worker process can hand them back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DealFileError",
    "IndexMismatchError",
    "NotecalcError",
    "Problem",
    "TapeError",
    "TermError",
    "UnknownDealError",
    "did_you_mean",
]


class NotecalcError(Exception):
    """Base of everything that notecalc raises on purpose."""


class TermError(NotecalcError, ValueError):
    """An argument or a term has a value that it cannot have.

    Parameters
    ----------
    name : str
        The argument, or the key path of a deal file.
    rule : str
        What the value may be.
    got : object
        The value found.
    row : int, optional
        Position in an array argument, counted from 0.
    hint : str, optional
        A likely mend.
    rows : sequence of int, optional
        Positions of all elements that break the rule, where they are known; `row` is the first.

    Examples
    --------
    >>> str(TermError("annual_rate", rule="a decimal between -1 and 1", got=8.0, row=3, hint="Did you mean 0.08?"))
    '`annual_rate` must be a decimal between -1 and 1; got 8.0 at row 3. Did you mean 0.08?'
    """

    def __init__(
        self,
        name: str,
        *,
        rule: str,
        got: object,
        row: int | None = None,
        hint: str | None = None,
        rows: Sequence[int] | None = None,
    ) -> None:
        self.name, self.rule, self.got, self.row, self.hint, self.rows = name, rule, got, row, hint, rows
        where = "" if row is None else f" at row {row}"
        mend = "" if not hint else f". {hint}"
        super().__init__(f"`{name}` must be {rule}; got {got!r}{where}{mend}")

    def __reduce__(self) -> tuple[Callable[..., TermError], tuple[object, ...]]:
        return _rebuild_term_error, (
            type(self),
            self.name,
            self.rule,
            self.got,
            self.row,
            self.hint,
            self.rows,
        )


def _rebuild_term_error(
    kind: type[TermError],
    name: str,
    rule: str,
    got: object,
    row: int | None,
    hint: str | None,
    rows: Sequence[int] | None,
) -> TermError:
    return kind(name, rule=rule, got=got, row=row, hint=hint, rows=rows)


class IndexMismatchError(TermError):
    """Two Series were given whose indexes differ; nothing is reordered in silence."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a deal file: where, what was found and what is allowed."""

    path: str
    rule: str
    got: object
    hint: str | None = None

    def __str__(self) -> str:
        got = "" if self.got is None else f"; got {self.got!r}"
        hint = "" if not self.hint else f". {self.hint}"
        return f"{self.path}: {self.rule}{got}{hint}"


class DealFileError(NotecalcError, ValueError):
    """A deal file is wrong; `problems` holds every error of the file, not only the first."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"{file}: {count}", *(f"{file}: {problem}" for problem in self.problems)]))

    def __reduce__(self) -> tuple[type[DealFileError], tuple[str, tuple[Problem, ...]]]:
        return type(self), (self.file, self.problems)


class TapeError(NotecalcError, ValueError):
    """Cells of a tape are wrong; `report` is a frame with a line for every one of them, not only the first.

    Parameters
    ----------
    report : DataFrame
        ``row`` (its label), ``position`` (from 0), ``column``, ``value``, ``allowed`` and ``hint``, as text.
    """

    def __init__(self, report: pd.DataFrame) -> None:
        self.report = report
        count = "1 cell is wrong" if len(report) == 1 else f"{len(report):,} cells are wrong"
        lines = [
            f"row {line.row!r}, column {line.column!r}: must be {line.allowed}; got {line.value!r}"
            + (f". {line.hint!s}" if line.hint else "")
            for line in report.head(_SHOWN).itertuples(index=False)
        ]
        more = [f"and {len(report) - _SHOWN:,} more, all in `.report`"] if len(report) > _SHOWN else []
        super().__init__("\n".join([count, *lines, *more]))

    def __reduce__(self) -> tuple[type[TapeError], tuple[pd.DataFrame]]:
        return type(self), (self.report,)


_SHOWN = 10  # lines of a message; a tape may have a million


class UnknownDealError(NotecalcError, LookupError):
    """No bundled deal has this name and no file has this path."""


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Give a hint that names the nearest known word, or None.

    Examples
    --------
    >>> did_you_mean("maturty", ["maturity", "principal"])
    "Did you mean 'maturity'?"
    """
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else None
