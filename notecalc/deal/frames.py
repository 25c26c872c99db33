"""How a result becomes a pandas object that knows its units and how it was made.

``attrs`` hold one short JSON string: long ``attrs`` make ``head()`` slow, and dates in them break Parquet.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from notecalc.core.convertible.terms import Steps
from notecalc.core.curves import Curve
from notecalc.core.money import to_cents, to_money
from notecalc.errors import NotecalcError

__all__ = [
    "PandasObject",
    "as_column_dates",
    "inputs_of",
    "label_of",
    "labelled",
    "plain_value",
    "recipe_of",
    "totals",
    "units_of",
]

PandasObject = TypeVar("PandasObject", bound="pd.DataFrame | pd.Series[Any]")

VALUES = "values"  # what the unit of a whole Series is called, whatever its name

_SCHEMA = 1
_LONG = 256


def labelled(
    made: PandasObject, units: Mapping[str, str], inputs: str, function: str, arguments: Mapping[str, Any]
) -> PandasObject:
    """Write units, the hash of the inputs and the recipe into ``attrs["notecalc"]``."""
    made.attrs["notecalc"] = json.dumps(
        {
            "schema": _SCHEMA,
            "units": dict(units),
            "inputs": inputs,
            "recipe": {"function": function, "arguments": plain_value(arguments)},
        },
        separators=(",", ":"),
    )
    return made


def label_of(made: pd.DataFrame | pd.Series[Any]) -> dict[str, Any]:
    """Give the whole label: schema version, units, inputs and recipe.

    Raises
    ------
    NotecalcError
        There is none: no result of a deal, or something dropped its ``attrs``, as some of pandas' functions do.

    Examples
    --------
    >>> import notecalc as nc
    >>> list(label_of(nc.load("ibasis-2004").closing()))
    ['schema', 'units', 'inputs', 'recipe']
    """
    if "notecalc" not in made.attrs:
        raise NotecalcError("these data carry no units: they are no result of a deal, or their attrs were dropped")
    return dict(json.loads(made.attrs["notecalc"]))


def inputs_of(made: pd.DataFrame | pd.Series[Any]) -> str:
    """Give the hash of the deal that a result was made from."""
    return str(label_of(made)["inputs"])


def units_of(made: pd.DataFrame | pd.Series[Any]) -> dict[str, str]:
    """Give the unit of each column, by name.

    Examples
    --------
    >>> import notecalc as nc
    >>> units_of(nc.load("ibasis-2004").closing())["cash_due"]
    'USD'
    """
    return dict(label_of(made)["units"])


def recipe_of(made: pd.DataFrame | pd.Series[Any]) -> dict[str, Any]:
    """Give the function and the arguments that made a result.

    Examples
    --------
    >>> import notecalc as nc
    >>> recipe_of(nc.load("ibasis-2004").closing(policy="refunded"))
    {'function': 'closing', 'arguments': {'policy': 'refunded', 'elects': None}}
    """
    return dict(label_of(made)["recipe"])


def totals(made: pd.DataFrame, columns: Sequence[str], *, by: str | None = None) -> pd.DataFrame:
    """Sum columns of a result, money in whole cents.

    Parameters
    ----------
    made : DataFrame
        A deal's result.
    columns : sequence of str
        What to sum: money, shares or fractions of a whole.
    by : str, optional
        A column or a level of the index: one row for each of its values, in the order in which they come. One row
        named ``total`` otherwise.

    Returns
    -------
    DataFrame
        With the units of what was summed; its recipe names this function and holds the recipe of what was summed.

    Examples
    --------
    >>> import notecalc as nc
    >>> closing = nc.load("ibasis-2004").closing(policy=["capped_forfeited", "refunded"])
    >>> totals(closing, ["cash_due", "refund"], by="policy")
                        cash_due    refund
    policy
    capped_forfeited  20025000.0       0.0
    refunded          20025000.0  100000.0
    """
    units = {name: units_of(made)[name] for name in columns}
    money = [name for name, unit in units.items() if re.fullmatch("[A-Z]{3}", unit)]
    parts = pd.DataFrame({name: to_cents(made[name].to_numpy()) if name in money else made[name] for name in columns})
    if by is None:
        keys = pd.Index(["total"] * len(made), dtype="str")
    else:
        keys = made.index.get_level_values(by) if by in made.index.names else pd.Index(made[by])
    table = parts.set_axis(keys, axis="index").groupby(level=0, sort=False).sum()
    for name in money:
        table[name] = to_money(table[name].to_numpy())
    label = label_of(made)
    arguments = {"of": label["recipe"], "columns": list(columns), "by": by}
    return labelled(table, units, label["inputs"], "totals", arguments)


def as_column_dates(days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """Dates in the unit that comes back from Parquet as it went."""
    return days.astype("datetime64[us]")


def _digest(values: Any) -> str:
    """Hash of the elements as texts, the same for a list, an array and a Series of equal values."""
    array = np.asarray(values)
    if array.dtype.kind == "M":
        array = array.astype("datetime64[D]")
    return hashlib.sha256("\n".join(map(str, array.reshape(-1).tolist())).encode()).hexdigest()


def plain_value(value: Any) -> Any:
    """Write an argument as JSON can hold it; a long array by its hash, since its first elements alone would lie."""
    if isinstance(value, pd.Series | pd.Index):
        value = value.to_numpy()
    elif hasattr(value, "__array__"):  # pandas' own arrays, and Arrow's
        value = np.asarray(value)
    if isinstance(value, np.ndarray | list | tuple) and np.size(value) > _LONG:
        return {"sha256": _digest(value), "shape": list(np.shape(value))}
    if isinstance(value, np.ndarray | np.generic):
        value = (value.astype("datetime64[D]") if value.dtype.kind == "M" else value).tolist()
    if hasattr(value, "recipe"):
        value = value.recipe()
    if isinstance(value, Steps | Curve):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain_value(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(part) for part in value]
    if isinstance(value, dt.date):
        return None if value is pd.NaT else value.strftime("%Y-%m-%d")
    if isinstance(value, Decimal | Fraction):
        nearest = float(value)  # what is computed with; a text only where that says something else
        return nearest if isinstance(value, Fraction) or Decimal(repr(nearest)) == value else str(value)
    return value
