"""What is computed of a tape: for each note a number, or rows of dates and money.

A note that can't be computed is missing in the result and a line of the report; nothing is dropped. Numbers come from
`core`, all notes in one call.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from notecalc.core import prices as core_prices
from notecalc.core.accrual import accrued_on
from notecalc.core.arrays import IntArray, as_date
from notecalc.core.convertible import valuation
from notecalc.core.money import interest_cents, nearest_cents, read_cents, to_money
from notecalc.core.periods import Periods
from notecalc.core.schedule import SCHEDULE_COLUMNS
from notecalc.core.yields import yield_to_maturity
from notecalc.errors import TermError
from notecalc.tape.computing import Arrays, aligned, computed
from notecalc.tape.convertibles import valued
from notecalc.tape.reading import Tape

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

_MONEY = ["interest", "principal", "total"]
_BLANKS = {"i": 0, "b": False, "M": pd.NaT}


def schedule(tape: Tape) -> pd.DataFrame:
    """Coupon periods of every note, as `core.schedule.schedules` has them, with its label in place of its number."""

    def lay_out(periods: Periods, _: Arrays) -> pd.DataFrame:
        return periods.to_frame(SCHEDULE_COLUMNS)

    return _long(tape, computed(tape, {}, lay_out))


def accrued(tape: Tape, on: Any) -> pd.Series[Any]:
    """Interest accrued and unpaid on a date [currency]."""

    def accrue(periods: Periods, given: Arrays) -> Any:
        return accrued_on(periods, given["on"])

    return aligned(tape, computed(tape, {"on": ("date", on)}, accrue), "accrued_interest")


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
    return _long(tape, computed(tape, {}, pay))


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
    return aligned(tape, computed(tape, arguments, price), "clean_price")


def yields(tape: Tape, clean_price: Any, settlement: Any, **terms: Any) -> pd.Series[Any]:
    """Yields [1/yr] at clean prices."""
    _check_coupons(tape, terms["compounding"])

    def solve(periods: Periods, given: Arrays) -> Any:
        return yield_to_maturity(periods, given["settlement"], given["clean_price"], **terms)

    arguments = {"settlement": ("date", settlement), "clean_price": ("number", clean_price)}
    return aligned(tape, computed(tape, arguments, solve), "yield")


def convertible_value(tape: Tape, **arguments: Any) -> pd.DataFrame:
    """Every result of `convertible_value` on arrays, a column each."""
    return valued(tape, valuation.convertible_value, **arguments)


def convertible_greeks(tape: Tape, **arguments: Any) -> pd.DataFrame:
    """Every result of `convertible_greeks` on arrays, a column each."""
    return valued(tape, valuation.convertible_greeks, **arguments)


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


def _long(tape: Tape, made: list[tuple[IntArray, pd.DataFrame]]) -> pd.DataFrame:
    """Put rows together in the order of the frame, and name the notes by its labels."""
    labels = tape.problems.labels
    parts = [frame.assign(note=rows[frame["note"].to_numpy()]) for rows, frame in made]
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
