"""What the notes are worth as convertibles in a stated market: value, components, sensitivities, their basis."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from notecalc.core.convertible.terms import Steps
from notecalc.core.curves import Curve
from notecalc.deal.market import datum_text
from notecalc.deal.marketfile import MarketCase
from notecalc.deal.text import format_table, format_values
from notecalc.deal.value_units import value_units
from notecalc.report import plots
from notecalc.report.page import Cell, Figure, Head, Row, Section, Table, anchor
from notecalc.report.paper import NIL, Paper, row_of, term_title
from notecalc.report.tables import Alignment
from notecalc.report.words import title_of, words_of

__all__ = ["valuation_section"]

# Terms from which a value follows.
_TERMS = (
    "dates.closing",
    "business_days.calendar",
    *(f"series.*.{name}" for name in ("principal", "issue_date", "maturity", "annual_rate", "frequency", "day_count")),
    *(f"series.*.{name}" for name in ("business_day_convention", "accrual_adjusted", "calls", "puts", "redemption")),
    *(f"series.*.conversion.{name}" for name in ("conversion_price", "first_date", "last_date", "accrued_interest")),
    *(f"series.*.conversion.{name}" for name in ("steps", "reset")),
    *(f"series.*.{name}" for name in ("make_whole", "recovery_claim")),
)
_GIVEN = frozenset(
    {"on", "stock_price", "volatility", "risk_free", "credit_spread", "hazard_rate", "recovery_rate", "stock_drop"}
    | {"hazard_elasticity", "hazard_reference_price", "dividend_yield", "borrow_cost"}
    | {"clean_price", "reset_probability"}
)
_LONG = 24  # letters of a datum that must break to fit a page, as numbers do not


# Names that mean something else in other sections.
_TITLES = {
    "value": "Value of all notes",
    "credit": "Credit, a basis point",
    "recovery": "Recovery, 0.01",
    "reset": "Chance of the reset, 0.01",
    "reset_probability": "Chance that the conversion price is reset",
    "rho": "Rho, a basis point",
    "theta": "Theta, a day",
    "vega": "Vega, 0.01",
    "error_estimate": "Estimated error",
    "shares_before": "Shares issued",
    "dilution": "Change",
}


def valuation_section(paper: Paper) -> Section | None:
    """The market, the value by each model, over a grid, its sensitivities, and what it rests on; none without one."""
    market = paper.market
    if market is None:
        return None
    tables = [_market_table(paper, market), _value_table(paper, market), _greeks_table(paper, market)]
    figures = []
    if market.terms.grid is not None:
        tables.append(_grid_table(paper, market))
        figures.append(_figure(paper))
    if market.clean_price is not None:
        tables.append(_implied_table(paper, market))
    tables += [_per_share_table(paper, market), _assumption_table(paper, market)]
    text = (
        (
            f"The value of the conversion right depends on a market that the papers do not state. This "
            f"section values the "
            f"notes on {market.on} in the market of {market.file}: {market.terms.title}. What no source "
            f"states there is "
            f"assumed, too, and stands with its alternatives in the last table of this section."
        ),
        (
            f"The model is {words_of(market.model)}; its equation is in the documentation of "
            f"convertible_value. Prices are "
            f"per 100 of principal."
        ),
    )
    return Section("valuation", "Value of the conversion right", text, tuple(tables), tuple(figures))


def _market_table(paper: Paper, market: MarketCase) -> Table:
    units = value_units([*_GIVEN], paper.currency)
    quotes = {name: quote for model in market.models for name, quote in market.market(model).quotes().items()}
    if market.clean_price is not None:
        quotes["clean_price"] = market.clean_price
    paper.frames["market"] = market.market().table()
    rows = []
    for name, quote in quotes.items():
        references = () if quote.source is None else (paper.footnotes.cite(f"{quote.source}."),)
        assumed = "" if quote.assumed is None else anchor("assumed", f"market.{name}")
        others = "; ".join(datum_text(other, units.get(name, "")) for other in quote.alternatives)
        rows.append(
            row_of(
                Cell(_title(name), head=True),
                Cell(datum_text(quote.value, units.get(name, ""))),
                Cell(others or NIL),
                Cell("", references=references, assumption=assumed),
            )
        )
    side: Alignment = "left" if any(len(cell.text) > _LONG for row in rows for cell in row.cells[1:3]) else "right"
    heads = (Head("Datum"), Head("Value", side), Head("Others", side), Head("Source"))
    by_date = any(isinstance(quote.value, Steps | Curve) for quote in quotes.values())
    note = (
        "A number by date is what holds from the date before, and zero rates are continuous, by actual/365 fixed: what "
        "the market file quotes otherwise is converted."
    )
    caption = f"Market on {market.on}, amounts in {paper.currency}"
    return Table("market", caption, heads, (tuple(rows),), notes=(note,) if by_date else ())


def _value_table(paper: Paper, market: MarketCase) -> Table:
    frames = {model: paper.deal.value(**market.arguments(model)) for model in market.models}
    caption = f"Value by model, per 100 of principal, and of all notes in {paper.currency}"
    notes = (
        (
            "The option's value is the dirty price less the bond floor: coupons and principal alone, at the "
            "rate and the "
            "credit given. Parity is what the shares on conversion are worth; the conversion premium is the "
            "clean price "
            "over parity, the investment premium the dirty price over the bond floor."
        ),
    )
    return _by_model(paper, "value", caption, frames, notes=notes)


def _greeks_table(paper: Paper, market: MarketCase) -> Table:
    frames = {model: paper.deal.greeks(**market.arguments(model)) for model in market.models}
    notes = (
        (
            "Points of the dirty price: delta for a unit of stock price, vega and recovery for 0.01, rho "
            "and credit for a "
            "basis point, theta for a calendar day; the hedge ratio is delta over the shares on conversion."
        ),
    )
    return _by_model(paper, "greeks", "Sensitivities by model", frames, notes=notes)


def _by_model(
    paper: Paper, key: str, caption: str, frames: dict[str, pd.DataFrame], *, notes: tuple[str, ...]
) -> Table:
    """A row for each result and a column for each model; a result that the engine learns appears by itself."""
    for model, frame in frames.items():
        paper.frames[f"{key}_{model.replace('-', '_')}"] = frame
    shown = {model: format_table(frame).iloc[0] for model, frame in frames.items()}
    names = [str(name) for name in next(iter(frames.values())).columns if name not in _GIVEN or name == "clean_price"]
    rows = [
        row_of(Cell(_title(name), head=True), *(Cell(line.get(name, "") or NIL) for line in shown.values()))
        for name in names
    ]
    heads = (Head("Figure"), *(Head(words_of(model), "right") for model in shown))
    return Table(key, caption, heads, (tuple(rows),), notes=notes, basis=paper.basis(*_TERMS))


def _grid_table(paper: Paper, market: MarketCase) -> Table:
    grid = market.terms.grid
    assert grid is not None  # noqa: S101 (for the type checker: the caller has looked)
    stocks = [[stock] for stock in grid.stock_price]
    frame = paper.deal.value(**market.arguments(), stock_price=stocks, volatility=list(grid.volatility))
    paper.frames["value_grid"] = frame
    shown = format_table(frame[["stock_price", "volatility", "dirty_price", "parity"]])
    across = len(grid.volatility)
    rows = []
    for first in range(0, len(shown), across):
        part = shown.iloc[first : first + across]
        cells = (Cell(text) for text in [*part["dirty_price"], part["parity"].iloc[0]])
        rows.append(row_of(Cell(part["stock_price"].iloc[0], head=True), *cells))
    heads = [Head("Stock price"), *(Head(text, "right") for text in shown["volatility"].iloc[:across])]
    caption = f"Dirty price by stock price, in {paper.currency}, and volatility; {words_of(market.model)}"
    by_date = isinstance(market.market().quotes()["volatility"].value, Steps)
    note = "Each volatility here is one for all dates, in the place of the market's, which changes."
    heads = [*heads, Head("Parity", "right")]
    return Table("value_grid", caption, tuple(heads), (tuple(rows),), notes=(note,) if by_date else ())


def _figure(paper: Paper) -> Figure:
    frame = paper.frames["value_grid"]
    chart = plots.svg(
        plots.value_chart(frame, paper.currency), "value", "Lines: value against stock price, one for each volatility"
    )
    return Figure("value", "Value against stock price by volatility, with parity and the bond floor", chart)


def _implied_table(paper: Paper, market: MarketCase) -> Table:
    grid = market.terms.grid
    price = market.clean_price
    assert price is not None  # noqa: S101 (for the type checker: the caller has looked)
    more = {} if grid is None else {"stock_price": list(grid.stock_price)}
    frame = paper.frames["implied_volatility"] = paper.deal.implied_volatility(price.value, **market.arguments() | more)
    shown = format_table(frame)
    columns = ["stock_price", "volatility", "other_volatility", "remark"]
    rows = [
        row_of(Cell(line.iloc[0], head=True), *(Cell(text or NIL) for text in line.iloc[1:]))
        for _, line in shown[columns].iterrows()
    ]
    told = format_values([price.value], "per 100")[0]
    heads = [Head(_title(name), "left" if name in ("stock_price", "remark") else "right") for name in columns]
    caption = f"Volatility at which the notes are worth {told}, by stock price in {paper.currency}"
    notes = ("No solution: at every volatility from 2% to 300% the notes are worth more, or at every one less.",)
    return Table("implied_volatility", caption, tuple(heads), (tuple(rows),), notes=notes)


def _per_share_table(paper: Paper, market: MarketCase) -> Table:
    grid = market.terms.grid
    stocks = [market.terms.stock_price.value] if grid is None else list(grid.stock_price)
    frame = paper.frames["value_per_share"] = paper.deal.value_per_share(stocks, on=market.on)
    columns = ["stock_price", "shares_before", "new_shares", "value_per_share_after", "dilution", "parity_after"]
    shown = format_table(frame)
    rows = [
        row_of(*(Cell(text, head=not place) for place, text in enumerate(line)))
        for line in shown[columns].to_numpy().tolist()
    ]
    heads = tuple(Head(_title(name), "right" if place else "left") for place, name in enumerate(columns))
    notes = (
        (
            "After conversion of all notes: equity at the stock price, and the debt that is owed no more, "
            "over the shares "
            "issued and those on conversion (Galai and Schneller 1978, Ingersoll 1977). Below the "
            "conversion price nobody "
            "converts."
        ),
    )
    caption = f"Value per share before and after conversion, {paper.currency}"
    basis = paper.basis("capitalization.classes.", "series.*.principal", "series.*.conversion.")
    return Table("value_per_share", caption, heads, (tuple(rows),), notes=notes, basis=basis)


def _assumption_table(paper: Paper, market: MarketCase) -> Table:
    frame = paper.frames["value_assumptions"] = paper.deal.value_assumptions(**market.arguments())
    rows = tuple(_assumption_rows(paper, frame, market))
    heads = (Head("Assumption and other value", long=True), Head("Change of the dirty price", "right"))
    notes = ("One is changed at a time. Assumed terms of the deal that change nothing here are left out.",)
    caption = f"What the value by {words_of(market.model)} rests on without a source, per 100 of principal"
    return Table("value_assumptions", caption, heads, rows, notes=notes)


def _assumption_rows(paper: Paper, frame: pd.DataFrame, market: MarketCase) -> Iterator[tuple[Row, ...]]:
    """The market's data, terms whose other readings change the value, and what the value leaves out of the terms."""
    data = frame.assign(text=format_table(frame)["dirty_price"])
    for key, lines in data.groupby(["term", "reason"], sort=False):
        term, reason = map(str, key)
        of_market = term.startswith("market.")
        if of_market or lines["dirty_price"].abs().gt(0).any() or reason.startswith("valued as"):
            others = lines[lines["alternative"] != ""]
            yield (
                _assumption_head(paper, term, str(lines["value"].iloc[0]), reason),
                *(
                    row_of(Cell(words_of(other), head=True), Cell(text or NIL))
                    for other, text in zip(others["alternative"], others["text"], strict=True)
                ),
            )
    known = set(frame["term"])
    quotes = {name: quote for model in market.models for name, quote in market.market(model).quotes().items()}
    for name, quote in quotes.items():
        if quote.assumed is not None and f"market.{name}" not in known:
            reason = f"{quote.assumed}; used by another model"
            yield (_assumption_head(paper, f"market.{name}", datum_text(quote.value), reason),)


def _assumption_head(paper: Paper, term: str, value: str, reason: str) -> Row:
    said = f"{words_of(value)}. {reason[:1].upper()}{reason[1:]}{'' if reason.endswith('.') else '.'}"
    of_market = term.startswith("market.")
    name = anchor("assumed", term) if of_market else ""
    title = _title(term.removeprefix("market.")) if of_market else term_title(paper, term)
    return Row((Cell(title, remark=said, head=True, span=2),), "group", name)


def _title(name: str) -> str:
    return _TITLES.get(name) or title_of(name)
