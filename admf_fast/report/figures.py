"""The figures of a run as the rows of a table, by the names and units that users know."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from admf_fast.report import values

if TYPE_CHECKING:
    from admf_fast.metrics import DailyFigures, TradeFigures
    from admf_kernels.execution.summary import Summary

Row = tuple[str, str]
ANNUAL_BARS_MIN = 30  # below, a return scaled to a year says nothing


class Figures(Protocol):
    """What is known beyond the summary."""

    @property
    def daily(self) -> DailyFigures:
        """The figures on daily returns."""
        ...

    @property
    def trading(self) -> TradeFigures:
        """The figures of the closed trades."""
        ...


def summary_rows(summary: Summary, timeframe_ns: int, figures: Figures | None = None) -> list[Row]:
    """Return label and value of every figure; money is in account currency [ccy].

    A bar is stamped at its close: the run starts where its first bar opens. What depends on
    the returns' period says it: per bar in the summary, per session day in `figures`.
    """
    return [
        *_period(summary, timeframe_ns),
        *_money(summary),
        *_returns(summary),
        *(_daily(figures.daily, summary.bars) if figures else []),
        *_trades(summary),
        *(_trading(figures.trading) if figures else []),
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
    basis = f"({values.number(s.periods_per_year, 0)} bars/yr)"
    annual, calmar = values.percent(s.annual_return), values.number(s.calmar)
    if s.bars < ANNUAL_BARS_MIN:
        annual = calmar = values.NONE
    return [
        ("Return [%]", values.percent(s.total_return)),
        ("Buy & Hold Return [%]", values.percent(s.market_return)),
        ("Return (Ann.) [%]", annual),
        ("Volatility (Ann.) [%]", values.percent(s.annual_volatility)),
        (f"Sharpe {basis}", values.number(s.sharpe)),
        (f"Sortino {basis}", values.number(s.sortino)),
        ("Calmar Ratio", calmar),
        ("Max. Drawdown [%]", values.percent(s.max_drawdown)),
        ("Avg. Drawdown [%]", values.percent(s.average_drawdown)),
        ("Max. Drawdown Duration [bars]", values.count(s.max_drawdown_bars)),
    ]


def _daily(d: DailyFigures, bars: int) -> list[Row]:
    basis = f"(daily, {values.number(d.days_per_year, 0)} days/yr)"
    # With one bar a day these are the ratios per bar.
    ratios = [(f"Sharpe {basis}", d.sharpe), (f"Sortino {basis}", d.sortino)]
    return [
        ("Session Days", values.count(d.days)),
        *((name, values.number(value)) for name, value in ratios if d.days < bars),
        ("Worst Day [%]", values.percent(d.worst_day)),
        ("Beta (daily)", values.number(d.beta)),
    ]


def _trading(t: TradeFigures) -> list[Row]:
    return [
        ("Trades per Session Day", values.number(t.trades_per_day)),
        ("Avg. Trade Duration", _duration(t.average_duration_s)),
        ("Costs, Share of Gross Profit [%]", values.percent(t.costs_share)),
        ("Break-Even Cost [bps of traded value]", values.number(t.break_even_bps)),
    ]


def _duration(seconds: float) -> str:
    known = math.isfinite(seconds)
    return values.duration(round(seconds) * values.NS_PER_S) if known else values.NONE


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
