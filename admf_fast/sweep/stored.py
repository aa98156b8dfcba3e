"""Files of stored signals: what each set of a strategy wanted, as changes, on some bars.

The signals are those of the strategy alone, whatever the account did, and so stand for it
under any exits, sizes and costs. ``admf.signals`` in the file's metadata says what they are of.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import UNSET
from numpy.typing import NDArray

from admf_fast.atomic import atomic_file
from admf_fast.errors import StateError
from admf_fast.events.schemas import TS
from admf_fast.sweep.arrays import numbers_of
from admf_fast.sweep.digest import TableDigest
from admf_kernels.recorded import Params, Recorded, recorded_of

FORMAT = 1
METADATA = "admf.signals"
SCHEMA = pa.schema(
    [
        ("set", pa.int64()),
        ("symbol", pa.string()),
        pa.field("ts", TS, nullable=False),
        pa.field("signal", pa.float64(), nullable=False),
    ]
)
GROUPS_KEPT = 16  # row groups in memory, 1.5 MB each

Changes = tuple[NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Stored:
    """What a file of stored signals says about itself.

    Attributes
    ----------
    names, keys : tuple of str
        The parameters of the strategy that differ from set to set.
    sets : tuple of tuples
        Their values; UNSET where not in force.
    errors : dict of str by (set, symbol)
        Why a set has no signals on a symbol.
    bars : dict of str by symbol
        Digests of the bars.
    meaning : dict
        What the signals were made by.
    digest : str
        Of all changes.
    """

    path: Path
    names: tuple[str, ...]
    keys: tuple[str, ...]
    sets: tuple[tuple[Any, ...], ...]
    errors: Mapping[tuple[int, str], str]
    bars: Mapping[str, str]
    meaning: Mapping[str, Any]
    digest: str


def write_stored(
    path: Path, tables: Iterator[pa.Table], about: Mapping[str, Any]
) -> tuple[str, int]:
    """Write changes in the order of the sets; returns their digest, and how many there are.

    `about` goes into the metadata.
    """
    digest, changes = TableDigest(), 0
    with (
        atomic_file(path) as written,
        pq.ParquetWriter(
            written, SCHEMA, compression="zstd", write_page_checksum=True,
            use_dictionary=["set", "symbol", "signal"],
            column_encoding={"ts": "DELTA_BINARY_PACKED"},
        ) as writer,
    ):  # fmt: skip
        for table in tables:
            changed = table.select(SCHEMA.names)
            digest.update(changed)
            changes += changed.num_rows
            writer.write_table(changed)
        said = {"format": FORMAT, **about, "digest": digest.hexdigest()}
        writer.add_key_value_metadata({METADATA: json.dumps(said, sort_keys=True)})
    return digest.hexdigest(), changes


def read_stored(path: Path) -> Stored:
    """Return what a file of stored signals says about itself; StateError if it is none."""
    try:
        metadata = pq.read_metadata(path).metadata or {}
        about = json.loads(metadata[METADATA.encode()])
        if about["format"] != FORMAT:
            raise ValueError(f"format {about['format']}; this version reads {FORMAT}")
        return _stored(path, about)
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
        reason = "something else" if isinstance(error, KeyError) else str(error)
        raise StateError(
            f"{path}: expected signals stored by admf sweep --signals, found {reason}"
        ) from error


def _stored(path: Path, about: Mapping[str, Any]) -> Stored:
    sets = tuple(tuple(UNSET if v is None else v for v in values) for values in about["sets"])
    return Stored(
        path,
        tuple(param["name"] for param in about["params"]),
        tuple(param["key"] for param in about["params"]),
        sets,
        {(k, symbol): text for k, symbol, text in about["errors"]},
        about["bars"],
        about["meaning"],
        about["digest"],
    )


@dataclass(slots=True)
class Playback:
    """The signals of one symbol, read from the file as they are asked for."""

    stored: Stored
    symbol: str
    _lock: Lock = field(default_factory=Lock)
    _file: Any = None
    _group: Any = None

    def __post_init__(self) -> None:
        self._file = pq.ParquetFile(self.stored.path, page_checksum_verification=True)
        self._group = lru_cache(GROUPS_KEPT)(self._read_group)

    def played(self, params: Sequence[Params]) -> tuple[list[Params], Recorded]:
        """Return lanes' params with series numbered from 0, and these series."""
        numbers = {p.series: 0 for p in params}
        series = []
        for k, number in enumerate(numbers):
            numbers[number] = k
            series.append(self.changes(number))
        return [Params(numbers[p.series]) for p in params], recorded_of(series)

    def changes(self, number: int) -> Changes:
        """Return times and signals of one set; StateError for a damaged file."""
        with self._lock:
            try:
                parts = [self._part(number, group) for group in self._groups_of(number)]
            except (OSError, pa.ArrowException) as error:
                raise StateError(f"{self.stored.path}: is damaged: {error}") from error
        times = np.concatenate([np.zeros(0, np.int64), *(part[0] for part in parts)])
        return times, np.concatenate([np.zeros(0), *(part[1] for part in parts)])

    def _groups_of(self, number: int) -> list[int]:
        metadata = self._file.metadata
        found = []
        for group in range(metadata.num_row_groups):
            if metadata.row_group(group).num_rows:
                edges = metadata.row_group(group).column(0).statistics
                if edges.min <= number <= edges.max:
                    found.append(group)
        return found

    def _part(self, number: int, group: int) -> Changes:
        sets, times, signals = self._group(group)
        rows = slice(*np.searchsorted(sets, [number, number + 1]))
        return times[rows], signals[rows]

    def _read_group(self, group: int) -> tuple[NDArray[Any], ...]:
        """Return sets, times and signals of the symbol's rows of a row group."""
        table = self._file.read_row_group(group)
        table = table.filter(pc.equal(table["symbol"], self.symbol))
        columns = table["set"], table["ts"].cast(pa.int64()), table["signal"]
        return tuple(numbers_of(column) for column in columns)
