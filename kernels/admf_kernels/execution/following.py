"""Protective stops that follow the price: to break even, and as they trail it.

The stop's move on one bar is a pure function of values, since a sweep's lanes move theirs side
by side on bars on which nothing else happens to them.
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
    more = distance(x.even, x.even_offset, g.entry_price, g.entry_atr)
    due = x.even != NO_DISTANCE and (best - g.entry_price) * side >= away
    return _closer(n, g, g.entry_price + side * more, side, BREAK_EVEN, due)


def trailed(x: Any, n: Any, g: Guarded, seen: float) -> Guarded:
    """Return the position with its stop behind the price `seen`, once it has begun to trail."""
    side = select(g.lots > 0.0, 1.0, -1.0)
    start = distance(x.trail, x.trail_start, g.entry_price, g.entry_atr)
    begun = x.trail_start == 0.0 or g.stop_role == TRAILING
    due = x.trail != NO_DISTANCE and (begun or (seen - g.entry_price) * side >= start)
    away = distance(x.trail, x.trail_value, seen, g.entry_atr)
    return _closer(n, g, seen - side * away, side, TRAILING, due)


def _closer(n: Any, g: Guarded, level: float, side: float, role: int, due: bool) -> Guarded:
    """Return the position with its stop at `level` if that is due and closer to the market."""
    level = rounded(n, level, side < 0.0)
    moves = due and level > 0.0 and (g.stop == 0.0 or (level - g.stop) * side > 0.0)
    return Guarded(
        g.lots, g.entry_price, g.entry_atr,
        select(moves, level, g.stop), select(moves, role, g.stop_role),
    )  # fmt: skip
