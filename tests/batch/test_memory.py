"""How much memory a run has, all its processes together: what it is told to, for any number of scenarios."""

import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

import notecalc as nc
from notecalc.batch import room as rooms
from notecalc.batch import workers
from notecalc.batch.deadline import Deadline
from notecalc.batch.hold import hold
from notecalc.batch.manifest import RunError, finish
from notecalc.batch.room import Room, fitting
from notecalc.batch.store import Folder
from notecalc.batch.workers import compute_blocks

MEBIBYTE = 2**20
MANY = """
schema = 1
id = "many"
title = "Dilution over prices"
deal = "ibasis-2004"
seed = 7

[axes.conversion_price]
draw = "lognormal"
median = 1.85
deviation = 0.1
round_to = 0.01
assumed = "a test"

[samples]
count = COUNT

[results.dilution]
"""


def test_ten_times_the_scenarios_need_no_more_memory(tmp_path, members):
    """Of a run of two workers, their server and all: the sum of what each had at its peak."""
    peaks = []
    for count in (1_000_000, 10_000_000):
        file = tmp_path / f"{count}.toml"
        file.write_text(MANY.replace("COUNT", str(count)), encoding="utf-8")
        words = [sys.executable, "-m", "notecalc", "run", str(file), "-o", str(tmp_path / f"{count}"), "--workers", "2"]
        process = subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL)
        most = 0
        while process.poll() is None:
            most = max(most, sum(members(process.pid).values()))
            time.sleep(0.05)
        assert process.returncode == 0
        peaks.append(most)
    few, many = peaks
    assert few > 200 * MEBIBYTE
    assert many < 1.1 * few


def test_as_many_workers_begin_as_the_memory_holds(monkeypatch):
    needs = {"imported": 120, "kernels": 130, "block": 50}
    need = rooms._Need(**{name: size * MEBIBYTE for name, size in needs.items()})
    monkeypatch.setattr(rooms, "_measured", lambda _: need)
    monkeypatch.setattr(rooms, "resident_bytes", lambda: 180 * MEBIBYTE)
    case = SimpleNamespace()
    # 180 MiB here, 120 for the server that workers are forked from, and 300 for each.
    assert fitting(case, 3, 1_200 * MEBIBYTE) == Room(3, 1_200 * MEBIBYTE, 300 * MEBIBYTE)
    with pytest.raises(
        nc.TermError, match="`memory` must be at least 1,500 MiB for 4 workers; 3 would fit; got '1,499 MiB'"
    ):
        fitting(case, 4, 1_499 * MEBIBYTE)
    assert fitting(case, None, 700 * MEBIBYTE).workers == 1  # this process alone: 180, the kernels and a block
    assert fitting(case, 1, 360 * MEBIBYTE).workers == 1
    with pytest.raises(
        nc.TermError, match="at least 360 MiB: 310 MiB for the process and 50 MiB for a block; got '359 MiB'"
    ):
        fitting(case, None, 359 * MEBIBYTE)
    with pytest.raises(nc.TermError, match="at least 180 MiB for the process as it is before it computes"):
        fitting(case, None, 179 * MEBIBYTE)
    assert fitting(case, 60, None) == Room(60)


@pytest.mark.parametrize("count", [1, 2])
def test_a_run_that_needs_more_than_it_may_have_ends_and_keeps_what_is_done(small, tmp_path, caplog, count):
    records, store = [], Folder(tmp_path)
    told = r"the run needed [\d,]+ MiB of 1 MiB; what is done is kept. Fewer scenarios"
    with hold(store) as held, pytest.raises(RunError, match=told):
        compute_blocks(small, store, held, range(9), Room(count, MEBIBYTE, 0), Deadline(), records.append)
    assert len(records) == count
    assert ("1 workers go on" in caplog.text) == (count == 2)


def test_a_worker_that_grew_is_replaced_after_its_block(small, tmp_path, undisturbed, monkeypatch):
    def used(pool, *, at_least):
        return (10**9 if pool._workers[0].made > 3 else 0) + at_least

    monkeypatch.setattr(workers._Pool, "_used", used)
    started, start = [], workers._Pool._start
    monkeypatch.setattr(workers._Pool, "_start", lambda pool: started.append(start(pool)))
    store, records = Folder(tmp_path / "run"), {}
    store.put("run.json", b"")

    def done(record):
        records[record.block] = record

    with hold(store) as held:
        compute_blocks(small, store, held, range(small.blocks), Room(2, 10**9 - 1, 1), Deadline(), done)
    assert finish(small, store, records, summary=None)["result_hash"] == undisturbed
    assert len(started) > 2
