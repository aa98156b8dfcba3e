"""What `vectorbt` is told: its options under its own names, and the signals."""

from dataclasses import dataclass

import numpy as np

from tests.peers.kinds import Flags


@dataclass(frozen=True)
class Rules:
    """What `vectorbt` is told about money, sizes and stops; its own names and defaults."""

    cash: float = 10_000.0
    price: str = "close"  # or "open": where signals of a bar are filled, in that same bar
    size: float = np.inf
    size_type: str = "amount"
    direction: str = "both"  # of from_orders
    fees: float = 0.0
    fixed_fees: float = 0.0
    slippage: float = 0.0
    size_granularity: float = np.nan
    min_size: float = 1e-8
    max_size: float = np.inf
    lock_cash: bool = False
    allow_partial: bool = True
    accumulate: str = "disabled"
    upon_opposite_entry: str = "reversereduce"
    sl_stop: float = np.nan  # shares of the base price
    tp_stop: float = np.nan
    sl_trail: bool = False
    stop_entry_price: str = "close"
    stop_exit_price: str = "stoplimit"
    cash_sharing: bool = False
    call_seq: str = "default"


@dataclass(frozen=True)
class Signals:
    """What is wanted in each bar and column; flags of shape (bars, columns)."""

    long_entry: Flags
    long_exit: Flags
    short_entry: Flags
    short_exit: Flags

    @classmethod
    def nothing(cls, bars: int, columns: int = 1) -> "Signals":
        """Return signals that never want anything."""
        return cls(*(np.zeros((bars, columns), dtype=np.bool_) for _ in range(4)))
