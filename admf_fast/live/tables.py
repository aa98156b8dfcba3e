"""The tables of a live run, made of its journal: what `admf backtest` would have written."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from admf_fast.config import Config
from admf_fast.data import BarBlock, DataReport
from admf_fast.data.spec import BarSpec, parse_timeframe
from admf_fast.errors import ConfigError, StateError
from admf_fast.feeds import replay
from admf_fast.jobs import Job, run_job
from admf_fast.journal.messages import AnyMessage, BarInput, Started
from admf_fast.journal.reading import read_journal
from admf_fast.live.core import Input, LiveCore
from admf_fast.live.folder import RunFolder
from admf_fast.live.replaying import INPUTS
from admf_fast.runners.recorder import Sink
from admf_fast.runners.result import RunResult
from admf_fast.runners.setup import Setup

BLOCK_BARS = 4096
MADE = ".tables"
MANIFEST = "manifest.json"


class JournalBars:
    """The bars of a journal as a source, and between them the other inputs.

    Attributes
    ----------
    others : dict of int to list
        Inputs that are no bars, by how many bars came before them; known once the bars before
        them have been yielded.
    """

    rows_total: int | None = None

    def __init__(self, folder: Path, spec: BarSpec, symbol: str) -> None:
        self.spec = spec
        self.symbol = symbol
        self.timeframe_ns = parse_timeframe(spec.timeframe)
        self.others: dict[int, list[Input]] = {}
        self._folder = folder
        self._rows = 0
        self._first_ts_ns: int | None = None
        self._last_ts_ns: int | None = None

    def blocks(self) -> Iterator[BarBlock]:
        """Yield the bars in blocks, cut wherever another input stands between two bars."""
        rows: list[BarInput] = []
        for _, message in read_journal(str(self._folder)):
            if isinstance(message, BarInput):
                rows.append(message)
                self._count(message)
                if len(rows) == BLOCK_BARS:
                    yield _block(rows)
                    rows = []
            elif isinstance(message, INPUTS):
                self.others.setdefault(self._rows, []).append(message)
                if rows:
                    yield _block(rows)
                    rows = []
            else:
                _check_unchanged(message, self._rows)
        if rows:
            yield _block(rows)

    def _count(self, bar: BarInput) -> None:
        self._rows += 1
        self._first_ts_ns = bar.ts_ns if self._first_ts_ns is None else self._first_ts_ns
        self._last_ts_ns = bar.ts_ns

    def report(self) -> DataReport:
        """Return what the journal holds of bars."""
        from admf_fast.data.report import GapReport

        return DataReport(
            symbol=self.symbol,
            timeframe=self.spec.timeframe,
            timeframe_ns=self.timeframe_ns,
            stamp=self.spec.stamp,
            complete=True,
            rows_read=self._rows,
            rows_kept=self._rows,
            dropped={},
            off_grid_kept=0,
            gaps=GapReport(),
            first_ts_ns=self._first_ts_ns,
            last_ts_ns=self._last_ts_ns,
            files=(),
        )


def _check_unchanged(message: AnyMessage, bars: int) -> None:
    if bars and isinstance(message, Started) and message.accepted_change:
        raise StateError(
            "the configuration of the run changed on the way: it has no tables as one run; "
            "admf verify replays it"
        )


def _block(rows: list[BarInput]) -> BarBlock:
    ts_ns = np.array([bar.ts_ns for bar in rows], np.int64)
    names = ("open", "high", "low", "close", "volume")
    return BarBlock(ts_ns, *(np.array([getattr(b, n) for b in rows], np.float64) for n in names))


def write_tables(folder: RunFolder, setup: Setup) -> Job:
    """Run the inputs of a journal again and put the tables of that run into its folder.

    A reader finds `manifest.json` only when all of them are there. Raises StateError.
    """
    source = JournalBars(folder.journal, setup.config.bars, setup.symbols[0])

    def run(setup: Setup, blocks: Iterator[BarBlock], sink: Sink | None) -> RunResult:
        core, count = LiveCore(setup, sink=sink), 0
        _between(core, source, 0)
        for block in blocks:
            for ts_ns, open_, high, low, close, volume in replay([block]):
                core.apply(
                    BarInput(
                        ts_ns=ts_ns, symbol=source.symbol, open=open_, high=high, low=low,
                        close=close, volume=volume,
                    ),
                    0,
                )  # fmt: skip
            count += len(block)
            _between(core, source, count)
        return core.runner.finish()

    made = folder.path / MADE
    try:
        (folder.path / MANIFEST).unlink(missing_ok=True)
        job = run_job(setup, source, run, out=made)
        _move(made, folder.path)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return _placed(job, folder.path)


def _between(core: LiveCore, source: JournalBars, count: int) -> None:
    for message in source.others.get(count, ()):
        core.apply(message, 0)


def _move(made: Path, folder: Path) -> None:
    """Move files into the folder, the manifest last."""
    names = sorted((path.name for path in made.iterdir()), key=lambda n: (n == MANIFEST, n))
    try:
        for name in names:
            os.replace(made / name, folder / name)
    except OSError as error:
        raise StateError(f"{folder}: the tables cannot be put there: {error.strerror}") from error


def _placed(job: Job, folder: Path) -> Job:
    from dataclasses import replace

    return replace(job, folder=folder)


def tables_of(config: Config, folder: RunFolder) -> Job:
    """Write the tables of a run that was stopped; raises ConfigError for several instruments."""
    from admf_fast.runners.setup import prepare

    if config.instruments:
        raise ConfigError("instruments: a run folder is for one instrument")
    return write_tables(folder, prepare(config))
