"""The indicators, one file each; importing this package registers them."""

from admf_kernels.indicators.ema import ema
from admf_kernels.indicators.sma import sma

__all__ = ["ema", "sma"]
