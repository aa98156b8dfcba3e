"""Virtual time: what happens when, in one thread; and the clock that a process sees of it."""

from __future__ import annotations

import heapq
from collections.abc import Callable

Happening = Callable[[], None]


class Timeline:
    """Happenings by time, then priority, then the order in which they were added.

    Attributes
    ----------
    now_ns : int
        True time, UTC nanoseconds; no process sees it.
    count : int
        How many have happened.
    """

    def __init__(self, now_ns: int) -> None:
        self.now_ns = now_ns
        self.count = 0
        self._heap: list[tuple[int, int, int, Happening]] = []
        self._added = 0

    def add(self, at_ns: int, happening: Happening, priority: int = 0) -> None:
        """Let something happen at a time, at the earliest now."""
        self._added += 1
        heapq.heappush(self._heap, (max(at_ns, self.now_ns), priority, self._added, happening))

    def wait(self, until_ns: int) -> None:
        """Let everything happen up to a time."""
        while self._heap and self._heap[0][0] <= until_ns:
            self.step()
        self.now_ns = max(self.now_ns, until_ns)

    def step(self) -> bool:
        """Let the next thing happen; False if there is none."""
        if not self._heap:
            return False
        self.now_ns, _, _, happening = heapq.heappop(self._heap)
        self.count += 1
        happening()
        return True


class VirtualClock:
    """The clocks of a machine, which may jump or stand still while true time goes on.

    Attributes
    ----------
    wrong_ns : int
        How far the time of day is off.
    frozen_ns : int
        The time of day at which it stands, 0 while it runs.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._start_ns = timeline.now_ns
        self.wrong_ns = 0
        self.frozen_ns = 0

    def wall_ns(self) -> int:
        """Return the time of day as the machine believes it is."""
        return self.frozen_ns or self._timeline.now_ns + self.wrong_ns

    def steady_ns(self) -> int:
        """Return the time since the machine was started."""
        return self._timeline.now_ns - self._start_ns + 1
