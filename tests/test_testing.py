"""What users' own tests call: each assertion passes on what is right and names the place of what is wrong."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import notecalc as nc
from notecalc.testing import assert_allocates, assert_cents, assert_result_equal, deals

DEAL = nc.load("ibasis-2004")


# ---- results ----


def test_equal_results_are_equal():
    assert_result_equal(DEAL.cashflows(), DEAL.cashflows())
    assert_result_equal(DEAL.summary(), DEAL.summary())


def changed(column, row, value):
    flows = DEAL.cashflows()
    flows.loc[row, column] = value
    return flows


@pytest.mark.parametrize(
    ("actual", "words"),
    [
        (lambda: changed("interest", 3, 1_160_000.01), r'DataFrame.iloc\[:, 9\] \(column name="interest"\) are different'),
        (lambda: changed("kind", 3, "cupon"), r'\(column name="kind"\) are different'),
        (lambda: DEAL.cashflows().astype({"shares": "float64"}), r'(?s)column name="shares".*"dtype" are different'),
        (lambda: DEAL.cashflows().iloc[::-1], "DataFrame.index"),
        (lambda: DEAL.cashflows().drop(columns="premium"), "DataFrame shape mismatch"),
        (DEAL.summary, "DataFrame Expected type"),
        (lambda: DEAL.replace(annual_rate=0.08).cashflows(), "made from different inputs: [0-9a-f]{64}, expected [0-9a-f]{64}"),
        (lambda: DEAL.cashflows(events=[]).pipe(relabelled, '"events":[]', '"events":[1]'), "made differently: .*, expected"),
        (lambda: DEAL.cashflows().pipe(relabelled, '"interest":"USD"', '"interest":"EUR"'), "in different units: .*'EUR'"),
    ],
)  # fmt: skip
def test_what_differs_between_results_is_named(actual, words):
    with pytest.raises(AssertionError, match=words):
        assert_result_equal(actual(), DEAL.cashflows())


def relabelled(made, old, new):
    assert old in made.attrs["notecalc"]
    made.attrs["notecalc"] = made.attrs["notecalc"].replace(old, new)
    return made


def test_a_tolerance_is_of_the_values_only():
    near = changed("interest", 3, 1_160_000.01)
    assert_result_equal(near, DEAL.cashflows(), rtol=1e-8)
    with pytest.raises(AssertionError, match="interest"):
        assert_result_equal(near, DEAL.cashflows(), rtol=1e-9)
    with pytest.raises(AssertionError, match="in different units"):
        assert_result_equal(relabelled(near, '"interest":"USD"', '"interest":"EUR"'), DEAL.cashflows(), rtol=1e-8)


def test_data_without_units_are_no_result():
    bare = DEAL.cashflows()
    bare.attrs = {}
    with pytest.raises(nc.NotecalcError, match="these data carry no units"):
        assert_result_equal(bare, DEAL.cashflows())


# ---- money ----


@pytest.mark.parametrize(
    "amounts",
    [0, -0.01, 1_160_000.00, 0.8, [33.34, 33.33], np.array([[1.0], [2.5]]), pd.Series([0.07], index=["x"]), [], 10**12 + 0.37],
)  # fmt: skip
def test_whole_cents_pass(amounts):
    assert_cents(amounts)


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        (0.005, r"^0.005 is not in whole cents$"),
        ([1.0, 0.1 + 0.2, 0.001], r"^0.30000000000000004 at 1 is not in whole cents$"),
        ([[1.0, 2.0], [3.0, 4.001]], r"^4.001 at \(1, 1\) is not in whole cents$"),
        (pd.DataFrame({"a": [1.0], "b": [np.nan]}), r"^nan at \(0, 1\) is not in whole cents$"),
        ([np.inf], "^inf at 0 is not in whole cents$"),
    ],
)
def test_the_first_amount_that_is_not_in_cents_is_named(amounts, words):
    with pytest.raises(AssertionError, match=words):
        assert_cents(amounts)


@pytest.mark.parametrize(
    ("parts", "total", "weights"),
    [
        ([33.34, 33.33, 33.33], 100, [1, 1, 1]),
        ([33.33, 33.34, 33.33], 100.00, None),
        ([[0.01, 0.0], [0.01, 0.02]], [0.01, 0.03], np.array([1, 2])),
        ([], 0, None),
        ([-0.67, -0.33], -1.00, [2, 1]),
    ],
)
def test_parts_that_add_up_pass(parts, total, weights):
    assert_allocates(parts, total, weights)


@pytest.mark.parametrize(
    ("parts", "total", "weights", "words"),
    [
        ([33.33, 33.33, 33.33], 100, None, "^the parts add up to 99.99, not 100.00$"),
        ([[1.0, 2.0], [3.0, 4.0]], [3.0, 7.01], None, "^the parts add up to 7.00, not 7.01 at 1$"),
        ([[[1.0]], [[2.0]]], [[1.0], [-2.0]], None, r"^the parts add up to 2.00, not -2.00 at \(1, 0\)$"),
        # a third of 1.00 is 33 1/3 cents: 33 and 34 are within a cent, 35 is not
        ([0.33, 0.32, 0.35], 1, [1, 1, 1], "^part 1, 0.32, is a cent or more off its share$"),
        ([[0.5, 0.5], [0.51, 0.49]], [1, 1], [1, 1], "^part 0, 0.51, is a cent or more off its share at 1$"),
        ([0.005, 0.995], 1, None, "^0.005 at 0 is not in whole cents$"),
        ([0.5, 0.5], 1.001, None, "^1.001 is not in whole cents$"),
    ],
)
def test_what_does_not_add_up_is_named(parts, total, weights, words):
    with pytest.raises(AssertionError, match=words):
        assert_allocates(parts, total, weights)


@given(weights=st.lists(st.integers(1, 10**9), min_size=1, max_size=6), cents=st.integers(0, 10**9))
def test_the_largest_remainders_allocate(weights, cents):
    """Shares rounded down, and the cents that are left to the largest fractions, by hand."""
    exact = [divmod(cents * weight, sum(weights)) for weight in weights]
    parts = [whole for whole, _ in exact]
    for place in sorted(range(len(parts)), key=lambda row: -exact[row][1])[: cents - sum(parts)]:
        parts[place] += 1
    assert_allocates(np.array(parts) / 100, cents / 100, weights)
    parts[0] += 1
    with pytest.raises(AssertionError, match="the parts add up to"):
        assert_allocates(np.array(parts) / 100, cents / 100, weights)


# ---- a strategy for hypothesis ----


@settings(max_examples=20)
@given(deal=deals(DEAL))
def test_deals_differ_in_some_terms_and_hold_what_every_deal_holds(deal):
    notes = deal.terms.series["notes"]
    for term in (notes.annual_rate, notes.frequency, notes.day_count, notes.conversion.conversion_price):
        assert term.assumed
    assert 0 <= notes.annual_rate.value <= Decimal("0.25")
    assert notes.conversion.conversion_price.value >= Decimal("0.01")
    assert notes.maturity == DEAL.terms.series["notes"].maturity
    flows = deal.cashflows(by="holder")
    holders = len(deal.terms.purchases)
    assert_allocates(flows["interest"].to_numpy().reshape(-1, holders), deal.cashflows()["interest"])


def test_hypothesis_is_needed_for_deals_only():
    """In a process that has no hypothesis."""
    program = (
        "import sys\n"
        "sys.modules['hypothesis'] = None\n"
        "import notecalc as nc\n"
        "from notecalc.testing import assert_cents, deals\n"
        "assert_cents(0.01)\n"
        "try:\n"
        "    deals(nc.load('ibasis-2004'))\n"
        "except nc.NotecalcError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "notecalc.testing.deals needs hypothesis: python -m pip install hypothesis\n"
