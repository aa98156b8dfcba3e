"""What is kept of all sets besides the figures: changed signals, closed trades, equity."""

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from admf_fast.atomic import atomic_file
from admf_fast.events.schemas import EVENT_SCHEMAS, TS
from admf_fast.runners.recorder import named_columns, names_array, to_batch
from admf_fast.sweep.arrays import array_of, integers, numbers_of
from admf_fast.sweep.chunk import Chunk, bands_of
from admf_fast.sweep.lanes import LaneResult
from admf_fast.sweep.regroup import ROWS_PER_GROUP, regrouped
from admf_fast.sweep.work import Work
from admf_kernels.layout import Words

# Of the equity, the moments at which it is no longer what it was when it was last looked at.
OWN_SCHEMAS = {
    "equity": pa.schema(
        [pa.field("ts", TS, nullable=False), pa.field("equity", pa.float64(), nullable=False)]
    )
}


def events_schema(name: str) -> pa.Schema:
    """Return the schema of a file of events: the set, the symbol, then those of a run's table."""
    own = [field for field in {**EVENT_SCHEMAS, **OWN_SCHEMAS}[name] if field.name != "symbol"]
    return pa.schema([("set", pa.int64()), ("symbol", pa.string()), *own])


def events_path(results: Path, name: str) -> Path:
    """Return where the events of a sweep's results are: FILE.parquet has FILE.signals.parquet."""
    return results.with_name(f"{results.stem}.{name}{results.suffix}")


def events_tables(
    name: str, sets: Sequence[int], symbol: str, results: Sequence[LaneResult | str]
) -> Iterator[pa.Table]:
    """Yield the events of sets with these numbers, set by set."""
    for number, result in zip(sets, results, strict=True):
        words = None if isinstance(result, str) else result.events(name)
        for start in range(0, 0 if words is None else words.shape[1], ROWS_PER_GROUP):
            assert words is not None
            piece = np.ascontiguousarray(words[:, start : start + ROWS_PER_GROUP])
            yield _table(name, number, symbol, piece)


def _table(name: str, number: int, symbol: str, words: Words) -> pa.Table:
    """Return events of one set as a table."""
    schema = events_schema(name)
    count = words.shape[1]
    rows: dict[str, pa.Array]
    if name in OWN_SCHEMAS:
        columns = [words[0], words[1].view(np.float64)]
        rows = {
            field.name: pa.Array.from_buffers(field.type, count, [None, pa.py_buffer(values)])
            for field, values in zip(OWN_SCHEMAS[name], columns, strict=True)
        }
    else:
        batch = to_batch(name, named_columns(name, words), names_array((symbol,)))
        rows = {field: batch.column(field) for field in batch.schema.names}
    rows["set"] = integers(np.full(count, number, np.int64))
    rows["symbol"] = array_of([symbol] * count, pa.string())
    return pa.Table.from_arrays([rows[n] for n in schema.names], schema=schema)


def assemble_events(
    work: Work, chunks: Sequence[Chunk], inputs: int, name: str, target: Path
) -> None:
    """Write all events in the order of the sets, then of the inputs, then of their time."""
    schema = events_schema(name)
    with atomic_file(target) as path, pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in regrouped(event_groups(work, chunks, inputs, name)):
            writer.write_table(table)


def event_groups(work: Work, chunks: Sequence[Chunk], inputs: int, name: str) -> Iterator[pa.Table]:
    """Yield events in the order of the sets, then of the inputs; first an empty table.

    Raises StateError for a part that is gone.
    """
    schema = events_schema(name)
    yield schema.empty_table()
    for band in bands_of(chunks, inputs):
        numbered = [_by_set(chunk.input, work.tables(chunk.number, schema, name)) for chunk in band]
        for _, table in heapq.merge(*numbered, key=lambda pair: pair[0]):
            yield table


def _by_set(place: int, tables: Iterator[pa.Table]) -> Iterator[tuple[tuple[int, int], pa.Table]]:
    """Yield tables with what they are sorted by; each holds one set."""
    for table in tables:
        if table.num_rows:
            yield (int(numbers_of(table["set"])[0]), place), table
