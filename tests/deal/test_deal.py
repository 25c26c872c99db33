"""The Deal that a quant holds: a value that does not change, whose results know their units and how they were made."""

from __future__ import annotations

import datetime as dt
import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import notecalc as nc
from notecalc._data import data_directory
from notecalc.deal.frames import inputs_of, recipe_of, totals, units_of
from notecalc.testing import assert_result_equal

Altered = Callable[..., Path]

HOLDERS = {
    "Greywolf Capital Overseas Fund": 1_450_000,
    "Greywolf Capital Partners II LP": 1_050_000,
    "Tejas Securities Group, Inc.": 500_000,
    "Schottenfeld Qualified Associates": 500_000,
    "Lampe, Conway & Co. LLC": 3_500_000,
    "Singer Children's Management Trust": 3_500_000,
    "Loeb Partners Corp.": 3_500_000,
    "JMG Triton Offshore Fund Limited CITCO": 10_000_000,
    "Windward Capital, L.P.": 5_000_000,
}
YEARLY = 2_320_000  # 8 per cent of 29,000,000


# ---- a value that does not change ----


def test_a_deal_does_not_change(deal: nc.Deal) -> None:
    with pytest.raises(AttributeError, match=r"a Deal does not change; use deal.replace\(terms=...\) for another one"):
        deal.terms = None  # type: ignore[misc,assignment]
    with pytest.raises(AttributeError, match="a Deal does not change"):
        del deal.file
    with pytest.raises(ValueError, match="frozen"):
        deal.terms.series["notes"].principal.value = Decimal(1)


def test_deals_compare_by_their_terms_whatever_file_they_came_from(deal: nc.Deal, altered: Altered) -> None:
    copy = nc.load(altered())
    assert copy.file != deal.file
    assert copy == deal
    assert len({copy, deal, nc.load(data_directory() / "deals" / "ibasis-2004.toml")}) == 1
    other = nc.load(altered(("value = 121", "value = 122")))
    assert other != deal
    assert len({other, deal}) == 2
    assert deal != "ibasis-2004"


def test_a_deal_says_what_it_is(deal: nc.Deal) -> None:
    assert repr(deal) == "Deal('ibasis-2004': iBasis, Inc. 8% Secured Convertible Notes due 2007, USD 29,000,000)"
    assert deal.file == "ibasis-2004.toml"


def test_a_deal_survives_pickling_here_and_in_a_fresh_process(deal: nc.Deal, tmp_path: Path) -> None:
    changed = deal.replace(conversion_price=1.75)
    again = pickle.loads(pickle.dumps(changed))
    assert (again, hash(again), again.file) == (changed, hash(changed), changed.file)
    file = tmp_path / "deals.pickle"
    file.write_bytes(pickle.dumps([deal, changed]))
    program = (
        "import pathlib, pickle, sys\n"
        "deal, changed = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "import notecalc as nc\n"
        "print(deal == nc.load('ibasis-2004'), changed == deal, changed.input_hash, changed.file)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, file], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", changed.input_hash, "ibasis-2004.toml"]


# ---- another deal ----


def test_a_changed_term_is_assumed_and_keeps_what_it_was(deal: nc.Deal) -> None:
    changed = deal.replace(conversion_price=1.75)
    term = changed.terms.series["notes"].conversion.conversion_price
    assert (term.value, term.source, term.assumed) == (Decimal("1.75"), None, "set by replace(); was 1.85")
    assert term.alternatives == (Decimal("1.85"),)
    assert changed != deal
    assert deal.terms.series["notes"].conversion.conversion_price.value == Decimal("1.85")
    # Nothing else differs: put back, only the marks are left.
    rest = changed.terms.model_dump()
    rest["series"]["notes"]["conversion"]["conversion_price"] = deal.terms.model_dump()["series"]["notes"][
        "conversion"
    ]["conversion_price"]
    assert rest == deal.terms.model_dump()


def test_an_assumption_lists_what_a_change_does(deal: nc.Deal) -> None:
    """29,000,000 at 1.75 reserves 16,571,429 shares (16,571,428.57...), at 1.85 15,675,676."""
    table = deal.replace(conversion_price=1.75).assumptions()
    row = table.loc[table["term"] == "series.notes.conversion.conversion_price"].iloc[0]
    assert row[["value", "reason", "alternative"]].tolist() == ["1.75", "set by replace(); was 1.85", "1.85"]
    assert row["headroom"] == 16_571_429 - 15_675_676


@pytest.mark.parametrize(
    ("change", "where", "value"),
    [
        ({"instruments.new-convertible-notes.conversion_price": "1.75"}, ("instruments", "new-convertible-notes", "conversion_price"), Decimal("1.75")),
        ({"purchases[7].purchase_price": 9_900_000}, ("purchases", 7, "purchase_price"), Decimal(9_900_000)),
        ({"maturity": dt.date(2008, 6, 18)}, ("series", "notes", "maturity"), dt.date(2008, 6, 18)),
        ({"calendar": "new-york-state"}, ("business_days", "calendar"), "new-york-state"),
        ({"day_count": "actual/360"}, ("series", "notes", "day_count"), "actual/360"),
        ({"exercise_price": 2}, ("capitalization", "classes", "warrants", "exercise_price"), Decimal(2)),
        ({"elects": "none"}, ("closing", "elects"), "none"),
        ({"annual_rate": Decimal("0.09")}, ("series", "notes", "annual_rate"), Decimal("0.09")),
    ],
)  # fmt: skip
def test_a_term_is_named_by_its_path_or_its_last_part(
    deal: nc.Deal, change: dict[str, Any], where: tuple[Any, ...], value: Any
) -> None:
    """A short name means the notes' own term before another instrument's."""
    node: Any = deal.replace(**change).terms.model_dump()
    for part in where:
        node = node[part]
    assert node["value"] == value
    assert node["assumed"].startswith("set by replace()")


def test_several_terms_change_together_and_a_second_change_remembers_the_first(deal: nc.Deal) -> None:
    changed = deal.replace(annual_rate=0.09, frequency=4).replace(annual_rate=0.10)
    assert changed == deal.replace(frequency=4, annual_rate=0.09).replace(annual_rate=0.10)
    assert changed.terms.series["notes"].annual_rate.assumed == "set by replace(); was 0.09"
    assert changed.cashflows()["interest"].tolist() == [0] + [725_000] * 12


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"conversion_pric": 1}, r"`replace\(\)` must be the name or path of a term; got 'conversion_pric'. Did you mean 'conversion_price'\?"),
        ({"qqq": 1}, r"`replace\(\)` must be the name or path of a term; got 'qqq'$"),
        ({"registered-holder": "x", "length": 1}, r"must be one term; use a whole path: time_limits.disqualified-stock.length, .*; got 'length'"),
        ({"shares": 1}, r"use a whole path: capitalization.classes.common.shares, "),
    ],
)  # fmt: skip
def test_a_name_of_no_term_or_of_many_is_said(deal: nc.Deal, change: dict[str, Any], words: str) -> None:
    with pytest.raises(nc.TermError, match=words):
        deal.replace(**change)


def test_a_change_that_makes_the_deal_wrong_lists_every_problem(deal: nc.Deal) -> None:
    with pytest.raises(nc.DealFileError) as caught:
        deal.replace(principal=1, annual_rate=8)
    assert str(caught.value).startswith("ibasis-2004.toml with principal, annual_rate replaced: 2 problems")
    assert [problem.path for problem in caught.value.problems] == [
        "series.notes.annual_rate.value",
        "series.notes.principal.value",
    ]


# ---- results ----

MONEY = dict.fromkeys(
    ["outstanding", "purchase_cash", "purchase_surrendered", "interest", "principal", "premium", "cash_in_lieu", "interest_forfeited", "total"],
    "USD",
)  # fmt: skip
FLOWS = {**MONEY, "shares": "shares"}
CLOSING = dict.fromkeys(
    ["principal", "purchase_price", "surrendered", "credit", "cash_due", "refund", "forfeited", "kept", "accrued_interest_paid", "cash_to_company"],
    "USD",
)  # fmt: skip
RATES = {"irr": "1/yr", "bond_equivalent_yield": "1/yr"}
SUMMARY = {
    "total_interest": "USD", "irr": "1/yr", "cash_to_company": "USD", "forfeited": "USD",
    "shares_on_conversion": "shares", "headroom": "shares",
}  # fmt: skip
DILUTION = {
    "conversion_price": "USD/share", "share_price": "USD/share", "principal": "USD",
    "shares_before": "shares", "shares_after": "shares", "ownership_before": "fraction", "ownership_after": "fraction",
}  # fmt: skip
CONVERSION = {
    **dict.fromkeys(["principal", "cash_in_lieu", "accrued_interest", "accrued_paid", "accrued_forfeited", "coupon_kept"], "USD"),
    "shares": "shares", "shares_exact": "shares", "conversion_price": "USD/share",
}  # fmt: skip
HEADROOM = {
    **dict.fromkeys(["other_shares", "available", "notes_shares", "headroom", "shortfall"], "shares"),
    "lowest_price_exact": "USD/share", "lowest_price": "USD/share",
}  # fmt: skip
EVENTS = [
    nc.Conversion("2005-03-01", 1_000_000, "loeb"),
    nc.Redemption("2005-09-01", 2_000_000, price=101.5),
    nc.Repurchase("2006-01-09", "500000", "windward", price=99),
]
DATES = pd.Series(pd.to_datetime(["2004-09-18", None, "2005-03-01"]), index=["a", "b", "c"], name="on")

Units = Mapping[str, str]
RESULTS: list[tuple[str, dict[str, Any], Units]] = [
    ("cashflows", {}, FLOWS),
    ("cashflows", {"by": "holder", "events": EVENTS}, FLOWS),
    ("irr", {}, RATES),
    ("irr", {"by": "holder", "events": EVENTS}, RATES),
    ("accrued", {"on": DATES, "by": "holder"}, dict.fromkeys(HOLDERS, "USD")),
    ("accrued", {"on": DATES.to_numpy("datetime64[ns]"), "by": "holder"}, dict.fromkeys(HOLDERS, "USD")),
    ("accrued", {"on": pd.Timestamp("2004-09-18"), "by": "holder"}, {"values": "USD"}),
    ("closing", {}, CLOSING),
    ("closing", {"policy": ["refunded", "capped_kept"], "elects": {"windward": np.array([0, 5_100_000.0])}}, CLOSING),
    ("closing", {"policy": "full_satisfaction", "elects": {"jmg-triton": Decimal("100.50"), "windward": True}}, CLOSING),
    ("convert", {"principal": [1_000, 2_000], "on": dt.date(2005, 3, 18), "holder": "loeb"}, CONVERSION),
    ("captable", {}, {"shares": "shares", "fully_diluted": "fraction"}),
    ("headroom", {}, HEADROOM),
    ("dilution", {}, DILUTION),
    ("dilution", {"conversion_price": [Decimal("1.75"), 1.85], "share_price": 2.1, "principal": Decimal(1_000_000)}, DILUTION),
    ("dilution", {"conversion_price": Fraction(29_000_000, 21_542_257), "rounding": "aggregate"}, DILUTION),
    ("time_limits", {}, {}),
    ("summary", {}, SUMMARY),
    ("findings", {}, {}),
    ("check_sources", {"files": {}}, {}),
    ("term_table", {}, {}),
    ("assumptions", {}, {name: f"change in {unit}" for name, unit in SUMMARY.items()}),
]  # fmt: skip
CASES = pytest.mark.parametrize(
    ("function", "arguments", "units"),
    RESULTS,
    ids=[f"{function}-{row}" for row, (function, *_) in enumerate(RESULTS)],
)


@pytest.fixture(scope="module")
def made_by(deal: nc.Deal) -> Callable[..., Any]:
    """Results, each made once: some take a second."""
    results: dict[str, Any] = {}

    def make(function: str, arguments: dict[str, Any]) -> Any:
        key = f"{function} {arguments}"
        if key not in results:
            results[key] = getattr(deal, function)(**arguments)
        return results[key]

    return make


def event(recipe: Mapping[str, str]) -> Any:
    """An event from its recipe."""
    return getattr(nc, recipe["event"])(**{name: value for name, value in recipe.items() if name != "event"})


@CASES
def test_a_result_knows_its_units_its_deal_and_its_recipe(
    deal: nc.Deal, made_by: Callable[..., Any], function: str, arguments: dict[str, Any], units: Units
) -> None:
    made = made_by(function, arguments)
    assert units_of(made) == units
    numbers = made.select_dtypes("float64").columns if isinstance(made, pd.DataFrame) else []
    assert set(numbers) - {"effect_amount"} <= set(units)  # an effect's unit stands beside it
    assert inputs_of(made) == deal.input_hash
    recipe = recipe_of(made)
    assert recipe["function"] == function
    recipe["arguments"]["events"] = [event(part) for part in recipe["arguments"].pop("events", [])]
    if not recipe["arguments"]["events"]:
        del recipe["arguments"]["events"]
    again = getattr(deal, recipe["function"])(**recipe["arguments"])
    if isinstance(arguments.get("on"), pd.Series):
        again = again.set_axis(arguments["on"].index)  # a recipe holds the values only
    assert_result_equal(again, made)


@CASES
def test_a_result_comes_back_from_parquet(
    made_by: Callable[..., Any], tmp_path: Path, function: str, arguments: dict[str, Any], units: Units
) -> None:
    made = made_by(function, arguments)
    file = tmp_path / "made.parquet"
    frame = made.to_frame() if isinstance(made, pd.Series) else made
    frame.to_parquet(file)
    again = pd.read_parquet(file)
    assert_result_equal(again[made.name] if isinstance(made, pd.Series) else again, made)
    pd.testing.assert_index_equal(again.index, made.index, exact="equiv")
    assert again.attrs == made.attrs


def test_the_label_is_one_short_text_of_json(made_by: Callable[..., Any]) -> None:
    for function in ("cashflows", "closing", "assumptions", "summary"):
        made = made_by(function, {})
        assert list(made.attrs) == ["notecalc"]
        label = json.loads(made.attrs["notecalc"])
        assert sorted(label) == ["inputs", "recipe", "schema", "units"]
        assert label["schema"] == 1
        assert len(made.attrs["notecalc"]) < 1_000


def test_the_summary(deal: nc.Deal) -> None:
    summary = deal.summary()
    assert summary.drop("irr").to_dict() == {
        "total_interest": 3 * YEARLY,
        "cash_to_company": 29_000_000 - 3_975_000 - 5_000_000,
        "forfeited": 100_000,
        # 29,000,000 at 1.85, each holder's fraction dropped
        "shares_on_conversion": sum(int(principal / Decimal("1.85")) for principal in HOLDERS.values()),
        "headroom": -13_862_566,
    }
    assert summary["irr"] == deal.irr().loc["all", "irr"]


# ---- totals of a result ----


def test_totals_of_money_are_exact_to_the_cent(deal: nc.Deal) -> None:
    """Payments of a third of a cent apart: 100,000.10 three times is no float's sum, and is 300,000.30 in cents."""
    parts = {f"purchases[{row}].principal": "0" for row in range(3, 9)} | {
        f"purchases[{row}].principal": "100000.10" for row in range(3)
    }
    small = deal.replace(**parts, principal="300000.30")
    table = totals(small.closing(elects="none"), ["principal"])
    assert table["principal"].to_dict() == {"total": 300_000.30}
    assert units_of(table) == {"principal": "USD"}
    assert inputs_of(table) == small.input_hash
    assert recipe_of(table) == {
        "function": "totals",
        "arguments": {
            "of": {"function": "closing", "arguments": {"policy": None, "elects": "none"}},
            "columns": ["principal"],
            "by": None,
        },
    }


def test_totals_by_a_column_and_by_a_level(deal: nc.Deal) -> None:
    flows = totals(deal.cashflows(by="holder"), ["interest", "shares"], by="holder")
    assert flows["interest"].to_dict() == {name: principal * 0.24 for name, principal in HOLDERS.items()}
    assert flows.index.tolist() == list(HOLDERS)
    policies = totals(deal.closing(policy=["refunded", "capped_forfeited"]), ["refund", "forfeited"], by="policy")
    assert policies.to_dict("index") == {
        "refunded": {"refund": 100_000, "forfeited": 0},
        "capped_forfeited": {"refund": 0, "forfeited": 100_000},
    }


# ---- interest accrued ----


@pytest.mark.parametrize(
    ("on", "days"),  # by 30/360
    [
        ("2004-06-18", 0),
        ("2004-06-19", 1),
        ("2004-09-18", 90),
        ("2004-12-17", 179),
        ("2004-12-18", 0),  # the new period has begun
        ("2005-02-28", 70),
        ("2005-03-01", 73),
        ("2007-06-17", 179),
        ("2007-06-18", 0),
        ("2003-01-01", 0),
        ("2009-01-01", 0),
    ],
)
def test_accrued_interest_on_a_date(deal: nc.Deal, on: str, days: int) -> None:
    assert deal.accrued(on) == pytest.approx(YEARLY * days / 360, abs=1e-9)


def test_accrued_interest_is_of_the_kind_that_came_in(deal: nc.Deal) -> None:
    expected = [580_000, np.nan, YEARLY * 73 / 360]
    assert isinstance(deal.accrued(dt.date(2004, 9, 18)), float)
    assert np.isnan(deal.accrued(pd.NaT))
    for dates in (["2004-09-18", None, "2005-03-01"], DATES.to_numpy(), pd.DatetimeIndex(DATES)):
        np.testing.assert_allclose(np.asarray(deal.accrued(dates)), expected, rtol=1e-15)
    series = deal.accrued(DATES)
    assert series.index.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(series, expected, rtol=1e-15)
    assert set(units_of(series).values()) == {"USD"}
    assert deal.accrued(DATES.iloc[[2, 0]]).tolist() == [series["c"], series["a"]]
    assert deal.accrued([]).shape == (0,)


def test_accrued_interest_of_each_holder(deal: nc.Deal) -> None:
    """A quarter of a year: 2 per cent of each holder's principal."""
    one = deal.accrued("2004-09-18", by="holder")
    assert one.index.name == "holder"
    assert one.to_dict() == pytest.approx({name: principal * 0.02 for name, principal in HOLDERS.items()}, rel=1e-15)
    many = deal.accrued(DATES, by="holder")
    assert many.index.tolist() == ["a", "b", "c"]
    assert many.columns.tolist() == list(HOLDERS)
    assert many.loc["a"].to_dict() == pytest.approx(one.to_dict(), rel=1e-15)
    assert many.loc["b"].isna().all()
    assert deal.accrued(["2004-09-18"], by="holder").index.tolist() == [0]
    with pytest.raises(nc.TermError, match=r"`by` must be 'note' or 'holder'; got 'holders'. Did you mean 'holder'\?"):
        deal.accrued("2004-09-18", by="holders")  # type: ignore[arg-type]


@given(day=st.dates(dt.date(2004, 6, 18), dt.date(2007, 6, 18)))
def test_the_holders_accrue_what_the_note_accrues(deal: nc.Deal, day: dt.date) -> None:
    assert deal.accrued(day, by="holder").sum() == pytest.approx(deal.accrued(day), rel=1e-12)


@given(days=st.lists(st.dates(dt.date(2004, 6, 18), dt.date(2007, 6, 18)), min_size=3, max_size=3).map(sorted))
def test_interest_between_dates_adds_over_a_split(deal: nc.Deal, days: list[dt.date]) -> None:
    first, middle, last = days
    parts = deal.interest_between(first, middle) + deal.interest_between(middle, last)
    assert parts == pytest.approx(deal.interest_between(first, last), abs=1e-6)


def test_interest_between_dates_across_coupons(deal: nc.Deal) -> None:
    assert deal.interest_between("2004-06-18", "2007-06-18") == 3 * YEARLY
    assert deal.interest_between(["2004-06-18", "2005-03-18"], "2005-09-18").tolist() == [1.25 * YEARLY, 0.5 * YEARLY]


def test_interest_on_an_overdue_amount(deal: nc.Deal) -> None:
    """At 10 per cent by 30/360: 30 days from 20 December to 20 January."""
    late = deal.replace(default_rate=0.10)
    assert late.overdue_interest(1_160_000, "2004-12-20", "2005-01-20") == pytest.approx(1_160_000 * 0.10 * 30 / 360)
    amounts = late.overdue_interest([1_160_000, 360], "2004-12-20", ["2004-12-20", "2005-12-20"])
    np.testing.assert_allclose(amounts, [0, 36], rtol=1e-15)
    with pytest.raises(
        nc.TermError, match=r"`default_rate` must be declared by the deal .*; got 'none'. Use deal.replace"
    ):
        deal.overdue_interest(1_160_000, "2004-12-20", "2005-01-20")


# ---- dates and thresholds ----


def test_periods_that_run_from_the_deals_own_dates(deal: nc.Deal) -> None:
    """121 days after 18 June 2007: 12 in June, 31 in July, 31 in August, 30 in September, 17 in October."""
    table = deal.time_limits()
    fixed = table["date"].dropna()
    assert fixed.to_dict() == {
        "disqualified-stock": pd.Timestamp("2007-10-17"),
        "legend": pd.Timestamp("2006-06-18"),
    }
    assert table["length"].to_dict() == {
        "disqualified-stock": 121, "letters-of-credit": 4, "notice-by-mail": 2, "notice-by-courier": 1,
        "service-of-process": 15, "counsel-fees": 10, "legend": 2, "registration-filing": 30, "registration-effective": 120,
    }  # fmt: skip
    assert table.loc["notice-by-mail"].drop(["date", "title"]).to_dict() == {
        "length": 2, "unit": "business-days", "calendar": "us-federal-reserve", "runs_from": "sending", "source": "npa 7.1",
    }  # fmt: skip
    assert table.loc["legend", "calendar"] == ""


def test_a_period_whose_length_is_assumed_says_so(altered: Altered) -> None:
    file = altered(
        (
            'length = { value = 121, source = { document = "npa", section = "1 Disqualified Stock" }',
            "length = { value = 91, assumed = 'so'",
        )
    )
    row = nc.load(file).time_limits().loc["disqualified-stock"]
    assert (row["source"], row["date"]) == ("assumed", pd.Timestamp("2007-09-17"))


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("notice-by-mail", "2004-07-01", "2004-07-06"),  # Friday the 2nd, then over Monday the 5th, a holiday
        ("notice-by-courier", "2004-07-01", "2004-07-02"),
        ("notice-by-courier", "2004-07-02", "2004-07-06"),
        ("service-of-process", "2004-07-01", "2004-07-16"),
        (
            "counsel-fees",
            "2004-12-20",
            "2005-01-03",
        ),  # 24 and 31 December 2004 are business days of the Federal Reserve
        ("letters-of-credit", "2004-11-19", "2004-11-26"),  # over Thanksgiving, Thursday the 25th
        ("legend", "2004-02-29", "2006-02-28"),
        ("legend", "2004-06-18", "2006-06-18"),
        ("registration-filing", "2004-12-20", "2005-01-19"),
        ("registration-effective", "2004-12-20", "2005-04-19"),
        ("disqualified-stock", "2007-06-18", "2007-10-17"),
    ],
)
def test_the_end_of_a_period_that_runs_from_a_date(deal: nc.Deal, name: str, start: str, end: str) -> None:
    assert deal.date_limit(name, start) == np.datetime64(end)
    assert deal.date_limit(name, [start, None]).astype(str).tolist() == [end, "NaT"]
    series = deal.date_limit(name, pd.Series(pd.to_datetime([start]), index=["x"]))
    assert series.to_dict() == {"x": pd.Timestamp(end)}


def test_a_period_without_a_calendar_counts_by_the_deals(altered: Altered) -> None:
    """Veterans Day, Thursday 11 November 2004, is a holiday; the deal's calendar closes Friday the 12th too."""
    calendar = 'calendar = { value = "us-federal-reserve", assumed = "section 7.1 speaks of business days without capitals; the defined calendar is used", alternatives = ["weekends-only"] }\n'
    deal = nc.load(altered((calendar, ""), ("[business_days]\n", "[business_days]\nclosures = [2004-11-12]\n")))
    assert deal.time_limits().loc["notice-by-mail", "calendar"] == ""
    assert deal.date_limit("notice-by-mail", "2004-11-10") == np.datetime64("2004-11-16")


def test_a_period_or_threshold_of_another_name_is_said(deal: nc.Deal) -> None:
    with pytest.raises(
        nc.TermError, match=r"`name` must be one of disqualified-stock, .*; got 'legends'. Did you mean 'legend'\?"
    ):
        deal.date_limit("legends", "2004-07-01")
    with pytest.raises(nc.TermError, match="`name` must be one of control, majority-purchasers; got 'most'"):
        deal.meets_threshold("most", 0.5)


@pytest.mark.parametrize(
    ("name", "share", "met"),
    [
        ("control", 0.10, True),  # 10% or more
        ("control", 0.0999999, False),
        ("majority-purchasers", 0.50, False),  # greater than fifty per cent
        ("majority-purchasers", 0.5000001, True),
        ("majority-purchasers", 0, False),
        ("control", 1, True),
    ],
)
def test_a_threshold_is_met_or_must_be_passed(deal: nc.Deal, name: str, share: float, *, met: bool) -> None:
    assert bool(deal.meets_threshold(name, share)) is met
    assert deal.meets_threshold(name, [share, share]).tolist() == [met, met]
    with pytest.raises(nc.TermError, match="`share` must be"):
        deal.meets_threshold(name, -0.1)


def test_who_has_a_majority_together(deal: nc.Deal) -> None:
    assert deal.holding(["jmg-triton", "Windward Capital, L.P."]) == 15 / 29
    assert bool(deal.meets_threshold("majority-purchasers", deal.holding(["jmg-triton", "windward"])))
    half = deal.replace(
        **{
            "purchases[7].principal": 9_000_000,
            "purchases[8].principal": 5_500_000,
            "purchases[4].principal": 4_000_000,
        }
    )
    assert half.holding(["jmg-triton", "windward"]) == 0.5
    assert not half.meets_threshold("majority-purchasers", half.holding(["jmg-triton", "windward"]))
    assert deal.holding([]) == 0
    with pytest.raises(nc.TermError, match="`holders` must be different holders"):
        deal.holding(["windward", "Windward Capital, L.P."])
    with pytest.raises(
        nc.TermError, match=r"`holder` must be one of greywolf-overseas, .*; got 'loeb partners'. Did you mean"
    ):
        deal.holding(["loeb partners"])


@pytest.mark.parametrize(
    ("call", "unit"),
    [
        (lambda deal, days: deal.accrued(days), "USD"),
        (lambda deal, days: deal.interest_between("2004-06-18", days), "USD"),
        (lambda deal, days: deal.replace(default_rate=0.1).overdue_interest(1_000, "2004-06-18", days), "USD"),
        (lambda deal, days: deal.date_limit("notice-by-mail", days), None),
    ],
    ids=["accrued", "interest_between", "overdue_interest", "date_limit"],
)
def test_a_series_is_labelled_whatever_its_name(deal: nc.Deal, call: Any, unit: str | None) -> None:
    made = call(deal, pd.Series(["2004-07-01", "2004-09-18"], name="on which day"))
    assert made.name == "on which day"
    assert made.notecalc.units.get("values") == unit
    if unit:
        assert made.notecalc.formatted()["on which day"].str.fullmatch(r"[\d,]+\.\d\d").all()


def test_a_long_argument_is_named_by_its_hash(deal: nc.Deal) -> None:
    days = pd.Series(pd.date_range("2004-06-18", periods=1_000))
    made, again = deal.accrued(days), deal.accrued(pd.Series(days.to_numpy()))
    assert len(made.attrs["notecalc"]) < 500
    assert made.notecalc.recipe["arguments"]["on"]["shape"] == [1_000]
    assert made.attrs == again.attrs
    assert made.attrs != deal.accrued(days + pd.Timedelta(days=1)).attrs


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [("default_rate", "0.10", "0.1"), ("conversion_price", "2.00", "2"), ("denomination", "1000.00", "1000")],
)
def test_equal_values_make_equal_deals_however_they_are_written(deal: nc.Deal, name: str, one: str, other: str) -> None:
    first, second = deal.replace(**{name: Decimal(one)}), deal.replace(**{name: Decimal(other)})
    terms = [made.term_table().drop(columns="value") for made in (first, second)]
    pd.testing.assert_frame_equal(*terms)
    assert first == second
    assert hash(first) == hash(second)


def test_dates_and_numbers_from_python_are_read_like_those_of_a_file(deal: nc.Deal) -> None:
    written = deal.replace(maturity=dt.date(2008, 6, 18), conversion_price=Decimal("1.75"), frequency=4)
    spoken = deal.replace(maturity="18 June 2008", conversion_price=np.float64(1.75), frequency=np.int64(4))
    assert written == spoken
    with pytest.raises(nc.DealFileError, match=r"maturity.value: must be after series.notes.issue_date \(2004-06-18\)"):
        deal.replace(maturity="2003-01-01")
    with pytest.raises(nc.TermError, match="`maturity` must be a date"):
        deal.replace(maturity="soon")


def test_who_gets_shares_has_no_rate_of_return(deal: nc.Deal) -> None:
    """The shares have no price here; without them the cash alone would show a loss."""
    events = [nc.Conversion("2005-06-10", 1_000_000, "loeb")]
    rates = deal.irr(by="holder", events=events)
    assert rates.index[rates["irr"].isna()].tolist() == ["Loeb Partners Corp."]
    assert deal.irr(events=events)["irr"].isna().all()


def test_a_changed_deal_says_so(deal: nc.Deal) -> None:
    other = deal.replace(conversion_price=1.75, frequency=4)
    assert repr(other).endswith("USD 29,000,000; replaced: frequency, conversion_price)")
    assert "replaced" not in repr(deal)


def test_the_share_of_one_holder_or_several(deal: nc.Deal) -> None:
    assert deal.holding("loeb") == deal.holding(["loeb"]) == pytest.approx(3.5 / 29, abs=1e-15)
    assert deal.holding([]) == 0


def test_a_single_event_is_no_list_of_events(deal: nc.Deal) -> None:
    with pytest.raises(nc.TermError, match="`events` must be a list of Conversion, Redemption or Repurchase"):
        deal.cashflows(events=nc.Conversion("2005-03-01", 1_000, "loeb"))  # type: ignore[arg-type]


def test_no_policy_is_no_reading(deal: nc.Deal) -> None:
    with pytest.raises(nc.TermError, match=r"`policy` must be one or more of .*; got \[\]"):
        deal.closing(policy=[])


def test_one_term_is_not_replaced_twice(deal: nc.Deal) -> None:
    path = "series.notes.conversion.conversion_price"
    with pytest.raises(nc.TermError, match="given once for each term; conversion_price names the same one"):
        deal.replace(**{"conversion_price": 2, path: 3})


def test_a_share_of_the_whole_is_no_percentage(deal: nc.Deal) -> None:
    with pytest.raises(nc.TermError, match="`share` must be a part of the whole, from 0 to 1; got 10.0"):
        deal.meets_threshold("control", 10)


def test_overdue_interest_needs_a_day_count_without_periods(deal: nc.Deal) -> None:
    other = deal.replace(default_rate=0.1, day_count="actual/actual icma")
    with pytest.raises(nc.TermError, match="`day_count` must be one that needs no coupon period"):
        other.overdue_interest(100, "2004-12-20", "2005-01-20")
