"""Paths of the stock under a real-world drift, to the end of the notes: conversion, put, call or default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from notecalc.core.arrays import BoolArray, DateArray, FloatArray, IntArray
from notecalc.core.calendars import Calendar
from notecalc.core.draws import normals, uniforms

__all__ = [
    "CALLED",
    "CONVERTED",
    "PUT",
    "Decisions",
    "Followed",
    "Observations",
    "Threshold",
    "default_times",
    "follow",
    "is_reset",
    "observation_days",
]

CONVERTED, PUT, CALLED = 1, 2, 3
"""How notes end by somebody's decision; 0 where they live until maturity or default."""

Threshold: TypeAlias = Callable[[int, IntArray], FloatArray]
"""Stock price from which notes convert, or below which they are put, by number of the observation and rows."""

Calls: TypeAlias = Callable[[int, IntArray, FloatArray], Any]
"""Which of some rows the issuer calls, by number of the observation, rows and stock prices; None for none of them."""


@dataclass(frozen=True)
class Observations:
    """Days on which the stock price is seen, and their time from the first day of the paths [yr of 365 days]."""

    days: DateArray
    years: FloatArray
    decides: BoolArray
    """Whether anything is decided on it; on the others notes that were called before are redeemed."""
    counts: BoolArray
    """Whether it is one of the days that were asked for, and so, by ``trading-day``, counts for a trigger."""

    def at(self, days: DateArray) -> IntArray:
        """Give the number of the observation on each day, all of which are observed."""
        return np.searchsorted(self.days, days)


@dataclass(frozen=True)
class Decisions:
    """What holder and issuer do, seeing the stock price.

    On one day the holder converts first, or else puts, or else the issuer calls; a dividend leaves the stock after.
    """

    converts: Threshold
    puts: Threshold | None = None
    calls: Calls | None = None
    redeemed: IntArray | None = None
    """The observation on which notes are redeemed that are called at each; None where they are redeemed at once."""
    dividends: FloatArray | None = None
    """Cash that leaves the stock after each observation [currency/share], half its price at most; None for none."""


@dataclass(frozen=True)
class Followed:
    """What became of paths."""

    how: IntArray
    """`CONVERTED`, `PUT` or `CALLED`, or 0."""
    step: IntArray
    """Number of the observation at which they did, or at which called notes are redeemed; -1 for none."""
    price: FloatArray
    """The stock's then; else at the last observation before default, or at the last."""


def observation_days(
    first: np.datetime64,
    last: np.datetime64,
    every: str,
    calendar: Calendar | None = None,
    also: DateArray | None = None,
    redeemed: DateArray | None = None,
) -> Observations:
    """Give days after the first up to the last, and the last itself.

    Parameters
    ----------
    first, last : datetime64[D]
        The days that paths run from and to.
    every : {"day", "trading-day", "week", "month"}
        Each day, each business day of the calendar, or the day of each week or month.
    calendar : Calendar, optional
        Of the trading days.
    also : datetime64[D] array, optional
        Days to decide on beside them.
    redeemed : datetime64[D] array, optional
        Days to see the stock price on only.
    """
    if every == "month":
        month = first.astype("datetime64[M]")
        months = month + np.arange(1, int((last.astype("datetime64[M]") - month).astype(int)) + 1)
        into = (first - month.astype("datetime64[D]")).astype(int)
        ends = (months + 1).astype("datetime64[D]") - 1
        usual = np.minimum(months.astype("datetime64[D]") + into, ends)
    else:
        usual = np.arange(first, last + 1, 7 if every == "week" else 1)[1:]
        if every == "trading-day" and calendar is not None:
            usual = usual[calendar.is_business_day(usual)]
    none = np.empty(0, dtype="datetime64[D]")
    also, redeemed = (none if days is None else days for days in (also, redeemed))
    decided = np.concatenate([usual, also, [last]])
    days = np.unique(np.concatenate([decided, redeemed]))
    days = days[(days > first) & (days <= last)]
    years = (days - first).astype(np.float64) / 365
    return Observations(days, years, np.isin(days, decided), np.isin(days, usual))


def default_times(seed: int, sample: IntArray, hazard: FloatArray) -> FloatArray:
    """Draw the time to default of each sample under a constant hazard rate [yr]; infinite at a rate of 0."""
    wait = -np.log(uniforms(seed, "paths/default", sample))
    with np.errstate(divide="ignore"):
        return wait / hazard


def is_reset(seed: int, sample: IntArray, probability: FloatArray) -> BoolArray:
    """Draw whether the conversion price of each sample is reset, independent of the stock and of default."""
    drawn: BoolArray = uniforms(seed, "paths/reset", sample) < probability
    return drawn


def follow(
    seed: int,
    sample: IntArray,
    observations: Observations,
    stock_price: FloatArray,
    drift: FloatArray,
    volatility: FloatArray,
    default_on: DateArray,
    decisions: Decisions,
) -> Followed:
    r"""Follow the stock price from observation to observation, until notes end or the issuer defaults.

    .. math:: \ln S_{i+1} = \ln S_i + (\mu - \tfrac12 \sigma^2) \, \Delta t_i + \sigma \sqrt{\Delta t_i} \, Z_i

    and a cash dividend D that goes ex at i takes :math:`\min(D, S_i / 2)` from :math:`S_i` after what is decided there.

    Parameters
    ----------
    seed : int
        Of the scenarios.
    sample : int64 array, shape (rows,)
        Its number keys the draws: the normal number of a step depends on seed, sample and step alone.
    observations : Observations
        When the stock is seen.
    stock_price, drift, volatility : float64 arrays, shape (rows,)
        At first [currency/share]; expected growth of the price while the issuer lives [1/yr, continuous]; [1/yr^0.5].
    default_on : datetime64[D] array, shape (rows,)
        Day of default, NaT for none: from then on nobody decides anything.
    decisions : Decisions
        What holder and issuer do.
    """
    rows = np.arange(sample.size)
    how, at, price = np.zeros(sample.size, dtype=np.int64), np.full(sample.size, -1), stock_price.copy()
    due = np.full(0 if decisions.redeemed is None else sample.size, -1)
    log, before = np.log(stock_price), 0.0
    for step, (day, years) in enumerate(zip(observations.days, observations.years, strict=True)):
        alive = ~(default_on[rows] <= day)
        if not alive.all():
            rows, log = rows[alive], log[alive]
        span, sigma = years - before, volatility[rows]
        draws = normals(seed, "paths/stock_price", sample[rows], step)
        log = log + (drift[rows] - sigma**2 / 2) * span + sigma * np.sqrt(span) * draws
        seen = np.exp(log)
        price[rows] = seen
        ends = _ends(step, rows, seen, observations, decisions, due)
        done = ends != 0
        if done.any():
            how[rows[done]], at[rows[done]] = ends[done], step
            rows, log = rows[~done], log[~done]
        cash = 0.0 if decisions.dividends is None else decisions.dividends[step]
        if cash > 0:
            left = np.maximum(price[rows] - cash, price[rows] / 2)
            price[rows], log = left, np.log(left)
        before = years
        if not rows.size:
            break
    return Followed(how, at, price)


def _ends(
    step: int,
    rows: IntArray,
    seen: FloatArray,
    observations: Observations,
    decisions: Decisions,
    due: IntArray,
) -> npt.NDArray[Any]:
    """Tell how each row ends at an observation, 0 if not; of calls with notice, mark in `due` when they will."""
    if decisions.calls is None and decisions.puts is None:
        return seen >= decisions.converts(step, rows)  # true is `CONVERTED`
    called = None if decisions.calls is None else decisions.calls(step, rows, seen)
    ends = np.zeros(rows.size, dtype=np.int8)
    if observations.decides[step]:
        if called is not None:
            ends[called] = CALLED
        if decisions.puts is not None:
            ends[seen < decisions.puts(step, rows)] = PUT
        ends[seen >= decisions.converts(step, rows)] = CONVERTED
    if decisions.redeemed is None:
        return ends
    noticed = due[rows] >= 0
    ends[noticed] = 0  # who was called waits for the day of redemption
    given = ends == CALLED
    due[rows[given]] = decisions.redeemed[step]
    ends[given] = 0
    ends[due[rows] == step] = CALLED
    return ends
