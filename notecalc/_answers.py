"""How the command line hands out its answers: tables for people, CSV, JSON and Parquet for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import typer

from notecalc.errors import TermError

if TYPE_CHECKING:
    import pandas as pd

    from notecalc.deal.deal import Deal

__all__ = ["Form", "answer", "memo_summary", "write"]

Form: TypeAlias = Literal["table", "csv", "json", "parquet"]

_SUFFIXES: dict[str, Form] = {"": "table", ".txt": "table", ".csv": "csv", ".json": "json", ".parquet": "parquet"}


def _form_of(output: Path | None) -> Form:
    """What the suffix of a file asks for; a suffix that asks for nothing known is an error."""
    suffix = output.suffix.lower() if output else ""
    if suffix not in _SUFFIXES:
        known = ", ".join(filter(None, _SUFFIXES))
        raise TermError("--output", rule=f"a file ending in {known}, or with --format", got=str(output))
    return _SUFFIXES[suffix]


def answer(
    name: str,
    deal: Deal,
    tables: Mapping[str, pd.DataFrame],
    form: Form | None,
    output: Path | None,
    *,
    beside: Mapping[str, pd.DataFrame] | None = None,
    leads: Sequence[str] = (),
    hidden: Sequence[str] = (),
) -> None:
    """Write tables by title.

    What stands beside them and which columns lead is for people only; hidden columns are for programs only.
    """
    form = form or _form_of(output)
    note = _assumed_note(name, deal)
    if form == "table":
        from notecalc._terminal import table_text

        live = output is None and sys.stdout.isatty()
        drawn = {
            title: table_text(
                table.drop(columns=[*hidden], errors="ignore"), [*filter(table.__contains__, leads)], live=live
            )
            for title, table in tables.items()
        }
        drawn |= {title: table_text(table, live=live) for title, table in (beside or {}).items()}
        parts = [f"{title}\n\n{text}" for title, text in drawn.items()]
        write("\n\n".join([deal.terms.title, *parts, note]), output)
        return
    _write_data(list(tables.values()), form, output)
    typer.echo(f"notecalc: {note}", err=True)


def _write_data(tables: Sequence[pd.DataFrame], form: Form, output: Path | None) -> None:
    from notecalc.deal.frames import recipe_of
    from notecalc.report.export import csv_text, json_value

    if form == "json":
        values = {recipe_of(table)["function"]: json_value(table) for table in tables}
        value = values if len(tables) > 1 else next(iter(values.values()))
        write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False), output)
    elif len(tables) > 1:
        raise TermError("--format", rule="table or json, as there are two tables to write", got=form)
    elif form == "csv":
        write(csv_text(tables[0]).removesuffix("\n"), output)
    elif output is None:
        raise TermError("--format", rule="table, csv or json where no file is named", got=form, hint="Add -o FILE.")
    else:
        tables[0].to_parquet(output)


def write(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")


def _assumed_note(name: str, deal: Deal) -> str:
    from notecalc.deal.assumptions import terms_of

    every = [term for _, term in terms_of(deal.terms)]
    assumed = sum(term.assumed is not None for term in every)
    return f"{assumed} of {len(every)} terms are assumed; see: notecalc assumptions {name}"


def memo_summary(deal: Deal, files: Sequence[Path]) -> str:
    from notecalc.deal.assumptions import terms_of
    from notecalc.deal.text import format_table

    figures = format_table(deal.summary()).iloc[:, 0]
    by_severity = deal.findings()["severity"].value_counts(sort=False)
    facts = {str(name).replace("_", " "): value for name, value in figures.items()}
    counts = [f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in by_severity.items()]
    facts["findings"] = ", ".join(counts) or "none"
    facts["assumptions"] = str(sum(term.assumed is not None for _, term in terms_of(deal.terms)))
    facts["written"] = str(files[0])
    width = max(map(len, facts))
    lines = [f"{name:<{width}}  {value}" for name, value in facts.items()]
    return "\n".join([deal.terms.title, "", *lines, *(" " * (width + 2) + str(file) for file in files[1:])])
