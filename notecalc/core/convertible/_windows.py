"""The windows and coupons of pairs of a note and a settlement, one array for each term, missing where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.core.arrays import BoolArray, DateArray, FloatArray, IntArray
from notecalc.core.convertible.terms import CallWindow, Convertible
from notecalc.core.convertible.triggers import on_the_day_trigger, opening_day_trigger
from notecalc.errors import TermError

__all__ = ["Dividends", "Window", "Windows", "of_each", "read_windows"]

_TRADING_DAYS = 252


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """One window of each pair: its days, and its numbers by name."""

    known: BoolArray
    start: DateArray
    end: DateArray
    numbers: dict[str, FloatArray]
    make_whole_until: DateArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Dividends:
    """Cash dividends: days, amounts, and the note of each; of every note where none is named."""

    dates: DateArray
    amounts: FloatArray
    notes: IntArray | None = None

    def of_pairs(self, note: IntArray) -> tuple[IntArray, DateArray, FloatArray]:
        """Give the pair, the day and the amount of each dividend of the notes of some pairs."""
        if self.notes is None:
            pairs, count = np.arange(note.size), self.dates.size
            return np.repeat(pairs, count), np.tile(self.dates, note.size), np.tile(self.amounts, note.size)
        by_note = np.argsort(self.notes, kind="stable")
        begin, stop = (np.searchsorted(self.notes[by_note], note, side=side) for side in ("left", "right"))
        pair = np.repeat(np.arange(note.size), stop - begin)
        place = by_note[np.arange(pair.size) + np.repeat(stop - np.cumsum(stop - begin), stop - begin)]
        return pair, self.dates[place], self.amounts[place]


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """What the notes of some pairs promise by day, for the kernels: windows one after the other, a row for all pairs.

    Conversions come first, then calls, then puts; what only calls have is of calls alone.
    """

    note: IntArray
    conversions: list[Window]
    calls: list[Window]
    puts: list[Window]
    notice: IntArray
    """Days from the issuer's notice to redemption, of all calls of each pair."""
    opens: IntArray
    """The least integer where a pair has no such window."""
    closes: IntArray
    price: FloatArray
    trigger: FloatArray
    make_whole_rate: FloatArray
    goals: IntArray
    """The day up to which calls pay coupons."""


def read_windows(terms: Convertible, note: IntArray, volatility: FloatArray | None = None) -> Windows:
    """Give the windows of the notes of some pairs, which a call that counts days has at one volatility each.

    Raises
    ------
    TermError
        A note without a conversion window, or windows of a kind that overlap.
    """
    periods = terms.periods
    begin, stop = periods.offsets[note], periods.offsets[note + 1]
    whole = (periods.accrual_start[begin], np.maximum(periods.payment_date[stop - 1], periods.accrual_end[stop - 1]))
    conversions = [_window(note, whole, w.start, w.end, price=w.conversion_price) for w in terms.conversions]
    calls = [_call(note, whole, window) for window in terms.calls]
    _check_apart("calls", calls, note)
    notice = _notice_of_calls(calls, note)
    if volatility is not None:
        calls = _count_days(terms.calls, calls, volatility)
    puts = [_window(note, whole, w.start, w.end, price=w.clean_price) for w in terms.puts]
    closed = ~np.any([w.known for w in conversions], axis=0)
    if closed.any():
        row = int(note[np.argmax(closed)])
        raise TermError("conversions", rule="at least one window for each note", got=None, row=row)
    _check_apart("conversions", conversions, note)
    every = [*conversions, *calls, *puts]
    missing = np.full(note.size, np.datetime64("NaT", "D"))
    goals = [missing if w.make_whole_until is None else w.make_whole_until for w in calls]
    return Windows(
        note,
        conversions,
        calls,
        puts,
        notice,
        _days([np.where(w.known, w.start, missing) for w in every]),
        _days([w.end for w in every]),
        _numbers(every, "price"),
        _numbers(calls, "trigger"),
        _numbers(calls, "make_whole_rate"),
        _days(goals),
    )


def _days(rows: list[DateArray]) -> IntArray:
    return np.concatenate([np.empty(0, dtype="datetime64[D]"), *rows]).view(np.int64)


def _numbers(windows: list[Window], name: str) -> FloatArray:
    return np.concatenate([np.empty(0), *(window.numbers[name] for window in windows)])


def of_each(values: npt.NDArray[Any], note: IntArray) -> Any:
    """Give the value of each note, from one for all or one for each."""
    return values[note] if values.size > 1 else np.repeat(values.reshape(-1), note.size)


def _window(note: IntArray, whole: tuple[DateArray, DateArray], start: Any, end: Any, **numbers: FloatArray) -> Window:
    first = whole[0] if start is None else of_each(start, note)
    last = whole[1] if end is None else of_each(end, note)
    own = {name: of_each(values, note) for name, values in numbers.items()}
    # Other numbers of a window are there where its price is: see `Convertible`.
    return Window(~(np.isnat(first) | np.isnat(last) | np.isnan(own["price"])), first, last, own)


def _call(note: IntArray, whole: tuple[DateArray, DateArray], window: CallWindow) -> Window:
    numbers = {
        "price": window.clean_price,
        "trigger": window.trigger,
        "make_whole_rate": window.make_whole_rate,
        "notice": window.notice_days,
    }
    until = window.make_whole_until
    own = _window(note, whole, window.start, window.end, **numbers)
    return own if until is None else replace(own, make_whole_until=of_each(until, note))


def _notice_of_calls(calls: Sequence[Window], note: IntArray) -> IntArray:
    """Give the days of notice of each pair; two of its calls never need a choice between them."""
    notice = np.zeros(note.size)
    known = np.zeros(note.size, dtype=np.bool_)
    for window in calls:
        own = window.numbers["notice"]
        wrong = known & window.known & (own != notice)
        if wrong.any():
            pair = int(np.argmax(wrong))
            got = f"{notice[pair]:g} and {own[pair]:g}"
            raise TermError(
                "calls.notice_days", rule="one number for all calls of a note", got=got, row=int(note[pair])
            )
        notice = np.where(window.known, own, notice)
        known |= window.known
    return notice.astype(np.int64)


def _count_days(given: Sequence[CallWindow], windows: list[Window], volatility: FloatArray) -> list[Window]:
    """Give calls on the day in the place of calls on several days: further up, and once more on the day they open."""
    calls = []
    for call, window in zip(given, windows, strict=True):
        if call.days is None:
            calls.append(window)
            continue
        trigger = window.numbers["trigger"]
        needed, of = call.days
        opens = window.known.copy()
        for other, before in zip(given, windows, strict=True):
            if before is not window and other.days == call.days:
                goes_on = (before.end <= window.start) & (window.start <= before.end + 1)
                opens &= ~(goes_on & before.known & (before.numbers["trigger"] <= trigger))
        later, first = (
            np.atleast_1d(move(trigger, volatility, needed=needed, of=of, days_a_year=_TRADING_DAYS))
            for move in (on_the_day_trigger, opening_day_trigger)
        )
        calls.append(replace(window, known=opens, end=window.start, numbers=window.numbers | {"trigger": first}))
        longer = window.known & (window.start < window.end)
        calls.append(replace(window, known=longer, numbers=window.numbers | {"trigger": later}))
    return calls


def _check_apart(name: str, windows: Sequence[Window], note: IntArray) -> None:
    """Raise unless a note's windows of a kind follow each other; they may share a day."""
    if len(windows) < 2:
        return
    missing = np.datetime64("NaT", "D")  # sorted last, and never before anything
    first, last = (
        np.array([np.where(w.known, days, missing) for w, days in zip(windows, each, strict=True)])
        for each in ([w.start for w in windows], [w.end for w in windows])
    )
    order = np.lexsort((last, first), axis=0)
    first, last = np.take_along_axis(first, order, 0), np.take_along_axis(last, order, 0)
    wrong = first[1:] < last[:-1]
    if wrong.any():
        pair = int(np.argmax(wrong.any(axis=0)))
        place = int(np.argmax(wrong[:, pair]))
        raise TermError(
            name,
            rule="windows that don't overlap",
            got=f"{first[place + 1, pair]} before {last[place, pair]}",
            row=int(note[pair]),
        )
