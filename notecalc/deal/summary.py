"""The figures by which readings of the papers are compared, and the rates of return among them.

Each is taken from the table that the deal shows; nothing is computed in another way here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from notecalc.core.irr import bond_equivalent_yield, irr
from notecalc.core.money import to_cents, to_money
from notecalc.deal.captable import dilution_table, headroom_table
from notecalc.deal.cashflows import cashflow_table
from notecalc.deal.closing import closing_table, reading_of
from notecalc.deal.terms import DealTerms

__all__ = ["rates_of_return", "summary_figures"]


def rates_of_return(flows: pd.DataFrame) -> pd.DataFrame:
    """Rate of return of each holder of some cash flows; NaN where shares, which have no price here, were got."""
    rows = {}
    for holder, own in flows.groupby("holder", sort=False):
        rate = np.nan if own["shares"].any() else irr(own["payment_date"], own["total"])
        rows[holder] = {"irr": rate, "bond_equivalent_yield": bond_equivalent_yield(rate)}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("holder")
    table.index = table.index.astype("str")
    return table


def summary_figures(terms: DealTerms) -> dict[str, float]:
    """Interest and price in money, the rate of return of all holders together, shares and headroom."""
    flows = cashflow_table(terms, [], by_holder=True)
    closing = closing_table(terms, [reading_of(terms)], None)
    shares = dilution_table(terms, None, None, None, None)
    return {
        "total_interest": _sum(flows["interest"]),
        "irr": float(rates_of_return(flows.assign(holder="all"))["irr"].iloc[0]),
        "cash_to_company": _sum(closing["cash_to_company"]),
        "forfeited": _sum(closing["forfeited"]),
        "shares_on_conversion": float(shares.loc[shares["holder"] != "", "shares_after"].sum()),
        "headroom": float(headroom_table(terms)["headroom"].to_dict()["own-price"]),
    }


def _sum(amounts: pd.Series[float]) -> float:
    return to_money(int(to_cents(amounts.to_numpy()).sum()))
