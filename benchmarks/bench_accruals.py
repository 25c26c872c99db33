"""Interest accruals, ours on arrays beside a loop over QuantLib's Python binding, in one process.

Ours is the public function: one thread, contiguous arrays, every row validated. QuantLib does the same rows in a plain
loop, on a sample of them whose time is scaled by rows: once from the same arrays of serial days, building its dates as
it goes, and once with its dates built beforehand. Each runs seven times in a row after a run that isn't timed: that one
compiles, and first touches the memory for 80 MB of results, which takes longer than computing them.

Run it with ``make bench`` or ``python -m benchmarks.bench_accruals``.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import QuantLib as ql

import notecalc as nc

ROWS = 10_000_000
SAMPLE = 500_000
REPEATS = 7
EPOCH = ql.Date(1, 1, 1970).serialNumber()
BOND_BASIS = ql.Thirty360(ql.Thirty360.BondBasis)


@dataclass
class Contender:
    """What is timed, on how many rows, and the seconds that each run took."""

    name: str
    rows: int
    run: Callable[[], object]
    seconds: list[float] = field(default_factory=list)

    def time(self) -> None:
        """Run it once untimed, then `REPEATS` times."""
        self.run()
        for _ in range(REPEATS):
            begin = time.perf_counter()
            self.run()
            self.seconds.append(time.perf_counter() - begin)

    def rates(self) -> list[float]:
        """Millions of rows a second, slowest first."""
        return sorted(self.rows / seconds / 1e6 for seconds in self.seconds)


def main() -> None:
    """Time all and print the ratios of the medians."""
    rng = np.random.default_rng(2004)
    start = np.datetime64("2000-01-01") + rng.integers(0, 7_000, ROWS)
    end = start + rng.integers(0, 400, ROWS)
    principal = rng.uniform(1e3, 3e7, ROWS)
    rate = rng.uniform(0.0, 0.2, ROWS)

    sample = slice(SAMPLE)
    serials = [(dates[sample].astype(np.int64) + EPOCH) for dates in (start, end)]
    amounts = principal[sample], rate[sample]
    prebuilt = [[ql.Date(serial) for serial in column.tolist()] for column in serials]

    def ours() -> np.ndarray:
        return nc.accrued_interest(principal, rate, start, end, day_count="30/360")

    def from_serials() -> list[float]:
        columns = zip(*(column.tolist() for column in (*amounts, *serials)), strict=True)
        return [p * r * BOND_BASIS.yearFraction(ql.Date(s), ql.Date(e)) for p, r, s, e in columns]

    def from_dates() -> list[float]:
        columns = zip(*(column.tolist() for column in amounts), *prebuilt, strict=True)
        return [p * r * BOND_BASIS.yearFraction(s, e) for p, r, s, e in columns]

    contenders = [
        Contender("notecalc.accrued_interest", ROWS, ours),
        Contender("QuantLib loop, dates built from serials", SAMPLE, from_serials),
        Contender("QuantLib loop, dates prebuilt", SAMPLE, from_dates),
    ]
    begin = time.perf_counter()
    result = ours()  # compiles, or loads what an earlier process compiled
    first_call = time.perf_counter() - begin
    if not np.allclose(result[sample], from_serials(), rtol=1e-15, atol=0):
        raise SystemExit("notecalc and QuantLib disagree")
    for contender in contenders:
        contender.time()

    print(f"30/360 accruals: medians of {REPEATS} (slowest to fastest); rows equal to 1e-15 relative")
    print(f"notecalc {nc.__version__}, QuantLib {ql.__version__}, Python {platform.python_version()}")
    own = statistics.median(contenders[0].rates())
    for contender in contenders:
        rates = contender.rates()
        median = statistics.median(rates)
        spread = f"({rates[0]:.3f} to {rates[-1]:.3f})"
        ratio = "" if contender is contenders[0] else f"  ours is {own / median:,.0f} times as fast"
        print(f"  {contender.name:40} {contender.rows:>11,} rows {median:10.3f} M rows/s {spread:24}{ratio}")
    print(f"  first call of ours, with numba's import and compilation (or its cache): {first_call:.2f} s")


if __name__ == "__main__":
    main()
