"""The events of a run: typed objects at the edge, Arrow columns in bulk, and the bus."""

from admf_fast.events.bus import EventBus
from admf_fast.events.schemas import SCHEMAS, TABLES
from admf_fast.events.types import (
    AdjustmentEvent,
    BarEvent,
    BarsEvent,
    Event,
    FillEvent,
    OrderEvent,
    SignalEvent,
    TradeEvent,
    make_event,
)

__all__ = [
    "SCHEMAS",
    "TABLES",
    "AdjustmentEvent",
    "BarEvent",
    "BarsEvent",
    "Event",
    "EventBus",
    "FillEvent",
    "OrderEvent",
    "SignalEvent",
    "TradeEvent",
    "make_event",
]
