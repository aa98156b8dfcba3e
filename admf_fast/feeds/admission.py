"""Whether a closed bar may wait for its turn: everything that is ruled about a single bar."""

from admf_fast.config.feed import FeedSpec
from admf_fast.data.spec import format_ts
from admf_fast.feeds.clocks import Clocks
from admf_fast.feeds.ledger import Ledger
from admf_fast.feeds.plausible import difference, impossible
from admf_fast.feeds.quarantine import Quarantine
from admf_fast.feeds.replay import Bar
from admf_fast.feeds.rulings import Counter
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
        if fault := impossible(bar):
            text = f"{_title(bar, place)}: {fault}"
            self._quarantine.bar("L13", stream.symbol, text, "invalid", monotonic_ns)
        elif not self._on_grid(stream, bar, place, monotonic_ns):
            pass
        elif bar == stream.suspect:
            self._again(stream, bar, bar, place)
        elif known := stream.known(bar[0]):
            self._again(stream, bar, known, place)
        elif bar[0] <= after_ns or bar[0] <= stream.last_ts_ns:
            self._late(stream, bar, place, max(after_ns, stream.last_ts_ns))
        elif not self._clocks.believes(stream, bar[0], now_ns):
            text = f"{_title(bar, place)}: it lies in the future, and no bar before it leads there"
            self._quarantine.bar("L11", stream.symbol, text, "future", monotonic_ns)
        elif self._in_session(stream, bar, place):
            return self._plausible(stream, bar, place, after_ns)
        return []

    def _on_grid(self, stream: Stream, bar: Bar, place: str, monotonic_ns: int) -> bool:
        if stream.on_grid(bar[0]):
            return True
        policy = stream.bars.off_grid
        if policy == "keep":
            stream.keep_off_grid()
            return True
        text = (
            f"{_title(bar, place)}: is off the grid of {stream.bars.timeframe} bars "
            f"({stream.describe_grid()}); send whole bars, or use bars.off_grid: drop or keep"
        )
        if policy == "drop":
            self._drop(stream, "L12", text, "off_grid", bar)
        else:
            self._quarantine.bar("L12", stream.symbol, text, "off_grid", monotonic_ns)
        return False

    def _again(self, stream: Stream, bar: Bar, known: Bar, place: str) -> None:
        """Rule on a bar whose time was delivered before."""
        title, found = _title(bar, place), difference(bar, known)
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

    def _late(self, stream: Stream, bar: Bar, place: str, after_ns: int) -> None:
        title = _title(bar, place)
        if bar[0] < stream.forgot_before_ns:
            rule = "L08" if stream.compared is None else "L19"
            self._drop(stream, rule, f"{title}: too old to be compared", "overlap_old", bar)
        elif stream.compared is None:
            text = f"{title}: expected one after {format_ts(after_ns)}; the bar was not taken"
            if self._spec.late == "drop":
                self._drop(stream, "L05", text, "late", bar)
            else:
                self._ledger.rule("refuse", "L05", stream.symbol, text, "late", bar)
        else:
            text = f"{title}: the feed has it, the history has not; use one source of both"
            self._ledger.rule("refuse", "L19", stream.symbol, text, "overlap_conflict", bar)

    def _in_session(self, stream: Stream, bar: Bar, place: str) -> bool:
        policy = self._spec.off_session
        if policy == "keep" or stream.hours.holds(bar[0]):
            return True
        text = f"{_title(bar, place)}: outside the sessions of {stream.bars.calendar}"
        if policy == "drop":
            self._drop(stream, "L12", text, "off_session", bar)
        else:
            self._ledger.rule("refuse", "L12", stream.symbol, text, "off_session", bar)
        return False

    def _plausible(self, stream: Stream, bar: Bar, place: str, after_ns: int) -> list[Bar]:
        fault = ""
        if self._spec.implausible != "keep":
            fault = stream.plausibility.fault(bar)
        if stream.suspect:
            return self._after_suspect(stream, stream.suspect, bar, fault, place, after_ns)
        return self._judged(stream, bar, fault, place)

    def _after_suspect(
        self, stream: Stream, suspect: Bar, bar: Bar, fault: str, place: str, after_ns: int
    ) -> list[Bar]:
        """Return what is admitted by the bar after an implausible one."""
        stream.suspect = None
        if fault and bar[0] != suspect[0] and stream.plausibility.near(suspect, bar):
            self._accept(stream, suspect)
            self._accept(stream, bar)
            text = f"{_title(bar, place)}: confirms the one before"
            self._ledger.free("L15", stream.symbol, text, "implausible")
            if suspect[0] > after_ns:
                return [suspect, bar]
            self._late(stream, suspect, "", after_ns)
            return [bar]
        which = "corrected" if bar[0] == suspect[0] else "not confirmed by the next one"
        text = f"{_title(suspect)}: {which}"
        self._drop(stream, "L15", text, "unconfirmed", suspect)
        if not fault:
            text = f"{_title(bar, place)}: plausible again"
            self._ledger.free("L15", stream.symbol, text, "implausible")
        return self._judged(stream, bar, fault, place)

    def _judged(self, stream: Stream, bar: Bar, fault: str, place: str) -> list[Bar]:
        if not fault:
            self._accept(stream, bar)
            return [bar]
        text = f"{_title(bar, place)}: {fault}"
        if self._spec.implausible == "hold":
            stream.suspect = bar
            self._ledger.hold("L15", stream.symbol, f"{text}; waiting for the next", "implausible")
        elif self._spec.implausible == "drop":
            self._drop(stream, "L15", text, "implausible", bar)
        else:
            self._ledger.rule("refuse", "L15", stream.symbol, text, "implausible", bar)
        return []

    def _accept(self, stream: Stream, bar: Bar) -> None:
        if stream.plausibility.accept(bar):
            text = f"{_title(bar)}: the same values for too long; the feed may have stopped"
            self._ledger.hold("L15", stream.symbol, text, "repeated")
        elif self._ledger.holds:
            text = f"{_title(bar)}: other values again"
            self._ledger.free("L15", stream.symbol, text, "repeated")

    def _drop(self, stream: Stream, rule: str, text: str, counter: Counter, bar: Bar) -> None:
        stream.dropped[counter] = stream.dropped.get(counter, 0) + 1
        self._ledger.rule("drop", rule, stream.symbol, text, counter, bar)


def _title(bar: Bar, place: str = "") -> str:
    """Return what a text about a bar begins with."""
    return f"{place}bar closing {format_ts(bar[0])}"
