"""What a holder gets on conversion: whole shares, cash for the fraction, and what becomes of accrued interest."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core.accrual import accrued_fraction
from notecalc.core.arrays import Date, DateArray, FloatArray, IntArray, Shape, as_dates
from notecalc.core.conversion import shares_on_conversion
from notecalc.core.money import interest_cents, read_cents, to_cents, to_money
from notecalc.core.schedule import resolve
from notecalc.deal.frames import as_column_dates
from notecalc.deal.register import cents_of, notes_of, register_of, sole_series
from notecalc.deal.terms import DealTerms
from notecalc.errors import TermError

__all__ = [
    "ConversionResult",
    "check_conversion",
    "conversion_price_of",
    "conversion_prices_on",
    "conversion_table",
    "convert_principal",
]


@dataclass(frozen=True)
class ConversionResult:
    """Shares, exact and whole, and the cents paid for the fractions."""

    shares: IntArray
    cash_in_lieu: IntArray
    shares_exact: FloatArray


def conversion_price_of(terms: DealTerms) -> Decimal:
    """The conversion price of the deal's series before any step [currency a share]."""
    return sole_series(terms)[1].conversion.conversion_price.value


def conversion_prices_on(terms: DealTerms, days: DateArray) -> npt.NDArray[Any]:
    """The conversion price on each day, exact: a step holds from its first date on."""
    _, series = sole_series(terms)
    prices = np.full(days.shape, series.conversion.conversion_price.value, dtype=object)
    for step in series.conversion.steps:
        prices[days >= np.datetime64(step.first_date.value, "D")] = step.conversion_price.value
    return prices


def convert_principal(terms: DealTerms, cents: IntArray, days: DateArray) -> ConversionResult:
    """Convert principal in cents at the price of each day and by the deal's rounding."""
    _, series = sole_series(terms)
    got = shares_on_conversion(
        to_money(cents),
        conversion_prices_on(terms, days),
        rounding=series.conversion.share_rounding.value,
        denomination=series.denomination.value,
    )
    cash = to_cents(got.cash_in_lieu)
    if series.conversion.fractions.value == "dropped":
        cash = np.zeros_like(cash)
    return ConversionResult(got.shares.astype(np.int64), cash, got.shares_exact)


def conversion_table(terms: DealTerms, principal: Any, on: Date | Any, holder: str | None) -> pd.DataFrame:
    """One row per conversion; principal and dates broadcast.

    Raises
    ------
    TermError
        A date outside the conversion period, principal that is no multiple of what converts, or more than is held.
    """
    _, series = sole_series(terms)
    register = register_of(terms)
    held = register.cents.sum() if holder is None else register.cents[register.position(holder)]
    shape = Shape.of({"principal": principal, "on": on})
    flat = shape.flatten({"principal": read_cents(principal, "principal"), "on": as_dates(on, "on")})
    cents, days = flat["principal"], flat["on"]
    check_conversion(terms, cents, days, int(held), holder)
    result = convert_principal(terms, cents, days)
    periods = resolve(notes_of(terms))
    place, numerator, denominator = accrued_fraction(periods, 0, days)
    rate = Fraction(series.annual_rate.value)
    accrued = interest_cents(cents, rate, numerator, denominator)
    coupon = interest_cents(cents, rate, periods.numerator[place], periods.denominator[place])
    treatment = series.conversion.accrued_interest.value
    matured = days == periods.accrual_end[-1]
    after_record = (days > periods.record_date[place]) & ~matured & (treatment == "forfeited-before-record-date")
    paid = np.where(treatment == "paid", accrued, 0)
    words = np.select([accrued == 0, after_record], ["none accrued", "coupon kept"], treatment.split("-")[0])
    return pd.DataFrame(
        {
            "holder": pd.array(
                [register.names[register.position(holder)] if holder else "one holder"] * cents.size, "str"
            ),
            "on": as_column_dates(days),
            "principal": to_money(cents),
            "conversion_price": conversion_prices_on(terms, days).astype(np.float64),
            "shares_exact": result.shares_exact,
            "shares": result.shares,
            "cash_in_lieu": to_money(result.cash_in_lieu),
            "accrued_interest": to_money(accrued),
            "accrued_treatment": pd.array(words.tolist(), dtype="str"),
            "accrued_paid": to_money(paid),
            "accrued_forfeited": to_money(np.where(after_record, 0, accrued - paid)),
            "coupon_kept": to_money(np.where(after_record, coupon, 0)),
        }
    )


def check_conversion(terms: DealTerms, cents: IntArray, days: Any, held: int, holder: str | None) -> None:
    """Raise where a day is outside the conversion period, or principal no multiple, or more than is held."""
    _, series = sole_series(terms)
    conversion = series.conversion
    first = np.datetime64(conversion.first_date.value, "D")
    last = np.datetime64(conversion.last_date.value, "D")
    multiple = cents_of(conversion.multiple.value)
    for name, bad, rule, got in (
        ("on", ~((days >= first) & (days <= last)), f"a day on which notes convert, {first} to {last}", days),
        (
            "principal",
            (cents <= 0) | (cents % multiple != 0),
            f"a positive multiple of {multiple / 100:,.2f}",
            cents / 100,
        ),
        ("principal", cents > held, f"at most what {holder or 'all holders'} hold, {held / 100:,.2f}", cents / 100),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise TermError(name, rule=rule, got=str(got[row]), row=row if bad.size > 1 else None)
