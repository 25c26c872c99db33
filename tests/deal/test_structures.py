"""Term structures, dividends and elasticities of a market file reach the engine as they are meant."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import notecalc as nc
from notecalc.deal.marketfile import MarketCase, market_schema
from notecalc.errors import DealFileError
from notecalc.report.paper import Paper
from notecalc.report.sections.valuation import valuation_section

TF, AFV = "tsiveriotis-fernandes", "ayache-forsyth-vetzal"
DAY = "2004-06-18"

TEXT = """
schema = 1
id = "everything"
title = "A market with everything in it"
currency = "USD"
on = 2004-06-18
model = { value = "tsiveriotis-fernandes", assumed = "a test", alternatives = ["ayache-forsyth-vetzal"] }
stock_price = { value = 1.50, assumed = "a test" }
stock_drop = { value = 1, assumed = "a test" }
recovery_rate = { value = 0.35, assumed = "a test" }
hazard_elasticity = { value = 0.5, assumed = "a test", alternatives = [0] }
hazard_reference_price = { value = 1.25, assumed = "a test" }
borrow_cost = { value = 0.01, assumed = "a test" }
dividends = { value = [{ ex_date = 2006-06-01, amount = 0.03 }, { ex_date = 2005-06-01, amount = 0.02 }], assumed = "a test", alternatives = [[]] }

[risk_free]
source = "H.15, 2004-06-18"
[risk_free.value]
tenors = ["6m", "1y", "3y"]
zero_rates = [0.016, 0.02, 0.03]
compounding = "semi-annual"
day_count = "30/360"
interpolation = "linear-zero-rates"

[volatility]
assumed = "a test"
alternatives = [0.45, { dates = [2005-06-18], values = [0.9], over = "each-stretch" }]
[volatility.value]
tenors = ["1y", "3y"]
values = [0.65, 0.58]
over = "whole-term"

[credit_spread]
assumed = "a test"
value = { dates = [2005-06-18, 2007-06-18], values = [0.07, 0.09], over = "whole-term" }

[hazard_rate]
assumed = "a test"
value = { tenors = ["12m", "36m"], values = [0.10, 0.14], over = "each-stretch" }
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "market.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> MarketCase:
    return nc.load_market(write(tmp_path_factory.mktemp("market"), TEXT))


def by_hand(model: str, deal: nc.Deal) -> float:
    notes = nc.Notes(
        issue_date=DAY, maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2, day_count="30/360",
        record_days=15,
    )  # fmt: skip
    terms = nc.Convertible(
        periods=nc.resolve(notes), conversions=[nc.ConversionWindow(conversion_price=1.85)],
        accrued_on_conversion="forfeited-before-record-date",
    )  # fmt: skip
    ends = ["2005-06-18", "2007-06-18"]
    credit: dict[str, Any] = {"credit_spread": nc.Steps(ends, [0.07, 0.10])}  # 0.09 * 3 - 0.07 over two years
    if model == AFV:
        credit = {"hazard_rate": nc.Steps(ends, [0.10, 0.14]), "hazard_elasticity": 0.5, "hazard_reference_price": 1.25}
        credit |= {"recovery_rate": 0.35, "stock_drop": 1}
    curve = nc.Curve.from_zero_rates(
        DAY, ["2004-12-18", "2005-06-18", "2007-06-18"], [0.016, 0.02, 0.03],
        compounding="semi-annual", interpolation="linear-zero-rates", day_count="30/360",
    )  # fmt: skip
    late = float(np.sqrt((3 * 0.58**2 - 0.65**2) / 2))
    return nc.convertible_value(
        terms, DAY, stock_price=1.5, volatility=nc.Steps(ends, [0.65, late]), risk_free=curve, model=model,
        borrow_cost=0.01, dividend_dates=["2005-06-01", "2006-06-01"], dividend_amounts=[0.02, 0.03], accuracy="fast",
        **credit,
    ).dirty_price  # fmt: skip


@pytest.mark.parametrize("model", [TF, AFV])
def test_a_file_with_everything_is_valued_as_by_hand(case: MarketCase, deal: nc.Deal, model: str) -> None:
    unadjusted = deal.replace(business_day_convention="unadjusted")
    found = unadjusted.value(**case.arguments(model), accuracy="fast")["dirty_price"].iloc[0]
    assert found == pytest.approx(by_hand(model, deal), abs=1e-9)


def test_coupons_are_discounted_as_the_curve_and_the_spreads_are_quoted(deal: nc.Deal, tmp_path: Path) -> None:
    """Arithmetic: (1 + y/2) to the power of twice the years by 30/360, and e^-st over years of 365 days."""
    dates = ["2004-12-18", "2005-06-18", "2005-12-18", "2006-06-18", "2006-12-18", "2007-06-18"]
    rates, spreads = [0.016, 0.018, 0.021, 0.024, 0.027, 0.03], [0.07, 0.072, 0.075, 0.08, 0.083, 0.09]
    listed = ", ".join(dates)
    text = TEXT.replace(
        'tenors = ["6m", "1y", "3y"]\nzero_rates = [0.016, 0.02, 0.03]', f"dates = [{listed}]\nzero_rates = {rates}"
    )
    text = text.replace(
        "dates = [2005-06-18, 2007-06-18], values = [0.07, 0.09]", f"dates = [{listed}], values = {spreads}"
    )
    made = nc.load_market(write(tmp_path, text))
    unadjusted = deal.replace(business_day_convention="unadjusted")
    found = unadjusted.value(**made.arguments(), accuracy="fast")["bond_floor"].iloc[0]
    years = (np.array(dates, "datetime64[D]") - np.datetime64(DAY)) / np.timedelta64(1, "D") / 365
    paid = np.array([4, 4, 4, 4, 4, 104])
    worth = paid * (1 + np.array(rates) / 2) ** -np.arange(1.0, 7) * np.exp(-np.array(spreads) * years)
    assert found == pytest.approx(worth.sum(), abs=1e-10)


def test_an_alternative_that_changes_by_date_is_tried_too(case: MarketCase, deal: nc.Deal) -> None:
    table = deal.value_assumptions(**case.arguments(), accuracy="fast").set_index(["term", "alternative"])[
        "dirty_price"
    ]
    base, flat, none = (
        deal.value(**case.arguments(), accuracy="fast", **changes)["dirty_price"].iloc[0]
        for changes in ({}, {"volatility": nc.Steps("2005-06-18", 0.9)}, {"dividends": {}})
    )
    assert table["market.volatility", "0.9 to 2005-06-18"] == flat - base
    assert table["market.dividends", "none"] == none - base > 0


def test_a_level_that_is_held_beyond_its_last_date_is_said(case: MarketCase, deal: nc.Deal) -> None:
    def said(last: str) -> list[list[str]]:
        table = deal.value_assumptions(**case.arguments(), accuracy="fast", volatility=nc.Steps([last], [0.6]))
        return table.loc[table["term"] == "market.volatility.dates", ["value", "reason"]].to_numpy().tolist()

    assert said("2007-06-18") == []
    words = "the last level is held from then to maturity on 2007-06-18"
    assert said("2007-06-17") == [["2007-06-17", words]]


def test_a_curve_that_does_not_reach_is_named(case: MarketCase, deal: nc.Deal, tmp_path: Path) -> None:
    short = nc.load_market(write(tmp_path, TEXT.replace('"1y", "3y"]\nzero', '"1y", "2y"]\nzero')))
    words = "`risk_free` must be a curve from the day of valuation to the last payment, not from 2004-06-18 to 2006-06-18; got '2006-06-19'$"
    with pytest.raises(nc.TermError, match=words):
        deal.value(**short.arguments())
    with pytest.raises(nc.TermError, match="`volatility` must be numbers, or Steps; got 'Curve'"):
        deal.value(**case.arguments(), volatility=case.market().risk_free.value)
    with pytest.raises(nc.TermError, match="`stock_price` must be numbers; got 'Steps'"):
        deal.value(**case.arguments(), stock_price=nc.Steps("2005-06-18", 1.5))


def test_a_checker_of_json_schema_accepts_a_file_with_everything() -> None:
    checker = jsonschema.Draft202012Validator(market_schema())
    raw = json.loads(json.dumps(tomllib.loads(TEXT), default=str))
    checker.validate(raw)
    raw["volatility"]["value"]["dates"] = ["2005-06-18", "2006-06-18"]
    assert not checker.is_valid(raw)


WRONG = {
    'over = "whole-term"\n\n[credit': ('over = "average"\n\n[credit', "volatility.value.over", "must be each-stretch or whole-term"),
    'tenors = ["1y", "3y"]\n': ("", "volatility.value", "must have `dates` or `tenors`, one of the two"),
    "values = [0.65, 0.58]": ("values = [0.65]", "volatility.value", "must have a number for each date; 1 for 2"),
    "[0.65, 0.58]": ("[0.65, 0.30]", "volatility.value.values[1]", "of a variance that does not fall from one date to the next"),
    "[0.65, ": ("[65, ", "volatility.value.values[0]", "Did you mean 0.65?"),
    'values = [0.9], over = "each-stretch"': ('values = [0.9], ovr = "each-stretch"', "volatility.alternatives[1].ovr", "Did you mean 'over'?"),
    '"12m", "36m"': ('"36m", "12m"', "hazard_rate.value.tenors[1]", "must be rising"),
    '"6m", "1y", "3y"': ('"6m", "1 year", "3y"', "risk_free.value.tenors[1]", 'such as "90d", "2w", "6m" or "3y"'),
    'compounding = "semi-annual"\n': ("", "risk_free.value.compounding", "is missing"),
    'day_count = "30/360"': ('day_count = "30/361"', "risk_free.value.day_count", "Did you mean"),
    "zero_rates = [0.016": ("zero_rates = [1.6", "risk_free.value.zero_rates[0]", "a decimal between -1 and 1"),
    "[2005-06-18, 2007-06-18], values = [0.07, 0.09]": ("[2004-06-18, 2007-06-18], values = [0.07, 0.09]", "credit_spread.value.dates[0]", "after the file's day (2004-06-18)"),
    "ex_date = 2006-06-01": ("ex_date = 2005-06-01", "dividends.value.ex_date", "must be given once; got '2005-06-01'"),
    "amount = 0.02": ("amount = -0.02", "dividends.value[1].amount", "an amount of at least 0"),
    "hazard_reference_price = {": ("# hazard_reference_price = {", "hazard_reference_price", "is missing: a hazard rate needs it"),
    "recovery_rate = {": ("# recovery_rate = {", "recovery_rate", "is missing: a hazard rate needs it"),
}  # fmt: skip


def problems(file: Path) -> dict[str, str]:
    with pytest.raises(DealFileError) as caught:
        nc.load_market(file)
    return {problem.path: str(problem) for problem in caught.value.problems}


@pytest.mark.parametrize("old", WRONG, ids=range(len(WRONG)))
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str) -> None:
    new, path, words = WRONG[old]
    assert old in TEXT
    found = problems(write(tmp_path, TEXT.replace(old, new, 1)))
    assert path in found, found
    assert words in found[path]


def test_mistakes_of_both_passes_are_told_at_once(tmp_path: Path) -> None:
    text = TEXT.replace("[0.65, 0.58]", "[0.65, 0.30]").replace("amount = 0.02", 'amount = "0.02"')
    assert set(problems(write(tmp_path, text))) == {"volatility.value.values[1]", "dividends.value[1].amount"}


def test_the_memo_shows_them_by_date_with_their_origin(deal: nc.Deal, tmp_path: Path) -> None:
    alone = nc.load_market(write(tmp_path, TEXT.replace(f', alternatives = ["{AFV}"]', "")))
    section = valuation_section(Paper(deal, alone))
    assert section is not None
    market = section.tables[0]
    shown = {row.cells[0].text: [cell.text for cell in row.cells[1:3]] for row in market.bodies[0]}
    assert shown["Volatility"] == ["65.00% to 2005-06-18, 54.16% to 2007-06-18", "45.00%; 90.00% to 2005-06-18"]
    assert shown["Risk free"][0] == "zero rates 1.59% on 2004-12-18, 1.99% on 2005-06-18, 2.98% on 2007-06-18"
    assert shown["Dividends"] == ["0.02 on 2005-06-01, 0.03 on 2006-06-01", "none"]
    assert "what the market file quotes otherwise is converted" in market.notes[0]
    sources = {row.cells[0].text: bool(row.cells[3].references) for row in market.bodies[0]}
    assert [name for name, cited in sources.items() if cited] == ["Risk free"]
