"""A finished run read from its files alone: for those who have them and not the scenario file."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from notecalc.batch.blocks import file_of
from notecalc.batch.manifest import MANIFEST, RUN, SUMMARY, RunError, read_beginning, read_manifest
from notecalc.batch.store import Store, open_store

__all__ = ["Finished", "read_finished"]


@dataclass(frozen=True)
class Finished:
    """What a finished run says of itself.

    Parameters
    ----------
    inputs : mapping
        The scenario file, the deal and the market, as plain values.
    manifest : mapping
        What `manifest.finish` wrote.
    runs, columns : mapping
        By result: how it was computed, and what each of its columns is; see `Case.metadata`.
    summary : DataFrame or None
        What `Run.summary` gives; None if the scenario file asks for none.
    """

    inputs: Mapping[str, Any]
    manifest: Mapping[str, Any]
    runs: Mapping[str, Mapping[str, Any]]
    columns: Mapping[str, Mapping[str, Mapping[str, str]]]
    summary: pd.DataFrame | None


def read_finished(place: str | Path) -> Finished:
    """Read a finished run; of its blocks only what the first says of itself.

    Parameters
    ----------
    place : str or path
        The folder of a run, or a URL that fsspec knows.

    Raises
    ------
    RunError
        There is no run, or it is not finished.
    """
    store = open_store(place)
    if store.size(MANIFEST) is None or store.size(RUN) is None:
        raise RunError(f"{place} has no finished run: {MANIFEST} is missing (--resume goes on with one that began)")
    manifest, began = read_manifest(store), read_beginning(store)
    told = {name: _told(store, name) for name in manifest["rows"]}
    summary = None if SUMMARY not in manifest["files"] else pd.read_parquet(io.BytesIO(store.get(SUMMARY)))
    runs, columns = ({name: each[part] for name, each in told.items()} for part in (0, 1))
    return Finished(began["inputs"], manifest, runs, columns, summary)


def _told(store: Store, result: str) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    import pyarrow.parquet as pq

    with store.open(file_of(result, 0)) as file:
        schema = pq.read_schema(file)
    columns = {
        field.name: {key.decode(): text.decode() for key, text in (field.metadata or {}).items()} for field in schema
    }
    return json.loads(schema.metadata[b"notecalc"]), columns
