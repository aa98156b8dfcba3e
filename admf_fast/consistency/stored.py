"""The tables of a run directory as a log: streamed for digests, or whole for a comparison."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from admf_fast.config import instruments_of
from admf_fast.errors import StateError
from admf_fast.events.schemas import NAMES, PANEL_SCHEMAS, SCHEMAS, SYMBOL
from admf_fast.explain import StoredRun, open_run
from admf_fast.parity.compare import PANEL_TABLE_LAYERS, TABLE_LAYERS, Log, words_of
from admf_fast.runners.recorder import LAYERS, PANEL_LAYERS, LayerDigests, names_array

METRICS = "metrics.json"


def open_any(folder: Path) -> StoredRun:
    """Open a run directory of one or several instruments; raises StateError if it is none."""
    return open_run(folder)


def symbols_of(run: StoredRun) -> tuple[str, ...]:
    """Return the symbols of a run in order, as its tables number them."""
    if run.config.instruments:
        return tuple(i.symbol for i in instruments_of(run.config))
    return (str(run.manifest["data"]["symbol"]),)


def schemas_of(run: StoredRun) -> Mapping[str, pa.Schema]:
    """Return the schemas of a run's tables."""
    return PANEL_SCHEMAS if run.config.instruments else SCHEMAS


def stored_log(run: StoredRun) -> Log:
    """Return all tables of a run, in memory."""
    return Log({name: stored_table(run, name) for name in schemas_of(run)}, None)


def stored_table(run: StoredRun, name: str) -> pa.Table:
    """Return one table of a run, in memory."""
    return pa.Table.from_batches(list(_batches(run, name)), schemas_of(run)[name])


def stored_digests(run: StoredRun) -> dict[str, str]:
    """Return the digest of every layer that the tables hold; the metrics are in no table."""
    panel = bool(run.config.instruments)
    digests = LayerDigests(PANEL_LAYERS if panel else LAYERS)
    layers = PANEL_TABLE_LAYERS if panel else TABLE_LAYERS
    for name in schemas_of(run):
        of_table = {layer: names for layer, (table, names) in layers.items() if table == name}
        for batch in _batches(run, name):
            rows = pa.Table.from_batches([batch])
            for layer, names in of_table.items():
                if len(rows):
                    digests.update(layer, words_of(rows, names))
    return {layer: d for layer, d in digests.hexdigests().items() if layer in layers}


def stored_metrics(run: StoredRun) -> dict[str, Any]:
    """Return the figures of a run as they were written."""
    path = run.folder / METRICS
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StateError(f"{path}: cannot be read as the figures of a run: {error}") from error
    return found


def _batches(run: StoredRun, name: str) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a table in its schema, names numbered as the run numbered them."""
    path, schema = run.folder / f"{name}.parquet", schemas_of(run)[name]
    symbols = symbols_of(run)
    try:
        for batch in pq.ParquetFile(path).iter_batches():
            missing = [n for n in schema.names if n not in batch.schema.names]
            if missing:
                raise StateError(f"{path}: expected columns {', '.join(missing)}; run it again")
            columns = [_numbered(batch.column(f.name), f, name, symbols) for f in schema]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
    except (OSError, pa.ArrowException) as error:
        raise StateError(f"{path}: cannot be read as the table of a run: {error}") from error


def _numbered(column: pa.Array, field: pa.Field, table: str, symbols: tuple[str, ...]) -> pa.Array:
    """Return a column whose names have the numbers they have in the engine."""
    if not pa.types.is_dictionary(field.type):
        return column.cast(field.type)
    texts = symbols if field.type == SYMBOL else NAMES[table, field.name]
    names = names_array(texts)
    numbers = pc.index_in(column.cast(pa.string()), value_set=names)
    if numbers.null_count:
        unknown = column[numbers.is_null().index(True).as_py()]
        raise StateError(f"{table}.{field.name}: expected a known name, found {unknown}")
    return pa.DictionaryArray.from_arrays(numbers.cast(field.type.index_type), names)
