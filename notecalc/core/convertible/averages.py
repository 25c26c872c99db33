"""Numbers that hold on average from one day to several others, as options and credit are quoted, turned into `Steps`.

What the engine takes changes on dates and holds between them; what markets quote is for a whole term.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from notecalc.core.arrays import (
    FINITE,
    NON_NEGATIVE,
    Date,
    DateArray,
    Dates,
    FloatArray,
    Numbers,
    Rule,
    as_date,
    as_dates,
    as_numbers,
    forbid,
)
from notecalc.core.convertible.terms import Steps

__all__ = ["credit_steps", "volatility_steps"]

_DAY = np.timedelta64(1, "D")


def volatility_steps(settlement: Date, dates: Dates | pd.Series[Any], volatilities: Numbers | pd.Series[Any]) -> Steps:
    r"""Volatility between dates, from the volatilities from one day to each of them, as options imply them.

    .. math:: \sigma_{i-1,i}^2 = \frac{\sigma_i^2 t_i - \sigma_{i-1}^2 t_{i-1}}{t_i - t_{i-1}}

    Parameters
    ----------
    settlement : date-like
        The day from which all run.
    dates : date-like
        Days to which they run, rising, after the first.
    volatilities : numeric
        Each for the whole term to its date [1/yr^0.5], a decimal.

    Returns
    -------
    Steps
        As `convertible_value` takes it; the last volatility holds beyond.

    Raises
    ------
    TermError
        A variance that falls from one date to the next, which no volatility gives; dates out of order.

    References
    ----------
    J. C. Hull, Options, Futures, and Other Derivatives, chapter on volatility term structures.

    Examples
    --------
    >>> volatility_steps("2004-06-18", ["2005-06-18", "2006-06-18"], [0.6, 0.5]).values.round(4)
    array([0.6   , 0.3742])
    """
    days, given, years = _read(settlement, dates, volatilities, NON_NEGATIVE)
    variance = _between(given**2, years)
    forbid("values", given, variance < 0, "of a variance that does not fall from one date to the next")
    return Steps(days, np.sqrt(variance))


def credit_steps(settlement: Date, dates: Dates | pd.Series[Any], rates: Numbers | pd.Series[Any]) -> Steps:
    r"""Credit spread or hazard rate between dates, from those from one day to each of them.

    .. math:: s_{i-1,i} = \frac{s_i t_i - s_{i-1} t_{i-1}}{t_i - t_{i-1}}

    Parameters
    ----------
    settlement, dates
        As for `volatility_steps`.
    rates : numeric
        Each for the whole term to its date [1/yr], continuous: a zero spread, or the hazard rate h of a chance
        :math:`e^{-h t}` to survive until then.

    Returns
    -------
    Steps
        As `convertible_value` takes it; the last rate holds beyond.

    Raises
    ------
    TermError
        A rate below 0 between two dates, of which no default or spread is one; dates out of order.

    Examples
    --------
    >>> credit_steps("2004-06-18", ["2005-06-18", "2006-06-18"], [0.08, 0.09]).values.round(4)
    array([0.08, 0.1 ])
    """
    days, given, years = _read(settlement, dates, rates, FINITE)
    between = _between(given, years)
    forbid("values", given, between < 0, "so that the rate between two dates is not below 0")
    return Steps(days, between)


def _read(settlement: Date, dates: Any, values: Any, rule: Rule) -> tuple[DateArray, FloatArray, FloatArray]:
    """Give dates, numbers and the years to each date, checked."""
    first, days, given = as_date(settlement, "settlement"), as_dates(dates, "dates"), as_numbers(values, "values")
    Steps(days, given)  # raises where they are not of one length, or out of order
    rule.check("values", given.reshape(-1))
    forbid("dates", days, days <= first, f"after {first}")
    return days, given, (days - first) / _DAY / 365


def _between(level: FloatArray, years: FloatArray) -> FloatArray:
    """Give what holds between dates; what rounding leaves of equal numbers is nothing."""
    total = level * years
    grown = np.diff(total, prepend=0.0)
    grown = np.where(np.abs(grown) < 1e-14 * np.abs(total), 0.0, grown)
    between: FloatArray = grown / np.diff(years, prepend=0.0)
    return between
