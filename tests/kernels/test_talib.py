"""Indicators against TA-Lib: the same first valid bar, the same values, on 200,000 bars."""

import numpy as np
import pytest
import talib

from admf_kernels import compute, names
from admf_kernels.contract import Composite, Indicator
from admf_kernels.indicators import (
    atr,
    bollinger,
    ema,
    macd,
    roc,
    rolling_max,
    rolling_min,
    rsi,
    sma,
    stddev,
    true_range,
    wma,
)
from admf_kernels.testing import random_bars

BARS = 200_000
# Name to cases of (feature, what TA-Lib does for open, high, low, close).
CASES = {
    "atr": [(atr(n), lambda o, h, lo, c, n=n: talib.ATR(h, lo, c, n)) for n in (1, 2, 14, 300)],
    "bollinger": [
        (bollinger(n, d), lambda o, h, lo, c, n=n, d=d: talib.BBANDS(c, n, d, d))
        for n, d in ((2, 1.0), (20, 2.0), (250, 2.5))
    ],
    "ema": [(ema(n), lambda o, h, lo, c, n=n: talib.EMA(c, n)) for n in (2, 20, 500)],
    "macd": [
        (macd(*p), lambda o, h, lo, c, p=p: talib.MACD(c, *p))
        for p in ((12, 26, 9), (2, 3, 1), (5, 100, 30))
    ],
    "roc": [(roc(n), lambda o, h, lo, c, n=n: talib.ROC(c, n)) for n in (1, 10, 100)],
    "rolling_max": [
        (rolling_max(n, of="high"), lambda o, h, lo, c, n=n: talib.MAX(h, n))
        for n in (2, 3, 5, 20, 64, 65, 1000)
    ],
    "rolling_min": [
        (rolling_min(n, of="low"), lambda o, h, lo, c, n=n: talib.MIN(lo, n))
        for n in (2, 3, 5, 20, 64, 65, 1000)
    ],
    "rsi": [(rsi(n), lambda o, h, lo, c, n=n: talib.RSI(c, n)) for n in (2, 14, 100)],
    "sma": [(sma(n), lambda o, h, lo, c, n=n: talib.SMA(c, n)) for n in (2, 20, 500)],
    "stddev": [
        (stddev(n, d), lambda o, h, lo, c, n=n, d=d: talib.STDDEV(c, n, d))
        for n, d in ((2, 1.0), (20, 1.0), (250, 2.0))
    ],
    "true_range": [(true_range(), lambda o, h, lo, c: talib.TRANGE(h, lo, c))],
    "wma": [(wma(n), lambda o, h, lo, c, n=n: talib.WMA(c, n)) for n in (1, 2, 20, 500)],
}
# TA-Lib has none of these; test_exactness.py and test_clock.py hold them to their definition.
WITHOUT = {"largest_of_four", "smallest_of_four", "shift", "session_vwap"}
COLUMNS = {"atr": (1, 2, 3), "true_range": (1, 2, 3), "rolling_max": (1,), "rolling_min": (2,)}


@pytest.fixture(scope="module")
def prices():
    """Open, high, low and close of a market between about 50 and 200."""
    bars = random_bars(BARS, seed=11)
    # A level that does not wander off keeps TA-Lib's own rounding under the tolerance.
    scale = 100.0 * np.exp(0.3 * np.sin(np.arange(BARS) / 5000.0)) / bars.close
    noise = np.exp(0.01 * np.random.default_rng(11).standard_normal(BARS))
    return [column * scale * noise for column in (bars.open, bars.high, bars.low, bars.close)]


def test_every_indicator_is_compared():
    assert set(names((Indicator, Composite))) == set(CASES) | WITHOUT


@pytest.mark.parametrize(
    ("name", "feature", "reference"),
    [pytest.param(n, *case, id=case[0].label) for n, cases in CASES.items() for case in cases],
)
def test_agrees_with_talib(prices, name, feature, reference):
    """Within 1e-9 of the value, or of the indicator's usual size where it is near zero."""
    ours = compute(feature, *(prices[k] for k in COLUMNS.get(name, (3,))))
    theirs = reference(*prices)
    for mine, other in zip(_tuple(ours), _tuple(theirs), strict=True):
        valid = ~np.isnan(other)
        assert np.array_equal(np.isnan(mine), ~valid)
        size = np.abs(other[valid])
        # A difference (or spread) near zero has the error of what it is the difference of.
        scale = np.maximum(size, np.median(size)) if name in ("macd", "roc", "stddev") else size
        assert np.all(np.abs(mine[valid] - other[valid]) <= 1e-9 * scale)


def _tuple(found):
    return found if isinstance(found, (tuple, list)) else (found,)
