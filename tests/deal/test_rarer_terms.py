"""Make-whole, puts in windows, repayment in shares, claims and a reset of the price: from the file to the engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import notecalc as nc
from notecalc.deal.convertible import simplifications
from notecalc.errors import DealFileError
from notecalc.report.paper import Paper
from notecalc.report.sections.cash import cash_flows_section
from notecalc.report.sections.terms import terms_section

TF, AFV = "tsiveriotis-fernandes", "ayache-forsyth-vetzal"
DAY = "2004-06-18"
MARKET: dict[str, Any] = {"stock_price": 1.5, "volatility": 0.4, "risk_free": 0.03, "accuracy": "fast"}
BY_SPREAD = MARKET | {"on": DAY, "model": TF, "credit": nc.CreditSpread(0.08)}
BY_HAZARD = MARKET | {"on": DAY, "model": AFV}

TERMS = """
recovery_claim = { value = "principal-and-accrued", assumed = "a test" }
redemption_in = { value = "shares", assumed = "a test", alternatives = ["cash"] }
redemption_price_fraction = { value = 0.95, assumed = "a test" }
"""
OPTIONS = """
[[series.notes.calls]]
clean_price = { value = "102", assumed = "a test" }
first_date = { value = 2005-06-18, assumed = "a test" }
last_date = { value = 2007-06-18, assumed = "a test" }
trigger = { value = 1.20, assumed = "a test" }
accrued_interest = { value = "paid", assumed = "a test" }
make_whole_until = { value = 2006-12-18, assumed = "a test" }
make_whole_rate = { value = 0.04, assumed = "a test" }

[[series.notes.puts]]
clean_price = { value = 101, assumed = "a test" }
first_date = { value = 2005-12-18, assumed = "a test" }
last_date = { value = 2006-03-18, assumed = "a test" }
accrued_interest = { value = "paid", assumed = "a test" }
"""
RESET = """
[series.notes.conversion.reset]
condition = { value = "no registration statement in time", source = { document = "rra", section = "Registration default" } }
first_date = { value = 2004-11-15, assumed = "a test" }
conversion_price = { value = "1.65", assumed = "a test", alternatives = ["1.50"] }
"""


def with_terms(text: str, *, terms: str = "", options: str = "", reset: str = "") -> str:
    if options:
        for name in ("redemption", "make_whole"):
            text = text.replace(f'\n{name} = {{ value = "none"', f'\n{name} = {{ value = "calls"', 1)
    text = text.replace(
        'business_day_convention = { value = "following"', 'business_day_convention = { value = "unadjusted"', 1
    )
    return text.replace("\n[series.notes.conversion]\n", f"{terms}\n[series.notes.conversion]\n", 1).replace(
        "\n# ---- who buys", f"{reset}{options}\n# ---- who buys", 1
    )


@pytest.fixture(scope="module")
def load(deal_text: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., nc.Deal]:
    folder = tmp_path_factory.mktemp("deals")

    def make(**parts: str) -> nc.Deal:
        file = folder / f"{'-'.join(parts) or 'plain'}.toml"
        file.write_text(with_terms(deal_text, **parts), encoding="utf-8")
        return nc.load(file)

    return make


def by_hand(model: str, credit: dict[str, Any], **terms: Any) -> Any:
    notes = nc.Notes(
        issue_date=DAY, maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2, day_count="30/360",
        record_days=15,
    )  # fmt: skip
    conversions = terms.pop("conversions", [nc.ConversionWindow(conversion_price=1.85)])
    kept = "forfeited-before-record-date"
    own = nc.Convertible(periods=nc.resolve(notes), conversions=conversions, accrued_on_conversion=kept, **terms)
    return nc.convertible_value(own, DAY, model=model, **MARKET, **credit)


def dirty(deal: nc.Deal, **market: Any) -> float:
    return float(deal.value(**market)["dirty_price"].iloc[0])


# ---- terms of the note ----


def test_make_whole_a_put_in_a_window_and_repayment_in_shares_reach_the_engine(load: Callable[..., nc.Deal]) -> None:
    windows = {
        "calls": [
            nc.CallWindow(
                clean_price=102, trigger=1.2, start="2005-06-18", make_whole_until="2006-12-18", make_whole_rate=0.04
            )
        ],
        "puts": [nc.PutWindow(clean_price=101, start="2005-12-18", end="2006-03-18")],
        "redemption_in": "shares",
        "redemption_price_fraction": 0.95,
    }
    found = dirty(load(terms=TERMS, options=OPTIONS), **BY_SPREAD)
    assert found == by_hand(TF, {"credit_spread": 0.08}, **windows).dirty_price


def test_shares_at_maturity_are_worth_more_than_the_principal_that_they_repay(load: Callable[..., nc.Deal]) -> None:
    """Without spread, and with coupons aside: 100 / 0.95 in place of 100, three years from now."""
    market = BY_SPREAD | {"stock_price": 0.01, "credit": nc.CreditSpread(0)}
    more = dirty(load(terms=TERMS), **market) - dirty(load(), **market)
    assert more == pytest.approx((100 / 0.95 - 100) * np.exp(-3 * 0.03), abs=1e-6)  # of a grid's 'fast' accuracy


def test_the_claim_is_the_deals_unless_another_is_given(load: Callable[..., nc.Deal]) -> None:
    stated, silent = load(terms=TERMS.splitlines()[1] + "\n"), load()
    credit = {"hazard_rate": 0.2, "recovery_rate": 0.6, "stock_drop": 1}
    hazard, of_principal, of_both = (
        nc.Hazard(0.2, 0.6, 1, claim=claim) for claim in (None, "principal", "principal-and-accrued")
    )
    both, principal = (
        by_hand(AFV, credit, recovery_claim=claim).dirty_price for claim in ("principal-and-accrued", "principal")
    )
    assert dirty(stated, **BY_HAZARD, credit=hazard) == both
    assert dirty(stated, **BY_HAZARD, credit=of_principal) == principal
    assert dirty(silent, **BY_HAZARD, credit=hazard) == principal
    assert dirty(silent, **BY_HAZARD, credit=of_both) == both
    said = silent.value_assumptions(**BY_HAZARD, credit=hazard).set_index("term").loc["series.notes.recovery_claim"]
    assert said[["value", "alternative", "dirty_price"]].tolist() == [
        "principal",
        "principal-and-accrued",
        both - principal,
    ]
    for stating, market in ((stated, {"credit": hazard}), (silent, {"credit": of_both})):
        assumed = stating.value_assumptions(**BY_HAZARD, **market)
        assert "does not say" not in " ".join(assumed["reason"])


def test_that_cash_flows_leave_out_the_worth_of_shares_is_said(load: Callable[..., nc.Deal]) -> None:
    paper = Paper(load(terms=TERMS, reset=RESET))
    notes = cash_flows_section(paper).tables[0].notes
    assert "Principal is repaid in shares at maturity: its amount stands here, not what the shares are worth." in notes
    titles = [row.cells[0].text for body in terms_section(paper).tables[0].bodies for row in body]
    assert "Reset: conversion price" in titles


# ---- a reset on a condition ----


def windows(price: float) -> list[nc.ConversionWindow]:
    return [
        nc.ConversionWindow(conversion_price=1.85, end="2004-11-15"),
        nc.ConversionWindow(conversion_price=price, start="2004-11-15"),
    ]


def test_a_value_under_a_reset_is_the_mean_of_two_options(load: Callable[..., nc.Deal]) -> None:
    """Without dividends or credit conversion waits for maturity, and keeps the last coupon.

    So a note is its bond and options of Black and Scholes on 100.
    """
    chance = np.array([0.0, 0.25, 1.0])
    market = BY_SPREAD | {"credit": nc.CreditSpread(0), "accuracy": "reference"}
    found = load(reset=RESET).value(**market, reset_probability=chance)
    days = np.array(["2004-12-18", "2005-06-18", "2005-12-18", "2006-06-18", "2006-12-18", "2007-06-18"], "M8[D]")
    years = (days - np.datetime64(DAY)).astype(int) / 365
    bond = np.sum([4, 4, 4, 4, 4, 104] * np.exp(-0.03 * years))
    deviation = 0.4 * np.sqrt(years[-1])
    price = np.array([1.85, 1.65])
    d1 = np.log(1.5 / price) / deviation + 0.03 * years[-1] / deviation + deviation / 2
    deltas = 100 / price * norm.cdf(d1)
    calls = 1.5 * deltas - 100 * np.exp(-0.03 * years[-1]) * norm.cdf(d1 - deviation)
    weights = np.column_stack([1 - chance, chance])
    assert found["bond_floor"].tolist() == pytest.approx([bond] * 3, abs=1e-9)
    assert found["dirty_price"].tolist() == pytest.approx((bond + weights @ calls).tolist(), abs=1e-4)
    assert found["delta"].tolist() == pytest.approx((weights @ deltas).tolist(), abs=1e-4)


def test_a_put_before_a_reset_is_used_with_foresight_and_that_is_said(load: Callable[..., nc.Deal]) -> None:
    """Without interest on money, and with hardly any volatility, at a stock price of 1.

    With a reset to 0.50: six coupons and 200 shares, 224. Without: 124, or the put at 130 and two months' interest.
    Who does not know on the day of the put waits, since (224 + 124) / 2 is more than that.
    """
    put = OPTIONS[OPTIONS.index("[[series.notes.puts]]") :].replace("value = 101", "value = 130")
    put = put.replace("2005-12-18", "2004-08-18").replace("2006-03-18", "2004-08-18")
    deal = load(reset=RESET.replace('"1.65"', '"0.50"') + f"\n{put}")
    market = BY_SPREAD | {"credit": nc.CreditSpread(0), "stock_price": 1, "volatility": 0.01, "risk_free": 0}
    put_at = 130 + 8 / 6
    assert put_at < (224 + 124) / 2
    assert dirty(deal, **market, reset_probability=0.5) == pytest.approx((224 + put_at) / 2, abs=1e-3)

    def said(**changes: Any) -> list[str]:
        table = deal.value_assumptions(**market | {"reset_probability": 0.5} | changes)
        return table.loc[table["term"] == "series.notes.conversion.reset.condition", "reason"].tolist()

    words = "valued as if known from the day of valuation whether it happens: too high where a "
    assert said() == [f"{words}conversion or put before 2004-11-15 pays"]
    assert said(on="2004-09-18") == [f"{words}conversion before 2004-11-15 pays"]
    assert said(reset_probability=1) == said(on="2004-11-15", reset_probability=0) == []


@pytest.mark.parametrize(("called", "told"), [("2004-12-14", True), ("2004-12-15", False)])
def test_a_call_is_before_a_reset_if_its_notice_is(callable_text: str, tmp_path: Path, called: str, told: bool) -> None:
    """Thirty days before: on 14 November, the day before the reset, or on its day."""
    text = callable_text.replace("\n# ---- who buys", f"{RESET}\n# ---- who buys", 1)
    step = 'first_date = { value = 2006-06-18, assumed = "a test" }\nconversion_price'
    text = text.replace(step, step.replace("2006-06-18", "2004-07-18"), 1)
    file = tmp_path / "called.toml"
    file.write_text(text.replace("first_date = { value = 2005-06-18", f"first_date = {{ value = {called}"), "utf-8")
    said = dict(simplifications(nc.load(file).terms, np.datetime64(DAY), 0.25))
    words = said["series.notes.conversion.reset.condition"]
    assert ("too low where a call before 2004-11-15 pays" in words) == told
    assert "too high where a conversion before" in words


def test_a_reading_by_which_there_is_no_value_says_why(load: Callable[..., nc.Deal]) -> None:
    """A reset that has happened or not by the day of valuation has no chance between."""
    reset = RESET.replace(
        '2004-11-15, assumed = "a test"', '2004-11-15, assumed = "a test", alternatives = [2004-08-01]'
    )
    table = load(reset=reset, terms="\n").value_assumptions(**BY_SPREAD | {"on": "2004-09-18"}, reset_probability=0.25)
    row = table.set_index("term").loc["series.notes.conversion.reset.first_date"]
    assert (row["alternative"], np.isnan(row["dirty_price"])) == ("2004-08-01", True)
    assert row["remark"] == "`reset_probability` must be 0 or 1 from 2004-08-01 on, when it is known; got 0.25"
    assert (table.loc[table["dirty_price"].notna(), "remark"] == "").all()


def test_what_follows_from_a_value_under_a_reset_follows_from_the_mean(load: Callable[..., nc.Deal]) -> None:
    deal, credit = load(reset=RESET), {"credit_spread": 0.08}
    without, with_it = by_hand(TF, credit), by_hand(TF, credit, conversions=windows(1.65))
    found = deal.value(**BY_SPREAD, reset_probability=[0, 0.25, 1])
    for name in ("dirty_price", "theta", "error_estimate"):
        assert found[name].iloc[[0, 2]].tolist() == [getattr(without, name), getattr(with_it, name)]
    for name in ("conversion_premium", "investment_premium", "years_to_break_even"):
        assert found[name].iloc[[0, 2]].tolist() == [getattr(without, name), getattr(with_it, name)]
    mean = found.iloc[1]
    assert mean["conversion_premium"] == pytest.approx(mean["clean_price"] / (150 / 1.85) - 1)
    assert mean["investment_premium"] == pytest.approx(mean["dirty_price"] / mean["bond_floor"] - 1)
    assert mean["years_to_break_even"] == pytest.approx((mean["clean_price"] - 150 / 1.85) / 8)


def test_sensitivities_are_means_too_and_the_chance_has_its_own(load: Callable[..., nc.Deal]) -> None:
    deal = load(reset=RESET)
    found = deal.greeks(**BY_SPREAD, reset_probability=[0.0, 0.4, 1.0])
    for name in ("delta", "vega", "rho", "credit", "hedge_ratio"):
        none, some, sure = found[name]
        assert some == pytest.approx(0.6 * none + 0.4 * sure)
    values = deal.value(**BY_SPREAD, reset_probability=[0.4, 0.41])["dirty_price"]
    assert found["reset"].tolist() == pytest.approx([values[1] - values[0]] * 3)
    assert found.notecalc.units["reset"] == "per 100 per 0.01"


@pytest.mark.parametrize("name", ["volatility", "credit", "stock_price"])
def test_what_a_mean_value_implies_gives_it_back(load: Callable[..., nc.Deal], name: str) -> None:
    deal = load(reset=RESET)
    price = deal.value(**BY_SPREAD, reset_probability=0.25)["clean_price"].iloc[0]
    found = getattr(deal, f"implied_{name}")(price, **BY_SPREAD, reset_probability=0.25).iloc[0]
    expected = {"volatility": 0.4, "credit_spread": 0.08, "stock_price": 1.5}
    column = "credit_spread" if name == "credit" else name
    assert (found[column], found["solutions"]) == (pytest.approx(expected[column], abs=1e-8), 1)


def test_other_readings_of_a_reset_are_tried(load: Callable[..., nc.Deal]) -> None:
    chance = nc.Quote(0.25, assumed="the issuer has filed in time before", alternatives=(1.0,))
    deal = load(reset=RESET)
    found = deal.value_assumptions(**BY_SPREAD, reset_probability=chance).set_index(["term", "alternative"])
    low, high = deal.value(**BY_SPREAD, reset_probability=[0.25, 1])["dirty_price"]
    assert found.loc[("market.reset_probability", "1.0"), "dirty_price"] == high - low > 0
    lower = by_hand(TF, {"credit_spread": 0.08}, conversions=windows(1.5)).dirty_price
    gain = found.loc[("series.notes.conversion.reset.conversion_price", "1.50"), "dirty_price"]
    assert gain == pytest.approx(0.25 * (lower - high), abs=1e-12)


def test_a_reset_needs_its_chance_which_is_known_from_its_day_on(load: Callable[..., nc.Deal]) -> None:
    deal = load(reset=RESET)
    for changes, words in (
        (
            {},
            r"`reset_probability` must be given: the deal's conversion price may be reset to 1.65 from 2004-11-15 on \(no reg",
        ),
        ({"reset_probability": 1.2}, "must be a fraction from 0 to 1; got 1.2"),
        (
            {"reset_probability": 0.5, "on": "2004-11-15"},
            "must be 0 or 1 from 2004-11-15 on, when it is known; got 0.5",
        ),
    ):
        with pytest.raises(nc.TermError, match=words):
            deal.value(**BY_SPREAD | changes)
    with pytest.raises(nc.TermError, match="left out, as the deal file has no series.notes.conversion.reset; got 0.5"):
        load().value(**BY_SPREAD, reset_probability=0.5)
    after = deal.value(**BY_SPREAD | {"on": "2004-11-15"}, reset_probability=[0, 1])
    assert after["parity"].tolist() == pytest.approx([150 / 1.85, 150 / 1.65])


# ---- wrong files, and QuantLib ----

FOLLOWING = "series.notes.conversion.reset.first_date.value"
WRONG: dict[str, tuple[str, str, str]] = {
    'redemption_price_fraction = { value = 0.95, assumed = "a test" }': ("", "series.notes.redemption_price_fraction", "is missing: shares are counted"),
    "redemption_price_fraction = { value = 0.95": ("redemption_price_fraction = { value = 0", "series.notes.redemption_price_fraction.value", "must be above 0"),
    'redemption_in = { value = "shares", assumed = "a test", alternatives = ["cash"] }': ("", "series.notes.redemption_price_fraction", "left out without `redemption_in`"),
    'redemption_in = { value = "shares"': ('redemption_in = { value = "stock"', "series.notes.redemption_in.value", "must be cash or shares"),
    'value = "principal-and-accrued"': ('value = "par"', "series.notes.recovery_claim.value", "must be principal or principal-and-accrued"),
    'make_whole = { value = "calls"': ('make_whole = { value = "none"', "series.notes.make_whole.value", "must be calls where [[series.notes.calls]] have `make_whole_until`"),
    'make_whole_until = { value = 2006-12-18, assumed = "a test" }\n': ("", "series.notes.calls[0].make_whole_until", "is missing: `make_whole_rate` discounts up to it"),
    "make_whole_until = { value = 2006-12-18": ("make_whole_until = { value = 2005-06-18", "series.notes.calls[0].make_whole_until.value", "must be after series.notes.calls[0].first_date"),
    "first_date = { value = 2004-11-15": ("first_date = { value = 2004-06-18", FOLLOWING, "must be after series.notes.conversion.first_date"),
    'conversion_price = { value = "1.65"': ("conversion_price = { value = 1.65", "series.notes.conversion.reset.conversion_price.value", "never a float"),
    "condition = {": ("conditon = {", "series.notes.conversion.reset.conditon", "Did you mean 'condition'?"),
}  # fmt: skip


@pytest.mark.parametrize("old", WRONG, ids=range(len(WRONG)))
def test_a_mistake_is_named_with_its_place(deal_text: str, tmp_path: Path, old: str) -> None:
    new, path, words = WRONG[old]
    text = with_terms(deal_text, terms=TERMS, options=OPTIONS, reset=RESET)
    assert old in text
    file = tmp_path / "wrong.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DealFileError) as caught:
        nc.load(file)
    found = {problem.path: str(problem) for problem in caught.value.problems}
    assert path in found, found
    assert words in found[path]


def test_quantlib_takes_none_of_them_in_silence(load: Callable[..., nc.Deal], callable_deal: nc.Deal) -> None:
    for parts, words in (
        ({"reset": RESET}, "conversion.reset` must be none, as QuantLib has one conversion price"),
        ({"terms": TERMS}, "redemption_in` must be cash, as QuantLib has it"),
        ({"options": OPTIONS}, r"calls\[0\].make_whole_until` must be none, as QuantLib pays accrued interest alone"),
    ):
        with pytest.raises(nc.TermError, match=words):
            load(**parts).to_quantlib()
    claim = load(terms=TERMS.splitlines()[1] + "\n").to_quantlib()  # its model knows no recovery
    curve = nc.Curve.from_zero_rates(
        DAY, ["2007-06-18"], [0.03], compounding="continuous", interpolation="linear-zero-rates", day_count="actual/365 fixed"
    )  # fmt: skip
    with pytest.raises(nc.TermError, match="`risk_free` must be a number, as QuantLib's tree takes one for the whole"):
        claim.set_engine(on=DAY, stock_price=1.5, volatility=0.4, risk_free=curve, credit_spread=0.08, steps=50)
