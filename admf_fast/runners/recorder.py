"""What a program leaves behind, turned into the tables of the event log, batch by batch."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from admf_fast.events.schemas import (
    EVENT_SCHEMAS,
    NAMED,
    NAMES,
    PANEL_SCHEMAS,
    SCHEMAS,
    SYMBOL,
    TS,
)
from admf_fast.metrics.days import UTC_DAYS, DayCloses, SessionDays
from admf_kernels.codegen.panel_layout import POSITION
from admf_kernels.contract import Output
from admf_kernels.execution.log import TABLES
from admf_kernels.layout import Words
from admf_kernels.panel_program import PanelProgram
from admf_kernels.program import TradingProgram

BATCH_BARS = 65_536
EVENTS = {**TABLES, "positions": POSITION}
LAYERS = (*EVENT_SCHEMAS, "equity", "state", "metrics")
PANEL_LAYERS = (*EVENT_SCHEMAS, "positions", "equity", "state", "metrics")

Columns = dict[str, NDArray[Any]]
Schemas = Mapping[str, pa.Schema]


def names_array(texts: tuple[str, ...]) -> pa.Array:
    """Return texts as an Arrow array; `pa.array` of a list would import pandas where it is."""
    encoded = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


NAME_VALUES = {key: names_array(names) for key, names in NAMES.items()}
KINDS: dict[str, type] = {"i": np.int64, "f": np.float64}


class Sink(Protocol):
    """Where tables go."""

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Take the next batch of a table."""
        ...


class MemorySink:
    """Keeps the batches of every table in memory."""

    def __init__(self, schemas: Schemas = SCHEMAS) -> None:
        self._schemas = schemas
        self._batches: dict[str, list[pa.RecordBatch]] = {}

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Take the next batch of a table."""
        self._batches.setdefault(table, []).append(batch)

    def tables(self) -> dict[str, pa.Table]:
        """Return all tables, those without a row included."""
        made = {
            n: pa.Table.from_batches(self._batches.get(n, []), s) for n, s in self._schemas.items()
        }
        more = {n: pa.Table.from_batches(b) for n, b in self._batches.items() if n not in made}
        return made | more


class NoSink:
    """Takes tables and keeps nothing: digests and figures are made before."""

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Forget a batch."""


class EventDigest:
    """The digest of one event table: of the words of its rows, one after the other."""

    def __init__(self, table: str) -> None:
        self._hasher = xxhash.xxh3_128(table.encode())

    def update(self, rows: Words) -> None:
        """Append rows, int64 (rows, columns) in one piece."""
        self._hasher.update(rows.data)

    def hexdigest(self) -> str:
        """Return the digest of all rows so far."""
        return str(self._hasher.hexdigest())


class LayerDigests:
    """One digest per layer over raw bytes, whatever the batches.

    Events and positions are hashed row by row, as lanes have them; equity and state, which have
    a row for every bar, column by column, as they are written. XXH3-128: what is guarded against
    is accident, and it costs a fraction of a SHA.
    """

    def __init__(self, layers: tuple[str, ...] = LAYERS) -> None:
        self._layers = layers
        self._events = {layer: EventDigest(layer) for layer in layers if layer in EVENTS}
        self._hashers: dict[tuple[str, str], Any] = {}

    def update(self, layer: str, columns: Mapping[str, NDArray[Any]]) -> None:
        """Append rows to a layer; columns of 8 bytes."""
        if layer in self._events:
            rows = np.stack([values.view(np.int64) for values in columns.values()], axis=1)
            self._events[layer].update(rows)
            return
        for name, values in columns.items():
            key = (layer, name)
            if key not in self._hashers:
                self._hashers[key] = xxhash.xxh3_128()
            self._hashers[key].update(values.data)

    def hexdigests(self) -> dict[str, str]:
        """Return the digest of every layer, empty ones included."""
        found = {layer: xxhash.xxh3_128() for layer in self._layers}
        for (layer, name), hasher in self._hashers.items():
            found[layer].update(name.encode() + b"\0" + hasher.digest())
        columns = {layer: str(total.hexdigest()) for layer, total in found.items()}
        return columns | {layer: digest.hexdigest() for layer, digest in self._events.items()}


class Recorder:
    """Copies per-bar outputs and events out of a program before they are overwritten.

    `closes` keeps the equity at the end of every session day, `trades` all closed trades:
    what figures beyond the summary are made of, wherever the tables go.
    """

    def __init__(
        self,
        program: TradingProgram | PanelProgram,
        sink: Sink,
        features: Mapping[str, Output] | None = None,
        days: SessionDays = UTC_DAYS,
        symbols: tuple[str, ...] = ("",),
    ) -> None:
        self._program = program
        panel = isinstance(program, PanelProgram)
        self._schemas: Schemas = PANEL_SCHEMAS if panel else SCHEMAS
        self._symbols = names_array(symbols)
        self.closes = DayCloses(days)
        self.trades: list[pa.RecordBatch] = []
        self._sink = sink
        self._features = dict(features or {})
        self.digests = LayerDigests(PANEL_LAYERS if panel else LAYERS)
        self._events: dict[str, list[Words]] = {}
        self._positions: Words = np.empty((len(POSITION), 0), np.int64)
        self._position_rows = slice(0, 0)
        self._filled = 0
        self._columns: Columns = {}
        self._renew()

    def _renew(self) -> None:
        sides = {n: "f" if v.dtype == np.float64 else "i" for n, v in self._program.per_bar.items()}
        kinds = {"ts": "i", **sides, "checksum": "i"}
        kinds |= {f"feature {name}": "f" for name in self._features}
        self._columns = {n: np.empty(BATCH_BARS, KINDS[side]) for n, side in kinds.items()}
        self._filled = 0

    def bars(self, rows: slice) -> None:
        """Record the per-bar outputs of consecutive rows."""
        program = self._program
        self.closes.add(program.ts_ns[rows], program.per_bar["equity"][rows], program.market[rows])
        start = rows.start
        while start < rows.stop:
            stop = min(rows.stop, start + BATCH_BARS - self._filled)
            self._copy(slice(start, stop))
            start = stop
            if self._filled == BATCH_BARS:
                self._emit_bars()
                self._emit_events()

    def _copy(self, rows: slice) -> None:
        program = self._program
        into = slice(self._filled, self._filled + rows.stop - rows.start)
        self._columns["ts"][into] = program.ts_ns[rows]
        for name, values in program.per_bar.items():
            self._columns[name][into] = values[rows]
        self._columns["checksum"][into] = program.checksum[rows]
        for name, output in self._features.items():
            assert isinstance(program, TradingProgram)
            self._columns[f"feature {name}"][into] = program.column(output)[rows]
        self._filled = into.stop

    def _emit_bars(self) -> None:
        if not self._filled:
            return
        columns = {n: values[: self._filled] for n, values in self._columns.items()}
        features = {n: columns.pop(f"feature {n}") for n in self._features}
        layer = {n: v for n, v in columns.items() if n != "checksum"}
        self.digests.update("equity", layer)
        self.digests.update("state", {"checksum": columns["checksum"]})
        self._sink.write("equity", to_batch("equity", columns, self._symbols, self._schemas))
        if features:
            named = {"ts": columns["ts"], **features}
            self._sink.write("features", pa.RecordBatch.from_arrays(
                [_array(v, TS if n == "ts" else pa.float64()) for n, v in named.items()],
                names=list(named)))  # fmt: skip
        self._renew()

    def events(self) -> None:
        """Record the events of the program's last advance."""
        program = self._program
        if isinstance(program, PanelProgram):
            self._take_positions(program)
        if not program.event_count:
            return
        for k, (table, words) in enumerate(program.event_words.items()):
            count = int(program.counts[k])
            if count:
                rows = words[:, :count].copy()
                # The first word is the row of the columns; the log holds its time instead.
                rows[0] = program.ts_ns[rows[0]]
                self.event_rows(table, rows)

    def _take_positions(self, program: PanelProgram) -> None:
        """Note which rows of positions there are; they are read when their memory is full."""
        if program.position_words is not self._positions:
            self._emit_positions()
            self._positions = program.position_words
            self._position_rows = program.position_rows
        first, stop = self._position_rows.start, program.position_rows.stop
        self._position_rows = slice(first, stop)

    def _emit_positions(self) -> None:
        rows = self._position_rows
        if rows.start < rows.stop:
            self._emit_rows("positions", self._positions[:, rows])
        self._position_rows = slice(rows.stop, rows.stop)

    def event_rows(self, table: str, words: Words) -> None:
        """Record rows of an event table: int64 words (columns, rows), times first."""
        self._events.setdefault(table, []).append(words)

    def _emit_events(self) -> None:
        for table, chunks in self._events.items():
            self._emit_rows(table, np.concatenate(chunks, axis=1))
        self._events.clear()

    def _emit_rows(self, table: str, words: Words) -> None:
        columns = named_columns(table, words)
        self.digests.update(table, columns)
        batch = to_batch(table, columns, self._symbols, self._schemas)
        self._sink.write(table, batch)
        if table == "trades":
            self.trades.append(batch)

    def close(self) -> None:
        """Hand over what is still held back."""
        self._emit_bars()
        self._emit_events()
        self._emit_positions()


def event_tuples(program: TradingProgram | PanelProgram) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the events of the last advance as (table, values), in order.

    The values are the row of the program's columns, then those of the event table.
    """
    found = []
    for k, (table, columns) in enumerate(program.events.items()):
        for j in range(program.counts.item(k)):
            found.append((table, tuple(values.item(j) for values in columns.values())))
    # By sequence; a trade carries the sequence of its fill and comes after it.
    return sorted(found, key=lambda e: (e[1][1], EVENT_RANK[e[0]]))


EVENT_RANK = {"signals": 0, "orders": 0, "fills": 0, "trades": 1, "adjustments": 0}


def event_words(table: str, rows: list[tuple[Any, ...]]) -> Words:
    """Return the words of event rows of (ts_ns, values...), shape (columns, rows)."""
    sides = [side for _, side in EVENTS[table]]
    words = np.empty((len(sides), len(rows)), np.int64)
    for k, side in enumerate(sides):
        words[k].view(KINDS[side])[:] = [row[k] for row in rows]
    return words


def named_columns(table: str, words: Words) -> Columns:
    """Return the columns of an event table by name, as views of its words."""
    sides = [side for _, side in EVENTS[table]]
    names = PANEL_SCHEMAS[table].names
    return {n: row.view(KINDS[side]) for n, row, side in zip(names, words, sides, strict=True)}


def to_batch(
    table: str, columns: Columns, symbols: pa.Array, schemas: Schemas = SCHEMAS
) -> pa.RecordBatch:
    """Return a record batch of a table's schema from raw columns.

    `symbols` are the names of the run's instruments, in order.
    """
    schema = schemas[table]
    arrays = [
        _array(values, kind.type, symbols if kind.type == SYMBOL else NAME_VALUES.get((table, n)))
        for (n, values), kind in zip(columns.items(), schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: NDArray[Any], kind: pa.DataType, names: pa.Array | None = None) -> pa.Array:
    if kind in (NAMED, SYMBOL):
        # Not pa.array: it imports pandas where that is installed, for a quarter of a second.
        narrow = np.int8 if kind == NAMED else np.int16
        indices = _array(values.astype(narrow), kind.index_type)
        return pa.DictionaryArray.from_arrays(indices, names)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
