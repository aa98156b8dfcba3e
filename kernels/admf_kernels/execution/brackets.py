"""Exits that live in the bar: the protective stop and the targets of a position."""

import math
from typing import Any

from admf_kernels.execution.orders import (
    LEAVE_PLACE,
    accept,
    end,
    make,
    order_at,
    own_places,
    request_place,
    stop_place,
    target_place,
)
from admf_kernels.execution.reasons import (
    BREAK_EVEN,
    CANCELED,
    GTC,
    LIMIT,
    OTHER_LEG,
    STOP,
    STOP_LOSS,
    TAKE_PROFIT,
    TRAILING,
    TRAILING_STOP,
)
from admf_kernels.execution.records import Desk
from admf_kernels.execution.terms import ATR, FRACTION, NO_DISTANCE, NO_EXITS, Terms


def distance(unit: int, value: float, price: float, atr: float) -> float:
    """Return a distance in price units: a fraction of `price`, an amount, or so many ATR."""
    if unit == FRACTION:
        return price * value
    return atr * value if unit == ATR else value


def rounded(n: Any, price: float, up: bool) -> float:
    """Return an order's price on the tick at or beyond `price`; as it is without ticks."""
    if n.ticks == 0.0 or price <= 0.0:
        return price
    count = price * n.ticks
    nearest = math.floor(count + 0.5) * 1.0
    if abs(count - nearest) > 1e-6:  # not already on a tick but for its last bits
        nearest = (math.ceil(count) if up else math.floor(count)) * 1.0
    return float(nearest / n.ticks)


def place_exits(t: Terms, d: Desk, bar: Any, stop_loss: float, take_profit: float) -> None:
    """Place stop and targets for a position just opened.

    Prices are rounded away from the market. The prices of the opening order's own bracket,
    where it has one, come before the configured distances.
    """
    x, q = t.x, d.q
    base = bar.close if x.from_close else q.entry_price
    side = 1.0 if q.lots > 0.0 else -1.0
    level, role = stop_loss, STOP_LOSS
    if level == 0.0 and x.stop != NO_DISTANCE:
        level = base - side * distance(x.stop, x.stop_value, base, q.entry_atr)
    if x.trail != NO_DISTANCE and x.trail_start == 0.0:
        away = distance(x.trail, x.trail_value, base, q.entry_atr)
        if level == 0.0 or away < (base - level) * side:
            level, role = base - side * away, TRAILING
    moves = x.trail != NO_DISTANCE or x.even != NO_DISTANCE
    if level > 0.0 or moves:
        q.stop = rounded(t.n, level, side < 0.0) if level > 0.0 else 0.0
        q.stop_role = role
        if q.stop > 0.0 or not t.uses.venue:  # which takes no stop without a level
            place_stop(t, d, bar)
        d.now.stop_in_reach = q.stop > 0.0 and bar.low <= q.stop and q.stop <= bar.high
    if take_profit > 0.0:
        _target(t, d, bar, 0, take_profit, 1.0, side)
    elif x.target != NO_DISTANCE:
        part = 0.0
        for k in range(t.uses.targets):
            value = x.target_1 if k == 0 else (x.target_2 if k == 1 else x.target_3)
            part += x.part_1 if k == 0 else (x.part_2 if k == 1 else x.part_3)
            away = distance(x.target, value, base, q.entry_atr)
            _target(t, d, bar, k, base + side * away, part, side)


def place_stop(t: Terms, d: Desk, bar: Any) -> None:
    """Make the order of the protective stop, at the level that the position has."""
    q = d.q
    o = order_at(d.slots, stop_place(t.uses))
    if t.uses.venue and o.id != 0:  # its cancel has yet to be answered
        return
    kind = TRAILING_STOP if t.x.trail != NO_DISTANCE else STOP
    make(d, bar, o, kind, GTC, q.stop_role, -q.lots)
    o.to_goal = True
    o.stop = q.stop
    accept(t, d, o)


def _target(
    t: Terms, d: Desk, bar: Any, index: int, price: float, part: float, side: float
) -> None:
    """Place the target that leaves the position with all but `part` of its lots closed."""
    if not price > 0.0:  # a short's target below nothing is never reached
        return
    kept = math.floor(abs(d.q.lots) * (1.0 - part) + 1e-9) * side
    if kept == d.q.lots:  # a part smaller than a lot
        return
    o = order_at(d.slots, target_place(t.uses) + index)
    if t.uses.venue and o.id != 0:
        return
    make(d, bar, o, LIMIT, GTC, TAKE_PROFIT, kept - d.q.lots)
    o.to_goal = True
    o.goal = kept
    o.limit = rounded(t.n, price, side > 0.0)
    accept(t, d, o)


def cancel_exits(t: Terms, d: Desk, but: int) -> None:
    """Cancel all exits of a position that is closed, except the order in place `but`.

    An order of the strategy that only reduces ends with the position, too.
    """
    last = target_place(t.uses) + t.uses.targets if t.uses.brackets else stop_place(t.uses)
    for k in range(LEAVE_PLACE, last):
        o = order_at(d.slots, k)
        if k != but and o.id != 0:
            end(t, d, o, o.lots, CANCELED, OTHER_LEG)
    for k in range(request_place(t.uses), own_places(t.uses)):
        o = order_at(d.slots, k)
        if k != but and o.id != 0 and o.reduce_only:
            end(t, d, o, o.lots, CANCELED, OTHER_LEG)


def follow(t: Terms, d: Desk, bar: Any) -> None:
    """Move the protective stop of an open position after a bar that has been matched.

    What the bar moves holds from the next bar on: within a bar nobody knows whether its
    high or its low came first. A position entered inside the bar has seen its close only.
    """
    q, x = d.q, t.x
    if t.a.entry_bar == NO_EXITS and d.now.entered >= 0.0:
        return
    inside = d.now.entered >= 1.0 or d.q.inside
    long = q.lots > 0.0
    side = 1.0 if long else -1.0
    if x.even != NO_DISTANCE:
        best = d.span.highest if long else d.span.lowest
        away = distance(x.even, x.even_value, q.entry_price, q.entry_atr)
        if (best - q.entry_price) * side >= away:
            more = distance(x.even, x.even_offset, q.entry_price, q.entry_atr)
            _raise_stop(t, d, q.entry_price + side * more, side, BREAK_EVEN)
    if x.trail != NO_DISTANCE:
        seen = bar.close if inside or x.trail_close else (bar.high if long else bar.low)
        start = distance(x.trail, x.trail_start, q.entry_price, q.entry_atr)
        begun = x.trail_start == 0.0 or q.stop_role == TRAILING
        if begun or (seen - q.entry_price) * side >= start:
            away = distance(x.trail, x.trail_value, seen, q.entry_atr)
            _raise_stop(t, d, seen - side * away, side, TRAILING)


def _raise_stop(t: Terms, d: Desk, level: float, side: float, role: int) -> None:
    """Move the protective stop to `level` if that is closer to the market."""
    level = rounded(t.n, level, side < 0.0)
    if level > 0.0 and (d.q.stop == 0.0 or (level - d.q.stop) * side > 0.0):
        d.q.stop = level
        d.q.stop_role = role
