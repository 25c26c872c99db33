"""Moments at which a test may kill a run, or have it hang: the process that reaches the named one for the nth time.

``NOTECALC_FAILPOINT=after-write:3`` kills at the third time, ``NOTECALC_FAILPOINT=hang:after-write:3`` goes no further
there; without it nothing happens.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Literal, TypeAlias

__all__ = ["FAILPOINTS", "Failpoint", "reach"]

Failpoint: TypeAlias = Literal["before-write", "after-write", "after-sync", "after-rename", "manifest"]
FAILPOINTS: tuple[Failpoint, ...] = ("before-write", "after-write", "after-sync", "after-rename", "manifest")

_HANG = "hang:"
_left: dict[str, int] = {}


def reach(name: Failpoint) -> None:
    """Be killed here or hang, if that was asked for."""
    asked = os.environ.get("NOTECALC_FAILPOINT", "")
    point = asked.removeprefix(_HANG)
    if not point.startswith(f"{name}:"):
        return
    _left[asked] = _left.get(asked, int(point.partition(":")[2])) - 1
    if _left[asked] == 0:
        while asked.startswith(_HANG):
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGKILL)
