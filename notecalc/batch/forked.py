"""What the server that workers are forked from imports: whatever takes long, so that it happens once and is shared."""

from __future__ import annotations

import pyarrow.parquet  # noqa: F401 (slow to import)

from notecalc.batch import workers
from notecalc.batch.machine import machine_kind
from notecalc.core.draws import uniforms

__all__ = ["workers"]

# The first compiled function that is called has numba register all it knows: a second of computing, of no use twice.
uniforms(0, "", [0])
machine_kind()  # of the sources that were imported here: they may change while a run goes on
