"""Internal rates of return of dated cash flows, one row or many, and the bond-equivalent yield beside them.

Rates are annual effective on the dates given. It knows no coupon and no price. How many rates solve the equation is
settled by Descartes' rule of signs for sums of exponentials, never by where a search began.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core._discounting import compiled
from notecalc.core._roots import count_rates, ended_rates
from notecalc.core.arrays import (
    Dates,
    FloatArray,
    IntArray,
    Number,
    Numbers,
    Rule,
    array_function,
    as_dates,
    as_numbers,
    forbid,
)
from notecalc.core.daycount import year_fraction
from notecalc.errors import IndexMismatchError, TermError

__all__ = ["RatesOfReturn", "bond_equivalent_yield", "irr", "periodic_irr", "rates_of_endings", "xirr"]

_LEAST, _MOST = -36.0, 700.0  # logarithms of 1 + rate: beyond, 1 + rate is 0 or infinite in a float
_NOISE = 1e-14
_ABOVE_TOTAL_LOSS = Rule("a rate above -1", lambda x: np.isfinite(x) & (x > -1))


def irr(dates: Dates | pd.Series[Any], amounts: Numbers | pd.Series[Any]) -> float:
    r"""Annual effective rate at which cash flows are worth nothing on the first date.

    .. math:: \sum_i C_i \, (1 + r)^{-(d_i - d_0) / 365} = 0, \qquad r > -1

    Parameters
    ----------
    dates : date-like, shape (n,)
        Payment dates, in any order; flows of one day add up.
    amounts : numeric, shape (n,)
        The holder's flows [currency]: received is positive.

    Returns
    -------
    float
        Internal rate of return [1/yr, annual effective, Actual/365 Fixed].

    Raises
    ------
    TermError
        A missing date or amount, flows that are not paid both ways, or flows that no rate or more than one solves.

    References
    ----------
    Microsoft Excel, XIRR. For the number of rates: E. Laguerre, Memoire sur la theorie des equations numeriques,
    Journal de mathematiques pures et appliquees 9 (1883), on sums of exponentials.

    Examples
    --------
    >>> round(irr(["2004-06-18", "2005-06-18"], [-100, 108]), 12)
    0.08
    """
    times, flows = _net_flows(dates, amounts)
    if (flows >= 0).all() or (flows <= 0).all():
        got = "none" if not flows.any() else "all received" if flows.max() > 0 else "all paid"
        raise TermError("amounts", rule="flows paid and flows received, net by day", got=got)
    roots = _roots(times, flows)
    if len(roots) != 1:
        rates = ", ".join(f"{np.expm1(root):.6g}" for root in roots) or "none"
        hint = "Discount at a stated rate instead" if roots else None
        raise TermError("amounts", rule="flows that exactly one rate makes worth nothing", got=rates, hint=hint)
    return float(np.expm1(roots[0]))


class RatesOfReturn(NamedTuple):
    """The rate of each row where there is exactly one, and how many there are: -1 where something is missing."""

    rate: FloatArray
    roots: IntArray


def xirr(
    dates: Dates | pd.Series[Any], amounts: Numbers | pd.Series[Any], offsets: npt.ArrayLike, *, day_count: str
) -> RatesOfReturn:
    r"""Annual effective rates of many rows of dated cash flows; a row without a rate, or with several, says so.

    .. math:: \sum_i C_i \, (1 + r)^{-\tau(d_0, d_i)} = 0, \qquad r > -1

    Parameters
    ----------
    dates : date-like, shape (n,)
        Payment dates, in any order within a row; flows of one day add up.
    amounts : numeric, shape (n,)
        The holder's flows [currency]: received is positive.
    offsets : int-like, shape (rows + 1,)
        Where each row begins: row i is ``offsets[i]`` to ``offsets[i + 1]``.
    day_count : str
        How time from a row's first date is measured; Excel's XIRR has ``actual/365 fixed``.

    Returns
    -------
    RatesOfReturn
        ``rate`` [1/yr, annual effective], NaN unless there is exactly one; ``roots``, how many there are between
        -1 + 2e-16 and 1e304, -1 where a date or an amount is missing or infinite.

    Raises
    ------
    TermError
        Dates and amounts of unlike lengths, offsets that don't fit them, or a day count that needs coupon periods.

    References
    ----------
    As for `irr`.

    Examples
    --------
    >>> dates = ["2001-01-01", "2002-01-01", "2001-01-01", "2002-01-01", "2003-01-01"]
    >>> found = xirr(dates, [-100, 108, -100, 230, -132], [0, 2, 5], day_count="actual/365 fixed")
    >>> found.rate.round(12), found.roots
    (array([0.08,  nan]), array([1, 2]))
    """
    if isinstance(dates, pd.Series) and isinstance(amounts, pd.Series):
        _same_index(dates, amounts)
    days, flows = as_dates(dates, "dates"), as_numbers(amounts, "amounts")
    begins = _offsets(offsets, flows)
    if days.ndim != 1 or days.shape != flows.shape:
        raise TermError("dates and amounts", rule="of one length", got=f"shapes {days.shape} and {flows.shape}")
    row = np.repeat(np.arange(begins.size - 1), np.diff(begins))
    if ((days[1:] < days[:-1]) & (row[1:] == row[:-1])).any():
        order = np.lexsort((days, row))
        days, flows = days[order], flows[order]
    return _rates(begins, year_fraction(days[begins[row]], days, day_count), flows)


def periodic_irr(amounts: Numbers | pd.Series[Any], offsets: npt.ArrayLike) -> RatesOfReturn:
    """Rates per period of many rows of cash flows that are one period apart; otherwise as `xirr`.

    Examples
    --------
    >>> periodic_irr([-100, 10, 110], [0, 3]).rate.round(12)
    array([0.1])
    """
    flows = as_numbers(amounts, "amounts")
    begins = _offsets(offsets, flows)
    periods = np.arange(flows.size) - np.repeat(begins[:-1], np.diff(begins))
    return _rates(begins, periods.astype(np.float64), flows)


def rates_of_endings(
    coupon_years: FloatArray,
    coupons: FloatArray,
    outlays: FloatArray,
    counts: IntArray,
    end_years: FloatArray,
    end_amounts: FloatArray,
) -> FloatArray:
    r"""Annual effective rates of histories of one note that differ in how many coupons they pay and in how they end.

    .. math:: C_0 + \sum_{i \le m} C_i \, (1 + r)^{-t_i} + E \, (1 + r)^{-t_E} = 0, \qquad C_0 < 0 \le C_i, E

    Parameters
    ----------
    coupon_years : float64 array, shape (periods,)
        Time of each coupon from the outlay [yr], rising, above 0.
    coupons : float64 array, shape (periods, holders)
        At least 0 [currency].
    outlays : float64 array, shape (holders,)
        Of each holder, below 0 [currency].
    counts : int64 array, shape (rows,)
        Coupons that are paid in each history, from the first on.
    end_years : float64 array, shape (rows,)
        Time of its last other payment, above 0 [yr].
    end_amounts : float64 array, shape (rows, holders)
        That payment, at least 0 [currency].

    Returns
    -------
    float64 array, shape (rows, holders)
        Rates [1/yr, annual effective]; -1 where nothing is received, or so little that no float above -1 holds the
        rate; NaN without an outlay.

    References
    ----------
    As for `irr`. Flows of one change of sign have exactly one rate.

    Examples
    --------
    >>> rates = rates_of_endings(np.array([1.0, 2.0]), np.array([[8.0], [8.0]]), np.array([-100.0]),
    ...                          np.array([2, 1, 0]), np.array([2.0, 1.5, 1.0]), np.array([[100.0], [0.0], [0.0]]))
    >>> rates.round(12).T
    array([[ 0.08, -0.92, -1.  ]])
    """
    out = np.empty(counts.size * outlays.size)
    flat = [np.ascontiguousarray(part, dtype=np.float64).reshape(-1) for part in (coupon_years, coupons.T, outlays)]
    rows = [np.ascontiguousarray(part).reshape(-1) for part in (counts, end_years, end_amounts)]
    compiled(ended_rates, out.size * (coupon_years.size + 2))(*flat, *rows, out)
    return out.reshape(counts.size, outlays.size)


def _offsets(offsets: npt.ArrayLike, flows: FloatArray) -> IntArray:
    begins = np.asarray(offsets)
    if begins.ndim != 1 or begins.dtype.kind not in "iu" or begins.size == 0:
        raise TermError("offsets", rule="a row of whole numbers", got=offsets)
    begins = begins.astype(np.int64)
    if flows.ndim != 1 or begins[0] != 0 or begins[-1] != flows.size:
        raise TermError("offsets", rule=f"from 0 to the number of amounts ({flows.size})", got=begins[[0, -1]].tolist())
    forbid("offsets", begins[1:], begins[1:] < begins[:-1], "rising")
    return begins


def _rates(begins: IntArray, years: FloatArray, flows: FloatArray) -> RatesOfReturn:
    rows = begins.size - 1
    out = np.empty(2 * rows)
    compiled(count_rates, flows.size)(begins, np.ascontiguousarray(years), np.ascontiguousarray(flows), out)
    return RatesOfReturn(np.expm1(out[:rows]), out[rows:].astype(np.int64))


def _same_index(dates: pd.Series[Any], amounts: pd.Series[Any]) -> None:
    if not dates.index.equals(amounts.index):
        hint = "Use .align() to match by label, or .to_numpy() to match by position"
        raise IndexMismatchError(
            "amounts", rule="a Series with the same index as `dates`", got=amounts.index, hint=hint
        )


@overload
def bond_equivalent_yield(irr: Number) -> float: ...
@overload
def bond_equivalent_yield(irr: pd.Series[Any]) -> pd.Series[Any]: ...
@overload
def bond_equivalent_yield(irr: Sequence[Number] | npt.NDArray[Any] | pd.Index[Any]) -> FloatArray: ...
@array_function(numbers={"irr": _ABOVE_TOTAL_LOSS})
def bond_equivalent_yield(irr: Any) -> Any:
    r"""Yield compounded twice a year that is worth an annual effective rate.

    .. math:: y = 2 \left( \sqrt{1 + r} - 1 \right)

    Parameters
    ----------
    irr : numeric
        Annual effective rate [1/yr], above -1.

    Returns
    -------
    float-like
        Bond-equivalent yield [1/yr, compounded semi-annually], of the kind that came in.

    Raises
    ------
    TermError
        A rate of -1 or less.

    Examples
    --------
    >>> round(bond_equivalent_yield(0.0816), 12)
    0.08
    """
    return 2 * np.expm1(np.log1p(irr) / 2)  # keeps the digits of a small rate, which 1 + r would lose


def _net_flows(dates: Any, amounts: Any) -> tuple[FloatArray, FloatArray]:
    """Times from the first date [years of 365 days], rising, and the flows net by day, none of them 0."""
    if isinstance(dates, pd.Series) and isinstance(amounts, pd.Series):
        _same_index(dates, amounts)
    days, flows = as_dates(dates, "dates"), as_numbers(amounts, "amounts")
    if days.ndim != 1 or days.shape != flows.shape:
        raise TermError("dates and amounts", rule="of one length", got=f"shapes {days.shape} and {flows.shape}")
    if np.isnat(days).any():
        raise TermError("dates", rule="dates without a gap", got="NaT", row=int(np.argmax(np.isnat(days))))
    if not np.isfinite(flows).all():
        row = int(np.argmin(np.isfinite(flows)))
        raise TermError("amounts", rule="finite numbers without a gap", got=float(flows[row]), row=row)
    distinct, place = np.unique(days, return_inverse=True)
    net = np.bincount(place, weights=flows, minlength=distinct.size)
    gross = np.bincount(place, weights=np.abs(flows), minlength=distinct.size)
    real = np.abs(net) > _NOISE * gross  # flows of a day that cancel but for their last bits are no flow
    years = (distinct - distinct[:1]).astype(np.float64) / 365
    return years[real], net[real].astype(np.float64)


def _roots(times: FloatArray, flows: FloatArray) -> list[float]:
    r"""Every root x = log(1 + r), within bounds, of :math:`f(x) = \sum_i C_i e^{-t_i x}`.

    With s between two flows of unlike sign, :math:`e^{-sx} (e^{sx} f)' = \sum_i (s - t_i) C_i e^{-t_i x}` has one
    change of sign fewer, and by Rolle its roots part those of f. Without a change of sign there is no root.
    """
    levels = [flows]
    while (changes := np.flatnonzero(np.diff(np.sign(levels[-1])))).size:
        middle = (times[changes[0]] + times[changes[0] + 1]) / 2
        lower = levels[-1] * (middle - times)
        levels.append(lower / np.abs(lower).max())
    roots: list[float] = []
    for level in reversed(levels[:-1]):
        roots = _roots_between(times, level, [_LEAST, *roots, _MOST])
    return roots


def _roots_between(times: FloatArray, flows: FloatArray, knots: list[float]) -> list[float]:
    """Roots of f where it has at most one between neighbouring knots, or touches 0 at a knot."""
    from scipy.optimize import brentq

    def value(x: float) -> float:
        exponents = -times * x
        weights = np.exp(exponents - exponents.max())  # of the same sign as f, and never infinite
        return float(flows @ weights) / float(np.abs(flows) @ weights)

    values = [worth if abs(worth) > _NOISE else 0.0 for worth in map(value, knots)]
    roots = [knot for knot, worth in zip(knots, values, strict=True) if worth == 0]
    for low, high, at_low, at_high in zip(knots, knots[1:], values, values[1:], strict=False):
        if at_low * at_high < 0:
            roots.append(cast(float, brentq(value, low, high, xtol=1e-15, rtol=1e-15)))
    return sorted(roots)
