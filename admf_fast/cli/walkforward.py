"""`admf walkforward`: choose on past bars, test on the following ones, again and again."""

from __future__ import annotations

from pathlib import Path

import click

from admf_fast.cli.cache_note import warn_without_cache
from admf_fast.cli.output import json_option, note, write_json, write_lines
from admf_fast.cli.progress import watched
from admf_fast.cli.sweep import stopped_by_sigterm


@click.command("walkforward")
@click.argument("path", metavar="CONFIG")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE.parquet",
    help="Write a row for each fold: times, the chosen set, its figures on both sides.",
)  # fmt: skip
@click.option(
    "--threads", type=click.IntRange(1, 1024), metavar="N", help="[default: one for each core]"
)
@json_option
def command(path: str, out: Path | None, threads: int | None, as_json: bool) -> None:
    """Walk the sets of the section sweep of CONFIG forward, as sweep.walkforward says.

    In every fold the set with the largest figure on the train bars is run over the test bars
    that follow. That run is, bit for bit, what `admf backtest` gives for the set with
    bars.start and bars.end at the fold's times. Then come guards against overfitting, over
    all bars and sets: the probability of backtest overfitting, the deflated Sharpe ratio, and
    how often chance alone gives a mean return as large.
    """
    from admf_fast.config import load_config
    from admf_fast.sweep.walk_output import walk_json, walk_lines, write_folds
    from admf_fast.sweep.walkforward import walk_forward

    config = load_config(path)
    warn_without_cache()
    progress = note if watched() and not as_json else None
    with stopped_by_sigterm():
        walks = walk_forward(config, threads=threads, progress=progress)
    if out is not None:
        write_folds(walks, out)
    if as_json:
        write_json({"inputs": [walk_json(walk) for walk in walks]})
        return
    for walk in walks:
        write_lines([*walk_lines(walk), ""])
