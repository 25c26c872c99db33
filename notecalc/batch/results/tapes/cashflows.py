"""What each note of a tape pays from a day on, and what it recovers if its issuer defaults."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.batch.results.base import Column, Failed, Inputs
from notecalc.batch.results.hazards import THRESHOLD, times_of_default
from notecalc.batch.results.tapes.base import TapeResult, failing
from notecalc.core._rows import order_of
from notecalc.core.arrays import DateArray, IntArray
from notecalc.core.money import interest_cents, nearest_cents, to_money
from notecalc.core.schedule import resolve
from notecalc.errors import Problem, TermError

__all__ = ["TapeCashflows"]

_NO_DAY = np.datetime64("NaT", "D")
_WAYS = ("default_on", "default_time", THRESHOLD)


class TapeCashflows(TapeResult):
    """What a note pays on a day and later, as `frame.notecalc.cashflows` from it on, summed [currency]; no measure.

    The day is ``on``, or the market file's. The issuer defaults on ``default_on``; or ``default_time`` years of 365
    days after the day, rounded up to a day; or when the hazard ``default_threshold`` is used up by the note's
    ``hazard_rate``, times ``hazard_rate_factor``: the same threshold for all notes of a scenario. On the day of default
    and later nothing is paid but the ``recovery_rate`` on principal, half up to the cent. A default after the last
    payment is none.
    """

    name = "cashflows"

    @property
    def takes(self) -> Mapping[str, str]:
        """Days, times and rates."""
        numbers = ("default_time", THRESHOLD, "hazard_rate", "hazard_rate_factor", "recovery_rate")
        return {"on": "date", "default_on": "date", **dict.fromkeys(numbers, "number")}

    @property
    def numbers(self) -> Mapping[str, bool]:
        """Rates; which of them must be there depends on what varies."""
        return {"recovery_rate": False, "hazard_rate": False}

    @property
    def columns(self) -> Mapping[str, Column]:
        """Money to the cent."""
        return {
            "interest": Column("currency", "coupons, each to the cent"),
            "principal": Column("currency", "repaid at maturity"),
            "recovered": Column("currency", "of the principal on default"),
            "total": Column("currency", "all that is received"),
        }

    def lacks(self, axes: Collection[str]) -> Iterator[Problem]:
        """Say which rate is missing, or that there are two ways to default."""
        yield from super().lacks(axes)
        ways = [name for name in _WAYS if name in axes]
        if len(ways) > 1:
            yield Problem(f"axes.{ways[1]}", f"must be left out where `{ways[0]}` is given", None)
        needed = {"recovery_rate": bool(ways), "hazard_rate": THRESHOLD in axes}
        for name, must in needed.items():
            if must and name not in {*axes, *self.tape.cells} and self.datum(name) is None:
                rule = f"is missing: results.{self.name} needs it for a default, as an axis, a column or a market's"
                yield Problem(name, rule, None)

    def computed(self, inputs: Inputs, note: IntArray) -> tuple[Mapping[str, npt.NDArray[Any]], Failed]:
        """Count the payments between the day and the default."""
        notes, place = np.unique(note, return_inverse=True)
        terms = self.tape.notes(notes)
        cents, fractions = _cents(terms.principal)
        periods = resolve(terms)
        interest = interest_cents(
            cents[periods.note], terms.annual_rate[periods.note], periods.numerator, periods.denominator
        )
        before = np.concatenate([[0], np.cumsum(interest)])
        last = periods.offsets[1:] - 1
        on = self.days(inputs, note.size)
        default_on, rate, failed = self._default(inputs, note, on, periods.payment_date[last][place])
        failed |= failing(np.isin(place, fractions), "principal", "in whole cents")
        order = order_of(periods.note, periods.payment_date)
        first = np.searchsorted(order, order_of(place, on), side="left")
        some = ~np.isnat(default_on)
        stop = periods.offsets[1:][place]
        stop[some] = np.searchsorted(order, order_of(place[some], default_on[some]), side="left")
        stop = np.maximum(stop, first)
        repaid = (first <= last[place]) & (last[place] < stop)
        lost = some & (first <= last[place]) & ~repaid
        with np.errstate(invalid="ignore"):
            recovered = np.where(lost, np.floor(cents[place] * rate + 0.5), 0.0).astype(np.int64)
        parts = (before[stop] - before[first], np.where(repaid, cents[place], 0), recovered)
        amounts = [np.asarray(to_money(part)) for part in (*parts, np.sum(parts, axis=0))]
        out = dict(zip(self.columns, amounts, strict=True))
        for values in out.values():
            values[[*failed]] = np.nan
        return out, failed

    def _default(
        self, inputs: Inputs, note: IntArray, on: DateArray, last: DateArray
    ) -> tuple[DateArray, npt.NDArray[np.float64], Failed]:
        """Give the day of default of each row, NaT for none, what is recovered, and the rows that fail."""
        nothing: Failed = {}
        if not any(name in inputs for name in _WAYS):
            return np.full(note.size, _NO_DAY), np.zeros(note.size), nothing
        rate = np.broadcast_to(np.asarray(self.number("recovery_rate", inputs, note), dtype=np.float64), (note.size,))
        failed = failing(~((rate >= 0) & (rate <= 1)), "recovery_rate", "a fraction from 0 to 1")
        if "default_on" in inputs:
            day = inputs["default_on"]
            failed |= failing(day <= on, "default_on", "after the day")
        else:
            years = inputs["default_time"] if "default_time" in inputs else self._times(inputs, note, on, failed)
            failed |= failing(~(years > 0), "default_time", "above 0")
            left = (last - on).astype(np.float64)
            days = np.ceil(365 * np.where(years > 0, years, np.inf))
            day = np.where(days <= left, on + np.where(days <= left, days, 0).astype(np.int64), _NO_DAY)
        return np.where(day <= last, day, _NO_DAY), rate, failed

    def _times(self, inputs: Inputs, note: IntArray, on: DateArray, failed: Failed) -> npt.NDArray[np.float64]:
        threshold, hazard = inputs[THRESHOLD], self.number("hazard_rate", inputs, note)
        factor = inputs.get("hazard_rate_factor", np.ones(note.size))
        bad = ~(threshold > 0) | ~(factor > 0)
        failed |= failing(~(threshold > 0), THRESHOLD, "above 0")
        failed |= failing(~(factor > 0), "hazard_rate_factor", "above 0")
        if isinstance(hazard, np.ndarray):
            failed |= failing(~(hazard >= 0), "hazard_rate", "at least 0")
            hazard = np.where(hazard >= 0, hazard, 0.0)
        # A hazard that is twice as high uses up a threshold as one that is half of it.
        return times_of_default(np.where(bad, 1.0, threshold / np.where(bad, 1.0, factor)), hazard, on)


def _cents(principal: npt.NDArray[np.float64]) -> tuple[IntArray, IntArray]:
    """Give principal in cents, and the places of what is in none, as 0."""
    bad, own = np.empty(0, dtype=np.int64), principal.copy()
    while True:
        try:
            return nearest_cents(own, "principal").astype(np.int64), bad
        except TermError as error:
            bad = np.union1d(bad, np.array(error.rows, dtype=np.int64))
            own[bad] = 0.0
