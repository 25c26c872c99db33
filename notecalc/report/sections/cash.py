"""What the notes pay and when, and what each purchaser pays at closing."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from notecalc.core.exchange import POLICIES
from notecalc.deal.frames import totals
from notecalc.deal.text import format_table
from notecalc.report.page import Cell, Head, Row, Section, Table
from notecalc.report.paper import Paper, figure_texts, frame_table, row_of
from notecalc.report.words import title_of, words_of

__all__ = ["cash_flows_section", "closing_section"]

_DATES = 8  # columns of dates that fit a page beside the names
_IRR_NOTE = "IRR is annual effective, Actual/365 Fixed, by payment dates, with notes surrendered at par beside cash."
_PRICE = ("series.*.purchase_price", "series.*.denomination")
_NOTE = tuple(
    f"series.*.{name}"
    for name in (
        *("principal", "issue_date", "maturity", "annual_rate", "frequency", "day_count", "business_day_convention"),
        *("accrual_adjusted", "record_days", "payment_rounding", "end_of_month", "generation", "stub"),
        *("first_coupon", "last_coupon"),
    )
)
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
        "Purchase surrendered is the par of the notes given up, an excess that is lost with them.",
        "Other securities received beside the notes, such as warrants, have no row and no value here.",
        *_in_shares(paper),
        *([f"Columns without an amount in this case ({absent_words}) are in the CSV file only."] if absent else []),
    )
    caption = f"Cash flows of the notes, {paper.currency}"
    basis = paper.basis("dates.closing", "business_days.", "purchases", "surrender_rights", "closing.", *_NOTE)
    table = frame_table("cashflows", caption, flows, columns, total=sums, wide=True, notes=notes, basis=basis)
    return Section("cash-flows", "Cash flows", (), (table, *_holder_flow_tables(paper, flows)))


def _in_shares(paper: Paper) -> Iterator[str]:
    for series in paper.deal.terms.series.values():
        if series.redemption_in and series.redemption_in.value == "shares":
            yield "Principal is repaid in shares at maturity: its amount stands here, not what the shares are worth."


def _holder_flow_tables(paper: Paper, flows: pd.DataFrame) -> Iterator[Table]:
    """Each holder's totals by payment date, as many dates to a table as a page is wide, the IRR in the last."""
    each = paper.frames["cashflows_by_holder"] = paper.deal.cashflows(by="holder")
    rates = paper.frames["irr"] = paper.deal.irr(by="holder")
    texts = figure_texts(each, ["total"])["total"].to_numpy().reshape(len(flows), len(rates))
    whole = figure_texts(flows, ["total"])["total"].to_numpy()
    dates = format_table(flows)["payment_date"].to_numpy()
    blocks = range(0, len(flows), _DATES)
    for number, first in enumerate(blocks, start=1):
        here, last = slice(first, first + _DATES), number == len(blocks)
        rows = [
            row_of(Cell(str(holder), head=True), *map(Cell, texts[here, place]))
            for place, holder in enumerate(rates.index)
        ]
        rows.append(Row((Cell("All holders", head=True), *map(Cell, whole[here])), "total"))
        heads = [Head("Holder"), *(Head(date, "right") for date in dates[here])]
        if last:
            shown = [*format_table(rates)["irr"], format_table(paper.deal.irr())["irr"].iloc[0]]
            rows = [Row((*row.cells, Cell(rate)), row.kind) for row, rate in zip(rows, shown, strict=True)]
            heads.append(Head("IRR", "right"))
        part = f", part {number} of {len(blocks)}" if len(blocks) > 1 else ""
        yield Table(
            f"cashflows_by_holder_{number}",
            f"Cash flows of each holder by payment date, {paper.currency}{part}",
            tuple(heads),
            (tuple(rows),),
            wide=True,
            notes=(_IRR_NOTE,) if last else (),
        )


def closing_section(paper: Paper) -> Section:
    """What each purchaser pays, and the totals under each reading of an excess."""
    deal = paper.deal
    paid = paper.frames["closing"] = deal.closing()
    columns = list(paid.columns)
    basis = paper.basis("purchases", "surrender_rights", "closing.", *_PRICE)
    caption = f"What each purchaser pays at closing, {paper.currency}"
    default = frame_table("closing", caption, paid, columns, total=totals(paid, columns), wide=True, basis=basis)
    if not deal.terms.surrender_rights or deal.terms.closing is None:
        return Section("closing", "Closing", ("All is paid in cash.",), (default,))
    every = deal.closing(policy=list(POLICIES))
    shared = ("principal", "purchase_price")
    sums = totals(every, [name for name in columns if name not in shared], by="policy")
    paper.frames["closing_by_policy"] = sums
    caption = f"Totals of all purchasers under each reading of an excess, {paper.currency}"
    readings = frame_table("closing_by_policy", caption, sums, list(sums.columns), index=words_of, wide=True)
    policy = deal.terms.closing.excess_policy
    assumed = "assumed; the second table has the others" if policy.assumed is not None else "the papers' own"
    text = (f"A surrender above the price is read thus: {words_of(policy.value)}. This reading is {assumed}.",)
    return Section("closing", "Closing", text, (default, readings))
