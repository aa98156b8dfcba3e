"""Our own limits: what is denied before it becomes an order, and when trading halts."""

from typing import Any

from admf_kernels.execution.orders import crowded
from admf_kernels.execution.reasons import (
    DAILY_LOSS,
    DAY_LOSS_HALT,
    DAY_TRADES,
    DRAWDOWN,
    DRAWDOWN_HALT,
    LIQUIDATION,
    MAX_GROSS,
    MAX_LEVERAGE,
    MAX_NET,
    MAX_POSITION,
    MAX_SECTOR,
    NO_REASON,
    NO_ROLE,
    OPERATOR_HALT,
    ORDER_RATE,
    SESSION_ENDS,
    VENUE_BUSY,
)
from admf_kernels.execution.records import Desk
from admf_kernels.execution.terms import Terms


def denial(t: Terms, d: Desk, bar: Any, goal: float) -> int:
    """Return why an order that leads to `goal` lots is denied, or NO_REASON.

    What makes the position smaller without turning it is never denied.
    """
    if abs(goal) <= abs(d.q.lots) and goal * d.q.lots >= 0.0:
        return NO_REASON
    if d.guard.hold != 0:
        return OPERATOR_HALT
    if t.uses.venue and crowded(t, d):
        return VENUE_BUSY
    if t.uses.session_end and t.x.session_end and bar.minutes_left <= t.x.session_minutes:
        return SESSION_ENDS
    if not t.uses.limits:
        return NO_REASON
    halted = _halted(t, d)
    if halted != NO_REASON:
        return halted
    return _exceeded(t, d, bar, goal)


def _halted(t: Terms, d: Desk) -> int:
    g, r = d.guard, t.r
    if g.halt == DAILY_LOSS:
        return DAY_LOSS_HALT
    if g.halt == DRAWDOWN:
        return DRAWDOWN_HALT
    if r.day_orders > 0.0 and g.day_orders >= r.day_orders:
        return ORDER_RATE
    if r.day_trades > 0.0 and g.day_trades >= r.day_trades:
        return DAY_TRADES
    return NO_REASON


def _exceeded(t: Terms, d: Desk, bar: Any, goal: float) -> int:
    """Return which limit the position `goal` would break, by the prices of the last close."""
    r, e = t.r, d.e
    before, after = d.q.lots * bar.worth * bar.close, goal * bar.worth * bar.close
    grown = abs(after) - abs(before)
    if r.position_lots > 0.0 and abs(goal) > r.position_lots:
        return MAX_POSITION
    if r.position > 0.0 and abs(after) > r.position * e.equity:
        return MAX_POSITION
    if r.gross > 0.0 and e.gross + grown > r.gross * e.equity:
        return MAX_GROSS
    if r.net > 0.0 and abs(e.net - before + after) > r.net * e.equity:
        return MAX_NET
    if r.sector > 0.0 and e.sector + grown > r.sector * e.equity:
        return MAX_SECTOR
    if t.uses.margin and e.gross + grown > t.a.leverage * e.equity:
        return MAX_LEVERAGE
    return NO_REASON


def begin_day(d: Desk, bar: Any) -> None:
    """Start the day's counters anew at the first bar of a session."""
    g = d.guard
    g.day = bar.session + 1.0
    g.day_equity = d.e.equity
    g.day_orders = 0
    g.day_trades = 0
    if g.halt == DAILY_LOSS:
        g.halt = NO_ROLE


def watch(t: Terms, d: Desk) -> None:
    """Look at the equity at the close: a limit broken is a halt."""
    g, r, equity = d.guard, t.r, d.e.equity
    if equity > g.peak:
        g.peak = equity
    if r.day_loss > 0.0 and g.halt == NO_ROLE and equity < g.day_equity * (1.0 - r.day_loss):
        g.halt = DAILY_LOSS
    if r.drawdown > 0.0 and equity < g.peak * (1.0 - r.drawdown):
        g.halt = DRAWDOWN


def must_leave(t: Terms, d: Desk) -> int:
    """Return the role of the order that closes the position now, or NO_ROLE."""
    if t.uses.margin and t.a.maintenance > 0.0 and d.e.equity < t.a.maintenance * d.e.gross:
        return LIQUIDATION
    if t.uses.limits and t.r.flatten:
        return int(d.guard.halt)
    return NO_ROLE
