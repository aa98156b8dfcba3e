"""Arrow IPC: files (random access) and streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import pyarrow as pa

from admf_fast.data.faults import arrow_faults
from admf_fast.data.shape import FileShape

if TYPE_CHECKING:
    from admf_fast.data.columns import Layout
    from admf_fast.data.regular import RegularFile

_FILE_MAGIC: Final = b"ARROW1"


def read_shape(file: RegularFile) -> FileShape:
    """Return the schema; DataFileError when it cannot be read."""
    with file.opened() as handle, arrow_faults(file.label, "Arrow IPC"):
        return FileShape(_open(handle).schema, None)


def read_batches(file: RegularFile, layout: Layout) -> Iterator[pa.RecordBatch]:
    """Yield the used columns, batch by batch as the file has them."""
    columns = list(layout.names.values())
    with file.opened() as handle:
        with arrow_faults(file.label, "Arrow IPC"):
            batches = _batches(_open(handle))
        while True:
            with arrow_faults(file.label, "Arrow IPC"):
                batch = next(batches, None)
                if batch is not None:
                    batch = batch.select(columns)
                    batch.validate(full=True)  # its buffers are as long as it says
            if batch is None:
                return
            yield batch


def _open(handle: BinaryIO) -> Any:
    import pyarrow.ipc as ipc

    magic = handle.read(len(_FILE_MAGIC))
    handle.seek(0)
    return ipc.open_file(handle) if magic == _FILE_MAGIC else ipc.open_stream(handle)


def _batches(reader: Any) -> Iterator[pa.RecordBatch]:
    count = getattr(reader, "num_record_batches", None)
    if count is None:
        yield from reader
        return
    for index in range(count):
        yield reader.get_batch(index)
