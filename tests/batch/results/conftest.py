"""The worked deal and its market, and a deal whose papers say otherwise wherever a rule could hide."""

import pytest

import notecalc as nc
from notecalc.deal.marketfile import load_market


@pytest.fixture(scope="session")
def deal():
    return nc.load("ibasis-2004")


@pytest.fixture(scope="session")
def other_deal(deal):
    return deal.replace(
        accrued_interest="paid", payment_rounding="per-note", share_rounding="per-note", day_count="actual/360",
        fractions="dropped",
    )  # fmt: skip


@pytest.fixture(scope="session")
def market():
    return load_market("ibasis-2004-06-18")
