"""Discounting of ragged cash flows: worth and its derivatives at a yield, and the yield or spread that gives a worth.

Flows of all rows lie flat: those of row r are ``offsets[r]`` to ``offsets[r + 1]``. Knows no dates. A yield y that is
compounded m times a year is worked on as its force x = m log(1 + y / m), in which the logarithm of a price is convex
and nearly a line: of Householder's steps (1970) of the third order, which take it as a cubic, two or three are enough.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from notecalc.core._jit import Kernel, kernel

__all__ = ["COMPILE_FROM", "compiled", "measure", "solve_spread", "solve_yield"]

COMPILE_FROM = 4_000  # flows from which compiled code saves more time than numba takes to import
_LARGEST = 700.0  # exponents beyond are out of a float's range
_STEPS = 200
_CLOSE = 1e-4  # of a step so short a time, the fourth power is below a float's last digits
_CLOSE_TO_NEWTON = 1e-8  # of a step so short by the scale on which a log price bends, the square is


def compiled(loop: Kernel, flows: int) -> Any:
    """Give a kernel, or its Python body where there are too few flows to be worth numba's import."""
    return loop if flows >= COMPILE_FROM else loop.py_func


def _exp(x: Any) -> Any:
    """Exponential that is never infinite."""
    return math.exp(min(x, _LARGEST))


def _log_ratio(worth: Any, price: Any) -> Any:
    """Logarithm of one positive number over another, however far apart: no quotient rounds to 0 or is infinite."""
    if 0.5 * price < worth < 2 * price:
        return math.log1p((worth - price) / price)
    return math.log(worth) - math.log(price)


def _between(low: Any, high: Any, x: Any, after: Any) -> Any:
    """Give the next place to look for a root: that one if it is within the bracket, or one that is."""
    if low < after < high:
        return after
    return (low + high) / 2 if abs(low) < np.inf and abs(high) < np.inf else (x + after) / 2


def _force(annual_yield: Any, m: Any) -> Any:
    """Continuously compounded rate that is worth a yield compounded m times a year (0: continuously)."""
    if m == 0:
        return annual_yield
    return m * math.log1p(annual_yield / m) if annual_yield > -m else -np.inf


def _yield(force: Any, m: Any) -> Any:
    """Yield compounded m times a year (0: continuously) that is worth a force; NaN where no float above -m is."""
    if m == 0:
        return force
    annual_yield = m * math.expm1(min(force / m, _LARGEST))
    return annual_yield if annual_yield > -m and force < m * _LARGEST else np.nan


def _sums(amount: Any, gap: Any, begin: Any, end: Any, x: Any, even: Any) -> Any:
    """Sum the worths at the force x on the day of the first flow, and these times their years to the powers 1 to 3."""
    if even:
        return _even_sums(amount, float(gap[end - 1]), begin, end, x)
    worth, first, second, third, years = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(begin, end):
        years += float(gap[k]) if k > begin else 0.0
        part = amount[k] * _exp(-x * years)
        worth += part
        part *= years
        first += part
        part *= years
        second += part
        third += part * years
    return worth, first, second, third


def _even_sums(amount: Any, step: Any, begin: Any, end: Any, x: Any) -> Any:
    """Sum the same where flows are evenly spaced, with one exponential for all.

    Every sixteenth product starts afresh, so that errors don't add up.
    """
    worth, first, second, third, years, discount = 0.0, 0.0, 0.0, 0.0, 0.0, 1.0
    factor = _exp(-x * step)
    fresh = begin
    while True:
        stop = min(fresh + 16, end)
        for k in range(fresh, stop):
            part = amount[k] * discount
            worth += part
            part *= years
            first += part
            part *= years
            second += part
            third += part * years
            discount *= factor
            years += step
        if stop == end:
            return worth, first, second, third
        fresh = stop
        years = (fresh - begin) * step
        discount = _exp(-x * years)


def _simple_sums(amount: Any, gap: Any, begin: Any, end: Any, rate: Any) -> Any:
    """Sum the worths at simple interest, these times their years, and minus their first and their second derivative."""
    worth, weighted, slope, bend, years = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(begin, end):
        years += float(gap[k])
        growth = 1 + rate * years
        part = amount[k] / growth
        worth += part
        weighted += part * years
        part *= years / growth
        slope += part
        bend += 2 * part * years / growth
    return worth, weighted, slope, bend


def _worth_at(amount: Any, gap: Any, begin: Any, end: Any, even: Any, y: Any, m: Any, simple_first: Any) -> Any:
    """Worth, worth times years, minus the first derivative by the yield, and the second; NaN out of range."""
    if m < 0:
        years = 0.0
        for k in range(begin, end):
            years += float(gap[k])
        if y * years <= -1:
            return np.nan, np.nan, np.nan, np.nan
        return _simple_sums(amount, gap, begin, end, y)
    x, wait = _force(y, m), float(gap[begin])
    if not x > -np.inf or (simple_first and y * wait <= -1):
        return np.nan, np.nan, np.nan, np.nan
    # On the day of the first flow; by the yield, not its force, a derivative is shorter.
    worth, first, second, _ = _sums(amount, gap, begin, end, x, even)
    shorter, per = (1.0, 0.0) if m == 0 else (1 / (1 + y / m), 1 / m)
    slope, bend = first * shorter, (second + first * per) * shorter * shorter
    # What the first discount takes off the logarithm of the worth, by a unit of yield, and of that by another.
    if simple_first:
        discount = 1 / (1 + y * wait)
        lost = wait * discount
        more = 2 * lost * lost
    else:
        discount = _exp(-x * wait)
        lost = wait * shorter
        more = lost * (lost + per * shorter)
    return (
        discount * worth,
        discount * (first + wait * worth),
        discount * (slope + lost * worth),
        discount * (bend + 2 * lost * slope + more * worth),
    )


_AT_YIELD = (_exp, _log_ratio, _between, _force, _yield, _even_sums, _sums, _simple_sums, _worth_at)


@kernel(
    reads=["int64", "float64", "float64", "int8", "float64", "bool_", "int64", "float64"],
    writes=["float64"] * 4,
    calls=_AT_YIELD,
)
def measure(
    offsets: Any, amount: Any, gap: Any, even: Any, compoundings: Any, simple: Any, row: Any, annual_yield: Any,
    worth: Any, weighted: Any, slope: Any, bend: Any,
) -> None:  # fmt: skip
    """Fill, for each yield, the worth, worth times years, minus the first derivative, and the second."""
    for i in range(row.size):
        r = row[i]
        begin, end = offsets[r], offsets[r + 1]
        worth[i], weighted[i], slope[i], bend[i] = _worth_at(
            amount, gap, begin, end, even[r], annual_yield[i], compoundings[r], simple[r]
        )


def _step(worth: Any, first: Any, second: Any, third: Any, wait: Any, dirty: Any, x: Any) -> Any:
    """Give how far the log price at a force is above a price's, and the step from there: Householder's of order 3.

    The log price is taken as a cubic in the force, whose inverse series has three terms.
    """
    above = _log_ratio(worth, dirty) - x * wait
    share, per_mean = 1 / worth, worth / (wait * worth + first)
    mean, square = first * share, second * share
    spread = square - mean * mean
    skew = third * share - mean * (3 * square - 2 * mean * mean)
    line = above * per_mean
    turn = 0.5 * spread * line * per_mean
    tail = 2 * turn * turn - skew * line * line * per_mean * (1 / 6)
    # Far off the series is no guide; from a line's root Newton's steps rise to that of a convex curve.
    return above, line * (1 + turn + tail) if abs(turn) + abs(tail) < 0.5 else line


def _solve_force(amount: Any, gap: Any, begin: Any, end: Any, dirty: Any, x: Any, years: Any, even: Any) -> Any:
    """Give the force at which positive flows have a price, from wherever: the root stays bracketed."""
    low, high = -np.inf, np.inf
    for _ in range(_STEPS):
        worth, first, second, third = _sums(amount, gap, begin, end, x, even)
        if worth > 0 and worth < np.inf:
            above, step = _step(worth, first, second, third, float(gap[begin]), dirty, x)
        else:  # where floats end
            above = -1.0 if worth <= dirty else 1.0  # 0 of an infinite discount is NaN
            step = above / years
        if above > 0:
            low = x
        else:
            high = x
        after = x + step
        if not low <= after <= high:
            after = (low + high) / 2 if abs(low) < np.inf and abs(high) < np.inf else x + step / 2
        elif abs(step) * years < _CLOSE:
            return after
        x = after
    return np.nan


def _solve_general(
    amount: Any, gap: Any, begin: Any, end: Any, even: Any, dirty: Any, m: Any, simple_first: Any
) -> Any:
    """Give the yield of positive flows where simple interest has a part: Newton on the log price, bracketed."""
    years = 0.0
    for k in range(begin, end):
        years += float(gap[k])
    pole = -np.inf  # of the yields: there, a flow is worth infinitely much
    if m < 0:
        pole = -1 / years
    elif simple_first:
        pole = max(-1 / float(gap[begin]), -m if m > 0 else -np.inf)
    low, high, y = pole, np.inf, 0.0
    for _ in range(_STEPS):
        worth, _, slope, _ = _worth_at(amount, gap, begin, end, even, y, m, simple_first)
        if worth > 0 and worth < np.inf and slope > 0 and slope < np.inf:
            above = _log_ratio(worth, dirty)
            step = above * (worth / slope)
            if abs(step) * (years + (3 + max(m, 0.0) * years) / (y - pole)) < _CLOSE_TO_NEWTON:
                return y + step
        else:  # where floats end
            above = -1.0 if worth <= dirty else 1.0
            step = above / years
        if above > 0:
            low = y
        else:
            high = y
        after = _between(low, high, y, y + step)
        if after in (low, high):
            return y if low > pole else np.nan
        y = after
    return np.nan


def _first_steps(offsets: Any, amount: Any, gap: Any, even: Any, row: Any, dirty: Any, out: Any, moved: Any) -> None:
    """Fill the force after a step from 0, and that it may be far off; NaN where flows or price are not positive."""
    for i in range(row.size):
        begin, end = offsets[row[i]], offsets[row[i] + 1]
        price, step = float(dirty[i]), float(gap[end - 1])
        worth, first, second, third, years = 0.0, 0.0, 0.0, 0.0, 0.0
        good = price > 0 and price < np.inf
        for k in range(begin, end):
            part = float(amount[k])
            good &= part >= 0
            worth += part
            part *= years
            first += part
            part *= years
            second += part
            third += part * years
            years += step
        out[i], moved[i] = np.nan, np.nan
        if good and worth > 0:
            out[i], moved[i] = 0.0, np.inf
            if even[row[i]]:
                _, out[i] = _step(worth, first, second, third, float(gap[begin]), price, 0.0)


def _second_steps(offsets: Any, amount: Any, gap: Any, even: Any, row: Any, dirty: Any, out: Any, moved: Any) -> None:
    """Take one more step where flows are even, as a rule the last; tell how far it went, unless too far to be that."""
    for i in range(row.size):
        if even[row[i]] and moved[i] > 0:
            begin, end = offsets[row[i]], offsets[row[i] + 1]
            step = float(gap[end - 1])
            worth, first, second, third = _even_sums(amount, step, begin, end, out[i])
            if worth > 0 and worth < np.inf:
                _, more = _step(worth, first, second, third, float(gap[begin]), float(dirty[i]), out[i])
                out[i] += more
                far = abs(more) * (end - begin) * step
                moved[i] = far if far < _CLOSE else np.inf


@kernel(
    reads=["int64", "float64", "float64", "int8", "float64", "bool_", "int64", "float64"],
    writes="float64",
    calls=(*_AT_YIELD, _step, _solve_force, _solve_general, _first_steps, _second_steps),
)
def solve_yield(
    offsets: Any, amount: Any, gap: Any, even: Any, compoundings: Any, simple: Any, row: Any, dirty: Any, out: Any
) -> None:
    """Fill the yield at each dirty price; NaN where flows or price are not positive, or no float holds the yield."""
    # In passes so short that a processor works on several rows at once.
    moved = np.empty(row.size)
    _first_steps(offsets, amount, gap, even, row, dirty, out, moved)
    _second_steps(offsets, amount, gap, even, row, dirty, out, moved)
    for i in range(row.size):
        begin, end = offsets[row[i]], offsets[row[i] + 1]
        price, m = float(dirty[i]), float(compoundings[row[i]])
        simple_first = simple[row[i]]
        if np.isnan(moved[i]):
            continue
        if end - begin == 1 and (m < 0 or simple_first):
            out[i] = (amount[begin] - price) / price / gap[begin]
        elif m < 0 or simple_first:
            out[i] = _solve_general(amount, gap, begin, end, even[row[i]], price, m, simple_first)
        elif moved[i] < _CLOSE:
            out[i] = _yield(out[i], m)
        else:
            years = 0.0
            for k in range(begin, end):
                years += gap[k]
            x = out[i] if abs(out[i]) < np.inf else 0.0
            out[i] = _yield(_solve_force(amount, gap, begin, end, price, x, years, even[row[i]]), m)


def _spread_sums(amount: Any, years: Any, zero: Any, begin: Any, end: Any, spread: Any, m: Any) -> Any:
    """Worth of flows discounted at zero rates and a spread, and minus its derivative by the spread."""
    worth, slope = 0.0, 0.0
    for k in range(begin, end):
        rate, time = zero[k] + spread, float(years[k])
        if m < 0:
            growth = 1 + rate * time
            part = amount[k] / growth
            worth += part
            slope += part * time / growth
        elif time == 0:  # at any rate, a total loss too
            worth += amount[k]
        else:
            part = amount[k] * _exp(-time * _force(rate, m))
            worth += part
            slope += part * time / (1.0 if m == 0 else 1 + rate / m)
    return worth, slope


@kernel(
    reads=["int64", "float64", "float64", "float64", "float64", "float64", "float64", "float64", "int64", "float64"],
    writes="float64",
    calls=(_exp, _log_ratio, _between, _force, _spread_sums),
)
def solve_spread(
    offsets: Any,
    amount: Any,
    years: Any,
    zero: Any,
    least: Any,
    now_years: Any,
    now_zero: Any,
    compoundings: Any,
    row: Any,
    dirty: Any,
    out: Any,
) -> None:
    """Fill the spread over zero rates at each dirty price: Newton on the log price, bracketed.

    `least` is the spread below which a rate is a total loss; `now_years` and `now_zero` are those of settlement, to
    which worths are brought forward.
    """
    one = np.ones(1)
    for i in range(row.size):
        r = row[i]
        begin, end = offsets[r], offsets[r + 1]
        price, m, pole = float(dirty[i]), float(compoundings[0]), float(least[r])
        low, high, spread = pole, np.inf, max(0.0, pole / 2)
        life = float(years[end - 1]) - float(now_years[r])
        out[i] = np.nan
        if not (price > 0 and price < np.inf):
            continue
        for _ in range(_STEPS):
            worth, slope = _spread_sums(amount, years, zero, begin, end, spread, m)
            now, now_slope = _spread_sums(one, now_years[r : r + 1], now_zero[r : r + 1], 0, 1, spread, m)
            forward = worth / now
            if np.isnan(forward):
                break
            fall = 0.0
            if forward > 0 and forward < np.inf:
                fall = slope / worth - now_slope / now
            falls = fall > 0 and fall < np.inf
            if falls:
                above = _log_ratio(forward, price)
                step = above / fall
                bends = life + (2 + max(m, 0.0) * life) / (spread - pole)
                if abs(step) * bends < _CLOSE_TO_NEWTON:
                    out[i] = spread + step
                    break
            else:  # where floats end, or below the spread at which a price that is brought forward is highest
                step = -1.0 if forward == 0 else 1.0
                above = step
            if above > 0:
                low = spread
            else:
                high = spread
            after = _between(low, high, spread, spread + step)
            if after in (low, high):
                if falls and low > pole and abs(step) < 1e-15 * max(abs(spread), 1.0):
                    out[i] = spread
                break
            spread = after
