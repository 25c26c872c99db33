"""Coupon dates: from the terms of notes to their dated periods.

The dates follow the cycle that the terms anchor; adjustment to business days comes after. Knows no amounts. Rules as
in the ISDA 2006 Definitions, sections 4.9 to 4.14, and ICMA Rule 251 for reference periods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core.arrays import Date, DateArray, IntArray, as_date
from notecalc.core.calendars import Calendar
from notecalc.core.cycle import Cycle, day_of_month, month_of
from notecalc.core.daycount import DAY_COUNTS, day_count_fraction
from notecalc.core.notes import Notes, Periods

__all__ = ["add_months", "count_fraction", "resolve", "schedule"]


def schedule(
    issue_date: Date,
    maturity: Date,
    *,
    frequency: int,
    day_count: str,
    first_coupon: Date | None = None,
    last_coupon: Date | None = None,
    generation: str = "backward",
    stub: str = "short",
    end_of_month: bool = False,
    business_day_convention: str = "unadjusted",
    maturity_convention: str | None = None,
    calendar: str | Calendar | None = None,
    accrual_adjusted: bool = False,
    record_days: int | None = None,
) -> pd.DataFrame:
    """Coupon periods of one note.

    Parameters
    ----------
    issue_date, maturity : date-like
        First day that accrues, and the day on which principal falls due.
    frequency : int
        Coupons per year [1/yr]: 1, 2, 3, 4, 6 or 12; with 0 there is one period.
    day_count : str
        See `year_fraction`.
    first_coupon, last_coupon : date-like, optional
        First coupon date after issue and last before maturity, where they are stated.
    generation : {"backward", "forward"}
        Whether the cycle is counted back from `last_coupon` (or maturity), or on from `first_coupon` (or issue).
    stub : {"short", "long"}
        Whether the days left over at the end of the cycle are a period of their own or join the one beside it.
    end_of_month : bool
        Whether a cycle anchored at a month's end (its last business day, if there is a calendar) stays at month ends.
    business_day_convention : str
        How payment dates are adjusted; see `adjust`.
    maturity_convention : str, optional
        The same for the last one, at maturity, where it differs.
    calendar : str or Calendar, optional
        What business days are; needed unless the conventions are ``unadjusted``.
    accrual_adjusted : bool
        Whether interest accrues between adjusted dates.
    record_days : int, optional
        Calendar days from the record date to the unadjusted payment date.

    Returns
    -------
    DataFrame
        One row per period, counted from 1: dates unadjusted and adjusted, whether it is regular, and the fraction of
        a year [yr], exact as `numerator` over `denominator`.

    Raises
    ------
    TermError
        A term that is impossible, or dates out of order.

    References
    ----------
    ISDA 2006 Definitions, sections 4.9 to 4.14.

    Examples
    --------
    >>> frame = schedule("2004-06-18", "2007-06-18", frequency=2, day_count="30/360",
    ...                  business_day_convention="following", calendar="us-federal-reserve")
    >>> frame[["unadjusted_end", "payment_date", "fraction"]].head(2)
           unadjusted_end payment_date  fraction
    period
    1          2004-12-18   2004-12-20       0.5
    2          2005-06-18   2005-06-20       0.5
    """
    notes = Notes(
        issue_date=as_date(issue_date, "issue_date"),
        maturity=as_date(maturity, "maturity"),
        principal=0,
        annual_rate=0,
        frequency=frequency,
        day_count=day_count,
        first_coupon=first_coupon,
        last_coupon=last_coupon,
        generation=generation,
        stub=stub,
        end_of_month=end_of_month,
        business_day_convention=business_day_convention,
        maturity_convention=maturity_convention,
        calendar=calendar,
        accrual_adjusted=accrual_adjusted,
        record_days=-1 if record_days is None else record_days,
    )
    return resolve(notes).to_frame().drop(columns="note").set_index("period")


def resolve(notes: Notes) -> Periods:
    """Resolve the terms of notes into their dated periods.

    Examples
    --------
    >>> notes = Notes(issue_date="2004-06-18", maturity="2005-06-18", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="actual/360")
    >>> resolve(notes).unadjusted_end
    array(['2004-12-18', '2005-06-18'], dtype='datetime64[D]')
    """
    cycle = _cycle(notes)
    points = _points(notes, cycle)
    is_last = np.append(points.note[1:] != points.note[:-1], True)
    starts, ends = np.flatnonzero(~is_last), np.flatnonzero(~is_last) + 1
    note = points.note[starts]
    accrual = points.adjusted if notes.accrual_adjusted else points.unadjusted
    accrual_start, accrual_end = accrual[starts], accrual[ends]
    own = cycle.take(note)
    reference_start, reference_end = _reference(notes.frequency[note], own, accrual_start, accrual_end)
    numerator, denominator = count_fraction(notes, note, own, accrual_start, accrual_end, period_end=accrual_end)
    days_before = notes.record_days[note]
    record_date = np.where(days_before < 0, np.datetime64("NaT", "D"), points.unadjusted[ends] - days_before)
    return Periods(
        notes=notes,
        offsets=np.searchsorted(note, np.arange(len(notes) + 1)),
        note=note,
        unadjusted_start=points.unadjusted[starts],
        unadjusted_end=points.unadjusted[ends],
        accrual_start=accrual_start,
        accrual_end=accrual_end,
        payment_date=points.adjusted[ends],
        record_date=record_date,
        reference_start=reference_start,
        reference_end=reference_end,
        numerator=numerator,
        denominator=denominator,
        cycle=cycle,
    )


def add_months(dates: DateArray, months: IntArray | int) -> DateArray:
    """Give the same day some months later, or the month's last where it has no such day; NaT stays NaT.

    Examples
    --------
    >>> add_months(np.array(["2004-01-31", "2004-06-18"], dtype="datetime64[D]"), 1)
    array(['2004-02-29', '2004-07-18'], dtype='datetime64[D]')
    """
    missing = np.isnat(dates)
    known = np.where(missing, np.datetime64(0, "D"), dates)
    one = np.ones(known.shape, dtype=np.int64)
    later = Cycle(month_of(known), day_of_month(known), one, None, "unadjusted").dates(months * one)
    return np.where(missing, dates, later)


def count_fraction(
    notes: Notes, note: IntArray, cycle: Cycle, start: DateArray, end: DateArray, *, period_end: DateArray
) -> tuple[IntArray, IntArray]:
    """Give the fraction of a year between dates of some notes as an exact rational; no date is missing.

    Parameters
    ----------
    notes : Notes
        All notes.
    note : int64 array
        The note of each row.
    cycle : Cycle
        The cycle of each row; only ICMA looks at it.
    start, end : datetime64[D] array
        As for `daycount.day_count_fraction`.
    period_end : datetime64[D] array
        End of the coupon period that begins at `start`; only Actual/365L looks at it.
    """
    counted = DAY_COUNTS[notes.day_count]
    if counted.denominator is None:
        numerator, denominator = cycle.fraction(start, end)
        return numerator, denominator * notes.frequency[note]
    known: dict[str, Any] = {
        "period_end": period_end,
        "frequency": notes.frequency[note],
        "maturity": notes.maturity[note],
        "calendar": notes.calendar,
    }
    return day_count_fraction(start, end, counted.name, **{name: known[name] for name in counted.needs})


@dataclass(frozen=True, slots=True, eq=False)
class _Points:
    """Issue date, coupon dates and maturity of all notes, flat and in order."""

    note: IntArray
    unadjusted: DateArray
    adjusted: DateArray


def _anchor(notes: Notes) -> tuple[DateArray, npt.NDArray[np.bool_]]:
    """Give the date that each note's cycle is counted from, and whether it is a stated coupon."""
    backward = notes.generation == "backward"
    stated = notes.last_coupon if backward else notes.first_coupon
    unstated = np.isnat(stated)
    return np.where(unstated, notes.maturity if backward else notes.issue_date, stated), ~unstated


def _cycle(notes: Notes) -> Cycle:
    anchor, stated = _anchor(notes)
    month = month_of(anchor)
    at_end = _is_month_end(anchor) if notes.calendar is None else notes.calendar.is_month_end(anchor)
    roll_day = np.where(notes.end_of_month & at_end, 31, day_of_month(anchor))
    step = 12 // np.maximum(notes.frequency, 1)
    if not notes.accrual_adjusted:
        return Cycle(month, roll_day, step, None, "unadjusted", anchor)
    adjusted = _adjusted(notes, anchor, notes.business_day_convention)
    if notes.generation == "backward":
        adjusted = np.where(stated, adjusted, _adjusted(notes, anchor, notes.maturity_convention))
    return Cycle(month, roll_day, step, notes.calendar, notes.business_day_convention, adjusted)


def _is_month_end(dates: DateArray) -> npt.NDArray[np.bool_]:
    later: npt.NDArray[np.bool_] = month_of(dates + np.timedelta64(1, "D")) > month_of(dates)
    return later


def _points(notes: Notes, cycle: Cycle) -> _Points:
    anchor, _ = _anchor(notes)
    # Where a month's last business day stands for its end, coupons are counted by its own day and moved to the ends of
    # their months: a note issued on that day has no stub of a day or two.
    own_day = np.where(_is_month_end(anchor), cycle.roll_day, day_of_month(anchor))
    counted, moved = (Cycle(cycle.month, day, cycle.step, None, "unadjusted") for day in (own_day, cycle.roll_day))
    first = np.where(np.isnat(notes.first_coupon), notes.issue_date, notes.first_coupon)
    last = np.where(np.isnat(notes.last_coupon), notes.maturity, notes.last_coupon)
    inner = _steps_inside(notes, counted, first, last)
    # Every note gets issue, first coupon, the dates of the cycle, last coupon and maturity; where a coupon date is
    # not stated it repeats its neighbour, and repeats are dropped.
    counts = inner + 4
    note = np.repeat(np.arange(len(notes)), counts)
    begins = np.cumsum(counts) - counts
    place = np.arange(note.size) - begins[note]
    j = place - 1 if notes.generation == "forward" else place - 2 - inner[note]
    unadjusted = np.minimum(moved.take(note).dates(j), last[note])
    for offset, dates in ((begins, notes.issue_date), (begins + 1, first)):
        unadjusted[offset] = dates
    for offset, dates in ((begins + inner + 2, last), (begins + inner + 3, notes.maturity)):
        unadjusted[offset] = dates
    ends = begins + inner + 3
    adjusted = _adjusted(notes, unadjusted, notes.business_day_convention)
    adjusted[ends] = _adjusted(notes, notes.maturity, notes.maturity_convention)
    keep = _moves_on(unadjusted, ends[note])
    if notes.accrual_adjusted:
        keep &= _moves_on(adjusted, ends[note])
    keep[begins] = keep[ends] = True
    return _Points(note[keep], unadjusted[keep], adjusted[keep])


def _moves_on(dates: DateArray, end: IntArray) -> npt.NDArray[np.bool_]:
    """Tell which dates come after the one before and before the note's last."""
    moves: npt.NDArray[np.bool_] = dates < dates[end]
    moves[1:] &= dates[1:] > dates[:-1]
    return moves


def _steps_inside(notes: Notes, cycle: Cycle, first: DateArray, last: DateArray) -> IntArray:
    """Count the cycle's dates strictly between the first coupon and the last."""
    backward = notes.generation == "backward"
    limit, sign = (first, -1) if backward else (last, 1)
    steps = np.abs(month_of(limit) - cycle.month) // cycle.step
    nearest = cycle.dates(sign * steps)
    beyond = nearest <= limit if backward else nearest >= limit
    inside = np.where(notes.frequency == 0, 0, np.maximum(steps - beyond, 0))
    if notes.stub == "short":
        return inside
    unstated = np.isnat(notes.first_coupon if backward else notes.last_coupon)
    next_date = cycle.dates(sign * (inside + 1))
    seen_next, seen_limit = next_date, limit
    if notes.accrual_adjusted:
        convention = notes.business_day_convention if backward else notes.maturity_convention
        seen_next = _adjusted(notes, next_date, notes.business_day_convention)
        seen_limit = _adjusted(notes, limit, convention)
    leftover: npt.NDArray[np.bool_] = unstated & (seen_next != seen_limit) & (inside > 0)
    return np.where(leftover, inside - 1, inside)


def _adjusted(notes: Notes, dates: DateArray, convention: str) -> DateArray:
    return dates.copy() if notes.calendar is None else notes.calendar.adjust(dates, convention)


def _reference(frequency: IntArray, cycle: Cycle, start: DateArray, end: DateArray) -> tuple[DateArray, DateArray]:
    j = cycle.locate(end - np.timedelta64(1, "D"))
    bullet = frequency == 0
    return np.where(bullet, start, cycle.dates(j)), np.where(bullet, end, cycle.dates(j + 1))
