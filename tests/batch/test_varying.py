"""What varies is told in full, with its unit; and the README names the axes that there are."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

import notecalc as nc
from notecalc._data import data_directory
from notecalc.batch.axes import Drawn, Listed
from notecalc.batch.plan import Plan
from notecalc.batch.results import CATALOGUE
from notecalc.batch.varying import input_unit, told_axes, told_samples
from notecalc.deal.marketfile import load_market

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
OPTIONS = {"irr": {"rule": "optimal", "observed": "month", "drift": {"value": 0.1, "assumed": "a test"}}}


@pytest.fixture(scope="module")
def takes():
    deal, market = nc.load("ibasis-2004"), load_market("ibasis-2004-06-18")
    return {name: kind(deal, market, seed=1, **OPTIONS.get(name, {})).takes for name, kind in CATALOGUE.items()}


def test_every_number_that_may_vary_has_a_unit_unless_it_is_a_factor(takes):
    numbers = {name for each in takes.values() for name, kind in each.items() if kind == "number"}
    bare = {name for name in numbers if not input_unit(name, "USD")}
    assert bare == {"stock_price_factor", "volatility_factor", "credit_spread_factor", "default_threshold"}


def test_each_way_to_vary_is_told_in_full():
    axes = [
        Listed("on", np.array(["2004-06-18", "2004-07-01"], dtype="datetime64[D]"), zip="z"),
        Listed("principal", np.array([1e6, 2.5]), zip="z"),
        Listed("conversion_price", np.round(np.arange(1.0, 2.005, 0.01), 2)),
        Drawn("drift", "normal", 0.1, 0.02),
        Drawn("default_time", "exponential", 0.12, 0.12),
    ]
    plan = Plan.of(axes, count=500, seed=7, design="sobol")
    given = {"drift": {"draw": "normal", "assumed": "a test"}}
    assert told_axes(plan, given, "USD") == {
        "on": {"listed": "2004-06-18, 2004-07-01, moving with principal"},
        "principal": {"listed": "1000000, 2.5, moving with on", "unit": "USD"},
        "conversion_price": {"listed": "101 values from 1 to 2", "unit": "USD/share"},
        "drift": {"drawn": "normal of mean 0.1 and standard deviation 0.02", "unit": "1/yr", "assumed": "a test"},
        "default_time": {"drawn": "exponential of rate 0.12", "unit": "yr"},
    }
    assert told_samples(plan, {}) == {"count": 500, "seed": 7, "design": "sobol", "correlations": []}


def test_the_readme_quotes_a_whole_file_and_names_all_axes(takes):
    quoted = tomllib.loads(re.search(r"^```toml\n(schema = 1\n.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)[1])
    whole = tomllib.loads((data_directory() / "scenarios" / "ibasis-2004-returns.toml").read_text(encoding="utf-8"))
    for drift in (quoted["results"]["irr"]["drift"], whole["results"]["irr"]["drift"]):
        drift["assumed"] = drift["assumed"].split(";")[0]
    assert quoted == whole
    for result, inputs in takes.items():
        named = set(re.findall(r"`([a-z_]+)`", re.search(rf"^\| `{result}` \|(.*)$", README, flags=re.MULTILINE)[1]))
        assert named == {name.partition(".")[0] for name in inputs}, result
