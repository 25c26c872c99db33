"""Value, delta, gamma and theta at the stock price, for as many rows at once as a vector has lanes."""

from __future__ import annotations

from typing import Any

from notecalc.core._vectors import exp, lanes_of, log, maximum, minimum, select, splat, store
from notecalc.core.convertible._columns import (
    AYACHE_FORSYTH_VETZAL,
    CALL_END,
    CALL_START,
    CARRY,
    CLAIM_START,
    CREDIT,
    DROP,
    ELASTICITY,
    FLOOR_END,
    FLOOR_START,
    LEVEL_START,
    RATE,
    RATIO,
    RECOVERY,
    REFERENCE,
    STOCK,
    TSIVERIOTIS_FERNANDES,
    VOLATILITY,
)
from notecalc.core.convertible._lanes_memory import LAST, PART, SECOND, SIDE, TOP, H, U, of, rise
from notecalc.core.convertible._lanes_weights import derivatives

__all__: list[str] = []


def read(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, row: Any, is_open: Any, is_call: Any, model: int,
    out: Any,
) -> None:  # fmt: skip
    """Read value, delta, gamma and theta off the grid at the stock price."""
    zeros, one = splat(0.0, like), splat(1.0, like)
    barrier = is_open and is_call
    k, stock, h = of(like, seg, RATIO), of(like, row, STOCK), of(like, now, H)
    place = log(stock / of(like, seg, LEVEL_START)) / h
    side, edge = of(like, now, SIDE), of(like, now, LAST) + of(like, now, PART)
    past = select(edge > place, zeros, one)
    ended = select(zeros > place, zeros, one) if barrier else zeros
    converted = maximum(ended, select(side > zeros, past, zeros))
    called = select(zeros > side, past, zeros) * (one - converted)
    high = zeros if barrier else of(like, now, TOP)
    high = select(side * side > zeros, minimum(of(like, now, LAST) + one, of(like, now, TOP)), high)
    value, slope, bend = derivatives(like, grid, U * room, cells, now, place, high)
    slope, bend = slope / h, bend / (h * h)
    least, shares = of(like, seg, FLOOR_START), k * stock
    value = value + shares
    if is_open:
        value = maximum(value, least + shares)
    delta, gamma = k + slope / stock, (bend - slope) / (stock * stock)
    rate, carry, vol, credit = (
        of(like, seg, RATE), of(like, seg, CARRY), of(like, seg, VOLATILITY), of(like, seg, CREDIT)
    )  # fmt: skip
    if model == AYACHE_FORSYTH_VETZAL:
        p = credit * exp((zeros - of(like, row, ELASTICITY)) * log(stock / of(like, row, REFERENCE)))
        rho, drift = rate + p, rate - carry + of(like, row, DROP) * p
        on_default = shares * (one - of(like, row, DROP)) if is_open else zeros
        paid = p * maximum(on_default, of(like, row, RECOVERY) * of(like, seg, CLAIM_START))
    else:
        spread = credit * derivatives(like, grid, SECOND * room, cells, now, place, high)[0]
        is_cash = model == TSIVERIOTIS_FERNANDES
        rho, drift = rate if is_cash else rate + spread, rate - carry
        paid = zeros - spread if is_cash else zeros
    theta = rho * value - paid - drift * stock * delta - 0.5 * vol * vol * stock * stock * gamma
    ends = maximum(converted, called)
    value = select(converted > zeros, least + shares, select(called > zeros, of(like, seg, CALL_START), value))
    delta = select(converted > zeros, k, select(called > zeros, zeros, delta))
    store(out, 0, value)
    store(out, lanes_of(like), delta)
    store(out, 2 * lanes_of(like), select(ends > zeros, zeros, gamma))
    # What is exercised at once is worth what is paid for it, which accrues.
    accrues = select(called > zeros, rise(like, seg, 0, CALL_START, CALL_END), theta)
    accrues = select(converted > zeros, rise(like, seg, 0, FLOOR_START, FLOOR_END), accrues)
    store(out, 3 * lanes_of(like), accrues)
