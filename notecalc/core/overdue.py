"""Interest on amounts that are paid late, simple or compounded; knows no principal that is still to fall due."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import pandas as pd

from notecalc.core._rows import NoteRows, order_of
from notecalc.core._spans import Spans, check_dates
from notecalc.core.arrays import FINITE, RATE, Date, DateArray, Dates, FloatArray, IntArray, Number, Numbers
from notecalc.core.conventions import DayCounts, read_day_counts
from notecalc.core.daycount import fill
from notecalc.core.notes import Periods, Text
from notecalc.core.schedule import add_months
from notecalc.core.words import known_word, read_words
from notecalc.errors import TermError

__all__ = ["default_interest"]

_PAYMENT_DATES = "payment-dates"
_MONTHS = {"simple": 0, "annual": 12, "semi-annual": 6, "quarterly": 3, "monthly": 1, _PAYMENT_DATES: -1}


@overload
def default_interest(  # type: ignore[overload-overlap]  # a scalar is also one of Dates; the first match holds
    amount: Number,
    annual_rate: Number,
    due: Date,
    paid: Date,
    *,
    day_count: str,
    compounding: str = "simple",
    periods: Periods | None = None,
) -> float: ...
@overload
def default_interest(  # type: ignore[overload-overlap]  # as above
    amount: Numbers,
    annual_rate: Numbers,
    due: Dates,
    paid: Dates,
    *,
    day_count: DayCounts,
    compounding: Text = "simple",
    periods: Periods | None = None,
) -> FloatArray: ...
@overload
def default_interest(
    amount: Numbers | pd.Series[Any],
    annual_rate: Numbers | pd.Series[Any],
    due: Dates | pd.Series[Any],
    paid: Dates | pd.Series[Any],
    *,
    day_count: DayCounts | pd.Series[Any],
    compounding: Text = "simple",
    periods: Periods | None = None,
) -> pd.Series[Any]: ...
def default_interest(
    amount: Any,
    annual_rate: Any,
    due: Any,
    paid: Any,
    *,
    day_count: Any,
    compounding: Any = "simple",
    periods: Periods | None = None,
) -> Any:
    r"""Interest on an overdue amount, from the day it was due to the day it is paid.

    .. math:: I = A \, r \, \tau(\text{due}, \text{paid}) \quad\text{or}\quad
              I = A \Bigl(\prod_k \bigl(1 + r \, \tau(d_{k-1}, d_k)\bigr) - 1\Bigr)

    Parameters
    ----------
    amount : numeric
        Amount overdue [currency].
    annual_rate : numeric
        Default rate [1/yr], a decimal: the whole rate, not a margin over the coupon.
    due, paid : date-like
        Day on which it was due, which bears interest, and day on which it is paid, which doesn't.
    day_count : str, or array-like of str
        A convention that needs no coupon period, for all rows or one for each; see `year_fraction`.
    compounding : str, or array-like of str
        ``simple``, or how often interest is added to what is overdue: ``annual``, ``semi-annual``, ``quarterly`` or
        ``monthly`` from the day it was due, or on the ``payment-dates`` of the note as long as it has any.
    periods : Periods, optional
        The periods of n notes, whose payment dates are meant; all else is broadcast with the notes, along the last
        axis.

    Returns
    -------
    numeric
        Interest [currency], of the kind that came in; NaN where something is missing.

    Raises
    ------
    TermError
        A rate outside (-1, 1), an infinite amount, ``paid`` before ``due``, an unknown convention, or one that needs
        more than dates, ``payment-dates`` without `periods`.

    References
    ----------
    ISDA 2006 Definitions, section 4.16; compounding as for their Compounding Dates, section 6.3.

    Examples
    --------
    >>> default_interest(1_160_000, 0.10, "2004-12-20", "2005-01-19", day_count="actual/360")
    9666.666666666666
    >>> default_interest(1_000, 0.10, "2004-12-20", "2006-06-20", day_count="30/360", compounding="annual").__round__(6)
    155.0
    """
    conventions, counts = read_day_counts(day_count)
    codes, table = read_words("compounding", compounding, lambda word: known_word("compounding", word, _MONTHS), ())
    numbers: dict[str, Any] = {"amount": (amount, FINITE), "annual_rate": (annual_rate, RATE)}
    numbers |= {} if counts is None else {"day_count": (counts, None)}
    if np.ndim(codes):
        index = compounding.index if isinstance(compounding, pd.Series) else None
        numbers["compounding"] = (codes if index is None else pd.Series(codes, index=index), None)
    rows = NoteRows.of(1 if periods is None else len(periods.notes), {"due": due, "paid": paid}, numbers)
    begins, ends = rows.dates["due"], rows.dates["paid"]
    check_dates(begins, ends, ("due", "paid"))
    months = np.array([_MONTHS[word] for word in table])[
        rows.numbers.get("compounding", np.full(begins.size, codes)).astype(np.int64)
    ]
    if periods is None and (months < 0).any():
        raise TermError("periods", rule=f"given with compounding {_PAYMENT_DATES!r}", got=None)
    given = rows.numbers["amount"], rows.numbers["annual_rate"]
    interest = np.zeros(begins.size)

    def earn(which: IntArray, start: DateArray, end: DateArray) -> None:
        owed, rate = (column[which] for column in given)
        kinds = rows.numbers["day_count"][which] if counts is not None else None
        interest[which] += fill(
            Spans(start, end, principal=owed + interest[which], annual_rate=rate), conventions, kinds
        )

    last, step = begins.copy(), 0
    compounded = np.flatnonzero((months != 0) & ~np.isnat(begins) & ~np.isnat(ends))
    while compounded.size:
        step += 1
        dates = _next_date(
            periods, rows.note[compounded], begins[compounded], last[compounded], step, months[compounded]
        )
        reached = dates < ends[compounded]
        compounded, dates = compounded[reached], dates[reached]
        earn(compounded, last[compounded], dates)
        last[compounded] = dates
    earn(np.arange(begins.size), last, ends)
    return rows.shape.rewrap(interest)


def _next_date(
    periods: Periods | None, note: IntArray, due: DateArray, last: DateArray, step: int, months: IntArray
) -> DateArray:
    """Give the date on which interest is next added: so many months from the due day, or the note's next payment."""
    dates = add_months(due, step * np.maximum(months, 0))
    by_payment = np.flatnonzero(months < 0)
    if periods is None or not by_payment.size:
        return dates
    paid = order_of(periods.note, periods.payment_date)
    place = np.searchsorted(paid, order_of(note[by_payment], last[by_payment]), side="right")
    none = place == periods.offsets[note[by_payment] + 1]
    found = periods.payment_date[np.minimum(place, len(periods) - 1)] if len(periods) else last[by_payment]
    dates[by_payment] = np.where(none, np.datetime64("NaT", "D"), found)
    return dates
