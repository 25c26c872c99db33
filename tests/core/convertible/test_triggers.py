"""Calls on so many days out of so many, beside a simulation that counts the days, and what is known of random walks."""

from __future__ import annotations

import math

import numpy as np
import pytest

import notecalc as nc
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._case import Case
from notecalc.core.convertible.terms import CallWindow
from notecalc.core.convertible.triggers import REACHED, on_the_day_trigger, opening_day_trigger
from notecalc.core.convertible.valuation import convertible_value

DAY = "2004-06-18"
BETA = 0.582597157939011  # -zeta(1/2) / sqrt(2 pi) (J. Chernoff 1965)
RATIO = 100 / 1.85


@pytest.mark.parametrize("of", REACHED)
def test_one_day_is_the_continuity_correction(of):
    got = on_the_day_trigger(1.5, 0.4, needed=1, of=of, days_a_year=252)
    # three standard errors of the table, over a day's deviation
    assert math.log(got / 1.5) * math.sqrt(252) / 0.4 == pytest.approx(BETA, abs=0.003)
    assert opening_day_trigger(1.5, 0.4, needed=1, of=of, days_a_year=252) == 1.5


@pytest.mark.parametrize("days", [10, 15, 20, 30])
def test_days_in_a_row_approach_the_parisian_option(days):
    """A Brownian excursion of length D ends at sqrt(pi D / 2) in the mean; a walk is off by its overshoot, below."""
    got = on_the_day_trigger(1.0, 1.0, needed=days, of=days, days_a_year=1)
    assert math.log(got) == pytest.approx(math.sqrt(math.pi * days / 2) - BETA, abs=0.05)


@pytest.mark.parametrize("of", REACHED)
def test_more_days_are_a_higher_trigger_and_a_longer_look_a_lower_one(of):
    triggers = [on_the_day_trigger(1.0, 0.5, needed=n, of=of, days_a_year=252) for n in range(1, of + 1)]
    assert (np.diff(triggers) > 0).all()
    first = [opening_day_trigger(1.0, 0.5, needed=n, of=of, days_a_year=252) for n in range(1, of + 1)]
    assert (np.diff(first) > 0).all()
    assert (np.array(first) < triggers).all()
    if of > 5:
        shorter = [on_the_day_trigger(1.0, 0.5, needed=n, of=5, days_a_year=252) for n in range(2, 6)]
        assert (np.array(shorter) > triggers[1:5]).all()


def counted(rng, pairs, *, stock, vol, rate, hazard, recovery, trigger, needed, of):
    """Worth of notes called on the first day from year 1 on which enough of the last days were at the trigger.

    By path: under the rule, and under the same trigger on the day, each watched once a day, 252 to the year.
    """
    days, dt, coupons = 756, 1 / 252, {126, 252, 378, 504, 630}
    half = rng.standard_normal((days, pairs))
    steps = np.concatenate([half, -half], axis=1) * vol * np.sqrt(dt) + (rate + hazard - vol**2 / 2) * dt
    prices = stock * np.exp(np.cumsum(steps, axis=0))
    above = prices >= trigger
    total = np.cumsum(np.concatenate([np.zeros((of, 2 * pairs), dtype=int), above]), axis=0)
    enough = (total[of:] - total[:-of] >= needed) & above
    day = np.arange(1, days + 1)
    weight = np.exp(-(rate + hazard) * dt * day)
    paid = np.cumsum([4.0 * weight[d - 1] * (d in coupons) + hazard * dt * recovery * 100 * weight[d - 1] for d in day])
    results = []
    for may_call in (enough, above):
        open_ = may_call & (day >= 252)[:, None] & (day < days)[:, None]
        first = np.where(open_.any(axis=0), open_.argmax(axis=0), days - 1)
        at = prices[first, np.arange(2 * pairs)]
        worth = np.where(first == days - 1, np.maximum(104.0, RATIO * at), RATIO * at)
        worth = paid[first] + weight[first] * worth
        results.append((worth[:pairs] + worth[pairs:]) / 2)
    return results


@pytest.mark.compiled
@pytest.mark.parametrize(("vol", "allowed"), [(0.3, 0.15), (0.6, 0.35)])
@pytest.mark.parametrize("stock", [1.5, 2.2])
def test_twenty_of_thirty_days_beside_a_simulation_that_counts_them(make, vol, allowed, stock):
    """The difference that the rule makes to a call on the day: errors are those of the docstring, with the first day's.

    Without the trigger's move all of the difference would be missed.
    """
    rule, on_the_day = counted(
        np.random.default_rng(20040618), 6_000, stock=stock, vol=vol, rate=0.03, hazard=0.05, recovery=0.3,
        trigger=1.4 * 1.85, needed=20, of=30,
    )  # fmt: skip
    daily = on_the_day_trigger(1.4, vol, needed=1, of=30, days_a_year=252)
    values = [
        convertible_value(
            make(terms={"calls": calls}), DAY, stock_price=stock, volatility=vol, risk_free=0.03, accuracy="reference",
            model="ayache-forsyth-vetzal", hazard_rate=0.05, recovery_rate=0.3, stock_drop=1.0,
        ).dirty_price
        for calls in (
            [CallWindow(clean_price=100, trigger=1.4, days=(20, 30), start="2005-06-18")],
            [CallWindow(clean_price=100, trigger=daily, start="2005-06-18")],
        )
    ]  # fmt: skip
    difference = rule - on_the_day
    error = difference.std() / np.sqrt(difference.size)
    assert error < 0.15
    assert values[0] - values[1] == pytest.approx(difference.mean(), abs=3 * error + allowed)
    assert difference.mean() > 3 * error + allowed  # so that the test would fail without the method


MARKET = {
    "risk_free": 0.03, "model": "ayache-forsyth-vetzal", "hazard_rate": 0.05, "recovery_rate": 0.3, "stock_drop": 1.0,
}  # fmt: skip
COUNTING = {"calls": [CallWindow(clean_price=100, trigger=1.4, days=(20, 30), start="2005-06-18")]}


def by_hand(vol):
    days = {"needed": 20, "of": 30, "days_a_year": 252}
    first, later = (move(1.4, vol, **days) for move in (opening_day_trigger, on_the_day_trigger))
    return {
        "calls": [
            CallWindow(clean_price=100, trigger=first, start="2005-06-18", end="2005-06-18"),
            CallWindow(clean_price=100, trigger=later, start="2005-06-18"),
        ]
    }


@pytest.mark.compiled
def test_each_volatility_has_a_trigger_of_its_own(make):
    """As two calls on the day, written by hand for each row."""
    vols, stocks = np.array([0.3, 0.6, np.nan, 0.6]), np.array([[1.5], [2.2]])
    got = convertible_value(make(terms=COUNTING), DAY, stock_price=stocks, volatility=vols, **MARKET).dirty_price
    assert np.isnan(got[:, 2]).all()
    for row, column in np.ndindex(2, 4):
        if column != 2:
            alone = convertible_value(
                make(terms=by_hand(vols[column])), DAY, stock_price=stocks[row, 0], volatility=vols[column], **MARKET
            )
            assert got[row, column] == alone.dirty_price


@pytest.mark.compiled
def test_vega_moves_the_trigger_too(make):
    """Beside a central difference of values; with the trigger left where it is, vega is 0.047 lower."""
    up, down = (
        convertible_value(make(terms=by_hand(v)), DAY, stock_price=2.0, volatility=v, accuracy="reference", **MARKET)
        for v in (0.405, 0.395)
    )
    got = nc.convertible_greeks(
        make(terms=COUNTING), DAY, stock_price=2.0, volatility=0.4, accuracy="reference", **MARKET
    )
    assert got.vega == pytest.approx(up.dirty_price - down.dirty_price, abs=1e-3)


@pytest.mark.compiled
def test_an_implied_volatility_has_its_own_trigger(make):
    price = convertible_value(make(terms=by_hand(0.5)), DAY, stock_price=1.5, volatility=0.5, **MARKET).clean_price
    got = nc.convertible_implied("volatility", make(terms=COUNTING), DAY, [price, price + 1], stock_price=1.5, **MARKET)
    assert got.value[0] == pytest.approx(0.5, abs=1e-6) or got.other[0] == pytest.approx(0.5, abs=1e-6)


def test_a_window_that_goes_on_does_not_open_again(make):
    """A step of the call price: the second window has no day on which those who waited below may be called."""
    calls = [
        CallWindow(clean_price=102, trigger=1.4, days=(20, 30), start="2005-06-18", end="2006-06-18"),
        CallWindow(clean_price=101, trigger=1.4, days=(20, 30), start="2006-06-18"),
    ]
    market = {"stock_price": 2.2, "volatility": 0.4, **MARKET}
    case = Case.of(make(terms={"calls": calls}), DAY, market)
    opened = np.isfinite(case.lines.table[:, col.DAY_CALL])
    assert case.lines.table[:, col.LENGTH].cumsum()[opened].tolist() == [1.0]


def test_it_takes_one_volatility(make):
    steps = nc.Steps(["2005-06-18", "2007-06-18"], [0.6, 0.5])
    with pytest.raises(nc.TermError, match="`volatility` must be a number where a call counts days"):
        convertible_value(make(terms=COUNTING), DAY, stock_price=1.5, volatility=steps, **MARKET)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ((20, 25), r"`days` must be days needed, and out of how many: 5, 10, 15, 20, 30; such as .* got \(20, 25\)"),
        ((31, 30), r"got \(31, 30\)"),
        (20, "got 20"),
    ],
)
def test_impossible_days_of_a_call(days, words):
    with pytest.raises(nc.TermError, match=words):
        CallWindow(clean_price=100, trigger=1.4, days=days)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"of": 25}, "`of` must be one of 5, 10, 15, 20, 30 trading days; got 25"),
        ({"needed": 31}, "`needed` must be a whole number from 1 to 30; got 31"),
        ({"needed": 2.5}, "`needed` must be a whole number from 1 to 30; got 2.5"),
        ({"days_a_year": 0}, "`days_a_year` must be above 0 and up to 366; got 0"),
        ({"volatility": -0.1}, "`volatility` must be"),
    ],
)
def test_impossible_days(changed, words):
    given = {"trigger": 1.5, "volatility": 0.4, "needed": 20, "of": 30, "days_a_year": 252} | changed
    with pytest.raises(nc.TermError, match=words):
        on_the_day_trigger(**given)
