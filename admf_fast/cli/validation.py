"""`admf walkforward`, `admf kfold`, `admf holdout`: choose on some bars, test on others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from admf_fast.cli.cache_note import warn_without_cache
from admf_fast.cli.output import json_option, note, write_json, write_lines
from admf_fast.cli.progress import watched
from admf_fast.cli.sweep import stopped_by_sigterm

Command = Callable[..., None]


def _options(function: Command) -> Command:
    """Add what the commands have in common."""
    out = click.option(
        "--out", type=click.Path(path_type=Path), metavar="FILE.parquet",
        help="Write a row for each fold: times, the chosen set, its figures.",
    )  # fmt: skip
    threads = click.option(
        "--threads", type=click.IntRange(1, 1024), metavar="N", help="[default: one for each core]"
    )
    argument = click.argument("path", metavar="CONFIG")
    decorated: Command = argument(out(threads(json_option(function))))
    return decorated


@click.command("walkforward")
@_options
def walkforward(**given: Any) -> None:
    """Walk the sets of the section sweep of CONFIG forward, as sweep.walkforward says.

    In every fold the set with the largest figure on the train bars is run over the test bars
    that follow. That run is, bit for bit, what `admf backtest` gives for the set with
    bars.start and bars.end at the fold's times. Then come guards against overfitting, over
    all bars and sets: the probability of backtest overfitting, the deflated Sharpe ratio, and
    how often chance alone gives a mean return as large.
    """
    _validate("walkforward", **given)


@click.command("kfold")
@_options
def kfold(**given: Any) -> None:
    """Test the sets of the section sweep of CONFIG on parts of the bars, as sweep.kfold says.

    Every part is tested once, with the set that has the largest figure on the bars before it,
    less the purge, and after it, less the embargo. Tests and guards are those of
    `admf walkforward`.
    """
    _validate("kfold", **given)


@click.command("holdout")
@_options
def holdout(**given: Any) -> None:
    """Choose a set of the section sweep of CONFIG before a time, and test it from then on.

    sweep.holdout says from when. Test and guards are those of `admf walkforward`.
    """
    _validate("holdout", **given)


def _validate(kind: str, path: str, out: Path | None, threads: int | None, as_json: bool) -> None:
    from admf_fast.config import load_config
    from admf_fast.sweep.validation import validate_sets
    from admf_fast.sweep.validation_output import validation_json, validation_lines, write_folds

    config = load_config(path)
    warn_without_cache()
    progress = note if watched() and not as_json else None
    with stopped_by_sigterm():
        found = validate_sets(config, kind, threads=threads, progress=progress)
    if out is not None:
        write_folds(found, out)
    if as_json:
        write_json({"inputs": [validation_json(one) for one in found]})
        return
    for one in found:
        write_lines([*validation_lines(one), ""])
