"""The strategies, one file each; importing this package registers them."""

from admf_kernels.strategies.bollinger_reversion import bollinger_reversion
from admf_kernels.strategies.buy_and_hold import buy_and_hold
from admf_kernels.strategies.donchian_breakout import donchian_breakout
from admf_kernels.strategies.rsi_reversion import rsi_reversion
from admf_kernels.strategies.sma_cross import sma_cross

__all__ = [
    "bollinger_reversion",
    "buy_and_hold",
    "donchian_breakout",
    "rsi_reversion",
    "sma_cross",
]
