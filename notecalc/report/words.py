"""The words that a reader sees for the names that the code and the deal file use, and the unit of each term.

A name without an entry is written as it stands, its hyphens and underscores as spaces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from notecalc.deal.assumptions import value_text
from notecalc.deal.text import format_values

__all__ = ["percent_text", "section_text", "term_text", "title_of", "words_of"]

# Heads of columns and names of terms that plain words would not fit.
_TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accrual_adjusted": "Accrues to the adjusted date",
        "accrued_interest": "Accrued interest on conversion",
        "accrued_interest_paid": "Accrued interest paid",
        "annual_rate": "Interest rate a year",
        "anti_dilution": "Anti-dilution adjustment",
        "authorised": "Authorised common stock",
        "authorised_preferred": "Authorised preferred stock",
        "business_day_convention": "Payment on a day that is no business day",
        "calendar": "Business days by",
        "change_of_control_price": "Change-of-control price per 100",
        "cities": "Banks in",
        "cusip": "CUSIP",
        "denomination": "Denomination",
        "elects": "Who surrenders",
        "end_of_month": "End-of-month rule",
        "excepted": "Rights set apart from the representation",
        "excess_policy": "Excess of a surrender over the price",
        "fractions": "Fractions of a share",
        "frequency": "Coupons a year",
        "generation": "Payment dates counted",
        "irr": "IRR",
        "make_whole": "Make-whole",
        "make_whole_rate": "Coupons ahead discounted at, a year",
        "make_whole_until": "Pays coupons ahead up to",
        "multiple": "Converts in multiples of",
        "pays_accrued_on_surrendered": "Accrued interest on notes surrendered is paid",
        "record_days": "Record date, days before payment",
        "recovery_claim": "A recovery on default is part of",
        "redemption_in": "Principal repaid at maturity in",
        "redemption_price_fraction": "Shares repaid counted at, as part of their price",
        "reported_untendered": "Principal left, as reported",
        "share_rounding": "Shares are rounded",
        "stub": "Irregular first or last period",
        "notice_days": "Notice, days before redemption",
        "trigger": "Stock price from which, as part of the conversion price",
        "trigger_days": "Trading days above the trigger",
        "trigger_period": "Out of trading days",
        "tendered": "Principal tendered",
        "maximum": "Principal subject to the offer",
        "untendered": "Principal left is taken as",
    }
)

# What the names of conventions and readings mean.
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "us-federal-reserve": "Federal Reserve holidays",
        "new-york-state": "New York State bank holidays",
        "weekends-only": "Monday to Friday",
        "modified-following": "next business day, or the one before if that is in another month",
        "following": "next business day",
        "preceding": "business day before",
        "unadjusted": "paid on that day",
        "capped_forfeited": "credit up to the price, excess forfeited",
        "capped_kept": "credit up to the price, excess kept as notes",
        "refunded": "credit up to the price, excess refunded in cash",
        "full_satisfaction": "any surrender pays the whole price",
        "global-note": "on the global note, then allocated",
        "per-note": "on each note",
        "principal-and-accrued": "principal and accrued interest",
        "forfeited-before-record-date": "forfeited, unless the record date has passed",
        "cash-at-conversion-price": "cash at the conversion price",
        "per-conversion": "down, on all that is converted at once",
        "difference": "the maximum less what was tendered",
        "reported": "the figure reported",
        "without": "Without the exchange",
        "own-price": "Exchange at its own price",
        "repriced": "Both repriced together",
        "tsiveriotis-fernandes": "Tsiveriotis and Fernandes (1998)",
        "ayache-forsyth-vetzal": "Ayache, Forsyth and Vetzal (2003)",
        "goldman-sachs": "Goldman Sachs (1994)",
    }
)

_MONEY = frozenset(
    {"principal", "denomination", "purchase_price", "multiple", "maximum", "tendered", "reported_untendered"}
)
_SHARES = frozenset({"shares", "registered", "authorised", "authorised_preferred", "preferred_outstanding"})
_RATES = frozenset(
    {"annual_rate", "default_rate", "prepayment_premium", "fraction", "trigger"}
    | {"make_whole_rate", "redemption_price_fraction"}
)
_PRICES = frozenset({"conversion_price", "exercise_price"})


def title_of(name: str) -> str:
    """Give the words for a column, a key or the last part of a term's path.

    Examples
    --------
    >>> title_of("irr"), title_of("cash_due"), title_of("governing-law")
    ('IRR', 'Cash due', 'Governing law')
    """
    plain = re.sub("[-_]", " ", name)
    return _TITLES.get(name) or plain[:1].upper() + plain[1:]


def percent_text(level: str) -> str:
    """Write a level as per cent, with all its digits.

    Examples
    --------
    >>> percent_text("0.05"), percent_text("1"), percent_text("0.999999999")
    ('5%', '100%', '99.9999999%')
    """
    return f"{(100 * Decimal(level)).normalize():f}%"


def words_of(value: str) -> str:
    """Give the words for the name of a convention, a reading or a case; any other text as it is.

    Examples
    --------
    >>> words_of("capped_kept"), words_of("30/360")
    ('credit up to the price, excess kept as notes', '30/360')
    """
    return _WORDS.get(value, value)


def term_text(name: str, value: Any, currency: str) -> str:
    """Write the value of a term, by the unit that terms of this name have.

    Examples
    --------
    >>> from decimal import Decimal
    >>> term_text("annual_rate", Decimal("0.08"), "USD"), term_text("authorised", 85_000_000, "USD")
    ('8.00%', '85,000,000')
    >>> term_text("default_rate", "none", "USD")
    'none'
    """
    if isinstance(value, str):
        return words_of(value)
    if isinstance(value, tuple):
        return ", ".join(term_text(name, part, currency) for part in value)
    for names, unit in ((_MONEY, currency), (_SHARES, "shares"), (_RATES, "1/yr"), (_PRICES, f"{currency}/share")):
        if name in names:
            return format_values([value], unit)[0]
    return value_text(value)


def section_text(section: str) -> str:
    """Write the place in a document as a reader looks for it.

    Examples
    --------
    >>> section_text("2.5"), section_text("1 Existing Notes"), section_text("Exhibit 2.2")
    ('section 2.5', 'section 1, “Existing Notes”', 'Exhibit 2.2')
    """
    numbered = re.fullmatch(r"(\d[\d.]*)(?:\s+(.+))?", section)
    if not numbered:
        return section
    number, words = numbered.groups()
    return f"section {number}, “{words}”" if words else f"section {number}"
