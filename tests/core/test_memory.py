"""No function takes more memory beside its arguments and its result than a stated multiple of them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

import notecalc as nc
from notecalc.core.words import Words

ROWS, NOTES = 200_000, 30_000
TERMS = {"compounding": "semi-annual", "simple_interest": "never"}


def size(held: Any) -> int:
    """Bytes of the arrays in arguments or in a result."""
    if isinstance(held, np.ndarray):
        return held.nbytes
    if isinstance(held, Words):
        return held.codes.nbytes
    if isinstance(held, pd.Categorical):
        return held.codes.nbytes
    if isinstance(held, pd.DataFrame):
        return int(held.memory_usage(index=False).sum())
    if isinstance(held, tuple | list):
        return sum(size(part) for part in held)
    if is_dataclass(held):
        return sum(size(getattr(held, field.name)) for field in fields(held))
    return 0


@pytest.fixture(scope="module")
def given() -> dict[str, Any]:
    rng = np.random.default_rng(4)
    start = np.datetime64("2004-01-01") + rng.integers(0, 365, ROWS)
    issue = start[:NOTES]
    notes = nc.Notes(
        issue_date=issue,
        maturity=issue + rng.integers(700, 3650, NOTES),
        principal=rng.uniform(1e5, 1e6, NOTES),
        annual_rate=rng.uniform(0, 0.1, NOTES),
        frequency=2,
        day_count=pd.Categorical(rng.choice(["30/360", "actual/360", "actual/actual icma"], NOTES)),
        business_day_convention="following",
        calendar="us-federal-reserve",
    )
    periods = nc.resolve(notes)
    settlement = issue + 300
    return {
        "dates": [start, start + rng.integers(0, 3650, ROWS)],
        "amounts": [rng.uniform(1e5, 1e6, ROWS), rng.uniform(0, 0.1, ROWS)],
        "names": pd.Categorical(rng.choice(["30/360", "actual/360", "actual/365 fixed"], ROWS)),
        "notes": notes,
        "periods": periods,
        "settlement": settlement,
        "price": rng.uniform(90, 110, NOTES),
        "yield": rng.uniform(0.02, 0.1, NOTES),
        "offsets": np.arange(0, 11 * (NOTES + 1), 11),
        "flow_dates": np.tile(np.datetime64("2004-06-18") + 182 * np.arange(11), NOTES),
        "flows": np.tile([-100.0, *[4.0] * 9, 104.0], NOTES),
        "curve": nc.Curve.from_zero_rates(
            "2004-01-01",
            ["2005-01-01", "2030-01-01"],
            [0.02, 0.05],
            compounding="continuous",
            day_count="actual/365 fixed",
            interpolation="linear-zero-rates",
        ),
    }


# What is called, with what of `given`, and the stated multiple.
CASES: dict[str, tuple[Callable[..., Any], list[str], float]] = {
    "one day count": (lambda dates: nc.year_fraction(*dates, "actual/actual isda"), ["dates"], 0.1),
    "a day count each": (lambda dates, names: nc.year_fraction(*dates, names), ["dates", "names"], 2),
    "accrued": (lambda dates, amounts: nc.accrued_interest(*amounts, *dates, day_count="30/360"), ["dates", "amounts"], 0.1),
    "resolve": (nc.resolve, ["notes"], 1),
    "schedules": (nc.schedules, ["notes"], 3),
    "accrued on": (nc.accrued_on, ["periods", "settlement"], 1),
    "rolled forward": (lambda periods: nc.roll_forward(periods, capitalised_share=0.5), ["periods"], 3),
    "prices": (
        lambda periods, settlement, rate: nc.clean_price(periods, settlement, rate, **TERMS), ["periods", "settlement", "yield"], 1),
    "yields": (
        lambda periods, settlement, price: nc.yield_to_maturity(periods, settlement, price, **TERMS), ["periods", "settlement", "price"], 1),
    "durations": (
        lambda periods, settlement, rate: nc.modified_duration(periods, settlement, rate, **TERMS), ["periods", "settlement", "yield"], 1),
    "spreads": (
        lambda periods, settlement, price, curve: nc.z_spread(
            periods, settlement, price, curve=curve, compounding="semi-annual", day_count="actual/365 fixed"),
        ["periods", "settlement", "price", "curve"], 3),
    "rates of return": (
        lambda dates, flows, offsets: nc.xirr(dates, flows, offsets, day_count="actual/365 fixed"), ["flow_dates", "flows", "offsets"], 2),
}  # fmt: skip


@pytest.mark.compiled
@pytest.mark.parametrize("name", CASES)
def test_memory_beside_arguments_and_result(name, given):
    function, arguments, multiple = CASES[name]
    values = [given[argument] for argument in arguments]
    function(*values)  # whatever is made once and kept
    tracemalloc.start()
    try:
        result = function(*values)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    own = size(result) - size([getattr(result, part) for part in ("notes", "periods") if hasattr(result, part)])
    assert peak - own <= multiple * (size(values) + own)
