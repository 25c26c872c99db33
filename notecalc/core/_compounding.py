"""How yields and zero rates are compounded, and where interest is simple all the same: the words for it."""

from __future__ import annotations

import numpy as np

from notecalc.core.arrays import FloatArray, IntArray, forbid, names_of
from notecalc.errors import TermError, did_you_mean

__all__ = ["COMPOUNDING", "SIMPLE_INTEREST", "per_year", "simple_rule", "times_a_year"]

COMPOUNDING = {"annual": 1.0, "semi-annual": 2.0, "quarterly": 4.0, "monthly": 12.0, "continuous": 0.0, "simple": -1.0}
SIMPLE_INTEREST = ("never", "last-period", "first-period")
_AS_COUPONS = "coupon"


def times_a_year(word: str) -> float:
    """Give how often a rate is compounded: 0 continuously, -1 simple."""
    return COMPOUNDING[_known("compounding", word, tuple(COMPOUNDING))]


def per_year(word: str, frequency: IntArray) -> FloatArray:
    """Give how often a year a yield is compounded, for each row of coupons per year: 0 continuously, -1 simple."""
    if word == _AS_COUPONS:
        forbid("compounding", frequency, frequency == 0, "named where a note has no coupons in the year")
        return frequency.astype(np.float64)
    return np.full(frequency.size, COMPOUNDING[_known("compounding", word, (*COMPOUNDING, _AS_COUPONS))])


def simple_rule(word: str) -> IntArray:
    """Give the number by which kernels know where interest is simple."""
    return np.array([SIMPLE_INTEREST.index(_known("simple_interest", word, SIMPLE_INTEREST))])


def _known(name: str, word: str, words: tuple[str, ...]) -> str:
    if word not in words:
        raise TermError(name, rule=names_of(words), got=word, hint=did_you_mean(str(word), words))
    return word
