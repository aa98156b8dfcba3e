"""The constants of one account: what it costs to trade, and how much is traded."""

from typing import NamedTuple

FIXED, PERCENT, ALL_IN = 0, 1, 2
NEXT_OPEN, SAME_CLOSE = 0, 1


class Account(NamedTuple):
    """Everything about money that does not change during a run."""

    cash: float = 100_000.0  # account currency at the start
    lot_size: float = 1.0  # units in one lot
    fee_rate: float = 0.0  # of the notional, a fraction
    fee_per_unit: float = 0.0  # account currency per unit
    fee_fixed: float = 0.0  # account currency per fill
    slippage_rate: float = 0.0  # of the price, against us, a fraction
    slippage_amount: float = 0.0  # price units, against us
    sizing: int = ALL_IN  # FIXED, PERCENT or ALL_IN
    sizing_value: float = 1.0  # lots for FIXED, fraction of equity otherwise
    fill: int = NEXT_OPEN  # NEXT_OPEN or SAME_CLOSE
    long_allowed: bool = True
    short_allowed: bool = True
