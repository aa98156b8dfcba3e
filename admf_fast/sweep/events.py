"""Events of all sets that are kept besides the figures: changed signals, closed trades."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from admf_fast.atomic import atomic_file
from admf_fast.errors import StateError
from admf_fast.events.schemas import EVENT_SCHEMAS
from admf_fast.runners.recorder import named_columns, names_array, to_batch
from admf_fast.sweep.arrays import array_of, integers, numbers_of
from admf_fast.sweep.chunk import Chunk
from admf_fast.sweep.lanes import LaneResult
from admf_fast.sweep.regroup import regrouped
from admf_fast.sweep.work import Work


def events_schema(name: str) -> pa.Schema:
    """Return the schema of a file of events: the set, the symbol, then those of a run's table."""
    own = [field for field in EVENT_SCHEMAS[name] if field.name != "symbol"]
    return pa.schema([("set", pa.int64()), ("symbol", pa.string()), *own])


def events_path(results: Path, name: str) -> Path:
    """Return where the events of a sweep's results are: FILE.parquet has FILE.signals.parquet."""
    return results.with_name(f"{results.stem}.{name}{results.suffix}")


def events_table(
    name: str, first: int, symbol: str, results: Sequence[LaneResult | str]
) -> pa.Table:
    """Return the events of consecutive sets, the first of which has this number."""
    schema = events_schema(name)
    tables = []
    for k, result in enumerate(results):
        if isinstance(result, str) or name not in result.events:
            continue
        columns = named_columns(name, result.events[name])
        batch = to_batch(name, columns, names_array((symbol,)))
        rows = {field: batch.column(field) for field in batch.schema.names}
        rows["set"] = integers(np.full(batch.num_rows, first + k, np.int64))
        rows["symbol"] = array_of([symbol] * batch.num_rows, pa.string())
        arrays = [rows[n] for n in schema.names]
        tables.append(pa.Table.from_arrays(arrays, schema=schema))
    return pa.concat_tables(tables) if tables else schema.empty_table()


def assemble_events(
    work: Work, chunks: Sequence[Chunk], inputs: int, name: str, target: Path
) -> None:
    """Write all events in the order of the sets, then of the inputs, then of their time."""
    schema = events_schema(name)
    with atomic_file(target) as path, pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in regrouped(event_groups(work, chunks, inputs, name)):
            writer.write_table(table)


def event_groups(work: Work, chunks: Sequence[Chunk], inputs: int, name: str) -> Iterator[pa.Table]:
    """Yield the events of the same sets on all inputs, in order; first an empty table."""
    schema = events_schema(name)
    yield schema.empty_table()
    for first in range(0, len(chunks), inputs):
        tables = []
        for chunk in chunks[first : first + inputs]:
            table = work.read(chunk.number, schema, name)
            if table is None:
                raise StateError(
                    f"{work.part(chunk.number, name)}: was damaged or removed while the sweep "
                    "ran; run it again, finished parts are kept"
                )
            tables.append(table)
        whole = pa.concat_tables(tables)
        if inputs == 1:
            yield whole
            continue
        order = np.argsort(numbers_of(whole["set"]), kind="stable")
        yield whole.take(integers(order))
