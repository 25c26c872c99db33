"""How the price of a note moves with its yield: durations, convexity, DV01 and the yield value of a 32nd.

All at a yield, by the derivatives of the price formula that `prices` has, not by bumping. ``at`` is what that yield
makes of the flows; with what arguments these functions are called `prices.clean_price` tells.
"""

from __future__ import annotations

from typing import Any, Unpack

import pandas as pd

from notecalc.core._quoting import Measures, Quoted, at_yield, quote
from notecalc.core._signatures import FlowTerms, at_price
from notecalc.core.arrays import FINITE, Dates, FloatArray, Numbers
from notecalc.core.notes import Periods

__all__ = ["convexity", "dv01", "macaulay_duration", "modified_duration", "yield_value_of_a_32nd"]

_BASIS_POINT = 1e-4


@at_yield
def macaulay_duration(at: Measures) -> FloatArray:
    r"""Mean time to the flows, weighted by what they are worth.

    .. math:: D = \sum_k t_k \, C_k \, (1 + y / m)^{-m t_k} \; / \; (P + A)

    Parameters
    ----------
    periods, settlement, annual_yield, compounding, simple_interest, **flow_terms
        As for `prices.clean_price`.

    Returns
    -------
    float-like
        Duration [yr].

    Raises
    ------
    TermError
        As for `prices.clean_price`.

    References
    ----------
    F. R. Macaulay, Some Theoretical Problems Suggested by the Movements of Interest Rates (1938).

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2006-01-01", maturity="2016-01-01", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="actual/actual icma")
    >>> terms = {"compounding": "semi-annual", "simple_interest": "never"}
    >>> round(macaulay_duration(resolve(notes), "2008-01-01", 0.09, **terms), 8)
    5.99377496
    """
    return at.weighted / at.worth


@at_yield
def modified_duration(at: Measures) -> FloatArray:
    r"""Share of its dirty price that a note loses per unit of yield.

    .. math:: D_m = -\frac{1}{P + A} \frac{dP}{dy}

    Parameters
    ----------
    periods, settlement, annual_yield, compounding, simple_interest, **flow_terms
        As for `prices.clean_price`.

    Returns
    -------
    float-like
        Modified duration [yr].

    Raises
    ------
    TermError
        As for `prices.clean_price`.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2006-01-01", maturity="2016-01-01", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="actual/actual icma")
    >>> terms = {"compounding": "semi-annual", "simple_interest": "never"}
    >>> round(modified_duration(resolve(notes), "2008-01-01", 0.09, **terms), 8)
    5.73566981
    """
    return at.slope / at.worth


@at_yield
def convexity(at: Measures) -> FloatArray:
    r"""Second derivative of the price by the yield, over the dirty price; some quote a hundredth of it.

    .. math:: \frac{1}{P + A} \frac{d^2P}{dy^2}

    Parameters
    ----------
    periods, settlement, annual_yield, compounding, simple_interest, **flow_terms
        As for `prices.clean_price`.

    Returns
    -------
    float-like
        Convexity [yr^2].

    Raises
    ------
    TermError
        As for `prices.clean_price`.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-01-01", maturity="2006-01-01", principal=100, annual_rate=0, frequency=1,
    ...               day_count="30/360")
    >>> round(convexity(resolve(notes), "2004-01-01", 0.0, compounding="annual", simple_interest="never"), 12)
    6.0
    """
    return at.bend / at.worth


@at_yield
def dv01(at: Measures) -> FloatArray:
    r"""What a note loses if its yield rises by a basis point, by the slope of the price.

    .. math:: -0.0001 \, \frac{dP}{dy}

    Parameters
    ----------
    periods, settlement, annual_yield, compounding, simple_interest, **flow_terms
        As for `prices.clean_price`.

    Returns
    -------
    float-like
        Price value of a basis point [per 100 of principal].

    Raises
    ------
    TermError
        As for `prices.clean_price`.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-01-01", maturity="2006-01-01", principal=100, annual_rate=0, frequency=1,
    ...               day_count="30/360")
    >>> round(dv01(resolve(notes), "2004-01-01", 0.0, compounding="annual", simple_interest="never"), 12)
    0.02
    """
    return _BASIS_POINT * at.slope


@at_price
def yield_value_of_a_32nd(
    periods: Periods,
    settlement: Dates | pd.Series[Any],
    clean_price: Numbers | pd.Series[Any],
    *,
    compounding: str,
    simple_interest: str,
    **flow_terms: Unpack[FlowTerms],
) -> Any:
    r"""How much the yield rises if the price falls by a 32nd.

    .. math:: y(P - 1/32) - y(P)

    Parameters
    ----------
    periods, settlement, clean_price, compounding, simple_interest, **flow_terms
        As for `yields.yield_to_maturity`.

    Returns
    -------
    float-like
        Difference of yields [1/yr].

    Raises
    ------
    TermError
        As for `yields.yield_to_maturity`.

    References
    ----------
    F. J. Fabozzi, Fixed Income Mathematics (4th ed., 2006), on the yield value of a price change.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-01-01", maturity="2005-01-01", principal=100, annual_rate=0, frequency=1,
    ...               day_count="30/360")
    >>> value = yield_value_of_a_32nd(resolve(notes), "2004-01-01", 100, compounding="annual", simple_interest="never")
    >>> round(value, 12) == round(100 / (100 - 1 / 32) - 1, 12)
    True
    """

    def value(quoted: Quoted) -> FloatArray:
        price = quoted.numbers["clean_price"]
        return quoted.solve(price - 1 / 32) - quoted.solve(price)

    numbers = {"clean_price": (clean_price, FINITE)}
    return quote(periods, settlement, numbers, (compounding, simple_interest), flow_terms, value)
