"""Closing: what each purchaser pays, surrenders and gets back, under each reading of an excess, to the cent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import notecalc as nc
from notecalc.deal.dealfile import validate_terms

JMG, WINDWARD = "JMG Triton Offshore Fund Limited CITCO", "Windward Capital, L.P."
POLICIES = ["capped_forfeited", "capped_kept", "refunded", "full_satisfaction"]
PRINCIPALS = [1_450_000, 1_050_000, 500_000, 500_000, 3_500_000, 3_500_000, 3_500_000, 10_000_000, 5_000_000]
PAID_IN_CASH = 1_450_000 + 1_050_000 + 500_000 + 500_000 + 3 * 3_500_000  # the seven purchasers without a right


@pytest.mark.parametrize(
    ("policy", "elects", "cash_due", "cash_to_company"),
    [
        ("capped_forfeited", "all", PAID_IN_CASH + 6_025_000, 20_025_000),
        ("capped_kept", "all", PAID_IN_CASH + 6_025_000, 20_025_000),
        ("refunded", "all", PAID_IN_CASH + 6_025_000, 20_025_000 - 100_000),
        ("full_satisfaction", "all", PAID_IN_CASH, 14_000_000),
        ("capped_forfeited", "none", 29_000_000, 29_000_000),
        ("capped_kept", "none", 29_000_000, 29_000_000),
        ("refunded", "none", 29_000_000, 29_000_000),
        ("full_satisfaction", "none", 29_000_000, 29_000_000),
        ("capped_forfeited", {"windward": True}, 24_000_000, 24_000_000),
        ("refunded", {"windward": True}, 24_000_000, 23_900_000),
        ("capped_forfeited", {"jmg-triton": True}, 25_025_000, 25_025_000),
        ("full_satisfaction", {"jmg-triton": True, "windward": False}, 19_000_000, 19_000_000),
        ("capped_forfeited", {"jmg-triton": 1_000_000, "windward": 2_000_000}, 26_000_000, 26_000_000),
        ("full_satisfaction", {"jmg-triton": "0.01"}, 19_000_000, 19_000_000),
        ("full_satisfaction", {"jmg-triton": 0}, 29_000_000, 29_000_000),
    ],
)
def test_cash_by_policy_and_election(
    deal: nc.Deal, policy: str, elects: Any, cash_due: float, cash_to_company: float
) -> None:
    table = deal.closing(policy=policy, elects=elects)
    assert table["cash_due"].sum() == cash_due
    assert table["cash_to_company"].sum() == cash_to_company
    assert table["principal"].tolist() == PRINCIPALS
    assert table["purchase_price"].tolist() == PRINCIPALS  # 1,000 per 1,000


@pytest.mark.parametrize(
    ("policy", "jmg", "windward"),
    [  # surrendered, credit, cash due, refund, forfeited, kept, cash to the company
        (
            "capped_forfeited",
            [3_975_000, 3_975_000, 6_025_000, 0, 0, 0, 6_025_000],
            [5_100_000, 5_000_000, 0, 0, 100_000, 0, 0],
        ),
        (
            "capped_kept",
            [3_975_000, 3_975_000, 6_025_000, 0, 0, 0, 6_025_000],
            [5_100_000, 5_000_000, 0, 0, 0, 100_000, 0],
        ),
        (
            "refunded",
            [3_975_000, 3_975_000, 6_025_000, 0, 0, 0, 6_025_000],
            [5_100_000, 5_000_000, 0, 100_000, 0, 0, -100_000],
        ),
        ("full_satisfaction", [3_975_000, 10_000_000, 0, 0, 0, 0, 0], [5_100_000, 5_000_000, 0, 0, 100_000, 0, 0]),
    ],
)
def test_the_two_who_surrender(deal: nc.Deal, policy: str, jmg: list[float], windward: list[float]) -> None:
    columns = ["surrendered", "credit", "cash_due", "refund", "forfeited", "kept", "cash_to_company"]
    table = deal.closing(policy=policy)
    assert table.loc[JMG, columns].tolist() == jmg
    assert table.loc[WINDWARD, columns].tolist() == windward
    others = table.drop(index=[JMG, WINDWARD])
    assert (others["cash_due"] == others["purchase_price"]).all()
    assert (others[["surrendered", "credit", "refund", "forfeited", "kept"]] == 0).all(axis=None)


def test_by_default_both_surrender_and_the_excess_is_lost(deal: nc.Deal) -> None:
    pd.testing.assert_frame_equal(deal.closing(), deal.closing(policy="capped_forfeited", elects="all"))
    assert deal.closing().index.tolist()[-2:] == [JMG, WINDWARD]
    assert deal.closing().index.name == "purchaser"


def test_the_deals_own_reading_can_be_replaced(deal: nc.Deal) -> None:
    other = deal.replace(excess_policy="refunded", elects="none")
    assert other.closing()["cash_to_company"].sum() == 29_000_000
    assert other.closing(elects="all")["cash_to_company"].sum() == 19_925_000


def test_several_policies_are_a_level_of_the_index(deal: nc.Deal) -> None:
    table = deal.closing(policy=POLICIES)
    assert table.index.names == ["policy", "purchaser"]
    assert len(table) == 4 * 9
    total = table["cash_to_company"].groupby(level="policy", sort=False).sum()
    assert total.to_dict() == {
        "capped_forfeited": 20_025_000, "capped_kept": 20_025_000, "refunded": 19_925_000, "full_satisfaction": 14_000_000,
    }  # fmt: skip


def test_arrays_of_surrendered_amounts_broadcast(deal: nc.Deal) -> None:
    table = deal.closing(elects={"jmg-triton": True, "windward": [0, 4_000_000, "5000000.00", 5_100_000]})
    assert table.index.names == ["scenario", "purchaser"]
    windward = table.xs(WINDWARD, level="purchaser")
    assert windward["surrendered"].tolist() == [0, 4_000_000, 5_000_000, 5_100_000]
    assert windward["cash_due"].tolist() == [5_000_000, 1_000_000, 0, 0]
    assert windward["forfeited"].tolist() == [0, 0, 0, 100_000]
    assert table.xs(JMG, level="purchaser")["cash_due"].tolist() == [6_025_000] * 4


def test_policies_and_scenarios_together(deal: nc.Deal) -> None:
    table = deal.closing(policy=["refunded", "capped_kept"], elects={"windward": np.array([0.0, 5_100_000.0])})
    assert table.index.names == ["policy", "scenario", "purchaser"]
    assert len(table) == 2 * 2 * 9
    assert table.loc[("refunded", 1, WINDWARD), "refund"] == 100_000
    assert table.loc[("capped_kept", 1, WINDWARD), "kept"] == 100_000
    assert (table.xs(0, level="scenario")[["refund", "kept", "credit"]] == 0).all(axis=None)


def test_a_series_of_amounts_is_read_by_position(deal: nc.Deal) -> None:
    amounts = pd.Series([5_100_000, 0], index=["b", "a"])
    table = deal.closing(elects={"windward": amounts})
    assert table.xs(WINDWARD, level="purchaser")["surrendered"].tolist() == [5_100_000, 0]


def test_purchasers_may_be_called_by_their_printed_names(deal: nc.Deal) -> None:
    pd.testing.assert_frame_equal(deal.closing(elects={WINDWARD: True}), deal.closing(elects={"windward": True}))


def test_a_truth_value_of_numpy_means_what_pythons_means(deal: nc.Deal) -> None:
    """Never one dollar."""
    table = deal.closing(elects={"windward": np.bool_(True), "jmg-triton": np.bool_(False)})
    assert table.loc[[JMG, WINDWARD], "surrendered"].tolist() == [0, 5_100_000]


# ---- interest accrued on what is surrendered ----


def test_accrued_interest_is_paid_in_cash_when_the_deal_says_so(deal: nc.Deal) -> None:
    """11.5%, 30/360 from 15 January to 18 June: five months and three days, 153.

    3,975,000 x 0.115 x 153/360 = 194,278.125, half up; 5,100,000 x 0.115 x 153/360 = 249,262.50.
    """
    paying = deal.replace(pays_accrued_on_surrendered=True)
    table = paying.closing()
    assert table.loc[[JMG, WINDWARD], "accrued_interest_paid"].tolist() == [194_278.13, 249_262.50]
    assert table["cash_due"].sum() == 20_025_000  # never credited to the price
    assert table.loc[WINDWARD, "cash_to_company"] == -249_262.50
    assert table["cash_to_company"].sum() == pytest.approx(20_025_000 - 194_278.13 - 249_262.50, abs=1e-6)
    assert paying.closing(elects="none")["accrued_interest_paid"].sum() == 0


def test_off_by_default(deal: nc.Deal) -> None:
    assert (deal.closing(policy=POLICIES)["accrued_interest_paid"] == 0).all()


def test_what_is_kept_goes_on_accruing_and_what_is_refunded_is_paid(deal: nc.Deal) -> None:
    """5,000,000 x 0.115 x 153/360 = 244,375.00 on what was given up where 100,000 is kept."""
    table = deal.replace(pays_accrued_on_surrendered=True).closing(policy=POLICIES)
    paid = table.xs(WINDWARD, level="purchaser")["accrued_interest_paid"]
    assert paid.to_dict() == {
        "capped_forfeited": 249_262.50, "capped_kept": 244_375.00, "refunded": 249_262.50, "full_satisfaction": 249_262.50,
    }  # fmt: skip


def test_its_day_count_is_the_old_notes(deal: nc.Deal) -> None:
    """155 days from 15 January to 18 June 2004: 16 + 29 + 31 + 30 + 31 + 18; 3,975,000 x 0.115 x 155/360."""
    other = deal.replace(pays_accrued_on_surrendered=True, **{"instruments.existing-notes.day_count": "actual/360"})
    assert other.closing().loc[JMG, "accrued_interest_paid"] == 196_817.71


def test_an_instrument_without_its_terms_accrues_nothing_in_silence(raw: dict[str, Any]) -> None:
    del raw["instruments"]["existing-notes"]["last_payment_date"]
    raw["closing"]["pays_accrued_on_surrendered"] = {"value": True, "assumed": "a test"}
    with pytest.raises(nc.TermError, match=r"`instruments\.existing-notes` must be complete with .*last_payment_date"):
        nc.Deal(validate_terms(raw, "raw")).closing()


def test_interest_since_a_date_after_closing_is_an_error(deal: nc.Deal) -> None:
    late = {"instruments.existing-notes.last_payment_date": dt.date(2004, 6, 19)}
    words = r"dates.closing.value: must be on or after instruments.existing-notes.last_payment_date \(2004-06-19\)"
    with pytest.raises(nc.DealFileError, match=words):
        deal.replace(**late)


# ---- a deal without rights ----


def test_without_rights_to_surrender_all_is_cash(raw: dict[str, Any]) -> None:
    del raw["surrender_rights"]
    plain = nc.Deal(validate_terms(raw, "raw"))
    for elects in (None, "all", "none", {}):
        assert plain.closing(elects=elects)["cash_to_company"].sum() == 29_000_000
    with pytest.raises(nc.TermError, match=r"purchasers who may surrender \(nobody\)"):
        plain.closing(elects={"windward": True})


# ---- laws ----


@settings(max_examples=60)
@given(jmg=st.integers(0, 3_975_000_00), windward=st.integers(0, 5_100_000_00), policy=st.sampled_from(POLICIES))
def test_price_and_surrender_are_accounted_for_to_the_cent(deal: nc.Deal, jmg: int, windward: int, policy: str) -> None:
    table = deal.replace(pays_accrued_on_surrendered=True).closing(
        policy=policy, elects={"jmg-triton": jmg / 100, "windward": windward / 100}
    )
    cents = (table * 100).round().astype("int64")
    assert np.abs(table * 100 - cents).max(axis=None) < 1e-4
    assert cents.loc[[JMG, WINDWARD], "surrendered"].tolist() == [jmg, windward]
    assert (cents["credit"] + cents["cash_due"] == cents["purchase_price"]).all()
    assert (cents["cash_to_company"] == cents["cash_due"] - cents["refund"] - cents["accrued_interest_paid"]).all()
    left_over = cents["refund"] + cents["forfeited"] + cents["kept"]
    assert (cents.drop(columns="cash_to_company") >= 0).all(axis=None)
    if policy == "full_satisfaction":
        assert (cents["cash_due"] == cents["purchase_price"].where(cents["surrendered"] == 0, 0)).all()
        assert (left_over == (cents["surrendered"] - cents["purchase_price"]).clip(lower=0)).all()
    else:
        assert (cents["credit"] + left_over == cents["surrendered"]).all()
        where = {"capped_forfeited": "forfeited", "capped_kept": "kept", "refunded": "refund"}[policy]
        assert (left_over == cents[where]).all()


# ---- errors ----


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"policy": "refund"},
            r"`policy` must be one of capped_forfeited, .*; got 'refund'. Did you mean 'refunded'\?",
        ),
        ({"policy": ["refunded", "lost"]}, "`policy` must be one of .*; got 'lost'"),
        ({"elects": "some"}, "`elects` must be 'all', 'none' or a mapping .*; got 'some'"),
        ({"elects": 3}, "`elects` must be 'all', 'none' or a mapping .*; got 3"),
        (
            {"elects": {"loeb": True}},
            r"purchasers who may surrender \(jmg-triton: JMG Triton .*, windward: Windward .*\); got 'loeb'",
        ),
        ({"elects": {"winward": True}}, r"`holder` must be one of .*; got 'winward'. Did you mean 'windward'\?"),
        ({"elects": {"windward": 5_100_000.01}}, r"`elects` must be from 0 to 5,100,000.00, .*; got 5100000.01"),
        ({"elects": {"windward": -1}}, "`elects` must be from 0 to 5,100,000.00"),
        ({"elects": {"windward": [0, 5_100_001]}}, "`elects` must be from 0 to 5,100,000.00"),
        ({"elects": {"windward": 0.005}}, "must be in whole cents"),
        ({"elects": {"windward": float("nan")}}, "must be an amount"),
        ({"elects": {"windward": True, WINDWARD: True}}, "`elects` must be each purchaser once"),
        ({"elects": {"windward": [[0], [1]]}}, "`elects` must be amounts or one-dimensional arrays"),
        ({"elects": {"windward": [0, 1], "jmg-triton": [0, 1, 2]}}, "elects"),
    ],
    ids=range(14),
)
def test_errors_say_what_may_be(deal: nc.Deal, arguments: Mapping[str, Any], words: str) -> None:
    with pytest.raises(nc.TermError, match=words):
        deal.closing(**arguments)
