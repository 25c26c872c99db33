"""Coupon dates: from the terms of notes to their dated periods.

The dates follow the cycle that the terms anchor; adjustment to business days comes after. Knows no amounts. Rules as
in the ISDA 2006 Definitions, sections 4.9 to 4.14, and ICMA Rule 251 for reference periods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core._jit import Kernel
from notecalc.core._rolling import ANCHOR_COLUMNS, COLUMNS, MONTHS, anchor_loop, period_loop
from notecalc.core.arrays import Date, DateArray, IntArray, as_date
from notecalc.core.calendars import CONVENTIONS, TABLE_DAYS, Calendar, move_tables
from notecalc.core.cycle import Cycle, day_of_month, month_of
from notecalc.core.note_rules import DAYS_BETWEEN, FREQUENCIES
from notecalc.core.notes import Notes
from notecalc.core.periods import Periods, count_fraction, ex_dates
from notecalc.core.words import Words
from notecalc.errors import TermError

__all__ = ["add_months", "count_fraction", "resolve", "schedule", "schedules"]

SCHEDULE_COLUMNS = (
    "unadjusted_start",
    "unadjusted_end",
    "accrual_start",
    "accrual_end",
    "payment_date",
    "record_date",
    "ex_date",
    "regular",
)


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
    ex_days: int | None = None,
    ex_day_type: str | None = None,
) -> pd.DataFrame:
    """Coupon periods of one note.

    Parameters
    ----------
    issue_date, maturity : date-like
        First day that accrues, and the day on which principal falls due.
    frequency : int
        Coupons per year [1/yr]: 1, 2, 3, 4, 6 or 12; 13, 26, 52 or 365, which are 28, 14, 7 days and a day apart; with
        0 there is one period.
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
    ex_days : int, optional
        Days from the ex-date, on which a buyer no longer gets the coupon, to the payment date, adjusted.
    ex_day_type : {"calendar", "business"}, optional
        Which days those are; needed with `ex_days`.

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
        ex_days=-1 if ex_days is None else ex_days,
        ex_day_type=ex_day_type,
    )
    return resolve(notes).to_frame().drop(columns="note").set_index("period")


def schedules(notes: Notes) -> pd.DataFrame:
    """Coupon periods of many notes, one after another.

    Parameters
    ----------
    notes : Notes
        The terms of all notes.

    Returns
    -------
    DataFrame
        One row per period: ``note``, its position from 0, and ``period``, counted from 1 within it; the coupon dates
        as the terms give them (``unadjusted_start``, ``unadjusted_end``), those between which interest accrues
        (``accrual_start``, ``accrual_end``; adjusted where `accrual_adjusted` says so), ``payment_date`` (always
        adjusted), ``record_date`` and ``ex_date``, and whether the period is ``regular``. For fractions of a year see
        `resolve`.

    Raises
    ------
    TermError
        Dates outside those that the note's calendar knows.

    Examples
    --------
    >>> notes = Notes(issue_date="2004-06-18", maturity=["2004-12-18", "2005-06-18"], principal=100, annual_rate=0.08,
    ...               frequency=2, day_count="30/360", business_day_convention="following",
    ...               calendar="us-federal-reserve")
    >>> schedules(notes)[["note", "period", "unadjusted_end", "payment_date"]]
       note  period unadjusted_end payment_date
    0     0       1     2004-12-18   2004-12-20
    1     1       1     2004-12-18   2004-12-20
    2     1       2     2005-06-18   2005-06-20
    """
    return resolve(notes).to_frame(SCHEDULE_COLUMNS)


def resolve(notes: Notes) -> Periods:
    """Resolve the terms of notes into their dated periods.

    Raises
    ------
    TermError
        Dates outside those that the note's calendar knows.

    Examples
    --------
    >>> notes = Notes(issue_date="2004-06-18", maturity="2005-06-18", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="actual/360")
    >>> resolve(notes).unadjusted_end
    array(['2004-12-18', '2005-06-18'], dtype='datetime64[D]')
    """
    if not isinstance(notes, Notes):
        raise TermError("notes", rule="Notes", got=type(notes).__name__)
    count = len(notes)
    step, days = _MONTHS[notes.frequency], _DAYS[notes.frequency]
    # No period but a first or last one is shorter than this, and a cycle has at most three more dates.
    shortest = np.where(days > 0, days, np.where(step > 0, 28 * step, 2**62))
    most = (notes.maturity - notes.issue_date).astype(np.int64) // shortest + 4
    capacity = int(most.sum())
    run = _compiled if capacity >= COMPILE_FROM else _as_python
    tables = _tables(notes)
    ends = [dates.view(np.int64) for dates in (notes.issue_date, notes.maturity, notes.first_coupon, notes.last_coupon)]
    rules = [notes.calendar.codes, notes.business_day_convention.codes, notes.maturity_convention.codes]
    generation, adjusts = notes.generation.codes, notes.accrual_adjusted
    _, anchors = run(
        anchor_loop,
        [*ends, generation, notes.end_of_month, days, *rules, adjusts],
        tables,
        len(ANCHOR_COLUMNS) * count,
    )
    filled, out = run(
        period_loop,
        [*ends, generation, notes.stub.codes, step, days, *rules, adjusts, notes.record_days, anchors],
        tables,
        len(COLUMNS) * capacity + count,
    )
    if filled < 0:
        _raise_beyond(notes, -1 - filled)
    columns = {name: out[k * capacity : k * capacity + filled] for k, name in enumerate(COLUMNS)}
    note = columns.pop("note")
    dates = {name: column.view("datetime64[D]") for name, column in columns.items()}
    return Periods(
        notes=notes,
        offsets=np.concatenate([[0], out[len(COLUMNS) * capacity :]]),
        note=note,
        cycle=_cycle(notes, step, days, anchors),
        ex_date=ex_dates(notes, note, dates["payment_date"]),
        **dates,
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


COMPILE_FROM = 5_000  # periods from which a compiled loop saves more time than numba takes to import

_MONTHS = np.zeros(max(FREQUENCIES) + 1, dtype=np.int64)
_DAYS = np.zeros(max(FREQUENCIES) + 1, dtype=np.int64)
for _frequency in FREQUENCIES[1:]:
    if _frequency in DAYS_BETWEEN:
        _DAYS[_frequency] = DAYS_BETWEEN[_frequency]
    else:
        _MONTHS[_frequency] = 12 // _frequency


@dataclass(frozen=True, slots=True)
class _Tables:
    """How days are moved: for each calendar and convention where its table begins, less its first day; see `_moved`."""

    places: IntArray
    moves: npt.NDArray[np.int32]


def _tables(notes: Notes) -> _Tables:
    calendars, conventions = notes.calendar.table, len(CONVENTIONS)
    used = np.zeros(len(calendars) * conventions, dtype=np.bool_)
    for rule in (notes.business_day_convention, notes.maturity_convention):
        used[notes.calendar.codes.astype(np.int64) * conventions + rule.codes] = True
    if notes.end_of_month.any():
        used[CONVENTIONS.index("following") :: conventions] = True
    places = np.full((used.size, 3), -1)
    pairs: list[tuple[Calendar, str]] = []
    for row in np.flatnonzero(used).tolist():
        calendar, convention = calendars[row // conventions], CONVENTIONS[row % conventions]
        if calendar is not None and convention != "unadjusted":
            begins = len(pairs) * len(TABLE_DAYS) - TABLE_DAYS.start
            places[row] = begins, calendar.first.astype(np.int64), calendar.last.astype(np.int64)
            pairs.append((calendar, convention))
    return _Tables(places.reshape(-1), move_tables(tuple(pairs)))


def _compiled(loop: Kernel, arrays: list[npt.NDArray[Any]], tables: _Tables, size: int) -> tuple[int, IntArray]:
    out = np.empty(size, dtype=np.int64)
    return loop(*arrays, tables.places, tables.moves, MONTHS, out), out


def _as_python(loop: Kernel, arrays: list[npt.NDArray[Any]], tables: _Tables, size: int) -> tuple[int, IntArray]:
    """Run a loop's Python body, on lists: Python takes several times as long over an array's elements."""
    out = [0] * size
    result = loop.py_func(*(array.tolist() for array in arrays), tables.places.tolist(), tables.moves, MONTHS, out)
    return result, np.array(out, dtype=np.int64)


def _cycle(notes: Notes, step: IntArray, days: IntArray, anchors: IntArray) -> Cycle:
    month, roll_day, _, origin, anchor = anchors.reshape(len(ANCHOR_COLUMNS), -1)
    adjusts = notes.accrual_adjusted
    calendar = Words(np.where(adjusts, notes.calendar.codes, 0), notes.calendar.table)  # 0 is none
    some = bool((calendar.codes > 0).any())
    return Cycle(
        month,
        roll_day,
        np.maximum(step, 1),
        calendar if some else None,
        notes.business_day_convention,
        anchor.view("datetime64[D]"),
        days if days.any() else None,
        origin.view("datetime64[D]") if days.any() else None,
    )


def _raise_beyond(notes: Notes, row: int) -> NoReturn:
    calendar = notes.calendar.table[notes.calendar.codes[row]]
    raise TermError(
        "issue_date and maturity",
        rule=f"such that the regular periods that hold them lie between {_known(calendar)}",
        got=f"{notes.issue_date[row]} and {notes.maturity[row]}",
        row=row if len(notes) > 1 else None,
    )


def _known(calendar: Calendar | None) -> str:
    return "" if calendar is None else f"{calendar.first} and {calendar.last} in calendar {calendar.name!r}"
