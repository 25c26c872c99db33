"""What is computed of a tape agrees with one note at a time, with QuantLib, and with exact arithmetic; nothing is lost."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import given
from hypothesis import strategies as st

import notecalc as nc
from notecalc.core.money import interest_cents

ON = "2004-09-01"
STREET = {"settlement": ON, "compounding": "semi-annual", "simple_interest": "never"}
TERMS = [
    "issue_date", "maturity", "frequency", "day_count", "first_coupon", "end_of_month", "business_day_convention",
    "calendar", "record_days",
]  # fmt: skip
COUNTS = {"30/360": 360, "actual/360": 360, "30e/360": 360, "actual/365 fixed": 365}


def alone(note: pd.Series) -> pd.DataFrame:
    """One note's schedule by the function for one note."""
    terms = {name: (None if pd.isna(note[name]) else note[name]) for name in TERMS}
    return nc.schedule(**terms | {"frequency": int(note["frequency"]), "end_of_month": bool(note["end_of_month"])})


@pytest.fixture(scope="module")
def sample(tape: pd.DataFrame) -> pd.DataFrame:
    return tape.sample(60, random_state=7)


# ---- schedule ----


def test_schedule_is_each_notes_own(sample):
    schedule = sample.notecalc.schedule()
    assert list(schedule.columns[:2]) == ["note_id", "period"]
    assert list(dict.fromkeys(schedule["note_id"])) == list(sample.index)
    for label, rows in schedule.groupby("note_id"):
        expected = alone(sample.loc[label]).reset_index()[list(rows.columns[1:])]
        pd.testing.assert_frame_equal(rows.drop(columns="note_id").reset_index(drop=True), expected, check_dtype=False)


def test_a_note_with_a_bad_cell_is_a_row_without_dates(wrong_tape, planted):
    schedule, report = wrong_tape.notecalc.schedule(errors="report")
    bad = planted["note_id"].unique()
    assert set(report["row"]) == set(bad)
    rows = schedule[schedule["note_id"].isin(bad)]
    assert rows["note_id"].tolist() == bad.tolist()
    assert (rows["period"] == 0).all()
    assert rows[["unadjusted_start", "payment_date", "record_date"]].isna().all(axis=None)
    assert list(dict.fromkeys(schedule["note_id"])) == list(wrong_tape.index)
    good = wrong_tape.drop(index=bad).infer_objects()
    pd.testing.assert_frame_equal(
        schedule[~schedule["note_id"].isin(bad)].reset_index(drop=True), good.notecalc.schedule(), check_dtype=False
    )


# ---- accrued ----


def test_accrued_is_principal_by_rate_by_time(sample):
    accrued = sample.notecalc.accrued(ON)
    assert accrued.index.equals(sample.index)
    day = pd.Timestamp(ON)
    checked = 0
    for label, note in sample.iterrows():
        if note["day_count"] not in COUNTS:
            continue
        rows = alone(note)
        start = rows.loc[(rows["accrual_start"] <= day) & (rows["accrual_end"] > day), "accrual_start"].iloc[0]
        days = nc.day_count_days(start, day, note["day_count"])
        expected = note["principal"] * note["annual_rate"] * days / COUNTS[note["day_count"]]
        assert accrued[label] == pytest.approx(expected, rel=1e-14)
        checked += 1
    assert checked > 30


def test_nothing_accrues_before_issue_and_from_maturity(sample):
    two = sample.head(2)
    days = pd.Series(
        [pd.Timestamp(two["issue_date"].iloc[0]) - pd.Timedelta(days=1), pd.Timestamp(two["maturity"].iloc[1])],
        index=two.index,
    )
    assert two.notecalc.accrued(days).tolist() == [0.0, 0.0]
    assert np.isnan(two.notecalc.accrued([None, ON]).iloc[0])


# ---- cash flows ----


def test_every_payment_is_rounded_half_up_exactly(sample):
    flows = sample.notecalc.cashflows()
    for label, rows in flows.groupby("note_id"):
        note = sample.loc[label]
        schedule = alone(note)
        rate, principal = Fraction(str(note["annual_rate"])), int(note["principal"])
        cents = [
            math.floor(100 * principal * rate * Fraction(int(n), int(d)) + Fraction(1, 2))
            for n, d in zip(schedule["numerator"], schedule["denominator"], strict=True)
        ]
        assert rows["interest"].tolist() == [amount / 100 for amount in cents]
        assert rows["principal"].tolist() == [0.0] * (len(cents) - 1) + [principal]
        assert rows["payment_date"].tolist() == schedule["payment_date"].tolist()
    assert (flows["total"] * 100).round().tolist() == ((flows["interest"] + flows["principal"]) * 100).round().tolist()


@given(
    principal=st.integers(0, 10**13),
    rate=st.decimals(0, "0.99", places=6),
    days=st.integers(1, 3_000),
)
def test_cents_are_exact_whatever_the_rate(principal, rate, days):
    got = nc_interest(principal, float(rate), days)
    assert got == math.floor(principal * Fraction(str(float(rate))) * days / 360 + Fraction(1, 2))


def nc_interest(cents: int, rate: float, days: int) -> int:
    (amount,) = interest_cents(np.array([cents]), np.array([rate]), np.array([days]), np.array([360]))
    return int(amount)


def test_a_half_cent_goes_up_though_the_float_lies_below():
    assert 1500 * 0.29 * 180 / 360 < 217.5
    assert nc_interest(1500, 0.29, 180) == 218


def test_payments_are_from_a_day_on_and_before_another(tape):
    whole = tape.notecalc.cashflows()
    parts = [
        tape.notecalc.cashflows(None, "2005-01-01"),
        tape.notecalc.cashflows("2005-01-01", "2008-06-02"),
        tape.notecalc.cashflows("2008-06-02"),
    ]
    assert sum(map(len, parts)) == len(whole)
    assert (parts[1]["payment_date"] >= "2005-01-01").all()
    assert (parts[1]["payment_date"] < "2008-06-02").all()
    assert sum(round(part["total"].sum() * 100) for part in parts) == round(whole["total"].sum() * 100)
    with pytest.raises(nc.TermError, match="`end` must be on or after `start` .2005-01-01.; got '2004-01-01'"):
        tape.notecalc.cashflows("2005-01-01", "2004-01-01")


def test_a_principal_with_half_a_cent_is_a_bad_cell(tape):
    own = tape.head(5).assign(principal=[100.0, 100.005, 100.0, 100.25, 0.001])
    with pytest.raises(
        nc.TapeError, match="^2 cells are wrong\nrow 'N00002', column 'principal': must be in whole cents"
    ):
        own.notecalc.cashflows()
    flows, report = own.notecalc.cashflows(errors="report")
    assert report["row"].tolist() == ["N00002", "N00005"]
    assert flows.loc[flows["interest"].isna(), "note_id"].tolist() == ["N00002", "N00005"]
    assert flows["note_id"].is_monotonic_increasing


# ---- payment calendar ----


def test_the_calendar_has_every_cent_of_the_payments(tape):
    flows, days = tape.notecalc.cashflows(), tape.notecalc.payment_calendar()
    assert days.index.is_monotonic_increasing
    assert days.index.is_unique
    assert days["payments"].sum() == len(flows)
    for name in ("interest", "principal", "total"):
        cents = [round(value * 100) for value in flows[name]]
        assert sum(round(value * 100) for value in days[name]) == sum(cents)
    day = days.index[len(days) // 2]
    that = flows[flows["payment_date"] == day]
    assert round(days.loc[day, "total"] * 100) == sum(round(value * 100) for value in that["total"])


def test_bad_notes_are_in_the_calendar_without_a_day(wrong_tape, planted):
    days, _ = wrong_tape.notecalc.payment_calendar("2005-01-01", "2006-01-01", errors="report")
    assert days.index[-1] is pd.NaT
    assert days["payments"].iloc[-1] == planted["note_id"].nunique()
    assert days[["interest", "principal", "total"]].iloc[-1].isna().all()
    good = wrong_tape.drop(index=planted["note_id"].unique())
    pd.testing.assert_frame_equal(
        days.iloc[:-1], good.notecalc.payment_calendar("2005-01-01", "2006-01-01"), check_freq=False
    )


# ---- prices and yields ----


def test_yields_give_their_prices_back(tape):
    yields = tape.notecalc.yields(tape["clean_price"], **STREET)
    prices = tape.notecalc.clean_price(yields, **STREET)
    pd.testing.assert_series_equal(prices, tape["clean_price"], rtol=1e-13)


def in_quantlib(note: pd.Series) -> ql.FixedRateBond:
    """The note in QuantLib, for 30/360 and calendars that it has."""
    dates = {name: ql.DateParser.parseISO(note[name]) for name in ("issue_date", "maturity")}
    first = ql.Date() if pd.isna(note["first_coupon"]) else ql.DateParser.parseISO(note["first_coupon"])
    schedule = ql.Schedule(
        dates["issue_date"], dates["maturity"], ql.Period(12 // int(note["frequency"]), ql.Months), ql.NullCalendar(),
        ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, bool(note["end_of_month"]), first,
    )  # fmt: skip
    return ql.FixedRateBond(0, 100.0, schedule, [note["annual_rate"]], ql.Thirty360(ql.Thirty360.BondBasis))


def test_prices_are_quantlibs(tape):
    regular = tape[(tape["day_count"] == "30/360") & (tape["frequency"].isin([1, 2, 4])) & tape["first_coupon"].isna()]
    some = regular.sample(40, random_state=3)
    prices = some.notecalc.clean_price(0.0625, **STREET | {"compounding": "coupon"})
    settlement = ql.Date(1, 9, 2004)
    ql.Settings.instance().evaluationDate = settlement
    for label, note in some.iterrows():
        bond = in_quantlib(note)
        count = ql.Thirty360(ql.Thirty360.BondBasis)
        clean = bond.cleanPrice(0.0625, count, ql.Compounded, int(note["frequency"]), settlement)
        assert prices[label] == pytest.approx(clean, abs=1e-9)


@pytest.mark.parametrize(
    ("settlement", "row", "allowed"),
    [("1999-01-01", "N00002", "on or after `issue_date`"), ("2030-01-01", "N00002", "before `maturity`")],
)
def test_a_settlement_outside_a_notes_life_is_reported(tape, settlement, row, allowed):
    days = pd.Series(ON, index=tape.head(4).index, name="traded")
    days[row] = settlement
    yields, report = tape.head(4).notecalc.yields(
        tape["clean_price"].head(4), **STREET | {"settlement": days}, errors="report"
    )
    assert report[["row", "column", "value", "allowed"]].to_numpy().tolist() == [[row, "traded", settlement, allowed]]
    assert yields.isna().tolist() == [False, True, False, False]


def test_a_price_that_can_not_be_is_reported(tape):
    prices = tape["clean_price"].head(50).astype(object)
    prices["N00003"], prices["N00010"], prices["N00049"] = -200.0, "par", np.inf
    yields, report = tape.head(50).notecalc.yields(prices, **STREET, errors="report")
    assert [tuple(line) for line in report[["row", "column", "value", "allowed"]].to_numpy()] == [
        ("N00003", "clean_price", "-200.0", "such that the dirty price is above 0"),
        ("N00010", "clean_price", "par", "a number"),
        ("N00049", "clean_price", "inf", "a finite number"),
    ]
    assert yields.index[yields.isna()].tolist() == report["row"].tolist()
    expected = (
        tape.head(50).drop(report["row"]).notecalc.yields(tape["clean_price"].head(50).drop(report["row"]), **STREET)
    )
    pd.testing.assert_series_equal(yields.dropna(), expected)
    with pytest.raises(nc.TapeError, match="^3 cells are wrong"):
        tape.head(50).notecalc.yields(prices, **STREET)


def test_a_missing_price_has_no_yield(tape):
    yields, report = tape.head(2).notecalc.yields([None, 100.0], **STREET, errors="report")
    assert yields.isna().tolist() == [True, False]
    assert report.empty


@pytest.mark.parametrize("rows", [1, 2])
def test_one_note_alone_is_reported_as_one_of_many(tape, rows):
    yields, report = tape.head(rows).notecalc.yields([-300.0, 99.0][:rows], **STREET, errors="report")
    assert report["row"].tolist() == ["N00001"]
    assert len(yields) == rows


@pytest.mark.parametrize("rows", [0, 1, 3])
@pytest.mark.parametrize("errors", ["raise", "report"])
def test_an_unknown_convention_is_no_notes_fault(tape, rows, errors):
    with pytest.raises(nc.TermError, match="`compounding` must be .* got 'twice'"):
        tape.head(rows).notecalc.yields(100.0, **STREET | {"compounding": "twice"}, errors=errors)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([100.0], nc.TermError, r"`clean_price` must be one value, or one for each of 3 notes; got \(1,\)"),
        ([[100.0] * 3], nc.TermError, r"`clean_price` must be one value, or one for each of 3 notes; got \(1, 3\)"),
        (pd.Series([1.0, 2.0, 3.0]), nc.IndexMismatchError, "`clean_price` must be a Series with the same index as the frame"),
        ("par", nc.TermError, "`clean_price` must be a number; got 'par'"),
    ],
)  # fmt: skip
def test_prices_that_do_not_fit(tape, value, error, message):
    with pytest.raises(error, match=f"^{message}"):
        tape.head(3).notecalc.yields(value, **STREET)


def test_errors_are_raised_or_reported(tape):
    with pytest.raises(nc.TermError, match="`errors` must be 'raise' or 'report'; got 'ignore'"):
        tape.head(1).notecalc.accrued(ON, errors="ignore")


# ---- results ----


def test_a_result_knows_its_units_and_its_recipe(tape):
    some = tape.head(3)
    flows, yields = some.notecalc.cashflows("2005-01-01"), some.notecalc.yields(100, **STREET)
    assert flows.notecalc.units == {"interest": "currency", "principal": "currency", "total": "currency"}
    assert yields.notecalc.units == {"values": "1/yr"}
    assert flows.notecalc.recipe == {
        "function": "notecalc.cashflows",
        "arguments": {"start": "2005-01-01", "end": None},
    }
    assert flows.notecalc.inputs == yields.notecalc.inputs
    assert flows.notecalc.inputs != tape.head(4).notecalc.cashflows("2005-01-01").notecalc.inputs
    assert flows.notecalc.inputs != some.assign(annual_rate=0.05).notecalc.cashflows("2005-01-01").notecalc.inputs


def test_a_recipe_can_be_followed(tape):
    renamed = tape.head(3).rename(columns={"principal": "Face"}).notecalc.map_columns(principal="Face")
    recipe = renamed.yields(100, **STREET).notecalc.recipe
    assert recipe["function"] == "notecalc.map_columns(principal='Face').yields"
    again = renamed.yields(**recipe["arguments"])
    pd.testing.assert_series_equal(again, renamed.yields(100, **STREET))


def test_results_are_written_by_their_units(tape):
    flows = tape.head(1).notecalc.cashflows("2004-09-01", "2005-03-01").notecalc.formatted()
    assert flows["interest"].tolist() == ["45,170.72"]
    yields = tape.head(1).notecalc.yields(tape["clean_price"].head(1), **STREET).notecalc.formatted()
    assert yields.iloc[0, 0] == "5.74%"


@pytest.mark.parametrize("prices", [pd.array([99.0, 98.0]), pd.array([99, 98], dtype="double[pyarrow]")])
def test_arguments_may_be_arrays_of_pandas(tape, prices):
    own = tape.head(2).notecalc
    pd.testing.assert_series_equal(own.yields(prices, **STREET), own.yields([99.0, 98.0], **STREET))


@pytest.mark.parametrize("settlement", [None, pd.NaT])
def test_one_settlement_for_all_must_be_given(tape, settlement):
    with pytest.raises(nc.TermError, match="`settlement` must be given; got 'NaT'"):
        tape.head(2).notecalc.yields(99, **STREET | {"settlement": settlement})


def test_compounding_by_coupons_needs_coupons(tape):
    zeros = tape[tape["frequency"] == 0]
    _, report = tape.notecalc.yields(tape["clean_price"], **STREET | {"compounding": "coupon"}, errors="report")
    assert report["row"].tolist() == zeros.index.tolist()
    assert set(report["allowed"]) == {"above 0 where compounding is as often as coupons are paid"}


def test_results_go_through_parquet(tape, tmp_path):
    for made in (
        tape.head(9).notecalc.schedule(),
        tape.head(9).notecalc.cashflows(),
        tape.head(9).notecalc.payment_calendar(),
    ):
        made.to_parquet(tmp_path / "made.parquet")
        back = pd.read_parquet(tmp_path / "made.parquet")
        pd.testing.assert_frame_equal(back, made, check_dtype=False)
        assert back.notecalc.units == made.notecalc.units


@pytest.mark.parametrize(
    "labels", [["same", "same"], pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]), pd.RangeIndex(5, 7)]
)
def test_any_index_will_do(tape, labels):
    own = tape.head(2).set_axis(labels, axis="index")
    assert own.notecalc.accrued(ON).index.equals(own.index)
    flows = own.notecalc.cashflows()
    assert flows.columns[0] == "note"
    assert flows["note"].iloc[0] == labels[0]
    assert flows["note"].iloc[-1] == labels[1]
    assert own.assign(maturity=None).notecalc.validate()["row"].tolist() == list(labels)


def test_an_index_called_as_a_column_is(tape):
    own = tape.head(2).rename_axis("period")
    assert list(own.notecalc.schedule().columns[:2]) == ["note", "period"]


@pytest.mark.parametrize("errors", ["raise", "report"])
def test_a_million_notes(tape, errors):
    many = pd.concat([tape] * 100, ignore_index=True)
    if errors == "report":
        many.loc[999_999, "annual_rate"] = 9.0
    accrued = many.notecalc.accrued(ON, errors=errors)
    values, own = accrued if errors == "report" else (accrued, None), tape.notecalc.accrued(ON).to_numpy()
    values = values[0]
    assert np.array_equal(values.to_numpy()[:990_000], np.tile(own, 99))
    assert np.isnan(values.iloc[-1]) == (errors == "report")
