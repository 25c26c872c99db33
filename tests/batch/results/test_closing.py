"""What purchasers pay, and interest accrued, of many scenarios at once against the deal's own tables."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from notecalc.batch.blocks import table_of
from notecalc.batch.results.accrued import Accrued
from notecalc.batch.results.closing import Closing
from notecalc.core.exchange import POLICIES

CENTS = st.integers(0, 300_000_000)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(POLICIES), CENTS, CENTS), min_size=1, max_size=5))
def test_each_scenario_is_the_closing_of_the_deal(deal, scenarios):
    policy, triton, windward = (list(column) for column in zip(*scenarios, strict=True))
    given_up = {"jmg-triton": np.array(triton) / 100, "windward": np.array(windward) / 100}
    inputs = {"policy": np.array(policy), **{f"surrendered.{key}": amount for key, amount in given_up.items()}}
    made = Closing(deal, None).compute(inputs, len(policy))
    for row, word in enumerate(policy):
        table = deal.closing(policy=word, elects={key: amount[row] for key, amount in given_up.items()})
        for name, values in made.items():
            assert values[row].tolist() == table[name].tolist(), name
        cash = table["cash_due"] - table["refund"] - table["accrued_interest_paid"]
        assert np.allclose(made["cash_to_company"][row], cash, atol=1e-6, rtol=0)


def test_an_amount_beyond_its_right_is_an_error_row(deal):
    policy = np.array(["refunded", "capped_kept"] * 300)
    amount = np.where(np.arange(600) % 3 == 0, 9e9, 1000.0)
    calls = []

    class Counted(Closing):
        def compute(self, inputs, size):
            calls.append(size)
            return super().compute(inputs, size)

    inputs = {"policy": policy, "surrendered.windward": amount}
    table, _ = table_of(Counted(deal, None), inputs, 0, {"columns": {}, "run": {}})
    failed = table.to_pandas().groupby("scenario")["error_code"].first() == "elects"
    assert np.array_equal(failed.to_numpy(), amount > 1e9)
    assert len(calls) < 8  # the rows that fail are named, not searched for


def test_accrued_days_in_any_order_and_far_apart(deal):
    result = Accrued(deal, None)
    days = np.array(["2005-01-18", "2004-06-18", "2007-06-18", "2005-01-18", "1999-12-31"], dtype="datetime64[D]")
    near = days[:4].repeat(400)
    for some in (days, near):
        made = result.compute({"on": some}, some.size)["accrued_interest"]
        assert made.tolist() == [deal.accrued(day) for day in some[:5]] + made.tolist()[5:]
        assert made[0] == 29_000_000 * 0.08 * 30 / 360
    one = result.compute({"on": near}, near.size)["accrued_interest"]
    assert np.array_equal(one, np.asarray(deal.accrued(near)))
