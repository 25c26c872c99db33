"""Whole cents: read exactly, rounded half up, and adding up."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notecalc.core.money import (
    allocate,
    as_fraction,
    half_up,
    interest_cents,
    largest,
    nearest_cents,
    round_half_up,
    to_cents,
    to_money,
)
from notecalc.errors import IndexMismatchError, TermError

INT64 = 2**63 - 1

weights_of_holders = st.lists(st.integers(0, 10**12), min_size=1, max_size=12).filter(any)


def exact_half_up(value: Fraction) -> int:
    """Half away from zero, the slow and plain way."""
    size = abs(value) + Fraction(1, 2)
    return (-1 if value < 0 else 1) * (size.numerator // size.denominator)


class TestToCents:
    @pytest.mark.parametrize(
        ("amount", "cents"),
        [
            (29_000_000, 2_900_000_000),
            (0.29, 29),  # 0.29 * 100 is 28.999999999999996
            (0.1 + 0.2, 30),  # 0.30000000000000004
            (-1.005e2, -10_050),
            (0.0, 0),
            (1e13, 10**15),
            (9_999_999_999_999.99, 999_999_999_999_999),
            (Decimal("29000000.00"), 2_900_000_000),
            (Decimal("1E+3"), 100_000),
            (Fraction(1, 4), 25),
            ("1050000.00", 105_000_000),
            (np.float64(1.25), 125),
            (np.float32(0.25), 25),
            (np.int32(7), 700),
            (10**16, 10**18),  # integers are exact beyond what a float holds
            (INT64 // 100, INT64 // 100 * 100),
            ("92233720368547758.07", INT64),
        ],
    )
    def test_reads_an_amount_to_the_cent(self, amount, cents):
        got = to_cents(amount)
        assert got == cents
        assert type(got) is int

    @pytest.mark.parametrize("kind", [list, np.array, pd.Index])
    def test_reads_many(self, kind):
        got = to_cents(kind([1.01, 2.02]))
        assert got.dtype == np.int64
        np.testing.assert_array_equal(got, [101, 202])

    def test_keeps_a_series_index_and_name(self):
        amounts = pd.Series([3.5, 1.25], index=["b", "a"], name="principal")
        pd.testing.assert_series_equal(to_cents(amounts), pd.Series([350, 125], index=["b", "a"], name="principal"))

    @pytest.mark.parametrize("dtype", ["Int64", "Float64", "int16", "uint8", "float32", object])
    def test_reads_any_numeric_dtype(self, dtype):
        assert to_cents(pd.Series([2, 3], dtype=dtype)).tolist() == [200, 300]

    def test_reads_mixed_objects_exactly(self):
        assert to_cents([Decimal("0.01"), "2.50", 3, Fraction(1, 20), 0.07]).tolist() == [1, 250, 300, 5, 7]

    def test_keeps_the_shape(self):
        assert to_cents(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist() == [[100, 200], [300, 400]]

    def test_reads_nothing(self):
        assert to_cents([]).shape == (0,)
        assert to_cents(np.array([], dtype=np.int64)).shape == (0,)

    @pytest.mark.parametrize("amount", [1.005, Decimal("1.005"), "1.005", Fraction(1, 3), 1e-7, 1.0000001], ids=repr)
    def test_refuses_a_part_of_a_cent(self, amount):
        with pytest.raises(TermError, match=r"`amounts` must be in whole cents; got .*\. Round it to the cent first"):
            to_cents(amount)

    @pytest.mark.parametrize("amount", [None, float("nan"), pd.NA, pd.NaT], ids=repr)
    def test_refuses_a_missing_amount(self, amount):
        with pytest.raises(TermError, match="cents are integers and can't be missing"):
            to_cents(amount)
        with pytest.raises(TermError, match=r"can't be missing; got .* at row 1"):
            to_cents([1, amount])

    def test_names_the_row_of_a_missing_float(self):
        with pytest.raises(TermError, match="got nan at row 1"):
            to_cents(np.array([1.0, np.nan]))

    @pytest.mark.parametrize("amount", ["1,050,00", "1050,00", "ten", "", True, 1j, [1, "x"], dict], ids=str)
    def test_refuses_what_is_no_number(self, amount):
        with pytest.raises(TermError, match="`amounts` must be a number"):
            to_cents(amount)

    @pytest.mark.parametrize("amount", ["Infinity", Decimal("Infinity"), Decimal("NaN")], ids=repr)
    def test_refuses_a_number_without_end(self, amount):
        with pytest.raises(TermError, match="must be a finite number"):
            to_cents(amount)

    @pytest.mark.parametrize("amount", [1.1e13, float("inf"), -float("inf"), 1e300], ids=repr)
    def test_refuses_a_float_whose_cents_are_lost(self, amount):
        with pytest.raises(TermError, match="an amount within 1e13"):
            to_cents(amount)

    @pytest.mark.parametrize("amount", [INT64, np.int64(INT64), "92233720368547758.08", np.array([1, INT64])], ids=repr)
    def test_refuses_more_than_int64_holds(self, amount):
        with pytest.raises(TermError, match="an amount whose cents int64 holds"):
            to_cents(amount)

    @pytest.mark.parametrize("amount", [29_000_000.001, 9e9 + 0.001, 9e12 + 0.00195], ids=repr)
    def test_a_tenth_of_a_cent_is_no_noise_however_large_the_amount(self, amount):
        with pytest.raises(TermError, match="in whole cents"):
            to_cents(amount)

    def test_names_the_row(self):
        with pytest.raises(TermError, match=r"got 2.345 at row 1"):
            to_cents(np.array([1.0, 2.345, 3.456]))
        with pytest.raises(TermError, match=r"got '2.345' at row 1"):
            to_cents(["1.00", "2.345"])

    @given(st.integers(-(10**15), 10**15))
    @example(10**15)
    @example(999_999_999_999_999)
    def test_every_cent_within_reach_comes_back(self, cents):
        assert to_cents(to_money(cents)) == cents
        assert to_cents(np.array([cents / 100]))[0] == cents
        assert to_cents(Decimal(cents) / 100) == cents
        assert to_cents(str(Decimal(cents) / 100)) == cents

    @given(st.lists(st.integers(0, 10**11), min_size=1, max_size=8))
    def test_a_sum_of_floats_reads_as_the_sum_of_cents(self, cents):
        assert to_cents(sum(cent / 100 for cent in cents)) == sum(cents)


class TestToMoney:
    def test_is_the_nearest_float(self):
        assert to_money(2_900_000_029) == 29_000_000.29
        assert to_money(np.array([1, -1])).tolist() == [0.01, -0.01]

    def test_keeps_a_series(self):
        got = to_money(pd.Series([125, 250], index=["x", "y"], name="cash"))
        pd.testing.assert_series_equal(got, pd.Series([1.25, 2.5], index=["x", "y"], name="cash"))

    def test_lets_missing_cents_through(self):
        np.testing.assert_array_equal(to_money([100, None]), [1.0, np.nan])

    def test_refuses_a_part_of_a_cent(self):
        with pytest.raises(TermError, match="`cents` must be a whole number of cents; got 1.5 at row 1"):
            to_money([1, 1.5])

    def test_refuses_cents_that_no_float_holds(self):
        with pytest.raises(TermError, match=re.escape("within 2**53")):
            to_money(2**53 + 1)


class TestNearestCents:
    def test_lets_missing_amounts_through(self):
        np.testing.assert_array_equal(nearest_cents(np.array([np.nan, 0.07]), "x"), [np.nan, 7])

    def test_has_no_negative_zero(self):
        assert not np.signbit(nearest_cents(np.array([-0.0]), "x")[0])


class TestRoundHalfUp:
    @pytest.mark.parametrize(
        ("numerator", "denominator", "expected"),
        [(1, 2, 1), (-1, 2, -1), (3, 2, 2), (-3, 2, -2), (5, 2, 3), (1, 3, 0), (2, 3, 1), (-2, 3, -1), (0, 7, 0)],
    )
    def test_rounds_a_half_away_from_zero(self, numerator, denominator, expected):
        got = round_half_up(numerator, denominator)
        assert got == expected
        assert type(got) is int

    @given(st.integers(-INT64, INT64), st.integers(1, INT64))
    @example(INT64, 1)
    @example(-INT64, 2)
    @example(INT64 // 2, INT64)  # just below a half
    @example(INT64 // 2 + 1, INT64)  # just above
    def test_agrees_with_fractions_over_all_of_int64(self, numerator, denominator):
        assert round_half_up(numerator, denominator) == exact_half_up(Fraction(numerator, denominator))

    def test_broadcasts_and_keeps_a_series(self):
        assert round_half_up([[1], [3]], [2, 4]).tolist() == [[1, 0], [2, 1]]
        got = round_half_up(pd.Series([5, -5], index=["a", "b"]), 2)
        pd.testing.assert_series_equal(got, pd.Series([3, -3], index=["a", "b"]))

    def test_reads_whole_floats_and_decimals(self):
        assert round_half_up([5.0, Decimal(7)], np.uint8(2)).tolist() == [3, 4]

    @pytest.mark.parametrize("denominator", [0, -2])
    def test_refuses_a_denominator_of_nothing_or_less(self, denominator):
        with pytest.raises(TermError, match="`denominator` must be above 0"):
            round_half_up(1, denominator)

    @pytest.mark.parametrize("numerator", [0.5, float("nan"), float("inf"), None, True, "1", Fraction(1, 2)], ids=repr)
    def test_refuses_what_is_not_whole(self, numerator):
        with pytest.raises(TermError, match="`numerator` must be a whole number"):
            round_half_up(numerator, 1)

    @pytest.mark.parametrize("numerator", [2**63, -(2**63), np.array([-(2**63)]), 1e30], ids=repr)
    def test_refuses_what_int64_does_not_hold(self, numerator):
        with pytest.raises(TermError, match="a whole number that int64 holds"):
            round_half_up(numerator, 1)

    def test_series_of_unlike_index_raise(self):
        with pytest.raises(IndexMismatchError, match="same index as `numerator`"):
            round_half_up(pd.Series([1, 2]), pd.Series([1, 2], index=[1, 0]))

    @given(st.integers(-(10**30), 10**30), st.integers(1, 10**30))
    def test_half_up_of_objects_is_exact(self, numerator, denominator):
        got = half_up(np.array([numerator], dtype=object), np.array([denominator], dtype=object))
        assert got[0] == exact_half_up(Fraction(numerator, denominator))


class TestInterestCents:
    @pytest.mark.parametrize(
        ("principal", "rate", "numerator", "denominator", "cents"),
        [
            (2_900_000_000, Fraction(8, 100), 180, 360, 116_000_000),  # 29,000,000 * 4 %
            (2_900_000_000, Fraction(8, 100), 1, 360, 644_444),  # 2,320,000 / 360 = 6,444.444...
            (397_500_000, Decimal("0.115"), 1, 360, 126_979),  # 457,125 / 360 = 1,269.7916...
            (100_000, Fraction(8, 100), 1, 16, 500),  # 1,000 * 8 % / 16 = 5
            (12_500, Fraction(1, 100), 1, 250, 1),  # half a cent goes up
            (-12_500, Fraction(1, 100), 1, 250, -1),  # and so does what is owed
            (100, Fraction(-1, 2), 1, 1, -50),
            (100, 0, 1, 1, 0),
            (0, 0.08, 180, 360, 0),
            (100_000_000, 0.08, 183, 366, 4_000_000),  # a float rate is the decimal it prints as
            (100_000_000, "0.08", 1, 2, 4_000_000),
        ],
    )
    def test_is_exact_to_the_cent(self, principal, rate, numerator, denominator, cents):
        got = interest_cents(principal, rate, numerator, denominator)
        assert got == cents
        assert type(got) is int

    def test_broadcasts(self):
        got = interest_cents(np.array([[100_000], [200_000]]), Fraction(8, 100), np.array([90, 180]), 360)
        assert got.dtype == np.int64
        assert got.tolist() == [[2_000, 4_000], [4_000, 8_000]]

    def test_keeps_a_series(self):
        got = interest_cents(pd.Series([100_000], index=["loeb"]), Fraction(8, 100), 180, 360)
        pd.testing.assert_series_equal(got, pd.Series([4_000], index=["loeb"]))

    @given(
        st.integers(-(10**15), 10**15),
        st.fractions(-1, 1, max_denominator=10**12),
        st.integers(0, 366 * 365 * 100),
        st.integers(1, 365 * 366),
    )
    @example(10**15, Fraction(115, 1000), 366 * 365 * 30, 365 * 366)
    def test_agrees_with_fractions_where_int64_would_overflow(self, principal, rate, numerator, denominator):
        expected = exact_half_up(principal * rate * Fraction(numerator, denominator))
        if abs(expected) <= INT64:
            assert interest_cents(np.array([principal]), rate, numerator, denominator)[0] == expected

    def test_refuses_more_than_int64_holds(self):
        with pytest.raises(TermError, match="small enough for a result that int64 holds"):
            interest_cents(INT64, 1, 2, 1)

    def test_refuses_a_denominator_of_nothing(self):
        with pytest.raises(TermError, match=r"`denominator` must be above 0; got 0 at row 1"):
            interest_cents(1, 1, 1, [1, 0])


class TestAllocate:
    @pytest.mark.parametrize(
        ("total", "weights", "parts"),
        [
            (100, [1, 1, 1], [34, 33, 33]),  # 33 1/3 each: the cent left over goes to the first
            (101, [1, 1, 1], [34, 34, 33]),
            (10, [5, 3, 1], [6, 3, 1]),  # 5 5/9, 3 3/9, 1 1/9: the largest remainder gets it
            (7, [1, 2, 4], [1, 2, 4]),
            (1, [1, 2], [0, 1]),
            (5, [0, 3, 0], [0, 5, 0]),
            (0, [0, 0], [0, 0]),
            (0, [1, 2], [0, 0]),
            (-100, [1, 1, 1], [-34, -33, -33]),
            (0, [], []),
        ],
    )
    def test_shares_out_by_largest_remainder(self, total, weights, parts):
        got = allocate(total, weights)
        assert got.dtype == np.int64
        assert got.tolist() == parts

    def test_a_row_for_each_total(self):
        # coupons of 10 and 11 cents over notes of 1, 1 and 2
        assert allocate([10, 11], [1, 1, 2]).tolist() == [[3, 2, 5], [3, 3, 5]]

    def test_weights_may_change_from_row_to_row(self):
        assert allocate([[9], [9]], [[[1, 2]], [[2, 1]]]).tolist() == [[[3, 6]], [[6, 3]]]

    def test_keeps_the_register_of_a_series(self):
        weights = pd.Series([2.0, 1.0], index=["loeb", "imperial"], name="principal")
        expected = pd.Series([67, 33], index=["loeb", "imperial"], name="principal")
        pd.testing.assert_series_equal(allocate(100, weights), expected)

    def test_needs_one_total_for_a_series(self):
        with pytest.raises(TermError, match="one total where the weights are a Series"):
            allocate([1, 2], pd.Series([1, 2]))

    @given(st.integers(-(10**15), 10**15), weights_of_holders)
    def test_parts_add_up_and_are_within_a_cent_of_the_exact_share(self, total, weights):
        parts = allocate(total, weights).tolist()
        assert sum(parts) == total
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - Fraction(total * weight, sum(weights))) < 1

    @given(st.integers(0, 10**15), weights_of_holders)
    def test_more_weight_never_gets_less_and_the_earlier_of_equals_never_less(self, total, weights):
        parts = allocate(total, weights).tolist()
        by_weight = sorted(range(len(weights)), key=lambda holder: (-weights[holder], holder))
        in_order = [parts[holder] for holder in by_weight]
        assert in_order == sorted(in_order, reverse=True)

    @given(st.integers(0, 10**15), weights_of_holders)
    def test_a_debt_is_shared_out_as_a_claim_is(self, total, weights):
        assert allocate(-total, weights).tolist() == (-allocate(total, weights)).tolist()

    @given(st.integers(0, 10**6), weights_of_holders, st.integers(2, 1000))
    def test_only_proportions_matter(self, total, weights, times):
        assert allocate(total, weights).tolist() == allocate(total, [weight * times for weight in weights]).tolist()

    @given(st.integers(-INT64, INT64), st.lists(st.integers(0, INT64), min_size=1, max_size=4).filter(any))
    @example(INT64, [INT64, INT64, INT64])
    def test_is_exact_where_int64_would_overflow(self, total, weights):
        parts = allocate(total, weights).tolist()
        assert sum(parts) == total
        assert all(abs(p - Fraction(total * w, sum(weights))) < 1 for p, w in zip(parts, weights, strict=True))

    @pytest.mark.parametrize("weights", [[0, 0], []])
    def test_refuses_a_total_that_nobody_gets(self, weights):
        with pytest.raises(TermError, match="`weights` must be above 0 in sum"):
            allocate(1, weights)

    def test_refuses_a_negative_weight(self):
        with pytest.raises(TermError, match="`weights` must be at least 0; got -1 at row 1"):
            allocate(1, [1, -1])

    def test_refuses_a_part_of_a_cent(self):
        with pytest.raises(TermError, match=r"`total_cents` must be a whole number; got 1.5"):
            allocate(1.5, [1])

    def test_refuses_one_weight_for_all(self):
        with pytest.raises(TermError, match="one weight for each holder"):
            allocate(1, 1)

    def test_refuses_shapes_that_do_not_fit(self):
        with pytest.raises(TermError, match="leading shapes broadcast"):
            allocate([1, 2, 3], [[1, 2], [3, 4]])


class TestAsFraction:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (0.08, Fraction(8, 100)),
            (np.float64(1.85), Fraction(185, 100)),
            (1e-7, Fraction(1, 10**7)),
            (3, Fraction(3)),
            (np.int64(3), Fraction(3)),
            ("0.115", Fraction(115, 1000)),
            (Decimal("86.14"), Fraction(8614, 100)),
            (Fraction(1, 3), Fraction(1, 3)),
        ],
    )
    def test_reads_the_number_that_is_written(self, value, expected):
        assert as_fraction(value, "rate") == expected

    @pytest.mark.parametrize("value", [True, None, 1j, "x"], ids=repr)
    def test_refuses_what_is_no_number(self, value):
        with pytest.raises(TermError, match="`rate` must be a number"):
            as_fraction(value, "rate")

    def test_refuses_infinity(self):
        with pytest.raises(TermError, match="`rate` must be a finite number; got inf"):
            as_fraction(float("inf"), "rate")


def test_largest_is_at_least_one():
    assert largest(np.array([], dtype=np.int64)) == 1
    assert largest(np.array([0])) == 1
    assert largest(np.array([-5, 3])) == 5


@pytest.mark.parametrize(
    ("principal", "rate", "numerator", "denominator"),
    [
        (4 * 10**16 + 1, 0.07, 181, 360),  # beyond what floats tell to the cent
        (-(4 * 10**16 + 1), 0.07, 181, 360),
        (150, 1 / 3, 1, 1),  # a rate that prints with sixteen digits, near a half
        (10**12 + 50, 0.0000001234567891, 1, 2),
    ],
)
def test_interest_at_rates_of_their_own_is_exact(principal, rate, numerator, denominator):
    exact = Fraction(repr(rate)) * principal * Fraction(numerator, denominator)
    nearest = int(abs(exact) + Fraction(1, 2)) * (1 if exact > 0 else -1)
    got = interest_cents(np.array([principal]), np.array([rate]), np.array([numerator]), np.array([denominator]))
    assert got.tolist() == [nearest]
