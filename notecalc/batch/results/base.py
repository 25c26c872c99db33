"""What every result of scenarios says of itself, and what it computes from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from notecalc.core.arrays import IntArray
from notecalc.deal.deal import Deal
from notecalc.deal.marketfile import MarketCase
from notecalc.errors import Problem, TermError

__all__ = ["NOTE", "SAMPLE", "Column", "Failed", "Inputs", "OptionsError", "Result", "in_parts"]

Inputs = Mapping[str, npt.NDArray[Any]]
Failed: TypeAlias = dict[int, tuple[str, str]]
"""By row: the code and the text of what kept it from being computed."""

SAMPLE = "sample"
"""The input that says which of the samples a scenario has; whoever draws paths draws the same for the same sample."""


NOTE = "note"
"""The input that says which note of a tape a scenario is applied to, by its place; a file has the note's name."""


class OptionsError(TermError):
    """Options of a result, or what it is to be computed of, are wrong; `errors` has all that is, not only the first."""

    def __init__(self, errors: Sequence[TermError]) -> None:
        first, *others = self.errors = tuple(errors)
        super().__init__(first.name, rule=first.rule, got=first.got, hint=first.hint)
        if others:
            self.args = ("\n".join(map(str, self.errors)),)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.errors,)


@dataclass(frozen=True)
class Column:
    """A column of a result: its unit, and what it is."""

    unit: str
    meaning: str
    dtype: str = "float64"
    """Of numpy: ``float64`` or ``datetime64[D]``."""


class Result(ABC):
    """A result of scenarios: arrays in, arrays out, each row by itself.

    Parameters
    ----------
    deal : Deal
        Whose terms hold where no axis says otherwise.
    market : MarketCase, optional
        Whose data do.
    seed : int, optional
        Of what it draws; see `draws_paths`.
    **options
        What a scenario file says under the result's name.
    """

    name: ClassVar[str]
    options: ClassVar[Mapping[str, type]] = {}
    needs_market: ClassVar[bool] = False
    draws_paths: ClassVar[bool] = False
    """Whether it draws numbers of its own, and so takes the seed and, as an input, each scenario's `SAMPLE`."""
    measure: ClassVar[str | None] = None
    """Of the probabilities behind its numbers: ``real-world`` or ``risk-neutral``; None where there are none."""
    uses: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the paths of the deal's terms that it rests on."""

    def __init__(self, deal: Deal, market: MarketCase | None, *, seed: int | None = None, **options: Any) -> None:
        self.deal, self.market, self.seed, self.given = deal, market, seed, options

    @property
    @abstractmethod
    def takes(self) -> Mapping[str, str]:
        """Inputs that it may be given, each with its kind, ``number``, ``date`` or ``word``; see `kind_of` for more."""

    @property
    @abstractmethod
    def columns(self) -> Mapping[str, Column]:
        """Columns of numbers, or of dates, that it gives."""

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """Columns of words that tell the rows of one scenario from each other, such as its holders; none if one row."""
        return {}

    @property
    def replaces(self) -> Mapping[str, str]:
        """By input: paths of terms, as a regular expression, that it does not rest on where the input varies."""
        return {
            "conversion_price": r"series\.[^.]+\.conversion\.conversion_price",
            "policy": r"closing\.excess_policy",
        }

    @property
    def rows(self) -> int:
        """Rows of each scenario."""
        return next((len(words) for words in self.labels.values()), 1)

    @property
    def model(self) -> str | None:
        """The model of valuation whose market data it takes; None for the market file's own."""
        return self.given.get("model")

    def kind_of(self, name: str) -> str | None:
        """Give the kind of an input that it takes; None for others."""
        return self.takes.get(name)

    def reads(self, name: str) -> bool:
        """Tell whether it computes from an input."""
        return self.kind_of(name) is not None or (name == SAMPLE and self.draws_paths)

    @abstractmethod
    def compute(self, inputs: Inputs, size: int) -> Mapping[str, npt.NDArray[Any]]:
        """Give each column for `size` scenarios, their rows side by side where they have several.

        Raises
        ------
        NotecalcError
            An input cannot be; with its row, where that is known.
        """

    def outcome(self, inputs: Inputs, size: int) -> tuple[Mapping[str, npt.NDArray[Any]], Failed]:
        """Give what `compute` gives, and the rows that it is known of alone that they can't be computed."""
        return self.compute(inputs, size), {}

    def lacks(self, axes: Collection[str]) -> Iterator[Problem]:  # noqa: ARG002 (one that needs more says so)
        """Say what it needs that neither the axes nor what scenarios are of have."""
        yield from ()

    def idle(self, axes: Collection[str]) -> Mapping[str, str]:  # noqa: ARG002 (one that has any says so)
        """Name the inputs that it takes but that move nothing beside these axes, each with what they would need."""
        return {}

    def check(self, inputs: Inputs) -> None:  # noqa: ARG002 (of a deal, all of them may be left out)
        """Compute once what would fail in every scenario; `inputs` are those of the first.

        Raises
        ------
        NotecalcError
            It can't be computed.
        """
        self.compute({}, 1)

    def written(self, name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:  # noqa: ARG002 (as they are)
        """Give an input as its column has it."""
        return values

    @property
    def market_data(self) -> Collection[str] | None:
        """Names of the market file's data that it rests on; None for all."""
        return None if self.needs_market else ()

    def default(self, inputs: Inputs, name: str, value: Any, size: int) -> npt.NDArray[Any]:
        """Give an input, or what holds where it does not vary."""
        return inputs[name] if name in inputs else np.full(size, value)


def in_parts(
    parts: Iterable[IntArray], compute: Callable[[IntArray], Mapping[str, npt.NDArray[Any]]]
) -> dict[str, npt.NDArray[Any]]:
    """Compute scenarios part by part, each scenario in one part, and put them together again.

    Raises
    ------
    TermError
        As `compute` does, its rows being those of all scenarios.
    """
    rows, found = [], []
    for part in parts:
        try:
            found.append(compute(part))
        except TermError as error:
            told = error.rows or ([] if error.row is None else [error.row])
            of_all = part[list(told)].tolist()
            row = of_all[0] if of_all else None
            kind = type(error)
            raise kind(
                error.name, rule=error.rule, got=error.got, row=row, hint=error.hint, rows=of_all or None
            ) from error
        rows.append(part)
    back = np.argsort(np.concatenate(rows), kind="stable")
    return {name: np.concatenate([part[name] for part in found])[back] for name in found[0]}
