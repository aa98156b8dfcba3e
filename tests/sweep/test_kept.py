"""Signals, trades and equity that a sweep keeps are those of the runs alone."""

import itertools

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast import backtest
from admf_fast.errors import StateError
from admf_fast.sweep import kept as keeping
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.kept import DAY_NS, EquitySamples, Kept
from admf_fast.sweep.run import run_sweep
from admf_fast.sweep.variants import Variants
from tests.sweep.kit import BASE, EXITS, config_of

TEXT = """\
sweep:
  grid: {strategy.params.fast: [5, 10], exits.stop_loss.atr: [1, 2]}
  data: [../data/AAPL_1d.parquet, ../data/MSFT_1d.parquet]
  keep: [trades, signals, equity]
  equity_every: 100
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
    names = ["equity", "signals", "trades"]
    assert sorted(files[0]) == sorted(["x.parquet", *(f"x.{name}.parquet" for name in names)])

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


def sampled(table, every):
    """Times and equity of a run alone where they are looked at, and have changed."""
    ts_ns, equity = (table[n].cast(pa.int64()) if n == "ts" else table[n] for n in ("ts", "equity"))
    ts_ns, equity = ts_ns.to_numpy(), equity.to_numpy()
    days = (ts_ns - 1) // DAY_NS
    if every == "day":
        looked = np.append(days[1:] != days[:-1], True)
    else:
        looked = np.arange(1, len(ts_ns) + 1) % every == 0
        looked[-1] = True
    ts_ns, equity = ts_ns[looked], equity[looked]
    changed = np.concatenate([[100_000.0], equity[:-1]]) != equity
    return ts_ns[changed].tobytes(), equity[changed].tobytes()


@pytest.mark.parametrize(("every", "held_bytes"), [("day", 2**25), (1, 3000), (7, 1000)])
def test_kept_equity_is_that_of_the_run_alone_where_it_changes(
    every, held_bytes, tmp_path, monkeypatch
):
    monkeypatch.setattr(keeping, "HELD_BYTES", held_bytes)
    text = "sweep:\n  grid: {strategy.params.fast: [5, 10, 20]}\n  keep: [equity, trades]\n"
    config = config_of(f"{text}  equity_every: {every}\n")
    run_sweep(config, tmp_path / "x.parquet", threads=1)
    variants = Variants(config, space_of(config))
    table = pq.read_table(tmp_path / "x.equity.parquet")
    numbers = table["set"].to_numpy()
    assert (np.diff(numbers) >= 0).all()
    for place, values in enumerate(space_of(config).sets()):
        alone = backtest(variants.config_at(values), write=False).result
        rows = table.filter(numbers == place)
        found = rows["ts"].cast(pa.int64()).to_numpy(), rows["equity"].to_numpy()
        assert tuple(part.tobytes() for part in found) == sampled(alone.tables["equity"], every)
    assert not [*tmp_path.glob("*.work")]


@given(
    st.lists(st.integers(1, DAY_NS // 3), min_size=1, max_size=60), st.lists(st.integers(0, 60)),
    st.sampled_from(("day", 1, 4)),
)  # fmt: skip
def test_samples_are_due_wherever_the_bars_are_cut(steps, cuts, every):
    ts_ns = np.cumsum(np.array(steps, np.int64))
    samples = EquitySamples(every, np.zeros(1), Kept())
    edges = sorted({0, len(ts_ns), *(cut for cut in cuts if cut < len(ts_ns))})
    found = []
    for first, last in itertools.pairwise(edges):
        found += [first + place for place in samples.due(ts_ns[first:last]).tolist()]
    days = (ts_ns - 1) // DAY_NS
    expected = [
        k
        for k in range(1, len(ts_ns))
        if (days[k] != days[k - 1] if every == "day" else k % every == 0)
    ]
    assert found == expected


def test_events_of_a_lane_come_back_in_order_however_often_they_are_spilled(monkeypatch, tmp_path):
    random = np.random.Generator(np.random.Philox(3))
    whole = Kept(tmp_path)
    monkeypatch.setattr(keeping, "HELD_BYTES", 300)
    spilled = Kept(tmp_path)
    for _ in range(50):
        words = random.integers(-9, 9, (3, int(random.integers(1, 6))))
        lane = int(random.integers(0, 4))
        whole.add(lane, "trades", words)
        spilled.add(lane, "trades", words)
    for lane in range(4):
        assert (whole.words(lane, "trades") == spilled.words(lane, "trades")).all()
    assert spilled.words(9, "trades") is None
    assert not [*tmp_path.iterdir()]


def test_kept_events_without_room_are_one_error(monkeypatch, tmp_path):
    monkeypatch.setattr(keeping, "HELD_BYTES", 10)
    kept = Kept(tmp_path / "nowhere")
    with pytest.raises(StateError, match="events cannot be written"):
        kept.add(0, "trades", np.zeros((2, 9), np.int64))


def test_a_damaged_part_of_events_is_made_again(tmp_path):
    text = "sweep:\n  grid: {strategy.params.fast: [5, 10, 20, 30]}\n  keep: [equity]\n"

    def stop(watched):
        if watched.chunks >= 3:
            raise KeyboardInterrupt

    config = config_of(text, BASE)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(config, tmp_path / "x.parquet", threads=1, chunk_sets=1, progress=stop)
    part = min((tmp_path / "x.parquet.work").glob("*.equity.parquet"))
    content = bytearray(part.read_bytes())
    content[len(content) // 3] ^= 1
    part.write_bytes(content)
    run_sweep(config, tmp_path / "x.parquet")
    run_sweep(config, tmp_path / "y.parquet")
    found = [(tmp_path / f"{n}.equity.parquet").read_bytes() for n in "xy"]
    assert found[0] == found[1]
