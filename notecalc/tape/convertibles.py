"""A tape's notes as convertibles: windows that columns state, term structures, cash dividends, and their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notecalc.core.arrays import DateArray, FloatArray, IntArray, as_dates, as_numbers, forbid
from notecalc.core.convertible.moves import Moved
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, Convertible, PutWindow, Steps
from notecalc.core.curves import Curve, curve_named
from notecalc.core.periods import Periods
from notecalc.errors import TermError
from notecalc.tape.computing import Arrays, aligned, computed
from notecalc.tape.reading import Tape

__all__ = ["CashDividends", "convertibles", "valued"]

_TERMS = ("conversion_", "call_", "put_", "redemption_")
_DATES = ("_start", "_end", "_date", "_until")


def valued(
    tape: Tape,
    value: Callable[..., Any],
    *,
    settlement: Any,
    model: str,
    accrued_on_conversion: str,
    accuracy: str,
    numbers: Mapping[str, Any],
    for_all: Mapping[str, Any],
) -> pd.DataFrame:
    """Every result of a function of `Convertible`, a column each.

    Parameters
    ----------
    tape : Tape
        The notes.
    value : callable
        `convertible_value` or `convertible_greeks`.
    settlement, model, accrued_on_conversion, accuracy
        As for `frame.notecalc.convertible_value`.
    numbers, for_all : mapping
        `ConvertibleColumns`, and what is one for all notes.
    """
    words = dict(for_all)
    days, dividends = words.pop("call_days", None), words.pop("dividends", None)
    words["accrued_on_conversion"] = accrued_on_conversion
    if days is not None and "call_price" not in numbers:
        raise TermError("call_days", rule="left out without a `call_price`", got=days)
    structures = {name: part for name, part in numbers.items() if isinstance(part, Steps | Curve | Moved)}
    size = len(tape.problems.labels)
    for name, part in structures.items():
        if isinstance(part, Steps) and _rows(part) not in {None, size}:
            raise TermError(name, rule=f"one row of steps, or one for each of {size} notes", got=f"{_rows(part)} rows")
    given = {name: part for name, part in numbers.items() if name not in structures}
    market_of_each = ["settlement", *(name for name in given if not name.startswith(_TERMS))]
    blank = {name: np.zeros(size, dtype=np.bool_) for name in market_of_each}

    def compute(periods: Periods, own: Arrays) -> Any:
        rows = own["row"].astype(np.int64)
        for name, where in blank.items():
            where[rows] = pd.isna(own[name])
        market: dict[str, Any] = {name: own[name] for name in given if not name.startswith(_TERMS)}
        market |= {name: _of_rows(part, rows) for name, part in structures.items()}
        market |= {} if dividends is None else dividends.of_rows(rows, size)
        terms = convertibles(periods, own, days, words)
        rate = structures.get("risk_free")
        with curve_named("risk_free", rate.of if isinstance(rate, Moved) else rate):
            return value(terms, own["settlement"], model=model, accuracy=accuracy, **market)

    arguments = {name: ("date" if name.endswith(_DATES) else "number", part) for name, part in given.items()}
    own_rows = {"row": ("number", np.arange(size))}
    made = computed(tape, {"settlement": ("date", settlement), **arguments, **own_rows}, compute)
    parts = {name: [(rows, getattr(part, name)) for rows, part in made] for name in type(made[0][1])._fields}
    found = pd.DataFrame({name: aligned(tape, each, name) for name, each in parts.items()})
    without = found.iloc[:, 0].isna().to_numpy() & ~tape.problems.bad
    for name, where in blank.items():
        column = getattr(settlement if name == "settlement" else given[name], "name", None)
        if (rows := np.flatnonzero(where & without)).size:
            tape.problems.leave_blank(rows, name if column is None else column)
    return found


def convertibles(
    periods: Periods, numbers: Arrays, call_days: tuple[int, int] | None, words: Mapping[str, Any]
) -> Convertible:
    """Give the terms of notes with windows that columns state.

    Parameters
    ----------
    periods : Periods
        Of the notes.
    numbers : mapping
        `ConvertibleColumns` that are terms, with one for each note.
    call_days, words
        As `frame.notecalc.convertible_value` takes them: what is one for all.
    """
    return Convertible(periods=periods, **words, **_options(periods, numbers, call_days))


def _rows(steps: Steps) -> int | None:
    """Give how many rows of steps there are; None where one is for all."""
    levels = steps.values  # noqa: PD011 (no Series)
    return None if levels.ndim == 1 else len(levels)


def _of_rows(part: Steps | Curve | Moved, rows: IntArray) -> Steps | Curve | Moved:
    """Give the term structures of some notes."""
    if isinstance(part, Moved):
        return part.take(rows)
    if isinstance(part, Curve) or _rows(part) is None:
        return part
    return Steps(part.dates, part.values[rows])  # noqa: PD011 (no Series)


def _options(periods: Periods, given: Arrays, days: tuple[int, int] | None) -> dict[str, Any]:
    """Give the windows that columns state; a blank first or last day is the note's own."""
    notes = periods.notes

    def window(name: str) -> dict[str, Any]:
        ends = (("start", notes.issue_date), ("end", notes.maturity))
        stated = ((end, own, given.get(f"{name}_{end}")) for end, own in ends)
        return {end: np.where(np.isnat(day), own, day) for end, own, day in stated if day is not None}

    def or_zero(name: str) -> Any:
        values = given.get(name, np.zeros(len(notes)))
        return np.where(np.isnan(values), 0.0, values)

    options: dict[str, Any] = {
        "conversions": [ConversionWindow(conversion_price=given["conversion_price"], **window("conversion"))]
    }
    if "call_price" in given:
        call: dict[str, Any] = {"trigger": or_zero("call_trigger"), "days": days, **window("call")}
        call["notice_days"] = or_zero("call_notice_days")
        if "call_make_whole_until" in given:
            call["make_whole_until"] = given["call_make_whole_until"]
            call["make_whole_rate"] = or_zero("call_make_whole_rate")
        elif "call_make_whole_rate" in given:
            rates = given["call_make_whole_rate"]
            forbid("call_make_whole_rate", rates, ~np.isnan(rates), "left out without a call_make_whole_until")
        options["calls"] = [CallWindow(clean_price=given["call_price"], **call)]
    if "put_price" in given or "put_date" in given:
        none = {"put_price": np.full(len(notes), np.nan), "put_date": np.full(len(notes), np.datetime64("NaT", "D"))}
        price, day = (given.get(name, none[name]) for name in none)
        forbid("put_date", day, np.isnat(day) & ~np.isnan(price), "given where there is a put_price")
        forbid("put_price", price, np.isnan(price) & ~np.isnat(day), "given where there is a put_date")
        end = given.get("put_end", none["put_date"])
        forbid("put_end", end, end < day, "on or after put_date")
        options["puts"] = [PutWindow(start=day, end=np.where(np.isnat(end), day, end), clean_price=price)]
    if "redemption_price_fraction" in given:
        options["redemption_price_fraction"] = given["redemption_price_fraction"]
    return options


@dataclass(frozen=True, slots=True, eq=False)
class CashDividends:
    """Cash dividends of the stocks of a frame's notes: of all, or each of the note at a position."""

    dates: DateArray
    amounts: FloatArray
    notes: IntArray | None

    @classmethod
    def of(cls, dividends: Any, labels: pd.Index[Any]) -> CashDividends:
        """Read a Series of amounts by ex-date, or by note and ex-date."""
        if not isinstance(dividends, pd.Series) or dividends.index.nlevels > 2:
            rule = "a Series of amounts by ex-date, or by note and ex-date"
            raise TermError("dividends", rule=rule, got=type(dividends).__name__)
        days = as_dates(dividends.index.get_level_values(-1), "dividends")
        amounts = as_numbers(dividends.to_numpy(), "dividends")
        if dividends.index.nlevels == 1:
            return cls(days, amounts, None)
        if not labels.is_unique:
            rule = "by ex-date alone where labels of the frame come twice"
            raise TermError("dividends", rule=rule, got="by note and ex-date")
        whose = dividends.index.get_level_values(0)
        places = labels.get_indexer(whose)
        if (places < 0).any():
            row = int(np.argmax(places < 0))
            raise TermError("dividends", rule="of notes of the frame", got=whose[row], row=row)
        return cls(days, amounts, places.astype(np.int64))

    def recipe(self) -> Mapping[str, Any]:
        """Give them as plain values, notes by their positions."""
        whose = {} if self.notes is None else {"notes": self.notes}
        return {"dates": self.dates, "amounts": self.amounts, **whose}

    def of_rows(self, rows: IntArray, size: int) -> dict[str, Any]:
        """Give those of some notes of a frame of a size, as `convertible_value` takes them."""
        if self.notes is None:
            return {"dividend_dates": self.dates, "dividend_amounts": self.amounts}
        place = np.full(size, -1)
        place[rows] = np.arange(rows.size)
        own = place[self.notes]
        some = own >= 0
        return {
            "dividend_dates": self.dates[some],
            "dividend_amounts": self.amounts[some],
            "dividend_notes": own[some],
        }
