"""What a result knows of itself, as ``result.notecalc``: its units, the deal it was made from, and how.

Registered with pandas by ``import notecalc``, for frames and Series. A frame with a column called ``notecalc`` is
reached by its column as ever: ``frame["notecalc"]``.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

__all__ = ["Provenance"]


@pd.api.extensions.register_series_accessor("notecalc")
@pd.api.extensions.register_dataframe_accessor("notecalc")
class Provenance:
    """Units and origin of a result.

    `units`, `recipe` and `inputs` raise `NotecalcError` where the object is no result of a deal, or something dropped
    its ``attrs``.

    Examples
    --------
    >>> import notecalc as nc
    >>> closing = nc.load("ibasis-2004").closing(policy="refunded")
    >>> closing.notecalc.units["cash_due"]
    'USD'
    >>> closing.notecalc.recipe
    {'function': 'closing', 'arguments': {'policy': 'refunded', 'elects': None}}
    >>> closing.notecalc.inputs == nc.load("ibasis-2004").input_hash
    True
    """

    def __init__(self, made: pd.DataFrame | pd.Series[Any]) -> None:
        self._made = made

    @property
    def units(self) -> dict[str, str]:
        """Unit by column; by label for a Series of unlike figures."""
        from notecalc.deal.frames import units_of

        return units_of(self._made)

    @property
    def recipe(self) -> dict[str, Any]:
        """The function and the arguments that made it."""
        from notecalc.deal.frames import recipe_of

        return recipe_of(self._made)

    @property
    def inputs(self) -> str:
        """SHA-256 of the terms it was made from."""
        from notecalc.deal.frames import inputs_of

        return inputs_of(self._made)

    def formatted(self) -> pd.DataFrame:
        """Every value as text by its unit, for reading: money to the cent, thousands parted, rates in per cent.

        Columns without a unit, and data of other origin, are written plainly.

        Returns
        -------
        DataFrame of str
            Same rows and columns; a Series becomes one column.

        Examples
        --------
        >>> import notecalc as nc
        >>> nc.load("ibasis-2004").headroom()[["headroom", "lowest_price"]].notecalc.formatted()
                      headroom lowest_price
        case
        without      5,866,581         1.35
        own-price  -13,862,566        16.00
        repriced   -13,862,566         3.02
        """
        from notecalc.deal.text import format_table

        return format_table(self._made)
