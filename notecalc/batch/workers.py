"""Processes that compute blocks: each has one at a time, and one that dies is replaced and its block computed again."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from typing import Any, Self, TypeAlias, cast

from notecalc.batch.blocks import Record, make_block
from notecalc.batch.case import Case
from notecalc.batch.machine import machine_kind, resident_bytes
from notecalc.batch.manifest import RunError
from notecalc.batch.store import Store
from notecalc.errors import NotecalcError

__all__ = ["ATTEMPTS", "IDLE_BYTES", "Done", "compute_blocks"]

IDLE_BYTES = 560 * 2**20  # of a worker between blocks, by measurement: 526 MiB with every kernel loaded, 200 with few
ATTEMPTS = 3  # at a block whose worker dies
_PATIENCE = 30.0  # seconds that a worker has to end when asked to

Done: TypeAlias = Callable[[Record], None]


def compute_blocks(case: Case, store: Store, blocks: Iterable[int], workers: int, done: Done) -> int:
    """Compute blocks and say of each when it is written; in this process if there is one worker.

    Returns
    -------
    int
        The most memory that any process had [bytes].

    Raises
    ------
    NotecalcError
        A block can't be written.
    RunError
        A block's worker died three times.
    KeyboardInterrupt
        At Ctrl-C, once the blocks that were being computed are written.
    """
    if workers == 1:
        kind = machine_kind()
        for block in blocks:
            done(make_block(case, store, block, kind))
        return resident_bytes(peak=True)
    with _Pool(case, store, workers) as pool:
        return pool.run(deque(blocks), done)


class _Pool:
    """Workers, each at the other end of a line."""

    def __init__(self, case: Case, store: Store, workers: int) -> None:
        self._case, self._store, self._count = case, store, workers
        # Forked from a server that has everything imported and runs no threads, whose locks a fork would copy.
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(["numba", __name__])
        self._processes: dict[Connection, ForkServerProcess] = {}
        self._busy: dict[Connection, int] = {}
        self._attempts: Counter[int] = Counter()
        self._most = resident_bytes(peak=True)

    def __enter__(self) -> Self:
        for _ in range(self._count):
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        for line in self._processes:
            with contextlib.suppress(OSError):  # it died
                line.send(None)
        until = time.monotonic() + _PATIENCE
        for line, process in self._processes.items():
            process.join(max(0.0, until - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
            line.close()

    def run(self, waiting: deque[int], done: Done) -> int:
        """Hand out blocks until all are written, or something keeps one from being; give the most memory used."""
        stop: BaseException | None = None
        while True:
            for line in [line for line in self._processes if line not in self._busy]:
                if waiting and stop is None:
                    self._busy[line] = waiting.popleft()
                    with contextlib.suppress(OSError):  # it died: its end of the line says so below
                        line.send(self._busy[line])
            if not self._busy:
                break
            try:
                # A deadline, so that Ctrl-C is heard and no lost wakeup can hang the run.
                for line in cast(list[Connection], wait([*self._busy], timeout=1.0)):
                    stop = self._answer(line, waiting, done) or stop
            except KeyboardInterrupt as asked:
                stop = asked
        if stop is not None:
            raise stop
        return self._most

    def _answer(self, line: Connection, waiting: deque[int], done: Done) -> Exception | None:
        """Take what a worker has to say; give what keeps the run from going on."""
        block = self._busy.pop(line)
        try:
            result, memory = line.recv()
        except (EOFError, OSError):
            self._replace(line)
            self._attempts[block] += 1
            if self._attempts[block] == ATTEMPTS:
                return RunError(f"the worker of block {block} died {ATTEMPTS} times; is memory short?")
            waiting.appendleft(block)
            return None
        self._most = max(self._most, memory)
        if isinstance(result, Record):
            done(result)
            return None
        return cast(Exception, result)

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self._case, self._store), daemon=True)
        process.start()
        theirs.close()
        self._processes[ours] = process

    def _replace(self, line: Connection) -> None:
        process = self._processes.pop(line)
        line.close()
        process.kill()
        process.join()
        self._start()


def _work(connection: Connection, case: Case, store: Store) -> None:
    """Compute the blocks that come down the line until there are no more, or nobody at its other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the parent says what is to be done
    os.environ["NOTECALC_THREADS"] = "1"  # the cores are shared among workers, not threads
    kind = machine_kind()
    while True:
        try:
            block = connection.recv()
        except (EOFError, OSError):
            return
        if block is None:
            return
        result: Any
        try:
            result = make_block(case, store, block, kind)
        except NotecalcError as error:
            result = error
        except Exception as error:  # noqa: BLE001 (told to the parent, which raises it)
            result = RunError(f"block {block} failed: {type(error).__name__}: {error}")
        try:
            connection.send((result, resident_bytes(peak=True)))
        except (BrokenPipeError, OSError):
            return
