"""When the options of a convertible are exercised, how it is likely to end and how long it is expected to live."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Unpack

import numpy as np
import pandas as pd

from notecalc.core.arrays import Dates, FloatArray, IntArray
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._case import Case, Market
from notecalc.core.convertible._engine import WIDTH
from notecalc.core.convertible._outcomes import DEFAULTED, ENDINGS
from notecalc.core.convertible._policy import POINT, points_at_most, policy_rows
from notecalc.core.convertible.terms import Convertible
from notecalc.errors import TermError

__all__ = [
    "BOUNDARIES",
    "ConvertibleProbabilities",
    "ExerciseBoundary",
    "convertible_probabilities",
    "exercise_boundary",
]

BOUNDARIES = ("conversion", "forced-conversion", "call", "put")

# By how much the chances of a note may lie below 0 and above 1 together: four times the error of each, see the notes.
_OVERSHOT = {"fast": 8e-3, "standard": 1.2e-3, "reference": 4e-4}


class ConvertibleProbabilities(NamedTuple):
    """Risk-neutral chances of each way in which a note ends, which add up to 1, and how long it lives."""

    converted: Any
    """By its holder, before maturity and uncalled."""
    forced: Any
    """Converted because it was called."""
    converted_at_maturity: Any
    called: Any
    """For cash."""
    put: Any
    defaulted: Any
    """NaN in the models of a spread, which know no default: the others add up to 1."""
    redeemed: Any
    """At maturity."""
    expected_life: Any
    """Time to the first of these [yr]."""


class ExerciseBoundary(NamedTuple):
    """Stock prices at which options are exercised, a row for each note, time and kind of boundary; rising in time."""

    row: IntArray
    """Place of the note among the rows of the arguments, broadcast and in C order."""
    years: FloatArray
    """Days from settlement over 365."""
    kind: Any
    """One of `BOUNDARIES`."""
    stock_price: FloatArray
    """[currency/share]; NaN where the option is live and no stock price has it exercised; where every one has, infinite
    for a put and, for what is live on a day alone, 0."""


def convertible_probabilities(
    terms: Convertible, settlement: Dates | pd.Series[Any], **market: Unpack[Market]
) -> ConvertibleProbabilities:
    r"""Chances of how a convertible ends, and its expected life, if holder and issuer do what is best for them.

    Under the policy that `valuation.convertible_value` finds, each obeys

    .. math:: P_t + \tfrac12 \sigma^2 S^2 P_{SS} + (r - q + p \eta) S P_S - p P + g = 0

    where the note lives on, with g the hazard rate p for default, 1 for the expected life and else 0, and is 1 where
    the note ends in the way that is counted and 0 where it ends in another. They are chances under the measure that
    values the note, in which the stock grows at the risk-free rate: not forecasts.

    Parameters
    ----------
    terms, settlement, **market
        As for `valuation.convertible_value`. In the models of a credit spread p is 0: the spread is a discount, and
        says nothing of when, or whether, the issuer defaults.

    Returns
    -------
    ConvertibleProbabilities
        Each of the kind that came in. NaN where no grid settles the value (its ``error_estimate`` is NaN), where by
        a wide spread the note is converted in a stretch of stock prices below its edge, too, where a call from a
        trigger on is live while conversion is closed and the issuer would rather wait above some price, and where
        chances come out below 0 or above 1 by more than the accuracy promises: a finer one may give them.

    Raises
    ------
    TermError
        As `valuation.convertible_value`; a call after notice, which is not known here.

    Notes
    -----
    A note that is called when its shares are worth more than the call price is converted, `forced`; where its holder
    would have converted anyway just then, too, if the call is live in a window.

    Against closed forms chances are right to 2e-3 at ``fast``, 3e-4 at ``standard`` and 2e-6 at ``reference``. With a
    put in a window root mean square errors over 60 random notes were 1e-3, 2e-4 and 7e-6 (at worst 6e-3, 1e-3 and
    1e-4). Three pairs are less well told apart than added up: with dividends the holder converts in the last days or
    at maturity, and ahead of a call or forced by it, and a call may be for cash or forced on the eve of a coupon; there
    each may be off by 1e-2, at any accuracy. So may all where a call in a window has a trigger at which the shares are
    worth less than its price: the note loses value at a jump there, whose place is known to a cell of the grid.

    References
    ----------
    P. Wilmott, Paul Wilmott on Quantitative Finance, 2nd ed. (2006), chapter 10: first exit times and the equations of
    Kolmogorov.

    Examples
    --------
    >>> from notecalc.core.convertible.terms import ConversionWindow
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="30/360")
    >>> terms = Convertible(periods=resolve(notes), conversions=[ConversionWindow(conversion_price=1.85)],
    ...                     accrued_on_conversion="forfeited")
    >>> chances = convertible_probabilities(terms, "2004-06-18", stock_price=1.5, volatility=0.6, risk_free=0.03,
    ...                                     model="ayache-forsyth-vetzal", hazard_rate=0.08, recovery_rate=0.4,
    ...                                     stock_drop=1)
    >>> round(chances.defaulted, 4), round(chances.expected_life, 3)
    (0.2134, 2.667)
    """
    case = Case.of(terms, settlement, market)
    found = _go_through(case, room=0)[0]
    if case.model != col.AYACHE_FORSYTH_VETZAL:
        found[DEFAULTED] = np.full_like(found[DEFAULTED], np.nan)
    chances = np.array(found[:-1])
    overshot = np.nansum(np.abs(chances - np.clip(chances, 0.0, 1.0)), axis=0) > _OVERSHOT[case.accuracy]
    for part in found:
        part[overshot] = np.nan
    for part in found[:-1]:
        np.clip(part, 0.0, 1.0, out=part)
    wrapped: ConvertibleProbabilities = case.layout.shape.rewrap(ConvertibleProbabilities._make(found))
    return wrapped


def exercise_boundary(
    terms: Convertible, settlement: Dates | pd.Series[Any], **market: Unpack[Market]
) -> ExerciseBoundary:
    """Stock prices at which a convertible is converted, called or put, by time.

    Kinds are ``conversion``, the price from which the holder converts; ``forced-conversion``, from which the issuer's
    call makes the holder convert; ``call``, from which the issuer calls for cash, up to the one before; ``put``, below
    which the holder puts. Each is given at the times of the engine's steps, and on days that matter to it, for as long
    as the option is live. On the day of a coupon there may be two: before it is paid and after; so, of
    conversion, on an ex-date and on the day of another conversion price. While conversion is closed the issuer calls
    from the trigger of a call, or the price given, but may wait above another, which is not.

    Parameters
    ----------
    terms, settlement, **market
        As for `valuation.convertible_value`.

    Returns
    -------
    ExerciseBoundary
        Flat arrays, ready for ``pandas.DataFrame(boundary._asdict())``. A row whose numbers are missing has none.

    Raises
    ------
    TermError
        As `valuation.convertible_value`; a call after notice, which is not known here.

    Notes
    -----
    Boundaries are those of the finest grid, not extrapolated. Far from payments they are off by 2e-3 of the stock
    price at ``standard`` and 1e-4 at ``reference`` (American calls of one and three years by QuantLib), puts on a day
    by 1e-5. Those of puts in windows are off by up to 3e-4 and 1e-5, by 2e-3 and 2e-4 a month before the window ends
    (against a grid four times as fine).
    Before a coupon that is forfeited on conversion the boundary comes in from far away, and is off by 1e-2 and 1e-3
    there three months earlier: the value is hardly moved by it.

    References
    ----------
    M. J. Brennan and E. S. Schwartz, Convertible bonds: valuation and optimal strategies for call and conversion,
    J. Finance 32 (1977).

    Examples
    --------
    >>> from notecalc.core.convertible.terms import CallWindow, ConversionWindow
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="30/360")
    >>> terms = Convertible(periods=resolve(notes), conversions=[ConversionWindow(conversion_price=1.85)],
    ...                     calls=[CallWindow(clean_price=100, trigger=1.5, start="2005-06-18")],
    ...                     accrued_on_conversion="forfeited")
    >>> boundary = exercise_boundary(terms, "2004-06-18", stock_price=1.5, volatility=0.6, risk_free=0.03,
    ...                              model="tsiveriotis-fernandes", credit_spread=0.08)
    >>> forced = boundary.kind == "forced-conversion"
    >>> round(float(boundary.years[forced].min()), 3), boundary.stock_price[forced][0].round(3).item()
    (1.0, 2.775)
    """
    case = Case.of(terms, settlement, market)
    most = int(np.diff(case.lines.offsets).max(initial=0))
    _, counts, points = _go_through(case, room=points_at_most(case.settings, most))
    row, place = np.nonzero(np.arange(points.shape[1]) < counts[:, np.newaxis])
    row, place = row[::-1], place[::-1]  # they come latest first, and one time may have two: before and after a coupon
    years, kind, price = points[row, place].T
    order = np.lexsort([kind, years, row])
    return ExerciseBoundary(
        row=row[order].astype(np.int64),
        years=years[order],
        kind=np.array(BOUNDARIES)[kind[order].astype(np.int64)],
        stock_price=price[order],
    )


# Standard deviations that a grid has on each side: far from all edges values are lines, but chances are not.
_LEAST_WIDTH: Final = 4.5


def _go_through(case: Case, room: int) -> tuple[list[FloatArray], IntArray, FloatArray]:
    """Give chances and life, how many points of boundaries each row has, and the points."""
    after_notice = np.append(0, np.cumsum(case.lines.table[:, col.NOTICE] > 0))[case.lines.offsets]
    noticed = (after_notice[1:] > after_notice[:-1])[case.contract]
    if noticed.any():
        row = int(np.argmax(noticed))
        raise TermError("calls.notice_days", rule="0: a call after notice is not known here", got="notice", row=row)
    size = case.contract.size
    found = [np.empty(size) for _ in range(ENDINGS)]
    settings = case.settings
    settings[WIDTH] = max(settings[WIDTH], _LEAST_WIDTH)
    counts, points = np.empty(size, dtype=np.int64), np.empty((size, room, POINT))
    policy_rows(
        case.lines.offsets, case.lines.table.reshape(-1), settings, case.contract, *case.columns, *found, counts,
        points.reshape(-1),
    )  # fmt: skip
    if case.model != col.AYACHE_FORSYTH_VETZAL:
        # Where the note is converted in a stretch before its edge, no policy of one edge is the best.
        (*_, error), stretch = case.solve_and_tell_stretches()
        unsettled = np.isnan(error) | stretch
        counts[unsettled] = 0
        for part in found:
            part[unsettled] = np.nan
    return found, counts, points
