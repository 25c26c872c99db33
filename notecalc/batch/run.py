"""Run scenarios: from a case to files, as far as it gets, and on from there."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from notecalc.batch.blocks import Record, block_range, file_of
from notecalc.batch.case import Case
from notecalc.batch.cluster import Cluster
from notecalc.batch.deadline import Deadline
from notecalc.batch.hold import LOCK, hold
from notecalc.batch.machine import machine_kind
from notecalc.batch.manifest import RUN, SUMMARY, RunError, begin, finish, kept_summary, read_records, sha256
from notecalc.batch.results import Result
from notecalc.batch.room import Room, fitting
from notecalc.batch.store import Store, open_store
from notecalc.batch.summaries import summarise
from notecalc.batch.workers import compute_blocks
from notecalc.core.arrays import FloatArray
from notecalc.errors import TermError

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client

__all__ = ["Progress", "Run", "run"]


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    done: int
    """Scenarios written."""
    total: int
    failed: int
    """Scenarios with an error, over all results."""
    seconds: float
    """Since it began, or was resumed."""
    before: int
    """Scenarios that an earlier run had written."""

    @property
    def rate(self) -> float:
        """Scenarios a second."""
        return (self.done - self.before) / self.seconds if self.seconds else 0.0

    @property
    def left(self) -> float:
        """Seconds left at this rate; NaN before the first block."""
        return (self.total - self.done) / self.rate if self.rate else float("nan")


@dataclass(frozen=True)
class Run:
    """A finished run: where its files are and what they hold; nothing of them is loaded."""

    case: Case
    store: Store
    manifest: dict[str, Any]
    peak_bytes: int
    """The most memory of all processes together, at most: each at its own peak, pages that they share in each."""

    @property
    def result_hash(self) -> str:
        """SHA-256 of all results together: the same for any number of workers and any history of the run."""
        return str(self.manifest["result_hash"])

    @property
    def failures(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Scenarios that failed, by result and code."""
        return dict(self.manifest["failures"])

    def blocks(self, result: str, columns: list[str] | None = None) -> Iterator[Any]:
        """Give a result's tables (pyarrow), one block after the other, all their columns or some."""
        yield from _blocks(self.case, self.store, result, columns)

    def summary(self) -> pd.DataFrame:
        """Give what the scenario file's summaries say; see `summaries.summarise`.

        Raises
        ------
        RunError
            The file has none.
        """
        import pandas as pd

        if self.case.summaries is None:
            raise RunError("the scenario file asks for no summaries")
        return pd.read_parquet(io.BytesIO(self.store.get(SUMMARY)))


def run(
    case: Case,
    place: str | Path,
    *,
    workers: int | None = None,
    memory: int | None = None,
    scheduler: str | None = None,
    client: Client | None = None,
    storage_options: Mapping[str, Any] | None = None,
    resume: bool = False,
    allow_mixed: bool = False,
    block_deadline: float | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Run:
    """Run scenarios and write their results, block by block.

    Parameters
    ----------
    case : Case
        What to compute, see `load_scenarios`.
    place : str or path
        A folder, or a URL that fsspec knows; new, or that of a run to resume.
    workers : int, optional
        Processes; one for each core if left out, as many as the memory allows.
    memory : int, optional
        Bytes that all processes together may use: a process of its own first measures what a block needs, and as many
        workers begin as there is room for. One that grows beyond its share is replaced after its block.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``, whose workers compute; all of them see the place.
    client : distributed.Client, optional
        A client of such a scheduler instead.
    storage_options : mapping, optional
        What fsspec takes for the URL's file system, such as ``{"endpoint_url": ...}`` for S3; it travels to workers.
    resume : bool
        Whether to go on with a run that was begun there. Files that are as they were written by size and by S3's ETag
        (in a folder by the time of their last change) are not read again; `verify` reads everything.
    allow_mixed : bool
        Whether blocks computed on another kind of machine or by other versions may stand beside new ones. If not, a
        run does not begin while workers differ from each other, or their versions from this process's; a worker that
        joins later and differs gets no blocks, which the log says.
    block_deadline : float, optional
        Seconds that a block may take before another process gets it, three times at most; see `deadline.Deadline` for
        how long that is if left out. One worker alone is this process, which nobody watches.
    progress : callable, optional
        Called with a `Progress` after each block.

    Returns
    -------
    Run

    Raises
    ------
    RunError
        There is another run at the place, one of other inputs, or none to resume; a block dies, hangs or needs too
        much memory.
    TermError
        The memory is too small; a deadline of 0 or less.
    StoreError
        The place can't be written to; what is done is kept.
    KeyboardInterrupt
        At Ctrl-C, what is done being kept.
    """
    store = open_store(place, **(storage_options or {}))
    cluster = _cluster_of(scheduler, client, {"workers": workers, "memory": memory})
    deadline = Deadline(block_deadline)
    room = Room(1) if cluster is not None else fitting(case, workers, memory)
    if resume and store.size(LOCK) is None and store.size(RUN) is None:
        raise RunError(f"no run began at {place}: there is nothing to resume (--resume); is it misspelt?")
    with contextlib.ExitStack() as entered:
        held = entered.enter_context(hold(store))
        crew = None if cluster is None else Cluster(cluster, store, held, allow_mixed=allow_mixed)
        if crew:
            entered.enter_context(crew)
        kind = crew.kind if crew else machine_kind()
        begin(case, store, kind, resume=resume, allow_mixed=allow_mixed)
        store.sweep(["blocks", *(result.name for result in case.results)])
        records = read_records(case, store)
        _check_kinds(records, kind, allow_mixed=allow_mixed)
        told = _Teller(case, progress, records.values())
        todo = [block for block in range(case.blocks) if block not in records]

        def done(record: Record) -> None:
            held.check()
            records[record.block] = record
            told(record)

        if crew:
            most = crew.compute_blocks(case, todo, deadline, done)
        else:
            room = replace(room, workers=min(room.workers, max(len(todo), 1)))
            most = compute_blocks(case, store, held, todo, room, deadline, done)
        held.check()
        summary = None
        if case.summaries is not None:
            summary = kept_summary(case, store, records) or _summarise(case, store)
        return Run(case, store, finish(case, store, records, summary=summary), most)


def _cluster_of(scheduler: str | None, client: Client | None, local: Mapping[str, Any]) -> str | Client | None:
    """Give the cluster that was asked for, if any."""
    if scheduler is not None and client is not None:
        raise TermError("client", rule="left out where a scheduler is given", got=client)
    cluster = client if scheduler is None else scheduler
    for name, value in local.items():
        if cluster is not None and value is not None:
            raise TermError(name, rule="left out on a cluster, whose workers have both from `dask worker`", got=value)
    return cluster


def _summarise(case: Case, store: Store) -> str:
    """Write the summary and give its hash."""

    def column(result: Result, name: str) -> Iterator[FloatArray]:
        for table in _blocks(case, store, result.name, [name]):
            yield table.column(name).to_numpy()

    notes = None if case.tape is None else case.tape.groups()
    made = summarise(case.plan, case.results, column, **(case.summaries or {}), notes=notes)
    file = io.BytesIO()
    made.to_parquet(file)
    store.put(SUMMARY, file.getvalue())
    return sha256(file.getvalue())


def _blocks(case: Case, store: Store, result: str, columns: list[str] | None) -> Iterator[Any]:
    import pyarrow.parquet as pq

    for block in range(case.blocks):
        with store.open(file_of(result, block)) as file:
            yield pq.read_table(file, columns=columns)


class _Teller:
    """Counts what is done, block by block, and tells it to who asked."""

    def __init__(self, case: Case, tell: Callable[[Progress], None] | None, records: Iterable[Record]) -> None:
        self._case, self._tell, self._done, self._failed = case, tell, 0, 0
        for record in records:
            self._count(record)
        self._before, self._started = self._done, time.monotonic()
        self._say()

    def __call__(self, record: Record) -> None:
        self._count(record)
        self._say()

    def _count(self, record: Record) -> None:
        start, stop = block_range(self._case, record.block)
        self._done += stop - start
        self._failed += sum(count for codes in record.failures.values() for count in codes.values())

    def _say(self) -> None:
        if self._tell is not None:
            seconds = time.monotonic() - self._started
            self._tell(Progress(self._done, len(self._case.plan), self._failed, seconds, self._before))


def _check_kinds(records: dict[int, Record], kind: str, *, allow_mixed: bool) -> None:
    others = sorted({record.kind for record in records.values()} - {kind})
    if others and not allow_mixed:
        raise RunError(f"blocks were computed by another kind of machine (--allow-mixed accepts that): {others[0]}")
