"""Writing a run directory: tables as they grow, then metrics and manifest."""

import json
import math
import queue
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from admf_fast.errors import StateError

MANIFEST = "manifest.json"
JOURNAL = "journal"
QUEUED_BATCHES_MAX = 4
# What repeats or steps is packed; equity and checksums do not compress, so no time is spent.
PACKED = ("signal", "lots", "cash", "status")
STEPPING = ("ts", "sequence", "order_id", "entry_ts")


def writer_options(schema: pa.Schema) -> dict[str, Any]:
    """Return ParquetWriter options: little to write, the same bytes every time.

    No page checksums, at 12 ns per bar: the manifest's digests cover every value of a layer.
    """
    names = schema.names
    return {
        "compression": {n: "lz4" if n in PACKED else "none" for n in names},
        "use_dictionary": False,
        "column_encoding": {n: "DELTA_BINARY_PACKED" for n in names if n in STEPPING},
        "write_statistics": False,
        "store_schema": True,
    }


class ParquetSink:
    """Streams every table of a run to its own Parquet file, in a thread of its own.

    Use it as a context manager; leaving it finishes all files (tables without a row get an
    empty one) or, on an exception, gives up. An error of the thread is raised by the next
    `write` or on leaving.
    """

    def __init__(self, folder: Path, schemas: Mapping[str, pa.Schema]) -> None:
        self._folder = folder
        self._schemas = schemas
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._queue: queue.Queue[tuple[str, pa.RecordBatch] | None] = queue.Queue(
            QUEUED_BATCHES_MAX
        )
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._write_all, name="parquet", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._queue.put(None)
        self._thread.join()
        try:
            if kind is None:
                self._check()
                for table, schema in self._schemas.items():
                    self._writer(table, schema)
                self._close()
        finally:
            with suppress(OSError):  # what went wrong before says more
                self._close()

    def _close(self) -> None:
        while self._writers:
            self._writers.popitem()[1].close()

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Hand over a batch; waits while the disk is behind."""
        self._check()
        self._queue.put((table, batch))

    def _write_all(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._error is None:
                try:
                    self._writer(item[0], item[1].schema).write_batch(item[1])
                except BaseException as error:
                    self._error = error

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _writer(self, table: str, schema: pa.Schema) -> pq.ParquetWriter:
        if table not in self._writers:
            path = self._folder / f"{table}.parquet"
            self._writers[table] = pq.ParquetWriter(path, schema, **writer_options(schema))
        return self._writers[table]


def write_run(folder: Path, manifest: dict[str, Any], metrics: dict[str, Any]) -> None:
    """Write manifest and metrics beside the tables; figures without a meaning become null."""
    for name, content in ((MANIFEST, manifest), ("metrics.json", _known(metrics))):
        text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False)
        (folder / name).write_text(text + "\n", encoding="utf-8")


def _known(value: Any) -> Any:
    """Return `value` with null for what JSON has no number for."""
    if isinstance(value, dict):
        return {name: _known(item) for name, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_target(path: Path) -> Path:
    """Return `path` if a run directory may be put there.

    Raises StateError for anything but a new name, an empty folder or an earlier run: a run
    directory is replaced as a whole, with all that is in it.
    """
    if path.name in ("", ".."):
        path = path.resolve()
    free = not (path.exists() or path.is_symlink())
    if free or (path.is_dir() and not path.is_symlink() and _replaceable(path)):
        return path
    found = "a folder with other things in it" if path.is_dir() else "something else"
    raise StateError(
        f"{path}: expected a new name, an empty folder or a run directory, found {found}; "
        "choose another name, nothing was changed"
    )


def _replaceable(folder: Path) -> bool:
    """Whether a folder is empty or holds a run; the journal of a live one is never replaced."""
    if not any(folder.iterdir()):
        return True
    if (folder / JOURNAL).exists():
        return False
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and "run_id" in manifest
