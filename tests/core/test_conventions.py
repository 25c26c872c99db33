"""Names of day counts, one for all rows or one for each, and what is an error.

What the conventions give is in `test_daycount`.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import notecalc as nc
from notecalc.core import conventions, daycount
from notecalc.core.daycount import (
    COMPILE_FROM,
    DAY_COUNTS,
    day_count_days,
    day_count_name,
    find_day_count,
    year_fraction,
)

WITHOUT_REFERENCE = tuple(name for name, count in DAY_COUNTS.items() if not count.needs)


# ---- names ----


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("30/360", "30/360"),
        ("Bond Basis", "30/360"),
        ("360/360", "30/360"),
        ("30A/360", "30/360"),
        ("30E/360", "30e/360"),
        ("Eurobond Basis", "30e/360"),
        ("ACT/360", "actual/360"),
        ("Actual / 360", "actual/360"),
        ("money market", "actual/360"),
        ("ACT/365F", "actual/365 fixed"),
        ("Act/365 (Fixed)", "actual/365 fixed"),
        ("Actual/365 Fixed", "actual/365 fixed"),
        ("English", "actual/365 fixed"),
        ("ACT/ACT ISDA", "actual/actual isda"),
        ("Actual/Actual (ISDA)", "actual/actual isda"),
        ("actual_actual_isda", "actual/actual isda"),
        ("Act/Act ICMA", "actual/actual icma"),
        ("ISMA-99", "actual/actual icma"),
        ("Actual/Actual (Bond)", "actual/actual icma"),
        ("A/360", "actual/360"),
        ("Thirty360", "30/360"),
        ("Thirty360_BondBasis", "30/360"),
        ("THIRTY_EPLUS_360", "30e+/360"),
        ("30E+/360", "30e+/360"),
        ("Thirty365", "30e/365"),
        ("30U/360 EOM", "30u/360 eom"),
        ("30U/360 no EOM", "30/360"),
        ("30/360 US", "30u/360 eom"),
        ("30/360 German", "30e/360 isda"),
        ("European 30/360", "30e/360"),
        ("PSA 30/360", "30/360 psa"),
        ("ACT/365.25", "actual/365.25"),
        ("Act/365L", "actual/365l"),
        ("ACT/365 (NL)", "nl/365"),
        ("Act/365 Actual", "actual/365 actual"),
        ("ACT/ACT Year", "actual/actual year"),
        ("BUS/252", "business/252"),
        ("ONE_ONE", "1/1"),
        ("basis 0", "30u/360 eom"),
        ("Excel basis 2", "actual/360"),
        ("basis 3", "actual/365 fixed"),
        ("Basis 4", "30e/360"),
        ("basis 1 price", "actual/actual icma"),
        ("basis 1 YIELD", "actual/actual icma"),
        ("YEARFRAC basis 1", "actual/actual yearfrac"),
    ],
)
def test_a_convention_has_many_names(name, canonical):
    assert day_count_name(name) == canonical
    assert find_day_count(name) is DAY_COUNTS[canonical]


def test_no_two_conventions_share_a_name():
    names = [conventions._key(name) for count in DAY_COUNTS.values() for name in {count.name, *count.aliases}]
    assert set(names) == set(conventions._BY_KEY)
    owners = {name: {count.name for count in DAY_COUNTS.values() if name in map(conventions._key, (count.name, *count.aliases))}
              for name in names}  # fmt: skip
    assert {name: found for name, found in owners.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("name", "meanings"),
    [
        ("ACT/365", ["actual/actual isda", "actual/365 fixed", "actual/365 actual"]),
        ("Actual/Actual", ["actual/actual isda", "actual/actual icma", "actual/actual year", "actual/actual yearfrac"]),
        ("30U/360", ["30u/360 eom", "30/360"]),
        ("NASD 30/360", ["30u/360 eom", "30/360"]),
        ("Thirty360_ISDA", ["30/360", "30e/360 isda"]),
        ("Excel basis 1", ["basis 1 price", "basis 1 yield", "actual/actual icma", "basis 1 yearfrac"]),
        ("NL", ["nl/360", "nl/365"]),
    ],
)
def test_a_name_that_means_several_is_an_error_that_lists_them(name, meanings):
    with pytest.raises(nc.TermError, match="It could mean .*: name the one you mean$") as caught:
        year_fraction("2004-06-18", "2004-12-18", name)
    assert re.findall("'([^']+)'", caught.value.hint) == meanings
    for meaning in meanings:
        find_day_count(meaning)  # each is a name that is understood


@pytest.mark.parametrize(("name", "hint"), [("30/350", "30/360"), ("actual/actual afb", "actual/actual .*")])
def test_an_unknown_name_is_an_error_with_all_names_and_the_nearest(name, hint):
    message = f"^`day_count` must be '30/360', '30u/360 eom', .* or '1/1'; got '{name}'. Did you mean '{hint}'"
    with pytest.raises(nc.TermError, match=message):
        year_fraction("2004-06-18", "2004-12-18", name)


@pytest.mark.parametrize("name", ["", "foreign", None])
def test_a_name_like_none_of_ours_gets_no_hint(name):
    with pytest.raises(nc.TermError, match=f"`day_count` must be '30/360', .* got {name!r}$"):
        day_count_days("2004-06-18", "2004-12-18", name)


# ---- a day count for each row ----

NAMES = ["30/360", "ACT/360", "Bond Basis", "act/act isda"]
SPANS = {"start": ["2004-12-18"] * 4, "end": ["2005-06-18"] * 4}
BY_ROW = [180 / 360, 182 / 360, 180 / 360, (14 * 365 + 168 * 366) / (365 * 366)]


@pytest.mark.parametrize(
    "kind",
    [
        *(list, tuple, np.array, pd.Index, pd.Categorical, lambda names: np.array(names, dtype=object)),
        *(pd.Series, lambda names: pd.Series(names, dtype="category"), lambda names: pd.Series(names, dtype="string[pyarrow]")),
    ],
    ids=["list", "tuple", "array", "index", "categorical", "objects", "series", "series of categories", "arrow"],
)  # fmt: skip
def test_each_row_may_have_its_own_day_count(kind):
    got = year_fraction(**SPANS, day_count=kind(NAMES))
    assert list(got) == BY_ROW
    assert isinstance(got, pd.Series if isinstance(kind(NAMES), pd.Series) else np.ndarray)
    assert list(day_count_days(**SPANS, day_count=kind(NAMES))) == [180, 182, 180, 182]
    assert list(year_fraction("2004-12-18", "2005-06-18", kind(NAMES))) == BY_ROW
    interest = nc.accrued_interest([100, 200, 300, 400], 0.5, **SPANS, day_count=kind(NAMES))
    assert list(interest) == [p * 0.5 * years for p, years in zip([100, 200, 300, 400], BY_ROW, strict=True)]


def test_names_broadcast_as_dates_do():
    got = year_fraction(
        np.array(["2004-12-18", "2005-01-18"], "M8[D]")[:, None], "2005-06-18", np.array([["30/360", "a/360"]])
    )
    assert got.tolist() == [[180 / 360, 182 / 360], [150 / 360, 151 / 360]]
    with pytest.raises(nc.TermError, match="`start and end and day_count` must be arrays whose shapes broadcast"):
        year_fraction(**SPANS, day_count=NAMES[:3])
    with pytest.raises(nc.IndexMismatchError, match="`day_count` must be a Series with the same index as `start`"):
        year_fraction(pd.Series(SPANS["start"]), "2005-06-18", pd.Series(NAMES, index=[1, 2, 3, 4]))


def test_a_missing_name_makes_a_missing_fraction_and_no_days():
    for missing in (None, np.nan, pd.NA):
        got = year_fraction(**SPANS, day_count=[missing, *NAMES[1:]])
        assert np.isnan(got[0])
        assert got[1:].tolist() == BY_ROW[1:]
        with pytest.raises(nc.TermError, match="`day_count` must be the name of a convention; got nan at row 0"):
            day_count_days(**SPANS, day_count=[missing, *NAMES[1:]])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["30/360", "ACT/365", "30/360", "ACT/365"], "got 'ACT/365' at row 1. It could mean"),
        (["30/360", "30/360", "30/360", "30/350"], r"got '30/350' at row 3\. Did you mean '30/360'\?"),
        (["30/360", 365, "30/360", "30/360"], "got 365 at row 1"),
    ],
)
def test_a_bad_name_names_its_row(names, message):
    with pytest.raises(nc.TermError, match=f"`day_count` must be .*{message}"):
        year_fraction(**SPANS, day_count=pd.Series(names, dtype=object))


def test_an_error_in_one_of_several_conventions_names_its_row_among_all():
    with pytest.raises(nc.TermError, match=r"`end` must be on or after `start` .* got '2005-06-18' at row 2"):
        year_fraction(
            ["2004-12-18", "2004-12-18", "2006-12-18", None], "2005-06-18", ["a/360", "30/360", "30/360", "a/360"]
        )
    with pytest.raises(nc.TermError, match="`maturity` must be given with day count '30e/360 isda'; got None at row 3"):
        year_fraction(**SPANS, day_count=[*NAMES[:3], "30e/360 isda"])


def test_rows_with_what_some_of_them_need():
    names = ["30e/360 isda", "act/act icma", "act/365l", "bus/252"]
    got = year_fraction(
        "2004-12-18", "2005-02-28", names, maturity=["2005-02-28", None, None, None], calendar="weekends-only",
        period_start="2004-12-18", period_end="2005-06-18", frequency=2,
    )  # fmt: skip
    # Monday 20 December to Monday 28 February is ten weeks
    assert got.tolist() == [70 / 360, 72 / (182 * 2), 72 / 365, 50 / 252]


# ---- an array to fill ----


def test_results_may_go_where_the_caller_says():
    out = np.full(4, np.nan)
    got = year_fraction(**SPANS, day_count=NAMES, out=out)
    assert got.tolist() == out.tolist() == BY_ROW
    assert np.shares_memory(got, out)
    table = np.empty((2, 2))
    assert year_fraction(np.full((2, 2), np.datetime64("2004-12-18")), "2005-06-18", "30/360", out=table).shape == (
        2,
        2,
    )
    assert table.tolist() == [[0.5, 0.5], [0.5, 0.5]]


@pytest.mark.parametrize(
    "out", [np.empty(3), np.empty(4, dtype=np.float32), np.empty(8)[::2], [0.0] * 4, np.broadcast_to(0.0, 4)]
)
def test_an_array_that_can_not_be_filled_is_an_error(out):
    message = "`out` must be a contiguous float64 array of 4 numbers that may be written to; got '"
    with pytest.raises(nc.TermError, match=message):
        year_fraction(**SPANS, day_count="30/360", out=out)


# ---- errors ----

ICMA = {"period_start": "2004-06-18", "period_end": "2004-12-18", "frequency": 2}


@pytest.mark.parametrize("day_count", [*WITHOUT_REFERENCE, "actual/actual icma"])
def test_dates_out_of_order_are_an_error(day_count):
    reference = ICMA if day_count == "actual/actual icma" else {}
    message = r"`end` must be on or after `start` \(2004-12-18\); got '2004-06-18'\. Swap `start` and `end`\?"
    with pytest.raises(nc.TermError, match=message):
        year_fraction("2004-12-18", "2004-06-18", day_count, **reference)
    with pytest.raises(nc.TermError, match=r"`end` must be on or after `start` .* got '2004-06-18' at row 1"):
        year_fraction([None, "2004-12-18"], "2004-06-18", day_count, **reference)
    with pytest.raises(nc.TermError, match=message):
        day_count_days("2004-12-18", "2004-06-18", day_count)


@pytest.mark.parametrize("day_count", WITHOUT_REFERENCE)
@pytest.mark.parametrize(
    ("start", "end", "name"), [("0000-12-31", "2004-01-01", "start"), ("2004-01-01", "10000-01-01", "end")]
)
def test_dates_that_no_calendar_shows_are_an_error(day_count, start, end, name):
    dates = np.datetime64(start), np.datetime64(end)
    with pytest.raises(
        nc.TermError, match=f"`{name}` must be between 0001-01-01 and 9999-12-31; got '{dates[name == 'end']}'"
    ):
        year_fraction(*dates, day_count)


@pytest.mark.parametrize(
    ("day_count", "missing"),
    [("30e/360 isda", "maturity"), ("bus/252", "calendar"), ("act/365l", "period_end"), ("act/365l", "frequency")],
)
def test_a_convention_asks_for_what_it_needs(monkeypatch, day_count, missing):
    given = {"maturity": "2004-12-18", "calendar": "weekends-only", "period_end": "2004-12-18", "frequency": 2}
    del given[missing]
    message = f"`{missing}` must be given with day count '{day_count_name(day_count)}'; got None"
    for compile_from in (COMPILE_FROM, 1):
        monkeypatch.setattr(daycount, "COMPILE_FROM", compile_from)
        with pytest.raises(nc.TermError, match=message):
            year_fraction("2004-06-18", "2004-12-18", day_count, **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"period_end": ["2005-01-01", "2004-12-17"]},
            "`period_end` must be on or after `end`; got '2004-12-17' at row 1",
        ),
        (
            {"period_start": ["2004-06-18", "2004-06-19"]},
            "`period_start` must be on or before `start`; got '2004-06-19' at row 1",
        ),
        ({"frequency": [2, 5]}, "`frequency` must be 1, 2, 3, 4, 6 or 12 coupons a year; got 5.0 at row 1"),
    ],
)
def test_actual_365l_needs_a_period_that_can_be(monkeypatch, given, message):
    given = {"period_end": "2005-01-01", "frequency": 2} | given
    for compile_from in (COMPILE_FROM, 1):
        monkeypatch.setattr(daycount, "COMPILE_FROM", compile_from)
        with pytest.raises(nc.TermError, match=message):
            year_fraction(["2004-06-18"] * 2, "2004-12-18", "act/365l", **given)


def test_icma_refuses_an_irregular_period_as_the_regular_one(monkeypatch):
    """The long first period itself: measured by it, any first coupon would be a whole one."""
    message = "`period_end` must be about 12 months / `frequency` after `period_start`; got '2004-12-18' at row 1"
    for compile_from in (COMPILE_FROM, 1):
        monkeypatch.setattr(daycount, "COMPILE_FROM", compile_from)
        with pytest.raises(nc.TermError, match=message):
            year_fraction("2004-06-18", "2004-12-18", "act/act icma", frequency=2,
                          period_start=["2004-06-18", "2004-05-18"], period_end="2004-12-18")  # fmt: skip


@pytest.mark.parametrize("missing", ICMA)
def test_icma_asks_for_its_period(missing):
    reference = {name: value for name, value in ICMA.items() if name != missing}
    with pytest.raises(nc.TermError, match=f"`{missing}` must be given with day count 'actual/actual icma'; got None"):
        year_fraction("2004-06-18", "2004-12-18", "act/act icma", **reference)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frequency": 5}, "`frequency` must be 1, 2, 3, 4, 6 or 12 coupons a year; got 5.0"),
        ({"frequency": 0}, "`frequency` must be 1, 2, 3, 4, 6 or 12 coupons a year; got 0.0"),
        ({"frequency": float("inf")}, "`frequency` must be 1, 2, 3, 4, 6 or 12 coupons a year; got inf"),
        ({"period_end": "2004-06-18"}, "`period_end` must be after `period_start`; got '2004-06-18'"),
    ],
)
def test_icma_needs_a_period_that_can_be(change, message):
    with pytest.raises(nc.TermError, match=message):
        year_fraction("2004-06-18", "2004-12-18", "actual/actual icma", **ICMA | change)


@pytest.mark.parametrize("start", ["2004-06-17", "2004-12-17"])
def test_icma_needs_a_whole_period_where_dates_lie_outside(start):
    """Six months to 18 December do not begin on 1 July."""
    with pytest.raises(nc.TermError, match=r"`period_start` must be a whole step .*; got '2004-07-01'"):
        year_fraction(start, "2004-12-19", "actual/actual icma", **ICMA | {"period_start": "2004-07-01"})
    # inside of it there is nothing to tell: 170 days of it, as given
    got = year_fraction("2004-07-01", "2004-12-18", "actual/actual icma", **ICMA | {"period_start": "2004-07-01"})
    assert got == 0.5
