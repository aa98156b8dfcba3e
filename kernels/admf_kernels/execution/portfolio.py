"""Position and the round trip; a fill changes them in one place."""

from typing import Any, NamedTuple

from admf_kernels.execution.costs import month_end_ns
from admf_kernels.numeric import floor


class Trade(NamedTuple):
    """A closed round trip; ``lots`` is 0 where none closed."""

    lots: float  # signed by its direction
    entry_ts_ns: int
    entry_price: float
    exit_price: float
    pnl: float  # after fees, account currency
    fees: float
    entry_value: float


def apply_fill(q: Any, ts_ns: int, worth: float, lots: float, price: float, fee: float) -> Trade:
    """Change position `q` by a fill of signed `lots`; returns the trade it closed.

    `worth` is the account currency of one lot at price 1. A round trip runs from flat to
    flat; a fill through zero closes one and opens the next, its fee shared by lots. Partial
    exits stay in the round trip.
    """
    opposite = (q.lots > 0.0 and lots < 0.0) or (q.lots < 0.0 and lots > 0.0)
    size = abs(lots)
    held = abs(q.lots)
    closing = (size if size < held else held) if opposite else 0.0
    opening = size - closing
    fee_closing = fee if opening == 0.0 else fee * (closing / size)
    q.exit_lots += closing
    q.exit_points += closing * price
    q.exit_value += closing * worth * price
    if closing > 0.0 and closing == held:
        q.fees += fee_closing
        trade = _closed(q)
        q.lots += lots
        q.entry_ts_ns = ts_ns if opening > 0.0 else 0
        q.entry_lots = opening
        q.entry_points = opening * price
        q.entry_value = opening * worth * price
        q.exit_lots = 0.0
        q.exit_points = 0.0
        q.exit_value = 0.0
        q.fees = fee - fee_closing
        return trade
    if q.lots == 0.0:
        q.entry_ts_ns = ts_ns
    q.lots += lots
    q.entry_lots += opening
    q.entry_points += opening * price
    q.entry_value += opening * worth * price
    q.fees += fee
    return Trade(0.0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)


def _closed(q: Any) -> Trade:
    """Return the trade of a round trip whose last lots are being closed."""
    gain = q.exit_value - q.entry_value
    pnl = (gain if q.lots > 0.0 else -gain) - q.fees
    lots = q.entry_lots if q.lots > 0.0 else -q.entry_lots
    entry_price = q.entry_points / q.entry_lots
    exit_price = q.exit_points / q.exit_lots
    return Trade(lots, q.entry_ts_ns, entry_price, exit_price, pnl, q.fees, q.entry_value)


def split_lots(q: Any, whole: float) -> None:
    """Restate position `q` after a split that leaves signed `whole` lots of it.

    The values of its fills stay what they were. With no lot left the round trip is over,
    without a trade.
    """
    if q.lots != 0.0:
        kept = whole / q.lots
        q.entry_lots = settled(q.entry_lots * kept)
        q.exit_lots = settled(q.exit_lots * kept)
        if whole == 0.0:
            q.entry_ts_ns = 0
            q.entry_points = 0.0
            q.entry_value = 0.0
            q.exit_points = 0.0
            q.exit_value = 0.0
            q.fees = 0.0
    q.lots = whole


def settled(lots: float) -> float:
    """Return `lots`, or the whole number that they are but for their last bits."""
    whole = floor(lots + 0.5)
    near = abs(lots - whole) <= 1e-9 + 1e-12 * abs(lots)
    return whole + 0.0 if near else lots


def count_fill(m: Any, ts_ns: int, notional: float, fee: float, trade: Trade) -> None:
    """Count a fill, and the trade it closed, in the ledger."""
    m.fills += 1
    m.fees += fee
    m.turnover += notional
    if ts_ns >= m.month_end_ns:
        m.month_turnover = 0.0
        m.month_end_ns = month_end_ns(ts_ns)
    m.month_turnover += notional
    if trade.lots == 0.0:
        return
    gain = trade.pnl / trade.entry_value if trade.entry_value > 0.0 else 0.0
    first = m.trades == 0
    m.trades += 1
    if trade.pnl > 0.0:
        m.trades_won += 1
        m.profit_gross += trade.pnl
    else:
        m.loss_gross -= trade.pnl
    m.trade_return_sum += gain
    m.trade_return_square_sum += gain * gain
    if first or gain > m.trade_return_best:
        m.trade_return_best = gain
    if first or gain < m.trade_return_worst:
        m.trade_return_worst = gain
