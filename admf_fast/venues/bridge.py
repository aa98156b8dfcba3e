"""A venue behind a socket: a broker's adapter in any language speaks JSON lines to it."""

import contextlib
import socket
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
from admf_fast.venues.protocol import DownError, OrderView, RefusedError, UnsureError

CHUNK_BYTES = 65_536
ERRORS: dict[str, type[VenueError]] = {
    "refused": RefusedError, "unsure": UnsureError, "down": DownError,
}  # fmt: skip


class BridgeVenue:
    """Implements `protocol.Venue` over a Unix socket or loopback TCP.

    Every call waits for its answer, `timeout_s` at most; an answer that comes later is
    passed over. A broken connection is made anew by the next call. The first poll of every
    connection says which report was the last by its id, so that none is missed: not what was
    told to a process that died with it, and not by an adapter that began to count anew.

    Raises
    ------
    ConfigError
        For an address that is not of this machine.
    DownError
        Nothing was sent: there is no connection.
    UnsureError
        It may have arrived: no answer, or none that can be read.
    RefusedError
        The adapter said so.
    """

    def __init__(self, address: str, *, timeout_s: float = 2.0) -> None:
        self.address = address
        self._family, self._place = parse_address(address)
        self._timeout_s = timeout_s
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
        self._connect()
        since = self._last if self._is_new else ""
        after = 0 if self._is_new else self._after
        answer = self._call("poll", after=after, since=since, now_ns=now_ns)
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
        self._connect()
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
            self._socket.settimeout(self._timeout_s)
            self._socket.connect(self._place)
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
        assert self._socket is not None
        try:
            self._socket.sendall(encode_line(request))
            while True:
                answer = answer_decoder.decode(self._line())
                if answer.id == request.id:
                    return answer
                if answer.id > request.id:
                    raise UnsureError(f"answer {answer.id} to request {request.id}")
        except (OSError, msgspec.MsgspecError, UnsureError) as error:
            self.close()
            raise UnsureError(f"{request.op} at {self.address}: {error}") from error

    def _line(self) -> bytes:
        assert self._socket is not None
        while b"\n" not in self._read:
            if len(self._read) > LINE_BYTES_MAX:
                raise UnsureError(f"a line of more than {LINE_BYTES_MAX} bytes")
            chunk = self._socket.recv(CHUNK_BYTES)
            if not chunk:
                raise UnsureError("the connection was closed")
            self._read += chunk
        line, _, self._read = self._read.partition(b"\n")
        if len(line) > LINE_BYTES_MAX:
            raise UnsureError(f"a line of more than {LINE_BYTES_MAX} bytes")
        return line


def _view(view: View) -> OrderView:
    return OrderView(view.client_id, view.status, view.lots, view.filled, view.symbol)
