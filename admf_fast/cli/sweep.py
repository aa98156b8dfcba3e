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
    from admf_fast.sweep.run import SweepResult


@click.command("sweep")
@click.argument("path", metavar="CONFIG")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE.parquet",
    help="Where the results go; replaced if they are a sweep's.",
)  # fmt: skip
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
    path: str, out: Path | None, threads: int | None, engine: str, scheduler: str,
    workers: int | None, estimate: bool, as_json: bool,
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
    from admf_fast.sweep.run import run_sweep

    dask = _dask(engine, scheduler, workers, threads)
    if out is None and not estimate:
        raise click.UsageError("Missing option '--out'.")
    config = load_config(path)
    warn_without_cache()
    if out is None or estimate:
        return _estimate(config, as_json=as_json)
    with stopped_by_sigterm(), _shown(quiet=as_json) as progress:
        try:
            result = run_sweep(config, out, threads=threads, progress=progress, dask=dask)
        except KeyboardInterrupt:
            _say_kept(out)
            raise
    if as_json:
        write_json(sweep_json(result))
    else:
        write_lines(sweep_lines(result))
    return 0


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
    }


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
    return [*lines, *(f"Note: {text}" for text in notes), f"Results: {result.path}"]
