"""What the project's own files must keep to: the lock, the changelog, and no path of anybody's machine."""

import re
import tomllib
from pathlib import Path

import pytest

import notecalc as nc

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / ".ci" / "lock.txt").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def canonical(requirement: str) -> str:
    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def test_lock_holds_no_address():
    assert "://" not in LOCK
    assert re.findall(r"^\s*--(?!hash=)\S+", LOCK, flags=re.MULTILINE) == []


def test_lock_pins_every_package_by_hash():
    entries = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert entries
    unpinned = [entry for entry in entries if not re.match(r"[a-z0-9.-]+==\S+ .*\\\n\s+--hash=sha256:", entry)]
    assert unpinned == []


def test_lock_holds_the_dependencies_the_tools_and_the_build_backend():
    locked = {canonical(line) for line in re.findall(r"^[a-z0-9].*", LOCK, flags=re.MULTILINE)}
    project = PROJECT["project"]
    wanted = [
        *project["dependencies"],
        *project["optional-dependencies"]["dev"],
        *PROJECT["build-system"]["requires"],
    ]
    assert {canonical(requirement) for requirement in wanted} - locked == set()


def test_changelog_tells_of_this_version():
    assert f"\n## {nc.__version__} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", ["notecalc", "data", "notebooks", "tests", "benchmarks", ".ci", ".github"])
def test_no_file_knows_where_this_checkout_is(folder):
    texts = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert [name for name, text in texts.items() if str(ROOT).encode() in text] == []
