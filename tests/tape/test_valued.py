"""A tape of convertible notes: each valued as the array function values it, wrong cells reported beside good notes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import notecalc as nc

TERMS = {
    "settlement": "2004-09-01",
    "model": "tsiveriotis-fernandes",
    "accrued_on_conversion": "forfeited",
    "accuracy": "fast",
}
HAZARD = TERMS | {"model": "ayache-forsyth-vetzal"}


@pytest.fixture
def tape() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "issue_date": "2004-06-18",
            "maturity": ["2007-06-18", "2009-06-18", "2006-06-18"],
            "principal": 1_000_000,
            "annual_rate": [0.08, 0.0675, 0.05],
            "frequency": 2,
            "day_count": "30/360",
            "conversion_price": [1.85, 2.0, 10.0],
            "stock_price": [1.5, 2.5, 8.0],
            "volatility": [0.6, 0.5, 0.3],
            "risk_free": 0.03,
            "credit_spread": [0.08, 0.06, 0.02],
        },
        index=pd.Index(["A", "B", "C"], name="note"),
    )


def by_hand(tape: pd.DataFrame, **more) -> nc.Convertible:
    return nc.Convertible(
        periods=nc.resolve(tape.notecalc.notes()),
        conversions=[nc.ConversionWindow(conversion_price=tape["conversion_price"])],
        accrued_on_conversion="forfeited",
        **more,
    )


MARKET = ("stock_price", "volatility", "risk_free", "credit_spread")


def test_a_tape_is_valued_as_its_arrays_are(tape: pd.DataFrame) -> None:
    market = {name: tape[name].to_numpy() for name in MARKET} | {"model": TERMS["model"], "accuracy": "fast"}
    for found, expected in (
        (tape.notecalc.convertible_value(**TERMS), nc.convertible_value(by_hand(tape), "2004-09-01", **market)),
        (tape.notecalc.convertible_greeks(**TERMS), nc.convertible_greeks(by_hand(tape), "2004-09-01", **market)),
    ):
        assert found.index.equals(tape.index)
        assert [*found.columns] == [*expected._fields]
        for name in found:
            assert found[name].tolist() == getattr(expected, name).tolist()
        assert set(found.notecalc.units) == set(found.columns)


def test_numbers_come_from_arguments_or_columns_of_other_names(tape: pd.DataFrame) -> None:
    expected = tape.notecalc.convertible_value(**TERMS)
    other = tape.rename(columns={"stock_price": "Px Last", "volatility": "Volatility"}).drop(columns="risk_free")
    found = other.notecalc.map_columns(stock_price="Px Last").convertible_value(risk_free=0.03, **TERMS)
    pd.testing.assert_frame_equal(found, expected)
    with pytest.raises(nc.TermError, match="`risk_free` must be given, or a column of the frame"):
        other.notecalc.map_columns(stock_price="Px Last").convertible_value(**TERMS)
    with pytest.raises(nc.TermError, match="`stok_price` must be the name of a term.*Did you mean 'stock_price'"):
        other.notecalc.map_columns(stok_price="Px Last")
    with pytest.raises(TypeError, match="'stok_price'"):
        tape.notecalc.convertible_value(stok_price=1, **TERMS)


def test_credit_is_of_the_models_kind(tape: pd.DataFrame) -> None:
    both = tape.assign(hazard_rate=0.05, recovery_rate=0.4, stock_drop=1.0)
    found = both.notecalc.convertible_value(**HAZARD)
    assert not found["dirty_price"].equals(both.notecalc.convertible_value(**TERMS)["dirty_price"])
    with pytest.raises(nc.TermError, match="`hazard_rate` must be given"):
        tape.notecalc.convertible_value(**HAZARD)


def test_wrong_cells_are_reported_and_the_others_valued(tape: pd.DataFrame) -> None:
    expected = tape.notecalc.convertible_value(**TERMS)["dirty_price"]
    wrong = tape.assign(volatility=[0.6, -0.5, 0.3], stock_price=[1.5, 2.5, "eight"])
    found, report = wrong.notecalc.convertible_value(errors="report", **TERMS)
    assert found["dirty_price"].isna().tolist() == [False, True, True]
    assert found.loc["A", "dirty_price"] == expected["A"]
    assert report[["row", "column", "value"]].to_numpy().tolist() == [
        ["B", "volatility", "-0.5"],
        ["C", "stock_price", "eight"],
    ]
    with pytest.raises(nc.TapeError, match="row 'C', column 'stock_price'"):
        wrong.notecalc.convertible_value(**TERMS)


def test_a_blank_number_of_the_market_leaves_its_note_without_a_value(tape: pd.DataFrame) -> None:
    found = tape.assign(stock_price=[1.5, None, 8.0]).notecalc.convertible_value(**TERMS)
    assert found["dirty_price"].isna().tolist() == [False, True, False]


def test_calls_and_puts_are_columns_blank_where_a_note_has_none(tape: pd.DataFrame) -> None:
    options = tape.assign(
        call_price=[101.0, np.nan, 102.0], call_trigger=[1.2, np.nan, np.nan], call_start=["2005-06-18", None, None],
        put_price=[np.nan, 100.0, np.nan], put_date=[None, "2006-06-18", None],
    )  # fmt: skip
    found = options.notecalc.convertible_value(**TERMS)
    windows = {
        "calls": [
            nc.CallWindow(clean_price=[101, np.nan, 102], trigger=[1.2, 0, 0], start=["2005-06-18", None, "2004-06-18"])
        ],
        "puts": [
            nc.PutWindow(
                start=[None, "2006-06-18", None], end=[None, "2006-06-18", None], clean_price=[np.nan, 100, np.nan]
            )
        ],
    }
    market = {name: tape[name].to_numpy() for name in MARKET} | {"model": TERMS["model"], "accuracy": "fast"}
    expected = nc.convertible_value(by_hand(tape, **windows), "2004-09-01", **market)
    assert found["dirty_price"].tolist() == expected.dirty_price.tolist()
    plain = tape.notecalc.convertible_value(**TERMS)["dirty_price"]
    assert (found["dirty_price"] - plain > 0).tolist() == [False, True, False]


def test_half_a_put_is_reported(tape: pd.DataFrame) -> None:
    half = tape.assign(put_price=[100.0, 100.0, np.nan], put_date=["2005-06-18", None, "2005-06-18"])
    _, report = half.notecalc.convertible_value(errors="report", **TERMS)
    assert report[["row", "column", "allowed"]].to_numpy().tolist() == [
        ["B", "put_date", "given where there is a put_price"],
        ["C", "put_price", "given where there is a put_date"],
    ]


def test_an_empty_tape_has_no_values(tape: pd.DataFrame) -> None:
    found = tape.head(0).notecalc.convertible_value(**TERMS)
    assert found.empty
    assert "dirty_price" in found


# ---- term structures, dividends and rarer terms ----


def structures() -> dict[str, object]:
    return {
        "risk_free": nc.Curve.from_zero_rates(
            "2004-06-18", ["2005-06-18", "2009-06-18"], [0.02, 0.04], compounding="annual",
            interpolation="linear-zero-rates", day_count="actual/365 fixed",
        ),
        "volatility": nc.Steps(["2005-06-18", "2009-06-18"], [[0.6, 0.5], [0.5, 0.4], [0.3, 0.2]]),
    }  # fmt: skip


def test_term_structures_and_dividends_reach_each_note_whatever_others_are_wrong(tape: pd.DataFrame) -> None:
    days = pd.MultiIndex.from_tuples([("C", "2005-01-10"), ("B", "2005-03-01"), ("C", "2006-01-10")])
    data = {**structures(), "hazard_elasticity": 0.5, "dividends": pd.Series([0.4, 0.1, 0.5], index=days)}
    hazard = tape.assign(hazard_rate=0.05, recovery_rate=0.4, stock_drop=1.0)
    expected = nc.convertible_value(
        by_hand(tape), "2004-09-01", stock_price=tape["stock_price"].to_numpy(), hazard_rate=0.05, recovery_rate=0.4,
        stock_drop=1.0, hazard_elasticity=0.5, **structures(), dividend_dates=["2005-01-10", "2005-03-01", "2006-01-10"],
        dividend_amounts=[0.4, 0.1, 0.5], dividend_notes=[2, 1, 2], model=HAZARD["model"], accuracy="fast",
    ).dirty_price  # fmt: skip
    found = hazard.notecalc.convertible_value(**HAZARD, **data)
    assert found["dirty_price"].tolist() == expected.tolist()
    recipe = found.notecalc.recipe["arguments"]
    assert recipe["for_all"]["dividends"] == {
        "dates": ["2005-01-10", "2005-03-01", "2006-01-10"], "amounts": [0.4, 0.1, 0.5], "notes": [2, 1, 2],
    }  # fmt: skip
    assert recipe["numbers"]["risk_free"]["values"] == [0.02, 0.04]
    wrong = hazard.assign(stock_price=[-1.0, 2.5, 8.0])
    some, report = wrong.notecalc.convertible_value(errors="report", **HAZARD, **data)
    assert report["row"].tolist() == ["A"]
    assert some["dirty_price"].iloc[1:].tolist() == expected[1:].tolist()


def test_rarer_terms_are_columns_or_words_for_all(tape: pd.DataFrame) -> None:
    options = tape.assign(
        call_price=[101.0, np.nan, 102.0], call_trigger=1.2, call_make_whole_until=["2006-06-18", None, None],
        call_make_whole_rate=[0.05, np.nan, np.nan], put_price=[np.nan, 100.0, 100.0],
        put_date=[None, "2006-06-18", "2005-06-18"], put_end=[None, "2006-09-18", None], redemption_price_fraction=0.95,
    )  # fmt: skip
    words = {"call_days": (20, 30), "redemption_in": "shares", "accrued_on_call": "forfeited"}
    found = options.notecalc.convertible_value(**TERMS, **words)
    terms = by_hand(
        tape,
        calls=[
            nc.CallWindow(
                clean_price=[101, np.nan, 102], trigger=1.2, days=(20, 30), make_whole_until=["2006-06-18", None, None],
                make_whole_rate=[0.05, 0, 0],
            )
        ],
        puts=[
            nc.PutWindow(
                clean_price=[np.nan, 100, 100], start=[None, "2006-06-18", "2005-06-18"],
                end=[None, "2006-09-18", "2005-06-18"],
            )
        ],
        redemption_in="shares", redemption_price_fraction=0.95, accrued_on_call="forfeited",
    )  # fmt: skip
    market = {name: tape[name].to_numpy() for name in MARKET} | {"model": TERMS["model"], "accuracy": "fast"}
    assert found["dirty_price"].tolist() == nc.convertible_value(terms, "2004-09-01", **market).dirty_price.tolist()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"volatility": structures()["risk_free"]}, "`volatility` must be numbers, or Steps; got 'Curve'"),
        ({"stock_price": nc.Steps("2005-06-18", 0.5)}, "`stock_price` must be numbers; got 'Steps'"),
        ({"volatility": nc.Steps("2005-06-18", [[0.5], [0.6]])}, "one row of steps, or one for each of 3 notes; got '2 rows'"),
        ({"dividends": {"2005-06-18": 0.1}}, "`dividends` must be a Series of amounts by ex-date"),
        ({"dividends": pd.Series([0.1], index=pd.MultiIndex.from_tuples([("D", "2005-06-18")]))}, "of notes of the frame; got 'D'"),
        ({"call_days": (20, 30)}, "`call_days` must be left out without a `call_price`"),
        ({"redemption_in": "stock"}, "`redemption_in` must be"),
        ({"call_price": 101, "call_make_whole_rate": 0.05}, "left out without a call_make_whole_until"),
        ({"put_price": 100, "put_date": "2005-06-18", "put_end": "2005-06-17"}, "on or after put_date"),
    ],
    ids=range(9),
)  # fmt: skip
def test_what_no_note_can_have_is_refused(tape: pd.DataFrame, given: dict[str, object], words: str) -> None:
    with pytest.raises((nc.TermError, nc.TapeError), match=words):
        tape.notecalc.convertible_value(**TERMS, **given)


def test_a_note_that_outlives_the_curve_is_reported(tape: pd.DataFrame) -> None:
    short = nc.Curve.from_zero_rates(
        "2004-06-18", ["2008-06-18"], [0.03], compounding="annual", interpolation="linear-zero-rates", day_count="30/360"
    )  # fmt: skip
    found, report = tape.notecalc.convertible_value(risk_free=short, errors="report", **TERMS)
    assert found["dirty_price"].isna().tolist() == [False, True, False]
    assert report[["row", "column"]].to_numpy().tolist() == [["B", "risk_free"]]
    assert (
        report["allowed"].iloc[0]
        == "a curve from the day of valuation to the last payment, not from 2004-06-18 to 2008-06-18"
    )
