"""Small sweeps over shipped and made bars, and the stand-alone run of one of their sets."""

from pathlib import Path

import numpy as np

from admf_fast import backtest
from admf_fast.config import parse_config
from admf_fast.data import BarBlock
from admf_kernels.layout import pack

ROOT = Path(__file__).parents[2]
BASE = """\
bars: {path: ../data/AAPL_1d.parquet, timeframe: 1d, stamp: open}
strategy: {kernel: sma_cross, params: {fast: 10, slow: 50}}
account: {cash: 100000}
costs: {fee_bps: 2, slippage_bps: 1}
metrics: {periods_per_year: 252}
"""
# The form of examples/bracket.yaml.
EXITS = (
    BASE
    + """\
instrument: {tick_size: 0.01}
exits:
  stop_loss: {atr: 2}
  take_profit: [{atr: 2, part: 50}, {atr: 6, part: 50}]
  break_even: {atr: 1.5}
  trailing_stop: {atr: 3, start: 2}
  memory: none
sizing: {kind: risk, percent: 1, most_percent: 100}
"""
)
SMALL = """\
sweep:
  grid:
    strategy.params.fast: [5, 10, 20]
    strategy.params.slow: [15, 50]
    costs.fee_bps: [0, 2]
  where: fast < slow
"""


def config_of(text, base=BASE):
    """The configuration of a base and a section, as a file in examples/."""
    return parse_config(
        base + text, name="examples/x.yaml", format="yaml", base_dir=str(ROOT / "examples")
    )


def alone(variants, values, data=None):
    """Figures as bytes, and the digest of the signals, of the run of one set alone."""
    result = backtest(variants.config_at(values), data, write=False).result
    return pack(result.summary).tobytes(), result.layers["signals"]


def walk(bars, seed=1):
    """Bars of a random walk, daily."""
    random = np.random.Generator(np.random.Philox(seed))
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.02, bars)))
    open_ = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(open_, close) * 1.01
    low = np.minimum(open_, close) * 0.99
    ts_ns = 1_500_000_000_000_000_000 // 86_400_000_000_000 * 86_400_000_000_000
    times = ts_ns + 86_400_000_000_000 * np.arange(1, bars + 1)
    return BarBlock(times, open_, high, low, close, np.full(bars, 1000.0))
