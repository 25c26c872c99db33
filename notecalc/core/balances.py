"""Principal and interest of many notes through time: rates that step, interest in kind, default, conversion.

From the periods of `schedule` and what happens on dates to flat spans, in each of which principal and rate stay as they
are. Simple interest within a period, by the note's day count; interest on overdue amounts is in `overdue`, cents are in
`money`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core._balancing import COLUMNS, TREATMENTS, carry
from notecalc.core._discounting import compiled
from notecalc.core._rows import NoteRows, one_each, order_of
from notecalc.core._splitting import Splits
from notecalc.core.accrual import elapsed
from notecalc.core.arrays import (
    NON_NEGATIVE,
    RATE,
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
from notecalc.core.dated import DatedValues
from notecalc.core.daycount import check_dates
from notecalc.core.notes import Periods, Text
from notecalc.core.periods import check_periods, in_microseconds
from notecalc.core.words import known_word, read_words
from notecalc.errors import TermError

__all__ = ["TREATMENTS", "Balances", "roll_forward"]

_SHARE = Rule("a part of the whole, from 0 to 1", lambda x: (x >= 0) & (x <= 1))
_NOTHING = DatedValues([], [], [])


@dataclass(frozen=True, slots=True, eq=False)
class Balances:
    """What n notes owe and pay, span by span, flat: the spans of note i are rows ``offsets[i]`` to ``offsets[i + 1]``.

    A span is a coupon period, or a part of one within which neither principal nor rate changes. Amounts are the
    holder's [currency]: received is positive.

    Parameters
    ----------
    periods : Periods
        The periods that the spans make up.
    offsets : int64 array, n + 1
        Where each note's spans begin.
    note, period : int64 array
        The note of each span, and its period: a row of `periods`.
    start, end : datetime64[D] array
        First day that accrues, and the day on which the count stops.
    since, fraction : float64 array
        Fraction of a year from the start of the period to that of the span, and in the span [yr].
    annual_rate : float64 array
        The rate in force [1/yr].
    principal : float64 array
        Principal outstanding in the span.
    interest_bearing : float64 array
        What interest accrues on: principal, and what was converted after the record date of the period.
    accrued_before : float64 array
        Interest accrued earlier in the period and not paid yet.
    interest : float64 array
        Interest accrued in the span.
    interest_paid, capitalised, forfeited : float64 array
        What becomes of interest at the end of the span: paid in cash, added to principal, or lost by conversion.
    principal_paid, converted : float64 array
        Principal that is paid in cash (received by the issuer, if negative), and converted, at the end of the span.
    payment_date : datetime64[D] array
        The business day on which that is paid; NaT where nothing but the rate changes at the end of the span.
    """

    periods: Periods
    offsets: IntArray
    note: IntArray
    period: IntArray
    start: DateArray
    end: DateArray
    since: FloatArray
    fraction: FloatArray
    annual_rate: FloatArray
    principal: FloatArray
    interest_bearing: FloatArray
    accrued_before: FloatArray
    interest: FloatArray
    interest_paid: FloatArray
    capitalised: FloatArray
    forfeited: FloatArray
    principal_paid: FloatArray
    converted: FloatArray
    payment_date: DateArray

    def __len__(self) -> int:
        return self.note.size

    def accrued_on(self, on: Dates | pd.Series[Any]) -> Any:
        """Interest accrued and not yet paid, added to principal or lost, on notes that settle on a date.

        Parameters
        ----------
        on : date-like
            As for `accrual.accrued_on`, whose values these are where nothing happens.

        Returns
        -------
        numeric
            Interest [currency]; negative from the ex-date to the end of the period, by what a buyer then doesn't get.

        Examples
        --------
        >>> from notecalc.core.notes import Notes
        >>> from notecalc.core.schedule import resolve
        >>> notes = Notes(issue_date="2004-06-18", maturity="2006-06-18", principal=100, annual_rate=0.08, frequency=1,
        ...               day_count="30/360")
        >>> steps = DatedValues(note=0, date="2004-12-18", value=0.10)
        >>> roll_forward(resolve(notes), rate_steps=steps).accrued_on(["2004-12-18", "2005-03-18"]).tolist()
        [4.0, 6.5]
        """
        rows = NoteRows.of(len(self.periods.notes), {"on": on}, {})
        note, day = rows.note, rows.dates["on"]
        missing = np.isnat(day)
        accrued = np.where(missing, np.nan, 0.0)
        if len(self):
            known = np.where(missing, self.start[0], day)
            span = np.searchsorted(order_of(self.note, self.end), order_of(note, known), side="right")
            span = np.minimum(span, len(self) - 1)
            own = ~missing & (self.note[span] == note)
            inside = np.flatnonzero(own & (known >= self.start[span]) & (known < self.end[span]))
            accrued[inside] = self._accrued_in(span[inside], day[inside])
        return rows.shape.rewrap(accrued)

    def _accrued_in(self, span: IntArray, day: DateArray) -> FloatArray:
        period = self.period[span]
        years = elapsed(self.periods, self.note[span], day)[1] - self.since[span]
        accrued: FloatArray = self.accrued_before[span] + self.interest_bearing[span] * self.annual_rate[span] * years
        off, coupon = np.arange(period.size), period
        while off.size:  # of short periods more than one may be ex
            gone = self.periods.ex_date[coupon] <= day[off]
            off, coupon = off[gone], coupon[gone]
            # What is capitalised goes with the note, to whoever buys it.
            accrued[off] -= self.interest_paid[np.searchsorted(self.period, coupon, side="right") - 1]
            more = coupon + 1 < self.periods.offsets[self.periods.note[coupon] + 1]
            off, coupon = off[more], coupon[more] + 1
        return accrued

    def to_frame(self) -> pd.DataFrame:
        """Give one row per span; ``period`` counts from 1 within each ``note``."""
        columns: dict[str, Any] = {
            "note": self.note,
            "period": self.period + 1 - self.periods.offsets[self.note],
            "start": in_microseconds(self.start),
            "end": in_microseconds(self.end),
        }
        names = [name for name in COLUMNS if name not in {"interest_bearing", "accrued_before", "principal"}]
        columns |= {name: getattr(self, name) for name in ("principal", "annual_rate", "fraction", *names)}
        return pd.DataFrame({**columns, "payment_date": in_microseconds(self.payment_date)})

    def cashflows(self) -> pd.DataFrame:
        """Give the cash that is paid: one row per note and payment date, with interest, principal and total [currency].

        A date on which all is converted or capitalised is a row of zeros.

        Examples
        --------
        >>> from notecalc.core.notes import Notes
        >>> from notecalc.core.schedule import resolve
        >>> notes = Notes(issue_date="2004-06-18", maturity="2005-06-18", principal=100, annual_rate=0.08, frequency=2,
        ...               day_count="30/360")
        >>> roll_forward(resolve(notes), capitalised_share=0.5).cashflows()
           note payment_date  interest  principal   total
        0     0   2004-12-18      2.00       0.00    2.00
        1     0   2005-06-18      2.04     104.04  106.08
        """
        paid = np.flatnonzero(~np.isnat(self.payment_date))
        note, date = self.note[paid], self.payment_date[paid]
        fresh = np.ones(paid.size, dtype=np.bool_)  # a redemption may be paid on the day of the coupon
        fresh[1:] = (note[1:] != note[:-1]) | (date[1:] != date[:-1])
        begins = np.flatnonzero(fresh)
        sums = {
            name: np.add.reduceat(column[paid], begins) if begins.size else np.zeros(0)
            for name, column in (("interest", self.interest_paid), ("principal", self.principal_paid))
        }
        dated = {"note": note[begins], "payment_date": in_microseconds(date[begins])}
        return pd.DataFrame({**dated, **sums, "total": sums["interest"] + sums["principal"]})


def roll_forward(
    periods: Periods,
    *,
    rate_steps: DatedValues | None = None,
    default_date: Dates | pd.Series[Any] | None = None,
    cure_date: Dates | pd.Series[Any] | None = None,
    default_rate: Numbers | pd.Series[Any] | None = None,
    default_margin: Numbers | pd.Series[Any] | None = None,
    capitalised_share: Numbers | pd.Series[Any] | DatedValues = 0.0,
    redemptions: DatedValues | None = None,
    accrued_on_redemption: Text | None = None,
    conversions: DatedValues | None = None,
    accrued_on_conversion: Text | None = None,
) -> Balances:
    r"""Carry principal and interest of many notes through their periods.

    .. math:: I_k = P_k \, r_k \, \bigl(\tau(s, e_k) - \tau(s, s_k)\bigr)

    in the span from :math:`s_k` to :math:`e_k` of the coupon period that begins at :math:`s`: a period's spans add up
    to the whole, whatever the day count. What is left of principal is paid at the end of a note's last period.

    Parameters
    ----------
    periods : Periods
        The periods of n notes, from `resolve`; principal is that of their terms where the first period begins.
    rate_steps : DatedValues, optional
        Coupon rates [1/yr], each in force from its date on, within a period too; before, the note's own is.
    default_date, cure_date : date-like, optional
        First day that bears interest at the default rate, and the first that doesn't any more; one for all notes or
        for each, NaT for never.
    default_rate, default_margin : numeric, optional
        The whole rate in default [1/yr], or what is added to the coupon rate; one of the two for each note that has a
        `default_date`, NaN for the other.
    capitalised_share : numeric or DatedValues
        Part of each coupon, from 0 to 1, that is added to principal when it falls due, instead of being paid: for all
        notes, for each, or for the periods of a note that begin on a date or later (before, none).
    redemptions : DatedValues, optional
        Principal paid back within the life of a note [currency]; negative where more is drawn. On a coupon date the
        coupon is paid first.
    conversions : DatedValues, optional
        Principal that is converted, and not paid [currency]. After what is redeemed on the same day.
    accrued_on_redemption, accrued_on_conversion : str-like, optional
        What becomes of the interest accrued since the last coupon on principal that is redeemed or converted: ``paid``
        at once, ``paid-with-coupon``, ``forfeited``, or ``forfeited-before-record-date`` (who converts after it gets
        the whole coupon). One for all notes or for each; needed with `redemptions` or `conversions`.

    Returns
    -------
    Balances
        Flat spans.

    Raises
    ------
    TermError
        A note that isn't there, a date outside its periods, two rates on one date, more redeemed or converted than is
        outstanding, a default without its rate.

    References
    ----------
    ISDA 2006 Definitions, sections 4.9 to 4.16.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2005-06-18", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="30/360")
    >>> rolled = roll_forward(resolve(notes), redemptions=DatedValues(note=0, date="2005-03-18", value=40),
    ...                       accrued_on_redemption="paid")
    >>> rolled.to_frame()[["start", "end", "principal", "interest", "interest_paid", "principal_paid"]]
           start        end  principal  interest  interest_paid  principal_paid
    0 2004-06-18 2004-12-18      100.0       4.0            4.0             0.0
    1 2004-12-18 2005-03-18      100.0       2.0            0.8            40.0
    2 2005-03-18 2005-06-18       60.0       1.2            2.4            60.0
    """
    check_periods(periods)
    count = len(periods.notes)
    shares = capitalised_share if isinstance(capitalised_share, DatedValues) else _NOTHING
    own_share = 0.0 if isinstance(capitalised_share, DatedValues) else capitalised_share
    each = {
        "default_date": default_date,
        "cure_date": cure_date,
        "default_rate": default_rate,
        "default_margin": default_margin,
        "capitalised_share": own_share,
    }
    words = {"accrued_on_redemption": accrued_on_redemption, "accrued_on_conversion": accrued_on_conversion}
    Shape.of({name: value for name, value in (each | words).items() if value is not None})
    steps = _NOTHING if rate_steps is None else rate_steps
    steps.check_steps("rate_steps", RATE, count)
    shares.check_steps("capitalised_share", _SHARE, count)
    default = _Default.of(count, default_date, cure_date, default_rate, default_margin)
    taken = {
        "redemptions": _NOTHING if redemptions is None else redemptions,
        "conversions": _NOTHING if conversions is None else conversions,
    }
    for name, amounts in taken.items():
        amounts.check_inside(name, periods)
    NON_NEGATIVE.check("conversions", taken["conversions"].value)
    rules = (
        _treatments("accrued_on_redemption", accrued_on_redemption, taken["redemptions"], periods),
        _treatments("accrued_on_conversion", accrued_on_conversion, taken["conversions"], periods),
    )
    parts = Splits.of(periods, [steps.order, *(amounts.order for amounts in taken.values()), *default.orders()])
    share = _numbers("capitalised_share", own_share, _SHARE, count)[periods.note]
    share = shares.in_force(periods.note, periods.accrual_start, share)[parts.period]
    rate = steps.in_force(parts.note, parts.start, periods.notes.annual_rate[parts.note])
    rate = default.applied(parts.note, parts.start, rate)
    ends = order_of(parts.note, parts.end)
    places = {name: np.searchsorted(ends, amounts.order) for name, amounts in taken.items()}
    size, happens = parts.note.size, np.zeros(parts.note.size, dtype=np.bool_)
    for place in places.values():
        happens[place] = True
    out = np.empty(len(COLUMNS) * size)
    failed = compiled(carry, size)(
        parts.offsets, periods.notes.principal, rate, parts.fraction, parts.ends_period, share,
        *(np.bincount(places[name], taken[name].value, size).astype(np.float64) for name in taken),
        *rules, parts.end > periods.record_date[parts.period], out,
    )  # fmt: skip
    columns: dict[str, Any] = dict(zip(COLUMNS, out.reshape(len(COLUMNS), -1), strict=True))
    if failed >= 0:
        _raise_beyond(failed, columns, places, taken)
    return Balances(
        **{field.name: getattr(parts, field.name) for field in fields(parts) if field.name != "ends_period"},
        annual_rate=rate,
        payment_date=parts.payment_dates(happens),
        **columns,
    )


@dataclass(frozen=True, slots=True)
class _Default:
    """When each note bears interest at its default rate, and what that is."""

    date: DateArray
    cure: DateArray
    rate: FloatArray
    margin: FloatArray

    @classmethod
    def of(cls, count: int, date: Any, cure: Any, rate: Any, margin: Any) -> _Default:
        given = {"cure_date": cure, "default_rate": rate, "default_margin": margin}
        for name, value in given.items():
            if date is None and value is not None:
                raise TermError("default_date", rule=f"given with `{name}`", got=None)
        dates = [_dates(name, value, count) for name, value in (("default_date", date), ("cure_date", cure))]
        check_dates(dates[0], dates[1], ("default_date", "cure_date"))
        forbid(
            "cure_date", dates[1], np.isnat(dates[0]) & ~np.isnat(dates[1]), "left out where there is no `default_date`"
        )
        rates = [
            _numbers(name, np.nan if value is None else value, RATE, count)
            for name, value in (("default_rate", rate), ("default_margin", margin))
        ]
        unclear = ~np.isnat(dates[0]) & (np.isnan(rates[0]) == np.isnan(rates[1]))
        if unclear.any():
            row = int(np.argmax(unclear))
            raise TermError(
                "default_rate and default_margin",
                rule="given, one of the two, where there is a `default_date`",
                got=(float(rates[0][row]), float(rates[1][row])),
                row=row if count > 1 else None,
            )
        return cls(dates[0], dates[1], rates[0], rates[1])

    def orders(self) -> list[IntArray]:
        """Give pairs of note and date on which the rate changes."""
        notes = [np.flatnonzero(~np.isnat(dates)) for dates in (self.date, self.cure)]
        return [order_of(note, dates[note]) for note, dates in zip(notes, (self.date, self.cure), strict=True)]

    def applied(self, note: IntArray, start: DateArray, rate: FloatArray) -> FloatArray:
        """Give the rates of spans, in default or not."""
        if np.isnat(self.date).all():
            return rate
        within = (start >= self.date[note]) & ~(start >= self.cure[note])
        own = self.rate[note]
        return np.where(within, np.where(np.isnan(own), rate + self.margin[note], own), rate)


def _dates(name: str, values: Any, count: int) -> DateArray:
    given = as_dates(np.datetime64("NaT", "D") if values is None else values, name)
    dates: DateArray = np.ascontiguousarray(one_each(count, given, name))
    check_dates(dates, dates, (name, name))
    return dates


def _numbers(name: str, values: Any, rule: Rule, count: int) -> FloatArray:
    numbers = one_each(count, as_numbers(values, name), name)
    rule.check(name, numbers)
    return numbers


def _treatments(name: str, words: Any, taken: DatedValues, periods: Periods) -> npt.NDArray[np.int8]:
    """Give what becomes of accrued interest, as each note's position in `TREATMENTS`."""
    count = len(periods.notes)
    if words is None:
        if len(taken):
            raise TermError(name, rule=names_of(TREATMENTS), got=None)
        return np.zeros(count, dtype=np.int8)

    codes, _ = read_words(name, words, lambda word: known_word(name, word, TREATMENTS), TREATMENTS)
    codes = np.ascontiguousarray(one_each(count, codes, name))
    unknown = (codes == TREATMENTS.index("forfeited-before-record-date")) & (periods.notes.record_days < 0)
    forbid("record_days", periods.notes.record_days, unknown, "given with 'forfeited-before-record-date'")
    return codes.astype(np.int8, copy=False)


def _raise_beyond(
    failed: int, columns: dict[str, FloatArray], places: dict[str, IntArray], taken: dict[str, DatedValues]
) -> NoReturn:
    """Name the redemption or the conversion that takes more than there is."""
    span, kind = divmod(failed, 2)
    left = columns["principal"][span] + columns["capitalised"][span]
    if kind:
        left -= taken["redemptions"].value[places["redemptions"] == span].sum()
    name = list(taken)[kind]
    amounts = taken[name]
    row = int(np.flatnonzero(places[name] == span)[-1])
    raise TermError(
        name,
        rule=f"at most what is outstanding ({left:.2f})",
        got=f"{amounts.value[row]:.2f} on {amounts.date[row]}",
        row=int(amounts.row[row]) if len(amounts) > 1 else None,
    )
