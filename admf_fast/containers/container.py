"""What every container is: a life cycle, an event bus of its own, memory of its own."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypedDict

from admf_fast.config import Config
from admf_fast.containers.references import Reference, external_references, living
from admf_fast.errors import ConfigError, ContainerError
from admf_fast.events import At, BarEvent, Event, EventBus, SystemEvent, events_of
from admf_fast.runners.recorder import Sink, event_tuples
from admf_fast.runners.result import RunResult
from admf_fast.runners.runner import Runner
from admf_fast.runners.setup import Setup, prepare


class State(TypedDict):
    """A container's state: `bytes` restores it; `values` shows it, by kernel."""

    container_id: str
    bars: int
    checksum: int
    bytes: bytes
    values: dict[str, Any]


class Container(ABC):
    """One strategy with its account: ``initialize``, ``process_event``, ``get_state``,
    ``dispose``.

    Parameters
    ----------
    config : Config
        What to run; nothing else is shared between containers, and that is immutable.
    container_id : str, optional
        Source of its events and part of their ids; the configuration's name if left out.
    symbol : str
        Symbol its bars must carry.
    sink : Sink, optional
        Where tables go, batch by batch; kept in memory for `result` if left out.

    Attributes
    ----------
    mode : str
        backtest, paper, shadow or live.
    takes : type
        The event that it takes: BarsEvent or BarEvent.
    event_bus : EventBus
        BAR, SIGNAL, ORDER, FILL, TRADE, POSITION, RISK and ADJUSTMENT events, in order of their
        sequence, and SYSTEM events. Subscribers observe; an exception in one fails the run.
    """

    mode: ClassVar[str] = ""
    takes: ClassVar[type[Event]] = Event

    def __init__(
        self, config: Config, *, container_id: str = "", symbol: str = "", sink: Sink | None = None
    ) -> None:
        if config.instruments:
            raise ConfigError(
                f"{config.where('instruments')}: a container holds one instrument, found "
                f"{len(config.instruments)}; run this with `admf backtest` or `admf live`, or "
                "make a container for each"
            )
        self.config = config
        self.container_id = container_id or config.name
        self.symbol = symbol or config.bars.symbol
        self.event_bus = EventBus(self.container_id)
        self._setup: Setup = prepare(config)
        self._sink = sink
        self._runner: Runner | None = None
        self._disposed = False
        self._publishing = False
        self._failure = ""
        self._system_events = 0

    @abstractmethod
    def _make_runner(self, setup: Setup) -> Runner:
        """Return the runner of this kind of container."""

    @abstractmethod
    def _advance(self, runner: Any, event: Any) -> Iterator[slice]:
        """Advance over the bars of an event of the kind that is taken; yields the rows."""

    def process_event(self, event: Event) -> None:
        """Advance over the bars of an event, and publish what they led to.

        Raises ContainerError, with nothing changed, for an event of another kind or symbol,
        before `initialize`, after `dispose`, from inside a subscriber, and after a subscriber
        has failed; BarError, with nothing changed, for a bar that breaks a rule.
        """
        runner = self.runner
        self._check_ready()
        if not isinstance(event, self.takes):
            raise ContainerError(
                f"{self.container_id}: {self.mode} takes {self.takes.__name__}, "
                f"found {type(event).__name__}"
            )
        self._check_symbol(event.symbol)
        for rows in self._advance(runner, event):
            self._publish(rows)

    def initialize(self, saved: bytes | None = None) -> None:
        """Make the container ready, fresh or from ``get_state()["bytes"]``.

        Raises ContainerError if it is running or disposed, StateError for bytes of another.
        """
        if self._disposed:
            raise ContainerError(f"{self.container_id}: initialize after dispose; make a new one")
        if self._runner is not None:
            raise ContainerError(f"{self.container_id}: initialize twice; dispose of it first")
        runner = self._make_runner(self._setup)
        if saved is not None:
            runner.restore(saved)
        self._take_over(runner, "start" if saved is None else "restore")

    def _take_over(self, runner: Runner, word: str) -> None:
        """Drive a runner from now on, and say so."""
        self._runner = runner
        self.announce(word)

    @property
    def is_running(self) -> bool:
        """Whether it is initialized and not disposed of."""
        return self._runner is not None

    @property
    def runner(self) -> Runner:
        """The running runner; raises ContainerError before initialize and after dispose."""
        if self._runner is None:
            when = "after dispose" if self._disposed else "before initialize"
            raise ContainerError(f"{self.container_id}: used {when}")
        return self._runner

    def get_state(self) -> State:
        """Return the state after the last bar; the bytes are a copy."""
        runner = self.runner
        program = runner.program
        return State(
            container_id=self.container_id,
            bars=program.bars_seen,
            checksum=program.last_checksum,
            bytes=runner.save(),
            values=program.values(),
        )

    def get_external_references(self) -> list[Reference]:
        """Return what another living container can reach and change as well; none is the rule.

        Subscribers stand outside of a container and are not followed. For many containers at
        once `external_references` takes one pass.
        """
        return external_references([self, *(c for c in living(Container) if c is not self)])[0]

    def announce(self, action: str, reason: str = "") -> None:
        """Publish a SYSTEM event about this container, such as hold, resume or divergence."""
        program = self.runner.program
        if self.event_bus.silent:
            return
        self._system_events += 1
        values = program.values()
        event = SystemEvent(
            source=self.container_id,
            symbol=self.symbol,
            ts_ns=int(values["curve"].last_ts_ns),
            sequence=int(values["book"].sequence),
            number=self._system_events,
            action=action,
            reason=reason,
        )
        with self._failing():
            self.event_bus.publish(event)

    def result(self) -> RunResult:
        """Return tables and figures of the bars so far; the container takes no more bars."""
        runner = self.runner
        self._check_ready()
        self.announce("stop")
        self._runner = None
        self._disposed = True
        return runner.finish()

    def dispose(self) -> None:
        """Give up memory and subscribers; harmless when done twice."""
        try:
            if self._runner is not None and not self._failure:
                self.announce("stop")
        finally:
            self._runner = None
            self._disposed = True
            self.event_bus.clear()

    def _publish(self, rows: slice) -> None:
        """Publish the events of the rows of the last advance, each bar's BAR first."""
        if self.event_bus.silent:
            return
        program = self.runner.program
        events = event_tuples(program) if program.event_count else []
        position = 0
        with self._failing():
            for row in range(rows.start, rows.stop):
                self.event_bus.publish(self._bar_event(row))
                first = position
                while position < len(events) and events[position][1][0] == row:
                    position += 1
                for event in events_of(events[first:position], {0: self._at(row)}):
                    self.event_bus.publish(event)

    def _at(self, row: int) -> At:
        program = self.runner.program
        return At(
            self.container_id,
            self.symbol,
            int(program.ts_ns[row]),
            int(program.per_bar["sequence"][row]),
            int(program.per_bar["lots"][row]),
        )

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Fail the container for good when a subscriber raises."""
        if self._publishing:
            raise ContainerError(
                f"{self.container_id}: used from inside a subscriber; subscribers observe"
            )
        self._publishing = True
        try:
            yield
        except BaseException as error:
            self._failure = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._publishing = False

    def _check_ready(self) -> None:
        if self._publishing:
            raise ContainerError(
                f"{self.container_id}: used from inside a subscriber; subscribers observe"
            )
        if self._failure:
            raise ContainerError(
                f"{self.container_id}: a subscriber failed before ({self._failure}); what it was "
                "told and the state may differ, so make a new container from a saved state"
            )

    def _bar_event(self, row: int) -> BarEvent:
        program = self.runner.program
        open_, high, low, close, volume = program.columns[1:6, row].tolist()
        return BarEvent(
            source=self.container_id,
            symbol=self.symbol,
            ts_ns=int(program.ts_ns[row]),
            sequence=int(program.per_bar["sequence"][row]),
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=volume,
        )

    def _check_symbol(self, symbol: str) -> None:
        if self.symbol and symbol != self.symbol:
            raise ContainerError(
                f"{self.container_id}: expected bars of {self.symbol}, found {symbol!r}"
            )
