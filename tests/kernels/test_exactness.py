"""Values against exact arithmetic, where floating point is at its worst."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels import compute
from admf_kernels.contract import Output
from admf_kernels.indicators import (
    adx,
    aroon,
    bars_since_highest,
    bollinger,
    cmf,
    cmo,
    correlation,
    deviation_score,
    efficiency_ratio,
    largest_of_four,
    linear_regression,
    mfi,
    money_flow_index,
    percent_rank,
    rolling_max,
    rolling_min,
    rolling_sum,
    shift,
    sma,
    smallest_of_four,
    stddev,
    stochastic,
    stochastic_rsi,
    ultimate_oscillator,
    volatility_percentile,
    vwma,
    williams_r,
    wma,
    zscore,
)
from admf_kernels.plan import bar_columns_of
from admf_kernels.testing import random_bars
from tests.kernels.strategies import bars, quick

PERIOD = 20


def exact_spread(values):
    """Return mean and population standard deviation of exact rationals, rounded last."""
    exact = [Fraction(float(v)) for v in values]
    mean = sum(exact) / len(exact)
    variance = sum((v - mean) ** 2 for v in exact) / len(exact)
    # 200 bits of the root: far more than is compared.
    root = Fraction(math.isqrt(int(variance * 2**400)), 2**200)
    return float(mean), float(root)


def worst_error(found, close, rows):
    """Return the largest error of a spread, relative to the exact one."""
    errors = []
    for row in rows:
        exact = exact_spread(close[row - PERIOD + 1 : row + 1])[1]
        errors.append(abs(found[row] - exact) / exact)
    return max(errors)


@pytest.mark.parametrize("level", [1e-8, 1.0, 1e5, 1e8])
def test_spread_keeps_its_digits_at_any_level(level):
    """Moves of a ten-thousandth of the price, 200,000 bars: exact to 1e-9, late as early."""
    rng = np.random.default_rng(5)
    close = level * (1.0 + 1e-4 * rng.standard_normal(200_000))

    ours = compute(stddev(PERIOD), close)

    rows = [PERIOD - 1, *range(1000, 1100), *range(199_900, 200_000)]
    assert worst_error(ours, close, rows) < 1e-9


@pytest.mark.parametrize("outlier", [1e3, 1e5, 1e12])
def test_spread_after_an_outlier(outlier):
    """One wrong print leaves nothing behind once it has left the window."""
    close = 100.0 + 0.05 * np.random.default_rng(6).standard_normal(2000)
    close[1000] = outlier

    ours = compute(stddev(PERIOD), close)

    assert worst_error(ours, close, range(1000 + PERIOD, 1100 + PERIOD)) < 1e-12


@pytest.mark.parametrize("level", [1e-8, 0.1, 123.456, 1e12])
@pytest.mark.parametrize("before", [0.001, 3.0, 1e9])
def test_spread_of_equal_values_is_exactly_zero(level, before):
    """From the bar on which all values of the window are equal, whatever came before."""
    rng = np.random.default_rng(8)
    moving = level * before * (1.0 + 0.1 * rng.standard_normal(75))
    close = np.concatenate([moving, np.full(60, level)])

    spread = compute(stddev(PERIOD), close)
    upper, middle, lower = compute(bollinger(PERIOD, 2.0), close)

    still = slice(75 + PERIOD - 1, None)
    assert np.all(spread[still] == 0.0)
    assert np.all(upper[still] == level)
    assert np.all(middle[still] == level)
    assert np.all(lower[still] == level)
    assert np.all(spread[PERIOD - 1 : 75 + PERIOD - 1] > 0.0)


@quick(40)
@given(bars(min_bars=40))
def test_spread_after_any_jump(drawn):
    """Prices from 1e-8 to 1e12 in one series: within 1e-9 of exact on every bar."""
    spread = compute(stddev(PERIOD), drawn.close)
    _, middle, _ = compute(bollinger(PERIOD, 2.0), drawn.close)
    for row in range(PERIOD - 1, drawn.bars):
        mean, exact = exact_spread(drawn.close[row - PERIOD + 1 : row + 1])
        assert spread[row] == pytest.approx(exact, rel=1e-9, abs=0.0)
        # The mean is off by no more than its window's values, added up, would be.
        size = float(np.max(drawn.close[row - PERIOD + 1 : row + 1]))
        assert abs(middle[row] - mean) <= 1e-11 * size


@pytest.mark.parametrize("feature", [sma(PERIOD), wma(PERIOD)])
def test_running_sums_do_not_drift(feature):
    """After 200,000 bars the error is what it was after 200: a few units in the last place."""
    close = random_bars(200_000, seed=9).close
    close = 100.0 * np.exp(np.sin(np.log(close)))
    found = compute(feature, close)
    weights = [Fraction(1)] * PERIOD
    if feature.indicator.name == "wma":
        weights = [Fraction(k) for k in range(1, PERIOD + 1)]
    for row in (*range(180, 220), *range(199_960, 200_000)):
        values = [Fraction(float(v)) for v in close[row - PERIOD + 1 : row + 1]]
        exact = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
        assert abs(found[row] - float(exact)) <= 1e-13 * float(exact)


@pytest.mark.parametrize("period", [*range(1, 70), 255, 256, 257])
def test_extremes_are_exact(period):
    close = random_bars(600, seed=period).close
    windows = np.lib.stride_tricks.sliding_window_view(close, period)

    largest = compute(rolling_max(period), close)
    smallest = compute(rolling_min(period), close)

    assert np.array_equal(largest[period - 1 :], windows.max(axis=1))
    assert np.array_equal(smallest[period - 1 :], windows.min(axis=1))
    assert np.all(np.isnan(largest[: period - 1]))


@pytest.mark.parametrize("level", [1e-8, 0.1, 123.456, 1e12])
def test_a_window_that_stands_still_is_exact(level):
    """From the bar on which all values are equal, whatever came before: no rounding is left."""
    before = 1e3 * level * (1.0 + 0.1 * np.random.default_rng(3).standard_normal(75))
    close = np.concatenate([before, np.full(60, level)])
    still = slice(75 + PERIOD, None)
    zeros = np.where(np.arange(135) < 75, close, 0.0)

    value, slope = compute(linear_regression(PERIOD), close)
    pair = compute(correlation(PERIOD), close, before[np.arange(135) % 75])

    assert np.all(slope[still] == 0.0)
    assert np.all(value[still] == level)
    assert np.all(pair[still] == 0.0)
    assert np.all(compute(zscore(PERIOD), close)[still] == 0.0)
    assert np.all(compute(efficiency_ratio(PERIOD), close)[still] == 1.0)
    assert np.all(compute(deviation_score(PERIOD), close)[still] == 0.0)
    assert np.all(compute(rolling_sum(PERIOD), zeros)[still] == 0.0)
    average = compute(vwma(PERIOD), close, np.ones(135))[still]
    assert np.all(np.abs(average - level) <= 1e-12 * level)
    assert np.all(compute(vwma(PERIOD), close, zeros)[still] == level)
    assert np.all(compute(money_flow_index(PERIOD), close, np.ones(135))[still] == 0.0)


# Feature, its smallest and its largest value; the widest is of prices 1e20 times apart.
RANGES = [
    (adx(5).adx, 0.0, 100.0), (adx(5).plus_di, 0.0, 100.0), (aroon(7).up, 0.0, 100.0),
    (bars_since_highest(9), 0.0, 8.0),  (cmf(6), -1.0, 1.0),
    (cmo(5), -100.0, 100.0), (correlation(6), -1.0, 1.0), (efficiency_ratio(6), 0.0, 1.0),
    (mfi(5), 0.0, 100.0), (percent_rank(8), 0.0, 100.0), (stochastic(5, 3, 3).d, 0.0, 100.0),
    (stochastic_rsi(5, 4).k, 0.0, 100.0), (ultimate_oscillator(3, 5, 8), 0.0, 100.0),
    (volatility_percentile(9, 4), 0.0, 1.0), (williams_r(6), -100.0, 0.0),
]  # fmt: skip


@quick(60)
@given(bars(min_bars=40), st.sampled_from(RANGES))
def test_values_stay_in_their_range(drawn, case):
    """On any bars, still ones and jumps by 1e20 included, but for the last digits."""
    feature, low, high = case
    output = feature if isinstance(feature, Output) else Output(feature, 0)
    found = compute(output, *(drawn[k] for k in bar_columns_of([output])))
    room = 1e-9 * (high - low)

    assert not np.any(found < low - room)
    assert not np.any(found > high + room)


def test_building_blocks():
    close = random_bars(300, seed=1).close
    lags = (0, 3, 6, 10)
    chosen = np.stack([close[10 - lag : 300 - lag] for lag in lags])

    assert np.array_equal(compute(largest_of_four(3, 10), close)[10:], chosen.max(axis=0))
    assert np.array_equal(compute(smallest_of_four(3, 10), close)[10:], chosen.min(axis=0))
    assert np.array_equal(compute(shift(4), close)[4:], close[:-4])
    assert np.array_equal(compute(shift(0), close), close)
