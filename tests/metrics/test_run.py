"""The figures of a run: the summary's are the package's, and the daily ones are of its closes."""

import json
import math

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from admf_fast import jobs, metrics
from admf_fast.config import parse_config
from admf_fast.data import SynthSpec, write_synth
from admf_fast.feeds import replay
from admf_fast.runners.figures import metrics_of, run_figures
from admf_fast.runners.historical import HistoricalRunner, run_historical
from admf_fast.runners.live import run_live
from admf_kernels.execution.summary import summarize
from admf_kernels.execution.terms import Instrument
from admf_kernels.execution.uses import make_terms
from admf_kernels.testing import random_bars
from tests.engine.kit import block_of, follow_volume, setup_of
from tests.kernels.strategies import quick

COSTS = make_terms(n=Instrument(fee_rate=0.0002, fee_fixed=1.0, slippage_rate=0.0001))
PERIODS, RISK_FREE = 98_280.0, 0.03


def run(seed, bars):
    """Random wishes over random bars."""
    rng = np.random.default_rng(seed)
    drawn = random_bars(bars, seed)
    wishes = np.repeat(rng.integers(0, 3, bars), 7)[:bars] * 4.0
    return drawn._replace(volume=wishes), setup_of(follow_volume, terms=COSTS)


@example(322_696, 30)
@quick(40)
@given(st.integers(0, 10**6), st.integers(30, 900))
def test_the_summary_has_the_definitions_of_the_package(seed, bars):
    drawn, setup = run(seed, bars)
    result = run_historical(setup, [block_of(drawn)])
    equity = result.tables["equity"]["equity"].to_numpy()
    assume((equity > 0.0).all())
    state = result.state
    found = summarize(
        state["curve"], state["sums"], state["ledger"], COSTS.a.cash, PERIODS, RISK_FREE
    )
    returns = metrics.equity_returns(equity, COSTS.a.cash)
    free = RISK_FREE / PERIODS
    expected = {
        "total_return": metrics.cum_returns_final(returns),
        "annual_return": metrics.annual_return(returns, PERIODS),
        "annual_volatility": metrics.annual_volatility(returns, PERIODS),
        "sharpe": metrics.sharpe_ratio(returns, PERIODS, free),
        "sortino": metrics.sortino_ratio(returns, PERIODS),
        "calmar": metrics.calmar_ratio(returns, PERIODS),
        "max_drawdown": metrics.max_drawdown(returns),
        "average_drawdown": metrics.average_drawdown(returns),
    }
    # The last bits of returns multiplied out again; a return a year that no number holds.
    if found.max_drawdown < 1e-12 or math.isinf(found.annual_return):
        del expected["calmar"]
    for name, value in expected.items():
        close = pytest.approx(value, rel=1e-8, abs=1e-8, nan_ok=True)
        assert getattr(found, name) == close, name
    counted = metrics.counted_periods(drawn.ts_ns)
    assert result.summary.periods_per_year == counted


@quick(40)
@given(st.integers(0, 10**6), st.integers(30, 900))
def test_the_summary_and_the_trades_table_agree(seed, bars):
    drawn, setup = run(seed, bars)
    result = run_historical(setup, [block_of(drawn)])
    found = run_figures(setup, result).trading
    for name in ("trades", "win_rate", "profit_factor", "expectancy", "best_trade",
                 "worst_trade", "average_trade", "sqn"):  # fmt: skip
        close = pytest.approx(getattr(result.summary, name), rel=1e-8, abs=1e-12, nan_ok=True)
        assert getattr(found, name) == close, name
    groups = run_figures(setup, result).groups
    for by, made in groups.items():
        assert sum(group.trades for group in made.values()) == found.trades, by
        assert math.isclose(sum(g.pnl for g in made.values()), found.pnl, abs_tol=1e-6), by


def test_one_bar_a_day_makes_both_bases_equal():
    drawn, setup = run(5, 400)
    drawn = drawn._replace(ts_ns=(1 + np.arange(400, dtype=np.int64)) * 86_400 * 10**9)
    result = run_historical(setup, [block_of(drawn)])
    daily = run_figures(setup, result).daily

    assert daily.days == 400
    assert daily.days_per_year == result.summary.periods_per_year
    for name in ("total_return", "annual_return", "annual_volatility", "sharpe", "sortino",
                 "calmar", "max_drawdown", "average_drawdown"):  # fmt: skip
        close = pytest.approx(getattr(result.summary, name), rel=1e-8, nan_ok=True)
        assert getattr(daily, name) == close, name
    assert daily.max_drawdown_days == result.summary.max_drawdown_bars


@quick(20)
@given(st.integers(0, 10**6), st.integers(1, 300), st.integers(1, 1440))
def test_the_figures_do_not_depend_on_the_mode_or_the_cuts(seed, bars, piece):
    drawn, setup = run(seed, bars)
    ts_ns = 1_700_000_000 * 10**9 + np.arange(bars, dtype=np.int64) * 3_600 * 10**9
    block = block_of(drawn._replace(ts_ns=ts_ns))
    pieces = [block.slice(k, k + piece) for k in range(0, bars, piece)]
    runs = [
        run_historical(setup, [block]),
        run_historical(setup, pieces, block_bars=max(1, piece // 3)),
        run_live(setup, replay([block])),
    ]
    texts = [json.dumps(metrics_of(r, run_figures(setup, r))) for r in runs]

    assert len(set(texts)) == 1


def test_a_flush_in_between_changes_nothing():
    drawn, setup = run(3, 500)
    block = block_of(drawn)
    whole, flushed = HistoricalRunner(setup), HistoricalRunner(setup)
    whole.feed(block)
    for first in range(0, 500, 50):
        flushed.feed(block.slice(first, first + 50))
        flushed.flush()

    found = [run_figures(setup, r.finish()) for r in (whole, flushed)]
    assert repr(found[0]) == repr(found[1])


def test_a_restored_run_does_not_know_the_days_before():
    drawn, setup = run(3, 500)
    block = block_of(drawn)
    first, second = HistoricalRunner(setup), HistoricalRunner(setup)
    first.feed(block.slice(0, 250))
    second.restore(first.save())
    second.feed(block.slice(250, 500))
    result = second.finish()

    assert (result.days, run_figures(setup, result)) == (None, None)
    assert metrics_of(result, None)["daily"] is None


TEXT = """
bars: {path: bars.parquet}
strategy: {kernel: sma_cross, params: {fast: 3, slow: 9}}
costs: {fee_bps: 2}
"""


def test_metrics_json_holds_every_block_and_says_its_basis(tmp_path):
    write_synth(SynthSpec(bars=4000, seed=7), tmp_path / "bars.parquet")
    config = parse_config(TEXT, name="run.yaml", format="yaml", base_dir=str(tmp_path))
    job = jobs.backtest(config, out=tmp_path / "run")
    written = json.loads((tmp_path / "run" / "metrics.json").read_text())
    bars = pq.read_table(tmp_path / "run" / "equity.parquet")
    ends = (bars["ts"].cast("int64").to_numpy() - 1) // (86_400 * 10**9)
    days = len(np.unique(ends))
    closes = bars["equity"].to_numpy()[np.append(np.diff(ends) != 0, True)]

    assert (written["basis"], written["daily"]["basis"]) == ("bars", "session days")
    assert written["trading"]["basis"] == "closed trades"
    assert 1 < days < 4000 / 300
    assert written["daily"]["days"] == written["trading"]["session_days"] == days
    assert written["trading"]["trades_per_day"] == written["trades"] / days
    returns = metrics.equity_returns(closes, 100_000.0)
    year = written["daily"]["days_per_year"]
    assert written["daily"]["sharpe"] == metrics.sharpe_ratio(returns, year)
    assert written["daily"]["max_drawdown"] == metrics.max_drawdown(returns)
    for block, figures in (("daily", job.figures.daily), ("trading", job.figures.trading)):
        for name, value in figures._asdict().items():
            known = value if math.isfinite(value) else None
            assert written[block][name] == known, name
    trades = written["trading"]
    assert trades["fees"] <= written["fees"]
    assert sum(g["trades"] for g in trades["by"]["hour"].values()) == written["trades"]
