"""What a run says of itself: `run.json` when it begins, `manifest.json` when all of it is there.

A run that goes on reads the records of its blocks, and of their files only what the place says of them: a file of the
size and the tag (see `store.Stored`) that it had when it was written is trusted; one with another tag, or at a place
that has no tags, is read and must have the hash that was written. `verify` trusts nothing and reads everything.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from notecalc.batch.blocks import Record, block_range, file_of, record_of, sealed, unsealed
from notecalc.batch.case import Case
from notecalc.batch.failpoints import reach
from notecalc.batch.store import Store, Stored
from notecalc.errors import NotecalcError
from notecalc.versions import versions

__all__ = [
    "MANIFEST",
    "RUN",
    "SUMMARY",
    "RunError",
    "begin",
    "finish",
    "kept_summary",
    "read_beginning",
    "read_manifest",
    "read_records",
    "sha256",
    "verify",
]

RUN, MANIFEST, SUMMARY = "run.json", "manifest.json", "summary.parquet"


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
        if any(store.files(result.name) for result in case.results) or store.files("blocks"):
            raise RunError("there are files here, but no run.json that says what they are; write elsewhere")
        told = {"input_hash": case.input_hash, "kind": kind, "versions": versions(), "blocks": case.blocks}
        told |= {
            "scenarios": len(case.plan) // case.plan.notes,
            "notes": case.plan.notes,
            "block_rows": case.block_rows,
            "inputs": case.inputs,
        }
        store.put(RUN, sealed(told))
        return
    told = read_beginning(store)
    if told["input_hash"] != case.input_hash:
        changed = ", ".join(_changed(told["inputs"], case.inputs)) or "the version of the file"
        raise RunError(f"the inputs are not those of the run that began here; changed: {changed}")
    if told["kind"] != kind and not allow_mixed:
        raise RunError(
            f"the run began on another kind of machine; its numbers may differ in their last digits (--allow-mixed "
            f"accepts that). Then: {told['kind']}. Now: {kind}"
        )
    if told["inputs"] != case.inputs:  # its title or its summaries
        store.put(RUN, sealed(told | {"inputs": case.inputs}))


def read_records(case: Case, store: Store) -> dict[int, Record]:
    """Give the records of the blocks that are done: those whose files are what was written, as far as is looked at."""
    there = {path: found for result in case.results for path, found in store.files(result.name).items()}
    done = {}
    for path in store.files("blocks"):
        record = _record(store, path)  # if there is none, its block is computed again
        if record is not None and all(_as_written(store, record, result.name, there) for result in case.results):
            done[record.block] = record
    return done


def _record(store: Store, path: str) -> Record | None:
    """Read a record; None if it isn't what was written there."""
    try:
        record = Record(**unsealed(store.get(path)))
        same = record_of(record.block) == path
    except (ValueError, TypeError):
        return None
    return record if same else None


def _as_written(store: Store, record: Record, name: str, there: Mapping[str, Stored]) -> bool:
    path = file_of(name, record.block)
    found = there.get(path)
    try:
        if found is None or found.size != record.size[name]:
            return False
        return found.tag == record.tags[name] != "" or sha256(store.get(path)) == record.sha256[name]
    except (KeyError, TypeError):  # it says nothing of this result
        return False


def finish(case: Case, store: Store, records: Mapping[int, Record], *, summary: str | None) -> dict[str, Any]:
    """Write the manifest: what each file holds, what failed, and a hash of all results together.

    Parameters
    ----------
    summary : str or None
        Hash of the summary's file, if there is one.
    """
    ordered = [records[block] for block in range(case.blocks)]
    blocks = [_entry(record) for record in ordered]
    told = {
        "input_hash": case.input_hash,
        "result_hash": _result_hash(case, blocks),
        "kinds": sorted({record.kind for record in ordered}),
        "versions": versions(),
        "seed": case.given.get("seed"),
        "scenarios": len(case.plan) // case.plan.notes,
        "notes": case.plan.notes,  # that each of them is applied to
        "rows": {result.name: sum(record.rows[result.name] for record in ordered) for result in case.results},
        "failures": failures(case, ordered),
        "files": {RUN: sha256(store.get(RUN)), **({} if summary is None else {SUMMARY: summary})},
        "blocks": blocks,
    }
    reach("manifest")
    store.put(MANIFEST, sealed(told))
    return told


def _entry(record: Record) -> dict[str, Any]:
    """Give what the manifest says of a block; not its tags, which change when it is written again."""
    return {"block": record.block, "rows": record.rows, "sha256": record.sha256, "size": record.size}


def read_beginning(store: Store) -> dict[str, Any]:
    """Read what a run said of itself when it began.

    Raises
    ------
    RunError
        It is not what was written.
    """
    return _read(store, RUN, ("input_hash", "inputs", "kind"), "go on elsewhere")


def read_manifest(store: Store) -> dict[str, Any]:
    """Read the manifest of a finished run.

    Raises
    ------
    RunError
        There is none, or it is not what was written.
    """
    if store.size(MANIFEST) is None:
        raise RunError(f"{MANIFEST} is missing: the run is not finished (--resume goes on with one that began)")
    keys = ("blocks", "failures", "files", "input_hash", "result_hash", "rows", "scenarios", "seed")
    return _read(store, MANIFEST, keys, "--resume writes it anew")


def kept_summary(case: Case, store: Store, records: Mapping[int, Record]) -> str | None:
    """Give the hash of the summary if it is there, whole, and of these very results and inputs; None if not."""
    try:
        told = read_manifest(store)
    except RunError:
        return None
    blocks = [{"sha256": records[block].sha256} for block in range(case.blocks)]
    kept: str | None = told["files"].get(SUMMARY)
    same = kept is not None and told["result_hash"] == _result_hash(case, blocks)
    same = same and told["files"].get(RUN) == _hash(store, RUN)  # what was asked for is in it
    return kept if same and _hash(store, SUMMARY) == kept else None


def _result_hash(case: Case, blocks: Iterable[Mapping[str, Any]]) -> str:
    return sha256("".join(entry["sha256"][result.name] for entry in blocks for result in case.results).encode())


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
    try:
        told = read_manifest(store)
    except RunError as error:
        return [str(error)]
    wrong = [] if told["input_hash"] == case.input_hash else ["the inputs are not those of the run"]
    with contextlib.suppress(NotecalcError):  # what is wrong with it is said with the other files
        if read_beginning(store)["inputs"]["scenarios"].get("summaries") != case.given.get("summaries"):
            wrong.append("other summaries are asked for than were made (--resume makes them)")
    known = {entry["block"]: entry for entry in told["blocks"]}
    missing = [block for block in range(case.blocks) if block not in known]
    wrong += [f"block {block} is not in {MANIFEST}" for block in missing]
    if not missing and told["result_hash"] != _result_hash(case, told["blocks"]):
        wrong.append(f"the result hash in {MANIFEST} is not that of its blocks")
    records, expected = store.files("blocks"), dict(told["files"])
    if case.summaries is not None and SUMMARY not in expected:
        wrong.append(f"{SUMMARY} is not in {MANIFEST}")
    for block, entry in known.items():
        path = record_of(block)
        record = _record(store, path) if path in records else None
        if record is None or _entry(record) != entry:
            wrong.append(f"{path} is {'not what was written' if path in records else 'missing'}")
        start, stop = block_range(case, block)
        for result in case.results:
            path, rows = file_of(result.name, block), (stop - start) * result.rows
            expected[path] = entry["sha256"][result.name]
            if entry["rows"][result.name] != rows:
                wrong.append(f"{path} has {entry['rows'][result.name]} rows of {rows}")
    for path, written in expected.items():
        found = _hash(store, path)
        if found != written:
            wrong.append(f"{path} is {'missing' if found is None else 'not what was written'}")
    wrong += [f"{path} belongs to no block" for path in sorted(records.keys() - set(map(record_of, known)))]
    for result in case.results:
        wrong += [f"{path} belongs to no block" for path in store.files(result.name) if path not in expected]
    return wrong


def sha256(data: bytes) -> str:
    """Hash the content of a file."""
    return hashlib.sha256(data).hexdigest()


def _hash(store: Store, path: str) -> str | None:
    return None if store.size(path) is None else sha256(store.get(path))


def _read(store: Store, path: str, keys: Iterable[str], remedy: str) -> dict[str, Any]:
    """Read a document that has some keys at least; one of another version may not."""
    try:
        told = unsealed(store.get(path))
    except ValueError as error:
        raise RunError(f"{path} can't be trusted: {error}; {remedy}") from None
    missing = [key for key in keys if key not in told]
    if missing:
        raise RunError(f"{path} has no {', '.join(missing)}, as of another version of notecalc; {remedy}")
    return told


def _changed(before: Any, now: Any, path: str = "") -> list[str]:
    """Give the keys under which two documents differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = dict.fromkeys([*before, *now])
        return [part for key in keys for part in _changed(before.get(key), now.get(key), f"{path}.{key}".strip("."))]
    return [] if before == now else [path]
