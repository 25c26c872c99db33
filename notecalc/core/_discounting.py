"""Discounting of ragged cash flows: worth and its derivatives at a yield, and the yield or spread that gives a worth.

Flows of all rows lie flat: those of row r are ``offsets[r]`` to ``offsets[r + 1]``. Knows no dates. A yield y that is
compounded m times a year is worked on as its force x = m log(1 + y / m), in which the logarithm of a price is convex
and nearly a line: the method of Newton, or of Halley (1694) one order higher, needs two or three steps from anywhere.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from notecalc.core._jit import Kernel, kernel

__all__ = ["MEASURES", "compiled", "find_period", "lay_out", "measure", "share_out", "solve_spread", "solve_yield"]

MEASURES = 4  # numbers that `measure` gives for each row
COMPILE_FROM = 4_000  # flows from which compiled code saves more time than numba takes to import
_LARGEST = 700.0  # exponents beyond are out of a float's range
_STEPS = 200
_NOISE = 4e-16  # a logarithm of prices that is no more than rounding


def compiled(loop: Kernel, flows: int) -> Any:
    """Give a kernel, or its Python body where there are too few flows to be worth numba's import."""
    return loop if flows >= COMPILE_FROM else loop.py_func


def _exp(x: Any) -> Any:
    """Exponential that is never infinite."""
    return math.exp(min(x, _LARGEST))


def _force(annual_yield: Any, m: Any) -> Any:
    """Continuously compounded rate that is worth a yield compounded m times a year (0: continuously)."""
    if m == 0:
        return annual_yield
    return m * math.log1p(annual_yield / m) if annual_yield > -m else -np.inf


def _yield(force: Any, m: Any) -> Any:
    """Yield compounded m times a year (0: continuously) that is worth a continuously compounded rate."""
    return force if m == 0 else m * math.expm1(min(force / m, _LARGEST))


def _is_even(gap: Any, begin: Any, end: Any) -> Any:
    """Tell whether the gaps after the first are all the same."""
    even = True
    for k in range(begin + 2, end):
        even = even and gap[k] == gap[begin + 1]
    return even and end - begin > 1


def _sums(amount: Any, gap: Any, begin: Any, end: Any, x: Any, even: Any) -> Any:
    """Sum the worths of flows at the force x, and these times their years to the powers 1 and 2."""
    if even:
        return _even_sums(amount, float(gap[begin]), float(gap[begin + 1]), begin, end, x)
    worth, first, second, years = 0.0, 0.0, 0.0, 0.0
    for k in range(begin, end):
        years += float(gap[k])
        part = amount[k] * _exp(-x * years)
        worth += part
        part *= years
        first += part
        second += part * years
    return worth, first, second


def _even_sums(amount: Any, wait: Any, step: Any, begin: Any, end: Any, x: Any) -> Any:
    """Sum the same where flows are evenly spaced, with one exponential for all.

    Every sixteenth product starts afresh, so that errors don't add up.
    """
    worth, first, second, fresh = 0.0, 0.0, 0.0, begin
    factor = _exp(-x * step)
    while fresh < end:
        years = wait + (fresh - begin) * step
        discount = _exp(-x * years)
        stop = min(fresh + 16, end)
        for k in range(fresh, stop):
            part = amount[k] * discount
            worth += part
            part *= years
            first += part
            second += part * years
            discount *= factor
            years += step
        fresh = stop
    return worth, first, second


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


def _is_simple_first(rule: Any, flows: Any) -> Any:
    """Tell whether the first flow is discounted at simple interest."""
    return rule == 2 or (rule == 1 and flows == 1)


def _worth_at(amount: Any, gap: Any, begin: Any, end: Any, y: Any, m: Any, simple_first: Any) -> Any:
    """Worth, worth times years, minus the first derivative by the yield, and the second; NaN out of range."""
    if m < 0:
        years = 0.0
        for k in range(begin, end):
            years += float(gap[k])
        if y * years <= -1:
            return np.nan, np.nan, np.nan, np.nan
        return _simple_sums(amount, gap, begin, end, y)
    x = _force(y, m)
    if not x > -np.inf:
        return np.nan, np.nan, np.nan, np.nan
    worth, first, second = _sums(amount, gap, begin, end, x, _is_even(gap, begin, end))
    if not simple_first:
        growth = 1.0 if m == 0 else 1 + y / m
        shorter = 0.0 if m == 0 else first / m
        return worth, first, first / growth, (second + shorter) / (growth * growth)
    wait = float(gap[begin])
    if y * wait <= -1:
        return np.nan, np.nan, np.nan, np.nan
    # The flows from the first on, discounted to it by compounding, and the first discount by simple interest.
    back = _exp(x * wait)
    later, later_first = worth * back, (first - wait * worth) * back
    later_second = (second - 2 * wait * first + wait * wait * worth) * back
    growth = 1.0 if m == 0 else 1 + y / m
    slope, bend = later_first / growth, later_second / (growth * growth)
    if m > 0:
        bend += later_first / (m * growth * growth)
    simple = 1 / (1 + y * wait)
    lost = wait * simple
    return (
        simple * later,
        simple * (later_first + wait * later),
        simple * (slope + lost * later),
        simple * (bend + 2 * lost * slope + 2 * lost * lost * later),
    )


_AT_YIELD = (_exp, _force, _yield, _is_even, _even_sums, _sums, _simple_sums, _is_simple_first, _worth_at)


@kernel(
    reads=["int64", "float64", "float64", "float64", "int64", "int64", "float64"], writes="float64", calls=_AT_YIELD
)
def measure(
    offsets: Any, amount: Any, gap: Any, compoundings: Any, rule: Any, row: Any, annual_yield: Any, out: Any
) -> None:
    """Fill, for each yield, the worth, worth times years, minus the first derivative, and the second."""
    for i in range(row.size):
        r = row[i]
        begin, end = offsets[r], offsets[r + 1]
        simple_first = _is_simple_first(rule[0], end - begin)
        worth, weighted, slope, bend = _worth_at(
            amount, gap, begin, end, float(annual_yield[i]), float(compoundings[r]), simple_first
        )
        out[4 * i] = worth
        out[4 * i + 1] = weighted
        out[4 * i + 2] = slope
        out[4 * i + 3] = bend


def _scan(amount: Any, gap: Any, begin: Any, end: Any) -> Any:
    """Sum flows, times their years to the powers 0 to 3; tell how long they run, and whether they are even and good."""
    worth, first, second, third, years = 0.0, 0.0, 0.0, 0.0, 0.0
    even, good = end - begin > 1, True
    step = float(gap[begin + 1]) if even else 0.0
    for k in range(begin, end):
        part = float(amount[k])
        years += float(gap[k])
        even &= (gap[k] == step) | (k == begin)
        good &= part >= 0
        worth += part
        part *= years
        first += part
        part *= years
        second += part
        third += part * years
    return worth, first, second, third, years, even, good and worth > 0


def _start(worth: Any, first: Any, second: Any, third: Any, dirty: Any) -> Any:
    """Give a force near the price's: the log price is taken as a cubic in it, whose inverse series has three terms."""
    share, per_mean = 1 / worth, worth / first
    mean, square = first * share, second * share
    spread = square - mean * mean
    skew = third * share - mean * (3 * square - 2 * mean * mean)
    line = math.log(worth / dirty) * per_mean
    turn = 0.5 * spread * line * per_mean
    rest = 2 * turn * turn - skew * line * line * per_mean * (1 / 6)
    # Far from 0 the series is no guide; from a line's root Newton's steps rise to that of a convex curve.
    return line * (1 + turn + rest) if abs(turn) + abs(rest) < 0.5 else line


def _log1p(ratio: Any) -> Any:
    """Logarithm of 1 + ratio, by its series where that is short."""
    if abs(ratio) > 1e-4:
        return math.log1p(ratio)
    return ratio * (1 - ratio * (0.5 - ratio * (1 / 3 - ratio * 0.25)))


def _solve_force(amount: Any, gap: Any, begin: Any, end: Any, dirty: Any, x: Any, years: Any, even: Any) -> Any:
    """Give the force at which positive flows have a price: by Halley's method on the log price, bracketed."""
    low, high = -np.inf, np.inf
    close = 1.5e-5 / years  # of a step of this size the third power is below a float's last digits
    for _ in range(_STEPS):
        worth, first, second = _sums(amount, gap, begin, end, x, even)
        if not (worth > 0 and worth < np.inf):  # far off, where floats end
            above, step = worth - dirty, (1.0 if worth > dirty else -1.0) / years
        else:
            above = _log1p((worth - dirty) / dirty)
            # Halley's step above / mean / (1 - curve) without its divisions; Newton's where it bends too much.
            line, curve = first * first, 0.5 * above * (second * worth - first * first)
            step = above * first * worth / (line - curve if abs(curve) < 0.5 * line else line)
        if above > 0:
            low = x
        else:
            high = x
        after = x + step
        if not low <= after <= high:
            after = (low + high) / 2 if abs(low) < np.inf and abs(high) < np.inf else x + step / 2
        elif abs(step) < close:
            return after
        x = after
    return np.nan


def _solve_general(amount: Any, gap: Any, begin: Any, end: Any, dirty: Any, m: Any, simple_first: Any) -> Any:
    """Give the yield of positive flows where simple interest has a part: Newton on the log price, bracketed."""
    years = 0.0
    for k in range(begin, end):
        years += float(gap[k])
    low = -1 / years if m < 0 else -np.inf
    if simple_first:
        low = -1 / float(gap[begin])
    if m > 0:
        low = max(low, -m)
    high = np.inf
    y = 0.0
    for _ in range(_STEPS):
        worth, _, slope, _ = _worth_at(amount, gap, begin, end, y, m, simple_first)
        if not (worth > 0 and worth < np.inf and slope > 0):
            return np.nan
        above = math.log1p((worth - dirty) / dirty)
        step = above * worth / slope
        if abs(above) < _NOISE or abs(step) <= 1e-15 * max(abs(y), 0.1):
            return y + step
        if above > 0:
            low = y
        else:
            high = y
        after = y + step
        if not low < after < high:
            after = (low + high) / 2 if abs(low) < np.inf and abs(high) < np.inf else y + step / 2
        y = after
    return y


@kernel(
    reads=["int64", "float64", "float64", "float64", "int64", "int64", "float64"],
    writes="float64",
    calls=(*_AT_YIELD, _scan, _start, _log1p, _solve_force, _solve_general),
)
def solve_yield(
    offsets: Any, amount: Any, gap: Any, compoundings: Any, rule: Any, row: Any, dirty: Any, out: Any
) -> None:
    """Fill the yield at each dirty price; NaN where flows or price are not positive, or no float holds the yield."""
    for i in range(row.size):
        r = row[i]
        begin, end = offsets[r], offsets[r + 1]
        price, m = float(dirty[i]), float(compoundings[r])
        out[i] = np.nan
        worth, first, second, third, years, even, good = _scan(amount, gap, begin, end)
        if not (good and price > 0 and price < np.inf):
            continue
        simple_first = _is_simple_first(rule[0], end - begin)
        # Coupons of nothing before one payment leave a formula in closed form.
        single = worth == amount[end - 1]
        if single and (m < 0 or (simple_first and end - begin == 1)):
            out[i] = (worth - price) / price / years
        elif m < 0 or simple_first:
            out[i] = _solve_general(amount, gap, begin, end, price, m, simple_first)
        elif single:
            out[i] = _yield(math.log1p((worth - price) / price) / years, m)
        else:
            x = _start(worth, first, second, third, price)
            out[i] = _yield(_solve_force(amount, gap, begin, end, price, x, years, even), m)


@kernel(reads=["int64", "int64", "int64", "int64"], writes="int64")
def find_period(offsets: Any, ends: Any, note: Any, day: Any, out: Any) -> None:
    """Fill the first period of each note that ends after a day."""
    for i in range(note.size):
        low, high = offsets[note[i]], offsets[note[i] + 1] - 1
        while low < high:
            middle = (low + high) // 2
            if ends[middle] > day[i]:
                high = middle
            else:
                low = middle + 1
        out[i] = low


@kernel(reads=[*["int64"] * 13, "float64"], writes="float64")
def share_out(
    offsets: Any,
    note: Any,
    current: Any,
    start: Any,
    end: Any,
    reference_start: Any,
    reference_end: Any,
    numerator: Any,
    denominator: Any,
    frequency: Any,
    by_count: Any,
    day: Any,
    missing: Any,
    since: Any,
    out: Any,
) -> None:
    """Fill years to the next coupon date, then those of each note's last period; NaN where a period is not regular.

    `by_count` tells which notes share a period by their day count (`since`), all or one for each; others by days.
    """
    for i in range(note.size):
        n = note[i]
        now, last = current[i], offsets[n + 1] - 1
        wait, step = np.nan, np.nan
        if frequency[n] > 0:
            year = 1 / frequency[n]
            if end[now] == reference_end[now] and start[now] == reference_start[now] and not missing[i]:
                if by_count[n if by_count.size > 1 else 0]:
                    whole = numerator[now] / denominator[now]
                    share = (whole - since[i]) / whole
                else:
                    share = (end[now] - day[i]) / (end[now] - start[now])
                # A day may count for nothing in months of 30 days, but no flow is paid at once.
                wait = max(share, 1e-6) * year
            if end[last] == reference_end[last] and start[last] == reference_start[last]:
                step = year
        out[i] = wait
        out[note.size + i] = step


@kernel(
    reads=[*["int64"] * 5, "float64", "int64", *["float64"] * 4, "int64"],
    writes="float64",
)
def lay_out(
    offsets: Any,
    first: Any,
    note: Any,
    numerator: Any,
    denominator: Any,
    rate: Any,
    by_note: Any,
    step: Any,
    last_step: Any,
    wait: Any,
    redemption: Any,
    without: Any,
    out: Any,
) -> None:
    """Fill amounts, then gaps in years, of the flows from each row's first period on.

    All periods but a note's first and last are whole steps of its cycle. `without` counts the coupons at the beginning
    that are paid to another: ex-interest.
    """
    size = offsets[offsets.size - 1]
    for r in range(offsets.size - 1):
        begin, end = offsets[r], offsets[r + 1]
        ahead = first[r] - begin
        for k in range(begin, end):
            p = k + ahead
            out[k] = 100 * rate[note[r] if by_note[0] else p] * (numerator[p] / denominator[p])
            out[size + k] = step[r]
        for k in range(begin, begin + without[r]):
            out[k] = 0.0
        out[size + end - 1] = last_step[r]
        out[size + begin] = wait[r]
        out[end - 1] += redemption[r]


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
        else:
            part = amount[k] * _exp(-time * _force(rate, m))
            worth += part
            slope += part * time / (1.0 if m == 0 else 1 + rate / m)
    return worth, slope


@kernel(
    reads=["int64", "float64", "float64", "float64", "float64", "float64", "float64", "float64", "int64", "float64"],
    writes="float64",
    calls=(_exp, _force, _spread_sums),
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
        price, m = float(dirty[i]), float(compoundings[0])
        low, high, spread = float(least[r]), np.inf, max(0.0, float(least[r]) / 2)
        out[i] = np.nan
        if not (price > 0 and price < np.inf):
            continue
        for _ in range(_STEPS):
            worth, slope = _spread_sums(amount, years, zero, begin, end, spread, m)
            now, now_slope = _spread_sums(one, now_years[r : r + 1], now_zero[r : r + 1], 0, 1, spread, m)
            if not (worth > 0 and worth < np.inf and now > 0):
                break
            above = math.log1p((worth / now - price) / price)
            step = above / (slope / worth - now_slope / now)
            if abs(above) < _NOISE or abs(step) <= 1e-15 * max(abs(spread), 0.1):
                out[i] = spread + step
                break
            if above > 0:
                low = spread
            else:
                high = spread
            after = spread + step
            if not low < after < high:
                finite = abs(low) < np.inf and abs(high) < np.inf
                after = (low + high) / 2 if finite else spread + step / 2
            spread = after
