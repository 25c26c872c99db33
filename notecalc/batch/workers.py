"""Processes that compute blocks: each has one at a time; one that dies or hangs is replaced and its block done again.

A worker writes what it computes before it gets the next block, so that nothing piles up for want of a fast disk.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from typing import Any, Self, TypeAlias, cast

from notecalc.batch.blocks import Record, make_block
from notecalc.batch.case import Case
from notecalc.batch.deadline import Deadline
from notecalc.batch.hold import Hold, check_token
from notecalc.batch.machine import forget_peak, machine_kind, resident_bytes
from notecalc.batch.manifest import RunError
from notecalc.batch.parent import serve_parent
from notecalc.batch.room import UNSTARTED, Room, mebibytes
from notecalc.batch.store import Store
from notecalc.errors import NotecalcError

__all__ = ["ATTEMPTS", "Done", "compute_blocks", "too_long"]

ATTEMPTS = 3  # at a block whose worker dies or hangs
_PATIENCE = 30.0  # seconds that a worker has to end when asked to
_LOOK = 1.0  # seconds from one look at who is late to the next; also, no lost wakeup can hang the run
_log = logging.getLogger("notecalc")

Done: TypeAlias = Callable[[Record], None]


def compute_blocks(
    case: Case, store: Store, held: Hold, blocks: Iterable[int], room: Room, deadline: Deadline, done: Done
) -> int:
    """Compute blocks and say of each when it is written; in this process if there is one worker.

    Returns
    -------
    int
        The most memory that all processes had together [bytes], at most: the sum of what each had at its own peak.

    Raises
    ------
    NotecalcError
        A block can't be written.
    RunError
        A block's worker died or hung three times; no worker starts; one alone needs more memory than there may be. In
        this process nobody notices a block that hangs.
    KeyboardInterrupt
        At Ctrl-C, once the blocks that were being computed are written, or after half a minute or twice as long as the
        longest took; at the second one at once.
    """
    forget_peak()
    if room.workers > 1:
        with _Pool(case, store, held, room, deadline) as pool:
            return pool.run(deque(blocks), done)
    kind, check = machine_kind(), functools.partial(check_token, store, held.token)
    for block in blocks:
        done(make_block(case, store, block, kind, check))
        if room.memory is not None and resident_bytes(peak=True) > room.memory:
            raise _too_much(resident_bytes(peak=True), room.memory)
    return resident_bytes(peak=True)


def too_long(block: int, seconds: float) -> str:
    """Say that a block took longer than it may."""
    return (
        f"block {block} took longer than {seconds:g} s; if that is what it needs, give blocks more time "
        "(--block-deadline) or have fewer scenarios in one (block_rows)"
    )


@dataclass(eq=False)
class _Worker:
    """A process and our end of the line to it."""

    process: ForkServerProcess
    line: Connection
    block: int | None = None
    made: int = 0  # blocks
    memory: int = 0  # the most it had
    ready: bool = False


class _Pool:
    """Workers that are handed blocks."""

    def __init__(self, case: Case, store: Store, held: Hold, room: Room, deadline: Deadline) -> None:
        self._given, self._room, self._deadline = (case, store, held.token), room, deadline
        # Forked from a server that has everything imported and runs nothing, whose locks a fork would copy.
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(["notecalc.batch.forked"])
        self._workers: list[_Worker] = []
        self._attempts: Counter[int] = Counter()
        self._unstarted = 0
        self._server = self._most = 0

    def __enter__(self) -> Self:
        for _ in range(self._room.workers):
            self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for worker in self._workers:
            with contextlib.suppress(OSError):  # it died
                worker.line.send(None)
        busy = any(worker.block is not None for worker in self._workers)  # left at once, without waiting
        until = time.monotonic() + (0.0 if kind and busy else _PATIENCE)
        for worker in [*self._workers]:
            worker.process.join(max(0.0, until - time.monotonic()))
            self._end(worker)

    def run(self, waiting: deque[int], done: Done) -> int:
        """Hand out blocks until all are written, or something keeps one from being; give the most memory used."""
        stop: BaseException | None = None
        while True:
            if stop is None:
                self._hand_out(waiting)
            busy = [worker for worker in self._workers if worker.block is not None]
            if (not busy and (stop is not None or not waiting)) or self._deadline.stopped:
                break
            lines = {worker.line: worker for worker in self._workers if worker.block is not None or not worker.ready}
            try:
                for line in wait([*lines], timeout=min(_LOOK, self._deadline.seconds / 4)):
                    wrong = self._answer(lines[cast(Connection, line)], waiting, done)
                    stop = stop or wrong
                for worker in self._deadline.late():
                    wrong = self._late(cast(_Worker, worker), waiting)
                    stop = stop or wrong
            except KeyboardInterrupt as asked:
                if isinstance(stop, KeyboardInterrupt):
                    raise
                stop = asked
                self._deadline.stop()
        if stop is not None:
            raise stop
        return self._most

    def _hand_out(self, waiting: deque[int]) -> None:
        for worker in self._workers:
            if waiting and worker.ready and worker.block is None:
                worker.block = waiting.popleft()
                self._deadline.begin(worker)
                with contextlib.suppress(OSError):  # it died: our end of the line says so next
                    worker.line.send(worker.block)

    def _answer(self, worker: _Worker, waiting: deque[int], done: Done) -> Exception | None:
        """Take what a worker has to say; give what keeps the run from going on."""
        try:
            told = worker.line.recv()
        except (EOFError, OSError):
            return self._again(worker, waiting, f"the worker of block {worker.block} died; is memory short?")
        if not worker.ready:
            worker.memory, server = told
            worker.ready, self._unstarted, self._server = True, 0, max(self._server, server)
            self._deadline.end(worker, done=False)
            return None
        result, worker.memory = told
        worker.block = None
        self._deadline.end(worker, done=isinstance(result, Record))
        self._most = max(self._most, self._used(at_least=0))
        if not isinstance(result, Record):
            return cast(Exception, result)
        worker.made += 1
        done(result)
        return self._keep_within_room(worker)

    def _late(self, worker: _Worker, waiting: deque[int]) -> Exception | None:
        """End a worker that hangs."""
        if worker.block is None:
            return self._again(worker, waiting, "")
        why = too_long(worker.block, self._deadline.seconds)
        _log.warning("%s; its worker is ended, and another computes it", why)
        return self._again(worker, waiting, why)

    def _again(self, worker: _Worker, waiting: deque[int], why: str) -> Exception | None:
        """Have another process in place of one that died or was late; give what speaks against it."""
        block = worker.block
        self._end(worker)
        if block is None:
            self._unstarted += 1
            if self._unstarted == ATTEMPTS:
                return RunError(f"{ATTEMPTS} workers ended before they began; {UNSTARTED}")
        else:
            waiting.appendleft(block)
            self._attempts[block] += 1
            if self._attempts[block] == ATTEMPTS:
                return RunError(f"{why} ({ATTEMPTS} times)")
        self._start()
        return None

    def _keep_within_room(self, worker: _Worker) -> Exception | None:
        """Once all processes may have more than they should, replace a worker that grew, or do with one less."""
        memory = self._room.memory
        used = self._used(at_least=self._room.share)
        if memory is None or used <= memory:
            return None
        grew = worker.made > 1 and worker.memory > self._room.share
        if not grew and len(self._workers) == 1:
            return _too_much(used, memory)
        self._end(worker)
        if grew:  # memory that earlier blocks left behind in it
            self._start()
        else:
            left = len(self._workers)
            _log.warning("a block needs %s, more than was measured: %d workers go on", mebibytes(worker.memory), left)
        return None

    def _used(self, *, at_least: int) -> int:
        workers = sum(max(worker.memory, at_least) for worker in self._workers)
        return resident_bytes(peak=True) + self._server + workers

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, *self._given), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        self._deadline.begin(worker)

    def _end(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        self._deadline.end(worker, done=False)
        worker.process.kill()
        worker.process.join()
        worker.line.close()


def _too_much(used: int, memory: int) -> RunError:
    return RunError(
        f"the run needed {mebibytes(used)} of {mebibytes(memory)}; what is done is kept. Fewer scenarios in a block "
        "(block_rows) need less"
    )


def _work(connection: Connection, case: Case, store: Store, token: str) -> None:
    """Compute the blocks that come down the line until there are no more, or nobody at its other end."""
    serve_parent()
    os.environ["NOTECALC_THREADS"] = "1"  # the cores are shared among workers, not threads
    kind, check = machine_kind(), functools.partial(check_token, store, token)
    with contextlib.suppress(OSError):  # nobody is there any more
        connection.send((resident_bytes(peak=True), resident_bytes(os.getppid(), peak=True)))
    while True:
        try:
            block = connection.recv()
        except (EOFError, OSError):
            return
        if block is None:
            return
        result: Any
        try:
            result = make_block(case, store, block, kind, check)
        except NotecalcError as error:
            result = error
        except Exception as error:  # noqa: BLE001 (told to the parent, which raises it)
            result = RunError(f"block {block} failed: {type(error).__name__}: {error}")
        try:
            connection.send((result, resident_bytes(peak=True)))
        except OSError:
            return
