"""A market says of each datum where it comes from, does not change, and is equal to what says the same."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

import notecalc as nc


def market(**changes: object) -> nc.Market:
    data = {
        "stock_price": nc.Quote(1.5, assumed="not public", alternatives=(1.3, 1.7)),
        "volatility": 0.6,
        "risk_free": nc.Quote(0.03, source="H.15, 2004-06-18"),
        "credit": nc.CreditSpread(0.08),
    }
    return nc.Market(**data | changes)


def test_what_is_given_alone_is_the_callers_assumption() -> None:
    table = market().table().set_index("datum")
    assert table.loc["volatility", "assumed"] == "given by the caller"
    assert table.loc["credit_spread", "assumed"] == "given by the caller"
    assert table.loc["risk_free", ["source", "assumed"]].tolist() == ["H.15, 2004-06-18", ""]
    assert table.loc["stock_price", "alternatives"] == "1.3; 1.7"


def test_markets_are_equal_by_what_they_say() -> None:
    assert market() == market()
    assert hash(market()) == hash(market())
    assert market() != market(volatility=0.61)
    assert market() != market(risk_free=nc.Quote(0.03, source="H.15, 2004-06-21"))
    assert market(volatility=[0.5, 0.6]) == market(volatility=np.array([0.5, 0.6]))
    assert market(credit=nc.CreditSpread(0.08)) != market(credit=nc.Hazard(0.08, recovery_rate=0.4, stock_drop=1))
    claims = [nc.Hazard(0.08, 0.4, 1, claim=claim) for claim in ("principal", "principal-and-accrued")]
    assert market(credit=claims[0]) != market(credit=claims[1])
    assert pickle.loads(pickle.dumps(market())) == market()


def test_a_market_does_not_change_with_what_it_was_made_from() -> None:
    prices = np.array([1.0, 2.0])
    series = pd.Series([0.5, 0.6])
    made = market(stock_price=prices, volatility=series)
    before = made.digest
    prices[0] = 9.0
    series.iloc[0] = 9.0
    assert made.digest == before
    with pytest.raises(AttributeError):
        made.stock_price = 2  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        made.stock_price.value[0] = 9.0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nc.Quote(1.5), "`source or assumed` must be one of the two"),
        (lambda: nc.Quote(1.5, source="a", assumed="b"), "got 'both'"),
        (lambda: nc.Quote(1.5, source=""), "a text that is not empty"),
        (lambda: nc.Quote(1.5, source="a", alternatives=(1,)), "left out where there is a source"),
        (lambda: market(credit=0.08), r"`credit` must be a CreditSpread or a Hazard; got 0.08. A spread and a hazard"),
        (lambda: nc.Hazard(0.08, 0.4, 1, claim="par"), "`claim` must be 'principal' or"),
    ],
    ids=range(6),
)
def test_what_is_no_datum_is_refused(make, words) -> None:
    with pytest.raises(nc.TermError, match=words):
        make()


def test_data_are_changed_by_name_and_keep_the_others() -> None:
    changed = market().with_quotes({"volatility": nc.Quote(0.5, source="a"), "credit_spread": 0.1})
    table = changed.table().set_index("datum")
    assert table["value"].to_dict() == {
        "stock_price": "1.5",
        "volatility": "0.5",
        "risk_free": "0.03",
        "credit_spread": "0.1",
    }
    assert "volatility" not in market().with_quotes({"volatility": None}).quotes()


def test_a_table_tells_what_is_more_than_a_number() -> None:
    curve = nc.Curve.from_zero_rates(
        "2004-06-18", ["2007-06-18"], [0.03], compounding="continuous", interpolation="linear-zero-rates",
        day_count="actual/365 fixed",
    )  # fmt: skip
    steps = nc.Steps(["2005-06-18", "2007-06-18"], [0.6, 0.5])
    table = market(
        stock_price=np.linspace(1, 2, 5), volatility=steps, risk_free=curve, dividends={"2005-01-10": 0.02}
    ).table()
    assert table["value"].tolist() == [
        "5 values, 1.0 to 2.0", "0.6 to 2005-06-18, 0.5 to 2007-06-18", "zero rates 0.03 on 2007-06-18", "0.08", "0.02 on 2005-01-10"
    ]  # fmt: skip
