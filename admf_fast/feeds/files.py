"""Feeds from a descriptor that ends, and from a file that grows."""

import os
import select
import stat
import time
from pathlib import Path

from admf_fast.data.spec import BarSpec
from admf_fast.errors import DataFileError
from admf_fast.feeds.feed import READ_BYTES, After, Feed, LineBuffer
from admf_fast.feeds.rulings import Item, Link

LOOK_S = 0.02  # between two looks at a file that has not grown


class DescriptorFeed(Feed):
    """JSON lines from a descriptor such as standard input, until its end."""

    def __init__(self, instruments: tuple[BarSpec, ...], descriptor: int) -> None:
        super().__init__(instruments)
        self._descriptor = descriptor
        self._buffer = LineBuffer()
        self._poller = select.poll()
        self._poller.register(descriptor, select.POLLIN | select.POLLHUP)
        self._ended = False

    def poll(self, timeout_s: float) -> list[Item] | None:
        """Return the lines that have arrived; None at the end of the input."""
        if self._ended:
            return None
        if not self._poller.poll(timeout_s * 1000):
            return []
        chunk = os.read(self._descriptor, READ_BYTES)
        if chunk:
            return self._buffer.take(chunk)
        self._ended = True
        return self._buffer.finish()


class FollowFeed(Feed):
    """JSON lines from a file that grows; waits for it, and follows it when it is replaced.

    A file that is renamed away is read to its end before the new one of the name; one that
    becomes shorter is read again from its start. What was delivered already is a duplicate.
    """

    def __init__(self, instruments: tuple[BarSpec, ...], path: Path) -> None:
        super().__init__(instruments)
        self._path = path
        self._descriptor: int | None = None
        self._buffer = LineBuffer()

    def start(self, after: After) -> None:
        """Open the file if it is there."""
        self._open()

    def poll(self, timeout_s: float) -> list[Item] | None:
        """Return the lines that were appended; never ends."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            items = self._look()
            rest_s = deadline_s - time.monotonic()
            if items or rest_s <= 0.0:
                return items
            time.sleep(min(rest_s, LOOK_S))

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def _look(self) -> list[Item]:
        if self._descriptor is None and not self._open():
            return []
        assert self._descriptor is not None
        if chunk := os.read(self._descriptor, READ_BYTES):
            return self._buffer.take(chunk)
        return self._replaced(self._descriptor)

    def _replaced(self, descriptor: int) -> list[Item]:
        """Return what follows from the file being another one, or shorter, than it was."""
        held = os.fstat(descriptor)
        try:
            named = os.stat(self._path)
        except FileNotFoundError:
            return []  # renamed away, and the next one not yet made
        lines: list[Item] = []
        if (named.st_dev, named.st_ino) != (held.st_dev, held.st_ino):
            while chunk := os.read(descriptor, READ_BYTES):  # written since it was looked at
                lines += self._buffer.take(chunk)
            self.close()
            text = f"{self._path}: replaced by another file"
        elif held.st_size < os.lseek(descriptor, 0, os.SEEK_CUR):
            os.lseek(descriptor, 0, os.SEEK_SET)
            text = f"{self._path}: cut off, and read again from its start"
        else:
            return []
        return [*lines, *self._buffer.finish(), Link(up=False, text=text)]

    def _open(self) -> bool:
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise DataFileError(f"{self._path}: cannot be followed: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            self.close()
            raise DataFileError(f"{self._path}: expected a regular file to follow; use stdin")
        return True
