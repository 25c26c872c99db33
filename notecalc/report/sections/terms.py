"""Terms, purchasers, parties, thresholds and periods, each with its source or its assumption."""

from __future__ import annotations

from typing import Any

from notecalc.deal.assumptions import terms_of
from notecalc.deal.sources import Term
from notecalc.deal.text import format_table
from notecalc.report.page import Cell, Head, Row, Section, Table
from notecalc.report.paper import NIL, Paper, group_title, remark, row_of, term_title, value_cell_text
from notecalc.report.words import words_of

__all__ = ["terms_section"]

# Tables of the deal file that have a table of their own in the memo.
_SEPARATE = ("parties", "signatures", "purchases", "surrender_rights", "thresholds", "time_limits")


def terms_section(paper: Paper) -> Section:
    """Terms with their sources, purchasers, parties, thresholds and periods."""
    paper.frames["terms"] = table = paper.deal.term_table()
    for name in _SEPARATE[:-1]:  # as the CSV of its own that a table has; the periods' has their dates, too
        rows = table[table["term"].str.startswith(name)].reset_index(drop=True)
        if len(rows):
            paper.frames[name] = rows
    text = (
        "A number refers to the document and section from which a figure was taken; “assumed” leads to the reason and "
        "to the other readings."
    )
    tables = [_term_table(paper), _purchase_table(paper), _party_table(paper)]
    if paper.deal.terms.thresholds:
        tables.append(_threshold_table(paper))
    if paper.deal.terms.time_limits:
        tables.append(_period_table(paper))
    return Section("terms", "Terms", (text,), tuple(tables))


def _term_table(paper: Paper) -> Table:
    bodies: list[list[Row]] = []
    group = ""
    for path, term in terms_of(paper.deal.terms):
        if path.partition(".")[0].partition("[")[0] in _SEPARATE:
            continue
        found = group_title(paper, path)
        if found != group:
            group = found
            bodies.append([Row((Cell(group, head=True, span=3),), "group")])
        name = path.rpartition(".")[2]
        value = Cell(value_cell_text(paper, name, term), remark=remark(term))
        bodies[-1].append(row_of(Cell(term_title(paper, path), head=True), value, paper.origin((path, term))))
    heads = (Head("Term"), Head("Value"), Head("Source"))
    caption = f"Terms of the notes and of what surrounds them, amounts in {paper.currency}"
    return Table("terms", caption, heads, tuple(map(tuple, bodies)))


def _purchase_table(paper: Paper) -> Table:
    terms = paper.deal.terms
    rights: dict[str, list[tuple[str, Term[Any]]]] = {}
    for place, right in enumerate(terms.surrender_rights):
        rights.setdefault(right.purchaser, []).append((f"surrender_rights[{place}].principal", right.principal))
    rows = []
    for place, purchase in enumerate(terms.purchases):
        own = rights.get(purchase.purchaser, [])
        party = terms.parties[purchase.purchaser]
        figures = [
            (f"purchases[{place}].principal", purchase.principal),
            (f"purchases[{place}].purchase_price", purchase.purchase_price),
        ]
        surrendered = "; ".join(value_cell_text(paper, "principal", term) for _, term in own) or NIL
        rows.append(
            row_of(
                Cell(party.name.value, head=True),
                *(Cell(value_cell_text(paper, "principal", term), remark=remark(term)) for _, term in figures),
                Cell(surrendered),
                paper.origin((f"parties.{purchase.purchaser}.name", party.name), *figures, *own),
            )
        )
    money = (Head(title, "right") for title in ("Principal", "Purchase price", "May surrender"))
    heads = (Head("Purchaser"), *money, Head("Source"))
    return Table("purchases", f"Purchasers, amounts in {paper.currency}", heads, (tuple(rows),))


def _party_table(paper: Paper) -> Table:
    terms = paper.deal.terms
    rows = []
    for key, party in terms.parties.items():
        signed = [
            (f"signatures[{place}].name", signature.name)
            for place, signature in enumerate(terms.signatures)
            if signature.party == key
        ]
        names = [(f"parties.{key}.name", party.name), *((f"parties.{key}.also", name) for name in party.also)]
        also = dict.fromkeys(name.value for _, name in names[1:] if name.value != party.name.value)
        rows.append(
            row_of(
                Cell(party.name.value, head=True, remark=", ".join(f"also printed {name}" for name in also)),
                Cell(", ".join(party.roles)),
                Cell("; ".join(name.value for _, name in signed) or NIL),
                paper.origin(*names, *signed),
            )
        )
    heads = (Head("Name as printed"), Head("Role"), Head("Signs as", long=True), Head("Source"))
    return Table("parties", "Parties and signatures", heads, (tuple(rows),))


def _threshold_table(paper: Paper) -> Table:
    rows = []
    for key, threshold in paper.deal.terms.thresholds.items():
        level = value_cell_text(paper, "fraction", threshold.fraction)
        words = f"{threshold.comparison.replace('-', ' ')} {level} of {threshold.of}"
        path = f"thresholds.{key}.fraction"
        rows.append(row_of(Cell(threshold.title, head=True), Cell(words), paper.origin((path, threshold.fraction))))
    return Table("thresholds", "Thresholds", (Head("Threshold"), Head("Level"), Head("Source")), (tuple(rows),))


def _period_table(paper: Paper) -> Table:
    frame = paper.frames["time_limits"] = paper.deal.time_limits()
    shown = format_table(frame)
    rows = []
    for key, limit in paper.deal.terms.time_limits.items():
        origins: list[tuple[str, Term[Any]]] = [(f"time_limits.{key}.length", limit.length)]
        if limit.calendar:
            origins.append((f"time_limits.{key}.calendar", limit.calendar))
        line = shown.loc[key]
        rows.append(
            row_of(
                Cell(limit.title, head=True),
                Cell(_length_text(limit.length.value, limit.unit)),
                Cell(limit.runs_from.replace("_", " ")),
                Cell(line["date"] or NIL),
                Cell(words_of(str(line["calendar"])) or NIL),
                paper.origin(*origins),
            )
        )
    heads = ("Period", "Length", "Runs from", "Ends on", "Business days by", "Source")
    notes = ("Periods that run from an event have no date of their own.",)
    return Table("time_limits", "Periods", tuple(map(Head, heads)), (tuple(rows),), notes=notes)


def _length_text(length: int, unit: str) -> str:
    """Write a length of time; units are named in the plural."""
    words = unit.replace("-", " ")
    return f"{length} {words.removesuffix('s') if length == 1 else words}"
