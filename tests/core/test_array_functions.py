"""What all public array functions have in common: like comes out of like, row by row, and nothing that came in changes.

One table names them, with columns of arguments for each; every test below runs over the whole table. A public function
that is in neither `TABLE` nor `NOT_BY_ROW` is an error, so that nobody forgets one.
"""

from __future__ import annotations

import datetime as dt
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import pytest

import notecalc as nc
import notecalc.core
from notecalc.core.money import interest_cents, round_half_up, to_cents, to_money
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve

FED = "us-federal-reserve"
NOTE = Notes(
    issue_date="2004-06-18", maturity="2007-06-18", principal=1, annual_rate=0, frequency=2, day_count="30/360"
)


PERIODS = resolve(
    Notes(
        issue_date="2004-06-18", maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2, day_count="30/360"
    )
)
CURVE = nc.Curve.from_zero_rates(
    "2004-06-18", ["2004-12-18", "2007-06-18", "2009-06-18"], [0.02, 0.03, 0.035],
    interpolation="linear-zero-rates", compounding="continuous", day_count="actual/365 fixed",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A function, four rows of arguments for it, and what it makes of a missing one."""

    function: Callable[..., Any]
    columns: dict[str, list[Any]]
    fixed: dict[str, Any] = field(default_factory=dict)
    missing: Any = np.nan
    """What a missing argument gives, or the words of the error that it is."""
    name: str = ""
    slow: bool = False
    """Whether a row takes seconds with compilation off."""

    def __str__(self) -> str:
        return self.name or self.function.__name__

    def __call__(self, **columns: Any) -> tuple[Any, ...]:
        """The parts of the result: those of a NamedTuple, or the one that it is."""
        got = self.function(**columns, **self.fixed)
        return got if isinstance(got, tuple) else (got,)

    def rows(self) -> list[tuple[Any, ...]]:
        """The function called row by row."""
        return [self(**dict(zip(self.columns, row, strict=True))) for row in zip(*self.columns.values(), strict=True)]


ISSUES = ["2004-06-18", dt.date(2004, 12, 18), np.datetime64("2005-06-18"), "18 December 2005"]
LATER = [dt.date(2004, 12, 18), "2005-03-31", pd.Timestamp("2005-12-18"), "2007-06-18"]
PRINCIPALS = [29_000_000, 1_050_000.5, Decimal("0.01"), 0]
RATES = [0.08, Decimal("0.115"), 0, -0.005]
SHARES = [45_000_000, 1, 0.5, 3_437_284]
PRICES = [1.85, 2, Decimal("1.97"), 0.01]
SETTLEMENTS = ["2004-06-18", dt.date(2004, 9, 1), pd.Timestamp("2005-12-18"), "1 May 2007"]
QUOTES = [100, 97.5, Decimal("103.25"), 60.0]
YIELDS = [0.08, 0.095, Decimal("0.0625"), -0.01]
STREET = {"periods": PERIODS, "compounding": "semi-annual", "simple_interest": "last-period"}
CONVERTIBLE = {
    "terms": nc.Convertible(
        periods=PERIODS, conversions=[nc.ConversionWindow(conversion_price=1.85)], accrued_on_conversion="forfeited"
    ),
    "risk_free": 0.03,
    "model": "tsiveriotis-fernandes",
    "credit_spread": 0.08,
    "accuracy": "fast",
}
BY_HAZARD = {
    **{name: value for name, value in CONVERTIBLE.items() if name != "credit_spread"},
    "model": "ayache-forsyth-vetzal",
    "hazard_rate": 0.08,
    "recovery_rate": 0.4,
    "stock_drop": 1,
}
STOCKS = {"stock_price": [1.5, 1, Decimal("1.97"), 3], "volatility": [0.6, 0.45, Decimal("0.5"), 0.3]}
NO_DATE = "must be a date; got 'NaT'"
NO_AMOUNT = "must be an amount, since cents are integers and can't be missing; got None"
NOT_WHOLE = "must be a whole number; got None"

TABLE = [
    Case(nc.year_fraction, {"start": ISSUES, "end": LATER}, {"day_count": "30/360"}),
    Case(nc.year_fraction, {"start": ISSUES, "end": LATER}, {"day_count": "actual/actual isda"}, name="year_fraction-isda"),
    Case(
        nc.year_fraction,
        {"start": ISSUES, "end": LATER, "period_start": ISSUES, "period_end": ["2004-12-18", "2005-06-18", "2005-12-18", "2006-12-18"],
         "frequency": [2, 2, 2, 1]},
        {"day_count": "actual/actual icma"}, name="year_fraction-icma",
    ),
    Case(nc.day_count_days, {"start": ISSUES, "end": LATER}, {"day_count": "actual/360"}, NO_DATE),
    Case(nc.accrued_interest, {"principal": PRINCIPALS, "annual_rate": RATES, "start": ISSUES, "end": LATER}, {"day_count": "30e/360"}),
    Case(nc.default_interest, {"amount": PRINCIPALS, "annual_rate": RATES, "due": ISSUES, "paid": LATER}, {"day_count": "actual/360"}),
    Case(
        nc.default_interest, {"amount": PRINCIPALS, "annual_rate": RATES, "due": ISSUES, "paid": LATER},
        {"day_count": "30/360", "compounding": "quarterly"}, name="default_interest-compounded",
    ),
    Case(
        nc.default_interest, {"amount": PRINCIPALS, "annual_rate": RATES, "due": ISSUES, "paid": LATER},
        {"day_count": "30/360", "compounding": "payment-dates", "periods": PERIODS}, name="default_interest-on-payment-dates",
    ),
    Case(nc.accrued_on, {"on": SETTLEMENTS}, {"periods": PERIODS}),
    Case(nc.interest_between, {"principal": PRINCIPALS, "annual_rate": RATES, "start": ISSUES, "end": LATER}, {"periods": resolve(NOTE)}),
    Case(nc.is_business_day, {"dates": ISSUES}, {"calendar": FED}, False),
    Case(nc.adjust, {"dates": ISSUES}, {"calendar": FED, "convention": "modified-following"}),
    Case(nc.adjust, {"dates": ISSUES}, {"calendar": FED, "convention": "unadjusted"}, name="adjust-unadjusted"),
    Case(nc.add_business_days, {"dates": ISSUES, "n": [0, 15, -2, 1]}, {"calendar": FED}),
    Case(nc.bond_equivalent_yield, {"irr": [0.0816, 0, -0.5, Decimal(3)]}),
    Case(nc.shares_on_conversion, {"principal": PRINCIPALS, "conversion_price": PRICES}),
    Case(
        nc.shares_on_conversion, {"principal": [1_000, 29_000_000, 0, 5_000], "conversion_price": PRICES},
        {"rounding": "per-note"}, name="shares_on_conversion-per-note",
    ),
    Case(nc.shares_to_reserve, {"principal": PRINCIPALS, "conversion_price": PRICES}),
    Case(nc.conversion_ratio, {"conversion_price": PRICES, "face": [1_000, 1, 100.0, 1_000]}),
    Case(nc.treasury_stock_method, {"shares": SHARES, "exercise_price": PRICES, "share_price": [2, 1.5, Decimal("1.97"), 3]}),
    *(
        Case(nc.exchange_payment, {"purchase_price": PRINCIPALS[1::-1] * 2, "surrendered": [3_975_000, 0, 1_050_000.5, 5_100_000]},
             {"policy": policy}, name=f"exchange_payment-{policy}")
        for policy in ("capped_forfeited", "capped_kept", "refunded", "full_satisfaction")
    ),
    *(
        Case(function, {"trigger": [1.5, 1.3, 1.2, 0.0], "volatility": [0.6, 0.4, 0.2, 0.3]},
             {"needed": 20, "of": 30, "days_a_year": 252})
        for function in (nc.on_the_day_trigger, nc.opening_day_trigger)
    ),
    Case(nc.diffusion_volatility, {"total_volatility": [0.6, 0.45, Decimal("0.5"), 0.3], "hazard_rate": [0.08, 0, Decimal("0.05"), 0.09]}),
    Case(nc.total_volatility, {"volatility": [0.6, 0.45, Decimal("0.5"), 0], "hazard_rate": [0.08, 0, Decimal("0.05"), 0.09]}),
    Case(to_cents, {"amounts": [29_000_000, 0.1 + 0.2, Decimal("-1.25"), 0]}, missing=NO_AMOUNT),
    Case(to_money, {"cents": [2_900_000_000, 30, Decimal(-125), 0]}),
    Case(round_half_up, {"numerator": [1, -1, 249, 0], "denominator": [2, 2, 100, 7]}, missing=NOT_WHOLE),
    Case(
        interest_cents,
        {"principal_cents": [2_900_000_000, 1, 0, -50], "numerator": [180, 183, 1, 66_491], "denominator": [360, 365, 1, 133_590]},
        {"rate": "0.08"}, NOT_WHOLE,
    ),
    Case(nc.coupon_days, {"settlement": SETTLEMENTS}, {"periods": PERIODS}),
    *(
        Case(function, {"settlement": SETTLEMENTS, "annual_yield": YIELDS}, STREET)
        for function in (nc.clean_price, nc.dirty_price, nc.macaulay_duration, nc.modified_duration, nc.convexity, nc.dv01)
    ),
    *(
        Case(function, {"settlement": SETTLEMENTS, "clean_price": QUOTES}, STREET)
        for function in (nc.yield_to_maturity, nc.yield_value_of_a_32nd)
    ),
    Case(nc.true_yield, {"settlement": SETTLEMENTS, "clean_price": QUOTES}, {**STREET, "day_count": "actual/365 fixed"}),
    Case(nc.current_yield, {"settlement": SETTLEMENTS, "clean_price": QUOTES}, {"periods": PERIODS}),
    Case(nc.g_spread, {"annual_yield": YIELDS, "maturity": LATER},
         {"government_maturities": ["2004-12-18", "2009-06-18"], "government_yields": [0.02, 0.04]}),
    Case(nc.clean_price_from_curve, {"settlement": SETTLEMENTS}, {"periods": PERIODS, "curve": CURVE}),
    Case(nc.z_spread, {"settlement": SETTLEMENTS, "clean_price": QUOTES},
         {"periods": PERIODS, "curve": CURVE, "compounding": "continuous", "day_count": "actual/365 fixed"}),
    Case(nc.par_asset_swap_spread, {"settlement": SETTLEMENTS, "clean_price": QUOTES},
         {"periods": PERIODS, "curve": CURVE, "frequency": 4, "day_count": "actual/360"}),
    Case(nc.forward_price, {"settlement": SETTLEMENTS, "clean_price": QUOTES},
         {"periods": PERIODS, "forward_date": "2007-06-01", "repo_rate": 0.03, "day_count": "actual/360"}),
    *(
        Case(function, {"settlement": SETTLEMENTS, **STOCKS}, CONVERTIBLE, slow=True)
        for function in (nc.convertible_value, nc.convertible_greeks)
    ),
    Case(nc.convertible_probabilities, {"settlement": SETTLEMENTS, **STOCKS}, BY_HAZARD, slow=True),
    Case(nc.convertible_implied, {"settlement": SETTLEMENTS, "clean_price": [120, 110.5, Decimal("115.25"), 500.0], "volatility": STOCKS["volatility"]},
         {"unknown": "stock_price", **CONVERTIBLE}, slow=True),
]  # fmt: skip

NOT_BY_ROW = {
    "exercise_boundary": "as many points as each row has",
    "irr": "one rate of many flows",
    "xirr": "one rate of the flows between two offsets",
    "periodic_irr": "one rate of the flows between two offsets",
    "yield_to_call": "call dates and prices have an axis of their own",
    "yield_to_put": "put dates and prices have an axis of their own",
    "yield_to_worst": "call dates and prices have an axis of their own",
    "resolve": "the periods of notes",
    "credit_steps": "steps, each from two rows",
    "volatility_steps": "steps, each from two rows",
    "ownership": "each count over the sum of all",
    "roll_forward": "the spans of notes",
    "schedule": "the periods of one note",
    "schedules": "the periods of notes",
    "get_calendar": "a calendar",
    "load": "a deal",
    "load_market": "a market",
    "load_scenarios": "a run of scenarios",
    "scenarios": "a run of scenarios",
    "example_tape": "a frame",
    "show_versions": "prints",
}


def columns_of(case, kind):
    return {name: kind(column) for name, column in case.columns.items()}


def objects(column):
    return np.array(column, dtype=object)


def as_read(case):
    """Columns as arrays of the dtypes that a user's frame would have."""
    arrays = {}
    for name, column in case.columns.items():
        if isinstance(column[0], str | dt.date | np.datetime64):
            arrays[name] = np.array([np.datetime64(pd.Timestamp(value), "D") for value in column])
        else:
            arrays[name] = np.array([float(value) for value in column])
    return arrays


def assert_rows(case, parts, order=range(4)):
    """Each part holds, row by row, what the function gave for the row alone."""
    expected = case.rows()
    for place, part in enumerate(parts):
        wanted = np.array([expected[row][place] for row in order])
        np.testing.assert_array_equal(np.asarray(part).reshape(-1).astype(wanted.dtype), wanted)


def params(cases):
    return [pytest.param(case, id=str(case), marks=[pytest.mark.compiled] if case.slow else []) for case in cases]


@pytest.fixture(params=params(TABLE))
def case(request):
    return request.param


@pytest.fixture(params=params(case for case in TABLE if len(case.columns) > 1))
def case_of_several(request):
    return request.param


# ---- nobody is forgotten ----


def public_functions():
    return {name for name in nc.__all__ if inspect.isroutine(getattr(nc, name))}


def decorated_functions():
    """Functions of core's modules that `array_function` made: it leaves their bodies behind it."""
    modules = [import_module(f"notecalc.core.{found.name}") for found in pkgutil.iter_modules(notecalc.core.__path__)]
    listed = [getattr(module, name) for module in modules for name in getattr(module, "__all__", ())]
    bodies = {member: getattr(member, "__wrapped__", None) for member in listed if inspect.isfunction(member)}
    # A context manager has a body too, which yields.
    return {member.__name__ for member, body in bodies.items() if body and not inspect.isgeneratorfunction(body)}


def test_every_public_array_function_is_in_the_table():
    named = {case.function.__name__ for case in TABLE}
    assert public_functions() - named == set(NOT_BY_ROW)
    assert len(decorated_functions()) >= 5
    assert decorated_functions() - named == set()


def test_rows_differ_from_one_another(case):
    """Otherwise a row in the wrong place would not show."""
    rows = [tuple(map(str, row)) for row in case.rows()]
    assert len(set(rows)) >= 2
    assert rows != rows[::-1]


# ---- like comes out of like ----


def test_scalars_give_scalars_of_python(case):
    for row in case.rows():
        for part in row:
            assert type(part) in (float, int, bool, np.datetime64)
    zero_dimensional = {name: np.array(column[0], dtype=object) for name, column in case.columns.items()}
    np.testing.assert_array_equal(case(**zero_dimensional), case.rows()[0])


@pytest.mark.parametrize("kind", [list, tuple, objects, pd.Index])
def test_anything_else_gives_arrays_row_by_row(case, kind):
    parts = case(**columns_of(case, kind))
    assert {type(part) for part in parts} == {np.ndarray}
    assert {part.shape for part in parts} == {(4,)}
    assert_rows(case, parts)


def test_arrays_give_arrays_row_by_row(case):
    assert_rows(case, case(**as_read(case)))


def test_results_have_one_dtype_however_arguments_came(case):
    of_lists = [part.dtype for part in case(**columns_of(case, list))]
    assert [part.dtype for part in case(**as_read(case))] == of_lists
    assert {dtype.kind for dtype in of_lists} <= set("fibM")
    assert [part.dtype for part in case(**columns_of(case, lambda _: []))] == of_lists


def test_series_give_series_with_their_index_and_name(case):
    index = pd.Index(["d", "b", "a", "b"], name="holder")
    parts = case(**columns_of(case, lambda column: pd.Series(column, index=index, name="note", dtype=object)))
    for part in parts:
        assert type(part) is pd.Series
        assert part.index.equals(index)
        assert part.index.name == "holder"
        assert part.name == "note"
    assert_rows(case, parts)


def test_shuffled_series_stay_shuffled(case):
    order = [2, 0, 3, 1]
    shuffled = {name: pd.Series(column)[order] for name, column in as_read(case).items()}
    parts = case(**shuffled)
    assert [part.index.tolist() for part in parts] == [order] * len(parts)
    assert_rows(case, parts, order)
    assert_rows(case, [part.sort_index() for part in parts])  # by label, as if never shuffled


@pytest.mark.parametrize("dtype", ["category", "object"])
def test_columns_of_other_dtypes_give_the_same(case, dtype):
    assert_rows(case, case(**{name: pd.Series(column).astype(dtype) for name, column in as_read(case).items()}))


def test_one_series_among_scalars_and_arrays_makes_a_series(case_of_several):
    case = case_of_several
    for chosen in case.columns:
        columns = columns_of(case, list) | {chosen: pd.Series(case.columns[chosen], index=[7, 5, 5, 1], name=chosen)}
        parts = case(**columns)
        for part in parts:
            assert part.index.tolist() == [7, 5, 5, 1]
            assert part.name == chosen
        assert_rows(case, parts)


def test_a_scalar_stands_for_each_row(case_of_several):
    case = case_of_several
    first = {name: column[0] for name, column in case.columns.items()}
    for chosen, column in case.columns.items():
        repeated = first | {chosen: [column[0]] * 3}
        for part, alone in zip(case(**repeated), case(**first), strict=True):
            np.testing.assert_array_equal(part, [alone] * 3)


def test_columns_broadcast_against_rows(case):
    """Four rows below one another are four rows, and two copies side by side two columns."""
    below = {name: [[value] for value in column] for name, column in case.columns.items()}
    parts = case(**below)
    assert {part.shape for part in parts} == {(4, 1)}
    assert_rows(case, parts)
    chosen = next(iter(case.columns))
    beside = below | {chosen: [[value, value] for value in case.columns[chosen]]}
    for part, one in zip(case(**beside), parts, strict=True):
        assert part.shape == (4, 2)
        np.testing.assert_array_equal(part, np.broadcast_to(one, (4, 2)))


def test_nothing_gives_nothing(case):
    index = pd.Index([], dtype=str, name="holder")
    for empty in ([], (), np.array([])):
        parts = case(**columns_of(case, lambda _, empty=empty: empty))
        assert {(type(part), part.shape) for part in parts} == {(np.ndarray, (0,))}
    assert {part.shape for part in case(**columns_of(case, lambda _: np.empty((3, 0))))} == {(3, 0)}
    for part in case(**columns_of(case, lambda _: pd.Series([], index=index, name="note", dtype=float))):
        assert part.empty
        assert (part.index.name, part.name) == ("holder", "note")
    first = {name: column[0] for name, column in case.columns.items()}
    for chosen in case.columns:
        assert {part.shape for part in case(**first | {chosen: []})} == {(0,)}


# ---- what is refused ----


def test_series_in_unlike_order_are_not_put_together(case_of_several):
    case = case_of_several
    names = list(case.columns)
    for chosen in names[1:]:
        columns = columns_of(case, lambda column: pd.Series(column, index=[0, 1, 2, 3]))
        columns[chosen] = pd.Series(case.columns[chosen], index=[3, 2, 1, 0])
        recipe = r"Use \.align\(\) to match by label, or \.to_numpy\(\) to match by position"
        with pytest.raises(nc.IndexMismatchError, match=f"must be a Series with the same index as `.*`; .*{recipe}"):
            case(**columns)
        # and by either recipe it works
        columns[chosen] = columns[chosen].to_numpy()
        assert_rows(case, case(**columns))


def test_columns_of_unlike_length_are_not_put_together(case_of_several):
    case = case_of_several
    for chosen in case.columns:
        with pytest.raises(nc.TermError, match="must be arrays whose shapes broadcast together; got "):
            case(**columns_of(case, list) | {chosen: case.columns[chosen][:3]})
        with pytest.raises(nc.TermError, match="broadcast together|as long as the Series given"):
            case(**columns_of(case, pd.Series) | {chosen: case.columns[chosen][:3]})


def test_texts_and_truth_values_are_no_arguments(case):
    for chosen in case.columns:
        for wrong in ("whatever", True):
            with pytest.raises(nc.TermError, match=f"`{chosen}` must be a .*; got {wrong!r} at row 2"):
                case(**columns_of(case, list) | {chosen: [*case.columns[chosen][:2], wrong, case.columns[chosen][3]]})


# ---- missing values ----


@pytest.mark.parametrize("kind", [list, lambda column: pd.Series(column, dtype=object)], ids=["list", "series"])
def test_a_missing_argument_makes_its_row_missing_and_no_other(case, kind):
    for chosen, column in case.columns.items():
        columns = columns_of(case, kind) | {chosen: kind([column[0], None, *column[2:]])}
        if isinstance(case.missing, str):
            with pytest.raises(nc.TermError, match=f"`{chosen}` {case.missing} at row 1"):
                case(**columns)
            continue
        for place, part in enumerate(case(**columns)):
            values = np.asarray(part)
            if case.missing is False:
                assert values[1] == False  # noqa: E712 (the value, not its truth)
            else:
                assert pd.isna(values[1])
            for row in (0, 2, 3):
                np.testing.assert_array_equal(values[row], case.rows()[row][place])


def test_a_missing_scalar_is_missing(case):
    first = {name: column[0] for name, column in case.columns.items()}
    for chosen, value in first.items():
        parameter = inspect.signature(case.function).parameters.get(chosen)
        left_out = parameter is not None and parameter.default is None  # then None is no missing value
        missing = None if not left_out else pd.NaT if isinstance(value, str) else float("nan")
        if isinstance(case.missing, str):
            with pytest.raises(nc.TermError, match=f"`{chosen}` {case.missing}$"):
                case(**first | {chosen: missing})
        elif case.missing is False:
            assert case(**first | {chosen: missing}) == (False,)
        else:
            assert all(pd.isna(part) for part in case(**first | {chosen: missing}))


# ---- nothing that came in changes ----


def test_arguments_are_never_changed(case):
    for kind in (list, objects, lambda column: pd.Series(column, dtype=object)):
        given = columns_of(case, kind)
        case(**given)
        for name, column in case.columns.items():
            assert list(given[name]) == column


def test_arguments_may_be_read_only_and_results_are_the_callers_own(case):
    arrays = as_read(case)
    for array in arrays.values():
        array.flags.writeable = False
    for part in case(**arrays):
        assert part.flags.writeable
        assert not any(np.shares_memory(part, array) for array in arrays.values())
    assert_rows(case, case(**arrays))


def test_results_of_series_are_the_callers_own(case):
    frame = {name: pd.Series(array) for name, array in as_read(case).items()}
    before = {name: column.copy() for name, column in frame.items()}
    for part in case(**frame):
        part.iloc[:] = part.iloc[0]
    for name, column in frame.items():
        pd.testing.assert_series_equal(column, before[name])
