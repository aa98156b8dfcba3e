"""The market of a soak: a server that sends bars to whoever listens, from where he left off."""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from admf_kernels.testing import random_bars

OVERLAP = 3  # bars before the first new one, that are sent again

Line = tuple[int, bytes]


class Server:
    """Sends bars to whoever connects, after the one that he has; paced, as a market is.

    Attributes
    ----------
    pace_s : float
        Between two bars; may be changed at any time.
    before : function, optional
        Called with the number of each bar before it is first sent.
    """

    def __init__(
        self, path: Path, lines: list[Line], pace_s: float,
        before: Callable[[int], None] | None = None,
    ) -> None:  # fmt: skip
        self.path = path
        self.pace_s = pace_s
        self._lines = lines
        self._before = before
        self._seen = 0  # bars that `before` was called with
        self._changed = threading.Condition()
        self._connections = self._new = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def connections(self) -> int:
        """How often somebody has connected."""
        return self._connections

    def wait_for(self, connection: int, bars: int, timeout_s: float) -> bool:
        """Wait until so many new bars were sent over a connection; False if it takes too long."""

        def is_there() -> bool:
            return self._connections >= connection and self._new >= bars

        with self._changed:
            return self._changed.wait_for(is_there, timeout_s)

    def _serve(self) -> None:
        while True:
            client, _ = self._socket.accept()
            with suppress(OSError, ValueError), client:
                self._send(client)

    def _send(self, client: socket.socket) -> None:
        asked = json.loads(client.makefile("rb").readline())
        after = asked["after"].get("X", -1)
        first = next((k for k, (ts, _) in enumerate(self._lines) if ts > after), len(self._lines))
        with self._changed:
            self._connections, self._new = self._connections + 1, 0
        for number in range(max(first - OVERLAP, 0), len(self._lines)):
            if self._before is not None and number >= self._seen:
                self._before(number)
                self._seen = number + 1
            client.sendall(self._lines[number][1])
            if number >= first:
                with self._changed:
                    self._new += 1
                    self._changed.notify_all()
            if self.pace_s:
                time.sleep(self.pace_s)
        while client.recv(4096):  # until it goes
            pass


def lines_of(bars: int) -> list[Line]:
    """Return the bars as lines, each with the time it closes."""
    rows = zip(*(values.tolist() for values in random_bars(bars, 5)), strict=True)
    names = ("ts", "open", "high", "low", "close", "volume")
    return [
        (row[0], json.dumps(dict(zip(names, row, strict=True))).encode() + b"\n") for row in rows
    ]
