"""Yields of many notes at their prices: to maturity, to a call or a put, and the worst of them.

Each is solved to a float's last digits, or an error says that there is none. Errors are stated in `yield_to_maturity`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple, Unpack

import numpy as np
import pandas as pd

from notecalc.core._compounding import per_year, simple_first
from notecalc.core._coupon_years import accrued_years, counting, years_by, years_to_coupon
from notecalc.core._coupons import STREET, Coupons, RemainingFlows, find_each
from notecalc.core._layout import Layout
from notecalc.core._quoting import quote, solved
from notecalc.core._signatures import FlowTerms, at_price
from notecalc.core.arrays import FINITE, POSITIVE, DateArray, Dates, FloatArray, Numbers, as_dates, as_numbers, forbid
from notecalc.core.notes import Periods
from notecalc.errors import TermError

__all__ = [
    "YieldToWorst",
    "current_yield",
    "true_yield",
    "yield_to_call",
    "yield_to_maturity",
    "yield_to_put",
    "yield_to_worst",
]


@at_price
def yield_to_maturity(
    periods: Periods,
    settlement: Dates | pd.Series[Any],
    clean_price: Numbers | pd.Series[Any],
    *,
    compounding: str,
    simple_interest: str,
    **flow_terms: Unpack[FlowTerms],
) -> Any:
    r"""Yield at which what is still to be paid is worth the price with accrued interest.

    .. math:: P + A = \sum_k C_k \, (1 + y / m)^{-m t_k}

    Parameters
    ----------
    periods : Periods
        The periods of n notes.
    settlement : date-like
        The day from which the buyer is paid: one, or one for each note. With one note, any shape.
    clean_price : numeric
        Price [per 100 of principal]: broadcast with the notes, whose axis is the last.
    compounding, simple_interest, **flow_terms
        As for `prices.clean_price`.

    Returns
    -------
    float-like
        Yield [1/yr, compounded as named]; NaN where something is missing.

    Raises
    ------
    TermError
        As for `prices.clean_price`; a dirty price that isn't above 0; a note with flows below 0 whose price no yield
        or more than one gives; a settlement from which the note's day count has no day left to maturity.

    Notes
    -----
    Against 50 digits (mpmath), on 1,000 notes at random and 162 nasty ones (a day to 100 years left, coupons of 0.5% to
    40%, yields from -5% to 60%, among them 0 and 1e-12), in six conventions. At worst a yield is off by 6.5e-14, with a
    day to maturity, and by 1.1e-15 with more than a month: never more than 9 times what the last digit of the dirty
    price moves it by. Prices are off by 1.6e-15 of themselves at worst, durations and convexities by 2.2e-15 (by
    1.7e-14 with a day left).

    References
    ----------
    J. J. Lynch and J. H. Mayle, Standard Securities Calculation Methods (SIA, 1993), formulas 6 and 7; A. S.
    Householder, The Numerical Treatment of a Single Nonlinear Equation (1970).

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2007-11-15", maturity="2016-11-15", principal=100, annual_rate=0.0575, frequency=2,
    ...               day_count="30/360")
    >>> terms = {"compounding": "semi-annual", "simple_interest": "last-period"}
    >>> round(yield_to_maturity(resolve(notes), "2008-02-15", 95.04287, **terms), 7)
    0.065
    """
    numbers = {"clean_price": (clean_price, FINITE)}
    return quote(
        periods, settlement, numbers, (compounding, simple_interest), flow_terms,
        lambda quoted: quoted.solve(quoted.numbers["clean_price"]),
    )  # fmt: skip


@at_price
def true_yield(
    periods: Periods,
    settlement: Dates | pd.Series[Any],
    clean_price: Numbers | pd.Series[Any],
    *,
    day_count: str,
    compounding: str,
    simple_interest: str,
    **flow_terms: Unpack[FlowTerms],
) -> Any:
    """Yield on the days on which flows are paid: `yield_to_maturity` with ``timing`` set to a day count.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2005-06-18", principal=100, annual_rate=0.08, frequency=1,
    ...               day_count="30/360", business_day_convention="following", calendar="us-federal-reserve")
    >>> paid_two_days_late = true_yield(resolve(notes), "2004-06-18", 100, day_count="actual/365 fixed",
    ...                                 compounding="annual", simple_interest="never")
    >>> round(paid_two_days_late, 6), round(1.08 ** (365 / 367) - 1, 6)
    (0.079547, 0.079547)
    """
    terms: FlowTerms = {**flow_terms, "timing": day_count}
    return yield_to_maturity(
        periods, settlement, clean_price, compounding=compounding, simple_interest=simple_interest, **terms
    )


@at_price
def current_yield(periods: Periods, settlement: Dates | pd.Series[Any], clean_price: Numbers | pd.Series[Any]) -> Any:
    """Coupon rate over clean price [1/yr]; it knows neither redemption nor accrued interest.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="30/360")
    >>> current_yield(resolve(notes), "2004-06-18", 80)
    0.1
    """
    layout = Layout.of(periods, settlement, {"clean_price": (clean_price, POSITIVE)})
    find_each(periods, counting(periods), layout.note, layout.settlement)
    rate = periods.notes.annual_rate[layout.note]
    coupon = np.where(np.isnat(layout.settlement), np.nan, 100 * rate)
    return layout.shape.rewrap(coupon[layout.row] / layout.numbers["clean_price"])


@at_price
def yield_to_call(
    periods: Periods,
    settlement: Dates | pd.Series[Any],
    clean_price: Numbers | pd.Series[Any],
    *,
    call_date: Dates | pd.Series[Any],
    call_price: Numbers | pd.Series[Any],
    compounding: str,
    simple_interest: str,
    **flow_terms: Unpack[FlowTerms],
) -> Any:
    """Yield if a note is called on a date at a price, with the interest accrued by then.

    Parameters
    ----------
    periods, settlement, clean_price, compounding, simple_interest, **flow_terms
        As for `yield_to_maturity`.
    call_date : date-like
        Broadcast with the notes, whose axis is the last: ``(k, n)`` for k calls of each note, NaT for none.
    call_price : numeric
        Clean price at the call [per 100 of principal].

    Returns
    -------
    float-like
        Yield [1/yr, compounded as named]; NaN for a call up to settlement, or that is missing.

    Raises
    ------
    TermError
        As for `yield_to_maturity`; a call after maturity.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="30/360")
    >>> round(yield_to_call(resolve(notes), "2004-06-18", 100, call_date="2004-12-18", call_price=102,
    ...                     compounding="semi-annual", simple_interest="never"), 10)
    0.12
    """
    call = ("call_date", call_date), ("call_price", call_price)
    return _worked_out(periods, settlement, clean_price, *call, compounding, simple_interest, flow_terms)[0]


@at_price
def yield_to_put(
    periods: Periods,
    settlement: Dates | pd.Series[Any],
    clean_price: Numbers | pd.Series[Any],
    *,
    put_date: Dates | pd.Series[Any],
    put_price: Numbers | pd.Series[Any],
    compounding: str,
    simple_interest: str,
    **flow_terms: Unpack[FlowTerms],
) -> Any:
    """Yield if the holder puts a note on a date at a price; as `yield_to_call`.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="30/360")
    >>> round(yield_to_put(resolve(notes), "2004-06-18", 100, put_date="2005-06-18", put_price=100,
    ...                    compounding="semi-annual", simple_interest="never"), 10)
    0.08
    """
    put = ("put_date", put_date), ("put_price", put_price)
    return _worked_out(periods, settlement, clean_price, *put, compounding, simple_interest, flow_terms)[0]


class YieldToWorst(NamedTuple):
    """The lowest yield, and the day on which it ends."""

    annual_yield: Any
    workout_date: Any


def yield_to_worst(
    periods: Periods,
    settlement: Dates | pd.Series[Any],
    clean_price: Numbers | pd.Series[Any],
    *,
    call_date: Dates | pd.Series[Any],
    call_price: Numbers | pd.Series[Any],
    compounding: str,
    simple_interest: str,
    **flow_terms: Unpack[FlowTerms],
) -> YieldToWorst:
    """Give the lowest of the yields to maturity and to each call, as `yield_to_call` has them.

    Parameters
    ----------
    periods, settlement, clean_price, compounding, simple_interest, **flow_terms
        As for `yield_to_maturity`.
    call_date, call_price
        As for `yield_to_call`: the first axis is that of the calls, ``(k, n)``, ``(k, 1)`` for one note, or ``(k,)`` if
        its price is a scalar.

    Returns
    -------
    YieldToWorst
        Of the shape of the notes: the yield [1/yr], and the call date or maturity that gives it; maturity where they
        tie, and NaN with NaT where the price is missing.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="30/360")
    >>> worst = yield_to_worst(resolve(notes), "2004-06-18", [104], call_date=[["2005-06-18"], ["2006-06-18"]],
    ...                        call_price=[[102], [101]], compounding="semi-annual", simple_interest="never")
    >>> worst.annual_yield.round(6), worst.workout_date
    (array([0.057967]), array(['2005-06-18'], dtype='datetime64[D]'))
    """
    to_maturity = yield_to_maturity(
        periods, settlement, clean_price, compounding=compounding, simple_interest=simple_interest, **flow_terms
    )
    # As arrays: a Series of notes lies along the last axis, and the calls along the first.
    to_call, dates = _worked_out(
        periods,
        as_dates(settlement, "settlement"),
        as_numbers(clean_price, "clean_price"),
        ("call_date", as_dates(call_date, "call_date")),
        ("call_price", as_numbers(call_price, "call_price")),
        compounding,
        simple_interest,
        flow_terms,
    )
    own = np.asarray(to_maturity, dtype=np.float64)
    calls = np.asarray(to_call, dtype=np.float64)
    if calls.ndim != own.ndim + 1 or np.shape(dates)[1:] != own.shape:
        raise TermError("call_date", rule=f"one axis more than the notes have ({own.ndim})", got=calls.shape)
    last = periods.accrual_end[periods.offsets[1:] - 1]
    maturity = np.broadcast_to(last if own.ndim else last[0], own.shape)
    every = np.concatenate([own[None], calls])
    ends = np.concatenate([maturity[None], np.broadcast_to(dates, calls.shape)])
    best = np.argmin(np.where(np.isnan(every), np.inf, every), axis=0)[None]
    worst = np.take_along_axis(every, best, 0)[0]
    day = np.where(np.isnan(own), np.datetime64("NaT", "D"), np.take_along_axis(ends, best, 0)[0])
    worst = np.where(np.isnan(own), np.nan, worst)
    if isinstance(to_maturity, pd.Series):
        return YieldToWorst(
            pd.Series(worst, index=to_maturity.index, name=to_maturity.name),
            pd.Series(day, index=to_maturity.index, name=to_maturity.name),
        )
    return YieldToWorst(worst, day) if own.ndim else YieldToWorst(float(worst), day[()])


def _worked_out(
    periods: Periods,
    settlement: Any,
    clean_price: Any,
    date: tuple[str, Any],
    price: tuple[str, Any],
    compounding: str,
    simple_interest: str,
    terms: FlowTerms,
) -> tuple[Any, DateArray]:
    """Give the yield of flows that end on a date at a price, and those dates."""
    numbers = {"clean_price": (clean_price, FINITE), price[0]: (price[1], FINITE)}
    layout = Layout.of(periods, settlement, numbers, dict([date]))
    ends = layout.dates[date[0]]
    note = layout.note[layout.row]
    last = periods.accrual_end[periods.offsets[note + 1] - 1]
    forbid(date[0], ends, ends > last, "up to maturity")
    day = layout.settlement[layout.row]
    out = np.full(ends.size, np.nan)
    rows = np.flatnonzero((ends > day) & ~np.isnan(layout.numbers[price[0]]))  # not where a date or price is missing
    if rows.size:
        own_terms: FlowTerms = {**terms, "redemption": 0.0}
        coupons = Coupons.of(periods, **own_terms)
        whole = coupons.ahead_of(note[rows], day[rows])
        flows = _cut(coupons, whole, ends[rows], layout.numbers[price[0]][rows])
        dirty = layout.numbers["clean_price"][rows] + flows.accrued
        frequency = periods.notes.frequency[note[rows]]
        compoundings = per_year(compounding, frequency)
        simple = simple_first(simple_interest, frequency, compoundings, flows.counts, flows.wait)
        out[rows] = solved(flows, compoundings, simple, np.arange(rows.size), dirty)
    return layout.shape.rewrap(out), ends.reshape(layout.shape.shape)


def _cut(coupons: Coupons, whole: RemainingFlows, end: DateArray, price: FloatArray) -> RemainingFlows:
    """Cut flows on an end, where the price is paid with the interest accrued in the period that it falls in."""
    periods, last = coupons.periods, whole.first.copy()
    while (later := periods.accrual_end[last] < end).any():
        last += later
    counts = last - whole.first + 1
    offsets = np.concatenate([[0], np.cumsum(counts)])
    place = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - whole.offsets[:-1], counts)
    amount, gap = whole.amount[place], whole.gap[place]
    final = offsets[1:] - 1
    inside = end < periods.accrual_end[last]
    at, cut = final[inside], last[inside]
    since = accrued_years(periods, cut, end[inside])
    # Who bought after the coupon went ex has paid, and at the call is paid, interest less that coupon.
    ex = periods.ex_date[cut] <= whole.settlement[inside]
    amount[at] = 100 * coupons.rate_in(cut) * (since - np.where(ex, periods.fraction[cut], 0.0))
    if coupons.timing == STREET:
        gap[at] -= years_to_coupon(periods, cut, end[inside], since)
    else:
        time = years_by(periods, cut, whole.settlement[inside], end[inside], coupons.timing)
        before = np.where(counts[inside] > 1, whole.time[place][at - 1], 0.0)
        gap[at] = np.maximum(time - before, 0.0)  # no sooner than a coupon whose payment is late
    amount[final] += price
    return replace(whole, offsets=offsets, amount=amount, gap=gap, even=np.where(inside, 0, whole.even).astype(np.int8))
