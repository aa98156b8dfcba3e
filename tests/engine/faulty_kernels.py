"""Kernels with one fault each, to be put into a copy of a driver."""

from typing import Any

from admf_kernels.execution.metrics import RETURN_SQUARES, Curve, mark_bar
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
    m: Curve, sums: Any, cash_start: float, ts_ns: int, close: float, equity: float,
    in_market: bool,
) -> Curve:  # fmt: skip
    """On one bar, one running sum is off by its last bit."""
    part = RETURN_SQUARES + (m.bars & 7)
    ulp = 1.0000000000000002 if m.bars == ULP_BAR else 1.0
    m = mark_bar(m, sums, cash_start, ts_ns, close, equity, in_market)
    sums[part] *= ulp
    return m
