"""Typed events, the same in every mode: BAR in; SIGNAL, ORDER, FILL, TRADE, ADJUSTMENT out."""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from admf_fast.events.schemas import NAMES
from admf_kernels.execution.log import TABLES as LOG_TABLES


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
    """An order was accepted, replaced, denied, rejected, canceled, or expired.

    `order_id` is the sequence of the event that made it; `lots` is signed, what was left to
    fill. `role` says why there is such an order, `reason` why it was not taken or ended.
    Prices are 0 where the order has none.
    """

    type: ClassVar[str] = "ORDER"

    order_id: int
    status: str
    kind: str
    time_in_force: str
    role: str
    lots: int
    limit: float
    stop: float
    reason: str


class FillEvent(Event, frozen=True, kw_only=True):
    """Signed `lots` of an order were filled at `price`, for `fee` in account currency.

    `status` is the order's after it: filled or partially_filled.
    """

    type: ClassVar[str] = "FILL"

    order_id: int
    status: str
    role: str
    lots: int
    price: float
    fee: float
    liquidity: str


class TradeEvent(Event, frozen=True, kw_only=True):
    """A round trip closed; `sequence` is that of the fill that closed it.

    `reason` is the role of the order that closed it. `mae` and `mfe` are the worst and the
    best move against the entry price while it was open, as fractions of it.
    """

    type: ClassVar[str] = "TRADE"

    entry_ts_ns: int
    lots: int
    entry_price: float
    exit_price: float
    pnl: float
    fees: float
    reason: str
    bars: int
    mae: float
    mfe: float

    @property
    def id(self) -> str:
        """The id of the fill that closed it, and ``-trade``."""
        return f"{self.source}-{self.ts_ns}-{self.sequence}-trade"


class AdjustmentEvent(Event, frozen=True, kw_only=True):
    """A split or dividend changed a position: `lots` held after it, cash `amount` it brought."""

    type: ClassVar[str] = "ADJUSTMENT"

    split: float
    dividend: float
    lots: int
    amount: float


BY_TABLE: dict[str, type[Event]] = {
    "signals": SignalEvent,
    "orders": OrderEvent,
    "fills": FillEvent,
    "trades": TradeEvent,
    "adjustments": AdjustmentEvent,
}


def make_event(
    table: str, source: str, symbols: Sequence[str], ts_ns: int, values: Sequence[Any]
) -> Event:
    """Return the typed event of a row of an event table, without its bar's row or time.

    `symbols` are those of the run's instruments, in order.
    """
    fields = {}
    for (name, _), value in zip(LOG_TABLES[table][1:], values, strict=True):
        if name == "instrument":
            fields["symbol"] = symbols[value]
        elif (table, name) in NAMES:
            fields[name] = NAMES[table, name][value]
        else:
            fields[name] = value
    return BY_TABLE[table](source=source, ts_ns=ts_ns, **fields)
