"""Whether a closed bar may wait for its turn: everything that is ruled about a single bar."""

from admf_fast.config.feed import FeedSpec
from admf_fast.data.spec import format_ts
from admf_fast.feeds.clocks import Clocks
from admf_fast.feeds.ledger import Ledger
from admf_fast.feeds.plausible import difference, impossible
from admf_fast.feeds.quarantine import Quarantine
from admf_fast.feeds.replay import Bar
from admf_fast.feeds.stream import Stream


class Admission:
    """Admits bars by the policies of `spec`."""

    def __init__(
        self, spec: FeedSpec, ledger: Ledger, quarantine: Quarantine, clocks: Clocks
    ) -> None:
        self._spec = spec
        self._ledger = ledger
        self._quarantine = quarantine
        self._clocks = clocks

    def admit(
        self, stream: Stream, bar: Bar, place: str, after_ns: int, now_ns: int, monotonic_ns: int
    ) -> list[Bar]:
        """Return the bars that are admitted now: none, this one, or one that it confirms as well.

        `after_ns` is the last moment that was processed, `place` what errors start with.
        """
        title = f"{place}bar closing {format_ts(bar[0])}"
        if fault := impossible(bar):
            self._quarantine.bar("L13", stream.symbol, f"{title}: {fault}", "invalid", monotonic_ns)
            return []
        if not self._on_grid(stream, bar, title, monotonic_ns):
            return []
        if known := stream.known(bar[0]):
            self._again(stream, bar, known, title)
            return []
        if bar[0] <= after_ns or bar[0] <= stream.last_ts_ns:
            self._late(stream, bar, title, max(after_ns, stream.last_ts_ns))
            return []
        if not self._clocks.believes(stream, bar[0], now_ns):
            text = f"{title}: it lies in the future, and no bar before it leads there"
            self._quarantine.bar("L11", stream.symbol, text, "future", monotonic_ns)
            return []
        if not self._in_session(stream, bar, title):
            return []
        return self._plausible(stream, bar, title)

    def _on_grid(self, stream: Stream, bar: Bar, title: str, monotonic_ns: int) -> bool:
        if stream.on_grid(bar[0]):
            return True
        policy = stream.bars.off_grid
        if policy == "keep":
            stream.keep_off_grid()
            return True
        text = (
            f"{title}: is off the grid of {stream.bars.timeframe} bars "
            f"({stream.describe_grid()}); send whole bars, or use bars.off_grid: drop or keep"
        )
        if policy == "drop":
            self._drop(stream, "L12", text, "off_grid", bar)
        else:
            self._quarantine.bar("L12", stream.symbol, text, "off_grid", monotonic_ns)
        return False

    def _again(self, stream: Stream, bar: Bar, known: Bar, title: str) -> None:
        """Rule on a bar whose time was delivered before."""
        found = difference(bar, known)
        if not found:
            if stream.compared is not None:
                stream.compared += 1
            if self._spec.duplicates == "drop" or stream.bars.duplicates == "drop":
                self._drop(stream, "L02", f"{title}: delivered again", "duplicate", bar)
            else:
                text = f"{title}: expected one bar, found a second; the bar was not taken"
                self._ledger.rule("refuse", "L02", stream.symbol, text, "duplicate", bar)
        elif stream.compared is not None:
            text = f"{title}: the feed differs from the history: {found}; use one source of both"
            self._ledger.rule("refuse", "L19", stream.symbol, text, "overlap_conflict", bar)
        elif self._spec.conflicts == "first":
            text = f"{title}: delivered again, {found}; the first one stands"
            self._drop(stream, "L03", text, "conflict", bar)
        else:
            text = f"{title}: expected one bar, found a second: {found}; the bar was not taken"
            self._ledger.rule("refuse", "L03", stream.symbol, text, "conflict", bar)

    def _late(self, stream: Stream, bar: Bar, title: str, after_ns: int) -> None:
        text = f"{title}: expected one after {format_ts(after_ns)}; the bar was not taken"
        if stream.compared is None:
            if self._spec.late == "drop":
                self._drop(stream, "L05", text, "late", bar)
            else:
                self._ledger.rule("refuse", "L05", stream.symbol, text, "late", bar)
        elif bar[0] < stream.remembers_from_ns:
            self._drop(stream, "L19", f"{title}: too old to be compared", "overlap_old", bar)
        else:
            text = f"{title}: the feed has it, the history has not; use one source of both"
            self._ledger.rule("refuse", "L19", stream.symbol, text, "overlap_conflict", bar)

    def _in_session(self, stream: Stream, bar: Bar, title: str) -> bool:
        policy = self._spec.off_session
        if policy == "keep" or stream.hours.holds(bar[0]):
            return True
        text = f"{title}: outside the sessions of {stream.bars.calendar}"
        if policy == "drop":
            self._drop(stream, "L12", text, "off_session", bar)
        else:
            self._ledger.rule("refuse", "L12", stream.symbol, text, "off_session", bar)
        return False

    def _plausible(self, stream: Stream, bar: Bar, title: str) -> list[Bar]:
        suspect, stream.suspect = stream.suspect, None
        if suspect and stream.plausibility.confirms(suspect, bar):
            self._accept(stream, suspect)
            self._accept(stream, bar)
            self._ledger.free(
                "L15", stream.symbol, f"{title}: confirms the one before", "implausible"
            )
            return [suspect, bar]
        fault = stream.plausibility.fault(bar) if self._spec.implausible != "keep" else ""
        if suspect:
            text = f"bar closing {format_ts(suspect[0])}: not confirmed by the next one"
            self._drop(stream, "L15", text, "unconfirmed", suspect)
        if not fault:
            if suspect:
                self._ledger.free("L15", stream.symbol, f"{title}: plausible again", "implausible")
            self._accept(stream, bar)
            return [bar]
        text = f"{title}: {fault}"
        if self._spec.implausible == "hold":
            stream.suspect = bar
            self._ledger.hold("L15", stream.symbol, f"{text}; waiting for the next", "implausible")
        elif self._spec.implausible == "drop":
            self._drop(stream, "L15", text, "implausible", bar)
        else:
            self._ledger.rule("refuse", "L15", stream.symbol, text, "implausible", bar)
        return []

    def _accept(self, stream: Stream, bar: Bar) -> None:
        text = f"bar closing {format_ts(bar[0])}"
        if stream.plausibility.accept(bar):
            text += ": the same values for too long; the feed may have stopped"
            self._ledger.hold("L15", stream.symbol, text, "repeated")
        else:
            self._ledger.free("L15", stream.symbol, f"{text}: other values again", "repeated")

    def _drop(self, stream: Stream, rule: str, text: str, counter: str, bar: Bar) -> None:
        stream.dropped[counter] = stream.dropped.get(counter, 0) + 1
        self._ledger.rule("drop", rule, stream.symbol, text, counter, bar)
