"""The note's value as a convertible, and its Greeks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from notecalc.batch.results.base import Column, Inputs, Result, in_parts
from notecalc.batch.results.moving import is_pillar, moved, moving_inputs
from notecalc.core.arrays import POSITIVE, IntArray
from notecalc.core.convertible.moves import Moved
from notecalc.core.convertible.valuation import ACCURACIES, convertible_greeks, convertible_value
from notecalc.core.words import known_word
from notecalc.deal.market import Quote
from notecalc.deal.valuation import valued_arrays
from notecalc.deal.value_units import value_units

__all__ = ["Value", "value_columns"]

_VALUE = {
    "dirty_price": "value with accrued interest",
    "clean_price": "value without accrued interest",
    "bond_floor": "coupons and principal alone, under the same rate and credit",
    "parity": "shares on conversion at the stock price",
    "delta": "points per unit of stock price",
    "error_estimate": "error of the dirty price to expect from the grid",
}
_GREEKS = {
    "gamma": "change of delta per unit of stock price",
    "vega": "points per 0.01 of volatility",
    "theta": "points per calendar day",
    "rho": "points per basis point of the risk-free rate",
    "credit": "points per basis point of credit spread or hazard rate",
    "recovery": "points per 0.01 of recovery rate",
}
_RISK_NEUTRAL = "under the risk-neutral measure"
_AT_ONCE = 8_192  # rows with a table of segments each that are in memory together
_FEW = 1_000  # rows of one conversion price from which a call of its own costs less than a contract for each row


class Value(Result):
    """Value as a convertible in the market file's market, under the risk-neutral measure, and first-order Greeks.

    What varies replaces the market file's data, ``on`` its day, and ``conversion_price`` [currency/share] the deal's
    until its first step; or it moves the data, flat or by date. ``stock_price_factor``, ``volatility_factor`` and that
    of the credit multiply them. ``risk_free_shift`` [1/yr] and that of the credit, ``credit_spread_shift`` or
    ``hazard_rate_shift``, are added to zero rates, continuous by actual/365 fixed, at all terms; with ``.slope`` and
    ``.curvature`` by the loadings of Nelson and Siegel, with a tenor such as ``.2y`` at that pillar, counted from the
    market file's day, between which shifts run in a line: see `Moved`. What is moved below 0 is an error row. Prices
    are per 100 of principal. See `Deal.value` and `Deal.greeks`, whose numbers these are.
    """

    name = "value"
    options: ClassVar[Mapping[str, type]] = {"model": str, "accuracy": str, "greeks": bool}
    needs_market = True
    measure = "risk-neutral"
    uses = ("dates.", "series.")

    @property
    def takes(self) -> Mapping[str, str]:
        """The data of the market, what moves them, the conversion price, and the day."""
        data = set(self._market.quotes()) - {"dividends"}
        numbers = {*data, "conversion_price", *moving_inputs(data)}
        return {"on": "date", **dict.fromkeys(sorted(numbers), "number")}

    def kind_of(self, name: str) -> str | None:
        """Pillars, too, are numbers."""
        return "number" if is_pillar(name, self._market.quotes()) else super().kind_of(name)

    @property
    def columns(self) -> Mapping[str, Column]:
        """Prices per 100 of principal, and sensitivities if asked for."""
        return value_columns(self.deal.terms.currency, greeks=bool(self.given.get("greeks")))

    @property
    def _model(self) -> str:
        return str(self.model or self._case.model)

    @property
    def _case(self) -> Any:
        return self.market

    @property
    def _market(self) -> Any:
        return self._case.market(self._model)

    def compute(self, inputs: Inputs, size: int) -> Mapping[str, npt.NDArray[Any]]:
        """Ask the engine, part by part."""
        accuracy = known_word("value.accuracy", self.given.get("accuracy", "standard"), tuple(ACCURACIES))

        def valued(rows: IntArray) -> Mapping[str, npt.NDArray[Any]]:
            own = {name: values[rows] for name, values in inputs.items()}
            prices = own.get("conversion_price")
            if prices is not None and (prices == prices[0]).all():
                own["conversion_price"] = prices[:1]  # one contract for all
            return self._valued(own, rows.size, accuracy)

        return in_parts(self._parts(inputs, size), valued)

    def _parts(self, inputs: Inputs, size: int) -> Iterator[IntArray]:
        """Give rows of one contract together, and no more at once where each needs a table of its own."""
        prices, alone = inputs.get("conversion_price"), self._moves_curves(inputs)
        parts = [np.arange(size)]
        if prices is not None:
            POSITIVE.check("conversion_price", prices)
            distinct, place = np.unique(prices, return_inverse=True)
            # One contract for many rows is laid out once: to lay one out for each takes longer than to value it.
            if distinct.size * _FEW <= size:
                parts = [np.flatnonzero(place == k) for k in range(distinct.size)]
            else:
                alone = True
        for part in parts:
            yield from (part[k : k + _AT_ONCE] for k in range(0, part.size, _AT_ONCE)) if alone else (part,)

    def _moves_curves(self, inputs: Inputs) -> bool:
        one = {name: values[:1] for name, values in inputs.items()}
        return any(isinstance(value, Moved) for value in self._changed(one).values())

    def _changed(self, inputs: Inputs) -> dict[str, Any]:
        """Give those of the market's data that the inputs replace or move."""
        found = {}
        for name, quote in self._market.quotes().items():
            value = inputs.get(name, quote.value)
            made = moved(name, value, inputs, self._case.on)
            if name in inputs or made is not value:
                found[name] = made
        return found

    def _valued(self, inputs: Inputs, size: int, accuracy: str) -> Mapping[str, npt.NDArray[Any]]:
        """Ask the engine, with a conversion price for each row or one for all."""
        changed = {name: Quote(value, assumed="scenario") for name, value in self._changed(inputs).items()}
        market = self._market.with_quotes(changed)
        on = self.default(inputs, "on", np.datetime64(self._case.on, "D"), size)
        given = (self.deal.terms, market, on, self._model, accuracy, inputs.get("conversion_price"))
        found = valued_arrays(convertible_greeks, *given) if self.given.get("greeks") else {}
        found |= valued_arrays(convertible_value, *given)
        return {name: found[name] for name in self.columns}


def value_columns(currency: str, *, greeks: bool) -> dict[str, Column]:
    """Give the columns of values, and of sensitivities if asked for."""
    names = {**_VALUE, **(_GREEKS if greeks else {})}
    units = value_units([*names], currency)
    return {name: Column(units[name], f"{meaning}, {_RISK_NEUTRAL}") for name, meaning in names.items()}
