"""The bars that everything is measured on: synthetic one-minute bars, always the same."""

import functools
from pathlib import Path

import numpy as np
import pyarrow as pa

from admf_fast.config import Config, parse_config
from admf_fast.data import BarBlock, SynthSpec, concat_blocks, synth_blocks, write_synth

SEED = 7
TIMEFRAME = "1m"
BATCH_BARS = 65_536  # rows of an Arrow batch in memory
CONFIG = """\
bars: {{path: "{path}", timeframe: 1m, stamp: close, symbol: SYNTH}}
strategy: {{kernel: sma_cross, params: {{fast: 20, slow: 100}}}}
account: {{cash: 100000}}
costs: {{fee_bps: 2, slippage_bps: 1}}
"""


@functools.cache
def bars_of(count: int) -> BarBlock:
    """Return `count` bars as one block of numpy columns."""
    return concat_blocks(list(synth_blocks(SynthSpec(bars=count, seed=SEED, timeframe=TIMEFRAME))))


@functools.cache
def table_of(count: int) -> pa.Table:
    """Return `count` bars as an Arrow table of several batches, stamped at the close."""
    return arrow_of(bars_of(count))


def arrow_of(bars: BarBlock) -> pa.Table:
    """Return bars as an Arrow table of several batches, stamped at the close."""
    stamps = pa.array(bars.ts_ns).cast(pa.timestamp("ns", "UTC"))
    names = ("open", "high", "low", "close", "volume")
    values = (np.asarray(getattr(bars, n)) for n in names)
    columns = {"timestamp": stamps, **dict(zip(names, map(pa.array, values), strict=True))}
    return pa.Table.from_batches(pa.table(columns).to_batches(max_chunksize=BATCH_BARS))


def parquet_of(folder: Path, count: int) -> Path:
    """Return a Parquet file of `count` bars in `folder`, written block by block once."""
    path = folder / f"bars-{count}.parquet"
    if not path.exists():
        write_synth(SynthSpec(bars=count, seed=SEED, timeframe=TIMEFRAME), path)
    return path


def config_for(path: Path | None = None) -> Config:
    """Return the configuration of the measured run: `path` in, or bars handed over."""
    text = CONFIG.format(path=path or "")
    if path:
        text = text.replace("stamp: close", "stamp: open")  # as the generator writes them
    return parse_config(
        text, name="bench.yaml", format="yaml", base_dir=str(path.parent if path else "")
    )
