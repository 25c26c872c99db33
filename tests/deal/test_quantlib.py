"""The note handed over to QuantLib is the same note: its flows to the cent, its value about ours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql

import notecalc as nc
from notecalc.deal.dealfile import validate_terms

DAY = "2004-06-18"
MARKET = {"stock_price": 1.5, "volatility": 0.6, "risk_free": 0.03}


@pytest.fixture(autouse=True)
def _evaluation_date() -> Iterator[None]:
    before = ql.Settings.instance().evaluationDate
    yield
    ql.Settings.instance().evaluationDate = before


def ours(deal: nc.Deal, credit_spread: float, **market: float) -> float:
    """Our value of the note as QuantLib has it: without record dates."""
    deal = deal.replace(**{"series.notes.conversion.accrued_interest": "forfeited"})
    data = MARKET | market | {"credit": nc.CreditSpread(credit_spread), "accuracy": "reference"}
    return float(deal.value(on=DAY, model="goldman-sachs", **data)["dirty_price"].iloc[0])


def test_flows_are_the_deals_own(deal: nc.Deal) -> None:
    flows = deal.cashflows().iloc[1:]
    paid = pd.Series(
        {(row.date().ISO(), place): row.amount() for place, row in enumerate(deal.to_quantlib().instrument.cashflows())}
    )
    by_day = paid.groupby(level=0).sum()
    assert by_day.index.tolist() == flows["payment_date"].dt.strftime("%Y-%m-%d").tolist()
    assert by_day.tolist() == pytest.approx((flows["total"] / 290_000).tolist(), abs=1e-12)


@pytest.mark.parametrize("convention", ["preceding", "unadjusted"])
def test_payments_move_as_ours_move(deal: nc.Deal, convention: str) -> None:
    moved = deal.replace(business_day_convention=convention)
    paid = [row.date().ISO() for row in moved.to_quantlib().instrument.cashflows()][:-1]
    assert paid == moved.cashflows().iloc[1:]["payment_date"].dt.strftime("%Y-%m-%d").tolist()


def test_without_a_spread_quantlib_approaches_our_value(deal: nc.Deal) -> None:
    """The models are one then, and a tree's swing of 0.01 to each side is evened out over 40 numbers of steps."""
    note = deal.to_quantlib()
    off = [
        note.set_engine(on=DAY, credit_spread=0, steps=steps, **MARKET).NPV() - ours(deal, 0.0)
        for steps in range(800, 840)
    ]
    assert abs(np.mean(off)) < 0.005
    assert np.max(np.abs(off)) < 0.02


@pytest.mark.parametrize("stock_price", [1.0, 1.5, 2.5])
def test_with_a_spread_quantlib_swings_about_our_value(deal: nc.Deal, stock_price: float) -> None:
    """Its discounting jumps where conversion begins to pay, so that it swings by tenths."""
    note, market = deal.to_quantlib(), MARKET | {"stock_price": stock_price}
    values = [
        note.set_engine(on=DAY, credit_spread=0.08, steps=s, **market).NPV() for s in (701, 901, 1095, 1301, 1500)
    ]
    swing = max(values) - min(values)
    assert min(values) - swing <= ours(deal, 0.08, stock_price=stock_price) <= max(values) + swing
    assert swing < 1


def test_calls_and_puts_go_with_it(callable_deal: nc.Deal) -> None:
    """Without the price's step, the trigger's days and the notice, which QuantLib does not have, and paid when due.

    A tree of three steps a day and fewer sees the trigger by the width of a node.
    """
    raw = callable_deal.replace(business_day_convention="unadjusted").terms.model_dump(by_alias=True)
    raw["series"]["notes"]["conversion"]["steps"] = ()
    for call in raw["series"]["notes"]["calls"]:
        call["trigger_days"] = call["trigger_period"] = call["notice_days"] = None
    deal = nc.Deal(validate_terms(raw, "raw", python=True))
    note, value = deal.to_quantlib(), ours(deal, 0.0)
    values = [note.set_engine(on=DAY, credit_spread=0, steps=steps, **MARKET).NPV() for steps in (1095, 1500, 2190)]
    assert values == pytest.approx([value] * 3, abs=0.3)
    assert value < ours(nc.load("ibasis-2004"), 0.0) - 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"series.notes.conversion.accrued_interest": "paid"}, "accrued_interest` must be forfeited"),
        ({"day_count": "actual/365l"}, "day_count` must be one of 30/360"),
    ],
    ids=["accrued", "day-count"],
)
def test_what_quantlib_does_not_have_is_refused(deal: nc.Deal, changes: dict[str, str], words: str) -> None:
    with pytest.raises(nc.TermError, match=words):
        deal.replace(**changes).to_quantlib()


@pytest.mark.parametrize(("kept", "dropped"), [("puts", "calls"), ("calls", "puts")])
def test_interest_forfeited_on_a_call_or_a_put_is_refused(callable_deal: nc.Deal, kept: str, dropped: str) -> None:
    raw = callable_deal.terms.model_dump(by_alias=True)
    notes = raw["series"]["notes"]
    notes["conversion"]["steps"] = notes[dropped] = ()
    notes["redemption"]["value"] = "calls" if kept == "calls" else "none"
    for window in notes[kept]:
        window["accrued_interest"]["value"] = "forfeited"
    deal = nc.Deal(validate_terms(raw, "raw", python=True))
    with pytest.raises(nc.TermError, match=rf"{kept}\[0\].accrued_interest` must be paid, as QuantLib has it"):
        deal.to_quantlib()


def test_a_price_that_steps_is_refused(callable_deal: nc.Deal) -> None:
    with pytest.raises(nc.TermError, match="steps` must be none, as QuantLib has one conversion price"):
        callable_deal.to_quantlib()


def test_a_trigger_on_many_days_is_refused(callable_deal: nc.Deal) -> None:
    raw = callable_deal.terms.model_dump(by_alias=True)
    raw["series"]["notes"]["conversion"]["steps"] = ()
    with pytest.raises(
        nc.TermError, match=r"calls\[0\].trigger_days` must be none, as QuantLib looks at one day's price"
    ):
        nc.Deal(validate_terms(raw, "raw", python=True)).to_quantlib()
