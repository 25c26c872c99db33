"""Paying a purchase price by surrendering other instruments, where more may be surrendered than is owed.

It knows the four readings of an excess, not which of them a deal's papers mean, nor interest accrued on what is
surrendered. The readings are ours; each keeps what is owed and what is surrendered accounted for to the cent.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar, overload

import numpy as np
import pandas as pd

from notecalc.core.arrays import NON_NEGATIVE, FloatArray, Number, Numbers, array_function
from notecalc.core.money import nearest_cents
from notecalc.errors import TermError, did_you_mean

__all__ = ["POLICIES", "ExchangePayment", "exchange_payment"]

POLICIES = ("capped_forfeited", "capped_kept", "refunded", "full_satisfaction")

T = TypeVar("T", float, FloatArray, "pd.Series[Any]")


class ExchangePayment(NamedTuple, Generic[T]):
    """How a price was paid, each part [currency] in whole cents."""

    credit: T
    """Part of the price paid by surrender."""
    cash_due: T
    """Part of the price left to pay in cash."""
    refund: T
    """Excess paid back in cash."""
    forfeited: T
    """Excess lost to the one who surrenders."""
    kept: T
    """Excess that stays outstanding as the old instrument."""


@overload
def exchange_payment(purchase_price: Number, surrendered: Number, *, policy: str) -> ExchangePayment[float]: ...  # type: ignore[overload-overlap]  # a scalar is also one of Numbers; the first match holds
@overload
def exchange_payment(
    purchase_price: pd.Series[Any], surrendered: Numbers | pd.Series[Any], *, policy: str
) -> ExchangePayment[pd.Series[Any]]: ...
@overload
def exchange_payment(
    purchase_price: Numbers, surrendered: pd.Series[Any], *, policy: str
) -> ExchangePayment[pd.Series[Any]]: ...
@overload
def exchange_payment(purchase_price: Numbers, surrendered: Numbers, *, policy: str) -> ExchangePayment[FloatArray]: ...
@array_function(numbers={"purchase_price": NON_NEGATIVE, "surrendered": NON_NEGATIVE})
def exchange_payment(purchase_price: Any, surrendered: Any, *, policy: str) -> Any:
    """Split a purchase price into credit for what is surrendered, at par, and cash.

    Parameters
    ----------
    purchase_price : numeric
        Price owed [currency], in whole cents.
    surrendered : numeric
        Principal surrendered in payment [currency], in whole cents.
    policy : str
        What becomes of an excess: ``capped_forfeited`` (credit up to the price, the rest is lost), ``capped_kept``
        (the rest stays outstanding), ``refunded`` (the rest is paid back in cash) or ``full_satisfaction``
        (surrendering anything at all pays the whole price, and what exceeds it is lost).

    Returns
    -------
    ExchangePayment
        ``credit``, ``cash_due``, ``refund``, ``forfeited`` and ``kept`` [currency], of the kind that came in.
        Credit and cash due add up to the price; but for ``full_satisfaction`` credit, refund, forfeited and kept
        add up to what was surrendered.

    Raises
    ------
    TermError
        An unknown policy, an amount below 0 or not in whole cents.

    Examples
    --------
    >>> paid = exchange_payment(4_500_000, 5_100_000, policy="capped_forfeited")
    >>> paid.credit, paid.cash_due, paid.forfeited
    (4500000.0, 0.0, 600000.0)
    >>> exchange_payment(4_500_000, 3_975_000, policy="capped_forfeited").cash_due
    525000.0
    """
    if policy not in POLICIES:
        hint = did_you_mean(str(policy), POLICIES)
        raise TermError("policy", rule=f"one of {', '.join(POLICIES)}", got=policy, hint=hint)
    price = nearest_cents(purchase_price, "purchase_price")
    given = nearest_cents(surrendered, "surrendered")
    credit = np.minimum(price, given)
    if policy == "full_satisfaction":
        credit = np.where(given > 0, price + 0 * given, credit)  # 0 * given carries a missing amount through
    excess = np.maximum(given - price, 0)
    nothing = 0 * excess
    cents = ExchangePayment(
        credit=credit,
        cash_due=price - credit,
        refund=excess if policy == "refunded" else nothing,
        forfeited=excess if policy in ("capped_forfeited", "full_satisfaction") else nothing,
        kept=excess if policy == "capped_kept" else nothing,
    )
    return ExchangePayment(*(part / 100 for part in cents))
