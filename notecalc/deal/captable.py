"""The cap table, the headroom under the authorised shares, and who owns what before and after conversion.

Shares issued are the sum over holders of whole shares; shares to reserve are the ceiling of the aggregate. A reserve
for an instrument that was exchanged is from before the exchange: after it only what was left counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core.arrays import POSITIVE, FloatArray, IntArray, Shape, as_numbers, forbid
from notecalc.core.conversion import (
    ROUNDINGS,
    convert_cents,
    convert_in_proportion,
    read_prices,
    shares_on_conversion,
    shares_to_reserve,
)
from notecalc.core.dilution import ceil_to_cent, lowest_conversion_price, ownership, treasury_stock_method
from notecalc.core.money import allocate, read_cents, to_money
from notecalc.deal.conversion import conversion_price_of
from notecalc.deal.register import cents_of, register_of, sole_series
from notecalc.deal.terms import DealTerms, Exchange
from notecalc.errors import TermError, did_you_mean

__all__ = ["ClassLine", "cap_lines", "captable_table", "dilution_table", "headroom_table", "shares_in_all",
           "untendered"]  # fmt: skip

_IN_FULL = "in full: no exercise price known"

ExchangeCase: TypeAlias = Literal["without", "own-price", "repriced"]


@dataclass(frozen=True)
class ClassLine:
    """A class of shares: how many, why, and from where."""

    key: str
    title: str
    kind: str
    shares: int
    basis: str
    source: str
    exercise_price: Decimal | None = None
    optional: bool = False
    """Whether somebody must pay to get the shares: options and warrants, not fees and conversions."""


def untendered(offer: Exchange) -> Decimal:
    """Principal of the old instrument that an exchange left, by the deal's reading."""
    if offer.untendered.value == "reported":
        if offer.reported_untendered is None:
            raise TermError("exchanges.reported_untendered", rule="given where `untendered` is reported", got=None)
        return offer.reported_untendered.value
    return offer.maximum.value - offer.tendered.value


def cap_lines(terms: DealTerms, case: ExchangeCase = "own-price") -> list[ClassLine]:
    """The classes beside the deal's own notes, the exchanged instruments as the case says."""
    lines = []
    for key, share_class in terms.capitalization.classes.items():
        source = "" if share_class.shares is None else _origin(share_class.shares)
        shares = None if share_class.shares is None else share_class.shares.value
        basis: str = share_class.kind
        into = [offer for offer in terms.exchanges.values() if offer.new == share_class.converts]
        out_of = next((o for o in terms.exchanges.values() if o.old == share_class.converts), None)
        if into:
            if case == "without":
                continue
            price = conversion_price_of(terms) if case == "repriced" else _price(terms, into[0].new)
            tendered = sum((offer.tendered.value for offer in into), Decimal(0))
            shares = _reserve(tendered, price)
            basis = f"{tendered:,} at {price}"
            source = "; ".join(dict.fromkeys(_origin(offer.tendered) for offer in into))
        elif out_of is not None and case != "without":
            left, price = untendered(out_of), _price(terms, out_of.old)
            shares = _reserve(left, price)
            basis = f"{left:,} not exchanged, at {price}"
            source = _origin(out_of.tendered)
        if shares is None:
            raise TermError(
                f"capitalization.classes.{key}",
                rule="given in shares, unless its instrument comes from an exchange of this deal",
                got=None,
            )
        exercise = share_class.exercise_price
        optional = share_class.kind == "reserved" and share_class.converts is None
        strike = exercise.value if exercise else None
        lines.append(ClassLine(key, share_class.title, share_class.kind, shares, basis, source, strike, optional))
    return lines


def captable_table(terms: DealTerms) -> pd.DataFrame:
    """Classes, the notes as converted, and the totals: fully diluted, authorised, headroom."""
    _, series = sole_series(terms)
    price = conversion_price_of(terms)
    lines = cap_lines(terms)
    notes = ClassLine(
        "notes",
        series.title.value,
        "notes",
        _reserve(series.principal.value, price),
        f"{series.principal.value:,} at {price}",
        _origin(series.conversion.conversion_price),
    )
    lines.append(notes)
    diluted = sum(line.shares for line in lines)
    authorised = terms.capitalization.authorised
    lines += [
        ClassLine("fully-diluted", "Fully diluted, as converted", "total", diluted, "sum", ""),
        ClassLine("authorised", "Authorised", "total", authorised.value, "charter", _origin(authorised)),
        ClassLine("headroom", "Headroom", "total", authorised.value - diluted, "authorised less fully diluted", ""),
    ]
    counts = np.array([line.shares for line in lines], dtype=np.int64)
    held = [line.key not in ("authorised", "headroom") for line in lines]
    return pd.DataFrame(
        {
            "class": pd.array([line.key for line in lines], dtype="str"),
            "title": pd.array([line.title for line in lines], dtype="str"),
            "kind": pd.array([line.kind for line in lines], dtype="str"),
            "shares": counts,
            "fully_diluted": np.where(held, counts / diluted, np.nan),
            "basis": pd.array([line.basis for line in lines], dtype="str"),
            "source": pd.array([line.source for line in lines], dtype="str"),
        }
    ).set_index("class")


def headroom_table(terms: DealTerms) -> pd.DataFrame:
    """Room under the authorised shares in each case of the exchange, and the lowest conversion price that fits."""
    _, series = sole_series(terms)
    cases: list[ExchangeCase] = ["without", "own-price", "repriced"] if terms.exchanges else ["own-price"]
    price = conversion_price_of(terms)
    rows = []
    for case in cases:
        others = cap_lines(terms, case)
        notes = _reserve(series.principal.value, price)
        moving = [series.principal.value]
        fixed = sum(line.shares for line in others)
        if case == "repriced":
            new = {offer.new for offer in terms.exchanges.values()}
            with_them = [k for k, c in terms.capitalization.classes.items() if c.converts in new]
            fixed -= sum(line.shares for line in others if line.key in with_them)
            for instrument in new:
                offers = (offer.tendered.value for offer in terms.exchanges.values() if offer.new == instrument)
                moving.append(sum(offers, Decimal(0)))
        used = sum(line.shares for line in others)
        room = terms.capitalization.authorised.value - used
        available = terms.capitalization.authorised.value - fixed
        converting = [Fraction(part) for part in moving if part]
        lowest = lowest_conversion_price(converting, available) if available >= len(converting) else None
        rows.append(
            {
                "case": case,
                "other_shares": used,
                "available": room,
                "notes_shares": notes,
                "headroom": room - notes,
                "shortfall": max(notes - room, 0),
                "lowest_price_exact": np.nan if lowest is None else float(lowest),
                "lowest_price_fraction": "" if lowest is None else str(lowest),
                "lowest_price": np.nan if lowest is None else float(ceil_to_cent(lowest)),
            }
        )
    table = pd.DataFrame(rows)
    return table.astype({"case": "str", "lowest_price_fraction": "str"}).set_index("case")


def dilution_table(
    terms: DealTerms, conversion_price: Any, principal: Any, share_price: Any, rounding: str | None
) -> pd.DataFrame:
    """Ownership before and after conversion, by class and by holder; one block of rows per scenario.

    Before: fully diluted without the notes. After: the notes' principal converted, in proportion over the register.
    """
    register = register_of(terms)
    given = {
        "conversion_price": conversion_price_of(terms) if conversion_price is None else conversion_price,
        "principal": to_money(register.cents.sum()) if principal is None else principal,
        "share_price": np.nan if share_price is None else share_price,
    }
    shape = Shape.of(given)
    flat = shape.flatten(
        {
            "conversion_price": read_prices(given["conversion_price"], "conversion_price"),
            "principal": _principal(terms, given["principal"]),
            "share_price": _above_zero(given["share_price"], "share_price"),
        }
    )
    prices, cents, spot = flat.values()
    holders = _converted_shares(terms, cents, prices, rounding)
    lines = cap_lines(terms)
    others, treated = _others(lines, None if share_price is None else spot)
    nothing, as_converted = np.zeros_like(holders), np.full(holders.shape, "as converted", dtype=object)
    others, treated = (np.broadcast_to(part, (cents.size, len(lines))) for part in (others, treated))
    before = np.concatenate([others, nothing], axis=1)
    after = np.concatenate([others, holders], axis=1)
    rows, columns = after.shape
    keys = [line.key for line in lines] + ["notes"] * len(register.keys)
    names = [""] * len(lines) + list(register.names)
    table = pd.DataFrame(
        {
            "scenario": np.repeat(np.arange(rows), columns),
            "conversion_price": np.repeat(prices.astype(np.float64), columns),
            "principal": to_money(np.repeat(cents, columns)),
            "share_price": np.repeat(spot, columns),
            "class": pd.array(keys * rows, dtype="str"),
            "holder": pd.array(names * rows, dtype="str"),
            "shares_before": before.reshape(-1),
            "shares_after": after.reshape(-1),
            "ownership_before": ownership(before).reshape(-1),
            "ownership_after": ownership(after).reshape(-1),
            "treatment": pd.array(np.concatenate([treated, as_converted], axis=1).reshape(-1), dtype="str"),
            "partial": np.repeat((treated == _IN_FULL).any(axis=1), columns),
        }
    )
    return table.drop(columns="scenario") if shape.scalar else table


def shares_in_all(
    terms: DealTerms, prices: npt.NDArray[Any], principal: Any, share_price: Any
) -> tuple[FloatArray, IntArray]:
    """Give shares of the other classes and shares issued to all holders, for each price; arrays of one length.

    Of the other classes it is one number where no share price is given.
    """
    _, series = sole_series(terms)
    spot = None if share_price is None else _above_zero(share_price, "share_price")
    others, _ = _others(cap_lines(terms), spot)
    unit = cents_of(series.conversion.multiple.value)
    issued = convert_in_proportion(
        _principal(terms, principal) // unit,
        register_of(terms).cents,
        unit,
        prices,
        rounding=series.conversion.share_rounding.value,
        denomination=series.denomination.value,
    )
    return others.sum(axis=-1), issued


def _principal(terms: DealTerms, principal: Any) -> IntArray:
    """Principal converted, in cents: whole multiples, up to what the register holds."""
    unit, total = cents_of(sole_series(terms)[1].conversion.multiple.value), int(register_of(terms).cents.sum())
    cents = read_cents(principal, "principal")
    rule = f"from 0 to {total / 100:,.2f} in multiples of {unit / 100:,.2f}"
    forbid(
        "principal", cents.reshape(-1) / 100, ((cents < 0) | (cents > total) | (cents % unit != 0)).reshape(-1), rule
    )
    return cents


def _above_zero(prices: Any, name: str) -> FloatArray:
    numbers = as_numbers(prices, name)
    POSITIVE.check(name, numbers.reshape(-1))
    return numbers


def _converted_shares(terms: DealTerms, cents: IntArray, prices: npt.NDArray[Any], rounding: str | None) -> FloatArray:
    """Whole shares by scenario and holder, principal taken in proportion in whole multiples; NaN without a price."""
    _, series = sole_series(terms)
    register = register_of(terms)
    unit = cents_of(series.conversion.multiple.value)
    rounding = rounding or series.conversion.share_rounding.value
    if rounding not in (*ROUNDINGS, "aggregate"):
        allowed = (*ROUNDINGS, "aggregate")
        raise TermError(
            "rounding", rule=f"one of {', '.join(allowed)}", got=rounding, hint=did_you_mean(str(rounding), allowed)
        )
    share = allocate(cents // unit, register.cents) * unit
    if rounding != "aggregate":
        missing = np.isnan(prices.astype(np.float64))
        if missing.any():
            share, prices = np.where(missing[:, np.newaxis], 0, share), np.where(missing, 1.0, prices)
        known, _ = convert_cents(share, prices, rounding=rounding, denomination=series.denomination.value)
        shares = known.astype(np.float64)
        shares[missing] = np.nan
        return shares
    whole = shares_on_conversion(to_money(cents), prices).shares
    missing = np.isnan(whole)
    known = allocate(np.where(missing, 0, whole).astype(np.int64), np.where(cents[:, None] > 0, share, 1))
    return np.where(missing[:, None], np.nan, known)


def _others(lines: list[ClassLine], spot: FloatArray | None) -> tuple[FloatArray, npt.NDArray[Any]]:
    """Shares of the other classes by scenario, and how each was counted; one row without a share price."""
    counts = np.array([float(line.shares) for line in lines])
    if spot is None:
        return counts, np.full(len(lines), "in full", dtype=object)
    shares = np.tile(counts, (spot.size, 1))
    words = [
        "treasury stock method" if line.exercise_price is not None else _IN_FULL if line.optional else "in full"
        for line in lines
    ]
    for column, line in enumerate(lines):
        if line.exercise_price is not None:
            shares[:, column] = treasury_stock_method(counts[column], line.exercise_price, spot)
    return shares, np.array(words, dtype=object)


def _reserve(principal: Decimal, price: Decimal) -> int:
    return int(shares_to_reserve(principal, price))


def _price(terms: DealTerms, instrument: str) -> Decimal:
    price = terms.instruments[instrument].conversion_price
    if price is None:
        raise TermError(f"instruments.{instrument}.conversion_price", rule="given, as its shares are counted", got=None)
    return price.value


def _origin(term: Any) -> str:
    return str(term.source) if term.source is not None else "assumed"
