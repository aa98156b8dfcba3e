"""What the tests of the data layer share: small valid tables and ways to write and read them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from admf_fast.data import BarBlock, BarDigest, BarSpec, concat_blocks, open_bars

MINUTE_NS = 60 * 10**9
START_NS = 1_704_067_200 * 10**9  # 2024-01-01
NAMES = ("timestamp", "open", "high", "low", "close", "volume")


class Kit:
    """Helpers, and a fresh path whenever one is asked for (Hypothesis runs a test many times)."""

    minute_ns = MINUTE_NS
    start_ns = START_NS

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = itertools.count()

    def path(self, name: str = "bars.parquet") -> Path:
        folder = self._folder / str(next(self._count))
        folder.mkdir()
        return folder / name

    def columns(self, rows: int = 12, step_ns: int = MINUTE_NS) -> dict[str, np.ndarray]:
        at = np.arange(rows)
        open_ = 100.0 + at % 7
        close = 100.0 + (at * 3) % 5
        return {
            "timestamp": START_NS + at * step_ns,
            "open": open_,
            "high": np.maximum(open_, close) + 0.5,
            "low": np.minimum(open_, close) - 0.25,
            "close": close,
            "volume": 10.0 * at,
        }

    def table(self, columns: dict[str, np.ndarray] | int = 12) -> pa.Table:
        if isinstance(columns, int):
            columns = self.columns(columns)
        arrays = {name: pa.array(column) for name, column in columns.items()}
        if arrays["timestamp"].type == pa.int64():
            arrays["timestamp"] = arrays["timestamp"].cast(pa.timestamp("ns", "UTC"))
        return pa.table(arrays)

    def write(self, table: pa.Table, name: str = "bars.parquet", **options: object) -> Path:
        path = self.path(name)
        pq.write_table(table, path, write_page_checksum=True, **options)
        return path

    def spec(self, path: object = "", **changes: object) -> BarSpec:
        shown = [str(p) for p in path] if isinstance(path, list) else str(path)
        return BarSpec(
            **{"path": shown, "symbol": "X", "timeframe": "1m", "stamp": "open", **changes}
        )

    def read(self, source: object, **changes: object) -> BarBlock:
        """Read paths, or any object, with a valid spec changed by `changes`."""
        if isinstance(source, (str, Path, list)) and not _is_batches(source):
            opened = open_bars(self.spec(source, **changes))
        else:
            opened = open_bars(self.spec(**changes), source)
        return concat_blocks(list(opened.blocks()))

    def digest(self, block: BarBlock) -> str:
        digest = BarDigest()
        digest.update(block)
        return digest.hexdigest()


def _is_batches(source: object) -> bool:
    return isinstance(source, list) and bool(source) and isinstance(source[0], pa.RecordBatch)


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return Kit(tmp_path_factory.mktemp("kit"))
