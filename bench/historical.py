"""Whole historical runs, and where their time goes, stage by stage."""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from admf_fast.config import Config
from admf_fast.data import BarBlock, BarDigest, open_bars
from admf_fast.data.columns import resolve_layout
from admf_fast.data.parquet_file import read_batches, read_shape
from admf_fast.data.regular import RegularFile
from admf_fast.events.schemas import SCHEMAS
from admf_fast.jobs import backtest, open_source
from admf_fast.runners.historical import run_historical
from admf_fast.runners.setup import prepare
from admf_fast.store import ParquetSink
from bench.bars import config_for, parquet_of, table_of
from bench.figure import Figure, Scale
from bench.timing import Call, fastest_s

MEMORY_GOAL_NS = 30.0
PARQUET_GOAL_NS = 60.0


class NullSink:
    """Takes tables and keeps nothing."""

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Take the next batch of a table."""


class KeepingSink:
    """Keeps what was written, in order, to write it again."""

    def __init__(self) -> None:
        self.written: list[tuple[str, pa.RecordBatch]] = []

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Take the next batch of a table."""
        self.written.append((table, batch))


def memory_run(count: int) -> Callable[[], Any]:
    """Return the run from Arrow batches to Arrow tables: validation, log, digests, metrics."""
    setup, table = prepare(config_for()), table_of(count)
    return lambda: run_historical(setup, open_bars(setup.config.bars, table).blocks())


def parquet_run(source: Path, folder: Path) -> Callable[[], Any]:
    """Return the job from a Parquet file to a new run directory in `folder`."""
    config, number = config_for(source), itertools.count()
    return lambda: backtest(config, out=folder / f"run-{next(number)}")


def stages(source: Path, out: Path) -> dict[str, Call]:
    """Return the stages of `parquet_run`, each alone; later ones take earlier ones' results."""
    config = config_for(source)
    setup = prepare(config)
    blocks = list(open_source(config).blocks())
    kept = KeepingSink()
    run_historical(setup, blocks, sink=kept)
    return {
        "read": lambda: _drain(_batches(config)),
        "read and validate": lambda: _drain(open_source(config).blocks()),
        "digest of the bars": lambda: _digest(blocks),
        "kernels": lambda: _kernels(setup.program(), blocks),
        "kernels and record": lambda: run_historical(setup, blocks, sink=NullSink()),
        "write": lambda: _write(kept, out),
    }


def _batches(config: Config) -> Any:
    file = RegularFile(Path(str(config.bars.path)), "bars")
    return read_batches(file, resolve_layout("bars", read_shape(file).schema, config.bars))


def _drain(items: Any) -> None:
    for _ in items:
        pass


def _digest(blocks: list[BarBlock]) -> None:
    digest = BarDigest()
    for block in blocks:
        digest.update(block)
    digest.hexdigest()


def _kernels(program: Any, blocks: list[BarBlock]) -> None:
    for block in blocks:
        for first in range(0, len(block), program.block_bars):
            program.feed(*block.slice(first, first + program.block_bars).columns())


def _write(kept: KeepingSink, out: Path) -> None:
    out.mkdir(parents=True)
    with ParquetSink(out, SCHEMAS) as sink:
        for table, batch in kept.written:
            sink.write(table, batch)


def measure(scale: Scale) -> list[Figure]:
    """Return ns per bar of the run in memory, of the run through Parquet, and of its stages."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        long = _long_figure(folder, scale)
        source, runs = parquet_of(folder, scale.bars), folder / "runs"
        calls = {
            "Arrow to Arrow in memory": memory_run(scale.bars),
            "Parquet to Parquet": parquet_run(source, runs),
            **stages(source, runs / "stage"),
        }
        ns = _ns(calls, scale.rounds, scale.bars, runs)
    ns["validate"] = ns.pop("read and validate") - ns["read"]
    ns["record"] = ns.pop("kernels and record") - ns["kernels"]
    goals = {"Arrow to Arrow in memory": MEMORY_GOAL_NS, "Parquet to Parquet": PARQUET_GOAL_NS}
    return [
        *(Figure("historical run", k, ns.pop(k), "ns per bar", goal=g) for k, g in goals.items()),
        long,
        *(Figure("historical run", f"alone: {k}", v, "ns per bar") for k, v in ns.items()),
    ]


def _long_figure(folder: Path, scale: Scale) -> Figure:
    source, runs = parquet_of(folder, scale.long_bars), folder / "runs"
    name = f"Parquet to Parquet, {scale.long_bars:,} bars"
    ns = _ns({name: parquet_run(source, runs)}, max(scale.rounds // 5, 1), scale.long_bars, runs)
    source.unlink()
    return Figure("historical run", name, ns[name], "ns per bar", goal=PARQUET_GOAL_NS)


def _ns(calls: Mapping[str, Call], rounds: int, bars: int, runs: Path) -> dict[str, float]:
    seconds = fastest_s(calls, rounds, after=lambda: shutil.rmtree(runs, ignore_errors=True))
    return {name: 1e9 * s / bars for name, s in seconds.items()}
