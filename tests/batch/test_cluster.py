"""Runs on a Dask cluster: once with every process for itself, and what can go wrong with one inside this process."""

import asyncio
import contextlib
import gc
import itertools
import json
import logging
import os
import re
import shutil
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest
from distributed import Client, LocalCluster, get_worker
from distributed.comm.core import CommClosedError

from notecalc.batch import blocks
from notecalc.batch import cluster as clusters
from notecalc.batch.cluster import Cluster
from notecalc.batch.hold import hold
from notecalc.batch.machine import machine_kind
from notecalc.batch.manifest import RunError, verify
from notecalc.batch.run import run
from notecalc.batch.store import Folder, StoreError, open_store
from notecalc.errors import TermError

DEADLINE = 90.0  # seconds for anything, on a machine that does much else
OLDER = "import notecalc.versions; notecalc.versions.__version__ = '0.0.9'"
BLOCKS = 30


@pytest.fixture
def case(shares_to):
    return shares_to("3.99")


def until(holds):
    """Waits for something to hold, and says what it gave."""
    end = time.monotonic() + DEADLINE
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


# ---------------------------------------------------------------- a scheduler, a nanny and workers, a process each


def test_workers_that_die_join_late_or_have_other_versions_leave_the_bits_as_they_are(
    case, dask, s3, tmp_path, caplog, monkeypatch
):
    monkeypatch.delenv("NOTECALC_THREADS", raising=False)
    # Port 0: the system chooses, and the scheduler's file says which. Those that join late wait for theirs.
    contact, late = tmp_path / "scheduler.json", tmp_path / "late.json"
    here = ["--host", "127.0.0.1", "--nthreads", "1"]
    alone = ["--no-nanny", "--scheduler-file", f"{late}", *here]
    dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", f"{contact}")
    dask("worker", "--nworkers", "2", "--scheduler-file", f"{contact}", *here)
    dask("worker", "--name", "late", *alone)
    dask("worker", "--name", "older", "--preload", OLDER, *alone)
    expected = run(case, tmp_path / "alone", workers=1)
    until(contact.is_file)
    shutil.copy(contact, tmp_path / "whole.json")
    address = json.loads(contact.read_text())["address"]

    with Client(address, timeout=DEADLINE, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=DEADLINE)
        names: dict[str, str] = {}
        meanwhile = itertools.count()

        def registered() -> bool:
            there = client.scheduler_info(n_workers=-1)["workers"]
            names.update({told["name"]: worker for worker, told in there.items()})
            return {"late", "older"} <= names.keys()

        def of_workers(function, *args):
            """What the worker that came late and the one of other versions answer."""
            told = client.run(function, *args, workers=[names["late"], names["older"]])
            return told[names["late"]], told[names["older"]]

        def meddle(progress) -> None:
            if progress.done < 50:
                return
            if not names:
                os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
                (tmp_path / "whole.json").rename(late)
                until(registered)
            # The run looks for new workers once a second, but not between blocks that ended together.
            if next(meanwhile) < 6:
                time.sleep(1.1)
            else:
                until(lambda: all(of_workers(os.getenv, "NOTECALC_THREADS")))  # set when one introduces itself
                time.sleep(0.1)

        with caplog.at_level(logging.WARNING, logger="notecalc"):
            made = run(case, f"{s3}/run", scheduler=address, progress=meddle)
        assert made.result_hash == expected.result_hash
        assert made.manifest["kinds"] == expected.manifest["kinds"]
        assert verify(case, open_store(f"{s3}/run")) == []
        assert len(open_store(f"{s3}/run").files("blocks")) == BLOCKS
        opened_late, opened_older = of_workers(clusters._opened.cache_info)
        assert (opened_late.misses, opened_older.misses) == (1, 0)
        assert opened_late.hits >= 1
        ours, _, sources = machine_kind().partition("notecalc ")[2].partition(", ")[0].partition("+")
        versions = f"notecalc 0.0.9+{sources}, not {ours}+{sources}"
        refusal = f"worker {names['older']} has other versions than this process: {versions}"
        told = [record.getMessage() for record in caplog.records if record.name == "notecalc"]
        assert told == [f"{refusal}; the run goes on without it"]

        _expect_refused_from_the_first(case, client, tmp_path, refusal)
        mixed = run(case, tmp_path / "mixed", client=client, allow_mixed=True)
        assert mixed.result_hash == expected.result_hash


def _expect_refused_from_the_first(case, client, folder: Path, refusal: str) -> None:
    with pytest.raises(RunError, match=re.escape(refusal)):
        run(case, folder / "refused", client=client)
    assert [path.name for path in (folder / "refused").iterdir()] == [".lock"]


# ---------------------------------------------------------------- a cluster inside this process


@pytest.fixture
def client():
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def test_a_block_that_hangs_is_done_by_another_worker_and_its_own_comes_back(case, tmp_path, monkeypatch, caplog):
    expected = run(case, tmp_path / "alone", workers=1)
    woken, hung, made = threading.Event(), [], []

    def make_block(case, store, block, kind, check):
        if block == 3 and not hung:
            hung.append(get_worker().address)
            assert woken.wait(DEADLINE)
        time.sleep(0.1)  # so that 28 of the others take longer than a block may
        made.append((block, get_worker().address))
        return blocks.make_block(case, store, block, kind, check)

    monkeypatch.setattr(clusters, "make_block", make_block)
    monkeypatch.setattr(clusters, "_LOOK", 0.05)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        progress = lambda _: woken.set() if "hangs" in caplog.text else None  # noqa: E731
        done = run(case, tmp_path / "run", client=client, block_deadline=2, progress=progress)
        assert done.result_hash == expected.result_hash
        assert f"worker {hung[0]} hangs: block 3 took longer than 2 s" in caplog.text
        at_last = made.index((3, hung[0]))
        assert len({address for block, address in made if block == 3}) == 2
        assert hung[0] in [address for block, address in made[at_last + 1 :]]


def test_a_block_that_always_hangs_is_reported(case, client, tmp_path, monkeypatch):
    woken = threading.Event()
    monkeypatch.setattr(clusters, "make_block", lambda *_: woken.wait(DEADLINE))
    monkeypatch.setattr(clusters, "_PATIENCE", 0.5)
    try:
        with pytest.raises(RunError, match=r"had no worker for 0.5 s .*hangs: block [01] took longer than 0.2 s"):
            run(case, tmp_path / "run", client=client, block_deadline=0.2)
    finally:
        woken.set()


@pytest.mark.parametrize("how", ["never", "the connection breaks"])
def test_a_record_that_does_not_come_is_asked_for_again(case, client, tmp_path, monkeypatch, how):
    """The scheduler says that a block is done, and then nothing when it is asked for what its worker says."""
    expected = run(case, tmp_path / "alone", workers=1)
    scheduler, asked = client.cluster.scheduler, []
    gather = scheduler.handlers["gather"]

    async def lost(**given):
        asked.append(given["keys"])
        if len(asked) == 4 and how == "never":
            await asyncio.Event().wait()
        if len(asked) == 4:
            raise CommClosedError("as if its worker had died")
        return await gather(**given)

    monkeypatch.setitem(scheduler.handlers, "gather", lost)
    monkeypatch.setattr(clusters, "_FETCH", 0.5)
    assert run(case, tmp_path / "run", client=client).result_hash == expected.result_hash
    assert asked.count(asked[3]) == 2


def test_at_ctrl_c_no_more_is_begun_than_workers_hold_and_what_is_done_stays(case, client, tmp_path):
    expected = run(case, tmp_path / "alone", workers=1)
    most = []

    def stop(progress) -> None:
        most.append(len(client.cluster.scheduler.tasks))
        if progress.done >= 50:
            raise KeyboardInterrupt

    gc.disable()  # what the scheduler keeps is let go of at once, not when the exception happens to be collected
    try:
        with pytest.raises(KeyboardInterrupt):
            run(case, tmp_path / "run", client=client, progress=stop)
        until(lambda: not client.cluster.scheduler.tasks)
    finally:
        gc.enable()
    assert max(most) <= 2 + 1 + 1  # threads, one that waits, and the case
    written = len(list((tmp_path / "run" / "blocks").iterdir()))
    assert 5 <= written <= 5 + 3
    resumed = run(case, tmp_path / "run", client=client, resume=True)
    assert resumed.result_hash == expected.result_hash


def test_a_worker_whose_address_has_another_process_gets_no_more_blocks(case, client, tmp_path, monkeypatch, caplog):
    kinds = iter(["cpu; numba 1, numpy 2"] * 4)  # the worker's introduction and what is compared with it
    monkeypatch.setattr(clusters, "machine_kind", lambda: next(kinds, "cpu; numba 2, numpy 2"))
    monkeypatch.setattr(clusters, "_PATIENCE", 0.5)
    with pytest.raises(RunError, match=r"had no worker for 0.5 s .*differs from the other workers: numba 2, not 1"):
        run(case, tmp_path / "run", client=client)
    assert "the run goes on without it" in caplog.text


def test_a_block_that_cannot_be_written_ends_the_run_with_its_reason(case, client, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "dilution").write_text("no folder")
    with pytest.raises(StoreError, match=r"block-0000000\d.parquet can't be written: File exists"):
        run(case, tmp_path / "run", client=client)


def test_a_worker_that_does_not_see_the_place_is_refused(client, tmp_path):
    with hold(Folder(tmp_path / "here")) as held:
        for place, why in [("there", "No such file"), ("another", "of another run")]:
            with contextlib.ExitStack() as stack:
                if place == "another":
                    stack.enter_context(hold(Folder(tmp_path / place)))
                with (
                    pytest.raises(
                        RunError, match=rf"doesn't see the place of the results, which all must share.*{why}"
                    ),
                    Cluster(client, Folder(tmp_path / place), held, allow_mixed=False),
                ):
                    pass


def test_every_wait_has_an_end(case, tmp_path, monkeypatch):
    for name in ("_PATIENCE", "_CONNECT", "_FETCH"):
        monkeypatch.setattr(clusters, name, 0.5)
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster,
        Client(cluster, set_as_default=False) as client,
        pytest.raises(RunError, match=r"had no worker for 0.5 s"),
    ):
        run(case, tmp_path / "run", client=client)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(RunError, match=rf"no scheduler answers at {address} within 0.5 s: Timed out"):
            run(case, tmp_path / "run", scheduler=address)
        with pytest.raises(TermError, match="`scheduler` must be an address with a port, .*; got 'foo'"):
            run(case, tmp_path / "run", scheduler="foo")
        other.listen()
        with pytest.raises(RunError, match=rf"no scheduler answers at {address} .* says nothing"):
            run(case, tmp_path / "run", scheduler=address)


def test_without_dask_the_error_names_what_to_install(case, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RunError, match=r"a cluster needs Dask: install notecalc\[cluster\]"):
        run(case, tmp_path / "run", scheduler="tcp://127.0.0.1:1")


@pytest.mark.parametrize("given", [{"workers": 2}, {"memory": 2**40}, {"client": object()}])
def test_a_cluster_takes_no_argument_that_it_would_not_heed(case, tmp_path, given):
    (name,) = given
    with pytest.raises(TermError, match=f"`{name}` must be left out"):
        run(case, tmp_path / "run", scheduler="tcp://127.0.0.1:1", **given)
    assert not (tmp_path / "run").exists()
