"""Run `vectorbt` on bars and signals, or on bars and order sizes."""

import os
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    # Nothing is drawn here; without this the import looks for a display.
    os.environ.setdefault("MPLBACKEND", "agg")
    import vectorbt as vbt

from tests.peers.kinds import Bars, Floats, PeerFill, PeerResult, PeerTrade
from tests.peers.vectorbt_rules import Rules, Signals

SIGNED = {0: 1.0, 1: -1.0}  # order side: buy, sell; trade direction: long, short


@dataclass
class _Arrays:
    """The prices of all columns side by side."""

    bars: list[Bars]
    columns: dict[str, Floats] = field(init=False)

    def __post_init__(self) -> None:
        names = ("open", "high", "low", "close")
        self.columns = {n: np.column_stack([getattr(b, n) for b in self.bars]) for n in names}

    def like(self, value: float | bool) -> Any:
        """Return a value for every bar and column: one shape, so the peer compiles once."""
        return np.full(self.columns["close"].shape, value)


def run_signals(bars: list[Bars], signals: Signals, rules: Rules) -> PeerResult:
    """Run `Portfolio.from_signals`; one column an instrument."""
    prices = _Arrays(bars)
    shares = {n: prices.like(getattr(rules, n)) for n in ("sl_stop", "tp_stop", "sl_trail")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        portfolio = vbt.Portfolio.from_signals(
            pd.DataFrame(prices.columns["close"]),
            entries=signals.long_entry,
            exits=signals.long_exit,
            short_entries=signals.short_entry,
            short_exits=signals.short_exit,
            open=prices.columns["open"],
            high=prices.columns["high"],
            low=prices.columns["low"],
            size=prices.like(rules.size),
            accumulate=rules.accumulate,
            upon_opposite_entry=rules.upon_opposite_entry,
            stop_entry_price=rules.stop_entry_price,
            stop_exit_price=rules.stop_exit_price,
            use_stops=True,
            **shares,
            **_shared(prices, rules),
        )
        return _result(portfolio, prices, rules)


def run_orders(bars: list[Bars], sizes: Floats, rules: Rules) -> PeerResult:
    """Run `Portfolio.from_orders` with a size for every bar and column; NaN is no order."""
    prices = _Arrays(bars)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        portfolio = vbt.Portfolio.from_orders(
            pd.DataFrame(prices.columns["close"]),
            size=sizes,
            direction=rules.direction,
            **_shared(prices, rules),
        )
        return _result(portfolio, prices, rules)


def _shared(prices: _Arrays, rules: Rules) -> dict[str, Any]:
    numbers = ("fees", "fixed_fees", "slippage", "size_granularity", "min_size", "max_size")
    flags = ("lock_cash", "allow_partial")
    return {
        "price": prices.columns[rules.price],
        "size_type": rules.size_type,
        "init_cash": rules.cash,
        "cash_sharing": rules.cash_sharing,
        "call_seq": rules.call_seq,
        "freq": "D",
        **{n: prices.like(getattr(rules, n)) for n in numbers + flags},
    }


def _result(portfolio: Any, prices: _Arrays, rules: Rules) -> PeerResult:
    fills = [_fill(o) for o in portfolio.orders.records_arr]
    rows = [(int(t["status"]), _trade(t)) for t in portfolio.trades.records_arr]
    equity = np.asarray(portfolio.value(), dtype=np.float64)
    final = np.asarray(portfolio.final_value(), dtype=np.float64)
    total = equity if equity.ndim == 1 else equity.sum(axis=1)
    still = [t._replace(exit_bar=-1) for status, t in rows if status == 0]
    closed = [t for status, t in rows if status == 1]
    return PeerResult(closed, still, total, float(final.sum()), fills)


def _fill(o: Any) -> PeerFill:
    units = SIGNED[int(o["side"])] * float(o["size"])
    return PeerFill(int(o["idx"]), units, float(o["price"]), float(o["fees"]), int(o["col"]))


def _trade(t: Any) -> PeerTrade:
    units = SIGNED[int(t["direction"])] * float(t["size"])
    paid = float(t["entry_fees"] + t["exit_fees"])
    bars, prices = (int(t["entry_idx"]), int(t["exit_idx"])), (t["entry_price"], t["exit_price"])
    return PeerTrade(*bars, units, *map(float, prices), float(t["pnl"]), paid, int(t["col"]))
