"""A feed of JSON lines from a server on this machine, which is connected to again when lost.

After each connection the client sends one line that says what it wants and what it has; the
times are those of closes in UTC nanoseconds:

``{"type": "subscribe", "symbols": ["SAP"], "after": {"SAP": 1704205860000000000}}``

The server delivers what comes after, and a little before as an overlap. A hole is asked for:

``{"type": "ask", "symbol": "SAP", "after": 1704205860000000000, "before": 1704206040000000000}``
"""

import errno
import json
import select
import socket
import time

from admf_fast.data.spec import BarSpec
from admf_fast.feeds.feed import READ_BYTES, After, Feed, LineBuffer
from admf_fast.feeds.rulings import Item, Link

BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
UNSENT_BYTES_MAX = 65_536
Address = str | tuple[str, int]


class SocketFeed(Feed):
    """Lines of a server at a path (Unix socket) or at a loopback address and port."""

    def __init__(self, instruments: tuple[BarSpec, ...], address: Address) -> None:
        super().__init__(instruments)
        self._address = address
        self._shown = address if isinstance(address, str) else f"{address[0]}:{address[1]}"
        self._after: After = dict
        self._socket: socket.socket | None = None
        self._up = False
        self._unsent = b""
        self._buffer = LineBuffer()
        self._failures = 0
        self._next_try_s = 0.0

    def start(self, after: After) -> None:
        """Begin to connect; a server that is not there yet is waited for."""
        self._after = after
        self._connect()

    def poll(self, timeout_s: float) -> list[Item] | None:
        """Return the lines that have arrived, and whether the connection was made or lost."""
        if self._socket is None:
            rest_s = self._next_try_s - time.monotonic()
            if rest_s > 0.0:
                time.sleep(min(rest_s, timeout_s))
            if rest_s > timeout_s:
                return []
            self._connect()
        return self._wait(timeout_s) if self._socket else []

    def ask(self, symbol: str, after_ns: int, before_ns: int) -> None:
        """Ask the server for the bars between two closes."""
        if self._up:
            self._send({"type": "ask", "symbol": symbol, "after": after_ns, "before": before_ns})

    def renew(self) -> None:
        """Close the connection; the next poll makes another."""
        self._drop()
        self._next_try_s = 0.0

    def close(self) -> None:
        """Close the connection."""
        self._drop()

    def _connect(self) -> None:
        family = socket.AF_UNIX if isinstance(self._address, str) else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setblocking(False)
        self._socket = made
        found = made.connect_ex(self._address)
        # A Unix socket whose server is busy says EAGAIN, and has to be tried again later.
        if found not in (0, errno.EINPROGRESS):
            self._drop()

    def _wait(self, timeout_s: float) -> list[Item]:
        assert self._socket is not None
        poller = select.poll()
        writing = select.POLLOUT if self._unsent or not self._up else 0
        poller.register(self._socket, select.POLLIN | writing)
        happened = poller.poll(timeout_s * 1000)
        if not happened:
            return []
        if not self._up:
            return self._connected(self._socket)
        if happened[0][1] & select.POLLOUT:
            self._flush()
        if happened[0][1] & (select.POLLIN | select.POLLHUP | select.POLLERR):
            return self._read(self._socket)
        return []

    def _connected(self, made: socket.socket) -> list[Item]:
        if made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._drop()
            return []
        self._up = True
        symbols = [spec.symbol for spec in self.instruments]
        self._send({"type": "subscribe", "symbols": symbols, "after": dict(self._after())})
        return [Link(up=True, text=f"{self._shown}: connected")]

    def _read(self, made: socket.socket) -> list[Item]:
        try:
            chunk = made.recv(READ_BYTES)
        except BlockingIOError:
            return []
        except OSError as error:
            return self._lost(error.strerror or "failed")
        if not chunk:
            return self._lost("closed by the server")
        self._failures = 0
        return self._buffer.take(chunk)

    def _lost(self, why: str) -> list[Item]:
        # What is left of a line was cut off; the server sends it again, as a whole.
        self._drop()
        return [Link(up=False, text=f"{self._shown}: connection lost: {why}")]

    def _send(self, message: dict[str, object]) -> None:
        line = json.dumps(message).encode() + b"\n"
        if len(self._unsent) + len(line) <= UNSENT_BYTES_MAX:
            self._unsent += line
        self._flush()

    def _flush(self) -> None:
        assert self._socket is not None
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            pass  # reading says the same, and what follows from it

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._up = None, False
        self._unsent, self._buffer = b"", LineBuffer()
        wait_s = BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1
        self._next_try_s = time.monotonic() + wait_s
