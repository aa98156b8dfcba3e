"""Signals and trades that a sweep keeps are those of the runs alone."""

import polars as pl
import pyarrow as pa

from admf_fast import backtest
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.run import run_sweep
from admf_fast.sweep.variants import Variants
from tests.sweep.kit import EXITS, config_of

TEXT = """\
sweep:
  grid: {strategy.params.fast: [5, 10], exits.stop_loss.atr: [1, 2]}
  data: [../data/AAPL_1d.parquet, ../data/MSFT_1d.parquet]
  keep: [trades, signals]
"""


def test_kept_events_are_those_of_the_run_alone(tmp_path):
    config = config_of(TEXT, EXITS)
    files = []
    for k, size in enumerate((1, 3, None)):
        path = tmp_path / str(k) / "x.parquet"
        path.parent.mkdir()
        run_sweep(config, path, threads=2, chunk_sets=size)
        files.append({p.name: p.read_bytes() for p in path.parent.iterdir()})
    assert files[0] == files[1] == files[2]
    assert sorted(files[0]) == ["x.parquet", "x.signals.parquet", "x.trades.parquet"]

    space = space_of(config)
    variants, sets = Variants(config, space), space.sets()
    place = 2
    alone = backtest(variants.config_at(sets[place]), write=False).result  # on AAPL
    for name in ("signals", "trades"):
        table = pl.read_parquet(tmp_path / "0" / f"x.{name}.parquet")
        assert table.select("set", "symbol").unique(maintain_order=True).rows() == [
            (k, symbol) for k in range(4) for symbol in ("AAPL", "MSFT")
        ]
        rows = table.filter((pl.col("set") == place) & (pl.col("symbol") == "AAPL"))
        expected = pl.from_arrow(pa.table(alone.tables[name])).drop("symbol")
        assert rows.drop("set", "symbol").rows() == expected.rows()
        assert rows.height > 10
