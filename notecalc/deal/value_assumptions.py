"""What a value rests on without a source, and the change that each other reading would make.

The effect is not written by hand: the note is valued again with each alternative in the assumption's place.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from notecalc.core.arrays import Date, as_date
from notecalc.core.convertible.terms import CLAIMS
from notecalc.deal.assumptions import terms_of, value_text
from notecalc.deal.convertible import simplifications
from notecalc.deal.market import Hazard, Market, datum_text
from notecalc.deal.register import sole_series
from notecalc.errors import TermError

if TYPE_CHECKING:
    from notecalc.deal.valued import Valued

__all__ = ["value_assumption_table"]

_COLUMNS = ["term", "value", "reason", "alternative", "dirty_price"]
_BEARING = ("series.", "dates.", "business_days.")  # terms from which a value follows


def value_assumption_table(deal: Valued, on: Date, model: str, market: Market, accuracy: str) -> pd.DataFrame:
    """One row per assumption and alternative, the market's first; what the engine leaves out last."""
    base = _value(deal, on, model, market, accuracy)
    if np.isnan(base):
        raise TermError("on", rule="a day on which the note is outstanding", got=str(on))
    rows: list[dict[str, Any]] = []

    def add(term: str, value: str, reason: str, changes: list[tuple[str, float]]) -> None:
        for alternative, price in changes or [("", np.nan)]:
            change = price - base
            rows.append(dict(zip(_COLUMNS, (term, value, reason, alternative, change), strict=True)))

    for name, quote in market.quotes().items():
        if quote.assumed is not None:
            others = [
                (datum_text(other), _value(deal, on, model, market.with_quotes({name: other}), accuracy))
                for other in quote.alternatives
            ]
            add(f"market.{name}", datum_text(quote.value), quote.assumed, others)
    for path, term in terms_of(deal.terms):
        if term.assumed is not None and path.startswith(_BEARING):
            others = [
                (value_text(other), _value(deal.replace(**{path: other}), on, model, market, accuracy))
                for other in term.alternatives
            ]
            add(path, value_text(term.value), term.assumed, others)
    path, series = sole_series(deal.terms)
    if isinstance(market.credit, Hazard) and market.credit.claim is None and series.recovery_claim is None:
        other = dataclasses.replace(market, credit=dataclasses.replace(market.credit, claim=CLAIMS[1]))
        changes = [(CLAIMS[1], _value(deal, on, model, other, accuracy))]
        add(
            f"series.{path}.recovery_claim", CLAIMS[0], "the deal file does not say of what a recovery is part", changes
        )
    terms = dict(terms_of(deal.terms))
    for path, words in simplifications(deal.terms):
        add(path, value_text(terms[path].value), words, [])
    table = pd.DataFrame(rows, columns=_COLUMNS)
    return table.astype(dict.fromkeys(_COLUMNS[:4], "str") | {"dirty_price": "float64"})


def _value(deal: Valued, on: Date, model: str, market: Market, accuracy: str) -> float:
    try:
        worth = deal.value(on=as_date(on, "on"), model=model, market=market, accuracy=accuracy)["dirty_price"]
    except TermError as error:
        if error.name == "settlement":  # by another reading of the dates the note is not there on that day
            return np.nan
        raise
    if len(worth) != 1:
        raise TermError("market", rule="one number for each datum, as readings are compared", got=f"{len(worth)} rows")
    return float(worth.iloc[0])
