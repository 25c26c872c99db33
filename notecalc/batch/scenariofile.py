"""Read a scenario file: what varies, what is computed, and for which deal and market.

Checked like a deal file: everything that is wrong is said at once, and there is a JSON Schema.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import ConfigDict, Field

from notecalc._data import data_directory
from notecalc.batch.axes import Axis, Design, Drawn, Listed
from notecalc.batch.axisfile import AxisTerms, axis_of
from notecalc.batch.case import BLOCK_ROWS, Case
from notecalc.batch.plan import Plan
from notecalc.batch.results import CATALOGUE, Result
from notecalc.batch.results.base import OptionsError
from notecalc.batch.results.tapes import TAPE_CATALOGUE
from notecalc.batch.summaries import MOST_LINES, line_count
from notecalc.batch.taped import ScenarioTape, read_tape_file, tape_of
from notecalc.deal.deal import Deal
from notecalc.deal.dealfile import model_schema, problems_of, read_deal_file, read_toml
from notecalc.deal.marketfile import MarketCase, load_market
from notecalc.deal.sources import Model, Slug, Text
from notecalc.errors import DealFileError, NotecalcError, Problem, TermError, UnknownDealError, did_you_mean
from notecalc.frame import NoteTape

__all__ = ["bundled_scenarios", "load_scenarios", "scenario_schema", "scenarios"]


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]*$")]


class Correlation(Model):
    """How the normal numbers behind two drawn axes go together."""

    axes: tuple[Name, Name]
    value: Annotated[float, Field(gt=-1, lt=1)]


class SampleTerms(Model):
    """How often, and how, the drawn axes are drawn."""

    count: Annotated[int, Field(ge=1, strict=True)]
    design: Design = "random"
    correlations: tuple[Correlation, ...] = ()


Level = Annotated[float, Field(ge=0, le=1)]


class SummaryTerms(Model):
    """What is said of all scenarios together."""

    quantiles: tuple[Level, ...] = Field(default=(), description="Levels from 0 to 1.")
    expected_shortfall: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        default=(), description="Shares of the lowest numbers whose mean is given."
    )
    by: tuple[Text, ...] = Field(
        default=(), description="Listed axes, `note` or columns of a tape, for each of whose values it is said."
    )


class TapeTerms(Model):
    """The tape to whose notes each scenario is applied."""

    file: Text = Field(description="A CSV or Parquet file, its path from this one's folder.")
    note: Text | None = Field(default=None, description="Column that names the notes; their places if left out.")
    columns: dict[Text, Text] = Field(
        default_factory=dict, description="The column of a term or number, where it has another name."
    )


class ScenarioTerms(Model):
    """A whole scenario file."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["deal"]}, {"required": ["tape"]}]})

    schema_version: Literal[1] = Field(alias="schema")
    id: Slug
    title: Text
    deal: Text | None = Field(
        default=None, description="A bundled deal, or the path of a deal file beside this one; or a tape."
    )
    tape: TapeTerms | None = Field(default=None, description="The notes of a tape; or a deal.")
    market: Text | None = Field(default=None, description="A bundled market, or the path of a market file.")
    seed: Annotated[int, Field(strict=True)] = Field(description="Of all that is drawn.")
    block_rows: Annotated[int, Field(ge=1, le=2**24, strict=True)] = Field(
        default=BLOCK_ROWS, description="Scenarios in a block, and so in a file."
    )
    axes: dict[Name, AxisTerms] = Field(default_factory=dict)
    samples: SampleTerms | None = None
    results: dict[Name, dict[str, Any]] = Field(min_length=1, description="What is computed, with its options.")
    summaries: SummaryTerms | None = None


def bundled_scenarios() -> list[str]:
    """Names of the scenario files that come with notecalc.

    Examples
    --------
    >>> bundled_scenarios()
    ['ibasis-2004-dilution', 'ibasis-2004-returns']
    """
    return sorted(path.stem for path in (data_directory() / "scenarios").glob("*.toml"))


def load_scenarios(scenarios: str | Path) -> Case:
    """Load bundled scenarios by name, or a scenario file by path, with the deal and the market that it names.

    Parameters
    ----------
    scenarios : str or path
        Such as ``"ibasis-2004-returns"`` or ``"my/scenarios.toml"``.

    Returns
    -------
    Case
        Ready to run.

    Raises
    ------
    UnknownDealError
        There are no such scenarios, deal or market.
    DealFileError
        A file is wrong; every problem of it at once.

    Examples
    --------
    >>> case = load_scenarios("ibasis-2004-dilution")
    >>> case.title, len(case.plan)
    ('iBasis notes: dilution and headroom by conversion price', 602)
    """
    path, known = Path(scenarios), bundled_scenarios()
    if str(scenarios) in known:
        path = data_directory() / "scenarios" / f"{scenarios}.toml"
    elif not path.is_file():
        hint = did_you_mean(str(scenarios), known) or f"Bundled scenarios: {', '.join(known)}"
        raise UnknownDealError(f"no scenarios or file are called {str(scenarios)!r}. {hint}")
    raw = read_toml(path)
    terms, problems = problems_of(ScenarioTerms, raw, "Write an axis as { values = [...] }")
    if (raw.get("deal") is None) == (raw.get("tape") is None):
        got = "neither" if raw.get("deal") is None else "both"
        problems.append(Problem("deal or tape", "must be given, one of the two", got))
    if terms is None or problems:
        raise DealFileError(path.name, problems)
    market = None if terms.market is None else load_market(_beside(path, terms.market))
    if terms.deal is not None:
        return _case(terms, Deal(*read_deal_file(_beside(path, terms.deal))), market, path.name)
    return _case(terms, _tape_beside(path, terms), market, path.name)


def scenarios(
    deal: Deal | str | Path | pd.DataFrame | NoteTape,
    *,
    results: Iterable[str] | Mapping[str, Mapping[str, Any]],
    axes: Mapping[str, Any],
    seed: int,
    market: MarketCase | str | Path | None = None,
    title: str = "Scenarios",
    **more: Any,
) -> Case:
    """Put a run of scenarios together in Python, as a scenario file does.

    Parameters
    ----------
    deal : Deal, str or path; or DataFrame or its accessor
        Whose terms hold where no axis says otherwise; or a tape, to each of whose notes, called by its index, each
        scenario is applied. ``frame.notecalc.map_columns(...)`` says which column holds what.
    results : names, or mapping of name to options
        What is computed: see `CATALOGUE`, and `TAPE_CATALOGUE` for a tape.
    axes : mapping
        What varies, by the name of the input: an array, or a mapping as in a file, such as
        ``{"draw": "lognormal", "median": 1.5, "deviation": 0.4, "assumed": "the reason"}``.
    seed : int
        Of all that is drawn.
    market : MarketCase, str or path, optional
        Whose data hold, for results that need them.
    title : str
        What the run is called.
    **more
        ``id``, ``samples``, ``summaries`` and ``block_rows``, as in a file.

    Returns
    -------
    Case
        Ready to run; nothing is computed yet.

    Raises
    ------
    DealFileError
        Something is wrong; every problem of it at once.

    Examples
    --------
    >>> import tempfile
    >>> case = scenarios("ibasis-2004", results=["dilution"], axes={"conversion_price": [1.75, 1.85]}, seed=7)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     next(case.run(folder, workers=1).blocks("dilution")).column("shares_issued").to_pylist()
    [16571426.0, 15675670.0]

    Of a tape, a row for each scenario of each note:

    >>> import notecalc as nc
    >>> days = pd.to_datetime(["2004-09-01", "2004-12-01"])
    >>> case = scenarios(nc.example_tape().head(2), results=["accrued"], axes={"on": days}, seed=7)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = next(case.run(folder, workers=1).blocks("accrued")).to_pandas()
    >>> table[["scenario", "note", "on", "accrued_interest"]].round(2)
       scenario    note          on  accrued_interest
    0         0  N00001  2004-09-01          11783.67
    1         1  N00001  2004-12-01          34123.53
    2         0  N00002  2004-09-01        1912622.62
    3         1  N00002  2004-12-01         646714.12
    """
    if isinstance(results, str):
        rule = "must be a list of names, or a mapping of names to options"
        raise DealFileError("scenarios()", [Problem("results", rule, results, f"Write [{results!r}]")])
    whole = _subject(deal)
    case = market if isinstance(market, MarketCase) or market is None else load_market(market)
    raw = {
        "schema": 1,
        "id": "scenarios",
        "title": title,
        **({"deal": whole.terms.id} if isinstance(whole, Deal) else {"tape": {"file": whole.file}}),
        "seed": seed,
        "axes": {name: dict(axis) if isinstance(axis, Mapping) else _values(axis) for name, axis in axes.items()},
        "results": {name: dict(options) for name, options in results.items()}
        if isinstance(results, Mapping)
        else {name: {} for name in results},
        **({} if case is None else {"market": case.terms.id}),
        **more,
    }
    terms, problems = problems_of(ScenarioTerms, raw, "Give an array, or a mapping as in a scenario file", python=True)
    if terms is None:
        raise DealFileError("scenarios()", problems)
    return _case(terms, whole, case, "scenarios()")


def _values(axis: Any) -> dict[str, Any]:
    """Write an array as a file lists its values."""
    values = np.atleast_1d(np.asarray(axis))
    return {"values": (values.astype("datetime64[D]") if values.dtype.kind == "M" else values).tolist()}


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


def _subject(given: Any) -> Deal | ScenarioTape:
    """Read what scenarios are of."""
    if isinstance(given, Deal):
        return given
    accessor = given.notecalc if isinstance(given, pd.DataFrame) else given
    if not isinstance(accessor, NoteTape):
        return Deal(*read_deal_file(given))
    try:
        return tape_of(*accessor.tape)
    except TermError as error:
        raise DealFileError(
            "scenarios()", [Problem(error.name, f"must be {error.rule}", error.got, error.hint)]
        ) from None


def _tape_beside(path: Path, terms: ScenarioTerms) -> ScenarioTape:
    asked = terms.tape
    if asked is None:
        raise TermError("tape", rule="given", got=None)
    try:
        return read_tape_file(path.parent / asked.file, asked.note, asked.columns)
    except TermError as error:
        raise DealFileError(path.name, [Problem(error.name, f"must be {error.rule}", error.got, error.hint)]) from None


def _case(terms: ScenarioTerms, of: Deal | ScenarioTape, market: MarketCase | None, file: str) -> Case:
    """Put a run together, or say all that keeps it from being one."""
    problems: list[Problem] = []
    results = _results(terms, of, market, problems)
    axes = _axes(terms, results, problems)
    drawn = [axis.name for axis in axes if isinstance(axis, Drawn)]
    tape = of if isinstance(of, ScenarioTape) else None
    paths = [name for name in terms.results if tape is None and name in CATALOGUE and CATALOGUE[name].draws_paths]
    problems += _wrong_samples(terms, drawn, paths)
    problems += _repeated_values([axis for axis in axes if isinstance(axis, Listed)])
    groups = [] if tape is None else tape.group_names
    problems += _wrong_summaries(terms, [axis.name for axis in axes if isinstance(axis, Listed)], groups)
    for result in results:
        problems += [problem for problem in result.lacks(terms.axes) if problem not in problems]
    if problems:
        raise DealFileError(file, problems)
    try:
        plan = Plan.of(axes, **_drawing(terms, drawn))
    except TermError as error:
        raise DealFileError(file, [Problem(error.name, f"must be {error.rule}", error.got)]) from None
    given = terms.model_dump(mode="json", by_alias=True, exclude_none=True)
    summaries = None if terms.summaries is None else terms.summaries.model_dump()
    deal, plan = (of, plan) if isinstance(of, Deal) else (None, plan.of_notes(len(of)))
    problems += _long_summary(terms, plan, results, tape)
    if problems:
        raise DealFileError(file, problems)
    case = Case(terms.id, terms.title, deal, tape, market, plan, tuple(results), terms.block_rows, summaries, given)
    try:
        case.check()
    except NotecalcError as error:
        rule = f"can't be computed where nothing varies: {error}"
        raise DealFileError(file, [Problem("results", rule, None)]) from error
    return case


def _results(
    terms: ScenarioTerms, of: Deal | ScenarioTape, market: MarketCase | None, problems: list[Problem]
) -> list[Result]:
    """Give the results that are asked for rightly."""
    results: list[Result] = []
    catalogue: Mapping[str, type[Result]] = CATALOGUE if isinstance(of, Deal) else TAPE_CATALOGUE
    for name, options in terms.results.items():
        kind: Any = catalogue.get(name)
        if kind is None:
            hint = did_you_mean(name, list(catalogue))
            problems.append(Problem(f"results.{name}", f"must be one of {', '.join(catalogue)}", None, hint))
            continue
        wrong = [*_wrong_options(name, options, kind)]
        if kind.needs_market and market is None:
            wrong.append(Problem("market", f"is missing: results.{name} needs it", None))
        problems += wrong
        if not wrong:
            try:
                results.append(kind(of, market, seed=terms.seed, **options))
            except OptionsError as error:
                problems += [
                    Problem(f"results.{each.name}", f"must be {each.rule}", each.got, each.hint)
                    for each in error.errors
                ]
            except TermError as error:
                problems.append(Problem(f"results.{error.name}", f"must be {error.rule}", error.got, error.hint))
    return results


def _axes(terms: ScenarioTerms, results: list[Result], problems: list[Problem]) -> list[Axis]:
    """Give the axes that are right; which inputs there are is known where all results are."""
    axes: list[Axis] = []
    takes = [name for result in results for name in result.takes]
    for name, axis in terms.axes.items():
        kind = next((kind for result in results if (kind := result.kind_of(name)) is not None), None)
        if kind is None and len(results) == len(terms.results):
            rule = f"moves none of the results asked for; they take {', '.join(sorted({*takes})) or 'nothing'}"
            problems.append(Problem(f"axes.{name}", rule, None, _renamed(name, takes) or did_you_mean(name, takes)))
            continue
        needs = [each.idle(terms.axes).get(name, "") for each in results if each.kind_of(name) is not None]
        if all(needs) and len(results) == len(terms.results):
            problems.append(Problem(f"axes.{name}", f"moves nothing without {' or '.join(dict.fromkeys(needs))}", None))
            continue
        try:
            axes.append(axis_of(name, axis, kind))
        except TermError as error:
            problems.append(Problem(f"axes.{name}.{error.name}".rstrip("."), f"must be {error.rule}", error.got))
    return axes


def _renamed(name: str, takes: list[str]) -> str | None:
    """Name what `Deal.dilution` calls otherwise than scenarios, where one axis moves all results."""
    return "Did you mean 'stock_price'?" if name == "share_price" and "stock_price" in takes else None


def _drawing(terms: ScenarioTerms, drawn: list[str]) -> dict[str, Any]:
    if terms.samples is None:
        return {}
    matrix = _matrix(drawn, terms.samples.correlations)
    return {"count": terms.samples.count, "design": terms.samples.design, "seed": terms.seed, "correlation": matrix}


_OPTIONS: dict[type, tuple[Any, str]] = {
    str: (str, "a word"),
    bool: (bool, "true or false"),
    float: (int | float | Decimal, "a number, without quotes"),
    dict: (dict, "a table"),
    list: (list | tuple, "a list"),
}


def _wrong_options(name: str, options: Mapping[str, Any], kind: type[Result]) -> Iterator[Problem]:
    for key, value in options.items():
        allowed = kind.options.get(key)
        if allowed is None:
            rule = f"is no option of {name}: {', '.join(kind.options) or 'it has none'}"
            yield Problem(f"results.{name}.{key}", rule, None, did_you_mean(key, list(kind.options)))
        elif not isinstance(value, _OPTIONS[allowed][0]) or isinstance(value, bool) != (allowed is bool):
            yield Problem(f"results.{name}.{key}", f"must be {_OPTIONS[allowed][1]}", value)


def _wrong_samples(terms: ScenarioTerms, drawn: list[str], paths: list[str]) -> Iterator[Problem]:
    if terms.samples is None:
        if drawn or paths:
            yield Problem("samples", f"is missing: {', '.join(drawn + paths)} must be drawn some number of times", None)
        return
    if not drawn and not paths and not any(axis.draw for axis in terms.axes.values()):
        yield Problem("samples", "must be left out where no axis has `draw` and no result draws paths", None)
    pairs: set[frozenset[str]] = set()
    for place, each in enumerate(terms.samples.correlations):
        where = f"samples.correlations.{place}.axes"
        for name in each.axes:
            if name not in drawn:
                yield Problem(where, "must be two axes that are drawn", name)
        if each.axes[0] == each.axes[1]:
            yield Problem(where, "must be two different axes", each.axes[0])
        elif frozenset(each.axes) in pairs:
            yield Problem(where, "must be a pair that has no correlation yet", list(each.axes))
        pairs.add(frozenset(each.axes))


def _repeated_values(axes: list[Listed]) -> Iterator[Problem]:
    """Say which scenarios would be there twice: their weight in a summary would be nobody's choice."""
    together: dict[str, list[Listed]] = {}
    for axis in axes:
        together.setdefault(f"zip {axis.zip!r}" if axis.zip else f"axes.{axis.name}", []).append(axis)
    for name, group in together.items():
        values = list(zip(*(axis.choices.tolist() for axis in group), strict=False))
        twice = [value for value, count in Counter(values).items() if count > 1]
        if twice:
            got = ", ".join(map(str, twice[0]))
            yield Problem(name, f"must have each {'value' if len(group) == 1 else 'row of values'} once", got)


def _wrong_summaries(terms: ScenarioTerms, listed: list[str], groups: list[str]) -> Iterator[Problem]:
    if terms.summaries is None:
        return
    for name in terms.summaries.by:
        if name not in listed and (name not in groups or name in terms.axes):
            known = [*listed, *groups]
            rule = f"must be axes with values or a range{', `note` or columns' * bool(groups)}: "
            yield Problem("summaries.by", rule + (", ".join(known) or "there is none"), name, did_you_mean(name, known))
    for key in ("quantiles", "expected_shortfall", "by"):
        for each, count in Counter(getattr(terms.summaries, key)).items():
            if count > 1:
                yield Problem(f"summaries.{key}", "must have each entry once", each)


def _long_summary(
    terms: ScenarioTerms, plan: Plan, results: list[Result], tape: ScenarioTape | None
) -> Iterator[Problem]:
    if terms.summaries is None:
        return
    by = terms.summaries.by
    lines = line_count(plan, results, by, None if tape is None else tape.groups())
    if lines > MOST_LINES:
        rule = f"must tell apart so few values that the summary has at most {MOST_LINES:,} lines"
        yield Problem("summaries.by", rule, f"{lines:,} lines by {', '.join(by)}")


def _matrix(drawn: list[str], correlations: tuple[Correlation, ...]) -> npt.NDArray[np.float64] | None:
    if not correlations:
        return None
    matrix = np.eye(len(drawn))
    for each in correlations:
        first, second = (drawn.index(name) for name in each.axes)
        matrix[first, second] = matrix[second, first] = each.value
    return matrix
