"""A journaled run proven: its inputs through the historical runner, every outcome compared."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from admf_fast.config import parse_config
from admf_fast.consistency.divergence import Divergence, Family, between
from admf_fast.consistency.stored import open_any, stored_digests
from admf_fast.consistency.verifying import Check, Verification, verify_tables
from admf_fast.data import BarBlock
from admf_fast.data.rules import values_valid
from admf_fast.errors import StateError
from admf_fast.journal.messages import AnyMessage, BarInput, Intent, Outcome, Started
from admf_fast.journal.reading import read_journal
from admf_fast.live.changes import Setups
from admf_fast.live.core import Applied, Input
from admf_fast.live.folder import RunFolder
from admf_fast.live.replaying import INPUTS
from admf_fast.runners.between import Step
from admf_fast.runners.historical import HistoricalRunner, Progress
from admf_fast.runners.recorder import NoSink, event_tuples
from admf_fast.runners.setup import Setup, prepare
from admf_fast.runners.venue import with_venue
from admf_kernels import snapshot

BLOCK_BARS = 4096
LAYERS = {"checksum": "state", "events": "events", "last_event": "events"}
MANIFEST = "manifest.json"
Answer = Outcome | Intent
Record = tuple[int, AnyMessage]


def verify(
    run: Path | str, *, base: Path | None = None, progress: Progress | None = None
) -> Verification:
    """Make a recorded run again by the historical runner and compare every bit.

    Parameters
    ----------
    run : Path
        The folder of a live run, which has a journal, or a run directory.
    base : Path, optional
        Where the paths of its configuration start, and modules of its own are.
    progress : function of int, optional
        Called with the number of bars done since its last call.

    Raises
    ------
    StateError
        What is recorded cannot be read, or bars or code are not those of the run.
    """
    folder = Path(run)
    if RunFolder(folder).exists:
        return verify_journal(folder, base=base, progress=progress)
    return verify_tables(folder, base=base, progress=progress)


def verify_journal(
    folder: Path, *, base: Path | None = None, progress: Progress | None = None
) -> Verification:
    """Verify the journal of a live run, from its first record to its last."""
    replay = _Replay(folder, base, progress)
    for sequence, message in read_journal(str(RunFolder(folder).journal)):
        replay.take(sequence, message)
        if replay.divergence:
            break
    replay.end()
    if replay.started is None:
        raise StateError(f"{folder}: its journal holds no run")
    found = replay.divergence
    checks = [Check("outcomes and intents against journal", found is None)]
    if found is None and (folder / MANIFEST).exists():
        checks.append(_tables(folder))
        if not checks[-1].identical:
            place = (checks[-1].note, -1, -1, "digest")
            found = between(Family.LOGIC, folder.name, place, "as in manifest.json", "another")
    started = replay.started
    return Verification(
        folder, started.lineage, started.mode, "journal", replay.bars, checks, {}, found
    )


def _tables(folder: Path) -> Check:
    """Compare the tables that were made of the journal with the digests of their manifest."""
    run = open_any(folder)
    told, stored = run.manifest["layers"], stored_digests(run)
    broken = [layer for layer, digest in stored.items() if told.get(layer) != digest]
    return Check("tables against manifest", not broken, ", ".join(broken))


class _Replay:
    """Feeds stretches of bars to a historical runner, other inputs to the core between them."""

    def __init__(self, folder: Path, base: Path | None, progress: Progress | None) -> None:
        self.name = folder.name
        self.bars = 0
        self.started: Started | None = None
        self.divergence: Divergence | None = None
        self._journal = str(RunFolder(folder).journal)
        self._base = base
        self._progress = progress
        self._setups: Setups | None = None
        self._runner: HistoricalRunner | None = None
        self._waiting: list[tuple[int, BarInput]] = []  # bars that were not run yet
        self._told: dict[int, list[Answer]] = {}  # what the journal answers, by input
        self._last = 0  # sequence of the last input
        self._pending: tuple[Input, Applied] | None = None  # no bar; its answers follow it

    def take(self, sequence: int, message: AnyMessage) -> None:
        """Take a record; answers are compared when all of a stretch are there."""
        if isinstance(message, Outcome | Intent):
            self._told.setdefault(self._last, []).append(message)
            return
        if isinstance(message, BarInput):
            if self._waiting and (len(self._waiting) == BLOCK_BARS or self._ends(message)):
                self.end()
            self._waiting.append((sequence, message))
            self._last = sequence
        elif isinstance(message, (*INPUTS, Started)):
            self.end()
            self._between(sequence, message)

    def _ends(self, bar: BarInput) -> bool:
        """Whether the stretch ends before a bar: orders went out, or warm bars are over."""
        last = self._told.get(self._last, ())
        return bar.warm != self._waiting[-1][1].warm or any(isinstance(a, Intent) for a in last)

    def _between(self, sequence: int, message: AnyMessage) -> None:
        if self.divergence:
            return
        if isinstance(message, Started):
            self._start(sequence, message)
        elif isinstance(message, INPUTS):
            self._last = sequence
            self._pending = (message, self._core.apply(message, sequence))

    def _start(self, sequence: int, started: Started) -> None:
        """Begin the run, or go on with it as another start of the process did."""
        if self._setups is None:
            self._setups = Setups(_setup_of(started, self._symbol(), self._base))
            self._core = self._setups.core(self._setups.current)
        else:
            self._core = self._setups.after(
                self._core, self.started, started, self._records, sequence
            )
        self._core.lineage = started.lineage
        self.started = started
        if self._runner is None or self._runner.setup is not self._core.setup:
            self._runner = HistoricalRunner(self._core.setup, sink=NoSink())
            snapshot.share_code(self._core.runner.program, self._runner.program)

    def _symbol(self) -> str:
        bars = (m for _, m in read_journal(self._journal) if isinstance(m, BarInput))
        return next((bar.symbol for bar in bars), "")

    def _records(self, since: int) -> Iterator[Record]:
        return read_journal(self._journal, since=since)

    def end(self) -> None:
        """Compare what is pending, run the bars that wait, and compare their answers."""
        if self._pending and not self.divergence:
            message, applied = self._pending
            self._compare(message, applied, last=not self._waiting)
            self._pending = None
        waiting, self._waiting = self._waiting, []
        if not waiting or self.divergence:
            return
        if self.started is None:
            raise StateError(f"{self._journal}: a bar before the first start of a run")
        for (_, bar), applied in self._answers(waiting):
            self._compare(bar, applied, last=bar is waiting[-1][1])
            self.bars += 1
            if self.divergence:
                return
        if self._progress:
            self._progress(len(waiting))

    def _answers(
        self, stretch: list[tuple[int, BarInput]]
    ) -> Iterator[tuple[tuple[int, BarInput], Applied]]:
        """Yield every bar of a stretch with what it led to."""
        sequence, first = stretch[0]
        warming = "warming" in self._core.runner.holds
        # Where warming up begins or ends the runner is told first, which the core knows how to.
        if first.warm != warming:
            yield stretch[0], self._core.apply(first, sequence)
            stretch = stretch[1:]
        for part in _valid(stretch, self._core.last_ts_ns):
            if isinstance(part, tuple):  # refused, as it was then
                yield part, self._core.apply(part[1], part[0])
            else:
                yield from self._block(part)

    def _block(
        self, part: list[tuple[int, BarInput]]
    ) -> Iterator[tuple[tuple[int, BarInput], Applied]]:
        core, runner = self._core, self._runner
        assert runner is not None, "a bar before the first start"
        runner.restore(core.runner.save())
        steps = list(_steps(runner, _block_of([bar for _, bar in part])))
        core.runner.restore(runner.save())
        core.bars += len(part)
        core.last_ts_ns = part[-1][1].ts_ns
        for (sequence, bar), step in zip(part, steps, strict=True):
            yield (sequence, bar), core.answered([step], bar.ts_ns, sequence)

    def _compare(self, message: Input, applied: Applied, *, last: bool) -> None:
        """Compare an input's answers; a run that was killed may lack those of its last input."""
        made: list[Answer] = [applied.outcome, *applied.intents]
        told = self._told.pop(applied.outcome.input_sequence, [])
        for k, ours in enumerate(made):
            if k >= len(told):
                if not last:
                    self._differ(message, ours, None)
                return
            if ours != told[k]:
                self._differ(message, ours, told[k])
                return
        if len(told) > len(made):
            self._differ(message, None, told[len(made)])

    def _differ(self, message: Input, made: Answer | None, told: Answer | None) -> None:
        """Keep the first field in which an answer is not the one of the journal."""
        known = made or told
        layer, field = "orders" if isinstance(known, Intent) else "state", "answer"
        expected: Any = "none" if made is None else type(made).__name__
        found: Any = "none" if told is None else type(told).__name__
        if made is not None and type(made) is type(told):
            ours, theirs = msgspec.to_builtins(made), msgspec.to_builtins(told)
            field = next(name for name in ours if ours[name] != theirs[name])
            layer = LAYERS.get(field, layer)
            expected, found = ours[field], theirs[field]
        place = (layer, self.bars, message.ts_ns, field)
        self.divergence = between(Family.LOGIC, self.name, place, expected, found)


def _setup_of(started: Started, symbol: str, base: Path | None) -> Setup:
    """Return the set-up of a start; paths and own modules start at `base`."""
    text = started.config.decode()
    config = parse_config(text, name="journal", format="yaml", base_dir=str(base or "."))
    setup = replace(prepare(config), symbols=(symbol,))
    return with_venue(setup) if started.mode == "live" else setup


Part = list[tuple[int, BarInput]] | tuple[int, BarInput]


def _valid(stretch: list[tuple[int, BarInput]], last_ns: int) -> Iterator[Part]:
    """Yield runs of bars that follow the rules, and between them each bar that does not."""
    if not stretch:
        return
    block = _block_of([bar for _, bar in stretch])
    if values_valid(block) and (np.diff(block.ts_ns, prepend=last_ns) > 0).all():
        yield stretch
        return
    good: list[tuple[int, BarInput]] = []
    for sequence, bar in stretch:
        if bar.ts_ns > last_ns and values_valid(_block_of([bar])):
            good.append((sequence, bar))
            last_ns = bar.ts_ns
            continue
        if good:
            yield good
            good = []
        yield sequence, bar
    if good:
        yield good


def _block_of(bars: list[BarInput]) -> BarBlock:
    ts_ns = np.array([bar.ts_ns for bar in bars], np.int64)
    names = ("open", "high", "low", "close", "volume")
    # As the runner takes it: a volume of -0.0 is 0.0.
    columns = [np.array([getattr(bar, n) for bar in bars], np.float64) + 0.0 for n in names]
    return BarBlock(ts_ns, *columns)


def _steps(runner: HistoricalRunner, block: BarBlock) -> Iterator[Step]:
    """Yield what every bar of a block led to."""
    program = runner.program
    for rows in runner.pieces(block):
        events = event_tuples(program) if program.event_count else []
        at = 0
        for row in range(rows.start, rows.stop):
            first = at
            while at < len(events) and events[at][1][0] == row:
                at += 1
            yield Step(events[first:at], int(program.checksum[row]))
