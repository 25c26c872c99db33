"""What the notes pay and when, and what each purchaser pays at closing."""

from __future__ import annotations

import pandas as pd

from notecalc.core.exchange import POLICIES
from notecalc.deal.frames import totals
from notecalc.deal.text import format_table
from notecalc.report.page import Cell, Head, Row, Section, Table
from notecalc.report.paper import Paper, figure_texts, frame_table, row_of
from notecalc.report.words import title_of, words_of

__all__ = ["cash_flows_section", "closing_section"]

_RARE = ("premium", "cash_in_lieu", "interest_forfeited", "shares")
_FLOW_DATES = ("accrual_start", "accrual_end", "record_date", "payment_date")


def cash_flows_section(paper: Paper) -> Section:
    """Cash flows of the notes and of each holder."""
    flows = paper.frames["cashflows"] = paper.deal.cashflows()
    money = [name for name in flows.columns if name not in ("period", "kind", *_FLOW_DATES)]
    absent = [name for name in _RARE if not flows[name].any()]
    columns = [name for name in flows.columns if name not in absent]
    sums = totals(flows, [name for name in money if name not in (*absent, "outstanding")])
    absent_words = ", ".join(title_of(name).lower() for name in absent)
    notes = (
        "What the holders receive is positive, what they pay negative.",
        "A payment date is the business day on which the amount is paid; interest is counted by the accrual dates.",
        "The price paid in notes is the par surrendered that pays the price.",
        "Other securities received beside the notes, such as warrants, have no row and no value here.",
        *([f"Columns without an amount in this case ({absent_words}) are in the CSV file only."] if absent else []),
    )
    caption = f"Cash flows of the notes, {paper.currency}"
    table = frame_table("cashflows", caption, flows, columns, total=sums, wide=True, notes=notes)
    holders = _holder_flow_table(paper, flows)
    return Section("cash-flows", "Cash flows", (), (table, holders))


def _holder_flow_table(paper: Paper, flows: pd.DataFrame) -> Table:
    each = paper.frames["cashflows_by_holder"] = paper.deal.cashflows(by="holder")
    rates = paper.frames["irr"] = paper.deal.irr(by="holder")
    texts = figure_texts(each, ["total"])["total"].to_numpy().reshape(len(flows), len(rates))
    shown = format_table(rates)
    rows = [
        row_of(Cell(str(holder), head=True), *map(Cell, texts[:, place]), Cell(shown["irr"].iloc[place]))
        for place, holder in enumerate(rates.index)
    ]
    whole = [*figure_texts(flows, ["total"])["total"], format_table(paper.deal.irr())["irr"].iloc[0]]
    rows.append(Row((Cell("All holders", head=True), *map(Cell, whole)), "total"))
    dates = format_table(flows)["payment_date"]
    heads = (Head("Holder"), *(Head(date, "right") for date in dates), Head("IRR", "right"))
    notes = (
        "IRR is annual effective, Actual/365 Fixed, on the payment dates, with notes surrendered at par beside cash.",
    )
    caption = f"Cash flows of each holder by payment date, {paper.currency}"
    return Table("cashflows_by_holder", caption, heads, (tuple(rows),), wide=True, notes=notes)


def closing_section(paper: Paper) -> Section:
    """What each purchaser pays, and the totals under each reading of an excess."""
    deal = paper.deal
    paid = paper.frames["closing"] = deal.closing()
    columns = list(paid.columns)
    reading = words_of(deal.terms.closing.excess_policy.value)
    caption = f"What each purchaser pays at closing, {paper.currency}"
    default = frame_table("closing", caption, paid, columns, total=totals(paid, columns), wide=True)
    every = deal.closing(policy=list(POLICIES))
    shared = ("principal", "purchase_price")
    sums = totals(every, [name for name in columns if name not in shared], by="policy")
    paper.frames["closing_by_policy"] = sums
    caption = f"Totals of all purchasers under each reading of an excess, {paper.currency}"
    readings = frame_table("closing_by_policy", caption, sums, list(sums.columns), index=words_of, wide=True)
    path = "closing.excess_policy"
    term = deal.terms.closing.excess_policy
    origin = (
        "The papers say so." if term.assumed is None else "This reading is assumed; the table below has the others."
    )
    text = (f"Surrenders above the price are read thus: {reading}. {origin}",)
    del path
    return Section("closing", "Closing", text, (default, readings))
