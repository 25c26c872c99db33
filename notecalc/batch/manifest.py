"""What a run says of itself: `run.json` when it begins, `manifest.json` when all of it is there."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from notecalc.batch.blocks import Record, block_range, file_of, record_of
from notecalc.batch.case import Case
from notecalc.batch.failpoints import reach
from notecalc.batch.store import Store
from notecalc.errors import NotecalcError
from notecalc.versions import versions

__all__ = ["MANIFEST", "RUN", "RunError", "begin", "finish", "read_records", "verify"]

RUN, MANIFEST = "run.json", "manifest.json"


class RunError(NotecalcError):
    """A run can't begin, go on or be trusted."""


def begin(case: Case, store: Store, kind: str, *, resume: bool, allow_mixed: bool) -> None:
    """Say what is run, or hold it against what was run here before.

    Raises
    ------
    RunError
        There is a run and it is not to be resumed; it had other inputs; it ran on another kind of machine.
    """
    began = store.size(RUN) is not None
    if began and not resume:
        raise RunError("there is a run here already; resume it (--resume), or write elsewhere")
    if not began:
        if any(store.list(result.name) for result in case.results) or store.list("blocks"):
            raise RunError("there are files here, but no run.json that says what they are; write elsewhere")
        told = {"input_hash": case.input_hash, "kind": kind, "versions": versions(), "blocks": case.blocks}
        told |= {"scenarios": len(case.plan), "block_rows": case.block_rows, "inputs": case.inputs}
        store.put(RUN, json.dumps(told, sort_keys=True, indent=1).encode())
        return
    told = _read(store, RUN)
    if told["input_hash"] != case.input_hash:
        changed = ", ".join(_changed(told["inputs"], case.inputs)) or "the version of the file"
        raise RunError(f"the inputs are not those of the run that began here; changed: {changed}")
    if told["kind"] != kind and not allow_mixed:
        raise RunError(
            f"the run began on another kind of machine; its numbers may differ in their last digits (--allow-mixed "
            f"accepts that). Then: {told['kind']}. Now: {kind}"
        )


def read_records(case: Case, store: Store) -> dict[int, Record]:
    """Give the records of the blocks that are done: those whose files are, to the last bit, what was written."""
    done = {}
    for path in store.list("blocks"):
        try:
            record = Record(**_read(store, path))
        except (RunError, TypeError):  # it isn't what was written; its block is computed again
            continue
        hashes = {file_of(result.name, record.block): record.sha256.get(result.name) for result in case.results}
        if record_of(record.block) == path and all(_hash(store, file) == each for file, each in hashes.items()):
            done[record.block] = record
    return done


def finish(case: Case, store: Store, records: Mapping[int, Record]) -> dict[str, Any]:
    """Write the manifest: what each file holds, what failed, and a hash of all results together."""
    ordered = [records[block] for block in range(case.blocks)]
    whole = hashlib.sha256("".join(record.sha256[r.name] for record in ordered for r in case.results).encode())
    told = {
        "input_hash": case.input_hash,
        "result_hash": whole.hexdigest(),
        "kinds": sorted({record.kind for record in ordered}),
        "versions": versions(),
        "seed": case.given.get("seed"),
        "scenarios": len(case.plan),
        "rows": {result.name: sum(record.rows[result.name] for record in ordered) for result in case.results},
        "failures": failures(case, ordered),
        "blocks": [
            {"block": record.block, "rows": record.rows, "sha256": record.sha256, "size": record.size}
            for record in ordered
        ],
    }
    reach("manifest")
    store.put(MANIFEST, json.dumps(told, sort_keys=True, indent=1).encode())
    return told


def failures(case: Case, records: Iterable[Record]) -> dict[str, dict[str, dict[str, Any]]]:
    """Count the scenarios that failed, by result and code, with the first text of each."""
    counts: dict[str, Counter[str]] = {result.name: Counter() for result in case.results}
    texts: dict[tuple[str, str], str] = {}
    for record in records:
        for name, found in record.failures.items():
            counts[name].update(found)
            for code, text in record.examples[name].items():
                texts.setdefault((name, code), text)
    return {
        name: {code: {"scenarios": count, "first": texts[name, code]} for code, count in sorted(found.items())}
        for name, found in counts.items()
        if found
    }


def verify(case: Case, store: Store) -> list[str]:
    """Read all of a run again and say what is wrong with it, file by file; nothing if all is well."""
    if store.size(MANIFEST) is None:
        return [f"{MANIFEST} is missing: the run is not finished"]
    told = _read(store, MANIFEST)
    wrong = [] if told["input_hash"] == case.input_hash else ["the inputs are not those of the run"]
    known = {entry["block"]: entry for entry in told["blocks"]}
    wrong += [f"block {block} is not in {MANIFEST}" for block in range(case.blocks) if block not in known]
    for block, entry in known.items():
        start, stop = block_range(case, block)
        for result in case.results:
            path = file_of(result.name, block)
            found = _hash(store, path)
            if found is None:
                wrong.append(f"{path} is missing")
            elif found != entry["sha256"][result.name]:
                wrong.append(f"{path} is not what was written")
            elif entry["rows"][result.name] != (stop - start) * result.rows:
                wrong.append(f"{path} has {entry['rows'][result.name]} rows of {(stop - start) * result.rows}")
    for result in case.results:
        extra = set(store.list(result.name)) - {file_of(result.name, block) for block in range(case.blocks)}
        wrong += [f"{path} belongs to no block" for path in sorted(extra)]
    return wrong


def _hash(store: Store, path: str) -> str | None:
    return None if store.size(path) is None else hashlib.sha256(store.get(path)).hexdigest()


def _read(store: Store, path: str) -> dict[str, Any]:
    try:
        read = json.loads(store.get(path))
    except ValueError as error:
        raise RunError(f"{path} can't be understood ({error}); the run can't be resumed") from None
    if not isinstance(read, dict):
        raise RunError(f"{path} can't be understood; the run can't be resumed")
    return read


def _changed(before: Any, now: Any, path: str = "") -> list[str]:
    """Give the keys under which two documents differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = dict.fromkeys([*before, *now])
        return [part for key in keys for part in _changed(before.get(key), now.get(key), f"{path}.{key}".strip("."))]
    return [] if before == now else [path]
