"""Working orders: where they are kept, and which states may follow which.

Every instrument has a fixed number of places. Place 0 holds the order of the signal; after
it, as far as a run uses them, come the order that leaves the position, the protective stop,
the targets, and the orders a strategy makes itself.
"""

from typing import Any

from admf_kernels.execution.log import order_row
from admf_kernels.execution.reasons import (
    ACCEPTED,
    CANCELED,
    CANCELING,
    DENIED,
    EXPIRED,
    FILLED,
    NO_ORDER,
    PARTIALLY_FILLED,
    REJECTED,
    SUBMITTED,
)
from admf_kernels.execution.records import Desk
from admf_kernels.execution.terms import Terms, Uses

ENTRY_PLACE = 0
LEAVE_PLACE = 1
NEXT_SESSION = -1.0  # of an order made after a session's last bar


# Compiled, the places are an address, and this returns the record of the k-th.
def order_at(slots: Any, k: int) -> Any:
    """Return the record of place `k`."""
    return slots[k]


def stop_place(u: Uses) -> int:
    """Return the place of the protective stop."""
    return 2 if u.leaving else 1


def target_place(u: Uses) -> int:
    """Return the first place of the targets."""
    return stop_place(u) + 1


def request_place(u: Uses) -> int:
    """Return the first place of the orders that a strategy makes itself."""
    return int(target_place(u) + u.targets) if u.brackets else stop_place(u)


def own_places(u: Uses) -> int:
    """Return how many places the orders have that an instrument may have at once."""
    return int(request_place(u) + u.requests)


def places(u: Uses) -> int:
    """Return how many places an instrument has.

    With a venue, orders that it was asked to cancel wait behind the others for its answer,
    so that their places are free at once.
    """
    return own_places(u) * (3 if u.venue else 1)


def crowded(t: Terms, d: Desk) -> bool:
    """Return whether so many cancels are unanswered that new orders may find no place."""
    own, waiting = own_places(t.uses), 0
    for k in range(own, places(t.uses)):
        waiting += 1 if order_at(d.slots, k).id != 0 else 0
    return waiting > own


def turn(t: Terms, j: int) -> int:
    """Return which place is the `j`-th to be looked at of those with orders at one moment."""
    return 1 - j if t.uses.leaving and t.a.exit_first and j <= LEAVE_PLACE else j


def session_of(bar: Any) -> float:
    """Return the session that an order made at the close of `bar` belongs to."""
    return bar.session if bar.minutes_left > 0.0 else NEXT_SESSION


def clear(o: Any) -> None:
    """Make the place of an order free."""
    o.id = 0
    o.status = NO_ORDER
    o.kind = 0
    o.tif = 0
    o.role = 0
    o.lots = 0.0
    o.to_goal = False
    o.goal = 0.0
    o.reduce_only = False
    o.limit = 0.0
    o.stop = 0.0
    o.triggered = False
    o.trail = 0.0
    o.trail_rate = 0.0
    o.filled = 0.0
    o.made_ns = 0
    o.until_ns = 0
    o.until_bar = 0
    o.session = 0.0
    o.stop_loss = 0.0
    o.take_profit = 0.0
    o.ending = 0


def free(d: Desk, o: Any) -> None:
    """Make the place of a working order free."""
    clear(o)
    d.intent.working -= 1


def make(d: Desk, bar: Any, o: Any, kind: int, tif: int, role: int, lots: float) -> None:
    """Begin an order in a place, with the id of the next event; it does not work yet."""
    clear(o)
    o.id = d.book.sequence + 1
    o.kind = kind
    o.tif = tif
    o.role = role
    o.lots = lots
    o.made_ns = bar.ts_ns
    o.session = session_of(bar)


def log_order(d: Desk, o: Any, status: int, lots: float, reason: int) -> None:
    """Count and log an ORDER event about `o`."""
    d.book.sequence += 1
    if d.log.orders == 0:
        return
    row = order_row(d.log)
    row.row = d.log.row
    row.sequence = d.book.sequence
    row.instrument = d.log.instrument
    row.order_id = o.id
    row.status = status
    row.kind = o.kind
    row.time_in_force = o.tif
    row.role = o.role
    row.lots = int(lots)
    row.limit = o.limit
    row.stop = o.stop
    row.reason = reason


def become(d: Desk, o: Any, status: int) -> None:
    """Bring an order into a state; one that may not follow stops the run."""
    if not may_become(o.status, status):
        d.now.illegal = True
    o.status = status


def accept(t: Terms, d: Desk, o: Any) -> None:
    """Let an order that was made work from here on, or go to the venue."""
    become(d, o, SUBMITTED if t.uses.venue else ACCEPTED)
    d.intent.working += 1
    d.ledger.orders += 1
    log_order(d, o, o.status, o.lots, 0)


def refuse(d: Desk, o: Any, status: int, reason: int) -> None:
    """Log an order that our limits deny or that is impossible; its place stays free."""
    d.ledger.denied += 1
    become(d, o, status)
    log_order(d, o, status, o.lots, reason)
    clear(o)


def end(t: Terms, d: Desk, o: Any, lots: float, status: int, reason: int) -> None:
    """Log that a working order ended with signed `lots` not filled, and free its place.

    A venue is asked to cancel it; it may still fill until that is confirmed.
    """
    if t.uses.venue:
        if o.ending == 0:
            log_order(d, o, CANCELING, lots, reason)
            o.ending = reason
            _set_aside(t, d, o)
        return
    become(d, o, status)
    log_order(d, o, status, lots, reason)
    free(d, o)


def _set_aside(t: Terms, d: Desk, o: Any) -> None:
    """Move an order that is to end out of its place, if there is room."""
    for k in range(own_places(t.uses), places(t.uses)):
        to = order_at(d.slots, k)
        if to.id == 0:
            copy_order(o, to)
            clear(o)
            return


def copy_order(o: Any, to: Any) -> None:
    """Write all fields of an order into another place."""
    to.id = o.id
    to.status = o.status
    to.kind = o.kind
    to.tif = o.tif
    to.role = o.role
    to.lots = o.lots
    to.to_goal = o.to_goal
    to.goal = o.goal
    to.reduce_only = o.reduce_only
    to.limit = o.limit
    to.stop = o.stop
    to.triggered = o.triggered
    to.trail = o.trail
    to.trail_rate = o.trail_rate
    to.filled = o.filled
    to.made_ns = o.made_ns
    to.until_ns = o.until_ns
    to.until_bar = o.until_bar
    to.session = o.session
    to.stop_loss = o.stop_loss
    to.take_profit = o.take_profit
    to.ending = o.ending


def may_become(status: int, following: int) -> bool:
    """Return whether an order in state `status` may come into state `following`.

    The states and transitions of FIX 4.4 order status (tag 39) as far as they exist here:
    a new order is submitted, or accepted or rejected by a venue that answers at once, or denied
    by our own limits before it leaves; the venue accepts or rejects what was submitted; what
    works is filled, in part or whole, canceled or expires; a fill may overtake the acceptance.
    The other states are final.
    """
    if status == NO_ORDER:
        return following in (SUBMITTED, ACCEPTED, DENIED, REJECTED)
    if status == SUBMITTED:
        return following in (ACCEPTED, REJECTED, PARTIALLY_FILLED, FILLED, CANCELED, EXPIRED)
    if status in (ACCEPTED, PARTIALLY_FILLED):
        return following in (PARTIALLY_FILLED, FILLED, CANCELED, EXPIRED)
    return False
