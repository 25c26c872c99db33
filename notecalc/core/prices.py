"""Prices of many notes at their yields, now and forward; per 100 of principal.

Knows no curve (`spreads`) and finds no yield (`yields`). Formulas in Standard Securities Calculation Methods (SIA).
A formula of what a yield makes of the flows becomes a function of notes by `at_yield`.
"""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
import pandas as pd

from notecalc.core._coupons import Coupons
from notecalc.core._layout import Layout
from notecalc.core._quoting import Measures, at_yield
from notecalc.core._signatures import FlowTerms, at_price
from notecalc.core.arrays import FINITE, RATE, Date, Dates, FloatArray, Numbers, as_date
from notecalc.core.daycount import year_fraction
from notecalc.core.notes import Periods
from notecalc.errors import TermError

__all__ = ["clean_price", "dirty_price", "forward_price"]


@at_yield
def clean_price(at: Measures) -> FloatArray:
    r"""Price without accrued interest.

    .. math:: P = \sum_k C_k \, (1 + y / m)^{-m t_k} - A

    Parameters
    ----------
    periods : Periods
        The periods of n notes.
    settlement : date-like
        The day from which the buyer is paid: one, or one for each note. With one note, any shape.
    annual_yield : numeric
        Yield [1/yr]: broadcast with the notes, whose axis is the last. ``(k, 1)`` or ``(k, n)`` gives a grid.
    compounding : {"annual", "semi-annual", "quarterly", "monthly", "coupon", "continuous", "simple"}
        How often the yield is compounded; ``coupon`` is as often as the note pays.
    simple_interest : {"never", "last-period", "first-period"}
        Where the first flow is discounted by simple interest all the same: nowhere; where it is the only one left
        (street convention of the United States, and Excel's PRICE); or always (the Treasury's convention). A note
        without coupons has no first period: there, only what falls due within a compounding period.
    **flow_terms
        `FlowTerms`: ``timing``, ``coupon_rate``, ``redemption``.

    Returns
    -------
    float-like
        Price [per 100 of principal]; NaN where something is missing.

    Raises
    ------
    TermError
        Settlement before issue or from maturity on, a yield of a total loss, an unknown convention.

    References
    ----------
    J. J. Lynch and J. H. Mayle, Standard Securities Calculation Methods (SIA, 1993), formulas 6 and 7.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2007-11-15", maturity="2017-11-15", principal=100, annual_rate=0.0575, frequency=2,
    ...               day_count="30/360")
    >>> terms = {"compounding": "semi-annual", "simple_interest": "last-period"}
    >>> round(clean_price(resolve(notes), "2008-02-15", 0.065, **terms), 6)
    94.634362
    """
    return at.worth - at.accrued


@at_yield
def dirty_price(at: Measures) -> FloatArray:
    """Price with accrued interest: what is paid. As `clean_price` in all else.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="30/360")
    >>> round(dirty_price(resolve(notes), "2004-12-18", 0.08, compounding="coupon", simple_interest="never"), 10)
    100.0
    """
    return at.worth


@at_price
def forward_price(
    periods: Periods,
    settlement: Dates | pd.Series[Any],
    clean_price: Numbers | pd.Series[Any],
    *,
    forward_date: Date,
    repo_rate: Numbers | pd.Series[Any],
    day_count: str,
    **flow_terms: Unpack[FlowTerms],
) -> Any:
    r"""Clean price at which a note bought today and financed at a repo rate is delivered without gain.

    .. math:: F = (P + A_s) (1 + r \tau(s, f)) - \sum_{s < d_k \le f} C_k (1 + r \tau(d_k, f)) - A_f

    Parameters
    ----------
    periods : Periods
        The periods of n notes.
    settlement : date-like
        One day, or one for each note.
    clean_price : numeric
        Price today [per 100].
    forward_date : date-like
        Day of delivery: on or after settlement, and before maturity.
    repo_rate : numeric
        Simple rate at which the purchase is financed, and at which coupons in between are reinvested [1/yr].
    day_count : str
        Of the repo rate; see `daycount.year_fraction`.
    **flow_terms
        `FlowTerms`. Coupons with an accrual end up to the forward date are the seller's, from their payment date.

    Returns
    -------
    float-like
        Forward clean price [per 100].

    References
    ----------
    F. J. Fabozzi, Fixed Income Analysis (2nd ed., 2007), on the cost of carry.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="30/360")
    >>> round(forward_price(resolve(notes), "2004-06-18", 100, forward_date="2004-12-18", repo_rate=0.08,
    ...                     day_count="30/360"), 10)
    100.0
    """
    end = as_date(forward_date, "forward_date")
    numbers = {"clean_price": (clean_price, FINITE), "repo_rate": (repo_rate, RATE)}
    layout = Layout.of(periods, settlement, numbers)
    if (layout.settlement > end).any():
        at = int(np.argmax(layout.settlement > end))
        raise TermError("forward_date", rule=f"on or after `settlement` ({layout.settlement[at]})", got=str(end))
    coupons, note = Coupons.of(periods, **flow_terms), layout.note
    now = coupons.ahead_of(note, layout.settlement)
    then = coupons.ahead_of(note, np.full(note.size, end), "forward_date")
    counts = np.diff(now.offsets) - np.diff(then.offsets)  # coupons that fall in between
    rows = now.row
    place = np.arange(rows.size) - now.offsets[rows]
    between = place < counts[rows]
    due = np.minimum(now.date[between], end)
    paid, carried = np.zeros((2, len(now)))
    amount = now.amount[between]
    np.add.at(paid, rows[between], amount)
    np.add.at(carried, rows[between], amount * year_fraction(due, np.full(due.size, end), day_count))
    # A coupon that is ex at delivery is still the seller's, who waits for it.
    at_delivery = now.offsets[:-1] + counts
    kept = now.amount[at_delivery] - then.amount[then.offsets[:-1]]
    wait = year_fraction(np.full(len(now), end), np.maximum(now.date[at_delivery], end), day_count)
    whole = year_fraction(layout.settlement, np.full(len(now), end), day_count)
    row, rate = layout.row, layout.numbers["repo_rate"]
    dirty = layout.numbers["clean_price"] + now.accrued[row]
    received = paid[row] + rate * carried[row] + kept[row] / (1 + rate * wait[row])
    result: FloatArray = dirty * (1 + rate * whole[row]) - received - then.accrued[row]
    return layout.shape.rewrap(result)
