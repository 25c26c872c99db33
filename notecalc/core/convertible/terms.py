"""What a convertible promises besides its coupons: when it converts, when it may be called, and when put.

Windows are columns like those of `Notes`: each field is one for all notes, or an array with one for each; NaT where a
note has no such window. Prices step by listing window after window.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core.arrays import (
    FINITE,
    POSITIVE,
    RATE,
    DateArray,
    Dates,
    FloatArray,
    IntArray,
    Numbers,
    Rule,
    as_dates,
    as_numbers,
    forbid,
)
from notecalc.core.convertible.triggers import REACHED
from notecalc.core.periods import Periods
from notecalc.core.words import known_word
from notecalc.errors import TermError

__all__ = ["CLAIMS", "PAID_IN", "CallWindow", "ConversionWindow", "Convertible", "PutWindow", "Steps"]

ON_CALL = ("forfeited", "paid")
ON_CONVERSION = ("forfeited", "forfeited-before-record-date", "paid")
CLAIMS = ("principal", "principal-and-accrued")
PAID_IN = ("cash", "shares")

_PRICE_FRACTION = Rule("a fraction above 0, such as 0.95", lambda x: np.isfinite(x) & (x > 0))
_NOTICE = Rule("a whole number of days from 0 to 366", lambda x: (x >= 0) & (x <= 366) & (x == np.floor(x)))
_TRIGGER = Rule("a fraction of the conversion price, such as 1.5", lambda x: np.isfinite(x) & (x >= 0))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ConversionWindow:
    """When notes convert, and at which price.

    Prices step by listing window after window, each exact on its first day. A price that is reset if something fails,
    such as a registration, is a window for the case that it fails: with its probability p of failing, the value is
    (1 - p) times that under the terms without the step and p times that with it, if nothing is exercised before it.

    Parameters
    ----------
    conversion_price : numeric
        Principal for one share [currency/share].
    start, end : date-like, optional
        First and last day; from issue, and to maturity, if left out. If both are one day, conversion is open on that
        day alone. On a day that two windows share the holder takes the one with more shares. While it is closed,
        triggers of calls are fractions of the next price, after the last window of the last.

    Examples
    --------
    >>> ConversionWindow(conversion_price=1.85).conversion_price
    array(1.85)
    """

    conversion_price: FloatArray
    start: DateArray | None = None
    end: DateArray | None = None

    def __init__(
        self,
        *,
        conversion_price: Numbers | pd.Series[Any],
        start: Dates | pd.Series[Any] | None = None,
        end: Dates | pd.Series[Any] | None = None,
    ) -> None:
        prices = as_numbers(conversion_price, "conversion_price")
        POSITIVE.check("conversion_price", prices.reshape(-1))
        _set(self, conversion_price=prices, **_read_window(start, end))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CallWindow:
    """When the issuer may call, and what it then pays unless the holder converts.

    Parameters
    ----------
    clean_price : numeric
        Call price before accrued interest [per 100 of principal].
    trigger : numeric
        Stock price from which it may, as a fraction of the conversion price; 0 where it may at any. A stock price on
        the day itself is meant, unless `days` are given.
    days : (int, int), optional
        Trading days, such as ``(20, 30)``: closes at or above the trigger that a call needs, out of how many in a row
        (5, 10, 15, 20 or 30). See the notes.
    start, end : date-like, optional
        First day, after a coupon that is paid on it, and last; from issue, and to maturity, if left out. If both are
        one day, the note may be called on that day alone, after its coupon. On the last day of a longer window the
        call is live before a coupon of that day, with the interest accrued, and not after it: where interest is paid
        on a call the two are the same.
    make_whole_until : date-like, optional
        A call pays, in place of accrued interest, all coupons due after it up to this day; NaT, and a call after the
        last of them, pay accrued interest. A holder who converts instead isn't paid them.
    make_whole_rate : numeric
        At which those coupons are discounted to the call [1/yr], compounded annually by actual/365 fixed; 0, if left
        out, is their sum. Between days 30 apart what is discounted runs in a line.
    notice_days : int-like
        Calendar days between the issuer's notice and redemption, up to 366; 0, if left out, where it calls at once.
        One number for all calls of a note. See the notes.

    Notes
    -----
    A window says when the note may be redeemed, as indentures do ("on or after a day, on not less than 30 days'
    notice"): notice may be given that long before. Once it is given the note goes on until redemption: its holder may
    convert, where conversion is open, and put; is paid coupons; by a hazard rate may lose it to default, by a spread
    what is promised in cash bears it; and on the day of redemption takes the call price with what comes with it, or the
    shares. The issuer gives notice where that costs least, so that what the note is worth once called takes the place
    of the greater of call price and shares. A trigger is tested on the day of the notice, and so are `days`. Notice
    that would have the note redeemed after maturity is worth nothing; notice given before settlement is not known.

    By a hazard rate, and without a trigger, longer notice is worth no less to the holder: what the issuer decides it
    may decide as early and say later. By a spread this need not hold, nor is no notice the limit of short notice where
    the call is for cash: at once it bears no spread, after notice it does.

    The edge from which notice is given is found within a cell. Against the lesser of two options (one redemption day,
    no coupons, a hazard rate) ``reference`` is right to 3e-8, with a trigger to 6e-6. Over 60 random notes of three
    years, notice of 1 to 90 days, errors at ``fast`` and ``standard`` against ``reference``, root mean square and worst
    [per 100]: by a hazard rate 7e-3 and 4e-2, 1.2e-3 and 6e-3; by a spread 1.2e-2 and 5e-2, 6e-3 and 4e-2.

    While conversion is closed, a call with a trigger is taken to be made wherever the stock is above it. Far above it
    the issuer would rather wait, if the call price grows by less than it is discounted: there the value is too high by
    up to that difference until the window ends, 0.5 of 105 in 60 days at 3%, and `error_estimate` does not know.

    A trigger on several days is valued as one on the day, further up by a multiple of the stock's deviation in a day of
    252 to the year (`on_the_day_trigger`), and as one on the day that the window opens, on which days before it count
    (`opening_day_trigger`); not on that of a window that goes on from another with these days and no higher trigger.
    Days before settlement are unknown: settled within the window, a note is as if none had met the trigger. Beside a
    simulation of 20 of 30 days on notes of three years the value is too high, root mean square and at worst [per 100]:
    at a volatility of 20% by 0.04 and 0.11, 30% 0.06 and 0.15, 45% 0.11 and 0.27, 60% 0.18 and 0.45, 90% 0.29 and 0.61.

    References
    ----------
    A. Grau, P. Forsyth and K. Vetzal, Convertible bonds with call notice periods, University of Waterloo (2003).
    K. W. Lau and Y. K. Kwok, Anatomy of option features in convertible bonds, J. Futures Markets 24 (2004).

    Examples
    --------
    >>> CallWindow(clean_price=100, trigger=1.5, start="2005-06-18").trigger
    array(1.5)
    """

    clean_price: FloatArray
    trigger: FloatArray
    make_whole_rate: FloatArray
    notice_days: FloatArray
    days: tuple[int, int] | None = None
    make_whole_until: DateArray | None = None
    start: DateArray | None = None
    end: DateArray | None = None

    def __init__(
        self,
        *,
        clean_price: Numbers | pd.Series[Any],
        trigger: Numbers | pd.Series[Any] = 0.0,
        days: tuple[int, int] | None = None,
        start: Dates | pd.Series[Any] | None = None,
        end: Dates | pd.Series[Any] | None = None,
        make_whole_until: Dates | pd.Series[Any] | None = None,
        make_whole_rate: Numbers | pd.Series[Any] = 0.0,
        notice_days: Numbers | pd.Series[Any] = 0,
    ) -> None:
        prices, triggers = as_numbers(clean_price, "clean_price"), as_numbers(trigger, "trigger")
        rates = as_numbers(make_whole_rate, "make_whole_rate")
        RATE.check("make_whole_rate", rates.reshape(-1))
        until = None if make_whole_until is None else as_dates(make_whole_until, "make_whole_until")
        if until is None and (rates != 0).any():
            raise TermError("make_whole_rate", rule="left out without `make_whole_until`", got=make_whole_rate)
        POSITIVE.check("clean_price", prices.reshape(-1))
        _TRIGGER.check("trigger", triggers.reshape(-1))
        _set(self, clean_price=prices, trigger=triggers, make_whole_rate=rates, make_whole_until=until)
        notice = as_numbers(notice_days, "notice_days")
        _NOTICE.check("notice_days", notice.reshape(-1))
        _set(self, notice_days=notice)
        _set(self, days=None if days is None else _read_days(days), **_read_window(start, end))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PutWindow:
    """When the holder may sell the note back.

    The edge below which a note is put moves with accrued interest, and is found to second order. Errors measured on 200
    random notes under a put of two years (stock 0.22 to 3.3 of the conversion price, volatility 15 to 90%, credit up to
    20%), root mean square per 100 at ``fast`` and ``standard`` against ``reference``: by a hazard rate 3e-3 and 4e-4,
    by a spread 5e-3 and 2e-3; the worst of them is six to ten times that.

    Parameters
    ----------
    clean_price : numeric
        What is paid before accrued interest [per 100 of principal].
    start, end : date-like, optional
        First and last day, on both after a coupon that is paid on it; from issue, and to maturity, if left out. If
        both are one day, the note may be put on that day alone. A put on the day of maturity is in the place of the
        redemption: the greater of the two is paid, and counts as repayment among outcomes.

    Examples
    --------
    >>> PutWindow(clean_price=100, start="2006-06-18", end="2006-06-18").start
    array('2006-06-18', dtype='datetime64[D]')
    """

    clean_price: FloatArray
    start: DateArray | None = None
    end: DateArray | None = None

    def __init__(
        self,
        *,
        clean_price: Numbers | pd.Series[Any],
        start: Dates | pd.Series[Any] | None = None,
        end: Dates | pd.Series[Any] | None = None,
    ) -> None:
        prices = as_numbers(clean_price, "clean_price")
        POSITIVE.check("clean_price", prices.reshape(-1))
        _set(self, clean_price=prices, **_read_window(start, end))


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A number that changes on some dates, such as a volatility or a hazard rate by term.

    Parameters
    ----------
    dates : date-like
        The last day of each stretch, rising; the last number holds beyond.
    values : numeric
        The number of each stretch; or one row of them for each note, which has no value where one of its row is
        missing.

    Raises
    ------
    TermError
        Dates that don't rise, dates and values of different lengths, a number that is infinite or, in steps for all
        notes, missing.

    Examples
    --------
    >>> Steps(["2005-06-18", "2007-06-18"], [0.6, 0.5]).until(np.array(["2005-06-18", "2005-06-20"], "datetime64[D]"))
    array([0.6, 0.5])
    """

    dates: DateArray
    values: FloatArray

    def __init__(self, dates: Dates | pd.Series[Any], values: Numbers | pd.Series[Any]) -> None:
        days, numbers = np.atleast_1d(as_dates(dates, "dates")), np.atleast_1d(as_numbers(values, "values"))
        if days.ndim != 1 or numbers.ndim > 2 or days.shape != numbers.shape[-1:] or days.size == 0:
            raise TermError("dates and values", rule="of one length", got=f"shapes {days.shape} and {numbers.shape}")
        forbid("dates", days[1:], ~(days[1:] > days[:-1]), "rising")
        FINITE.check("values", numbers.reshape(-1))
        if numbers.ndim == 1:
            forbid("values", numbers, np.isnan(numbers), "given for each date")
        _set(self, dates=days, values=numbers)

    def until(self, days: DateArray, note: IntArray | None = None) -> FloatArray:
        """Give the number of the stretch that each day ends or lies in, each day for one of the notes."""
        place = np.minimum(np.searchsorted(self.dates, days), self.dates.size - 1)
        return self.values[place] if self.values.ndim == 1 else self.values[note, place]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Convertible:
    """The terms of n convertible notes.

    Parameters
    ----------
    periods : Periods
        Their coupon periods, as `schedule.resolve` gives them.
    conversions : iterable of ConversionWindow
        When they convert; windows of a note don't overlap.
    calls : iterable of CallWindow
        When they may be called.
    puts : iterable of PutWindow
        When they may be put.
    accrued_on_conversion : {"forfeited", "forfeited-before-record-date", "paid"}
        Whether a holder who converts is paid the interest accrued since the last coupon; at maturity, the last coupon.
        With a record date, who converts at maturity keeps the last coupon if that date lies before; what who converts
        between another coupon and its record date keeps is left out.
    accrued_on_call : {"paid", "forfeited"}
        Whether a call or a put pays it.
    recovery_claim : {"principal", "principal-and-accrued"}
        Of what the recovery on default is a fraction.
    redemption : numeric
        What is paid at maturity beside the last coupon [per 100 of principal].
    redemption_in : {"cash", "shares"}
        In what it is paid; the last coupon is cash. Shares are worth their price whatever becomes of the issuer: in
        the models with a spread they bear none (the cash part of Tsiveriotis and Fernandes is the coupon alone, and
        `bond_floor` discounts them without it); by a hazard rate the note must live to be paid at all.
    redemption_price_fraction : numeric
        Of their price, at which shares are counted: at 0.95, a redemption of 100 is shares worth 100 / 0.95. Left out
        where it is paid in cash.

    Notes
    -----
    A coupon whose accrual has ended is the holder's, also if it is paid some days later: a call, a put or a conversion
    in between pays it, whole, beside the price or the shares, where accrued interest is forfeited, too. Not so from
    maturity on for the last coupon, which a conversion at maturity pays or not as `accrued_on_conversion` says. Paid
    beside shares or by a call it bears no spread in the model of Tsiveriotis and Fernandes, like accrued interest.

    Between days of note accrued interest runs in a line, though by 30/360 it stands still on a 31st and leaps at the
    end of February. The value of an 8% note of two years from 29 February 2004, valued on that day at ``standard``
    where conversion pays accrued interest and the stock yields 6%, moved by up to 7.9e-3 per 100 when time was cut
    around every month's end; that of the same note by actual/365 fixed by 7.0e-4.

    Raises
    ------
    TermError
        No conversion window, a field that is neither one for all nor one for each note, an unknown word; a window that
        has a price and a first day, and lacks another number or the last day, that opens after maturity or closes
        before issue; a price of shares at maturity where it is paid in cash.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=29_000_000, annual_rate=0.08,
    ...               frequency=2, day_count="30/360")
    >>> note = Convertible(periods=resolve(notes), conversions=[ConversionWindow(conversion_price=1.85)],
    ...                    accrued_on_conversion="forfeited")
    >>> len(note)
    1
    """

    periods: Periods
    conversions: tuple[ConversionWindow, ...]
    calls: tuple[CallWindow, ...]
    puts: tuple[PutWindow, ...]
    accrued_on_conversion: str
    accrued_on_call: str
    recovery_claim: str
    redemption: FloatArray
    redemption_in: str
    redemption_price_fraction: FloatArray

    def __init__(
        self,
        *,
        periods: Periods,
        conversions: Iterable[ConversionWindow],
        accrued_on_conversion: str,
        calls: Iterable[CallWindow] = (),
        puts: Iterable[PutWindow] = (),
        accrued_on_call: str = "paid",
        recovery_claim: str = "principal",
        redemption: Numbers | pd.Series[Any] = 100.0,
        redemption_in: str = "cash",
        redemption_price_fraction: Numbers | pd.Series[Any] = 1.0,
    ) -> None:
        windows: dict[str, tuple[Any, ...]] = {
            "conversions": tuple(conversions),
            "calls": tuple(calls),
            "puts": tuple(puts),
        }
        if not windows["conversions"]:
            raise TermError("conversions", rule="at least one window", got=[])
        size = len(periods.notes)
        on_conversion = known_word("accrued_on_conversion", accrued_on_conversion, ON_CONVERSION)
        if on_conversion == "forfeited-before-record-date":
            days = periods.notes.record_days
            forbid("record_days", days, days < 0, f"given with accrued_on_conversion={on_conversion!r}")
        for name, given in windows.items():
            for window in given:
                for field in fields(window):
                    if field.name != "days":
                        _check_size(f"{name}.{field.name}", getattr(window, field.name), size)
                _check_window(name, window, periods)
        repaid = as_numbers(redemption, "redemption")
        _check_size("redemption", repaid, size)
        POSITIVE.check("redemption", repaid.reshape(-1))
        fraction = as_numbers(redemption_price_fraction, "redemption_price_fraction")
        _check_size("redemption_price_fraction", fraction, size)
        _PRICE_FRACTION.check("redemption_price_fraction", fraction.reshape(-1))
        if redemption_in == "cash":
            shares = np.atleast_1d((fraction != 1) & ~np.isnan(fraction))
            forbid("redemption_price_fraction", np.atleast_1d(fraction), shares, "left out with redemption_in='cash'")
        _set(
            self,
            periods=periods,
            accrued_on_conversion=on_conversion,
            accrued_on_call=known_word("accrued_on_call", accrued_on_call, ON_CALL),
            recovery_claim=known_word("recovery_claim", recovery_claim, CLAIMS),
            redemption=repaid,
            redemption_in=known_word("redemption_in", redemption_in, PAID_IN),
            redemption_price_fraction=fraction,
            **windows,
        )

    def __len__(self) -> int:
        return len(self.periods.notes)


def _set(instance: object, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(instance, name, value)


def _read_days(days: Any) -> tuple[int, int]:
    if np.shape(days) != (2,) or days[1] not in REACHED or days[0] not in range(1, days[1] + 1):
        known = ", ".join(map(str, REACHED))
        raise TermError("days", rule=f"days needed, and out of how many: {known}; such as (20, 30)", got=days)
    return int(days[0]), int(days[1])


def _read_window(start: Any, end: Any) -> dict[str, DateArray | None]:
    first = None if start is None else as_dates(start, "start")
    last = None if end is None else as_dates(end, "end")
    if first is not None and last is not None:
        wrong = np.atleast_1d(last < first)
        if wrong.any():
            got = np.broadcast_to(np.atleast_1d(last), wrong.shape)
            forbid("end", got, wrong, "on or after `start`")
    return {"start": first, "end": last}


def _check_size(name: str, values: npt.NDArray[Any] | None, size: int) -> None:
    if values is not None and values.shape not in {(), (1,), (size,)}:
        raise TermError(name, rule=f"one value, or one for each of {size} notes", got=values.shape)


def _check_window(name: str, window: Any, periods: Periods) -> None:
    """Raise where a note has a window that lacks one of its numbers or its last day, or lies outside its life.

    What says that a note has none is a missing price or first day; of windows from issue on, a missing last day.
    """
    notes, size = periods.notes, len(periods.notes)
    first, last = notes.issue_date, _last_days(periods)
    numbers = {
        field.name: np.broadcast_to(getattr(window, field.name).reshape(-1), (size,))
        for field in fields(window)
        if getattr(getattr(window, field.name), "dtype", None) == np.float64
    }
    start, end = (
        own if days is None else np.broadcast_to(days.reshape(-1), (size,))
        for days, own in ((window.start, first), (window.end, last))
    )
    price = "conversion_price" if "conversion_price" in numbers else "clean_price"
    known = ~(np.isnan(numbers.pop(price)) | np.isnat(start))
    if window.start is not None:
        forbid(f"{name}.end", end, known & np.isnat(end), "given where `start` is")
    known &= ~np.isnat(end)
    for field, values in numbers.items():
        forbid(f"{name}.{field}", values, known & np.isnan(values), f"given where `{price}` is")
    for field, days, bound, wrong, words in (
        ("start", start, last, known & (start > last), "by maturity"),
        ("end", end, first, known & (end < first), "on or after the day of issue"),
    ):
        if wrong.any():
            forbid(f"{name}.{field}", days, wrong, f"{words}, {bound[np.argmax(wrong)]}")


def _last_days(periods: Periods) -> DateArray:
    """Give the last day on which each note pays."""
    last = periods.notes.maturity.copy()
    some = periods.offsets[1:] > periods.offsets[:-1]
    last[some] = np.maximum(last[some], periods.payment_date[periods.offsets[1:][some] - 1])
    return last
