"""Hundreds of containers in one process: time and memory of each, and what isolation costs."""

import gc
import time
from pathlib import Path

from admf_fast.containers import (
    BacktestContainer,
    Container,
    DeterministicEngine,
    LiveContainer,
    external_references,
)
from bench.bars import bars_of, config_for
from bench.figure import Figure, Scale

CONTAINERS = 500
KINDS: dict[str, type[Container]] = {"live": LiveContainer, "backtest": BacktestContainer}


def engine_of(kind: type[Container], count: int) -> DeterministicEngine:
    """Return an engine with so many containers of a kind, none of them running yet."""
    engine, config = DeterministicEngine(), config_for()
    for k in range(count):
        engine.add(kind(config, container_id=f"c{k:03d}"))
    return engine


def measure(scale: Scale) -> list[Figure]:
    """Return time per bar and container, and memory per container, of 500 in one process."""
    bars = bars_of(max(100, scale.live_bars // 125))
    figures = []
    for name, kind in KINDS.items():
        gc.collect()
        before = _resident_kib()
        engine = engine_of(kind, CONTAINERS)
        engine.add_feed("bars", [bars], symbol="SYNTH")
        for container in engine.containers:
            container.initialize()
        started = time.perf_counter()
        engine.execute(finish=False)
        seconds = time.perf_counter() - started
        each = (_resident_kib() - before) / CONTAINERS
        made = f"{CONTAINERS} {name} containers"
        figures += [
            Figure("containers", made, seconds / CONTAINERS / len(bars) * 1e6, "µs per bar"),
            Figure("containers", made, each / 1024, "MiB each"),
        ]
        started = time.perf_counter()
        external_references(engine.containers)
        walked = (time.perf_counter() - started) / CONTAINERS * 1e3
        figures.append(Figure("containers", f"references of {made}", walked, "ms each"))
    return figures


def _resident_kib() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("/proc/self/status names no VmRSS")
