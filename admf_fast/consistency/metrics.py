"""The consistency metrics of a live run and its shadow: counts and times in constant memory."""

from typing import Any, NamedTuple

import msgspec

from admf_fast.consistency.histogram import TimeHistogram
from admf_fast.consistency.picture import Events
from admf_kernels.layout import to_word

HELD = 1024  # times, until they are counted together


class Answer(NamedTuple):
    """What a bar led to on one side.

    `events` are (table, values) as of `runners.live.Step`; `taken_ns` is how long it took.
    """

    ts_ns: int
    events: Events
    checksum: int
    taken_ns: int = 0


class Sequences:
    """Follows the sequence numbers of one side: from one event to the next by one.

    Every bar takes a number, then each of its events; a TRADE has that of the fill before it.
    """

    def __init__(self, last: int, bars: int) -> None:
        self._last, self._bars = last, bars

    def violations(self, events: Events, bars: int) -> int:
        """Return how many events of the bar number `bars` do not follow the one before."""
        expected = self._last + bars - self._bars
        broken, before = 0, ""
        for table, values in events:
            sequence = values[1]
            if table == "trades":
                broken += not (before == "fills" and sequence == expected)
            else:
                expected += 1
                broken += sequence != expected
                expected = sequence  # one gap is one violation
            before = table
        self._last, self._bars = expected, bars
        return broken

    def follow(self, other: "Sequences") -> None:
        """Stand where another stands that saw the same events."""
        self._last, self._bars = other._last, other._bars


class ConsistencyMonitor:
    """Counts how a live run agrees with its shadow, bar by bar.

    Attributes
    ----------
    bars : int
        Bars that both sides took.
    signals_both, signals_only_live, signals_only_shadow : int
        SIGNAL events by who made them: one is the same if time and bits are.
    state_checksum_mismatches : int
        Bars after which the state differed.
    event_sequence_violations : int
        Events that do not follow the one before them, on either side, and bars on which the
        sides have other types or numbers of events.
    """

    def __init__(self) -> None:
        self.bars = 0
        self.signals_both = 0
        self.signals_only_live = 0
        self.signals_only_shadow = 0
        self.state_checksum_mismatches = 0
        self.event_sequence_violations = 0
        self._times = TimeHistogram()
        self._waiting: list[int] = []

    def check_consistency(self, expected: Answer, actual: Answer) -> bool:
        """Count one bar; `expected` is the shadow's. Return whether both are the same bits."""
        self.bars += 1
        self.take_time(abs(expected.taken_ns - actual.taken_ns))
        if expected.ts_ns != actual.ts_ns:
            self.event_sequence_violations += 1
        return self.check_answers(expected.events, actual.events, expected.checksum,
                                  actual.checksum) and expected.ts_ns == actual.ts_ns  # fmt: skip

    def check_answers(
        self, expected: Events, actual: Events, checksum: int, actual_checksum: int
    ) -> bool:
        """Count events and checksums of one bar, and return whether they are the same bits."""
        same = checksum == actual_checksum
        self.state_checksum_mismatches += not same
        if same and _bits(expected) == _bits(actual):
            for table, _ in actual:
                if table == "signals":
                    self.signals_both += 1
            return True
        self._count_signals(expected, actual)
        theirs, ours = ([(t, v[1]) for t, v in events] for events in (expected, actual))
        if theirs != ours:
            self.event_sequence_violations += 1
        return False

    def _count_signals(self, expected: Events, actual: Events) -> None:
        theirs, ours = ([_signal(v) for t, v in e if t == "signals"] for e in (expected, actual))
        for signal in ours:
            if signal in theirs:
                theirs.remove(signal)
                self.signals_both += 1
            else:
                self.signals_only_live += 1
        self.signals_only_shadow += len(theirs)

    def take_time(self, apart_ns: int) -> None:
        """Count by how much the times of the sides for one bar differ."""
        self._waiting.append(apart_ns)
        if len(self._waiting) == HELD:
            self._count_times()

    def _count_times(self) -> None:
        self._times.add(self._waiting)
        self._waiting.clear()

    @property
    def times(self) -> TimeHistogram:
        """How much longer one side took for a bar than the other, for all bars timed."""
        self._count_times()
        return self._times

    @property
    def signal_divergence_rate(self) -> float:
        """Signals of one side only over those of either side; 0 while there are none."""
        apart = self.signals_only_live + self.signals_only_shadow
        union = apart + self.signals_both
        return apart / union if union else 0.0

    @property
    def metrics(self) -> dict[str, Any]:
        """All figures as plain data; times in ns."""
        return {
            "bars": self.bars,
            "signal_divergence_rate": self.signal_divergence_rate,
            "signals": {
                "both": self.signals_both,
                "only_live": self.signals_only_live,
                "only_shadow": self.signals_only_shadow,
            },
            "execution_time_delta": self.times.quantiles(),
            "state_checksum_mismatches": self.state_checksum_mismatches,
            "event_sequence_violations": self.event_sequence_violations,
        }


def _signal(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what makes a SIGNAL the same: instrument and bits, on one bar."""
    return values[2], to_word("float", values[3])


_encode = msgspec.msgpack.Encoder().encode


def _bits(events: Events) -> bytes:
    """Return events as bytes, floats as they are, without rows: each side numbers its own."""
    return _encode([(table, values[1:]) for table, values in events])
