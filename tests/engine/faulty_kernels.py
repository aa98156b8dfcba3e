"""Kernels with one fault each, to be put into a copy of a driver."""

from admf_kernels.execution import bar
from admf_kernels.execution.account import Account
from admf_kernels.execution.metrics import Curve, Ledger
from admf_kernels.execution.portfolio import Portfolio, Trade
from admf_kernels.indicators.sma import Constants, State, window_sum
from admf_kernels.numeric import Window

ULP_BAR = 122  # counted from 0


def sma_in_another_order(
    c: Constants, s: State, bars: int, renew: bool, value: float, leaving: float, values: Window
) -> tuple[State, float]:
    """The newest value is added first, then the leaving one subtracted."""
    total = s.total + value - (leaving if bars > c.period else 0.0)
    if renew:
        total = window_sum(values, c.period)
    return State(total), total * c.weight


def _with_cash(p: Portfolio, cash: float) -> Portfolio:
    return Portfolio(
        cash, p.lots, p.entry_ts_ns, p.entry_lots, p.entry_value, p.exit_lots, p.exit_value, p.fees
    )


def open_bar_with_cash_in_another_order(
    c: Account, book: bar.Book, p: Portfolio, m: Ledger, ts_ns: int, open: float
) -> tuple[bar.Book, Portfolio, Ledger, bar.Fill, Trade]:
    """The fee is taken from the cash before the price is."""
    book, after, m, fill, trade = bar.open_bar(c, book, p, m, ts_ns, open)
    if fill.lots != 0.0:
        after = _with_cash(after, p.cash - fill.fee - fill.lots * c.lot_size * fill.price)
    return book, after, m, fill, trade


def open_bar_without_fee_on_close(
    c: Account, book: bar.Book, p: Portfolio, m: Ledger, ts_ns: int, open: float
) -> tuple[bar.Book, Portfolio, Ledger, bar.Fill, Trade]:
    """A fill that closes a trade costs nothing."""
    book, p, m, fill, trade = bar.open_bar(c, book, p, m, ts_ns, open)
    if trade.lots != 0.0:
        p = _with_cash(p, p.cash + fill.fee)
    return book, p, m, fill, trade


def close_bar_that_fills(
    c: Account, book: bar.Book, p: Portfolio, m: Ledger, ts_ns: int, close: float
) -> tuple[bar.Book, Portfolio, Ledger, bar.Fill, Trade]:
    """An order is filled on the bar that made it, whatever the account says."""
    return bar.match_market(c, book, p, m, ts_ns, close)


def mark_one_ulp_off(c: Account, p: Portfolio, curve: Curve, ts_ns: int, close: float) -> Curve:
    """On one bar, one running sum is off by its last bit."""
    m = bar.mark(c, p, curve, ts_ns, close)
    ulp = 1.0000000000000002 if curve.bars == ULP_BAR else 1.0
    return Curve(
        m.bars, m.first_ts_ns, m.last_ts_ns, m.first_close, m.last_close, m.equity, m.equity_peak,
        m.drawdown_max, m.drawdown_sum, m.drawdown_bars, m.drawdown_bars_max, m.return_sum,
        m.return_square_sum * ulp, m.downside_square_sum, m.bars_in_market,
    )  # fmt: skip
