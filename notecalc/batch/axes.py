"""What varies from scenario to scenario: numbers, dates or words that are listed, or numbers drawn by index."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from notecalc.core.arrays import FloatArray
from notecalc.core.draws import latin_hypercube, sobol, uniforms
from notecalc.errors import TermError

__all__ = ["DESIGNS", "DISTRIBUTIONS", "Axis", "Design", "Drawn", "Listed", "Samples"]

Design: TypeAlias = Literal["random", "latin-hypercube", "sobol"]
DESIGNS: tuple[Design, ...] = ("random", "latin-hypercube", "sobol")
DISTRIBUTIONS = ("uniform", "normal", "lognormal", "exponential")


@dataclass(frozen=True, eq=False)
class Listed:
    """An axis whose values are listed.

    Parameters
    ----------
    name : str
        The input that it varies.
    choices : array
        Numbers, days (datetime64[D]) or words.
    zip : str, optional
        Axes with one such word, and of one length, move together.
    """

    name: str
    choices: npt.NDArray[Any]
    zip: str | None = None


@dataclass(frozen=True)
class Drawn:
    """An axis whose numbers are drawn.

    Parameters
    ----------
    name : str
        The input that it varies.
    distribution : {"uniform", "normal", "lognormal", "exponential"}
        ``uniform`` from `first` to `second`; ``normal`` of mean `first` and standard deviation `second`;
        ``lognormal`` of median `first`, its logarithm's standard deviation `second`; ``exponential`` of rate `first`.
    first, second : float
        Its parameters.
    round_to : float, optional
        Its numbers are rounded to whole multiples of this, such as a tick.
    """

    name: str
    distribution: str
    first: float
    second: float = 0.0
    round_to: float | None = None

    def at(self, uniform: FloatArray) -> FloatArray:
        """Give the numbers below which the distribution has these probabilities."""
        from scipy.special import ndtri  # slow to import

        if self.distribution == "uniform":
            numbers = self.first + (self.second - self.first) * uniform
        elif self.distribution == "exponential":
            numbers = -np.log1p(-uniform) / self.first
        else:
            normal = self.second * ndtri(uniform)
            numbers = self.first + normal if self.distribution == "normal" else self.first * np.exp(normal)
        if self.round_to is None:
            return numbers
        # Divided by the reciprocal where that is a whole number: 0.01 has no exact float, 100 has one.
        parts = 1 / self.round_to
        whole = round(parts)
        if abs(parts - whole) < 1e-9 * parts:
            return np.rint(numbers * whole) / whole
        return np.rint(numbers / self.round_to) * self.round_to


Axis: TypeAlias = Listed | Drawn


@dataclass(frozen=True, eq=False)
class Samples:
    """Axes drawn together, each scenario's numbers a function of seed and sample alone.

    Parameters
    ----------
    axes : tuple of Drawn
        What is drawn; nothing, where results draw paths of their own for each sample.
    count : int
        How many samples.
    seed : int
        Any whole number.
    design : {"random", "latin-hypercube", "sobol"}
        How the samples are spread. Paths, which results draw for themselves, are always random.
    correlation : array, optional
        Of the normal numbers that stand behind the axes (a Gaussian copula), axes by axes.

    Raises
    ------
    TermError
        Correlations that cannot hold together, or of a Latin hypercube; a design where nothing is drawn.
    """

    axes: tuple[Drawn, ...]
    count: int
    seed: int
    design: Design = "random"
    correlation: FloatArray | None = None

    def __post_init__(self) -> None:
        if not self.axes and self.design != "random":
            raise TermError("samples.design", rule="left out where no axis is drawn: paths are random", got=self.design)
        if self.correlation is not None:
            if self.design == "latin-hypercube":
                rule = "random or sobol where axes are correlated: all but the first would lose their strata"
                raise TermError("samples.design", rule=rule, got=self.design)
            lowest = float(np.linalg.eigvalsh(self.correlation).min())
            if lowest <= 0:
                rule = "of correlations that can hold together (a positive definite matrix)"
                raise TermError("samples.correlation", rule=rule, got=f"a lowest eigenvalue of {lowest:.3g}")

    def at(self, sample: npt.NDArray[np.int64]) -> dict[str, FloatArray]:
        """Give the numbers of some samples, by axis."""
        if not self.axes:
            return {}
        points = self._points(sample)
        if self.correlation is not None:
            from scipy.special import ndtr, ndtri  # slow to import

            points = ndtr(_correlated(ndtri(points), self.correlation))
        return {axis.name: axis.at(np.ascontiguousarray(points[:, k])) for k, axis in enumerate(self.axes)}

    def _points(self, sample: npt.NDArray[np.int64]) -> FloatArray:
        names = tuple(axis.name for axis in self.axes)
        if self.design == "sobol":
            return sobol(self.seed, len(names), sample)
        if self.design == "latin-hypercube":
            return latin_hypercube(self.seed, names, self.count, sample)
        return np.stack([uniforms(self.seed, name, sample) for name in names], axis=-1)


def _correlated(normals: FloatArray, correlation: FloatArray) -> FloatArray:
    """Give independent normal numbers a correlation, by its Cholesky factor.

    Term by term, not by a library's product of matrices: its last bits depend on how many rows it is given, and on the
    processor.
    """
    size = len(correlation)
    factor = np.zeros((size, size))
    for i in range(size):
        for j in range(i + 1):
            rest = float(correlation[i, j]) - sum(float(factor[i, k]) * float(factor[j, k]) for k in range(j))
            factor[i, j] = math.sqrt(rest) if i == j else rest / float(factor[j, j])
    found = np.zeros_like(normals)
    for i in range(size):
        for j in range(i + 1):
            found[:, i] += factor[i, j] * normals[:, j]
    return found
