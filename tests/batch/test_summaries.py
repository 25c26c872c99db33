"""What all scenarios say together, beside numpy on all of them at once."""

import shutil
import tracemalloc
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notecalc.batch import selection
from notecalc.batch.axes import Drawn, Listed
from notecalc.batch.manifest import verify
from notecalc.batch.plan import Plan
from notecalc.batch.results.base import Column, Result
from notecalc.batch.run import run
from notecalc.batch.scenariofile import load_scenarios
from notecalc.batch.store import Folder
from notecalc.batch.summaries import summarise

LEVELS = (0.0, 0.05, 0.37, 0.5, 0.95, 1.0)


class Worth(Result):
    """A number for each of two holders."""

    name = "worth"
    takes = types.MappingProxyType({"a": "number", "x": "number"})
    columns = types.MappingProxyType({"worth": Column("", "worth")})
    labels = types.MappingProxyType({"holder": ("first", "second")})

    def __init__(self) -> None:
        """It asks no deal."""

    def compute(self, inputs, size):
        raise NotImplementedError


def expected_shortfall(values, level):
    """The mean of the lowest share, the last number counted in part (Acerbi and Tasche)."""
    ordered, share = np.sort(values), level * values.size
    whole = int(np.floor(share))
    part = (share - whole) * ordered[whole] if whole < values.size else 0.0
    return (ordered[:whole].sum() + part) / share


@given(
    st.integers(1, 4), st.integers(1, 30), st.integers(7, 50), st.integers(0, 10**6), st.booleans(), st.booleans(),
    st.sampled_from([24, 2**8, selection.BUDGET]),
)  # fmt: skip
def test_summaries_are_those_of_all_numbers_at_once(points, count, block, seed, ties, split, budget):
    random = np.random.default_rng(seed)
    axes = [Listed("a", np.arange(points) % 3.0), Drawn("x", "uniform", 0, 1)]
    plan = Plan.of(axes, count=count, seed=7)
    values = random.normal(0, 10, (len(plan), 2)) * 10.0 ** random.integers(
        -100, 100 if not ties else 1, (len(plan), 2)
    )
    if ties:
        values = np.rint(values)
    values[random.random(values.shape) < 0.1] = np.nan
    flat = values.reshape(-1)

    def blocks(_, __):
        for start in range(0, flat.size, 2 * block):
            yield flat[start : start + 2 * block]

    by = ["a"] if split else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "BUDGET", budget)  # few enough to need all passes and many batches, or none of them
        table = summarise(plan, [Worth()], blocks, quantiles=LEVELS, expected_shortfall=(0.05, 0.5, 1.0), by=by)
    a = plan.inputs(0, len(plan))["a"]
    assert len(table) == 2 * (np.unique(a).size if split else 1)
    for row in table.to_dict("records"):
        own = values[(a == row["a"]) if split else slice(None), ("first", "second").index(row["holder"])]
        there = own[~np.isnan(own)]
        assert (row["count"], row["missing"]) == (there.size, own.size - there.size)
        if not there.size:
            assert np.isnan(row["q0.5"])
            continue
        assert (row["least"], row["most"]) == (there.min(), there.max())
        scale = abs(there).max()
        assert row["mean"] == pytest.approx(there.mean(), rel=1e-12, abs=1e-13 * scale)
        for level in LEVELS:
            assert row[f"q{level:g}"] == np.quantile(there, level), level
        for level in (0.05, 0.5, 1.0):
            expected = expected_shortfall(there, level)
            assert row[f"es{level:g}"] == pytest.approx(expected, rel=1e-10, abs=1e-12 * scale), level


def test_a_constant_does_not_deviate_from_its_mean():
    """The sum of ten of 0.1 is less than 1: a mean of that sum would be another number than each of them."""
    plan = Plan.of([Listed("a", np.arange(5.0))])
    table = summarise(
        plan, [Worth()], lambda *_: iter([np.full(10, 0.1)]), quantiles=(), expected_shortfall=(0.3,), by=[]
    )
    assert table[["mean", "deviation", "es0.3"]].to_numpy().tolist() == [[0.1, 0.0, 0.1]] * 2


def test_memory_grows_neither_with_the_grid_nor_with_groups_and_quantiles():
    """A grid of two million points; and 400 groups of which seven quantiles are asked, whose counters were a GiB."""
    levels = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
    grid = Plan.of([Listed("a", np.arange(2_000.0)), Listed("x", np.arange(500.0))])
    groups = Plan.of([Listed("a", np.arange(400.0)), Drawn("x", "uniform", 0, 1)], count=100, seed=7)
    for plan, by, asked, most in ((grid, [], (), 2**20), (groups, ["a"], levels, 2**23)):
        values = np.random.default_rng(7).normal(size=2 * len(plan))

        def blocks(_, __, values=values):
            for start in range(0, values.size, 2**14):
                yield values[start : start + 2**14]

        tracemalloc.start()
        try:
            table = summarise(plan, [Worth()], blocks, quantiles=asked, expected_shortfall=(), by=by)
            assert tracemalloc.get_traced_memory()[1] < most
        finally:
            tracemalloc.stop()
        assert table["count"].sum() == 2 * len(plan)


def test_axes_that_move_together_make_the_groups_there_are():
    axes = [Listed("a", np.array([1.0, 2.0, 1.0]), zip="z"), Listed("x", np.array([5.0, 6.0, 5.0]), zip="z")]
    table = summarise(
        Plan.of(axes), [Worth()], lambda *_: iter([np.arange(6.0)]), quantiles=(), expected_shortfall=(), by=["x", "a"]
    )
    assert list(table.columns[:4]) == ["result", "holder", "x", "a"]
    assert table[["x", "a", "holder", "count", "mean"]].to_numpy().tolist() == [
        [5.0, 1.0, "first", 2, 2.0], [5.0, 1.0, "second", 2, 3.0],
        [6.0, 2.0, "first", 1, 2.0], [6.0, 2.0, "second", 1, 3.0],
    ]  # fmt: skip


class Bounded(Worth):
    """A bound of an error for each of two holders."""

    columns = types.MappingProxyType({"error_estimate": Column("per 100 +-", "bound")})


def test_of_bounds_of_errors_there_is_the_largest():
    plan = Plan.of([Listed("a", np.arange(2.0))])
    bounds = np.array([0.1, np.nan, 0.3, np.nan])
    table = summarise(plan, [Bounded()], lambda *_: iter([bounds]), quantiles=LEVELS, expected_shortfall=(), by=[])
    assert table.drop(columns=["result", "column"]).to_dict("list") == {
        "holder": ["first", "second"], "count": [2, 0], "missing": [0, 2], "most": [0.3, pytest.approx(np.nan, nan_ok=True)],
    }  # fmt: skip


def test_a_run_has_its_summary_and_a_resumed_one_the_same(scenario_file, tmp_path):
    asked = '\n[summaries]\nquantiles = [0.05, 0.5]\nexpected_shortfall = [0.05]\nby = ["on"]\n'
    case = load_scenarios(scenario_file(replace={"[results.accrued]\n": f"[results.accrued]\n{asked}"}))
    made = run(case, tmp_path / "run", workers=1)
    table = made.summary()
    accrued = table[table["result"] == "accrued"]
    # 2004-06-18 is the first day, so nothing has accrued; 179 of 360 days by 30/360 have by 2004-12-17.
    assert accrued["q0.5"].tolist() == pytest.approx([0, 29_000_000 * 0.08 * 179 / 360])
    assert accrued["es0.05"].tolist() == pytest.approx(accrued["q0.05"].tolist(), rel=1e-15)
    assert accrued["mean"].tolist() == pytest.approx(accrued["q0.05"].tolist(), rel=1e-15)
    assert len(table[table["result"] == "dilution"]) == 4
    again = run(case, tmp_path / "run", workers=1, resume=True).summary()
    assert again.equals(table)

    file = tmp_path / "run" / "summary.parquet"
    written = file.read_bytes()
    file.write_bytes(written[:-1])
    assert verify(case, made.store) == ["summary.parquet is not what was written"]
    run(case, tmp_path / "run", workers=1, resume=True)
    assert file.read_bytes() == written
    assert verify(case, made.store) == []
    manifest = tmp_path / "run" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"seed": 7', '"seed": 8'))
    assert verify(case, made.store) == [
        "manifest.json can't be trusted: it is not what was written; --resume writes it anew"
    ]


def test_a_finished_run_is_resumed_without_reading_its_results(scenario_file, tmp_path, monkeypatch):
    asked = "\n[summaries]\nquantiles = [0.5]\n"
    case = load_scenarios(scenario_file(replace={"[results.accrued]\n": f"[results.accrued]\n{asked}"}))
    made = run(case, tmp_path / "run", workers=1)
    monkeypatch.setattr(Folder, "open", lambda *_: pytest.fail("it was read"))
    read, get = [], Folder.get
    monkeypatch.setattr(Folder, "get", lambda self, path: read.append(path) or get(self, path))
    assert run(case, tmp_path / "run", workers=1, resume=True).result_hash == made.result_hash
    assert {path.partition("/")[0] for path in read} == {"run.json", "blocks", "manifest.json", "summary.parquet"}
    # A copy has other times: its files are read, and found to be what was written.
    shutil.copytree(tmp_path / "run", tmp_path / "copy", copy_function=shutil.copyfile)
    read.clear()
    told = []
    run(case, tmp_path / "copy", workers=1, resume=True, progress=told.append)
    assert len({path for path in read if path.endswith(".parquet")}) == 2 * case.blocks + 1
    assert told[0].before == len(case.plan)


class Dated(Worth):
    """A day for each of two holders."""

    columns = types.MappingProxyType({"day": Column("date", "day", "datetime64[D]")})


def test_dates_are_counted():
    plan = Plan.of([Listed("a", np.arange(2.0))])
    days = np.array(["2004-06-18", "NaT", "NaT", "NaT"], dtype="datetime64[D]")
    table = summarise(plan, [Dated()], lambda *_: iter([days]), quantiles=LEVELS, expected_shortfall=(), by=[])
    assert table.to_dict("list") == {
        "result": ["worth", "worth"], "holder": ["first", "second"], "column": ["day", "day"],
        "count": [1, 0], "missing": [1, 2],
    }  # fmt: skip
