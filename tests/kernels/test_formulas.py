"""Indicators against their formula, written again with NumPy over whole windows."""

import numpy as np
import pytest

from admf_kernels import compute
from admf_kernels.contract import Output
from admf_kernels.indicators import (
    adaptive_average,
    aroon_lines,
    bands,
    buying_pressure,
    channel,
    chop,
    choppiness,
    cmf,
    combine,
    deviation_score,
    distances,
    dpo,
    efficiency_ratio,
    elder_ray,
    force,
    force_index,
    heikin_ashi,
    hma,
    ichimoku,
    ichimoku_lines,
    keltner,
    money_flow_index,
    money_flow_volume,
    percent_rank,
    pivot_points,
    place_in_range,
    ratio,
    reach_up,
    rma,
    shares,
    stochastic_lines,
    supertrend,
    three_shares,
    trailing_bands,
    volatility,
    volatility_percentile,
    volume_ratio,
    vortex,
    vpt,
    vwap,
    vwma,
    zscore,
)
from admf_kernels.plan import bar_columns_of
from admf_kernels.testing import random_bars

BARS = 600


def before(x, bars=1):
    """Return `x` that many bars earlier, NaN where there is none."""
    return np.concatenate([np.full(bars, np.nan), x[:-bars]])


def over(x, period, function):
    """Return `function` of each whole window (windows, period), NaN before the first."""
    found = function(np.lib.stride_tricks.sliding_window_view(x, period))
    return np.concatenate([np.full(period - 1, np.nan), found])


def total(x, period):
    return over(x, period, lambda w: w.sum(axis=1))


def mean(x, period):
    return over(x, period, lambda w: w.mean(axis=1))


def highest(x, period):
    return over(x, period, lambda w: w.max(axis=1))


def lowest(x, period):
    return over(x, period, lambda w: w.min(axis=1))


def weighted(x, period):
    weights = np.arange(1.0, period + 1.0)
    return over(x, period, lambda w: w @ weights / weights.sum())


def divided(top, bottom, other=0.0):
    """Return a quotient, and another value where the bottom is 0."""
    none = bottom == 0.0
    return np.where(none, other, top / np.where(none, 1.0, bottom))


def smoothed(x, period, alpha):
    """Return the exponential average seeded with the mean of the first `period` values."""
    first = int(np.argmax(~np.isnan(x))) + period - 1
    found = np.full(len(x), np.nan)
    found[first] = x[first - period + 1 : first + 1].mean()
    for t in range(first + 1, len(x)):
        found[t] = found[t - 1] + alpha * (x[t] - found[t - 1])
    return found


def ema_of(x, period):
    return smoothed(x, period, 2.0 / (period + 1.0))


def true_range_of(h, lo, c):
    return np.fmax(h, before(c)) - np.fmin(lo, before(c)) + 0.0 * before(c)


def atr_of(h, lo, c, period):
    return smoothed(true_range_of(h, lo, c), period, 1.0 / period)


def efficiency_of(c, period):
    moves = total(np.abs(c - before(c)), period)
    return divided(np.abs(c - before(c, period)), moves, 1.0)


def adapted(value, efficiency):
    found, last = np.empty(len(value)), value[0]
    share = np.clip(efficiency, 0.0, 1.0) * (2.0 / 3.0 - 2.0 / 31.0) + 2.0 / 31.0
    for t, weight in enumerate(share * share):
        last = found[t] = weight * value[t] + (1.0 - weight) * last
    return found


def trailed(h, lo, c, reach, multiplier):
    """Return value and direction of the bands that trail the price, as TradingView does."""
    upper, lower = (h + lo) / 2 + multiplier * reach, (h + lo) / 2 - multiplier * reach
    value, direction = np.full(len(c), np.nan), np.full(len(c), np.nan)
    first = int(np.argmax(~np.isnan(reach)))
    value[first], direction[first] = upper[first], -1.0
    for t in range(first + 1, len(c)):
        if not (lower[t] > lower[t - 1] or c[t - 1] < lower[t - 1]):
            lower[t] = lower[t - 1]
        if not (upper[t] < upper[t - 1] or c[t - 1] > upper[t - 1]):
            upper[t] = upper[t - 1]
        if direction[t - 1] < 0.0:
            direction[t] = 1.0 if c[t] > upper[t] else -1.0
        else:
            direction[t] = -1.0 if c[t] < lower[t] else 1.0
        value[t] = lower[t] if direction[t] > 0.0 else upper[t]
    return value, direction


def trended(h, lo, c, period, multiplier):
    return trailed(h, lo, c, atr_of(h, lo, c, period), multiplier)


def flow_of(h, lo, c, v):
    return divided(((c - lo) - (h - c)) * v, h - lo)


def money_share(price, v, period):
    rise = total(np.where(price > before(price), price * v, 0.0) + 0.0 * before(price), period)
    fall = total(np.where(price < before(price), price * v, 0.0) + 0.0 * before(price), period)
    return 100.0 * divided(rise, rise + fall)


def volume_weighted(price, v, period):
    return divided(total(price * v, period), total(v, period), price)


def scored(x, period):
    spread = over(x, period, lambda w: np.ptp(w, axis=1))
    deviation = over(x, period, lambda w: w.std(axis=1))
    return np.where(spread == 0.0, 0.0, divided(x - mean(x, period), deviation))


def mean_scored(x, period, unit):
    spread = over(x, period, lambda w: np.ptp(w, axis=1))
    away = over(x, period, lambda w: np.abs(w - w.mean(axis=1)[:, None]).mean(axis=1))
    return np.where(spread == 0.0, 0.0, divided(x - mean(x, period), unit * away))


def ranked(x, period, scale):
    share = over(x, period + 1, lambda w: (w[:, :-1] <= w[:, -1:]).mean(axis=1))
    return scale * share + 0.0 * before(x, period)


def spread_of_returns(c, period):
    returns = c / before(c) - 1.0
    still = over(returns, period, lambda w: np.ptp(w, axis=1)) == 0.0
    return np.where(still, 0.0, over(returns, period, lambda w: w.std(axis=1)))


def chopped(way, top, bottom, period):
    moved = (top > bottom) & (way > 0.0)
    share = np.where(moved, way, 1.0) / np.where(moved, top - bottom, 1.0)
    found = np.where(moved, 100.0 * np.log(share) / np.log(period), 100.0)
    return np.where(np.isnan(way + top + bottom), np.nan, found)


def vortex_of(h, lo, c, period):
    span = total(true_range_of(h, lo, c), period)
    up, down = total(np.abs(h - before(lo)), period), total(np.abs(lo - before(h)), period)
    return divided(up, span), divided(down, span)


def ashi(o, h, lo, c):
    close, start = (o + h + lo + c) / 4.0, np.empty(len(c))
    start[0] = (o[0] + c[0]) / 2.0
    for t in range(1, len(c)):
        start[t] = (start[t - 1] + close[t - 1]) / 2.0
    both = np.maximum(start, close), np.minimum(start, close)
    return start, np.maximum(h, both[0]), np.minimum(lo, both[1]), close


def pivots(h, lo, c):
    h, lo, c = before(h), before(lo), before(c)
    p = (h + lo + c) / 3.0
    first = 2 * p - lo, 2 * p - h
    return p, *first, p + h - lo, p - h + lo, h + 2 * (p - lo), lo - 2 * (h - p)


def cloud(h, lo, periods):
    a, b, slow = ((highest(h, n) + lowest(lo, n)) / 2.0 for n in periods)
    return a, b, (a + b) / 2.0, slow


def keltner_of(h, lo, c, period, multiplier, atr_period):
    middle, reach = ema_of(c, period), multiplier * atr_of(h, lo, c, atr_period)
    return middle + reach, middle, middle - reach


def detrended(c, period):
    return before(c, period // 2 + 1) - mean(c, period)


def hull(c, period, half, root):
    return weighted(2.0 * weighted(c, half) - weighted(c, period), root)


# Name to cases of (feature, its formula over open, high, low, close, volume).
FORMULAS = {
    "adaptive_average": [
        (adaptive_average(of=("close", ratio(1.5, of=("low", "high")))),
         lambda o, h, lo, c, v: adapted(c, 1.5 * lo / h)),
    ],
    "aroon_lines": [
        (aroon_lines(50), lambda o, h, lo, c, v: (100 - 2 * h, 100 - 2 * lo, 2 * (lo - h))),
    ],
    "bands": [
        (bands(1.5), lambda o, h, lo, c, v: (c + 1.5 * o, c, c - 1.5 * o)),
    ],
    "buying_pressure": [
        (buying_pressure(), lambda o, h, lo, c, v: c - np.minimum(lo, before(c))),
    ],
    "channel": [(channel(), lambda o, h, lo, c, v: (h, (h + lo) / 2, lo))],
    "chop": [
        (chop(n), lambda o, h, lo, c, v, n=n: chopped(
            total(true_range_of(h, lo, c), n), highest(h, n), lowest(lo, n), n))
        for n in (2, 14, 50)
    ],
    "choppiness": [(choppiness(14), lambda o, h, lo, c, v: chopped(v, h, lo, 14))],
    "cmf": [
        (cmf(n), lambda o, h, lo, c, v, n=n: divided(total(flow_of(h, lo, c, v), n), total(v, n)))
        for n in (1, 20)
    ],
    "combine": [
        (combine(), lambda o, h, lo, c, v: c - o),
        (combine(2.0, 3.0, of=("high", "volume")), lambda o, h, lo, c, v: 2.0 * h + 3.0 * v),
    ],
    "deviation_score": [
        (deviation_score(n, 0.5), lambda o, h, lo, c, v, n=n: mean_scored(c, n, 0.5))
        for n in (2, 20)
    ],
    "distances": [(distances(), lambda o, h, lo, c, v: (h - c, lo - c))],
    "dpo": [(dpo(n), lambda o, h, lo, c, v, n=n: detrended(c, n)) for n in (1, 2, 20, 21)],
    "efficiency_ratio": [
        (efficiency_ratio(n), lambda o, h, lo, c, v, n=n: efficiency_of(c, n)) for n in (1, 10, 50)
    ],
    "elder_ray": [
        (elder_ray(13), lambda o, h, lo, c, v: (h - ema_of(c, 13), lo - ema_of(c, 13))),
    ],
    "force": [(force(), lambda o, h, lo, c, v: v * (c - before(c)))],
    "force_index": [
        (force_index(n), lambda o, h, lo, c, v, n=n: ema_of(v * (c - before(c)), n))
        for n in (1, 13)
    ],
    "heikin_ashi": [(heikin_ashi(), lambda o, h, lo, c, v: ashi(o, h, lo, c))],
    "hma": [
        (hma(n), lambda o, h, lo, c, v, p=(n, half, root): hull(c, *p))
        for n, half, root in ((2, 1, 1), (9, 4, 3), (20, 10, 4))
    ],
    "ichimoku": [
        (ichimoku(*p), lambda o, h, lo, c, v, p=p: cloud(h, lo, p))
        for p in ((9, 26, 52), (5, 3, 4))
    ],
    "ichimoku_lines": [(ichimoku_lines(), lambda o, h, lo, c, v: (c, o, (c + o) / 2, h))],
    "keltner": [
        (keltner(*p), lambda o, h, lo, c, v, p=p: keltner_of(h, lo, c, *p))
        for p in ((20, 2.0, 10), (5, 1.5, 14))
    ],
    "money_flow_index": [
        (money_flow_index(14), lambda o, h, lo, c, v: money_share(c, v, 14)),
    ],
    "money_flow_volume": [(money_flow_volume(), lambda o, h, lo, c, v: flow_of(h, lo, c, v))],
    "percent_rank": [
        (percent_rank(*p), lambda o, h, lo, c, v, p=p: ranked(c, *p))
        for p in ((1, 100.0), (50, 1.0))
    ],
    "pivot_points": [(pivot_points(), lambda o, h, lo, c, v: pivots(h, lo, c))],
    "place_in_range": [
        (place_in_range(), lambda o, h, lo, c, v: 100.0 * divided(c - lo, h - lo)),
    ],
    "ratio": [
        (ratio(3.0, of=("close", "volume")), lambda o, h, lo, c, v: divided(3.0 * c, v)),
    ],
    "reach_up": [(reach_up(), lambda o, h, lo, c, v: np.abs(h - before(lo)))],
    "rma": [(rma(n), lambda o, h, lo, c, v, n=n: smoothed(c, n, 1.0 / n)) for n in (1, 2, 14)],
    "shares": [
        (shares(of=("high", "low", "volume")),
         lambda o, h, lo, c, v: (divided(h, v), divided(lo, v))),
    ],
    "stochastic_lines": [(stochastic_lines(), lambda o, h, lo, c, v: (c, o))],
    "supertrend": [
        (supertrend(*p), lambda o, h, lo, c, v, p=p: trended(h, lo, c, *p))
        for p in ((10, 3.0), (3, 1.0))
    ],
    "three_shares": [
        (three_shares(of=("open", "high", "low", "high", "close", "volume")),
         lambda o, h, lo, c, v: 100.0 * (4.0 * o / h + 2.0 * lo / h + divided(c, v)) / 7.0),
    ],
    "trailing_bands": [
        (trailing_bands(0.02), lambda o, h, lo, c, v: trailed(h, lo, c, o, 0.02)),
    ],
    "volatility": [
        (volatility(n), lambda o, h, lo, c, v, n=n: spread_of_returns(c, n)) for n in (2, 20)
    ],
    "volatility_percentile": [
        (volatility_percentile(30, 7),
         lambda o, h, lo, c, v: ranked(spread_of_returns(c, 7), 30, 1.0)),
    ],
    "volume_ratio": [
        (volume_ratio(n), lambda o, h, lo, c, v, n=n: divided(v, mean(v, n))) for n in (1, 20)
    ],
    "vortex": [(vortex(n), lambda o, h, lo, c, v, n=n: vortex_of(h, lo, c, n)) for n in (1, 14)],
    "vpt": [
        (vpt(), lambda o, h, lo, c, v: np.append(np.nan, np.cumsum(v[1:] * (c[1:] / c[:-1] - 1)))),
    ],
    "vwap": [
        (vwap(n), lambda o, h, lo, c, v, n=n: volume_weighted((h + lo + c) / 3.0, v, n))
        for n in (1, 20)
    ],
    "vwma": [
        (vwma(n), lambda o, h, lo, c, v, n=n: volume_weighted(c, v, n)) for n in (1, 2, 20)
    ],
    "zscore": [(zscore(n), lambda o, h, lo, c, v, n=n: scored(c, n)) for n in (2, 20)],
}  # fmt: skip


@pytest.fixture(scope="module")
def columns():
    """Open, high, low, close and volume, with stretches where nothing moves or is traded."""
    bars = random_bars(BARS, seed=4)
    quiet = np.sin(np.arange(BARS) / 30.0) > 0.8
    return [*bars[1:5], np.where(quiet, 0.0, bars.volume)]


@pytest.mark.parametrize(
    ("feature", "formula"),
    [pytest.param(*case, id=case[0].label) for cases in FORMULAS.values() for case in cases],
)
def test_agrees_with_its_formula(columns, feature, formula):
    """Within 1e-9 of the value, or of the column's usual size where it is near zero."""
    read = feature if isinstance(feature, Output) else Output(feature, 0)
    ours = compute(feature, *(columns[k - 1] for k in bar_columns_of([read])))
    theirs = formula(*columns)
    for mine, other in zip(_tuple(ours), _tuple(theirs), strict=True):
        valid = ~np.isnan(mine)
        assert valid[-1]
        assert np.array_equal(valid, ~np.isnan(other)) or isinstance(theirs, tuple)
        assert not np.isnan(other[valid]).any()
        size = np.abs(other[valid])
        assert np.all(
            np.abs(mine[valid] - other[valid]) <= 1e-9 * np.maximum(size, np.median(size))
        )


def _tuple(found):
    return found if isinstance(found, tuple) else (found,)
