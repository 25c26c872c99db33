"""The text of a document by its sections, and whether what a deal file takes from them stands there.

Knows how US agreements are set out (as filed in plain text) and how they print figures, dates and names. It does not
read a meaning out of a sentence: that a value stands in its section doesn't prove that it was read right.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from notecalc.deal.assumptions import terms_of, value_text
from notecalc.deal.sources import Source, Term
from notecalc.deal.terms import DealTerms
from notecalc.errors import TermError, did_you_mean

__all__ = ["Paper", "SourceCounts", "prints", "read_paper", "section_order", "source_counts", "source_table"]

NOT_FOUND = "section not found"
NOT_THERE = "not in the section"
OTHER_TEXT = "text differs from the one hashed"
NOT_DEFINED = "not defined in the text"
DEFINED = "defined in the text after all"


class SourceCounts(NamedTuple):
    """How many sourced terms a check of sources looks at, and how many it cannot, for want of their text."""

    checked: int
    not_checked: int


def source_table(terms: DealTerms, files: Mapping[str, Path]) -> pd.DataFrame:
    """Look up each sourced term in the stated section of its document's text; one row for each that isn't there.

    Parameters
    ----------
    terms : DealTerms
        The deal. A term with `printed` must occur so; any other in one of the ways that papers print such a value.
    files : mapping of document key to path
        The texts. Terms whose document has none here are not looked at; :func:`source_counts` tells how many.

    Returns
    -------
    DataFrame
        Path of the term, value, document, section and problem, in the order of the file.

    Raises
    ------
    TermError
        A document that the deal doesn't list, or a file that cannot be read.

    Examples
    --------
    >>> import notecalc as nc
    >>> list(source_table(nc.load("ibasis-2004").terms, {}).columns)
    ['term', 'value', 'document', 'section', 'problem']
    """
    papers: dict[str, Paper] = {}
    rows: list[tuple[str, str, str, str, str]] = []
    for key, path in files.items():
        if key not in terms.documents:
            known = ", ".join(terms.documents)
            raise TermError("document", rule=f"one of {known}", got=key, hint=did_you_mean(key, terms.documents))
        content = _content(key, path)
        papers[key] = read_paper(_decoded(content))
        if hashlib.sha256(content).hexdigest() != terms.documents[key].sha256:
            rows.append((f"documents.{key}.sha256", terms.documents[key].sha256, key, "", OTHER_TEXT))
    for name, claim in _claims(terms):
        if claim.source.document in papers:
            key = claim.source.document
            problem = claim.problem_in(papers[key], terms.documents[key].title)
            if problem:
                rows.append((name, claim.value, claim.source.document, claim.source.section, problem))
    rows += _document_rows(terms, papers)
    rows += _printed_rows(terms, papers)
    rows += _vocabulary_rows(terms, papers)
    columns = ["term", "value", "document", "section", "problem"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns, "str"))


def source_counts(terms: DealTerms, documents: Collection[str]) -> SourceCounts:
    """Count the sourced terms whose document's text is at hand, and the others.

    Examples
    --------
    >>> import notecalc as nc
    >>> source_counts(nc.load("ibasis-2004").terms, []).checked
    0
    """
    given = [claim.source.document in documents for _, claim in _claims(terms)]
    return SourceCounts(sum(given), len(given) - sum(given))


def section_order(section: str) -> tuple[int, tuple[int, ...], str]:
    """Give the place of a section in the order in which an agreement's parts follow each other.

    Examples
    --------
    >>> sorted(["Exhibit 2.2", "5.10", "5.4", "Preamble", "1 Maturity Date", "Signature pages"], key=section_order)
    ['Preamble', '1 Maturity Date', '5.4', '5.10', 'Signature pages', 'Exhibit 2.2']
    """
    name = _key(section)
    parts = re.fullmatch(r"(exhibit |schedule |annex |appendix )?(\d+(?:\.\d+)*)?\s*(.*)", name)
    kind, number, rest = parts.groups() if parts else (None, None, name)
    numbers = tuple(map(int, number.split("."))) if number else ()
    if kind:
        return _ORDER.index(kind.strip()), numbers, rest
    if numbers:
        return _ORDER.index("numbered"), numbers, rest
    return _ORDER.index(name) if name in _ORDER else len(_ORDER), (), rest


_ORDER = (
    "cover", "preamble", "recitals", "numbered", "signature pages", "exhibit", "schedule", "annex", "appendix",
)  # fmt: skip


# ---- a document's text by its sections ----


@dataclass(frozen=True)
class Paper:
    """A text by its sections, line breaks and page furniture taken out.

    Parameters
    ----------
    parts : mapping of str to str
        Text by section in lower case: ``2.5`` with all below it, ``1 maturity date`` for a definition, ``exhibit 2.2``.
    paragraphs : tuple of str
        The whole text.
    """

    parts: Mapping[str, str]
    paragraphs: tuple[str, ...]

    def section(self, name: str, title: str = "") -> str | None:
        """Text of a section, or None where there is none of this name.

        A text that has no numbered sections, such as a collection of facts, is read by its paragraphs: a section is
        then those that hold every word of the name and of the document's title.
        """
        key = _key(name)
        if not key or key in self.parts or key[0].isdigit() or any(part[0].isdigit() for part in self.parts):
            return self.parts.get(key)
        words = [re.compile(rf"(?<!\w){re.escape(word)}") for word in f"{key} {_key(title)}".split()]
        found = [text for text in self.paragraphs if all(word.search(text.casefold()) for word in words)]
        return " ".join(found) or None

    def defines(self, term: str) -> bool:
        """Whether the text sets the term in quotation marks anywhere, as definitions do."""
        return re.search(rf'"{re.escape(_plain(term).casefold())}"', " ".join(self.paragraphs).casefold()) is not None


def read_paper(text: str) -> Paper:
    r"""Split the plain text of an agreement into its sections.

    Parameters
    ----------
    text : str
        Paragraphs parted by blank lines, each heading at the beginning of one.

    Returns
    -------
    Paper
        Cover, preamble, recitals, numbered sections at every depth, definitions inside them, signature pages,
        exhibits and schedules.

    Examples
    --------
    >>> paper = read_paper('This LOAN AGREEMENT ...\n\n1. Terms.\n\n"Bank" means a bank.\n\n1.1 Sum. $5.')
    >>> paper.section("Preamble"), paper.section("1 Bank"), paper.section("1.1")
    ('This LOAN AGREEMENT ...', '"Bank" means a bank.', '1.1 Sum. $5.')
    """
    paragraphs = _paragraphs(text)
    start = next((row for row, block in enumerate(paragraphs) if _PREAMBLE.match(block)), None)
    parts: dict[str, list[str]] = {}
    here, number, term = ["cover"], "", ""
    in_body = start is None
    for row, block in enumerate(paragraphs):
        heading = _heading(block, number) if in_body else ""
        definition = _DEFINITION.match(block) if in_body and number else None
        if row == start:
            here, in_body = ["preamble"], True
        elif number and _ATTACHMENT.fullmatch(block):
            here, in_body, term = [_key(block)], False, ""
        elif in_body and number and _SIGNATURES.search(block):
            here, in_body, term = ["signature pages"], False, ""
        elif heading:
            here, number, term = _with_parents(heading), heading, ""
        elif in_body and not number and _RECITALS.match(block):
            here = ["recitals"]
        elif definition:
            term = definition[1].casefold()
        for name in (*here, *(f"{part} {term}" for part in here if term)):
            parts.setdefault(name, []).append(block)
    return Paper({name: " ".join(blocks) for name, blocks in parts.items()}, tuple(paragraphs))


_PAGE_NUMBER = re.compile(r"(?im)^[ \t]*(?:-[ \t]*)?(?:\d{1,3}|[ivxl]+)(?:[ \t]*-)?[ \t]*\n\s*(?=<page>|\f)")
_TITLE = re.compile(r"(\n[ \t]*\n[ \t]*(?:exhibit|schedule|annex|appendix)[ \t]+[\w.-]+[ \t]*\n)", re.IGNORECASE)
_TAGS = re.compile(r"(?m)^(?:[ \t]*</?[A-Za-z]+>)+[ \t]*$|\f")
_PREAMBLE = re.compile(r"this\b.{0,200}?\b(?:agreement|indenture|note|instrument|contract)\b", re.IGNORECASE)
_RECITALS = re.compile(r"(?:whereas|recitals?|background|w\s?i\s?t\s?n\s?e\s?s\s?s\s?e\s?t\s?h)\b", re.IGNORECASE)
_SIGNATURES = re.compile(r"^in witness whereof\b|^[\[(].*\bsignature pages?\b.*\bfollows?\b", re.IGNORECASE)
_ATTACHMENT = re.compile(r"(?:exhibit|schedule|annex|appendix) [\w.-]+", re.IGNORECASE)
_HEADING = re.compile(r"((?:section|article) )?(\d+(?:\.\d+)*)(\.?)(?: |$)", re.IGNORECASE)
_DEFINITION = re.compile(
    r'"([^"]{1,80})"(?: or "[^"]+")? (?:\([^)]*\) )?(?:means?|shall|is|are|has|have)\b', re.IGNORECASE
)


def _paragraphs(text: str) -> list[str]:
    bare = _TAGS.sub("", _PAGE_NUMBER.sub("", text.replace("\r\n", "\n")))
    bare = _TITLE.sub(r"\1\n", bare)  # an exhibit's number is a paragraph of its own
    return [_plain(block) for block in re.split(r"\n[ \t]*(?:\n[ \t]*)+", bare) if block.strip()]


def _plain(text: str) -> str:
    """One line with single spaces and straight quotation marks; a word broken at its hyphen is made whole."""
    straight = text.translate(str.maketrans("\u201c\u201d\u2018\u2019\u00a0", "\"\"'' "))
    return re.sub(r"\s+", " ", re.sub(r"(?<=\w)-[ \t]*\n[ \t]*(?=\w)", "-", straight)).strip()


def _key(section: str) -> str:
    return re.sub(r"^section (?=\d)", "", _plain(section).casefold())


def _heading(block: str, previous: str) -> str:
    """Number of the section that a paragraph opens, or nothing; a sum or a reference at its beginning is no heading."""
    found = _HEADING.match(block)
    if not found or not (found[1] or found[3] or "." in found[2]):
        return ""
    new = tuple(map(int, found[2].split(".")))
    old = tuple(map(int, previous.split("."))) if previous else (0,)
    level = next((place for place, (a, b) in enumerate(zip(new, old, strict=False)) if a != b), min(len(new), len(old)))
    if level == len(new):
        return ""  # the same number again, or one of its parents
    # Numbers count on; one may be left out ("reserved"), and deeper levels begin anew.
    step = new[level] - (old[level] if level < len(old) else 0)
    return found[2] if 1 <= step <= 2 and all(deeper == 1 for deeper in new[level + 1 :]) else ""


def _with_parents(number: str) -> list[str]:
    levels = number.split(".")
    return [".".join(levels[: depth + 1]) for depth in range(len(levels))]


def _content(key: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TermError(f"text of {key}", rule="a file that can be read", got=str(path), hint=error.strerror) from None


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


# ---- what the deal file says stands where ----


@dataclass(frozen=True)
class _Claim:
    """What ought to stand in a section: each of `wanted`, in one of its spellings."""

    source: Source
    wanted: tuple[tuple[str, tuple[str, ...]], ...]
    as_written: bool = False

    @property
    def value(self) -> str:
        return ", ".join(value for value, _ in self.wanted)

    def problem_in(self, paper: Paper, title: str) -> str:
        text = paper.section(self.source.section, title)
        if text is None:
            return NOT_FOUND
        if self.as_written:
            return "" if all(form in text for _, forms in self.wanted for form in forms) else NOT_THERE
        return "" if all(_occurs(forms, text) for _, forms in self.wanted) else NOT_THERE


def _claims(terms: DealTerms) -> Iterator[tuple[str, _Claim]]:
    for path, term in terms_of(terms):
        if term.source is not None:
            yield path, _Claim(term.source, tuple(_wanted(terms, path, term)))
    for name, limit in terms.time_limits.items():
        if limit.wording is not None and limit.length.source is not None:
            wanted = ((limit.wording, (limit.wording,)),)
            yield f"time_limits.{name}.wording", _Claim(limit.length.source, wanted, as_written=True)
    for row, used in enumerate(terms.vocabulary.used):
        source = Source(document=used.document, section=used.section)
        yield f"vocabulary.used[{row}].term", _Claim(source, ((used.term, (used.term,)),))


def _wanted(terms: DealTerms, path: str, term: Term[Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    if term.printed is not None:
        yield term.printed, (term.printed,)
        return
    for part in term.value if isinstance(term.value, tuple) else (term.value,):
        yield value_text(part), _titles(terms, part) if path == "capitalization.excepted" else _spellings(part)


def _titles(terms: DealTerms, key: str) -> tuple[str, ...]:
    """Ways of naming a class of shares or a series: its title, its instrument's, or a class's key as words."""
    titles = []
    if key in terms.series:
        titles.append(terms.series[key].title.value)
    if key in terms.capitalization.classes:
        share_class = terms.capitalization.classes[key]
        titles += [key.replace("-", " "), share_class.title]
        if share_class.converts is not None:
            titles.append(terms.instruments[share_class.converts].title.value)
    return tuple(titles)


def _document_rows(terms: DealTerms, papers: Mapping[str, Paper]) -> Iterator[tuple[str, str, str, str, str]]:
    """Dates and exhibit numbers of documents that do not stand on their cover or in their preamble."""
    for key, paper in papers.items():
        opening = " ".join(filter(None, (paper.section("cover"), paper.section("preamble"))))
        if not any(part[0].isdigit() for part in paper.parts):
            continue  # a collection of facts has no cover
        document = terms.documents[key]
        exhibit = f"Exhibit {document.exhibit}" if document.exhibit else None
        for name, value in (("date", document.date), ("exhibit", exhibit)):
            if value is not None and not prints(opening, value):
                yield f"documents.{key}.{name}", str(value), key, "cover", NOT_THERE


def _printed_rows(terms: DealTerms, papers: Mapping[str, Paper]) -> Iterator[tuple[str, str, str, str, str]]:
    """Numbers whose printed words say another number; a printed figure that does is a finding of the audit."""
    for path, term in terms_of(terms):
        place = term.source
        if place is None or place.document not in papers or term.printed is None or re.search(r"\d", term.printed):
            continue
        number = isinstance(term.value, int | Decimal) and not isinstance(term.value, bool)
        text = papers[place.document].section(place.section) or ""
        if number and _occurs((term.printed,), text) and not prints(term.printed, term.value):
            yield path, value_text(term.value), place.document, place.section, f"printed as {term.printed}"


def _vocabulary_rows(terms: DealTerms, papers: Mapping[str, Paper]) -> Iterator[tuple[str, str, str, str, str]]:
    """Terms said to be defined that are not, and the reverse, where every document that uses them is at hand."""
    documents = {used.document: None for used in terms.vocabulary.used}
    if not documents or not documents.keys() <= papers.keys():
        return
    listed = {term.casefold() for term in terms.vocabulary.defined}
    for row, term in enumerate(terms.vocabulary.defined):
        if not any(papers[key].defines(term) for key in documents):
            yield f"vocabulary.defined[{row}]", term, ", ".join(documents), "", NOT_DEFINED
    for row, used in enumerate(terms.vocabulary.used):
        if used.term.casefold() not in listed and papers[used.document].defines(used.term):
            yield f"vocabulary.used[{row}].term", used.term, used.document, used.section, DEFINED


# ---- the ways in which papers print a value ----


def prints(text: str, value: Any) -> bool:
    """Whether a text holds a value in one of the ways that papers print it.

    Parameters
    ----------
    text : str
        A text; case, line breaks and extra spaces make no difference.
    value : int, Decimal, date or str
        A count or amount, a decimal below 1 also as a percentage, a date, or a name.

    Examples
    --------
    >>> prints("bears interest at 5 3/4% from June 18, 2004", Decimal("0.0575"))
    True
    >>> prints("$ 1,050,00", 1_050_000)
    False
    """
    return _occurs(_spellings(value), _plain(text))


def _occurs(forms: Collection[str], text: str) -> bool:
    folded = text.casefold()
    return any(re.search(_pattern(_plain(form).casefold()), folded) for form in forms)


def _pattern(form: str) -> str:
    """Pattern of a form that is no part of a longer word or number; whole amounts may be followed by .00."""
    before = r"(?<!\d)(?<!\d[.,/])" if form[0].isdigit() else r"(?<!\w)(?<!\w-)" if form[0].isalnum() else ""
    after = r"(?!\w)" if form[-1].isalnum() else ""
    if form[-1].isdigit():
        after = r"(?:\.00?)?(?![\w%])(?![.,]\d)(?! %)(?! \d+/\d)"
    return before + re.escape(form) + after


def _spellings(value: Any) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ()  # no paper says "true": such a term needs `printed`
    if isinstance(value, int | Decimal):
        exact = Decimal(value)
        return (*_numbers(exact), *(_percentages(exact) if 0 < exact < 1 else ()))
    if isinstance(value, dt.date):
        return tuple(_dates(value))
    return (str(value),)


def _numbers(value: Decimal) -> Iterator[str]:
    for form in {f"{value.normalize():,f}", f"{value.normalize():f}", f"{value:,.2f}", f"{value:.2f}"}:
        if Decimal(form.replace(",", "")) == value:
            yield form
            if form.startswith("0."):
                yield form[1:]
    if value == int(value) and 0 <= value < 100:
        yield from _words(int(value))
    for name, size in (("million", 10**6), ("billion", 10**9)):
        if value >= size and (value / size * 1000) % 1 == 0:
            yield f"{(value / size).normalize():f} {name}"


def _percentages(value: Decimal) -> Iterator[str]:
    points = (value * 100).normalize()
    spelled = [f"{points:f}", *(f"{points:.{places}f}" for places in (1, 2, 3) if round(points, places) == points)]
    whole = int(points)
    top, bottom = (points % 1).as_integer_ratio()
    if top and whole and bottom in (2, 4, 8, 16, 32, 64):
        spelled += [f"{whole} {top}/{bottom}", f"{whole}-{top}/{bottom}"]
        if (top, bottom) in _SIGNS:
            spelled.append(f"{whole}{_SIGNS[top, bottom]}")
    elif points == whole and whole > 0:
        spelled += _words(whole)
    for number in spelled:
        yield from (f"{number}{unit}" for unit in ("%", " %", " percent", " per cent"))


def _dates(day: dt.date) -> Iterator[str]:
    month = f"{day:%B}"
    ordinal = "th" if 10 < day.day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    yield from (f"{month} {day.day}, {day.year}", f"{month} {day.day},{day.year}", f"{month} {day.day} {day.year}")
    yield from (f"{day.day} {month} {day.year}", f"{month} {day.day}{ordinal}, {day.year}")
    yield from (f"{day.day}{ordinal} day of {month}, {day.year}", f"{day.day}{ordinal} day of {month} {day.year}")
    yield from (f"{day:%b} {day.day}, {day.year}", f"{day:%b}. {day.day}, {day.year}", day.isoformat())
    yield from (f"{day.month}/{day.day}/{day.year}", f"{day:%m/%d/%Y}", f"{day.month}/{day.day}/{day:%y}")


_SIGNS = {(1, 4): "¼", (1, 2): "½", (3, 4): "¾", (1, 8): "⅛", (3, 8): "⅜", (5, 8): "⅝", (7, 8): "⅞"}
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def _words(count: int) -> list[str]:
    """English words of a count below 100."""
    if count == 0:
        return ["zero", "none"]
    if count < 20:
        return [_ONES[count]]
    tens, ones = _TENS[count // 10 - 2], count % 10
    return [f"{tens}-{_ONES[ones]}", f"{tens} {_ONES[ones]}"] if ones else [tens]
