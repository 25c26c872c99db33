"""What `notecalc run` does and says: a bar while a run goes on, and at its end what there is and what failed.

And what a memo says of a finished run: `batch` and `report` don't know each other.
"""

from __future__ import annotations

import logging
import math
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Unpack

from notecalc.errors import NotecalcError, TermError

if TYPE_CHECKING:
    from notecalc.batch.case import RunOptions
    from notecalc.batch.finished import Finished
    from notecalc.batch.run import Progress, Run
    from notecalc.deal.deal import Deal
    from notecalc.report.batches import Batch, BatchResult

__all__ = ["batch_of", "bytes_of", "checked_run", "finished_run"]

_OPTIONS = {"block_deadline", "memory", "scheduler", "workers"}
_SAY = 30.0  # seconds from one line to the next where there is no bar
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def bytes_of(option: str, text: str | None) -> int | None:
    """Read an amount of memory, such as ``2GiB`` or ``800M``; both are by 1,024.

    Examples
    --------
    >>> bytes_of("--memory", "2GiB")
    2147483648
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if found is None:
        raise TermError(option, rule="bytes with a unit, such as 2GiB or 800M", got=text)
    return int(float(found[1]) * _UNITS[found[2].upper()])


def finished_run(scenarios: str, folder: str, **options: Unpack[RunOptions]) -> tuple[str, bool]:
    """Run a scenario file, and say what there is and whether any scenario failed."""
    from notecalc.batch.scenariofile import load_scenarios

    case = load_scenarios(scenarios)
    with _stoppable(), _bar(case.title) as progress:
        options["progress"] = progress
        with _named_as_options():
            made = case.run(folder, **options)
    return _told(made, folder), bool(made.failures)


def checked_run(scenarios: str, folder: str) -> str:
    """Read all of a run again.

    Raises
    ------
    NotecalcError
        Something is not as it was written.
    """
    from notecalc.batch.manifest import verify
    from notecalc.batch.scenariofile import load_scenarios
    from notecalc.batch.store import open_store

    case = load_scenarios(scenarios)
    wrong = verify(case, open_store(folder))
    if wrong:
        raise NotecalcError("\n  ".join([f"{folder} is not what was written:", *wrong]))
    notes = case.plan.notes
    each = f" of each of {notes:,} notes" if case.tape is not None else ""
    return f"{folder} is whole: {case.blocks:,} blocks of {len(case.plan) // notes:,} scenarios{each}, as written"


def batch_of(deal: Deal, folder: str) -> Batch:
    """Read a finished run for the memo of its deal.

    Raises
    ------
    NotecalcError
        There is no finished run, it has no summary, or the deal's terms are not those that it was computed from.
    """
    from notecalc.batch.finished import read_finished
    from notecalc.batch.results.irr import ALL_HOLDERS
    from notecalc.report.batches import Batch

    found = read_finished(folder)
    if found.summary is None:
        raise NotecalcError(f"{folder} has no summary to show: its scenario file has no [summaries]")
    if found.inputs["deal"] != deal.terms.model_dump(mode="json", by_alias=True):
        raise NotecalcError(f"{folder} was computed from other terms than those of {deal.terms.id}; run it again")
    asked = found.inputs["scenarios"]
    return Batch(
        title=asked["title"],
        scenarios=found.manifest["scenarios"],
        seed=found.manifest["seed"],
        input_hash=found.manifest["input_hash"],
        result_hash=found.manifest["result_hash"],
        failed={
            name: sum(code["scenarios"] for code in codes.values())
            for name, codes in found.manifest["failures"].items()
        },
        by=tuple(asked["summaries"]["by"]),
        whole=ALL_HOLDERS,
        results={name: _batch_result(found, name) for name in asked["results"]},
        summary=found.summary,
    )


def _batch_result(found: Finished, name: str) -> BatchResult:
    from notecalc.report.batches import BatchResult, Varied

    run, columns = found.runs[name], found.columns[name]
    given = {key: option for key, option in run["options"].items() if isinstance(option, dict) and "assumed" in option}
    own = {column: told for column, told in columns.items() if "unit" in told and column not in run["varies"]}
    of_market = {key: datum for key, datum in run["market"].items() if "assumed" in datum}
    assumed = {key: (str(datum["value"]), datum["assumed"]) for key, datum in (of_market | given).items()}
    return BatchResult(
        measure=run["measure"],
        units={column: told["unit"] for column, told in own.items()},
        meanings={column: told["meaning"] for column, told in own.items()},
        assumed=assumed,
        terms=tuple(run["terms"]),
        varies={
            axis: Varied(told.get("drawn") or told["listed"], "drawn" in told, told.get("unit", ""), _origin(told))
            for axis, told in run["varies"].items()
        },
        samples=run["samples"],
    )


def _origin(told: Mapping[str, str]) -> str:
    return next((f"{key}: {told[key]}" for key in ("source", "assumed") if key in told), "")


def _told(made: Run, folder: str) -> str:
    lines = [made.case.title, ""]
    lines += [f"{name}: {rows:,} rows in {folder}/{name}" for name, rows in made.manifest["rows"].items()]
    lines.append(f"result hash: {made.result_hash}")
    for name, codes in made.failures.items():
        lines += [f"{name}: {told['scenarios']:,} failed, first: {told['first']}" for told in codes.values()]
    return "\n".join(lines)


@contextmanager
def _named_as_options() -> Iterator[None]:
    """Call what was given wrong as it was given."""
    try:
        yield
    except TermError as error:
        if error.name not in _OPTIONS:
            raise
        name = f"--{error.name.replace('_', '-')}"
        raise TermError(name, rule=error.rule, got=error.got, hint=error.hint) from error


@contextmanager
def _stoppable() -> Iterator[None]:
    """Have what ends a process in a batch system or a container (SIGTERM) stop a run as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Said(logging.Handler):
    """Says on the way what a run warns of, such as a worker that it goes on without."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        """Say it."""
        self._say(f"notecalc: {record.getMessage()}")


@contextmanager
def _heard(say: Callable[[str], None]) -> Iterator[None]:
    logger, said = logging.getLogger("notecalc"), _Said(say)
    logger.addHandler(said)
    try:
        yield
    finally:
        logger.removeHandler(said)


class _Lines:
    """Says now and then how far a run is, for who reads a log."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._said = say, time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Say it, if nothing was said for a while."""
        if time.monotonic() < self._said + _SAY:
            return
        self._said = time.monotonic()
        parts = [
            f"{progress.done:,} of {progress.total:,} at {progress.rate:,.0f}/s",
            f"{progress.failed:,} failed",
            _left(progress),
        ]
        self._say(f"notecalc: {', '.join(filter(None, parts))}")


def _left(progress: Progress) -> str:
    return "" if math.isnan(progress.left) else f"{timedelta(seconds=round(progress.left))} left"


@contextmanager
def _bar(title: str) -> Iterator[Callable[[Progress], None]]:
    """A bar with rate, time left and failures where there is someone to see it; elsewhere a line now and then."""
    if not sys.stderr.isatty():
        import typer

        def tell(text: str) -> None:
            typer.echo(text, err=True)

        with _heard(tell):
            yield _Lines(tell)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    counts = "{task.completed:,.0f} of {task.total:,.0f} at {task.fields[rate]:,.0f}/s, {task.fields[failed]:,} failed"
    parts = (TextColumn("{task.description}"), BarColumn(), TextColumn(counts), TextColumn("{task.fields[left]}"))
    console = Console(stderr=True)

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    with _heard(say), Bars(*parts, console=console, transient=True) as bars:

        def show(progress: Progress) -> None:
            told: dict[str, Any] = {"rate": progress.rate, "failed": progress.failed, "left": _left(progress)}
            task = bars.task_ids[0] if bars.task_ids else bars.add_task(title, total=progress.total, **told)
            bars.update(task, completed=progress.done, **told)

        yield show
