"""Charts of a deal's tables as SVG for the memo and as figures for a notebook; they draw and compute nothing.

The same table gives the same bytes: no date, no random names, and text as text, in the font of the page around it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import matplotlib.style
import pandas as pd
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from notecalc.deal.text import format_values
from notecalc.report.words import percent_text

__all__ = ["headroom_chart", "ownership_chart", "ranges_chart", "svg", "value_chart"]

_BEFORE, _AFTER, _LIMIT, _INK, _FAINT = "#aebccb", "#1f3a5f", "#9c2f2f", "#222222", "#d9d9d9"
_WIDTH = 7.4  # inches of 72 points: the width of a page's text
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_SETTINGS = {"svg.fonttype": "none", "font.family": "DejaVu Sans"}  # a font that comes with matplotlib, and is wide
# Whatever style the reader's matplotlib has, the same table gives the same drawing.
_DEFAULTS = matplotlib.style.context(["default", _SETTINGS])


@_DEFAULTS
def ownership_chart(table: pd.DataFrame, titles: Sequence[str]) -> Figure:
    """Draw each class's part of all shares before and after conversion, as bars beside each other.

    Parameters
    ----------
    table : DataFrame
        ``ownership_before`` and ``ownership_after`` [fraction], one row a class, such as the totals by class of
        ``deal.dilution()``.
    titles : sequence of str
        The name of each class.

    Examples
    --------
    >>> import notecalc as nc
    >>> from notecalc.deal.frames import totals
    >>> dilution = nc.load("ibasis-2004").dilution()
    >>> by_class = totals(dilution, ["ownership_before", "ownership_after"], by="class")
    >>> ownership_chart(by_class, by_class.index).axes[0].get_xlabel()
    'Part of all shares, fully diluted'
    """
    figure, axes = _axes(height=0.55 * len(table) + 0.9)
    places = range(len(table))
    for column, offset, colour, label in (
        ("ownership_before", -0.19, _BEFORE, "before conversion"),
        ("ownership_after", 0.19, _AFTER, "after conversion"),
    ):
        at = [place + offset for place in places]
        axes.barh(at, table[column], height=0.36, color=colour, label=label)
        for place, value, text in zip(at, table[column], format_values(table[column], "fraction"), strict=True):
            axes.annotate(text, (value, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    _name_bars(axes, titles)
    axes.set_xlabel("Part of all shares, fully diluted")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlim(0, 1.15 * max(table["ownership_before"].max(), table["ownership_after"].max()))
    axes.legend(loc="lower right", frameon=False, fontsize=8)
    return figure


@_DEFAULTS
def headroom_chart(table: pd.DataFrame, authorised: int, titles: Sequence[str]) -> Figure:
    """Draw the shares needed in each case against those authorised.

    Parameters
    ----------
    table : DataFrame
        ``other_shares`` and ``notes_shares``, one row a case, such as ``deal.headroom()``.
    authorised : int
        Shares authorised.
    titles : sequence of str
        The name of each case.

    Examples
    --------
    >>> import notecalc as nc
    >>> headroom = nc.load("ibasis-2004").headroom()
    >>> headroom_chart(headroom, 85_000_000, headroom.index).axes[0].get_xlabel()
    'Shares, millions'
    """
    figure, axes = _axes(height=0.5 * len(table) + 1.3)
    places = list(range(len(table)))
    others, notes = table["other_shares"], table["notes_shares"]
    axes.barh(places, others, height=0.5, color=_BEFORE, label="issued, reserved and promised")
    axes.barh(places, notes, left=others, height=0.5, color=_AFTER, label="conversion of the notes")
    # A label stands beyond the line of the authorised shares, so that the line doesn't cross it.
    ends = (others + notes).clip(lower=authorised)
    for place, end, text in zip(places, ends, format_values(table["headroom"], "shares"), strict=True):
        label = text.replace("-", "\N{MINUS SIGN}")
        axes.annotate(label, (end, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.axvline(authorised, color=_LIMIT, linewidth=1.2, label="authorised")
    _name_bars(axes, titles)
    axes.set_xlabel("Shares, millions")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1e6:.0f}")
    axes.set_xlim(0, 1.18 * max((others + notes).max(), authorised))
    figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=8)
    return figure


@_DEFAULTS
def value_chart(table: pd.DataFrame, currency: str) -> Figure:
    """Draw the dirty price against the stock price, a line for each volatility, with parity and the bond floor.

    Parameters
    ----------
    table : DataFrame
        ``stock_price``, ``volatility``, ``dirty_price``, ``parity`` and ``bond_floor``, such as ``deal.value()`` of a
        grid.
    currency : str
        Of the stock price.

    Examples
    --------
    >>> import notecalc as nc
    >>> case = nc.load_market("ibasis-2004-06-18")
    >>> table = nc.load("ibasis-2004").value(**case.arguments(), stock_price=[1.0, 1.5, 2.0], accuracy="fast")
    >>> value_chart(table, "USD").axes[0].get_xlabel()
    'Stock price, USD'
    """
    figure = Figure(figsize=(_WIDTH, 3.6), layout="constrained")
    axes: Axes = figure.add_subplot()
    groups = [(volatility, part.sort_values("stock_price")) for volatility, part in table.groupby("volatility")]
    shades = [_mix(_BEFORE, _AFTER, place / max(len(groups) - 1, 1)) for place in range(len(groups))]
    for (volatility, part), shade in zip(groups, shades, strict=True):
        label = f"volatility {format_values([volatility], 'fraction')[0].replace('.00', '')}"
        axes.plot(part["stock_price"], part["dirty_price"], color=shade, linewidth=1.6, marker=".", label=label)
    last = groups[0][1]
    axes.plot(last["stock_price"], last["parity"], color=_LIMIT, linewidth=1.2, label="parity")
    axes.plot(last["stock_price"], last["bond_floor"], color=_INK, linewidth=1.0, linestyle="--", label="bond floor")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)
    axes.tick_params(colors=_INK, labelsize=8, color=_FAINT)
    axes.grid(color=_FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(f"Stock price, {currency}", fontsize=8)
    axes.set_ylabel("Per 100 of principal", fontsize=8)
    axes.legend(loc="upper left", frameon=False, fontsize=8)
    return figure


@_DEFAULTS
def ranges_chart(table: pd.DataFrame, titles: Sequence[str], title: str, unit: str) -> Figure:
    """Draw quantiles as bars in bars, the outermost pair the thinnest, with the middle one and the mean.

    Parameters
    ----------
    table : DataFrame
        Quantiles in rising order as columns ``q...``, and ``mean``; one row a bar.
    titles : sequence of str
        The name of each row.
    title, unit : str
        What the numbers are.

    Examples
    --------
    >>> table = pd.DataFrame({"q0.05": [-1.0], "q0.5": [0.08], "q0.95": [0.5], "mean": [0.0]})
    >>> ranges_chart(table, ["all holders"], "IRR", "1/yr").axes[0].get_xlabel()
    'IRR'
    """
    figure, axes = _axes(height=0.34 * len(table) + 1.2)
    places = list(range(len(table)))
    levels = [str(name) for name in table.columns if str(name).startswith("q")]
    pairs = list(zip(levels[: len(levels) // 2], reversed(levels), strict=False))
    for depth, (low, high) in enumerate(pairs):
        part = (depth + 1) / len(pairs)
        label = f"{percent_text(low[1:])} to {percent_text(high[1:])}"
        axes.barh(
            places, table[high] - table[low], left=table[low], height=0.18 + 0.42 * part,
            color=_mix(_FAINT, _AFTER, 0.45 * part), label=label,
        )  # fmt: skip
    if len(levels) % 2:
        middle = levels[len(levels) // 2]
        label = percent_text(middle[1:])
        axes.scatter(table[middle], places, s=70, marker="|", color=_INK, linewidths=2, label=label, zorder=3)
    axes.scatter(table["mean"], places, s=14, color=_LIMIT, label="mean", zorder=4)
    _name_bars(axes, titles)
    axes.set_xlabel(title)
    axes.xaxis.set_major_formatter(lambda value, _: format_values([value], unit)[0].replace(".00", ""))
    figure.legend(loc="outside upper left", ncols=6, frameon=False, fontsize=8)
    return figure


def _mix(start: str, end: str, part: float) -> tuple[float, ...]:
    """Give a colour between two."""
    return tuple(a + part * (b - a) for a, b in zip(to_rgb(start), to_rgb(end), strict=True))


def svg(figure: Figure, name: str, title: str) -> Markup:
    """Write a figure as an SVG element that may stand in a page beside others.

    Parameters
    ----------
    figure : matplotlib Figure
        What to write.
    name : str
        Put before every name inside the drawing, so that two drawings in a page don't clash.
    title : str
        What the drawing shows, for those who can't see it.
    """
    out = io.StringIO()
    with matplotlib.style.context(["default", _SETTINGS, {"svg.hashsalt": name}]):
        figure.savefig(out, format="svg", metadata=_NO_METADATA)
    drawing = out.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", drawing, flags=re.DOTALL)  # it would style the page
    drawing = re.sub(r" ?font-family: [^;]*;", "", drawing)
    drawing = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", drawing)
    drawing = re.sub(r'^<svg ([^>]*?)width="[^"]*" height="[^"]*"|^<svg height="[^"]*"', r"<svg \1", drawing)
    label = f'<svg role="img" aria-labelledby="{name}-title" '
    drawing = drawing.replace("<svg ", label, 1).replace(">", f'><title id="{name}-title">{escape(title)}</title>', 1)
    return Markup(drawing.strip())  # noqa: S704 (matplotlib escapes the texts that it draws)


def _axes(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes: Axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)
    axes.tick_params(axis="x", colors=_INK, labelsize=8, color=_FAINT)
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.xaxis.label.set_fontsize(8)
    axes.grid(axis="x", color=_FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.invert_yaxis()
    return figure, axes


def _name_bars(axes: Axes, titles: Sequence[str]) -> None:
    # A dollar sign in a name is a dollar sign, not the start of a formula.
    axes.set_yticks(range(len(titles)), labels=list(titles), parse_math=False)
