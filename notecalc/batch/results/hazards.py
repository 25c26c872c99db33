"""The time of default under a hazard rate, from the hazard that an issuer survives (Lando, 1998)."""

from __future__ import annotations

from typing import Any

import numpy as np

from notecalc.core.arrays import DateArray, FloatArray, forbid
from notecalc.core.convertible.terms import Steps

__all__ = ["THRESHOLD", "times_of_default"]

THRESHOLD = "default_threshold"
"""The input that says how much hazard is survived; drawn exponential of rate 1, the time of default has the hazard."""


def times_of_default(threshold: FloatArray, hazard_rate: Any, start: DateArray) -> FloatArray:
    r"""Give the years of 365 days after which the hazard survived is used up; infinite where it never is.

    .. math:: \tau = \inf \{ t : \int_0^t \lambda(s) \, ds \ge E \}

    Parameters
    ----------
    threshold : float64 array
        E, above 0.
    hazard_rate : number, float64 array or Steps
        Rate of default [1/yr]; of steps the last holds beyond.
    start : datetime64[D] array
        The day from which the hazard counts.

    References
    ----------
    D. Lando, On Cox processes and credit risky securities, Review of Derivatives Research 2 (1998).

    Examples
    --------
    >>> day = np.array(["2004-06-18"], dtype="datetime64[D]")
    >>> steps = Steps(["2005-06-18", "2006-06-18"], [0.1, 0.2])
    >>> times_of_default(np.array([0.05]), steps, day), times_of_default(np.array([0.2]), steps, day)
    (array([0.5]), array([1.5]))
    """
    forbid("default_threshold", threshold, ~(threshold > 0), "above 0")
    if not isinstance(hazard_rate, Steps):
        rate = np.broadcast_to(np.asarray(hazard_rate, dtype=np.float64), threshold.shape)
        forbid("hazard_rate", rate, ~(rate >= 0), "at least 0")
        with np.errstate(divide="ignore", over="ignore"):
            return threshold / rate
    left, begun, found = threshold.copy(), np.zeros(threshold.size), np.full(threshold.size, np.inf)
    levels = hazard_rate.values
    for k, rate in enumerate(levels.tolist()):
        last = k == levels.size - 1
        days = (hazard_rate.dates[k] - start).astype(np.float64)
        ends = np.full(threshold.size, np.inf) if last else np.maximum(days / 365, begun)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            time = begun + left / rate
        here = np.isinf(found) & (time <= ends)
        found[here] = time[here]
        if not last:
            left, begun = left - rate * (ends - begun), ends
    return found
