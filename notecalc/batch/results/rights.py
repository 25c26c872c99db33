"""What may be done with the notes on each day on which the stock is seen, and what it pays: conversion, calls, puts.

It knows the deal's terms by day and no path. Money is per 100 of principal where decisions are weighed, and cents by
holder where it is paid: those of `Deal.cashflows` under a `Redemption` or a `Repurchase`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from notecalc.batch.results.paths import Observations, observation_days
from notecalc.core.arrays import POSITIVE, BoolArray, DateArray, FloatArray, IntArray
from notecalc.core.money import as_fraction, round_half_up
from notecalc.deal.cashflows import interest_by_holder
from notecalc.deal.endings import Timeline, prices_on
from notecalc.deal.register import calendar_of, sole_series
from notecalc.deal.terms import CallTerms, DealTerms, PutTerms, Series
from notecalc.errors import TermError

__all__ = ["LONGEST_PERIOD", "Prices", "Rights", "Window", "notice_of", "observe", "wrong_windows"]

LONGEST_PERIOD = 64  # days that a call counts: a bit each
_DAY = np.timedelta64(1, "D")
_Terms = TypeVar("_Terms", CallTerms, PutTerms)


@dataclass(frozen=True)
class Prices:
    """The conversion price of each scenario on each day [currency/share].

    Parameters
    ----------
    terms : DealTerms
        The deal's, whose prices step on their days.
    own : float64 array, optional
        Of each scenario, in place of the deal's until its first step or reset.
    reset : bool array, optional
        Whether it is reset in each scenario.
    """

    terms: DealTerms
    own: FloatArray | None = None
    reset: BoolArray | None = None

    def __post_init__(self) -> None:
        if self.own is not None:
            POSITIVE.check("conversion_price", self.own)

    def of(self, rows: IntArray) -> Prices:
        """Give those of some scenarios."""
        own = None if self.own is None else self.own[rows]
        return Prices(self.terms, own, None if self.reset is None else self.reset[rows])

    def on(self, days: DateArray, rows: IntArray) -> FloatArray:
        """Give the price of scenarios on days, one for each; that at first where there is no day."""
        prices: FloatArray = prices_on(self.terms, days).astype(np.float64)
        conversion = sole_series(self.terms)[1].conversion
        if self.own is not None:
            steps = [np.datetime64(step.first_date.value) for step in conversion.steps]
            stepped = days >= min(steps) if steps else np.zeros(days.shape, dtype=np.bool_)
            prices = np.where(stepped, prices, self.own[rows])
        if self.reset is not None and conversion.reset is not None:
            known = self.reset[rows] & (days >= np.datetime64(conversion.reset.first_date.value))
            prices = np.where(known, float(conversion.reset.conversion_price.value), prices)
        return prices

    def at(self, day: np.datetime64, stated: float, rows: IntArray) -> FloatArray:
        """Give the price of scenarios on one day, for which the deal's own is known."""
        if self.own is None and self.reset is None:
            return np.full(rows.size, stated)
        return self.on(np.full(rows.size, day), rows)


@dataclass(frozen=True)
class Window:
    """A call or a put, by observation."""

    live: BoolArray
    """Whether it may be exercised, or notice given; on the first and the last day of the window, too."""
    pays: BoolArray
    """Whether it may be what is paid on a day: the same where there is no notice."""
    clean: float
    """Its price before accrued interest [per 100]."""
    paid: FloatArray
    """What is paid in all on the day of the payment [per 100]."""
    cents: IntArray
    """The same for what each holder has, shape (observations, holders)."""
    trigger: float = 0.0
    """Stock price from which it may be called, as a fraction of the conversion price."""
    needed: int = 0
    """Trading days on which the trigger must be met; 0 where the day itself counts."""
    of: int = 0
    """Out of how many."""


@dataclass(frozen=True)
class Rights:
    """The deal's rights by observation.

    Parameters
    ----------
    conversion_price : float64 array
        The deal's own [currency/share].
    converts : bool array
        Whether conversion is open.
    last : int
        The last observation on which it is.
    matures : bool
        Whether that is the day of maturity.
    floor : float64 array
        What is paid beside the shares then [per 100].
    calls, puts : tuple of Window
        Calls and puts before maturity.
    redeemed : int64 array, optional
        The observation at which what is called at each is redeemed; None where calls need no notice.
    """

    conversion_price: FloatArray
    converts: BoolArray
    last: int
    matures: bool
    floor: FloatArray
    calls: tuple[Window, ...]
    puts: tuple[Window, ...]
    redeemed: IntArray | None

    def paid(self, windows: tuple[Window, ...]) -> tuple[FloatArray, IntArray]:
        """Give what calls, or puts, pay on each day [per 100], infinite where nothing, and in cents by holder."""
        found = np.full(self.converts.size, np.inf), np.zeros_like(windows[0].cents)
        for window in windows:
            for table, values in zip(found, (window.paid, window.cents), strict=True):
                table[window.pays] = values[window.pays]
        return found

    @classmethod
    def of(cls, timeline: Timeline, seen: Observations) -> Rights:
        """Lay out a deal's rights on the days of its paths."""
        terms, days = timeline.terms, seen.days
        _, series = sole_series(terms)
        first, last = timeline.conversion_days
        place, numerator, denominator = timeline.place_of(days)
        accrued = 100 * float(series.annual_rate.value) * numerator / denominator
        notice, redeemed = notice_of(series), None
        if notice:
            after = days + notice
            redeemed = np.where(np.isin(after, days), np.searchsorted(days, after), -1)
        floor = accrued if series.conversion.accrued_interest.value == "paid" else np.zeros(days.size)
        floor = np.where(timeline.keeps_coupon(days, place), _coupon_per_100(timeline, place), floor)
        return cls(
            prices_on(terms, days).astype(np.float64),
            (days >= first) & (days <= last),
            int(seen.at(np.array([last]))[0]),
            bool(last == timeline.periods.accrual_end[-1]),
            floor,
            tuple(_call(call, timeline, seen, accrued, redeemed) for call in _in_order(series.calls)),
            tuple(_window(put, timeline, seen, accrued, None) for put in _in_order(series.puts)),
            redeemed,
        )

    def call_at(self, step: int) -> Window | None:
        """Give the call that may be made at an observation; of two that share a day, the one that opens then."""
        return next((call for call in reversed(self.calls) if call.live[step]), None)

    def worth_of_shares(self, call: Window, step: int) -> float:
        """Give what shares must be worth for a holder called at an observation to take them [per 100]."""
        at = step if self.redeemed is None else int(self.redeemed[step])
        return float(call.paid[at] - self.floor[at]) if self.converts[at] else np.inf

    def put_at(self, step: int) -> Window | None:
        """Give the put that may be made then."""
        return next((put for put in reversed(self.puts) if put.live[step]), None)


def observe(timeline: Timeline, every: str, dividends: DateArray) -> Observations:
    """Give the days on which the stock is seen: those asked for, and those on which rights begin, end or change."""
    _, series = sole_series(timeline.terms)
    conversion, notice = series.conversion, notice_of(series)
    last, maturity = timeline.conversion_days[1], timeline.periods.accrual_end[-1]
    calls, puts = ([_days_of(window) for window in windows] for windows in (series.calls, series.puts))
    ends = [last, *(end for _, end in (*calls, *puts))]
    changes: list[np.datetime64] = [np.datetime64(step.first_date.value) for step in conversion.steps]
    changes += [np.datetime64(conversion.reset.first_date.value)] if conversion.reset else []
    also = [last, *changes, *(day - _DAY for day in changes), *(day for window in puts for day in window)]
    also += [day - notice for window in calls for day in window]
    days = np.concatenate([np.array(also, dtype="datetime64[D]"), dividends])
    calendar = calendar_of(timeline.terms)
    through = min(max(ends), maturity)
    seen = observation_days(timeline.closing, through, every, calendar, days)
    if not notice:
        return seen
    after = seen.days + notice
    within = np.zeros(after.size, dtype=np.bool_)
    for begin, end in calls:
        within |= (after >= begin) & (after <= end)
    return observation_days(timeline.closing, through, every, calendar, days, after[within & (after < maturity)])


def notice_of(series: Series) -> int:
    """Give the days from an issuer's notice to redemption."""
    return max((call.notice_days.value for call in series.calls if call.notice_days), default=0)


def wrong_windows(terms: DealTerms) -> list[TermError]:
    """Tell what of calls and puts is not followed on paths."""
    path, series = sole_series(terms)
    found = []
    lengths = sorted({call.notice_days.value if call.notice_days else 0 for call in series.calls})
    if len(lengths) > 1:
        rule = "one number for all calls, where paths are followed"
        found.append(TermError(f"series.{path}.calls.notice_days", rule=rule, got=lengths))
    for k, call in enumerate(series.calls):
        if call.trigger_period is not None and call.trigger_period.value > LONGEST_PERIOD:
            rule = f"at most {LONGEST_PERIOD} trading days, where paths are followed"
            found.append(
                TermError(f"series.{path}.calls[{k}].trigger_period", rule=rule, got=call.trigger_period.value)
            )
    for k, put in enumerate(series.puts):
        if put.clean_price.value > 100 and put.last_date.value >= series.maturity.value:
            rule = "before maturity where the price is above par: such a repayment is not followed on paths"
            found.append(TermError(f"series.{path}.puts[{k}].last_date", rule=rule, got=str(put.last_date.value)))
    return found


def _in_order(windows: Sequence[_Terms]) -> list[_Terms]:
    return sorted(windows, key=lambda window: (window.first_date.value, window.last_date.value))


def _days_of(window: CallTerms | PutTerms) -> tuple[np.datetime64, np.datetime64]:
    return np.datetime64(window.first_date.value), np.datetime64(window.last_date.value)


def _coupon_per_100(timeline: Timeline, place: IntArray) -> FloatArray:
    """Give the running coupon of each day [per 100]; nothing at maturity."""
    periods, rate = timeline.periods, float(sole_series(timeline.terms)[1].annual_rate.value)
    coupons: FloatArray = np.append(100 * rate * periods.numerator / periods.denominator, 0.0)
    return coupons[place]


def _window(
    window: CallTerms | PutTerms,
    timeline: Timeline,
    seen: Observations,
    accrued: FloatArray,
    redeemed: IntArray | None,
) -> Window:
    """Lay out a call or a put that pays its price and accrued interest."""
    _, series = sole_series(timeline.terms)
    first, last = _days_of(window)
    maturity, days = timeline.periods.accrual_end[-1], seen.days
    pays = (days >= first) & (days <= last) & (days < maturity)
    live = pays if redeemed is None else np.where(redeemed >= 0, pays[redeemed], False)
    clean, held = as_fraction(window.clean_price.value, "clean_price"), timeline.held
    excess = clean / 100 - 1
    price = held + round_half_up(held * excess.numerator, np.full_like(held, excess.denominator))
    cents = np.repeat(price[np.newaxis], days.size, axis=0)
    with_interest = window.accrued_interest.value == "paid"
    if with_interest:
        rate = Fraction(series.annual_rate.value)
        # A call is of all notes together, a put each holder's own.
        rounding = series.payment_rounding.value if isinstance(window, CallTerms) else "per-note"
        _, numerator, denominator = timeline.place_of(days)
        for k in np.flatnonzero(pays):
            cents[k] += interest_by_holder(rounding, held, rate, int(numerator[k]), int(denominator[k]))
    return Window(live & seen.decides, pays, float(clean), float(clean) + accrued * with_interest, cents)


def _call(
    call: CallTerms, timeline: Timeline, seen: Observations, accrued: FloatArray, redeemed: IntArray | None
) -> Window:
    """Lay out a call, with its trigger and the coupons that it makes whole."""
    plain = _window(call, timeline, seen, accrued, redeemed)
    needed, of = 0, 0
    if call.trigger_days is not None and call.trigger_period is not None and call.trigger.value != "none":
        needed, of = call.trigger_days.value, call.trigger_period.value
    trigger = 0.0 if call.trigger.value == "none" else float(call.trigger.value)
    paid, cents = plain.paid, plain.cents
    if call.make_whole_until is not None:
        until, periods = np.datetime64(call.make_whole_until.value), timeline.periods
        force = np.log1p(float(call.make_whole_rate.value)) if call.make_whole_rate else 0.0
        ahead = (periods.accrual_end > seen.days[:, np.newaxis]) & (periods.accrual_end <= until)
        years = (periods.payment_date - seen.days[:, np.newaxis]).astype(np.float64) / 365
        worth = ahead * np.exp(-force * years)
        whole: Any = ahead.any(axis=1)
        coupons = _coupon_per_100(timeline, np.arange(len(periods.payment_date)))
        paid = np.where(whole, plain.clean + worth @ coupons, paid)
        price = timeline.held + np.floor(timeline.held * (plain.clean / 100 - 1) + 0.5).astype(np.int64)
        cents = np.where(whole[:, np.newaxis], price + np.floor(worth @ timeline.coupons + 0.5).astype(np.int64), cents)
    return Window(plain.live, plain.pays, plain.clean, paid, cents, trigger, needed, of)
