"""A tape's columns found, and every bad cell of it told by row, column, value and rule."""

from __future__ import annotations

import datetime as dt
import pickle
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import notecalc as nc

TAPES = Path(__file__).resolve().parents[2] / "data" / "tapes"
GOOD = {
    "issue_date": "2004-06-18",
    "maturity": "2007-06-18",
    "principal": 1_000_000,
    "annual_rate": 0.08,
    "frequency": 2,
    "day_count": "30/360",
}


def frame(rows: int = 1, **columns: object) -> pd.DataFrame:
    """A tape of like notes, but for some columns."""
    return pd.DataFrame({**{name: [value] * rows for name, value in GOOD.items()}, **columns})


def cells(report: pd.DataFrame) -> list[tuple[object, ...]]:
    return [tuple(line) for line in report[["row", "column", "value"]].itertuples(index=False)]


# ---- the example tape ----


def test_the_example_tape_is_what_its_script_makes(tmp_path):
    runpy.run_path(str(TAPES / "make.py"))["main"](tmp_path)
    for name in ("notes.csv", "planted_errors.csv"):
        assert (tmp_path / name).read_bytes() == (TAPES / name).read_bytes()


def test_the_example_tape_is_good(tape):
    assert len(tape) == 10_000
    assert tape.notecalc.validate().empty


def test_exactly_the_planted_errors_are_found(wrong_tape, planted):
    report = wrong_tape.notecalc.validate()
    assert list(report.columns) == ["row", "position", "column", "value", "allowed", "hint"]
    found = {(line.row, line.column): line.value for line in report.itertuples()}
    assert found == {(e.note_id, e.column): e.value or "missing" for e in planted.itertuples()}
    assert report["row"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("row", "column", "allowed", "hint"),
    [
        ("N00007", "annual_rate", "a decimal between -1 and 1", "Did you mean 0.0825?"),
        ("N00113", "maturity", "a date such as 2004-06-18", ""),
        ("N00114", "maturity", "given", ""),
        ("N00500", "principal", "a number", ""),
        ("N00786", "day_count", "'30/360', ", "Did you mean '30/360'?"),
        ("N01500", "frequency", "coupons per year, one of 0, 1, 2, 3, 4, 6, 12, 13, 26, 52 or 365", ""),
        ("N02222", "issue_date", "a date such as 2004-06-18", ""),
        ("N02222", "calendar", "'new-york-state', ", ""),
        ("N03141", "maturity", "after `issue_date`", ""),
        ("N04096", "first_coupon", "between `issue_date` and `maturity`", ""),
        ("N05000", "end_of_month", "true or false", ""),
        ("N06789", "record_days", "a whole number of days up to 366, or -1 for none", ""),
        ("N07777", "business_day_convention", "'following', ", ""),
    ],
)
def test_a_bad_cell_comes_with_what_is_allowed(wrong_tape, row, column, allowed, hint):
    report = wrong_tape.notecalc.validate()
    (line,) = report[(report["row"] == row) & (report["column"] == column)].itertuples()
    assert line.allowed.startswith(allowed)
    assert line.hint == hint


def test_an_error_shows_ten_lines_and_has_them_all(wrong_tape):
    with pytest.raises(
        nc.TapeError, match="^14 cells are wrong\nrow 'N00007', column 'annual_rate': must be"
    ) as caught:
        wrong_tape.notecalc.accrued("2004-09-01")
    lines = str(caught.value).splitlines()
    assert len(lines) == 12
    assert lines[1] == (
        "row 'N00007', column 'annual_rate': must be a decimal between -1 and 1; got '8.25'. Did you mean 0.0825?"
    )
    assert lines[-1] == "and 4 more, all in `.report`"
    pd.testing.assert_frame_equal(caught.value.report, wrong_tape.notecalc.validate())
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    pd.testing.assert_frame_equal(again.report, caught.value.report)


# ---- cells ----


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"maturity": "18/06/2007"}, [(0, "maturity", "18/06/2007")]),
        ({"maturity": [20070618]}, [(0, "maturity", "20070618")]),
        ({"maturity": [pd.Timestamp("2007-06-18 12:00")]}, [(0, "maturity", "2007-06-18 12:00:00")]),
        ({"maturity": pd.Series([pd.Timestamp("2003-06-18")])}, [(0, "maturity", "2003-06-18")]),
        ({"principal": [True]}, [(0, "principal", "True")]),
        ({"principal": [[1]]}, [(0, "principal", "[1]")]),
        ({"principal": ["9007199254740993"]}, [(0, "principal", "9007199254740993")]),
        ({"principal": [np.inf]}, [(0, "principal", "inf")]),
        ({"annual_rate": ["8%"]}, [(0, "annual_rate", "8%")]),
        ({"day_count": [None]}, [(0, "day_count", "missing")]),
        ({"day_count": [30]}, [(0, "day_count", "30")]),
        ({"frequency": [None]}, [(0, "frequency", "missing")]),
        ({"stub": [None]}, [(0, "stub", "missing")]),
        ({"end_of_month": [1]}, [(0, "end_of_month", "1")]),
        ({"end_of_month": [None]}, [(0, "end_of_month", "missing")]),
        ({"business_day_convention": "following"}, [(0, "calendar", "missing")]),
        ({"business_day_convention": "following", "calendar": [None]}, [(0, "calendar", "missing")]),
        ({"day_count": "business/252"}, [(0, "calendar", "missing")]),
        ({"day_count": "act/act icma", "frequency": 0}, [(0, "frequency", "0")]),
        ({"issue_date": "1998-06-18", "calendar": "target"}, [(0, "issue_date", "1998-06-18")]),
        ({"maturity": "2200-06-18", "calendar": "target"}, [(0, "maturity", "2200-06-18")]),
        ({"maturity": [pd.Period("2007-06-18", "D")]}, [(0, "maturity", "Period('2007-06-18', 'D')")]),
        ({"maturity": [pd.Timestamp("2007-06-18", tz="UTC")]}, [(0, "maturity", "2007-06-18 00:00:00+00:00")]),
        ({"maturity": [""]}, [(0, "maturity", "")]),
        # both cells of a row, and no complaint about a rule that looks at a cell that can't be read
        (
            {"issue_date": "soon", "annual_rate": 8.0, "first_coupon": "2001-01-01"},
            [(0, "issue_date", "soon"), (0, "annual_rate", "8.0")],
        ),
    ],
)  # fmt: skip
def test_bad_cells(columns, found):
    assert cells(frame(**columns).notecalc.validate()) == found


@pytest.mark.parametrize(
    "columns",
    [
        {"maturity": [dt.date(2007, 6, 18)]},
        {"maturity": [np.datetime64("2007-06-18")]},
        {"maturity": pd.Series([pd.Timestamp("2007-06-18")])},
        {"principal": ["1000000"]},
        {"principal": [" 1e6 "]},
        {"annual_rate": [".08"]},
        {"frequency": ["2"]},
        {"end_of_month": ["FALSE"]},
        {"maturity": [" 2007-06-18 "]},
        {"generation": ["Backward"]},
        {"business_day_convention": ["Modified Following"], "calendar": ["TARGET"]},
        {"first_coupon": [""], "calendar": [" "], "record_days": [""]},
        {"day_count": pd.Categorical(["30/360"])},
        {"day_count": ["Bond Basis"]},
        {"first_coupon": [None]},
        {"first_coupon": [np.nan]},
        {"calendar": [None]},
        {"maturity_convention": [None]},
        {"record_days": [None]},
        {"ex_days": [None], "ex_day_type": [None]},
        {"record_days": pd.array([None], dtype="Int64")},
    ],
)
def test_cells_that_say_the_same(columns):
    """Each is the note without that column, or with the plain cell in it."""
    assert frame(**columns).notecalc.accrued("2004-09-18").tolist() == frame().notecalc.accrued("2004-09-18").tolist()


def test_one_and_true_are_two_things():
    assert cells(frame(rows=2, principal=pd.Series([1, True], dtype=object)).notecalc.validate()) == [
        (1, "principal", "True")
    ]


def bad_cell() -> st.SearchStrategy[tuple[str, object]]:
    return st.sampled_from(
        [
            ("issue_date", "31.12.2003"),
            ("maturity", ""),
            ("principal", "a lot"),
            ("annual_rate", 8),
            ("frequency", 7),
            ("day_count", "actual"),
            ("first_coupon", "tomorrow"),
            ("end_of_month", 0),
            ("business_day_convention", "later"),
            ("calendar", "moon"),
            ("record_days", -3),
        ]
    )


@settings(max_examples=40)
@given(
    wrong=st.dictionaries(st.integers(0, 39), st.lists(bad_cell(), min_size=1, max_size=4, unique_by=lambda c: c[0]))
)
def test_every_bad_cell_is_found_and_no_good_one(tape, wrong):
    some = tape.head(40).astype(object)
    for row, columns in wrong.items():
        for column, value in columns:
            some.iloc[row, some.columns.get_loc(column)] = value
    report = some.notecalc.validate()
    assert set(zip(report["row"], report["column"], strict=True)) == {
        (some.index[row], column) for row, columns in wrong.items() for column, _ in columns
    }
    accrued, same = some.notecalc.accrued("2004-09-01", errors="report")
    pd.testing.assert_frame_equal(same, report)
    alone = tape.head(40).notecalc.accrued("2004-09-01")
    assert accrued.isna().to_numpy().nonzero()[0].tolist() == sorted(wrong)
    pd.testing.assert_series_equal(accrued.dropna(), alone.drop(some.index[sorted(wrong)]))


# ---- columns ----


def test_columns_are_found_whatever_their_case():
    named = frame().rename(columns=lambda name: name.replace("_", " ").title())
    assert named.notecalc.columns == {term: term.replace("_", " ").title() for term in GOOD}
    assert named.notecalc.accrued("2004-09-18").tolist() == [20_000.0]  # a quarter of 8%


def test_columns_of_other_names_are_mapped_once():
    other = frame().rename(columns={"principal": "Face", "maturity": 7})
    tape = other.notecalc.map_columns(principal="Face", maturity=7)
    assert tape.columns["maturity"] == 7
    assert tape.validate().empty
    assert tape.cashflows()["total"].sum() == 1_000_000 + 6 * 40_000


def test_a_bad_cell_is_reported_by_the_frames_own_name():
    tape = frame(annual_rate=8.0).rename(columns={"annual_rate": "Cpn"}).notecalc.map_columns(annual_rate="Cpn")
    assert cells(tape.validate()) == [(0, "Cpn", "8.0")]


@pytest.mark.parametrize(
    ("columns", "named", "message"),
    [
        (["issue_date"], {}, "`maturity and principal and annual_rate and frequency and day_count` must be columns of the frame"),
        ([*GOOD][:-1], {}, r"`day_count` must be a column of the frame; got .*Name what is there: map_columns\(day_count=...\)"),
        ([*GOOD, "Maturity"], {}, r"`maturity` must be one column; got \['maturity', 'Maturity'\]"),
        ([*GOOD, "maturity"], {}, r"`maturity` must be one column; got \['maturity', 'maturity'\]"),
        ([*GOOD, "Face", "Face"], {"principal": "Face"}, r"`principal` must be one column; got \['Face', 'Face'\]"),
        ([*GOOD], {"principle": "principal"}, "`principle` must be the name of a term; got 'principal'. Did you mean 'principal'?"),
        ([*GOOD], {"principal": "Face"}, "`principal` must be the name of a column; got 'Face'"),
    ],
)  # fmt: skip
def test_columns_that_are_not_there(columns, named, message):
    with pytest.raises(nc.TermError, match=f"^{message}"):
        pd.DataFrame(columns=columns).notecalc.map_columns(**named)


@pytest.mark.parametrize("name", ["Calender", "business_day_convension", "stubs"])
def test_a_column_that_is_nearly_called_as_a_term_is_not_passed_over(name):
    own = frame(**{name: "nyse"})
    (term,) = [t for t in ("calendar", "business_day_convention", "stub") if t[:4] == name.lower()[:4]]
    with pytest.raises(
        nc.TermError, match=f"^`{term}` must be the name of a column; got '{name}'. Name it: map_columns"
    ):
        own.notecalc.validate()
    assert own.notecalc.map_columns(**{term: None}).validate().empty


def test_columns_in_camel_case_are_found():
    assert frame().rename(columns={"issue_date": "IssueDate"}).notecalc.columns["issue_date"] == "IssueDate"


def test_labels_that_come_twice_are_told_apart_by_position():
    report = frame(rows=2, annual_rate=[0.08, 8.0]).set_axis(["A", "A"]).notecalc.validate()
    assert report[["row", "position"]].to_numpy().tolist() == [["A", 1]]


def test_a_tape_all_of_texts_says_the_same(tape):
    texts = pd.read_csv(TAPES / "notes.csv", dtype=str, keep_default_na=False, index_col="note_id").head(300)
    assert texts.notecalc.validate().empty
    pd.testing.assert_frame_equal(texts.notecalc.cashflows(), tape.head(300).notecalc.cashflows())


def test_other_columns_are_no_matter(tape):
    assert "clean_price" not in tape.notecalc.columns
    assert frame(notes=["x"], notecalc=["y"]).notecalc.validate().empty


def test_a_column_called_notes_is_untouched():
    own = frame(notes=["a remark"])
    assert own.notes.tolist() == ["a remark"]
    assert len(own.notecalc.notes()) == 1


# ---- kinds of frames ----


@pytest.mark.parametrize("backend", ["pyarrow", "numpy_nullable"])
def test_nullable_and_arrow_columns_say_the_same(tape, backend):
    some = tape.head(500).assign(issue_date=pd.to_datetime(tape["issue_date"].head(500)))
    other = some.convert_dtypes(dtype_backend=backend)
    assert other.notecalc.validate().empty
    pd.testing.assert_series_equal(other.notecalc.accrued("2004-09-01"), some.notecalc.accrued("2004-09-01"))
    pd.testing.assert_frame_equal(other.notecalc.cashflows(), some.notecalc.cashflows())


@pytest.mark.parametrize("backend", ["pyarrow", "numpy_nullable"])
def test_errors_are_found_in_nullable_and_arrow_columns(wrong_tape, backend):
    other = wrong_tape.convert_dtypes(dtype_backend=backend)
    found, own = other.notecalc.validate(), wrong_tape.notecalc.validate()
    assert cells(found) == cells(own)
    assert found["allowed"].tolist() == own["allowed"].tolist()


def test_categories_say_the_same(tape):
    some = tape.head(200)
    words = ["day_count", "business_day_convention", "calendar"]
    pd.testing.assert_frame_equal(
        some.astype(dict.fromkeys(words, "category")).notecalc.cashflows(), some.notecalc.cashflows()
    )


def test_an_empty_frame_has_no_notes(tape):
    for empty in (tape.head(0), pd.DataFrame(columns=[*GOOD])):
        assert empty.notecalc.validate().empty
        assert len(empty.notecalc.notes()) == 0
        assert len(empty.notecalc.accrued("2004-09-01")) == 0
        for frame_of in (empty.notecalc.schedule(), empty.notecalc.cashflows(), empty.notecalc.payment_calendar()):
            assert frame_of.empty
            assert len(frame_of.columns)


def test_a_frame_is_left_as_it_was(wrong_tape):
    before, attrs = wrong_tape.copy(deep=True), dict(wrong_tape.attrs)
    wrong_tape.notecalc.cashflows(errors="report")
    pd.testing.assert_frame_equal(wrong_tape, before)
    assert wrong_tape.attrs == attrs


def test_a_frame_that_changed_is_read_anew():
    own = frame()
    assert own.notecalc.accrued("2004-09-18").tolist() == [20_000.0]
    own["annual_rate"] = 0.04
    assert own.notecalc.accrued("2004-09-18").tolist() == [10_000.0]
