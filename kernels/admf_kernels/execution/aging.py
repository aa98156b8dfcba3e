"""What time does to working orders: they expire, are triggered, or follow the price."""

from typing import Any

from admf_kernels.execution.brackets import rounded
from admf_kernels.execution.orders import (
    NEXT_SESSION,
    end,
    log_order,
    order_at,
    places,
    request_place,
)
from admf_kernels.execution.reasons import (
    CANCELED,
    DAY,
    EXPIRED,
    FOK,
    IOC,
    NO_REASON,
    NOT_AT_ONCE,
    REPLACED,
    STOP_LIMIT,
    TIME_IS_UP,
    TRAILING_STOP,
)
from admf_kernels.execution.records import Desk
from admf_kernels.execution.terms import Terms


def end_day(t: Terms, d: Desk, bar: Any) -> None:
    """Let the orders of an earlier session expire before the first bar of this one."""
    for k in range(places(t.uses)):
        o = order_at(d.slots, k)
        if o.id != 0 and o.tif == DAY:
            if o.session == NEXT_SESSION:
                o.session = bar.session
            elif o.session != bar.session:
                end(t, d, o, o.lots, EXPIRED, TIME_IS_UP)


def grow_old(t: Terms, d: Desk, bar: Any) -> None:
    """Expire what may wait no longer, trigger stop-limits, move the strategy's trailing stops."""
    if d.intent.working == 0:
        return
    for k in range(places(t.uses)):
        o = order_at(d.slots, k)
        if o.id != 0 and o.made_ns != bar.ts_ns:
            if o.tif == IOC or o.tif == FOK:
                end(t, d, o, o.lots, CANCELED, NOT_AT_ONCE)
            elif _is_over(t, bar, o):
                end(t, d, o, o.lots, EXPIRED, TIME_IS_UP)
            elif o.kind == STOP_LIMIT:
                if (bar.high >= o.stop) if o.lots > 0.0 else (bar.low <= o.stop):
                    o.triggered = True
            elif o.kind == TRAILING_STOP and k >= request_place(t.uses) and o.ending == 0:
                _trail(t, d, bar, o)


def _is_over(t: Terms, bar: Any, o: Any) -> bool:
    if o.until_ns > 0 and bar.ts_ns >= o.until_ns:
        return True
    if o.until_bar > 0 and bar.number >= o.until_bar:
        return True
    return bool(t.uses.sessions and o.tif == DAY and bar.minutes_left <= 0.0)


def _trail(t: Terms, d: Desk, bar: Any, o: Any) -> None:
    """Move a trailing stop of the strategy's own after a bar that did not reach it."""
    buying = o.lots > 0.0
    best = bar.low if buying else bar.high
    away = o.trail if o.trail > 0.0 else best * o.trail_rate
    level = rounded(t.n, best + away if buying else best - away, buying)
    if (level < o.stop) if buying else (level > o.stop):
        o.stop = level
        if t.uses.venue:
            log_order(d, o, REPLACED, o.lots, NO_REASON)
