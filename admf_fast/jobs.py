"""Whole jobs: a configuration in, a run directory out."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from admf_fast import __version__
from admf_fast.atomic import atomic_directory
from admf_fast.config import Config, canonical, config_digest
from admf_fast.data import BarBlock, BarDigest, BarSource, open_bars
from admf_fast.events.schemas import SCHEMAS
from admf_fast.runners.historical import Progress, run_historical
from admf_fast.runners.recorder import Sink
from admf_fast.runners.result import RunResult
from admf_fast.runners.setup import Setup, prepare
from admf_fast.store import ParquetSink, manifest_of, write_run
from admf_kernels import drivers
from admf_kernels.compiler import toolchain

RUNS = "runs"
Run = Callable[[Setup, Iterator[BarBlock], Sink | None], RunResult]


@dataclass(frozen=True, slots=True)
class Job:
    """A finished job: its result, its manifest, and where it was written."""

    setup: Setup
    result: RunResult
    manifest: dict[str, Any]
    folder: Path | None


def backtest(
    config: Config,
    data: object | None = None,
    *,
    out: Path | None = None,
    write: bool = True,
    progress: Progress | None = None,
) -> Job:
    """Run a configuration over history.

    Parameters
    ----------
    config : Config
        From `load_config` or built in Python.
    data : optional
        Bars as an Arrow object (polars, pandas, DuckDB, pyarrow) instead of ``bars.path``.
    out : Path, optional
        The run directory; ``runs/<name>-<run id>`` if left out. Replaced if it is there.
    write : bool
        False keeps the tables in memory instead.
    progress : function of int, optional
        Called with the number of bars done since its last call.

    Raises
    ------
    ConfigError, DataError, StateError
        Before anything is written; no output is left behind.
    """

    def run(setup: Setup, blocks: Iterator[BarBlock], sink: Sink | None) -> RunResult:
        return run_historical(setup, blocks, sink=sink, progress=progress)

    return run_job(config, run, data, out=out, write=write)


def run_job(
    config: Config, run: Run, data: object | None = None, *, out: Path | None = None,
    write: bool = True,
) -> Job:  # fmt: skip
    """Prepare a configuration, run it in any mode, and write its run directory."""
    setup = prepare(config)
    source = open_source(config, data)
    if not write:
        result, digest = _timed(run, setup, source, None)
        return Job(setup, result, _manifest(setup, source, result, digest), None)
    name = config.name
    target = out or Path(RUNS) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    made: dict[str, Any] = {}

    def final_name() -> str:
        return target.name if out else f"{name}-{made['run_id']}"

    with atomic_directory(target, replace=True, final_name=final_name) as folder:
        sink = ParquetSink(folder, SCHEMAS)
        result, digest = _timed(run, setup, source, sink)
        sink.close()
        made |= _manifest(setup, source, result, digest)
        write_run(folder, made, result.summary._asdict())
    return Job(setup, result, made, target.with_name(final_name()))


def open_source(config: Config, data: object | None = None) -> BarSource:
    """Open the bars of a configuration; relative paths start at its folder."""
    return open_bars(config.bars, data, base_dir=Path(config.source.base_dir or "."))


def _timed(
    run: Run, setup: Setup, source: BarSource, sink: Sink | None
) -> tuple[RunResult, BarDigest]:
    digest = BarDigest()
    started = time.perf_counter()
    result = run(setup, _digested(source.blocks(), digest), sink)
    return replace(result, seconds=time.perf_counter() - started), digest


def _digested(blocks: Iterator[BarBlock], digest: BarDigest) -> Iterator[BarBlock]:
    for block in blocks:
        digest.update(block)
        yield block


def _manifest(
    setup: Setup, source: BarSource, result: RunResult, digest: BarDigest
) -> dict[str, Any]:
    program = setup.program(1)
    indicators = [feature.indicator for feature in program.plan.nodes]
    return manifest_of(
        mode=result.mode,
        config=msgspec.json.decode(canonical(setup.config)),
        config_digest=config_digest(setup.config),
        params=setup.params._asdict(),
        data=source.report(),
        data_digest=digest.hexdigest(),
        code_digest=drivers.code_digest(setup.strategy, indicators),
        versions={"admf-fast": __version__, "pyarrow": pa.__version__, **toolchain.versions()},
        cpu=toolchain.cpu(),
        bars=result.bars,
        ready_bars=program.ready_bars(program.reads),
        layers=result.layers,
    )
