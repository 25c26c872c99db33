"""Ownership, treasury stock, and the lowest conversion price that fits."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notecalc.core.conversion import shares_to_reserve
from notecalc.core.dilution import (
    ceil_to_cent,
    lowest_conversion_price,
    ownership,
    treasury_stock_method,
)
from notecalc.errors import TermError

counts = st.integers(0, 10**10)


def shares_at(principals, price):
    return sum(math.ceil(Fraction(principal) / price) for principal in principals)


class TestOwnership:
    def test_is_each_part_of_the_whole(self):
        assert ownership([6, 3, 1]).tolist() == [0.6, 0.3, 0.1]

    def test_is_taken_along_the_last_axis(self):
        assert ownership([[1, 3], [2, 2]]).tolist() == [[0.25, 0.75], [0.5, 0.5]]

    def test_keeps_a_register(self):
        register = pd.Series([3, 1], index=["loeb", "imperial"], name="shares")
        expected = pd.Series([0.75, 0.25], index=["loeb", "imperial"], name="shares")
        pd.testing.assert_series_equal(ownership(register), expected)

    def test_a_missing_count_leaves_its_table_unknown(self):
        np.testing.assert_array_equal(ownership([[1, np.nan], [1, 3]]), [[np.nan, np.nan], [0.25, 0.75]])

    def test_of_no_table(self):
        assert ownership(np.zeros((0, 3))).shape == (0, 3)

    @given(st.lists(counts, min_size=1, max_size=50).filter(any))
    def test_adds_up_to_one(self, shares):
        assert ownership(shares).sum() == pytest.approx(1, abs=1e-14)

    @given(st.lists(counts, min_size=1, max_size=20).filter(any), st.integers(1, 10**9), st.randoms())
    def test_new_shares_to_one_dilute_all_others_alike(self, shares, new, random):
        holder = random.randrange(len(shares))
        before = ownership(shares)
        shares[holder] += new
        after = ownership(shares)
        others = np.arange(len(shares)) != holder
        factor = 1 - new / sum(shares)
        np.testing.assert_allclose(after[others], before[others] * factor, rtol=1e-9, atol=1e-15)

    def test_of_nobody(self):
        with pytest.raises(TermError, match=r"`shares` must be above 0 in sum; got 0.0 at row 1"):
            ownership([[1, 2], [0, 0]])
        with pytest.raises(TermError, match=r"above 0 in sum; got 0.0$"):
            ownership([])

    def test_negative(self):
        with pytest.raises(TermError, match=r"`shares` must be a number of at least 0; got -1.0 at row 1"):
            ownership([1, -1])

    def test_of_one_number(self):
        with pytest.raises(TermError, match="one count for each class or holder"):
            ownership(1)


class TestTreasuryStockMethod:
    @pytest.mark.parametrize(
        ("shares", "strike", "spot", "net"),
        [
            (1_000, 1.50, 2.00, 250),  # proceeds of 1,500 buy 750 back
            (1_000, 2.00, 2.00, 0),  # at the money
            (1_000, 2.50, 2.00, 0),  # out of it
            (1_000, 0.00, 2.00, 1_000),  # penny warrants
            (0, 1.50, 2.00, 0),
        ],
    )
    def test_is_shares_less_those_bought_back(self, shares, strike, spot, net):
        assert treasury_stock_method(shares, strike, spot) == net

    def test_broadcasts_and_lets_missing_values_through(self):
        got = treasury_stock_method(100, [[1.0], [np.nan]], [2.0, 4.0, np.nan])
        np.testing.assert_array_equal(got, [[50, 75, np.nan], [np.nan] * 3])

    def test_keeps_a_series(self):
        spot = pd.Series([2.0, 4.0], index=["low", "high"])
        pd.testing.assert_series_equal(treasury_stock_method(100, 2, spot), pd.Series([0.0, 50.0], index=spot.index))

    @given(counts, st.floats(0, 1e6), st.floats(0.01, 1e6), st.floats(0.01, 1e6))
    def test_lies_between_none_and_all_and_rises_with_the_spot(self, shares, strike, one, other):
        low, high = sorted([one, other])
        assert 0 <= treasury_stock_method(shares, strike, low) <= treasury_stock_method(shares, strike, high) <= shares

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((-1, 1, 1), "`shares` must be a number of at least 0"),
            ((1, -1, 1), "`exercise_price` must be a number of at least 0"),
            ((1, 1, 0), "`share_price` must be a number above 0"),
        ],
    )
    def test_impossible_values(self, arguments, message):
        with pytest.raises(TermError, match=message):
            treasury_stock_method(*arguments)


class TestLowestConversionPrice:
    @pytest.mark.parametrize(
        ("principals", "available", "price"),
        [
            ([29_000_000], 15_675_675, Fraction(29_000_000, 15_675_675)),  # one quotient: principal over shares
            ([10, 10], 5, Fraction(5)),  # 5 shares can't be halved: 2 each at 10 / 2
            ([10, 10], 6, Fraction(10, 3)),
            ([1, 2], 3, Fraction(1)),
            ([1, 2], 4, Fraction(1)),  # just below 1 they need 2 + 3
            ([3, 5], 4, Fraction(5, 2)),  # 3 / 2.5 -> 2, 5 / 2.5 = 2; below, the second needs 3
            ([7, 0, 0], 7, Fraction(1)),  # who converts nothing needs nothing
            ([0.3], 3, Fraction(1, 10)),  # a float is the decimal that it prints as
            (["1.85", Decimal("1.85")], 2, Fraction(185, 100)),
        ],
    )
    def test_is_the_least_that_fits(self, principals, available, price):
        assert lowest_conversion_price(principals, available) == price

    @given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(0, 12))
    def test_agrees_with_a_search_through_every_candidate(self, principals, spare):
        # The count of shares changes only at prices P / k, so the answer is among these; k > available can't fit.
        available = len(principals) + spare
        candidates = {Fraction(principal, k) for principal in principals for k in range(1, available + 1)}
        expected = min(price for price in candidates if shares_at(principals, price) <= available)
        assert lowest_conversion_price(principals, available) == expected

    @given(
        st.lists(st.integers(1, 10**10).map(lambda cents: Fraction(cents, 100)), min_size=1, max_size=30),
        st.integers(0, 10**8),
    )
    def test_fits_and_nothing_lower_does(self, principals, spare):
        available = len(principals) + spare
        price = lowest_conversion_price(principals, available)
        assert shares_at(principals, price) <= available
        assert shares_at(principals, price * (1 - Fraction(1, 10**30))) > available

    @given(st.integers(1, 10**12), st.integers(1, 10**8))
    def test_reserves_made_at_it_are_just_what_is_available(self, cents, available):
        principal = Fraction(cents, 100)
        assert shares_to_reserve(principal, lowest_conversion_price([principal], available)) == available

    @pytest.mark.parametrize(
        ("principals", "available", "message"),
        [
            ([1, 2, 3], 2, "`available_shares` must be at least 3, one for each principal that converts; got 2"),
            ([1], 0, "`available_shares` must be at least 1"),
            ([1], -5, "`available_shares` must be at least 1"),
            ([0, 0], 5, "`principals` must be above 0 in sum"),
            ([], 5, "`principals` must be above 0 in sum"),
            ([1, -1], 5, "`principals` must be at least 0; got -1 at row 1"),
            ([float("nan")], 5, "`principals` must be a finite number"),
        ],
    )
    def test_what_no_price_fits(self, principals, available, message):
        with pytest.raises(TermError, match=message):
            lowest_conversion_price(principals, available)


class TestCeilToCent:
    @pytest.mark.parametrize(
        ("price", "cents"),
        [
            (Fraction(1160000, 627027), "1.86"),  # 1.85000007973...
            (Fraction(185, 100), "1.85"),
            (1.85, "1.85"),
            (Decimal("1.8500000000000000000000000001"), "1.86"),
            (2, "2.00"),
            (Fraction(1, 10**30), "0.01"),
            (0, "0.00"),
        ],
        ids=str,
    )
    def test_rounds_up(self, price, cents):
        assert str(ceil_to_cent(price)) == cents

    @given(st.fractions(0, 10**6))
    def test_is_the_next_cent(self, price):
        assert 0 <= Fraction(ceil_to_cent(price)) - price < Fraction(1, 100)
