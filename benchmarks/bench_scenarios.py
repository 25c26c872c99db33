"""Batches of scenarios, from inputs drawn by index through to Parquet on disk.

For each result: rows a second on one core through the whole run, the share of that time which computing alone takes,
and the speed of computing beside a plain loop that asks for one scenario at a time: pandas with the deal's own methods,
and QuantLib for values. Then one worker and two; then the cost of a row from 10^5 rows to 10^8, with the memory that
the run needs, which must stay the same. 10^8 rows take some 5 GB, which are looked for first; `--rows` runs fewer.

Run it with ``make bench`` or ``python benchmarks/bench_scenarios.py``.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import notecalc as nc
from notecalc.batch.blocks import table_of
from notecalc.batch.case import Case
from notecalc.batch.scenariofile import scenarios

MEMORY = 2 * 2**30
BYTES_A_ROW = 60
BLOCK = 131_072

DEAL = nc.load("ibasis-2004")
STOCK = {"draw": "lognormal", "median": 1.5, "deviation": 0.4, "round_to": 0.01}
VOLATILITY = {"draw": "uniform", "from": 0.3, "to": 0.8}
PRICE = {"draw": "lognormal", "median": 1.85, "deviation": 0.1, "round_to": 0.01}


def case_of(result: str, rows: int) -> Case:
    """Give a run of one result with about as many scenarios."""
    market, options, axes = None, {}, {}
    if result == "dilution":
        axes = {"conversion_price": PRICE}
    elif result == "closing":
        axes = {"surrendered.windward": {"draw": "uniform", "from": 0, "to": 5_100_000, "round_to": 1}}
    else:
        market = "ibasis-2004-06-18"
        axes = {"stock_price": STOCK, "volatility": VOLATILITY}
        options = {"model": "ayache-forsyth-vetzal", "accuracy": "standard"}
    return scenarios(DEAL, results={result: options}, axes=axes, seed=7, market=market, samples={"count": rows})


def computing(case: Case) -> float:
    """Seconds a scenario that computing alone takes, of one block, its inputs drawn before."""
    size = min(len(case.plan), BLOCK)
    inputs = case.plan.inputs(0, size)
    result = case.results[0]
    own = {name: values for name, values in inputs.items() if name in result.takes}
    result.compute(own, size)
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        result.compute(own, size)
        best = min(best, time.perf_counter() - began)
    return best / size


def to_disk(case: Case, workers: int, folder: Path) -> tuple[float, int, int]:
    """Seconds a scenario through to disk, the bytes of a scenario there, and the most memory of a process."""
    table_of(case.results[0], case.plan.inputs(0, 1), 0, case.metadata(case.results[0]))
    began = time.perf_counter()
    made = case.run(folder / "run", workers=workers)
    seconds = time.perf_counter() - began
    size = sum(file.stat().st_size for file in (folder / "run" / case.results[0].name).iterdir())
    shutil.rmtree(folder / "run")
    return seconds / len(case.plan), size // len(case.plan), made.peak_bytes


def loop(case: Case, count: int) -> float:
    """Seconds a scenario that a loop over the deal's own methods takes."""
    inputs = case.plan.inputs(0, count)
    name = case.results[0].name
    began = time.perf_counter()
    for k in range(count):
        one = {key: values[k] for key, values in inputs.items()}
        _asked(case, name, one)
    return (time.perf_counter() - began) / count


def _asked(case: Case, name: str, one: dict[str, Any]) -> Any:
    if name == "dilution":
        return DEAL.dilution(conversion_price=float(one["conversion_price"]))
    if name == "closing":
        return DEAL.closing(elects={"windward": float(one["surrendered.windward"])})
    market = case.market.arguments("ayache-forsyth-vetzal")
    return DEAL.value(**market, **{key: float(value) for key, value in one.items()})


def quantlib_loop(count: int) -> float:
    """Seconds a value that QuantLib takes in its own model, at 100 steps of its tree."""
    note = DEAL.to_quantlib()
    market = {"volatility": 0.6, "risk_free": 0.03, "credit_spread": 0.08}
    began = time.perf_counter()
    for k in range(count):
        note.set_engine(on="2004-06-18", stock_price=1.2 + 0.01 * k, steps=100, **market).NPV()
    return (time.perf_counter() - began) / count


def main(rows: int) -> None:
    """Print all tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        heads = ("rows/s to disk", "computing", "share", "bytes", "loop rows/s", "ratio")
        print("result".ljust(10) + "".join(head.rjust(16) for head in heads))
        for result, count, looped in (
            ("dilution", 1_000_000, 20), ("closing", 200_000, 20), ("value", 200_000, 10),
        ):  # fmt: skip
            case = case_of(result, count)
            alone = computing(case)
            through, size, _ = to_disk(case, 1, folder)
            one = loop(case, looped)
            told = (f"{1 / through:,.0f}", f"{1 / alone:,.0f}", f"{alone / through:.0%}", str(size), f"{1 / one:,.0f}")
            print(result.ljust(10) + "".join(part.rjust(16) for part in (*told, f"{one / through:,.0f}x")))
        print(f"QuantLib's tree of 100 steps in a loop: {1 / quantlib_loop(50):,.0f} values/s")
        print("\nvalues by workers")
        for workers in (1, 2):
            through, _, _ = to_disk(case_of("value", 1_000_000), workers, folder)
            print(f"{workers} worker{'s' if workers > 1 else ''}: {1 / through:,.0f} rows/s")
        print("\ndilution by rows: microseconds a row, most memory of a process")
        count = 100_000
        while count <= rows:
            if shutil.disk_usage(folder).free < 2 * BYTES_A_ROW * count:
                print(f"{count:>13,}: not run, as the disk has no {2 * BYTES_A_ROW * count / 1e9:.0f} GB free")
                break
            through, size, memory = to_disk(case_of("dilution", count), 1, folder)
            told = "" if memory < MEMORY else f" ABOVE {MEMORY / 2**20:,.0f}"
            print(f"{count:>13,}: {1e6 * through:6.2f} us, {memory / 2**20:,.0f} MiB{told}, {size} bytes a row")
            count *= 10


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000_000)
    main(parser.parse_args().rows)
