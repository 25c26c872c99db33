"""Names and words that do not tie: parties, signatures, defined terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from notecalc.deal.audit.finding import Check, Finding, bought_by, name_of
from notecalc.deal.sources import Source
from notecalc.deal.terms import DealTerms

__all__ = ["CHECKS"]


def _names(terms: DealTerms) -> Iterator[Finding]:
    """Parties that the papers print under names that differ in more than capitals and punctuation."""
    for key, party in terms.parties.items():
        printed = {f"parties.{key}.name": party.name}
        printed |= {f"parties.{key}.also[{row}]": term for row, term in enumerate(party.also)}
        printed |= {f"signatures[{row}].name": own.name for row, own in enumerate(terms.signatures) if own.party == key}
        places: dict[str, list[str]] = {}
        first: dict[str, str] = {}
        for term in printed.values():
            bare = _bare(term.value)
            first.setdefault(bare, term.value)
            places.setdefault(bare, []).append(str(term.source or "assumed"))
        if len(places) > 1:
            bought = bought_by(terms, key)
            yield Finding(
                "warning",
                "names-differ",
                f"{party.name.value} is named differently in the papers",
                "; ".join(f'"{first[bare]}" ({", ".join(where)})' for bare, where in places.items()),
                tuple(printed),
                *(
                    (f"which of them takes {terms.currency} {bought:,} of the notes", float(bought), terms.currency)
                    if bought
                    else ("who is meant",)
                ),
            )


def _bare(name: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[^\w\s]", "", name.casefold().replace("&", " and "))).strip()


def _signs_without_allocation(terms: DealTerms) -> Iterator[Finding]:
    purchasers = {own.purchaser for own in terms.purchases}
    for row, signature in enumerate(terms.signatures):
        buys = set(terms.parties[signature.party].roles) <= {"signatory", "purchaser"}
        if buys and signature.party not in purchasers:
            yield Finding(
                "warning",
                "signs-without-allocation",
                f"{name_of(terms, signature.party)} signs, but no notes are allocated to it",
                f"{len(purchasers)} purchasers have an allocation; this one is not among them",
                (
                    f"signatures[{row}].name",
                    *(f"purchases[{place}].principal" for place in range(len(terms.purchases))),
                ),
                "whether it is bound, and to buy what",
            )


def _does_not_sign(terms: DealTerms) -> Iterator[Finding]:
    """Purchasers without a signature, where there are signature pages."""
    signed = {signature.party for signature in terms.signatures}
    for row, own in enumerate(terms.purchases):
        if signed and own.purchaser not in signed:
            yield Finding(
                "error",
                "does-not-sign",
                f"{name_of(terms, own.purchaser)} has an allocation but does not sign",
                f"principal {own.principal.value:,}; {len(signed)} parties sign",
                (
                    f"purchases[{row}].principal",
                    *(f"signatures[{place}].name" for place in range(len(terms.signatures))),
                ),
                f"{terms.currency} {own.principal.value:,} that nobody is bound to buy",
                float(own.principal.value),
                terms.currency,
            )


def _undefined(terms: DealTerms) -> Iterator[Finding]:
    defined = {term.casefold(): term for term in terms.vocabulary.defined}
    for used in terms.vocabulary.used:
        if used.term.casefold() not in defined:
            near = get_close_matches(used.term.casefold(), defined, n=1, cutoff=0.6)
            yield Finding(
                "warning",
                "undefined-term",
                f'"{used.term}" is used but not defined',
                f'nearest defined term: "{defined[near[0]]}"' if near else "no defined term is like it",
                (Source(document=used.document, section=used.section),),
                "its meaning is open",
            )


CHECKS: tuple[Check, ...] = (_names, _signs_without_allocation, _does_not_sign, _undefined)
