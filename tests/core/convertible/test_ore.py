"""Values of Open Source Risk Engine, which solves a jump-to-default equation too; `benchmarks/ore_peer.py` made them.

Its differences from ours come from its grid alone: it tests conversion and call on the days of its grid, and its nodes
lie where they lie. Both are of first order, and known: what is left when they are allowed for is said here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from notecalc.core.convertible.terms import CallWindow, PutWindow
from notecalc.core.convertible.valuation import convertible_value

DAY = "2004-06-18"
ORE = json.loads((Path(__file__).parents[2] / "data" / "convertible_ore.json").read_text(encoding="utf-8"))
RUNS = {f"{run['stock_drop']:g}, {run['steps_a_year']} steps a year, {run['nodes']} nodes": run for run in ORE["runs"]}
YEARS = 1095 / 365

pytestmark = pytest.mark.compiled


def ours(make, name, run, *, later=0.0):
    """Value a case; a call's trigger is moved up by `later`, in ln S."""
    case = ORE["cases"][name]
    calls = [
        CallWindow(clean_price=price, trigger=trigger * np.exp(later), start=start, end=end)
        for start, end, price, trigger in case.get("calls", ())
    ]
    puts = [PutWindow(start=day, end=day, clean_price=price) for day, price in case.get("puts", ())]
    # A holder who converts is paid accrued interest, but for A and C, whose last coupon is a part of what is repaid.
    terms = make(
        accrued_on_conversion="forfeited" if name in ("A", "C") else "paid", terms={"calls": calls, "puts": puts}
    )
    market = ("stock_price", "volatility", "risk_free", "hazard_rate", "recovery_rate", "dividend_yield")
    return convertible_value(
        terms, DAY, model="ayache-forsyth-vetzal", stock_drop=run["stock_drop"], accuracy="reference",
        **{field: case[field] for field in market if field in case},
    ).dirty_price  # fmt: skip


def same(make, which, allowed, *, later=lambda name, run: 0.0):
    compared = 0
    for run in RUNS.values():
        for name, value in run["values"].items():
            if name.startswith(which):
                compared += 1
                assert ours(make, name, run, later=later(name, run)) == pytest.approx(value, abs=allowed(run)), name
    assert compared


def test_it_still_gives_what_is_kept():
    """A number that is only kept could be anybody's: where the engine is installed, it is asked again.

    In a process of its own: it has a QuantLib within, which ends badly beside another.
    """
    if find_spec("ORE") is None:
        pytest.skip("Open Source Risk Engine is not installed")
    grid = {"stock_drop": 1.0, "steps_a_year": 48, "nodes": 200}
    (kept,) = (run["values"] for run in ORE["runs"] if all(run[name] == grid[name] for name in grid))
    code = (
        "import json, ore_peer\n"
        f"found, _ = ore_peer.ore_values([ore_peer.CASES[name] for name in {list(kept)}], **{grid})\n"
        "print(json.dumps([ore_peer.CASES, found]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True,
        cwd=Path(__file__).parents[3] / "benchmarks",
    ).stdout  # fmt: skip
    cases, found = json.loads(told.splitlines()[-1])
    assert cases == ORE["cases"]
    np.testing.assert_allclose(found, list(kept.values()), rtol=1e-10)


def test_cases_a_and_c(make):
    """Nothing is exercised early: both are right to what its grid allows, an error that falls as its nodes squared."""
    same(make, ("A", "C"), lambda run: 0.025 * (200 / run["nodes"]) ** 2)


def test_dividends(make):
    """Conversion binds, and is tested on the days of its grid: worth less to the holder, and less so the finer."""
    same(make, "dividends", lambda run: 0.008 * (96 / run["steps_a_year"]) ** 0.5)
    for run in RUNS.values():
        for name, value in run["values"].items():
            if name.startswith("dividends"):
                assert value < ours(make, name, run)


def test_call_and_put(make):
    """The call binds, and is made on the days of its grid: the holder gains from every wait."""
    same(make, "call and put", lambda run: 0.055 * (96 / run["steps_a_year"]) ** 0.5)
    for run in RUNS.values():
        for name, value in run["values"].items():
            if name.startswith("call and put"):
                assert value > ours(make, name, run) - 0.002


def test_soft_call_and_put(make):
    """A call waits for the first node above its trigger, on a day of the grid: half a cell and the usual correction."""

    def later(name, run):
        case = ORE["cases"][name]
        # its nodes: evenly in ln S around all forwards, `MesherEpsilon` and `MesherScaling` of ore_peer.py to each side
        spread = norm.ppf(1 - 1e-5) * 1.3 * case["volatility"] * np.sqrt(YEARS)
        x = np.log(case["stock_price"])
        nodes = np.linspace(x - spread, x + case["risk_free"] * YEARS + spread, run["nodes"])
        barrier = np.log(case["calls"][0][3] * 1.85)
        above = np.searchsorted(nodes, barrier)
        half_a_cell = (nodes[above - 1] + nodes[above]) / 2 - barrier
        return half_a_cell + 0.5826 * case["volatility"] / np.sqrt(run["steps_a_year"])

    same(make, "soft call and put", lambda run: 0.04, later=later)
