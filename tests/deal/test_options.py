"""Calls, puts and steps of the conversion price in a deal file: read like all else, and used on their dates."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

import notecalc as nc
from notecalc.deal.dealfile import deal_schema
from notecalc.errors import DealFileError
from notecalc.report.memo import memo_of


def test_calls_puts_and_steps_are_terms_like_others(callable_deal: nc.Deal) -> None:
    table = callable_deal.term_table().set_index("term")
    assert table.loc["series.notes.calls[0].trigger", "value"] == "1.50"
    assert table.loc["series.notes.puts[0].first_date", "value"] == "2006-06-18"
    assert (table.loc[table.index.str.contains("calls|puts|steps"), "assumed"] == "a test").all()
    assert len(table) - len(nc.load("ibasis-2004").term_table()) == 2 + 8 + 6 + 4


def test_a_checker_of_json_schema_accepts_them(callable_text: str) -> None:
    raw = json.loads(json.dumps(tomllib.loads(callable_text), default=str))
    jsonschema.Draft202012Validator(deal_schema()).validate(raw)


def test_the_memo_names_each_call_by_its_number(callable_deal: nc.Deal) -> None:
    text = memo_of(callable_deal).markdown
    assert "| Call 1: stock price from which, as part of the conversion price" in text
    assert "| 150.00% " in text
    assert "| Step 1: conversion price" in text


@pytest.mark.parametrize(("on", "shares"), [("2006-06-17", 540), ("2006-06-18", 500)])
def test_conversion_is_at_the_price_of_its_day(callable_deal: nc.Deal, on: str, shares: int) -> None:
    """1000 / 1.85 is 540.54, and 1000 / 2.00 is 500: the step holds from its first date on."""
    assert callable_deal.convert(1_000, on=on)["shares"].tolist() == [shares]
    flows = callable_deal.cashflows(events=[nc.Conversion(on, 1_000, "loeb")])
    assert flows["shares"].sum() == shares


def test_several_dates_each_have_their_price(callable_deal: nc.Deal) -> None:
    table = callable_deal.convert(1_000, on=["2005-01-01", "2007-01-01"])
    assert table["conversion_price"].tolist() == [1.85, 2.0]


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("trigger = { value = 1.50", "trigger = { value = 130", "series.notes.calls[0].trigger.value", "a fraction of the conversion price"),
        ('clean_price = { value = "104"', "clean_price = { value = 0", "series.notes.calls[0].clean_price.value", "above 0"),
        ('last_date = { value = 2006-06-18, assumed = "a test" }\ntrigger', 'last_date = { value = 2006-06-19, assumed = "a test" }\ntrigger', "series.notes.calls[1].first_date.value", "on or after series.notes.calls[0].last_date (2006-06-19)"),
        ("first_date = { value = 2005-06-18", "first_date = { value = 2004-06-17", "series.notes.calls[0].first_date.value", "on or after series.notes.issue_date"),
        ('last_date = { value = 2007-06-18, assumed = "a test"', 'last_date = { value = 2007-06-19, assumed = "a test"', "series.notes.maturity.value", "on or after series.notes.calls[1].last_date (2007-06-19)"),
        ('first_date = { value = 2006-06-18, assumed = "a test" }\nconversion', 'first_date = { value = 2004-06-18, assumed = "a test" }\nconversion', "series.notes.conversion.steps[0].first_date.value", "after series.notes.conversion.first_date"),
        ('redemption = { value = "calls"', 'redemption = { value = "none"', "series.notes.redemption.value", "calls where there are [[series.notes.calls]]"),
        ("trigger_days = { value = 20", "trigger_days = { value = 31", "series.notes.calls[0].trigger_days.value", "from 1 to trigger_period (30)"),
        ('trigger_period = { value = 30, assumed = "a test" }\n', "", "series.notes.calls[0].trigger_period", "so many days are out of so many"),
        ('accrued_interest = { value = "paid", assumed = "a test" }\n\n# ---- who', 'accrued_interest = { value = "forfeited", assumed = "a test" }\n\n# ---- who', "series.notes.puts[0].accrued_interest.value", "computes one for all"),
        ("notice_days = {", "notice = {", "series.notes.calls[0].notice", "Did you mean 'notice_days'?"),
    ],
    ids=range(11),
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(
    callable_text: str, tmp_path: Path, old: str, new: str, path: str, words: str
) -> None:
    assert old in callable_text
    file = tmp_path / "wrong.toml"
    file.write_text(callable_text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DealFileError) as caught:
        nc.load(file)
    found = {problem.path: str(problem) for problem in caught.value.problems}
    assert path in found, found
    assert words in found[path]


def test_calls_are_asked_for_where_the_notes_are_said_to_be_redeemable(deal_text: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(deal_text.replace('redemption = { value = "none"', 'redemption = { value = "calls"'), "utf-8")
    with pytest.raises(DealFileError, match=r"none where there are no \[\[series.notes.calls\]\]; got 'calls'"):
        nc.load(file)


def test_a_price_of_a_call_is_replaced_by_its_path(callable_deal: nc.Deal) -> None:
    cheaper = callable_deal.replace(**{"series.notes.calls[1].clean_price": 101})
    assert cheaper.terms.series["notes"].calls[1].clean_price.value == 101
    with pytest.raises(nc.TermError, match=r"one term; use a whole path: series.notes.calls\[0\].clean_price, "):
        callable_deal.replace(clean_price=101)
