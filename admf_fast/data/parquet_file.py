"""Parquet files: limits checked from the footer, then streamed with page checksums verified."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from admf_fast.data.faults import arrow_faults
from admf_fast.data.shape import FileShape
from admf_fast.errors import DataFileError

if TYPE_CHECKING:
    from admf_fast.data.columns import Layout
    from admf_fast.data.regular import RegularFile

BATCH_ROWS: Final = 65_536  # fewer cost more calls from Python than they save in the caches
_BUFFER_BYTES: Final = 1 << 16  # streams a column chunk instead of holding all of it
_FOOTER_BYTES_MAX: Final = 1 << 28
_COLUMNS_MAX: Final = 10_000
_ROW_GROUPS_MAX: Final = 200_000
_ROWS_MAX: Final = 1 << 40


def read_shape(file: RegularFile) -> FileShape:
    """Return schema and rows from the footer; DataFileError when it is damaged or implausible."""
    with file.opened() as handle:
        _check_tail(file.label, handle, file.size_bytes)
        with arrow_faults(file.label, "Parquet"):
            parquet = _open(handle)
            metadata = parquet.metadata
            _check_limits(file.label, metadata)
            return FileShape(parquet.schema_arrow, metadata.num_rows)


def read_batches(
    file: RegularFile, layout: Layout, rows_max: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Yield the used columns in batches of at most `rows_max` rows."""
    columns = list(layout.names.values())
    with file.opened() as handle:
        with arrow_faults(file.label, "Parquet"):
            parquet = _open(handle)
            expected = parquet.metadata.num_rows
            batches = parquet.iter_batches(rows_max, columns=columns, use_threads=False)
        rows = 0
        while True:
            with arrow_faults(file.label, "Parquet"):
                batch = next(batches, None)
            if batch is None:
                break
            rows += batch.num_rows
            yield batch
        if rows != expected:
            raise DataFileError(
                f"{file.label}: its footer says {expected} rows, found {rows}; write it again"
            )


def _open(handle: BinaryIO) -> pq.ParquetFile:
    return pq.ParquetFile(
        handle,
        memory_map=False,  # a file truncated while mapped would kill the process
        pre_buffer=False,  # it would hold what it has read until the end of the file
        buffer_size=_BUFFER_BYTES,
        page_checksum_verification=True,
    )


def _check_tail(label: str, handle: BinaryIO, size_bytes: int) -> None:
    """Check the last eight bytes: length of the footer, then the magic."""
    if size_bytes < 12:
        raise DataFileError(
            f"{label}: truncated, corrupted or no Parquet file: found {size_bytes} bytes, expected "
            "at least 12; write or fetch it again"
        )
    handle.seek(size_bytes - 8)
    tail = handle.read(8)
    handle.seek(0)
    if tail[4:] == b"PARE":
        raise DataFileError(f"{label}: its footer is encrypted; give an unencrypted copy")
    footer_bytes = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or footer_bytes > min(size_bytes - 12, _FOOTER_BYTES_MAX):
        raise DataFileError(
            f"{label}: truncated, corrupted or no Parquet file: no valid footer at its end; "
            "write or fetch it again"
        )


def _check_limits(label: str, metadata: pq.FileMetaData) -> None:
    """Refuse declared sizes beyond any plausible file, before anything is allocated for them."""
    limits = (
        ("columns", metadata.num_columns, _COLUMNS_MAX),
        ("row groups", metadata.num_row_groups, _ROW_GROUPS_MAX),
        ("rows", metadata.num_rows, _ROWS_MAX),
    )
    for name, found, limit in limits:
        if not 0 <= found <= limit:
            raise DataFileError(
                f"{label}: its footer says {found} {name}, expected at most {limit}; "
                "it is corrupted, or split it into several files"
            )
    rows = sum(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
    if rows != metadata.num_rows:
        raise DataFileError(
            f"{label}: its footer says {metadata.num_rows} rows, its row groups {rows}; "
            "write it again"
        )
