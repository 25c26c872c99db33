"""Which scenario has which inputs: a function of its number alone, so that any block of a run can be computed alone.

Scenarios are numbered from 0. Listed axes make a grid, those that are zipped move together, and for each point of the
grid come all samples, the same for every point (common random numbers): the last axis and the samples vary fastest.
Of a tape all scenarios of its first note come first, then those of the second: a row is a scenario of a note.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.batch.axes import Axis, Drawn, Listed, Samples
from notecalc.batch.results.base import NOTE, SAMPLE
from notecalc.core.arrays import IntArray
from notecalc.errors import TermError

__all__ = ["Plan"]


@dataclass(frozen=True, eq=False)
class Plan:
    """The scenarios of a run.

    Parameters
    ----------
    grid : tuple of tuples of Listed
        Axes of the grid, the last varying fastest; those of one tuple move together.
    samples : Samples, optional
        What is drawn for each point of the grid.
    """

    grid: tuple[tuple[Listed, ...], ...]
    samples: Samples | None

    @classmethod
    def of(cls, axes: Iterable[Axis], **drawing: Any) -> Plan:
        """Put axes in order; `drawing` are the arguments of `Samples` besides its axes.

        Raises
        ------
        TermError
            Zipped axes of different lengths, an axis twice or called `sample`, drawn axes without a count of samples.
        """
        given = list(axes)
        names = [axis.name for axis in given]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise TermError("axes", rule="of different names", got=sorted(twice))
        if SAMPLE in names:
            raise TermError("axes", rule=f"called otherwise than {SAMPLE!r}, the number of a sample", got=SAMPLE)
        groups: dict[str, list[Listed]] = {}
        for axis in given:
            if isinstance(axis, Listed):
                groups.setdefault(f"zip {axis.zip}" if axis.zip else f"axis {axis.name}", []).append(axis)
        for group in groups.values():
            lengths = {axis.name: axis.choices.size for axis in group}
            if len(set(lengths.values())) > 1:
                raise TermError(f"zip {group[0].zip!r}", rule="axes of one length", got=lengths)
        drawn = tuple(axis for axis in given if isinstance(axis, Drawn))
        if drawn and not drawing.get("count"):
            raise TermError("samples.count", rule="given where an axis is drawn", got=drawing.get("count"))
        return cls(tuple(map(tuple, groups.values())), Samples(drawn, **drawing) if drawing.get("count") else None)

    @property
    def names(self) -> list[str]:
        """Names of the inputs that vary, in the order of the axes."""
        listed = [axis.name for axis in itertools.chain.from_iterable(self.grid)]
        return listed + ([] if self.samples is None else [axis.name for axis in self.samples.axes])

    def of_notes(self, count: int) -> Plan:
        """Give the plan of the same scenarios for each of some notes, told apart by the input `NOTE`, their place."""
        return Plan(((Listed(NOTE, np.arange(count)),), *self.grid), self.samples)

    @property
    def notes(self) -> int:
        """How many notes each scenario is applied to; 1 where they are no tape's."""
        first = self.grid[0][0] if self.grid else None
        return first.choices.size if first is not None and first.name == NOTE else 1

    def scenario(self, row: IntArray) -> IntArray:
        """Give the number of the scenario of rows."""
        return row % (len(self) // self.notes) if self.notes > 1 else row

    @property
    def points(self) -> int:
        """How many points the grid has."""
        return math.prod(group[0].choices.size for group in self.grid)

    def __len__(self) -> int:
        return self.points * (1 if self.samples is None else self.samples.count)

    def point(self, scenario: IntArray) -> IntArray:
        """Give the point of the grid that scenarios lie at."""
        return scenario // (1 if self.samples is None else self.samples.count)

    def digit(self, point: IntArray, name: str) -> IntArray:
        """Give the place of a listed axis's value at points of the grid."""
        for group in reversed(self.grid):
            point, place = np.divmod(point, group[0].choices.size)
            if name in {axis.name for axis in group}:
                return place
        raise TermError("name", rule="a listed axis", got=name)

    def inputs(self, start: int, stop: int) -> dict[str, npt.NDArray[Any]]:
        """Give the inputs of the scenarios from start up to stop, by name; where there are samples, their numbers too.

        Examples
        --------
        >>> plan = Plan.of([Listed("conversion_price", np.array([1.75, 1.85])), Listed("stock_price", np.arange(3))])
        >>> plan.inputs(2, 5)["conversion_price"], plan.inputs(2, 5)["stock_price"]
        (array([1.75, 1.85, 1.85]), array([2, 0, 1]))
        """
        if not 0 <= start <= stop <= len(self):
            raise TermError("start and stop", rule=f"from 0 to {len(self)}, in order", got=(start, stop))
        scenario = np.arange(start, stop)
        made: dict[str, npt.NDArray[Any]] = {}
        rest = self.point(scenario)
        for group in reversed(self.grid):
            rest, place = np.divmod(rest, group[0].choices.size)
            made |= {axis.name: axis.choices[place] for axis in group}
        if self.samples is None:
            return {name: made[name] for name in self.names}
        sample = scenario % self.samples.count
        made |= self.samples.at(sample)
        return {**{name: made[name] for name in self.names}, SAMPLE: sample}
