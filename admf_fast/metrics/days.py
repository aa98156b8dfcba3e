"""The equity at the end of every session day, kept while the bars go by."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from admf_fast.metrics.returns import DAY_NS
from admf_fast.metrics.sums import Column
from admf_kernels.numeric import nan

Times = NDArray[np.int64]


class SessionDays(Protocol):
    """Where one session day ends and the next begins."""

    def ends(self, first_ts_ns: int, last_ts_ns: int) -> Times:
        """Return, increasing, the ends of the days of closes from first to last.

        A close belongs to the first end at or after it: these are all ends from the one
        that `first_ts_ns` belongs to up to the one that `last_ts_ns` belongs to. There may
        be days without bars between them.
        """
        ...


@dataclass(frozen=True, slots=True)
class UtcDays:
    """Calendar days in UTC; a close at midnight belongs to the day it ends."""

    def ends(self, first_ts_ns: int, last_ts_ns: int) -> Times:
        """Return every midnight from the one that ends the first close's day."""
        first, last = ((ts + DAY_NS - 1) // DAY_NS for ts in (first_ts_ns, last_ts_ns))
        return np.arange(first, last + 1, dtype=np.int64) * DAY_NS


UTC_DAYS = UtcDays()


class Days(NamedTuple):
    """One row per session day that had bars.

    Attributes
    ----------
    ts_ns : int64
        The last close of the day.
    equity, close : float64
        What held at that close.
    bars : int
        How many bars they were made of.
    first_close : float
        The very first close of the period, which the market's first day is measured from.
    """

    ts_ns: Times
    equity: Column
    close: Column
    bars: int
    first_close: float


class DayCloses:
    """Takes the bars of a run in order, in pieces of any size, and keeps the last of each day.

    The pieces change nothing. Memory grows with the days, not with the bars.
    """

    def __init__(self, days: SessionDays = UTC_DAYS) -> None:
        self._days = days
        self._end = -1
        self._closed: list[tuple[Times, Column, Column]] = []
        self._open: tuple[Times, Column, Column] | None = None
        self._bars = 0
        self._first_close = nan

    def add(self, ts_ns: Times, equity: Column, close: Column) -> None:
        """Take the next bars."""
        count = len(ts_ns)
        if not count:
            return
        if not self._bars:
            self._first_close = float(close[0])
        self._bars += count
        last = int(ts_ns[-1])
        if last <= self._end:  # the whole piece is of the day that is under way
            rows = np.array([count - 1])
            first_end = last_end = self._end
        else:
            ends = self._days.ends(int(ts_ns[0]), last)
            stops = ts_ns.searchsorted(ends, side="right")
            first_end, last_end = int(ends[0]), int(ends[-1])
            had_bars = np.ones(len(stops), np.bool_)
            np.greater(stops[1:], stops[:-1], out=had_bars[1:])
            rows = stops[had_bars] - 1
        if self._open is not None and self._end != first_end:
            self._closed.append(self._open)
        kept = ts_ns[rows], equity[rows], close[rows]  # copies: the columns are written over
        if len(rows) > 1:
            self._closed.append((kept[0][:-1], kept[1][:-1], kept[2][:-1]))
        self._open, self._end = (kept[0][-1:], kept[1][-1:], kept[2][-1:]), last_end

    def days(self) -> Days:
        """Return all days so far, the one under way included."""
        parts = [*self._closed, *([self._open] if self._open else [])]
        if not parts:
            empty = np.empty(0)
            return Days(np.empty(0, np.int64), empty, empty, 0, nan)
        ts_ns, equity, close = (np.concatenate(p) for p in zip(*parts, strict=True))
        return Days(ts_ns, equity, close, self._bars, self._first_close)
