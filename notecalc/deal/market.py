"""The market in which a note is valued: each datum with its source, or declared an assumption.

Nothing is computed here. A number given alone is an assumption, and says that the caller made it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from notecalc.core.convertible.terms import CLAIMS, Steps
from notecalc.core.curves import Curve
from notecalc.core.words import known_word
from notecalc.deal.frames import labelled, plain_value
from notecalc.deal.text import format_values
from notecalc.errors import TermError

__all__ = ["Credit", "CreditSpread", "Hazard", "Market", "Quote", "market_table"]

_CALLER = "given by the caller"
_SHOWN = 4


@dataclass(frozen=True, slots=True, eq=False)
class Quote:
    """A datum of the market and where it comes from: a source, or the reason why it is assumed.

    Parameters
    ----------
    value : number, array, Series, Steps or Curve
        The datum, in the unit of its place in `Market`.
    source : str, optional
        Where it was read: the publication and its day, such as ``"Federal Reserve, H.15, 2004-06-18"``.
    assumed : str, optional
        Why it is taken though no source states it; one of the two must be given.
    alternatives : sequence
        Other values of an assumed datum, whose effect is reported.

    Raises
    ------
    TermError
        Neither a source nor a reason, or both; alternatives of what is sourced.

    Examples
    --------
    >>> Quote(0.6, assumed="no option was quoted", alternatives=(0.45, 0.75)).alternatives
    (0.45, 0.75)
    """

    value: Any
    source: str | None = None
    assumed: str | None = None
    alternatives: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if (self.source is None) == (self.assumed is None):
            got = "neither" if self.source is None else "both"
            raise TermError("source or assumed", rule="one of the two: where it was read, or why it is taken", got=got)
        if not (self.source or self.assumed):
            raise TermError("source or assumed", rule="a text that is not empty", got="")
        if self.alternatives and self.assumed is None:
            raise TermError("alternatives", rule="left out where there is a source", got=self.alternatives)
        object.__setattr__(self, "value", _kept(self.value))
        object.__setattr__(self, "alternatives", tuple(map(_kept, self.alternatives)))

    def recipe(self) -> Mapping[str, Any]:
        """Give the datum as plain values, for a result's recipe."""
        origin = {"source": self.source} if self.source is not None else {"assumed": self.assumed}
        return {"value": _described(self.value), **origin}


Datum: TypeAlias = Any  # a Quote, or what may stand in one


class _Data:
    """Named data: equal, hashed and written by what they say."""

    def _quotes(self) -> Iterator[tuple[str, Quote]]:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            value = getattr(self, field.name)
            if isinstance(value, Quote):
                yield field.name, value

    def _read(self, *names: str) -> None:
        for name in names:
            given = getattr(self, name)
            if given is not None and not isinstance(given, Quote):
                object.__setattr__(self, name, Quote(given, assumed=_CALLER))

    def recipe(self) -> Mapping[str, Any]:
        """Give the data as plain values, for a result's recipe."""
        return {name: quote.recipe() for name, quote in self._quotes()}

    @property
    def digest(self) -> str:
        """SHA-256 of the data and their origins."""
        return hashlib.sha256(json.dumps(plain_value(self.recipe()), sort_keys=True).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Data) and (type(self), self.digest) == (type(other), other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)


@dataclass(frozen=True, eq=False)
class CreditSpread(_Data):
    """Credit as a spread of the issuer's debt over the risk-free rate.

    Parameters
    ----------
    spread : datum
        [1/yr], continuous: a `Quote`, or a number, array, Series or `Steps` alone.

    Examples
    --------
    >>> CreditSpread(0.08).spread.assumed
    'given by the caller'
    """

    spread: Datum

    def __post_init__(self) -> None:
        self._read("spread")

    def arguments(self) -> dict[str, Datum]:
        """Give the data by the names that `convertible_value` has for them."""
        return {"credit_spread": self.spread}


@dataclass(frozen=True, eq=False)
class Hazard(_Data):
    """Credit as a rate of default, what is recovered then, and how far the stock falls.

    Parameters
    ----------
    rate : datum
        Rate of default [1/yr]: a `Quote`, or a number, array, Series or `Steps` alone.
    recovery_rate : datum
        Fraction of the claim that is recovered.
    stock_drop : datum
        Fraction that the stock loses on default; 1 is a total loss.
    elasticity : datum, optional
        The b of a rate :math:`p (S / S_0)^{-b}`; 0 if left out.
    reference_price : datum, optional
        Its S0 [currency/share], at which the rate is the one given; the stock price of each row if left out.
    claim : {"principal", "principal-and-accrued"}, optional
        Of what the recovery is a fraction. If left out, what the deal file says (``recovery_claim``), and the principal
        where it says nothing: `Deal.value_assumptions` then shows it as assumed.

    Examples
    --------
    >>> Hazard(0.08, recovery_rate=0.4, stock_drop=1).recovery_rate.value
    0.4
    """

    rate: Datum
    recovery_rate: Datum
    stock_drop: Datum
    elasticity: Datum = None
    reference_price: Datum = None
    claim: str | None = None

    def __post_init__(self) -> None:
        self._read("rate", "recovery_rate", "stock_drop", "elasticity", "reference_price")
        if self.claim is not None:
            known_word("claim", self.claim, CLAIMS)

    def recipe(self) -> Mapping[str, Any]:
        """Give the data as plain values, for a result's recipe."""
        return {**super().recipe(), **({} if self.claim is None else {"claim": self.claim})}

    def arguments(self) -> dict[str, Datum]:
        """Give the data by the names that `convertible_value` has for them."""
        return {
            "hazard_rate": self.rate,
            "recovery_rate": self.recovery_rate,
            "stock_drop": self.stock_drop,
            "hazard_elasticity": self.elasticity,
            "hazard_reference_price": self.reference_price,
        }


Credit: TypeAlias = CreditSpread | Hazard


@dataclass(frozen=True, eq=False, kw_only=True)
class Market(_Data):
    """What the value of a note depends on besides its terms; immutable, equal by what it says.

    Each datum is a `Quote` with its source, or a number, array, Series or term structure alone, which is then an
    assumption of the caller's. What is left out may be given, or looked for, by the method that takes the market.

    Parameters
    ----------
    stock_price : datum
        [currency/share].
    volatility : datum
        Of the stock while its issuer is alive [1/yr^0.5], a decimal; also a `Steps`.
    risk_free : datum
        Risk-free rate [1/yr], continuous, by actual/365 fixed; also a `Curve`.
    credit : CreditSpread or Hazard
        A spread for the models that know one, or a rate of default for those that know that.
    dividend_yield, borrow_cost : datum, optional
        What the stock pays, and what it costs to borrow [1/yr].
    dividends : datum, optional
        Cash dividends [currency/share]: a mapping of ex-date to amount, or a Series so indexed.
    reset_probability : datum, optional
        Of the reset of the conversion price that the deal file has (``conversion.reset``); needed where it has one.

    Examples
    --------
    >>> market = Market(stock_price=Quote(1.5, assumed="not public", alternatives=(1.3, 1.7)), volatility=0.6,
    ...                 risk_free=Quote(0.03, source="H.15, 2004-06-18"), credit=CreditSpread(0.08))
    >>> market.table()[["datum", "value", "source"]]
               datum value            source
    0    stock_price   1.5
    1     volatility   0.6
    2      risk_free  0.03  H.15, 2004-06-18
    3  credit_spread  0.08
    """

    stock_price: Datum = None
    volatility: Datum = None
    risk_free: Datum = None
    credit: Credit | None = None
    dividend_yield: Datum = None
    borrow_cost: Datum = None
    dividends: Datum = None
    reset_probability: Datum = None

    def __post_init__(self) -> None:
        if self.credit is not None and not isinstance(self.credit, CreditSpread | Hazard):
            hint = "A spread and a hazard rate are different things: CreditSpread(0.08), or Hazard(0.08, ...)"
            raise TermError("credit", rule="a CreditSpread or a Hazard", got=self.credit, hint=hint)
        self._read("stock_price", "volatility", "risk_free", *_LAST)

    def quotes(self) -> dict[str, Quote]:
        """Give the data by the names that `convertible_value` has for them, and the chance of a reset."""
        own = dict(self._quotes())
        last = {name: own.pop(name) for name in _LAST if name in own}
        credit = {} if self.credit is None else self.credit.arguments()
        return own | {name: quote for name, quote in credit.items() if quote is not None} | last

    def with_quotes(self, quotes: Mapping[str, Datum]) -> Market:
        """Give the same market with data changed, by the names of `quotes` or of the fields; None leaves one out."""
        own = {name: value for name, value in quotes.items() if name in {f.name for f in dataclasses.fields(self)}}
        credit = {_CREDIT[name]: value for name, value in quotes.items() if name in _CREDIT}
        changed = dataclasses.replace(self.credit, **credit) if credit and self.credit is not None else self.credit
        return dataclasses.replace(self, **{"credit": changed, **own})

    def table(self) -> pd.DataFrame:
        """One row per datum: its value, and its source or why it is assumed."""
        return labelled(market_table(self.quotes()), {}, self.digest, "Market.table", {"market": self})

    def recipe(self) -> Mapping[str, Any]:
        """Give the data as plain values, for a result's recipe."""
        return {**super().recipe(), **({} if self.credit is None else {"credit": self.credit.recipe()})}


_LAST = ("dividend_yield", "borrow_cost", "dividends", "reset_probability")
_CREDIT = {
    "credit_spread": "spread",
    "hazard_rate": "rate",
    "recovery_rate": "recovery_rate",
    "stock_drop": "stock_drop",
    "hazard_elasticity": "elasticity",
    "hazard_reference_price": "reference_price",
}


def market_table(quotes: Mapping[str, Quote]) -> pd.DataFrame:
    """One row per datum, as text."""
    rows = [
        {
            "datum": name,
            "value": datum_text(quote.value),
            "source": quote.source or "",
            "assumed": quote.assumed or "",
            "alternatives": "; ".join(map(datum_text, quote.alternatives)),
        }
        for name, quote in quotes.items()
    ]
    return pd.DataFrame(rows, columns=["datum", "value", "source", "assumed", "alternatives"]).astype("str")


def datum_text(value: Any, unit: str = "") -> str:
    """Write a datum as a reader does; of many values, how many and between which.

    Examples
    --------
    >>> datum_text(Steps(["2005-06-18", "2007-06-18"], [0.6, 0.5])), datum_text(0.6, "1/yr^0.5")
    ('0.6 to 2005-06-18, 0.5 to 2007-06-18', '60.00%')
    """
    if isinstance(value, Steps):
        levels = np.asarray(value.values)
        if levels.ndim > 1:
            return f"{len(levels)} rows of steps to {value.dates[-1]}"
        numbers = _numbers_text(levels, unit)
        return ", ".join(f"{number} to {day}" for day, number in zip(value.dates, numbers, strict=True))
    if isinstance(value, Curve):
        return _curve_text(value, unit)
    value = _described(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{amount} on {day}" for day, amount in value.items()) or "none"
    values = np.asarray(value).reshape(-1)
    few = values if values.size <= _SHOWN else np.array([values.min(), values.max()])
    told = _numbers_text(few, unit) if unit else [*map(str, few.tolist())]
    return ", ".join(told) if few is values else f"{values.size} values, {told[0]} to {told[1]}"


def _curve_text(curve: Curve, unit: str) -> str:
    """Write a curve's zero rates in the terms of a rate that is given alone: continuous, by actual/365 fixed."""
    rates = curve.zero_rate(curve.dates, compounding="continuous", day_count="actual/365 fixed")
    told = [
        f"{rate} on {day}" for day, rate in zip(curve.dates, _numbers_text(rates, unit or "zero rate"), strict=True)
    ]
    if len(told) > _SHOWN:
        return f"{len(told)} zero rates, {told[0]} to {told[-1]}"
    return f"zero rates {', '.join(told)}"


def _numbers_text(values: Any, unit: str) -> list[str]:
    """Write numbers in a unit; a zero rate that was converted to six digits."""
    if unit in {"", "zero rate"}:
        return [f"{value:.6g}" if unit else f"{value:g}" for value in values]
    return format_values(values, unit)


def _kept(value: Any) -> Any:
    """Give a value that its owner can't change any more."""
    if isinstance(value, pd.Series):
        return value.copy()
    if isinstance(value, list | tuple | np.ndarray):
        value = np.array(value)
        value.flags.writeable = False
        return value
    return dict(value) if isinstance(value, Mapping) else value


def _described(value: Any) -> Any:
    if isinstance(value, pd.Series) and pd.api.types.is_datetime64_any_dtype(value.index):
        return {str(day.date()): amount for day, amount in value.items()}  # type: ignore[attr-defined]  # Timestamps
    return value
