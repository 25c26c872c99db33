"""How long a block may take: many times what others took. One that takes longer hangs, and another process gets it."""

from __future__ import annotations

import time
from collections.abc import Hashable

from notecalc.errors import TermError

__all__ = ["Deadline"]

_FIRST = 3600.0  # seconds, while no block has ended
_LEAST = 300.0
_TIMES = 20  # as long as the longest block so far
_STOPPING, _STOPPING_TIMES = 30.0, 2  # seconds for blocks after a stop was asked for, or twice as long as the longest
_ASLEEP = 5.0  # seconds without a look after which this process, and workers with it, must have been stopped


class Deadline:
    """Times what is being computed.

    Only time in which this process looks counts: a run that was stopped (Ctrl-Z) isn't taken for one that hangs.

    Parameters
    ----------
    given : float, optional
        Seconds for each block. If left out, an hour until a block has ended; then 20 times as long as the longest took,
        and at least 5 minutes.

    Raises
    ------
    TermError
        No number above 0 is given.
    """

    def __init__(self, given: float | None = None) -> None:
        if given is not None and not given > 0:
            raise TermError("block_deadline", rule="above 0 seconds", got=given)
        self._given = given
        self._longest = self._awake = 0.0
        self._looked = time.monotonic()
        self._began: dict[Hashable, float] = {}
        self._stopping: float | None = None

    @property
    def seconds(self) -> float:
        """What a block may take now."""
        if self._given is not None:
            return self._given
        return max(_LEAST, _TIMES * self._longest) if self._longest else _FIRST

    def begin(self, what: Hashable) -> None:
        """Count from now, if it isn't counted yet."""
        self._began.setdefault(what, self._now())

    def end(self, what: Hashable, *, done: bool) -> None:
        """Count no more; how long it took is learned from if it was done."""
        began = self._began.pop(what, None)
        if done and began is not None:
            self._longest = max(self._longest, self._now() - began)

    def stop(self) -> None:
        """Count from now how long a stop waits for what is being computed."""
        self._stopping = self._now()

    @property
    def stopped(self) -> bool:
        """Whether a stop was asked for so long ago that what is still being computed is given up."""
        patience = max(_STOPPING, _STOPPING_TIMES * self._longest)
        return self._stopping is not None and self._now() - self._stopping > patience

    def late(self) -> list[Hashable]:
        """Give what takes longer than it may."""
        now, most = self._now(), self.seconds
        return [what for what, began in self._began.items() if now - began > most]

    def _now(self) -> float:
        now = time.monotonic()
        self._awake += min(now - self._looked, _ASLEEP)
        self._looked = now
        return self._awake
