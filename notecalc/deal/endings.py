"""What holders receive if notes convert or the issuer defaults on a day, for many such days at once.

The rules are those of `cashflows`, which tells one history in full; here each row is a history with one conversion at
most, in proportion over the register, and a default, which papers know nothing of: on its day and later nothing is
paid but the recovery.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from notecalc.core.accrual import accrued_fraction
from notecalc.core.arrays import DateArray, FloatArray, IntArray, forbid
from notecalc.core.conversion import convert_cents
from notecalc.core.money import allocate, interest_cents
from notecalc.core.notes import Periods
from notecalc.core.schedule import resolve
from notecalc.deal.cashflows import flow_rows, interest_by_holder
from notecalc.deal.conversion import conversion_prices_on
from notecalc.deal.register import calendar_of, cents_of, notes_of, register_of, sole_series
from notecalc.deal.terms import DealTerms
from notecalc.errors import TermError

__all__ = ["Ending", "Timeline", "prices_on"]


@dataclass(frozen=True)
class Ending:
    """What each holder receives after the purchase, a row for each history and a column for each holder; cents."""

    interest: IntArray
    principal: IntArray
    cash_in_lieu: IntArray
    recovered: IntArray
    shares: IntArray
    """Whole shares."""


@dataclass(frozen=True)
class Timeline:
    """A deal's payments if nothing happens, from which those under an event follow.

    Parameters
    ----------
    terms : DealTerms
        The deal's.
    periods : Periods
        Its coupon periods.
    held : array, shape (holders,)
        Principal that each holder has [cents].
    purchase : array, shape (holders,)
        What each gives at closing, in cash and in par surrendered, below 0 [cents].
    coupons : array, shape (periods, holders)
        Coupons of what is held [cents].
    """

    terms: DealTerms
    periods: Periods
    held: IntArray
    purchase: IntArray
    coupons: IntArray

    @classmethod
    def of(cls, terms: DealTerms) -> Timeline:
        """Take the cash flows of a deal without events."""
        first, *rest = flow_rows(terms, [])
        coupons = np.array([flow.cents("interest") for flow in rest])
        return cls(terms, resolve(notes_of(terms)), register_of(terms).cents, first.cents("total"), coupons)

    @property
    def closing(self) -> np.datetime64:
        """The day of the purchase."""
        return np.datetime64(self.terms.dates.closing.value, "D")

    @property
    def conversion_days(self) -> tuple[np.datetime64, np.datetime64]:
        """First and last day on which notes convert."""
        conversion = sole_series(self.terms)[1].conversion
        last = np.datetime64(conversion.last_date.value, "D")
        return np.datetime64(conversion.first_date.value, "D"), min(last, self.periods.accrual_end[-1])

    def taken(self, principal: IntArray) -> IntArray:
        """Share out principal that converts, in cents, in proportion over the register and in whole multiples.

        Raises
        ------
        TermError
            Principal that is no multiple, or more than is held; as `converted`.
        """
        unit, total = cents_of(sole_series(self.terms)[1].conversion.multiple.value), int(self.held.sum())
        bad = (principal < 0) | (principal > total) | (principal % unit != 0)
        forbid("converted", principal / 100, bad, f"from 0 to {total / 100:,.2f} in multiples of {unit / 100:,.2f}")
        return allocate(principal // unit, self.held) * unit

    def taken_by(self, holder: int, principal: IntArray, name: str) -> IntArray:
        """Give principal that one holder converts, in cents, if it is in whole multiples and no more than it holds.

        Raises
        ------
        TermError
            It is not; under the name given.
        """
        unit, most = cents_of(sole_series(self.terms)[1].conversion.multiple.value), int(self.held[holder])
        bad = (principal < 0) | (principal > most) | (principal % unit != 0)
        forbid(name, principal / 100, bad, f"from 0 to {most / 100:,.2f} in multiples of {unit / 100:,.2f}")
        return principal

    def coupons_before(self, day: DateArray) -> IntArray:
        """Count the coupons paid before each day; all of them where there is none."""
        count = np.searchsorted(self.periods.payment_date, day, side="left")
        return np.where(np.isnat(day), len(self.periods.payment_date), count)

    def place_of(self, day: DateArray) -> tuple[IntArray, IntArray, IntArray]:
        """Give the period that each day lies in, and the fraction of a year accrued in it; past the last at maturity.

        A coupon whose period ends on the day is not in it: it is paid first.
        """
        place, numerator, denominator = accrued_fraction(self.periods, 0, day)
        return np.where(place < 0, len(self.coupons), place), numerator, denominator

    def keeps_coupon(self, day: DateArray, place: IntArray) -> npt.NDArray[np.bool_]:
        """Tell whether who converts on a day is paid the running coupon all the same."""
        inside = place < len(self.coupons)
        record = self.periods.record_date[np.where(inside, place, 0)]
        treatment = sole_series(self.terms)[1].conversion.accrued_interest.value
        kept: npt.NDArray[np.bool_] = inside & (day > record) & (treatment == "forfeited-before-record-date")
        return kept

    def paid_on(self, day: DateArray) -> DateArray:
        """Give the day on which what falls due on a day is paid."""
        _, series = sole_series(self.terms)
        return calendar_of(self.terms).adjust(day, series.business_day_convention.value)

    def convert(self, taken: IntArray, prices: npt.NDArray[Any]) -> tuple[IntArray, IntArray]:
        """Whole shares, and cents in lieu of fractions, by the deal's rounding."""
        _, series = sole_series(self.terms)
        shares, cash = convert_cents(
            taken, prices, rounding=series.conversion.share_rounding.value, denomination=series.denomination.value
        )
        dropped = series.conversion.fractions.value == "dropped"
        return shares, np.zeros_like(cash) if dropped else cash

    def accrued_paid(self, taken: IntArray, numerator: IntArray, denominator: IntArray) -> IntArray:
        """Cents of accrued interest that are paid on conversion: of each holder's principal, if the deal pays it."""
        if sole_series(self.terms)[1].conversion.accrued_interest.value != "paid":
            return np.zeros_like(taken)
        return self.accrued(taken, numerator, denominator)

    def accrued(self, taken: IntArray, numerator: IntArray, denominator: IntArray) -> IntArray:
        """Cents of interest accrued on each holder's principal."""
        rate = Fraction(sole_series(self.terms)[1].annual_rate.value)
        above, below = (np.repeat(part, taken.shape[1]) for part in (numerator, denominator))
        return interest_cents(taken.reshape(-1), rate, above, below).reshape(taken.shape)

    def recover(self, principal: IntArray, recovery_rate: FloatArray) -> IntArray:
        """Cents that principal recovers on default, half up."""
        return np.floor(principal * recovery_rate[:, np.newaxis] + 0.5).astype(np.int64)

    def ending(
        self,
        converted_on: DateArray,
        taken: IntArray,
        prices: npt.NDArray[Any],
        default_on: DateArray,
        recovery_rate: FloatArray,
    ) -> Ending:
        """Follow histories to their ends.

        Parameters
        ----------
        converted_on : datetime64[D] array, shape (rows, holders) or (rows, 1)
            Day on which each holder converts, NaT for none; a default on that day or before keeps it from happening.
        taken : int64 array, shape (rows, holders)
            Principal that each holder converts [cents], see `taken`.
        prices : array, of the shape of the days
            Conversion price [currency/share], as `prices_on` gives it.
        default_on : datetime64[D] array, shape (rows,)
            Day of default, NaT for none.
        recovery_rate : float64 array, shape (rows,)
            Of principal outstanding, where there is a default.

        Raises
        ------
        TermError
            A day on which notes don't convert, or a default before the notes were bought.
        """
        first, last = self.conversion_days
        outside = np.any((converted_on < first) | (converted_on > last), axis=1)
        forbid("converted_on", converted_on[:, 0], outside, f"a day on which notes convert, {first} to {last}")
        forbid("default_on", default_on, default_on <= self.closing, f"after closing, {self.closing}")
        happens = ~np.isnat(converted_on) & ~(default_on[:, np.newaxis] <= converted_on)
        taken = np.where(happens, taken, 0)
        day = np.where(happens, converted_on, self.periods.accrual_end[-1])
        place, numerator, denominator = (part.reshape(day.shape) for part in self.place_of(day.reshape(-1)))
        left, paid = self.held - taken, self.coupons_before(default_on)
        kept = np.where(self.keeps_coupon(day, place), taken, 0)
        # Where each holder has a day of its own, it is converted as a row of its own.
        own = taken if day.shape[1] == 1 else taken.reshape(-1, 1)
        try:
            shares, cash = (part.reshape(taken.shape) for part in self.convert(own, prices.reshape(-1)))
        except TermError as error:
            of = sorted({row * own.shape[1] // taken.shape[1] for row in error.rows or []})
            raise TermError(error.name, rule=error.rule, got=error.got, hint=error.hint, rows=of or None) from None
        interest = self.accrued_paid(own, numerator.reshape(-1), denominator.reshape(-1)).reshape(taken.shape)
        begun = place.min(axis=1)
        interest += self._paid_in_full[np.minimum(begun, paid)]
        for k in range(len(self.coupons)):
            principal = left + np.where(k < place, taken, 0) + np.where(place == k, kept, 0)
            rows = np.flatnonzero((k >= begun) & (k < paid) & principal.any(axis=1))
            if rows.size:
                interest[rows] += self._coupon(principal[rows], k)
        matures = (paid == len(self.coupons))[:, np.newaxis]
        recovered = self.recover(np.where(matures, 0, left), np.where(matures[:, 0], 0.0, recovery_rate))
        return Ending(interest, np.where(matures, left, 0), cash, recovered, shares)

    @property
    def _paid_in_full(self) -> IntArray:
        """Coupons of what is held, up to each."""
        return np.concatenate([np.zeros((1, self.held.size), dtype=np.int64), self.coupons.cumsum(axis=0)])

    def _coupon(self, principal: IntArray, k: int) -> IntArray:
        _, series = sole_series(self.terms)
        numerator, denominator = int(self.periods.numerator[k]), int(self.periods.denominator[k])
        rate = Fraction(series.annual_rate.value)
        return interest_by_holder(series.payment_rounding.value, principal, rate, numerator, denominator)


def prices_on(terms: DealTerms, days: DateArray) -> npt.NDArray[Any]:
    """The conversion price on each day, as floats where they say the same to the last digit; that at first for NaT."""
    conversion = sole_series(terms)[1].conversion
    stated = [conversion.conversion_price.value, *(step.conversion_price.value for step in conversion.steps)]
    exact = conversion_prices_on(terms, days)
    return exact.astype(np.float64) if all(Decimal(repr(float(p))) == p for p in stated) else exact
