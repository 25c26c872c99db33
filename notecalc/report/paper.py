"""What the memo's sections write on: the footnotes counted so far, and the parts that they all lay out alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from notecalc.deal.assumptions import terms_of
from notecalc.deal.deal import Deal
from notecalc.deal.marketfile import MarketCase
from notecalc.deal.sources import Source, Term
from notecalc.deal.text import format_table
from notecalc.report.batches import Batch
from notecalc.report.page import Basis, Cell, Footnotes, Head, Reference, Row, Table, anchor
from notecalc.report.tables import alignments
from notecalc.report.words import section_text, term_text, title_of

__all__ = [
    "NIL",
    "Paper",
    "figure_cells",
    "figure_texts",
    "frame_table",
    "group_title",
    "remark",
    "row_of",
    "term_title",
    "value_cell_text",
]

NIL = "\N{EN DASH}"


@dataclass
class Paper:
    """What is written about one deal: the footnotes counted so far, and the raw tables by name."""

    deal: Deal
    market: MarketCase | None = None
    batch: Batch | None = None
    footnotes: Footnotes = field(default_factory=Footnotes)
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        """The deal's currency."""
        return self.deal.terms.currency

    def basis(self, *prefixes: str) -> Basis:
        """Say what figures rest on: every term whose path begins with a prefix, ``*`` standing for any series."""
        patterns = [re.compile(re.escape(prefix).replace(r"\*", r"[^.]+")) for prefix in prefixes]
        used = [
            (path, term) for path, term in terms_of(self.deal.terms) if any(found.match(path) for found in patterns)
        ]
        sources = {str(term.source): term.source for _, term in used if term.source}
        assumed = [(term_title(self, path), anchor("assumed", path)) for path, term in used if term.assumed is not None]
        marks = sorted((self.cite(source) for source in sources.values()), key=lambda mark: mark.number)
        return Basis(tuple(marks), tuple(assumed))

    def cite(self, source: Source) -> Reference:
        """Count a mark that refers to a section of a document."""
        document = self.deal.terms.documents[source.document]
        where = f" (Exhibit {document.exhibit})" if document.exhibit else ""
        when = f" of {document.date}" if document.date else ""
        return self.footnotes.cite(f"{document.title}{when}{where}, {section_text(source.section)}.")

    def cite_text(self, text: str) -> Cell:
        """Make a cell of marks from sources written as text, such as ``npa 2.5; rra Conversion Price``."""
        marks: list[Reference] = []
        assumed: list[str] = []
        for part in filter(None, text.split("; ")):
            key, _, section = part.partition(" ")
            if key in self.deal.terms.documents:
                marks.append(self.cite(Source(document=key, section=section)))
            else:
                assumed.append(section or key)
        return Cell("", references=tuple(marks), assumption=_assumption(assumed))

    def origin(self, *terms: tuple[str, Term[Any]]) -> Cell:
        """Make a cell that says where one or more terms come from: each footnote once, and the first assumption."""
        sources: dict[str, Source] = {str(term.source): term.source for _, term in terms if term.source}
        assumed = [path for path, term in terms if term.assumed is not None]
        marks = tuple(self.cite(source) for source in sources.values())
        return Cell("", references=marks, assumption=_assumption(assumed))


def _assumption(paths: Sequence[str]) -> str:
    """The anchor of the first of some assumed terms; of the section if it isn't said which."""
    if not paths:
        return ""
    return "assumptions" if paths[0] == "assumed" else anchor("assumed", paths[0])


def row_of(*cells: Cell) -> Row:
    """Make a plain row."""
    return Row(cells)


def figure_texts(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Figures as text, nil as a dash."""
    part = frame[list(columns)]
    shown = format_table(part)
    nil = part.apply(lambda column: pd.api.types.is_numeric_dtype(column) & (column == 0))
    return shown.mask(nil.set_axis(shown.index), NIL)


def figure_cells(frame: pd.DataFrame, columns: Sequence[str]) -> list[tuple[Cell, ...]]:
    """Cells of figures, row by row."""
    return [tuple(map(Cell, line)) for line in figure_texts(frame, columns).itertuples(index=False)]


def frame_table(
    key: str,
    caption: str,
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    index: Any = str,
    total: pd.DataFrame | None = None,
    wide: bool = False,
    notes: tuple[str, ...] = (),
    basis: Basis | None = None,
) -> Table:
    """A table of a frame, its named index first, with a last row of totals."""
    sides = alignments(frame[list(columns)])
    heads = [Head(title_of(name), sides[name]) for name in columns]
    lines = [list(line) for line in figure_cells(frame, columns)]
    named = frame.index.name is not None
    if named:
        heads.insert(0, Head(title_of(str(frame.index.name))))
        lines = [[Cell(index(str(label)), head=True), *line] for label, line in zip(frame.index, lines, strict=True)]
    rows = [Row(tuple(line)) for line in lines]
    if total is not None:
        sums = dict(zip(total.columns, figure_cells(total, list(total.columns))[0], strict=True))
        cells = [sums.get(name, Cell("")) for name in columns]
        if named:
            cells.insert(0, Cell("Total", head=True))
        else:
            cells[0] = Cell("Total", head=True)
        rows.append(Row(tuple(cells), "total"))
    return Table(key, caption, tuple(heads), (tuple(rows),), wide=wide, notes=notes, basis=basis)


def group_title(paper: Paper, path: str) -> str:
    """The heading under which a term stands: the title of the table of the deal file that it is in."""
    terms = paper.deal.terms
    top, *rest = path.split(".")
    if top == "series":
        title = str(terms.series[rest[0]].title.value)
        return f"{title}: conversion" if rest[1] == "conversion" else title
    if top == "instruments":
        return str(terms.instruments[rest[0]].title.value)
    if top == "exchanges":
        return title_of(rest[0])
    if top == "time_limits":
        return terms.time_limits[rest[0]].title
    return {"facts": "Other facts"}.get(top, title_of(top))


def term_title(paper: Paper, path: str) -> str:
    """The name of a term in its group."""
    top, *rest = path.split(".")
    if top == "capitalization" and rest[0] == "classes":
        title = paper.deal.terms.capitalization.classes[rest[1]].title
        return title if rest[2] == "shares" else f"{title}: {title_of(rest[2]).lower()}"
    if len(rest) > 1 and rest[-2] == "reset":
        return f"Reset: {title_of(rest[-1]).lower()}"
    listed = re.fullmatch(r"(\w+)s\[(\d+)\]", rest[-2]) if len(rest) > 1 else None
    if listed:
        return f"{title_of(listed[1])} {int(listed[2]) + 1}: {title_of(rest[-1]).lower()}"
    return title_of(rest[-1])


def value_cell_text(paper: Paper, name: str, term: Term[Any]) -> str:
    """Write a term's value; keys of classes of shares by their titles."""
    classes = paper.deal.terms.capitalization.classes
    if isinstance(term.value, tuple):
        return ", ".join(classes[part].title if part in classes else str(part) for part in term.value)
    return term_text(name, term.value, paper.currency)


def remark(term: Term[Any]) -> str:
    """Say how the paper prints a value, where that differs, and whether its source rounds it."""
    parts = [f"printed “{term.printed}”"] if term.printed else []
    return ", ".join([*parts, "rounded in the source"] if term.rounded else parts)
