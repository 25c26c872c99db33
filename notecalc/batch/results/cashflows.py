"""What each holder receives if notes convert or the issuer defaults on a day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.batch.results.base import Column, Inputs, Result
from notecalc.core.arrays import POSITIVE, DateArray, FloatArray, forbid
from notecalc.core.conversion import read_prices
from notecalc.core.money import read_cents, to_money
from notecalc.deal.endings import Timeline, prices_on
from notecalc.deal.register import register_of
from notecalc.errors import TermError

__all__ = ["Cashflows", "default_days"]

_MONEY = {
    "purchase": "given at closing, below 0: cash and the par of what is surrendered",
    "interest": "coupons, and accrued interest paid on conversion",
    "principal": "repaid at maturity",
    "cash_in_lieu": "for fractions of shares",
    "recovered": "of the principal outstanding on default",
}
_NO_DAY = np.datetime64("NaT", "D")


class Cashflows(Result):
    """What each holder gives and receives, by holder and in all [currency]; no measure: each scenario is as stated.

    Notes convert on ``converted_on`` (the last day on which they do, if only ``converted`` is given): the principal
    ``converted`` [currency], all of it if left out, in proportion over the register in whole multiples, at
    ``conversion_price`` [currency/share] or the deal's price on that day. What happens is that of `Deal.cashflows`
    with these conversions.

    The issuer defaults on ``default_on``, or ``default_time`` years of 365 days after closing, rounded up to a day: on
    that day and later nothing is paid but the ``recovery_rate`` on principal outstanding, half up to the cent for each
    holder, and nothing converts. A default after the last payment is none.

    Shares are worth ``stock_price`` on the day of conversion [currency/share], by default that of the market file. The
    worth, and with it the total, is missing for a holder with shares where there is no such price.
    """

    name = "cashflows"
    uses = ("business_days.", "closing.", "dates.closing", "instruments.", "purchases", "series.", "surrender_rights")

    @property
    def takes(self) -> Mapping[str, str]:
        """Days, principal, prices and rates."""
        days = dict.fromkeys(("converted_on", "default_on"), "date")
        numbers = ("converted", "conversion_price", "default_time", "recovery_rate", "stock_price")
        return {**days, **dict.fromkeys(numbers, "number")}

    @property
    def columns(self) -> Mapping[str, Column]:
        """Money to the cent, whole shares and their worth."""
        currency = self.deal.terms.currency
        return {
            **{name: Column(currency, meaning) for name, meaning in _MONEY.items()},
            "shares": Column("shares", "whole shares received on conversion"),
            "shares_worth": Column(currency, "of the shares at the stock price, not rounded"),
            "total": Column(currency, "received less given, with the worth of the shares"),
        }

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """Holders."""
        return {"holder": tuple(register_of(self.deal.terms).names)}

    def compute(self, inputs: Inputs, size: int) -> Mapping[str, npt.NDArray[Any]]:
        """Follow each scenario to its end."""
        timeline = Timeline.of(self.deal.terms)
        converts = "converted_on" in inputs or "converted" in inputs
        usual_day = timeline.conversion_days[1] if converts else _NO_DAY
        converted_on = self.default(inputs, "converted_on", usual_day, size)
        principal = self.default(inputs, "converted", to_money(timeline.held.sum()) if converts else 0.0, size)
        if "conversion_price" in inputs:
            prices = read_prices(inputs["conversion_price"], "conversion_price")
        else:
            prices = prices_on(self.deal.terms, converted_on)
        taken = timeline.taken(read_cents(principal, "converted"))
        default_on, recovery = self._default(inputs, timeline, size)
        ending = timeline.ending(converted_on, taken, prices, default_on, recovery)
        price = self._stock_price(inputs, size)[:, np.newaxis]
        worth = np.where(ending.shares > 0, ending.shares * price, 0.0)
        purchase = np.broadcast_to(timeline.purchase, taken.shape)
        cents = (purchase, ending.interest, ending.principal, ending.cash_in_lieu, ending.recovered)
        return {
            **{name: to_money(part) for name, part in zip(_MONEY, cents, strict=True)},
            "shares": ending.shares.astype(np.float64),
            "shares_worth": worth,
            "total": to_money(np.sum(cents, axis=0)) + worth,
        }

    def _default(self, inputs: Inputs, timeline: Timeline, size: int) -> tuple[DateArray, FloatArray]:
        if "default_on" in inputs and "default_time" in inputs:
            raise TermError("default_time", rule="left out where `default_on` is given", got="both")
        if "default_time" in inputs:
            days = default_days(timeline, inputs["default_time"])
        else:
            days = self.default(inputs, "default_on", _NO_DAY, size)
        if np.isnat(days).all():
            return days, np.zeros(size)
        credit = None if self.market is None else self.market.terms.recovery_rate
        if "recovery_rate" not in inputs and credit is None:
            rule = "given, by an axis or by the market file, where the issuer defaults"
            raise TermError("recovery_rate", rule=rule, got=None)
        rates = self.default(inputs, "recovery_rate", credit.value if credit else np.nan, size)
        forbid("recovery_rate", rates, ~((rates >= 0) & (rates <= 1)), "a fraction from 0 to 1")
        return days, rates

    def _stock_price(self, inputs: Inputs, size: int) -> FloatArray:
        price = np.nan if self.market is None else self.market.terms.stock_price.value
        prices = self.default(inputs, "stock_price", price, size)
        POSITIVE.check("stock_price", prices)
        return prices


def default_days(timeline: Timeline, years: FloatArray) -> DateArray:
    """Give the day of a default some years of 365 days after closing: the first that it has happened by; NaT if late.

    Raises
    ------
    TermError
        A time of 0 or less.
    """
    forbid("default_time", years, ~(years > 0), "above 0")
    last = (timeline.periods.payment_date[-1] - timeline.closing).astype(np.int64)
    days = np.ceil(365 * years)
    some = np.where(days <= last, days, 0).astype(np.int64)
    return np.where(days <= last, timeline.closing + some, _NO_DAY)
