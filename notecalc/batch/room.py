"""How many workers a run's memory has room for, by what one needs: a process of its own measures that.

It computes and writes out a few scenarios, which loads all that computing needs, then a part of a block, whose memory
is taken to grow with its scenarios. Nothing of it is kept.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection

from notecalc.batch.blocks import file_text
from notecalc.batch.case import Case
from notecalc.batch.machine import forget_peak, resident_bytes
from notecalc.batch.manifest import RunError
from notecalc.batch.parent import serve_parent
from notecalc.core._jit import at_least_one, thread_count
from notecalc.errors import TermError

__all__ = ["UNSTARTED", "Room", "fitting", "mebibytes"]

UNSTARTED = 'is memory short? A script runs scenarios under `if __name__ == "__main__":`, as its workers import it too'

_FEW, _PART = 1_024, 32_768  # scenarios
_SPARE = 0.25  # of what a block needs: how its scenarios fail and how memory is given back differ between blocks
_PATIENCE = 1_800.0  # seconds for the measurement, which may compile


@dataclass(frozen=True)
class Room:
    """What a run may have.

    Parameters
    ----------
    workers : int
        Processes that compute; one is the process that runs.
    memory : int or None
        Bytes of all processes together, if they are bounded.
    share : int
        Bytes of each worker, if they are.
    """

    workers: int
    memory: int | None = None
    share: int = 0


@dataclass(frozen=True)
class _Need:
    """Bytes that a worker needs: with everything imported, more with kernels loaded, and more for a block."""

    imported: int
    kernels: int
    block: int


def fitting(case: Case, workers: int | None, memory: int | None) -> Room:
    """Give as many workers as asked for, or as there are cores and room for.

    Raises
    ------
    TermError
        The memory is too small for one, or for those that are asked for.
    RunError
        No process can be started to measure what one needs.
    """
    most = thread_count(None, 2**62) if workers is None else at_least_one("workers", workers)
    if memory is None:
        return Room(most)
    here = resident_bytes()
    if here > memory:
        rule = f"at least {mebibytes(here)} for the process as it is before it computes"
        raise TermError("memory", rule=rule, got=mebibytes(memory))
    need = _measured(case)
    alone, server = here + need.kernels + need.block, need.imported
    if alone > memory:
        parts = f"{mebibytes(here + need.kernels)} for the process and {mebibytes(need.block)} for a block"
        raise TermError("memory", rule=f"at least {mebibytes(alone)}: {parts}", got=mebibytes(memory))
    each = need.imported + need.kernels + need.block
    fit = max(1, (memory - here - server) // each)
    if workers is not None and fit < workers:
        rule = f"at least {mebibytes(here + server + workers * each)} for {workers} workers; {fit} would fit"
        raise TermError("memory", rule=rule, got=mebibytes(memory))
    return Room(min(most, fit), memory, each)


def mebibytes(count: int) -> str:
    """Write an amount of memory."""
    return f"{count / 2**20:,.0f} MiB"


def _measured(case: Case) -> _Need:
    context = get_context("spawn")  # what it has is its own
    ours, theirs = context.Pipe()
    process = context.Process(target=_measure, args=(theirs, case), daemon=True)
    process.start()
    theirs.close()
    try:
        told = ours.recv() if ours.poll(_PATIENCE) else f"it took longer than {_PATIENCE:g} s"
    except EOFError:
        told = UNSTARTED
    finally:
        process.kill()
        process.join()
        ours.close()
    if isinstance(told, _Need):
        return told
    raise RunError(f"what a block needs can't be measured: {told}")


def _measure(line: Connection, case: Case) -> None:
    serve_parent()
    os.environ["NOTECALC_THREADS"] = "1"
    imported = resident_bytes()
    try:
        _write_out(case, min(_FEW, len(case.plan)))
        forget_peak()
        idle, whole = resident_bytes(), min(case.block_rows, len(case.plan))
        part = min(_PART, whole)
        _write_out(case, part)
        block = (resident_bytes(peak=True) - idle) * whole / part
        line.send(_Need(imported, max(0, idle - imported), int((1 + _SPARE) * block)))
    except Exception as error:  # noqa: BLE001 (told to who asked, who raises it)
        line.send(f"{type(error).__name__}: {error}")


def _write_out(case: Case, rows: int) -> None:
    inputs = case.plan.inputs(0, rows)
    for result in case.results:
        file_text(case, result, inputs, 0)
