"""The bars that ship with the project, and real bars of others where they are present."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from admf_fast.data import BarSpec, concat_blocks, describe, open_bars

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"
REAL = ROOT.parent / "shared" / "data"
DAY_NS = 86_400 * 10**9
ROWS = {"AAPL": 3270, "FB": 196, "GOOG": 2148, "IBM": 3270, "MSFT": 3270}


@pytest.mark.parametrize("symbol", ROWS)
def test_shipped_bars(symbol):
    source = open_bars(BarSpec(path=f"data/{symbol}_1d.parquet"), base_dir=ROOT)
    report = describe(source)
    assert (report.symbol, report.timeframe, report.stamp) == (symbol, "1d", "open")
    assert report.rows_kept == ROWS[symbol]
    assert report.dropped == {}
    assert report.files[0].verified


@pytest.mark.parametrize("symbol", ROWS)
def test_splits_are_undone(symbol):
    source = open_bars(BarSpec(path=str(DATA / f"{symbol}_1d.parquet")))
    bars = concat_blocks(list(source.blocks()))
    entry = next(
        e
        for e in json.loads((DATA / "manifest.json").read_text())["files"]
        if e["path"] == f"{symbol}_1d.parquet"
    )
    dates = (bars.ts_ns - DAY_NS).astype("datetime64[ns]")
    for split in entry["splits"]:
        (at,) = np.flatnonzero(dates == np.datetime64(split["date"]))
        assert abs(bars.close[at] / bars.close[at - 1] - 1) < 0.2


def test_shipped_bars_can_be_made_again(tmp_path):
    if importlib.util.find_spec("bokeh_sampledata") is None:
        pytest.skip("bokeh_sampledata is not installed")
    manifest = json.loads((DATA / "manifest.json").read_text())
    import pyarrow

    version = manifest["source"]["version"]
    if importlib.metadata.version("bokeh_sampledata") != version:
        pytest.skip(f"the bars were made from bokeh_sampledata {version}")
    if not manifest["made_by"].endswith(pyarrow.__version__):
        pytest.skip("another pyarrow may write other bytes")
    subprocess.run(
        [sys.executable, str(DATA / "make_bars.py"), "--out", str(tmp_path)],
        check=True,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'kernels'}", "PATH": ""},
    )
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (DATA / path.name).read_bytes(), path.name


def real_files():
    pattern = re.compile(r"_(1m|1h|4h|1d)(_|$)")
    for path in sorted(REAL.glob("*.parquet")) if REAL.is_dir() else []:
        yield pytest.param(path, pattern.search(path.stem)[1], id=path.stem)


@pytest.mark.skipif(not REAL.is_dir(), reason="the folder of real bars is not there")
@pytest.mark.parametrize(("path", "timeframe"), list(real_files()))
def test_real_bars(path, timeframe):
    stamp = "close" if path.stem.startswith("pat_") else "open"
    source = open_bars(BarSpec(path=str(path), timeframe=timeframe, stamp=stamp))
    report = describe(source)
    assert report.rows_kept == report.rows_read == source.rows_total
