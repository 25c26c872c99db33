"""The terms of one or many notes as arrays.

Plain data: what the terms mean is in `schedule`, the dated periods that they resolve to are in `periods`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core.arrays import BoolArray, DateArray, Dates, FloatArray, IntArray, Numbers, Shape
from notecalc.core.calendars import CONVENTIONS, Calendar
from notecalc.core.note_rules import KINDS, BrokenRule, broken_rules, read_term, shown
from notecalc.core.periods import Periods
from notecalc.core.words import Words
from notecalc.errors import TermError

__all__ = ["Notes", "Periods", "notes_of"]

# One for all notes, or one for each.
Text: TypeAlias = "str | Sequence[str] | npt.NDArray[Any] | pd.Series[Any] | pd.Index[Any] | pd.Categorical"
Flags: TypeAlias = "bool | Sequence[bool] | npt.NDArray[Any] | pd.Series[Any]"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Notes:
    """The terms of n notes: each is one for all of them, or an array with one for each.

    Parameters
    ----------
    issue_date, maturity : date-like
        First day that accrues, and the day on which principal falls due.
    principal : numeric
        Face amount [currency].
    annual_rate : numeric
        Coupon rate [1/yr], a decimal.
    frequency : int-like
        Coupons per year [1/yr]: 1, 2, 3, 4, 6 or 12, some months apart; 13, 26, 52 or 365, which are 28, 14, 7 days
        and a day apart; with 0 there is one period, from issue to maturity.
    day_count : str-like
        See `daycount.year_fraction`.
    first_coupon, last_coupon : date-like, optional
        First coupon date after issue and last before maturity, where they are stated; NaT where not. They stay as
        stated, also where `end_of_month` keeps the others at month ends (QuantLib moves them there). As in QuantLib a
        first one at issue says nothing, and a last one at issue that there is one period.
    generation : str-like
        Whether the cycle is counted ``backward`` from `last_coupon` (or maturity), or ``forward`` from `first_coupon`
        (or issue).
    stub : str-like
        What becomes of the days left over at the end of the cycle, where no coupon date is stated there: ``short``, a
        period of their own, or ``long``, a part of the one beside it.
    end_of_month : bool-like
        Whether a cycle anchored at a month's end stays at month ends. With a calendar, the last business day of a
        month is its end. No matter where coupons are days apart.
    business_day_convention : str-like
        How payment dates are adjusted; see `calendars.adjust`.
    maturity_convention : str-like, optional
        The same for the last one, at maturity, where it differs.
    calendar : str-like or Calendar, optional
        What business days are; needed unless the conventions are ``unadjusted``.
    accrual_adjusted : bool-like
        Whether interest accrues between adjusted dates; if not, a delayed payment bears no interest for the delay.
    record_days : int-like
        Calendar days from the record date to the unadjusted payment date; -1 or missing where there is no record date.
    ex_days : int-like
        Days from the ex-date to the payment date, adjusted; -1 or missing where there is no ex-date. From the ex-date
        on a buyer doesn't get the coupon, and accrued interest is negative.
    ex_day_type : str-like, optional
        Whether those are ``calendar`` days, as the 7 of Australian government bonds, or ``business`` days of
        `calendar`, as the 7 of gilts; needed where there is an ex-date.

    Raises
    ------
    TermError
        A term that is missing or impossible, terms whose lengths differ, or Series whose indexes do.

    Notes
    -----
    An issue date or a maturity may be a coupon date already adjusted: the day or two between the two dates are no
    period of their own.

    Examples
    --------
    >>> notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=29_000_000, annual_rate=0.08,
    ...               frequency=[2, 4], day_count=["30/360", "act/360"])
    >>> len(notes), notes.principal
    (2, array([29000000., 29000000.]))
    >>> notes.day_count.tolist()
    ['30/360', 'actual/360']
    """

    issue_date: DateArray
    maturity: DateArray
    principal: FloatArray
    annual_rate: FloatArray
    frequency: IntArray
    day_count: Words[str]
    first_coupon: DateArray
    last_coupon: DateArray
    generation: Words[str]
    stub: Words[str]
    end_of_month: BoolArray
    business_day_convention: Words[str]
    maturity_convention: Words[str]
    calendar: Words[Calendar | None]
    accrual_adjusted: BoolArray
    record_days: IntArray
    ex_days: IntArray
    ex_day_type: Words[str | None]

    def __init__(
        self,
        *,
        issue_date: Dates | pd.Series[Any],
        maturity: Dates | pd.Series[Any],
        principal: Numbers | pd.Series[Any],
        annual_rate: Numbers | pd.Series[Any],
        frequency: Numbers | pd.Series[Any],
        day_count: Text,
        first_coupon: Dates | pd.Series[Any] | None = None,
        last_coupon: Dates | pd.Series[Any] | None = None,
        generation: Text = "backward",
        stub: Text = "short",
        end_of_month: Flags = False,
        business_day_convention: Text = "unadjusted",
        maturity_convention: Text | None = None,
        calendar: Text | Calendar | Sequence[str | Calendar | None] | None = None,
        accrual_adjusted: Flags = False,
        record_days: Numbers | pd.Series[Any] = -1,
        ex_days: Numbers | pd.Series[Any] = -1,
        ex_day_type: Text | None = None,
    ) -> None:
        given = {
            "issue_date": issue_date,
            "maturity": maturity,
            "principal": principal,
            "annual_rate": annual_rate,
            "frequency": frequency,
            "day_count": day_count,
            "first_coupon": first_coupon,
            "last_coupon": last_coupon,
            "generation": generation,
            "stub": stub,
            "end_of_month": end_of_month,
            "business_day_convention": business_day_convention,
            "maturity_convention": maturity_convention,
            "calendar": calendar,
            "accrual_adjusted": accrual_adjusted,
            "record_days": record_days,
            "ex_days": ex_days,
            "ex_day_type": ex_day_type,
        }
        Shape.of(given)
        read = {name: read_term(name, value) for name, value in given.items()}
        tables = {name: table for name, (_, table) in read.items()}
        columns = _one_length({name: column for name, (column, _) in read.items()})
        for broken in broken_rules(columns, tables):
            raise _first_of(broken, columns[broken.name], tables[broken.name])
        _fill(self, columns, tables)

    def __len__(self) -> int:
        return self.issue_date.size

    def take(self, rows: IntArray) -> Notes:
        """Give the terms of some notes, in the order asked for.

        Examples
        --------
        >>> notes = Notes(issue_date="2004-06-18", maturity=["2007-06-18", "2009-06-18"], principal=100,
        ...               annual_rate=0.08, frequency=2, day_count="30/360")
        >>> notes.take(np.array([1])).maturity
        array(['2009-06-18'], dtype='datetime64[D]')
        """
        made = object.__new__(Notes)
        for field in fields(self):
            part = getattr(self, field.name)
            part = part.take(rows) if isinstance(part, Words) else part[rows]
            (part.codes if isinstance(part, Words) else part).flags.writeable = False
            object.__setattr__(made, field.name, part)
        return made


def notes_of(columns: Mapping[str, npt.NDArray[Any]], tables: Mapping[str, tuple[Any, ...]]) -> Notes:
    """Make notes of terms that have been read and judged by `note_rules`, one for each note."""
    made = object.__new__(Notes)
    _fill(made, columns, tables)
    return made


def _fill(notes: Notes, columns: Mapping[str, npt.NDArray[Any]], tables: Mapping[str, tuple[Any, ...]]) -> None:
    for name, values in columns.items():
        column, table = values, tables[name]
        if name == "maturity_convention":  # that of the coupons where it isn't stated
            column = np.where(column < len(CONVENTIONS), column, columns["business_day_convention"])
            table = CONVENTIONS
        if KINDS[name] == "days" or name == "frequency":
            column = column.astype(np.int64)
        column.flags.writeable = False
        object.__setattr__(notes, name, Words(column, table) if table else column)


def _one_length(arrays: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Broadcast to one length."""
    try:
        shape = np.broadcast_shapes((1,), *(array.shape for array in arrays.values()))
    except ValueError:
        shape = ()
    if len(shape) != 1:
        sizes = {name: array.shape for name, array in arrays.items() if array.ndim}
        raise TermError(" and ".join(sizes), rule="one value, or one for each note", got=list(sizes.values()))
    # Always a copy, so that nobody else can write to it.
    return {name: np.array(np.broadcast_to(array, shape), order="C") for name, array in arrays.items()}


def _first_of(broken: BrokenRule, column: npt.NDArray[Any], table: tuple[Any, ...]) -> TermError:
    row = int(np.argmax(broken.rows))
    got = shown(broken.name, column[row], table)
    hint = None if broken.hint is None else broken.hint(got)
    return TermError(broken.name, rule=broken.rule, got=got, row=row if column.size > 1 else None, hint=hint)
