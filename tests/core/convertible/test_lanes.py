"""Rows valued side by side in the lanes of vectors, against the engine that values them one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notecalc.core.convertible import _columns as col
from notecalc.core.convertible import _lanes
from notecalc.core.convertible._case import ACCURACIES, Case
from notecalc.core.convertible._engine import value_rows
from notecalc.core.convertible._lanes import value_rows_in_lanes
from notecalc.core.convertible.terms import CallWindow, PutWindow, Steps
from notecalc.core.convertible.valuation import convertible_greeks, convertible_value

pytestmark = pytest.mark.compiled  # as Python, a value takes seconds; the last test runs the kernel so

MODEL, DAY = "ayache-forsyth-vetzal", "2004-06-18"
FINE, COARSE = (3, 160, 48, 5.0), (2, 32, 20, 2.5)
PUT = [PutWindow(start="2006-06-18", end="2006-06-18", clean_price=100)]
TERMS = {
    "soft call and put": {"calls": [CallWindow(clean_price=100, trigger=1.5, start="2005-06-18")], "puts": PUT},
    "hard call and put": {"calls": [CallWindow(clean_price=110)], "puts": PUT},
    "call on a day": {"calls": [CallWindow(clean_price=105, start="2005-09-01", end="2005-09-01")]},
    "neither": {},
}


def markets(rows, seed=1):
    rng = np.random.default_rng(seed)
    return {
        "stock_price": rng.uniform(0.8, 3.5, rows),
        "volatility": rng.uniform(0.2, 0.7, rows),
        "risk_free": rng.uniform(0.01, 0.06, rows),
        "model": MODEL,
        "hazard_rate": rng.uniform(0.02, 0.12, rows),
        "recovery_rate": rng.uniform(0, 0.5, rows),
        "stock_drop": rng.uniform(0, 1, rows),
    }


def solve(run, case, grids, rows=slice(None)):
    contract = case.contract[rows]
    out = [np.empty(contract.size) for _ in range(5)]
    settings = np.array([*grids, case.model], dtype=np.float64)
    columns = [column[rows] for column in case.columns]
    run(case.lines.offsets, case.lines.table.reshape(-1), settings, contract, *columns, *out)
    return np.array(out)


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"dividend_yield": 0.06},
        {"hazard_elasticity": 1.2},
        {"hazard_rate": Steps(dates=["2005-03-01", "2007-06-18"], values=[0.03, 0.09])},
        {"dividend_dates": ["2005-03-01"], "dividend_amounts": [0.05]},
    ],
    ids=["plain", "yield", "elasticity", "steps", "cash dividend"],
)
def test_lanes_and_the_engine_agree(make, terms, more):
    case = Case.of(make(terms=TERMS[terms]), DAY, markets(12) | more)
    one_by_one, in_lanes = solve(value_rows, case, FINE), solve(value_rows_in_lanes, case, FINE)
    # Grids differ a little, and so do the first steps: what is left is the error of either.
    early = "dividend_yield" in more
    assert in_lanes[0] == pytest.approx(one_by_one[0], abs=1e-3 if early else 1e-4)
    assert in_lanes[1] == pytest.approx(one_by_one[1], abs=5e-3)


@settings(max_examples=12, deadline=None)
@given(
    stock=st.floats(0.8, 3.0), vol=st.floats(0.2, 0.8), rate=st.floats(0.0, 0.07), hazard=st.floats(0.0, 0.2),
    recovery=st.floats(0.0, 0.8), drop=st.floats(0.0, 1.0), elasticity=st.sampled_from([0.0, 0.5, 1.5]),
    paid=st.sampled_from([0.0, 0.02, 0.06]), dividend=st.sampled_from([0.0, 0.04]),
    price=st.floats(101.0, 120.0), trigger=st.sampled_from([0.0, 1.3]), called=st.integers(0, 900),
    one_day=st.booleans(), put=st.integers(330, 1000), on_conversion=st.sampled_from(["forfeited", "paid"]),
)  # fmt: skip
def test_the_engine_agrees_on_any_terms(
    make, stock, vol, rate, hazard, recovery, drop, elasticity, paid, dividend, price, trigger, called, one_day, put,
    on_conversion,
):  # fmt: skip
    first, last = np.datetime64(DAY) + called, np.datetime64(DAY) + put
    end = first if one_day else np.datetime64("2007-06-18")
    window = CallWindow(clean_price=price, trigger=trigger, start=first, end=end)
    terms = make(
        terms={"calls": [window], "puts": [PutWindow(start=last, end=last, clean_price=100)]},
        accrued_on_conversion=on_conversion,
    )
    given_ = {
        "stock_price": stock, "volatility": vol, "risk_free": rate, "hazard_rate": hazard, "recovery_rate": recovery,
        "stock_drop": drop, "hazard_elasticity": elasticity, "dividend_yield": paid, "model": MODEL,
        "dividend_dates": ["2005-03-01"], "dividend_amounts": [dividend],
    }  # fmt: skip
    case = Case.of(terms, np.datetime64(DAY) + 1, given_)
    one_by_one, in_lanes = (solve(run, case, ACCURACIES["standard"])[0, 0] for run in (value_rows, value_rows_in_lanes))
    exact = convertible_value(terms, np.datetime64(DAY) + 1, **given_, accuracy="reference")
    # As good as the engine, but for the places of its nodes.
    assert abs(in_lanes - exact.dirty_price) <= 5e-3 + 2 * abs(one_by_one - exact.dirty_price) + exact.error_estimate


def test_triggers_of_calls_on_listed_days_are_weighed(make):
    """Unweighed, a jump at each trigger costs ten times what is allowed here, on any grid."""
    days = np.datetime64("2005-01-03") + 7 * np.arange(100)
    calls = [CallWindow(clean_price=100, trigger=1.3, start=day, end=day) for day in days]
    case = Case.of(make(terms={"calls": calls}), DAY, markets(12, seed=3) | {"hazard_elasticity": 0.5})
    exact, in_lanes = (
        solve(value_rows, case, ACCURACIES["reference"]),
        solve(value_rows_in_lanes, case, ACCURACIES["standard"]),
    )
    assert in_lanes[0] == pytest.approx(exact[0], abs=4e-3)


@pytest.mark.parametrize(
    "more",
    [
        {"dividend_yield": 0.06},
        {"hazard_elasticity": 1.2},
        {"volatility": Steps(dates=["2005-03-01", "2007-06-18"], values=[0.35, 0.55])},
        {"dividend_dates": ["2005-03-01"], "dividend_amounts": [0.05]},
    ],
    ids=["yield", "elasticity", "steps", "cash dividend"],
)
@pytest.mark.parametrize("accuracy", ["fast", "standard"])
def test_errors_to_expect_cover(make, more, accuracy):
    """Of 95% of rows: of 240, with three standard deviations of a binomial number, 218."""
    covered = 0
    for name in ("soft call and put", "hard call and put", "neither"):
        terms, given_ = make(terms=TERMS[name]), markets(80, seed=8) | more
        got = convertible_value(terms, DAY, **given_, accuracy=accuracy)
        exact = convertible_value(terms, DAY, **given_, accuracy="reference")
        miss = np.abs(got.dirty_price - exact.dirty_price)
        covered += np.count_nonzero(miss <= got.error_estimate + exact.error_estimate)
    assert covered >= 218


@pytest.mark.parametrize("terms", ["hard call and put", "soft call and put"])
def test_sensitivities_are_those_of_the_finest_grids(make, terms):
    given_ = markets(24, seed=5) | {"hazard_elasticity": 0.7, "dividend_yield": 0.01}
    got, exact = (
        convertible_greeks(make(terms=TERMS[terms]), DAY, **given_, accuracy=accuracy)
        for accuracy in ("standard", "reference")
    )
    for name, error in (("delta", 1e-2), ("vega", 5e-3), ("rho", 1e-4), ("credit", 1e-4), ("recovery", 5e-3)):
        np.testing.assert_allclose(getattr(got, name), getattr(exact, name), atol=error)


@pytest.mark.parametrize("terms", TERMS)
def test_a_row_has_the_same_bits_whatever_its_neighbours(make, terms):
    case = Case.of(make(terms=TERMS[terms]), DAY, markets(60) | {"dividend_yield": np.tile([0.0, 0.05], 30)})
    whole = solve(value_rows_in_lanes, case, COARSE)
    order = np.random.default_rng(2).permutation(60)
    assert np.array_equal(solve(value_rows_in_lanes, case, COARSE, order), whole[:, order])
    for row in (0, 31, 59):
        assert np.array_equal(solve(value_rows_in_lanes, case, COARSE, [row])[:, 0], whole[:, row])


def test_rows_that_lack_a_number_have_no_value(make):
    case = Case.of(make(terms=TERMS["hard call and put"]), DAY, markets(20))
    whole = solve(value_rows_in_lanes, case, COARSE)
    case.columns[col.STOCK] = np.where(np.arange(20) == 7, np.nan, case.columns[col.STOCK])
    got = solve(value_rows_in_lanes, case, COARSE)
    assert np.isnan(got[:, 7]).all()
    others = np.arange(20) != 7
    assert np.array_equal(got[:, others], whole[:, others])


def test_no_rows(make):
    case = Case.of(make(), DAY, markets(3))
    assert solve(value_rows_in_lanes, case, COARSE, slice(0, 0)).shape == (5, 0)


def test_published_values(make, vectors):
    for published in vectors["cases"]:
        for name, drop in (("AFV_eta1", 1.0), ("AFV_eta0", 0.0)):
            market = {
                "stock_price": published["S"],
                "volatility": published["volatility"],
                "risk_free": 0.03,
                "model": MODEL,
                "hazard_rate": 0.08,
                "recovery_rate": 0.0,
                "stock_drop": drop,
            }
            got = solve(value_rows_in_lanes, Case.of(make(), DAY, market), (3, 320, 96, 6.5))
            assert got[0, 0] == pytest.approx(published[name], abs=1e-6)


def test_the_kernel_as_python_is_the_kernel_compiled(make, monkeypatch):
    case = Case.of(make(terms=TERMS["hard call and put"]), DAY, markets(2) | {"dividend_yield": 0.05})
    compiled = solve(value_rows_in_lanes, case, (2, 16, 6, 2.5))
    monkeypatch.setattr(_lanes, "value_lanes", Plain())
    assert solve(value_rows_in_lanes, case, (2, 16, 6, 2.5)) == pytest.approx(compiled, rel=1e-7, abs=1e-7)


class Plain:
    """The kernel with one lane, as Python."""

    lanes, body = 1, staticmethod(_lanes.value_lanes.py_func)

    def __call__(self, *args):
        self.body(0.0, *args)
