"""What the options of `notecalc value` mean: numbers, ranges of them, and a market from a file and from numbers.

Errors name the option, not the argument that it becomes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from notecalc.errors import IndexMismatchError, TermError

if TYPE_CHECKING:
    import pandas as pd

    from notecalc.deal.market import Credit
    from notecalc.deal.marketfile import MarketCase

__all__ = ["market_of", "market_table_of", "named_by_option", "numbers_of", "value_arguments"]

_MOST = 10_000
_BY_HAZARD = ("hazard_rate", "recovery_rate", "stock_drop")
_CREDIT = ("credit_spread", *_BY_HAZARD, "hazard_elasticity", "hazard_reference_price")


def numbers_of(option: str, words: Sequence[str]) -> list[float]:
    """Read numbers, and ranges written ``FROM:TO:STEP``, both ends included.

    Examples
    --------
    >>> numbers_of("--stock-price", ["0.5:1.5:0.5", "2"])
    [0.5, 1.0, 1.5, 2.0]
    """
    found: list[float] = []
    for word in words:
        rule = "a number, or a range FROM:TO:STEP such as 0.5:3:0.25"
        try:
            parts = [float(part) for part in word.split(":")]
        except ValueError:
            raise TermError(option, rule=rule, got=word) from None
        if len(parts) == 1:
            found += parts
            continue
        if len(parts) != 3 or not np.isfinite(parts).all() or parts[2] <= 0 or parts[1] < parts[0]:
            raise TermError(option, rule=rule, got=word)
        first, last, step = parts
        count = int((last - first) / step + 1e-9) + 1
        if count > _MOST:
            raise TermError(option, rule=f"a range of at most {_MOST:,} numbers", got=word)
        found += [round(first + k * step, 12) for k in range(count)]
    return found


def value_arguments(
    case: MarketCase | None, on: str | None, model: str | None, given: Mapping[str, Sequence[str] | None], unknown: str
) -> dict[str, Any]:
    """Give the arguments of `Deal.value` and its like: a market file's, replaced by what options say.

    Several numbers of an option are an axis of their own, so that there is a row for each combination.
    """
    numbers = {name: numbers_of(_option(name), words) for name, words in given.items() if words}
    many = [name for name, values in numbers.items() if len(values) > 1]
    axes = dict(zip(many, np.ix_(*(numbers[name] for name in many)), strict=True))
    data: dict[str, Any] = {name: axes.get(name, values[0]) for name, values in numbers.items()}
    arguments = {} if case is None else case.arguments(model)
    arguments |= {name: value for name, value in (("on", on), ("model", model)) if value is not None}
    for name in ("on", "model"):
        if name not in arguments:
            raise TermError(_option(name), rule="given, or a market file with --market", got=None)
    credit = {name: data.pop(name) for name in _CREDIT if name in data}
    market = arguments.get("market")
    if credit:
        own = None if market is None else market.credit
        arguments["credit"] = _credit(credit, own, str(arguments["model"]), unknown)
    elif market is None and not (unknown == "credit" and arguments["model"] != "ayache-forsyth-vetzal"):
        option = "--hazard-rate" if arguments["model"] == "ayache-forsyth-vetzal" else "--credit-spread"
        raise TermError(option, rule="given, or a market file with --market", got=None)
    for name in ("stock_price", "volatility", "risk_free"):
        if name not in data and market is None and name != unknown:
            raise TermError(_option(name), rule="given, or a market file with --market", got=None)
    return arguments | data


def _credit(data: dict[str, Any], own: Credit | None, model: str, unknown: str) -> Credit:
    from notecalc.deal.market import CreditSpread, Hazard
    from notecalc.deal.valuation import credit_name

    if credit_name(model) == "credit_spread":
        if set(data) != {"credit_spread"}:
            name = next(name for name in data if name != "credit_spread")
            raise TermError(_option(name), rule=f"left out with --model {model}", got="given")
        return CreditSpread(data["credit_spread"])
    if "credit_spread" in data:
        raise TermError("--credit-spread", rule=f"left out with --model {model}", got="given")
    claim = None
    if isinstance(own, Hazard):
        claim, data = own.claim, {name: quote for name, quote in own.arguments().items() if quote is not None} | data
    for name in _BY_HAZARD:
        if name not in data and (name, unknown) != ("hazard_rate", "credit"):
            raise TermError(_option(name), rule=f"given with --model {model}", got=None)
    rate, elasticity, reference = (data.get(name) for name in ("hazard_rate", *_CREDIT[-2:]))
    return Hazard(rate, data["recovery_rate"], data["stock_drop"], elasticity, reference, claim)


@contextmanager
def named_by_option() -> Iterator[None]:
    """Call what is wrong by its option."""
    names = {"settlement": "--on", "on": "--on", "clean_price": "--clean-price", "model": "--model"}
    names |= {name: _option(name) for name in ("stock_price", "volatility", "risk_free", "dividend_yield")}
    names |= {name: _option(name) for name in ("borrow_cost", "accuracy", "reset_probability", *_CREDIT)}
    try:
        yield
    except IndexMismatchError:
        raise
    except TermError as error:
        name = names.get(error.name)
        if name is None:
            raise
        raise TermError(name, rule=error.rule, got=error.got, hint=error.hint) from None


def market_table_of(arguments: Mapping[str, Any], unknown: str) -> pd.DataFrame:
    """Give the data that were used, each with its source or why it is assumed."""
    from notecalc.deal.market import Market

    data = {name: part for name, part in arguments.items() if name not in {"on", "model", "market", "accuracy"}}
    market = (arguments.get("market") or Market()).with_quotes(data)
    looked_for = {unknown, "credit_spread", "hazard_rate"} if unknown == "credit" else {unknown}
    table = market.table()
    return table[~table["datum"].isin(looked_for)].reset_index(drop=True)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def market_of(name: str | Path | None) -> MarketCase | None:
    """Give the market of a file, if one is named."""
    from notecalc.deal.marketfile import load_market

    return None if name is None else load_market(name)
