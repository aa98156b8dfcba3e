"""What the peers are given and what they give back, in one shape for every engine."""

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# The size `backtesting` takes when none is given: all equity, less one rounding.
ALL_IN = 1.0 - 2.0**-52


@dataclass(frozen=True)
class Bars:
    """The prices of one instrument; four float64 arrays of one length."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats

    def __len__(self) -> int:
        return len(self.close)


class PeerTrade(NamedTuple):
    """One round trip, or with exit_bar -1 one still open, valued at the last close."""

    entry_bar: int
    exit_bar: int
    units: float  # negative when short
    entry_price: float
    exit_price: float
    pnl: float  # after commission
    commission: float  # entry and exit
    column: int = 0


class PeerFill(NamedTuple):
    """One executed order."""

    bar: int
    units: float  # negative when sold
    price: float
    commission: float
    column: int = 0


@dataclass(frozen=True)
class PeerResult:
    """What a run of a peer came to; trades in the order they were closed."""

    trades: list[PeerTrade]
    open_trades: list[PeerTrade]
    equity: Floats  # at every close; of all columns together where they share cash
    final_equity: float
    fills: list[PeerFill]  # empty where the peer keeps none


@dataclass
class Instructions:
    """What a strategy does at the close of each bar; the engine acts on it from the next bar on.

    One new order a bar. NaN is "not given", 0 in `size` and `close` is "nothing". Within a bar:
    cancel, move_sl, close, order.
    """

    size: Floats  # signed; below 1 a share of the liquidity, else whole units
    limit: Floats
    stop: Floats
    sl: Floats  # price; of the position the order opens
    tp: Floats
    close: Floats  # share of the open position to close at the market
    move_sl: Floats  # new stop-loss price of the open position
    cancel: Flags  # cancel waiting orders, not the brackets of a position

    @classmethod
    def nothing(cls, bars: int) -> "Instructions":
        """Return instructions that never do anything."""
        zero = {f.name: np.zeros(bars) for f in fields(cls) if f.name in ("size", "close")}
        nan = {name: np.full(bars, np.nan) for name in ("limit", "stop", "sl", "tp", "move_sl")}
        return cls(**zero, **nan, cancel=np.zeros(bars, dtype=np.bool_))

    def __len__(self) -> int:
        return len(self.size)


def price_or_none(value: float) -> float | None:
    """Return a price, or None where none was given."""
    return None if np.isnan(value) else float(value)
