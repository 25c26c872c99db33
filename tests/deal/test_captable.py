"""The cap table of section 5.4, the room under the authorised shares, and ownership before and after conversion."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import notecalc as nc
from notecalc.deal.dealfile import validate_terms

AUTHORISED = 85_000_000
ISSUED, OPTIONS, OLD_WARRANTS, OLD_RESERVE = 46_655_867, 7_635_064, 3_437_284, 443_232  # section 5.4
WARRANTS, IMPERIAL = 5_176_065, 110_231  # section 1, Exhibit 5.4
WITHOUT_CONVERTIBLES = ISSUED + OPTIONS + OLD_WARRANTS + WARRANTS + IMPERIAL  # 63,014,511
OLD_LEFT = 10_216  # 880,000 at 86.14 is 10,215.9...
NEW = 20_162_163  # 37,300,000 at 1.85 is 20,162,162.1...
NOTES = 15_675_676  # 29,000,000 at 1.85 is 15,675,675.6...

PRINCIPALS = [1_450_000, 1_050_000, 500_000, 500_000, 3_500_000, 3_500_000, 3_500_000, 10_000_000, 5_000_000]
# principal / 1.85 cut to whole shares, holder by holder
SHARES = [783_783, 567_567, 270_270, 270_270, 1_891_891, 1_891_891, 1_891_891, 5_405_405, 2_702_702]


def notes_of(table: pd.DataFrame) -> pd.DataFrame:
    return table.loc[table["class"] == "notes"]


def shares_at(price: Fraction, principals: Sequence[int]) -> int:
    return sum(ceil(principal / price) for principal in principals)


def lowest_by_trying(principals: Sequence[int], available: int) -> Fraction:
    """Brute force: the count of shares changes only at prices P / k; try those just above sum / available."""
    start = Fraction(sum(principals), available)
    near = [floor(principal / start) for principal in principals]
    tries = sorted(
        Fraction(principal, k)
        for principal, about in zip(principals, near, strict=True)
        for k in range(max(about - 5, 1), about + 2)
    )
    return next(price for price in tries if shares_at(price, principals) <= available)


# ---- the cap table ----


def test_classes_and_their_shares(deal: nc.Deal) -> None:
    table = deal.captable()
    assert table["shares"].to_dict() == {
        "common": 46_655_867,
        "options": 7_635_064,
        "existing-warrants": 3_437_284,
        "existing-convertible-notes": OLD_LEFT,
        "warrants": 5_176_065,
        "imperial": 110_231,
        "new-convertible-notes": NEW,
        "notes": NOTES,
        "fully-diluted": 98_862_566,
        "authorised": 85_000_000,
        "headroom": -13_862_566,
    }
    assert table["kind"].tolist()[:8] == [
        "issued",
        "reserved",
        "reserved",
        "reserved",
        "promised",
        "promised",
        "promised",
        "notes",
    ]
    assert WITHOUT_CONVERTIBLES + OLD_LEFT + NEW + NOTES == 98_862_566


def test_every_class_says_where_it_comes_from(deal: nc.Deal) -> None:
    sources = deal.captable()["source"].to_dict()
    assert sources["common"] == sources["options"] == sources["authorised"] == "npa 5.4"
    assert sources["imperial"] == "npa Exhibit 5.4"
    assert sources["warrants"] == "npa 1 Warrants"
    assert sources["notes"] == "rra Conversion Price"
    assert "assumed" in deal.replace(conversion_price=2).captable().loc["notes", "source"]


def test_fully_diluted_fractions_add_to_one(deal: nc.Deal) -> None:
    table = deal.captable()
    classes = table.loc[table["kind"] != "total"]
    assert classes["fully_diluted"].sum() == pytest.approx(1, abs=1e-12)
    assert classes.loc["common", "fully_diluted"] == pytest.approx(46_655_867 / 98_862_566, abs=1e-15)
    assert table.loc["fully-diluted", "fully_diluted"] == 1


def test_a_higher_conversion_price_needs_fewer_shares(deal: nc.Deal) -> None:
    table = deal.replace(conversion_price=16).captable()
    assert table.loc["notes", "shares"] == 1_812_500  # 29,000,000 / 16
    assert table.loc["headroom", "shares"] == 1_813_110 - 1_812_500


# ---- headroom ----


def test_room_in_the_three_cases(deal: nc.Deal) -> None:
    table = deal.headroom()
    assert table.index.tolist() == ["without", "own-price", "repriced"]
    assert table["other_shares"].tolist() == [63_457_743, 83_186_890, 83_186_890]
    assert table["available"].tolist() == [21_542_257, 1_813_110, 1_813_110]
    assert table["notes_shares"].tolist() == [NOTES] * 3
    assert table["headroom"].tolist() == [21_542_257 - NOTES, -13_862_566, -13_862_566]
    assert table["shortfall"].tolist() == [0, 13_862_566, 13_862_566]
    # the reserve for Existing Convertible Notes stands in full only where there is no exchange
    assert WITHOUT_CONVERTIBLES + OLD_RESERVE == 63_457_743
    assert WITHOUT_CONVERTIBLES + OLD_LEFT + NEW == 83_186_890


def test_lowest_prices_that_fit_exact_and_to_the_cent(deal: nc.Deal) -> None:
    table = deal.headroom()
    room_together = AUTHORISED - WITHOUT_CONVERTIBLES - OLD_LEFT
    assert room_together == 21_975_273
    expected = [
        Fraction(29_000_000, 21_542_257),
        Fraction(29_000_000, 1_813_110),
        lowest_by_trying([29_000_000, 37_300_000], room_together),
    ]
    assert [Fraction(text) for text in table["lowest_price_fraction"]] == expected
    assert table["lowest_price_exact"].tolist() == [float(price) for price in expected]
    assert table["lowest_price"].tolist() == [1.35, 16.00, 3.02]  # 1.3461..., 15.9946..., 3.0170...


def test_the_lowest_price_of_both_together_fits_and_nothing_below_does(deal: nc.Deal) -> None:
    price = Fraction(deal.headroom().loc["repriced", "lowest_price_fraction"])
    both = [29_000_000, 37_300_000]
    assert shares_at(price, both) <= 21_975_273 < shares_at(price * (1 - Fraction(1, 10**12)), both)


@settings(max_examples=40)
@given(authorised=st.integers(63_500_000, 200_000_000), tendered=st.integers(1, 38_180))
def test_lowest_prices_fit_and_lower_ones_do_not(deal: nc.Deal, authorised: int, tendered: int) -> None:
    offered = tendered * 1000
    other = deal.replace(**{"capitalization.authorised": authorised, "tendered": offered})
    table = other.headroom()
    left = ceil(Fraction(38_180_000 - offered) / Fraction("86.14"))
    rooms = {
        "without": (authorised - WITHOUT_CONVERTIBLES - OLD_RESERVE, [29_000_000]),
        "own-price": (authorised - WITHOUT_CONVERTIBLES - left - ceil(offered / Fraction("1.85")), [29_000_000]),
        "repriced": (authorised - WITHOUT_CONVERTIBLES - left, [29_000_000, offered]),
    }
    for case, (room, principals) in rooms.items():
        row = table.loc[case]
        if room < len(principals):
            assert np.isnan(row["lowest_price_exact"])
            continue
        price = Fraction(row["lowest_price_fraction"])
        assert shares_at(price, principals) <= room
        assert shares_at(price * (1 - Fraction(1, 10**15)), principals) > room
        assert row["lowest_price_exact"] == float(price)
        assert row["lowest_price"] == ceil(price * 100) / 100


@pytest.mark.parametrize(
    ("authorised", "fits"),
    [
        (60_000_000, [False, False, False]),  # fewer than are spoken for without the Notes
        (WITHOUT_CONVERTIBLES + OLD_LEFT, [False, False, False]),
        (WITHOUT_CONVERTIBLES + OLD_LEFT + 1, [False, False, False]),  # one share cannot serve two conversions
        (WITHOUT_CONVERTIBLES + OLD_LEFT + 2, [False, False, True]),
        (WITHOUT_CONVERTIBLES + OLD_RESERVE + 1, [True, False, True]),
        (WITHOUT_CONVERTIBLES + OLD_LEFT + NEW + 1, [True, True, True]),
    ],
)
def test_where_no_price_fits_there_is_none(deal: nc.Deal, authorised: int, fits: list[bool]) -> None:
    table = deal.replace(**{"capitalization.authorised": authorised}).headroom()
    assert table["lowest_price_exact"].notna().tolist() == fits
    assert table["lowest_price"].notna().tolist() == fits
    assert (table["lowest_price_fraction"] != "").tolist() == fits
    assert (table["shortfall"] == (-table["headroom"]).clip(lower=0)).all()


def test_what_was_not_tendered_by_the_reported_figure(deal: nc.Deal) -> None:
    """900,000 at 86.14 is 10,448.1 shares; the difference of 880,000 is our reading."""
    table = deal.replace(untendered="reported").captable()
    assert table.loc["existing-convertible-notes", "shares"] == 10_449
    assert table.loc["headroom", "shares"] == -13_862_566 - (10_449 - 10_216)


def test_a_full_exchange_leaves_no_reserve(deal: nc.Deal) -> None:
    table = deal.replace(tendered=38_180_000).captable()
    assert table.loc["existing-convertible-notes", "shares"] == 0
    assert table.loc["new-convertible-notes", "shares"] == 20_637_838  # 38,180,000 / 1.85 = 20,637,837.8...


def test_the_new_notes_own_price_moves_their_case_only(deal: nc.Deal) -> None:
    other = deal.replace(**{"instruments.new-convertible-notes.conversion_price": 4}).headroom()
    assert other.loc["own-price", "other_shares"] == WITHOUT_CONVERTIBLES + OLD_LEFT + 9_325_000  # 37,300,000 / 4
    assert other.loc["repriced", "lowest_price"] == 3.02


def test_a_deal_without_an_exchange_has_one_case(raw: dict[str, Any]) -> None:
    """Then the Existing Convertible Notes keep the reserve that section 5.4 states."""
    del raw["exchanges"]
    del raw["capitalization"]["classes"]["new-convertible-notes"]
    raw["capitalization"]["excepted"]["value"].remove("new-convertible-notes")
    plain = nc.Deal(validate_terms(raw, "raw"))
    assert plain.headroom().index.tolist() == ["own-price"]
    assert plain.headroom()["available"].tolist() == [21_542_257]
    assert plain.captable().loc["existing-convertible-notes", "shares"] == OLD_RESERVE


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            ("instruments", "existing-convertible-notes", "conversion_price"),
            "`instruments.existing-convertible-notes.conversion_price` must be given",
        ),
        (
            ("instruments", "new-convertible-notes", "conversion_price"),
            "`instruments.new-convertible-notes.conversion_price` must be given",
        ),
    ],
)
def test_a_count_that_the_papers_do_not_give_is_an_error(
    raw: dict[str, Any], path: tuple[str, ...], words: str
) -> None:
    node = raw
    for part in path[:-1]:
        node = node[part]
    del node[path[-1]]
    with pytest.raises(nc.TermError, match=words):
        nc.Deal(validate_terms(raw, "raw")).captable()


def with_class(raw: dict[str, Any], key: str, **keys: Any) -> None:
    raw["capitalization"]["classes"][key] = {"title": "More", "kind": "promised", **keys}


def test_every_right_to_shares_is_counted_once(raw: dict[str, Any]) -> None:
    """What would be counted twice, or not at all, is refused; offers into one instrument are added up."""
    raw["exchanges"]["another"] = {**raw["exchanges"]["new-exchange"], "old": "existing-notes"}
    with_class(raw, "existing-notes", converts="existing-notes", shares={"value": 1_000, "assumed": "a test"})
    raw["instruments"]["existing-notes"]["conversion_price"] = {"value": "10", "assumed": "a test"}
    twice = nc.Deal(validate_terms(raw, "raw")).captable()
    assert twice.loc["new-convertible-notes", "shares"] == 40_324_325  # 74,600,000 / 1.85 = 40,324,324.3...
    lowest = Fraction(nc.Deal(validate_terms(raw, "raw")).headroom().loc["repriced", "lowest_price_fraction"])
    room = AUTHORISED - WITHOUT_CONVERTIBLES - OLD_LEFT - 88_000  # 880,000 / 10
    assert lowest == lowest_by_trying([29_000_000, 74_600_000], room)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda raw: with_class(raw, "more", converts="new-convertible-notes"),
            "is also what .*new-convertible-notes converts",
        ),
        (lambda raw: with_class(raw, "headroom", shares={"value": 1, "assumed": "a test"}), "must have another name"),
        (lambda raw: with_class(raw, "notes", shares={"value": 1, "assumed": "a test"}), "must have another name"),
        (lambda raw: raw["exchanges"].pop("new-exchange"), "must have `shares`, unless it converts an instrument of"),
        (lambda raw: raw["exchanges"]["new-exchange"].update(new="existing-notes"), "its shares would not be counted"),
        (lambda raw: raw["exchanges"].update(twin=raw["exchanges"]["new-exchange"]), "is also offered for in"),
        (
            lambda raw: (
                raw["exchanges"]["new-exchange"].pop("reported_untendered"),
                raw["exchanges"]["new-exchange"]["untendered"].update(value="reported"),
            ),
            "reported_untendered: is missing where `untendered` is reported",
        ),
    ],
    ids=range(7),
)
def test_shares_that_would_not_be_counted_once(raw: dict[str, Any], change: Any, words: str) -> None:
    change(raw)
    with pytest.raises(nc.DealFileError, match=words):
        validate_terms(raw, "raw")


# ---- dilution ----


def test_shares_issued_are_the_sum_over_holders_of_whole_shares(deal: nc.Deal) -> None:
    notes = notes_of(deal.dilution())
    assert notes["shares_after"].tolist() == SHARES
    assert sum(SHARES) == 15_675_670
    assert (notes["shares_before"] == 0).all()
    assert notes["ownership_after"].sum() == pytest.approx(15_675_670 / (83_186_890 + 15_675_670), abs=1e-15)


def test_other_classes_are_diluted_in_proportion(deal: nc.Deal) -> None:
    table = deal.dilution().set_index("class")
    assert table.loc["common", "ownership_before"] == pytest.approx(46_655_867 / 83_186_890, abs=1e-15)
    assert table.loc["common", "ownership_after"] == pytest.approx(46_655_867 / 98_862_560, abs=1e-15)
    assert "scenario" not in table.columns


def test_rounding_per_note_and_on_the_aggregate(deal: nc.Deal) -> None:
    """Each 1,000 gives floor(1000 / 1.85) = 540; the aggregate gives floor(29,000,000 / 1.85) in all."""
    each = notes_of(deal.dilution(rounding="per-note"))
    assert each["shares_after"].tolist() == [principal // 1000 * 540 for principal in PRINCIPALS]
    assert each["shares_after"].sum() == 29_000 * 540
    aggregate = notes_of(deal.dilution(rounding="aggregate"))
    assert aggregate["shares_after"].sum() == 15_675_675
    assert np.abs(aggregate["shares_after"].to_numpy() - np.array(PRINCIPALS) / 1.85).max() < 1
    by_default = deal.replace(share_rounding="per-note")
    pd.testing.assert_frame_equal(by_default.dilution(), deal.dilution(rounding="per-note"))


def test_a_part_of_the_principal_converts_in_proportion(deal: nc.Deal) -> None:
    """Half of each holding, in whole thousands."""
    notes = notes_of(deal.dilution(principal=14_500_000))
    expected = [floor(Fraction(principal, 2) / Fraction("1.85")) for principal in PRINCIPALS]
    assert notes["shares_after"].tolist() == expected
    assert expected[0] == 391_891  # 725,000 / 1.85


def test_no_principal_converts_and_nothing_changes(deal: nc.Deal) -> None:
    table = deal.dilution(principal=0)
    assert table["shares_after"].tolist() == table["shares_before"].tolist()
    assert table["ownership_after"].tolist() == table["ownership_before"].tolist()


def test_arrays_broadcast_into_scenarios(deal: nc.Deal) -> None:
    prices, principals = np.array([1.85, 2.5, 4.0]), np.array([29_000_000, 0, 14_500_000])
    table = deal.dilution(conversion_price=prices, principal=principals)
    assert table["scenario"].unique().tolist() == [0, 1, 2]
    assert len(table) == 3 * (7 + 9)
    for scenario, block in table.groupby("scenario"):
        alone = deal.dilution(conversion_price=prices[scenario], principal=int(principals[scenario]))
        pd.testing.assert_frame_equal(block.drop(columns="scenario").reset_index(drop=True), alone)


def test_a_column_against_a_row(deal: nc.Deal) -> None:
    table = deal.dilution(conversion_price=[[1.85], [2.0]], principal=[1_000_000, 2_000_000, 3_000_000])
    first = table.groupby("scenario")[["conversion_price", "principal"]].first()
    assert first["conversion_price"].tolist() == [1.85] * 3 + [2.0] * 3
    assert first["principal"].tolist() == [1_000_000, 2_000_000, 3_000_000] * 2


def test_empty_arrays_give_an_empty_table_of_the_same_kind(deal: nc.Deal) -> None:
    pd.testing.assert_series_equal(
        deal.dilution(conversion_price=[]).dtypes, deal.dilution(conversion_price=[1.85]).dtypes
    )
    assert len(deal.dilution(conversion_price=[])) == 0


@pytest.mark.parametrize("price", [Decimal("1.85"), Fraction(37, 20), np.float64(1.85)])
def test_prices_of_every_kind_mean_the_same(deal: nc.Deal, price: Any) -> None:
    pd.testing.assert_frame_equal(deal.dilution(conversion_price=price), deal.dilution())


def test_a_price_that_divides_the_principal_is_exact(deal: nc.Deal) -> None:
    """0.29 is no binary fraction, yet 1,450,000 / 0.29 is 5,000,000."""
    assert notes_of(deal.dilution(conversion_price=0.29))["shares_after"].iloc[0] == 5_000_000
    assert notes_of(deal.dilution(conversion_price=0.07))["shares_after"].iloc[1] == 15_000_000


def warrants_at(table: pd.DataFrame) -> pd.Series[Any]:
    return table.loc[table["class"] == "warrants"].iloc[0]


@pytest.mark.parametrize(
    ("spot", "net"),
    [(1.44, 0), (1.85, 0), (3.70, 5_176_065 / 2), (18.50, 5_176_065 * 0.9)],
)
def test_treasury_stock_method_where_the_exercise_price_is_known(deal: nc.Deal, spot: float, net: float) -> None:
    table = deal.dilution(share_price=spot)
    warrants = warrants_at(table)
    assert warrants["shares_before"] == pytest.approx(net, abs=1e-6)
    assert warrants["shares_after"] == pytest.approx(net, abs=1e-6)
    assert warrants["treatment"] == "treasury stock method"
    options = table.loc[table["class"] == "options"].iloc[0]
    assert options["shares_after"] == 7_635_064  # exercise price not public: in full
    assert "treasury" not in options["treatment"]
    assert table["partial"].all()


def test_without_a_share_price_all_stay_in_full(deal: nc.Deal) -> None:
    table = deal.dilution()
    assert warrants_at(table)["shares_after"] == 5_176_065
    assert not (table["treatment"] == "treasury stock method").any()
    assert table["share_price"].isna().all()


def test_share_prices_broadcast(deal: nc.Deal) -> None:
    table = deal.dilution(share_price=[1.0, 3.7])
    warrants = table.loc[table["class"] == "warrants"]
    assert warrants["shares_after"].tolist() == pytest.approx([0, 2_588_032.5])


def test_a_missing_share_price_is_not_a_share_price(deal: nc.Deal) -> None:
    """NaN propagates: the warrants' net shares are not known, and neither is any fraction of the whole."""
    table = deal.dilution(share_price=[float("nan"), 3.7])
    first, second = (block for _, block in table.groupby("scenario"))
    assert np.isnan(warrants_at(first)["shares_after"])
    assert first["ownership_after"].isna().all()
    assert second["ownership_after"].sum() == pytest.approx(1)


def test_a_missing_conversion_price_gives_no_shares_out_of_thin_air(deal: nc.Deal) -> None:
    table = deal.dilution(conversion_price=[1.85, float("nan")])
    first, second = (block for _, block in table.groupby("scenario"))
    assert notes_of(first)["shares_after"].tolist() == SHARES
    assert notes_of(second)["shares_after"].isna().all()


@settings(max_examples=40)
@given(
    prices=st.lists(st.integers(10, 10_000), min_size=2, max_size=5, unique=True),
    thousands=st.integers(0, 29_000),
    spot=st.one_of(st.none(), st.floats(0.05, 100)),
    rounding=st.sampled_from(["per-conversion", "per-note", "aggregate"]),
)
def test_ownership_adds_to_one_and_shares_fall_as_the_price_rises(
    deal: nc.Deal, prices: list[int], thousands: int, spot: float | None, rounding: Any
) -> None:
    rising = [price / 100 for price in sorted(prices)]
    table = deal.dilution(conversion_price=rising, principal=thousands * 1000, share_price=spot, rounding=rounding)
    by_scenario = table.groupby("scenario")[["ownership_before", "ownership_after"]].sum()
    np.testing.assert_allclose(by_scenario, 1, rtol=0, atol=1e-12)
    shares = notes_of(table)["shares_after"].to_numpy().reshape(len(rising), 9)
    assert (shares == np.floor(shares)).all()
    if rounding == "aggregate":  # sharing out a smaller total may give one holder a share more
        shares = shares.sum(axis=1, keepdims=True)
        assert shares[:, 0].tolist() == [thousands * 1000 * 100 // price for price in sorted(prices)]
    assert (np.diff(shares, axis=0) <= 0).all()
    assert (table["shares_after"] >= table["shares_before"]).all()


@settings(max_examples=40)
@given(cents=st.lists(st.integers(1, 10**9), min_size=9, max_size=9), price=st.integers(1, 10**6))
def test_whole_shares_of_odd_principals(deal: nc.Deal, cents: list[int], price: int) -> None:
    """Prices in hundredths of a cent; each holder's shares are cut by themselves."""
    held = [Decimal(part) / 100 for part in cents]
    other = deal.replace(**{f"purchases[{row}].principal": part for row, part in enumerate(held)}, principal=sum(held),
                         **{"series.notes.conversion.multiple": "0.01"}, conversion_price=Decimal(price) / 10_000)  # fmt: skip
    expected = [floor(Fraction(part, 100) / Fraction(price, 10_000)) for part in cents]
    assert notes_of(other.dilution())["shares_after"].tolist() == expected
    assert other.captable().loc["notes", "shares"] == ceil(Fraction(sum(cents), 100) / Fraction(price, 10_000))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"conversion_price": 0}, "`conversion_price` must be a number above 0; got 0.0$"),
        ({"conversion_price": [1.85, -1]}, "`conversion_price` must be a number above 0; got -1.0 at row 1"),
        ({"conversion_price": "1.85"}, "`conversion_price` must be a number; got '1.85'"),
        (
            {"principal": 29_001_000},
            "`principal` must be from 0 to 29,000,000.00 in multiples of 1,000.00; got 29001000.0",
        ),
        ({"principal": [0, 500]}, "`principal` must be from 0 .* got 500.0 at row 1"),
        ({"principal": -1000}, "`principal` must be from 0"),
        ({"principal": float("nan")}, "`principal` must be"),
        ({"share_price": 0}, "`share_price` must be a .* above 0; got 0"),
        ({"share_price": [2.0, -1.0]}, "`share_price` must be a .* above 0; got -1.0 at row 1"),
        ({"share_price": float("inf")}, "`share_price` must be"),
        ({"rounding": "per-share"}, "`rounding` must be one of per-conversion, per-note, aggregate; got 'per-share'"),
        (
            {"conversion_price": [1, 2], "principal": [0, 1000, 2000]},
            "conversion_price.* must be arrays whose shapes broadcast",
        ),
    ],
    ids=range(12),
)
def test_errors_say_what_may_be(deal: nc.Deal, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(nc.TermError, match=words):
        deal.dilution(**arguments)


def test_the_cap_table_is_dated(deal: nc.Deal) -> None:
    assert deal.terms.capitalization.as_of.value == dt.date(2004, 6, 18)
