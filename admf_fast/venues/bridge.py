"""A venue behind a socket: a broker's adapter in any language speaks JSON lines to it."""

import contextlib
import errno
import os
import select
import socket
import time
from collections.abc import Callable
from typing import Any

import msgspec

from admf_fast.errors import VenueError
from admf_fast.journal.messages import Intent, Report
from admf_fast.venues.lines import (
    LINE_BYTES_MAX,
    VERSION,
    Answer,
    Request,
    View,
    answer_decoder,
    encode_line,
    parse_address,
)
from admf_fast.venues.protocol import (
    DownError,
    OrderView,
    RefusedError,
    SilentError,
    UnsureError,
)

CHUNK_BYTES = 65_536
LOOK_MS = 50  # how often a call that waits looks whether there is a hurry
HURRY_S = 0.2
ERRORS: dict[str, type[VenueError]] = {
    "refused": RefusedError, "unsure": UnsureError, "down": DownError,
}  # fmt: skip


class BridgeVenue:
    """Implements `protocol.Venue` over a Unix socket or loopback TCP.

    Every call waits for its answer, `timeout_s` at most with the connection that it may have
    to make; an answer that comes later is passed over. A broken connection is made anew by the
    next call. The first poll of every connection says which report was the last by its id, so
    that none is missed: not what was told to a process that died with it, and not by an adapter
    that began to count anew.

    Parameters
    ----------
    address : str
        ``unix:PATH`` or ``tcp:127.0.0.1:PORT``.
    timeout_s : float
        The longest that a call may take.
    hurried : function, optional
        Asked while it waits; once it is true, a call waits no longer than `HURRY_S` more.

    Raises
    ------
    ConfigError
        For an address that is not of this machine.
    DownError
        Nothing was sent: there is no connection.
    SilentError
        It may have arrived: no answer, or none that can be read.
    UnsureError, RefusedError
        The adapter said so.
    """

    def __init__(
        self, address: str, *, timeout_s: float = 2.0, hurried: Callable[[], bool] = lambda: False
    ) -> None:
        self.address = address
        self._family, self._place = parse_address(address)
        self._timeout_s = timeout_s
        self._hurried = hurried
        self._deadline_s = 0.0  # of the call under way, monotonic
        self._hurry_s = 0.0  # the same once there is a hurry; 0 for none
        self._socket: socket.socket | None = None
        self._read = b""
        self._id = 0
        self._after = 0
        self._last = ""  # id of the last report
        self._is_new = True  # whether nothing was polled yet on this connection

    def account(self) -> str:
        """Return the id of the account."""
        return self._call("hello").account

    def submit(self, intent: Intent, now_ns: int) -> None:
        """Hand a new order over."""
        self._call("submit", order=intent, now_ns=now_ns)

    def replace(self, intent: Intent, now_ns: int) -> None:
        """Change a working order."""
        self._call("replace", order=intent, now_ns=now_ns)

    def cancel(self, intent: Intent, now_ns: int) -> None:
        """End a working order."""
        self._call("cancel", order=intent, now_ns=now_ns)

    def query(self, client_id: str) -> OrderView | None:
        """Return what is known of an order."""
        found = self._call("query", client_id=client_id).order
        return _view(found) if found is not None else None

    def open_orders(self) -> list[OrderView]:
        """Return the working orders."""
        return [_view(v) for v in self._call("open_orders").orders]

    def positions(self) -> dict[str, int]:
        """Return what is held."""
        return self._call("positions").positions

    def resume(self, report_id: str) -> None:
        """Have the next poll go on after a report; see `protocol.Venue`."""
        self._last, self._after, self._is_new = report_id, 0, True

    def poll(self, now_ns: int) -> list[Report]:
        """Return the reports since the last poll."""
        self._begin()
        self._connect()  # before `since` is chosen, which depends on it
        since = self._last if self._is_new else ""
        after = 0 if self._is_new else self._after
        answer = self._answer("poll", after=after, since=since, now_ns=now_ns)
        self._after, self._is_new = answer.next, False
        if answer.reports:
            self._last = answer.reports[-1].report_id
        return answer.reports

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket, self._read, self._is_new = None, b"", True

    def _call(self, op: str, **more: Any) -> Answer:
        self._begin()
        self._connect()
        return self._answer(op, **more)

    def _begin(self) -> None:
        self._deadline_s, self._hurry_s = time.monotonic() + self._timeout_s, 0.0

    def _answer(self, op: str, **more: Any) -> Answer:
        answer = self._exchange(Request(id=self._next_id(), op=op, **more))
        if answer.error:
            kind = ERRORS.get(answer.error, UnsureError)
            raise kind(f"{op}: {answer.text or answer.error}")
        return answer

    def _next_id(self) -> int:
        self._id += 1
        return self._id

    def _connect(self) -> None:
        if self._socket is not None:
            return
        try:
            self._socket = socket.socket(self._family, socket.SOCK_STREAM)
            self._socket.setblocking(False)
            if (code := self._socket.connect_ex(self._place)) == errno.EINPROGRESS:
                self._wait(select.POLLOUT)
                code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code))
            hello = self._exchange(Request(id=self._next_id(), op="hello"))
        except (OSError, UnsureError) as error:
            self.close()
            raise DownError(f"no venue at {self.address}: {error}") from error
        if hello.version != VERSION:
            self.close()
            raise DownError(
                f"the venue at {self.address} speaks version {hello.version} of the bridge, "
                f"expected {VERSION}"
            )

    def _exchange(self, request: Request) -> Answer:
        """Send a request and wait for its answer; the connection ends with any fault."""
        try:
            self._send(encode_line(request))
            while True:
                answer = answer_decoder.decode(self._line())
                if answer.id == request.id:
                    return answer
                if answer.id > request.id:
                    raise SilentError(f"answer {answer.id} to request {request.id}")
        except (OSError, msgspec.MsgspecError, SilentError) as error:
            self.close()
            raise SilentError(f"{request.op} at {self.address}: {error}") from error

    def _send(self, line: bytes) -> None:
        assert self._socket is not None
        while line:
            self._wait(select.POLLOUT)
            line = line[self._socket.send(line) :]

    def _wait(self, event: int) -> None:
        """Wait until the socket can go on; raises TimeoutError."""
        assert self._socket is not None
        waiting = select.poll()
        waiting.register(self._socket, event)
        while not waiting.poll(LOOK_MS):
            now_s = time.monotonic()
            if not self._hurry_s and self._hurried():
                self._hurry_s = now_s + HURRY_S
            if now_s >= min(self._deadline_s, self._hurry_s or self._deadline_s):
                raise TimeoutError("timed out")

    def _line(self) -> bytes:
        assert self._socket is not None
        while b"\n" not in self._read:
            if len(self._read) > LINE_BYTES_MAX:
                raise SilentError(f"a line of more than {LINE_BYTES_MAX} bytes")
            self._wait(select.POLLIN)
            chunk = self._socket.recv(CHUNK_BYTES)
            if not chunk:
                raise SilentError("the connection was closed")
            self._read += chunk
        line, _, self._read = self._read.partition(b"\n")
        if len(line) > LINE_BYTES_MAX:
            raise SilentError(f"a line of more than {LINE_BYTES_MAX} bytes")
        return line


def _view(view: View) -> OrderView:
    return OrderView(view.client_id, view.status, view.lots, view.filled, view.symbol)
