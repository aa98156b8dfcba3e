"""The kinds of containers: they share everything but what stands at their edge."""

from admf_fast.containers.container import Container
from admf_fast.errors import ContainerError
from admf_fast.events import BarEvent, BarsEvent, Event
from admf_fast.runners.historical import HistoricalRunner
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.runner import Runner
from admf_fast.runners.setup import Setup


class BacktestContainer(Container):
    """Takes history in blocks (`BarsEvent`)."""

    def _make_runner(self, setup: Setup) -> Runner:
        return HistoricalRunner(setup)

    def process_event(self, event: Event) -> None:
        """Advance over a block of bars; raises ContainerError for any other event."""
        runner = self.runner
        assert isinstance(runner, HistoricalRunner)
        if not isinstance(event, BarsEvent):
            raise ContainerError(
                f"{self.container_id}: a backtest takes BarsEvent, found {type(event).__name__}"
            )
        self._check_symbol(event.symbol)
        for rows in runner.pieces(event.block):
            self._publish(rows)


class LiveContainer(Container):
    """Takes one closed bar at a time (`BarEvent`), on a simulated account."""

    def _make_runner(self, setup: Setup) -> Runner:
        return LiveRunner(setup)

    def process_event(self, event: Event) -> None:
        """Advance over one closed bar; raises ContainerError for any other event.

        A bar that breaks a rule raises BarError and changes nothing.
        """
        runner = self.runner
        assert isinstance(runner, LiveRunner)
        if not isinstance(event, BarEvent):
            raise ContainerError(
                f"{self.container_id}: live takes BarEvent, found {type(event).__name__}"
            )
        self._check_symbol(event.symbol)
        runner.step(event.ts_ns, event.open, event.high, event.low, event.close, event.volume)
        cursor = runner.program.cursor
        self._publish(slice(cursor - 1, cursor))
