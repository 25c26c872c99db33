"""notecalc: from the terms of a note purchase agreement to numbers, each with the clause behind it.

The public names are imported on first use, so that ``import notecalc`` takes little longer than pandas alone, whose
accessor it registers; a type checker sees them all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import notecalc.frame as _  # noqa: F401 (registers the accessor with pandas)
from notecalc.errors import DealFileError, IndexMismatchError, NotecalcError, TapeError, TermError, UnknownDealError
from notecalc.versions import __version__, show_versions

if TYPE_CHECKING:
    from notecalc.batch.scenariofile import load_scenarios, scenarios
    from notecalc.core.accrual import accrued_interest, accrued_on, interest_between
    from notecalc.core.balances import Balances, roll_forward
    from notecalc.core.calendars import add_business_days, adjust, get_calendar, is_business_day
    from notecalc.core.conversion import conversion_ratio, shares_on_conversion, shares_to_reserve
    from notecalc.core.convertible.averages import credit_steps, volatility_steps
    from notecalc.core.convertible.implied import convertible_implied
    from notecalc.core.convertible.outcomes import convertible_probabilities, exercise_boundary
    from notecalc.core.convertible.terms import CallWindow, ConversionWindow, Convertible, PutWindow, Steps
    from notecalc.core.convertible.triggers import on_the_day_trigger, opening_day_trigger
    from notecalc.core.convertible.valuation import convertible_greeks, convertible_value
    from notecalc.core.convertible.volatility import diffusion_volatility, total_volatility
    from notecalc.core.curves import Curve
    from notecalc.core.dated import DatedValues
    from notecalc.core.daycount import day_count_days, year_fraction
    from notecalc.core.dilution import ownership, treasury_stock_method
    from notecalc.core.exchange import exchange_payment
    from notecalc.core.flows import coupon_days
    from notecalc.core.irr import bond_equivalent_yield, irr, periodic_irr, xirr
    from notecalc.core.notes import Notes
    from notecalc.core.overdue import default_interest
    from notecalc.core.prices import clean_price, dirty_price, forward_price
    from notecalc.core.risk import convexity, dv01, macaulay_duration, modified_duration, yield_value_of_a_32nd
    from notecalc.core.schedule import resolve, schedule, schedules
    from notecalc.core.spreads import clean_price_from_curve, g_spread, par_asset_swap_spread, z_spread
    from notecalc.core.yields import (
        current_yield,
        true_yield,
        yield_to_call,
        yield_to_maturity,
        yield_to_put,
        yield_to_worst,
    )
    from notecalc.deal.deal import Deal, load
    from notecalc.deal.events import Conversion, Redemption, Repurchase
    from notecalc.deal.market import CreditSpread, Hazard, Market, Quote
    from notecalc.deal.marketfile import load_market
    from notecalc.tape.reading import example_tape

__all__ = [
    "Balances",
    "CallWindow",
    "Conversion",
    "ConversionWindow",
    "Convertible",
    "CreditSpread",
    "Curve",
    "DatedValues",
    "Deal",
    "DealFileError",
    "Hazard",
    "IndexMismatchError",
    "Market",
    "NotecalcError",
    "Notes",
    "PutWindow",
    "Quote",
    "Redemption",
    "Repurchase",
    "Steps",
    "TapeError",
    "TermError",
    "UnknownDealError",
    "__version__",
    "accrued_interest",
    "accrued_on",
    "add_business_days",
    "adjust",
    "bond_equivalent_yield",
    "clean_price",
    "clean_price_from_curve",
    "conversion_ratio",
    "convertible_greeks",
    "convertible_implied",
    "convertible_probabilities",
    "convertible_value",
    "convexity",
    "coupon_days",
    "credit_steps",
    "current_yield",
    "day_count_days",
    "default_interest",
    "diffusion_volatility",
    "dirty_price",
    "dv01",
    "example_tape",
    "exchange_payment",
    "exercise_boundary",
    "forward_price",
    "g_spread",
    "get_calendar",
    "interest_between",
    "irr",
    "is_business_day",
    "load",
    "load_market",
    "load_scenarios",
    "macaulay_duration",
    "modified_duration",
    "on_the_day_trigger",
    "opening_day_trigger",
    "ownership",
    "par_asset_swap_spread",
    "periodic_irr",
    "resolve",
    "roll_forward",
    "scenarios",
    "schedule",
    "schedules",
    "shares_on_conversion",
    "shares_to_reserve",
    "show_versions",
    "total_volatility",
    "treasury_stock_method",
    "true_yield",
    "volatility_steps",
    "xirr",
    "year_fraction",
    "yield_to_call",
    "yield_to_maturity",
    "yield_to_put",
    "yield_to_worst",
    "yield_value_of_a_32nd",
    "z_spread",
]

# Where each name is found on first use. The block above says the same to type checkers; a test holds them together.
_NAMES_BY_MODULE = {
    "notecalc.batch.scenariofile": ("load_scenarios", "scenarios"),
    "notecalc.core.accrual": ("accrued_interest", "accrued_on", "interest_between"),
    "notecalc.core.balances": ("Balances", "roll_forward"),
    "notecalc.core.calendars": ("add_business_days", "adjust", "get_calendar", "is_business_day"),
    "notecalc.core.conversion": ("conversion_ratio", "shares_on_conversion", "shares_to_reserve"),
    "notecalc.core.convertible.averages": ("credit_steps", "volatility_steps"),
    "notecalc.core.convertible.triggers": ("on_the_day_trigger", "opening_day_trigger"),
    "notecalc.core.convertible.implied": ("convertible_implied",),
    "notecalc.core.convertible.outcomes": ("convertible_probabilities", "exercise_boundary"),
    "notecalc.core.convertible.terms": ("CallWindow", "ConversionWindow", "Convertible", "PutWindow", "Steps"),
    "notecalc.core.convertible.valuation": ("convertible_greeks", "convertible_value"),
    "notecalc.core.convertible.volatility": ("diffusion_volatility", "total_volatility"),
    "notecalc.core.dated": ("DatedValues",),
    "notecalc.core.daycount": ("day_count_days", "year_fraction"),
    "notecalc.core.dilution": ("ownership", "treasury_stock_method"),
    "notecalc.core.exchange": ("exchange_payment",),
    "notecalc.core.schedule": ("resolve", "schedule", "schedules"),
    "notecalc.core.curves": ("Curve",),
    "notecalc.core.flows": ("coupon_days",),
    "notecalc.core.irr": ("bond_equivalent_yield", "irr", "periodic_irr", "xirr"),
    "notecalc.core.notes": ("Notes",),
    "notecalc.core.overdue": ("default_interest",),
    "notecalc.core.prices": ("clean_price", "dirty_price", "forward_price"),
    "notecalc.core.risk": ("convexity", "dv01", "macaulay_duration", "modified_duration", "yield_value_of_a_32nd"),
    "notecalc.core.spreads": ("clean_price_from_curve", "g_spread", "par_asset_swap_spread", "z_spread"),
    "notecalc.core.yields": (
        "current_yield",
        "true_yield",
        "yield_to_call",
        "yield_to_maturity",
        "yield_to_put",
        "yield_to_worst",
    ),
    "notecalc.deal.deal": ("Deal", "load"),
    "notecalc.deal.events": ("Conversion", "Redemption", "Repurchase"),
    "notecalc.deal.market": ("CreditSpread", "Hazard", "Market", "Quote"),
    "notecalc.deal.marketfile": ("load_market",),
    "notecalc.tape.reading": ("example_tape",),
}
_MODULE_OF = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}


if not TYPE_CHECKING:  # a type checker that saw a module's __getattr__ would believe in every name

    def __getattr__(name: str) -> object:
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_MODULE_OF[name]), name)
        globals()[name] = value  # found at once from now on
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
