"""What the tests of consistency share: a small live run, its bars, a shadow beside it."""

from typing import Any

from admf_fast.config import Config, parse_config
from admf_fast.consistency.shadow import RunnerSide, ShadowModeValidator
from admf_fast.data import BarBlock
from admf_fast.feeds import replay
from admf_fast.feeds.replay import Bar
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.recorder import NoSink
from admf_fast.runners.setup import prepare
from admf_kernels.testing import random_bars
from tests.engine.kit import block_of

BRACKET = """\
bars: {path: bars.parquet, symbol: X, timeframe: 1m, stamp: close}
instrument: {tick_size: 0.01}
strategy: {kernel: sma_cross, params: {fast: 5, slow: 20}}
exits:
  stop_loss: {atr: 2}
  take_profit: [{atr: 2, part: 50}, {atr: 6, part: 50}]
  break_even: {atr: 1.5}
  trailing_stop: {atr: 3, start: 2}
  memory: none
sizing: {kind: risk, percent: 1, most_percent: 100}
costs: {fee_per_share: 0.005, fee_minimum: 1, slippage_bps: 1, spread_ticks: 1}
"""
PLAIN = """\
bars: {path: bars.parquet, symbol: X, timeframe: 1m, stamp: close}
strategy: {kernel: sma_cross, params: {fast: 5, slow: 20}}
costs: {fee_bps: 2}
"""


def config_of(text: str = PLAIN, **changed: str) -> Config:
    """Return a configuration, with texts of it replaced."""
    for old, new in changed.items():
        assert old in text
        text = text.replace(old, new)
    return parse_config(text, name="live", format="yaml", base_dir="")


def bars_of(count: int, seed: int = 1) -> list[Bar]:
    """Return random bars one by one."""
    return list(replay([block(count, seed)]))


def block(count: int, seed: int = 1) -> BarBlock:
    """Return random bars as a block."""
    return block_of(random_bars(count, seed))


def live_runner(text: str = PLAIN) -> LiveRunner:
    """Return a fresh live runner."""
    return LiveRunner(prepare(config_of(text)), sink=NoSink())


def warm_shadow(text: str, bars: list[Bar]) -> RunnerSide:
    """Return a shadow that has taken some bars."""
    runner = live_runner(text)
    for bar in bars:
        runner.step(*bar)
    return RunnerSide(runner)


def run(validator: ShadowModeValidator, bars: list[Bar]) -> list[Any]:
    """Let a validator take bars; returns the live answers."""
    return [validator.step(*bar) for bar in bars]
