"""Longer timeframes and calendars in a configuration: checked, proven, recorded."""

import numpy as np
import pytest

from admf_fast.config import parse_config
from admf_fast.data import BarBlock
from admf_fast.errors import ConfigError
from admf_fast.parity.proving import prove_bars
from admf_fast.runners.historical import run_historical
from admf_fast.runners.setup import prepare
from admf_kernels import on, strategy
from admf_kernels.indicators import sma
from admf_kernels.testing import random_bars

TREND = '''
from typing import NamedTuple

from admf_kernels import on, strategy
from admf_kernels.indicators import atr, ema, session_vwap, sma


class Params(NamedTuple):
    fast: int = 3
    slow: int = 8


@strategy(
    params=Params,
    features=lambda p: {
        "hour": on("1h", sma(p.slow)),
        "quarter": ema(p.fast, of=on("15m", sma(p.fast))),
        "day": on("1d", session_vwap()),
        "own": sma(p.fast),
    },
)
def trend(hour, quarter, day, own, minutes_left):
    """Long above all averages, in the session only. First signal: when all have closed."""
    above = quarter > hour and own > day * 0.9
    return 1.0 if above and minutes_left > 1.0 else 0.0
'''


def config_of(more="", kernel="sma_cross", base_dir="", bars="timeframe: 1m, calendar: XNYS"):
    text = f"bars: {{path: bars.parquet, symbol: X, {bars}, stamp: close}}\n"
    text += f"strategy: {{kernel: '{kernel}'}}\n{more}"
    return parse_config(text, name="x.yaml", format="yaml", base_dir=base_dir)


def minutes(count, kept=1.0):
    """Bars of a minute through days and nights, some of them missing."""
    drawn = random_bars(count, 7)
    start = np.datetime64("2024-10-30T12:00", "ns").astype(np.int64)
    ts_ns = start + 60 * 10**9 * np.arange(1, count + 1)
    chosen = np.random.default_rng(3).random(count) < kept
    return BarBlock(ts_ns[chosen], *(np.ascontiguousarray(c[chosen]) for c in drawn[1:]))


@pytest.mark.parametrize(("calendar", "kept"), [("XNYS", 1.0), ("CME", 0.9), ("24/7", 0.2)])
def test_every_way_of_running_is_the_same(tmp_path, calendar, kept):
    """Through a change of the clocks; with a fifth of the bars hardly any bucket is whole."""
    (tmp_path / "trend_module.py").write_text(TREND)
    bars = f"timeframe: 1m, calendar: {calendar}"
    config = config_of(kernel="trend_module:trend", base_dir=str(tmp_path), bars=bars)

    setup = prepare(config)
    proof = prove_bars(setup, minutes(9000, kept))

    assert proof.identical, str(proof.difference)
    assert run_historical(setup, [minutes(9000, kept)]).summary.trades > 0


FEATURES = """
features:
  - {name: slow, kernel: sma, params: {period: 3}, timeframe: 1h}
  - {name: smooth, kernel: ema, params: {period: 2}, inputs: [slow]}
  - {name: reach, kernel: atr, timeframe: 15m}
"""


def test_features_of_a_configuration_have_a_timeframe():
    setup = prepare(config_of(FEATURES))

    labels = [output.label for output in setup.features.values()]
    assert labels[0] == "on(1h, sma(3))"
    assert labels[1] == "ema(2, of=on(1h, sma(3)))"
    assert labels[2].startswith("on(15m, atr(")
    assert prove_bars(setup, minutes(1500)).identical


@strategy(features=lambda p: {"x": on("5m", sma(3))})
def every_five(x: float) -> float:
    return 1.0


@pytest.mark.parametrize(
    ("more", "bars", "message"),
    [
        ("7m", "timeframe: 1m", r"x.yaml:4: features\[0\].timeframe: expected one of .*found '7m'"),
        ("1h", "timeframe: 1d", r"x.yaml:4: .*several whole bars of bars.timeframe 1d, found 1h"),
        ("3m", "timeframe: 2m", "several whole bars of bars.timeframe 2m, found 3m"),
        ("1m", "timeframe: 1m", "several whole bars of bars.timeframe 1m, found 1m"),
    ],
)
def test_a_timeframe_that_cannot_be_made_is_refused(more, bars, message):
    text = f"features:\n  - {{name: a, kernel: sma, timeframe: {more}}}\n"
    with pytest.raises(ConfigError, match=message):
        config_of(text, bars=bars)


def test_one_of_a_strategy_is_refused_as_well():
    config = config_of(
        kernel="tests.engine.test_longer_timeframes:every_five", bars="timeframe: 1h"
    )
    with pytest.raises(ConfigError, match=r"x.yaml:2: .*whole bars of bars.timeframe 1h, found 5m"):
        prepare(config)


def test_a_session_on_longer_bars_needs_a_calendar():
    text = "features: [{name: a, kernel: session_vwap, timeframe: 1h}]"
    with pytest.raises(ConfigError, match="session come from the sessions of a market"):
        prepare(config_of(text, bars="timeframe: 1m"))
