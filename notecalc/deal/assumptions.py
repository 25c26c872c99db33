"""Every term with its origin; what the papers do not say and we assumed, with what each other reading would change.

The effect is not written by hand: the deal is computed again with each alternative in the assumption's place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from notecalc.deal.sources import Model, Term

if TYPE_CHECKING:
    from notecalc.deal.deal import Deal

__all__ = ["assumption_table", "term_table", "terms_of", "value_text"]


def terms_of(model: Model, path: str = "") -> Iterator[tuple[str, Term[Any]]]:
    """Every term of a deal with its key path, in the order of the file."""
    if isinstance(model, Term):
        yield path, model
        return
    for name in type(model).model_fields:
        yield from _inside(getattr(model, name), f"{path}.{name}" if path else name)


def _inside(value: Any, path: str) -> Iterator[tuple[str, Term[Any]]]:
    if isinstance(value, Model):
        yield from terms_of(value, path)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _inside(part, f"{path}.{key}")
    elif isinstance(value, tuple):
        for row, part in enumerate(value):
            yield from _inside(part, f"{path}[{row}]")


def value_text(value: Any) -> str:
    """A term's value as a reader writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)


def term_table(terms: Model) -> pd.DataFrame:
    """One row per term: where it stands in the file, its value, and its source or why it is assumed."""
    rows = [
        {
            "term": path,
            "value": value_text(term.value),
            "source": str(term.source or ""),
            "assumed": term.assumed or "",
            "alternatives": "; ".join(map(value_text, term.alternatives)),
            "printed": term.printed or "",
            "rounded": "yes" if term.rounded else "",
        }
        for path, term in terms_of(terms)
    ]
    return pd.DataFrame(rows).astype("str")


def assumption_table(deal: Deal) -> pd.DataFrame:
    """One row per assumed term and alternative; a term without alternatives has one row, without effect columns."""
    base = deal.summary()
    rows = []
    for path, term in terms_of(deal.terms):
        if term.assumed is None:
            continue
        shared = {"term": path, "value": value_text(term.value), "reason": term.assumed}
        for row in range(max(len(term.alternatives), 1)):
            effects = dict.fromkeys(base.index, np.nan)
            alternative = ""
            if term.alternatives:
                alternative = value_text(term.alternatives[row])
                effects = (deal.replace(**{path: term.alternatives[row]}).summary() - base).to_dict()
            rows.append({**shared, "alternative": alternative, **effects})
    columns = ["term", "value", "reason", "alternative", *base.index]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype(dict.fromkeys(columns[:4], "str") | dict.fromkeys(base.index, "float64"))
