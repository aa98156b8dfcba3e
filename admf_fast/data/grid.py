"""The grid that the times of regular bars lie on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from admf_fast.data.spec import NS_PER_H, format_ts

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Grid:
    """Tells times on the grid of a timeframe from others.

    Below 1h the grid is every timeframe from midnight UTC. From 1h on it passes through the first
    bar, since sessions start where they start. From 4h on daylight saving moves bars by an hour:
    one such side step, the first that is seen, belongs to the grid too.
    """

    def __init__(self, timeframe_ns: int) -> None:
        self._timeframe_ns = timeframe_ns
        self._origin_ns: int | None = 0 if timeframe_ns < NS_PER_H else None
        self._side_ns = 0
        self._may_side_step = timeframe_ns >= 4 * NS_PER_H

    def holds(self, ts_ns: int) -> bool:
        """Return whether one time is on the grid; the first one may set it."""
        return not self.off(np.array([ts_ns]))[0]

    def off(self, ts_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of `ts_ns` (int64[n]) are off the grid, in order of time."""
        if len(ts_ns) == 0:
            return np.zeros(0, np.bool_)
        if self._origin_ns is None:
            self._origin_ns = int(ts_ns[0])
        offset_ns = (ts_ns - self._origin_ns) % self._timeframe_ns
        off: NDArray[np.bool_] = offset_ns != 0
        if self._may_side_step and off.any():
            self._learn_side_step(offset_ns)
            if self._side_ns:
                off &= offset_ns != self._side_ns
        return off

    def _learn_side_step(self, offset_ns: NDArray[np.int64]) -> None:
        if self._side_ns:
            return
        sides_ns = (NS_PER_H, self._timeframe_ns - NS_PER_H)
        seen = np.flatnonzero(np.isin(offset_ns, sides_ns))
        if len(seen):
            self._side_ns = int(offset_ns[seen[0]])

    def describe(self) -> str:
        """Return where the grid is, for an error."""
        if self._origin_ns in (0, None):
            return "counted from midnight UTC"
        return f"through the bar closing {format_ts(self._origin_ns or 0)}"
