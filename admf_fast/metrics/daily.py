"""The figures of a run on returns per session day, beside buying and holding the market."""

from typing import NamedTuple

import numpy as np

from admf_fast.metrics import benchmark as beside
from admf_fast.metrics import distribution, drawdown, ratios, returns
from admf_fast.metrics.days import Days
from admf_fast.metrics.sums import present
from admf_kernels.numeric import nan


class DailyFigures(NamedTuple):
    """Every figure on daily returns; fractions, days. See docs/metrics.md."""

    days: int
    days_per_year: float
    total_return: float
    annual_return: float
    annual_volatility: float
    sharpe: float
    sortino: float
    calmar: float
    omega: float
    max_drawdown: float
    average_drawdown: float
    max_drawdown_days: int
    ulcer_index: float
    stability: float
    skew: float
    kurtosis: float
    tail_ratio: float
    value_at_risk: float
    conditional_value_at_risk: float
    gain_to_pain: float
    best_day: float
    worst_day: float
    days_won: float
    max_consecutive_wins: int
    max_consecutive_losses: int
    alpha: float
    beta: float
    information_ratio: float
    tracking_error: float
    up_capture: float
    down_capture: float


def days_per_year(days: Days, periods_per_year: float) -> float:
    """Return session days per year: counted where `periods_per_year` (of bars) is 0.

    Where it is given, it is a statement about the year: so many bars, hence that number
    over the bars per day. With one bar a day both bases are the same.
    """
    count = len(days.ts_ns)
    if periods_per_year == 0.0 or not count:
        return returns.counted_periods(days.ts_ns)
    return periods_per_year * count / days.bars


def daily_figures(
    days: Days, cash: float, periods_per_year: float, risk_free: float
) -> DailyFigures:
    """Return all figures of an equity curve that began with `cash`, by its daily closes.

    `periods_per_year` is that of the bars, 0 to count; `risk_free` is per year. The market's
    first day is measured from the first close.
    """
    count, year = len(days.ts_ns), days_per_year(days, periods_per_year)
    gains = returns.equity_returns(days.equity, cash)
    market = returns.simple_returns(np.concatenate(([days.first_close], days.close)))
    free = risk_free / year if year > 0.0 else 0.0
    return DailyFigures(
        count,
        year,
        float(days.equity[-1]) / cash - 1.0 if count else nan,
        returns.annual_return(gains, year),
        returns.annual_volatility(gains, year),
        ratios.sharpe_ratio(gains, year, free),
        ratios.sortino_ratio(gains, year),
        drawdown.calmar_ratio(gains, year),
        ratios.omega_ratio(gains, year),
        drawdown.max_drawdown(gains),
        drawdown.average_drawdown(gains),
        drawdown.max_drawdown_periods(gains),
        drawdown.ulcer_index(gains),
        ratios.stability_of_timeseries(gains),
        distribution.skew(gains),
        distribution.kurtosis(gains),
        distribution.tail_ratio(gains),
        distribution.value_at_risk(gains),
        distribution.conditional_value_at_risk(gains),
        ratios.gain_to_pain(gains),
        float(present(gains).max()) if count else nan,
        float(present(gains).min()) if count else nan,
        np.count_nonzero(gains > 0.0) / count if count else nan,
        distribution.max_consecutive_wins(gains),
        distribution.max_consecutive_losses(gains),
        *beside.alpha_beta(gains, market, year, free),
        beside.information_ratio(gains, market, year),
        beside.tracking_error(gains, market, year),
        beside.up_capture(gains, market, year),
        beside.down_capture(gains, market, year),
    )
