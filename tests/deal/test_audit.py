"""What does not tie in the papers is found with its figures, and nothing is found once the figures are made to tie."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import notecalc as nc
from notecalc.deal.assumptions import terms_of
from notecalc.deal.audit import findings_table
from notecalc.deal.dealfile import validate_terms

Altered = Callable[..., Path]
Change = tuple[str, str]

ISSUED, OPTIONS, OLD_WARRANTS, OLD_RESERVE = 46_655_867, 7_635_064, 3_437_284, 443_232  # section 5.4
WARRANTS, IMPERIAL = 5_176_065, 110_231  # section 1, Exhibit 5.4
OLD_LEFT = 10_216  # 880,000 at 86.14 is 10,215.9...
NEW = 20_162_163  # 37,300,000 at 1.85 is 20,162,162.1...
NOTES = 15_675_676  # 29,000,000 at 1.85 is 15,675,675.6...
OTHERS = ISSUED + OPTIONS + OLD_WARRANTS + WARRANTS + IMPERIAL
SHORT = OTHERS + OLD_LEFT + NEW + NOTES - 85_000_000  # 13,862,566
ROOM = 85_000_000 - (OTHERS + OLD_RESERVE + NOTES)  # 5,866,581, without the exchange

# In order: the gravest first, then by the first of its places in the papers.
FOUND = [
    ("error", "misprinted-figure", 1_050_000 - 105_000, "USD"),
    ("error", "surrender-above-price", 5_100_000 - 5_000_000, "USD"),
    ("error", "authorised-shares", SHORT, "shares"),
    ("warning", "undefined-term", np.nan, ""),  # 1 Depositary
    ("warning", "no-reserve", NOTES + WARRANTS + IMPERIAL + NEW, "shares"),  # 1 New Convertible Notes
    ("warning", "names-differ", 10_000_000, "USD"),  # 2.5
    ("warning", "names-differ", 5_000_000, "USD"),  # 2.5
    ("warning", "registered-against-outstanding", 4_915_416 - 3_437_284, "shares"),  # 5.4
    ("warning", "right-not-excepted", NOTES, "shares"),  # 5.4
    ("warning", "undefined-term", np.nan, ""),  # 7.3
    ("warning", "undefined-term", np.nan, ""),  # 7.7
    ("warning", "names-differ", 500_000, "USD"),  # signature pages
    ("warning", "names-differ", 3_500_000, "USD"),
    ("warning", "signs-without-allocation", np.nan, ""),
    ("note", "payment-by-other-calendar", 0, "USD"),  # 1 Corporate Trust Office
    ("note", "payment-on-closed-day", 1525.48, "USD"),  # 1 Maturity Date; 1,160,000 x 0.08 x 6 / 365
    ("note", "exchange-figures", 37_300_000 + 900_000 - 38_180_000, "USD"),  # 1 New Exchange
    ("note", "uncapitalised-business-days", np.nan, ""),  # 7.1
]


@pytest.fixture(scope="module")
def findings(deal: nc.Deal) -> pd.DataFrame:
    return deal.findings()


def rows(table: pd.DataFrame, code: str) -> pd.DataFrame:
    return table.loc[table["code"] == code]


def only(table: pd.DataFrame, code: str) -> pd.Series[Any]:
    found = rows(table, code)
    assert len(found) == 1, table[["code", "what"]]
    return found.iloc[0]


# ---- the deal as its papers stand ----


def test_what_is_found_how_grave_it_is_and_what_hangs_on_it(findings: pd.DataFrame) -> None:
    got = findings[["severity", "code", "effect_amount", "effect_unit"]]
    expected = (
        pd.DataFrame(FOUND, columns=got.columns).astype({"effect_amount": "float64"}).astype(got.dtypes.to_dict())
    )
    pd.testing.assert_frame_equal(got, expected, check_exact=True)


@pytest.mark.parametrize(
    ("code", "what", "figures", "sources", "effect"),
    [
        (
            "misprinted-figure",
            "Greywolf Capital Partners II LP: principal and purchase price printed as 1,050,00",
            "the total of 29,000,000 less the other 8 (27,950,000) leaves 1,050,000 for it",
            "npa 2.1; npa Exhibit 2.2",
            "read as 105,000 it would be USD 945,000 less",
        ),
        (
            "surrender-above-price",
            "Windward Capital, L.P. may surrender more than it owes",
            "surrender of 5,100,000 at par against a price of 5,000,000",
            "npa 2.5; npa Exhibit 2.2",
            "USD 100,000 above the price; read here as capped, forfeited",
        ),
        (
            "authorised-shares",
            "do not cover conversion at the known prices",
            (
                f"authorised 85,000,000: {ROOM:,} left without New Convertible Notes, "
                f"{SHORT:,} short with New Convertible Notes at their own price, "
                f"{SHORT:,} short with New Convertible Notes repriced alike; "
                "charter amendment filed 2004-06-18, its figure not public"
            ),
            "npa 5.4; rra Conversion Price; press-closing New conversion price; charter-2006 Recitals",
            "13,862,566 shares short, unless the amendment of the charter covers them",
        ),
        (
            "registered-against-outstanding",
            "Warrants outstanding: more shares are registered than are reserved",
            "registered 4,915,416; reserved 3,437,284",
            "npa 5.4; npa Schedule 5.27",
            "1,478,132 shares to be explained",
        ),
        (
            "right-not-excepted",
            "8% Secured Convertible Notes due 2007: the right to these shares is not among",
            "exceptions: Warrants promised; Existing Convertible Notes; New Convertible Notes",
            "npa 5.4; rra Conversion Price",
            "15,675,676 shares that the representation denies",
        ),
        (
            "no-reserve",
            "No reserve of shares is stated",
            (
                "8% Secured Convertible Notes due 2007: 15,675,676; Warrants promised: 5,176,065; "
                "Imperial Capital's fee shares: 110,231; New Convertible Notes: 20,162,163"
            ),
            "npa 1 New Convertible Notes; npa 1 Warrants; npa 5.4; npa Exhibit 5.4; rra Conversion Price",
            "41,124,135 shares without a reserve",
        ),
        (
            "signs-without-allocation",
            "JMG CAPITAL PARTNERS signs, but no notes are allocated to it",
            "9 purchasers have an allocation",
            "npa Signature pages; npa Exhibit 2.2",
            "whether it is bound, and to buy what",
        ),
        (
            "payment-on-closed-day",
            "4 of 6 payment dates are no business days",
            (
                "2004-12-18 (Saturday) to 2004-12-20; 2005-06-18 (Saturday) to 2005-06-20; "
                "2005-12-18 (Sunday) to 2005-12-19; 2006-06-18 (Sunday) to 2006-06-19"
            ),
            "npa 1 Maturity Date; assumed: series.notes.frequency",
            "6 days late in all, without interest for it; at the notes' own rate USD 1,525.48",
        ),
        (
            "payment-by-other-calendar",
            "Read as new-york-state instead of us-federal-reserve, the rule for business days moves none of 6",
            "2004-12-18 to 2007-06-18: the same payment dates",
            "npa 1 Corporate Trust Office",
            "none",
        ),
        (
            "exchange-figures",
            "add to more than the whole; the figures are rounded",
            "tendered 37,300,000 and left 900,000 make 38,200,000, against 38,180,000",
            "npa 1 New Exchange; press-closing Principal left; press-closing Principal tendered",
            "USD 20,000; what was left is taken here as the difference figure",
        ),
        (
            "uncapitalised-business-days",
            "3 periods count business days without the capitals",
            "Notice by registered mail deemed delivered: 2 business days; Notice by overnight courier",
            "npa 7.1; npa 7.11",
            "counted here by us-federal-reserve; by weekends-only a period with a holiday in it would end sooner",
        ),
    ],
)
def test_a_finding_tells_its_figures_its_places_and_its_effect(
    findings: pd.DataFrame, code: str, what: str, figures: str, sources: str, effect: str
) -> None:
    row = only(findings, code)
    assert what in row["what"]
    assert figures in row["figures"]
    assert row["sources"].startswith(sources)
    assert effect in row["effect"]


@pytest.mark.parametrize(
    ("party", "names", "sources"),
    [
        (
            "JMG Triton Offshore Fund Limited CITCO",
            (
                '"JMG Triton Offshore Fund Limited CITCO" (npa Exhibit 2.2, npa 2.5); '
                '"JMG TRITON OFFSHORE FUND LIMITED" (npa Signature pages)'
            ),
            "npa 2.5; npa Signature pages; npa Exhibit 2.2",
        ),
        (
            "Windward Capital, L.P.",
            '"Windward Capital, L.P." (npa Exhibit 2.2, npa Signature pages); "Windward Capital, LLC" (npa 2.5)',
            "npa 2.5; npa Signature pages; npa Exhibit 2.2",
        ),
        ("Tejas Securities Group, Inc.", "401K PLAN & TRUST", "npa Signature pages; npa Exhibit 2.2"),
        ("Lampe, Conway & Co. LLC", '"LC CAPITAL MASTER FUND, LTD."', "npa Signature pages; npa Exhibit 2.2"),
    ],
)
def test_names_that_differ_in_more_than_capitals_and_punctuation(
    findings: pd.DataFrame, party: str, names: str, sources: str
) -> None:
    differ = rows(findings, "names-differ")
    row = differ.loc[differ["what"] == f"{party} is named differently in the papers"].iloc[0]
    assert names in row["figures"]
    assert row["sources"] == sources
    assert row["effect"] == f"which of them takes USD {row['effect_amount']:,.0f} of the notes"


def test_terms_without_a_definition_and_the_nearest_that_has_one(findings: pd.DataFrame) -> None:
    found = rows(findings, "undefined-term")
    assert found[["what", "figures", "sources"]].to_numpy().tolist() == [
        [
            '"Book-Entry Notes" is used but not defined',
            'nearest defined term: "Book-Entry Security"',
            "npa 1 Depositary",
        ],
        ['"Majority Holders" is used but not defined', 'nearest defined term: "Majority Purchasers"', "npa 7.3"],
        ['"Noteholders" is used but not defined', "no defined term is like it", "npa 7.7"],
    ]


def test_the_reserve_for_the_existing_convertible_notes_ties(findings: pd.DataFrame) -> None:
    """38,180,000 / 86.14 is 443,231.9..., and 443,232 are reserved."""
    assert 443_231 * 86.14 < 38_180_000 < OLD_RESERVE * 86.14
    assert rows(findings, "reserve-against-conversion").empty


def test_an_effect_in_figures_stands_in_its_words(findings: pd.DataFrame) -> None:
    known = findings.loc[findings["effect_amount"] > 0]
    assert len(known) == 12
    for amount, words in zip(known["effect_amount"], known["effect"], strict=True):
        assert re.search(rf"(?<![\d,]){amount:,.2f}".removesuffix(".00") + r"(?![\d,])", words), words


def test_every_source_is_a_place_of_the_deal_or_an_assumption(deal: nc.Deal, findings: pd.DataFrame) -> None:
    assumed = {f"assumed: {path}" for path, term in terms_of(deal.terms) if term.assumed}
    for source in "; ".join(findings["sources"]).split("; "):
        document = source.partition(" ")[0]
        assert source in assumed or document in deal.terms.documents, source


# ---- the same papers, made to tie ----

NONE: tuple[Change, ...] = ()
SIGNATURE_OF_JMG_CAPITAL = (
    '[[signatures]]\nparty = "jmg-capital"\n'
    'name = { value = "JMG CAPITAL PARTNERS", source = { document = "npa", section = "Signature pages" } }\n'
)
TIES: dict[str, tuple[Change, ...]] = {
    "misprinted-figure": ((', printed = "1,050,00"', ""),) * 2,
    "surrender-above-price": (("value = 5100000", "value = 5000000"),),
    "authorised-shares": (("value = 85000000", f"value = {85_000_000 + SHORT}"),),
    "names-differ": (
        ("Windward Capital, LLC", "WINDWARD CAPITAL L.P."),
        ('"JMG TRITON OFFSHORE FUND LIMITED"', '"JMG TRITON OFFSHORE FUND LIMITED CITCO"'),
        (" 401K PLAN & TRUST JOHN GORMAN TTEE UAD 1/1/96 FBO JOHN J GORMAN", ""),
        ("LC CAPITAL MASTER FUND, LTD.", "LAMPE CONWAY AND CO., LLC"),
    ),
    "signs-without-allocation": ((SIGNATURE_OF_JMG_CAPITAL, ""),),
    "registered-against-outstanding": (("value = 4915416", "value = 3437284"),),
    "right-not-excepted": (('excepted = { value = ["warrants"', 'excepted = { value = ["notes", "warrants"'),),
    "no-reserve": (
        ("anti_dilution =", f"reserved = {{ value = {NOTES}, assumed = 'so' }}\nanti_dilution ="),
        ('title = "Warrants promised"\nkind = "promised"', 'title = "Warrants promised"\nkind = "reserved"'),
        ('fee shares"\nkind = "promised"', 'fee shares"\nkind = "reserved"'),
        (
            'title = "New Convertible Notes"\nkind = "promised"',  # an instrument of no stated principal: nothing to compare
            f'title = "New Convertible Notes"\nkind = "reserved"\nshares = {{ value = {NEW}, assumed = "so" }}',
        ),
    ),
    "payment-on-closed-day": (("frequency = { value = 2", "frequency = { value = 0"),),  # 18 June 2007: a Monday
    "payment-by-other-calendar": (('alternatives = ["new-york-state"]', "alternatives = []"),),
    "undefined-term": (
        ('defined = ["Book-Entry Security"', 'defined = ["Book-entry Notes", "MAJORITY HOLDERS", "noteholders"'),
    ),
    "exchange-figures": (("value = 900000", "value = 880000"),),
    "uncapitalised-business-days": (
        ('wording = "business days"', 'wording = "Business Days"'),
        ('wording = "business days"', 'wording = "Business Days"'),
        ('wording = "business day"', 'wording = "Business Day"'),
    ),
}


@pytest.mark.parametrize("code", TIES)
def test_what_ties_is_not_found_and_the_rest_still_is(findings: pd.DataFrame, altered: Altered, code: str) -> None:
    got = nc.load(altered(*TIES[code])).findings()
    assert set(got["code"]) == set(findings["code"]) - {code}


def test_papers_that_tie_throughout_have_no_findings(deal: nc.Deal, altered: Altered) -> None:
    got = nc.load(altered(*(change for changes in TIES.values() for change in changes))).findings()
    assert got.empty
    pd.testing.assert_series_equal(got.dtypes, deal.findings().dtypes)


# ---- figures that are moved apart ----


@pytest.mark.parametrize(
    ("changes", "code", "figures", "effect", "amount", "unit"),
    [
        (
            (('value = 500000, source = { document = "npa", section = "Exhibit 2.2" } }\npurchase_price = { value = 500000',
              'value = 500000, source = { document = "npa", section = "Exhibit 2.2" } }\npurchase_price = { value = 499000'),),
            "principal-against-price",
            "principal 500,000 at 1,000 for 1,000 costs 500,000; the price stated is 499,000",
            "USD 1,000 less than the principal costs", 1_000, "USD",
        ),
        (
            (("purchase_price = { value = 1450000", "purchase_price = { value = 1450001"),),
            "principal-against-price",
            "costs 1,450,000; the price stated is 1,450,001",
            "USD 1 more than the principal costs", 1, "USD",
        ),
        (
            (("value = 25175000", "value = 9000000"),),
            "surrender-above-outstanding",
            "surrender of 9,075,000; outstanding 9,000,000",
            "USD 75,000 that cannot be surrendered", 3_975_000 + 5_100_000 - 9_000_000, "USD",
        ),
        (
            (('party = "loeb"\nname = { value = "LOEB PARTNERS CORP."', 'party = "ibasis"\nname = { value = "iBasis, Inc."'),),
            "does-not-sign",
            "principal 3,500,000; 10 parties sign",
            "USD 3,500,000 that nobody is bound to buy", 3_500_000, "USD",
        ),
        (
            (("value = 443232", "value = 443231"),),
            "reserve-against-conversion",
            "reserved 443,231; 38,180,000 at 86.14 needs 443,232",
            "1 share too few", 1, "shares",
        ),
        (
            (("value = 443232", "value = 443332"),),
            "reserve-against-conversion",
            "reserved 443,332; 38,180,000 at 86.14 needs 443,232",
            "100 shares too many", 100, "shares",
        ),
        (
            (("anti_dilution =", "reserved = { value = 15675675, assumed = 'so' }\nanti_dilution ="),),
            "reserve-against-conversion",
            "reserved 15,675,675; 29,000,000 at 1.85 needs 15,675,676",
            "1 share too few", 1, "shares",
        ),
        (
            (("value = 4915416", "value = 3437000"),),
            "registered-against-outstanding",
            "registered 3,437,000; reserved 3,437,284",
            "284 shares to be explained", 284, "shares",
        ),
        (
            (("value = 37300000", "value = 37280000"), ("value = 900000", "value = 800000")),
            "exchange-figures",
            "tendered 37,280,000 and left 800,000 make 38,080,000, against 38,180,000",
            "USD 100,000", 100_000, "USD",
        ),
        (
            (('value = 85000000, source = { document = "npa", section = "5.4" }',
              'value = 85000000, source = { document = "npa", section = "5.4" }, printed = "86,000,000"'),),
            "misprinted-figure",
            "printed 86,000,000; taken as 85,000,000",
            "read as 86,000,000 it would be 1,000,000 shares more", 1_000_000, "shares",
        ),
    ],
)  # fmt: skip
def test_what_is_moved_apart_is_found_with_the_difference(
    findings: pd.DataFrame,
    altered: Altered,
    changes: tuple[Change, ...],
    code: str,
    figures: str,
    effect: str,
    amount: float,
    unit: str,
) -> None:
    got = nc.load(altered(*changes)).findings()
    new = got.loc[(got["code"] == code) & ~got["figures"].isin(findings["figures"])]
    assert len(new) == 1, got[["code", "figures"]]
    row = new.iloc[0]
    assert row["figures"].endswith(figures)
    assert effect in row["effect"]
    assert (row["effect_amount"], row["effect_unit"]) == (amount, unit)


def test_a_figure_that_is_well_formed_but_another_one_is_said_to_be_so(altered: Altered) -> None:
    got = nc.load(altered((', printed = "1,050,00"', ', printed = "$1,050.00"'))).findings()
    assert any("printed as $1,050.00, another figure" in what for what in got["what"])


def test_two_misprints_are_decided_by_the_total_together_only(altered: Altered) -> None:
    """29,000,000 less the other seven, 26,500,000, is 2,500,000 for the two Greywolf funds."""
    source = 'source = { document = "npa", section = "Exhibit 2.2" }'
    file = altered((f"value = 1450000, {source}", f'value = 1450000, {source}, printed = "1,450,00"'))
    figures = rows(nc.load(file).findings(), "misprinted-figure")["figures"]
    together = "less the other 7 (26,500,000) leaves 2,500,000 for the 2 misprinted together"
    assert sum(text.endswith(together) for text in figures) == 2


def test_a_misprinted_price_is_decided_by_the_price_of_the_total(altered: Altered) -> None:
    """At 990 per 1,000 the whole costs 28,710,000."""
    changes = [("purchase_price = { value = 1000", "purchase_price = { value = 990"), (', printed = "1,050,00"', "")]
    found = nc.load(altered(*changes)).findings()
    figures = only(found, "misprinted-figure")["figures"]
    assert "the total of 28,710,000 less the other 8 (27,950,000) leaves 760,000 for it" in figures
    assert len(rows(found, "principal-against-price")) == 9


@pytest.mark.parametrize(
    ("changes", "effect", "figures"),
    [
        ((("[[capitalization.amendments]]\n", "[ignored]\n"),), "", ""),
        ((("[[capitalization.amendments]]\n", "[[capitalization.amendments]]\nauthorised = { value = 170000000, assumed = 'so' }\n"),),
         ", before the amendment; 71,137,434 left after it", ", to 170,000,000"),  # 170,000,000 less 98,862,566
        ((("[[capitalization.amendments]]\n", "[[capitalization.amendments]]\nauthorised = { value = 90000000, assumed = 'so' }\n"),),
         ", before the amendment; 8,862,566 short after it", ", to 90,000,000"),
    ],
)  # fmt: skip
def test_the_charters_amendment_is_weighed_as_far_as_it_is_known(
    raw: dict[str, Any], altered: Altered, changes: tuple[Change, ...], effect: str, figures: str
) -> None:
    if "[ignored]" in changes[0][1]:
        del raw["capitalization"]["amendments"]
        table = findings_table(validate_terms(raw, "raw"))
    else:
        table = nc.load(altered(*changes)).findings()
    row = only(table, "authorised-shares")
    assert row["effect"] == f"{SHORT:,} shares short{effect}"
    assert row["figures"].endswith(figures or "repriced alike")


def test_without_an_exchange_there_is_one_case(raw: dict[str, Any]) -> None:
    """63,457,743 other shares and 15,675,676 on conversion, against 70,000,000."""
    del raw["exchanges"], raw["capitalization"]["classes"]["new-convertible-notes"], raw["capitalization"]["amendments"]
    raw["capitalization"]["excepted"]["value"] = []
    raw["capitalization"]["authorised"]["value"] = 70_000_000
    table = findings_table(validate_terms(raw, "raw"))
    assert only(table, "authorised-shares")["figures"] == "authorised 70,000,000: 9,133,419 short"
    assert rows(table, "exchange-figures").empty
    denied = rows(table, "right-not-excepted")
    assert denied["effect_amount"].tolist() == [WARRANTS, NOTES]  # Exhibit 5.4 goes with section 5.4
    assert denied["figures"].unique().tolist() == ["exceptions: none"]


def test_an_exchange_whose_rest_nobody_reported_has_no_figures_to_compare(raw: dict[str, Any]) -> None:
    del raw["exchanges"]["new-exchange"]["reported_untendered"]
    assert rows(findings_table(validate_terms(raw, "raw")), "exchange-figures").empty


def test_figures_that_nobody_rounded_contradict_each_other(altered: Altered) -> None:
    row = only(nc.load(altered((", rounded = true", ""), (", rounded = true", ""))).findings(), "exchange-figures")
    assert (row["severity"], row["what"]) == ("error", "What was tendered and what was left add to more than the whole")


def test_a_right_in_an_exhibit_of_another_section_is_not_excepted(altered: Altered) -> None:
    table = nc.load(
        altered(('section = "Exhibit 5.4" } }\n\n[capital', 'section = "Exhibit 2.2" } }\n\n[capital'))
    ).findings()
    assert set(rows(table, "right-not-excepted")["effect_amount"]) == {NOTES, IMPERIAL}
    assumed = altered(
        (
            'shares = { value = 110231, source = { document = "npa", section = "Exhibit 5.4" }',
            "shares = { value = 110231, assumed = 'so'",
        )
    )
    table = nc.load(assumed).findings()
    assert set(rows(table, "right-not-excepted")["effect_amount"]) == {NOTES, IMPERIAL}


def test_without_signature_pages_nobody_is_missing_from_them(raw: dict[str, Any]) -> None:
    raw["signatures"] = []
    table = findings_table(validate_terms(raw, "raw"))
    assert not set(table["code"]) & {"does-not-sign", "signs-without-allocation"}
    assert rows(table, "names-differ")["what"].tolist() == ["Windward Capital, L.P. is named differently in the papers"]


def test_a_party_without_notes_is_named_differently_too(altered: Altered) -> None:
    file = altered(
        (
            'name = { value = "iBASIS, INC.", source = { document = "npa", section = "Signature pages" }',
            "name = { value = 'iBasis Corporation', assumed = 'so'",
        )
    )
    row = (
        rows(nc.load(file).findings(), "names-differ")
        .set_index("what")
        .loc["iBASIS, INC. is named differently in the papers"]
    )
    assert row["figures"] == '"iBASIS, INC." (npa Preamble); "iBasis Corporation" (assumed)'
    assert row["sources"] == "npa Preamble; assumed: signatures[0].name"
    assert (row["effect"], row["effect_unit"]) == ("who is meant", "")


# ---- payment dates ----


def test_interest_to_the_day_of_payment_makes_a_delay_cost_nothing(deal: nc.Deal) -> None:
    row = only(deal.replace(accrual_adjusted=True).findings(), "payment-on-closed-day")
    assert row["effect"] == "6 days late in all, with interest to the day of payment"
    assert row["effect_amount"] == 0


def test_payment_before_a_closed_day_is_early(deal: nc.Deal) -> None:
    """Fridays: one day before each Saturday, two before each Sunday; 1,160,000 x 0.08 x 6 / 365."""
    row = only(deal.replace(business_day_convention="preceding").findings(), "payment-on-closed-day")
    assert "2004-12-18 (Saturday) to 2004-12-17" in row["figures"]
    assert row["effect"].startswith("6 days early in all")
    assert row["effect_amount"] == -1525.48


def test_payment_on_a_closed_day_that_is_kept_is_said(deal: nc.Deal) -> None:
    row = only(deal.replace(business_day_convention="unadjusted").findings(), "payment-on-closed-day")
    assert row["figures"].startswith("2004-12-18 (Saturday) is kept; ")
    assert row["effect_amount"] == 0


def test_lincolns_birthday_moves_a_payment_under_the_states_calendar(deal: nc.Deal) -> None:
    """Monday, 12 February 2007: principal and 2.5 years of interest, 34,800,000, one day later."""
    day = dt.date(2007, 2, 12)
    moved = deal.replace(issue_date=dt.date(2004, 8, 12), maturity=day, last_date=day, frequency=0)
    row = only(moved.findings(), "payment-by-other-calendar")
    assert row["what"].endswith("moves 1 of 1 payment dates")
    assert row["figures"] == "2007-02-12 (Monday) to 2007-02-13"
    assert row["effect_amount"] == round(34_800_000 * 0.08 / 365, 2)


def test_periods_that_name_no_calendar_go_by_the_defined_term(raw: dict[str, Any]) -> None:
    for limit in raw["time_limits"].values():
        limit.pop("calendar", None)
    row = only(findings_table(validate_terms(raw, "raw")), "uncapitalised-business-days")
    assert row["effect"] == "counted here by the defined term"


# ---- laws ----


@settings(max_examples=25)
@given(stated=st.integers(0, 20_000_000))
@example(stated=5_000_000)
@example(stated=5_000_001)
def test_a_surrender_is_found_exactly_where_it_is_above_the_price(deal: nc.Deal, stated: int) -> None:
    found = rows(deal.replace(**{"surrender_rights[1].principal": stated}).findings(), "surrender-above-price")
    assert found["effect_amount"].tolist() == ([stated - 5_000_000] if stated > 5_000_000 else [])


@settings(max_examples=25)
@given(authorised=st.integers(ISSUED, 150_000_000))
@example(authorised=85_000_000 + SHORT)
@example(authorised=85_000_000 + SHORT - 1)
def test_the_shortfall_is_what_the_authorised_shares_lack(deal: nc.Deal, authorised: int) -> None:
    found = rows(deal.replace(**{"capitalization.authorised": authorised}).findings(), "authorised-shares")
    lacking = 85_000_000 + SHORT - authorised
    assert found["effect_amount"].tolist() == ([lacking] if lacking > 0 else [])
