"""Where the arrays over nodes and the numbers of `_lanes` stand in memory, and how each lane reads at its own place.

What is i-th of an array's nodes in memory starts at i times the number of lanes. Places are counted from the level, so
that they are the same numbers whatever the grids of neighbours reach: where the level stands in memory is `zero`. A
lane's own grid goes from its BOTTOM to its TOP; what other lanes have beyond is blank.
"""

from __future__ import annotations

from typing import Any, Final

from notecalc.core._vectors import lanes_of, load, pick, point, splat, store
from notecalc.core.convertible._columns import LENGTH

__all__: list[str] = []

# ---- arrays over nodes ----
U: Final = 0  # what the note is worth above its shares
EXP_Y: Final = 1  # stock price over the level
POWER: Final = 2  # the same to the power of minus the elasticity
GAIN: Final = 3  # w[i] = GAIN[i] + PASS[i] w[i + 1]; on a day, what is to be added to U
PASS: Final = 4
PIVOT: Final = 5
FALL: Final = 6  # GAIN[i] = PIVOT[i] right[i] + FALL[i] GAIN[i - 1]
SPARE: Final = 7
HELD: Final = 8  # U before a step that some lanes do not take
ARRAYS: Final = 9  # of a model of one unknown
SECOND: Final = 9  # the second unknown, and factors of its own elimination
SECOND_GAIN: Final = 10
SECOND_PASS: Final = 11
SECOND_PIVOT: Final = 12
SECOND_FALL: Final = 13
SECOND_HELD: Final = 14
ARRAYS_OF_TWO: Final = 15

# ---- numbers of a grid, a segment, a step and the edge, a vector each ----
H: Final = 0
GROWTH: Final = 1  # of the stock from a node to the next
HALF_VAR: Final = 2
BEND: Final = 3  # h^2 / 2 over half_var
CARRIED: Final = 4
DISCOUNT: Final = 5  # risk-free rate
DROPPED: Final = 6  # what is left of the stock on default
PRICE_RISE: Final = 7
FLOOR_RISE: Final = 8
HH: Final = 9
SCALE: Final = 10  # shares times level at the middle of the step
MEAN: Final = 11  # drift of y but for default
OWN: Final = 12  # hazard rate at the level
KEPT: Final = 13
CLAIM: Final = 14
SCALE_NEW: Final = 15  # at the end of the step
FLOOR_NEW: Final = 16
LEAST_NEW: Final = 17  # under which a call brings nobody: the floor where conversion is open
PRICE_NEW: Final = 18
FROM_NEW: Final = 19  # of exp_y: the soft call's trigger
LAST: Final = 20
PART: Final = 21
SIDE: Final = 22
FOUND: Final = 23
OLD_LAST: Final = 24
OLD_SIDE: Final = 25
AHEAD: Final = 26
TMP: Final = 27
TMP2: Final = 28
TMP3: Final = 29
LOWER: Final = 30  # what a node takes from the one below it and the one above it
UPPER: Final = 31
LEAN: Final = 32  # h^2 / 6 of what the second unknown takes from W, over half_var
SHARE: Final = 33  # of the second unknown that W holds beside what GAIN gives: all or nothing
SECOND_DECAY: Final = 34  # 1 and what a half step discounts the second unknown by
PARTED: Final = 35  # 1 where the second unknown ends at the edge
GUESS: Final = 36  # where the second unknown is taken to end, and on which side
GUESS_SIDE: Final = 37
# what is known of the node looked at; see `_lanes_two_root.look`
BOUND_HERE: Final = 38
CLEAR: Final = 39  # of W from its bound, but for what the second unknown adds
CLEAR_PASS: Final = 40
UNIT: Final = 41
LEAN_HERE: Final = 42
WEIGHT: Final = 43
WEIGHT_PASS: Final = 44
FAR_SIDE: Final = 45
NEAR_SIDE: Final = 46
LOWER_GAIN: Final = 47
LOWER_PASS: Final = 48
HERE_OLD: Final = 49
NEXT_OLD: Final = 50
HERE_MIDDLE: Final = 51  # in the blended model alone, from here
NEXT_MIDDLE: Final = 52
W_WEIGHT: Final = 53
W_RIGHT: Final = 54
W_AHEAD: Final = 55
W_OLD: Final = 56
SHARES: Final = 57
ADDED: Final = 58
# at an edge
STEEP: Final = 59  # slope of the second unknown
HERE_NEW: Final = 60
NEXT_NEW: Final = 61
FREE: Final = 62  # W less its bound, were it on its bound at the next node
PASSED: Final = 63
UNIT_THERE: Final = 64
TOUCH: Final = 65  # how W meets its bound: 1 with the parabola, 2 without, 0 at the node, or not at all
REACH: Final = 66  # the furthest node to which an edge may move in a step
LACK: Final = 67  # what the note was below its shares before the edge, by what was owed, added up over steps
STEPS_TAKEN: Final = 68  # in the segment
HELD_LAST: Final = 69  # before a step that some lanes do not take
HELD_PART: Final = 70
HELD_SIDE: Final = 71
HELD_LACK: Final = 72
FIRST_DECAY: Final = 73  # 1 and what a half step discounts W by, in the models of two unknowns
SLIP: Final = 74  # what the lowest node takes from the one above it
# where a trigger lies, and what the note is worth next to it; see `_lanes_trigger.solve_held`
AT_TRIGGER: Final = 75
TRIGGER_BELOW: Final = 76
TRIGGER_HERE: Final = 77
TRIGGER_ABOVE: Final = 78
TRIGGER_Z: Final = 79
BOTTOM: Final = 80  # the lane's lowest node and its highest
TOP: Final = 81
ZERO: Final = 82  # where the level stands in memory
TMP4: Final = 83
# of the segment, by 1 or 0: whether conversion is open, and whether the note ends at the level
OPENED: Final = 84
BARRED: Final = 85
MAY_CALL: Final = 86  # whether a call may bind below the level
IMPLICIT_STEPS: Final = 87
STEPS_ASKED: Final = 88  # but for those that are of half the length
CASH_BELOW: Final = 89  # of the cash part, which is nothing at a trigger
CASH_HERE: Final = 90
CURVE: Final = 91  # second difference of what `_lanes_two_root.miss` tells, but for what bends in a node's neighbours
MISSED: Final = 92  # what it tells, but for where nothing is gained by converting early
ANEW: Final = 93  # the node from which on another round finds all anew
LOOKED: Final = 94  # the node last looked at for the second unknown
KEEP: Final = 95  # PASS, where it is the same at all nodes but the highest, where it is nothing
PER_NODE: Final = 96  # 1 over h
PER_RISE: Final = 97  # 1 over what the stock gains from a node to the next
WIDEN: Final = 98  # of the drift: the spread with which a node takes nothing less than nothing from those beside it
UP: Final = 99  # by how many cells the nodes move over a day: how many whole ones, and the part of one
UP_PART: Final = 100
NUMBERS: Final = 101

NEVER: Final = 1e300
NOWHERE: Final = -1e6  # a place that no grid has


def of(like: Any, numbers: Any, k: int) -> Any:
    """Give a number of each lane."""
    return load(numbers, k * lanes_of(like), like)


def put(numbers: Any, k: int, vector: Any) -> None:
    """Keep it."""
    store(numbers, k * lanes_of(vector), vector)


def most_of(like: Any, numbers: Any, k: int) -> Any:
    """Give the greatest of the lanes' numbers."""
    most = numbers[k * lanes_of(like)]
    for lane in range(1, lanes_of(like)):
        most = max(most, numbers[k * lanes_of(like) + lane])
    return most


def least_of(like: Any, numbers: Any, k: int) -> Any:
    """Give the least of them."""
    least = numbers[k * lanes_of(like)]
    for lane in range(1, lanes_of(like)):
        least = min(least, numbers[k * lanes_of(like) + lane])
    return least


def aim(like: Any, cells: Any, now: Any, node: Any) -> None:
    """Set where `gather` reads: at a node of its own for each lane."""
    point(cells, node + of(like, now, ZERO))


def first_common(like: Any, now: Any) -> int:
    """Give the first node in memory that all lanes have."""
    return int(most_of(like, now, BOTTOM) + most_of(like, now, ZERO))


def last_common(like: Any, now: Any) -> int:
    """Give the last node in memory that all lanes have."""
    return int(least_of(like, now, TOP) + most_of(like, now, ZERO))


def is_blank(like: Any, now: Any, i: int) -> Any:
    """Tell which lanes have no such node, of all in memory, in their grids."""
    place = splat(float(i), like) - of(like, now, ZERO)
    return (of(like, now, BOTTOM) > place) | (place > of(like, now, TOP))


def end_alike(like: Any, now: Any, nodes: int, barrier: Any) -> Any:
    """Tell whether all lanes without an edge end at one node: all at the level, as `barrier` says, or none there."""
    return barrier or (most_of(like, now, BARRED) == 0.0 and last_common(like, now) == nodes - 1)


def gather(like: Any, grid: Any, array: int, cells: Any, shift: int) -> Any:
    """Read an array at the node aimed at, or `shift` nodes above it."""
    return pick(grid, array + shift * lanes_of(like), cells, like)


def along(like: Any, seg: Any, o: int, start: int, end: int, back: Any) -> Any:
    """Give a number that runs in a line from the start to the end of a segment, some share of the way back."""
    last = of(like, seg, o + end)
    return last + (of(like, seg, o + start) - last) * back


def rise(like: Any, seg: Any, o: int, start: int, end: int) -> Any:
    """Give its slope in time."""
    return (of(like, seg, o + end) - of(like, seg, o + start)) / of(like, seg, o + LENGTH)
