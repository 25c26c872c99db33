"""What must hold between the values of a deal file: references, totals, the order of dates, shares counted once.

Looks at raw tables, so that one mistake of type does not hide another between values.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from notecalc.errors import Problem, did_you_mean

__all__ = ["OWN_DATES", "cross_checks"]

OWN_DATES = ("agreement", "closing", "issue_date", "maturity")  # what a period may run from beside an event


def cross_checks(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """Find what is wrong between the values of raw tables; values that no type admits are passed over."""
    yield from _sources(raw, raw, "")
    yield from _references(raw)
    yield from _purchasers(raw)
    yield from _duplicates(raw)
    yield from _shares(raw)
    yield from _totals(raw)
    yield from _order(raw)
    yield from _options(raw)
    yield from _conventions(raw)
    yield from _followers(raw, raw, "")


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
    for row, got in enumerate(_list(raw, "capitalization", "excepted", "value")):
        known = [*classes, *_table(raw, "series")]
        if isinstance(got, str) and got not in known:
            yield _unlisted(
                f"capitalization.excepted.value[{row}]", "a class of [capitalization] or a series", got, known
            )


def _purchasers(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """Who buys is called a purchaser, and who surrenders buys."""
    purchasers = [_at(item, "purchaser") for item in _list(raw, "purchases")]
    for row, got in enumerate(purchasers):
        roles = _list(raw, "parties", got, "roles") if isinstance(got, str) else []
        if roles and "purchaser" not in roles:
            rule = f"must be a party whose roles include purchaser; those of {got} are"
            yield Problem(f"purchases[{row}].purchaser", rule, ", ".join(map(str, roles)))
    for row, item in enumerate(_list(raw, "surrender_rights")):
        got = _at(item, "purchaser")
        if isinstance(got, str) and got not in purchasers:
            yield _unlisted(f"surrender_rights[{row}].purchaser", "one of the purchasers", got, [*map(str, purchasers)])


_TOTAL_ROWS = ("notes", "fully-diluted", "authorised", "headroom")


def _shares(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """Every right to shares is counted once: no instrument twice, and none that was exchanged into left out."""
    classes = _table(raw, "capitalization", "classes")
    converts = {name: _at(item, "converts") for name, item in classes.items()}
    offers = _table(raw, "exchanges")
    exchanged = {_at(offer, side) for offer in offers.values() for side in ("old", "new")}
    for name, instrument in converts.items():
        here = f"capitalization.classes.{name}"
        if name in (*_TOTAL_ROWS, *_table(raw, "series")):
            yield Problem(here, "must have another name: the cap table calls one of its own lines so", None)
        twin = next(other for other, its in converts.items() if its == instrument)
        if isinstance(instrument, str) and twin != name:
            yield Problem(f"{here}.converts", f"is also what capitalization.classes.{twin} converts", instrument)
        if isinstance(classes[name], Mapping) and "shares" not in classes[name] and instrument not in exchanged:
            yield Problem(here, "must have `shares`, unless it converts an instrument of an exchange", None)
    for key, offer in offers.items():
        for side in ("old", "new"):
            instrument = _at(offer, side)
            if isinstance(instrument, str) and instrument not in converts.values():
                rule = "must be converted by a class of [capitalization.classes], or its shares would not be counted"
                yield Problem(f"exchanges.{key}.{side}", rule, instrument)
        twin = next(other for other, its in offers.items() if _at(its, "old") == _at(offer, "old"))
        if twin != key and _at(offer, "old") is not None:
            yield Problem(f"exchanges.{key}.old", f"is also offered for in exchanges.{twin}", _at(offer, "old"))
        if _at(offer, "untendered", "value") == "reported" and _at(offer, "reported_untendered", "value") is None:
            yield Problem(f"exchanges.{key}.reported_untendered", "is missing where `untendered` is reported", None)


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
    """Dates that must follow each other."""
    closing = "dates.closing"
    yield from _follows(raw, "dates.agreement", closing, may_meet=True)
    for name in _table(raw, "series"):
        here = f"series.{name}"
        issue, maturity, first, last = (
            f"{here}.{k}" for k in ("issue_date", "maturity", "first_coupon", "last_coupon")
        )
        opens, ends = (f"{here}.conversion.{key}" for key in ("first_date", "last_date"))
        for early, late, may_meet in (
            (issue, maturity, False),
            (issue, first, True),
            (first, last, False),
            (last, maturity, False),
            (first, maturity, True),
            (opens, ends, True),
            (ends, maturity, True),
            (issue, opens, True),
            (closing, maturity, False),
        ):
            yield from _follows(raw, early, late, may_meet=may_meet)
    for name in _table(raw, "instruments"):
        yield from _follows(raw, f"instruments.{name}.last_payment_date", closing, may_meet=True)


def _options(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """Windows of calls and puts, and steps of the conversion price, lie in the notes' life one after another."""
    for name, series in _table(raw, "series").items():
        here = f"series.{name}"
        opens, ends = (f"{here}.conversion.{key}" for key in ("first_date", "last_date"))
        for row, _ in enumerate(_list(series, "conversion", "steps")):
            step = f"{here}.conversion.steps.{row}.first_date"
            yield from _follows(raw, f"{here}.conversion.steps.{row - 1}.first_date" if row else opens, step)
            yield from _follows(raw, step, ends)
        steps, reset = len(_list(series, "conversion", "steps")), f"{here}.conversion.reset.first_date"
        yield from _follows(raw, f"{here}.conversion.steps.{steps - 1}.first_date" if steps else opens, reset)
        yield from _follows(raw, reset, ends)
        yield from _shares_at_maturity(series, here)
        rows = [(key, row) for key in ("calls", "puts") for row, _ in enumerate(_list(series, key))]
        for key, row in rows:
            first, last = (f"{here}.{key}.{row}.{day}" for day in ("first_date", "last_date"))
            before = f"{here}.{key}.{row - 1}.last_date" if row else f"{here}.issue_date"
            yield from _follows(raw, before, first, may_meet=True)
            yield from _follows(raw, first, last, may_meet=True)
            yield from _follows(raw, last, f"{here}.maturity", may_meet=True)
            yield from _trigger(series, here, key, row)
            yield from _make_whole(raw, series, here, key, row)
        paid = [_at(series, key, row, "accrued_interest", "value") for key, row in rows]
        for (key, row), got in zip(rows, paid, strict=True):
            if isinstance(got, str) and got != paid[0]:
                rule = f"must be as for the first of the calls and puts, {paid[0]}: this version computes one for all"
                yield Problem(f"{here}.{key}[{row}].accrued_interest.value", rule, got)
        notices = [_at(call, "notice_days", "value") or 0 for call in _list(series, "calls")]
        for row, got in enumerate(notices):
            if isinstance(got, int) and got != notices[0]:
                rule = f"must be as for the first of the calls, {notices[0]}: this version computes one for all"
                yield Problem(f"{here}.calls[{row}].notice_days", rule, got)
        whole = _at(series, "make_whole", "value")
        told = any(_at(call, "make_whole_until") is not None for call in _list(series, "calls"))
        if (whole == "calls") != told and whole in ("none", "calls"):
            rule = f"must be {'calls where' if told else 'none where no'} [[{here}.calls]] have `make_whole_until`"
            yield Problem(f"{here}.make_whole.value", rule, whole)
        redemption, calls = _at(series, "redemption", "value"), bool(_list(series, "calls"))
        if (redemption == "calls") != calls and redemption in ("none", "calls"):
            rule = f"must be {'calls where there are' if calls else 'none where there are no'} [[{here}.calls]]"
            yield Problem(f"{here}.redemption.value", rule, redemption)


def _trigger(series: Mapping[str, Any], here: str, key: str, row: int) -> Iterator[Problem]:
    days, period = (_at(series, key, row, name, "value") for name in ("trigger_days", "trigger_period"))
    if (days is None) != (period is None):
        lacking = "trigger_days" if days is None else "trigger_period"
        yield Problem(f"{here}.{key}[{row}].{lacking}", "is missing: so many days are out of so many", None)
    elif isinstance(days, int) and isinstance(period, int) and not 1 <= days <= period:
        yield Problem(f"{here}.{key}[{row}].trigger_days.value", f"must be from 1 to trigger_period ({period})", days)


def _make_whole(raw: Mapping[str, Any], series: Mapping[str, Any], here: str, key: str, row: int) -> Iterator[Problem]:
    own = f"{here}.{key}.{row}"
    yield from _follows(raw, f"{own}.first_date", f"{own}.make_whole_until")
    yield from _follows(raw, f"{own}.make_whole_until", f"{here}.maturity", may_meet=True)
    until, rate = (_at(series, key, row, f"make_whole_{name}") for name in ("until", "rate"))
    if rate is not None and until is None:
        yield Problem(f"{here}.{key}[{row}].make_whole_until", "is missing: `make_whole_rate` discounts up to it", None)


def _shares_at_maturity(series: Mapping[str, Any], here: str) -> Iterator[Problem]:
    fraction = f"{here}.redemption_price_fraction"
    paid_in, counted = _at(series, "redemption_in", "value"), _at(series, "redemption_price_fraction")
    if paid_in == "shares" and counted is None:
        yield Problem(fraction, "is missing: shares are counted at a fraction of their price, 1 at the whole", None)
    elif paid_in is None and counted is not None:
        yield Problem(fraction, "must be left out without `redemption_in`", None)
    elif _at(counted, "value") == 0:
        yield Problem(f"{fraction}.value", "must be above 0", 0)


def _follows(raw: Mapping[str, Any], early: str, late: str, *, may_meet: bool = False) -> Iterator[Problem]:
    """Compare the dates of two terms, each by its path; a row of a list is a part of it: ``calls.0.first_date``."""
    parts = ([int(part) if part.isdecimal() else part for part in path.split(".")] for path in (early, late))
    first, last = (_at(raw, *path, "value") for path in parts)
    early, late = (re.sub(r"\.(\d+)(?=\.)", r"[\1]", path) for path in (early, late))
    if type(first) is dt.date and type(last) is dt.date and (first > last or (first == last and not may_meet)):
        yield Problem(f"{late}.value", f"must be {'on or ' if may_meet else ''}after {early} ({first})", str(last))


def _conventions(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """Words that do not go together, and names of the deal's own dates that are nearly right."""
    for name, series in _table(raw, "series").items():
        day_count, frequency = (_at(series, key, "value") for key in ("day_count", "frequency"))
        icma = isinstance(day_count, str) and day_count.casefold().endswith(("icma", "isma"))
        if icma and frequency == 0 and not isinstance(frequency, bool):
            yield Problem(f"series.{name}.frequency.value", "must be above 0 with day count ICMA", frequency)
    for name, limit in _table(raw, "time_limits").items():
        runs_from = _at(limit, "runs_from")
        if isinstance(runs_from, str) and runs_from not in OWN_DATES:
            near = get_close_matches(runs_from, OWN_DATES, n=1, cutoff=0.8)
            if near:
                rule = f"must be one of the deal's own dates ({', '.join(OWN_DATES)}), or an event unlike their names"
                yield Problem(f"time_limits.{name}.runs_from", rule, runs_from, f"Did you mean {near[0]!r}?")


def _followers(root: Mapping[str, Any], node: Any, path: str) -> Iterator[Problem]:
    """A term that takes another's value says the same value."""
    if isinstance(node, Mapping):
        followed = node.get("follows")
        if isinstance(followed, str) and "value" in node:
            target = _at(root, *followed.split("."))
            seen = [path]
            while isinstance(target, Mapping) and isinstance(target.get("follows"), str) and followed not in seen:
                seen.append(followed)
                followed = target["follows"]
                target = _at(root, *followed.split("."))
            if followed in seen:
                yield Problem(f"{path}.follows", "must not lead back to the term itself", node["follows"])
                return
            if not isinstance(target, Mapping) or "value" not in target:
                yield Problem(f"{path}.follows", "must be the path of a term, such as dates.closing", followed)
            elif target["value"] != node["value"]:
                rule = f"must be the value of {followed}, which it follows ({target['value']})"
                yield Problem(f"{path}.value", rule, str(node["value"]))
        for key, part in node.items():
            yield from _followers(root, part, f"{path}.{key}" if path else str(key))
