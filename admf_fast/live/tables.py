"""The tables of a live run, made of its journal: what `admf backtest` would have written."""

import dataclasses
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from admf_fast.data import BarBlock, DataReport
from admf_fast.data.report import GapReport
from admf_fast.data.spec import BarSpec, parse_timeframe
from admf_fast.errors import DivergenceError, StateError
from admf_fast.feeds import replay
from admf_fast.jobs import Job, run_job
from admf_fast.journal.messages import AnyMessage, BarInput, Outcome, Started
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


class TwoConfigurationsError(StateError):
    """A run went on with another configuration: tables say what one made of all bars."""


class JournalBars:
    """The bars of a journal as a source, and between them the other inputs.

    Attributes
    ----------
    others : dict of int to list
        Inputs that are no bars, by how many bars came before them; known once the bar after
        them has been yielded.
    outcome : Outcome, optional
        The last one that was read.
    """

    rows_total: int | None = None

    def __init__(self, folder: Path, spec: BarSpec, symbol: str) -> None:
        self.spec = spec
        self.symbol = symbol
        self.timeframe_ns = parse_timeframe(spec.timeframe)
        self.others: dict[int, list[Input]] = {}
        self.warm_bars = 0
        self.outcome: Outcome | None = None
        self._config = ""  # digest of that of the last start
        self._folder = folder
        self._rows = 0
        self._first_ts_ns: int | None = None
        self._last_ts_ns: int | None = None

    def blocks(self) -> Iterator[BarBlock]:
        """Yield the bars in blocks, cut wherever another input stands between two bars."""
        rows: list[BarInput] = []
        for _, message in read_journal(str(self._folder)):
            if isinstance(message, BarInput):
                if len(rows) == BLOCK_BARS or (rows and self._rows in self.others):
                    yield _block(rows)
                    rows = []
                rows.append(message)
                self._count(message)
            elif isinstance(message, INPUTS):
                self.others.setdefault(self._rows, []).append(message)
            elif isinstance(message, Outcome):
                self.outcome = message
            else:
                self._check_unchanged(message)
        if rows:
            yield _block(rows)

    def _count(self, bar: BarInput) -> None:
        self._rows += 1
        self.warm_bars += bar.warm
        self._first_ts_ns = bar.ts_ns if self._first_ts_ns is None else self._first_ts_ns
        self._last_ts_ns = bar.ts_ns

    def _check_unchanged(self, message: AnyMessage) -> None:
        if not isinstance(message, Started):
            return
        before, self._config = self._config, message.digests["config"]
        if self._rows and before != self._config:
            raise TwoConfigurationsError(
                f"{self._folder}: the configuration changed after {self._rows} bars, so that no "
                "one configuration makes these bars' events again: no tables are written; admf "
                "verify replays all of it"
            )

    def report(self) -> DataReport:
        """Return what the journal holds of bars."""
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


def _block(rows: list[BarInput]) -> BarBlock:
    ts_ns = np.array([bar.ts_ns for bar in rows], np.int64)
    names = ("open", "high", "low", "close", "volume")
    return BarBlock(ts_ns, *(np.array([getattr(b, n) for b in rows], np.float64) for n in names))


def write_tables(folder: RunFolder, setup: Setup, bars: BarSpec) -> Job:
    """Run the inputs of a journal again and put the tables of that run into its folder.

    `bars` declares them, as the feed did. A reader finds `manifest.json` only when all tables are
    there. Raises StateError, TwoConfigurationsError if the configuration changed on the way;
    DivergenceError if the run does not end as the journal does.
    """
    source = JournalBars(folder.journal, bars, setup.symbols[0])

    def run(setup: Setup, blocks: Iterator[BarBlock], sink: Sink | None) -> RunResult:
        core, count = LiveCore(setup, sink=sink), 0
        for block in blocks:
            _between(core, source, count)
            # Warm bars come first; how many is known when the first other one has been read.
            for bar in _inputs(block, source.symbol, source.warm_bars - count):
                core.apply(bar, 0)
            count += len(block)
        _between(core, source, count)
        _check_outcome(core, source)
        return core.runner.finish()

    made = folder.path / MADE
    try:
        (folder.path / MANIFEST).unlink(missing_ok=True)
        job = run_job(setup, source, run, out=made)
        _move(made, folder.path)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return dataclasses.replace(job, folder=folder.path)


def _between(core: LiveCore, source: JournalBars, count: int) -> None:
    for message in source.others.get(count, ()):
        core.apply(message, 0)


def _inputs(block: BarBlock, symbol: str, warm_bars: int) -> Iterator[BarInput]:
    """Yield the bars of a block, of which the first `warm_bars` are warm."""
    for k, (ts_ns, open_, high, low, close, volume) in enumerate(replay([block])):
        yield BarInput(
            ts_ns=ts_ns, symbol=symbol, open=open_, high=high, low=low, close=close,
            volume=volume, warm=k < warm_bars,
        )  # fmt: skip


def _check_outcome(core: LiveCore, source: JournalBars) -> None:
    found = source.outcome
    if found is not None and core.outcome(found.input_sequence) != found:
        raise DivergenceError(
            f"journal record {found.input_sequence}: the run that the tables are made of ends "
            f"with {core.outcome(found.input_sequence)!r}, the journal with {found!r}; no tables "
            "were written, run admf verify on the folder"
        )


def _move(made: Path, folder: Path) -> None:
    """Move files into the folder, the manifest last."""
    names = sorted((path.name for path in made.iterdir()), key=lambda n: (n == MANIFEST, n))
    try:
        for name in names:
            os.replace(made / name, folder / name)
    except OSError as error:
        raise StateError(f"{folder}: the tables cannot be put there: {error.strerror}") from error
