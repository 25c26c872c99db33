"""Interest accrued on a deal's notes: on a date, between dates, on overdue amounts. Analytics, not rounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from notecalc.core.accrual import accrued_fraction, interest_between
from notecalc.core.arrays import array_function
from notecalc.core.overdue import default_interest
from notecalc.core.schedule import resolve
from notecalc.deal.register import notes_of, register_of, sole_series
from notecalc.deal.terms import DealTerms
from notecalc.errors import TermError

__all__ = ["accrued", "accrued_by_holder", "between", "overdue"]


@array_function(dates=("on",))
def accrued(on: Any, *, terms: DealTerms) -> Any:
    """Interest accrued and unpaid on the whole series [currency]."""
    _, series = sole_series(terms)
    _, numerator, denominator = accrued_fraction(resolve(notes_of(terms)), 0, on)
    yearly = float(series.principal.value * series.annual_rate.value)
    return np.where(np.isnat(on), np.nan, yearly * numerator / denominator)


def accrued_by_holder(terms: DealTerms, on: Any) -> Any:
    """The same for each holder: a Series for one date, else a frame of dates by holders."""
    register = register_of(terms)
    share = pd.Series(register.cents / register.cents.sum(), index=pd.Index(register.names, name="holder", dtype="str"))
    whole = accrued(on, terms=terms)
    if isinstance(whole, float):
        return (share * whole).rename("accrued")
    index = whole.index if isinstance(whole, pd.Series) else None
    return pd.DataFrame(np.outer(whole, share), index=index, columns=share.index)


def between(start: Any, end: Any, *, terms: DealTerms) -> Any:
    """Interest accruing on the whole series between two dates [currency]."""
    _, series = sole_series(terms)
    principal, rate = float(series.principal.value), float(series.annual_rate.value)
    return interest_between(resolve(notes_of(terms)), principal, rate, start, end)


def overdue(terms: DealTerms, amount: Any, due: Any, paid: Any) -> Any:
    """Simple interest at the deal's default rate [currency]."""
    _, series = sole_series(terms)
    rate = series.default_rate.value
    if rate == "none":
        raise TermError("default_rate", rule="declared by the deal to accrue interest on overdue amounts", got="none",
                        hint="Use deal.replace(default_rate=0.10)")  # fmt: skip
    if series.day_count.value == "actual/actual icma":
        raise TermError("day_count", rule="one that needs no coupon period, for interest on overdue amounts",
                        got=series.day_count.value, hint="Use deal.replace(day_count=...) for it")  # fmt: skip
    return default_interest(amount, float(rate), due, paid, day_count=series.day_count.value)
