"""What volatility, credit or stock price gives a convertible its price: every answer on a range, counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from notecalc.core.arrays import FINITE, Dates, FloatArray, Numbers
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._case import Case
from notecalc.core.convertible.terms import Convertible
from notecalc.core.words import known_word

__all__ = ["UNKNOWNS", "Implied", "convertible_implied", "every_solution"]

UNKNOWNS = {
    "volatility": (col.R_VOLATILITY, np.geomspace(0.02, 3.0, 17)),
    "credit_spread": (col.R_CREDIT, np.concatenate([[0.0], np.geomspace(0.0025, 1.5, 13)])),
    "hazard_rate": (col.R_CREDIT, np.concatenate([[0.0], np.geomspace(0.0025, 1.5, 13)])),
    "stock_price": (col.STOCK, np.geomspace(0.02, 20.0, 21)),  # of the conversion price
}

_STEPS = 80


class Implied(NamedTuple):
    """Where the value equals the price."""

    value: Any
    """The lowest answer; NaN if there is none."""
    other: Any
    """The highest, if there is more than one; else NaN."""
    solutions: Any
    """How many there are on the range searched; NaN where something is missing."""


def convertible_implied(
    unknown: str,
    terms: Convertible,
    settlement: Dates | pd.Series[Any],
    clean_price: Numbers | pd.Series[Any],
    **market: Any,
) -> Implied:
    """Find what gives a convertible its price, with all else given.

    The value is computed at points of a range, and each change of sign between two of them closed in on. A call makes
    the value fall with volatility somewhere, a spread may do so, and then there are two answers; the value of a note
    has a least and a greatest, and then there may be none. Two answers between neighbouring points are not seen.

    Parameters
    ----------
    unknown : {"volatility", "credit_spread", "hazard_rate", "stock_price"}
        What is looked for: volatility from 0.02 to 3, credit from 0 to 1.5, stock price from 0.02 to 20 times the
        conversion price.
    terms, settlement
        As for `valuation.convertible_value`.
    clean_price : numeric
        Price in the market [per 100 of principal].
    **market
        `valuation.Market` without the unknown.

    Returns
    -------
    Implied
        Each of the kind that came in.

    Raises
    ------
    TermError
        As `valuation.convertible_value`; an unknown that is none of these, or is given.

    Examples
    --------
    >>> from notecalc.core.convertible.terms import ConversionWindow
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="30/360")
    >>> terms = Convertible(periods=resolve(notes), conversions=[ConversionWindow(conversion_price=1.85)],
    ...                     accrued_on_conversion="forfeited")
    >>> found = convertible_implied("volatility", terms, "2004-06-18", 125.1784854, stock_price=1.5, risk_free=0.03,
    ...                             model="tsiveriotis-fernandes", credit_spread=0.08, accuracy="reference")
    >>> round(found.value, 6), found.solutions
    (0.6, 1.0)
    """
    known_word("unknown", unknown, tuple(UNKNOWNS))
    if unknown in market:
        raise TypeError(f"convertible_implied() is given {unknown!r}, which it is to find")
    column, points = UNKNOWNS[unknown]
    price = (clean_price, FINITE)
    case = Case.of(terms, settlement, market | {unknown: float(points[-1])}, {"clean_price": price})
    wanted = case.layout.numbers["clean_price"] + case.lines.accrued[case.contract]
    scale = np.ones(wanted.size)
    if unknown == "stock_price":
        ratios = np.append(case.lines.table[:, col.RATIO], np.nan)  # a missing settlement has no segment
        scale = 100 / ratios[case.lines.offsets[:-1]][case.contract]

    def miss(x: FloatArray) -> FloatArray:
        return case.at(column, x).solve()[0] - wanted

    points = np.array([point * scale for point in points])
    wrapped: Implied = case.layout.shape.rewrap(Implied(*every_solution(miss, points)))
    return wrapped


def every_solution(
    miss: Callable[[FloatArray], FloatArray], points: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Find where functions of one number each are nothing, looking for changes of sign between points.

    Parameters
    ----------
    miss : callable
        Takes a number for each of n functions, and gives the value of each; NaN where something is missing.
    points : array of shape (points, n)
        Rising for each function.

    Returns
    -------
    lowest, highest, count
        NaN where there is none, or no second one; the count where something is missing.
    """
    gaps = np.array([miss(x) for x in points])
    crossed = (gaps[:-1] > 0) != (gaps[1:] > 0)
    missing = np.isnan(gaps).any(axis=0)
    crossed[:, missing] = False
    count = np.where(missing, np.nan, crossed.sum(axis=0))
    lowest, highest = np.full((2, missing.size), np.nan)
    rows = np.arange(missing.size)
    for out, place, some in (
        (lowest, crossed.argmax(axis=0), count >= 1),
        (highest, len(crossed) - 1 - crossed[::-1].argmax(axis=0), count >= 2),
    ):
        ends, levels = points[[place, place + 1], rows], gaps[[place, place + 1], rows]
        out[some] = _close_in(miss, np.where(some, ends, np.nan), np.where(some, levels, np.nan))[some]
    return lowest, highest, count


def _close_in(miss: Callable[[FloatArray], FloatArray], ends: FloatArray, levels: FloatArray) -> FloatArray:
    """Find a root between two ends where the signs differ, row by row (Illinois: M. Dowell and P. Jarratt 1971)."""
    (a, b), (fa, fb) = ends.copy(), levels.copy()
    root: FloatArray = np.where(fb == 0, b, a)
    open_rows = ~np.isnan(a) & (fa != 0) & (fb != 0)
    for step in range(_STEPS):
        if not open_rows.any():
            break
        with np.errstate(invalid="ignore", divide="ignore"):
            x = (a + b) / 2 if step % 4 == 3 else (a * fb - b * fa) / (fb - fa)
        f = miss(np.where(open_rows, x, np.nan))
        root = np.where(open_rows, x, root)
        turned = (f > 0) != (fb > 0)
        # The end that stays counts for half, so that the other one moves.
        fa = np.where(open_rows, np.where(turned, fb, fa / 2), fa)
        a = np.where(open_rows & turned, b, a)
        b, fb = np.where(open_rows, x, b), np.where(open_rows, f, fb)
        open_rows &= (np.abs(f) > 1e-9) & (np.abs(b - a) > 1e-12 * np.abs(b))
    return root
