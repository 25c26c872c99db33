"""Curves, and spreads over them: by hand, 50 digits beside them, and QuantLib on bonds at random."""

from __future__ import annotations

import datetime as dt
import itertools

import mpmath
import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import given
from hypothesis import strategies as st

import notecalc as nc
from notecalc.core import _discounting
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve
from notecalc.errors import TermError

LOG_LINEAR, LINEAR_ZERO = "log-linear-discount-factors", "linear-zero-rates"
NODES = ["2005-06-18", "2007-06-18", "2014-06-18", "2034-06-18"]
ZEROS = [0.02, 0.03, 0.045, 0.04]
TODAY = "2004-06-18"


def notes(count=1, *, seed=5):
    rng = np.random.default_rng(seed)
    maturity = (np.datetime64("2006-01", "M") + rng.integers(0, 320, count)).astype("datetime64[D]") + 14
    issue = (maturity.astype("datetime64[M]") - 12 * 40).astype("datetime64[D]") + 14
    terms = Notes(
        issue_date=issue,
        maturity=maturity,
        principal=100,
        annual_rate=rng.uniform(0.005, 0.4, count),
        frequency=rng.choice([1, 2, 4], count),
        day_count="actual/actual icma",
    )
    return resolve(terms), rng


def zero_curve(compounding="annual", interpolation=LINEAR_ZERO, rates=ZEROS):
    return nc.Curve.from_zero_rates(
        TODAY, NODES, rates, compounding=compounding, day_count="actual/365 fixed", interpolation=interpolation
    )


def ql_date(day):
    day = np.datetime64(day, "D").astype(dt.date)
    return ql.Date(day.day, day.month, day.year)


def ql_leg(periods, row):
    own = slice(periods.offsets[row], periods.offsets[row + 1])
    coupon = 100 * periods.notes.annual_rate[row] * periods.fraction[own]
    coupon[-1] += 100
    dates = periods.payment_date[own]
    return ql.Leg([ql.SimpleCashFlow(float(c), ql_date(d)) for c, d in zip(coupon, dates, strict=True)])


class TestCurve:
    @pytest.mark.parametrize(
        ("compounding", "factor"),
        [
            ("annual", 1.02**-1),
            ("continuous", np.exp(-0.02)),
            ("simple", 1 / 1.02),
            ("monthly", (1 + 0.02 / 12) ** -12),
        ],
    )
    def test_a_node_has_its_factor(self, compounding, factor):
        assert zero_curve(compounding).discount_factor(NODES[0]) == pytest.approx(factor, rel=1e-15)

    def test_zero_rates_are_linear_in_time(self):
        # 365 of 730 days from the first node to the second
        rate = zero_curve().zero_rate("2006-06-18", compounding="annual", day_count="actual/365 fixed")
        assert rate == pytest.approx(0.025, abs=1e-15)

    def test_zero_rates_are_level_before_the_first_node(self):
        assert zero_curve().discount_factor("2004-12-18") == pytest.approx(1.02 ** (-183 / 365), rel=1e-15)

    def test_log_factors_are_linear_in_time(self):
        curve = nc.Curve.from_discount_factors(
            TODAY, ["2005-06-18", "2006-06-18"], [0.96, 0.90], day_count="actual/365 fixed", interpolation=LOG_LINEAR
        )
        assert curve.discount_factor("2005-12-18") == pytest.approx(0.96 * (0.90 / 0.96) ** (183 / 365), rel=1e-15)
        assert curve.discount_factor(TODAY) == 1.0
        assert curve.discount_factor("2004-12-18") == pytest.approx(0.96 ** (183 / 365), rel=1e-15)

    @given(st.integers(0, 10_957))
    def test_agrees_with_quantlib_between_nodes(self, days):
        day = np.datetime64(TODAY) + days
        dates, count = [ql_date(TODAY), *map(ql_date, NODES)], ql.Actual365Fixed()
        rates = ql.ZeroCurve(dates, [ZEROS[0], *ZEROS], count, ql.NullCalendar(), ql.Linear(), ql.Continuous)
        assert zero_curve("continuous").discount_factor(day) == pytest.approx(rates.discount(ql_date(day)), rel=1e-13)
        factors = [1.0, 0.98, 0.9, 0.7, 0.3]
        theirs = ql.DiscountCurve(dates, factors, count)
        ours = nc.Curve.from_discount_factors(
            TODAY, NODES, factors[1:], day_count="actual/365 fixed", interpolation=LOG_LINEAR
        )
        assert ours.discount_factor(day) == pytest.approx(theirs.discount(ql_date(day)), rel=1e-13)

    def test_factors_and_the_zero_rates_that_they_are_worth_make_one_curve(self):
        factors = zero_curve("continuous").discount_factor(NODES)
        again = nc.Curve.from_discount_factors(
            TODAY, NODES, factors, day_count="actual/365 fixed", interpolation=LINEAR_ZERO
        )
        assert again.discount_factor("2010-01-01") == pytest.approx(
            zero_curve("continuous").discount_factor("2010-01-01"), rel=1e-14
        )

    def test_missing_dates_and_series(self):
        got = zero_curve().discount_factor(pd.Series([pd.NaT, pd.Timestamp(TODAY)], index=["a", "b"]))
        assert got.index.tolist() == ["a", "b"]
        assert np.isnan(got["a"])
        assert np.isnan(zero_curve().zero_rate(TODAY, compounding="annual", day_count="30/360"))

    @pytest.mark.parametrize(
        ("day", "rule"), [("2004-06-17", "on or after the reference date"), ("2034-06-19", "up to the curve's last")]
    )
    def test_nothing_is_extrapolated(self, day, rule):
        with pytest.raises(TermError, match=rule):
            zero_curve().discount_factor(day)

    @pytest.mark.parametrize(
        ("terms", "message"),
        [
            ({"interpolation": "cubic"}, "`interpolation` must be"),
            ({"compounding": "weekly"}, "`compounding` must be"),
            ({"dates": NODES[::-1]}, "`dates` must be rising"),
            ({"dates": NODES[:2]}, "`dates and zero_rates` must be of one length"),
            ({"zero_rates": [0.1, None, 0.1, 0.1]}, "`zero_rates` must be given; got nan at row 1"),
            ({"zero_rates": [-1.5] * 4}, "`zero_rates` must be rates that aren't a total loss"),
            ({"day_count": "30/361"}, "`day_count` must be"),
        ],
    )
    def test_bad_input_is_named(self, terms, message):
        given_terms = {
            "dates": NODES,
            "zero_rates": ZEROS,
            "compounding": "annual",
            "interpolation": LINEAR_ZERO,
            "day_count": "30/360",
        } | terms
        with pytest.raises(TermError, match=message):
            nc.Curve.from_zero_rates(TODAY, **given_terms)


def exact_spread(periods, row, settlement, dirty, curve, compounding, guess):
    m = {"annual": 1, "semi-annual": 2, "continuous": 0, "simple": -1}[compounding]
    own = slice(periods.offsets[row], periods.offsets[row + 1])
    keep = periods.accrual_end[own] > settlement
    dates = periods.payment_date[own][keep]
    coupons = 100 * periods.notes.annual_rate[row] * periods.fraction[own][keep]
    amounts = [mpmath.mpf(float(c)) for c in coupons]
    amounts[-1] += 100

    days = [*dates, settlement]
    bases = dict(zip(days, map(mpmath.mpf, curve.discount_factor(np.array(days)).tolist()), strict=True))

    def factor(day, z):
        t = mpmath.mpf(int((day - np.datetime64(TODAY)).astype(int))) / 365
        base = bases[day]
        if t == 0:
            return mpmath.mpf(1)
        if m == 0:
            return base * mpmath.exp(-z * t)
        if m == -1:
            return 1 / (1 / base + z * t)
        return (base ** (-1 / (m * t)) + z / m) ** (-m * t)

    def gap(z):
        return (
            mpmath.fsum(a * factor(d, z) for a, d in zip(amounts, dates, strict=True)) / factor(settlement, z) - dirty
        )

    return mpmath.findroot(gap, guess, tol=1e-60, verify=False)


@pytest.mark.parametrize(
    ("compounding", "days"),
    # brought forward by simple interest, a price can't fall below a share of the flows: from the curve's day only
    [("annual", 0), ("annual", 200), ("semi-annual", 0), ("continuous", 0), ("continuous", 200), ("simple", 0)],
)
def test_z_spreads_to_the_last_digits(compounding, days):
    """Within 2e-14 of 50 digits, on notes of one to 27 years."""
    periods, rng = notes(40)
    settlement = np.datetime64(TODAY) + days
    price = rng.uniform(60, 140, 40)
    curve = zero_curve()
    got = nc.z_spread(periods, settlement, price, curve, compounding=compounding, day_count="actual/365 fixed")
    # accrued interest as in the test of yields
    accrued = nc.dirty_price(periods, settlement, 0.05, compounding="annual", simple_interest="never") - nc.clean_price(
        periods, settlement, 0.05, compounding="annual", simple_interest="never"
    )
    with mpmath.workdps(50):
        for row in range(40):
            exact = exact_spread(periods, row, settlement, price[row] + accrued[row], curve, compounding, got[row])
            assert abs(got[row] - exact) < 2e-14


def test_z_spreads_of_hundreds_of_bonds_agree_with_quantlib():
    count, day = 400, np.datetime64(TODAY)
    periods, rng = notes(count)
    dates = [ql_date(TODAY), *map(ql_date, NODES)]
    ql.Settings.instance().evaluationDate = ql_date(TODAY)
    theirs = ql.YieldTermStructureHandle(
        ql.ZeroCurve(dates, [ZEROS[0], *ZEROS], ql.Actual365Fixed(), ql.NullCalendar(), ql.Linear(), ql.Continuous)
    ).currentLink()
    price = rng.uniform(70, 130, count)
    got = nc.z_spread(
        periods, day, price, zero_curve("continuous"), compounding="semi-annual", day_count="actual/365 fixed"
    )
    terms = {"compounding": "annual", "simple_interest": "never"}
    accrued = nc.dirty_price(periods, day, 0.05, **terms) - nc.clean_price(periods, day, 0.05, **terms)
    for row in range(count):
        expected = ql.CashFlows.zSpread(
            ql_leg(periods, row), float(price[row] + accrued[row]), theirs, ql.Actual365Fixed(), ql.Compounded,
            ql.Semiannual, False, ql_date(TODAY), ql_date(TODAY), 1e-13, 500, 0.01,
        )  # fmt: skip
        assert got[row] == pytest.approx(expected, abs=1e-10)


def test_a_note_at_the_curve_s_price_has_no_spread():
    periods, _ = notes(50)
    price = nc.clean_price_from_curve(periods, TODAY, zero_curve())
    for compounding in ("annual", "continuous", "simple"):
        got = nc.z_spread(periods, TODAY, price, zero_curve(), compounding=compounding, day_count="actual/360")
        assert got == pytest.approx(np.zeros(50), abs=1e-14)
    swap = nc.par_asset_swap_spread(periods, TODAY, price, zero_curve(), frequency=4, day_count="actual/360")
    assert swap == pytest.approx(np.zeros(50), abs=1e-14)


@pytest.fixture
def flows_of_today():
    """Let QuantLib count what is paid today: the note and the swap are."""
    settings = ql.Settings.instance()
    before, settings.includeReferenceDateEvents = settings.includeReferenceDateEvents, True
    settings.evaluationDate = ql_date(TODAY)
    yield
    settings.includeReferenceDateEvents = before


@pytest.mark.usefixtures("flows_of_today")
def test_par_asset_swap_spread_agrees_with_quantlib_s_asset_swap():
    periods, rng = notes(30)
    count, day = ql.Actual360(), ql_date(TODAY)
    dates = [day, *map(ql_date, NODES)]
    handle = ql.YieldTermStructureHandle(
        ql.ZeroCurve(dates, [ZEROS[0], *ZEROS], ql.Actual365Fixed(), ql.NullCalendar(), ql.Linear(), ql.Continuous)
    )
    half_year = ql.IborIndex(
        "", ql.Period(6, ql.Months), 0, ql.USDCurrency(), ql.NullCalendar(), ql.Unadjusted, False, count, handle
    )

    def dates_to(maturity, start, months):
        return ql.Schedule(
            start, ql_date(maturity), ql.Period(months, ql.Months), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted,
            ql.DateGeneration.Backward, False,
        )  # fmt: skip

    price = rng.uniform(80, 120, 30)
    got = nc.par_asset_swap_spread(periods, TODAY, price, zero_curve("continuous"), frequency=2, day_count="actual/360")
    terms = periods.notes
    for row in range(30):
        own = dates_to(terms.maturity[row], ql_date(terms.issue_date[row]), 12 // int(terms.frequency[row]))
        by_period = ql.ActualActual(ql.ActualActual.ISMA, own)
        bond = ql.FixedRateBond(0, 100.0, own, [float(terms.annual_rate[row])], by_period)
        floating = dates_to(terms.maturity[row], day, 6)
        swap = ql.AssetSwap(True, bond, float(price[row]), half_year, 0.0, floating, count, True)
        swap.setPricingEngine(ql.DiscountingSwapEngine(handle))
        assert got[row] == pytest.approx(swap.fairSpread(), abs=1e-14)


def test_g_spread_of_a_series_and_between_two_governments():
    got = nc.g_spread(
        pd.Series([0.08, np.nan], index=["a", "b"]),
        "2007-06-18",
        government_maturities=["2006-06-18", "2007-06-18"],
        government_yields=[0.02, 0.03],
    )
    assert got.tolist() == pytest.approx([0.05, np.nan], abs=1e-15, nan_ok=True)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"maturity": "2009-01-01"}, "`maturity` must be between 2006-06-18 and 2008-06-17"),
        ({"government_yields": [0.1]}, "must be of one length"),
        ({"government_maturities": ["2008-06-17", "2006-06-18"]}, "`government_maturities` must be rising"),
        ({"government_yields": [0.1, np.nan]}, "`government_yields` must be finite numbers"),
    ],
)
def test_bad_g_spreads_are_named(terms, message):
    given_terms = {
        "annual_yield": 0.08,
        "maturity": "2007-06-18",
        "government_maturities": ["2006-06-18", "2008-06-17"],
        "government_yields": [0.02, 0.04],
    } | terms
    with pytest.raises(TermError, match=message):
        nc.g_spread(**given_terms)


def test_bad_spreads_are_named():
    periods, _ = notes(1)
    terms = {"compounding": "annual", "day_count": "actual/365 fixed"}
    with pytest.raises(TermError, match="`clean_price` must be one that a spread gives; got -500"):
        nc.z_spread(periods, TODAY, -500.0, zero_curve(), **terms)
    with pytest.raises(TermError, match="`frequency` must be 1, 2, 3, 4, 6 or 12"):
        nc.par_asset_swap_spread(periods, TODAY, 100, zero_curve(), frequency=5, day_count="30/360")
    with pytest.raises(TermError, match="on or after the reference date"):
        nc.z_spread(periods, "2004-06-17", 100, zero_curve(), **terms)
    negative = resolve(
        Notes(issue_date=TODAY, maturity="2006-06-18", principal=1, annual_rate=-0.1, frequency=1, day_count="30/360")
    )
    with pytest.raises(TermError, match="no flow is below 0"):
        nc.z_spread(negative, TODAY, 100, zero_curve(), **terms)


@pytest.mark.parametrize(
    ("frequency", "maturity", "accrued"),
    [(2, "2030-12-15", 8 * 16 / 360), (12, "2034-12-15", 8 * 16 / 360)],  # of 30-day months from 15 December on
)
def test_every_price_of_a_note_that_settles_far_along_the_curve_has_a_spread(frequency, maturity, accrued):
    """Off a flat curve of 4% a year, a flow t years after settlement is worth (1.04 + z)**-t there."""
    settlement = np.datetime64("2030-01-01")
    curve = nc.Curve.from_zero_rates(
        "2020-01-01", ["2060-01-01"], [0.04], compounding="annual", day_count="actual/365 fixed",
        interpolation=LINEAR_ZERO,
    )  # fmt: skip
    note = resolve(
        Notes(issue_date="2029-06-15", maturity=maturity, principal=100, annual_rate=0.08, frequency=frequency,
              day_count="30/360")
    )  # fmt: skip
    price = np.linspace(60, 130, 1_400)
    got = nc.z_spread(note, settlement, price, curve, compounding="annual", day_count="actual/365 fixed")
    dates = note.payment_date[note.payment_date > settlement]
    years = (dates - settlement).astype(int) / 365
    amount = np.full(dates.size, 8 / frequency)
    amount[-1] += 100
    back = (amount * (1.04 + got[:, None]) ** -years).sum(axis=1) - accrued
    assert back == pytest.approx(price, rel=5e-14)  # of a spread, ten years' discounts round to 1e-14


@pytest.mark.parametrize(("price", "spread"), [(54.1, 53.9 / 0.2 - 0.05), (53.9, None)])
def test_at_simple_interest_no_price_is_below_the_share_of_the_years_to_settlement(price, spread):
    """108 in two years, a year from now: 108 (1 + u) / (1 + 2 u) at a rate u, which falls to 54."""
    curve = nc.Curve.from_zero_rates(
        TODAY, ["2006-06-18"], [0.05], compounding="simple", day_count="30/360", interpolation=LINEAR_ZERO
    )
    note = resolve(
        Notes(issue_date=TODAY, maturity="2006-06-18", principal=1, annual_rate=0.08, frequency=1, day_count="30/360")
    )
    terms = {"compounding": "simple", "day_count": "30/360"}
    if spread is None:
        with pytest.raises(TermError, match="`clean_price` must be one that a spread gives; got 53.9"):
            nc.z_spread(note, "2005-06-18", price, curve, **terms)
    else:
        assert nc.z_spread(note, "2005-06-18", price, curve, **terms) == pytest.approx(spread, rel=1e-11)


def outcome(function, *args, **terms):
    try:
        return function(*args, **terms).hex()
    except TermError as error:
        return str(error)


@pytest.mark.compiled
@pytest.mark.parametrize("compounding", ["annual", "semi-annual", "continuous", "simple"])
def test_spreads_at_extreme_prices_are_the_same_compiled(monkeypatch, compounding):
    note = resolve(
        Notes(issue_date=TODAY, maturity="2007-06-18", principal=1, annual_rate=0.08, frequency=2, day_count="30/360")
    )
    terms = {"compounding": compounding, "day_count": "actual/365 fixed"}
    for price, day in itertools.product([1e-300, 1e-20, 0.1, 1e4, 1e12, 1e20, 1e150, 1e300], [TODAY, "2004-08-31"]):
        found = set()
        for compile_from in (10**9, 0):
            monkeypatch.setattr(_discounting, "COMPILE_FROM", compile_from)
            found.add(outcome(nc.z_spread, note, day, price, zero_curve(), **terms))
        assert len(found) == 1, (price, day, found)


@pytest.mark.parametrize("price", [1e-4, 1e20, 1e150])
def test_a_spread_at_an_extreme_price_is_exact(price):
    """100 in three years: 100 exp(-3 (r + z))."""
    curve = nc.Curve.from_zero_rates(
        TODAY, ["2010-06-18"], [0.05], compounding="continuous", day_count="30/360", interpolation=LINEAR_ZERO
    )
    note = resolve(
        Notes(issue_date=TODAY, maturity="2007-06-18", principal=1, annual_rate=0, frequency=1, day_count="30/360")
    )
    got = nc.z_spread(note, TODAY, price, curve, compounding="continuous", day_count="30/360")
    assert got == pytest.approx(np.log(100 / price) / 3 - 0.05, rel=1e-14)


def test_a_spread_may_take_all_that_is_not_on_top_of_the_curve_s_rate():
    """100 in a year at -99.99% a year: the spread alone is beyond a total loss."""
    note = resolve(
        Notes(issue_date=TODAY, maturity="2005-06-18", principal=1, annual_rate=0, frequency=1, day_count="30/360")
    )
    got = nc.z_spread(note, TODAY, 1e6, zero_curve(), compounding="annual", day_count="actual/365 fixed")
    assert got == pytest.approx(1e-4 - 1.02, abs=1e-15)


def test_what_is_missing_of_the_flows_is_missing_of_the_spread():
    periods, _ = notes(2)
    terms = {"compounding": "annual", "day_count": "actual/365 fixed", "redemption": [100, np.nan]}
    got = nc.z_spread(periods, TODAY, 100.0, zero_curve(), **terms)
    assert np.isnan(got).tolist() == [False, True]


@pytest.mark.parametrize("frequency", [[2], "2", None, 2.5])
def test_a_frequency_that_is_none_is_named(frequency):
    with pytest.raises(TermError, match="`frequency` must be"):
        nc.par_asset_swap_spread(notes(1)[0], TODAY, 100, zero_curve(), frequency=frequency, day_count="30/360")
