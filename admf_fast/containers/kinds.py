"""The kinds of containers: they share everything but what stands at their edge."""

from collections.abc import Iterator
from typing import Any, ClassVar, Protocol

import numpy as np

from admf_fast.config import Config
from admf_fast.containers.container import Container
from admf_fast.data import format_ts, parse_timeframe
from admf_fast.errors import BarError, ContainerError
from admf_fast.events import BarEvent, BarsEvent, Event, OrderEvent
from admf_fast.events.bus import Subscriber
from admf_fast.runners.beside import runner_beside
from admf_fast.runners.historical import HistoricalRunner
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.recorder import Sink
from admf_fast.runners.runner import Runner
from admf_fast.runners.setup import Setup

DAY_NS = 86_400_000_000_000
ROOM_BARS = 4096  # in memory at once: there may be hundreds of containers


class Venue(Protocol):
    """Where the orders of a live container go."""

    def order(self, event: OrderEvent) -> None:
        """Take what has become of an order: accepted, replaced, canceled, ..."""
        ...


class BacktestContainer(Container):
    """Takes history in blocks (`BarsEvent`)."""

    mode: ClassVar[str] = "backtest"
    takes: ClassVar[type[Event]] = BarsEvent

    def _make_runner(self, setup: Setup) -> Runner:
        return HistoricalRunner(setup, sink=self._sink, block_bars=ROOM_BARS)

    def _advance(self, runner: HistoricalRunner, event: BarsEvent) -> Iterator[slice]:
        yield from runner.pieces(event.block)


class PaperContainer(Container):
    """Takes one closed bar at a time (`BarEvent`), on a simulated account.

    Guards at its edge: a bar in progress, and where the calendar of the configuration has
    sessions, a bar shorter than a day that closes outside of them, raise BarError and change
    nothing. With `any_hours` the sessions are not looked at.
    """

    mode: ClassVar[str] = "paper"
    takes: ClassVar[type[Event]] = BarEvent

    def __init__(self, config: Config, *, any_hours: bool = False, **given: Any) -> None:
        if given.pop("venue", None) is not None:
            raise ContainerError(
                f"{given.get('container_id') or config.name}: {self.mode} has no venue, its "
                "account is simulated; only LiveContainer can be given one"
            )
        super().__init__(config, **given)
        calendar = self._setup.calendar
        timeframe = config.bars.timeframe
        self.any_hours = any_hours
        intraday = bool(timeframe) and parse_timeframe(timeframe) < DAY_NS
        self._hours = calendar if intraday and not any_hours else None

    def _make_runner(self, setup: Setup) -> Runner:
        return LiveRunner(setup, sink=self._sink)

    def _advance(self, runner: LiveRunner, event: BarEvent) -> Iterator[slice]:
        if not event.closed:
            raise BarError(
                f"{self.container_id}: bar at {format_ts(event.ts_ns)}: expected a closed bar, "
                "found one in progress; it was not taken"
            )
        if self._hours is not None:
            self._check_hours(event.ts_ns)
        runner.step(event.ts_ns, event.open, event.high, event.low, event.close, event.volume)
        cursor = runner.program.cursor
        yield slice(cursor - 1, cursor)

    def _check_hours(self, ts_ns: int) -> None:
        """Refuse a bar that closes outside of all sessions: open < ts <= close."""
        assert self._hours is not None
        clock = self._hours.clock
        session = int(np.searchsorted(clock.open_ns, ts_ns, "left")) - 1
        if session < 0 or ts_ns > clock.close_ns[session]:
            raise BarError(
                f"{self.container_id}: bar at {format_ts(ts_ns)}: expected its close inside a "
                f"session of {self._hours.name}; it was not taken (any_hours=True takes it)"
            )


class ShadowContainer(PaperContainer):
    """Runs beside another container on the same bars, and can send nothing anywhere.

    It refuses to be given a venue. `beside` makes one from bytes alone.
    """

    mode: ClassVar[str] = "shadow"

    @classmethod
    def beside(cls, other: Container, **given: Any) -> "ShadowContainer":
        """Return an initialized shadow of a running container, after the same bar.

        It is made again from the configuration and the bytes of the state; no memory is shared.
        Raises StateError if it does not come to stand where the other one stands.
        """
        hours = {"any_hours": getattr(other, "any_hours", True)}
        named = {"container_id": other.container_id, "symbol": other.symbol, **hours, **given}
        runner = runner_beside(other.runner, sink=given.get("sink"))
        shadow = cls(runner.setup.config, **named)
        shadow._take_over(runner, "restore")
        return shadow


class LiveContainer(PaperContainer):
    """Takes one closed bar at a time, as `PaperContainer` does.

    A `venue` is handed every ORDER event, as its first subscriber. The account stays the
    engine's own: a process that trades by what a venue reports is `admf live`.
    """

    mode: ClassVar[str] = "live"

    def __init__(
        self, config: Config, *, venue: Venue | None = None, any_hours: bool = False,
        container_id: str = "", symbol: str = "", sink: Sink | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            config, any_hours=any_hours, container_id=container_id, symbol=symbol, sink=sink
        )
        if venue is not None:
            self.event_bus.subscribe(OrderEvent, _handing(venue))


def _handing(venue: Venue) -> Subscriber:
    def hand_over(event: Event) -> None:
        assert isinstance(event, OrderEvent)
        venue.order(event)

    return hand_over
