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


MARKET = {"stock_price": 1.5, "model": "tsiveriotis-fernandes", "accuracy": "fast", "credit_spread": 0.05}


@pytest.mark.compiled
def test_a_value_has_the_same_bits_alone_and_among_others(terms):
    """Its days from the first are its own: their sum starts with it."""
    rng = np.random.default_rng(1)
    days, slopes = np.datetime64(DAY) + rng.integers(0, 900, 60), rng.normal(0, 0.01, 60)

    def values(rows):
        rate = Moved(0.03, DAY, shifts={"slope": slopes[rows]})
        return nc.convertible_value(terms, days[rows], volatility=0.4, risk_free=rate, **MARKET).dirty_price

    among = values(np.arange(60))
    np.testing.assert_array_equal(np.concatenate([values(np.array([row])) for row in range(60)]), among)


def test_moves_that_make_what_cannot_be_are_refused(terms):
    days = np.array([DAY, DAY], dtype="datetime64[D]")
    for level, got in ((-0.5, r"-0\.\d+ at row 1"), (9.7, r"10\.1 at row 1")):
        with pytest.raises(nc.TermError, match="`volatility` must be above 0 and up to 10 at all times.*" + got):
            nc.convertible_value(
                terms, days, volatility=Moved(0.4, DAY, shifts={"level": [0.0, level]}), risk_free=0.03, **MARKET
            )
    spread = Moved(0.05, DAY, shifts={"level": [0.0, -0.06]})
    with pytest.raises(nc.TermError, match=r"`credit_spread` must be at least 0 at all times.*-0\.\d+ at row 1"):
        nc.convertible_value(terms, days, volatility=0.4, risk_free=0.03, **(MARKET | {"credit_spread": spread}))
    with pytest.raises(nc.TermError, match="`risk_free` must be moved once for each of 2 values; got '3 moves'"):
        nc.convertible_value(terms, days, volatility=0.4, risk_free=Moved(0.03, DAY, factor=[1, 1, 1]), **MARKET)


def test_a_volatility_that_a_trigger_on_several_days_needs_is_not_moved():
    """The trigger that stands for the days goes with the volatility: which, of one that changes, nothing says."""
    notes = nc.Notes(
        issue_date=DAY, maturity="2007-06-18", principal=100, annual_rate=0.08, frequency=2, day_count="30/360"
    )
    terms = nc.Convertible(
        periods=nc.resolve(notes), conversions=[nc.ConversionWindow(conversion_price=1.85)],
        calls=[nc.CallWindow(clean_price=100, trigger=1.3, days=(20, 30))], accrued_on_conversion="forfeited",
    )  # fmt: skip
    with pytest.raises(nc.TermError, match="`volatility` must be a number where a call counts days"):
        nc.convertible_value(terms, DAY, volatility=Moved(0.4, DAY, factor=2.0), risk_free=0.03, **MARKET)
