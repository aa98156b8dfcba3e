"""How many lots a signal means."""

import math
from typing import Any

from admf_kernels.execution.brackets import distance
from admf_kernels.execution.costs import affordable_lots, cash_after, quote
from admf_kernels.execution.records import Desk
from admf_kernels.execution.terms import (
    ALL_IN,
    CUSTOM,
    FIXED,
    KELLY,
    LOTS_MAX,
    PERCENT,
    RISK,
    VOLATILITY,
    Terms,
)
from admf_kernels.numeric import floor


def allowed_signal(a: Any, signal: float) -> float:
    """Return the signal with the directions the account does not trade set to 0."""
    if signal > 0.0:
        return signal if a.long_allowed else 0.0
    if signal < 0.0:
        return signal if a.short_allowed else 0.0
    return 0.0


def target_lots(t: Terms, d: Desk, bar: Any, signal: float) -> float:
    """Return the signed whole lots that `signal` asks for at the bar's close.

    ``FIXED``: the signal's share of a set quantity. ``PERCENT`` and ``ALL_IN``: what the
    signal's share of that fraction of the equity buys, costs included. ``RISK``: as many
    lots as lose the fraction of equity when the stop is hit. ``VOLATILITY``: the exposure
    whose annual volatility is the target. ``KELLY``: a part of the Kelly fraction of the
    closed trades. ``CUSTOM``: a kernel's answer, in lots. The last four buy at most
    ``sizing_most`` of the equity. Rounded towards zero, so nothing is left over that is
    less than a lot.
    """
    strength, equity = abs(signal), d.e.equity
    if strength == 0.0:
        return 0.0
    a = t.a
    if a.sizing == FIXED:
        # Values this large are refused with the configuration.
        lots = floor(strength * a.sizing_value)
    elif a.sizing == RISK:
        lost = distance(t.x.stop, t.x.stop_value, bar.close, bar.atr) * bar.worth
        lots = _most(t, bar, equity, _whole(strength * equity * a.sizing_value, lost))
    elif a.sizing == VOLATILITY:
        yearly = bar.deviation * math.sqrt(a.sizing_periods) * bar.close * bar.worth
        lots = _most(t, bar, equity, _whole(strength * equity * a.sizing_value, yearly))
    elif a.sizing == KELLY:
        share = strength * kelly_share(a, d.ledger)
        lots = affordable_lots(t.n, bar.worth, equity * share, bar.close, 1.0)
    elif a.sizing == CUSTOM:
        asked = t.size_of(signal, equity, bar.close, bar.worth, bar.atr, bar.deviation)
        lots = _most(t, bar, equity, _whole(abs(asked), 1.0))
    else:
        money = equity * a.sizing_value * strength
        lots = affordable_lots(t.n, bar.worth, money, bar.close, 1.0)
    return lots if signal > 0.0 else -lots


def lots_at_fill(t: Terms, d: Desk, bar: Any, signal: float, price: float) -> float:
    """Return the signed whole lots that `signal` asks for where its order fills at `price`.

    Of one instrument only: the equity is the cash and its position at that price, less what
    leaving the position costs where the order turns it. A fixed fee is paid once.
    """
    side = 1.0 if signal > 0.0 else -1.0
    held = d.q.lots
    money = d.wallet.cash + held * bar.worth * price
    if held * side < 0.0:
        at, fee = quote(t, d, bar, -held, price, False, 0.0)
        money = cash_after(d.wallet.cash, -held, bar.worth, at, fee) + t.n.fee_fixed
    share = money * t.a.sizing_value * abs(signal)
    return side * affordable_lots(t.n, bar.worth, share, price, side)


def is_sized(t: Terms, d: Desk, o: Any) -> bool:
    """Return whether `lots_at_fill` would only find again what `target_lots` found for an order.

    That is so for a purchase from no position, as long as its being accepted is the last event:
    on the bar whose close made it, before anything else has filled there.
    """
    share = t.a.sizing == PERCENT or t.a.sizing == ALL_IN
    flat = d.q.lots == 0.0 and d.e.equity == d.wallet.cash
    return share and flat and d.intent.signal > 0.0 and d.book.sequence == o.id


def _whole(amount: float, each: float) -> float:
    """Return how many whole times `each` goes into `amount`; 0 where that has no meaning."""
    if not (each > 0.0 and amount > 0.0):
        return 0.0
    count = amount / each
    return floor(count) if count < LOTS_MAX else LOTS_MAX


def _most(t: Terms, bar: Any, equity: float, lots: float) -> float:
    """Return `lots`, but no more than ``sizing_most`` of the equity buys."""
    most = affordable_lots(t.n, bar.worth, equity * t.a.sizing_most, bar.close, 1.0)
    return lots if lots < most else most


def kelly_share(a: Any, m: Any) -> float:
    """Return the fraction of equity by Kelly: ``W - (1 - W) / R``, times ``sizing_value``.

    W is the share of trades won, R the mean win over the mean loss, of all trades closed so
    far. ``sizing_before`` until there are ``sizing_trades`` of them.
    """
    lost = m.trades - m.trades_won
    if m.trades < a.sizing_trades:
        return a.sizing_before
    if m.trades_won == 0:
        return 0.0
    if lost == 0 or m.loss_gross <= 0.0:
        return a.sizing_most
    won = m.trades_won / m.trades
    payoff = (m.profit_gross / m.trades_won) / (m.loss_gross / lost)
    share = a.sizing_value * (won - (1.0 - won) / payoff)
    if not share > 0.0:
        return 0.0
    return share if share < a.sizing_most else a.sizing_most
