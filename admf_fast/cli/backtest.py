"""`admf backtest`: run a configuration over history, and prove the live runner equal on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from admf_fast.cli.cache_note import warn_without_cache
from admf_fast.cli.failure import diverged
from admf_fast.cli.output import json_option, write_json, write_lines
from admf_fast.cli.progress import progress
from admf_fast.cli.replay_check import REPLAY_BARS, ReplayCheck, check_replay
from admf_fast.cli.run_output import job_json, job_lines

if TYPE_CHECKING:
    from admf_fast.config import Config
    from admf_fast.jobs import Job


class BarCount(click.ParamType[int | None]):
    """A number of bars, or ``all``."""

    name = "N|all"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Return the number; None for all."""
        if value is None or value == "all":
            return None
        if not str(value).isdecimal() or int(str(value)) == 0:
            self.fail(f"expected a number of bars above 0, or all; found {value!r}", param, ctx)
        return int(str(value))


@click.command("backtest")
@click.argument("path", metavar="CONFIG")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR",
    help="The run directory, replaced if it is one already  [default: runs/NAME-RUN_ID]",
)  # fmt: skip
@json_option
@click.option("--no-parity", is_flag=True, help="Leave out the live replay of the same bars.")
@click.option(
    "--parity-bars", type=BarCount(), default=str(REPLAY_BARS), show_default=True,
    help="Replay at most so many bars, from the first on.",
)  # fmt: skip
def command(
    path: str, out: Path | None, as_json: bool, no_parity: bool, parity_bars: int | None
) -> int:
    """Run the configuration CONFIG over its history.

    Prints the figures and writes a run directory. Then the same bars go through the live
    runner, one closed bar at a time (of several instruments: those of one moment), and every
    signal, order, fill, trade, equity, state checksum and metric is compared as bytes; a
    difference ends with exit code 6, and the run directory has been written by then.

    A run directory that is there already is replaced as a whole, once the new one is
    complete; nothing of the earlier run is kept.
    """
    from admf_fast.config import load_config

    config = load_config(path)
    warn_without_cache()
    job = _backtest(config, out)
    if not as_json:
        write_lines(job_lines(job))
    check = None if no_parity else _replayed(job, parity_bars)
    if as_json:
        write_json({**job_json(job), "parity": check.to_json() if check else None})
    elif check:
        write_lines([check.line()])
    return 0 if check is None or check.identical else diverged(check.difference)


def _backtest(config: Config, out: Path | None) -> Job:
    from admf_fast import jobs

    with progress("backtest", lambda: jobs.rows_total(config)) as advance:
        return jobs.backtest(config, out=out, progress=advance)


def _replayed(job: Job, bars_max: int | None) -> ReplayCheck:
    bars = job.result.bars if bars_max is None else min(job.result.bars, bars_max)
    with progress("live replay", lambda: _total(job, bars)) as advance:
        return check_replay(job, bars_max, advance)


def _total(job: Job, bars: int) -> int | None:
    """Return how many bars a replay of so many bars, or moments, goes through, if known."""
    from admf_fast import jobs

    config = job.setup.config
    if not config.instruments:
        return bars
    return jobs.rows_total(config) if bars == job.result.bars else None
