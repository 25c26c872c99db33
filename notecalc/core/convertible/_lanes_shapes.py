"""What rows, their segments and the days between are like, for lanes to choose by: the lives of notes side by side."""

from __future__ import annotations

import math
from typing import Any, Final

from notecalc.core._vectors import lanes_of
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._columns import FIELDS
from notecalc.core.convertible._segment import own_or
from notecalc.core.convertible._steps import step_count

__all__: list[str] = []

# ---- of a segment and the day at its end, by 1 or 0 ----
IS_OPEN: Final = 0
IS_CALL: Final = 1
BARRIER: Final = 2  # both: the note ends at the level
DAY_OPENED: Final = 3
HAS_PUT: Final = 4
HAS_CALL: Final = 5
MOVES: Final = 6  # whether the grid, or what W is measured from, is another on the other side of the day
WITHIN: Final = 7  # whether W stays above what is paid beside shares, whatever happens on the day
DRIFTS: Final = 8  # whether the level moves within the segment
HARD: Final = 9  # whether a call may bind below the level
GENTLE: Final = 10  # whether it binds from a trigger on, or there is little time
FIRST: Final = 11  # whether a life begins with it
FLAGS: Final = 12

# ---- of a row, as bits of a number ----
ELASTIC: Final = 1
GRADED: Final = 2  # whether its steps get longer
EARLY: Final = 4  # whether it may pay to convert before the level is reached


def kind_of(seg: Any, begin: int, end: int, row: Any, model: int) -> int:
    """Give a number of a row, alike for those that may share a vector."""
    graded, paid = row[col.R_CARRY] > 0.0, False
    for s in range(begin, end):
        graded = graded or seg[s * FIELDS + col.CARRY] > 0.0
        paid = paid or seg[s * FIELDS + col.FLOOR_START] != 0.0 or seg[s * FIELDS + col.FLOOR_END] != 0.0
    kind = GRADED if graded else 0
    if model != col.AYACHE_FORSYTH_VETZAL:
        # What is converted bears no spread: it may always pay, and no hazard depends on the stock.
        return kind
    return kind + (ELASTIC if row[col.ELASTICITY] != 0.0 else 0) + (EARLY if graded or paid else 0)


def barriers_of(seg: Any, begin: int, end: int) -> int:
    """Give how many segments end at the level."""
    found = 0
    for s in range(begin, end):
        if seg[s * FIELDS + col.OPEN] > 0.0 and seg[s * FIELDS + col.CALL] > 0.0:
            found += 1
    return found


def most_segments(like: Any, offsets: Any, contract: Any, r: int) -> int:
    """Give the segments of the lane that has most."""
    most = 0
    for lane in range(lanes_of(like)):
        most = max(most, offsets[contract[r + lane] + 1] - offsets[contract[r + lane]])
    return most


def set_segments(
    like: Any, offsets: Any, seg: Any, steps: float, contract: Any, r: int, segments: int, row: Any, lane_seg: Any,
    flags: Any, counts: Any,
) -> None:  # fmt: skip
    """Lay the lives of lanes side by side, so that they end together, with each segment's flags and steps.

    Before a life of fewer segments comes its first one again and again, for as many steps as others have, which nobody
    looks at.
    """
    lanes = lanes_of(like)
    for lane in range(lanes):
        begin, end = offsets[contract[r + lane]], offsets[contract[r + lane] + 1]
        total = 0.0
        for s in range(begin, end):
            total += seg[s * FIELDS + col.LENGTH]
        for s in range(segments):
            from_ = max(end - segments + s, begin)
            o, is_first = from_ * FIELDS, end - segments + s == begin
            for j in range(FIELDS):
                lane_seg[(s * FIELDS + j) * lanes + lane] = seg[o + j]
            for field, own in (
                (col.VOLATILITY, col.R_VOLATILITY), (col.RATE, col.R_RATE), (col.CARRY, col.R_CARRY),
                (col.CREDIT, col.R_CREDIT),
            ):  # fmt: skip
                lane_seg[(s * FIELDS + field) * lanes + lane] = own_or(seg[o + field], row[own * lanes + lane])
            set_flags(flags, s * FLAGS * lanes + lane, lanes, seg, o, is_first, from_ == end - 1)
            carry, lives = lane_seg[(s * FIELDS + col.CARRY) * lanes + lane], end - segments + s >= begin
            counts[s * lanes + lane] = step_count(seg, o, carry, steps, total) if lives else 0.0
    for s in range(segments):
        most = 0.0
        for lane in range(lanes):
            most = max(most, counts[s * lanes + lane])
        for lane in range(lanes):
            if counts[s * lanes + lane] == 0.0:
                counts[s * lanes + lane] = most


def set_flags(flags: Any, at: int, lanes: int, seg: Any, o: int, is_first: Any, is_last: Any) -> None:
    """Tell what a segment and the day at its end are like."""
    is_open, is_call, coming = seg[o + col.OPEN] > 0.0, seg[o + col.CALL] > 0.0, o if is_last else o + FIELDS
    has_call = not math.isnan(seg[o + col.DAY_CALL])
    moves = (
        seg[coming + col.LEVEL_START] != seg[o + col.LEVEL_END]
        or seg[o + col.DIVIDEND] > 0.0
        or seg[coming + col.RATIO] != seg[o + col.RATIO]
    )
    within = (
        seg[coming + col.OPEN] > 0.0 and not moves and not has_call
        and seg[coming + col.FLOOR_START] >= seg[o + col.DAY_FLOOR]
        and seg[o + col.FLOOR_END] <= seg[o + col.DAY_FLOOR] + seg[o + col.COUPON]
    )  # fmt: skip
    # From a trigger that is the level on, what is paid for a call matters nowhere.
    highest = max(seg[o + col.LEVEL_START], seg[o + col.LEVEL_END])
    hard = is_call and not (is_open and seg[o + col.TRIGGER] >= highest)
    # Steps that are not implicit leave waves next to where a jump was: from what is read first, they are not gone.
    gentle = (is_first and is_open and is_call) or seg[o + col.BRIEF] > 0.0 or (hard and seg[o + col.TRIGGER] > 0.0)
    flags[at + IS_OPEN * lanes] = 1.0 if is_open else 0.0
    flags[at + IS_CALL * lanes] = 1.0 if is_call else 0.0
    flags[at + BARRIER * lanes] = 1.0 if is_open and is_call else 0.0
    flags[at + DAY_OPENED * lanes] = 1.0 if seg[o + col.DAY_OPEN] > 0.0 else 0.0
    flags[at + HAS_PUT * lanes] = 0.0 if math.isnan(seg[o + col.DAY_PUT]) else 1.0
    flags[at + HAS_CALL * lanes] = 1.0 if has_call else 0.0
    flags[at + MOVES * lanes] = 1.0 if moves and not is_last else 0.0
    flags[at + WITHIN * lanes] = 1.0 if within and not is_last else 0.0
    flags[at + DRIFTS * lanes] = 1.0 if seg[o + col.LEVEL_START] != seg[o + col.LEVEL_END] else 0.0
    flags[at + HARD * lanes] = 1.0 if hard else 0.0
    flags[at + GENTLE * lanes] = 1.0 if gentle else 0.0
    flags[at + FIRST * lanes] = 1.0 if is_first else 0.0
