"""The far end of a feed: it goes on whether a process listens or not, and repeats on demand."""

from __future__ import annotations

from admf_fast.data.spec import BarSpec
from admf_fast.feeds.feed import After, Feed
from admf_fast.feeds.replay import Bar
from admf_fast.feeds.rulings import Delivered, Item, Link, MarketState
from admf_fast.simulator.calls import Calls
from admf_fast.simulator.market import SYMBOL, Delivery, as_line, link
from admf_fast.simulator.timeline import Timeline

OVERLAP_BARS = 2


class FarFeed:
    """What the venue of the data does; it lives as long as the world.

    Attributes
    ----------
    is_up : bool
        Whether the connection stands.
    delivered : int
        How much came to a process.
    """

    def __init__(self, timeline: Timeline, *, as_lines: bool) -> None:
        self._timeline = timeline
        self._as_lines = as_lines
        self._closed: dict[int, Bar] = {}  # as they were made, oldest first
        self._inbox: list[Item] = []
        self._wants: After | None = None
        self._state: MarketState | None = None
        self.is_up = True
        self.delivered = 0

    def plan(self, found: Delivery) -> None:
        """Deliver something when its time has come."""
        self._timeline.add(found.at_ns, lambda: self._deliver(found.item))

    def close_bar(self, bar: Bar) -> None:
        """Know of a bar that closed, for whoever asks for it later."""
        self._closed[bar[0]] = bar

    def cut(self) -> None:
        """Lose the connection."""
        if self.is_up:
            self.is_up = False
            self._put(link(False))

    def join(self) -> None:
        """Make the connection again; it begins with what was missed, and a little before."""
        if not self.is_up:
            self.is_up = True
            self._put(link(True))
            self._repeat()

    def listen(self, after: After) -> None:
        """A process listens; `after` tells the last bar it has."""
        self._inbox.clear()
        self._wants = after
        if self.is_up:
            self._repeat()

    def hang_up(self) -> None:
        """No process listens any more."""
        self._wants = None
        self._inbox.clear()

    def take(self) -> list[Item]:
        """Return what has arrived."""
        items, self._inbox = self._inbox, []
        return items

    @property
    def has_items(self) -> bool:
        """Whether something has arrived."""
        return bool(self._inbox)

    def asked(self, after_ns: int, before_ns: int) -> None:
        """Deliver the bars between two times again."""
        if self.is_up:
            for ts_ns, bar in self._closed.items():
                if after_ns < ts_ns < before_ns:
                    self._put(Delivered(SYMBOL, bar))

    def _repeat(self) -> None:
        if self._wants is None:
            return
        if self._state is not None:  # a new connection is told what state the market is in
            self._put(self._state)
        last_ns = max(self._wants().values(), default=0)
        known = [ts_ns for ts_ns in self._closed if ts_ns <= last_ns]
        start_ns = known[-OVERLAP_BARS] if len(known) >= OVERLAP_BARS else 0
        for ts_ns, bar in self._closed.items():
            if ts_ns >= start_ns:
                self._put(Delivered(SYMBOL, bar))

    def _deliver(self, item: Item) -> None:
        if isinstance(item, MarketState):
            self._state = item
        if self.is_up and not (isinstance(item, Delivered) and self._is_early(item)):
            self._put(item)

    def _is_early(self, item: Delivered) -> bool:
        return item.closed and item.bar[0] > self._timeline.now_ns

    def _put(self, item: Item) -> None:
        if self._wants is not None:
            self.delivered += 1
            is_plain = isinstance(item, Link) or not self._as_lines
            self._inbox.append(item if is_plain else as_line(item))


class SimulatedFeed(Feed):
    """The near end of it, as a process opens it; polling is what lets virtual time pass."""

    def __init__(self, far: FarFeed, timeline: Timeline, calls: Calls, bars: BarSpec) -> None:
        super().__init__((bars,))
        self._far = far
        self._timeline = timeline
        self._calls = calls

    def start(self, after: After) -> None:
        """Listen."""
        self._far.listen(after)

    def poll(self, timeout_s: float) -> list[Item] | None:
        """Return what arrives next, nothing if something else happens before; None at the end."""
        self._calls.before("poll", "feed")
        ended = False
        if not self._far.has_items:
            ended = not self._timeline.step() and not self._far.has_items
        items = self._far.take()
        self._calls.after("poll", "feed")
        return None if ended else items

    def ask(self, symbol: str, after_ns: int, before_ns: int) -> None:
        """Ask for bars again."""
        self._far.asked(after_ns, before_ns)

    def close(self) -> None:
        """Hang up."""
        self._far.hang_up()
