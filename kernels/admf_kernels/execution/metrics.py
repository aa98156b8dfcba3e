"""The statistics of a run, advanced bar by bar; what the figures mean is said in `summary`."""

from typing import NamedTuple

from admf_kernels.execution.portfolio import Trade
from admf_kernels.numeric import select


class Curve(NamedTuple):
    """Running sums over the bars: the equity curve and the market beside it."""

    bars: int = 0
    first_ts_ns: int = 0
    last_ts_ns: int = 0
    first_close: float = 0.0
    last_close: float = 0.0
    equity: float = 0.0
    equity_peak: float = 0.0
    drawdown_max: float = 0.0  # fraction of the peak
    drawdown_sum: float = 0.0  # of the drawdown on every bar
    drawdown_bars: int = 0  # bars since the peak
    drawdown_bars_max: int = 0
    return_sum: float = 0.0  # simple returns per bar
    return_square_sum: float = 0.0
    downside_square_sum: float = 0.0
    bars_in_market: int = 0


class Ledger(NamedTuple):
    """Running sums over orders, fills and closed trades."""

    orders: int = 0
    fills: int = 0
    fees: float = 0.0
    turnover: float = 0.0  # notional traded
    trades: int = 0
    trades_won: int = 0
    profit_gross: float = 0.0
    loss_gross: float = 0.0  # positive
    trade_return_sum: float = 0.0
    trade_return_square_sum: float = 0.0
    trade_return_best: float = 0.0
    trade_return_worst: float = 0.0


def mark_bar(
    m: Curve, cash_start: float, ts_ns: int, close: float, equity: float, in_market: bool
) -> Curve:
    """Return the curve after a bar that closed at `close` with `equity`."""
    first = m.bars == 0
    before = select(first, cash_start, m.equity)
    peak_before = select(first, cash_start, m.equity_peak)
    # A return on nothing, or on debt, has no meaning: it counts as zero.
    gain = select(before > 0.0, equity / select(before > 0.0, before, 1.0) - 1.0, 0.0)
    loss = select(gain < 0.0, gain, 0.0)
    higher = equity >= peak_before
    peak = select(higher, equity, peak_before)
    drawdown = select(peak > 0.0, 1.0 - equity / select(peak > 0.0, peak, 1.0), 0.0)
    drawdown_bars = select(higher, 0, m.drawdown_bars + 1)
    return Curve(
        m.bars + 1,
        select(first, ts_ns, m.first_ts_ns),
        ts_ns,
        select(first, close, m.first_close),
        close,
        equity,
        peak,
        select(drawdown > m.drawdown_max, drawdown, m.drawdown_max),
        m.drawdown_sum + drawdown,
        drawdown_bars,
        select(drawdown_bars > m.drawdown_bars_max, drawdown_bars, m.drawdown_bars_max),
        m.return_sum + gain,
        m.return_square_sum + gain * gain,
        m.downside_square_sum + loss * loss,
        m.bars_in_market + select(in_market, 1, 0),
    )


def count_order(m: Ledger) -> Ledger:
    """Return the ledger after one more order."""
    return Ledger(
        m.orders + 1, m.fills, m.fees, m.turnover, m.trades, m.trades_won, m.profit_gross,
        m.loss_gross, m.trade_return_sum, m.trade_return_square_sum, m.trade_return_best,
        m.trade_return_worst,
    )  # fmt: skip


def count_fill(m: Ledger, notional: float, fee: float, trade: Trade) -> Ledger:
    """Return the ledger after a fill and the trade it closed (``trade.lots`` 0 for none)."""
    closed = trade.lots != 0.0
    gain = trade.pnl / trade.entry_value if trade.entry_value > 0.0 else 0.0
    first = m.trades == 0
    won = closed and trade.pnl > 0.0
    better = closed and (first or gain > m.trade_return_best)
    worse = closed and (first or gain < m.trade_return_worst)
    return Ledger(
        m.orders,
        m.fills + 1,
        m.fees + fee,
        m.turnover + notional,
        m.trades + (1 if closed else 0),
        m.trades_won + (1 if won else 0),
        m.profit_gross + (trade.pnl if won else 0.0),
        m.loss_gross - (trade.pnl if closed and not won else 0.0),
        m.trade_return_sum + gain,
        m.trade_return_square_sum + gain * gain,
        gain if better else m.trade_return_best,
        gain if worse else m.trade_return_worst,
    )
