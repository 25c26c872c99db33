"""What the notes pay and when: purchase, interest and principal, for the note and for each holder, to the cent.

Same-day order: a coupon is paid first, then the day's events; at maturity events come before the principal is repaid.
A conversion between coupons pays or forfeits accrued interest as the terms say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from notecalc.core.accrual import accrued_fraction
from notecalc.core.arrays import IntArray
from notecalc.core.money import allocate, as_fraction, interest_cents, round_half_up, to_cents, to_money
from notecalc.core.notes import Periods
from notecalc.core.schedule import resolve
from notecalc.deal.closing import closing_table, reading_of
from notecalc.deal.conversion import check_conversion, convert_principal
from notecalc.deal.events import Conversion, Event, Redemption, Repurchase
from notecalc.deal.frames import as_column_dates
from notecalc.deal.register import Register, calendar_of, cents_of, notes_of, register_of, sole_series
from notecalc.deal.terms import DealTerms
from notecalc.errors import TermError

__all__ = ["MONEY_COLUMNS", "cashflow_table", "flow_rows", "interest_by_holder", "purchase_cents"]

MONEY_COLUMNS = (
    "outstanding",
    "purchase_cash",
    "purchase_surrendered",
    "interest",
    "principal",
    "premium",
    "cash_in_lieu",
    "interest_forfeited",
    "total",
)
_CASH = ("purchase_cash", "purchase_surrendered", "interest", "principal", "premium", "cash_in_lieu")
_NO_DATE = np.datetime64("NaT", "D")


@dataclass
class Flow:
    """One row of the note's cash flows, with every amount by holder in cents."""

    period: int
    kind: str
    accrual_start: np.datetime64
    accrual_end: np.datetime64
    record_date: np.datetime64
    payment_date: np.datetime64
    outstanding: IntArray
    amounts: dict[str, IntArray] = field(default_factory=dict)
    shares: IntArray | None = None

    def cents(self, column: str) -> IntArray:
        """Cents by holder of a column; nothing where the row has none."""
        if column == "total":
            parts: IntArray = np.sum([self.cents(name) for name in _CASH], axis=0)
            return parts
        if column == "outstanding":
            return self.outstanding
        return self.amounts.get(column, np.zeros_like(self.outstanding))


def cashflow_table(terms: DealTerms, events: Sequence[Event], *, by_holder: bool) -> pd.DataFrame:
    """The rows of `flow_rows` as a frame: one per period and event, or one per holder and each of these."""
    register = register_of(terms)
    flows = flow_rows(terms, events)
    repeat = len(register.keys) if by_holder else 1
    columns: dict[str, Any] = {}
    if by_holder:
        columns["holder"] = pd.array(list(register.names) * len(flows), dtype="str")
    columns["period"] = np.repeat([flow.period for flow in flows], repeat)
    columns["kind"] = pd.array([flow.kind for flow in flows for _ in range(repeat)], dtype="str")
    for name in ("accrual_start", "accrual_end", "record_date", "payment_date"):
        days = np.array([getattr(flow, name) for flow in flows], dtype="datetime64[D]")
        columns[name] = as_column_dates(np.repeat(days, repeat))
    for name in MONEY_COLUMNS:
        cents = [flow.cents(name) for flow in flows]
        columns[name] = to_money(np.concatenate(cents) if by_holder else np.array([part.sum() for part in cents]))
    shares = [np.zeros_like(flow.outstanding) if flow.shares is None else flow.shares for flow in flows]
    columns["shares"] = np.concatenate(shares) if by_holder else np.array([part.sum() for part in shares])
    return pd.DataFrame(columns)


def flow_rows(terms: DealTerms, events: Sequence[Event]) -> list[Flow]:
    """Every flow of the deal in order of time.

    Raises
    ------
    TermError
        An event outside the life of the notes, or one for more principal than is outstanding.
    """
    _, series = sole_series(terms)
    register = register_of(terms)
    periods = resolve(notes_of(terms))
    outstanding = register.cents.copy()
    flows = [_purchase(terms, register)]
    pending = _in_order(events, periods)
    rate = Fraction(series.annual_rate.value)
    for k in range(len(periods.payment_date)):
        last = k == len(periods.payment_date) - 1
        keeps_coupon = np.zeros_like(outstanding)
        while pending and pending[0].day < periods.accrual_end[k]:
            event = pending.pop(0)
            flow = _event_row(terms, register, periods, k, event, outstanding)
            flows.append(flow)
            taken = flow.cents("converted_or_redeemed")
            keeps_coupon += flow.cents("keeps_coupon")
            outstanding = outstanding - taken
        coupon = _coupon(series.payment_rounding.value, outstanding + keeps_coupon, rate, periods, k)
        row = _period_row(periods, k, "maturity" if last else "coupon", outstanding, {"interest": coupon})
        if last:
            final = [event for event in pending if event.day == periods.accrual_end[k]]
            flows += _at_maturity(terms, register, periods, row, final)
        else:
            flows.append(row)
    return flows


def _in_order(events: Sequence[Event], periods: Periods) -> list[Event]:
    first, last = periods.accrual_start[0], periods.accrual_end[-1]
    if not isinstance(events, Sequence):
        raise TermError("events", rule="a list of Conversion, Redemption or Repurchase", got=events)
    for row, event in enumerate(events):
        if not isinstance(event, Conversion | Redemption | Repurchase):
            raise TermError("events", rule="Conversion, Redemption or Repurchase", got=event, row=row)
        if not first <= event.day <= last:
            raise TermError("events", rule=f"between {first} and {last}", got=str(event.day), row=row)
    return sorted(events, key=lambda event: event.day)


def _purchase(terms: DealTerms, register: Register) -> Flow:
    """What each holder gives for its notes: cash, less what is refunded, and the par surrendered and not kept."""
    day = np.datetime64(terms.dates.closing.value, "D")
    nothing = np.zeros_like(register.cents)
    return Flow(0, "purchase", _NO_DATE, _NO_DATE, _NO_DATE, day, nothing, purchase_cents(terms, reading_of(terms)))


def purchase_cents(terms: DealTerms, policy: str) -> dict[str, IntArray]:
    """What each holder gives for its notes, below 0 [cents]: in cash and in par surrendered, under a policy."""
    table = closing_table(terms, [policy], None)
    cents = {name: to_cents(table[name].to_numpy()) for name in ("cash_due", "refund", "surrendered", "kept")}
    return {
        "purchase_cash": cents["refund"] - cents["cash_due"],
        "purchase_surrendered": cents["kept"] - cents["surrendered"],
    }


def _period_row(periods: Periods, k: int, kind: str, outstanding: IntArray, amounts: dict[str, IntArray]) -> Flow:
    return Flow(
        k + 1,
        kind,
        periods.accrual_start[k],
        periods.accrual_end[k],
        periods.record_date[k],
        periods.payment_date[k],
        outstanding,
        amounts,
    )


def _coupon(rounding: str, principal: IntArray, rate: Fraction, periods: Periods, k: int) -> IntArray:
    numerator, denominator = int(periods.numerator[k]), int(periods.denominator[k])
    return interest_by_holder(rounding, principal, rate, numerator, denominator)


def interest_by_holder(
    rounding: str, principal: IntArray, rate: Fraction, numerator: int, denominator: int
) -> IntArray:
    """Cents of interest on principal in cents, holders on the last axis, rounded for each or for all together."""
    if rounding == "per-note":
        return interest_cents(principal, rate, numerator, denominator)
    total = interest_cents(principal.sum(axis=-1), rate, numerator, denominator)
    return allocate(total, principal)


def _event_row(
    terms: DealTerms, register: Register, periods: Periods, k: int, event: Event, outstanding: IntArray
) -> Flow:
    """A conversion, redemption or repurchase inside period `k`."""
    _, series = sole_series(terms)
    taken = _taken(terms, register, event, outstanding)
    _, numerator, denominator = accrued_fraction(periods, 0, np.array([event.day]))
    rate = Fraction(series.annual_rate.value)
    rounding = series.payment_rounding.value
    accrued = interest_by_holder(rounding, taken, rate, int(numerator[0]), int(denominator[0]))
    amounts = {"converted_or_redeemed": taken}
    shares = None
    if isinstance(event, Conversion):
        held = int(outstanding[register.position(event.holder)])
        check_conversion(terms, np.array([event.cents]), np.array([event.day]), held, event.holder)
        result = convert_principal(terms, taken, np.full(taken.shape, event.day))
        treatment = series.conversion.accrued_interest.value
        after_record = event.day > periods.record_date[k]
        if treatment == "paid":
            amounts["interest"] = accrued
        elif treatment == "forfeited-before-record-date" and after_record:
            amounts["keeps_coupon"] = taken
        else:
            amounts["interest_forfeited"] = accrued
        amounts["cash_in_lieu"] = result.cash_in_lieu
        shares = result.shares
    else:
        excess = _points(terms, event) / 100 - 1
        premium = round_half_up(taken * excess.numerator, np.full_like(taken, excess.denominator))
        amounts |= {"interest": accrued, "principal": taken, "premium": premium}
    payment = calendar_of(terms).adjust(np.array([event.day]), series.business_day_convention.value)[0]
    kind = type(event).__name__.lower()
    start = periods.accrual_start[k]
    return Flow(k + 1, kind, start, event.day, _NO_DATE, payment, outstanding, amounts, shares)


def _points(terms: DealTerms, event: Redemption | Repurchase) -> Fraction:
    """The event's price per 100 of principal; by default par, and on redemption the deal's premium with it."""
    if event.price is not None:
        return as_fraction(event.price, "price")
    premium = sole_series(terms)[1].prepayment_premium.value
    declared = isinstance(event, Redemption) and premium != "none"
    return 100 * (1 + (Fraction(premium) if declared else Fraction(0)))


def _taken(terms: DealTerms, register: Register, event: Event, outstanding: IntArray) -> IntArray:
    """Principal that an event takes from each holder."""
    taken = np.zeros_like(outstanding)
    unit = cents_of(sole_series(terms)[1].denomination.value)
    if isinstance(event, Redemption):
        notes = outstanding // unit
        if event.cents % unit or event.cents > notes.sum() * unit:
            rule = f"a multiple of {unit / 100:,.2f}, at most what is outstanding, {notes.sum() * unit / 100:,.2f}"
            raise TermError("principal", rule=rule, got=event.principal)
        taken = allocate(event.cents // unit, notes) * unit
    else:
        place = register.position(event.holder)
        if event.cents > outstanding[place]:
            rule = f"at most what {register.names[place]} holds on {event.day}, {outstanding[place] / 100:,.2f}"
            raise TermError("principal", rule=rule, got=event.principal)
        if isinstance(event, Repurchase) and event.cents % unit and event.cents != outstanding[place]:
            rule = f"a multiple of {unit / 100:,.2f}, or all that {register.names[place]} holds"
            raise TermError("principal", rule=rule, got=event.principal)
        taken[place] = event.cents
    return taken


def _at_maturity(
    terms: DealTerms, register: Register, periods: Periods, row: Flow, final: Sequence[Event]
) -> list[Flow]:
    """The last coupon, then the day's events, then the principal that is left."""
    left = row.outstanding
    flows = []
    for event in final:
        flow = _event_row(terms, register, periods, row.period - 1, event, left)
        for name in ("interest", "interest_forfeited"):
            flow.amounts.pop(name, None)  # the last coupon was paid just before
        left = left - flow.cents("converted_or_redeemed")
        flows.append(flow)
    row.amounts["principal"] = left
    return [*flows, row]
