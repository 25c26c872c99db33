"""Read a scenario file: what varies, what is computed, and for which deal and market.

Checked like a deal file: everything that is wrong is said at once, and there is a JSON Schema.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from notecalc.deal.deal import Deal
from notecalc.deal.dealfile import model_schema, problems_of, read_deal_file, read_toml
from notecalc.deal.marketfile import MarketCase, load_market
from notecalc.deal.sources import Model, Slug, Text
from notecalc.errors import DealFileError, NotecalcError, Problem, TermError, UnknownDealError, did_you_mean
from notecalc.scenarios.axes import Axis, Design, Drawn, Listed
from notecalc.scenarios.case import BLOCK_ROWS, Case
from notecalc.scenarios.plan import Plan
from notecalc.scenarios.results import CATALOGUE, Result

__all__ = ["load_scenarios", "scenario_schema"]


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
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]*$")]


class AxisTerms(Model):
    """What an input is in the scenarios: listed values, a range, or a distribution."""

    values: tuple[Value, ...] | None = Field(default=None, min_length=1, description="Each value in turn.")
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


class Correlation(Model):
    """How the normal numbers behind two drawn axes go together."""

    axes: tuple[Name, Name]
    value: Annotated[float, Field(gt=-1, lt=1)]


class SampleTerms(Model):
    """How often, and how, the drawn axes are drawn."""

    count: Annotated[int, Field(ge=1, strict=True)]
    design: Design = "random"
    correlations: tuple[Correlation, ...] = ()


class ScenarioTerms(Model):
    """A whole scenario file."""

    schema_version: Literal[1] = Field(alias="schema")
    id: Slug
    title: Text
    deal: Text = Field(description="A bundled deal, or the path of a deal file beside this one.")
    market: Text | None = Field(default=None, description="A bundled market, or the path of a market file.")
    seed: Annotated[int, Field(strict=True)] = Field(description="Of all that is drawn.")
    block_rows: Annotated[int, Field(ge=1, le=2**24, strict=True)] = Field(
        default=BLOCK_ROWS, description="Scenarios in a block, and so in a file."
    )
    axes: dict[Name, AxisTerms] = Field(default_factory=dict)
    samples: SampleTerms | None = None
    results: dict[Name, dict[str, Any]] = Field(min_length=1, description="What is computed, with its options.")


def load_scenarios(file: str | Path) -> Case:
    """Load a scenario file with the deal and the market that it names.

    Parameters
    ----------
    file : str or path
        Of a TOML file.

    Returns
    -------
    Case
        Ready to run.

    Raises
    ------
    UnknownDealError
        There is no such file, deal or market.
    DealFileError
        A file is wrong; every problem of it at once.
    """
    path = Path(file)
    if not path.is_file():
        raise UnknownDealError(f"no scenario file is called {str(file)!r}")
    raw = read_toml(path)
    terms, problems = problems_of(ScenarioTerms, raw, "Write an axis as { values = [...] }")
    if terms is None:
        raise DealFileError(path.name, problems)
    read, file_name = read_deal_file(_beside(path, terms.deal))
    deal = Deal(read, file_name)
    market = None if terms.market is None else load_market(_beside(path, terms.market))
    return _case(terms, deal, market, path.name)


def scenario_schema() -> dict[str, Any]:
    """Give the JSON Schema of a scenario file.

    Examples
    --------
    >>> scenario_schema()["title"]
    'notecalc scenario file'
    """
    return model_schema(ScenarioTerms, "notecalc scenario file")


def _beside(path: Path, name: str) -> str | Path:
    beside = path.parent / name
    return beside if beside.is_file() else name


def _case(terms: ScenarioTerms, deal: Deal, market: MarketCase | None, file: str) -> Case:
    """Put a run together, or say all that keeps it from being one."""
    problems: list[Problem] = []
    results: list[Result] = []
    for name, options in terms.results.items():
        kind = CATALOGUE.get(name)
        if kind is None:
            hint = did_you_mean(name, list(CATALOGUE))
            problems.append(Problem(f"results.{name}", f"must be one of {', '.join(CATALOGUE)}", None, hint))
            continue
        wrong = [*_wrong_options(name, options, kind)]
        if kind.needs_market and market is None:
            wrong.append(Problem("market", f"is missing: results.{name} needs it", None))
        problems += wrong
        if not wrong:
            results.append(kind(deal, market, **options))
    takes = {name: kind for result in results for name, kind in result.takes.items()}
    axes: list[Axis] = []
    for name, axis in terms.axes.items():
        if name not in takes and len(results) == len(terms.results):
            rule = f"moves none of the results asked for; they take {', '.join(sorted(takes)) or 'nothing'}"
            problems.append(Problem(f"axes.{name}", rule, None, did_you_mean(name, list(takes))))
            continue
        try:
            axes.append(_axis(name, axis, takes.get(name)))
        except TermError as error:
            problems.append(Problem(f"axes.{name}.{error.name}".rstrip("."), f"must be {error.rule}", error.got))
    drawn = [axis.name for axis in axes if isinstance(axis, Drawn)]
    problems += _wrong_samples(terms, drawn)
    if problems:
        raise DealFileError(file, problems)
    drawing: dict[str, Any] = {}
    if terms.samples is not None:
        matrix = _matrix(drawn, terms.samples.correlations)
        drawing = {"count": terms.samples.count, "design": terms.samples.design, "correlation": matrix}
        drawing["seed"] = terms.seed
    try:
        plan = Plan.of(axes, **drawing)
    except TermError as error:
        raise DealFileError(file, [Problem(error.name, f"must be {error.rule}", error.got)]) from None
    given = terms.model_dump(mode="json", by_alias=True, exclude_none=True)
    case = Case(terms.id, terms.title, deal, market, plan, tuple(results), terms.block_rows, given)
    try:
        case.check()
    except NotecalcError as error:
        raise DealFileError(
            file, [Problem("results", f"can't be computed where nothing varies: {error}", None)]
        ) from error
    return case


def _wrong_options(name: str, options: Mapping[str, Any], kind: type[Result]) -> Iterator[Problem]:
    for key, value in options.items():
        allowed = kind.options.get(key)
        if allowed is None:
            rule = f"is no option of {name}: {', '.join(kind.options) or 'it has none'}"
            yield Problem(f"results.{name}.{key}", rule, None, did_you_mean(key, list(kind.options)))
        elif not isinstance(value, allowed):
            yield Problem(f"results.{name}.{key}", f"must be a {allowed.__name__}", value)


def _wrong_samples(terms: ScenarioTerms, drawn: list[str]) -> Iterator[Problem]:
    if terms.samples is None:
        if drawn:
            yield Problem("samples", f"is missing: {', '.join(drawn)} must be drawn some number of times", None)
        return
    if not drawn and not any(axis.draw for axis in terms.axes.values()):
        yield Problem("samples", "must be left out where no axis has `draw`", None)
    for place, each in enumerate(terms.samples.correlations):
        for name in each.axes:
            if name not in drawn:
                yield Problem(f"samples.correlations.{place}.axes", "must be two axes that are drawn", name)
        if each.axes[0] == each.axes[1]:
            yield Problem(f"samples.correlations.{place}.axes", "must be two different axes", each.axes[0])


def _matrix(drawn: list[str], correlations: tuple[Correlation, ...]) -> npt.NDArray[np.float64] | None:
    if not correlations:
        return None
    matrix = np.eye(len(drawn))
    for each in correlations:
        first, second = (drawn.index(name) for name in each.axes)
        matrix[first, second] = matrix[second, first] = each.value
    return matrix


# ---- one axis ----

_PARAMETERS = {
    "uniform": ("start", "end"),
    "normal": ("mean", "deviation"),
    "lognormal": ("median", "deviation"),
    "exponential": ("rate",),
}
_WORDS = {"start": "from", "end": "to"}


def _axis(name: str, terms: AxisTerms, kind: str | None) -> Axis:
    """Make an axis of what a file says; `kind` is that of the input it varies, where that is known."""
    given = {key for key in type(terms).model_fields if getattr(terms, key) is not None}
    if terms.draw is not None:
        return _drawn(name, terms, kind, given)
    allowed = {"values", "zip"} if terms.values is not None else {"start", "end", "by", "every", "steps", "zip"}
    _only(given, allowed, "`values`, a range from `from` to `to`, or `draw`")
    values = _range(terms) if terms.values is None else _listed(terms.values)
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
    import pandas as pd

    if terms.every in {"day", "week"}:
        return np.arange(np.datetime64(first), np.datetime64(last) + 1, 7 if terms.every == "week" else 1)
    months = {"month": 1, "quarter": 3, "year": 12}[terms.every]
    count = (last.year - first.year) * 12 + last.month - first.month
    days = [pd.Timestamp(first) + pd.DateOffset(months=k) for k in range(0, count + 1, months)]
    return np.array([day for day in days if day <= pd.Timestamp(last)], dtype="datetime64[D]")
