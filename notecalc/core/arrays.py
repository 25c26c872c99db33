"""The one place where scalars, lists and Series come in and their like go out.

A function's body sees flat, contiguous arrays of one length, ``datetime64[D]`` and ``float64``; what it returns goes
back as the kind that came in: all scalars give a scalar, any Series gives a Series with its index and name, all else
an array of the broadcast shape. NaN and NaT pass through; impossible values raise and name their row.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core._jit import Kernel, kernel
from notecalc.errors import IndexMismatchError, TermError

__all__ = [
    "FINITE",
    "NON_NEGATIVE",
    "POSITIVE",
    "RATE",
    "BoolArray",
    "Date",
    "DateArray",
    "Dates",
    "FloatArray",
    "IntArray",
    "Number",
    "Numbers",
    "Rule",
    "Shape",
    "array_function",
    "as_date",
    "as_dates",
    "as_numbers",
]

Number: TypeAlias = "int | float | Decimal | Fraction | np.number[Any]"
Date: TypeAlias = "str | dt.date | np.datetime64 | pd.Timestamp"
Numbers: TypeAlias = "Number | Sequence[Number] | npt.NDArray[Any] | pd.Index[Any]"
Dates: TypeAlias = "Date | Sequence[Date] | npt.NDArray[Any] | pd.Index[Any]"
FloatArray: TypeAlias = "npt.NDArray[np.float64]"
IntArray: TypeAlias = "npt.NDArray[np.int64]"
DateArray: TypeAlias = "npt.NDArray[np.datetime64]"
BoolArray: TypeAlias = "npt.NDArray[np.bool_]"

F = TypeVar("F", bound=Callable[..., Any])

_DAY = np.dtype("datetime64[D]")
_LARGEST_EXACT = 2**53
_MISSING = np.iinfo(np.int64).min  # NaT


@dataclass(frozen=True, slots=True)
class Rule:
    """What a number may be: its words, its test on an array, and a likely mend for a value that fails."""

    words: str
    holds: Callable[[FloatArray], npt.NDArray[np.bool_]]
    hint: Callable[[float], str | None] = lambda _value: None

    def check(self, name: str, values: FloatArray) -> None:
        """Raise `TermError` at the first value that breaks the rule; NaN never does."""
        good = self.holds(values) | np.isnan(values)
        if not good.all():
            row = int(np.argmin(good))
            got = float(values[row])
            raise TermError(
                name,
                rule=self.words,
                got=got,
                row=row if values.size > 1 else None,
                hint=self.hint(got),
                rows=np.flatnonzero(~good).tolist(),
            )


def _as_decimal_rate(got: float) -> str | None:
    return f"Did you mean {got / 100:g}?" if 1 <= abs(got) < 100 else None


FINITE = Rule("a finite number", np.isfinite)
NON_NEGATIVE = Rule("a number of at least 0", lambda x: np.isfinite(x) & (x >= 0))
POSITIVE = Rule("a number above 0", lambda x: np.isfinite(x) & (x > 0))
RATE = Rule("a decimal between -1 and 1", lambda x: np.abs(x) < 1, _as_decimal_rate)


def array_function(*, dates: Sequence[str] = (), numbers: Mapping[str, Rule | None] | None = None) -> Callable[[F], F]:
    """Let a function of flat arrays take whatever a user has and answer in kind.

    Parameters
    ----------
    dates : sequence of str
        Arguments that are dates; None stays None where it is the default, and is a missing value elsewhere.
    numbers : mapping of str to Rule or None
        Arguments that are numbers and what they may be; None where the body does the test itself.

    Returns
    -------
    decorator
        The body may return an array, or a NamedTuple of arrays, each as long as what it was given.
    """
    rules = dict(numbers or {})

    def decorate(body: F) -> F:
        signature = inspect.signature(body)
        unknown = [name for name in (*dates, *rules) if name not in signature.parameters]
        if unknown:
            raise TypeError(f"{body.__name__} has no argument {unknown[0]!r}")
        optional = {name for name, parameter in signature.parameters.items() if parameter.default is None}

        @functools.wraps(body)
        def public(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = {
                name: value
                for name, value in bound.arguments.items()
                if (name in rules or name in dates) and not (value is None and name in optional)
            }
            frame = Shape.of(given)
            arrays = {name: as_dates(v, name) if name in dates else as_numbers(v, name) for name, v in given.items()}
            for name, rule in rules.items():
                if rule is not None and name in arrays:
                    rule.check(name, cast(FloatArray, arrays[name]).reshape(-1))
            bound.arguments.update(frame.flatten(arrays))
            return frame.rewrap(body(*bound.args, **bound.kwargs))

        return cast(F, public)

    return decorate


@dataclass(slots=True)
class Shape:
    """What came in: the common index if any Series did, whether all were scalars, and the broadcast shape.

    For the few functions that `array_function` does not fit; `of` and `flatten` raise as it does.
    """

    index: pd.Index[Any] | None
    series_name: Any
    scalar: bool
    shape: tuple[int, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Shape:
        """Look at what was given, by argument; two Series whose indexes differ raise."""
        series = {name: value for name, value in given.items() if isinstance(value, pd.Series)}
        index: pd.Index[Any] | None = None
        first = ""
        for name, value in series.items():
            if index is None:
                index, first = value.index, name
            elif not index.equals(value.index):
                raise IndexMismatchError(
                    name,
                    rule=f"a Series with the same index as `{first}`",
                    got=value.index,
                    hint="Use .align() to match by label, or .to_numpy() to match by position",
                )
        names = {value.name for value in series.values()}
        scalar = all(_is_scalar(value) for value in given.values())
        return cls(index, names.pop() if len(names) == 1 else None, scalar)

    def flatten(self, arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Broadcast arrays together and lay them flat, keeping the shape for `rewrap`."""
        shapes = {name: array.shape for name, array in arrays.items()}
        try:
            self.shape = np.broadcast_shapes(*shapes.values())
        except ValueError:
            raise TermError(
                " and ".join(shapes),
                rule="arrays whose shapes broadcast together",
                got=", ".join(str(shape) for shape in shapes.values()),
            ) from None
        if self.index is not None and self.shape != (len(self.index),):
            raise TermError(
                " and ".join(shapes),
                rule=f"as long as the Series given ({len(self.index)} rows)",
                got=", ".join(str(shape) for shape in shapes.values()),
            )
        return {
            name: np.ascontiguousarray(np.broadcast_to(array, self.shape)).reshape(-1) for name, array in arrays.items()
        }

    def rewrap(self, result: Any) -> Any:
        """Give a flat result, or a NamedTuple of them, the kind and shape that came in."""
        if isinstance(result, tuple):
            return type(result)(*(self.rewrap(part) for part in result))
        if not result.flags.writeable:  # the caller's own array, or a view of it
            result = result.copy()
        if self.index is not None:
            return pd.Series(result, index=self.index, name=self.series_name)
        if self.scalar:
            return result[0] if result.dtype.kind == "M" else result[0].item()
        return result.reshape(self.shape)


def as_dates(values: Dates | pd.Series[Any], name: str) -> DateArray:
    """Read dates as ``datetime64[D]``, whatever they came as.

    Raises
    ------
    TermError
        A time of day, a time zone, a number, or a text that is no date or is a date in more than one way.

    Examples
    --------
    >>> as_dates(["2004-06-18", None], "issue_date")
    array(['2004-06-18',        'NaT'], dtype='datetime64[D]')
    """
    raw: Any = values
    if isinstance(raw, _PANDAS):
        if getattr(raw.dtype, "tz", None) is not None or "tz=" in str(raw.dtype):
            raise TermError(name, rule="dates without a time zone", got=str(raw.dtype), hint=_ZONE_HINT)
        # Timestamps come in their own unit, so that no part of a second is lost; Arrow's dates would come as objects.
        raw = raw.astype("datetime64[s]").to_numpy() if str(raw.dtype).startswith(_ARROW_DATES) else raw.to_numpy()
    if isinstance(raw, np.ndarray | np.datetime64) and raw.dtype.kind == "M":
        return _whole_days(_without_mask(raw, name), name)
    array = np.asarray(_without_mask(raw, name), dtype=object)
    flat = [_one_date(value, name, row if array.size > 1 else None) for row, value in enumerate(array.reshape(-1))]
    return np.array(flat, dtype=_DAY).reshape(array.shape)


def as_date(value: Date, name: str) -> np.datetime64:
    """Read one date; like `as_dates`, but an array or a missing date is an error.

    Examples
    --------
    >>> as_date("18 June 2004", "issue_date")
    np.datetime64('2004-06-18')
    """
    array = as_dates(value, name)
    if array.ndim or np.isnat(array):
        raise TermError(name, rule="one date", got=value)
    return cast(np.datetime64, array[()])


def as_numbers(values: Numbers | pd.Series[Any], name: str) -> FloatArray:
    """Read numbers as ``float64``, whatever they came as; a missing value is NaN.

    Raises
    ------
    TermError
        A text, a truth value, a complex number, or an integer beyond 2**53, which a float can't hold exactly.

    Examples
    --------
    >>> as_numbers([1, None, Decimal("2.5")], "principal")
    array([1. , nan, 2.5])
    """
    raw: Any = values
    floats: FloatArray
    if isinstance(raw, _PANDAS):
        kind = getattr(raw.dtype, "kind", "O")
        if isinstance(raw.dtype, np.dtype):
            raw = raw.to_numpy()
        elif kind in "iuf":
            floats = raw.to_numpy(dtype=np.float64, na_value=np.nan)
            if kind == "f" or not (np.abs(floats) >= _LARGEST_EXACT).any():
                return floats
            raw = raw.to_numpy(dtype=object)
    if isinstance(raw, np.ndarray | np.generic):
        array = _without_mask(raw, name)
        if array.dtype.kind == "f":
            return array.astype(np.float64, copy=False)
        if array.dtype.kind in "iu":
            forbid(name, array, (array > _LARGEST_EXACT) | (array < -_LARGEST_EXACT), _EXACT)
            return array.astype(np.float64)
        if array.dtype.kind in "mM":  # as objects, some of these would be integers
            forbid(name, array, np.ones(array.shape, dtype=np.bool_), "a number")
    objects = np.asarray(raw, dtype=object)
    kinds = {type(value) for value in objects.flat}
    if kinds <= {int, float}:  # all at once, unless an integer may have lost a digit
        with contextlib.suppress(OverflowError):
            floats = objects.astype(np.float64)
            if int not in kinds or not (np.abs(floats) >= _LARGEST_EXACT).any():
                return floats
    flat = [_one_number(v, name, row if objects.size > 1 else None) for row, v in enumerate(objects.reshape(-1))]
    return np.array(flat, dtype=np.float64).reshape(objects.shape)


_COMPILE_FROM = 200_000  # dates from which a compiled loop saves more time than numba takes to import


def _division(per_day: int) -> Kernel:
    """Make the loop that divides stamps by those in a day, a constant to be quick, and tells whether all are whole."""

    @kernel(reads=["int64"], writes="int64")
    def whole_days(stamps: Any, days: Any) -> bool:
        whole = True
        for i in range(days.size):
            missing = stamps[i] == _MISSING
            stamp = 0 if missing else stamps[i]
            day = stamp // per_day
            whole &= day * per_day == stamp
            days[i] = _MISSING if missing else day
        return whole

    return whole_days


_DIVISIONS = {f"datetime64[{unit}]": _division(86_400 * 1_000**n) for n, unit in enumerate(("s", "ms", "us", "ns"))}

_ZONE_HINT = "Use .dt.tz_localize(None) after choosing the zone whose dates you mean"


_EXACT = "within 2**53, which floats hold exactly"
_PANDAS: Any = (pd.Series, pd.Index, pd.api.extensions.ExtensionArray)
_ARROW_DATES = ("date32", "date64")


def _is_scalar(value: object) -> bool:
    if isinstance(value, Sequence):
        return isinstance(value, str | bytes)
    return getattr(value, "ndim", 0) == 0


def _without_mask(raw: Any, name: str) -> npt.NDArray[Any]:
    """Give an array, or what may become one; a mask would be lost on the way, and what it hides come to light."""
    if isinstance(raw, np.ma.MaskedArray):
        raise TermError(
            name, rule="an array without a mask", got=type(raw).__name__, hint="Fill it first: .filled(np.nan), say"
        )
    return np.asarray(raw) if isinstance(raw, np.generic) else raw


def _whole_days(raw: npt.NDArray[Any], name: str) -> DateArray:
    if raw.dtype == _DAY:
        return raw
    divide = _DIVISIONS.get(str(raw.dtype))
    if divide is not None and raw.size >= _COMPILE_FROM and raw.flags.c_contiguous:
        days = np.empty(raw.shape, dtype=_DAY)
        if all(divide.spread(raw.reshape(-1).view(np.int64), days.reshape(-1).view(np.int64))):
            return days
    days = raw.astype(_DAY)
    forbid(name, raw, (days != raw) & ~np.isnat(raw), "a date without a time of day")
    return days


def _one_date(value: Any, name: str, row: int | None) -> np.datetime64:
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return np.datetime64("NaT", "D")
    if isinstance(value, str):
        stamp = _read_text(value, name, row)
    elif isinstance(value, np.datetime64):
        return cast(np.datetime64, _whole_days(np.asarray(value), name)[()])
    elif isinstance(value, dt.date):
        stamp = pd.Timestamp(value)
    else:
        raise TermError(name, rule="a date such as 2004-06-18", got=value, row=row)
    if stamp.tzinfo is not None:
        raise TermError(name, rule="a date without a time zone", got=str(value), row=row)
    if stamp != stamp.normalize():
        raise TermError(name, rule="a date without a time of day", got=str(value), row=row)
    return np.datetime64(stamp.date(), "D")


# 06/07/2004 is June or July according to the reader, 4 June has no year, June 2004 no day, and `today` is another day
# tomorrow: only a year of four digits with month and day, in this order, or with a month by name is one date.
_ISO = re.compile(r"(?!0000)\d{4}-\d{2}-\d{2}")
_YEAR_FIRST = re.compile(r"(?!0000)\d{4}([-/. ]?)\d{1,2}\1\d{1,2}(?!\d)")
_MONTH_BY_NAME = re.compile(
    r"(?=.*(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))\D*(\d{1,2}\D+[1-9]\d{3}|[1-9]\d{3}\D+\d{1,2})\D*",
    re.IGNORECASE,
)


def _read_text(value: str, name: str, row: int | None) -> pd.Timestamp:
    try:
        if _ISO.fullmatch(value):  # by far the most, and pandas takes a hundred times as long
            return pd.Timestamp(np.datetime64(value, "s"))
        if _YEAR_FIRST.match(value):
            return pd.to_datetime(value, format="ISO8601")
        if _MONTH_BY_NAME.fullmatch(value):
            return pd.to_datetime(value, format="mixed")
    except (ValueError, OverflowError):
        pass
    raise TermError(name, rule="a date such as 2004-06-18", got=value, row=row)


def _one_number(value: Any, name: str, row: int | None) -> float:
    if value is None or value is pd.NA or value is pd.NaT:
        return float("nan")
    # numpy has durations and complex numbers among its numbers.
    known = isinstance(value, int | float | np.number | Decimal | Fraction)
    if not known or isinstance(value, bool | np.timedelta64 | np.complexfloating):
        raise TermError(name, rule="a number", got=value, row=row)
    if isinstance(value, int | np.integer) and not -_LARGEST_EXACT <= value <= _LARGEST_EXACT:
        raise TermError(name, rule=_EXACT, got=value, row=row)
    try:
        return float(value)
    except (OverflowError, ValueError):  # a fraction beyond any float, or a signalling NaN
        raise TermError(name, rule="a number that a float can hold", got=value, row=row) from None


def forbid(name: str, values: npt.NDArray[Any], bad: npt.NDArray[np.bool_], rule: str, hint: str | None = None) -> None:
    """Raise `TermError` at the first row of `values` that is bad."""
    if bad.any():
        row = int(np.argmax(bad))
        got = str(values.flat[row]) if values.dtype.kind in "mM" else values.flat[row].item()
        raise TermError(
            name,
            rule=rule,
            got=got,
            row=row if values.size > 1 else None,
            hint=hint,
            rows=np.flatnonzero(bad).tolist(),
        )


def names_of(items: Iterable[object]) -> str:
    """Join names for a message: ``'a', 'b' or 'c'``."""
    words = [repr(item) for item in items]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
