"""What a finished run of scenarios says: what was run, on which assumptions, and the summaries of its results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import pandas as pd

from notecalc.deal.frames import labelled
from notecalc.deal.text import format_values
from notecalc.report import plots
from notecalc.report.batches import Batch, BatchResult
from notecalc.report.page import Basis, Cell, Figure, Head, Row, Section, Table
from notecalc.report.paper import NIL, Paper, row_of
from notecalc.report.words import percent_text, title_of

__all__ = ["scenarios_section"]

_Line: TypeAlias = dict[str, Any]

_DESIGNS = {"random": "drawn at random", "latin-hypercube": "by Latin hypercube", "sobol": "by Sobol points"}


def scenarios_section(paper: Paper) -> Section | None:
    """The run, its assumptions, and the summaries of each result; none without a run."""
    batch = paper.batch
    if batch is None:
        return None
    paper.frames["scenarios"] = labelled(batch.summary.copy(), {}, batch.input_hash, "summary", {})
    terms = dict.fromkeys(path for result in batch.results.values() for path in result.terms)
    tables = [_run_table(batch, paper.basis(*terms)), *_varies_table(batch), *_assumed_table(batch)]
    figures: list[Figure] = []
    for name, result in batch.results.items():
        lines = _records(batch.summary[batch.summary["result"] == name])
        tables += _result_tables(batch, name, result, lines)
        figures += _figure(batch, name, result, lines)
    lowest = (
        "A quantile is the number that this part of the scenarios stays below. The mean of a lowest part, the expected "
        "shortfall, is of the low tail of each figure: the bad one of returns and headroom, of shares issued the one "
        "in which the fewest are."
    )
    text = f"{batch.title}. Figures are summaries of all scenarios of the run; those that are missing are counted."
    return Section("scenarios", "Scenarios", (text, lowest), tuple(tables), tuple(figures))


def _run_table(batch: Batch, basis: Basis) -> Table:
    """What was run; all results rest on the same deal, so that what they rest on is said here, once."""
    facts = [("Scenarios", f"{batch.scenarios:,}"), ("Seed", str(batch.seed)), *_samples(batch)]
    facts += [(f"Measure of {title_of(name)}", _measure(result)) for name, result in batch.results.items()]
    facts += [("Hash of the inputs", batch.input_hash), ("Hash of the results", batch.result_hash)]
    facts += [(f"Failed: {name}", f"{count:,}") for name, count in batch.failed.items()]
    rows = tuple(row_of(Cell(name, head=True), Cell(said)) for name, said in facts)
    return Table("scenarios_run", "The run", (Head("What"), Head("Is", long=True)), (rows,), basis=basis)


def _samples(batch: Batch) -> Iterator[tuple[str, str]]:
    """Say how often and how is drawn, as the results that draw most say it."""
    drawn = [result.samples for result in batch.results.values() if result.samples]
    if drawn:
        samples = max(drawn, key=len)
        design = f", {_DESIGNS[samples['design']]}" if "design" in samples else " of paths"
        yield "Samples at each point of the grid", f"{samples['count']:,}{design}"
        for each in samples.get("correlations", ()):
            first, second = (title_of(axis).lower() for axis in each["axes"])
            yield f"Correlation of {first} and {second}", f"{each['value']:g}, of the normal numbers behind them"


def _measure(result: BatchResult) -> str:
    drawn = any(each.drawn for each in result.varies.values())
    if result.measure == "real-world":
        return "under the real-world measure: the drift of the stock is assumed"
    if result.measure == "risk-neutral":
        of_axes = "its distribution is that of the drawn axes" if drawn else "the scenarios have no distribution"
        return f"each value is risk-neutral; {of_axes}"
    return "none but that of the drawn axes" if drawn else "no measure: each scenario is as it is stated"


def _varies_table(batch: Batch) -> Iterator[Table]:
    """What is not the deal's nor the market's in the scenarios, with its source or the reason why it is assumed."""
    varies = {name: each for result in batch.results.values() for name, each in result.varies.items()}
    if varies:
        rows = tuple(
            row_of(Cell(title_of(name), head=True), Cell(each.what), Cell(each.unit or NIL), Cell(each.origin or NIL))
            for name, each in varies.items()
        )
        heads = (Head("Input"), Head("Values or distribution", long=True), Head("Unit"), Head("Origin", long=True))
        yield Table("scenarios_varies", "What varies", heads, (rows,))


def _assumed_table(batch: Batch) -> Iterator[Table]:
    """What is assumed besides the deal's terms, each with its reason; once where results assume the same."""
    found = dict.fromkeys((name, *said) for each in batch.results.values() for name, said in each.assumed.items())
    if found:
        rows = tuple(row_of(Cell(title_of(name), head=True), Cell(value), Cell(why)) for name, value, why in found)
        heads = (Head("Assumption"), Head("Value", "right"), Head("Reason", long=True))
        yield Table("scenarios_assumed", "What the run assumes besides the terms of the deal", heads, (rows,))


def _result_tables(batch: Batch, name: str, result: BatchResult, lines: list[_Line]) -> Iterator[Table]:
    """The first column by holder, where there is a row of all of them; the others for all together; then days."""
    numbers = [column for column, unit in result.units.items() if unit != "date" and not _is_bound(unit)]
    together = [line for line in lines if line.get("holder") == batch.whole]
    if together:
        first, *numbers = numbers
        rows, alike = _by_holder(batch, [line for line in lines if line["column"] == first], result)
        caption, heads = f"{title_of(first)} by holder", _heads(lines, "Holder")
        yield Table(f"scenarios_{name}", caption, heads, rows, wide=True, notes=(*alike, _meaning(first, result)))
    shown, caption = together or lines, f"{title_of(name)}: {batch.whole if together else 'all scenarios'}"
    labels = [] if together else _labels(batch, lines)
    if numbers:
        told = [(_group(batch, line, labels), _row(line, result)) for line in shown if line["column"] in numbers]
        notes = (*(_meaning(column, result) for column in numbers), *_bounds(shown, result))
        heads = _heads(lines, "Figure")
        yield Table(f"scenarios_{name}_all", caption, heads, _bodies(told, len(heads)), wide=True, notes=notes)
    days = [column for column, unit in result.units.items() if unit == "date"]
    if days:
        told = [(_group(batch, line, labels), _day_row(line)) for line in shown if line["column"] in days]
        heads = (Head("Day"), *(Head(text, "right") for text in ("Count", "Missing", "Part of the scenarios")))
        notes = tuple(_meaning(column, result) for column in days)
        yield Table(f"scenarios_{name}_days", f"{caption}, days", heads, _bodies(told, len(heads)), notes=notes)


def _by_holder(
    batch: Batch, lines: list[_Line], result: BatchResult
) -> tuple[tuple[tuple[Row, ...], ...], tuple[str, ...]]:
    """Rows of holders, one for those that have the same figures everywhere as they are written, and who they are."""
    cells = [_cells(line, result) for line in lines]
    figures: dict[str, list[tuple[Cell, ...]]] = {}
    for line, own in zip(lines, cells, strict=True):
        figures.setdefault(line["holder"], []).append(own)
    alike: dict[tuple[Any, ...], list[str]] = {}
    for holder, written in figures.items():
        alike.setdefault((holder == batch.whole, *written), []).append(holder)
    titles = {names[0]: f"{names[0]} and {len(names) - 1} more" if names[1:] else names[0] for names in alike.values()}
    told = [
        (_group(batch, line), row_of(Cell(titles[line["holder"]], head=True), *own))
        for line, own in zip(lines, cells, strict=True)
        if line["holder"] in titles
    ]
    notes = tuple(
        f"{titles[names[0]]}, with the same figures as they are written here: {'; '.join(names)}."
        for names in alike.values()
        if names[1:]
    )
    return _bodies(told, 1 + len(cells[0])), notes


def _meaning(column: str, result: BatchResult) -> str:
    unit = result.units[column]
    told = f"{unit}, rounded to whole ones" if _is_whole(unit) else unit
    words = f"{title_of(column)} [{told}]: {result.meanings[column]}."
    if unit == "1/yr" and result.is_distribution:
        words += " Its mean is over scenarios that end at different times, and no rate at which money grew."
    return words


def _bounds(lines: list[_Line], result: BatchResult) -> Iterator[str]:
    """Of bounds of errors, the largest: what part of the scenarios stays below one says nothing."""
    for column, unit in result.units.items():
        most = [line["most"] for line in lines if line["column"] == column and not pd.isna(line.get("most"))]
        if _is_bound(unit) and most:
            yield f"{title_of(column)} [{unit}]: at most {format_values([max(most)], unit)[0]} in any scenario."


def _is_bound(unit: str) -> bool:
    return unit.endswith("+-")


def _heads(lines: list[_Line], first: str) -> tuple[Head, ...]:
    levels = (Head(_level_words(name), "right") for name in _levels(lines))
    return (Head(first), Head("Count", "right"), Head("Missing", "right"), Head("Mean", "right"), *levels)


def _levels(lines: list[_Line]) -> list[str]:
    """Names of the columns of quantiles and shortfalls."""
    return [name for name in lines[0] if re.fullmatch(r"(q|es)\d[\d.e-]*", name)]


def _level_words(name: str) -> str:
    """Give what ``q0.05`` or ``es0.05`` is."""
    if name.startswith("es"):
        return f"Mean of lowest {percent_text(name[2:])}"
    return f"Quantile {percent_text(name[1:])}"


def _bodies(told: Iterable[tuple[str, Row]], width: int) -> tuple[tuple[Row, ...], ...]:
    """Rows of each group, headed by its name."""
    groups: dict[str, list[Row]] = {}
    for group, row in told:
        groups.setdefault(group, []).append(row)
    heads = {group: [Row((Cell(group, head=True, span=width),), "group")] if group else [] for group in groups}
    return tuple((*heads[group], *rows) for group, rows in groups.items())


def _group(batch: Batch, line: _Line, labels: Sequence[str] = ()) -> str:
    """Say which of a result's rows, and which values of the axes, a line is for; nothing if for all."""
    own = (name for name in batch.by if not pd.isna(line.get(name)))
    return ", ".join([*(line[name] for name in labels), *(f"{title_of(name)} {_plain(line[name])}" for name in own)])


def _plain(value: Any) -> str:
    """Write a value of an axis without a fraction of nought."""
    return f"{value!r}".removesuffix(".0") if isinstance(value, float) else str(value)


def _labels(batch: Batch, lines: list[_Line]) -> list[str]:
    """Names of what tells the rows of a result's scenarios apart, such as its holders."""
    names = list(lines[0])
    before = names[1 : names.index("column")]
    return [name for name in before if name not in batch.by and not pd.isna(lines[0].get(name))]


def _row(line: _Line, result: BatchResult) -> Row:
    return row_of(Cell(title_of(line["column"]), head=True), *_cells(line, result))


def _cells(line: _Line, result: BatchResult) -> tuple[Cell, ...]:
    unit = result.units[line["column"]]
    values = [line[name] for name in ("mean", *_levels([line]))]
    numbers = (text or NIL for text in (_whole(values) if _is_whole(unit) else format_values(values, unit)))
    return tuple(map(Cell, (*_counts(line), *numbers)))


def _day_row(line: _Line) -> Row:
    """How often there is a day at all, such as one of default."""
    share = line["count"] / (line["count"] + line["missing"])
    part = format_values([share], "fraction")[0]
    return row_of(Cell(title_of(line["column"]), head=True), *map(Cell, (*_counts(line), part)))


def _counts(line: _Line) -> Iterator[str]:
    return (f"{line[name]:,}" if line[name] else NIL for name in ("count", "missing"))


def _is_whole(unit: str) -> bool:
    return unit == "shares" or re.fullmatch("[A-Z]{3}", unit) is not None


def _whole(values: list[Any]) -> list[str]:
    """Write without cents and fractions of a share, which the mean of many scenarios does not have."""
    return ["" if pd.isna(value) else f"{value:z,.0f}" for value in values]


def _figure(batch: Batch, name: str, result: BatchResult, lines: list[_Line]) -> Iterator[Figure]:
    """A chart of the first column: of all holders together where axes are told apart, otherwise by holder.

    There is none where quantiles are but those of what was listed, and no distribution.
    """
    levels = [level for level in _levels(lines) if level.startswith("q")]
    if not result.is_distribution or len(levels) < 2:
        return
    column = lines[0]["column"]
    shown = [line for line in lines if line["column"] == column]
    whole = [line for line in shown if line.get("holder") == batch.whole]
    apart = any(_group(batch, line) for line in shown)
    shown = whole if whole and apart else shown
    labels = [] if whole and apart else _labels(batch, lines)
    titles = [_group(batch, line, labels) for line in shown]
    table = pd.DataFrame(shown)[[*sorted(levels, key=_level_of), "mean"]]
    chart = plots.ranges_chart(table, titles, title_of(column), result.units[column])
    what = f"{title_of(column)}{f', {batch.whole}' if whole and apart else ''}: quantiles and the mean"
    drawn = plots.svg(chart, f"scenarios-{name}", "Bars: from the lowest to the highest quantile, and the mean")
    yield Figure(f"scenarios-{name}", what, drawn)


def _level_of(name: str) -> float:
    return float(name[1:])


def _records(lines: pd.DataFrame) -> list[_Line]:
    return [{str(name): value for name, value in line.items()} for line in lines.to_dict("records")]
