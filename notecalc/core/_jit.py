"""How kernels are compiled, on first use and cached on disk; knows nothing of what they compute.

Importing this module does not import numba: that takes longer than most single calls.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

__all__ = ["Kernel", "kernel"]


class Kernel:
    """A loop over flat arrays: compiled by numba when first called, plain Python as `py_func`.

    A kernel raises nothing and prints nothing; it fills its last argument and returns what its caller needs to raise.
    It releases the GIL. With ``NUMBA_DISABLE_JIT=1`` it runs as Python. Numba's cache notices a change in the kernel's
    own file only, so whatever a kernel calls stands in that file.

    Parameters
    ----------
    body : callable
        The loop.
    reads : sequence of str
        Element types of the arrays that it reads. They may be read-only, as those from pandas often are.
    writes : str
        Element type of its last argument, the array that it fills.
    calls : sequence of callable
        Plain functions that the body calls.
    """

    def __init__(
        self, body: Callable[..., Any], reads: Sequence[str], writes: str, calls: Sequence[Callable[..., Any]]
    ) -> None:
        self.py_func = body
        self._reads, self._writes, self._calls = tuple(reads), writes, tuple(calls)

    def __call__(self, *args: Any) -> Any:
        return self._compiled(*args)

    @functools.cached_property
    def _compiled(self) -> Callable[..., Any]:
        import numba  # slow to import, and most calls need no kernel
        from numba.extending import register_jitable

        for function in self._calls:
            register_jitable(function)
        # One signature: else each mixture of read-only and writable arrays would be compiled anew.
        arrays = [numba.types.Array(getattr(numba.types, name), 1, "C", readonly=True) for name in self._reads]
        signature = (*arrays, numba.types.Array(getattr(numba.types, self._writes), 1, "C"))
        compile_for = functools.partial(numba.njit, signature, nogil=True)
        try:
            compiled = compile_for(cache=True)(self.py_func)
        except RuntimeError:  # there is no folder to write a cache to
            compiled = compile_for()(self.py_func)
        return cast(Callable[..., Any], compiled)


def kernel(
    *, reads: Sequence[str], writes: str, calls: Sequence[Callable[..., Any]] = ()
) -> Callable[[Callable[..., Any]], Kernel]:
    """Compile a loop when it is first called; see `Kernel`.

    Examples
    --------
    >>> import numpy as np
    >>> @kernel(reads=["float64"], writes="float64")
    ... def double(values, out):
    ...     for i in range(values.size):
    ...         out[i] = 2 * values[i]
    >>> out = np.zeros(2)
    >>> double.py_func(np.array([1.0, 2.0]), out)
    >>> out
    array([2., 4.])
    """
    return lambda body: Kernel(body, reads, writes, calls)
