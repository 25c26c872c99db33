"""Notes of different dates side by side in lanes: each is on its own, though it waits for others' steps."""

from __future__ import annotations

import numpy as np
import pytest

from notecalc.core.convertible import _lanes
from notecalc.core.convertible._case import ACCURACIES, Case
from notecalc.core.convertible._engine import value_rows
from notecalc.core.convertible._lanes import value_rows_in_lanes
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, Convertible, PutWindow
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
    counts = _lanes._steps(case.lines.offsets, case.lines.table, ACCURACIES["fast"][2])
    assert np.unique(_lanes._rank(case.lines.offsets, counts)).size > SIZE / 4
    case = Case(case.layout, case.lines, case.contract, case.columns, case.model, "standard", case.source)
    rows = np.arange(SIZE)
    theirs = solve(value_rows, case, rows)[0]
    assert solve(value_rows_in_lanes, case, rows)[0] == pytest.approx(theirs, abs=2e-2)


def test_notes_of_different_dates_share_vectors(monkeypatch):
    case, filled = tape(MODELS[0], trigger=1.5), []

    class Counting:
        """The kernel, with a count of what it fills."""

        lanes, body = _lanes.value_lanes.lanes, _lanes.value_lanes

        def __call__(self, *args):
            filled.append(args[-1].size // self.lanes)
            self.body(*args)

    monkeypatch.setattr(_lanes, "value_lanes", Counting())
    solve(value_rows_in_lanes, case, np.arange(SIZE))
    assert case.lines.offsets.size - 1 == SIZE
    assert filled[0] < SIZE / 2
