"""Typed events, the same in every mode.

BAR in; SIGNAL, ORDER, FILL, TRADE, POSITION, RISK and ADJUSTMENT out; SYSTEM beside them.
"""

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
        Its number in the container's log, from 1, without gaps. Where `numbered` is False it
        follows from another event and has the number of that one.
    cause : int
        Sequence of the event that caused it; 0 where that is none of this log.
    """

    type: ClassVar[str] = "EVENT"
    numbered: ClassVar[bool] = True

    source: str
    symbol: str
    ts_ns: int
    sequence: int
    cause: int = 0

    @property
    def id(self) -> str:
        """Deterministic id: container, time and sequence; never random, never a wall clock.

        Unique among the events of a container: one without a number of its own ends in its
        type, such as ``-trade``.
        """
        made = f"{self.source}-{self.ts_ns}-{self.sequence}"
        return made if self.numbered else f"{made}-{self.type.lower()}"

    def to_json(self) -> dict[str, Any]:
        """Return the event as plain data, its type first."""
        return {"type": self.type, "id": self.id, **msgspec.structs.asdict(self)}


class BarEvent(Event, frozen=True, kw_only=True):
    """A bar. `sequence` is 0 until a container has taken it; only a closed one is taken."""

    type: ClassVar[str] = "BAR"

    open: float
    high: float
    low: float
    close: float
    volume: float
    closed: bool = True


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
    numbered: ClassVar[bool] = False

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


class PositionEvent(Event, frozen=True, kw_only=True):
    """The position changed: signed `lots` held after a fill at `price`, or after an action.

    `sequence` is that of the FILL or ADJUSTMENT; `price` is 0 for the latter.
    """

    type: ClassVar[str] = "POSITION"
    numbered: ClassVar[bool] = False

    lots: int
    price: float


class RiskEvent(Event, frozen=True, kw_only=True):
    """A limit spoke: it denied an order, or made one that leaves the position.

    `action` is denied or flatten, `rule` the limit or the halt; `sequence` is that of the ORDER
    event it spoke by, `lots` what that order was about.
    """

    type: ClassVar[str] = "RISK"
    numbered: ClassVar[bool] = False

    action: str
    rule: str
    order_id: int
    lots: int


class SystemEvent(Event, frozen=True, kw_only=True):
    """Something about the container itself: start, restore, stop, hold, resume, divergence.

    It takes no part in the numbering, since it depends on more than the bars: `sequence` is that
    of the last event before it, `ts_ns` that of the last bar (0 before the first), `number` counts
    the SYSTEM events of a container from 1.
    """

    type: ClassVar[str] = "SYSTEM"
    numbered: ClassVar[bool] = False

    number: int
    action: str
    reason: str = ""

    @property
    def id(self) -> str:
        """As that of other events, and its number."""
        return f"{self.source}-{self.ts_ns}-{self.sequence}-system-{self.number}"


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
    table: str,
    source: str,
    symbols: Sequence[str],
    ts_ns: int,
    values: Sequence[Any],
    cause: int = 0,
) -> Event:
    """Return the typed event of a row of an event table, without its bar's row or time.

    `symbols` are those of the run's instruments, in order.
    """
    fields: dict[str, Any] = {"cause": cause}
    for (name, _), value in zip(LOG_TABLES[table][1:], values, strict=True):
        if name == "instrument":
            fields["symbol"] = symbols[value]
        elif (table, name) in NAMES:
            fields[name] = NAMES[table, name][value]
        else:
            fields[name] = value
    return BY_TABLE[table](source=source, ts_ns=ts_ns, **fields)
