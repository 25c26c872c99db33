"""The same deal with terms changed: found by name, given the types of a deal file, and checked like one."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from notecalc.core.arrays import as_date
from notecalc.deal.assumptions import terms_of, value_text
from notecalc.deal.dealfile import validate_terms
from notecalc.deal.sources import Term
from notecalc.deal.terms import DealTerms
from notecalc.errors import TermError, did_you_mean

__all__ = ["is_replaced", "replaced"]

_MARK = "set by replace(); was "


def replaced(terms: DealTerms, file: str, changes: Mapping[str, Any]) -> DealTerms:
    """Terms with some changed by name or path, each marked as assumed with its old value as the alternative.

    Raises
    ------
    TermError
        No term, or more than one, has a name.
    DealFileError
        The deal would be wrong with the new values.
    """
    raw = terms.model_dump(by_alias=True)
    paths = [path for path, _ in terms_of(terms)]
    found = {name: _find_term(name, paths) for name in changes}
    for name, path in found.items():
        twin = next(other for other, its in found.items() if its == path)
        if twin != name:
            raise TermError("replace()", rule=f"given once for each term; {twin} names the same one", got=name)
        node = _node(raw, path)
        old = node["value"]
        value = _as_in_a_file(name, changes[name], old)
        node.clear()
        node |= {"value": value, "assumed": f"{_MARK}{value_text(old)}", "alternatives": (old,)}
        for follower in _followers(terms, path):
            if follower not in found.values():
                _node(raw, follower)["value"] = value
    return validate_terms(raw, f"{file} with {', '.join(changes)} replaced", python=True)


def _followers(terms: DealTerms, path: str) -> Iterator[str]:
    """Paths of the terms that take the value of one, and of those that take theirs."""
    for follower, term in terms_of(terms):
        if term.follows == path:
            yield follower
            yield from _followers(terms, follower)


def is_replaced(term: Term[Any]) -> bool:
    """Whether a term was changed by `replaced`."""
    return term.assumed is not None and term.assumed.startswith(_MARK)


def _find_term(name: str, paths: Sequence[str]) -> str:
    """Find the path of a term by its path or by its last part; the note's own terms come before other instruments'."""
    if name in paths:
        return name
    ends = [path for path in paths if path.rpartition(".")[2] == name]
    own = [path for path in ends if path.startswith(("series.", "dates.", "closing.", "business_days."))]
    found = own or ends
    if len(found) == 1:
        return found[0]
    if found:
        raise TermError("replace()", rule=f"one term; use a whole path: {', '.join(found)}", got=name)
    known = {path.rpartition(".")[2] for path in paths} | set(paths)
    raise TermError("replace()", rule="the name or path of a term", got=name, hint=did_you_mean(name, known))


def _as_in_a_file(name: str, value: Any, old: Any) -> Any:
    """Give a value from Python the type that reading a deal file gives: dates, and numbers as exact decimals."""
    if isinstance(old, dt.date):
        return as_date(value, name).item()
    if isinstance(value, list | tuple):
        return tuple(_as_in_a_file(name, part, None) for part in value)
    if isinstance(value, np.generic):
        value = value.item()
    return Decimal(repr(value)) if isinstance(value, float) else value


def _node(raw: Any, path: str) -> dict[str, Any]:
    for part in re.findall(r"[^.\[\]]+", path):
        raw = raw[int(part)] if isinstance(raw, list | tuple) else raw[part]
    node: dict[str, Any] = raw
    return node
