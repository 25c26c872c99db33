"""notecalc: from the terms of a note purchase agreement to numbers, each with the clause behind it.

The public names are imported on first use, so that ``import notecalc`` takes little longer than pandas alone, whose
accessor it registers; a type checker sees them all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import notecalc.frame as _  # noqa: F401 (registers the accessor with pandas)
from notecalc.errors import DealFileError, IndexMismatchError, NotecalcError, TermError, UnknownDealError
from notecalc.versions import __version__, show_versions

if TYPE_CHECKING:
    from notecalc.core.accrual import accrued_interest, default_interest, interest_between
    from notecalc.core.calendars import add_business_days, adjust, get_calendar, is_business_day
    from notecalc.core.conversion import conversion_ratio, shares_on_conversion, shares_to_reserve
    from notecalc.core.daycount import day_count_days, year_fraction
    from notecalc.core.dilution import ownership, treasury_stock_method
    from notecalc.core.exchange import exchange_payment
    from notecalc.core.schedule import schedule, schedules
    from notecalc.core.yields import bond_equivalent_yield, irr
    from notecalc.deal.deal import Deal, load
    from notecalc.deal.events import Conversion, Redemption, Repurchase

__all__ = [
    "Conversion",
    "Deal",
    "DealFileError",
    "IndexMismatchError",
    "NotecalcError",
    "Redemption",
    "Repurchase",
    "TermError",
    "UnknownDealError",
    "__version__",
    "accrued_interest",
    "add_business_days",
    "adjust",
    "bond_equivalent_yield",
    "conversion_ratio",
    "day_count_days",
    "default_interest",
    "exchange_payment",
    "get_calendar",
    "interest_between",
    "irr",
    "is_business_day",
    "load",
    "ownership",
    "schedule",
    "schedules",
    "shares_on_conversion",
    "shares_to_reserve",
    "show_versions",
    "treasury_stock_method",
    "year_fraction",
]

# Where each name is found on first use. The block above says the same to type checkers; a test holds them together.
_NAMES_BY_MODULE = {
    "notecalc.core.accrual": ("accrued_interest", "default_interest", "interest_between"),
    "notecalc.core.calendars": ("add_business_days", "adjust", "get_calendar", "is_business_day"),
    "notecalc.core.conversion": ("conversion_ratio", "shares_on_conversion", "shares_to_reserve"),
    "notecalc.core.daycount": ("day_count_days", "year_fraction"),
    "notecalc.core.dilution": ("ownership", "treasury_stock_method"),
    "notecalc.core.exchange": ("exchange_payment",),
    "notecalc.core.schedule": ("schedule", "schedules"),
    "notecalc.core.yields": ("bond_equivalent_yield", "irr"),
    "notecalc.deal.deal": ("Deal", "load"),
    "notecalc.deal.events": ("Conversion", "Redemption", "Repurchase"),
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
