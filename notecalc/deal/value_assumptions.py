"""What a value rests on without a source, and the change that each other reading would make.

The effect is not written by hand: the note is valued again with each alternative in the assumption's place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from notecalc.core.arrays import Date, as_date
from notecalc.core.convertible.terms import CLAIMS, Steps
from notecalc.deal.assumptions import terms_of, value_text
from notecalc.deal.convertible import left_out, simplifications
from notecalc.deal.market import Hazard, Market, datum_text
from notecalc.deal.register import sole_series
from notecalc.errors import TermError

if TYPE_CHECKING:
    from notecalc.deal.valued import Valued

__all__ = ["value_assumption_table"]

_COLUMNS = ["term", "value", "reason", "alternative", "dirty_price", "remark"]
_BEARING = ("series.", "dates.", "business_days.")  # terms from which a value follows


def value_assumption_table(deal: Valued, on: Date, model: str, market: Market, accuracy: str) -> pd.DataFrame:
    """One row per assumption and alternative, the market's first; what the engine leaves out last."""
    day = as_date(on, "on")
    try:
        base = _value(deal, day, model, market, accuracy)
    except TermError as error:
        if error.name != "settlement":
            raise
        raise TermError("on", rule="a day on which the note is outstanding", got=str(on)) from None
    rows: list[tuple[str, str, str, str, float, str]] = []
    for term, told, reason, others in _assumptions(deal, day, market):
        for alternative, other, by in others:
            if other is None:
                rows.append((term, told, reason, alternative, np.nan, ""))
                continue
            try:
                change, remark = _value(other, day, model, by, accuracy) - base, ""
            except TermError as error:  # no mistake of who asks, whose own reading has a value
                outside = error.name == "settlement"
                change, remark = np.nan, "the note is not outstanding on that day" if outside else str(error)
            rows.append((term, told, reason, alternative, change, remark))
        if not others:
            rows.append((term, told, reason, "", np.nan, ""))
    table = pd.DataFrame(rows, columns=_COLUMNS)
    return table.astype(dict.fromkeys(_COLUMNS, "str") | {"dirty_price": "float64"})


# Each alternative as text, and what is valued with it: no deal where it is left out of the value.
_Others: TypeAlias = "list[tuple[str, Valued | None, Market]]"


def _assumptions(deal: Valued, day: np.datetime64, market: Market) -> Iterator[tuple[str, str, str, _Others]]:
    """Each with its place, its value, its reason and its alternatives."""
    path, series = sole_series(deal.terms)
    yield from _of_market(deal, market, np.datetime64(series.maturity.value))
    ignored = left_out(deal.terms)
    for place, term in terms_of(deal.terms):
        if term.assumed is not None and place.startswith(_BEARING) and place not in ignored:
            others: _Others = [
                (value_text(other), deal.replace(**{place: other}), market) for other in term.alternatives
            ]
            yield place, value_text(term.value), term.assumed, others
    if isinstance(market.credit, Hazard) and market.credit.claim is None and series.recovery_claim is None:
        other = dataclasses.replace(market, credit=dataclasses.replace(market.credit, claim=CLAIMS[1]))
        words = "the deal file does not say of what a recovery is part"
        yield f"series.{path}.recovery_claim", CLAIMS[0], words, [(CLAIMS[1], deal, other)]
    chance = 0.0 if market.reset_probability is None else np.ravel(market.reset_probability.value)[0].item()
    terms = dict(terms_of(deal.terms))
    for place, words in simplifications(deal.terms, day, chance):
        left = terms[place].alternatives if place in ignored else ()  # of the others the change is above
        yield place, value_text(terms[place].value), words, [(value_text(other), None, market) for other in left]


def _of_market(deal: Valued, market: Market, maturity: np.datetime64) -> Iterator[tuple[str, str, str, _Others]]:
    for name, quote in market.quotes().items():
        if quote.assumed is not None:
            others: _Others = [
                (datum_text(other), deal, market.with_quotes({name: other})) for other in quote.alternatives
            ]
            yield f"market.{name}", datum_text(quote.value), quote.assumed, others
        if isinstance(quote.value, Steps) and quote.value.dates[-1] < maturity:
            last = quote.value.dates[-1]
            yield f"market.{name}.dates", str(last), f"the last level is held from then to maturity on {maturity}", []


def _value(deal: Valued, on: np.datetime64, model: str, market: Market, accuracy: str) -> float:
    worth = deal.value(on=on, model=model, market=market, accuracy=accuracy)["dirty_price"]
    if len(worth) != 1:
        raise TermError("market", rule="one number for each datum, as readings are compared", got=f"{len(worth)} rows")
    return float(worth.iloc[0])
