"""Moments at which a test may kill a run: the process that reaches the named one for the nth time is gone at once.

``NOTECALC_FAILPOINT=after-write:3`` kills at the third time; without it nothing happens.
"""

from __future__ import annotations

import os
import signal
from typing import Literal, TypeAlias

__all__ = ["FAILPOINTS", "Failpoint", "reach"]

Failpoint: TypeAlias = Literal["before-write", "after-write", "after-sync", "after-rename", "manifest"]
FAILPOINTS: tuple[Failpoint, ...] = ("before-write", "after-write", "after-sync", "after-rename", "manifest")

_left: dict[str, int] = {}


def reach(name: Failpoint) -> None:
    """Be killed here, if that was asked for."""
    asked = os.environ.get("NOTECALC_FAILPOINT", "")
    if not asked.startswith(f"{name}:"):
        return
    _left[asked] = _left.get(asked, int(asked.partition(":")[2])) - 1
    if _left[asked] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
