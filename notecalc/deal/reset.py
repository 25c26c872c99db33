"""A conversion price that is reset on a condition: a value with it and one without it, by the chance of it.

The condition, such as a registration default, is no matter of the stock or of the issuer's life in any of the models:
it happens or not by its date, independent of both. So a value is the mean of two, and so are its derivatives: exactly
where nothing is exercised before the date. Each of the two knows the outcome from the start, so that who exercises
before it does so with foresight; `convertible.simplifications` says whose gain that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from notecalc.core.arrays import BoolArray, DateArray, FloatArray, Rule, forbid
from notecalc.core.convertible.implied import UNKNOWNS, every_solution
from notecalc.core.convertible.terms import Convertible
from notecalc.core.convertible.valuation import convertible_value
from notecalc.deal.convertible import convertible_of
from notecalc.deal.register import sole_series
from notecalc.deal.terms import DealTerms
from notecalc.errors import TermError

__all__ = ["Reset", "read_reset"]

_CHANCE = Rule("a fraction from 0 to 1", lambda x: (x >= 0) & (x <= 1))


@dataclass(frozen=True, slots=True, eq=False)
class Reset:
    """The terms under the reset, and the chance of it in each row."""

    terms: Convertible
    probability: FloatArray

    def mixed(self, without: Mapping[str, Any], with_it: Mapping[str, Any]) -> dict[str, Any]:
        """Give results by their chances; ratios of results are made anew."""
        found = {name: self._mean(without[name], with_it[name]) for name in without}
        if "dirty_price" in found:
            with np.errstate(divide="ignore", invalid="ignore"):
                found["conversion_premium"] = found["clean_price"] / found["parity"] - 1
                found["investment_premium"] = found["dirty_price"] / found["bond_floor"] - 1
                found["years_to_break_even"] = _years_to_break_even(without, with_it, found)
        return found

    def implied(
        self, unknown: str, without: Convertible, scale: Any, arguments: Mapping[str, Any]
    ) -> dict[str, FloatArray]:
        """Give what makes the mean value a clean price, as `convertible_implied` does for one value."""
        others = dict(arguments)
        wanted, settlement = np.atleast_1d(others.pop("clean_price")), others.pop("settlement")

        def miss(x: FloatArray) -> FloatArray:
            market = others | {unknown: x}
            worth = (convertible_value(terms, settlement, **market).clean_price for terms in (without, self.terms))
            gap: FloatArray = self._mean(*worth) - wanted
            return gap

        size = self.probability.size
        points = np.array([np.broadcast_to(point * scale, (size,)) for point in UNKNOWNS[unknown][1]])
        return dict(zip(("value", "other", "solutions"), every_solution(miss, points), strict=True))

    def _mean(self, without: Any, with_it: Any) -> Any:
        """Weigh two results; where one is certain it is that one, whatever the other."""
        p = self.probability if np.ndim(without) else self.probability[0]
        a, b = np.asarray(without), np.asarray(with_it)
        return np.where(p == 0, a, np.where(p == 1, b, (1 - p) * a + p * b))[()]


def read_reset(
    terms: DealTerms,
    days: DateArray,
    probability: FloatArray | None,
    claim: str | None,
    conversion_price: FloatArray | None = None,
) -> Reset | None:
    """Give the reset that a deal has, with its chance on each day.

    Raises
    ------
    TermError
        A deal with a reset and no chance of it, a chance without a reset, or one that is neither 0 nor 1 on a day from
        which it is known.
    """
    path, series = sole_series(terms)
    reset = series.conversion.reset
    if reset is None:
        if probability is not None:
            rule = f"left out, as the deal file has no series.{path}.conversion.reset"
            raise TermError("reset_probability", rule=rule, got=probability[0].item())
        return None
    if probability is None:
        rule = f"given: the deal's conversion price may be reset to {reset.conversion_price.value} "
        rule += f"from {reset.first_date.value} on ({reset.condition.value})"
        raise TermError("reset_probability", rule=rule, got=None)
    _CHANCE.check("reset_probability", probability)
    known: BoolArray = days >= np.datetime64(reset.first_date.value, "D")
    rule = f"0 or 1 from {reset.first_date.value} on, when it is known"
    forbid("reset_probability", probability, known & (probability > 0) & (probability < 1), rule)
    return Reset(convertible_of(terms, claim=claim, reset=True, conversion_price=conversion_price), probability)


def _years_to_break_even(without: Mapping[str, Any], with_it: Mapping[str, Any], found: Mapping[str, Any]) -> Any:
    """Give the mean premium over the yearly income that the note has over its shares, the same with and without."""
    premium = np.asarray(found["clean_price"]) - found["parity"]
    first, second = (np.asarray(each["clean_price"]) - each["parity"] for each in (without, with_it))
    years, other_years = (np.asarray(each["years_to_break_even"]) for each in (without, with_it))
    income = np.where(first > 0, first / years, second / other_years)
    return np.where(np.isnan(premium), np.nan, np.where(premium > 0, premium / income, 0.0))[()]
