"""The guard between a feed and a run: what it lets through is closed, in order and trusted.

Given the same items at the same times it rules the same; it reads no clock and does no IO. Which
policies there are is in the section `feed` of the configuration, which fault has which id on the
page about feeds.
"""

from collections.abc import Sequence

from admf_fast.config.feed import FeedSpec
from admf_fast.data.report import DataReport
from admf_fast.data.spec import NS_PER_S, BarSpec, format_ts
from admf_fast.errors import BarError
from admf_fast.feeds.admission import Admission
from admf_fast.feeds.clocks import Clocks
from admf_fast.feeds.json_lines import LineParser
from admf_fast.feeds.ledger import Ledger, Reason
from admf_fast.feeds.moments import Moments
from admf_fast.feeds.quarantine import Quarantine
from admf_fast.feeds.replay import Bar
from admf_fast.feeds.rulings import (
    Counter,
    Delivered,
    Heartbeat,
    Item,
    Link,
    MarketState,
    Ruling,
)
from admf_fast.feeds.stream import Stream
from admf_kernels.clock import Clock


class FeedGuard:
    """Rules on everything that a feed delivers, by the policies of `spec`; pure: times are given.

    Parameters
    ----------
    instruments
        What is declared of the bars of each, in order; several need symbols.
    spec
        The section `feed` of the configuration.
    clocks
        The sessions of each instrument; None where no calendar is declared.
    realtime
        False for a replay of the past: the rules of clocks (L09, L11) do not apply.

    Raises
    ------
    ConfigError
        For bars without timeframe or stamp, and several instruments without symbols.
    """

    def __init__(
        self,
        instruments: Sequence[BarSpec],
        spec: FeedSpec,
        clocks: Sequence[Clock | None] = (),
        *,
        realtime: bool = True,
    ) -> None:
        self._parser = LineParser(instruments)
        self.symbols = self._parser.symbols
        given = clocks or [None] * len(instruments)
        self._streams = {
            symbol: Stream(symbol, bars, spec, clock)
            for symbol, bars, clock in zip(self.symbols, instruments, given, strict=True)
        }
        streams = tuple(self._streams.values())
        self._spec = spec
        self._all = streams
        self._ledger = Ledger()
        self._quarantine = Quarantine(spec.malformed_per_minute, self._ledger)
        self._clocks = Clocks(spec, self._ledger, realtime=realtime)
        self._admission = Admission(spec, self._ledger, self._quarantine, self._clocks)
        self._moments = Moments(streams, spec, self._ledger)
        self._lines = 0

    @property
    def counts(self) -> dict[str, int]:
        """How often what happened, by counter, since the start."""
        return self._ledger.counts

    @property
    def holds(self) -> dict[Reason, str]:
        """Why there are no new entries now: a text by rule, symbol and counter."""
        return self._ledger.holds

    @property
    def refused(self) -> bool:
        """Whether the feed was refused: nothing is processed any more."""
        return self._ledger.refused

    def last_ts_ns(self) -> dict[str, int]:
        """Return the close of the last bar of each instrument, for a feed to resume after."""
        return {name: s.last_ts_ns for name, s in self._streams.items() if s.last}

    def reports(self) -> tuple[DataReport, ...]:
        """Return what has arrived so far of each instrument."""
        return tuple(stream.report() for stream in self._all)

    def seed(self, symbol: str, bar: Bar, *, history: bool = False) -> None:
        """Take a bar as processed: of the journal after a restart, or of a warm-up (`history`).

        Bars of history that the feed delivers too must be equal to the bit (L19).
        """
        stream = self._streams[symbol]
        stream.seed(bar)
        if history:
            stream.compared = stream.compared or 0
        self._moments.after_ns = max(self._moments.after_ns, bar[0])

    def take(self, item: Item, now_ns: int, monotonic_ns: int) -> list[Ruling]:
        """Return what is ruled about one line, bar, heartbeat, state or change of the link."""
        if self.refused:
            return []
        self._clocks.observe(now_ns, monotonic_ns, self._all)
        if not isinstance(item, bytes):
            self._rule(item, "", now_ns, monotonic_ns)
        else:
            self._lines += 1
            place = f"line {self._lines}: "
            if parsed := self._parsed(item, place, monotonic_ns):
                self._rule(parsed, place, now_ns, monotonic_ns)
        return self._settle(now_ns, monotonic_ns)

    def tick(self, now_ns: int, monotonic_ns: int) -> list[Ruling]:
        """Return what is ruled because time has passed; to be called about every 100 ms."""
        if self.refused:
            return []
        self._clocks.observe(now_ns, monotonic_ns, self._all)
        return self._settle(now_ns, monotonic_ns)

    def finish(self, now_ns: int, monotonic_ns: int) -> list[Ruling]:
        """Return what is ruled at the end of a feed: what waited is released."""
        if self.refused:
            return []
        for stream in self._all:
            stream.complete = True
            if stream.suspect:
                text = f"bar closing {format_ts(stream.suspect[0])}: the feed ended before the next"
                self._ledger.rule("drop", "L15", stream.symbol, text, "unconfirmed", stream.suspect)
                stream.suspect = None
        self._moments.release(monotonic_ns, final=True)
        return self._ledger.take_all()

    def _settle(self, now_ns: int, monotonic_ns: int) -> list[Ruling]:
        self._moments.release(monotonic_ns)
        for stream in self._all:
            self._clocks.silence(stream, now_ns, monotonic_ns)
        return self._ledger.take_all()

    def _parsed(
        self, line: bytes, place: str, monotonic_ns: int
    ) -> Delivered | Heartbeat | MarketState | None:
        try:
            return self._parser.parse(line)
        except BarError as error:
            self._quarantine.line(line, place, str(error), monotonic_ns)
            return None

    def _rule(
        self, item: Delivered | Heartbeat | MarketState | Link, place: str,
        now_ns: int, monotonic_ns: int,
    ) -> None:  # fmt: skip
        if isinstance(item, Delivered):
            self._bar(item, place, now_ns, monotonic_ns)
        elif isinstance(item, Heartbeat):
            self._clocks.heartbeat(item.ts_ns, now_ns)
            self._feed_time(item.ts_ns, now_ns, monotonic_ns)
        elif isinstance(item, MarketState):
            self._state(item)
        else:
            counter: Counter = "connect" if item.up else "disconnect"
            self._ledger.rule("note", "L08", "", item.text, counter)

    def _bar(self, item: Delivered, place: str, now_ns: int, monotonic_ns: int) -> None:
        stream = self._streams[item.symbol]
        ts_ns = item.bar[0]
        if len(self._all) > 1:
            place += f"{stream.symbol}: "
        if not item.closed:
            self._feed_time(ts_ns - stream.timeframe_ns, now_ns, monotonic_ns)
            stream.open_bar = item.bar
            text = f"{place}bar closing {format_ts(ts_ns)}: in progress"
            self._ledger.rule("drop", "L06", stream.symbol, text, "in_progress")
            return
        if stream.open_bar and stream.open_bar[0] == ts_ns:
            stream.open_bar = None
        self._feed_time(ts_ns, now_ns, monotonic_ns)
        self._closed(stream, item.bar, place, now_ns, monotonic_ns)

    def _closed(self, stream: Stream, bar: Bar, place: str, now_ns: int, monotonic_ns: int) -> None:
        after_ns = self._moments.after_ns
        admitted = self._admission.admit(stream, bar, place, after_ns, now_ns, monotonic_ns)
        for taken in admitted:
            self._moments.add(stream, taken, monotonic_ns)
        if admitted:
            self._clocks.heard(stream, bar[0], now_ns, monotonic_ns)

    def _feed_time(self, ts_ns: int, now_ns: int, monotonic_ns: int) -> None:
        """Rule on bars in progress that should have closed by the feed's own time (L07)."""
        grace_ns = round(self._spec.grace_s * NS_PER_S)
        if self._clocks.ahead(ts_ns, now_ns):
            return
        for stream in self._all:
            bar = stream.open_bar
            if bar is None or ts_ns < bar[0] + grace_ns:
                continue
            stream.open_bar = None
            if stream.known(bar[0]) or bar[0] <= self._moments.after_ns:
                continue
            text = f"bar closing {format_ts(bar[0])}: in progress until {format_ts(ts_ns)}"
            self._ledger.rule("note", "L07", stream.symbol, text, "unclosed")
            if self._spec.unclosed == "close":
                self._closed(stream, bar, "", now_ns, monotonic_ns)

    def _state(self, item: MarketState) -> None:
        stream = self._streams[item.symbol]
        stream.trading = item.state == "trading"
        stream.excused = stream.excused or not stream.trading
        if stream.trading:
            self._ledger.free("L16", stream.symbol, f"{stream.symbol} is trading", "halt")
        else:
            self._ledger.hold("L16", stream.symbol, f"{stream.symbol} is {item.state}", "halt")
