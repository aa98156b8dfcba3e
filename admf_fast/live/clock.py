"""The clock of a live process: what it waits and sleeps by, never what it trades by.

Everything that decides takes its time from the bars; a wall clock only tells an operator when
something happened, and whether the machine knows the date at all.
"""

import time
from typing import Protocol

from admf_fast.errors import StateError

# No machine that runs this is older; one that starts with a dead battery says 1970 or 2000.
WALL_NS_MIN = 1_735_689_600_000_000_000  # 2025-01-01T00:00:00Z


class Clock(Protocol):
    """Times in nanoseconds."""

    def wall_ns(self) -> int:
        """Return the time of day, UTC since 1970; it may jump."""
        ...

    def steady_ns(self) -> int:
        """Return a time that only ever grows, since some start."""
        ...


class SystemClock:
    """The clock of this machine."""

    def wall_ns(self) -> int:
        """Return the time of day, UTC since 1970."""
        return time.time_ns()

    def steady_ns(self) -> int:
        """Return the time since the machine was started, sleep included."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class SteadyTime:
    """A time of day that no jump of the clock changes: set once, it goes on with the steady one.

    A venue's orders are waited for, counted and aged by it. It starts with the wall clock, or
    with `least_ns` if that is later: no process lives before the last bar of its journal.
    """

    def __init__(self, clock: Clock, least_ns: int = 0) -> None:
        self._clock = clock
        self._ahead_ns = max(clock.wall_ns(), least_ns) - clock.steady_ns()

    def now_ns(self) -> int:
        """Return the time, UTC since 1970."""
        return self._ahead_ns + self._clock.steady_ns()


def check_wall(clock: Clock) -> None:
    """Refuse a machine that does not know the date; raises StateError."""
    found_ns = clock.wall_ns()
    if found_ns < WALL_NS_MIN:
        shown = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(found_ns, 0) // 10**9))
        raise StateError(
            f"the clock of this machine says {shown}: expected 2025 or later; set it (NTP) and "
            "start again, nothing was done"
        )
