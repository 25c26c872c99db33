"""Cash flows of the note and of each holder, to the cent: what the papers say, by arithmetic that a reader can follow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

import notecalc as nc

Altered = Callable[..., Path]

HOLDERS = [
    "Greywolf Capital Overseas Fund",
    "Greywolf Capital Partners II LP",
    "Tejas Securities Group, Inc.",
    "Schottenfeld Qualified Associates",
    "Lampe, Conway & Co. LLC",
    "Singer Children's Management Trust",
    "Loeb Partners Corp.",
    "JMG Triton Offshore Fund Limited CITCO",
    "Windward Capital, L.P.",
]
PRINCIPALS = [1_450_000, 1_050_000, 500_000, 500_000, 3_500_000, 3_500_000, 3_500_000, 10_000_000, 5_000_000]
PAYMENTS = ["2004-12-20", "2005-06-20", "2005-12-19", "2006-06-19", "2006-12-18", "2007-06-18"]
MONEY = [
    "purchase_cash",
    "purchase_surrendered",
    "interest",
    "principal",
    "premium",
    "cash_in_lieu",
    "interest_forfeited",
    "total",
]


def with_holdings(deal: nc.Deal, amounts: Sequence[Any], **terms: Any) -> nc.Deal:
    """The deal with other principals, in the order of the register, bought at par."""
    parts = {f"purchases[{row}].principal": amount for row, amount in enumerate(amounts)}
    prices = {f"purchases[{row}].purchase_price": amount for row, amount in enumerate(amounts)}
    return deal.replace(**parts, **prices, principal=sum(amounts), **terms)


def half_up(cents: Fraction) -> int:
    return floor(cents + Fraction(1, 2))


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """Largest remainder, ties to the earlier holder."""
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    parts = [floor(share) for share in exact]
    order = sorted(range(len(parts)), key=lambda row: (parts[row] - exact[row], row))
    for row in order[: total - sum(parts)]:
        parts[row] += 1
    return parts


def cents(amounts: Any) -> list[int]:
    scaled = np.asarray(amounts, dtype=float) * 100
    assert np.abs(scaled - np.rint(scaled)).max(initial=0) < 1e-4
    return [int(value) for value in np.rint(scaled)]


def by_holder(frame: pd.DataFrame, column: str) -> list[list[int]]:
    """Cents, one list of holders for each flow."""
    rows = cents(frame[column])
    return [rows[start : start + len(HOLDERS)] for start in range(0, len(rows), len(HOLDERS))]


def dates(column: pd.Series[Any]) -> list[str]:
    return column.dt.strftime("%Y-%m-%d").tolist()


def root(days: Sequence[str], amounts: Sequence[float]) -> float:
    """Annual effective rate on Actual/365 Fixed, by a search of our own."""
    begin = dt.date.fromisoformat(days[0])
    years = [(dt.date.fromisoformat(day) - begin).days / 365 for day in days]

    def worth(rate: float) -> float:
        return sum(amount / (1 + rate) ** t for amount, t in zip(amounts, years, strict=True))

    return float(brentq(worth, -0.99, 10, xtol=1e-14))


# ---- the deal as it stands ----


def test_six_coupons_of_1_160_000_then_the_principal(deal: nc.Deal) -> None:
    flows = deal.cashflows()
    assert flows["kind"].tolist() == ["purchase", *["coupon"] * 5, "maturity"]
    assert flows["period"].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert flows["interest"].tolist() == [0] + [29_000_000 * 0.08 / 2] * 6
    assert flows["principal"].tolist() == [0] * 6 + [29_000_000]
    assert flows["total"].tolist() == [-29_100_000, *[1_160_000] * 5, 30_160_000]  # 100,000 surrendered is lost
    assert flows["outstanding"].tolist()[1:] == [29_000_000] * 6
    assert (flows[["premium", "cash_in_lieu", "interest_forfeited", "shares"]] == 0).all(axis=None)


def test_payment_dates_step_over_weekends_and_interest_does_not(deal: nc.Deal) -> None:
    """18 December 2004 and 18 June 2005 are Saturdays, 18 December 2005 and 18 June 2006 are Sundays."""
    flows = deal.cashflows()
    assert dates(flows["payment_date"]) == ["2004-06-18", *PAYMENTS]
    assert dates(flows["accrual_end"].iloc[1:]) == [
        "2004-12-18", "2005-06-18", "2005-12-18", "2006-06-18", "2006-12-18", "2007-06-18",
    ]  # fmt: skip
    assert dates(flows["accrual_start"].iloc[1:]) == [
        "2004-06-18", "2004-12-18", "2005-06-18", "2005-12-18", "2006-06-18", "2006-12-18",
    ]  # fmt: skip


def test_record_dates_are_fifteen_days_before_the_unadjusted_payment_dates(deal: nc.Deal) -> None:
    assert dates(deal.cashflows()["record_date"].iloc[1:]) == [
        "2004-12-03", "2005-06-03", "2005-12-03", "2006-06-03", "2006-12-03", "2007-06-03",
    ]  # fmt: skip


def test_cash_and_notes_surrendered_stand_in_two_columns(deal: nc.Deal) -> None:
    """JMG pays 10,000,000 with 3,975,000 of notes; Windward gives 5,100,000 of notes for a price of 5,000,000."""
    purchase = deal.cashflows(by="holder").iloc[: len(HOLDERS)].set_index("holder")
    assert purchase["purchase_cash"].sum() == -(14_000_000 + 6_025_000)
    assert purchase["purchase_surrendered"].sum() == -(3_975_000 + 5_100_000)
    jmg, windward = "JMG Triton Offshore Fund Limited CITCO", "Windward Capital, L.P."
    assert purchase.loc[jmg, ["purchase_cash", "purchase_surrendered", "total"]].tolist() == [
        -6_025_000,
        -3_975_000,
        -10_000_000,
    ]
    assert purchase.loc[windward, ["purchase_cash", "purchase_surrendered", "total"]].tolist() == [
        0,
        -5_100_000,
        -5_100_000,
    ]
    assert purchase["total"].tolist() == [-principal for principal in PRINCIPALS[:-1]] + [-5_100_000]


@pytest.mark.parametrize(
    ("policy", "cash", "surrendered"),
    [
        ("capped_forfeited", 0, -5_100_000),  # the excess is lost with the rest
        ("capped_kept", 0, -5_000_000),  # the excess stays Windward's
        ("refunded", 100_000, -5_100_000),  # and here it comes back in cash
        ("full_satisfaction", 0, -5_100_000),
    ],
)
def test_what_windward_gives_under_each_reading(deal: nc.Deal, policy: str, cash: float, surrendered: float) -> None:
    purchase = deal.replace(excess_policy=policy).cashflows(by="holder").iloc[len(HOLDERS) - 1]
    assert (purchase["purchase_cash"], purchase["purchase_surrendered"]) == (cash, surrendered)


def test_nobody_surrenders_and_all_is_paid_in_cash(deal: nc.Deal) -> None:
    purchase = deal.replace(elects="none").cashflows().iloc[0]
    assert (purchase["purchase_cash"], purchase["purchase_surrendered"]) == (-29_000_000, 0)


def test_each_holder_gets_its_part_of_a_coupon(deal: nc.Deal) -> None:
    flows = deal.cashflows(by="holder")
    assert flows["holder"].tolist() == HOLDERS * 7
    coupons = [58_000, 42_000, 20_000, 20_000, 140_000, 140_000, 140_000, 400_000, 200_000]  # 4 per cent of principal
    for coupon in by_holder(flows, "interest")[1:]:
        assert coupon == [amount * 100 for amount in coupons]
    greywolf = flows.loc[flows["holder"] == "Greywolf Capital Partners II LP"]
    assert greywolf["interest"].tolist() == [0] + [1_050_000 * 0.08 / 2] * 6
    assert greywolf["total"].tolist() == [-1_050_000, *[42_000] * 5, 1_092_000]


def test_the_two_greywolf_funds_and_the_total_of_exhibit_2_2(deal: nc.Deal) -> None:
    last = deal.cashflows(by="holder").tail(len(HOLDERS))
    assert last["principal"].tolist() == PRINCIPALS
    assert last["principal"].sum() == 29_000_000


def test_unknown_by_is_said(deal: nc.Deal) -> None:
    with pytest.raises(nc.TermError, match=r"`by` must be 'note' or 'holder'; got 'holders'. Did you mean 'holder'\?"):
        deal.cashflows(by="holders")  # type: ignore[arg-type]
    with pytest.raises(nc.TermError, match="`by` must be 'note' or 'holder'; got 'fund'"):
        deal.irr(by="fund")  # type: ignore[arg-type]


# ---- yield ----


def test_irr_of_all_solves_the_equation_of_their_dated_flows(deal: nc.Deal) -> None:
    """29,000,000 of price, and the 100,000 that Windward surrenders above it and loses."""
    expected = root(["2004-06-18", *PAYMENTS], [-29_100_000, *[1_160_000] * 5, 30_160_000])
    got = deal.irr()
    assert got.index.tolist() == ["all"]
    assert got.loc["all", "irr"] == pytest.approx(expected, abs=1e-12)
    assert got.loc["all", "bond_equivalent_yield"] == pytest.approx(2 * ((1 + expected) ** 0.5 - 1), abs=1e-12)


def test_eight_per_cent_for_365_days_is_eight_per_cent(deal: nc.Deal) -> None:
    year = dt.date(2005, 6, 18)
    short = deal.replace(
        maturity=year, last_date=year, frequency=1, business_day_convention="unadjusted", elects="none"
    )
    assert short.irr().loc["all", "irr"] == pytest.approx(0.08, abs=1e-12)
    assert short.irr().loc["all", "bond_equivalent_yield"] == pytest.approx(2 * (1.08**0.5 - 1), abs=1e-12)


def test_who_pays_at_par_earns_the_notes_yield_and_who_loses_an_excess_less(deal: nc.Deal) -> None:
    rates = deal.irr(by="holder")
    assert rates.index.tolist() == HOLDERS
    at_par = root(["2004-06-18", *PAYMENTS], [-29_000_000, *[1_160_000] * 5, 30_160_000])
    np.testing.assert_allclose(rates["irr"].iloc[:-1], at_par, rtol=0, atol=1e-10)
    windward = root(["2004-06-18", *PAYMENTS], [-5_100_000, *[200_000] * 5, 5_200_000])
    assert rates["irr"].iloc[-1] == pytest.approx(windward, abs=1e-10)
    kept = deal.replace(excess_policy="capped_kept").irr(by="holder")["irr"]
    np.testing.assert_allclose(kept, at_par, rtol=0, atol=1e-10)


def test_a_surrender_in_full_satisfaction_is_counted_at_its_par(deal: nc.Deal) -> None:
    """JMG gives 3,975,000 of notes for 10,000,000; its return is what that outlay earns."""
    rates = deal.replace(excess_policy="full_satisfaction").irr(by="holder")
    expected = root(["2004-06-18", *PAYMENTS], [-3_975_000, *[400_000] * 5, 10_400_000])
    assert rates.loc["JMG Triton Offshore Fund Limited CITCO", "irr"] == pytest.approx(expected, abs=1e-10)


def test_notes_are_issued_at_closing(deal: nc.Deal) -> None:
    """From 25 June to 18 December: five months and 23 days of 30/360, 173; 2,320,000 x 173/360 = 1,114,888.89."""
    later = deal.replace(**{"dates.closing": dt.date(2004, 6, 25)})
    assert dates(later.cashflows()["payment_date"])[0] == "2004-06-25"
    assert later.cashflows()["interest"].tolist()[1:] == [1_114_888.89, *[1_160_000] * 5]
    assert later.terms.series["notes"].issue_date.value == dt.date(2004, 6, 25)
    assert later.terms.series["notes"].conversion.first_date.value == dt.date(2004, 6, 25)
    amounts = [-29_100_000, 1_114_888.89, *[1_160_000] * 4, 30_160_000]
    assert later.irr().loc["all", "irr"] == pytest.approx(root(["2004-06-25", *PAYMENTS], amounts), abs=1e-12)


def test_what_is_changed_by_itself_does_not_follow(deal: nc.Deal) -> None:
    apart = deal.replace(**{"dates.closing": dt.date(2004, 6, 25), "issue_date": dt.date(2004, 6, 18)})
    assert apart.cashflows()["interest"].sum() == 6_960_000
    assert apart.terms.series["notes"].issue_date.value == dt.date(2004, 6, 18)


# ---- conventions ----

# Days of the six periods: 183 from 18 June to 18 December, 182 from 18 December to 18 June, in leap years and others
# alike (February 2004 is over).
DAYS = [183, 182, 183, 182, 183, 182]


@pytest.mark.parametrize(
    ("day_count", "coupons"),
    [
        ("30/360", ["1160000.00"] * 6),
        ("30e/360", ["1160000.00"] * 6),
        ("actual/360", ["1179333.33", "1172888.89"] * 3),  # 2,320,000 x 183/360 and x 182/360
        ("actual/365 fixed", ["1163178.08", "1156821.92"] * 3),  # 2,320,000 x 183/365 and x 182/365
        ("actual/actual icma", ["1160000.00"] * 6),  # half of the yearly 2,320,000 whatever the days
    ],
)
def test_coupons_by_day_count(deal: nc.Deal, day_count: str, coupons: list[str]) -> None:
    flows = deal.replace(day_count=day_count).cashflows()
    assert flows["interest"].tolist()[1:] == [float(coupon) for coupon in coupons]


def test_actual_360_pays_1095_days_and_actual_365_three_years(deal: nc.Deal) -> None:
    assert deal.replace(day_count="actual/360").cashflows()["interest"].sum() == pytest.approx(
        29_000_000 * 0.08 * 1095 / 360, abs=0.03
    )
    assert deal.replace(day_count="actual/365 fixed").cashflows()["interest"].sum() == 29_000_000 * 0.08 * 3


def test_actual_actual_isda_splits_at_new_year(deal: nc.Deal) -> None:
    """The first period has 183 days of the leap year 2004; the second 14 of it (18 to 31 December) and 168 of 2005."""
    flows = deal.replace(day_count="actual/actual isda").cashflows()
    first = Fraction(2_320_000_00 * 183, 366)
    second = 2_320_000_00 * (Fraction(14, 366) + Fraction(168, 365))
    assert cents(flows["interest"])[1:3] == [half_up(first), half_up(second)]


def test_quarterly_coupons(deal: nc.Deal) -> None:
    flows = deal.replace(frequency=4).cashflows()
    assert flows["interest"].tolist()[1:] == [29_000_000 * 0.08 / 4] * 12
    assert dates(flows["payment_date"])[1:4] == ["2004-09-20", "2004-12-20", "2005-03-18"]  # 18 September: a Saturday


def test_adjusted_accrual_runs_to_the_payment_date(deal: nc.Deal) -> None:
    """30/360 days between the adjusted dates: 182 to 20 December, 180, 179 to 19 December, 180, 179, 180."""
    flows = deal.replace(accrual_adjusted=True).cashflows()
    expected = [half_up(Fraction(2_320_000_00 * days, 360)) for days in (182, 180, 179, 180, 179, 180)]
    assert cents(flows["interest"])[1:] == expected
    assert dates(flows["accrual_end"])[1:] == PAYMENTS


@pytest.mark.parametrize(
    ("convention", "third", "fourth"),
    [
        ("following", "2005-12-19", "2006-06-19"),
        ("modified-following", "2005-12-19", "2006-06-19"),
        ("preceding", "2005-12-16", "2006-06-16"),
        ("nearest", "2005-12-19", "2006-06-19"),
        ("unadjusted", "2005-12-18", "2006-06-18"),
    ],
)
def test_payment_dates_by_convention(deal: nc.Deal, convention: str, third: str, fourth: str) -> None:
    flows = deal.replace(business_day_convention=convention).cashflows()
    assert dates(flows["payment_date"])[3:5] == [third, fourth]
    assert flows["interest"].sum() == 6_960_000


def test_a_day_closed_beside_the_calendars_own_moves_the_payment(altered: Altered) -> None:
    file = altered(("[business_days]\n", "[business_days]\nclosures = [2006-12-18]\n"))
    assert dates(nc.load(file).cashflows()["payment_date"])[5] == "2006-12-19"


def test_lincolns_birthday_moves_a_payment_under_the_states_calendar_only(deal: nc.Deal) -> None:
    """12 February 2007 is a Monday; election day, 7 November 2006, a Tuesday."""
    own = {"issue_date": dt.date(2004, 8, 12), "maturity": dt.date(2007, 2, 12), "last_date": dt.date(2007, 2, 12)}
    federal = deal.replace(**own)
    state = deal.replace(**own, **{"business_days.calendar": "new-york-state"})
    assert dates(federal.cashflows()["payment_date"])[-1] == "2007-02-12"
    assert dates(state.cashflows()["payment_date"])[-1] == "2007-02-13"


# ---- schedules of other deals ----


def test_a_short_first_period(deal: nc.Deal) -> None:
    """30/360 from 1 August to 18 December: four months and seventeen days, 137."""
    flows = deal.replace(issue_date=dt.date(2004, 8, 1)).cashflows()
    assert len(flows) == 7
    assert cents(flows["interest"])[1:3] == [half_up(Fraction(2_320_000_00 * 137, 360)), 1_160_000_00]
    assert flows["interest"].iloc[1] == 882_888.89


def test_a_long_first_period(deal: nc.Deal) -> None:
    """A month's stub joins the next six months: 18 November to 18 June, 210 days of 360."""
    flows = deal.replace(issue_date=dt.date(2004, 11, 18), stub="long").cashflows()
    assert dates(flows["accrual_end"])[1] == "2005-06-18"
    assert flows["interest"].tolist()[1:] == [1_353_333.33, *[1_160_000] * 4]  # 2,320,000 x 210/360


def test_a_short_last_period_of_a_forward_schedule(deal: nc.Deal) -> None:
    """Counted on from 18 June; the last period is 18 December 2006 to 18 March 2007, 90 days."""
    end = dt.date(2007, 3, 18)
    flows = deal.replace(maturity=end, last_date=end, generation="forward").cashflows()
    assert flows["interest"].tolist()[1:] == [*[1_160_000] * 5, 580_000]


def test_stated_first_and_last_coupons(altered: Altered) -> None:
    """First coupon 18 September 2004 (90 days), last before maturity 18 March 2007; half-years between them."""
    stated = (
        'first_coupon = { value = 2004-09-18, assumed = "a test" }\n'
        'last_coupon = { value = 2007-03-18, assumed = "a test" }\n'
    )
    flows = nc.load(altered(("annual_rate = { value = 0.08, ", stated + "annual_rate = { value = 0.08, "))).cashflows()
    assert dates(flows["accrual_end"])[1:] == [
        "2004-09-18", "2005-03-18", "2005-09-18", "2006-03-18", "2006-09-18", "2007-03-18", "2007-06-18",
    ]  # fmt: skip
    assert flows["interest"].tolist()[1:] == [580_000, *[1_160_000] * 5, 580_000]


@pytest.mark.parametrize(
    ("at_end", "ends"),
    [
        (True, ["2004-10-31", "2005-01-31", "2005-04-30", "2005-07-31", "2005-10-31", "2006-01-31", "2006-04-30"]),
        (False, ["2004-10-30", "2005-01-30", "2005-04-30", "2005-07-30", "2005-10-30", "2006-01-30", "2006-04-30"]),
    ],
)
def test_a_schedule_anchored_at_a_month_end_of_thirty_days(deal: nc.Deal, at_end: bool, ends: list[str]) -> None:
    issue, maturity = dt.date(2004, 7, 31 if at_end else 30), dt.date(2006, 4, 30)
    other = deal.replace(issue_date=issue, maturity=maturity, last_date=maturity, frequency=4, end_of_month=at_end,
                         business_day_convention="unadjusted", day_count="actual/actual icma")  # fmt: skip
    flows = other.cashflows()
    assert dates(flows["accrual_end"])[1:] == ends
    assert flows["interest"].tolist()[1:] == [580_000] * 7  # a quarter of 2,320,000 each, by ICMA


def test_the_31st_of_january_rolls_through_short_months(deal: nc.Deal) -> None:
    issue, maturity = dt.date(2005, 1, 31), dt.date(2007, 1, 31)
    other = deal.replace(issue_date=issue, maturity=maturity, last_date=maturity, frequency=4,
                         business_day_convention="unadjusted", day_count="30/360")  # fmt: skip
    flows = other.cashflows()
    assert dates(flows["accrual_end"])[1:5] == ["2005-04-30", "2005-07-31", "2005-10-31", "2006-01-31"]
    assert flows["interest"].tolist()[1:] == [580_000] * 8  # bond basis: the 31st counts as the 30th


def test_no_coupons_and_no_interest(deal: nc.Deal) -> None:
    flows = deal.replace(frequency=0, annual_rate=0, elects="none").cashflows()
    assert flows["total"].tolist() == [-29_000_000, 29_000_000]


# ---- cents ----

ODD = [Decimal(amount) for amount in ("1450000.37", "1050000.01", "500000.99", "333333.33", "3500000.55",
                                      "3499999.98", "0.07", "10000000.10", "5000000.60")]  # fmt: skip


@pytest.mark.parametrize("rounding", ["global-note", "per-note"])
@pytest.mark.parametrize(("frequency", "days"), [(2, 180), (4, 90), (12, 30)])
def test_odd_principals_and_rates_are_paid_to_the_cent(deal: nc.Deal, rounding: str, frequency: int, days: int) -> None:
    """7.77 per cent; one payment rounded and shared out, or each Note's payment rounded."""
    other = with_holdings(deal, ODD, annual_rate=Decimal("0.0777"), frequency=frequency, payment_rounding=rounding)
    held = [int(amount * 100) for amount in ODD]
    exact = [Fraction(own * 777 * days, 10_000 * 360) for own in held]
    expected = [half_up(part) for part in exact] if rounding == "per-note" else shared(half_up(sum(exact)), held)
    coupons = by_holder(other.cashflows(by="holder"), "interest")[1:]
    assert len(coupons) == 3 * frequency
    assert all(coupon == expected for coupon in coupons)
    assert cents(other.cashflows()["interest"])[1:] == [sum(expected)] * 3 * frequency


def test_leftover_cents_go_to_the_largest_remainders_and_then_by_the_register(deal: nc.Deal) -> None:
    """Nine equal holders of 1,000.00 at 8% for half a year: 9 x 40.00; at 8.1%: 364.50 is nine times 40.50.

    At 8.001% the payment is 360.045, half up 360.05: the first five get 40.01 and the others 40.00.
    """
    equal = with_holdings(deal, [1000] * 9, annual_rate=Decimal("0.08001"), elects="none")
    assert by_holder(equal.cashflows(by="holder"), "interest")[1] == [4001] * 5 + [4000] * 4
    each = equal.replace(payment_rounding="per-note")
    assert by_holder(each.cashflows(by="holder"), "interest")[1] == [4001] * 9  # 40.005 each, half up


def test_a_half_cent_is_paid_up(deal: nc.Deal) -> None:
    """0.25 at 8% for half a year is one cent exactly; 0.125 would be half a cent: 12.50 at 0.08% is 0.005."""
    small = with_holdings(deal, [Decimal("12.50"), *[0] * 8], annual_rate=Decimal("0.0008"), elects="none")
    assert cents(small.cashflows()["interest"])[1:] == [1] * 6


amounts = st.lists(st.integers(0, 10**9), min_size=9, max_size=9).filter(lambda parts: sum(parts) > 0)


@settings(max_examples=30)
@given(
    parts=amounts,
    rate=st.integers(1, 1999),
    frequency=st.sampled_from([1, 2, 4, 12]),
    day_count=st.sampled_from(["30/360", "actual/360", "actual/365 fixed", "actual/actual isda", "actual/actual icma"]),
    rounding=st.sampled_from(["global-note", "per-note"]),
)
def test_the_holders_cents_add_up_to_the_notes(
    deal: nc.Deal, parts: list[int], rate: int, frequency: int, day_count: str, rounding: str
) -> None:
    held = [Decimal(part) / 100 for part in parts]
    own_rate = Decimal(rate) / 10_000
    other = with_holdings(deal, held, annual_rate=own_rate, frequency=frequency, day_count=day_count,
                          payment_rounding=rounding, elects="none")  # fmt: skip
    note, holders = other.cashflows(), other.cashflows(by="holder")
    for column in MONEY:
        assert [sum(row) for row in by_holder(holders, column)] == cents(note[column]), column
    assert by_holder(holders, "principal")[-1] == parts
    for holder, own in enumerate(parts):
        received = sum(row[holder] for row in by_holder(holders, "total"))
        assert received == sum(row[holder] for row in by_holder(holders, "interest"))
        if own == 0:
            assert received == 0
    if rounding == "global-note":
        for whole, row in zip(cents(note["interest"])[1:], by_holder(holders, "interest")[1:], strict=True):
            assert row == shared(whole, parts)


@settings(max_examples=20)
@given(rate=st.integers(1, 1999), frequency=st.sampled_from([2, 4]))
def test_irr_agrees_with_a_search_of_our_own(deal: nc.Deal, rate: int, frequency: int) -> None:
    other = deal.replace(annual_rate=Decimal(rate) / 10_000, frequency=frequency)
    flows = other.cashflows()
    expected = root(dates(flows["payment_date"]), flows["total"].tolist())
    assert other.irr().loc["all", "irr"] == pytest.approx(expected, abs=1e-10)
