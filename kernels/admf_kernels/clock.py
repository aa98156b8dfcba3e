"""A market's clock: its sessions and its local time, as arrays, and the columns made of them.

A bar is stamped at its close, and belongs to the session with ``open < ts <= close``. Outside
of all sessions it belongs to the first session whose date is not before the local date of the
bar's close: a bar of the evening to the session that has ended, one of the night or of a
Sunday to the next. Pauses inside a session are part of it.

=====================  ================================================================
``session``            date of the bar's session, in days since 1970-01-01
``minute_of_day``      minutes from the last local midnight to the bar's close
``minute_of_session``  minutes from the session's open to the bar's close
``minutes_left``       minutes from the bar's close to the session's close
``weekday``            of the session's date, 0 for Monday to 6 for Sunday
=====================  ================================================================

All are float64: whole numbers, or nanoseconds divided once by 60e9.
"""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from admf_kernels.codegen.text import indent
from admf_kernels.contract import CLOCK_COLUMNS
from admf_kernels.errors import KernelError

NO_SESSION = 4  # status of the driver on a bar outside the table
DAY_NS = 86_400_000_000_000
MINUTE_NS = 60e9

Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """The sessions of one market, in order, and the offsets of its local time.

    Attributes
    ----------
    open_ns, close_ns : int64 (sessions,)
        UTC nanoseconds. No session opens before the one before it has closed.
    day : int64 (sessions,)
        The sessions' dates in days since 1970-01-01, rising.
    offset_from_ns, offset_ns : int64 (changes,)
        From when on local time is UTC plus how much; the first holds at the first open.
    """

    name: str
    open_ns: Longs
    close_ns: Longs
    day: Longs
    offset_from_ns: Longs
    offset_ns: Longs

    def __post_init__(self) -> None:
        for field in fields(self)[1:]:
            kept = np.ascontiguousarray(getattr(self, field.name), np.int64).copy()
            kept.flags.writeable = False
            object.__setattr__(self, field.name, kept)
        rising = (np.diff(self.day) > 0, self.open_ns < self.close_ns)
        apart = (self.close_ns[:-1] <= self.open_ns[1:], np.diff(self.offset_from_ns) > 0)
        if not len(self.day) or not all(held.all() for held in (*rising, *apart)):
            raise KernelError(f"clock {self.name}: expected sessions in order, none overlapping")
        if not len(self.offset_ns) or self.offset_from_ns[0] > self.open_ns[0]:
            raise KernelError(f"clock {self.name}: expected an offset from the first open on")

    @property
    def digest(self) -> str:
        """The sha256 of the name and all arrays."""
        hashed = hashlib.sha256(self.name.encode())
        for field in fields(self)[1:]:
            hashed.update(getattr(self, field.name).astype("<i8").tobytes())
        return hashed.hexdigest()

    @property
    def span(self) -> str:
        """From which session's date to which one the table reaches."""
        first, last = self.day[[0, -1]].astype("datetime64[D]")
        return f"{first} to {last}"

    def table(self) -> list[Longs | int]:
        """Return what the driver's table holds between the times and the outputs."""
        sessions: list[Longs | int] = [self.open_ns, self.close_ns, self.day, len(self.day)]
        return [*sessions, self.offset_from_ns, self.offset_ns, len(self.offset_ns)]

    def columns(self, ts_ns: Longs) -> dict[str, NDArray[np.float64]]:
        """Return all clock columns of bars that close at `ts_ns`, int64 (bars,), rising.

        Raises KernelError for a time outside the table.
        """
        from admf_kernels import drivers

        times = np.ascontiguousarray(ts_ns, np.int64)
        found = {name: np.empty(len(times)) for name in CLOCK_COLUMNS}
        parts = [times, *self.table(), *found.values()]
        words = [p.ctypes.data if isinstance(p, np.ndarray) else p for p in parts]
        table = np.array(words, np.int64)
        status = drivers.for_clock(CLOCK_COLUMNS).caller()(table.ctypes.data, 0, len(times))
        if status:
            raise KernelError(f"ts_ns {times[status >> 4]}: {self.missing}")
        return found

    @property
    def missing(self) -> str:
        """What is wrong with a bar that the table has no session for."""
        return (
            f"the calendar {self.name} has no session for it: its table covers {self.span}; use "
            "bars inside of it (bars.start, bars.end), or a version with a longer table"
        )


def continuous(first_day: int = -1, last_day: int = 106_750) -> Clock:
    """Return the clock of a market that never closes: its sessions are days in UTC.

    Days count from 1970-01-01, on whose midnight the first closes; the last is by default
    2262-04-10, the last whole one that int64 nanoseconds hold.
    """
    day = np.arange(first_day, last_day + 1, dtype=np.int64)
    start = np.array([first_day * DAY_NS])
    return Clock("24/7", day * DAY_NS, (day + 1) * DAY_NS, day, start, np.zeros(1, np.int64))


def required(clock: Clock | None, columns: Sequence[str]) -> Clock:
    """Return the clock, or raise KernelError saying how to give one."""
    if clock is None:
        raise KernelError(
            f"{', '.join(columns)}: known only with the sessions of a market; set bars.calendar "
            "(XNYS, XLON, XEUR, CME or 24/7), or give the program a clock"
        )
    return clock


def describe(clock: Clock | None, columns: tuple[str, ...]) -> str:
    """Return what clock columns are made from, for digests; nothing where there are none."""
    if clock is None or not columns:
        return ""
    code = hashlib.sha256(source(columns).encode()).hexdigest()
    return f"\nclock {columns} {clock.digest} {code}"


VALUES = {
    "session": "session",
    "minute_of_day": f"float(ts - midnight) / {MINUTE_NS!r}",
    "minute_of_session": f"float(ts - opened) / {MINUTE_NS!r}",
    "minutes_left": f"float(closed - ts) / {MINUTE_NS!r}",
    "weekday": "weekday",
}
FIND = f"""\
t = start
while t < stop:
    ts = times[t]
    while k < sessions and closes[k] < ts:
        k += 1
    if k == sessions or ts <= opens[0]:
        return {NO_SESSION} + 16 * t
    while z + 1 < changes and changed[z + 1] <= ts:
        z += 1
    date = (ts + offsets[z]) // {DAY_NS}
    midnight = date * {DAY_NS} - offsets[z]
    until = midnight + {DAY_NS}
    border = closes[k] if opens[k] < ts else opens[k]
    until = until if until <= border else border + 1
    if z + 1 < changes and changed[z + 1] < until:
        until = changed[z + 1]
    j = k
    if ts <= opens[k]:
        while j > 0 and days[j - 1] >= date:
            j -= 1
        while j + 1 < sessions and days[j] < date:
            j += 1
    opened = opens[j]
    closed = closes[j]
    session = float(days[j])
    weekday = float((days[j] + 3) % 7)
    edge = t + 1
    while edge < stop and times[edge] < until:
        edge += 1
    for row in range(t, edge):
        ts = times[row]
"""
SEARCH = """\
low = 0
high = {count}
while low < high:
    middle = (low + high) // 2
    if {before}:
        low = middle + 1
    else:
        high = middle
"""
# Of the first row: the session that has not closed before it, the offset that holds.
SESSION = SEARCH.format(count="sessions", before="closes[middle] < times[start]") + "k = low\n"
OFFSET = SEARCH.format(count="changes", before="changed[middle] <= times[start]")
OFFSET += "z = low - 1 if low > 0 else 0\n"


@functools.cache
def source(columns: Sequence[str]) -> str:
    """Return the source of the driver that fills these clock columns.

    Table: times, the sessions' opens, closes and dates and how many, the changes of the
    offset, the offsets and how many, one pointer per column. It keeps no state: it looks up
    the first row, then walks, and between two changes all rows are alike.
    """
    body = [
        "times = words_at(table[0])",
        *(f"{n} = words_at(table[{k}])" for k, n in enumerate(("opens", "closes", "days"), 1)),
        "sessions = table[4]",
        *("changed = words_at(table[5])", "offsets = words_at(table[6])", "changes = table[7]"),
        *(f"out_{name} = floats_at(table[{8 + k}])" for k, name in enumerate(columns)),
        *("if start >= stop:", "    return 0"),
        *(SESSION + OFFSET + FIND).splitlines(),
        *indent([f"out_{name}[row] = {VALUES[name]}" for name in columns], 2),
        *indent(["t = edge"]),
        "return 0",
    ]
    return "\n".join(["def drive(table, start, stop):", *indent(body)]) + "\n"
