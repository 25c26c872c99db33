"""Models of two unknowns in lanes: against the engine, and against neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from notecalc.core.convertible import _lanes
from notecalc.core.convertible._case import ACCURACIES, Case
from notecalc.core.convertible._engine import value_rows
from notecalc.core.convertible._lanes import value_rows_in_lanes
from notecalc.core.convertible.terms import CallWindow, PutWindow, Steps
from notecalc.core.convertible.valuation import convertible_value

pytestmark = pytest.mark.compiled  # as Python, a value takes seconds; one test runs the kernel so

MODELS = ["tsiveriotis-fernandes", "goldman-sachs"]
DAY = "2004-06-18"
FINE, COARSE = (2, 160, 48, 5.0), (2, 32, 20, 2.5)
PUT = [PutWindow(start="2006-06-18", end="2006-06-18", clean_price=100)]
TERMS = {
    "soft call and put": {"calls": [CallWindow(clean_price=100, trigger=1.5, start="2005-06-18")], "puts": PUT},
    "hard call and put": {"calls": [CallWindow(clean_price=110)], "puts": PUT},
    "call on a day": {"calls": [CallWindow(clean_price=105, start="2005-09-01", end="2005-09-01")]},
    "call for cash from a trigger on": {"calls": [CallWindow(clean_price=108, trigger=0.9, start="2005-03-01")]},
    "neither": {},
}


def markets(model, rows, seed=1):
    rng = np.random.default_rng(seed)
    return {
        "stock_price": rng.uniform(0.8, 3.5, rows),
        "volatility": rng.uniform(0.25, 0.7, rows),
        "risk_free": rng.uniform(0.01, 0.06, rows),
        "model": model,
        "credit_spread": rng.uniform(0.02, 0.12, rows),
    }


def solve(run, case, grids, rows=slice(None)):
    contract = case.contract[rows]
    out = [np.empty(contract.size) for _ in range(5)]
    numbers = np.array([*grids, case.model], dtype=np.float64)
    columns = [column[rows] for column in case.columns]
    run(case.lines.offsets, case.lines.table.reshape(-1), numbers, contract, *columns, *out)
    return np.array(out)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({}, 5e-3),
        ({"dividend_yield": 0.06}, 2e-2),
        ({"credit_spread": Steps(dates=["2005-03-01", "2007-06-18"], values=[0.03, 0.09])}, 5e-3),
        ({"dividend_dates": ["2005-03-01"], "dividend_amounts": [0.05]}, 5e-3),
    ],
    ids=["plain", "yield", "steps", "cash dividend"],
)
def test_lanes_and_the_engine_agree(make, model, terms, more, error):
    case = Case.of(make(terms=TERMS[terms]), DAY, markets(model, 12) | more)
    one_by_one, in_lanes = solve(value_rows, case, FINE), solve(value_rows_in_lanes, case, FINE)
    assert in_lanes[0] == pytest.approx(one_by_one[0], abs=error)
    assert in_lanes[1] == pytest.approx(one_by_one[1], abs=0.1)


@settings(max_examples=12, deadline=None)
@given(
    model=st.sampled_from(MODELS), stock=st.floats(0.8, 3.0), vol=st.floats(0.25, 0.8), rate=st.floats(0.0, 0.07),
    spread=st.floats(0.0, 0.15), paid=st.sampled_from([0.02, 0.06]), dividend=st.sampled_from([0.0, 0.04]),
    price=st.floats(101.0, 120.0), trigger=st.sampled_from([0.0, 1.3]), called=st.integers(0, 900),
    one_day=st.booleans(), put=st.integers(330, 1000), on_conversion=st.sampled_from(["forfeited", "paid"]),
)  # fmt: skip
def test_the_engine_agrees_on_any_terms(
    make, model, stock, vol, rate, spread, paid, dividend, price, trigger, called, one_day, put, on_conversion
):
    first, last = np.datetime64(DAY) + called, np.datetime64(DAY) + put
    window = CallWindow(
        clean_price=price, trigger=trigger, start=first, end=first if one_day else np.datetime64("2007-06-18")
    )
    terms = make(
        terms={"calls": [window], "puts": [PutWindow(start=last, end=last, clean_price=100)]},
        accrued_on_conversion=on_conversion,
    )
    given_ = {
        "stock_price": stock, "volatility": vol, "risk_free": rate, "credit_spread": spread, "dividend_yield": paid,
        "model": model, "dividend_dates": ["2005-03-01"], "dividend_amounts": [dividend],
    }  # fmt: skip
    case = Case.of(terms, np.datetime64(DAY) + 1, given_)
    one_by_one, in_lanes = (solve(run, case, ACCURACIES["standard"])[0, 0] for run in (value_rows, value_rows_in_lanes))
    told = convertible_value(terms, np.datetime64(DAY) + 1, **given_).error_estimate
    assume(not np.isnan(told))
    exact, *_, change = solve(value_rows, case, ACCURACIES["reference"])[:, 0]
    # As good as the engine, but for the places of its nodes.
    assert abs(in_lanes - exact) <= 1e-2 + 2 * abs(one_by_one - exact) + abs(change)


@pytest.mark.parametrize("model", MODELS)
def test_what_fine_grids_find_is_found_on_coarse_ones(make, model):
    """Where conversion hardly pays the engine's rounds miss the edge on a coarse grid, and a stretch takes its place."""
    terms = make(
        maturity="2008-12-18", annual_rate=0.018, terms={"calls": [CallWindow(clean_price=110, start="2005-11-18")]}
    )
    given_ = markets(model, 1) | {"stock_price": 2.2, "volatility": 0.135, "risk_free": 0.0226, "credit_spread": 0.137}
    case = Case.of(terms, DAY, given_ | {"dividend_yield": 0.01})
    fine = solve(value_rows, case, (1, 1280, 384, 5.0))[0]
    # The ends of a stretch lie on nodes.
    for run in (value_rows, value_rows_in_lanes):
        assert solve(run, case, (1, 160, 48, 5.0))[0] == pytest.approx(fine, abs=1e-2)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dividends", ["yield", "cash"])
def test_values_settle_on_any_grid_or_are_told_not_to(make, model, dividends):
    """Where a note is converted in a stretch below its edge, too, a dividend yield leaves no answer; cash leaves one."""
    rng, rows = np.random.default_rng(8), 48
    volatility, ratio = rng.uniform(0.08, 0.8, rows), rng.uniform(0.0, 1.3, rows)
    given_ = markets(model, rows) | {"volatility": volatility, "credit_spread": volatility * ratio}
    given_ |= (
        {"dividend_yield": rng.uniform(0.005, 0.08, rows)}
        if dividends == "yield"
        else {"dividend_dates": ["2005-03-01", "2006-03-01"], "dividend_amounts": [0.05, 0.05]}
    )
    standard, reference = (convertible_value(make(), DAY, **given_, accuracy=x) for x in ("standard", "reference"))
    told = ~np.isnan(standard.error_estimate)
    error = np.abs(standard.dirty_price - reference.dirty_price)
    assert (error <= np.maximum(5 * standard.error_estimate, 0.01) + reference.error_estimate)[told].all()
    assert (error <= standard.error_estimate + reference.error_estimate)[told].mean() > 0.9
    assert told[ratio < 0.2].all()
    assert told[ratio > 1.2].all() == (dividends == "cash")
    # By rounds instead of one equation, one row at a time.
    plain = ~Case.of(make(), DAY, given_).solve_and_tell_stretches()[1]
    some = np.flatnonzero(plain)[np.argsort(-ratio[plain])[:4]]
    one_by_one = solve(value_rows, Case.of(make(), DAY, given_), ACCURACIES["standard"], some)[0]
    assert standard.dirty_price[some] == pytest.approx(one_by_one, abs=0.05)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("terms", ["hard call and put", "soft call and put", "call for cash from a trigger on"])
def test_a_row_has_the_same_bits_whatever_its_neighbours(make, model, terms):
    case = Case.of(make(terms=TERMS[terms]), DAY, markets(model, 60) | {"dividend_yield": np.tile([0.0, 0.05], 30)})
    whole = solve(value_rows_in_lanes, case, COARSE)
    order = np.random.default_rng(2).permutation(60)
    assert np.array_equal(solve(value_rows_in_lanes, case, COARSE, order), whole[:, order])
    for row in (0, 31, 59):
        assert np.array_equal(solve(value_rows_in_lanes, case, COARSE, [row])[:, 0], whole[:, row])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("terms", ["hard call and put", "call on a day", "call for cash from a trigger on"])
def test_the_kernel_as_python_is_the_kernel_compiled(make, model, terms, monkeypatch):
    case = Case.of(make(terms=TERMS[terms]), DAY, markets(model, 2) | {"volatility": 0.25, "dividend_yield": 0.2})
    compiled = solve(value_rows_in_lanes, case, (1, 16, 4, 2.5))
    monkeypatch.setattr(_lanes, "value_lanes", Plain())
    assert solve(value_rows_in_lanes, case, (1, 16, 4, 2.5)) == pytest.approx(compiled, rel=1e-7, abs=1e-7)


class Plain:
    """The kernel with one lane, as Python."""

    lanes, body = 1, staticmethod(_lanes.value_lanes.py_func)

    def __call__(self, *args):
        self.body(0.0, *args)
