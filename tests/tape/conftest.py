"""The example tape, and the same with errors planted in it."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest

import notecalc as nc

TAPES = Path(__file__).resolve().parents[2] / "data" / "tapes"


@pytest.fixture(scope="session")
def tape() -> pd.DataFrame:
    return nc.example_tape()


@pytest.fixture(scope="session")
def planted() -> pd.DataFrame:
    return pd.read_csv(TAPES / "planted_errors.csv", dtype=str, keep_default_na=False)


@pytest.fixture(scope="session")
def wrong_tape(planted: pd.DataFrame) -> pd.DataFrame:
    """What an analyst gets: the CSV read back, its columns with a wrong cell as texts."""
    cells = pd.read_csv(TAPES / "notes.csv", dtype=str, keep_default_na=False, index_col="note_id")
    for error in planted.itertuples():
        cells.loc[error.note_id, error.column] = error.value
    return pd.read_csv(io.StringIO(cells.to_csv()), index_col="note_id")
