"""What every container is: a life cycle, an event bus of its own, memory of its own."""

from abc import ABC, abstractmethod
from typing import Any, TypedDict

from admf_fast.config import Config
from admf_fast.errors import ContainerError
from admf_fast.events import BarEvent, Event, EventBus, make_event
from admf_fast.runners.recorder import event_tuples
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

    Attributes
    ----------
    event_bus : EventBus
        BAR, SIGNAL, ORDER, FILL and TRADE events, in order of their sequence. Subscribers
        observe; an exception in one is an error of the run.
    """

    def __init__(self, config: Config, *, container_id: str = "", symbol: str = "") -> None:
        self.container_id = container_id or config.name
        self.symbol = symbol or config.bars.symbol
        self.event_bus = EventBus(self.container_id)
        self._setup: Setup = prepare(config)
        self._runner: Runner | None = None
        self._disposed = False

    @abstractmethod
    def _make_runner(self, setup: Setup) -> Runner:
        """Return the runner of this kind of container."""

    @abstractmethod
    def process_event(self, event: Event) -> None:
        """Take one event; see the kinds of containers for which."""

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
        self._runner = runner

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

    def result(self) -> RunResult:
        """Return tables and figures of the bars so far; the container takes no more bars."""
        runner, self._runner = self.runner, None
        self._disposed = True
        return runner.finish()

    def dispose(self) -> None:
        """Give up memory and subscribers; harmless when done twice."""
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
        for row in range(rows.start, rows.stop):
            self.event_bus.publish(self._bar_event(row))
            while position < len(events) and events[position][1][0] == row:
                table, values = events[position]
                ts_ns = int(program.ts_ns[row])
                self.event_bus.publish(
                    make_event(table, self.container_id, (self.symbol,), ts_ns, values[1:])
                )
                position += 1

    def _bar_event(self, row: int) -> BarEvent:
        program = self.runner.program
        values = (float(program.columns[k, row]) for k in range(1, 6))
        names = ("open", "high", "low", "close", "volume")
        return BarEvent(
            source=self.container_id,
            symbol=self.symbol,
            ts_ns=int(program.ts_ns[row]),
            sequence=int(program.per_bar["sequence"][row]),
            **dict(zip(names, values, strict=True)),
        )

    def _check_symbol(self, symbol: str) -> None:
        if self.symbol and symbol != self.symbol:
            raise ContainerError(
                f"{self.container_id}: expected bars of {self.symbol}, found {symbol!r}"
            )
