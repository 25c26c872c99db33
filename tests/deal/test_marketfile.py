"""A market file is read as strictly as a deal file, and its market values the deal."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

import notecalc as nc
from notecalc._data import data_directory
from notecalc.deal.marketfile import MarketCase, bundled_markets, load_market, market_schema
from notecalc.errors import DealFileError

DAY = "2004-06-18"


@pytest.fixture(scope="module")
def case() -> MarketCase:
    return load_market("ibasis-2004-06-18")


@pytest.fixture(scope="module")
def text() -> str:
    return (data_directory() / "markets" / "ibasis-2004-06-18.toml").read_text(encoding="utf-8")


def test_bundled_markets_are_all_valid() -> None:
    for name in bundled_markets():
        assert load_market(name).file == f"{name}.toml"


def test_every_datum_says_where_it_comes_from(case: MarketCase) -> None:
    for model in case.models:
        table = case.market(model).table()
        assert ((table["source"] != "") != (table["assumed"] != "")).all()
    assert case.clean_price is not None
    assert case.clean_price.source == "Note Purchase Agreement, section 2.5: 1,000 for each 1,000 of principal"


def test_each_model_gets_the_credit_that_it_knows(case: MarketCase, deal: nc.Deal) -> None:
    assert case.models == ["tsiveriotis-fernandes", "goldman-sachs", "ayache-forsyth-vetzal"]
    assert isinstance(case.market("goldman-sachs").credit, nc.CreditSpread)
    assert isinstance(case.market("ayache-forsyth-vetzal").credit, nc.Hazard)
    by_hand = deal.value(
        on=DAY, model=case.model, stock_price=1.5, volatility=0.6, risk_free=0.03, credit=nc.CreditSpread(0.08)
    )
    assert deal.value(**case.arguments())["dirty_price"].tolist() == by_hand["dirty_price"].tolist()


def test_a_recipe_holds_the_sources(case: MarketCase, deal: nc.Deal) -> None:
    recipe = deal.value(**case.arguments()).notecalc.recipe["arguments"]
    assert recipe["on"] == DAY
    assert "not public" in recipe["market"]["stock_price"]["assumed"]


def test_a_checker_of_json_schema_accepts_the_bundled_market(text: str) -> None:
    jsonschema.Draft202012Validator.check_schema(market_schema())
    raw = json.loads(json.dumps(tomllib.loads(text), default=str))
    jsonschema.Draft202012Validator(market_schema()).validate(raw)
    raw["stock_price"]["source"] = "and assumed, too"
    found = jsonschema.Draft202012Validator(market_schema()).iter_errors(raw)
    assert any("is valid under each of" in error.message for error in found)


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("volatility = { value = 0.60", "volatility = { value = 60", "volatility.value", "Did you mean 0.6?"),
        ("stock_price = { value = 1.50", "stock_price = { value = 0", "stock_price.value", "a price above 0; got 0"),
        ("stock_price = { value = 1.50", 'stock_price = { value = "1.50"', "stock_price.value", "without quotes"),
        ("risk_free = {", "risk_fre = {", "risk_fre", "Did you mean 'risk_free'?"),
        ("stock_price = { value = 1.50, assumed", 'stock_price = { source = "a", value = 1.50, assumed', "stock_price", "must have source or assumed, one of the two"),
        ('model = { value = "tsiveriotis-fernandes"', 'model = { value = "tsiveriotis-fernandez"', "model.value", "Did you mean 'tsiveriotis-fernandes'?"),
        ("recovery_rate = {", "# recovery_rate = {", "recovery_rate", "is missing: a hazard rate needs it"),
        ("credit_spread = {", "# credit_spread = {", "credit_spread", "is missing: the model needs it"),
        ("volatility = [0.30,", "volatility = [0,", "grid.volatility[0]", "a decimal above 0"),
        ("on = 2004-06-18", 'on = "2004-06-18"', "on", "without quotes"),
        ("stock_drop = { value = 1, assumed", "stock_drop = 1 # { value = 1, assumed", "stock_drop", 'Write { value = ..., source = "..." }'),
    ],
    ids=range(11),
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(
    text: str, tmp_path: Path, old: str, new: str, path: str, words: str
) -> None:
    assert old in text
    file = tmp_path / "wrong.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DealFileError) as caught:
        load_market(file)
    found = {problem.path: str(problem) for problem in caught.value.problems}
    assert path in found, found
    assert words in found[path]


def test_an_unknown_market_lists_the_bundled_ones() -> None:
    with pytest.raises(
        nc.UnknownDealError, match="no market or file is called 'ibasis-2005'. Did you mean 'ibasis-2004-06-18'"
    ):
        load_market("ibasis-2005")


# ---- what a value rests on ----


def test_assumptions_of_a_value_tell_what_others_would_change(case: MarketCase, deal: nc.Deal) -> None:
    table = deal.value_assumptions(**case.arguments())
    data = case.arguments()
    base = deal.value(**data)["dirty_price"].iloc[0]
    by_term = table.set_index(["term", "alternative"])["dirty_price"]
    dearer = deal.value(**data, stock_price=1.85)["dirty_price"].iloc[0]
    assert by_term["market.stock_price", "1.85"] == dearer - base
    quarterly = deal.replace(frequency=4).value(**data)["dirty_price"].iloc[0]
    assert by_term["series.notes.frequency", "4"] == quarterly - base
    assert table["term"].str.startswith("market.").sum() == 8
    assert "left out" in table["reason"].iloc[-1]


def test_a_sourced_datum_is_no_assumption(case: MarketCase, deal: nc.Deal) -> None:
    sourced = case.market().with_quotes({"volatility": nc.Quote(0.6, source="a paper")})
    table = deal.value_assumptions(on=DAY, model=case.model, market=sourced, accuracy="fast")
    assert "market.volatility" not in table["term"].tolist()


def test_readings_are_compared_for_one_market_only(case: MarketCase, deal: nc.Deal) -> None:
    with pytest.raises(nc.TermError, match="one number for each datum, as readings are compared; got '2 rows'"):
        deal.value_assumptions(**case.arguments(), stock_price=[1.0, 2.0])
    with pytest.raises(nc.TermError, match="`on` must be a day on which the note is outstanding"):
        deal.value_assumptions(**case.arguments() | {"on": "2004-06-17"})
