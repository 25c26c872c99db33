"""What is told of errors: against errors, and by what a row uses."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from notecalc.core.convertible.terms import Steps
from notecalc.core.convertible.valuation import MODELS, convertible_value

DAY = "2004-06-18"
CLASSES = ("fixed edges", "dividend yield", "cash dividends", "hard call", "soft call", "put day", "steps")
TF, AFV, GS = MODELS


@pytest.mark.compiled
@pytest.mark.parametrize("model", MODELS)
def test_errors_are_covered(model, monkeypatch):
    """On a few of the rows of the benchmark, which has more, of more classes, against finer grids."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "benchmarks"))
    coverage = importlib.import_module("error_coverage")
    errors, estimates = [], []
    for name in CLASSES:
        draw = next(coverage.draws(name, 80, 5))
        terms, market = draw.terms(), draw.market(model)
        exact, got = (
            convertible_value(terms, draw.settlement, **market, accuracy=accuracy)
            for accuracy in ("reference", "standard")
        )
        some = ~np.isnan(got.error_estimate)
        assert some.mean() > 0.8
        errors.append(np.abs(got.dirty_price - exact.dirty_price)[some])
        estimates.append(got.error_estimate[some])
    error, estimate = np.concatenate(errors), np.concatenate(estimates)
    assert np.mean(error <= estimate) >= 0.95
    assert (error <= 20 * estimate).all()
    assert np.median(estimate) <= 60 * np.median(error)


@pytest.mark.compiled
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("accuracy", ["fast", "standard", "reference"])
def test_steps_that_are_flat_tell_the_same(make, model, accuracy):
    """By steps a row's own numbers are 0, and once were what was looked at."""
    given_ = {"stock_price": 1.9, "risk_free": 0.03, "dividend_yield": 0.02, "model": model, "accuracy": accuracy}
    credit = "hazard_rate" if model == AFV else "credit_spread"
    if model == AFV:
        given_ |= {"recovery_rate": 0.4, "stock_drop": 1.0}
    for spread in (0.05, 0.5):  # the second is wide
        plain = convertible_value(make(), DAY, volatility=0.4, **{credit: spread}, **given_).error_estimate
        by_date = {"volatility": Steps("2007-06-18", 0.4), credit: Steps("2007-06-18", spread)}
        assert convertible_value(make(), DAY, **by_date, **given_).error_estimate == pytest.approx(plain, nan_ok=True)
        assert np.isnan(plain) == (model != AFV and spread == 0.5)
