"""Which bars a market owes: counted from its sessions, in UTC, so that no change of clocks matters.

A bar belongs to the market's hours when any part of it lies within a session. Bars of a day or
longer are counted by sessions instead, each by the one that its middle falls into or before.
"""

import functools
from bisect import bisect_left
from collections.abc import Sequence

from admf_fast.data.spec import NS_PER_DAY, NS_PER_H
from admf_kernels.clock import Clock


@functools.cache
def _sessions(clock: Clock) -> tuple[Sequence[int], Sequence[int]]:
    """Return opens and closes as numbers that `bisect` is quick with."""
    return clock.open_ns.tolist(), clock.close_ns.tolist()


class MarketHours:
    """The hours of one market for bars of one length; without a clock, nobody knows them."""

    def __init__(self, clock: Clock | None, timeframe_ns: int) -> None:
        self.known = clock is not None
        self._timeframe_ns = timeframe_ns
        self._open_ns, self._close_ns = _sessions(clock) if clock else ((), ())
        # From 4h on bars may be moved by an hour, with the market's own clock: see `data.grid`.
        moved = timeframe_ns >= 4 * NS_PER_H
        self._apart_ns = timeframe_ns - NS_PER_H if moved else 1

    def holds(self, ts_ns: int) -> bool:
        """Return whether a bar that closes at `ts_ns` touches a session; True if not known."""
        if not self.known:
            return True
        k = bisect_left(self._close_ns, ts_ns - self._timeframe_ns + 1)
        return k < len(self._open_ns) and self._open_ns[k] < ts_ns

    def missing(self, after_ns: int, before_ns: int) -> int:
        """Return how many bars close between the two, both left out; of all times if not known."""
        step_ns = self._timeframe_ns
        if before_ns - after_ns <= step_ns:
            return 0
        if not self.known or step_ns > NS_PER_DAY:
            return (before_ns - after_ns - 1) // step_ns
        if step_ns == NS_PER_DAY:
            return max(self._session(before_ns) - self._session(after_ns) - 1, 0)
        return self._between(after_ns, before_ns)

    def _session(self, ts_ns: int) -> int:
        return bisect_left(self._close_ns, ts_ns - self._timeframe_ns // 2)

    def _between(self, after_ns: int, before_ns: int) -> int:
        step_ns = self._timeframe_ns
        origin_ns = 0 if step_ns < NS_PER_H else after_ns
        last_ns = before_ns - self._apart_ns
        count, low_ns = 0, after_ns
        k = bisect_left(self._close_ns, after_ns - step_ns + 1)
        while k < len(self._open_ns) and self._open_ns[k] < last_ns:
            low_ns = max(low_ns, self._open_ns[k])
            high_ns = min(self._close_ns[k] + step_ns - 1, last_ns)
            if high_ns > low_ns:
                count += (high_ns - origin_ns) // step_ns - (low_ns - origin_ns) // step_ns
                low_ns = high_ns
            k += 1
        return count
