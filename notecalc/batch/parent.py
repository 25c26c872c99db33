"""What a process that another one started owes it: to leave signals to it, and not to outlive it."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process

__all__ = ["serve_parent"]


def serve_parent() -> None:
    """Leave signals to the process that asked for this one, and end with it, in the midst of whatever is computed."""
    for asked in (signal.SIGINT, signal.SIGTERM):  # both go to whole groups; the parent says what is to be done
        signal.signal(asked, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="notecalc-parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()  # a pipe's end says it, also of one that was killed; kernels hold no lock that this needs
        os._exit(1)
