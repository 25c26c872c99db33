"""Interest accrued and unpaid on each note of a tape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.batch.results.base import Column, Failed, Inputs
from notecalc.batch.results.tapes.base import TapeResult
from notecalc.batch.taped import faults_of
from notecalc.core._rows import order_of
from notecalc.core.arrays import IntArray
from notecalc.tape import results

__all__ = ["TapeAccrued"]


class TapeAccrued(TapeResult):
    """Interest accrued and unpaid on a note on a day, that of the market file if none varies: `frame.notecalc.accrued`.

    Zero before issue and from maturity on.
    """

    name = "accrued"

    @property
    def takes(self) -> Mapping[str, str]:
        """Days."""
        return {"on": "date"}

    @property
    def columns(self) -> Mapping[str, Column]:
        """One amount."""
        return {"accrued_interest": Column("currency", "interest accrued and unpaid on the note")}

    def computed(self, inputs: Inputs, note: IntArray) -> tuple[Mapping[str, npt.NDArray[Any]], Failed]:
        """Ask the tape, once for each note and day."""
        days = self.days(inputs, note.size)
        _, first, place = np.unique(order_of(note, days), return_index=True, return_inverse=True)
        tape = self.tape.rows(note[first])
        each = results.accrued(tape, days[first]).to_numpy()
        wrong = faults_of(tape.problems)
        failed = {} if not wrong else {k: wrong[p] for k, p in enumerate(place.tolist()) if p in wrong}
        return {"accrued_interest": each[place]}, failed
