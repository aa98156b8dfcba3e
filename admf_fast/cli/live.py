"""`admf live`: run a configuration bar by bar on a paper account."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from admf_fast.cli.cache_note import warn_without_cache
from admf_fast.cli.output import (
    OutputClosed,
    abandon,
    json_option,
    note,
    write_event,
    write_json,
)
from admf_fast.cli.progress import progress
from admf_fast.cli.run_output import job_json, job_lines

if TYPE_CHECKING:
    from admf_fast.config import Config
    from admf_fast.events import Event
    from admf_fast.live.service import Served


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
@click.option(
    "--run", "folder", type=click.Path(path_type=Path), metavar="DIR",
    help="A run folder with a journal in place of --out: what is in it is continued.",
)  # fmt: skip
@click.option(
    "--accept-config-change", "accepted", default="", metavar="REASON",
    help="Continue a run that holds a position with a changed configuration or code.",
)  # fmt: skip
@click.option(
    "--armed", is_flag=True,
    help="Let the orders of a configuration with live.mode live reach its venue.",
)  # fmt: skip
@json_option
def command(
    path: str, feed: str, out: Path | None, folder: Path | None, accepted: str, armed: bool,
    as_json: bool,
) -> None:  # fmt: skip
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

    With --run every bar is journaled before it is processed, and the same command started
    again, after a crash too, goes on where the last one stopped; `feed` in CONFIG says what
    becomes of late, missing and wrong bars. TERM or Ctrl-C stops it within two seconds; USR1
    freezes entries, USR2 closes everything as well, as `admf control` and the file DIR/kill do.
    """
    from admf_fast.config import load_config
    from admf_fast.errors import ConfigError

    if out and folder:
        raise click.UsageError("--out and --run: give one of them", click.get_current_context())
    if (accepted or armed) and not folder:
        found = "--accept-config-change" if accepted else "--armed"
        raise click.UsageError(f"{found}: only with --run", click.get_current_context())
    config = load_config(path)
    if config.live.mode == "live" and not folder:
        raise ConfigError(
            f"{config.where('live', 'mode')}: live.mode: expected --run DIR with live; without a "
            "journal no order is sent"
        )
    warn_without_cache()
    if folder:
        _serve(config, feed, folder, accepted, armed=armed, as_json=as_json)
    else:
        _run(config, feed, out, as_json=as_json)


def _run(config: Config, feed: str, out: Path | None, *, as_json: bool) -> None:
    """Run until the feed ends, and write a run directory."""
    from admf_fast import jobs

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


def _serve(
    config: Config, feed: str, folder: Path, accepted: str, *, armed: bool, as_json: bool
) -> None:
    """Run with a journal until the feed ends or somebody stops it."""
    from admf_fast.live.service import serve

    on_event = None if as_json else _Printer()
    served = serve(config, feed, folder, accepted=accepted, armed=armed, on_event=on_event)
    if served.job is None:
        _without_tables(served, folder, as_json=as_json)
    elif as_json:
        write_json({"status": served.ending.status, **job_json(served.job)})
    else:
        note("\n".join(job_lines(served.job)))
    if ruled := [f"{rule} {n:,}" for rule, n in served.counts.items() if n and rule != "bar"]:
        note(f"The feed's guard counted: {', '.join(ruled)}; the journal says why")


def _without_tables(served: Served, folder: Path, *, as_json: bool) -> None:
    if as_json:
        told = {"status": served.ending.status, "bars": served.bars, "folder": str(folder)}
        write_json({**told, **({"no_tables": served.no_tables} if served.no_tables else {})})
    elif served.no_tables:
        note(f"The feed has ended after {served.bars} bars. {served.no_tables}")
    else:
        how = f"Stopped ({served.ending.text}) after {served.bars} bars"
        note(f"{how}; the same command goes on.")


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


class _Printer:
    """Prints events until the reader has gone; a run that trades goes on without one."""

    def __init__(self) -> None:
        self._closed = False

    def __call__(self, event: Event) -> None:
        """Print an event."""
        if self._closed:
            return
        try:
            _print(event)
        except OutputClosed:
            self._closed = True
            abandon()


def _print(event: Event) -> None:
    write_event(event.to_json())
