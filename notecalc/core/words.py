"""Words of which each note may have its own, held as small codes into a table of what they may be.

Knows no vocabulary: `notes` says which words there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core.arrays import IntArray, names_of
from notecalc.errors import TermError, did_you_mean

__all__ = ["Codes", "Words", "known_word", "read_words"]

T = TypeVar("T")
Codes: TypeAlias = "npt.NDArray[np.signedinteger[Any]]"


@dataclass(frozen=True, slots=True, eq=False)
class Words(Generic[T]):
    """One word per note.

    Parameters
    ----------
    codes : integer array
        Position of each note's word in the table.
    table : tuple
        What the words may be.

    Examples
    --------
    >>> stubs = Words(np.array([0, 1, 0], dtype=np.int8), ("short", "long"))
    >>> stubs.tolist()
    ['short', 'long', 'short']
    """

    codes: Codes
    table: tuple[T, ...]

    def __len__(self) -> int:
        return self.codes.size

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:  # noqa: FBT001 (numpy calls it so)
        return self._names()[self.codes].astype(object if dtype is None else dtype)

    def _names(self) -> npt.NDArray[Any]:
        names = np.empty(len(self.table), dtype=object)
        names[:] = self.table
        return names

    def tolist(self) -> list[T]:
        """Give the words themselves."""
        return [self.table[code] for code in self.codes.tolist()]

    def take(self, rows: IntArray) -> Words[T]:
        """Give the words of some elements, in the order asked for."""
        return Words(self.codes[rows], self.table)

    def rows(self) -> Iterator[tuple[T, IntArray]]:
        """Give each word that occurs and where."""
        for code in self._used():
            yield self.table[code], np.flatnonzero(self.codes == code)

    def distinct(self) -> list[T]:
        """Give the words that occur, in the order of the table."""
        return [self.table[code] for code in self._used()]

    def _used(self) -> list[int]:
        counts: list[int] = np.flatnonzero(np.bincount(self.codes, minlength=len(self.table))).tolist()
        return counts


def known_word(name: str, word: Any, known: Iterable[str]) -> str:
    """Give a word if it is among those that are known.

    Raises
    ------
    TermError
        It isn't; the nearest that is, is named.

    Examples
    --------
    >>> known_word("stub", "short", ("short", "long"))
    'short'
    """
    words = tuple(known)
    if word not in words:
        raise TermError(name, rule=names_of(words), got=word, hint=did_you_mean(str(word), words))
    return str(word)


def read_words(
    name: str, values: object, find: Callable[[Any], T], table: tuple[T, ...]
) -> tuple[Codes, tuple[T, ...]]:
    """Read one word, or one per note, as codes into a table, which grows by what it doesn't hold.

    Parameters
    ----------
    name : str
        The argument.
    values : object
        A word, or a list, array, Series or Categorical of them.
    find : callable
        Gives what a word means, or raises `TermError`; None stands for a missing one.
    table : tuple
        Meanings whose codes are fixed.

    Examples
    --------
    >>> read_words("stub", ["LONG", "short"], str.lower, ("short", "long"))
    (array([1, 0], dtype=int8), ('short', 'long'))
    """
    if isinstance(values, str) or values is None or not hasattr(values, "__len__"):
        table = _with(table, find(values))
        return np.array(table.index(find(values)), dtype=np.int8), table
    given: Any = values if isinstance(values, pd.Series | pd.Index | pd.Categorical) else _objects(values)
    places, distinct = pd.factorize(given.reshape(-1) if isinstance(given, np.ndarray) else given)
    meanings = []
    for place, word in enumerate([*distinct, None]):
        at = place if place < len(distinct) else -1
        if at < 0 and not (places == -1).any():
            continue
        try:
            meanings.append(find(word))
        except TermError as error:
            row = int(np.argmax(places == at)) if places.size > 1 else None
            raise TermError(error.name, rule=error.rule, got=error.got, row=row, hint=error.hint) from None
        table = _with(table, meanings[-1])
    if len(table) > np.iinfo(np.int8).max:
        raise TermError(name, rule=f"at most {np.iinfo(np.int8).max} different ones", got=len(table))
    codes = np.array([table.index(meaning) for meaning in meanings], dtype=np.int8)
    return codes[places].reshape(np.shape(given)), table


def _with(table: tuple[T, ...], meaning: T) -> tuple[T, ...]:
    return table if meaning in table else (*table, meaning)


def _objects(values: object) -> npt.NDArray[Any]:
    array = np.asarray(values)
    return array if array.dtype == object else array.astype(object)
