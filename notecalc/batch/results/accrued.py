"""Interest accrued and unpaid on the whole series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.batch.results.base import Column, Inputs, Result

__all__ = ["Accrued"]


class Accrued(Result):
    """Interest accrued and unpaid on the whole series on a day, that of closing if none varies."""

    name = "accrued"
    uses = ("dates.closing", "series.")

    @property
    def takes(self) -> Mapping[str, str]:
        """Days."""
        return {"on": "date"}

    @property
    def columns(self) -> Mapping[str, Column]:
        """One amount."""
        return {"accrued_interest": Column(self.deal.terms.currency, "interest accrued and unpaid on the series")}

    @property
    def replaces(self) -> Mapping[str, str]:
        """The day of closing, where days vary."""
        return {"on": r"dates\.closing"}

    def compute(self, inputs: Inputs, size: int) -> Mapping[str, npt.NDArray[Any]]:
        """Ask the deal, once for each day where they are fewer than the scenarios."""
        closing = np.datetime64(self.deal.terms.dates.closing.value, "D")
        days = self.default(inputs, "on", closing, size)
        first, last = days.min(), days.max()
        if (last - first).astype(np.int64) >= size:
            return {"accrued_interest": np.asarray(self.deal.accrued(days))}
        each = np.asarray(self.deal.accrued(np.arange(first, last + 1)))
        return {"accrued_interest": each[(days - first).astype(np.int64)]}
