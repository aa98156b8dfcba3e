"""A shadow beside a live run: the same bars, its own memory, and no way to send an order."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import numpy as np

from admf_fast.consistency.divergence import Divergence, DivergenceMonitor, Family, between
from admf_fast.consistency.inputs import NO_BAR
from admf_fast.consistency.metrics import ConsistencyMonitor, Sequences
from admf_fast.consistency.picture import (
    Picture,
    Sight,
    Words,
    first_divergence,
    picture_of,
)
from admf_fast.containers import Container
from admf_fast.errors import AdmfError, BarError, ConfigError, ContainerError
from admf_fast.events import BarEvent
from admf_fast.runners.beside import runner_beside
from admf_fast.runners.between import Step
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.recorder import NoSink, event_tuples

Bar = tuple[int, float, float, float, float, float]
TIMED_MASK = 15  # one bar of 16 is timed: reading the clock costs as much as the comparison
VALUES = ("ts_ns", "open", "high", "low", "close", "volume")


class Side(Protocol):
    """What the validator compares: something that takes closed bars and can be looked at."""

    def step(
        self, ts_ns: int, open: float, high: float, low: float, close: float, volume: float
    ) -> Step:
        """Take a closed bar and return what it led to."""
        ...

    def picture(self) -> Picture:
        """Return what is held after the last bar."""
        ...

    def columns(self) -> bytes:
        """Return the bytes of bar, clock and features of the last bar."""
        ...

    def last_sequence(self) -> int:
        """Return the sequence number of the last event so far."""
        ...


class RunnerSide:
    """A live runner as a side."""

    def __init__(self, runner: LiveRunner) -> None:
        self.runner = runner
        self.step: Callable[..., Step] = runner.step

    def picture(self) -> Picture:
        """Return what is held after the last bar."""
        return picture_of(self.runner.program)

    def columns(self) -> bytes:
        """Return the bytes of bar, clock and features of the last bar."""
        program = self.runner.program
        return program.columns[:, program.cursor - 1].tobytes()

    def last_sequence(self) -> int:
        """Return the sequence number of the last event so far."""
        return int(self.runner.program.value("book").sequence)


class ContainerSide(RunnerSide):
    """A live or paper container as a side: its bus hears of every event, as without a shadow."""

    def __init__(self, container: Container) -> None:
        runner = container.runner
        if not isinstance(runner, LiveRunner):
            raise ConfigError(
                f"{container.container_id}: a shadow runs beside a container that takes bar after "
                f"bar, found {type(container).__name__}"
            )
        super().__init__(runner)
        self.step = self._process
        self._container = container

    def _process(
        self, ts_ns: int, open: float, high: float, low: float, close: float, volume: float
    ) -> Step:
        container, program = self._container, self.runner.program
        event = BarEvent(
            source="feed", symbol=container.symbol, ts_ns=ts_ns, sequence=0,
            open=open, high=high, low=low, close=close, volume=volume,
        )  # fmt: skip
        container.process_event(event)
        return Step(event_tuples(program) if program.event_count else [], program.last_checksum)


class ShadowModeValidator:
    """Runs a shadow beside a live run and compares every bar; only live answers are returned.

    The shadow is made from the configuration and the state bytes of the live side at that
    moment, so it may join at any bar. What differs is named on the bar it differs on, and goes
    to `divergences`; figures go to `monitor`. After a logic divergence, or bars that differ,
    bars are still counted, but no more is named until `rejoin`.

    Parameters
    ----------
    live : Container, LiveRunner or Side
        A running live or paper container, or its runner.
    shadow : Side, optional
        Another shadow than the one that is made from the live side.
    name : str
        What divergences call the run.
    features : bool
        Compare bar, clock and features as well on every bar, for 1.4 µs: a difference is then
        found before it reaches the state. The state's checksum is always compared.
    clock : function, optional
        Nanoseconds that never go back; for the times of the monitor only, of one bar in 16.
    """

    def __init__(
        self, live: Container | LiveRunner | Side, shadow: Side | None = None, *, name: str = "",
        features: bool = False, monitor: ConsistencyMonitor | None = None,
        divergences: DivergenceMonitor | None = None,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:  # fmt: skip
        self._live = _side_of(live)
        self.name = name or (live.container_id if isinstance(live, Container) else "live")
        self._symbol = live.symbol if isinstance(live, Container) else ""
        self._monitor = monitor or ConsistencyMonitor()
        self._counted = 0
        self.divergences = divergences or DivergenceMonitor()
        self._features = features
        self._clock = clock
        self._bars = 0  # that were compared
        self._first = 0  # that the live side had taken before
        if isinstance(self._live, RunnerSide):
            self._first = self._live.runner.program.bars_seen
        self._join(shadow or self._made())

    def _made(self) -> Side:
        """Return a shadow that stands where the live side stands."""
        if not isinstance(self._live, RunnerSide):
            raise ConfigError(
                f"{self.name}: expected a container or a LiveRunner, whose configuration and "
                f"state make a shadow; for {type(self._live).__name__} give one"
            )
        return RunnerSide(runner_beside(self._live.runner, sink=NoSink()))

    def _join(self, shadow: Side) -> None:
        self._shadow = shadow
        self._live_step, self._shadow_step = self._live.step, shadow.step
        self._sequences = [Sequences(s.last_sequence(), self._bars) for s in (shadow, self._live)]
        self.comparing = True
        self._apart = False  # whether the sides have seen other bars

    def rejoin(self) -> None:
        """Put a new shadow beside the live side, after a divergence has been looked into."""
        self._join(self._made())

    @property
    def monitor(self) -> ConsistencyMonitor:
        """The figures up to the last bar."""
        self._monitor.bars += self._bars - self._counted
        self._counted = self._bars
        return self._monitor

    @property
    def divergence(self) -> Divergence | None:
        """The first logic divergence."""
        return self.divergences.first(Family.LOGIC)

    def process_market_data(self, bar: BarEvent) -> Step:
        """Let both sides take a closed bar; returns what it led to on the live side.

        Raises ContainerError for a bar of another symbol, BarError for one in progress.
        """
        if self._symbol and bar.symbol != self._symbol:
            raise ContainerError(
                f"{self.name}: expected bars of {self._symbol}, found {bar.symbol!r}"
            )
        if not getattr(bar, "closed", True):
            raise BarError(f"{self.name}: expected a closed bar, found one in progress")
        return self.step(bar.ts_ns, bar.open, bar.high, bar.low, bar.close, bar.volume)

    def step(
        self, ts_ns: int, open: float, high: float, low: float, close: float, volume: float
    ) -> Step:
        """Let both sides take a closed bar, the live one first; returns the live answer.

        What the live side raises is raised, and the shadow does not see the bar.
        """
        if not self._bars & TIMED_MASK:
            return self._timed_step(ts_ns, open, high, low, close, volume)
        made = self._live_step(ts_ns, open, high, low, close, volume)
        try:
            theirs = self._shadow_step(ts_ns, open, high, low, close, volume)
        except AdmfError as error:
            self._refused(ts_ns, error)
            return made
        self._bars += 1
        if made[1] != theirs[1] or made[0] or theirs[0] or self._features:
            self._compare(made, theirs)
        return made

    def _timed_step(self, *bar: Any) -> Step:
        """Do what `step` does, and count how much longer one side took than the other."""
        clock = self._clock
        began = clock()
        made = self._live_step(*bar)
        answered = clock()
        try:
            theirs = self._shadow_step(*bar)
        except AdmfError as error:
            self._refused(bar[0], error)
            return made
        self._monitor.take_time(abs(answered - began - clock() + answered))
        self._bars += 1
        self._compare(made, theirs)
        return made

    def step_each(self, live_bar: Bar | None, shadow_bar: Bar | None) -> Step | None:
        """Let each side take a bar from a feed of its own, None where that had none.

        Bars that differ are an input divergence; what follows from them is no fault of logic,
        so nothing more is named until `rejoin`. Returns the live answer.
        """
        if live_bar is not None and shadow_bar is not None and repr(live_bar) == repr(shadow_bar):
            return self.step(*live_bar)
        self._bars += 1
        self._inputs_differ(live_bar, shadow_bar)
        try:
            return None if live_bar is None else self._live.step(*live_bar)
        finally:
            if shadow_bar is not None:
                with suppress(AdmfError):  # its feed is another; live goes on without it
                    self._shadow.step(*shadow_bar)

    def _inputs_differ(self, live_bar: Bar | None, shadow_bar: Bar | None) -> None:
        """Record the first value in which two bars differ."""
        self._apart = True
        if not self.comparing:
            return
        self.comparing = False
        known = shadow_bar or live_bar
        assert known is not None, "neither side has a bar"
        pairs: list[tuple[str, Any, Any]] = [("ts_ns", NO_BAR, NO_BAR)]
        if live_bar and shadow_bar:
            pairs = list(zip(VALUES, shadow_bar, live_bar, strict=True))
        elif shadow_bar:
            pairs = [("ts_ns", shadow_bar[0], NO_BAR)]
        elif live_bar:
            pairs = [("ts_ns", NO_BAR, live_bar[0])]
        field, expected, found = next(p for p in pairs if repr(p[1]) != repr(p[2]))
        place = ("bar", self._first + self._bars - 1, known[0], field)
        self.divergences.record_divergence(between(Family.INPUT, self.name, place, expected, found))

    def _refused(self, ts_ns: int, error: AdmfError) -> None:
        """Record that the shadow could not take a bar that the live side took."""
        self._bars += 1
        if self.comparing:
            self.comparing = False
            place = ("state", self._first + self._bars - 1, ts_ns, "step")
            found = between(
                Family.LOGIC, self.name, place, Words(error), Words("a step like any other")
            )
            self.divergences.record_divergence(found)

    def _compare(self, made: Step, theirs: Step) -> None:
        """Count a bar with events or with a difference, and name the difference."""
        if self._apart:  # what follows from other bars is counted by no metric of logic
            return
        monitor, (of_shadow, of_live) = self._monitor, self._sequences
        same = monitor.check_answers(theirs[0], made[0], theirs[1], made[1])
        if made[0]:
            monitor.event_sequence_violations += of_live.violations(made[0], self._bars)
        if same:
            of_shadow.follow(of_live)
        elif theirs[0]:
            monitor.event_sequence_violations += of_shadow.violations(theirs[0], self._bars)
        if self._features and same:
            same = self._live.columns() == self._shadow.columns()
        if not same and self.comparing:
            self.comparing = False
            expected = Sight(self._shadow.picture(), *theirs)
            found = Sight(self._live.picture(), *made)
            self.divergences.record_divergence(
                first_divergence(self.name, self._first + self._bars - 1, expected, found)
            )


def _side_of(live: Container | LiveRunner | Side) -> Side:
    if isinstance(live, Container):
        return ContainerSide(live)
    return RunnerSide(live) if isinstance(live, LiveRunner) else live


def shared_memory(a: LiveRunner, b: LiveRunner) -> bool:
    """Return whether any state, column or output of two runners lies in the same memory."""
    ours, theirs = (
        [r.program.state, r.program.columns, r.program.checksum, r.program.log,
         *r.program.per_bar.values(), *r.program.event_words.values()]
        for r in (a, b)
    )  # fmt: skip
    return any(np.shares_memory(x, y) for x in ours for y in theirs)
