"""Loops that share out whole numbers by weight, and turn principal into whole shares; int64 holds all they meet."""

from __future__ import annotations

from typing import Any

import numpy as np

from notecalc.core._jit import kernel

__all__ = ["convert_all", "convert_each", "share_out"]


def _divide(above: Any, below: Any) -> Any:
    """Divide a number of at least 0 by one above 0: whole part and rest. By floats, mended: faster than integers."""
    whole = int(float(above) / float(below))
    rest = above - whole * below
    while rest < 0:
        whole -= 1
        rest += below
    while rest >= below:
        whole += 1
        rest -= below
    return whole, rest


def _share(size: Any, weights: Any, base: Any, holders: Any, out: Any, begin: Any) -> None:
    """Share out a number of at least 0 by the weights from `base` on, into `out` from `begin` on."""
    whole = 0
    for h in range(holders):
        whole += weights[base + h]
    if whole == 0:
        whole = 1
    left = size
    for h in range(holders):
        part, _ = _divide(size * weights[base + h], whole)
        out[begin + h] = part
        left -= part
    # One more to each of the largest remainders, the earlier first among equals; who got one is below 0 until the end.
    for _ in range(left):
        best, most = 0, -1
        for h in range(holders):
            if out[begin + h] >= 0:
                rest = size * weights[base + h] - whole * out[begin + h]
                if rest > most:
                    best, most = h, rest
        out[begin + best] = -out[begin + best] - 1
    for h in range(holders):
        if out[begin + h] < 0:
            out[begin + h] = -out[begin + h]


@kernel(reads=["int64", "int64"], writes="int64", calls=[_divide, _share])
def share_out(totals: Any, weights: Any, out: Any) -> None:
    """Share out each total by largest remainder; weights of all rows, or one row of them for each total."""
    holders = out.size // totals.size
    step = 0 if weights.size == holders else holders
    for row in range(totals.size):
        begin = row * holders
        if step == 0 and row and totals[row] == totals[row - 1]:
            for h in range(holders):
                out[begin + h] = out[begin - holders + h]
            continue
        _share(abs(totals[row]), weights, row * step, holders, out, begin)
        if totals[row] < 0:
            for h in range(holders):
                out[begin + h] = -out[begin + h]


@kernel(reads=["int64", "int64", "int64", "int64"], writes=["int64", "int64"], calls=[_divide])
def convert_each(cents: Any, unit: Any, times: Any, over: Any, shares: Any, cash: Any) -> None:
    """Turn each holder's cents, or each of its units of them, into shares and cents for the fraction.

    `unit` is one number, 0 where all of a holder's principal converts at once. A price is `over` / `times` cents, one
    for each row of holders.
    """
    holders = cents.size // times.size
    for row in range(times.size):
        above, below = times[row], over[row]
        for k in range(row * holders, (row + 1) * holders):
            notes, part = 1, cents[k]
            if unit[0] > 0:
                notes, part = cents[k] // unit[0], unit[0]
            whole, rest = _divide(part * above, below)
            whole_cents, rest = _divide(rest, above)
            if rest >= above - rest:
                whole_cents += 1
            shares[k], cash[k] = notes * whole, notes * whole_cents


@kernel(reads=["int64", "int64", "int64"], writes="int64", tables=["int64", "int64", "int64"], calls=[_divide, _share])
def convert_all(weights: Any, multiple: Any, unit: Any, totals: Any, times: Any, over: Any, shares: Any) -> None:
    """Share out each total of multiples among holders, and count the whole shares of all of them together."""
    holders, last = weights.size, -1
    parts = np.empty(holders, dtype=np.int64)
    for row in range(totals.size):
        if totals[row] != last:
            last = totals[row]
            _share(last, weights, 0, holders, parts, 0)
        count = 0
        for h in range(holders):
            notes, part = 1, parts[h] * multiple[0]
            if unit[0] > 0:
                notes, part = part // unit[0], unit[0]
            whole, _ = _divide(part * times[row], over[row])
            count += notes * whole
        shares[row] = count
