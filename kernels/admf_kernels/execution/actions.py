"""Splits and dividends: what they do to a position and its orders, on the day they count.

Prices are raw; nothing decided before is changed. A split multiplies the lots and divides
the prices of working orders; what is left over of a lot is paid in cash, and an order of
less than a lot is canceled. A dividend is paid to who held before the open, and by who was
short. It leaves the prices of working orders as they are.
"""

from typing import Any

from admf_kernels.execution.log import adjustment_row
from admf_kernels.execution.orders import end, order_at, places
from admf_kernels.execution.portfolio import settled, split_lots
from admf_kernels.execution.reasons import CANCELED, CORPORATE_ACTION
from admf_kernels.execution.records import Desk
from admf_kernels.execution.terms import Terms


def adjust(t: Terms, d: Desk, bar: Any) -> None:
    """Apply the split and the dividend that are effective before this bar's open."""
    if bar.split == 1.0 and bar.dividend == 0.0:
        return
    q, ratio = d.q, bar.split
    # Dividends are per old unit; the split follows.
    amount = q.lots * bar.worth * bar.dividend
    exact = settled(q.lots * ratio)
    whole = _whole(exact)
    amount += (exact - whole) * bar.worth * bar.open
    held = q.lots
    split_lots(q, whole)
    q.entry_price /= ratio
    q.entry_atr /= ratio
    q.stop /= ratio
    d.e.price = price_after(d.e.price, bar.split, bar.dividend)
    d.span.highest /= ratio
    d.span.lowest /= ratio
    d.wallet.cash += amount
    d.wallet.dividends += amount
    if ratio != 1.0:
        for k in range(places(t.uses)):
            o = order_at(d.slots, k)
            if o.id != 0:
                _split(o, ratio, whole)
                if o.lots == 0.0:
                    end(t, d, o, 0.0, CANCELED, CORPORATE_ACTION)
    if held != 0.0:
        _log(d, bar, whole, amount)
    if held != 0.0 and whole == 0.0:
        _leave_nothing(d)


def price_after(price: float, split: float, dividend: float) -> float:
    """Return what a last price comes to in new units, when the dividend is in the cash."""
    return (price - dividend) / split


def _log(d: Desk, bar: Any, whole: float, amount: float) -> None:
    d.book.sequence += 1
    if d.log.adjustments == 0:
        return
    row = adjustment_row(d.log)
    row.row = d.log.row
    row.sequence = d.book.sequence
    row.instrument = d.log.instrument
    row.split = bar.split
    row.dividend = bar.dividend
    row.lots = int(whole)
    row.amount = amount


def _leave_nothing(d: Desk) -> None:
    """Forget a position of which less than a lot was left."""
    d.q.entry_price = 0.0
    d.q.entry_atr = 0.0
    d.q.stop = 0.0
    d.q.stop_role = 0
    d.q.inside = False
    d.span.bars = 0
    d.span.highest = 0.0
    d.span.lowest = 0.0


def _whole(lots: float) -> float:
    """Return whole lots towards zero."""
    return int(lots) * 1.0


def _split(o: Any, ratio: float, held: float) -> None:
    """Restate a working order in new units, of which `held` are held.

    What works towards a position, as a protective stop does, has what is left to get there to do,
    however many lots there were when it was made.
    """
    o.goal = _whole(settled(o.goal * ratio))
    if o.to_goal:
        left = o.goal - held
        o.lots = left if (left > 0.0) == (o.lots > 0.0) else 0.0
    else:
        o.lots = _whole(settled(o.lots * ratio))
    o.filled *= ratio
    o.limit /= ratio
    o.stop /= ratio
    o.trail /= ratio
    o.stop_loss /= ratio
    o.take_profit /= ratio
