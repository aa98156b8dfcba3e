"""The Arrow schemas of the event log, one per table; `ts` is the close of the bar.

They follow the tables of the kernels, column by column; numbers that stand for names become
dictionaries of these names.
"""

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa

from admf_kernels.execution import reasons
from admf_kernels.execution.log import TABLES as LOG_TABLES

TS = pa.timestamp("ns", tz="UTC")
NAMED = pa.dictionary(pa.int8(), pa.string())
SYMBOL = pa.dictionary(pa.int16(), pa.string())

# What the numbers of a column stand for; the reason of a trade is the role that closed it.
NAMES: dict[tuple[str, str], tuple[str, ...]] = {
    ("orders", "status"): reasons.STATUSES,
    ("orders", "kind"): reasons.KINDS,
    ("orders", "time_in_force"): reasons.TIMES_IN_FORCE,
    ("orders", "role"): reasons.ROLES,
    ("orders", "reason"): reasons.REASONS,
    ("fills", "status"): reasons.STATUSES,
    ("fills", "role"): reasons.ROLES,
    ("fills", "liquidity"): reasons.LIQUIDITIES,
    ("trades", "reason"): reasons.ROLES,
}
RENAMED = {"row": "ts", "instrument": "symbol", "entry_ts_ns": "entry_ts"}


def _kind(table: str, column: str, side: str) -> pa.DataType:
    if column in ("row", "entry_ts_ns"):
        return TS
    if column == "instrument":
        return SYMBOL
    if (table, column) in NAMES:
        return NAMED
    return pa.float64() if side == "f" else pa.int64()


def _schema(*columns: tuple[str, pa.DataType]) -> pa.Schema:
    """Return a schema whose columns never hold a null."""
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns])


# All are shared by everything that runs in a process, so none can be changed.
EVENT_SCHEMAS: Mapping[str, pa.Schema] = MappingProxyType(
    {
        table: _schema(*((RENAMED.get(n, n), _kind(table, n, side)) for n, side in columns))
        for table, columns in LOG_TABLES.items()
    }
)
SCHEMAS: Mapping[str, pa.Schema] = MappingProxyType(
    {
        **EVENT_SCHEMAS,
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
)
# A run of several instruments: one row of equity per moment, one of positions per bar.
PANEL_SCHEMAS: Mapping[str, pa.Schema] = MappingProxyType(
    {
        **EVENT_SCHEMAS,
        "positions": _schema(
            ("ts", TS),
            ("sequence", pa.int64()),
            ("symbol", SYMBOL),
            ("signal", pa.float64()),
            ("lots", pa.int64()),
        ),
        "equity": _schema(
            ("ts", TS),
            ("sequence", pa.int64()),
            ("cash", pa.float64()),
            ("equity", pa.float64()),
            ("checksum", pa.int64()),
        ),
    }
)
TABLES = tuple(SCHEMAS)
