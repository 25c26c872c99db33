"""Shares and headroom of many scenarios at once against the deal's own table of one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notecalc.batch.blocks import table_of
from notecalc.batch.results.dilution import Dilution

PRICES = st.one_of(st.integers(20, 900).map(lambda cents: cents / 100), st.floats(0.2, 9.0))


@settings(max_examples=40)
@given(st.lists(st.tuples(PRICES, st.integers(0, 29_000), st.floats(0.1, 20)), min_size=1, max_size=4), st.booleans())
def test_each_scenario_is_the_table_of_the_deal(deal, other_deal, scenarios, other):
    of = other_deal if other else deal
    price, thousands, spot = (np.array(column, dtype=np.float64) for column in zip(*scenarios, strict=True))
    inputs = {"conversion_price": price, "principal": 1000 * thousands, "stock_price": spot}
    made = Dilution(of, None).compute(inputs, price.size)
    for row in range(price.size):
        table = of.dilution(conversion_price=price[row], principal=inputs["principal"][row], share_price=spot[row])
        new = table["holder"] != ""
        assert made["shares_issued"][row] == table["shares_after"][new].sum()
        assert made["ownership_after"][row] == pytest.approx(table["ownership_after"][new].sum(), rel=1e-14, abs=0)
        before, after = (table[name][~new].sum() for name in ("ownership_before", "ownership_after"))
        assert made["dilution"][row] == pytest.approx(1 - after / before, rel=1e-13, abs=1e-15)


def test_headroom_is_that_of_the_deal_less_what_rounding_keeps(deal):
    made = Dilution(deal, None).compute({"conversion_price": np.array([1.85, 2.0])}, 2)
    room = deal.headroom().loc["own-price", "available"]
    assert (made["headroom"] == room - made["shares_issued"]).all()
    # Whole shares of nine holders, whose fractions are lost: 29,000,000 / 1.85 is 15,675,675.7.
    assert made["shares_issued"].tolist() == [15_675_670, 14_500_000]


@pytest.mark.compiled
def test_many_rows_take_the_same_numbers_from_compiled_loops(deal):
    rng = np.random.default_rng(5)
    price, principal = np.round(rng.uniform(1, 3, 2_000), 2), 1000.0 * rng.integers(0, 29_001, 2_000)
    made = Dilution(deal, None).compute({"conversion_price": price, "principal": principal}, price.size)
    table = deal.dilution(conversion_price=price, principal=principal)
    held = (table["holder"] != "").to_numpy()
    each = table["shares_after"].to_numpy()[held].reshape(price.size, -1)
    assert np.array_equal(made["shares_issued"], each.sum(axis=1))


def test_prices_that_cannot_be_are_error_rows_and_the_rest_goes_on(deal):
    price = np.array([1.85, 0.0, np.nan, -1.0, 2.0])
    result = Dilution(deal, None)
    table, failures = table_of(result, {"conversion_price": price}, 0, {"columns": {}, "run": {}})
    frame = table.to_pandas()
    assert frame["error_code"].tolist() == ["", "conversion_price", "conversion_price", "conversion_price", ""]
    assert frame["error"][2] == "`conversion_price` must be given"
    assert frame["shares_issued"].notna().tolist() == [True, False, False, False, True]
    assert sorted(failures["conversion_price"]) == [1, 2, 3]
