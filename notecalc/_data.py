"""Where the bundled deals and reference data are: inside the wheel, or beside a checkout."""

from __future__ import annotations

from pathlib import Path

from notecalc.errors import NotecalcError

__all__ = ["data_directory"]


def data_directory() -> Path:
    """Folder of the bundled data: ``notecalc/_data`` where installed from a wheel, ``data`` beside a checkout.

    Raises
    ------
    NotecalcError
        Neither exists: the installation is broken.

    Examples
    --------
    >>> (data_directory() / "deals").is_dir()
    True
    """
    package = Path(__file__).resolve().parent
    places = (package / "_data", package.parent / "data")
    for place in places:
        if place.is_dir():
            return place
    raise NotecalcError(f"the data that notecalc ships with is in neither {places[0]} nor {places[1]}")
