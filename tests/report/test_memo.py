"""The memo: what it says stands in a kept text; its page escapes, links inside itself and depends on nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import notecalc as nc
from notecalc._data import data_directory
from notecalc.report.memo import Memo, memo_of, write_memo

KEPT = Path(__file__).parent / "kept" / "memo.md"


@pytest.fixture(scope="module")
def deal() -> nc.Deal:
    return nc.load("ibasis-2004")


@pytest.fixture(scope="module")
def memo(deal: nc.Deal) -> Memo:
    return memo_of(deal)


@pytest.fixture(scope="module")
def altered(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., nc.Deal]:
    def load(*changes: tuple[str, str]) -> nc.Deal:
        text = (data_directory() / "deals" / "ibasis-2004.toml").read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        file = tmp_path_factory.mktemp("deal") / "altered.toml"
        file.write_text(text, encoding="utf-8")
        return nc.load(file)

    return load


class Page(HTMLParser):
    """Ids, addresses and the texts of tables; raises where a tag closes another's place."""

    EMPTY = frozenset({"meta", "br", "path", "use", "g", "link"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [value for name, value in found.items() if name == "id" and value]
        self.links += [value for name, value in found.items() if name in ("href", "xlink:href", "src") and value]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()


def test_the_memo_says_what_is_kept(memo: Memo) -> None:
    """To renew it, after reading what changed: notecalc memo ibasis-2004, and copy memo.md to tests/report/kept."""
    assert memo.markdown == KEPT.read_text(encoding="utf-8")


def test_the_same_deal_gives_the_same_bytes_in_another_process(memo: Memo, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "notecalc", "memo", "ibasis-2004", "-o", tmp_path], check=True)
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert written == memo.files()


def test_page_and_twin_hold_the_same_tables(memo: Memo) -> None:
    rows = len(re.findall(r"<tr\b", memo.html))
    twin = [line for line in memo.markdown.splitlines() if line.startswith("|")]
    rules = [line for line in twin if re.fullmatch(r"\|( -+:? \|)+", line)]
    assert len(rules) == len(re.findall("<table ", memo.html))
    assert len(twin) - len(rules) == rows


def test_every_link_of_the_page_leads_somewhere_in_it(memo: Memo) -> None:
    page = Page(memo.html)
    assert len(page.ids) == len(set(page.ids))
    assert {link[0] for link in page.links} == {"#"}  # nothing from elsewhere
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert "<script" not in memo.html


def test_every_footnote_is_referred_to_and_every_mark_has_one(memo: Memo) -> None:
    listed = re.findall(r"^\[\^(\d+)\]: ", memo.markdown, flags=re.MULTILINE)
    marks = re.findall(r"\[\^(\d+)\](?!:)", memo.markdown)
    assert listed == [str(number + 1) for number in range(len(listed))]
    assert set(marks) == set(listed)


def test_every_term_carries_its_section_or_the_mark_of_an_assumption(deal: nc.Deal, memo: Memo) -> None:
    """Counted in the terms' table: as many marks of assumptions as its terms have."""
    part = memo.markdown[memo.markdown.index("### Terms of the notes") : memo.markdown.index("### Purchasers")]
    lines = [line for line in part.splitlines()[4:] if line.startswith("|") and "**" not in line]
    assert all("[^" in line or "[assumed]" in line for line in lines)
    table = deal.term_table()
    separate = ("parties", "signatures", "purchases", "surrender_rights", "thresholds", "time_limits")
    own = table[~table["term"].str.startswith(separate)]
    assert sum("[assumed]" in line for line in lines) == (own["assumed"] != "").sum()
    assert len(lines) == len(own)


def test_the_page_names_the_version_and_the_hash_of_the_inputs(deal: nc.Deal, memo: Memo) -> None:
    for text in (memo.html, memo.markdown):
        assert f"notecalc {nc.__version__}" in text
        assert deal.input_hash in text
    other = memo_of(deal.replace(conversion_price=1.75))
    assert deal.input_hash not in other.html


def test_what_was_changed_is_marked_as_assumed(deal: nc.Deal) -> None:
    assert "Set by replace(); was 1.85." in memo_of(deal.replace(conversion_price=1.75)).markdown


def test_markup_in_a_deal_is_text_in_its_memo(altered: Callable[..., nc.Deal]) -> None:
    evil = '<script>alert(1)</script> & "co" | *x* $2$'
    made = memo_of(altered(('title = "iBasis, Inc. 8% Secured Convertible Notes due 2007"', f"title = '{evil}'"),
                           ('title = "Options outstanding"', f"title = '{evil}'"),
                           ('title = "Note Purchase Agreement"', f"title = '{evil}'")))  # fmt: skip
    assert "<script>" not in made.html
    assert "<script>" not in made.markdown
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; " in made.html
    assert r"\| \*x\* \$2\$" in made.markdown
    Page(made.html)


def test_csv_files_hold_the_deals_own_tables(deal: nc.Deal, tmp_path: Path) -> None:
    files = write_memo(deal, tmp_path / "new" / "folder")
    assert files[0].name == "memo.html"
    flows = pd.read_csv(tmp_path / "new" / "folder" / "cashflows.csv", parse_dates=["payment_date"])
    own = deal.cashflows()
    assert flows["total"].tolist() == own["total"].tolist()
    assert flows["payment_date"].tolist() == own["payment_date"].tolist()
    names = {path.stem for path in files if path.suffix == ".csv"}
    assert {"terms", "cashflows", "closing", "captable", "dilution", "findings", "assumptions"} <= names


def test_a_deal_without_the_optional_parts_has_a_memo(altered: Callable[..., nc.Deal]) -> None:
    text = (data_directory() / "deals" / "ibasis-2004.toml").read_text(encoding="utf-8")
    limits = text[text.index("# ---- thresholds and periods") : text.index("# ---- words")]
    rights = text[text.index("[[surrender_rights]]") : text.index("[closing]")]
    made = memo_of(altered((limits, ""), (rights, "")))
    assert "Periods" not in made.markdown
    assert "May surrender" in made.markdown


@pytest.mark.parametrize("chart", ["ownership", "headroom"])
def test_a_chart_is_drawn_in_the_page_and_beside_its_twin(memo: Memo, chart: str) -> None:
    assert f'id="figure-{chart}"' in memo.html
    assert f"]({chart}.svg)" in memo.markdown
    drawing = memo.charts[f"{chart}.svg"]
    assert drawing.strip() in memo.html
    assert 'xmlns="http://www.w3.org/2000/svg"' in drawing
    assert 'role="img"' in drawing


def test_a_folder_that_cannot_be_made_says_so(deal: nc.Deal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_memo(deal, tmp_path / "file" / "memo")


def test_bad_words_of_a_template_are_errors() -> None:
    """A misspelt name in a template raises instead of leaving a hole."""
    from jinja2 import UndefinedError

    from notecalc.report.memo import _environment

    template: Any = _environment().from_string("{{ nothing_of_this_name }}")
    with pytest.raises(UndefinedError):
        template.render()


# ---- in a stated market ----


@pytest.fixture(scope="module")
def valued(deal: nc.Deal) -> Memo:
    return memo_of(deal, market=nc.load_market("ibasis-2004-06-18"))


def test_without_a_market_nothing_is_said_of_value(memo: Memo, valued: Memo) -> None:
    assert "Value of the conversion right" not in memo.markdown
    assert "## Value of the conversion right" in valued.markdown
    assert {"value.svg", "value_grid.csv", "market.csv"} <= set(valued.files()) - set(memo.files())


def test_the_section_shows_the_deals_own_figures(deal: nc.Deal, valued: Memo) -> None:
    case = nc.load_market("ibasis-2004-06-18")
    for model in case.models:
        worth = deal.value(**case.arguments(model)).notecalc.formatted()
        assert re.search(rf"^\| Dirty price .* {worth['dirty_price'].iloc[0]} ", valued.markdown, flags=re.MULTILINE)
    for name in ("Tsiveriotis and Fernandes (1998)", "Goldman Sachs (1994)", "Ayache, Forsyth and Vetzal (2003)"):
        assert name in valued.markdown
    assert "no solution" in valued.markdown


def test_every_datum_of_the_market_leads_to_its_source_or_its_reason(valued: Memo) -> None:
    page = Page(valued.html)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert {"assumed-market-stock-price", "assumed-market-hazard-rate"} <= set(page.ids)
    assert "Note Purchase Agreement, section 2.5: 1,000 for each 1,000 of principal." in valued.markdown
    assert (
        "The yield of that day was not looked up" in valued.markdown
        or "the yield of that day was not" in valued.markdown
    )


def test_page_and_twin_hold_the_same_tables_with_a_market(valued: Memo) -> None:
    test_page_and_twin_hold_the_same_tables(valued)


def test_a_market_file_without_a_grid_or_a_price_has_a_shorter_section(deal: nc.Deal, tmp_path: Path) -> None:
    text = (data_directory() / "markets" / "ibasis-2004-06-18.toml").read_text(encoding="utf-8")
    text = re.sub(r"^clean_price = .*$", "", text[: text.index("# What the memo computes")], flags=re.MULTILINE)
    file = tmp_path / "short.toml"
    file.write_text(text, encoding="utf-8")
    made = memo_of(deal, market=nc.load_market(file))
    assert "value.svg" not in made.files()
    assert "## Value of the conversion right" in made.markdown
