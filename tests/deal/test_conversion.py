"""Conversion of one holder's principal: whole shares, cash in lieu, and what becomes of accrued interest."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import notecalc as nc


def test_a_million_between_coupons(deal: nc.Deal) -> None:
    """1,000,000 / 1.85 = 540,540.54...; 540,540 shares are 999,999.00; 90 days of 8% are forfeited."""
    row = deal.convert(1_000_000, on="2005-03-18", holder="loeb").iloc[0]
    assert row["holder"] == "Loeb Partners Corp."
    assert row["on"] == pd.Timestamp("2005-03-18")
    assert row["conversion_price"] == 1.85
    assert row["shares"] == 540_540
    assert row["shares_exact"] == pytest.approx(1_000_000 / 1.85, rel=1e-15)
    assert row["cash_in_lieu"] == 1.00
    assert row["accrued_interest"] == 1_000_000 * 0.08 * 90 / 360
    assert (row["accrued_paid"], row["accrued_forfeited"], row["coupon_kept"]) == (0, 20_000, 0)
    assert "forfeited" in row["accrued_treatment"]


@pytest.mark.parametrize(
    ("treatment", "on", "paid", "forfeited", "kept"),
    [
        # the record date of the coupon of 18 December is 3 December; 165 days have accrued then, 166 a day later
        ("forfeited-before-record-date", "2004-12-03", 0, 36_666.67, 0),
        ("forfeited-before-record-date", "2004-12-04", 0, 0, 40_000),
        ("forfeited-before-record-date", "2004-12-17", 0, 0, 40_000),
        ("forfeited-before-record-date", "2004-12-18", 0, 0, 0),  # the coupon is paid first, and a new period begins
        ("forfeited-before-record-date", "2004-12-19", 0, 222.22, 0),
        ("forfeited", "2004-12-04", 0, 36_888.89, 0),
        ("forfeited", "2004-12-18", 0, 0, 0),
        ("paid", "2004-12-03", 36_666.67, 0, 0),
        ("paid", "2004-12-04", 36_888.89, 0, 0),
        ("paid", "2004-12-18", 0, 0, 0),
        ("paid", "2004-06-18", 0, 0, 0),
    ],
)
def test_accrued_interest_by_the_terms(
    deal: nc.Deal, treatment: str, on: str, paid: float, forfeited: float, kept: float
) -> None:
    terms = {"series.notes.conversion.accrued_interest": treatment}
    row = deal.replace(**terms).convert(1_000_000, on=on).iloc[0]
    assert row["accrued_paid"] == paid
    assert row["accrued_forfeited"] == forfeited
    assert row["coupon_kept"] == kept


def test_rounding_per_note(deal: nc.Deal) -> None:
    """Each 1,000 gives 540 shares, and 1,000 - 540 x 1.85 = 1.00 in cash."""
    row = deal.replace(share_rounding="per-note").convert(10_000, on="2005-03-18").iloc[0]
    assert (row["shares"], row["cash_in_lieu"]) == (5_400, 10.00)


def test_fractions_may_be_dropped(deal: nc.Deal) -> None:
    row = deal.replace(fractions="dropped").convert(1_000_000, on="2005-03-18").iloc[0]
    assert (row["shares"], row["cash_in_lieu"]) == (540_540, 0)


@pytest.mark.parametrize(
    ("price", "principal", "shares", "cash"),
    [
        ("2", 29_000_000, 14_500_000, 0),
        ("0.29", 29_000_000, 100_000_000, 0),
        ("0.07", 7_000, 100_000, 0),
        ("1.1", 11_000, 10_000, 0),
        ("3", 1_000, 333, 1.00),  # 333 x 3 = 999
        ("86.14", 1_000, 11, 52.46),  # 11 x 86.14 = 947.54
        ("1.8503", 1_000, 540, 0.84),  # 540 x 1.8503 = 999.162; 0.838 half up
        ("1001", 1_000, 0, 1000),  # less than a share
    ],
)
def test_whole_shares_and_the_rest_in_cash(deal: nc.Deal, price: str, principal: int, shares: int, cash: float) -> None:
    row = deal.replace(conversion_price=Decimal(price)).convert(principal, on="2005-03-18").iloc[0]
    assert (row["shares"], row["cash_in_lieu"]) == (shares, cash)


def test_the_whole_series(deal: nc.Deal) -> None:
    row = deal.convert(29_000_000, on="2006-06-19").iloc[0]
    assert (row["holder"], row["shares"], row["cash_in_lieu"]) == (
        "one holder",
        15_675_675,
        1.25,
    )  # 15,675,675 x 1.85 = 28,999,998.75


def test_arrays_broadcast(deal: nc.Deal) -> None:
    table = deal.convert([1_000, 2_000, 3_000], on="2005-03-18", holder="tejas")
    assert table["principal"].tolist() == [1_000, 2_000, 3_000]
    assert table["shares"].tolist() == [540, 1_081, 1_621]  # 540.5, 1081.08, 1621.6
    dates = deal.convert(1_000, on=["2005-03-18", "2005-06-18", "2005-06-19"])
    assert dates["accrued_interest"].tolist() == [20, 0, 0.22]
    together = deal.convert(np.array([1_000, 2_000]), on=pd.Series(["2005-03-18", "2005-06-19"]))
    assert together["accrued_interest"].tolist() == [20, 0.44]


def test_a_column_of_principals_against_a_row_of_dates(deal: nc.Deal) -> None:
    table = deal.convert([[1_000], [2_000]], on=["2005-03-18", "2005-06-19"])
    assert table["principal"].tolist() == [1_000, 1_000, 2_000, 2_000]
    assert table["accrued_interest"].tolist() == [20, 0.22, 40, 0.44]


def test_series_of_different_indexes_are_not_matched_in_silence(deal: nc.Deal) -> None:
    principal, on = pd.Series([1_000, 2_000]), pd.Series(["2005-03-18", "2005-06-19"], index=[1, 0])
    with pytest.raises(nc.IndexMismatchError, match=r"`on` must be a Series with the same index as `principal`"):
        deal.convert(principal, on=on)


def test_no_rows_from_no_conversions(deal: nc.Deal) -> None:
    pd.testing.assert_series_equal(
        deal.convert([], on="2005-03-18").dtypes, deal.convert(1_000, on="2005-03-18").dtypes
    )


def test_holder_by_key_or_by_name(deal: nc.Deal) -> None:
    by_key = deal.convert(1_000, on="2005-03-18", holder="loeb")
    pd.testing.assert_frame_equal(by_key, deal.convert(1_000, on="2005-03-18", holder="Loeb Partners Corp."))


def test_a_window_of_dates(deal: nc.Deal) -> None:
    assert len(deal.convert(1_000, on=["2004-06-18", "2007-06-18"])) == 2


@settings(max_examples=60)
@given(thousands=st.integers(1, 29_000), price=st.integers(1, 10**6))
def test_shares_and_cash_are_worth_the_principal(deal: nc.Deal, thousands: int, price: int) -> None:
    """Prices in hundredths of a cent; the cash is the fraction at the price, half up to the cent."""
    principal, exact = thousands * 1000, Fraction(price, 10_000)
    row = deal.replace(conversion_price=Decimal(price) / 10_000).convert(principal, on="2005-03-18").iloc[0]
    shares = floor(principal / exact)
    assert row["shares"] == shares
    assert round(row["cash_in_lieu"] * 100) == floor((principal - shares * exact) * 100 + Fraction(1, 2))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"principal": 1_500}, "`principal` must be a positive multiple of 1,000.00; got .*1500"),
        ({"principal": 0}, "`principal` must be a positive multiple of 1,000.00"),
        ({"principal": -1_000}, "`principal` must be a positive multiple of 1,000.00"),
        ({"principal": [1_000, 1_500]}, "`principal` must be a positive multiple of 1,000.00; got .*1500.* at row 1"),
        ({"principal": 29_001_000}, "`principal` must be at most what all holders hold, 29,000,000.00"),
        ({"principal": 501_000, "holder": "tejas"}, "`principal` must be at most what .* 500,000.00"),
        ({"principal": float("nan")}, "`principal` must be"),
        ({"principal": "a lot"}, "`principal` must be a number; got 'a lot'"),
        ({"principal": 1_000.005}, "`principal` must be in whole cents"),
        ({"on": "2004-06-17"}, "`on` must be a day on which notes convert, 2004-06-18 to 2007-06-18; got '2004-06-17'"),
        ({"on": "2007-06-19"}, "`on` must be a day on which notes convert, .*; got '2007-06-19'"),
        ({"on": ["2005-06-19", "2007-06-19"]}, "`on` must be a day .* at row 1"),
        ({"on": None}, "`on` must be"),
        ({"on": "2005-03-18 09:00"}, "`on` must be a date without a time of day"),
        ({"holder": "texas"}, r"`holder` must be one of greywolf-overseas, .*; got 'texas'. Did you mean 'tejas'\?"),
        ({"principal": [1_000, 2_000], "on": ["2005-03-18"] * 3}, "principal.* must be arrays whose shapes broadcast"),
    ],
    ids=range(16),
)
def test_errors_say_what_may_be(deal: nc.Deal, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(nc.TermError, match=words):
        deal.convert(**({"principal": 1_000, "on": "2005-03-18"} | arguments))


def test_a_period_of_waiting(deal: nc.Deal) -> None:
    import datetime as dt

    waiting = deal.replace(first_date=dt.date(2004, 12, 18))
    with pytest.raises(nc.TermError, match="a day on which notes convert, 2004-12-18 to 2007-06-18"):
        waiting.convert(1_000, on="2004-12-17")
    assert waiting.convert(1_000, on="2004-12-18")["shares"].tolist() == [540]
