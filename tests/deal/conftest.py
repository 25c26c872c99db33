"""The worked deal, and copies of its file with something changed."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import notecalc as nc
from notecalc._data import data_directory


@pytest.fixture(scope="session")
def deal() -> nc.Deal:
    return nc.load("ibasis-2004")


@pytest.fixture(scope="session")
def deal_text() -> str:
    return (data_directory() / "deals" / "ibasis-2004.toml").read_text(encoding="utf-8")


@pytest.fixture
def raw(deal_text: str) -> dict[str, Any]:
    return tomllib.loads(deal_text, parse_float=Decimal)


# Calls, a put and a step of the conversion price, which no paper of the worked deal has.
OPTIONS = """
[[series.notes.conversion.steps]]
first_date = { value = 2006-06-18, assumed = "a test" }
conversion_price = { value = "2.00", assumed = "a test" }

[[series.notes.calls]]
clean_price = { value = "104", assumed = "a test" }
first_date = { value = 2005-06-18, assumed = "a test" }
last_date = { value = 2006-06-18, assumed = "a test" }
trigger = { value = 1.50, assumed = "a test" }
accrued_interest = { value = "paid", assumed = "a test" }
trigger_days = { value = 20, assumed = "a test" }
trigger_period = { value = 30, assumed = "a test" }
notice_days = { value = 30, assumed = "a test" }

[[series.notes.calls]]
clean_price = { value = "102.50", assumed = "a test" }
first_date = { value = 2006-06-18, assumed = "a test" }
last_date = { value = 2007-06-18, assumed = "a test" }
trigger = { value = "none", assumed = "a test" }
accrued_interest = { value = "paid", assumed = "a test" }
notice_days = { value = 30, assumed = "a test" }

[[series.notes.puts]]
clean_price = { value = 100, assumed = "a test" }
first_date = { value = 2006-06-18, assumed = "a test" }
last_date = { value = 2006-06-18, assumed = "a test" }
accrued_interest = { value = "paid", assumed = "a test" }

# ---- who buys"""


@pytest.fixture(scope="session")
def callable_text(deal_text: str) -> str:
    """The deal file with calls, a put and a step of the conversion price."""
    none = 'redemption = { value = "none"'
    assert none in deal_text
    return deal_text.replace(none, none.replace("none", "calls")).replace("\n# ---- who buys", OPTIONS, 1)


@pytest.fixture(scope="session")
def callable_deal(callable_text: str, tmp_path_factory: pytest.TempPathFactory) -> nc.Deal:
    file = tmp_path_factory.mktemp("callable") / "callable.toml"
    file.write_text(callable_text, encoding="utf-8")
    return nc.load(file)


@pytest.fixture
def altered(deal_text: str, tmp_path: Path) -> Callable[..., Path]:
    """Write the deal file with texts exchanged; each must occur, so that no test changes nothing."""

    def write(*changes: tuple[str, str]) -> Path:
        text = deal_text
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        file = tmp_path / "altered.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write
