"""Results as text: how each unit is written, for the notebook, the terminal and the memo alike.

Knows units only, as `frames` labels them; how a table is laid out is in `report`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from notecalc.deal.frames import VALUES, units_of

__all__ = ["format_table", "format_values"]


def format_table(made: pd.DataFrame | pd.Series[Any]) -> pd.DataFrame:
    """Write every value of a result as text, by its unit.

    Money has two decimals, shares none or, where there are fractions of a share, two, both with thousands separated;
    prices a share have two decimals or as many up to six as they need, prices per 100 two; rates, volatilities and
    fractions are per cent with two; sensitivities have four digits; dates are ISO; what is missing is empty.

    Parameters
    ----------
    made : DataFrame or Series
        A deal's result; columns without a unit are written plainly. A Series whose units are by label, such as
        ``deal.summary()``, becomes one column.

    Returns
    -------
    DataFrame of str
        Same columns; the index as text too.

    Examples
    --------
    >>> import notecalc as nc
    >>> format_table(nc.load("ibasis-2004").cashflows()).loc[1:1, ["payment_date", "interest"]]
      payment_date      interest
    1   2004-12-20  1,160,000.00
    """
    units = _units(made)
    if isinstance(made, pd.Series):
        whole = units.get(VALUES, "")
        own = [units.get(str(label), whole) for label in made.index]
        cells = [format_values([value], unit)[0] for value, unit in zip(made, own, strict=True)]
        name = "value" if made.name is None else made.name
        return pd.DataFrame({name: _texts(cells)}, index=_index_as_text(made.index))
    columns = [_texts(format_values(made.iloc[:, k], units.get(str(name), ""))) for k, name in enumerate(made.columns)]
    table = pd.DataFrame(dict(enumerate(columns)), index=_index_as_text(made.index))
    table.columns = made.columns
    return table


def format_values(values: Iterable[Any], unit: str = "") -> list[str]:
    """Write values of one unit; prices of one column get the same number of decimals.

    Examples
    --------
    >>> format_values([1160000, None, -0.001], "USD")
    ['1,160,000.00', '', '0.00']
    >>> format_values([1.85, 1.8375], "USD/share"), format_values([0.0816], "1/yr"), format_values([1e6], "shares")
    (['1.8500', '1.8375'], ['8.16%'], ['1,000,000'])
    """
    listed = list(values)
    write = _writer(listed, unit)
    return ["" if _is_missing(value) else write(value) for value in listed]


def _writer(values: list[Any], unit: str) -> Callable[[Any], str]:
    if unit.startswith("change in "):
        return _signed(_writer(values, unit.removeprefix("change in ")), unit)
    if re.fullmatch("[A-Z]{3}|currency", unit):
        return lambda value: f"{float(value):z,.2f}"
    if unit in _DIGITS or unit.startswith(("per 100 per", "per share")):
        return lambda value: f"{float(value):#.{_DIGITS.get(unit, 4)}g}"
    if unit == "per 100":
        return lambda value: f"{float(value):z,.2f}"
    if unit.endswith("/share"):
        decimals = _decimals(values, least=2, most=6)
        return lambda value: f"{float(value):z,.{decimals}f}"
    if unit == "shares":
        decimals = _decimals(values, least=0, most=2)
        return lambda value: f"{value:z,.{decimals}f}"
    if unit in ("1/yr", "1/yr^0.5", "fraction"):
        return lambda value: f"{float(value):z.2%}"
    return _plain


_DIGITS = {"per 100 +-": 1, "yr": 3}  # digits that count, where a number of decimals would say too much or nothing


def _signed(write: Callable[[Any], str], unit: str) -> Callable[[Any], str]:
    """Changes with their sign; those of a rate in basis points."""
    if unit.endswith(("1/yr", "fraction")):
        return lambda value: f"{1e4 * float(value):+z,.2f} bp"
    return lambda value: ("+" if value > 0 else "") + write(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp | np.datetime64):
        return pd.Timestamp(value).date().isoformat()
    return str(value)


def _decimals(values: list[Any], least: int, most: int) -> int:
    """Fewest decimals that write every value of a column as it is, up to `most`."""
    numbers = np.array([float(value) for value in values if not _is_missing(value)])
    enough = (d for d in range(least, most) if np.array_equal(np.round(numbers, d), numbers))
    return next(enough, most)


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or bool(value != value)  # noqa: PLR0124 (NaN, NaT)


def _texts(cells: list[str]) -> pd.api.extensions.ExtensionArray:
    return pd.array(cells, dtype="str")


def _units(made: pd.DataFrame | pd.Series[Any]) -> dict[str, str]:
    return units_of(made) if "notecalc" in made.attrs else {}


def _index_as_text(index: pd.Index[Any]) -> pd.Index[Any]:
    if isinstance(index, pd.MultiIndex):
        levels = [index.get_level_values(level) for level in range(index.nlevels)]
        return pd.MultiIndex.from_arrays([format_values(level) for level in levels], names=index.names)
    if isinstance(index, pd.RangeIndex):
        return index
    return pd.Index(format_values(index), dtype="str", name=index.name)
