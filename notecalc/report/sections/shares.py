"""The cap table, who owns what before and after conversion, and the room under the authorised shares."""

from __future__ import annotations

import pandas as pd

from notecalc.deal.frames import totals
from notecalc.report import plots
from notecalc.report.page import Basis, Cell, Figure, Head, Row, Section, Table, anchor
from notecalc.report.paper import Paper, figure_cells, figure_texts, frame_table, row_of
from notecalc.report.words import term_text, title_of, words_of

__all__ = ["headroom_section", "shares_section"]

_SHARES = (
    *(f"series.*.{name}" for name in ("principal", "conversion.conversion_price", "conversion.share_rounding")),
    *(f"series.*.conversion.{name}" for name in ("multiple", "fractions", "anti_dilution")),
    *("capitalization.classes.", "exchanges.", "instruments.*.conversion_price"),
)


def shares_section(paper: Paper) -> Section:
    """The cap table, and ownership before and after conversion."""
    captable = paper.frames["captable"] = paper.deal.captable()
    dilution = paper.frames["dilution"] = paper.deal.dilution()
    shown = figure_texts(captable, ["shares", "fully_diluted"])
    rows = []
    for place, (key, line) in enumerate(captable.iterrows()):
        figures = (Cell(shown[name].iloc[place]) for name in ("shares", "fully_diluted"))
        cells = (Cell(line["title"], head=True), *figures, Cell(line["basis"]), paper.cite_text(line["source"]))
        rows.append(Row(cells, "total" if line["kind"] == "total" else "plain", anchor("class", str(key))))
    heads = (Head("Class"), Head("Shares", "right"), Head("Part", "right"), Head("Basis"), Head("Source"))
    caption = "Capitalization, fully diluted, with the notes as converted"
    table = Table("captable", caption, heads, (tuple(rows),))
    by_class = totals(dilution, ["ownership_before", "ownership_after"], by="class")
    titles = [_class_title(captable, key) for key in by_class.index]
    chart = plots.svg(
        plots.ownership_chart(by_class, titles), "ownership", "Bars: each class's part before and after conversion"
    )
    figure = Figure("ownership", "Ownership before and after conversion of all notes", chart)
    ownership = _ownership_table(dilution, captable, paper.basis("purchases", *_SHARES))
    return Section("shares", "Capitalization and dilution", (), (table, ownership), (figure,))


def _ownership_table(dilution: pd.DataFrame, captable: pd.DataFrame, basis: Basis) -> Table:
    columns = ["shares_before", "shares_after", "ownership_before", "ownership_after"]
    by_class = totals(dilution, columns, by="class")
    rows = []
    for key, line in zip(by_class.index, figure_cells(by_class, columns), strict=True):
        rows.append(row_of(Cell(_class_title(captable, key), head=True), *line))
        own = dilution.loc[(dilution["class"] == key) & (dilution["holder"] != "")]
        rows += [
            Row((Cell(holder, head=True), *part), "part")
            for holder, part in zip(own["holder"], figure_cells(own, columns), strict=True)
        ]
    rows.append(Row((Cell("Total", head=True), *figure_cells(totals(dilution, columns), columns)[0]), "total"))
    heads = (Head("Class and holder"), *(Head(title_of(name), "right") for name in columns))
    note = (
        "Shares issued are the sum over holders of whole shares on each one's conversion; shares to reserve, in the "
        "table above, are the whole shares that the aggregate needs."
    )
    title = "Ownership before and after conversion of all notes"
    return Table("dilution", title, heads, (tuple(rows),), notes=(note,), basis=basis)


def headroom_section(paper: Paper) -> Section:
    """Room under the authorised shares, by case."""
    room = paper.frames["headroom"] = paper.deal.headroom()
    authorised = paper.deal.terms.capitalization.authorised
    caption = f"Shares against those authorised, by case, and the lowest conversion price that fits, {paper.currency}"
    columns = list(room.columns)
    case_title = words_of if paper.deal.terms.exchanges else lambda _: "As the papers state"
    basis = paper.basis("capitalization.authorised", *_SHARES)
    table = frame_table("headroom", caption, room, columns, index=case_title, wide=True, basis=basis)
    titles = [case_title(str(case)) for case in room.index]
    chart = plots.headroom_chart(room, authorised.value, titles)
    what = (
        "Shares needed in each case against those authorised; at the end of each bar what is left or, negative, lacks"
    )
    figure = Figure("headroom", what, plots.svg(chart, "headroom", "Bars: shares needed and shares authorised"))
    count = term_text("authorised", authorised.value, paper.currency)
    text = (
        f"{count} shares of common stock are authorised.",
        "The lowest price is the lowest at which the conversion fits, exact and rounded up to the cent.",
    )
    return Section("headroom", "Headroom", text, (table,), (figure,))


def _class_title(captable: pd.DataFrame, key: str) -> str:
    return str(captable.loc[key, "title"])
