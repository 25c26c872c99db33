"""Blocks of a run: computed from the plan alone, and written so that a file is whole or not there.

A block is one Parquet file for each result and, once all of them are in place, a record with their row counts and
hashes. Only what has a record counts as done; what a killed process leaves behind is overwritten by who comes next.
Records and the manifest are sealed: they carry a hash of what they say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from notecalc.batch.case import Case
from notecalc.batch.results.base import Failed, Inputs, Result
from notecalc.batch.store import Store
from notecalc.errors import NotecalcError, TermError

__all__ = ["Record", "block_range", "file_of", "file_text", "make_block", "record_of", "sealed", "table_of", "unsealed"]

_SEAL = "sealed"
_UNKNOWN = "error"
_MISSING = {"float64": np.nan, "datetime64[D]": np.datetime64("NaT", "D")}


@dataclass(frozen=True)
class Record:
    """What became of a block.

    Parameters
    ----------
    block : int
        Its number.
    rows : dict
        Rows of each result.
    sha256 : dict
        Hash of each result's file.
    size : dict
        Bytes of each result's file.
    tags : dict
        What the place called each result's file when it was written, see `store.Stored`.
    failures : dict
        How many scenarios failed, by result and code.
    examples : dict
        The first failure's text of each result and code.
    kind : str
        The machine and the versions that computed it, see `machine.machine_kind`.
    """

    block: int
    rows: dict[str, int]
    sha256: dict[str, str]
    size: dict[str, int]
    tags: dict[str, str]
    failures: dict[str, dict[str, int]]
    examples: dict[str, dict[str, str]]
    kind: str

    def text(self) -> bytes:
        """Write it, sealed."""
        return sealed(asdict(self))


def sealed(told: Mapping[str, Any]) -> bytes:
    """Write a document with a hash of what it says.

    Examples
    --------
    >>> unsealed(sealed({"block": 3}))
    {'block': 3}
    >>> unsealed(sealed({"block": 3}).replace(b"3", b"4"))
    Traceback (most recent call last):
    ValueError: it is not what was written
    """
    text = json.dumps(told, sort_keys=True)
    return json.dumps({**told, _SEAL: hashlib.sha256(text.encode()).hexdigest()}, sort_keys=True, indent=1).encode()


def unsealed(data: bytes) -> dict[str, Any]:
    """Read a sealed document.

    Raises
    ------
    ValueError
        It isn't one, or it has been changed.
    """
    try:
        told = json.loads(data)
    except ValueError:
        raise ValueError("it is no JSON, or a part of one") from None
    if not isinstance(told, dict):
        raise ValueError("it is no document")  # noqa: TRY004 (one kind of error for whatever the bytes are)
    seal = told.pop(_SEAL, None)
    if seal != hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest():
        raise ValueError("it is not what was written")
    return told


def block_range(case: Case, block: int) -> tuple[int, int]:
    """Give the scenarios of a block, from the first up to the one after the last."""
    start = block * case.block_rows
    return start, min(start + case.block_rows, len(case.plan))


def file_of(result: str, block: int) -> str:
    """Give the path of a result's file in the store."""
    return f"{result}/block-{block:08d}.parquet"


def record_of(block: int) -> str:
    """Give the path of a block's record in the store."""
    return f"blocks/{block:08d}.json"


def make_block(case: Case, store: Store, block: int, kind: str, check: Callable[[], None]) -> Record:
    """Compute a block's results, write them and then the record that makes them count.

    Parameters
    ----------
    check : callable
        Called before each file is written: raises if the run no longer has the place.
    """
    start, stop = block_range(case, block)
    inputs = case.plan.inputs(start, stop)
    record = Record(block, {}, {}, {}, {}, {}, {}, kind)
    for result in case.results:
        data, rows, failures = file_text(case, result, inputs, start)
        check()
        record.tags[result.name] = store.put(file_of(result.name, block), data)
        record.rows[result.name], record.size[result.name] = rows, len(data)
        record.sha256[result.name] = hashlib.sha256(data).hexdigest()
        record.failures[result.name] = {code: len(rows) for code, rows in failures.items()}
        record.examples[result.name] = {code: next(iter(rows.values())) for code, rows in failures.items()}
    check()
    store.put(record_of(block), record.text())
    return record


def file_text(case: Case, result: Result, inputs: Inputs, start: int) -> tuple[bytes, int, dict[str, dict[int, str]]]:
    """Give what a result's file holds of some rows of the plan, how many it has, and what failed as `table_of` does."""
    size = next((values.size for values in inputs.values()), 1)
    table, failures = table_of(
        result, inputs, case.plan.scenario(np.arange(start, start + size)), case.metadata(result)
    )
    return _parquet(table), table.num_rows, failures


def table_of(
    result: Result, inputs: Inputs, scenario: int | npt.NDArray[np.int64], metadata: Mapping[str, Any]
) -> tuple[Any, dict[str, dict[int, str]]]:
    """Give a result's table for some scenarios, numbered so or from the first on, and its failures by code."""
    import pyarrow as pa  # slow to import

    own = {name: values for name, values in inputs.items() if result.reads(name)}
    size = next((values.size for values in inputs.values()), 1)
    columns, failed = _computed(result, own, size)
    rows = result.rows
    places = np.repeat(np.arange(size), rows)
    numbers = np.broadcast_to(scenario + np.arange(size) if np.ndim(scenario) == 0 else scenario, (size,))
    made: dict[str, Any] = {"scenario": numbers[places]}
    made |= {name: _words(result.written(name, values), places) for name, values in own.items()}
    for name, words in result.labels.items():
        made[name] = pa.DictionaryArray.from_arrays(np.tile(np.arange(rows, dtype=np.int32), size), list(words))
    made |= {name: np.ascontiguousarray(columns[name]).reshape(-1) for name in result.columns}
    codes: dict[str, dict[int, str]] = {}
    for place, (code, text) in failed.items():
        codes.setdefault(code, {})[place] = text
    names = ["", *sorted(codes)]
    which = np.zeros(size, dtype=np.int32)
    texts = np.full(size if failed else 0, None, dtype=object)
    for place, (code, text) in failed.items():
        which[place], texts[place] = names.index(code), text
    made["error_code"] = pa.DictionaryArray.from_arrays(which[places], names)
    made["error"] = pa.array(texts[places], type=pa.string()) if failed else pa.nulls(places.size, pa.string())
    fields = [_field(name, values, metadata) for name, values in made.items()]
    schema = pa.schema(fields, metadata={"notecalc": json.dumps(metadata["run"], sort_keys=True)})
    return pa.Table.from_arrays([pa.array(values) for values in made.values()], schema=schema), codes


def _computed(result: Result, inputs: Inputs, size: int) -> tuple[dict[str, npt.NDArray[Any]], Failed]:
    """Compute all scenarios; those that raise are missing, and told apart by halving what is computed at once."""
    shape = (size, result.rows) if result.labels else (size,)
    out = {name: np.full(shape, _MISSING[column.dtype]) for name, column in result.columns.items()}
    failed: Failed = {}
    for name, values in inputs.items():
        if values.dtype.kind in "fM":
            lost = np.flatnonzero(values != values)  # noqa: PLR0124 (NaN and NaT)
            failed |= dict.fromkeys(lost.tolist(), (name, f"`{name}` must be given"))
    waiting = [np.array([row for row in range(size) if row not in failed]) if failed else np.arange(size)]
    while waiting:
        rows = waiting.pop()
        if not rows.size:
            continue
        try:
            found, wrong = result.outcome({name: values[rows] for name, values in inputs.items()}, rows.size)
        except NotecalcError as error:
            named = _named(error, rows.size)
            if rows.size == 1:
                failed[int(rows[0])] = _code(error), str(error)
            elif isinstance(error, TermError) and len(named) == rows.size:
                # All of them break one rule; what each had stands beside it in the input's column.
                failed |= dict.fromkeys(rows.tolist(), (_code(error), f"`{error.name}` must be {error.rule}"))
            else:
                named = named or [*range(rows.size // 2)]
                waiting += [rows[named], np.delete(rows, named)]
            continue
        failed |= {int(rows[row]): told for row, told in wrong.items()}
        for name, values in found.items():
            if rows.size == size:
                out[name] = np.broadcast_to(values, shape).astype(out[name].dtype, copy=False)
            else:
                out[name][rows] = values
    return out, failed


def _named(error: NotecalcError, size: int) -> list[int]:
    """Give the rows that an error names; none if they are not all of what was computed."""
    told = getattr(error, "rows", None) or [getattr(error, "row", None)]
    rows = sorted({row for row in told if row is not None})
    return rows if rows and rows[-1] < size else []


def _code(error: NotecalcError) -> str:
    return error.name if isinstance(error, TermError) else _UNKNOWN


def _words(values: npt.NDArray[Any], places: npt.NDArray[np.int64]) -> Any:
    """Give an input's column; words as a dictionary."""
    import pyarrow as pa

    if values.dtype.kind not in "OU":
        return values[places]
    words, which = np.unique(values.astype(str), return_inverse=True)
    return pa.DictionaryArray.from_arrays(which.astype(np.int32)[places], words.tolist())


def _field(name: str, values: Any, metadata: Mapping[str, Any]) -> Any:
    import pyarrow as pa

    told = metadata["columns"].get(name, {})
    kind = values.type if isinstance(values, pa.Array) else pa.array(values[:1]).type
    return pa.field(name, kind, nullable=name != "scenario", metadata=told)


def _parquet(table: Any) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    # Zstandard at its lowest level costs less than writing what it saves. Words are dictionaries already; floats differ
    # from row to row too much for one to pay.
    words = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
    # Scenarios rise by one from row to row: so told they take next to nothing, a fifth of what all takes to write.
    rising = {"scenario": "DELTA_BINARY_PACKED"}
    pq.write_table(
        table, sink, compression="zstd", compression_level=1, use_dictionary=words, column_encoding=rising,
        write_statistics=True, row_group_size=1 << 20,
    )  # fmt: skip
    return cast(bytes, sink.getvalue().to_pybytes())
