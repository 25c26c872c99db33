"""What is computed of a tape: for each note a number, or rows of dates and money.

A note that can't be computed is missing in the result and a line of the report; nothing is dropped. Numbers come from
`core`, all notes in one call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core import prices as core_prices
from notecalc.core.accrual import accrued_on
from notecalc.core.arrays import IntArray, as_date, as_dates, as_numbers, forbid
from notecalc.core.convertible import valuation
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, Convertible, PutWindow
from notecalc.core.money import interest_cents, nearest_cents, read_cents, to_money
from notecalc.core.periods import Periods
from notecalc.core.schedule import SCHEDULE_COLUMNS, resolve
from notecalc.core.yields import yield_to_maturity
from notecalc.errors import IndexMismatchError, TermError
from notecalc.tape.reading import Tape, read_cells

__all__ = [
    "accrued",
    "cashflows",
    "convertible_greeks",
    "convertible_value",
    "payment_calendar",
    "prices",
    "schedule",
    "yields",
]

Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]
Compute: TypeAlias = Callable[[Periods, Arrays], Any]

_MONEY = ["interest", "principal", "total"]
_BLOCK = 32_768  # notes whose periods stay a small part of memory
_BLANKS = {"i": 0, "b": False, "M": pd.NaT}
_READERS: Mapping[str, Callable[[Any, str], npt.NDArray[Any]]] = {"date": as_dates, "number": as_numbers}


def schedule(tape: Tape) -> pd.DataFrame:
    """Coupon periods of every note, as `core.schedule.schedules` has them, with its label in place of its number."""

    def lay_out(periods: Periods, _: Arrays) -> pd.DataFrame:
        return periods.to_frame(SCHEDULE_COLUMNS)

    return _long(tape, _computed(tape, {}, lay_out))


def accrued(tape: Tape, on: Any) -> pd.Series[Any]:
    """Interest accrued and unpaid on a date [currency]."""

    def accrue(periods: Periods, given: Arrays) -> Any:
        return accrued_on(periods, given["on"])

    return _aligned(tape, _computed(tape, {"on": ("date", on)}, accrue), "accrued_interest")


def cashflows(tape: Tape, start: Any, end: Any) -> pd.DataFrame:
    """Payments of every note from a day on and before another, to the cent."""
    first, until = (None if day is None else as_date(day, name) for name, day in (("start", start), ("end", end)))
    if first is not None and until is not None and until < first:
        raise TermError("end", rule=f"on or after `start` ({first})", got=str(until))

    def pay(periods: Periods, _: Arrays) -> pd.DataFrame:
        wanted, last = np.ones(len(periods), dtype=np.bool_), np.zeros(len(periods), dtype=np.bool_)
        last[periods.offsets[1:] - 1] = True
        if first is not None:
            wanted &= periods.payment_date >= first
        if until is not None:
            wanted &= periods.payment_date < until
        some = periods.only(wanted)
        notes, note = some.notes, some.note
        outstanding = read_cents(notes.principal, "principal")[note]
        interest = interest_cents(outstanding, notes.annual_rate[note], some.numerator, some.denominator)
        principal = np.where(last[wanted], outstanding, 0)
        frame = some.to_frame(("payment_date",))
        frame["period"] = (np.arange(1, len(periods) + 1) - periods.offsets[periods.note])[wanted]
        for name, cents in zip(_MONEY, (interest, principal, interest + principal), strict=True):
            frame[name] = to_money(cents)
        return frame

    _check_cents(tape)
    return _long(tape, _computed(tape, {}, pay))


def payment_calendar(tape: Tape, start: Any, end: Any) -> pd.DataFrame:
    """Money by day, summed in cents; the notes with bad cells are one row, without a day and without amounts."""
    flows = cashflows(tape, start, end)
    bad = flows["payment_date"].isna()
    paid = flows.loc[~bad, ["payment_date", *_MONEY]]
    cents = paid.assign(payments=1, **{name: np.rint(paid[name] * 100).astype(np.int64) for name in _MONEY})
    days = cents.groupby("payment_date", sort=True)[["payments", *_MONEY]].sum()
    for name in _MONEY:
        days[name] = to_money(days[name].to_numpy())
    if not bad.any():
        return days
    nowhere = pd.Index(flows.loc[bad, "payment_date"].head(1), name="payment_date")
    unknown = pd.DataFrame({"payments": [int(bad.sum())], **dict.fromkeys(_MONEY, np.nan)}, index=nowhere)
    return pd.concat([days, unknown])


def prices(tape: Tape, annual_yield: Any, settlement: Any, **terms: Any) -> pd.Series[Any]:
    """Clean prices [per 100] at yields."""
    _check_coupons(tape, terms["compounding"])

    def price(periods: Periods, given: Arrays) -> Any:
        return core_prices.clean_price(periods, given["settlement"], given["annual_yield"], **terms)

    arguments = {"settlement": ("date", settlement), "annual_yield": ("number", annual_yield)}
    return _aligned(tape, _computed(tape, arguments, price), "clean_price")


def yields(tape: Tape, clean_price: Any, settlement: Any, **terms: Any) -> pd.Series[Any]:
    """Yields [1/yr] at clean prices."""
    _check_coupons(tape, terms["compounding"])

    def solve(periods: Periods, given: Arrays) -> Any:
        return yield_to_maturity(periods, given["settlement"], given["clean_price"], **terms)

    arguments = {"settlement": ("date", settlement), "clean_price": ("number", clean_price)}
    return _aligned(tape, _computed(tape, arguments, solve), "yield")


def convertible_value(tape: Tape, **arguments: Any) -> pd.DataFrame:
    """Every result of `convertible_value` on arrays, a column each."""
    return _valued(tape, valuation.convertible_value, **arguments)


def convertible_greeks(tape: Tape, **arguments: Any) -> pd.DataFrame:
    """Every result of `convertible_greeks` on arrays, a column each."""
    return _valued(tape, valuation.convertible_greeks, **arguments)


_OPTIONS = ("conversion_", "call_", "put_")


def _valued(
    tape: Tape,
    value: Callable[..., Any],
    *,
    settlement: Any,
    model: str,
    accrued_on_conversion: str,
    accuracy: str,
    numbers: Mapping[str, Any],
) -> pd.DataFrame:
    def compute(periods: Periods, given: Arrays) -> Any:
        market = {name: given[name] for name in numbers if not name.startswith(_OPTIONS)}
        terms = Convertible(periods=periods, accrued_on_conversion=accrued_on_conversion, **_options(periods, given))
        return value(terms, given["settlement"], model=model, accuracy=accuracy, **market)

    dates = ("_start", "_end", "_date")
    arguments = {name: ("date" if name.endswith(dates) else "number", part) for name, part in numbers.items()}
    computed = _computed(tape, {"settlement": ("date", settlement), **arguments}, compute)
    columns = {
        name: _aligned(tape, [(rows, getattr(made, name)) for rows, made in computed], name)
        for name in type(computed[0][1])._fields
    }
    return pd.DataFrame(columns)


def _options(periods: Periods, given: Arrays) -> dict[str, Any]:
    """Give the windows that columns state; a blank first or last day is the note's own."""
    notes = periods.notes

    def window(name: str) -> dict[str, Any]:
        ends = (("start", notes.issue_date), ("end", notes.maturity))
        stated = ((end, own, given.get(f"{name}_{end}")) for end, own in ends)
        return {end: np.where(np.isnat(days), own, days) for end, own, days in stated if days is not None}

    options: dict[str, Any] = {
        "conversions": [ConversionWindow(conversion_price=given["conversion_price"], **window("conversion"))]
    }
    if "call_price" in given:
        trigger = given.get("call_trigger", np.zeros(len(notes)))
        call = {"trigger": np.where(np.isnan(trigger), 0.0, trigger), **window("call")}
        options["calls"] = [CallWindow(clean_price=given["call_price"], **call)]
    if "put_price" in given or "put_date" in given:
        none = {"put_price": np.full(len(notes), np.nan), "put_date": np.full(len(notes), np.datetime64("NaT", "D"))}
        price, day = (given.get(name, none[name]) for name in none)
        forbid("put_date", day, np.isnat(day) & ~np.isnan(price), "given where there is a put_price")
        forbid("put_price", price, np.isnan(price) & ~np.isnat(day), "given where there is a put_date")
        options["puts"] = [PutWindow(start=day, end=day, clean_price=price)]
    return options


def _computed(tape: Tape, arguments: Mapping[str, tuple[str, Any]], compute: Compute) -> list[tuple[IntArray, Any]]:
    """Compute the good notes, block by block; where one can't be computed, half and half, until it is found.

    Parameters
    ----------
    tape : Tape
        Its problems grow by what is found here.
    arguments : mapping of str to (kind, value)
        Dates or numbers, one for all notes or one for each.
    compute : callable
        Takes periods and arguments of some notes.

    Returns
    -------
    list of (rows, result)
        Positions in the frame, and what was computed for them.
    """
    names: dict[str, Any] = dict(tape.columns)
    given = {}
    for name, (kind, value) in arguments.items():
        given[name], names[name] = _one_each(tape, name, kind, value)
    if "settlement" in given:
        _check_settlement(tape, given["settlement"], names["settlement"])

    def run(places: IntArray) -> Any:
        rows = tape.rows[places]
        return compute(resolve(tape.notes.take(places)), {name: values[rows] for name, values in given.items()})

    def blame(places: IntArray, error: TermError) -> None:
        rows = tape.rows[places]
        values = given[error.name][rows].tolist() if error.name in given else [error.got] * rows.size
        reason = (error.rule, error.hint if rows.size == 1 else None)
        tape.problems.add(rows, names.get(error.name, error.name), values, [reason] * rows.size)

    computed = []
    good = np.flatnonzero(~tape.problems.bad[tape.rows])
    pending = [good[begin : begin + _BLOCK] for begin in range(0, good.size, _BLOCK)][::-1]
    while pending:
        places = pending.pop()
        try:
            computed.append((tape.rows[places], run(places)))
        except TermError as error:
            if error.name in given and error.rows is not None:  # it says whose fault it is
                blame(places[error.rows], error)
                pending.append(np.delete(places, error.rows))
            elif places.size > 1:
                if error.row is None:  # not a note's fault
                    raise
                pending += np.array_split(places, 2)[::-1]
            else:
                try:  # of one note alone an error doesn't say whether it is the note's
                    run(np.repeat(places, 2))
                except TermError as own:
                    if own.row is None:
                        raise
                    blame(places, own)
    return computed or [(np.empty(0, dtype=np.int64), run(np.empty(0, dtype=np.int64)))]


def _check_cents(tape: Tape) -> None:
    """Take down principals that aren't in whole cents: on a tape all may be so."""
    try:
        nearest_cents(tape.notes.principal, "principal")
    except TermError as error:
        bad = np.array(error.rows)
        values = tape.notes.principal[bad].tolist()
        tape.problems.add(tape.rows[bad], tape.columns["principal"], values, [(error.rule, None)] * bad.size)


def _check_coupons(tape: Tape, compounding: str) -> None:
    """Take down notes without coupons where yields are compounded as often as coupons are paid."""
    bad = np.flatnonzero((tape.notes.frequency == 0) & (compounding == "coupon"))
    if bad.size:
        rule = "above 0 where compounding is as often as coupons are paid"
        tape.problems.add(tape.rows[bad], tape.columns["frequency"], [0] * bad.size, [(rule, None)] * bad.size)


def _one_each(tape: Tape, name: str, kind: str, value: Any) -> tuple[npt.NDArray[Any], Any]:
    """Give an argument's value for each row of the frame, and what a report calls it."""
    labels, read = tape.problems.labels, _READERS[kind]
    if isinstance(value, pd.Series):
        if not value.index.equals(labels):
            raise IndexMismatchError(
                name,
                rule="a Series with the same index as the frame",
                got=value.index,
                hint="Use .reindex() to match by label, or .to_numpy() to match by position",
            )
        series = value
    else:
        if np.ndim(value) == 0:
            one = read(value, name)
            forbid(name, one, np.asarray(pd.isna(one)), "given")
            return np.broadcast_to(one, (len(labels),)), name
        if np.shape(value) != (len(labels),):
            raise TermError(name, rule=f"one value, or one for each of {len(labels)} notes", got=np.shape(value))
        series = pd.Series(value, index=labels, name=name)
    column = name if series.name is None else series.name
    cells, _, _ = read_cells(series, kind, lambda values: (read(values, name), ()), column, tape.problems)
    return cells, column


def _check_settlement(tape: Tape, settlement: npt.NDArray[Any], column: Any) -> None:
    """Take down the notes that aren't there yet or no more: on a tape they may be many."""
    day, notes = settlement[tape.rows], tape.notes
    for bad, rule in (
        (day < notes.issue_date, "on or after `issue_date`"),
        (day >= notes.maturity, "before `maturity`"),
    ):
        where = np.flatnonzero(bad)
        if where.size:
            tape.problems.add(tape.rows[where], column, day[where].tolist(), [(rule, None)] * where.size)


def _aligned(tape: Tape, computed: list[tuple[IntArray, Any]], name: str) -> pd.Series[Any]:
    """Give a number for each row of the frame, NaN where none was computed."""
    values = np.full(len(tape.problems.labels), np.nan)
    for rows, made in computed:
        values[rows] = made
    return pd.Series(values, index=tape.problems.labels, name=name)


def _long(tape: Tape, computed: list[tuple[IntArray, pd.DataFrame]]) -> pd.DataFrame:
    """Put rows together in the order of the frame, and name the notes by its labels."""
    labels = tape.problems.labels
    parts = [frame.assign(note=rows[frame["note"].to_numpy()]) for rows, frame in computed]
    bad = np.flatnonzero(tape.problems.bad)
    if bad.size:
        blank = {name: _BLANKS.get(column.dtype.kind, np.nan) for name, column in parts[0].items()}
        parts.append(pd.DataFrame(blank, index=bad).astype(parts[0].dtypes).assign(note=bad))
    frame = parts[0] if len(parts) == 1 else pd.concat(parts)
    if not frame["note"].is_monotonic_increasing:
        frame = frame.sort_values("note", kind="stable")
    note = labels.to_flat_index().take(frame["note"].to_numpy())
    name = labels.name if isinstance(labels.name, str) and labels.name not in frame.columns else "note"
    frame = frame.drop(columns="note").reset_index(drop=True)
    frame.insert(0, name, note)
    return frame
