"""notecalc installed in the three ways a user may get it, each used from another folder in an empty environment.

Installing the dependencies anew three times would take minutes, so the environments read them from where these tests
run: a line in a ``.pth`` file adds that folder to the path. Python does not read the ``.pth`` files of a folder added
so, hence an editable installation there stays unseen, and notecalc is there only if the environment itself has it.
"""

import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import notecalc as nc

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).resolve().parents[1]


def run(*command: object, cwd: Path) -> str:
    """Output of a command that hears nothing of the Python that runs these tests."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=inherited, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


@dataclass(frozen=True)
class Environment:
    """A virtual environment and an empty folder to work in."""

    home: Path
    elsewhere: Path

    @classmethod
    def empty(cls, folder: Path) -> "Environment":
        venv.create(folder / "env", with_pip=False, symlinks=True)
        (folder / "elsewhere").mkdir()
        return cls(folder / "env", folder / "elsewhere")

    def install(self, wheel: Path) -> None:
        pip = (sys.executable, "-m", "pip", "--quiet", "--python", self.home / "bin" / "python")
        run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=self.elsewhere)

    def borrow_dependencies(self) -> None:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        site_packages = self.home / "lib" / version / "site-packages"
        (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")

    def python(self, code: str) -> str:
        return run(self.home / "bin" / "python", "-c", code, cwd=self.elsewhere)

    def notecalc(self, *arguments: str) -> str:
        return run(self.home / "bin" / "notecalc", *arguments, cwd=self.elsewhere)


def build(command: str, folder: Path) -> Path:
    """Ask the build backend for a distribution of the checkout, as pip and build do."""
    code = f"import sys, hatchling.build as backend; print(backend.{command}(sys.argv[1]))"
    return folder / run(sys.executable, "-c", code, folder, cwd=ROOT).splitlines()[-1]


@pytest.fixture(scope="module")
def distributions(tmp_path_factory) -> dict[str, Path]:
    folders = {name: tmp_path_factory.mktemp(name) for name in ("editable", "checkout", "sdist")}
    sdist = build("build_sdist", folders["sdist"])
    unpacked = folders["sdist"] / "unpacked"
    unpacked.mkdir()
    run("tar", "xzf", sdist, "--strip-components", "1", cwd=unpacked)
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folders["sdist"], cwd=unpacked)
    return {
        "editable": build("build_editable", folders["editable"]),
        "wheel": build("build_wheel", folders["checkout"]),
        "wheel from sdist": next(folders["sdist"].glob("*.whl")),
    }


@pytest.fixture(scope="module", params=["editable", "wheel", "wheel from sdist"])
def installed(request, distributions, tmp_path_factory) -> tuple[str, Environment]:
    environment = Environment.empty(tmp_path_factory.mktemp("installed"))
    environment.install(distributions[request.param])
    environment.borrow_dependencies()
    return request.param, environment


def files_in(folder: Path) -> dict[str, str]:
    """Hash of each file but the scripts that made the data, which stay in the repository."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".py"
    }


def test_empty_environment_has_the_dependencies_but_not_notecalc(tmp_path):
    environment = Environment.empty(tmp_path)
    environment.borrow_dependencies()
    code = "from importlib.util import find_spec; print(find_spec('pandas') is not None, find_spec('notecalc') is None)"
    assert environment.python(code) == "True True"


def test_code_is_read_from_where_it_was_installed(installed):
    kind, environment = installed
    place = Path(environment.python("import notecalc; print(notecalc.__file__)"))
    assert place.is_relative_to(ROOT if kind == "editable" else environment.home)


def test_bundled_data_is_that_of_the_checkout(installed):
    _, environment = installed
    folder = Path(environment.python("from notecalc._data import data_directory; print(data_directory())"))
    assert files_in(folder) == files_in(ROOT / "data")


def test_bundled_deal_loads(installed):
    _, environment = installed
    code = "import notecalc as nc; print(type(nc.load('ibasis-2004')).__name__)"
    assert environment.python(code) == "Deal"


def test_command_gives_the_version(installed):
    _, environment = installed
    assert nc.__version__ in environment.notecalc("--version")
    assert nc.__version__ in run(environment.home / "bin" / "python", "-m", "notecalc", "--version", cwd="/")


def test_memo_is_written(installed):
    _, environment = installed
    environment.notecalc("memo", "ibasis-2004", "-o", "memo")
    assert (environment.elsewhere / "memo" / "memo.html").stat().st_size > 0


def test_wheels_are_the_same(distributions):
    direct, by_sdist = (zipfile.ZipFile(distributions[name]) for name in ("wheel", "wheel from sdist"))
    with direct, by_sdist:
        assert {item.filename: item.CRC for item in direct.infolist()} == {
            item.filename: item.CRC for item in by_sdist.infolist()
        }


def test_wheel_holds_the_code_its_types_and_the_data_and_nothing_else(distributions):
    with zipfile.ZipFile(distributions["wheel"]) as wheel:
        names = wheel.namelist()
    assert {"notecalc/py.typed", "notecalc/_data/deals/ibasis-2004.toml"} <= set(names)
    assert {name.split("/")[0] for name in names} == {"notecalc", f"notecalc-{nc.__version__}.dist-info"}
    assert [name for name in names if "__pycache__" in name] == []
