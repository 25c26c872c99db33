"""Every rate at which ragged dated flows are worth nothing, counted: no rate, one, or more.

Flows whose sign changes once in time have one rate: the log of what is received over what is paid rises with it, nearly
in a line. For others the roots are parted by those of simpler sums (Laguerre 1883), down to one without a change.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from notecalc.core._jit import kernel

__all__ = ["MISSING", "count_rates", "ended_rates"]

MISSING = -1  # roots of a row in which something is missing
_LEAST, _MOST = -36.0, 700.0  # logarithms of 1 + rate: beyond, 1 + rate is 0 or infinite in a float
_NOISE = 1e-14
_STEPS = 100


def _net(years: Any, amount: Any, begin: Any, end: Any, times: Any, flows: Any) -> Any:
    """Net flows by day, where those that cancel but for last bits are none; give their number, -1 if missing."""
    count, k = 0, begin
    while k < end:
        time, net, gross = float(years[k]), 0.0, 0.0
        if not abs(time) < np.inf:
            return -1
        while k < end and years[k] == time:
            net += amount[k]
            gross += abs(amount[k])
            k += 1
        if not abs(net) < np.inf:
            return -1
        if abs(net) > _NOISE * gross:
            times[count], flows[count] = time - years[begin], net
            count += 1
    return count


def _halves(times: Any, flows: Any, count: Any, turn: Any, x: Any) -> Any:
    """Log of the worth before the sign turns over that after it, its slope, and its curvature."""
    logs, means, spreads = 0.0, 0.0, 0.0
    for half in range(2):
        begin, end, sign = (0, turn, 1.0) if half == 0 else (turn, count, -1.0)
        # Counted from the flow that weighs most at this end of the rates, so that no weight is infinite.
        base = times[begin] if x > 0 else times[end - 1]
        worth, first, second = 0.0, 0.0, 0.0
        for k in range(begin, end):
            time = times[k] - base
            part = abs(flows[k]) * math.exp(-x * time)
            worth += part
            part *= time
            first += part
            second += part * time
        mean = first / worth
        logs += sign * (math.log(worth) - x * base)
        means -= sign * (mean + base)
        spreads += sign * (second / worth - mean * mean)
    return logs, means, spreads


def _one_rate(times: Any, flows: Any, count: Any, turn: Any) -> Any:
    """Root of flows whose sign turns once; NaN where no float holds it."""
    level, slope, bend = _halves(times, flows, count, turn, 0.0)
    room = slope * slope - 2 * bend * level
    x = -2 * level / (slope + math.sqrt(room)) if room > 0 else -level / slope
    x = min(max(x, _LEAST), _MOST)
    low, high = _LEAST, _MOST
    for _ in range(_STEPS):
        level, slope, bend = _halves(times, flows, count, turn, x)
        if level < 0:
            low = x
        else:
            high = x
        step = -level / slope
        curve = step * bend / (2 * slope)
        if abs(curve) < 0.5:
            step /= 1 + curve
        after = x + step
        if not low <= after <= high:
            if (after > _MOST and low == _MOST) or (after < _LEAST and high == _LEAST):
                return np.nan
            after = high if after > high == _MOST else low if after < low == _LEAST else (low + high) / 2
            if low == high:
                return np.nan
        elif abs(step) * times[count - 1] < 4e-6 or abs(step) < 1e-15 * abs(x):
            return after
        x = after
    return np.nan


def _relative(times: Any, flows: Any, count: Any, x: Any) -> Any:
    """Worth over the worth of all flows taken as positive; 0 where that is no more than rounding."""
    most = -np.inf
    for k in range(count):
        most = max(most, -times[k] * x)
    net, gross = 0.0, 0.0
    for k in range(count):
        part = flows[k] * math.exp(-times[k] * x - most)
        net += part
        gross += abs(part)
    share = net / gross
    return share if abs(share) > _NOISE else 0.0


def _between(times: Any, flows: Any, count: Any, low: Any, high: Any, at_low: Any) -> Any:
    """Bisect to the root between two places where the worth has unlike signs."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        at_middle = _relative(times, flows, count, middle)
        if at_middle == 0:
            return middle
        if (at_middle > 0) == (at_low > 0):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _turns(flows: Any, count: Any) -> Any:
    """Count changes of sign, and find the first flow after one."""
    changes, turn = 0, 0
    for k in range(1, count):
        if (flows[k] > 0) != (flows[k - 1] > 0):
            changes += 1
            turn = k if changes == 1 else turn
    return changes, turn


def _all_rates(times: Any, flows: Any, count: Any, changes: Any) -> Any:
    r"""Count the roots of :math:`f(x) = \sum_i C_i e^{-t_i x}` within bounds; give the first too.

    With s between two flows of unlike sign, :math:`e^{-sx} (e^{sx} f)' = \sum_i (s - t_i) C_i e^{-t_i x}` has one
    change of sign fewer, and by Rolle its roots part those of f. Without a change of sign there is no root.
    """
    levels = np.empty((changes, count))
    for k in range(count):
        levels[0, k] = flows[k]
    for level in range(1, changes):
        _, turn = _turns(levels[level - 1], count)
        middle, most = (times[turn - 1] + times[turn]) / 2, 0.0
        for k in range(count):
            levels[level, k] = levels[level - 1, k] * (middle - times[k])
            most = max(most, abs(levels[level, k]))
        for k in range(count):
            levels[level, k] /= most
    knots, roots = np.empty(changes + 2), np.empty(changes + 2)
    inner = 0
    for back in range(changes):
        terms = levels[changes - 1 - back]
        knots[0] = _LEAST
        for k in range(inner):
            knots[k + 1] = roots[k]
        knots[inner + 1] = _MOST
        found, at_low = 0, _relative(times, terms, count, knots[0])
        for k in range(inner + 1):
            at_high = _relative(times, terms, count, knots[k + 1])
            if at_low == 0 and found < changes:
                roots[found] = knots[k]
                found += 1
            elif at_low * at_high < 0 and found < changes:
                roots[found] = _between(times, terms, count, knots[k], knots[k + 1], at_low)
                found += 1
            at_low = at_high
        inner = found
    return inner, roots[0]


@kernel(
    reads=["int64", "float64", "float64"],
    writes="float64",
    calls=(_net, _halves, _one_rate, _relative, _between, _turns, _all_rates),
)
def count_rates(offsets: Any, years: Any, amount: Any, out: Any) -> None:
    """Fill, for each row of flows in order of time, the log of 1 + rate (NaN unless it is one), then the counts."""
    rows, longest = offsets.size - 1, 0
    for r in range(rows):
        longest = max(longest, offsets[r + 1] - offsets[r])
    times, flows = np.empty(longest), np.empty(longest)
    for r in range(rows):
        out[r] = np.nan
        count = _net(years, amount, offsets[r], offsets[r + 1], times, flows)
        if count < 0:
            out[rows + r] = -1
            continue
        changes, turn = _turns(flows, count)
        if changes == 0:
            out[rows + r] = 0
        elif changes == 1:
            root = _one_rate(times, flows, count, turn)
            out[r] = root
            out[rows + r] = 0 if np.isnan(root) else 1
        else:
            found, root = _all_rates(times, flows, count, changes)
            out[rows + r] = found
            if found == 1:
                out[r] = root


def _gathered(coupon_times: Any, coupons: Any, count: Any, end: Any, amount: Any, times: Any, flows: Any) -> Any:
    """Put what is received in order behind the first flow; give the number of flows, those of nothing left out."""
    size, ended = 1, amount == 0
    for k in range(count):
        if not ended and end < coupon_times[k]:
            times[size], flows[size] = end, amount
            size, ended = size + 1, True
        if coupons[k] > 0:
            times[size], flows[size] = coupon_times[k], coupons[k]
            size += 1
    if not ended:
        times[size], flows[size] = end, amount
        size += 1
    return size


@kernel(
    reads=["int64", "float64", "float64"],
    writes="float64",
    tables=["float64", "float64", "float64"],
    calls=(_halves, _one_rate, _gathered),
)
def ended_rates(coupon_times: Any, coupons: Any, outlays: Any, counts: Any, ends: Any, amounts: Any, out: Any) -> None:
    """Fill the rate of each holder of each history; see `irr.rates_of_endings`."""
    holders, periods = outlays.size, coupon_times.size
    times, flows = np.empty(periods + 2), np.empty(periods + 2)
    for row in range(counts.size):
        for h in range(holders):
            k = row * holders + h
            own = coupons[h * periods : (h + 1) * periods]
            times[0], flows[0] = 0.0, outlays[h]
            size = _gathered(coupon_times, own, counts[row], ends[row], amounts[k], times, flows)
            net = 0.0
            for i in range(size):
                net += flows[i]
            if not outlays[h] < 0 or not abs(net) < np.inf:
                out[k] = np.nan
            elif size == 1:
                out[k] = -1.0
            else:
                rate = _one_rate(times, flows, size, 1)
                # Beyond what a float holds 1 + rate is 0 or infinite.
                out[k] = math.expm1(rate) if not np.isnan(rate) else (-1.0 if net < 0 else np.inf)
