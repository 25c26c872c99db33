"""What a finished run of scenarios says: what was run, on which assumptions, and the summaries of its results."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import pandas as pd

from notecalc.deal.frames import labelled
from notecalc.deal.text import format_values
from notecalc.report import plots
from notecalc.report.batches import Batch, BatchResult
from notecalc.report.page import Basis, Cell, Figure, Head, Row, Section, Table
from notecalc.report.paper import NIL, Paper, row_of
from notecalc.report.words import title_of

__all__ = ["scenarios_section"]

_Line: TypeAlias = dict[str, Any]

_MEASURES = {
    "real-world": "under the real-world measure: the drift of the stock is assumed",
    "risk-neutral": "under the risk-neutral measure",
    None: "no measure: each scenario is as it is stated",
}


def scenarios_section(paper: Paper) -> Section | None:
    """The run, its assumptions, and the summaries of each result; none without a run."""
    batch = paper.batch
    if batch is None:
        return None
    paper.frames["scenarios"] = labelled(batch.summary.copy(), {}, batch.input_hash, "summary", {})
    tables = [_run_table(batch), *_assumed_table(batch)]
    figures: list[Figure] = []
    for name, result in batch.results.items():
        lines = _records(batch.summary[batch.summary["result"] == name])
        tables += _result_tables(batch, name, result, lines, paper.basis(*result.terms))
        figures += _figure(batch, name, result, lines)
    text = (
        f"{batch.title}. Figures are summaries of all scenarios of the run; those that are missing are counted.",
        "A quantile is the number that this part of the scenarios stays below, a shortfall the mean of a lowest part.",
    )
    return Section("scenarios", "Scenarios", text, tuple(tables), tuple(figures))


def _run_table(batch: Batch) -> Table:
    facts = [("Scenarios", f"{batch.scenarios:,}"), ("Seed", str(batch.seed))]
    facts += [(f"Measure of {title_of(name)}", _MEASURES[result.measure]) for name, result in batch.results.items()]
    facts += [("Hash of the inputs", batch.input_hash), ("Hash of the results", batch.result_hash)]
    facts += [(f"Failed: {name}", f"{count:,}") for name, count in batch.failed.items()]
    rows = tuple(row_of(Cell(name, head=True), Cell(said)) for name, said in facts)
    return Table("scenarios_run", "The run", (Head("What"), Head("Is", long=True)), (rows,))


def _assumed_table(batch: Batch) -> Iterator[Table]:
    """What is assumed besides the deal's terms, each with its reason; once where results assume the same."""
    found = dict.fromkeys((name, *said) for each in batch.results.values() for name, said in each.assumed.items())
    if found:
        rows = tuple(row_of(Cell(title_of(name), head=True), Cell(value), Cell(why)) for name, value, why in found)
        heads = (Head("Assumption"), Head("Value", "right"), Head("Reason", long=True))
        yield Table("scenarios_assumed", "What the run assumes besides the terms of the deal", heads, (rows,))


def _result_tables(batch: Batch, name: str, result: BatchResult, lines: list[_Line], basis: Basis) -> Iterator[Table]:
    """The first column by holder, where there is a row of all of them; the others for all together."""
    first, *others = dict.fromkeys(line["column"] for line in lines)
    together = [line for line in lines if line.get("holder") == batch.whole]
    if together:
        rows = _bodies(batch, [line for line in lines if line["column"] == first], "holder", result)
        notes = (_meaning(first, result),)
        caption = f"{title_of(first)} by holder"
        yield Table(f"scenarios_{name}", caption, _heads(lines, "Holder"), rows, wide=True, notes=notes, basis=basis)
    shown = others if together else [first, *others]
    rows = _bodies(batch, [line for line in together or lines if line["column"] in shown], "column", result)
    meanings = tuple(_meaning(column, result) for column in shown)
    caption = f"{title_of(name)}: {batch.whole if together else 'all scenarios'}"
    below = None if together else basis  # it stands below the table before
    key, heads = f"scenarios_{name}_all", _heads(lines, "Figure")
    yield Table(key, caption, heads, rows, wide=True, notes=meanings, basis=below)


def _meaning(column: str, result: BatchResult) -> str:
    unit = result.units[column]
    told = f"{unit}, rounded to whole ones" if _is_whole(unit) else unit
    return f"{title_of(column)} [{told}]: {result.meanings[column]}."


def _heads(lines: list[_Line], first: str) -> tuple[Head, ...]:
    levels = (Head(f"{word} {part}", "right") for word, part in map(_level_words, _levels(lines)))
    return (Head(first), Head("Count", "right"), Head("Missing", "right"), Head("Mean", "right"), *levels)


def _levels(lines: list[_Line]) -> list[str]:
    """Names of the columns of quantiles and shortfalls."""
    return [name for name in lines[0] if re.fullmatch(r"(q|es)\d[\d.e-]*", name)]


def _level_words(name: str) -> tuple[str, str]:
    """Give what ``q0.05`` or ``es0.05`` is, and its part."""
    word, level = ("Shortfall", name[2:]) if name.startswith("es") else ("Quantile", name[1:])
    return word, f"{100 * float(level):g}%"


def _bodies(batch: Batch, lines: list[_Line], leads: str, result: BatchResult) -> tuple[tuple[Row, ...], ...]:
    """Rows for each value of the axes that the summary tells apart, headed by it."""
    groups: dict[str, list[Row]] = {}
    for line in lines:
        groups.setdefault(_group(batch, line), []).append(_row(line, leads, result))
    width = 4 + len(_levels(lines))
    heads = {group: [Row((Cell(group, head=True, span=width),), "group")] if group else [] for group in groups}
    return tuple((*heads[group], *rows) for group, rows in groups.items())


def _group(batch: Batch, line: _Line) -> str:
    """Say which values of the axes a row is for; nothing if for all."""
    own = (name for name in batch.by if not pd.isna(line.get(name)))
    return ", ".join(f"{title_of(name)} {line[name]}" for name in own)


def _row(line: _Line, leads: str, result: BatchResult) -> Row:
    title = title_of(line["column"]) if leads == "column" else line[leads]
    unit = result.units[line["column"]]
    values = [line[name] for name in ("mean", *_levels([line]))]
    counts = (f"{line[name]:,}" if line[name] else NIL for name in ("count", "missing"))
    numbers = (text or NIL for text in (_whole(values) if _is_whole(unit) else format_values(values, unit)))
    return row_of(Cell(title, head=True), *map(Cell, counts), *map(Cell, numbers))


def _is_whole(unit: str) -> bool:
    return unit == "shares" or re.fullmatch("[A-Z]{3}", unit) is not None


def _whole(values: list[Any]) -> list[str]:
    """Write without cents and fractions of a share, which the mean of many scenarios does not have."""
    return ["" if pd.isna(value) else f"{value:z,.0f}" for value in values]


def _figure(batch: Batch, name: str, result: BatchResult, lines: list[_Line]) -> Iterator[Figure]:
    """A chart of the first column: of all holders together where axes are told apart, otherwise by holder.

    Without a measure there is none: then quantiles are of what was listed, and no distribution.
    """
    levels = [level for level in _levels(lines) if level.startswith("q")]
    if result.measure is None or len(levels) < 2:
        return
    column = lines[0]["column"]
    shown = [line for line in lines if line["column"] == column]
    whole = [line for line in shown if line.get("holder") == batch.whole]
    apart = any(_group(batch, line) for line in shown)
    shown = whole if whole and apart else shown
    titles = [_group(batch, line) if apart else str(line.get("holder", "")) for line in shown]
    table = pd.DataFrame(shown)[[*sorted(levels, key=_level_of), "mean"]]
    chart = plots.ranges_chart(table, titles, title_of(column), result.units[column])
    what = f"{title_of(column)}{f', {batch.whole}' if whole and apart else ''}: quantiles and the mean"
    drawn = plots.svg(chart, f"scenarios-{name}", "Bars: from the lowest to the highest quantile, and the mean")
    yield Figure(f"scenarios-{name}", what, drawn)


def _level_of(name: str) -> float:
    return float(name[1:])


def _records(lines: pd.DataFrame) -> list[_Line]:
    return [{str(name): value for name, value in line.items()} for line in lines.to_dict("records")]
