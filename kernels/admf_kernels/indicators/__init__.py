"""The indicators, one file each; importing this package registers them."""

from admf_kernels.indicators.atr import atr
from admf_kernels.indicators.bollinger import bollinger
from admf_kernels.indicators.ema import ema
from admf_kernels.indicators.extremes import largest_of_four, smallest_of_four
from admf_kernels.indicators.macd import macd
from admf_kernels.indicators.roc import roc
from admf_kernels.indicators.rolling_max import rolling_max
from admf_kernels.indicators.rolling_min import rolling_min
from admf_kernels.indicators.rsi import rsi
from admf_kernels.indicators.session_vwap import session_vwap
from admf_kernels.indicators.shift import shift
from admf_kernels.indicators.sma import sma
from admf_kernels.indicators.stddev import stddev
from admf_kernels.indicators.true_range import true_range
from admf_kernels.indicators.wma import wma

__all__ = [
    "atr",
    "bollinger",
    "ema",
    "largest_of_four",
    "macd",
    "roc",
    "rolling_max",
    "rolling_min",
    "rsi",
    "session_vwap",
    "shift",
    "sma",
    "smallest_of_four",
    "stddev",
    "true_range",
    "wma",
]
