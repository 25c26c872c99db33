"""How yields and zero rates are compounded, and where interest is simple all the same: the words for it."""

from __future__ import annotations

import numpy as np

from notecalc.core.arrays import BoolArray, FloatArray, IntArray, forbid
from notecalc.core.words import known_word

__all__ = ["COMPOUNDING", "SIMPLE_INTEREST", "per_year", "simple_first", "times_a_year"]

COMPOUNDING = {"annual": 1.0, "semi-annual": 2.0, "quarterly": 4.0, "monthly": 12.0, "continuous": 0.0, "simple": -1.0}
SIMPLE_INTEREST = ("never", "last-period", "first-period")
_AS_COUPONS = "coupon"


def times_a_year(word: str) -> float:
    """Give how often a rate is compounded: 0 continuously, -1 simple."""
    return COMPOUNDING[known_word("compounding", word, tuple(COMPOUNDING))]


def per_year(word: str, frequency: IntArray) -> FloatArray:
    """Give how often a year a yield is compounded, for each row of coupons per year: 0 continuously, -1 simple."""
    if word == _AS_COUPONS:
        forbid("compounding", frequency, frequency == 0, "named where a note has no coupons in the year")
        return frequency.astype(np.float64)
    return np.full(frequency.size, COMPOUNDING[known_word("compounding", word, (*COMPOUNDING, _AS_COUPONS))])


def simple_first(
    word: str, frequency: IntArray, compoundings: FloatArray, flows: IntArray, wait: FloatArray
) -> BoolArray:
    """Tell for each row whether its first flow is discounted at simple interest.

    Parameters
    ----------
    word : str
        One of `SIMPLE_INTEREST`.
    frequency : int64 array
        Coupons per year. Where there are none, a period is what a yield is compounded by: nobody means simple interest
        over the ten years that a note without coupons may have left.
    compoundings : float64 array
        As `per_year` gives them.
    flows : int64 array
        How many are still to come.
    wait : float64 array
        Years to the first of them [yr].
    """
    rule = known_word("simple_interest", word, SIMPLE_INTEREST)
    if rule == "never":
        return np.zeros(frequency.size, dtype=np.bool_)
    simple = np.ones(frequency.size, dtype=np.bool_) if rule == "first-period" else flows == 1
    within: BoolArray = simple & ((frequency > 0) | ((compoundings > 0) & (wait * compoundings <= 1)))
    return within
