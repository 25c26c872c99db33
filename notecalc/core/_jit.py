"""How kernels are compiled on first use, cached on disk and spread over threads; knows nothing of what they compute.

Importing this module does not import numba: that takes longer than most single calls. Compiled code is kept in
``NOTECALC_CACHE_DIR`` (by default ``notecalc`` in the user's cache folder), in a folder named by a hash of all that it
was made from. ``NOTECALC_THREADS`` says how many threads a call may use.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import logging
import operator
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from notecalc.errors import TermError

__all__ = ["BLOCK", "Kernel", "at_least_one", "cache_folder", "kernel", "thread_count"]

BLOCK = 131_072  # rows that a kernel works on at once: a megabyte a column, and a millisecond at most
_THREADS_PAY_FROM = 4 * BLOCK
_SLOW = 3.0  # seconds of compilation after which it says so
_PACKAGE = Path(__file__).parents[1]

_log = logging.getLogger("notecalc")
_log.addHandler(logging.NullHandler())  # silent unless a program asks


class Kernel:
    """A loop over flat arrays: compiled by numba when first called, plain Python as `py_func`.

    A kernel raises nothing and prints nothing; it fills its last arguments and returns what its caller needs to raise.
    It releases the GIL. With ``NUMBA_DISABLE_JIT=1`` it runs as Python.

    Parameters
    ----------
    body : callable
        The loop.
    reads : sequence of str
        Element types of the arrays that it reads row by row. They may be read-only, as those from pandas often are.
    writes : str or sequence of str
        Element types of its last arguments, the arrays that it fills.
    calls : sequence of callable
        Plain functions that the body calls.
    tables : sequence of str
        Element types of its first arguments, arrays of any length that every row may look into.
    lanes : bool, int
        Whether it works on vectors, and so takes a number of their kind before all else, which is handed to it; if
        so, how many lanes, True standing for `_vectors.lane_count`. See `_vectors`.
    block : int
        Rows that it works on at once when spread.
    """

    def __init__(
        self,
        body: Callable[..., Any],
        reads: Sequence[str],
        writes: str | Sequence[str],
        calls: Sequence[Callable[..., Any]] = (),
        tables: Sequence[str] = (),
        *,
        lanes: bool | int = False,
        block: int = BLOCK,
    ) -> None:
        self.py_func, self._lanes, self._block = body, lanes, block
        self._reads, self._calls, self._tables = tuple(reads), tuple(calls), tuple(tables)
        self._writes = (writes,) if isinstance(writes, str) else tuple(writes)

    @property
    def lanes(self) -> int:
        """How many rows its vectors hold; as Python, one."""
        return int(getattr(cast(Any, self._compiled).args[0], "lanes", 1)) if self._lanes else 1

    def __call__(self, *args: Any) -> Any:
        """Run it once over all rows, in this thread."""
        return self._compiled(*args)

    def spread(self, *args: Any, threads: int | None = None) -> list[Any]:
        """Run it block by block in threads, and give what it returned for each block.

        Blocks depend on the number of rows alone, so that results are the same to the last bit for any number of
        threads. Nothing is copied.

        Parameters
        ----------
        *args : arrays
            As for a call: tables, then arrays of one length.
        threads : int, optional
            See `thread_count`.

        Raises
        ------
        TermError
            `threads` is no number of threads.
        """
        tables, columns = args[: len(self._tables)], args[len(self._tables) :]
        rows = len(columns[-1])
        count = thread_count(threads, rows * (BLOCK // self._block))
        run = self._compiled
        starts = range(0, rows, self._block)
        results: list[Any] = [None] * len(starts)
        waiting = iter(range(len(starts)))  # each thread takes the next: a slow one takes fewer

        def work() -> None:
            for block in waiting:
                part = slice(starts[block], starts[block] + self._block)
                results[block] = run(*tables, *(column[part] for column in columns))

        if count == 1:
            work()
        else:
            _in_threads(work, min(count, len(starts)))
        return results

    @functools.cached_property
    def _compiled(self) -> Callable[..., Any]:
        with _shared.lock:
            made = vars(self).get("_compiled")  # by a thread that was here first
            return cast(Callable[..., Any], made) if made is not None else self._compile()

    def _compile(self) -> Callable[..., Any]:
        import numba  # slow to import, and most calls need no kernel
        from numba.extending import register_jitable

        config: Any = numba.config
        like, before = (), ()
        if self._lanes:
            like, before = self._like(compiled=not config.DISABLE_JIT)
        # Python never calls them: to make no wrappers for it saves a fifth of the time.
        # Functions of vectors make no arrays, and need not count who holds one: they would, a thousand times a row.
        counting = {"_nrt": False} if self._lanes else {}
        inner = register_jitable(no_cpython_wrapper=True, no_cfunc_wrapper=True, **counting)
        for function in self._calls:
            inner(function)
        # One signature: else each mixture of read-only and writable arrays would be compiled anew.
        read = [_array(name, readonly=True) for name in (*self._tables, *self._reads)]
        signature = (*before, *read, *(_array(name) for name in self._writes))
        # A division by zero gives infinity, as in numpy: to test each divisor, a loop would take row by row.
        compile_for = functools.partial(numba.njit, signature, nogil=True, error_model="numpy")
        folder = None if config.DISABLE_JIT else cache_folder(self.py_func, *self._calls)
        telling = _telling(f"compiling {self.py_func.__qualname__}; {_kept(folder)}")
        with telling, _compiled_once({function.__qualname__ for function in self._calls} - {self.py_func.__qualname__}):
            if folder is not None:
                # No cache at all for what stands in no file, as typed into an interpreter.
                with _numba_cache(folder), contextlib.suppress(RuntimeError):
                    return _handing(like, compile_for(cache=True)(self.py_func))
            return _handing(like, compile_for()(self.py_func))

    def _like(self, *, compiled: bool) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Give the number of their kind that a kernel of vectors is handed, and its type."""
        if not compiled:
            return (0.0,), ()
        from notecalc.core._vector_code import Kind
        from notecalc.core._vectors import LaneKind, lane_count

        lanes = lane_count() if self._lanes is True else self._lanes
        return (LaneKind(lanes),), (Kind(lanes),)


def kernel(
    *,
    reads: Sequence[str],
    writes: str | Sequence[str],
    calls: Sequence[Callable[..., Any]] = (),
    tables: Sequence[str] = (),
    lanes: bool | int = False,
    block: int = BLOCK,
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
    return lambda body: Kernel(body, reads, writes, calls, tables, lanes=lanes, block=block)


def thread_count(threads: int | None, rows: int) -> int:
    """Give the number of threads for an array: as asked for, or by ``NOTECALC_THREADS``, or one for each core.

    Parameters
    ----------
    threads : int or None
        What the caller of a public function asked for; None if nothing.
    rows : int
        Length of the array. Unless threads were asked for, short arrays get one.

    Raises
    ------
    TermError
        `threads` or ``NOTECALC_THREADS`` is no whole number of at least 1.

    Examples
    --------
    >>> thread_count(3, 10_000_000), thread_count(None, 1_000)
    (3, 1)
    """
    if threads is not None:
        return at_least_one("threads", threads)
    asked = os.environ.get("NOTECALC_THREADS", "").strip()
    most = at_least_one("NOTECALC_THREADS", int(asked) if asked.isdecimal() else asked) if asked else _cores()
    return most if rows >= _THREADS_PAY_FROM else 1


def cache_folder(*functions: Callable[..., Any]) -> Path | None:
    """Give the folder for compiled code, made if need be; None, said once in the log, where none can be written to.

    Its name carries a hash of all sources of ``notecalc.core``, those of the functions and of the versions of numba,
    numpy and notecalc: a kernel has what it calls and the constants that it sees compiled in, from whichever file.

    Parameters
    ----------
    *functions : callable
        Functions whose files count too.
    """
    try:
        folder = _cache_root() / f"kernels-{_fingerprint(functions)}"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        if not _shared.told:
            _shared.told = True
            _log.warning(
                "kernels are compiled anew in each process: no cache can be written (%s). "
                "Name a folder for it in NOTECALC_CACHE_DIR",
                error,
            )
        return None


def _cache_root() -> Path:
    own = os.environ.get("NOTECALC_CACHE_DIR")
    if own:
        return Path(own)
    users = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else None)
    return (Path(users) if users else Path.home() / ".cache") / "notecalc"


def _fingerprint(functions: Iterable[Callable[..., Any]]) -> str:
    import numba
    import numpy as np

    sources = {*(_PACKAGE / "core").rglob("*.py"), _PACKAGE / "versions.py"}
    with contextlib.suppress(TypeError):  # a builtin has no file
        sources |= {Path(inspect.getfile(function)) for function in functions}
    digest = hashlib.sha256(f"numba {numba.__version__}, numpy {np.__version__}".encode())
    for source in sorted(sources):
        digest.update(str(source.name).encode())
        digest.update(source.read_bytes() if source.is_file() else b"")
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def _numba_cache(folder: Path) -> Iterator[None]:
    """Have numba keep what it compiles in a folder, for as long as this lasts: others' kernels stay where they are."""
    import numba

    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        config.CACHE_DIR = before


@contextlib.contextmanager
def _compiled_once(parts: set[str]) -> Iterator[None]:
    """Have functions that only a kernel calls optimised and made machine code once, as part of it.

    Left alone, numba does so for each function with all that it calls in turn, and again in whatever calls it: of a
    kernel in forty functions, whose own code alone is ever run, that is half of the time. It has no option for
    this, so its code library is told to stop at linking them, in this thread and for as long as this lasts. Where numba
    looks otherwise than it did, it compiles as it would.
    """
    library, machine = _inside_of_numba()
    if library is None:
        yield
        return
    finalize, set_env = library.finalize, machine.set_env
    thread, kept_back, later = threading.get_ident(), set[str](), dict[str, tuple[Any, Any]]()

    def link_only(made: Any) -> None:
        if threading.get_ident() != thread or made.name not in parts:
            finalize(made)
            return
        for other in dict.fromkeys(made._linking_libraries):  # noqa: SLF001 (there is no other way)
            made._reload_init.update(other._reload_init)  # noqa: SLF001
            made._final_module.link_in(other._get_module_for_linking(), preserve=True)  # noqa: SLF001
        kept_back.update(found.name for found in made._final_module.global_variables)  # noqa: SLF001
        made._finalized = True  # noqa: SLF001

    def set_when_there(of: Any, name: str, env: Any) -> None:
        # What a function's errors would look into has an address only once the kernel has one.
        if threading.get_ident() == thread and name in kept_back:
            later[name] = of, env
        else:
            set_env(of, name, env)

    library.finalize, machine.set_env = link_only, set_when_there
    try:
        yield
    finally:
        library.finalize, machine.set_env = finalize, set_env
        for name, (of, env) in later.items():
            if of._engine.is_symbol_defined(name):  # noqa: SLF001
                set_env(of, name, env)


def _inside_of_numba() -> tuple[Any, Any]:
    """Give numba's classes of code libraries and of what makes machine code; None where they lack what is needed."""
    try:
        from numba.core import codegen

        library, machine = codegen.JITCodeLibrary, codegen.JITCPUCodegen
        inside = [(library, "finalize"), (library, "_get_module_for_linking"), (machine, "set_env")]
        for of, name in (*inside, (codegen.JitEngine, "is_symbol_defined")):
            getattr(of, name)
    except (ImportError, AttributeError):
        return None, None
    return library, machine


@contextlib.contextmanager
def _telling(what: str) -> Iterator[None]:
    """Say in the log what is being done if it takes long."""
    timer = threading.Timer(_SLOW, _log.info, (what,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _kept(folder: Path | None) -> str:
    return "it will not be kept" if folder is None else f"it will be kept in {folder}"


def _array(name: str, *, readonly: bool = False) -> Any:
    from numba import types

    return types.Array(getattr(types, name), 1, "C", readonly=readonly)


def _handing(like: tuple[Any, ...], made: Callable[..., Any]) -> Callable[..., Any]:
    """Hand a function the number of their kind, if it works on vectors."""
    return functools.partial(made, *like) if like else made


def at_least_one(name: str, given: Any) -> int:
    """Read a count by the name of its argument: of threads, or of what else works side by side."""
    with contextlib.suppress(TypeError):
        count = operator.index(given)
        if count >= 1 and not isinstance(given, bool):
            return count
    raise TermError(name, rule="a whole number of at least 1", got=given)


def _cores() -> int:
    """Give the cores that this process may use, which in a container are often fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Shared:
    """What all kernels of a process share; a forked child has no threads but its own, and begins anew."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.pool: ThreadPoolExecutor | None = None
        self.told = False

    def threads(self) -> ThreadPoolExecutor:
        with self.lock:
            if self.pool is None:  # it starts threads only as they are needed
                self.pool = ThreadPoolExecutor(max(32, 2 * _cores()), thread_name_prefix="notecalc")
            return self.pool

    def begin_anew(self) -> None:
        self.lock, self.pool = threading.RLock(), None


_shared = _Shared()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_shared.begin_anew)


def _in_threads(work: Callable[[], None], count: int) -> None:
    """Run the same work in this thread and others; it ends when there is none left, wherever it began."""
    helpers: list[Future[None]] = []
    with contextlib.suppress(RuntimeError):  # the interpreter is ending and starts no more: this thread does it all
        pool = _shared.threads()
        helpers.extend(pool.submit(work) for _ in range(count - 1))
    try:
        work()
    finally:
        for helper in helpers:
            helper.cancel()  # not begun, and nothing left to do
    for helper in helpers:
        if not helper.cancelled():
            helper.result()
