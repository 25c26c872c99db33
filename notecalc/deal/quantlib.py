"""The same note in QuantLib: a hand-over, for those who go on in it or reconcile with it.

QuantLib's tree solves the model that is called ``goldman-sachs`` here. It takes one conversion price, open from the
start to maturity, and dates by a global evaluation date, which `QuantLibNote.set_engine` sets. Who converts at maturity
loses the last coupon there, though its record date has passed: unlike in `Deal.value`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import QuantLib as ql

from notecalc.core.arrays import Date, as_date
from notecalc.core.convertible.terms import Steps
from notecalc.core.curves import Curve
from notecalc.core.periods import Periods
from notecalc.core.schedule import resolve
from notecalc.deal.register import notes_of, sole_series
from notecalc.deal.terms import CallTerms, DealTerms, PutTerms
from notecalc.errors import TermError

__all__ = ["QuantLibNote", "quantlib_note"]

_DAY_COUNTS = {
    "30/360": lambda: ql.Thirty360(ql.Thirty360.BondBasis),
    "30e/360": lambda: ql.Thirty360(ql.Thirty360.EurobondBasis),
    "actual/360": ql.Actual360,
    "actual/365 fixed": ql.Actual365Fixed,
    "actual/actual isda": lambda: ql.ActualActual(ql.ActualActual.ISDA),
}


@dataclass(frozen=True)
class QuantLibNote:
    """A convertible bond of QuantLib, per 100 of principal.

    Parameters
    ----------
    instrument : QuantLib.ConvertibleFixedCouponBond
        With its calls and puts.
    """

    instrument: Any

    def set_engine(
        self,
        *,
        on: Date,
        stock_price: float,
        volatility: float,
        risk_free: float,
        credit_spread: float,
        steps: int,
        dividend_yield: float = 0.0,
    ) -> Any:
        """Set QuantLib's global evaluation date, and give the instrument a Cox-Ross-Rubinstein tree.

        Cash dividends are not handed over, nor is a cost of borrowing the stock: a market that has them has another
        value here.

        Parameters
        ----------
        on : date-like
            Day of valuation.
        stock_price, volatility, risk_free, credit_spread, dividend_yield : float
            As for `convertible_value`: rates continuous, by actual/365 fixed.
        steps : int
            Of the tree.

        Returns
        -------
        QuantLib.ConvertibleFixedCouponBond
            The instrument, whose ``NPV()`` is its dirty price.

        Raises
        ------
        TermError
            A term structure: QuantLib's tree takes its level at maturity for all of it.
        """
        given = {"volatility": volatility, "risk_free": risk_free, "credit_spread": credit_spread}
        for name, value in given.items():
            if isinstance(value, Curve | Steps):
                rule = "a number, as QuantLib's tree takes one for the whole life"
                raise TermError(name, rule=rule, got=type(value).__name__)
        day = _day(as_date(on, "on"))
        ql.Settings.instance().evaluationDate = day
        fixed = ql.Actual365Fixed()

        def flat(rate: float) -> Any:
            return ql.YieldTermStructureHandle(ql.FlatForward(day, rate, fixed))

        surface = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(day, ql.NullCalendar(), volatility, fixed))
        stock = ql.QuoteHandle(ql.SimpleQuote(stock_price))
        process = ql.BlackScholesMertonProcess(stock, flat(dividend_yield), flat(risk_free), surface)
        spread = ql.QuoteHandle(ql.SimpleQuote(credit_spread))
        self.instrument.setPricingEngine(ql.BinomialCRRConvertibleEngine(process, steps, spread))
        return self.instrument


def quantlib_note(terms: DealTerms) -> QuantLibNote:
    """Build the deal's note.

    Interest that is forfeited on conversion unless its record date has passed is taken as forfeited on every day, at
    maturity, too.

    Raises
    ------
    TermError
        A term that QuantLib's instrument does not have.
    """
    path, series = sole_series(terms)
    here, conversion = f"series.{path}", series.conversion
    for name, part in (("steps", conversion.steps), ("reset", conversion.reset)):
        if part:
            raise TermError(f"{here}.conversion.{name}", rule="none, as QuantLib has one conversion price", got=name)
    if series.redemption_in and series.redemption_in.value == "shares":
        raise TermError(f"{here}.redemption_in", rule="cash, as QuantLib has it", got="shares")
    if conversion.accrued_interest.value == "paid":
        raise TermError(f"{here}.conversion.accrued_interest", rule="forfeited, as QuantLib has it", got="paid")
    name = series.day_count.value
    if name not in _DAY_COUNTS:
        raise TermError(f"{here}.day_count", rule=f"one of {', '.join(_DAY_COUNTS)}", got=name)
    periods = resolve(notes_of(terms))
    exercise = ql.AmericanExercise(_day(conversion.first_date.value), _day(conversion.last_date.value))
    instrument = ql.ConvertibleFixedCouponBond(
        exercise,
        100 / float(conversion.conversion_price.value),
        _callability(terms),
        _day(series.issue_date.value),
        0,
        [float(series.annual_rate.value)],
        _DAY_COUNTS[name](),
        _schedule(periods),
        100.0,
    )
    return QuantLibNote(instrument)


def _schedule(periods: Periods) -> Any:
    """Give the accrual dates, with a calendar that moves each payment as ours is moved."""
    ends, paid = periods.accrual_end, periods.payment_date
    later, earlier = paid >= ends, paid <= ends
    if not (later.all() or earlier.all()):
        raise TermError("business_day_convention", rule="one that moves payments one way only", got="both ways")
    calendar = ql.BespokeCalendar("notecalc")
    for end, payment in zip(ends, paid, strict=True):
        first, last = (end, payment) if end <= payment else (payment + 1, end + 1)
        for day in np.arange(first, last):
            calendar.addHoliday(_day(day))
    dates = [_day(day) for day in (periods.accrual_start[0], *ends)]
    return ql.Schedule(dates, calendar, ql.Following if later.all() else ql.Preceding)


def _callability(terms: DealTerms) -> list[Any]:
    """Give calls and puts; QuantLib has them on days, so that a window is its every day."""
    path, series = sole_series(terms)
    options = []
    rights: dict[str, tuple[CallTerms | PutTerms, ...]] = {"calls": series.calls, "puts": series.puts}
    for kind, windows in rights.items():
        for row, window in enumerate(windows):
            if window.accrued_interest.value != "paid":
                here = f"series.{path}.{kind}[{row}].accrued_interest"
                raise TermError(here, rule="paid, as QuantLib has it", got="forfeited")
    for row, call in enumerate(series.calls):
        many_days = None if call.trigger.value == "none" else call.trigger_days
        for name, term, why in (
            ("trigger_days", many_days, "QuantLib looks at one day's price"),
            ("notice_days", call.notice_days, "QuantLib's calls are at once"),
            ("make_whole_until", call.make_whole_until, "QuantLib pays accrued interest alone"),
        ):
            if term is not None and term.value:
                raise TermError(f"series.{path}.calls[{row}].{name}", rule=f"none, as {why}", got=str(term.value))
        price = ql.BondPrice(float(call.clean_price.value), ql.BondPrice.Clean)
        for day in _days(call):
            if call.trigger.value == "none":
                options.append(ql.Callability(price, ql.Callability.Call, day))
            else:
                options.append(ql.SoftCallability(price, day, float(call.trigger.value)))
    for put in series.puts:
        price = ql.BondPrice(float(put.clean_price.value), ql.BondPrice.Clean)
        options += [ql.Callability(price, ql.Callability.Put, day) for day in _days(put)]
    return options


def _days(window: Any) -> list[Any]:
    first, last = (np.datetime64(day.value, "D") for day in (window.first_date, window.last_date))
    return [_day(day) for day in np.arange(first, last + 1)]


def _day(day: Any) -> Any:
    return ql.Date(str(day), "%Y-%m-%d")
