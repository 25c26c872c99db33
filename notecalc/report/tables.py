"""Tables as aligned text, for a terminal without colours or a log; on which side a column stands.

How a value is written is in `deal.text`; which table says what is the caller's affair.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Literal, TypeAlias

import pandas as pd

from notecalc.deal.text import format_table

__all__ = ["Alignment", "alignments", "plain_text"]

Alignment: TypeAlias = Literal["left", "right"]

_GAP = "  "


def alignments(made: pd.DataFrame | pd.Series[Any]) -> dict[Hashable, Alignment]:
    """Give the side on which each column of ``format_table(made)`` is aligned: numbers on the right.

    Examples
    --------
    >>> import notecalc as nc
    >>> sides = alignments(nc.load("ibasis-2004").captable())
    >>> sides["title"], sides["shares"]
    ('left', 'right')
    """
    if isinstance(made, pd.Series):
        made = made.to_frame("value" if made.name is None else made.name)
    return {
        name: "right" if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype) else "left"
        for name, dtype in made.dtypes.items()
    }


def plain_text(made: pd.DataFrame | pd.Series[Any]) -> str:
    """Lay a result out as aligned text, for a terminal without colours or a log; the index leads unless it only counts.

    Examples
    --------
    >>> import notecalc as nc
    >>> print(plain_text(nc.load("ibasis-2004").headroom()[["headroom", "lowest_price"]]))
    case          headroom  lowest_price
    ---------  -----------  ------------
    without      5,866,581          1.35
    own-price  -13,862,566         16.00
    repriced   -13,862,566          3.02
    """
    table = format_table(made)
    sides: list[str] = list(alignments(made).values())
    heads = [str(name) for name in table.columns]
    columns = [table.iloc[:, k].tolist() for k in range(table.shape[1])]
    if not isinstance(table.index, pd.RangeIndex) or table.index.name is not None:
        levels = range(table.index.nlevels)
        heads = [str(name or "") for name in table.index.names] + heads
        columns = [list(map(str, table.index.get_level_values(level))) for level in levels] + columns
        sides = ["left" for _ in levels] + sides
    widths = [max(map(len, (head, *column))) for head, column in zip(heads, columns, strict=True)]
    rules = ["-" * width for width in widths]
    rows = [heads, rules, *(list(row) for row in zip(*columns, strict=True))]
    lines = (
        _GAP.join(
            cell.rjust(width) if side == "right" else cell.ljust(width)
            for cell, width, side in zip(row, widths, sides, strict=True)
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
