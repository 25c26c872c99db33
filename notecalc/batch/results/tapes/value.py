"""The value of each note of a tape as a convertible, and its Greeks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from notecalc.batch.results.base import Column, Failed, Inputs
from notecalc.batch.results.moving import is_pillar, moved, moving_inputs
from notecalc.batch.results.tapes.base import TapeResult
from notecalc.batch.results.value import value_columns
from notecalc.batch.taped import faults_of
from notecalc.core.arrays import IntArray
from notecalc.core.convertible.moves import Moved
from notecalc.core.convertible.terms import CLAIMS, ON_CALL, ON_CONVERSION, PAID_IN, Steps
from notecalc.core.convertible.valuation import ACCURACIES, MODELS, convertible_greeks, convertible_value
from notecalc.core.curves import Curve
from notecalc.core.schedule import resolve
from notecalc.core.words import known_word
from notecalc.errors import Problem, TermError
from notecalc.tape import results
from notecalc.tape.convertibles import CashDividends, convertibles
from notecalc.tape.valued import VALUATION_COLUMNS

__all__ = ["TapeValue"]

_TERMS = ("conversion_", "call_", "put_", "redemption_")
_BY_SPREAD, _BY_HAZARD = ("credit_spread",), ("hazard_rate", "recovery_rate", "stock_drop")
_ELASTIC = ("hazard_elasticity", "hazard_reference_price")
_NEEDED = ("conversion_price", "stock_price", "volatility", "risk_free")
_AT_ONCE = 8_192  # contracts that are laid out together
_FEW = 64  # values of one contract below which it is not worth a call with others of as many


class TapeValue(TapeResult):
    """Value of a note as a convertible under the risk-neutral measure, and first-order Greeks.

    The numbers are those of `frame.notecalc.convertible_value` and `convertible_greeks`, per 100 of principal, on the
    day ``on`` or the market file's. What an axis replaces or moves, see `results.value.Value`, it does so for every
    note: ``stock_price_factor`` is for all what ``stock_price`` is for one. Term structures are the market file's.
    ``model`` is the market file's if left out; ``accrued_on_conversion`` must be said, and ``accrued_on_call``,
    ``recovery_claim``, ``redemption_in`` and ``call_days`` are as for the accessor.
    """

    name = "value"
    options: ClassVar[Mapping[str, type]] = {
        "model": str,
        "accuracy": str,
        "greeks": bool,
        "accrued_on_conversion": str,
        "accrued_on_call": str,
        "recovery_claim": str,
        "redemption_in": str,
        "call_days": list,
    }
    measure = "risk-neutral"

    def __init__(self, tape: Any, market: Any, *, seed: int | None = None, **options: Any) -> None:
        super().__init__(tape, market, seed=seed, **options)
        stated = options.get("model", None if market is None else market.model)
        self._model = known_word("value.model", stated, MODELS)
        self._accuracy = known_word("value.accuracy", options.get("accuracy", "standard"), tuple(ACCURACIES))
        words = {"accrued_on_conversion": ON_CONVERSION, "accrued_on_call": ON_CALL, "recovery_claim": CLAIMS}
        words |= {"redemption_in": PAID_IN}
        self._words = {
            name: known_word(f"value.{name}", options.get(name), allowed)
            for name, allowed in words.items()
            if name in options or name == "accrued_on_conversion"
        }
        self._days = _days_of(options["call_days"]) if "call_days" in options else None

    @property
    def model(self) -> str:
        """The model whose credit it takes."""
        return self._model

    @property
    def numbers(self) -> Mapping[str, bool]:
        """Terms and market; the credit is that of the model."""
        by_hazard = self._model == "ayache-forsyth-vetzal"
        own, others = (_BY_HAZARD, _BY_SPREAD) if by_hazard else (_BY_SPREAD, (*_BY_HAZARD, *_ELASTIC))
        return {name: name in {*_NEEDED, *own} for name in VALUATION_COLUMNS if name not in others}

    @property
    def _market_names(self) -> list[str]:
        return [name for name in self.numbers if not name.startswith(_TERMS)]

    @property
    def takes(self) -> Mapping[str, str]:
        """The market's numbers, what moves them, the conversion price, and the day."""
        numbers = {*self._market_names, "conversion_price", *moving_inputs(self._market_names)}
        return {"on": "date", **dict.fromkeys(sorted(numbers), "number")}

    def kind_of(self, name: str) -> str | None:
        """Pillars, too, are numbers."""
        return "number" if is_pillar(name, self._market_names) else super().kind_of(name)

    def may_be_blank(self, name: str) -> bool:
        """Windows may be open; of the market nothing may be missing."""
        return name.startswith(_TERMS) and name != "conversion_price"

    def lacks(self, axes: Collection[str]) -> Iterator[Problem]:
        """Say which numbers there are nowhere, or that a place on a curve has no day to count from."""
        yield from super().lacks(axes)
        for name in axes:
            if self.market is None and "_shift." in name and self.kind_of(name) is not None:
                yield Problem(f"axes.{name}", "needs a market file, from whose day its terms are counted", None)

    @property
    def columns(self) -> Mapping[str, Column]:
        """Prices per 100 of principal, and sensitivities if asked for."""
        return value_columns("currency", greeks=bool(self.given.get("greeks")))

    def computed(self, inputs: Inputs, note: IntArray) -> tuple[Mapping[str, npt.NDArray[Any]], Failed]:
        """Value rows of one contract together, those of as many rows in one call; where one fails, halve them."""
        out = {name: np.full(note.size, np.nan) for name in self.columns}
        failed: Failed = {}
        numbers = self._numbers(inputs, note)
        on = self.days(inputs, note.size)
        waiting = [*self._rectangles(inputs, note, numbers)]
        while waiting:
            rows = waiting.pop()
            try:
                found = self._valued(rows, note, numbers, on)
            except TermError:
                if rows.shape[1] > 1:
                    waiting += [np.ascontiguousarray(part) for part in np.array_split(rows, 2, axis=1)]
                    continue
                found, wrong = self._one_by_one(rows[:, 0], note, numbers, on)
                failed |= {int(rows[k, 0]): told for k, told in wrong.items()}
            for name, values in found.items():
                out[name][rows] = np.reshape(values, rows.shape)
        return out, failed

    def _numbers(self, inputs: Inputs, note: IntArray) -> dict[str, Any]:
        """Give each number: one for each row, one for all, or a term structure."""
        found = {name: self.number(name, inputs, note) for name in self.numbers}
        on = dt.date.min if self.market is None else self.market.on  # no term structure, and so no place in one
        return {name: moved(name, value, inputs, on) for name, value in found.items() if value is not None}

    def _rectangles(self, inputs: Inputs, note: IntArray, numbers: Mapping[str, Any]) -> Iterator[IntArray]:
        """Give rows as tables, a column for each contract."""
        keys = note
        if "conversion_price" in inputs:
            prices, place = np.unique(inputs["conversion_price"], return_inverse=True)
            keys = note * prices.size + place
        _, contract = np.unique(keys, return_inverse=True)
        order, counts = np.argsort(contract, kind="stable"), np.bincount(contract)
        starts = np.cumsum(counts) - counts
        alone = [np.empty(0, dtype=np.int64)]
        moves = any(isinstance(value, Moved) for value in numbers.values())
        for count in np.unique(counts).tolist():
            rows = order[starts[counts == count] + np.arange(count)[:, np.newaxis]]
            if rows.size < _FEW:
                alone.append(rows.reshape(-1))
                continue
            wide = max(1, _AT_ONCE // count) if moves else _AT_ONCE
            deep = _AT_ONCE if moves else count
            for k in range(0, rows.shape[1], wide):
                for j in range(0, count, deep):
                    yield np.ascontiguousarray(rows[j : j + deep, k : k + wide])
        rest = np.sort(np.concatenate(alone))
        if rest.size:
            yield rest[np.newaxis]

    def _valued(
        self, rows: IntArray, note: IntArray, numbers: Mapping[str, Any], on: npt.NDArray[Any]
    ) -> dict[str, npt.NDArray[Any]]:
        """Value a table of rows, each column one contract."""
        first = rows[0]
        terms = {name: _of(value, first) for name, value in numbers.items() if name.startswith(_TERMS)}
        market = {name: _of(value, rows) for name, value in numbers.items() if not name.startswith(_TERMS)}
        contracts = convertibles(resolve(self.tape.notes(note[first])), terms, self._days, self._words)
        return self._asked(
            lambda function: function(
                contracts, on[rows], model=self._model, accuracy=self._accuracy, **market, **self._dividends()
            )
        )

    def _one_by_one(
        self, rows: IntArray, note: IntArray, numbers: Mapping[str, Any], on: npt.NDArray[Any]
    ) -> tuple[dict[str, npt.NDArray[Any]], Failed]:
        """Value the rows of one contract as a tape of their own, which tells whose fault it is."""
        wrong: Failed = {}

        def valued(function: Callable[..., Any]) -> Any:
            tape = self.tape.rows(note[rows])
            found = getattr(results, function.__name__)(
                tape,
                settlement=on[rows],
                model=self._model,
                accuracy=self._accuracy,
                numbers={name: _of(value, rows) for name, value in numbers.items()},
                for_all={**self._for_all(), "call_days": self._days} if self._days else self._for_all(),
                accrued_on_conversion=self._words["accrued_on_conversion"],
            )
            for row, told in faults_of(tape.problems).items():
                wrong.setdefault(row, told)
            return found

        return self._asked(valued), wrong

    def _for_all(self) -> dict[str, Any]:
        words: dict[str, Any] = {**self._words}
        del words["accrued_on_conversion"]
        paid = self._dividends()
        if paid:
            words["dividends"] = CashDividends(paid["dividend_dates"], paid["dividend_amounts"], None)
        return words

    def _asked(self, ask: Callable[[Callable[..., Any]], Any]) -> dict[str, npt.NDArray[Any]]:
        """Ask for the value and, if they are wanted, the Greeks, and give both by name."""
        found: dict[str, npt.NDArray[Any]] = {}
        for function in (convertible_greeks, convertible_value)[not self.given.get("greeks") :]:
            made = ask(function)
            found |= {name: np.asarray(getattr(made, name)) for name in self.columns if hasattr(made, name)}
        return found

    def _dividends(self) -> dict[str, Any]:
        paid = self.datum("dividends")
        if paid is None:
            return {}
        days = np.array([*paid], dtype="datetime64[D]")
        return {"dividend_dates": days, "dividend_amounts": np.array([*paid.values()], dtype=np.float64)}


def _of(value: Any, rows: IntArray) -> Any:
    """Give a number of some rows; what is one for all as it is."""
    if isinstance(value, Moved):
        return value.take(rows)
    if isinstance(value, Steps | Curve):
        return value
    return np.broadcast_to(value, rows.shape) if np.ndim(value) == 0 else value[rows]


def _days_of(given: Any) -> tuple[int, int]:
    days = [*given]
    if len(days) != 2 or not all(isinstance(each, int) and each > 0 for each in days):
        raise TermError("value.call_days", rule="two whole numbers, such as [20, 30]", got=days)
    return days[0], days[1]
