"""Which rows have constant coefficients and so are valued in vectors, and how they are gathered; see `_fast_grid`.

A row is if its note is converted at one ratio, open to conversion at maturity, accrued interest being forfeited on it;
if its calls are all soft, at one trigger that is above what the call and the maturity pay in shares; if its puts are of
single days; and if, by the second model, rate, volatility and hazard are numbers, the hazard does not depend on the
stock, the stock pays and costs nothing, and what is recovered does not depend on the stock: all of the stock is lost on
default, or nothing of the debt is recovered while conversion is always open. Early conversion never pays then. Where
the grid does not suit a row, since its drift is strong or an event follows settlement closely, it is valued as others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from notecalc.core._jit import kernel
from notecalc.core.arrays import FloatArray, IntArray
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._columns import (
    CALL,
    CALL_END,
    CALL_START,
    CARRY,
    CLAIM_END,
    CLAIM_START,
    COUPON,
    CREDIT,
    DAY_CALL,
    DAY_FLOOR,
    DAY_OPEN,
    DAY_PUT,
    DIVIDEND,
    FIELDS,
    FLOOR_END,
    FLOOR_START,
    LENGTH,
    OPEN,
    PUT,
    RATE,
    RATIO,
    TRIGGER,
    VOLATILITY,
)
from notecalc.core.convertible._fast_rows import (
    ABOVE,
    BELOW,
    COARSE,
    N_CLAIM,
    N_FIELDS,
    N_FREE,
    N_LEVEL,
    N_LIFE,
    N_LONGEST,
    N_PAID,
    N_RATIO,
    S_BARRIER,
    S_COUPON,
    S_FIELDS,
    S_LENGTH,
    S_PUT,
    node_counts,
    value_fast,
)

__all__ = ["value_where_fast"]

# Nodes below the call's level, above it and beyond; standard deviations below and above; the coarse grid's share of the
# nodes; the least error to be told, and by how much what the two grids differ by is multiplied.
GRIDS = {
    "fast": (16, 8, 12, 2.0, 2.25, 0.75, 4e-4, 3.0),
    "standard": (28, 12, 18, 2.5, 2.5, 0.75, 4e-5, 3.0),
}

_DRIFT: Final = 3.0  # standard deviations by which the stock may drift over a life
_UNKNOWN: Final = 28  # columns from here on came later: a note with anything in them is left to the engine
_SLOW, _OPEN, _CLOSED = 0, 1, 2  # whether a note is left to the engine; whether it is always open to conversion


def is_simple(seg: Any, o: int, first: int, last: bool) -> Any:  # noqa: FBT001 (a kernel's flag)
    """Tell whether a segment is as the fast path needs it, `first` being its note's first.

    What is paid beside shares and does not accrue is a coupon on the way to its payment date: without a call nobody
    converts for its sake.
    """
    k = seg[o + RATIO]
    plain = (
        math.isnan(seg[o + RATE]) and math.isnan(seg[o + CARRY]) and math.isnan(seg[o + VOLATILITY])
        and math.isnan(seg[o + CREDIT]) and math.isnan(seg[o + DAY_CALL]) and seg[o + PUT] == 0.0
        and seg[o + DIVIDEND] == 0.0 and seg[o + COUPON] >= 0.0 and k == seg[first + RATIO]
        and seg[o + FLOOR_START] == seg[o + FLOOR_END]
        and seg[o + CLAIM_START] == seg[first + CLAIM_START] and seg[o + CLAIM_END] == seg[first + CLAIM_START]
    )  # fmt: skip
    for j in range(_UNKNOWN, FIELDS):
        plain = plain and (seg[o + j] == 0.0 or math.isnan(seg[o + j]))
    if seg[o + CALL] > 0.0:
        worth = k * seg[o + TRIGGER]
        plain = (
            plain
            and seg[o + FLOOR_START] == 0.0
            and seg[o + OPEN] > 0.0
            and worth >= max(seg[o + CALL_START], seg[o + CALL_END])
        )
    return plain and (not last or (seg[o + DAY_OPEN] > 0.0 and seg[o + DAY_PUT] > 0.0 and seg[o + DAY_FLOOR] == 0.0))


def level_of_calls(seg: Any, begin: int, end: int) -> Any:
    """Give the highest trigger of a note's calls; 0 if it has none."""
    trigger = 0.0
    for s in range(begin, end):
        if seg[s * FIELDS + CALL] > 0.0:
            trigger = max(trigger, seg[s * FIELDS + TRIGGER])
    return trigger


def note_kind(seg: Any, begin: int, end: int) -> int:
    """Tell whether a note is left to the engine, and whether it is always open to conversion."""
    kind, trigger = (_OPEN if end > begin else _SLOW), level_of_calls(seg, begin, end)
    for s in range(begin, end):
        o = s * FIELDS
        if not is_simple(seg, o, begin * FIELDS, s == end - 1) or (seg[o + CALL] > 0.0 and seg[o + TRIGGER] != trigger):
            return _SLOW
        if seg[o + OPEN] == 0.0:
            kind = _CLOSED
    return kind


@kernel(
    tables=["int64", "float64"], reads=[], writes=["int64", "float64", "float64", "int64"],
    calls=[is_simple, level_of_calls, note_kind],
)  # fmt: skip
def read_notes(offsets: Any, seg: Any, counts: Any, short: Any, notes: Any, kind: Any) -> None:
    """Fill in the segments of notes that are simple, joined where nothing happens between them, and the notes."""
    for i in range(kind.size):
        begin, end = offsets[i], offsets[i + 1]
        counts[i], first = 0, begin * FIELDS
        kind[i] = note_kind(seg, begin, end)
        if kind[i] == _SLOW:
            continue
        at, now, length, last = begin * S_FIELDS, 0.0, 0.0, (end - 1) * FIELDS
        free, longest, most = 0.0, 0.0, seg[last + DAY_PUT]
        for s in range(begin, end):
            o = s * FIELDS
            length += seg[o + LENGTH]
            now += seg[o + LENGTH]
            put = seg[o + DAY_PUT] if s < end - 1 and not math.isnan(seg[o + DAY_PUT]) else 0.0
            most = max(most, put)
            if seg[o + CALL] == 0.0:
                free = now
            same = s < end - 1 and (seg[o + CALL] > 0.0) == (seg[o + FIELDS + CALL] > 0.0)
            if same and put == 0.0 and seg[o + COUPON] == 0.0:
                continue
            short[at + S_LENGTH], short[at + S_COUPON], short[at + S_PUT] = length, seg[o + COUPON], put
            short[at + S_BARRIER] = 1.0 if seg[o + CALL] > 0.0 else 0.0
            if counts[i] > 0:
                longest = max(longest, length)
            at += S_FIELDS
            counts[i] += 1
            length = 0.0
        n, k = i * N_FIELDS, seg[last + RATIO]
        trigger = level_of_calls(seg, begin, end)
        if trigger > 0.0 and k * trigger < 1.0001 * most:
            kind[i] = _SLOW
        notes[n + N_RATIO], notes[n + N_PAID], notes[n + N_CLAIM] = k, seg[last + DAY_PUT], seg[first + CLAIM_START]
        notes[n + N_LEVEL] = trigger if trigger > 0.0 else seg[last + DAY_PUT] / k
        notes[n + N_LIFE], notes[n + N_FREE], notes[n + N_LONGEST] = now, free, longest


@kernel(
    tables=["int64", "float64", "float64", "int64", "float64"],
    reads=["int64"] + ["float64"] * (col.MARKET - 1),
    writes="int64",
    calls=[node_counts],
)  # fmt: skip
def choose(
    begins: Any, short: Any, notes: Any, kind: Any, settings: Any, contract: Any, stock: Any, volatility: Any,
    rate: Any, carry: Any, credit: Any, recovery: Any, drop: Any, elasticity: Any, out: Any,
) -> None:  # fmt: skip
    """Fill in the number of segments of rows valued in vectors, 0 for others; `begins` are starts, then counts."""
    size = kind.size
    for r in range(out.size):
        c, vol, p = contract[r], volatility[r], credit[r]
        out[r] = 0
        total = drop[r] == 1.0
        simple = carry[r] == 0.0 and elasticity[r] == 0.0 and (total or (kind[c] == _OPEN and recovery[r] * p == 0.0))
        known = not (math.isnan(stock[r]) or math.isnan(vol) or math.isnan(rate[r]) or math.isnan(p))
        if kind[c] == _SLOW or not simple or not known or math.isnan(recovery[r]):
            continue
        n, count, o = c * N_FIELDS, begins[size + c], begins[c] * S_FIELDS
        life, free, level = notes[n + N_LIFE], notes[n + N_FREE], notes[n + N_LEVEL]
        low, high, room = node_counts(settings, count, settings[COARSE])
        y, strike = math.log(stock[r] / level), math.log(notes[n + N_PAID] / (notes[n + N_RATIO] * level))
        if free <= 0.0:
            y = min(y, 0.0)
        below = settings[BELOW] * vol * math.sqrt(life) - min(y, strike)
        step = max(below / low, (max(y, 0.0) + settings[ABOVE] * vol * math.sqrt(free)) / high)
        drift = rate[r] + drop[r] * p - 0.5 * vol * vol
        if abs(drift) * math.sqrt(life) > _DRIFT * vol:
            continue
        if p * recovery[r] > 0.0 and abs(rate[r] + p) < 1e-3:
            continue  # recovery is worth too much for ever
        wide = vol * math.sqrt(notes[n + N_LONGEST])
        if wide * (4.5 + abs(drift) * wide / (vol * vol)) > room * step:
            continue
        if step > vol * math.sqrt(life / count) or abs(drift) / (vol * vol) * step * (low + room) > 300.0:
            continue
        # A call that becomes live shortly before a put, or a put shortly after settlement, leaves nothing smooth.
        hasty = False
        for m in range(1, count):
            e = o + m * S_FIELDS
            begins_call = short[e + S_BARRIER] > 0.0 and short[e - S_FIELDS + S_BARRIER] == 0.0
            if begins_call and short[e + S_PUT] > 0.0 and step > vol * math.sqrt(short[e + S_LENGTH]):
                hasty = True
        if hasty:
            continue
        kinked = short[o + S_PUT] > 0.0 or (count > 1 and short[o + S_BARRIER] != short[o + S_FIELDS + S_BARRIER])
        if kinked and step > vol * math.sqrt(short[o + S_LENGTH]):
            continue
        out[r] = count


def value_where_fast(
    offsets: IntArray, table: FloatArray, grid: Sequence[float], contract: IntArray, columns: Sequence[FloatArray],
    out: Sequence[FloatArray], threads: int | None = None,
) -> IntArray:  # fmt: skip
    """Fill in the rows that can be valued in vectors; give the places of the others."""
    size = offsets.size - 1
    counts, kind = np.zeros((2, size), dtype=np.int64)
    short, notes = np.zeros(table.size // FIELDS * S_FIELDS), np.zeros(size * N_FIELDS)
    read_notes(offsets, table, counts, short, notes, kind)
    settings, begins = np.array(grid, dtype=np.float64), np.concatenate([offsets[:-1], counts])
    segments = np.empty(contract.size, dtype=np.int64)
    choose.spread(begins, short, notes, kind, settings, contract, *columns[: col.MARKET - 1], segments, threads=threads)
    chosen = [columns[c] for c in (col.STOCK, col.R_VOLATILITY, col.R_RATE, col.R_CREDIT, col.RECOVERY, col.DROP)]
    least = int(segments.min()) if segments.size else 0
    if least > 0 and least == segments.max():  # as for one note: nothing to sort
        value_fast.spread(begins, short, notes, settings, contract, *chosen, *out, threads=threads)
        return np.empty(0, dtype=np.int64)
    order = np.argsort(segments.astype(np.int32), kind="stable")
    left = np.count_nonzero(segments == 0)
    order, rest = order[left:], order[:left]
    sorted_out = np.empty((len(out), order.size))
    value_fast.spread(
        begins, short, notes, settings, contract[order], *(column[order] for column in chosen), *sorted_out,
        threads=threads,
    )  # fmt: skip
    for part, found in zip(out, sorted_out, strict=True):
        part[order] = found
    return rest
