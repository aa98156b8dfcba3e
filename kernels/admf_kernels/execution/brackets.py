"""Exits that live in the bar: the protective stop and the targets of a position."""

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
from admf_kernels.execution.terms import ATR, FRACTION, NO_DISTANCE, Terms
from admf_kernels.numeric import ceil, floor, select


def distance(unit: int, value: float, price: float, atr: float) -> float:
    """Return a distance in price units: a fraction of `price`, an amount, or so many ATR."""
    return select(unit == FRACTION, price * value, select(unit == ATR, atr * value, value))


def rounded(n: Any, price: float, up: bool) -> float:
    """Return an order's price on the tick at or beyond `price`; as it is without ticks."""
    free = n.ticks == 0.0 or price <= 0.0
    count = select(free, 0.0, price * n.ticks)
    nearest = floor(count + 0.5)
    # On a tick already, but for its last bits, or on the one beyond.
    beyond = select(up, ceil(count), floor(count))
    on = select(abs(count - nearest) > 1e-6, beyond, nearest)
    return select(free, price, on / select(free, 1.0, n.ticks))


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
    limit = rounded(t.n, price, side > 0.0)
    if not limit > 0.0:  # below nothing, or so far below a tick that it is nothing
        return
    kept = floor(abs(d.q.lots) * (1.0 - part) + 1e-9) * side
    if kept == d.q.lots:  # a part smaller than a lot
        return
    o = order_at(d.slots, target_place(t.uses) + index)
    if t.uses.venue and o.id != 0:
        return
    make(d, bar, o, LIMIT, GTC, TAKE_PROFIT, kept - d.q.lots)
    o.to_goal = True
    o.goal = kept
    o.limit = limit
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
