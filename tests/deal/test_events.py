"""Cash flows after conversions, redemptions and repurchases: the arithmetic of each event, and what no event changes."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import notecalc as nc

HOLDERS = ["greywolf-overseas", "greywolf-partners", "tejas", "schottenfeld", "lampe-conway", "singer", "loeb",
           "jmg-triton", "windward"]  # fmt: skip
PRINCIPALS = [1_450_000, 1_050_000, 500_000, 500_000, 3_500_000, 3_500_000, 3_500_000, 10_000_000, 5_000_000]


def row_of(flows: pd.DataFrame, kind: str) -> pd.Series[Any]:
    found = flows.loc[flows["kind"] == kind]
    assert len(found) == 1
    return found.iloc[0]


def interest_after(flows: pd.DataFrame, day: str) -> list[float]:
    return flows.loc[flows["kind"].isin(["coupon", "maturity"]) & (flows["payment_date"] > day), "interest"].tolist()


# ---- conversion ----


def test_a_conversion_between_coupons_forfeits_what_has_accrued(deal: nc.Deal) -> None:
    """18 December to 1 March is 73 days of 30/360; 1,000,000 x 8% x 73/360 = 16,222.22."""
    flows = deal.cashflows(events=[nc.Conversion("2005-03-01", 1_000_000, "loeb")])
    row = row_of(flows, "conversion")
    assert (row["interest"], row["interest_forfeited"]) == (0, 16_222.22)
    assert (row["shares"], row["cash_in_lieu"], row["total"]) == (540_540, 1.00, 1.00)
    assert interest_after(flows, "2005-03-01") == [28_000_000 * 0.04] * 5
    assert flows["principal"].sum() == 28_000_000


def test_it_is_the_holder_who_converts(deal: nc.Deal) -> None:
    flows = deal.cashflows(by="holder", events=[nc.Conversion("2005-03-01", 1_000_000, "loeb")])
    assert flows.loc[flows["shares"] > 0, "holder"].tolist() == ["Loeb Partners Corp."]
    loeb = flows.loc[flows["holder"] == "Loeb Partners Corp."]
    assert interest_after(loeb, "2005-03-01") == [100_000] * 5
    others = flows.loc[flows["holder"] == "Windward Capital, L.P."]
    assert interest_after(others, "2004-07-01") == [200_000] * 6


def test_after_the_record_date_the_coupon_stays_with_the_holder(deal: nc.Deal) -> None:
    """The record date of 18 December 2004 is the 3rd."""
    before = deal.cashflows(events=[nc.Conversion("2004-12-03", 1_000_000, "loeb")])
    after = deal.cashflows(events=[nc.Conversion("2004-12-04", 1_000_000, "loeb")])
    assert interest_after(before, "2004-07-01") == [1_120_000] * 6
    assert row_of(before, "conversion")["interest_forfeited"] == 36_666.67  # 165 days
    assert interest_after(after, "2004-07-01") == [1_160_000, *[1_120_000] * 5]
    assert row_of(after, "conversion")["interest_forfeited"] == 0


@pytest.mark.parametrize(("treatment", "paid", "forfeited"), [("paid", 36_888.89, 0), ("forfeited", 0, 36_888.89)])
def test_accrued_interest_by_the_deals_terms(deal: nc.Deal, treatment: str, paid: float, forfeited: float) -> None:
    """166 days on 4 December: 1,000,000 x 8% x 166/360."""
    other = deal.replace(**{"series.notes.conversion.accrued_interest": treatment})
    flows = other.cashflows(events=[nc.Conversion("2004-12-04", 1_000_000, "loeb")])
    row = row_of(flows, "conversion")
    assert (row["interest"], row["interest_forfeited"]) == (paid, forfeited)
    assert interest_after(flows, "2004-12-04") == [1_120_000] * 6


def test_on_a_coupon_date_the_coupon_is_paid_first(deal: nc.Deal) -> None:
    """18 December 2004 is a Saturday, paid on the 20th; between the two the new period has begun."""
    for day in ("2004-12-18", "2004-12-19"):
        flows = deal.cashflows(events=[nc.Conversion(day, 1_000_000, "loeb")])
        assert interest_after(flows, "2004-07-01") == [1_160_000, *[1_120_000] * 5]
        assert row_of(flows, "conversion")["period"] == 2


def test_what_converts_at_maturity_has_had_its_last_coupon(deal: nc.Deal) -> None:
    flows = deal.cashflows(events=[nc.Conversion("2007-06-18", 3_500_000, "loeb")])
    row = row_of(flows, "conversion")
    assert (row["interest"], row["interest_forfeited"], row["shares"]) == (0, 0, 1_891_891)
    assert interest_after(flows, "2004-07-01") == [1_160_000] * 6
    assert row_of(flows, "maturity")["principal"] == 25_500_000


def test_when_all_have_converted_nothing_more_is_paid(deal: nc.Deal) -> None:
    events = [nc.Conversion("2005-01-03", own, holder) for holder, own in zip(HOLDERS, PRINCIPALS, strict=True)]
    flows = deal.cashflows(events=events)
    assert flows["shares"].sum() == 15_675_670  # whole shares, holder by holder
    assert interest_after(flows, "2005-01-01") == [0] * 5
    assert flows["principal"].sum() == 0


def test_the_conversion_price_at_work_is_the_deals(deal: nc.Deal) -> None:
    flows = deal.replace(conversion_price=2).cashflows(events=[nc.Conversion("2005-03-01", 1_001_000, "loeb")])
    assert (flows["shares"].sum(), flows["cash_in_lieu"].sum()) == (500_500, 0)


# ---- redemption and repurchase ----


def test_a_redemption_is_in_proportion_and_in_whole_notes(deal: nc.Deal) -> None:
    """5,000 notes over 29,000: the shares cut to whole notes make 4,998; the two left go to the largest remainders.

    They are those of the three holders of 3,500 (603.45 each), and among these to the first two of the register.
    """
    flows = deal.cashflows(by="holder", events=[nc.Redemption("2006-03-01", 5_000_000)])
    row = flows.loc[flows["kind"] == "redemption"]
    assert row["principal"].tolist() == [1000 * n for n in (250, 181, 86, 86, 604, 604, 603, 1724, 862)]
    # 73 days of 30/360 since 18 December 2005
    assert row["interest"].sum() == 81_111.11  # 5,000,000 x 8% x 73/360
    assert flows.loc[flows["kind"] == "maturity", "principal"].sum() == 24_000_000


def test_a_premium_stands_beside_the_principal(deal: nc.Deal) -> None:
    flows = deal.cashflows(events=[nc.Redemption("2005-06-18", 29_000_000, price=102.5)])
    row = row_of(flows, "redemption")
    assert (row["principal"], row["premium"], row["interest"]) == (29_000_000, 725_000, 0)
    assert str(row["payment_date"].date()) == "2005-06-20"  # 18 June 2005 is a Saturday
    assert interest_after(flows, "2005-06-20") == [0] * 4


def test_a_redemption_is_at_the_deals_premium_unless_it_says_another(deal: nc.Deal) -> None:
    """4% of 5,000,000; 0.125 per 100 on 1,000 is 1.25; a premium of half a cent is paid up."""
    dear = deal.replace(prepayment_premium=0.04)
    assert row_of(dear.cashflows(events=[nc.Redemption("2006-03-01", 5_000_000)]), "redemption")["premium"] == 200_000
    at_par = nc.Redemption("2006-03-01", 5_000_000, price=100)
    assert row_of(dear.cashflows(events=[at_par]), "redemption")["premium"] == 0
    assert row_of(deal.cashflows(events=[nc.Redemption("2006-03-01", 5_000_000)]), "redemption")["premium"] == 0
    half = nc.Repurchase("2006-03-01", 1_000, "tejas", price="100.0005")
    assert row_of(deal.cashflows(events=[half]), "repurchase")["premium"] == 0.01
    assert row_of(dear.cashflows(events=[nc.Repurchase("2006-03-01", 1_000, "tejas")]), "repurchase")["premium"] == 0


def test_a_repurchase_below_par_is_from_one_holder(deal: nc.Deal) -> None:
    """500,000 at 95: a discount of 25,000; 73 days of interest on it, 8,111.11."""
    flows = deal.cashflows(by="holder", events=[nc.Repurchase("2005-03-01", 500_000, "tejas", price=95)])
    row = flows.loc[(flows["kind"] == "repurchase") & (flows["total"] != 0)]
    assert row["holder"].tolist() == ["Tejas Securities Group, Inc."]
    assert row[["principal", "premium", "interest", "total"]].iloc[0].tolist() == [
        500_000,
        -25_000,
        8_111.11,
        483_111.11,
    ]
    tejas = flows.loc[flows["holder"] == "Tejas Securities Group, Inc."]
    assert interest_after(tejas, "2005-03-01") == [0] * 5


def test_after_the_record_date_a_repurchase_pays_interest_once(deal: nc.Deal) -> None:
    """10 December is after the record date; 172 days accrued are paid with the price, and no coupon on top."""
    flows = deal.cashflows(events=[nc.Repurchase("2004-12-10", 3_500_000, "loeb")])
    assert row_of(flows, "repurchase")["interest"] == 133_777.78  # 3,500,000 x 8% x 172/360
    assert interest_after(flows, "2004-12-10")[0] == 25_500_000 * 0.04


# ---- several events ----


def test_events_are_taken_in_the_order_of_their_days(deal: nc.Deal) -> None:
    events = [nc.Redemption("2006-03-01", 5_000_000), nc.Conversion("2005-03-01", 1_000_000, "loeb")]
    pd.testing.assert_frame_equal(deal.cashflows(events=events), deal.cashflows(events=events[::-1]))
    assert deal.cashflows(events=events)["outstanding"].tolist() == [0, *[29e6] * 2, *[28e6] * 3, *[23e6] * 3]


def test_irr_counts_the_cash_and_not_the_shares(deal: nc.Deal) -> None:
    """Redeemed at par at once for a year's 8% on unadjusted dates: 4% twice a year is 8.16% a year."""
    plain = deal.replace(business_day_convention="unadjusted", day_count="actual/365 fixed", elects="none")
    rate = plain.irr(events=[nc.Redemption("2005-06-18", 29_000_000)]).loc["all", "irr"]
    first = 29_000_000 * 0.08 * 183 / 365
    last = 29_000_000 * (1 + 0.08 * 182 / 365)
    worth = first / (1 + rate) ** (183 / 365) + last / (1 + rate)
    assert worth == pytest.approx(29_000_000, abs=0.05)


chosen = st.lists(
    st.tuples(
        st.sampled_from(["conversion", "redemption", "repurchase"]),
        st.integers(0, 1095),
        st.sampled_from(HOLDERS),
        st.integers(1, 400),
        st.integers(80, 120),
    ),
    max_size=5,
)


@settings(max_examples=60)
@given(chosen=chosen, rounding=st.sampled_from(["global-note", "per-note"]))
def test_every_cent_and_every_note_is_accounted_for(deal: nc.Deal, chosen: list[Any], rounding: str) -> None:
    made = {
        "conversion": lambda day, holder, size, _: nc.Conversion(day, size * 1_000, holder),
        "redemption": lambda day, _, size, price: nc.Redemption(day, size * 1_000, price=price),
        "repurchase": lambda day, holder, size, price: nc.Repurchase(day, size * 1_000, holder, price=price),
    }
    start = pd.Timestamp("2004-06-18")
    events = [
        made[kind](start + pd.Timedelta(days=day), holder, size if kind != "redemption" else size * 10, price)
        for kind, day, holder, size, price in chosen
    ]
    other = deal.replace(payment_rounding=rounding)
    try:
        note, holders = other.cashflows(events=events), other.cashflows(by="holder", events=events)
    except nc.TermError as error:
        if error.name == "principal" and "at most" in error.rule:
            reject()  # somebody would give up more than is left to him
        raise
    money = ["outstanding", "interest", "principal", "premium", "cash_in_lieu", "interest_forfeited", "total", "shares"]
    cents = (holders[money] * 100).round().astype("int64")
    by_flow = cents.groupby(cents.index // len(HOLDERS)).sum()
    pd.testing.assert_frame_equal(by_flow, (note[money] * 100).round().astype("int64"))
    assert (holders["outstanding"] >= 0).all()
    converted = sum(event.principal for event in events if isinstance(event, nc.Conversion))
    assert note["principal"].sum() == 29_000_000 - converted
    exact = sum(floor(Fraction(e.principal) / Fraction("1.85")) for e in events if isinstance(e, nc.Conversion))
    assert note["shares"].sum() == exact


# ---- errors ----


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (lambda: nc.Conversion("2005-03-01", 0, "loeb"), "`principal` must be an amount above 0; got 0"),
        (lambda: nc.Conversion("2005-03-01", -1, "loeb"), "`principal` must be an amount above 0; got -1"),
        (lambda: nc.Conversion("2005-03-01", float("nan"), "loeb"), "`principal` must be an amount"),
        (lambda: nc.Conversion("1 March 05 noon", 1_000, "loeb"), "`on` must be a date"),
        (lambda: nc.Redemption("2005-03-01 12:00", 1_000), "`on` must be a date without a time of day"),
        (lambda: nc.Redemption("2005-03-01", 1_000.001), "`principal` must be in whole cents"),
        (
            lambda: nc.Redemption("2005-03-01", 1_000, price=0),
            "`price` must be a clean price per 100 .* above 0; got 0",
        ),
        (
            lambda: nc.Repurchase("2005-03-01", 1_000, "loeb", price=float("nan")),
            "`price` must be a finite number; got nan",
        ),
    ],
    ids=range(8),
)
def test_an_event_that_cannot_be(event: Any, words: str) -> None:
    with pytest.raises(nc.TermError, match=words):
        event()


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([nc.Conversion("2005-03-01", 3_501_000, "loeb")], "`principal` must be at most what Loeb .* 3,500,000.00"),
        (
            [nc.Conversion("2005-03-01", 1_500, "loeb")],
            "`principal` must be a positive multiple of 1,000.00; got .*1500",
        ),
        (
            [nc.Repurchase("2005-03-01", 1_500, "tejas")],
            "`principal` must be a multiple of 1,000.00, or all that Tejas",
        ),
        ([nc.Repurchase("2005-03-01", 500_001, "tejas")], "`principal` must be at most what Tejas .* 500,000.00"),
        (
            [nc.Redemption("2005-03-01", 1_500)],
            "`principal` must be a multiple of 1,000.00, .* 29,000,000.00; got 1500",
        ),
        ([nc.Redemption("2005-03-01", 30_000_000)], "`principal` must be a multiple .* at most .* 29,000,000.00"),
        (
            [nc.Conversion("2004-06-17", 1_000, "loeb")],
            "`events` must be between 2004-06-18 and 2007-06-18; got '2004-06-17'",
        ),
        ([nc.Redemption("2007-06-19", 1_000)], "`events` must be between .* got '2007-06-19' at row 0"),
        (
            [nc.Conversion("2005-03-01", 1_000, "leob")],
            r"`holder` must be one of .*; got 'leob'. Did you mean 'loeb'\?",
        ),
        (["conversion"], "`events` must be Conversion, Redemption or Repurchase; got 'conversion' at row 0"),
    ],
    ids=range(10),
)
def test_an_event_that_does_not_fit_the_deal(deal: nc.Deal, events: Any, words: str) -> None:
    with pytest.raises(nc.TermError, match=words):
        deal.cashflows(events=events)


def test_two_events_that_together_take_too_much(deal: nc.Deal) -> None:
    events = [nc.Conversion("2005-03-01", 300_000, "tejas"), nc.Repurchase("2005-04-01", 300_000, "tejas")]
    with pytest.raises(nc.TermError, match=r"at most what Tejas .* holds on 2005-04-01, 200,000.00; got 300000"):
        deal.cashflows(events=events)


def test_events_are_values(deal: nc.Deal) -> None:
    event = nc.Conversion("2005-03-01", 1_000_000, "loeb")
    assert event == nc.Conversion(pd.Timestamp(2005, 3, 1), 1_000_000, "loeb")
    assert hash(event) == hash(nc.Conversion("1 March 2005", 1_000_000, "loeb"))
    with pytest.raises(AttributeError):
        event.principal = 2  # type: ignore[misc]
    assert deal.cashflows(events=[event]).notecalc.recipe["arguments"]["events"] == [
        {"event": "Conversion", "on": "2005-03-01", "principal": "1000000", "holder": "loeb"}
    ]
