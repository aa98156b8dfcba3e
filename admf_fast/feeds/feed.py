"""What a feed is: something that is asked for what has arrived, and never waits for long."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from admf_fast.data.spec import BarSpec
from admf_fast.feeds.json_lines import LINE_BYTES_MAX
from admf_fast.feeds.rulings import Item

POLL_S = 0.1  # the longest that a poll should wait, for a process to stop at once
READ_BYTES = 65_536
After = Callable[[], Mapping[str, int]]


class Feed(ABC):
    """Delivers lines, bars and changes of the connection, in the order they arrived.

    What a kind of feed has nothing to do for, it leaves as it is here.

    `instruments` are the bars it delivers, as a guard takes them; `realtime` says that they
    close now and not in the past.
    """

    realtime: ClassVar[bool] = True

    def __init__(self, instruments: tuple[BarSpec, ...]) -> None:
        self.instruments = instruments

    def start(self, after: After) -> None:  # noqa: B027
        """Begin; `after` tells, whenever it is called, the last close of each instrument.

        A feed that can delivers what comes after these, and a little before, as an overlap.
        """

    @abstractmethod
    def poll(self, timeout_s: float) -> list[Item] | None:
        """Return what has arrived, empty after at most `timeout_s` seconds; None at the end."""

    def ask(self, symbol: str, after_ns: int, before_ns: int) -> None:  # noqa: B027
        """Ask for the bars that close between two times, both left out; they may never come."""

    def renew(self) -> None:  # noqa: B027
        """Give the connection up and make it again: it is silent for too long."""

    def close(self) -> None:  # noqa: B027
        """Let go of everything."""


def lines_of(feed: Feed) -> Iterator[bytes]:
    """Yield the lines of a feed until it ends."""
    feed.start(dict)
    try:
        while (items := feed.poll(POLL_S)) is not None:
            yield from (item for item in items if isinstance(item, bytes))
    finally:
        feed.close()


class LineBuffer:
    """Cuts bytes into lines; of a line that is too long it keeps as much as says so."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def take(self, chunk: bytes) -> list[Item]:
        """Return the lines that are whole now, without their ends."""
        *whole, rest = (self._rest + chunk).split(b"\n")
        lines: list[Item] = []
        for line in whole:
            if not self._skipping:
                lines.append(line)
            self._skipping = False
        if self._skipping:
            rest = b""
        elif len(rest) > LINE_BYTES_MAX:  # the rest of it is not worth its memory
            lines.append(rest[: LINE_BYTES_MAX + 1])
            self._skipping, rest = True, b""
        self._rest = rest
        return lines

    def finish(self) -> list[Item]:
        """Return the line that was left without an end, if any."""
        left: list[Item] = [self._rest] if self._rest else []
        self._rest, self._skipping = b"", False
        return left
