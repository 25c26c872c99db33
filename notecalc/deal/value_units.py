"""Units of what is known of a convertible's value, by the names of the columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["value_units"]


def value_units(columns: Sequence[Any], currency: str) -> dict[str, str]:
    """Unit of each column of these tables, for those that have one; a new column of the engine by its name."""
    share = f"{currency}/share"
    known = {
        **dict.fromkeys(
            ("stock_price", "other_stock_price", "hazard_reference_price", "conversion_price", "value_per_share_after"),
            share,
        ),
        **dict.fromkeys(("volatility", "other_volatility"), "1/yr^0.5"),
        **dict.fromkeys(("risk_free", "dividend_yield", "borrow_cost"), "1/yr"),
        **dict.fromkeys(("credit_spread", "hazard_rate", "other_credit_spread", "other_hazard_rate"), "1/yr"),
        **dict.fromkeys(("recovery_rate", "stock_drop", "conversion_premium", "investment_premium"), "fraction"),
        "reset_probability": "fraction",
        **dict.fromkeys(
            ("dirty_price", "clean_price", "bond_floor", "option_value", "parity", "parity_after"), "per 100"
        ),
        **dict.fromkeys(("value", "equity_before", "debt_extinguished"), currency),
        **dict.fromkeys(("shares_before", "new_shares", "shares_after"), "shares"),
        "delta": f"per 100 per {share}",
        "gamma": f"per 100 per ({share})^2",
        "hedge_ratio": "per share",
        "theta": "per 100 per day",
        "vega": "per 100 per 0.01",
        "rho": "per 100 per bp",
        "credit": "per 100 per bp",
        "recovery": "per 100 per 0.01",
        "reset": "per 100 per 0.01",
        "error_estimate": "per 100 +-",
        "dilution": "fraction",
    }
    units = {str(name): known.get(str(name)) or _unit_by_name(str(name), share) for name in columns}
    return {name: unit for name, unit in units.items() if unit}


def _unit_by_name(name: str, share: str) -> str:
    """Give the unit that a name tells: an engine that learns more calls it so."""
    told = {"probability": "fraction", "years": "yr", "life": "yr", "boundary": share, "price": "per 100"}
    return next((unit for word, unit in told.items() if word in name.split("_")), "")
