"""What every result of scenarios says of itself, and what it computes from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from notecalc.deal.deal import Deal
from notecalc.deal.marketfile import MarketCase

__all__ = ["Column", "Inputs", "Result"]

Inputs = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Column:
    """A column of a result: its unit, and what it is."""

    unit: str
    meaning: str


class Result(ABC):
    """A result of scenarios: arrays in, arrays out, each row by itself.

    Parameters
    ----------
    deal : Deal
        Whose terms hold where no axis says otherwise.
    market : MarketCase, optional
        Whose data do.
    **options
        What a scenario file says under the result's name.
    """

    name: ClassVar[str]
    options: ClassVar[Mapping[str, type]] = {}
    needs_market: ClassVar[bool] = False
    uses: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the paths of the deal's terms that it rests on."""

    def __init__(self, deal: Deal, market: MarketCase | None, **options: Any) -> None:
        self.deal, self.market, self.given = deal, market, options

    @property
    @abstractmethod
    def takes(self) -> Mapping[str, str]:
        """Inputs that it may be given, each with its kind: ``number``, ``date`` or ``word``."""

    @property
    @abstractmethod
    def columns(self) -> Mapping[str, Column]:
        """Columns of numbers that it gives."""

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """Columns of words that tell the rows of one scenario from each other, such as its holders; none if one row."""
        return {}

    @property
    def rows(self) -> int:
        """Rows of each scenario."""
        return next((len(words) for words in self.labels.values()), 1)

    @abstractmethod
    def compute(self, inputs: Inputs, size: int) -> Mapping[str, npt.NDArray[Any]]:
        """Give each column for `size` scenarios, their rows side by side where they have several.

        Raises
        ------
        NotecalcError
            An input cannot be; with its row, where that is known.
        """

    def default(self, inputs: Inputs, name: str, value: Any, size: int) -> npt.NDArray[Any]:
        """Give an input, or what holds where it does not vary."""
        return inputs[name] if name in inputs else np.full(size, value)
