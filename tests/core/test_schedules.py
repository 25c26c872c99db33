"""Schedules of many notes in one call, each by words of its own: QuantLib note by note, each note alone, compiled or not."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import given
from hypothesis import strategies as st

import notecalc as nc
from notecalc.core import _rolling
from notecalc.core import schedule as module
from notecalc.core.calendars import CONVENTIONS, get_calendar
from notecalc.core.daycount import DAY_COUNTS
from notecalc.core.note_rules import FREQUENCIES
from notecalc.core.notes import Notes
from notecalc.core.periods import DATES
from notecalc.core.schedule import add_months, resolve, schedules

FED = "us-federal-reserve"
IN_QUANTLIB = {
    "following": ql.Following,
    "modified-following": ql.ModifiedFollowing,
    "preceding": ql.Preceding,
    "modified-preceding": ql.ModifiedPreceding,
    "nearest": ql.Nearest,
    "unadjusted": ql.Unadjusted,
}
CALENDARS_IN_QUANTLIB = {
    None: ql.NullCalendar(),
    FED: ql.UnitedStates(ql.UnitedStates.FederalReserve),
    "nyse": ql.UnitedStates(ql.UnitedStates.NYSE),
    "target": ql.TARGET(),
    "weekends-only": ql.WeekendsOnly(),
}
NONE = np.datetime64("NaT", "D")
REST = {"principal": 100, "annual_rate": 0.08}


def period_in_quantlib(frequency):
    days = {
        13: ql.Period(28, ql.Days),
        26: ql.Period(2, ql.Weeks),
        52: ql.Period(1, ql.Weeks),
        365: ql.Period(1, ql.Days),
    }
    return days.get(frequency) or ql.Period(12 // frequency if frequency else 0, ql.Months)


def in_quantlib(date):
    return ql.Date() if date is None else ql.Date(date.day, date.month, date.year)


def from_quantlib(dates):
    return [dt.date(date.year(), date.month(), date.dayOfMonth()) for date in dates]


def dates_of(periods, note):
    """First day that accrues, and the last day of each period."""
    rows = slice(periods.offsets[note], periods.offsets[note + 1])
    return [*periods.accrual_start[rows][:1].tolist(), *periods.accrual_end[rows].tolist()]


def random_terms(seed, count):
    """Terms of notes that differ in everything, column by column.

    Where QuantLib has a reading of its own, they keep away from it: it moves stated coupons to ends of months.
    """
    rng = np.random.default_rng(seed)
    frequency = rng.choice(FREQUENCIES, count)
    months_apart = (frequency > 0) & (frequency <= 12)
    issue = np.datetime64("2000-01-01") + rng.integers(0, 20_000, count)
    maturity = issue + rng.integers(1, np.select([frequency == 365, frequency > 12], [60, 1_500], 6_000))
    whole = add_months(issue, np.where(months_apart, 12 // np.maximum(frequency, 1), 1) * rng.integers(1, 20, count))
    maturity = np.where((rng.random(count) < 0.3) & (frequency != 365), whole, maturity)
    for dates in (issue, maturity):  # many of them at a month's end
        month_end = (dates.astype("M8[M]") + 1).astype("M8[D]") - 1
        moved = (rng.random(count) < 0.4) & (frequency != 365)
        dates[moved] = month_end[moved]
    maturity = np.maximum(maturity, issue + 10)  # adjustment must not bring them together
    first = np.where((rng.random(count) < 0.3) & (frequency > 0), issue + rng.integers(1, 400, count), NONE)
    first = np.where(first < maturity, first, NONE)
    last = np.where((rng.random(count) < 0.3) & (frequency > 0), maturity - rng.integers(1, 400, count), NONE)
    last = np.where(last > np.where(np.isnat(first), issue, first), last, NONE)
    convention = rng.choice(CONVENTIONS, count)
    adjusts = convention != "unadjusted"
    calendar = rng.choice(np.array([name for name in CALENDARS_IN_QUANTLIB if name], dtype=object), count)
    calendar[~adjusts & (rng.random(count) < 0.5)] = None
    return {
        "issue_date": issue,
        "maturity": maturity,
        "frequency": frequency,
        "first_coupon": first,
        "last_coupon": last,
        "end_of_month": (rng.random(count) < 0.5) & np.isnat(first) & np.isnat(last),
        "generation": rng.choice(["backward", "forward"], count),
        "business_day_convention": convention,
        "maturity_convention": np.where(adjusts, rng.choice(CONVENTIONS, count), convention),
        "calendar": calendar,
        "accrual_adjusted": adjusts,
    }


def schedules_in_quantlib(terms):
    rows = zip(*(column.tolist() for column in terms.values()), strict=True)
    return [
        ql.Schedule(in_quantlib(issue), in_quantlib(maturity), period_in_quantlib(frequency), CALENDARS_IN_QUANTLIB[calendar],
                    IN_QUANTLIB[convention], IN_QUANTLIB[own],
                    getattr(ql.DateGeneration, generation.capitalize() if frequency else "Zero"), end_of_month,
                    in_quantlib(first), in_quantlib(last))
        for issue, maturity, frequency, first, last, end_of_month, generation, convention, own, calendar, _ in rows
    ]  # fmt: skip


# ---- against QuantLib ----


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_thousands_of_unlike_notes_in_one_call_agree_with_quantlib(seed):
    terms = random_terms(seed, 2_000)
    expected = schedules_in_quantlib(terms)
    periods = resolve(Notes(**terms, **REST, day_count="30/360"))
    wrong = [n for n, dates in enumerate(expected) if dates_of(periods, n) != from_quantlib(dates)]
    assert [{name: column[n] for name, column in terms.items()} for n in wrong] == []
    # a stated coupon is regular for QuantLib if it is a period away from the end of the note, for us if it is on the
    # cycle; and for QuantLib an adjusted period is regular by its unadjusted dates
    plain = np.isnat(terms["first_coupon"]) & np.isnat(terms["last_coupon"]) & ~terms["accrual_adjusted"]
    plain &= terms["frequency"] > 0
    regular = [n.isRegular(k) for n, counts in zip(expected, plain, strict=True) if counts for k in range(1, len(n))]
    assert periods.regular[plain[periods.note]].tolist() == regular


def test_thousands_of_cuts_agree_with_quantlib():
    """QuantLib cuts inside the schedule only."""
    terms = random_terms(4, 1_000)
    rng = np.random.default_rng(5)
    periods = resolve(Notes(**terms, **REST, day_count="actual/360"))
    first, last = periods.accrual_start[periods.offsets[:-1]], periods.accrual_end[periods.offsets[1:] - 1]
    at = first + rng.integers(1, (last - first).astype(int))
    at = np.where(rng.random(at.size) < 0.3, periods.accrual_end[periods.offsets[:-1]], at)  # often a coupon date
    inside = (at > first) & (at < last)
    assert inside.sum() > 900
    expected = schedules_in_quantlib(terms)
    until, after = periods.until(at), periods.after(at)
    for n in np.flatnonzero(inside):
        cut = in_quantlib(at[n].item())
        assert dates_of(until, n) == from_quantlib(expected[n].until(cut))
        assert dates_of(after, n) == from_quantlib(expected[n].after(cut))


@pytest.mark.parametrize("own", [False, True])
def test_payment_dates_are_adjusted_whether_or_not_accrual_is(own):
    terms = random_terms(6, 500) | {"accrual_adjusted": False}
    if not own:
        del terms["maturity_convention"]
    periods = resolve(Notes(**terms, **REST, day_count="30/360"))
    np.testing.assert_array_equal(periods.accrual_end, periods.unadjusted_end)
    is_last = np.isin(np.arange(len(periods)), periods.offsets[1:] - 1)
    rules = terms.get("maturity_convention", terms["business_day_convention"])
    for row in range(0, len(periods), 7):
        note = periods.note[row]
        rule = (rules if is_last[row] else terms["business_day_convention"])[note]
        name = terms["calendar"][note]
        day = periods.unadjusted_end[row]
        assert periods.payment_date[row] == (day if name is None else nc.adjust(day, str(rule), name))


# ---- periods in days ----


@pytest.mark.parametrize(("frequency", "days"), [(13, 28), (26, 14), (52, 7), (365, 1)])
@pytest.mark.parametrize("generation", ["backward", "forward"])
@pytest.mark.parametrize("length", [1, 27, 28, 29, 56, 100])
def test_coupons_days_apart(frequency, days, generation, length):
    issue = dt.date(2004, 6, 18)
    maturity = issue + dt.timedelta(days=length)
    whole = [n * days for n in range(1, (length - 1) // days + 1)]
    inside = [length - n for n in reversed(whole)] if generation == "backward" else whole
    expected = [issue + dt.timedelta(days=n) for n in [*inside, length]]
    periods = resolve(Notes(issue_date=issue, maturity=maturity, frequency=frequency, generation=generation, **REST,
                            day_count="actual/actual icma", end_of_month=True))  # fmt: skip
    assert periods.unadjusted_end.tolist() == expected
    regular = [end - start == dt.timedelta(days=days) for start, end in zip([issue, *expected], expected, strict=False)]
    assert periods.regular.tolist() == regular
    # as many days as it has of those of a whole period, of which there are so many a year
    lengths = np.diff(np.array([issue, *expected], dtype="M8[D]")).astype(int)
    np.testing.assert_allclose(periods.fraction, lengths / (days * frequency), rtol=1e-15)


def test_a_long_stub_of_weeks():
    terms = {
        "issue_date": "2004-06-18",
        "maturity": "2004-07-12",
        "frequency": 52,
        "stub": "long",
        "day_count": "actual/360",
    }
    ends = [resolve(Notes(**terms, **REST, generation=way)).unadjusted_end.tolist() for way in ("backward", "forward")]
    assert ends == [
        [dt.date(2004, 6, 28), dt.date(2004, 7, 5), dt.date(2004, 7, 12)],  # 24 days: 10 and two weeks
        [dt.date(2004, 6, 25), dt.date(2004, 7, 2), dt.date(2004, 7, 12)],
    ]


# ---- cut at a date ----


def three_years(**terms):
    return resolve(
        Notes(issue_date="2004-06-18", maturity="2007-06-18", frequency=2, day_count="30/360", **REST, **terms)
    )


def test_a_period_cut_short_ends_and_is_paid_on_the_day():
    periods = three_years(record_days=15).until("2005-03-18")
    assert periods.offsets.tolist() == [0, 2]
    for name in ("unadjusted_end", "accrual_end", "payment_date"):
        assert getattr(periods, name).astype(str).tolist() == ["2004-12-18", "2005-03-18"]
    assert periods.record_date.astype(str).tolist() == ["2004-12-03", "2005-03-03"]
    assert periods.regular.tolist() == [True, False]
    assert periods.reference_end.astype(str).tolist() == ["2004-12-18", "2005-06-18"]
    assert periods.fraction.tolist() == [0.5, 0.25]


def test_a_period_begun_late_is_paid_as_ever():
    periods = three_years().after("2006-09-18")
    assert periods.unadjusted_start.astype(str).tolist() == ["2006-09-18", "2006-12-18"]
    assert periods.payment_date.astype(str).tolist() == ["2006-12-18", "2007-06-18"]
    assert periods.regular.tolist() == [False, True]
    assert periods.fraction.tolist() == [0.25, 0.5]


def test_cuts_are_one_for_all_or_one_for_each_and_may_leave_nothing_or_all():
    notes = Notes(issue_date="2004-06-18", maturity=["2005-06-18"] * 4, frequency=2, day_count="30/360", **REST)
    periods = resolve(notes)
    at = ["2004-06-18", "2004-12-18", "2005-06-18", None]
    assert np.diff(periods.until(at).offsets).tolist() == [0, 1, 2, 2]
    assert np.diff(periods.after(at).offsets).tolist() == [2, 1, 0, 2]
    assert np.diff(periods.until("2004-12-18").offsets).tolist() == [1] * 4
    with pytest.raises(nc.TermError, match=r"`date` must be one date, or one for each of 4 notes; got \(2,\)"):
        periods.until(at[:2])


def test_a_bullet_cut_at_a_date_is_a_whole_of_its_own():
    periods = resolve(Notes(issue_date="2004-06-18", maturity="2007-06-18", frequency=0, day_count="30/360", **REST))
    cut = periods.until("2006-06-18").after("2005-06-18")
    assert (cut.reference_start[0], cut.reference_end[0]) == (np.datetime64("2005-06-18"), np.datetime64("2006-06-18"))
    assert cut.fraction.tolist() == [1.0]


# ---- many at once, and each alone ----

FIXED_OR_COUNTED = sorted(
    name for name, count in DAY_COUNTS.items() if count.formula or not count.needs or count.denominator is None
)


@st.composite
def terms_of_one(draw):
    issue = draw(st.dates(dt.date(2000, 1, 1), dt.date(2090, 1, 1)))
    frequency = draw(st.sampled_from(FREQUENCIES))
    length = draw(st.integers(10, 4_000 if frequency <= 12 else 400))  # adjustment must not bring its ends together
    inside = st.none() | st.integers(0, length) if frequency else st.none()
    first, last = draw(inside), draw(inside)
    if first is not None and last is not None:
        first, last = sorted((first, last))
    icma = [] if frequency else ["actual/actual icma"]
    return {
        "issue_date": issue,
        "maturity": issue + dt.timedelta(days=length),
        "first_coupon": None if first is None else issue + dt.timedelta(days=first),
        "last_coupon": None if last is None else issue + dt.timedelta(days=last),
        "frequency": frequency,
        "end_of_month": draw(st.booleans()),
        "record_days": draw(st.integers(-1, 30)),
        "ex_days": draw(st.integers(-1, 30)),
        "ex_day_type": draw(st.sampled_from(["calendar", "business"])),
        "day_count": draw(st.sampled_from([name for name in FIXED_OR_COUNTED if name not in icma])),
        "generation": draw(st.sampled_from(["backward", "forward"])),
        "stub": draw(st.sampled_from(["short", "long"])),
        "business_day_convention": draw(st.sampled_from(CONVENTIONS)),
        "maturity_convention": draw(st.none() | st.sampled_from(CONVENTIONS)),
        "calendar": draw(st.sampled_from([FED, "target", "weekends-only"])),
        "accrual_adjusted": draw(st.booleans()),
    }


FLAGS = ("end_of_month", "accrual_adjusted")


def together(each):
    columns = {name: [terms[name] for terms in each] for name in each[0]}
    return Notes(**columns | {name: np.array(columns[name], dtype=bool) for name in FLAGS}, **REST)


@given(st.lists(terms_of_one(), min_size=1, max_size=5))
def test_many_notes_at_once_are_each_as_if_alone(each):
    frame = resolve(together(each)).to_frame()
    assert frame["note"].is_monotonic_increasing
    for note, terms in enumerate(each):
        alone = resolve(Notes(**terms, **REST)).to_frame()
        rows = frame[frame["note"] == note].reset_index(drop=True).assign(note=0)
        pd.testing.assert_frame_equal(rows, alone)


@given(terms_of_one())
def test_periods_follow_on_one_another_from_issue_to_maturity(terms):
    periods = resolve(Notes(**terms, **REST))
    assert periods.unadjusted_start[0].item() == terms["issue_date"]
    assert periods.unadjusted_end[-1].item() == terms["maturity"]
    np.testing.assert_array_equal(periods.accrual_start[1:], periods.accrual_end[:-1])
    np.testing.assert_array_equal(periods.unadjusted_start[1:], periods.unadjusted_end[:-1])
    assert (periods.unadjusted_start < periods.unadjusted_end).all()
    assert (periods.accrual_start < periods.accrual_end).all()
    assert (np.diff(periods.payment_date[:-1]) >= np.timedelta64(0)).all()  # the last one has a rule of its own
    assert (periods.reference_start < periods.reference_end).all()
    assert (periods.reference_end[periods.regular] == periods.accrual_end[periods.regular]).all()
    if terms["day_count"] == "actual/actual icma":
        assert (periods.numerator * terms["frequency"] == periods.denominator)[periods.regular].all()


@given(st.lists(terms_of_one().filter(lambda terms: terms["frequency"]), min_size=1, max_size=5))
def test_the_reference_period_is_the_step_of_the_cycle_in_which_a_period_ends(each):
    """The loop finds most of them without looking; the cycle looks."""
    periods = resolve(together(each))
    cycle = periods.cycle.take(periods.note)
    j = cycle.locate(periods.accrual_end - np.timedelta64(1, "D"))
    np.testing.assert_array_equal(periods.reference_start, cycle.dates(j))
    np.testing.assert_array_equal(periods.reference_end, cycle.dates(j + 1))


@given(terms_of_one(), st.data())
def test_a_schedule_cut_in_two_is_whole_again(terms, data):
    periods = resolve(Notes(**terms, **REST))
    start, end = periods.accrual_start[0], periods.accrual_end[-1]
    at = start + data.draw(st.integers(0, int((end - start).astype(int))))
    before, after = periods.until(at), periods.after(at)
    starts = np.concatenate([before.accrual_start, after.accrual_start])
    ends = np.concatenate([before.accrual_end, after.accrual_end])
    np.testing.assert_array_equal(starts, np.unique([*periods.accrual_start, *([at] if at < end else [])]))
    np.testing.assert_array_equal(ends, np.unique([*periods.accrual_end, *([at] if start < at else [])]))


def test_no_notes_have_no_periods():
    notes = Notes(issue_date=[], maturity="2007-06-18", frequency=2, day_count="30/360", **REST)
    periods = resolve(notes)
    assert len(periods) == 0
    assert periods.to_frame().empty
    assert schedules(notes).empty
    assert periods.until("2004-01-01").offsets.tolist() == [0]


# ---- the frame ----


def test_the_frame_has_a_row_for_each_period():
    notes = Notes(issue_date="2004-06-18", maturity=["2004-12-18", "2005-06-18"], frequency=2, day_count="30/360",
                  business_day_convention="following", calendar=FED, record_days=15, **REST)  # fmt: skip
    frame = nc.schedules(notes)
    assert frame.columns.tolist() == [
        "note", "period", "unadjusted_start", "unadjusted_end", "accrual_start", "accrual_end", "payment_date",
        "record_date", "ex_date", "regular",
    ]  # fmt: skip
    assert frame[["note", "period"]].to_numpy().tolist() == [[0, 1], [1, 1], [1, 2]]
    assert frame["payment_date"].astype(str).tolist() == ["2004-12-20", "2004-12-20", "2005-06-20"]
    assert frame["record_date"].astype(str).tolist() == ["2004-12-03", "2004-12-03", "2005-06-03"]


# ---- words ----


@pytest.mark.parametrize(
    "given",
    [
        ["short", "long", "short"],
        ("short", "long", "short"),
        np.array(["short", "long", "short"]),
        np.array(["short", "long", "short"], dtype=object),
        pd.Series(["short", "long", "short"], index=[5, 6, 7]),
        pd.Series(["short", "long", "short"], dtype="string"),
        pd.Series(["short", "long", "short"], dtype="category"),
        pd.Categorical(["short", "long", "short"], categories=["long", "short"]),
        pd.Index(["short", "long", "short"]),
    ],
    ids=lambda given: type(given).__name__ + str(getattr(given, "dtype", "")),
)
def test_words_come_in_many_kinds(given):
    notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", frequency=2, day_count="30/360", stub=given, **REST)
    assert notes.stub.tolist() == ["short", "long", "short"]
    assert np.asarray(notes.stub).tolist() == ["short", "long", "short"]
    assert notes.stub.distinct() == ["short", "long"]
    assert notes.day_count.tolist() == ["30/360"] * 3


def test_words_have_their_aliases_and_calendars_their_closures():
    mourning = get_calendar(FED, ["2004-06-11"])
    notes = Notes(issue_date="2004-06-18", maturity="2007-06-18", frequency=2, day_count=["ACT/360", "a/360", "30/360"],
                  calendar=[FED, mourning, None], **REST)  # fmt: skip
    assert notes.day_count.tolist() == ["actual/360", "actual/360", "30/360"]
    assert notes.calendar.tolist() == [get_calendar(FED), mourning, None]


@pytest.mark.parametrize("dtype", ["bool", "boolean", "object"])
def test_flags_come_in_many_kinds(dtype):
    flags = pd.Series([True, False]).astype(dtype)
    notes = Notes(
        issue_date="2004-06-30", maturity="2005-06-30", frequency=4, day_count="30/360", end_of_month=flags, **REST
    )
    assert resolve(notes).unadjusted_end.astype(str).tolist()[::4] == ["2004-09-30"] * 2
    assert resolve(notes).unadjusted_end.astype(str).tolist()[1::4] == ["2004-12-31", "2004-12-30"]


def test_words_in_unlike_order_are_not_put_together():
    stub = pd.Series(["long", "short"], index=["b", "a"])
    with pytest.raises(nc.IndexMismatchError, match="`stub` must be a Series with the same index as `issue_date`"):
        Notes(issue_date=pd.Series(["2004-06-18"] * 2, index=["a", "b"]), maturity="2007-06-18", frequency=2,
              day_count="30/360", stub=stub, **REST)  # fmt: skip


# ---- what a calendar knows ----


@pytest.mark.parametrize(("change", "message"), [
    ({"issue_date": ["2004-06-18", "1970-12-31"]},
     "`issue_date` must be between 1971-01-04 and 2199-12-30 in calendar 'us-federal-reserve'; got '1970-12-31' at row 1"),
    ({"maturity": ["2004-06-18", "2200-01-01"]},
     "`maturity` must be between 1971-01-04 and 2199-12-30 in calendar 'us-federal-reserve'; got '2200-01-01' at row 1"),
    # half a year before 1 June 1971 there is no telling what a business day was
    ({"issue_date": "1971-02-01", "maturity": ["2004-06-18", "1975-06-01"], "accrual_adjusted": True},
     "`issue_date and maturity` must be such that the regular periods that hold them lie between 1971-01-04 and 2199-12-30 in calendar 'us-federal-reserve'; got '1971-02-01 and 2004-06-18' at row 0"),
])  # fmt: skip
@pytest.mark.parametrize("compile_from", [0, 10**9])
def test_a_schedule_beyond_its_calendar_is_an_error(monkeypatch, compile_from, change, message):
    monkeypatch.setattr(module, "COMPILE_FROM", compile_from)
    terms = {"issue_date": "2003-06-18", "maturity": "2204-06-18", "frequency": 2, "day_count": "30/360",
             "business_day_convention": "following", "calendar": FED}  # fmt: skip
    with pytest.raises(nc.TermError) as error:
        resolve(Notes(**terms | change, **REST))
    assert str(error.value) == message


# ---- compiled or not ----


@pytest.mark.compiled
@pytest.mark.parametrize("seed", [7, 8])
def test_compiled_loops_give_what_their_python_bodies_give(monkeypatch, seed):
    rng = np.random.default_rng(seed)
    terms = random_terms(seed, 400) | {
        "stub": rng.choice(["short", "long"], 400),
        "accrual_adjusted": rng.random(400) < 0.5,
        "record_days": rng.integers(-1, 20, 400),
    }
    notes = Notes(**terms, **REST, day_count="30/360")
    monkeypatch.setattr(module, "COMPILE_FROM", 10**9)
    plain = resolve(notes)
    monkeypatch.setattr(module, "COMPILE_FROM", 0)
    monkeypatch.setattr(module, "_as_python", None)
    compiled = resolve(notes)
    for name in ("offsets", "note", *DATES):
        np.testing.assert_array_equal(getattr(compiled, name), getattr(plain, name), err_msg=name)
    for name in ("month", "roll_day", "step", "anchor", "days", "origin"):
        np.testing.assert_array_equal(getattr(compiled.cycle, name), getattr(plain.cycle, name), err_msg=name)


@given(st.integers(-719_162, 2_932_896))
def test_months_and_days_are_those_of_the_wall_calendar(serial):
    day = dt.date(1970, 1, 1) + dt.timedelta(days=serial)
    month, day_of_month = _rolling._month_and_day(serial)
    assert (month, day_of_month) == (12 * (day.year - 1970) + day.month - 1, day.day)
    assert _rolling._first_of_month(month) == serial - day.day + 1
