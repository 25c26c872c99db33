"""Which scenario has which inputs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import notecalc as nc
from notecalc.batch.axes import DESIGNS, Drawn, Listed
from notecalc.batch.plan import Plan

STOCK = Drawn("stock_price", "lognormal", 1.5, 0.4)
VOLATILITY = Drawn("volatility", "uniform", 0.3, 0.8)
LATIN = "latin-hypercube"
# Of eight axes, none of them independent of another: products of matrices of this size differ by rows in their bits.
MIXED = 0.6 * np.eye(8) + 0.4 * np.outer([1, -1] * 4, [1, -1] * 4)


def test_a_grid_is_every_combination_the_last_axis_and_the_samples_fastest():
    days = np.array(["2004-06-18", "2005-06-18"], dtype="datetime64[D]")
    axes = [Listed("on", days), Listed("policy", np.array(["a", "b", "c"])), STOCK]
    plan = Plan.of(axes, count=2, seed=7)
    found = plan.inputs(0, len(plan))
    expected = list(itertools.product(days, ["a", "b", "c"], range(2)))
    assert len(plan) == len(expected) == 12
    assert list(zip(found["on"], found["policy"], strict=True)) == [row[:2] for row in expected]
    assert (found["stock_price"].reshape(6, 2) == found["stock_price"][:2]).all()


def test_zipped_axes_move_together():
    axes = [Listed("a", np.arange(3.0), "z"), Listed("b", np.arange(2.0)), Listed("c", 10 * np.arange(3.0), "z")]
    found = Plan.of(axes).inputs(0, 6)
    assert found["c"].tolist() == (10 * found["a"]).tolist() == [0, 0, 10, 10, 20, 20]
    assert found["b"].tolist() == [0, 1] * 3


@given(st.sampled_from(DESIGNS), st.integers(1, 40), st.integers(1, 4), st.data())
def test_a_part_of_a_plan_is_a_part_of_the_whole(design, count, points, data):
    drawn = [STOCK, VOLATILITY, *(Drawn(name, "normal", 0, 1) for name in "abcdef")]
    axes = [Listed("conversion_price", np.arange(1.0, points + 1)), *drawn]
    plan = Plan.of(axes, count=count, seed=7, design=design, correlation=None if design == LATIN else MIXED)
    start = data.draw(st.integers(0, len(plan)))
    stop = data.draw(st.integers(start, len(plan)))
    whole, part = plan.inputs(0, len(plan)), plan.inputs(start, stop)
    assert all((part[name] == whole[name][start:stop]).all() for name in plan.names)


@pytest.mark.parametrize("design", DESIGNS)
def test_draws_have_their_distributions_and_correlation(design):
    count = 20_000
    axes = [
        STOCK,
        VOLATILITY,
        Drawn("borrow_cost", "normal", 0.02, 0.01),
        Drawn("default", "exponential", 0.12),
    ]
    correlation = None
    if design != LATIN:
        correlation = np.eye(4)
        correlation[0, 1] = correlation[1, 0] = -0.6
    found = Plan.of(axes, count=count, seed=7, design=design, correlation=correlation).inputs(0, count)
    laws = {
        "stock_price": stats.lognorm(0.4, scale=1.5),
        "volatility": stats.uniform(0.3, 0.5),
        "borrow_cost": stats.norm(0.02, 0.01),
        "default": stats.expon(scale=1 / 0.12),
    }
    for name, law in laws.items():
        assert stats.kstest(found[name], law.cdf).pvalue > 1e-4, name
    # of a Gaussian copula: Spearman's rho is 6/pi asin(r/2)
    rho = stats.spearmanr(found["stock_price"], found["volatility"]).statistic
    expected = 0.0 if correlation is None else 6 / np.pi * np.arcsin(-0.3)
    assert rho == pytest.approx(expected, abs=4.5 / np.sqrt(count))
    assert abs(stats.spearmanr(found["stock_price"], found["default"]).statistic) < 4.5 / np.sqrt(count)


def test_a_designed_sample_is_more_even_than_chance():
    """The mean of a uniform axis: its error by strata and by Sobol is far below 0.29 / sqrt(n)."""
    for design, most in (("latin-hypercube", 1e-4), ("sobol", 1e-4)):
        found = Plan.of([VOLATILITY, STOCK], count=4_096, seed=7, design=design).inputs(0, 4_096)
        assert abs(found["volatility"].mean() - 0.55) < most


def test_ticks_are_kept():
    drawn = Drawn("stock_price", "lognormal", 1.5, 0.4, round_to=0.01).at(np.linspace(0.01, 0.99, 999))
    assert all(f"{price:.2f}" == repr(price).ljust(4, "0") for price in drawn.tolist())
    assert set(np.diff(Drawn("x", "uniform", 0, 100, round_to=2.5).at(np.linspace(0, 1, 999)))) == {0.0, 2.5}


@pytest.mark.parametrize(
    ("axes", "drawing", "message"),
    [
        ([Listed("a", np.arange(2)), Listed("a", np.arange(2))], {}, "`axes` must be of different names"),
        ([Listed("a", np.arange(2), "z"), Listed("b", np.arange(3), "z")], {}, "must be axes of one length"),
        ([STOCK], {}, "`samples.count` must be given where an axis is drawn"),
        ([Listed("sample", np.arange(2))], {}, "`axes` must be called otherwise than 'sample'"),
        (
            [STOCK, VOLATILITY, Drawn("x", "normal", 0, 1)],
            {"count": 5, "seed": 1, "correlation": np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])},
            "correlations that can hold together",
        ),
        (
            [STOCK, VOLATILITY],
            {"count": 5, "seed": 1, "design": LATIN, "correlation": np.array([[1, 0.5], [0.5, 1]])},
            "`samples.design` must be random or sobol where axes are correlated",
        ),
        ([], {"count": 5, "seed": 1, "design": "sobol"}, "`samples.design` must be left out where no axis is drawn"),
    ],
)
def test_what_cannot_be_is_refused(axes, drawing, message):
    with pytest.raises(nc.TermError, match=message):
        Plan.of(axes, **drawing)
