"""Kernels with one fault each, to be put into a copy of a driver."""

from admf_kernels.execution.metrics import Curve, mark_bar
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


def mark_one_ulp_off(
    m: Curve, cash_start: float, ts_ns: int, close: float, equity: float, in_market: bool
) -> Curve:
    """On one bar, one running sum is off by its last bit."""
    ulp = 1.0000000000000002 if m.bars == ULP_BAR else 1.0
    m = mark_bar(m, cash_start, ts_ns, close, equity, in_market)
    return Curve(
        m.bars, m.first_ts_ns, m.last_ts_ns, m.first_close, m.last_close, m.equity, m.equity_peak,
        m.drawdown_max, m.drawdown_sum, m.drawdown_bars, m.drawdown_bars_max, m.return_sum,
        m.return_square_sum * ulp, m.downside_square_sum, m.bars_in_market, m.anchor,
        m.per_equity, m.per_peak,
    )  # fmt: skip
