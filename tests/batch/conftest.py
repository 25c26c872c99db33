"""A small run that needs no valuation: 23 blocks in a second; and an S3 server, a process of its own."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import fsspec
import pytest

from notecalc.batch.run import run
from notecalc.batch.scenariofile import load_scenarios

DEADLINE = 60.0  # seconds for a server to start, on a machine that does much else
SMALL = """
schema = 1
id = "small"
title = "Shares over prices and stock prices"
deal = "ibasis-2004"
seed = 7
block_rows = 25

[axes.conversion_price]
from = 1.5
to = 2.0
by = 0.05

[axes.stock_price]
draw = "lognormal"
median = 1.5
deviation = 0.4
round_to = 0.01
assumed = "a test"

[axes.on]
values = [2004-06-18, 2004-12-17]
zip = "day-and-principal"

[axes.principal]
values = [29000000, 10000000]
zip = "day-and-principal"

[samples]
count = 26
design = "latin-hypercube"

[results.dilution]
[results.accrued]
"""


@pytest.fixture
def scenario_file(tmp_path: Path):
    """Writes a scenario file: the small one, with parts of it replaced."""

    def write(name: str = "scenarios.toml", **changes: str) -> Path:
        text = SMALL
        for old, new in changes.get("replace", {}).items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def small(scenario_file):
    """The small run, before it runs."""
    return load_scenarios(scenario_file())


@pytest.fixture
def undisturbed(small, tmp_path):
    """The result hash of the small run when nothing happens to it."""
    return run(small, tmp_path / "undisturbed", workers=1).result_hash


@pytest.fixture(scope="session")
def s3_server():
    """The address of an S3 server, which gets its port from the system."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        said: list[str] = []
        threading.Thread(target=lambda: said.extend(process.stderr), daemon=True).start()
        until = time.monotonic() + DEADLINE
        try:
            while not (found := re.search(r"Running on (http://127\.0\.0\.1:\d+)", "".join(said))):
                assert process.poll() is None, "".join(said)
                assert time.monotonic() < until, "".join(said)
                time.sleep(0.05)
            yield found[1]
        finally:
            process.kill()


@pytest.fixture
def s3(s3_server, tmp_path: Path, monkeypatch):
    """The URL of an empty bucket; where the server is and who asks stands in the environment, as it does for users."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    system = fsspec.get_filesystem_class("s3")
    system.clear_instance_cache()
    bucket = f"notecalc-{abs(hash(tmp_path))}"
    fsspec.filesystem("s3").mkdir(bucket)
    yield f"s3://{bucket}"
    system.clear_instance_cache()


SHARES = """
schema = 1
id = "shares"
title = "Shares over prices"
deal = "ibasis-2004"
seed = 1
block_rows = 10

[axes.conversion_price]
from = 1.00
to = TO
by = 0.01

[results.dilution]
"""


@pytest.fixture
def shares_to(tmp_path):
    """Makes a run of blocks of 10 scenarios, of shares on conversion from a price of 1.00 up to another."""

    def make(price: str):
        (tmp_path / "scenarios.toml").write_text(SHARES.replace("TO", price), encoding="utf-8")
        return load_scenarios(tmp_path / "scenarios.toml")

    return make


@pytest.fixture
def dask(tmp_path):
    """Starts a part of Dask by its command, and kills it with what it started."""
    with contextlib.ExitStack() as stack:

        def start(part: str, *options: str) -> subprocess.Popen:
            command = [sys.executable, "-m", "dask", part, "--no-dashboard", "--dashboard-address", ":0", *options]
            said = stack.enter_context((tmp_path / f"{part}.log").open("ab"))
            process = stack.enter_context(
                subprocess.Popen(command, cwd=tmp_path, stdout=said, stderr=said, start_new_session=True)
            )
            stack.callback(_kill_group, process)
            return process

        yield start


def _kill_group(process: subprocess.Popen) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def members():
    """Gives the living processes of a group, each with the most memory that it had [bytes]."""

    def of(group: int) -> dict[int, int]:
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended
                state, _, its = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
                if int(its) == group and state not in "ZX":
                    most = re.search(r"VmHWM:\s*(\d+) kB", (folder / "status").read_text())
                    found[int(folder.name)] = 1024 * int(most[1]) if most else 0
        return dict(sorted(found.items()))

    return of
