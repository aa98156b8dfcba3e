"""Counts the gaps between consecutive bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from admf_fast.data.report import Gap, GapReport

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIRST_SHOWN: Final = 10


class GapCounter:
    """Counts the steps between consecutive closes that are longer than one timeframe."""

    def __init__(self, timeframe_ns: int) -> None:
        self._timeframe_ns = timeframe_ns
        self._last_ts_ns: int | None = None
        self._count = 0
        self._missing_bars = 0
        self._longest_ns = 0
        self._first: list[Gap] = []

    def update(self, ts_ns: NDArray[np.int64], *, regular: bool) -> int | None:
        """Count the gaps up to the end of `ts_ns` (int64[n], increasing, not empty).

        `regular` says that within `ts_ns` every step is one timeframe. Returns the index of the
        first bar that comes after a gap.
        """
        last_ts_ns, self._last_ts_ns = self._last_ts_ns, int(ts_ns[-1])
        at_first = last_ts_ns is not None and int(ts_ns[0]) - last_ts_ns > self._timeframe_ns
        if regular and not at_first:
            return None
        if last_ts_ns is None:
            steps_from = ts_ns[:-1]
        else:
            steps_from = np.concatenate(([last_ts_ns], ts_ns[:-1]))
        steps_to = ts_ns[len(ts_ns) - len(steps_from) :]
        steps_ns = steps_to - steps_from
        at = np.flatnonzero(steps_ns > self._timeframe_ns)
        if len(at) == 0:
            return None
        self._add(steps_from[at], steps_to[at])
        return int(at[0]) + len(ts_ns) - len(steps_from)

    def _add(self, after_ns: NDArray[np.int64], before_ns: NDArray[np.int64]) -> None:
        missing = (before_ns - after_ns - 1) // self._timeframe_ns
        self._count += len(missing)
        self._missing_bars += int(missing.sum())
        self._longest_ns = max(self._longest_ns, int((before_ns - after_ns).max()))
        free = _FIRST_SHOWN - len(self._first)
        shown = zip(after_ns[:free], before_ns[:free], missing[:free], strict=True)
        self._first += [Gap(int(a), int(b), int(m)) for a, b, m in shown]

    def report(self) -> GapReport:
        """Return the gaps so far."""
        return GapReport(self._count, self._missing_bars, self._longest_ns, tuple(self._first))
