"""Paths of the stock under a real-world drift, with conversion by a rule and default by a hazard rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from notecalc.core.arrays import DateArray, FloatArray, IntArray
from notecalc.core.draws import normals, uniforms

__all__ = ["Followed", "Observations", "Threshold", "default_times", "follow", "observation_days"]

Threshold: TypeAlias = Callable[[int, IntArray], FloatArray]
"""Stock price from which notes convert, by number of the observation and rows; infinite where they don't."""


@dataclass(frozen=True)
class Observations:
    """Days on which the stock price is seen, and their time from the first day of the paths [yr of 365 days]."""

    days: DateArray
    years: FloatArray


@dataclass(frozen=True)
class Followed:
    """What became of paths: number of the observation at which notes convert, -1 for none, and the prices seen."""

    converted: IntArray
    price: FloatArray
    """At conversion; else at the last observation before default, or at the last."""


def observation_days(first: np.datetime64, last: np.datetime64, every: str) -> Observations:
    """Give each day, or the day of each week or month, after the first up to the last, and the last itself."""
    if every == "month":
        month = first.astype("datetime64[M]")
        months = month + np.arange(1, int((last.astype("datetime64[M]") - month).astype(int)) + 1)
        into = (first - month.astype("datetime64[D]")).astype(int)
        ends = (months + 1).astype("datetime64[D]") - 1
        days = np.minimum(months.astype("datetime64[D]") + into, ends)
    else:
        days = np.arange(first, last, 7 if every == "week" else 1)[1:]
    days = np.append(days[days < last], last)
    return Observations(days, (days - first).astype(np.float64) / 365)


def default_times(seed: int, sample: IntArray, hazard: FloatArray) -> FloatArray:
    """Draw the time to default of each sample under a constant hazard rate [yr]; infinite at a rate of 0."""
    wait = -np.log(uniforms(seed, "paths/default", sample))
    with np.errstate(divide="ignore"):
        return wait / hazard


def follow(
    seed: int,
    sample: IntArray,
    observations: Observations,
    stock_price: FloatArray,
    drift: FloatArray,
    volatility: FloatArray,
    default_on: DateArray,
    threshold: Threshold,
) -> Followed:
    r"""Follow the stock price from observation to observation, until notes convert or the issuer defaults.

    .. math:: \ln S_{i+1} = \ln S_i + (\mu - \tfrac12 \sigma^2) \, \Delta t_i + \sigma \sqrt{\Delta t_i} \, Z_i

    Parameters
    ----------
    seed : int
        Of the scenarios.
    sample : int64 array, shape (rows,)
        Its number keys the draws: the normal number of a step depends on seed, sample and step alone.
    observations : Observations
        When the stock is seen.
    stock_price, drift, volatility : float64 arrays, shape (rows,)
        At first [currency/share]; expected growth while the issuer lives [1/yr, continuous]; [1/yr^0.5].
    default_on : datetime64[D] array, shape (rows,)
        Day of default, NaT for none: from then on nothing converts.
    threshold : Threshold
        When notes convert.
    """
    rows = np.arange(sample.size)
    converted, price = np.full(sample.size, -1), stock_price.copy()
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
        converts = seen >= threshold(step, rows)
        if converts.any():
            converted[rows[converts]] = step
            rows, log = rows[~converts], log[~converts]
        before = years
        if not rows.size:
            break
    return Followed(converted, price)
