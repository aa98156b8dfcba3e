"""Splits and dividends: what they do to a position and its orders, on the day they count.

Prices are raw; nothing decided before is changed. A split multiplies the lots and divides
the prices of working orders; what is left over of a lot is paid in cash. A dividend is paid
to who held before the open, and by who was short. It leaves the prices of working orders as
they are.
"""

import math
from typing import Any

from admf_kernels.execution.log import adjustment_row
from admf_kernels.execution.orders import order_at, places
from admf_kernels.execution.records import Desk
from admf_kernels.execution.terms import Terms


def adjust(t: Terms, d: Desk, bar: Any) -> None:
    """Apply the split and the dividend that are effective before this bar's open."""
    if bar.split == 1.0 and bar.dividend == 0.0:
        return
    q, ratio = d.q, bar.split
    # Dividends are per old unit; the split follows.
    amount = q.lots * bar.worth * bar.dividend
    exact = q.lots * ratio
    whole = _whole(exact)
    amount += (exact - whole) * bar.worth * bar.open
    if q.lots != 0.0:
        kept = whole / q.lots
        q.entry_lots *= kept
        q.exit_lots *= kept
    held = q.lots
    q.lots = whole
    q.entry_price /= ratio
    q.entry_atr /= ratio
    q.stop /= ratio
    d.e.price /= ratio
    d.span.highest /= ratio
    d.span.lowest /= ratio
    d.wallet.cash += amount
    d.wallet.dividends += amount
    if ratio != 1.0:
        for k in range(places(t.uses)):
            o = order_at(d.slots, k)
            if o.id != 0:
                _split(o, ratio)
    if held != 0.0:
        d.book.sequence += 1
        row = adjustment_row(d.log)
        row.row = d.log.row
        row.sequence = d.book.sequence
        row.instrument = d.log.instrument
        row.split = ratio
        row.dividend = bar.dividend
        row.lots = int(whole)
        row.amount = amount


def _whole(lots: float) -> float:
    """Return whole lots towards zero; a multiple but for its last bits counts whole."""
    size = math.floor(abs(lots) + 1e-9) * 1.0
    return size if lots > 0.0 else (-size if lots < 0.0 else 0.0)


def _split(o: Any, ratio: float) -> None:
    """Restate a working order in new units."""
    o.lots = _whole(o.lots * ratio)
    o.goal = _whole(o.goal * ratio)
    o.filled *= ratio
    o.limit /= ratio
    o.stop /= ratio
    o.trail /= ratio
    o.stop_loss /= ratio
    o.take_profit /= ratio
