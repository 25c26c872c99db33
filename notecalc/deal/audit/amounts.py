"""Amounts of money that do not tie: misprints, prices, surrenders, the figures of an exchange."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

from notecalc.deal.assumptions import terms_of
from notecalc.deal.audit.finding import Check, Finding, name_of
from notecalc.deal.closing import reading_of
from notecalc.deal.papers import prints
from notecalc.deal.terms import DealTerms

__all__ = ["CHECKS"]

_FIGURE = re.compile(r"[$€£]?\s*[\d.,\s]*\d[\d.,\s]*%?")
_WELL_FORMED = re.compile(r"\D*(\d{1,3}(,\d{3})*|\d+)(\.\d+)?\D*")


def _misprints(terms: DealTerms) -> Iterator[Finding]:
    """Figures printed otherwise than the value that the file gives them; the total decides an allocation."""
    printed: dict[tuple[str, str, Any, str], list[str]] = {}
    for path, term in terms_of(terms):
        number = isinstance(term.value, int | Decimal) and not isinstance(term.value, bool)
        if number and term.printed and _FIGURE.fullmatch(term.printed) and not prints(term.printed, term.value):
            owner, _, column = path.rpartition(".")
            printed.setdefault((owner, term.printed, term.value, str(term.source)), []).append(column)
    misprinted = {f"{owner}.{column}" for (owner, *_), columns in printed.items() for column in columns}
    for (owner, text, value, _), columns in printed.items():
        paths = tuple(f"{owner}.{column}" for column in columns)
        row = _purchase_row(owner)
        misread = Decimal(re.sub(r"[^\d.]", "", text).strip(".") or 0)
        off = abs(value - misread)
        in_shares = owner.startswith("capitalization")
        yield Finding(
            "error",
            "misprinted-figure",
            f"{owner if row is None else name_of(terms, terms.purchases[row].purchaser)}: "
            f"{' and '.join(column.replace('_', ' ') for column in columns)} printed as {text}, "
            + ("another figure" if _WELL_FORMED.fullmatch(text) else "which is no well-formed number"),
            f"printed {text}; taken as {value:,}"
            + ("" if row is None else f"; {_left_by_total(terms, row, columns[0], misprinted)}"),
            paths if row is None else (*paths, f"series.{terms.purchases[row].series}.principal"),
            f"read as {misread:,} it would be {f'{off:,} shares' if in_shares else f'{terms.currency} {off:,}'} "
            + ("less" if misread < value else "more"),
            float(off),
            "shares" if in_shares else terms.currency,
        )


def _purchase_row(owner: str) -> int | None:
    found = re.fullmatch(r"purchases\[(\d+)\]", owner)
    return int(found[1]) if found else None


def _left_by_total(terms: DealTerms, row: int, column: str, misprinted: Collection[str]) -> str:
    """What the total leaves for an allocation whose printed amount cannot be read."""
    key = terms.purchases[row].series
    rows = [place for place, other in enumerate(terms.purchases) if other.series == key]
    read = [place for place in rows if f"purchases[{place}].{column}" not in misprinted]
    others = sum((getattr(terms.purchases[place], column).value for place in read), Decimal(0))
    series = terms.series[key]
    total = series.principal.value
    if column == "purchase_price":
        total = total * series.purchase_price.value / series.denomination.value
    doubtful = len(rows) - len(read)
    share = "it" if doubtful == 1 else f"the {doubtful} misprinted together"
    return f"the total of {total:,} less the other {len(read)} ({others:,}) leaves {total - others:,} for {share}"


def _principal_and_price(terms: DealTerms) -> Iterator[Finding]:
    for row, bought in enumerate(terms.purchases):
        series = terms.series[bought.series]
        price, unit = series.purchase_price.value, series.denomination.value
        due = bought.principal.value * price / unit
        off = bought.purchase_price.value - due
        if off:
            yield Finding(
                "error",
                "principal-against-price",
                f"{name_of(terms, bought.purchaser)}: the price is not that of the principal",
                f"principal {bought.principal.value:,} at {price:,} for {unit:,} costs {due:,}; "
                f"the price stated is {bought.purchase_price.value:,}",
                (
                    f"series.{bought.series}.purchase_price",
                    f"purchases[{row}].principal",
                    f"purchases[{row}].purchase_price",
                ),
                f"{terms.currency} {abs(off):,} {'more' if off > 0 else 'less'} than the principal costs",
                float(abs(off)),
                terms.currency,
            )


def _surrender_above_price(terms: DealTerms) -> Iterator[Finding]:
    for row, right in enumerate(terms.surrender_rights):
        owed = {place: own for place, own in enumerate(terms.purchases) if own.purchaser == right.purchaser}
        price = sum((own.purchase_price.value for own in owed.values()), Decimal(0))
        excess = right.principal.value - price
        if excess > 0:
            yield Finding(
                "error",
                "surrender-above-price",
                f"{name_of(terms, right.purchaser)} may surrender more than it owes",
                f"surrender of {right.principal.value:,} at par against a price of {price:,}",
                (f"surrender_rights[{row}].principal", *(f"purchases[{place}].purchase_price" for place in owed)),
                f"{terms.currency} {excess:,} above the price; read here as {reading_of(terms).replace('_', ', ')}",
                float(excess),
                terms.currency,
            )


def _surrender_above_outstanding(terms: DealTerms) -> Iterator[Finding]:
    for key, instrument in terms.instruments.items():
        rights = {row: right for row, right in enumerate(terms.surrender_rights) if right.instrument == key}
        total = sum((right.principal.value for right in rights.values()), Decimal(0))
        if instrument.principal is not None and total > instrument.principal.value:
            excess = total - instrument.principal.value
            yield Finding(
                "error",
                "surrender-above-outstanding",
                f"More {instrument.title.value} may be surrendered than are outstanding",
                f"surrender of {total:,}; outstanding {instrument.principal.value:,}",
                (*(f"surrender_rights[{row}].principal" for row in rights), f"instruments.{key}.principal"),
                f"{terms.currency} {excess:,} that cannot be surrendered",
                float(excess),
                terms.currency,
            )


def _exchange_figures(terms: DealTerms) -> Iterator[Finding]:
    """What was tendered and what was left against the whole."""
    for key, offer in terms.exchanges.items():
        if offer.reported_untendered is None:
            continue
        total = offer.tendered.value + offer.reported_untendered.value
        off = total - offer.maximum.value
        if off:
            rounded = offer.tendered.rounded or offer.reported_untendered.rounded
            yield Finding(
                "note" if rounded else "error",
                "exchange-figures",
                f"What was tendered and what was left add to {'more' if off > 0 else 'less'} than the whole"
                + ("; the figures are rounded" if rounded else ""),
                f"tendered {offer.tendered.value:,} and left {offer.reported_untendered.value:,} make {total:,}, "
                f"against {offer.maximum.value:,}",
                tuple(f"exchanges.{key}.{name}" for name in ("maximum", "tendered", "reported_untendered")),
                f"{terms.currency} {abs(off):,}; what was left is taken here as the {offer.untendered.value} figure",
                float(abs(off)),
                terms.currency,
            )


CHECKS: tuple[Check, ...] = (
    _misprints,
    _principal_and_price,
    _surrender_above_price,
    _surrender_above_outstanding,
    _exchange_figures,
)
