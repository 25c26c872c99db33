"""The second unknown of the models of a spread: the part paid in cash, or the chance that the note is not converted."""

from __future__ import annotations

import math
from typing import Any

from notecalc.core.convertible._columns import (
    BEYOND,
    CARRY,
    CREDIT,
    GAIN,
    HALF,
    LAST,
    LEVEL_END,
    LEVEL_START,
    MIDDLE,
    PART,
    PASS,
    PUT,
    PUT_LAST,
    R_CARRY,
    R_CREDIT,
    R_RATE,
    R_VOLATILITY,
    RATE,
    SECOND,
    SIDE,
    TSIVERIOTIS_FERNANDES,
    TWICE,
    VOLATILITY,
)
from notecalc.core.convertible._puts import end_second_below, hold_second_below
from notecalc.core.convertible._segment import along, is_barrier, own_or, rise, spreads

__all__: list[str] = []


def is_pinned(state: Any, model: int) -> Any:
    """Tell whether the second unknown ends at the edge: a note called for cash is, in the one model, all equity."""
    return state[SIDE] > 0 or (state[SIDE] < 0 and model == TSIVERIOTIS_FERNANDES)


def solve_second(
    b: Any, work: Any, state: Any, seg: Any, o: int, row: Any, model: int, now: Any, h: float, zero: int, edge: float
) -> None:
    """Solve for the second unknown at the middle of the step; `edge` is what it is there at the end of the step."""
    nodes, more = b.size, now[TWICE] - 1.0
    rate, carry = own_or(seg[o + RATE], row[R_RATE]), own_or(seg[o + CARRY], row[R_CARRY])
    vol, credit = own_or(seg[o + VOLATILITY], row[R_VOLATILITY]), own_or(seg[o + CREDIT], row[R_CREDIT])
    hh, half_var = now[HALF], 0.5 * vol * vol
    level = along(seg, o, LEVEL_START, LEVEL_END, now[MIDDLE])
    mean = rate - carry - rise(seg, o, LEVEL_START, LEVEL_END) / level
    rho = rate + credit if model == TSIVERIOTIS_FERNANDES else 0.0
    pinned, last, z = is_pinned(state, model), int(state[LAST]), state[PART]
    if not pinned:
        last, z = (zero - 1, 1.0) if is_barrier(seg, o) else (nodes - 1, 1.0)
    lo, up = spreads(mean, half_var, hh, h, False)
    slip = hh * mean / (math.exp(h) - 1.0)
    pivot = 1.0 / (1.0 + hh * rho + slip)
    gain, keep, before, first = b[0] * pivot, slip * pivot, 2.0, 1
    work[GAIN, 0], work[PASS, 0] = gain, keep
    is_put = model == TSIVERIOTIS_FERNANDES and seg[o + PUT] > 0 and state[PUT_LAST] >= 0
    if is_put:
        first = hold_second_below(b, work, state, seg, o, now, hh * rho, lo, up, last)
        gain, keep = work[GAIN, first - 1], work[PASS, first - 1]
    for i in range(first, last):
        if abs(keep - before) > 1e-15:
            pivot = 1.0 / (1.0 + hh * rho + lo + up - lo * keep)
            before, keep = keep, up * pivot
        gain = b[i] * pivot + lo * pivot * gain
        work[GAIN, i], work[PASS, i] = gain, keep
    if last == nodes - 1:
        below = spreads(mean, half_var, hh, h, True)[0]
        gain = (b[last] + below * gain) / (1.0 + hh * rho + below - below * keep)
    else:
        # The next node by the parabola through this one, the one before and the edge.
        far, near, held = (1.0 - z) / (1.0 + z), -2.0 * (1.0 - z) / z, 2.0 * edge / (z * (1.0 + z))
        below = lo + up * far
        right = b[last] + up * more / now[TWICE] * (b[last + 1] - far * b[last - 1] - near * b[last])
        right += up * held / now[TWICE]
        gain = (right + below * gain) / (1.0 + hh * rho + lo + up - up * near - below * keep)
    w = gain
    work[SECOND, last] = w
    for i in range(last - 1, -1, -1):
        w = work[GAIN, i] + work[PASS, i] * w
        work[SECOND, i] = w
    if is_put:
        end_second_below(b, work, state, seg, o, now, last)
    if last < nodes - 1:
        here = now[TWICE] * work[SECOND, last] - more * b[last]
        before = now[TWICE] * work[SECOND, last - 1] - more * b[last - 1]
        slope = (before - edge) * z / (1.0 + z) - (here - edge) * (1.0 + z) / z
        for i in range(last + 1, nodes):
            # The parabola for one node, as it has been solved for; then the line that touches it at the edge.
            new = edge + slope * (i - last - z)
            if i == last + 1:
                new = (1.0 - z) * (before / (1.0 + z) - 2.0 * here / z) + 2.0 * edge / (z * (1.0 + z))
            work[SECOND, i] = ((new if i - last <= BEYOND else 0.0) + more * b[i]) / now[TWICE]


def finish_second(b: Any, work: Any, state: Any, now: Any, model: int) -> None:
    """Write the second unknown at the end of the step; a chance is at most 1, and neither is below nothing."""
    more, most, last = now[TWICE] - 1.0, 1.0, int(state[LAST])
    for i in range(b.size):
        b[i] = now[TWICE] * work[SECOND, i] - more * b[i]
    if model == TSIVERIOTIS_FERNANDES:
        for i in range(last + 1):
            most = max(most, b[i])
    for i in range(b.size):
        b[i] = min(max(b[i], 0.0 if i <= last else -most), most)
