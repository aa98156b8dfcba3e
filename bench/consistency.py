"""What a shadow costs: live step and shadow together over the live step alone, in one run."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from admf_fast.consistency import ShadowModeValidator
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.recorder import NoSink
from admf_fast.runners.setup import prepare
from bench.bars import bars_of, config_for
from bench.figure import Figure, Scale

ROUND_BARS = 100  # short, so that most rounds are not interrupted
RATIO_GOAL = 2.2
CHECK_GOAL_US = 1.0
Step = Callable[..., Any]


def _runner() -> LiveRunner:
    return LiveRunner(prepare(config_for()), sink=NoSink())


def _pair() -> Step:
    """Return two runners, one after the other, with nothing compared."""
    first, second = _runner().step, _runner().step

    def both(*bar: Any) -> None:
        first(*bar)
        second(*bar)

    return both


def rounds_s(calls: dict[str, Step], count: int) -> dict[str, np.ndarray]:
    """Return the seconds that every call took for each round of bars; the calls take turns."""
    bars = list(zip(*(column.tolist() for column in bars_of(count).columns()), strict=True))
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for first in range(0, count, ROUND_BARS):
        part = bars[first : first + ROUND_BARS]
        for name, step in calls.items():
            started = time.perf_counter()
            for bar in part:
                step(*bar)
            taken[name].append((time.perf_counter() - started) / len(part))
    return {name: np.sort(seconds) for name, seconds in taken.items()}


def measure(scale: Scale) -> list[Figure]:
    """Return the ratio of both steps to one, and what the comparison takes for each bar."""
    calls = {
        "live": _runner().step,
        "both": ShadowModeValidator(_runner()).step,
        "all": ShadowModeValidator(_runner(), features=True).step,
        "pair": _pair(),
    }
    seconds = rounds_s(calls, max(scale.live_bars, ROUND_BARS))
    # The rounds that were disturbed least, of each.
    live, both, every, pair = (float(s[len(s) // 10]) for s in seconds.values())
    beside = "live step"
    return [
        Figure("shadow", "live step and shadow", both * 1e6, "µs", live * 1e6, beside, RATIO_GOAL),
        Figure("shadow", "with every feature", every * 1e6, "µs", live * 1e6, beside),
        Figure("shadow", "comparison of checksums and events", (both - pair) * 1e6, "µs",
               goal=CHECK_GOAL_US),
    ]  # fmt: skip
