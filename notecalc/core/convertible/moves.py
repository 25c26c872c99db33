"""Curves moved otherwise for each value: by a factor, and by shifts of their zero rates.

One curve is laid out once for all values of a note; what moves it is added, segment by segment, to a copy for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.core.arrays import FINITE, POSITIVE, Date, FloatArray, IntArray, as_date, as_numbers, forbid
from notecalc.core.convertible.terms import Steps
from notecalc.core.curves import Curve
from notecalc.errors import TermError

__all__ = ["DECAY", "FACTORS", "Moved", "moved_tables"]

FACTORS = ("level", "slope", "curvature")
DECAY = 12 * 0.0609
"""Of the loadings of slope and curvature [1/yr], by Diebold and Li (2006), who have 0.0609 a month."""


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Moved:
    r"""A risk-free rate, a volatility, a spread or a hazard rate, moved otherwise for each value.

    .. math:: z'(t) = c \, z(t) + \beta_1 + \beta_2 \frac{1 - e^{-\lambda t}}{\lambda t}
        + \beta_3 \left( \frac{1 - e^{-\lambda t}}{\lambda t} - e^{-\lambda t} \right) + s(t)

    z being zero rates, or averages of the rate from the first day on, continuous and by actual/365 fixed. s is linear
    in time between the pillars, level before the first and after the last.

    Parameters
    ----------
    of : number, array, Steps or Curve
        What is moved.
    reference_date : date-like
        The day from which t counts.
    factor : numeric, optional
        c, of each value; 1 if left out.
    shifts : mapping of str to numeric, optional
        The betas, by the names of `FACTORS` [1/yr], of each value; 0 where left out.
    pillars : numeric, optional
        Times of the pillars [yr], rising.
    at_pillars : numeric, shape (values, pillars), optional
        s at the pillars, of each value [1/yr].

    Raises
    ------
    TermError
        A factor of 0 or less, a shift that is no number, pillars that don't rise.

    References
    ----------
    F. X. Diebold and C. Li, Forecasting the term structure of government bond yields, J. Econometrics 130 (2006).
    """

    of: Any
    reference_date: np.datetime64
    factor: FloatArray | None
    shifts: dict[str, FloatArray]
    pillars: FloatArray
    at_pillars: FloatArray

    def __init__(
        self,
        of: Any,
        reference_date: Date,
        *,
        factor: Any = None,
        shifts: Mapping[str, Any] | None = None,
        pillars: Any = (),
        at_pillars: Any = (),
    ) -> None:
        betas = {name: np.atleast_1d(as_numbers(values, name)) for name, values in (shifts or {}).items()}
        years, sizes = np.atleast_1d(as_numbers(pillars, "pillars")), as_numbers(at_pillars, "at_pillars")
        for name, values in betas.items():
            if name not in FACTORS:
                raise TermError("shifts", rule=f"of {', '.join(FACTORS)}", got=name)
            FINITE.check(name, values)
        if years.size and (sizes.ndim != 2 or sizes.shape[1] != years.size):
            raise TermError("at_pillars", rule=f"a column for each of {years.size} pillars", got=sizes.shape)
        FINITE.check("at_pillars", sizes.reshape(-1))
        forbid("pillars", years[1:], ~(years[1:] > years[:-1]), "rising")
        scale = None if factor is None else np.atleast_1d(as_numbers(factor, "factor"))
        if scale is not None:
            POSITIVE.check("factor", scale)
        first = as_date(reference_date, "reference_date")
        own = {"of": of, "reference_date": first, "factor": scale, "shifts": betas}
        for name, value in {**own, "pillars": years, "at_pillars": sizes}.items():
            object.__setattr__(self, name, value)

    def check_size(self, name: str, size: int) -> None:
        """Raise unless there is a move for each of so many values."""
        given = [*self.shifts.values(), *([] if self.factor is None else [self.factor])]
        given += [self.at_pillars] if self.pillars.size else []
        for values in given:
            if len(values) != size:
                raise TermError(name, rule=f"moved once for each of {size} values", got=f"{len(values)} moves")

    @property
    def base(self) -> Curve | Steps | None:
        """What is moved, if it is a curve."""
        return self.of if isinstance(self.of, Curve | Steps) else None

    def take(self, rows: IntArray) -> Moved:
        """Give the moves of some values, their numbers in the shape in which they are asked for."""
        of = self.of if self.base is not None or np.ndim(self.of) == 0 else np.asarray(self.of)[rows]
        rows = rows.reshape(-1)
        return Moved(
            of,
            self.reference_date,
            factor=None if self.factor is None else self.factor[rows],
            shifts={name: values[rows] for name, values in self.shifts.items()},
            pillars=self.pillars,
            at_pillars=self.at_pillars[rows] if self.pillars.size else (),
        )

    def apply(self, rates: FloatArray, row: IntArray, start: FloatArray, length: FloatArray) -> FloatArray:
        """Give the rates of segments, which are averages from a start [yr from the first day] over a length.

        Parameters
        ----------
        rates : float64 array, shape (segments,)
            As they are.
        row : int64 array
            The value that each segment is of.
        start, length : float64 arrays
            In years from the reference date.
        """
        end = start + length
        made = rates if self.factor is None else rates * self.factor[row]
        loads = dict(zip(FACTORS, _integrals(end), strict=True)) if self.shifts else {}
        before = dict(zip(FACTORS, _integrals(start), strict=True)) if self.shifts else {}
        for name, sizes in self.shifts.items():
            made = made + sizes[row] * (loads[name] - before[name]) / length
        for k in range(self.pillars.size):
            unit = np.eye(self.pillars.size)[k]
            load = (_at(end, self.pillars, unit) * end - _at(start, self.pillars, unit) * start) / length
            made = made + self.at_pillars[row, k] * load
        return made


def _at(years: FloatArray, pillars: FloatArray, values: FloatArray) -> FloatArray:
    found: FloatArray = np.interp(years, pillars, values)
    return found


def _integrals(years: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the loadings of a zero rate times the years."""
    slope = -np.expm1(-DECAY * years) / DECAY
    return years, slope, slope - years * np.exp(-DECAY * years)


def moved_tables(
    moves: Mapping[int, Moved],
    own: Mapping[int, npt.NDArray[np.float64]],
    offsets: IntArray,
    table: FloatArray,
    length_column: int,
    pair: IntArray,
    days_after: Mapping[int, FloatArray],
) -> tuple[IntArray, FloatArray]:
    """Give a copy of the segments of its pair for each row, moved.

    Parameters
    ----------
    moves : mapping
        By the column that each moves.
    own : mapping
        By the column, the row's own numbers, for segments where it is NaN.
    offsets, table : arrays
        The segments of pairs.
    length_column : int
        Where the table has their lengths.
    pair : int64 array
        Of each row.
    days_after : mapping
        By the column, the years from its reference date to the first day of each row.
    """
    counts = np.diff(offsets)[pair]
    begun = np.concatenate([[0], np.cumsum(counts)])
    row = np.repeat(np.arange(pair.size), counts)
    made = table[np.arange(row.size) - begun[row] + offsets[pair[row]]]
    length = made[:, length_column]
    days = np.rint(length * 365).astype(np.int64)  # whole, so that no row's sum depends on those before it
    run = np.cumsum(days) - days
    since = (run - run[begun[row]]) / 365
    for column, move in moves.items():
        rates = np.where(np.isnan(made[:, column]), own[column][row], made[:, column])
        made[:, column] = move.apply(rates, row, days_after[column][row] + since, length)
    return begun, made
