"""What stands in the table of segments: interest, options and term structures on the days between which it is cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from notecalc.core._coupon_years import accrued_years
from notecalc.core._rows import order_of
from notecalc.core.arrays import BoolArray, DateArray, FloatArray, IntArray
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._windows import Dividends, Window, Windows, of_each
from notecalc.core.convertible.terms import Convertible, Steps
from notecalc.core.curves import Curve
from notecalc.core.periods import Periods

__all__ = ["Segments", "accrued_on", "fill_columns"]

_DAY = np.timedelta64(1, "D")
_NOTHING = 1e-12  # [per 100]: what rounding leaves of sums that cancel


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Days from `start` to `end` on which nothing happens, pair after pair."""

    windows: Windows
    pair: IntArray
    start: DateArray
    end: DateArray
    order: IntArray
    """Of the pair and the end, rising."""

    @property
    def counts(self) -> IntArray:
        """How many each pair has."""
        return np.bincount(self.pair, minlength=self.windows.note.size)

    @property
    def first(self) -> IntArray:
        """The first of each pair."""
        return np.cumsum(self.counts) - self.counts

    @property
    def last(self) -> IntArray:
        """The last of each pair."""
        return np.cumsum(self.counts) - 1


@dataclass(frozen=True, slots=True, eq=False)
class _Interest:
    """Interest per 100 in segments: accrued at their start and end, and after what happens on their last day.

    `owed` are coupons whose accrual has ended and which are not paid yet, in a segment and after its last day; the
    holder keeps them whatever becomes of the note. `kept` are those of them that who converts keeps: not the last one,
    for at maturity shares come in the place of all that is paid.
    """

    since: FloatArray
    until: FloatArray
    after: FloatArray
    owed: FloatArray
    owed_after: FloatArray
    kept: FloatArray
    kept_after: FloatArray


def fill_columns(
    terms: Convertible,
    segments: Segments,
    curves: Mapping[int, Curve | Steps],
    dividends: Dividends,
) -> tuple[FloatArray, FloatArray]:
    """Give the table, and the interest accrued at the first day of each pair."""
    note, end, last = segments.windows.note[segments.pair], segments.end, segments.last
    table = np.zeros((segments.pair.size, col.FIELDS))
    table[:, col.LENGTH] = (end - segments.start) / _DAY / 365
    for column in (col.RATE, col.CARRY, col.VOLATILITY, col.CREDIT):
        table[:, column] = _level(curves[column], segments.start, end, note) if column in curves else np.nan
    since = accrued_on(terms.periods, note, segments.start, before=False)
    until = accrued_on(terms.periods, note, end, before=True)
    # On the last day what is accrued is part of what is paid.
    interest = _Interest(since, until, np.append(since[1:], 0.0), *_owed(terms, segments))
    _fill_options(table, terms, segments, interest)
    _fill_cash(table, terms, segments, dividends)
    coupon = table[last, col.COUPON]
    in_shares = terms.redemption_in == "shares"
    repaid = of_each(terms.redemption, segments.windows.note)
    if in_shares:
        repaid = repaid / of_each(terms.redemption_price_fraction, segments.windows.note)
    put = _put_at_maturity(segments.windows)
    kept = _keeps_last_coupon(terms, segments.windows)
    instead = np.where(kept, 0.0, coupon)
    table[last, col.DAY_PUT] = np.maximum(repaid, put) + instead
    table[last, col.DAY_CASH] = np.where(put > repaid, put, 0.0 if in_shares else repaid) + instead
    table[last, col.DAY_FLOOR] = coupon if terms.accrued_on_conversion == "paid" else 0.0
    table[last, col.COUPON], table[last, col.DAY_CALL], table[last, col.DIVIDEND] = coupon - instead, np.nan, 0.0
    _fill_levels(table, segments)
    _fill_brief(table, segments)
    return table, since[segments.first]


def accrued_on(periods: Periods, note: IntArray, day: DateArray, *, before: bool) -> FloatArray:
    """Give interest accrued [per 100] on a day of each note, before or after a coupon of that day."""
    starts = order_of(periods.note, periods.accrual_start)
    place = np.searchsorted(starts, order_of(note, day), side="left" if before else "right") - 1
    begun = place >= periods.offsets[note]
    accrued = np.zeros(note.size)
    end = periods.accrual_end[np.maximum(place, 0)]
    whole = begun & (day >= end)
    if before:
        full = whole & (day == end)
        accrued[full] = 100 * periods.notes.annual_rate[note[full]] * periods.fraction[place[full]]
    part = np.flatnonzero(begun & ~whole)
    some = part[day[part] > periods.accrual_start[place[part]]]
    years = accrued_years(periods, place[some], day[some])
    accrued[some] = 100 * periods.notes.annual_rate[note[some]] * years
    return accrued


def _owed(terms: Convertible, segments: Segments) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Give what is owed of coupons in each segment and after its last day, and what of it who converts keeps."""
    coupons, size = segments.windows.coupons, segments.pair.size
    late = coupons.paid > coupons.end
    if not late.any():
        return (np.zeros(size),) * 4
    pair, last = coupons.pair[late], terms.periods.offsets[segments.windows.note[coupons.pair[late]] + 1] - 1
    amount = _coupon_amounts(terms, coupons.period[late])
    first_day = segments.start[segments.first][pair]
    begin, stop = (
        np.searchsorted(segments.order, order_of(pair, days[late]), side="right")
        for days in (coupons.end, coupons.paid)
    )
    begin = np.where(coupons.end[late] > first_day, begin, stop)  # the seller's, else
    found = []
    for part in (amount, np.where(coupons.period[late] == last, 0.0, amount)):
        change = np.bincount(begin, part, minlength=size + 1) - np.bincount(stop, part, minlength=size + 1)
        owed = np.cumsum(change)[:size]
        found += [np.where(np.abs(owed) < _NOTHING, 0.0, owed)]
    owed, kept = found
    return owed, np.append(owed[1:], 0.0), kept, np.append(kept[1:], 0.0)


def _coupon_amounts(terms: Convertible, period: IntArray) -> FloatArray:
    """Give coupons per 100."""
    amounts: FloatArray = (
        100 * terms.periods.notes.annual_rate[terms.periods.note[period]] * terms.periods.fraction[period]
    )
    return amounts


def _fill_options(table: FloatArray, terms: Convertible, segments: Segments, interest: _Interest) -> None:
    """Fill in conversion, calls, puts and the claim on default, in segments and on their last days."""
    start, end, pair = segments.start, segments.end, segments.pair
    since, until, after = interest.since, interest.until, interest.after
    owed, owed_after = interest.owed, interest.owed_after
    on_call = float(terms.accrued_on_call == "paid")
    if terms.accrued_on_conversion == "paid":
        table[:, col.FLOOR_START], table[:, col.FLOOR_END] = since + owed, until + owed
        table[:, col.DAY_FLOOR] = after + owed_after
    else:
        table[:, col.FLOOR_START] = table[:, col.FLOOR_END] = interest.kept
        table[:, col.DAY_FLOOR] = interest.kept_after
    on_default = float(terms.recovery_claim == "principal-and-accrued")
    table[:, col.CLAIM_START] = 100 + (since + owed) * on_default
    table[:, col.CLAIM_END] = 100 + (until + owed) * on_default
    ratio, is_open = _ratios(segments)
    _fill_calls(table, terms, segments, interest, ratio)
    table[:, col.DAY_PUT] = np.nan
    for window in (_at(window, pair) for window in segments.windows.puts):
        live = window.known & (window.start <= start) & (end <= window.end) & (window.start < window.end)
        table[live, col.PUT] = 1.0
        for column, accrued in ((col.PUT_START, since), (col.PUT_END, until)):
            price = window.numbers["price"][live] + (owed + accrued * on_call)[live]
            table[live, column] = np.maximum(table[live, column], price)
        # On the last day of a window, too, after a coupon of that day.
        that_day = window.known & (window.end == end)
        paid = window.numbers["price"][that_day] + (owed_after + after * on_call)[that_day]
        table[that_day, col.DAY_PUT] = np.fmax(table[that_day, col.DAY_PUT], paid)
    for window in (_at(window, pair) for window in segments.windows.conversions):
        # On the first day of a window, too, conversion is open; on its last the segment before says so.
        table[window.known & (window.start <= end) & (end <= window.end), col.DAY_OPEN] = 1.0
    table[:, col.RATIO], table[:, col.OPEN] = ratio, is_open


def _keeps_last_coupon(terms: Convertible, windows: Windows) -> BoolArray:
    """Tell in which pairs who converts at maturity keeps the last coupon, whose record date has passed."""
    if terms.accrued_on_conversion != "forfeited-before-record-date":
        return np.zeros(windows.note.size, dtype=np.bool_)
    record = terms.periods.record_date[terms.periods.offsets[windows.note + 1] - 1]
    passed: BoolArray = record < windows.last_day
    return passed


def _put_at_maturity(windows: Windows) -> FloatArray:
    """Give the price at which each pair may be put on its last day; 0 where it may not."""
    price = np.zeros(windows.note.size)
    for window in windows.puts:
        that_day = window.known & (window.start <= windows.last_day) & (windows.last_day <= window.end)
        price[that_day] = np.maximum(price[that_day], window.numbers["price"][that_day])
    return price


def _fill_calls(
    table: FloatArray, terms: Convertible, segments: Segments, interest: _Interest, ratio: FloatArray
) -> None:
    """Fill in calls: those on notice on the days on which it is given, at what is paid on redemption."""
    pair, notice = segments.pair, segments.windows.notice[segments.pair]
    start, end = segments.start + notice, segments.end + notice  # of redemption
    since, until, owed = interest.since, interest.until, interest.owed
    later = notice > 0
    if later.any():
        note, place = segments.windows.note[pair], np.arange(pair.size)
        since = np.where(later, accrued_on(terms.periods, note, start, before=False), since)
        until = np.where(later, accrued_on(terms.periods, note, end, before=True), until)
        place = np.searchsorted(segments.order, order_of(pair, start), side="right")
        owed = owed[np.minimum(place, pair.size - 1)]
    after, owed_after = np.append(since[1:], 0.0), np.append(owed[1:], 0.0)
    on_call = float(terms.accrued_on_call == "paid")
    table[:, col.DAY_CALL] = np.nan
    for window in (_at(window, pair) for window in segments.windows.calls):
        live = window.known & (window.start <= start) & (end <= window.end) & (window.start < window.end)
        price, trigger = window.numbers["price"][live], window.numbers["trigger"][live] * 100 / ratio[live]
        table[live, col.CALL], table[live, col.BY_NOTICE] = ~later[live], later[live]
        table[live, col.TRIGGER] = trigger
        make_whole = _coupons_until(window, terms, segments, start, end)
        for column, accrued, remaining in zip((col.CALL_START, col.CALL_END), (since, until), make_whole, strict=True):
            table[live, column] = price + (owed + np.where(remaining > 0, remaining, accrued * on_call))[live]
        that_day = window.known & (window.start == end) & (window.end == end)
        remaining = np.append(make_whole[0][1:], 0.0)
        paid = window.numbers["price"] + owed_after + np.where(remaining > 0, remaining, after * on_call)
        for column, some in ((col.DAY_CALL, that_day & ~later), (col.DAY_NOTICE, that_day & later)):
            table[some, column] = paid[some]
        table[that_day, col.DAY_TRIGGER] = window.numbers["trigger"][that_day] * 100 / ratio[that_day]
    ahead = (table[:, col.BY_NOTICE] > 0) | (table[:, col.DAY_NOTICE] > 0)
    any_ahead = np.bincount(pair[ahead], minlength=segments.windows.note.size) > 0
    table[:, col.NOTICE] = np.where(any_ahead[pair], notice / 365, 0.0)


def _coupons_until(
    window: Window, terms: Convertible, segments: Segments, first: DateArray, last: DateArray
) -> tuple[FloatArray, FloatArray]:
    """Give coupons that end accruing after a call up to a window's date, paid at the first or last day of each."""
    nothing = np.zeros(segments.pair.size)
    if window.make_whole_until is None:
        return nothing, nothing
    coupons, pair = segments.windows.coupons, segments.pair
    amount = _coupon_amounts(terms, coupons.period)
    first_day = segments.start[segments.first]
    force = np.log1p(window.numbers["make_whole_rate"])
    # One rate for each pair: of its first segment.
    each = force[segments.first][coupons.pair]
    years = (coupons.paid - first_day[coupons.pair]) / _DAY / 365
    total = np.append(0.0, np.cumsum(amount * np.exp(-each * years)))
    order = order_of(coupons.pair, coupons.end)
    begin = np.searchsorted(order, order_of(pair, first), side="right")
    known = ~np.isnat(window.make_whole_until)
    stop = begin.copy()
    stop[known] = np.searchsorted(order, order_of(pair[known], window.make_whole_until[known]), side="right")
    worth = total[np.maximum(stop, begin)] - total[begin]
    start, end = ((day - first_day[pair]) / _DAY / 365 for day in (first, last))
    return worth * np.exp(force * start), worth * np.exp(force * end)


def _ratios(segments: Segments) -> tuple[FloatArray, BoolArray]:
    """Give the shares per 100 in each segment, and whether conversion is open in it.

    Where it is closed it is that of the next window in time, after the last window that of the last: triggers of calls
    are fractions of its price. Of two windows on one day the holder takes the one with more shares.
    """
    size = segments.pair.size
    is_open, later = np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
    ratio, day = np.zeros(size), np.full(size, np.datetime64("NaT", "D"))
    for window in (_at(window, segments.pair) for window in segments.windows.conversions):
        own = 100 / window.numbers["price"]
        ahead = window.known & (window.end >= segments.end)
        nearer = np.where(ahead, ~later | (window.start < day), ~later & ~(window.start <= day))
        same = (window.start == day) & (ahead == later) & (own > ratio)
        takes = window.known & (nearer | same)
        ratio, day = np.where(takes, own, ratio), np.where(takes, window.start, day)
        is_open |= ahead & (window.start <= segments.start)
        later |= ahead
    return ratio, is_open


def _at(window: Window, pair: IntArray) -> Window:
    """Give the window of each segment's pair."""
    numbers = {name: values[pair] for name, values in window.numbers.items()}
    until = None if window.make_whole_until is None else window.make_whole_until[pair]
    return Window(window.known[pair], window.start[pair], window.end[pair], numbers, until)


def _fill_cash(table: FloatArray, terms: Convertible, segments: Segments, dividends: Dividends) -> None:
    """Fill in coupons and dividends on the last days of segments."""
    coupons = segments.windows.coupons
    # As in `prices`: a coupon whose accrual has ended by settlement is the seller's, though it be paid later.
    ahead = coupons.end > segments.start[segments.first][coupons.pair]
    amount = _coupon_amounts(terms, coupons.period[ahead])
    place = np.searchsorted(segments.order, order_of(coupons.pair[ahead], coupons.paid[ahead]))
    table[:, col.COUPON] = np.bincount(place, amount, minlength=len(table))
    pair, day, cash = dividends.of_pairs(segments.windows.note)
    within = (day > segments.start[segments.first][pair]) & (day <= segments.windows.last_day[pair])
    place = np.searchsorted(segments.order, order_of(pair[within], day[within]))
    table[:, col.DIVIDEND] = np.bincount(place, cash[within], minlength=len(table))


def _level(curve: Curve | Steps, start: DateArray, end: DateArray, note: IntArray) -> FloatArray:
    """Give the rate that holds between two days: of discount factors, the continuous forward rate."""
    if isinstance(curve, Steps):
        return curve.until(end, note)
    ratio = curve.discount_factor(end) / curve.discount_factor(start)
    return -np.log(ratio) / ((end - start) / _DAY / 365)


def _fill_levels(table: FloatArray, segments: Segments) -> None:
    """Fill in the stock price that stays on a node: that from which a live call forces conversion.

    Of a call after notice it is the trigger, if there is one: nothing else has a kink at a known place.
    Where none is live it is that of the segment after, so that the grid stays; after the last call, that of the call;
    with no call at all, the price at which conversion at maturity pays.
    """
    size, last = len(table), segments.last
    live = (table[:, col.CALL] > 0) & (table[:, col.OPEN] > 0)
    noticed = (table[:, col.BY_NOTICE] > 0) & (table[:, col.TRIGGER] > 0)
    ratio, trigger = table[:, col.RATIO], table[:, col.TRIGGER]
    start, end = (
        np.maximum(trigger, (table[:, price] - table[:, floor]) / ratio)
        for price, floor in ((col.CALL_START, col.FLOOR_START), (col.CALL_END, col.FLOOR_END))
    )
    start, end = np.where(noticed, trigger, start), np.where(noticed, trigger, end)
    live |= noticed
    place = np.arange(size)
    final = last[segments.pair]
    # The next segment with a live call, in the same pair; else the last before.
    ahead = np.minimum.accumulate(np.where(live, place, size)[::-1])[::-1]
    behind = np.maximum.accumulate(np.where(live, place, -1))
    is_ahead, is_behind = ahead <= final, behind >= segments.first[segments.pair]
    at_maturity = ((table[last, col.DAY_PUT] - table[last, col.DAY_FLOOR]) / ratio[last])[segments.pair]
    waiting = np.where(is_ahead, start[np.minimum(ahead, size - 1)], end[behind])
    waiting = np.where(is_ahead | is_behind, waiting, at_maturity)
    table[:, col.LEVEL_START] = np.where(live, start, waiting)
    table[:, col.LEVEL_END] = np.where(live, end, waiting)


_BRIEF = 30 / 365  # [yr]


def _fill_brief(table: FloatArray, segments: Segments) -> None:
    """Fill in how long a call has been live, or not, where that is shorter than a month.

    That is in a call's window, and from settlement to the day on which one opens or ends.
    """
    live, size = table[:, col.CALL] > 0, len(table)
    begins = np.append(True, (live[1:] != live[:-1]) | (segments.pair[1:] != segments.pair[:-1]))
    run = np.cumsum(begins) - 1
    lasts = np.bincount(run, weights=table[:, col.LENGTH])[run]
    first = np.zeros(size, dtype=np.bool_)
    first[segments.first] = True
    ends = np.append(begins[1:], True) | ~np.isnan(table[:, col.DAY_CALL])
    ends[segments.last] = False
    brief = np.where(live, lasts, np.inf)
    brief = np.where(first & ends, np.minimum(brief, table[:, col.LENGTH]), brief)
    table[:, col.BRIEF] = np.where(brief <= _BRIEF, brief, 0.0)
