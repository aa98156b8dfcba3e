"""What the engine costs: a bracket on every position, and twenty instruments with one cash."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from admf_fast.config import parse_config
from admf_fast.data import (
    BarBlock,
    SynthSpec,
    concat_blocks,
    concat_panels,
    merge_blocks,
    open_bars,
    synth_blocks,
)
from admf_fast.runners.historical import run_historical
from admf_fast.runners.panel_runner import run_panel
from admf_fast.runners.panel_setup import prepare_panel
from admf_fast.runners.setup import prepare
from bench.bars import SEED, TIMEFRAME, arrow_of, bars_of
from bench.figure import Figure, Scale
from bench.timing import fastest_s

BRACKET_GOAL_NS = 120.0
PANEL_GOAL_NS = 60.0
INSTRUMENTS = 20
BRACKET = """\
bars: {timeframe: 1m, stamp: close, symbol: SYNTH, calendar: XNYS}
strategy: {kernel: sma_cross, params: {fast: 20, slow: 100}}
sizing: {kind: percent, percent: 50}
exits:
  stop_loss: {percent: 1}
  take_profit: {percent: 2}
  trailing_stop: {percent: 1.5}
  session_end: {minutes: 5}
costs: {fee_bps: 2, slippage_bps: 1}
"""
PANEL = """\
strategy: {kernel: sma_cross, params: {fast: 20, slow: 100}}
sizing: {kind: percent, percent: 5}
costs: {fee_bps: 2, slippage_bps: 1}
instruments:
"""


def bracket_run(count: int) -> Callable[[], Any]:
    """Return the run of brackets from Arrow batches to Arrow tables."""
    config = parse_config(BRACKET, name="bench.yaml", format="yaml", base_dir="")
    setup, table = prepare(config), _session_table(count)
    return lambda: run_historical(setup, open_bars(config.bars, table).blocks())


def panel_run(moments: int) -> Callable[[], Any]:
    """Return the run of `INSTRUMENTS` instruments over bars in memory, recording included."""
    legs = "".join(
        f"  - {{symbol: S{k}, bars: {{timeframe: 1m, stamp: close}}}}\n" for k in range(INSTRUMENTS)
    )
    config = parse_config(PANEL + legs, name="bench.yaml", format="yaml", base_dir="")
    setup, block = prepare_panel(config), bars_of(moments)
    blocks = [_scaled(block, 1.0 + 0.01 * k) for k in range(INSTRUMENTS)]
    panel = concat_panels(list(merge_blocks([iter([b]) for b in blocks])))
    return lambda: run_panel(setup, [panel])


def _scaled(block: BarBlock, factor: float) -> BarBlock:
    """Return other prices with the same times, moving apart as the bars go on."""
    drift = factor * np.exp((factor - 1.0) * 1e-6 * np.arange(len(block)))
    prices = (column * drift for column in (block.open, block.high, block.low, block.close))
    return BarBlock(block.ts_ns, *prices, block.volume)


def _session_table(count: int) -> pa.Table:
    """Return bars in the minutes of the sessions of New York, as UTC knows them in winter."""
    spec = SynthSpec(bars=count, seed=SEED, timeframe=TIMEFRAME, session="us")
    return arrow_of(concat_blocks(list(synth_blocks(spec))))


def measure(scale: Scale) -> list[Figure]:
    """Return ns per bar with brackets, and ns per bar of one of many instruments."""
    moments = max(scale.bars // INSTRUMENTS, 1)
    bracket, panel = "brackets, trailing stop, session end", f"{INSTRUMENTS} instruments, one cash"
    calls = {bracket: bracket_run(scale.bars), panel: panel_run(moments)}
    seconds = fastest_s(calls, scale.rounds)
    bars = {bracket: scale.bars, panel: moments * INSTRUMENTS}
    goals = {bracket: BRACKET_GOAL_NS, panel: PANEL_GOAL_NS}
    return [
        Figure("execution", name, 1e9 * seconds[name] / bars[name], "ns per bar", goal=goal)
        for name, goal in goals.items()
    ]
