"""The memo as data: sections, tables of cells, and footnotes that count themselves; templates only lay it out.

Knows no deal. A cell says where its figure comes from; the register of footnotes gives each source one number and
remembers every place that refers to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup

from notecalc.report.tables import Alignment

__all__ = [
    "Basis",
    "Cell",
    "Figure",
    "Footnote",
    "Footnotes",
    "Head",
    "Reference",
    "Row",
    "Section",
    "Table",
    "anchor",
    "markdown_basis",
    "markdown_table",
    "markdown_text",
]

RowKind = Literal["plain", "group", "total", "part"]

_WIDE = 44  # text longer than this is not padded in Markdown


@dataclass(frozen=True)
class Reference:
    """One mark in the text: the number of its footnote and its own anchor, to which the footnote leads back."""

    number: int
    anchor: str


@dataclass
class Footnote:
    """A place in a document, and the anchors of the marks that refer to it."""

    number: int
    text: str
    anchors: list[str] = field(default_factory=list)


class Footnotes:
    """Footnotes in the order of their first mark."""

    def __init__(self) -> None:
        self._by_text: dict[str, Footnote] = {}

    def cite(self, text: str) -> Reference:
        """Count a mark that refers to a source, as a new footnote unless it has one."""
        note = self._by_text.setdefault(text, Footnote(len(self._by_text) + 1, text))
        place = f"ref-{note.number}-{len(note.anchors) + 1}"
        note.anchors.append(place)
        return Reference(note.number, place)

    def listed(self) -> list[Footnote]:
        """All footnotes by number."""
        return list(self._by_text.values())


@dataclass(frozen=True)
class Cell:
    """One cell: its text, then small print, marks of footnotes, and the anchor of the assumption behind it."""

    text: str
    remark: str = ""
    references: tuple[Reference, ...] = ()
    assumption: str = ""
    head: bool = False
    span: int = 1

    @property
    def number(self) -> str:
        """The text with a true minus sign, for a page."""
        return re.sub(r"^-(?=\d)", "\N{MINUS SIGN}", self.text)

    @property
    def unbroken(self) -> bool:
        """Whether the text is a date or a number, which no line may break."""
        return re.fullmatch(r"[-\d][-\d,./]*%?", self.text) is not None


@dataclass(frozen=True)
class Row:
    """A row; `part` rows belong to the row above, a `group` row heads those below."""

    cells: tuple[Cell, ...]
    kind: RowKind = "plain"
    anchor: str = ""


@dataclass(frozen=True)
class Head:
    """The head of a column and the side on which it is aligned."""

    text: str
    side: Alignment = "left"
    long: bool = False


@dataclass(frozen=True)
class Basis:
    """The terms that computed figures rest on: marks of their sources, and titles and anchors of those assumed."""

    references: tuple[Reference, ...] = ()
    assumed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Table:
    """A table with its caption; its bodies are kept together where a page breaks, if they fit."""

    key: str
    caption: str
    heads: tuple[Head, ...]
    bodies: tuple[tuple[Row, ...], ...]
    wide: bool = False
    notes: tuple[str, ...] = ()
    basis: Basis | None = None

    @property
    def rows(self) -> list[Row]:
        """Rows of all bodies."""
        return [row for body in self.bodies for row in body]


@dataclass(frozen=True)
class Figure:
    """A chart as SVG and what it shows."""

    key: str
    caption: str
    svg: Markup


@dataclass(frozen=True)
class Section:
    """A section: what it says before its tables, the tables, and the charts beside them."""

    key: str
    title: str
    text: tuple[str, ...]
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...] = ()


def anchor(*parts: str) -> str:
    """Give a name that may stand in an address: letters, digits and hyphens.

    Examples
    --------
    >>> anchor("assumed", "series.notes.day_count")
    'assumed-series-notes-day-count'
    """
    return "-".join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts)


def markdown_text(text: str) -> str:
    r"""Escape what Markdown or HTML would read as more than text.

    Examples
    --------
    >>> print(markdown_text("a|b *c* <d> & e_f [g](h) _i_"))
    a\|b \*c\* &lt;d&gt; &amp; e_f \[g\](h) \_i\_
    """
    text = re.sub(r"([\\|*`\[\]~$])", r"\\\1", " ".join(text.split()))
    text = re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\_", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def markdown_table(table: Table) -> Markup:
    """Lay a table out as Markdown, numbers on the right, columns padded so that the source reads well too."""
    sides = [head.side for head in table.heads]
    lines = [[markdown_text(head.text) for head in table.heads]]
    for row in table.rows:
        cells: list[str] = []
        for cell in row.cells:
            text = _markdown_cell(cell)
            bold = text and row.kind in ("group", "total") and cell.remark == ""
            cells += [f"**{text}**" if bold else text, *[""] * (cell.span - 1)]
        lines.append(cells)
    widths = [max(3, *(len(line[k]) for line in lines if len(line[k]) <= _WIDE)) for k in range(len(sides))]
    rule = ["-" * (width - 1) + (":" if side == "right" else "-") for width, side in zip(widths, sides, strict=True)]
    padded = ([_pad(*part) for part in zip(line, widths, sides, strict=True)] for line in (lines[0], rule, *lines[1:]))
    return Markup("\n".join(f"| {' | '.join(line)} |" for line in padded))  # noqa: S704 (every cell is escaped above)


def markdown_basis(basis: Basis) -> Markup:
    """Say what figures rest on: footnotes, then the assumed terms by their titles."""
    marks = "".join(f"[^{reference.number}]" for reference in basis.references)
    assumed = "; ".join(markdown_text(title) for title, _ in basis.assumed)
    words = [f"Rests on{marks}"] if marks else []
    words += [f"[assumed](#assumptions): {assumed}"] if assumed else []
    return Markup("; ".join(words) + ".")  # noqa: S704 (every title is escaped above)


def _markdown_cell(cell: Cell) -> str:
    marks = "".join(f"[^{reference.number}]" for reference in cell.references)
    assumed = "[assumed](#assumptions)" if cell.assumption else ""
    text = markdown_text(cell.text)
    if cell.remark:
        text = f"{text}: {markdown_text(cell.remark)}" if cell.span > 1 else f"{text} ({markdown_text(cell.remark)})"
    return " ".join(part for part in (text, assumed, marks) if part)


def _pad(text: str, width: int, side: Alignment) -> str:
    return text.rjust(width) if side == "right" else text.ljust(width)
