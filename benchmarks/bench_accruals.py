"""Interest accruals, ours on arrays beside a loop over QuantLib's Python binding, in one process.

Ours is the public function: contiguous arrays, every row validated, with and without an output allocated before, on
one core and on all, and on pandas Series as they come. QuantLib does the same rows in a plain loop, on a sample of
them: once from the same arrays of serial days, building its dates as it goes, and once with its dates built beforehand.
Results must be equal to 1e-15 relative. Run it with ``make bench`` or ``python benchmarks/bench_accruals.py``; the
numbers mean what `harness` says.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import QuantLib as ql
from harness import Bench, Contender

import notecalc as nc

ROWS = 10_000_000
SAMPLE = 200_000
EPOCH = ql.Date(1, 1, 1970).serialNumber()
BOND_BASIS = ql.Thirty360(ql.Thirty360.BondBasis)
BYTES = 5 * 8  # principal, rate, start and end read, and interest written


def main() -> None:
    """Time all and print the table."""
    rng = np.random.default_rng(2004)
    start = np.datetime64("2000-01-01") + rng.integers(0, 7_000, ROWS)
    end = start + rng.integers(0, 400, ROWS)
    principal = rng.uniform(1e3, 3e7, ROWS)
    rate = rng.uniform(0.0, 0.2, ROWS)
    out = np.zeros(ROWS)
    frame = pd.DataFrame({"principal": principal, "rate": rate, "start": start, "end": end})

    sample = slice(SAMPLE)
    serials = [(dates[sample].astype(np.int64) + EPOCH) for dates in (start, end)]
    amounts = principal[sample], rate[sample]
    prebuilt = [[ql.Date(serial) for serial in column.tolist()] for column in serials]

    def from_serials() -> list[float]:
        columns = zip(*(column.tolist() for column in (*amounts, *serials)), strict=True)
        return [p * r * BOND_BASIS.yearFraction(ql.Date(s), ql.Date(e)) for p, r, s, e in columns]

    def from_dates() -> list[float]:
        columns = zip(*(column.tolist() for column in amounts), *prebuilt, strict=True)
        return [p * r * BOND_BASIS.yearFraction(s, e) for p, r, s, e in columns]

    def into(threads: int | None) -> np.ndarray:
        return nc.accrued_interest(principal, rate, start, end, day_count="30/360", threads=threads, out=out)

    def allocated() -> np.ndarray:
        return nc.accrued_interest(principal, rate, start, end, day_count="30/360", threads=1)

    def series() -> pd.Series:
        return nc.accrued_interest(
            frame["principal"], frame["rate"], frame["start"], frame["end"], day_count="30/360", threads=1
        )

    begin = time.perf_counter()
    into(1)  # compiles, or loads what an earlier process compiled
    first_call = time.perf_counter() - begin
    peers = [
        Contender("QuantLib loop, dates built from serials", SAMPLE, from_serials),
        Contender("QuantLib loop, dates prebuilt", SAMPLE, from_dates),
    ]
    bench = Bench("30/360 accruals")
    equal = {"bytes_per_row": BYTES, "tolerance": 1e-15, "relative": True}
    bench.compare("one core, output preallocated", Contender("ours", ROWS, lambda: into(1)), peers, **equal)
    bench.compare("one core", Contender("ours", ROWS, allocated), peers[:1], **equal)
    every = Contender("ours", ROWS, lambda: into(bench.cores))
    bench.compare(f"{bench.cores} threads, output preallocated", every, peers[:1], threads=bench.cores, **equal)
    dates = f"dates as {frame['start'].dtype}"
    bench.compare(f"pandas Series, {dates}, one core", Contender("ours", ROWS, series), peers[:1], **equal)
    bench.finish(f"First call, with numba's import and compilation (or its cache): {first_call:.2f} s.")


if __name__ == "__main__":
    main()
