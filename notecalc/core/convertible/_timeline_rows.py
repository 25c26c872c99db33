"""What stands in the table of segments: loops over pairs of a note and a settlement, each of which is on its own.

Days are whole numbers; a window that a pair does not have opens on the least integer. Windows of a kind are row by row,
a row for all pairs.
"""

from __future__ import annotations

import math
from typing import Any, Final

from notecalc.core._jit import kernel
from notecalc.core.convertible._columns import (
    BRIEF,
    BY_NOTICE,
    CALL,
    CALL_END,
    CALL_START,
    CARRY,
    CLAIM_END,
    CLAIM_START,
    COUPON,
    CREDIT,
    DAY_CALL,
    DAY_CASH,
    DAY_FLOOR,
    DAY_NOTICE,
    DAY_OPEN,
    DAY_PUT,
    DAY_RATIO,
    DAY_TRIGGER,
    DIVIDEND,
    FIELDS,
    FLOOR_END,
    FLOOR_START,
    LENGTH,
    LEVEL_END,
    LEVEL_START,
    NOTICE,
    OPEN,
    PUT,
    PUT_END,
    PUT_START,
    RATE,
    RATIO,
    TRIGGER,
    VOLATILITY,
)
from notecalc.core.convertible._timeline_cuts import MISSING

__all__ = ["accrue", "fill_segments"]

# ---- what is true of all notes, in `settings` ----
PAIRS: Final = 0
CONVERSIONS: Final = 1  # windows of each kind
CALLS: Final = 2
PUTS: Final = 3
PAID_ON_CONVERSION: Final = 4  # whether accrued interest is, on a call, and whether the claim on default has it
PAID_ON_CALL: Final = 5
IN_CLAIM: Final = 6
IN_SHARES: Final = 7  # whether the principal is paid in shares

_MONTH: Final = 30 / 365  # [yr]


def _coupon(rate: Any, numerator: Any, denominator: Any, note: int, period: int) -> Any:
    """Give a coupon per 100."""
    return 100 * rate[note] * (numerator[period] / denominator[period])


@kernel(
    tables=["int64"] * 5 + ["float64"],
    reads=["int64"] * 3,
    writes=["int64", "float64", "float64"],
    calls=[_coupon],
)
def accrue(
    period_offsets: Any, accrual_start: Any, accrual_end: Any, numerator: Any, denominator: Any, rate: Any,
    note: Any, start: Any, end: Any, period: Any, since: Any, until: Any,
) -> None:  # fmt: skip
    """Fill in interest accrued [per 100] on the first day of segments, after a coupon, and on the last, before it.

    On days within a period it is left missing; `period` is the one that holds the first day, if any.
    """
    p, before, reached = 0, -1, MISSING
    for s in range(start.size):
        n = note[s]
        first, stop = period_offsets[n], period_offsets[n + 1]
        if n != before or start[s] < reached:
            before, p = n, first
        reached = start[s]
        while p + 1 < stop and accrual_start[p + 1] <= reached:
            p += 1
        period[s], since[s], until[s] = p, 0.0, 0.0
        if p < stop and accrual_start[p] < reached < accrual_end[p]:
            since[s] = math.nan
        q = p
        while q + 1 < stop and accrual_start[q + 1] < end[s]:
            q += 1
        if q < stop and accrual_start[q] < end[s]:
            if end[s] == accrual_end[q]:
                until[s] = _coupon(rate, numerator, denominator, n, q)
            elif end[s] < accrual_end[q]:
                until[s] = math.nan


def _segment_after(end: Any, begin: int, stop: int, day: int) -> int:
    """Give the first segment of some that ends after a day."""
    low, high = begin, stop
    while low < high:
        middle = (low + high) >> 1
        if end[middle] > day:
            high = middle
        else:
            low = middle + 1
    return low


def _fill_owed(
    owed: Any, kept: Any, end: Any, begin: int, stop: int, first: int, paid: Any, accrual_end: Any, rate: Any,
    numerator: Any, denominator: Any, note: int, period: int, last: int,
) -> None:  # fmt: skip
    """Fill in what is owed of coupons whose accrual has ended in each segment, and what of it who converts keeps.

    The last one nobody keeps: at maturity shares come in the place of all that is paid.
    """
    for s in range(begin, stop):
        owed[s] = kept[s] = 0.0
    for p in range(period, last + 1):
        if paid[p] > accrual_end[p] > first:  # the seller's, else
            amount = _coupon(rate, numerator, denominator, note, p)
            for s in range(_segment_after(end, begin, stop, accrual_end[p]), stop):
                if end[s] > paid[p]:
                    break
                owed[s] += amount
                kept[s] += amount if p < last else 0.0


def _fill_conversions(
    table: Any, settings: Any, start: Any, end: Any, i: int, begin: int, stop: int, opens: Any, closes: Any, price: Any
) -> None:
    """Fill in the shares per 100 in each segment and on its last day, and whether conversion is open then.

    Where it is closed they are those of the next window in time, after the last window those of the last: triggers of
    calls are fractions of its price. Of two windows on one day the holder takes the one with more shares.
    """
    for s in range(begin, stop):
        ratio, day, later, is_open, on_day = 0.0, MISSING, False, False, 0.0
        for w in range(settings[CONVERSIONS]):
            at = w * settings[PAIRS] + i
            if opens[at] == MISSING:
                continue
            own, ahead = 100 / price[at], closes[at] >= end[s]
            nearer = (not later or opens[at] < day) if ahead else (not later and not opens[at] <= day)
            if nearer or day == MISSING or (opens[at] == day and ahead == later and own > ratio):
                ratio, day = own, opens[at]
            is_open = is_open or (ahead and opens[at] <= start[s])
            later = later or ahead
            # On the first day of a window, too; on its last the segment before says so.
            on_day = max(on_day, own if ahead and opens[at] <= end[s] else 0.0)
        o = s * FIELDS
        table[o + RATIO], table[o + DAY_RATIO] = ratio, on_day if on_day > 0.0 else ratio
        if is_open:
            table[o + OPEN] = 1.0
        if on_day > 0.0:
            table[o + DAY_OPEN] = 1.0


def _keep_day_ratios(table: Any, begin: int, stop: int) -> None:
    """Keep the shares of a day apart only where they matter: if they can be had no more after it, or on a call."""
    for s in range(begin, stop - 1):
        o, after = s * FIELDS, (s + 1) * FIELDS
        called = table[o + DAY_CALL] > 0.0 or table[o + DAY_NOTICE] > 0.0
        if not called and table[after + OPEN] > 0.0 and table[after + RATIO] >= table[o + DAY_RATIO]:
            table[o + DAY_RATIO] = table[o + RATIO]


def _coupons_until(
    paid: Any, accrual_end: Any, rate: Any, numerator: Any, denominator: Any, note: int, period: int, last: int,
    settled: int, day: int, goal: int, force: float,
) -> Any:  # fmt: skip
    """Give the worth at settlement of coupons that end accruing after a day and up to a goal."""
    worth = 0.0
    if goal != MISSING:
        for p in range(period, last + 1):
            if day < accrual_end[p] <= goal:
                years = float(paid[p] - settled) / 365
                worth += _coupon(rate, numerator, denominator, note, p) * math.exp(-force * years)
    return worth


def _fill_calls(
    table: Any, settings: Any, start: Any, end: Any, i: int, begin: int, stop: int, opens: Any, closes: Any,
    price: Any, trigger: Any, make_whole_rate: Any, goal: Any, notice: int, since: Any, until: Any, owed: Any,
    paid: Any, accrual_end: Any, rate: Any, numerator: Any, denominator: Any, note: int, period: int, last: int,
) -> None:  # fmt: skip
    """Fill in calls: those on notice on the days on which it is given, at what is paid on redemption.

    `since` and `until` are interest on the days of redemption.
    """
    any_notice, settled = False, start[begin]
    on_call = 1.0 if settings[PAID_ON_CALL] else 0.0
    for c in range(settings[CALLS]):
        at, w = c * settings[PAIRS] + i, (settings[CONVERSIONS] + c) * settings[PAIRS] + i
        if opens[w] == MISSING:
            continue
        force = math.log1p(make_whole_rate[at])
        for s in range(begin, stop):
            o, first, after = s * FIELDS, start[s] + notice, end[s] + notice
            live = opens[w] <= first and after <= closes[w] and opens[w] < closes[w]
            that_day = opens[w] == after and closes[w] == after and s + 1 < stop
            if not (live or that_day):
                continue
            now = s + (0 if live else 1)
            if notice > 0:
                now = _segment_after(end, begin, stop, first if live else after)
            due = owed[min(now, stop - 1)]
            worth = _coupons_until(
                paid, accrual_end, rate, numerator, denominator, note, period, last, settled, first if live else after,
                goal[at], force,
            )  # fmt: skip
            more = worth * math.exp(force * (float(after - settled) / 365)) if worth > 0.0 else 0.0
            if live:
                table[o + CALL_END] = price[w] + (due + (more if more > 0.0 else until[s] * on_call))
                more = worth * math.exp(force * (float(first - settled) / 365)) if worth > 0.0 else 0.0
                table[o + CALL_START] = price[w] + (due + (more if more > 0.0 else since[s] * on_call))
                table[o + (BY_NOTICE if notice > 0 else CALL)] = 1.0
                table[o + TRIGGER] = trigger[at] * 100 / table[o + RATIO]
            else:
                paid_then = price[w] + due + (more if more > 0.0 else since[s + 1] * on_call)
                table[o + (DAY_NOTICE if notice > 0 else DAY_CALL)] = paid_then
                table[o + DAY_TRIGGER] = trigger[at] * 100 / table[o + DAY_RATIO]
            any_notice = any_notice or notice > 0
    if any_notice:
        for s in range(begin, stop):
            table[s * FIELDS + NOTICE] = notice / 365


def _fill_puts(
    table: Any, settings: Any, start: Any, end: Any, i: int, begin: int, stop: int, opens: Any, closes: Any,
    price: Any, since: Any, until: Any, owed: Any,
) -> Any:  # fmt: skip
    """Fill in puts; give the highest price at which there is one on the last day, 0 if there is none."""
    at_maturity, on_call = 0.0, 1.0 if settings[PAID_ON_CALL] else 0.0
    for k in range(settings[PUTS]):
        w = (settings[CONVERSIONS] + settings[CALLS] + k) * settings[PAIRS] + i
        if opens[w] == MISSING:
            continue
        if opens[w] <= end[stop - 1] <= closes[w]:
            at_maturity = max(at_maturity, price[w])
        for s in range(begin, stop):
            o = s * FIELDS
            if opens[w] <= start[s] and end[s] <= closes[w] and opens[w] < closes[w]:
                table[o + PUT] = 1.0
                table[o + PUT_START] = max(table[o + PUT_START], price[w] + (owed[s] + since[s] * on_call))
                table[o + PUT_END] = max(table[o + PUT_END], price[w] + (owed[s] + until[s] * on_call))
            # On the last day of a window, too, after a coupon of that day.
            if closes[w] == end[s] and s + 1 < stop:
                paid = price[w] + (owed[s + 1] + since[s + 1] * on_call)
                if not table[o + DAY_PUT] >= paid:
                    table[o + DAY_PUT] = paid
    return at_maturity


def _fill_levels(table: Any, begin: int, stop: int) -> None:
    """Fill in the stock price that stays on a node: that from which a live call forces conversion.

    Of a call after notice it is the trigger, if there is one: nothing else has a kink at a known place.
    Where none is live it is that of the segment after, so that the grid stays; after the last call, that of the call;
    with no call at all, the price at which conversion at maturity pays.
    """
    o = (stop - 1) * FIELDS
    known, waiting = False, (table[o + DAY_PUT] - table[o + DAY_FLOOR]) / table[o + DAY_RATIO]
    for s in range(stop - 1, begin - 1, -1):
        o = s * FIELDS
        trigger, ratio = table[o + TRIGGER], table[o + RATIO]
        noticed = table[o + BY_NOTICE] > 0 and trigger > 0
        if noticed or (table[o + CALL] > 0 and table[o + OPEN] > 0):
            low = trigger if noticed else max(trigger, (table[o + CALL_START] - table[o + FLOOR_START]) / ratio)
            high = trigger if noticed else max(trigger, (table[o + CALL_END] - table[o + FLOOR_END]) / ratio)
            if not known:  # the last call
                for later in range(s + 1, stop):
                    table[later * FIELDS + LEVEL_START] = table[later * FIELDS + LEVEL_END] = high
            table[o + LEVEL_START], table[o + LEVEL_END] = low, high
            known, waiting = True, low
        else:
            table[o + LEVEL_START] = table[o + LEVEL_END] = waiting


def _fill_brief(table: Any, begin: int, stop: int) -> None:
    """Fill in how long a call has been live, or not, where that is shorter than a month.

    That is in a call's window, and from settlement to the day on which one opens or ends.
    """
    s = begin
    while s < stop:
        live, lasts, end = table[s * FIELDS + CALL] > 0, 0.0, s
        while end < stop and (table[end * FIELDS + CALL] > 0) == live:
            lasts += table[end * FIELDS + LENGTH]
            end += 1
        for r in range(s, end):
            brief = lasts if live else math.inf
            if r == begin and r + 1 < stop and (r + 1 == end or not math.isnan(table[r * FIELDS + DAY_CALL])):
                brief = min(brief, table[r * FIELDS + LENGTH])
            table[r * FIELDS + BRIEF] = brief if brief <= _MONTH else 0.0
        s = end


@kernel(
    tables=["int64"] * 7 + ["float64"],
    reads=["int64"] * 10 + ["float64"] * 9,
    writes=["float64"] * 3,
    calls=[
        _coupon, _segment_after, _fill_owed, _fill_conversions, _keep_day_ratios, _coupons_until, _fill_calls,
        _fill_puts, _fill_levels, _fill_brief,
    ],
)  # fmt: skip
def fill_segments(
    settings: Any, offsets: Any, period_offsets: Any, paid: Any, accrual_end: Any, numerator: Any, denominator: Any,
    rate: Any, note: Any, start: Any, end: Any, opens: Any, closes: Any, goal: Any, notice: Any, keeps: Any,
    dividend_offsets: Any, dividend_days: Any, dividends: Any, price: Any, trigger: Any, make_whole_rate: Any,
    since: Any, until: Any, since_called: Any, until_called: Any, repaid: Any, owed: Any, kept: Any, table: Any,
) -> None:  # fmt: skip
    """Fill in the table, where what a term structure says is left missing, and what is owed in each segment.

    `keeps` tells in which pairs who converts at maturity keeps the last coupon.
    """
    on_conversion, in_claim = settings[PAID_ON_CONVERSION] != 0, 1.0 if settings[IN_CLAIM] else 0.0
    for i in range(settings[PAIRS]):
        n, begin, stop = note[i], offsets[i], offsets[i + 1]
        period, last = period_offsets[n], period_offsets[n + 1] - 1
        _fill_owed(
            owed, kept, end, begin, stop, start[begin], paid, accrual_end, rate, numerator, denominator, n, period, last
        )  # fmt: skip
        for s in range(begin, stop):
            o, more = s * FIELDS, s + 1 < stop
            for j in range(FIELDS):
                table[o + j] = 0.0
            table[o + RATE] = table[o + CARRY] = table[o + VOLATILITY] = table[o + CREDIT] = math.nan
            table[o + DAY_PUT] = table[o + DAY_CALL] = math.nan
            table[o + LENGTH] = float(end[s] - start[s]) / 365
            if on_conversion:
                table[o + FLOOR_START], table[o + FLOOR_END] = since[s] + owed[s], until[s] + owed[s]
                table[o + DAY_FLOOR] = since[s + 1] + owed[s + 1] if more else 0.0
            else:
                table[o + FLOOR_START] = table[o + FLOOR_END] = kept[s]
                table[o + DAY_FLOOR] = kept[s + 1] if more else 0.0
            table[o + CLAIM_START] = 100 + (since[s] + owed[s]) * in_claim
            table[o + CLAIM_END] = 100 + (until[s] + owed[s]) * in_claim
        _fill_conversions(table, settings, start, end, i, begin, stop, opens, closes, price)
        _fill_calls(
            table, settings, start, end, i, begin, stop, opens, closes, price, trigger, make_whole_rate, goal,
            notice[i], since_called, until_called, owed, paid, accrual_end, rate, numerator, denominator, n, period,
            last,
        )  # fmt: skip
        _keep_day_ratios(table, begin, stop)
        put = _fill_puts(table, settings, start, end, i, begin, stop, opens, closes, price, since, until, owed)
        for p in range(period, last + 1):
            # As in `prices`: a coupon whose accrual has ended by settlement is the seller's, though it be paid later.
            s = _segment_after(end, begin, stop, paid[p] - 1)
            if accrual_end[p] > start[begin] and s < stop:
                table[s * FIELDS + COUPON] += _coupon(rate, numerator, denominator, n, p)
        for k in range(dividend_offsets[i], dividend_offsets[i + 1]):
            s = _segment_after(end, begin, stop, dividend_days[k] - 1)
            if dividend_days[k] > start[begin] and s < stop:
                table[s * FIELDS + DIVIDEND] += dividends[k]
        o = (stop - 1) * FIELDS
        # The last coupon; another that is paid late, on that day, comes beside shares, too.
        is_due = accrual_end[last] > start[begin] and paid[last] == end[stop - 1]
        coupon = _coupon(rate, numerator, denominator, n, last) if is_due else 0.0
        instead, cash = 0.0 if keeps[i] else coupon, 0.0 if settings[IN_SHARES] else repaid[i]
        table[o + DAY_PUT] = max(repaid[i], put) + instead
        table[o + DAY_CASH] = (put if put > repaid[i] else cash) + instead
        table[o + DAY_FLOOR] = coupon if on_conversion else 0.0
        table[o + COUPON], table[o + DAY_CALL], table[o + DIVIDEND] = table[o + COUPON] - instead, math.nan, 0.0
        _fill_levels(table, begin, stop)
        _fill_brief(table, begin, stop)
