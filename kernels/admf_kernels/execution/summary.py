"""The figures of a run from its running sums; each is defined here and nowhere else.

Fractions, not per cent. Zero trades, zero bars or zero variance give 0 where the figure
is a sum or a rate, and NaN where it has no meaning (a ratio to nothing).
"""

import math
from typing import NamedTuple

from admf_kernels.execution.metrics import (
    DOWNSIDE_SQUARES,
    DRAWDOWNS,
    RETURN_SQUARES,
    RETURNS,
    Curve,
    Sums,
    total,
)
from admf_kernels.execution.records import Ledger
from admf_kernels.numeric import exp, log, nan

NS_PER_YEAR = 31_557_600_000_000_000.0  # 365.25 days


class Summary(NamedTuple):
    """Every figure of a run; see `summarize` for the definitions."""

    bars: int
    start_ts_ns: int
    end_ts_ns: int
    periods_per_year: float
    equity_final: float
    equity_peak: float
    total_return: float
    market_return: float
    annual_return: float
    annual_volatility: float
    sharpe: float
    sortino: float
    calmar: float
    max_drawdown: float
    average_drawdown: float
    max_drawdown_bars: int
    exposure: float
    trades: int
    win_rate: float
    profit_factor: float
    expectancy: float
    best_trade: float
    worst_trade: float
    average_trade: float
    sqn: float
    fees: float
    turnover: float
    orders: int
    fills: int


def summarize(
    curve: Curve, sums: Sums, ledger: Ledger, cash: float, periods_per_year: float,
    risk_free: float,
) -> Summary:  # fmt: skip
    """Return all figures of a run from its curve, the sums of that, and its ledger.

    ``periods_per_year`` 0 counts them: bars after the first over the years between first
    and last close (365.25 days each). Returns are simple, per bar; volatility uses ddof 1;
    Sharpe is ``(mean - risk_free / periods) / deviation * sqrt(periods)``; Sortino is the mean
    over the root of the mean square of negative returns (target 0 in both, over all bars);
    without any deviation or any loss these two are infinite, or NaN for 0 by 0;
    `annual_return` is geometric over the bars; Calmar is `annual_return` over the largest
    drawdown. `expectancy` and the trade returns are per closed trade, relative to the
    value at entry; SQN is ``sqrt(trades) * mean / deviation`` of them.
    """
    periods = periods_of(curve, periods_per_year)
    annual_return = _annual_return(growth_of(curve, cash), curve.bars, periods)
    return summary_with(curve, sums, ledger, cash, periods, risk_free, annual_return)


def periods_of(curve: Curve, periods_per_year: float) -> float:
    """Return the bars per year, counted where they are not given."""
    if periods_per_year != 0.0:
        return periods_per_year
    return counted_periods(curve.bars, curve.last_ts_ns - curve.first_ts_ns)


def growth_of(curve: Curve, cash: float) -> float:
    """Return the equity at the end over the cash at the start."""
    return ratio(curve.equity, cash) if curve.bars > 0 else 1.0


def summary_with(
    curve: Curve, sums: Sums, ledger: Ledger, cash: float, periods: float, risk_free: float,
    annual_return: float,
) -> Summary:  # fmt: skip
    """Return all figures, of which the annual return is known."""
    bars = curve.bars
    growth = growth_of(curve, cash)
    returns = total(sums, RETURNS)
    mean = ratio(returns, bars)
    deviation = sample_deviation(returns, total(sums, RETURN_SQUARES), bars)
    excess = mean - (risk_free / periods if periods > 0.0 else 0.0)
    root = math.sqrt(periods)
    downside = math.sqrt(ratio(total(sums, DOWNSIDE_SQUARES), bars)) if bars > 0 else 0.0
    trades = ledger.trades
    trade_mean = ratio(ledger.trade_return_sum, trades)
    trade_deviation = sample_deviation(
        ledger.trade_return_sum, ledger.trade_return_square_sum, trades
    )
    return Summary(
        bars,
        curve.first_ts_ns,
        curve.last_ts_ns,
        periods,
        curve.equity if bars > 0 else cash,
        curve.equity_peak if bars > 0 else cash,
        growth - 1.0,
        ratio(curve.last_close, curve.first_close) - 1.0 if bars > 0 else 0.0,
        annual_return,
        deviation * root,
        quotient(excess, deviation) * root,
        quotient(mean, downside) * root,
        ratio(annual_return, curve.drawdown_max),
        curve.drawdown_max,
        total(sums, DRAWDOWNS) / bars if bars > 0 else 0.0,
        curve.drawdown_bars_max,
        curve.bars_in_market / bars if bars > 0 else 0.0,
        trades,
        ratio(ledger.trades_won * 1.0, trades),
        ratio(ledger.profit_gross, ledger.loss_gross),
        ratio(ledger.profit_gross - ledger.loss_gross, trades),
        ledger.trade_return_best if trades > 0 else nan,
        ledger.trade_return_worst if trades > 0 else nan,
        trade_mean,
        ratio(trade_mean, trade_deviation) * math.sqrt(trades * 1.0),
        ledger.fees,
        ledger.turnover,
        ledger.orders,
        ledger.fills,
    )


def ratio(a: float, b: float) -> float:
    """Return ``a / b``, NaN where `b` is 0."""
    return a / b if b != 0.0 else nan


def quotient(a: float, b: float) -> float:
    """Return ``a / b`` as IEEE has it: something by 0 is infinite, 0 by 0 is NaN."""
    if b != 0.0:
        return a / b
    if not (a > 0.0 or a < 0.0):
        return nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def sample_deviation(total: float, square_total: float, count: int) -> float:
    """Return the sample standard deviation (ddof 1) from running sums; NaN under 2 values."""
    if count < 2:
        return nan
    variance = (square_total - total * total / count) / (count - 1)
    return math.sqrt(variance) if variance > 0.0 else 0.0


def counted_periods(bars: int, span_ns: int) -> float:
    """Return bars per year: those after the first, over the span from the first to the last."""
    return (bars - 1) * (NS_PER_YEAR / span_ns) if bars > 1 and span_ns > 0 else 0.0


def _annual_return(growth: float, bars: int, periods: float) -> float:
    if bars == 0 or periods == 0.0:
        return nan
    if growth <= 0.0:
        return -1.0
    return exp(log(growth) * (periods / bars)) - 1.0
