"""What the memo is told of a finished run of scenarios; who reads the run hands it over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

__all__ = ["Batch", "BatchResult", "Varied"]


@dataclass(frozen=True)
class Varied:
    """What an input is in the scenarios: values or a distribution, its unit, and its source or reason, or nothing."""

    what: str
    drawn: bool
    unit: str
    origin: str


@dataclass(frozen=True)
class BatchResult:
    """How a result of a run was computed.

    Parameters
    ----------
    measure : str or None
        Of the probabilities behind its numbers; None where there are none.
    units, meanings : mapping
        By column.
    assumed : mapping
        What it assumes besides the deal's terms: value and reason by name.
    terms : tuple of str
        Paths of the deal's terms that it rests on.
    varies : mapping
        What varies in its scenarios.
    samples : mapping or None
        How often (``count``) and how samples are drawn: by what ``seed`` and, where axes are, in what ``design`` and
        with what ``correlations`` of pairs of ``axes``; None if nothing is drawn.
    """

    measure: str | None
    units: Mapping[str, str]
    meanings: Mapping[str, str]
    assumed: Mapping[str, tuple[str, str]]
    terms: tuple[str, ...]
    varies: Mapping[str, Varied]
    samples: Mapping[str, Any] | None

    @property
    def is_distribution(self) -> bool:
        """Whether its numbers over all scenarios are a distribution: none is, of scenarios that are but listed."""
        return self.measure == "real-world" or any(each.drawn for each in self.varies.values())


@dataclass(frozen=True)
class Batch:
    """A finished run of scenarios.

    Parameters
    ----------
    title : str
        What it is called.
    scenarios, seed : int
        How many, and the seed of all that was drawn.
    input_hash, result_hash : str
        SHA-256 of what it was computed from and of all its results.
    failed : mapping
        How many scenarios failed, by result; empty if none.
    by : tuple of str
        Axes whose values the summary tells apart.
    whole : str
        What the rows of all holders together are called.
    results : mapping
        By name.
    summary : DataFrame
        A row for each result, holder, value of `by` and column.
    """

    title: str
    scenarios: int
    seed: int
    input_hash: str
    result_hash: str
    failed: Mapping[str, int]
    by: tuple[str, ...]
    whole: str
    results: Mapping[str, BatchResult]
    summary: pd.DataFrame
