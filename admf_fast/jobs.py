"""Whole jobs: a configuration in, a run directory out."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from admf_fast import __version__
from admf_fast.atomic import atomic_directory
from admf_fast.config import Config, canonical, config_digest
from admf_fast.data import BarBlock, BarDigest, BarSource, blocks_of_some, open_bars
from admf_fast.errors import StateError
from admf_fast.events import Event, make_event
from admf_fast.events.schemas import SCHEMAS
from admf_fast.feeds import LineSource, lines_of, open_feed, parse_feed, replay
from admf_fast.runners.between import Step
from admf_fast.runners.figures import RunFigures, metrics_of, run_figures
from admf_fast.runners.historical import Progress, run_historical
from admf_fast.runners.live import LiveRunner, Observer, run_live
from admf_fast.runners.recorder import Sink
from admf_fast.runners.result import RunResult
from admf_fast.runners.setup import Setup, prepare
from admf_fast.store import ParquetSink, check_target, manifest_of, write_run
from admf_kernels import drivers
from admf_kernels.compiler import toolchain
from admf_kernels.execution.summary import summarize
from admf_kernels.program import Program

RUNS = "runs"
Run = Callable[[Setup, Iterator[BarBlock], Sink | None], RunResult]


@dataclass(frozen=True, slots=True)
class Job:
    """A finished job: its result, its figures and manifest, and where it was written."""

    setup: Any  # a Setup, or a PanelSetup
    result: RunResult
    figures: RunFigures | None
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
        Bars as an Arrow object (polars, pandas, DuckDB, pyarrow) instead of ``bars.path``; for
        several instruments a mapping of them by symbol.
    out : Path, optional
        The run directory; ``runs/<name>-<run id>`` if left out. Replaced if it is there.
    write : bool
        False keeps the tables in memory instead.
    progress : function of int, optional
        Called with the number of bars done since its last call.

    Raises
    ------
    ConfigError, DataError, StateError
        No output is left behind, and a run that was there before is intact.
    """

    if config.instruments:
        from admf_fast import panel_jobs  # which write as these do

        return panel_jobs.backtest(config, data, out=out, write=write, progress=progress)

    def run(setup: Setup, blocks: Iterator[BarBlock], sink: Sink | None) -> RunResult:
        return run_historical(setup, blocks, sink=sink, progress=progress)

    setup = prepare(config)
    return run_job(setup, open_source(config, data), run, out=out, write=write)


def live(
    config: Config,
    feed: str,
    *,
    out: Path | None = None,
    write: bool = True,
    on_event: Callable[[Event], None] | None = None,
    progress: Progress | None = None,
) -> Job:
    """Run a configuration bar by bar, on a paper account, until its feed ends.

    `feed` is ``replay:PATH`` (``replay:`` alone for ``bars.path``), or ``stdin``,
    ``follow:FILE``, ``unix:PATH`` or ``tcp:127.0.0.1:PORT`` for JSON lines. `on_event`
    is handed every SIGNAL, ORDER, FILL and TRADE as it happens.
    """
    if config.instruments:
        from admf_fast import panel_jobs

        return panel_jobs.live(
            config, feed, out=out, write=write, on_event=on_event, progress=progress
        )
    setup = prepare(config)
    config, source = _open_feed(config, feed)

    def run(setup: Setup, blocks: Iterator[BarBlock], sink: Sink | None) -> RunResult:
        observe = _observer(config.name, source.symbol, on_event) if on_event else None
        return run_live(setup, replay(blocks), sink=sink, observe=observe, progress=progress)

    return run_job(replace(setup, config=config), source, run, out=out, write=write)


def _open_feed(config: Config, feed: str) -> tuple[Config, BarSource]:
    """Return the source of a feed, and the configuration that names it."""
    kind, path = parse_feed(feed)
    if kind != "replay":
        return config, LineSource(lines_of(open_feed(feed, [config.bars])), config.bars)
    if path:
        # A path of the command line starts where the user stands, one of the file beside it.
        start = config.source.base_dir or "."
        bars = msgspec.structs.replace(config.bars, path=os.path.relpath(path, start))
        config = msgspec.structs.replace(config, bars=bars)
    return config, open_source(config)


def _observer(source: str, symbol: str, on_event: Callable[[Event], None]) -> Observer:
    def observe(runner: LiveRunner, ts_ns: int, step: Step) -> None:
        for table, values in step.events:
            on_event(make_event(table, source, (symbol,), ts_ns, values[1:]))

    return observe


def run_job(
    setup: Setup, source: BarSource, run: Run, *, out: Path | None = None, write: bool = True
) -> Job:
    """Run prepared kernels over a source in any mode, and write the run directory."""
    named = replace(setup, symbols=(source.symbol,))
    digest = BarDigest()

    def make(sink: Sink | None) -> RunResult:
        return run(named, _digested(blocks_of_some(source), digest), sink)

    def manifest(result: RunResult) -> dict[str, Any]:
        return _manifest(named, source, result, digest)

    return write_job(named, make, manifest, SCHEMAS, out=out, write=write)


def write_job(
    setup: Any, make: Callable[[Sink | None], RunResult],
    manifest: Callable[[RunResult], dict[str, Any]], schemas: Mapping[str, pa.Schema], *,
    out: Path | None = None, write: bool = True,
) -> Job:  # fmt: skip
    """Make a run and write its directory, whole or not at all; `setup` is of any kind."""
    if not write:
        result = _timed(make, None)
        return Job(setup, result, run_figures(setup, result), manifest(result), None)
    name = setup.config.name
    target = check_target(out) if out else Path(RUNS) / name
    made: dict[str, Any] = {}

    def final_name() -> str:
        return target.name if out else f"{name}-{made['run_id']}"

    with (
        _parent(target.parent),
        atomic_directory(target, replace=True, final_name=final_name) as folder,
    ):
        with ParquetSink(folder, schemas) as sink:
            result = _timed(make, sink)
        made |= manifest(result)
        figures = run_figures(setup, result)
        write_run(folder, made, metrics_of(result, figures))
    return Job(setup, result, figures, made, target.with_name(final_name()))


@contextmanager
def _parent(folder: Path) -> Iterator[None]:
    """Make a folder for the time of the block; it stays if the block succeeds."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"{folder}: cannot be made: {error.strerror}") from error
    try:
        yield
    except BaseException:
        for made in missing:
            with suppress(OSError):  # not empty: somebody else uses it meanwhile
                made.rmdir()
        raise


def open_source(config: Config, data: object | None = None) -> BarSource:
    """Open the bars of a configuration; relative paths start at its folder."""
    return open_bars(config.bars, data, base_dir=Path(config.source.base_dir or "."))


def rows_total(config: Config) -> int | None:
    """Return how many rows there are to read, of all instruments; None if it is not known."""
    if config.instruments:
        from admf_fast.runners.panel_data import open_panel

        return open_panel(config).rows_total
    return open_source(config).rows_total


def _timed(make: Callable[[Sink | None], RunResult], sink: Sink | None) -> RunResult:
    started = time.perf_counter()
    return replace(make(sink), seconds=time.perf_counter() - started)


def _digested(blocks: Iterator[BarBlock], digest: BarDigest) -> Iterator[BarBlock]:
    for block in blocks:
        digest.update(block)
        yield block


def _manifest(
    setup: Setup, source: BarSource, result: RunResult, digest: BarDigest
) -> dict[str, Any]:
    program = setup.program(1)
    return manifest_of(
        mode=result.mode,
        config=msgspec.json.decode(canonical(setup.config)),
        config_digest=config_digest(setup.config),
        params=setup.params._asdict(),
        data=source.report(),
        data_digest=digest.hexdigest(),
        code_digest=code_digest_of(setup, program),
        plan_digest=hashlib.sha256(program.describe().encode()).hexdigest(),
        versions={"admf-fast": __version__, "pyarrow": pa.__version__, **toolchain.versions()},
        cpu=toolchain.cpu(),
        bars=result.bars,
        ready_bars=program.ready_bars(program.reads),
        layers=result.layers,
        calendar=_calendar(setup),
        actions=setup.action_source.report() if setup.action_source else None,
    )


def _calendar(setup: Setup) -> dict[str, str] | None:
    """Return which calendar it was, from which table; the plan's digest covers what was read."""
    made = setup.calendar
    return {"name": made.name, "source": made.source, "sha256": made.digest} if made else None


def code_digest_of(setup: Setup, program: Program | None = None) -> str:
    """Return the digest of all code that decides what a run does; `program` is one of `setup`."""
    made = program or setup.program(1)
    return drivers.code_digest(
        setup.strategy, made.plan.indicators, [summarize], form=made.form, made=setup.terms
    )
