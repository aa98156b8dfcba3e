"""Orders that a strategy makes itself: what becomes of the requests it returns."""

import math
from typing import Any

from admf_kernels.execution.brackets import rounded
from admf_kernels.execution.entries import violation
from admf_kernels.execution.orders import (
    accept,
    clear,
    end,
    log_order,
    make,
    order_at,
    refuse,
    request_place,
    session_of,
    stop_place,
)
from admf_kernels.execution.reasons import (
    BY_STRATEGY,
    CANCELED,
    DENIED,
    GTC,
    NO_ORDER,
    NO_REASON,
    REJECTED,
    REPLACED,
    REQUEST,
    STOP,
    STOP_LOSS,
    TRAILING_STOP,
    ZERO_SIZE,
)
from admf_kernels.execution.records import FLAT, WARMING, Desk
from admf_kernels.execution.risk import denial
from admf_kernels.execution.terms import LOTS_MAX, Terms

KEEP, CANCEL, PUT, MOVE_STOP = 0, 1, 2, 3


# Compiled, the requests are an address, and this returns the record of the k-th.
def request_at(asked: Any, k: int) -> Any:
    """Return the k-th request."""
    return asked[k]


def take_requests(t: Terms, d: Desk, bar: Any, asked: Any, spare: Any) -> None:
    """Do what each request asks for; impossible orders are rejected with a reason.

    `spare` is a free place in which an order is made before it is known to be possible.
    """
    idle = d.guard.hold & (FLAT | WARMING) != 0
    for k in range(0 if idle else t.uses.requests):
        r = request_at(asked, k)
        o = order_at(d.slots, request_place(t.uses) + k)
        if r.action == CANCEL and o.id != 0:
            end(t, d, o, o.lots, CANCELED, BY_STRATEGY)
        elif r.action == PUT and o.ending == 0:
            _put(t, d, bar, r, o, spare)
        elif r.action == MOVE_STOP:
            _move_stop(t, d, bar, r.stop)


def _put(t: Terms, d: Desk, bar: Any, r: Any, o: Any, spare: Any) -> None:
    _describe(t, d, bar, r, spare)
    wrong = ZERO_SIZE if spare.lots == 0.0 else violation(spare, bar.close)
    if wrong != NO_REASON:
        refuse(d, spare, REJECTED, wrong)
        return
    reason = NO_REASON if r.reduce_only else denial(t, d, bar, d.q.lots + spare.lots)
    if reason != NO_REASON:
        refuse(d, spare, DENIED, reason)
        return
    old, filled, status = o.id, o.filled, o.status
    _describe(t, d, bar, r, o)
    clear(spare)
    if old == 0:
        accept(t, d, o)
    else:  # other terms for a working order, which keeps its id
        o.id = old
        o.status = status
        o.filled = filled
        log_order(d, o, REPLACED, o.lots, BY_STRATEGY)
    d.guard.day_orders += 1 if t.uses.limits else 0


def _move_stop(t: Terms, d: Desk, bar: Any, price: float) -> None:
    """Move the protective stop of the open position, or give it one."""
    q = d.q
    if q.lots == 0.0 or not (price > 0.0 and price < math.inf):
        return
    q.stop = rounded(t.n, price, q.lots < 0.0)
    q.stop_role = STOP_LOSS
    o = order_at(d.slots, stop_place(t.uses))
    if o.id == 0:
        make(d, bar, o, STOP, GTC, STOP_LOSS, -q.lots)
        o.to_goal = True
        o.stop = q.stop
        accept(t, d, o)
    else:
        o.stop = q.stop
        log_order(d, o, REPLACED, -q.lots, BY_STRATEGY)


def _describe(t: Terms, d: Desk, bar: Any, r: Any, o: Any) -> None:
    """Make the order that a request means, in whole lots and with prices on ticks."""
    # Towards zero; a quantity that is a multiple but for its last bits counts whole.
    size = abs(r.quantity / t.n.lot_size)
    size = int(size + 1e-9) * 1.0 if size < LOTS_MAX else 0.0
    buying = r.quantity > 0.0
    clear(o)
    o.id = d.book.sequence + 1
    o.status = NO_ORDER
    o.kind = r.kind
    o.tif = r.tif
    o.role = REQUEST
    o.lots = size if buying else -size
    o.reduce_only = r.reduce_only
    o.limit = rounded(t.n, r.limit, not buying)
    o.stop = rounded(t.n, r.stop, buying)
    if r.kind == TRAILING_STOP:
        away = r.trail if r.trail > 0.0 else bar.close * r.trail_rate
        o.stop = rounded(t.n, bar.close + away if buying else bar.close - away, buying)
    o.trail = r.trail
    o.trail_rate = r.trail_rate
    o.made_ns = bar.ts_ns
    o.until_ns = r.until_ns
    o.session = session_of(bar)
    o.stop_loss = r.stop_loss
    o.take_profit = r.take_profit
