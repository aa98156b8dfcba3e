"""What the tests of containers share: small configurations, bars, and containers that are heard."""

import itertools
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from admf_fast.config import Config, load_config
from admf_fast.containers import Container, EventRecorder
from admf_fast.data import BarBlock, BarSpec
from admf_kernels.testing import random_bars

EXAMPLES = Path(__file__).parents[2] / "examples"
SPEC = BarSpec(path="bars.parquet", symbol="X", timeframe="1m", stamp="close")


def config_of(example: str = "sma_cross", fast: int = 3, slow: int = 9, **more: Any) -> Config:
    """Return a shipped configuration for bars of X, with other averages."""
    shipped = load_config(EXAMPLES / f"{example}.yaml")
    strategy = replace(shipped.strategy, params={"fast": fast, "slow": slow})
    return replace(shipped, strategy=strategy, bars=more.pop("bars", SPEC), **more)


def block(count: int = 300, seed: int = 11) -> BarBlock:
    """Return random valid bars a minute apart."""
    return BarBlock(*random_bars(count, seed))


def heard(container: Container) -> EventRecorder:
    """Return a recorder of all events of a container."""
    recorder = EventRecorder()
    container.event_bus.subscribe_all(recorder.record)
    return recorder


def blocks(bars: BarBlock, cuts: list[int]) -> list[BarBlock]:
    """Return bars cut at these places."""
    at = [0, *sorted({cut % len(bars) for cut in cuts} - {0}), len(bars)]
    return [bars.slice(first, last) for first, last in itertools.pairwise(at)]


averages = st.tuples(st.integers(1, 12), st.integers(1, 12)).map(lambda p: (p[0], p[0] + p[1]))
examples = st.sampled_from(("sma_cross", "bracket"))
some_bars = st.builds(block, st.integers(1, 400), st.integers(0, 10**6))
