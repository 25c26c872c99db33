"""Numbers with lanes: each operation against numpy, in every width, as compiled for one lane, and as plain Python."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from llvmlite import binding

import notecalc as nc
from notecalc.core import _vectors
from notecalc.core._jit import Kernel
from notecalc.core._vectors import (
    any_lane,
    exp,
    fma,
    lanes_of,
    load,
    log,
    maximum,
    minimum,
    pick,
    point,
    select,
    splat,
    sqrt,
    store,
    whole,
)

WIDTHS = [pytest.param("python"), *(pytest.param(n, marks=pytest.mark.compiled) for n in (1, 2, 4, 8, 16, 32))]
EDGES = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, 2.3e-308, 1.7e308, 709.7, 710.0, -707.9, -708.1]


def binary(like, x, y, added, less, times, over, least, most, above):
    for i in range(0, x.size, lanes_of(like)):
        a, b = load(x, i, like), load(y, i, like)
        store(added, i, a + b)
        store(less, i, a - b)
        store(times, i, 2.0 * a * b)
        store(over, i, a / b)
        store(least, i, minimum(a, b))
        store(most, i, maximum(a, b))
        store(above, i, select((a > b) & (a < 0.5) | (b >= 2.0), splat(1.0, like), splat(0.0, like)))


def unary(like, x, root, power, logarithm, floor, opposite):
    for i in range(0, x.size, lanes_of(like)):
        a = load(x, i, like)
        store(root, i, sqrt(a))
        store(power, i, exp(a))
        store(logarithm, i, log(a))
        store(floor, i, whole(a))
        store(opposite, i, -a)


def fused(like, x, y, z, out):
    for i in range(0, x.size, lanes_of(like)):
        store(out, i, fma(load(x, i, like), load(y, i, like), load(z, i, like)))


def tell(like, x, out):
    for i in range(0, x.size, lanes_of(like)):
        store(out, i, splat(1.0, like) if any_lane(load(x, i, like) > 0.0) else splat(0.0, like))


def pick_own(like, x, cells, out):
    for i in range(0, out.size, lanes_of(like)):
        store(out, i, pick(x, i, cells, like))


def pick_pointed(like, x, nodes, cells, out):
    for i in range(0, out.size, lanes_of(like)):
        point(cells, load(nodes, i, like))
        store(out, i, pick(x, 0, cells, like))


def run(body, width, *columns, results):
    out = [np.full(columns[0].size, 7.0) for _ in range(results)]
    if width == "python":
        with np.errstate(all="ignore"):
            body(0.0, *columns, *out)
    else:
        Kernel(body, ["float64"] * len(columns), ["float64"] * results, lanes=width)(*columns, *out)
    return out


def numbers(seed=4):
    rng = np.random.default_rng(seed)
    some = np.concatenate(
        [EDGES, rng.normal(0, 1, 200), 10 ** rng.uniform(-300, 300, 200), rng.uniform(-700, 700, 194)]
    )
    return some[: some.size // 32 * 32]


@pytest.mark.parametrize("width", WIDTHS)
def test_arithmetic_and_comparison(width):
    x = numbers()
    y = np.random.default_rng(5).permutation(x)
    with np.errstate(all="ignore"):
        expected = [x + y, x - y, 2 * x * y, x / y, np.where(x < y, x, y), np.where(x > y, x, y)]
        expected.append(((x > y) & (x < 0.5) | (y >= 2)).astype(float))
        got = run(binary, width, x, y, results=7)
    for ours, numpys in zip(got, expected, strict=True):
        np.testing.assert_array_equal(ours, numpys)


@pytest.mark.parametrize("width", WIDTHS)
def test_functions(width):
    x = numbers()
    root, power, logarithm, floor, opposite = run(unary, width, x, results=5)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(root, np.sqrt(x))
        np.testing.assert_array_equal(floor, np.floor(x))
        np.testing.assert_array_equal(opposite, -x)
        normal = np.isnan(x) | (x >= -708.0)
        np.testing.assert_allclose(power[normal], np.exp(x[normal]), rtol=5e-16)
        assert (power[~normal] == 0).all()
        own = np.isnan(x) | (x <= 0) | (x >= 2.2250738585072014e-308)
        np.testing.assert_allclose(logarithm[own], np.log(x[own]), rtol=5e-16, atol=1e-17)
        assert (logarithm[~own] == -math.inf).all()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_logarithm_near_one(width):
    x = 1 + np.random.default_rng(6).normal(0, 1e-3, 320)
    logarithm = run(unary, width, x, results=5)[2]
    np.testing.assert_allclose(logarithm, np.log(x), rtol=1e-15)


@pytest.mark.parametrize("width", WIDTHS)
def test_multiplying_and_adding(width):
    x, y, z = np.random.default_rng(7).normal(0, 1, (3, 320))
    exact = [
        float(Fraction(a) * Fraction(b) + Fraction(c))
        for a, b, c in zip(x.tolist(), y.tolist(), z.tolist(), strict=True)
    ]
    got = run(fused, width, x, y, z, results=1)[0]
    if width == "python":  # which rounds the product, too
        np.testing.assert_allclose(got, exact, rtol=0, atol=2e-15)
    else:
        np.testing.assert_array_equal(got, exact)


@pytest.mark.parametrize("width", WIDTHS)
def test_picking_a_number_for_each_lane_from_its_own_place(width):
    lanes = 1 if width == "python" else width
    cells = np.random.default_rng(9).integers(0, 40, 32)
    x, out = np.arange(136.0), np.empty(96)
    if width == "python":
        pick_own(0.0, x, cells, out)
    else:
        Kernel(pick_own, [], ["float64"], tables=["float64", "int64"], lanes=width)(x, cells, out)
    at = np.arange(96)
    np.testing.assert_array_equal(out, at // lanes * lanes + cells[at % lanes])


@pytest.mark.parametrize("width", WIDTHS)
def test_pointing_each_lane_at_a_vector_of_its_own_in_an_array(width):
    lanes = 1 if width == "python" else width
    nodes = np.random.default_rng(9).integers(0, 40, 96)
    x, cells, out = np.arange(40.0 * lanes), np.zeros(lanes, dtype=np.int64), np.empty(96)
    if width == "python":
        pick_pointed(0.0, x, nodes.astype(float), cells, out)
    else:
        body = Kernel(pick_pointed, [], ["int64", "float64"], tables=["float64", "float64"], lanes=width)
        body(x, nodes.astype(float), cells, out)
    np.testing.assert_array_equal(out, nodes * lanes + np.arange(96) % lanes)


@pytest.mark.parametrize("width", WIDTHS)
def test_telling_whether_any_lane_holds(width):
    x = np.full(96, -1.0)
    x[[0, 40, 95]] = 1.0
    lanes = 1 if width == "python" else width
    expected = np.repeat((x.reshape(-1, lanes) > 0).any(axis=1), lanes)
    np.testing.assert_array_equal(run(tell, width, x, results=1)[0], expected)


@pytest.mark.compiled
def test_a_lane_has_the_same_bits_in_every_width_and_with_any_neighbours():
    x = numbers()
    order = np.random.default_rng(8).permutation(x.size)
    one = run(unary, 1, x, results=5)
    for width in (2, 8, 32):
        for ours, alone in zip(run(unary, width, x, results=5), one, strict=True):
            np.testing.assert_array_equal(ours.view(np.int64), alone.view(np.int64))
        for ours, alone in zip(run(unary, width, x[order], results=5), one, strict=True):
            np.testing.assert_array_equal(ours.view(np.int64), alone[order].view(np.int64))


def test_the_environment_may_say_how_many_lanes(monkeypatch):
    monkeypatch.setenv("NOTECALC_LANES", "4")
    assert _vectors.lane_count() == 4
    monkeypatch.setenv("NOTECALC_LANES", "3")
    with pytest.raises(nc.TermError, match="`NOTECALC_LANES` must be one of 1, 2, 4, 8, 16, 32; got '3'"):
        _vectors.lane_count()


@pytest.mark.parametrize(
    ("features", "lanes"),
    [({"sse2", "avx2", "avx512f"}, 16), ({"sse2", "avx2"}, 8), ({"sse2"}, 4), ({"neon"}, 4), (set(), 1)],
)
def test_lanes_by_what_the_processor_has(monkeypatch, features, lanes):
    monkeypatch.delenv("NOTECALC_LANES", raising=False)
    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: dict.fromkeys(features, True) | {"mmx": False})
    assert _vectors.lane_count() == lanes
