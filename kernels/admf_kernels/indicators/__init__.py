"""The indicators, one file each; importing this package registers them."""

from admf_kernels.indicators.ad import ad, cmf, money_flow_volume
from admf_kernels.indicators.adx import adx
from admf_kernels.indicators.apo import apo, ppo
from admf_kernels.indicators.aroon import aroon, aroon_lines
from admf_kernels.indicators.atr import atr
from admf_kernels.indicators.awesome_oscillator import awesome_oscillator
from admf_kernels.indicators.bars_since import bars_since_highest, bars_since_lowest
from admf_kernels.indicators.bollinger import bollinger
from admf_kernels.indicators.cci import cci, deviation_score
from admf_kernels.indicators.chop import chop, choppiness
from admf_kernels.indicators.cmo import cmo
from admf_kernels.indicators.combine import combine
from admf_kernels.indicators.correlation import correlation
from admf_kernels.indicators.dema import dema, tema
from admf_kernels.indicators.donchian import channel, donchian
from admf_kernels.indicators.dpo import dpo
from admf_kernels.indicators.efficiency_ratio import efficiency_ratio
from admf_kernels.indicators.elder_ray import distances, elder_ray
from admf_kernels.indicators.ema import ema
from admf_kernels.indicators.extremes import largest_of_four, smallest_of_four
from admf_kernels.indicators.force_index import force, force_index
from admf_kernels.indicators.heikin_ashi import heikin_ashi
from admf_kernels.indicators.hma import hma
from admf_kernels.indicators.ichimoku import ichimoku, ichimoku_lines
from admf_kernels.indicators.kama import adaptive_average, kama
from admf_kernels.indicators.keltner import bands, keltner
from admf_kernels.indicators.linear_regression import linear_regression
from admf_kernels.indicators.macd import macd
from admf_kernels.indicators.mean_stddev import mean_stddev
from admf_kernels.indicators.mfi import mfi, money_flow_index
from admf_kernels.indicators.momentum import momentum
from admf_kernels.indicators.natr import natr
from admf_kernels.indicators.obv import obv, vpt
from admf_kernels.indicators.percent_rank import percent_rank
from admf_kernels.indicators.pivot_points import pivot_points
from admf_kernels.indicators.psar import psar
from admf_kernels.indicators.ratio import ratio
from admf_kernels.indicators.rma import rma
from admf_kernels.indicators.roc import roc
from admf_kernels.indicators.rolling_max import rolling_max
from admf_kernels.indicators.rolling_min import rolling_min
from admf_kernels.indicators.rolling_sum import rolling_sum
from admf_kernels.indicators.rsi import rsi
from admf_kernels.indicators.session_vwap import session_vwap
from admf_kernels.indicators.shift import shift
from admf_kernels.indicators.sma import sma
from admf_kernels.indicators.stddev import stddev
from admf_kernels.indicators.stochastic import (
    place_in_range,
    stochastic,
    stochastic_fast,
    stochastic_lines,
    stochastic_rsi,
    williams_r,
)
from admf_kernels.indicators.supertrend import supertrend, trailing_bands
from admf_kernels.indicators.trix import trix
from admf_kernels.indicators.true_range import true_range
from admf_kernels.indicators.typical_price import typical_price
from admf_kernels.indicators.ultimate_oscillator import (
    buying_pressure,
    three_shares,
    ultimate_oscillator,
)
from admf_kernels.indicators.volatility import volatility, volatility_percentile
from admf_kernels.indicators.volume_ratio import volume_ratio, vroc
from admf_kernels.indicators.vortex import reach_up, shares, vortex
from admf_kernels.indicators.vwma import vwap, vwma
from admf_kernels.indicators.wma import wma
from admf_kernels.indicators.zscore import zscore

__all__ = [
    "ad",
    "adaptive_average",
    "adx",
    "apo",
    "aroon",
    "aroon_lines",
    "atr",
    "awesome_oscillator",
    "bands",
    "bars_since_highest",
    "bars_since_lowest",
    "bollinger",
    "buying_pressure",
    "cci",
    "channel",
    "chop",
    "choppiness",
    "cmf",
    "cmo",
    "combine",
    "correlation",
    "dema",
    "deviation_score",
    "distances",
    "donchian",
    "dpo",
    "efficiency_ratio",
    "elder_ray",
    "ema",
    "force",
    "force_index",
    "heikin_ashi",
    "hma",
    "ichimoku",
    "ichimoku_lines",
    "kama",
    "keltner",
    "largest_of_four",
    "linear_regression",
    "macd",
    "mean_stddev",
    "mfi",
    "momentum",
    "money_flow_index",
    "money_flow_volume",
    "natr",
    "obv",
    "percent_rank",
    "pivot_points",
    "place_in_range",
    "ppo",
    "psar",
    "ratio",
    "reach_up",
    "rma",
    "roc",
    "rolling_max",
    "rolling_min",
    "rolling_sum",
    "rsi",
    "session_vwap",
    "shares",
    "shift",
    "sma",
    "smallest_of_four",
    "stddev",
    "stochastic",
    "stochastic_fast",
    "stochastic_lines",
    "stochastic_rsi",
    "supertrend",
    "tema",
    "three_shares",
    "trailing_bands",
    "trix",
    "true_range",
    "typical_price",
    "ultimate_oscillator",
    "volatility",
    "volatility_percentile",
    "volume_ratio",
    "vortex",
    "vpt",
    "vroc",
    "vwap",
    "vwma",
    "williams_r",
    "wma",
    "zscore",
]
