"""The note's value as a convertible, and its Greeks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from notecalc.core.convertible.valuation import ACCURACIES
from notecalc.core.words import known_word
from notecalc.deal.market import Quote
from notecalc.deal.valuation import greeks_table, value_table
from notecalc.deal.value_units import value_units
from notecalc.scenarios.results.base import Column, Inputs, Result

__all__ = ["Value"]

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


class Value(Result):
    """Value as a convertible in the market file's market, under the risk-neutral measure."""

    name = "value"
    options: ClassVar[Mapping[str, type]] = {"model": str, "accuracy": str, "greeks": bool}
    needs_market = True
    uses = ("dates.", "series.")

    @property
    def takes(self) -> Mapping[str, str]:
        """The data of the market, and the day."""
        data = set(self._market.quotes()) - {"dividends"}
        return {"on": "date", **dict.fromkeys(sorted(data), "number")}

    @property
    def columns(self) -> Mapping[str, Column]:
        """Prices per 100 of principal, and sensitivities if asked for."""
        names = {**_VALUE, **(_GREEKS if self.given.get("greeks") else {})}
        units = value_units([*names], self.deal.terms.currency)
        return {name: Column(units[name], f"{meaning}, {_RISK_NEUTRAL}") for name, meaning in names.items()}

    @property
    def _model(self) -> str:
        return str(self.given.get("model") or self._case.model)

    @property
    def _case(self) -> Any:
        return self.market

    @property
    def _market(self) -> Any:
        return self._case.market(self._model)

    def compute(self, inputs: Inputs, size: int) -> Mapping[str, npt.NDArray[Any]]:
        """Ask the engine."""
        accuracy = known_word("value.accuracy", self.given.get("accuracy", "standard"), tuple(ACCURACIES))
        quotes = {name: Quote(values, assumed="scenario") for name, values in inputs.items() if name != "on"}
        market = self._market.with_quotes(quotes)
        on = self.default(inputs, "on", np.datetime64(self._case.on, "D"), size)
        tables = [value_table(self.deal.terms, market, on, self._model, accuracy)]
        if self.given.get("greeks"):
            tables.append(greeks_table(self.deal.terms, market, on, self._model, accuracy))
        found = {str(name): table[name].to_numpy() for table in reversed(tables) for name in table.columns}
        return {name: found[name] for name in self.columns}
