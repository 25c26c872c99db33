"""Draws that know their place: each is a function of seed, stream and index, whoever asks for it and in whatever order.

So any part of a run can be computed alone, twice or on another machine, and gets the same numbers. Uniform numbers come
from Philox (Salmon et al., 2011), normal ones by inverting their distribution function, strata of a Latin hypercube
from a keyed permutation that needs no memory (a Feistel network that walks its cycles: Black and Rogaway, 2002; of few
strata, of which such a network can't reach all orders alike, a keyed sort), Sobol points from scipy's scrambled
direction numbers, looked up by index.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any, cast

import numpy as np

from notecalc.core._jit import kernel
from notecalc.core.arrays import FloatArray, IntArray
from notecalc.errors import TermError

__all__ = ["latin_hypercube", "normals", "sobol", "uniforms"]

_U64 = np.uint64
_LOW = np.uint64(0xFFFF_FFFF)
_SHIFT = np.uint64(32)
_SOBOL_BITS = 52  # and half a step more, which a double holds exactly, so that no point is 0 or 1
_FEISTEL_ROUNDS = 8
_FEW = 4096  # strata that are sorted


def uniforms(seed: int, stream: str, index: Any, step: Any = 0) -> FloatArray:
    """Draw numbers that are uniform on the open interval (0, 1), each by its place.

    Parameters
    ----------
    seed : int
        Any whole number.
    stream : str
        What is drawn, such as ``"stock_price"``; streams are independent of each other.
    index, step : int-like
        Place of a draw, such as its scenario (0 to 2^63 - 1) and its point on a path (0 to 2^32 - 1). They broadcast.

    Returns
    -------
    array
        Odd multiples of 2^-53, in the shape of index and step together.

    Raises
    ------
    TermError
        A place that is no such number.

    References
    ----------
    Salmon, Moraes, Dror and Shaw (2011), Parallel random numbers: as easy as 1, 2, 3. Philox 4x32 with 10 rounds.

    Examples
    --------
    >>> part = uniforms(7, "stock_price", np.arange(5, 10))
    >>> bool((part == uniforms(7, "stock_price", np.arange(10))[5:]).all())
    True
    """
    places = _integers("index", index, 2**63), _integers("step", step, 2**32)
    shape = np.broadcast_shapes(*(part.shape for part in places))
    out = np.empty(shape)
    flat = (np.ascontiguousarray(np.broadcast_to(part, shape)).reshape(-1) for part in places)
    _fill_uniforms.spread(_key(seed, stream), *flat, out.reshape(-1))
    return out


def normals(seed: int, stream: str, index: Any, step: Any = 0) -> FloatArray:
    """Draw standard normal numbers, each by its place: `uniforms` under the inverse of their distribution function.

    Examples
    --------
    >>> draws = normals(7, "stock_price", np.arange(100_000))
    >>> bool(abs(draws.mean()) < 0.01 and abs(draws.std() - 1) < 0.01)
    True
    """
    from scipy.special import ndtri  # slow to import

    return cast(FloatArray, ndtri(uniforms(seed, stream, index, step)))


def latin_hypercube(seed: int, streams: tuple[str, ...], size: int, index: Any) -> FloatArray:
    """Points of a Latin hypercube by index: in each dimension every stratum 1/size wide holds exactly one of all.

    Parameters
    ----------
    seed : int
        Any whole number.
    streams : tuple of str
        Name of each dimension.
    size : int
        Points of the whole hypercube.
    index : int-like
        Which of them, from 0 to size - 1.

    Returns
    -------
    array
        One row for each index and one column for each stream, inside (0, 1).

    References
    ----------
    McKay, Beckman and Conover (1979); Black and Rogaway (2002), Ciphers with arbitrary finite domains.

    Examples
    --------
    >>> points = latin_hypercube(7, ("a", "b"), 5, np.arange(5))
    >>> np.sort(np.floor(5 * points), axis=0).T.tolist()
    [[0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 2.0, 3.0, 4.0]]
    """
    places = _integers("index", index, _whole("size", size, 2**62))
    columns = []
    for stream in streams:
        if size <= _FEW:
            strata = np.argsort(uniforms(seed, f"{stream}/stratum", np.arange(size)), kind="stable")[places]
        else:
            strata = np.empty(places.shape, dtype=np.int64)
            keys = np.array([_key(seed, f"{stream}/stratum/{k}")[0] for k in range(_FEISTEL_ROUNDS)], dtype=np.uint64)
            _permute.spread(keys, np.array([size], dtype=np.int64), places, strata)
        columns.append((strata + uniforms(seed, f"{stream}/within", places)) / size)
    # The sum may round up to the next stratum's edge, and the last one's is 1.
    return np.minimum(np.stack(columns, axis=-1), np.nextafter(1.0, 0.0))


def sobol(seed: int, dimensions: int, index: Any) -> FloatArray:
    """Points of a scrambled Sobol sequence by index.

    Parameters
    ----------
    seed : int
        Of the scrambling.
    dimensions : int
        Up to 21,201.
    index : int-like
        Which points, from 0 to 2^52 - 1.

    Returns
    -------
    array
        One row for each index, inside (0, 1): scipy's points, half a step of 2^-52 further.

    References
    ----------
    Joe and Kuo (2008); scrambled after Matousek (1998), as `scipy.stats.qmc.Sobol` does.

    Examples
    --------
    >>> sobol(7, 2, np.arange(4)).shape
    (4, 2)
    """
    places = _integers("index", index, 2**_SOBOL_BITS)
    # What scrambles takes no negative number: two's complement.
    directions, shift = _scrambled(int(seed) % 2**128, _whole("dimensions", dimensions, 21_202))
    out = np.empty((dimensions, places.size))
    for row, numbers, start in zip(out, directions, shift, strict=True):
        _fill_sobol.spread(numbers, np.array([start]), places, row)
    return np.ascontiguousarray(out.T)


def _key(seed: int, stream: str) -> Any:
    """Give the key of a stream: two words of 32 bits in one of 64."""
    digest = hashlib.blake2b(f"{int(seed)}/{stream}".encode(), digest_size=8).digest()
    return np.array([int.from_bytes(digest, "little")], dtype=np.uint64)


@functools.lru_cache(maxsize=8)
def _scrambled(seed: int, dimensions: int) -> tuple[Any, Any]:
    from scipy.stats import qmc  # slow to import

    engine: Any = qmc.Sobol(dimensions, scramble=True, bits=_SOBOL_BITS, rng=seed)
    # scipy has no public way to a point by index. The tests hold these two against its public points.
    return np.ascontiguousarray(engine._sv, dtype=np.uint64), np.array(engine._shift, dtype=np.uint64)  # noqa: SLF001


def _whole(name: str, value: Any, end: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value < end:
        raise TermError(name, rule=f"a whole number from 1 to {end - 1}", got=value)
    return int(value)


def _integers(name: str, values: Any, end: int) -> IntArray:
    numbers = np.asarray(values)
    if numbers.dtype.kind not in "iu":
        raise TermError(name, rule="whole numbers", got=values)
    bad = (numbers < 0) | (numbers >= end) if end < 2**63 else numbers < 0
    if bad.any():
        row = int(np.flatnonzero(bad.reshape(-1))[0])
        got = int(numbers.reshape(-1)[row])
        raise TermError(name, rule=f"from 0 to {end - 1}", got=got, row=row if numbers.ndim else None)
    return numbers.astype(np.int64)


def _philox(index: Any, step: Any, key: Any) -> tuple[Any, Any]:
    """Give the first two of the four words of Philox 4x32-10 at the counter (index, step, 0)."""
    a, b, c, d = _U64(index) & _LOW, _U64(index) >> _SHIFT, _U64(step), _U64(0)
    k, m = key & _LOW, key >> _SHIFT
    for _ in range(10):
        # Words of 32 bits in 64: nothing overflows.
        p, q = _U64(0xD251_1F53) * a, _U64(0xCD9E_8D57) * c
        a, b, c, d = (q >> _SHIFT) ^ b ^ k, q & _LOW, (p >> _SHIFT) ^ d ^ m, p & _LOW
        k, m = (k + _U64(0x9E37_79B9)) & _LOW, (m + _U64(0xBB67_AE85)) & _LOW
    return a, b


@kernel(reads=["int64", "int64"], writes="float64", tables=["uint64"], calls=[_philox])
def _fill_uniforms(key, index, step, out):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        a, b = _philox(index[i], step[i], key[0])
        # 52 bits and half a step of them: exact, and neither 0 nor 1.
        out[i] = (np.float64((a >> _U64(6)) * _U64(1 << 26) + (b >> _U64(6))) + 0.5) * 2.0**-52


def _mixed(half: Any, key: Any) -> Any:
    """Mix half of a number, below 2^31, with a round's key: two rounds of multiply and fold, as in Philox 2x32."""
    product = _U64(0xD251_1F53) * (half ^ (key & _LOW))
    product = _U64(0xCD9E_8D57) * ((product >> _SHIFT) ^ (product & _LOW) ^ (key >> _SHIFT))
    return (product >> _SHIFT) ^ (product & _LOW)


@kernel(reads=["int64"], writes="int64", tables=["uint64", "int64"], calls=[_mixed])
def _permute(keys, size, index, out):  # type: ignore[no-untyped-def]
    # Halves of equal bits that hold every number below the size; what leaves the domain walks on until it is back.
    bits = _U64(1)
    while (np.int64(1) << np.int64(_U64(2) * bits)) < size[0]:
        bits += _U64(1)
    mask = (_U64(1) << bits) - _U64(1)
    for i in range(out.size):
        at = _U64(index[i])
        inside = False
        while not inside:
            left, right = at >> bits, at & mask
            for key in keys:
                left, right = right, left ^ (_mixed(right, key) & mask)
            at = (left << bits) | right
            inside = np.int64(at) < size[0]
        out[i] = np.int64(at)


@kernel(reads=["int64"], writes="float64", tables=["uint64", "uint64"])
def _fill_sobol(directions, shift, index, out):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        bits, place = shift[0], 0
        gray = index[i] ^ (index[i] >> 1)
        while gray:
            if gray & 1:
                bits ^= directions[place]
            gray >>= 1
            place += 1
        out[i] = (np.float64(bits) + 0.5) * 2.0**-52
