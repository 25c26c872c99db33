"""Keeps a second run from a place: a lock on a folder, which ends with the process, or a lease in an object store.

An object store knows no locks. Where it writes on condition (S3: If-None-Match and If-Match), the holder writes a small
object anew every few seconds; whoever finds it unchanged for longer knows that the holder is gone and takes its place.
No clock is compared with another. Elsewhere the later of two runs takes the place. Whoever writes a block looks first
whose the place is: what outlives its run, as a cluster's worker may, writes nothing into another's.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator

from notecalc.batch.manifest import RunError
from notecalc.batch.store import Folder, Remote, Store, StoreError

__all__ = ["LOCK", "Hold", "check_token", "hold"]

LOCK = ".lock"
_LEASE = 30.0  # seconds after which a holder that wrote nothing is taken for dead
_RENEWALS = 6  # in that time
_log = logging.getLogger("notecalc")


class Hold:
    """What a run has of its place while it may write there; `token` lies there for workers to find."""

    def __init__(self) -> None:
        self.token = uuid.uuid4().hex
        self._lost = threading.Event()

    def text(self, turn: int = 0) -> bytes:
        """Write who holds the place, differently at each turn."""
        told = {"token": self.token, "host": socket.gethostname(), "process": os.getpid(), "turn": turn}
        return json.dumps(told).encode()

    def lose(self) -> None:
        """Note that another run has the place now."""
        self._lost.set()

    def check(self) -> None:
        """Raise a `RunError` if another run has the place now."""
        if self._lost.is_set():
            raise RunError(
                f"this run was silent for {_LEASE:g} s and another may have taken its place; resume it (--resume)"
            )


def check_token(store: Store, token: str) -> None:
    """Look whether a run still has its place.

    Raises
    ------
    RunError
        Another has it.
    StoreError
        Nobody has, as far as can be seen.
    """
    if token not in store.get(LOCK).decode():
        raise RunError("another run has the place now; nothing more is written there")


@contextlib.contextmanager
def hold(store: Store) -> Iterator[Hold]:
    """Hold a place, so that no second run writes to it.

    Raises
    ------
    RunError
        Another run holds it.
    StoreError
        It can't be written to.
    """
    held = Hold()
    if isinstance(store, Folder):
        with _locked(store, held):
            yield held
    elif isinstance(store, Remote) and store.conditional:
        with _leased(store, held):
            yield held
    else:
        store.put(LOCK, held.text())
        yield held


@contextlib.contextmanager
def _locked(store: Folder, held: Hold) -> Iterator[None]:
    try:
        store.path.mkdir(parents=True, exist_ok=True)
        file = (store.path / LOCK).open("a+b")  # not "w": what the holder wrote must stay
    except OSError as error:
        raise StoreError(f"{store.path} can't be written: {error.strerror or error}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(f"another run is writing to {store.path}") from None
        except OSError as error:  # such as a file system without locks
            raise StoreError(f"{store.path / LOCK} can't be locked: {error.strerror or error}") from error
        try:
            file.truncate(0)
            file.write(held.text())
            file.flush()
        except OSError as error:
            raise StoreError(f"{store.path} can't be written: {error.strerror or error}") from error
        yield


@contextlib.contextmanager
def _leased(store: Remote, held: Hold) -> Iterator[None]:
    tag = store.put_if(LOCK, held.text(), replacing=None)
    if tag is None:
        tag = _inherit(store, held)
    elif store.put_if(LOCK, held.text(1), replacing=None) is not None:  # an old server, or an old botocore
        _log.warning("%s writes whatever the condition: nothing keeps a second run from it", store.url)
        yield
        return
    done = threading.Event()
    renewing = threading.Thread(target=_renew, args=(store, held, tag, done), name="notecalc-lease", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        done.set()
        renewing.join(_LEASE)
        with contextlib.suppress(RunError, StoreError):  # then it is another's, or will be in a while
            held.check()
            store.remove(LOCK)


def _inherit(store: Remote, held: Hold) -> str:
    """Give the lease's tag once its holder has been silent for long enough, or has left."""
    seen, until = store.tag(LOCK), time.monotonic() + _LEASE
    _log.warning("%s is held by another run, or by one that died: watching it for %g s", store.url, _LEASE)
    while seen is not None and time.monotonic() < until:
        time.sleep(min(1.0, _LEASE / _RENEWALS))
        now = store.tag(LOCK)
        if now is not None and now != seen:
            raise RunError(f"another run is writing to {store.url}")
        seen = now
    tag = store.put_if(LOCK, held.text(), replacing=seen)
    if tag is None:
        raise RunError(f"another run is writing to {store.url}")
    return tag


def _renew(store: Remote, held: Hold, tag: str, done: threading.Event) -> None:
    turn, written = 1, time.monotonic()
    while not done.wait(_LEASE / _RENEWALS):
        turn += 1
        try:
            new = store.put_if(LOCK, held.text(turn), replacing=tag)
        except StoreError:  # the store may come back before anybody takes this run for dead
            if time.monotonic() - written > _LEASE:
                return held.lose()
            continue
        if new is None:
            return held.lose()
        tag, written = new, time.monotonic()
    return None
