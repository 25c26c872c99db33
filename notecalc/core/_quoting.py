"""What prices, yields and risk have in common: notes at a settlement, discounted by a named convention."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Unpack, cast

import numpy as np
import pandas as pd

from notecalc.core._compounding import per_year, simple_first
from notecalc.core._coupons import Coupons, RemainingFlows
from notecalc.core._discounting import compiled, measure, solve_yield
from notecalc.core._layout import Layout
from notecalc.core._roots import MISSING, count_rates
from notecalc.core._signatures import AtYield, FlowTerms
from notecalc.core.arrays import FINITE, BoolArray, Dates, FloatArray, IntArray, Numbers, Rule, Shape, forbid
from notecalc.core.notes import Periods
from notecalc.errors import TermError

__all__ = ["Measures", "Quoted", "at_yield", "measured", "quote", "solved"]


_LESS_THAN_A_DAY = 1e-4  # years
_BLOCK = 16_384  # rows whose flows fit into a processor's cache


class Measures(NamedTuple):
    """What a yield makes of flows."""

    worth: FloatArray
    """Dirty price [per 100]."""
    accrued: FloatArray
    """Accrued interest in it [per 100]."""
    weighted: FloatArray
    """Worth of each flow times its years, summed."""
    slope: FloatArray
    """First derivative of the worth by the yield, with its sign changed."""
    bend: FloatArray
    """Second derivative."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """Flows of each row, how their yield is compounded and where not, the row of each output, and its numbers."""

    flows: RemainingFlows
    compoundings: FloatArray
    simple: BoolArray
    row: IntArray
    numbers: Mapping[str, FloatArray]

    def measure(self) -> Measures:
        """Give the measures at each yield."""
        return measured(self.flows, self.compoundings, self.simple, self.row, self.numbers["annual_yield"])

    def solve(self, clean_price: FloatArray) -> FloatArray:
        """Give the yield at each clean price."""
        return solved(self.flows, self.compoundings, self.simple, self.row, clean_price + self.flows.accrued[self.row])


def at_yield(formula: Callable[[Measures], FloatArray]) -> AtYield:
    """Make a function of notes at a yield from a formula in what the yield makes of their flows."""

    def function(
        periods: Periods,
        settlement: Dates | pd.Series[Any],
        annual_yield: Numbers | pd.Series[Any],
        *,
        compounding: str,
        simple_interest: str,
        **flow_terms: Unpack[FlowTerms],
    ) -> Any:
        numbers = {"annual_yield": (annual_yield, FINITE)}
        conventions = compounding, simple_interest
        return quote(periods, settlement, numbers, conventions, flow_terms, lambda quoted: formula(quoted.measure()))

    function.__name__, function.__qualname__ = formula.__name__, formula.__qualname__
    function.__module__, function.__doc__ = formula.__module__, formula.__doc__
    return cast(AtYield, function)


def quote(
    periods: Periods,
    settlement: Any,
    numbers: Mapping[str, tuple[Any, Rule]],
    conventions: tuple[str, str],
    terms: Mapping[str, Any],
    compute: Callable[[Quoted], FloatArray],
) -> Any:
    """Broadcast arguments, compute on their flows, and give the outputs the kind and shape that came in.

    Parameters
    ----------
    periods : Periods
        The periods of n notes.
    settlement, numbers
        As for `Layout.of`.
    conventions : (str, str)
        Compounding, and where interest is simple.
    terms : mapping
        `FlowTerms`.
    compute : callable
        Gives an output for each that is asked of it. Long columns come in blocks.
    """
    compounding, simple_interest = conventions
    beside = {"redemption": terms["redemption"]} if "redemption" in terms else {}
    Shape.of({"settlement": settlement, **{name: value for name, (value, _) in numbers.items()}, **beside})
    layout, coupons = Layout.of(periods, settlement, numbers), Coupons.of(periods, **terms)
    out = np.empty(layout.row.size)

    def fill(rows: slice, row: IntArray, outputs: slice) -> None:
        note = layout.note[rows]
        flows = coupons.ahead_of(note, layout.settlement[rows])
        given = {name: values[outputs] for name, values in layout.numbers.items()}
        frequency = periods.notes.frequency[note]
        compoundings = per_year(compounding, frequency)
        simple = simple_first(simple_interest, frequency, compoundings, flows.counts, flows.wait)
        out[outputs] = compute(Quoted(flows, compoundings, simple, row, given))

    size = layout.note.size
    if size <= _BLOCK or layout.row.size != size:
        fill(slice(None), layout.row, slice(None))
        return layout.shape.rewrap(out)
    bounds = np.linspace(0, size, -(-size // _BLOCK) + 1).astype(np.int64).tolist()  # of like sizes: none too short
    for begin, end in itertools.pairwise(bounds):
        rows = slice(begin, end)
        try:
            fill(rows, layout.row[: end - begin], rows)
        except TermError as error:
            row = begin + (error.row or 0)
            bad = None if error.rows is None else [begin + place for place in error.rows]
            raise TermError(error.name, rule=error.rule, got=error.got, row=row, hint=error.hint, rows=bad) from None
    return layout.shape.rewrap(out)


def measured(
    flows: RemainingFlows, compoundings: FloatArray, simple: BoolArray, row: IntArray, annual_yield: FloatArray
) -> Measures:
    """Give the measures at each yield.

    Raises
    ------
    TermError
        A yield at which an investment is more than lost.
    """
    worth, weighted, slope, bend = np.empty((4, row.size))
    with np.errstate(all="ignore"):  # of the loop in Python: compiled, it says nothing
        compiled(measure, _work(flows, row))(
            flows.offsets, flows.amount, flows.gap, flows.even, compoundings, simple, row, annual_yield,
            worth, weighted, slope, bend,
        )  # fmt: skip
    accrued = flows.accrued[row]
    bad = np.isnan(worth) & np.isfinite(annual_yield) & ~np.isnan(accrued)
    if bad.any():
        bad &= ~np.isnan(np.add.reduceat(flows.amount, flows.offsets[:-1]))[row]
    rule_words = "above minus the compoundings per year, and no total loss at simple interest"
    forbid("annual_yield", annual_yield, bad, rule_words)
    return Measures(worth, accrued, weighted, slope, bend)


def solved(
    flows: RemainingFlows, compoundings: FloatArray, simple: BoolArray, row: IntArray, dirty: FloatArray
) -> FloatArray:
    """Give the yield at each dirty price.

    Raises
    ------
    TermError
        A dirty price that isn't above 0, or that no yield or more than one gives; no day to maturity.
    """
    bad = ~(dirty > 0) & ~np.isnan(dirty)
    if bad.any():
        hint = f"The dirty price is {dirty[np.argmax(bad)]:g}"
        forbid("clean_price", dirty - flows.accrued[row], bad, "such that the dirty price is above 0", hint)
    # In months of 30 days there may be none to a last flow, which then has one price and any yield.
    none = ((flows.counts == 1) & (flows.wait < _LESS_THAN_A_DAY))[row]
    forbid("settlement", flows.settlement[row], none, "a day from which the note counts days to maturity")
    out = np.empty(row.size)
    with np.errstate(all="ignore"):  # as above
        compiled(solve_yield, _work(flows, row))(
            flows.offsets, flows.amount, flows.gap, flows.even, compoundings, simple, row, dirty, out
        )
    left = np.flatnonzero(~np.isfinite(out) & ~np.isnan(dirty))
    if left.size:
        out[left] = _by_counting(flows, compoundings, simple, row[left], dirty[left], left)
    return out


def _work(flows: RemainingFlows, row: IntArray) -> int:
    """Flows that a kernel will read, about."""
    return row.size * flows.amount.size // max(len(flows), 1)


def _by_counting(
    flows: RemainingFlows,
    compoundings: FloatArray,
    simple: BoolArray,
    row: IntArray,
    dirty: FloatArray,
    place: IntArray,
) -> FloatArray:
    """Solve rows that have flows below 0, if exactly one yield does; NaN where a flow is missing."""
    counts = np.diff(flows.offsets)[row]
    ends = np.concatenate([[0], np.cumsum(counts + 1)])
    years, amount = np.zeros(ends[-1]), np.empty(ends[-1])
    time = flows.time
    for i, r in enumerate(row.tolist()):
        own = slice(flows.offsets[r], flows.offsets[r + 1])
        years[ends[i] + 1 : ends[i + 1]] = time[own]
        amount[ends[i]] = -dirty[i]
        amount[ends[i] + 1 : ends[i + 1]] = flows.amount[own]
    out = np.empty(2 * row.size)
    compiled(count_rates, amount.size)(ends, years, amount, out)
    force, roots, m = out[: row.size], out[row.size :], compoundings[row]
    never = (m < 0) | simple[row]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        annual_yield: FloatArray = np.where(m == 0, force, m * np.expm1(force / m))
    bad = (never | (roots != 1) | ~np.isfinite(annual_yield)) & (roots != MISSING)
    if bad.any():
        at = int(np.argmax(bad))
        found = f"{0 if never[at] or roots[at] == 1 else int(roots[at])} within a float's range"
        if never[at] and (amount[ends[at] + 1 : ends[at + 1]] < 0).any():
            found = "flows below 0 at simple interest"
        raise TermError(
            "clean_price",
            rule="a price that exactly one yield gives",
            got=found,
            row=int(place[at]) if place[at] or place.size > 1 else None,
            rows=place[bad].tolist(),
        )
    return annual_yield
