"""Spreads of notes over a curve: Z-spread, G-spread and par asset-swap spread; and prices off the curve itself.

Knows no default: a spread is what a price is below the curve's, however it comes about.
"""

from __future__ import annotations

from typing import Any, Unpack, overload

import numpy as np
import pandas as pd

from notecalc.core._compounding import times_a_year
from notecalc.core._coupons import Coupons, RemainingFlows
from notecalc.core._discounting import compiled, solve_spread
from notecalc.core._layout import Layout
from notecalc.core._signatures import FlowTerms, at_price
from notecalc.core.arrays import (
    FINITE,
    Date,
    DateArray,
    Dates,
    FloatArray,
    Number,
    Numbers,
    Shape,
    array_function,
    as_dates,
    as_numbers,
    forbid,
)
from notecalc.core.curves import Curve, compounded
from notecalc.core.daycount import year_fraction
from notecalc.core.notes import Periods
from notecalc.core.schedule import add_months
from notecalc.errors import TermError

__all__ = ["clean_price_from_curve", "g_spread", "par_asset_swap_spread", "z_spread"]


@overload
def clean_price_from_curve(  # type: ignore[overload-overlap]  # a scalar is also one of Dates; the first match holds
    periods: Periods, settlement: Date, curve: Curve, **flow_terms: Unpack[FlowTerms]
) -> float | Any: ...
@overload
def clean_price_from_curve(  # type: ignore[overload-overlap]  # as above
    periods: Periods, settlement: Dates, curve: Curve, **flow_terms: Unpack[FlowTerms]
) -> FloatArray: ...
@overload
def clean_price_from_curve(
    periods: Periods, settlement: Dates | pd.Series[Any], curve: Curve, **flow_terms: Unpack[FlowTerms]
) -> pd.Series[Any]: ...
def clean_price_from_curve(periods: Periods, settlement: Any, curve: Curve, **flow_terms: Unpack[FlowTerms]) -> Any:
    r"""Clean price of what is still to be paid, discounted by a curve from payment dates to settlement.

    .. math:: P = \sum_k C_k \, D(d_k) / D(s) - A

    Parameters
    ----------
    periods : Periods
        The periods of n notes.
    settlement : date-like
        One day, or one for each note.
    curve : Curve
        Discount factors.
    **flow_terms
        `FlowTerms`.

    Returns
    -------
    float-like
        Price [per 100 of principal].

    Raises
    ------
    TermError
        A date that the curve doesn't reach.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2006-06-18", principal=100, annual_rate=0.08, frequency=1,
    ...               day_count="30/360")
    >>> curve = Curve.from_zero_rates("2004-06-18", ["2007-06-18"], [0.08], day_count="30/360", compounding="annual",
    ...                               interpolation="linear-zero-rates")
    >>> round(clean_price_from_curve(resolve(notes), "2004-06-18", curve), 10)
    100.0
    """
    layout = Layout.of(periods, settlement, {})
    flows = Coupons.of(periods, **flow_terms).ahead_of(layout.note, layout.settlement)
    return layout.shape.rewrap((_worth(flows, curve) - flows.accrued)[layout.row])


@at_price
def z_spread(
    periods: Periods,
    settlement: Dates | pd.Series[Any],
    clean_price: Numbers | pd.Series[Any],
    curve: Curve,
    *,
    compounding: str,
    day_count: str,
    **flow_terms: Unpack[FlowTerms],
) -> Any:
    r"""One spread over all zero rates of a curve at which a note is worth its price.

    .. math:: P + A = \sum_k C_k \, D_z(d_k) / D_z(s), \qquad D_z(d) = (1 + (r_d + z) / m)^{-m \tau(d)}

    Parameters
    ----------
    periods : Periods
        The periods of n notes.
    settlement : date-like
        One day, or one for each note; with one note, any shape.
    clean_price : numeric
        Price [per 100 of principal].
    curve : Curve
        Discount factors; zero rates are those from its reference date to payment dates.
    compounding : {"annual", "semi-annual", "quarterly", "monthly", "continuous", "simple"}
        Of the zero rates and the spread.
    day_count : str
        By which they are counted; see `daycount.year_fraction`.
    **flow_terms
        `FlowTerms`.

    Returns
    -------
    float-like
        Spread [1/yr, compounded as named].

    Raises
    ------
    TermError
        A date that the curve doesn't reach, or a price that no spread gives.

    References
    ----------
    F. J. Fabozzi, Fixed Income Analysis (2nd ed., 2007), on the static or Z-spread.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2006-06-18", principal=100, annual_rate=0.08, frequency=1,
    ...               day_count="30/360")
    >>> curve = Curve.from_zero_rates("2004-06-18", ["2007-06-18"], [0.05], day_count="30/360", compounding="annual",
    ...                               interpolation="linear-zero-rates")
    >>> round(z_spread(resolve(notes), "2004-06-18", 100, curve, compounding="annual", day_count="30/360"), 12)
    0.03
    """
    m = times_a_year(compounding)
    layout = Layout.of(periods, settlement, {"clean_price": (clean_price, FINITE)})
    flows = Coupons.of(periods, **flow_terms).ahead_of(layout.note, layout.settlement)
    years, zero = _zero_rates(flows.date, curve, day_count, m)
    now_years, now_zero = _zero_rates(flows.settlement, curve, day_count, m)
    amount = _after_settlement(flows)
    if (amount < 0).any():
        row = int(flows.row[np.argmax(amount < 0)])
        raise TermError("annual_rate", rule="such that no flow is below 0", got=float(amount.min()), row=row)
    with np.errstate(divide="ignore"):
        loss = np.full(zero.size, -np.inf) if m == 0 else -zero - (m if m > 0 else 1 / years)
        now_loss = np.full(now_zero.size, -np.inf) if m == 0 else -now_zero - (m if m > 0 else 1 / now_years)
    least = np.maximum.reduceat(loss, flows.offsets[:-1]) if len(flows) else np.empty(0)
    least = np.where(now_years > 0, np.maximum(least, now_loss), least)
    dirty = layout.numbers["clean_price"] + flows.accrued[layout.row]
    out = np.empty(dirty.size)
    with np.errstate(all="ignore"):  # of the loop in Python: compiled, it says nothing
        compiled(solve_spread, flows.amount.size)(
            flows.offsets, amount, years, zero, least, now_years, now_zero, np.array([m]), layout.row, dirty, out
        )
    none = np.isnan(out) & ~np.isnan(dirty)
    if none.any():
        none &= ~np.isnan(np.add.reduceat(amount, flows.offsets[:-1]))[layout.row]
    forbid("clean_price", layout.numbers["clean_price"], none, "one that a spread gives")
    return layout.shape.rewrap(out)


@overload
def g_spread(  # type: ignore[overload-overlap]  # as above
    annual_yield: Number,
    maturity: Date,
    *,
    government_maturities: Dates | pd.Series[Any],
    government_yields: Numbers | pd.Series[Any],
) -> float: ...
@overload
def g_spread(  # type: ignore[overload-overlap]  # as above
    annual_yield: Numbers,
    maturity: Dates,
    *,
    government_maturities: Dates | pd.Series[Any],
    government_yields: Numbers | pd.Series[Any],
) -> FloatArray: ...
@overload
def g_spread(
    annual_yield: Numbers | pd.Series[Any],
    maturity: Dates | pd.Series[Any],
    *,
    government_maturities: Dates | pd.Series[Any],
    government_yields: Numbers | pd.Series[Any],
) -> pd.Series[Any]: ...
@array_function(dates=("maturity",), numbers={"annual_yield": FINITE})
def g_spread(
    annual_yield: Any,
    maturity: Any,
    *,
    government_maturities: Dates | pd.Series[Any],
    government_yields: Numbers | pd.Series[Any],
) -> Any:
    """Yield over that of governments at the same maturity, interpolated linearly by days between two of theirs.

    Parameters
    ----------
    annual_yield : numeric
        Yields [1/yr], compounded as those of the governments.
    maturity : date-like
        When the notes mature, or are expected to be called.
    government_maturities : date-like
        Rising.
    government_yields : numeric
        Of the same length [1/yr].

    Returns
    -------
    float-like
        Spread [1/yr].

    Raises
    ------
    TermError
        A maturity outside those of the governments.

    Examples
    --------
    >>> round(g_spread(0.08, "2007-06-18", government_maturities=["2006-06-18", "2008-06-17"],
    ...                government_yields=[0.02, 0.04]), 12)
    0.05
    """
    Shape.of({"government_maturities": government_maturities, "government_yields": government_yields})
    nodes = as_dates(government_maturities, "government_maturities")
    known = as_numbers(government_yields, "government_yields")
    if nodes.ndim != 1 or nodes.size == 0 or nodes.shape != known.shape:
        rule = "of one length"
        raise TermError("government_maturities and government_yields", rule=rule, got=(nodes.shape, known.shape))
    forbid("government_maturities", nodes[1:], ~(nodes[1:] > nodes[:-1]), "rising")
    forbid("government_yields", known, ~np.isfinite(known), "finite numbers")
    outside = (maturity < nodes[0]) | (maturity > nodes[-1])
    forbid("maturity", maturity, outside, f"between {nodes[0]} and {nodes[-1]}")
    known_at = np.interp(maturity.astype(np.int64), nodes.astype(np.int64), known)
    return np.where(np.isnat(maturity), np.nan, annual_yield - known_at)


@at_price
def par_asset_swap_spread(
    periods: Periods,
    settlement: Dates | pd.Series[Any],
    clean_price: Numbers | pd.Series[Any],
    curve: Curve,
    *,
    frequency: int,
    day_count: str,
    **flow_terms: Unpack[FlowTerms],
) -> Any:
    r"""Spread over floating interest that is paid for a note's coupons when note and swap are bought at par together.

    .. math:: \left( \sum_k C_k \frac{D(d_k)}{D(s)} - P - A \right) / \; 100 \sum_j \tau_j \frac{D(e_j)}{D(s)}

    Parameters
    ----------
    periods, settlement, clean_price, **flow_terms
        As for `z_spread`.
    curve : Curve
        Discount factors, by which floating interest is also projected.
    frequency : int
        Floating payments per year [1/yr], counted back from maturity, unadjusted; the first period is broken.
    day_count : str
        Of the floating leg; see `daycount.year_fraction`.

    Returns
    -------
    float-like
        Spread [1/yr, paid `frequency` times a year].

    Raises
    ------
    TermError
        A date that the curve doesn't reach.

    References
    ----------
    D. O'Kane, Introduction to Asset Swaps (Lehman Brothers, 2000).

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2006-06-18", principal=100, annual_rate=0.08, frequency=1,
    ...               day_count="30/360")
    >>> curve = Curve.from_zero_rates("2004-06-18", ["2007-06-18"], [0.05], day_count="30/360", compounding="annual",
    ...                               interpolation="linear-zero-rates")
    >>> round(par_asset_swap_spread(resolve(notes), "2004-06-18", 100, curve, frequency=1, day_count="30/360"), 12)
    0.03
    """
    each = as_numbers(frequency, "frequency")
    if each.ndim or each not in (1, 2, 3, 4, 6, 12):
        raise TermError("frequency", rule="1, 2, 3, 4, 6 or 12 payments a year", got=frequency)
    layout = Layout.of(periods, settlement, {"clean_price": (clean_price, FINITE)})
    flows = Coupons.of(periods, **flow_terms).ahead_of(layout.note, layout.settlement)
    annuity = _annuity(layout, periods.accrual_end[periods.offsets[layout.note + 1] - 1], curve, int(each), day_count)
    above = (_worth(flows, curve) - flows.accrued)[layout.row] - layout.numbers["clean_price"]
    return layout.shape.rewrap(above / (100 * annuity[layout.row]))


def _after_settlement(flows: RemainingFlows) -> FloatArray:
    """Give amounts that are paid after settlement; one that an adjustment has moved before it is another's."""
    return np.where(flows.date <= flows.settlement[flows.row], 0.0, flows.amount)


def _worth(flows: RemainingFlows, curve: Curve) -> FloatArray:
    """Give what flows are worth at settlement."""
    worth = _after_settlement(flows) * curve.discount_factor(flows.date)
    total = np.add.reduceat(worth, flows.offsets[:-1]) if len(flows) else np.empty(0)
    return np.asarray(total / curve.discount_factor(flows.settlement))


def _zero_rates(dates: DateArray, curve: Curve, day_count: str, m: float) -> tuple[FloatArray, FloatArray]:
    """Give years from the reference date, and zero rates; 0 on that date, on which no rate matters."""
    factor = curve.discount_factor(dates)
    years = year_fraction(np.full(dates.shape, curve.reference_date), dates, day_count)
    zero = np.where(years > 0, compounded(factor, np.where(years > 0, years, 1.0), m), 0.0)
    return years, np.where(np.isnat(dates), np.nan, zero)


def _annuity(layout: Layout, maturity: DateArray, curve: Curve, frequency: int, day_count: str) -> FloatArray:
    """Give what a floating leg's year fractions are worth at settlement."""
    total = np.zeros(maturity.size)
    end, step, start = maturity, 0, layout.settlement
    while (live := end > start).any():
        step += 1
        before = np.maximum(add_months(maturity, -step * (12 // frequency)), start)
        own = np.flatnonzero(live)
        total[own] += year_fraction(before[own], end[own], day_count) * curve.discount_factor(end[own])
        end = before
    factor: FloatArray = curve.discount_factor(layout.settlement)
    return total / factor
