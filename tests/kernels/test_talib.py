"""Indicators against TA-Lib: the same first valid bar, the same values, on 200,000 bars."""

import numpy as np
import pytest
import talib

from admf_kernels import compute, names
from admf_kernels.contract import Composite, Indicator, Output
from admf_kernels.indicators import (
    ad,
    adx,
    apo,
    aroon,
    atr,
    awesome_oscillator,
    bars_since_highest,
    bars_since_lowest,
    bollinger,
    cci,
    cmo,
    correlation,
    dema,
    donchian,
    ema,
    kama,
    linear_regression,
    macd,
    mean_stddev,
    mfi,
    momentum,
    natr,
    obv,
    ppo,
    psar,
    roc,
    rolling_max,
    rolling_min,
    rolling_sum,
    rsi,
    sma,
    stddev,
    stochastic,
    stochastic_fast,
    stochastic_rsi,
    tema,
    trix,
    true_range,
    typical_price,
    ultimate_oscillator,
    vroc,
    williams_r,
    wma,
)
from admf_kernels.plan import bar_columns_of
from admf_kernels.testing import random_bars
from tests.kernels.test_formulas import FORMULAS

BARS = 200_000
SMA, EMA = 0, 1  # TA-Lib's numbers of averages


def since(index, period):
    """Return how many bars ago TA-Lib's index is, NaN while the window is not full."""
    ago = (np.arange(BARS) - index).astype(float)
    ago[: period - 1] = np.nan
    return ago


def edges(upper, lower):
    """Return what a channel has, from TA-Lib's extremes."""
    return upper, (upper + lower) / 2.0, lower


def oscillation(h, lo):
    """Return the awesome oscillator from TA-Lib's averages."""
    x = talib.MEDPRICE(h, lo)
    return talib.SMA(x, 5) - talib.SMA(x, 34)


# Name to cases of (feature, what TA-Lib does for open, high, low, close).
CASES = {
    "atr": [(atr(n), lambda o, h, lo, c, v, n=n: talib.ATR(h, lo, c, n)) for n in (1, 2, 14, 300)],
    "bollinger": [
        (bollinger(n, d), lambda o, h, lo, c, v, n=n, d=d: talib.BBANDS(c, n, d, d))
        for n, d in ((2, 1.0), (20, 2.0), (250, 2.5))
    ],
    "ema": [(ema(n), lambda o, h, lo, c, v, n=n: talib.EMA(c, n)) for n in (2, 20, 500)],
    "macd": [
        (macd(*p), lambda o, h, lo, c, v, p=p: talib.MACD(c, *p))
        for p in ((12, 26, 9), (2, 3, 1), (5, 100, 30))
    ],
    "mean_stddev": [
        (mean_stddev(n), lambda o, h, lo, c, v, n=n: (talib.SMA(c, n), talib.STDDEV(c, n, 1.0)))
        for n in (2, 20, 250)
    ],
    "roc": [(roc(n), lambda o, h, lo, c, v, n=n: talib.ROC(c, n)) for n in (1, 10, 100)],
    "rolling_max": [
        (rolling_max(n, of="high"), lambda o, h, lo, c, v, n=n: talib.MAX(h, n))
        for n in (2, 3, 5, 20, 64, 65, 1000)
    ],
    "rolling_min": [
        (rolling_min(n, of="low"), lambda o, h, lo, c, v, n=n: talib.MIN(lo, n))
        for n in (2, 3, 5, 20, 64, 65, 1000)
    ],
    "rsi": [(rsi(n), lambda o, h, lo, c, v, n=n: talib.RSI(c, n)) for n in (2, 14, 100)],
    "sma": [(sma(n), lambda o, h, lo, c, v, n=n: talib.SMA(c, n)) for n in (2, 20, 500)],
    "stddev": [
        (stddev(n, d), lambda o, h, lo, c, v, n=n, d=d: talib.STDDEV(c, n, d))
        for n, d in ((2, 1.0), (20, 1.0), (250, 2.0))
    ],
    "true_range": [(true_range(), lambda o, h, lo, c, v: talib.TRANGE(h, lo, c))],
    "ad": [(ad(), lambda o, h, lo, c, v: talib.AD(h, lo, c, v))],
    "adx": [
        (
            adx(n),
            lambda o, h, lo, c, v, n=n: (
                talib.ADX(h, lo, c, n),
                talib.PLUS_DI(h, lo, c, n),
                talib.MINUS_DI(h, lo, c, n),
            ),
        )
        for n in (2, 14, 100)
    ],
    "apo": [
        (apo(*p), lambda o, h, lo, c, v, p=p: talib.APO(c, *p, EMA)) for p in ((12, 26), (3, 100))
    ],
    "aroon": [
        (
            aroon(n),
            lambda o, h, lo, c, v, n=n: (*talib.AROON(h, lo, n)[::-1], talib.AROONOSC(h, lo, n)),
        )
        for n in (2, 25, 200)
    ],
    "awesome_oscillator": [(awesome_oscillator(), lambda o, h, lo, c, v: oscillation(h, lo))],
    "bars_since_highest": [
        (bars_since_highest(n), lambda o, h, lo, c, v, n=n: since(talib.MAXINDEX(c, n), n))
        for n in (2, 20, 200)
    ],
    "bars_since_lowest": [
        (bars_since_lowest(n), lambda o, h, lo, c, v, n=n: since(talib.MININDEX(c, n), n))
        for n in (2, 20, 200)
    ],
    "cci": [(cci(n), lambda o, h, lo, c, v, n=n: talib.CCI(h, lo, c, n)) for n in (3, 20, 100)],
    "cmo": [(cmo(n), lambda o, h, lo, c, v, n=n: talib.CMO(c, n)) for n in (2, 14, 100)],
    "correlation": [
        (correlation(n, of=("high", "volume")), lambda o, h, lo, c, v, n=n: talib.CORREL(h, v, n))
        for n in (5, 20, 100)
    ],
    "dema": [(dema(n), lambda o, h, lo, c, v, n=n: talib.DEMA(c, n)) for n in (2, 20, 200)],
    "donchian": [
        (donchian(n), lambda o, h, lo, c, v, n=n: edges(talib.MAX(h, n), talib.MIN(lo, n)))
        for n in (2, 20)
    ],
    "kama": [(kama(n), lambda o, h, lo, c, v, n=n: talib.KAMA(c, n)) for n in (2, 10, 100)],
    "linear_regression": [
        (
            linear_regression(n),
            lambda o, h, lo, c, v, n=n: (talib.LINEARREG(c, n), talib.LINEARREG_SLOPE(c, n)),
        )
        for n in (2, 14, 200)
    ],
    "mfi": [(mfi(n), lambda o, h, lo, c, v, n=n: talib.MFI(h, lo, c, v, n)) for n in (2, 14, 100)],
    "momentum": [(momentum(n), lambda o, h, lo, c, v, n=n: talib.MOM(c, n)) for n in (1, 10)],
    "natr": [(natr(n), lambda o, h, lo, c, v, n=n: talib.NATR(h, lo, c, n)) for n in (2, 14)],
    "obv": [(obv(), lambda o, h, lo, c, v: talib.OBV(c, v))],
    "ppo": [
        (ppo(*p), lambda o, h, lo, c, v, p=p: talib.PPO(c, *p, EMA)) for p in ((12, 26), (3, 100))
    ],
    "psar": [
        (psar(*p), lambda o, h, lo, c, v, p=p: talib.SAR(h, lo, *p))
        for p in ((0.02, 0.2), (0.1, 0.1), (0.01, 0.5))
    ],
    "rolling_sum": [(rolling_sum(n), lambda o, h, lo, c, v, n=n: talib.SUM(c, n)) for n in (2, 20)],
    "stochastic": [
        (
            stochastic(*p),
            lambda o, h, lo, c, v, p=p: talib.STOCH(h, lo, c, p[0], p[1], SMA, p[2], SMA),
        )
        for p in ((14, 3, 3), (5, 1, 4), (50, 10, 1))
    ],
    "stochastic_fast": [
        (stochastic_fast(*p), lambda o, h, lo, c, v, p=p: talib.STOCHF(h, lo, c, *p, SMA))
        for p in ((14, 3), (5, 1))
    ],
    "stochastic_rsi": [
        (stochastic_rsi(n, k, 1, d), lambda o, h, lo, c, v, p=(n, k, d): talib.STOCHRSI(c, *p, SMA))
        for n, k, d in ((14, 14, 3), (7, 5, 2))
    ],
    "tema": [(tema(n), lambda o, h, lo, c, v, n=n: talib.TEMA(c, n)) for n in (2, 20, 200)],
    "trix": [(trix(n), lambda o, h, lo, c, v, n=n: talib.TRIX(c, n)) for n in (1, 15, 100)],
    "typical_price": [(typical_price(), lambda o, h, lo, c, v: talib.TYPPRICE(h, lo, c))],
    "ultimate_oscillator": [
        (ultimate_oscillator(*p), lambda o, h, lo, c, v, p=p: talib.ULTOSC(h, lo, c, *p))
        for p in ((7, 14, 28), (1, 2, 50))
    ],
    "vroc": [(vroc(n), lambda o, h, lo, c, v, n=n: talib.ROC(v, n)) for n in (1, 20)],
    "williams_r": [
        (williams_r(n), lambda o, h, lo, c, v, n=n: talib.WILLR(h, lo, c, n)) for n in (2, 14, 100)
    ],
    "wma": [(wma(n), lambda o, h, lo, c, v, n=n: talib.WMA(c, n)) for n in (1, 2, 20, 500)],
}
# TA-Lib has none of these, or another form; they are held to their definitions in
# tests/kernels/test_exactness.py, test_clock.py and tests/kernels/test_formulas.py.
WITHOUT = {"largest_of_four", "smallest_of_four", "shift", "session_vwap", *FORMULAS}
# Differences, spreads and percentages, near zero now and then: they have the error of what
# they are made of.
NEAR_ZERO = {
    "ad", "adx", "apo", "awesome_oscillator", "cci", "cmo", "correlation", "linear_regression",
    "macd", "mean_stddev", "mfi", "obv", "momentum", "ppo", "roc", "stddev", "stochastic",
    "stochastic_fast", "stochastic_rsi", "trix", "ultimate_oscillator", "vroc", "williams_r",
}  # fmt: skip
# TA-Lib gives some outputs before the others are valid; here all begin together.
EARLIER = {"adx"}
COLUMNS = {"atr": (1, 2, 3), "true_range": (1, 2, 3), "rolling_max": (1,), "rolling_min": (2,)}


@pytest.fixture(scope="module")
def prices():
    """Open, high, low, close of a market between about 50 and 200, and volume."""
    bars = random_bars(BARS, seed=11)
    # A level that does not wander off keeps TA-Lib's own rounding under the tolerance.
    scale = 100.0 * np.exp(0.3 * np.sin(np.arange(BARS) / 5000.0)) / bars.close
    noise = np.exp(0.01 * np.random.default_rng(11).standard_normal(BARS))
    prices = (bars.open, bars.high, bars.low, bars.close)
    return [*(column * scale * noise for column in prices), bars.volume + 1.0]


def test_every_indicator_is_compared():
    assert set(names((Indicator, Composite))) == set(CASES) | WITHOUT


@pytest.mark.parametrize(
    ("name", "feature", "reference"),
    [pytest.param(n, *case, id=case[0].label) for n, cases in CASES.items() for case in cases],
)
def test_agrees_with_talib(prices, name, feature, reference):
    """Within 1e-9 of the value, or of the indicator's usual size where it is near zero."""
    read = feature if isinstance(feature, Output) else Output(feature, 0)
    ours = compute(feature, *(prices[k - 1] for k in bar_columns_of([read])))
    theirs = reference(*prices)
    for mine, other in zip(_tuple(ours), _tuple(theirs), strict=True):
        if name not in EARLIER:
            assert np.array_equal(np.isnan(mine), np.isnan(other))
        valid = ~np.isnan(mine)
        assert not np.isnan(other[valid]).any()
        size = np.abs(other[valid])
        scale = np.maximum(size, np.median(size)) if name in NEAR_ZERO else size
        assert np.all(np.abs(mine[valid] - other[valid]) <= 1e-9 * scale)


def _tuple(found):
    return found if isinstance(found, (tuple, list)) else (found,)
