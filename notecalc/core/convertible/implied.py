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

_SAME = 1e-7  # [per 100]: what is this near the price is on it
_NEAR = 1e-9  # [per 100]: what is looked for is found to this, or to 1e-12 of itself
_ASIDE = 1e-3  # how near its ends the range is looked at once more, in parts of the first and the last cell
_ROUNDS = 80  # to close in, at most: four to six are usual
_TURNED = 1e-3  # of two cells: how near a turning point is found
_TURNS = 40  # to find it, at most
_GOLDEN = 0.381966


class Implied(NamedTuple):
    """Where the value equals the price."""

    value: Any
    """The lowest answer; NaN if there is none, or a stretch of them."""
    other: Any
    """The highest, if there is more than one; else NaN."""
    solutions: Any
    """How many there are on the range searched; infinite where a stretch of it has the price; NaN if one is missing."""


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
    has a least and a greatest, and then there may be none. What is converted, called or put at once is worth the same
    whatever its volatility or credit: at just that price no answer is better than another, and none is given.

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

    Notes
    -----
    Where the values at neighbouring points turn, towards the price and away from it, the turning point is found, so
    that two answers between them are seen: none is missed unless the value turns twice between two points of a range
    of 17 to 23. A stretch is told by two neighbouring points within 1e-7 per 100 of the price.

    Values are those of the accuracy that is asked for. Under a hard call those at ``fast`` are off by up to 0.4 per 100
    above a volatility of 2, and an answer up there may be none. In the models of a spread values jump here and there at
    the coarser accuracies; where they jump across the price, the place of the jump is the answer.

    A row takes one value for each point, from 3.5 to 6.6 for each answer, and up to 2.6 for turning points: means over
    200 random notes each, by model, call and unknown.

    References
    ----------
    T. R. Chandrupatla, A new hybrid quadratic/bisection algorithm for finding the zero of a nonlinear function without
    using derivatives, Advances in Engineering Software 28 (1997).

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
    """Find where functions of one number each are nothing, looking between points.

    Parameters
    ----------
    miss : callable
        Takes a number for each of n functions, and gives the value of each; NaN where something is missing.
    points : array of shape (points, n)
        Rising for each function.

    Returns
    -------
    lowest, highest, count
        NaN where there is none, or no second one; the count where something is missing. It is infinite where a function
        is nothing on a stretch.
    """
    at = _scan(points)
    gaps = np.array([miss(x) for x in at])
    missing = np.isnan(gaps).any(axis=0)
    near = np.abs(gaps) <= _SAME
    flat = (near[:-1] & near[1:]).any(axis=0)
    gaps[:, missing | flat] = np.nan
    found = _turning_points(miss, at, gaps)
    at, gaps = np.concatenate([at, found[0]]), np.concatenate([gaps, found[1]])
    order = np.argsort(np.where(np.isnan(gaps), np.inf, at), axis=0, kind="stable")
    at, gaps = np.take_along_axis(at, order, axis=0), np.take_along_axis(gaps, order, axis=0)
    sign = np.where(np.abs(gaps) <= _SAME, 0.0, np.sign(gaps))
    # A root lies at a point, or between one and the next.
    roots = np.zeros(sign.shape, dtype=np.bool_)
    roots[:-1] = sign[:-1] * sign[1:] < 0
    roots |= sign == 0
    count = np.where(missing, np.nan, np.where(flat, np.inf, roots.sum(axis=0)))
    lowest, highest = np.full((2, missing.size), np.nan)
    for out, place, some in (
        (lowest, roots.argmax(axis=0), roots.any(axis=0)),
        (highest, len(roots) - 1 - roots[::-1].argmax(axis=0), roots.sum(axis=0) > 1),
    ):
        rows = np.flatnonzero(some)
        here = place[rows]
        beyond = np.where(sign[here, rows] == 0, here, here + 1)
        ends, levels = np.full((2, 2, missing.size), np.nan)
        ends[:, rows], levels[:, rows] = at[[here, beyond], rows], gaps[[here, beyond], rows]
        out[rows] = _close_in(miss, ends, levels)[rows]
    return lowest, highest, count


def _scan(points: FloatArray) -> FloatArray:
    """Give the points, and one just within each end: it tells whether the value turns in the cell there."""
    first, last = points[0] + _ASIDE * (points[1] - points[0]), points[-1] - _ASIDE * (points[-1] - points[-2])
    return np.concatenate([[points[0], first], points[1:-1], [last, points[-1]]])


def _turning_points(
    miss: Callable[[FloatArray], FloatArray], at: FloatArray, gaps: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Find where values on one side of the price come nearest to it between points, if they cross it there.

    Gives places and what is missing there, a row for each point but the ends; NaN where nothing is crossed.
    """
    side = np.where(np.abs(gaps) <= _SAME, 0.0, np.sign(gaps))
    around = side[:-2] * (side[:-2] == side[2:])
    near = around * gaps[1:-1]
    lower = np.minimum(around * gaps[:-2], around * gaps[2:]) - near > _SAME  # not level, but for what rounding leaves
    turns = (around != 0) & lower & (around * side[1:-1] >= 0)
    place, level = np.full((2, *near.shape), np.nan)
    for i in np.flatnonzero(turns.any(axis=1)):
        some = turns[i]
        ends, values = (np.where(some, part[i : i + 3], np.nan) for part in (at, gaps))
        place[i], level[i] = _turn(miss, ends, values, around[i])
    crosses = around * level < -_SAME
    touches = (np.abs(level) <= _SAME) & (side[1:-1] != 0)
    return np.where(crosses | touches, place, np.nan), np.where(crosses | touches, level, np.nan)


def _turn(
    miss: Callable[[FloatArray], FloatArray], ends: FloatArray, values: FloatArray, side: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Find the least of what is missing, times its side, among three points of which the middle one is least.

    By parabolas, every third time by a golden section; it ends as soon as the price is crossed. Gives place and value.
    """
    (a, m, b), (fa, fm, fb) = ends.copy(), values * side
    open_rows, least = ~np.isnan(m), _TURNED * (b - a)
    for turn in range(_TURNS):
        open_rows &= (fm >= -_SAME) & (b - a > least)
        if not open_rows.any():
            break
        with np.errstate(invalid="ignore", divide="ignore"):
            left, right = (m - a) * (fm - fb), (m - b) * (fm - fa)
            x = m - 0.5 * ((m - a) * left - (m - b) * right) / (left - right)
            section = np.where(m - a > b - m, m - _GOLDEN * (m - a), m + _GOLDEN * (b - m))
            good = (x > a) & (x < b) & (np.abs(x - m) > 1e-3 * (b - a)) & (turn % 3 != 2)
        x = np.where(open_rows, np.where(good, x, section), np.nan)
        f = miss(x) * side
        below, less = x < m, f < fm
        # The new point is the middle one if it is less, and an end if not.
        to_a, to_b = open_rows & (below != less), open_rows & (below == less)
        a, fa = np.where(to_a, np.where(less, m, x), a), np.where(to_a, np.where(less, fm, f), fa)
        b, fb = np.where(to_b, np.where(less, m, x), b), np.where(to_b, np.where(less, fm, f), fb)
        m, fm = np.where(open_rows & less, x, m), np.where(open_rows & less, f, fm)
    return m, fm * side


def _close_in(miss: Callable[[FloatArray], FloatArray], ends: FloatArray, levels: FloatArray) -> FloatArray:
    """Find a root between two ends where the signs differ, row by row, as Chandrupatla (1997); first by a secant.

    By an inverse parabola where it is monotone between its three points, else by halves.
    """
    (x1, x2), (f1, f2) = ends.copy(), levels.copy()
    root: FloatArray = np.where(np.abs(f2) < np.abs(f1), x2, x1)
    open_rows = ~np.isnan(x1) & (np.minimum(np.abs(f1), np.abs(f2)) > _SAME)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = f1 / (f1 - f2)
    for _ in range(_ROUNDS):
        if not open_rows.any():
            break
        x = np.where(open_rows, x1 + part * (x2 - x1), np.nan)
        f = miss(x)
        same = (f > 0) == (f1 > 0)
        x3, f3 = np.where(same, x1, x2), np.where(same, f1, f2)
        x2, f2 = np.where(same, x2, x1), np.where(same, f2, f1)
        x1, f1 = x, f
        nearest = np.where(np.abs(f2) < np.abs(f1), x2, x1)
        root = np.where(open_rows, nearest, root)
        least = 1e-12 * np.abs(nearest) / np.abs(x2 - x1)
        open_rows &= (np.minimum(np.abs(f1), np.abs(f2)) > _NEAR) & (least < 0.5)
        with np.errstate(invalid="ignore", divide="ignore"):
            xi, phi = (x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2)
            ahead = f1 / (f1 - f2) * f3 / (f3 - f2) - (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f2 - f3)
            monotone = (1 - np.sqrt(1 - xi) < phi) & (phi < np.sqrt(xi))
        part = np.clip(np.where(monotone, ahead, 0.5), least, 1 - least)
    return root
