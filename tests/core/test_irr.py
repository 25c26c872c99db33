"""The internal rate of return: one where there is one, and said where there is none or more."""

from __future__ import annotations

import datetime as dt
import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import assume, example, given
from hypothesis import strategies as st

from notecalc.core.irr import bond_equivalent_yield, irr
from notecalc.errors import IndexMismatchError, TermError

# 2001 to 2003 are years of 365 days
YEARLY = ["2001-01-01", "2002-01-01", "2003-01-01", "2004-01-01"]

rates = st.floats(-0.9, 5)
flows = st.lists(st.tuples(st.integers(0, 12_000), st.integers(1, 10**9)), min_size=1, max_size=40)


def days_after(numbers):
    return np.datetime64("2004-06-18") + np.asarray(numbers)


def worth(rate, days, amounts):
    return math.fsum(amount * (1 + rate) ** (-day / 365) for day, amount in zip(days, amounts, strict=True))


class TestIrr:
    def test_the_documented_example_of_xirr(self):
        # Microsoft, XIRR function: 0.373362535, said to be accurate within 0.000001 percent
        dates = ["2008-01-01", "2008-03-01", "2008-10-30", "2009-02-15", "2009-04-01"]
        assert irr(dates, [-10_000, 2_750, 4_250, 3_250, 2_750]) == pytest.approx(0.373362535, abs=1e-8)

    @pytest.mark.parametrize(
        ("dates", "amounts", "rate"),
        [
            (YEARLY[:2], [-100, 108], 0.08),
            (YEARLY[:2], [100, -108], 0.08),  # the issuer's side of it
            (YEARLY[:2], [-100, 100], 0.0),
            (YEARLY[:2], [-100, 50], -0.5),
            (YEARLY[:3], [-100, 0, 121], 0.1),
            (YEARLY[:3], [-100, 10, 110], 0.1),
            (YEARLY[2::-1], [110, 10, -100], 0.1),  # the order of time does not matter
            ([YEARLY[0], YEARLY[0], YEARLY[1], YEARLY[1]], [-60, -40, 100, 8], 0.08),  # flows of a day add up
            (["2000-02-28", *YEARLY[:2]], [0, -100, 108], 0.08),  # a flow of nothing moves nothing
            (["2004-01-01", "2005-01-01"], [-100, 110], 1.1 ** (365 / 366) - 1),  # 366 days of a leap year
            (["2004-06-18", "2004-06-19"], [-1024, 1025], (1025 / 1024) ** 365 - 1),  # exact in floats
            (YEARLY[:2], [-1e-9, 1e-9], 0.0),
            (YEARLY[:2], [-1, 1e9], 1e9 - 1),
        ],
    )
    def test_simple_cases(self, dates, amounts, rate):
        got = irr(dates, amounts)
        assert type(got) is float
        assert got == pytest.approx(rate, rel=1e-12, abs=1e-14)

    def test_takes_series_as_they_come_from_a_frame(self):
        frame = pd.DataFrame({"payment_date": pd.to_datetime(YEARLY[:2]), "total": [-100.0, 108.0]}, index=["a", "b"])
        assert irr(frame["payment_date"], frame["total"]) == pytest.approx(0.08, abs=1e-14)

    @given(rates, flows)
    def test_finds_the_rate_that_set_the_price(self, rate, later):
        days, amounts = [0, *(day + 1 for day, _ in later)], [0.0, *(float(amount) for _, amount in later)]
        amounts[0] = -worth(rate, days, amounts)
        assume(math.isfinite(amounts[0]) and -amounts[0] > 1e-6)
        assert irr(days_after(days), amounts) == pytest.approx(rate, rel=1e-8, abs=1e-10)

    @given(st.floats(0.001, 0.5), st.integers(1, 30))
    def test_agrees_with_quantlib(self, coupon, periods):
        days = [0, *(182 * (period + 1) for period in range(periods))]
        amounts = [-97.5, *[100 * coupon / 2] * (periods - 1), 100 * (1 + coupon / 2)]
        start = ql.Date(18, 6, 2004)
        leg = ql.Leg([ql.SimpleCashFlow(a, start + d) for d, a in zip(days[1:], amounts[1:], strict=True)])
        expected = ql.CashFlows.yieldRate(
            leg, 97.5, ql.Actual365Fixed(), ql.Compounded, ql.Annual, False, start, start, 1e-12, 1000
        )
        assert irr(days_after(days), amounts) == pytest.approx(expected, abs=1e-9)

    @given(rates, flows, st.floats(1e-6, 1e6))
    def test_neither_scale_nor_side_matters(self, rate, later, scale):
        days, amounts = [0, *(day + 1 for day, _ in later)], np.array([0.0, *(float(amount) for _, amount in later)])
        amounts[0] = -worth(rate, days, amounts)
        assume(math.isfinite(amounts[0]) and -amounts[0] > 1e-6)
        once = irr(days_after(days), amounts)
        assert irr(days_after(days), -amounts * scale) == pytest.approx(once, rel=1e-8, abs=1e-10)

    def test_flows_of_a_day_that_cancel_are_no_flow(self):
        # 0.1 + 0.2 - 0.3 is 5.6e-17 in floats: a last flow of that size would have a rate of its own near -1
        dates = [*YEARLY[:2], *["2014-01-01"] * 3]
        assert irr(dates, [-100, 108, 0.1, 0.2, -0.3]) == pytest.approx(0.08, abs=1e-14)


class TestHowManyRates:
    def test_two_rates_are_said_and_not_chosen_from(self):
        # -100 x^2 + 230 x - 132 = -100 (x - 1.1) (x - 1.2)
        with pytest.raises(TermError, match=r"exactly one rate makes worth nothing; got '0.1, 0.2'. Discount at"):
            irr(YEARLY[:3], [-100, 230, -132])

    def test_three_rates(self):
        # (x - 1) (x - 1.1) (x - 1.2) = x^3 - 3.3 x^2 + 3.62 x - 1.32
        with pytest.raises(TermError, match=r"got '.*, 0.1, 0.2'"):
            irr(YEARLY, [100, -330, 362, -132])

    def test_no_rate(self):
        # x^2 - x + 1 has no real root
        with pytest.raises(TermError, match=r"exactly one rate makes worth nothing; got 'none'$"):
            irr(YEARLY[:3], [100, -100, 100])

    def test_three_changes_of_sign_and_one_rate(self):
        # (x - 1.1) (x^2 - x + 1) = x^3 - 2.1 x^2 + 2.1 x - 1.1
        assert irr(YEARLY, [100, -210, 210, -110]) == pytest.approx(0.1, abs=1e-12)

    def test_a_rate_at_which_the_worth_only_touches_nothing(self):
        # 100, 220, 121: the square of 10 x - 11
        assert irr(YEARLY[:3], [-100, 220, -121]) == pytest.approx(0.1, abs=1e-7)

    @given(st.lists(st.integers(-18, 60), min_size=1, max_size=4, unique=True), st.booleans())
    @example([-18, 60], True)
    def test_finds_every_rate_that_a_polynomial_was_made_of(self, twentieths, with_complex_pair):
        roots = sorted(1 + rate / 20 for rate in twentieths)
        amounts = np.poly([*roots, *([1 + 1j, 1 - 1j] if with_complex_pair else [])]).real
        dates = days_after(365 * np.arange(amounts.size))
        if len(roots) == 1:
            assert irr(dates, amounts) == pytest.approx(roots[0] - 1, rel=1e-9, abs=1e-9)
        else:
            with pytest.raises(TermError, match="exactly one rate") as caught:
                irr(dates, amounts)
            found = [float(rate) for rate in str(caught.value.got).split(", ")]
            assert found == pytest.approx([root - 1 for root in roots], rel=1e-5, abs=1e-5)

    @given(st.lists(st.integers(-100, 100), min_size=2, max_size=7))
    def test_says_as_many_rates_as_numpy_finds_roots(self, amounts):
        assume(amounts[0] and amounts[-1])
        found = np.roots(amounts)
        real = sorted(root.real for root in found if abs(root.imag) < 1e-3 and root.real > 0)
        # leave out roots so near to each other, or to the real axis, that a float can't tell how many they are
        assume(all(abs(root.imag) < 1e-10 or abs(root.imag) > 1e-3 for root in found))
        assume(all(high - low > 1e-3 for low, high in pairwise(real)))
        dates = days_after(365 * np.arange(len(amounts)))
        if len(real) == 1:
            assert irr(dates, amounts) == pytest.approx(real[0] - 1, rel=1e-8, abs=1e-8)
        else:
            with pytest.raises(TermError) as caught:
                irr(dates, amounts)
            said = caught.value.got
            assert said in ("none", "all paid", "all received") if not real else len(said.split(", ")) == len(real)

    @pytest.mark.parametrize(
        "amounts", [pytest.param([-0.01, 1e6], id="beyond any float"), pytest.param([-1e6, 0.01], id="all but -1")]
    )
    def test_a_rate_that_no_float_holds(self, amounts):
        with pytest.raises(TermError, match="got 'none'"):
            irr(["2004-06-18", "2004-06-19"], amounts)


class TestErrors:
    @pytest.mark.parametrize(
        ("amounts", "got"),
        [([100, 108], "all received"), ([-100, -1], "all paid"), ([0, 0], "none"), ([0.0, -1.0], "all paid")],
    )
    def test_flows_one_way(self, amounts, got):
        with pytest.raises(TermError, match=rf"`amounts` must be flows paid and flows received.*got '{got}'"):
            irr(YEARLY[:2], amounts)

    def test_flows_that_cancel_on_their_day(self):
        with pytest.raises(TermError, match="net by day; got 'none'"):
            irr(["2004-06-18", "2004-06-18"], [-100, 100])

    def test_no_flows(self):
        with pytest.raises(TermError, match="got 'none'"):
            irr([], [])

    def test_missing_date(self):
        with pytest.raises(TermError, match="`dates` must be dates without a gap; got 'NaT' at row 1"):
            irr(["2004-06-18", None], [-100, 108])

    @pytest.mark.parametrize("amount", [float("nan"), float("inf"), None])
    def test_missing_or_endless_amount(self, amount):
        with pytest.raises(TermError, match="`amounts` must be finite numbers without a gap; got (nan|inf) at row 1"):
            irr(YEARLY[:2], [-100, amount])

    @pytest.mark.parametrize(("dates", "amounts"), [(YEARLY[:2], [1]), ("2004-06-18", 1), ([YEARLY[:2]], [[1, -1]])])
    def test_unlike_lengths(self, dates, amounts):
        with pytest.raises(TermError, match="`dates and amounts` must be of one length"):
            irr(dates, amounts)

    def test_unlike_indexes(self):
        with pytest.raises(IndexMismatchError, match="same index as `dates`"):
            irr(pd.Series([dt.date(2004, 6, 18), dt.date(2005, 6, 18)]), pd.Series([-100, 108], index=[1, 0]))


class TestBondEquivalentYield:
    def test_compounds_twice_a_year(self):
        assert bond_equivalent_yield(1.04**2 - 1) == pytest.approx(0.08, abs=1e-15)
        assert bond_equivalent_yield([0.0, 0.21, -0.19]) == pytest.approx([0.0, 0.2, -0.2], abs=1e-15)

    def test_keeps_the_digits_of_a_small_rate(self):
        # 2 (sqrt(1 + r) - 1) = r - r^2 / 4 + ...
        assert bond_equivalent_yield(1e-12) == pytest.approx(1e-12 - 2.5e-25, rel=1e-15)

    def test_keeps_a_series_and_lets_missing_rates_through(self):
        got = bond_equivalent_yield(pd.Series([0.21, np.nan], index=["a", "b"], name="irr"))
        pd.testing.assert_series_equal(got, pd.Series([0.2, np.nan], index=["a", "b"], name="irr"))

    @given(st.floats(-0.99, 100))
    def test_goes_back(self, rate):
        assert (1 + bond_equivalent_yield(rate) / 2) ** 2 - 1 == pytest.approx(rate, rel=1e-12, abs=1e-14)

    @pytest.mark.parametrize("rate", [-1, -2.0, float("inf")])
    def test_refuses_a_total_loss(self, rate):
        with pytest.raises(TermError, match="`irr` must be a rate above -1"):
            bond_equivalent_yield(rate)
