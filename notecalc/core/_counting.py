"""Day-count arithmetic on serial days (days since 1970-01-01), for numpy arrays and for compiled loops alike.

Knows no names and checks nothing but what a compiled loop must. Calendar arithmetic after C. Neri and L. Schneider,
"Euclidean affine functions and their application to calendar algorithms", Software: Practice and Experience (2023).

A `Formula` counts from one day to another, in units that make up a year by a fixed number. A `Measure` also looks at
what came with the dates (a period, a maturity, a table of business days), and gives a numerator and a denominator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from notecalc.core._jit import Kernel, kernel

__all__ = [
    "FIRST_DAY",
    "LAST_DAY",
    "Formula",
    "Measure",
    "accrual_loop",
    "actual_365_actual",
    "actual_365l",
    "actual_days",
    "actual_excel",
    "actual_icma",
    "actual_isda",
    "actual_year",
    "business_252",
    "days_in_quarters",
    "fraction_loop",
    "measured_accrual_loop",
    "measured_fraction_loop",
    "no_leap_days",
    "one",
    "thirty_360",
    "thirty_360_psa",
    "thirty_e_360",
    "thirty_e_360_isda",
    "thirty_e_365",
    "thirty_e_plus_360",
    "thirty_u_360",
]

# A serial day, a number of days: an int64 array, or one number inside a compiled loop.
Serial: TypeAlias = Any
Formula: TypeAlias = Callable[[Serial, Serial], Serial]
Measure: TypeAlias = Callable[[Any, Serial, Serial, Serial, Serial, Any], Any]

FIRST_DAY = -719_162  # 0001-01-01
LAST_DAY = 2_932_896  # 9999-12-31
MISSED_DAYS = 20  # by which adjusted dates may make a regular period longer or shorter
_MISSING = np.iinfo(np.int64).min  # NaT

# 32-bit steps let a processor work on eight days at once. Numba widens what it may, so each step says that it is one.
_U32, _I32, _U64, _I64 = np.uint32, np.int32, np.uint64, np.int64


def month_and_day(serial: Serial) -> Any:
    """Give months since January of year 0 and the day of the month, both counted from 0 (valid to year 9999)."""
    # The year starts in March, so that the leap day comes last. `+ 3` and `| 3` round a quarter day up.
    quarter_days = _U32(4 * _U32(serial + 719_468) + 3)
    # A product and a shift divide by 146,097 (and below by 1,461) for all numbers that occur, faster than a division.
    century = _U32((_U64(quarter_days) * _U64(963_315_389)) >> _U64(47))
    rest = _U32(quarter_days - 146_097 * century) | _U32(3)
    years = _U64(2_939_745 * _U64(rest))  # in units of a year / 2**32
    year = _U32(years >> _U64(32))
    day_of_year = _U32(_U32(years & _U64(0xFFFF_FFFF)) // _U32(4 * 2_939_745))
    # The months from March on are 153/5 days long on average; this line through their first days is exact.
    line = _U32(2_141 * day_of_year + 197_913)
    month = 1_200 * century + 12 * year + (line >> _U32(16)) - _U32(1)
    return _I32(month), _I32(_U32(line & _U32(0xFFFF)) // _U32(2_141))


def _march_year(serial: Serial) -> Serial:
    """Give the year that began on the last 1 March."""
    quarter = _U32(4 * _U32(serial + 719_468) + 3)
    century = _U32((_U64(quarter) * _U64(963_315_389)) >> _U64(47))
    rest = _U32(quarter - 146_097 * century) | _U32(3)
    return _U32(100) * century + _U32(_U64(2_939_745 * _U64(rest)) >> _U64(32))


def _leap_years(year: Serial) -> Serial:
    """Leap years up to and with a year."""
    return _I32(year // _U32(4)) - _I32(year // _U32(100)) + _I32(year // _U32(400))


def _is_leap(year: Serial) -> Serial:
    """1 for a leap year, 0 for another."""
    return _leap_years(_U32(year)) - _leap_years(_U32(year - 1))


def _leap_days(serial: Serial) -> Serial:
    """Count 29 Februaries up to and with a day, since the year 0001."""
    return _leap_years(_U32(_march_year(serial + 1)))


def _ends_february(serial: Serial) -> Serial:
    """1 for the last day of February, 0 for another."""
    return _I32(_march_year(serial + 1)) - _I32(_march_year(serial))


# ---- months of 30 days


def _thirty(start_month: Serial, start_day: Serial, end_month: Serial, end_day: Serial) -> Serial:
    return _I32(_I32(30 * _I32(end_month - start_month)) + _I32(end_day - start_day))


def thirty_360(start: Serial, end: Serial) -> Serial:
    """Count 30-day months; the 31st is the 30th, at the end only if the start is on the 30th or 31st."""
    start_month, start_day = month_and_day(start)
    end_month, end_day = month_and_day(end)
    start_day = _I32(start_day - _I32(start_day == 30))
    end_day = _I32(end_day - _I32((end_day == 30) & (start_day == 29)))
    return _thirty(start_month, start_day, end_month, end_day)


def thirty_u_360(start: Serial, end: Serial) -> Serial:
    """As `thirty_360`, and February's last day is the 30th: at the start, and at the end if at the start too."""
    start_month, start_day = month_and_day(start)
    end_month, end_day = month_and_day(end)
    start_last = _ends_february(start)
    end_day = _I32(end_day + start_last * _ends_february(end) * _I32(29 - end_day))
    start_day = _I32(start_day + start_last * _I32(29 - start_day))
    start_day = _I32(start_day - _I32(start_day == 30))
    end_day = _I32(end_day - _I32((end_day == 30) & (start_day == 29)))
    return _thirty(start_month, start_day, end_month, end_day)


def thirty_360_psa(start: Serial, end: Serial) -> Serial:
    """As `thirty_360`, and February's last day is the 30th at the start, whatever the end."""
    start_month, start_day = month_and_day(start)
    end_month, end_day = month_and_day(end)
    start_day = _I32(start_day + _ends_february(start) * _I32(29 - start_day))
    start_day = _I32(start_day - _I32(start_day == 30))
    end_day = _I32(end_day - _I32((end_day == 30) & (start_day == 29)))
    return _thirty(start_month, start_day, end_month, end_day)


def thirty_e_360(start: Serial, end: Serial) -> Serial:
    """Count 30-day months; the 31st is always the 30th."""
    start_month, start_day = month_and_day(start)
    end_month, end_day = month_and_day(end)
    start_day = _I32(start_day - _I32(start_day == 30))
    end_day = _I32(end_day - _I32(end_day == 30))
    return _thirty(start_month, start_day, end_month, end_day)


def thirty_e_plus_360(start: Serial, end: Serial) -> Serial:
    """Count 30-day months; the 31st is the 30th at the start, and the next month's 1st at the end."""
    # The next month's 1st is 30 - 30 days on from the 31st: counted from 0, a 31st is its own day 30.
    start_month, start_day = month_and_day(start)
    end_month, end_day = month_and_day(end)
    start_day = _I32(start_day - _I32(start_day == 30))
    return _thirty(start_month, start_day, end_month, end_day)


def thirty_e_365(start: Serial, end: Serial) -> Serial:
    """Count 30-day months; the last day of any month is the 30th."""
    start_month, start_day = month_and_day(start)
    end_month, end_day = month_and_day(end)
    start_day = _I32(start_day + _ends_february(start) * _I32(29 - start_day))
    end_day = _I32(end_day + _ends_february(end) * _I32(29 - end_day))
    start_day = _I32(start_day - _I32(start_day == 30))
    end_day = _I32(end_day - _I32(end_day == 30))
    return _thirty(start_month, start_day, end_month, end_day)


def thirty_e_360_isda(_table: Any, start: Serial, end: Serial, maturity: Serial, _b: Serial, _c: Any) -> Any:
    """Count 30-day months; the last day of any month is the 30th, but not maturity in February."""
    _, end_day = month_and_day(end)
    last = _I32(end == maturity) * _ends_february(end) * _I32(29 - end_day)
    known = _I32(maturity != _MISSING)
    return known * _I32(thirty_e_365(start, end) - last), known * _I32(360)


# ---- days that passed


def actual_days(start: Serial, end: Serial) -> Serial:
    """Count days."""
    return _I32(end - start)


def days_in_quarters(start: Serial, end: Serial) -> Serial:
    """Count days, in quarters of a day."""
    return _I32(4 * _I32(end - start))


def no_leap_days(start: Serial, end: Serial) -> Serial:
    """Count days other than 29 February; one at the start is none yet."""
    return _I32(_I32(end - start) - (_leap_days(end) - _leap_days(start)))


def one(start: Serial, end: Serial) -> Serial:
    """Count 1, whatever the dates."""
    return _I32(_I32(end - start) * _I32(0) + _I32(1))


def actual_isda(start: Serial, end: Serial) -> Serial:
    """Count days, a 365th of a year each or a 366th in a leap year, in units of a year / (365 * 366)."""
    return _I32(366 * _I32(end - start) - (_leap_year_days(end) - _leap_year_days(start)))


def _leap_year_days(serial: Serial) -> Serial:
    """Days in leap years before a day, since the year 0001."""
    month, _ = month_and_day(serial)
    year = _U32(_U32(month) // _U32(12))
    leap_years, leap_years_before = _leap_years(year), _leap_years(_U32(year - _U32(1)))
    return _I32(366 * leap_years_before + (_I32(serial) - _new_year(year)) * (leap_years - leap_years_before))


def _new_year(year: Serial) -> Serial:
    """Give the serial day of 1 January."""
    return FIRST_DAY - 365 + 365 * _I32(year) + _leap_years(_U32(year - 1))


def actual_365_actual(_table: Any, start: Serial, end: Serial, _a: Serial, _b: Serial, _c: Any) -> Any:
    """Count days over 366 if a 29 February comes after the start and not after the end, else over 365."""
    return _I32(end - start), _I32(_I32(365) + _I32(_leap_days(end) > _leap_days(start)))


def actual_365l(_table: Any, start: Serial, end: Serial, first: Serial, last: Serial, frequency: Any) -> Any:
    """Count days over 366 if the period ends in a leap year (if it is a year: has a 29 February), else over 365."""
    known = (first >= FIRST_DAY) & (start >= first) & (end <= last) & (last <= LAST_DAY) & _is_frequency(frequency)
    first, last = first * known, last * known
    year = _year(month_and_day(last)[0])
    has_leap_day = _I32(_leap_days(last) > _leap_days(first))
    yearly = _I32(frequency == 1)
    days = _I32(_I32(365) + _I32(yearly * has_leap_day) + _I32((_I32(1) - yearly) * _is_leap(year)))
    return _I32(known) * _I32(end - start), _I32(known) * days


def actual_year(_table: Any, start: Serial, end: Serial, _a: Serial, _b: Serial, _c: Any) -> Any:
    """Count whole years from the start, and days over those of the year that they fall in, from its anniversary.

    That year ends with its last day, so a whole number of years is reached from below. From 29 February on, the
    anniversaries in other years are 28 February, and a year from there has 365 days.
    """
    start_month, start_day = month_and_day(start)
    end_month, end_day = month_and_day(end)
    year, end_year = _year(start_month), _year(end_month)
    month = _I32(start_month - _I32(12 * year))
    leap_day = _I32((month == 1) & (start_day == 28))
    before_march = _I32(month < 2)
    # Each month as 32 days long, which keeps the order of days.
    months_on = _I32(end_month - _I32(12 * end_year) - month)
    on = _I32(_I32(32 * months_on) + end_day - _I32(start_day - leap_day))
    years = _I32(end_year - year)
    years = _I32(years - _I32((years > 0) & (on <= 0)))
    reached = year + years  # the year of the last anniversary
    leap_days = _leap_years(_U32(reached - before_march)) - _leap_years(_U32(year - before_march))
    anniversary = start - leap_day + 365 * years + leap_days + leap_day * _is_leap(reached)
    length = 365 + (_I32(1) - leap_day) * _is_leap(reached + 1 - before_march)
    return _I32(years * length + _I32(end - anniversary)), _I32(length)


def actual_excel(_table: Any, start: Serial, end: Serial, _a: Serial, _b: Serial, _c: Any) -> Any:
    """Count days over the mean length of the calendar years touched, or of one year where no more than one passed."""
    start_month, start_day = month_and_day(start)
    end_month, end_day = month_and_day(end)
    first, last = _year(start_month), _year(end_month)
    within_a_year = _I32((end_month - start_month < 12) | ((end_month - start_month == 12) & (end_day <= start_day)))
    has_leap_day = _I32(_leap_days(end) > _leap_days(start - 1))
    same_leap_year = _I32(first == last) * _is_leap(first)
    length = 365 + _I32((has_leap_day + same_leap_year) > 0)
    touched = _I32(last - first + 1)
    days = _I32(_new_year(_U32(last + 1)) - _new_year(_U32(first)))
    over = _I32(1) - within_a_year
    numerator = _I64(_I32(end - start)) * (within_a_year + over * touched)
    return numerator, _I64(within_a_year * length + over * days)


def actual_icma(_table: Any, start: Serial, end: Serial, first: Serial, last: Serial, frequency: Any) -> Any:
    """Count days over those of the regular period that holds them, times its frequency; 0/0 if it doesn't."""
    known = (first >= FIRST_DAY) & (start >= first) & (end <= last) & (last > first) & (last <= LAST_DAY)
    known &= _is_frequency(frequency)
    # Compared, not converted: what is missing is no number.
    per_year = 1 + _I32(frequency == 2) + 2 * _I32(frequency == 3) + 3 * _I32(frequency == 4)
    per_year = per_year + 5 * _I32(frequency == 6) + 11 * _I32(frequency == 12)
    year = _I32(last * known - first * known) * per_year
    known &= abs(year - 365) <= MISSED_DAYS * per_year
    return _I32(known) * _I32(end - start), _I32(last * known - first * known) * per_year


def _year(month: Serial) -> Serial:
    """Give the year of a month counted from January of year 0."""
    return _I32(_U32(month) // _U32(12))


def _is_frequency(frequency: Any) -> Any:
    return (
        (frequency == 1) | (frequency == 2) | (frequency == 3) | (frequency == 4) | (frequency == 6) | (frequency == 12)
    )


def business_252(table: Any, start: Serial, end: Serial, _a: Serial, _b: Serial, _c: Any) -> Any:
    """Count business days before the end, by a table: its first day, then the business days before each."""
    first = table[0]
    known = (start >= first) & (end < first + table.size - 1)
    days = table[1 + (end - first) * known] - table[1 + (start - first) * known]
    return _I32(known) * _I32(days), _I32(known) * _I32(252)


_CALLS = (
    month_and_day,
    _march_year,
    _leap_years,
    _is_leap,
    _leap_days,
    _ends_february,
    _thirty,
    thirty_e_365,
    _leap_year_days,
    _new_year,
    _year,
    _is_frequency,
)


# ---- loops: each tells of impossible rows, whose cause a slower check finds

IMPOSSIBLE = 1
UNANSWERED = 2  # a measure gave 0/0: something is missing or wrong, or takes more than a formula


def fraction_loop(formula: Formula, denominator: int) -> Kernel:
    """Make the loop ``(start, end, out) -> flags`` that fills year fractions and tells of impossible rows."""

    @kernel(reads=["int64", "int64"], writes="float64", calls=(*_CALLS, formula))
    def fractions(start: Any, end: Any, out: Any) -> int:
        bad = False
        for i in range(out.size):
            counts = (start[i] >= FIRST_DAY) & (end[i] >= start[i]) & (end[i] <= LAST_DAY)
            bad |= (not counts) & (start[i] != _MISSING) & (end[i] != _MISSING)
            fraction = formula(start[i] if counts else 0, end[i] if counts else 0) / denominator
            out[i] = fraction if counts else np.nan
        return IMPOSSIBLE if bad else 0

    return fractions


def accrual_loop(formula: Formula, denominator: int) -> Kernel:
    """Make the loop ``(principal, rate, start, end, out) -> flags``, where ``out`` is interest accrued."""

    @kernel(reads=["float64", "float64", "int64", "int64"], writes="float64", calls=(*_CALLS, formula))
    def interest(principal: Any, rate: Any, start: Any, end: Any, out: Any) -> int:
        bad = False
        for i in range(out.size):
            counts = (start[i] >= FIRST_DAY) & (end[i] >= start[i]) & (end[i] <= LAST_DAY)
            bad |= (not counts) & (start[i] != _MISSING) & (end[i] != _MISSING)
            bad |= (abs(rate[i]) >= 1) | (abs(principal[i]) == np.inf)
            fraction = formula(start[i] if counts else 0, end[i] if counts else 0) / denominator
            out[i] = principal[i] * rate[i] * fraction if counts else np.nan
        return IMPOSSIBLE if bad else 0

    return interest


def measured_fraction_loop(measure: Measure) -> Kernel:
    """Make the loop ``(table, start, end, a, b, c, out) -> flags`` of a measure; see `fraction_loop`."""

    @kernel(
        tables=["int32"],
        reads=["int64", "int64", "int64", "int64", "float64"],
        writes="float64",
        calls=(*_CALLS, measure),
    )
    def fractions(table: Any, start: Any, end: Any, a: Any, b: Any, c: Any, out: Any) -> int:
        bad = unanswered = False
        for i in range(out.size):
            counts = (start[i] >= FIRST_DAY) & (end[i] >= start[i]) & (end[i] <= LAST_DAY)
            bad |= (not counts) & (start[i] != _MISSING) & (end[i] != _MISSING)
            first, last = (start[i], end[i]) if counts else (0, 0)
            numerator, denominator = measure(table, first, last, a[i], b[i], c[i])
            answered = denominator != 0
            unanswered |= counts & (not answered)
            fraction = numerator / (denominator if answered else 1)
            out[i] = fraction if counts & answered else np.nan
        return (IMPOSSIBLE if bad else 0) + (UNANSWERED if unanswered else 0)

    return fractions


def measured_accrual_loop(measure: Measure) -> Kernel:
    """Make the loop ``(table, principal, rate, start, end, a, b, c, out) -> flags`` of a measure."""

    @kernel(
        tables=["int32"],
        reads=["float64", "float64", "int64", "int64", "int64", "int64", "float64"],
        writes="float64",
        calls=(*_CALLS, measure),
    )
    def interest(table: Any, principal: Any, rate: Any, start: Any, end: Any, a: Any, b: Any, c: Any, out: Any) -> int:
        bad = unanswered = False
        for i in range(out.size):
            counts = (start[i] >= FIRST_DAY) & (end[i] >= start[i]) & (end[i] <= LAST_DAY)
            bad |= (not counts) & (start[i] != _MISSING) & (end[i] != _MISSING)
            bad |= (abs(rate[i]) >= 1) | (abs(principal[i]) == np.inf)
            first, last = (start[i], end[i]) if counts else (0, 0)
            numerator, denominator = measure(table, first, last, a[i], b[i], c[i])
            answered = denominator != 0
            unanswered |= counts & (not answered)
            fraction = numerator / (denominator if answered else 1)
            out[i] = principal[i] * rate[i] * fraction if counts & answered else np.nan
        return (IMPOSSIBLE if bad else 0) + (UNANSWERED if unanswered else 0)

    return interest
