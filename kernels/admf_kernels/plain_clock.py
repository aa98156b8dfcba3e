"""The clock columns of one bar in plain Python: the specification of the clock driver."""

from bisect import bisect_left, bisect_right

from admf_kernels.clock import Clock
from admf_kernels.errors import KernelError

DAY_NS = 24 * 60 * 60 * 10**9
MINUTE_NS = 60.0 * 10**9


class PlainClock:
    """A clock as lists; every bar is looked up on its own."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.opens = clock.open_ns.tolist()
        self.closes = clock.close_ns.tolist()
        self.days = clock.day.tolist()
        self.changes = clock.offset_from_ns.tolist()
        self.offsets = clock.offset_ns.tolist()

    def session_of(self, ts_ns: int) -> int | None:
        """Return the place of the session with ``open < ts <= close``; None outside of all."""
        place = bisect_left(self.closes, ts_ns)
        return place if place < len(self.closes) and self.opens[place] < ts_ns else None

    def columns(self, ts_ns: int) -> dict[str, float]:
        """Return the clock columns of a bar that closes at `ts_ns`."""
        if not self.opens[0] < ts_ns <= self.closes[-1]:
            raise KernelError(f"ts_ns {ts_ns}: {self.clock.missing}")
        local_ns = ts_ns + self.offsets[bisect_right(self.changes, ts_ns) - 1]
        place = self.session_of(ts_ns)
        if place is None:
            place = bisect_left(self.days, local_ns // DAY_NS)
        return {
            "session": float(self.days[place]),
            "minute_of_day": float(local_ns % DAY_NS) / MINUTE_NS,
            "minute_of_session": float(ts_ns - self.opens[place]) / MINUTE_NS,
            "minutes_left": float(self.closes[place] - ts_ns) / MINUTE_NS,
            "weekday": float((3 + self.days[place]) % 7),  # 1970-01-01 was a Thursday
        }
