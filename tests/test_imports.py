"""What ``import notecalc`` loads, and that every public name is there for people and for type checkers."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import notecalc as nc

HEAVY = {"QuantLib", "jinja2", "matplotlib", "numba", "pydantic", "rich", "scipy", "typer"}


def modules_after(statement: str) -> set[str]:
    """Names in `sys.modules` after a statement in a fresh process."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def declared_to_type_checkers() -> dict[str, str]:
    """Module of each name that `notecalc/__init__.py` imports, in its TYPE_CHECKING block or outside it."""
    tree = ast.parse(Path(nc.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {
        alias.name: node.module
        for node in imports
        for alias in node.names
        if node.module is not None and node.module.startswith("notecalc")
    }


def test_import_loads_nothing_heavy():
    loaded = {name.split(".")[0] for name in modules_after("import notecalc")}
    assert loaded & HEAVY == set()


def test_import_registers_the_accessor_with_pandas():
    code = "import notecalc, pandas; print(pandas.DataFrame.notecalc.__name__, pandas.Series.notecalc.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["NoteTape", "Provenance"]


def test_import_loads_no_more_of_pyarrow_than_pandas_does():
    ours, pandas = (
        {name for name in modules_after(f"import {package}") if name.split(".")[0] == "pyarrow"}
        for package in ("notecalc", "pandas")
    )
    assert ours <= pandas


def test_show_versions_loads_nothing_heavy():
    silently = "import contextlib, io, notecalc\nwith contextlib.redirect_stdout(io.StringIO()): "
    loaded = {name.split(".")[0] for name in modules_after(silently + "notecalc.show_versions()")}
    assert loaded & HEAVY == set()


def test_show_versions_names_every_dependency(capsys):
    nc.show_versions()
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["notecalc"] == nc.__version__
    assert {"python", "platform", "numpy", "pandas", "quantlib", "numba"} <= set(lines)
    assert "not installed" not in lines.values()


def test_type_checkers_see_the_public_names_and_no_others():
    assert set(declared_to_type_checkers()) == set(nc.__all__)


@pytest.mark.parametrize("name", nc.__all__)
def test_public_name_is_what_type_checkers_take_it_for(name):
    module = import_module(declared_to_type_checkers()[name])
    assert getattr(nc, name) is getattr(module, name)


def test_public_names_are_listed_by_dir():
    assert set(nc.__all__) <= set(dir(nc))


def test_star_import_gives_the_public_names():
    namespace = {}
    exec("from notecalc import *", namespace)  # noqa: S102 (a star import is allowed at the top of a module only)
    assert set(nc.__all__) <= set(namespace)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'notecalc' has no attribute 'accrued_intrest'"):
        nc.accrued_intrest  # noqa: B018 (looking it up is the test)


def test_type_checker_rejects_a_misspelt_name(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import notecalc as nc\n\nprint(nc.accrued_interest, nc.accrued_intrest)\n", encoding="utf-8")
    root = Path(nc.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", str(program)],
        cwd=root,  # for its settings, and the cache that `make types` has filled
        capture_output=True,
        text=True,
        check=False,
    )
    assert '"accrued_intrest"' in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("error:") == 1, done.stdout
