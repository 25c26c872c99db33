"""What can be computed for the notes of a tape, one module each; `TAPE_CATALOGUE` has the names that files use."""

from __future__ import annotations

from notecalc.batch.results.tapes.accrued import TapeAccrued
from notecalc.batch.results.tapes.base import TapeResult
from notecalc.batch.results.tapes.cashflows import TapeCashflows
from notecalc.batch.results.tapes.dilution import TapeDilution
from notecalc.batch.results.tapes.value import TapeValue

__all__ = ["TAPE_CATALOGUE"]

TAPE_CATALOGUE: dict[str, type[TapeResult]] = {
    kind.name: kind for kind in (TapeAccrued, TapeCashflows, TapeDilution, TapeValue)
}
