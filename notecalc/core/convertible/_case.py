"""What is given to value convertible notes, as read: rows, their segments, and which solver takes each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NotRequired, TypeAlias, TypedDict

import numpy as np
import pandas as pd

from notecalc.core._coupons import check_within_life
from notecalc.core._layout import Layout
from notecalc.core.arrays import (
    POSITIVE,
    RATE,
    BoolArray,
    Dates,
    FloatArray,
    IntArray,
    Numbers,
    Rule,
)
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._engine import value_rows, value_rows_after_notice
from notecalc.core.convertible._estimate import error_to_expect
from notecalc.core.convertible._fast import GRIDS, value_where_fast
from notecalc.core.convertible._lanes import value_rows_in_lanes
from notecalc.core.convertible._source import Source, read_dividends
from notecalc.core.convertible._timeline import Timelines
from notecalc.core.convertible.moves import Moved
from notecalc.core.convertible.terms import Convertible, Steps
from notecalc.core.curves import Curve
from notecalc.core.words import known_word
from notecalc.errors import TermError

__all__ = ["ACCURACIES", "MODELS", "Case", "Market"]

MODELS = ("tsiveriotis-fernandes", "ayache-forsyth-vetzal", "goldman-sachs")

# Grids (each halves the steps of the one before), nodes and steps of the coarsest, standard deviations to each side.
ACCURACIES = {"fast": (2, 64, 20, 3.0), "standard": (2, 128, 40, 4.0), "reference": (3, 320, 96, 6.5)}

_REFERENCE = "hazard_reference_price"

Rates: TypeAlias = "Numbers | pd.Series[Any] | Steps"

_VOLATILITY = Rule(
    "a decimal above 0 and up to 10",
    lambda x: (x > 0) & (x <= 10),
    lambda x: f"Did you mean {x / 100:g}?" if x > 1 else None,
)
_SHARE = Rule(
    "a fraction from 0 to 1", lambda x: (x >= 0) & (x <= 1), lambda x: f"Did you mean {x / 100:g}?" if x > 1 else None
)
_SPREAD = Rule(
    "a decimal from 0 to 1", lambda x: (x >= 0) & (x <= 1), lambda x: f"Did you mean {x / 100:g}?" if x > 1 else None
)
_HAZARD = Rule(
    "a decimal from 0 to 10", lambda x: (x >= 0) & (x <= 10), lambda x: f"Did you mean {x / 100:g}?" if x > 10 else None
)
_ELASTICITY = Rule("a number from 0 to 10", lambda x: (x >= 0) & (x <= 10))


class Market(TypedDict):
    r"""What the value of a convertible depends on besides its terms; rates are continuous, by actual/365 fixed.

    Parameters
    ----------
    stock_price : numeric
        [currency/share].
    volatility : numeric or Steps
        Of the stock while its issuer is alive [1/yr^0.5], a decimal: 0.6 is sixty per cent. A tree after Hull keeps
        the total volatility of a stock that may jump to nothing; its :math:`\sigma` is
        :math:`\sqrt{\sigma^2 + \lambda}` of this one.
    risk_free : numeric or Curve
        Risk-free rate [1/yr]. It, the volatility, the spread and the hazard rate may be `Moved`, each value otherwise.
    model : {"tsiveriotis-fernandes", "ayache-forsyth-vetzal", "goldman-sachs"}
        See `convertible_value`.
    credit_spread : numeric or Steps
        Spread of the issuer's debt over the risk-free rate [1/yr], for the first and the third model; at most 1.
    hazard_rate : numeric or Steps
        Rate of default [1/yr], for the second; at most 10, for distress goes beyond 1.
    recovery_rate : numeric
        Fraction of the claim that is recovered on default, for the second.
    stock_drop : numeric
        Fraction that the stock loses on default, for the second: 1 is a total loss.
    hazard_elasticity : numeric
        The b of a hazard rate :math:`p (S / S_0)^{-b}`, from 0 to 10; 0 if left out. A default is no likelier for a
        stock that has risen: what rises without bound with the stock no grid settles.
    hazard_reference_price : numeric
        Its S0, the stock price at which the hazard rate is the one given [currency/share]; the row's stock price if
        left out, so that rows of several stock prices have one hazard rate on the day.
    dividend_yield, borrow_cost : numeric
        What the stock pays, and what it costs to borrow [1/yr]; 0 if left out.
    dividend_dates, dividend_amounts : date-like, numeric
        Cash dividends [currency/share] by ex-date. A dividend takes at most half the stock price.
    dividend_notes : int-like
        The note, counted from 0, whose stock pays each of them; if left out, all do.
    accuracy : {"fast", "standard", "reference"}
        How fine the grids are; ``standard`` if left out.
    """

    stock_price: Numbers | pd.Series[Any]
    volatility: Rates
    risk_free: Numbers | pd.Series[Any] | Curve
    model: str
    credit_spread: NotRequired[Rates]
    hazard_rate: NotRequired[Rates]
    recovery_rate: NotRequired[Numbers | pd.Series[Any]]
    stock_drop: NotRequired[Numbers | pd.Series[Any]]
    hazard_elasticity: NotRequired[Numbers | pd.Series[Any]]
    hazard_reference_price: NotRequired[Numbers | pd.Series[Any]]
    dividend_yield: NotRequired[Numbers | pd.Series[Any]]
    borrow_cost: NotRequired[Numbers | pd.Series[Any]]
    dividend_dates: NotRequired[Dates | pd.Series[Any]]
    dividend_amounts: NotRequired[Numbers | pd.Series[Any]]
    dividend_notes: NotRequired[Numbers | pd.Series[Any]]
    accuracy: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Case:
    """Arguments as read: rows, segments, and the numbers of each row in the kernel's order."""

    layout: Layout
    lines: Timelines
    contract: IntArray
    columns: list[FloatArray]
    model: int
    accuracy: str
    source: Source

    @classmethod
    def of(
        cls,
        terms: Convertible,
        settlement: Any,
        market: Mapping[str, Any],
        more: Mapping[str, tuple[Any, Rule]] | None = None,
    ) -> Case:
        """Read the arguments of a function; `more` are numbers of its own."""
        given = dict(market)
        unknown = set(given) - set(Market.__annotations__)
        if unknown:
            name = min(unknown)
            raise TypeError(f"unexpected keyword argument {name!r}: `Market` knows none of that name")
        for name in ("stock_price", "volatility", "risk_free", "model"):
            if name not in given:
                raise TypeError(f"missing a required keyword argument: {name!r}")
        model = known_word("model", given.pop("model"), MODELS)
        accuracy = known_word("accuracy", given.pop("accuracy", "standard"), tuple(ACCURACIES))
        dividends = read_dividends(
            len(terms), *(given.pop(f"dividend_{name}", None) for name in ("dates", "amounts", "notes"))
        )
        credit = _credit_name(model, given)
        fields = {
            "stock_price": (col.STOCK, POSITIVE),
            "volatility": (col.R_VOLATILITY, _VOLATILITY),
            "risk_free": (col.R_RATE, RATE),
            credit: (col.R_CREDIT, _HAZARD if credit == "hazard_rate" else _SPREAD),
            "recovery_rate": (col.RECOVERY, _SHARE),
            "stock_drop": (col.DROP, _SHARE),
            "hazard_elasticity": (col.ELASTICITY, _ELASTICITY),
            _REFERENCE: (col.REFERENCE, POSITIVE),
            "dividend_yield": (col.R_CARRY, RATE),
            "borrow_cost": (col.R_CARRY, RATE),
        }
        in_segment = {"volatility": col.VOLATILITY, "risk_free": col.RATE, credit: col.CREDIT}
        curves: dict[int, Curve | Steps] = {}
        numbers: dict[str, tuple[Any, Rule]] = dict(more or {})
        moves = _moves(given, in_segment)
        given |= {name: part.of for name, part in moves.items()}
        for name, value in given.items():
            if name in in_segment and isinstance(value, Curve if name == "risk_free" else Steps):
                if isinstance(value, Steps):
                    _check_steps(name, value, fields[name][1], len(terms))
                curves[in_segment[name]] = value
            else:
                numbers[name] = (value, fields[name][1])
        _check_notice(model, terms)
        layout = Layout.of(terms.periods, settlement, numbers)
        check_within_life(terms.periods, layout.note, layout.settlement)
        for name, part in moves.items():
            part.check_size(name, layout.row.size)
        source = Source(terms, layout, curves, dividends)
        if source.counts_days and (col.VOLATILITY in curves or "volatility" in moves):
            raise TermError("volatility", rule="a number where a call counts days", got=market["volatility"])
        columns = _columns_of(layout, fields)
        for name in in_segment:
            if isinstance(given.get(name), Steps):
                columns[fields[name][0]] = _missing_steps(given[name], len(terms))[layout.note[layout.row]]
        own = {column: columns[fields[name][0]] for name, column in in_segment.items()}
        source = replace(source, moves={in_segment[name]: part for name, part in moves.items()}, own=own)
        lines, contract = source.lay_out(columns[col.R_VOLATILITY])
        _check_moved(credit, moves, lines)
        return cls(layout, lines, contract, columns, MODELS.index(model), accuracy, source)

    @property
    def settings(self) -> FloatArray:
        """What the kernels take."""
        return np.array([*ACCURACIES[self.accuracy], self.model], dtype=np.float64)

    def solve(self) -> list[FloatArray]:
        """Give value, delta, gamma, theta per year and the estimate of the error."""
        return self.solve_and_tell_stretches()[0]

    def solve_and_tell_stretches(self) -> tuple[list[FloatArray], BoolArray]:
        """Give what `solve` does, and which rows are converted in a stretch of stock prices below their edge, too.

        Rows are valued in vectors, but for those with terms that only the engine knows and, by the model of one
        unknown, on the finest grids; fastest those of that model with constant coefficients.
        """
        out, columns = [np.empty(self.contract.size) for _ in range(5)], self.columns
        stretch = np.zeros(self.contract.size, dtype=np.bool_)
        rows, by_hazard = np.arange(self.contract.size), self.model == col.AYACHE_FORSYTH_VETZAL
        if by_hazard and self.accuracy in GRIDS:
            rows = value_where_fast(self.lines.simple, GRIDS[self.accuracy], self.contract, columns, out)
        if not rows.size:
            return out, stretch
        lines, contract = self.lines.of_rows(self.contract[rows])
        flat, general = lines.table.reshape(-1), lines.needs_general[contract]
        one_by_one = np.full(rows.size, self.accuracy not in GRIDS and by_hazard) | general
        noticed = lines.needs_notice[contract]
        for run, chosen in (
            (value_rows, one_by_one & ~noticed),
            (value_rows_after_notice, one_by_one & noticed),  # they have a solver of their own
            (value_rows_in_lanes, ~one_by_one),
        ):
            some = np.flatnonzero(chosen)
            if not some.size:
                continue
            whose, own = contract[some], [column[rows[some]] for column in columns]
            found = [np.empty(some.size) for _ in out]
            run(lines.offsets, flat, self.settings, whose, *own, *found)
            stretch[rows[some]] = np.signbit(found[-1]) & ~np.isnan(found[-1])
            found[-1] = error_to_expect(found[-1], lines.offsets, lines.table, whose, own, self.model, self.accuracy)
            for part, values in zip(out, found, strict=True):
                part[rows[some]] = values
        return out, stretch

    def at(self, column: int, values: FloatArray) -> Case:
        """Give the rows with other numbers in a column; calls that count days are laid out anew for a volatility."""
        columns = list(self.columns)
        columns[column] = values
        if column == col.STOCK and _REFERENCE not in self.layout.numbers:
            columns[col.REFERENCE] = values
        lines, contract = self.lines, self.contract
        if column == col.R_VOLATILITY and self.source.counts_days:
            lines, contract = self.source.lay_out(values)
        return replace(self, lines=lines, contract=contract, columns=columns)

    def moved(self, column: int, by: Any) -> Case:
        """Give the rows with one of their numbers moved, in rows and in segments."""
        case = self.at(column, self.columns[column] + by)
        in_segment = {col.R_VOLATILITY: col.VOLATILITY, col.R_RATE: col.RATE, col.R_CREDIT: col.CREDIT}
        if column not in in_segment or np.isnan(case.lines.table[:, in_segment[column]]).all():
            return case
        table = case.lines.table.copy()
        table[:, in_segment[column]] += by
        return replace(case, lines=replace(case.lines, table=table))


def _columns_of(layout: Layout, fields: Mapping[str, tuple[int, Rule]]) -> list[FloatArray]:
    """Give the numbers of each row in the kernels' order, those of one column added up; none is written to."""
    nothing = np.zeros(layout.row.size)
    columns = [nothing] * col.MARKET
    for name, (column, _) in fields.items():
        if name in layout.numbers:
            own = layout.numbers[name]
            columns[column] = own if columns[column] is nothing else columns[column] + own
    if _REFERENCE not in layout.numbers:
        columns[col.REFERENCE] = columns[col.STOCK]
    return columns


def _check_steps(name: str, steps: Steps, rule: Rule, size: int) -> None:
    """Raise where steps break the rule of their numbers, or are neither one row nor one for each note."""
    rule.check(name, np.ravel(steps.values))
    shape = np.shape(steps.values)
    if shape[:-1] not in {(), (size,)}:
        raise TermError(name, rule=f"one row of steps, or one for each of {size} notes", got=shape)


def _moves(given: Mapping[str, Any], may: Mapping[str, int]) -> dict[str, Moved]:
    """Give what is moved, which only some numbers may be."""
    moves = {name: part for name, part in given.items() if isinstance(part, Moved)}
    for name in moves:
        if name not in may:
            raise TermError(name, rule="numbers, which nothing moves", got="Moved")
    return moves


def _check_moved(credit: str, moves: Mapping[str, Moved], lines: Timelines) -> None:
    """Raise where what was moved, and so has segments for each row, cannot be what it is in one of them."""
    row = np.repeat(np.arange(lines.offsets.size - 1), np.diff(lines.offsets))
    used = {credit: lines.table[:, col.CREDIT], "volatility": lines.table[:, col.VOLATILITY]}
    for name in [name for name in used if name in moves]:
        rule, wrong = "at least 0", used[name] < 0
        if name == "volatility":
            rule, wrong = "above 0 and up to 10", (used[name] <= 0) | (used[name] > 10)
        if wrong.any():
            rows = np.unique(row[wrong]).tolist()
            got = float(used[name][wrong][0])
            raise TermError(name, rule=f"{rule} at all times once it is moved", got=got, row=rows[0], rows=rows)


def _missing_steps(given: Steps, size: int) -> FloatArray:
    """Give NaN for each note one of whose steps is missing, else 0.

    In a segment NaN means the row's own number, which must then be missing, too.
    """
    missing = np.isnan(given.values).any(axis=-1)
    return np.where(np.broadcast_to(missing, (size,)), np.nan, 0.0)


def _check_notice(model: str, terms: Convertible) -> None:
    """Raise for the third model where a call needs notice: it says of no amount whether that will be paid in cash."""
    if model == MODELS[col.GOLDMAN_SACHS] and any((call.notice_days > 0).any() for call in terms.calls):
        rule = f"{MODELS[0]!r} or {MODELS[1]!r} where a call needs notice"
        raise TermError("model", rule=rule, got=model)


def _credit_name(model: str, given: Mapping[str, Any]) -> str:
    """Give the argument that holds a model's credit; what another model takes is refused, what is needed asked for."""
    by_hazard = model == MODELS[col.AYACHE_FORSYTH_VETZAL]
    own = ("hazard_rate", "recovery_rate", "stock_drop") if by_hazard else ("credit_spread",)
    of_hazard = ("hazard_rate", "recovery_rate", "stock_drop", "hazard_elasticity", _REFERENCE)
    others = ("credit_spread",) if by_hazard else of_hazard
    for name in own:
        if given.get(name) is None:
            raise TermError(name, rule=f"given with model {model!r}", got=None)
    for name in others:
        if name in given:
            raise TermError(name, rule=f"left out with model {model!r}", got=given[name])
    return own[0]
