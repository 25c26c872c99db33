"""A deal's notes as the engine takes them, and what it does not know of their terms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from notecalc.core.arrays import FloatArray
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, Convertible, PutWindow
from notecalc.core.schedule import resolve
from notecalc.deal.register import notes_of, sole_series
from notecalc.deal.terms import CallTerms, DealTerms, PriceReset, PriceStep, Series

__all__ = ["convertible_of", "left_out", "simplifications"]


def convertible_of(
    terms: DealTerms, *, claim: str | None = None, reset: bool = False, conversion_price: FloatArray | None = None
) -> Convertible:
    """The deal's series as one row of `Convertible`, with the reset of its conversion price or without.

    Parameters
    ----------
    terms : DealTerms
        The deal.
    claim : {"principal", "principal-and-accrued"}, optional
        Of what a recovery is a fraction; by default what the deal says, or the principal.
    reset : bool
        Whether the conversion price is reset as ``conversion.reset`` has it.
    conversion_price : float64 array, optional
        Prices in place of the deal's until its first step or reset, each a row of its own.
    """
    _, series = sole_series(terms)
    conversion = series.conversion
    steps: list[PriceStep | PriceReset] = [*conversion.steps]
    if reset and conversion.reset:
        steps.append(conversion.reset)
    stated: Any = float(conversion.conversion_price.value) if conversion_price is None else conversion_price
    prices = [stated, *(float(step.conversion_price.value) for step in steps)]
    days = [conversion.first_date, *(step.first_date for step in steps), conversion.last_date]
    own_claim = series.recovery_claim.value if series.recovery_claim else "principal"
    fraction = series.redemption_price_fraction
    interest = [
        *(call.accrued_interest.value for call in series.calls),
        *(p.accrued_interest.value for p in series.puts),
    ]
    return Convertible(
        periods=resolve(notes_of(terms, count=1 if conversion_price is None else conversion_price.size)),
        conversions=[
            ConversionWindow(conversion_price=price, start=first.value, end=last.value)
            for price, first, last in zip(prices, days, days[1:], strict=False)
        ],
        calls=[
            CallWindow(
                clean_price=float(call.clean_price.value),
                trigger=0.0 if call.trigger.value == "none" else float(call.trigger.value),
                days=_days_of(call),
                notice_days=0 if call.notice_days is None else call.notice_days.value,
                start=call.first_date.value,
                end=call.last_date.value,
                make_whole_until=None if call.make_whole_until is None else call.make_whole_until.value,
                make_whole_rate=0.0 if call.make_whole_rate is None else float(call.make_whole_rate.value),
            )
            for call in series.calls
        ],
        puts=[
            PutWindow(start=put.first_date.value, end=put.last_date.value, clean_price=float(put.clean_price.value))
            for put in series.puts
        ],
        accrued_on_conversion=conversion.accrued_interest.value,
        accrued_on_call=interest[0] if interest else "paid",
        recovery_claim=claim or own_claim,
        redemption_in=series.redemption_in.value if series.redemption_in else "cash",
        redemption_price_fraction=float(fraction.value) if fraction else 1.0,
    )


def _days_of(call: CallTerms) -> tuple[int, int] | None:
    if call.trigger_days is None or call.trigger_period is None or call.trigger.value == "none":
        return None
    return int(call.trigger_days.value), int(call.trigger_period.value)


def simplifications(terms: DealTerms, on: np.datetime64, reset_probability: float) -> Iterator[tuple[str, str]]:
    """Terms of which the value on a day takes less than they say, by path, and what it takes instead."""
    path, series = sole_series(terms)
    if series.conversion.accrued_interest.value == "forfeited-before-record-date":
        yield (
            f"series.{path}.conversion.accrued_interest",
            "valued as forfeited but at maturity: what who converts after an earlier record date keeps is left out",
        )
    reset = series.conversion.reset
    if reset and 0 < reset_probability < 1 and on < np.datetime64(reset.first_date.value):
        too_high, too_low = _before_reset(series, reset, on)
        if too_high or too_low:
            sides = (("too high", too_high), ("too low", too_low))
            pays = f"before {reset.first_date.value} pays"
            told = [f"{side} where a {' or '.join(options)} {pays}" for side, options in sides if options]
            words = f"valued as if known from the day of valuation whether it happens: {', '.join(told)}"
            yield f"series.{path}.conversion.reset.condition", words
    yield from left_out(terms).items()


def left_out(terms: DealTerms) -> dict[str, str]:
    """Terms that no value depends on, though they say something or might, by path, and how they are valued."""
    path, series = sole_series(terms)
    found = {}
    for name in ("prepayment_premium", "change_of_control_price", "default_rate"):
        term = getattr(series, name)
        if term.value != "none":
            found[f"series.{path}.{name}"] = "valued as if there were none: it is left out of the value"
        elif term.alternatives:
            found[f"series.{path}.{name}"] = "left out of the value, whatever it is"
    return found


def _before_reset(series: Series, reset: PriceReset, on: np.datetime64) -> tuple[list[str], list[str]]:
    """What the holder may do from a day until before the reset, and what the issuer, whose notice decides."""
    conversion = series.conversion

    def live(first: Any, last: Any, notice: int = 0) -> bool:
        begin, end = (np.datetime64(day.value) - notice for day in (first, last))
        return bool(begin < np.datetime64(reset.first_date.value) and end >= on)

    holder = ["conversion"] if live(conversion.first_date, conversion.last_date) else []
    holder += ["put"] if any(live(put.first_date, put.last_date) for put in series.puts) else []
    called = any(
        live(call.first_date, call.last_date, call.notice_days.value if call.notice_days else 0)
        for call in series.calls
    )
    return holder, ["call"] if called else []
