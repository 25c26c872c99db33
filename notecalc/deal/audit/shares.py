"""Shares that do not tie: reserves, registrations, the authorised number, rights that are denied or not reserved."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from notecalc.core.conversion import shares_to_reserve
from notecalc.deal.audit.finding import Check, Finding
from notecalc.deal.captable import cap_lines, headroom_table
from notecalc.deal.papers import section_order
from notecalc.deal.register import sole_series
from notecalc.deal.sources import Source
from notecalc.deal.terms import DealTerms

__all__ = ["CHECKS"]


def _reserves(terms: DealTerms) -> Iterator[Finding]:
    """Shares reserved for a conversion against the ceiling of principal by conversion price."""
    for key, share_class in terms.capitalization.classes.items():
        instrument = terms.instruments[share_class.converts] if share_class.converts else None
        if share_class.kind != "reserved" or share_class.shares is None or instrument is None:
            continue
        if instrument.principal is not None and instrument.conversion_price is not None:
            paths = (f"instruments.{share_class.converts}.{name}" for name in ("principal", "conversion_price"))
            yield from _reserve(
                share_class.title,
                share_class.shares.value,
                instrument.principal.value,
                instrument.conversion_price.value,
                (f"capitalization.classes.{key}.shares", *paths),
            )
    for key, series in terms.series.items():
        conversion = series.conversion
        if conversion.reserved is not None:
            here = f"series.{key}"
            yield from _reserve(
                series.title.value,
                conversion.reserved.value,
                series.principal.value,
                conversion.conversion_price.value,
                (f"{here}.conversion.reserved", f"{here}.principal", f"{here}.conversion.conversion_price"),
            )


def _reserve(
    title: str, reserved: int, principal: Decimal, price: Decimal, cites: tuple[str, ...]
) -> Iterator[Finding]:
    needed = int(shares_to_reserve(principal, price))
    off = abs(reserved - needed)
    if off:
        yield Finding(
            "warning",
            "reserve-against-conversion",
            f"{title}: the shares reserved are not those of its conversion",
            f"reserved {reserved:,}; {principal:,} at {price} needs {needed:,}",
            cites,
            f"{off:,} {'share' if off == 1 else 'shares'} too {'many' if reserved > needed else 'few'}",
            float(off),
            "shares",
        )


def _registered(terms: DealTerms) -> Iterator[Finding]:
    for key, share_class in terms.capitalization.classes.items():
        shares, registered = share_class.shares, share_class.registered
        if shares is None or registered is None or shares.value == registered.value:
            continue
        off = registered.value - shares.value
        yield Finding(
            "warning",
            "registered-against-outstanding",
            f"{share_class.title}: {'more' if off > 0 else 'fewer'} shares are registered than are {share_class.kind}",
            f"registered {registered.value:,}; {share_class.kind} {shares.value:,}",
            (f"capitalization.classes.{key}.shares", f"capitalization.classes.{key}.registered"),
            f"{abs(off):,} shares to be explained (exercised, lapsed, or not counted)",
            float(abs(off)),
            "shares",
        )


def _authorised(terms: DealTerms) -> Iterator[Finding]:
    room = headroom_table(terms)["headroom"].astype(int)
    worst = -min(room)
    if worst <= 0:
        return
    key, _ = sole_series(terms)
    capital = terms.capitalization
    into = {offer.new for offer in terms.exchanges.values()}
    exchanges = [own for own in capital.classes.values() if own.converts in into]
    exchanged = " and ".join(own.title for own in exchanges)
    cases = {
        "without": f" without {exchanged}",
        "own-price": f" with {exchanged} at their own price" if exchanged else "",
        "repriced": f" with {exchanged} repriced alike",
    }
    known = [change.authorised.value for change in capital.amendments if change.authorised is not None]
    changes = (
        f"; charter amendment filed {change.filed.value}, "
        + (f"to {change.authorised.value:,}" if change.authorised is not None else "its figure not public")
        for change in capital.amendments
    )
    if known:
        after = known[-1] - capital.authorised.value - worst
        outcome = f", before the amendment; {_left(after)} after it"
    else:
        outcome = ", unless the amendment of the charter covers them" if capital.amendments else ""
    yield Finding(
        "error",
        "authorised-shares",
        "The authorised shares do not cover conversion at the known prices",
        f"authorised {capital.authorised.value:,}: "
        + ", ".join(_left(left) + cases[str(case)] for case, left in room.items())
        + "".join(changes),
        (
            "capitalization.authorised",
            f"series.{key}.conversion.conversion_price",
            *(f"instruments.{own.converts}.conversion_price" for own in exchanges),
            *(f"capitalization.amendments[{row}].filed" for row in range(len(capital.amendments))),
        ),
        f"{worst:,} shares short{outcome}",
        float(worst),
        "shares",
    )


def _left(shares: int) -> str:
    return f"{abs(shares):,} {'left' if shares >= 0 else 'short'}"


def _not_excepted(terms: DealTerms) -> Iterator[Finding]:
    """Rights to shares that the representation neither states nor sets apart, though the deal gives or knows them."""
    capital = terms.capitalization
    if capital.excepted is None:
        return
    place = capital.excepted.source
    exceptions = "; ".join(_title(terms, key) for key in capital.excepted.value)
    for key, (title, shares, cite) in _promised(terms).items():
        stated = None if key in terms.series else capital.classes[key].shares
        exhibit = place is not None and stated is not None and _belongs(stated.source, place)
        if key not in capital.excepted.value and not exhibit:
            yield Finding(
                "warning",
                "right-not-excepted",
                f"{title}: the right to these shares is not among the representation's exceptions",
                f"exceptions: {exceptions or 'none'}",
                ("capitalization.excepted", cite),
                f"{shares:,} shares that the representation denies",
                float(shares),
                "shares",
            )


def _title(terms: DealTerms, key: str) -> str:
    return terms.series[key].title.value if key in terms.series else terms.capitalization.classes[key].title


def _belongs(source: Source | None, place: Source) -> bool:
    """Whether a source is in the section itself or in the exhibit that goes with it."""
    if source is None or source.document != place.document:
        return False
    return section_order(source.section)[1] == section_order(place.section)[1]


def _not_reserved(terms: DealTerms) -> Iterator[Finding]:
    missing = {
        key: right
        for key, right in _promised(terms).items()
        if key not in terms.series or terms.series[key].conversion.reserved is None
    }
    total = sum(shares for _, shares, _ in missing.values())
    if missing:
        classes = terms.capitalization.classes
        reserved = [
            f"capitalization.classes.{key}.shares"
            for key, own in classes.items()
            if own.kind == "reserved" and own.shares
        ]
        yield Finding(
            "warning",
            "no-reserve",
            "No reserve of shares is stated for rights that the deal gives or knows",
            "; ".join(f"{title}: {shares:,}" for title, shares, _ in missing.values()),
            (*reserved, *(cite for *_, cite in missing.values())),
            f"{total:,} shares without a reserve",
            float(total),
            "shares",
        )


def _promised(terms: DealTerms) -> dict[str, tuple[str, int, str]]:
    """Title, shares and path of a term, of each right to shares that is not stated as issued or reserved."""
    key, series = sole_series(terms)
    price = series.conversion.conversion_price.value
    rights = {
        key: (
            series.title.value,
            int(shares_to_reserve(series.principal.value, price)),
            f"series.{key}.conversion.conversion_price",
        )
    }
    for line in cap_lines(terms):
        own = terms.capitalization.classes[line.key]
        if own.kind == "promised":
            cite = f"capitalization.classes.{line.key}.shares" if own.shares else f"instruments.{own.converts}.title"
            rights[line.key] = (own.title, line.shares, cite)
    return rights


CHECKS: tuple[Check, ...] = (_reserves, _registered, _authorised, _not_excepted, _not_reserved)
