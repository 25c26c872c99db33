"""Volatility of the stock while its issuer lives, and with the jump to nothing that its default is."""

from __future__ import annotations

from typing import Any

import numpy as np

from notecalc.core.arrays import FloatArray, Rule, array_function
from notecalc.errors import TermError

__all__ = ["diffusion_volatility", "total_volatility"]

_NON_NEGATIVE = Rule("a number of at least 0", lambda x: np.isfinite(x) & (x >= 0))


@array_function(numbers={"total_volatility": _NON_NEGATIVE, "hazard_rate": _NON_NEGATIVE})
def diffusion_volatility(total_volatility: FloatArray, hazard_rate: FloatArray) -> Any:
    r"""Volatility of a stock while its issuer is alive, from that with the jump to nothing on default.

    .. math:: \sigma = \sqrt{\sigma_{total}^2 - \lambda}

    Trees after Hull keep the total volatility; `valuation.convertible_value` takes that of the diffusion.

    Parameters
    ----------
    total_volatility : numeric
        Volatility, jump included [1/yr^0.5], a decimal.
    hazard_rate : numeric
        Rate of default [1/yr], on which the stock loses all.

    Returns
    -------
    numeric
        Volatility [1/yr^0.5].

    Raises
    ------
    TermError
        A negative number, or a hazard rate above the square of the volatility.

    References
    ----------
    J. C. Hull, Options, Futures, and Other Derivatives, section on convertible bonds.

    Examples
    --------
    >>> round(diffusion_volatility(0.3, 0.05), 6)
    0.2
    """
    rest = total_volatility**2 - hazard_rate
    wrong = rest < -1e-15
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise TermError(
            "hazard_rate", rule="at most the square of `total_volatility`", got=float(hazard_rate[row]),
            row=row if rest.size > 1 else None,
        )  # fmt: skip
    return np.sqrt(np.maximum(rest, 0.0))


@array_function(numbers={"volatility": _NON_NEGATIVE, "hazard_rate": _NON_NEGATIVE})
def total_volatility(volatility: FloatArray, hazard_rate: FloatArray) -> Any:
    r"""Volatility of a stock with its jump to nothing on default, from that while its issuer is alive.

    .. math:: \sigma_{total} = \sqrt{\sigma^2 + \lambda}

    Parameters
    ----------
    volatility : numeric
        Volatility of the diffusion [1/yr^0.5], a decimal.
    hazard_rate : numeric
        Rate of default [1/yr].

    Returns
    -------
    numeric
        Volatility, jump included [1/yr^0.5].

    Raises
    ------
    TermError
        A negative number.

    References
    ----------
    As `diffusion_volatility`, whose inverse it is.

    Examples
    --------
    >>> round(total_volatility(0.2, 0.05), 6)
    0.3
    """
    return np.sqrt(volatility**2 + hazard_rate)
