"""Notes with constant coefficients in vectors: against closed forms, the engine's finest grids, and themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notecalc.core._jit import Kernel
from notecalc.core.convertible import _fast, _fast_rows
from notecalc.core.convertible._case import Case
from notecalc.core.convertible.terms import CallWindow, ConversionWindow, PutWindow
from notecalc.core.convertible.valuation import convertible_greeks, convertible_value

compiled = pytest.mark.compiled
AFV, DAY = "ayache-forsyth-vetzal", "2004-06-18"
SOFT, PUT = (
    CallWindow(clean_price=100, trigger=1.5, start="2005-06-18"),
    PutWindow(start="2006-06-18", end="2006-06-18", clean_price=100),
)
ENDING = CallWindow(clean_price=100, trigger=1.4, start="2004-06-18", end="2006-06-18")
SOON = CallWindow(clean_price=100, trigger=1.5, start="2005-06-13")  # five days before a coupon
TERMS = {
    "plain": {},
    "put": {"puts": [PUT]},
    "called from the start": {"calls": [CallWindow(clean_price=100, trigger=1.5)]},
    "called later and put": {"calls": [SOFT], "puts": [PUT]},
    "call that ends, and put": {"calls": [ENDING], "puts": [PUT]},
    "call shortly before a coupon": {
        "calls": [SOON],
        "puts": [PutWindow(start="2006-03-01", end="2006-03-01", clean_price=101)],
    },
}


def markets(rows, seed=1):
    rng = np.random.default_rng(seed)
    return {
        "stock_price": rng.uniform(0.8, 3.5, rows),
        "volatility": rng.uniform(0.2, 0.9, rows),
        "risk_free": rng.uniform(0.01, 0.06, rows),
        "hazard_rate": rng.uniform(0.02, 0.15, rows),
        "recovery_rate": rng.uniform(0.0, 0.6, rows),
        "stock_drop": 1.0,
        "model": AFV,
    }


def fast_rows(terms, day, given_, accuracy="standard"):
    """Values in vectors, and the rows that are left to the engine."""
    case = Case.of(terms, day, given_)
    out = [np.full(case.contract.size, np.nan) for _ in range(5)]
    left = _fast.value_where_fast(case.lines.simple, _fast.GRIDS[accuracy], case.contract, case.columns, out)
    return out, left


# ---- closed forms ----


@compiled
@pytest.mark.parametrize("stock", [0.6, 1.0, 1.7])
@pytest.mark.parametrize("accuracy", ["fast", "standard"])
def test_without_credit_it_is_a_bond_and_calls(yearly, stock, accuracy):
    """Black and Scholes 1973."""
    terms = yearly(1000, conversions=[ConversionWindow(conversion_price=100, start="2007-09-28", end="2007-09-28")])
    given_ = {
        "stock_price": 100 * stock,
        "volatility": 0.35,
        "risk_free": 0.04,
        "hazard_rate": 0.0,
        "recovery_rate": 0.0,
    }
    (value, delta, *_), left = fast_rows(terms, "2005-01-01", given_ | {"stock_drop": 1.0, "model": AFV}, accuracy)
    time = 1000 / 365
    spread = 0.35 * math.sqrt(time)
    d = (math.log(stock) + 0.04 * time) / spread + spread / 2
    bond = 100 * math.exp(-0.04 * time)

    def normal(x):
        return math.erfc(-x / math.sqrt(2)) / 2

    assert left.size == 0
    error = {"fast": 2e-4, "standard": 1e-5}[accuracy]
    assert value[0] == pytest.approx(bond + 100 * stock * normal(d) - bond * normal(d - spread), abs=error)
    assert delta[0] == pytest.approx(normal(d), abs=1e-5)


@compiled
def test_semi_analytic_cases(make, vectors):
    for case in vectors["cases"]:
        for name, drop in (("AFV_eta1", 1.0), ("AFV_eta0", 0.0)):
            given_ = {
                "stock_price": case["S"],
                "volatility": case["volatility"],
                "risk_free": 0.03,
                "hazard_rate": 0.08,
            }
            out, left = fast_rows(make(), DAY, given_ | {"recovery_rate": 0.0, "stock_drop": drop, "model": AFV})
            assert left.size == 0
            assert out[0][0] == pytest.approx(case[name], abs=2e-5)


# ---- against the engine ----


@compiled
@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("accuracy", ["fast", "standard"])
def test_the_engines_finest_grids_agree(make, name, accuracy):
    terms, given_ = make(terms=TERMS[name]), markets(12)
    exact = convertible_value(terms, DAY, **given_, accuracy="reference")
    out, left = fast_rows(terms, DAY, given_, accuracy)
    assert left.size == 0 if accuracy == "standard" else left.size <= 1
    some = np.setdiff1d(np.arange(12), left)
    miss = np.abs(out[0] - exact.dirty_price)[some]
    assert miss.max() < {"fast": 1e-3, "standard": 1e-4}[accuracy]
    assert (miss <= (out[4] + exact.error_estimate)[some]).all()
    np.testing.assert_allclose(out[1][some], exact.delta[some], atol=1e-3)
    np.testing.assert_allclose(out[2][some], exact.gamma[some], atol=5e-3)
    np.testing.assert_allclose(out[3][some] / 365, exact.theta[some], atol=1e-4)


@compiled
@settings(max_examples=15, deadline=None)
@given(
    stock=st.floats(0.8, 3.5), vol=st.floats(0.2, 0.9), rate=st.floats(0.0, 0.08), hazard=st.floats(0.0, 0.3),
    recovery=st.floats(0.0, 0.8), coupon=st.floats(0.0, 0.12), trigger=st.floats(1.2, 2.0),
    settled=st.integers(0, 300), called=st.integers(0, 1000), put=st.integers(330, 1000),
)  # fmt: skip
def test_the_engine_agrees_on_any_terms(
    make, stock, vol, rate, hazard, recovery, coupon, trigger, settled, called, put
):
    start = np.datetime64(DAY)
    calls = [CallWindow(clean_price=100, trigger=trigger, start=start + called)]
    terms = make(
        annual_rate=coupon,
        terms={"calls": calls, "puts": [PutWindow(start=start + put, end=start + put, clean_price=100)]},
    )
    given_ = {"stock_price": stock, "volatility": vol, "risk_free": rate, "hazard_rate": hazard, "model": AFV}
    given_ |= {"recovery_rate": recovery, "stock_drop": 1.0}
    got = convertible_value(terms, start + settled, **given_)
    exact = convertible_value(terms, start + settled, **given_, accuracy="reference")
    # The engine's own error is the greater one where settlement or a call is a few days from a coupon.
    assert abs(got.dirty_price - exact.dirty_price) <= 5e-3 + 3 * (got.error_estimate + exact.error_estimate)


@compiled
def test_greeks_are_those_of_bumped_values(make):
    terms, given_ = make(terms=TERMS["called later and put"]), markets(6, seed=4)
    greeks = convertible_greeks(terms, DAY, **given_)
    for name, field, by, unit in (
        ("volatility", "vega", 2e-3, 0.01), ("risk_free", "rho", 1e-3, 1e-4), ("hazard_rate", "credit", 1e-3, 1e-4),
        ("recovery_rate", "recovery", 1e-2, 0.01),
    ):  # fmt: skip
        up, down = (
            convertible_value(
                terms, DAY, **(given_ | {name: given_[name] + sign * by}), accuracy="reference"
            ).dirty_price
            for sign in (1, -1)
        )
        np.testing.assert_allclose(getattr(greeks, field), (up - down) / (2 * by) * unit, atol=2e-4)


@compiled
@pytest.mark.parametrize("changed", [{"volatility": 0.1, "hazard_rate": 0.3}, {"volatility": 0.15, "risk_free": -0.2}])
def test_strong_drifts_are_right_or_left_to_the_engine(make, changed):
    terms, given_ = make(terms=TERMS["called later and put"]), markets(8, seed=9) | changed
    got = convertible_value(terms, DAY, **given_)
    exact = convertible_value(terms, DAY, **given_, accuracy="reference")
    assert (np.abs(got.dirty_price - exact.dirty_price) <= got.error_estimate + exact.error_estimate).all()


@compiled
@pytest.mark.parametrize("accuracy", ["fast", "standard"])
def test_long_lives_drift_far(make, accuracy):
    """What recovery is worth grows with the stock, and e to the 30 times over 20 years of a high hazard rate."""
    calls = [CallWindow(clean_price=100, trigger=2.2, start="2012-06-18")]
    puts = [PutWindow(start="2010-06-18", end="2010-06-18", clean_price=90)]
    given_ = {"stock_price": 1.7, "volatility": [0.9, 0.46, 1.5], "risk_free": 0.09, "hazard_rate": [0.4, 0.3, 0.35]}
    given_ |= {"recovery_rate": [0.44, 0.51, 0.63], "stock_drop": 1.0, "model": AFV}
    for options in ({"calls": calls, "puts": puts}, {"puts": puts}):
        terms = make(maturity="2024-06-18", terms=options)
        exact = convertible_value(terms, DAY, **given_, accuracy="reference")
        out, left = fast_rows(terms, DAY, given_, accuracy)
        assert left.size == 0
        assert (np.abs(out[0] - exact.dirty_price) <= out[4] + exact.error_estimate).all()


@compiled
@pytest.mark.parametrize("days", [20, 60])
def test_short_windows_are_right_or_left_to_the_engine(make, days):
    """A call that soon ends, before and after a put: what one bends the other must not take for smooth."""
    start = np.datetime64("2005-09-01")
    calls = [CallWindow(clean_price=100, trigger=1.3, start=start, end=start + days)]
    given_ = {k: v for k, v in markets(8, seed=5).items() if k != "stock_price"} | {"stock_price": 2.3}
    for put in (start + days // 2, start + 2 * days):
        terms = make(terms={"calls": calls, "puts": [PutWindow(start=put, end=put, clean_price=101)]})
        got = convertible_value(terms, DAY, **given_)
        exact = convertible_value(terms, DAY, **given_, accuracy="reference")
        assert (np.abs(got.dirty_price - exact.dirty_price) <= got.error_estimate + exact.error_estimate).all()


# ---- a row is itself, wherever it stands ----


def notes_of_several_kinds(make):
    # The third is repaid before.
    put = np.array(["2006-06-18", "2006-06-18", "NaT", "2006-06-18"], dtype="datetime64[D]")
    return make(
        price=1.85, issue_date=["2004-06-18", "2004-06-18", "2004-03-01", "2004-06-18"],
        maturity=["2007-06-18", "2008-06-18", "2006-03-01", "2007-06-18"],
        terms={"calls": [CallWindow(clean_price=100, trigger=[1.5, 1.4, 1.6, 1.3], start="2005-06-18")],
               "puts": [PutWindow(clean_price=float(PUT.clean_price), start=put, end=put)]},
    )  # fmt: skip


@compiled
def test_neighbours_and_order_change_no_bit(make):
    terms = make(terms=TERMS["called later and put"])
    given_ = markets(300)
    whole, left = fast_rows(terms, DAY, given_)
    assert left.size < 5
    order = np.random.default_rng(2).permutation(300)[:123]
    part, _ = fast_rows(terms, DAY, {k: v[order] if isinstance(v, np.ndarray) else v for k, v in given_.items()})
    for all_rows, some in zip(whole, part, strict=True):
        np.testing.assert_array_equal(all_rows[order].view(np.int64), some.view(np.int64))


@compiled
def test_notes_side_by_side_are_each_on_its_own(make):
    given_ = {k: v[:, None] if isinstance(v, np.ndarray) else v for k, v in markets(40).items()}
    terms = notes_of_several_kinds(make)
    together = convertible_value(terms, DAY, **given_).dirty_price
    assert together.shape == (40, 4)
    alone = make(terms={"calls": [SOFT], "puts": [PUT]})
    np.testing.assert_array_equal(convertible_value(alone, DAY, **markets(40)).dirty_price, together[:, 0])


@compiled
def test_nothing_is_taken_from_the_rows_before(make):
    """A coupon kept apart in one block of lanes was added in the next, if a call starts in the last segment there."""
    calls = [CallWindow(clean_price=100, trigger=1.5, start=["2004-06-18", "2006-12-25"])]
    terms = make(price=1.85, issue_date=["2004-06-18"] * 2, maturity="2007-06-18", terms={"calls": calls})
    given_ = {k: v[:, None] if isinstance(v, np.ndarray) else v for k, v in markets(40).items()}
    together = convertible_value(terms, "2006-12-08", **given_).dirty_price
    alone = make(terms={"calls": [CallWindow(clean_price=100, trigger=1.5, start="2006-12-25")]})
    np.testing.assert_array_equal(convertible_value(alone, "2006-12-08", **markets(40)).dirty_price, together[:, 1])


@compiled
def test_any_number_of_threads_and_of_lanes_gives_the_same_bits(make):
    case = Case.of(make(terms=TERMS["called later and put"]), DAY, markets(9000))
    found = []
    kernel = _fast_rows.value_fast
    for lanes, threads in ((True, 1), (True, 3), (1, 2)):
        _fast.value_fast = Kernel(
            kernel.py_func, kernel._reads, kernel._writes, kernel._calls, kernel._tables, lanes=lanes, block=4096
        )
        try:
            out = [np.full(9000, np.nan) for _ in range(5)]
            _fast.value_where_fast(
                case.lines.simple, _fast.GRIDS["fast"], case.contract, case.columns, out, threads=threads
            )
        finally:
            _fast.value_fast = kernel
        found.append(np.array(out))
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


def test_as_plain_python_it_says_the_same(make):
    """With compilation off this compares Python with itself; compiled, with the vectors."""
    case = Case.of(make(terms=TERMS["call that ends, and put"]), DAY, markets(2))
    table, contract, columns = case.lines.table.reshape(-1), case.contract, case.columns
    out = [np.full(2, np.nan) for _ in range(5)]
    _fast.value_where_fast(case.lines.simple, _fast.GRIDS["fast"], contract, columns, out)
    plain = [np.full(2, np.nan) for _ in range(5)]
    counts, group, kind = np.zeros((3, 1), dtype=np.int64)
    short, notes = np.zeros(len(case.lines.table) * _fast_rows.S_FIELDS), np.zeros(_fast_rows.N_FIELDS)
    _fast.read_notes.py_func(case.lines.offsets, table, counts, short, notes, group, kind)
    begins = np.concatenate([case.lines.offsets[:-1], counts])
    _fast_rows.value_fast.py_func(
        0.0, begins, short, notes, np.array(_fast.GRIDS["fast"]), contract,
        np.ones(2, dtype=np.int64), *(columns[c] for c in (0, 1, 2, 4, 5, 6)), *plain,
    )  # fmt: skip
    np.testing.assert_allclose(np.array(plain), np.array(out), rtol=1e-9, atol=1e-9)


# ---- what is left to the engine ----


@compiled
@pytest.mark.parametrize(
    ("terms", "changed"),
    [
        ({"calls": [CallWindow(clean_price=110)]}, {}),  # a hard call
        ({"calls": [CallWindow(clean_price=110, trigger=1.05)]}, {}),  # a trigger below the price
        ({}, {"dividend_yield": 0.03}),
        ({}, {"hazard_elasticity": 1.0}),
        ({}, {"stock_drop": 0.5, "recovery_rate": 0.4}),  # the better of two: a kink
        ({}, {"volatility": 0.02, "hazard_rate": 0.9}),  # a drift that is too strong
        ({"recovery_claim": "principal-and-accrued"}, {}),
        ({"puts": [PutWindow(start="2004-06-21", end="2004-06-21", clean_price=100)]}, {}),  # three days away
        # a put on the day that a call starts, five days before a coupon
        ({"calls": [SOON], "puts": [PutWindow(start="2005-06-13", end="2005-06-13", clean_price=101)]}, {}),
    ],
)  # fmt: skip
def test_what_is_not_simple_is_left_to_the_engine(make, terms, changed):
    given_ = markets(3) | {"stock_price": 1.7} | changed
    out, left = fast_rows(make(terms=terms), DAY, given_)
    np.testing.assert_array_equal(np.sort(left), [0, 1, 2])
    assert np.isnan(out[0]).all()
    assert np.isfinite(convertible_value(make(terms=terms), DAY, **given_).dirty_price).all()


@compiled
def test_missing_rows_stay_missing_and_no_rows_are_none(make):
    given_ = markets(5)
    given_["stock_price"][1], given_["volatility"][3] = np.nan, np.nan
    got = convertible_value(make(), DAY, **given_)
    np.testing.assert_array_equal(np.isnan(got.dirty_price), [False, True, False, True, False])
    np.testing.assert_array_equal(np.isnan(got.error_estimate), [False, True, False, True, False])
    assert convertible_value(
        make(),
        DAY,
        **(
            markets(1)
            | {
                "stock_price": np.empty(0),
                "volatility": 0.3,
                "risk_free": 0.03,
                "hazard_rate": 0.1,
                "recovery_rate": 0.2,
            }
        ),
    ).dirty_price.shape == (0,)
