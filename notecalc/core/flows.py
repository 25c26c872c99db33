"""What the holder of a note that settles on a day is still to be paid, and how long from then on.

From the periods of `schedule` to flat amounts and times; discounting is in `_discounting`. Times in coupon periods
after Standard Securities Calculation Methods (SIA, 1993, J. J. Lynch and J. H. Mayle).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core._discounting import compiled, find_period, lay_out, share_out
from notecalc.core.arrays import (
    FINITE,
    DateArray,
    Dates,
    FloatArray,
    IntArray,
    Numbers,
    Rule,
    Shape,
    as_dates,
    as_numbers,
    forbid,
    names_of,
)
from notecalc.core.daycount import day_count_name, year_fraction
from notecalc.core.notes import Periods
from notecalc.errors import TermError, did_you_mean

__all__ = [
    "COMPOUNDING",
    "SIMPLE_INTEREST",
    "STREET",
    "CouponDays",
    "Layout",
    "RemainingFlows",
    "coupon_days",
    "remaining_flows",
]

STREET = "street"
COMPOUNDING = {"annual": 1.0, "semi-annual": 2.0, "quarterly": 4.0, "monthly": 12.0, "continuous": 0.0, "simple": -1.0}
SIMPLE_INTEREST = ("never", "last-period", "first-period")
_AS_COUPONS = "coupon"
_ICMA = "actual/actual icma"
_NO_DAY = np.datetime64("NaT", "D")


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
    accrued : float64 array, n
        Interest accrued at settlement [per 100]; negative from the ex-date on.
    frequency : float64 array, n
        Coupons per year [1/yr].
    settlement : datetime64[D] array, n
        From when times are counted.
    first : int64 array, n
        The first element of `payment_date` that is a row's own.
    payment_date : datetime64[D] array
        Payment dates of all periods.

    Examples
    --------
    >>> flows = RemainingFlows.of([0, 2], [4.0, 104.0], [0.25, 0.75], frequency=2)
    >>> flows.gap, flows.time
    (array([0.25, 0.5 ]), array([0.25, 0.75]))
    """

    offsets: IntArray
    amount: FloatArray
    gap: FloatArray
    accrued: FloatArray
    frequency: FloatArray
    settlement: DateArray
    first: IntArray
    payment_date: DateArray

    @classmethod
    def of(
        cls, offsets: Any, amounts: Numbers, times: Numbers, *, frequency: Numbers, accrued: Numbers = 0.0
    ) -> RemainingFlows:
        """Take flat arrays as they are: amounts [per 100] and times from settlement [yr], rising within a row."""
        ends = np.ascontiguousarray(offsets, dtype=np.int64)
        amount, time = (np.ascontiguousarray(as_numbers(v, n)) for v, n in ((amounts, "amounts"), (times, "times")))
        rows = ends.size - 1
        if ends.ndim != 1 or rows < 0 or ends[0] != 0 or (np.diff(ends) < 1).any() or ends[-1] != amount.size:
            raise TermError("offsets", rule="rising from 0 to the number of amounts", got=ends.tolist()[:8])
        if time.shape != amount.shape:
            raise TermError("times", rule=f"as many as amounts ({amount.size})", got=time.shape)
        before = np.concatenate([[0.0], time[:-1]])
        before[ends[:-1]] = 0.0
        forbid("times", time, ~(time > before), "above 0 and rising within a row")
        return cls(
            offsets=ends,
            amount=amount,
            gap=time - before,
            accrued=np.array(np.broadcast_to(as_numbers(accrued, "accrued"), rows)),
            frequency=np.array(np.broadcast_to(as_numbers(frequency, "frequency"), rows)),
            settlement=np.full(rows, _NO_DAY),
            first=ends[:-1],
            payment_date=np.full(amount.size, _NO_DAY),
        )

    def __len__(self) -> int:
        return self.accrued.size

    @property
    def period(self) -> IntArray:
        """The period of each flow."""
        rows = flow_rows(self)
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


class CouponDays(NamedTuple):
    """Where settlement lies among coupon dates."""

    since_coupon: Any
    in_period: Any
    to_coupon: Any
    coupons_left: Any


def coupon_days(periods: Periods, settlement: Dates | pd.Series[Any]) -> CouponDays:
    """Days that passed around settlement, and coupons that are left.

    Parameters
    ----------
    periods : Periods
        The periods of n notes.
    settlement : date-like
        One day, or one for each note.

    Returns
    -------
    CouponDays
        Days from the last coupon date to settlement, in the coupon period, and from settlement to the next coupon
        date; and how many coupons are still to come. In a first period that is not regular the last coupon date is
        that of the regular cycle, or issue if that is later.

    References
    ----------
    Microsoft Excel, COUPDAYBS, COUPDAYS, COUPDAYSNC and COUPNUM with basis 1.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2006-11-15", maturity="2008-11-15", principal=100, annual_rate=0.05, frequency=2,
    ...               day_count="actual/actual icma")
    >>> coupon_days(resolve(notes), "2007-01-25")
    CouponDays(since_coupon=71.0, in_period=181.0, to_coupon=110.0, coupons_left=4.0)
    """
    layout = Layout.of(periods, settlement, {})
    current, day = layout.current, layout.settlement
    begins, ends = periods.accrual_start[current], periods.accrual_end[current]
    known = np.where(np.isnat(day), np.nan, 1.0)
    parts = (
        (day - begins).astype(np.int64) * known,
        (ends - begins).astype(np.int64) * known,
        (ends - day).astype(np.int64) * known,
        (periods.offsets[layout.note + 1] - current) * known,
    )
    wrapped = layout.shape.rewrap(CouponDays(*parts))
    return CouponDays(*wrapped)


@dataclass(slots=True)
class Layout:
    """Arguments about notes, broadcast: a row for each pair of a note and a settlement, and the flat numbers."""

    shape: Shape
    note: IntArray
    settlement: DateArray
    current: IntArray
    since: FloatArray
    row: IntArray
    numbers: dict[str, FloatArray]
    dates: dict[str, DateArray]

    def block(self, rows: slice) -> Layout:
        """Give some rows, each with one output."""
        numbers = {name: values[rows] for name, values in self.numbers.items()}
        note = self.note[rows]
        row = np.arange(note.size)
        return Layout(self.shape, note, self.settlement[rows], self.current[rows], self.since[rows], row, numbers, {})

    @classmethod
    def of(
        cls,
        periods: Periods,
        settlement: Any,
        numbers: Mapping[str, tuple[Any, Rule]],
        dates: Mapping[str, Any] | None = None,
    ) -> Layout:
        """Broadcast settlement, numbers and further dates with the notes, whose axis is the last."""
        others = dict(dates or {})
        count = len(periods.notes)
        notes = {} if count == 1 else {"periods": np.arange(count)}
        given = {"settlement": settlement, **{name: value for name, (value, _) in numbers.items()}, **others, **notes}
        shape = Shape.of(given)
        days = as_dates(settlement, "settlement")
        arrays = {name: as_numbers(value, name) for name, (value, _) in numbers.items()}
        for name, (_, rule) in numbers.items():
            rule.check(name, arrays[name].reshape(-1))
        other_days = {name: as_dates(value, name) for name, value in others.items()}
        flat = shape.flatten({"settlement": days, **arrays, **other_days, **notes})
        own = np.broadcast_shapes(days.shape, (count,) if count != 1 or days.ndim else ())
        size = int(np.prod(own, dtype=np.int64))
        row = np.ascontiguousarray(np.broadcast_to(np.arange(size).reshape(own), shape.shape)).reshape(-1)
        note = np.ascontiguousarray(np.broadcast_to(np.arange(count).reshape((count,) if own else ()), own)).reshape(-1)
        day = np.ascontiguousarray(np.broadcast_to(days, own)).reshape(-1)
        floats, others = ({name: flat[name] for name in names} for names in (arrays, other_days))
        current = _current(periods, note, day)
        return cls(shape, note, day, current, accrued_years(periods, current, day), row, floats, others)


def _current(periods: Periods, note: IntArray, settlement: DateArray) -> IntArray:
    """Find the period that holds each settlement; the first for NaT."""
    first, last = periods.offsets[note], periods.offsets[note + 1] - 1
    forbid("settlement", settlement, settlement < periods.accrual_start[first], "on or after issue")
    forbid("settlement", settlement, settlement >= periods.accrual_end[last], "before maturity")
    current = np.empty(note.size, dtype=np.int64)
    ends, days = periods.accrual_end.view(np.int64), settlement.view(np.int64)
    compiled(find_period, note.size)(periods.offsets, ends, note, days, current)
    return current


def remaining_flows(
    periods: Periods,
    layout: Layout,
    *,
    timing: str,
    ex_date: Dates | pd.Series[Any] | None = None,
    coupon_rate: Numbers | pd.Series[Any] | None = None,
    redemption: Numbers = 100.0,
) -> RemainingFlows:
    """Lay out what each row of a layout is still to be paid.

    Parameters
    ----------
    periods : Periods
        The periods of n notes.
    layout : Layout
        Rows of note and settlement.
    timing : str
        ``street``, or the day count by which times to payment dates are measured.
    ex_date : date-like, optional
        For each period, the first day on which a buyer doesn't get its coupon; NaT for none.
    coupon_rate : numeric, optional
        For each period, its rate [1/yr], where it is not the note's.
    redemption : numeric
        What is paid at maturity beside the coupon [per 100 of principal], for all or for each note.
    """
    note, settlement, current = layout.note, layout.settlement, layout.current
    notes, missing = periods.notes, np.isnat(settlement)
    day = np.where(missing, periods.accrual_start[current], settlement)
    rate = notes.annual_rate if coupon_rate is None else rates_of(periods, coupon_rate)
    names = _day_counts(periods)
    since = layout.since
    rate_now = 100 * rate[note if coupon_rate is None else current]
    accrued = rate_now * since
    without = np.zeros(note.size, dtype=np.int64)
    if ex_date is not None:
        ex = as_dates(ex_date, "ex_date")
        if ex.shape != (len(periods),):
            raise TermError("ex_date", rule=f"one date for each period ({len(periods)})", got=ex.shape)
        off = ex[current] <= day
        without[off] = 1
        accrued = np.where(off, accrued - rate_now * _fraction_of(periods, current), accrued)
    last = periods.offsets[note + 1] - 1
    offsets = np.zeros(note.size + 1, dtype=np.int64)
    np.cumsum(last + 1 - current, out=offsets[1:])
    frequency = notes.frequency[note].astype(np.float64)
    step = np.divide(1.0, frequency, out=np.ones(note.size), where=frequency > 0)
    shares = np.empty(2 * note.size)
    compiled(share_out, 8 * note.size)(
        periods.offsets, note, current, *(dates.view(np.int64) for dates in _spans(periods)), periods.numerator,
        periods.denominator, notes.frequency, _by_count(names), day.view(np.int64), missing.astype(np.int64),
        since, shares,
    )  # fmt: skip
    wait, last_step = shares[: note.size], shares[note.size :]
    _mend(wait, ~missing, lambda odd: _wait(periods, current[odd], day[odd], since[odd], names))
    _mend(last_step, True, lambda odd: _steps(periods, last[odd], names))
    redemptions = np.broadcast_to(as_numbers(redemption, "redemption"), (len(notes),))[note]
    FINITE.check("redemption", redemptions)
    out = np.empty(2 * int(offsets[-1]))
    compiled(lay_out, out.size)(
        offsets, current, note, periods.numerator, periods.denominator, rate,
        np.array([coupon_rate is None], dtype=np.int64), step, last_step, wait, redemptions, without, out,
    )  # fmt: skip
    flows = RemainingFlows(
        offsets=offsets,
        amount=out[: offsets[-1]],
        gap=out[offsets[-1] :],
        accrued=np.where(missing, np.nan, accrued),
        frequency=frequency,
        settlement=settlement,
        first=current,
        payment_date=periods.payment_date,
    )
    return flows if timing == STREET else _by_payment_date(periods, flows, timing, day)


def per_year(word: str, frequency: FloatArray) -> FloatArray:
    """Give how often a year a yield is compounded, for each row: 0 continuously, -1 never."""
    if word == _AS_COUPONS:
        forbid("compounding", frequency, frequency == 0, "named where a note has no coupons in the year")
        return frequency
    known = (*COMPOUNDING, _AS_COUPONS)
    if word not in COMPOUNDING:
        raise TermError("compounding", rule=names_of(known), got=word, hint=did_you_mean(str(word), known))
    return np.full(frequency.size, COMPOUNDING[word])


def simple_rule(word: str) -> IntArray:
    """Give the number by which kernels know where interest is simple."""
    if word not in SIMPLE_INTEREST:
        hint = did_you_mean(str(word), SIMPLE_INTEREST)
        raise TermError("simple_interest", rule=names_of(SIMPLE_INTEREST), got=word, hint=hint)
    return np.array([SIMPLE_INTEREST.index(word)])


def flow_rows(flows: RemainingFlows) -> IntArray:
    """Give the row of each flow."""
    return np.repeat(np.arange(len(flows)), np.diff(flows.offsets))


def rates_of(periods: Periods, coupon_rate: Any) -> FloatArray:
    """Give the coupon rate of each period: the note's, unless rates are given."""
    if coupon_rate is None:
        return periods.notes.annual_rate[periods.note]
    rates = as_numbers(coupon_rate, "coupon_rate")
    if rates.shape != (len(periods),):
        raise TermError("coupon_rate", rule=f"one rate for each period ({len(periods)})", got=rates.shape)
    FINITE.check("coupon_rate", rates)
    return rates


def accrued_years(periods: Periods, period: IntArray, day: DateArray) -> FloatArray:
    """Give the fraction of a year accrued from the start of a period to a day in it."""
    return _years(periods, period, periods.accrual_start[period], day, _day_counts(periods))


def years_to_coupon(periods: Periods, period: IntArray, day: DateArray) -> FloatArray:
    """Give the years of whole coupon periods from a day to the end of the period that holds it."""
    return _wait(periods, period, day, accrued_years(periods, period, day), _day_counts(periods))


def years_by(periods: Periods, period: IntArray, start: DateArray, end: DateArray, day_count: str) -> FloatArray:
    """Give the years between two days by a named day count; ICMA's goes along the cycle of the period."""
    return _fraction(periods, period, start, end, day_count_name(day_count))


def _day_counts(periods: Periods) -> npt.NDArray[Any]:
    """Give the name of each note's day count, or one for all."""
    words = periods.notes.day_count
    alike = words.distinct()
    return np.array(alike, dtype=object) if len(alike) == 1 else np.asarray(words, dtype=object)


def _by_name(names: npt.NDArray[Any], note: IntArray, compute: Callable[[str, Any], FloatArray]) -> FloatArray:
    """Compute with each day count the rows of its notes."""
    if names.size == 1:
        return compute(str(names[0]), slice(None))
    out, own = np.empty(note.size), names[note]
    for name in dict.fromkeys(names.tolist()):
        rows = np.flatnonzero(own == name)
        out[rows] = compute(str(name), rows)
    return out


def _years(periods: Periods, period: IntArray, start: DateArray, end: DateArray, names: Any) -> FloatArray:
    """Give the fraction of a year from start to end, by the day counts of the notes or by one that is named."""

    def compute(name: str, rows: Any) -> FloatArray:
        return _fraction(periods, period[rows], start[rows], end[rows], name)

    return _by_name(names, periods.note[period], compute)


def _fraction(periods: Periods, period: IntArray, start: DateArray, end: DateArray, name: str) -> FloatArray:
    if day_count_name(name) != _ICMA:
        return year_fraction(start, end, name)
    first, last = periods.reference_start[period], periods.reference_end[period]
    frequency = periods.notes.frequency[periods.note[period]]
    if ((start >= first) & (end <= last)).all():  # as ICMA has it, without its cycle
        return (end - start).astype(np.int64) / ((last - first).astype(np.int64) * frequency)
    return year_fraction(start, end, name, period_start=first, period_end=last, frequency=frequency)


def _counts_months(names: npt.NDArray[Any], note: IntArray) -> npt.NDArray[np.bool_]:
    """Tell which notes count months of 30 days."""
    counts = _by_count(names) > 0
    return np.broadcast_to(counts, note.shape) if counts.size == 1 else counts[note]


def _spans(periods: Periods) -> tuple[DateArray, DateArray, DateArray, DateArray]:
    return periods.accrual_start, periods.accrual_end, periods.reference_start, periods.reference_end


def _by_count(names: npt.NDArray[Any]) -> IntArray:
    """Tell which notes, or whether all, share a period by a count of 30-day months."""
    return np.array([str(name).startswith("30") for name in names], dtype=np.int64)


def _mend(years: FloatArray, known: Any, compute: Callable[[IntArray], FloatArray]) -> None:
    """Fill in the few years that a kernel has left open."""
    odd = np.flatnonzero(np.isnan(years) & known)
    if odd.size:
        years[odd] = compute(odd)


def _fraction_of(periods: Periods, period: IntArray) -> FloatArray:
    """Give the fraction of a year that some periods pay for."""
    return periods.numerator[period] / periods.denominator[period]


def _is_odd(periods: Periods, period: IntArray) -> npt.NDArray[np.bool_]:
    """Tell which periods are no whole step of the cycle, among them all of notes without coupons in the year."""
    odd: npt.NDArray[np.bool_] = (
        (periods.accrual_start[period] != periods.reference_start[period])
        | (periods.accrual_end[period] != periods.reference_end[period])
        | (periods.notes.frequency[periods.note[period]] == 0)
    )
    return odd


def _steps(periods: Periods, period: IntArray, names: npt.NDArray[Any]) -> FloatArray:
    """Give the length of some periods in years of whole coupon periods."""
    odd = _is_odd(periods, period)
    step: FloatArray = 1.0 / np.maximum(periods.notes.frequency[periods.note[period]], 1)
    rows = np.flatnonzero(odd)
    if rows.size:
        own = period[rows]
        note = periods.note[own]
        fraction = _fraction_of(periods, own)
        by_days = ~_counts_months(names, note) & (periods.notes.frequency[note] > 0)
        those = own[by_days]
        fraction[by_days] = _fraction(periods, those, periods.accrual_start[those], periods.accrual_end[those], _ICMA)
        step[rows] = fraction
    return step


def _wait(
    periods: Periods, current: IntArray, day: DateArray, since: FloatArray, names: npt.NDArray[Any]
) -> FloatArray:
    """Give the years to the next coupon date: the share of a regular period that is left, or what is left of another.

    A period of 30-day months is shared by its day count, all others by the days that pass.
    """
    start, end, note = periods.accrual_start[current], periods.accrual_end[current], periods.note[current]
    by_count = _counts_months(names, note) | (periods.notes.frequency[note] == 0)
    fraction = _fraction_of(periods, current)
    if by_count.all():
        share = (fraction - since) / fraction
    else:
        share = np.where(
            by_count, (fraction - since) / fraction, (end - day).astype(np.int64) / (end - start).astype(np.int64)
        )
    step = _steps(periods, current, names)
    wait: FloatArray = share * step
    odd = np.flatnonzero(~by_count & _is_odd(periods, current))
    if odd.size:
        wait[odd] = _fraction(periods, current[odd], day[odd], end[odd], _ICMA)
    # A day may count for nothing in months of 30 days, but no flow is paid at once.
    return np.maximum(wait, step / 1e6)


def _by_payment_date(periods: Periods, flows: RemainingFlows, day_count: str, day: DateArray) -> RemainingFlows:
    """Measure times to payment dates by a day count; what is paid up to settlement is another's."""
    rows, dates = flow_rows(flows), flows.date
    begins = day[rows]
    paid = dates <= begins
    time = years_by(periods, flows.period, begins, np.where(paid, begins, dates), day_count)
    before = np.concatenate([[0.0], time[:-1]])
    before[flows.offsets[:-1]] = 0.0
    gap = np.where(np.isnat(flows.settlement)[rows], np.nan, np.maximum(time - before, 0.0))
    return replace(flows, amount=np.where(paid, 0.0, flows.amount), gap=gap)
