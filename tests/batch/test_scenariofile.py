"""Scenario files: what they say is what is run, and everything wrong with one is said at once."""

import json

import jsonschema
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
        "axes.share_price.deviation: must be above 0",
        "axes.on: must be dates; got 'words'",
    ):
        assert part in told, told


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("deviation = 0.4", "deviation = -1", "axes.share_price.deviation: must be above 0"),
        ("deviation = 0.4", "", "axes.share_price.deviation: must be given with draw = 'lognormal'"),
        ("median = 1.5", "mean = 1.5", "axes.share_price.mean: must be left out"),
        ("values = [2004-06-18, 2004-12-17]", "values = [1, 2]", "axes.on: must be dates; got 'numbers'"),
        ("values = [2004-06-18, 2004-12-17]", "values = [2004-06-18]", "zip 'day-and-principal': must be axes of one"),
        ("[axes.principal]", "[axes.principle]", "axes.principle: moves none of the results asked for"),
        ("count = 26", "count = 0", "samples.count"),
        ("from = 1.5", "from = 'x'", "axes.conversion_price.from: must be a number or a date"),
        ("seed = 7", "", "seed: is missing"),
        ("[results.accrued]", "[results.value]", "market: is missing: results.value needs it"),
        ('deal = "ibasis-2004"', 'deal = "ibasis"', "no deal or file is called 'ibasis'"),
    ],
)
def test_a_wrong_file_says_where_and_what_is_allowed(scenario_file, old, new, message):
    with pytest.raises(nc.NotecalcError) as error:
        load_scenarios(scenario_file(replace={old: new}))
    assert message in str(error.value), str(error.value)


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
