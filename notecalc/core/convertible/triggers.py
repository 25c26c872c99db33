r"""Calls on so many trading days out of so many, as calls on the day: what trigger has the same worth.

A note that may be called once its stock has closed at or above a trigger on 20 of 30 days in a row is called later than
one that needs one day, when the stock has, in the mean, gone further. What a call is worth to the issuer is, near the
trigger, a line in the stock: so it is as if the trigger were where the stock is, in the mean, on the day on which the
count is reached, which M. Broadie, P. Glasserman and S. Kou (1997) show for one day, and J. Anderluh and H. van der
Weide (2004) use for days in a row. Means are of a random walk that comes from far below;
``benchmarks/trigger_shifts.py`` made the tables and measured what this misses.
"""

from __future__ import annotations

from typing import Any, Final, overload

import numpy as np
import pandas as pd

from notecalc.core.arrays import NON_NEGATIVE, POSITIVE, FloatArray, Number, Numbers, array_function
from notecalc.errors import TermError

__all__ = ["on_the_day_trigger", "opening_day_trigger"]

# fmt: off
# By the days looked back on, for 1, 2, ... of them needed, in standard deviations of a day's return; errors to 0.007.
REACHED: Final = {
    5: (
        0.581, 1.055, 1.431, 1.792, 2.202,
    ),
    10: (
        0.581, 1.028, 1.362, 1.652, 1.915, 2.169, 2.425, 2.692, 2.989, 3.377,
    ),
    15: (
        0.581, 1.019, 1.339, 1.613, 1.853, 2.081, 2.297, 2.508, 2.717, 2.927, 3.144, 3.370, 3.616, 3.896, 4.271,
    ),
    20: (
        0.581, 1.013, 1.327, 1.593, 1.825, 2.041, 2.245, 2.440, 2.626, 2.812, 2.993, 3.173, 3.355, 3.539, 3.731,
        3.928, 4.139, 4.370, 4.641, 5.012,
    ),
    30: (
        0.581, 1.006, 1.314, 1.572, 1.795, 2.000, 2.192, 2.375, 2.547, 2.715, 2.877, 3.033, 3.186, 3.336, 3.486,
        3.633, 3.785, 3.929, 4.073, 4.218, 4.369, 4.523, 4.684, 4.851, 5.023, 5.210, 5.413, 5.640, 5.910, 6.280,
    ),
}

# The same for a day on which a window opens with days behind it; errors to 0.005.
OPENING: Final = {
    5: (
        0.000, 0.199, 0.430, 0.712, 1.111,
    ),
    10: (
        0.000, 0.133, 0.274, 0.425, 0.588, 0.765, 0.964, 1.194, 1.475, 1.873,
    ),
    15: (
        0.000, 0.106, 0.217, 0.332, 0.452, 0.578, 0.710, 0.851, 1.001, 1.163, 1.342, 1.541, 1.770, 2.052, 2.450,
    ),
    20: (
        0.000, 0.091, 0.185, 0.281, 0.380, 0.483, 0.589, 0.699, 0.814, 0.934, 1.060, 1.192, 1.333, 1.484, 1.646,
        1.824, 2.023, 2.253, 2.535, 2.934,
    ),
    30: (
        0.000, 0.073, 0.149, 0.224, 0.303, 0.382, 0.463, 0.545, 0.630, 0.717, 0.806, 0.897, 0.991, 1.087, 1.187,
        1.289, 1.395, 1.505, 1.620, 1.740, 1.866, 1.999, 2.140, 2.290, 2.453, 2.631, 2.830, 3.059, 3.341, 3.740,
    ),
}
# fmt: on


@overload
def on_the_day_trigger(trigger: Number, volatility: Number, *, needed: int, of: int, days_a_year: float) -> float: ...  # type: ignore[overload-overlap]  # a Number is a Numbers too
@overload
def on_the_day_trigger(
    trigger: pd.Series[Any], volatility: Numbers | pd.Series[Any], *, needed: int, of: int, days_a_year: float
) -> pd.Series[Any]: ...
@overload
def on_the_day_trigger(
    trigger: Numbers, volatility: pd.Series[Any], *, needed: int, of: int, days_a_year: float
) -> pd.Series[Any]: ...
@overload
def on_the_day_trigger(
    trigger: Numbers, volatility: Numbers, *, needed: int, of: int, days_a_year: float
) -> FloatArray: ...
@array_function(numbers={"trigger": NON_NEGATIVE, "volatility": POSITIVE})
def on_the_day_trigger(trigger: Any, volatility: Any, *, needed: int, of: int, days_a_year: float) -> Any:
    r"""Trigger on the day that is worth what needing a trigger on several days out of several is worth.

    .. math:: T' = T \exp \left( c_{n,m} \, \sigma / \sqrt{N} \right)

    Parameters
    ----------
    trigger : numeric
        Stock price that must be reached, as a fraction of the conversion price (or in any unit).
    volatility : numeric
        Of the stock [1/yr^0.5], a decimal.
    needed : int
        n: closes at or above the trigger that a call needs, the day of the call among them.
    of : {5, 10, 15, 20, 30}
        m: trading days in a row, of which these are. 1 of any of them is a trigger on the day, watched at the close.
    days_a_year : float
        N: trading days in a year, such as 252.

    Returns
    -------
    float-like
        The trigger for a `CallWindow`, which is watched at any time, of the kind that came in.

    Raises
    ------
    TermError
        Days that are not known, a trigger below 0, a volatility that is not above 0.

    Notes
    -----
    Measured by simulating 20 of 30 on 30 notes a volatility of 3 years, called at 100 from year 1 with a trigger of 1.3
    and 1.5, hazard rates of 0 to 15%, stock 0.6 to 2 times the conversion price; days before the window opens count.
    Root mean square and worst error [per 100] (the former without the simulation's own, which is 0.05 to 0.16 of the
    latter): at a volatility of 20% 0.05 and 0.13, 30% 0.10 and 0.23, 45% 0.20 and 0.43, 60% 0.31 and 0.66, 90% 0.50 and
    0.88. The value is too high, most where there is no default and the stock is near or above the trigger when the
    window opens. With `opening_day_trigger` on the first day: 0.04 and 0.11, 0.06 and 0.15, 0.11 and 0.27, 0.18 and
    0.45, 0.29 and 0.61. What is left is of second order in the distance from T to T', 17% at a volatility of 60%.

    A `CallWindow` with ``days`` does both by itself.

    References
    ----------
    M. Broadie, P. Glasserman and S. Kou, A continuity correction for discrete barrier options, Math. Finance 7 (1997).
    J. Anderluh and H. van der Weide, Parisian options: the implied barrier concept, ICCS 2004.

    Examples
    --------
    >>> round(on_the_day_trigger(1.5, 0.6, needed=20, of=30, days_a_year=252), 3)
    1.759
    """
    return trigger * np.exp(_constant(REACHED, needed, of) * _day(volatility, days_a_year))


@overload
def opening_day_trigger(trigger: Number, volatility: Number, *, needed: int, of: int, days_a_year: float) -> float: ...  # type: ignore[overload-overlap]  # a Number is a Numbers too
@overload
def opening_day_trigger(
    trigger: pd.Series[Any], volatility: Numbers | pd.Series[Any], *, needed: int, of: int, days_a_year: float
) -> pd.Series[Any]: ...
@overload
def opening_day_trigger(
    trigger: Numbers, volatility: pd.Series[Any], *, needed: int, of: int, days_a_year: float
) -> pd.Series[Any]: ...
@overload
def opening_day_trigger(
    trigger: Numbers, volatility: Numbers, *, needed: int, of: int, days_a_year: float
) -> FloatArray: ...
@array_function(numbers={"trigger": NON_NEGATIVE, "volatility": POSITIVE})
def opening_day_trigger(trigger: Any, volatility: Any, *, needed: int, of: int, days_a_year: float) -> Any:
    r"""The same for the first day of a window, on which days before it count: a call on that day alone.

    Whoever has been above the trigger for long enough may be called at once, though the stock be below
    `on_the_day_trigger`. Over all stock prices x on that day, as many notes are called as if x had to reach
    :math:`\int_T^\infty P(\text{fewer than n of m days} \mid x) \, dx` above the trigger.

    Parameters
    ----------
    trigger, volatility, needed, of, days_a_year
        As for `on_the_day_trigger`.

    Returns
    -------
    float-like
        The trigger for a `CallWindow` that starts and ends on the day, of the kind that came in.

    Raises
    ------
    TermError
        As `on_the_day_trigger`.

    Examples
    --------
    >>> round(opening_day_trigger(1.5, 0.6, needed=20, of=30, days_a_year=252), 3)
    1.602
    """
    return trigger * np.exp(_constant(OPENING, needed, of) * _day(volatility, days_a_year))


def _constant(table: dict[int, tuple[float, ...]], needed: int, of: int) -> float:
    if of not in table:
        raise TermError("of", rule=f"one of {', '.join(map(str, table))} trading days", got=of)
    if needed not in range(1, of + 1):
        raise TermError("needed", rule=f"a whole number from 1 to {of}", got=needed)
    return table[of][int(needed) - 1]


def _day(volatility: FloatArray, days_a_year: float) -> FloatArray:
    if not 0 < days_a_year <= 366:
        raise TermError("days_a_year", rule="above 0 and up to 366", got=days_a_year)
    deviation: FloatArray = volatility / np.sqrt(days_a_year)
    return deviation
