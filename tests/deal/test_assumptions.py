"""What we assumed is listed with its reason, and what each other reading would change is what arithmetic says."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import notecalc as nc
from notecalc.deal.assumptions import terms_of, value_text

EFFECTS = ["total_interest", "irr", "cash_to_company", "forfeited", "shares_on_conversion", "headroom"]


@pytest.fixture(scope="module")
def assumptions(deal: nc.Deal) -> pd.DataFrame:
    return deal.assumptions()


def effect(table: pd.DataFrame, term: str, alternative: str) -> pd.Series:
    """What an alternative changes, without what it leaves alone."""
    found = table.loc[(table["term"] == term) & (table["alternative"] == alternative)]
    assert len(found) == 1
    changes = found.iloc[0][EFFECTS].astype("float64")
    return changes[changes != 0]


def test_every_assumed_term_of_the_file_is_listed_with_its_reason(assumptions: pd.DataFrame, deal_text: str) -> None:
    written = re.findall(r'^(?:\S+) = .*\bassumed = "([^"]*)"', deal_text, flags=re.MULTILINE)
    assert len(written) == deal_text.count("assumed = ") == 35
    listed = assumptions.drop_duplicates("term")
    assert listed["reason"].tolist() == written
    assert (assumptions["reason"] != "").all()


def test_every_alternative_has_a_row_and_a_term_without_any_has_one_without_effects(
    assumptions: pd.DataFrame, deal: nc.Deal
) -> None:
    expected = [
        (path, value_text(term.value), alternative)
        for path, term in terms_of(deal.terms)
        if term.assumed
        for alternative in (map(value_text, term.alternatives) if term.alternatives else [""])
    ]
    assert [*assumptions[["term", "value", "alternative"]].itertuples(index=False, name=None)] == expected
    none = assumptions["alternative"] == ""
    assert assumptions.loc[none, "term"].tolist() == [
        *(
            f"series.notes.{name}"
            for name in ("denomination", "issue_date", "end_of_month", "redemption", "make_whole")
        ),
        *(f"series.notes.conversion.{name}" for name in ("first_date", "last_date", "multiple", "anti_dilution")),
    ]
    assert assumptions.loc[none, EFFECTS].isna().all(axis=None)
    assert assumptions.loc[~none, EFFECTS].notna().all(axis=None)


@pytest.mark.parametrize(
    ("term", "alternative", "changes"),
    [
        # 1,179,333.33 and 1,172,888.89 by turns; together 29,000,000 x 0.08 x 1095 / 360, less a cent by rounding
        ("series.notes.day_count", "actual/360", {"total_interest": 7_056_666.66 - 6_960_000}),
        # issued three days later, too, and so three days less of the first period: 2,320,000 x 3 / 360
        ("dates.closing", "2004-06-21", {"total_interest": -19_333.33}),
        # 182, 180, 179, 180, 179 and 180 days, each rounded up or exact
        ("series.notes.accrual_adjusted", "yes", {"total_interest": 0.01}),
        # 29,000 notes of 540 shares against 15,675,670
        ("series.notes.conversion.share_rounding", "per-note", {"shares_on_conversion": 29_000 * 540 - 15_675_670}),
        ("closing.excess_policy", "capped_kept", {"forfeited": -100_000}),
        ("closing.excess_policy", "refunded", {"forfeited": -100_000, "cash_to_company": -100_000}),
        ("closing.excess_policy", "full_satisfaction", {"cash_to_company": -(10_000_000 - 3_975_000)}),
        ("closing.elects", "none", {"forfeited": -100_000, "cash_to_company": 3_975_000 + 5_000_000}),
        # 153 days of 30/360 since 15 January at 11.5%: 194,278.13 on 3,975,000 and 249,262.50 on 5,100,000
        ("closing.pays_accrued_on_surrendered", "yes", {"cash_to_company": -(194_278.13 + 249_262.50)}),
        # 900,000 at 86.14 reserves 10,449 shares (10,448.1...), 880,000 reserves 10,216
        ("exchanges.new-exchange.untendered", "reported", {"headroom": 10_216 - 10_449}),
        ("series.notes.frequency", "4", {}),
        ("business_days.calendar", "new-york-state", {}),
        ("series.notes.generation", "forward", {}),
        ("series.notes.payment_rounding", "per-note", {}),
        ("time_limits.notice-by-mail.calendar", "weekends-only", {}),
    ],
)  # fmt: skip
def test_what_another_reading_changes(
    assumptions: pd.DataFrame, term: str, alternative: str, changes: dict[str, float]
) -> None:
    got = effect(assumptions, term, alternative).drop("irr", errors="ignore").to_dict()
    assert got == pytest.approx(changes, abs=1e-6)


@pytest.mark.parametrize(
    ("term", "alternative", "sign"),
    [
        ("series.notes.frequency", "4", 1),  # the same interest, sooner
        ("series.notes.day_count", "actual/360", 1),  # more of it
        ("series.notes.business_day_convention", "unadjusted", 1),  # nothing paid late
        ("closing.excess_policy", "full_satisfaction", 1),  # a smaller outlay
        ("closing.excess_policy", "capped_kept", 1),  # nothing lost
        ("closing.excess_policy", "refunded", 1),
        ("closing.elects", "none", 1),
        ("series.notes.business_day_convention", "modified-following", 0),  # no payment date is at a month's end
        ("business_days.calendar", "new-york-state", 0),
    ],
)
def test_the_rate_of_return_goes_where_it_must(
    assumptions: pd.DataFrame, term: str, alternative: str, sign: int
) -> None:
    change = effect(assumptions, term, alternative).get("irr", 0.0)
    assert np.sign(change) == sign


def test_the_rate_of_return_changes_by_what_the_other_deal_earns(assumptions: pd.DataFrame, deal: nc.Deal) -> None:
    quarterly = deal.replace(frequency=4).irr().loc["all", "irr"]
    change = effect(assumptions, "series.notes.frequency", "4")["irr"]
    assert change == pytest.approx(quarterly - deal.irr().loc["all", "irr"], abs=1e-12)
    # 2 per cent a quarter, but for delays and the days of a quarter, where nobody loses an excess
    at_par = deal.replace(frequency=4, elects="none").irr().loc["all", "irr"]
    assert at_par == pytest.approx(1.02**4 - 1, abs=2e-4)


def test_terms_with_their_source_or_their_reason(deal: nc.Deal) -> None:
    table = deal.term_table().set_index("term")
    assert table.index.is_unique
    assert ((table["source"] != "") ^ (table["assumed"] != "")).all()
    assert table.loc["series.notes.maturity", ["value", "source", "assumed"]].tolist() == [
        "2007-06-18",
        "npa 1 Maturity Date",
        "",
    ]
    assert table.loc["closing.excess_policy", "alternatives"] == "capped_kept; refunded; full_satisfaction"
    assert table.loc["closing.pays_accrued_on_surrendered", ["value", "alternatives"]].tolist() == ["no", "yes"]
    assert table.index[table["rounded"] == "yes"].tolist() == [
        "exchanges.new-exchange.tendered",
        "exchanges.new-exchange.reported_untendered",
    ]
    assert table.loc[table["printed"] == "1,050,00"].index.tolist() == [
        "purchases[1].principal",
        "purchases[1].purchase_price",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (("a", "b"), "a, b"),
        ((), ""),
        (Decimal("0.08"), "0.08"),
        (1000, "1000"),
        ("none", "none"),
    ],
)
def test_a_value_is_written_as_a_reader_would(value: object, text: str) -> None:
    assert value_text(value) == text
