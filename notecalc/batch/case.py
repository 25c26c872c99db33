"""A run before it runs: a deal or a tape, its market, the plan of what varies and the results asked for."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from notecalc.batch.plan import Plan
from notecalc.batch.results import Result
from notecalc.batch.results.base import NOTE, SAMPLE
from notecalc.batch.taped import ScenarioTape
from notecalc.batch.varying import told_axes, told_samples
from notecalc.deal.deal import Deal
from notecalc.deal.marketfile import MarketCase

if TYPE_CHECKING:
    from distributed import Client

    from notecalc.batch.run import Progress, Run

__all__ = ["BLOCK_ROWS", "Case", "RunOptions"]

BLOCK_ROWS = 131_072
_BESIDE = ("id", "title", "summaries")  # in a scenario file, beside what blocks depend on


class RunOptions(TypedDict, total=False):
    """How a case is run.

    Parameters
    ----------
    workers : int or None
        Processes; one for each core if left out, as many as the memory allows.
    memory : int or None
        Bytes that all processes together may use.
    scheduler : str or None
        Address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``, whose workers compute; all of them see the place.
    client : distributed.Client or None
        A client of such a scheduler instead.
    storage_options : mapping or None
        What fsspec takes for the file system of a URL, such as ``{"endpoint_url": ...}`` for S3; it travels to workers.
    resume : bool
        Whether to go on with a run that was begun there.
    allow_mixed : bool
        Whether blocks computed on another kind of machine or by other versions may stand beside new ones.
    block_deadline : float or None
        Seconds that a block may take before another process gets it; see `deadline.Deadline`.
    progress : callable or None
        Called with a `Progress` after each block.
    """

    workers: int | None
    memory: int | None
    scheduler: str | None
    client: Client | None
    storage_options: Mapping[str, Any] | None
    resume: bool
    allow_mixed: bool
    block_deadline: float | None
    progress: Callable[[Progress], None] | None


@dataclass(frozen=True, eq=False)
class Case:
    """What a run computes; picklable, so that a worker gets it whole.

    Parameters
    ----------
    id, title : str
        What it is called.
    deal : Deal or None
        Whose terms hold where no axis says otherwise.
    tape : ScenarioTape or None
        Whose notes they are that each scenario is applied to, if no deal's.
    market : MarketCase or None
        Whose data do.
    plan : Plan
        The scenarios.
    results : tuple of Result
        What is computed of each.
    block_rows : int
        Scenarios in a block; it is part of the case, because files hold blocks.
    summaries : mapping or None
        What `summaries.summarise` is asked for.
    given : mapping
        What the scenario file says, as plain values.
    """

    id: str
    title: str
    deal: Deal | None
    tape: ScenarioTape | None
    market: MarketCase | None
    plan: Plan
    results: tuple[Result, ...]
    block_rows: int
    summaries: Mapping[str, Any] | None
    given: Mapping[str, Any]

    @property
    def blocks(self) -> int:
        """How many blocks it has."""
        return math.ceil(len(self.plan) / self.block_rows)

    @property
    def inputs(self) -> dict[str, Any]:
        """The scenario file, the deal or tape and the market, as plain values."""
        market = None if self.market is None else self.market.terms.model_dump(mode="json", by_alias=True)
        deal = None if self.deal is None else self.deal.terms.model_dump(mode="json", by_alias=True)
        tape = None if self.tape is None else self.tape.inputs
        return {"scenarios": self.given, "deal": deal, "tape": tape, "market": market}

    @property
    def input_hash(self) -> str:
        """SHA-256, in canonical JSON, of what blocks depend on: not what the run is called, nor how it is summed up."""
        given = {key: value for key, value in self.given.items() if key not in _BESIDE}
        return hashlib.sha256(json.dumps(self.inputs | {"scenarios": given}, sort_keys=True).encode()).hexdigest()

    @functools.lru_cache(maxsize=32)  # noqa: B019 (a case lives as long as its run)
    def metadata(self, result: Result) -> dict[str, Any]:
        """What a result's file says of itself: the run, and each column's unit and meaning."""
        varies = self._varies(result)
        takes = {name: {"meaning": f"input: {name}", **told} for name, told in varies.items()}
        columns = {name: {"unit": column.unit, "meaning": column.meaning} for name, column in result.columns.items()}
        own = {"scenario": {"meaning": "number of the scenario, from 0"}}
        own |= {name: {"meaning": name} for name in result.labels}
        takes[NOTE] = {"meaning": "name of the note, or its place in the tape from 0"}
        takes[SAMPLE] = {"meaning": "number of the sample, from 0, that the scenario's paths are drawn for"}
        own["error_code"] = {"meaning": "what kept a scenario from being computed; empty if nothing"}
        options = self.given.get("results", {}).get(result.name, {})
        run = {
            "result": result.name,
            "measure": result.measure,
            "options": {name: value for name, value in options.items() if name not in varies},
            "input_hash": self.input_hash,
            "varies": varies,
            "samples": told_samples(self.plan, self.given.get("samples", {})) if self._draws(result) else None,
            "terms": self._terms(result),
            **({} if self.tape is None else {"tape": self.tape.inputs}),
            "market": self._market(result),
        }
        return {"run": run, "columns": own | takes | columns}

    def _varies(self, result: Result) -> dict[str, dict[str, str]]:
        """What of its inputs varies, and how; values that stand for an assumption without a reason have that one's."""
        currency = "currency" if self.deal is None else self.deal.terms.currency
        told = told_axes(self.plan, self.given.get("axes", {}), currency)
        options = self.given.get("results", {}).get(result.name, {})
        varies = {name: each for name, each in told.items() if name != NOTE and result.kind_of(name) is not None}
        for name, each in varies.items():
            option = options.get(name)
            if isinstance(option, Mapping) and "assumed" in option and not {"source", "assumed"} & {*each}:
                each["assumed"] = f"around {option['value']}: {option['assumed']}"
        return varies

    def _draws(self, result: Result) -> bool:
        drawn = () if self.plan.samples is None else self.plan.samples.axes
        return result.draws_paths or any(result.kind_of(axis.name) is not None for axis in drawn)

    def _terms(self, result: Result) -> dict[str, dict[str, str]]:
        """The deal's terms that it rests on, but for those that scenarios have their own of."""
        if self.deal is None:
            return {}
        replaced = [result.replaces[name] for name in self.plan.names if name in result.replaces]
        table = self.deal.term_table()
        used = table[table["term"].str.startswith(result.uses)] if result.uses else table.iloc[:0]
        rows = used[["term", "value", "source", "assumed"]].itertuples(index=False)
        return {
            term: {"value": value, **_origin(source, assumed)}
            for term, value, source, assumed in rows
            if not any(re.fullmatch(pattern, term) for pattern in replaced)
        }

    def _market(self, result: Result) -> dict[str, dict[str, str]]:
        """The market's data that it rests on, but for those that vary."""
        names = result.market_data
        if self.market is None or names == ():
            return {}
        table = self.market.market(result.model).table()
        used = table if names is None else table[table["datum"].isin(names)]
        rows = used[["datum", "value", "source", "assumed"]].itertuples(index=False)
        return {
            datum: {"value": value, **_origin(source, assumed)}
            for datum, value, source, assumed in rows
            if datum not in self.plan.names
        }

    def run(self, place: str | Path, **options: Unpack[RunOptions]) -> Run:
        """Run it; see `run.run`.

        Parameters
        ----------
        place : str or path
            A folder, or a URL that fsspec knows; new, or that of a run to resume.
        **options
            As `run.run` takes them.

        Returns
        -------
        Run
            Where the files are; nothing of them is loaded.
        """
        from notecalc.batch.run import run  # it stands on this module

        return run(self, place, **options)

    def check(self) -> None:
        """Compute what would fail in every scenario: of a deal, what holds where nothing varies.

        Raises
        ------
        NotecalcError
            It can't be computed.
        """
        first = self.plan.inputs(0, 1)
        for result in self.results:
            result.check(first)


def _origin(source: str, assumed: str) -> dict[str, str]:
    return {"source": source} if source else {"assumed": assumed}
