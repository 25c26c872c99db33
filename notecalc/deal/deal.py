"""Deal: what a quant holds in a notebook. A thin, immutable object over terms; every method asks one module.

Results are pandas objects whose ``attrs`` hold units, the hash of the inputs and the recipe.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from notecalc.core.arrays import Dates
from notecalc.deal import accruals, audit, papers, periods
from notecalc.deal.assumptions import assumption_table, term_table, terms_of
from notecalc.deal.captable import captable_table, dilution_table, headroom_table
from notecalc.deal.cashflows import MONEY_COLUMNS, cashflow_table
from notecalc.deal.closing import Elections, closing_table, reading_of
from notecalc.deal.conversion import conversion_table
from notecalc.deal.dealfile import read_deal_file, validate_terms
from notecalc.deal.events import Event
from notecalc.deal.frames import VALUES, PandasObject, labelled, units_of
from notecalc.deal.register import register_of
from notecalc.deal.replacing import is_replaced, replaced
from notecalc.deal.summary import rates_of_return, summary_figures
from notecalc.deal.terms import DealTerms
from notecalc.deal.valued import Valued
from notecalc.errors import TermError, did_you_mean

__all__ = ["Deal", "load"]

By = Literal["note", "holder"]


def load(deal: str | Path) -> Deal:
    """Load a bundled deal by name, or a deal file by path.

    Parameters
    ----------
    deal : str or path
        Such as ``"ibasis-2004"`` or ``"my/deal.toml"``.

    Returns
    -------
    Deal

    Raises
    ------
    UnknownDealError
        Neither a bundled deal nor a file.
    DealFileError
        The file is wrong; every problem of it at once.

    Examples
    --------
    >>> load("ibasis-2004")
    Deal('ibasis-2004': iBasis, Inc. 8% Secured Convertible Notes due 2007, USD 29,000,000)
    """
    terms, file = read_deal_file(deal)
    return Deal(terms, file)


class Deal(Valued):
    """The terms of one deal and what follows from them.

    Immutable; equal and hashed by value, whatever file it came from. Get one from :func:`load`.
    """

    _terms: DealTerms
    _file: str

    def __init__(self, terms: DealTerms, file: str = "(memory)") -> None:
        object.__setattr__(self, "_terms", terms)
        object.__setattr__(self, "_file", file)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Deal does not change; use deal.replace({name}=...) for another one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Deal does not change")

    def __reduce__(self) -> tuple[Callable[..., Deal], tuple[dict[str, Any], str]]:
        # Generic pydantic models don't pickle; their plain values do.
        return _rebuild, (self.terms.model_dump(by_alias=True), self.file)

    def __eq__(self, other: object) -> bool:
        return self.input_hash == other.input_hash if isinstance(other, Deal) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.input_hash)

    def __repr__(self) -> str:
        total = sum(series.principal.value for series in self.terms.series.values())
        changed = [path.rpartition(".")[2] for path, term in terms_of(self.terms) if is_replaced(term)]
        told = f"; replaced: {', '.join(changed)}" if changed else ""
        return f"Deal({self.terms.id!r}: {self.terms.title}, {self.terms.currency} {total:,}{told})"

    @property
    def terms(self) -> DealTerms:
        """The terms as the deal file states them."""
        return self._terms

    @property
    def file(self) -> str:
        """Name of the file that the terms came from."""
        return self._file

    @cached_property
    def input_hash(self) -> str:
        """SHA-256 of the terms in canonical JSON; the same for equal deals.

        Examples
        --------
        >>> len(load("ibasis-2004").input_hash)
        64
        """
        canonical = json.dumps(self.terms.model_dump(mode="json", by_alias=True), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    # ---- cash ----

    def cashflows(self, *, by: By = "note", events: Sequence[Event] = ()) -> pd.DataFrame:
        """Purchase, interest and principal on their payment dates, received is positive.

        Parameters
        ----------
        by : {"note", "holder"}
            One row per period (and event), or one per holder and each of these.
        events : sequence of Conversion, Redemption or Repurchase
            What happens before maturity and changes later flows.

        Returns
        -------
        DataFrame
            Amounts [currency] to the cent; each row's holders add up to the note's. ``purchase_cash`` is net of what is
            refunded; ``purchase_surrendered`` is the par of the notes given up, an excess that is lost with them.
            Warrants that a purchaser received beside the notes have no row.

        Raises
        ------
        TermError
            An event outside the notes' life or for more principal than is held.

        Examples
        --------
        >>> flows = load("ibasis-2004").cashflows()
        >>> flows.loc[1:2, ["payment_date", "interest", "total"]]
          payment_date   interest      total
        1   2004-12-20  1160000.0  1160000.0
        2   2005-06-20  1160000.0  1160000.0
        """
        _one_of("by", by, ("note", "holder"))
        table = cashflow_table(self.terms, events, by_holder=by == "holder")
        units = dict.fromkeys(MONEY_COLUMNS, self.terms.currency) | {"shares": "shares"}
        return self._labelled(table, units, "cashflows", by=by, events=events)

    def irr(self, *, by: By = "note", events: Sequence[Event] = ()) -> pd.DataFrame:
        """Internal rate of return to the note or each holder, on actual payment dates.

        Returns
        -------
        DataFrame
            ``irr`` [1/yr, annual effective, Actual/365 Fixed] and ``bond_equivalent_yield`` [1/yr, compounded twice a
            year]. Notes surrendered count at par beside cash. Shares got on conversion have no price here, so that
            whoever converts has no rate: NaN.

        Examples
        --------
        >>> print(f"{load('ibasis-2004').replace(elects='none').irr().loc['all', 'irr']:.3%}")
        8.158%
        """
        flows = self.cashflows(by="holder", events=events)
        if by == "note":
            flows = flows.assign(holder="all")
        _one_of("by", by, ("note", "holder"))
        table = rates_of_return(flows)
        units = dict.fromkeys(table.columns, "1/yr")
        return self._labelled(table, units, "irr", by=by, events=events)

    def accrued(self, on: Dates | pd.Series[Any], *, by: By = "note") -> Any:
        """Interest accrued and unpaid on a date or dates.

        Parameters
        ----------
        on : date-like
            On a coupon date the new period has begun: zero. Zero too before issue and from maturity on.
        by : {"note", "holder"}
            The whole series, or each holder.

        Returns
        -------
        numeric, or by holder a Series (one date) or DataFrame (dates by holders)
            Dollars accrued [currency], not rounded, of the kind that came in.

        Examples
        --------
        >>> load("ibasis-2004").accrued("2004-09-18")
        580000.0
        """
        _one_of("by", by, ("note", "holder"))
        made = accruals.accrued(on, terms=self.terms) if by == "note" else accruals.accrued_by_holder(self.terms, on)
        return self._series(made, self.terms.currency, "accrued", on=on, by=by)

    def interest_between(self, start: Dates | pd.Series[Any], end: Dates | pd.Series[Any]) -> Any:
        """Interest that accrues on the whole series between any two dates, across coupons.

        The difference of what has accrued since issue, so that it adds up over any split.

        Examples
        --------
        >>> load("ibasis-2004").interest_between("2004-06-18", "2005-09-18")
        2900000.0
        """
        made = accruals.between(start, end, terms=self.terms)
        return self._series(made, self.terms.currency, "interest_between", start=start, end=end)

    def overdue_interest(self, amount: Any, due: Dates, paid: Dates) -> Any:
        """Simple interest on an overdue amount at the deal's default rate.

        Raises
        ------
        TermError
            The deal declares no default rate.

        Examples
        --------
        >>> deal = load("ibasis-2004").replace(default_rate=0.10)
        >>> deal.overdue_interest(1_160_000, "2004-12-20", "2005-01-20")
        9666.666666666666
        """
        made = accruals.overdue(self.terms, amount, due, paid)
        return self._series(made, self.terms.currency, "overdue_interest", amount=amount, due=due, paid=paid)

    # ---- closing ----

    def closing(self, *, policy: str | Sequence[str] | None = None, elects: Elections = None) -> pd.DataFrame:
        """What each purchaser pays at closing.

        Parameters
        ----------
        policy : str or sequence of str, optional
            Reading of an excess of notes surrendered over the price: ``capped_forfeited``, ``capped_kept``,
            ``refunded`` or ``full_satisfaction``; several give a level of the index. By default the deal's.
        elects : "all", "none" or mapping, optional
            Who surrenders: by purchaser True (the amount stated), False, or an amount or array of amounts
            [currency], which broadcast and give a level ``scenario``. By default the deal's.

        Returns
        -------
        DataFrame
            By purchaser, [currency] to the cent: principal, purchase_price, surrendered, credit, cash_due, refund,
            forfeited, kept, accrued_interest_paid, cash_to_company.

        Raises
        ------
        TermError
            An unknown policy, a purchaser without the right, or more than its right states.

        Examples
        --------
        >>> float(load("ibasis-2004").closing()["cash_to_company"].sum())
        20025000.0
        """
        default = reading_of(self.terms) if policy is None else str(policy)
        policies = list(policy) if isinstance(policy, list | tuple) else [default]
        table = closing_table(self.terms, policies, elects)
        return self._labelled(
            table, dict.fromkeys(table.columns, self.terms.currency), "closing", policy=policy, elects=elects
        )

    # ---- shares ----

    def convert(self, principal: Any, *, on: Dates, holder: str | None = None) -> pd.DataFrame:
        """Whole shares, cash in lieu and the treatment of accrued interest on conversion; arrays broadcast.

        Parameters
        ----------
        principal : numeric
            Principal converted [currency], in the deal's multiples.
        on : date-like
            Conversion date.
        holder : str, optional
            Key or name. Otherwise each row is one conversion by one holder, whoever it is: shares are cut once, and the
            limit is the whole principal. What all holders get together is in :meth:`dilution`.

        Examples
        --------
        >>> load("ibasis-2004").convert(1_000_000, on="2005-03-18", holder="loeb")[["shares", "cash_in_lieu"]]
           shares  cash_in_lieu
        0  540540           1.0
        """
        table = conversion_table(self.terms, principal, on, holder)
        currency = self.terms.currency
        money = ("principal", "cash_in_lieu", "accrued_interest", "accrued_paid", "accrued_forfeited", "coupon_kept")
        units = dict.fromkeys(money, currency)
        units |= {"shares": "shares", "shares_exact": "shares", "conversion_price": f"{currency}/share"}
        return self._labelled(table, units, "convert", principal=principal, on=on, holder=holder)

    def captable(self) -> pd.DataFrame:
        """Classes of shares with their basis and source, fully diluted as converted, and authorised headroom.

        Examples
        --------
        >>> int(load("ibasis-2004").captable().loc["common", "shares"])
        46655867
        """
        units = {"shares": "shares", "fully_diluted": "fraction"}
        return self._labelled(captable_table(self.terms), units, "captable")

    def headroom(self) -> pd.DataFrame:
        """Shares left under the authorised number and the lowest conversion price that fits.

        Returns
        -------
        DataFrame
            By case of the exchange: ``without`` its new instrument, with it at its ``own-price``, and both
            ``repriced`` together. The lowest price is exact (as a float and as a fraction) and rounded up to the
            cent; NaN where no price fits.

        Examples
        --------
        >>> load("ibasis-2004").headroom()["shortfall"].to_dict()
        {'without': 0, 'own-price': 13862566, 'repriced': 13862566}
        """
        price = f"{self.terms.currency}/share"
        shares = ("other_shares", "available", "notes_shares", "headroom", "shortfall")
        units = dict.fromkeys(shares, "shares") | {"lowest_price_exact": price, "lowest_price": price}
        return self._labelled(headroom_table(self.terms), units, "headroom")

    def dilution(
        self,
        *,
        conversion_price: Any = None,
        principal: Any = None,
        share_price: Any = None,
        rounding: Literal["per-conversion", "per-note", "aggregate"] | None = None,
    ) -> pd.DataFrame:
        """Ownership before and after conversion, by class and by holder.

        Parameters
        ----------
        conversion_price : numeric, optional
            [currency a share]; the deal's by default. Arrays broadcast and give a column ``scenario``.
        principal : numeric, optional
            Principal converted [currency]; all by default; taken over the register in proportion.
        share_price : numeric, optional
            Spot for the treasury-stock method, which is applied where an exercise price is known; the other classes
            stay in full and their ``treatment`` says so.
        rounding : str, optional
            The deal's rounding of shares by default.

        Examples
        --------
        >>> table = load("ibasis-2004").dilution()
        >>> print(f"{table.loc[table['class'] == 'notes', 'ownership_after'].sum():.2%}")
        15.86%
        """
        table = dilution_table(self.terms, conversion_price, principal, share_price, rounding)
        price = f"{self.terms.currency}/share"
        units = {"conversion_price": price, "share_price": price, "principal": self.terms.currency}
        units |= {"shares_before": "shares", "shares_after": "shares"}
        units |= {"ownership_before": "fraction", "ownership_after": "fraction"}
        return self._labelled(
            table,
            units,
            "dilution",
            conversion_price=conversion_price,
            principal=principal,
            share_price=share_price,
            rounding=rounding,
        )

    # ---- dates and thresholds ----

    def time_limits(self) -> pd.DataFrame:
        """The deal's periods: length, unit, what each runs from, and the date where that is fixed."""
        return self._labelled(periods.limits_table(self.terms), {}, "time_limits")

    def date_limit(self, name: str, runs_from: Dates | pd.Series[Any]) -> Any:
        """The date on which a period ends that runs from an event.

        Examples
        --------
        >>> load("ibasis-2004").date_limit("notice-by-mail", "2004-07-01")
        np.datetime64('2004-07-06')
        """
        made = periods.limit_date(runs_from, terms=self.terms, name=name)
        return self._series(made, "", "date_limit", name=name, runs_from=runs_from)

    def meets_threshold(self, name: str, share: Any) -> Any:
        """Whether a share of the whole reaches one of the deal's thresholds.

        Examples
        --------
        >>> load("ibasis-2004").meets_threshold("majority-purchasers", [0.5, 0.51])
        array([False,  True])
        """
        made = periods.meets(share, terms=self.terms, name=name)
        return self._series(made, "", "meets_threshold", name=name, share=share)

    def holding(self, holders: str | Iterable[str]) -> float:
        """Share of the outstanding principal that some holders have together at issue.

        Examples
        --------
        >>> load("ibasis-2004").holding(["jmg-triton", "windward"])
        0.5172413793103449
        """
        register = register_of(self.terms)
        own = register.cents[register.positions([holders] if isinstance(holders, str) else list(holders))].sum()
        return float(own / register.cents.sum())

    # ---- what to know about the numbers ----

    def summary(self) -> pd.Series[Any]:
        """The figures by which readings of the papers are compared."""
        figures = summary_figures(self.terms)
        made = pd.Series(figures.values(), index=pd.Index(figures, dtype="str"), dtype="float64", name="summary")
        currency = self.terms.currency
        units = dict.fromkeys(("total_interest", "cash_to_company", "forfeited"), currency) | {"irr": "1/yr"}
        return self._labelled(made, units | dict.fromkeys(("shares_on_conversion", "headroom"), "shares"), "summary")

    def findings(self) -> pd.DataFrame:
        """What does not tie in the papers: severity, what, figures, sources, effect. Computed from the terms."""
        return self._labelled(audit.findings_table(self.terms), {}, "findings")

    def check_sources(self, files: Mapping[str, str | Path]) -> pd.DataFrame:
        """Sourced figures, dates and names that do not occur in the stated section of a document's text.

        Parameters
        ----------
        files : mapping of document key to path
            The texts to look in.
        """
        made = papers.source_table(self.terms, {key: Path(path) for key, path in files.items()})
        return self._labelled(made, {}, "check_sources", files={key: str(path) for key, path in files.items()})

    def term_table(self) -> pd.DataFrame:
        """Every term by its path in the deal file, with its source or why it is assumed.

        Examples
        --------
        >>> load("ibasis-2004").term_table().set_index("term").loc["series.notes.maturity", "source"]
        'npa 1 Maturity Date'
        """
        return self._labelled(term_table(self.terms), {}, "term_table")

    def assumptions(self) -> pd.DataFrame:
        """What the papers do not say and we assumed, one row per alternative, with the change it would make."""
        table = assumption_table(self)
        units = {name: f"change in {unit}" for name, unit in units_of(self.summary()).items()}
        return self._labelled(table, units, "assumptions")

    # ---- another deal ----

    def replace(self, **changes: Any) -> Deal:
        """Get the same deal with terms changed and marked as assumed.

        Parameters
        ----------
        **changes
            A term's name (``conversion_price=1.75``), or its whole path
            (``**{"instruments.new-convertible-notes.conversion_price": 1.75}``).

        Raises
        ------
        TermError
            No term, or more than one, has this name.
        DealFileError
            The deal would be wrong with the new value.

        Examples
        --------
        >>> load("ibasis-2004").replace(conversion_price=1.75).terms.series["notes"].conversion.conversion_price.value
        Decimal('1.75')
        """
        return Deal(replaced(self.terms, self.file, changes), self.file)

    def _series(self, made: Any, unit: str, function: str, **arguments: Any) -> Any:
        """Label a Series, or a frame of one unit; scalars and arrays can carry nothing."""
        if isinstance(made, pd.DataFrame):
            return self._labelled(made, dict.fromkeys(map(str, made.columns), unit), function, **arguments)
        if isinstance(made, pd.Series):
            return self._labelled(made, {VALUES: unit} if unit else {}, function, **arguments)
        return made

    def _labelled(self, made: PandasObject, units: Mapping[str, str], function: str, **arguments: Any) -> PandasObject:
        return labelled(made, units, self.input_hash, function, arguments)


def _rebuild(raw: dict[str, Any], file: str) -> Deal:
    return Deal(validate_terms(raw, file, python=True), file)


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise TermError(name, rule=" or ".join(map(repr, allowed)), got=value, hint=did_you_mean(str(value), allowed))
