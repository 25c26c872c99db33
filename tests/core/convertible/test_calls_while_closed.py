"""Calls for cash while conversion is closed: the issuer calls at the trigger, and above it may rather wait."""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
import pytest
from scipy.linalg import solve_banded

from notecalc.core.convertible._case import Case
from notecalc.core.convertible.outcomes import convertible_probabilities, exercise_boundary
from notecalc.core.convertible.terms import CallWindow, ConversionWindow
from notecalc.core.convertible.valuation import MODELS, convertible_value

compiled = pytest.mark.compiled
DAY = np.datetime64("2005-01-01")
TF, AFV, GS = MODELS
TRIGGER = 130.0


def note(yearly, calls, rate=0.0):
    """A year's note, converted at 100 from day 300; calls are first and last day and price, at 130 of a stock."""
    return yearly(
        365,
        rate=rate,
        conversions=[ConversionWindow(conversion_price=100, start=DAY + 300)],
        terms={
            "calls": [
                CallWindow(clean_price=price, trigger=TRIGGER / 100, start=DAY + first, end=DAY + last)
                for first, last, price in calls
            ]
        },
    )


def market(model=AFV, *, credit=0.0, **rest):
    given = {"stock_price": 300.0, "volatility": 0.3, "risk_free": 0.03, "model": model} | rest
    if model == AFV:
        return given | {"hazard_rate": credit, "recovery_rate": 0.0, "stock_drop": 1.0}
    return given | {"credit_spread": credit}


@cache
def projected(stock, calls, rate, nodes, steps):
    """Value under `market` by implicit steps of our own: in each, nodes from the trigger are called until that is best.

    The trigger is on a node; nothing is taken for granted of where, above it, the issuer calls.
    """
    h = 5.0 / nodes
    s = TRIGGER * np.exp((np.arange(nodes + 1) - round(3.2 / h)) * h)
    value = np.maximum(100.0 * (1 + rate), s)
    days = sorted({0, 300, 365, *(day for call in calls for day in call[:2])}, reverse=True)
    for end, begin in itertools.pairwise(days):
        live = [price for first, last, price in calls if first <= begin and end <= last]
        shares = s if begin >= 300 else np.full_like(s, -np.inf)
        value = np.maximum(value, shares)
        count = max(10, round(steps * (end - begin) / 365))
        called = np.zeros(s.size, dtype=bool)
        times = end - (end - begin) * (np.arange(count + 1) / count) ** 2
        for late, early in itertools.pairwise(times):
            dt, mean = (late - early) / 365, 0.03 - 0.3**2 / 2
            up, down = (dt * (0.3**2 / (2 * h * h) + sign * mean / (2 * h)) for sign in (1, -1))
            bands = np.zeros((3, s.size))
            bands[0, 2:], bands[1, 1:-1], bands[2, :-2] = -up, 1 + dt * 0.03 + up + down, -down
            slope = math.exp(h)  # beyond the ends it is a line in the stock: of no second derivative
            bands[1, 0], bands[0, 1] = 1 + dt * 0.03 * slope / (slope - 1), -dt * 0.03 / (slope - 1)
            bands[1, -1], bands[2, -2] = 1 - dt * 0.03 / (slope - 1), dt * 0.03 * slope / (slope - 1)
            price = min(live, default=np.inf) + 100 * rate * early / 365
            may = (s >= TRIGGER * (1 - 1e-9)) & bool(live)
            called &= may
            for _ in range(60):
                held = bands.copy()
                places = np.flatnonzero(called)
                held[1, places] = 1
                held[0, (places + 1)[places < nodes]] = 0
                held[2, places[places > 0] - 1] = 0
                found = solve_banded((1, 1), held, np.where(called, price, value))
                gap = bands[1] * found - value
                gap[:-1] += bands[0, 1:] * found[1:]
                gap[1:] += bands[2, :-1] * found[:-1]
                better = may & np.where(called, gap <= 1e-12, found > price + 1e-12)
                if np.array_equal(better, called):
                    break
                called = better
            value = np.maximum(found, shares)
    return np.interp(math.log(stock), np.log(s), value)


@compiled
@pytest.mark.parametrize("accuracy", ["fast", "standard", "reference"])
@pytest.mark.parametrize("model", MODELS)
def test_far_above_the_trigger_it_is_called_on_the_last_day(yearly, model, accuracy):
    """The stock won't fall to the trigger before, and what is paid bears no interest."""
    got = convertible_value(note(yearly, [(0, 60, 105)]), DAY, **market(model, accuracy=accuracy))
    assert got.dirty_price == pytest.approx(105 * math.exp(-0.03 * 60 / 365), abs=1e-4)
    assert got.delta == pytest.approx(0, abs=1e-4)
    assert got.theta == pytest.approx(0.03 / 365 * got.dirty_price, abs=1e-5)


WAITS = ((0, 60, 105.0),)
IN_BETWEEN = ((0, 100, 100.0), (150, 200, 95.0))  # with 9% of interest: called at 100, but for where 95 are near enough


@compiled
@pytest.mark.parametrize("stock", [115.0, 131.0, 140.0, 170.0])
@pytest.mark.parametrize(("calls", "rate"), [(WAITS, 0.0), (IN_BETWEEN, 0.09)], ids=["waits", "in between"])
def test_it_agrees_with_projected_steps(yearly, calls, rate, stock):
    coarse, fine = (projected(stock, calls, rate, nodes, 2 * nodes) for nodes in (500, 1000))
    got = convertible_value(note(yearly, calls, rate), DAY, **market(stock_price=stock, accuracy="reference"))
    assert got.dirty_price == pytest.approx(2 * fine - coarse, abs=4e-3)


@compiled
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("calls", "rate"), [(WAITS, 0.0), (IN_BETWEEN, 0.09)], ids=["waits", "in between"])
def test_errors_are_told(yearly, model, calls, rate):
    """Beside the finest grids, on both sides of the trigger."""
    stocks = np.array([90.0, 115.0, 131.0, 140.0, 170.0, 300.0])
    fast, standard, finest = (
        convertible_value(
            note(yearly, calls, rate), DAY, **market(model, credit=0.04, stock_price=stocks, accuracy=accuracy)
        )
        for accuracy in ("fast", "standard", "reference")
    )
    for got in (fast, standard):
        assert (np.abs(got.dirty_price - finest.dirty_price) <= got.error_estimate + finest.error_estimate + 1e-3).all()


def test_lanes_know_nothing_of_it(yearly):
    for calls, general in ((WAITS, True), ([], False)):
        case = Case.of(note(yearly, calls), DAY, market())
        assert case.lines.needs_general.tolist() == [general]


@compiled
def test_how_it_ends_is_not_said_where_the_issuer_waits(yearly):
    """The edge is where it is called as the stock falls to it; where its price grows at 9% it is called at once."""
    boundary = exercise_boundary(note(yearly, WAITS), DAY, **market())
    live = boundary.kind == "call"
    assert boundary.stock_price[live] == pytest.approx(TRIGGER, abs=1e-6)
    assert math.isnan(convertible_probabilities(note(yearly, WAITS), DAY, **market()).called)
    at_once = convertible_probabilities(note(yearly, WAITS, rate=0.09), DAY, **market())
    assert (at_once.called, at_once.expected_life) == (1.0, 0.0)
