"""The note's value as a convertible, and its Greeks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from notecalc.batch.results.base import Column, Inputs, Result, in_parts
from notecalc.core.arrays import POSITIVE, IntArray
from notecalc.core.convertible.valuation import ACCURACIES
from notecalc.core.curves import Curve
from notecalc.core.daycount import year_fraction
from notecalc.core.words import known_word
from notecalc.deal.market import Quote
from notecalc.deal.valuation import greeks_table, value_table
from notecalc.deal.value_units import value_units

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
_SHIFT = "risk_free_shift"
_FEW = 1_000  # rows of one conversion price from which a call of its own costs less than a contract for each row


class Value(Result):
    """Value as a convertible in the market file's market, under the risk-neutral measure, and first-order Greeks.

    What varies replaces the market file's data, ``on`` its day, and ``conversion_price`` [currency/share] the deal's
    until its first step. ``risk_free_shift`` [1/yr] is added to the risk-free rate at all terms: a parallel shift of a
    curve's zero rates, continuous, or in the compounding that they are stated in; each distinct shift of a curve is a
    call of the engine, so these are better listed than drawn. Prices are per 100 of principal. See `Deal.value` and
    `Deal.greeks`, whose numbers these are.
    """

    name = "value"
    options: ClassVar[Mapping[str, type]] = {"model": str, "accuracy": str, "greeks": bool}
    needs_market = True
    measure = "risk-neutral"
    uses = ("dates.", "series.")

    @property
    def takes(self) -> Mapping[str, str]:
        """The data of the market, a shift of the risk-free rate, the conversion price, and the day."""
        data = set(self._market.quotes()) - {"dividends"} | {"conversion_price", _SHIFT}
        return {"on": "date", **dict.fromkeys(sorted(data), "number")}

    @property
    def columns(self) -> Mapping[str, Column]:
        """Prices per 100 of principal, and sensitivities if asked for."""
        names = {**_VALUE, **(_GREEKS if self.given.get("greeks") else {})}
        units = value_units([*names], self.deal.terms.currency)
        return {name: Column(units[name], f"{meaning}, {_RISK_NEUTRAL}") for name, meaning in names.items()}

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
        """Ask the engine."""
        accuracy = known_word("value.accuracy", self.given.get("accuracy", "standard"), tuple(ACCURACIES))
        curve = self._market.risk_free.value
        if _SHIFT in inputs and isinstance(curve, Curve) and "risk_free" not in inputs:
            # The engine takes one curve at a time.
            shifts, place = np.unique(inputs[_SHIFT], return_inverse=True)

            def shifted(rows: IntArray) -> Mapping[str, npt.NDArray[Any]]:
                own = {name: values[rows] for name, values in inputs.items() if name != _SHIFT}
                return self._by_price(own, rows.size, accuracy, _moved(curve, float(inputs[_SHIFT][rows[0]])))

            return in_parts((np.flatnonzero(place == k) for k in range(shifts.size)), shifted)
        return self._by_price(inputs, size, accuracy)

    def _by_price(
        self, inputs: Inputs, size: int, accuracy: str, curve: Curve | None = None
    ) -> Mapping[str, npt.NDArray[Any]]:
        prices = inputs.get("conversion_price")
        if prices is None:
            return self._valued(inputs, size, accuracy, curve)
        POSITIVE.check("conversion_price", prices)
        distinct, place = np.unique(prices, return_inverse=True)
        if distinct.size * _FEW > size:
            return self._valued(inputs, size, accuracy, curve)
        # One contract for many rows is laid out once: to lay one out for each row takes longer than to value it.
        parts = [np.flatnonzero(place == k) for k in range(distinct.size)]

        def valued(rows: IntArray) -> Mapping[str, npt.NDArray[Any]]:
            own = {name: values[rows] for name, values in inputs.items() if name != "conversion_price"}
            return self._valued({**own, "conversion_price": prices[rows[:1]]}, rows.size, accuracy, curve)

        return in_parts(parts, valued)

    def _valued(self, inputs: Inputs, size: int, accuracy: str, curve: Curve | None) -> Mapping[str, npt.NDArray[Any]]:
        """Ask the engine, with a conversion price for each row or one for all."""
        own = {"on", "conversion_price", _SHIFT}
        quotes = {name: Quote(values, assumed="scenario") for name, values in inputs.items() if name not in own}
        market = self._market.with_quotes(quotes)
        if curve is not None:
            market = market.with_quotes({"risk_free": Quote(curve, assumed="scenario")})
        if _SHIFT in inputs:
            shifted = np.asarray(market.risk_free.value) + inputs[_SHIFT]
            market = market.with_quotes({"risk_free": Quote(shifted, assumed="scenario")})
        on = self.default(inputs, "on", np.datetime64(self._case.on, "D"), size)
        given = (self.deal.terms, market, on, self._model, accuracy, inputs.get("conversion_price"))
        tables = [value_table(*given)]
        if self.given.get("greeks"):
            tables.append(greeks_table(*given))
        found = {str(name): table[name].to_numpy() for table in reversed(tables) for name in table.columns}
        return {name: found[name] for name in self.columns}


def _moved(curve: Curve, shift: float) -> Curve:
    """Give a curve whose zero rates are higher by a shift."""
    if curve.interpolation == "linear-zero-rates":
        return dataclasses.replace(curve, values=curve.values + shift)
    years = year_fraction(np.full(curve.dates.size, curve.reference_date), curve.dates, day_count=curve.day_count)
    return dataclasses.replace(curve, values=curve.values - shift * years)
