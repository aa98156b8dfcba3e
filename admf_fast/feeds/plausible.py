"""Whether a bar can be true: its own numbers, and against the bars before it."""

import math
import sys
from collections import deque

from admf_fast.config.feed import FeedSpec
from admf_fast.feeds.replay import Bar

PRICE_MIN = sys.float_info.min  # below it float64 loses digits
VOLUMES = 32  # that a volume is compared with
NAMES = ("ts_ns", "open", "high", "low", "close", "volume")


def impossible(bar: Bar) -> str:
    """Return what is wrong with the numbers of a bar; empty if nothing is."""
    _, open_, high, low, close, volume = bar
    if (
        PRICE_MIN <= low <= open_ <= high < math.inf
        and low <= close <= high
        and 0.0 <= volume < math.inf
    ):
        return ""
    shown = ", ".join(f"{name} {value!r}" for name, value in zip(NAMES[1:], bar[1:], strict=True))
    return (
        "expected 0 < low <= open, close <= high and volume >= 0, all finite and no price "
        f"subnormal, found {shown}"
    )


def difference(bar: Bar, other: Bar) -> str:
    """Return the first field in which two bars differ, with both values to the bit."""
    for name, value, expected in zip(NAMES, bar, other, strict=True):
        if value != expected:
            bits = f" ({value.hex()}, {expected.hex()})" if isinstance(value, float) else ""
            return f"{name} is {value!r}, before it was {expected!r}{bits}"
    return ""


class Plausibility:
    """What the bars so far make plausible of the next one."""

    def __init__(self, spec: FeedSpec) -> None:
        self._band = spec.move_percent / 100.0
        self._factor = spec.volume_factor
        self._repeated_bars = spec.repeated_bars
        self._last: Bar | None = None
        self._volumes: deque[float] = deque(maxlen=VOLUMES)
        self._repeats = 0

    def fault(self, bar: Bar) -> str:
        """Return why a bar is implausible; empty if it is not."""
        if self._last is None:
            return ""
        if self._far(self._last, bar):
            return (
                f"its prices {bar[3]!r} to {bar[2]!r} are more than {100 * self._band:g} % from "
                f"the last close {self._last[4]!r}"
            )
        if self._large(bar):
            most = max(self._volumes)
            return f"its volume {bar[5]!r} is more than {self._factor:g} times {most!r}"
        return ""

    def near(self, bar: Bar, following: Bar) -> bool:
        """Return whether the prices of a bar are plausible after those of another."""
        return not self._far(bar, following)

    def accept(self, bar: Bar) -> bool:
        """Take a bar as true; return whether it is one more copy of the last ones than allowed."""
        same = self._last is not None and bar[1:] == self._last[1:] and bar[5] > 0.0
        self._repeats = self._repeats + 1 if same else 0
        self._last = bar
        self._volumes.append(bar[5])
        return 0 < self._repeated_bars <= self._repeats

    def _far(self, last: Bar, bar: Bar) -> bool:
        if not self._band:
            return False
        # As factors, so that a rise and the fall that takes it back are alike.
        most = 1.0 + self._band
        return bar[2] > last[4] * most or bar[3] * most < last[4]

    def _large(self, bar: Bar) -> bool:
        if not self._factor or len(self._volumes) < VOLUMES:
            return False
        most = max(self._volumes)
        return most > 0.0 and bar[5] > self._factor * most
