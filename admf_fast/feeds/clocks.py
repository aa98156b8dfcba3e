"""Clocks: jumps of the machine's, its distance from the feed's, and silence (L09, L11).

Nothing of it decides which bars are processed, except that a bar from the future whose time does
not follow from the bars before it is not believed.
"""

from admf_fast.config.feed import FeedSpec
from admf_fast.data.spec import NS_PER_S, format_ts
from admf_fast.feeds.ledger import Ledger
from admf_fast.feeds.stream import Stream


class Clocks:
    """Compares the times that a guard is given with those that the feed tells."""

    def __init__(self, spec: FeedSpec, ledger: Ledger, *, realtime: bool) -> None:
        self.realtime = realtime
        self._spec = spec
        self._ledger = ledger
        self._skew_ns = round(spec.skew_s * NS_PER_S)
        self._grace_ns = round(spec.grace_s * NS_PER_S)
        self._offset_ns: int | None = None
        self._started_ns = 0
        self._silent: dict[str, bool] = {}

    def observe(self, now_ns: int, monotonic_ns: int, streams: tuple[Stream, ...]) -> None:
        """Look at both clocks of the machine, and rule on a jump since the last look."""
        if not self.realtime:
            return
        offset_ns = now_ns - monotonic_ns
        if self._offset_ns is None:
            self._started_ns = now_ns
            for stream in streams:
                stream.heard_ns = monotonic_ns
        elif abs(offset_ns - self._offset_ns) > self._skew_ns:
            jump_s = (offset_ns - self._offset_ns) / NS_PER_S
            text = f"the clock of the machine jumped by {jump_s:+.3f} s; it is {format_ts(now_ns)}"
            self._ledger.settle(self._spec.clock, "L11", "", text, "clock_jump")
        self._offset_ns = offset_ns

    def heartbeat(self, ts_ns: int, now_ns: int) -> None:
        """Compare the feed's own time with the machine's."""
        if not self.realtime:
            return
        if abs(now_ns - ts_ns) > self._skew_ns:
            self._skewed("", ts_ns, now_ns)
        else:
            self._agree("the clocks of machine and feed agree")

    def ahead(self, ts_ns: int, now_ns: int) -> bool:
        """Return whether a time of the feed lies in the machine's future."""
        return self.realtime and ts_ns > now_ns + self._skew_ns

    def believes(self, stream: Stream, ts_ns: int, now_ns: int) -> bool:
        """Return whether a closed bar may be of this time; one from the future is ruled on.

        If it is the next one that the market owes, it is the machine's clock that is wrong.
        """
        if not self.ahead(ts_ns, now_ns):
            return True
        self._skewed(stream.symbol, ts_ns, now_ns)
        latest_ns = max(stream.last_ts_ns, *stream.pending, -1)
        return stream.last is not None and not stream.hours.missing(latest_ns, ts_ns)

    def heard(self, stream: Stream, ts_ns: int, now_ns: int, monotonic_ns: int) -> None:
        """Note a closed bar; one that is current ends what silence and skew hold."""
        stream.heard_ns = monotonic_ns
        if not self.realtime:
            return
        self._silent.pop(stream.symbol, None)
        age_ns = now_ns - ts_ns
        if age_ns <= self._spec.stale_bars * stream.timeframe_ns + self._grace_ns:
            self._ledger.free("L09", stream.symbol, "a current bar has arrived")
        if -self._skew_ns <= age_ns <= stream.timeframe_ns + self._skew_ns:
            text = "a bar arrived in time"
            self._ledger.free("L11", stream.symbol, text, "skew")
            self._agree(text)

    def silence(self, stream: Stream, now_ns: int, monotonic_ns: int) -> None:
        """Rule on a stream that has been silent for too many bars while its market was open."""
        limit_ns = self._spec.stale_bars * stream.timeframe_ns
        silent_ns = monotonic_ns - stream.heard_ns
        if not self.realtime or not limit_ns or silent_ns <= limit_ns or not stream.trading:
            return
        if stream.symbol in self._silent:
            return
        since_ns = stream.last_ts_ns if stream.last else self._started_ns
        if stream.hours.missing(since_ns, now_ns - self._grace_ns) < self._spec.stale_bars:
            return
        self._silent[stream.symbol] = True
        text = f"no closed bar for {silent_ns / NS_PER_S:.0f} s; the last closed "
        text += format_ts(since_ns) if stream.last else "before this start"
        self._ledger.rule("stale", "L09", stream.symbol, text, "stale")
        if self._spec.stale != "note":
            self._ledger.settle(self._spec.stale, "L09", stream.symbol, text, "")

    def _agree(self, text: str) -> None:
        self._ledger.free("L11", "", text, "skew")
        self._ledger.free("L11", "", text, "clock_jump")

    def _skewed(self, symbol: str, ts_ns: int, now_ns: int) -> None:
        text = (
            f"the feed says {format_ts(ts_ns)}, the machine {format_ts(now_ns)}: expected at most "
            f"{self._spec.skew_s:g} s between them; set the clock of the machine"
        )
        self._ledger.settle(self._spec.clock, "L11", symbol, text, "skew")
