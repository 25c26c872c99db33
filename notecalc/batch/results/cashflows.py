"""What each holder receives if notes convert or the issuer defaults on a day."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.batch.results.base import Column, Inputs, Result
from notecalc.batch.results.hazards import THRESHOLD, times_of_default
from notecalc.core.arrays import POSITIVE, DateArray, FloatArray, IntArray, forbid
from notecalc.core.conversion import read_prices
from notecalc.core.exchange import POLICIES
from notecalc.core.money import read_cents, to_money
from notecalc.core.words import known_word
from notecalc.deal.cashflows import purchase_cents
from notecalc.deal.endings import Timeline, prices_on
from notecalc.deal.register import register_of
from notecalc.errors import Problem, TermError

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

    A holder may elect otherwise: the holder of the register's key ``loeb`` converts ``converted.loeb`` [currency], all
    it has if left out and nothing at 0, on ``converted_on.loeb``, or on the day of all, or on the last. Then
    ``converted`` is left out, and who has no election of its own converts with all on ``converted_on``, or, without
    that, holds.

    The issuer defaults on ``default_on``; or ``default_time`` years of 365 days after closing, rounded up to a day; or
    when the hazard ``default_threshold`` is used up by the ``hazard_rate`` of the market file or an axis. On that day
    and later nothing is paid but the ``recovery_rate`` on principal outstanding, half up to the cent for each holder,
    and nothing converts. A default after the last payment is none.

    What is paid at closing is as under the ``policy`` on an excess, the deal's if left out. Shares are worth
    ``stock_price`` on the day of conversion [currency/share], by default that of the market file. The worth, and with
    it the total, is missing for a holder with shares where there is no such price.
    """

    name = "cashflows"
    uses = ("business_days.", "closing.", "dates.closing", "instruments.", "purchases", "series.", "surrender_rights")

    @property
    def takes(self) -> Mapping[str, str]:
        """Days, principal, prices, rates and the policy."""
        keys = register_of(self.deal.terms).keys
        days = ("converted_on", "default_on", *(f"converted_on.{key}" for key in keys))
        rates = ("conversion_price", "default_time", THRESHOLD, "hazard_rate", "recovery_rate", "stock_price")
        numbers = (*rates, "converted", *(f"converted.{key}" for key in keys))
        return {**dict.fromkeys(days, "date"), **dict.fromkeys(numbers, "number"), "policy": "word"}

    def lacks(self, axes: Collection[str]) -> Iterator[Problem]:
        """Say of inputs that exclude each other which is one too many, and of a hazard that there is none."""
        ways = _ways(axes)
        for name in ways[1:]:
            yield Problem(f"axes.{name}", f"must be left out where `{ways[0]}` is given", None)
        elected = [name for name in axes if name.startswith(("converted.", "converted_on."))]
        if "converted" in axes and elected:
            yield Problem("axes.converted", f"must be left out where a holder elects: {', '.join(elected)}", None)
        if THRESHOLD in axes and "hazard_rate" not in axes and self._hazard_rate is None:
            rule = f"is missing: axes.{THRESHOLD} needs it, as an axis or in a market file"
            yield Problem("hazard_rate", rule, None)

    def idle(self, axes: Collection[str]) -> Mapping[str, str]:
        """What belongs to a conversion or a default moves nothing where there is none."""
        needs = {} if THRESHOLD in axes else {"hazard_rate": f"axes.{THRESHOLD}"}
        if not _ways(axes):
            needs["recovery_rate"] = f"axes.default_on, axes.default_time or axes.{THRESHOLD}"
        if not any(name.partition(".")[0] == "converted_on" for name in axes):
            shares = ("conversion_price", "converted", "stock_price")
            held = [name for name in self.takes if name.partition(".")[0] in shares]
            needs |= dict.fromkeys(held, "axes.converted_on")
        return needs

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
        converted_on, taken = self._conversions(inputs, timeline, size)
        if "conversion_price" in inputs:
            price = read_prices(inputs["conversion_price"], "conversion_price")
            prices = np.broadcast_to(price[:, np.newaxis], converted_on.shape)
        else:
            prices = prices_on(self.deal.terms, converted_on.reshape(-1)).reshape(converted_on.shape)
        default_on, recovery = self._default(inputs, timeline, size)
        ending = timeline.ending(converted_on, taken, prices, default_on, recovery)
        price = self._stock_price(inputs, size)[:, np.newaxis]
        worth = np.where(ending.shares > 0, ending.shares * price, 0.0)
        purchase = self._purchase(inputs, timeline, size)
        cents = (purchase, ending.interest, ending.principal, ending.cash_in_lieu, ending.recovered)
        return {
            **{name: to_money(part) for name, part in zip(_MONEY, cents, strict=True)},
            "shares": ending.shares.astype(np.float64),
            "shares_worth": worth,
            "total": to_money(np.sum(cents, axis=0)) + worth,
        }

    def _conversions(self, inputs: Inputs, timeline: Timeline, size: int) -> tuple[DateArray, IntArray]:
        """Give the day on which each holder converts, in one column where it is that of all, and the principal."""
        keys, last = register_of(self.deal.terms).keys, timeline.conversion_days[1]
        converts = "converted_on" in inputs or "converted" in inputs
        day = self.default(inputs, "converted_on", last if converts else _NO_DAY, size)
        principal = self.default(inputs, "converted", to_money(timeline.held.sum()) if converts else 0.0, size)
        taken = timeline.taken(read_cents(principal, "converted"))
        days = day[:, np.newaxis]
        for holder, key in enumerate(keys):
            own_day, own = (inputs.get(f"{name}.{key}") for name in ("converted_on", "converted"))
            if own_day is None and own is None:
                continue
            if days.shape[1] == 1:
                days = np.repeat(days, len(keys), axis=1)
            if own_day is not None:
                days[:, holder] = own_day
            elif not converts:
                days[:, holder] = last
            held = np.full(size, timeline.held[holder])
            cents = held if own is None else read_cents(own, f"converted.{key}")
            taken[:, holder] = timeline.taken_by(holder, cents, f"converted.{key}")
        return days, taken

    def _purchase(self, inputs: Inputs, timeline: Timeline, size: int) -> IntArray:
        """Give what each holder gives at closing."""
        terms, shape = self.deal.terms, (size, timeline.held.size)
        if "policy" not in inputs:
            return np.broadcast_to(timeline.purchase, shape)
        policies, place = np.unique(inputs["policy"], return_inverse=True)
        words = [known_word("policy", word, POLICIES) for word in policies.tolist()]
        each: IntArray = np.stack([sum(purchase_cents(terms, word).values(), np.int64(0)) for word in words])
        return each[place]

    @property
    def _hazard_rate(self) -> Any | None:
        found = None if self.market is None else self.market.terms.hazard_rate
        return None if found is None or self.market is None else found.quote(self.market.on).value

    def _default(self, inputs: Inputs, timeline: Timeline, size: int) -> tuple[DateArray, FloatArray]:
        ways = _ways(inputs)
        if len(ways) > 1:
            raise TermError(ways[1], rule=f"left out where `{ways[0]}` is given", got="both")
        if THRESHOLD in inputs:
            hazard = inputs.get("hazard_rate", self._hazard_rate)
            start = np.full(size, timeline.closing)
            days = default_days(timeline, times_of_default(inputs[THRESHOLD], hazard, start))
        elif "default_time" in inputs:
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


def _ways(names: Collection[str]) -> list[str]:
    """Give the ways to default among some inputs, of which there may be one."""
    return [name for name in ("default_on", "default_time", THRESHOLD) if name in names]


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
