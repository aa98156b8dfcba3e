"""The events of a run: typed objects at the edge, Arrow columns in bulk, and the bus."""

from admf_fast.events.bus import EventBus
from admf_fast.events.derive import At, events_of
from admf_fast.events.schemas import SCHEMAS, TABLES
from admf_fast.events.types import (
    AdjustmentEvent,
    BarEvent,
    BarsEvent,
    Event,
    FillEvent,
    OrderEvent,
    PositionEvent,
    RiskEvent,
    SignalEvent,
    SystemEvent,
    TradeEvent,
    make_event,
)

__all__ = [
    "SCHEMAS",
    "TABLES",
    "AdjustmentEvent",
    "At",
    "BarEvent",
    "BarsEvent",
    "Event",
    "EventBus",
    "FillEvent",
    "OrderEvent",
    "PositionEvent",
    "RiskEvent",
    "SignalEvent",
    "SystemEvent",
    "TradeEvent",
    "events_of",
    "make_event",
]
