"""A run in an object store, which is a server of its own here."""

import threading
import time

import pytest

from notecalc.batch import hold as holds
from notecalc.batch.hold import LOCK, hold
from notecalc.batch.manifest import RUN, RunError, verify
from notecalc.batch.run import run
from notecalc.batch.store import Folder, Remote, Stored, StoreError, open_store
from notecalc.errors import TermError


@pytest.fixture
def case(shares_to):
    return shares_to("1.59")


def test_files_are_there_when_written_and_not_before(s3):
    store = open_store(f"{s3}/run/")
    assert (store.size("a/2"), store.files("a")) == (None, {})
    tag = store.put("a/2", b"second")
    store.put("a/1", b"first")
    assert (store.get("a/2"), store.size("a/2"), store.size("a")) == (b"second", 6, None)
    assert list(store.files("a")) == ["a/1", "a/2"]
    assert store.files("a")["a/2"] == Stored(6, tag)
    assert store.put("a/2", b"Second") == store.files("a")["a/2"].tag != tag
    assert open_store(f"{s3}/run").open("a/1").read(2) == b"fi"
    store.remove("a/2")
    assert list(store.files("a")) == ["a/1"]


def test_a_write_on_condition_is_done_once_however_often_it_is_sent(s3):
    store = open_store(f"{s3}/run")
    tag = store.put_if("x", b"1", replacing=None)
    assert tag == store.tag("x")
    assert store.put_if("x", b"1", replacing=None) == tag  # its own answer got lost
    assert store.put_if("x", b"2", replacing=None) is None
    assert store.put_if("x", b"2", replacing='"another"') is None
    assert store.put_if("x", b"3", replacing=tag) == store.tag("x") != tag
    assert store.get("x") == b"3"


def test_what_cannot_be_written_or_read_says_so(s3):
    with pytest.raises(StoreError, match=r"s3://nowhere/run/x can't be written: .*bucket does not exist"):
        open_store("s3://nowhere/run").put("x", b"")
    with pytest.raises(StoreError, match="x can't be read"):
        open_store(f"{s3}/run").get("x")
    with pytest.raises(StoreError, match="can't be reached: Protocol not known: s4"):
        open_store("s4://bucket/run").put("x", b"")


def test_a_file_url_is_a_folder(tmp_path):
    assert open_store(f"file://{tmp_path}/run") == Folder(tmp_path / "run")
    with pytest.raises(TermError, match=r"`storage_options` must be left out for a folder; got \['key'\]"):
        open_store(tmp_path, key="x")


def test_a_run_in_a_bucket_is_that_of_a_folder_and_goes_on_where_it_stopped(case, s3, tmp_path, s3_server, monkeypatch):
    expected = run(case, tmp_path / "run", workers=1)
    monkeypatch.delenv("AWS_ENDPOINT_URL")

    def stop(progress):
        if progress.done == 30:
            raise KeyboardInterrupt

    url, options = f"{s3}/run", {"endpoint_url": s3_server}
    store = open_store(url, **options)
    with pytest.raises(KeyboardInterrupt):
        run(case, url, workers=1, storage_options=options, progress=stop)
    assert len(store.files("dilution")) == 3
    with pytest.raises(RunError, match="resume it"):
        run(case, url, workers=1, storage_options=options)
    read, seen, get = [], [], Remote.get
    monkeypatch.setattr(Remote, "get", lambda self, path: read.append(path) or get(self, path))
    made = run(case, url, workers=1, storage_options=options, resume=True, progress=seen.append)
    records = {f"blocks/{block:08d}.json" for block in range(3)}
    assert set(read) - {LOCK} == {RUN, *records}  # no results, which have their tags
    assert made.result_hash == expected.result_hash
    assert [progress.done for progress in seen] == [30, 40, 50, 60]
    assert sum(table.num_rows for table in made.blocks("dilution")) == 60
    assert verify(case, store) == []
    store.put("dilution/block-00000001.parquet", store.get("dilution/block-00000002.parquet"))
    assert verify(case, store) == ["dilution/block-00000001.parquet is not what was written"]
    again = run(case, url, workers=1, storage_options=options, resume=True, progress=seen.append)
    assert (seen[-2].before, again.result_hash) == (50, expected.result_hash)
    assert store.size(LOCK) is None


def test_of_two_runs_at_one_url_the_second_is_refused(case, s3, monkeypatch):
    monkeypatch.setattr(holds, "_LEASE", 8.0)
    with hold(open_store(f"{s3}/run")) as first:
        with pytest.raises(RunError, match="another run is writing to s3://"):
            run(case, f"{s3}/run", workers=1)
        first.check()
    assert run(case, f"{s3}/run", workers=1).result_hash


def test_a_server_that_heeds_no_condition_is_named(s3, monkeypatch, caplog):
    def heedless(self, path, data, *, replacing):
        self.put(path, data)
        return self.tag(path)

    store = open_store(f"{s3}/run")
    monkeypatch.setattr(type(store), "put_if", heedless)
    with hold(store) as held:
        assert held.token.encode() in store.get(LOCK)
    assert caplog.messages == [f"{s3}/run writes whatever the condition: nothing keeps a second run from it"]


def test_a_run_takes_the_place_of_one_that_died_and_is_noticed_by_one_that_only_slept(case, s3, monkeypatch):
    monkeypatch.setattr(holds, "_LEASE", 1.2)
    store = open_store(f"{s3}/run")
    asleep, awake = threading.Event(), threading.Event()
    renewed = type(store).put_if

    def sleepy(self, *given, **named):
        if threading.current_thread().name == "notecalc-lease" and not asleep.is_set():
            asleep.set()
            assert awake.wait(30)
        return renewed(self, *given, **named)

    monkeypatch.setattr(type(store), "put_if", sleepy)
    with hold(store) as sleeper:
        assert asleep.wait(30)
        with hold(store) as heir:  # no turn of the lease was seen for as long as it lasts
            awake.set()
            until = time.monotonic() + 30
            while not sleeper._lost.is_set() and time.monotonic() < until:
                time.sleep(0.05)
            with pytest.raises(RunError, match="another may have taken its place"):
                sleeper.check()
            heir.check()
    assert store.size(LOCK) is None
    assert store.size(RUN) is None
