"""The sections of the memo: which of a deal's tables it shows, in which words, and the source behind each figure.

Every figure is a deal's own, and every total `deal.frames.totals`; nothing is computed here.
"""

from __future__ import annotations

from notecalc.deal.text import format_table
from notecalc.report.page import Cell, Head, Section, Table
from notecalc.report.paper import Paper, row_of
from notecalc.report.sections.cash import cash_flows_section, closing_section
from notecalc.report.sections.open_points import assumptions_section, findings_section
from notecalc.report.sections.scenarios import scenarios_section
from notecalc.report.sections.shares import headroom_section, shares_section
from notecalc.report.sections.terms import terms_section
from notecalc.report.sections.valuation import valuation_section
from notecalc.report.words import title_of

__all__ = ["sections_of"]


def sections_of(paper: Paper) -> list[Section]:
    """All sections in the order in which they are read."""
    makers = (
        _key_figures,
        terms_section,
        cash_flows_section,
        closing_section,
        shares_section,
        headroom_section,
        valuation_section,
        scenarios_section,
        findings_section,
        assumptions_section,
    )
    return [section for make in makers if (section := make(paper)) is not None]


def _key_figures(paper: Paper) -> Section:
    deal = paper.deal
    summary = paper.frames["summary"] = deal.summary().to_frame().T
    yields = deal.irr()
    rows = [
        row_of(Cell(title_of(str(name)), head=True), Cell(text))
        for name, text in zip(summary.columns, format_table(deal.summary())["summary"], strict=True)
    ]
    for name, text in format_table(yields).iloc[0].items():
        if name not in summary.columns:
            rows.append(row_of(Cell(title_of(str(name)), head=True), Cell(text)))
    heads = (Head("Figure"), Head("Value", "right"))
    caption = f"Under the default reading, amounts in {paper.currency}"
    text = (
        "Each figure follows from the terms below under the default reading of the papers. What the papers do not say "
        "is assumed, is named below each table that rests on it, and stands with its alternatives under Assumptions."
    )
    note = (
        "Shares on conversion are whole shares, holder by holder; headroom counts what the aggregate needs, and all "
        "other rights at their own prices."
    )
    table = Table("summary", caption, heads, (tuple(rows),), notes=(note,))
    return Section("key-figures", "Key figures", (text,), (table,))
