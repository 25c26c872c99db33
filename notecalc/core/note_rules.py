"""What the terms of a note may be: how each is read, and the rules that they keep, alone and among themselves.

Looks at all notes at once and raises nothing of its own: `notes` stops at the first rule that is broken, a tape lists
every cell that breaks one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.core._counting import FIRST_DAY, LAST_DAY
from notecalc.core.arrays import FINITE, RATE, BoolArray, Rule, as_dates, as_numbers, names_of
from notecalc.core.calendars import CONVENTIONS, Calendar, get_calendar
from notecalc.core.daycount import DAY_COUNTS, day_count_name
from notecalc.core.words import read_words
from notecalc.errors import TermError, did_you_mean

__all__ = [
    "DAYS_BETWEEN",
    "FREQUENCIES",
    "GENERATIONS",
    "KINDS",
    "STUBS",
    "BrokenRule",
    "broken_rules",
    "read_term",
    "shown",
]

DAYS_BETWEEN = {13: 28, 26: 14, 52: 7, 365: 1}  # frequencies whose coupons are days apart, not months
FREQUENCIES = (0, 1, 2, 3, 4, 6, 12, *DAYS_BETWEEN)
GENERATIONS = ("backward", "forward")
STUBS = ("short", "long")
EX_DAY_TYPES = ("calendar", "business")

KINDS = {
    "issue_date": "date",
    "maturity": "date",
    "principal": "number",
    "annual_rate": "number",
    "frequency": "number",
    "day_count": "word",
    "first_coupon": "date",
    "last_coupon": "date",
    "generation": "word",
    "stub": "word",
    "end_of_month": "flag",
    "business_day_convention": "word",
    "maturity_convention": "word",
    "calendar": "word",
    "accrual_adjusted": "flag",
    "record_days": "days",
    "ex_days": "days",
    "ex_day_type": "word",
}

_FREQUENCY = Rule(f"coupons per year, one of {names_of(FREQUENCIES)}", lambda x: np.isin(x, FREQUENCIES))
_DAYS = Rule("a whole number of days up to 366, or -1 for none", lambda x: (x >= -1) & (x <= 366) & (x == np.rint(x)))
_NUMBERS = {"principal": FINITE, "annual_rate": RATE, "frequency": _FREQUENCY, "record_days": _DAYS, "ex_days": _DAYS}
_MUST_BE_GIVEN = ("issue_date", "maturity", *_NUMBERS)

Columns = Mapping[str, npt.NDArray[Any]]
Tables = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that some notes break.

    Parameters
    ----------
    name : str
        The term that is wrong.
    rows : bool array, n
        Whose is.
    rule : str
        What it may be.
    beside : tuple of str
        Other terms that the rule looks at.
    hint : callable, optional
        Gives a likely mend of a value, or None.
    """

    name: str
    rows: BoolArray
    rule: str
    beside: tuple[str, ...] = ()
    hint: Callable[[Any], str | None] | None = None


def read_term(name: str, values: Any) -> tuple[npt.NDArray[Any], tuple[Any, ...]]:
    """Read a term, one for all notes or one for each, and for words the table into which they are codes.

    Raises
    ------
    TermError
        A value of another kind, or a word that is not known.

    Examples
    --------
    >>> read_term("stub", ["long", "short"])
    (array([1, 0], dtype=int8), ('short', 'long'))
    """
    kind = KINDS[name]
    if kind == "word":
        return read_words(name, values, *_VOCABULARY[name])
    if kind == "flag":
        return _flags(name, values), ()
    if kind == "date":
        return as_dates(values, name), ()
    numbers = as_numbers(values, name)
    return (np.where(np.isnan(numbers), -1.0, numbers) if kind == "days" else numbers), ()


def broken_rules(columns: Columns, tables: Tables) -> Iterator[BrokenRule]:
    """Give each rule that some note breaks; what is missing breaks none but that it must be given.

    Parameters
    ----------
    columns : mapping of str to array
        Every term as `read_term` gives it, one for each note.
    tables : mapping of str to tuple
        The tables of the words.
    """
    for broken in (*_alone(columns), *_dates(columns), *_words(columns, tables)):
        if broken.rows.any():
            yield broken


def shown(name: str, value: Any, table: tuple[Any, ...]) -> Any:
    """Give a value as a message shows it.

    Examples
    --------
    >>> shown("maturity", np.datetime64("2007-06-18"), ()), shown("frequency", 5.0, ())
    ('2007-06-18', 5)
    """
    if table:
        word = table[value]
        return word.name if isinstance(word, Calendar) else word
    if isinstance(value, np.datetime64):
        return str(value)
    counts = name == "frequency" or KINDS[name] == "days"
    return int(value) if counts and float(value).is_integer() else value.item()


def _alone(columns: Columns) -> Iterator[BrokenRule]:
    for name in _MUST_BE_GIVEN:
        values = columns[name]
        missing = np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)
        yield BrokenRule(name, missing, "given")
        if name in _NUMBERS:
            rule = _NUMBERS[name]
            yield BrokenRule(name, ~(rule.holds(values) | missing), rule.words, hint=rule.hint)


def _dates(columns: Columns) -> Iterator[BrokenRule]:
    issue, maturity = columns["issue_date"], columns["maturity"]
    yield BrokenRule("maturity", maturity <= issue, "after `issue_date`", ("issue_date",))
    for name, dates in (("issue_date", issue), ("maturity", maturity)):
        serials = dates.view(np.int64)
        outside = ((serials < FIRST_DAY) | (serials > LAST_DAY)) & ~np.isnat(dates)
        yield BrokenRule(name, outside, "between 0001-01-01 and 9999-12-31")
    first, last = columns["first_coupon"], columns["last_coupon"]
    for name, dates in (("first_coupon", first), ("last_coupon", last)):
        outside = (dates < issue) | (dates > maturity)
        yield BrokenRule(name, outside, "between `issue_date` and `maturity`", ("issue_date", "maturity"))
        stated = ~np.isnat(dates) & (columns["frequency"] == 0)
        yield BrokenRule(name, stated, "left out where `frequency` is 0", ("frequency",))
    yield BrokenRule("last_coupon", last < first, "on or after `first_coupon`", ("first_coupon",))


def _words(columns: Columns, tables: Tables) -> Iterator[BrokenRule]:
    for word, count in DAY_COUNTS.items():
        if "frequency" in count.needs:
            stuck = (columns["day_count"] == tables["day_count"].index(word)) & (columns["frequency"] == 0)
            yield BrokenRule("frequency", stuck, f"above 0 with day count {word!r}", ("day_count",))
    nowhere = columns["calendar"] == tables["calendar"].index(None)
    needing = {
        "business_day_convention": [word for word in CONVENTIONS if word != "unadjusted"],
        "maturity_convention": [word for word in CONVENTIONS if word != "unadjusted"],
        "day_count": [word for word, count in DAY_COUNTS.items() if "calendar" in count.needs],
    }
    for name, needy in needing.items():
        for word in needy:
            stuck = nowhere & (columns[name] == tables[name].index(word))
            yield BrokenRule("calendar", stuck, f"given with {word!r}", (name,))
    ex, ex_day_type = columns["ex_days"] >= 0, columns["ex_day_type"]
    rule = f"{names_of(EX_DAY_TYPES)} where `ex_days` is given"
    yield BrokenRule("ex_day_type", ex & (ex_day_type == tables["ex_day_type"].index(None)), rule, ("ex_days",))
    stuck = ex & nowhere & (ex_day_type == tables["ex_day_type"].index("business"))
    yield BrokenRule("calendar", stuck, "given with business `ex_days`", ("ex_days", "ex_day_type"))
    for code, calendar in enumerate(tables["calendar"]):
        if calendar is None:
            continue
        here = columns["calendar"] == code
        rule = f"between {calendar.first} and {calendar.last} in calendar {calendar.name!r}"
        yield BrokenRule("issue_date", here & (columns["issue_date"] < calendar.first), rule, ("calendar",))
        yield BrokenRule("maturity", here & (columns["maturity"] > calendar.last), rule, ("calendar",))


def _flags(name: str, values: object) -> npt.NDArray[Any]:
    flags = np.asarray(values)
    if not flags.size or (flags.dtype == object and all(isinstance(flag, bool | np.bool_) for flag in flags.flat)):
        flags = flags.astype(np.bool_)  # as pandas' nullable ones come
    if flags.dtype != np.bool_:
        raise TermError(name, rule="true or false", got=values)
    return flags


def _one_of(name: str, known: tuple[str, ...]) -> Callable[[Any], str]:
    def find(word: Any) -> str:
        plain = str(word).strip().casefold().replace(" ", "-").replace("_", "-")
        if word is None or plain not in known:
            raise TermError(name, rule=names_of(known), got=word, hint=did_you_mean(plain, known))
        return plain

    return find


def _one_or_none(name: str, known: tuple[str, ...]) -> Callable[[Any], str | None]:
    find = _one_of(name, known)
    return lambda word: None if word is None else find(word)


def _calendar(name: Any) -> Calendar | None:
    return None if name is None else get_calendar(name)


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
