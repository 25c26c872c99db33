"""Prices, yields and durations that others have published, to their printed digits.

tests/data/bonds.json holds cached values of QuantLib's test suite (`bonds.cpp` at 2a13d455) and the examples of
Microsoft's documentation of Excel's bond functions, as collected in the project's reference values.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import notecalc as nc
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve

BONDS = json.loads((Path(__file__).parents[1] / "data" / "bonds.json").read_text(encoding="utf-8"))
CACHED = BONDS["quantlib_testCached"]
EXCEL = [pytest.param(*case, id=" ".join(str(part) for part in case[:8])) for case in BONDS["excel"]["cases"]]
BASIS = {0: "30/360", 1: "actual/actual icma"}
SETTLEMENT = "2004-11-23"  # a day after the cached cases' evaluation date
SEMI = {"compounding": "semi-annual", "simple_interest": "never"}
ON_DATES = {"timing": "actual/actual icma"}  # QuantLib discounts from payment dates


def bond(issue, maturity, rate, *, frequency=2, day_count="actual/actual icma", **terms):
    return resolve(
        Notes(
            issue_date=issue,
            maturity=maturity,
            principal=100,
            annual_rate=rate,
            frequency=frequency,
            day_count=day_count,
            **terms,
        )
    )


def cached_bond(case, **terms):
    # "Modified Following" by QuantLib's NullCalendar, on which every day is a business day
    return bond(
        case["issue"],
        case["maturity"],
        case["cpn"],
        end_of_month=case.get("eom", False),
        **terms,
    )


def flat(reference="2004-11-22"):
    return nc.Curve.from_zero_rates(
        reference,
        ["2030-01-01"],
        [0.03],
        compounding="continuous",
        day_count="actual/360",
        interpolation="linear-zero-rates",
    )


def with_flow_rates(periods, coupons):
    """The rate of each period, the last one repeating."""
    return np.array([coupons[min(k, len(coupons) - 1)] for k in range(len(periods))])


@pytest.mark.parametrize("case", CACHED["cases"][:2], ids=["2006", "2009"])
class TestCached:
    def test_price_at_a_yield(self, case):
        got = nc.clean_price(cached_bond(case), SETTLEMENT, case["yield_in"], **SEMI, **ON_DATES)
        assert got == pytest.approx(case["clean_from_yield"], abs=1e-6)

    def test_price_off_the_curve(self, case):
        got = nc.clean_price_from_curve(cached_bond(case), SETTLEMENT, flat())
        assert got == pytest.approx(case["clean_from_curve"], abs=1e-6)

    @pytest.mark.parametrize(("compounding", "key"), [("semi-annual", "yield_comp"), ("continuous", "yield_cont")])
    def test_yield_at_a_price(self, case, compounding, key):
        got = nc.yield_to_maturity(
            cached_bond(case),
            SETTLEMENT,
            case["price_in"],
            compounding=compounding,
            simple_interest="never",
            **ON_DATES,
        )
        assert got == pytest.approx(case[key], abs=1e-6)

    def test_continuous_yield_of_the_price_off_the_curve(self, case):
        got = nc.yield_to_maturity(
            cached_bond(case),
            SETTLEMENT,
            case["clean_from_curve"],
            compounding="continuous",
            simple_interest="never",
            **ON_DATES,
        )
        assert got == pytest.approx(case["yield_cont_from_curve"], abs=1e-6)


def test_cached_price_at_settlement_on_issue():
    case = CACHED["cases"][2]
    periods = cached_bond(case, business_day_convention="modified-following", calendar="us-federal-reserve")
    got = nc.clean_price(periods, case["settle"], case["yield_in"], **SEMI, **ON_DATES)
    assert got == pytest.approx(case["clean_from_yield"], abs=1e-6)


@pytest.mark.parametrize("case", BONDS["quantlib_testCachedZero"], ids=lambda case: case["maturity"])
def test_cached_zero_coupon_price_off_the_curve(case):
    periods = bond(
        "2004-11-30",
        case["maturity"],
        0.0,
        frequency=0,
        day_count="actual/365 fixed",
        business_day_convention="modified-following",
        calendar="us-federal-reserve",
    )
    # the curve begins on 2004-11-22: prices are brought forward to 2004-11-30
    assert nc.clean_price_from_curve(periods, "2004-11-30", flat()) == pytest.approx(case["clean"], abs=1e-6)


@pytest.mark.parametrize("case", BONDS["quantlib_testCachedFixed"], ids=["level", "stepped", "stub"])
def test_cached_stepped_coupon_price_off_the_curve(case):
    periods = bond(
        case["start"],
        case["maturity"],
        0.0,
        last_coupon=case.get("ntl"),
        business_day_convention="modified-following",
        calendar="us-federal-reserve",
    )
    got = nc.clean_price_from_curve(periods, "2004-11-30", flat(), coupon_rate=with_flow_rates(periods, case["cpns"]))
    assert got == pytest.approx(case["clean"], abs=1e-6)


def test_settlement_on_a_31st_in_months_of_30_days():
    case = BONDS["quantlib_30_360_on_31st"]
    periods = bond(case["dated"], case["maturity"], case["cpn"], day_count="30/360")
    settle = case["settle"]
    price = nc.dirty_price(periods, settle, case["yield_"], **SEMI) - nc.clean_price(
        periods, settle, case["yield_"], **SEMI
    )
    assert price == pytest.approx(case["accrued"], abs=5e-4)
    assert nc.yield_to_maturity(periods, settle, case["clean"], **SEMI) == pytest.approx(case["yield_"], abs=5e-4)
    assert nc.macaulay_duration(periods, settle, case["yield_"], **SEMI) == pytest.approx(case["macaulay"], abs=5e-4)
    assert nc.convexity(periods, settle, case["yield_"], **SEMI) / 100 == pytest.approx(
        case["convexity_over_100"], abs=5e-4
    )


@pytest.mark.parametrize(
    ("function", "settlement", "maturity", "rate", "market", "redemption", "frequency", "basis", "expected"), EXCEL
)
def test_excel(function, settlement, maturity, rate, market, redemption, frequency, basis, expected):
    # Excel knows no issue date: any on the cycle before settlement
    issue = (np.datetime64(maturity, "M") - 12 * 40).astype("datetime64[D]") + (int(maturity[8:]) - 1)
    periods = bond(issue, maturity, rate or 0.0, frequency=frequency, day_count=BASIS[basis])
    terms = {"compounding": "semi-annual", "simple_interest": "last-period", "redemption": redemption or 100}
    if function == "PRICE":
        assert nc.clean_price(periods, settlement, market, **terms) == pytest.approx(expected, rel=1e-12)
    elif function == "YIELD":
        # the documentation shows the price with five decimals, and the yield with three
        assert nc.yield_to_maturity(periods, settlement, market, **terms) == pytest.approx(expected, abs=1e-7)
    elif function == "DURATION":
        assert nc.macaulay_duration(periods, settlement, market, **terms) == pytest.approx(expected, rel=1e-12)
    elif function == "MDURATION":
        assert nc.modified_duration(periods, settlement, market, **terms) == pytest.approx(expected, rel=1e-12)
    else:
        part = {
            "COUPDAYBS": "since_coupon",
            "COUPDAYS": "in_period",
            "COUPDAYSNC": "to_coupon",
            "COUPNUM": "coupons_left",
        }
        assert getattr(nc.coupon_days(periods, settlement), part[function]) == expected
