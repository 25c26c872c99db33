"""When notes are converted, put and called on paths: by a rule, or at the stock prices at which a model has it done.

The model is that of Ayache, Forsyth and Vetzal, and its measure the risk-neutral one, whatever drift paths have. What a
boundary depends on is computed once for each market that scenarios differ by, never by path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from notecalc.batch.results.elections import Holder, Issuer
from notecalc.batch.results.paths import Decisions, Observations
from notecalc.batch.results.rights import Prices, Rights, Window
from notecalc.core.arrays import BoolArray, DateArray, FloatArray, IntArray
from notecalc.core.convertible.outcomes import exercise_boundary
from notecalc.core.convertible.terms import Convertible
from notecalc.errors import TermError

__all__ = ["MODEL", "Boundaries", "Contract", "decisions_of", "solve"]

MODEL = "ayache-forsyth-vetzal"
_NEAR = 1e-9  # [yr]: two times this near are one
_KINDS = ("conversion", "call", "put")

Contract: TypeAlias = Callable[[bool, Any], Convertible]
"""The note with its reset or without, at the deal's conversion price or at one of each row's own."""


@dataclass(frozen=True)
class Boundaries:
    """Stock prices from which notes are converted and called for cash, and below which they are put; NaN where none.

    Parameters
    ----------
    tables : mapping
        By kind, shape (markets, observations).
    place : int64 array
        The market of each scenario.
    """

    tables: Mapping[str, FloatArray]
    place: IntArray

    @classmethod
    def none(cls, size: int) -> Boundaries:
        """Give none, where all is done by rules."""
        return cls({}, np.zeros(size, dtype=np.int64))

    def of(self, rows: IntArray) -> Boundaries:
        """Give those of some scenarios."""
        return Boundaries(self.tables, self.place[rows])

    def at(self, kind: str, step: int, rows: IntArray) -> FloatArray:
        """Give one at an observation."""
        prices: FloatArray = self.tables[kind][self.place[rows], step]
        return prices


def solve(
    contract: Contract,
    seen: Observations,
    settlement: np.datetime64,
    changes: tuple[DateArray, DateArray],
    varied: Mapping[str, FloatArray],
    fixed: Mapping[str, Any],
    reset: BoolArray,
) -> Boundaries:
    """Compute boundaries for each market that scenarios differ by.

    Parameters
    ----------
    contract : Contract
        The note.
    seen : Observations
        At which boundaries are wanted; between the model's times they run in a line.
    settlement : datetime64[D]
        First day of the paths.
    changes : pair of datetime64[D] arrays
        Days from which the conversion price is another, and ex-dates of cash dividends: what is decided on the eve of
        the former, and on the latter, is decided at the last moment before.
    varied, fixed : mappings
        Data by the names of `exercise_boundary` and ``conversion_price``: of each scenario, and of all.
    reset : bool array, shape (scenarios,)
        Whether the conversion price is reset.
    """
    keys = np.stack([*varied.values(), reset.astype(np.float64)], axis=1)
    _, first, place = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    place = place.reshape(-1)
    eves = np.isin(seen.days + 1, changes[0])
    times = np.where(eves, (seen.days + 1 - settlement).astype(np.float64) / 365, seen.years)
    before = eves | np.isin(seen.days, changes[1])
    tables = {kind: np.full((first.size, times.size), np.nan) for kind in _KINDS}
    for with_reset in np.unique(reset):
        own = np.flatnonzero(reset[first] == with_reset)
        data = {name: values[first[own]] for name, values in varied.items()}
        prices = data.pop("conversion_price", None)
        try:
            points = exercise_boundary(
                contract(bool(with_reset), prices), np.full(own.size, settlement), model=MODEL, **{**fixed, **data}
            )
        except TermError as error:
            told = error.rows or ([] if error.row is None else [error.row])
            rows = np.flatnonzero(np.isin(place, own[list(told)])).tolist()
            raise TermError(error.name, rule=error.rule, got=error.got, rows=rows or None) from error
        for kind in _KINDS:
            some = points.kind == kind
            ends = np.searchsorted(points.row[some], np.arange(own.size + 1))
            for k, market in enumerate(own):
                part = slice(ends[k], ends[k + 1])
                if ends[k + 1] > ends[k]:
                    years, levels = points.years[some][part], points.stock_price[some][part]
                    tables[kind][market] = _at_times(years, levels, times, before)
    return Boundaries(tables, place)


def _at_times(years: FloatArray, prices: FloatArray, times: FloatArray, before: BoolArray) -> FloatArray:
    """Interpolate a boundary after what happens at each time, or before it; NaN where there is none."""
    last = np.searchsorted(years, times + _NEAR, side="right") - 1
    after = np.minimum(last + 1, years.size - 1)
    inside = np.maximum(last, 0)
    span = years[after] - years[inside]
    weight = np.where(span > 0, (times - years[inside]) / np.where(span > 0, span, 1.0), 0.0)
    weight = np.where(np.abs(times - years[inside]) < _NEAR, 0.0, np.clip(weight, 0.0, 1.0))
    found = np.where(weight == 0, prices[inside], prices[inside] + weight * (prices[after] - prices[inside]))
    found[(last < 0) | (times > years[-1] + _NEAR)] = np.nan
    earliest = np.minimum(np.searchsorted(years, times - _NEAR), years.size - 1)
    exact = before & (np.abs(years[earliest] - times) < _NEAR)
    return np.where(exact, prices[earliest], found)


def decisions_of(
    holder: Holder,
    issuer: Issuer,
    rights: Rights,
    prices: Prices,
    seen: Observations,
    boundaries: Boundaries,
    dividends: FloatArray | None,
    size: int,
) -> Decisions:
    """Say what holder and issuer do at each observation, for so many scenarios."""
    who = _Decider(rights, prices, seen, boundaries)
    calls = _Caller(who, issuer, size) if rights.calls and issuer.rule != "never" else None
    return Decisions(
        who.conversion(holder),
        who.put(holder) if rights.puts and holder.put != "never" else None,
        calls,
        None if calls is None else rights.redeemed,
        dividends,
    )


@dataclass(frozen=True)
class _Decider:
    """Who knows the day's prices."""

    rights: Rights
    prices: Prices
    seen: Observations
    boundaries: Boundaries

    def conversion_price(self, step: int, rows: IntArray) -> FloatArray:
        return self.prices.at(self.seen.days[step], self.rights.conversion_price[step], rows)

    def boundary(self, kind: str, step: int, rows: IntArray, missing: float) -> FloatArray:
        found = self.boundaries.at(kind, step, rows)
        return np.where(np.isnan(found), missing, found)

    def conversion(self, holder: Holder) -> Callable[[int, IntArray], FloatArray]:
        """Give stock prices from which the holder converts."""
        last, matures = self.rights.last, self.rights.matures

        def threshold(step: int, rows: IntArray) -> FloatArray:
            if step == last and (matures or holder.rule != "optimal"):
                return self.conversion_price(step, rows)
            if not self.rights.converts[step] or holder.rule == "at-maturity":
                return np.full(rows.size, np.inf)
            if holder.trigger is not None:
                return self.conversion_price(step, rows) * holder.trigger
            return self.boundary("conversion", step, rows, np.inf)

        return threshold

    def put(self, holder: Holder) -> Callable[[int, IntArray], FloatArray]:
        """Give stock prices below which the holder puts."""

        def threshold(step: int, rows: IntArray) -> FloatArray:
            if self.rights.put_at(step) is None:
                return np.zeros(rows.size)
            if holder.put_below is not None:
                return self.conversion_price(step, rows) * holder.put_below
            return self.boundary("put", step, rows, 0.0)

        return threshold


_Count: TypeAlias = tuple[float, int, int]


def _count_of(call: Window) -> _Count:
    """Give what a call counts: a trigger, the days on which it must be met, and of how many."""
    return call.trigger, call.needed, call.of


class _Caller:
    """The issuer, who counts the days on which triggers are met."""

    def __init__(self, who: _Decider, issuer: Issuer, size: int) -> None:
        self._who, self._issuer = who, issuer
        counted = {_count_of(call) for call in who.rights.calls if call.needed}
        self._met = {each: np.zeros(size, dtype=np.uint64) for each in counted}
        self._from = {each: self._first(each) for each in counted}

    def _first(self, counted: _Count) -> int:
        """Give the first observation that a call which counts days looks back on."""
        rights, seen = self._who.rights, self._who.seen
        own = [call.live for call in rights.calls if _count_of(call) == counted]
        opening = min(int(np.argmax(live)) for live in own)
        trading = np.flatnonzero(seen.counts[: opening + 1])
        return int(trading[-counted[2] :][0]) if trading.size else opening

    def __call__(self, step: int, rows: IntArray, seen: FloatArray) -> BoolArray | None:
        who, issuer = self._who, self._issuer
        for each, met in self._met.items():
            if who.seen.counts[step] and step >= self._from[each]:
                above = seen >= each[0] * who.conversion_price(step, rows)
                mask = np.uint64((1 << each[2]) - 1)
                met[rows] = ((met[rows] << np.uint64(1)) | above.astype(np.uint64)) & mask
        call = who.rights.call_at(step)
        if call is None:
            return None
        price = who.conversion_price(step, rows)
        if call.needed:
            allowed = np.bitwise_count(self._met[_count_of(call)][rows]) >= call.needed
        else:
            allowed = seen >= call.trigger * price
        if issuer.rule == "parity":
            allowed &= 100 * seen / price >= (issuer.parity or 0.0) * call.clean
        if issuer.rule == "optimal":
            cash = who.boundary("call", step, rows, np.inf)
            allowed &= (seen >= cash) | (100 * seen / price >= who.rights.worth_of_shares(call, step))
        called: BoolArray = allowed
        return called
