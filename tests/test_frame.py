"""The accessor `notecalc` of frames and Series: what a result knows of itself."""

import pandas as pd
import pytest

import notecalc as nc


def test_a_result_knows_its_units_its_inputs_and_its_recipe():
    deal = nc.load("ibasis-2004")
    flows = deal.cashflows(by="holder")
    assert flows.notecalc.units["interest"] == "USD"
    assert flows.notecalc.inputs == deal.input_hash
    assert flows.notecalc.recipe == {"function": "cashflows", "arguments": {"by": "holder", "events": []}}


def test_a_series_has_it_too():
    summary = nc.load("ibasis-2004").summary()
    assert summary.notecalc.units["total_interest"] == "USD"
    assert summary.notecalc.units["headroom"] == "shares"


def test_a_part_of_a_result_still_knows():
    flows = nc.load("ibasis-2004").cashflows()
    assert flows.head(2).notecalc.units == flows.notecalc.units


@pytest.mark.parametrize("what", ["units", "inputs", "recipe"])
def test_data_of_other_origin_have_no_units(what):
    frame = pd.DataFrame({"interest": [1.0]})
    with pytest.raises(nc.NotecalcError, match="these data carry no units"):
        getattr(frame.notecalc, what)
    with pytest.raises(nc.NotecalcError, match="these data carry no units"):
        getattr(frame["interest"].notecalc, what)


def test_a_column_of_that_name_is_untouched():
    frame = pd.DataFrame({"notecalc": [1.0, 2.0]})
    assert frame["notecalc"].tolist() == [1.0, 2.0]


def test_a_result_is_written_by_its_units():
    flows = nc.load("ibasis-2004").cashflows().notecalc.formatted()
    assert flows.loc[0, ["payment_date", "accrual_start", "total"]].tolist() == ["2004-06-18", "", "-29,100,000.00"]
    rates = nc.load("ibasis-2004").irr().notecalc.formatted()
    assert rates.loc["all", "irr"] == "8.02%"  # an excess surrendered is lost
