"""What becomes of a run: it is finished, each block once and with the same bits, or it says why not."""

import errno
import os
import re
import resource
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import notecalc as nc
from notecalc.batch import machine
from notecalc.batch.blocks import sealed, unsealed
from notecalc.batch.failpoints import FAILPOINTS
from notecalc.batch.finished import read_finished
from notecalc.batch.manifest import RunError, verify
from notecalc.batch.run import run
from notecalc.batch.scenariofile import load_scenarios
from notecalc.batch.store import Folder, StoreError
from notecalc.cli import app

_DEADLINE = 120


def in_a_child(function) -> int:
    """Run in a forked process; give its exit status, below 0 where a signal ended it."""
    child = os.fork()
    if child == 0:
        try:
            function()
        except BaseException:  # noqa: BLE001 (the child must end here, whatever happens)
            os._exit(1)
        os._exit(0)
    until = time.monotonic() + _DEADLINE
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("the child did not end")


def test_all_scenarios_are_there_once_and_right(small, tmp_path):
    made = run(small, tmp_path / "run", workers=1)
    table = pd.read_parquet(tmp_path / "run" / "dilution")
    assert (table["scenario"] == np.arange(len(small.plan))).all()
    assert len(table) == 11 * 2 * 26 == sum(part.num_rows for part in made.blocks("dilution"))
    for row in (0, 25, 26, 300, 571):
        given = table.iloc[row]
        beside = nc.load("ibasis-2004").dilution(
            conversion_price=given["conversion_price"], principal=given["principal"], share_price=given["stock_price"]
        )
        notes = beside["class"] == "notes"
        assert given["shares_issued"] == beside.loc[notes, "shares_after"].sum()
        assert given["ownership_after"] == pytest.approx(beside.loc[notes, "ownership_after"].sum(), rel=1e-14)
    assert set(table["error_code"]) == {""}
    assert verify(small, made.store) == []


@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_workers_gives_the_same_bits(small, tmp_path, undisturbed, workers):
    made = run(small, tmp_path / "run", workers=workers)
    assert made.result_hash == undisturbed
    assert verify(small, made.store) == []


@pytest.mark.parametrize("time_of_it", [1, 4])
@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_at_a_failpoint_it_goes_on_where_it_was(
    small, tmp_path, undisturbed, failpoint, time_of_it, monkeypatch
):
    nth = 1 if failpoint == "manifest" else time_of_it
    monkeypatch.setenv("NOTECALC_FAILPOINT", f"{failpoint}:{nth}")
    assert in_a_child(lambda: run(small, tmp_path / "run", workers=1)) == -signal.SIGKILL
    monkeypatch.delenv("NOTECALC_FAILPOINT")
    done = []
    resumed = run(small, tmp_path / "run", workers=1, resume=True, progress=done.append)
    assert resumed.result_hash == undisturbed
    assert verify(small, resumed.store) == []
    assert not [*(tmp_path / "run").rglob(".unfinished-*")]
    if failpoint == "manifest":
        assert done[0].before == len(small.plan)


def test_a_full_disk_is_said_and_what_is_done_is_kept(small, tmp_path, undisturbed):
    def on_a_full_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000))
        with pytest.raises(StoreError, match=r"can't be written: File too large"):
            run(small, tmp_path / "run", workers=1)

    assert in_a_child(on_a_full_disk) == 0
    assert run(small, tmp_path / "run", workers=1, resume=True).result_hash == undisturbed


@pytest.mark.parametrize("damage", ["truncated", "one bit", "missing", "record", "record, one bit"])
def test_a_damaged_block_is_found_and_computed_again(small, tmp_path, undisturbed, damage):
    made = run(small, tmp_path / "run", workers=1)
    file = tmp_path / "run" / ("blocks/00000003.json" if "record" in damage else "dilution/block-00000003.parquet")
    data = bytearray(file.read_bytes())
    if damage == "missing":
        file.unlink()
    elif "one bit" in damage:
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    else:
        file.write_bytes(data[: len(data) // 2])
    path = file.relative_to(tmp_path / "run")
    assert verify(small, made.store) == [f"{path} is {'missing' if damage == 'missing' else 'not what was written'}"]
    told = []
    assert run(small, tmp_path / "run", workers=1, resume=True, progress=told.append).result_hash == undisturbed
    assert told[0].before == len(small.plan) - small.block_rows
    assert verify(small, made.store) == []


def test_what_it_cannot_go_on_with_is_refused(small, scenario_file, tmp_path):
    place = tmp_path / "run"
    run(small, place, workers=1)
    with pytest.raises(RunError, match="there is a run here already"):
        run(small, place, workers=1)
    changed = load_scenarios(scenario_file("changed.toml", replace={"to = 2.0": "to = 2.05", "seed = 7": "seed = 8"}))
    with pytest.raises(RunError, match=r"changed: scenarios\.axes\.conversion_price\.to, scenarios\.seed"):
        run(changed, place, workers=1, resume=True)
    told = unsealed((place / "run.json").read_bytes())
    (place / "run.json").write_bytes(sealed(told | {"kind": "another machine"}))
    with pytest.raises(RunError, match="another kind of machine"):
        run(small, place, workers=1, resume=True)
    assert run(small, place, workers=1, resume=True, allow_mixed=True).failures == {}
    for text, rule in [
        (b"{", "can't be trusted: it is no JSON"),
        (b"{}", "can't be trusted: it is not what was written"),
        (sealed({}), "has no input_hash, inputs, kind, as of another version"),
    ]:
        (place / "run.json").write_bytes(text)
        with pytest.raises(RunError, match=rf"run\.json {rule}.*; go on elsewhere"):
            run(small, place, workers=1, resume=True)
        (place / "manifest.json").write_bytes(text)
        assert verify(small, Folder(place))[0].endswith("; --resume writes it anew")
    (place / "run.json").unlink()
    with pytest.raises(RunError, match=r"no run\.json that says what they are"):
        run(small, place, workers=1, resume=True)
    with pytest.raises(RunError, match="no run began at .*: there is nothing to resume"):
        run(small, tmp_path / "rum", workers=1, resume=True)
    assert not (tmp_path / "rum").exists()


def test_a_resumed_run_may_have_another_title_and_other_summaries(scenario_file, small, tmp_path, undisturbed):
    place, asked = tmp_path / "run", "[results.accrued]\n\n[summaries]\nquantiles = [0.5]\n"
    run(small, place, workers=1)
    changed = load_scenarios(scenario_file(replace={"[results.accrued]\n": asked, "Shares over": "Of"}))
    assert verify(changed, Folder(place)) == [
        "other summaries are asked for than were made (--resume makes them)", "summary.parquet is not in manifest.json"
    ]  # fmt: skip
    told = []
    resumed = run(changed, place, workers=1, resume=True, progress=told.append)
    assert (told[0].before, resumed.result_hash) == (len(small.plan), undisturbed)
    assert verify(changed, Folder(place)) == []
    more = load_scenarios(scenario_file(replace={"[results.accrued]\n": asked.replace("0.5", "0.5, 0.9")}))
    assert len(run(more, place, workers=1, resume=True).summary().columns) > len(resumed.case.results)
    assert read_finished(place).inputs["scenarios"]["summaries"]["quantiles"] == [0.5, 0.9]
    run(small, place, workers=1, resume=True)
    assert read_finished(place).summary is None


def test_code_that_changes_under_one_version_is_another_kind(tmp_path):
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "a.py").write_text("x = 1")
    before = machine._sources(tmp_path)
    assert machine._sources(tmp_path) == before
    (tmp_path / "core" / "a.py").write_text("x = 2")
    assert machine._sources(tmp_path) != before
    assert machine._sources(Path(nc.__file__).parent) in machine.machine_kind()


def test_only_a_lock_that_is_held_means_another_run_and_only_own_folders_are_swept(small, tmp_path, monkeypatch):
    place, nested = tmp_path / "run", tmp_path / "run" / "other" / "blocks"
    nested.mkdir(parents=True)
    (place / "dilution").mkdir()
    for folder in (nested, place / "dilution"):
        (folder / ".unfinished-1").touch()
    run(small, place, workers=1)
    assert [path.parent for path in place.rglob(".unfinished-1")] == [nested]

    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(StoreError, match=r"\.lock can't be locked: No locks available"):
        run(small, place, workers=1, resume=True)


def test_of_two_runs_at_one_folder_the_second_is_refused(small, tmp_path):
    def second(_):
        with pytest.raises(RunError, match="another run is writing to"):
            run(small, tmp_path / "run", workers=1, resume=True)

    run(small, tmp_path / "run", workers=1, progress=second)


def test_nothing_is_written_into_a_place_that_another_run_has(small, tmp_path):
    """Such as by a worker that outlived its run, the folder having been deleted and another run begun there."""
    place = tmp_path / "run"

    def lose(progress):
        if progress.done == 2 * small.block_rows:
            (place / ".lock").write_text("another")

    with pytest.raises(RunError, match="another run has the place now"):
        run(small, place, workers=1, progress=lose)
    assert len([*place.rglob("block-*.parquet")]) == 2 * len(small.results)


def test_memory_that_does_not_suffice_is_refused(small, tmp_path):
    with pytest.raises(nc.TermError, match="`workers` must be a whole number of at least 1; got 0"):
        run(small, tmp_path / "run", workers=0)
    with pytest.raises(nc.TermError, match="`memory` must be at least .* MiB for the process"):
        run(small, tmp_path / "run", memory=2**20)
    with pytest.raises(nc.TermError, match=r"MiB for 60 workers; \d+ would fit"):
        run(small, tmp_path / "run", memory=2**31, workers=60)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "0"], "`--workers` must be a whole number of at least 1; got 0"),
        (["--scheduler", "foo"], "`--scheduler` must be an address with a port"),
        (["--block-deadline", "0"], "`--block-deadline` must be above 0 seconds"),
        (["--verify", "--workers", "-3"], "`--workers` must be left out with --verify"),
        (["--verify", "--memory", "nonsense"], "`--memory` must be left out with --verify"),
        (["--resume"], "there is nothing to resume"),
    ],
)
def test_options_are_called_by_their_names(scenario_file, tmp_path, options, message):
    said = CliRunner().invoke(app, ["run", str(scenario_file()), "-o", str(tmp_path / "run"), *options])
    assert (said.exit_code, message in said.stderr) == (2, True), said.output
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_log_has_a_line_now_and_then(scenario_file, tmp_path, monkeypatch):
    monkeypatch.setattr("notecalc._running._SAY", 0.0)
    said = CliRunner().invoke(app, ["run", str(scenario_file()), "-o", str(tmp_path / "run"), "--workers", "1"])
    assert said.exit_code == 0, said.output
    assert re.search(r"^notecalc: 50 of 572 at [\d,]+/s, 0 failed, 0:00:\d\d left$", said.stderr, re.MULTILINE)


def test_progress_is_told_after_each_block(small, tmp_path):
    told = []
    run(small, tmp_path / "run", workers=1, progress=told.append)
    assert [each.done for each in told] == [*range(0, len(small.plan), 25), len(small.plan)]
    assert told[-1].total == len(small.plan)
    assert told[-1].left == 0
