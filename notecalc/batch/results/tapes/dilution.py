"""Shares issued on conversion of each note of a tape, and what they dilute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.batch.results.base import Column, Failed, Inputs
from notecalc.batch.results.tapes.base import TapeResult, failing
from notecalc.core.arrays import IntArray

__all__ = ["TapeDilution"]


class TapeDilution(TapeResult):
    """Shares that a note converts into, alone, beside those outstanding; each note by itself, whoever its issuer is.

    ``principal`` [currency] converts at ``conversion_price`` [currency/share], all of the note's if none varies. Shares
    are not rounded: a tape states no rule. Headroom is there where the tape has ``shares_authorised``.
    """

    name = "dilution"

    @property
    def takes(self) -> Mapping[str, str]:
        """Principal, price and counts of shares."""
        return dict.fromkeys(("conversion_price", "principal", "shares_outstanding", "shares_authorised"), "number")

    @property
    def numbers(self) -> Mapping[str, bool]:
        """Price and counts."""
        return {"conversion_price": True, "shares_outstanding": True, "shares_authorised": False}

    @property
    def columns(self) -> Mapping[str, Column]:
        """Shares and fractions."""
        return {
            "shares_issued": Column("shares", "issued on conversion, not rounded"),
            "ownership_after": Column("fraction", "of those shares, after conversion"),
            "dilution": Column("fraction", "by which the ownership of every other share falls"),
            "headroom": Column("shares", "authorised shares left after them; below 0 where they do not suffice"),
        }

    def computed(self, inputs: Inputs, note: IntArray) -> tuple[Mapping[str, npt.NDArray[Any]], Failed]:
        """Divide."""
        held = self.tape.notes(note).principal
        price, old, authorised = (self.number(name, inputs, note) for name in self.numbers)
        principal = self.default(inputs, "principal", 0.0, note.size) if "principal" in inputs else held
        failed = failing(~(price > 0), "conversion_price", "above 0")
        failed |= failing(~(old > 0), "shares_outstanding", "above 0")
        failed |= failing(~((principal >= 0) & (principal <= held)), "principal", "from 0 to the note's")
        with np.errstate(divide="ignore", invalid="ignore"):
            new = principal / price
            share = new / (old + new)
        left = np.full(note.size, np.nan) if authorised is None else authorised - old - new
        out = {"shares_issued": new, "ownership_after": share, "dilution": share, "headroom": left}
        for values in out.values():
            values[[*failed]] = np.nan
        return out, failed
