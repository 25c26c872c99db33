"""The return of each holder, the shares issued and the headroom left, along paths of the stock."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from notecalc.batch.results.base import SAMPLE, Column, Inputs, Result, in_parts
from notecalc.batch.results.cashflows import default_days
from notecalc.batch.results.paths import Followed, Observations, Threshold, default_times, follow, observation_days
from notecalc.core.arrays import FINITE, POSITIVE, DateArray, FloatArray, IntArray, forbid
from notecalc.core.convertible.outcomes import exercise_boundary
from notecalc.core.convertible.terms import Steps
from notecalc.core.convertible.valuation import ACCURACIES
from notecalc.core.irr import rates_of_endings
from notecalc.core.words import known_word
from notecalc.deal.captable import cap_lines
from notecalc.deal.convertible import convertible_of
from notecalc.deal.endings import Timeline, prices_on
from notecalc.deal.register import register_of, sole_series
from notecalc.errors import TermError

__all__ = ["ALL_HOLDERS", "Irr"]

ALL_HOLDERS = "all holders"
_MODEL = "ayache-forsyth-vetzal"
_RULES = ("at-maturity", "trigger", "optimal")
_OBSERVED = ("day", "week", "month")
_AT_ONCE = 16_384  # paths that are followed together: what they need stays in a processor's cache
_NO_DAY = np.datetime64("NaT", "D")
_NOT_FOLLOWED = ("dividends", "hazard_elasticity", "hazard_reference_price", "reset_probability")


class Irr(Result):
    r"""Return of each holder, and of all together, on paths of the stock price: under the real-world measure.

    The stock starts on the day of closing at the market's price and is lognormal, with the market's volatility and the
    ``drift`` of its price [1/yr, continuous] while the issuer lives: an assumption, whose reason the scenario file
    must give. The time of default is exponential, by the market's hazard rate taken for the real one, independent of
    the stock. Each path is drawn by seed, sample and step alone, the same at each point of the grid.

    ``rule`` says when all holders convert all they have, at one of the days on which the price is ``observed``:

    - ``at-maturity``: on the last day on which notes convert, if the shares are worth at least the principal;
    - ``trigger``: the first day with a price of at least ``trigger`` times the conversion price, or as above;
    - ``optimal``: the first day with a price at or above the boundary at which the Ayache-Forsyth-Vetzal model has a
      holder convert, which is computed under the risk-neutral measure whatever the drift (at the accuracy
      ``accuracy``; between its times it runs in a line), or at maturity as above.

    At maturity the last coupon is paid before, as in `Deal.cashflows`. Shares are worth the path's price on the day of
    conversion. On default, on whose day and later nothing else is paid, holders take the better of the recovery on
    principal and, on a day on which notes convert, the shares at the last price seen less the stock's drop; a default
    after conversion or the last payment is none of the notes'.

    Rates are annual effective by actual/365 fixed, on actual payment dates; the outlay is cash and the par of all that
    is surrendered. A total loss is -1.

    It raises for deals with calls, puts, a reset of the conversion price or a redemption in shares, and for markets
    with cash dividends, an elastic hazard rate, or a volatility or hazard rate by date.
    """

    name = "irr"
    options: ClassVar[Mapping[str, type]] = {
        "rule": str,
        "trigger": float,
        "observed": str,
        "drift": dict,
        "accuracy": str,
    }
    needs_market = True
    draws_paths = True
    measure = "real-world"
    uses = (
        "business_days.", "capitalization.", "closing.", "dates.closing", "exchanges.", "instruments.", "purchases",
        "series.", "surrender_rights",
    )  # fmt: skip

    def __init__(self, deal: Any, market: Any, *, seed: int | None = None, **options: Any) -> None:
        super().__init__(deal, market, seed=seed, **options)
        self._rule = known_word("irr.rule", options.get("rule"), _RULES)
        self._observed = known_word("irr.observed", options.get("observed"), _OBSERVED)
        self._accuracy = known_word("irr.accuracy", options.get("accuracy", "standard"), tuple(ACCURACIES))
        self._trigger = self._number("trigger", options["trigger"]) if "trigger" in options else None
        if (self._trigger is None) == (self._rule == "trigger"):
            raise TermError("irr.trigger", rule="given with rule = 'trigger', and only there", got=self._trigger)
        if "accuracy" in options and self._rule != "optimal":
            raise TermError("irr.accuracy", rule="given with rule = 'optimal' only", got=self._accuracy)
        drift = options.get("drift")
        if not isinstance(drift, Mapping) or set(drift) != {"value", "assumed"} or not drift["assumed"]:
            raise TermError("irr.drift", rule='{ value = ..., assumed = "the reason" }', got=drift)
        self._drift = self._number("drift.value", drift["value"], low=-1.0)

    @property
    def model(self) -> str:
        """The one whose market file's data are a hazard rate, a recovery and a drop of the stock."""
        return _MODEL

    @property
    def takes(self) -> Mapping[str, str]:
        """The data of the market, the drift and the conversion price."""
        own = set(self._market.quotes()) - {*_NOT_FOLLOWED} | {"conversion_price", "drift"}
        return dict.fromkeys(sorted(own), "number")

    @property
    def columns(self) -> Mapping[str, Column]:
        """Rates, what was received, shares and dates."""
        real = "under the real-world measure"
        currency = self.deal.terms.currency
        return {
            "irr": Column("1/yr", f"annual effective rate of return, actual/365 fixed, {real}; -1 is a total loss"),
            "received": Column(currency, f"all that is received after closing, the worth of shares with it, {real}"),
            "shares_issued": Column("shares", f"whole shares issued on conversion, {real}"),
            "headroom": Column("shares", "authorised shares left after all conversions of the path; below 0 if short"),
            "converted_on": Column("date", "day of conversion; missing if none", "datetime64[D]"),
            "defaulted_on": Column(
                "date", "day of default while notes are outstanding; missing if none", "datetime64[D]"
            ),
        }

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """Holders, and all of them together."""
        return {"holder": (*register_of(self.deal.terms).names, ALL_HOLDERS)}

    def compute(self, inputs: Inputs, size: int) -> Mapping[str, npt.NDArray[Any]]:
        """Follow the paths, so many at once."""
        self._check()
        timeline, seen = self._timeline()
        boundary = self._boundary(inputs, size, timeline, seen) if self._rule == "optimal" else None

        def followed(rows: IntArray) -> Mapping[str, npt.NDArray[Any]]:
            own = {name: values[rows] for name, values in inputs.items()}
            at = None if boundary is None else (boundary[0], boundary[1][rows])
            return self._followed(own, rows.size, timeline, seen, at)

        return in_parts((np.arange(at, min(at + _AT_ONCE, size)) for at in range(0, size, _AT_ONCE)), followed)

    def _timeline(self) -> tuple[Timeline, Observations]:
        timeline = Timeline.of(self.deal.terms)
        return timeline, observation_days(timeline.closing, timeline.conversion_days[1], self._observed)

    @property
    def _market(self) -> Any:
        case: Any = self.market
        return case.market(_MODEL)

    def _number(self, name: str, value: Any, *, low: float = 0.0) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = np.nan
        if isinstance(value, bool | str) or not low < number < np.inf:
            raise TermError(f"irr.{name}", rule=f"a number above {low:g}", got=value)
        return number

    def _check(self) -> None:
        path, series = sole_series(self.deal.terms)
        for name, windows in (("calls", series.calls), ("puts", series.puts)):
            if windows:
                rule = "without windows: paths of notes that are called or put are not followed"
                raise TermError(f"series.{path}.{name}", rule=rule, got=len(windows))
        in_shares = series.redemption_in is not None and series.redemption_in.value == "shares"
        if series.conversion.reset is not None or in_shares:
            rule = "without a reset of the conversion price and redeemed in cash: other paths are not followed"
            raise TermError(f"series.{path}", rule=rule, got="shares" if in_shares else "a reset")
        for name, quote in self._market.quotes().items():
            if name in _NOT_FOLLOWED or (name != "risk_free" and isinstance(quote.value, Steps)):
                rule = "a number, and not by date" if name not in _NOT_FOLLOWED else "left out"
                raise TermError(f"market.{name}", rule=f"{rule}, where paths are followed", got=quote.value)
        closing, case = self.deal.terms.dates.closing.value, self.market
        if case is not None and case.on != closing:
            raise TermError("market.on", rule=f"the day of closing, {closing}, on which paths begin", got=str(case.on))

    def _data(self, inputs: Inputs, size: int) -> dict[str, FloatArray]:
        """The market's numbers of each scenario, and the drift."""
        quotes = self._market.quotes()
        given = {name: quote.value for name, quote in quotes.items() if name != "risk_free"} | {"drift": self._drift}
        data = {name: self.default(inputs, name, value, size) for name, value in given.items()}
        for name in ("stock_price", "volatility"):
            POSITIVE.check(name, data[name])
        FINITE.check("drift", data["drift"])
        forbid("hazard_rate", data["hazard_rate"], ~(data["hazard_rate"] >= 0), "at least 0")
        for name in ("recovery_rate", "stock_drop"):
            forbid(name, data[name], ~((data[name] >= 0) & (data[name] <= 1)), "a fraction from 0 to 1")
        return data

    def _prices(self, inputs: Inputs, days: DateArray) -> FloatArray:
        """Conversion price of each scenario, on its day."""
        if "conversion_price" in inputs:
            given: FloatArray = inputs["conversion_price"]
            POSITIVE.check("conversion_price", given)
            return given
        prices: FloatArray = prices_on(self.deal.terms, days).astype(np.float64)
        return prices

    def _boundary(
        self, inputs: Inputs, size: int, timeline: Timeline, seen: Observations
    ) -> tuple[FloatArray, IntArray]:
        """Stock prices from which a holder does best to convert, by market and observation, and each scenario's market.

        The boundary does not depend on where the stock is: for all it is computed from the conversion price.
        """
        data = self._data(inputs, size)
        varied = [name for name in data if name in inputs and name not in ("drift", "stock_price")]
        varied += [name for name in ("conversion_price", "risk_free") if name in inputs]
        keys = np.stack([inputs[name] for name in varied], axis=1) if varied else np.zeros((size, 0))
        _, first, place = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        prices = self._prices({name: inputs[name][first] for name in varied}, np.full(first.size, timeline.closing))
        market = {name: values[first] for name, values in data.items() if name not in ("drift", "stock_price")}
        own = prices if "conversion_price" in inputs else None
        rate = inputs["risk_free"][first] if "risk_free" in inputs else self._market.risk_free.value
        try:
            points = exercise_boundary(
                convertible_of(self.deal.terms, claim="principal", conversion_price=own),
                np.full(first.size, timeline.closing),
                stock_price=prices,
                model=_MODEL,
                risk_free=rate,
                accuracy=self._accuracy,
                **market,
            )
        except TermError as error:
            told = error.rows or ([] if error.row is None else [error.row])
            rows = np.flatnonzero(np.isin(place.reshape(-1), told)).tolist()
            raise TermError(error.name, rule=error.rule, got=error.got, rows=rows or None) from error
        converts = points.kind == "conversion"
        row, years, price = points.row[converts], points.years[converts], points.stock_price[converts]
        ends = np.searchsorted(row, np.arange(first.size + 1))
        table = np.full((first.size, seen.years.size), np.inf)
        for k, (begin, end) in enumerate(itertools.pairwise(ends)):
            if end > begin:
                table[k] = _at_times(years[begin:end], price[begin:end], seen.years)
        return table, place.reshape(-1)

    def _threshold(
        self, timeline: Timeline, seen: Observations, prices: FloatArray | None, at: tuple[FloatArray, IntArray] | None
    ) -> Threshold:
        """Prices from which notes convert, by the rule; `prices` where the conversion price varies by scenario."""
        first, last = timeline.conversion_days
        by_day = prices_on(self.deal.terms, seen.days).astype(np.float64)
        final, matures = len(seen.days) - 1, last == timeline.periods.accrual_end[-1]

        def threshold(step: int, rows: IntArray) -> FloatArray:
            price = np.full(rows.size, by_day[step]) if prices is None else prices[rows]
            if step == final and (matures or at is None):
                return price
            if seen.days[step] < first or self._rule == "at-maturity":
                return np.full(rows.size, np.inf)
            if at is None:
                return price * float(self._trigger or 0.0)
            table, place = at
            boundary: FloatArray = table[place[rows], step]
            return boundary

        return threshold

    def _followed(
        self,
        inputs: Inputs,
        size: int,
        timeline: Timeline,
        seen: Observations,
        at: tuple[FloatArray, IntArray] | None,
    ) -> dict[str, npt.NDArray[Any]]:
        data = self._data(inputs, size)
        sample = self.default(inputs, SAMPLE, 0, size)
        seed = self._given_seed
        default_on = default_days(timeline, default_times(seed, sample, data["hazard_rate"]))
        own = self._prices(inputs, seen.days[:0]) if "conversion_price" in inputs else None
        paths = follow(
            seed, sample, seen, data["stock_price"], data["drift"], data["volatility"], default_on,
            self._threshold(timeline, seen, own, at),
        )  # fmt: skip
        return self._ended(inputs, timeline, seen, data, default_on, paths)

    @property
    def _given_seed(self) -> int:
        if self.seed is None:
            raise TermError("seed", rule="given where a result draws paths", got=None)
        return self.seed

    def _ended(
        self,
        inputs: Inputs,
        timeline: Timeline,
        seen: Observations,
        data: dict[str, FloatArray],
        default_on: DateArray,
        paths: Followed,
    ) -> dict[str, npt.NDArray[Any]]:
        """What holders receive in the end: shares, the recovery, or the principal."""
        held, coupons = timeline.held, timeline.coupons
        by_rule = paths.converted >= 0
        defaulted = ~by_rule & ~np.isnat(default_on)
        day = np.where(by_rule, seen.days[paths.converted], np.where(defaulted, default_on, _NO_DAY))
        price = np.where(by_rule, paths.price, paths.price * (1 - data["stock_drop"]))
        conversion_price = self._prices(inputs, day)
        first, last = timeline.conversion_days
        salvaged = defaulted & (day >= first) & (day <= last) & (price / conversion_price > data["recovery_rate"])
        converted = by_rule | salvaged
        shares, cash = self._shares(timeline, conversion_price, converted)
        place, numerator, denominator = timeline.place_of(day)
        accrued = timeline.accrued_paid(np.where(by_rule[:, np.newaxis], held, 0), numerator, denominator)
        recovered = timeline.recover(
            np.where((defaulted & ~salvaged)[:, np.newaxis], held, 0), np.where(defaulted, data["recovery_rate"], 0.0)
        )
        repaid = np.where((converted | defaulted)[:, np.newaxis], 0, held)
        end = (cash + accrued + recovered + repaid) / 100 + shares * price[:, np.newaxis]
        paid_on = np.where(
            converted | defaulted,
            np.where(defaulted & ~salvaged, day, timeline.paid_on(np.where(converted, day, timeline.closing))),
            timeline.periods.payment_date[-1],
        )
        counts = np.where(by_rule, place + timeline.keeps_coupon(day, place), len(coupons))
        counts = np.minimum(counts, timeline.coupons_before(default_on))
        return self._rated(timeline, counts, paid_on, end, shares) | {
            "converted_on": np.where(converted, day, _NO_DAY)[:, np.newaxis],
            "defaulted_on": np.where(defaulted, default_on, _NO_DAY)[:, np.newaxis],
        }

    def _shares(
        self, timeline: Timeline, prices: FloatArray, converted: npt.NDArray[np.bool_]
    ) -> tuple[IntArray, IntArray]:
        """Shares, and cents in lieu of fractions, of each holder of all its principal."""
        distinct, place = np.unique(prices, return_inverse=True)
        all_held = np.broadcast_to(timeline.held, (distinct.size, timeline.held.size))
        shares, cash = timeline.convert(all_held, distinct)
        happens = converted[:, np.newaxis]
        return np.where(happens, shares[place], 0), np.where(happens, cash[place], 0)

    def _rated(
        self, timeline: Timeline, counts: IntArray, paid_on: DateArray, end: FloatArray, shares: IntArray
    ) -> dict[str, npt.NDArray[Any]]:
        """Rates and totals of the holders, and in the last column of all of them."""
        coupons, ends = _with_all(timeline.coupons / 100), _with_all(end)
        days = (timeline.periods.payment_date - timeline.closing).astype(np.float64)
        rates = rates_of_endings(
            days / 365,
            coupons,
            _with_all(timeline.purchase[np.newaxis] / 100)[0],
            counts,
            (paid_on - timeline.closing).astype(np.float64) / 365,
            ends,
        )
        paid = np.concatenate([np.zeros((1, coupons.shape[1])), coupons.cumsum(axis=0)])
        issued = _with_all(shares.astype(np.float64))
        terms = self.deal.terms
        room = float(terms.capitalization.authorised.value) - sum(line.shares for line in cap_lines(terms))
        return {
            "irr": rates,
            "received": paid[counts] + ends,
            "shares_issued": issued,
            "headroom": np.repeat(room - issued[:, -1:], issued.shape[1], axis=1),
        }


def _with_all(by_holder: FloatArray) -> FloatArray:
    return np.concatenate([by_holder, by_holder.sum(axis=1, keepdims=True)], axis=1)


def _at_times(years: FloatArray, prices: FloatArray, times: FloatArray) -> FloatArray:
    """Interpolate a boundary, after the payments of each time; infinite where notes are not converted at any price."""
    before = np.searchsorted(years, times + 1e-9, side="right") - 1
    after = np.minimum(before + 1, years.size - 1)
    inside = np.maximum(before, 0)
    span = years[after] - years[inside]
    weight = np.where(span > 0, (times - years[inside]) / np.where(span > 0, span, 1.0), 0.0)
    weight = np.clip(weight, 0.0, 1.0)
    low, high = prices[inside], prices[after]
    found = np.where(weight == 0, low, low + weight * (high - low))
    return np.where((before < 0) | np.isnan(found) | (times > years[-1] + 1e-9), np.inf, found)
