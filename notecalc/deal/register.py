"""Who holds what at issue: the purchasers of a series in the order of the register.

Also the bridge from a deal's terms to the arrays of `core`: one series as `Notes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from notecalc.core.arrays import IntArray
from notecalc.core.calendars import Calendar, get_calendar
from notecalc.core.notes import Notes
from notecalc.deal.terms import DealTerms, Series
from notecalc.errors import NotecalcError, TermError, did_you_mean

__all__ = ["Register", "calendar_of", "notes_of", "register_of", "sole_series"]


def sole_series(terms: DealTerms) -> tuple[str, Series]:
    """The deal's one series; computing several is not there yet and says so."""
    if len(terms.series) > 1:
        raise NotecalcError(f"this version computes deals of one series; {terms.id} has {', '.join(terms.series)}")
    return next(iter(terms.series.items()))


@dataclass(frozen=True)
class Register:
    """The holders of a series: keys, printed names and principal in cents, in the order of the papers."""

    keys: tuple[str, ...]
    names: tuple[str, ...]
    cents: IntArray

    def position(self, holder: str) -> int:
        """Find a holder by key or by printed name.

        Raises
        ------
        TermError
            Nobody has this name.
        """
        for known in (self.keys, self.names):
            if holder in known:
                return known.index(holder)
        everybody = (*self.keys, *self.names)
        hint = did_you_mean(str(holder), everybody)
        raise TermError("holder", rule=f"one of {', '.join(self.keys)}", got=holder, hint=hint)

    def positions(self, holders: Sequence[str]) -> list[int]:
        """Find several holders, each at most once."""
        found = [self.position(holder) for holder in holders]
        if len(set(found)) < len(found):
            raise TermError("holders", rule="different holders", got=list(holders))
        return found


def register_of(terms: DealTerms) -> Register:
    """The purchasers of the deal's series and what each takes."""
    key, _ = sole_series(terms)
    rows = [row for row in terms.purchases if row.series == key]
    return Register(
        tuple(row.purchaser for row in rows),
        tuple(terms.parties[row.purchaser].name.value for row in rows),
        np.array([cents_of(row.principal.value) for row in rows], dtype=np.int64),
    )


def cents_of(amount: Decimal) -> int:
    """Whole cents of an amount that the deal file has checked."""
    return int(amount * 100)


def calendar_of(terms: DealTerms, name: str | None = None) -> Calendar:
    """The deal's calendar with its extra closures, or another one by name."""
    return get_calendar(name or terms.business_days.calendar.value, extra_closures=terms.business_days.closures)


def notes_of(terms: DealTerms, count: int = 1) -> Notes:
    """The deal's series as one row of `Notes`, or as so many rows that are the same."""
    _, series = sole_series(terms)
    none = np.datetime64("NaT", "D")
    return Notes(
        issue_date=series.issue_date.value,
        maturity=series.maturity.value,
        principal=float(series.principal.value) if count == 1 else np.full(count, float(series.principal.value)),
        annual_rate=float(series.annual_rate.value),
        frequency=series.frequency.value,
        day_count=series.day_count.value,
        first_coupon=series.first_coupon.value if series.first_coupon else none,
        last_coupon=series.last_coupon.value if series.last_coupon else none,
        generation=series.generation.value,
        stub=series.stub.value,
        end_of_month=series.end_of_month.value,
        accrual_adjusted=series.accrual_adjusted.value,
        business_day_convention=series.business_day_convention.value,
        calendar=calendar_of(terms),
        record_days=series.record_days.value,
    )
