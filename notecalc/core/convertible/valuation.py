"""The value of convertible notes and what it depends on, on arrays: the public side of the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple, Unpack

import numpy as np
import pandas as pd

from notecalc.core.arrays import (
    Dates,
    FloatArray,
)
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._case import ACCURACIES, MODELS, Case, Market
from notecalc.core.convertible._floor import floor_rows
from notecalc.core.convertible.terms import Convertible

__all__ = [
    "ACCURACIES",
    "MODELS",
    "ConvertibleGreeks",
    "ConvertibleValue",
    "Market",
    "convertible_greeks",
    "convertible_value",
]


class ConvertibleValue(NamedTuple):
    """What a convertible is worth, and what it is made of; prices per 100 of principal."""

    dirty_price: Any
    """With accrued interest."""
    clean_price: Any
    bond_floor: Any
    """Coupons and principal alone, without any option, under the same rate and credit."""
    parity: Any
    """Shares on conversion at the stock price; NaN where conversion is closed."""
    conversion_premium: Any
    """Clean price over parity, less 1."""
    investment_premium: Any
    """Dirty price over bond floor, less 1."""
    years_to_break_even: Any
    """Years of coupons, less the dividends on the shares, that make up for the premium over them."""
    delta: Any
    """Points per unit of stock price [per 100 per currency/share]."""
    gamma: Any
    """Its derivative."""
    theta: Any
    """Points per calendar day, apart from what is paid or falls due on it."""
    error_estimate: Any
    """Error of the dirty price to expect from the grid; NaN where no grid settles it (see `convertible_value`)."""


class ConvertibleGreeks(NamedTuple):
    """First-order sensitivities of the dirty price."""

    delta: Any
    """[per 100 per currency/share]."""
    hedge_ratio: Any
    """Delta over the shares on conversion."""
    gamma: Any
    vega: Any
    """Per 0.01 of volatility."""
    theta: Any
    """Per calendar day."""
    rho: Any
    """Per basis point of the risk-free rate."""
    credit: Any
    """Per basis point of credit spread or hazard rate."""
    recovery: Any
    """Per 0.01 of recovery rate; 0 in models that know none."""


def convertible_value(
    terms: Convertible, settlement: Dates | pd.Series[Any], **market: Unpack[Market]
) -> ConvertibleValue:
    r"""Value of convertible notes.

    With :math:`\mathcal{L} V = \tfrac12 \sigma^2 S^2 V_{SS} + (r - q) S V_S`, q being dividend yield and borrow cost,
    the value between events obeys, by model,

    .. math::
        \text{tsiveriotis-fernandes:}\quad & V_t + \mathcal{L} V - r (V - B) - (r + s) B = 0, \quad
            B_t + \mathcal{L} B - (r + s) B = 0 \\
        \text{ayache-forsyth-vetzal:}\quad & V_t + \mathcal{L} V + p \eta S V_S - (r + p) V
            + p \max(k S (1 - \eta), R X) = 0 \\
        \text{goldman-sachs:}\quad & V_t + \mathcal{L} V - (r + s Q) V = 0, \quad Q_t + \mathcal{L} Q = 0

    within :math:`\max(kS, \text{put}) \le V \le \max(\text{call}, kS)`; where a call needs notice, under what the
    note is worth once called, see `CallWindow`. B, the part of the value that is paid in cash
    by the issuer, is nothing where the note is converted or called, and the put price where it is put. Q, the chance
    that the note is not converted, is 0 where it is converted and unmoved by calls and puts, as in QuantLib's
    convertible engine, which solves this model under the first one's name. p is the hazard rate, :math:`\eta` the
    stock's drop on default, X the claim and R its recovery. The shares left on default, :math:`k S (1 - \eta)`, count
    only while conversion is open: where it is closed the note is worth :math:`R X` then.

    Parameters
    ----------
    terms : Convertible
        The terms of n notes.
    settlement : date-like
        One day, or one for each note; with one note, any shape. A coupon whose accrual ends by that day is the
        seller's, though it be paid later, as in `prices`; an option of that day alone has been left unused.
    **market
        `Market`.

    Returns
    -------
    ConvertibleValue
        Each of the kind that came in.

    Raises
    ------
    TermError
        A number that cannot be, a model that lacks its numbers or is given those of another, the third where a call
        needs notice, calls of a note with different notice, a settlement before issue or not before maturity.

    Notes
    -----
    Settlement is the day of valuation. Money is discounted from payment dates.

    Years to break even, or the premium payback period, are (clean price - parity) / (annual coupon - dividends of a
    year on the shares), simple, dividends being the yield given and the cash of the next 365 days. They are 0 where
    there is no premium, infinite where there is one and the shares pay as much as the coupon, NaN where conversion is
    closed.

    Rows of the second model whose coefficients are constant, with puts on single days and soft calls, are valued by
    convolution with the stock's normal law between events: root mean square errors against ``reference`` of 6.0e-6 per
    100 at ``fast`` and 7.2e-7 at ``standard`` over 1,000 markets of one note, 5.0e-5 and 1.5e-5 over 1,000 different
    notes (at worst 3.7e-4 and 1.3e-4). All other rows go through finite differences, with errors over random notes at
    ``fast`` and ``standard`` of: the second model under a hard call and a put 3e-4 and 6e-5; with a hazard elasticity
    or numbers that change by date 7e-4 and 2e-4; with cash dividends 2e-3 and 4e-4; with a yield of 6% and no call 2e-3
    and 4e-4; the first model 9e-4 and 2e-4, under a hard call 8e-4 and 3e-4, with that yield 3e-3 and 8e-4; the third
    1e-3 and 3e-4; the worst rows are five to twenty times that. These are of rows whose reference tells less than 1e-3
    of itself; the first and the third model have others (``benchmarks/bench_convertible.py``). At ``reference`` 1e-6 to
    1e-4, against a finer grid.
    `error_estimate` is told from what extrapolation, or a second grid, has changed, by the terms of the note and how
    far its stock may get. It is meant to cover 95% of rows of each class of terms, for lives of half a year to 10,
    coupons up to 12%, volatilities of 10 to 120% and spreads or hazard rates up to 20%, and covered 92 to 100% of 60
    rows of each; its median is 6 to 240 times that of the error, mostly 15 to 60. ``benchmarks/error_coverage.py`` has
    the table.

    In the first and the third model a note that is converted bears no spread, so that conversion feeds on itself. Where
    the spread is wide for the volatility the note is converted in a stretch of stock prices, too, above which its
    coupons are worth waiting for; what is converted there has no second unknown. The ends of a stretch lie on nodes,
    and steps of time settle them to first order. Without dividends, at spreads of 20, 40 and 60%, volatilities of 10,
    20 and 30% and three stock prices, a note of three years was within 0.04 at ``reference`` (one row of 54: 0.14) and
    0.26 at ``standard`` of backward induction, as trees do it, but on 2,000 nodes and 4,000 steps, which had moved by
    up to 0.07 from 1,000 of each. Without any stretch an 8% note of eight years would be worth 3.7 less by the third
    model and 1.4 less by the first, at a spread and a volatility of 20%. By the third model a stretch is usual where
    the life is long: in 22 of 60 random notes without dividends, in 4 by the first. With a dividend yield no grid
    settles where the stretch lies: values move by 2 to 5, and `error_estimate` is NaN, in some markets from a spread of
    0.4 times the volatility on in the first model and 0.2 in the third, in half of them from 0.8 to 1 times and 0.5
    to 0.6 times it on (notes of three and six years, 4,000 markets each).

    References
    ----------
    K. Tsiveriotis and C. Fernandes, Valuing convertible bonds with credit risk, J. Fixed Income 8 (1998).
    E. Ayache, P. Forsyth and K. Vetzal, The valuation of convertible bonds with credit risk, J. Derivatives 11 (2003).
    Goldman Sachs, Valuing convertible bonds as derivatives, Quantitative Strategies Research Notes (1994).
    F. J. Fabozzi, Bond Markets, Analysis and Strategies, 4th ed. (2000), chapter on convertible bonds: premium payback
    period.

    Examples
    --------
    >>> from notecalc.core.convertible.terms import ConversionWindow
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="30/360")
    >>> terms = Convertible(periods=resolve(notes), conversions=[ConversionWindow(conversion_price=1.85)],
    ...                     accrued_on_conversion="forfeited")
    >>> value = convertible_value(terms, "2004-06-18", stock_price=1.5, volatility=0.6, risk_free=0.03,
    ...                           model="tsiveriotis-fernandes", credit_spread=0.08)
    >>> round(value.dirty_price, 2)
    125.18
    """
    case = Case.of(terms, settlement, market)
    out = case.solve()
    value, delta, gamma, theta, error = out
    accrued, ratio = case.lines.accrued[case.contract], case.lines.ratio[case.contract]
    floor = _bond_floor(case)
    floor[np.isnan(value)] = np.nan
    parity = ratio * case.columns[col.STOCK]
    with np.errstate(divide="ignore", invalid="ignore"):
        result = ConvertibleValue(
            dirty_price=value,
            clean_price=value - accrued,
            bond_floor=floor,
            parity=np.where(np.isnan(value), np.nan, parity),
            conversion_premium=(value - accrued) / parity - 1,
            investment_premium=value / floor - 1,
            years_to_break_even=_years_to_break_even(terms, case, value - accrued - parity),
            delta=delta,
            gamma=gamma,
            theta=theta / 365,
            error_estimate=error,
        )
    wrapped: ConvertibleValue = case.layout.shape.rewrap(result)
    return wrapped


def _bond_floor(case: Case) -> FloatArray:
    """Give what the note is worth without options: in closed form, or where the hazard moves with the stock, solved."""
    columns, floor = case.columns, np.empty(case.contract.size)
    if _pays_a_put_at_maturity(case.source.terms):
        lines, contract = replace(case.source, terms=replace(case.source.terms, puts=())).lay_out(
            columns[col.R_VOLATILITY]
        )
        case = replace(case, lines=lines, contract=contract)
    floor_rows(
        case.lines.offsets, case.lines.table.reshape(-1), np.array([float(case.model)]), case.contract,
        columns[col.R_RATE], columns[col.R_CREDIT], columns[col.RECOVERY], floor,
    )  # fmt: skip
    moved = np.flatnonzero(columns[col.ELASTICITY] != 0)
    if moved.size:
        table = case.lines.table.copy()
        table[:, [col.RATIO, col.DAY_RATIO, col.OPEN, col.CALL, col.PUT, col.DAY_OPEN]] = 0.0
        table[:, [col.NOTICE, col.BY_NOTICE, col.DAY_NOTICE]] = 0.0
        table[:, col.DAY_CALL] = np.nan
        last = np.zeros(len(table), dtype=bool)
        last[case.lines.offsets[1:] - 1] = True
        table[~last, col.DAY_PUT] = np.nan
        lines, own = replace(case.lines, table=table), [column[moved] for column in columns]
        floor[moved] = replace(case, lines=lines, contract=case.contract[moved], columns=own).solve()[0]
    return floor


def _pays_a_put_at_maturity(terms: Convertible) -> bool:
    """Say whether a note may be put at maturity for more than it is redeemed at, which is no part of its floor."""
    repaid, maturity = terms.redemption / terms.redemption_price_fraction, terms.periods.notes.maturity
    return any(
        ((window.clean_price > repaid) & (True if window.end is None else window.end >= maturity)).any()
        for window in terms.puts
    )


def _years_to_break_even(terms: Convertible, case: Case, premium: FloatArray) -> FloatArray:
    """Give the years in which the income that the note has over its shares pays for its premium over them."""
    row, dividends = case.layout.row, _dividends_of_a_year(case)
    coupon = 100 * terms.periods.notes.annual_rate[case.layout.note][row]
    paid = case.layout.numbers.get("dividend_yield", 0.0) * case.columns[col.STOCK] + dividends[case.contract]
    advantage = coupon - case.lines.ratio[case.contract] * paid
    with np.errstate(divide="ignore", invalid="ignore"):
        years = np.where(advantage > 0, premium / advantage, np.inf)
        return np.where(np.isnan(premium + advantage), np.nan, np.where(premium > 0, years, 0.0))


def _dividends_of_a_year(case: Case) -> FloatArray:
    """Give the cash dividends of the next 365 days of each pair, by the year if its life is shorter."""
    lines = case.lines
    segments = np.diff(lines.offsets)
    if not case.source.dividends.dates.size:
        return np.zeros(segments.size)
    # Whole days: so no pair's sum depends on those before it.
    pair = np.repeat(np.arange(segments.size), segments)
    days = np.append(0, np.cumsum(np.rint(lines.table[:, col.LENGTH] * 365).astype(np.int64)))
    cash = np.where(days[1:] - days[lines.offsets[pair]] <= 365, lines.table[:, col.DIVIDEND], 0.0)
    life = days[lines.offsets[1:]] - days[lines.offsets[:-1]]
    # A settlement that is missing has no segment, and no life.
    spans = np.where(life > 0, np.minimum(life, 365) / 365, 1.0)
    return np.asarray(np.bincount(pair, weights=cash, minlength=segments.size) / spans)


def convertible_greeks(
    terms: Convertible, settlement: Dates | pd.Series[Any], **market: Unpack[Market]
) -> ConvertibleGreeks:
    """First-order sensitivities of convertible notes, and gamma.

    Delta, gamma and theta are read off the grid; the others are differences of two values on one grid. Theta is the
    change by a day of time alone: what is paid or falls due tomorrow is no part of it. Where the note is exercised at
    once it is what accrues on what it is paid, as a mean until the next day of note.

    Parameters
    ----------
    terms, settlement, **market
        As for `convertible_value`. Sensitivities to a term structure are to a shift of all of it. Where a call counts
        days, vega moves the trigger that stands for them, too.

    Returns
    -------
    ConvertibleGreeks
        Each of the kind that came in.

    Raises
    ------
    TermError
        As `convertible_value`.

    Notes
    -----
    Worst errors at ``standard`` next to edges, at a volatility of 35%, against differences of values at ``reference``:
    next to a call's or a put's in a window, hedge ratio 3e-4, vega 1e-3, rho and credit 3e-5, theta 5e-4, gamma next
    to a call's 2%. Next to that of early conversion three months before a coupon that it forfeits, whose place is known
    to 1e-2, hedge ratio 6e-3, vega 1.5e-2, rho 1e-4, credit 2e-4, theta 2e-2. On the day before an event the stock
    moves by less than a cell of the grid, and what the event makes of the value is a kink yet. Before a call's window
    opens or ends grids are finer, and the hedge ratio is within 1e-3; before other events it was off by up to
    4e-2, vega by 2e-2, theta by 5e-2, rho and credit by 1e-3 and recovery by 5e-3, from the Greeks at ``reference``.

    Examples
    --------
    >>> from notecalc.core.convertible.terms import ConversionWindow
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2,
    ...               day_count="30/360")
    >>> terms = Convertible(periods=resolve(notes), conversions=[ConversionWindow(conversion_price=1.85)],
    ...                     accrued_on_conversion="forfeited")
    >>> greeks = convertible_greeks(terms, "2004-06-18", stock_price=1.5, volatility=0.6, risk_free=0.03,
    ...                             model="ayache-forsyth-vetzal", hazard_rate=0.08, recovery_rate=0.4, stock_drop=1)
    >>> 0.5 < greeks.hedge_ratio < 1, greeks.vega > 0, greeks.recovery > 0
    (True, True, True)
    """
    case = Case.of(terms, settlement, market)
    value, delta, gamma, theta, _ = case.solve()
    moved = {
        name: (case.moved(column, by).solve()[0] - value) / by
        for name, column, by in (
            ("vega", col.R_VOLATILITY, 1e-4),
            ("rho", col.R_RATE, 1e-5),
            ("credit", col.R_CREDIT, 1e-5),
        )
    }
    recovery = np.where(np.isnan(value), np.nan, 0.0)
    if case.model == col.AYACHE_FORSYTH_VETZAL:
        by = np.where(case.columns[col.RECOVERY] < 0.5, 1e-4, -1e-4)
        recovery = (case.moved(col.RECOVERY, by).solve()[0] - value) / by
    result = ConvertibleGreeks(
        delta=delta,
        hedge_ratio=delta / case.lines.ratio[case.contract],
        gamma=gamma,
        vega=moved["vega"] * 1e-2,
        theta=theta / 365,
        rho=moved["rho"] * 1e-4,
        credit=moved["credit"] * 1e-4,
        recovery=recovery * 1e-2,
    )
    wrapped: ConvertibleGreeks = case.layout.shape.rewrap(result)
    return wrapped
