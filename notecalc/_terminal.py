"""How a result is laid out for people: as a table, in blocks of columns, or row by row where it holds long texts.

Nothing is ever cut: numbers, dates and words stay whole, and only texts wrap. What is written is `report.tables`' say.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import NamedTuple

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from notecalc.deal.text import format_table
from notecalc.report.tables import Alignment, alignments, plain_text

__all__ = ["table_text"]

_GAP = 2
_MAY_WRAP = 16  # longer texts may wrap
_LONG = 60  # longer texts leave no room for a table


class Column(NamedTuple):
    """A column as text: its heading, what stands below it, and how."""

    head: str
    cells: list[str]
    side: Alignment
    zero: list[bool]

    @property
    def longest(self) -> int:
        """Length of the longest text below the heading."""
        return max(map(len, self.cells))

    @property
    def least(self) -> int:
        """Width below which the column is not drawn: a number's own, or the longest word's."""
        words = [*self.head.split(), *(word for text in self.cells for word in text.split())]
        whole = self.side == "right" or self.longest <= _MAY_WRAP
        return max(self.longest if whole else _MAY_WRAP, *map(len, words))


def table_text(made: pd.DataFrame, leads: Sequence[str] = (), *, live: bool) -> str:
    """Lay a result out; what is the same in every row, or is nothing there, is said once below.

    Parameters
    ----------
    made : DataFrame
        A deal's result; its index leads where it has a name.
    leads : sequence of str
        Columns that lead, and are repeated in each block; the first one by default.
    live : bool
        Whether it goes to a terminal, whose width then counts and where headings may be bold.

    Returns
    -------
    str
        Without a newline at the end. What is no table in a terminal is one table of any width, unless texts are long.
    """
    if made.empty:
        return "none"
    table = made.reset_index() if any(name is not None for name in made.index.names) else made
    table.attrs = made.attrs
    first = [*leads] or [str(name) for name in made.index.names if name is not None] or [str(table.columns[0])]
    table = table[[*first, *(name for name in table if name not in first)]]
    below = []
    columns = _columns(table)
    nothing = [name for name, column in columns.items() if name not in first and _holds_nothing(column)]
    same = {
        name: column.cells[0]
        for name, column in columns.items()
        if len(table) > 1 and name not in (*first, *nothing) and len(set(column.cells)) == 1
    }
    if same:
        below.append("In every row: " + ", ".join(f"{columns[name].head} {text}" for name, text in same.items()))
    if nothing:
        below.append("Nothing in: " + ", ".join(columns[name].head for name in nothing))
    kept = {name: column for name, column in columns.items() if name not in (*same, *nothing)}
    console = Console(highlight=False) if live else Console(highlight=False, force_terminal=False)
    room = console.width
    if any(column.longest > _LONG for column in kept.values()):
        text = _records([*kept.values()], len(first), console)
        if any(any(column.zero) for column in kept.values()):
            below.append("Not shown: what is 0")
    elif live:
        text = _blocks([*kept.values()], len(first), console)
    else:
        text = plain_text(table[[*kept]])
    return "\n\n".join([text, *(fill(note, room) for note in below)])


def _columns(table: pd.DataFrame) -> dict[str, Column]:
    texts, sides = format_table(table), alignments(table)
    return {
        str(name): Column(
            str(name).replace("_", " "),
            texts[name].tolist(),
            sides[name],
            (table[name].eq(0) if sides[name] == "right" else pd.Series(data=False, index=table.index)).tolist(),
        )
        for name in table
    }


def _holds_nothing(column: Column) -> bool:
    return all(zero or not text for zero, text in zip(column.zero, column.cells, strict=True))


def _drawn(console: Console, parts: Sequence[RenderableType], least: int) -> str:
    console.width = max(console.width, least)  # in less room rich would cut
    with console.capture() as captured:
        console.print(Group(*parts))
    return "\n".join(line.rstrip() for line in captured.get().splitlines()).rstrip()


def _blocks(columns: Sequence[Column], leads: int, console: Console) -> str:
    """The leading columns, then as many of the others as fit beside them; again, until all have been."""
    blocks = [[*columns[:leads]]]
    for column in columns[leads:]:
        wider = [*blocks[-1], column]
        if len(wider) > leads + 1 and _least(wider) > console.width:
            blocks.append([*columns[:leads], column])
        else:
            blocks[-1] = wider
    tables = [_table(block, console.width) for block in blocks]
    return _drawn(console, tables, max(map(_least, blocks)))


def _least(block: Sequence[Column]) -> int:
    return sum(column.least + _GAP for column in block) - _GAP


def _table(block: Sequence[Column], room: int) -> RenderableType:
    # Widths are set here: rich would first shrink the widest columns, and cut numbers.
    spare = max(room - _least(block), 0)
    table = Table(box=SIMPLE_HEAD, padding=(0, _GAP - 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    for column in block:
        more = min(spare, max(column.longest, len(column.head)) - column.least)
        spare -= more
        table.add_column(column.head, justify=column.side, width=column.least + more)
    for cells in zip(*(column.cells for column in block), strict=True):
        table.add_row(*map(Text, cells))
    return Padding(table, (0, 0, 1, 0))


def _records(columns: Sequence[Column], leads: int, console: Console) -> str:
    """Each row as a paragraph: what leads it, then a line for each other value that isn't 0 or empty."""
    paragraphs = []
    for row in range(len(columns[0].cells)):
        title = Text("  ".join(column.cells[row] for column in columns[:leads]), style="bold")
        grid = Table.grid(padding=(0, _GAP, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column()
        for column in columns[leads:]:
            if column.cells[row] and not column.zero[row]:
                grid.add_row(column.head, Text(column.cells[row]))
        paragraphs.append(Group(title, Padding(grid, (0, 0, 1, _GAP))))
    heads = max(len(column.head) for column in columns)
    return _drawn(console, paragraphs, heads + 3 * _GAP + max(column.least for column in columns))
