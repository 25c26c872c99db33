"""The table of day count conventions: their names, what they are measured by, and which names mean several.

What they compute is in `_counting`; what a user calls is in `daycount`. After the ISDA 2006 Definitions, section 4.16,
ICMA Rule 251, and the documentation of those who named the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core import _counting as counting
from notecalc.core._counting import Formula, Measure
from notecalc.core._jit import Kernel
from notecalc.core.arrays import names_of
from notecalc.errors import TermError, did_you_mean

__all__ = ["DAY_COUNTS", "DayCount", "DayCounts", "day_count_name", "find_day_count", "read_day_counts"]

# One name, or one for each row.
DayCounts: TypeAlias = "str | list[str] | tuple[str, ...] | npt.NDArray[Any] | pd.Index[Any] | pd.Categorical"


@dataclass(frozen=True, slots=True)
class DayCount:
    """A day count convention; made by `fixed` or `measured`.

    Parameters
    ----------
    name : str
        Its canonical name.
    aliases : tuple of str
        Other names, without the short forms of ``actual``.
    denominator : int or None
        How many of what it counts make a year: 0 if that differs from row to row, None if it is the frequency times
        the days of a coupon period.
    formula, measure : callable
        What it counts: one of the two.
    days : callable or None
        The days that it counts; None if they are the numerator of its measure.
    needs : tuple of str
        Arguments that it needs besides the dates.
    fractions, interest : Kernel
        Compiled loops of the same.
    """

    name: str
    aliases: tuple[str, ...]
    denominator: int | None
    formula: Formula | None
    measure: Measure | None
    days: Formula | None
    needs: tuple[str, ...]
    fractions: Kernel
    interest: Kernel

    @classmethod
    def fixed(cls, name: str, *aliases: str, counts: Formula, year: int, days: Formula) -> DayCount:
        """Make a convention whose year is always as long."""
        loops = counting.fraction_loop(counts, year), counting.accrual_loop(counts, year)
        return cls(name, aliases, year, counts, None, days, (), *loops)

    @classmethod
    def measured(
        cls,
        name: str,
        *aliases: str,
        measure: Measure,
        year: int | None = 0,
        days: Formula | None = counting.actual_days,
        needs: tuple[str, ...] = (),
    ) -> DayCount:
        """Make a convention whose year may differ from row to row."""
        loops = counting.measured_fraction_loop(measure), counting.measured_accrual_loop(measure)
        return cls(name, aliases, year, None, measure, days, needs, *loops)


def find_day_count(name: str) -> DayCount:
    """Find a day count convention by its name or an alias.

    Raises
    ------
    TermError
        An unknown name, or one that could mean several conventions.

    Examples
    --------
    >>> find_day_count("30E/360").denominator
    360
    """
    return _find(name, None)


def day_count_name(name: str) -> str:
    """Give the canonical name of a day count convention.

    Raises
    ------
    TermError
        An unknown name, or one that could mean several conventions.

    Examples
    --------
    >>> day_count_name("ACT/365F")
    'actual/365 fixed'
    """
    return find_day_count(name).name


def read_day_counts(day_count: Any) -> tuple[tuple[DayCount, ...], Any]:
    """Read one name, or one for each row.

    Parameters
    ----------
    day_count : str, or array-like, Series or Categorical of str
        Names or aliases.

    Returns
    -------
    conventions : tuple of DayCount
        Those named, each once.
    codes : None, Series or array of float
        Which of them each row has, NaN where the name is missing; None if there is one for all.

    Raises
    ------
    TermError
        A name that is unknown or could mean several conventions, with the first row that has it.

    Examples
    --------
    >>> conventions, codes = read_day_counts(["30/360", "ACT/360", "Bond Basis"])
    >>> [count.name for count in conventions], codes
    (['30/360', 'actual/360'], array([0., 1., 0.]))
    """
    if isinstance(day_count, str) or np.ndim(day_count) == 0:
        return (find_day_count(day_count),), None
    shape = np.shape(day_count)
    flat = day_count.reshape(-1) if isinstance(day_count, np.ndarray) else day_count
    if isinstance(flat, list | tuple):
        flat = np.array(flat, dtype=object).reshape(-1)
    numbers, names = pd.factorize(flat)
    used: dict[str, tuple[int, DayCount]] = {}
    code_of = np.full(len(names) + 1, np.nan)  # the last is what factorize calls -1: missing
    for number, name in enumerate(names):
        count = _find(name, lambda number=number: int(np.argmax(numbers == number)) if numbers.size > 1 else None)
        code_of[number] = used.setdefault(count.name, (len(used), count))[0]
    codes = code_of[numbers]
    conventions = tuple(count for _, count in used.values())
    if isinstance(day_count, pd.Series):
        return conventions, pd.Series(codes, index=day_count.index, name=day_count.name)
    return conventions, codes.reshape(shape)


def _find(name: Any, row: Any) -> DayCount:
    key = _key(str(name))
    found = _BY_KEY.get(key)
    if found is None:
        several = _AMBIGUOUS.get(key)
        if several is not None:
            hint: str | None = f"It could mean {several}: name the one you mean"
        else:
            hint = did_you_mean(str(name).lower(), DAY_COUNTS)
        raise TermError("day_count", rule=names_of(DAY_COUNTS), got=name, row=row and row(), hint=hint)
    return found


def _key(name: str) -> str:
    letters = "".join(letter for letter in name.casefold() if letter.isalnum() or letter == "+")
    return letters.replace("actual", "act").replace("thirty", "30").replace("eplus", "e+").replace("excel", "")


_PERIOD = ("period_start", "period_end", "frequency")

_ALL = (
    DayCount.fixed(
        "30/360",
        *("360/360", "bond basis", "30/360 bond basis", "30a/360", "30/360 bond"),
        *("30u/360 no eom", "30u/360 without eom", "30u/360 not eom"),
        counts=counting.thirty_360,
        year=360,
        days=counting.thirty_360,
    ),
    DayCount.fixed(
        "30u/360 eom",
        *("30u/360 with eom", "30us/360", "30/360 us", "us 30/360", "30/360 usa", "30/360 us eom", "30/360 eom"),
        *("basis 0", "nasd 30u/360"),
        counts=counting.thirty_u_360,
        year=360,
        days=counting.thirty_u_360,
    ),
    DayCount.fixed(
        "30e/360",
        *("eurobond basis", "30e/360 icma", "30e/360 isma", "30e/360 eurobond basis", "30/360 eurobond basis"),
        *(
            "30/360 eurobond",
            "30/360 european",
            "european 30/360",
            "30s/360",
            "30/360 icma",
            "special german",
            "basis 4",
        ),
        counts=counting.thirty_e_360,
        year=360,
        days=counting.thirty_e_360,
    ),
    DayCount.measured(
        "30e/360 isda",
        *("30/360 german", "german 30/360", "german", "eurobond basis isda 2000", "30e/360 german"),
        measure=counting.thirty_e_360_isda,
        days=None,
        needs=("maturity",),
    ),
    DayCount.fixed(
        "30e+/360",
        *("30e+/360 isda", "30 e+/360"),
        counts=counting.thirty_e_plus_360,
        year=360,
        days=counting.thirty_e_plus_360,
    ),
    DayCount.fixed(
        "30/360 psa",
        *("psa 30/360", "30/360 bma", "bma 30/360", "30/360 sifma"),
        counts=counting.thirty_360_psa,
        year=360,
        days=counting.thirty_360_psa,
    ),
    DayCount.fixed("30e/365", "30/365", counts=counting.thirty_e_365, year=365, days=counting.thirty_e_365),
    DayCount.fixed(
        "actual/360",
        *("a/360", "money market", "french", "basis 2"),
        counts=counting.actual_days,
        year=360,
        days=counting.actual_days,
    ),
    DayCount.fixed("actual/364", "a/364", counts=counting.actual_days, year=364, days=counting.actual_days),
    DayCount.fixed(
        "actual/365 fixed",
        *("actual/365f", "a/365f", "a/365 fixed", "english", "basis 3"),
        counts=counting.actual_days,
        year=365,
        days=counting.actual_days,
    ),
    DayCount.measured("actual/365 actual", "actual/365a", "a/365 actual", "a/365a", measure=counting.actual_365_actual),
    DayCount.measured(
        "actual/365l",
        *("a/365l", "actual/365 leap", "isma-year"),
        measure=counting.actual_365l,
        needs=("period_end", "frequency"),
    ),
    DayCount.fixed("actual/365.25", "a/365.25", counts=counting.days_in_quarters, year=1461, days=counting.actual_days),
    DayCount.fixed(
        "nl/360",
        "no leap/360",
        "actual/360 no leap",
        counts=counting.no_leap_days,
        year=360,
        days=counting.no_leap_days,
    ),
    DayCount.fixed(
        "nl/365",
        *("no leap/365", "actual/365 no leap", "actual/365 nl", "a/365 nl"),
        counts=counting.no_leap_days,
        year=365,
        days=counting.no_leap_days,
    ),
    DayCount.fixed(
        "actual/actual isda",
        *("a/a isda", "actual/365 isda", "actual/actual historical"),
        counts=counting.actual_isda,
        year=365 * 366,
        days=counting.actual_days,
    ),
    DayCount.measured(
        "actual/actual icma",
        *("actual/actual isma", "actual/actual bond", "isma-99", "a/a icma", "a/a isma", "actual/actual isma-99"),
        *(f"basis 1 {function}" for function in ("price", "yield", "duration", "mduration", "coupdays")),
        *(f"{function} basis 1" for function in ("price", "yield", "duration", "mduration", "coupdays")),
        measure=counting.actual_icma,
        year=None,
        needs=_PERIOD,
    ),
    DayCount.measured("actual/actual year", "a/a year", "actual/actual by year", measure=counting.actual_year),
    DayCount.measured(
        "actual/actual yearfrac",
        *("basis 1 yearfrac", "yearfrac basis 1"),
        measure=counting.actual_excel,
    ),
    DayCount.measured(
        "business/252",
        *("bus/252", "bd/252", "b/252", "business days/252"),
        measure=counting.business_252,
        days=None,
        needs=("calendar",),
    ),
    DayCount.fixed("1/1", "one/one", counts=counting.one, year=1, days=counting.one),
)

DAY_COUNTS: dict[str, DayCount] = {count.name: count for count in _ALL}
_BY_KEY = {_key(alias): count for count in _ALL for alias in (count.name, *count.aliases)}
_ACTUAL = names_of(name for name in DAY_COUNTS if name.startswith("actual/actual"))
_AMBIGUOUS = {
    _key(name): several
    for names, several in (
        (
            ("actual/365", "a/365"),
            "'actual/actual isda' (which ISDA calls Actual/365), 'actual/365 fixed' or 'actual/365 actual'",
        ),
        (("actual/actual", "a/a"), _ACTUAL),
        (("basis 1",), "'basis 1 price' (also 'basis 1 yield': 'actual/actual icma') or 'basis 1 yearfrac'"),
        (("30u/360", "30/360 u"), "'30u/360 eom' or, without the end-of-month rule, '30/360'"),
        (
            ("30/360 nasd", "nasd 30/360", "nasd"),
            "'30u/360 eom' (as in Excel) or, without the end-of-month rule, '30/360'",
        ),
        (("30/360 isda",), "'30/360' (the bond basis) or '30e/360 isda' (with the maturity)"),
        (("nl", "no leap"), "'nl/360' or 'nl/365'"),
    )
    for name in names
}
