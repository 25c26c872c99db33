"""The deal's periods as dates, or as functions of the date they run from, and its thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from notecalc.core.arrays import DateArray, Rule, array_function
from notecalc.core.schedule import add_months
from notecalc.deal.frames import as_column_dates
from notecalc.deal.register import calendar_of, sole_series
from notecalc.deal.terms import DealTerms, TimeLimit
from notecalc.errors import TermError, did_you_mean

__all__ = ["limit_date", "limits_table", "meets"]

_PART = Rule("a part of the whole, from 0 to 1", lambda x: (x >= 0) & (x <= 1))


def limits_table(terms: DealTerms) -> pd.DataFrame:
    """Each period with its end where it runs from one of the deal's own dates; NaT where it runs from an event."""
    fixed = _own_dates(terms)
    rows = []
    for name, limit in terms.time_limits.items():
        start = fixed.get(limit.runs_from)
        end = np.datetime64("NaT", "D") if start is None else _end(terms, limit, np.array([start]))[0]
        calendar = limit.calendar.value if limit.calendar else ""
        source = str(limit.length.source or "assumed")
        rows.append((name, limit.title, limit.length.value, limit.unit, calendar, limit.runs_from, end, source))
    columns = ["name", "title", "length", "unit", "calendar", "runs_from", "date", "source"]
    table = pd.DataFrame(rows, columns=columns)
    table["date"] = as_column_dates(np.array([row[6] for row in rows], dtype="datetime64[D]"))
    texts = ["name", "title", "unit", "calendar", "runs_from", "source"]
    return table.astype(dict.fromkeys(texts, "str") | {"length": "int64"}).set_index("name")


@array_function(dates=("runs_from",))
def limit_date(runs_from: Any, *, terms: DealTerms, name: str) -> Any:
    """End of a named period that runs from given dates."""
    return _end(terms, _named("name", name, terms.time_limits), runs_from)


@array_function(numbers={"share": _PART})
def meets(share: Any, *, terms: DealTerms, name: str) -> Any:
    """Whether shares of the whole reach a named threshold."""
    threshold = _named("name", name, terms.thresholds)
    level = float(threshold.fraction.value)
    return share >= level if threshold.comparison == "at-least" else share > level


def _own_dates(terms: DealTerms) -> dict[str, np.datetime64]:
    _, series = sole_series(terms)
    own = {
        "agreement": terms.dates.agreement,
        "closing": terms.dates.closing,
        "issue_date": series.issue_date,
        "maturity": series.maturity,
    }
    return {name: np.datetime64(term.value, "D") for name, term in own.items()}


def _end(terms: DealTerms, limit: TimeLimit, start: DateArray) -> DateArray:
    length = limit.length.value
    if limit.unit == "business-days":
        calendar = calendar_of(terms, limit.calendar.value if limit.calendar else None)
        return calendar.add_business_days(start, length)
    if limit.unit == "years":
        return add_months(start, 12 * length)
    return start + np.timedelta64(length, "D")


def _named(argument: str, name: str, known: Any) -> Any:
    if name not in known:
        raise TermError(argument, rule=f"one of {', '.join(known)}", got=name, hint=did_you_mean(name, known))
    return known[name]
