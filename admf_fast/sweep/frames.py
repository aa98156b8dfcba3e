"""Results as a frame of the library that the bars came in."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from admf_fast.config import Config, validate
from admf_fast.sweep.run import run_sweep


def sweep_frame(
    config: Config, data: object | None, *, out: Any = None, threads: int | None = None
) -> Any:
    """Run a sweep and return its rows; see `admf_fast.sweep.sweep`."""
    checked = validate(config)
    if out is not None:
        path = Path(out)
        run_sweep(checked, path, data, threads=threads)
        return _alike(pq.read_table(path), data)
    with tempfile.TemporaryDirectory(prefix="admf-sweep-") as folder:
        path = Path(folder, "sweep.parquet")
        run_sweep(checked, path, data, threads=threads)
        return _alike(pq.read_table(path), data)


def _alike(table: pa.Table, data: object | None) -> Any:
    """Return a table as what `data` is; a mapping is what its first value is."""
    one = next(iter(data.values()), None) if isinstance(data, Mapping) else data
    library = type(one).__module__.partition(".")[0]
    if library == "polars":
        import polars

        return polars.from_arrow(table)
    return table.to_pandas() if library == "pandas" else table
