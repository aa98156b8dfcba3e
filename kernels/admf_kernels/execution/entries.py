"""From a signal to an order: the position it means, the limits, the kind of order."""

import math
from typing import Any

from admf_kernels.execution.brackets import distance, rounded
from admf_kernels.execution.orders import (
    ENTRY_PLACE,
    LEAVE_PLACE,
    accept,
    end,
    make,
    order_at,
    refuse,
)
from admf_kernels.execution.reasons import (
    BAD_PRICE,
    BY_STRATEGY,
    CANCELED,
    DENIED,
    GTC,
    LIMIT,
    MARKET,
    NO_REASON,
    REJECTED,
    REVERSAL,
    SIGNAL,
    STOP,
    STOP_LIMIT,
    WRONG_SIDE,
)
from admf_kernels.execution.records import Desk
from admf_kernels.execution.risk import denial
from admf_kernels.execution.sizing import target_lots
from admf_kernels.execution.terms import Terms


def follow_signal(t: Terms, d: Desk, bar: Any, signal: float, changed: bool) -> None:
    """Turn a signal that is to be followed into an order, if it means another position.

    A changed signal replaces the working order of the one before; one that is followed
    again leaves it alone.
    """
    o = order_at(d.slots, ENTRY_PLACE)
    if o.id != 0:
        if not changed:
            return
        end(t, d, o, o.lots, CANCELED, BY_STRATEGY)
    goal = target_lots(t, d, bar, signal)
    if d.guard.hold != 0 and goal * d.q.lots < 0.0:
        goal = 0.0  # what may not be turned is left
    seek(t, d, bar, goal, REVERSAL, SIGNAL)


def seek(t: Terms, d: Desk, bar: Any, goal: float, turn_role: int, role: int) -> None:
    """Make the order that leads from the position held to `goal` lots, if any is needed."""
    held = d.q.lots
    if goal == held:
        return
    turning = goal * held < 0.0
    role = turn_role if turning else role
    opening = turning or abs(goal) > abs(held)
    kind = t.e.kind if t.uses.resting and opening else MARKET
    split = False
    reason = denial(t, d, bar, goal)
    if t.uses.leaving and turning and (kind != MARKET or reason != NO_REASON or t.a.exit_first):
        # What may not be turned at once is left in any case.
        leave(t, d, bar, role, MARKET)
        # At a venue both might fill in full: what enters there only enters.
        split = t.uses.venue
    o = order_at(d.slots, ENTRY_PLACE)
    if t.uses.venue and o.id != 0:  # its cancel has yet to be answered
        d.intent.again = True
        return
    make(d, bar, o, kind, t.e.tif if opening else GTC, role, goal if split else goal - held)
    o.to_goal = not split
    o.goal = goal
    if kind != MARKET:
        _price(t, bar, o)
    wrong = violation(o, bar.close) if kind != MARKET and reason == NO_REASON else NO_REASON
    if reason != NO_REASON:
        refuse(d, o, DENIED, reason)
    elif wrong != NO_REASON:
        refuse(d, o, REJECTED, wrong)
    else:
        accept(t, d, o)
        d.guard.day_orders += 1 if t.uses.limits else 0


def _price(t: Terms, bar: Any, o: Any) -> None:
    """Give an entry its prices: so far below and above the close, on a tick."""
    side = 1.0 if o.lots > 0.0 else -1.0
    if o.kind == LIMIT or o.kind == STOP_LIMIT:
        away = distance(t.e.unit, t.e.limit, bar.close, bar.atr)
        o.limit = rounded(t.n, bar.close - side * away, side < 0.0)
    if o.kind == STOP or o.kind == STOP_LIMIT:
        away = distance(t.e.unit, t.e.stop, bar.close, bar.atr)
        o.stop = rounded(t.n, bar.close + side * away, side > 0.0)
    o.until_bar = bar.number + int(t.e.bars) if t.e.bars > 0.0 else 0


def violation(o: Any, close: float) -> int:
    """Return which relation an order's prices break, or NO_REASON.

    A stop must lie beyond the last price: above it to buy, below it to sell. So must a
    bracket: stop loss and take profit on their sides of the price the order aims at.
    """
    if not (o.limit >= 0.0 and o.stop >= 0.0 and o.limit < math.inf and o.stop < math.inf):
        return BAD_PRICE
    if (o.kind == LIMIT or o.kind == STOP_LIMIT) and o.limit <= 0.0:
        return BAD_PRICE
    buying = o.lots > 0.0
    if o.kind == STOP or o.kind == STOP_LIMIT:
        if o.stop <= 0.0:
            return BAD_PRICE
        if (o.stop <= close) if buying else (o.stop >= close):
            return WRONG_SIDE
    aim = o.limit if o.limit > 0.0 else (o.stop if o.stop > 0.0 else close)
    if o.stop_loss > 0.0 and ((o.stop_loss >= aim) if buying else (o.stop_loss <= aim)):
        return WRONG_SIDE
    if o.take_profit > 0.0 and ((o.take_profit <= aim) if buying else (o.take_profit >= aim)):
        return WRONG_SIDE
    return NO_REASON


def leave(t: Terms, d: Desk, bar: Any, role: int, kind: int) -> None:
    """Make an order that closes the whole position, unless one is working already."""
    o = order_at(d.slots, LEAVE_PLACE)
    if o.id != 0:
        return
    make(d, bar, o, kind, GTC, role, -d.q.lots)
    o.to_goal = True
    accept(t, d, o)
