"""What may come in as dates and numbers, what never does, and what goes out: the like of what came."""

from __future__ import annotations

import datetime as dt
import pickle
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notecalc.core.arrays import (
    FINITE,
    NON_NEGATIVE,
    POSITIVE,
    RATE,
    Rule,
    array_function,
    as_date,
    as_dates,
    as_numbers,
    names_of,
)
from notecalc.errors import IndexMismatchError, TermError

DAY = np.dtype("datetime64[D]")
NOON = dt.datetime(2004, 6, 18, 12)  # noqa: DTZ001 (a time without a zone is the case)
UTC = dt.datetime(2004, 6, 18, tzinfo=dt.UTC)


def arrow(values, kind):
    return pd.Series(values, dtype=pd.ArrowDtype(kind))


class TestOneDate:
    @pytest.mark.parametrize(
        "value",
        [
            "2004-06-18",
            "20040618",
            "2004/06/18",
            "2004-06-18T00:00",
            "2004-06-18 00:00:00",
            "18 June 2004",
            "18-Jun-2004",
            "June 18, 2004",
            "June 18th, 2004",
            "Friday, 18 June 2004",
            "Tuesday 18 June 2004",  # pandas goes by day, month and year
            dt.date(2004, 6, 18),
            dt.datetime(2004, 6, 18),  # noqa: DTZ001
            pd.Timestamp("2004-06-18"),
            np.datetime64("2004-06-18"),
            np.datetime64("2004-06-18T00:00:00.000000000"),
            np.array("2004-06-18", dtype=DAY),
        ],
    )
    def test_is_read_from_whatever_says_it(self, value):
        assert as_date(value, "issue_date") == np.datetime64("2004-06-18")
        assert as_dates(value, "issue_date").dtype == DAY
        assert as_dates(value, "issue_date").shape == ()

    @pytest.mark.parametrize("year", [1, 1500, 1676, 1970, 2263, 9999])
    def test_may_lie_beyond_the_reach_of_nanoseconds(self, year):
        expected = np.datetime64(f"{year:04}-12-31")
        assert as_date(f"{year:04}-12-31", "maturity") == expected
        assert as_date(dt.date(year, 12, 31), "maturity") == expected

    @pytest.mark.parametrize(
        "text",
        [
            "06/07/2004",  # June or July
            "18.06.2004",
            "18-Jun-04",  # 2004, 1904, or 4 June 2018
            "June 2004",  # no day
            "2004-06",
            "2004",
            "5 May",  # no year
            "Friday 18 2004",  # no month
            "today",  # another day tomorrow
            "now",
            "",
            "  ",
            "NaT",
            "nan",
            "2004-02-30",
            "31 June 2004",
            "0000-01-01",
            "10000-01-01",
            "1 January 0099",  # a year of four digits for us, of two for pandas
            "2004-W25-5",
            "2004-06T10",
            "18 June 2004 10:00",
            "the due date",
        ],
    )
    def test_is_never_guessed_from_a_text(self, text):
        with pytest.raises(TermError, match=r"^`maturity` must be a date such as 2004-06-18; got '.*'$") as caught:
            as_dates(text, "maturity")
        assert caught.value.got == text

    @pytest.mark.parametrize("value", [20040618, 38156.0, True, Decimal(1), {"2004-06-18"}, pd.Period("2004-06-18")])
    def test_is_no_number_and_no_set(self, value):
        with pytest.raises(TermError, match="`maturity` must be a date such as 2004-06-18; got "):
            as_dates(value, "maturity")

    @pytest.mark.parametrize(
        "value",
        [
            NOON,
            pd.Timestamp(NOON),
            "2004-06-18T12:00",
            np.datetime64("2004-06-18T12"),
            np.datetime64("2004-06-18T00:00:00.000000001"),
            pd.Timestamp("2004-06-18T00:00:00.000000001"),
        ],
    )
    def test_has_no_time_of_day(self, value):
        with pytest.raises(TermError, match="`maturity` must be a date without a time of day; got '2004-06-18"):
            as_dates(value, "maturity")

    @pytest.mark.parametrize("value", [UTC, pd.Timestamp(UTC), "2004-06-18T00:00Z", "2004-06-18 00:00+01:00"])
    def test_has_no_time_zone(self, value):
        with pytest.raises(TermError, match="`maturity` must be a date without a time zone; got '2004-06-18"):
            as_dates(value, "maturity")

    @pytest.mark.parametrize("value", [None, pd.NaT, pd.NA, float("nan"), np.datetime64("NaT")])
    def test_may_be_missing_where_several_may(self, value):
        assert np.isnat(as_dates(value, "first_coupon"))
        with pytest.raises(TermError, match="`first_coupon` must be one date; got "):
            as_date(value, "first_coupon")

    @pytest.mark.parametrize("value", [["2004-06-18"], pd.Series(["2004-06-18"]), []])
    def test_is_not_a_list(self, value):
        with pytest.raises(TermError, match="`issue_date` must be one date; got "):
            as_date(value, "issue_date")


class TestDates:
    DATES = np.array(["2004-06-18", "NaT"], dtype=DAY)

    @pytest.mark.parametrize(
        "values",
        [
            ["2004-06-18", None],
            ("18 June 2004", pd.NaT),
            [dt.date(2004, 6, 18), float("nan")],
            [np.datetime64("2004-06-18"), pd.NA],
            np.array(["2004-06-18", "NaT"], dtype="datetime64[ns]"),
            np.array(["2004-06-18", "NaT"], dtype="datetime64[h]"),
            np.array([dt.date(2004, 6, 18), None], dtype=object),
            pd.DatetimeIndex(["2004-06-18", None]),
            pd.Index([dt.date(2004, 6, 18), None]),
            pd.Series(pd.to_datetime(["2004-06-18", None])),
            pd.Series(pd.to_datetime(["2004-06-18", None])).astype("datetime64[ns]"),
            pd.Series(pd.to_datetime(["2004-06-18", None])).astype("category"),
            pd.Series(["2004-06-18", None], dtype="string"),
            pd.Series(["2004-06-18", None], dtype="category"),
            pd.array(["2004-06-18", None], dtype="datetime64[s]"),
            arrow([dt.date(2004, 6, 18), None], pa.date32()),
            arrow([dt.date(2004, 6, 18), None], pa.date64()),
            arrow([dt.datetime(2004, 6, 18), None], pa.timestamp("s")),  # noqa: DTZ001
            arrow([dt.datetime(2004, 6, 18), None], pa.timestamp("ns")),  # noqa: DTZ001
            arrow(["2004-06-18", None], pa.string()),
            pd.Index(arrow([dt.date(2004, 6, 18), None], pa.date32())),
        ],
    )
    def test_are_read_from_every_column_that_holds_them(self, values):
        dates = as_dates(values, "dates")
        assert dates.dtype == DAY
        np.testing.assert_array_equal(dates, self.DATES)

    @pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("s"), pa.timestamp("us")])
    def test_of_arrow_may_lie_beyond_the_reach_of_nanoseconds(self, kind):
        far = [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)]  # noqa: DTZ001
        days = arrow([day.date() for day in far] if kind == pa.date32() else far, kind)
        assert as_dates(days, "dates").tolist() == [dt.date(1, 1, 1), dt.date(9999, 12, 31)]

    @pytest.mark.parametrize("values", [[], (), np.array([]), pd.Series([], dtype=float), pd.DatetimeIndex([])])
    def test_may_be_none_at_all(self, values):
        dates = as_dates(values, "dates")
        assert dates.dtype == DAY
        assert dates.shape == (0,)

    def test_keep_their_shape(self):
        assert as_dates([["2004-06-18"], ["2004-12-18"]], "dates").shape == (2, 1)

    @pytest.mark.parametrize(
        "values",
        [
            [None, NOON],
            np.array(["NaT", "2004-06-18T12"], dtype="datetime64[h]"),
            pd.Series([None, NOON], dtype="datetime64[us]"),
            # a nanosecond past midnight is no midnight
            pd.Series([None, "2004-06-18T00:00:00.000000001"], dtype="datetime64[ns]"),
            arrow([None, pd.Timestamp("2004-06-18T00:00:00.000000001")], pa.timestamp("ns")),
            arrow([None, NOON], pa.timestamp("s")),
        ],
    )
    def test_with_a_time_of_day_name_the_row(self, values):
        with pytest.raises(TermError, match=r"`on` must be a date without a time of day; got '2004-06-18.*' at row 1$"):
            as_dates(values, "on")

    @pytest.mark.parametrize(
        "values",
        [
            pd.Series([UTC]),
            pd.DatetimeIndex([UTC]),
            arrow([UTC], pa.timestamp("ns", tz="UTC")),
        ],
    )
    def test_with_a_time_zone_say_how_to_choose_one(self, values):
        with pytest.raises(
            TermError, match=r"`on` must be dates without a time zone; got .*UTC.* Use \.dt\.tz_localize"
        ):
            as_dates(values, "on")

    def test_that_are_none_name_the_row(self):
        with pytest.raises(TermError, match="`on` must be a date such as 2004-06-18; got '06/07/2004' at row 1"):
            as_dates(["2004-06-18", "06/07/2004"], "on")
        with pytest.raises(TermError, match=r"`on` must be a date such as 2004-06-18; got \['2004-06-18'\] at row 0"):
            as_dates([["2004-06-18"], ["2004-06-18", "2004-12-18"]], "on")

    def test_behind_a_mask_are_not_brought_to_light(self):
        hidden = np.ma.array(self.DATES, mask=[True, False])
        with pytest.raises(TermError, match=r"`on` must be an array without a mask; .*Fill it first: \.filled"):
            as_dates(hidden, "on")

    @given(st.dates())
    def test_come_back_as_they_went_in(self, day):
        for text in (day.isoformat(), day.isoformat().replace("-", ""), f"{day.isoformat()}T00:00"):
            assert as_date(text, "on").item() == day

    @given(st.dates(dt.date(1000, 1, 1)))
    def test_with_the_month_by_name_come_back_too(self, day):
        for text in (f"{day:%d %B %Y}", f"{day:%b} {day.day}, {day.year}", f"{day.year}-{day:%b-%d}"):
            assert as_date(text, "on").item() == day


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (1, 1.0),
            (0.08, 0.08),
            (Decimal("0.08"), 0.08),
            (Fraction(2, 25), 0.08),
            (np.int8(-1), -1.0),
            (np.float32(0.5), 0.5),
            (np.array(3), 3.0),
            (float("inf"), float("inf")),
            (2**53, 2.0**53),
            (-(2**53), -(2.0**53)),
            (None, np.nan),
            (pd.NA, np.nan),
            (pd.NaT, np.nan),
            (Decimal("NaN"), np.nan),
        ],
    )
    def test_may_be_one(self, value, expected):
        number = as_numbers(value, "principal")
        assert number.dtype == np.float64
        assert number.shape == ()
        np.testing.assert_array_equal(number, expected)

    @pytest.mark.parametrize(
        "values",
        [
            [1, None, 2.5],
            (1.0, float("nan"), Decimal("2.5")),
            [np.int64(1), pd.NA, Fraction(5, 2)],
            np.array([1, np.nan, 2.5], dtype=np.float16),
            np.array([1, None, 2.5], dtype=object),
            pd.Series([1, None, 2.5]),
            pd.Index([1, None, 2.5]),
            pd.Series([1, None, 2.5], dtype="Float64"),
            pd.array([1, None, 2.5], dtype="Float32"),
            pd.Series([1, None, 2.5], dtype="category"),
            pd.Series([1, None, 2.5], dtype="Sparse[float]"),
            pd.Series([1, None, Decimal("2.5")], dtype=object),
            arrow([1, None, 2.5], pa.float64()),
            arrow([Decimal(1), None, Decimal("2.5")], pa.decimal128(10, 2)),
        ],
    )
    def test_are_read_from_every_column_that_holds_them(self, values):
        numbers = as_numbers(values, "principal")
        assert numbers.dtype == np.float64
        np.testing.assert_array_equal(numbers, [1, np.nan, 2.5])

    @pytest.mark.parametrize(
        "values",
        [
            [1, None],
            pd.Series([1, None], dtype="Int64"),
            pd.array([1, None], dtype="UInt8"),
            arrow([1, None], pa.int64()),
        ],
    )
    def test_that_are_whole_may_be_missing_too(self, values):
        np.testing.assert_array_equal(as_numbers(values, "principal"), [1, np.nan])

    @pytest.mark.parametrize("values", [[], np.array([], dtype=int), pd.Series([], dtype=object), range(0)])
    def test_may_be_none_at_all(self, values):
        numbers = as_numbers(values, "principal")
        assert numbers.dtype == np.float64
        assert numbers.shape == (0,)

    def test_keep_their_shape(self):
        assert as_numbers([[1, 2.5], [3, 4]], "principal").tolist() == [[1, 2.5], [3, 4]]
        assert as_numbers(range(3), "principal").tolist() == [0, 1, 2]

    TOO_LARGE = 2**53 + 1  # the least whole number that no float is

    @pytest.mark.parametrize(
        "values",
        [
            [1.5, TOO_LARGE],
            [1, TOO_LARGE],
            [None, np.int64(TOO_LARGE)],
            np.array([1, TOO_LARGE]),
            np.array([1, TOO_LARGE], dtype=np.uint64),
            np.array([None, TOO_LARGE], dtype=object),
            pd.Series([1, TOO_LARGE]),
            pd.Series([None, TOO_LARGE], dtype="Int64"),
            arrow([None, TOO_LARGE], pa.int64()),
        ],
    )
    def test_beyond_what_a_float_holds_are_never_rounded(self, values):
        with pytest.raises(TermError, match="`shares` must be within 2") as caught:
            as_numbers(values, "shares")
        assert (caught.value.got, caught.value.row) == (self.TOO_LARGE, 1)

    @pytest.mark.parametrize("value", [TOO_LARGE, -TOO_LARGE, 2**63, -(2**63), 2**64, 10**400])
    def test_of_any_size_are_told_as_they_were(self, value):
        for given_as in (value, [value], [value, -1]):
            with pytest.raises(TermError, match=r"within 2\*\*53, which floats hold exactly; got ") as caught:
                as_numbers(given_as, "shares")
            assert caught.value.got == value

    @pytest.mark.parametrize("value", [Fraction(10**400), Decimal("sNaN")])
    def test_that_no_float_is_near_to(self, value):
        with pytest.raises(TermError, match="`shares` must be a number that a float can hold; got "):
            as_numbers(value, "shares")

    NEVER = ("1", "", b"1", True, np.True_, 1j, np.complex128(1), dt.date(2004, 6, 18), np.datetime64("2004-06-18"),
             np.timedelta64(1, "D"), pd.Timedelta(1), {1}, object())  # fmt: skip

    @pytest.mark.parametrize("value", NEVER, ids=[f"{type(value).__name__}-{n}" for n, value in enumerate(NEVER)])
    def test_are_never_read_from_something_else(self, value):
        with pytest.raises(TermError, match=r"^`principal` must be a number; got "):
            as_numbers(value, "principal")
        with pytest.raises(TermError, match=r"^`principal` must be a number; got .* at row 1$"):
            as_numbers([2.5, value], "principal")

    @pytest.mark.parametrize(
        "values",
        [
            np.array([True, False]),
            np.array(["1", "2"]),
            np.array([1j, 2]),
            np.array([0, 1], dtype="datetime64[ns]"),
            np.array([0, 1], dtype="timedelta64[ns]"),
            pd.Series([True, None], dtype="boolean"),
            pd.Series(pd.to_timedelta([0, 1])),
            pd.Series(pd.to_datetime(["1970-01-01", "2004-06-18"])),
            pd.date_range("1970-01-01", periods=2),
            arrow([True, None], pa.bool_()),
            [[1], [2, 3]],
        ],
    )
    def test_are_never_read_from_a_column_of_something_else(self, values):
        with pytest.raises(TermError, match=r"^`principal` must be a number; got .* at row 0$"):
            as_numbers(values, "principal")

    def test_behind_a_mask_are_not_brought_to_light(self):
        with pytest.raises(TermError, match=r"`principal` must be an array without a mask; .*Fill it first: \.filled"):
            as_numbers(np.ma.array([1.0, 2.0], mask=[True, False]), "principal")


class TestRule:
    @pytest.mark.parametrize(
        ("rule", "good", "bad", "words"),
        [
            (FINITE, [-1e308, 0, 5], [np.inf, -np.inf], "a finite number"),
            (NON_NEGATIVE, [0, 1e308], [-5e-324, np.inf], "a number of at least 0"),
            (POSITIVE, [5e-324, 1], [0, -0.0, -1, np.inf], "a number above 0"),
            (RATE, [-0.999, 0, 0.999], [1, -1, np.inf], "a decimal between -1 and 1"),
        ],
    )
    def test_tells_good_from_bad_and_lets_missing_values_through(self, rule, good, bad, words):
        rule.check("x", np.array([*good, np.nan]))
        for value in bad:
            with pytest.raises(TermError, match=f"^`x` must be {words}; got {value}") as caught:
                rule.check("x", np.array([*good, value]))
            assert caught.value.row == len(good)
            with pytest.raises(TermError, match=f"^`x` must be {words}; got {value}") as caught:
                rule.check("x", np.array([float(value)]))
            assert caught.value.row is None

    @pytest.mark.parametrize(
        ("rate", "hint"), [(8.0, "Did you mean 0.08?"), (-1.0, "Did you mean -0.01?"), (100.0, None)]
    )
    def test_of_rates_suggests_a_decimal_for_a_percentage(self, rate, hint):
        with pytest.raises(TermError, match="a decimal between -1 and 1") as caught:
            RATE.check("annual_rate", np.array([rate]))
        assert caught.value.hint == hint


class Pair(NamedTuple):
    total: object
    later: object


@array_function(dates=("on", "until"), numbers={"amount": NON_NEGATIVE, "more": None})
def pay(amount, on, *, more=0, until=None):
    """Keep my name."""
    for flat in (amount, on, more):
        assert flat.ndim == 1
        assert flat.flags.c_contiguous
        assert flat.size == amount.size
    return Pair(amount + more, on + 1 if until is None else np.maximum(on, until))


class TestArrayFunction:
    def test_keeps_the_name_of_its_body_and_knows_its_arguments(self):
        assert (pay.__name__, pay.__doc__) == ("pay", "Keep my name.")
        with pytest.raises(TypeError, match="pay has no argument 'when'"):
            array_function(dates=("when",))(pay)
        with pytest.raises(TypeError, match="missing a required argument: 'on'"):
            pay(1)
        with pytest.raises(TypeError, match="unexpected keyword argument 'whatever'"):
            pay(1, "2004-06-18", whatever=1)

    def test_of_scalars_gives_scalars(self):
        got = pay(Decimal("1.5"), "2004-06-18", more=1)
        assert isinstance(got, Pair)
        assert type(got.total) is float
        assert type(got.later) is np.datetime64
        assert got == (2.5, np.datetime64("2004-06-19"))

    @pytest.mark.parametrize("listed", [list, tuple, np.array, pd.Index])
    def test_of_anything_else_gives_arrays(self, listed):
        got = pay(listed([1.5, 2.5]), "2004-06-18")
        assert type(got.total) is np.ndarray
        assert got.total.tolist() == [1.5, 2.5]
        assert got.later.tolist() == [dt.date(2004, 6, 19)] * 2

    def test_broadcasts_as_numpy_does(self):
        got = pay([[1], [2]], ["2004-06-18", "2004-06-19", None], more=np.array([[10.0]]))
        assert got.total.tolist() == [[11] * 3, [12] * 3]
        assert got.later.tolist() == [[dt.date(2004, 6, 19), dt.date(2004, 6, 20), None]] * 2

    def test_takes_arrays_that_lie_anywhere_in_memory(self):
        table = np.arange(12.0).reshape(3, 4)
        table.flags.writeable = False
        assert pay(table[::-1, ::2], "2004-06-18").total.tolist() == [[8, 10], [4, 6], [0, 2]]
        assert pay(table.T, "2004-06-18", more=table.T).total.tolist() == (2 * table.T).tolist()

    @pytest.mark.parametrize("index", [[3, 1, 2], ["a", "b", "a"], pd.MultiIndex.from_tuples([(1, 2), (0, 1), (5, 5)])])
    def test_of_any_series_gives_series_with_its_index(self, index):
        amount = pd.Series([1.0, 2.0, 3.0], index=index, name="amount")
        got = pay(amount, ["2004-06-18", "2005-06-18", "2006-06-18"], more=np.array([1, 2, 3]))
        pd.testing.assert_series_equal(got.total, pd.Series([2.0, 4.0, 6.0], index=index, name="amount"))
        assert got.later.index.equals(amount.index)
        assert got.later.dt.year.tolist() == [2004, 2005, 2006]

    def test_of_two_series_keeps_a_name_that_both_have(self):
        on = pd.Series(pd.to_datetime(["2004-06-18"]), name="note")
        assert pay(pd.Series([1.0], name="note"), on).total.name == "note"
        assert pay(pd.Series([1.0], name="amount"), on).total.name is None

    def test_of_two_series_with_unlike_indexes_gives_the_recipe_and_nothing_else(self):
        amount, on = pd.Series([1.0, 2.0], index=["a", "b"]), pd.Series(["2004-06-18"] * 2, index=["b", "a"])
        recipe = r"Use \.align\(\) to match by label, or \.to_numpy\(\) to match by position"
        with pytest.raises(
            IndexMismatchError, match=f"`on` must be a Series with the same index as `amount`.*{recipe}"
        ) as caught:
            pay(amount, on)
        assert caught.value.got.equals(on.index)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
        # and the recipe works
        assert pay(*amount.align(on)).total.tolist() == [1, 2]
        assert pay(amount, on.to_numpy()).total.tolist() == [1, 2]

    def test_of_shapes_that_do_not_broadcast(self):
        rule = r"`amount and on and more` must be arrays whose shapes broadcast together; got '\(3,\), \(2,\), \(\)'"
        with pytest.raises(TermError, match=rule):
            pay([1, 2, 3], ["2004-06-18", "2005-06-18"])

    @pytest.mark.parametrize("rows", [1, 3])
    def test_of_a_series_takes_nothing_that_would_change_its_shape(self, rows):
        amount = pd.Series(np.ones(rows))
        rule = f"`amount and on and more` must be as long as the Series given \\({rows} rows\\); got "
        with pytest.raises(TermError, match=rule):
            pay(amount, [["2004-06-18"]] * 2)
        with pytest.raises(TermError, match=rule):
            pay(amount, np.empty((0, 1), dtype="datetime64[D]"))

    def test_a_missing_value_is_not_an_argument_left_out(self):
        assert np.isnan(pay(None, "2004-06-18").total)
        assert np.isnat(pay(1, None).later)
        assert pay(1, "2004-06-18", until=None).later == np.datetime64("2004-06-19")

    def test_applies_its_rules_by_row(self):
        with pytest.raises(TermError, match="`amount` must be a number of at least 0; got -1.0 at row 3"):
            pay([[0, 1], [2, -1]], "2004-06-18")
        assert pay(0, "2004-06-18", more=-1).total == -1  # no rule for this one

    def test_of_nothing_gives_nothing(self):
        assert pay([], "2004-06-18").total.shape == (0,)
        assert pay(np.empty((0, 3)), ["2004-06-18"] * 3).later.shape == (0, 3)
        assert pay(pd.Series([], dtype=float, name="amount"), "2004-06-18").total.name == "amount"


def test_names_are_joined_for_a_message():
    assert names_of(["a"]) == "'a'"
    assert names_of(["a", "b", "c"]) == "'a', 'b' or 'c'"


def test_a_rule_may_go_without_a_hint():
    with pytest.raises(TermError, match=r"^`x` must be even; got 1\.0$"):
        Rule("even", lambda x: x % 2 == 0).check("x", np.array([1.0]))
