"""Makes the daily bars of this folder from the PyPI package bokeh_sampledata.

    python data/make_bars.py [--out FOLDER]

The source's prices are as traded, unadjusted. Here splits are undone, so that a split is no loss of
half the money: prices before a 2:1 split are divided by 2 and volumes multiplied by 2, which is
exact in binary floating point. Dividends are not adjusted. Splits are found where the source's own
adjustment factor (adjusted over raw close) jumps by an integer. Everything done to a row stands in
manifest.json. The same package and pyarrow give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from admf_fast.atomic import atomic_file
from admf_fast.data.block import BarBlock
from admf_fast.data.manifest import MANIFEST_FORMAT, MANIFEST_NAME
from admf_fast.data.source import open_bars
from admf_fast.data.spec import NS_PER_DAY, NS_PER_S, BarSpec, format_ts
from admf_fast.data.store import bars_schema, to_batch, writer_options

PACKAGE = "bokeh_sampledata"
MODULE = "stocks"
SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
DECLARED = BarSpec(timeframe="1d", stamp="open")
_SPLIT_TOLERANCE = 1e-6


def main() -> int:
    """Write one Parquet file for each symbol, and the manifest."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    out = parser.parse_args().out
    version = importlib.metadata.version(PACKAGE)
    entries = [_make(symbol, out, f"{PACKAGE} {version}") for symbol in SYMBOLS]
    manifest = {
        "format": MANIFEST_FORMAT,
        "source": {
            "package": PACKAGE,
            "version": version,
            "module": f"{PACKAGE}.{MODULE}",
            "origin": "Quandl WIKI Prices, as archived; values as supplied by the source",
            "licence": _licence(),
            "licence_recorded_in": "licenses/datasets.json and the module's docstring",
        },
        "made_by": f"data/make_bars.py with pyarrow {pa.__version__}",
        "prices": "split-adjusted to the last bar, dividends not adjusted",
        "files": entries,
    }
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    with atomic_file(out / MANIFEST_NAME) as temporary:
        temporary.write_bytes(text + b"\n")
    return 0


def _make(symbol: str, out: Path, source: str) -> dict[str, Any]:
    """Write the bars of one symbol and return its entry of the manifest."""
    import bokeh_sampledata.stocks

    rows = getattr(bokeh_sampledata.stocks, symbol)
    splits = _find_splits(rows)
    bars, repaired = _repair(_undo_splits(rows, splits), rows["date"])
    schema = bars_schema(DECLARED, symbol, source)
    path = out / f"{symbol}_1d.parquet"
    with (
        atomic_file(path) as temporary,
        pq.ParquetWriter(temporary, schema, **writer_options()) as writer,
    ):
        writer.write_batch(to_batch(bars, schema, NS_PER_DAY))
    kept = sum(len(block) for block in open_bars(BarSpec(path=str(path))).blocks())
    assert kept == len(bars), "every row that is shipped passes validation"
    return {
        "path": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "rows": len(bars),
        "first": format_ts(int(bars.ts_ns[0]) - NS_PER_DAY),
        "last": format_ts(int(bars.ts_ns[-1]) - NS_PER_DAY),
        "stamp": DECLARED.stamp,
        "timeframe": DECLARED.timeframe,
        "splits": [{"date": rows["date"][at], "ratio": ratio} for at, ratio in splits],
        "repaired": repaired,
    }


def _find_splits(rows: dict[str, list[Any]]) -> list[tuple[int, int]]:
    """Return (row, ratio) of each split: the first bar at the new price, and new per old share."""
    factor = np.array(rows["adj_close"]) / np.array(rows["close"])
    ratios = factor[1:] / factor[:-1]
    whole = np.rint(ratios)
    splits = (whole >= 2) & (np.abs(ratios / whole - 1) < _SPLIT_TOLERANCE)
    return [(int(at) + 1, int(whole[at])) for at in np.flatnonzero(splits)]


def _undo_splits(rows: dict[str, list[Any]], splits: list[tuple[int, int]]) -> BarBlock:
    divisor = np.ones(len(rows["date"]))
    for at, ratio in splits:
        assert ratio & (ratio - 1) == 0, "only powers of two divide exactly"
        divisor[:at] *= ratio
    opens_s = [int(datetime.fromisoformat(d).replace(tzinfo=UTC).timestamp()) for d in rows["date"]]
    return BarBlock(
        np.array(opens_s) * NS_PER_S + NS_PER_DAY,
        np.array(rows["open"]) / divisor,
        np.array(rows["high"]) / divisor,
        np.array(rows["low"]) / divisor,
        np.array(rows["close"]) / divisor,
        np.array(rows["volume"], np.float64) * divisor,
    )


def _repair(bars: BarBlock, dates: list[str]) -> tuple[BarBlock, list[dict[str, Any]]]:
    """Widen high and low to hold open and close; return what was changed, row by row."""
    high = np.maximum.reduce([bars.open, bars.high, bars.low, bars.close])
    low = np.minimum.reduce([bars.open, bars.high, bars.low, bars.close])
    changes = [
        {"row": int(at), "date": dates[at], "column": name, "old": float(old[at]), "new": new[at]}
        for name, old, new in (("high", bars.high, high), ("low", bars.low, low))
        for at in np.flatnonzero(old != new)
    ]
    return BarBlock(bars.ts_ns, bars.open, high, low, bars.close, bars.volume), changes


def _licence() -> str:
    """Return the licence that the package records for its module of stocks."""
    files = importlib.metadata.files(PACKAGE) or []
    inventory = next(file for file in files if file.name == "datasets.json")
    datasets = msgspec.json.decode(inventory.read_text())["datasets"]
    entry = next(d for d in datasets if d["module"] == MODULE)
    return str(entry["recorded_license"])


if __name__ == "__main__":
    sys.exit(main())
