"""Vectors without a compiler: arrays of numpy stand for their lanes, so that what lanes do to each other shows in Python.

Grids are coarse: what is held is that a note has the same bits whatever is beside it, and what the engine, one note at a
time, makes of the same grid.
"""

from __future__ import annotations

import importlib
import math
import pkgutil

import numpy as np
import pytest

from notecalc.core import convertible
from notecalc.core.convertible import _lanes
from notecalc.core.convertible._case import ACCURACIES, MODELS, Case
from notecalc.core.convertible._engine import value_rows
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, Convertible, PutWindow
from notecalc.core.convertible.valuation import convertible_value
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve

TF, AFV, GS = MODELS
LANES = 3
COARSE = (2, 24, 8, 3.0)
DAY = "2004-06-18"
CALL = {"start": "2005-03-01"}
PUT = PutWindow(start="2005-12-18", end="2005-12-18", clean_price=99)
FOR_CASH = CallWindow(clean_price=104, trigger=0.95, **CALL)
OPEN_LATER = [ConversionWindow(conversion_price=1.0, start="2005-09-18")]
PAYS = {"dividend_dates": ["2005-03-01"], "dividend_amounts": [0.04]}
NOTES = {
    "plain": ({}, {}),
    "yield": ({}, {"dividend_yield": 0.05}),
    "cash dividend, put": ({"puts": [PUT]}, PAYS),
    "hard call, elastic": ({"calls": [CallWindow(clean_price=104, **CALL)]}, {"hazard_elasticity": 1.2}),
    "hard call, yield": ({"calls": [CallWindow(clean_price=104, **CALL)]}, {"dividend_yield": 0.03}),
    "hard call and put, paid": (
        {"calls": [CallWindow(clean_price=106, **CALL)], "puts": [PUT], "accrued_on_conversion": "paid"}, {},
    ),
    "soft call, quarterly": ({"calls": [CallWindow(clean_price=100, trigger=1.4, **CALL)], "frequency": 4}, {}),
    "for cash from a trigger on": ({"calls": [FOR_CASH], "annual_rate": 0.14}, {}),
    "for cash from a trigger on, dividend": ({"calls": [FOR_CASH], "annual_rate": 0.14}, PAYS),
    "called on a day": ({"calls": [CallWindow(clean_price=103, start="2005-03-01", end="2005-03-01")]}, {}),
    "conversion later, hard call": ({"conversions": OPEN_LATER, "calls": [CallWindow(clean_price=104, **CALL)]}, {}),
    "a short life": ({"maturity": "2005-01-18"}, {}),
}  # fmt: skip
VECTORS = {
    "load": lambda values, at, like: values[at : at + LANES].copy(),
    "pick": lambda values, at, cells, like: values[at + cells],
    "splat": lambda x, like: np.full(LANES, float(x)),
    "lanes_of": lambda like: LANES,
    "fma": lambda x, y, z: x * y + z,
    "minimum": lambda x, y: np.where(x < y, x, y),
    "maximum": lambda x, y: np.where(x > y, x, y),
    "select": np.where,
    "any_lane": lambda condition: bool(np.any(condition)),
    "whole": np.floor,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
}


def store(values, at, x):
    values[at : at + LANES] = x


def point(cells, x):
    cells[:] = x.astype(np.int64) * LANES + np.arange(LANES)


@pytest.fixture
def in_numpy(monkeypatch):
    """Kernels of lanes, as Python, on arrays of numpy."""
    for found in pkgutil.iter_modules(convertible.__path__):
        if found.name.startswith("_lanes"):
            module = importlib.import_module(f"{convertible.__name__}.{found.name}")
            for name, function in (VECTORS | {"store": store, "point": point}).items():
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, function)


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    monkeypatch.setitem(ACCURACIES, "fast", COARSE)


def case_of(which, model, stock, volatility):
    terms, market = NOTES[which]
    more = {"accrued_on_conversion": "forfeited", "conversions": [ConversionWindow(conversion_price=1.0)]} | terms
    note = {"maturity": "2006-06-18", "frequency": 2, "annual_rate": 0.06}
    note |= {name: more.pop(name) for name in note if name in more}
    periods = resolve(Notes(issue_date=DAY, principal=100, day_count="30/360", **note))
    market = {"stock_price": stock, "volatility": volatility, "risk_free": 0.03, "model": model} | market
    if model == AFV:
        market |= {"hazard_rate": 0.08, "recovery_rate": 0.4, "stock_drop": 0.8}
    else:
        market = {name: x for name, x in market.items() if name != "hazard_elasticity"} | {"credit_spread": 0.05}
    return Case.of(Convertible(periods=periods, **more), DAY, market | {"accuracy": "fast"})


def together(cases):
    """Value notes side by side, in one vector."""
    sizes = np.concatenate([np.diff(case.lines.offsets) for case in cases])
    offsets, table = np.r_[0, np.cumsum(sizes)], np.concatenate([case.lines.table for case in cases]).reshape(-1)
    columns = [np.concatenate(of_one) for of_one in zip(*(case.columns for case in cases), strict=True)]
    contract, rows = np.arange(len(cases)), len(cases)
    kind, barriers, width, below, over = (np.empty(rows) for _ in range(5))
    settings, found = cases[0].settings, [np.empty(rows) for _ in range(5)]
    _lanes.survey_rows.py_func(
        offsets, table, settings, contract, *columns, kind, barriers, width, below, over
    )  # fmt: skip
    assert (kind == kind[0]).all(), "rows of different kinds share no vector"
    with np.errstate(all="ignore"):  # of what a lane has no use for
        _lanes.value_lanes.py_func(
            0.0, offsets, table, settings, contract, kind, width, below, over, *columns, *found
        )  # fmt: skip
    return np.array(found)


def kinds(model):
    """Notes that may share a vector."""
    groups: dict[float, list[str]] = {}
    for which in NOTES:
        case = case_of(which, model, 1.1, 0.4)
        kind, *rest = (np.empty(1) for _ in range(5))
        _lanes.survey_rows.py_func(
            case.lines.offsets, case.lines.table.reshape(-1), case.settings, case.contract, *case.columns, kind, *rest
        )  # fmt: skip
        groups.setdefault(float(kind[0]), []).append(which)
    return list(groups.values())


@pytest.mark.usefixtures("in_numpy")
@pytest.mark.parametrize("model", MODELS)
def test_a_note_has_the_same_bits_whatever_is_beside_it_and_what_the_engine_makes_of_the_grid(model):
    compared = 0
    for group in kinds(model):
        cases = [case_of(which, model, 0.8 + 0.15 * i, 0.25 + 0.05 * (i % 4)) for i, which in enumerate(group)]
        alone = [together([case] * LANES)[:, 0] for case in cases]
        for i, case in enumerate(cases):
            beside = [cases[(i + 1) % len(cases)], case, cases[(i + 3) % len(cases)]]
            np.testing.assert_array_equal(together(beside)[:, 1], alone[i], err_msg=group[i])
            engine = [np.empty(1) for _ in range(5)]
            value_rows(
                case.lines.offsets, case.lines.table.reshape(-1), case.settings, case.contract, *case.columns, *engine
            )  # fmt: skip
            # Steps of half the length are twice as many in the engine; the grid is the same, and as coarse.
            assert alone[i][0] == pytest.approx(engine[0][0], abs=0.025), group[i]
            compared += 1
    assert compared == len(NOTES)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stock", [132.0, 300.0])
def test_the_issuer_waits_above_a_trigger_while_conversion_is_closed(model, stock):
    """It calls on the last day: the price is worth less the longer it is not paid."""
    terms = Convertible(
        periods=resolve(
            Notes(
                issue_date="2005-01-01", maturity="2006-01-01", principal=100, annual_rate=0.0, frequency=1,
                day_count="actual/365 fixed",
            )
        ),
        conversions=[ConversionWindow(conversion_price=100.0, start="2005-10-28")],
        calls=[CallWindow(clean_price=105, trigger=1.3, start="2005-01-01", end="2005-03-02")],
        accrued_on_conversion="forfeited",
    )  # fmt: skip
    credit = {"hazard_rate": 0.0, "recovery_rate": 0.0, "stock_drop": 0.0} if model == AFV else {"credit_spread": 0.0}
    found = convertible_value(
        terms, "2005-01-01", stock_price=stock, volatility=0.3, risk_free=0.03, model=model, accuracy="fast", **credit
    )
    waited = 105 * math.exp(-0.03 * 60 / 365)
    assert waited - 1e-6 <= found.dirty_price <= 105
    if stock == 300.0:  # so far above the trigger that it is not seen
        assert found.dirty_price == pytest.approx(waited, abs=1e-3)
