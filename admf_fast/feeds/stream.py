"""The bars of one instrument on their way through the guard: what is known of them."""

from admf_fast.config.feed import FeedSpec
from admf_fast.data.grid import Grid
from admf_fast.data.report import DataReport, GapReport
from admf_fast.data.spec import BarSpec, parse_timeframe
from admf_fast.feeds.market_hours import MarketHours
from admf_fast.feeds.plausible import Plausibility
from admf_fast.feeds.replay import Bar
from admf_kernels.clock import Clock

REMEMBERED = 1000  # processed bars that a second delivery is compared with


class Stream:
    """What is known of one instrument's bars.

    Attributes
    ----------
    last : Bar or None
        The last one that was processed.
    pending : dict of int to Bar
        Accepted, and waiting for their turn, by the time they close.
    suspect : Bar or None
        An implausible one that waits for the next.
    open_bar : Bar or None
        The last one in progress.
    heard_ns : int
        When a closed bar was last accepted, monotonic.
    trading : bool
        False while the market says that the instrument is not traded.
    excused : bool
        It was not traded since its last bar: what is missing until the next is not waited for.
    compared : int or None
        How many bars history and feed both delivered; None once handed over.
    """

    def __init__(self, symbol: str, bars: BarSpec, spec: FeedSpec, clock: Clock | None) -> None:
        self.symbol = symbol
        self.bars = bars
        self.timeframe_ns = parse_timeframe(bars.timeframe)
        self.hours = MarketHours(clock, self.timeframe_ns)
        self.plausibility = Plausibility(spec)
        self.last: Bar | None = None
        self.pending: dict[int, Bar] = {}
        self.suspect: Bar | None = None
        self.open_bar: Bar | None = None
        self.heard_ns = 0
        self.trading = True
        self.excused = False
        self.compared: int | None = None
        self.complete = False
        self.dropped: dict[str, int] = {}
        self._grid = Grid(self.timeframe_ns)
        self._on_grid_ns = -1  # one of its times
        self._memory: dict[int, Bar] = {}
        self._seeded = False
        self._rows = 0
        self._off_grid_kept = 0
        self._first_ts_ns: int | None = None

    @property
    def last_ts_ns(self) -> int:
        """The close of the last processed bar, -1 if there is none."""
        return self.last[0] if self.last else -1

    def known(self, ts_ns: int) -> Bar | None:
        """Return the bar of a time if it was delivered before."""
        return self.pending.get(ts_ns) or self._memory.get(ts_ns)

    @property
    def forgot_before_ns(self) -> int:
        """From which close on bars are remembered; -1 if all there were are."""
        cut = self._seeded or len(self._memory) == REMEMBERED
        return next(iter(self._memory)) if cut else -1

    def on_grid(self, ts_ns: int) -> bool:
        """Return whether a time is one of those that the bars close at."""
        if (ts_ns - self._on_grid_ns) % self.timeframe_ns == 0 and self._on_grid_ns >= 0:
            return True
        found = self._grid.holds(ts_ns)
        self._on_grid_ns = ts_ns if found else self._on_grid_ns
        return found

    def describe_grid(self) -> str:
        """Return where the grid is."""
        return self._grid.describe()

    def keep_off_grid(self) -> None:
        """Count a bar off the grid that is processed."""
        self._off_grid_kept += 1

    def may_close_at(self, ts_ns: int) -> bool:
        """Return whether a bar of this instrument may close at a time, and is not there."""
        if ts_ns in self.pending or not self.trading:
            return False
        if self.last is None:
            return not self.pending
        fits = (ts_ns - self.last_ts_ns) % self.timeframe_ns == 0
        if self.hours.known:
            return fits and self.hours.holds(ts_ns)
        return fits and not self.pending

    def missing(self, after_ns: int, before_ns: int) -> int:
        """Return how many bars are known to be missing between two times, both left out."""
        if not self.hours.known or self.last is None:
            return 0
        return self.hours.missing(max(after_ns, self.last_ts_ns), before_ns)

    def owes(self, after_ns: int, before_ns: int) -> bool:
        """Return whether a bar between two times may still come."""
        return not self.excused and self.missing(after_ns, before_ns) > 0

    def process(self, bar: Bar) -> None:
        """Take a bar as processed."""
        self._rows += 1
        self.excused = not self.trading
        if self._first_ts_ns is None:
            self._first_ts_ns = bar[0]
        self._remember(bar)

    def seed(self, bar: Bar) -> None:
        """Take a bar as processed by somebody before."""
        self._seeded = True
        self.on_grid(bar[0])
        self.plausibility.accept(bar)
        self._remember(bar)

    def _remember(self, bar: Bar) -> None:
        self.last = bar
        self._memory[bar[0]] = bar
        if len(self._memory) > REMEMBERED:
            del self._memory[next(iter(self._memory))]

    def report(self) -> DataReport:
        """Return what has arrived so far."""
        return DataReport(
            symbol=self.symbol,
            timeframe=self.bars.timeframe,
            timeframe_ns=self.timeframe_ns,
            stamp=self.bars.stamp,
            complete=self.complete,
            rows_read=self._rows + sum(self.dropped.values()),
            rows_kept=self._rows,
            dropped=dict(self.dropped),
            off_grid_kept=self._off_grid_kept,
            gaps=GapReport(),
            first_ts_ns=self._first_ts_ns,
            last_ts_ns=self.last[0] if self._rows and self.last else None,
            files=(),
        )
