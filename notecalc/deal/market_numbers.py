"""The kinds of number that a market file holds, read strictly: a volatility is never a percentage, nor a text."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

__all__ = ["Amount", "Credit", "Elasticity", "ModelName", "Price", "Rate", "Share", "Tenor", "Volatility"]

_INFINITE = float("inf")
_TENOR = r"^[1-9][0-9]{0,3}[dwmy]$"


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


def _tenor(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(_TENOR, value):
        rule = 'a number of days, weeks, months or years, in quotes, such as "90d", "2w", "6m" or "3y"'
        raise PydanticCustomError("notecalc", "must be {rule}", {"rule": rule})
    return value


Price = Annotated[float, *_number("a price above 0", 0, _INFINITE, open_low=True)]
Amount = Annotated[float, *_number("an amount of at least 0", 0, _INFINITE)]
Volatility = Annotated[float, *_number("a decimal above 0 and up to 10 (0.6 is sixty per cent)", 0, 10, open_low=True)]
Rate = Annotated[float, *_number("a decimal between -1 and 1 (0.03 is three per cent)", -1, 1)]
Credit = Annotated[float, *_number("a decimal from 0 to 10 (0.08 is eight per cent)", 0, 10)]
Share = Annotated[float, *_number("a fraction from 0 to 1", 0, 1)]
Elasticity = Annotated[float, *_number("a number from 0 to 10", 0, 10)]
Tenor = Annotated[str, BeforeValidator(_tenor), Field(json_schema_extra={"pattern": _TENOR})]
ModelName = Literal["tsiveriotis-fernandes", "ayache-forsyth-vetzal", "goldman-sachs"]
