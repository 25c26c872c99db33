"""What varies in a run, in words: for the metadata of its files and for who reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from notecalc.batch.axes import Axis, Drawn, Listed
from notecalc.batch.plan import Plan
from notecalc.deal.value_units import value_units

__all__ = ["input_unit", "told_axes", "told_samples"]

_LISTED = 12  # values that are written one by one


def told_axes(plan: Plan, given: Mapping[str, Any], currency: str) -> dict[str, dict[str, str]]:
    """Say of each axis what is ``listed`` or ``drawn``, its unit, and its source or why it is assumed, if it says so.

    Parameters
    ----------
    plan : Plan
        The scenarios.
    given : mapping
        What a scenario file says under ``axes``, of which the sources and reasons are taken.
    currency : str
        Of prices and amounts.
    """
    listed = [axis for group in plan.grid for axis in group]
    drawn: tuple[Axis, ...] = () if plan.samples is None else plan.samples.axes
    told = {}
    for axis in (*listed, *drawn):
        origin = {key: text for key, text in given.get(axis.name, {}).items() if key in ("source", "assumed")}
        unit = input_unit(axis.name, currency)
        beside = [other.name for other in listed if other is not axis and _moves_with(axis, other)]
        words = f"{axis_words(axis)}{', moving with ' if beside else ''}{' and '.join(beside)}"
        way = "drawn" if isinstance(axis, Drawn) else "listed"
        told[axis.name] = {way: words, **({"unit": unit} if unit else {}), **origin}
    return told


def told_samples(plan: Plan, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Say how often and how samples are drawn; `given` is what a scenario file says under ``samples``."""
    if plan.samples is None:
        return None
    samples = plan.samples
    design = {"design": samples.design} if samples.axes else {}
    correlations = {"correlations": list(given.get("correlations", ()))} if samples.axes else {}
    return {"count": samples.count, "seed": samples.seed, **design, **correlations}


def axis_words(axis: Axis) -> str:
    """Say what an axis is.

    Examples
    --------
    >>> import numpy as np
    >>> axis_words(Listed("drift", np.array([0.0, 0.1]))), axis_words(Listed("principal", np.arange(1.0, 302.0)))
    ('0, 0.1', '301 values from 1 to 301')
    >>> axis_words(Drawn("stock_price", "lognormal", 1.5, 0.4, round_to=0.01))
    "lognormal of median 1.5, its logarithm's standard deviation 0.4, rounded to 0.01"
    """
    if isinstance(axis, Listed):
        values = [_plain(value) for value in axis.choices.tolist()]
        if len(values) <= _LISTED or axis.choices.dtype.kind not in "fiM":
            return ", ".join(values)
        least, most = (_plain(value) for value in (axis.choices.min().item(), axis.choices.max().item()))
        return f"{len(values):,} values from {least} to {most}"
    first, second = _plain(axis.first), _plain(axis.second)
    words = {
        "uniform": f"uniform from {first} to {second}",
        "normal": f"normal of mean {first} and standard deviation {second}",
        "lognormal": f"lognormal of median {first}, its logarithm's standard deviation {second}",
        "exponential": f"exponential of rate {first}",
    }[axis.distribution]
    return words if axis.round_to is None else f"{words}, rounded to {_plain(axis.round_to)}"


def input_unit(name: str, currency: str) -> str:
    """Give the unit of an input that varies; nothing where it has none, such as a day or a factor.

    Examples
    --------
    >>> [input_unit(name, "USD") for name in ("stock_price", "converted.loeb", "volatility", "risk_free_shift.2y")]
    ['USD/share', 'USD', '1/yr^0.5', '1/yr']
    >>> input_unit("stock_price_factor", "USD")
    ''
    """
    amounts = dict.fromkeys(("principal", "converted", "surrendered"), currency)
    own = {**amounts, "drift": "1/yr", "default_time": "yr"}
    kind = name.partition(".")[0]
    if kind.endswith("_factor"):
        return ""
    if kind.endswith("_shift"):
        return "1/yr"
    return own.get(kind) or value_units([kind], currency).get(kind, "")


def _moves_with(axis: Axis, other: Listed) -> bool:
    return isinstance(axis, Listed) and axis.zip is not None and axis.zip == other.zip


def _plain(value: Any) -> str:
    """Write a number in full, without a fraction of nought."""
    return f"{value!r}".removesuffix(".0") if isinstance(value, float) else str(value)
