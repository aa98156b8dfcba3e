"""Figures over trades: by hand, and by group; columns that may be there or not."""

import math
import statistics

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast import metrics
from admf_fast.events import SCHEMAS
from tests.kernels.strategies import quick

HOUR_NS = 3_600 * 10**9
DAY_NS = 24 * HOUR_NS
MONDAY_NS = 19_723 * DAY_NS  # 2024-01-01


def table_of(rows, **more):
    """A trades table of (entry hour, hours, lots, entry price, exit price, fees)."""
    entry, hours, lots, first, last, fees = (np.array(c) for c in zip(*rows, strict=True))
    pnl = lots * (last - first) - fees
    made = {
        "ts": MONDAY_NS + (entry + hours) * HOUR_NS,
        "sequence": np.arange(len(rows)),
        "entry_ts": MONDAY_NS + entry * HOUR_NS,
        "lots": lots,
        "entry_price": first * 1.0,
        "exit_price": last * 1.0,
        "pnl": pnl * 1.0,
        "fees": fees * 1.0,
    }
    schema = pa.schema([SCHEMAS["trades"].field(name) for name in made])
    arrays = [pa.array(made[field.name]).cast(field.type) for field in schema]
    table = pa.Table.from_arrays(arrays, schema=schema)
    for name, values in more.items():
        table = table.append_column(name, values)
    return table


ROWS = [
    (10, 2, 1, 100, 110, 1),
    (11, 3, -2, 100, 105, 1),
    (34, 1, 1, 200, 230, 2),
    (35, 2, 1, 10, 10, 0),
]


def test_the_figures_of_four_trades():
    found = metrics.trade_figures(metrics.trade_columns(table_of(ROWS)), 2)

    assert (found.trades, found.session_days, found.trades_per_day) == (4, 2, 2.0)
    assert (found.pnl, found.fees) == (9.0 - 11.0 + 28.0, 4.0)
    assert found.turnover == 210.0 + 410.0 + 430.0 + 20.0
    assert found.costs_share == 4.0 / 30.0
    assert found.break_even_bps == 30.0 / 1070.0 * 10_000.0
    assert (found.win_rate, found.profit_factor) == (0.5, 37.0 / 11.0)
    assert found.payoff_ratio == 18.5 / 11.0
    assert found.kelly_fraction == 0.5 - 0.5 / (18.5 / 11.0)
    assert (found.best_trade, found.worst_trade) == (0.14, -0.055)
    assert found.expectancy == 26.0 / 4.0
    assert (found.max_consecutive_wins, found.max_consecutive_losses) == (1, 1)
    assert (found.average_duration_s, found.max_duration_s) == (7200.0, 10_800.0)
    assert math.isnan(found.average_mae)
    gains = [0.09, -0.055, 0.14, 0.0]
    sqn = math.sqrt(4) * statistics.fmean(gains) / statistics.stdev(gains)
    assert found.sqn == pytest.approx(sqn)


def test_a_lot_of_another_size_changes_money_but_no_pnl():
    columns = metrics.trade_columns(table_of(ROWS))
    found, tenth = metrics.trade_figures(columns, 2), metrics.trade_figures(columns, 2, 0.1)

    assert tenth.turnover == pytest.approx(found.turnover * 0.1)
    assert tenth.pnl == found.pnl


def test_no_trades_have_counts_and_no_ratios():
    empty = table_of(ROWS).slice(0, 0)
    found = metrics.trade_figures(metrics.trade_columns(empty), 3)

    assert (found.trades, found.trades_per_day, found.pnl, found.fees) == (0, 0.0, 0.0, 0.0)
    for name in ("win_rate", "profit_factor", "expectancy", "sqn", "best_trade",
                 "costs_share", "break_even_bps", "kelly_fraction", "average_duration_s",
                 "worst_mae"):  # fmt: skip
        assert math.isnan(getattr(found, name)), name
    assert metrics.breakdowns(metrics.trade_columns(empty)) == {
        "direction": {}, "hour": {}, "weekday": {}
    }  # fmt: skip


def test_no_days_have_no_trades_per_day():
    assert math.isnan(metrics.trades_per_day(3, 0))


def test_groups_by_what_the_schema_always_has():
    groups = metrics.breakdowns(metrics.trade_columns(table_of(ROWS)))

    assert set(groups) == {"direction", "hour", "weekday"}
    assert groups["direction"]["short"] == (1, 0.0, 0.0, -11.0, -11.0)
    assert {n: g.trades for n, g in groups["direction"].items()} == {"long": 3, "short": 1}
    # The bar that closed at 10:00 was the one from 9 to 10.
    assert {n: g.trades for n, g in groups["hour"].items()} == {"09": 2, "10": 2}
    assert {n: g.trades for n, g in groups["weekday"].items()} == {"Monday": 2, "Tuesday": 2}


@pytest.mark.parametrize("kind", ["words", "dictionary", "two dictionaries", "numbers"])
def test_groups_by_a_column_that_may_be_there(kind):
    words = ["stop", "signal", "stop", "target"]
    column = {
        "words": pa.array(words),
        "dictionary": pa.array(words).dictionary_encode(),
        "two dictionaries": pa.chunked_array(
            [pa.array(words[:1]).dictionary_encode(), pa.array(words[1:]).dictionary_encode()]
        ),
        "numbers": pa.array([2, 0, 2, 3], pa.int64()),
    }[kind]
    groups = metrics.breakdowns(metrics.trade_columns(table_of(ROWS, reason=column)))["reason"]
    stop = groups["2" if kind == "numbers" else "stop"]

    assert stop == (2, 1.0, pytest.approx(math.nan, nan_ok=True), 37.0, 18.5)
    assert list(groups) == sorted(groups)
    assert sum(group.trades for group in groups.values()) == 4


def test_excursions_where_the_columns_are():
    more = {"mae": pa.array([-1.0, -5.0, 0.0, -2.0]), "mfe": pa.array([3.0, 1.0, 8.0, 0.0])}
    found = metrics.trade_figures(metrics.trade_columns(table_of(ROWS, **more)), 2)

    assert (found.average_mae, found.worst_mae) == (-2.0, -5.0)
    assert (found.average_mfe, found.best_mfe) == (3.0, 8.0)


def test_a_column_that_is_not_there_cannot_group():
    columns = metrics.trade_columns(table_of(ROWS))
    for by in ("reason", "pnl", "moon"):
        with pytest.raises(ValueError, match="expected to group by"):
            metrics.trades_by(columns, by)


@quick(60)
@given(st.lists(st.integers(-5, 5), max_size=40))
def test_results_by_the_textbook(results):
    wins, losses = [r for r in results if r > 0], [r for r in results if r < 0]
    runs = "".join("w" if r > 0 else "l" if r < 0 else " " for r in results)

    won, lost = (runs.replace(other, " ").split() for other in "lw")

    assert metrics.max_consecutive_wins(results) == max(map(len, won), default=0)
    assert metrics.max_consecutive_losses(results) == max(map(len, lost), default=0)
    if wins and losses:
        payoff = statistics.fmean(wins) / -statistics.fmean(losses)
        share = len(wins) / len(results)
        assert metrics.payoff_ratio(results) == pytest.approx(payoff)
        assert metrics.profit_factor(results) == pytest.approx(sum(wins) / -sum(losses))
        assert metrics.kelly_fraction(results) == pytest.approx(share - (1 - share) / payoff)
        assert metrics.gain_to_pain(results) == pytest.approx(sum(results) / -sum(losses))


def test_costs_of_a_loss_have_no_share():
    assert math.isnan(metrics.costs_share(-5.0, 2.0))
    assert metrics.costs_share(-1.0, 2.0) == 2.0
    assert metrics.break_even_bps(-5.0, 2.0, 1000.0) == -30.0
