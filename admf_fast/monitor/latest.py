"""A file that always holds the latest state, written by a thread of its own."""

import queue
import threading
from contextlib import suppress
from pathlib import Path

from admf_fast.atomic import atomic_file
from admf_fast.errors import StateError


class LatestWriter:
    """Replaces a file by the latest content it was given; `write` returns at once.

    Content that was not begun before newer came is left out. `failed` counts what the disk did
    not take; the file then holds what it held.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: queue.Queue[bytes | None] = queue.Queue(2)
        self.failed = 0
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)
        self._thread.start()

    def write(self, content: bytes) -> None:
        """Take the latest content."""
        while True:
            with suppress(queue.Full):
                self._waiting.put_nowait(content)
                return
            with suppress(queue.Empty):
                self._waiting.get_nowait()

    def close(self, timeout_s: float = 2.0) -> bool:
        """Write what waits, for at most `timeout_s`; returns whether it was written."""
        with suppress(queue.Full):
            self._waiting.put(None, timeout=timeout_s / 2.0)
        self._thread.join(timeout_s / 2.0)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (content := self._waiting.get()) is not None:
            try:
                with atomic_file(self._path) as temporary:
                    temporary.write_bytes(content)
            except (OSError, StateError):
                self.failed += 1
