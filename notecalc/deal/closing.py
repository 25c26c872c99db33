"""What each purchaser pays at closing, with credits for instruments surrendered in lieu of cash.

Whether a purchaser surrenders is its election; what becomes of an excess is a reading of the papers. They are two
arguments. The arithmetic is in `core.exchange`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from notecalc.core.arrays import IntArray, Shape
from notecalc.core.daycount import day_count_fraction
from notecalc.core.exchange import POLICIES, exchange_payment
from notecalc.core.money import interest_cents, read_cents, to_cents, to_money
from notecalc.deal.register import cents_of, register_of
from notecalc.deal.terms import DealTerms
from notecalc.errors import TermError, did_you_mean

__all__ = ["CLOSING_COLUMNS", "Elections", "closing_cents", "closing_table", "reading_of", "surrendered_cents"]

Elections: TypeAlias = "str | Mapping[str, Any] | None"

CLOSING_COLUMNS = ("principal", "purchase_price", "surrendered", "credit", "cash_due", "refund", "forfeited", "kept",
                   "accrued_interest_paid", "cash_to_company")  # fmt: skip


def closing_table(terms: DealTerms, policies: Sequence[str], elects: Elections) -> pd.DataFrame:
    """One row per policy, scenario of surrendered amounts, and purchaser; money to the cent.

    `accrued_interest_paid` goes from the company to the purchaser in cash and is never credited to the price.
    """
    if not policies:
        raise TermError("policy", rule=f"one or more of {', '.join(POLICIES)}", got=list(policies))
    for policy in policies:
        if policy not in POLICIES:
            raise TermError(
                "policy", rule=f"one of {', '.join(POLICIES)}", got=policy, hint=did_you_mean(str(policy), POLICIES)
            )
    register = register_of(terms)
    surrendered, scenarios = surrendered_cents(terms, elects)
    blocks = []
    for policy in policies:
        columns = closing_cents(terms, policy, surrendered)
        blocks.append(pd.DataFrame({name: to_money(columns[name].reshape(-1)) for name in CLOSING_COLUMNS}))
    table = pd.concat(blocks, ignore_index=True)
    # Not a range: what comes back from Parquet is no RangeIndex.
    levels: list[Sequence[Any]] = [list(policies), list(range(scenarios or 1)), list(register.names)]
    index = pd.MultiIndex.from_product(levels, names=["policy", "scenario", "purchaser"])
    single = {"policy": len(policies) == 1, "scenario": scenarios is None}
    table.index = index.droplevel([name for name, drop in single.items() if drop])
    return table


def closing_cents(
    terms: DealTerms, policy: str, surrendered: IntArray, holders: Sequence[int] | None = None
) -> dict[str, IntArray]:
    """Give each of `CLOSING_COLUMNS` [cents] under one policy, in the shape of what is surrendered, holders last.

    `holders` are the places in the register of those on the last axis; all of them if left out.
    """
    register = register_of(terms)
    places = range(len(register.keys)) if holders is None else holders
    price = np.array([cents_of(terms.purchases[place].purchase_price.value) for place in places], dtype=np.int64)
    paid = exchange_payment(to_money(price), to_money(surrendered), policy=policy)
    columns = {name: to_cents(np.asarray(part)) for name, part in paid._asdict().items()}
    columns["accrued_interest_paid"] = _accrued_cents(terms, surrendered - columns["kept"], places)
    columns["cash_to_company"] = columns["cash_due"] - columns["refund"] - columns["accrued_interest_paid"]
    columns |= {
        "principal": np.broadcast_to(register.cents[list(places)], surrendered.shape),
        "purchase_price": np.broadcast_to(price, surrendered.shape),
        "surrendered": surrendered,
    }
    return columns


def reading_of(terms: DealTerms) -> str:
    """The deal's reading of an excess; without surrender rights there is none, and every reading gives the same."""
    return POLICIES[0] if terms.closing is None else terms.closing.excess_policy.value


def surrendered_cents(terms: DealTerms, elects: Elections) -> tuple[IntArray, int | None]:
    """Cents that each purchaser surrenders, holders on the last axis, and the number of scenarios (None: scalars).

    Raises
    ------
    TermError
        A purchaser without a right, or an amount above what its right states.
    """
    register = register_of(terms)
    rights = {register.position(right.purchaser): right for right in terms.surrender_rights}
    stated = {place: cents_of(right.principal.value) for place, right in rights.items()}
    choice = elects
    if choice is None:
        choice = "none" if terms.closing is None else terms.closing.elects.value
    if isinstance(choice, str):
        if choice not in ("all", "none"):
            raise TermError("elects", rule="'all', 'none' or a mapping of purchasers to amounts", got=choice)
        choice = dict.fromkeys((register.keys[place] for place in rights), choice == "all")
    if not isinstance(choice, Mapping):
        raise TermError("elects", rule="'all', 'none' or a mapping of purchasers to amounts", got=choice)
    amounts: dict[int, IntArray] = {}
    given: dict[str, Any] = {}
    for holder, amount in choice.items():
        place = register.position(holder)
        if place not in rights:
            able = ", ".join(f"{register.keys[able]}: {register.names[able]}" for able in rights) or "nobody"
            raise TermError("elects", rule=f"purchasers who may surrender ({able})", got=holder)
        if place in amounts:
            raise TermError("elects", rule="each purchaser once", got=holder)
        stated_or_nothing = isinstance(amount, bool | np.bool_)
        cents = np.array(stated[place] * int(amount)) if stated_or_nothing else read_cents(amount, "elects")
        bad = (cents < 0) | (cents > stated[place])
        if np.any(bad):
            rule = f"from 0 to {stated[place] / 100:,.2f}, what the right of {holder} states"
            raise TermError("elects", rule=rule, got=amount, rows=np.flatnonzero(bad).tolist() if bad.ndim else None)
        amounts[place], given[f"elects[{holder!r}]"] = cents, amount
    shape = Shape.of(given)
    flat = shape.flatten(dict(zip(given, amounts.values(), strict=True)))
    if len(shape.shape) > 1:
        raise TermError("elects", rule="amounts or one-dimensional arrays", got=f"shape {shape.shape}")
    out = np.zeros((*shape.shape, len(register.keys)), dtype=np.int64)
    for place, cents in zip(amounts, flat.values(), strict=True):
        out[..., place] = cents.reshape(shape.shape)
    return out, shape.shape[0] if shape.shape else None


def _accrued_cents(terms: DealTerms, surrendered: IntArray, places: Sequence[int]) -> IntArray:
    """Interest accrued on what was surrendered, if the company pays it."""
    accrued = np.zeros_like(surrendered)
    if terms.closing is None or not terms.closing.pays_accrued_on_surrendered.value:
        return accrued
    register = register_of(terms)
    closing = np.array([terms.dates.closing.value], dtype="datetime64[D]")
    for right in terms.surrender_rights:
        instrument = terms.instruments[right.instrument]
        if not (instrument.annual_rate and instrument.day_count and instrument.last_payment_date):
            raise TermError(
                f"instruments.{right.instrument}",
                rule="complete with annual_rate, day_count and last_payment_date to accrue interest",
                got=None,
            )
        since = np.array([instrument.last_payment_date.value], dtype="datetime64[D]")
        numerator, denominator = day_count_fraction(since, closing, instrument.day_count.value)
        if register.position(right.purchaser) not in places:
            continue
        place = places.index(register.position(right.purchaser))
        rate = Fraction(instrument.annual_rate.value)
        accrued[..., place] += interest_cents(surrendered[..., place], rate, numerator[0], denominator[0])
    return accrued
