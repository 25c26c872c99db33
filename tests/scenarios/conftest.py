"""A small run that needs no valuation: 23 blocks in a second."""

from pathlib import Path

import pytest

from notecalc.scenarios.scenariofile import load_scenarios

SMALL = """
schema = 1
id = "small"
title = "Shares over prices and stock prices"
deal = "ibasis-2004"
seed = 7
block_rows = 25

[axes.conversion_price]
from = 1.5
to = 2.0
by = 0.05

[axes.share_price]
draw = "lognormal"
median = 1.5
deviation = 0.4
round_to = 0.01

[axes.on]
values = [2004-06-18, 2004-12-17]
zip = "day-and-principal"

[axes.principal]
values = [29000000, 10000000]
zip = "day-and-principal"

[samples]
count = 26
design = "latin-hypercube"

[results.dilution]
[results.accrued]
"""


@pytest.fixture
def scenario_file(tmp_path: Path):
    """Writes a scenario file: the small one, with parts of it replaced."""

    def write(name: str = "scenarios.toml", **changes: str) -> Path:
        text = SMALL
        for old, new in changes.get("replace", {}).items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def small(scenario_file):
    """The small run, before it runs."""
    return load_scenarios(scenario_file())
