"""What the log of a bar implies: which event caused which, positions, and what limits did.

Kernels log neither; both follow from the rows of one bar alone, so that they are the same in
every mode, after every restart, and cost a run without listeners nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from admf_fast.events.types import Event, FillEvent, PositionEvent, RiskEvent, make_event
from admf_kernels.execution import reasons
from admf_kernels.execution.log import ROWS

PROTECTIVE = (reasons.STOP_LOSS, reasons.TAKE_PROFIT, reasons.TRAILING, reasons.BREAK_EVEN)
BY_SIGNAL = (reasons.SIGNAL, reasons.REVERSAL)
BY_LIMIT = (reasons.DAILY_LOSS, reasons.DRAWDOWN, reasons.LIQUIDATION, reasons.BANKRUPT)

Row = tuple[str, tuple[Any, ...]]  # table, values of its columns


class At(NamedTuple):
    """The bar of an instrument that events happened on, in the words of the container."""

    source: str
    symbol: str
    ts_ns: int
    sequence: int  # of its BAR event
    lots: int  # held after it


class Seen(NamedTuple):
    """The last SIGNAL and FILL of a bar so far, by sequence; 0 for none."""

    signal: int = 0
    fill: int = 0


def events_of(rows: Sequence[Row], bars: Mapping[int, At]) -> list[Event]:
    """Return the typed events of the rows that one moment led to, in order of their sequence.

    `bars` are the bars that closed then, by number of the instrument: 0 where there is one. After
    its FILL come a TRADE and a POSITION, after its ORDER comes a RISK; each has the sequence of
    what it follows from.
    """
    made: list[Event] = []
    seen: dict[int, Seen] = {}
    held = _held(rows, bars)
    for k, (table, values) in enumerate(rows):
        row: Any = ROWS[table](*values)
        at, before = bars[row.instrument], seen.get(row.instrument, Seen())
        cause = cause_of(table, row, at.sequence, before)
        own = (*values[1:2], 0, *values[3:])  # of the only symbol given
        made.append(make_event(table, at.source, (at.symbol,), at.ts_ns, own, cause))
        seen[row.instrument] = _after(table, row, before)
        if table == "orders" and (risk := _risk(row, at)):
            made.append(risk)
        closes = k + 1 < len(rows) and rows[k + 1][0] == "trades"
        if table in ("fills", "adjustments", "trades") and not (table == "fills" and closes):
            made.append(_position(made, row, at, held[k]))
    return made


def cause_of(table: str, row: Any, bar: int, seen: Seen) -> int:
    """Return the sequence of the event that caused a row.

    A fill comes from its order; a trade from its fill; the signal's orders from the signal, on
    the bar that followed an unchanged one again from the bar; what protects a position from the
    fill that opened it; an exit that is left over from the fill that closed it; the rest (exits
    by time and limits, a strategy's own orders, what expires) from the bar.
    """
    if table == "fills":
        return int(row.order_id)
    if table == "trades":
        return int(row.sequence)
    if table != "orders":
        return bar
    made = row.sequence == row.order_id
    if row.reason == reasons.OTHER_LEG or (made and row.role in PROTECTIVE):
        return seen.fill or bar
    if row.reason == reasons.BY_STRATEGY or (made and row.role in BY_SIGNAL):
        return seen.signal or bar
    return bar


def _after(table: str, row: Any, seen: Seen) -> Seen:
    if table == "signals":
        return seen._replace(signal=row.sequence)
    return seen._replace(fill=row.sequence) if table == "fills" else seen


def _held(rows: Sequence[Row], bars: Mapping[int, At]) -> list[int]:
    """Return the lots of its instrument held after each row, back from those after the bar."""
    lots = {number: at.lots for number, at in bars.items()}
    held = []
    for table, values in reversed(rows):
        row: Any = ROWS[table](*values)
        held.append(lots[row.instrument])
        if table == "fills":
            lots[row.instrument] -= row.lots
    return held[::-1]


def _position(made: list[Event], row: Any, at: At, lots: int) -> PositionEvent:
    fill = next((e for e in reversed(made[-2:]) if isinstance(e, FillEvent)), None)
    return PositionEvent(
        source=at.source,
        symbol=at.symbol,
        ts_ns=at.ts_ns,
        sequence=row.sequence,
        cause=row.sequence,
        lots=lots,
        price=fill.price if fill and fill.sequence == row.sequence else 0.0,
    )


def _risk(row: Any, at: At) -> RiskEvent | None:
    denied = row.status == reasons.DENIED
    if not denied and not (row.sequence == row.order_id and row.role in BY_LIMIT):
        return None
    return RiskEvent(
        source=at.source,
        symbol=at.symbol,
        ts_ns=at.ts_ns,
        sequence=row.sequence,
        cause=row.sequence,
        action="denied" if denied else "flatten",
        rule=reasons.REASONS[row.reason] if denied else reasons.ROLES[row.role],
        order_id=row.order_id,
        lots=row.lots,
    )
