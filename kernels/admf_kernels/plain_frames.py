"""Bars of a longer timeframe in plain Python: the specification of the frame driver."""

from collections.abc import Collection, Sequence
from typing import Any

from admf_kernels import layout
from admf_kernels.checksum import slot_of
from admf_kernels.clock import Clock
from admf_kernels.codegen.frame import Bucket
from admf_kernels.contract import Feature, Output, on_label
from admf_kernels.plain_clock import PlainClock
from admf_kernels.plain_features import PlainFeatures, share_of_checksum, unpacked

UNITS_NS = {"s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9}


class PlainChild(PlainFeatures):
    """The features of one longer timeframe; `covered` are those the checksum is made of."""

    def __init__(
        self,
        timeframe: str,
        outputs: Sequence[Output],
        covered: Collection[Feature],
        clock: Clock | None,
    ) -> None:
        self.timeframe = timeframe
        self.covered = covered
        super().__init__(outputs, clock=clock)

    def label(self, feature: Feature) -> str:
        """Return the name its state goes by."""
        return on_label(self.timeframe, feature.label)

    def _is_hashed(self, feature: Feature) -> bool:
        return feature in self.covered


class PlainFrame:
    """Makes the bars of one longer timeframe and steps what is computed on them."""

    def __init__(self, child: PlainChild, clock: Clock | None) -> None:
        self.child = child
        self.timeframe = child.timeframe
        self.by_session = PlainClock(clock) if clock and self.timeframe == "1d" else None
        self.slot = slot_of(f"on({self.timeframe})")
        self.bars: list[Sequence[float]] = []  # of the bucket that is being filled
        self.end_ns = 0
        self.whole = False
        self.started = False
        self.closed = 0
        self.checksum = 0

    def step(self, ts_ns: int, *prices: float) -> None:
        """Take one bar: first what has closed before it, then what it closes itself."""
        if self.bars and self.end_ns < ts_ns:
            self._close()
        end_ns = self._end_of(ts_ns)
        if end_ns is not None:
            if not self.bars:
                self.end_ns, self.whole = end_ns, self.started
            self.bars.append(prices)
        self.started = True
        if self.bars and self.end_ns == ts_ns:
            self._close()

    def _end_of(self, ts_ns: int) -> int | None:
        """Return when the bucket of a bar closes; None outside of all sessions."""
        if self.by_session is not None:
            self.by_session.columns(ts_ns)  # refuses a time outside of the table
            place = self.by_session.session_of(ts_ns)
            return None if place is None else self.by_session.closes[place]
        if self.timeframe == "1w":
            # Day 4, 1970-01-05, was a Monday.
            weeks = -(-(ts_ns - 4 * UNITS_NS["d"]) // (7 * UNITS_NS["d"]))
            return weeks * 7 * UNITS_NS["d"] + 4 * UNITS_NS["d"]
        length = int(self.timeframe[:-1]) * UNITS_NS[self.timeframe[-1]]
        return -(-ts_ns // length) * length  # rounded up

    def _merged(self) -> tuple[float, float, float, float, float]:
        if not self.bars:
            return (0.0, 0.0, 0.0, 0.0, 0.0)
        opens, highs, lows, closes, volumes = zip(*self.bars, strict=True)
        volume = volumes[0]
        for more in volumes[1:]:
            volume += more
        return (opens[0], max(highs), min(lows), closes[-1], volume)

    def _close(self) -> None:
        if self.whole:
            self.checksum = self.child.step(self.end_ns, *self._merged()).checksum
            self.closed += 1
        self.bars, self.end_ns, self.whole = [], 0, False

    def value(self, output: Output) -> float:
        """Return what the last closed bar gave; NaN before the first."""
        inner = Output(output.feature._replace(timeframe=""), output.place)
        column = self.child.columns[inner]
        return column[-1] if column else float("nan")

    def bucket(self) -> Bucket:
        """Return the state of the bucket."""
        covered = self.checksum if self.child.covered else 0
        return Bucket(self.end_ns, self.whole, self.started, covered, *self._merged())

    def share(self) -> int:
        """Return the share of the state checksum."""
        if not self.child.covered:
            return 0
        return share_of_checksum(self.slot, self.closed, [self.bucket()])

    def state(self) -> dict[str, Any]:
        """Return the state of the bucket and of every kernel by label."""
        return {f"on({self.timeframe})": self.bucket(), **self.child.state()}

    def resume(self, child: Any, words: layout.Words) -> layout.Words:
        """Take over a compiled child; `words` begin with its state. Returns those after it."""
        self.closed = int(words[0])
        bucket, words = unpacked(Bucket, words[1:])
        self.end_ns, self.whole, self.started, self.checksum = bucket[:4]
        self.bars = [tuple(bucket[4:])] if self.end_ns else []
        child.cursor = int(child.next_row[0])
        self.child.resume(child)
        return words[len(child.state) :]
