"""The terms of one or many notes as arrays, and the dated periods that they resolve to.

Plain data: what the terms mean is in `schedule`, what accrues on them in `accrual`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core.arrays import (
    FINITE,
    RATE,
    DateArray,
    Dates,
    FloatArray,
    IntArray,
    Numbers,
    Rule,
    Shape,
    as_dates,
    as_numbers,
    forbid,
    names_of,
)
from notecalc.core.calendars import CONVENTIONS, Calendar, get_calendar
from notecalc.core.cycle import Cycle
from notecalc.core.daycount import check_dates, day_count_name, ratio
from notecalc.errors import TermError, did_you_mean

__all__ = ["FREQUENCIES", "Notes", "Periods"]

FREQUENCIES = (0, 1, 2, 3, 4, 6, 12)

_FREQUENCY = Rule(f"coupons per year, one of {names_of(FREQUENCIES)}", lambda x: np.isin(x, FREQUENCIES))
_DAYS = Rule("a whole number of days up to 366, or -1 for none", lambda x: (x >= -1) & (x <= 366) & (x == np.rint(x)))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Notes:
    """The terms of n notes: each array has one element per note, each word holds for all of them.

    Parameters
    ----------
    issue_date, maturity : date-like
        First day that accrues, and the day on which principal falls due.
    principal : numeric
        Face amount [currency].
    annual_rate : numeric
        Coupon rate [1/yr], a decimal.
    frequency : int-like
        Coupons per year [1/yr]: 1, 2, 3, 4, 6 or 12; with 0 there is one period, from issue to maturity.
    day_count : str
        See `daycount.year_fraction`.
    first_coupon, last_coupon : date-like, optional
        First coupon date after issue and last before maturity, where they are stated; NaT where not.
    generation : {"backward", "forward"}
        Whether the cycle is counted back from `last_coupon` (or maturity), or on from `first_coupon` (or issue).
    stub : {"short", "long"}
        What becomes of the days left over at the end of the cycle, where no coupon date is stated there: a period of
        their own, or a part of the one beside it.
    end_of_month : bool-like
        Whether a cycle anchored at a month's end stays at month ends. With a calendar, the last business day of a
        month is its end.
    business_day_convention : str
        How payment dates are adjusted; see `calendars.adjust`.
    maturity_convention : str, optional
        The same for the last one, at maturity, where it differs.
    calendar : str or Calendar, optional
        What business days are; needed unless the conventions are ``unadjusted``.
    accrual_adjusted : bool
        Whether interest accrues between adjusted dates; if not, a delayed payment bears no interest for the delay.
    record_days : int-like
        Calendar days from the record date to the unadjusted payment date; -1 where there is no record date.

    Raises
    ------
    TermError
        A term that is missing or impossible, terms whose lengths differ, or Series whose indexes do.

    Examples
    --------
    >>> notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=29_000_000, annual_rate=0.08,
    ...               frequency=[2, 4], day_count="30/360")
    >>> len(notes), notes.principal
    (2, array([29000000., 29000000.]))
    """

    issue_date: DateArray
    maturity: DateArray
    principal: FloatArray
    annual_rate: FloatArray
    frequency: IntArray
    day_count: str
    first_coupon: DateArray
    last_coupon: DateArray
    generation: str
    stub: str
    end_of_month: npt.NDArray[np.bool_]
    business_day_convention: str
    maturity_convention: str
    calendar: Calendar | None
    accrual_adjusted: bool
    record_days: IntArray

    def __init__(
        self,
        *,
        issue_date: Dates | pd.Series[Any],
        maturity: Dates | pd.Series[Any],
        principal: Numbers | pd.Series[Any],
        annual_rate: Numbers | pd.Series[Any],
        frequency: Numbers | pd.Series[Any],
        day_count: str,
        first_coupon: Dates | pd.Series[Any] | None = None,
        last_coupon: Dates | pd.Series[Any] | None = None,
        generation: str = "backward",
        stub: str = "short",
        end_of_month: bool | Sequence[bool] | npt.NDArray[np.bool_] | pd.Series[Any] = False,
        business_day_convention: str = "unadjusted",
        maturity_convention: str | None = None,
        calendar: str | Calendar | None = None,
        accrual_adjusted: bool = False,
        record_days: Numbers | pd.Series[Any] = -1,
    ) -> None:
        dates = {
            "issue_date": issue_date,
            "maturity": maturity,
            "first_coupon": np.datetime64("NaT", "D") if first_coupon is None else first_coupon,
            "last_coupon": np.datetime64("NaT", "D") if last_coupon is None else last_coupon,
        }
        numbers = {
            "principal": principal,
            "annual_rate": annual_rate,
            "frequency": frequency,
            "record_days": record_days,
        }
        Shape.of(dates | numbers | {"end_of_month": end_of_month})
        arrays: dict[str, npt.NDArray[Any]] = {name: as_dates(value, name) for name, value in dates.items()}
        arrays |= {name: as_numbers(value, name) for name, value in numbers.items()}
        arrays["end_of_month"] = _flags("end_of_month", end_of_month)
        arrays = _one_length(arrays)
        _check_numbers(arrays)
        _check_dates(arrays)
        words = {
            "day_count": day_count_name(day_count),
            "generation": _word("generation", generation, ("backward", "forward")),
            "stub": _word("stub", stub, ("short", "long")),
            "business_day_convention": _word("business_day_convention", business_day_convention, CONVENTIONS),
            "maturity_convention": _word(
                "maturity_convention", maturity_convention or business_day_convention, CONVENTIONS
            ),
        }
        if words["day_count"] == "actual/actual icma":
            forbid("frequency", arrays["frequency"], arrays["frequency"] == 0, "above 0 with day count ICMA")
        moves = {words["business_day_convention"], words["maturity_convention"]} - {"unadjusted"}
        if calendar is None and moves:
            raise TermError("calendar", rule=f"given with {names_of(sorted(moves))}", got=None)
        values = {
            **arrays,
            **words,
            "calendar": None if calendar is None else get_calendar(calendar),
            "accrual_adjusted": bool(_flags("accrual_adjusted", accrual_adjusted)),
        }
        for field in fields(self):
            object.__setattr__(self, field.name, values[field.name])

    def __len__(self) -> int:
        return self.issue_date.size


@dataclass(frozen=True, slots=True, eq=False)
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
    reference_start, reference_end : datetime64[D] array
        The regular period in which the period ends; itself if it is regular.
    numerator, denominator : int64 array
        The fraction of a year that the period pays for, exactly.
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
    reference_start: DateArray
    reference_end: DateArray
    numerator: IntArray
    denominator: IntArray
    cycle: Cycle

    def __len__(self) -> int:
        return self.note.size

    @property
    def fraction(self) -> FloatArray:
        """Fraction of a year that each period pays for [yr]."""
        return ratio(self.numerator, self.denominator)

    @property
    def regular(self) -> npt.NDArray[np.bool_]:
        """Whether each period is a whole step of the cycle."""
        same: npt.NDArray[np.bool_] = (self.accrual_start == self.reference_start) & (
            self.accrual_end == self.reference_end
        )
        return same

    def to_frame(self) -> pd.DataFrame:
        """Give one row per period; ``period`` counts from 1 within each ``note``."""
        columns = {
            name: getattr(self, name)
            for name in (
                "unadjusted_start",
                "unadjusted_end",
                "accrual_start",
                "accrual_end",
                "payment_date",
                "record_date",
                "reference_start",
                "reference_end",
                "regular",
                "numerator",
                "denominator",
                "fraction",
            )
        }
        period = np.arange(len(self)) - self.offsets[self.note] + 1
        return pd.DataFrame({"note": self.note, "period": period, **columns})


def _flags(name: str, values: object) -> npt.NDArray[Any]:
    flags = np.asarray(values)
    if flags.dtype != np.bool_:
        raise TermError(name, rule="true or false", got=values)
    return flags


def _one_length(arrays: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Broadcast to one length and make read-only."""
    try:
        shape = np.broadcast_shapes((1,), *(array.shape for array in arrays.values()))
    except ValueError:
        shape = ()
    if len(shape) != 1:
        sizes = {name: array.shape for name, array in arrays.items() if array.ndim}
        raise TermError(" and ".join(sizes), rule="one value, or one for each note", got=list(sizes.values()))
    flat = {name: np.array(np.broadcast_to(array, shape)) for name, array in arrays.items()}
    for array in flat.values():
        array.flags.writeable = False
    return flat


def _check_numbers(arrays: dict[str, npt.NDArray[Any]]) -> None:
    rules = {"principal": FINITE, "annual_rate": RATE, "frequency": _FREQUENCY, "record_days": _DAYS}
    for name, rule in rules.items():
        forbid(name, arrays[name], np.isnan(arrays[name]), "given")
        rule.check(name, arrays[name])
    for name in ("frequency", "record_days"):
        arrays[name] = arrays[name].astype(np.int64)
        arrays[name].flags.writeable = False


def _check_dates(arrays: dict[str, npt.NDArray[Any]]) -> None:
    issue, maturity = arrays["issue_date"], arrays["maturity"]
    forbid("issue_date", issue, np.isnat(issue), "given")
    forbid("maturity", maturity, np.isnat(maturity), "given")
    forbid("maturity", maturity, maturity <= issue, "after `issue_date`")
    check_dates(issue, maturity, ("issue_date", "maturity"))
    first, last = arrays["first_coupon"], arrays["last_coupon"]
    for name, dates in (("first_coupon", first), ("last_coupon", last)):
        outside = (dates < issue) | (dates > maturity)
        forbid(name, dates, outside, "between `issue_date` and `maturity`")
        stated = ~np.isnat(dates) & (arrays["frequency"] == 0)
        forbid(name, dates, stated, "left out where `frequency` is 0")
    forbid("last_coupon", last, last < first, "on or after `first_coupon`")


def _word(name: str, word: str, known: tuple[str, ...]) -> str:
    if word not in known:
        raise TermError(name, rule=names_of(known), got=word, hint=did_you_mean(str(word), known))
    return word
