"""Hundreds of containers in one process: time and memory of each, and what isolation costs."""

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
from bench.timing import child

CONTAINERS = 500
KINDS: dict[str, type[Container]] = {"live": LiveContainer, "backtest": BacktestContainer}


def engine_of(kind: type[Container], count: int) -> DeterministicEngine:
    """Return an engine with so many containers of a kind, none of them running yet."""
    engine, config = DeterministicEngine(), config_for()
    for k in range(count):
        engine.add(kind(config, container_id=f"c{k:03d}"))
    return engine


def side_by_side(name: str, count: int) -> dict[str, float]:
    """Return what 500 containers take in this process: per bar, for memory, for a look around."""
    bars = bars_of(count)
    before = _resident_kib()
    engine = engine_of(KINDS[name], CONTAINERS)
    engine.add_feed("bars", [bars], symbol="SYNTH")
    for container in engine.containers:
        container.initialize()
    started = time.perf_counter()
    engine.execute(finish=False)
    run = time.perf_counter() - started
    kib = _resident_kib() - before
    started = time.perf_counter()
    external_references(engine.containers)
    walk = time.perf_counter() - started
    return {
        "us_per_bar": run / CONTAINERS / len(bars) * 1e6,
        "mib": kib / CONTAINERS / 1024,
        "references_ms": walk / CONTAINERS * 1e3,
    }


def measure(scale: Scale) -> list[Figure]:
    """Return time per bar and container, and memory per container, each kind by itself."""
    figures = []
    for name in KINDS:
        found = child("containers", name, str(max(100, scale.live_bars // 125)))
        made = f"{CONTAINERS} {name} containers"
        figures += [
            Figure("containers", made, found["us_per_bar"], "µs per bar"),
            Figure("containers", f"{made}: memory", found["mib"], "MiB each"),
            Figure("containers", f"{made}: references", found["references_ms"], "ms each"),
        ]
    return figures


def _resident_kib() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("/proc/self/status names no VmRSS")
