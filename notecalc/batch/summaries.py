"""What all scenarios say together: means, quantiles and expected shortfalls, from passes over the finished blocks.

Memory does not grow with the number of scenarios, and quantiles are exact all the same: see `selection`. Blocks are
read in their order, so that sums come out the same to the last bit however the run went.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.batch.plan import Plan
from notecalc.batch.results import Result
from notecalc.batch.results.base import NOTE
from notecalc.batch.selection import Part, select
from notecalc.core.arrays import FloatArray, IntArray

__all__ = ["MOST_LINES", "Blocks", "level_name", "line_count", "summarise"]

Blocks: TypeAlias = Callable[[Result, str], Iterator[FloatArray]]
"""Gives a column of a result, block by block."""

MOST_LINES = 500_000
"""Lines of a summary: as many as its table, which is held in memory, may have."""


def summarise(
    plan: Plan,
    results: Sequence[Result],
    blocks: Blocks,
    *,
    quantiles: Sequence[float],
    expected_shortfall: Sequence[float],
    by: Sequence[str],
    notes: Mapping[str, npt.NDArray[Any]] | None = None,
) -> pd.DataFrame:
    r"""Summarise each column of each result, over all scenarios with one value of each name in `by`.

    Parameters
    ----------
    plan : Plan
        The scenarios.
    results : sequence of Result
        What was computed of them.
    blocks : callable
        Gives a column of a result, block by block.
    quantiles : sequence of float
        Levels from 0 to 1, none twice; between two numbers in a line, as numpy does.
    expected_shortfall : sequence of float
        Levels above 0 up to 1, none twice: the mean of the lowest share a of n numbers,
        :math:`(\sum_{i \le k} x_i + (a n - k) x_{k+1}) / (a n)` with :math:`k = \lfloor a n \rfloor`. It is the low
        tail of every column, whether low is bad or good.
    by : sequence of str
        Listed axes, which split the results that take them, or what tells notes apart.
    notes : mapping of str to array, optional
        What tells the notes of a tape apart, such as their names: one value for each.

    Returns
    -------
    DataFrame
        A row for each result, its rows' labels, the values of `by`, and column: ``count`` (of numbers that are there),
        ``missing``, ``mean``, ``deviation`` (of the sample), ``least``, ``most``, ``q...`` and ``es...``. Dates are
        counted only, and of bounds of errors (in units such as ``per 100 +-``) there is the largest.

    References
    ----------
    Acerbi and Tasche (2002), On the coherence of expected shortfall.
    """
    tables = []
    for result in results:
        groups = _Groups.of(plan, result, by, notes)
        for column, told in result.columns.items():
            parts = partial(groups.parts, partial(blocks, result, column))
            swept = _swept(groups.size, parts)
            found = {name: swept[name] for name in ("count", "missing")}
            if told.unit.endswith("+-"):
                found["most"] = swept["most"]
            elif told.dtype == "float64":
                found |= _distribution(swept, parts, quantiles, expected_shortfall)
            tables.append(pd.DataFrame({"result": result.name, **groups.words, "column": column, **found}))
    labels = dict.fromkeys(label for result in results for label in result.labels)
    front = ["result", *labels, *by, "column", "count", "missing", "mean", "deviation", "least", "most"]
    table = pd.concat(tables, ignore_index=True)
    levels = [level_name("q", level) for level in quantiles] + [level_name("es", level) for level in expected_shortfall]
    return table[[name for name in [*front, *levels] if name in table.columns]]


def line_count(
    plan: Plan, results: Sequence[Result], by: Sequence[str], notes: Mapping[str, npt.NDArray[Any]] | None
) -> int:
    """Give how many lines a summary has."""
    return sum(_Groups.of(plan, result, by, notes).size * len(result.columns) for result in results)


def level_name(word: str, level: float) -> str:
    """Name a column by its level, each level otherwise.

    Examples
    --------
    >>> level_name("q", 0.05), level_name("es", 1.0), level_name("q", 0.99999999)
    ('q0.05', 'es1', 'q0.99999999')
    """
    return f"{word}{float(level)!r}".removesuffix(".0")


@dataclass(frozen=True)
class _Groups:
    """Which group each row of a result is in: by the axes that tell them apart, then by the result's own rows."""

    plan: Plan
    rows: int
    apart: Sequence[tuple[str, IntArray, list[tuple[Any, ...]]]]
    """One axis of those that move together, the number of each of its places, and the values of all of them."""
    by: Sequence[str]
    labels: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, plan: Plan, result: Result, by: Sequence[str], notes: Mapping[str, npt.NDArray[Any]] | None) -> _Groups:
        of_notes = {name: values for name, values in (notes or {}).items() if name not in plan.names or name == NOTE}
        found = []
        for axes in plan.grid:
            if axes[0].name == NOTE:
                own = {name: of_notes[name] for name in by if name in of_notes}
            else:
                taken = [axis for axis in axes if axis.name in by and result.kind_of(axis.name) is not None]
                own = {axis.name: axis.choices for axis in taken}
            if own:
                found.append((axes[0].name, own))
        found.sort(key=lambda each: min(map(by.index, each[1])))
        names = [name for _, own in found for name in own]
        return cls(plan, result.rows, [(axis, *_distinct(own)) for axis, own in found], names, dict(result.labels))

    @property
    def size(self) -> int:
        """How many there are."""
        return self.rows * math.prod(len(distinct) for _, _, distinct in self.apart)

    @property
    def words(self) -> dict[str, list[Any]]:
        """What each group is called."""
        lines: list[tuple[Any, ...]] = [()]
        for _, _, distinct in self.apart:
            lines = [(*before, *values) for before in lines for values in distinct]
        labels = {name: list(words) * len(lines) for name, words in self.labels.items()}
        return labels | {name: [line[k] for line in lines for _ in range(self.rows)] for k, name in enumerate(self.by)}

    def parts(self, blocks: Callable[[], Iterator[FloatArray]]) -> Iterator[Part]:
        """Give the numbers of each block, group by group."""
        start = 0
        for values in blocks():
            table = values.reshape(-1, self.rows)
            place = self._place(start, len(table))
            if (place[1:] < place[:-1]).any():
                order = np.argsort(place, kind="stable")
                place, table = place[order], table[order]
            starts = np.flatnonzero(np.diff(place, prepend=-1))
            sizes = np.diff(starts, append=place.size)
            groups = place[starts] * self.rows + np.arange(self.rows)[:, np.newaxis]
            numbers, lengths = table.T.reshape(-1), np.tile(sizes, self.rows)
            lost = np.isnan(numbers)
            missing = np.zeros(lengths.size, dtype=np.int64)
            if lost.any():
                missing = np.add.reduceat(lost, np.cumsum(lengths) - lengths, dtype=np.int64)
                numbers = numbers[~lost]
            yield Part(groups.reshape(-1), lengths - missing, missing, numbers)
            start += len(table)

    def _place(self, start: int, size: int) -> IntArray:
        """Number the values of the axes in scenarios from a start on."""
        point, place = self.plan.point(start + np.arange(size)), np.zeros(size, dtype=np.int64)
        for name, number, distinct in self.apart:
            place = place * len(distinct) + number[self.plan.digit(point, name)]
        return place


def _distinct(columns: Mapping[str, npt.NDArray[Any]]) -> tuple[IntArray, list[tuple[Any, ...]]]:
    """Number the values that stand side by side, as there are and no others, and give those of each number."""
    codes = [pd.factorize(values, use_na_sentinel=False)[0] for values in columns.values()]
    _, first, number = np.unique(np.stack(codes, axis=1), axis=0, return_index=True, return_inverse=True)
    return number.reshape(-1), list(zip(*(values[first].tolist() for values in columns.values()), strict=True))


_Parts: TypeAlias = Callable[[], Iterator[Part]]


def _swept(size: int, parts: _Parts) -> dict[str, Any]:
    """Give what a first pass tells of each group: counts and, of numbers, sum, least and most (NaN where empty)."""
    counts = {name: np.zeros(size, dtype=np.int64) for name in ("count", "missing")}
    total, least, most = np.zeros(size), np.full(size, np.nan), np.full(size, np.nan)
    for part in parts():
        counts["count"][part.groups] += part.sizes
        counts["missing"][part.groups] += part.lost
        if part.numbers.dtype.kind == "f":
            part.reduce(np.add, total, part.numbers)
            part.reduce(np.fmin, least, part.numbers)
            part.reduce(np.fmax, most, part.numbers)
    return counts | {"total": total, "least": least, "most": most}


def _distribution(
    swept: Mapping[str, Any], parts: _Parts, quantiles: Sequence[float], shortfalls: Sequence[float]
) -> dict[str, FloatArray]:
    count, least, most = swept["count"], swept["least"], swept["most"]
    squares = np.zeros(count.size)
    with np.errstate(invalid="ignore", divide="ignore"):  # of empty groups
        # A mean lies between them; rounded it may not, and then a constant would deviate from itself.
        mean = np.clip(swept["total"] / count, least, most)
    for part in parts():
        part.reduce(np.add, squares, (part.numbers - mean[part.group]) ** 2)
    deviation = np.sqrt(squares / np.where(count > 1, count - 1, np.nan))
    found = {"mean": mean, "deviation": deviation, "least": least, "most": most}
    between = [_beside(count, level) for level in quantiles]
    ends = [np.maximum(np.ceil(level * count).astype(np.int64), 1) - 1 for level in shortfalls]
    places = [place for low, high, _ in between for place in (low, high)] + ends
    chosen = select(np.stack(places, axis=1), count, parts) if places else np.zeros((count.size, 0))
    for k, (level, (_, _, share)) in enumerate(zip(quantiles, between, strict=True)):
        found[level_name("q", level)] = _interpolated(chosen[:, 2 * k], chosen[:, 2 * k + 1], share)
    cuts = chosen[:, 2 * len(quantiles) :]
    # The mean of a lowest share is its last number, less by how much those before it lie below.
    below = np.zeros((len(shortfalls), count.size))
    for part in parts() if shortfalls else ():
        for own, cut in zip(below, cuts.T, strict=True):
            part.reduce(np.add, own, np.minimum(part.numbers - cut[part.group], 0.0))
    for level, own, cut in zip(shortfalls, below, cuts.T, strict=True):
        with np.errstate(invalid="ignore"):
            found[level_name("es", level)] = cut + own / (level * count)
    return found


def _beside(count: IntArray, level: float) -> tuple[IntArray, IntArray, FloatArray]:
    """Give the two places that a quantile lies between, and how far it is from the first to the second."""
    last = np.maximum(count - 1, 0)
    at = level * last
    low = np.floor(at).astype(np.int64)
    return low, np.minimum(low + 1, last), at - low


def _interpolated(low: FloatArray, high: FloatArray, share: FloatArray) -> FloatArray:
    """Give the number that lies between two as numpy does: from the nearer one, so that it is reached exactly."""
    gap = high - low
    return np.where(share < 0.5, low + gap * share, high - gap * (1 - share))
