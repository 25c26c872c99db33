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

from notecalc.core.note_rules import FREQUENCIES

__all__ = [
    "CalendarDate",
    "CalendarName",
    "Convention",
    "Count",
    "Currency",
    "DayCountName",
    "Document",
    "Flag",
    "Fraction",
    "Frequency",
    "Length",
    "Model",
    "Money",
    "MoneyOrNone",
    "Policy",
    "PositiveMoney",
    "Price",
    "Rate",
    "RateOrNone",
    "RecordDays",
    "Slug",
    "Source",
    "Term",
    "Text",
    "TriggerOrNone",
]


_LARGEST = 10**13  # below it a float is exact to the cent
_LONGEST = 36_525  # a hundred years in days
# ISO 4217: currencies whose smaller unit is not a hundredth.
_NO_HUNDREDTHS = frozenset(
    {"BHD", "CLF", "CLP", "DJF", "GNF", "IQD", "ISK", "JOD", "JPY", "KMF", "KRW", "KWD", "LYD", "MGA", "MRU", "OMR"}
    | {"BIF", "PYG", "RWF", "TND", "UGX", "UYI", "UYW", "VND", "VUV", "XAF", "XOF", "XPF"}
)


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
    rule = 'an amount of at least 0 and below 10^13 in whole cents, as a whole number or a text such as "1000.50"'
    rule += " (never a float)"
    exact = _exact(value, info, rule)
    if not 0 <= exact < _LARGEST or exact * 100 != int(exact * 100):
        raise _refuse(rule)
    return exact


def _positive_money(value: Any, info: ValidationInfo) -> Decimal:
    exact = _money(value, info)
    if exact == 0:
        raise _refuse("an amount above 0")
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


def _trigger_or_none(value: Any) -> Decimal | str:
    if value == "none":
        return "none"
    rule = "a fraction of the conversion price above 0 and up to 10 (1.30 is 130 per cent of it), or none"
    exact = _decimal(value, rule)
    if not 0 < exact <= 10:
        raise _refuse(rule)
    return exact


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _LARGEST:
        raise _refuse("a whole number of at least 0 and below 10^13")
    return value


def _length(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LONGEST:
        raise _refuse(f"a whole number from 0 to {_LONGEST:,}")
    return value


def _record_days(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 366:
        raise _refuse("a whole number of days from 0 to 366")
    return value


def _currency(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{3}", value) or value in _NO_HUNDREDTHS:
        raise _refuse("a currency of a hundred cents, as a code of three capitals, such as USD")
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


def _number(least: float, most: float | None = None, *, open_ends: bool = False) -> dict[str, Any]:
    """JSON Schema of a number between bounds."""
    names = ("exclusiveMinimum", "exclusiveMaximum") if open_ends else ("minimum", "maximum")
    return {"type": "number", names[0]: least} | ({} if most is None else {names[1]: most})


def _number_or_text(pattern: str, **bounds: int) -> dict[str, Any]:
    return {"anyOf": [{"type": "integer", **bounds}, {"type": "string", "pattern": pattern}]}


_MONEY = _number_or_text(r"^\d{1,13}(\.\d{1,2}0*)?$", minimum=0, exclusiveMaximum=_LARGEST)
_POSITIVE_MONEY = _number_or_text(r"^(?=.*[1-9])\d{1,13}(\.\d{1,2}0*)?$", exclusiveMinimum=0, exclusiveMaximum=_LARGEST)
_PRICE = _number_or_text(r"^(?=.*[1-9])\d+(\.\d+)?$", exclusiveMinimum=0)
_RATE = _number(-1, 1, open_ends=True)
_NONE = {"const": "none"}

Flag = Annotated[bool, Field(strict=True)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", strict=True)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=False, strict=True)]
Currency = Annotated[str, BeforeValidator(_currency), Field(json_schema_extra={"pattern": "^[A-Z]{3}$"})]
Money = Annotated[Decimal, BeforeValidator(_money), _as_text, Field(json_schema_extra=_MONEY)]
PositiveMoney = Annotated[Decimal, BeforeValidator(_positive_money), _as_text, Field(json_schema_extra=_POSITIVE_MONEY)]
MoneyOrNone = Annotated[
    Any, BeforeValidator(_money_or_none), _as_text, Field(json_schema_extra={"anyOf": [*_MONEY["anyOf"], _NONE]})
]
Price = Annotated[Decimal, BeforeValidator(_price), _as_text, Field(json_schema_extra=_PRICE)]
Rate = Annotated[Decimal, BeforeValidator(_rate), _as_text, Field(json_schema_extra=_RATE)]
RateOrNone = Annotated[
    Any, BeforeValidator(_rate_or_none), _as_text, Field(json_schema_extra={"anyOf": [_RATE, _NONE]})
]
Fraction = Annotated[Decimal, BeforeValidator(_fraction), _as_text, Field(json_schema_extra=_number(0, 1))]
TriggerOrNone = Annotated[
    Any,
    BeforeValidator(_trigger_or_none),
    _as_text,
    Field(json_schema_extra={"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 10}, _NONE]}),
]
Count = Annotated[int, BeforeValidator(_count), Field(json_schema_extra={"minimum": 0, "exclusiveMaximum": _LARGEST})]
Length = Annotated[int, BeforeValidator(_length), Field(json_schema_extra={"minimum": 0, "maximum": _LONGEST})]
RecordDays = Annotated[int, BeforeValidator(_record_days), Field(json_schema_extra={"minimum": 0, "maximum": 366})]
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
    "PositiveMoney": PositiveMoney,
    "MoneyOrNone": MoneyOrNone,
    "Price": Price,
    "Rate": Rate,
    "RateOrNone": RateOrNone,
    "Fraction": Fraction,
    "TriggerOrNone": TriggerOrNone,
    "Count": Count,
    "Length": Length,
    "RecordDays": RecordDays,
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

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["source"]}, {"required": ["assumed"]}]},
    )

    value: T
    source: Source | None = None
    assumed: Text | None = Field(default=None, description="Why we take this value though no paper states it.")
    alternatives: tuple[T, ...] = Field(default=(), description="Other readings, whose effect is reported.")
    follows: Text | None = Field(
        default=None, description="Path of a term whose value this one takes, and with which it moves."
    )
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
