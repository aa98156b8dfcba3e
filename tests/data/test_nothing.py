"""Files without a row are refused by jobs; objects without one, and empty ranges, are not."""

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from admf_fast import backtest, prove
from admf_fast.config import parse_config
from admf_fast.data import BarSpec
from admf_fast.errors import BarError, DataFileError
from admf_fast.feeds import LineSource

LINE = '{"ts": %d, "open": 1, "high": 2, "low": 1, "close": %d, "volume": 9}'
MINUTE_NS = 60 * 10**9


def _config(folder, path: str, more: str = ""):
    text = f"bars: {{{path} symbol: X, timeframe: 1m, stamp: open{more}}}\n"
    text += "strategy: {kernel: buy_and_hold}\n"
    return parse_config(text, name="x.yaml", format="yaml", base_dir=str(folder))


@pytest.mark.parametrize("name", ["bars.csv", "bars.parquet"])
@pytest.mark.parametrize("job", [lambda c: backtest(c, write=False), prove])
def test_d16_a_file_without_rows_is_no_run(kit, tmp_path, name, job):
    write = pa_csv.write_csv if name.endswith("csv") else pq.write_table
    write(kit.table(0), tmp_path / name)
    with pytest.raises(DataFileError, match=rf"{name}: expected bars, found no rows"):
        job(_config(tmp_path, f"path: {name},"))


def test_d16_an_object_without_rows_and_an_empty_range_are_runs(kit, tmp_path):
    pq.write_table(kit.table(12), tmp_path / "bars.parquet")
    later = _config(tmp_path, "path: bars.parquet,", ", start: 2050-01-01")

    assert backtest(later, write=False).result.bars == 0
    assert backtest(_config(tmp_path, ""), kit.table(0), write=False).result.bars == 0


def _lines(*bars: tuple[int, int]) -> list[bytes]:
    return [(LINE % bar).encode() for bar in bars]


def _times(source: LineSource) -> list[int]:
    return [int(block.ts_ns[0]) for block in source.blocks()]


def test_live_bars_off_the_grid_meet_the_declared_policy():
    lines = _lines((MINUTE_NS, 2), (2 * MINUTE_NS + 5, 2), (3 * MINUTE_NS, 2))
    spec = {"timeframe": "1m", "stamp": "close"}

    with pytest.raises(BarError, match=r"00:02:00\.000000005Z: is off the grid of 1m bars"):
        _times(LineSource(lines, BarSpec(**spec)))
    dropping = LineSource(lines, BarSpec(**spec, off_grid="drop"))
    assert _times(dropping) == [MINUTE_NS, 3 * MINUTE_NS]
    assert (dropping.report().dropped, dropping.report().rows_read) == ({"off_grid": 1}, 3)
    keeping = LineSource(lines, BarSpec(**spec, off_grid="keep"))
    assert _times(keeping) == [MINUTE_NS, 2 * MINUTE_NS + 5, 3 * MINUTE_NS]
    assert keeping.report().off_grid_kept == 1


def test_exact_copies_of_a_live_bar_are_dropped_where_declared():
    lines = _lines((MINUTE_NS, 2), (MINUTE_NS, 2), (MINUTE_NS, 1))
    spec = {"timeframe": "1m", "stamp": "close"}

    for duplicates, reason in (
        ("refuse", "line 2: .* found a second; the bar was not taken"),
        ("drop", "line 3: .* found a second: close is 1.0, before it was 2.0"),
    ):
        with pytest.raises(BarError, match=reason):
            _times(LineSource(lines, BarSpec(**spec, duplicates=duplicates)))
    assert _times(LineSource(lines[:2], BarSpec(**spec, duplicates="drop"))) == [MINUTE_NS]
