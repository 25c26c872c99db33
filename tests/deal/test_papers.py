"""Papers are read by their sections, and what the deal file takes from them must stand there.

The agreement of these tests, `agreement_in_own_words.txt`, has the figures, dates and names of the real one in
sentences of our own.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import notecalc as nc
from notecalc.deal.dealfile import validate_terms
from notecalc.deal.papers import prints, read_paper, section_order, source_counts, source_table

Altered = Callable[..., Path]

AGREEMENT = Path(__file__).resolve().parents[1] / "data" / "agreement_in_own_words.txt"
TEXT = AGREEMENT.read_text(encoding="utf-8")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@pytest.fixture
def of_our_agreement(altered: Altered, deal: nc.Deal) -> Callable[..., nc.Deal]:
    """Load the deal with texts of its file exchanged and the hash of our agreement in it."""

    def load(*changes: tuple[str, str]) -> nc.Deal:
        return nc.load(altered((deal.terms.documents["npa"].sha256, sha256(TEXT)), *changes))

    return load


# ---- sections ----


def test_a_text_falls_into_its_sections() -> None:
    paper = read_paper(TEXT)
    assert (paper.section("cover") or "").endswith("NOTE PURCHASE AGREEMENT")
    assert paper.section("Preamble") == "This AGREEMENT of June 18, 2004 binds iBASIS, INC. and the Purchasers."
    assert paper.section("Recitals") == "WHEREAS the Company sells its 8% Secured Convertible Notes due 2007:"
    assert paper.section("2.1") == "2.1. AMOUNT. Notes for $29,000,000."
    assert paper.section("Section 2.1") == paper.section("2.1")
    assert paper.section("Exhibit 5.4") == "Exhibit 5.4 110,231 shares for Imperial Capital, LLC."
    assert (paper.section("signature pages") or "").endswith("JMG CAPITAL PARTNERS WINDWARD CAPITAL, L.P.")


def test_a_section_holds_what_is_below_it() -> None:
    paper = read_paper(TEXT)
    assert (paper.section("7.6") or "").startswith("7.6. LAW. 7.6.1. Time counts. 7.6.2. The law of New York.")
    assert "7.7" not in (paper.section("7.6") or "7.7")
    assert "ten business days" in (paper.section("7") or "")


def test_a_definition_holds_its_paragraphs_and_reaches_over_a_page() -> None:
    paper = read_paper(TEXT)
    assert (
        paper.section("1 Control") == '"CONTROL" means a tenth of the votes, 10% or more.'
    )  # straight quotation marks
    assert paper.section("1 Indebtedness") == (
        '"INDEBTEDNESS" means what is owed: (i) on loans; and (ii) on letters of credit, after four Business Days.'
    )
    # A page number and a page mark stand between; the lines of a word broken at its hyphen are joined.
    assert paper.section("1 Disqualified Stock") == (
        '"DISQUALIFIED STOCK" means stock that falls due within 121 days of the Maturity Date.'
    )
    assert paper.section("1 Depositary") == '"DEPOSITARY" means the keeper of the Book-Entry Notes.'


@pytest.mark.parametrize("section", ["2.2", "2.7", "8", "1 Lender", "Exhibit 9", "Schedule 2.2", "Annex A", " "])
def test_a_section_that_is_not_there_has_no_text(section: str) -> None:
    assert read_paper(TEXT).section(section) is None


@pytest.mark.parametrize(
    ("paragraphs", "section", "expected"),
    [
        # a sum, a year and a reference at the beginning of a paragraph open no section
        (["This note.", "1. One.", "2,500 shares.", "2. Two."], "1", "1. One. 2,500 shares."),
        (["This note.", "1. One.", "2004 was a leap year."], "1", "1. One. 2004 was a leap year."),
        (["This note.", "1. One.", "1.1 A.", "1.2 B.", "1.1 above holds."], "1.2", "1.2 B. 1.1 above holds."),
        (["This note.", "1. One.", "7.5 is a number."], "1", "1. One. 7.5 is a number."),
        (["This note.", "1. One.", "1.1 A.", "1.2 B.", "1.2 has two sides.", "1. has more."], "1.2", "1.2 B. 1.2 has two sides. 1. has more."),
        # a number may be left out, two may not
        (["This note.", "1. One.", "3. Three."], "3", "3. Three."),
        (["This note.", "1. One.", "4. Four."], "1", "1. One. 4. Four."),
        # articles, and sections that say so
        (["This Indenture.", "ARTICLE 1", "Section 1.1 Sum. $5."], "1.1", "Section 1.1 Sum. $5."),
        (["This Indenture.", "ARTICLE 1", "Section 1.1 Sum. $5."], "1", "ARTICLE 1 Section 1.1 Sum. $5."),
        # terms with a second name, a meaning in brackets, other verbs
        (["This note.", "1. One.", '"Lien" or "Charge" means a right.'], "1 Lien", '"Lien" or "Charge" means a right.'),
        (["This note.", "1. One.", '"Person" (any) has a name.'], "1 Person", '"Person" (any) has a name.'),
        (["This note.", "1. One.", '"Lender" pays.'], "1 Lender", None),
        # recitals by other names; none inside the numbered sections
        (["This note.", "RECITALS", "A holds.", "1. One."], "Recitals", "RECITALS A holds."),
        (["This note.", "W I T N E S S E T H", "A.", "1. One.", "Whereas nothing."], "Recitals", "W I T N E S S E T H A."),
        # the end of the body, in words
        (["This note.", "1. One.", "IN WITNESS WHEREOF", "A. B.", "2. no"], "Signature pages", "IN WITNESS WHEREOF A. B. 2. no"),
        (["This note.", "1. One.", "Appendix B", "Rates."], "Appendix B", "Appendix B Rates."),
    ],
)  # fmt: skip
def test_what_opens_a_section_and_what_does_not(paragraphs: list[str], section: str, expected: str | None) -> None:
    assert read_paper("\n\n".join(paragraphs)).section(section) == expected


def test_line_ends_and_page_marks_of_other_systems_make_no_difference() -> None:
    assert read_paper(TEXT.replace("\n", "\r\n")) == read_paper(TEXT)
    assert read_paper(TEXT.replace("<PAGE>", "\f")).section("5.4") == read_paper(TEXT).section("5.4")


def test_a_text_without_numbers_is_read_by_paragraphs_that_hold_the_words_of_the_name() -> None:
    paper = read_paper("The company closed.\n\nNew conversion price: 1.85.\n\nOld conversion\nprice: 86.14.")
    assert paper.section("new conversion price") == "New conversion price: 1.85."
    assert paper.section("Conversion price") == "New conversion price: 1.85. Old conversion price: 86.14."
    assert paper.section("exercise price") is None
    assert paper.section("2.5") is None


@pytest.mark.parametrize(
    ("term", "defined"), [("Global Note", True), ("global note", True), ("Global", False), ("Noteholders", False)]
)
def test_a_term_is_defined_where_it_stands_in_quotation_marks(term: str, *, defined: bool) -> None:
    assert read_paper(TEXT).defines(term) is defined


def test_sections_follow_each_other_as_in_an_agreement() -> None:
    order = [
        "Cover", "Preamble", "Recitals", "1", "1 Indenture", "1 Warrants", "1.1", "2.9", "2.10", "Section 7", "10",
        "Signature pages", "Exhibit 2.2", "Exhibit 10", "Schedule 5.27", "Annex A", "Appendix B", "New conversion price",
    ]  # fmt: skip
    assert sorted(order, key=section_order) == order


# ---- spellings ----


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$29,000,000.", 29_000_000),
        ("USD 29000000", 29_000_000),
        ("29 million", 29_000_000),
        ("$37.3 million of notes", Decimal(37_300_000)),
        ("1.5 billion", 1_500_000_000),
        ("$1,000.00 each", Decimal(1000)),
        ("a price of 1.85, or", Decimal("1.85")),
        ("$1.50 per share", Decimal("1.5")),
        ("par value $.001", Decimal("0.001")),
        ("ten days", 10),
        ("twenty-one days", 21),
        ("Twenty One days", 21),
        ("thirty days", 30),
        ("none of which", 0),
        ("8% notes", Decimal("0.08")),
        ("8.00 % a year", Decimal("0.08")),
        ("8 per cent", Decimal("0.08")),
        ("eight percent (8%)", Decimal("0.08")),
        ("11.5%", Decimal("0.115")),
        ("11 1/2%", Decimal("0.115")),
        ("11-1/2 percent", Decimal("0.115")),
        ("11½%", Decimal("0.115")),
        ("5 3/4% notes", Decimal("0.0575")),
        ("5 5/16%", Decimal("0.053125")),
        ("a ratio of 0.5", Decimal("0.5")),
        ("June 18,\n2004", dt.date(2004, 6, 18)),
        ("18 June 2004", dt.date(2004, 6, 18)),
        ("2004-06-18", dt.date(2004, 6, 18)),
        ("6/18/2004", dt.date(2004, 6, 18)),
        ("06/18/2004", dt.date(2004, 6, 18)),
        ("6/18/04", dt.date(2004, 6, 18)),
        ("Jun. 18, 2004", dt.date(2004, 6, 18)),
        ("the 18th day of June, 2004", dt.date(2004, 6, 18)),
        ("June 1st, 2004", dt.date(2004, 6, 1)),
        ("June 22nd, 2004", dt.date(2004, 6, 22)),
        ("June 3rd, 2004", dt.date(2004, 6, 3)),
        ("June 11th, 2004", dt.date(2004, 6, 11)),
        ("the notes of IBASIS,  Inc.", "iBasis, Inc."),
        ("Singer Children\N{RIGHT SINGLE QUOTATION MARK}s Trust", "Singer Children's Trust"),
    ],
)  # fmt: skip
def test_a_value_is_found_however_papers_print_it(text: str, value: Any) -> None:
    assert prints(text, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$ 1,050,00", 1_050_000),
        ("129,000,000", 29_000_000),
        ("29,000,000,000", 29_000_000),
        ("29,000,000.50", 29_000_000),
        ("29,000,000%", 29_000_000),
        ("29.5 million", 29_000_000),
        ("1.855", Decimal("1.85")),
        ("11.85", Decimal("1.85")),
        ("18%", Decimal("0.08")),
        ("0.8%", Decimal("0.08")),
        ("8 shares", Decimal("0.08")),
        ("5 3/4%", Decimal("0.04")),
        ("5 3/4%", 5),
        ("10 %", 10),
        ("fourteen days", 4),
        ("twenty-one days", 1),
        ("a non-iBasis name", "iBasis"),
        ("June 18, 2005", dt.date(2004, 6, 18)),
        ("June 118, 2004", dt.date(2004, 6, 18)),
        ("6/18/2040", dt.date(2004, 6, 18)),
        ("June 8, 2004", dt.date(2004, 6, 18)),
        ("iBasis Global, Inc.", "Basis Global, Inc."),
        ("Windward Capital, LLC", "Windward Capital, L.P."),
        ("yes, true", True),
    ],
)
def test_another_value_is_not_taken_for_it(text: str, value: Any) -> None:
    assert not prints(text, value)


@given(amount=st.integers(100, 10**12), other=st.integers(100, 10**12))
def test_of_two_amounts_a_text_prints_its_own(amount: int, other: int) -> None:
    text = f"the sum of ${amount:,} is paid"
    assert prints(text, amount)
    assert prints(text, other) is (amount == other)


@given(days=st.integers(0, 20_000), off=st.integers(-400, 400))
def test_of_two_dates_a_text_prints_its_own(days: int, off: int) -> None:
    day = dt.date(1990, 1, 1) + dt.timedelta(days)
    text = f"on {day:%B} {day.day}, {day.year} they met"
    assert prints(text, day)
    assert prints(text, day + dt.timedelta(off)) is (off == 0)


# ---- a deal file against its papers ----


def test_nothing_is_listed_where_all_stands_where_the_file_says(of_our_agreement: Callable[..., nc.Deal]) -> None:
    deal = of_our_agreement()
    table = deal.check_sources({"npa": AGREEMENT})
    assert table.empty
    assert table.columns.tolist() == ["term", "value", "document", "section", "problem"]
    assert set(table.dtypes.astype(str)) == {"str"}
    assert source_counts(deal.terms, ["npa"]).checked > 90  # so that nothing was listed of much
    assert sum(source_counts(deal.terms, [])) == sum(source_counts(deal.terms, ["npa"]))


MISSES: list[tuple[str, str, str, str, str, str]] = [
    # what stands in the file, what is planted; the term, its value, its section and the problem that are listed
    ("value = 4915416", "value = 4915461", "capitalization.classes.existing-warrants.registered", "4915461", "Schedule 5.27", "not in the section"),
    ("value = 121", "value = 120", "time_limits.disqualified-stock.length", "120", "1 Disqualified Stock", "not in the section"),
    ("value = 0.0575", "value = 0.0525", "instruments.existing-convertible-notes.annual_rate", "0.0525", "1 Existing Convertible Notes", "not in the section"),
    ("maturity = { value = 2007-06-18", "maturity = { value = 2007-06-19", "series.notes.maturity", "2007-06-19", "1 Maturity Date", "not in the section"),
    ('"The Bank of New York"', '"The Bank of New Yorck"', "parties.bank-of-new-york.name", "The Bank of New Yorck", "1 Indenture", "not in the section"),
    ('section = "2.6"', 'section = "2.5"', "facts.place-of-closing", "Boston, Massachusetts", "2.5", "not in the section"),
    ('section = "2.6"', 'section = "2.7"', "facts.place-of-closing", "Boston, Massachusetts", "2.7", "section not found"),
    ('printed = "ten"', 'printed = "eleven"', "time_limits.counsel-fees.length", "eleven", "7.11", "not in the section"),
    ('wording = "business day"', 'wording = "Business Day"', "time_limits.notice-by-courier.wording", "Business Day", "7.1", "not in the section"),
    ('value = ["New York"]', 'value = ["New York", "London"]', "business_days.cities", "New York, London", "1 Corporate Trust Office", "not in the section"),
    ('excepted = { value = ["warrants"', 'excepted = { value = ["imperial", "warrants"', "capitalization.excepted", "imperial, warrants, existing-convertible-notes, new-convertible-notes", "5.4", "not in the section"),
    ('term = "Majority Holders"', 'term = "Most Holders"', "vocabulary.used[3].term", "Most Holders", "7.3", "not in the section"),
    ('defined = ["Book', 'defined = ["Lender", "Book', "vocabulary.defined[0]", "Lender", "", "not defined in the text"),
    ('"Effective Date", ', "", "", "", "", ""),
    ('"Global Note", "Guar', '"Guar', "vocabulary.used[1].term", "Global Note", "3.1", "defined in the text after all"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "term", "value", "section", "problem"), MISSES)
def test_what_does_not_stand_there_is_listed(
    of_our_agreement: Callable[..., nc.Deal], old: str, new: str, term: str, value: str, section: str, problem: str
) -> None:
    changes = [(old, new)]
    if term == "series.notes.maturity":
        changes.append(("last_date = { value = 2007-06-18", "last_date = { value = 2007-06-19"))
    got = of_our_agreement(*changes).check_sources({"npa": AGREEMENT})
    assert got.to_numpy().tolist() == ([[term, value, "npa", section, problem]] if term else [])


def test_every_miss_is_listed_in_the_order_of_the_file(of_our_agreement: Callable[..., nc.Deal]) -> None:
    planted = MISSES[:5]
    longer = ("last_date = { value = 2007-06-18", "last_date = { value = 2007-06-19")
    got = of_our_agreement(longer, *((old, new) for old, new, *_ in planted)).check_sources({"npa": AGREEMENT})
    assert got["term"].tolist() == [
        "parties.bank-of-new-york.name",
        "series.notes.maturity",
        "instruments.existing-convertible-notes.annual_rate",
        "capitalization.classes.existing-warrants.registered",
        "time_limits.disqualified-stock.length",
    ]


def test_another_text_than_the_one_that_was_read_is_listed_first(
    of_our_agreement: Callable[..., nc.Deal], tmp_path: Path
) -> None:
    other = tmp_path / "other.txt"
    other.write_text(TEXT.replace("$29,000,000.", "$29,000,001."), encoding="utf-8")
    got = of_our_agreement().check_sources({"npa": other})
    assert got.to_numpy().tolist() == [
        ["documents.npa.sha256", sha256(TEXT), "npa", "", "text differs from the one hashed"],
        ["series.notes.principal", "29000000", "npa", "2.1", "not in the section"],
    ]


def test_a_text_in_an_older_encoding_is_read(of_our_agreement: Callable[..., nc.Deal], tmp_path: Path) -> None:
    older = tmp_path / "older.txt"
    older.write_bytes(TEXT.encode("cp1252"))
    assert of_our_agreement().check_sources({"npa": older})["term"].tolist() == ["documents.npa.sha256"]


def test_only_the_documents_at_hand_are_looked_at(of_our_agreement: Callable[..., nc.Deal], tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    report.write_text(
        "Press report on the closing. Tendered principal: $37.3 million.\n\nPrincipal left by the press report on the "
        "closing: 900,000.\n\nNew conversion price 1.85, by another press report.\n\nNew conversion price 1.86, by the "
        "press report on the closing.",
        encoding="utf-8",
    )
    got = of_our_agreement().check_sources({"press-closing": report})
    assert got[["term", "problem"]].to_numpy().tolist() == [
        ["documents.press-closing.sha256", "text differs from the one hashed"],
        ["instruments.new-convertible-notes.conversion_price", "not in the section"],
        ["capitalization.classes.warrants.exercise_price", "section not found"],
    ]


def test_words_that_no_document_uses_are_not_looked_for(raw: dict[str, Any]) -> None:
    raw["vocabulary"]["used"] = []
    raw["vocabulary"]["defined"] = ["Lender"]
    got = source_table(validate_terms(raw, "raw"), {"npa": AGREEMENT})
    assert got["term"].tolist() == ["documents.npa.sha256"]


def test_a_right_may_be_named_by_its_title_its_instruments_or_its_key(
    of_our_agreement: Callable[..., nc.Deal], tmp_path: Path
) -> None:
    titles = tmp_path / "titles.txt"
    titles.write_text(
        TEXT.replace(
            "Set apart are the Warrants, the Existing Convertible Notes",
            "Set apart are the Warrants promised, the 5 3/4% Convertible Subordinated Notes due 2005",
        ),
        encoding="utf-8",
    )
    deal = of_our_agreement(('excepted = { value = ["warrants"', 'excepted = { value = ["warrants"'))
    assert deal.check_sources({"npa": titles})["term"].tolist() == ["documents.npa.sha256"]


def test_a_document_that_the_deal_does_not_list_and_a_file_that_is_not_there(deal: nc.Deal, tmp_path: Path) -> None:
    with pytest.raises(nc.TermError, match=r"`document` must be one of npa, rra, .*; got 'nap'. Did you mean 'npa'\?"):
        deal.check_sources({"nap": AGREEMENT})
    with pytest.raises(nc.TermError, match="`text of npa` must be a file that can be read; got .*No such file"):
        deal.check_sources({"npa": tmp_path / "none.txt"})


def test_the_result_says_what_was_asked(deal: nc.Deal) -> None:
    made = deal.check_sources({"npa": str(AGREEMENT)})
    assert isinstance(made, pd.DataFrame)
    assert f'"files":{{"npa":"{AGREEMENT}"}}' in made.attrs["notecalc"]
