"""When and at which price a working order meets a bar: the one set of rules.

A bar is a path of which four points are known. A *moment* orders what happens on it: 0 is
the open, what lies between 1 and 2 happens inside, 2 is the close. docs/execution.md has
the table of cases.
"""

import math
from typing import Any, NamedTuple

from admf_kernels.execution.orders import order_at, places, stop_place
from admf_kernels.execution.reasons import (
    AT_CLOSE,
    AT_OPEN,
    GTC,
    LIMIT,
    MARKET,
    SESSION_END,
    STOP_LIMIT,
    TRAILING_STOP,
)
from admf_kernels.execution.records import Desk
from admf_kernels.execution.terms import (
    NEAREST_OPEN,
    NEXT_BAR,
    NO_DISTANCE,
    NO_EXITS,
    TARGET_FIRST,
    Terms,
)

AT_THE_OPEN, INSIDE, LATER_INSIDE, AT_THE_CLOSE, NEVER = 0.0, 1.0, 1.5, 2.0, 9.0


class Meeting(NamedTuple):
    """Where an order and a bar meet; `moment` NEVER if they do not."""

    moment: float
    price: float
    maker: bool  # the order waited in the book at its limit


def meeting(t: Terms, d: Desk, bar: Any, order: Any, trigger: float) -> Meeting:
    """Return when and where `order`, with its stop at `trigger`, would fill on this bar.

    Gaps fill at the open, never at the stop; a limit fills at the open where that is
    better. An order made by a fill inside this bar sees only what surely comes after it.
    """
    if not t.uses.resting or order.kind == MARKET:
        return Meeting(AT_THE_OPEN, bar.open, False)
    if order.kind == AT_OPEN:
        return Meeting(AT_THE_OPEN if d.now.first else NEVER, bar.open, False)
    if order.kind == AT_CLOSE:
        due = order.role == SESSION_END or bar.minutes_left <= 0.0
        return Meeting(AT_THE_CLOSE if due else NEVER, bar.close, False)
    buying = order.lots > 0.0
    waits = d.now.entered > AT_THE_OPEN or t.a.entry_bar == NO_EXITS
    if order.made_ns == bar.ts_ns and waits:
        return _after_entry(t, d, bar, order, trigger, buying)
    if order.kind == LIMIT or order.triggered:
        return _limit(t, bar, order.limit, buying)
    stop = _stop(t, bar, trigger, buying)
    if order.kind != STOP_LIMIT or stop.moment == NEVER:
        return stop
    return _limit_after_stop(t, bar, order.limit, stop, buying)


def _limit(t: Terms, bar: Any, limit: float, buying: bool) -> Meeting:
    """A resting limit: at the open if that is better, else at the limit if the bar gets there."""
    if _passed(t, bar.open, limit, buying):
        return Meeting(AT_THE_OPEN, bar.open, False)
    extreme = bar.low if buying else bar.high
    if not _passed(t, extreme, limit, buying):
        return Meeting(NEVER, 0.0, False)
    return Meeting(_inside(t, bar, limit, False), limit, True)


def _stop(t: Terms, bar: Any, trigger: float, buying: bool) -> Meeting:
    """A stop: at the open if the bar opens beyond it, else at the stop if the bar gets there."""
    if trigger <= 0.0:
        return Meeting(NEVER, 0.0, False)
    if (bar.open >= trigger) if buying else (bar.open <= trigger):
        return Meeting(AT_THE_OPEN, bar.open, False)
    if (bar.high >= trigger) if buying else (bar.low <= trigger):
        return Meeting(_inside(t, bar, trigger, True), trigger, False)
    return Meeting(NEVER, 0.0, False)


def _limit_after_stop(t: Terms, bar: Any, limit: float, stop: Meeting, buying: bool) -> Meeting:
    """A stop-limit whose stop was reached on this bar: what the price surely does after that."""
    if (stop.price <= limit) if buying else (stop.price >= limit):
        return stop
    if stop.moment == AT_THE_OPEN:
        later = _limit(t, bar, limit, buying)
        return Meeting(later.moment, limit, True)
    # The way to the stop leads away from the limit, so only the close is surely later.
    if _passed(t, bar.close, limit, buying):
        return Meeting(LATER_INSIDE, limit, True)
    return Meeting(NEVER, 0.0, False)


def heed(t: Terms, d: Desk) -> None:
    """Note between which prices nothing can happen to any working order.

    Whoever drives the engine may pass over the first stage of a bar that stays strictly
    between them and makes no new extreme of a position whose stop follows it. Orders that
    do not wait for a price alone leave no such room.
    """
    waiting = d.intent.working != 0
    below, above = (-math.inf, math.inf) if waiting else (0.0, 0.0)
    guarding = stop_place(t.uses) if t.uses.brackets else -1
    for k in range(places(t.uses) if waiting else 0):
        o = order_at(d.slots, k)
        if o.id != 0:
            buying = o.lots > 0.0
            stop = d.q.stop if k == guarding else o.stop
            if _waits_for_more(t, o, k == guarding):
                above = -math.inf
            if o.limit > 0.0 and buying and o.limit > below:
                below = o.limit
            if o.limit > 0.0 and not buying and o.limit < above:
                above = o.limit
            if stop > 0.0 and buying and stop < above:
                above = stop
            if stop > 0.0 and not buying and stop > below:
                below = stop
    d.intent.below = below
    d.intent.above = above


def _waits_for_more(t: Terms, o: Any, guarding: bool) -> bool:
    """Return whether an order may change on a bar that does not reach its prices."""
    at_once = o.kind == MARKET or o.kind == AT_OPEN or o.kind == AT_CLOSE
    if not t.uses.resting or at_once:
        return True
    if o.tif != GTC or o.until_ns > 0 or o.until_bar > 0:
        return True
    if guarding:
        # Without a new extreme a stop moves only where it did not start from the entry price,
        # where the strategy may have moved it, where it did not see the entry's bar, or where
        # a split has divided the prices but not how far it stays behind.
        late = t.uses.requests > 0 or t.uses.actions or t.a.entry_bar == NO_EXITS
        moved = t.uses.following != 0 and late
        return moved or (t.x.trail != NO_DISTANCE and bool(t.x.trail_close or t.x.from_close))
    return bool(o.kind == TRAILING_STOP)


def stop_reached(bar: Any, order: Any) -> bool:
    """Return whether the bar reached the stop of a stop-limit that did not fill."""
    if order.lots > 0.0:
        return bar.high >= order.stop
    return bar.low <= order.stop


def _after_entry(t: Terms, d: Desk, bar: Any, order: Any, trigger: float, buying: bool) -> Meeting:
    """A stop or target placed by an entry on this bar that does not see the whole of it."""
    start, price = d.now.entered, d.now.entered_at
    if start >= AT_THE_CLOSE or t.a.entry_bar == NO_EXITS:
        return Meeting(NEVER, 0.0, False)
    if t.a.entry_bar == NEXT_BAR:
        # A target beyond a stop entry lies on the way; all else waits for the next bar.
        sure = order.kind == LIMIT and d.now.entered_by_stop and not d.now.stop_in_reach
        if sure and _passed(t, bar.low if buying else bar.high, order.limit, buying):
            return Meeting(start, order.limit, True)
        return Meeting(NEVER, 0.0, False)
    if order.kind == LIMIT:
        if _passed(t, bar.close, order.limit, buying):  # after what a stop would have done
            later = LATER_INSIDE if start < LATER_INSIDE else start + 0.01
            return Meeting(later, order.limit, True)
        return Meeting(NEVER, 0.0, False)
    if trigger <= 0.0:
        return Meeting(NEVER, 0.0, False)
    if (price >= trigger) if buying else (price <= trigger):
        return Meeting(start, price, False)
    if (bar.high >= trigger) if buying else (bar.low <= trigger):
        return Meeting(start, trigger, False)
    return Meeting(NEVER, 0.0, False)


def _passed(t: Terms, price: float, limit: float, buying: bool) -> bool:
    """Return whether `price` fills a limit order: touches it, or crosses it far enough."""
    if t.a.touch:
        return price <= limit if buying else price >= limit
    return price < limit - t.n.cross if buying else price > limit + t.n.cross


def _inside(t: Terms, bar: Any, price: float, stop: bool) -> float:
    """Return the moment of a price inside the bar, by the rule for what is hit first."""
    if t.a.both_hit == NEAREST_OPEN:
        width = bar.high - bar.low
        return INSIDE + 0.9 * (abs(price - bar.open) / width if width > 0.0 else 0.0)
    return INSIDE if stop == (t.a.both_hit != TARGET_FIRST) else LATER_INSIDE
