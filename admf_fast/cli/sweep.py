"""`admf sweep`: all parameter sets of a configuration into one Parquet file."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from admf_fast.cli.cache_note import warn_without_cache
from admf_fast.cli.output import json_option, note, write_json, write_lines
from admf_fast.cli.progress import DELAY_S, watched

if TYPE_CHECKING:
    from admf_fast.config import Config
    from admf_fast.sweep.dask_cluster import DaskSpec
    from admf_fast.sweep.engine import Progress, Watched
    from admf_fast.sweep.recording import Recording
    from admf_fast.sweep.result import Best, SweepResult


@click.command("sweep")
@click.argument("path", metavar="CONFIG")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE.parquet",
    help="Where the results go; replaced if they are a sweep's.",
)  # fmt: skip
@click.option(
    "--signals", type=click.Path(path_type=Path), metavar="FILE.parquet",
    help="Store what the strategies want, for sweep.from_signals; without --out, that alone.",
)  # fmt: skip
@click.option(
    "--trials", type=click.IntRange(1), metavar="N",
    help="Let a study propose so many sets, as sweep.search does; needs the extra search.",
)  # fmt: skip
@click.option("--metric", metavar="FIGURE", help="What the study looks for.  [default: sharpe]")
@click.option(
    "--threads", type=click.IntRange(1, 1024), metavar="N", help="[default: one for each core]"
)
@click.option(
    "--engine", type=click.Choice(["threads", "dask"]), default="threads", show_default=True,
    help="Compute in this process, or on workers of Dask (needs the extra dask).",
)  # fmt: skip
@click.option(
    "--scheduler", metavar="ADDRESS", default="",
    help="With --engine dask: a scheduler that runs, such as tcp://10.0.0.1:8786.",
)  # fmt: skip
@click.option(
    "--workers", type=click.IntRange(1, 1024), metavar="N",
    help="With --engine dask: processes on this machine.  [default: one for each core]",
)  # fmt: skip
@click.option(
    "--estimate", is_flag=True,
    help="Say what it would take on how many cores, and run nothing but a few milliseconds.",
)  # fmt: skip
@json_option
def command(
    path: str, out: Path | None, signals: Path | None, trials: int | None, metric: str | None,
    threads: int | None, engine: str, scheduler: str, workers: int | None, estimate: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Run all parameter sets of the section sweep of CONFIG.

    Writes one row for each set and instrument, in the order of the sets: parameters, all
    figures of the run's summary, the digest of its signals, warnings. Each row is, bit for
    bit, what `admf backtest` gives for that set alone.

    A sweep that is stopped (Ctrl-C, SIGTERM, kill -9) keeps its finished parts in
    FILE.parquet.work; the same command goes on from there, and the file is the same, on
    whichever engine. Workers of Dask need the same folders of bars and results as this process.
    """
    from admf_fast.config import load_config
    from admf_fast.sweep.recording import record_signals
    from admf_fast.sweep.run import run_sweep

    if out is None and signals is None and not estimate:
        raise click.UsageError("Missing option '--out', or '--signals', or '--estimate'.")
    dask = _dask(engine, scheduler, workers, threads)
    config = _searching(load_config(path), trials, metric)
    warn_without_cache()
    if estimate:
        return _estimate(config, as_json=as_json)
    found: dict[str, Any] = {}
    lines: list[str] = []
    if signals is not None:
        with _running(signals, quiet=as_json) as progress:
            stored = record_signals(config, signals, threads=threads, progress=progress)
        found, lines = {"signals": recording_json(stored)}, recording_lines(stored)
    if out is not None:
        with _running(out, quiet=as_json) as progress:
            result = run_sweep(config, out, threads=threads, progress=progress, dask=dask)
        found, lines = sweep_json(result) | found, sweep_lines(result) + lines
    if as_json:
        write_json(found)
    else:
        write_lines(lines)
    return 0


def _searching(config: Config, trials: int | None, metric: str | None) -> Config:
    """Return the configuration with what the options say of sweep.search."""
    from msgspec import structs

    from admf_fast.config import SearchSpec, SweepSpec

    spec = config.sweep
    if (trials is None and metric is None) or not isinstance(spec, SweepSpec):
        return config
    search = spec.search if isinstance(spec.search, SearchSpec) else None
    if search is None and trials is None:
        raise click.UsageError("--metric belongs to a search: add --trials")
    made = search or SearchSpec(trials=trials or 0)
    made = structs.replace(made, trials=trials or made.trials, metric=metric or made.metric)
    return structs.replace(config, sweep=structs.replace(spec, search=made))


@contextlib.contextmanager
def _running(out: Path, *, quiet: bool) -> Iterator[Progress | None]:
    """Show what runs; if it is stopped, say what is kept of it."""
    with stopped_by_sigterm(), _shown(quiet=quiet) as progress:
        try:
            yield progress
        except KeyboardInterrupt:
            _say_kept(out)
            raise


def _estimate(config: Config, *, as_json: bool) -> int:
    from admf_fast.sweep.estimating import estimated, estimated_json, estimated_lines

    found = estimated(config)
    if as_json:
        write_json(estimated_json(found))
    else:
        write_lines(estimated_lines(found))
    return 0


def _dask(engine: str, scheduler: str, workers: int | None, threads: int | None) -> DaskSpec | None:
    """Return what the options say of Dask; None for threads."""
    from admf_fast.sweep.dask_cluster import DaskSpec

    if engine == "threads":
        if scheduler or workers:
            raise click.UsageError("--scheduler and --workers belong to --engine dask.")
        return None
    if threads:
        raise click.UsageError("--threads belongs to --engine threads; use --workers.")
    if scheduler and workers:
        raise click.UsageError("The workers of a scheduler are its own: leave out --workers.")
    return DaskSpec(scheduler, workers)


@contextlib.contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM stop the work of the block as Ctrl-C does."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say_kept(out: Path) -> None:
    from admf_fast.sweep.work import SUFFIX

    parts = len([*out.with_name(out.name + SUFFIX).glob("part-*.parquet")])
    note(f"admf: stopped; {parts} finished parts are kept, the same command goes on from there")


@contextlib.contextmanager
def _shown(*, quiet: bool) -> Iterator[Progress | None]:
    """Yield what shows bars x sets per second, cores, memory and time left; None for nobody."""
    if quiet or not watched():
        yield None
        return
    from tqdm import tqdm

    from admf_fast.sweep.run import peak_memory_bytes

    with tqdm(
        desc="sweep", unit=" bars*sets", unit_scale=True, delay=DELAY_S, leave=False,
        dynamic_ncols=True, file=sys.stderr,
    ) as bar:  # fmt: skip

        def show(state: Watched) -> None:
            bar.total = state.total
            memory = f"{peak_memory_bytes() / 2**20:.0f} MiB"
            bar.set_postfix_str(f"{state.threads} cores, {memory}", refresh=False)
            bar.update(state.done - bar.n)

        yield show


def recording_json(stored: Recording) -> dict[str, Any]:
    """Return stored signals as plain data."""
    return {
        "path": str(stored.path),
        "sets": stored.sets,
        "symbols": list(stored.symbols),
        "bars": stored.bars,
        "failed": stored.failed,
        "changes": stored.changes,
        "bytes": stored.bytes,
        "seconds": stored.seconds,
        "digest": stored.digest,
    }


def recording_lines(stored: Recording) -> list[str]:
    """Return stored signals as text."""
    return [
        f"{stored.sets:,} sets of the strategy on {', '.join(stored.symbols)}: "
        f"{stored.changes:,} changes of signals in {stored.bytes:,} bytes, {stored.seconds:.2f} s",
        f"Signals: {stored.path}",
    ]


def sweep_json(result: SweepResult) -> dict[str, Any]:
    """Return a finished sweep as plain data."""
    from admf_fast.sweep.run import peak_memory_bytes

    found = result.found
    return {
        "path": str(result.path),
        "sets": result.sets,
        "symbols": list(result.symbols),
        "rows": found.rows,
        "bars": result.bars,
        "seconds": result.seconds,
        "ns_per_bar_and_set": result.ns_per_bar_and_set,
        "engine": result.engine,
        "workers": result.workers,
        "threads": result.threads,
        "peak_memory_bytes": peak_memory_bytes(),
        "digest": found.digest,
        "chunks": result.chunks,
        "chunks_kept": result.chunks_kept,
        "failed": found.failed,
        "first_error": found.first_error or None,
        "same_signals": found.same_signals,
        "same_results": found.same_results,
        "dead_parameters": list(found.dead),
        "notes": list(result.notes),
        **({"search": _best_json(result.best)} if result.best else {}),
    }


def _best_json(best: Best) -> dict[str, Any]:
    from admf_fast.sweep.table import plain_params

    return {
        **best.counts,
        "metric": best.metric,
        "best": {"set": best.set, best.metric: best.figure, "params": plain_params(best.params)},
    }


def _best_line(best: Best) -> str:
    from admf_fast.sweep.show import shown
    from admf_fast.sweep.table import plain_params

    params = ", ".join(f"{n}={shown(v)}" for n, v in plain_params(best.params).items())
    counts = ", ".join(f"{count:,} {what}" for what, count in best.counts.items())
    return f"Search ({counts}): best {best.metric} {shown(best.figure)} by set {best.set}, {params}"


def _where(result: SweepResult) -> str:
    if result.engine == "threads":
        return f"{result.threads} threads"
    return f"{result.workers} workers of Dask, {result.threads} threads"


def sweep_lines(result: SweepResult) -> list[str]:
    """Return a finished sweep as text."""
    found, rate = result.found, result.ns_per_bar_and_set
    speed = f", {rate:.1f} ns per bar and set" if rate is not None else ""
    lines = [
        f"{result.sets:,} sets on {', '.join(result.symbols)} ({result.bars:,} bars) in "
        f"{result.seconds:.2f} s on {_where(result)}{speed}"
    ]
    notes = list(result.notes)
    if result.chunks_kept:
        notes.append(f"{result.chunks_kept} of {result.chunks} parts were there already")
    if found.failed:
        notes.append(f"{found.failed:,} rows have an error, the first: {found.first_error}")
    if found.same_results:
        notes.append(f"{found.same_results:,} rows have the result of an earlier set")
    elif found.same_signals:
        notes.append(f"{found.same_signals:,} rows have the signals of an earlier set")
    if found.dead:
        notes.append(f"no result depends on {', '.join(found.dead)}")
    if result.best:
        lines.append(_best_line(result.best))
    return [*lines, *(f"Note: {text}" for text in notes), f"Results: {result.path}"]
