"""What happens to the notes between closing and maturity: conversions, redemptions and repurchases.

An event is only a record of what was decided and when; what follows for cash and shares is in `cashflows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np

from notecalc.core.arrays import Date, as_date
from notecalc.core.money import as_fraction, read_cents
from notecalc.errors import TermError

__all__ = ["Conversion", "Event", "Redemption", "Repurchase"]

Amount: TypeAlias = "int | float | str | Decimal"


class _Event:
    on: Date
    principal: Amount

    def __post_init__(self) -> None:
        object.__setattr__(self, "on", as_date(self.on, "on"))
        if self.cents <= 0:
            raise TermError("principal", rule="an amount above 0", got=self.principal)

    @property
    def day(self) -> np.datetime64:
        """The day of the event."""
        return as_date(self.on, "on")

    @property
    def cents(self) -> int:
        """The principal in whole cents."""
        return int(read_cents(self.principal, "principal"))

    def recipe(self) -> Mapping[str, Any]:
        """Give the event as plain values, for a result's recipe."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        values = {name: str(value) for name, value in given.items() if value is not None}
        return {"event": type(self).__name__, **values}


class _PricedEvent(_Event):
    price: Amount | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.price is not None and as_fraction(self.price, "price") <= 0:
            raise TermError("price", rule="a clean price per 100 of principal, above 0", got=self.price)


@dataclass(frozen=True)
class Conversion(_Event):
    """A holder turns principal into shares at the deal's conversion price.

    Parameters
    ----------
    on : date-like
        Conversion date.
    principal : amount
        Principal converted [currency], in the deal's multiples.
    holder : str
        Name or key of the holder.

    Examples
    --------
    >>> Conversion("2005-03-01", 1_000_000, "loeb").day
    np.datetime64('2005-03-01')
    """

    on: Date
    principal: Amount
    holder: str


@dataclass(frozen=True)
class Redemption(_PricedEvent):
    """The issuer redeems principal of all holders in proportion, in whole denominations.

    Parameters
    ----------
    on : date-like
        Redemption date; accrued interest is paid with it.
    principal : amount
        Total principal redeemed [currency].
    price : number, optional
        Clean price per 100 of principal, above 0; by default par with the deal's prepayment premium, if it has one.

    Examples
    --------
    >>> Redemption("2006-03-01", 5_000_000, price=102.5).cents
    500000000
    """

    on: Date
    principal: Amount
    price: Amount | None = None


@dataclass(frozen=True)
class Repurchase(_PricedEvent):
    """The issuer buys principal back from one holder.

    Parameters
    ----------
    on : date-like
        Repurchase date; accrued interest is paid with it.
    principal : amount
        Principal bought [currency].
    holder : str
        Name or key of the holder.
    price : number, optional
        Clean price per 100 of principal, above 0; by default par.

    Examples
    --------
    >>> Repurchase("2005-03-01", 500_000, "tejas", price="98.5").cents
    50000000
    """

    on: Date
    principal: Amount
    holder: str
    price: Amount | None = None


Event: TypeAlias = Conversion | Redemption | Repurchase
