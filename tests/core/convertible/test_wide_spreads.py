"""Spreads that are wide for the volatility: the note is converted in a stretch of stock prices, and held above it.

What is converted bears no spread, so that the holder would rather have shares before a bond that he may never be paid;
at higher prices conversion at maturity is so likely that the coupons until then are worth waiting for.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import QuantLib as ql
from scipy.linalg import solve_banded

from notecalc.core.convertible.valuation import MODELS, convertible_value

DAY, RATE = "2004-06-18", 0.03
TIMES = np.array([0, 183, 365, 548, 730, 913, 1095]) / 365  # of the coupons of the note that the fixtures make
TF, _, GS = MODELS

pytestmark = pytest.mark.compiled


def induced(stock, volatility, spread, model, *, nodes, steps):
    """Backward induction: a step of both unknowns without conversion, then who is better off with shares converts.

    As in a tree, but by implicit steps on a grid of ln S; of first order in time, the edges on nodes.
    """
    x = np.linspace(np.log(stock) - 2.5, np.log(stock) + 2.5, nodes + 1)
    h, shares = x[1] - x[0], 100 / 1.85 * np.exp(x)
    a, m = volatility**2 / 2 / h**2, (RATE - volatility**2 / 2) / (2 * h)
    blended = model == GS

    def step(right, rho, dt):
        band = np.empty((3, x.size))
        band[0, 2:], band[2, :-2], band[1] = -dt * (a + m), -dt * (a - m), 1 + dt * (rho + 2 * a)
        # At both ends nothing spreads.
        band[0, :2], band[2, -2:] = 0.0, 0.0
        band[1, [0, -1]] -= 2 * a * dt
        return solve_banded((1, 1), band, right, overwrite_ab=True, overwrite_b=True)

    over, second = np.maximum(104 - shares, 0.0), np.where(shares >= 104, 0.0, 1.0 if blended else 104.0)
    for start, end in list(itertools.pairwise(TIMES))[::-1]:
        count = round(steps * (end - start) / TIMES[-1])
        dt = (end - start) / count
        for _ in range(count):
            second = step(second, 0.0 if blended else RATE + spread, dt)
            lost = dt * spread * second
            over = step(over - lost * (shares if blended else 1.0), RATE + (lost / dt if blended else 0.0), dt)
            second[over < 0] = 0.0
            over = np.maximum(over, 0.0)
        if start > 0:
            over = over + 4
            second = second if blended else second + 4
    return float(over[nodes // 2] + 100 / 1.85 * stock)


CASES = [(TF, 0.2, 0.4, 2.0), (TF, 0.1, 0.2, 1.6), (GS, 0.2, 0.4, 2.0), (GS, 0.1, 0.6, 2.0), (GS, 0.3, 0.6, 1.6)]


@pytest.mark.parametrize(("model", "volatility", "spread", "stock"), CASES)
def test_backward_induction_agrees(make, model, volatility, spread, stock):
    expected = induced(stock, volatility, spread, model, nodes=1000, steps=1000)
    given_ = {"stock_price": stock, "volatility": volatility, "risk_free": RATE, "credit_spread": spread}
    for accuracy, error in (("standard", 0.2), ("reference", 0.05)):
        got = convertible_value(make(), DAY, **given_, model=model, accuracy=accuracy)
        # From 1000 to 4000 steps on twice as many nodes the induction moves by up to 0.02.
        assert got.dirty_price == pytest.approx(expected, abs=error)
        assert abs(got.dirty_price - expected) <= got.error_estimate + 0.02


def test_quantlibs_tree_agrees(make):
    """A note of 8 years at a volatility of 100%: wide is what the spread makes of a life."""
    today, end, count = ql.Date(18, 6, 2004), ql.Date(18, 6, 2012), ql.Actual365Fixed()
    before = ql.Settings.instance().evaluationDate
    ql.Settings.instance().evaluationDate = today
    try:
        schedule = ql.Schedule(
            today, end, ql.Period(6, ql.Months), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted,
            ql.DateGeneration.Backward, False,
        )  # fmt: skip
        bond = ql.ConvertibleFixedCouponBond(
            ql.AmericanExercise(today, end), 100 / 1.85, ql.CallabilitySchedule(), today, 0, [0.11],
            ql.Thirty360(ql.Thirty360.BondBasis), schedule, 100,
        )  # fmt: skip

        def flat(rate):
            return ql.YieldTermStructureHandle(ql.FlatForward(today, rate, count))

        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(1.7)), flat(0.0), flat(0.01),
            ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), 1.0, count)),
        )  # fmt: skip
        values = []
        for steps in (1000, 1001, 2000, 2001):
            spread = ql.QuoteHandle(ql.SimpleQuote(0.15))
            bond.setPricingEngine(ql.BinomialConvertibleEngine(process, "crr", steps, spread, ql.DividendSchedule()))
            values.append(bond.NPV())
    finally:
        ql.Settings.instance().evaluationDate = before
    got = convertible_value(
        make(maturity="2012-06-18", annual_rate=0.11), DAY, stock_price=1.7, volatility=1.0, risk_free=0.01,
        model=GS, credit_spread=0.15,
    )  # fmt: skip
    swing = np.ptp(values)
    assert swing < 0.3
    assert values[0] - swing <= got.dirty_price <= values[0] + swing
