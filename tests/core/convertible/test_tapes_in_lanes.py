"""Notes of different dates and options side by side in lanes: each is on its own, though it waits for others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notecalc.core.convertible import _columns as col
from notecalc.core.convertible import _lanes
from notecalc.core.convertible._case import ACCURACIES, Case
from notecalc.core.convertible._engine import value_rows
from notecalc.core.convertible._lanes import value_rows_in_lanes
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, Convertible, PutWindow, Steps
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve

pytestmark = pytest.mark.compiled  # as Python, a value takes seconds

MODELS = ["tsiveriotis-fernandes", "ayache-forsyth-vetzal", "goldman-sachs"]
SIZE = 48


def tape(model, call_price=110.0, trigger=0.0):
    """Notes of two to four years under a call whose price moves with accrued interest, and a put."""
    rng = np.random.default_rng(7)
    issue = np.datetime64("2004-01-15") + rng.integers(0, 500, SIZE)
    maturity = issue + 365 * rng.integers(2, 5, SIZE) + rng.integers(0, 30, SIZE)
    notes = Notes(
        issue_date=issue, maturity=maturity, principal=100, annual_rate=rng.uniform(0, 0.1, SIZE), frequency=2,
        day_count="30/360",
    )  # fmt: skip
    put = maturity - rng.integers(200, 330, SIZE)
    terms = Convertible(
        periods=resolve(notes),
        conversions=[ConversionWindow(conversion_price=rng.uniform(1, 50, SIZE))],
        calls=[CallWindow(clean_price=call_price, trigger=trigger, start=issue + rng.integers(300, 360, SIZE))],
        puts=[PutWindow(start=put, end=put, clean_price=100)],
        accrued_on_conversion="forfeited",
    )
    market = {
        "stock_price": terms.conversions[0].conversion_price * rng.uniform(0.4, 1.9, SIZE),
        "volatility": rng.uniform(0.1, 0.45, SIZE),
        "risk_free": rng.uniform(0.01, 0.06, SIZE),
        "model": model,
        "accuracy": "fast",
    }
    credit = rng.uniform(0.02, 0.15, SIZE)
    by_hazard = {"hazard_rate": credit, "recovery_rate": 0.4, "stock_drop": 1.0}
    return Case.of(terms, issue + 20, market | (by_hazard if model == MODELS[1] else {"credit_spread": credit}))


def solve(run, case, rows):
    found, lines = np.empty((5, len(rows))), case.lines
    columns = [column[rows] for column in case.columns]
    run(lines.offsets, lines.table.reshape(-1), case.settings, case.contract[rows], *columns, *found)
    return found


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("trigger", [0.0, 1.5], ids=["hard call", "soft call"])
def test_a_note_has_the_same_bits_alone_and_among_others(model, trigger):
    case = tape(model, trigger=trigger)
    rows = np.arange(SIZE)
    whole = solve(value_rows_in_lanes, case, rows)
    assert np.isfinite(whole[0]).all()
    for row in rows:
        np.testing.assert_array_equal(solve(value_rows_in_lanes, case, [row])[:, 0], whole[:, row])


def test_the_engine_agrees_where_others_have_more_steps():
    case = tape(MODELS[1], trigger=1.5)
    lengths, steps = np.split(case.lines.table[:, col.LENGTH], case.lines.offsets[1:-1]), ACCURACIES["fast"][2]
    assert len({tuple(np.round(steps * length / length.sum())) for length in lengths}) > SIZE / 4
    case = Case(case.layout, case.lines, case.contract, case.columns, case.model, "standard", case.source)
    rows = np.arange(SIZE)
    theirs = solve(value_rows, case, rows)[0]
    assert solve(value_rows_in_lanes, case, rows)[0] == pytest.approx(theirs, abs=2e-2)


def vectors_filled(monkeypatch, case):
    """How many vectors the rows of a case fill."""
    filled = []

    class Counting:
        """The kernel, with a count of what it fills."""

        lanes, body = _lanes.value_lanes.lanes, _lanes.value_lanes

        def __call__(self, *args):
            filled.append(args[-1].size // self.lanes)
            self.body(*args)

    monkeypatch.setattr(_lanes, "value_lanes", Counting())
    solve(value_rows_in_lanes, case, np.arange(case.contract.size))
    return filled[0]


def test_notes_of_different_dates_share_vectors(monkeypatch):
    case = tape(MODELS[0], trigger=1.5)
    assert case.lines.offsets.size - 1 == SIZE
    assert vectors_filled(monkeypatch, case) == -(-SIZE // _lanes.value_lanes.lanes)


# ---- notes of any options side by side ----

CALLS = {
    "none": None,
    "hard": {"clean_price": 104.0},
    "soft": {"clean_price": 100.0, "trigger": 1.5},
    "for cash from a trigger on": {"clean_price": 120.0, "trigger": 1.05},
    "on a day": {"clean_price": 103.0, "one_day": True},
    "on a day from a trigger on": {"clean_price": 102.0, "trigger": 1.2, "one_day": True},
}


@st.composite
def notes(draw):
    """Draw the options and the market of a note of its own."""
    return {
        "days": draw(st.integers(90, 1500)),
        "coupons": draw(st.sampled_from([1, 2, 4])),
        "annual_rate": draw(st.sampled_from([0.0, 0.04, 0.09])),
        "call": draw(st.sampled_from(sorted(CALLS))),
        "called": draw(st.floats(0.05, 0.95)),
        "put": draw(st.none() | st.floats(0.05, 0.95)),
        "opens": draw(st.none() | st.floats(0.05, 0.95)),
        "closes": draw(st.booleans()),
        "on_conversion": draw(st.sampled_from(["forfeited", "paid"])),
        "stock": draw(st.floats(0.2, 3.0)),
        "volatility": draw(st.floats(0.08, 0.9)),
        "credit": draw(st.floats(0.0, 0.3)),
        "paid": draw(st.sampled_from([0.0, 0.0, 0.03])),
        "dividend": draw(st.sampled_from([0.0, 0.0, 0.04])),
        "elasticity": draw(st.sampled_from([0.0, 0.0, 1.2])),
        "term": draw(st.booleans()),
    }


def case_of(note, model):
    """A case of the note alone; its stock has a conversion price of 1."""
    issue, on = np.datetime64("2004-01-15"), "forfeited"
    day = {name: issue + int(note[name] * note["days"]) for name in ("called", "put", "opens") if note[name]}
    calls, puts, on = [], [], note["on_conversion"]
    if CALLS[note["call"]]:
        call = dict(CALLS[note["call"]])
        end = {"end": day["called"]} if call.pop("one_day", False) else {}
        calls = [CallWindow(start=day["called"], **call, **end)]
    if note["put"]:
        puts = [PutWindow(start=day["put"], end=day["put"], clean_price=99)]
    window = {"start" if not note["closes"] else "end": day["opens"]} if note["opens"] else {}
    terms = Convertible(
        periods=resolve(
            Notes(
                issue_date=issue, maturity=issue + note["days"], principal=100, annual_rate=note["annual_rate"],
                frequency=note["coupons"], day_count="30/360",
            )
        ),
        conversions=[ConversionWindow(conversion_price=1.0, **window)],
        calls=calls, puts=puts, accrued_on_conversion=on,
    )  # fmt: skip
    vol = note["volatility"]
    market = {
        "stock_price": note["stock"],
        "volatility": Steps(["2005-01-31", "2009-01-15"], [vol, 0.8 * vol]) if note["term"] else vol,
        "risk_free": 0.03,
        "dividend_yield": note["paid"],
        "dividend_dates": ["2004-09-01"],
        "dividend_amounts": [note["dividend"]],
        "model": model,
        "accuracy": "fast",
    }
    by_hazard = {"recovery_rate": 0.4, "stock_drop": 0.8, "hazard_elasticity": note["elasticity"]}
    credit = {"credit_spread": note["credit"]} if model != MODELS[1] else {"hazard_rate": note["credit"]} | by_hazard
    return Case.of(terms, issue + 3, market | credit)


def side_by_side(cases):
    """One case of the rows of several."""
    first = cases[0]
    sizes = np.concatenate([np.diff(case.lines.offsets) for case in cases])
    table = np.concatenate([case.lines.table for case in cases])
    lines = replace(first.lines, offsets=np.r_[0, np.cumsum(sizes)], table=table)
    columns = [np.concatenate(of_one) for of_one in zip(*(case.columns for case in cases), strict=True)]
    return replace(first, lines=lines, contract=np.arange(len(cases)), columns=columns)


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=15, deadline=None)
@given(drawn=st.lists(notes(), min_size=3, max_size=40), seed=st.integers(0, 99))
def test_notes_of_any_options_have_the_same_bits_alone_together_and_shuffled(model, drawn, seed):
    case = side_by_side([case_of(note, model) for note in drawn])
    rows = np.arange(len(drawn))
    whole = solve(value_rows_in_lanes, case, rows)
    assert np.isfinite(whole[0]).all()
    shuffled = np.random.default_rng(seed).permutation(rows)
    np.testing.assert_array_equal(solve(value_rows_in_lanes, case, shuffled), whole[:, shuffled])
    for row in rows:
        np.testing.assert_array_equal(solve(value_rows_in_lanes, case, [row])[:, 0], whole[:, row])


def test_an_edge_that_moves_outwards_reads_nothing_that_neighbours_have_left():
    """Called for cash from a trigger on while conversion is closed, its edge moves by some nodes in a step.

    What it has once been carried beyond by was left as others had it: values differed by 5e-3, deltas by 4e-2.
    """
    one = {
        "days": 747, "coupons": 1, "annual_rate": 0.04, "call": "soft", "called": 0.25, "put": None, "opens": 0.75,
        "closes": False, "on_conversion": "forfeited", "stock": 0.76, "volatility": 0.44, "credit": 0.216, "paid": 0.0,
        "dividend": 0.0, "elasticity": 0.0, "term": False,
    }  # fmt: skip
    rng = np.random.default_rng(1)
    drawn = [
        one
        | {
            "stock": float(rng.uniform(0.3, 2.5)), "volatility": float(rng.uniform(0.1, 0.9)),
            "credit": float(rng.uniform(0, 0.3)),
        }
        for _ in range(160)
    ]  # fmt: skip
    case = side_by_side([case_of(note, MODELS[0]) for note in drawn])
    whole = solve(value_rows_in_lanes, case, np.arange(160))
    for row in range(160):
        np.testing.assert_array_equal(solve(value_rows_in_lanes, case, [row])[:, 0], whole[:, row])


def test_notes_of_any_options_share_vectors(monkeypatch):
    """Of a hundred notes of lives and options of their own, those of one kind of row fill all vectors but one."""
    rng, names = np.random.default_rng(5), sorted(CALLS)
    one = {
        "opens": None, "closes": False, "on_conversion": "forfeited", "stock": 1.1, "volatility": 0.4, "credit": 0.05,
        "paid": 0.0, "dividend": 0.0, "elasticity": 0.0, "term": False,
    }  # fmt: skip
    drawn = [
        one
        | {
            "days": int(rng.integers(200, 1500)), "coupons": int(rng.choice([1, 2, 4])),
            "annual_rate": float(rng.uniform(0, 0.1)), "call": names[rng.integers(len(names))],
            "called": float(rng.uniform(0.1, 0.9)), "put": float(rng.uniform(0.1, 0.9)),
        }
        for _ in range(100)
    ]  # fmt: skip
    case = side_by_side([case_of(note, MODELS[1]) for note in drawn])
    assert len({tuple(np.diff(case.lines.offsets)[[i]]) for i in range(100)}) > 10
    assert vectors_filled(monkeypatch, case) == -(-100 // _lanes.value_lanes.lanes)
