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
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from notecalc.core._jit import kernel
from notecalc.core.arrays import FloatArray, IntArray
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._columns import (
    BRIEF,
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
    DAY_RATIO,
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
    FEW,
    FINER,
    N_CLAIM,
    N_FIELDS,
    N_FIRST,
    N_FREE,
    N_GAP,
    N_LEVEL,
    N_LIFE,
    N_LONGEST,
    N_NARROW,
    N_NEAR,
    N_PAID,
    N_RATIO,
    N_STRIKE,
    ROOM,
    S_BARRIER,
    S_COUPON,
    S_FIELDS,
    S_FIRST,
    S_INNER,
    S_LENGTH,
    S_PAID,
    S_PUT,
    S_TIME,
    WINDOW,
    node_counts,
    value_fast,
)

__all__ = ["SimpleNotes", "value_where_fast"]

# Nodes below the call's level and above it; standard deviations to which Gaussians are summed, and from the stock price
# and the kink of the payoff down and up; by how much the second grid is finer; the least error to be told, and by how
# much what the two grids differ by is multiplied.
#
# Errors were measured against `reference` over the 1,000 notes of ``benchmarks/bench_convertible.py``, and against a
# grid of 128 nodes over 6,000 odd rows, of which 2,700 are valued here: lives of half a year to 20, settled on any day,
# calls and puts on any days, a fifth of them within 20 days of each other, volatilities of 8 to 200%, hazard rates up
# to 40%. What is told covers 100% and 98% of the former at `fast` and `standard`, 99.7% and 98.7% of the latter.
GRIDS = {
    "fast": (16, 16, 5.0, 2.0, 2.75, 2.0, 4e-4, 1.0),
    "standard": (24, 24, 5.5, 2.25, 3.0, 2.0, 5e-5, 1.0),
}

# Steps over the standard deviation of what the grid must show, from which a finer one is asked, and is no help either.
_SHOWN: Final = 0.7
_TOO_ROUGH: Final = 2.0
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
        and seg[o + DIVIDEND] == 0.0 and seg[o + COUPON] >= 0.0 and k == seg[first + RATIO] == seg[o + DAY_RATIO]
        and seg[o + FLOOR_START] == seg[o + FLOOR_END]
        and seg[o + CLAIM_START] == seg[first + CLAIM_START] and seg[o + CLAIM_END] == seg[first + CLAIM_START]
    )  # fmt: skip
    for j in range(_UNKNOWN, BRIEF):  # the last is of no concern here
        plain = plain and (seg[o + j] == 0.0 or math.isnan(seg[o + j]))
    if seg[o + CALL] > 0.0:
        worth = k * seg[o + TRIGGER]
        plain = (
            plain
            and seg[o + FLOOR_START] == 0.0
            and seg[o + OPEN] > 0.0
            and worth >= max(seg[o + CALL_START], seg[o + CALL_END])
        )
    if last:
        # A coupon beside the shares, too, is listed: without a call nothing takes it away.
        plain = plain and not (seg[o + CALL] > 0.0 and seg[o + COUPON] > 0.0)
        plain = plain and seg[o + DAY_OPEN] > 0.0 and seg[o + DAY_PUT] > 0.0 and seg[o + DAY_FLOOR] == 0.0
    return plain


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


def look_closely(short: Any, begin: int, count: int) -> tuple[float, float, int]:
    """Give the shortest of the spans that a grid must show, that from a call's start to a put, and where events are.

    Where a put is taken and where a call's level is left or entered, the nodes around are looked at. What another put
    or level has bent must be smooth there by then, which it is after a Gaussian of `FEW` squared steps. A put soon
    after a call's start is apart: its kink is mostly far below the level.
    """
    narrow, near, called, put_at = math.inf, math.inf, 0, 0
    now, since_put, since_call = 0.0, -math.inf, -math.inf
    for m in range(count):
        e = (begin + m) * S_FIELDS
        length, put, live = short[e + S_LENGTH], short[e + S_PUT] > 0.0, short[e + S_BARRIER] > 0.0
        next_live = short[e + S_FIELDS + S_BARRIER] > 0.0 if m + 1 < count else live
        now += length
        # At the stock price of today no put nor level may be seen.
        if put or live != next_live:
            narrow = min(narrow, now)
        # A coupon after a put that follows a call's start: it is not kept apart from it.
        if live and short[e + S_COUPON] > 0.0 and put_at == m and m > 0:
            narrow = min(narrow, (now - since_call) / FEW)
        # A put on the day that a call becomes live, shortly before a coupon: the coupon is kept apart from it.
        if m > 0 and live and short[e - S_FIELDS + S_BARRIER] == 0.0 and short[e - S_FIELDS + S_PUT] > 0.0:
            narrow = min(narrow, length / FEW)
        if put or m + 1 == count:
            narrow = min(narrow, (now - since_put) / FEW)
        if live != next_live:
            narrow = min(narrow, (now - since_call) / FEW)
        if put:
            near = min(near, now - since_call) if live else near
            put_at, since_put = m + 1, now
        if live != next_live:
            called, since_call = m + 1, now
    return narrow, near, (count * 1024 + min(put_at, 1023)) * 1024 + min(called, 1023)


@kernel(
    tables=["int64", "float64"], reads=[], writes=["int64", "float64", "float64", "int64", "int64"],
    calls=[is_simple, level_of_calls, note_kind, look_closely],
)  # fmt: skip
def read_notes(offsets: Any, seg: Any, counts: Any, short: Any, notes: Any, group: Any, kind: Any) -> None:
    """Fill in the segments of notes that are simple, joined where nothing happens between them, and the notes.

    A coupon without a call is nothing that happens: it is listed, and what it is worth added in closed form.

    Notes of a lower and a higher `group` differ in the number of segments, or in where a put or a call is.
    """
    for i in range(kind.size):
        begin, end = offsets[i], offsets[i + 1]
        counts[i], first = 0, begin * FIELDS
        kind[i] = note_kind(seg, begin, end)
        if kind[i] == _SLOW:
            continue
        at, now, length, last = begin * S_FIELDS, 0.0, 0.0, (end - 1) * FIELDS
        free, longest, most, inner, told = 0.0, 0.0, seg[last + DAY_PUT], 0, 0
        for s in range(begin, end):
            o = s * FIELDS
            length += seg[o + LENGTH]
            now += seg[o + LENGTH]
            put = seg[o + DAY_PUT] if s < end - 1 and not math.isnan(seg[o + DAY_PUT]) else 0.0
            most = max(most, put)
            if seg[o + CALL] == 0.0:
                free = now
            same = s < end - 1 and (seg[o + CALL] > 0.0) == (seg[o + FIELDS + CALL] > 0.0)
            if (same or s == end - 1) and put == 0.0 and seg[o + CALL] == 0.0 and seg[o + COUPON] > 0.0:
                short[begin * S_FIELDS + inner * S_FIELDS + S_TIME] = length
                short[begin * S_FIELDS + inner * S_FIELDS + S_PAID] = seg[o + COUPON]
                inner += 1
            if same and put == 0.0 and (seg[o + COUPON] == 0.0 or seg[o + CALL] == 0.0):
                continue
            short[at + S_INNER], short[at + S_FIRST] = inner - told, (begin + told) * S_FIELDS
            told = inner
            short[at + S_LENGTH], short[at + S_PUT] = length, put
            short[at + S_COUPON] = seg[o + COUPON] if s < end - 1 else 0.0
            short[at + S_BARRIER] = 1.0 if seg[o + CALL] > 0.0 else 0.0
            if counts[i] > 0:
                longest = max(longest, length)
            at += S_FIELDS
            counts[i] += 1
            length = 0.0
        n, k = i * N_FIELDS, seg[last + RATIO]
        trigger = level_of_calls(seg, begin, end)
        narrow, near, group[i] = look_closely(short, begin, counts[i])
        if trigger > 0.0 and k * trigger < 1.0001 * most:
            kind[i] = _SLOW
        notes[n + N_RATIO], notes[n + N_PAID], notes[n + N_CLAIM] = k, seg[last + DAY_PUT], seg[first + CLAIM_START]
        notes[n + N_LEVEL] = trigger if trigger > 0.0 else seg[last + DAY_PUT] / k
        notes[n + N_LIFE], notes[n + N_FREE], notes[n + N_LONGEST] = now, free, longest
        notes[n + N_STRIKE] = math.log(seg[last + DAY_PUT] / (k * notes[n + N_LEVEL]))
        notes[n + N_NARROW], notes[n + N_NEAR] = narrow, near
        notes[n + N_GAP] = math.log(k * notes[n + N_LEVEL] / most)
        notes[n + N_FIRST] = short[begin * S_FIELDS + S_LENGTH]


@kernel(
    tables=["int64", "float64", "int64", "float64"],
    reads=["int64"] + ["float64"] * (col.MARKET - 1),
    writes="int64",
    calls=[node_counts],
)  # fmt: skip
def choose(
    begins: Any, notes: Any, kind: Any, settings: Any, contract: Any, stock: Any, volatility: Any,
    rate: Any, carry: Any, credit: Any, recovery: Any, drop: Any, elasticity: Any, out: Any,
) -> None:  # fmt: skip
    """Fill in how often rows are to be valued in vectors, on one grid or a finer one too; 0 for others.

    `begins` are starts, then counts.
    """
    size, before = kind.size, -1
    low, high = 4, 4
    life, free, first, longest, narrow, near = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for r in range(out.size):
        c, vol, p = contract[r], volatility[r], credit[r]
        out[r] = 0
        total = drop[r] == 1.0
        simple = carry[r] == 0.0 and elasticity[r] == 0.0 and (total or (kind[c] == _OPEN and recovery[r] * p == 0.0))
        known = not (math.isnan(stock[r]) or math.isnan(vol) or math.isnan(rate[r]) or math.isnan(p))
        if kind[c] == _SLOW or not simple or not known or math.isnan(recovery[r]):
            continue
        n, count = c * N_FIELDS, begins[size + c]
        if c != before:
            low, high = node_counts(settings, count, 1.0)
            before = c
            life, free = math.sqrt(notes[n + N_LIFE]), math.sqrt(notes[n + N_FREE])
            first, longest = math.sqrt(notes[n + N_FIRST]), math.sqrt(notes[n + N_LONGEST])
            narrow, near = math.sqrt(notes[n + N_NARROW]), math.sqrt(notes[n + N_NEAR])
        y = math.log(stock[r] / notes[n + N_LEVEL])
        if free <= 0.0:
            y = min(y, 0.0)
        below = settings[BELOW] * vol * life - min(y, notes[n + N_STRIKE])
        step = max(below / low, (max(y, 0.0) + settings[ABOVE] * vol * free) / high)
        drift = rate[r] + drop[r] * p - 0.5 * vol * vol
        if abs(drift) * life > _DRIFT * vol:
            continue
        if p * recovery[r] > 0.0 and abs(rate[r] + p) < 1e-3:
            continue  # recovery is worth too much for ever
        lean = abs(drift / (vol * vol) + 0.5) + 0.5  # see `reach_of`
        wide = max(vol * longest, step)
        room = wide * (settings[WINDOW] + lean * wide)
        wide = max(vol * first, step)
        room = max(room, wide * (settings[WINDOW] + lean * wide) + max(-low * step - y, y))
        # How coarse the grid is beside what it must show: spans, segments, and how f grows, of which kinks are series.
        rough = max(step / (vol * narrow), step * math.sqrt(1.0 * count) / (vol * life), lean * step)
        if step > vol * near and notes[n + N_GAP] < 4.0 * step:
            rough = max(rough, 1.0)  # the finer grid puts more nodes between the put and the level
        finest = step / settings[FINER] if rough > _SHOWN else step
        if rough > _TOO_ROUGH or room > (ROOM - 6) * finest or lean * (max(low, high) * step + room) > 300.0:
            continue
        out[r] = 2 if rough > _SHOWN else 1


@dataclass(frozen=True, slots=True, eq=False)
class SimpleNotes:
    """Of all notes of a table, what those are that can be valued in vectors: read once, however many rows there are."""

    begins: IntArray
    """Where the segments of each start, then how many they are."""
    segments: FloatArray
    notes: FloatArray
    kind: IntArray
    rank: IntArray
    """Their places in an order in which those stand together that are alike."""

    @classmethod
    def of(cls, offsets: IntArray, table: FloatArray) -> SimpleNotes:
        """Read them from flat segments."""
        size = offsets.size - 1
        counts, kind, group = np.zeros((3, size), dtype=np.int64)
        segments, notes = np.zeros(table.size // FIELDS * S_FIELDS), np.zeros(size * N_FIELDS)
        read_notes(offsets, table, counts, segments, notes, group, kind)
        rank = np.empty(size, dtype=np.int64)
        rank[np.argsort(group, kind="stable")] = np.arange(size)
        return cls(np.concatenate([offsets[:-1], counts]), segments, notes, kind, rank)


def value_where_fast(
    simple: SimpleNotes, grid: Sequence[float], contract: IntArray, columns: Sequence[FloatArray],
    out: Sequence[FloatArray], threads: int | None = None,
) -> IntArray:  # fmt: skip
    """Fill in the rows that can be valued in vectors; give the places of the others."""
    size, settings = simple.kind.size, np.array(grid, dtype=np.float64)
    tables = (simple.begins, simple.segments, simple.notes, settings)
    times = np.empty(contract.size, dtype=np.int64)
    choose.spread(
        simple.begins, simple.notes, simple.kind, settings, contract, *columns[: col.MARKET - 1], times, threads=threads
    )
    chosen = [columns[c] for c in (col.STOCK, col.R_VOLATILITY, col.R_RATE, col.R_CREDIT, col.RECOVERY, col.DROP)]
    again = np.flatnonzero(times > 1)
    if size == 1 and times.size and times.min() > 0 and 8 * again.size < times.size:  # nothing to sort
        value_fast.spread(*tables, contract, np.minimum(times, 1), *chosen, *out, threads=threads)
        _value_some(tables, again, contract, times, chosen, out, threads)
        return np.empty(0, dtype=np.int64)
    # Rows whose notes are alike stand together, those that are valued twice last.
    key = np.where(times > 0, (times - 1) * size + simple.rank[contract], -1)
    order = np.argsort(key.astype(np.int16 if 2 * size < 2**15 else np.int64), kind="stable")
    left = np.count_nonzero(times == 0)
    _value_some(tables, order[left:], contract, times, chosen, out, threads)
    return order[:left]


def _value_some(
    tables: tuple[Any, ...], rows: IntArray, contract: IntArray, times: IntArray, columns: Sequence[FloatArray],
    out: Sequence[FloatArray], threads: int | None,
) -> None:  # fmt: skip
    """Fill in some rows, in an order."""
    found = np.empty((len(out), rows.size))
    value_fast.spread(
        *tables, contract[rows], times[rows], *(column[rows] for column in columns), *found, threads=threads
    )
    for part, values in zip(out, found, strict=True):
        part[rows] = values
