"""Writing a run directory: tables as they grow, then metrics and manifest."""

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

# LZ4 costs little next to the disk; prices and equity hardly repeat, so no dictionaries.
OPTIONS: dict[str, Any] = {
    "compression": "lz4",
    "use_dictionary": False,
    "write_statistics": False,
    "write_page_checksum": True,
    "store_schema": True,
}


class ParquetSink:
    """Streams every table of a run to its own Parquet file in a folder."""

    def __init__(self, folder: Path, schemas: dict[str, pa.Schema]) -> None:
        self._folder = folder
        self._schemas = schemas
        self._writers: dict[str, pq.ParquetWriter] = {}

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Append a batch to a table's file."""
        self._writer(table, batch.schema).write_batch(batch)

    def _writer(self, table: str, schema: pa.Schema) -> pq.ParquetWriter:
        if table not in self._writers:
            path = self._folder / f"{table}.parquet"
            self._writers[table] = pq.ParquetWriter(path, schema, **OPTIONS)
        return self._writers[table]

    def close(self) -> None:
        """Finish all files; tables without a row get an empty one."""
        for table, schema in self._schemas.items():
            self._writer(table, schema)
        for writer in self._writers.values():
            writer.close()


def write_run(folder: Path, manifest: dict[str, Any], metrics: dict[str, Any]) -> None:
    """Write manifest and metrics beside the tables; figures without a meaning become null."""
    known = {n: None if isinstance(v, float) and math.isnan(v) else v for n, v in metrics.items()}
    for name, content in (("manifest.json", manifest), ("metrics.json", known)):
        text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False)
        (folder / name).write_text(text + "\n", encoding="utf-8")
