"""What the tests of live runs share: a small configuration, bars, a clock that is told the time."""

import functools
from pathlib import Path
from typing import Any

from admf_fast.config import Config, parse_config
from admf_fast.journal.messages import BarInput
from admf_fast.live.changes import Setups
from admf_fast.live.clock import WALL_NS_MIN
from admf_fast.live.run import LiveRun
from admf_fast.runners.setup import Setup, prepare
from admf_kernels.testing import random_bars

CONFIG = """\
bars: {path: bars.parquet, symbol: X, timeframe: 1m, stamp: close}
strategy: {kernel: sma_cross, params: {fast: 2, slow: 4}}
"""


class ToldClock:
    """A clock that moves by so much at every look."""

    def __init__(self, step_ns: int = 1000) -> None:
        self.now_ns = WALL_NS_MIN
        self.step_ns = step_ns

    def wall_ns(self) -> int:
        self.now_ns += self.step_ns
        return self.now_ns

    def steady_ns(self) -> int:
        return self.wall_ns()


def config_of(more: str = "", text: str = CONFIG) -> Config:
    return parse_config(text + more, name="live.yaml", format="yaml")


def setup_of(more: str = "", text: str = CONFIG) -> Setup:
    return prepare(config_of(more, text))


@functools.cache
def setups_of(more: str = "", text: str = CONFIG) -> Setups:
    return Setups(setup_of(more, text))


def bar_inputs(count: int, seed: int = 1) -> list[BarInput]:
    columns = [values.tolist() for values in random_bars(count, seed)]
    names = ("ts_ns", "open", "high", "low", "close", "volume")
    rows = zip(*columns, strict=True)
    return [BarInput(symbol="X", **dict(zip(names, row, strict=True))) for row in rows]


def opened(folder: Path, setups: Setups, **more: Any) -> LiveRun:
    run = LiveRun(folder, setups, clock=more.pop("clock", ToldClock()), lineage="L", **more)
    run.open()
    return run
