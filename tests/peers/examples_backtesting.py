"""The strategies of `backtesting`'s documentation, to be recorded on its own example bars.

Adapted where the documentation needs what is not installed: the RSI is written out, and the
classes are fixed to the parameters the documentation runs them with.
"""

from typing import Any

import numpy as np
import pandas as pd
from backtesting import Strategy
from backtesting.lib import SignalStrategy, TrailingStrategy, crossover, resample_apply
from backtesting.test import GOOG, SMA


class SmaCross(Strategy):
    """The quick start: always in the market, long above and short below."""

    fast, slow = 10, 20

    def init(self) -> None:
        self.sma1 = self.I(SMA, self.data.Close, self.fast)
        self.sma2 = self.I(SMA, self.data.Close, self.slow)

    def next(self) -> None:
        if crossover(self.sma1, self.sma2):
            self.buy()
        elif crossover(self.sma2, self.sma1):
            self.sell()


class SmaCrossBrackets(SmaCross):
    """The same with a stop-loss and a target around the last close."""

    def next(self) -> None:
        price = float(self.data.Close[-1])
        if crossover(self.sma1, self.sma2):
            self.buy(sl=0.95 * price, tp=1.1 * price)
        elif crossover(self.sma2, self.sma1):
            self.sell(sl=1.05 * price, tp=0.9 * price)


class SmaCrossLimit(SmaCross):
    """The same, entering at a limit one percent better than the last close."""

    def next(self) -> None:
        price = float(self.data.Close[-1])
        if crossover(self.sma1, self.sma2):
            self.buy(limit=0.99 * price, size=0.5)
        elif crossover(self.sma2, self.sma1):
            self.sell(limit=1.01 * price, size=0.5)


class SmaCrossStop(SmaCross):
    """The same, entering on a break of one percent, with a stop-loss."""

    def next(self) -> None:
        price = float(self.data.Close[-1])
        if crossover(self.sma1, self.sma2):
            self.buy(stop=1.01 * price, sl=0.97 * price)
        elif crossover(self.sma2, self.sma1):
            self.sell(stop=0.99 * price, sl=1.03 * price)


class Sma4Cross(Strategy):
    """The parameter heatmap's: one pair to enter along a trend, another to leave."""

    n1, n2, n_enter, n_exit = 50, 100, 20, 10

    def init(self) -> None:
        self.sma1 = self.I(SMA, self.data.Close, self.n1)
        self.sma2 = self.I(SMA, self.data.Close, self.n2)
        self.sma_enter = self.I(SMA, self.data.Close, self.n_enter)
        self.sma_exit = self.I(SMA, self.data.Close, self.n_exit)

    def next(self) -> None:
        if not self.position:
            if self.sma1 > self.sma2:
                if crossover(self.data.Close, self.sma_enter):
                    self.buy()
            elif crossover(self.sma_enter, self.data.Close):
                self.sell()
        elif (self.position.is_long and crossover(self.sma_exit, self.data.Close)) or (
            self.position.is_short and crossover(self.data.Close, self.sma_exit)
        ):
            self.position.close()


def rsi(array: Any, n: int) -> pd.Series:
    """Return the relative strength index as the documentation writes it."""
    gain = pd.Series(array).diff()
    loss = gain.copy()
    gain[gain < 0] = 0
    loss[loss > 0] = 0
    rs = gain.ewm(n).mean() / loss.abs().ewm(n).mean()
    return 100 - 100 / (1 + rs)


class System(Strategy):
    """The multiple time frames': daily and weekly RSI above a level, price above its averages."""

    d_rsi, w_rsi, level = 30, 30, 70

    def init(self) -> None:
        close = self.data.Close
        self.ma10 = self.I(SMA, close, 10)
        self.ma20 = self.I(SMA, close, 20)
        self.ma50 = self.I(SMA, close, 50)
        self.ma100 = self.I(SMA, close, 100)
        self.daily_rsi = self.I(rsi, close, self.d_rsi)
        self.weekly_rsi = resample_apply("W-FRI", rsi, close, self.w_rsi)

    def next(self) -> None:
        price = self.data.Close[-1]
        if (
            not self.position
            and self.daily_rsi[-1] > self.level
            and self.weekly_rsi[-1] > self.level
            and self.weekly_rsi[-1] > self.daily_rsi[-1]
            and self.ma10[-1] > self.ma20[-1] > self.ma50[-1] > self.ma100[-1]
            and price > self.ma10[-1]
        ):
            self.buy(sl=0.92 * price)
        elif price < 0.98 * self.ma10[-1]:
            self.position.close()


class SignalTrailing(SignalStrategy, TrailingStrategy):
    """The strategies library's: buy on a crossing, leave by a trailing stop of two ranges."""

    n1, n2 = 10, 25

    def init(self) -> None:
        super().init()
        sma1 = self.I(SMA, self.data.Close, self.n1)
        sma2 = self.I(SMA, self.data.Close, self.n2)
        signal = (pd.Series(sma1) > sma2).astype(int).diff().fillna(0)
        signal = signal.replace(-1, 0)
        self.set_signal(entry_size=signal * 0.95)
        self.set_trailing_sl(2)


# Name: strategy and options of `Backtest`; those of the documentation first.
EXAMPLES: dict[str, tuple[type[Strategy], dict[str, Any]]] = {
    "sma_cross": (SmaCross, {"commission": 0.002, "exclusive_orders": True}),
    "sma_cross_free": (SmaCross, {"exclusive_orders": True}),
    "sma_cross_fixed": (SmaCross, {"commission": (10.0, 0.001), "exclusive_orders": True}),
    "sma_cross_spread": (SmaCross, {"spread": 0.001, "exclusive_orders": True}),
    "sma_cross_on_close": (
        SmaCross,
        {"commission": 0.002, "exclusive_orders": True, "trade_on_close": True},
    ),
    "sma_cross_brackets": (SmaCrossBrackets, {"commission": 0.002, "exclusive_orders": True}),
    "sma_cross_limit": (SmaCrossLimit, {"commission": 0.002, "exclusive_orders": True}),
    "sma_cross_stop": (SmaCrossStop, {"commission": 0.002, "exclusive_orders": True}),
    "sma_4_cross": (Sma4Cross, {"commission": 0.002}),
    "system": (System, {"commission": 0.002}),
    # One position at a time: here the documentation keeps several trades with a stop each.
    "signal_trailing": (SignalTrailing, {"commission": 0.002, "exclusive_orders": True}),
}


def example_frame() -> pd.DataFrame:
    """Return the bars the documentation runs them on."""
    with np.errstate(all="ignore"):
        return GOOG.copy()
