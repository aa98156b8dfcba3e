"""A core with its journal and its gateway: each input durable, applied, answered, in this order."""

import secrets
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from admf_fast.config.live import LiveSpec
from admf_fast.errors import DivergenceError, StateError
from admf_fast.journal.disk import Disk
from admf_fast.journal.journal import SEGMENT_BYTES, Journal
from admf_fast.journal.messages import (
    AnyMessage,
    BarInput,
    Command,
    Ended,
    Message,
    Note,
    Report,
    Started,
    encode,
)
from admf_fast.journal.reading import read_journal
from admf_fast.journal.snapshots import Snapshots
from admf_fast.live.changes import Setups, changed, check_change
from admf_fast.live.clock import Clock, SteadyTime
from admf_fast.live.core import Applied, Input, LiveCore
from admf_fast.live.folder import RunFolder
from admf_fast.live.recovery import Recovered, recover, save_run
from admf_fast.live.replaying import INPUTS
from admf_fast.venues.gateway import Gateway

SEED_RECORDS = 1000  # at the end of a journal, of which a feed's guard is told the bars
MS_NS = 1_000_000
DISK = "disk"  # origin of the hold on entries when the journal's disk is nearly full
LOW = "P05: the disk has no room for another segment of the journal; free space, then resume"

OnApplied = Callable[[Input, Applied], None]
OnNote = Callable[[str, str], None]  # rule and text


class LiveRun:
    """A run folder opened for its one process; hold the `StateLock` of the folder.

    Parameters
    ----------
    folder
        Of this run alone.
    setups
        What to run.
    clock
        By which it syncs; decides nothing.
    disk
        Where the journal is kept, if not on the disk of this machine.
    gateway
        To the venue of orders; None for a paper account.
    on_applied
        Called with every input and what it led to, once that is journaled.
    accepted
        An operator's reason for going on with a changed configuration or code.
    lineage
        Id of a new run, part of its client ids; random if left out.
    segment_bytes
        Size of the journal's files.
    """

    def __init__(
        self, folder: Path, setups: Setups, *, clock: Clock, disk: Disk | None = None,
        gateway: Gateway | None = None, on_applied: OnApplied | None = None,
        accepted: str = "", lineage: str = "", segment_bytes: int = SEGMENT_BYTES,
    ) -> None:  # fmt: skip
        self.folder = RunFolder(folder)
        self.setup = setups.current
        self.spec: LiveSpec = self.setup.config.live
        self.gateway = gateway
        self.starts = 0
        self.inputs_replayed = 0
        self.snapshot_failures = 0
        self._setups = setups
        self._clock = clock
        self._disk = disk
        self._on_applied = on_applied
        self._accepted = accepted
        self._lineage = lineage
        self._segment_bytes = segment_bytes
        self.on_note: OnNote | None = None
        self.armed_seconds = 0.0
        self._since_snapshot = 0
        self._last_input = 0
        self._unsynced_ns = 0

    def open(self) -> None:
        """Recover what the folder holds, and be ready for the next input.

        Raises
        ------
        DivergenceError
            When the journal's inputs lead to something else than they did; the run is sealed.
        ConfigError
            When configuration or code changed and that was not accepted; nothing is written.
        StateError
            When the journal cannot be read or written.
        VenueError
            When the venue does not answer, or has another account.
        """
        began_ns = self._clock.steady_ns()
        self.journal = Journal(
            str(self.folder.journal), disk=self._disk, segment_bytes=self._segment_bytes
        )
        try:
            self._go_on()
        except Exception:
            self.close_quietly()
            raise
        self.armed_seconds = (self._clock.steady_ns() - began_ns) / 1e9

    def _go_on(self) -> None:
        """Go on where the journal ends, or begin."""
        self.snapshots = Snapshots(str(self.folder.snapshots), disk=self._disk)
        try:
            found = recover(self._setups, self.records, self.snapshots.newest_first(), self.gateway)
        except DivergenceError as error:
            self._seal(error)
            raise
        self.core = self._changed(found, self._setups)
        lineage = found.started.lineage if found.started else self._lineage or new_lineage()
        self.core.lineage = lineage
        self.started = Started(
            lineage=lineage,
            mode=self.spec.mode,
            config=self._setups.text,
            digests=self._setups.digests,
            accepted_change=self._accepted,
            shadow=self.spec.shadow,
        )
        self.starts, self.inputs_replayed = found.starts + 1, found.inputs
        self._last_input, self._since_snapshot = found.last_input, found.inputs
        for answer in found.unanswered:
            self._append(answer)
            if self.gateway is not None:
                self.gateway.replay(answer)
        self._append(self.started)
        self.sync()
        self._time = SteadyTime(self._clock, self.core.last_ts_ns)
        if self.gateway is not None:
            self._meet(self.gateway, found)
        self._save_if_due()

    def watch(self, shadow: OnApplied) -> None:
        """Call another, too, with every input from now on, before anything of it is sent."""
        first = self._on_applied

        def both(message: Input, applied: Applied) -> None:
            shadow(message, applied)
            if first:
                first(message, applied)

        self._on_applied = both

    def _meet(self, gateway: Gateway, found: Recovered) -> None:
        """Reconcile with the venue, or say in the journal why that was not possible."""
        try:
            self._reconcile(gateway, found)
        except Exception as error:
            with suppress(StateError):
                self._append(Ended(status="failed", text=str(error)))
            raise

    def _reconcile(self, gateway: Gateway, found: Recovered) -> None:
        """Ask the venue about what is not known."""
        self._hear(gateway, gateway.start(self._time.now_ns()))
        if bar := found.last_bar:  # the process may have ended before it looked at the loss
            self.handle(gateway.bar(bar.ts_ns, bar.close, self.core.equity))
        self.sync()

    def _hear(self, gateway: Gateway, said: list[Message]) -> None:
        """Take what a gateway said, and the fills after it: no bar may overtake one."""
        self.handle(said)
        while any(isinstance(message, Report) and message.lots for message in said):
            said = gateway.poll(self._time.now_ns())
            self.handle(said)

    def _changed(self, found: Recovered, setups: Setups) -> LiveCore:
        last = found.started
        if last is None or not check_change(found.core, last, setups, self._accepted):
            return found.core
        if last.digests["config"] == setups.digests["config"]:
            return found.core
        bars = (message for _, message in self.records(0) if isinstance(message, BarInput))
        return changed(found.core, self.setup, bars)

    def _seal(self, error: DivergenceError) -> None:
        """Say in the journal that the run diverged, unless other code found that."""
        with suppress(StateError):
            if not self._sealed_or_of_other_code():
                self._append(Ended(status="diverged", text=str(error)))
            self.journal.close()

    def _sealed_or_of_other_code(self) -> bool:
        code, sealed = "", False
        for _, message in self.records(0):
            code = message.digests["code"] if isinstance(message, Started) else code
            sealed = isinstance(message, Ended) and message.status == "diverged"
        return sealed or code != self._setups.digests["code"]

    def records(self, sequence: int) -> Iterator[tuple[int, AnyMessage]]:
        """Yield the records of the journal from a sequence on."""
        since = max(sequence - 1, 0)
        return read_journal(str(self.folder.journal), since=since, disk=self._disk)

    def last_bars(self) -> list[BarInput]:
        """Return the last bars of the journal, oldest first."""
        tail = self.records(self.journal.last_sequence - SEED_RECORDS)
        return [message for _, message in tail if isinstance(message, BarInput)]

    def take(self, message: Input) -> Applied:
        """Journal an input, apply it, journal its answer, and hand on what is to be sent.

        What a venue says to it at once is taken, too. Raises JournalError when the journal
        cannot be written: nothing may be processed then; DataError when the bar led to a
        number that cannot be used.
        """
        if isinstance(message, BarInput) and self.journal.is_low and DISK not in self.core.holds:
            # Before the bar: what it would enter could no longer be written down to its end.
            self.take(Command(action="freeze", origin=DISK, reason=LOW, ts_ns=message.ts_ns))
        if self.gateway is not None and isinstance(message, Command):
            self.gateway.replay(message)
        applied, said = self._take(message)
        self.handle(said)
        if self.awaits:
            self.poll()
        self._save_if_due()
        return applied

    def _take(self, message: Input) -> tuple[Applied, list[Message]]:
        """Take one input; returns what it led to, and what the gateway says to that."""
        sequence = self._last_input = self._append(message)
        applied = self.core.apply(message, sequence)
        self._append(applied.outcome)
        for intent in applied.intents:
            self._append(intent)
        if applied.refused:
            self.note("L13" if isinstance(message, BarInput) else "O04", applied.refused)
        if self._on_applied:
            self._on_applied(message, applied)
        self._since_snapshot += 1
        self._unsynced_ns = self._unsynced_ns or self._clock.steady_ns()
        self.tick()
        said = self._send(self.gateway, message, applied) if self.gateway is not None else []
        return applied, said

    def _send(self, gateway: Gateway, message: Input, applied: Applied) -> list[Message]:
        """Give a gateway the price, then what is to be sent at it; returns what it says."""
        said: list[Message] = []
        if isinstance(message, BarInput) and message.warm:
            gateway.replay(message)
        elif isinstance(message, BarInput):
            said += gateway.bar(message.ts_ns, message.close, self.core.equity)
        if applied.intents:
            self.sync()  # what may be sent must be found again after a crash
            said += gateway.send(list(applied.intents), self._time.now_ns())
        return said

    def handle(self, said: list[Message]) -> None:
        """Journal what a gateway said, in order, and apply the inputs among it."""
        waiting = deque(said)
        while waiting:
            message = waiting.popleft()
            if isinstance(message, INPUTS):
                waiting += self._take(message)[1]
            else:
                self._append(message)

    def _save_if_due(self) -> None:
        """Save the state every so many inputs, when all that a gateway said is journaled."""
        if self._since_snapshot >= self.spec.snapshot_every_bars:
            self._snapshot()

    def tick(self) -> None:
        """Sync if something has waited for as long as it may."""
        waited_ns = self._clock.steady_ns() - self._unsynced_ns if self._unsynced_ns else -1
        if waited_ns >= self.spec.sync_ms * MS_NS:
            self.sync()

    def poll(self) -> None:
        """Take what the venue said meanwhile."""
        if self.gateway is not None:
            self._hear(self.gateway, self.gateway.poll(self._time.now_ns()))
            self._save_if_due()

    @property
    def awaits(self) -> bool:
        """Whether a venue may have an answer any moment."""
        return self.gateway is not None and self.gateway.awaits

    def sync(self) -> None:
        """Make everything so far outlive a loss of power."""
        self.journal.sync()
        self._unsynced_ns = 0

    def snapshot_now(self) -> None:
        """Save the state after the last input, if there is none yet of it."""
        if self._since_snapshot:
            self._snapshot()

    def _snapshot(self) -> None:
        """Save the state after the last input; a disk that refuses costs the next start only."""
        self.sync()
        self._since_snapshot = 0
        gateway = self.gateway.save() if self.gateway is not None else b""
        last = self.journal.last_sequence
        payload = save_run(self.core, self.started, self.starts, gateway, last)
        checksum = self.core.outcome(self._last_input).checksum
        try:
            self.snapshots.write(self._last_input, checksum, payload)
        except StateError as error:
            self.snapshot_failures += 1
            self.note("P10", str(error))

    def note(self, rule: str, text: str) -> None:
        """Journal something for a reader."""
        self._append(Note(rule=rule, text=text))

    def end(self, status: str, text: str = "") -> None:
        """Seal the run as ended in order, and close the journal."""
        self._append(Ended(status=status, text=text))
        self.close()

    def close(self) -> None:
        """Sync and close the journal."""
        self.journal.close()

    def close_quietly(self) -> None:
        """Close a journal that has failed; what failed has been said."""
        with suppress(StateError, OSError):
            self.journal.close()

    def _append(self, message: Message) -> int:
        made = self.journal.append(encode(message), essential=not isinstance(message, BarInput))
        if self.on_note and isinstance(message, Note):
            self.on_note(message.rule, message.text)
        return made


def new_lineage() -> str:
    """Return an id that no other run has."""
    return secrets.token_hex(8)
