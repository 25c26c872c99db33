"""Batches of scenarios, from inputs drawn by index through to Parquet on disk.

By result: rows a second on one core through the whole run; the bare kernel alone, which is the function of `core` or
`deal` that does the arithmetic, called again with the arrays that the run gave it; the first as a share of the second
(at least half for values: the others are so light that drawing, columns and the writer decide); what the writer takes;
and loops over a few scenarios, one at a time: in plain pandas, by the deal's own methods, and in QuantLib.

Then the same run by one worker, two and whatever ``--workers`` says: whole, with the workers' start, and once blocks
come. Then the cost of a row from 10^5 rows of dilution up to ``--rows`` (10^8, or the environment's ROWS), which must
be flat, under a bound of 2 GiB on all processes together. Their disk is looked for first; what it has no room for is
said.

Run it with ``make bench`` or ``python benchmarks/bench_scenarios.py``. It needs what notecalc needs and no more; a peer
that is not installed is said and left out.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import importlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from harness import OUT, machine, versions

import notecalc as nc
from notecalc.batch.axes import Listed
from notecalc.batch.blocks import file_text
from notecalc.batch.case import Case
from notecalc.batch.plan import Plan
from notecalc.batch.scenariofile import scenarios
from notecalc.batch.store import Folder
from notecalc.deal.register import register_of

MEMORY = 2 * 2**30
BLOCK = 131_072
SPARE = 1.2  # of the disk that a run is expected to take
REPEATS = 5
MODEL = "ayache-forsyth-vetzal"
RESULTS = ("closing", "dilution", "accrued", "cashflows", "value")
FACE, RATE, ISSUED, REPAID = 29_000_000, 0.08, date(2004, 6, 18), date(2007, 6, 18)

# What does the arithmetic of each result: where it is called from, and its name there.
KERNELS = {
    "closing": ("notecalc.batch.results.closing", "closing_cents"),
    "dilution": ("notecalc.deal.captable", "convert_in_proportion"),
    "cashflows": ("notecalc.deal.endings", "Timeline.ending"),
    "value": ("notecalc.batch.results.value", "convertible_value"),
}


@functools.cache
def deal() -> nc.Deal:
    """Give the deal, once in each process that needs it: workers import this module, too."""
    return nc.load("ibasis-2004")


def drawn(distribution: str, **parameters: float) -> dict[str, Any]:
    """Give an axis that is drawn."""
    return {"draw": distribution, **parameters, "assumed": "a benchmark"}


def case_of(result: str, rows: int, block_rows: int = BLOCK) -> Case:
    """Give a run of one result with some scenarios."""
    market, options = None, {}
    days = np.arange(np.datetime64(ISSUED), np.datetime64(REPAID))
    if result == "dilution":
        price = drawn("lognormal", median=1.85, deviation=0.1, round_to=0.01)
        axes = {"conversion_price": price, "stock_price": drawn("lognormal", median=1.5, deviation=0.4)}
    elif result == "closing":
        axes = {"surrendered.windward": drawn("uniform", **{"from": 0, "to": 5_100_000}, round_to=1)}
    elif result == "accrued":
        axes = {"on": days}
    elif result == "cashflows":
        recovered = drawn("uniform", **{"from": 0.2, "to": 0.5})
        axes = {"default_time": drawn("exponential", rate=0.12), "recovery_rate": recovered}
    else:
        market, options = "ibasis-2004-06-18", {"model": MODEL, "accuracy": "standard"}
        stock = drawn("lognormal", median=1.5, deviation=0.4, round_to=0.01)
        axes = {"stock_price": stock, "volatility": drawn("uniform", **{"from": 0.3, "to": 0.8})}
    more = {"block_rows": block_rows, **({} if result == "accrued" else {"samples": {"count": rows}})}
    case = scenarios(deal(), results={result: options}, axes=axes, seed=7, market=market, **more)
    if result != "accrued":
        return case
    # Days can't be drawn, nor may a file list one twice: they are put into the plan, as many as scenarios.
    return dataclasses.replace(case, plan=Plan.of([Listed("on", np.resize(days, rows))]))


def best(run: Callable[[], Any]) -> float:
    """Seconds that it takes, at best of some times; once before, which compiles and touches the memory."""
    run()
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def kernel_seconds(case: Case) -> float:
    """Seconds of a scenario in the bare kernel, with the arrays of a block."""
    result, size = case.results[0], min(len(case.plan), BLOCK)
    inputs = {name: values for name, values in case.plan.inputs(0, size).items() if result.reads(name)}
    if result.name == "accrued":
        return best(lambda: deal().accrued(inputs["on"])) / size
    with recorded(result.name) as calls:
        result.compute(inputs, size)
    if not calls:
        raise SystemExit(f"{result.name} no longer calls {KERNELS[result.name]}: name its kernel anew")
    return best(lambda: [call() for call in calls]) / size


@contextmanager
def recorded(result: str) -> Iterator[list[Callable[[], Any]]]:
    """Record the calls of a result's kernel, each to be made again."""
    module, name = KERNELS[result]
    owner: Any = importlib.import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    kernel, calls = getattr(owner, last), []

    def record(*given: Any, **named: Any) -> Any:
        calls.append(functools.partial(kernel, *given, **named))
        return kernel(*given, **named)

    with mock.patch.object(owner, last, record):
        yield calls


def writing_seconds(case: Case, folder: Path) -> float:
    """Seconds of a scenario in what comes after computing: columns, Parquet, and the file, synced to disk."""
    result, size = case.results[0], min(len(case.plan), BLOCK)
    inputs = case.plan.inputs(0, size)
    found = result.compute({name: values for name, values in inputs.items() if result.reads(name)}, size)
    store = Folder(folder / "written")
    with mock.patch.object(type(result), "compute", return_value=found):
        return best(lambda: store.put("block.parquet", file_text(case, result, inputs, 0)[0])) / size


class Timed:
    """Notes when blocks come, so that the workers' start can be told from their work."""

    def __init__(self) -> None:
        self.first: tuple[float, int] | None = None
        self.last = 0.0

    def __call__(self, progress: Any) -> None:
        """Note it."""
        self.last = time.perf_counter()
        if progress.done and self.first is None:
            self.first = self.last, progress.done

    def rate(self, rows: int, seconds: float) -> float:
        """Rows a second from the first block on; of the whole run, if that was all."""
        if self.first is None or self.first[1] == rows:
            return rows / seconds
        return (rows - self.first[1]) / (self.last - self.first[0])


def to_disk(case: Case, workers: int, folder: Path, memory: int | None = None) -> tuple[float, float, int, int]:
    """Seconds of a scenario through to disk, rows a second once blocks come, bytes of a row, and the most memory."""
    timed = Timed()
    if workers == 1:  # in this process, which has compiled by then
        file_text(case, case.results[0], case.plan.inputs(0, min(1_024, len(case.plan))), 0)
    began = time.perf_counter()
    made = case.run(folder / "run", workers=workers, memory=memory, progress=timed)
    seconds, rows = time.perf_counter() - began, len(case.plan)
    size = sum(file.stat().st_size for file in (folder / "run" / case.results[0].name).iterdir())
    shutil.rmtree(folder / "run")
    return seconds / rows, timed.rate(rows, seconds), size // rows, made.peak_bytes


# ---------------------------------------------------------------- peers: one scenario at a time


def plain_pandas(result: str, frame: pd.DataFrame) -> Any:
    """Give what a reader of the papers would write, a row at a time; None where that would be our own code again."""
    if result == "dilution":
        held = register_of(deal().terms).cents.tolist()

        def shares(row: Any) -> float:
            price = round(row["conversion_price"] * 100)
            return float(sum(cents // price for cents in held))

        return frame.apply(shares, axis=1)
    if result == "accrued":

        def interest(row: Any) -> float:
            day = row["on"]
            half = (day.year - ISSUED.year) * 2 + (day.month - ISSUED.month) // 6
            months, days = (day.month - ISSUED.month) % 6, day.day - ISSUED.day  # 31 stays, as the 18th is no 30th
            if days < 0:
                months, days = months - 1, days + 30
            elapsed = (months % 6) * 30 + days
            return FACE * RATE * elapsed / 360 if half < 6 else 0.0

        return frame.apply(interest, axis=1)
    return None


def own_methods(case: Case, frame: pd.DataFrame) -> Any:
    """Ask the deal's own methods for one scenario after the other."""
    name = case.results[0].name
    market = case.market.arguments(MODEL) if case.market else {}
    for row in frame.to_dict("records"):
        if name == "closing":
            deal().closing(elects={"windward": float(row["surrendered.windward"])})
        elif name == "dilution":
            deal().dilution(conversion_price=float(row["conversion_price"]), share_price=float(row["stock_price"]))
        elif name == "accrued":
            deal().accrued(row["on"])
        elif name == "cashflows":
            deal().cashflows()
        else:
            deal().value(**{**market, **row})


def quantlib(result: str, frame: pd.DataFrame) -> Any:
    """Ask QuantLib for one scenario after the other, its objects built before where they don't vary."""
    import QuantLib as ql  # a peer, said where it is missing

    note = deal().to_quantlib()
    bond = note.instrument
    if result == "value":
        known = {"risk_free": 0.03, "credit_spread": 0.08, "steps": 100, "on": "2004-06-18"}
        return [note.set_engine(**known, **row).NPV() for row in frame.to_dict("records")]
    if result == "accrued":
        days = [ql.Date(day.day, day.month, day.year) for day in frame["on"]]
        return [bond.accruedAmount(day) * FACE / 100 for day in days]
    if result == "cashflows":
        ends = [ql.Date(18, 6, 2004) + int(np.ceil(min(365 * years, 2_000))) for years in frame["default_time"]]
        return [sum(flow.amount() for flow in bond.cashflows() if flow.date() < end) for end in ends]
    return None


def loop_seconds(case: Case, count: int, peer: Callable[[pd.DataFrame], Any]) -> float | None:
    """Seconds of a scenario in a peer's loop; None if it has no such result."""
    inputs = case.plan.inputs(0, count)
    frame = pd.DataFrame({name: values for name, values in inputs.items() if case.results[0].reads(name)})
    began = time.perf_counter()
    found = peer(frame)
    return (time.perf_counter() - began) / count if found is not None else None


# ---------------------------------------------------------------- tables


class Page:
    """Prints what is measured and keeps it in ``out/bench_scenarios.txt``."""

    def __init__(self) -> None:
        OUT.mkdir(exist_ok=True)
        self.file = OUT / "bench_scenarios.txt"
        told = ", ".join(f"{name} {version}" for name, version in {**versions(), "notecalc": nc.__version__}.items())
        self.file.write_text("", encoding="utf-8")
        self(f"{machine()}; {told}")

    def __call__(self, text: str) -> None:
        """Say a line."""
        print(text, flush=True)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")


def by_result(say: Page, folder: Path, most: int) -> None:
    """One core through to disk, beside the bare kernel, the writer and loops."""
    heads = ("to disk/s", "bare kernel/s", "share", "writer/s", "bytes", "pandas/s", "own methods/s", "QuantLib/s")
    say("\nrows a second on one core\n" + "result".ljust(10) + "".join(head.rjust(15) for head in heads))
    sizes = {"dilution": 2_000_000, "accrued": 500_000, "closing": 500_000, "cashflows": 500_000, "value": 300_000}
    for result in RESULTS:
        case = case_of(result, min(sizes[result], most))
        through, _, size, _ = to_disk(case, 1, folder)
        kernel, writing = kernel_seconds(case), writing_seconds(case, folder)
        few = 20 if result == "value" else 50
        own = loop_seconds(case, few, lambda frame, case=case: own_methods(case, frame) or True)
        plain = loop_seconds(case, 2_000, lambda frame, result=result: plain_pandas(result, frame))
        try:
            other = loop_seconds(case, 50, lambda frame, result=result: quantlib(result, frame))
        except ImportError:
            other = None
            say("QuantLib is not installed: left out")
        rates = ["-" if seconds is None else f"{1 / seconds:,.0f}" for seconds in (through, kernel, writing)]
        loops = ["-" if seconds is None else f"{1 / seconds:,.0f}" for seconds in (plain, own, other)]
        told = [*rates[:2], f"{kernel / through:.0%}", rates[2], str(size), *loops]
        say(result.ljust(10) + "".join(part.rjust(15) for part in told))
    check_peers(say)


def check_peers(say: Page) -> None:
    """Hold the peers' numbers against ours, where they are of the same thing."""
    for result, column in (("dilution", "shares_issued"), ("accrued", "accrued_interest")):
        case = case_of(result, 1_000)
        inputs = case.plan.inputs(0, 1_000)
        frame = pd.DataFrame({name: values for name, values in inputs.items() if case.results[0].reads(name)})
        ours = case.results[0].compute({name: frame[name].to_numpy() for name in frame}, 1_000)[column]
        difference = float(np.abs(ours - plain_pandas(result, frame).to_numpy()).max())
        if not difference < 1e-6:
            raise SystemExit(f"{result}: ours and the plain loop differ by {difference:g}")
        say(f"{result}: the plain loop gives the same ({difference:.1g} at most)")


def by_workers(say: Page, folder: Path, counts: list[int], most: int) -> None:
    """The same scenarios by more and more workers."""
    rows = min(250_000 * max(counts), most)
    say(f"\n{rows:,} values and {10 * rows:,} rows of dilution by workers: whole, once blocks come, and of the first")
    for result, many, block in (("value", rows, 16_384), ("dilution", 10 * rows, BLOCK)):
        base = None
        for workers in counts:
            through, rate, _, peak = to_disk(case_of(result, many, block), workers, folder)
            base = base or rate / workers
            told = f"{1 / through:,.0f}/s, then {rate:,.0f}/s ({rate / base / workers:.0%} a worker)"
            say(f"{result:<9}{workers:>3} worker{'s' if workers > 1 else ' '} {told}, {peak / 2**20:,.0f} MiB")


def by_rows(say: Page, folder: Path, most: int, workers: int) -> bool:
    """Cost and memory of dilution by rows; whether the memory held."""
    workers = min(workers, 4)  # as many as there is room for
    say(f"\ndilution by rows, {workers} workers, memory bounded to {MEMORY / 2**20:,.0f} MiB over all processes")
    count, size, held = 100_000, 40, True
    while count <= most:
        needed = int(SPARE * size * count)
        if shutil.disk_usage(folder).free < needed:
            say(f"{count:>13,}: not run, as the disk has no {needed / 1e9:.1f} GB free")
            break
        block = min(BLOCK, max(8_192, count // 32))  # several for each worker, so that their start can be told apart
        through, rate, size, peak = to_disk(case_of("dilution", count, block), workers, folder, MEMORY)
        held = held and peak < MEMORY
        told = f"{1e6 * through:6.3f} us a row ({1e6 / rate:.3f} once blocks come), {size * count / 1e9:.2f} GB on disk"
        say(f"{count:>13,}: {told}, {peak / 2**20:,.0f} MiB{'' if peak < MEMORY else ', MORE THAN IT MAY HAVE'}")
        count *= 10
    return held


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rows", type=int, default=int(os.environ.get("ROWS", "100_000_000")), help="of dilution, at most"
    )
    parser.add_argument("--workers", default="1,2", help="how many, in turn, such as 1,2,4,8,16")
    parser.add_argument("--folder", type=Path, default=OUT, help="where runs are written, and removed")
    given = parser.parse_args()
    os.environ["NOTECALC_THREADS"] = "1"  # of each process: what is compared is cores
    counts = [int(count) for count in given.workers.split(",")]
    given.folder.mkdir(parents=True, exist_ok=True)
    say = Page()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        by_result(say, Path(name), given.rows)
        by_workers(say, Path(name), counts, given.rows)
        if not by_rows(say, Path(name), given.rows, max(counts)):
            sys.exit("the memory did not hold")


if __name__ == "__main__":
    main()
