"""A price paid by surrendering other notes: four readings of an excess, each accounted for to the cent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notecalc.core.exchange import POLICIES, ExchangePayment, exchange_payment
from notecalc.core.money import to_cents
from notecalc.errors import IndexMismatchError, TermError

amounts = st.lists(st.integers(0, 10**11), min_size=1, max_size=10)


@pytest.mark.parametrize(
    ("price", "surrendered", "policy", "expected"),
    [
        # 600,000 more than is owed
        (4_500_000, 5_100_000, "capped_forfeited", (4_500_000, 0, 0, 600_000, 0)),
        (4_500_000, 5_100_000, "capped_kept", (4_500_000, 0, 0, 0, 600_000)),
        (4_500_000, 5_100_000, "refunded", (4_500_000, 0, 600_000, 0, 0)),
        (4_500_000, 5_100_000, "full_satisfaction", (4_500_000, 0, 0, 600_000, 0)),
        # 1,025,000 less
        (5_000_000, 3_975_000, "capped_forfeited", (3_975_000, 1_025_000, 0, 0, 0)),
        (5_000_000, 3_975_000, "capped_kept", (3_975_000, 1_025_000, 0, 0, 0)),
        (5_000_000, 3_975_000, "refunded", (3_975_000, 1_025_000, 0, 0, 0)),
        (5_000_000, 3_975_000, "full_satisfaction", (5_000_000, 0, 0, 0, 0)),
        # nothing surrendered: all in cash, whatever the reading
        *((1_050_000, 0, policy, (0, 1_050_000, 0, 0, 0)) for policy in POLICIES),
        # just enough
        *((250.01, 250.01, policy, (250.01, 0, 0, 0, 0)) for policy in POLICIES),
        (0, 100, "refunded", (0, 0, 100, 0, 0)),
        # 0.30 - 0.10 is 0.19999999999999998 in floats
        (0.30, 0.10, "refunded", (0.10, 0.20, 0, 0, 0)),
    ],
)
def test_readings_of_an_excess(price, surrendered, policy, expected):
    paid = exchange_payment(price, surrendered, policy=policy)
    assert paid == expected
    assert {type(part) for part in paid} == {float}


@given(amounts, st.integers(0, 10**11), st.sampled_from(POLICIES))
def test_what_is_owed_and_what_is_surrendered_are_accounted_for(surrendered, price, policy):
    paid = exchange_payment(price / 100, np.array(surrendered) / 100, policy=policy)
    cents = ExchangePayment(*(to_cents(part) for part in paid))
    assert (cents.credit + cents.cash_due == price).all()
    assert all((part >= 0).all() for part in cents)
    if policy != "full_satisfaction":
        assert (cents.credit + cents.refund + cents.forfeited + cents.kept == surrendered).all()


@given(amounts, st.integers(0, 10**11))
def test_the_company_gets_the_same_cash_unless_it_pays_any_back(surrendered, price):
    given_up = np.array(surrendered) / 100
    forfeited, kept, refunded = (exchange_payment(price / 100, given_up, policy=policy) for policy in POLICIES[:3])
    np.testing.assert_array_equal(forfeited.cash_due, kept.cash_due)
    np.testing.assert_array_equal(forfeited.cash_due, refunded.cash_due)
    np.testing.assert_array_equal(forfeited.forfeited, kept.kept)
    np.testing.assert_array_equal(forfeited.forfeited, refunded.refund)


def test_broadcasts_purchasers_against_scenarios():
    paid = exchange_payment([100.0, 200.0], [[0.0], [150.0]], policy="refunded")
    assert paid.cash_due.tolist() == [[100, 200], [0, 50]]
    assert paid.refund.tolist() == [[0, 0], [50, 0]]


@pytest.mark.parametrize("policy", POLICIES)
def test_keeps_a_series_and_lets_missing_amounts_through(policy):
    price = pd.Series([100.0, np.nan, 100.0], index=["a", "b", "c"], name="price")
    paid = exchange_payment(price, [40.0, 40.0, np.nan], policy=policy)
    for part in paid:
        assert part.index.equals(price.index)
        assert part.isna().tolist() == [False, True, True]
    assert paid.credit["a"] == (100 if policy == "full_satisfaction" else 40)


@pytest.mark.parametrize("policy", POLICIES)
def test_empty(policy):
    assert all(part.shape == (0,) for part in exchange_payment([], 100.0, policy=policy))


def test_an_unknown_policy_names_the_known():
    with pytest.raises(TermError, match=r"one of capped_forfeited, .*got 'refund'. Did you mean 'refunded'\?"):
        exchange_payment(1, 1, policy="refund")


@pytest.mark.parametrize(
    ("price", "surrendered", "message"),
    [
        (-1, 1, "`purchase_price` must be a number of at least 0; got -1.0"),
        (1, -1, "`surrendered` must be a number of at least 0; got -1.0"),
        (1.005, 1, "`purchase_price` must be in whole cents; got 1.005"),
        (1, [1, 0.001], "`surrendered` must be in whole cents; got 0.001 at row 1"),
        (float("inf"), 1, "`purchase_price` must be a number of at least 0; got inf"),
        ("1", 1, "`purchase_price` must be a number"),
    ],
)
def test_impossible_amounts(price, surrendered, message):
    with pytest.raises(TermError, match=message):
        exchange_payment(price, surrendered, policy="refunded")


def test_unlike_indexes():
    with pytest.raises(IndexMismatchError, match="same index as `purchase_price`"):
        exchange_payment(pd.Series([1, 2]), pd.Series([1, 2], index=[1, 0]), policy="refunded")
