"""Value, delta, gamma and theta at the stock price, for as many rows at once as a vector has lanes."""

from __future__ import annotations

from typing import Any

from notecalc.core._vectors import exp, lanes_of, load, log, maximum, minimum, select, splat, store
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
from notecalc.core.convertible._lanes_memory import BARRED, LACK, LAST, OPENED, PART, SECOND, SIDE, TOP, H, U, of, rise
from notecalc.core.convertible._lanes_weights import derivatives

__all__: list[str] = []


def read(
    like: Any, grid: Any, room: int, now: Any, cells: Any, seg: Any, o: int, row: Any, first: Any, model: int,
    out: Any,
) -> None:  # fmt: skip
    """Read value, delta, gamma and theta off the grid and LACK, of lanes whose `first` segment it is."""
    zeros, one = splat(0.0, like), splat(1.0, like)
    is_open, barred = of(like, now, OPENED) > zeros, of(like, now, BARRED)
    k, stock, h = of(like, seg, o + RATIO), of(like, row, STOCK), of(like, now, H)
    place = log(stock / of(like, seg, o + LEVEL_START)) / h
    side, edge = of(like, now, SIDE), of(like, now, LAST) + of(like, now, PART)
    past = select(edge > place, zeros, one)
    ended = select(zeros > place, zeros, barred)
    converted = maximum(ended, select(side > zeros, past, zeros))
    called = select(zeros > side, past, zeros) * (one - converted)
    high = select(barred > zeros, zeros, of(like, now, TOP))
    high = select(side * side > zeros, minimum(of(like, now, LAST) + one, of(like, now, TOP)), high)
    value, slope, bend = derivatives(like, grid, U * room, cells, now, place, high)
    slope, bend = slope / h, bend / (h * h)
    least, shares = of(like, seg, o + FLOOR_START), k * stock
    value = value + shares
    value = select(is_open, maximum(value, least + shares), value)
    delta, gamma = k + slope / stock, (bend - slope) / (stock * stock)
    rate, carry, vol, credit = (
        of(like, seg, o + RATE), of(like, seg, o + CARRY), of(like, seg, o + VOLATILITY), of(like, seg, o + CREDIT)
    )  # fmt: skip
    if model == AYACHE_FORSYTH_VETZAL:
        p = credit * exp((zeros - of(like, row, ELASTICITY)) * log(stock / of(like, row, REFERENCE)))
        rho, drift = rate + p, rate - carry + of(like, row, DROP) * p
        on_default = select(is_open, shares * (one - of(like, row, DROP)), zeros)
        paid = p * maximum(on_default, of(like, row, RECOVERY) * of(like, seg, o + CLAIM_START))
    else:
        spread = credit * derivatives(like, grid, SECOND * room, cells, now, place, high)[0]
        is_cash = model == TSIVERIOTIS_FERNANDES
        rho, drift = rate if is_cash else rate + spread, rate - carry
        paid = zeros - spread if is_cash else zeros
    theta = rho * value - paid - drift * stock * delta - 0.5 * vol * vol * stock * stock * gamma
    ends = maximum(converted, called)
    value = select(converted > zeros, least + shares, select(called > zeros, of(like, seg, o + CALL_START), value))
    delta = select(converted > zeros, k, select(called > zeros, zeros, delta))
    gamma = select(ends > zeros, zeros, gamma)
    # What is exercised at once is worth what is paid for it, which accrues.
    accrues = select(called > zeros, rise(like, seg, o, CALL_START, CALL_END), theta)
    accrues = select(converted > zeros, rise(like, seg, o, FLOOR_START, FLOOR_END), accrues)
    for j, part in enumerate((value, delta, gamma, accrues, of(like, now, LACK))):
        store(out, j * lanes_of(like), select(first > zeros, part, load(out, j * lanes_of(like), like)))
