"""What a convertible is worth without its shares and its options: coupons and principal, discounted for credit."""

from __future__ import annotations

import math
from typing import Any

from notecalc.core._jit import kernel
from notecalc.core.convertible._columns import (
    AYACHE_FORSYTH_VETZAL,
    CLAIM_END,
    CLAIM_START,
    COUPON,
    CREDIT,
    DAY_CASH,
    DAY_PUT,
    FIELDS,
    LENGTH,
    RATE,
)

__all__ = ["floor_rows"]


def _recovered(start: float, end: float, length: float, rho: float, decay: float) -> float:
    """Integrate a claim that runs in a line over a segment, discounted at rho, which leaves `decay` at its end."""
    x = rho * length
    flat = length * (1.0 - x / 2.0 + x * x / 6.0) if abs(x) < 1e-4 else (1.0 - decay) / rho
    if end == start:
        return start * flat
    slope = length * (0.5 - x / 3.0 + x * x / 8.0) if abs(x) < 1e-4 else (1.0 - decay * (1.0 + x)) / (rho * x)
    return start * flat + (end - start) * slope


@kernel(
    tables=["int64", "float64", "float64"], reads=["int64", "float64", "float64", "float64"], writes="float64",
    calls=[_recovered],
)  # fmt: skip
def floor_rows(
    offsets: Any, seg: Any, settings: Any, contract: Any, rate: Any, credit: Any, recovery: Any, out: Any
) -> None:
    """Fill in the worth of each row's coupons and principal, with what is recovered on default."""
    by_hazard = int(settings[0]) == AYACHE_FORSYTH_VETZAL
    for r in range(out.size):
        begin, end = offsets[contract[r]], offsets[contract[r] + 1]
        worth, factor, free = (0.0 if end > begin else math.nan), 1.0, 1.0
        for s in range(begin, end):
            o = s * FIELDS
            own_rate = rate[r] if math.isnan(seg[o + RATE]) else seg[o + RATE]
            own_credit = credit[r] if math.isnan(seg[o + CREDIT]) else seg[o + CREDIT]
            rho = own_rate + own_credit
            decay = math.exp(-rho * seg[o + LENGTH])
            if by_hazard:
                claim = _recovered(seg[o + CLAIM_START], seg[o + CLAIM_END], seg[o + LENGTH], rho, decay)
                worth += factor * own_credit * recovery[r] * claim
            else:
                free *= math.exp(-own_rate * seg[o + LENGTH])
            factor *= decay
            worth += factor * seg[o + COUPON]
        if end > begin:
            paid, cash = seg[(end - 1) * FIELDS + DAY_PUT], seg[(end - 1) * FIELDS + DAY_CASH]
            worth += factor * cash + (factor if by_hazard else free) * (paid - cash)
        out[r] = worth
