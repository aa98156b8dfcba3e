"""The words of the bridge: JSON lines, a request and its answer, see docs/venues.md."""

import ipaddress
import socket
from typing import Any

import msgspec

from admf_fast.errors import ConfigError
from admf_fast.journal.messages import Intent, Report

LINE_BYTES_MAX = 1 << 20
VERSION = 1


class Request(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A question to the adapter."""

    id: int
    op: str  # hello, submit, replace, cancel, query, open_orders, positions, poll
    order: Intent | None = None
    client_id: str = ""
    after: int = 0  # poll: how many reports are known already
    since: str = ""  # poll: the id of the last report that is known, in place of `after`
    now_ns: int = 0


class View(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An order, as `protocol.OrderView`."""

    client_id: str
    status: str
    lots: int = 0
    filled: int = 0
    symbol: str = ""


class Answer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the adapter says; of the fields after `text` one, by the request."""

    id: int
    error: str = ""  # refused, unsure or down
    text: str = ""
    account: str = ""
    version: int = 0
    order: View | None = None
    orders: list[View] = []
    positions: dict[str, int] = {}
    reports: list[Report] = []
    next: int = 0  # poll: the `after` of the next one


request_decoder = msgspec.json.Decoder(Request)
answer_decoder = msgspec.json.Decoder(Answer)


def encode_line(message: Request | Answer) -> bytes:
    """Return a message as one line."""
    return msgspec.json.encode(message) + b"\n"


def parse_address(address: str) -> tuple[socket.AddressFamily, Any]:
    """Return family and address of ``unix:PATH`` or ``tcp:HOST:PORT``.

    Raises ConfigError for anything else, and for a host that is not this machine.
    """
    kind, _, rest = address.partition(":")
    if kind == "unix" and rest:
        return socket.AF_UNIX, rest
    host, _, port = rest.rpartition(":")
    if kind == "tcp" and port.isdecimal() and 0 < int(port) < 65_536 and _is_loopback(host):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return family, (host.strip("[]"), int(port))
    raise ConfigError(
        f"venue address: expected unix:PATH or tcp:127.0.0.1:PORT, which stays on this machine; "
        f"found {address!r}"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
