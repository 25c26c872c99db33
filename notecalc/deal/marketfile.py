"""Read a market file: a day's data, each with its source or as an assumption, and the model to value a note by.

Checked like a deal file: everything that is wrong is said at once, and there is a JSON Schema.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from notecalc._data import data_directory
from notecalc.deal.dealfile import model_schema, problems_of, read_toml
from notecalc.deal.market import CreditSpread, Hazard, Market, Quote
from notecalc.deal.market_numbers import Elasticity, ModelName, Price, Rate, Share, Volatility
from notecalc.deal.sources import CalendarDate, Currency, Model, Slug, Text
from notecalc.deal.structures import STRUCTURES, CreditOrSteps, Dividends, RateOrCurve, VolatilityOrSteps, build
from notecalc.errors import DealFileError, Problem, TermError, UnknownDealError, did_you_mean

__all__ = ["MarketCase", "bundled_markets", "load_market", "market_schema"]

T = TypeVar("T")


_KINDS = {
    "Price": Price,
    "Volatility": VolatilityOrSteps,
    "Rate": Rate,
    "Risk-free": RateOrCurve,
    "Credit": CreditOrSteps,
    "Share": Share,
    "Elasticity": Elasticity,
    "Dividends": Dividends,
    "Model": ModelName,
}


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
            Quote(None, self.source, self.assumed, (None,) * len(self.alternatives))
        except TermError as error:
            raise PydanticCustomError("notecalc", "must have {rule}", {"rule": f"{error.name}, {error.rule}"}) from None
        return self

    def quote(self, on: dt.date) -> Quote:
        """Give the datum as it stands in the market of a day."""
        value, *others = (build(value, on) for value in (self.value, *self.alternatives))
        return Quote(value, self.source, self.assumed, tuple(others))


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
    volatility: Datum[VolatilityOrSteps] = Field(
        description="Of the stock while its issuer is alive, a decimal; or a table by date, the last held beyond."
    )
    risk_free: Datum[RateOrCurve] = Field(
        description="A number is continuous, by actual/365 fixed; a curve says how it is quoted."
    )
    credit_spread: Datum[CreditOrSteps] | None = Field(
        default=None, description="Over the risk-free rate, continuous; or a table by date, the last held beyond."
    )
    hazard_rate: Datum[CreditOrSteps] | None = Field(
        default=None, description="Rate of default; or a table by date, the last held beyond."
    )
    hazard_elasticity: Datum[Elasticity] | None = Field(
        default=None, description="The b of a hazard rate p (S / S0)^-b; 0 if left out."
    )
    hazard_reference_price: Datum[Price] | None = Field(
        default=None, description="Its S0, the stock price at which the rate is the one given; needed with it."
    )
    recovery_rate: Datum[Share] | None = None
    stock_drop: Datum[Share] | None = None
    dividend_yield: Datum[Rate] | None = None
    borrow_cost: Datum[Rate] | None = None
    dividends: Datum[Dividends] | None = Field(
        default=None, description="In cash, [currency/share]: a list of { ex_date = ..., amount = ... }."
    )
    reset_probability: Datum[Share] | None = Field(
        default=None, description="That the deal's conversion price is reset, for a deal file with `conversion.reset`."
    )
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
        return self._quote("clean_price")

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
        names = ("stock_price", "volatility", "risk_free", "dividend_yield", "borrow_cost", "dividends")
        return Market(credit=credit, **{name: self._quote(name) for name in (*names, "reset_probability")})

    def arguments(self, model: str | None = None) -> dict[str, Any]:
        """Give day, model and market as `Deal.value` and its like take them."""
        return {"on": self.on, "model": model or self.model, "market": self.market(model)}

    def _quote(self, name: str) -> Quote | None:
        datum = getattr(self.terms, name)
        return None if datum is None else datum.quote(self.on)

    def _credit(self, model: str) -> CreditSpread | Hazard | None:
        if model != "ayache-forsyth-vetzal":
            return None if self.terms.credit_spread is None else CreditSpread(self._quote("credit_spread"))
        found = {name: self._quote(name) for name in _BY_HAZARD}
        if None in found.values():
            return None
        elasticity, reference_price = (self._quote(name) for name in _ELASTIC)
        rate, recovery_rate, stock_drop = found.values()
        return Hazard(rate, recovery_rate, stock_drop, elasticity, reference_price)


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
    0        126.2    81.1
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
_ELASTIC = ("hazard_elasticity", "hazard_reference_price")


def _cross_checks(raw: Mapping[str, Any]) -> list[Problem]:
    """Credit of the kind that the model knows, whole; term structures that hold together."""
    model = raw.get("model")
    name = model.get("value") if isinstance(model, Mapping) else None
    needed = {"ayache-forsyth-vetzal": _BY_HAZARD}.get(name, ("credit_spread",)) if isinstance(name, str) else ()
    if any(key in raw for key in _ELASTIC):
        needed = (*needed, *_BY_HAZARD, *_ELASTIC)
    elif any(key in raw for key in _BY_HAZARD):
        needed = (*needed, *_BY_HAZARD)
    return _broken_structures(raw) + [
        Problem(key, f"is missing: {'the model' if key == 'credit_spread' else 'a hazard rate'} needs it", None)
        for key in dict.fromkeys(needed)
        if key not in raw
    ]


def _broken_structures(raw: Mapping[str, Any]) -> list[Problem]:
    """Tables whose parts can each be read, but not together."""
    on, found = raw.get("on"), []
    if type(on) is not dt.date:
        return []
    for name, kind in {**STRUCTURES, "dividends": Dividends}.items():
        datum = raw.get(name)
        if not isinstance(datum, Mapping):
            continue
        others = datum.get("alternatives")
        listed = others if isinstance(others, list) else []
        places = {f"{name}.value": datum.get("value")}
        places |= {f"{name}.alternatives[{k}]": other for k, other in enumerate(listed)}
        for place, table in places.items():
            try:
                build(TypeAdapter(kind).validate_python(table), on)
            except ValidationError:  # told by the first pass; or a number, of which there is nothing to tell
                continue
            except TermError as error:
                key = error.name if error.row is None else f"{error.name}[{error.row}]"
                found.append(Problem(f"{place}.{key}", f"must be {error.rule}", error.got))
    return found
