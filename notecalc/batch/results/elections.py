"""What holders and the issuer elect to do on paths of the stock, as a scenario file says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from notecalc.batch.results.rights import notice_of, wrong_windows
from notecalc.core.convertible.valuation import ACCURACIES
from notecalc.deal.register import register_of, sole_series
from notecalc.deal.terms import DealTerms
from notecalc.errors import TermError, did_you_mean

__all__ = ["OBSERVED", "RULES", "Elections", "Holder", "Issuer", "read_number"]

RULES = ("at-maturity", "trigger", "optimal")
OBSERVED = ("day", "trading-day", "week", "month")
_CALLS = ("never", "first-chance", "parity", "optimal")
_PUTS = ("never", "below", "optimal")
_HOLDERS_OWN = ("rule", "trigger", "put", "put_below")


@dataclass(frozen=True)
class Holder:
    """When a holder converts and puts.

    Parameters
    ----------
    rule : {"at-maturity", "trigger", "optimal"}
        When it converts.
    trigger : float, optional
        The stock price from which it does, as a fraction of the conversion price.
    put : {"never", "below", "optimal"}
        When it puts.
    put_below : float, optional
        The stock price below which it does, as a fraction of the conversion price.
    """

    rule: str
    trigger: float | None = None
    put: str = "never"
    put_below: float | None = None


@dataclass(frozen=True)
class Issuer:
    """When the issuer calls.

    Parameters
    ----------
    rule : {"never", "first-chance", "parity", "optimal"}
        When it calls.
    parity : float, optional
        Parity from which it does, as a fraction of the clean call price.
    """

    rule: str = "never"
    parity: float | None = None


@dataclass(frozen=True)
class Elections:
    """All that is elected.

    Parameters
    ----------
    holders : dict
        Each election, with the places in the register of those who make it.
    issuer : Issuer
        When it calls.
    accuracy : str
        Of optimal boundaries.
    observed : {"day", "trading-day", "week", "month"}
        When the stock price is seen.
    """

    holders: dict[Holder, list[int]]
    issuer: Issuer
    accuracy: str
    observed: str

    @property
    def optimal(self) -> bool:
        """Whether any of it needs a boundary."""
        return self.issuer.rule == "optimal" or any("optimal" in (each.rule, each.put) for each in self.holders)

    @property
    def puts(self) -> bool:
        """Whether anybody ever puts."""
        return any(each.put != "never" for each in self.holders)

    @classmethod
    def read(cls, terms: DealTerms, options: Mapping[str, Any], wrong: list[TermError]) -> Elections | None:
        """Read the options of a result; what is wrong with them is added to a list, all of it.

        Returns
        -------
        Elections or None
            None where anything is wrong.
        """
        before = len(wrong)
        _, series = sole_series(terms)
        wrong += wrong_windows(terms)
        observed = _word(options, "observed", OBSERVED, wrong)
        holders = _by_holder(terms, options, wrong)
        issuer = Issuer()
        if series.calls:
            rule = _word(options, "call", _CALLS, wrong)
            issuer = Issuer(rule, _number_with(options, "call_parity", ("call", "parity"), wrong))
        else:
            wrong += _out_of_place(options, ("call", "call_parity"), "the deal has no calls")
        made = cls(holders, issuer, options.get("accuracy", "standard"), observed)
        if made.optimal:
            _word({"accuracy": made.accuracy}, "accuracy", tuple(ACCURACIES), wrong)
        elif "accuracy" in options:
            wrong.append(TermError("irr.accuracy", rule="given with rule = 'optimal' only", got=options["accuracy"]))
        if made.optimal and issuer.rule != "never" and notice_of(series):
            rule = "another rule than 'optimal' where calls need notice, unless call = 'never': no boundary is known"
            wrong.append(TermError("irr.rule", rule=rule, got="optimal"))
        counts = any(call.trigger_days is not None for call in series.calls)
        if counts and issuer.rule != "never" and observed != "trading-day":
            rule = "'trading-day' where a call counts trading days, unless call = 'never'"
            wrong.append(TermError("irr.observed", rule=rule, got=observed))
        return made if len(wrong) == before else None


def _by_holder(terms: DealTerms, options: Mapping[str, Any], wrong: list[TermError]) -> dict[Holder, list[int]]:
    """Read what all holders elect, and what some of them do instead."""
    _, series = sole_series(terms)
    register = register_of(terms)
    usual = {name: options[name] for name in _HOLDERS_OWN if name in options}
    each = dict.fromkeys(range(len(register.keys)), _holder("", usual, bool(series.puts), wrong))
    given = options.get("holders", {})
    for key, own in given.items():
        path = f"holders.{key}."
        if key not in register.keys:
            rule = f"one of {', '.join(register.keys)}"
            wrong.append(TermError(f"irr.{path[:-1]}", rule=rule, got=key, hint=did_you_mean(key, register.keys)))
        elif not isinstance(own, Mapping) or set(own) - {*_HOLDERS_OWN}:
            rule = f"a table of what this holder elects: {', '.join(_HOLDERS_OWN)}"
            wrong.append(TermError(f"irr.{path[:-1]}", rule=rule, got=own))
        else:
            # What goes with a word is left behind with it.
            kept: tuple[str, ...] = () if "rule" in own else ("rule", "trigger")
            kept += () if "put" in own or not series.puts else ("put", "put_below")
            rest = {name: usual[name] for name in kept if name in usual}
            each[register.position(key)] = _holder(path, rest | dict(own), bool(series.puts), wrong)
    found: dict[Holder, list[int]] = {}
    for place, election in each.items():
        found.setdefault(election, []).append(place)
    return found


def _holder(path: str, options: Mapping[str, Any], has_puts: bool, wrong: list[TermError]) -> Holder:  # noqa: FBT001
    rule = _word(options, "rule", RULES, wrong, path)
    trigger = _number_with(options, "trigger", ("rule", "trigger"), wrong, path)
    if not has_puts:
        wrong += _out_of_place(options, ("put", "put_below"), "the deal has no puts", path)
        return Holder(rule, trigger)
    put = _word(options, "put", _PUTS, wrong, path)
    return Holder(rule, trigger, put, _number_with(options, "put_below", ("put", "below"), wrong, path))


def _out_of_place(
    options: Mapping[str, Any], names: tuple[str, ...], reason: str, path: str = ""
) -> Iterator[TermError]:
    for name in names:
        if name in options:
            yield TermError(f"irr.{path}{name}", rule=f"left out: {reason}", got=options[name])


def _word(options: Mapping[str, Any], name: str, known: tuple[str, ...], wrong: list[TermError], path: str = "") -> str:
    given = options.get(name)
    if given in known:
        return str(given)
    hint = did_you_mean(given, known) if isinstance(given, str) else None
    words = f"{', '.join(map(repr, known[:-1]))} or {known[-1]!r}"
    wrong.append(TermError(f"irr.{path}{name}", rule=words, got=given, hint=hint))
    return ""


def _number_with(
    options: Mapping[str, Any], name: str, of: tuple[str, str], wrong: list[TermError], path: str = ""
) -> float | None:
    """Read a number that belongs to a word and to no other."""
    goes = options.get(of[0]) == of[1]
    if goes != (name in options):
        rule = f"given with {of[0]} = {of[1]!r}, and only there"
        wrong.append(TermError(f"irr.{path}{name}", rule=rule, got=options.get(name)))
        return None
    return read_number(f"{path}{name}", options[name], wrong) if goes else None


def read_number(name: str, value: Any, wrong: list[TermError], *, low: float = 0.0) -> float:
    """Read a number above another."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if isinstance(value, bool | str) or not low < number < np.inf:
        wrong.append(TermError(f"irr.{name}", rule=f"a number above {low:g}", got=value))
    return number
