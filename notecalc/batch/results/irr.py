"""The return of each holder, the shares issued and the headroom left, along paths of the stock."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from notecalc.batch.results.base import SAMPLE, Column, Inputs, OptionsError, Result, in_parts
from notecalc.batch.results.cashflows import default_days
from notecalc.batch.results.elections import Elections, read_number
from notecalc.batch.results.exercise import MODEL, Boundaries, decisions_of, solve
from notecalc.batch.results.paths import Observations, default_times, follow, is_reset
from notecalc.batch.results.received import Ended, end, rates_of, received_by
from notecalc.batch.results.rights import Prices, Rights, observe
from notecalc.core.arrays import FINITE, POSITIVE, BoolArray, DateArray, FloatArray, IntArray, forbid
from notecalc.core.convertible.terms import Convertible, Steps
from notecalc.deal.captable import cap_lines
from notecalc.deal.convertible import convertible_of
from notecalc.deal.endings import Timeline
from notecalc.deal.register import register_of, sole_series
from notecalc.errors import TermError

__all__ = ["ALL_HOLDERS", "Irr"]

ALL_HOLDERS = "all holders"
_AT_ONCE = 16_384  # paths that are followed together: what they need stays in a processor's cache
_NO_DAY = np.datetime64("NaT", "D")
_NOT_FOLLOWED = ("hazard_elasticity", "hazard_reference_price")
_OF_BOUNDARIES = ("borrow_cost", "risk_free")  # they move nothing else
_NO_BOUNDARY = ("drift", "stock_price", "reset_probability")  # a boundary is not moved by them


class Irr(Result):
    r"""Return of each holder, and of all together, on paths of the stock price: under the real-world measure.

    The stock starts on the day of closing at the market's price and is lognormal, with the market's volatility and the
    ``drift`` of its return, dividends with it [1/yr, continuous], while the issuer lives: an assumption, whose reason
    the scenario file must give. A dividend yield lowers the growth of the price; a cash dividend leaves the price on
    its ex-date, after what is decided that day, and takes half of it at most. The time of default is exponential, by
    the market's hazard rate taken for the real one, independent of the stock; so is whether the conversion price is
    reset, by the market's ``reset_probability``. Each path is drawn by seed, sample and step alone, the same at each
    point of the grid.

    ``rule`` says when holders convert all they have, at one of the days on which the price is ``observed`` (``month``,
    ``week``, ``day``, or ``trading-day``, a business day of the deal's calendar), and those on which terms change:

    - ``at-maturity``: on the last day on which notes convert, if the shares are worth at least the principal;
    - ``trigger``: the first day with a price of at least ``trigger`` times the conversion price, or as above;
    - ``optimal``: the first day with a price at or above the model's boundary, or at maturity as above.

    ``call``, needed where the deal has calls, says when the issuer calls, once the deal's trigger is met: on the day,
    or on n of the last m trading days, which are counted on the path and so need ``observed = "trading-day"``:

    - ``never``; ``first-chance``: on the first day;
    - ``parity``: the first day with a parity of at least ``call_parity`` times the clean call price;
    - ``optimal``: if the shares are worth at least the call price, or the stock is at the boundary of a call for cash.

    Called, a holder gets the better of the call price, with what the deal pays beside it, and the shares, where
    conversion is open. Where calls need notice these are compared on the day of redemption, up to which coupons are
    paid, the issuer may default and holders decide nothing; the trigger and ``call_parity`` are those of the notice.

    ``put``, needed where the deal has puts, says when holders put: ``never``; ``below``, with a price below
    ``put_below`` times the conversion price; ``optimal``, below the model's boundary. Puts are for cash. On one day
    a holder converts, or else puts, or else is called, a coupon of that day being paid first. ``holders`` has tables by
    purchaser of what some elect instead: ``{ tejas = { rule = "at-maturity" } }``.

    Boundaries are those of the Ayache-Forsyth-Vetzal model, under the risk-neutral measure whatever the drift, at the
    accuracy ``accuracy``; between its times they run in a line. They are of a note of which the holder and the issuer
    make the best, without calls where the issuer never calls and without puts where nobody puts. Under a reset they
    take it for known from closing whether it happens, as `Deal.value` does.

    The model exercises at any time, paths on days: a call in a window comes late, which is worth something to the
    holder. Notes of three years (volatility 30%, hazard rate 5%) were worth more than by `Deal.value` [per 100], under
    the risk-neutral drift, where the price was observed by ``day``, ``week`` and ``month``: 0.29, 0.76 and 1.60 under a
    call at 110 from year 1, 0.23, 0.53 and 1.14 under one at 100 with a trigger of 1.3 (standard errors of 0.04). With
    20 of 30 trading days, calls on single days, puts, steps, resets and dividends no difference was found (standard
    errors of 0.05 to 0.15).

    At maturity the last coupon is paid before, as in `Deal.cashflows`. Shares are worth the path's price on the day of
    conversion. On default, on whose day and later nothing else is paid, holders take the better of the recovery on
    their claim and, on a day on which notes convert, the shares at the last price seen less the stock's drop; a default
    after the notes have ended is none of theirs.

    Rates are annual effective by actual/365 fixed, on actual payment dates; the outlay is cash and the par of all that
    is surrendered. A total loss is -1. What follows an outlay is received, so that no path has several rates; one with
    no rate, as of a holder who gives nothing, is a row with the error code ``irr``.

    It raises for deals redeemed in shares, for ``optimal`` where calls need notice (unless they are never made), for
    puts above par at maturity, and for markets with an elastic hazard rate, or a volatility or hazard rate by date.
    """

    name = "irr"
    options: ClassVar[Mapping[str, type]] = {
        "rule": str,
        "trigger": float,
        "observed": str,
        "drift": dict,
        "accuracy": str,
        "call": str,
        "call_parity": float,
        "put": str,
        "put_below": float,
        "holders": dict,
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
        wrong = self._unfit()
        elections = Elections.read(deal.terms, options, wrong)
        drift = options.get("drift")
        if not isinstance(drift, Mapping) or set(drift) != {"value", "assumed"} or not drift["assumed"]:
            wrong.append(TermError("irr.drift", rule='{ value = ..., assumed = "the reason" }', got=drift))
        else:
            self._drift = read_number("drift.value", drift["value"], wrong, low=-1.0)
        if wrong or elections is None:
            raise OptionsError(wrong)
        self._elections = elections

    @property
    def model(self) -> str:
        """The one whose market file's data are a hazard rate, a recovery and a drop of the stock."""
        return MODEL

    @property
    def takes(self) -> Mapping[str, str]:
        """The data of the market that move something, the drift and the conversion price."""
        own = set(self._market.quotes()) - {*_NOT_FOLLOWED, "dividends"} | {"conversion_price", "drift"}
        own -= set() if self._elections.optimal else {*_OF_BOUNDARIES}
        return dict.fromkeys(sorted(own), "number")

    @property
    def columns(self) -> Mapping[str, Column]:
        """Rates, what was received, shares and dates."""
        real = "under the real-world measure"
        currency = self.deal.terms.currency
        series = sole_series(self.deal.terms)[1]
        days = {
            "converted_on": "day of conversion",
            **({"called_on": "day on which notes that were called are redeemed or converted"} if series.calls else {}),
            **({"put_on": "day on which notes are put"} if series.puts else {}),
            "defaulted_on": "day of default while notes are outstanding",
        }
        return {
            "irr": Column("1/yr", f"annual effective rate of return, actual/365 fixed, {real}; -1 is a total loss"),
            "received": Column(currency, f"all that is received after closing, the worth of shares with it, {real}"),
            "shares_issued": Column("shares", f"whole shares issued on conversion, {real}"),
            "headroom": Column("shares", "authorised shares left after all conversions of the path; below 0 if short"),
            **{name: Column("date", f"{meaning}; missing if none", "datetime64[D]") for name, meaning in days.items()},
        }

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """Holders, and all of them together."""
        return {"holder": (*register_of(self.deal.terms).names, ALL_HOLDERS)}

    def compute(self, inputs: Inputs, size: int) -> Mapping[str, npt.NDArray[Any]]:
        """Follow the paths, so many at once."""
        if self.seed is None:
            raise TermError("seed", rule="given where a result draws paths", got=None)
        timeline = Timeline.of(self.deal.terms)
        seen = observe(timeline, self._elections.observed, self._dividends[0])
        rights = Rights.of(timeline, seen)
        data = self._data(inputs, size)
        sample = self.default(inputs, SAMPLE, 0, size)
        prices = Prices(self.deal.terms, inputs.get("conversion_price"), self._reset(sample, data))
        optimal = self._elections.optimal
        boundaries = self._boundaries(inputs, data, prices, seen, size) if optimal else Boundaries.none(size)

        def followed(rows: IntArray) -> Mapping[str, npt.NDArray[Any]]:
            own = {name: values[rows] for name, values in data.items()}
            return self._followed(own, sample[rows], timeline, seen, rights, prices.of(rows), boundaries.of(rows))

        return in_parts((np.arange(at, min(at + _AT_ONCE, size)) for at in range(0, size, _AT_ONCE)), followed)

    @property
    def _market(self) -> Any:
        case: Any = self.market
        return case.market(MODEL)

    def _unfit(self) -> list[TermError]:
        """Tell what of the deal and of the market paths don't follow."""
        path, series = sole_series(self.deal.terms)
        found = []
        if series.redemption_in is not None and series.redemption_in.value == "shares":
            rule = "cash, where paths are followed"
            found.append(TermError(f"series.{path}.redemption_in", rule=rule, got="shares"))
        quotes = self._market.quotes()
        for name, quote in quotes.items():
            if name in _NOT_FOLLOWED or (name != "risk_free" and isinstance(quote.value, Steps)):
                rule = "a number, and not by date" if name not in _NOT_FOLLOWED else "left out"
                found.append(TermError(f"market.{name}", rule=f"{rule}, where paths are followed", got=quote.value))
        if (series.conversion.reset is None) == ("reset_probability" in quotes):
            rule = "given where the deal's conversion price may be reset, and only there"
            got = quotes["reset_probability"].value if "reset_probability" in quotes else None
            found.append(TermError("market.reset_probability", rule=rule, got=got))
        closing, case = self.deal.terms.dates.closing.value, self.market
        if case is not None and case.on != closing:
            rule = f"the day of closing, {closing}, on which paths begin"
            found.append(TermError("market.on", rule=rule, got=str(case.on)))
        return found

    def _data(self, inputs: Inputs, size: int) -> dict[str, FloatArray]:
        """The market's numbers of each scenario, and the drift."""
        given = {name: quote.value for name, quote in self._market.quotes().items() if name not in _APART}
        given["drift"] = self._drift
        data = {name: self.default(inputs, name, value, size) for name, value in given.items()}
        for name in ("stock_price", "volatility"):
            POSITIVE.check(name, data[name])
        for name in {"drift", "dividend_yield", "borrow_cost"} & set(data):
            FINITE.check(name, data[name])
        forbid("hazard_rate", data["hazard_rate"], ~(data["hazard_rate"] >= 0), "at least 0")
        for name in {"recovery_rate", "stock_drop", "reset_probability"} & set(data):
            forbid(name, data[name], ~((data[name] >= 0) & (data[name] <= 1)), "a fraction from 0 to 1")
        return data

    @property
    def _dividends(self) -> tuple[DateArray, FloatArray]:
        """Ex-dates and cash dividends."""
        quote = self._market.quotes().get("dividends")
        paid = {} if quote is None else dict(quote.value)
        return np.array([*paid], dtype="datetime64[D]"), np.array([*paid.values()], dtype=np.float64)

    def _reset(self, sample: IntArray, data: dict[str, FloatArray]) -> BoolArray | None:
        chance = data.get("reset_probability")
        return None if chance is None else is_reset(int(self.seed or 0), sample, chance)

    def _contract(self, reset: bool, conversion_price: FloatArray | None) -> Convertible:  # noqa: FBT001
        """Give the note whose boundaries are wanted."""
        note = convertible_of(self.deal.terms, reset=reset, conversion_price=conversion_price)
        calls = () if self._elections.issuer.rule == "never" else note.calls
        return dataclasses.replace(note, calls=calls, puts=note.puts if self._elections.puts else ())

    def _boundaries(
        self, inputs: Inputs, data: dict[str, FloatArray], prices: Prices, seen: Observations, size: int
    ) -> Boundaries:
        """Boundaries do not depend on where the stock is: for all they are computed from the conversion price."""
        days, amounts = self._dividends
        conversion = sole_series(self.deal.terms)[1].conversion
        steps = [np.datetime64(step.first_date.value) for step in (*conversion.steps, conversion.reset) if step]
        own = {name: values for name, values in data.items() if name not in _NO_BOUNDARY}
        varied = {name: values for name, values in own.items() if name in inputs}
        varied |= {name: inputs[name] for name in ("conversion_price", "risk_free") if name in inputs}
        fixed: dict[str, Any] = {name: float(values[0]) for name, values in own.items() if name not in varied}
        fixed["stock_price"] = float(conversion.conversion_price.value)
        fixed |= {"accuracy": self._elections.accuracy}
        if "risk_free" not in varied:
            fixed["risk_free"] = self._market.risk_free.value
        if days.size:
            fixed |= {"dividend_dates": days, "dividend_amounts": amounts}
        reset = np.zeros(size, dtype=np.bool_) if prices.reset is None else prices.reset
        closing = np.datetime64(self.deal.terms.dates.closing.value, "D")
        return solve(
            self._contract, seen, closing, (np.array(steps, dtype="datetime64[D]"), days), varied, fixed, reset
        )

    def _followed(
        self,
        data: dict[str, FloatArray],
        sample: IntArray,
        timeline: Timeline,
        seen: Observations,
        rights: Rights,
        prices: Prices,
        boundaries: Boundaries,
    ) -> dict[str, npt.NDArray[Any]]:
        seed, size = int(self.seed or 0), sample.size
        default_on = default_days(timeline, default_times(seed, sample, data["hazard_rate"]))
        growth = data["drift"] - data.get("dividend_yield", 0.0)
        days, amounts = self._dividends
        within = (days > seen.days[0]) & (days <= seen.days[-1])
        cash = np.zeros(seen.days.size) if within.any() else None
        if cash is not None:
            np.add.at(cash, seen.at(days[within]), amounts[within])
        ends: list[tuple[Ended, list[int]]] = []
        for holder, places in self._elections.holders.items():
            decisions = decisions_of(holder, self._elections.issuer, rights, prices, seen, boundaries, cash, size)
            paths = follow(seed, sample, seen, data["stock_price"], growth, data["volatility"], default_on, decisions)
            ended = end(timeline, rights, prices, seen, paths, default_on, data["stock_drop"], data["recovery_rate"])
            ends.append((ended, places))
        return self._told(timeline, ends)

    def _told(self, timeline: Timeline, ends: list[tuple[Ended, list[int]]]) -> dict[str, npt.NDArray[Any]]:
        """Put the columns together, of holders and in the last place of all of them."""
        rates = rates_of(timeline, ends)
        lost = np.flatnonzero(~np.isfinite(rates).all(axis=1))
        if lost.size:
            rule = "one rate of return for each holder, of an outlay and what is received after it"
            raise TermError("irr", rule=rule, got="none", rows=lost.tolist(), row=int(lost[0]))
        received = _with_all(_by_holder(ends, [received_by(timeline, ended) for ended, _ in ends]))
        issued = _with_all(_by_holder(ends, [ended.shares.astype(np.float64) for ended, _ in ends]))
        terms = self.deal.terms
        room = float(terms.capitalization.authorised.value) - sum(line.shares for line in cap_lines(terms))
        days = {name: _days(ends, name) for name in self.columns if name.endswith("_on")}
        return {
            "irr": rates,
            "received": received,
            "shares_issued": issued,
            "headroom": np.repeat(room - issued[:, -1:], issued.shape[1], axis=1),
            **days,
        }


_APART = ("risk_free", "dividends")  # not a number of each scenario


def _with_all(by_holder: FloatArray) -> FloatArray:
    return np.concatenate([by_holder, by_holder.sum(axis=1, keepdims=True)], axis=1)


def _by_holder(ends: list[tuple[Ended, list[int]]], parts: list[FloatArray]) -> FloatArray:
    """Take each holder's column from what those of its election have."""
    found = parts[0].copy()
    for (_, places), part in zip(ends[1:], parts[1:], strict=True):
        found[:, places] = part[:, places]
    return found


def _days(ends: list[tuple[Ended, list[int]]], name: str) -> DateArray:
    """Give the days of an event by holder; of all of them, where it is the same for all."""
    days = [getattr(ended, name) for ended, _ in ends]
    if len(ends) == 1:
        one: DateArray = days[0][:, np.newaxis]
        return one
    holders = sum(len(places) for _, places in ends)
    found = np.full((days[0].size, holders + 1), _NO_DAY)
    for (_, places), own in zip(ends, days, strict=True):
        found[:, places] = own[:, np.newaxis]
    found[:, -1] = np.where((found[:, :-1] == found[:, :1]).all(axis=1), found[:, 0], _NO_DAY)
    return found
