"""Typed events as rows of Arrow tables: one schema a type, made from the fields of its class."""

from collections.abc import Iterable
from typing import Any, get_type_hints

import msgspec
import pyarrow as pa

from admf_fast.events.types import (
    AdjustmentEvent,
    BarEvent,
    Event,
    FillEvent,
    OrderEvent,
    PositionEvent,
    RiskEvent,
    SignalEvent,
    SystemEvent,
    TradeEvent,
)

CLASSES: dict[str, type[Event]] = {
    cls.type: cls
    for cls in (
        BarEvent, SignalEvent, OrderEvent, FillEvent, TradeEvent, PositionEvent, RiskEvent,
        AdjustmentEvent, SystemEvent,
    )
}  # fmt: skip
TS = pa.timestamp("ns", tz="UTC")
ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def _schema(cls: type[Event]) -> pa.Schema:
    hints = get_type_hints(cls)
    names = [field.name for field in msgspec.structs.fields(cls)]
    kinds = [TS if name.endswith("ts_ns") else ARROW[hints[name]] for name in names]
    shown = [name.removesuffix("_ns") if kind == TS else name
             for name, kind in zip(names, kinds, strict=True)]  # fmt: skip
    fields = [pa.field(n, kind, nullable=False) for n, kind in zip(shown, kinds, strict=True)]
    return pa.schema([pa.field("id", pa.string(), nullable=False), *fields])


# By the type of the event: its id, then its fields.
RECORDED: dict[str, pa.Schema] = {name: _schema(cls) for name, cls in CLASSES.items()}


def to_table(kind: str, events: Iterable[Event]) -> pa.Table:
    """Return the events of one type as a table of ``RECORDED[kind]``."""
    chosen = [event for event in events if event.type == kind]
    names = [field.name for field in msgspec.structs.fields(CLASSES[kind])]
    columns: list[list[Any]] = [[event.id for event in chosen]]
    columns += [[getattr(event, name) for event in chosen] for name in names]
    schema = RECORDED[kind]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
