"""The numbers of a round trip added up again, by the code that booked them."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from admf_fast.errors import DivergenceError
from admf_fast.explain.stored import Row
from admf_kernels.execution.portfolio import Trade, apply_fill, split_lots
from admf_kernels.execution.records import Plain, Position


class RoundTrip(NamedTuple):
    """Fills and corporate actions of one trade, in order, and what its values come to."""

    rows: list[tuple[str, Row]]  # table and row
    entry_value: float
    exit_value: float
    trade: Trade


def round_trips(
    fills: list[Row], adjustments: list[Row], worth_of: Callable[[Row], float]
) -> Iterator[RoundTrip]:
    """Yield the round trips of one instrument; `worth_of` a fill is one lot's value at price 1.

    A fill through zero is the last of one and the first of the next.
    """
    events = [("fills", row) for row in fills] + [("adjustments", row) for row in adjustments]
    q: Any = Plain(Position)
    rows: list[tuple[str, Row]] = []
    for table, row in sorted(events, key=lambda e: e[1]["sequence"]):
        rows.append((table, row))
        if table == "adjustments":
            split_lots(q, row["lots"] * 1.0)
            rows = rows if q.lots != 0.0 else []
            continue
        worth = worth_of(row)
        lots, entered, left, held = row["lots"] * 1.0, q.entry_value, q.exit_value, abs(q.lots)
        trade = apply_fill(q, row["ts"], worth, lots, row["price"], row["fee"])
        if trade.lots != 0.0:
            yield RoundTrip(rows, entered, left + held * worth * row["price"], trade)
            rows = [(table, row)] if q.lots != 0.0 else []


def require_sum(number: int, stored: Row, made: RoundTrip) -> None:
    """Raise DivergenceError unless the fills come to the stored trade, bit for bit."""
    again = made.trade
    pairs = {
        "entry_ts": (stored["entry_ts"], again.entry_ts_ns),
        "lots": (stored["lots"], int(again.lots)),
        "entry_price": (stored["entry_price"], again.entry_price),
        "exit_price": (stored["exit_price"], again.exit_price),
        "fees": (stored["fees"], again.fees),
        "pnl": (stored["pnl"], again.pnl),
    }
    for name, (expected, found) in pairs.items():
        if repr(expected) != repr(found):
            raise DivergenceError(
                f"trade {number}: its fills add up to {name} {found!r}; stored is {expected!r}"
            )
