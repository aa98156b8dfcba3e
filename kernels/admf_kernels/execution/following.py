"""Protective stops that follow the price: to break even, and as they trail it.

Where the stop goes on a bar is a pure function of values: a sweep asks it for eight bars at once.
"""

from typing import Any, NamedTuple

from admf_kernels.execution.brackets import distance, rounded
from admf_kernels.execution.reasons import BREAK_EVEN, TRAILING
from admf_kernels.execution.records import Desk
from admf_kernels.execution.terms import FOLLOWS_EVEN, FOLLOWS_TRAIL, NO_DISTANCE, NO_EXITS, Terms
from admf_kernels.numeric import select


class Guarded(NamedTuple):
    """What a stop's move depends on, of a position, and the stop."""

    lots: float
    entry_price: float
    entry_atr: float
    stop: float
    stop_role: int


def follow(t: Terms, d: Desk, bar: Any) -> None:
    """Move the protective stop of an open position after a bar that has been matched.

    What the bar moves holds from the next bar on: within a bar nobody knows whether its
    high or its low came first. A position entered inside the bar has seen its close only.
    """
    q, x = d.q, t.x
    if t.a.entry_bar == NO_EXITS and d.now.entered >= 0.0:
        return
    inside = d.now.entered >= 1.0 or q.inside
    long = q.lots > 0.0
    g = Guarded(q.lots, q.entry_price, q.entry_atr, q.stop, q.stop_role)
    if t.uses.following & FOLLOWS_EVEN != 0:
        g = evened(x, t.n, g, d.span.highest if long else d.span.lowest)
    if t.uses.following & FOLLOWS_TRAIL != 0:
        seen = bar.close if inside or x.trail_close else (bar.high if long else bar.low)
        g = trailed(x, t.n, g, seen)
    q.stop = g.stop
    q.stop_role = g.stop_role


def evened(x: Any, n: Any, g: Guarded, best: float) -> Guarded:
    """Return the position with its stop at break even, if its best price is far enough."""
    side = select(g.lots > 0.0, 1.0, -1.0)
    away = distance(x.even, x.even_value, g.entry_price, g.entry_atr)
    due = x.even != NO_DISTANCE and (best - g.entry_price) * side >= away
    level = even_level(x, n, g.entry_price, g.entry_atr, side)
    return _closer(g, level, side, BREAK_EVEN, due)


def even_level(x: Any, n: Any, entry_price: float, entry_atr: float, side: float) -> float:
    """Return where the stop of a position goes at break even."""
    more = distance(x.even, x.even_offset, entry_price, entry_atr)
    return rounded(n, entry_price + side * more, side < 0.0)


def trailed(x: Any, n: Any, g: Guarded, seen: float) -> Guarded:
    """Return the position with its stop behind the price `seen`, once it has begun to trail."""
    side = select(g.lots > 0.0, 1.0, -1.0)
    start = distance(x.trail, x.trail_start, g.entry_price, g.entry_atr)
    begun = x.trail_start == 0.0 or g.stop_role == TRAILING
    due = x.trail != NO_DISTANCE and (begun or (seen - g.entry_price) * side >= start)
    level = rounded(n, trail_level(x, seen, g.entry_atr, side), side < 0.0)
    return _closer(g, level, side, TRAILING, due)


def trail_level(x: Any, seen: float, entry_atr: float, side: float) -> float:
    """Return where a stop that trails the price `seen` belongs, ticks apart."""
    return seen - side * distance(x.trail, x.trail_value, seen, entry_atr)


def _closer(g: Guarded, level: float, side: float, role: int, due: bool) -> Guarded:
    """Return the position with its stop at `level` if that is due and closer to the market."""
    moves = due and level > 0.0 and (g.stop == 0.0 or (level - g.stop) * side > 0.0)
    return Guarded(
        g.lots, g.entry_price, g.entry_atr,
        select(moves, level, g.stop), select(moves, role, g.stop_role),
    )  # fmt: skip
