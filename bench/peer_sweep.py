"""Crossing averages by `vectorbt`'s public interface, with the figures that a sweep has."""

import os
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

PAIRS_AT_ONCE = 20  # whose columns are in memory together: 160 MB an array of a million bars


class Peer(NamedTuple):
    """Final equity and closed trades by (fast, slow), and what computed them."""

    version: str
    engine: str
    found: dict[tuple[int, int], tuple[float, int]]


def run_peer(close: NDArray[np.float64], fast: Sequence[int], slow: Sequence[int]) -> Peer:
    """Run every pair: in while the fast average is above, out else; all in, 5 bps a side."""
    os.environ.setdefault("MPLBACKEND", "agg")  # or the import looks for a display
    # Which it uses for a call it chooses by itself; this only says what is installed.
    engine = "Rust installed" if find_spec("vectorbt_rust") else "Numba"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vbt = import_module("vectorbt")
        pairs = [(f, s) for f in fast for s in slow]
        found: dict[tuple[int, int], tuple[float, int]] = {}
        for first in range(0, len(pairs), PAIRS_AT_ONCE):
            those = pairs[first : first + PAIRS_AT_ONCE]
            found |= dict(zip(those, _figures(vbt, close, those), strict=True))
    return Peer(str(vbt.__version__), engine, found)


def _figures(
    vbt: Any, close: NDArray[np.float64], pairs: Sequence[tuple[int, int]]
) -> list[tuple[float, int]]:
    """Return final equity and closed trades of some pairs."""
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
