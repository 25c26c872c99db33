"""Read a deal file, tell everything that is wrong with it at once, and give its JSON Schema.

Two passes: each value by its type (pydantic), then what must hold between values; the second looks only at what the
first found readable, so that one mistake never hides another.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from notecalc._data import data_directory
from notecalc.deal.terms import DealTerms
from notecalc.errors import DealFileError, Problem, TermError, UnknownDealError, did_you_mean

__all__ = ["bundled_deals", "deal_schema", "read_deal_file", "validate_terms"]


def bundled_deals() -> list[str]:
    """Names of the deals that come with notecalc.

    Examples
    --------
    >>> bundled_deals()
    ['ibasis-2004']
    """
    return sorted(path.stem for path in (data_directory() / "deals").glob("*.toml"))


def read_deal_file(deal: str | Path) -> tuple[DealTerms, str]:
    """Read a bundled deal by its name, or a deal file by its path.

    Returns
    -------
    terms, file
        The checked terms and the file's name for messages.

    Raises
    ------
    UnknownDealError
        Neither a bundled deal nor a file.
    DealFileError
        The file is no TOML or its terms are wrong; every problem at once.
    """
    path = Path(deal)
    if str(deal) in bundled_deals():
        path = data_directory() / "deals" / f"{deal}.toml"
    elif not path.is_file():
        known = bundled_deals()
        hint = did_you_mean(str(deal), known) or f"Bundled deals: {', '.join(known)}"
        raise UnknownDealError(f"no deal or file is called {str(deal)!r}. {hint}")
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise DealFileError(path.name, [Problem("(syntax)", f"is not TOML: {error}", None)]) from None
    except UnicodeDecodeError as error:
        raise DealFileError(path.name, [Problem("(encoding)", f"is not UTF-8: {error.reason}", None)]) from None
    return validate_terms(raw, path.name), path.name


def validate_terms(raw: Mapping[str, Any], file: str, *, python: bool = False) -> DealTerms:
    """Check raw tables and make terms of them.

    Parameters
    ----------
    raw : mapping
        What a TOML file holds, decimals as `decimal.Decimal`.
    file : str
        Name for messages.
    python : bool
        Whether values come from Python, where a price may be a float; a file may not say one so.

    Raises
    ------
    DealFileError
        With every problem found.
    """
    problems: list[Problem] = []
    terms = None
    try:
        terms = DealTerms.model_validate(raw, context={"python": python})
    except ValidationError as error:
        found = error.errors(include_url=False)
        # A list whose elements are all wrong counts as empty, too.
        inside = {part["loc"][: len(part["loc"]) - depth] for part in found for depth in range(1, len(part["loc"]))}
        problems.extend(_problem(part) for part in found if part["type"] != "too_short" or part["loc"] not in inside)
    seen = {problem.path for problem in problems}
    problems.extend(problem for problem in _cross_checks(raw) if problem.path not in seen)
    if problems or terms is None:
        raise DealFileError(file, problems)
    return terms


def deal_schema() -> dict[str, Any]:
    """Give the JSON Schema of a deal file.

    Examples
    --------
    >>> deal_schema()["title"]
    'notecalc deal file'
    """
    schema = DealTerms.model_json_schema(by_alias=True)
    names = {key: re.sub(r"\W+", "-", part["title"]) for key, part in schema["$defs"].items()}
    readable = _readable({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, names)
    return {**readable, "$defs": {names[key]: part for key, part in readable["$defs"].items()}, "title": _TITLE}


_TITLE = "notecalc deal file"


def _readable(node: Any, names: Mapping[str, str]) -> Any:
    """A part of a schema that calls its definitions by their titles, and refuses names that no pattern allows."""
    if isinstance(node, list):
        return [_readable(part, names) for part in node]
    if not isinstance(node, dict):
        return node
    made = {key: _readable(part, names) for key, part in node.items()}
    if isinstance(node.get("$ref"), str):
        made["$ref"] = f"#/$defs/{names[node['$ref'].removeprefix('#/$defs/')]}"
    if "patternProperties" in node:
        made["additionalProperties"] = False
    return made


# ---- the first pass: from pydantic's errors to ours ----

_RULES = {
    "missing": "is missing",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "model_attributes_type": "must be a table",
    "tuple_type": "must be a list",
    "string_type": "must be a text in quotes",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}
_PATTERNS = {
    r"^[a-z0-9]+(-[a-z0-9]+)*$": "must be a name in lower case letters, digits and hyphens",
    r"^[A-Z]{3}$": "must be a currency code of three capitals, such as USD",
    r"^[0-9a-f]{64}$": "must be a SHA-256 hash: 64 hexadecimal digits in lower case",
}


def _path(loc: Sequence[Any]) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text.replace(".[key]", "") or "(file)"


def _problem(error: Any) -> Problem:
    kind, loc, got = error["type"], error["loc"], error["input"]
    path, rule, hint = _path(loc), _RULES.get(kind, error["msg"]), None
    if kind == "missing":
        return Problem(path, rule, None)
    if kind in ("model_type", "model_attributes_type") and not isinstance(got, list | str):
        hint = "Write { value = ..., source = { document = ..., section = ... } }, or { value = ..., assumed = ... }"
    if kind == "extra_forbidden":
        known = _known_keys(loc[:-1])
        hint = did_you_mean(str(loc[-1]), known) or f"Known here: {', '.join(sorted(known))}"
        return Problem(path, "is not a known key", None, hint)
    if kind == "literal_error":
        allowed = error["ctx"]["expected"].replace("'", "")
        rule = f"must be {allowed}"
        if allowed == "none":
            hint = "This version computes no other"
        if isinstance(got, str) and got not in allowed:
            hint = did_you_mean(got, allowed.replace(" or ", ", ").split(", ")) or hint
    elif kind == "string_pattern_mismatch":
        rule = _PATTERNS[error["ctx"]["pattern"]]
    elif kind == "value_error":
        inner = error["ctx"]["error"]
        rule = f"must be {inner.rule}" if isinstance(inner, TermError) else str(inner)
        hint = inner.hint if isinstance(inner, TermError) else None
    elif "0.08 is eight" in rule and isinstance(got, int | Decimal) and 1 <= abs(float(got)) < 100:
        hint = f"Did you mean {got / Decimal(100):f}?"
    return Problem(path, rule, None if isinstance(got, Mapping) and kind == "notecalc" else _shown(got), hint)


def _shown(got: Any) -> Any:
    return float(got) if isinstance(got, Decimal) else got


def _known_keys(loc: Sequence[Any]) -> list[str]:
    """Keys that the table at `loc` may hold."""
    kind: Any = DealTerms
    for part in loc:
        kind = _field_type(kind, part)
    kind = _model_of(kind)
    return [] if kind is None else [field.alias or name for name, field in kind.model_fields.items()]


def _field_type(kind: Any, part: Any) -> Any:
    model = _model_of(kind)
    if model is not None and not isinstance(part, int):
        return next(f.annotation for name, f in model.model_fields.items() if part in (name, f.alias))
    return next((arg for arg in reversed(get_args(kind)) if arg not in (Ellipsis, type(None))), None)


def _model_of(kind: Any) -> type[BaseModel] | None:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    if get_origin(kind) in (tuple, dict):
        return None
    return next((found for arg in get_args(kind) if (found := _model_of(arg)) is not None), None)


# ---- the second pass: what must hold between values ----


def _cross_checks(raw: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _sources(raw, raw, "")
    yield from _references(raw)
    yield from _duplicates(raw)
    yield from _totals(raw)
    yield from _order(raw)


def _at(raw: Any, *path: Any) -> Any:
    """Value at a path of raw tables, or None where the path ends early."""
    for part in path:
        if isinstance(raw, Mapping):
            raw = raw.get(part)
        elif isinstance(raw, Sequence) and not isinstance(raw, str) and isinstance(part, int) and part < len(raw):
            raw = raw[part]
        else:
            return None
    return raw


def _table(raw: Mapping[str, Any], *path: Any) -> Mapping[str, Any]:
    found = _at(raw, *path)
    return found if isinstance(found, Mapping) else {}


def _list(raw: Mapping[str, Any], *path: Any) -> Sequence[Any]:
    found = _at(raw, *path)
    return found if isinstance(found, Sequence) and not isinstance(found, str) else []


def _amount(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        amount = Decimal(value)
    except ArithmeticError:
        return None
    return amount if amount.is_finite() else None


def _sources(root: Mapping[str, Any], node: Any, path: str) -> Iterator[Problem]:
    documents = _table(root, "documents")
    if isinstance(node, Mapping):
        for key, value in node.items():
            here = f"{path}.{key}" if path else str(key)
            is_source = key == "document" and isinstance(value, str) and "section" in node
            if is_source and value not in documents:
                yield _unlisted(here, "a listed document", value, documents)
            yield from _sources(root, value, here)
    elif isinstance(node, list | tuple):
        for row, value in enumerate(node):
            yield from _sources(root, value, f"{path}[{row}]")


def _unlisted(path: str, what: str, got: Any, known: Mapping[str, Any] | Sequence[str]) -> Problem:
    hint = did_you_mean(str(got), known) or (f"Listed: {', '.join(known)}" if known else None)
    return Problem(path, f"must be {what}", got, hint)


_REFERENCES = (
    ("signatures", "party", "parties"),
    ("purchases", "purchaser", "parties"),
    ("purchases", "series", "series"),
    ("surrender_rights", "purchaser", "parties"),
    ("surrender_rights", "instrument", "instruments"),
    ("exchanges", "old", "instruments"),
    ("exchanges", "new", "instruments"),
)


def _references(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """Every name of a party, a series or an instrument is one that the file lists."""
    for table, key, target in _REFERENCES:
        rows = _table(raw, table).items() if table == "exchanges" else enumerate(_list(raw, table))
        for row, item in rows:
            got = _at(item, key)
            if isinstance(got, str) and got not in _table(raw, target):
                where = f"{table}.{row}" if table == "exchanges" else f"{table}[{row}]"
                yield _unlisted(f"{where}.{key}", f"a key of [{target}]", got, _table(raw, target))
    if _list(raw, "surrender_rights") and "closing" not in raw:
        yield Problem("closing", "is missing: it says how [[surrender_rights]] are read", None)
    classes = _table(raw, "capitalization", "classes")
    for name, item in classes.items():
        got = _at(item, "converts")
        if isinstance(got, str) and got not in _table(raw, "instruments"):
            where = f"capitalization.classes.{name}.converts"
            yield _unlisted(where, "a key of [instruments]", got, _table(raw, "instruments"))
        if isinstance(item, Mapping) and "shares" not in item and "converts" not in item:
            yield Problem(f"capitalization.classes.{name}", "must have `shares`, or `converts` an instrument", None)
    for row, got in enumerate(_list(raw, "capitalization", "excepted", "value")):
        known = [*classes, *_table(raw, "series")]
        if isinstance(got, str) and got not in known:
            yield _unlisted(
                f"capitalization.excepted.value[{row}]", "a class of [capitalization] or a series", got, known
            )
    purchasers = [_at(item, "purchaser") for item in _list(raw, "purchases")]
    for row, item in enumerate(_list(raw, "surrender_rights")):
        got = _at(item, "purchaser")
        if isinstance(got, str) and got not in purchasers:
            yield _unlisted(f"surrender_rights[{row}].purchaser", "one of the purchasers", got, [*map(str, purchasers)])


def _duplicates(raw: Mapping[str, Any]) -> Iterator[Problem]:
    names = {key: _at(party, "name", "value") for key, party in _table(raw, "parties").items()}
    folded = {key: name.casefold() for key, name in names.items() if isinstance(name, str)}
    for key, name in folded.items():
        twin = next(other for other, its_name in folded.items() if its_name == name)
        if twin != key:
            yield Problem(f"parties.{key}.name.value", f"is also the name of parties.{twin}", names[key])
    for table in ("purchases", "surrender_rights"):
        # A purchaser may take several series but, in this version, surrender one instrument.
        keys = [
            (_at(item, "purchaser"), _at(item, "series") if table == "purchases" else "") for item in _list(raw, table)
        ]
        for row, taken in enumerate(keys):
            if None not in taken and keys.index(taken) != row:
                yield Problem(f"{table}[{row}]", f"repeats the purchaser of {table}[{keys.index(taken)}]", taken[0])


def _totals(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """The allocations of each series add up to its principal."""
    for name in _table(raw, "series"):
        total = _amount(_at(raw, "series", name, "principal", "value"))
        parts = [
            _amount(_at(item, "principal", "value")) for item in _list(raw, "purchases") if _at(item, "series") == name
        ]
        amounts = [part for part in parts if part is not None]
        if total is None or len(amounts) < len(parts):
            continue
        if sum(amounts) != total:
            rule = f"must be the sum of its purchases, {sum(amounts):,}"
            yield Problem(f"series.{name}.principal.value", rule, f"{total:,}")
    for name, offer in _table(raw, "exchanges").items():
        maximum, tendered = (_amount(_at(offer, key, "value")) for key in ("maximum", "tendered"))
        if maximum is not None and tendered is not None and tendered > maximum:
            yield Problem(
                f"exchanges.{name}.tendered.value", f"must be at most the maximum, {maximum:,}", f"{tendered:,}"
            )
    capital = _table(raw, "capitalization")
    issued = [
        _at(item, "shares", "value") for item in _table(capital, "classes").values() if _at(item, "kind") == "issued"
    ]
    authorised = _at(capital, "authorised", "value")
    counts = [count for count in issued if isinstance(count, int)]
    if isinstance(authorised, int) and sum(counts) > authorised:
        rule = f"must be at least the shares issued, {sum(counts):,}"
        yield Problem("capitalization.authorised.value", rule, f"{authorised:,}")


def _order(raw: Mapping[str, Any]) -> Iterator[Problem]:
    for name, series in _table(raw, "series").items():
        here = f"series.{name}"
        dates = {
            key: _at(series, *key.split("."), "value")
            for key in (
                "issue_date",
                "first_coupon",
                "last_coupon",
                "maturity",
                "conversion.first_date",
                "conversion.last_date",
            )
        }
        for early, late in (
            ("issue_date", "maturity"),
            ("issue_date", "first_coupon"),
            ("first_coupon", "last_coupon"),
            ("last_coupon", "maturity"),
            ("first_coupon", "maturity"),
            ("conversion.first_date", "conversion.last_date"),
            ("conversion.last_date", "maturity"),
        ):
            may_meet = "conversion" in early + late or early == "first_coupon"
            first, last = dates[early], dates[late]
            if type(first) is not dt.date or type(last) is not dt.date:
                continue
            if first > last or (first == last and not may_meet):
                rule = f"must be {'on or ' if may_meet else ''}after {early} ({first})"
                yield Problem(f"{here}.{late}.value", rule, str(last))
    signed, closed = (_at(raw, "dates", key, "value") for key in ("agreement", "closing"))
    if type(signed) is dt.date and type(closed) is dt.date and closed < signed:
        yield Problem("dates.closing.value", f"must be on or after the agreement ({signed})", str(closed))
