"""Business days of named calendars, by lookup in tables by day; no times of day.

The Federal Reserve's holidays come from QuantLib (5 U.S.C. 6103 and the Federal Reserve Banks' holiday schedule), New
York State's from section 24 of its General Construction Law. Neither moves a Saturday's holiday to the Friday. Those
of TARGET, the euro's settlement system, and of the New York Stock Exchange come from QuantLib too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core.arrays import (
    Date,
    DateArray,
    Dates,
    IntArray,
    Number,
    Numbers,
    Rule,
    array_function,
    as_dates,
    forbid,
    names_of,
)
from notecalc.core.words import Words, known_word
from notecalc.errors import TermError, did_you_mean

__all__ = [
    "CALENDARS",
    "CONVENTIONS",
    "TABLE_DAYS",
    "Calendar",
    "add_business_days",
    "adjust",
    "adjust_each",
    "get_calendar",
    "is_business_day",
    "move_tables",
]

CONVENTIONS = ("following", "modified-following", "preceding", "modified-preceding", "nearest", "unadjusted")

_COUNT = Rule("a whole number within 2**53", lambda x: (x == np.rint(x)) & (np.abs(x) <= 2**53))


@overload
def is_business_day(dates: Date, calendar: str | Calendar) -> bool: ...  # type: ignore[overload-overlap]  # a scalar is also one of Dates; the first match holds
@overload
def is_business_day(dates: pd.Series[Any], calendar: str | Calendar) -> pd.Series[Any]: ...
@overload
def is_business_day(dates: Dates, calendar: str | Calendar) -> npt.NDArray[np.bool_]: ...
@array_function(dates=("dates",))
def is_business_day(dates: Any, calendar: str | Calendar) -> Any:
    """Tell business days from the rest.

    Parameters
    ----------
    dates : date-like
        Days to look up; NaT is not a business day.
    calendar : str or Calendar
        A name of `CALENDARS`, several joined by ``+`` (closed where any is closed), or what `get_calendar` gave.

    Returns
    -------
    bool-like
        Of the kind that came in.

    Raises
    ------
    TermError
        An unknown calendar, or a date outside its range.

    Examples
    --------
    >>> is_business_day(["2004-06-18", "2004-12-18"], "us-federal-reserve")
    array([ True, False])
    """
    return get_calendar(calendar).is_business_day(dates)


@overload
def adjust(dates: Date, convention: str, calendar: str | Calendar) -> np.datetime64: ...  # type: ignore[overload-overlap]  # as above
@overload
def adjust(dates: pd.Series[Any], convention: str, calendar: str | Calendar) -> pd.Series[Any]: ...
@overload
def adjust(dates: Dates, convention: str, calendar: str | Calendar) -> DateArray: ...
@array_function(dates=("dates",))
def adjust(dates: Any, convention: str, calendar: str | Calendar) -> Any:
    """Move each date that is no business day to one that is.

    Parameters
    ----------
    dates : date-like
        Days to adjust; NaT stays NaT.
    convention : str
        ``following`` or ``preceding`` business day; ``modified-following`` and ``modified-preceding`` turn back
        where that would leave the month; ``nearest`` takes the closer one, and the later of two as close;
        ``unadjusted`` changes nothing.
    calendar : str or Calendar
        See `is_business_day`.

    Returns
    -------
    date-like
        Of the kind that came in.

    Raises
    ------
    TermError
        An unknown calendar or convention, or a date outside the calendar's range.

    References
    ----------
    ISDA 2006 Definitions, section 4.12.

    Examples
    --------
    >>> adjust("2004-12-18", "following", "us-federal-reserve")
    np.datetime64('2004-12-20')
    """
    return get_calendar(calendar).adjust(dates, convention)


@overload
def add_business_days(dates: Date, n: Number, calendar: str | Calendar) -> np.datetime64: ...  # type: ignore[overload-overlap]  # as above
@overload
def add_business_days(dates: Dates, n: Numbers, calendar: str | Calendar) -> DateArray: ...  # type: ignore[overload-overlap]  # as above
@overload
def add_business_days(
    dates: Dates | pd.Series[Any], n: Numbers | pd.Series[Any], calendar: str | Calendar
) -> pd.Series[Any]: ...
@array_function(dates=("dates",), numbers={"n": _COUNT})
def add_business_days(dates: Any, n: Any, calendar: str | Calendar) -> Any:
    """Count business days onwards from a date, or back where the count is negative.

    Parameters
    ----------
    dates : date-like
        Days to count from, not themselves counted; NaT stays NaT.
    n : int-like
        Business days to count [1]. With 0 the date must be a business day: from any other there is no telling
        which way to go, so use `adjust`.
    calendar : str or Calendar
        See `is_business_day`.

    Returns
    -------
    date-like
        Of the kind that came in; NaT where `n` is NaN.

    Raises
    ------
    TermError
        An unknown calendar, a count that is not whole, 0 from a closed day, or a date outside the calendar's range.

    Examples
    --------
    >>> add_business_days("2004-12-18", 2, "us-federal-reserve")
    np.datetime64('2004-12-21')
    """
    missing = np.isnan(n)
    kept = np.where(missing, np.datetime64("NaT", "D"), dates)
    return get_calendar(calendar).add_business_days(kept, np.where(missing, 0, n).astype(np.int64))


def get_calendar(name: str | Calendar, extra_closures: Iterable[Date] = ()) -> Calendar:
    """Give the calendar of a name, closed on some days more if you like.

    Parameters
    ----------
    name : str or Calendar
        A name of `CALENDARS`, or several joined by ``+``: closed where any is closed. A `Calendar` gets the extra
        closures on top of its own.
    extra_closures : iterable of date-like
        Further days on which it is closed.

    Returns
    -------
    Calendar

    Raises
    ------
    TermError
        An unknown name, or a closure that is no date.

    Examples
    --------
    >>> get_calendar("new-york-state+us-federal-reserve").name
    'new-york-state+us-federal-reserve'
    """
    if not isinstance(name, str | Calendar):
        raise TermError("calendar", rule="the name of a calendar, or what get_calendar gave", got=name)
    more = list(extra_closures)
    if isinstance(name, Calendar) and not more:
        return name
    base, closures = (name.name, name.closures) if isinstance(name, Calendar) else (name, ())
    parts = [part.strip().lower() for part in base.split("+")]
    for part in parts:
        if part not in CALENDARS:
            raise TermError(
                "calendar",
                rule=f"{names_of(sorted(CALENDARS))}, or several joined by '+'",
                got=base,
                hint=did_you_mean(part, CALENDARS),
            )
    days = as_dates(more, "extra_closures")
    forbid("extra_closures", days, np.isnat(days), "dates, none missing")
    serials = {*closures, *days.astype(np.int64).tolist()}
    return Calendar("+".join(dict.fromkeys(parts)), tuple(sorted(serials)))


@dataclass(frozen=True, slots=True, repr=False)
class Calendar:
    """A named calendar and the days on which it is closed besides; get one from `get_calendar`.

    Parameters
    ----------
    name : str
        Its name, or several joined by ``+``.
    closures : tuple of int
        Further closed days, as days since 1970-01-01, in order.
    """

    name: str
    closures: tuple[int, ...] = ()

    def __repr__(self) -> str:
        more = f", closed on {len(self.closures)} more" if self.closures else ""
        return f"Calendar({self.name!r}{more})"

    @property
    def first(self) -> np.datetime64:
        """First business day it knows; an earlier date is an error."""
        return np.datetime64(int(_tables(self).first), "D")

    @property
    def last(self) -> np.datetime64:
        """Last business day it knows; a later date is an error."""
        return np.datetime64(int(_tables(self).last), "D")

    def is_business_day(self, dates: DateArray) -> npt.NDArray[np.bool_]:
        """Tell business days from the rest; flat ``datetime64[D]`` in, bool out, NaT false."""
        tables = _tables(self)
        offsets, missing = self._offsets(dates)
        is_open = tables.is_open[offsets]
        return is_open if missing is None else is_open & ~missing

    def adjust(self, dates: DateArray, convention: str) -> DateArray:
        """Move each closed day to an open one; flat ``datetime64[D]`` in and out."""
        known_word("convention", convention, CONVENTIONS)
        if convention == "unadjusted":
            return dates.copy()
        table = _adjusted(self, convention)
        offsets, missing = self._offsets(dates)
        moved: DateArray = table[offsets].view("datetime64[D]")
        if missing is not None:
            moved[missing] = np.datetime64("NaT", "D")
        return moved

    def add_business_days(self, dates: DateArray, n: IntArray | int) -> DateArray:
        """Count `n` business days on, or back; flat ``datetime64[D]`` and ``int64`` in, dates out."""
        tables = _tables(self)
        n = np.broadcast_to(n, dates.shape)
        offsets, missing = self._offsets(dates)
        is_open = tables.is_open[offsets]
        stuck = (n == 0) & ~is_open
        if missing is not None:
            stuck &= ~missing
        forbid("dates", dates, stuck, "a business day where `n` is 0", "Use adjust() to choose a direction")
        # The first business day on or after the date is its own count from 0; from a closed day a step on starts one
        # business day earlier.
        target = tables.count[offsets] + n - ((n > 0) & ~is_open)
        if missing is not None:
            target[missing] = 0
        outside = (target < 0) | (target >= tables.business.size)
        forbid("n", n, outside, f"such that the date stays {self._range()}")
        result: DateArray = tables.business[target].view("datetime64[D]")
        if missing is not None:
            result[missing] = np.datetime64("NaT", "D")
        return result

    def _range(self) -> str:
        return f"between {self.first} and {self.last} in calendar {self.name!r}"

    def _offsets(self, dates: DateArray) -> tuple[IntArray, npt.NDArray[np.bool_] | None]:
        """Give each date's row in the tables, and which are missing (None if none are)."""
        tables = _tables(self)
        serials = dates.view(np.int64)
        if not serials.size or (serials.min() >= tables.first and serials.max() <= tables.last):
            return serials - tables.origin, None
        missing = np.isnat(dates)
        outside = ((serials < tables.first) | (serials > tables.last)) & ~missing
        forbid("dates", dates, outside, self._range())
        return np.where(missing, tables.first, serials) - tables.origin, missing


def adjust_each(dates: DateArray, calendars: Words[Calendar | None], conventions: Words[str]) -> DateArray:
    """Adjust each date by a calendar and a convention of its own; without a calendar it stays."""
    codes = calendars.codes.astype(np.int64) * len(conventions.table) + conventions.codes
    table = tuple((calendar, convention) for calendar in calendars.table for convention in conventions.table)
    pairs = Words(codes, table)
    moved: DateArray = np.array(dates)
    for (calendar, convention), rows in pairs.rows():
        if calendar is not None:
            moved[rows] = calendar.adjust(dates[rows], convention)
    return moved


@functools.lru_cache(maxsize=16)
def move_tables(pairs: tuple[tuple[Calendar, str], ...]) -> npt.NDArray[np.int32]:
    """Days by which each day of `TABLE_DAYS` is moved, for one calendar and convention after another."""
    serials = np.arange(TABLE_DAYS.start, TABLE_DAYS.stop)
    moves = np.zeros((len(pairs), serials.size), dtype=np.int32)
    for row, (calendar, convention) in enumerate(pairs):
        if convention != "unadjusted":
            moves[row] = _adjusted(calendar, convention) - serials
    flat = moves.reshape(-1)
    flat.flags.writeable = False
    return flat


@dataclass(frozen=True, slots=True)
class _Tables:
    """What is known by day, from `origin` on: open or not, and the business days before it."""

    origin: int
    is_open: npt.NDArray[np.bool_]
    count: npt.NDArray[np.int32]
    business: IntArray

    # Every day from the first business day to the last has one on either side, so that all conventions give an answer.
    @property
    def first(self) -> int:
        return int(self.business[0])

    @property
    def last(self) -> int:
        return int(self.business[-1])


@functools.lru_cache(maxsize=64)
def _tables(calendar: Calendar) -> _Tables:
    closed = [CALENDARS[part] for part in calendar.name.split("+")]
    serials = np.arange(_ORIGIN, _END)
    weekday = (serials + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    is_open = weekday < 5
    for holidays in closed:
        first, days = holidays()
        is_open[: first - _ORIGIN] = False
        is_open[days - _ORIGIN] = False
    extra = np.array([day for day in calendar.closures if _ORIGIN <= day < _END], dtype=np.int64)
    is_open[extra - _ORIGIN] = False
    count: IntArray = np.cumsum(is_open) - is_open
    return _Tables(_ORIGIN, is_open, count.astype(np.int32), serials[is_open])


@functools.lru_cache(maxsize=256)
def _adjusted(calendar: Calendar, convention: str) -> IntArray:
    """Adjusted day by day of the tables; days before the first business day or after the last are never looked up."""
    tables = _tables(calendar)
    serials = np.arange(tables.origin, tables.origin + tables.is_open.size)
    last = tables.business.size - 1
    following = tables.business[np.minimum(tables.count, last)]
    preceding = tables.business[np.maximum(tables.count + tables.is_open - 1, 0)]
    if convention == "following":
        return following
    if convention == "preceding":
        return preceding
    if convention == "nearest":
        return np.where(following - serials <= serials - preceding, following, preceding)
    ahead, back = (following, preceding) if convention == "modified-following" else (preceding, following)
    same_month = _months(ahead) == _months(serials)
    return np.where(same_month, ahead, back)


def _months(serials: IntArray) -> IntArray:
    return serials.view("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _serial(text: str) -> int:
    return int(np.datetime64(text, "D").astype(np.int64))


_ORIGIN = _serial("1901-01-01")
_END = _serial("2199-12-31")  # where QuantLib's dates end
TABLE_DAYS = range(_ORIGIN, _END)


def _no_holidays() -> tuple[int, IntArray]:
    return _ORIGIN, np.array([], dtype=np.int64)


@functools.cache
def _federal_reserve() -> tuple[int, IntArray]:
    import QuantLib as ql  # slow to import, and weekends need none

    first = _serial("1971-01-01")  # the Uniform Monday Holiday Act
    days = _holidays_in_quantlib(ql.UnitedStates(ql.UnitedStates.FederalReserve), first)
    # Martin Luther King, Jr. Day was first kept in 1986 (Public Law 98-144); QuantLib has it from its enactment.
    never_kept = [_serial(day) for day in ("1983-01-17", "1984-01-16", "1985-01-21")]
    return first, days[~np.isin(days, never_kept)]


@functools.cache
def _new_york_state() -> tuple[int, IntArray]:
    first, federal = _federal_reserve()
    years = np.arange(1971, 2200)
    january = (years - 1970).astype("datetime64[Y]").astype("datetime64[M]")
    lincoln = (january + 1).astype("datetime64[D]") + 11
    lincoln += (lincoln.astype(np.int64) + 3) % 7 == 6  # a Sunday's holiday is kept on the Monday
    november = (january + 10).astype("datetime64[D]")
    first_monday = november + (-(november.astype(np.int64) + 3)) % 7
    election = first_monday + 1
    days = np.concatenate([lincoln.astype(np.int64), election.astype(np.int64)])
    return first, np.union1d(federal, days)


@functools.cache
def _target() -> tuple[int, IntArray]:
    import QuantLib as ql

    first = _serial("1999-01-01")  # the euro's first day
    return first, _holidays_in_quantlib(ql.TARGET(), first)


@functools.cache
def _nyse() -> tuple[int, IntArray]:
    import QuantLib as ql

    first = _serial("1971-01-01")
    return first, _holidays_in_quantlib(ql.UnitedStates(ql.UnitedStates.NYSE), first)


def _holidays_in_quantlib(calendar: Any, first: int) -> IntArray:
    import QuantLib as ql

    epoch = ql.Date(1, 1, 1970).serialNumber()
    holidays = calendar.holidayList(ql.Date(first + epoch), ql.Date(_END - 1 + epoch), False)
    return np.array([day.serialNumber() - epoch for day in holidays])


CALENDARS: dict[str, Callable[[], tuple[int, IntArray]]] = {
    "weekends-only": _no_holidays,
    "us-federal-reserve": _federal_reserve,
    "new-york-state": _new_york_state,
    "nyse": _nyse,
    "target": _target,
}
