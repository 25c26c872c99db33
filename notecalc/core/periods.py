"""The dated periods of one or many notes, flat, and the fraction of a year that each pays for.

`schedule` resolves terms into them; what accrues on them is in `accrual`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from notecalc.core.arrays import BoolArray, DateArray, Dates, FloatArray, IntArray, as_dates
from notecalc.core.cycle import Cycle
from notecalc.core.daycount import DAY_COUNTS, day_count_fraction, ratio
from notecalc.errors import TermError

if TYPE_CHECKING:
    from notecalc.core.notes import Notes

__all__ = [
    "ALL_COLUMNS",
    "DATES",
    "Periods",
    "by_cycle",
    "check_periods",
    "count_fraction",
    "ex_dates",
    "in_microseconds",
]

DATES = (
    "unadjusted_start",
    "unadjusted_end",
    "accrual_start",
    "accrual_end",
    "payment_date",
    "record_date",
    "ex_date",
    "reference_start",
    "reference_end",
)
ALL_COLUMNS = (*DATES, "regular", "numerator", "denominator", "fraction")


@dataclass(frozen=True, eq=False)
class Periods:
    """The coupon periods of n notes, flat: those of note i are rows ``offsets[i]`` to ``offsets[i + 1]``.

    Parameters
    ----------
    notes : Notes
        The terms they come from.
    offsets : int64 array, n + 1
        Where each note's periods begin.
    note : int64 array
        The note of each period.
    unadjusted_start, unadjusted_end : datetime64[D] array
        Coupon dates as the terms give them.
    accrual_start, accrual_end : datetime64[D] array
        First day that accrues, and the day on which the count stops.
    payment_date : datetime64[D] array
        The business day on which interest is paid.
    record_date : datetime64[D] array
        The day whose holders of record are paid; NaT if there is none.
    ex_date : datetime64[D] array
        The first day on which a buyer doesn't get the coupon; NaT if there is none.
    reference_start, reference_end : datetime64[D] array
        The regular period in which the period ends; itself if it is regular.
    cycle : Cycle
        The regular cycle of each note.
    """

    notes: Notes
    offsets: IntArray
    note: IntArray
    unadjusted_start: DateArray
    unadjusted_end: DateArray
    accrual_start: DateArray
    accrual_end: DateArray
    payment_date: DateArray
    record_date: DateArray
    ex_date: DateArray
    reference_start: DateArray
    reference_end: DateArray
    cycle: Cycle

    def __len__(self) -> int:
        return self.note.size

    @property
    def numerator(self) -> IntArray:
        """The fraction of a year that each period pays for, exactly: above the line."""
        return self._fraction[0]

    @property
    def denominator(self) -> IntArray:
        """And below it."""
        return self._fraction[1]

    @property
    def fraction(self) -> FloatArray:
        """Fraction of a year that each period pays for [yr]."""
        return ratio(self.numerator, self.denominator)

    @functools.cached_property  # dates alone are wanted as often as not
    def _fraction(self) -> tuple[IntArray, IntArray]:
        numerator, denominator = np.ones(len(self), dtype=np.int64), self.notes.frequency[self.note]
        rest = np.flatnonzero(~(self.regular & by_cycle(self.notes, self.note)))
        note = self.note[rest]
        numerator[rest], denominator[rest] = count_fraction(
            self.notes,
            note,
            self.cycle.take(note),
            self.accrual_start[rest],
            self.accrual_end[rest],
            period_end=self.accrual_end[rest],
        )
        return numerator, denominator

    @property
    def regular(self) -> BoolArray:
        """Whether each period is a whole step of the cycle."""
        same: BoolArray = (self.accrual_start == self.reference_start) & (self.accrual_end == self.reference_end)
        return same

    def until(self, date: Dates | pd.Series[Any]) -> Periods:
        """Cut what lies after a date: the period that holds it ends on it and is paid on it, unadjusted.

        Parameters
        ----------
        date : date-like
            One, or one for each note; a note is left whole by NaT, and without periods by a date up to its issue.

        Examples
        --------
        >>> from notecalc.core.notes import Notes
        >>> from notecalc.core.schedule import resolve
        >>> periods = resolve(Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=100, annual_rate=0.08,
        ...                         frequency=2, day_count="30/360"))
        >>> cut = periods.until("2005-03-18")
        >>> cut.accrual_end, cut.fraction
        (array(['2004-12-18', '2005-03-18'], dtype='datetime64[D]'), array([0.5 , 0.25]))
        """
        at = self._one_each(date)[self.note]
        kept = self.only(~(self.accrual_start >= at))
        at = at[~(self.accrual_start >= at)]
        cut = kept.accrual_end > at
        start = np.where(cut & (kept.unadjusted_start >= at), kept.accrual_start, kept.unadjusted_start)
        ends: dict[str, Any] = {
            name: np.where(cut, at, getattr(kept, name)) for name in ("accrual_end", "unadjusted_end", "payment_date")
        }
        days = self.notes.record_days[kept.note]
        record_date = np.where(cut & (days >= 0), at - np.maximum(days, 0), kept.record_date)
        ex_date = kept.ex_date.copy()
        ex_date[cut] = ex_dates(self.notes, kept.note[cut], at[cut])
        return _measured(replace(kept, unadjusted_start=start, record_date=record_date, ex_date=ex_date, **ends), cut)

    def after(self, date: Dates | pd.Series[Any]) -> Periods:
        """Cut what lies before a date: the period that holds it starts on it.

        Parameters
        ----------
        date : date-like
            One, or one for each note; a note is left whole by NaT, and without periods by a date from its maturity on.

        Examples
        --------
        >>> from notecalc.core.notes import Notes
        >>> from notecalc.core.schedule import resolve
        >>> periods = resolve(Notes(issue_date="2004-06-18", maturity="2005-06-18", principal=100, annual_rate=0.08,
        ...                         frequency=2, day_count="30/360"))
        >>> cut = periods.after("2004-09-18")
        >>> cut.accrual_start, cut.fraction
        (array(['2004-09-18', '2004-12-18'], dtype='datetime64[D]'), array([0.25, 0.5 ]))
        """
        at = self._one_each(date)[self.note]
        kept = self.only(~(self.accrual_end <= at))
        at = at[~(self.accrual_end <= at)]
        cut = kept.accrual_start < at
        starts: dict[str, Any] = {
            name: np.where(cut, at, getattr(kept, name)) for name in ("accrual_start", "unadjusted_start")
        }
        end = np.where(cut & (kept.unadjusted_end <= at), kept.accrual_end, kept.unadjusted_end)
        return _measured(replace(kept, unadjusted_end=end, **starts), cut)

    def _one_each(self, date: Dates | pd.Series[Any]) -> DateArray:
        dates = as_dates(date, "date")
        if dates.shape not in {(), (1,), (len(self.notes),)}:
            raise TermError("date", rule=f"one date, or one for each of {len(self.notes)} notes", got=dates.shape)
        each: DateArray = np.broadcast_to(dates, (len(self.notes),))
        return each

    def only(self, rows: BoolArray) -> Periods:
        """Give some of the periods, of the same notes."""
        arrays = {name: getattr(self, name)[rows] for name in ("note", *DATES)}
        counts = np.bincount(arrays["note"], minlength=len(self.notes))
        return replace(self, offsets=np.concatenate([[0], np.cumsum(counts)]), **arrays)

    def to_frame(self, columns: Sequence[str] = ALL_COLUMNS) -> pd.DataFrame:
        """Give one row per period; ``period`` counts from 1 within each ``note``."""
        period = np.arange(1, len(self) + 1) - self.offsets[self.note]
        values = {name: getattr(self, name) for name in columns}
        values |= {name: in_microseconds(dates) for name, dates in values.items() if name in DATES}
        return pd.DataFrame({"note": self.note, "period": period, **values})


def check_periods(periods: object) -> None:
    """Raise `TermError` unless these are the periods of notes."""
    if not isinstance(periods, Periods):
        raise TermError("periods", rule="Periods, as `resolve` gives them", got=type(periods).__name__)


def in_microseconds(dates: DateArray) -> DateArray:
    """Give dates in the unit that pandas reads them in and Parquet gives back; it converts several times as slowly."""
    stamps: DateArray = (dates.view(np.int64) * 86_400_000_000).view("datetime64[us]")
    missing = np.isnat(dates)
    if missing.any():
        stamps[missing] = np.datetime64("NaT", "us")
    return stamps


def _measured(periods: Periods, cut: BoolArray) -> Periods:
    """Give the reference periods of those whose dates have been cut."""
    rows = np.flatnonzero(cut)
    note, start, end = periods.note[rows], periods.accrual_start[rows], periods.accrual_end[rows]
    step = np.flatnonzero(periods.notes.frequency[note] > 0)
    cycle = periods.cycle.take(note[step])
    j = cycle.locate(end[step] - np.timedelta64(1, "D"))
    start[step], end[step] = cycle.dates(j), cycle.dates(j + 1)
    reference_start, reference_end = periods.reference_start.copy(), periods.reference_end.copy()
    reference_start[rows], reference_end[rows] = start, end
    return replace(periods, reference_start=reference_start, reference_end=reference_end)


def ex_dates(notes: Notes, note: IntArray, payment_date: DateArray) -> DateArray:
    """Give the first days on which buyers of some notes don't get what is paid on a date; NaT where there are none.

    Parameters
    ----------
    notes : Notes
        All notes.
    note : int64 array
        The note of each row.
    payment_date : datetime64[D] array
        When it is paid.

    Raises
    ------
    TermError
        An ex-date before the first that the note's calendar knows.

    References
    ----------
    UK Debt Management Office, Formulae for Calculating Gilt Prices from Yields: seven business days before the
    dividend date. Australian Office of Financial Management, Treasury Bonds: seven calendar days.
    """
    none = np.datetime64("NaT", "D")
    if (notes.ex_days < 0).all():
        return np.full(note.size, none)
    days, by_business = notes.ex_days[note], notes.ex_day_type.codes[note] == notes.ex_day_type.table.index("business")
    dates: DateArray = np.where(days >= 0, payment_date - np.maximum(days, 0), none)
    counted = np.flatnonzero(by_business & (days > 0))  # 0 days before a payment is the day itself, open or not
    for calendar, some in notes.calendar.take(note[counted]).rows():
        rows = counted[some]
        if calendar is None:
            continue
        try:
            dates[rows] = calendar.add_business_days(payment_date[rows], -days[rows])
        except TermError as error:
            row = int(note[rows[error.row or 0]])
            raise TermError(
                "ex_days",
                rule=f"such that ex-dates lie on or after {calendar.first} in calendar {calendar.name!r}",
                got=int(notes.ex_days[row]),
                row=row if len(notes) > 1 else None,
            ) from None
    return dates


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
    numerator, denominator = np.zeros(note.size, dtype=np.int64), np.ones(note.size, dtype=np.int64)
    for name, rows in notes.day_count.take(note).rows():
        counted = DAY_COUNTS[name]
        if counted.denominator is None:
            numerator[rows], steps = cycle.take(rows).fraction(start[rows], end[rows])
            denominator[rows] = steps * notes.frequency[note[rows]]
            continue
        for calendar, some in notes.calendar.take(note[rows]).rows() if "calendar" in counted.needs else _ALL_ALIKE:
            these = rows[some]
            known: dict[str, Any] = {
                "period_end": period_end[these],
                # Actual/365L, which alone needs it here, asks no more than whether it is 1.
                "frequency": np.minimum(notes.frequency[note[these]], 12),
                "maturity": notes.maturity[note[these]],
                "calendar": calendar,
            }
            numerator[these], denominator[these] = day_count_fraction(
                start[these], end[these], name, **{need: known[need] for need in counted.needs}
            )
    return numerator, denominator


_ALL_ALIKE: tuple[tuple[None, slice], ...] = ((None, slice(None)),)


def by_cycle(notes: Notes, note: IntArray) -> BoolArray:
    """Tell whose day count measures by the regular periods of the cycle, each of which is as long as any other."""
    measured = np.array([DAY_COUNTS[name].denominator is None for name in notes.day_count.table], dtype=np.bool_)
    own: BoolArray = measured[notes.day_count.codes[note]]
    return own
