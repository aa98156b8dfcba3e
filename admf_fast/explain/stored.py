"""A run directory as it was written: its manifest, its configuration, its event tables."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from admf_fast.config import Config, InstrumentSpec, config_digest, instruments_of, parse_config
from admf_fast.errors import AdmfError, StateError
from admf_fast.events.schemas import EVENT_SCHEMAS, SCHEMAS

MANIFEST = "manifest.json"
Row = dict[str, Any]


@dataclass(frozen=True)
class StoredRun:
    """A run directory; rows are plain values, times as int64 nanoseconds."""

    folder: Path
    manifest: dict[str, Any]
    config: Config

    @cached_property
    def events(self) -> dict[str, list[Row]]:
        """The rows of every event table, in order."""
        return {table: rows_of(_read(self.folder, table)) for table in EVENT_SCHEMAS}

    def bars_at(self, times: Collection[int]) -> dict[int, Row]:
        """Return what held after the bars that closed at `times`, from the equity table."""
        found: dict[int, Row] = {}
        wanted = pa.array(sorted(times), pa.int64())
        path = self.folder / "equity.parquet"
        try:
            for batch in pq.ParquetFile(path).iter_batches():
                table = pa.Table.from_batches([batch])
                inside = pa.compute.is_in(table.column("ts").cast(pa.int64()), wanted)
                found |= {row["ts"]: row for row in rows_of(table.filter(inside))}
        except (OSError, pa.ArrowException, KeyError) as error:
            raise StateError(f"{path}: cannot be read as the table of a run: {error}") from error
        return found

    def instrument(self, symbol: str) -> InstrumentSpec:
        """Return the instrument of a symbol, which the bars alone may know."""
        known = instruments_of(self.config)
        return next((i for i in known if i.symbol == symbol), known[0])


def open_run(folder: Path) -> StoredRun:
    """Open a run directory; raises StateError if it is none, or its configuration was changed."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
        text = json.dumps(manifest["config"])
        digest = manifest["inputs"]["config"]
    except OSError as error:
        raise StateError(
            f"{folder}: expected a run directory, found no readable {MANIFEST}: {error.strerror}"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"{path}: expected the manifest of a run; found something else") from error
    try:
        config = parse_config(text, name=str(path), format="yaml")
    except AdmfError as error:
        raise StateError(f"{path}: its configuration cannot be read: {error}") from error
    if config_digest(config) != digest:
        raise StateError(
            f"{path}: its configuration has the digest {config_digest(config)}, the run was of "
            f"{digest}; it was changed, or written by another version: run it again"
        )
    return StoredRun(folder, manifest, config)


def _read(folder: Path, table: str) -> pa.Table:
    path = folder / f"{table}.parquet"
    try:
        found = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise StateError(f"{path}: cannot be read: {error}") from error
    missing = [name for name in SCHEMAS[table].names if name not in found.schema.names]
    if missing:
        raise StateError(f"{path}: expected columns {', '.join(missing)}; run it again")
    return found


def rows_of(table: pa.Table) -> list[Row]:
    """Return a table as rows of plain values: names as text, times as nanoseconds."""
    columns = {}
    for name in table.schema.names:
        column = table.column(name)
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.int64())
        columns[name] = column.to_pylist()
    keys = tuple(columns)
    return [dict(zip(keys, values, strict=True)) for values in zip(*columns.values(), strict=True)]
