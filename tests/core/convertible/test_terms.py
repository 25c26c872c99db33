"""What terms refuse, and how they become segments of time."""

from __future__ import annotations

import numpy as np
import pytest

import notecalc as nc
from notecalc.core.convertible import _columns as col
from notecalc.core.convertible._timeline import build_timelines
from notecalc.core.convertible._windows import Dividends
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, PutWindow, Steps

NO_DIVIDENDS = Dividends(np.empty(0, dtype="datetime64[D]"), np.empty(0))


def timeline(terms, day="2004-06-18"):
    return build_timelines(terms, np.array([0]), np.array([day], dtype="datetime64[D]"), {}, NO_DIVIDENDS)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: ConversionWindow(conversion_price=0), "`conversion_price` must be a number above 0; got 0.0"),
        (
            lambda: ConversionWindow(conversion_price=1, start="2005-01-02", end="2005-01-01"),
            "`end` must be on or after `start`; got '2005-01-01'",
        ),
        (lambda: CallWindow(clean_price=-1), "`clean_price` must be a number above 0; got -1.0"),
        (lambda: CallWindow(clean_price=100, trigger=-0.5), "`trigger` must be a fraction of the conversion price"),
        (lambda: PutWindow(start="2005-06-18", end="2005-06-18", clean_price=[100, 0]), "`clean_price` must be a number above 0; got 0.0 at row 1"),
        (lambda: Steps(["2005-01-01", "2004-01-01"], [1, 2]), "`dates` must be rising"),
        (lambda: Steps(["2005-01-01"], [1, 2]), "`dates and values` must be of one length"),
        (lambda: Steps(["2005-01-01", "2006-01-01"], [1, np.nan]), "`values` must be given for each date; got nan at row 1"),
    ],
)  # fmt: skip
def test_impossible_windows(build, words):
    with pytest.raises(nc.TermError, match=words):
        build()


def test_impossible_terms(make):
    with pytest.raises(
        nc.TermError,
        match="`accrued_on_conversion` must be 'forfeited', 'forfeited-before-record-date' or 'paid'; got 'pays'",
    ):
        make(accrued_on_conversion="pays")
    with pytest.raises(nc.TermError, match=r"`calls.clean_price` must be one value, or one for each of 1 notes"):
        make(terms={"calls": [CallWindow(clean_price=[100, 101])]})
    terms = make(
        conversions=[ConversionWindow(conversion_price=1), ConversionWindow(conversion_price=2, start="2005-06-18")]
    )
    with pytest.raises(nc.TermError, match="`conversions` must be windows that don't overlap"):
        timeline(terms)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        *(
            (
                {"calls": [CallWindow(clean_price=[np.nan, 100], make_whole_until="2005-06-18", **{name: [np.nan] * 2})]},
                f"`calls.{name}` must be given where `clean_price` is; got nan at row 1",
            )
            for name in ("trigger", "notice_days", "make_whole_rate")
        ),
        (
            {"puts": [PutWindow(clean_price=100, start="2005-06-18", end=["2005-06-18", None])]},
            "`puts.end` must be given where `start` is; got 'NaT' at row 1",
        ),
        (
            {"calls": [CallWindow(clean_price=100, start="2008-01-01")]},
            "`calls.start` must be by maturity, 2007-06-18; got '2008-01-01' at row 0",
        ),
        (
            {"puts": [PutWindow(clean_price=100, end=[None, "2004-06-17"])]},
            "`puts.end` must be on or after the day of issue, 2004-06-18; got '2004-06-17' at row 1",
        ),
        ({"redemption_price_fraction": [1, 0.9]}, "`redemption_price_fraction` must be left out with redemption_in='cash'; got 0.9 at row 1"),
    ],
)  # fmt: skip
def test_impossible_windows_of_a_note(make, terms, words):
    """Only what has no price, or no day, is no window: nothing else makes one go away."""
    with pytest.raises(nc.TermError) as error:
        make(issue_date=["2004-06-18"] * 2, maturity=["2007-06-18", "2009-06-18"], terms=terms)
    assert str(error.value) == words


def test_a_payment_after_maturity_is_within_a_notes_life(make):
    """It falls on a Saturday, and is paid on Monday."""
    make(
        maturity="2007-06-16", last_coupon="2006-12-18", business_day_convention="following", calendar="weekends-only",
        terms={"puts": [PutWindow(clean_price=100, start="2007-06-18", end="2007-06-18")]},
    )  # fmt: skip


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_triggers_while_conversion_is_closed_are_of_the_next_price(make, order):
    """However windows are listed; after the last of them, of the last."""
    windows = [
        ConversionWindow(conversion_price=price, start=first, end=last)
        for price, first, last in (
            (1.85, "2004-12-18", "2005-06-18"), (3.0, "2005-12-18", "2006-06-18"), (2.5, "2006-06-18", "2006-12-18"),
        )
    ]  # fmt: skip
    terms = make(conversions=[windows[i] for i in order], terms={"calls": [CallWindow(clean_price=100, trigger=1.5)]})
    table = timeline(terms).table
    np.testing.assert_allclose(table[:, col.TRIGGER], 1.5 * np.array([1.85, 1.85, 3.0, 3.0, 2.5, 2.5]))
    assert table[:, col.OPEN].tolist() == [0, 1, 0, 1, 1, 0]


@pytest.mark.parametrize(("redemption_in", "cash"), [("cash", [124, 104]), ("shares", [124, 4])])
def test_a_put_at_maturity_takes_the_place_of_a_lesser_redemption(make, redemption_in, cash):
    terms = make(
        issue_date=["2004-06-18"] * 2,
        terms={"puts": [PutWindow(clean_price=[120, 99], start="2007-06-18", end="2007-06-18")],
               "redemption_in": redemption_in},
    )  # fmt: skip
    days = np.array(["2004-06-18"] * 2, dtype="datetime64[D]")
    lines = build_timelines(terms, np.arange(2), days, {}, NO_DIVIDENDS)
    last = lines.table[lines.offsets[1:] - 1]
    assert last[:, col.DAY_PUT].tolist() == [124, 104]
    assert last[:, col.DAY_CASH].tolist() == cash


def test_segments_between_coupons(make):
    table = timeline(make(), "2004-09-18").table
    days = np.diff(np.array(["2004-09-18", "2004-12-18", "2005-06-18"], dtype="datetime64[D]")).astype(int)
    assert table[:2, col.LENGTH].tolist() == (days / 365).tolist()
    assert table[:, col.COUPON].tolist() == [4, 4, 4, 4, 4, 0]  # the last with the principal
    assert table[-1, col.DAY_PUT] == 104
    assert (table[:, col.RATIO] == 100 / 1.85).all()
    assert (table[:, col.LEVEL_START] == table[:, col.LEVEL_END]).all()
    assert table[0, col.LEVEL_END] == pytest.approx(104 / 100 * 1.85)


def test_the_level_of_a_call_moves_with_accrued_interest(make):
    terms = make(terms={"calls": [CallWindow(clean_price=110, start="2006-06-18", end="2006-12-18")]})
    table = timeline(terms).table
    live = table[:, col.CALL] > 0
    assert live.tolist() == [False, False, False, False, True, False]
    assert table[live, [col.CALL_START]].item() == 110
    assert table[live, [col.CALL_END]].item() == 114
    # before the call the level stays where it opens, and after it where it closed: no change of grid
    np.testing.assert_allclose(table[:4, col.LEVEL_END], 110 * 1.85 / 100)
    assert table[5, col.LEVEL_START] == pytest.approx(114 * 1.85 / 100)
    paid = timeline(make(accrued_on_conversion="paid", terms={"calls": [CallWindow(clean_price=110)]})).table
    np.testing.assert_allclose(paid[:, col.LEVEL_START], 110 * 1.85 / 100)


def test_a_soft_calls_level_is_its_trigger_in_each_windows_price(make):
    terms = make(
        conversions=[
            ConversionWindow(conversion_price=1.85, end="2005-06-18"),
            ConversionWindow(conversion_price=2.0, start="2005-06-18"),
        ],
        terms={"calls": [CallWindow(clean_price=100, trigger=1.5)]},
    )
    table = timeline(terms).table
    np.testing.assert_allclose(table[:, col.LEVEL_END], [1.5 * 1.85] * 2 + [3.0] * 4)


def test_notes_without_a_window_of_a_kind_have_none(make):
    both = make(
        [1.85, 2.0], issue_date=["2004-06-18", "2004-06-18"],
        terms={"puts": [PutWindow(start=["2006-06-18", None], end=["2006-06-18", None], clean_price=100)],
               "calls": [CallWindow(clean_price=[100, np.nan])]},
    )  # fmt: skip
    lines = build_timelines(
        both, np.array([0, 1]), np.array(["2004-06-18"] * 2, dtype="datetime64[D]"), {}, NO_DIVIDENDS
    )
    first, second = (lines.table[lines.offsets[i] : lines.offsets[i + 1]] for i in (0, 1))
    assert first[:, col.CALL].all()
    assert not second[:, col.CALL].any()
    assert np.isfinite(first[:-1, col.DAY_PUT]).sum() == 1
    assert not np.isfinite(second[:-1, col.DAY_PUT]).any()


def test_pairs_laid_out_at_once_are_as_each_alone(make):
    terms = make(
        [1.85, 2.0], issue_date=["2004-06-18", "2004-02-29"], maturity=["2007-06-18", "2009-02-28"],
        day_count=["30/360", "actual/actual icma"],
        terms={"puts": [PutWindow(start=["2006-06-18", None], end=["2006-06-18", None], clean_price=100)],
               "calls": [CallWindow(clean_price=[100, 105], trigger=[1.5, 0], start=["2005-06-18", "2006-01-31"],
                                    make_whole_until=["2006-06-18", "2008-02-28"], make_whole_rate=0.05)]},
    )  # fmt: skip
    note = np.array([1, 0, 1, 0, 1])
    days = np.array(["2006-01-31", "2004-06-18", "NaT", "2005-12-18", "2004-03-01"], dtype="datetime64[D]")
    together = build_timelines(terms, note, days, {}, NO_DIVIDENDS)
    for i in range(note.size):
        alone = build_timelines(terms, note[i : i + 1], days[i : i + 1], {}, NO_DIVIDENDS)
        own = together.table[together.offsets[i] : together.offsets[i + 1]]
        np.testing.assert_array_equal(own, alone.table)
        assert (together.accrued[i], together.ratio[i]) == pytest.approx(
            (alone.accrued[0], alone.ratio[0]), abs=0, nan_ok=True
        )
    assert together.offsets[3] == together.offsets[2]  # none for a day that is missing


def test_interest_accrued_is_that_of_the_day_count(make):
    terms = make(day_count="actual/365 fixed", accrued_on_conversion="paid", terms={"puts": [PutWindow(start="2005-03-01", end="2005-03-01", clean_price=100)]})  # fmt: skip
    table = timeline(terms, "2004-09-18").table
    # from 18 June to 18 September, and from 18 December to 1 March, which is a put's
    assert table[0, col.FLOOR_START] == pytest.approx(8 * 92 / 365, abs=1e-13)
    assert table[1, col.FLOOR_END] == pytest.approx(8 * 73 / 365, abs=1e-13)
    assert table[1, col.DAY_PUT] == pytest.approx(100 + 8 * 73 / 365, abs=1e-13)
    # the coupon of a half year, before it is paid and after
    assert table[0, col.FLOOR_END] == pytest.approx(8 * 183 / 365, abs=1e-13)
    assert table[1, col.FLOOR_START] == 0
