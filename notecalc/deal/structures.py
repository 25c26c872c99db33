"""Term structures as a market file writes them: numbers by date or tenor, and by which convention they are meant.

What the engine takes, `Curve` and `Steps`, is made of them; what is quoted otherwise is converted, never guessed at.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar

import numpy as np
import pandas as pd
from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from notecalc.core.convertible.averages import credit_steps, volatility_steps
from notecalc.core.convertible.terms import Steps
from notecalc.core.curves import Curve
from notecalc.deal.market_numbers import Amount, Credit, Rate, Tenor, Volatility
from notecalc.deal.sources import CalendarDate, DayCountName, Model
from notecalc.errors import TermError

__all__ = [
    "STRUCTURES",
    "CreditOrSteps",
    "Dividends",
    "RateOrCurve",
    "VolatilityOrSteps",
    "build",
    "day_after",
]

T = TypeVar("T")

_UNITS = {"d": "days", "w": "weeks", "m": "months", "y": "years"}


class _ByDate(Model):
    """Numbers, each for a date, or for a tenor that is counted from the day of the file."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["dates"]}, {"required": ["tenors"]}]})

    dates: tuple[CalendarDate, ...] = Field(default=(), description="Rising; or `tenors`.")
    tenors: tuple[Tenor, ...] = Field(
        default=(), description="Days, weeks, months or years from the file's day: 90d, 6m, 3y; or `dates`."
    )

    @model_validator(mode="after")
    def _one_for_each(self) -> Any:
        if bool(self.dates) == bool(self.tenors):
            raise PydanticCustomError("notecalc", "must have `dates` or `tenors`, one of the two", {})
        given = {"dates": len(self.dates or self.tenors), "numbers": len(self.numbers())}
        if given["dates"] != given["numbers"]:
            raise PydanticCustomError("notecalc", "must have a number for each date; {numbers} for {dates}", given)
        return self

    def numbers(self) -> Sequence[Any]:
        """Give the number of each date."""
        raise NotImplementedError

    def days(self, on: dt.date) -> list[dt.date]:
        """Give the dates, rising from the day on; a tenor of months ends with a month that is too short for it.

        Raises
        ------
        TermError
            A date that is not after the one before.
        """
        found = list(self.dates) or [day_after(on, tenor) for tenor in self.tenors]
        for row, (day, before) in enumerate(zip(found, [on, *found], strict=False)):
            if day <= before:
                rule = "rising" if row else f"after the file's day ({on})"
                name, told = ("dates", self.dates) if self.dates else ("tenors", self.tenors)
                raise TermError(name, rule=rule, got=str(told[row]), row=row)
        return found


class CurveTable(_ByDate):
    """Zero rates as quoted; interpolated as said between dates, and nothing beyond the last."""

    zero_rates: tuple[Rate, ...]
    compounding: Literal["annual", "semi-annual", "quarterly", "monthly", "continuous", "simple"]
    day_count: DayCountName
    interpolation: Literal["log-linear-discount-factors", "linear-zero-rates"]

    def numbers(self) -> Sequence[Any]:
        """Give the rate of each date."""
        return self.zero_rates

    def build(self, on: dt.date) -> Curve:
        """Make the curve from a day."""
        return Curve.from_zero_rates(
            on, self.days(on), self.zero_rates,
            compounding=self.compounding, interpolation=self.interpolation, day_count=self.day_count,
        )  # fmt: skip


class _StepsTable(_ByDate, Generic[T]):
    """A number that changes on dates: that of each stretch that ends on one, or the average of the whole term to it.

    Beyond the last date the last stretch goes on, where a curve ends; `Deal.value_assumptions` says so of a note that
    matures later.
    """

    values: tuple[T, ...]
    over: Literal["each-stretch", "whole-term"] = Field(
        description="Whether a number holds since the date before, or on average since the file's day, as quoted. "
        "Beyond the last date the last stretch goes on."
    )

    def numbers(self) -> Sequence[Any]:
        """Give the number of each date."""
        return self.values

    def made_by(self, average: Callable[..., Steps], on: dt.date) -> Steps:
        """Make the steps, of averages by a function of theirs."""
        days, numbers = self.days(on), np.array(self.values, dtype=np.float64)
        return average(on, days, numbers) if self.over == "whole-term" else Steps(days, numbers)


class VolatilitySteps(_StepsTable[Volatility]):
    """Volatility by date; an average over the whole term is one of variances, as options imply it."""

    def build(self, on: dt.date) -> Steps:
        """Make the steps from a day."""
        return self.made_by(volatility_steps, on)


class CreditSteps(_StepsTable[Credit]):
    """Credit spread or hazard rate by date; over the whole term, a zero spread or an average rate of default."""

    def build(self, on: dt.date) -> Steps:
        """Make the steps from a day."""
        return self.made_by(credit_steps, on)


class CashDividend(Model):
    """What a share pays to who holds it before the ex-date."""

    ex_date: CalendarDate
    amount: Amount


def _either(value: Any) -> str:
    return "<table>" if isinstance(value, Mapping | Model) else "<number>"


# The tags stand in the places that pydantic gives, and are no part of a file's key paths.
VolatilityOrSteps = Annotated[
    Annotated[Volatility, Tag("<number>")] | Annotated[VolatilitySteps, Tag("<table>")], Discriminator(_either)
]
RateOrCurve = Annotated[
    Annotated[Rate, Tag("<number>")] | Annotated[CurveTable, Tag("<table>")], Discriminator(_either)
]
CreditOrSteps = Annotated[
    Annotated[Credit, Tag("<number>")] | Annotated[CreditSteps, Tag("<table>")], Discriminator(_either)
]
Dividends = tuple[CashDividend, ...]

STRUCTURES: dict[str, type[CurveTable | VolatilitySteps | CreditSteps]] = {
    "risk_free": CurveTable,
    "volatility": VolatilitySteps,
    "credit_spread": CreditSteps,
    "hazard_rate": CreditSteps,
}


def build(value: Any, on: dt.date) -> Any:
    """Make of a datum of a file what `Market` takes.

    Raises
    ------
    TermError
        Dates that don't rise or are not after the day, averages that no numbers have, an ex-date given twice.
    """
    if isinstance(value, CurveTable | VolatilitySteps | CreditSteps):
        return value.build(on)
    if not isinstance(value, tuple):
        return value
    paid = {dividend.ex_date: dividend.amount for dividend in value}
    if len(paid) < len(value):
        days = [dividend.ex_date for dividend in value]
        raise TermError("ex_date", rule="given once", got=str(next(day for day in days if days.count(day) > 1)))
    return {str(day): amount for day, amount in sorted(paid.items())}


def day_after(on: dt.date, tenor: str) -> dt.date:
    """Give the day some days, weeks, months or years after another.

    Examples
    --------
    >>> str(day_after(dt.date(2004, 8, 31), "6m"))
    '2005-02-28'
    """
    length: dict[str, Any] = {_UNITS[tenor[-1]]: int(tenor[:-1])}
    day: dt.date = (pd.Timestamp(on) + pd.DateOffset(**length)).date()
    return day
