"""The fill: the one place where an order changes cash, position, ledger and log."""

import math
from typing import Any

from admf_kernels.execution.brackets import cancel_exits, place_exits
from admf_kernels.execution.costs import cash_after, payable
from admf_kernels.execution.log import fill_row, trade_row
from admf_kernels.execution.orders import ENTRY_PLACE, become, end, free
from admf_kernels.execution.portfolio import Trade, apply_fill, count_fill
from admf_kernels.execution.reasons import (
    BREAK_EVEN,
    CANCELED,
    CASH,
    FILLED,
    FOK,
    IOC,
    MARKET,
    NOT_AT_ONCE,
    NOTHING_TO_CLOSE,
    PARTIALLY_FILLED,
    REQUEST,
    REVERSAL,
    STOP,
    STOP_LOSS,
    TRAILING_STOP,
)
from admf_kernels.execution.records import Desk, restate
from admf_kernels.execution.sizing import is_sized, lots_at_fill
from admf_kernels.execution.terms import ENTRIES, NO_BRACKETS, Terms
from admf_kernels.numeric import floor


def wanted_lots(o: Any, q: Any) -> float:
    """Return the signed lots an order still wants, given the position."""
    if o.to_goal:
        left = o.goal - q.lots
        return left if (left > 0.0) == (o.lots > 0.0) else 0.0
    if o.reduce_only:
        if q.lots == 0.0 or (o.lots > 0.0) == (q.lots > 0.0):
            return 0.0
        return o.lots if abs(o.lots) < abs(q.lots) else -q.lots
    return float(o.lots)


def execute(
    t: Terms, d: Desk, bar: Any, k: int, o: Any, price: float, moment: float, maker: bool
) -> None:
    """Fill the order `o` in place `k` at `price`, as far as volume and money allow.

    What the volume leaves keeps working, unless the order's time in force forbids it; what
    the money cannot pay is canceled.
    """
    d.now.slips = True
    entry = k == ENTRY_PLACE and o.kind == MARKET and o.goal != 0.0
    if t.a.size_at_fill and entry and not is_sized(t, d, o):
        o.goal = lots_at_fill(t, d, bar, d.intent.signal, price)
    wanted = wanted_lots(o, d.q)
    if wanted == 0.0:
        end(t, d, o, o.lots, CANCELED, NOTHING_TO_CLOSE)
        return
    d.now.slips = _slips(t.n, o, wanted, d.q.lots)
    possible = wanted
    if t.uses.volume and abs(possible) > d.now.volume_left:
        possible = d.now.volume_left if wanted > 0.0 else -d.now.volume_left
    lots, at, fee = payable(t, d, bar, possible, price, maker, o.limit)
    if o.tif == FOK and lots != wanted:
        end(t, d, o, wanted, CANCELED, NOT_AT_ONCE)
        return
    if t.a.reject and lots != possible:
        end(t, d, o, wanted, CANCELED, CASH)
        return
    rest = wanted - lots
    before = d.q.lots
    opened = False
    if lots != 0.0:
        d.now.volume_left -= abs(lots)
        opened = book(t, d, bar, o, lots, rest, price, at, fee, moment, maker)
    o.lots = rest
    stop_loss, take_profit = o.stop_loss, o.take_profit
    by_stop = o.kind == STOP or o.kind == TRAILING_STOP
    if rest == 0.0:
        free(d, o)
    elif lots != possible:
        end(t, d, o, rest, CANCELED, CASH)
    elif o.tif == IOC:
        end(t, d, o, rest, CANCELED, NOT_AT_ONCE)
    if before != 0.0 and (d.q.lots == 0.0 or opened):
        cancel_exits(t, d, k)
    if opened:
        d.now.entered_by_stop = by_stop
        if t.uses.brackets:
            place_exits(t, d, bar, stop_loss, take_profit)


def _slips(n: Any, o: Any, lots: float, held: float) -> bool:
    """Return whether slippage moves the price of a fill."""
    if n.slippage_on == NO_BRACKETS:
        return not (o.role >= STOP_LOSS and o.role <= BREAK_EVEN)
    if n.slippage_on == ENTRIES:
        return bool(held * lots >= 0.0 or abs(lots) > abs(held))
    return True


def book(
    t: Terms, d: Desk, bar: Any, o: Any, lots: float, rest: float, price: float, at: float,
    fee: float, moment: float, maker: bool,
) -> bool:  # fmt: skip
    """Book a fill of `lots` at `at`, the market being at `price`.

    Returns whether it opened a position.
    """
    before = d.q.lots
    trade = apply_fill(d.q, bar.ts_ns, bar.worth, lots, at, fee)
    cash = d.wallet.cash
    d.wallet.cash = cash_after(cash, lots, bar.worth, at, fee)
    if t.uses.margin:
        restate(d, bar.worth, before, cash, price)
    count_fill(d.ledger, bar.ts_ns, abs(lots) * bar.worth * at, fee, trade)
    d.book.sequence += 1
    become(d, o, FILLED if rest == 0.0 else PARTIALLY_FILLED)
    o.filled += lots
    if d.log.fills != 0:
        _log_fill(d, o, lots, at, fee, maker)
    if trade.lots != 0.0:
        _close(t, d, bar, o.role, before > 0.0, at, moment, trade)
    if d.q.lots == 0.0 or (before != 0.0 and trade.lots == 0.0):
        return False
    _open(t, d, bar, at, moment)
    return True


def _log_fill(d: Desk, o: Any, lots: float, at: float, fee: float, maker: bool) -> None:
    row = fill_row(d.log)
    row.row = d.log.row
    row.sequence = d.book.sequence
    row.instrument = d.log.instrument
    row.order_id = o.id
    row.status = o.status
    row.role = o.role
    row.lots = int(lots)
    row.price = at
    row.fee = fee
    row.liquidity = int(maker)


def _log_trade(
    d: Desk, bar: Any, role: int, long: bool, at: float, moment: float, trade: Trade
) -> None:
    span = d.span
    highest = at if at > span.highest else span.highest
    lowest = at if at < span.lowest else span.lowest
    if moment >= 2.0 and d.now.entered < 1.0:  # held to the close from the open on
        highest = bar.high if bar.high > highest else highest
        lowest = bar.low if bar.low < lowest else lowest
    entry = trade.entry_price
    # A sale at nothing, which slippage may come to, has no moves to measure.
    up, down = (highest / entry - 1.0, lowest / entry - 1.0) if entry > 0.0 else (0.0, 0.0)
    # Entries at several prices may leave their mean outside of what was seen.
    up, down = up if up > 0.0 else 0.0, down if down < 0.0 else 0.0
    row = trade_row(d.log)
    row.row = d.log.row
    row.sequence = d.book.sequence
    row.instrument = d.log.instrument
    row.entry_ts_ns = trade.entry_ts_ns
    row.lots = int(trade.lots)
    row.entry_price = trade.entry_price
    row.exit_price = trade.exit_price
    row.pnl = trade.pnl
    row.fees = trade.fees
    row.reason = role
    row.bars = span.bars
    # Adding 0.0 makes -0.0 plain.
    row.mae = (down if long else -up) + 0.0
    row.mfe = (up if long else -down) + 0.0


def _close(
    t: Terms, d: Desk, bar: Any, role: int, long: bool, at: float, moment: float, trade: Trade
) -> None:
    """Log the trade, and remember why it was closed."""
    if d.log.trades != 0:
        _log_trade(d, bar, role, long, at, moment, trade)
    if role > REVERSAL and role != REQUEST:
        remembered = (t.x.memory >> role) & 1 != 0
        side = 1.0 if long else -1.0
        d.intent.blocked = side if remembered else 0.0
        d.intent.again = not remembered
    d.span.bars = 0
    d.span.highest = 0.0
    d.span.lowest = 0.0
    q = d.q
    q.entry_price = 0.0
    q.entry_atr = 0.0
    q.stop = 0.0
    q.stop_role = 0
    q.inside = False


def _open(t: Terms, d: Desk, bar: Any, at: float, moment: float) -> None:
    """Begin to track a new position."""
    d.q.entry_price = at
    d.q.entry_atr = bar.atr_before
    d.span.highest = at
    d.span.lowest = at
    d.now.entered = moment
    d.now.entered_at = at
    d.now.stop_in_reach = False
    if t.uses.limits:
        d.guard.day_trades += 1


def volume_lots(t: Terms, bar: Any) -> float:
    """Return the most lots that orders may take from this bar."""
    if t.a.participation <= 0.0:
        return math.inf
    return floor(t.a.participation * bar.volume / t.n.lot_size)
