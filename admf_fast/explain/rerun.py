"""A run made again over its bars up to a time, looked at on the bars that matter.

What it gives must be what was stored, or the explanation would be of another run.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from admf_fast.config import Config
from admf_fast.data import BarBlock, BarDigest, BarSource, blocks_of_some
from admf_fast.errors import AdmfError, ConfigError, DataError, DivergenceError, StateError
from admf_fast.events.schemas import EVENT_SCHEMAS
from admf_fast.explain.seeing import Look, Seen, Stops, bar_at, moves
from admf_fast.explain.stored import Row, StoredRun, rows_of
from admf_fast.jobs import code_digest_of, open_source
from admf_fast.runners.historical import HistoricalRunner
from admf_fast.runners.setup import Setup, prepare
from admf_kernels.program import Program


class Found(NamedTuple):
    """The bars of a run, and the folder that its relative paths start at."""

    setup: Setup
    source: BarSource


class EventSink:
    """Keeps the event tables and forgets the others."""

    def __init__(self) -> None:
        self.batches: dict[str, list[pa.RecordBatch]] = {name: [] for name in EVENT_SCHEMAS}

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Take the next batch of a table."""
        if table in self.batches:
            self.batches[table].append(batch)

    def rows(self, table: str) -> list[Row]:
        """Return all rows of a table."""
        return rows_of(pa.Table.from_batches(self.batches[table], EVENT_SCHEMAS[table]))


def find(run: StoredRun, base: Path | None) -> Found | None:
    """Return bars and kernels of a run, or None where the bars cannot be found.

    Relative paths start at `base`, else at the working directory, at a folder in it (two deep),
    at the run directory or at a folder around that: the first that has files of the same bytes.

    Raises
    ------
    DataError
        The bars in `base`, or at an absolute path, are not those of the run.
    StateError
        The code is not that of the run.
    """
    if not run.config.bars.path:
        return None
    failed: AdmfError | None = None
    for config, source in _candidates(run, base):
        try:
            return _checked(run, config, source)
        except (ConfigError, StateError) as error:
            # Its own modules, or those of another folder with the same bars.
            failed = failed or error
    if failed:
        raise failed
    return None


def _candidates(run: StoredRun, base: Path | None) -> Iterator[tuple[Config, BarSource]]:
    """Yield what may be the configuration in its folder, and its bars, whose bytes are checked."""
    checked: set[Path] = set()
    for folder in [base] if base else folders_of(run):
        config = based(run.config, folder)
        try:
            source = open_source(config)
        except AdmfError:
            if base:
                raise
            continue
        if not base and not _same_files(run, source):
            continue
        places = {(folder / file.path).resolve() for file in source.report().files}
        if not places <= checked:
            _check_bars(run, config, source)
            checked |= places
        yield config, source


def folders_of(run: StoredRun) -> Iterator[Path]:
    """Yield the folders that the paths of a run may start at, the likely ones first."""
    here = Path()
    yield here
    for depth in ("*", "*/*"):
        yield from sorted(p for p in here.glob(depth) if p.is_dir() and p.name[0] != ".")
    yield from run.folder.resolve().parents
    yield run.folder


def based(config: Config, folder: Path) -> Config:
    """Return a configuration whose paths start at a folder."""
    return msgspec.structs.replace(
        config, source=msgspec.structs.replace(config.source, base_dir=str(folder))
    )


def _same_files(run: StoredRun, source: BarSource) -> bool:
    """Return whether these are files of the sizes that the run read; what is in them comes next."""
    known = [(f["path"], f["size_bytes"]) for f in run.manifest["data"]["files"]]
    found = [(f.path, f.size_bytes) for f in source.report().files]
    return known == found


def _check_bars(run: StoredRun, config: Config, source: BarSource) -> None:
    digest = BarDigest()
    for block in blocks_of_some(source):
        digest.update(block)
    expected = run.manifest["inputs"]["data"]
    if digest.hexdigest() != expected:
        raise DataError(
            f"{config.bars.path}: the bars have the digest {digest.hexdigest()}, the run was made "
            f"of bars with {expected}; give the folder of the old ones (--base), or run it again"
        )


def _checked(run: StoredRun, config: Config, source: BarSource) -> Found:
    """Return bars and kernels, if the code is that of the run."""
    setup = replace(prepare(config), symbols=(source.symbol,))
    code = code_digest_of(setup)
    if code != run.manifest["inputs"]["code"]:
        raise StateError(
            f"{run.folder}: the code has the digest {code}, the run was made by code with "
            f"{run.manifest['inputs']['code']}; install that version, or run it again"
        )
    return Found(setup, source)


def look_again(
    run: StoredRun, found: Found, wanted: Collection[int], windows: Iterable[tuple[int, int]]
) -> Seen:
    """Run the bars up to the last wanted time, and return what was seen at all wanted times.

    In `windows`, times of first and last bar, every move of a stop is seen as well. Raises
    DivergenceError if an event, or the state after a wanted bar, is not as it was stored.
    """
    sink = EventSink()
    runner = HistoricalRunner(found.setup, sink=sink)
    watch = _Watch(runner, set(wanted), list(windows))
    last_ns = max(wanted, default=-1)
    for block in blocks_of_some(found.source):
        count = int(np.searchsorted(block.ts_ns, last_ns, "right"))
        watch.take(block.slice(0, count))
        if count < len(block):
            break
    runner.flush()
    require_equal(run, sink, watch.checksums, last_ns)
    return watch.look.seen


class _Watch:
    """Feeds a runner and stops where there is something to see."""

    def __init__(
        self, runner: HistoricalRunner, wanted: set[int], windows: list[tuple[int, int]]
    ) -> None:
        assert isinstance(runner.program, Program)
        terms = runner.setup.terms
        self.runner = runner
        self.stops = Stops(wanted, windows if moves(terms.uses) else [])
        self.look = Look(runner.program, terms.uses)
        self.checksums: dict[int, int] = {}

    def take(self, block: BarBlock) -> None:
        """Feed a block, cut after every bar that is to be looked at."""
        for first, last in self.stops.cuts(block.ts_ns):
            self._feed(block, first, last)

    def _feed(self, block: BarBlock, first: int, last: int) -> None:
        self.runner.feed(block.slice(first, last))
        bar = bar_at(block, last - 1)
        if self.stops.windows:
            self.look.levels(bar)
        if bar.ts_ns in self.stops.wanted:
            self.look.all(bar, self.runner.setup.terms.n.lot_value)
            self.checksums[bar.ts_ns] = self.runner.program.last_checksum


def require_equal(
    run: StoredRun, sink: EventSink, checksums: Mapping[int, int], last_ns: int
) -> None:
    """Raise DivergenceError unless a run made again gave the stored events and states."""
    for table in EVENT_SCHEMAS:
        stored = [row for row in run.events[table] if row["ts"] <= last_ns]
        again = sink.rows(table)
        for k, (a, b) in enumerate(zip(stored, again, strict=False), start=1):
            if repr(a) != repr(b):  # exact for floats, -0.0 and NaN included
                field_name = next(n for n in a if repr(a[n]) != repr(b.get(n)))
                raise DivergenceError(
                    f"{run.folder}: run again, row {k} of {table} at ts_ns {a['ts']} differs in "
                    f"{field_name}: stored {a[field_name]!r}, found {b.get(field_name)!r}"
                )
        if len(stored) != len(again):
            raise DivergenceError(
                f"{run.folder}: run again, {table} has {len(again)} rows up to ts_ns {last_ns}; "
                f"stored are {len(stored)}"
            )
    for ts_ns, row in run.bars_at(checksums).items():
        if row["checksum"] != checksums[ts_ns]:
            raise DivergenceError(
                f"{run.folder}: run again, the state after the bar at ts_ns {ts_ns} has the "
                f"checksum {checksums[ts_ns]}; stored is {row['checksum']}"
            )
