"""The watcher of a live run: counts, compares every day, alerts, and can say how things are."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from admf_fast.errors import StateError
from admf_fast.events import Event, SignalEvent, TradeEvent
from admf_fast.monitor.alerter import DivergenceAlerter
from admf_fast.monitor.alerts import Alert, Severity
from admf_fast.monitor.latest import LatestWriter
from admf_fast.monitor.observer import LiveStatus
from admf_fast.monitor.picture import Health, Picture
from admf_fast.monitor.sender import AlertSender
from admf_fast.monitor.tally import DayTally, Row, TallyState

STATE = "monitor.json"
# States of the process, and of its feed, that a person should know of.
ALARMING = {"held", "frozen", "diverged", "failed"}
FINE_FEEDS = {"ok", "ended", "closed", ""}


class MonitorState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept over a restart."""

    baseline: str  # digest; sums and window belong to it
    tally: TallyState
    rows: list[list[float]]
    sums: dict[str, list[float]]
    outside: list[str]
    days: int
    notes: dict[str, int]


class ProductionMonitor:
    """A `LiveObserver`: nothing it does can stop the run, or change what the run decides.

    An error inside it is counted (`errors`) and alerted once, as a run without its monitor is
    better than none. Its state is written at the end of every day and on `close`; what a restart
    replays is not counted twice.

    Parameters
    ----------
    timeframe_ns : int
        Of the bars: an age of `stale_bars` of them is unhealthy.
    clock_ns : function
        The wall clock, UTC nanoseconds.
    """

    def __init__(
        self, name: str, tally: DayTally, alerter: DivergenceAlerter, *,
        timeframe_ns: int, stale_bars: float = 3.0, sender: AlertSender | None = None,
        folder: Path | None = None, clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:  # fmt: skip
        self.name = name
        self.port = 0  # of its pages, 0 for none
        self.closes: list[Callable[[], object]] = []  # what ends with it
        self.alerter = alerter
        self.sender = sender
        self.errors = 0
        self.days = 0
        self.bars = 0
        self.notes: dict[str, int] = {}
        self._tally = tally
        self._stale_ns = int(timeframe_ns * stale_bars)
        self._clock_ns = clock_ns
        self._writer = LatestWriter(folder / STATE) if folder is not None else None
        self._status: LiveStatus | None = None
        self._seen_ns = 0
        self._told: dict[str, str] = {}
        self._lock = threading.Lock()
        self._steps = [0, 0]  # nanoseconds, bars
        if folder is not None:
            self._restore(folder / STATE)

    def on_event(self, event: Event) -> None:
        """Count a SIGNAL or TRADE."""
        self._safely(self._event, event)

    def on_bar(self, status: LiveStatus) -> None:
        """Count a bar; the first of a new day has the day before compared."""
        self._safely(self._bar, status)

    def on_status(self, status: LiveStatus) -> None:
        """Note a change of the process or its feed."""
        self._safely(self._noted, status)

    def on_note(self, rule: str, text: str, counts: Mapping[str, int]) -> None:
        """Alert a note of the journal; the rule is what is limited."""
        self._safely(self._note, rule, text, counts)

    def close(self) -> None:
        """Write the state, send what waits, close the pages."""
        self._safely(self._save)
        sender = [self.sender.close] if self.sender is not None else []
        writer = [self._writer.close] if self._writer is not None else []
        for close in (*writer, *sender, *self.closes):
            self._safely(close)

    def _safely(self, act: Callable[..., object], *arguments: object) -> None:
        try:
            act(*arguments)
        except Exception as error:
            self.errors += 1
            kind = type(error).__name__
            self._alert("monitor", f"an error inside the monitor: {kind}", "error")

    def _event(self, event: Event) -> None:
        if isinstance(event, SignalEvent):
            ended = self._tally.signal(event.ts_ns, event.sequence, event.signal)
        elif isinstance(event, TradeEvent):
            ended = self._tally.trade(
                event.ts_ns, event.sequence, event.symbol, event.lots, event.entry_price,
                event.pnl, event.fees,
            )  # fmt: skip
        else:
            return
        self._ended(ended)

    def _bar(self, status: LiveStatus) -> None:
        if not status.warm:
            self._ended(self._tally.bar(status.ts_ns, status.symbol, status.lots, status.equity))
        self.bars += 1
        self._steps[0] += status.step_ns
        self._steps[1] += 1 if status.step_ns else 0
        self._seen_ns = status.received_ns or self._clock_ns()
        self._noted(status)

    def _noted(self, status: LiveStatus) -> None:
        self._status = status
        if status.divergence:
            self._once("divergence", status.divergence, "error")
        state = status.state if status.state in ALARMING else ""
        self._once("state", state and f"the run is {state}", "error")
        feed = "" if status.feed in FINE_FEEDS else status.feed
        self._once("feed", feed and f"the feed is {feed}", "warning")

    def _note(self, rule: str, text: str, counts: Mapping[str, int]) -> None:
        del counts  # they are in the journal
        if rule in self.notes or len(self.notes) < 1000:
            self.notes[rule] = self.notes.get(rule, 0) + 1
        self._alert(f"note {rule}", f"{rule}: {text}", "warning")

    def _once(self, key: str, text: str, severity: Severity) -> None:
        """Alert when a text changes; empty means that all is well again."""
        before = self._told.get(key, "")
        if text == before:
            return
        self._told[key] = text
        if text:
            self._alert(key, text, severity)
        else:
            self._alert(key, f"over: {before}", "info")

    def _alert(self, key: str, text: str, severity: Severity) -> None:
        if self.sender is not None:
            ts_ns = self._status.ts_ns if self._status else 0
            self.sender.send(Alert(key=key, text=text, severity=severity, ts_ns=ts_ns))

    def _ended(self, row: Row | None) -> None:
        if row is None:
            return
        self.days += 1
        with self._lock:
            self.alerter.check_day(row)
        self._save()

    def picture(self) -> Picture:
        """Return how things are, for the pages; may be called from another thread."""
        status, sender = self._status, self.sender
        with self._lock:
            figures, sums = self.alerter.window_figures(), self.alerter.sums()
            outside = tuple(self.alerter.outside)
        return Picture(
            health=self.health(), status=status, figures=figures,
            baseline=dict(self.alerter.baseline_metrics), sums=sums, outside=outside,
            days=self.days, bars=self.bars, step_seconds=self._steps[0] / 1e9,
            steps=self._steps[1], notes=dict(self.notes), errors=self.errors,
            alerts_sent=sender.sent if sender else 0,
            alerts_suppressed=sender.suppressed if sender else 0,
            alerts_dropped=sender.dropped if sender else 0,
            alerts_failed=sum(sender.failed.values()) if sender else 0,
            cusum_alarms=self.alerter.cusum_alarms,
        )  # fmt: skip

    def health(self) -> Health:
        """Return whether the run is well, and why not."""
        status = self._status
        if status is None:
            return Health(ok=False, reasons=("no bar yet",), name=self.name)
        age_ns = max(0, self._clock_ns() - self._seen_ns)
        reasons = []
        if status.state in ALARMING:
            reasons.append(f"state {status.state}")
        if status.feed not in FINE_FEEDS:
            reasons.append(f"feed {status.feed}")
        if age_ns > self._stale_ns and status.feed not in ("ended", "closed"):
            reasons.append(f"the last bar came {age_ns / 1e9:.0f} s ago")
        if status.divergence:
            reasons.append("divergence")
        return Health(
            ok=not reasons, reasons=tuple(reasons), name=self.name, mode=status.mode,
            state=status.state, feed=status.feed, last_bar_ns=status.ts_ns,
            last_bar_age_seconds=age_ns / 1e9, journal_sequence=status.journal_sequence,
            divergence=status.divergence,
        )  # fmt: skip

    def _save(self) -> None:
        if self._writer is None:
            return
        state = MonitorState(
            baseline=self._baseline_digest(), tally=self._tally.state(),
            days=self.days, notes=self.notes, **self.alerter.state(),
        )  # fmt: skip
        self._writer.write(msgspec.json.encode(state))

    def _restore(self, path: Path) -> None:
        try:
            state = msgspec.json.decode(path.read_bytes(), type=MonitorState)
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError) as error:
            raise StateError(
                f"{path}: cannot be read as the state of a monitor: {error}; remove it to count "
                "anew"
            ) from error
        if state.baseline != self._baseline_digest():
            raise StateError(
                f"{path}: counted beside the baseline {state.baseline[:16] or 'none'}, found "
                f"{self._baseline_digest()[:16] or 'none'}; give the baseline of before, or "
                "remove the file to count anew"
            )
        self._tally.restore(state.tally)
        self.alerter.restore(state.rows, state.sums, state.outside)
        self.days, self.notes = state.days, dict(state.notes)

    def _baseline_digest(self) -> str:
        return self.alerter.baseline.digest if self.alerter.baseline else ""
