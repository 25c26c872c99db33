"""What the notes are worth as convertibles: the deal's terms and a market, handed to `core.convertible`.

A row for each combination of what was given.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core.arrays import POSITIVE, Dates, FloatArray, Shape, as_dates, as_numbers, forbid
from notecalc.core.convertible.implied import convertible_implied
from notecalc.core.convertible.moves import Moved
from notecalc.core.convertible.terms import Convertible, Steps
from notecalc.core.convertible.valuation import MODELS, convertible_greeks, convertible_value
from notecalc.core.curves import Curve, curve_named
from notecalc.core.words import known_word
from notecalc.deal import accruals
from notecalc.deal.captable import dilution_table
from notecalc.deal.conversion import conversion_prices_on
from notecalc.deal.convertible import convertible_of
from notecalc.deal.frames import as_column_dates
from notecalc.deal.market import Hazard, Market, Quote
from notecalc.deal.register import sole_series
from notecalc.deal.reset import Reset, read_reset
from notecalc.deal.terms import DealTerms
from notecalc.errors import TermError

__all__ = [
    "credit_name",
    "greeks_table",
    "implied_table",
    "per_share_table",
    "value_table",
    "valued_arrays",
]

_HAZARD_MODEL = "ayache-forsyth-vetzal"
_BY_HAZARD = ("hazard_rate", "recovery_rate", "stock_drop")
_BY_STEPS = ("volatility", "credit_spread", "hazard_rate")


def credit_name(model: str) -> str:
    """Give what a model's credit is called by `convertible_value`."""
    return "hazard_rate" if known_word("model", model, MODELS) == _HAZARD_MODEL else "credit_spread"


@dataclass(frozen=True)
class _Rows:
    """What was given, broadcast: a row for each combination, and the arguments of the engine."""

    index: pd.Index[Any]
    columns: dict[str, npt.NDArray[Any]]
    terms: Convertible
    reset: Reset | None
    arguments: dict[str, Any]

    @classmethod
    def of(
        cls,
        terms: DealTerms,
        market: Market,
        on: Dates | Any,
        model: str,
        accuracy: str,
        more: Mapping[str, Any],
        unknown: str = "",
        conversion_price: FloatArray | None = None,
    ) -> _Rows:
        """Read a market; `more` are numbers that are no part of it, and what is unknown need not be in it.

        Conversion prices are those of each row.
        """
        quotes = market.quotes()
        _check_credit(market, model)
        _check_complete(quotes, model, unknown)
        kinds = Steps | Curve | Moved
        structures = {name: quote.value for name, quote in quotes.items() if isinstance(quote.value, kinds)}
        _check_structures(structures)
        dividends = quotes.pop("dividends", None)
        given = {name: quote.value for name, quote in quotes.items() if name not in structures} | dict(more)
        shape = Shape.of({"on": on, **given})
        arrays: dict[str, npt.NDArray[Any]] = {"on": as_dates(on, "on")}
        flat = shape.flatten(arrays | {name: as_numbers(value, name) for name, value in given.items()})
        size = flat["on"].size
        index = pd.RangeIndex(size) if shape.index is None else shape.index
        numbers = {name: values[0].item() if shape.scalar else values for name, values in flat.items() if name != "on"}
        numbers.pop("reset_probability", None)
        arguments = {
            "settlement": flat["on"][0] if shape.scalar else flat["on"],
            "model": model,
            "accuracy": accuracy,
            **structures,
            **numbers,
            **_dividends(dividends),
        }
        claim = market.credit.claim if isinstance(market.credit, Hazard) else None
        columns = {"on": as_column_dates(flat["on"]), **{name: flat[name] for name in flat if name != "on"}}
        reset = read_reset(terms, flat["on"], flat.get("reset_probability"), claim, conversion_price)
        note = convertible_of(terms, claim=claim, conversion_price=conversion_price)
        return cls(index, columns, note, reset, arguments)

    def compute(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Give a function's results by name; under a reset, those without it and with it by their chances."""
        with self.reach():
            found: dict[str, Any] = function(self.terms, **self.arguments)._asdict()
            if self.reset is None:
                return found
            return self.reset.mixed(found, function(self.reset.terms, **self.arguments)._asdict())

    @contextmanager
    def reach(self) -> Iterator[None]:
        """Say of a curve that it does not reach; rows are no matter, as the note is one."""
        curve = self.arguments.get("risk_free")
        curve = curve.of if isinstance(curve, Moved) else curve
        try:
            with curve_named("risk_free", curve):
                yield
        except TermError as error:
            if error.name != "risk_free" or not isinstance(curve, Curve):
                raise
            raise TermError(error.name, rule=error.rule, got=error.got) from None

    def frame(self, results: Mapping[str, Any]) -> pd.DataFrame:
        """Put what was given and what came out side by side."""
        made = {name: np.atleast_1d(values) for name, values in results.items()}
        return pd.DataFrame({**self.columns, **made}, index=self.index)


def valued_arrays(
    function: Callable[..., Any],
    terms: DealTerms,
    market: Market,
    on: Any,
    model: str,
    accuracy: str,
    conversion_price: FloatArray | None = None,
) -> dict[str, FloatArray]:
    """Every result of `convertible_value` or `convertible_greeks` alone, for who has rows by the million: no table.

    With a conversion price for each row, `on` has a day for each, too.
    """
    rows = _Rows.of(terms, market, on, model, accuracy, {}, conversion_price=conversion_price)
    return {name: np.atleast_1d(values) for name, values in rows.compute(function).items()}


def value_table(terms: DealTerms, market: Market, on: Any, model: str, accuracy: str) -> pd.DataFrame:
    """Every result of `convertible_value`, what exceeds the bond floor, and the worth of the series [currency]."""
    rows = _Rows.of(terms, market, on, model, accuracy, {})
    found = rows.compute(convertible_value)
    whole = float(sole_series(terms)[1].principal.value) / 100 * np.asarray(found["dirty_price"])
    option = np.asarray(found["dirty_price"]) - np.asarray(found["bond_floor"])
    return rows.frame({**found, "option_value": option, "value": whole})


def greeks_table(terms: DealTerms, market: Market, on: Any, model: str, accuracy: str) -> pd.DataFrame:
    """Every result of `convertible_greeks`, and what a reset of the conversion price is worth where there is one."""
    rows = _Rows.of(terms, market, on, model, accuracy, {})
    found = rows.compute(convertible_greeks)
    if rows.reset is not None:
        with_it, without = (
            np.asarray(convertible_value(each, **rows.arguments).dirty_price) for each in (rows.reset.terms, rows.terms)
        )
        found["reset"] = (with_it - without) / 100
    return rows.frame(found)


def implied_table(
    unknown: str, terms: DealTerms, clean_price: Any, market: Market, on: Any, model: str, accuracy: str
) -> pd.DataFrame:
    """What gives the notes a clean price: the lowest answer, the highest where there are several, and how many."""
    rows = _Rows.of(terms, market, on, model, accuracy, {"clean_price": clean_price}, unknown)
    if rows.reset is None:
        found = rows.compute(functools.partial(convertible_implied, unknown))
    else:
        days = np.atleast_1d(rows.arguments["settlement"])
        scale = conversion_prices_on(terms, days).astype(np.float64) if unknown == "stock_price" else 1.0
        with rows.reach():
            found = rows.reset.implied(unknown, rows.terms, scale, rows.arguments)
    count = np.atleast_1d(found["solutions"])
    words = np.select(
        [count == 0, count == 2, np.isinf(count), count > 2],
        ["no solution", "two solutions", "the same on a range", "several"],
        "",
    )
    remark = pd.array(words.tolist(), dtype="str")
    table = rows.frame(
        {
            unknown: found["value"],
            f"other_{unknown}": found["other"],
            "solutions": np.where(np.isinf(count), np.nan, count),
        }
    )
    return table.assign(remark=remark).astype({"solutions": "Int64"})


def per_share_table(terms: DealTerms, stock_price: Any, on: Any) -> pd.DataFrame:
    """Value per share before conversion of all notes and after it, by the shares issued on the cap table."""
    _, series = sole_series(terms)
    shape = Shape.of({"stock_price": stock_price, "on": on})
    numbers = as_numbers(stock_price, "stock_price")
    POSITIVE.check("stock_price", numbers.reshape(-1))
    flat = shape.flatten({"stock_price": numbers, "on": as_dates(on, "on")})
    price, days = flat["stock_price"], flat["on"]
    forbid("on", days, days < np.datetime64(series.issue_date.value), "on or after issue")
    forbid("on", days, days >= np.datetime64(series.maturity.value), "before maturity")
    issued = [part for part in terms.capitalization.classes.values() if part.kind == "issued" and part.shares]
    before = float(sum(part.shares.value for part in issued if part.shares))
    principal = float(series.principal.value)
    conversion_prices = conversion_prices_on(terms, days)
    shares_at = {each: _shares_of_all(terms, each) for each in set(conversion_prices.tolist())}
    new = np.array([shares_at[each] for each in conversion_prices], dtype=np.float64)
    accrued = np.atleast_1d(accruals.accrued(days, terms=terms))
    extinguished = principal + (0.0 if series.conversion.accrued_interest.value == "paid" else accrued)
    after = (before * price + extinguished) / (before + new)
    return pd.DataFrame(
        {
            "on": as_column_dates(days),
            "stock_price": price,
            "conversion_price": conversion_prices.astype(np.float64),
            "shares_before": before,
            "new_shares": new,
            "shares_after": before + new,
            "equity_before": before * price,
            "debt_extinguished": extinguished,
            "value_per_share_after": after,
            "dilution": after / price - 1,
            "parity": 100 * new * price / principal,
            "parity_after": 100 * new * after / principal,
        },
        index=pd.RangeIndex(days.size) if shape.index is None else shape.index,
    )


def _shares_of_all(terms: DealTerms, price: Any) -> float:
    table = dilution_table(terms, price, None, None, None)
    return float(table.loc[table["holder"] != "", "shares_after"].sum())


def _check_credit(market: Market, model: str) -> None:
    by_hazard = credit_name(model) == "hazard_rate"
    if market.credit is not None and isinstance(market.credit, Hazard) != by_hazard:
        rule = f"a {'Hazard' if by_hazard else 'CreditSpread'} with model {model!r}"
        raise TermError("credit", rule=rule, got=market.credit)


def _check_complete(quotes: Mapping[str, Quote], model: str, unknown: str) -> None:
    """Raise where data are missing, with all of them."""
    missing = [name for name in ("stock_price", "volatility", "risk_free") if name not in {*quotes, unknown}]
    credit = _BY_HAZARD if credit_name(model) == "hazard_rate" else ("credit_spread",)
    if not {*credit} <= {*quotes, unknown}:
        missing.append("credit")
    if missing:
        names = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
        raise TermError(names, rule="given by name, or in a market", got=None)


def _check_structures(structures: Mapping[str, Any]) -> None:
    """Raise where a term structure stands for what the engine has no such for."""
    for name, value in structures.items():
        kind = Curve if name == "risk_free" else Steps if name in _BY_STEPS else None
        if kind is None or not isinstance(value, kind | Moved):
            rule = "numbers" if kind is None else f"numbers, or {kind.__name__}"
            raise TermError(name, rule=rule, got=type(value).__name__)


def _dividends(quote: Quote | None) -> dict[str, Any]:
    if quote is None:
        return {}
    if isinstance(quote.value, pd.Series):
        return {"dividend_dates": quote.value.index, "dividend_amounts": quote.value.to_numpy()}
    if not isinstance(quote.value, Mapping):
        raise TermError("dividends", rule="amounts by ex-date: a mapping, or a Series", got=quote.value)
    return {"dividend_dates": list(quote.value), "dividend_amounts": list(quote.value.values())}
