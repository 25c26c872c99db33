"""Where numbers stand in the flat tables that the kernels of this package read; plain constants, compiled in."""

from __future__ import annotations

from typing import Final

__all__: list[str] = []

# ---- a segment: the time between two days on which something happens, and what happens at its end ----
LENGTH: Final = 0  # [yr]
RATE: Final = 1  # forward risk-free rate; NaN: the row's own
CARRY: Final = 2  # dividend yield and borrow cost; NaN: the row's own
VOLATILITY: Final = 3  # NaN: the row's own
CREDIT: Final = 4  # spread or hazard rate; NaN: the row's own
RATIO: Final = 5  # shares per 100 of principal
OPEN: Final = 6  # whether the holder may convert
FLOOR_START: Final = 7  # what is paid beside shares on conversion, at the start and the end of the segment
FLOOR_END: Final = 8
CALL: Final = 9  # whether the issuer may call
CALL_START: Final = 10  # dirty call price
CALL_END: Final = 11
TRIGGER: Final = 12  # stock price from which it may; 0: any
PUT: Final = 13  # whether the holder may put at any time
PUT_START: Final = 14  # dirty put price
PUT_END: Final = 15
CLAIM_START: Final = 16  # claim on default
CLAIM_END: Final = 17
COUPON: Final = 18  # paid at the end
DAY_PUT: Final = 19  # dirty prices on the last day alone; NaN: none
DAY_CALL: Final = 20
DAY_TRIGGER: Final = 21
DAY_OPEN: Final = 22  # whether conversion is open on the last day, of a segment in which it is not
DAY_FLOOR: Final = 23
DIVIDEND: Final = 24  # cash [currency/share], the stock going ex after the last day
LEVEL_START: Final = 25  # stock price that stays on a node, at the start and the end; filled in by the kernel
LEVEL_END: Final = 26
DAY_CASH: Final = 27  # what of the payment at maturity is cash
NOTICE: Final = 28  # from an issuer's notice to redemption [yr]; 0: called at once
BY_NOTICE: Final = 29  # whether the issuer may give it; CALL_START and CALL_END are then what redemption pays
DAY_NOTICE: Final = 30  # what redemption pays after a notice on the last day alone; 0: none
BRIEF: Final = 31  # time in which what a call makes of the value must be seen [yr]; 0: it has long enough
DAY_RATIO: Final = 32  # shares per 100 on the last day: of two windows that share it, the one with more
FIELDS: Final = 33

# ---- a row: one value to compute ----
STOCK: Final = 0
R_VOLATILITY: Final = 1
R_RATE: Final = 2
R_CARRY: Final = 3
R_CREDIT: Final = 4
RECOVERY: Final = 5
DROP: Final = 6  # fraction that the stock loses on default
ELASTICITY: Final = 7  # b of p(S) = p0 (S/S0)^-b
REFERENCE: Final = 8  # S0 of the same
MARKET: Final = 9

# ---- models ----
TSIVERIOTIS_FERNANDES: Final = 0
AYACHE_FORSYTH_VETZAL: Final = 1
GOLDMAN_SACHS: Final = 2

# ---- where the continuation region ends ----
LAST: Final = 0  # its last node
PART: Final = 1  # where in the cell after that node its edge lies, 0 to 1
SIDE: Final = 2  # 1: converted beyond; -1: called for cash beyond; 0: it ends at the level, or with the grid
OLD_LAST: Final = 3  # before the step
OLD_SIDE: Final = 4
PUT_LAST: Final = 5  # the last node below it at which the note is put; -1: none
PUT_PART: Final = 6  # how far below the next node the edge of what is put lies, in cells
LACK: Final = 7  # by how much W would fall short of the shares before its edge, and owe cash, over all steps
STATE: Final = 8

# ---- the edges after each step of a segment, behind the state where there is room: LAST, PART, SIDE and ----
EDGE_NEW: Final = 3  # the time reached
EDGE_TWICE: Final = 4  # the step's TWICE
EDGE_PUT_LAST: Final = 5
EDGE_PUT_PART: Final = 6
EDGE_PARTS: Final = 7

# ---- a step of time ----
HALF: Final = 0  # by which the implicit part advances [yr]
TWICE: Final = 1  # 2 for Crank-Nicolson, whose unknown is the midpoint; 1 for an implicit step
NEW: Final = 2  # the time reached, back from the segment's end [yr]
MIDDLE: Final = 3  # the time at which coefficients are taken
STEP: Final = 4

# ---- work arrays, a row each ----
GAIN: Final = 0  # of the forward elimination: w[i] = GAIN[i] + PASS[i] w[i + 1]
PASS: Final = 1
SOURCE: Final = 2  # what is taken from W per year, among it
COST: Final = 3  # what holding the shares rather than converting loses
DECAY: Final = 4  # the rate at which W is discounted
SECOND: Final = 5  # the second unknown at the middle of the step
LEAN: Final = 6  # what the second unknown adds to SOURCE, per unit of it
OLD: Final = 7  # both unknowns before the step
OLD_SECOND: Final = 8
ABOVE: Final = 9  # both unknowns beyond an edge above which the issuer waits with a call
ABOVE_SECOND: Final = 10
WORK: Final = 11

# ---- a note that has been called, on the same grid, a row each ----
CALLED: Final = 0  # what it is worth above its shares
CALLED_CASH: Final = 1  # its second unknown
OLD_CALLED: Final = 2  # both before the step
OLD_CALLED_CASH: Final = 3
UNIT: Final = 4  # h^2 / 2 times the second derivative of the distance from it, were it touched there
SPARE: Final = 5
TOMORROW: Final = 6  # called a day after settlement
NOTICED: Final = 7

# ---- the grid ----
BEYOND: Final = 6  # nodes past an edge to which the solution is carried
BESIDE: Final = 5  # nodes before an edge: if it moves fast, or has just come in, W may lie below its bound for a step

# ---- conversion in a stretch below the edge, in the models of a spread ----
LITTLE: Final = 0.15  # of the principal: of what is owed, coupons at most
# The most that a note may be below its shares before the edge, by the part of it that is owed, added up over steps, for
# there to be no such stretch [per 100].
MOST_LACK: Final = 0.005
