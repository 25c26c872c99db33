"""The tables of `notecalc.core.convertible.triggers`, and what calls on 20 of 30 days are worth beside its answer.

``python benchmarks/trigger_shifts.py tables [walks]`` prints both tables (300,000 walks: a quarter of a minute);
``... errors [pairs]`` the value under the rule, and the error of the trigger on the day, alone and with that of the
opening day, for each volatility: both on the same paths, watched daily.
"""

from __future__ import annotations

import sys

import numba
import numpy as np

from notecalc.core.convertible.triggers import on_the_day_trigger, opening_day_trigger

MOST = 30
BETA = 0.5826  # -zeta(1/2) / sqrt(2 pi), between a barrier watched once a step and one that is always watched
YEAR = 252
OPENS, COUPONS, COUPON = YEAR, np.array([126, 252, 378, 504, 630, 756]), 4.0
RATE, RECOVERY, RATIO, CALL = 0.03, 0.3, 100 / 1.85, 100.0


@numba.njit
def reached(walks: int, rng: np.random.Generator) -> np.ndarray:
    """Mean place of a walk of unit steps, come from far below, when n of the last m days are first above 0."""
    total = np.zeros((MOST + 1, MOST + 1))
    best = np.zeros(MOST + 1, np.int64)
    for _ in range(walks):
        x, days = -10.0, 0
        best[:] = 0
        while best[MOST] < MOST:
            x += rng.standard_normal()
            above = x >= 0.0
            days = ((days << 1) | above) & ((1 << MOST) - 1)
            if not above:
                if days == 0 and x < -10.0:
                    x = -10.0  # nothing is remembered, and where it crosses 0 no longer depends on where it is
                continue
            count = 0
            for m in range(1, MOST + 1):
                count += (days >> (m - 1)) & 1
                if count > best[m]:
                    best[m] = count
                    total[count, m] += x
    return total / walks


@numba.njit
def opening(walks: int, rng: np.random.Generator) -> np.ndarray:
    """Integral over places above 0, today, of the chance that fewer than n of the last m days were above 0."""
    total = np.zeros((MOST + 1, MOST + 1))
    least = np.empty(MOST)
    for _ in range(walks):
        back = 0.0
        for day in range(MOST):
            least[day] = -back
            back += rng.standard_normal()
        for m in range(1, MOST + 1):
            in_order = np.sort(least[:m])
            for n in range(1, m + 1):
                total[n, m] += max(in_order[n - 1], 0.0)
    return total / walks


@numba.njit
def ones(bits: int) -> int:
    """Count the bits that are set."""
    count = 0
    while bits:
        bits &= bits - 1
        count += 1
    return count


@numba.njit
def settle(worth: np.ndarray, alive: np.ndarray, may_call: tuple[bool, bool, bool], amount: float) -> bool:
    """Settle what is called; tell whether anything is left."""
    for rule in range(3):
        if alive[rule] and may_call[rule]:
            worth[rule], alive[rule] = amount, False
    return alive.any()


@numba.njit
def simulate(
    pairs: int, rng: np.random.Generator, stock: float, vol: float, hazard: float, trigger: float, later: float,
    first: float, needed: int, of: int,
) -> tuple[float, np.ndarray, np.ndarray]:  # fmt: skip
    """Worth under the rule; errors of a trigger on the day, alone and with another on the first day; their errors."""
    dt, days = 1.0 / YEAR, COUPONS[-1]
    drift, deviation = (RATE + hazard - 0.5 * vol * vol) * dt, vol * np.sqrt(dt)
    mean, total, squares = 0.0, np.zeros(2), np.zeros(2)
    z = np.empty(days)
    for _ in range(pairs):
        for day in range(days):
            z[day] = rng.standard_normal()
        difference = np.zeros(2)
        for sign in (1.0, -1.0):
            x, history, paid, weight, last, following = np.log(stock), 0, 0.0, 1.0, 0, 0
            worth, alive = np.zeros(3), np.ones(3, np.bool_)
            for day in range(1, days):
                x += drift + deviation * sign * z[day - 1]
                price, before = np.exp(x), weight
                weight = np.exp(-(RATE + hazard) * dt * day)
                paid += hazard * dt * RECOVERY * 100.0 * 0.5 * (before + weight)
                if day == COUPONS[following]:
                    paid += weight * COUPON
                    last, following = day, following + 1
                history = ((history << 1) | (price >= trigger)) & ((1 << of) - 1)
                if day < OPENS:
                    continue
                accrued = COUPON * (day - last) / (COUPONS[following] - last)
                called = paid + weight * max(RATIO * price, CALL + accrued)
                may_call = (
                    ones(history) >= needed and price >= trigger,
                    price >= later,
                    price >= (first if day == OPENS else later),
                )
                if not settle(worth, alive, may_call, called):
                    break
            if alive.any():
                x += drift + deviation * sign * z[days - 1]
                end = np.exp(-(RATE + hazard) * dt * days)
                paid += hazard * dt * RECOVERY * 100.0 * 0.5 * (weight + end)
                settle(worth, alive, (True, True, True), paid + end * max(100.0 + COUPON, RATIO * np.exp(x)))
            mean += worth[0] / 2
            difference += (worth[1:] - worth[0]) / 2
        total += difference
        squares += difference * difference
    total /= pairs
    return mean / pairs, total, np.sqrt((squares / pairs - total * total) / pairs)


def tables(walks: int) -> None:
    """Print both tables."""
    for name, table in (
        ("REACHED", reached(walks, np.random.default_rng(1))),
        ("OPENING", opening(walks, np.random.default_rng(1))),
    ):
        for of in (5, 10, 15, 20, 30):
            print(name, of, ", ".join(f"{table[needed, of]:.3f}" for needed in range(1, of + 1)))


def errors(pairs: int) -> None:
    """Print errors by volatility."""
    days = {"needed": 20, "of": 30, "days_a_year": YEAR}
    print("volatility: rms and worst error of on_the_day_trigger, the same with opening_day_trigger; standard error")
    for vol in (0.2, 0.3, 0.45, 0.6, 0.9):
        found, noise = [], []
        for multiple in (1.3, 1.5):
            trigger = multiple * 1.85
            # the paths are watched once a day, which the trigger for a window allows for
            daily = np.exp(-BETA * vol / np.sqrt(YEAR))
            later = on_the_day_trigger(trigger, vol, **days) * daily
            first = opening_day_trigger(trigger, vol, **days)
            for hazard in (0.0, 0.05, 0.15):
                for place in (0.6, 1.0, 1.3, 1.6, 2.0):
                    rng = np.random.default_rng(1)
                    _, error, own = simulate(pairs, rng, 1.85 * place, vol, hazard, trigger, later, first, 20, 30)
                    found.append(error)
                    noise.append(own)
        error, own = np.array(found), np.array(noise)
        rms = np.sqrt(np.maximum((error**2 - own**2).mean(axis=0), 0.0))
        worst = np.abs(error).max(axis=0)
        print(f"{vol:.2f}: {rms[0]:.3f} {worst[0]:.2f}, {rms[1]:.3f} {worst[1]:.2f}; {own.max():.3f}", flush=True)


if __name__ == "__main__":
    size = int(sys.argv[2]) if len(sys.argv) > 2 else None
    if sys.argv[1:2] == ["errors"]:
        errors(size or 8_000)
    else:
        tables(size or 300_000)
