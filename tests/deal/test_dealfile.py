"""A deal file is read strictly, and everything wrong with it is said at once."""

from __future__ import annotations

import json
import pickle
import re
import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import notecalc as nc
from notecalc.deal.dealfile import bundled_deals, deal_schema, read_deal_file, validate_terms
from notecalc.errors import DealFileError

Altered = Callable[..., Path]


def problems(file: Path) -> dict[str, str]:
    """What is said of each place of a file."""
    with pytest.raises(DealFileError) as caught:
        read_deal_file(file)
    said: dict[str, str] = {}
    for problem in caught.value.problems:
        said[problem.path] = said.get(problem.path, "") + str(problem)
    return said


def test_every_problem_of_a_file_is_told_at_once(altered: Altered) -> None:
    file = altered(
        ("schema = 1", 'schema = "1"'),
        ('currency = "USD"', 'currency = "usd"'),
        ("maturity = {", "maturty = {"),
        ("value = 0.08, source", "value = 8, source"),
        ('value = "30/360", assumed = "set', 'value = "30/361", assumed = "set'),
        ('document = "npa", section = "2.4"', 'document = "nba", section = "2.4"'),
        ('purchaser = "loeb"', 'purchaser = "singer"'),
        ("value = 85000000, source", "value = 46655866, source"),
    )
    found = problems(file)
    assert set(found) == {
        "schema",
        "currency",
        "series.notes.maturity",
        "series.notes.maturty",
        "series.notes.annual_rate.value",
        "series.notes.day_count.value",
        "parties.dtc.name.source.document",
        "purchases[6]",
        "capitalization.authorised.value",
    }
    with pytest.raises(DealFileError, match="^altered.toml: 9 problems\naltered.toml: schema: must be 1; got '1'"):
        read_deal_file(file)


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("value = 29000000, source", "value = 29000000.0, source", "series.notes.principal.value", "never a float"),
        ("value = 29000000, source", 'value = "29000000.001", source', "series.notes.principal.value", "whole cents"),
        ("value = 29000000, source", "value = -1, source", "series.notes.principal.value", "at least 0"),
        ("value = 29000000, source", "value = true, source", "series.notes.principal.value", "an amount"),
        ("value = 29000000, source", 'value = "29,000,000", source', "series.notes.principal.value", "an amount"),
        ('value = "1.85", source', "value = 1.85, source", "series.notes.conversion.conversion_price.value", "never"),
        ('value = "1.85", source', "value = 0, source", "series.notes.conversion.conversion_price.value", "above 0"),
        ("value = 0.08, source", "value = 8, source", "series.notes.annual_rate.value", "Did you mean 0.08?"),
        ("value = 0.08, source", 'value = "8%", source', "series.notes.annual_rate.value", "decimal between"),
        ("value = 0.10, source", "value = 10, source", "thresholds.control.fraction.value", "from 0 to 1"),
        ("value = 46655867,", "value = 46655867.5,", "capitalization.classes.common.shares.value", "whole number"),
        ("value = 2007-06-18, source", 'value = "2007-06-18", source', "series.notes.maturity.value", "without quotes"),
        ("value = 2007-06-18, source", "value = 2007-06-18T09:00:00, source", "series.notes.maturity.value", "time of day"),
        ('value = "30/360", assumed = "set', 'value = "30/361", assumed = "set', "series.notes.day_count.value", "day_count"),
        ('value = "30/360", assumed = "set', 'value = 360, assumed = "set', "series.notes.day_count.value", "day count"),
        ("us-federal-reserve", "us-federal-reserv", "business_days.calendar.value", "Did you mean"),
        ('"us-federal-reserve"', "1", "business_days.calendar.value", "name of a calendar"),
        ('value = "following"', 'value = "folowing"', "series.notes.business_day_convention.value", "Did you mean 'following'"),
        ("frequency = { value = 2", "frequency = { value = 5", "series.notes.frequency.value", "coupons a year"),
        ("accrual_adjusted = { value = false", 'accrual_adjusted = { value = "no"', "series.notes.accrual_adjusted.value", "true or false"),
        ("[dates]\n", "[dates]\nagrement = 1\n", "dates.agrement", "Did you mean 'agreement'"),
        ('kind = "issued"', 'kind = "isued"', "capitalization.classes.common.kind", "Did you mean 'issued'"),
        ('party = "tejas"', 'party = "texas"', "signatures[3].party", "Did you mean 'tejas'"),
        ('instrument = "existing-notes"', 'instrument = "old-notes"', "surrender_rights[0].instrument", "key of [instruments]"),
        ('purchaser = "windward"\ninstrument', 'purchaser = "imperial"\ninstrument', "surrender_rights[1].purchaser", "one of the"),
        ('new = "new-conv', 'new = "newer-conv', "exchanges.new-exchange.new", "Did you mean"),
        ('converts = "new-conv', 'converts = "newer-conv', "capitalization.classes.new-convertible-notes.converts", ""),
        ('["warrants", "existing-c', '["warants", "existing-c', "capitalization.excepted.value[0]", "Did you mean 'warrants'"),
        ("value = 37300000", "value = 38180001", "exchanges.new-exchange.tendered.value", "at most the maximum, 38,180,000"),
        ("value = 1450000,", "value = 1450001,", "series.notes.principal.value", "sum of its purchases, 29,000,001"),
        ("closing = { value = 2004-06-18", "closing = { value = 2004-06-17", "dates.closing.value", "on or after dates.agreement"),
        ("maturity = { value = 2007", "maturity = { value = 2004", "series.notes.maturity.value", "after series.notes.issue_date"),
        ("last_date = { value = 2007", "last_date = { value = 2008", "series.notes.maturity.value", "on or after series.notes.conversion.last_date"),
        ('name = { value = "Loeb Partners Corp."', 'name = { value = "TEJAS SECURITIES GROUP, Inc."', "parties.loeb.name.value", "parties.tejas"),
        ("multiple = { value = 1000, assumed", "multiple = { value = 1000, was", "series.notes.conversion.multiple.was", "not a known key"),
        ('text = "ibasis-facts.toml"\nsha256 = "', 'text = ""\nsha256 = "g', "documents.rra.text", "must not be empty"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(altered: Altered, old: str, new: str, path: str, words: str) -> None:
    found = problems(altered((old, new)))
    assert path in found, sorted(found)
    assert words in found[path]


def test_a_term_is_sourced_or_assumed_and_not_both(altered: Altered) -> None:
    both = altered(("agreement = { value = 2004-06-18, ", 'agreement = { value = 2004-06-18, assumed = "so", '))
    assert "must have a source or be assumed, not both" in problems(both)["dates.agreement"]
    neither = altered(
        (
            'agreement = { value = 2004-06-18, source = { document = "npa", section = "Preamble" } }',
            "agreement = { value = 2004-06-18 }",
        )
    )
    assert "must have a source, or be assumed" in problems(neither)["dates.agreement"]
    other = altered(
        ("agreement = { value = 2004-06-18, ", "agreement = { alternatives = [2004-06-19], value = 2004-06-18, ")
    )
    assert "alternatives only where it is assumed" in problems(other)["dates.agreement"]


def test_a_party_written_twice_is_a_syntax_error_with_its_line(altered: Altered) -> None:
    found = problems(altered(("[parties.loeb]", "[parties.singer]")))
    assert "line" in found["(syntax)"]


def test_a_file_that_is_no_text_is_said(tmp_path: Path) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes(b'title = "\xe9"')
    assert "UTF-8" in problems(file)["(encoding)"]


def test_an_unknown_deal_lists_the_bundled_ones() -> None:
    with pytest.raises(
        nc.UnknownDealError, match="no deal or file is called 'ibasis-2005'. Did you mean 'ibasis-2004'?"
    ):
        nc.load("ibasis-2005")
    with pytest.raises(nc.UnknownDealError, match="Bundled deals: ibasis-2004"):
        nc.load("zzz")


def test_several_mistakes_do_not_hide_one_another(raw: dict[str, Any]) -> None:
    """Tables of the wrong kind are errors of their own, and the second pass steps over them."""
    raw["purchases"] = "none"
    raw["series"]["notes"]["conversion"] = 3
    raw["documents"] = []
    with pytest.raises(DealFileError) as caught:
        validate_terms(raw, "raw")
    paths = [problem.path for problem in caught.value.problems]
    assert {"purchases", "series.notes.conversion", "documents"} <= set(paths)
    assert "parties.dtc.name.source.document" in paths


def test_python_may_give_a_price_as_a_float_and_a_file_may_not(raw: dict[str, Any]) -> None:
    raw["series"]["notes"]["conversion"]["conversion_price"]["value"] = 1.75
    terms = validate_terms(raw, "raw", python=True)
    assert terms.series["notes"].conversion.conversion_price.value == Decimal("1.75")
    with pytest.raises(DealFileError, match="never a float"):
        validate_terms(raw, "raw")


def test_class_without_shares_or_instrument_is_an_error(raw: dict[str, Any]) -> None:
    del raw["capitalization"]["classes"]["common"]["shares"]
    with pytest.raises(DealFileError, match="must have `shares`, unless it converts an instrument of an exchange"):
        validate_terms(raw, "raw")


def test_the_error_survives_pickling(altered: Altered) -> None:
    with pytest.raises(DealFileError) as caught:
        read_deal_file(altered(("schema = 1", "schema = 2")))
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.problems == caught.value.problems


def test_bundled_deals_are_all_valid() -> None:
    for name in bundled_deals():
        terms, file = read_deal_file(name)
        assert (terms.id, file) == (name, f"{name}.toml")


def test_the_schema_is_json_and_accepts_what_we_accept() -> None:
    schema = deal_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["additionalProperties"] is False
    assert "schema" in schema["required"]


def test_the_schema_calls_its_parts_by_name() -> None:
    names = set(deal_schema()["$defs"])
    assert {"Series", "ShareClass", "Money-term", "Date-term", "DayCount-term", "Frequency-term"} <= names
    assert all(len(name) < 60 and "Annotated" not in name for name in names)


def as_json(deal_text: str) -> Any:
    """A deal file as an editor's checker sees it: dates as texts."""
    return json.loads(json.dumps(tomllib.loads(deal_text), default=str))


def test_a_checker_of_json_schema_accepts_the_bundled_deal(deal_text: str) -> None:
    schema = deal_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(as_json(deal_text))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("maturity = {", "maturty = {", "'maturty' was unexpected"),
        ("value = 29000000, source", "value = 29000000.0, unsourced", "'unsourced' was unexpected"),
        ("frequency = { value = 2,", "frequency = { value = 5,", "5 is not one of"),
        ("[parties.dtc]", "[parties.DTC]", "'DTC' does not match"),
        ('currency = "USD"', 'currency = "dollars"', "does not match"),
        (
            'agreement = { value = 2004-06-18, source = { document = "npa", section = "Preamble" } }',
            "agreement = { value = 2004-06-18 }",
            "is not valid under any of the given schemas",
        ),
        (
            "agreement = { value = 2004-06-18,",
            'agreement = { assumed = "so", value = 2004-06-18,',
            "is valid under each of",
        ),
        ("principal = { value = 29000000,", "principal = { value = -1,", "-1 is not valid under any"),
        ("principal = { value = 29000000,", 'principal = { value = "5.005",', "'5.005' is not valid under any"),
        ("denomination = { value = 1000,", "denomination = { value = 0,", "0 is not valid under any"),
        (
            "annual_rate = { value = 0.08,",
            "annual_rate = { value = 8,",
            "8 is greater than or equal to the maximum of 1",
        ),
        ('conversion_price = { value = "1.85",', 'conversion_price = { value = "0",', "'0' is not valid under any"),
        ("fraction = { value = 0.10,", "fraction = { value = 5,", "5 is greater than the maximum of 1"),
        ("record_days = { value = 15,", "record_days = { value = 5000,", "5000 is greater than the maximum of 366"),
    ],
    ids=range(14),
)
def test_a_checker_of_json_schema_finds_what_we_find(deal_text: str, old: str, new: str, words: str) -> None:
    assert old in deal_text
    found = jsonschema.Draft202012Validator(deal_schema()).iter_errors(as_json(deal_text.replace(old, new, 1)))
    assert any(re.search(words, error.message) for error in found)


def test_a_bare_value_is_told_how_a_term_is_written(altered: Altered) -> None:
    bare = altered(
        (
            'agreement = { value = 2004-06-18, source = { document = "npa", section = "Preamble" } }',
            "agreement = 2004-06-18",
        )
    )
    assert "must be a table; got" in problems(bare)["dates.agreement"]
    assert "Write { value = ..., source = { document" in problems(bare)["dates.agreement"]


def test_a_list_of_wrong_elements_is_not_called_empty(raw: dict[str, Any]) -> None:
    for purchase in raw["purchases"]:
        purchase["principal"]["value"] = Decimal("1.5")
    with pytest.raises(DealFileError) as caught:
        validate_terms(raw, "raw")
    found = {problem.path for problem in caught.value.problems}
    # The total is read by the second pass, in which 1.5 is a number.
    assert found == {"series.notes.principal.value", *(f"purchases[{row}].principal.value" for row in range(9))}
    raw["purchases"] = []
    with pytest.raises(DealFileError, match="purchases: must not be empty"):
        validate_terms(raw, "raw")


def test_what_this_version_does_not_compute_is_said(altered: Altered) -> None:
    made_whole = altered(('make_whole = { value = "none"', 'make_whole = { value = "table"'))
    assert "must be none or calls; got 'table'" in problems(made_whole)["series.notes.make_whole.value"]


def test_a_deal_without_surrender_rights_needs_no_reading_of_them(raw: dict[str, Any]) -> None:
    del raw["closing"]
    with pytest.raises(DealFileError, match=r"closing: is missing: it says how \[\[surrender_rights\]\] are read"):
        validate_terms(raw, "raw")
    del raw["surrender_rights"]
    del raw["capitalization"]["excepted"]
    plain = nc.Deal(validate_terms(raw, "raw"))
    assert plain.closing()["cash_to_company"].sum() == 29_000_000
    assert "right-not-excepted" not in plain.findings()["code"].tolist()


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("denomination = { value = 1000", "denomination = { value = 0", "series.notes.denomination.value", "above 0"),
        ("multiple = { value = 1000", "multiple = { value = 0", "series.notes.conversion.multiple.value", "above 0"),
        ("value = 29000000, source", "value = 99999999999999, source", "series.notes.principal.value", "below 10^13"),
        ("value = 46655867, source", "value = 99999999999999999999, source", "capitalization.classes.common.shares.value", "below 10^13"),
        ("length = { value = 121", "length = { value = 99999999999", "time_limits.disqualified-stock.length.value", "from 0 to 36,525"),
        ("record_days = { value = 15", "record_days = { value = 5000", "series.notes.record_days.value", "from 0 to 366"),
        ('currency = "USD"', 'currency = "JPY"', "currency", "of a hundred cents"),
        ("closing = { value = 2004-06-18", "closing = { value = 2008-06-18", "series.notes.maturity.value", "after dates.closing"),
        ("first_date = { value = 2004-06-18", "first_date = { value = 1994-06-18", "series.notes.conversion.first_date.value", "on or after series.notes.issue_date"),
        ("last_payment_date = { value = 2004-01-15", "last_payment_date = { value = 2004-07-15", "dates.closing.value", "on or after instruments.existing-notes.last_payment_date"),
        ('runs_from = "maturity"', 'runs_from = "maturty"', "time_limits.disqualified-stock.runs_from", "Did you mean 'maturity'?"),
        ("frequency = { value = 2,", "frequency = { value = 0,", "series.notes.frequency.value", "above 0 with day count ICMA"),
        ("annual_rate = { value = 0.08,", 'last_coupon = { value = 2007-06-18, assumed = "a test" }\nannual_rate = { value = 0.08,', "series.notes.maturity.value", "must be after series.notes.last_coupon"),
        ("annual_rate = { value = 0.08,", 'first_coupon = { value = 2004-06-17, assumed = "a test" }\nannual_rate = { value = 0.08,', "series.notes.first_coupon.value", "on or after series.notes.issue_date"),
        ('purchaser = "loeb"', 'purchaser = "dtc"', "purchases[6].purchaser", "whose roles include purchaser"),
        ('follows = "dates.closing"', 'follows = "dates.closings"', "series.notes.issue_date.follows", "the path of a term"),
        ("issue_date = { value = 2004-06-18", "issue_date = { value = 2004-06-17", "series.notes.issue_date.value", "which it follows"),
        ("closing = { value = 2004-06-18,", 'closing = { follows = "series.notes.issue_date", value = 2004-06-18,', "dates.closing.follows", "lead back"),
    ],
    ids=range(18),
)  # fmt: skip
def test_what_would_go_wrong_later_is_refused_at_once(
    altered: Altered, old: str, new: str, path: str, words: str
) -> None:
    changes = [(old, new)]
    if "ICMA" in words:
        changes.append(
            (
                'day_count = { value = "30/360", assumed = "set',
                'day_count = { value = "actual/actual icma", assumed = "set',
            )
        )
    found = problems(altered(*changes))
    assert path in found, found
    assert words in found[path]
