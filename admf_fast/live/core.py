"""The pure core of a live run: an input in, what it led to out; no clock, no disk, no socket.

The same inputs in the same order give the same outcomes bit for bit, whether the process that
trades applies them, a recovery that replays its journal, or a verification years later.
"""

from typing import Any, NamedTuple

import msgspec
import xxhash

from admf_fast.errors import BarError, StateError, VenueError
from admf_fast.journal.messages import BarInput, Command, Intent, Outcome, Report
from admf_fast.runners.between import Step
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.recorder import Sink
from admf_fast.runners.setup import Setup
from admf_fast.venues.holds import FEED, holds_after
from admf_fast.venues.intents import Intents

STATE_VERSION = 1
UINT64 = (1 << 64) - 1

Input = BarInput | Report | Command
# Table, and the values of its row: the close of the bar, then the columns of the table.
EventRow = tuple[str, tuple[Any, ...]]

_pack = msgspec.msgpack.Encoder().encode


class Applied(NamedTuple):
    """What an input led to; `refused` says why a bar was not taken."""

    outcome: Outcome
    intents: tuple[Intent, ...] = ()
    events: tuple[EventRow, ...] = ()
    refused: str = ""


class CoreState(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a core remembers, as its snapshot has it."""

    version: int
    runner: bytes
    lineage: str
    checksum: int
    events: int
    last_event: int
    last_ts_ns: int
    bars: int
    holds: tuple[str, ...]


class LiveCore:
    """One strategy with its account, driven by the inputs of a journal.

    Its tables go to `sink`, or nowhere: they can be made of the journal at any time.

    Attributes
    ----------
    runner : LiveRunner
        Features, strategy and account.
    holds : tuple of str
        Who keeps new entries from being made: origins of `Command`, in order of their names.
    """

    def __init__(self, setup: Setup, *, sink: Sink | None = None, lineage: str = "") -> None:
        self.setup = setup
        self.runner = LiveRunner(setup, sink=sink or _Nowhere())
        self.lineage = lineage
        self.holds: tuple[str, ...] = ()
        self.bars = 0
        self.last_ts_ns = -1
        self._checksum = 0
        self._events = 0
        self._last_event = 0
        self._parts = {part.label: part for part in self.runner.program.parts}

    def apply(self, message: Input, sequence: int) -> Applied:
        """Take the input that the journal has under `sequence`, and return what it led to.

        What the runner does not take changes nothing, and the answer says why. Raises DataError
        when it led to a number that cannot be used: the run is over then.
        """
        try:
            steps, ts_ns = self._steps(message)
        except (BarError, VenueError) as error:
            return Applied(self.outcome(sequence), refused=str(error))
        return self.answered(steps, ts_ns, sequence)

    def answered(self, steps: list[Step], ts_ns: int, sequence: int) -> Applied:
        """Return what steps of a runner are to the journal, once the digests have grown by them.

        The last of them must be where the runner stands, if there are intents to be made.
        """
        rows: list[EventRow] = []
        intents: list[Intent] = []
        for step in steps:
            self._checksum = step.checksum & UINT64
            if step.events:
                rows += [(table, (ts_ns, *values[1:])) for table, values in step.events]
                intents += self._intents(step, ts_ns)
        if rows:
            self._events = xxhash.xxh3_64_intdigest(_pack(rows), self._events)
            self._last_event = rows[-1][1][1]
        return Applied(self.outcome(sequence), tuple(intents), tuple(rows))

    def _steps(self, message: Input) -> tuple[list[Step], int]:
        """Return what an input does to the runner, and the time of the events of it."""
        if isinstance(message, BarInput):
            step = self.runner.step(
                message.ts_ns, message.open, message.high, message.low, message.close,
                message.volume, message.warm,
            )  # fmt: skip
            self.bars += 1
            self.last_ts_ns = message.ts_ns
            return [step], message.ts_ns
        if isinstance(message, Report):
            return [self.runner.report(message)], message.ts_ns
        return self._obey(message), max(self.last_ts_ns, 0)

    def _obey(self, command: Command) -> list[Step]:
        before, self.holds = self.holds, holds_after(self.holds, command)
        if command.action != "resume":
            return [self.runner.halt(command.action)]
        if before == self.holds:
            return []
        # Lifting an operator's hold while the feed's stays lifts what it said of positions.
        steps = [self.runner.halt("resume")] if command.origin != FEED or not self.holds else []
        return steps + ([self.runner.halt("freeze")] if steps and self.holds else [])

    def _intents(self, step: Step, ts_ns: int) -> list[Intent]:
        if not self.setup.terms.uses.venue:
            return []
        return Intents(self.runner, lineage=self.lineage).of(step, ts_ns)

    def outcome(self, sequence: int) -> Outcome:
        """Return the outcome of the last input, were it the one of `sequence`."""
        return Outcome(
            input_sequence=sequence,
            checksum=self._checksum,
            events=self._events,
            last_event=self._last_event,
        )

    @property
    def position_lots(self) -> int:
        """The lots held now, signed."""
        return int(self._parts["q"].value.lots)

    @property
    def equity(self) -> float:
        """What the account is worth at the last close, in its currency."""
        return float(self._parts["curve"].value.equity)

    @property
    def busy(self) -> bool:
        """Whether there is a position, or an order at work."""
        return bool(self.position_lots or self._parts["intent"].value.working)

    def take_over(self, other: "LiveCore") -> None:
        """Continue the events and the holds of another core."""
        self.holds = other.holds
        self.lineage = other.lineage
        self._checksum = other._checksum
        self._events = other._events
        self._last_event = other._last_event

    def save(self) -> bytes:
        """Return everything the core remembers."""
        return _pack(
            CoreState(
                version=STATE_VERSION,
                runner=self.runner.save(),
                lineage=self.lineage,
                checksum=self._checksum,
                events=self._events,
                last_event=self._last_event,
                last_ts_ns=self.last_ts_ns,
                bars=self.bars,
                holds=self.holds,
            )
        )

    def restore(self, saved: bytes) -> None:
        """Put a fresh core into a saved state.

        Raises StateError for bytes that are damaged, of another version, or of another
        configuration or code.
        """
        try:
            state = msgspec.msgpack.decode(saved, type=CoreState)
        except msgspec.MsgspecError as error:
            raise StateError(f"the saved state is damaged: {error}") from None
        if state.version != STATE_VERSION:
            raise StateError(
                f"expected saved state of version {STATE_VERSION}, found {state.version}"
            )
        self.runner.restore(state.runner)
        self.holds = state.holds
        self.lineage = state.lineage
        self._checksum = state.checksum
        self.bars = state.bars
        self.last_ts_ns = state.last_ts_ns
        self._events = state.events
        self._last_event = state.last_event


class _Nowhere:
    """Takes the tables of a run that are written from its journal later."""

    def write(self, table: str, batch: object) -> None:
        """Take the next batch of a table."""
