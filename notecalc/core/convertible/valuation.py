"""The value of convertible notes and what it depends on, on arrays: the public side of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, NotRequired, TypeAlias, TypedDict, Unpack

import numpy as np
import pandas as pd

from notecalc.core._coupon_years import counting
from notecalc.core._coupons import find_each
from notecalc.core._layout import Layout
from notecalc.core.arrays import (
    FINITE,
    NON_NEGATIVE,
    POSITIVE,
    RATE,
    Dates,
    FloatArray,
    IntArray,
    Numbers,
    Rule,
    as_dates,
    as_numbers,
)
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._engine import value_rows
from notecalc.core.convertible._fast import GRIDS, value_where_fast
from notecalc.core.convertible._floor import floor_rows
from notecalc.core.convertible._timeline import Timelines, build_timelines
from notecalc.core.convertible.terms import Convertible, Steps
from notecalc.core.curves import Curve
from notecalc.core.words import known_word
from notecalc.errors import TermError

__all__ = [
    "ACCURACIES",
    "MODELS",
    "ConvertibleGreeks",
    "ConvertibleValue",
    "Market",
    "convertible_greeks",
    "convertible_value",
]

MODELS = ("tsiveriotis-fernandes", "ayache-forsyth-vetzal", "goldman-sachs")

# Grids (each halves the steps of the one before), nodes and steps of the coarsest, standard deviations to each side.
ACCURACIES = {"fast": (2, 64, 20, 4.5), "standard": (2, 128, 40, 5.0), "reference": (3, 320, 96, 6.5)}

Rates: TypeAlias = "Numbers | pd.Series[Any] | Steps"

_VOLATILITY = Rule(
    "a decimal above 0 and up to 10",
    lambda x: (x > 0) & (x <= 10),
    lambda x: f"Did you mean {x / 100:g}?" if x > 1 else None,
)
_SHARE = Rule(
    "a fraction from 0 to 1", lambda x: (x >= 0) & (x <= 1), lambda x: f"Did you mean {x / 100:g}?" if x > 1 else None
)
_CREDIT = Rule("a decimal from 0 to 10", lambda x: (x >= 0) & (x <= 10))


class Market(TypedDict):
    r"""What the value of a convertible depends on besides its terms; rates are continuous, by actual/365 fixed.

    Parameters
    ----------
    stock_price : numeric
        [currency/share].
    volatility : numeric or Steps
        Of the stock while its issuer is alive [1/yr^0.5], a decimal: 0.6 is sixty per cent. A tree after Hull keeps
        the total volatility of a stock that may jump to nothing; its :math:`\sigma` is
        :math:`\sqrt{\sigma^2 + \lambda}` of this one.
    risk_free : numeric or Curve
        Risk-free rate [1/yr].
    model : {"tsiveriotis-fernandes", "ayache-forsyth-vetzal", "goldman-sachs"}
        See `convertible_value`.
    credit_spread : numeric or Steps
        Spread of the issuer's debt over the risk-free rate [1/yr], for the first and the third model.
    hazard_rate : numeric or Steps
        Rate of default [1/yr], for the second.
    recovery_rate : numeric
        Fraction of the claim that is recovered on default, for the second.
    stock_drop : numeric
        Fraction that the stock loses on default, for the second: 1 is a total loss.
    hazard_elasticity : numeric
        The b of a hazard rate :math:`p (S / S_0)^{-b}`, S0 being the stock price given; 0 if left out.
    dividend_yield, borrow_cost : numeric
        What the stock pays, and what it costs to borrow [1/yr]; 0 if left out.
    dividend_dates, dividend_amounts : date-like, numeric
        Cash dividends [currency/share] by ex-date, alike for all rows. A dividend takes at most half the stock price.
    accuracy : {"fast", "standard", "reference"}
        How fine the grids are; ``standard`` if left out.
    """

    stock_price: Numbers | pd.Series[Any]
    volatility: Rates
    risk_free: Numbers | pd.Series[Any] | Curve
    model: str
    credit_spread: NotRequired[Rates]
    hazard_rate: NotRequired[Rates]
    recovery_rate: NotRequired[Numbers | pd.Series[Any]]
    stock_drop: NotRequired[Numbers | pd.Series[Any]]
    hazard_elasticity: NotRequired[Numbers | pd.Series[Any]]
    dividend_yield: NotRequired[Numbers | pd.Series[Any]]
    borrow_cost: NotRequired[Numbers | pd.Series[Any]]
    dividend_dates: NotRequired[Dates | pd.Series[Any]]
    dividend_amounts: NotRequired[Numbers | pd.Series[Any]]
    accuracy: NotRequired[str]


class ConvertibleValue(NamedTuple):
    """What a convertible is worth, and what it is made of; prices per 100 of principal."""

    dirty_price: Any
    """With accrued interest."""
    clean_price: Any
    bond_floor: Any
    """Coupons and principal alone, discounted at the rate and the credit given."""
    parity: Any
    """Shares on conversion at the stock price; NaN where conversion is closed."""
    conversion_premium: Any
    """Clean price over parity, less 1."""
    investment_premium: Any
    """Dirty price over bond floor, less 1."""
    delta: Any
    """Points per unit of stock price [per 100 per currency/share]."""
    gamma: Any
    """Its derivative."""
    theta: Any
    """Points per calendar day, no event being on it."""
    error_estimate: Any
    """Largest error of the dirty price to expect from the grid: what its extrapolation has changed."""


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
    r"""Value of convertible notes by finite differences.

    With :math:`\mathcal{L} V = \tfrac12 \sigma^2 S^2 V_{SS} + (r - q) S V_S`, q being dividend yield and borrow cost,
    the value between events obeys, by model,

    .. math::
        \text{tsiveriotis-fernandes:}\quad & V_t + \mathcal{L} V - r (V - B) - (r + s) B = 0, \quad
            B_t + \mathcal{L} B - (r + s) B = 0 \\
        \text{ayache-forsyth-vetzal:}\quad & V_t + \mathcal{L} V + p \eta S V_S - (r + p) V
            + p \max(k S (1 - \eta), R X) = 0 \\
        \text{goldman-sachs:}\quad & V_t + \mathcal{L} V - (r + s Q) V = 0, \quad Q_t + \mathcal{L} Q = 0

    within :math:`\max(kS, \text{put}) \le V \le \max(\text{call}, kS)`. B, the part of the value that is paid in cash
    by the issuer, is nothing where the note is converted or called, and the put price where it is put. Q, the chance
    that the note is not converted, is 0 where it is converted and unmoved by calls and puts, as in QuantLib's
    convertible engine, which solves this model under the first one's name. p is the hazard rate, :math:`\eta` the
    stock's drop on default, X the claim and R its recovery.

    Parameters
    ----------
    terms : Convertible
        The terms of n notes.
    settlement : date-like
        One day, or one for each note; with one note, any shape. A coupon of that day is the seller's; an option of
        that day alone has been left unused.
    **market
        `Market`.

    Returns
    -------
    ConvertibleValue
        Each of the kind that came in.

    Raises
    ------
    TermError
        A number that cannot be, a model that lacks its numbers or is given those of another, a settlement before
        issue or not before maturity.

    Notes
    -----
    Settlement is the day of valuation. Money is discounted from payment dates.

    Errors measured on 300 random notes of three years (stock 0.43 to 1.9 of the conversion price, volatility 20 to
    90%, credit 2 to 15%; ``benchmarks/bench_convertible.py``), root mean square per 100 at ``fast`` and ``standard``:
    the second model under a soft call and a put 1e-3 and 7e-5, the first 3e-3 and 1e-3, either with a dividend yield
    of 6% 1e-2 and 1e-3; the worst of them is three to fifteen times that. At ``reference`` 4e-7, 2e-6 and 1e-4, on 40
    of them against a grid half as fine again. `error_estimate` covers the error in four rows of five or more.

    In the first and the third model a note that is converted bears no spread, so that conversion feeds on itself.
    Where a spread above 20% meets a volatility under 20%, or a spread above 30% any, no grid settles it for some notes:
    about one in thirty is off by more than 0.05 there, some by points, and `error_estimate` may not say so.

    References
    ----------
    K. Tsiveriotis and C. Fernandes, Valuing convertible bonds with credit risk, J. Fixed Income 8 (1998).
    E. Ayache, P. Forsyth and K. Vetzal, The valuation of convertible bonds with credit risk, J. Derivatives 11 (2003).
    Goldman Sachs, Valuing convertible bonds as derivatives, Quantitative Strategies Research Notes (1994).

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
    out = case.solve(case.columns)
    value, delta, gamma, theta, error = out
    accrued, ratio = case.lines.accrued[case.contract], case.lines.ratio[case.contract]
    floor = np.empty(value.size)
    model = np.array([float(case.model)])
    columns = case.columns
    floor_rows(
        case.lines.offsets, case.lines.table.reshape(-1), model, case.contract, columns[col.R_RATE],
        columns[col.R_CREDIT], columns[col.RECOVERY], floor,
    )  # fmt: skip
    floor[np.isnan(value)] = np.nan
    parity = ratio * columns[col.STOCK]
    with np.errstate(divide="ignore", invalid="ignore"):
        result = ConvertibleValue(
            dirty_price=value,
            clean_price=value - accrued,
            bond_floor=floor,
            parity=np.where(np.isnan(value), np.nan, parity),
            conversion_premium=(value - accrued) / parity - 1,
            investment_premium=value / floor - 1,
            delta=delta,
            gamma=gamma,
            theta=theta / 365,
            error_estimate=error,
        )
    wrapped: ConvertibleValue = case.layout.shape.rewrap(result)
    return wrapped


def convertible_greeks(
    terms: Convertible, settlement: Dates | pd.Series[Any], **market: Unpack[Market]
) -> ConvertibleGreeks:
    """First-order sensitivities of convertible notes, and gamma.

    Delta, gamma and theta are read off the grid; the others are differences of two values on one grid.

    Parameters
    ----------
    terms, settlement, **market
        As for `convertible_value`. Sensitivities to a term structure are to a shift of all of it.

    Returns
    -------
    ConvertibleGreeks
        Each of the kind that came in.

    Raises
    ------
    TermError
        As `convertible_value`.

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
    value, delta, gamma, theta, _ = case.solve(case.columns)
    moved = {
        name: (case.solve(*case.moved(column, by))[0] - value) / by
        for name, column, by in (
            ("vega", col.R_VOLATILITY, 1e-4),
            ("rho", col.R_RATE, 1e-5),
            ("credit", col.R_CREDIT, 1e-5),
        )
    }
    recovery = np.where(np.isnan(value), np.nan, 0.0)
    if case.model == col.AYACHE_FORSYTH_VETZAL:
        by = np.where(case.columns[col.RECOVERY] < 0.5, 1e-4, -1e-4)
        recovery = (case.solve(*case.moved(col.RECOVERY, by))[0] - value) / by
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


@dataclass(frozen=True, slots=True)
class Case:
    """Arguments as read: rows, segments, and the numbers of each row in the kernel's order."""

    layout: Layout
    lines: Timelines
    contract: IntArray
    columns: list[FloatArray]
    model: int
    accuracy: str

    @classmethod
    def of(
        cls,
        terms: Convertible,
        settlement: Any,
        market: Mapping[str, Any],
        more: Mapping[str, tuple[Any, Rule]] | None = None,
    ) -> Case:
        """Read the arguments of a function; `more` are numbers of its own."""
        given = dict(market)
        unknown = set(given) - set(Market.__annotations__)
        if unknown:
            name = min(unknown)
            raise TypeError(f"convertible_value() got an unexpected keyword argument {name!r}")
        for name in ("stock_price", "volatility", "risk_free", "model"):
            if name not in given:
                raise TypeError(f"convertible_value() missing a required keyword argument: {name!r}")
        model = known_word("model", given.pop("model"), MODELS)
        accuracy = known_word("accuracy", given.pop("accuracy", "standard"), tuple(ACCURACIES))
        dividends = _dividends(given.pop("dividend_dates", None), given.pop("dividend_amounts", None))
        credit = _credit_name(model, given)
        fields = {
            "stock_price": (col.STOCK, POSITIVE),
            "volatility": (col.R_VOLATILITY, _VOLATILITY),
            "risk_free": (col.R_RATE, RATE),
            credit: (col.R_CREDIT, _CREDIT),
            "recovery_rate": (col.RECOVERY, _SHARE),
            "stock_drop": (col.DROP, _SHARE),
            "hazard_elasticity": (col.ELASTICITY, FINITE),
            "dividend_yield": (col.R_CARRY, RATE),
            "borrow_cost": (col.R_CARRY, RATE),
        }
        in_segment = {"volatility": col.VOLATILITY, "risk_free": col.RATE, credit: col.CREDIT}
        curves: dict[int, Curve | Steps] = {}
        numbers: dict[str, tuple[Any, Rule]] = dict(more or {})
        for name, value in given.items():
            if name in in_segment and isinstance(value, Curve if name == "risk_free" else Steps):
                if isinstance(value, Steps):
                    fields[name][1].check(name, value.values)
                curves[in_segment[name]] = value
            else:
                numbers[name] = (value, fields[name][1])
        layout = Layout.of(terms.periods, settlement, numbers)
        # Raises where a settlement lies outside its note's life.
        find_each(terms.periods, counting(terms.periods), layout.note, layout.settlement)
        pairs = np.rec.fromarrays([layout.note, layout.settlement.view(np.int64)])
        _, first, pair = np.unique(pairs, return_index=True, return_inverse=True)
        lines = build_timelines(terms, layout.note[first], layout.settlement[first], curves, dividends)
        size = layout.row.size
        columns = [np.zeros(size) for _ in range(col.MARKET)]
        for name, (column, _) in fields.items():
            if name in layout.numbers:
                columns[column] = columns[column] + layout.numbers[name]
        columns[col.REFERENCE] = columns[col.STOCK]
        contract = np.ascontiguousarray(pair.reshape(-1)[layout.row])
        return cls(layout, lines, contract, columns, MODELS.index(model), accuracy)

    def solve(self, columns: list[FloatArray], table: FloatArray | None = None) -> list[FloatArray]:
        """Give value, delta, gamma, theta per year and the estimate of the error.

        Rows with constant coefficients are valued in vectors, unless the finest grids are asked for.
        """
        out = [np.empty(self.contract.size) for _ in range(5)]
        flat = (self.lines.table if table is None else table).reshape(-1)
        rows: IntArray | slice = slice(None)
        if self.model == col.AYACHE_FORSYTH_VETZAL and self.accuracy in GRIDS:
            rows = value_where_fast(self.lines.offsets, flat, GRIDS[self.accuracy], self.contract, columns, out)
        contract = self.contract[rows]
        if contract.size:
            settings = np.array([*ACCURACIES[self.accuracy], self.model], dtype=np.float64)
            rest = [np.empty(contract.size) for _ in out]
            value_rows(self.lines.offsets, flat, settings, contract, *(column[rows] for column in columns), *rest)
            for part, found in zip(out, rest, strict=True):
                part[rows] = found
        return out

    def moved(self, column: int, by: Any) -> tuple[list[FloatArray], FloatArray]:
        """Give the numbers with one of them moved, in rows and in segments."""
        columns = list(self.columns)
        columns[column] = columns[column] + by
        table = self.lines.table.copy()
        in_segment = {col.R_VOLATILITY: col.VOLATILITY, col.R_RATE: col.RATE, col.R_CREDIT: col.CREDIT}
        if column in in_segment:
            table[:, in_segment[column]] += by
        return columns, table


def _credit_name(model: str, given: Mapping[str, Any]) -> str:
    """Give the argument that holds a model's credit; what another model takes is refused, what is needed asked for."""
    by_hazard = model == MODELS[col.AYACHE_FORSYTH_VETZAL]
    own = ("hazard_rate", "recovery_rate", "stock_drop") if by_hazard else ("credit_spread",)
    others = ("credit_spread",) if by_hazard else ("hazard_rate", "recovery_rate", "stock_drop", "hazard_elasticity")
    for name in own:
        if given.get(name) is None:
            raise TermError(name, rule=f"given with model {model!r}", got=None)
    for name in others:
        if name in given:
            raise TermError(name, rule=f"left out with model {model!r}", got=given[name])
    return own[0]


def _dividends(dates: Any, amounts: Any) -> dict[str, Any]:
    if (dates is None) != (amounts is None):
        raise TermError("dividend_dates and dividend_amounts", rule="given together", got=(dates, amounts))
    if dates is None:
        return {"dates": np.empty(0, dtype="datetime64[D]"), "amounts": np.empty(0)}
    days, cash = (
        np.atleast_1d(as_dates(dates, "dividend_dates")),
        np.atleast_1d(as_numbers(amounts, "dividend_amounts")),
    )
    if days.shape != cash.shape or days.ndim != 1:
        raise TermError("dividend_dates and dividend_amounts", rule="of one length", got=(days.shape, cash.shape))
    NON_NEGATIVE.check("dividend_amounts", cash)
    if np.isnat(days).any() or np.isnan(cash).any():
        raise TermError("dividend_dates and dividend_amounts", rule="given", got="a missing one")
    return {"dates": days, "amounts": cash}
