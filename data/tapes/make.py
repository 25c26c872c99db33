"""Make the example tape, 10,000 notes, and the errors that may be planted in it.

Invented, and the same on every run: ``python data/tapes/make.py`` writes `notes.csv` and `planted_errors.csv` beside
itself. The tape is as of 2004-09-01: every note has been issued and none has matured. Prices are those of level
coupons at a yield drawn for each note, by the formula of an annuity, so that they owe nothing to notecalc.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

NOTES = 10_000
AS_OF = np.datetime64("2004-09-01")
SEED = 20_040_618

DAY_COUNTS = {
    "30/360": 0.55,
    "actual/360": 0.15,
    "actual/actual icma": 0.15,
    "30e/360": 0.1,
    "actual/365 fixed": 0.05,
}
FREQUENCIES = {2: 0.65, 4: 0.15, 1: 0.1, 12: 0.05, 0: 0.05}
CALENDARS = {"us-federal-reserve": 0.6, "nyse": 0.2, "target": 0.15, "weekends-only": 0.05}
CONVENTIONS = {"following": 0.6, "modified-following": 0.4}

# label, column, what stands there instead, and what is wrong with it
PLANTED = [
    ("N00007", "annual_rate", "8.25", "a rate in per cent"),
    ("N00113", "maturity", "2002-13-01", "no month 13"),
    ("N00114", "maturity", "", "missing"),
    ("N00500", "principal", "1,000,000", "a comma, which means thousands to some and decimals to others"),
    ("N00786", "day_count", "30/306", "misspelt"),
    ("N01500", "frequency", "5", "no such frequency"),
    ("N02222", "issue_date", "06/07/2003", "June or July"),
    ("N02222", "calendar", "US", "three calendars at least"),
    ("N03141", "maturity", "1998-01-15", "before issue"),
    ("N04096", "first_coupon", "2031-01-15", "after maturity"),
    ("N05000", "end_of_month", "maybe", "neither true nor false"),
    ("N06789", "record_days", "2.5", "half a day"),
    ("N07777", "business_day_convention", "next", "not a convention's name"),
    ("N09999", "principal", "tbd", "no number"),
]


def example_tape() -> pd.DataFrame:
    """Draw the notes: one row for each, every cell as the file has it."""
    rng = np.random.default_rng(SEED)

    def draw(weights: dict) -> np.ndarray:
        return rng.choice(list(weights), NOTES, p=list(weights.values()))

    frequency = draw(FREQUENCIES).astype(np.int64)
    step = np.where(frequency > 0, 12 // np.maximum(frequency, 1), 12)
    day = np.where(rng.random(NOTES) < 0.5, 15, rng.integers(1, 29, NOTES))
    left = rng.integers(2, 121, NOTES)  # months
    maturity_month = AS_OF.astype("datetime64[M]") + left
    end_of_month = rng.random(NOTES) < 0.1
    maturity = maturity_month.astype("datetime64[D]") + (day - 1)
    maturity = np.where(end_of_month, (maturity_month + 1).astype("datetime64[D]") - 1, maturity)
    # Counted back from maturity to a coupon date on or before the day of the tape, and at random further.
    steps = left // step + 1 + rng.integers(0, 60, NOTES) // step
    issue_month = maturity_month - steps * step
    regular = issue_month.astype("datetime64[D]") + (day - 1)
    regular = np.where(end_of_month, (issue_month + 1).astype("datetime64[D]") - 1, regular)
    # One in five is issued some days into a period: a short first one, or a long one where its first coupon says so.
    odd = (rng.random(NOTES) < 0.2) & (frequency > 0)
    issue = np.where(odd, regular + rng.integers(5, 25, NOTES), regular)
    long_first = odd & (rng.random(NOTES) < 0.5) & (steps > 3) & ~end_of_month
    second = (issue_month + 2 * step).astype("datetime64[D]") + (day - 1)
    first_coupon = np.where(long_first, second, np.datetime64("NaT"))

    early = issue > AS_OF
    issue, first_coupon = np.where(early, regular, issue), np.where(early, np.datetime64("NaT"), first_coupon)

    rate = np.where(frequency > 0, np.round(rng.uniform(0.0, 0.12, NOTES) * 800) / 800, 0.0)
    annual_yield = np.clip(0.02 + 0.004 * np.sqrt(left) + rng.gamma(2.0, 0.01, NOTES), 0.01, 0.4)
    each = np.maximum(frequency, 1)
    growth = (1 + annual_yield / each) ** -(each * left / 12)
    price = 100 * (rate / annual_yield * (1 - growth) + growth)
    principal = np.round(10 ** rng.uniform(5, 8.2, NOTES), -3)
    record_days = np.where(rng.random(NOTES) < 0.5, 15, -1)
    day_count = np.where(frequency > 0, draw(DAY_COUNTS), "30/360")  # ICMA's needs coupons
    return pd.DataFrame(
        {
            "note_id": [f"N{k:05d}" for k in range(1, NOTES + 1)],
            "issue_date": issue,
            "maturity": maturity,
            "principal": principal.astype(np.int64),
            "annual_rate": rate,
            "frequency": frequency,
            "day_count": day_count,
            "first_coupon": first_coupon,
            "end_of_month": end_of_month,
            "business_day_convention": draw(CONVENTIONS),
            "calendar": draw(CALENDARS),
            "record_days": pd.Series(record_days, dtype="Int64").where(record_days >= 0),
            "clean_price": np.round(price, 3),
        }
    )


def main(folder: Path) -> None:
    """Write both files."""
    example_tape().to_csv(folder / "notes.csv", index=False, lineterminator="\n")
    planted = pd.DataFrame(PLANTED, columns=["note_id", "column", "value", "what"])
    planted.to_csv(folder / "planted_errors.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
