"""Where options are exercised and how notes end: against closed forms, QuantLib and paths of the stock."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

from notecalc.core.convertible._columns import MARKET, PUT
from notecalc.core.convertible._outcomes import ENDINGS
from notecalc.core.convertible._policy import POINT, points_at_most, policy_rows
from notecalc.core.convertible._timeline import build_timelines
from notecalc.core.convertible._windows import Dividends
from notecalc.core.convertible.outcomes import BOUNDARIES, convertible_probabilities, exercise_boundary
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, PutWindow
from notecalc.core.convertible.valuation import MODELS, convertible_value

compiled = pytest.mark.compiled
DAY = "2004-06-18"
TF, AFV, GS = MODELS
ERROR = {"fast": 2e-3, "standard": 3e-4, "reference": 2e-6}


def market(model=AFV, *, credit=0.0, recovery=0.0, drop=1.0, **rest):
    given_ = {"stock_price": 1.85, "volatility": 0.4, "risk_free": 0.03, "model": model} | rest
    if model == AFV:
        return given_ | {"hazard_rate": credit, "recovery_rate": recovery, "stock_drop": drop}
    return given_ | {"credit_spread": credit}


def of_kind(boundary, kind):
    chosen = boundary.kind == kind
    return boundary.years[chosen], boundary.stock_price[chosen]


# ---- chances in closed form ----


@compiled
@pytest.mark.parametrize("accuracy", ERROR)
@pytest.mark.parametrize("stock", [0.5, 1.7, 5.0])
def test_conversion_at_maturity_alone(make, stock, accuracy):
    """The stock grows at the rate and at the hazard rate while the issuer is alive."""
    got = convertible_probabilities(
        make(), DAY, **market(credit=0.06, stock_price=stock, volatility=0.35, accuracy=accuracy)
    )
    d2 = (math.log(stock / (1.04 * 1.85)) + (0.03 + 0.06 - 0.35**2 / 2) * 3) / (0.35 * math.sqrt(3))
    alive = math.exp(-0.18)
    error = ERROR[accuracy]
    assert got.converted_at_maturity == pytest.approx(alive * norm.cdf(d2), abs=error)
    assert got.redeemed == pytest.approx(alive * norm.cdf(-d2), abs=error)
    assert got.defaulted == pytest.approx(1 - alive, abs=error)
    assert got.expected_life == pytest.approx((1 - alive) / 0.06, abs=5 * error)
    assert [got.converted, got.forced, got.called, got.put] == pytest.approx([0] * 4, abs=1e-6)


@compiled
def test_call_at_a_barrier(yearly):
    """A soft call at twice the conversion price, of a note that pays nothing: first passage by reflection."""
    terms = yearly(730, price=1.0, terms={"calls": [CallWindow(clean_price=100, trigger=2.0)]})
    got = convertible_probabilities(
        terms, "2005-01-01", **market(stock_price=1.4, volatility=0.4, risk_free=0.05, accuracy="reference")
    )
    drift, spread, away = 0.05 - 0.08, 0.4 * math.sqrt(2), math.log(2 / 1.4)
    passed = norm.cdf((-away + 2 * drift) / spread) + math.exp(2 * drift * away / 0.16) * norm.cdf(
        (-away - 2 * drift) / spread
    )
    assert got.forced == pytest.approx(passed, abs=1e-6)


@compiled
@pytest.mark.parametrize("accrued", ["forfeited", "paid"])
def test_a_window_that_opens_above_the_trigger_forces_conversion(yearly, accrued):
    """Nobody converts before it, though the note is then worth what conversion pays: first passage from that day on."""
    terms = yearly(
        730, rate=0.06, price=1.0, accrued_on_conversion=accrued,
        terms={"calls": [CallWindow(clean_price=100, trigger=1.2, start="2006-02-20")]},
    )  # fmt: skip
    begin, rest, vol, drift = 415 / 365, 315 / 365, 0.35, 0.03 - 0.35**2 / 2
    barrier = math.log(1.2)

    def passes(x):
        away = barrier - x
        spread = vol * math.sqrt(rest)
        late = norm.cdf((-away - drift * rest) / spread) * math.exp(2 * drift * away / vol**2)
        return norm.cdf((drift * rest - away) / spread) + late

    law = norm(math.log(1.5) + drift * begin, vol * math.sqrt(begin))
    expected = law.sf(barrier) + quad(lambda x: passes(x) * law.pdf(x), -4, barrier, epsabs=1e-10)[0]
    got = convertible_probabilities(
        terms, "2005-01-01", **market(stock_price=1.5, volatility=vol, accuracy="reference")
    )
    assert got.forced == pytest.approx(expected, abs=1e-5)
    assert got.converted == pytest.approx(0.0, abs=1e-9)


@compiled
def test_put(yearly):
    """Puts are exercised below the stock price at which a bond and a call on the shares are worth the put."""
    terms = yearly(
        730, price=1.0,
        conversions=[ConversionWindow(conversion_price=1.0, start="2007-01-01", end="2007-01-01")],
        terms={"puts": [PutWindow(start="2006-01-01", end="2006-01-01", clean_price=101)]},
    )  # fmt: skip
    given_ = market(volatility=0.4, risk_free=0.05, stock_price=1.1, accuracy="reference")

    def held(stock):
        d = (math.log(stock) + 0.05 + 0.08) / 0.4
        return 100 * (math.exp(-0.05) * norm.cdf(0.4 - d) + stock * norm.cdf(d))

    edge = brentq(lambda stock: held(stock) - 101, 0.1, 3)
    (years,), (price,) = of_kind(exercise_boundary(terms, "2005-01-01", **given_), "put")
    assert (years, price) == pytest.approx((1.0, edge), abs=5e-6)
    got = convertible_probabilities(terms, "2005-01-01", **given_)
    assert got.put == pytest.approx(norm.cdf((math.log(edge / 1.1) - 0.05 + 0.08) / 0.4), abs=1e-6)
    assert got.expected_life == pytest.approx(2 - got.put, abs=1e-6)


@compiled
def test_call_for_cash_from_a_trigger(yearly):
    """On one day, from 90% of the conversion price, at 80: worth more wherever it may be called, it loses at a jump.

    What is called is all equity in the model of Tsiveriotis and Fernandes, so the value is in closed form, too.
    """
    terms = yearly(
        730, price=1.0,
        conversions=[ConversionWindow(conversion_price=1.0, start="2007-01-01", end="2007-01-01")],
        terms={"calls": [CallWindow(clean_price=80, trigger=0.9, start="2006-01-01", end="2006-01-01")]},
    )  # fmt: skip
    below = (math.log(0.9) - 0.05 + 0.08) / 0.4  # of the normal variable of the first year
    given_ = market(volatility=0.4, risk_free=0.05, stock_price=1.0, accuracy="standard")
    got = convertible_probabilities(terms, "2005-01-01", **given_)
    assert got.called == pytest.approx(norm.cdf(-below), abs=ERROR["standard"])
    assert got.expected_life == pytest.approx(2 - got.called, abs=ERROR["standard"])
    law = multivariate_normal(cov=[[1, math.sqrt(0.5)], [math.sqrt(0.5), 1]])
    d2 = (0.1 - 0.16) / (0.4 * math.sqrt(2))
    paid = law.cdf([below, -d2])
    in_shares = norm.cdf(below - 0.4) - law.cdf([below - 0.4, -d2 - 0.4 * math.sqrt(2)])
    expected = 80 * math.exp(-0.05) * norm.cdf(-below) + 100 * in_shares + 100 * math.exp(-0.1 - 0.16) * paid
    given_ = market(TF, credit=0.08, volatility=0.4, risk_free=0.05, stock_price=1.0, accuracy="standard")
    value = convertible_value(terms, "2005-01-01", **given_)
    assert value.dirty_price == pytest.approx(expected, abs=1e-3)


@compiled
@pytest.mark.parametrize("model", [TF, AFV])
def test_a_put_in_a_window_is_what_ever_more_days_come_to(make, model):
    """Days of puts 16 and 8 days apart miss a chance in proportion to the gap; each is an event of its own."""
    first, last = np.datetime64("2005-01-10"), np.datetime64("2006-10-18")
    given_ = market(model, credit=0.08, recovery=0.3, stock_price=np.array([0.6, 1.2]))

    def chances(puts, accuracy):
        got = convertible_probabilities(make(annual_rate=0.04, terms={"puts": puts}), DAY, **given_, accuracy=accuracy)
        return np.array([got.put, got.redeemed, got.converted_at_maturity, got.expected_life])

    whole = chances([PutWindow(clean_price=99, start=first, end=last)], "reference")
    by_gap = {}
    for gap in (16, 8):
        days = np.append(np.arange(first, last, gap), last)
        by_gap[gap] = chances([PutWindow(clean_price=99, start=day, end=day) for day in days], "standard")
    assert np.abs(by_gap[8] - whole).max() > 1e-3
    # 8 days cost 2e-3 and more; what is left of it was measured as 2e-4
    np.testing.assert_allclose(2 * by_gap[8] - by_gap[16], whole, atol=3e-4)


# ---- what holds for any note ----


@compiled
@settings(max_examples=30)
@example(TF, 1.5, 0.125, 0.125, 0.0625, 0.0, False, None)
@example(AFV, 1.25, 0.1, 0.14689573618290366, 0.07421875, 0.146484375, True, "2005-01-18")  # no grid of `fast` has it
@given(
    st.sampled_from(MODELS),
    st.floats(0.5, 4.0), st.floats(0.1, 0.9), st.floats(0, 0.15), st.floats(0, 0.08), st.floats(0, 1),
    st.booleans(), st.sampled_from([None, "2006-06-18", "2005-01-18"]),
)  # fmt: skip
def test_chances_add_up(make, model, stock, volatility, credit, dividend_yield, drop, called, put):
    terms = make(
        terms={
            "calls": [CallWindow(clean_price=102, start="2005-03-01")] * called,
            "puts": [PutWindow(start=put, end="2006-06-18", clean_price=101)] * (put is not None),
        }
    )
    given_ = market(
        model, stock_price=stock, volatility=volatility, credit=credit, dividend_yield=dividend_yield, drop=drop,
        recovery=0.4, accuracy="fast",
    )  # fmt: skip
    got = convertible_probabilities(terms, "2004-07-01", **given_)
    told = not math.isnan(convertible_value(terms, "2004-07-01", **given_).error_estimate)
    wide = model != AFV and credit > 0.28 * volatility
    if told and wide and np.isnan(got).all():
        return  # converted in a stretch below the edge, too
    if not told:
        # Only where a spread is wide for the volatility: by a yield conversion pays in more than one stretch then.
        assert wide
        assert dividend_yield > 0
        assert np.isnan(got).all()
        assert exercise_boundary(terms, "2004-07-01", **given_).row.size == 0
        return
    if math.isnan(got.put):  # chances far outside 0 and 1 are not given; a finer accuracy has them
        got = convertible_probabilities(terms, "2004-07-01", **given_ | {"accuracy": "reference"})
    # what is cut off at 0 and 1 is the error of each
    assert np.nansum(got[:-1]) == pytest.approx(1.0, abs=4 * ERROR["fast"])
    assert math.isnan(got.defaulted) == (model != AFV)
    assert 0 <= got.expected_life < 2.9645 + 1e-9


@compiled
@pytest.mark.parametrize(("accuracy", "most"), [("fast", 6), ("standard", 0)])
@pytest.mark.parametrize("put", [None, "2006-06-18", "2005-01-18"])
def test_chances_are_seldom_missing(make, accuracy, most, put):
    """Of 300 notes by the hazard model, which settles everywhere."""
    rng, count = np.random.default_rng(5), 300
    terms = make(
        terms={
            "calls": [CallWindow(clean_price=102, start="2005-03-01")],
            "puts": [PutWindow(start=put, end="2006-06-18", clean_price=101)] * (put is not None),
        }
    )
    given_ = market(
        AFV, stock_price=rng.uniform(0.5, 4.0, count), volatility=rng.uniform(0.1, 0.9, count),
        credit=rng.uniform(0, 0.15, count), dividend_yield=rng.uniform(0, 0.08, count), drop=rng.uniform(0, 1, count),
        recovery=0.4, accuracy=accuracy,
    )  # fmt: skip
    got = convertible_probabilities(terms, "2004-07-01", **given_)
    missing = np.isnan(got.put)
    assert missing.sum() <= most
    assert np.sum(got[:-1], axis=0)[~missing] == pytest.approx(1.0, abs=4 * ERROR[accuracy])


# ---- boundaries ----


def american_call_edge(volatility, dividend_yield, days):
    """Price, in strikes, from which an American call is exercised, at a rate of 0: its value is the payoff there."""
    today = ql.Date(1, 1, 2005)
    ql.Settings.instance().evaluationDate = today
    count = ql.Actual365Fixed()

    def flat(rate):
        return ql.YieldTermStructureHandle(ql.FlatForward(today, rate, count))

    quote = ql.SimpleQuote(1.0)
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(quote), flat(dividend_yield), flat(0.0),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), volatility, count)),
    )  # fmt: skip
    option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Call, 1.0), ql.AmericanExercise(today, today + days))
    option.setPricingEngine(ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme()))

    def lacking(stock, gap):
        quote.setValue(stock)
        return option.NPV() - (stock - 1) - gap

    # The payoff is touched as by a parabola: the root of what is lacking is a line.
    near, nearer = (brentq(lacking, 1.0, 5.0, args=(gap,), xtol=1e-12) for gap in (4e-6, 1e-6))
    return 2 * nearer - near


@compiled
@pytest.mark.parametrize("model", MODELS)
def test_conversion_is_that_of_an_american_call(yearly, model):
    """Without coupon and credit the note is a bond and a call that pays with it: in bonds, the rate is 0."""
    before = ql.Settings.instance().evaluationDate
    try:
        expected = {days: american_call_edge(0.3, 0.06, days) for days in (365, 1095)}
    finally:
        ql.Settings.instance().evaluationDate = before
    edges = {}
    for accuracy in ("fast", "standard", "reference"):
        given_ = market(model, volatility=0.3, risk_free=0.04, dividend_yield=0.06, stock_price=1.2, accuracy=accuracy)
        years, price = of_kind(exercise_boundary(yearly(1460), "2005-01-01", **given_), "conversion")
        in_bonds = price * np.exp(0.04 * (4 - years))
        order = np.argsort(years)
        edges[accuracy] = [np.interp(4 - days / 365, years[order], in_bonds[order]) for days in expected]
    for accuracy, error in (("fast", 1e-2), ("standard", 2.5e-3), ("reference", 1e-4)):
        assert edges[accuracy] == pytest.approx(list(expected.values()), abs=error)


@compiled
def test_conversion_long_before_maturity_is_that_of_a_perpetual_call(yearly):
    """In bonds: 1 + volatility^2 / (2 dividend yield), from x^b with b = 1 + 2 q / volatility^2 touching x - 1."""
    given_ = market(volatility=0.2, risk_free=0.0, dividend_yield=0.2, stock_price=1.05, accuracy="reference")
    years, price = of_kind(exercise_boundary(yearly(3650), "2005-01-01", **given_), "conversion")
    assert price[years.argmin()] == pytest.approx(1 + 0.04 / 0.4, abs=2e-4)


@compiled
def test_a_call_forces_conversion_where_the_shares_are_worth_its_price(make):
    terms = make(terms={"calls": [CallWindow(clean_price=103, start="2005-06-18")]})
    boundary = exercise_boundary(terms, DAY, **market(credit=0.04))
    years, price = of_kind(boundary, "forced-conversion")
    assert years.min() == pytest.approx(1.0)
    assert price[years.argmin()] == pytest.approx(1.03 * 1.85)
    assert price[np.isclose(years, 548 / 365)].max() == pytest.approx(1.03 * 1.85)  # the coupon is paid
    last = years.argmax()
    assert 1.065 * 1.85 < price[last] <= 1.07 * 1.85


@compiled
def test_what_is_live_and_not_exercised_is_missing(make):
    boundary = exercise_boundary(make(), DAY, **market(credit=0.04))
    assert set(boundary.kind) == {"conversion"}
    assert boundary.stock_price[-1] == pytest.approx(1.04 * 1.85)  # at maturity, for principal and coupon
    assert boundary.years[-1] == 3.0
    assert np.isnan(boundary.stock_price[:-1]).all()


@compiled
def test_an_option_exercised_at_every_price_has_its_boundary_at_the_end(make):
    """Called far below what it can be worth, or put far above, no stock price keeps a note from its end."""
    day = {"start": "2005-09-01", "end": "2005-09-01"}
    for rights, kind, price in (
        ({"calls": [CallWindow(clean_price=50, **day)]}, "call", 0.0),
        ({"puts": [PutWindow(clean_price=1e5, **day)]}, "put", math.inf),
    ):
        boundary = exercise_boundary(make(terms=rights), DAY, **market(credit=0.06, accuracy="fast"))
        assert of_kind(boundary, kind)[1].tolist() == [price]
    window = PutWindow(clean_price=1e5, start="2005-09-01", end="2005-11-01")
    boundary = exercise_boundary(make(terms={"puts": [window]}), DAY, **market(credit=0.06, accuracy="fast"))
    prices = of_kind(boundary, "put")[1]
    assert prices.size > 2
    assert (prices == math.inf).all()


@compiled
def test_before_an_ex_date_conversion_pays_where_the_dividend_is_worth_more_than_waiting(make):
    """Of a note without coupons or credit: where its shares are worth a bond and a European call on what is left."""
    stock = make(annual_rate=0.0, frequency=0)
    dividend = {"dividend_dates": ["2006-12-18"], "dividend_amounts": [0.15]}
    boundary = exercise_boundary(stock, DAY, **market(accuracy="reference", **dividend))
    years, prices = of_kind(boundary, "conversion")
    ex_date = (np.datetime64("2006-12-18") - np.datetime64(DAY)).astype(int) / 365
    before = prices[np.abs(years - ex_date) < 1e-9][0]
    left = 3.0 - ex_date

    def waiting(price):
        after = price - 0.15
        d1 = (math.log(after / 1.85) + (0.03 + 0.08) * left) / (0.4 * math.sqrt(left))
        bond = math.exp(-0.03 * left)
        call = after * norm.cdf(d1) - 1.85 * bond * norm.cdf(d1 - 0.4 * math.sqrt(left))
        return 1.85 * bond + call - price

    assert before == pytest.approx(brentq(waiting, 1.9, 20.0), rel=1e-3)


@compiled
@pytest.mark.parametrize("model", MODELS)
def test_value_touches_parity_at_the_boundary(make, model):
    """In the middle of a coupon's period, from whose end the edge comes in fast: it is found to a part in a thousand."""
    given_ = market(model, credit=0.05, dividend_yield=0.06, accuracy="reference")
    years, price = of_kind(exercise_boundary(make(), "2004-09-18", **given_), "conversion")
    stocks = price[years.argmin()] * np.array([0.95, 0.998, 1.002])
    value = convertible_value(make(), "2004-09-18", **(given_ | {"stock_price": stocks}))
    over = value.dirty_price - value.parity
    assert over[0] > 0.1
    assert over[1:] == pytest.approx([0, 0], abs=2e-3)
    assert value.delta[2] == pytest.approx(100 / 1.85, rel=1e-3)


@compiled
@pytest.mark.parametrize("model", MODELS)
def test_value_touches_the_put_at_the_boundary(make, model):
    """In a window the holder puts below it, and above it waits: the value leaves its bound with no slope."""
    terms = make(annual_rate=0.04, terms={"puts": [PutWindow(clean_price=99)]})
    given_ = market(model, credit=0.06, recovery=0.3, accuracy="reference")
    boundary = exercise_boundary(terms, "2004-09-18", **given_)
    years, price = of_kind(boundary, "put")
    stocks = price[years.argmin()] * np.array([0.9, 0.999, 1.001, 1.03])
    value = convertible_value(terms, "2004-09-18", **(given_ | {"stock_price": stocks}))
    over = value.clean_price - 99
    assert over[:3] == pytest.approx([0, 0, 0], abs=1e-4)
    assert over[3] > 5e-3
    assert value.delta[:2] == pytest.approx([0, 0], abs=1e-9)
    assert 0 < value.delta[2] < 1.0  # of 54 shares


@compiled
def test_rows_follow_each_other_and_rise_in_time(make):
    terms = make(
        [1.85, 2.0],
        principal=[100, 100],
        terms={
            "calls": [CallWindow(clean_price=104)],
            "puts": [PutWindow(start="2006-06-18", end="2006-06-18", clean_price=101)],
        },
    )
    boundary = exercise_boundary(
        terms, DAY, **market(stock_price=[[1.5], [np.nan], [2.0]], dividend_yield=0.05, credit=0.03, accuracy="fast")
    )
    assert set(boundary.row) == {0, 1, 4, 5}  # the missing one has none
    frame = pd.DataFrame(boundary._asdict())
    for _, own in frame.groupby(["row", "kind"]):
        assert own.years.is_monotonic_increasing
    assert frame.row.is_monotonic_increasing
    assert set(frame.kind) == set(BOUNDARIES)
    alone = exercise_boundary(terms, DAY, **market(stock_price=2.0, dividend_yield=0.05, credit=0.03, accuracy="fast"))
    for part, whole in zip(alone[1:], boundary[1:], strict=True):
        np.testing.assert_array_equal(part, whole[boundary.row >= 4])


# ---- paths ----


def simulated(boundary, rng, paths, *, stock, vol, drift, hazard, years, steps):
    """Shares of paths that end in each way, and their mean life, under a boundary.

    Between steps a path crosses an edge that is live on both with the chance of a bridge, so that its days need not be
    many.
    """
    edges = {kind: of_kind(boundary, kind) for kind in BOUNDARIES}

    def edge(kind, time):
        at, price = edges[kind]
        place = np.searchsorted(at, time - 1e-9)
        if place == at.size:
            return np.nan
        if abs(at[place] - time) < 1e-9:
            return price[place]
        if place == 0 or at[place] - at[place - 1] > 0.2:
            return np.nan
        share = (time - at[place - 1]) / (at[place] - at[place - 1])
        return price[place - 1] * (1 - share) + price[place] * share

    ends, life = np.zeros(7), 0.0
    dt = years / steps
    x = np.full(paths, np.log(stock))
    alive, default = np.ones(paths, dtype=bool), rng.exponential(1 / hazard, paths)

    def end(which, those, time):
        nonlocal life
        ends[which] += np.count_nonzero(those)
        life += np.broadcast_to(time, paths)[those].sum()
        alive[those] = False

    for step in range(1, steps + 1):
        time, before = step * dt, x
        x = before + (drift - vol * vol / 2) * dt + vol * math.sqrt(dt) * rng.standard_normal(paths)
        end(5, alive & (default <= time), default)
        if step == steps:
            end(2, alive & (x >= np.log(edge("conversion", time))), time)
            end(6, alive.copy(), time)
            break
        live = [(edge(kind, time), which) for kind, which in (("forced-conversion", 1), ("conversion", 0))]
        live = [(price, which) for price, which in live if not np.isnan(price)]
        if live:
            price, which = min(live)
            gap, gap_before = np.log(price) - x, np.log(price) - before
            with np.errstate(over="ignore"):
                crossed = np.exp(-2 * np.maximum(gap_before, 0) * np.maximum(gap, 0) / (vol * vol * dt))
            end(which, alive & (rng.random(paths) < crossed), time)
        end(3, alive & (x >= np.log(edge("call", time))), time)
        end(4, alive & (x < np.log(edge("put", time))), time)
        gap, gap_before = x - np.log(edge("put", time)), before - np.log(edge("put", time - dt))
        with np.errstate(over="ignore"):
            crossed = np.exp(-2 * np.maximum(gap_before, 0) * np.maximum(gap, 0) / (vol * vol * dt))
        end(4, alive & (rng.random(paths) < crossed), time)
    return ends / paths, life / paths


@compiled
@pytest.mark.parametrize("which", ["soft call and put", "hard call, put and dividends", "dividends", "put in a window"])
def test_paths_under_the_boundary_end_as_said(make, which):
    put = [PutWindow(start="2006-06-18", end="2006-06-18", clean_price=103)]
    window = PutWindow(start="2005-01-18", end="2006-09-18", clean_price=98)
    soft, hard = CallWindow(clean_price=100, trigger=1.5, start="2005-06-18"), CallWindow(clean_price=104)
    terms, carry = {
        "soft call and put": (make(terms={"calls": [soft], "puts": put}), 0.0),
        "hard call, put and dividends": (make(terms={"calls": [hard], "puts": put}), 0.06),
        "dividends": (make(), 0.06),
        "put in a window": (make(annual_rate=0.04, terms={"puts": [window], "calls": [soft]}), 0.0),
    }[which]
    given_ = market(
        credit=0.06, recovery=0.3, stock_price=1.6, volatility=0.35, dividend_yield=carry, accuracy="reference"
    )
    got = convertible_probabilities(terms, DAY, **given_)
    boundary = exercise_boundary(terms, DAY, **given_)
    paths = 40_000
    ends, life = simulated(
        boundary, np.random.default_rng(20040618), paths, stock=1.6, vol=0.35, drift=0.03 + 0.06 - carry, hazard=0.06,
        years=3.0, steps=1095,
    )  # fmt: skip
    chances = np.array(got[:-1])
    # Who converts just before maturity and who at it differ by days; who is called for cash or forced, by cells.
    together = np.array([[1, 0, 1, 0, 0, 0, 0], [0, 1, 0, 1, 0, 0, 0], *np.eye(7)[4:]])
    expected, found = together @ chances, together @ ends
    error = np.sqrt(expected * (1 - expected) / paths)
    np.testing.assert_array_less(np.abs(found - expected), 3.5 * error + 1e-3)
    assert life == pytest.approx(got.expected_life, abs=4 * 1.1 / math.sqrt(paths) + 2e-3)


# ---- the kernel's Python ----


@pytest.mark.parametrize("model", range(3), ids=["tf", "afv", "gs"])
@pytest.mark.parametrize("first_put", ["2006-12-18", "2006-04-18"])
def test_compiled_and_python_agree(make, model, first_put):
    terms = make(
        terms={
            "calls": [CallWindow(clean_price=103, start="2006-12-18"), CallWindow(clean_price=101, trigger=0.9, start="2006-06-18", end="2006-06-18")],
            "puts": [PutWindow(start=first_put, end="2006-12-18", clean_price=101)],
        }
    )  # fmt: skip
    dividends = Dividends(np.array(["2006-08-01"], dtype="datetime64[D]"), np.array([0.05]))
    lines = build_timelines(terms, np.array([0]), np.array(["2006-03-01"], dtype="datetime64[D]"), {}, dividends)
    #          stock, volatility, rate, carry, credit, recovery, drop, elasticity, reference
    columns = [np.full(1, x) for x in (1.9, 0.35, 0.04, 0.05, 0.06, 0.4, 0.5, 0.8 * (model == 1), 1.9)]
    assert len(columns) == MARKET
    numbers = np.array([2, 10, 6, 3.0, model])
    room = points_at_most(numbers, len(lines.table))
    put = lines.table[:, PUT] > 0
    assert put.any() == (first_put == "2006-04-18")
    results = []
    for run in (policy_rows, policy_rows.py_func):
        out = [np.empty(1) for _ in range(ENDINGS)]
        count, points = np.empty(1, dtype=np.int64), np.full(room * POINT, -1.0)
        run(lines.offsets, lines.table.reshape(-1), numbers, np.zeros(1, dtype=np.int64), *columns, *out, count, points)
        assert 0 < count[0] <= room
        results.append([*out, points])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)
