"""Day-count arithmetic on serial days (days since 1970-01-01), for numpy arrays and for compiled loops alike.

Knows no names and checks nothing but what a compiled loop must. Calendar arithmetic after C. Neri and L. Schneider,
"Euclidean affine functions and their application to calendar algorithms", Software: Practice and Experience (2023).
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
    "accrual_loop",
    "actual_days",
    "actual_isda",
    "fraction_loop",
    "thirty_360",
    "thirty_e_360",
]

# A serial day, a number of days: an int64 array, or one number inside a compiled loop.
Serial: TypeAlias = Any
Formula: TypeAlias = Callable[[Serial, Serial], Serial]

FIRST_DAY = -719_162  # 0001-01-01
LAST_DAY = 2_932_896  # 9999-12-31
_MISSING = np.iinfo(np.int64).min  # NaT

# 32-bit steps let a processor work on eight days at once. Numba widens what it may, so each step says that it is one.
_U32, _I32, _U64 = np.uint32, np.int32, np.uint64


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


def thirty_360(start: Serial, end: Serial) -> Serial:
    """Count 30-day months; the 31st is the 30th, at the end only if the start is on the 30th or 31st."""
    start_month, start_day = month_and_day(start)
    end_month, end_day = month_and_day(end)
    start_day = _I32(start_day - _I32(start_day == 30))
    end_day = _I32(end_day - _I32((end_day == 30) & (start_day == 29)))
    return _I32(_I32(30 * _I32(end_month - start_month)) + _I32(end_day - start_day))


def thirty_e_360(start: Serial, end: Serial) -> Serial:
    """Count 30-day months; the 31st is always the 30th."""
    start_month, start_day = month_and_day(start)
    end_month, end_day = month_and_day(end)
    start_day = _I32(start_day - _I32(start_day == 30))
    end_day = _I32(end_day - _I32(end_day == 30))
    return _I32(_I32(30 * _I32(end_month - start_month)) + _I32(end_day - start_day))


def actual_days(start: Serial, end: Serial) -> Serial:
    """Count days."""
    return _I32(end - start)


def actual_isda(start: Serial, end: Serial) -> Serial:
    """Count days, a 365th of a year each or a 366th in a leap year, in units of a year / (365 * 366)."""
    return _I32(366 * _I32(end - start) - (_leap_year_days(end) - _leap_year_days(start)))


def _leap_year_days(serial: Serial) -> Serial:
    """Days in leap years before a day, since the year 0001."""
    month, _ = month_and_day(serial)
    year = _U32(_U32(month) // _U32(12))
    leap_years, leap_years_before = _leap_years(year), _leap_years(_U32(year - _U32(1)))
    new_year = FIRST_DAY - 365 + 365 * _I32(year) + leap_years_before
    return _I32(366 * leap_years_before + (_I32(serial) - new_year) * (leap_years - leap_years_before))


def _leap_years(year: Serial) -> Serial:
    """Leap years up to and with a year."""
    return _I32(year // _U32(4)) - _I32(year // _U32(100)) + _I32(year // _U32(400))


_CALLS = (_leap_years, _leap_year_days, month_and_day, thirty_360, thirty_e_360, actual_days, actual_isda)


def fraction_loop(formula: Formula, denominator: int) -> Kernel:
    """Make the loop ``(start, end, out) -> bad`` that fills year fractions and tells whether any row is impossible."""

    @kernel(reads=["int64", "int64"], writes="float64", calls=_CALLS)
    def fractions(start: Any, end: Any, out: Any) -> bool:
        bad = False
        for i in range(out.size):
            counts = (start[i] >= FIRST_DAY) & (end[i] >= start[i]) & (end[i] <= LAST_DAY)
            bad |= (not counts) & (start[i] != _MISSING) & (end[i] != _MISSING)
            fraction = formula(start[i] if counts else 0, end[i] if counts else 0) / denominator
            out[i] = fraction if counts else np.nan
        return bad

    return fractions


def accrual_loop(formula: Formula, denominator: int) -> Kernel:
    """Make the loop ``(principal, rate, start, end, out) -> bad``, where ``out`` is interest accrued."""

    @kernel(reads=["float64", "float64", "int64", "int64"], writes="float64", calls=_CALLS)
    def interest(principal: Any, rate: Any, start: Any, end: Any, out: Any) -> bool:
        bad = False
        for i in range(out.size):
            counts = (start[i] >= FIRST_DAY) & (end[i] >= start[i]) & (end[i] <= LAST_DAY)
            bad |= (not counts) & (start[i] != _MISSING) & (end[i] != _MISSING)
            bad |= (abs(rate[i]) >= 1) | (abs(principal[i]) == np.inf)
            fraction = formula(start[i] if counts else 0, end[i] if counts else 0) / denominator
            out[i] = principal[i] * rate[i] * fraction if counts else np.nan
        return bad

    return interest
