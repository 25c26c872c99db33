"""Kernels: compiled on first use, cached where they may be, plain Python where compilation is off."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import notecalc as nc
from notecalc.core import _counting
from notecalc.core._jit import BLOCK, Kernel, kernel, thread_count
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


# As a calendar's: its first day, and days before each day, here every other one.
TABLE = np.concatenate([[FIRST], np.arange(LAST - FIRST + 1) // 2]).astype(np.int32)


def inputs(loop, rows=500, seed=3):
    """Arrays for a loop of a day count, with missing values, the first and the last day, and no time at all."""
    rng = np.random.default_rng(seed)
    start, end = np.sort(rng.integers(FIRST, LAST, (2, rows), endpoint=True), axis=0)
    measures = []
    if loop._tables:  # a period of about half a year holds each span
        end = np.minimum(start + rng.integers(0, 180, rows), LAST)
        period_end = np.maximum(np.minimum(start + 182, LAST), end)
        measures = [np.minimum(start, period_end - 182), period_end, np.full(rows, 2.0)]
    start[:4], end[:4] = [MISSING, FIRST, LAST, LAST], [FIRST, MISSING, LAST, LAST]
    amounts = []
    if "interest" in loop.py_func.__name__:
        principal, rate = rng.uniform(-1e9, 1e9, rows), rng.uniform(-1, 1, rows)
        principal[4], rate[5] = np.nan, np.nan
        amounts = [principal, rate]
    if measures:
        measures[0][:4], measures[1][:4] = LAST - 182, LAST
    return [*([TABLE] if measures else []), *amounts, start, end, *measures]


def amounts_at(loop):
    """Where the principal is among the arrays; the rate comes next."""
    return len(loop._tables)


def dates_at(loop):
    """Where the start is among the arrays; the end comes next."""
    return amounts_at(loop) + (2 if "interest" in loop.py_func.__name__ else 0)


def run(way, arrays):
    out = np.full(arrays[-1].size, 7.0)
    return way(*arrays, out), out


# ---- what each loop gives ----


def test_every_convention_has_both_loops():
    assert len(LOOPS) == 2 * len(DAY_COUNTS)


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
    arrays, at = inputs(loop), dates_at(loop)
    _, expected = run(loop, arrays)
    arrays[at][9], arrays[at + 1][9] = start, end
    for way in (loop.py_func, loop):
        bad, got = run(way, arrays)
        assert bad & _counting.IMPOSSIBLE
        assert np.isnan(got[9])
        np.testing.assert_array_equal(np.delete(got, 9), np.delete(expected, 9))


@pytest.mark.parametrize("name", [name for name in LOOPS if name.endswith("interest")])
@pytest.mark.parametrize(("column", "value"), [(0, np.inf), (0, -np.inf), (1, 1.0), (1, -1.0), (1, 8.0), (1, np.inf)])
def test_a_loop_tells_of_impossible_amounts(name, column, value):
    loop = LOOPS[name]
    arrays = inputs(loop)
    arrays[amounts_at(loop) + column][-1] = value
    for way in (loop.py_func, loop):
        assert run(way, arrays)[0]


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_takes_nothing_and_read_only_arrays(name):
    loop = LOOPS[name]
    arrays = inputs(loop)
    _, expected = run(loop, arrays)
    tables = len(loop._tables)
    assert run(loop, [*arrays[:tables], *(array[:0] for array in arrays[tables:])])[1].size == 0
    for array in arrays[tables:]:
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


# ---- threads ----


@kernel(tables=["float64"], reads=["float64"], writes=["float64", "int64"])
def look_up(table, values, out, place):
    total = 0.0
    for i in range(out.size):
        out[i] = table[0] * values[i] / 3.0
        place[i] = i
        total += values[i]
    return total


@pytest.mark.parametrize("rows", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 7])
def test_any_number_of_threads_gives_the_same_bits(rows, monkeypatch):
    monkeypatch.delenv("NOTECALC_THREADS", raising=False)
    values = np.random.default_rng(rows).normal(size=rows)
    answers = []
    for threads in (None, 1, 2, 3, 7, 64):
        out, place = np.full(rows, np.nan), np.full(rows, -1)
        totals = look_up.spread(np.array([0.1]), values, out, place, threads=threads)
        answers.append((totals, out.tobytes(), place.tobytes()))
    assert all(answer == answers[0] for answer in answers)
    totals, out, place = answers[0]
    assert len(totals) == -(-rows // BLOCK)  # a sum for each block
    np.testing.assert_array_equal(np.frombuffer(out), 0.1 * values / 3.0)
    assert np.frombuffer(place, dtype=np.int64).tolist() == [row % BLOCK for row in range(rows)]


def test_a_failing_block_is_an_error_and_not_a_wrong_answer():
    """Python bodies raise, as compilation errors do; here for a table of the wrong kind."""
    for threads in (1, 3):
        with pytest.raises((TypeError, AttributeError)):
            look_up.spread(None, np.ones(3 * BLOCK), np.empty(3 * BLOCK), np.empty(3 * BLOCK, int), threads=threads)


@pytest.mark.parametrize("bad", [0, -1, 1.5, "2", True])
def test_threads_are_a_whole_number_of_at_least_one(bad):
    with pytest.raises(nc.TermError, match="`threads` must be a whole number of at least 1; got"):
        thread_count(bad, 10)
    with pytest.raises(nc.TermError, match="`threads` must be a whole number of at least 1; got"):
        nc.year_fraction("2004-06-18", "2004-12-18", "30/360", threads=bad)


def test_the_environment_says_how_many_threads_and_the_argument_overrides_it(monkeypatch):
    many = 100 * BLOCK
    monkeypatch.setenv("NOTECALC_THREADS", "3")
    assert thread_count(None, many) == 3
    assert thread_count(None, 1_000) == 1
    assert thread_count(5, many) == thread_count(np.int64(5), 10) == 5
    for bad in ("0", "-2", "two", "1.5"):
        monkeypatch.setenv("NOTECALC_THREADS", bad)
        with pytest.raises(nc.TermError, match=f"`NOTECALC_THREADS` must be a whole number of at least 1; got '?{bad}"):
            thread_count(None, many)
    monkeypatch.setenv("NOTECALC_THREADS", " ")
    assert thread_count(None, many) == len(os.sched_getaffinity(0))


def test_kernels_may_be_called_from_many_threads_at_once():
    values = np.arange(3.0 * BLOCK)
    fresh_kernel = Kernel(weigh.py_func, ["float64", "int64"], "float64", [plus_one])

    def one(weight):
        out = np.empty(values.size)
        fresh_kernel.spread(values, np.full(values.size, weight), out, threads=3)
        return out

    with ThreadPoolExecutor(8) as callers:
        for weight, out in enumerate(callers.map(one, range(16))):
            np.testing.assert_array_equal(out, (values + 1) * weight)


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


def fresh(package_in, program=PROGRAM, **environment):
    """Lines that a program prints in a process of its own, with the package found in a folder."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "COV_", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-B", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=package_in,  # `-c` looks for modules here first
        env=settings | environment,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def kept_in(lines):
    """The folder named in the lines that PROGRAM prints: numba's own lies in it."""
    return Path(lines[1].removeprefix("cached in ")).parent


@pytest.fixture
def copy(tmp_path):
    """A copy of the package without anything compiled."""
    shutil.copytree(PACKAGE, tmp_path / "notecalc", ignore=shutil.ignore_patterns("__pycache__", "_data"))
    return tmp_path


@pytest.mark.compiled
@pytest.mark.parametrize("variable", ["NOTECALC_CACHE_DIR", "XDG_CACHE_HOME", "HOME"])
def test_compiled_code_is_kept_for_the_next_process(copy, tmp_path, variable):
    settings = {"NOTECALC_CACHE_DIR": "", "XDG_CACHE_HOME": ""} | {variable: str(tmp_path / "kept")}
    below = {"NOTECALC_CACHE_DIR": "", "XDG_CACHE_HOME": "notecalc", "HOME": ".cache/notecalc"}[variable]
    first, second = fresh(copy, **settings), fresh(copy, **settings)
    folder = kept_in(first)
    assert folder.parent == tmp_path / "kept" / below
    assert re.fullmatch("kernels-[0-9a-f]{16}", folder.name)
    assert list(folder.rglob("_counting.*.nbi"))
    assert (first[0], first[2]) == ("compiled", "0 hits")
    assert (second[0], second[1], second[2]) == ("compiled", first[1], "1 hits")
    assert not list((copy / "notecalc").rglob("*.nb?"))


@pytest.mark.compiled
def test_a_change_in_anything_that_is_compiled_in_makes_another_cache(copy, tmp_path):
    """An inlined helper may stand in another file, whose changes numba itself doesn't see."""
    core = copy / "notecalc" / "core"
    (core / "helping.py").write_text("def helped(value):\n    return value + 1\n", encoding="utf-8")
    (core / "helpless.py").write_text(
        "from notecalc.core._jit import kernel\nfrom notecalc.core.helping import helped\n"
        "@kernel(reads=['float64'], writes='float64', calls=[helped])\n"
        "def loop(values, out):\n    for i in range(out.size):\n        out[i] = helped(values[i])\n",
        encoding="utf-8",
    )
    program = (
        "import numpy as np\nfrom notecalc.core.helpless import loop\nout = np.zeros(1)\n"
        "loop(np.ones(1), out)\nprint(out[0], loop._compiled.stats.cache_path, sum(loop._compiled.stats.cache_hits.values()))"
    )
    kept = {"NOTECALC_CACHE_DIR": str(tmp_path / "kept")}
    before, again = fresh(copy, program, **kept), fresh(copy, program, **kept)
    stamp = (core / "helping.py").stat()
    (core / "helping.py").write_text("def helped(value):\n    return value + 2\n", encoding="utf-8")
    os.utime(core / "helping.py", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # not even its date tells
    after = fresh(copy, program, **kept)
    (value, place, hits), (value_again, place_again, hits_again), (value_after, place_after, hits_after) = (
        lines[0].split() for lines in (before, again, after)
    )
    assert (value, hits, value_again, hits_again, value_after, hits_after) == ("2.0", "0", "2.0", "1", "3.0", "0")
    assert place == place_again != place_after
    version = copy / "notecalc" / "versions.py"
    version.write_text(version.read_text(encoding="utf-8").replace("0.1.0", "0.1.1"), encoding="utf-8")
    assert fresh(copy, program, **kept)[0].split()[1] not in {place, place_after}


UNKEPT = """
import logging
import sys
logging.basicConfig(stream=sys.stdout, format="%(name)s %(levelname)s %(message)s")
import numpy as np
from notecalc.core.daycount import DAY_COUNTS
for name in ("actual/360", "actual/364"):
    loop = DAY_COUNTS[name].fractions
    out = np.zeros(1)
    loop(np.array([0]), np.array([36]), out)
    print(out[0], loop._compiled.stats.cache_path)
"""


@pytest.mark.compiled
def test_without_a_folder_to_write_to_it_is_compiled_each_time_and_says_so_once(copy, tmp_path):
    """A file where the cache's folder would be keeps even root from making it."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    nowhere = str(tmp_path / "file" / "home")
    told, *values = fresh(copy, UNKEPT, NOTECALC_CACHE_DIR=nowhere)
    assert told.startswith("notecalc WARNING kernels are compiled anew in each process: no cache can be written (")
    assert told.endswith("Name a folder for it in NOTECALC_CACHE_DIR")
    assert values == ["0.1 None", f"{36 / 364} None"]
    silent = fresh(copy, HOME=nowhere, XDG_CACHE_HOME="", NOTECALC_CACHE_DIR="", USERPROFILE=nowhere, LOCALAPPDATA="")
    assert silent == ["compiled", "cached in None", "0 hits"]
    assert not list((copy / "notecalc").rglob("*.nb?"))  # least of all beside the sources


def test_with_compilation_off_it_runs_as_python(copy, tmp_path):
    assert fresh(copy, NUMBA_DISABLE_JIT="1", NOTECALC_CACHE_DIR=str(tmp_path / "kept")) == [
        *("python", "cached in None", "None hits")
    ]
    assert not (tmp_path / "kept").exists()


SLOW = """
import logging
import sys
import time
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
from notecalc.core import _jit
_jit._SLOW = 0.01
with _jit._telling("doing this"):
    time.sleep(0.5)
with _jit._telling("doing that"):
    pass
time.sleep(0.1)
"""


def test_it_says_what_takes_long(copy):
    assert fresh(copy, SLOW) == ["notecalc INFO doing this"]


PROCESSES = """
import multiprocessing
import os
import sys
import numpy as np
from notecalc.core import daycount
ROWS = 700_000
def total(seed):
    start = np.random.default_rng(seed).integers(0, 20_000, ROWS).astype("M8[D]")
    return daycount.year_fraction(start, start + 45, "actual/360", threads=2).sum()
if __name__ == "__main__":
    before = total(1)  # its threads are none of a child's
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print([bool(value == ROWS / 8) for value in [before, *pool.map(total, range(4))]])
"""


@pytest.mark.compiled
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_kernels_work_in_processes_that_were_forked_or_spawned(tmp_path, method):
    program = tmp_path / "processes.py"
    program.write_text(PROCESSES, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, program, method],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent), "NOTECALC_CACHE_DIR": str(tmp_path / "kept")},
    )
    assert (done.stdout, done.returncode) == (f"{[True] * 5}\n", 0), done.stderr
