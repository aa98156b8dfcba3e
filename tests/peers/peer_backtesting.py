"""Run `backtesting` on bars and instructions, or record what one of its strategies instructs."""

import warnings
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import backtesting.backtesting as engine
    from backtesting import Backtest, Strategy

from tests.peers.kinds import Bars, Instructions, PeerResult, PeerTrade, price_or_none


def run_backtesting(
    bars: Bars,
    told: Instructions,
    *,
    cash: float = 10_000.0,
    spread: float = 0.0,
    commission: float | tuple[float, float] | Callable[[float, float], float] = 0.0,
    margin: float = 1.0,
    on_close: bool = False,
    exclusive: bool = True,
    finalize: bool = False,
) -> PeerResult:
    """Run the instructions through `backtesting`; (fixed, relative) is a commission of both."""
    return run_strategy(
        to_frame(bars),
        type("Told", (_Told,), {"told": told}),
        cash=cash,
        spread=spread,
        commission=commission,
        margin=margin,
        trade_on_close=on_close,
        exclusive_orders=exclusive,
        finalize_trades=finalize,
    )


def record(
    frame: pd.DataFrame, kind: type[Strategy], **options: Any
) -> tuple[Instructions, PeerResult]:
    """Run a strategy of its own; return what it instructed bar by bar, and the result.

    Fails where the strategy does what `Instructions` has no words for: two orders in one bar.
    """
    told = Instructions.nothing(len(frame))
    return told, run_strategy(frame, _recording(kind, told), **options)


def run_strategy(frame: pd.DataFrame, kind: type[Strategy], **options: Any) -> PeerResult:
    """Run a strategy class with the options of `Backtest`, silently."""
    with (
        warnings.catch_warnings(),
        mock.patch.object(engine, "_tqdm", lambda bars, **_: bars),
        # The peer's statistics overflow on hostile walks; trades and equity are all that is asked.
        mock.patch.object(engine, "compute_stats", lambda **found: found),
    ):
        warnings.simplefilter("ignore")
        found: dict[str, Any] = Backtest(frame, kind, **options).run()
        strategy, trades = found["strategy_instance"], found["trades"]
        last = float(frame["Close"].iloc[-1])
        still = [_row(trade, -1, last) for trade in strategy.trades]
    closed = [_row(trade, trade.exit_bar, trade.exit_price) for trade in trades]
    equity = np.asarray(found["equity"], dtype=np.float64)
    return PeerResult(closed, still, equity, float(equity[-1]), [])


def _row(trade: Any, bar: int, price: float) -> PeerTrade:
    prices, results = (trade.entry_price, price), (trade.pl, trade._commissions)
    return PeerTrade(trade.entry_bar, bar, float(trade.size), *map(float, prices + results))


class _Told(Strategy):
    """A strategy that does what it is told."""

    told: Instructions

    def init(self) -> None:
        pass

    def next(self) -> None:
        told, bar = self.told, len(self.data) - 1
        if told.cancel[bar]:
            for order in self.orders:
                if not order.is_contingent:
                    order.cancel()
        if not np.isnan(told.move_sl[bar]):
            for trade in self.trades:
                trade.sl = float(told.move_sl[bar])
        if told.close[bar]:
            self.position.close(float(told.close[bar]))
        size = float(told.size[bar])
        if size:
            order = self.buy if size > 0 else self.sell
            names = ("limit", "stop", "sl", "tp")
            levels = {name: price_or_none(getattr(told, name)[bar]) for name in names}
            order(size=abs(size), **levels)


def _recording(kind: type[Strategy], told: Instructions) -> type[Strategy]:
    """Return a strategy like the one given, that writes down what it does."""

    class Recording(kind):  # type: ignore[misc, valid-type]
        def next(self) -> None:
            bar = len(self.data) - 1
            stops = {id(t): t.sl for t in self.trades}
            waiting = list(self.orders)
            super().next()
            for trade in self.trades:
                if trade.sl != stops[id(trade)]:
                    assert np.isnan(told.move_sl[bar]) or told.move_sl[bar] == trade.sl
                    told.move_sl[bar] = trade.sl
            fresh = [o for o in self.orders if o not in waiting]
            if fresh and all(o.parent_trade for o in fresh):
                for order in fresh:
                    if not order.is_contingent:
                        told.close[bar] = abs(order.size) / abs(order.parent_trade.size)

        def buy(self, **order: Any) -> Any:
            return self._write(1.0, super().buy(**order))

        def sell(self, **order: Any) -> Any:
            return self._write(-1.0, super().sell(**order))

        def _write(self, side: float, order: Any) -> Any:
            bar = len(self.data) - 1
            assert not told.size[bar], f"bar {bar}: a second order in one bar"
            told.size[bar] = order.size
            for name in ("limit", "stop", "sl", "tp"):
                level = getattr(order, name)
                getattr(told, name)[bar] = np.nan if level is None else level
            return order

    return Recording


def to_frame(bars: Bars) -> pd.DataFrame:
    """Return bars as the peer wants them, a day apart."""
    index = pd.date_range("2020-01-01", periods=len(bars), freq="D")
    columns = {"Open": bars.open, "High": bars.high, "Low": bars.low, "Close": bars.close}
    return pd.DataFrame(columns, index=index)
