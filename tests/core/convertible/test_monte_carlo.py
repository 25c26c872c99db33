r"""The engine between two bounds by simulation: least squares Monte Carlo, whose policies and hedges are regressed.

The holder converts and puts, the issuer calls, each day; the stock follows Ayache, Forsyth and Vetzal until default,
whose expectation on each path is exact: a day is survived with probability :math:`e^{-p \, dt}`. From one sample come,
by regression from the last day back (F. Longstaff and E. Schwartz 2001), what the note is worth if it is kept, and what
its stock must be hedged with. On another sample

* against the holder's regressed policy the issuer calls with hindsight: a bound from below,
* against the issuer's regressed policy the holder exercises with hindsight: a bound from above,

both less the gains of the hedge, a martingale, which is what makes hindsight worth little (L. Rogers 2002; C. Kuehn,
A. Kyprianou and K. van Schaik 2007 for games). However bad the regressions, the bounds hold; bad ones are far apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from notecalc.core.convertible.terms import CallWindow, ConversionWindow, PutWindow
from notecalc.core.convertible.valuation import convertible_value

DAY = np.datetime64("2004-06-18")
DAYS = 183
COUPONS = {92: 2.0, 183: 2.0}
RATIO = 100 / 1.85
DT = 1 / 365
BINS = 40


@dataclass(frozen=True)
class Game:
    """A note of half a year with its market; `call` is clean, `trigger` a stock price, `put` a day and a clean price."""

    stock: float
    vol: float
    rate: float = 0.03
    carry: float = 0.0
    hazard: float = 0.06
    drop: float = 1.0
    recovery: float = 0.3
    call: float = np.inf
    trigger: float = 0.0
    call_from: int = 0
    put: tuple[int, float] = (0, 0.0)

    def shares(self, prices):
        return RATIO * prices

    def recovered(self, prices):
        return np.maximum(RATIO * prices * (1 - self.drop), 100 * self.recovery)

    def call_price(self, day):
        last = max((paid for paid in (0, *COUPONS) if paid <= day), default=0)
        following = min(paid for paid in COUPONS if paid > day)
        # 30/360: the note's days are 90 to the quarter
        return self.call + 2.0 * (day - last) / (following - last)

    def paths(self, rng, pairs):
        """Stock prices day by day and the normal numbers that drove them; the second half mirrors the first."""
        half = rng.standard_normal((DAYS, pairs))
        normals = np.concatenate([half, -half], axis=1)
        drift = (self.rate - self.carry + self.drop * self.hazard - self.vol**2 / 2) * DT
        steps = np.cumsum(drift + self.vol * np.sqrt(DT) * normals, axis=0)
        prices = self.stock * np.exp(np.concatenate([np.zeros((1, 2 * pairs)), steps]))
        return prices, normals

    def kept(self, later, now, after):
        """What is worth `later` a day on is worth this today, with what default in between would pay."""
        survival = np.exp(-self.hazard * DT)
        paid = (1 - survival) * np.exp(-self.rate * DT / 2) * (self.recovered(now) + self.recovered(after)) / 2
        return survival * np.exp(-self.rate * DT) * later + paid

    def regress(self, rng, pairs):
        """For each day: bins of the stock price, and in each the value kept and the hedge, as lines in its logarithm."""
        prices, normals = self.paths(rng, pairs)
        worth = np.maximum(102.0, self.shares(prices[-1]))
        policy = []
        for day in range(DAYS - 1, -1, -1):
            now, z = prices[day], normals[day]
            realised = self.kept(worth + COUPONS.get(day + 1, 0.0) * (day + 1 < DAYS), now, prices[day + 1])
            fit = Fit.of(np.log(now), z, realised)
            policy.append(fit)
            value, hedge = fit(np.log(now), z)
            worth = realised - hedge
            if day:
                worth = np.where(
                    self.called(day, now, value), np.maximum(self.called_at(day, now), self.put_at(day)), worth
                )
                better = self.exercised(day, now, value)
                worth = np.where(better, np.maximum(self.shares(now), self.put_at(day)), worth)
        return policy[::-1]

    def put_at(self, day):
        return self.put[1] if day == self.put[0] else -np.inf

    def called_at(self, day, now):
        return np.maximum(self.call_price(day), self.shares(now))

    def called(self, day, now, value):
        """Tell where the issuer calls, to whom the note is worth `value` if it is kept."""
        return (day >= self.call_from) & (now >= self.trigger * (1 - 1e-12)) & (value > self.called_at(day, now))

    def exercised(self, day, now, value):
        return value < np.maximum(self.shares(now), self.put_at(day))

    def bounds(self, rng, policy, pairs):
        """Means and standard errors of the bounds from below and from above."""
        prices, normals = self.paths(rng, pairs)
        low = np.maximum(102.0, self.shares(prices[-1]))
        high = low.copy()
        for day in range(DAYS - 1, -1, -1):
            now = prices[day]
            value, hedge = policy[day](np.log(now), normals[day])
            coupon = COUPONS.get(day + 1, 0.0) * (day + 1 < DAYS)
            low, high = (self.kept(worth + coupon, now, prices[day + 1]) - hedge for worth in (low, high))
            if not day:
                break
            own, called_at = np.maximum(self.shares(now), self.put_at(day)), self.called_at(day, now)
            may_call = (day >= self.call_from) & (now >= self.trigger * (1 - 1e-12))
            best_call = np.maximum(called_at, own)
            low = np.where(self.exercised(day, now, value), own, np.where(may_call, np.minimum(low, best_call), low))
            high = np.where(self.called(day, now, value), best_call, np.maximum(high, own))
        each = [(worth[:pairs] + worth[pairs:]) / 2 for worth in (low, high)]
        return [(worth.mean(), worth.std() / np.sqrt(pairs)) for worth in each]


@dataclass(frozen=True)
class Fit:
    """Lines in x within bins of x: the value, and what multiplies z and z^2 - 1."""

    edges: np.ndarray
    lines: np.ndarray

    @classmethod
    def of(cls, x, z, y):
        if np.ptp(x) < 1e-9:
            regressors = np.stack([np.ones_like(x), z, z * z - 1])
            found = np.linalg.lstsq(regressors.T, y, rcond=None)[0]
            return cls(np.empty(0), np.array([[found[0], 0.0, found[1], 0.0, found[2]]]))
        edges = np.quantile(x, np.linspace(0, 1, BINS + 1)[1:-1])
        place = np.searchsorted(edges, x)
        regressors = np.stack([np.ones_like(x), x, z, x * z, z * z - 1])
        moments = [[np.bincount(place, a * b, BINS) for b in regressors] for a in regressors]
        sums = [np.bincount(place, a * y, BINS) for a in regressors]
        left, right = np.moveaxis(np.array(moments), 2, 0), np.array(sums).T
        ridge = 1e-9 * np.eye(5) * np.trace(left, axis1=1, axis2=2)[:, None, None]
        return cls(edges, np.linalg.solve(left + ridge, right[..., None])[..., 0])

    def __call__(self, x, z):
        one, slope, by_z, by_xz, by_square = self.lines[np.searchsorted(self.edges, x)].T
        return one + slope * x, (by_z + by_xz * x) * z + by_square * (z * z - 1)


GAMES = {
    "conversion against a dividend, and a put": Game(2.0, 0.35, carry=0.08, put=(92, 101.0)),
    "call": Game(1.7, 0.3, call=102.0, call_from=46, put=(92, 101.0)),
    "soft call": Game(1.9, 0.4, call=100.0, trigger=1.2 * 1.85, call_from=1, put=(92, 101.0)),
    "half of the stock is lost on default": Game(1.8, 0.3, hazard=0.1, drop=0.5, recovery=0.4, put=(92, 101.5)),
}


def contract(make, game):
    """The same note for the engine: what is tested each day is listed day by day."""
    days = DAY + np.arange(1, DAYS + 1)
    each_day = [ConversionWindow(conversion_price=1.85, start=day, end=day) for day in days]
    always = [ConversionWindow(conversion_price=1.85)]
    calls = [
        CallWindow(clean_price=game.call, trigger=game.trigger / 1.85, start=day, end=day)
        for day in days[game.call_from - 1 : -1]
        if game.call < np.inf
    ]
    return make(
        maturity=DAY + DAYS,
        frequency=4,
        # On default conversion is open at any time, which matters where the stock keeps something.
        conversions=each_day if game.drop == 1.0 else always,
        terms={
            "calls": calls,
            "puts": [PutWindow(start=DAY + game.put[0], end=DAY + game.put[0], clean_price=game.put[1])],
        },
    )


def between_bounds(game, value, more=0.0):
    """Check a value against both bounds, and that these say something."""
    rng = np.random.default_rng(20040618)
    policy = game.regress(rng, 2_000)
    (low, low_error), (high, high_error) = game.bounds(rng, policy, 2_000)
    assert low - 3 * low_error - more <= value <= high + 3 * high_error + more
    assert high - low < 0.1
    assert max(low_error, high_error) < 0.02


def value(terms, game):
    got = convertible_value(
        terms, DAY, stock_price=game.stock, volatility=game.vol, risk_free=game.rate, dividend_yield=game.carry,
        model="ayache-forsyth-vetzal", hazard_rate=game.hazard, recovery_rate=game.recovery, stock_drop=game.drop,
    )  # fmt: skip
    return got.dirty_price


@pytest.mark.compiled
@pytest.mark.parametrize("name", GAMES)
def test_the_value_is_between_the_bounds(make, name):
    between_bounds(GAMES[name], value(contract(make, GAMES[name]), GAMES[name]))


@pytest.mark.compiled
def test_a_soft_call_at_any_time_is_between_the_bounds(make):
    """A barrier watched once a day stands for one that is always watched, if it is moved in by what a path may go
    beyond it between two days: of second order in the root of a day (M. Broadie, P. Glasserman and S. Kou 1997).
    """
    vol, trigger = 0.4, 1.2
    daily = Game(1.9, vol, call=100.0, trigger=trigger * 1.85 * np.exp(-0.5826 * vol * np.sqrt(DT)), call_from=1)
    always = make(maturity=DAY + DAYS, frequency=4, terms={"calls": [CallWindow(clean_price=100.0, trigger=trigger)]})
    between_bounds(daily, value(always, daily), more=0.01)
