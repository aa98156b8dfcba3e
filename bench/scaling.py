"""Sweeps on one core, two threads and workers of Dask, beside what the model of costs says."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import wait
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from admf_fast.config import Config
from admf_fast.sweep.bars import open_inputs
from admf_fast.sweep.calibration import calibrated
from admf_fast.sweep.chunk import Chunk
from admf_fast.sweep.dask_cluster import DaskSpec, connect
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.parts import PartMaker
from admf_fast.sweep.run import run_sweep
from admf_fast.sweep.scaling import (
    CHUNK_SETS,
    DASK,
    THREADS,
    Costs,
    best_chunk_sets,
    estimate,
    thread_chunk_sets,
)
from admf_fast.sweep.table import param_types
from admf_fast.sweep.variants import Variants
from admf_fast.sweep.work import Work
from bench.bars import parquet_of
from bench.figure import Figure, Scale
from bench.sweeps import config_of

GROUP = "scaling"
SWEPT = """\
strategy: {kernel: sma_cross}
sweep:
  grid:
    strategy.params.fast: range(5, 20, 1)
    strategy.params.slow: range(60, 215, 5)
"""
ROUNDS = 3
TASKS, PAYLOAD = 200, "x" * 10_000  # of a batch; about what a chunk is told


def measure(scale: Scale) -> list[Figure]:
    """Return the constants of the model and whole sweeps, the model's figures as the peer's."""
    rounds = min(ROUNDS, scale.rounds)
    with tempfile.TemporaryDirectory() as name:
        source = parquet_of(Path(name), scale.bars)
        config = config_of(SWEPT, source)
        parts, bar_set_ns = _parts(config, source, rounds)
        calls: dict[str, tuple[int, DaskSpec | None]] = {"one thread": (1, None)}
        calls["two threads"] = (2, None)
        if find_spec("distributed") is not None:
            parts += _tasks(rounds)
            calls["one worker of Dask"] = (1, DaskSpec(workers=1))
            calls["two workers of Dask"] = (2, DaskSpec(workers=2))
        for what, (cores, dask) in calls.items():
            parts += _whole(config, scale.bars, what, cores, dask, bar_set_ns, rounds)
    return parts


def _whole(
    config: Config, bars: int, what: str, cores: int, dask: DaskSpec | None, bar_set_ns: float,
    rounds: int,
) -> list[Figure]:  # fmt: skip
    """Return the time of a sweep from its file to results, workers started included.

    Wall clock, and the time of all cores together, which a busy machine changes less.
    """
    target = Path(config.source.base_dir) / "results.parquet"
    sets = len(space_of(config).sets())
    costs = (THREADS if dask is None else DASK)._replace(bar_set_ns=bar_set_ns)
    size = (
        thread_chunk_sets(sets, 1, cores)
        if dask is None
        else best_chunk_sets(sets, [bars], cores, costs)
    )
    model = estimate(sets, [bars], cores, costs, size)

    walls, cpus = [], []
    for _ in range(rounds):
        started, busy_s = time.perf_counter(), _busy_s()
        run_sweep(config, target, threads=cores, dask=dask, chunk_sets=size)
        walls.append(time.perf_counter() - started)
        cpus.append(_busy_s() - busy_s)
    name = f"{sets:,} sets x {bars:,} bars, {what}, {model.tasks} tasks"
    return [
        _figure(name, min(walls), "s", model.seconds),
        _figure(f"{name}, all cores", min(cpus), "s", model.busy_s),
    ]


def _busy_s() -> float:
    """Return the processor time of this process and its ended children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _parts(config: Config, source: Path, rounds: int) -> tuple[list[Figure], float]:
    """Return what bars, sets and parts cost here, and ns per bar and set."""
    space = space_of(config)
    variants, sets = Variants(config, space), space.sets()
    read_s = _least_s(lambda: open_inputs(config), rounds)
    bars = open_inputs(config)[0]
    ns = min(calibrated(space, variants, sets, bars) or 0.0 for _ in range(rounds))
    few = open_inputs(config_of(SWEPT, parquet_of(source.parent, 100)))[0]
    maker, work = PartMaker(variants, param_types(space.axes, sets), ()), Work(source.parent)

    def part(count: int) -> Callable[[], Any]:
        return lambda: maker.make(work, Chunk(0, 0, tuple(range(count))), sets[:count], few)

    one_s, all_s = (_least_s(part(count), 5 * rounds) for count in (1, CHUNK_SETS))
    model = THREADS
    return [
        _figure("a bar and set", ns, "ns", model.bar_set_ns),
        _figure("a bar read and digested", 1e9 * read_s / bars.count, "ns", model.read_ns),
        _figure("a bar in the file", source.stat().st_size / bars.count, "bytes", model.bar_bytes),
        _figure(
            "a set made ready, and its row", 1e3 * (all_s - one_s) / (CHUNK_SETS - 1), "ms",
            1e3 * model.set_s,
        ),
        _figure("a part of one set, on disk", 1e3 * one_s, "ms", 1e3 * model.part_s),
    ], ns  # fmt: skip


def _tasks(rounds: int) -> list[Figure]:
    """Return what a task of Dask costs, and workers that are started."""
    costs: Costs = DASK
    starts: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        connection = connect(DaskSpec(workers=2))
        starts.append(time.perf_counter() - started)
        try:
            driver_s, alone_s = _task_s(connection.client)
        finally:
            connection.close()
    return [
        _figure("two workers of Dask, connected", min(starts), "s", costs.start_s),
        _figure("driver and scheduler, a task, median", 1e3 * driver_s, "ms", 1e3 * costs.task_s),
        _figure("a task alone, there and back, median", 1e3 * alone_s, "ms", 1e3 * costs.gap_s),
    ]


def _task_s(client: Any) -> tuple[float, float]:
    """Return the median of what a task takes of this process, and of one alone, wall clock."""
    executor = client.get_executor(pure=False)
    batches, singles = [], []
    for _ in range(7):
        started = time.process_time()
        wait([executor.submit(len, PAYLOAD) for _ in range(TASKS)])
        batches.append((time.process_time() - started) / TASKS)
    for _ in range(50):
        started = time.perf_counter()
        executor.submit(len, PAYLOAD).result()
        singles.append(time.perf_counter() - started)
    return statistics.median(batches), statistics.median(singles)


def _least_s(call: Callable[[], Any], rounds: int) -> float:
    def timed() -> float:
        started = time.perf_counter()
        call()
        return time.perf_counter() - started

    return min(timed() for _ in range(rounds))


def _figure(name: str, value: float, unit: str, model: float) -> Figure:
    return Figure(GROUP, name, value, unit, model, "the model")
