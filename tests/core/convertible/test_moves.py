"""Moved rates: what is moved at all terms alike is another number; what cannot be is refused."""

import numpy as np
import pytest

import notecalc as nc
from notecalc.core.convertible.moves import Moved

DAY = "2004-06-18"


@pytest.fixture
def terms():
    notes = nc.Notes(
        issue_date=DAY, maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2, day_count="30/360"
    )
    window = nc.ConversionWindow(conversion_price=1.85)
    return nc.Convertible(periods=nc.resolve(notes), conversions=[window], accrued_on_conversion="forfeited")


@pytest.mark.compiled
def test_numbers_moved_at_all_terms_are_other_numbers(terms):
    """From a day before that of valuation, too; and steps that are all one level are a number."""
    days = np.array(["2004-06-18", "2005-01-10", "2006-06-19"], dtype="datetime64[D]")
    shift, factor = np.array([0.01, -0.02, 0.0]), np.array([1.5, 1.0, 0.5])
    level = {"shifts": {"level": shift}}
    steps = nc.Steps(["2005-06-18", "2008-06-18"], [0.05, 0.05])
    market = {"stock_price": np.array([1.5, 1.9, 1.2]), "model": "tsiveriotis-fernandes", "accuracy": "fast"}
    made = nc.convertible_value(
        terms, days, risk_free=Moved(0.03, "2004-01-01", **level), volatility=Moved(0.4, DAY, factor=factor),
        credit_spread=Moved(steps, DAY, factor=factor, shifts={"level": abs(shift)}), **market,
    )  # fmt: skip
    spread = 0.05 * factor + abs(shift)
    given = {"risk_free": 0.03 + shift, "volatility": 0.4 * factor, "credit_spread": spread}
    expected = nc.convertible_value(terms, days, **given, **market)
    for name in ("dirty_price", "clean_price", "bond_floor", "parity", "delta"):
        assert np.allclose(getattr(made, name), getattr(expected, name), rtol=2e-5), name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"factor": [1.0, 0.0]}, "`factor` must be a number above 0"),
        ({"shifts": {"twist": 0.01}}, "`shifts` must be of level, slope, curvature"),
        ({"pillars": [2.0, 1.0], "at_pillars": [[0.01, 0.02]]}, "`pillars` must be rising"),
        ({"pillars": [1.0, 2.0], "at_pillars": [[0.01]]}, "`at_pillars` must be a column for each of 2 pillars"),
        ({"shifts": {"level": np.inf}}, "`level` must be a finite number"),
    ],
)
def test_moves_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(nc.TermError, match=message):
        Moved(0.03, DAY, **arguments)


def test_what_nothing_moves_is_refused(terms):
    with pytest.raises(nc.TermError, match="`stock_price` must be numbers, which nothing moves"):
        nc.convertible_value(
            terms, DAY, stock_price=Moved(1.5, DAY, factor=2.0), volatility=0.4, risk_free=0.03, credit_spread=0.05,
            model="tsiveriotis-fernandes",
        )  # fmt: skip
