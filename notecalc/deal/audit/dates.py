"""Dates that do not tie: payment dates on closed days, other calendars, periods in uncapitalised business days."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from notecalc.core.arrays import BoolArray, DateArray
from notecalc.core.notes import Periods
from notecalc.core.schedule import resolve
from notecalc.deal.audit.finding import Check, Finding
from notecalc.deal.register import calendar_of, notes_of, sole_series
from notecalc.deal.terms import DealTerms

__all__ = ["CHECKS"]


def _closed_days(terms: DealTerms) -> Iterator[Finding]:
    periods = resolve(notes_of(terms))
    due, paid = periods.unadjusted_end, periods.payment_date
    closed = ~calendar_of(terms).is_business_day(due)
    if closed.any():
        yield Finding(
            "note",
            "payment-on-closed-day",
            f"{closed.sum()} of {due.size} payment dates are no business days",
            _moves(due, paid, closed),
            (*_payment_paths(terms), "business_days.calendar"),
            *_delay(terms, periods, paid),
            terms.currency,
        )


def _other_calendars(terms: DealTerms) -> Iterator[Finding]:
    """Which payment dates would move under the other readings of the rule for business days."""
    convention = sole_series(terms)[1].business_day_convention.value
    periods = resolve(notes_of(terms))
    due, paid = periods.unadjusted_end, periods.payment_date
    for name in terms.business_days.calendar.alternatives:
        other = calendar_of(terms, name).adjust(due, convention)
        moved = other != paid
        yield Finding(
            "note",
            "payment-by-other-calendar",
            f"Read as {name} instead of {terms.business_days.calendar.value}, the rule for business days moves "
            f"{moved.sum() or 'none'} of {due.size} payment dates",
            _moves(paid, other, moved) or f"{due[0]} to {due[-1]}: the same payment dates",
            ("business_days.cities", *_payment_paths(terms), "business_days.calendar"),
            *(_delay(terms, periods, other, paid) if moved.any() else ("none", 0.0)),
            terms.currency,
        )


def _payment_paths(terms: DealTerms) -> tuple[str, ...]:
    key, _ = sole_series(terms)
    return tuple(f"series.{key}.{name}" for name in ("maturity", "frequency", "business_day_convention"))


def _moves(old: DateArray, new: DateArray, which: BoolArray) -> str:
    return "; ".join(
        f"{a} ({pd.Timestamp(a).day_name()}) {'is kept' if a == b else f'to {b}'}"
        for a, b in zip(old[which], new[which], strict=True)
    )


def _delay(terms: DealTerms, periods: Periods, paid: DateArray, due: DateArray | None = None) -> tuple[str, float]:
    """What payment later than due costs the holders at the notes' own rate, Actual/365 Fixed as the IRR counts."""
    _, series = sole_series(terms)
    days = (paid - (periods.unadjusted_end if due is None else due)).astype(np.int64)
    total = f"{abs(days.sum())} days {'late' if days.sum() >= 0 else 'early'} in all"
    if series.accrual_adjusted.value:
        return f"{total}, with interest to the day of payment", 0.0
    principal, rate = float(series.principal.value), float(series.annual_rate.value)
    payments = principal * rate * periods.fraction
    payments[-1] += principal
    cost = round(float((payments * rate * days / 365).sum()), 2)
    return f"{total}, without interest for it; at the notes' own rate {terms.currency} {cost:,.2f}", cost


def _uncapitalised(terms: DealTerms) -> Iterator[Finding]:
    """Periods in business days whose wording is not the capitalised term: the definition need not apply to them."""
    loose = {
        name: limit
        for name, limit in terms.time_limits.items()
        if limit.unit == "business-days" and limit.wording and limit.wording != limit.wording.title()
    }
    if loose:
        calendars = [limit.calendar for limit in loose.values() if limit.calendar]
        taken = ", ".join(sorted({str(calendar.value) for calendar in calendars}))
        others = ", ".join(sorted({str(other) for calendar in calendars for other in calendar.alternatives}))
        yield Finding(
            "note",
            "uncapitalised-business-days",
            f"{len(loose)} periods count business days without the capitals of the defined term",
            "; ".join(f"{limit.title}: {limit.length.value} {limit.wording}" for limit in loose.values()),
            tuple(f"time_limits.{name}.length" for name in loose),
            f"counted here by {taken or 'the defined term'}"
            + (f"; by {others} a period with a holiday in it would end sooner" if others else ""),
        )


CHECKS: tuple[Check, ...] = (_closed_days, _other_calendars, _uncapitalised)
