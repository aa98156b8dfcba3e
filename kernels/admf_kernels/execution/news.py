"""What comes between bars: the reports of a venue that fills, and an operator's commands.

A report is checked in full before anything changes. What a venue says of its own doing is
true; so a fill that does not fit an order of ours is refused here, and may then be booked by
force (`ADOPT`), which is for who called to decide.
"""

import math
from typing import Any

from admf_kernels.execution.brackets import cancel_exits, place_exits, place_stop
from admf_kernels.execution.entries import seek
from admf_kernels.execution.fills import book, wanted_lots
from admf_kernels.execution.matching import heed
from admf_kernels.execution.orders import (
    ENTRY_PLACE,
    accept,
    become,
    clear,
    end,
    free,
    log_order,
    make,
    may_become,
    order_at,
    own_places,
    places,
    stop_place,
)
from admf_kernels.execution.reasons import (
    ACCEPTED,
    BY_OPERATOR,
    BY_VENUE,
    CANCELED,
    DENIED,
    EXTERNAL,
    FILLED,
    GTC,
    MARKET,
    NOTHING_TO_CLOSE,
    OPERATOR,
    PARTIALLY_FILLED,
    REJECTED,
    REPLACED,
    REVERSAL,
    SIGNAL,
    SUBMITTED,
)
from admf_kernels.execution.records import FLAT, FROZEN, WARMING, Desk, expose
from admf_kernels.execution.terms import Terms

REPORT, ADOPT, FREEZE, FLATTEN, RESUME, WARM, ARM, FOLLOW = range(8)
# What became of it. All but the first two mean that nothing has changed.
TAKEN, NO_NEWS, UNKNOWN, NOT_NEXT, TOO_MUCH, NO_NUMBER, NO_VENUE = range(7)


def take_news(t: Terms, d: Desk, bar: Any, news: Any, spare: Any) -> int:
    """Apply what came between two bars; returns what became of it.

    `bar` is the last one, of which the close is the last price; `spare` a free order.
    """
    bar.ts_ns = news.ts_ns
    bar.open = news.close
    bar.high = news.close
    bar.low = news.close
    bar.close = news.close
    bar.worth = t.n.lot_value
    bar.atr_before = bar.atr  # what a fill after the last bar can know
    d.now.illegal = False
    if news.action > ADOPT:
        _obey(t, d, bar, news.action)
        heed(t, d)
        return TAKEN
    if not t.uses.venue:
        return NO_VENUE
    expose(d.e, d.wallet, d.q, bar.worth, bar.close)
    answer = _take_report(t, d, bar, news, spare)
    heed(t, d)
    return answer


def _obey(t: Terms, d: Desk, bar: Any, action: int) -> None:
    """Do what an operator, or who warms the run up, commands."""
    guard = d.guard
    if action == FREEZE:
        guard.hold |= FROZEN
        _cancel(t, d, False)
    elif action == FLATTEN:
        guard.hold |= FROZEN | FLAT
        _cancel(t, d, True)
        _close_out(t, d, bar)
    elif action == RESUME:
        guard.hold &= WARMING
    elif action == WARM:
        guard.hold |= WARMING
    else:  # the signal that is on is followed, or waited out
        guard.hold &= FROZEN | FLAT
        d.intent.again = action == FOLLOW


def _cancel(t: Terms, d: Desk, every: bool) -> None:
    """Cancel what may open a position, or every working order."""
    for k in range(own_places(t.uses)):
        o = order_at(d.slots, k)
        if o.id != 0 and (every or _opens(o, d.q)):
            end(t, d, o, o.lots, CANCELED, BY_OPERATOR)


def _opens(o: Any, q: Any) -> bool:
    if o.to_goal:
        return not (o.goal * q.lots >= 0.0 and abs(o.goal) <= abs(q.lots))
    return not o.reduce_only


def _close_out(t: Terms, d: Desk, bar: Any) -> None:
    """Make the market order that closes the position, unless it is working."""
    o = order_at(d.slots, ENTRY_PLACE)
    if d.q.lots == 0.0 or o.id != 0:
        return
    make(d, bar, o, MARKET, GTC, OPERATOR, -d.q.lots)
    o.to_goal = True
    accept(t, d, o)


def place_of(t: Terms, d: Desk, order_id: int) -> int:
    """Return the place of a working order, or -1."""
    for k in range(places(t.uses)):
        if order_id != 0 and order_at(d.slots, k).id == order_id:
            return k
    return -1


def _take_report(t: Terms, d: Desk, bar: Any, news: Any, spare: Any) -> int:
    fills = news.status == PARTIALLY_FILLED or news.status == FILLED
    k = place_of(t, d, news.order_id)
    if fills:
        if not _is_sound(news):
            return NO_NUMBER
        if news.action == ADOPT:
            _adopt(t, d, bar, k, news, spare)
            return TAKEN
    if k < 0:
        return UNKNOWN
    o = order_at(d.slots, k)
    if fills:
        if news.lots * o.lots <= 0.0 or abs(news.lots) > abs(o.lots):
            return TOO_MUCH
        _fill(t, d, bar, k, o, news)
        return TAKEN
    if news.status == REPLACED or (news.status == ACCEPTED and o.status != SUBMITTED):
        return NO_NEWS
    if news.status == DENIED or not may_become(o.status, news.status):
        return NOT_NEXT
    if news.status == ACCEPTED:
        become(d, o, ACCEPTED)
        log_order(d, o, ACCEPTED, o.lots, 0)
    else:
        _finish(t, d, k, o, news.status)
    return TAKEN


def _is_sound(news: Any) -> bool:
    """Return whether a fill's numbers can be booked; fees may be negative, which is a rebate."""
    usable = news.price > 0.0 and news.price < math.inf and abs(news.fee) < math.inf
    return bool(usable and news.lots != 0.0)


def _finish(t: Terms, d: Desk, k: int, o: Any, status: int) -> None:
    """End an order as the venue says; what it rejected is not sent again by itself."""
    reason = o.ending if o.ending != 0 else BY_VENUE
    become(d, o, status)
    d.ledger.denied += 1 if status == REJECTED else 0
    log_order(d, o, status, o.lots, reason)
    free(d, o)
    if t.uses.brackets and k == stop_place(t.uses):
        d.q.stop = 0.0  # no level: only a new one makes a new order


def _fill(t: Terms, d: Desk, bar: Any, k: int, o: Any, news: Any) -> None:
    """Book a fill of an order of ours, and what follows from it."""
    before, rest = d.q.lots, o.lots - news.lots
    stop_loss, take_profit, waited = o.stop_loss, o.take_profit, o.kind != MARKET
    unwanted = o.ending != 0 and (o.role == SIGNAL or o.role == REVERSAL)
    opened = book(t, d, bar, o, news.lots, rest, news.price, news.price, news.fee, 1.0, news.maker)
    o.lots = rest
    if rest == 0.0:
        free(d, o)
    elif news.status == FILLED:  # the venue had it with fewer lots
        become(d, o, CANCELED)
        log_order(d, o, CANCELED, rest, BY_VENUE)
        free(d, o)
    _after_fill(t, d, bar, k, before, opened, waited, stop_loss, take_profit)
    if unwanted and d.intent.signal == 0.0:
        seek(t, d, bar, 0.0, REVERSAL, SIGNAL)


def _adopt(t: Terms, d: Desk, bar: Any, k: int, news: Any, spare: Any) -> None:
    """Book a fill that fits no working order of ours; an order that it exceeds is over."""
    before, lots = d.q.lots, news.lots
    clear(spare)
    spare.id = news.order_id
    spare.status = ACCEPTED
    spare.role = EXTERNAL
    opened = book(t, d, bar, spare, lots, 0.0, news.price, news.price, news.fee, 1.0, news.maker)
    clear(spare)
    o = order_at(d.slots, k if k >= 0 else ENTRY_PLACE)
    if k >= 0 and news.lots * o.lots > 0.0:
        become(d, o, CANCELED)
        log_order(d, o, CANCELED, o.lots, BY_VENUE)
        free(d, o)
    _after_fill(t, d, bar, k, before, opened, True, 0.0, 0.0)


def _after_fill(
    t: Terms, d: Desk, bar: Any, k: int, before: float, opened: bool, waited: bool,
    stop_loss: float, take_profit: float,
) -> None:  # fmt: skip
    """Bring the exits in line with the position."""
    if before != 0.0 and (d.q.lots == 0.0 or opened):
        cancel_exits(t, d, k)
    if opened:
        d.q.inside = waited
        if t.uses.brackets:
            place_exits(t, d, bar, stop_loss, take_profit)
    keep_in_step(t, d, bar)


def keep_in_step(t: Terms, d: Desk, bar: Any) -> None:
    """Ask the venue to change working orders that no longer fit the position."""
    if d.guard.hold & FLAT != 0:
        _close_out(t, d, bar)
    guarding = stop_place(t.uses) if t.uses.brackets else -1
    for k in range(own_places(t.uses)):
        o = order_at(d.slots, k)
        if o.id != 0 and o.to_goal and o.ending == 0:
            wanted = wanted_lots(o, d.q)
            moved = k == guarding and o.stop != d.q.stop
            if wanted == 0.0:
                end(t, d, o, o.lots, CANCELED, NOTHING_TO_CLOSE)
            elif wanted != o.lots or moved:
                o.lots = wanted
                if k == guarding:
                    o.stop = d.q.stop
                    o.role = d.q.stop_role
                log_order(d, o, REPLACED, wanted, 0)
    unguarded = guarding >= 0 and d.q.lots != 0.0 and d.q.stop > 0.0
    if unguarded and order_at(d.slots, guarding).id == 0:
        place_stop(t, d, bar)
