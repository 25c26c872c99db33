"""How a scenario file says what one input is: listed values, a range, or a distribution."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from notecalc.batch.axes import Axis, Drawn, Listed
from notecalc.deal.sources import Model, Slug, Text
from notecalc.errors import TermError

__all__ = ["AxisTerms", "axis_of"]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        raise PydanticCustomError("notecalc", "must be a number, without quotes")
    return float(value)


def _number_or_day(value: Any) -> float | dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise PydanticCustomError("notecalc", "must be a number or a date, without quotes")
    return _number(value)


def _value(value: Any) -> float | dt.date | str:
    return value if isinstance(value, str) else _number_or_day(value)


_NUMBER = {"type": "number"}
_DAY = {"type": "string", "format": "date"}
Number = Annotated[float, BeforeValidator(_number), Field(json_schema_extra=_NUMBER)]
NumberOrDay = Annotated[Any, BeforeValidator(_number_or_day), Field(json_schema_extra={"anyOf": [_NUMBER, _DAY]})]
Value = Annotated[Any, BeforeValidator(_value), Field(json_schema_extra={"anyOf": [_NUMBER, {"type": "string"}]})]


class AxisTerms(Model):
    """What an input is in the scenarios: listed values, a range, or a distribution."""

    choices: tuple[Value, ...] | None = Field(
        default=None, alias="values", min_length=1, description="Each value in turn."
    )
    start: NumberOrDay | None = Field(default=None, alias="from", description="First value of a range.")
    end: NumberOrDay | None = Field(default=None, alias="to", description="Last value of a range.")
    by: Number | None = Field(default=None, description="Step of a range of numbers, or of days.")
    every: Literal["day", "week", "month", "quarter", "year"] | None = Field(
        default=None, description="Step of a range of dates."
    )
    steps: Annotated[int, Field(ge=2, strict=True)] | None = Field(default=None, description="How many values.")
    zip: Slug | None = Field(default=None, description="Axes with one such word move together.")
    draw: Literal["uniform", "normal", "lognormal", "exponential"] | None = Field(
        default=None, description="Distribution that samples are drawn from."
    )
    mean: Number | None = None
    median: Number | None = None
    deviation: Number | None = Field(default=None, description="Standard deviation; of the logarithm if lognormal.")
    rate: Number | None = None
    round_to: Number | None = Field(default=None, description="Samples are rounded to multiples of this.")
    source: Text | None = Field(default=None, description="Where the values or the distribution were read.")
    assumed: Text | None = Field(default=None, description="Why they are taken though no source states them.")


_PARAMETERS = {
    "uniform": ("start", "end"),
    "normal": ("mean", "deviation"),
    "lognormal": ("median", "deviation"),
    "exponential": ("rate",),
}
_ORIGINS = ("source", "assumed")
_WORDS = {"choices": "values", "start": "from", "end": "to"}


def axis_of(name: str, terms: AxisTerms, kind: str | None) -> Axis:
    """Make an axis of what a file says; `kind` is that of the input it varies, where that is known."""
    given = {key for key in type(terms).model_fields if getattr(terms, key) is not None}
    if given >= {*_ORIGINS}:
        raise TermError("source or assumed", rule="one of the two: where it was read, or why it is taken", got="both")
    if terms.draw is not None:
        axis = _drawn(name, terms, kind, given - {*_ORIGINS})
        if not given & {*_ORIGINS}:
            rule = "given with draw: where the distribution was read, or why it is taken"
            raise TermError("source or assumed", rule=rule, got=None)
        return axis
    allowed = {"choices", "zip"} if terms.choices is not None else {"start", "end", "by", "every", "steps", "zip"}
    _only(given - {*_ORIGINS}, allowed, "`values`, a range from `from` to `to`, or `draw`")
    values = _range(terms) if terms.choices is None else _listed(terms.choices)
    is_a = {"f": "number", "M": "date", "U": "word"}[values.dtype.kind]
    if kind not in {is_a, None}:
        raise TermError("", rule=f"{kind}s", got=f"{is_a}s")
    return Listed(name, values, terms.zip)


def _drawn(name: str, terms: AxisTerms, kind: str | None, given: set[str]) -> Drawn:
    distribution = str(terms.draw)
    needed = _PARAMETERS[distribution]
    _only(given, {"draw", "round_to", *needed}, f"{distribution} with {_list(needed)}")
    for parameter in needed:
        if parameter not in given:
            raise TermError(_WORDS.get(parameter, parameter), rule=f"given with draw = {distribution!r}", got=None)
        if isinstance(getattr(terms, parameter), dt.date):
            raise TermError(_WORDS.get(parameter, parameter), rule="a number", got=getattr(terms, parameter))
    if kind not in {"number", None}:
        raise TermError("draw", rule=f"left out: {kind}s are listed", got=distribution)
    numbers = [float(getattr(terms, parameter)) for parameter in needed]
    if distribution == "uniform" and numbers[0] >= numbers[1]:
        raise TermError("to", rule="above `from`", got=numbers[1])
    for parameter, number in zip(needed, numbers, strict=True):
        if parameter in {"median", "rate", "deviation"} and number <= 0:
            raise TermError(parameter, rule="above 0", got=number)
    tick = None if terms.round_to is None else float(terms.round_to)
    if tick is not None and tick <= 0:
        raise TermError("round_to", rule="above 0", got=tick)
    return Drawn(name, distribution, numbers[0], numbers[-1], round_to=tick)


def _only(given: set[str], allowed: set[str], rule: str) -> None:
    more = sorted(_WORDS.get(key, key) for key in given - allowed)
    if more:
        raise TermError(more[0], rule=f"left out: an axis is {rule}", got=more)


def _list(names: tuple[str, ...]) -> str:
    return " and ".join(f"`{_WORDS.get(name, name)}`" for name in names)


def _listed(values: tuple[Any, ...]) -> npt.NDArray[Any]:
    kinds = {"date" if isinstance(v, dt.date) else "word" if isinstance(v, str) else "number" for v in values}
    if len(kinds) > 1:
        raise TermError("values", rule="all numbers, all dates or all words", got=[str(value) for value in values])
    kind = kinds.pop()
    if kind == "date":
        return np.array(values, dtype="datetime64[D]")
    return np.array(values, dtype=str) if kind == "word" else np.array([float(value) for value in values])


def _range(terms: AxisTerms) -> npt.NDArray[Any]:
    first, last = terms.start, terms.end
    if first is None or last is None:
        raise TermError("", rule="`values`, a range from `from` to `to`, or `draw`", got=None)
    ways = [key for key in ("by", "every", "steps") if getattr(terms, key) is not None]
    if len(ways) != 1:
        raise TermError("by, every or steps", rule="one of them", got=ways)
    if isinstance(first, dt.date) or isinstance(last, dt.date):
        return _days(terms, first, last)
    low, high = float(first), float(last)
    if low >= high:
        raise TermError("to", rule="above `from`", got=high)
    if terms.steps is not None:
        return np.linspace(low, high, terms.steps)
    if terms.by is None or terms.by <= 0:
        raise TermError("by", rule="a step above 0", got=terms.every or terms.by)
    # In decimals: 1.5 + 35 * 0.01 is 1.85 there, and not in floats.
    start, step = Decimal(repr(low)), Decimal(repr(float(terms.by)))
    count = int((Decimal(repr(high)) - start) / step)
    if start + count * step != Decimal(repr(high)):
        raise TermError("to", rule=f"a whole number of steps of {step} above `from`", got=high)
    return np.array([float(start + k * step) for k in range(count + 1)])


def _days(terms: AxisTerms, first: Any, last: Any) -> npt.NDArray[Any]:
    if not (isinstance(first, dt.date) and isinstance(last, dt.date)):
        raise TermError("to", rule="a date as `from` is, or a number as that is", got=last)
    if first >= last:
        raise TermError("to", rule="after `from`", got=last)
    if terms.every is None:
        raise TermError("every", rule="given for dates: day, week, month, quarter or year", got=None)
    if terms.every in {"day", "week"}:
        return np.arange(np.datetime64(first), np.datetime64(last) + 1, 7 if terms.every == "week" else 1)
    months = {"month": 1, "quarter": 3, "year": 12}[terms.every]
    count = (last.year - first.year) * 12 + last.month - first.month
    days = [pd.Timestamp(first) + pd.DateOffset(months=k) for k in range(0, count + 1, months)]
    return np.array([day for day in days if day <= pd.Timestamp(last)], dtype="datetime64[D]")
