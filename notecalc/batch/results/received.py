"""What holders receive at the ends of paths, and the rate of return of it all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from notecalc.batch.results.paths import CALLED, CONVERTED, PUT, Followed, Observations
from notecalc.batch.results.rights import Prices, Rights
from notecalc.core.arrays import BoolArray, DateArray, FloatArray, IntArray
from notecalc.core.irr import rates_of_endings, xirr
from notecalc.deal.endings import Timeline
from notecalc.deal.register import sole_series

__all__ = ["Ended", "end", "rates_of", "received_by"]

_NO_DAY = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class Ended:
    """How paths ended, a row each; columns are holders."""

    counts: IntArray
    """Coupons paid."""
    paid_on: DateArray
    """Day of the last payment."""
    amounts: FloatArray
    """That payment, the worth of shares with it [currency]."""
    shares: IntArray
    converted_on: DateArray
    put_on: DateArray
    called_on: DateArray
    """On which called notes were redeemed, or converted instead."""
    defaulted_on: DateArray


def end(
    timeline: Timeline,
    rights: Rights,
    prices: Prices,
    seen: Observations,
    paths: Followed,
    default_on: DateArray,
    stock_drop: FloatArray,
    recovery_rate: FloatArray,
) -> Ended:
    """Settle each path: shares, the price of a call or a put, the recovery, or the principal."""
    held, rows = timeline.held, np.arange(paths.how.size)
    decided = paths.how > 0
    defaulted = ~decided & ~np.isnat(default_on)
    day = np.where(decided, seen.days[paths.step], np.where(defaulted, default_on, _NO_DAY))
    price = np.where(decided, paths.price, paths.price * (1 - stock_drop))
    conversion_price = prices.on(day, rows)
    parity = 100 * price / conversion_price
    called, put, by_rule = paths.how == CALLED, paths.how == PUT, paths.how == CONVERTED
    cents = np.where((decided | defaulted)[:, np.newaxis], 0, held)
    if called.any():
        paid, in_cents = rights.paid(rights.calls)
        # Called, the holder has the better of the call price and the shares.
        forced = called & rights.converts[paths.step] & (parity >= (paid - rights.floor)[paths.step])
        by_rule |= forced
        cents += np.where((called & ~forced)[:, np.newaxis], in_cents[paths.step], 0)
    if put.any():
        cents += np.where(put[:, np.newaxis], rights.paid(rights.puts)[1][paths.step], 0)
    place, numerator, denominator = timeline.place_of(day)
    claim = _claim(timeline, np.where(defaulted[:, np.newaxis], held, 0), numerator, denominator)
    first, last = timeline.conversion_days
    salvaged = defaulted & (day >= first) & (day <= last)
    salvaged &= parity > 100 * recovery_rate * (claim.sum(axis=1) / held.sum())
    lost = defaulted & ~salvaged
    cents += timeline.recover(np.where(lost[:, np.newaxis], claim, 0), np.where(lost, recovery_rate, 0.0))
    converted = by_rule | salvaged
    shares, cash = _shares(timeline, conversion_price, converted)
    cents += cash + timeline.accrued_paid(np.where(by_rule[:, np.newaxis], held, 0), numerator, denominator)
    counts = np.where(decided, place + (by_rule & timeline.keeps_coupon(day, place)), len(timeline.coupons))
    settled = timeline.paid_on(np.where(decided | salvaged, day, timeline.closing))
    return Ended(
        np.minimum(counts, timeline.coupons_before(default_on)),
        np.where(decided | salvaged, settled, np.where(lost, day, timeline.periods.payment_date[-1])),
        cents / 100 + shares * price[:, np.newaxis],
        shares,
        np.where(converted, day, _NO_DAY),
        np.where(put, day, _NO_DAY),
        np.where(called, day, _NO_DAY),
        np.where(defaulted, default_on, _NO_DAY),
    )


def _claim(timeline: Timeline, taken: IntArray, numerator: IntArray, denominator: IntArray) -> IntArray:
    """Give of what a recovery is a fraction [cents]: of principal, and of what has accrued where the deal says so."""
    claim = sole_series(timeline.terms)[1].recovery_claim
    if claim is None or claim.value == "principal":
        return taken
    return taken + timeline.accrued(taken, numerator, denominator)


def _shares(timeline: Timeline, prices: FloatArray, converted: BoolArray) -> tuple[IntArray, IntArray]:
    """Shares, and cents in lieu of fractions, of each holder of all its principal."""
    distinct, place = np.unique(prices, return_inverse=True)
    all_held = np.broadcast_to(timeline.held, (distinct.size, timeline.held.size))
    shares, cash = timeline.convert(all_held, distinct)
    happens = converted[:, np.newaxis]
    return np.where(happens, shares[place], 0), np.where(happens, cash[place], 0)


def rates_of(timeline: Timeline, ends: list[tuple[Ended, list[int]]]) -> FloatArray:
    """Annual effective rate of each holder, and in the last column of all of them; NaN where no rate is defined.

    Parameters
    ----------
    timeline : Timeline
        The deal's.
    ends : list of pairs
        How paths ended, for the holders in some places of the register.
    """
    years = _years(timeline, timeline.periods.payment_date)
    coupons, outlays = timeline.coupons / 100, timeline.purchase / 100
    found = np.empty((ends[0][0].counts.size, outlays.size + 1))
    for ended, places in ends:
        alone = len(ends) == 1
        parts = [coupons[:, places], outlays[places], ended.amounts[:, places]]
        if alone:
            parts = [np.append(part, part.sum(axis=-1, keepdims=True), axis=-1) for part in parts]
        own, given, last = parts
        columns = [*places, outlays.size] if alone else places
        found[:, columns] = rates_of_endings(years, own, given, ended.counts, _years(timeline, ended.paid_on), last)
    if len(ends) > 1:
        found[:, -1] = _rate_of_all(timeline, ends)
    return found


def received_by(timeline: Timeline, ended: Ended) -> FloatArray:
    """All that each holder receives after the purchase [currency]."""
    paid = np.concatenate([np.zeros((1, timeline.held.size)), (timeline.coupons / 100).cumsum(axis=0)])
    received: FloatArray = paid[ended.counts] + ended.amounts
    return received


def _rate_of_all(timeline: Timeline, ends: list[tuple[Ended, list[int]]]) -> FloatArray:
    """Give the rate of all holders' flows together, where their notes end on different days."""
    coupons, rows = timeline.coupons / 100, ends[0][0].counts.size
    number = np.arange(len(coupons))
    paid = np.zeros((rows, len(coupons)))
    for ended, places in ends:
        paid += np.where(number < ended.counts[:, np.newaxis], coupons[:, places].sum(axis=1), 0.0)
    last = np.stack([ended.amounts[:, places].sum(axis=1) for ended, places in ends], axis=1)
    outlay = np.full((rows, 1), timeline.purchase.sum() / 100)
    flows = np.concatenate([outlay, paid, last], axis=1)
    usual = np.append(np.array([timeline.closing]), timeline.periods.payment_date)
    own = np.stack([ended.paid_on for ended, _ in ends], axis=1)
    dates = np.concatenate([np.broadcast_to(usual, (rows, usual.size)), own], axis=1)
    order = np.argsort(dates, axis=1, kind="stable")
    dates, flows = (np.take_along_axis(part, order, axis=1) for part in (dates, flows))
    offsets = np.arange(rows + 1) * flows.shape[1]
    rates = xirr(dates.reshape(-1), flows.reshape(-1), offsets, day_count="actual/365 fixed").rate
    # What little comes back leaves no rate above -1 that a float holds.
    return np.where(np.isnan(rates) & (flows.sum(axis=1) < 0), -1.0, rates)


def _years(timeline: Timeline, days: DateArray) -> FloatArray:
    years: FloatArray = (days - timeline.closing).astype(np.float64) / 365
    return years
