"""Numbers by their place in order, exactly, of more numbers than memory holds and of many groups at once.

A number's bits, ordered as the number is, are found from the first on: a pass over the numbers counts how many of those
that share the bits found so far have which bits next. When few enough share them, a last pass takes them all and puts
them in order. Both are bounded by `BUDGET`; groups that do not fit together are taken one batch after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from notecalc.core.arrays import FloatArray, IntArray

__all__ = ["BUDGET", "Part", "select"]

BUDGET = 2**22
"""Counters, or numbers, that are held at once: 32 MiB of them."""

_BITS = 64
_FEW_BITS = 8  # that a pass finds at least, so that no batch takes more than eight of them
_MANY_BITS = 20
_SIGN = np.uint64(1 << 63)
_Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Part:
    """Numbers of a block, those of a group side by side, none of them missing.

    Parameters
    ----------
    groups, sizes : int64 arrays
        Groups in the order of their numbers, none twice, and how many numbers each has.
    lost : int64 array
        How many of each group are missing.
    numbers : float64 array
        Of all groups; days, where they are but counted.
    """

    groups: IntArray
    sizes: IntArray
    lost: IntArray
    numbers: FloatArray

    def reduce(self, operation: np.ufunc, into: FloatArray, numbers: FloatArray) -> None:
        """Put the numbers of each group together, and that with what there is of it."""
        filled = self.sizes > 0
        if filled.any():
            own = self.groups[filled]
            starts = (np.cumsum(self.sizes) - self.sizes)[filled]
            into[own] = operation(into[own], operation.reduceat(numbers, starts))

    @property
    def group(self) -> IntArray:
        """The group of each number."""
        return np.repeat(self.groups, self.sizes)


def select(places: IntArray, counts: IntArray, parts: Callable[[], Iterable[Part]]) -> FloatArray:
    """Give the numbers at some places of each group, were it put in order.

    Parameters
    ----------
    places : int64 array, shape (groups, any)
        From 0 up to the group's count.
    counts : int64 array, shape (groups,)
        How many numbers each group has.
    parts : callable
        Gives all numbers, each time it is called.

    Returns
    -------
    float64 array
        In the shape of `places`; NaN where a group is empty.
    """
    found = np.full(places.shape, np.nan)
    for batch in _batches(counts, places.shape[1]) if places.size else ():
        found[batch] = _select(places[batch], counts[batch], batch.start, parts)
    return found


def _batches(counts: IntArray, each: int) -> Iterator[slice]:
    """Give groups that fit the budget together, by how many numbers they have or by what must be counted for them."""
    start, numbers = 0, 0
    for group, count in enumerate(counts.tolist()):
        numbers += count
        if numbers > BUDGET and (group + 1 - start) * each > BUDGET >> _FEW_BITS and group > start:
            yield slice(start, group)
            start, numbers = group, count
    yield slice(start, counts.size)


def _select(places: IntArray, counts: IntArray, first: int, parts: Callable[[], Iterable[Part]]) -> FloatArray:
    """Give the numbers at some places of the groups from the first on."""
    wanted = np.broadcast_to(counts[:, np.newaxis] > 0, places.shape)
    left = places[wanted]
    group = np.flatnonzero(counts)
    ranges = _Ranges(first, counts.size, group, np.zeros(group.size, dtype=np.uint64), counts[group], 0)
    which = np.searchsorted(group, np.nonzero(wanted)[0])
    while ranges.bits < _BITS and ranges.inside.sum() > BUDGET:
        ranges, which, left = ranges.narrowed(which, left, parts())
    keys = ranges.prefix[which] if ranges.bits == _BITS else ranges.sorted(parts())[ranges.starts[which] + left]
    found = np.full(places.shape, np.nan)
    found[wanted] = _numbers(keys)
    return found


@dataclass(frozen=True)
class _Ranges:
    """Ranges of numbers that share their first bits, in order of group and bits."""

    first: int
    """The first group."""
    groups: int
    group: IntArray
    """Of each range, counted from the first."""
    prefix: _Keys
    inside: IntArray
    """How many numbers are in each."""
    bits: int
    """Found so far."""

    @property
    def starts(self) -> IntArray:
        """Where each range begins, were the numbers in them put in a line."""
        return np.cumsum(self.inside) - self.inside

    def narrowed(self, which: IntArray, left: IntArray, parts: Iterable[Part]) -> tuple[_Ranges, IntArray, IntArray]:
        """Give the ranges of more bits that places lie in, which of them each lies in, and its place there."""
        room = max(BUDGET // self.group.size, 2).bit_length() - 1
        more = min(_BITS - self.bits, _MANY_BITS, room)
        counts = np.zeros((self.group.size, 1 << more), dtype=np.int64)
        shift, mask = np.uint64(_BITS - self.bits - more), np.uint64((1 << more) - 1)
        for at, keys in self._members(parts):
            np.add.at(counts.reshape(-1), (at << more) | ((keys >> shift) & mask).astype(np.int64), 1)
        below = np.cumsum(counts, axis=1, out=counts)
        digit = np.array([np.searchsorted(below[at], rank, side="right") for at, rank in zip(which, left, strict=True)])
        before = np.where(digit > 0, below[which, digit - 1], 0)
        distinct, index, place = np.unique((which << more) | digit, return_index=True, return_inverse=True)
        parent, own = distinct >> more, (distinct & ((1 << more) - 1)).astype(np.uint64)
        prefix = (self.prefix[parent] << np.uint64(more)) | own
        inside = (below[which, digit] - before)[index]
        ranges = _Ranges(self.first, self.groups, self.group[parent], prefix, inside, self.bits + more)
        return ranges, place, left - before

    def sorted(self, parts: Iterable[Part]) -> _Keys:
        """Give the numbers in the ranges, range by range, each in order."""
        keys, fill = np.empty(self.inside.sum(), dtype=np.uint64), self.starts
        for at, own in self._members(parts):
            order = np.argsort(at, kind="stable")
            distinct, begin, sizes = np.unique(at[order], return_index=True, return_counts=True)
            within = np.arange(at.size) - np.repeat(begin, sizes)
            keys[np.repeat(fill[distinct], sizes) + within] = own[order]
            fill[distinct] += sizes
        for start, size in zip(self.starts.tolist(), self.inside.tolist(), strict=True):
            keys[start : start + size].sort()
        return keys

    def _members(self, parts: Iterable[Part]) -> Iterator[tuple[IntArray, _Keys]]:
        """Give the ranges that numbers lie in, and the numbers; those in none are left out."""
        bounds = np.searchsorted(self.group, np.arange(self.groups + 1))
        shift = np.uint64(_BITS - self.bits)
        for part in parts:
            found: list[tuple[IntArray, _Keys]] = []
            ends = np.cumsum(part.sizes)
            for group, start, end in zip(part.groups - self.first, ends - part.sizes, ends, strict=True):
                if not 0 <= group < self.groups or start == end:
                    continue
                low, high = bounds[group], bounds[group + 1]
                keys = _keys(part.numbers[start:end])
                if self.bits:
                    own, top = self.prefix[low:high], keys >> shift
                    place = np.minimum(np.searchsorted(own, top), own.size - 1)
                    inside = own[place] == top
                    found.append((low + place[inside], keys[inside]))
                else:
                    found.append((np.full(keys.size, low), keys))
            if found:
                yield np.concatenate([at for at, _ in found]), np.concatenate([keys for _, keys in found])


def _keys(values: FloatArray) -> _Keys:
    """Give integers in the order of the numbers."""
    bits = np.ascontiguousarray(values).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _numbers(keys: _Keys) -> FloatArray:
    return np.where(keys & _SIGN, keys & ~_SIGN, ~keys).view(np.float64)
