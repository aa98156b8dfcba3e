"""The lane driver: many parameter sets, one after the other over each tile of the same bars."""

from collections.abc import Callable
from typing import Any

from admf_fast.data import BarBlock
from admf_kernels import get
from admf_kernels.lane_program import LaneProgram
from admf_kernels.program import Program
from bench.bars import bars_of
from bench.figure import Figure, Scale
from bench.timing import fastest_s

LANES = 64


def workload(count: int) -> tuple[Any, list[Any], BarBlock]:
    """Return the strategy, a grid of its parameters, and the bars."""
    strategy = get("sma_cross")
    sets = [strategy.checked(5 + k % 8, 20 + 5 * (k // 8)) for k in range(LANES)]
    return strategy, sets, bars_of(count)


def feed_lanes(strategy: Any, sets: list[Any], bars: BarBlock) -> Callable[[], Any]:
    """Return the call that takes all sets over the bars in a fresh program, as a sweep does."""
    return lambda: _fed(LaneProgram(strategy, sets, tap=None, hashed=False), bars)


def feed_one(strategy: Any, params: Any, bars: BarBlock) -> Callable[[], Any]:
    """Return the call that takes one set over the bars in a fresh program."""
    return lambda: _fed(Program(strategy, params), bars)


def _fed(program: Any, bars: BarBlock) -> Any:
    for first in range(0, len(bars), program.block_bars):
        program.feed(*bars.slice(first, first + program.block_bars).columns())
    return program


def measure(scale: Scale) -> list[Figure]:
    """Return ns per bar and lane, beside the run driver doing one set at a time."""
    strategy, sets, bars = workload(scale.bars // 10)
    calls = {
        "lanes": feed_lanes(strategy, sets, bars),
        "run": feed_one(strategy, sets[0], bars),
    }
    ns = {k: 1e9 * s / len(bars) for k, s in fastest_s(calls, scale.rounds).items()}
    each, name = ns["lanes"] / LANES, f"sma_cross, {LANES} sets"
    return [Figure("lanes", name, each, "ns per bar and lane", ns["run"], "one set alone")]
