"""What numbers may depend on besides their inputs: the kind of processor and the versions that compute.

The same inputs give the same bits on machines of one kind; on others they agree to the accuracy of the results.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import platform
import resource
import sys
from importlib.metadata import version
from pathlib import Path

from notecalc.versions import versions

__all__ = ["forget_peak", "kind_differences", "machine_kind", "resident_bytes"]

_COMPUTING = ("numba", "numpy", "pandas", "pyarrow", "quantlib", "scipy")
_PROCESSOR = "processor"


@functools.cache
def machine_kind() -> str:
    """Name the processor and the versions of what computes and writes.

    Examples
    --------
    >>> "numpy" in machine_kind()
    True
    """
    found = versions()
    # Asked one by one: what notecalc stands on is not known where it is run from a checkout that is not installed.
    told = {"notecalc": f"{found['notecalc']}+{_sources(Path(__file__).parents[1])}", "python": found["python"]}
    told |= {name: version(name) for name in _COMPUTING}
    return f"{_processor()}; {', '.join(f'{name} {each}' for name, each in told.items())}"


def kind_differences(kind: str, other: str, *, processor: bool = True) -> str:
    """Say in what one kind of machine is not another, the processor left out if that doesn't matter.

    Examples
    --------
    >>> kind_differences("x86_64; numba 0.60.0, numpy 2.4.6", "x86_64; numba 0.68.1, numpy 2.4.6")
    'numba 0.60.0, not 0.68.1'
    """
    here, there = _parts(kind), _parts(other)
    names = [name for name in dict.fromkeys([*here, *there]) if processor or name != _PROCESSOR]
    lacking = "none"
    told = [(name, here.get(name, lacking), there.get(name, lacking)) for name in names]
    return ", ".join(f"{name} {ours}, not {theirs}" for name, ours, theirs in told if ours != theirs)


def resident_bytes(process: int | None = None, *, peak: bool = False) -> int:
    """Give the memory that a process has in use, or the most that it ever had; this one if none is named.

    Pages that processes share count for each of them. Where the system doesn't say (not Linux), it is the most that
    this process ever had, whatever is asked.

    Examples
    --------
    >>> 0 < resident_bytes() <= resident_bytes(peak=True)
    True
    """
    status = Path(f"/proc/{process or 'self'}/status")
    try:
        told = dict(line.partition(":")[::2] for line in status.read_text().splitlines())
        in_use, most = (int(told[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    except (OSError, KeyError):  # or a process that has ended
        # Not where there is /proc: there it begins with what the process had that started this one.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return max(in_use, most) if peak else in_use


def forget_peak() -> None:
    """Have the most that this process ever had be what it has now, where the system can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _sources(package: Path) -> str:
    """Hash what a package computes with: under one version it changes while it is worked on."""
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(f"{file.relative_to(package)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:8]


def _parts(kind: str) -> dict[str, str]:
    """Take apart what `machine_kind` put together."""
    processor, _, rest = kind.rpartition("; ")
    versions_found = (part.partition(" ") for part in rest.split(", "))
    return {_PROCESSOR: processor} | {name: version for name, _, version in versions_found}


def _processor() -> str:
    """Give the architecture, the model and a hash of the instructions that compiled code may use."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = " ".join(sorted(told.get("flags", told.get("Features", "")).split()))
    model = told.get("model name", told.get("CPU part", ""))
    return f"{platform.machine()} {model} {hashlib.sha256(flags.encode()).hexdigest()[:8]}"
