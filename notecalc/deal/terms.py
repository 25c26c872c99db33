"""The terms of a deal as its file states them: immutable, checked, and knowing nothing of how they are computed.

Every table is open to growth without breaking a file: series, instruments, offers and classes are keyed by name, and
a new kind of term is a new optional key.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from notecalc.deal.sources import (
    CalendarDate,
    CalendarName,
    Convention,
    Count,
    Currency,
    DayCountName,
    Document,
    Flag,
    Fraction,
    Frequency,
    Length,
    Model,
    Money,
    MoneyOrNone,
    Policy,
    PositiveMoney,
    Price,
    Rate,
    RateOrNone,
    RecordDays,
    Slug,
    Term,
    Text,
    TriggerOrNone,
)

__all__ = [
    "CallTerms",
    "Capitalization",
    "Closing",
    "ConversionTerms",
    "DealTerms",
    "Exchange",
    "Instrument",
    "Party",
    "PriceReset",
    "PriceStep",
    "Purchase",
    "PutTerms",
    "Series",
    "ShareClass",
    "Signature",
    "SurrenderRight",
    "Threshold",
    "TimeLimit",
    "Vocabulary",
]


class Party(Model):
    """Somebody named in the papers; `also` holds the other ways in which they print its name."""

    name: Term[Text]
    roles: tuple[Literal["issuer", "purchaser", "guarantor", "trustee", "depositary", "signatory", "adviser"], ...]
    also: tuple[Term[Text], ...] = ()


class Signature(Model):
    """A name on the signature pages and the party it stands for."""

    party: Slug
    name: Term[Text]


class Dates(Model):
    """The deal's own dates."""

    agreement: Term[CalendarDate]
    closing: Term[CalendarDate]


class BusinessDays(Model):
    """The agreement's rule for business days and the calendar that we read it as."""

    cities: Term[tuple[Text, ...]]
    calendar: Term[CalendarName]
    closures: tuple[CalendarDate, ...] = Field(default=(), description="Days closed beside the calendar's own.")


class PriceStep(Model):
    """A conversion price that holds from a day on."""

    first_date: Term[CalendarDate]
    conversion_price: Term[Price]


class PriceReset(Model):
    """A conversion price that holds from a day on if something has happened by then, such as a registration default."""

    condition: Term[Text] = Field(description="What must happen.")
    first_date: Term[CalendarDate]
    conversion_price: Term[Price]


class ConversionTerms(Model):
    """The holder's right to turn principal into shares."""

    conversion_price: Term[Price] = Field(description="From the first date, until a step.")
    first_date: Term[CalendarDate]
    last_date: Term[CalendarDate]
    multiple: Term[PositiveMoney]
    accrued_interest: Term[Literal["forfeited-before-record-date", "forfeited", "paid"]]
    fractions: Term[Literal["cash-at-conversion-price", "dropped"]]
    share_rounding: Term[Literal["per-conversion", "per-note"]]
    anti_dilution: Term[Literal["none"]]
    reserved: Term[Count] | None = Field(default=None, description="Shares that the papers say are reserved for it.")
    steps: tuple[PriceStep, ...] = Field(default=(), description="Later conversion prices, in order of their dates.")
    reset: PriceReset | None = Field(
        default=None, description="A later price on a condition; values weigh it by a market's `reset_probability`."
    )


class CallTerms(Model):
    """A window in which the issuer may redeem the notes at a price; one whose price steps is a window for each."""

    clean_price: Term[Price] = Field(description="Per 100 of principal, before accrued interest.")
    first_date: Term[CalendarDate]
    last_date: Term[CalendarDate]
    trigger: Term[TriggerOrNone] = Field(
        description="Stock price from which it may, as a fraction of the conversion price; none where it may at any."
    )
    accrued_interest: Term[Literal["paid", "forfeited"]]
    trigger_days: Term[Length] | None = Field(
        default=None, description="Trading days on which the trigger must be met; absent where the day itself counts."
    )
    trigger_period: Term[Length] | None = Field(default=None, description="Trading days out of which they are.")
    notice_days: Term[Length] | None = Field(default=None, description="Days from the notice to the redemption.")
    make_whole_until: Term[CalendarDate] | None = Field(
        default=None, description="A call pays all coupons due after it up to this day, in place of accrued interest."
    )
    make_whole_rate: Term[Rate] | None = Field(
        default=None, description="At which they are discounted, annual, by actual/365 fixed; their sum if absent."
    )


class PutTerms(Model):
    """A window in which a holder may have its notes repurchased at a price; one day where its dates are the same."""

    clean_price: Term[Price] = Field(description="Per 100 of principal, before accrued interest.")
    first_date: Term[CalendarDate]
    last_date: Term[CalendarDate]
    accrued_interest: Term[Literal["paid", "forfeited"]]


class Series(Model):
    """One series of notes."""

    title: Term[Text]
    principal: Term[PositiveMoney]
    denomination: Term[PositiveMoney]
    purchase_price: Term[PositiveMoney] = Field(description="Price of one denomination.")
    issue_date: Term[CalendarDate]
    maturity: Term[CalendarDate]
    annual_rate: Term[Rate]
    frequency: Term[Frequency] = Field(description="Coupons a year; 0 for none.")
    day_count: Term[DayCountName]
    business_day_convention: Term[Convention]
    accrual_adjusted: Term[Flag] = Field(description="Whether interest accrues to the adjusted date.")
    end_of_month: Term[Flag]
    generation: Term[Literal["backward", "forward"]]
    stub: Term[Literal["short", "long"]]
    first_coupon: Term[CalendarDate] | None = None
    last_coupon: Term[CalendarDate] | None = None
    record_days: Term[RecordDays] = Field(description="Calendar days from the record date to the payment date.")
    payment_rounding: Term[Literal["global-note", "per-note"]]
    redemption: Term[Literal["none", "calls"]] = Field(description="Whether the issuer may redeem: as `calls` say.")
    make_whole: Term[Literal["none", "calls"]] = Field(description="Whether a call pays coupons ahead: as `calls` say.")
    prepayment_premium: Term[RateOrNone]
    change_of_control_price: Term[MoneyOrNone] = Field(description="Per 100 of principal, or none.")
    default_rate: Term[RateOrNone]
    recovery_claim: Term[Literal["principal", "principal-and-accrued"]] | None = Field(
        default=None, description="Of what a recovery on default is a fraction."
    )
    redemption_in: Term[Literal["cash", "shares"]] | None = Field(
        default=None, description="In what principal is repaid at maturity; cash if absent. The last coupon is cash."
    )
    redemption_price_fraction: Term[Fraction] | None = Field(
        default=None, description="Of their price, at which shares repaid are counted; needed with shares."
    )
    conversion: ConversionTerms
    calls: tuple[CallTerms, ...] = Field(default=(), description="When the issuer may redeem, in order of dates.")
    puts: tuple[PutTerms, ...] = Field(default=(), description="When a holder may have its notes repurchased.")


class Purchase(Model):
    """What one purchaser takes of a series."""

    purchaser: Slug
    series: Slug
    principal: Term[Money]
    purchase_price: Term[Money]


class SurrenderRight(Model):
    """A purchaser's right to pay by surrendering another instrument."""

    purchaser: Slug
    instrument: Slug
    principal: Term[Money]


class Closing(Model):
    """How the price is paid where something may be surrendered instead of cash."""

    excess_policy: Term[Policy]
    elects: Term[Literal["all", "none"]]
    pays_accrued_on_surrendered: Term[Flag]


class Instrument(Model):
    """Another security of the issuer: its notes, convertibles or warrants outside this deal."""

    title: Term[Text]
    principal: Term[Money] | None = None
    annual_rate: Term[Rate] | None = None
    day_count: Term[DayCountName] | None = None
    last_payment_date: Term[CalendarDate] | None = None
    conversion_price: Term[Price] | None = None


class Exchange(Model):
    """An offer of a new instrument for an old one, at par."""

    old: Slug
    new: Slug
    maximum: Term[Money]
    tendered: Term[Money]
    reported_untendered: Term[Money] | None = None
    untendered: Term[Literal["difference", "reported"]] = Field(
        description="What is left of the old: the maximum less what was tendered, or the figure reported."
    )


class ShareClass(Model):
    """A line of the cap table: shares issued, reserved or promised."""

    title: Text
    kind: Literal["issued", "reserved", "promised"]
    shares: Term[Count] | None = None
    converts: Slug | None = Field(default=None, description="The instrument whose conversion gives these shares.")
    exercise_price: Term[Price] | None = None
    registered: Term[Count] | None = None


class CharterAmendment(Model):
    """A change of the charter; the authorised shares it sets are absent where they are not public."""

    filed: Term[CalendarDate]
    authorised: Term[Count] | None = None


class Capitalization(Model):
    """The issuer's shares as the papers represent them."""

    as_of: Term[CalendarDate]
    authorised: Term[Count]
    authorised_preferred: Term[Count]
    preferred_outstanding: Term[Count]
    classes: dict[Slug, ShareClass]
    excepted: Term[tuple[Slug, ...]] | None = Field(
        default=None,
        description="Rights that the representation sets apart: classes, or series for their conversion rights.",
    )
    amendments: tuple[CharterAmendment, ...] = ()


class Threshold(Model):
    """A share of something at which a clause bites."""

    title: Text
    fraction: Term[Fraction]
    comparison: Literal["at-least", "more-than"]
    of: Text


class TimeLimit(Model):
    """A length of time and what it runs from: one of the deal's dates, or an event with a date of its own."""

    title: Text
    length: Term[Length]
    unit: Literal["days", "business-days", "years"]
    calendar: Term[CalendarName] | None = None
    runs_from: Text
    wording: Text | None = Field(default=None, description="The unit as the paper words it, capitals kept.")


class UsedTerm(Model):
    """A capitalized term and a place that uses it."""

    term: Text
    document: Slug
    section: Text


class Vocabulary(Model):
    """The vocabulary of a document: terms it defines, and terms it uses."""

    defined: tuple[Text, ...] = ()
    used: tuple[UsedTerm, ...] = ()


class DealTerms(Model):
    """A whole deal file."""

    schema_version: Literal[1] = Field(alias="schema")
    id: Slug
    title: Text
    currency: Currency
    documents: dict[Slug, Document]
    parties: dict[Slug, Party]
    signatures: tuple[Signature, ...] = ()
    dates: Dates
    business_days: BusinessDays
    series: dict[Slug, Series] = Field(min_length=1)
    purchases: tuple[Purchase, ...] = Field(min_length=1)
    surrender_rights: tuple[SurrenderRight, ...] = ()
    closing: Closing | None = Field(default=None, description="Needed where there are surrender rights.")
    instruments: dict[Slug, Instrument] = Field(default_factory=dict)
    exchanges: dict[Slug, Exchange] = Field(default_factory=dict)
    capitalization: Capitalization
    thresholds: dict[Slug, Threshold] = Field(default_factory=dict)
    time_limits: dict[Slug, TimeLimit] = Field(default_factory=dict)
    vocabulary: Vocabulary = Vocabulary()
    facts: dict[Slug, Term[Text]] = Field(default_factory=dict)
