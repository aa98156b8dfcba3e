"""Admitted bars in order: by time, then by instrument, none before those that are still owed.

A missing bar is waited for until more than `wait_bars` later moments are there, or for `wait_s`:
then it is a gap, and nothing is made up for it.
"""

from bisect import insort

from admf_fast.config.feed import FeedSpec
from admf_fast.data.spec import NS_PER_S, format_ts
from admf_fast.feeds.ledger import Ledger
from admf_fast.feeds.replay import Bar
from admf_fast.feeds.stream import Stream


class Moments:
    """Holds admitted bars until their turn; `after_ns` is the last moment that was processed."""

    def __init__(self, streams: tuple[Stream, ...], spec: FeedSpec, ledger: Ledger) -> None:
        self.after_ns = -1
        self._streams = streams
        self._spec = spec
        self._ledger = ledger
        self._wait_ns = round(spec.wait_s * NS_PER_S)
        self._waiting: list[int] = []
        self._since_ns: dict[int, int] = {}
        self._asked_ns: dict[str, int] = {}  # up to where the bars of a stream were asked for

    def add(self, stream: Stream, bar: Bar, monotonic_ns: int) -> None:
        """Take an admitted bar."""
        ts_ns = bar[0]
        if stream.pending and ts_ns < max(stream.pending):
            text = f"bar closing {format_ts(ts_ns)}: arrived after a later one, and was put back"
            self._ledger.rule("note", "L04", stream.symbol, text, "reordered")
        stream.pending[ts_ns] = bar
        if ts_ns not in self._since_ns:
            self._since_ns[ts_ns] = monotonic_ns
            insort(self._waiting, ts_ns)

    def release(self, monotonic_ns: int, *, final: bool = False) -> None:
        """Process every moment that nothing is owed before, or no longer; `final` for all."""
        while self._waiting and not self._ledger.refused:
            ts_ns = self._waiting[0]
            if not final and self._blocked(ts_ns, monotonic_ns):
                return
            self._process(ts_ns)

    def _blocked(self, ts_ns: int, monotonic_ns: int) -> bool:
        """Return whether something before or at a moment is owed and still waited for."""
        holes = [s for s in self._streams if s.owes(self.after_ns, ts_ns)]
        later = len(self._waiting) if holes else len(self._waiting) - 1
        several = len(self._streams) > 1
        if not holes and not (several and any(s.may_close_at(ts_ns) for s in self._streams)):
            return False
        waited_ns = monotonic_ns - self._since_ns[ts_ns]
        if later > self._spec.wait_bars or waited_ns >= self._wait_ns:
            return False
        for stream in holes:
            self._wait_for(stream, ts_ns)
        return True

    def _wait_for(self, stream: Stream, ts_ns: int) -> None:
        after_ns = max(self.after_ns, stream.last_ts_ns)
        text = f"bars missing after {format_ts(after_ns)} and before {format_ts(ts_ns)}"
        if self._spec.gaps == "hold":
            self._ledger.hold("L01", stream.symbol, f"{text}: waiting for them")
        if self._asked_ns.get(stream.symbol, -1) < ts_ns:
            self._asked_ns[stream.symbol] = ts_ns
            self._ledger.ask(stream.symbol, after_ns, ts_ns)

    def _process(self, ts_ns: int) -> None:
        bars = [(s, s.pending[ts_ns]) for s in self._streams if ts_ns in s.pending]
        for stream, _ in bars:
            self._mark_gap(stream, ts_ns)
            self._hand_over(stream, ts_ns)
        if self._ledger.refused:
            return
        del self._waiting[0], self._since_ns[ts_ns]
        self.after_ns = ts_ns
        for stream, bar in bars:
            del stream.pending[ts_ns]
            stream.process(bar)
            self._ledger.process(stream.symbol, bar)
        for stream, _ in bars:
            if not stream.pending or not stream.owes(-1, min(stream.pending)):
                self._ledger.free("L01", stream.symbol, "nothing is missing any more")

    def _mark_gap(self, stream: Stream, ts_ns: int) -> None:
        missing = stream.missing(-1, ts_ns)
        if not missing:
            return
        after = format_ts(stream.last_ts_ns)
        text = f"{missing} bars missing after {after} and before {format_ts(ts_ns)}"
        if self._spec.gaps == "refuse":
            self._ledger.rule("refuse", "L01", stream.symbol, text, "gap")
        else:
            text += "; none is made up"
            self._ledger.rule("note", "L01", stream.symbol, text, "gap")
        self._ledger.count("missing", missing)

    def _hand_over(self, stream: Stream, ts_ns: int) -> None:
        """Go from history to the feed at this bar, if enough of both was compared."""
        if stream.compared is None:
            return
        found, expected = stream.compared, self._spec.overlap_bars
        text = f"{found} bars of history and feed compared before {format_ts(ts_ns)}"
        if found < expected:
            text += f"; expected at least feed.overlap_bars, {expected}: the feed starts too late"
            self._ledger.rule("refuse", "L19", stream.symbol, text, "overlap_conflict")
            return
        self._ledger.rule("note", "L19", stream.symbol, f"handed over: {text}, all equal")
        stream.compared = None
