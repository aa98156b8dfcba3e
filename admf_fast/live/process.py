"""The process: a feed through its guard into a run, until it ends or somebody stops it."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from admf_fast.errors import AdmfError, DataError, DivergenceError
from admf_fast.feeds.feed import POLL_S, Feed
from admf_fast.feeds.guard import FeedGuard
from admf_fast.feeds.replay import Bar
from admf_fast.feeds.rulings import Delivered, Ruling
from admf_fast.journal.messages import BarInput, Command
from admf_fast.live.clock import Clock
from admf_fast.live.control import KillFile, Signals, read_request, waiting
from admf_fast.live.notes import Notes
from admf_fast.live.run import MS_NS, LiveRun
from admf_fast.live.status import Status, write_status
from admf_fast.venues.holds import FEED

ANSWER_S = 0.002  # the first wait for a venue that has just been sent something; then twice that
LOOK_NS = 100 * MS_NS  # how often the kill file and the commands are looked for

Progress = Callable[[int], None]
OnStatus = Callable[[Status], None]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended: ``ended`` with its feed, or ``stopped``."""

    status: str
    text: str


class LiveProcess:
    """Drives one `LiveRun`, which must be open."""

    def __init__(
        self, run: LiveRun, feed: Feed, guard: FeedGuard, clock: Clock, signals: Signals, *,
        progress: Progress | None = None, on_status: OnStatus | None = None,
    ) -> None:  # fmt: skip
        self.run = run
        self.feed = feed
        self.guard = guard
        self._clock = clock
        self._signals = signals
        self._progress = progress
        self._on_status = on_status
        self._notes = Notes(run.note)
        kill_file = run.spec.kill_file
        self._kill = KillFile(run.folder.kill.parent / kill_file if kill_file else run.folder.kill)
        self._stop = ""
        self._wait_s = ANSWER_S
        self._looked_ns = self._told_ns = 0
        self._began_ns = clock.wall_ns()
        self._state = ""

    def serve(self, history: Iterable[list[Delivered]] | None = None) -> Ending:
        """Take bars until the feed ends or somebody stops the process; seals the run.

        `history` is what comes before the first live bar, if there was none yet.

        Raises DataError when the guard or the strategy refuses to go on, what `LiveRun` raises,
        and whatever else goes wrong: the journal says so where it can still be written, nothing
        more is sent, and what the venue has is asked for by the next start.
        """
        try:
            if history is not None:
                self._warm_up(history)
            ending = self._serve()
            self.run.snapshot_now()
            self.run.end(ending.status, ending.text)
        except Exception as error:
            self._failed(error)
            raise
        self._state = ending.status
        self.tell(ending.text)
        return ending

    def _failed(self, error: Exception) -> None:
        """Seal the run, and tell; nothing that fails meanwhile may hide the error itself."""
        self._state = "diverged" if isinstance(error, DivergenceError) else "failed"
        known = isinstance(error, AdmfError)
        text = str(error) if known else f"unexpected {type(error).__name__}: {error}"
        try:
            self.run.end(self._state, text)
        except Exception:  # the journal itself is what failed: what it has stands
            self.run.close_quietly()
        with suppress(Exception):
            self.tell(text)

    def _warm_up(self, moments: Iterable[list[Delivered]]) -> None:
        """Take the history before the first live bar, with orders off.

        What the journal has of it already is passed over: a warm-up that was cut off goes on.
        """
        for moment in moments:
            for item in moment:
                if item.bar[0] > self.run.core.last_ts_ns:
                    self._take(item.symbol, item.bar, warm=True)
                self.guard.seed(item.symbol, item.bar, history=True)
            if self._signals.stopping:
                return

    def _begin(self) -> None:
        """Lift a hold of the feed that the last process left: this one's guard has its own."""
        if FEED in self.run.core.holds and not self.guard.holds:
            self.command(Command(action="resume", origin=FEED, reason="the process was restarted"))

    def _serve(self) -> Ending:
        self._begin()
        self.feed.start(self.guard.last_ts_ns)
        self._look_up()
        while not (self._stop or self._signals.stopping):
            items = self.feed.poll(self._patience_s())
            if items is None:
                self._obey(self.guard.finish(self._clock.wall_ns(), self._clock.steady_ns()))
                return Ending("ended", "the feed has ended")
            for item in items:
                wall_ns, steady_ns = self._clock.wall_ns(), self._clock.steady_ns()
                self._obey(self.guard.take(item, wall_ns, steady_ns))
                if steady_ns - self._looked_ns >= LOOK_NS:
                    self._look_up()
                if self._stop or self._signals.stopping:
                    break
            self._look_up()
        return Ending("stopped", self._stop or self._signals.stopping)

    def _patience_s(self) -> float:
        """Return how long to wait for bars: little where an answer of the venue may be ready."""
        self._wait_s = min(2.0 * self._wait_s, POLL_S) if self.run.awaits else ANSWER_S
        return self._wait_s if self.run.awaits else POLL_S

    def _look_up(self) -> None:
        """Do what is due between two bars: commands, the venue's answers, syncing, status."""
        now_ns = self._clock.steady_ns()
        for command in self._signals.commands():
            self.command(command)
        self.run.poll()
        self.run.tick()
        if now_ns - self._looked_ns >= LOOK_NS or not self._looked_ns:
            self._looked_ns = now_ns
            self._take_requests()
            self._obey(self.guard.tick(self._clock.wall_ns(), now_ns))
            self._notes.tick(now_ns)
        if now_ns - self._told_ns >= self.run.spec.status_ms * MS_NS or not self._told_ns:
            self._told_ns = now_ns
            self.tell()

    def _take_requests(self) -> None:
        if wanted := self._kill.look():
            self.command(Command(action=wanted, origin="file", reason=str(self._kill.path.name)))
        for path in waiting(self.run.folder.control):
            request = read_request(path)
            if isinstance(request, str):
                self.run.note("control", request)
            elif request.action == "stop":
                self._stop = f"command: {request.reason}"
            elif request.action == "resume" and self._kill.present:
                self.run.note("control", f"resume: not while {self._kill.path.name} is there")
            else:
                self.command(
                    Command(action=request.action, origin="command", reason=request.reason)
                )
            path.unlink(missing_ok=True)

    def command(self, command: Command) -> None:
        """Journal and apply what an operator or the guard orders; durable when this returns."""
        last_ns = max(self.run.core.last_ts_ns, 0)
        self.run.take(
            Command(
                action=command.action, origin=command.origin, reason=command.reason, ts_ns=last_ns
            )
        )
        self.run.sync()

    def _obey(self, rulings: list[Ruling]) -> None:
        for ruling in rulings:
            if ruling.action == "process":
                self._bar(ruling)
            elif ruling.action == "refuse":
                raise DataError(f"{ruling.rule}: {ruling.text}" if ruling.rule else ruling.text)
            elif ruling.action in ("hold", "resume"):
                action = "freeze" if ruling.action == "hold" else "resume"
                reason = f"{ruling.rule}: {ruling.text}"
                self.command(Command(action=action, origin=FEED, reason=reason))
            else:
                self._notes.add(ruling.rule, f"{ruling.action}: {ruling.text}")
                if ruling.action == "ask":
                    self.feed.ask(ruling.symbol, ruling.after_ns, ruling.before_ns)
                elif ruling.action == "stale":
                    self.feed.renew()

    def _bar(self, ruling: Ruling) -> None:
        assert ruling.bar is not None
        if ruling.rule:
            self._notes.add(ruling.rule, ruling.text)
        self._take(ruling.symbol, ruling.bar)
        if self._progress:
            self._progress(1)

    def _take(self, symbol: str, bar: Bar, *, warm: bool = False) -> None:
        ts_ns, open_, high, low, close, volume = bar
        message = BarInput(
            ts_ns=ts_ns, symbol=symbol, open=open_, high=high, low=low, close=close,
            volume=volume, warm=warm,
        )  # fmt: skip
        self.run.take(message)

    def tell(self, text: str = "") -> None:
        """Write status.json."""
        run, core = self.run, self.run.core
        status = Status(
            state=self._state or _state_of(core.holds),
            name=run.setup.config.name,
            mode=run.spec.mode,
            lineage=run.started.lineage,
            pid=os.getpid(),
            started_ns=self._began_ns,
            heartbeat_ns=self._clock.wall_ns(),
            starts=run.starts,
            bars=core.bars,
            last_bar_ns=max(core.last_ts_ns, 0),
            sequence=run.journal.last_sequence,
            checksum=f"{core.outcome(0).checksum:016x}",
            lots=core.position_lots,
            equity=core.equity,
            holds=core.holds,
            replayed_inputs=run.inputs_replayed,
            armed_seconds=run.armed_seconds,
            counts=dict(self.guard.counts),
            text=text,
        )
        write_status(run.folder.status, status)
        if self._on_status:
            self._on_status(status)


def _state_of(holds: tuple[str, ...]) -> str:
    if not holds:
        return "armed"
    return "held" if holds == (FEED,) else "frozen"
