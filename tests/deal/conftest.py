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
