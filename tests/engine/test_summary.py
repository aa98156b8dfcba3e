"""The figures of a run, by numpy and statistics from the equity curve, and where they end."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.runners.historical import run_historical
from admf_kernels.execution.metrics import NO_SUMS, Curve
from admf_kernels.execution.records import Ledger
from admf_kernels.execution.summary import NS_PER_YEAR, Summary, summarize
from admf_kernels.execution.terms import Account, Instrument
from admf_kernels.execution.uses import make_terms
from admf_kernels.recording import Bars
from admf_kernels.testing import random_bars
from tests.engine.kit import bars_of, block_of, follow_volume, setup_of
from tests.kernels.strategies import quick

COSTS = make_terms(n=Instrument(fee_rate=0.0002, fee_fixed=1.0, slippage_rate=0.0001))
PERIODS, RISK_FREE = 252.0, 0.03


def _moving(seed: int, bars: int) -> tuple[Bars, Summary, dict]:
    """Run random wishes over random bars; returns the bars, figures and tables."""
    rng = np.random.default_rng(seed)
    drawn = random_bars(bars, seed)
    wishes = np.repeat(rng.integers(0, 3, bars), 7)[:bars] * 4.0
    drawn = drawn._replace(volume=wishes)
    result = run_historical(setup_of(follow_volume, terms=COSTS), [block_of(drawn)])
    state = result.state
    summary = summarize(
        state["curve"], state["sums"], state["ledger"], COSTS.a.cash, PERIODS, RISK_FREE
    )
    tables = {
        n: {c: t.column(c).to_numpy() for c in t.column_names} for n, t in result.tables.items()
    }
    return drawn, summary, tables


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-8, abs_tol=1e-12) or (math.isnan(a) and math.isnan(b))


@quick(25)
@given(st.integers(0, 10**6), st.integers(30, 900))
def test_figures_of_the_curve_are_those_of_the_textbook(seed, bars):
    drawn, found, tables = _moving(seed, bars)
    equity = np.concatenate([[COSTS.a.cash], tables["equity"]["equity"]])
    owned = np.where(equity[:-1] > 0.0, equity[:-1], np.inf)  # on nothing, nothing is gained
    returns = np.diff(equity) / owned
    drawdown = 1.0 - equity / np.maximum.accumulate(equity)
    growth = equity[-1] / COSTS.a.cash
    annual = growth ** (PERIODS / bars) - 1.0 if growth > 0.0 else -1.0
    excess = returns.mean() - RISK_FREE / PERIODS
    downside = math.sqrt(np.square(np.minimum(returns, 0.0)).mean())
    below = "".join("x" if d > 0 else " " for d in drawdown).split()

    assert found.bars == bars
    assert _close(found.total_return, growth - 1.0)
    assert _close(found.market_return, drawn.close[-1] / drawn.close[0] - 1.0)
    assert _close(found.annual_return, annual)
    assert _close(found.annual_volatility, returns.std(ddof=1) * math.sqrt(PERIODS))
    if returns.any():
        assert _close(found.sharpe, excess / returns.std(ddof=1) * math.sqrt(PERIODS))
        assert _close(found.sortino, returns.mean() / downside * math.sqrt(PERIODS))
        assert _close(found.calmar, annual / drawdown.max())
    assert _close(found.max_drawdown, drawdown.max())
    assert _close(found.average_drawdown, drawdown[1:].mean())
    assert found.max_drawdown_bars == max(map(len, below), default=0)
    assert found.equity_final == equity[-1]
    assert found.equity_peak == equity.max()
    assert found.exposure == np.count_nonzero(tables["equity"]["lots"]) / bars


@quick(25)
@given(st.integers(0, 10**6), st.integers(60, 900))
def test_figures_of_trades_are_those_of_the_textbook(seed, bars):
    _, found, tables = _moving(seed, bars)
    trades, fills = tables["trades"], tables["fills"]
    pnl = trades["pnl"]
    gains = [
        p / (abs(n) * e) for p, n, e in zip(pnl, trades["lots"], trades["entry_price"], strict=True)
    ]

    assert found.trades == len(pnl)
    assert found.orders == np.count_nonzero(
        tables["orders"]["sequence"] == tables["orders"]["order_id"]
    )
    assert found.fills == len(fills["lots"])
    assert _close(found.fees, math.fsum(fills["fee"]))
    assert _close(found.turnover, math.fsum(abs(fills["lots"]) * fills["price"]))
    if len(pnl) < 3:
        return
    assert found.win_rate == np.count_nonzero(pnl > 0) / len(pnl)
    assert _close(found.expectancy, math.fsum(pnl) / len(pnl))
    assert _close(found.best_trade, max(gains))
    assert _close(found.worst_trade, min(gains))
    assert _close(found.average_trade, statistics.fmean(gains))
    sqn = math.sqrt(len(gains)) * statistics.fmean(gains) / statistics.stdev(gains)
    assert _close(found.sqn, sqn)
    if (pnl <= 0).any():
        assert _close(found.profit_factor, pnl[pnl > 0].sum() / -pnl[pnl <= 0].sum())


NOTHING = summarize(Curve(), NO_SUMS, Ledger(), 1000.0, 0.0, 0.0)
TRADE_RATIOS = ("win_rate", "profit_factor", "expectancy", "best_trade", "worst_trade",
                "average_trade", "sqn")  # fmt: skip


def test_no_bars_are_no_change():
    assert (NOTHING.bars, NOTHING.equity_final, NOTHING.total_return) == (0, 1000.0, 0.0)
    assert (NOTHING.exposure, NOTHING.max_drawdown, NOTHING.fees) == (0.0, 0.0, 0.0)
    assert math.isnan(NOTHING.annual_return)


@pytest.mark.parametrize("bars", [1, 2, 50])
def test_without_trades_their_ratios_have_no_meaning(bars):
    rows = [(10.0 + k, 10.0 + k, 4.0) for k in range(bars)]
    found = run_historical(setup_of(follow_volume), [bars_of(rows)]).summary

    assert (found.trades, found.fills, found.fees, found.total_return) == (0, 0, 0.0, 0.0)
    assert all(math.isnan(getattr(found, name)) for name in TRADE_RATIOS)


def test_one_bar_has_no_deviation_and_no_counted_year():
    found = run_historical(setup_of(follow_volume), [bars_of([(10.0, 11.0, 8.0)])]).summary

    assert found.periods_per_year == 0.0
    assert math.isnan(found.sharpe)
    assert math.isnan(found.annual_volatility)
    assert math.isnan(found.annual_return)


def test_an_equity_that_never_moves_has_volatility_zero_and_no_ratios():
    """Zero variance divides nothing."""
    rows = [(10.0, 10.0, 4.0)] * 100
    found = run_historical(setup_of(follow_volume), [bars_of(rows)]).summary

    assert (found.annual_volatility, found.max_drawdown) == (0.0, 0.0)
    assert all(math.isnan(r) for r in (found.sharpe, found.sortino, found.calmar))


def test_periods_are_counted_between_first_and_last_close():
    rows = [(10.0, 10.0, 4.0)] * 100
    found = run_historical(setup_of(follow_volume), [bars_of(rows)]).summary
    years = (found.end_ts_ns - found.start_ts_ns) / NS_PER_YEAR

    assert math.isclose(found.periods_per_year, 99 / years, rel_tol=1e-15)


def test_an_account_that_lost_everything_has_lost_a_hundred_per_cent_a_year():
    rows = [(10.0, 10.0, 0.0), (10.0, 10.0, 0.0), (100.0, 100.0, 0.0), (100.0, 100.0, 4.0)]
    terms = make_terms(Account(cash=20.0, sizing=0, sizing_value=1.0))
    found = run_historical(setup_of(follow_volume, terms=terms), [bars_of(rows)]).summary

    assert found.equity_final == -70.0
    assert found.annual_return == -1.0
    assert found.max_drawdown == 1.0 + 70.0 / 20.0
