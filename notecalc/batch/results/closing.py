"""What each purchaser pays at closing, by what becomes of an excess and by what is surrendered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.batch.results.base import Column, Inputs, Result, in_parts
from notecalc.core.arrays import IntArray
from notecalc.core.exchange import POLICIES
from notecalc.core.money import to_money
from notecalc.core.words import known_word
from notecalc.deal.closing import closing_cents, reading_of, surrendered_cents
from notecalc.deal.register import register_of

__all__ = ["Closing"]

_MEANING = {
    "credit": "what was surrendered, as far as it is credited to the price",
    "cash_due": "what the purchaser pays in cash",
    "refund": "what is paid back to it",
    "forfeited": "par of what it surrenders and loses",
    "kept": "par of what it keeps",
    "accrued_interest_paid": "interest that the company pays on what was surrendered",
    "cash_to_company": "net of refund and interest",
}
_SURRENDERED = "surrendered."


class Closing(Result):
    """What each purchaser pays at closing; `surrendered.KEY` is the par that the purchaser of that key gives up."""

    name = "closing"
    uses = ("closing.", "dates.closing", "instruments.", "purchases", "surrender_rights")

    @property
    def takes(self) -> Mapping[str, str]:
        """The reading of an excess, and amounts by purchaser with a right."""
        rights = {f"{_SURRENDERED}{right.purchaser}": "number" for right in self.deal.terms.surrender_rights}
        return {"policy": "word", **rights}

    @property
    def columns(self) -> Mapping[str, Column]:
        """Amounts to the cent."""
        return {name: Column(self.deal.terms.currency, meaning) for name, meaning in _MEANING.items()}

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """Purchasers."""
        return {"purchaser": tuple(register_of(self.deal.terms).names)}

    @property
    def replaces(self) -> Mapping[str, str]:
        """The reading of an excess, and who surrenders."""
        return {**dict.fromkeys(self.takes, r"closing\.elects"), **super().replaces}

    def compute(self, inputs: Inputs, size: int) -> Mapping[str, npt.NDArray[Any]]:
        """Ask the deal once for each policy."""
        terms, register = self.deal.terms, register_of(self.deal.terms)
        given = {name.removeprefix(_SURRENDERED): values for name, values in inputs.items() if name != "policy"}
        policies = self.default(inputs, "policy", reading_of(terms), size)
        # Who has no right to surrender pays the same in every scenario.
        usual = closing_cents(terms, POLICIES[0], np.zeros((1, self.rows), dtype=np.int64))
        out = {name: np.tile(to_money(usual[name]), (size, 1)) for name in _MEANING}
        able = sorted({register.position(right.purchaser) for right in terms.surrender_rights})

        def closed(rows: IntArray) -> Mapping[str, npt.NDArray[Any]]:
            policy = known_word("policy", str(policies[rows[0]]), POLICIES)
            elects = {key: values[rows] for key, values in given.items()} or None
            surrendered, _ = surrendered_cents(terms, elects)
            cents = closing_cents(terms, policy, np.atleast_2d(surrendered)[:, able], able)
            # Where no amount varies there is one row, the same for all scenarios of the policy.
            shape = rows.size, len(able)
            return {name: np.broadcast_to(to_money(cents[name]), shape) for name in _MEANING}

        parts = (np.flatnonzero(policies == policy) for policy in dict.fromkeys(policies.tolist()))
        for name, part in in_parts(parts, closed).items():
            out[name][:, able] = part
        return out
