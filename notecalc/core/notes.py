"""The terms of one or many notes as arrays.

Plain data: what the terms mean is in `schedule`, the dated periods that they resolve to are in `periods`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core.arrays import (
    FINITE,
    RATE,
    BoolArray,
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
from notecalc.core.daycount import DAY_COUNTS, check_dates, day_count_name
from notecalc.core.periods import Periods
from notecalc.core.words import Words, read_words
from notecalc.errors import TermError, did_you_mean

__all__ = ["DAYS_BETWEEN", "EX_DAY_TYPES", "FREQUENCIES", "GENERATIONS", "STUBS", "Notes", "Periods"]

DAYS_BETWEEN = {13: 28, 26: 14, 52: 7, 365: 1}  # frequencies whose coupons are days apart, not months
FREQUENCIES = (0, 1, 2, 3, 4, 6, 12, *DAYS_BETWEEN)
GENERATIONS = ("backward", "forward")
STUBS = ("short", "long")
EX_DAY_TYPES = ("calendar", "business")

# One for all notes, or one for each.
Text: TypeAlias = "str | Sequence[str] | npt.NDArray[Any] | pd.Series[Any] | pd.Index[Any] | pd.Categorical"
Flags: TypeAlias = "bool | Sequence[bool] | npt.NDArray[Any] | pd.Series[Any]"

_FREQUENCY = Rule(f"coupons per year, one of {names_of(FREQUENCIES)}", lambda x: np.isin(x, FREQUENCIES))
_DAYS = Rule("a whole number of days up to 366, or -1 for none", lambda x: (x >= -1) & (x <= 366) & (x == np.rint(x)))


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
        First coupon date after issue and last before maturity, where they are stated; NaT where not.
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
        Calendar days from the record date to the unadjusted payment date; -1 where there is no record date.
    ex_days : int-like
        Days from the ex-date to the payment date, adjusted; -1 where there is no ex-date. From the ex-date on a buyer
        doesn't get the coupon, and accrued interest is negative.
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
            "ex_days": ex_days,
        }
        flags = {"end_of_month": end_of_month, "accrual_adjusted": accrual_adjusted}
        words = {
            "day_count": day_count,
            "generation": generation,
            "stub": stub,
            "business_day_convention": business_day_convention,
            "maturity_convention": maturity_convention,
            "calendar": calendar,
            "ex_day_type": ex_day_type,
        }
        Shape.of(dates | numbers | flags | words)
        arrays: dict[str, npt.NDArray[Any]] = {name: as_dates(value, name) for name, value in dates.items()}
        arrays |= {name: as_numbers(value, name) for name, value in numbers.items()}
        arrays |= {name: _flags(name, value) for name, value in flags.items()}
        tables: dict[str, tuple[Any, ...]] = {}
        for name, value in words.items():
            arrays[name], tables[name] = read_words(name, value, *_VOCABULARY[name])
        own_rule = arrays["maturity_convention"] < len(CONVENTIONS)
        arrays["maturity_convention"] = np.where(
            own_rule, arrays["maturity_convention"], arrays["business_day_convention"]
        )
        tables["maturity_convention"] = CONVENTIONS
        arrays = _one_length(arrays)
        _check_numbers(arrays)
        _check_dates(arrays)
        _check_words(arrays, tables)
        for field in fields(self):
            value = arrays[field.name]
            object.__setattr__(self, field.name, Words(value, tables[field.name]) if field.name in words else value)

    def __len__(self) -> int:
        return self.issue_date.size


def _flags(name: str, values: object) -> npt.NDArray[Any]:
    flags = np.asarray(values)
    if flags.dtype == object and all(isinstance(flag, bool | np.bool_) for flag in flags.flat):
        flags = flags.astype(np.bool_)  # as pandas' nullable ones come
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
    # Always a copy, so that nobody else can write to it.
    flat = {name: np.array(np.broadcast_to(array, shape), order="C") for name, array in arrays.items()}
    for array in flat.values():
        array.flags.writeable = False
    return flat


def _check_numbers(arrays: dict[str, npt.NDArray[Any]]) -> None:
    rules = {
        "principal": FINITE,
        "annual_rate": RATE,
        "frequency": _FREQUENCY,
        "record_days": _DAYS,
        "ex_days": _DAYS,
    }
    for name, rule in rules.items():
        forbid(name, arrays[name], np.isnan(arrays[name]), "given")
        rule.check(name, arrays[name])
    for name in ("frequency", "record_days", "ex_days"):
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


def _check_words(arrays: dict[str, npt.NDArray[Any]], tables: dict[str, tuple[Any, ...]]) -> None:
    icma = arrays["day_count"] == tables["day_count"].index(_ICMA)
    forbid("frequency", arrays["frequency"], icma & (arrays["frequency"] == 0), "above 0 with day count ICMA")
    unadjusted = CONVENTIONS.index("unadjusted")
    nowhere = arrays["calendar"] == 0
    for name in ("business_day_convention", "maturity_convention"):
        stuck = nowhere & (arrays[name] != unadjusted)
        if stuck.any():
            row = int(np.argmax(stuck))
            convention = CONVENTIONS[arrays[name][row]]
            raise TermError(
                "calendar", rule=f"given with {convention!r}", got=None, row=row if stuck.size > 1 else None
            )
    ex, ex_day_type = arrays["ex_days"] >= 0, arrays["ex_day_type"]
    for name, missing, rule in (
        ("ex_day_type", ex & (ex_day_type == len(EX_DAY_TYPES)), f"{names_of(EX_DAY_TYPES)} where `ex_days` is given"),
        ("calendar", ex & nowhere & (ex_day_type == EX_DAY_TYPES.index("business")), "given with business `ex_days`"),
    ):
        if missing.any():
            raise TermError(name, rule=rule, got=None, row=int(np.argmax(missing)) if missing.size > 1 else None)


def _one_of(name: str, known: tuple[str, ...]) -> Callable[[Any], str]:
    def find(word: Any) -> str:
        if word not in known:
            raise TermError(name, rule=names_of(known), got=word, hint=did_you_mean(str(word), known))
        return str(word)

    return find


def _one_or_none(name: str, known: tuple[str, ...]) -> Callable[[Any], str | None]:
    find = _one_of(name, known)
    return lambda word: None if word is None else find(word)


def _calendar(name: Any) -> Calendar | None:
    return None if name is None else get_calendar(name)


_ICMA = "actual/actual icma"

# How each word is found, and the words whose codes are fixed.
_VOCABULARY: dict[str, tuple[Callable[[Any], Any], tuple[Any, ...]]] = {
    "day_count": (day_count_name, tuple(DAY_COUNTS)),
    "generation": (_one_of("generation", GENERATIONS), GENERATIONS),
    "stub": (_one_of("stub", STUBS), STUBS),
    "business_day_convention": (_one_of("business_day_convention", CONVENTIONS), CONVENTIONS),
    "maturity_convention": (_one_or_none("maturity_convention", CONVENTIONS), (*CONVENTIONS, None)),
    "calendar": (_calendar, (None,)),
    "ex_day_type": (_one_or_none("ex_day_type", EX_DAY_TYPES), (*EX_DAY_TYPES, None)),
}
