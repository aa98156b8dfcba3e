"""`admf live`: run a configuration bar by bar on a paper account."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from admf_fast.cli.cache_note import warn_without_cache
from admf_fast.cli.output import json_option, note, write_event, write_json
from admf_fast.cli.progress import progress
from admf_fast.cli.run_output import job_json, job_lines

if TYPE_CHECKING:
    from admf_fast.config import Config
    from admf_fast.events import Event


@click.command("live")
@click.argument("path", metavar="CONFIG")
@click.option(
    "--feed", required=True, metavar="FEED",
    help="replay:PATH for the bars of a file (replay: alone for those of CONFIG); for JSON "
    "lines stdin, follow:FILE (that grows), unix:PATH or tcp:127.0.0.1:PORT.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR",
    help="The run directory, replaced if it is one already  [default: runs/NAME-RUN_ID]",
)  # fmt: skip
@json_option
def command(path: str, feed: str, out: Path | None, as_json: bool) -> None:
    """Run the configuration CONFIG on a feed, one closed bar at a time, on a paper account.

    Prints every SIGNAL, ORDER, FILL and TRADE as a line of JSON the moment it happens, and
    the figures on standard error when the feed ends. With --json only the final object.

    \b
    A line:
      {"ts": "2024-01-02T14:31:00Z", "open": 1, "high": 2, "low": 1, "close": 2, "volume": 9}

    Of several instruments it has a "symbol" as well; those that close together follow each
    other, and replay: is alone.

    Of the declarations in bars, those lines are held to timeframe, stamp, symbol, off_grid
    and duplicates (exact copies of the last bar). A line that cannot be used ends the run
    with exit code 3 and no run directory; the events printed before it have happened.
    """
    from admf_fast import jobs
    from admf_fast.config import load_config

    config = load_config(path)
    warn_without_cache()
    # On one terminal the events themselves show how far it is.
    quiet = not as_json and sys.stdout.isatty()
    with progress("live", lambda: _total(config, feed), quiet=quiet) as advance:
        job = jobs.live(
            config, feed, out=out, on_event=None if as_json else _print, progress=advance
        )
    if as_json:
        write_json(job_json(job))
    else:
        note("\n".join(job_lines(job)))


def _total(config: Config, feed: str) -> int | None:
    """Return how many bars a feed has, where that is known."""
    from msgspec.structs import replace

    from admf_fast import jobs
    from admf_fast.data import open_bars

    kind, _, path = feed.partition(":")
    if kind != "replay":
        return None
    if not path or config.instruments:
        return jobs.rows_total(config)
    return open_bars(replace(config.bars, path=path)).rows_total


def _print(event: Event) -> None:
    write_event(event.to_json())
