"""Blocks on a Dask cluster: a task each, written by its worker straight to the place that all workers share.

Dask carries tasks and records, starts what died and knows who is there. Which worker gets which block is decided here:
each introduces itself first, also those that join later, and one that computes with other versions, on another kind of
processor or cannot see the place gets none. A worker has as many blocks as threads, and one that waits; the case goes
to it once. One whose block takes too long gets no more until it answers, and others do what it had: Dask can't end a
thread, and whose work a restart would lose besides ours isn't known here.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import os
import pickle
import queue
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast

from notecalc.batch.blocks import Record, make_block
from notecalc.batch.case import Case
from notecalc.batch.deadline import Deadline
from notecalc.batch.hold import LOCK, Hold, check_token
from notecalc.batch.machine import kind_differences, machine_kind, resident_bytes
from notecalc.batch.manifest import RunError
from notecalc.batch.store import Store, StoreError
from notecalc.batch.workers import ATTEMPTS, Done, too_long
from notecalc.errors import NotecalcError, TermError

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Cluster"]

_AHEAD = 1  # blocks that wait at a worker, so that it is not idle while its last record travels
_PATIENCE = 60.0  # seconds without an answer of the scheduler, or without any worker that can take blocks
_LOOK = 1.0  # seconds from one look at who is there to the next
_CONNECT = 30.0  # seconds for the scheduler to answer at first
_WITH_PORT = {"tcp", "tls", "ws", "wss"}
_FETCH = 5.0  # seconds for a record; its worker may have died with it
_log = logging.getLogger("notecalc")

Introduction: TypeAlias = tuple[str, str]  # the kind of machine, and why it can't see the place


@dataclass
class _Worker:
    threads: int
    blocks: dict[int, Future] = field(default_factory=dict)  # as they were given out: the first ones are computed
    has_case: bool = False


class Cluster:
    """The workers of a Dask scheduler that can take a run's blocks.

    Parameters
    ----------
    scheduler : str or distributed.Client
        Address of the scheduler, such as ``tcp://10.0.0.1:8786``, or a client of it.
    store : Store
        Where results go.
    held : Hold
        What the run has of that place.
    allow_mixed : bool
        Whether workers may be of several kinds.

    Raises
    ------
    RunError
        On entering: Dask is missing, no scheduler answers or no worker within a minute, a worker is of another kind
        than the others, has other versions than this process or can't see the place.
    """

    def __init__(self, scheduler: str | Client, store: Store, held: Hold, *, allow_mixed: bool) -> None:
        self._given, self._store, self._held, self._mixed = scheduler, store, held, allow_mixed
        self._kind = ""
        self._workers: dict[str, _Worker] = {}
        self._asked: dict[str, tuple[int, Future]] = {}  # threads, and the introduction that is on its way
        self._refused: dict[str, str] = {}
        self._sent: dict[str, tuple[str, int | None]] = {}  # worker and block of each task that is on its way
        self._answers: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._late: dict[str, tuple[str, Future]] = {}  # the worker of each task that took too long and may still end
        self._attempts: Counter[int] = Counter()
        self._most: dict[str, int] = {}  # memory of each worker
        self._turn = itertools.count()
        self._deadline = Deadline()
        self._looked = self._alive = 0.0
        self._begun = False

    def __enter__(self) -> Self:
        self._client = _connected(self._given)
        self._address = self._client.scheduler.address
        self._alive = time.monotonic()
        until = self._alive + _PATIENCE  # for those that are slow to answer; they may join later
        try:
            while not self._workers or (self._asked and time.monotonic() < until):
                self._look(deque())
                for future in self._heard():
                    self._answer(future, deque(), _nobody)
        except BaseException:
            self._leave()
            raise
        self._begun = True
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    @property
    def kind(self) -> str:
        """The kind of the workers; of the first one, if there may be several."""
        return self._kind

    def compute_blocks(self, case: Case, blocks: Iterable[int], deadline: Deadline, done: Done) -> int:
        """Compute blocks and say of each when it is written, see `workers.compute_blocks`.

        Raises
        ------
        NotecalcError
            A block can't be written.
        RunError
            A block's worker died or hung three times; no worker is left for a minute; the scheduler is gone.
        KeyboardInterrupt
            At Ctrl-C, as `workers.compute_blocks` says; at the second one at once.
        """
        # Bytes, which any worker can hold and hand on, and which the scheduler sends again if all that had them died.
        case_sent = self._submit(None, None, "case", bytes, pickle.dumps((case, self._store, self._held.token)))
        try:
            return self._go_on(case_sent, deque(blocks), deadline, done)
        finally:  # else the scheduler keeps it as long as the exception that ended this lives
            case_sent.release()

    def _go_on(self, case_sent: Future, waiting: deque[int], deadline: Deadline, done: Done) -> int:
        self._deadline = deadline
        stop: BaseException | None = None
        while True:
            try:
                stop = stop or self._look(waiting)
                for late in deadline.late():
                    wrong = self._hung(*cast(tuple[str, int], late), waiting)
                    stop = stop or wrong
                if stop is None:
                    self._deal(case_sent, waiting)
                self._time()
                busy = any(worker.blocks for worker in self._workers.values())
                if (not busy and (stop is not None or not waiting)) or deadline.stopped:
                    break
                for future in self._heard():
                    try:
                        self._answer(future, waiting, done)
                    except NotecalcError as error:
                        stop = stop or error
                        self._call_back()
            except KeyboardInterrupt as asked:
                if isinstance(stop, KeyboardInterrupt):
                    raise
                stop = asked
                deadline.stop()
                self._call_back()
        if stop is not None:
            raise stop
        return resident_bytes(peak=True) + sum(self._most.values())

    def _look(self, waiting: deque[int]) -> RunError | None:
        """See who came and who went, once a second; give what keeps the run from going on."""
        if time.monotonic() < self._looked + _LOOK:
            return None
        try:
            present: dict[str, int] = self._client.nthreads(callback_timeout=_PATIENCE)
        except (OSError, RuntimeError) as error:  # a TimeoutError is an OSError
            raise RunError(f"the scheduler at {self._address} doesn't answer; what is done is kept") from error
        self._looked = time.monotonic()
        stop = None
        for address in self._workers.keys() - present.keys():
            stop = self._gone(address, waiting) or stop
        for address in self._asked.keys() - present.keys():
            self._release(self._asked.pop(address)[1])
        for address in present.keys() - self._workers.keys() - self._asked.keys() - self._refused.keys():
            future = self._submit(address, None, "introduction", _introduce, self._store, self._held.token)
            self._asked[address] = present[address], future
        if self._workers:
            self._alive = self._looked
        elif self._looked > self._alive + _PATIENCE:
            silent = f"{self._address} had no worker for {_PATIENCE:g} s ({len(self._asked)} didn't answer)"
            raise RunError("; ".join([silent, *self._refused.values()]))
        return stop

    def _gone(self, address: str, waiting: deque[int]) -> RunError | None:
        """Take back the blocks of a worker that died, or left."""
        worker = self._workers.pop(address)
        stop = None
        for place, (block, future) in enumerate(worker.blocks.items()):
            self._release(future)
            self._deadline.end((address, block), done=False)
            waiting.appendleft(block)
            self._attempts[block] += place < worker.threads  # the others only waited there
            if self._attempts[block] >= ATTEMPTS:
                stop = RunError(f"the worker of block {block} died {ATTEMPTS} times; is memory short?")
        return stop

    def _time(self) -> None:
        """Have the time of a block begin when its worker has a thread for it."""
        for address, worker in self._workers.items():
            for block in itertools.islice(worker.blocks, worker.threads):
                self._deadline.begin((address, block))

    def _hung(self, address: str, block: int, waiting: deque[int]) -> RunError | None:
        """Take back what a worker has, as one of its blocks takes too long."""
        worker = self._workers.pop(address, None)
        if worker is None:  # another of its blocks is late, too
            return None
        why = too_long(block, self._deadline.seconds)
        for other, future in worker.blocks.items():
            self._deadline.end((address, other), done=False)
            waiting.appendleft(other)
            if other == block:  # kept, so that its end is heard
                self._late[future.key] = address, future
            else:
                self._release(future)
        self._refuse(address, f"hangs: {why}")
        self._attempts[block] += 1
        return RunError(f"{why} ({ATTEMPTS} times)") if self._attempts[block] >= ATTEMPTS else None

    def _deal(self, case: Future, waiting: deque[int]) -> None:
        """Give each worker its share: a block for each thread of all of them, then those that wait there."""
        kind = None if self._mixed else self._kind
        for ahead in range(_AHEAD + 1):
            for address, worker in self._workers.items():
                # While the case is on its way, blocks that wait for it begin in any order.
                while waiting and len(worker.blocks) < worker.threads + (ahead if worker.has_case else 0):
                    block = waiting.popleft()
                    worker.blocks[block] = self._submit(address, block, f"block-{block}", _compute, case, block, kind)

    def _call_back(self) -> None:
        """Take back the blocks that no thread has begun."""
        for address, worker in self._workers.items():
            for block in [*worker.blocks][worker.threads :]:
                self._release(worker.blocks.pop(block))
                self._deadline.end((address, block), done=False)

    def _heard(self) -> Iterator[Future]:
        """Give the tasks that ended, after waiting for one if there is none, but not for long."""
        with contextlib.suppress(queue.Empty):
            yield self._answers.get(timeout=_LOOK)
            while True:
                yield self._answers.get_nowait()

    def _answer(self, future: Future, waiting: deque[int], done: Done) -> None:
        """Take what a worker has to say."""
        if future.key not in self._sent:
            return  # its worker is gone, and what it did is done again
        if future.key in self._late:  # the next look lets its worker introduce itself again
            self._refused.pop(self._late.pop(future.key)[0], None)
            self._release(future)
            return
        address, block = self._sent[future.key]
        try:
            result = _within(_FETCH, future.result)
        except OSError as error:  # among them a TimeoutError
            if future.status not in {"error", "cancelled"}:
                # Its worker died with it, or the scheduler did, as a look will tell; or it is slow.
                future.add_done_callback(self._answers.put)
                return
            result = error
        except Exception as error:  # noqa: BLE001 (whatever a worker answers)
            result = error
        cancelled = future.status == "cancelled"
        self._release(future)
        if block is None:
            threads, _ = self._asked.pop(address)
            self._meet(address, threads, result)
            return
        del self._workers[address].blocks[block]
        self._deadline.end((address, block), done=isinstance(result, tuple))
        if isinstance(result, tuple):
            record, memory = cast(tuple[Record, int], result)
            self._workers[address].has_case = True
            self._most[address] = max(memory, self._most.get(address, 0))
            done(record)
            return
        waiting.appendleft(block)
        if cancelled:
            raise RunError(f"the scheduler at {self._address} is gone, or dropped a block; what is done is kept")
        if isinstance(result, str):  # another process has the worker's address now
            blocks = self._workers.pop(address).blocks
            waiting.extendleft(blocks)
            for other, waits in blocks.items():
                self._deadline.end((address, other), done=False)
                self._release(waits)
            self._refuse(address, result)
            return
        if isinstance(result, NotecalcError):
            raise result
        raise RunError(f"block {block} failed at {address}: {type(result).__name__}: {result}") from result

    def _meet(self, address: str, threads: int, told: Introduction | Exception) -> None:
        """Take a worker in or refuse it."""
        if isinstance(told, Exception):
            return self._refuse(address, f"can't compute: {type(told).__name__}: {told}")
        kind, unseen = told
        if unseen:
            return self._refuse(address, f"doesn't see the place of the results, which all must share: {unseen}")
        other = "" if self._mixed else kind_differences(kind, machine_kind(), processor=False)
        if other:
            return self._refuse(address, f"has other versions than this process: {other}")
        self._kind = self._kind or kind
        other = "" if self._mixed else kind_differences(kind, self._kind)
        if other:
            return self._refuse(address, f"differs from the other workers: {other}")
        self._workers[address] = _Worker(threads)
        return None

    def _refuse(self, address: str, why: str) -> None:
        """Let a worker have no blocks: at the beginning that is an error, later the run goes on without it."""
        self._refused[address] = f"worker {address} {why}"
        if not self._begun:
            raise RunError(self._refused[address])
        _log.warning("%s; the run goes on without it", self._refused[address])

    def _submit(
        self, address: str | None, block: int | None, name: str, task: Callable[..., Any], *told: Any
    ) -> Future:
        turn = next(self._turn)
        key = f"notecalc-{self._held.token}-{name}-{turn}"
        where: dict[str, Any] = {} if address is None else {"workers": [address], "allow_other_workers": False}
        # In turn: a worker takes up what came within a tenth of a second in any order, and time would run for another.
        where |= {"priority": -turn, "retries": ATTEMPTS - 1}
        future = self._client.submit(task, *told, key=key, pure=False, **where)
        if address is not None:
            self._sent[key] = address, block
            future.add_done_callback(self._answers.put)
        return future

    def _release(self, future: Future) -> None:
        self._sent.pop(future.key, None)
        future.release()

    def _leave(self) -> None:
        """Have the scheduler forget what is on its way; leave a client that was given as it is."""
        for worker in self._workers.values():
            for future in worker.blocks.values():
                self._release(future)
        for _, future in [*self._asked.values(), *self._late.values()]:
            self._release(future)
        if self._client is not self._given:
            self._client.close(timeout=_FETCH)


def _nobody(record: Record) -> None:
    raise AssertionError(f"no block was given out: {record}")


def _connected(scheduler: str | Client) -> Client:
    try:
        from distributed import Client  # an optional part
    except ImportError as error:
        raise RunError("a cluster needs Dask: install notecalc[cluster]") from error
    if isinstance(scheduler, Client):
        if scheduler.asynchronous:
            raise TermError("client", rule="a Client that is not asynchronous", got=scheduler)
        return scheduler
    _check_address(scheduler)
    made: list[Client] = []

    def connect() -> Client:
        client = object.__new__(Client)  # had before it connects, as its constructor may raise
        made.append(client)
        client.__init__(scheduler, timeout=_CONNECT, set_as_default=False)
        return client

    try:
        return _within(_CONNECT + _FETCH, connect)
    except Exception as error:  # whatever an address or what listens there leads to
        for client in made:
            _close(client)
        raise RunError(f"no scheduler answers at {scheduler} within {_CONNECT:g} s: {error}") from error


def _check_address(scheduler: str) -> None:
    scheme, _, rest = scheduler.partition("://")
    if not (rest and scheme) or (scheme in _WITH_PORT and not re.fullmatch(r".+:\d{1,5}", rest)):
        raise TermError("scheduler", rule="an address with a port, such as tcp://10.0.0.1:8786", got=scheduler)


def _close(client: Client) -> None:
    """Close a client that never got an answer: left to Python, it waits for one at the end, and says how it failed."""
    with contextlib.suppress(Exception):  # it may be made in part only
        _within(_FETCH, lambda: client.close(timeout=1.0))
    client.status = "closed"


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """Call, but wait no longer: Dask's own timeouts don't end a wait for a lost result, or for what says nothing."""
    made: queue.SimpleQueue[tuple[Any, Exception | None]] = queue.SimpleQueue()

    def answer() -> None:
        try:
            made.put((call(), None))
        except Exception as error:  # noqa: BLE001 (raised below)
            made.put((None, error))

    threading.Thread(target=answer, name="notecalc-wait", daemon=True).start()
    try:
        found, error = made.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError("what listens there says nothing") from None
    if error is not None:
        raise error
    return found


# ---------------------------------------------------------------- in the workers


def _introduce(store: Store, token: str) -> Introduction:
    """Say of what kind this worker is, and why it can't see the place of the results, if so."""
    try:
        unseen = "" if token in store.get(LOCK).decode() else f"{LOCK} is there, but of another run"
    except StoreError as error:
        unseen = str(error)
    os.environ.setdefault("NOTECALC_THREADS", "1")  # the cores are shared among blocks
    return machine_kind(), unseen


def _compute(case: bytes, block: int, expected: str | None) -> tuple[Record, int] | str:
    """Make a block and give its record and the most memory used; or say why not."""
    kind = machine_kind()
    if expected is not None and kind != expected:
        return f"differs from the other workers: {kind_differences(kind, expected)}"
    opened, store, token = _opened(case)
    record = make_block(opened, store, block, kind, functools.partial(check_token, store, token))
    return record, resident_bytes(peak=True)


@functools.lru_cache(maxsize=1)
def _opened(case: bytes) -> tuple[Case, Store, str]:
    return cast(tuple[Case, Store, str], pickle.loads(case))  # noqa: S301 (from our own client, as are all tasks)
