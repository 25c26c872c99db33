"""Principal and interest of many notes through time: by hand, against QuantLib, and the laws they keep."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st

import notecalc as nc
from notecalc.core import _discounting
from notecalc.core.balances import TREATMENTS, Balances, DatedValues, roll_forward
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve

FED = "us-federal-reserve"
DEAL = {"issue_date": "2004-06-18", "maturity": "2006-06-18", "frequency": 2, "day_count": "30/360",
        "principal": 1_000, "annual_rate": 0.08}  # fmt: skip
AMOUNTS = ("interest", "interest_paid", "capitalised", "forfeited", "principal_paid", "converted")
EPOCH = ql.Date(1, 1, 1970).serialNumber()


def periods_of(**terms):
    return resolve(Notes(**DEAL | terms))


def one(*rows):
    """Values of note 0."""
    return DatedValues(note=0, date=[date for date, _ in rows], value=[value for _, value in rows])


def near(values):
    return pytest.approx(values, rel=1e-13, abs=1e-13)


# ---- nothing happens ----


def test_a_plain_note_pays_its_coupons_and_its_principal():
    rolled = roll_forward(periods_of(business_day_convention="following", calendar=FED))
    assert rolled.interest_paid.tolist() == [40, 40, 40, 40]
    assert rolled.principal.tolist() == [1_000] * 4
    assert rolled.principal_paid.tolist() == [0, 0, 0, 1_000]
    for name in ("capitalised", "forfeited", "converted", "accrued_before"):
        assert not getattr(rolled, name).any()
    assert rolled.cashflows().to_dict("list") == {
        "note": [0] * 4,
        "payment_date": [pd.Timestamp(day) for day in ("2004-12-20", "2005-06-20", "2005-12-19", "2006-06-19")],
        "interest": [40, 40, 40, 40],
        "principal": [0, 0, 0, 1_000],
        "total": [40, 40, 40, 1_040],
    }


def test_the_frame_counts_periods_from_one():
    frame = roll_forward(periods_of(maturity=["2005-06-18", "2004-12-18"])).to_frame()
    assert frame[["note", "period"]].to_numpy().tolist() == [[0, 1], [0, 2], [1, 1]]
    assert frame.columns.tolist() == [
        "note", "period", "start", "end", "principal", "annual_rate", "fraction", "interest", "interest_paid",
        "capitalised", "forfeited", "principal_paid", "converted", "payment_date",
    ]  # fmt: skip


def test_without_periods_there_are_no_spans():
    rolled = roll_forward(periods_of().until("2004-01-01"))
    assert len(rolled) == 0
    assert rolled.cashflows().empty
    assert rolled.accrued_on("2005-01-01") == 0


# ---- rates that step ----


def test_a_step_within_a_period_splits_its_accrual():
    """1,000 at 8% for 90 days of 360, at 10% for 90 and from then on."""
    rolled = roll_forward(periods_of(), rate_steps=one(("2005-03-18", 0.10)))
    assert rolled.annual_rate.tolist() == [0.08, 0.08, 0.10, 0.10, 0.10]
    assert rolled.interest.tolist() == near([40, 20, 25, 50, 50])
    assert rolled.interest_paid.tolist() == near([40, 0, 45, 50, 50])
    assert rolled.end.astype(str).tolist() == ["2004-12-18", "2005-03-18", "2005-06-18", "2005-12-18", "2006-06-18"]
    assert np.isnat(rolled.payment_date).tolist() == [False, True, False, False, False]


def test_a_step_before_the_first_day_holds_from_it_and_one_after_the_last_never():
    rolled = roll_forward(periods_of(), rate_steps=one(("2003-01-01", 0.05), ("2004-06-01", 0.06), ("2006-06-18", 0.2)))
    assert rolled.annual_rate.tolist() == [0.06] * 4


def test_a_period_split_by_a_day_count_that_does_not_add_up_is_still_whole():
    """30/360: 29 days from 31 January to 29 February and 60 to 31 March, so 31 on from 29 February."""
    periods = periods_of(issue_date="2004-01-31", maturity="2004-03-31", frequency=0, principal=3_600)
    rolled = roll_forward(periods, rate_steps=one(("2004-02-29", 0.10)))
    assert rolled.interest.tolist() == near([3_600 * 0.08 * 29 / 360, 3_600 * 0.10 * 31 / 360])


def test_steps_on_coupon_dates_are_quantlibs_step_coupons():
    rates = [0.05, 0.06, 0.07, 0.07]
    schedule = ql.Schedule(ql.Date(18, 6, 2004), ql.Date(18, 6, 2006), ql.Period(6, ql.Months), ql.NullCalendar(),
                           ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, False)  # fmt: skip
    leg = ql.FixedRateLeg(schedule, ql.Actual365Fixed(), [1_000.0], rates)
    steps = one(("2004-12-18", 0.06), ("2005-06-18", 0.07))
    rolled = roll_forward(periods_of(day_count="actual/365 fixed", annual_rate=0.05), rate_steps=steps)
    assert rolled.interest_paid.tolist() == near([flow.amount() for flow in leg])


# ---- default ----


def test_the_default_rate_holds_from_default_to_cure():
    """90 days at 8%, 90 at 12%; 30 at 12%, 150 at 8%."""
    rolled = roll_forward(periods_of(), default_date="2005-03-18", cure_date="2005-07-18", default_rate=0.12)
    assert rolled.annual_rate.tolist() == [0.08, 0.08, 0.12, 0.12, 0.08, 0.08]
    assert rolled.interest_paid.tolist() == near([40, 0, 20 + 30, 0, 10 + 1_000 * 0.08 * 150 / 360, 40])


def test_a_default_margin_comes_on_top_of_whatever_the_coupon_is():
    steps = one(("2005-12-18", 0.09))
    rolled = roll_forward(periods_of(), rate_steps=steps, default_date="2005-06-18", default_margin=0.02)
    assert rolled.annual_rate.tolist() == near([0.08, 0.08, 0.10, 0.11])


def test_each_note_has_a_default_of_its_own():
    periods = periods_of(principal=[1_000, 1_000, 1_000])
    rolled = roll_forward(periods, default_date=["2005-12-18", None, "2005-12-18"], default_rate=[0.2, None, None],
                          default_margin=[None, None, 0.01])  # fmt: skip
    assert rolled.annual_rate.reshape(3, 4)[:, 3] == near(np.array([0.2, 0.08, 0.09]))


# ---- in kind ----


def test_interest_in_kind_compounds():
    """100 (1 + r/2)^n."""
    periods = periods_of(principal=100, annual_rate=[0.10, 0.08], maturity="2014-06-18")
    rolled = roll_forward(periods, capitalised_share=1)
    assert not rolled.interest_paid.any()
    growth = np.array([[1.05], [1.04]]) ** np.arange(20)
    assert rolled.principal.reshape(2, 20) == near(100 * growth)
    assert rolled.principal_paid.reshape(2, 20)[:, -1] == near(100 * np.array([1.05, 1.04]) ** 20)


def test_interest_partly_in_kind():
    """Of 8% a quarter is added to principal, which grows by 1% each half-year."""
    rolled = roll_forward(periods_of(), capitalised_share=0.25)
    assert rolled.principal.tolist() == near([1_000 * 1.01**k for k in range(4)])
    assert rolled.interest_paid.tolist() == near([30 * 1.01**k for k in range(4)])


def test_an_election_holds_for_the_periods_that_begin_on_its_date_or_later():
    shares = one(("2004-12-18", 1), ("2005-12-18", 0.5))
    rolled = roll_forward(periods_of(), capitalised_share=shares)
    assert rolled.capitalised.tolist() == near([0, 40, 41.6, 0.5 * 1_081.6 * 0.04])
    late = roll_forward(periods_of(), capitalised_share=one(("2004-12-19", 1)))
    assert late.capitalised.tolist() == near([0, 0, 40, 41.6])


def test_an_election_for_each_period():
    periods = periods_of(principal=[1_000, 1_000])
    each = DatedValues(periods.note, periods.accrual_start, [1, 0, 0, 0, 0, 1, 0, 0])
    assert roll_forward(periods, capitalised_share=each).capitalised.tolist() == near([40, 0, 0, 0, 0, 40, 0, 0])


# ---- redemptions and conversions ----


@pytest.mark.parametrize(
    ("treatment", "paid"),
    [
        # 400 of 1,000 go after 90 days, when 20 have accrued, 8 of them on what goes; 600 bear 12 more, 1,000 bear 20
        ("paid", [40, 8, 12 + 12, 24, 24]),
        ("paid-with-coupon", [40, 0, 12 + 12 + 8, 24, 24]),
        ("forfeited", [40, 0, 12 + 12, 24, 24]),
        ("forfeited-before-record-date", [40, 0, 12 + 12, 24, 24]),
    ],
)
@pytest.mark.parametrize("kind", ["redemption", "conversion"])
def test_what_becomes_of_interest_accrued_on_what_goes(kind, treatment, paid):
    given = {f"{kind}s": one(("2005-03-18", 400)), f"accrued_on_{kind}": treatment}
    rolled = roll_forward(periods_of(record_days=15), **given)
    assert rolled.interest_paid.tolist() == near(paid)
    assert rolled.forfeited.tolist() == near([0, 8 if treatment.startswith("forfeited") else 0, 0, 0, 0])
    assert rolled.principal.tolist() == [1_000, 1_000, 600, 600, 600]
    went = [0, 400, 0, 0, 0]
    assert rolled.converted.tolist() == (went if kind == "conversion" else [0] * 5)
    assert rolled.principal_paid.tolist() == [0, 0 if kind == "conversion" else 400, 0, 0, 600]


def test_after_the_record_date_who_converts_keeps_the_coupon():
    """The record date is 3 June 2005: on 3 June 8% on 400 for 165 days are lost, on 4 June nothing is."""
    for day, lost, coupon in (("2005-06-03", 400 * 0.08 * 165 / 360, 24), ("2005-06-04", 0, 24 + 16)):
        rolled = roll_forward(periods_of(record_days=15), conversions=one((day, 400)),
                              accrued_on_conversion="forfeited-before-record-date")  # fmt: skip
        assert rolled.forfeited.sum() == near(lost)
        assert rolled.interest_paid.tolist() == near([40, 0, coupon, 24, 24])


def test_on_a_coupon_date_the_coupon_comes_first():
    rolled = roll_forward(periods_of(), redemptions=one(("2005-06-18", 400)), accrued_on_redemption="forfeited")
    assert rolled.interest_paid.tolist() == near([40, 40, 24, 24])
    assert rolled.principal_paid.tolist() == [0, 400, 0, 600]


def test_more_may_be_drawn():
    rolled = roll_forward(periods_of(), redemptions=one(("2005-03-18", -1_000)), accrued_on_redemption="paid")
    assert rolled.interest_paid.tolist() == near([40, 0, 20 + 40, 80, 80])
    assert rolled.principal_paid.tolist() == [0, -1_000, 0, 0, 2_000]


def test_what_is_redeemed_within_a_period_is_paid_on_a_business_day():
    """19 March 2005 is a Saturday."""
    periods = periods_of(business_day_convention="following", calendar=FED)
    rolled = roll_forward(periods, redemptions=one(("2005-03-19", 400)), accrued_on_redemption="paid")
    assert rolled.payment_date.astype(str).tolist()[:3] == ["2004-12-20", "2005-03-21", "2005-06-20"]


def test_what_is_paid_on_one_day_is_one_row_of_cash():
    """17 June 2006 is a Saturday, maturity a Sunday: both are paid on Monday 19."""
    periods = periods_of(business_day_convention="following", calendar=FED)
    flows = roll_forward(periods, redemptions=one(("2006-06-17", 400)), accrued_on_redemption="paid").cashflows()
    assert flows["payment_date"].astype(str).tolist()[-2:] == ["2005-12-19", "2006-06-19"]
    assert flows["principal"].tolist() == [0, 0, 0, 1_000]
    assert flows["interest"].iloc[-1] == near(1_000 * 0.08 * 179 / 360 + 600 * 0.08 / 360)


def test_redemptions_after_interest_in_kind_may_take_what_was_added():
    rolled = roll_forward(periods_of(), capitalised_share=1, redemptions=one(("2004-12-18", 1_040)),
                          accrued_on_redemption="paid")  # fmt: skip
    assert rolled.principal.tolist() == [1_000, 0, 0, 0]
    assert rolled.principal_paid.tolist() == near([1_040, 0, 0, 0])


def test_redemptions_on_coupon_dates_are_quantlibs_amortizing_bond():
    schedule = ql.Schedule(ql.Date(18, 6, 2004), ql.Date(18, 6, 2006), ql.Period(6, ql.Months), ql.NullCalendar(),
                           ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, False)  # fmt: skip
    bond = ql.AmortizingFixedRateBond(0, [1_000.0, 800.0, 500.0, 500.0], schedule, [0.08], ql.Actual360())
    sinking = one(("2004-12-18", 200), ("2005-06-18", 300))
    rolled = roll_forward(periods_of(day_count="actual/360"), redemptions=sinking, accrued_on_redemption="paid")
    flows: dict[int, float] = {}
    for flow in bond.cashflows():
        flows[flow.date().serialNumber() - EPOCH] = flows.get(flow.date().serialNumber() - EPOCH, 0) + flow.amount()
    cash = rolled.cashflows()
    assert cash["total"].tolist() == near(list(flows.values()))
    assert cash["payment_date"].to_numpy().astype("datetime64[D]").astype(int).tolist() == list(flows)


def test_conversions_are_those_of_the_deal():
    """The worked deal forfeits accrued interest on conversion up to the record date, and pays it on redemption."""
    events = [nc.Conversion("2005-03-01", 1_000_000, "loeb"), nc.Conversion("2005-06-10", 500_000, "loeb"),
              nc.Redemption("2005-10-03", 2_000_000, price=100)]  # fmt: skip
    flows = nc.load("ibasis-2004").cashflows(events=events).iloc[1:].groupby("payment_date")[["interest", "principal"]]
    periods = periods_of(maturity="2007-06-18", principal=29_000_000, record_days=15, calendar=FED,
                         business_day_convention="following")  # fmt: skip
    cash = roll_forward(
        periods, conversions=one(("2005-03-01", 1_000_000), ("2005-06-10", 500_000)), redemptions=one(("2005-10-03", 2_000_000)),
        accrued_on_conversion="forfeited-before-record-date", accrued_on_redemption="paid",
    ).cashflows().set_index("payment_date")[["interest", "principal"]]  # fmt: skip
    # the deal rounds each of 17 holders' payments to the cent
    np.testing.assert_allclose(
        cash.loc[cash.any(axis=1)], flows.sum().loc[lambda due: due.any(axis=1)], atol=0.10, rtol=0
    )


# ---- accrued on a date ----


def test_accrued_on_a_date_is_what_is_neither_paid_nor_lost():
    """8% on 1,000 for 90 days, then on 600; 8 are paid with the redemption."""
    rolled = roll_forward(periods_of(), redemptions=one(("2005-03-18", 400)), accrued_on_redemption="paid")
    days = ["2004-06-17", "2004-06-18", "2005-03-17", "2005-03-18", "2005-04-18", "2005-06-18", "2006-06-18", None]
    expected = [0, 0, 1_000 * 0.08 * 89 / 360, 12, 16, 0, 0, np.nan]
    np.testing.assert_allclose(rolled.accrued_on(days), expected, rtol=1e-14)
    assert rolled.accrued_on("2005-04-18") == near(16)
    assert type(rolled.accrued_on("2005-04-18")) is float


def test_after_the_ex_date_accrued_is_negative_by_the_interest_that_is_still_to_come():
    periods = periods_of(ex_days=10, ex_day_type="calendar")
    rolled = roll_forward(periods, rate_steps=one(("2005-06-13", 0.12)))
    # 5 days at 8% and 5 at 12% are still to come on 8 June; on 15 June 3 at 12%
    expected = [1_000 * 0.08 * 169 / 360, -1_000 * (5 * 0.08 + 5 * 0.12) / 360, -1_000 * 3 * 0.12 / 360]
    np.testing.assert_allclose(rolled.accrued_on(["2005-06-07", "2005-06-08", "2005-06-15"]), expected, rtol=1e-11)


# ---- what can't be ----


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rate_steps": one(("2005-01-01", 8.0))}, "`rate_steps` must be a decimal between -1 and 1; got 8.0$"),
        ({"rate_steps": one(("2005-01-01", 0.1), ("2006-01-01", 0.1), ("2005-01-01", 0.2))},
         "`rate_steps` must be one for each note and date; got '2005-01-01' at row 2"),
        ({"rate_steps": DatedValues([0, 2], "2005-01-01", 0.1)}, "`rate_steps` must be of notes from 0 to 1; got 2 at row 1"),
        ({"capitalised_share": 1.5}, "`capitalised_share` must be a part of the whole, from 0 to 1; got 1.5"),
        ({"capitalised_share": one(("2005-01-01", -0.5))}, "`capitalised_share` must be a part of the whole, from 0 to 1; got -0.5"),
        ({"capitalised_share": [1, 0, 1]}, r"`capitalised_share` must be one, or one for each of 2 notes; got \(3,\)"),
        ({"default_date": "2005-01-01"}, r"`default_rate and default_margin` must be given, one of the two, where there is a `default_date`; got \(nan, nan\) at row 0"),
        ({"default_date": [None, "2005-01-01"], "default_rate": 0.1, "default_margin": 0.1},
         r"`default_rate and default_margin` must be given, one of the two, .* got \(0.1, 0.1\) at row 1"),
        ({"default_rate": 0.1}, "`default_date` must be given with `default_rate`; got None"),
        ({"default_date": "2005-01-01", "default_rate": 10}, r"`default_rate` must be a decimal between -1 and 1; got 10.0 at row 0. Did you mean 0.1\?"),
        ({"default_date": "2005-01-01", "cure_date": "2004-12-31", "default_rate": 0.1},
         r"`cure_date` must be on or after `default_date` \(2005-01-01\); got '2004-12-31' at row 0"),
        ({"redemptions": one(("2005-01-01", 10))}, "`accrued_on_redemption` must be 'paid', 'paid-with-coupon', .*; got None"),
        ({"redemptions": one(("2005-01-01", 10)), "accrued_on_redemption": "payed"},
         r"`accrued_on_redemption` must be .*; got 'payed'. Did you mean 'paid'\?"),
        ({"conversions": one(("2005-01-01", 10)), "accrued_on_conversion": "forfeited-before-record-date"},
         "`record_days` must be given with 'forfeited-before-record-date'; got -1 at row 0"),
        ({"redemptions": one(("2004-06-18", 10)), "accrued_on_redemption": "paid"},
         "`redemptions` must be after the first day of the note's periods, and not after their end; got '2004-06-18'"),
        ({"conversions": one(("2005-06-18", 10), ("2006-06-19", 10)), "accrued_on_conversion": "paid"},
         "`conversions` must be after the first day of the note's periods, and not after their end; got '2006-06-19' at row 1"),
        ({"redemptions": one(("2005-06-18", 600), ("2005-06-17", 401)), "accrued_on_redemption": "paid"},
         r"`redemptions` must be at most what is outstanding \(599.00\); got '600.00 on 2005-06-18' at row 0"),
        ({"redemptions": one(("2005-06-18", 600)), "accrued_on_redemption": "paid", "capitalised_share": 1,
          "conversions": one(("2005-06-18", 482)), "accrued_on_conversion": "paid"},
         r"`conversions` must be at most what is outstanding \(481.60\); got '482.00 on 2005-06-18'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("compile_from", [0, 10**9])
def test_what_can_not_happen(monkeypatch, compile_from, given, message):
    monkeypatch.setattr(_discounting, "COMPILE_FROM", compile_from)
    with pytest.raises(nc.TermError, match=f"^{message}"):
        roll_forward(periods_of(principal=[1_000, 1_000]), **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([0, -1], "2005-01-01", 1), "`note` must be the position of a note, from 0; got -1.0 at row 1"),
        ((0.5, "2005-01-01", 1), "`note` must be the position of a note, from 0; got 0.5"),
        ((0, [None, "2005-01-01"], 1), "`date` must be given; got 'NaT' at row 0"),
        ((0, "2005-01-01", [1, None]), "`value` must be given; got nan at row 1"),
        ((0, "2005-01-01", float("inf")), "`value` must be a finite number; got inf"),
        ((0, np.datetime64("20000-01-01"), 1), "`date` must be between 0001-01-01 and 9999-12-31; got '20000-01-01'"),
        (([0, 1], ["2005-01-01"] * 3, 1), r"`note and date and value` must be one, or one for each row; got"),
    ],
)
def test_dated_values_that_can_not_be(given, message):
    with pytest.raises(nc.TermError, match=f"^{message}"):
        DatedValues(*given)


# ---- laws ----

BOUNDS = dt.date(2004, 2, 1), dt.date(2006, 1, 1)
RATES = st.integers(0, 3_000).map(lambda points: points / 10_000)


@st.composite
def stories(draw):
    """One note's terms, and what happens to it."""
    issue = draw(st.dates(*BOUNDS))
    length = draw(st.integers(40, 1_500))

    def days(count):
        return [
            issue + dt.timedelta(days=k) for k in draw(st.lists(st.integers(1, length), max_size=count, unique=True))
        ]

    principal = draw(st.floats(10, 1e6))
    terms = {
        "issue_date": issue,
        "maturity": issue + dt.timedelta(days=length),
        "principal": principal,
        "annual_rate": draw(RATES),
        "frequency": draw(st.sampled_from([0, 1, 2, 4, 12])),
        "day_count": draw(st.sampled_from(["30/360", "actual/360", "actual/actual isda", "30e/360"])),
        "record_days": draw(st.integers(0, 20)),
        "ex_days": draw(st.sampled_from([-1, 7])),
        "ex_day_type": "calendar",
    }
    steps = [(day, draw(RATES)) for day in days(3)]
    redeemed = [(day, principal * draw(st.integers(-30, 30)) / 100) for day in days(2)]
    converted = [(day, principal * draw(st.integers(0, 15)) / 100) for day in days(2)]
    default = draw(st.none() | st.integers(0, length).map(lambda k: issue + dt.timedelta(days=k)))
    own = {
        "default_date": default,
        "cure_date": None if default is None else default + dt.timedelta(days=draw(st.integers(0, 300))),
        "default_margin": 0.05,
        "capitalised_share": draw(st.sampled_from([0.0, 0.3, 1.0])),
        "accrued_on_redemption": draw(st.sampled_from(TREATMENTS)),
        "accrued_on_conversion": draw(st.sampled_from(TREATMENTS)),
    }
    return terms, {"rate_steps": steps, "redemptions": redeemed, "conversions": converted}, own


def told(each, order=None, factor=1.0):
    """Roll some stories forward together; their events in the order of a seed, amounts times a factor."""
    terms = {name: [story[0][name] for story in each] for name in each[0][0]}
    terms["principal"] = [factor * principal for principal in terms["principal"]]
    events = {}
    for name in each[0][1]:
        rows = [(note, *event) for note, story in enumerate(each) for event in story[1][name]]
        if order is not None:
            order.shuffle(rows)
        note, date, value = zip(*rows, strict=True) if rows else ([], [], [])
        events[name] = DatedValues(note, date, np.array(value) * (1 if name == "rate_steps" else factor))
    own = {name: [story[2][name] for story in each] for name in each[0][2]}
    return roll_forward(resolve(Notes(**terms)), **events, **own)


@given(st.lists(stories(), min_size=1, max_size=4))
def test_many_notes_are_each_as_if_alone(each):
    together = told(each)
    alone = [told([story]) for story in each]
    for name in ("start", "end", "annual_rate", "principal", "accrued_before", *AMOUNTS, "payment_date"):
        np.testing.assert_array_equal(getattr(together, name), np.concatenate([getattr(one, name) for one in alone]))
    on = [["2004-12-17"], ["2006-01-01"]]
    np.testing.assert_array_equal(together.accrued_on(on), np.stack([np.ravel(one.accrued_on(on)) for one in alone], 1))


@settings(max_examples=40)
@given(st.lists(stories(), min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_the_order_in_which_events_come_makes_no_difference(each, order):
    for name in ("principal", *AMOUNTS):
        np.testing.assert_array_equal(getattr(told(each, order), name), getattr(told(each), name))


@given(st.lists(stories(), min_size=1, max_size=3))
def test_nothing_is_lost(each):
    rolled = told(each)

    def sums(name):
        return np.bincount(rolled.note, getattr(rolled, name), len(each))

    scale = np.array([story[0]["principal"] for story in each])
    left = sums("interest") - sums("interest_paid") - sums("capitalised") - sums("forfeited")
    np.testing.assert_allclose(left / scale, 0, atol=1e-12)
    flows = sums("principal_paid") + sums("converted") - sums("capitalised") - scale
    np.testing.assert_allclose(flows / scale, 0, atol=1e-12)
    cash = rolled.cashflows()
    assert cash["total"].sum() == pytest.approx((sums("interest_paid") + sums("principal_paid")).sum(), rel=1e-12)


@settings(max_examples=40)
@given(st.lists(stories(), min_size=1, max_size=3))
def test_amounts_scale_with_principal(each):
    for name in ("principal", *AMOUNTS):
        np.testing.assert_array_equal(getattr(told(each, factor=8.0), name), 8.0 * getattr(told(each), name))


@given(stories(), st.data())
def test_a_day_on_which_nothing_changes_changes_nothing(story, data):
    """A step to the rate that is in force splits a span: the parts add up, and so does what is paid."""
    terms, events, own = story
    whole = told([story])
    day = data.draw(st.dates(terms["issue_date"], terms["maturity"]))
    if day in dict(events["rate_steps"]):
        return
    before = [rate for when, rate in sorted(events["rate_steps"]) if when < day]
    same = before[-1] if before else terms["annual_rate"]
    split = told([(terms, events | {"rate_steps": [*events["rate_steps"], (day, same)]}, own)])
    assert len(split) - len(whole) in {0, 1}
    scale = terms["principal"]
    assert split.interest.sum() / scale == pytest.approx(whole.interest.sum() / scale, abs=1e-13)
    np.testing.assert_allclose(split.cashflows()["total"] / scale, whole.cashflows()["total"] / scale, atol=1e-12)
    on = [day - dt.timedelta(days=1), day, day + dt.timedelta(days=1)]
    np.testing.assert_allclose(split.accrued_on(on) / scale, whole.accrued_on(on) / scale, atol=1e-12)


@given(stories())
def test_accrued_runs_on_from_span_to_span_and_to_what_is_paid(story):
    """A day before the end it is what has accrued to then: a straight line at the rate in force, with a day to go."""
    terms, events, own = story
    rolled = told([(terms | {"day_count": "actual/360", "ex_days": -1}, events, own)])
    accrued = rolled.accrued_on(rolled.end - 1) + rolled.interest_bearing * rolled.annual_rate / 360
    np.testing.assert_allclose(accrued, rolled.accrued_before + rolled.interest, atol=1e-12 * terms["principal"])
    np.testing.assert_allclose(rolled.accrued_on(rolled.start), rolled.accrued_before, atol=1e-12 * terms["principal"])


@given(stories())
def test_without_events_it_is_a_plain_note(story):
    terms, _, _ = story
    periods = resolve(Notes(**terms))
    rolled = roll_forward(periods, capitalised_share=0)
    np.testing.assert_array_equal(rolled.interest_paid, terms["principal"] * terms["annual_rate"] * periods.fraction)
    days = np.arange(periods.accrual_start[0] - 2, periods.accrual_end[-1] + 2)
    plain = nc.accrued_on(periods, days)
    np.testing.assert_allclose(rolled.accrued_on(days), plain, rtol=1e-13, atol=1e-13 * terms["principal"])


@pytest.mark.compiled
def test_the_compiled_loop_gives_what_its_python_body_gives(monkeypatch):
    rng = np.random.default_rng(5)
    notes = 300
    periods = periods_of(principal=rng.uniform(100, 1e6, notes), record_days=15)
    given = {
        "rate_steps": DatedValues(np.arange(notes), np.datetime64("2004-07-01") + rng.integers(0, 600, notes), 0.1),
        "redemptions": DatedValues(np.arange(notes), np.datetime64("2004-07-01") + rng.integers(0, 600, notes), 60.0),
        "conversions": DatedValues(np.arange(notes), np.datetime64("2004-07-01") + rng.integers(0, 600, notes), 30.0),
        "accrued_on_redemption": rng.choice(TREATMENTS, notes),
        "accrued_on_conversion": rng.choice(TREATMENTS, notes),
        "capitalised_share": rng.uniform(0, 1, notes),
    }
    made: list[Balances] = []
    for compile_from in (0, 10**9):
        monkeypatch.setattr(_discounting, "COMPILE_FROM", compile_from)
        made.append(roll_forward(periods, **given))
    for name in ("principal", "interest_bearing", "accrued_before", *AMOUNTS):
        np.testing.assert_allclose(getattr(made[0], name), getattr(made[1], name), rtol=1e-14, err_msg=name)
