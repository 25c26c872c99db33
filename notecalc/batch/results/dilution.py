"""Shares issued on conversion, what they dilute, and the authorised shares they leave."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.batch.results.base import Column, Inputs, Result
from notecalc.core.conversion import read_prices
from notecalc.core.money import to_money
from notecalc.deal.captable import cap_lines, shares_in_all
from notecalc.deal.conversion import conversion_price_of
from notecalc.deal.register import register_of

__all__ = ["Dilution"]


class Dilution(Result):
    """Shares issued on conversion of some principal at a price, with dilution and headroom by the deal's cap table."""

    name = "dilution"
    uses = ("capitalization.", "exchanges.", "instruments.", "purchases", "series.")

    @property
    def takes(self) -> Mapping[str, str]:
        """What `Deal.dilution` takes, its ``share_price`` by the name that it has in all results."""
        return {"conversion_price": "number", "principal": "number", "stock_price": "number"}

    @property
    def columns(self) -> Mapping[str, Column]:
        """Shares and fractions."""
        return {
            "shares_issued": Column("shares", "whole shares issued on conversion, by the deal's rounding"),
            "ownership_after": Column("fraction", "of those shares, fully diluted after conversion"),
            "dilution": Column("fraction", "by which the ownership of every other share falls"),
            "headroom": Column("shares", "authorised shares left after them; below 0 where they do not suffice"),
        }

    def idle(self, axes: Collection[str]) -> Mapping[str, str]:  # noqa: ARG002 (it is so whatever varies)
        """The stock price counts where a class has an exercise price."""
        treated = any(line.exercise_price is not None for line in cap_lines(self.deal.terms))
        return {} if treated else {"stock_price": "a class of shares with an exercise price"}

    def compute(self, inputs: Inputs, size: int) -> Mapping[str, npt.NDArray[Any]]:
        """Ask the cap table."""
        terms = self.deal.terms
        price = inputs["conversion_price"] if "conversion_price" in inputs else conversion_price_of(terms)
        held = to_money(register_of(terms).cents.sum())
        principal = self.default(inputs, "principal", held, size)
        prices = np.broadcast_to(read_prices(price, "conversion_price"), (size,))
        old, new = shares_in_all(terms, prices, principal, inputs.get("stock_price"))
        # Authorised shares are counted in full, whatever the stock price.
        left = float(terms.capitalization.authorised.value) - sum(line.shares for line in cap_lines(terms))
        return {
            "shares_issued": new,
            "ownership_after": new / (old + new),
            "dilution": 1 - old / (old + new),
            "headroom": left - new,
        }
