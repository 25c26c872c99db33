"""Times our functions beside their peers in one process, checks that both give the same, and keeps the table.

A benchmark opens a `Bench`, asks it to `compare`, and calls `finish`: that prints an aligned table and writes it to
``out/bench.md`` and ``out/bench.json``, beside the tables of other benchmarks. Each contender runs once untimed (that
compiles, and first touches the memory for results) and seven times timed; a rate is the median, its spread beside it.
Peers run on a sample of the rows, their time scaled by rows.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Bench", "Contender", "Row", "copy_bandwidth"]

REPEATS = 7
OUT = Path("out")
COPIED = 32_000_000  # numbers of 8 bytes, far more than a cache holds


@dataclass(frozen=True)
class Contender:
    """What is timed.

    Parameters
    ----------
    name : str
        What it is, such as ``QuantLib loop, dates prebuilt``.
    rows : int
        How many rows one run computes.
    run : callable
        Computes them and gives the results, in the order of the rows. A peer's may be the first rows only.
    """

    name: str
    rows: int
    run: Callable[[], Any]

    def rates(self) -> list[float]:
        """Rows a second [1/s] of each timed run, slowest first."""
        return sorted(self.rows / seconds for seconds in _times(self.run))


@dataclass(frozen=True)
class Row:
    """One line of the table: ours, and at most one peer beside it. Rates are in rows a second [1/s]."""

    what: str
    ours: float
    ours_spread: tuple[float, float]
    ours_rows: int
    peer_name: str | None = None
    peer: float | None = None
    peer_spread: tuple[float, float] | None = None
    peer_rows: int | None = None
    ratio: float | None = None
    copy_share: float | None = None
    largest_difference: float | None = None
    relative: bool = False


class Bench:
    """One table of comparisons, with the memory bandwidth measured when it opens.

    Parameters
    ----------
    title : str
        Its heading, and its key in ``out/bench.json``.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.rows: list[Row] = []
        self.cores = os.cpu_count() or 1
        self.bandwidth = {1: copy_bandwidth(1)}
        self.bandwidth.setdefault(self.cores, copy_bandwidth(self.cores) if self.cores > 1 else self.bandwidth[1])

    def compare(
        self,
        what: str,
        ours: Contender,
        peers: Sequence[Contender] = (),
        *,
        bytes_per_row: float | None = None,
        threads: int = 1,
        tolerance: float = 0.0,
        relative: bool = False,
        result: Callable[[Any], Any] = np.asarray,
    ) -> None:
        """Time ours and each peer, and add a line for each peer (or one for ours alone).

        Parameters
        ----------
        what : str
            What is computed, such as ``30/360 accruals, one core``.
        ours, peers : Contender
            Ours, and those beside it.
        bytes_per_row : float, optional
            Memory that ours must at least read and write for a row [bytes]: gives the share of the copy bandwidth.
        threads : int
            Threads that ours uses, 1 or all cores: whose bandwidth it is measured against.
        tolerance : float
            Largest difference from a peer that is allowed; with `relative`, as a share of the peer's result.
        result : callable
            Takes what a run gave to a flat array of numbers.

        Raises
        ------
        SystemExit
            The results differ by more than the tolerance, or one is missing where the other is not.
        """
        own = result(ours.run())
        rates = ours.rates()
        rate = statistics.median(rates)
        share = None if bytes_per_row is None else rate * bytes_per_row / self.bandwidth[threads]
        line = Row(what, rate, (rates[0], rates[-1]), ours.rows, copy_share=share, relative=relative)
        if not peers:
            self.rows.append(line)
        for peer in peers:
            difference = _largest_difference(own, result(peer.run()), relative=relative)
            if not difference <= tolerance:
                raise SystemExit(f"{what}: ours and {peer.name} differ by {difference:g}, more than {tolerance:g}")
            others = peer.rates()
            median = statistics.median(others)
            values = asdict(line) | {
                "peer_name": peer.name,
                "peer": median,
                "peer_spread": (others[0], others[-1]),
                "peer_rows": peer.rows,
                "ratio": rate / median,
                "largest_difference": difference,
            }
            self.rows.append(Row(**values))

    def finish(self, note: str = "") -> None:
        """Print the table and keep it in ``out/``.

        Parameters
        ----------
        note : str
            A sentence below the table.
        """
        tables = {}
        kept = OUT / "bench.json"
        if kept.exists():
            tables = json.loads(kept.read_text(encoding="utf-8"))
        tables[self.title] = {
            "machine": machine(),
            "versions": versions(),
            "copy_bandwidth_bytes_per_s": {str(threads): rate for threads, rate in self.bandwidth.items()},
            "repeats": REPEATS,
            "note": note,
            "rows": [asdict(row) for row in self.rows],
        }
        OUT.mkdir(exist_ok=True)
        kept.write_text(json.dumps(tables, indent=1) + "\n", encoding="utf-8")
        pages = [_page(title, table) for title, table in tables.items()]
        (OUT / "bench.md").write_text("\n".join(pages), encoding="utf-8")
        print(_page(self.title, json.loads(json.dumps(tables[self.title]))))


def copy_bandwidth(threads: int = 1) -> float:
    """Memory read and written a second [bytes/s] when threads copy an array far larger than any cache."""
    source, target = np.ones(COPIED), np.zeros(COPIED)
    bounds = np.linspace(0, COPIED, threads + 1).astype(int)
    parts = [slice(first, last) for first, last in itertools.pairwise(bounds)]
    with ThreadPoolExecutor(threads) as pool:
        seconds = _times(lambda: list(pool.map(lambda part: np.copyto(target[part], source[part]), parts)))
    return 2 * source.nbytes / statistics.median(seconds)


def machine() -> str:
    """Name the processor, its cores and the system."""
    name = platform.processor() or platform.machine()
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        lines = listed.read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        name = names[0] if names else name
    return f"{name}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def versions() -> dict[str, str]:
    """Give the versions of what was timed."""
    found = {"python": platform.python_version()}
    for name in ("notecalc", "numpy", "numba", "pandas", "quantlib", "pyxirr"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _times(run: Callable[[], Any]) -> list[float]:
    run()
    seconds = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    return seconds


def _largest_difference(ours: Any, peers: Any, *, relative: bool) -> float:
    """Give the largest difference on the rows that both have; infinite where only one is missing."""
    ours, peers = (np.asarray(values, dtype=np.float64).reshape(-1) for values in (ours, peers))
    rows = min(ours.size, peers.size)
    ours, peers = ours[:rows], peers[:rows]
    if (np.isnan(ours) != np.isnan(peers)).any():
        return float("inf")
    difference = np.abs(ours - peers)
    if relative:
        difference = np.divide(difference, np.abs(peers), out=difference, where=peers != 0)
    return float(np.nanmax(difference, initial=0.0))


def _page(title: str, table: dict[str, Any]) -> str:
    """Write a table as Markdown whose columns are also aligned for the eye."""
    heads = ["what", "ours (rows/s)", "rows", "of copy", "peer", "peer (rows/s)", "rows", "ratio", "largest difference"]
    lines = [heads, *(_cells(row) for row in table["rows"])]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    left = {0, 4}
    aligned = [
        "| "
        + " | ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (w + 1) + ("-" if c in left else ":") for c, w in enumerate(widths)) + "|"
    copies = ", ".join(
        f"{rate / 1e9:.1f} GB/s with {threads} thread{'' if threads == '1' else 's'}"
        for threads, rate in table["copy_bandwidth_bytes_per_s"].items()
    )
    words = [
        f"{table['machine']}; {', '.join(f'{name} {v}' for name, v in table['versions'].items())}.",
        f"Medians of {table['repeats']} runs (slowest to fastest). Memory copy, read and written: {copies}.",
        *([table["note"]] if table["note"] else []),
    ]
    return "\n".join([f"## {title}", "", *words, "", aligned[0], rule, *aligned[1:], ""])


def _cells(row: dict[str, Any]) -> list[str]:
    peer = row["peer"]
    difference = row["largest_difference"]
    return [
        row["what"],
        _rate(row["ours"], row["ours_spread"]),
        f"{row['ours_rows']:,}",
        "" if row["copy_share"] is None else f"{row['copy_share']:.0%}",
        row["peer_name"] or "",
        "" if peer is None else _rate(peer, row["peer_spread"]),
        "" if peer is None else f"{row['peer_rows']:,}",
        "" if peer is None else f"{row['ratio']:,.3g}" if row["ratio"] < 100 else f"{row['ratio']:,.0f}",
        "" if difference is None else f"{difference:.1e}{' relative' if row['relative'] else ''}",
    ]


def _rate(rate: float, spread: Sequence[float]) -> str:
    unit, name = (1e6, " M") if rate >= 1e6 else (1e3, " k") if rate >= 1e3 else (1.0, "")
    return f"{rate / unit:.4g}{name} ({spread[0] / unit:.4g} to {spread[1] / unit:.4g})"
