"""Crossing averages by other projects' public interfaces, with the figures that a sweep has.

Each peer goes in while the fast average is above the slow one, and out else; all in, 5 bps a
side, on one core.
"""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

PRICES = ("open", "high", "low", "close", "volume")
PAIRS_AT_ONCE = 20  # whose columns are in memory together: 160 MB an array of a million bars


Found = list[tuple[float, int]]
Pairs = Sequence[tuple[int, int]]


class Peer(NamedTuple):
    """What computed it, and final equity and closed trades by (fast, slow)."""

    name: str
    found: dict[tuple[int, int], tuple[float, int]]


def installed() -> list[str]:
    """Return the peers that are here."""
    return [name for name in PEERS if find_spec(name) is not None]


def run_peer(
    name: str, source: Path, fast: Sequence[int], slow: Sequence[int], bars: int | None = None
) -> Peer:
    """Run every pair over the first `bars` of a file of bars, or over all."""
    os.environ.setdefault("MPLBACKEND", "agg")  # or an import looks for a display
    os.environ["RAYON_NUM_THREADS"] = "1"  # before its first use
    table = pq.read_table(source)
    columns = {n: table[n][:bars].to_numpy() for n in table.column_names}
    pairs = [(f, s) for f in fast for s in slow]
    found: dict[tuple[int, int], tuple[float, int]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = import_module(name)
        for first in range(0, len(pairs), PAIRS_AT_ONCE):
            those = pairs[first : first + PAIRS_AT_ONCE]
            found |= dict(zip(those, PEERS[name](module, columns, those), strict=True))
    # Which engine it uses for a call it chooses by itself; this only says what is installed.
    more = " (with its Rust engine)" if name == "vectorbt" and find_spec("vectorbt_rust") else ""
    return Peer(f"{name} {module.__version__}{more}", found)


def _raptorbt(rb: Any, columns: Mapping[str, NDArray[Any]], pairs: Pairs) -> Found:
    config = rb.BacktestConfig(initial_capital=100_000.0, fees=0.0005, upon_bar_close=True)
    prices = [np.ascontiguousarray(columns[n], np.float64) for n in PRICES]
    close = columns["close"]
    averages = {p: rb.sma(close, p) for pair in pairs for p in pair}
    items = []
    for fast, slow in pairs:
        above = averages[fast] > averages[slow]  # neither is, before there is an average
        items.append(rb.BatchSingleItem(f"{fast}/{slow}", above, ~above))
    stamps = columns["timestamp"].astype(np.int64)
    done = rb.batch_single_backtest(stamps, *prices, items, config=config)
    return [(r.metrics.end_value, r.metrics.total_closed_trades) for _, r in done]


def _vectorbt(vbt: Any, columns: Mapping[str, NDArray[Any]], pairs: Pairs) -> Found:
    close = columns["close"]
    ours = vbt.MA.run(close, [f for f, _ in pairs], short_name="fast")
    other = vbt.MA.run(close, [s for _, s in pairs], short_name="slow")
    above = ours.ma_above(other).to_numpy()
    portfolio = vbt.Portfolio.from_signals(
        close[:, None], above, ~above, fees=0.0005, init_cash=100_000.0, freq="1min"
    )
    equity = np.asarray(portfolio.final_value(), np.float64)
    trades = np.asarray(portfolio.trades.closed.count(), np.int64)
    portfolio.max_drawdown(), portfolio.sharpe_ratio()  # ours has these too
    return [(float(e), int(t)) for e, t in zip(equity, trades, strict=True)]


PEERS: dict[str, Callable[[Any, Mapping[str, NDArray[Any]], Pairs], Found]] = {
    "vectorbt": _vectorbt,
    "raptorbt": _raptorbt,
}
