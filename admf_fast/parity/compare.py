"""Two event logs compared as raw bytes: the first bar, layer and field that differ."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from admf_fast.events.schemas import PANEL_SCHEMAS, SCHEMAS
from admf_fast.runners.recorder import LAYERS, PANEL_LAYERS, LayerDigests
from admf_kernels.execution.summary import Summary
from admf_kernels.layout import fields_of, pack

Columns = dict[str, NDArray[np.int64]]
TableLayers = dict[str, tuple[str, tuple[str, ...]]]


def _layers_of(schemas: Mapping[str, pa.Schema]) -> TableLayers:
    """Return the layers in order of cause, with the table and columns each consists of."""
    names = {table: tuple(schema.names) for table, schema in schemas.items()}
    whole = {table: (table, names[table]) for table in names if table != "equity"}
    values = tuple(n for n in names["equity"] if n != "checksum")
    return {**whole, "equity": ("equity", values), "state": ("equity", ("checksum",))}


TABLE_LAYERS = _layers_of(SCHEMAS)
PANEL_TABLE_LAYERS = _layers_of(PANEL_SCHEMAS)


class Difference(NamedTuple):
    """Where two runs that must be equal first differ.

    `bar` counts from 0; `expected` and `found` give value and bits.
    """

    run: str
    layer: str
    bar: int
    ts_ns: int
    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        when = f"bar {self.bar} (ts_ns {self.ts_ns})" if self.bar >= 0 else "the whole run"
        return (
            f"run {self.run!r} differs first in {self.layer}.{self.field} at {when}: "
            f"expected {self.expected}, found {self.found}"
        )


class Log(NamedTuple):
    """What a run is compared by."""

    tables: Mapping[str, pa.Table]
    summary: Summary | None

    @property
    def of_panel(self) -> bool:
        """Whether several instruments were run."""
        return "positions" in self.tables

    @property
    def layers(self) -> TableLayers:
        """The layers that its tables make."""
        return PANEL_TABLE_LAYERS if self.of_panel else TABLE_LAYERS


def words_of(table: pa.Table, names: tuple[str, ...]) -> Columns:
    """Return columns as int64 words, their raw bits."""
    return {name: _words(table.column(name)) for name in names}


def _words(column: pa.ChunkedArray) -> NDArray[np.int64]:
    if pa.types.is_dictionary(column.type):
        indices = [chunk.indices.to_numpy() for chunk in column.chunks]
        return np.concatenate([np.empty(0, np.int8), *indices]).astype(np.int64)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    values: NDArray[Any] = column.to_numpy()
    return values.view(np.int64)


def digests_of(log: Log) -> dict[str, str]:
    """Return one digest per layer, the same that a run writes into its manifest."""
    digests = LayerDigests(PANEL_LAYERS if log.of_panel else LAYERS)
    for layer, (table, names) in log.layers.items():
        if len(log.tables[table]):
            digests.update(layer, words_of(log.tables[table], names))
    if log.summary is not None:
        digests.update("metrics", {"summary": pack(log.summary)})
    return digests.hexdigests()


def first_difference(run: str, expected: Log, found: Log) -> Difference | None:
    """Return the earliest difference of two logs, the first layer of cause on that bar."""
    candidates = [d for d in layer_differences(run, expected, found).values() if d is not None]
    if candidates:
        order = [*expected.layers]
        return min(candidates, key=lambda d: (d.ts_ns, order.index(d.layer)))
    if expected.summary is None or found.summary is None:
        return None
    return next(_metric_differences(run, expected.summary, found.summary), None)


def layer_differences(run: str, expected: Log, found: Log) -> dict[str, Difference | None]:
    """Return the first difference of every layer that is in tables; None where there is none."""
    times = _words(expected.tables["equity"].column("ts"))
    return {
        layer: _table_difference(run, layer, times, expected, found) for layer in expected.layers
    }


def _table_difference(
    run: str, layer: str, times: NDArray[np.int64], expected: Log, found: Log
) -> Difference | None:
    table, names = expected.layers[layer]
    ours = words_of(expected.tables[table], names)
    theirs = words_of(found.tables[table], names)
    count = min(len(expected.tables[table]), len(found.tables[table]))
    firsts = {n: _first_unequal(ours[n][:count], theirs[n][:count]) for n in names}
    row, name = min((r, n) for n, r in firsts.items())
    # By column order among those that differ on that row.
    name = next(n for n in names if firsts[n] == row)
    if row == count and len(expected.tables[table]) == len(found.tables[table]):
        return None
    ts_ns = _time_of(table, row, expected, found)
    bar = int(np.searchsorted(times, ts_ns))
    kind = expected.tables[table].schema.field(name).type
    if row == count:
        longer, shorter = len(ours[name]), len(theirs[name])
        return Difference(run, layer, bar, ts_ns, "rows", f"{longer} rows", f"{shorter} rows")
    return Difference(
        run, layer, bar, ts_ns, name, shown(kind, ours[name][row]), shown(kind, theirs[name][row])
    )


def _first_unequal(a: NDArray[np.int64], b: NDArray[np.int64]) -> int:
    unequal = np.flatnonzero(a != b)
    return int(unequal[0]) if len(unequal) else len(a)


def _time_of(table: str, row: int, expected: Log, found: Log) -> int:
    times = [_words(log.tables[table].column("ts")) for log in (expected, found)]
    return min(int(t[row]) for t in times if row < len(t))


def _metric_differences(run: str, expected: Summary, found: Summary) -> Iterator[Difference]:
    for field, a, b in zip(fields_of(Summary), pack(expected), pack(found), strict=True):
        if a != b:
            kind = pa.float64() if field.kind == "float" else pa.int64()
            yield Difference(run, "metrics", -1, -1, field.name, shown(kind, a), shown(kind, b))


def shown(kind: pa.DataType, word: np.int64) -> str:
    """Return a word as its value, and as bits where the value is a float."""
    if kind == pa.float64():
        return f"{float(np.int64(word).view(np.float64))!r} (0x{int(word) & (2**64 - 1):016x})"
    return f"{int(word)}"
