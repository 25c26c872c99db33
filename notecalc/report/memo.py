"""The memo of a deal: one self-contained web page, its twin in Markdown, its charts, and one CSV file a table.

Lays out what `sections` says. The same deal gives the same bytes: no date of writing, no names made at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from notecalc.deal.deal import Deal
from notecalc.deal.marketfile import MarketCase
from notecalc.report.batches import Batch
from notecalc.report.export import csv_text
from notecalc.report.page import Footnote, Section, markdown_basis, markdown_table, markdown_text
from notecalc.report.paper import Paper
from notecalc.report.sections import sections_of
from notecalc.versions import __version__

__all__ = ["Memo", "memo_of", "write_memo"]


@dataclass(frozen=True)
class Memo:
    """A memo as text, and the files that go with it.

    Parameters
    ----------
    html, markdown : str
        The page and its twin.
    charts : dict of str
        SVG by file name; the page holds them, the twin links to them.
    tables : dict of str
        CSV by file name.
    """

    html: str
    markdown: str
    charts: dict[str, str]
    tables: dict[str, str]

    def files(self) -> dict[str, str]:
        """Content by file name, the page first."""
        return {"memo.html": self.html, "memo.md": self.markdown, **self.charts, **self.tables}


def memo_of(deal: Deal, *, market: MarketCase | None = None, batch: Batch | None = None) -> Memo:
    """Make the memo of a deal.

    Parameters
    ----------
    deal : Deal
        What it is about.
    market : MarketCase, optional
        What the notes are valued in; without one the memo has no section on their value.
    batch : Batch, optional
        A finished run of scenarios of the deal; without one the memo has no section on it.

    Examples
    --------
    >>> import notecalc as nc
    >>> memo = memo_of(nc.load("ibasis-2004"))
    >>> memo.markdown.splitlines()[0]
    '# iBasis, Inc. 8% Secured Convertible Notes due 2007'
    """
    paper = Paper(deal, market, batch)
    sections = sections_of(paper)
    charts = {f"{figure.key}.svg": f"{figure.svg}\n" for section in sections for figure in section.figures}
    tables = {f"{name}.csv": csv_text(frame) for name, frame in paper.frames.items()}
    return Memo(
        html=_render("memo.html.j2", deal, sections, paper.footnotes.listed()),
        markdown=_render("memo.md.j2", deal, sections, paper.footnotes.listed()),
        charts=charts,
        tables=tables,
    )


def write_memo(
    deal: Deal, folder: str | Path, *, market: MarketCase | None = None, batch: Batch | None = None
) -> list[Path]:
    """Write the memo of a deal into a folder, which is made if it isn't there.

    Parameters
    ----------
    deal : Deal
        What it is about.
    folder : path
        Where; files of the same names are replaced, others are left.
    market : MarketCase, optional
        As for `memo_of`.
    batch : Batch, optional
        As for `memo_of`.

    Returns
    -------
    list of Path
        The files written, the page first.

    Raises
    ------
    OSError
        The folder cannot be made or written to.
    """
    contents = memo_of(deal, market=market, batch=batch).files()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8", newline="\n")
    return [folder / name for name in contents]


def _render(template: str, deal: Deal, sections: Sequence[Section], footnotes: Sequence[Footnote]) -> str:
    return (
        _environment()
        .get_template(template)
        .render(
            deal=deal,
            documents=deal.terms.documents.values(),
            sections=sections,
            footnotes=footnotes,
            version=__version__,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("notecalc.report"),
        autoescape=True,  # in Markdown too, where `markdown` escapes what HTML would read and gives finished text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["markdown"] = lambda text: Markup(markdown_text(str(text)))  # noqa: S704 (it is escaped)
    environment.filters["markdown_table"] = markdown_table
    environment.filters["markdown_basis"] = markdown_basis
    return environment
