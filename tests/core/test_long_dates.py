"""Long columns of stamps become days by a compiled loop: the same days, and the same errors, as short ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from notecalc.core import arrays
from notecalc.core.arrays import as_dates
from notecalc.errors import TermError

UNITS = ["s", "ms", "us", "ns"]


@pytest.fixture(autouse=True)
def long(monkeypatch):
    """Any column counts as long."""
    monkeypatch.setattr(arrays, "_COMPILE_FROM", 1)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("kind", [np.asarray, pd.Series, pd.Index], ids=["array", "series", "index"])
def test_stamps_are_days(unit, kind):
    days = np.array(["1970-01-01", "1969-12-31", "1903-02-28", "2200-01-01", "NaT", "2004-06-18"], dtype="M8[D]")
    got = as_dates(kind(days.astype(f"M8[{unit}]")), "start")
    assert got.dtype == np.dtype("M8[D]")
    np.testing.assert_array_equal(got, days)


def test_tables_keep_their_shape_and_views_their_order():
    days = np.arange(np.datetime64("2004-06-18"), np.datetime64("2004-06-30")).reshape(3, 4)
    stamps = days.astype("M8[us]")
    np.testing.assert_array_equal(as_dates(stamps, "start"), days)
    np.testing.assert_array_equal(as_dates(stamps.T, "start"), days.T)
    np.testing.assert_array_equal(as_dates(stamps[:, ::2], "start"), days[:, ::2])


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("row", [0, 1])
def test_a_time_of_day_is_an_error(unit, step, row):
    stamps = np.array(["1960-06-18", "2004-06-18", "NaT"], dtype=f"M8[{unit}]")
    stamps[row] += step
    with pytest.raises(TermError, match=f"`start` must be a date without a time of day; got '.*' at row {row}"):
        as_dates(stamps, "start")
