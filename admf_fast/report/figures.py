"""The figures of a run as the rows of a table, by the names and units that users know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admf_fast.report import values

if TYPE_CHECKING:
    from admf_kernels.execution.summary import Summary

Row = tuple[str, str]
ANNUAL_BARS_MIN = 30  # below, a return scaled to a year says nothing


def summary_rows(summary: Summary, timeframe_ns: int) -> list[Row]:
    """Return label and value of every figure; money is in account currency [ccy].

    A bar is stamped at its close: the run starts where its first bar opens.
    """
    return [
        *_period(summary, timeframe_ns),
        *_money(summary),
        *_returns(summary),
        *_trades(summary),
    ]


def _period(s: Summary, timeframe_ns: int) -> list[Row]:
    start_ns = s.start_ts_ns - timeframe_ns
    dates = [values.NONE] * 3
    if s.bars:
        dates = [
            values.time(start_ns),
            values.time(s.end_ts_ns),
            values.duration(s.end_ts_ns - start_ns),
        ]
    return [
        *zip(("Start", "End", "Duration"), dates, strict=True),
        ("Bars", values.count(s.bars)),
        ("Bars per Year", values.number(s.periods_per_year)),
        ("Exposure Time [%]", values.percent(s.exposure)),
    ]


def _money(s: Summary) -> list[Row]:
    return [
        ("Equity Final [ccy]", values.number(s.equity_final)),
        ("Equity Peak [ccy]", values.number(s.equity_peak)),
        ("Fees [ccy]", values.number(s.fees)),
        ("Turnover [ccy]", values.number(s.turnover)),
    ]


def _returns(s: Summary) -> list[Row]:
    annual, calmar = values.percent(s.annual_return), values.number(s.calmar)
    if s.bars < ANNUAL_BARS_MIN:
        annual = calmar = values.NONE
    return [
        ("Return [%]", values.percent(s.total_return)),
        ("Buy & Hold Return [%]", values.percent(s.market_return)),
        ("Return (Ann.) [%]", annual),
        ("Volatility (Ann.) [%]", values.percent(s.annual_volatility)),
        ("Sharpe Ratio", values.number(s.sharpe)),
        ("Sortino Ratio", values.number(s.sortino)),
        ("Calmar Ratio", calmar),
        ("Max. Drawdown [%]", values.percent(s.max_drawdown)),
        ("Avg. Drawdown [%]", values.percent(s.average_drawdown)),
        ("Max. Drawdown Duration [bars]", values.count(s.max_drawdown_bars)),
    ]


def _trades(s: Summary) -> list[Row]:
    return [
        ("# Orders", values.count(s.orders)),
        ("# Fills", values.count(s.fills)),
        ("# Trades", values.count(s.trades)),
        ("Win Rate [%]", values.percent(s.win_rate)),
        ("Best Trade [%]", values.percent(s.best_trade)),
        ("Worst Trade [%]", values.percent(s.worst_trade)),
        ("Avg. Trade [%]", values.percent(s.average_trade)),
        ("Profit Factor", values.number(s.profit_factor)),
        ("Expectancy [ccy]", values.number(s.expectancy)),
        ("SQN", values.number(s.sqn)),
    ]
