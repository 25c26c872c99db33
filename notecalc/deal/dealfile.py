"""Read a deal file, tell everything that is wrong with it at once, and give its JSON Schema.

Two passes: each value by its type (pydantic), then what must hold between values; the second looks only at what the
first found readable, so that one mistake never hides another.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from notecalc._data import data_directory
from notecalc.deal.crosschecks import cross_checks
from notecalc.deal.terms import DealTerms
from notecalc.errors import DealFileError, Problem, TermError, UnknownDealError, did_you_mean

__all__ = [
    "bundled_deals",
    "deal_schema",
    "model_schema",
    "problems_of",
    "read_deal_file",
    "read_toml",
    "validate_terms",
]


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
    return validate_terms(read_toml(path), path.name), path.name


def read_toml(path: Path) -> dict[str, Any]:
    """Read the tables of a file, decimals exact."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise DealFileError(path.name, [Problem("(syntax)", f"is not TOML: {error}", None)]) from None
    except UnicodeDecodeError as error:
        raise DealFileError(path.name, [Problem("(encoding)", f"is not UTF-8: {error.reason}", None)]) from None


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
    terms, problems = problems_of(DealTerms, raw, _HINT, python=python)
    seen = {problem.path for problem in problems}
    problems.extend(problem for problem in cross_checks(raw) if problem.path not in seen)
    if problems or terms is None:
        raise DealFileError(file, problems)
    return terms


M = TypeVar("M", bound=BaseModel)

_HINT = "Write { value = ..., source = { document = ..., section = ... } }, or { value = ..., assumed = ... }"


def problems_of(
    root: type[M], raw: Mapping[str, Any], hint: str, *, python: bool = False
) -> tuple[M | None, list[Problem]]:
    """Check raw tables by the types of a model: what was read, if all is well, and every problem.

    Parameters
    ----------
    root : type
        Of the whole file.
    raw : mapping
        What the file holds.
    hint : str
        How a term is written, for who wrote its value alone.
    python : bool
        As in `validate_terms`.
    """
    try:
        return root.model_validate(raw, context={"python": python}), []
    except ValidationError as error:
        found = error.errors(include_url=False)
    # A list whose elements are all wrong counts as empty, too.
    inside = {part["loc"][: len(part["loc"]) - depth] for part in found for depth in range(1, len(part["loc"]))}
    told = [part for part in found if part["type"] != "too_short" or part["loc"] not in inside]
    return None, [_problem(part, root, hint) for part in told]


def deal_schema() -> dict[str, Any]:
    """Give the JSON Schema of a deal file.

    Examples
    --------
    >>> deal_schema()["title"]
    'notecalc deal file'
    """
    return model_schema(DealTerms, "notecalc deal file")


def model_schema(root: type[BaseModel], title: str) -> dict[str, Any]:
    """Give the JSON Schema of a kind of file, its parts called by their names."""
    schema = root.model_json_schema(by_alias=True)
    names = {key: re.sub(r"\W+", "-", part["title"]) for key, part in schema["$defs"].items()}
    readable = _readable({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, names)
    return {**readable, "$defs": {names[key]: part for key, part in readable["$defs"].items()}, "title": title}


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
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}
_PATTERNS = {
    r"^[a-z0-9]+(-[a-z0-9]+)*$": "must be a name in lower case letters, digits and hyphens",
    r"^[a-z][a-z0-9_.-]*$": "must be a name in lower case letters, digits, dots, hyphens and underscores",
    r"^[A-Z]{3}$": "must be a currency code of three capitals, such as USD",
    r"^[0-9a-f]{64}$": "must be a SHA-256 hash: 64 hexadecimal digits in lower case",
}


def _path(loc: Sequence[Any]) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text.replace(".[key]", "") or "(file)"


def _problem(error: Any, root: type[BaseModel], written: str) -> Problem:
    kind, got = error["type"], error["input"]
    loc = [part for part in error["loc"] if not str(part).startswith("<")]  # which part of a union was read
    path, rule, hint = _path(loc), _RULES.get(kind, error["msg"]), None
    if kind in _BOUNDS:
        words, limit = _BOUNDS[kind]
        rule = f"must be {words} {error['ctx'][limit]:g}"
    if kind == "missing":
        return Problem(path, rule, None)
    if kind in ("model_type", "model_attributes_type") and not isinstance(got, list | str):
        hint = written
    if kind == "extra_forbidden":
        known = _known_keys(root, loc[:-1])
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
    elif " per cent)" in rule and isinstance(got, int | Decimal) and 1 <= abs(float(got)) < 100:
        hint = f"Did you mean {got / Decimal(100):f}?"
    return Problem(path, rule, None if isinstance(got, Mapping) and kind == "notecalc" else _shown(got), hint)


def _shown(got: Any) -> Any:
    return float(got) if isinstance(got, Decimal) else got


def _known_keys(root: type[BaseModel], loc: Sequence[Any]) -> list[str]:
    """Keys that the table at `loc` may hold."""
    kind: Any = root
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
