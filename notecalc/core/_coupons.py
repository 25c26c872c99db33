"""What the holder of a note that settles on a day is still to be paid, and how long from then on.

From the periods of `schedule` to flat amounts and gaps in years; discounting is in `_discounting`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.core._coupon_years import accrued_years, counting, step_years, years_by, years_to_coupon
from notecalc.core._discounting import compiled
from notecalc.core._laying_out import find_periods, lay_out
from notecalc.core._rows import one_each
from notecalc.core.arrays import FINITE, DateArray, FloatArray, IntArray, as_numbers, forbid
from notecalc.core.notes import Periods
from notecalc.errors import TermError

__all__ = ["STREET", "Coupons", "RemainingFlows", "check_within_life", "find_each"]

STREET = "street"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RemainingFlows:
    """Flows that are still to come, per 100 of principal: those of row i are ``offsets[i]`` to ``offsets[i + 1]``.

    Parameters
    ----------
    offsets : int64 array, n + 1
        Where each row's flows begin.
    amount : float64 array
        Coupons, the last with the redemption [per 100 of principal].
    gap : float64 array
        Years from the flow before, or from settlement [yr]. In the street convention a coupon period is a whole
        fraction of a year, so that compounding as often as coupons are paid is by the period.
    even : int8 array, n
        1 where all gaps but a row's first are known to be alike.
    accrued : float64 array, n
        Interest accrued at settlement [per 100]; negative from the ex-date on.
    settlement : datetime64[D] array, n
        From when times are counted.
    first : int64 array, n
        The first element of `payment_date` that is a row's own.
    payment_date : datetime64[D] array
        Payment dates of all periods.
    """

    offsets: IntArray
    amount: FloatArray
    gap: FloatArray
    even: npt.NDArray[np.int8]
    accrued: FloatArray
    settlement: DateArray
    first: IntArray
    payment_date: DateArray

    def __len__(self) -> int:
        return self.accrued.size

    @property
    def counts(self) -> IntArray:
        """How many flows each row has."""
        return np.diff(self.offsets)

    @property
    def wait(self) -> FloatArray:
        """Years from settlement to the first flow of each row [yr]."""
        return self.gap[self.offsets[:-1]]

    @property
    def row(self) -> IntArray:
        """The row of each flow."""
        return np.repeat(np.arange(len(self)), self.counts)

    @property
    def period(self) -> IntArray:
        """The period of each flow."""
        rows = self.row
        return self.first[rows] + np.arange(rows.size) - self.offsets[rows]

    @property
    def date(self) -> DateArray:
        """When each flow is paid."""
        return self.payment_date[self.period]

    @property
    def time(self) -> FloatArray:
        """Years from settlement to each flow [yr]."""
        time, begins, ends = self.gap.copy(), self.offsets[:-1], self.offsets[1:]
        for k in range(1, int(np.diff(self.offsets).max(initial=0))):  # row by row: no digit is lost to other rows
            place = (begins + k)[begins + k < ends]
            time[place] += time[place - 1]
        return time


@dataclass(frozen=True, slots=True, eq=False)
class Coupons:
    """What the periods of notes pay, by terms that are checked once, for whichever settlements are asked for.

    Parameters
    ----------
    periods : Periods
        The periods of n notes.
    timing : str
        ``street``, or the day count by which times to payment dates are measured.
    rate : float64 array
        Coupon rate [1/yr] of each note, or of each period.
    by_note : bool
        Which of the two.
    redemption : float64 array, n
        What is paid at maturity beside the coupon [per 100 of principal].
    counting : int64 array, n
        See `counting`.
    """

    periods: Periods
    timing: str
    rate: FloatArray
    by_note: bool
    redemption: FloatArray
    counting: IntArray

    @classmethod
    def of(cls, periods: Periods, *, timing: str = STREET, coupon_rate: Any = None, redemption: Any = 100.0) -> Coupons:
        """Check terms of which any may be left out; see `FlowTerms`."""
        rate = periods.notes.annual_rate
        if coupon_rate is not None:
            rate = as_numbers(coupon_rate, "coupon_rate")
            if rate.shape != (len(periods),):
                raise TermError("coupon_rate", rule=f"one rate for each period ({len(periods)})", got=rate.shape)
            FINITE.check("coupon_rate", rate)
        redemptions = as_numbers(redemption, "redemption")
        FINITE.check("redemption", redemptions.reshape(-1))
        each = np.ascontiguousarray(one_each(len(periods.notes), redemptions, "redemption"))
        return cls(periods, timing, np.ascontiguousarray(rate), coupon_rate is None, each, counting(periods))

    def rate_in(self, period: IntArray) -> FloatArray:
        """Give the coupon rate of some periods [1/yr]."""
        return self.rate[self.periods.note[period] if self.by_note else period]

    def ahead_of(self, note: IntArray, settlement: DateArray, name: str = "settlement") -> RemainingFlows:
        """Lay out what is still to be paid: a row for each pair of a note and a settlement.

        Raises
        ------
        TermError
            A settlement, called by its name, before issue or from maturity on.
        """
        periods, missing = self.periods, np.isnat(settlement)
        notes, day = periods.notes, np.ascontiguousarray(settlement).view(np.int64)
        current, places, since = find_each(periods, self.counting, note, settlement, name)
        amount, gap = np.empty(places[-1]), np.empty(places[-1])
        even, accrued = np.empty(note.size, dtype=np.int8), np.empty(note.size)
        odd = compiled(lay_out, amount.size)(
            periods.offsets, *_spans(periods), periods.numerator, periods.denominator, periods.ex_date.view(np.int64),
            notes.ex_days, notes.frequency, self.counting, self.rate,
            np.array([self.by_note], dtype=np.int64), self.redemption, note, day, current, places, since,
            amount, gap, even, accrued,
        )  # fmt: skip
        if odd:
            begin, last = places[:-1], places[1:] - 1
            rows = np.flatnonzero(np.isnan(gap[last]) & (last > begin))
            gap[last[rows]] = step_years(periods, periods.offsets[note[rows] + 1] - 1)
            rows = np.flatnonzero(np.isnan(gap[begin]) & ~missing)
            gap[begin[rows]] = years_to_coupon(periods, current[rows], settlement[rows], since[rows])
        flows = RemainingFlows(
            offsets=places,
            amount=amount,
            gap=gap,
            even=even,
            accrued=accrued,
            settlement=settlement,
            first=current,
            payment_date=periods.payment_date,
        )
        return flows if self.timing == STREET else self._by_payment_date(flows)

    def _by_payment_date(self, flows: RemainingFlows) -> RemainingFlows:
        """Measure times to payment dates by a day count; what is paid up to settlement is another's."""
        rows, dates, period = flows.row, flows.date, flows.period
        missing = np.isnat(flows.settlement)[rows]
        begins = np.where(missing, dates, flows.settlement[rows])
        paid = dates <= begins
        time = years_by(self.periods, period, begins, np.where(paid, begins, dates), self.timing)
        before = np.concatenate([[0.0], time[:-1]])
        before[flows.offsets[:-1]] = 0.0
        gap = np.where(missing, np.nan, np.maximum(time - before, 0.0))
        return replace(flows, amount=np.where(paid, 0.0, flows.amount), gap=gap, even=np.zeros_like(flows.even))


def find_each(
    periods: Periods, ways: IntArray, note: IntArray, settlement: DateArray, name: str = "settlement"
) -> tuple[IntArray, IntArray, FloatArray]:
    """Find the period that holds each settlement, where its flows begin among those of all rows, and years accrued.

    Missing settlements have the first period, and NaN years.
    """
    size = note.size
    current, places, since = np.empty(size, np.int64), np.empty(size + 1, np.int64), np.empty(size)
    outside = compiled(find_periods, 8 * size)(
        periods.offsets, *_spans(periods), periods.notes.frequency, ways,
        note, np.ascontiguousarray(settlement).view(np.int64), current, places, since,
    )  # fmt: skip
    if outside >= 0:
        check_within_life(periods, note, settlement, name)
    rest = np.flatnonzero(np.isnan(since) & ~np.isnat(settlement))
    if rest.size:
        since[rest] = accrued_years(periods, current[rest], settlement[rest])
    return current, places, since


def check_within_life(periods: Periods, note: IntArray, settlement: DateArray, name: str = "settlement") -> None:
    """Raise at the first settlement before issue, else at the first from maturity on; a missing one is neither.

    Raises
    ------
    TermError
        Such a settlement, called by its name.
    """
    first, last = periods.offsets[note], periods.offsets[note + 1] - 1
    some = slice(None) if (first <= last).all() else first <= last  # a note that was cut may have none
    early, late = np.zeros(note.size, dtype=np.bool_), ~np.isnat(settlement)
    early[some] = settlement[some] < periods.accrual_start[first[some]]
    late[some] = settlement[some] >= periods.accrual_end[last[some]]
    forbid(name, settlement, early, "on or after issue")
    forbid(name, settlement, late, "before maturity")


def _spans(periods: Periods) -> list[IntArray]:
    ends = (periods.accrual_start, periods.accrual_end, periods.reference_start, periods.reference_end)
    return [dates.view(np.int64) for dates in ends]
