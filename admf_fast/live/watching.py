"""What a live run tells its monitor, which can change nothing of it."""

import msgspec

from admf_fast.events import SignalEvent, make_event
from admf_fast.journal.messages import BarInput
from admf_fast.live.clock import Clock
from admf_fast.live.core import Applied, Input
from admf_fast.live.run import LiveRun
from admf_fast.live.status import Status
from admf_fast.monitor import LiveObserver, LiveStatus


class Watched:
    """Hands inputs, notes and states of a run to an observer, after they were journaled.

    Bars of the warm-up are told as such, and their events not at all: they are history.
    """

    def __init__(self, run: LiveRun, observer: LiveObserver, clock: Clock) -> None:
        self._run, self._observer, self._clock = run, observer, clock
        self._counts: dict[str, int] = {}
        self._signal = 0.0
        self._last: LiveStatus | None = None

    def applied(self, message: Input, applied: Applied) -> None:
        """Tell of an input and what it led to."""
        bar = message if isinstance(message, BarInput) else None
        setup = self._run.setup
        for table, values in () if bar and bar.warm else applied.events:
            event = make_event(table, setup.config.name, setup.symbols, values[0], values[1:])
            self._signal = event.signal if isinstance(event, SignalEvent) else self._signal
            self._observer.on_event(event)
        if bar is not None and not applied.refused:
            core = self._run.core
            self._last = LiveStatus(
                ts_ns=bar.ts_ns, symbol=bar.symbol, equity=core.equity, lots=core.position_lots,
                signal=self._signal, warm=bar.warm, received_ns=self._clock.wall_ns(),
                mode=self._run.spec.mode, state=self._last.state if self._last else "armed",
                journal_sequence=self._run.journal.acknowledged, counts=self._counts,
            )  # fmt: skip
            self._observer.on_bar(self._last)

    def noted(self, rule: str, text: str) -> None:
        """Tell of a note of the journal."""
        self._observer.on_note(rule, text, self._counts)

    def told(self, status: Status) -> None:
        """Tell what the process says of itself, once there was a bar."""
        self._counts = status.counts
        if self._last is None:
            return
        self._last = msgspec.structs.replace(
            self._last, state=status.state, lots=status.lots, equity=status.equity,
            divergence=status.text if status.state == "diverged" else "", counts=self._counts,
        )  # fmt: skip
        self._observer.on_status(self._last)
