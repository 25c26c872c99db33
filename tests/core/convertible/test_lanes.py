"""Rows valued side by side in the lanes of vectors, against the engine that values them one by one."""

from __future__ import annotations

import numpy as np
import pytest

from notecalc.core.convertible import _columns as col
from notecalc.core.convertible import _lanes
from notecalc.core.convertible._engine import value_rows
from notecalc.core.convertible._lanes import value_rows_in_lanes
from notecalc.core.convertible.terms import CallWindow, PutWindow, Steps
from notecalc.core.convertible.valuation import Case

pytestmark = pytest.mark.compiled  # as Python, a value takes seconds; the last test runs the kernel so

DAY = "2004-06-18"
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
        "model": "ayache-forsyth-vetzal",
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
    case.columns[col.STOCK][7] = np.nan
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
                "model": "ayache-forsyth-vetzal",
                "hazard_rate": 0.08,
                "recovery_rate": 0.0,
                "stock_drop": drop,
            }
            got = solve(value_rows_in_lanes, Case.of(make(), DAY, market), (3, 320, 96, 6.5))
            assert got[0, 0] == pytest.approx(published[name], abs=1e-6)


def test_the_kernel_as_python_is_the_kernel_compiled(make, monkeypatch):
    case = Case.of(make(terms=TERMS["hard call and put"]), DAY, markets(2) | {"dividend_yield": 0.05})
    compiled = solve(value_rows_in_lanes, case, (2, 16, 6, 2.5))
    monkeypatch.setattr(_lanes, "lane_count", lambda: 1)
    monkeypatch.setattr(_lanes, "value_lanes", lambda *args: _lanes_kernel.py_func(0.0, *args))
    assert solve(value_rows_in_lanes, case, (2, 16, 6, 2.5)) == pytest.approx(compiled, rel=1e-7, abs=1e-7)


_lanes_kernel = _lanes.value_lanes
