"""The event log as kernels see it: tables of rows, one appended for each event.

`ROWS` is the one place that says which columns an event has; drivers, recorders and schemas
follow it. Field `row` is the bar's row in the program's columns.
"""

from typing import Any, NamedTuple

from admf_kernels.execution.records import Plain
from admf_kernels.layout import fields_of


class SignalRow(NamedTuple):
    """The wanted exposure changed."""

    row: int = 0
    sequence: int = 0
    instrument: int = 0
    signal: float = 0.0


class OrderRow(NamedTuple):
    """An order was made, changed, or ended without being filled."""

    row: int = 0
    sequence: int = 0
    instrument: int = 0
    order_id: int = 0
    status: int = 0
    kind: int = 0
    time_in_force: int = 0
    role: int = 0
    lots: int = 0
    limit: float = 0.0
    stop: float = 0.0
    reason: int = 0


class FillRow(NamedTuple):
    """An order was filled, in part or whole."""

    row: int = 0
    sequence: int = 0
    instrument: int = 0
    order_id: int = 0
    status: int = 0
    role: int = 0
    lots: int = 0
    price: float = 0.0
    fee: float = 0.0
    liquidity: int = 0


class TradeRow(NamedTuple):
    """A round trip closed; its sequence is that of the fill that closed it."""

    row: int = 0
    sequence: int = 0
    instrument: int = 0
    entry_ts_ns: int = 0
    lots: int = 0
    entry_price: float = 0.0
    exit_price: float = 0.0
    pnl: float = 0.0
    fees: float = 0.0
    reason: int = 0
    bars: int = 0
    mae: float = 0.0
    mfe: float = 0.0


class AdjustmentRow(NamedTuple):
    """A corporate action changed a position: ratio, cash a unit, lots after it, cash it brought."""

    row: int = 0
    sequence: int = 0
    instrument: int = 0
    split: float = 0.0
    dividend: float = 0.0
    lots: int = 0
    amount: float = 0.0


class Log(NamedTuple):
    """Where the events of the current bar go: addresses of the tables, and their row counts.

    An address of 0 stands for a table that nobody reads: its rows are not made.
    """

    row: int = 0
    instrument: int = 0
    signals: int = 0
    orders: int = 0
    fills: int = 0
    trades: int = 0
    adjustments: int = 0
    signal_count: int = 0
    order_count: int = 0
    fill_count: int = 0
    trade_count: int = 0
    adjustment_count: int = 0


ROWS: dict[str, type] = {
    "signals": SignalRow,
    "orders": OrderRow,
    "fills": FillRow,
    "trades": TradeRow,
    "adjustments": AdjustmentRow,
}
COUNTS_AT = Log._fields.index("signal_count")
# Column name, and i for int64 or f for float64.
TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    name: tuple((f.name, "f" if f.kind == "float" else "i") for f in fields_of(cls))
    for name, cls in ROWS.items()
}


class PlainLog:
    """The log of one bar in plain Python: a list of records for each table."""

    def __init__(self, row: int = 0, instrument: int = 0) -> None:
        self.row = row
        self.instrument = instrument
        # In place of addresses: every table is read.
        self.signals = self.orders = self.fills = self.trades = self.adjustments = 1
        self.tables: dict[str, list[Plain]] = {name: [] for name in ROWS}

    def add(self, table: str) -> Plain:
        """Append an empty row and return it."""
        self.tables[table].append(Plain(ROWS[table]))
        return self.tables[table][-1]


# Each of these has a compiled form that returns the next row of the table's memory.
def signal_row(log: Any) -> Any:
    """Append a row to the SIGNAL events and return it."""
    return log.add("signals")


def order_row(log: Any) -> Any:
    """Append a row to the ORDER events and return it."""
    return log.add("orders")


def fill_row(log: Any) -> Any:
    """Append a row to the FILL events and return it."""
    return log.add("fills")


def trade_row(log: Any) -> Any:
    """Append a row to the TRADE events and return it."""
    return log.add("trades")


def adjustment_row(log: Any) -> Any:
    """Append a row to the corporate actions and return it."""
    return log.add("adjustments")
