"""Draws by place: known answers, laws, and the same numbers in whatever order they are asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import qmc

import notecalc as nc
from notecalc.core.draws import _fill_uniforms, _philox, latin_hypercube, normals, sobol, uniforms


def philox(counter, key):
    """Philox 4x32-10 in Python's own integers, as its paper writes it."""
    (a, b, c, d), (k, m) = counter, key
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (q >> 32) ^ b ^ k, q % 2**32, (p >> 32) ^ d ^ m, p % 2**32
        k, m = (k + 0x9E3779B9) % 2**32, (m + 0xBB67AE85) % 2**32
    return a, b, c, d


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [  # the known answers of Random123 1.09, the authors' own library
        ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_generator_beside_ours_gives_the_known_answers(counter, key, expected):
    assert philox(counter, key) == expected


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))
def test_words_are_those_of_philox(index, step, key):
    words = _philox(np.int64(index), np.int64(step), np.uint64(key))
    counter = (index % 2**32, index >> 32, step, 0)
    assert tuple(map(int, words)) == philox(counter, (key % 2**32, key >> 32))[:2]
    out = np.empty(1)
    _fill_uniforms(np.array([key], dtype=np.uint64), np.array([index]), np.array([step]), out)
    a, b = map(int, words)
    assert out[0] == ((a >> 6) * 2**26 + (b >> 6) + 0.5) / 2**52


@given(st.integers(), st.integers(0, 10**9), st.integers(0, 50), st.integers(0, 50))
def test_a_part_is_a_part_of_the_whole(seed, start, before, size):
    whole = uniforms(seed, "stock", np.arange(start, start + before + size))
    assert (uniforms(seed, "stock", np.arange(start + before, start + before + size)) == whole[before:]).all()
    assert ((whole > 0) & (whole < 1)).all()


@pytest.mark.compiled
def test_streams_seeds_indices_and_steps_are_independent():
    index = np.arange(20_000)
    draws = [uniforms(7, "a", index), uniforms(7, "b", index), uniforms(8, "a", index), uniforms(7, "a", index, 1)]
    draws.append(uniforms(7, "a", index + 1))
    assert stats.kstest(np.concatenate(draws), "uniform").pvalue > 1e-4
    correlations = np.corrcoef(draws) - np.eye(len(draws))
    assert abs(correlations).max() < 4.5 / np.sqrt(index.size)
    assert stats.kstest(normals(7, "a", index), "norm").pvalue > 1e-4


@given(st.one_of(st.integers(1, 600), st.integers(4090, 4200)), st.integers())
def test_each_stratum_of_a_latin_hypercube_holds_one_point(size, seed):
    points = latin_hypercube(seed, ("a", "b"), size, np.arange(size))
    assert (np.sort(np.floor(points * size), axis=0) == np.arange(size)[:, None]).all()


@pytest.mark.compiled
def test_a_latin_hypercube_is_a_function_of_the_index_and_mixed():
    size = 100_003
    points = latin_hypercube(7, ("a", "b"), size, np.arange(size))
    assert (latin_hypercube(7, ("a", "b"), size, np.array([99, 5, 100_002])) == points[[99, 5, 100_002]]).all()
    assert abs(np.corrcoef(points[:, 0], points[:, 1])[0, 1]) < 4.5 / np.sqrt(size)
    assert abs(np.corrcoef(points[:-1, 0], points[1:, 0])[0, 1]) < 4.5 / np.sqrt(size)


@pytest.mark.compiled
def test_orders_of_few_strata_are_equally_likely():
    """All 120 of five, over 12,000 seeds: chi-squared."""
    places = np.arange(5)
    orders = [tuple(np.floor(5 * latin_hypercube(seed, ("a",), 5, places)[:, 0]).astype(int)) for seed in range(12_000)]
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert counts.size == 120
    assert stats.chisquare(counts).pvalue > 1e-4


def test_a_negative_seed_scrambles():
    points = sobol(-5, 2, np.arange(8))
    assert (points != sobol(5, 2, np.arange(8))).any()
    assert (np.sort(np.floor(8 * points), axis=0) == np.arange(8)[:, None]).all()


@pytest.mark.parametrize("dimensions", [1, 2, 7])
def test_sobol_points_by_index_are_scipys(dimensions):
    """And so they stay whatever scipy calls the numbers inside: this is what holds them."""
    engine = qmc.Sobol(dimensions, scramble=True, bits=52, rng=5)
    expected = engine.random(2**15)
    places = np.array([0, 1, 2, 3, 1_000, 32_766, 32_767])
    assert (sobol(5, dimensions, places) == expected[places] + 2.0**-53).all()
    assert (sobol(5, dimensions, np.arange(500)) == expected[:500] + 2.0**-53).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: uniforms(7, "a", [-1]), "`index` must be from 0 to 9223372036854775807; got -1 at row 0"),
        (lambda: uniforms(7, "a", 0.5), "`index` must be whole numbers; got 0.5"),
        (lambda: uniforms(7, "a", 0, 2**32), "`step` must be from 0 to 4294967295; got 4294967296"),
        (lambda: latin_hypercube(7, ("a",), 5, [5]), "`index` must be from 0 to 4; got 5 at row 0"),
        (lambda: latin_hypercube(7, ("a",), 0, [0]), "`size` must be a whole number from 1 to"),
        (lambda: sobol(7, 0, [0]), "`dimensions` must be a whole number from 1 to 21201; got 0"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(nc.TermError) as error:
        call()
    assert message in str(error.value)
