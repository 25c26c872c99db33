"""Real processes: the command, its workers, a cluster, and what kills or stops them; `make torture` does it fifty times.

Whoever dies, the run is finished by itself or when it is resumed, each block once and with the same bits.
"""

import contextlib
import json
import multiprocessing
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from notecalc.batch import deadline
from notecalc.batch.case import Case
from notecalc.batch.manifest import verify
from notecalc.batch.run import run
from notecalc.batch.scenariofile import load_scenarios
from notecalc.batch.store import Folder

DEADLINE = 120.0  # seconds for anything, on a machine that does much else


def command(file: Path, place: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "notecalc", "run", str(file), "-o", str(place), *more]


def started(words: list[str], **more) -> subprocess.Popen:
    """The leader of a process group of its own, whose output is read when it has ended."""
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **more}
    return subprocess.Popen(words, start_new_session=True, **given)


def blocks_in(place: Path) -> int:
    return len([*place.glob("blocks/*.json")])


def await_blocks(place: Path, process: subprocess.Popen, count: int) -> bool:
    """Whether the run lives when it has written some blocks."""
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        if process.poll() is not None:
            return False
        if blocks_in(place) >= count:
            return True
        time.sleep(0.002)
    raise AssertionError("no block was written")


def await_nobody(members, group: int) -> None:
    """Whoever outlives the one that was killed must end by itself."""
    until = time.monotonic() + DEADLINE
    while members(group):
        assert time.monotonic() < until, f"processes {[*members(group)]} live on"
        time.sleep(0.01)


def resuming(place):
    """Give the option to go on with; none where a run was killed before it had begun, as there is nothing to resume."""
    return ["--resume"] if (place / "run.json").exists() else []


@dataclass
class Torture:
    """Kills a run at random moments and resumes it, until it is finished."""

    case: Case
    file: Path
    random: np.random.Generator
    members: Callable[[int], dict[int, int]]
    more: tuple[str, ...] = ("--workers", "2")
    victims: tuple[str, ...] = ("group",)
    begin: tuple[int, ...] = (1, 2, 3)
    """Blocks that are written before the moment begins."""
    pause: float = 0.003
    """Seconds that it comes later, at most."""
    say: Callable[[str], None] = lambda _: None
    others: dict[str, Callable[[], bool]] = field(default_factory=dict)
    """Victims that are no part of the run: each gives whether it was alive."""
    ready: Callable[[], None] = lambda: None
    """Sees to it that a run can begin."""

    def once(self, place: Path) -> bool:
        """Run or resume, and kill; whether a live run was hit."""
        before, resume = blocks_in(place), resuming(place)
        victim = str(self.random.choice([*self.victims, *self.others]))
        goal = min(before + int(self.random.choice(self.begin)), self.case.blocks)
        pause = self.random.uniform(0, self.pause)
        self.ready()
        process = started(command(self.file, place, *self.more, *resume))
        if await_blocks(place, process, goal):
            time.sleep(pause)
        hit = process.poll() is None and self._kill(process, victim)
        said, _ = process.communicate(timeout=DEADLINE)
        await_nobody(self.members, process.pid)
        finished = (place / "manifest.json").exists()
        if victim in {"group", "leader"}:
            hit = hit and process.returncode == -signal.SIGKILL
        elif victim in self.others and process.returncode == 2:
            assert re.search(r"scheduler at|no scheduler answers|no worker for", said), said
        else:  # the run goes on without one of its members
            assert (process.returncode, finished) == (0, True), said
        self.say(f"{victim} {'killed' if hit else 'missed'} at {blocks_in(place)} of {self.case.blocks} blocks")
        return hit

    def _kill(self, process: subprocess.Popen, victim: str) -> bool:
        try:
            if victim in self.others:
                return self.others[victim]()
            if victim == "group":
                os.killpg(process.pid, signal.SIGKILL)
            elif victim == "leader":
                process.kill()
            else:
                others = [member for member in self.members(process.pid) if member != process.pid]
                if not others:
                    return False
                os.kill(int(self.random.choice(others)), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True


def test_killed_at_five_random_moments_it_finishes_as_if_undisturbed(
    members, scenario_file, small, tmp_path, undisturbed
):
    """Whole process groups, so that no worker outlives its run; only kills that hit a live run count."""
    place = tmp_path / "run"
    torture = Torture(small, scenario_file(), np.random.default_rng(20041126), members)
    hit = 0
    while hit < 5:
        assert blocks_in(place) < small.blocks, f"it finished after {hit} kills"
        hit += torture.once(place)
    assert run(small, place, workers=1, resume=True).result_hash == undisturbed
    assert verify(small, Folder(place)) == []


def finished_after(torture: Torture, folder: Path, kills: int, expected: str) -> None:
    """Runs again and again, each till it is finished and compared, until as many kills as asked for have hit."""
    hit = rounds = 0
    while hit < kills:
        rounds += 1
        place = folder / str(rounds)
        while hit < kills and not (place / "manifest.json").exists():
            hit += torture.once(place)
        if not (place / "manifest.json").exists():
            torture.ready()
            said = subprocess.run(
                command(torture.file, place, *torture.more, *resuming(place)), check=False, capture_output=True
            )
            assert said.returncode == 0, said.stderr.decode()
        told = json.loads((place / "manifest.json").read_text())
        assert told["result_hash"] == expected
        assert verify(torture.case, Folder(place)) == []
        assert len(told["blocks"]) == blocks_in(place) == torture.case.blocks
        torture.say(f"run {rounds} is whole after {hit} kills in all")


def seed_of(text: str) -> int:
    seed = int(os.environ.get("SEED", int(time.time())))
    say(f"\n{text}: SEED={seed} KILLS={KILLS}")  # the same kills again: make torture SEED=... KILLS=...
    return seed


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


KILLS = int(os.environ.get("KILLS", "50"))


@pytest.mark.torture
def test_torture(members, scenario_file, tmp_path):
    """Groups, the process that runs alone, and any one of its others: workers, their server, what tracks both."""
    summarised = '[results.accrued]\n\n[summaries]\nquantiles = [0.5]\nexpected_shortfall = [0.05]\nby = ["on"]\n'
    file = scenario_file(replace={"[results.accrued]\n": summarised, "block_rows = 25": "block_rows = 5"})
    case = load_scenarios(file)
    expected = run(case, tmp_path / "undisturbed", workers=1).result_hash
    random = np.random.default_rng(seed_of("kills of runs of two workers"))
    torture = Torture(
        case, file, random, members, victims=("group", "group", "leader", "other"), begin=(0, 1, 5, 20, 60, 120), pause=0.05, say=say
    )  # fmt: skip
    finished_after(torture, tmp_path / "run", KILLS, expected)


@pytest.mark.torture
def test_torture_of_a_cluster(members, shares_to, dask, tmp_path):
    """A fifth as many: the run, one of two workers, which their nannies replace, and the scheduler with all of them."""
    case, file = shares_to("3.99"), tmp_path / "scenarios.toml"
    expected = run(case, tmp_path / "undisturbed", workers=1).result_hash
    random = np.random.default_rng(seed_of("kills of runs on a cluster"))
    here = ("--host", "127.0.0.1")
    torture = Torture(case, file, random, members, victims=("group",), begin=(0, 1, 2, 3, 8, 30), pause=0.05, say=say)
    parts: list[subprocess.Popen] = []

    def begin() -> None:
        contact = tmp_path / f"scheduler-{random.integers(2**62)}.json"
        scheduler = dask("scheduler", *here, "--port", "0", "--scheduler-file", str(contact))
        nannies = dask("worker", *here, "--nworkers", "2", "--nthreads", "1", "--scheduler-file", str(contact))
        parts[:] = [scheduler, nannies]
        until = time.monotonic() + DEADLINE
        while not (contact.is_file() and contact.read_text().rstrip().endswith("}")):
            assert time.monotonic() < until
            time.sleep(0.05)
        torture.more = ("--scheduler", json.loads(contact.read_text())["address"])

    def kill_worker() -> bool:
        workers = [each for each in members(parts[1].pid) if "spawn_main" in words(each)]
        if workers:
            os.kill(int(random.choice(workers)), signal.SIGKILL)
        return bool(workers)

    def kill_scheduler() -> bool:
        for part in parts:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(part.pid, signal.SIGKILL)
            part.wait(DEADLINE)
        begin()
        return True

    def ready() -> None:
        if parts[1].poll() is not None:  # Dask's command ends if a worker is killed while it starts
            kill_scheduler()

    begin()
    torture.ready = ready
    torture.others = {"worker": kill_worker, "scheduler": kill_scheduler}
    finished_after(torture, tmp_path / "run", max(1, KILLS // 5), expected)


def words(process: int) -> str:
    """The command of a process."""
    return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")


def test_a_killed_worker_is_replaced_and_its_block_computed_again(small, tmp_path, undisturbed):
    killed = []

    def kill_one(progress):
        if progress.done and not killed:
            killed.append(multiprocessing.active_children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    assert run(small, tmp_path / "run", workers=2, progress=kill_one).result_hash == undisturbed
    assert killed


def test_workers_that_hang_are_replaced_and_their_blocks_computed_again(scenario_file, small, tmp_path, undisturbed):
    """Each hangs at its 20th file, so does one that takes its place; 69 are written."""
    process = started(
        command(scenario_file(), tmp_path / "run", "--workers", "2", "--block-deadline", "3"),
        env={**os.environ, "NOTECALC_FAILPOINT": "hang:after-write:20"},
    )
    said, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, said
    assert re.search(r"notecalc: block \d+ took longer than 3 s.*; its worker is ended, and another computes it", said)
    assert f"result hash: {undisturbed}" in said
    assert verify(small, Folder(tmp_path / "run")) == []


def test_a_block_that_always_hangs_is_reported(members, scenario_file, tmp_path):
    process = started(
        command(scenario_file(), tmp_path / "run", "--workers", "2", "--block-deadline", "0.5"),
        env={**os.environ, "NOTECALC_FAILPOINT": "hang:before-write:2"},  # the first is the run's own, of run.json
    )
    said, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 2, said
    assert re.search(
        r"block \d took longer than 0.5 s; if that is what it needs, .*\(3 times\)", said.replace("\n", " ")
    )
    await_nobody(members, process.pid)


def test_who_computes_ends_with_the_run_that_is_killed(members, scenario_file, tmp_path):
    """In the midst of a block, which here takes for ever."""
    process = started(
        command(scenario_file(), tmp_path / "run", "--workers", "2"),
        env={**os.environ, "NOTECALC_FAILPOINT": "hang:after-rename:4"},
    )
    assert await_blocks(tmp_path / "run", process, 2)
    process.kill()
    process.communicate(timeout=DEADLINE)
    await_nobody(members, process.pid)


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_or_sigterm_keeps_what_is_done(scenario_file, small, tmp_path, undisturbed, asked):
    place = tmp_path / "run"
    process = started(command(scenario_file(), place, "--workers", "2"))
    assert await_blocks(place, process, 2)
    os.killpg(process.pid, asked)
    said, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130, said
    assert "stopped; what is done is in" in said
    assert run(small, place, workers=1, resume=True).result_hash == undisturbed


def test_a_second_ctrl_c_does_not_wait_for_a_block_that_hangs(members, scenario_file, tmp_path):
    place = tmp_path / "run"
    process = started(
        command(scenario_file(), place, "--workers", "2"),
        env={**os.environ, "NOTECALC_FAILPOINT": "hang:after-rename:4"},
    )
    assert await_blocks(place, process, 2)
    time.sleep(1)  # by then both have begun another, and hang
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130, said
    await_nobody(members, process.pid)


def test_ctrl_c_does_not_wait_for_workers_that_are_stopped(small, tmp_path, monkeypatch):
    monkeypatch.setattr(deadline, "_STOPPING", 0.3)

    def stop(progress):
        if progress.done:
            for worker in multiprocessing.active_children():
                os.kill(worker.pid, signal.SIGSTOP)
            raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(small, tmp_path / "run", workers=2, progress=stop, block_deadline=DEADLINE)
    assert time.monotonic() < begun + DEADLINE / 2


def test_a_terminal_sees_how_far_it_is(scenario_file, tmp_path):
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    words = command(scenario_file(replace={"to = 2.0": "to = 3.0"}), tmp_path / "run", "--workers", "1")
    process = started(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    said = b""
    while part := _read(ours):
        said += part
    os.close(ours)
    text = said.decode()
    assert process.wait(DEADLINE) == 0, text
    assert re.search(r"\d+ of 1,612 at [\d,]+/s, 0 failed.*0:00:\d\d left", text), text


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the other side has closed
        return b""
