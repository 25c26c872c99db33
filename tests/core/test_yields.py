"""Prices, yields and risk: 50 digits beside them, QuantLib on thousands of bonds, and the laws that they keep."""

from __future__ import annotations

import datetime as dt
import inspect
import itertools

import mpmath
import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

import notecalc as nc
from notecalc.core import _discounting
from notecalc.core._compounding import COMPOUNDING, SIMPLE_INTEREST
from notecalc.core._coupons import Coupons
from notecalc.core._discounting import COMPILE_FROM
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve
from notecalc.errors import TermError

SEMI = {"compounding": "semi-annual", "simple_interest": "never"}
ISSUE, MATURITY = "2004-06-18", "2007-06-18"


def bond(*, issue=ISSUE, maturity=MATURITY, rate=0.08, frequency=2, day_count="30/360", **terms):
    return resolve(
        Notes(
            issue_date=issue,
            maturity=maturity,
            principal=100,
            annual_rate=rate,
            frequency=frequency,
            day_count=day_count,
            **terms,
        )
    )


def many(count, seed, *, years=(1, 30), frequency=(1, 2, 4), day_count="actual/actual icma", rate=(0.005, 0.4)):
    """Regular bonds on the days up to the 28th, and a settlement within each."""
    rng = np.random.default_rng(seed)
    maturity = np.datetime64("2030-01", "M") + rng.integers(0, 600, count)
    issue = (maturity - 12 * rng.integers(*years, count, endpoint=True)).astype("datetime64[D]")
    day = rng.integers(0, 28, count)
    issue, maturity = issue + day, maturity.astype("datetime64[D]") + day
    settlement = issue + (rng.uniform(0, 1, count) * (maturity - issue).astype(int)).astype(int)
    notes = Notes(
        issue_date=issue,
        maturity=maturity,
        principal=100,
        annual_rate=rng.uniform(*rate, count),
        frequency=rng.choice(frequency, count),
        day_count=day_count,
    )
    return resolve(notes), settlement, rng


# ---- 50 digits ----


def exactly(periods, settlement, row, annual_yield, compounding, rule):
    """Dirty price, and first and second derivative, of a regular bond by its days, in 50 digits."""
    notes = periods.notes
    f = int(notes.frequency[row])
    rows = range(periods.offsets[row], periods.offsets[row + 1])
    ends, starts = periods.accrual_end, periods.accrual_start
    left = [k for k in rows if ends[k] > settlement]
    now = left[0]
    wait = mpmath.mpf(int((ends[now] - settlement).astype(int))) / int((ends[now] - starts[now]).astype(int))
    coupon = 100 * mpmath.mpf(float(notes.annual_rate[row])) / f
    amounts = [coupon + (100 if k == left[-1] else 0) for k in left]
    times = [(wait + k) / f for k in range(len(left))]

    def discount(y, k):
        m = f if compounding == "coupon" else COMPOUNDING[compounding]
        if m == -1:
            return 1 / (1 + y * times[k])

        def grow(t):
            return mpmath.exp(-y * t) if m == 0 else (1 + y / mpmath.mpf(m)) ** (-m * t)

        if rule == "first-period" or (rule == "last-period" and len(left) == 1):
            return grow(times[k] - times[0]) / (1 + y * times[0])
        return grow(times[k])

    def price(y):
        return mpmath.fsum(amount * discount(y, k) for k, amount in enumerate(amounts))

    y = mpmath.mpf(float(annual_yield))
    weighted = mpmath.fsum(times[k] * amount * discount(y, k) for k, amount in enumerate(amounts))
    h = mpmath.mpf("1e-15")  # of whose square nothing is left in a float
    below, worth, above = price(y - h), price(y), price(y + h)
    return price, worth, (above - below) / (2 * h), (above - 2 * worth + below) / h**2, weighted


def nasty():
    """Bonds at the edges: long, near maturity, with coupons and yields very small, large or negative."""
    yields, days_left = (-0.02, -1e-9, 0.0, 1e-12, 0.03, 0.6), (1, 3 * 365 + 100, None)
    return list(itertools.product((1, 10, 100), (0.005, 0.08, 0.4), yields, days_left))


def nasty_bonds():
    cases = nasty()
    issue = np.datetime64("2004-06-18")
    maturity = np.array([np.datetime64(f"{2004 + years}-06-18") for years, *_ in cases])
    settlement = np.array(
        [
            issue + 77 if left is None or end - left < issue else end - left
            for (*_, left), end in zip(cases, maturity, strict=True)
        ]
    )
    notes = Notes(
        issue_date=issue,
        maturity=maturity,
        principal=100,
        annual_rate=[rate for _, rate, _, _ in cases],
        frequency=2,
        day_count="actual/actual icma",
    )
    return resolve(notes), settlement, np.array([y for _, _, y, _ in cases])


# In units of a float's last digits (2.2e-16) of the quantity, and for yields of what a last digit of the price moves.
CONVENTIONS = [
    ("semi-annual", "never"),
    ("coupon", "last-period"),
    ("annual", "first-period"),
    ("continuous", "never"),
    ("monthly", "never"),
    ("simple", "never"),
]


@pytest.mark.parametrize(("compounding", "rule"), CONVENTIONS, ids=[" ".join(pair) for pair in CONVENTIONS])
def test_nasty_bonds_to_the_last_digits(compounding, rule):
    """Prices within 4e-15 of themselves, measures within 1e-14; yields within 4e-15 and what rounding of price moves."""
    periods, settlement, yields = nasty_bonds()
    if compounding == "simple":
        yields = np.maximum(yields, -1e-9)  # over 100 years -2% simple is a total loss
    terms = {"compounding": compounding, "simple_interest": rule}
    dirty = nc.dirty_price(periods, settlement, yields, **terms)
    clean = nc.clean_price(periods, settlement, yields, **terms)
    durations = nc.modified_duration(periods, settlement, yields, **terms)
    macaulay = nc.macaulay_duration(periods, settlement, yields, **terms)
    convexities = nc.convexity(periods, settlement, yields, **terms)
    solved = nc.yield_to_maturity(periods, settlement, clean, **terms)
    accrued = dirty - clean
    with mpmath.workdps(50):
        for row, y in enumerate(yields):
            price, worth, slope, bend, weighted = exactly(periods, settlement[row], row, y, compounding, rule)
            assert abs(dirty[row] / worth - 1) < 4e-15
            assert abs(durations[row] / (-slope / worth) - 1) < 1e-14
            assert abs(macaulay[row] / (weighted / worth) - 1) < 1e-14
            assert abs(convexities[row] / (bend / worth) - 1) < 1e-14
            paid = mpmath.mpf(float(clean[row])) + mpmath.mpf(float(accrued[row]))
            root = mpmath.findroot(lambda x: price(x) - paid, y, solver="secant", tol=1e-60, verify=False)  # noqa: B023
            moved = 8 * np.spacing(float(paid)) / abs(float(slope))
            assert abs(solved[row] - root) < 4e-15 * max(1, abs(y)) + moved, (row, float(solved[row] - root), moved)


# ---- QuantLib ----


def ql_date(day):
    day = day.astype(dt.date) if isinstance(day, np.datetime64) else day
    return ql.Date(day.day, day.month, day.year)


def ql_bond(periods, row):
    notes = periods.notes
    f = int(notes.frequency[row])
    schedule = ql.Schedule(
        ql_date(notes.issue_date[row]),
        ql_date(notes.maturity[row]),
        ql.Period(12 // f, ql.Months),
        ql.NullCalendar(),
        ql.Unadjusted,
        ql.Unadjusted,
        ql.DateGeneration.Backward,
        False,
    )
    count = ql.ActualActual(ql.ActualActual.ISMA, schedule)
    return (
        ql.FixedRateBond(0, 100.0, schedule, [float(notes.annual_rate[row])], count),
        count,
        ql.Period(12 // f, ql.Months).frequency(),
    )


IN_QUANTLIB = {"never": ql.Compounded, "first-period": ql.SimpleThenCompounded}


@pytest.mark.parametrize("rule", IN_QUANTLIB)
def test_thousands_of_bonds_agree_with_quantlib(rule):
    """QuantLib's own yields are solved to 1e-12 of a price, so that they are compared through their prices."""
    count = 2_000 if rule == "never" else 500
    periods, settlement, rng = many(count, seed=4)
    yields = rng.uniform(0.001, 0.3, count)
    terms = {"compounding": "coupon", "simple_interest": rule}
    clean = nc.clean_price(periods, settlement, yields, **terms)
    solved = nc.yield_to_maturity(periods, settlement, clean, **terms)
    measures = [
        measure(periods, settlement, yields, **terms)
        for measure in (nc.macaulay_duration, nc.modified_duration, nc.convexity)
    ]
    for row in range(count):
        theirs, day_count, f = ql_bond(periods, row)
        day = ql_date(settlement[row])
        rate = ql.InterestRate(float(yields[row]), day_count, IN_QUANTLIB[rule], f)
        assert clean[row] == pytest.approx(ql.BondFunctions.cleanPrice(theirs, rate, day), rel=1e-12)
        back = ql.BondFunctions.bondYield(
            theirs,
            ql.BondPrice(float(clean[row]), ql.BondPrice.Clean),
            day_count,
            IN_QUANTLIB[rule],
            f,
            day,
            1e-13,
            500,
        )
        assert solved[row] == pytest.approx(back, abs=1e-11)
        if rule == "never":
            assert measures[0][row] == pytest.approx(
                ql.BondFunctions.duration(theirs, rate, ql.Duration.Macaulay, day), rel=1e-11
            )
            assert measures[1][row] == pytest.approx(
                ql.BondFunctions.duration(theirs, rate, ql.Duration.Modified, day), rel=1e-11
            )
            assert measures[2][row] == pytest.approx(ql.BondFunctions.convexity(theirs, rate, day), rel=1e-11)


# ---- laws ----

COMPOUNDINGS = st.sampled_from([*COMPOUNDING, "coupon"])
RULES = st.sampled_from(SIMPLE_INTEREST)
DAY_COUNTS = st.sampled_from(["30/360", "actual/360", "actual/actual icma", "actual/actual isda"])


@st.composite
def notes_and_settlements(draw):
    issue = draw(st.dates(dt.date(1995, 1, 1), dt.date(2060, 1, 1)))
    life = draw(st.integers(20, 9_000))
    periods = bond(
        issue=issue,
        maturity=issue + dt.timedelta(days=life),
        rate=draw(st.floats(0.001, 0.4)),
        frequency=draw(st.sampled_from([1, 2, 4, 12])),
        day_count=draw(DAY_COUNTS),
        stub=draw(st.sampled_from(["short", "long"])),
        generation=draw(st.sampled_from(["forward", "backward"])),
    )
    return periods, issue + dt.timedelta(days=draw(st.integers(0, life - 1)))


@given(notes_and_settlements(), st.floats(0.0, 0.5), st.floats(1e-6, 0.2), COMPOUNDINGS, RULES)
def test_price_falls_as_yield_rises(note, low, more, compounding, rule):
    periods, day = note
    terms = {"compounding": compounding, "simple_interest": rule}
    assert nc.clean_price(periods, day, low + more, **terms) < nc.clean_price(periods, day, low, **terms)


@given(
    notes_and_settlements(), st.floats(-0.01, 0.5), COMPOUNDINGS, RULES, st.sampled_from(["street", "actual/365 fixed"])
)
def test_yield_of_a_price_is_the_yield_that_set_it(note, annual_yield, compounding, rule, timing):
    periods, day = note
    terms = {"compounding": compounding, "simple_interest": rule, "timing": timing}
    price = nc.clean_price(periods, day, annual_yield, **terms)
    loss = nc.dv01(periods, day, annual_yield, **terms) * 1e4
    # what rounding of a price and of its accrued interest moves a yield by, and a few last digits
    room = 16 * np.spacing(200.0) / loss + 1e-14
    assert nc.yield_to_maturity(periods, day, price, **terms) == pytest.approx(annual_yield, abs=room)


@given(notes_and_settlements(), st.floats(-0.01, 0.5), COMPOUNDINGS, RULES)
def test_dv01_is_half_the_difference_of_bumped_prices(note, annual_yield, compounding, rule):
    periods, day = note
    terms = {"compounding": compounding, "simple_interest": rule}
    down, up = (nc.dirty_price(periods, day, annual_yield + bump, **terms) for bump in (-1e-4, 1e-4))
    got = nc.dv01(periods, day, annual_yield, **terms)
    # the third derivative leaves P T (T + 1)^2 1e-12 / 6 at most, with T below 25 years; rounding 1e-13 of a price
    assert got == pytest.approx((down - up) / 2, rel=2e-6 * 25, abs=1e-11)


@given(notes_and_settlements(), st.floats(0.0, 0.3))
def test_clean_price_and_accrued_interest_are_the_dirty_price(note, annual_yield):
    periods, day = note
    whole = nc.dirty_price(periods, day, annual_yield, **SEMI)
    clean = nc.clean_price(periods, day, annual_yield, **SEMI)
    issue = periods.accrual_start[0]
    earned = nc.interest_between(periods, 100, float(periods.notes.annual_rate[0]), issue, day)
    paid = 100 * periods.notes.annual_rate[0] * periods.fraction[periods.accrual_end <= np.datetime64(day)].sum()
    assert whole - clean == pytest.approx(earned - paid, abs=1e-11)


@given(notes_and_settlements(), st.floats(0.001, 0.3))
def test_rate_of_return_of_a_note_bought_at_its_price_is_its_yield(note, annual_yield):
    periods, day = note
    terms = {"compounding": "annual", "simple_interest": "never", "timing": "actual/365 fixed"}
    price = nc.dirty_price(periods, day, annual_yield, **terms)
    left = periods.accrual_end > np.datetime64(day)
    coupons = 100 * periods.notes.annual_rate[0] * periods.fraction[left]
    coupons[-1] += 100
    dates = [np.datetime64(day), *periods.payment_date[left]]
    assert nc.irr(dates, [-price, *coupons]) == pytest.approx(annual_yield, abs=1e-11)


def test_the_yield_of_a_par_note_on_a_coupon_date_is_its_rate():
    assert nc.yield_to_maturity(bond(), "2005-06-18", 100, **SEMI) == pytest.approx(0.08, abs=1e-15)


def test_a_zero_coupon_note():
    periods = bond(rate=0, maturity="2006-06-18", frequency=0)
    terms = {"compounding": "annual", "simple_interest": "never"}
    assert nc.clean_price(periods, ISSUE, 0.1, **terms) == pytest.approx(100 / 1.21, rel=1e-15)
    assert nc.yield_to_maturity(periods, ISSUE, 100 / 1.21, **terms) == pytest.approx(0.1, abs=1e-15)


def test_a_negative_coupon_has_one_yield_all_the_same():
    # pays -1, and then 99
    periods = bond(rate=-0.01, frequency=1, maturity="2006-06-18")
    price = -1 / 1.02 + 99 / 1.02**2
    got = nc.yield_to_maturity(periods, ISSUE, price, compounding="annual", simple_interest="never")
    assert got == pytest.approx(0.02, abs=1e-14)


def test_an_odd_first_coupon_counts_the_regular_periods_it_reaches_into():
    # issue 2004-01-18, first coupon 2004-12-18: 5 of 6 months of a period, then a whole one
    periods = bond(issue="2004-01-18", first_coupon="2004-12-18", maturity="2005-06-18", day_count="30/360")
    v = 1 / 1.03
    long_coupon = 100 * 0.08 * 330 / 360
    expected = long_coupon * v ** (330 / 180) + 104 * v ** (330 / 180 + 1)
    assert nc.dirty_price(periods, "2004-01-18", 0.06, **SEMI) == pytest.approx(expected, rel=1e-14)


def test_an_odd_last_coupon_is_discounted_over_its_part_of_a_period():
    periods = bond(issue="2004-06-18", last_coupon="2005-06-18", maturity="2005-09-18", day_count="30/360")
    v = 1 / 1.03
    expected = 4 * v + 4 * v**2 + (100 + 2) * v**2.5
    assert nc.dirty_price(periods, "2004-06-18", 0.06, **SEMI) == pytest.approx(expected, rel=1e-14)


class TestExInterest:
    CUM = bond()
    EX = bond(ex_days=7, ex_day_type="calendar")

    def test_from_the_ex_date_on_accrued_interest_is_negative(self):
        # 6 of 180 days are left on 2004-12-12
        dirty, clean = (price(self.EX, "2004-12-12", 0.06, **SEMI) for price in (nc.dirty_price, nc.clean_price))
        assert dirty - clean == pytest.approx(-100 * 0.08 * 6 / 360, abs=1e-12)

    def test_the_coupon_is_another_s(self):
        cum, ex = (nc.dirty_price(periods, "2004-12-12", 0.06, **SEMI) for periods in (self.CUM, self.EX))
        assert cum - ex == pytest.approx(4 / 1.03 ** (6 / 180), rel=1e-13)

    @pytest.mark.parametrize("coupon_rate", [None, [0.08] * 6], ids=["of the note", "of periods"])
    def test_the_first_day_is_the_ex_date(self, coupon_rate):
        before, on = (
            [nc.dirty_price(periods, day, 0.06, **SEMI, coupon_rate=coupon_rate) for periods in (self.CUM, self.EX)]
            for day in ("2004-12-10", "2004-12-11")
        )
        assert before[0] == before[1]
        assert on[0] - on[1] == pytest.approx(4 / 1.03 ** (7 / 180), rel=1e-13)

    def test_and_back(self):
        price = nc.clean_price(self.EX, "2007-06-14", 0.06, **SEMI)
        assert nc.yield_to_maturity(self.EX, "2007-06-14", price, **SEMI) == pytest.approx(0.06, abs=1e-11)

    def test_a_spread_is_over_what_the_buyer_gets(self):
        curve = nc.Curve.from_zero_rates(
            ISSUE, ["2010-06-18"], [0.05], compounding="annual", day_count="30/360", interpolation="linear-zero-rates"
        )
        price = 100 / 1.07 ** (6 / 360) + 8 * 6 / 360  # the last coupon is another's; 6 days are accrued back
        last = bond(maturity="2004-12-18", ex_days=7, ex_day_type="calendar")
        got = nc.z_spread(last, "2004-12-12", price, curve, compounding="annual", day_count="30/360")
        assert got == pytest.approx(0.02, abs=1e-11)


class TestWorkouts:
    PERIODS = bond()

    def test_a_call_between_coupons_pays_what_has_accrued(self):
        # 104 at three quarters of a year with 2 accrued, after a coupon of 4
        price = 4 / 1.05 + 106 / 1.05**1.5
        got = nc.yield_to_call(self.PERIODS, ISSUE, price, call_date="2005-03-18", call_price=104, **SEMI)
        assert got == pytest.approx(0.1, abs=1e-14)

    def test_in_the_running_period(self):
        price = 102 / 1.05**0.25 - 2  # 90 days in, 2 accrued; called 45 days on at 99 with 3 accrued
        got = nc.yield_to_call(self.PERIODS, "2004-09-18", price, call_date="2004-11-03", call_price=99, **SEMI)
        assert got == pytest.approx(0.1, abs=1e-14)

    def test_at_maturity_for_100_it_is_the_yield_to_maturity(self):
        got = nc.yield_to_put(self.PERIODS, "2005-01-31", 97, put_date=MATURITY, put_price=100, **SEMI)
        assert got == pytest.approx(nc.yield_to_maturity(self.PERIODS, "2005-01-31", 97, **SEMI), abs=1e-14)

    def test_the_worst_of_many_notes_and_calls(self):
        periods = resolve(
            Notes(
                issue_date=ISSUE,
                maturity=MATURITY,
                principal=100,
                annual_rate=[0.04, 0.08, 0.08],
                frequency=2,
                day_count="30/360",
            )
        )
        dates = [["2005-06-18"] * 3, ["2006-06-18"] * 3, [None] * 3]
        price = pd.Series([100.0, 104.0, np.nan], index=list("abc"))
        worst = nc.yield_to_worst(
            periods, ISSUE, price, call_date=dates, call_price=[[102.0], [101.0], [100.0]], **SEMI
        )
        assert worst.annual_yield.index.tolist() == list("abc")
        # at par no call pays less than maturity; 104 = 4 v + 106 v^2 for the second
        v = (np.sqrt(16 + 4 * 106 * 104) - 4) / (2 * 106)
        assert worst.annual_yield.to_numpy() == pytest.approx([0.04, 2 * (1 / v - 1), np.nan], abs=1e-13, nan_ok=True)
        assert worst.workout_date.to_numpy().astype("datetime64[D]").astype(str).tolist() == [
            "2007-06-18",
            "2005-06-18",
            "NaT",
        ]

    def test_a_call_that_is_past_has_no_yield(self):
        got = nc.yield_to_call(self.PERIODS, "2005-06-18", [100], call_date=["2005-06-18"], call_price=100, **SEMI)
        assert np.isnan(got).all()

    def test_by_payment_dates(self):
        terms = {"compounding": "annual", "simple_interest": "never", "timing": "actual/365 fixed"}
        price = 4 / 1.1 ** (183 / 365) + 106 / 1.1 ** (273 / 365)
        got = nc.yield_to_call(self.PERIODS, ISSUE, price, call_date="2005-03-18", call_price=104, **terms)
        assert got == pytest.approx(0.1, abs=1e-14)

    def test_a_call_after_maturity(self):
        with pytest.raises(TermError, match="`call_date` must be up to maturity; got '2008-01-01'"):
            nc.yield_to_call(self.PERIODS, ISSUE, 100, call_date="2008-01-01", call_price=100, **SEMI)


def test_forward_price_carries_and_gives_up_the_coupon():
    got = nc.forward_price(bond(), "2004-09-18", 99, forward_date="2005-03-18", repo_rate=0.05, day_count="30/360")
    assert got == pytest.approx(101 * 1.025 - 4 * 1.0125 - 2, abs=1e-12)


def test_forward_price_of_a_note_delivered_ex_interest():
    got = nc.forward_price(
        bond(ex_days=7, ex_day_type="calendar"),
        "2004-09-18",
        99,
        forward_date="2004-12-12",
        repo_rate=0.05,
        day_count="30/360",
    )
    assert got == pytest.approx(101 * (1 + 0.05 * 84 / 360) - 4 / (1 + 0.05 * 6 / 360) + 8 * 6 / 360, abs=1e-12)


# ---- shapes, kinds, what is missing, what is wrong ----


@pytest.mark.parametrize("function", [nc.clean_price, nc.dirty_price, nc.macaulay_duration, nc.convexity, nc.dv01])
def test_a_formula_is_shown_as_the_function_that_it_becomes(function):
    names = ["periods", "settlement", "annual_yield", "compounding", "simple_interest", "flow_terms"]
    assert list(inspect.signature(function).parameters) == names
    assert function.__module__ in {"notecalc.core.prices", "notecalc.core.risk"}
    assert ">>> " in function.__doc__


@pytest.mark.parametrize("price", [1e-280, 0.01, 1e4, 1e9])
def test_prices_far_from_par_have_yields(price):
    periods = resolve(
        Notes(
            issue_date=ISSUE,
            maturity=["2005-06-18", "2014-06-18", "2104-06-18"],
            principal=100,
            annual_rate=[0.0, 0.08, 0.4],
            frequency=2,
            day_count="30/360",
        )
    )
    terms = {"compounding": "continuous", "simple_interest": "never"}
    got = nc.yield_to_maturity(periods, ISSUE, price, **terms)
    # a rounding of the yield moves the price by as much of itself as its duration, at most the life
    room = 4 * np.spacing(np.abs(got)) * [1, 10, 100] + 1e-13
    assert np.abs(nc.clean_price(periods, ISSUE, got, **terms) / price - 1).tolist() <= room.tolist()


def test_one_note_on_many_days_and_grids():
    days = np.array(["2004-06-18", "2005-01-31"], dtype="datetime64[D]")
    row = nc.clean_price(bond(), days, 0.06, **SEMI)
    assert row.shape == (2,)
    grid = nc.clean_price(bond(), days, np.array([[0.06], [0.07]]), **SEMI)
    assert grid.shape == (2, 2)
    assert grid[0].tolist() == row.tolist()
    assert grid[1, 1] == nc.clean_price(bond(), days[1], 0.07, **SEMI)


def test_a_series_comes_back_as_one():
    price = pd.Series([99.0, 101.0], index=["a", "b"], name="clean")
    got = nc.yield_to_maturity(bond(rate=[0.08, 0.04]), ISSUE, price, **SEMI)
    assert got.index.tolist() == ["a", "b"]
    assert isinstance(nc.yield_to_maturity(bond(), ISSUE, 99, **SEMI), float)


def test_what_is_missing_stays_missing():
    periods = bond(rate=[0.08, 0.08, 0.08])
    days = np.array([ISSUE, "NaT", ISSUE], dtype="datetime64[D]")
    got = nc.yield_to_maturity(periods, days, [100, 100, np.nan], **SEMI)
    assert np.isnan(got).tolist() == [False, True, True]
    for measure in (nc.clean_price, nc.dirty_price, nc.convexity, nc.dv01):
        got = measure(periods, days, [0.08, 0.08, np.nan], **SEMI)
        assert np.isnan(got).tolist() == [False, True, True]
    assert np.isnan(nc.current_yield(periods, days, [100, 100, np.nan])).tolist() == [False, True, True]


@pytest.mark.compiled
def test_long_columns_come_in_blocks_and_give_the_same():
    periods, settlement, rng = many(40_000, seed=9, years=(1, 3))
    yields = rng.uniform(0.0, 0.2, 40_000)
    terms = {"compounding": "coupon", "simple_interest": "last-period"}
    price = nc.clean_price(periods, settlement, yields, **terms)
    got = nc.yield_to_maturity(periods, settlement, price, **terms)
    flows = Coupons.of(periods).ahead_of(np.arange(40_000), settlement)
    time, f = flows.time, periods.notes.frequency[flows.row]
    y = np.repeat(yields, np.diff(flows.offsets))
    count = np.repeat(np.diff(flows.offsets), np.diff(flows.offsets))
    discount = np.where(count == 1, 1 / (1 + y * time), (1 + y / f) ** (-f * time))
    expected = np.add.reduceat(flows.amount * discount, flows.offsets[:-1]) - flows.accrued
    assert price == pytest.approx(expected, rel=1e-13)
    # a day before maturity a last digit of the price moves a yield by 1e-13
    assert got == pytest.approx(yields, abs=3e-13)


def test_a_row_of_a_late_block_is_named():
    count = 20_000
    periods = resolve(
        Notes(
            issue_date=ISSUE,
            maturity=MATURITY,
            principal=100,
            annual_rate=np.full(count, 0.08),
            frequency=1,
            day_count="30/360",
        )
    )
    price = np.full(count, 100.0)
    price[17_000] = -5
    with pytest.raises(TermError, match=r"dirty price is above 0; got -5.0 at row 17000"):
        nc.yield_to_maturity(periods, ISSUE, price, **SEMI)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"settlement": "2004-06-17"}, "`settlement` must be on or after issue; got '2004-06-17'"),
        ({"settlement": MATURITY}, "`settlement` must be before maturity"),
        ({"compounding": "semiannual"}, "`compounding` must be .*Did you mean 'semi-annual'"),
        ({"simple_interest": "last"}, "`simple_interest` must be 'never', 'last-period' or 'first-period'"),
        ({"clean_price": np.inf}, "`clean_price` must be a finite number"),
        ({"clean_price": 0.0}, "`clean_price` must be such that the dirty price is above 0"),
        ({"coupon_rate": [0.1]}, "`coupon_rate` must be one rate for each period"),
        ({"redemption": np.inf}, "`redemption` must be a finite number"),
        ({"timing": "31/360"}, "`day_count` must be"),
        ({"clean_price": [1.0, 2.0], "settlement": [ISSUE] * 3}, "shapes broadcast together"),
    ],
)
def test_bad_input_is_named(terms, message):
    given_terms = {"settlement": ISSUE, "clean_price": 100.0} | SEMI | terms
    with pytest.raises(TermError, match=message):
        nc.yield_to_maturity(bond(), **given_terms)


@pytest.mark.parametrize(("annual_yield", "compounding"), [(-2.0, "semi-annual"), (-1.5, "annual"), (-0.5, "simple")])
def test_a_yield_of_more_than_a_total_loss(annual_yield, compounding):
    with pytest.raises(TermError, match="`annual_yield` must be above minus the compoundings"):
        nc.clean_price(bond(), ISSUE, annual_yield, compounding=compounding, simple_interest="never")


def test_compounding_by_the_coupon_needs_coupons():
    with pytest.raises(TermError, match="`compounding` must be named where a note has no coupons"):
        nc.clean_price(bond(frequency=0), ISSUE, 0.1, compounding="coupon", simple_interest="never")


def test_negative_coupons_at_simple_interest_are_refused():
    periods = bond(rate=-0.9, frequency=1, maturity="2006-06-18")
    with pytest.raises(TermError, match="a price that exactly one yield gives; got 'flows below 0 at simple interest'"):
        nc.yield_to_maturity(periods, ISSUE, 100.0, compounding="annual", simple_interest="first-period")


def test_the_threshold_for_compiled_code_is_small_enough_for_these_tests_to_cross_it():
    assert len(many(2_000, seed=4)[0]) > COMPILE_FROM


@pytest.mark.parametrize("simple_interest", ["never", "last-period", "first-period"])
def test_a_note_without_coupons_compounds_beyond_a_compounding_period(simple_interest):
    """Ten years at 6% semi-annually, and three months, which are half of a half year's 3%, or its square root."""
    notes = Notes(issue_date="2004-06-18", maturity=["2014-06-18", "2004-09-18"], principal=100, annual_rate=0.0,
                  frequency=0, day_count="30/360")  # fmt: skip
    terms = {"compounding": "semi-annual", "simple_interest": simple_interest}
    prices = nc.clean_price(resolve(notes), "2004-06-18", 0.06, **terms)
    short = 100 / 1.03**0.5 if simple_interest == "never" else 100 / 1.015
    assert prices.tolist() == pytest.approx([100 / 1.03**20, short], rel=1e-14)
    assert nc.yield_to_maturity(resolve(notes), "2004-06-18", prices, **terms).tolist() == pytest.approx(
        [0.06] * 2, abs=1e-15
    )


@pytest.mark.parametrize("compounding", ["continuous", "coupon"])
def test_without_coupons_and_without_compounding_periods_nothing_is_simple(compounding):
    notes = Notes(
        issue_date="2004-06-18", maturity="2014-06-18", principal=100, annual_rate=0.0, frequency=0, day_count="30/360"
    )
    terms = {"compounding": compounding, "simple_interest": "last-period"}
    if compounding == "coupon":
        with pytest.raises(nc.TermError, match="`compounding` must be named where a note has no coupons in the year"):
            nc.clean_price(resolve(notes), "2004-06-18", 0.06, **terms)
    else:
        assert nc.clean_price(resolve(notes), "2004-06-18", 0.06, **terms) == pytest.approx(
            100 * np.exp(-0.6), rel=1e-14
        )


@pytest.mark.parametrize("years", [1, 3, 16, 30])
@pytest.mark.parametrize("rate", [0.0, 0.03, 0.4])
@pytest.mark.parametrize(
    ("compounding", "simple_interest"),
    [*itertools.product(["simple"], SIMPLE_INTEREST), ("semi-annual", "first-period"), ("monthly", "first-period"),
     ("continuous", "first-period")],
)  # fmt: skip
def test_where_interest_is_simple_every_price_has_its_yield(years, rate, compounding, simple_interest):
    """As Brent (1973) finds it between the yield of an infinite price and a million."""
    m = COMPOUNDING[compounding]
    wait = 17 / 360  # 1 to 18 December
    time = wait + np.arange(2 * years) / 2
    amount = np.full(time.size, 50 * rate)
    amount[-1] += 100
    pole = -1 / time[-1] if m < 0 else max(-1 / wait, -m) if m > 0 else -1 / wait

    def dirty(y):
        if m < 0:
            return (amount / (1 + y * time)).sum()
        later = time - wait
        return (amount * (np.exp(-y * later) if m == 0 else (1 + y / m) ** (-m * later))).sum() / (1 + y * wait)

    periods = bond(maturity=f"{2004 + years}-06-18", rate=rate)
    price = np.geomspace(5, 2_000, 7)
    terms = {"compounding": compounding, "simple_interest": simple_interest}
    got = nc.yield_to_maturity(periods, "2004-12-01", price, **terms)
    accrued = 100 * rate * 163 / 360
    for p, y in zip(price, got, strict=True):
        target = p + accrued
        low = next(low for low in pole * (1 - np.geomspace(0.5, 1e-9, 20)) if dirty(low) > target)
        exact = brentq(lambda y, target=target: dirty(y) - target, low, 1e6, xtol=1e-16, maxiter=1_000)
        assert y == pytest.approx(exact, rel=1e-13, abs=1e-14)


@pytest.mark.compiled
@pytest.mark.parametrize("simple_interest", ["never", "first-period"])
@pytest.mark.parametrize("compounding", ["semi-annual", "annual", "continuous", "simple"])
def test_yields_at_extreme_prices_are_the_same_compiled(monkeypatch, compounding, simple_interest):
    terms = {"compounding": compounding, "simple_interest": simple_interest}
    prices = [1e-300, 1e-20, 0.1, 1e4, 1e8, 1e12, 1e20, 1e150, 1e300]
    for rate, day, price in itertools.product([0.0, 0.08], [ISSUE, "2004-08-31"], prices):
        found = set()
        for compile_from in (10**9, 0):
            monkeypatch.setattr(_discounting, "COMPILE_FROM", compile_from)
            try:
                found.add(nc.yield_to_maturity(bond(rate=rate), day, price, **terms).hex())
            except TermError as error:
                found.add(str(error))
        assert len(found) == 1, (rate, day, price, found)


def test_a_yield_near_a_total_loss_gives_its_price_back():
    """1 + y / 2 is 6e-4, of which the last digit of the yield is 2e-13, and six periods make 1.1e-12 of it."""
    terms = SEMI
    got = nc.yield_to_maturity(bond(), "2004-08-31", 1e20, **terms)
    assert nc.clean_price(bond(), "2004-08-31", got, **terms) == pytest.approx(1e20, rel=3e-12)


@pytest.mark.parametrize("compounding", ["simple", "semi-annual"])
def test_a_price_that_only_a_total_loss_gives_is_refused(compounding):
    with pytest.raises(TermError, match='exactly one yield gives; got "0 within a float\'s range"'):
        nc.yield_to_maturity(bond(), ISSUE, 1e300, compounding=compounding, simple_interest="never")


@pytest.mark.parametrize("count", [1, 2_000])
def test_what_is_missing_of_the_flows_is_missing_of_price_and_yield(count):
    redemption = np.full(count, 100.0)
    redemption[-1] = np.nan
    periods = bond(rate=np.full(count, 0.08))
    for function, value in ((nc.yield_to_maturity, 100.0), (nc.clean_price, 0.05)):
        got = function(periods, ISSUE, [value], redemption=redemption, **SEMI)
        assert np.flatnonzero(np.isnan(got)).tolist() == [count - 1]
