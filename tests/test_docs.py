"""The README tells the truth: its examples give what they show, its commands print what they show."""

import doctest
import re
import shlex
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

# What a target runs once everything is installed.
MADE_BY = {"make memo": "notecalc memo ibasis-2004 -o out/ibasis-2004"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def test_examples_give_what_they_show():
    examples = doctest.DocTestParser().get_doctest("\n\n".join(blocks("pycon")), {}, "README", "README.md", 0)
    report = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    outcome = runner.run(examples, out=report.append)
    assert outcome.attempted
    assert outcome.failed == 0, "".join(report)


def shell_sessions() -> list[tuple[str, str]]:
    """Each command after a ``$`` in a console block, with what is shown below it."""
    parts = [part for block in blocks("console") for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


@pytest.mark.parametrize(("command", "output"), shell_sessions(), ids=[command for command, _ in shell_sessions()])
def test_commands_print_what_they_show(command, output, tmp_path):
    program, *arguments = shlex.split(MADE_BY.get(command, command))
    if program == "make":
        assert re.search(rf"^{arguments[0]}:", MAKEFILE, flags=re.MULTILINE)
        return
    assert program == "notecalc"
    scripts = Path(sysconfig.get_path("scripts"))
    done = subprocess.run([scripts / program, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert doctest.OutputChecker().check_output(output, done.stdout, FLAGS), done.stdout
