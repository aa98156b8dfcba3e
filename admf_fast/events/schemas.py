"""The Arrow schemas of the event log, one per table; `ts` is the close of the bar."""

import pyarrow as pa

from admf_fast.events.types import STATUS_NAMES as STATUS_NAMES

TS = pa.timestamp("ns", tz="UTC")
STATUS = pa.dictionary(pa.int8(), pa.string())


def _schema(*columns: tuple[str, pa.DataType]) -> pa.Schema:
    """Return a schema whose columns never hold a null."""
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns])


SCHEMAS: dict[str, pa.Schema] = {
    "signals": _schema(("ts", TS), ("sequence", pa.int64()), ("signal", pa.float64())),
    "orders": _schema(
        ("ts", TS),
        ("sequence", pa.int64()),
        ("order_id", pa.int64()),
        ("status", STATUS),
        ("lots", pa.int64()),
    ),
    "fills": _schema(
        ("ts", TS),
        ("sequence", pa.int64()),
        ("order_id", pa.int64()),
        ("lots", pa.int64()),
        ("price", pa.float64()),
        ("fee", pa.float64()),
    ),
    "trades": _schema(
        ("ts", TS),
        ("sequence", pa.int64()),
        ("entry_ts", TS),
        ("lots", pa.int64()),
        ("entry_price", pa.float64()),
        ("exit_price", pa.float64()),
        ("pnl", pa.float64()),
        ("fees", pa.float64()),
    ),
    # One row per bar: the BAR event's sequence, then what held after it.
    "equity": _schema(
        ("ts", TS),
        ("sequence", pa.int64()),
        ("signal", pa.float64()),
        ("lots", pa.int64()),
        ("cash", pa.float64()),
        ("equity", pa.float64()),
        ("checksum", pa.int64()),
    ),
}
TABLES = tuple(SCHEMAS)
