"""Results as text for other programs: CSV and JSON, with every number exact.

For readers there is `tables`. CSV has no room for units and the recipe; JSON and Parquet (pandas' own) keep them.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from notecalc.deal.frames import inputs_of, recipe_of, units_of

__all__ = ["csv_text", "json_value"]


def csv_text(made: pd.DataFrame) -> str:
    r"""Write a result as comma-separated values: money with its cents, other numbers exact, dates ISO, missing empty.

    Parameters
    ----------
    made : DataFrame
        A deal's result; its index leads where it has a name.

    Examples
    --------
    >>> import notecalc as nc
    >>> table = nc.load("ibasis-2004").closing(policy="refunded")
    >>> csv_text(table.loc[["Windward Capital, L.P."], ["surrendered", "refund"]])
    'purchaser,surrendered,refund\n"Windward Capital, L.P.",5100000.00,100000.00\n'
    """
    table = _with_index(made)
    for name, unit in units_of(made).items():
        if re.fullmatch("[A-Z]{3}", unit) and name in table:
            table[name] = [None if pd.isna(amount) else f"{amount:z.2f}" for amount in table[name]]
    return table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")


def json_value(made: pd.DataFrame) -> dict[str, Any]:
    """Give a result as JSON can hold it: hash of the inputs, units, recipe and rows; what is missing is null.

    Examples
    --------
    >>> import notecalc as nc
    >>> value = json_value(nc.load("ibasis-2004").headroom())
    >>> value["units"]["lowest_price"], value["recipe"]["function"], value["rows"][1]["shortfall"]
    ('USD/share', 'headroom', 13862566)
    """
    table = _with_index(made)
    for name in table.select_dtypes("datetime"):
        table[name] = table[name].dt.strftime("%Y-%m-%d")
    plain = table.astype(object)
    rows = plain.where(plain.notna(), None).to_dict("records")
    return {"inputs": inputs_of(made), "units": units_of(made), "recipe": recipe_of(made), "rows": rows}


def _with_index(made: pd.DataFrame) -> pd.DataFrame:
    named = any(name is not None for name in made.index.names)
    return made.reset_index() if named else made.copy()
