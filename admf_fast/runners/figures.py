"""What is said about a run beyond its summary: on daily returns, and about its trades."""

from typing import Any, NamedTuple

import pyarrow as pa

from admf_fast.events.schemas import SCHEMAS
from admf_fast.metrics import (
    DailyFigures,
    TradeFigures,
    TradeGroup,
    break_even_bps,
    breakdowns,
    daily_figures,
    trade_columns,
    trade_figures,
)
from admf_fast.runners.panel_setup import PanelSetup
from admf_fast.runners.result import RunResult
from admf_fast.runners.setup import Setup


class RunFigures(NamedTuple):
    """Figures of the equity per session day, of all closed trades, and of groups of these."""

    daily: DailyFigures
    trading: TradeFigures
    groups: dict[str, dict[str, TradeGroup]]


def run_figures(setup: Setup | PanelSetup, result: RunResult) -> RunFigures | None:
    """Return the figures of a run; None for one that was restored and saw only its last part."""
    if result.days is None:
        return None
    terms, config = setup.terms, setup.config
    trades = trade_columns(pa.Table.from_batches(result.trades, SCHEMAS["trades"]))
    trading = trade_figures(trades, len(result.days.ts_ns), terms.n.lot_size)
    if isinstance(setup, PanelSetup):  # whose lots and currencies differ
        turnover = result.summary.turnover
        cost = break_even_bps(trading.pnl, trading.fees, turnover)
        trading = trading._replace(turnover=turnover, break_even_bps=cost)
    return RunFigures(
        daily_figures(result.days, terms.a.cash, setup.periods_per_year, config.metrics.risk_free),
        trading,
        breakdowns(trades),
    )


def metrics_of(result: RunResult, figures: RunFigures | None) -> dict[str, Any]:
    """Return all figures of a run as plain data; each block says what its returns are of.

    The summary's figures stand at the top, on returns per bar. ``daily`` and ``trading``
    hold the rest, None where there are none.
    """
    made: dict[str, Any] = {"basis": "bars", **result.summary._asdict()}
    if figures is None:
        return made | {"daily": None, "trading": None}
    groups = {
        by: {name: group._asdict() for name, group in found.items()}
        for by, found in figures.groups.items()
    }
    return made | {
        "daily": {"basis": "session days", **figures.daily._asdict()},
        "trading": {"basis": "closed trades", **figures.trading._asdict(), "by": groups},
    }
