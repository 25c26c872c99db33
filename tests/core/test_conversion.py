"""Shares, cash in lieu and reserves, exact however the price is written."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notecalc.core.conversion import (
    conversion_ratio,
    convert_cents,
    convert_in_proportion,
    shares_on_conversion,
    shares_to_reserve,
)
from notecalc.core.money import allocate
from notecalc.errors import IndexMismatchError, TermError

cents = st.integers(0, 10**12)
prices = st.one_of(
    st.integers(1, 10**5).map(lambda price: Decimal(price) / 100),
    st.decimals("0.0001", "1000", places=9),
    st.fractions(Fraction(1, 1000), 1000, max_denominator=10**6),
)


class TestSharesOnConversion:
    @pytest.mark.parametrize(
        ("principal", "price", "shares", "cash"),
        [
            # 29,000,000 / 1.85 = 15,675,675 25/37; 25/37 of 1.85 is 1.25
            (29_000_000, 1.85, 15_675_675, 1.25),
            # 1,000 / 1.85 = 540 20/37; 20/37 of 1.85 is 1.00
            (1_000, 1.85, 540, 1.00),
            # 37,300,000 / 1.85 = 20,162,162 6/37; 6/37 of 1.85 is 0.30
            (37_300_000, 1.85, 20_162_162, 0.30),
            # 38,180,000 / 86.14 = 443,231 + 8166/8614; of 86.14 that is 81.66
            (38_180_000, 86.14, 443_231, 81.66),
            # quotients that are whole stay whole, though 0.3 / 0.1 is 2.9999999999999996 in floats
            (0.3, 0.1, 3, 0.0),
            (1_150, 1.15, 1_000, 0.0),
            (2_900_000.07, 0.07, 41_428_572, 0.03),  # 0.07 * 41,428,572 = 2,900,000.04
            (1_000, 3, 333, 1.00),
            # 0.99 / 2.005 of a share is 0.99; price of three places: 10 / 2.005 = 4 1.98/2.005
            (10, 2.005, 4, 1.98),
            # 1 / 0.335 = 2 and 0.33 left; 0.01 / 0.0075 = 1 and a quarter of a cent left, which rounds to nothing
            (0.01, 0.0075, 1, 0.00),
            # 0.02 / 0.015 = 1 and half a cent left, which rounds up
            (0.02, 0.015, 1, 0.01),
            (0, 1.85, 0, 0.0),
            (1.84, 1.85, 0, 1.84),
        ],
    )
    def test_whole_shares_and_cash_for_the_rest(self, principal, price, shares, cash):
        got = shares_on_conversion(principal, price)
        assert got.shares == shares
        assert got.cash_in_lieu == cash
        assert got.shares_exact == pytest.approx(principal / price, rel=1e-15)

    @pytest.mark.parametrize("price", [1.85, Decimal("1.85"), Fraction(37, 20), np.float64(1.85)], ids=repr)
    @pytest.mark.parametrize("principal", [29_000_000, 29e6, Decimal("29000000.00"), np.int64(29_000_000)], ids=repr)
    def test_scalars_of_any_kind_give_floats(self, principal, price):
        got = shares_on_conversion(principal, price)
        assert got == (15_675_675.0, 1.25, pytest.approx(15_675_675 + 25 / 37, rel=1e-15))
        assert {type(part) for part in got} == {float}

    @pytest.mark.parametrize("price", [Fraction(1, 3), Fraction(10**18 + 1, 3 * 10**18)], ids=str)
    def test_a_fraction_is_not_read_as_a_float(self, price):
        # at 1/3 there are exactly 3,000; at a hair above, one fewer
        assert shares_on_conversion(1_000, price).shares == (3_000 if price == Fraction(1, 3) else 2_999)

    def test_a_long_decimal_is_not_read_as_a_float(self):
        price = Decimal("0.33333333333333333333333333333333")  # a hair below 1/3: 3,000 shares and next to nothing
        assert shares_on_conversion(1_000, price)[:2] == (3_000.0, 0.0)

    def test_broadcasts_principal_against_price(self):
        got = shares_on_conversion([[1_000], [2_000]], [2.0, 3.0])
        assert got.shares.tolist() == [[500, 333], [1_000, 666]]
        assert got.cash_in_lieu.tolist() == [[0, 1], [0, 2]]

    def test_keeps_a_series_and_lets_missing_values_through(self):
        principal = pd.Series([1_000.0, np.nan, 1_000.0], index=["a", "b", "c"], name="principal")
        got = shares_on_conversion(principal, pd.Series([2.0, 2.0, np.nan], index=["a", "b", "c"]))
        expected = pd.Series([500.0, np.nan, np.nan], index=["a", "b", "c"])
        for part, factor in zip(got, (1, 0, 1), strict=True):
            pd.testing.assert_series_equal(part, expected * factor)

    def test_lets_missing_prices_through_among_exact_ones(self):
        got = shares_on_conversion(1_000, [Fraction(1, 3), None, Decimal(2), 4, 5.0, np.nan])
        np.testing.assert_array_equal(got.shares, [3_000, np.nan, 500, 250, 200, np.nan])

    def test_empty(self):
        assert shares_on_conversion([], 1.85).shares.shape == (0,)
        assert shares_on_conversion(1_000, []).cash_in_lieu.shape == (0,)

    @given(cents, prices)
    @example(2_900_000_000, Decimal("1.85"))
    @example(10**12, Fraction(1, 1000))
    def test_shares_and_cash_account_for_the_principal(self, principal, price):
        got = shares_on_conversion(Decimal(principal) / 100, price)
        exact = Fraction(principal, 100) / Fraction(price)
        assert got.shares == math.floor(exact)
        left = (exact - math.floor(exact)) * Fraction(price)
        assert abs(Fraction(got.cash_in_lieu) - left) <= Fraction(1, 200) + Fraction(1, 10**9)
        assert got.shares_exact == pytest.approx(float(exact), rel=1e-15)
        assert got.shares <= got.shares_exact

    @given(cents, st.floats(0.001, 1000))
    @example(115_000, 1.1500000000000001)  # np.arange(1, 2, 0.01)[15]: a hair above 1.15, one share fewer
    def test_a_float_is_the_decimal_that_it_prints_as(self, principal, price):
        exact = Fraction(principal, 100) / Fraction(repr(price))
        assert shares_on_conversion(principal / 100, price).shares == math.floor(exact)
        assert shares_to_reserve(principal / 100, price) == math.ceil(exact)

    @given(cents, st.integers(1, 10**6))
    def test_cash_is_rounded_half_up(self, principal, price):
        price = Decimal(price) / 10_000
        amount = Decimal(principal) / 100
        left = (amount % price).quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert shares_on_conversion(amount, price).cash_in_lieu == float(left)

    @given(st.lists(st.tuples(cents, st.floats(0.01, 100)), min_size=1, max_size=20))
    def test_an_array_gives_what_its_elements_give(self, rows):
        principal, price = np.array([p / 100 for p, _ in rows]), np.array([k for _, k in rows])
        together = shares_on_conversion(principal, price)
        for row, (amount, each) in enumerate(zip(principal, price, strict=True)):
            alone = shares_on_conversion(amount, each)
            assert (together.shares[row], together.cash_in_lieu[row]) == alone[:2]

    @given(cents, prices, prices)
    def test_shares_fall_as_the_price_rises(self, principal, one, other):
        low, high = sorted([one, other])
        amount = Decimal(principal) / 100
        assert shares_on_conversion(amount, low).shares >= shares_on_conversion(amount, high).shares


class TestPerNote:
    def test_each_note_of_a_thousand_is_rounded_by_itself(self):
        # 540 20/37 shares a note: 29,000 notes give 15,660,000 shares and 29,000 dollars
        got = shares_on_conversion(29_000_000, 1.85, rounding="per-note")
        assert got.shares == 15_660_000
        assert got.cash_in_lieu == 29_000.0
        assert got.shares_exact == pytest.approx(15_675_675 + 25 / 37, rel=1e-15)

    def test_the_denomination_is_a_term(self):
        # 5,000 / 3 = 1,666 2/3: two notes give 3,332 shares and 2 dollars each
        got = shares_on_conversion(10_000, 3, rounding="per-note", denomination=5_000)
        assert got[:2] == (3_332.0, 4.0)

    @given(st.integers(0, 30_000), prices)
    def test_never_more_shares_than_on_the_whole(self, notes, price):
        note_by_note = shares_on_conversion(notes * 1_000, price, rounding="per-note")
        assert note_by_note.shares == notes * math.floor(1_000 / Fraction(price))
        assert note_by_note.shares <= shares_on_conversion(notes * 1_000, price).shares

    def test_principal_that_is_no_whole_number_of_notes(self):
        with pytest.raises(TermError, match=r"`principal` must be a multiple of 1,000.00; got 1500.0 at row 1"):
            shares_on_conversion([1_000, 1_500], 2, rounding="per-note")
        with pytest.raises(TermError, match=r"got 1500.0$"):
            shares_on_conversion(1_500, 2, rounding="per-note")

    @pytest.mark.parametrize("denomination", [0, -1_000])
    def test_a_denomination_is_above_nothing(self, denomination):
        with pytest.raises(TermError, match="`denomination` must be an amount above 0"):
            shares_on_conversion(1_000, 2, rounding="per-note", denomination=denomination)


class TestSharesToReserve:
    def test_is_the_ceiling_of_the_aggregate(self):
        assert shares_to_reserve(29_000_000, 1.85) == 15_675_676
        assert shares_to_reserve(37_300_000, 1.85) == 20_162_163
        assert shares_to_reserve(1_150, 1.15) == 1_000  # 1150 / 1.15 is 1000.0000000000001 in floats

    def test_broadcasts(self):
        assert shares_to_reserve(1_000, np.array([2.0, 3.0])).tolist() == [500, 334]

    def test_keeps_a_series_and_lets_missing_values_through(self):
        got = shares_to_reserve(pd.Series([1_000, None], name="principal"), 3)
        pd.testing.assert_series_equal(got, pd.Series([334.0, np.nan], name="principal"))

    @given(st.lists(cents, min_size=1, max_size=10), prices)
    def test_covers_every_way_of_converting(self, amounts, price):
        whole = sum(shares_on_conversion(Decimal(amount) / 100, price).shares for amount in amounts)
        assert shares_to_reserve(Decimal(sum(amounts)) / 100, price) >= whole


class TestConversionRatio:
    def test_is_shares_per_thousand(self):
        assert conversion_ratio(2.5) == 400.0
        assert conversion_ratio(1.85) == pytest.approx(1000 / 1.85, rel=1e-15)

    def test_takes_another_face(self):
        assert conversion_ratio([2.0, 4.0], face=100).tolist() == [50.0, 25.0]

    def test_keeps_a_series(self):
        got = conversion_ratio(pd.Series([2.0, np.nan], index=["a", "b"]))
        pd.testing.assert_series_equal(got, pd.Series([500.0, np.nan], index=["a", "b"]))

    @pytest.mark.parametrize("price", [0, -1.85])
    def test_refuses_a_price_of_nothing(self, price):
        with pytest.raises(TermError, match="`conversion_price` must be a number above 0"):
            conversion_ratio(price)


@pytest.mark.parametrize("function", [shares_on_conversion, shares_to_reserve])
class TestErrors:
    @pytest.mark.parametrize("price", [0, -1, float("inf"), Fraction(-1, 3)], ids=str)
    def test_price(self, function, price):
        with pytest.raises(TermError, match="`conversion_price` must be a number above 0"):
            function(1_000, price)

    def test_price_names_the_row(self, function):
        with pytest.raises(TermError, match=r"got 0.0 at row 1"):
            function(1_000, [1.85, 0])

    def test_negative_principal(self, function):
        with pytest.raises(TermError, match="`principal` must be a number of at least 0; got -1.0"):
            function(-1, 1.85)

    def test_part_of_a_cent(self, function):
        with pytest.raises(TermError, match="`principal` must be in whole cents; got 0.005"):
            function(0.005, 1.85)

    def test_more_shares_than_a_float_counts(self, function):
        with pytest.raises(TermError, match=r"fewer than 2\*\*53 shares; got 1e-09"):
            function(10**9, 1e-9)
        with pytest.raises(TermError, match=r"fewer than 2\*\*53 shares; got 1e-09 at row 1"):
            function([1, 10**9], 1e-9)

    def test_a_huge_price_gives_no_share(self, function):
        assert function(10**9, 1e300) == (1.0 if function is shares_to_reserve else (0.0, 1e9, pytest.approx(0)))

    @pytest.mark.parametrize("price", ["1.85", True, [1.85, "x"]], ids=str)
    def test_no_number(self, function, price):
        with pytest.raises(TermError, match="`conversion_price` must be a number"):
            function(1_000, price)

    def test_unlike_indexes(self, function):
        with pytest.raises(IndexMismatchError, match="same index as `principal`"):
            function(pd.Series([1, 2]), pd.Series([1, 2], index=[1, 0]))

    def test_unlike_shapes(self, function):
        with pytest.raises(TermError, match="shapes broadcast together"):
            function([1, 2], [1, 2, 3])


def test_an_unknown_rounding_names_the_known():
    with pytest.raises(TermError, match=r"one of per-conversion, per-note; got 'per-notes'. Did you mean 'per-note'\?"):
        shares_on_conversion(1_000, 2, rounding="per-notes")


class TestManyHolders:
    PRICES = st.one_of(st.integers(1, 10_000).map(lambda cents: cents / 100), st.floats(0.01, 100))

    @settings(max_examples=60)
    @given(
        st.lists(st.lists(st.integers(0, 10**12), min_size=3, max_size=3), min_size=1, max_size=4),
        st.lists(PRICES, min_size=4, max_size=4),
        st.sampled_from(["per-conversion", "per-note"]),
    )
    def test_agrees_with_fractions(self, cents, prices, rounding):
        notes = [[part // 100_000 for part in row] for row in cents] if rounding == "per-note" else None
        given = np.array(cents) if notes is None else 100_000 * np.array(notes)
        some = np.array(prices[: len(cents)])
        shares, cash = convert_cents(given, some, rounding=rounding, denomination=1000)
        for row, price in enumerate(some.tolist()):
            exact = Fraction(Decimal(repr(price)))
            for h in range(3):
                count, part = (1, int(given[row, h])) if notes is None else (notes[row][h], 100_000)
                whole = Fraction(part, 100) / exact // 1
                rest = Fraction(part) - whole * exact * 100
                assert shares[row, h] == count * whole
                assert cash[row, h] == count * ((rest + Fraction(1, 2)) // 1)

    @pytest.mark.parametrize("price", [1.85, 1 / 3])
    @pytest.mark.parametrize("rounding", ["per-conversion", "per-note"])
    def test_in_proportion_it_is_the_sum_of_what_each_gets(self, price, rounding):
        weights, multiples = np.array([5, 3, 7, 7]), np.array([0, 1, 22, 22, 9, 10**6])
        prices, kind = np.full(6, price), {"rounding": rounding, "denomination": 500}
        cents = allocate(multiples, weights) * 100_000
        each, _ = convert_cents(cents, prices, **kind)
        assert np.array_equal(convert_in_proportion(multiples, weights, 100_000, prices, **kind), each.sum(axis=1))

    def test_refuses_a_price_that_is_too_low(self):
        with pytest.raises(TermError, match=r"high enough for fewer than 2\*\*53 shares; got 1e-09 at row 1"):
            convert_cents(np.array([[1], [10**12]]), np.array([1.0, 1e-9]), rounding="per-conversion", denomination=1)

    def test_refuses_what_is_no_whole_number_of_notes(self):
        with pytest.raises(TermError, match=r"a multiple of 1,000.00; got 1500.0"):
            convert_cents(np.array([[150_000]]), np.array([2.0]), rounding="per-note", denomination=1000)
