"""What a block's file holds: typed columns with units and sources, and scenarios that failed as rows that say why."""

import json
import types

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

import notecalc as nc
from notecalc.batch.blocks import table_of
from notecalc.batch.results.base import Column, Result
from notecalc.batch.run import run
from notecalc.batch.scenariofile import load_scenarios


class Root(Result):
    """The square root of a number, which some numbers have not."""

    name = "root"
    takes = types.MappingProxyType({"x": "number"})
    columns = types.MappingProxyType({"root": Column("", "square root")})

    def __init__(self, *, names_rows: bool) -> None:
        self.names_rows, self.calls = names_rows, 0

    def compute(self, inputs, size):
        self.calls += 1
        x = inputs["x"]
        bad = np.flatnonzero(~(x >= 0))
        if bad.size:
            rows = bad.tolist() if self.names_rows else None
            row = None if self.names_rows is None else int(bad[0])
            raise nc.TermError("x", rule="at least 0", got=float(x[bad[0]]), row=row, rows=rows)
        return {"root": np.sqrt(x)}


@pytest.mark.parametrize("names_rows", [True, False, None])
@pytest.mark.parametrize("bad", [[], [0], [3, 4, 99], [*range(100)]])
def test_what_fails_is_told_and_the_others_are_right(names_rows, bad):
    x = np.arange(1.0, 101.0)
    x[bad] = -x[bad]
    result = Root(names_rows=names_rows)
    metadata = {"columns": {}, "run": {}}
    table, failures = table_of(result, {"x": x}, 1_000, metadata)
    frame = table.to_pandas()
    assert (frame["scenario"] == np.arange(1_000, 1_100)).all()
    failed = frame["root"].isna().to_numpy()
    assert np.flatnonzero(failed).tolist() == bad
    assert np.array_equal(frame["root"][~failed], np.sqrt(x[~failed]))
    assert set(frame["error_code"][failed]) <= {"x"}
    assert set(frame["error_code"][~failed]) <= {""}
    assert all("`x` must be at least 0" in text for text in frame["error"][failed])
    assert {code: sorted(rows) for code, rows in failures.items()} == ({"x": bad} if bad else {})
    if names_rows:
        assert result.calls <= 3


def test_files_are_read_by_pandas_duckdb_and_polars(small, tmp_path):
    run(small, tmp_path / "run", workers=1)
    files = str(tmp_path / "run" / "dilution" / "*.parquet")
    by_pandas = pd.read_parquet(tmp_path / "run" / "dilution")
    by_duckdb = duckdb.read_parquet(files).order("scenario").df()
    by_polars = pl.read_parquet(files).sort("scenario").to_pandas()
    for other in (by_duckdb, by_polars):
        assert list(other.columns) == list(by_pandas.columns)
        for name in by_pandas.columns:
            assert other[name].astype(str).fillna("").equals(by_pandas[name].astype(str).fillna("")), name
    assert duckdb.read_parquet(files).sum("shares_issued").fetchall() == [(by_pandas["shares_issued"].sum(),)]


def test_columns_tell_their_units_and_the_terms_behind_them(small, tmp_path):
    run(small, tmp_path / "run", workers=1)
    schema = pq.read_schema(tmp_path / "run" / "dilution" / "block-00000000.parquet")
    assert schema.field("headroom").metadata[b"unit"] == b"shares"
    assert schema.field("headroom").metadata[b"meaning"].startswith(b"authorised shares left")
    assert str(schema.field("shares_issued").type) == "double"
    told = json.loads(schema.metadata[b"notecalc"])
    assert told["input_hash"] == small.input_hash
    authorised = told["terms"]["capitalization.authorised"]
    assert authorised["value"] == "85000000"
    assert "source" in authorised


def test_a_price_that_cannot_be_is_a_row_with_an_error(scenario_file, tmp_path):
    axis = {"from = 1.5\nto = 2.0\nby = 0.05": "values = [1.85, 0, 1.75]"}
    case = load_scenarios(scenario_file(replace=axis))
    made = run(case, tmp_path / "run", workers=1)
    table = pd.read_parquet(tmp_path / "run" / "dilution")
    failed = table["error_code"] != ""
    assert (failed == (table["conversion_price"] == 0)).all()
    assert made.failures["dilution"]["conversion_price"]["scenarios"] == 52
    assert made.failures["dilution"]["conversion_price"]["first"].startswith(
        "`conversion_price` must be a number above 0"
    )
    assert table["shares_issued"].isna().equals(failed)
    assert pd.read_parquet(tmp_path / "run" / "accrued")["accrued_interest"].notna().all()
