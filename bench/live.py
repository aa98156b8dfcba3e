"""The live step from Python: one closed bar in, orders and checksum out."""

import time

import numpy as np

from admf_fast.runners.live import LiveRunner
from admf_fast.runners.setup import prepare
from bench.bars import bars_of, config_for
from bench.figure import Figure, Scale

QUANTILES = {"p50": (0.50, 3.0), "p99": (0.99, None), "p99.9": (0.999, 20.0), "max": (1.0, None)}
WARMUP_BARS = 500


def step_ns(count: int) -> np.ndarray:
    """Return the wall time of every step in nanoseconds, the clock's own cost included."""
    runner = LiveRunner(prepare(config_for()))
    step, clock = runner.step, time.perf_counter_ns
    bars = zip(*(column.tolist() for column in bars_of(count).columns()), strict=True)
    taken = np.empty(count, np.int64)
    for k, bar in enumerate(bars):
        started = clock()
        step(*bar)
        taken[k] = clock() - started
    return taken


def measure(scale: Scale) -> list[Figure]:
    """Return quantiles of the step in microseconds: of three passes, the one with the least p50."""
    passes = [np.sort(step_ns(scale.live_bars)[WARMUP_BARS:]) for _ in range(3)]
    taken = min(passes, key=lambda ns: float(np.median(ns)))
    return [
        Figure("live step", name, taken[int(q * (len(taken) - 1))] / 1e3, "µs", goal=goal)
        for name, (q, goal) in QUANTILES.items()
    ]
