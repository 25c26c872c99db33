"""Where a term comes from: a document and its section, or a declared assumption with its alternatives.

Also the few kinds of value that terms have, read strictly: money is never a float, a rate never a percentage.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from notecalc.core.notes import FREQUENCIES

__all__ = [
    "CalendarDate",
    "CalendarName",
    "Convention",
    "Count",
    "DayCountName",
    "Document",
    "Flag",
    "Fraction",
    "Frequency",
    "Model",
    "Money",
    "MoneyOrNone",
    "Policy",
    "Price",
    "Rate",
    "RateOrNone",
    "Slug",
    "Source",
    "Term",
    "Text",
]


def _refuse(rule: str) -> PydanticCustomError:
    return PydanticCustomError("notecalc", "must be {rule}", {"rule": rule})


def _exact(value: Any, info: ValidationInfo, rule: str) -> Decimal:
    """Read an exact decimal written as a whole number or a text; from Python also as a float's shortest decimal."""
    from_file = not (info.context or {}).get("python", False)
    if isinstance(value, bool) or (isinstance(value, float | Decimal) and from_file):
        raise _refuse(rule)
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, TypeError, ValueError):
        raise _refuse(rule) from None
    if not exact.is_finite() or (isinstance(value, str) and not re.fullmatch(r"-?\d+(\.\d+)?", value)):
        raise _refuse(rule)
    return exact


def _money(value: Any, info: ValidationInfo) -> Decimal:
    rule = 'an amount of at least 0 in whole cents, as a whole number or a text such as "1000.50" (never a float)'
    exact = _exact(value, info, rule)
    if exact < 0 or exact * 100 != int(exact * 100):
        raise _refuse(rule)
    return exact


def _price(value: Any, info: ValidationInfo) -> Decimal:
    rule = 'a price above 0, as a whole number or a text such as "1.85" (never a float)'
    exact = _exact(value, info, rule)
    if exact <= 0:
        raise _refuse(rule)
    return exact


def _decimal(value: Any, rule: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _refuse(rule)
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        raise _refuse(rule)
    return exact


def _rate(value: Any) -> Decimal:
    rule = "a decimal between -1 and 1, without quotes (0.08 is eight per cent)"
    exact = _decimal(value, rule)
    if abs(exact) >= 1:
        raise _refuse(rule)
    return exact


def _rate_or_none(value: Any) -> Decimal | str:
    return "none" if value == "none" else _rate(value)


def _money_or_none(value: Any, info: ValidationInfo) -> Decimal | str:
    return "none" if value == "none" else _money(value, info)


def _fraction(value: Any) -> Decimal:
    rule = "a decimal from 0 to 1 (0.10 is ten per cent)"
    exact = _decimal(value, rule)
    if not 0 <= exact <= 1:
        raise _refuse(rule)
    return exact


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _refuse("a whole number of at least 0")
    return value


def _frequency(value: Any) -> int:
    if isinstance(value, bool) or value not in FREQUENCIES:
        raise _refuse(f"coupons a year: one of {', '.join(map(str, FREQUENCIES))}")
    return int(value)


def _date(value: Any) -> dt.date:
    if isinstance(value, dt.datetime) or not isinstance(value, dt.date):
        raise _refuse("a date written 2004-06-18, without quotes and without a time of day")
    return value


def _day_count(value: Any) -> str:
    from notecalc.core.daycount import day_count_name

    if not isinstance(value, str):
        raise _refuse("the name of a day count")
    return day_count_name(value)


def _calendar(value: Any) -> str:
    from notecalc.core.calendars import get_calendar

    if not isinstance(value, str):
        raise _refuse("the name of a calendar")
    return get_calendar(value).name


def _day_count_examples(schema: dict[str, Any]) -> None:
    from notecalc.core.daycount import DAY_COUNTS

    schema["examples"] = list(DAY_COUNTS)  # not the only ones: aliases are understood too


def _calendar_examples(schema: dict[str, Any]) -> None:
    from notecalc.core.calendars import CALENDARS

    schema["examples"] = list(CALENDARS)  # not the only ones: several may be joined


def _written(value: Any) -> str:
    """Write equal values alike, 0.10 as 0.1, so that equal deals have equal hashes."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


_as_text = PlainSerializer(_written, return_type=str, when_used="json")
_number_or_text: dict[str, list[dict[str, Any]]] = {
    "anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^\d+(\.\d+)?$"}]
}
_none = {"const": "none"}

Flag = Annotated[bool, Field(strict=True)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", strict=True)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=False, strict=True)]
Money = Annotated[Decimal, BeforeValidator(_money), _as_text, Field(json_schema_extra=_number_or_text)]
Price = Annotated[Decimal, BeforeValidator(_price), _as_text, Field(json_schema_extra=_number_or_text)]
Rate = Annotated[Decimal, BeforeValidator(_rate), _as_text, Field(json_schema_extra={"type": "number"})]
RateOrNone = Annotated[
    Any, BeforeValidator(_rate_or_none), _as_text, Field(json_schema_extra={"anyOf": [{"type": "number"}, _none]})
]
MoneyOrNone = Annotated[
    Any,
    BeforeValidator(_money_or_none),
    _as_text,
    Field(json_schema_extra={"anyOf": [*_number_or_text["anyOf"], _none]}),
]
Fraction = Annotated[Decimal, BeforeValidator(_fraction), _as_text, Field(json_schema_extra={"type": "number"})]
Count = Annotated[int, BeforeValidator(_count), Field(json_schema_extra={"minimum": 0})]
Frequency = Annotated[int, BeforeValidator(_frequency), Field(json_schema_extra={"enum": [*FREQUENCIES]})]
CalendarDate = Annotated[dt.date, BeforeValidator(_date)]
DayCountName = Annotated[str, BeforeValidator(_day_count), Field(json_schema_extra=_day_count_examples)]
CalendarName = Annotated[str, BeforeValidator(_calendar), Field(json_schema_extra=_calendar_examples)]
Convention = Literal["following", "modified-following", "preceding", "modified-preceding", "nearest", "unadjusted"]
Policy = Literal["capped_forfeited", "capped_kept", "refunded", "full_satisfaction"]

# What a term of each kind is called in the JSON Schema.
_KINDS: dict[str, Any] = {
    "Flag": Flag,
    "Name": Slug,
    "Text": Text,
    "Texts": tuple[Text, ...],
    "Names": tuple[Slug, ...],
    "Money": Money,
    "MoneyOrNone": MoneyOrNone,
    "Price": Price,
    "Rate": Rate,
    "RateOrNone": RateOrNone,
    "Fraction": Fraction,
    "Count": Count,
    "Frequency": Frequency,
    "Date": CalendarDate,
    "DayCount": DayCountName,
    "Calendar": CalendarName,
    "Convention": Convention,
    "Policy": Policy,
}

T = TypeVar("T")


class Model(BaseModel):
    """A frozen table of a deal file; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Document(Model):
    """A paper that figures were taken from."""

    title: Text
    date: CalendarDate | None = None
    exhibit: Text | None = Field(default=None, description="Exhibit number under which it was filed.")
    text: Text = Field(description="Name of the text that was read.")
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(description="Hash of that text.")


class Source(Model):
    """The place of a fact: a listed document and its section."""

    document: Slug
    section: Text

    def __str__(self) -> str:
        return f"{self.document} {self.section}"


class Term(Model, Generic[T]):
    """A value with its source, or an assumption with its reason and its alternatives."""

    value: T
    source: Source | None = None
    assumed: Text | None = Field(default=None, description="Why we take this value though no paper states it.")
    alternatives: tuple[T, ...] = Field(default=(), description="Other readings, whose effect is reported.")
    printed: Text | None = Field(default=None, description="As the paper prints it, where that reads otherwise.")
    rounded: Flag = Field(default=False, description="The source gives a rounded figure.")

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Give the name of a kind of term, for the JSON Schema."""
        kind = params[0]
        name = next((name for name, known in _KINDS.items() if known is kind or known == kind), None)
        return f"{name or ' or '.join(map(str, get_args(kind)))} term"

    @model_validator(mode="after")
    def _sourced_or_assumed(self) -> Term[T]:
        if self.source is None and self.assumed is None:
            raise PydanticCustomError("notecalc", "must have a source, or be assumed", {})
        if self.source is not None and self.assumed is not None:
            raise PydanticCustomError("notecalc", "must have a source or be assumed, not both", {})
        if self.alternatives and self.assumed is None:
            raise PydanticCustomError("notecalc", "may have alternatives only where it is assumed", {})
        return self
