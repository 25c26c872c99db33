"""The version of notecalc and of what it stands on, read from the installed packages without importing them.

The build backend reads the version from this file: it is written nowhere else.
"""

from __future__ import annotations

import platform
import re
from importlib import metadata

__all__ = ["__version__", "show_versions", "versions"]

__version__ = "0.1.0"


def show_versions() -> None:
    """Print what a report of a defect needs: the versions of notecalc, Python, the machine and the dependencies.

    Examples
    --------
    >>> show_versions()
    notecalc   ...
    python     ...
    """
    found = versions()
    width = max(map(len, found))
    print("\n".join(f"{name:<{width}} {version}" for name, version in found.items()))  # noqa: T201 (its purpose)


def versions() -> dict[str, str]:
    """Versions by name: notecalc, Python, the platform, then each dependency in alphabetical order.

    Examples
    --------
    >>> list(versions())[:4]
    ['notecalc', 'python', 'platform', 'jinja2']
    """
    return {
        "notecalc": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: _installed(name) for name in _dependencies()},
    }


def _dependencies() -> list[str]:
    try:
        required = metadata.requires("notecalc") or []
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return []
    names = (re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in required if "extra ==" not in line)
    return sorted(names, key=str.lower)


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
