"""What a check hands back, and what the checks need of a deal's terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

import numpy as np

from notecalc.deal.sources import Source
from notecalc.deal.terms import DealTerms

__all__ = ["SEVERITIES", "Check", "Finding", "Severity", "bought_by", "name_of"]

Severity: TypeAlias = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not tie, or that the papers leave open.

    Parameters
    ----------
    severity : {"error", "warning", "note"}
        Figures that contradict each other or cannot be carried out; a question to ask before signing; worth knowing.
    code : str
        Name of the check.
    what, figures : str
        What was found, and the figures or names it rests on.
    cites : tuple of str or Source
        Paths of the terms used, or a place in the papers.
    effect : str
        What hangs on it.
    effect_amount : float
        The same as a number; NaN where there is none.
    effect_unit : str
        Its unit: a currency or ``shares``.
    """

    severity: Severity
    code: str
    what: str
    figures: str
    cites: tuple[str | Source, ...]
    effect: str
    effect_amount: float = np.nan
    effect_unit: str = ""


Check: TypeAlias = Callable[[DealTerms], Iterator[Finding]]


def name_of(terms: DealTerms, party: str) -> str:
    """Name of a party as the papers first print it."""
    return terms.parties[party].name.value


def bought_by(terms: DealTerms, party: str) -> Decimal:
    """Principal that a party takes, of every series."""
    return sum((own.principal.value for own in terms.purchases if own.purchaser == party), Decimal(0))
