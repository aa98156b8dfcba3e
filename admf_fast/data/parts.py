"""The inputs of a source, file or object, behind one face: a schema, then batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from admf_fast.data.columns import Layout
from admf_fast.data.discover import format_of
from admf_fast.data.faults import arrow_faults
from admf_fast.data.place import Place
from admf_fast.data.regular import RegularFile
from admf_fast.data.shape import FileShape
from admf_fast.data.spec import BarSpec
from admf_fast.errors import DataError, SchemaError

_EMPTY_LAYOUT = Layout({}, (), ())


@dataclass(slots=True)
class Part:
    """One input.

    `read(layout)` yields batches that hold the columns of `layout`; `file` is None for an object.
    `rows_read` is None until it has been read to its end. `line_of` gives a row's line in a text.
    """

    label: str
    format: str
    shape: FileShape
    read: Callable[[Layout], Iterator[pa.RecordBatch]]
    file: RegularFile | None = None
    layout: Layout = _EMPTY_LAYOUT
    rows_read: int | None = None
    line_of: Callable[[int], int] | None = None

    def place(self) -> Place:
        """Return how errors name its values."""
        return Place(self.label, self.layout.names, self.line_of)


def file_part(file: RegularFile, spec: BarSpec) -> Part:
    """Return `file` as a part; reads its schema."""
    name = format_of(file, spec)
    if name == "parquet":
        from admf_fast.data import parquet_file as reader
    elif name == "ipc":
        from admf_fast.data import ipc_file as reader  # type: ignore[no-redef]
    else:
        from admf_fast.data import csv_file as reader  # type: ignore[no-redef]
    shape = reader.read_shape(file)
    part = Part(file.label, name, shape, lambda layout: reader.read_batches(file, layout), file)
    if name == "csv":
        from admf_fast.data.csv_file import line_of

        part.line_of = partial(line_of, file)
    return part


def object_part(data: Any) -> Part:
    """Return an object of the Arrow protocol, or an iterable of batches, as a part.

    Raises DataError for any other object. Its batches can be read once.
    """
    label = f"{type(data).__module__.partition('.')[0]} {type(data).__name__}"
    if hasattr(data, "__arrow_c_stream__"):
        with arrow_faults(label, "Arrow stream"):
            reader = pa.RecordBatchReader.from_stream(data)
        return _batches_part(label, reader.schema, reader, _rows_of(data))
    if hasattr(data, "__arrow_c_array__"):
        with arrow_faults(label, "Arrow array"):
            batch = pa.record_batch(data)
        return _batches_part(label, batch.schema, [batch], batch.num_rows)
    if not isinstance(data, Iterable) or isinstance(data, (str, bytes, dict)):
        raise DataError(
            f"{label}: expected an object of the Arrow protocol (polars, pandas, DuckDB, pyarrow) "
            "or an iterable of pyarrow RecordBatches; give a path in bars.path for files"
        )
    return _iterable_part(label, iter(data))


def _iterable_part(label: str, batches: Iterator[Any]) -> Part:
    first = next(batches, None)
    if first is None:
        raise DataError(f"{label}: expected at least one RecordBatch, found none")
    _check_batch(label, first, None)

    def all_batches() -> Iterator[pa.RecordBatch]:
        yield first
        for batch in batches:
            _check_batch(label, batch, first.schema)
            yield batch

    return _batches_part(label, first.schema, all_batches(), None)


def _check_batch(label: str, batch: Any, schema: pa.Schema | None) -> None:
    if not isinstance(batch, pa.RecordBatch):
        raise DataError(f"{label}: expected pyarrow RecordBatches, found {type(batch).__name__}")
    if schema is not None and not batch.schema.equals(schema):
        raise SchemaError(f"{label}: a later batch has another schema; give all the same columns")


def _batches_part(
    label: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch], rows: int | None
) -> Part:
    pending = iter(batches)
    used = False

    def read(layout: Layout) -> Iterator[pa.RecordBatch]:
        nonlocal used
        if used:
            raise DataError(f"{label}: was already read; open it again with open_bars")
        used = True
        columns = list(layout.names.values())
        for batch in pending:
            yield batch.select(columns)

    return Part(label, "object", FileShape(schema, rows), read)


def _rows_of(data: Any) -> int | None:
    rows = getattr(data, "num_rows", None)  # pyarrow's; others would have to compute it
    return rows if isinstance(rows, int) else None
