"""Each notebook runs from top to bottom and gives the numbers and tables it is kept with; images aren't compared."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))


def texts(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """What each code cell shows: its text, and for an image only that there is one."""
    return [[shown(output) for output in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]


def shown(output: nbformat.NotebookNode) -> str:
    if output.output_type == "stream":
        return f"{output.name}: {output.text}"
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return "an image" if any(kind.startswith("image/") for kind in output.data) else output.data["text/plain"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_gives_what_it_is_kept_with(path):
    kept = nbformat.read(path, as_version=4)
    ran = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    NotebookClient(ran, timeout=300, kernel_name="python3", resources=where).execute()
    assert texts(ran) == texts(kept)


def test_there_is_a_notebook():
    assert NOTEBOOKS
