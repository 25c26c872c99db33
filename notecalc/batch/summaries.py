"""What all scenarios say together: means, quantiles and expected shortfalls, from a second pass over the blocks.

Quantiles are exact, in memory that doesn't grow with the number of scenarios: the ordered bits of a number are found
sixteen at a time, each by counting how many numbers share those found so far; groups of fewer numbers than there are
counts are put in order instead. Blocks are read in their order, so that
sums come out the same to the last bit however the run went.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.batch.plan import Plan
from notecalc.batch.results import Result
from notecalc.batch.results.base import NOTE
from notecalc.core.arrays import FloatArray, IntArray

__all__ = ["Blocks", "summarise"]

Blocks: TypeAlias = Callable[[Result, str], Iterator[FloatArray]]
"""Gives a column of a result, block by block."""

_BITS = 16
_SMALL = 2**_BITS  # numbers in a group, which there are then fewer of than counts
_HELD = 2**24  # numbers, or counts of them, that are held at once: 128 MiB
_SIGN = np.uint64(1 << 63)


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
        Levels from 0 to 1; between two numbers in a line, as numpy does.
    expected_shortfall : sequence of float
        Levels above 0 up to 1: the mean of the lowest share a of n numbers,
        :math:`(\sum_{i \le k} x_i + (a n - k) x_{k+1}) / (a n)` with :math:`k = \lfloor a n \rfloor`.
    by : sequence of str
        Listed axes, which split the results that take them, or what tells notes apart.
    notes : mapping of str to array, optional
        What tells the notes of a tape apart, such as their names: one value for each.

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
    apart = {name: values for name, values in (notes or {}).items() if name not in plan.names or name == NOTE}
    for result in results:
        groups = _Groups.of(plan, result, [name for name in by if name in apart or result.kind_of(name)], apart)
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
    digits: list[tuple[str, IntArray, int]]
    """The axes that tell groups apart: which of so many values each place on one has."""
    names: list[dict[str, Any]]

    @classmethod
    def of(
        cls, plan: Plan, result: Result, by: Sequence[str], notes: Mapping[str, npt.NDArray[Any]] | None = None
    ) -> _Groups:
        listed = {axis.name: axis.choices for group in plan.grid for axis in group}
        digits = []
        names: list[dict[str, Any]] = [{}]
        for name in by:
            of_notes = notes is not None and name in notes
            told = notes[name] if notes and of_notes else listed[name]
            which, _ = pd.factorize(told, use_na_sentinel=False)
            _, first = np.unique(which, return_index=True)
            digits.append((NOTE if of_notes else name, which, first.size))
            names = [{**before, name: value} for before in names for value in told[first].tolist()]
        labels = [dict(zip(result.labels, words, strict=True)) for words in zip(*result.labels.values(), strict=True)]
        return cls(plan, result.rows, digits, [{**words, **name} for name in names for words in (labels or [{}])])

    def split(self, start: int, values: FloatArray) -> Iterator[tuple[int, FloatArray]]:
        """Give the numbers of each group among those of a block, its first scenario being `start`."""
        table = values.reshape(-1, self.rows)
        if not len(table):
            return
        if not self.digits:
            groups, parts = [0], [table]
        else:
            point = self.plan.point(start + np.arange(len(table)))
            place = np.zeros(len(table), dtype=np.int64)
            for axis, which, count in self.digits:
                place = place * count + which[self.plan.digit(point, axis)]
            order = np.argsort(place, kind="stable")
            ends = np.flatnonzero(np.diff(place[order])) + 1
            groups, parts = place[order][np.append(0, ends)].tolist(), np.split(table[order], ends)
        for number, part in zip(groups, parts, strict=True):
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
    of = {id(tally): number for number, tally in enumerate(tallies)}
    ranks = [_ranks(tally.count, quantiles, shortfalls) for tally in tallies]
    counts = [tally.count for tally in tallies]
    found = _select(ranks, counts, lambda: ((of[id(tally)], part) for tally, part in parts()))
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
    ranks: Sequence[Sequence[int]], sizes: Sequence[int], parts: Callable[[], Iterator[tuple[int, FloatArray]]]
) -> list[dict[int, float]]:
    """Give the numbers at some places of each group, put in order; so many groups at once that memory is bounded."""
    found: list[dict[int, float]] = [{} for _ in ranks]
    asked = [group for group, places in enumerate(ranks) if places]
    small = [group for group in asked if sizes[group] <= _SMALL]
    for batch in _batches(small, lambda group: sizes[group]):
        held: dict[int, list[FloatArray]] = {group: [] for group in batch}
        for group, part in parts():
            if group in held:
                held[group].append(part[~np.isnan(part)])
        for group, values in held.items():
            ordered = np.sort(np.concatenate(values))
            found[group] = {rank: float(ordered[rank]) for rank in ranks[group]}
    large = [group for group in asked if sizes[group] > _SMALL]
    for batch in _batches(large, lambda group: 2**_BITS * len(ranks[group])):
        for group, values_found in _select_by_bits({group: ranks[group] for group in batch}, parts).items():
            found[group] = values_found
    return found


def _batches(groups: Sequence[int], size: Callable[[int], int]) -> Iterator[list[int]]:
    """Give groups whose sizes together are no more than may be held."""
    batch: list[int] = []
    total = 0
    for group in groups:
        if batch and total + size(group) > _HELD:
            yield batch
            batch, total = [], 0
        batch.append(group)
        total += size(group)
    if batch:
        yield batch


def _select_by_bits(
    ranks: Mapping[int, Sequence[int]], parts: Callable[[], Iterator[tuple[int, FloatArray]]]
) -> dict[int, dict[int, float]]:
    # Of each place: the bits found, and the place among the numbers that share them.
    known = {group: {rank: (0, rank) for rank in places} for group, places in ranks.items()}
    for found in range(0, 64, _BITS):
        counts: dict[tuple[int, int], npt.NDArray[np.int64]] = {}
        for group, part in parts():
            if group not in known:
                continue
            keys = _keys(part[~np.isnan(part)])
            rest = np.uint64(64 - _BITS - found)
            for prefix in {bits for bits, _ in known[group].values()}:
                own = keys if not found else keys[(keys >> np.uint64(64 - found)) == np.uint64(prefix)]
                digits = ((own >> rest) & np.uint64(2**_BITS - 1)).astype(np.int64)
                more = np.bincount(digits, minlength=2**_BITS)
                before = counts.get((group, prefix))
                counts[group, prefix] = more if before is None else before + more
        for group, places in known.items():
            for rank, (prefix, left) in places.items():
                below = np.cumsum(counts[group, prefix])
                digit = int(np.searchsorted(below, left, side="right"))
                places[rank] = (prefix << _BITS) | digit, left - (int(below[digit - 1]) if digit else 0)
    return {group: {rank: _number(bits) for rank, (bits, _) in places.items()} for group, places in known.items()}


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
