"""Scenario files: what they say is what is run, and everything wrong with one is said at once."""

import datetime as dt
import json

import jsonschema
import numpy as np
import pytest

import notecalc as nc
from notecalc.batch.scenariofile import load_scenarios, scenario_schema
from notecalc.deal.dealfile import read_toml


def test_axes_are_as_written(small):
    found = small.plan.inputs(0, len(small.plan))
    # In decimals: summing 0.05 eleven times in floats would give 1.8500000000000003.
    prices = [1.5, 1.55, 1.6, 1.65, 1.7, 1.75, 1.8, 1.85, 1.9, 1.95, 2.0]
    assert sorted(set(found["conversion_price"])) == prices
    pairs = set(zip(found["on"].astype(str), found["principal"], strict=True))
    assert pairs == {("2004-06-18", 29_000_000.0), ("2004-12-17", 10_000_000.0)}


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        ("from = 2004-01-31\nto = 2004-06-30\nevery = 'month'",
         ["2004-01-31", "2004-02-29", "2004-03-31", "2004-04-30", "2004-05-31", "2004-06-30"]),
        ("from = 2004-06-18\nto = 2004-07-04\nevery = 'week'", ["2004-06-18", "2004-06-25", "2004-07-02"]),
        ("from = 2004-06-18\nto = 2006-12-18\nevery = 'year'", ["2004-06-18", "2005-06-18", "2006-06-18"]),
    ],
)  # fmt: skip
def test_ranges_of_dates(scenario_file, axis, expected):
    changes = {'values = [2004-06-18, 2004-12-17]\nzip = "day-and-principal"': axis}
    case = load_scenarios(scenario_file(replace=changes))
    assert sorted({*case.plan.inputs(0, len(case.plan))["on"].astype(str)}) == expected


def test_everything_wrong_is_said_at_once(scenario_file):
    wrong = {
        "by = 0.05": "by = 0.06",
        "deviation = 0.4": "deviation = -1",
        "values = [2004-06-18, 2004-12-17]": 'values = ["a", "b"]',
        "[axes.principal]": "[axes.principle]",
        "[results.dilution]": "[results.dillution]\n[results.dilution]\naccuracy = 1",
    }
    with pytest.raises(nc.DealFileError) as error:
        load_scenarios(scenario_file(replace=wrong))
    told = str(error.value)
    for part in (
        "axes.conversion_price.to: must be a whole number of steps of 0.06 above `from`",
        "results.dillution: must be one of",
        "Did you mean 'dilution'?",
        "results.dilution.accuracy: is no option of dilution",
        "axes.stock_price.deviation: must be above 0",
        "axes.on: must be dates; got 'words'",
    ):
        assert part in told, told


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("deviation = 0.4", "deviation = -1", "axes.stock_price.deviation: must be above 0"),
        ("deviation = 0.4", "", "axes.stock_price.deviation: must be given with draw = 'lognormal'"),
        ("median = 1.5", "mean = 1.5", "axes.stock_price.mean: must be left out"),
        ("values = [2004-06-18, 2004-12-17]", "values = [1, 2]", "axes.on: must be dates; got 'numbers'"),
        ("values = [2004-06-18, 2004-12-17]", "values = [2004-06-18]", "zip 'day-and-principal': must be axes of one"),
        ("[axes.principal]", "[axes.principle]", "axes.principle: moves none of the results asked for"),
        ("[axes.stock_price]", "[axes.share_price]", "they take conversion_price, on, principal, stock_price. Did you"),
        (
            "[results.accrued]",
            "[results.accrued]\n[axes.hazard_rate]\nvalues = [0.1]\n[results.cashflows]",
            "axes.hazard_rate: moves nothing without axes.default_threshold",
        ),
        ("count = 26", "count = 0", "samples.count: must be at least 1; got 0"),
        ("seed = 7", "seed = 'x'", "seed: must be a whole number; got 'x'"),
        ("[axes.principal]", "[axes.Principal]", "axes.Principal: must be a name in lower case letters"),
        ("from = 1.5", "from = 'x'", "axes.conversion_price.from: must be a number or a date"),
        ('assumed = "a test"', "", "axes.stock_price.source or assumed: must be given with draw"),
        (
            'assumed = "a test"',
            'assumed = "a"\nsource = "b"',
            "axes.stock_price.source or assumed: must be one of the two",
        ),
        ("seed = 7", "", "seed: is missing"),
        ("[results.accrued]", "[results.value]", "market: is missing: results.value needs it"),
        ('deal = "ibasis-2004"', 'deal = "ibasis"', "no deal or file is called 'ibasis'"),
    ],
)
def test_a_wrong_file_says_where_and_what_is_allowed(scenario_file, old, new, message):
    with pytest.raises(nc.NotecalcError) as error:
        load_scenarios(scenario_file(replace={old: new}))
    assert message in str(error.value), str(error.value)


def test_one_result_in_python_is_a_list_of_one():
    with pytest.raises(nc.DealFileError, match=r"1 problem\n.*results: must be a list of names.*Write \['dilution'\]"):
        nc.scenarios("ibasis-2004", results="dilution", axes={}, seed=7)


def test_whatever_is_there_twice_is_refused_at_once():
    """Each of these was merged in silence: a column, a group, a weight or a correlation was not what was asked."""
    drawn = {"draw": "uniform", "from": 1_000_000, "to": 2_000_000, "assumed": "a test"}
    pair = ["stock_price", "principal"]
    with pytest.raises(nc.DealFileError) as error:
        nc.scenarios(
            "ibasis-2004",
            results=["dilution", "accrued", "closing"],
            seed=7,
            axes={
                "stock_price": drawn,
                "principal": drawn,
                "policy": ["refunded", "capped_kept", "refunded"],
                "conversion_price": {"values": [1.5, 1.5, 1.5], "zip": "z"},
                "on": {"values": [dt.date(2004, 7, 1), dt.date(2004, 7, 2), dt.date(2004, 7, 1)], "zip": "z"},
            },
            samples={
                "count": 5,
                "correlations": [{"axes": pair, "value": 0.5}, {"axes": pair[::-1], "value": -0.5}],
            },
            summaries={
                "quantiles": [0.05, 0.9999999, 0.05, 1],
                "expected_shortfall": [0.1, 0.1],
                "by": ["policy", "policy"],
            },
        )
    assert [f"{each.path}: {each.rule}; got {each.got}" for each in error.value.problems] == [
        "samples.correlations.1.axes: must be a pair that has no correlation yet; got ['principal', 'stock_price']",
        "axes.policy: must have each value once; got refunded",
        "zip 'z': must have each row of values once; got 1.5, 2004-07-01",
        "summaries.quantiles: must have each entry once; got 0.05",
        "summaries.expected_shortfall: must have each entry once; got 0.1",
        "summaries.by: must have each entry once; got policy",
    ]


def test_a_summary_that_memory_would_not_hold_is_refused():
    axes = {"conversion_price": np.arange(1, 709) / 100, "principal": 1_000 * np.arange(1, 178)}
    message = r"summaries.by: must tell apart .* 500,000 lines; got '501,264 lines by conversion_price, principal'"
    with pytest.raises(nc.DealFileError, match=message):
        nc.scenarios("ibasis-2004", results=["dilution"], axes=axes, seed=7, summaries={"by": [*axes]})


def test_levels_that_round_alike_are_columns_of_their_own(tmp_path):
    levels = [0.9999999, 0.99999999, 1]
    case = nc.scenarios(
        "ibasis-2004", results=["dilution"], axes={"conversion_price": [1.5, 1.85]}, seed=7,
        summaries={"quantiles": levels},
    )  # fmt: skip
    line = case.run(tmp_path / "run", workers=1).summary().query("column == 'shares_issued'").iloc[0]
    few, many = 15_675_670, 19_333_330
    assert [line[f"q{level}"] for level in levels] == pytest.approx([few + level * (many - few) for level in levels])
    assert line["q0.9999999"] < line["q0.99999999"] < line["q1"] == many


def test_the_schema_takes_what_is_right(scenario_file):
    raw = json.loads(
        json.dumps(read_toml(scenario_file()), default=lambda x: str(x) if hasattr(x, "year") else float(x))
    )
    jsonschema.validate(raw, scenario_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(raw | {"sead": 7}, scenario_schema())


def test_equal_files_have_equal_hashes(scenario_file):
    first = load_scenarios(scenario_file())
    assert load_scenarios(scenario_file(replace={"by = 0.05": "by = 0.050"})).input_hash == first.input_hash
    assert load_scenarios(scenario_file(replace={"seed = 7": "seed = 8"})).input_hash != first.input_hash


def test_bundled_scenarios_are_found_by_name_and_others_are_not():
    case = load_scenarios("ibasis-2004-returns")
    assert (case.deal.terms.id, case.market.terms.id, len(case.plan)) == ("ibasis-2004", "ibasis-2004-06-18", 150_000)
    assert case.results[0].given["drift"]["assumed"]
    with pytest.raises(
        nc.UnknownDealError, match=r"called 'ibasis-2004-retruns'\. Did you mean 'ibasis-2004-returns'\?"
    ):
        load_scenarios("ibasis-2004-retruns")
