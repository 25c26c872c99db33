"""Kernels: compiled on first use, cached where they may be, plain Python where compilation is off."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import notecalc as nc
from notecalc.core import _counting
from notecalc.core._jit import Kernel, kernel
from notecalc.core.daycount import DAY_COUNTS

PACKAGE = Path(nc.__file__).parent
LOOPS = {
    f"{count.name}, {what}": loop
    for count in DAY_COUNTS.values()
    for what, loop in (("fractions", count.fractions), ("interest", count.interest))
    if loop is not None
}
FIRST, LAST, MISSING = _counting.FIRST_DAY, _counting.LAST_DAY, np.iinfo(np.int64).min


def plus_one(value):
    return value + 1


@kernel(reads=["float64", "int64"], writes="float64", calls=[plus_one])
def weigh(values, weights, out):
    total = 0.0
    for i in range(out.size):
        out[i] = plus_one(values[i]) * weights[i]
        total += out[i]
    return total


def inputs(loop, rows=500, seed=3):
    """Arrays for a loop of a day count, with missing values, the first and the last day, and no time at all."""
    rng = np.random.default_rng(seed)
    start, end = np.sort(rng.integers(FIRST, LAST, (2, rows), endpoint=True), axis=0)
    start[:4], end[:4] = [MISSING, FIRST, FIRST, LAST], [FIRST, MISSING, LAST, LAST]
    if len(loop._reads) == 2:
        return start, end
    principal, rate = rng.uniform(-1e9, 1e9, rows), rng.uniform(-1, 1, rows)
    principal[4], rate[5] = np.nan, np.nan
    return principal, rate, start, end


def run(way, arrays):
    out = np.full(arrays[0].size, 7.0)
    return way(*arrays, out), out


# ---- what each loop gives ----


def test_every_convention_of_a_fixed_year_has_both_loops():
    assert len(LOOPS) == 2 * (len(DAY_COUNTS) - 1)


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_gives_what_its_python_body_gives(name):
    loop = LOOPS[name]
    arrays = inputs(loop)
    bad, expected = run(loop.py_func, arrays)
    assert not bad
    assert np.isnan(expected[:2]).all()
    assert np.isfinite(expected[6:]).all()
    bad, got = run(loop, arrays)
    assert not bad
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize(
    ("start", "end"),
    [(1, 0), (FIRST - 1, 0), (0, LAST + 1), (FIRST - 2, FIRST - 1), (LAST + 1, LAST + 2), (-(2**62), 2**62)],
)
def test_a_loop_tells_of_impossible_dates_and_still_fills_the_rest(name, start, end):
    loop = LOOPS[name]
    *others, starts, ends = arrays = inputs(loop)
    _, expected = run(loop, arrays)
    starts, ends = starts.copy(), ends.copy()
    starts[9], ends[9] = start, end
    for way in (loop.py_func, loop):
        bad, got = run(way, (*others, starts, ends))
        assert bad
        assert np.isnan(got[9])
        np.testing.assert_array_equal(np.delete(got, 9), np.delete(expected, 9))


@pytest.mark.parametrize("name", [name for name in LOOPS if name.endswith("interest")])
@pytest.mark.parametrize(("column", "value"), [(0, np.inf), (0, -np.inf), (1, 1.0), (1, -1.0), (1, 8.0), (1, np.inf)])
def test_a_loop_tells_of_impossible_amounts(name, column, value):
    loop = LOOPS[name]
    arrays = list(inputs(loop))
    arrays[column] = arrays[column].copy()
    arrays[column][-1] = value
    for way in (loop.py_func, loop):
        assert run(way, arrays)[0]


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_takes_nothing_and_read_only_arrays(name):
    loop = LOOPS[name]
    assert run(loop, [array[:0] for array in inputs(loop)])[1].size == 0
    arrays = inputs(loop)
    _, expected = run(loop, arrays)
    for array in arrays:
        array.flags.writeable = False
    _, got = run(loop, arrays)
    np.testing.assert_array_equal(got, expected)


# ---- the kernel itself ----


def test_a_kernel_returns_what_its_body_returns_and_leaves_its_inputs_alone():
    values, weights = np.array([1.0, 2.0]), np.array([10, 100])
    for way in (weigh, weigh.py_func):
        total, out = run(way, (values, weights))
        assert total == 320
        assert out.tolist() == [20, 300]
    assert (values.tolist(), weights.tolist()) == ([1, 2], [10, 100])


@pytest.mark.compiled
def test_a_kernel_has_one_signature_for_arrays_that_may_be_written_and_those_that_may_not():
    fixed = np.array([1.0, 2.0])
    fixed.flags.writeable = False
    assert run(weigh, (fixed, np.array([1, 1])))[0] == run(weigh, (fixed.copy(), np.array([1, 1])))[0] == 5
    assert len(weigh._compiled.signatures) == 1


@pytest.mark.compiled
@pytest.mark.parametrize(
    "arrays",
    [
        pytest.param((np.array([1, 2]), np.array([1, 1])), id="integers for floats"),
        pytest.param((np.ones(4)[::2], np.array([1, 1])), id="not contiguous"),
        pytest.param((np.ones((2, 1)), np.array([1, 1])), id="two dimensions"),
    ],
)
def test_a_kernel_refuses_arrays_of_another_kind(arrays):
    with pytest.raises(TypeError, match="No matching definition"):
        weigh(*arrays, np.empty(2))


@pytest.mark.compiled
def test_a_kernel_releases_the_gil():
    weigh(np.ones(1), np.ones(1, dtype=np.int64), np.empty(1))
    assert weigh._compiled.targetoptions["nogil"]


def test_a_kernel_is_not_compiled_before_it_is_called():
    made = Kernel(weigh.py_func, ["float64", "int64"], "float64", [plus_one])
    assert "_compiled" not in vars(made)


def test_a_kernel_that_stands_in_no_file_is_compiled_and_not_kept():
    """As typed into an interpreter: there is no folder beside it for a cache."""
    typed = {}
    exec("def halve(values, out):\n    for i in range(out.size):\n        out[i] = values[i] / 2", typed)  # noqa: S102
    halve = Kernel(typed["halve"], ["float64"], "float64", [])
    assert run(halve, (np.array([1.0, 3.0]),))[1].tolist() == [0.5, 1.5]


# ---- in a fresh process ----

PROGRAM = """
import sys
import numpy as np
import notecalc as nc
from notecalc.core import daycount
assert "numba" not in sys.modules
few = nc.year_fraction(["2004-06-18"], "2004-12-18", "actual/actual isda")
assert "numba" not in sys.modules  # a few rows need no kernel
daycount.COMPILE_FROM = 1
got = nc.year_fraction(["2004-06-18"], "2004-12-18", "actual/actual isda")
assert "numba" in sys.modules
assert got.tolist() == few.tolist() == [183 / 366]
compiled = daycount.DAY_COUNTS["actual/actual isda"].fractions._compiled
print("python" if compiled is daycount.DAY_COUNTS["actual/actual isda"].fractions.py_func else "compiled")
stats = getattr(compiled, "stats", None)
print("cached in", stats and stats.cache_path)
print(stats and sum(stats.cache_hits.values()), "hits")
"""


def fresh(package_in, **environment):
    """Lines that the program prints in a process of its own, with the package found in a folder."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "COV_", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-B", "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        cwd=package_in,  # `-c` looks for modules here first
        env=settings | environment,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture
def copy(tmp_path):
    """A copy of the package without anything compiled."""
    shutil.copytree(PACKAGE, tmp_path / "notecalc", ignore=shutil.ignore_patterns("__pycache__", "_data"))
    return tmp_path


@pytest.mark.compiled
def test_compiled_code_is_kept_for_the_next_process(copy):
    kept = str(copy / "notecalc" / "core" / "__pycache__")
    assert fresh(copy) == ["compiled", f"cached in {kept}", "0 hits"]
    assert list(Path(kept).glob("_counting.*.nbi"))
    assert fresh(copy) == ["compiled", f"cached in {kept}", "1 hits"]


@pytest.mark.compiled
def test_without_a_folder_to_write_to_it_is_compiled_each_time(copy, tmp_path):
    """A file where the cache's folder would be keeps even root from making it."""
    (copy / "notecalc" / "core" / "__pycache__").write_text("", encoding="utf-8")
    (tmp_path / "file").write_text("", encoding="utf-8")
    nowhere = str(tmp_path / "file" / "home")
    lines = fresh(copy, HOME=nowhere, XDG_CACHE_HOME=nowhere, USERPROFILE=nowhere, LOCALAPPDATA=nowhere)
    assert lines == ["compiled", "cached in None", "0 hits"]


def test_with_compilation_off_it_runs_as_python(copy):
    assert fresh(copy, NUMBA_DISABLE_JIT="1") == ["python", "cached in None", "None hits"]
    assert not list(copy.rglob("*.nbi"))
