"""A deal's notes are valued as the engine values them, by the deal's own terms, with what was given beside each value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import notecalc as nc
from notecalc.deal.convertible import simplifications

TF, AFV, GS = "tsiveriotis-fernandes", "ayache-forsyth-vetzal", "goldman-sachs"
DAY = "2004-06-18"
SPREAD: dict[str, Any] = {"risk_free": 0.03, "credit": nc.CreditSpread(0.08)}


@pytest.fixture(scope="session")
def plain(deal: nc.Deal) -> nc.Deal:
    """The deal as in the reference values: coupons are paid on their own dates, and the last one not beside shares."""
    return deal.replace(
        business_day_convention="unadjusted", **{"series.notes.conversion.accrued_interest": "forfeited"}
    )


@pytest.fixture(scope="session")
def reference() -> list[dict[str, Any]]:
    """Semi-analytic values of the deal's terms; see the file for their origin."""
    file = Path(__file__).parents[1] / "data" / "convertible.json"
    return json.loads(file.read_text(encoding="utf-8"))["cases"]


def test_values_are_those_of_the_reference(plain: nc.Deal, reference: list[dict[str, Any]]) -> None:
    stocks, volatility = [case["S"] for case in reference], [case["volatility"] for case in reference]
    for model, key, credit in (
        (TF, "TF", nc.CreditSpread(0.08)),
        (AFV, "AFV_eta1", nc.Hazard(0.08, recovery_rate=0, stock_drop=1)),
        (AFV, "AFV_eta0", nc.Hazard(0.08, recovery_rate=0, stock_drop=0)),
    ):
        found = plain.value(
            on=DAY, model=model, stock_price=stocks, volatility=volatility, risk_free=0.03, credit=credit, accuracy="reference"
        )  # fmt: skip
        assert found["dirty_price"].tolist() == pytest.approx([case[key] for case in reference], abs=1e-5)


def test_the_whole_series_is_worth_its_price_times_its_principal(plain: nc.Deal) -> None:
    found = plain.value(on=DAY, model=TF, stock_price=1.5, volatility=0.6, **SPREAD).iloc[0]
    assert found["value"] == pytest.approx(290_000 * found["dirty_price"])
    assert found["parity"] == pytest.approx(100 / 1.85 * 1.5)


def test_a_market_and_its_data_by_name_are_the_same(plain: nc.Deal) -> None:
    market = nc.Market(stock_price=1.2, volatility=0.6, **SPREAD)
    by_market = plain.value(on=DAY, model=TF, market=market, stock_price=1.5)
    by_name = plain.value(on=DAY, model=TF, stock_price=1.5, volatility=0.6, **SPREAD)
    pd.testing.assert_frame_equal(by_market, by_name)
    assert by_market.notecalc.recipe == by_name.notecalc.recipe
    assert by_market.notecalc.recipe["arguments"]["market"]["stock_price"] == {
        "value": 1.5,
        "assumed": "given by the caller",
    }


def test_a_grid_is_a_row_for_each_combination(plain: nc.Deal) -> None:
    stocks, volatilities = [1.0, 1.5, 2.5], [0.4, 0.6]
    grid = plain.value(on=DAY, model=TF, stock_price=[[s] for s in stocks], volatility=volatilities, **SPREAD)
    assert grid["stock_price"].tolist() == [1.0, 1.0, 1.5, 1.5, 2.5, 2.5]
    assert grid["volatility"].tolist() == volatilities * 3
    alone = plain.value(on=DAY, model=TF, stock_price=1.5, volatility=0.6, **SPREAD)
    assert grid["dirty_price"].iloc[3] == alone["dirty_price"].iloc[0]


def test_series_give_their_index(plain: nc.Deal) -> None:
    stocks = pd.Series([1.5, 2.5], index=pd.Index(["low", "high"], name="case"))
    found = plain.greeks(on=DAY, model=TF, stock_price=stocks, volatility=0.6, **SPREAD)
    assert found.index.equals(stocks.index)
    with pytest.raises(nc.IndexMismatchError):
        plain.value(on=DAY, model=TF, stock_price=stocks, volatility=pd.Series([0.5, 0.6]), **SPREAD)


def test_every_column_has_a_unit_but_the_day(plain: nc.Deal) -> None:
    data = {"stock_price": 1.5, "volatility": 0.6, **SPREAD}
    for made in (
        plain.value(on=DAY, model=TF, **data),
        plain.greeks(on=DAY, model=TF, **data),
        plain.value_per_share(1.5, on=DAY),
    ):
        assert set(made.columns) - set(made.notecalc.units) == {"on"}
    found = plain.implied_volatility(130, on=DAY, model=TF, **data)
    assert set(found.columns) - set(found.notecalc.units) == {"on", "solutions", "remark"}


def test_a_frame_goes_through_parquet(plain: nc.Deal, tmp_path: Path) -> None:
    curve = nc.Curve.from_zero_rates(
        DAY, ["2007-06-18"], [0.03], compounding="continuous", interpolation="linear-zero-rates", day_count="actual/365 fixed"
    )  # fmt: skip
    volatility = nc.Steps(["2005-06-18", "2007-06-18"], [0.6, 0.5])
    data = {"risk_free": curve, "credit": nc.CreditSpread(0.08), "dividends": {"2005-01-10": 0.02}}
    found = plain.value(on=DAY, model=TF, stock_price=[1.5, 2.0], volatility=volatility, **data)
    found.to_parquet(tmp_path / "value.parquet")
    back = pd.read_parquet(tmp_path / "value.parquet")
    pd.testing.assert_frame_equal(back, found)
    assert back.notecalc.recipe["arguments"]["market"]["dividends"]["value"] == {"2005-01-10": 0.02}


def test_dividends_may_be_a_series_by_date(plain: nc.Deal) -> None:
    days = pd.Series([0.02], index=pd.to_datetime(["2005-01-10"]))
    data = {"on": DAY, "model": TF, "stock_price": 1.5, "volatility": 0.6, **SPREAD}
    by_series = plain.value(dividends=days, **data)
    assert (
        by_series["dirty_price"].iloc[0] == plain.value(dividends={"2005-01-10": 0.02}, **data)["dirty_price"].iloc[0]
    )
    assert by_series["dirty_price"].iloc[0] < plain.value(**data)["dirty_price"].iloc[0]
    with pytest.raises(nc.TermError, match="`dividends` must be amounts by ex-date"):
        plain.value(dividends=0.02, **data)


def test_a_hazard_rate_that_moves_with_the_stock_is_the_one_given_at_its_reference_price(plain: nc.Deal) -> None:
    """p (S / S0)^-b from S0 = 1.5 on is p 2^-b (S / 3)^-b from 3 on: one rate, told from two prices."""
    data = {"on": DAY, "model": AFV, "volatility": 0.6, "risk_free": 0.03}
    far = nc.Hazard(0.1, recovery_rate=0.4, stock_drop=1, elasticity=1.2, reference_price=1.5)
    own = nc.Hazard(0.1 * 2**-1.2, recovery_rate=0.4, stock_drop=1, elasticity=1.2)
    found, same = (plain.value(**data, stock_price=3.0, credit=credit).iloc[0] for credit in (far, own))
    for name in ("dirty_price", "bond_floor", "delta"):
        assert found[name] == pytest.approx(same[name], abs=1e-6)  # the grid's ends move with the rate given
    implied = plain.implied_stock_price(found["clean_price"], **data, credit=far)
    assert implied["stock_price"].iloc[0] == pytest.approx(3.0, abs=1e-7)


# ---- what a price implies ----


def test_what_a_value_implies_gives_it_back(plain: nc.Deal) -> None:
    data = {"stock_price": 1.5, "volatility": 0.6, **SPREAD}
    price = plain.value(on=DAY, model=TF, **data)["clean_price"].iloc[0]
    assert plain.implied_volatility(price, on=DAY, model=TF, **data)["volatility"].iloc[0] == pytest.approx(
        0.6, abs=1e-8
    )
    assert plain.implied_stock_price(price, on=DAY, model=TF, **data)["stock_price"].iloc[0] == pytest.approx(
        1.5, abs=1e-8
    )
    assert plain.implied_credit(price, on=DAY, model=TF, **data)["credit_spread"].iloc[0] == pytest.approx(
        0.08, abs=1e-8
    )
    hazard = data | {"credit": nc.Hazard(0.05, recovery_rate=0.4, stock_drop=1)}
    price = plain.value(on=DAY, model=AFV, **hazard)["clean_price"].iloc[0]
    assert plain.implied_credit(price, on=DAY, model=AFV, **hazard)["hazard_rate"].iloc[0] == pytest.approx(
        0.05, abs=1e-8
    )


def test_no_solution_is_an_answer(plain: nc.Deal) -> None:
    """At a stock price of 3 the notes are worth parity, 162, at least: no volatility makes that 100."""
    found = plain.implied_volatility(100, on=DAY, model=TF, stock_price=[3.0, 1.0], **SPREAD)
    assert found["remark"].iloc[0] == "no solution"
    assert np.isnan(found["volatility"].iloc[0])
    assert found["solutions"].tolist() == [0.0, 1.0]


def test_a_price_that_a_range_of_volatilities_gives_is_said(plain: nc.Deal) -> None:
    """With a yield of 20% the notes are converted at once at a stock price of 6: they are worth parity, whatever it is."""
    found = plain.implied_volatility(600 / 1.85, on=DAY, model=TF, stock_price=6.0, dividend_yield=0.2, **SPREAD)
    assert found["remark"].tolist() == ["the same on a range"]
    assert found["solutions"].isna().all()
    assert found["volatility"].isna().all()


# ---- what is refused ----


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"credit": nc.Hazard(0.08, 0.4, 1)}, f"`credit` must be a CreditSpread with model '{TF}'"),
        ({"model": AFV}, f"`credit` must be a Hazard with model '{AFV}'"),
        ({"volatility": 60}, "`volatility` must be a decimal above 0 and up to 10; got 60.0. Did you mean 0.6?"),
        ({"volatility": [0.6, -1]}, "`volatility` must be a decimal above 0 and up to 10; got -1.0 at row 1"),
        ({"model": "black-scholes"}, "`model` must be"),
        ({"on": "2007-06-18"}, "`settlement` must be"),
        ({"market": 0.6}, "`market` must be a Market; got 'float'"),
    ],
    ids=range(7),
)
def test_what_cannot_be_valued_says_why(plain: nc.Deal, changes: dict[str, Any], words: str) -> None:
    data = {"on": DAY, "model": TF, "stock_price": 1.5, "volatility": 0.6, **SPREAD} | changes
    with pytest.raises(nc.TermError, match=words):
        plain.value(**data)


def test_a_misspelt_datum_is_a_type_error(plain: nc.Deal) -> None:
    with pytest.raises(TypeError, match="'volatilty'"):
        plain.value(on=DAY, model=TF, stock_price=1.5, volatilty=0.6, **SPREAD)


# ---- calls, puts and steps of the deal file ----


def test_calls_puts_and_steps_reach_the_engine(callable_deal: nc.Deal, plain: nc.Deal) -> None:
    """Against the same windows written by hand."""
    unadjusted = callable_deal.replace(business_day_convention="unadjusted")
    notes = nc.Notes(
        issue_date=DAY, maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2, day_count="30/360",
        record_days=15,
    )  # fmt: skip
    terms = nc.Convertible(
        periods=nc.resolve(notes),
        conversions=[
            nc.ConversionWindow(conversion_price=1.85, end="2006-06-18"),
            nc.ConversionWindow(conversion_price=2, start="2006-06-18"),
        ],
        calls=[
            nc.CallWindow(
                clean_price=104, trigger=1.5, days=(20, 30), notice_days=30, start="2005-06-18", end="2006-06-18"
            ),
            nc.CallWindow(clean_price=102.5, notice_days=30, start="2006-06-18", end="2007-06-18"),
        ],
        puts=[nc.PutWindow(start="2006-06-18", end="2006-06-18", clean_price=100)],
        accrued_on_conversion="forfeited-before-record-date",
    )
    market = {"stock_price": 1.5, "volatility": 0.6, "risk_free": 0.03}
    by_hand = nc.convertible_value(terms, DAY, model=TF, credit_spread=0.08, **market)
    found = unadjusted.value(on=DAY, model=TF, credit=nc.CreditSpread(0.08), **market)
    assert found["dirty_price"].iloc[0] == by_hand.dirty_price
    assert (
        by_hand.dirty_price
        < plain.value(on=DAY, model=TF, stock_price=1.5, volatility=0.6, **SPREAD)["dirty_price"].iloc[0]
    )


def test_what_the_engine_leaves_out_of_the_terms_is_said(callable_deal: nc.Deal) -> None:
    said = dict(simplifications(callable_deal.terms, np.datetime64(DAY), 0.0))
    ignored = [f"series.notes.{name}" for name in ("prepayment_premium", "change_of_control_price", "default_rate")]
    assert [*said] == ["series.notes.conversion.accrued_interest", *ignored]
    assert all("left out" in words for words in said.values())


def test_a_term_that_no_value_knows_of_has_no_change_of_zero(deal: nc.Deal) -> None:
    """A put on a change of control is worth something, whatever the engine says of it."""
    market = {"stock_price": 1.5, "volatility": 0.6, **SPREAD, "accuracy": "fast"}
    table = deal.replace(default_rate=0.10).value_assumptions(on=DAY, model=TF, **market).set_index("term")
    control = table.loc["series.notes.change_of_control_price"]
    assert control["alternative"].tolist() == ["100", "101"]
    assert control["dirty_price"].isna().all()
    assert control["reason"].eq("left out of the value, whatever it is").all()
    given = table.loc[["series.notes.default_rate"]]
    assert given["dirty_price"].isna().all()
    assert given["reason"].eq("valued as if there were none: it is left out of the value").all()


def test_a_trigger_on_a_day_needs_none_out_of_several(callable_deal: nc.Deal) -> None:
    """Days on which the trigger must be met postpone the call, which is the issuer's."""
    market = {"on": DAY, "model": TF, "stock_price": 2.2, "volatility": 0.4, **SPREAD}
    once = callable_deal.replace(**{"series.notes.calls[0].trigger_days": 1})
    assert once.value(**market)["dirty_price"].iloc[0] < callable_deal.value(**market)["dirty_price"].iloc[0]


def test_a_period_that_is_not_known_is_refused(callable_deal: nc.Deal) -> None:
    other = callable_deal.replace(**{"series.notes.calls[0].trigger_period": 25})
    with pytest.raises(nc.TermError, match=r"`days` must be .* got \(20, 25\)"):
        other.value(on=DAY, model=TF, stock_price=1.5, volatility=0.6, **SPREAD)


def test_a_put_window_reaches_the_engine(callable_deal: nc.Deal) -> None:
    """A note worth less than its put is put at once, accrued interest and all."""
    wider = callable_deal.replace(
        **{"series.notes.puts[0].first_date": "2004-06-18", "series.notes.puts[0].last_date": "2006-07-18"}
    )
    market = {"model": TF, "volatility": 0.4, "risk_free": 0.03, "credit": nc.CreditSpread(0.3)}
    found = wider.value(on="2004-09-18", stock_price=0.1, **market)
    assert found["dirty_price"].iloc[0] == pytest.approx(100 + 2, abs=1e-9)
    assert found["delta"].iloc[0] == 0


# ---- shares ----


def test_value_per_share_is_equity_and_debt_over_all_shares(deal: nc.Deal) -> None:
    """46,655,867 shares issued, and 15,675,670 on conversion of 29,000,000 at 1.85, whole for each holder."""
    found = deal.value_per_share(3.0, on=DAY).iloc[0]
    assert found["value_per_share_after"] == pytest.approx((46_655_867 * 3 + 29_000_000) / (46_655_867 + 15_675_670))
    assert found["parity_after"] == pytest.approx(100 * 15_675_670 / 29_000_000 * found["value_per_share_after"])


def test_accrued_interest_that_is_forfeited_is_owed_no_more(deal: nc.Deal) -> None:
    """Three months of 8% on 29,000,000 are 580,000."""
    assert deal.value_per_share(3.0, on="2004-09-18")["debt_extinguished"].tolist() == [29_580_000]
    paid = deal.replace(**{"series.notes.conversion.accrued_interest": "paid"})
    assert paid.value_per_share(3.0, on="2004-09-18")["debt_extinguished"].tolist() == [29_000_000]


def test_new_shares_are_at_the_price_of_the_day(callable_deal: nc.Deal) -> None:
    found = callable_deal.value_per_share(3.0, on=["2006-06-17", "2006-06-18"])
    assert found["new_shares"].tolist() == [15_675_670, 14_500_000]


def test_a_market_file_or_its_name_is_no_market_and_the_message_says_the_way(deal: nc.Deal) -> None:
    case = nc.load_market("ibasis-2004-06-18")
    for given, kind in ((case, "MarketCase"), ("ibasis-2004-06-18", "str")):
        with pytest.raises(nc.TermError) as found:
            deal.value(on=DAY, model=TF, market=given)  # type: ignore[typeddict-item]
        assert str(found.value) == (
            f"`market` must be a Market; got {kind!r}. Write case = notecalc.load_market(...), then "
            "market=case.market(), or **case.arguments()"
        )


def test_all_data_that_are_missing_are_named(deal: nc.Deal) -> None:
    with pytest.raises(nc.TermError) as found:
        deal.value(on=DAY, model=TF)
    rule = "must be given by name, or in a market; got None"
    assert str(found.value) == f"`stock_price, volatility, risk_free and credit` {rule}"
    with pytest.raises(nc.TermError, match=r"^`stock_price` must be given"):  # not the volatility that is looked for
        deal.implied_volatility(100, on=DAY, model=TF, **SPREAD)
    with pytest.raises(nc.TermError, match=r"^`credit` must be given"):  # without a recovery rate
        deal.implied_credit(100, on=DAY, model=AFV, stock_price=1.5, volatility=0.6, risk_free=0.03)
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'volatilty'. Did you mean 'volatility'\?"):
        deal.value(on=DAY, model=TF, volatilty=0.6)  # type: ignore[call-arg]


@pytest.mark.parametrize(("day", "rule"), [("2004-06-17", "on or after issue"), ("2007-06-18", "before maturity")])
def test_no_share_has_a_value_after_conversion_of_notes_that_are_not_there(deal: nc.Deal, day: str, rule: str) -> None:
    with pytest.raises(nc.TermError, match=f"`on` must be {rule}; got '{day}' at row 1"):
        deal.value_per_share(1.5, on=[DAY, day])
