"""Scenarios of a tape: each row is what the accessor says of that note under that scenario."""

import io
import json
import os
import signal
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import notecalc as nc
from notecalc._data import data_directory
from notecalc.batch.manifest import RunError, verify
from notecalc.batch.run import run
from notecalc.batch.scenariofile import load_scenarios
from notecalc.cli import app
from notecalc.core.convertible.terms import Steps
from notecalc.core.curves import Curve
from notecalc.deal.marketfile import load_market

CSV = """note,issue_date,maturity,principal,annual_rate,frequency,day_count,Px Last,volatility,risk_free,credit_spread,\
conversion_price,shares_outstanding,hazard_rate,recovery_rate,stock_drop,sector
001,2004-06-18,2007-06-18,1000000,0.08,2,30/360,1.5,0.6,0.03,0.08,1.85,5000000,0.12,0.35,1,telecom
002,2004-03-15,2009-03-15,2500000.55,0.0675,2,actual/360,2.5,0.5,0.03,0.06,2.0,8000000,0.08,0.40,1,retail
003,2004-06-18,2006-06-18,1000000,6.75,2,30/360,8.0,0.3,0.03,0.02,10.0,3000000,0.02,0.40,1,telecom
004,2003-06-18,2005-06-18,1000000,0.05,1,actual/365 fixed,8.0,x,0.03,0.02,10.0,3000000,0.03,0.40,1,telecom
005,2004-01-01,2008-01-01,3000000,0.02,2,30/360,9.0,0.4,0.03,0.02,10.0,,0.01,0.45,0.5,retail
"""
FILE = """
schema = 1
id = "book"
title = "A book of notes"
seed = 7
block_rows = 20

[tape]
file = "notes.csv"
note = "note"
columns = { stock_price = "Px Last" }

[axes.on]
values = [2004-09-01, 2005-07-01]

[axes.default_threshold]
draw = "exponential"
rate = 1
assumed = "a test"

[samples]
count = 13

[results.accrued]
[results.cashflows]
[results.dilution]
"""
# The same without those results, for values.
BARE = {"[results.accrued]\n[results.cashflows]\n[results.dilution]\n": "", "count = 13": "count = 3"}
BARE |= {'[axes.default_threshold]\ndraw = "exponential"\nrate = 1\nassumed = "a test"\n': ""}
FACTOR = '[axes.stock_price_factor]\ndraw = "lognormal"\nmedian = 1\ndeviation = 0.1\nassumed = "a test"\n'
VALUE = '\n[results.value]\nmodel = "tsiveriotis-fernandes"\naccrued_on_conversion = "forfeited"\naccuracy = "fast"\n'
TERMS = {"model": "tsiveriotis-fernandes", "accrued_on_conversion": "forfeited", "accuracy": "fast"}
GOOD = ["001", "002", "005"]


@pytest.fixture
def book(tmp_path):
    """Writes the tape and a scenario file of it, with parts of either replaced."""

    def write(*, tape: dict[str, str] | None = None, file: dict[str, str] | None = None, more: str = "") -> str:
        for name, text, changes in (("notes.csv", CSV, tape), ("book.toml", FILE + more, file)):
            written = text
            for old, new in (changes or {}).items():
                assert old in written
                written = written.replace(old, new)
            (tmp_path / name).write_text(written, encoding="utf-8")
        return str(tmp_path / "book.toml")

    return write


def market_by_date() -> str:
    text = (data_directory() / "markets" / "ibasis-2004-06-18.toml").read_text(encoding="utf-8")
    curve = (
        "risk_free = { value = { dates = [2005-06-18, 2006-06-18, 2009-06-18], zero_rates = [0.02, 0.03, 0.035], "
        'compounding = "continuous", day_count = "actual/365 fixed", interpolation = "linear-zero-rates" }, '
        'assumed = "a test" }'
    )
    steps = (
        "hazard_rate = { value = { dates = [2005-06-18, 2006-06-18, 2009-06-18], values = [0.10, 0.12, 0.12], "
        'over = "each-stretch" }, assumed = "a test" }'
    )
    lines = [
        curve if line.startswith("risk_free") else steps if line.startswith("hazard_rate") else line
        for line in text.splitlines()
    ]
    return "\n".join(lines)


def frame():
    return pd.read_csv(io.StringIO(CSV), dtype={"note": str}, index_col="note")


def table(made, result):
    told = pd.concat([block.to_pandas() for block in made.blocks(result)], ignore_index=True)
    return told.assign(on=pd.to_datetime(told["on"])) if "on" in told else told


def test_each_scenario_is_applied_to_each_note(book, tmp_path):
    case = load_scenarios(book())
    made = run(case, tmp_path / "run", workers=1)
    good = frame().loc[GOOD].assign(volatility=0.4)
    accrued = table(made, "accrued")
    assert len(accrued) == 5 * 2 * 13 == made.manifest["rows"]["accrued"]
    assert (accrued.groupby("note", observed=True)["scenario"].apply(list).map(lambda x: x == [*range(26)])).all()
    for (note, on), rows in accrued[accrued["note"].isin(GOOD)].groupby(["note", "on"], observed=True):
        assert set(rows["accrued_interest"]) == {good.notecalc.accrued(on)[note]}
    # The rate of 003 is a percentage; the volatility of 004 is no number, which is nothing to its interest.
    bad = accrued[accrued["error_code"] != ""]
    assert set(bad["note"]) == {"003"}
    assert set(bad["error"]) == {
        "note 003: `annual_rate` must be a decimal between -1 and 1; got '6.75'. Did you mean 0.0675?"
    }
    assert accrued.loc[bad.index, "accrued_interest"].isna().all()
    dilution = table(made, "dilution").set_index("note").groupby(level=0, observed=True).first()
    assert dilution.loc["001", "shares_issued"] == 1_000_000 / 1.85
    assert dilution.loc["001", "ownership_after"] == pytest.approx(1 / (1 + 5 * 1.85), rel=1e-14)
    assert dilution.loc["005", "error_code"] == "shares_outstanding"
    assert made.failures["dilution"]["shares_outstanding"]["scenarios"] == 26
    assert verify(case, made.store) == []


def test_cash_flows_end_at_default_by_each_notes_own_hazard(book, tmp_path):
    made = run(load_scenarios(book()), tmp_path / "run", workers=1)
    told = table(made, "cashflows")
    notes = frame()
    seen = {"lost": 0, "repaid": 0}
    for row in told[told["note"].isin([*GOOD, "004"])].itertuples():
        one = notes.loc[[row.note]]
        flows = one.notecalc.cashflows(row.on)
        days = np.ceil(365 * row.default_threshold / one["hazard_rate"].item())
        day = row.on + pd.Timedelta(days=days)
        paid = flows[flows["payment_date"] < day]
        lost = len(paid) < len(flows)
        principal = one["principal"].item()
        assert row.interest == pytest.approx(paid["interest"].sum(), abs=1e-6)
        assert row.principal == pytest.approx(paid["principal"].sum(), abs=1e-6)
        recovered = np.floor(principal * one["recovery_rate"].item() * 100 + 0.5) / 100 if lost else 0.0
        assert row.recovered == pytest.approx(recovered, abs=0.011)
        assert row.total == pytest.approx(row.interest + row.principal + row.recovered, abs=1e-6)
        seen["lost" if lost else "repaid"] += 1
    assert min(seen.values()) > 10
    # One threshold for all notes of a scenario.
    assert np.ptp(told["default_threshold"].to_numpy().reshape(5, -1), axis=0).max() == 0


@pytest.mark.compiled
@pytest.mark.parametrize("few", [1, 10**9])
def test_each_value_is_that_of_the_accessor(book, tmp_path, few, monkeypatch):
    """Notes in tables of as many scenarios each, and each row a contract of its own."""
    monkeypatch.setattr("notecalc.batch.results.tapes.value._FEW", few)
    shifts = """
[axes.risk_free_shift]
draw = "normal"
mean = 0
deviation = 0.01
assumed = "a test"

[axes.credit_spread_shift]
draw = "normal"
mean = 0.02
deviation = 0.005
assumed = "a test"

[[samples.correlations]]
axes = ["stock_price_factor", "credit_spread_shift"]
value = -0.6

[summaries]
quantiles = [0.5]
by = ["sector", "on"]
"""
    case = load_scenarios(book(file=BARE, more=FACTOR + shifts + VALUE + "greeks = true\n"))
    made = run(case, tmp_path / "run", workers=1)
    told = table(made, "value")
    good = frame().loc[GOOD].rename(columns={"Px Last": "stock_price"})
    for scenario, rows in told[told["note"].isin(GOOD)].groupby("scenario"):
        first = rows.iloc[0]
        market = {
            "stock_price": good["stock_price"] * first["stock_price_factor"],
            "risk_free": good["risk_free"] + first["risk_free_shift"],
            "credit_spread": good["credit_spread"] + first["credit_spread_shift"],
            "volatility": good["volatility"].astype(float),
        }
        value, greeks = (
            getattr(good.notecalc, f"convertible_{name}")(settlement=first["on"], **market, **TERMS)
            for name in ("value", "greeks")
        )
        assert rows["note"].tolist() == GOOD, scenario
        for name in (*value.columns.intersection(rows.columns), *greeks.columns.intersection(rows.columns)):
            assert np.allclose(rows[name], (value if name in value else greeks)[name], rtol=1e-11, atol=1e-12), name
    assert np.corrcoef(np.log(told["stock_price_factor"]), told["credit_spread_shift"])[0, 1] < 0
    codes = told.groupby("note", observed=True)["error_code"].agg(lambda x: sorted(set(x)))
    assert codes.to_dict() == {
        "001": [""], "002": [""], "003": ["annual_rate"], "004": ["volatility"], "005": [""],
    }  # fmt: skip
    parted = made.summary().query("column == 'dirty_price' and sector == 'retail'")
    expected = told[told["note"].isin(["002", "005"])].groupby("on")["dirty_price"].median()
    assert parted["q0.5"].tolist() == pytest.approx(expected.tolist(), rel=1e-14)


@pytest.mark.compiled
def test_scenarios_that_cannot_be_of_a_note_are_its_rows(book, tmp_path):
    """A day after a note's maturity, a spread that is shifted below 0: those rows alone fail."""
    axes = "[axes.credit_spread_shift]\nvalues = [-0.03, 0.01]\n"
    file = BARE | {"2005-07-01": "2007-12-03"}
    made = run(load_scenarios(book(file=file, more=FACTOR + axes + VALUE)), tmp_path / "run", workers=1)
    told = table(made, "value").set_index("note").loc[GOOD].reset_index()
    low = (told["note"] == "005") & (told["credit_spread_shift"] < 0)
    late = (told["note"] == "001") & (told["on"] > "2007-06-18")
    assert (told["error_code"] == np.where(low, "credit_spread", np.where(late, "settlement", ""))).all()
    assert np.array_equal(told["dirty_price"].isna(), low | late)


@pytest.mark.compiled
def test_a_tape_has_the_curves_of_a_market_file_moved(tmp_path):
    """Against each note valued by hand under a curve made of the moved numbers."""
    (tmp_path / "market.toml").write_text(market_by_date(), encoding="utf-8")
    market = load_market(tmp_path / "market.toml")
    days = np.array(["2005-06-18", "2006-06-18", "2009-06-18"], dtype="datetime64[D]")
    years = (days - np.datetime64("2004-06-18")).astype(float) / 365
    zero, hazard = np.array([0.02, 0.03, 0.035]), np.array([0.10, 0.12, 0.12])
    book = frame().loc[["001", "002"]].drop(columns=["risk_free", "hazard_rate", "recovery_rate", "stock_drop"])
    axes = {
        "risk_free_shift.1y": [0.0, 0.01, 0.01],
        "risk_free_shift.5y": [0.0, -0.01, 0.0],
        "hazard_rate_factor": [1.0, 1.5, 0.5],
        "hazard_rate_shift": [0.0, 0.0, 0.02],
    }
    zipped = {name: {"values": values, "zip": "z"} for name, values in axes.items()}
    options = {"model": "ayache-forsyth-vetzal", "accrued_on_conversion": "forfeited", "accuracy": "fast"}
    named = book.notecalc.map_columns(stock_price="Px Last")
    case = nc.scenarios(named, market=market, results={"value": options}, axes=zipped, seed=1)
    told = next(case.run(tmp_path / "run", workers=1).blocks("value")).to_pandas()
    for row in told.itertuples():
        k = row.scenario
        at_1, at_5 = axes["risk_free_shift.1y"][k], axes["risk_free_shift.5y"][k]
        shift = np.interp(years, [1.0, (np.datetime64("2009-06-18") - np.datetime64("2004-06-18")).astype(float) / 365],
                          [at_1, at_5])  # fmt: skip
        curve = Curve.from_discount_factors(
            "2004-06-18", days, np.exp(-(zero + shift) * years), interpolation="linear-zero-rates",
            day_count="actual/365 fixed",
        )  # fmt: skip
        steps = Steps(days, hazard * axes["hazard_rate_factor"][k] + axes["hazard_rate_shift"][k])
        found = named._frame.loc[[row.note]].notecalc.map_columns(stock_price="Px Last").convertible_value(
            settlement="2004-06-18", risk_free=curve, hazard_rate=steps, recovery_rate=0.35, stock_drop=1.0,
            volatility=float(book.loc[row.note, "volatility"]), **options,
        )  # fmt: skip
        assert row.dirty_price == pytest.approx(found["dirty_price"].item(), rel=1e-12)


def test_a_run_from_python_is_that_of_the_file(book, tmp_path):
    case = load_scenarios(book())
    made = run(case, tmp_path / "file", workers=1)
    given = case.given
    axes = {name: dict(axis) for name, axis in given["axes"].items()}
    axes["on"] = pd.to_datetime(axes["on"]["values"])
    again = nc.scenarios(
        frame().notecalc.map_columns(stock_price="Px Last"), results=[*given["results"]], axes=axes, seed=7,
        samples={"count": 13}, block_rows=20,
    )  # fmt: skip
    assert again.tape.ids.tolist() == case.tape.ids.tolist()
    same = again.run(tmp_path / "frame", workers=2)
    for result in given["results"]:
        pd.testing.assert_frame_equal(table(same, result), table(made, result))
    # The hash of a frame is that of its cells: a cell changed is a run changed.
    other = frame()
    other.loc["001", "annual_rate"] = 0.081
    axes = {"on": pd.to_datetime(["2004-09-01"])}
    hashes = [nc.scenarios(each, results=["accrued"], axes=axes, seed=1).input_hash for each in (frame(), other)]
    assert hashes[0] == nc.scenarios(frame(), results=["accrued"], axes=axes, seed=1).input_hash != hashes[1]


def test_killed_it_goes_on_and_a_changed_tape_is_refused(book, tmp_path, monkeypatch):
    file, place = book(), tmp_path / "run"
    case = load_scenarios(file)
    undisturbed = run(case, tmp_path / "undisturbed", workers=1).result_hash
    monkeypatch.setenv("NOTECALC_FAILPOINT", "after-rename:8")
    child = os.fork()
    if child == 0:
        run(case, place, workers=1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    monkeypatch.delenv("NOTECALC_FAILPOINT")
    assert 0 < len([*place.glob("blocks/*.json")]) < case.blocks
    told = CliRunner().invoke(app, ["run", file, "-o", str(place), "--workers", "1", "--resume"])
    assert told.exit_code == 3, told.output  # of notes with bad cells
    assert "accrued: 26 failed, first: note 003: `annual_rate` must be a decimal" in told.output
    assert json.loads((place / "manifest.json").read_text())["result_hash"] == undisturbed
    assert json.loads((place / "run.json").read_text())["inputs"]["tape"]["sha256"] == sha256(CSV.encode()).hexdigest()
    checked = CliRunner().invoke(app, ["run", file, "-o", str(place), "--verify"])
    assert "7 blocks of 26 scenarios of each of 5 notes" in checked.output, checked.output
    changed = load_scenarios(book(tape={"0.0675": "0.0676"}))
    with pytest.raises(RunError, match=r"changed: tape\.sha256"):
        run(changed, place, workers=1, resume=True)


def test_notes_and_columns_tell_summaries_apart(book, tmp_path):
    asked = '[summaries]\nquantiles = [0.5]\nby = ["note", "on"]\n'
    made = run(load_scenarios(book(more=asked)), tmp_path / "run", workers=1)
    told = made.summary().query("result == 'cashflows' and column == 'total'")
    cash = table(made, "cashflows")
    expected = cash.groupby(["note", "on"], observed=True)["total"].median()
    assert [*zip(told["note"], told["on"].astype(str), strict=True)] == [
        (note, str(on.date())) for note, on in expected.index
    ]
    assert np.allclose(told["q0.5"], expected, rtol=1e-14, equal_nan=True)


@pytest.mark.parametrize(
    ("tape", "file", "message"),
    [
        ({}, {"notes.csv": "nots.csv"}, "tape.file: must be a file that there is"),
        ({}, {'note = "note"': 'note = "nte"'}, "tape.note: must be a column of notes.csv; got 'nte'. Did you mean 'n"),
        ({"002,": "001,"}, {}, "tape.note: must be of a name of its own in each row; got ['001']"),
        ({"maturity": "Matures"}, {}, "tape.columns.maturity: must be a column of the frame"),
        ({"Px Last": "price"}, {}, "tape.columns.stock_price: must be the name of a column; got 'Px Last'"),
        ({}, {"[tape]": 'deal = "ibasis-2004"\n[tape]'}, "deal or tape: must be given, one of the two; got 'both'"),
        ({}, {"[results.accrued]": "[results.irr]"}, "results.irr: must be one of accrued, cashflows, dilution, value"),
        ({}, {"values = [2004-09-01, 2005-07-01]": "values = [1]"}, "axes.on: must be dates; got 'numbers'"),
        ({"shares_outstanding": "shares"}, {}, "shares_outstanding: is missing: results.dilution needs it"),
        ({"hazard_rate": "hazard"}, {}, "hazard_rate: is missing: results.cashflows needs it for a default"),
        (
            {},
            {"[results.accrued]": '[axes."risk_free_shift.2y"]\nvalues = [0.01]\n' + VALUE},
            "axes.risk_free_shift.2y: needs a market file, from whose day its terms are counted",
        ),
        (
            {"volatility": "sigma", "risk_free": "rf"},
            {"[results.accrued]": VALUE.replace('model = "tsiveriotis-fernandes"\n', "")},
            "results.value.model: must be 'tsiveriotis-fernandes'",
        ),
    ],
)
def test_a_wrong_file_says_where_and_what_is_allowed(book, tape, file, message):
    with pytest.raises(nc.DealFileError) as error:
        load_scenarios(book(tape=tape, file=file))
    assert message in str(error.value), str(error.value)


def test_what_is_missing_is_said_all_at_once(book):
    file = {"[axes.on]\nvalues = [2004-09-01, 2005-07-01]": "", "[results.accrued]": VALUE}
    with pytest.raises(nc.DealFileError) as error:
        load_scenarios(book(tape={"volatility": "sigma", "risk_free": "rf", "hazard_rate": "h"}, file=file))
    told = {problem.path for problem in error.value.problems}
    assert told == {"volatility", "risk_free", "axes.on", "hazard_rate"}
