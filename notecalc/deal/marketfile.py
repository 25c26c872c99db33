"""Read a market file: a day's data, each with its source or as an assumption, and the model to value a note by.

Checked like a deal file: everything that is wrong is said at once, and there is a JSON Schema.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from notecalc._data import data_directory
from notecalc.deal.dealfile import model_schema, problems_of, read_toml
from notecalc.deal.market import CreditSpread, Hazard, Market, Quote
from notecalc.deal.sources import CalendarDate, Currency, Model, Slug, Text
from notecalc.errors import DealFileError, Problem, TermError, UnknownDealError, did_you_mean

__all__ = ["MarketCase", "bundled_markets", "load_market", "market_schema"]

T = TypeVar("T")


def _number(rule: str, low: float, high: float, *, open_low: bool = False) -> Any:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise PydanticCustomError("notecalc", "must be {rule}, without quotes", {"rule": rule})
        number = float(value)
        if not low <= number <= high or (open_low and number == low):
            raise PydanticCustomError("notecalc", "must be {rule}", {"rule": rule})
        return number

    bounds: JsonDict = {"type": "number", "exclusiveMinimum" if open_low else "minimum": low}
    if high < _INFINITE:
        bounds["maximum"] = high
    return BeforeValidator(read), Field(json_schema_extra=bounds)


_INFINITE = float("inf")
Price = Annotated[float, *_number("a price above 0", 0, _INFINITE, open_low=True)]
Volatility = Annotated[float, *_number("a decimal above 0 and up to 10 (0.6 is sixty per cent)", 0, 10, open_low=True)]
Rate = Annotated[float, *_number("a decimal between -1 and 1 (0.03 is three per cent)", -1, 1)]
Credit = Annotated[float, *_number("a decimal from 0 to 10 (0.08 is eight per cent)", 0, 10)]
Share = Annotated[float, *_number("a fraction from 0 to 1", 0, 1)]
ModelName = Literal["tsiveriotis-fernandes", "ayache-forsyth-vetzal", "goldman-sachs"]

_KINDS = {"Price": Price, "Volatility": Volatility, "Rate": Rate, "Credit": Credit, "Share": Share, "Model": ModelName}


class Datum(Model, Generic[T]):
    """A value with its source, or an assumption with its reason and its alternatives."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["source"]}, {"required": ["assumed"]}]},
    )

    value: T
    source: Text | None = Field(default=None, description="Where it was read: the publication and its day.")
    assumed: Text | None = Field(default=None, description="Why we take this value though no source states it.")
    alternatives: tuple[T, ...] = Field(default=(), description="Other values, whose effect is reported.")

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Give the name of a kind of datum, for the JSON Schema."""
        return next(f"{name} datum" for name, kind in _KINDS.items() if kind == params[0])

    @model_validator(mode="after")
    def _sourced_or_assumed(self) -> Datum[T]:
        try:
            self.quote()
        except TermError as error:
            raise PydanticCustomError("notecalc", "must have {rule}", {"rule": f"{error.name}, {error.rule}"}) from None
        return self

    def quote(self) -> Quote:
        """Give the datum as it stands in a market."""
        return Quote(self.value, self.source, self.assumed, self.alternatives)


class Grid(Model):
    """The numbers for whose combinations values are computed."""

    stock_price: tuple[Price, ...] = Field(min_length=1)
    volatility: tuple[Volatility, ...] = Field(min_length=1)


class MarketTerms(Model):
    """A whole market file."""

    schema_version: Literal[1] = Field(alias="schema")
    id: Slug
    title: Text
    currency: Currency
    on: CalendarDate = Field(description="Day of the data and of the valuation.")
    model: Datum[ModelName]
    stock_price: Datum[Price]
    volatility: Datum[Volatility] = Field(description="Of the stock while its issuer is alive, a decimal.")
    risk_free: Datum[Rate] = Field(description="Continuous, by actual/365 fixed.")
    credit_spread: Datum[Credit] | None = None
    hazard_rate: Datum[Credit] | None = None
    recovery_rate: Datum[Share] | None = None
    stock_drop: Datum[Share] | None = None
    dividend_yield: Datum[Rate] | None = None
    borrow_cost: Datum[Rate] | None = None
    clean_price: Datum[Price] | None = Field(default=None, description="Of the notes, per 100 of principal.")
    grid: Grid | None = None


@dataclass(frozen=True)
class MarketCase:
    """A day's market and the model to value a note by, as a market file states them.

    Parameters
    ----------
    terms : MarketTerms
        What the file states.
    file : str
        Its name.
    """

    terms: MarketTerms
    file: str

    def __reduce__(self) -> tuple[Callable[..., MarketCase], tuple[dict[str, Any], str]]:
        # Generic pydantic models don't pickle; their plain values do.
        return _rebuild, (self.terms.model_dump(by_alias=True), self.file)

    @property
    def on(self) -> dt.date:
        """The day of the data."""
        return self.terms.on

    @property
    def model(self) -> str:
        """The model to value by."""
        return self.terms.model.value

    @property
    def models(self) -> list[str]:
        """The model and its alternatives, those for which the file has credit."""
        known = dict.fromkeys([self.model, *self.terms.model.alternatives])
        return [model for model in known if self._credit(model) is not None]

    @property
    def clean_price(self) -> Quote | None:
        """A price of the notes [per 100 of principal], if the file has one."""
        return None if self.terms.clean_price is None else self.terms.clean_price.quote()

    def market(self, model: str | None = None) -> Market:
        """Give the data for a model; by default that of the file.

        Raises
        ------
        TermError
            The file has no credit of the kind that the model knows.
        """
        model = model or self.model
        credit = self._credit(model)
        if credit is None:
            raise TermError("model", rule="one for whose credit the market file has data", got=model)
        names = ("stock_price", "volatility", "risk_free", "dividend_yield", "borrow_cost")
        data = {name: getattr(self.terms, name) for name in names}
        return Market(credit=credit, **{name: datum.quote() for name, datum in data.items() if datum is not None})

    def arguments(self, model: str | None = None) -> dict[str, Any]:
        """Give day, model and market as `Deal.value` and its like take them."""
        return {"on": self.on, "model": model or self.model, "market": self.market(model)}

    def _credit(self, model: str) -> CreditSpread | Hazard | None:
        terms = self.terms
        if model != "ayache-forsyth-vetzal":
            return None if terms.credit_spread is None else CreditSpread(terms.credit_spread.quote())
        if terms.hazard_rate is None or terms.recovery_rate is None or terms.stock_drop is None:
            return None
        return Hazard(terms.hazard_rate.quote(), terms.recovery_rate.quote(), terms.stock_drop.quote())


def _rebuild(raw: dict[str, Any], file: str) -> MarketCase:
    return MarketCase(MarketTerms.model_validate(raw), file)


def bundled_markets() -> list[str]:
    """Names of the markets that come with notecalc.

    Examples
    --------
    >>> bundled_markets()
    ['ibasis-2004-06-18']
    """
    return sorted(path.stem for path in (data_directory() / "markets").glob("*.toml"))


def load_market(market: str | Path) -> MarketCase:
    """Load a bundled market by name, or a market file by path.

    Parameters
    ----------
    market : str or path
        Such as ``"ibasis-2004-06-18"`` or ``"my/market.toml"``.

    Returns
    -------
    MarketCase
        The day, the model and the data, each with its source or as an assumption.

    Raises
    ------
    UnknownDealError
        Neither a bundled market nor a file.
    DealFileError
        The file is wrong; every problem of it at once.

    Examples
    --------
    >>> import notecalc as nc
    >>> case = load_market("ibasis-2004-06-18")
    >>> nc.load("ibasis-2004").value(**case.arguments())[["dirty_price", "parity"]].round(1)
       dirty_price  parity
    0        125.2    81.1
    """
    path, known = Path(market), bundled_markets()
    if str(market) in known:
        path = data_directory() / "markets" / f"{market}.toml"
    elif not path.is_file():
        hint = did_you_mean(str(market), known) or f"Bundled markets: {', '.join(known)}"
        raise UnknownDealError(f"no market or file is called {str(market)!r}. {hint}")
    raw = read_toml(path)
    terms, problems = problems_of(MarketTerms, raw, _HINT)
    problems += [problem for problem in _cross_checks(raw) if problem.path not in {p.path for p in problems}]
    if problems or terms is None:
        raise DealFileError(path.name, problems)
    return MarketCase(terms, path.name)


def market_schema() -> dict[str, Any]:
    """Give the JSON Schema of a market file.

    Examples
    --------
    >>> market_schema()["title"]
    'notecalc market file'
    """
    return model_schema(MarketTerms, "notecalc market file")


_HINT = 'Write { value = ..., source = "..." }, or { value = ..., assumed = "..." }'
_BY_HAZARD = ("hazard_rate", "recovery_rate", "stock_drop")


def _cross_checks(raw: Mapping[str, Any]) -> list[Problem]:
    """Credit of the kind that the model knows, whole."""
    model = raw.get("model")
    name = model.get("value") if isinstance(model, Mapping) else None
    needed = {"ayache-forsyth-vetzal": _BY_HAZARD}.get(name, ("credit_spread",)) if isinstance(name, str) else ()
    if any(key in raw for key in _BY_HAZARD):
        needed = (*needed, *_BY_HAZARD)
    return [
        Problem(key, f"is missing: {'the model' if key == 'credit_spread' else 'a hazard rate'} needs it", None)
        for key in dict.fromkeys(needed)
        if key not in raw
    ]
