"""Typed events, the same in every mode: BAR in; SIGNAL, ORDER, FILL and TRADE out."""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

STATUS_NAMES = ("accepted", "canceled")


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What all events have.

    Attributes
    ----------
    source : str
        The container (or feed) it comes from.
    symbol : str
    ts_ns : int
        UTC nanoseconds; the close of the bar it happened on.
    sequence : int
        Its number in the container's log, from 1, without gaps.
    """

    type: ClassVar[str] = "EVENT"

    source: str
    symbol: str
    ts_ns: int
    sequence: int

    @property
    def id(self) -> str:
        """Deterministic id: container, time and sequence; never random, never a wall clock.

        Unique among the events of a container: a TRADE, which has the sequence of the fill
        that closed it, ends in ``-trade``.
        """
        return f"{self.source}-{self.ts_ns}-{self.sequence}"

    def to_json(self) -> dict[str, Any]:
        """Return the event as plain data, its type first."""
        return {"type": self.type, "id": self.id, **msgspec.structs.asdict(self)}


class BarEvent(Event, frozen=True, kw_only=True):
    """A closed bar. `sequence` is 0 until a container has taken it."""

    type: ClassVar[str] = "BAR"

    open: float
    high: float
    low: float
    close: float
    volume: float


class BarsEvent(Event, frozen=True, kw_only=True):
    """Consecutive closed bars at once, column by column; `ts_ns` is the last one's close."""

    type: ClassVar[str] = "BAR"

    block: Any


class SignalEvent(Event, frozen=True, kw_only=True):
    """The wanted exposure in [-1, 1] changed."""

    type: ClassVar[str] = "SIGNAL"

    signal: float


class OrderEvent(Event, frozen=True, kw_only=True):
    """A market order was accepted, or what was left of it canceled.

    `order_id` is the sequence of the event that accepted it; `lots` is signed.
    """

    type: ClassVar[str] = "ORDER"

    order_id: int
    status: str
    lots: int


class FillEvent(Event, frozen=True, kw_only=True):
    """Signed `lots` of an order were filled at `price`, for `fee` in account currency."""

    type: ClassVar[str] = "FILL"

    order_id: int
    lots: int
    price: float
    fee: float


class TradeEvent(Event, frozen=True, kw_only=True):
    """A round trip closed; `sequence` is that of the fill that closed it."""

    type: ClassVar[str] = "TRADE"

    entry_ts_ns: int
    lots: int
    entry_price: float
    exit_price: float
    pnl: float
    fees: float

    @property
    def id(self) -> str:
        """The id of the fill that closed it, and ``-trade``."""
        return f"{self.source}-{self.ts_ns}-{self.sequence}-trade"


BY_TABLE: dict[str, tuple[type[Event], tuple[str, ...]]] = {
    "signals": (SignalEvent, ("sequence", "signal")),
    "orders": (OrderEvent, ("sequence", "order_id", "status", "lots")),
    "fills": (FillEvent, ("sequence", "order_id", "lots", "price", "fee")),
    "trades": (
        TradeEvent,
        ("sequence", "entry_ts_ns", "lots", "entry_price", "exit_price", "pnl", "fees"),
    ),
}


def make_event(table: str, source: str, symbol: str, ts_ns: int, values: Sequence[Any]) -> Event:
    """Return the typed event of a row of an event table, without its bar's row or time."""
    event_type, names = BY_TABLE[table]
    fields = dict(zip(names, values, strict=True))
    if "status" in fields:
        fields["status"] = STATUS_NAMES[fields["status"]]
    return event_type(source=source, symbol=symbol, ts_ns=ts_ns, **fields)
