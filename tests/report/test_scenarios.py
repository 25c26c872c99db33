"""The memo's section on a finished run: what the run's own files say, and nothing of another deal's run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import notecalc as nc
from notecalc._running import batch_of
from notecalc.batch.manifest import RunError
from notecalc.report.memo import Memo, memo_of
from notecalc.report.paper import Paper
from notecalc.report.sections.scenarios import scenarios_section

KEPT = Path(__file__).parent / "kept" / "scenarios.md"
DRIFT = {"value": 0.1, "assumed": "a test of the memo"}


@pytest.fixture(scope="module")
def deal() -> nc.Deal:
    return nc.load("ibasis-2004")


@pytest.fixture(scope="module")
def finished(deal: nc.Deal, tmp_path_factory: pytest.TempPathFactory) -> Any:
    case = nc.scenarios(
        deal,
        market="ibasis-2004-06-18",
        title="Returns & shares | of a test",
        seed=7,
        axes={
            "drift": [0.0, 0.2],
            "stock_price": {
                "draw": "lognormal",
                "median": 1.5,
                "deviation": 0.1,
                "round_to": 0.01,
                "assumed": "spread of a test",
            },
            "recovery_rate": {"draw": "uniform", "from": 0.3, "to": 0.4, "source": "a table of a test"},
        },
        samples={
            "count": 400,
            "design": "sobol",
            "correlations": [{"axes": ["stock_price", "recovery_rate"], "value": 0.5}],
        },
        results={"irr": {"rule": "at-maturity", "observed": "month", "drift": DRIFT}, "dilution": {}},
        summaries={"quantiles": [0.05, 0.5, 0.95], "expected_shortfall": [0.05], "by": ["drift"]},
    )
    return case.run(tmp_path_factory.mktemp("run") / "returns", workers=1)


@pytest.fixture(scope="module")
def memo(deal: nc.Deal, finished: Any) -> Memo:
    return memo_of(deal, batch=batch_of(deal, str(finished.store.path)))


def section(memo: Memo) -> str:
    return memo.markdown[memo.markdown.index("## Scenarios\n") : memo.markdown.index("## Findings\n")]


def test_the_section_says_what_is_kept(memo: Memo, finished: Any) -> None:
    """To renew it, after reading what changed: write `made` to the kept file."""
    made = section(memo).replace(finished.result_hash, "<results>").replace(finished.case.input_hash, "<inputs>")
    assert made == KEPT.read_text(encoding="utf-8")


def test_the_section_shows_the_runs_summary_and_its_file_holds_it(memo: Memo, finished: Any) -> None:
    summary = finished.summary()
    line = summary.query("column == 'irr' and holder == 'all holders' and drift == 0.2").iloc[0]
    cells = [f"{line[name]:.2%}" for name in ("mean", "q0.05", "q0.5", "q0.95", "es0.05")]
    assert re.search(rf"\| all holders .* {' +[|] +'.join(map(re.escape, cells))} \|", section(memo))
    path = {"scenarios.csv", "scenarios-irr.svg"}
    assert path <= set(memo.files())
    written = memo.tables["scenarios.csv"].splitlines()
    assert len(written) == len(summary) + 1
    for text in (finished.result_hash, finished.case.input_hash, "a test of the memo", "the real-world measure"):
        assert text in memo.html


def test_page_and_twin_hold_the_same_rows(memo: Memo) -> None:
    twin = [line for line in memo.markdown.splitlines() if line.startswith("|")]
    rules = [line for line in twin if re.fullmatch(r"\|( -+:? \|)+", line)]
    assert len(twin) - len(rules) == len(re.findall(r"<tr\b", memo.html))


def test_without_a_run_nothing_is_said(deal: nc.Deal) -> None:
    assert "## Scenarios" not in memo_of(deal).markdown


def test_what_varies_is_told_and_what_it_replaces_is_not(finished: Any, memo: Memo) -> None:
    """A memo that cites the market's stock price of 1.5 with its reason, where prices were drawn, tells what is wrong."""
    schema = pq.read_schema(finished.store.path / "irr" / "block-00000000.parquet")
    run = json.loads(schema.metadata[b"notecalc"])
    assert run["samples"] == {
        "count": 400, "seed": 7, "design": "sobol",
        "correlations": [{"axes": ["stock_price", "recovery_rate"], "value": 0.5}],
    }  # fmt: skip
    assert run["varies"] == {
        "drift": {"listed": "0, 0.2", "unit": "1/yr", "assumed": "around 0.1: a test of the memo"},
        "stock_price": {
            "drawn": "lognormal of median 1.5, its logarithm's standard deviation 0.1, rounded to 0.01",
            "unit": "USD/share", "assumed": "spread of a test",
        },
        "recovery_rate": {"drawn": "uniform from 0.3 to 0.4", "unit": "fraction", "source": "a table of a test"},
    }  # fmt: skip
    assert "drift" not in run["options"]
    assert run["market"].keys() == {"volatility", "hazard_rate", "stock_drop", "risk_free"}
    assert schema.field("stock_price").metadata[b"unit"] == b"USD/share"
    assert schema.field("stock_price").metadata[b"drawn"].startswith(b"lognormal of median 1.5")
    for gone in ("the closing price of that day is not public", "no valuation of the security is public"):
        assert gone not in section(memo)


def test_terms_that_vary_are_no_basis(deal: nc.Deal) -> None:
    axes: dict[str, Any] = {"conversion_price": [1.5], "surrendered.windward": [0]}
    axes |= {"on": np.array(["2004-07-01"], dtype="datetime64[D]"), "policy": ["refunded"]}
    case = nc.scenarios(deal, results=["dilution", "accrued", "closing"], axes=axes, seed=7)
    of_price = "series.notes.conversion.conversion_price"
    gone = {
        "dilution": {of_price},
        "accrued": {"dates.closing"},
        "closing": {"closing.excess_policy", "closing.elects"},
    }
    for result in case.results:
        terms = case.metadata(result)["run"]["terms"].keys()
        plain = nc.scenarios(deal, results=[result.name], axes={}, seed=7)
        assert plain.metadata(plain.results[0])["run"]["terms"].keys() - terms == gone[result.name]


def test_values_are_risk_neutral_and_their_distribution_is_that_of_what_is_drawn(deal: nc.Deal, tmp_path: Path) -> None:
    said = []
    prices: Any = {"draw": "uniform", "from": 1, "to": 2, "assumed": "a test"}
    for name, axes in (("drawn", {"stock_price": prices}), ("listed", {"stock_price": [1.0, 2.0]})):
        samples: Any = {"samples": {"count": 5}} if name == "drawn" else {}
        case = nc.scenarios(
            deal, market="ibasis-2004-06-18", axes=axes, seed=7, results={"value": {"accuracy": "fast"}},
            summaries={"quantiles": [0.05, 0.95]}, **samples,
        )  # fmt: skip
        case.run(tmp_path / name, workers=1)
        made = scenarios_section(Paper(deal, batch=batch_of(deal, str(tmp_path / name))))
        assert made is not None
        said.append(made)
    measures = [
        next(row.cells[1].text for row in made.tables[0].rows if "Measure" in row.cells[0].text) for made in said
    ]
    assert measures == [
        "each value is risk-neutral; its distribution is that of the drawn axes",
        "each value is risk-neutral; the scenarios have no distribution",
    ]
    assert [[figure.key for figure in made.figures] for made in said] == [["scenarios-value"], []]
    table = said[0].tables[-1]
    assert "Error estimate" not in [row.cells[0].text for row in table.rows]
    assert re.fullmatch(r"Error estimate \[per 100 \+-\]: at most [\d.e-]+ in any scenario\.", table.notes[-1])


def test_a_run_of_other_terms_is_refused(deal: nc.Deal, finished: Any) -> None:
    with pytest.raises(nc.NotecalcError, match="was computed from other terms than those of ibasis-2004"):
        batch_of(deal.replace(conversion_price=1.75), str(finished.store.path))


def test_a_folder_without_a_finished_run_is_refused(deal: nc.Deal, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has no finished run"):
        batch_of(deal, str(tmp_path))


def test_a_run_without_a_summary_is_refused(deal: nc.Deal, tmp_path: Path) -> None:
    nc.scenarios(deal, results=["dilution"], axes={"conversion_price": [1.5]}, seed=7).run(tmp_path / "run", workers=1)
    with pytest.raises(nc.NotecalcError, match=r"its scenario file has no \[summaries\]"):
        batch_of(deal, str(tmp_path / "run"))


def test_what_is_told_of_a_run_is_in_its_files_alone(deal: nc.Deal, finished: Any) -> None:
    batch = batch_of(deal, str(finished.store.path))
    pd.testing.assert_frame_equal(batch.summary, finished.summary())
    irr, dilution = batch.results["irr"], batch.results["dilution"]
    assert (irr.measure, dilution.measure) == ("real-world", None)
    assert irr.assumed.keys() == {"volatility", "hazard_rate", "stock_drop", "risk_free"}
    assert dilution.assumed == {}
    assert irr.varies["drift"].what == "0, 0.2"
    assert (dilution.varies.keys(), dilution.samples) == ({"stock_price"}, irr.samples)
    assert irr.units["received"] == "USD"
