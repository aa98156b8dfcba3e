"""The equity at the end of every session day, kept while the bars go by."""

import functools
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from admf_fast.metrics.returns import DAY_NS
from admf_fast.metrics.sums import Column
from admf_kernels.clock import Clock
from admf_kernels.numeric import nan

Times = NDArray[np.int64]
FIRST_NS, LAST_NS = -106_751 * DAY_NS, 106_750 * DAY_NS  # whole days that int64 holds


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


class ClockDays:
    """The sessions of a market; where its table does not reach, days in UTC.

    A close belongs to the session that the clock column ``session`` gives it: to the one it
    lies in, and outside of all to the first whose date is not before the local date.
    """

    def __init__(self, clock: Clock) -> None:
        # A session's day is over at its close or at local midnight, whichever is later, but
        # when the next one opens. Nowhere does the local offset change around midnight.
        after = (clock.day + 1) * DAY_NS
        offset = _offset_at(clock, after - _offset_at(clock, after))
        ends = np.maximum(clock.close_ns, after - offset - 1)
        ends[:-1] = np.minimum(ends[:-1], clock.open_ns[1:])
        first, last = (int(ts) for ts in (clock.open_ns[0], ends[-1]))
        before = UTC_DAYS.ends(FIRST_NS, first)
        later = UTC_DAYS.ends(last + 1, LAST_NS)
        parts = [before[before <= first], ends, later]
        self._ends: Times = np.concatenate(parts)

    def ends(self, first_ts_ns: int, last_ts_ns: int) -> Times:
        """Return the ends of all sessions from the first close's to the last close's."""
        first, last = self._ends.searchsorted([first_ts_ns, last_ts_ns])
        return self._ends[first : last + 1]


def _offset_at(clock: Clock, ts_ns: Times) -> Times:
    """Return the offset of local time from UTC at times."""
    row = clock.offset_from_ns.searchsorted(ts_ns, side="right") - 1
    return clock.offset_ns[np.maximum(row, 0)]


@functools.cache
def session_days(clock: Clock | None, timeframe_ns: int = 0) -> SessionDays:
    """Return where the days of bars end: with the sessions of their clock, else at midnight UTC.

    Bars of a day or longer are days whatever time they are stamped by.
    """
    return UTC_DAYS if clock is None or timeframe_ns >= DAY_NS else ClockDays(clock)


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
