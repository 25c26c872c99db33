"""What all scenarios say together: means, quantiles and expected shortfalls, from a second pass over the blocks.

Quantiles are exact, in memory that doesn't grow with the number of scenarios: the ordered bits of a number are found
sixteen at a time, each by counting how many numbers share those found so far. Blocks are read in their order, so that
sums come out the same to the last bit however the run went.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.batch.plan import Plan
from notecalc.batch.results import Result
from notecalc.core.arrays import FloatArray, IntArray

__all__ = ["Blocks", "summarise"]

Blocks: TypeAlias = Callable[[Result, str], Iterator[FloatArray]]
"""Gives a column of a result, block by block."""

_BITS = 16
_SIGN = np.uint64(1 << 63)


def summarise(
    plan: Plan,
    results: Sequence[Result],
    blocks: Blocks,
    *,
    quantiles: Sequence[float],
    expected_shortfall: Sequence[float],
    by: Sequence[str],
) -> pd.DataFrame:
    r"""Summarise each column of each result, over all scenarios with one value of each axis in `by`.

    Parameters
    ----------
    plan : Plan
        The scenarios.
    results : sequence of Result
        What was computed of them.
    blocks : callable
        Gives a column of a result, block by block.
    quantiles : sequence of float
        Levels from 0 to 1; between two numbers in a line, as numpy does.
    expected_shortfall : sequence of float
        Levels above 0 up to 1: the mean of the lowest share a of n numbers,
        :math:`(\sum_{i \le k} x_i + (a n - k) x_{k+1}) / (a n)` with :math:`k = \lfloor a n \rfloor`.
    by : sequence of str
        Listed axes; a result that does not take one is not split by it.

    Returns
    -------
    DataFrame
        A row for each result, its rows' labels, the values of `by`, and column: ``count`` (of numbers that are there),
        ``missing``, ``mean``, ``deviation`` (of the sample), ``least``, ``most``, ``q...`` and ``es...``. Dates are
        counted only.

    References
    ----------
    Acerbi and Tasche (2002), On the coherence of expected shortfall.
    """
    rows: list[dict[str, Any]] = []
    for result in results:
        groups = _Groups.of(plan, result, [name for name in by if name in result.takes])
        for column, told in result.columns.items():
            of_column = partial(blocks, result, column)
            numbers = told.dtype == "float64"
            found = _column(groups, of_column, quantiles, expected_shortfall) if numbers else _counts(groups, of_column)
            rows += [
                {"result": result.name, **names, "column": column, **one}
                for names, one in zip(groups.names, found, strict=True)
            ]
    return pd.DataFrame(rows)


@dataclass
class _Groups:
    """Which group each row of a result is in, and what the groups are called."""

    plan: Plan
    rows: int
    place: IntArray
    """Of each point of the grid."""
    names: list[dict[str, Any]]

    @classmethod
    def of(cls, plan: Plan, result: Result, by: Sequence[str]) -> _Groups:
        listed = {axis.name: axis.choices.tolist() for group in plan.grid for axis in group}
        points = np.arange(plan.points)
        place = np.zeros(plan.points, dtype=np.int64)
        names: list[dict[str, Any]] = [{}]
        for name in by:
            distinct = list(dict.fromkeys(listed[name]))
            which = np.array([distinct.index(value) for value in listed[name]])
            digits = which[plan.digit(points, name)]
            place = place * len(distinct) + digits
            names = [{**before, name: value} for before in names for value in distinct]
        labels = [dict(zip(result.labels, words, strict=True)) for words in zip(*result.labels.values(), strict=True)]
        return cls(plan, result.rows, place, [{**words, **name} for name in names for words in (labels or [{}])])

    def split(self, start: int, values: FloatArray) -> Iterator[tuple[int, FloatArray]]:
        """Give the numbers of each group among those of a block, its first scenario being `start`."""
        table = values.reshape(-1, self.rows)
        parts = [table]
        if len(self.names) > self.rows:
            place = self.place[self.plan.point(start + np.arange(len(table)))]
            ends = np.cumsum(np.bincount(place, minlength=len(self.names) // self.rows))
            parts = np.split(table[np.argsort(place, kind="stable")], ends[:-1])
        for number, part in enumerate(parts):
            if len(part):
                yield from enumerate(np.ascontiguousarray(part.T), number * self.rows)


@dataclass
class _Tally:
    """What is known of the numbers of one group."""

    count: int = 0
    missing: int = 0
    total: float = 0.0
    squares: float = 0.0
    least: float = math.inf
    most: float = -math.inf
    below: dict[float, float] = field(default_factory=dict)


def _column(
    groups: _Groups,
    blocks: Callable[[], Iterator[FloatArray]],
    quantiles: Sequence[float],
    shortfalls: Sequence[float],
) -> list[dict[str, Any]]:
    tallies = [_Tally() for _ in groups.names]

    def parts() -> Iterator[tuple[_Tally, FloatArray]]:
        start = 0
        for values in blocks():
            for number, part in groups.split(start, values):
                yield tallies[number], part
            start += values.size // groups.rows

    for tally, part in parts():
        there = part[~np.isnan(part)]
        tally.missing += part.size - there.size
        if there.size:
            tally.count += there.size
            tally.total += float(there.sum())
            tally.least, tally.most = min(tally.least, float(there.min())), max(tally.most, float(there.max()))
    for tally, part in parts():
        if tally.count:
            tally.squares += float(np.nansum((part - tally.total / tally.count) ** 2))
    ranks = [_ranks(tally.count, quantiles, shortfalls) for tally in tallies]
    of = {id(tally): number for number, tally in enumerate(tallies)}
    found = _select(ranks, lambda: ((of[id(tally)], part) for tally, part in parts()))
    cuts = [{a: _cut(tally.count, a, values) for a in shortfalls} for tally, values in zip(tallies, found, strict=True)]
    if shortfalls:
        for tally, part in parts():
            for level, cut in cuts[of[id(tally)]].items():
                lower = part[part < cut]
                before = tally.below.get(level, 0.0)
                # What is missing to the share that is cut off are numbers equal to the cut itself.
                tally.below[level] = before + float(lower.sum()) - lower.size * cut
    return [
        _told(tally, values, cut, quantiles, shortfalls)
        for tally, values, cut in zip(tallies, found, cuts, strict=True)
    ]


def _counts(groups: _Groups, blocks: Callable[[], Iterator[FloatArray]]) -> list[dict[str, Any]]:
    told = [{"count": 0, "missing": 0} for _ in groups.names]
    start = 0
    for values in blocks():
        for number, part in groups.split(start, values):
            missing = int(np.isnan(part).sum())
            told[number]["count"] += part.size - missing
            told[number]["missing"] += missing
        start += values.size // groups.rows
    return told


def _ranks(count: int, quantiles: Sequence[float], shortfalls: Sequence[float]) -> list[int]:
    """Give the places, in order, of the numbers that quantiles and shortfalls need."""
    if not count:
        return []
    places = [place for level in quantiles for place in _beside(count, level)[:2]]
    places += [_last(count, level) for level in shortfalls]
    return sorted(set(places))


def _beside(count: int, level: float) -> tuple[int, int, float]:
    """Give the two places that a quantile lies between, and how far it is from the first to the second."""
    at = level * (count - 1)
    low = min(math.floor(at), count - 1)
    return low, min(low + 1, count - 1), at - low


def _last(count: int, level: float) -> int:
    """Give the place of the last number that belongs, in part, to the lowest share."""
    return min(math.ceil(level * count), count) - 1


def _select(
    ranks: Sequence[Sequence[int]], parts: Callable[[], Iterator[tuple[int, FloatArray]]]
) -> list[dict[int, float]]:
    """Give the numbers at some places of each group, put in order."""
    # Of each place: the bits found, and the place among the numbers that share them.
    known = [{rank: (0, rank) for rank in places} for places in ranks]
    if not any(known):
        return [{} for _ in known]
    for found in range(0, 64, _BITS):
        counts: dict[tuple[int, int], npt.NDArray[np.int64]] = {}
        for group, part in parts():
            keys = _keys(part[~np.isnan(part)])
            rest = np.uint64(64 - _BITS - found)
            for prefix in {bits for bits, _ in known[group].values()}:
                own = keys if not found else keys[(keys >> np.uint64(64 - found)) == np.uint64(prefix)]
                digits = ((own >> rest) & np.uint64(2**_BITS - 1)).astype(np.int64)
                more = np.bincount(digits, minlength=2**_BITS)
                before = counts.get((group, prefix))
                counts[group, prefix] = more if before is None else before + more
        for group, places in enumerate(known):
            for rank, (prefix, left) in places.items():
                below = np.cumsum(counts[group, prefix])
                digit = int(np.searchsorted(below, left, side="right"))
                places[rank] = (prefix << _BITS) | digit, left - (int(below[digit - 1]) if digit else 0)
    return [{rank: _number(bits) for rank, (bits, _) in places.items()} for places in known]


def _keys(values: FloatArray) -> npt.NDArray[np.uint64]:
    """Give integers in the order of the numbers."""
    bits = np.ascontiguousarray(values).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _number(key: int) -> float:
    bits = key & ~(1 << 63) if key >> 63 else ~key & (2**64 - 1)
    return float(np.array([bits], dtype=np.uint64).view(np.float64)[0])


def _cut(count: int, level: float, values: dict[int, float]) -> float:
    return values[_last(count, level)] if count else math.nan


def _told(
    tally: _Tally,
    values: dict[int, float],
    cuts: dict[float, float],
    quantiles: Sequence[float],
    shortfalls: Sequence[float],
) -> dict[str, Any]:
    n = tally.count
    told: dict[str, Any] = {"count": n, "missing": tally.missing}
    told["mean"] = tally.total / n if n else math.nan
    told["deviation"] = math.sqrt(tally.squares / (n - 1)) if n > 1 else math.nan
    told["least"], told["most"] = (tally.least, tally.most) if n else (math.nan, math.nan)
    for level in quantiles:
        low, high, share = _beside(n, level) if n else (0, 0, 0.0)
        told[f"q{level:g}"] = values[low] + share * (values[high] - values[low]) if n else math.nan
    for level in shortfalls:
        told[f"es{level:g}"] = cuts[level] + tally.below.get(level, 0.0) / (level * n) if n else math.nan
    return told
