"""What every result of a tape's notes has in common: where its numbers come from, and whose fault it is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from notecalc.batch.results.base import NOTE, Failed, Inputs, Result
from notecalc.core.arrays import IntArray
from notecalc.deal.marketfile import MarketCase
from notecalc.errors import Problem

if TYPE_CHECKING:
    from notecalc.batch.taped import ScenarioTape

__all__ = ["TapeResult", "failing"]


class TapeResult(Result):
    """A result of the notes of a tape, a row for each scenario of a note.

    A number is the axis's that has its name, else the tape's column's, else the market file's.

    Parameters
    ----------
    tape : ScenarioTape
        The notes.
    market : MarketCase, optional
        Whose data hold where the tape has no column.
    seed : int, optional
        Unused: nothing is drawn.
    **options
        What a scenario file says under the result's name.
    """

    def __init__(
        self, tape: ScenarioTape, market: MarketCase | None, *, seed: int | None = None, **options: Any
    ) -> None:
        self.tape, self.market, self.seed, self.given = tape, market, seed, options

    @property
    def numbers(self) -> Mapping[str, bool]:
        """Names of the numbers that it takes from where they are, and whether each must be there."""
        return {}

    def may_be_blank(self, name: str) -> bool:
        """Tell whether a number's column may have blank cells."""
        return not self.numbers[name]

    @abstractmethod
    def computed(self, inputs: Inputs, note: IntArray) -> tuple[Mapping[str, npt.NDArray[Any]], Failed]:
        """Give each column for scenarios of good notes whose numbers are all there, and the rows that fail."""

    def reads(self, name: str) -> bool:
        """What it takes, and the note."""
        return name == NOTE or super().reads(name)

    @property
    def market_data(self) -> Collection[str] | None:
        """The market file's data that no column of the tape stands for."""
        return {name for name in self.numbers if name not in self.tape.cells}

    def written(self, name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Give a note's name in the place of its place."""
        return self.tape.ids[values] if name == NOTE else values

    def lacks(self, axes: Collection[str]) -> Iterator[Problem]:
        """Say which numbers there are nowhere, and whether there is a day."""
        known = {*axes, *self.tape.cells}
        for name, needed in self.numbers.items():
            if needed and name not in known and self.datum(name) is None:
                rule = f"is missing: results.{self.name} needs it, as an axis, a column of the tape or a market's datum"
                yield Problem(name, rule, None)
        if "on" in self.takes and "on" not in axes and self.market is None:
            rule = f"is missing: results.{self.name} needs a day, as an axis or that of a market"
            yield Problem("axes.on", rule, None)

    def check(self, inputs: Inputs) -> None:
        """Compute the first scenario of the first good note, whatever becomes of it."""
        good = np.flatnonzero(self.tape.place >= 0)
        if good.size:
            own = {name: values[:1] for name, values in inputs.items() if self.reads(name)}
            self.outcome({**own, NOTE: good[:1]}, 1)

    def datum(self, name: str) -> Any | None:
        """Give a market file's datum; None where it has none."""
        found = None if self.market is None else getattr(self.market.terms, name, None)
        return None if found is None or self.market is None else found.quote(self.market.on).value

    def number(self, name: str, inputs: Inputs, note: IntArray) -> Any:
        """Give a number of each row, or the market file's for all; None where there is none."""
        if name in inputs:
            return inputs[name]
        if name in self.tape.cells:
            return self.tape.cells[name].values[note]
        return self.datum(name)

    def days(self, inputs: Inputs, size: int) -> npt.NDArray[Any]:
        """Give the day of each row."""
        day = np.datetime64("NaT") if self.market is None else np.datetime64(self.market.on)
        return self.default(inputs, "on", day.astype("datetime64[D]"), size)

    def compute(self, inputs: Inputs, size: int) -> Mapping[str, npt.NDArray[Any]]:
        """Give each column; missing where a row fails."""
        return self.outcome(inputs, size)[0]

    def outcome(self, inputs: Inputs, size: int) -> tuple[Mapping[str, npt.NDArray[Any]], Failed]:
        """Compute the scenarios of good notes; of the others say what is wrong with them."""
        note = inputs[NOTE]
        failed = self._known(inputs, note)
        rows = np.delete(np.arange(size), [*failed])
        out = {name: np.full(size, np.nan) for name in self.columns}
        if rows.size:
            own = {name: values[rows] for name, values in inputs.items() if name != NOTE}
            found, wrong = self.computed(own, note[rows])
            failed |= {int(rows[row]): told for row, told in wrong.items()}
            for name, values in found.items():
                out[name][rows] = values
        return out, {row: (code, f"note {self.tape.ids[note[row]]}: {text}") for row, (code, text) in failed.items()}

    def _known(self, inputs: Inputs, note: IntArray) -> Failed:
        """Say which rows are of notes with a bad cell, or without one that must be there."""
        notes, place = np.unique(note, return_inverse=True)
        wrong: Failed = {}

        def blame(bad: npt.NDArray[np.bool_], told: Mapping[int, tuple[str, str]], name: str) -> None:
            for k in np.flatnonzero(bad).tolist():
                wrong.setdefault(k, told.get(int(notes[k]), (name, f"`{name}` must be given")))

        blame(self.tape.place[notes] < 0, self.tape.wrong, "")
        for name in self.numbers:
            cells = None if name in inputs else self.tape.cells.get(name)
            if cells is not None:
                missing = np.isnan(cells.values[notes]) & (not self.may_be_blank(name))
                blame(np.isin(notes, [*cells.wrong]) | missing, cells.wrong, name)
        if not wrong:
            return {}
        rows = np.flatnonzero(np.isin(place, [*wrong]))
        return {int(row): wrong[int(place[row])] for row in rows}


def failing(bad: npt.NDArray[np.bool_], name: str, rule: str) -> Failed:
    """Say of rows that they break a rule; what each had stands beside it in the input's column."""
    return dict.fromkeys(np.flatnonzero(bad).tolist(), (name, f"`{name}` must be {rule}"))
